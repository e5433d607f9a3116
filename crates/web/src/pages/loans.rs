//! 貸出・持出し: what is out, lending and taking out on one short page, and every act on a loan at its own address.

use std::collections::BTreeMap;

use app::{FieldError, OpenLoan, StoredRow};
use askama::Template;
use axum::extract::{Path, Query};
use domain::authz::Permission;
use domain::text::fold;
use domain::workflow::loan::{Lend, Place};
use domain::workflow::overdue_days;
use jiff::civil::Date;

use crate::form::{Errors, Fields};
use crate::guard::Visit;
use crate::page::{Chrome, PageResult, Problem, done, go};
use crate::pages::ledgers::{find, segment};
use crate::pages::rows::{self, Offered, Seal, State, called, offered};

/// The address of a loan.
pub(crate) fn address(no: &str) -> String {
    format!("/loans/{}", segment(no))
}

/// A loan in a list.
pub(crate) struct Line {
    pub(crate) href: String,
    pub(crate) device: String,
    pub(crate) borrower: String,
    pub(crate) place: String,
    pub(crate) due_on: Option<Date>,
    pub(crate) state: State,
    pub(crate) is_out: bool,
}

impl Line {
    /// The line of an open loan.
    pub(crate) fn of(c: &Chrome, loan: &OpenLoan) -> Result<Self, Problem> {
        let ledger = find("loans")?;
        let state = match loan.overdue_days {
            0 => State::of_request(&loan.state, rows::shown(ledger, &loan.stored, "state", c.lang)),
            days => State::bad(c.with("loans-late", "days", days)),
        };
        Ok(Self {
            href: address(&loan.stored.key),
            device: loan.device.clone(),
            borrower: loan.borrower.clone(),
            place: rows::shown(ledger, &loan.stored, "place", c.lang),
            due_on: loan.due_on,
            state,
            is_out: loan.state == "lent",
        })
    }
}

#[derive(Template)]
#[template(path = "loans_list.html")]
struct List {
    c: Chrome,
    q: String,
    lines: Vec<Line>,
    history: bool,
}

/// What is out or on its way, the longest overdue first. A device that was scanned leads straight to its return.
pub(crate) async fn list(visit: Visit, Query(given): Query<BTreeMap<String, String>>) -> PageResult {
    let q = given.get("device").cloned().unwrap_or_default();
    let wanted = fold(&q);
    let mut open = visit.app().loans_open(visit.facility()?).await?;
    open.retain(|loan| fold(&loan.device).contains(&wanted) || fold(&loan.borrower).contains(&wanted));
    if let ([only], false) = (open.as_slice(), wanted.is_empty()) {
        return Ok(go(&address(&only.stored.key)));
    }
    let c = visit.chrome("loans-title");
    let lines = open.iter().map(|loan| Line::of(&c, loan)).collect::<Result<_, _>>()?;
    visit.page(&List { c, q, lines, history: visit.me()?.may(Permission::ReadLedgers) })
}

#[derive(Template)]
#[template(path = "loans_form.html")]
struct Form {
    c: Chrome,
    errors: Errors,
    f: Fields,
    /// Where it is sent.
    to: String,
    /// Why it was sent back, if it was.
    reason: Option<String>,
    devices: Offered,
    people: Offered,
    places: Vec<(&'static str, String)>,
    answers: Vec<(&'static str, String)>,
}

impl Form {
    async fn of(visit: &Visit, title: &str, to: String, f: Fields) -> Result<Self, Problem> {
        let c = visit.chrome(title);
        Ok(Self {
            errors: Errors::default(),
            to,
            reason: None,
            devices: offered(visit, "devices").await?,
            people: offered(visit, "people").await?,
            places: rows::options("loans", "place", c.lang),
            answers: rows::yes_no(&c),
            c,
            f,
        })
    }

    fn refused(mut self, errors: Errors) -> Self {
        self.errors = errors;
        self.c.failed = true;
        self
    }
}

/// The form; `?device=` says which device.
pub(crate) async fn new(visit: Visit, Query(given): Query<BTreeMap<String, String>>) -> PageResult {
    let f = [
        ("device", given.get("device").cloned().unwrap_or_default()),
        ("borrower", rows::myself(&visit)?),
        ("due_on", visit.app().today().to_string()),
        ("place", given.get("place").cloned().unwrap_or_else(|| "inside".to_owned())),
    ];
    visit.page(&Form::of(&visit, "loans-new", "/loans/new".to_owned(), f.into_iter().collect()).await?)
}

/// What was asked for at the counter.
fn asked(visit: &Visit, fields: &Fields) -> Result<Lend, Errors> {
    let Ok(ledger) = find("loans") else { return Err(Errors::default()) };
    let mut faults = Vec::new();
    let from_on = rows::date(fields, ledger, "from_on", &mut faults);
    let due_on = rows::date(fields, ledger, "due_on", &mut faults);
    let place = if fields.get("place") == "outside" { Place::Outside } else { Place::Inside };
    if place == Place::Outside && fields.get("patient_data").is_empty() {
        faults.push(FieldError::new("patient_data", visit.chrome("loans-new").t("loans-patient-missing")));
    }
    if !faults.is_empty() {
        return Err(Errors(faults));
    }
    Ok(Lend {
        device: fields.get("device").to_owned(),
        borrower: fields.get("borrower").to_owned(),
        from_on,
        due_on,
        purpose: fields.get("purpose").to_owned(),
        place,
        patient_data: match fields.get("patient_data") {
            "" => None,
            word => Some(word == "yes"),
        },
        unencrypted_reason: fields.get("unencrypted_reason").to_owned(),
    })
}

/// Lends in the house, or applies for taking out.
pub(crate) async fn lend(visit: Visit, fields: Fields) -> PageResult {
    let errors = match asked(&visit, &fields) {
        Ok(lend) => match visit.app().lend(&visit.me()?.actor(), visit.facility()?, lend).await {
            Ok(stored) => return Ok(lent(&stored)),
            Err(error) => Errors::of(error)?,
        },
        Err(errors) => errors,
    };
    visit.again(&Form::of(&visit, "loans-new", "/loans/new".to_owned(), fields).await?.refused(errors))
}

fn lent(stored: &StoredRow) -> axum::response::Response {
    let word = if rows::text(stored, "state") == "lent" { "loans-lent" } else { "loans-applied" };
    done(&address(&stored.key), word, &[("device", &rows::text(stored, "device"))])
}

async fn fetch(visit: &Visit, no: &str) -> Result<StoredRow, Problem> {
    Ok(visit.app().row(visit.facility()?, find("loans")?, no).await?)
}

/// The form with an application that was sent back.
pub(crate) async fn again(visit: Visit, Path(no): Path<String>) -> PageResult {
    let stored = fetch(&visit, &no).await?;
    let names = ["device", "borrower", "from_on", "due_on", "place", "purpose", "unencrypted_reason"];
    let mut f: Vec<(&str, String)> = names.iter().map(|name| (*name, rows::text(&stored, name))).collect();
    let patient_data = match rows::text(&stored, "patient_data").as_str() {
        "" => "",
        "1" => "yes",
        _ => "no",
    };
    f.push(("patient_data", patient_data.to_owned()));
    f.push(("rev", stored.rev.to_string()));
    let mut form = Form::of(&visit, "loans-amend", format!("{}/amend", address(&no)), f.into_iter().collect()).await?;
    form.reason = Some(rows::text(&stored, "decision_reason")).filter(|reason| !reason.is_empty());
    visit.page(&form)
}

/// Applies again.
pub(crate) async fn amend(visit: Visit, Path(no): Path<String>, fields: Fields) -> PageResult {
    let (actor, facility) = (visit.me()?.actor(), visit.facility()?);
    let errors = match asked(&visit, &fields) {
        Ok(lend) => match visit.app().loan_amend(&actor, facility, &no, rows::rev(&fields), lend).await {
            Ok(stored) => return Ok(lent(&stored)),
            Err(error) => Errors::of(error)?,
        },
        Err(errors) => errors,
    };
    let to = format!("{}/amend", address(&no));
    visit.again(&Form::of(&visit, "loans-amend", to, fields).await?.refused(errors))
}

#[derive(Template)]
#[template(path = "loans_show.html")]
struct Show {
    c: Chrome,
    errors: Errors,
    f: Fields,
    href: String,
    rev: i64,
    /// Code of its state; the acts that are possible follow from it.
    code: String,
    takes_back: bool,
    cancels: bool,
    state: State,
    /// Its device, for addresses.
    device: String,
    facts: Vec<(&'static str, String)>,
    seal: Option<Seal>,
    inspections: Vec<(&'static str, String)>,
    approves: bool,
}

/// One loan, with what can be done now.
pub(crate) async fn show(visit: Visit, Path(no): Path<String>) -> PageResult {
    visit.page(&detail(&visit, &no, Fields::default()).await?)
}

async fn detail(visit: &Visit, no: &str, f: Fields) -> Result<Show, Problem> {
    let ledger = find("loans")?;
    let stored = fetch(visit, no).await?;
    let (devices, people) = (offered(visit, "devices").await?, offered(visit, "people").await?);
    let mut c = visit.chrome("loans-title");
    let device = rows::text(&stored, "device");
    c.title = c.with2("loans-one", "no", &stored.key, "device", called(&devices, &device));
    let name_of = |of: &str, key: &str| match of {
        "devices" => format!("{key} {}", called(&devices, key)),
        _ => called(&people, key),
    };
    let code = rows::text(&stored, "state");
    let state = match overdue_days(rows::day(&stored, "due_on"), visit.app().today()) {
        days if days > 0 && code == "lent" => State::bad(c.with("loans-late", "days", days)),
        _ => State::of_request(&code, rows::shown(ledger, &stored, "state", c.lang)),
    };
    Ok(Show {
        errors: Errors::default(),
        f,
        href: address(&stored.key),
        rev: stored.rev,
        state,
        facts: rows::facts(&c, ledger, &stored, &["no", "state", "sole"], name_of),
        seal: Seal::of(&stored),
        inspections: rows::options("loans", "inspection", c.lang),
        approves: visit.me()?.may(Permission::Approve),
        takes_back: matches!(code.as_str(), "lent" | "lost"),
        cancels: matches!(code.as_str(), "applied" | "sent_back" | "approved"),
        code,
        device: segment(&device),
        c,
    })
}

/// Says what was done, or shows the loan again with why not.
async fn after(
    visit: &Visit,
    no: &str,
    fields: Fields,
    outcome: app::Result<StoredRow>,
    to: &str,
    word: &str,
) -> PageResult {
    match outcome {
        Ok(stored) => Ok(done(to, word, &[("device", &rows::text(&stored, "device"))])),
        Err(error) => {
            let errors = Errors::of(error)?;
            let mut show = detail(visit, no, fields).await?;
            show.errors = errors;
            show.c.failed = true;
            visit.again(&show)
        }
    }
}

/// Hands an approved device over.
pub(crate) async fn hand_over(visit: Visit, Path(no): Path<String>, fields: Fields) -> PageResult {
    let outcome = visit.app().loan_hand_over(&visit.me()?.actor(), visit.facility()?, &no, rows::rev(&fields)).await;
    after(&visit, &no, fields, outcome, &address(&no), "loans-handed-over").await
}

/// Takes a device back.
pub(crate) async fn take_back(visit: Visit, Path(no): Path<String>, fields: Fields) -> PageResult {
    let inspection = fields.all("inspection").collect::<Vec<_>>().join("+");
    let (actor, facility, rev) = (visit.me()?.actor(), visit.facility()?, rows::rev(&fields));
    let outcome = visit.app().loan_return(&actor, facility, &no, rev, &inspection, fields.get("note")).await;
    after(&visit, &no, fields, outcome, "/loans", "loans-returned").await
}

/// Cancels what was not handed over.
pub(crate) async fn cancel(visit: Visit, Path(no): Path<String>, fields: Fields) -> PageResult {
    let (actor, facility, rev) = (visit.me()?.actor(), visit.facility()?, rows::rev(&fields));
    let outcome = visit.app().loan_cancel(&actor, facility, &no, rev, fields.get("reason")).await;
    after(&visit, &no, fields, outcome, "/loans", "loans-cancelled").await
}
