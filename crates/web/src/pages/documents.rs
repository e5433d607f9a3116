//! 規程・文書: which are approved, which are drafts, and which are to be looked at again.

use app::StoredRow;
use askama::Template;
use domain::authz::Permission;
use domain::evaluate::plus;
use domain::threshold::SOON;
use jiff::civil::Date;

use crate::guard::Visit;
use crate::page::{Chrome, PageResult};
use crate::pages::drafts::{self, Offer};
use crate::pages::ledgers::{address, find};
use crate::pages::rows::{self, Seal, State};

/// A document in the list.
struct Line {
    href: String,
    title: String,
    kind: String,
    version: String,
    owner: String,
    seal: Option<Seal>,
    review_due_on: Option<Date>,
    state: State,
}

#[derive(Template)]
#[template(path = "documents.html")]
struct Documents {
    c: Chrome,
    lines: Vec<Line>,
    /// Drafts to begin with.
    drafts: Vec<Offer>,
    /// Drafts that wait for whoever is signed in.
    to_approve: usize,
    editable: bool,
}

/// How pressing a document is, the most pressing first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Pressing {
    Overdue,
    Draft,
    Soon,
    Fine,
}

fn pressing(stored: &StoredRow, today: Date) -> Pressing {
    match (rows::day(stored, "approved_on"), rows::day(stored, "review_due_on")) {
        (None, _) => Pressing::Draft,
        (_, Some(due)) if due < today => Pressing::Overdue,
        (_, Some(due)) if due <= plus(today, SOON.value) => Pressing::Soon,
        _ => Pressing::Fine,
    }
}

/// Every document, the most pressing first.
pub(crate) async fn list(visit: Visit) -> PageResult {
    let (app, ledger, me) = (visit.app(), find("documents")?, visit.me()?);
    let (c, today) = (visit.chrome("documents-title"), app.today());
    let mut all = app.rows_all(visit.facility()?, ledger).await?;
    all.sort_by_key(|stored| (pressing(stored, today), rows::day(stored, "review_due_on"), stored.key.clone()));
    let approves = me.may(Permission::Approve);
    let waiting = all.iter().filter(|stored| pressing(stored, today) == Pressing::Draft).count();
    let lines = all
        .iter()
        .map(|stored| Line {
            href: address("documents", &stored.key),
            title: rows::text(stored, "title"),
            kind: rows::shown(ledger, stored, "kind", c.lang),
            version: rows::text(stored, "version"),
            owner: rows::text(stored, "owner"),
            seal: Seal::of(stored),
            review_due_on: rows::day(stored, "review_due_on"),
            state: match pressing(stored, today) {
                Pressing::Overdue => State::bad(c.t("documents-overdue")),
                Pressing::Draft => State::warn(c.t("documents-draft")),
                Pressing::Soon => State::warn(c.t("documents-soon")),
                Pressing::Fine => State::good(c.t("documents-approved")),
            },
        })
        .collect();
    let to_approve = if approves { waiting } else { 0 };
    let drafts = drafts::offers(&c, drafts::edition(&visit).await?);
    visit.page(&Documents { c, lines, drafts, to_approve, editable: me.may(Permission::EditLedgers) })
}
