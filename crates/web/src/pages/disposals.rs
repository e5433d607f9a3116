//! 廃棄: what was disposed of and how, and the one form that cannot be taken back.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use app::FieldError;
use askama::Template;
use axum::extract::Query;
use domain::authz::Permission;
use domain::text::fold;
use domain::workflow::disposal::Disposal;
use jiff::civil::Date;

use crate::form::{Errors, Fields};
use crate::guard::Visit;
use crate::page::{Chrome, PageResult, Problem, done};
use crate::pages::ledgers::{address, find};
use crate::pages::rows::{self, Offered, State, offered};

/// A disposal in the list.
struct Line {
    no: String,
    href: String,
    object: String,
    method: String,
    disposed_on: Option<Date>,
    done_by: String,
    certificate: State,
    result: State,
}

#[derive(Template)]
#[template(path = "disposals_list.html")]
struct List {
    c: Chrome,
    lines: Vec<Line>,
    editable: bool,
}

/// Every disposal, the newest first.
pub(crate) async fn list(visit: Visit) -> PageResult {
    let ledger = find("disposals")?;
    let c = visit.chrome("disposals-title");
    let mut all = visit.app().rows_all(visit.facility()?, ledger).await?;
    all.retain(|stored| visit.see(ledger, stored).is_ok());
    all.sort_by_key(|stored| Reverse((rows::day(stored, "disposed_on"), stored.key.clone())));
    let lines = all
        .iter()
        .map(|stored| {
            let (certificate, result) = (rows::text(stored, "certificate"), rows::text(stored, "result"));
            let word = rows::shown(ledger, stored, "result", c.lang);
            Line {
                no: stored.key.clone(),
                href: address("disposals", &stored.key),
                object: format!("{} {}", rows::text(stored, "device"), rows::text(stored, "object")),
                method: rows::shown(ledger, stored, "method", c.lang),
                disposed_on: rows::day(stored, "disposed_on"),
                done_by: rows::text(stored, "done_by"),
                certificate: match certificate.as_str() {
                    "" => State::warn(c.t("disposals-no-certificate")),
                    _ => State::good(certificate),
                },
                result: match result.as_str() {
                    "ok" => State::good(word),
                    "" => State::warn(c.t("unknown-answer")),
                    _ => State::bad(word),
                },
            }
        })
        .collect();
    visit.page(&List { c, lines, editable: visit.me()?.may(Permission::EditLedgers) })
}

#[derive(Template)]
#[template(path = "disposals_form.html")]
struct Form {
    c: Chrome,
    errors: Errors,
    f: Fields,
    devices: Offered,
    methods: Vec<(&'static str, String)>,
    results: Vec<(&'static str, String)>,
}

async fn form(visit: &Visit, f: Fields, errors: Errors, devices: Offered) -> Result<Form, Problem> {
    let mut c = visit.chrome("disposals-new");
    c.failed = !errors.is_empty();
    let (methods, results) =
        (rows::options("disposals", "method", c.lang), rows::options("disposals", "result", c.lang));
    Ok(Form { c, errors, f, devices, methods, results })
}

/// The form; `?device=` says which device.
pub(crate) async fn new(visit: Visit, Query(given): Query<BTreeMap<String, String>>) -> PageResult {
    let device = given.get("device").cloned().unwrap_or_default();
    let today = visit.app().today().to_string();
    let f = [("device", device), ("disposed_on", today), ("result", "ok".to_owned())].into_iter().collect();
    let devices = offered(&visit, "devices").await?;
    visit.page(&form(&visit, f, Errors::default(), devices).await?)
}

/// Records a disposal, once the number was typed a second time.
pub(crate) async fn dispose(visit: Visit, fields: Fields) -> PageResult {
    let devices = offered(&visit, "devices").await?;
    let field = |name: &str| fields.get(name).to_owned();
    let mut faults = Vec::new();
    let disposed_on = rows::date(&fields, find("disposals")?, "disposed_on", &mut faults);
    let wanted = fold(&field("device"));
    let named = |name: &Option<String>| name.as_deref().is_some_and(|name| fold(name) == wanted);
    let meant = devices.iter().find(|(key, name)| fold(key) == wanted || named(name));
    if meant.is_some_and(|(key, _)| fold(key) != fold(&field("confirm"))) {
        faults.push(FieldError::new("confirm", visit.chrome("disposals-new").t("disposals-confirm-differs")));
    }
    if !faults.is_empty() {
        return visit.again(&form(&visit, fields, Errors(faults), devices).await?);
    }
    let disposal = Disposal {
        device: field("device"),
        object: field("object"),
        holds: field("holds"),
        method: field("method"),
        disposed_on,
        done_by: field("done_by"),
        qualification: field("qualification"),
        witness: field("witness"),
        failed: fields.get("result") == "failed",
        certificate: field("certificate"),
        approved_by: field("approved_by"),
        note: field("note"),
    };
    match visit.app().dispose(&visit.me()?.actor(), visit.facility()?, disposal).await {
        Ok(stored) => Ok(done("/disposals", "disposals-done", &[("no", &stored.key)])),
        Err(error) => visit.again(&form(&visit, fields, Errors::of(error)?, devices).await?),
    }
}
