//! The day's work for programs: tasks, loans, losses, and what waits for approval.
//!
//! Approving is left out on purpose: it is a person's act.

use app::{Group, NewCircular, OpenLoan, StoredRow, TaskLink};
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::IntoResponse as _;
use domain::ledger::{Column, Ledger};
use domain::workflow::loan::{Lend, Place};
use serde_json::{Value, json};

use super::ledgers::row_json;
use super::values::Entered;
use super::{ApiResult, Asked, Body, Caller, acts, answer, named};
use crate::page::Problem;
use crate::pages::ledgers::find;

/// The columns of a loan that whoever lends states.
pub(crate) const LENDING: [&str; 8] =
    ["device", "borrower", "purpose", "place", "patient_data", "unencrypted_reason", "from_on", "due_on"];

/// The code of a task's group.
pub(crate) const fn group(group: Group) -> &'static str {
    match group {
        Group::Overdue => "overdue",
        Group::Today => "today",
        Group::ThisWeek => "this_week",
        Group::Waiting => "waiting",
        Group::Later => "later",
    }
}

/// What there is to do.
pub(crate) async fn tasks(caller: Caller, asked: Asked) -> ApiResult {
    asked.done()?;
    let assessment = caller.app().assess(caller.facility()).await?;
    let tasks = caller.app().tasks(caller.facility(), &assessment).await?;
    let tasks: Vec<Value> = tasks
        .iter()
        .map(|task| {
            let link = match &task.link {
                TaskLink::Requirement(id) => json!({ "requirement": id }),
                TaskLink::Row { ledger, key } => json!({ "ledger": ledger, "key": key }),
                TaskLink::Ledger(ledger) => json!({ "ledger": ledger }),
                TaskLink::Sources => json!({ "ledger": "log_sources" }),
                TaskLink::Cases => json!({ "ledger": "records" }),
                TaskLink::Circulars => json!({}),
                TaskLink::Request(no) => json!({ "request": no }),
                TaskLink::User { id, person } => json!({ "user": id, "ledger": "people", "key": person }),
            };
            let due_on = task.due_on.map(|day| day.to_string());
            json!({ "group": group(task.group), "title": task.title, "link": link, "due_on": due_on, "owner": task.owner })
        })
        .collect();
    Ok(answer(StatusCode::OK, &json!({ "tasks": tasks })))
}

/// What waits for approval.
pub(crate) async fn approvals(caller: Caller, asked: Asked) -> ApiResult {
    asked.done()?;
    let pending = caller.app().approvals_pending(caller.facility()).await?;
    let pending: Vec<Value> = pending
        .into_iter()
        .map(|p| {
            let asked_on = p.asked_on.map(|day| day.to_string());
            json!({
                "ledger": p.ledger, "key": p.key, "rev": p.rev, "title": p.title,
                "asked_by": p.asked_by, "asked_on": asked_on, "with": p.passage.with,
                "checked": p.passage.checked.iter().map(|(name, _)| name).collect::<Vec<_>>(),
            })
        })
        .collect();
    Ok(answer(StatusCode::OK, &json!({ "approvals": pending })))
}

/// What is passed round, as the account sees it.
pub(crate) async fn circulars(caller: Caller, asked: Asked) -> ApiResult {
    asked.done()?;
    let all = caller.app().circulars(caller.facility(), caller.user()).await?;
    let all: Vec<Value> = all
        .iter()
        .map(|circular| {
            let seen = circular.readers.iter().filter(|(_, at)| at.is_some());
            json!({
                "id": circular.id, "ledger": circular.ledger, "key": circular.key, "title": circular.title,
                "note": circular.note, "by": circular.by, "at": circular.at.to_string(),
                "due_on": circular.due_on.map(|day| day.to_string()), "with": circular.with().collect::<Vec<_>>(),
                "seen": seen.map(|(name, _)| name).collect::<Vec<_>>(),
            })
        })
        .collect();
    Ok(answer(StatusCode::OK, &json!({ "circulars": all })))
}

/// Passes a row round.
pub(crate) async fn pass_round(caller: Caller, asked: Asked, Body(body): Body) -> ApiResult {
    asked.done()?;
    let mut entered = Entered::of(body);
    let new = NewCircular {
        ledger: entered.text("ledger"),
        key: entered.text("key"),
        readers: entered.texts("readers", acts::MOST),
        note: entered.text("note"),
        due_on: entered.day("due_on").map(|day| day.to_string()).unwrap_or_default(),
    };
    entered.done()?;
    caller.app().circular_begin(caller.program(), caller.facility(), &new).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Ends that.
pub(crate) async fn end_round(caller: Caller, id: Path<String>, asked: Asked, Body(body): Body) -> ApiResult {
    asked.done()?;
    Entered::of(body).done()?;
    caller.app().circular_end(caller.program(), caller.facility(), &named(id)?).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// The loans that are not over.
pub(crate) async fn loans(caller: Caller, asked: Asked) -> ApiResult {
    asked.done()?;
    let ledger = find("loans")?;
    let open = caller.app().loans_open(caller.facility()).await?;
    let one = |loan: &OpenLoan| {
        json!({
            "state": loan.state,
            "device": loan.device,
            "borrower": loan.borrower,
            "due_on": loan.due_on.map(|day| day.to_string()),
            "overdue_days": loan.overdue_days,
            "row": row_json(ledger, &loan.stored),
        })
    };
    Ok(answer(StatusCode::OK, &json!({ "loans": open.iter().map(one).collect::<Vec<_>>() })))
}

fn column(ledger: &'static Ledger, name: &str) -> Result<&'static Column, Problem> {
    ledger.column(name).ok_or_else(|| app::Error::Internal { message: format!("{}.{name}", ledger.name) }.into())
}

fn shown(status: StatusCode, stored: &StoredRow, ledger: &str) -> ApiResult {
    Ok(answer(status, &row_json(find(ledger)?, stored)))
}

/// The loan that is asked for.
fn lend_of(entered: &mut Entered) -> Result<Lend, Problem> {
    let ledger = find("loans")?;
    let mut cell = |name: &str| Ok::<_, Problem>(entered.cell(column(ledger, name)?));
    Ok(Lend {
        device: cell("device")?,
        borrower: cell("borrower")?,
        from_on: cell("from_on")?.parse().ok(),
        due_on: cell("due_on")?.parse().ok(),
        purpose: cell("purpose")?,
        place: if cell("place")? == "outside" { Place::Outside } else { Place::Inside },
        patient_data: match cell("patient_data")?.as_str() {
            "" => None,
            word => Some(word == "はい"),
        },
        unencrypted_reason: cell("unencrypted_reason")?,
    })
}

/// Lends a device, or applies for taking it out.
pub(crate) async fn lend(caller: Caller, asked: Asked, Body(body): Body) -> ApiResult {
    asked.done()?;
    let mut entered = Entered::of(body);
    let lend = lend_of(&mut entered)?;
    entered.done()?;
    shown(StatusCode::CREATED, &caller.app().lend(&caller.actor(), caller.facility(), lend).await?, "loans")
}

/// Applies again with what was sent back.
pub(crate) async fn amend(caller: Caller, no: Path<String>, asked: Asked, Body(body): Body) -> ApiResult {
    asked.done()?;
    let mut entered = Entered::of(body);
    let (rev, lend) = (entered.rev(), lend_of(&mut entered)?);
    entered.done()?;
    let (actor, no) = (caller.actor(), named(no)?);
    shown(StatusCode::OK, &caller.app().loan_amend(&actor, caller.facility(), &no, rev, lend).await?, "loans")
}

/// Hands an approved device over.
pub(crate) async fn hand_over(caller: Caller, no: Path<String>, asked: Asked, Body(body): Body) -> ApiResult {
    asked.done()?;
    let mut entered = Entered::of(body);
    let rev = entered.rev();
    entered.done()?;
    let (actor, no) = (caller.actor(), named(no)?);
    shown(StatusCode::OK, &caller.app().loan_hand_over(&actor, caller.facility(), &no, rev).await?, "loans")
}

/// Takes a device back.
pub(crate) async fn take_back(caller: Caller, no: Path<String>, asked: Asked, Body(body): Body) -> ApiResult {
    asked.done()?;
    let ledger = find("loans")?;
    let mut entered = Entered::of(body);
    let rev = entered.rev();
    let (inspection, note) = (entered.cell(column(ledger, "inspection")?), entered.cell(column(ledger, "note")?));
    entered.done()?;
    let (actor, no) = (caller.actor(), named(no)?);
    let returned = caller.app().loan_return(&actor, caller.facility(), &no, rev, &inspection, &note).await?;
    shown(StatusCode::OK, &returned, "loans")
}

/// Cancels what was not handed over.
pub(crate) async fn cancel(caller: Caller, no: Path<String>, asked: Asked, Body(body): Body) -> ApiResult {
    asked.done()?;
    let mut entered = Entered::of(body);
    let (rev, reason) = (entered.rev(), entered.text("reason"));
    entered.done()?;
    let (actor, no) = (caller.actor(), named(no)?);
    shown(StatusCode::OK, &caller.app().loan_cancel(&actor, caller.facility(), &no, rev, &reason).await?, "loans")
}

/// Reports a device or medium lost.
pub(crate) async fn lose(caller: Caller, asked: Asked, Body(body): Body) -> ApiResult {
    asked.done()?;
    let mut entered = Entered::of(body);
    let (device, what_happened) = (entered.text("device"), entered.text("what_happened"));
    entered.done()?;
    let incident = caller.app().report_lost(&caller.actor(), caller.facility(), &device, &what_happened).await?;
    shown(StatusCode::CREATED, &incident, "records")
}

/// Reports a suspected attack.
pub(crate) async fn incident(caller: Caller, asked: Asked, Body(body): Body) -> ApiResult {
    asked.done()?;
    let mut entered = Entered::of(body);
    let (place, what) = (entered.text("place"), entered.text("what_happened"));
    entered.done()?;
    let no = caller.app().report_incident(&caller.actor(), caller.facility(), &place, &what).await?;
    Ok(answer(StatusCode::CREATED, &json!({ "record": no })))
}
