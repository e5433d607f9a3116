//! 個人端末の利用 (BYOD): forbidden unless approved; who may use what until when, applying, ending.

use std::collections::BTreeMap;

use app::StoredRow;
use askama::Template;
use axum::extract::{Path, Query};
use domain::authz::Permission;
use domain::workflow::approval::same_person;
use domain::workflow::byod::{self, Permit};
use jiff::civil::Date;

use crate::form::{Errors, Fields};
use crate::guard::Visit;
use crate::page::{Chrome, PageResult, Problem, done};
use crate::pages::ledgers::{find, segment};
use crate::pages::rows::{self, Offered, Seal, State, called, offered};

/// A permit in the list.
struct Line {
    href: String,
    rev: i64,
    device: String,
    person: String,
    conditions: String,
    until_on: Option<Date>,
    state: State,
    code: String,
    reason: String,
    seal: Option<Seal>,
}

#[derive(Template)]
#[template(path = "byod_list.html")]
struct List {
    c: Chrome,
    lines: Vec<Line>,
    ends: bool,
}

/// The permits: one's own, or all for who reads ledgers.
pub(crate) async fn list(visit: Visit) -> PageResult {
    let (app, ledger, me) = (visit.app(), find("byod")?, visit.me()?);
    let c = visit.chrome("byod-title");
    let people = offered(&visit, "people").await?;
    let (mine, all, today) = (rows::myself(&visit)?, me.may(Permission::ReadLedgers), app.today());
    let own = |stored: &StoredRow| {
        rows::text(stored, "person") == mine || same_person(&rows::text(stored, "applied_by"), &me.user.name)
    };
    let mut permits = app.rows_all(visit.facility()?, ledger).await?;
    permits.retain(|stored| all || own(stored));
    permits.sort_by_key(|stored| (is_over(stored), std::cmp::Reverse(stored.key.clone())));
    let lines = permits
        .iter()
        .map(|stored| {
            let code = rows::text(stored, "state");
            let word = rows::shown(ledger, stored, "state", c.lang);
            Line {
                href: format!("/byod/{}", segment(&stored.key)),
                rev: stored.rev,
                device: rows::text(stored, "device"),
                person: called(&people, &rows::text(stored, "person")),
                conditions: rows::shown(ledger, stored, "conditions", c.lang),
                until_on: rows::day(stored, "until_on"),
                state: if code == "approved" && !byod::is_current(&stored.row, today) {
                    State::bad(c.t("byod-run-out"))
                } else {
                    State::of_request(&code, word)
                },
                reason: rows::text(stored, "decision_reason"),
                seal: Seal::of(stored),
                code,
            }
        })
        .collect();
    visit.page(&List { c, lines, ends: me.may(Permission::EditLedgers) })
}

fn is_over(stored: &StoredRow) -> bool {
    matches!(rows::text(stored, "state").as_str(), "ended" | "refused")
}

#[derive(Template)]
#[template(path = "byod_form.html")]
struct Form {
    c: Chrome,
    errors: Errors,
    f: Fields,
    to: String,
    reason: Option<String>,
    people: Offered,
    conditions: Vec<(&'static str, String)>,
}

impl Form {
    async fn of(visit: &Visit, to: String, f: Fields, errors: Errors) -> Result<Self, Problem> {
        let mut c = visit.chrome("byod-new");
        c.failed = !errors.is_empty();
        let conditions = rows::options("byod", "conditions", c.lang);
        Ok(Self { c, errors, f, to, reason: None, people: offered(visit, "people").await?, conditions })
    }
}

/// The form.
pub(crate) async fn new(visit: Visit, Query(given): Query<BTreeMap<String, String>>) -> PageResult {
    let device = given.get("device").cloned().unwrap_or_default();
    let f = [("person", rows::myself(&visit)?), ("device", device)].into_iter().collect();
    visit.page(&Form::of(&visit, "/byod/new".to_owned(), f, Errors::default()).await?)
}

fn asked(fields: &Fields) -> Result<Permit, Errors> {
    let Ok(ledger) = find("byod") else { return Err(Errors::default()) };
    let mut faults = Vec::new();
    let until_on = rows::date(fields, ledger, "until_on", &mut faults);
    if !faults.is_empty() {
        return Err(Errors(faults));
    }
    Ok(Permit {
        person: fields.get("person").to_owned(),
        device: fields.get("device").to_owned(),
        os: fields.get("os").to_owned(),
        purpose: fields.get("purpose").to_owned(),
        conditions: fields.all("conditions").collect::<Vec<_>>().join("+"),
        until_on,
    })
}

/// Applies.
pub(crate) async fn apply(visit: Visit, fields: Fields) -> PageResult {
    let errors = match asked(&fields) {
        Ok(permit) => match visit.app().byod_apply(&visit.me()?.actor(), visit.facility()?, permit).await {
            Ok(stored) => return Ok(done("/byod", "byod-applied", &[("no", &stored.key)])),
            Err(error) => Errors::of(error)?,
        },
        Err(errors) => errors,
    };
    visit.again(&Form::of(&visit, "/byod/new".to_owned(), fields, errors).await?)
}

/// The form with an application that was sent back.
pub(crate) async fn again(visit: Visit, Path(no): Path<String>) -> PageResult {
    let stored = visit.app().row(visit.facility()?, find("byod")?, &no).await?;
    let names = ["person", "device", "os", "purpose", "until_on"];
    let mut f: Vec<(&str, String)> = names.iter().map(|name| (*name, rows::text(&stored, name))).collect();
    f.extend(rows::text(&stored, "conditions").split('+').map(|code| ("conditions", code.to_owned())));
    f.push(("rev", stored.rev.to_string()));
    let to = format!("/byod/{}/amend", segment(&no));
    let mut form = Form::of(&visit, to, f.into_iter().collect(), Errors::default()).await?;
    form.reason = Some(rows::text(&stored, "decision_reason")).filter(|reason| !reason.is_empty());
    visit.page(&form)
}

/// Applies again.
pub(crate) async fn amend(visit: Visit, Path(no): Path<String>, fields: Fields) -> PageResult {
    let (actor, facility) = (visit.me()?.actor(), visit.facility()?);
    let errors = match asked(&fields) {
        Ok(permit) => match visit.app().byod_amend(&actor, facility, &no, rows::rev(&fields), permit).await {
            Ok(stored) => return Ok(done("/byod", "byod-applied", &[("no", &stored.key)])),
            Err(error) => Errors::of(error)?,
        },
        Err(errors) => errors,
    };
    visit.again(&Form::of(&visit, format!("/byod/{}/amend", segment(&no)), fields, errors).await?)
}

/// Refuses for good.
pub(crate) async fn refuse(visit: Visit, Path(no): Path<String>, fields: Fields) -> PageResult {
    let (actor, facility) = (visit.me()?.actor(), visit.facility()?);
    match visit.app().byod_refuse(&actor, facility, &no, rows::rev(&fields), fields.get("reason")).await {
        Ok(stored) => Ok(done("/approvals", "byod-refused", &[("no", &stored.key)])),
        Err(error) => super::approvals::again(&visit, Errors::of(error)?, ("byod", &no), &fields).await,
    }
}

/// Ends the use.
pub(crate) async fn end(visit: Visit, Path(no): Path<String>, fields: Fields) -> PageResult {
    let (actor, facility) = (visit.me()?.actor(), visit.facility()?);
    let stored = visit.app().byod_end(&actor, facility, &no, rows::rev(&fields)).await?;
    Ok(done("/byod", "byod-ended", &[("no", &stored.key)]))
}
