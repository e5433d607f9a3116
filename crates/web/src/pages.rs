//! The pages, one module a matter; each has its templates in `templates/` under the same name.

pub(crate) mod account;
pub(crate) mod approvals;
pub(crate) mod assets;
pub(crate) mod byod;
pub(crate) mod checklists;
pub(crate) mod disposals;
pub(crate) mod documents;
pub(crate) mod evidence;
pub(crate) mod help;
pub(crate) mod imports;
pub(crate) mod inspections;
pub(crate) mod jobs;
pub(crate) mod ledgers;
pub(crate) mod loans;
pub(crate) mod lost;
pub(crate) mod media;
pub(crate) mod overrides;
pub(crate) mod requirement;
pub(crate) mod requirements;
pub(crate) mod reset;
pub(crate) mod rows;
pub(crate) mod settings;
pub(crate) mod setup;
pub(crate) mod sign_in;
pub(crate) mod today;
pub(crate) mod training;
pub(crate) mod users;

use crate::page::Problem;

/// What is not there.
pub(crate) async fn lost() -> Problem {
    Problem::from(app::Error::NotFound { what: "ページ".to_owned() })
}
