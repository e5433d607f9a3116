//! 点検: stock-takes, log reviews, self-inspection and audit: when last, when next, and where to record one.

use askama::Template;
use domain::authz::Permission;
use domain::evaluate::plus;
use domain::threshold::SOON;
use jiff::civil::Date;

use crate::guard::Visit;
use crate::page::{Chrome, PageResult};
use crate::pages::ledgers::{address, find};
use crate::pages::rows::{self, State};

/// One kind.
struct Line {
    code: &'static str,
    word: &'static str,
    /// Address, day, person and result of the last one.
    last: Option<(String, Option<Date>, String, String)>,
    within_days: Option<i32>,
    due_on: Option<Date>,
    state: State,
    /// Where it is carried out, where that is here.
    done_at: Option<&'static str>,
}

#[derive(Template)]
#[template(path = "inspections.html")]
struct Inspections {
    c: Chrome,
    lines: Vec<Line>,
    editable: bool,
}

/// Every kind of inspection.
pub(crate) async fn list(visit: Visit) -> PageResult {
    let (app, ledger) = (visit.app(), find("records")?);
    let (c, today) = (visit.chrome("inspections-title"), app.today());
    let mut found = app.inspections(visit.facility()?).await?;
    for inspection in &mut found {
        inspection.last = inspection.last.take().filter(|record| visit.see(ledger, record).is_ok());
    }
    let lines = found
        .into_iter()
        .map(|inspection| Line {
            code: inspection.kind.code,
            word: c.word(inspection.kind.label),
            state: match (&inspection.last, inspection.due_on) {
                (None, _) => State::warn(c.t("inspections-never")),
                (_, Some(due)) if due < today => State::bad(c.t("inspections-overdue")),
                (_, Some(due)) if due <= plus(today, SOON.value) => State::warn(c.t("inspections-soon")),
                _ => State::good(c.t("inspections-done")),
            },
            last: inspection.last.as_ref().map(|record| {
                let result = rows::shown(ledger, record, "result", c.lang);
                let by = rows::text(record, "held_by");
                (address("records", &record.key), rows::day(record, "held_on"), by, result)
            }),
            within_days: inspection.within_days,
            due_on: inspection.due_on,
            done_at: match inspection.kind.code {
                "device_stocktake" => Some("/ledgers/devices"),
                "account_stocktake" => Some("/ledgers/accounts"),
                "self_inspection" => Some("/checklists"),
                _ => None,
            },
        })
        .collect();
    visit.page(&Inspections { c, lines, editable: visit.me()?.may(Permission::EditLedgers) })
}
