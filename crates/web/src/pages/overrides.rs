//! 判定の上書き: asking for a checklist answer that differs from the evidence, and withdrawing it.

use std::collections::BTreeMap;

use app::StoredRow;
use askama::Template;
use axum::extract::Query;
use domain::workflow::overrides::{self, Override};

use crate::form::{Errors, Fields};
use crate::guard::Visit;
use crate::page::{Chrome, PageResult, Problem, done};
use crate::pages::ledgers::find;
use crate::pages::rows::{self, Seal, State};

/// Where another answer to an item is asked for or withdrawn.
pub(crate) fn address(requirement: &str) -> String {
    format!("/overrides/new?requirement={requirement}")
}

/// What was asked about the same requirement.
struct Standing {
    rev: i64,
    state: State,
    facts: Vec<(&'static str, String)>,
    seal: Option<Seal>,
}

#[derive(Template)]
#[template(path = "overrides_form.html")]
struct Form {
    c: Chrome,
    errors: Errors,
    f: Fields,
    /// What the requirement asks, in our words.
    asks: Option<String>,
    answers: Vec<(&'static str, String)>,
    standing: Option<Standing>,
}

async fn form(visit: &Visit, f: Fields, errors: Errors) -> Result<Form, Problem> {
    let (app, ledger) = (visit.app(), find("overrides")?);
    let mut c = visit.chrome("overrides-new");
    c.failed = !errors.is_empty();
    let id = f.get("requirement").trim().to_lowercase();
    let asks = app.catalogs().requirement(&id).map(|(_, requirement)| requirement.summary.in_lang(c.lang).to_owned());
    let known = app.rows_all(visit.facility()?, ledger).await?;
    let stands =
        |row: &StoredRow| rows::text(row, "state") == "applied" || overrides::is_current(&row.row, app.today());
    let standing = known.iter().find(|row| row.key.to_lowercase() == id && stands(row)).map(|row| Standing {
        rev: row.rev,
        state: State::of_request(&rows::text(row, "state"), rows::shown(ledger, row, "state", c.lang)),
        facts: rows::facts(&c, ledger, row, &["requirement", "state", "sole"], |_, key| key.to_owned()),
        seal: Seal::of(row),
    });
    let answers = rows::options("overrides", "answer", c.lang);
    Ok(Form { c, errors, f, asks, answers, standing })
}

/// The form; `?requirement=` says which requirement.
pub(crate) async fn new(visit: Visit, Query(given): Query<BTreeMap<String, String>>) -> PageResult {
    let f = [("requirement", given.get("requirement").map(|id| id.to_lowercase()).unwrap_or_default())];
    visit.page(&form(&visit, f.into_iter().collect(), Errors::default()).await?)
}

/// Asks for it.
pub(crate) async fn apply(visit: Visit, fields: Fields) -> PageResult {
    let mut faults = Vec::new();
    let valid_until = rows::date(&fields, find("overrides")?, "valid_until", &mut faults);
    if !faults.is_empty() {
        return visit.again(&form(&visit, fields, Errors(faults)).await?);
    }
    let asked = Override {
        requirement: fields.get("requirement").trim().to_owned(),
        answer: fields.get("answer").to_owned(),
        reason: fields.get("reason").to_owned(),
        valid_until,
    };
    let to = address(&asked.requirement);
    match visit.app().override_apply(&visit.me()?.actor(), visit.facility()?, asked).await {
        Ok(_) => Ok(done(&to, "overrides-applied", &[])),
        Err(error) => visit.again(&form(&visit, fields, Errors::of(error)?).await?),
    }
}

/// Withdraws it.
pub(crate) async fn withdraw(visit: Visit, fields: Fields) -> PageResult {
    let (actor, facility, id) = (visit.me()?.actor(), visit.facility()?, fields.get("requirement"));
    match visit.app().override_withdraw(&actor, facility, id, rows::rev(&fields), fields.get("because")).await {
        Ok(_) => Ok(done(&address(id), "overrides-withdrawn", &[])),
        Err(error) => visit.again(&form(&visit, fields, Errors::of(error)?).await?),
    }
}
