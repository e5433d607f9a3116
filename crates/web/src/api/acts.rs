//! What people do on pages, for programs: personal devices, disposals, attendance, answers, overrides, stock-takes,
//! imports, papers.
//!
//! Left to people on purpose: approving and signing, which are acts of a person in front of what is shown, and making
//! anything that opens a door (passkeys, passwords, tokens). The tests keep the list.

use std::collections::BTreeMap;

use app::{Attendee, Statement};
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use domain::authz::Permission;
use domain::ledger::{Column, Ledger};
use domain::workflow::byod::Permit;
use domain::workflow::disposal::Disposal;
use domain::workflow::overrides::Override;
use serde_json::{Value, json};

use super::ledgers::row_json;
use super::values::Entered;
use super::{ApiResult, Asked, Body, Caller, answer, named};
use crate::page::Problem;
use crate::pages::ledgers::find;
use crate::pages::requirement::approve;

/// What whoever asks to use a personal device states.
pub(crate) const PERMIT: [&str; 6] = ["person", "device", "os", "purpose", "conditions", "until_on"];
/// What whoever records a disposal states.
pub(crate) const DISPOSAL: [&str; 12] = [
    "device",
    "object",
    "holds",
    "method",
    "disposed_on",
    "done_by",
    "qualification",
    "witness",
    "result",
    "certificate",
    "approved_by",
    "note",
];
/// What whoever asks for another answer states.
pub(crate) const OVERRIDE: [&str; 4] = ["requirement", "answer", "reason", "valid_until"];
/// What whoever answers a requirement states.
pub(crate) const STATEMENT: [&str; 5] = ["answer", "reason", "valid_until", "owner", "target_on"];
/// Rows or people named at once.
pub(crate) const MOST: usize = 1_000;

/// The cells of some columns, as a form has them.
fn cells(entered: &mut Entered, of: &'static Ledger, names: &[&'static str]) -> BTreeMap<String, String> {
    let columns: Vec<&'static Column> = names.iter().filter_map(|name| of.column(name)).collect();
    columns.into_iter().map(|column| (column.name.to_owned(), entered.cell(column))).collect()
}

/// Takes one of the cells.
fn cell(cells: &mut BTreeMap<String, String>, name: &str) -> String {
    cells.remove(name).unwrap_or_default()
}

fn shown(status: StatusCode, ledger: &'static Ledger, stored: &app::StoredRow) -> ApiResult {
    Ok(answer(status, &row_json(ledger, stored)))
}

/// The permit that is asked for.
fn permit_of(entered: &mut Entered, ledger: &'static Ledger) -> Permit {
    let mut given = cells(entered, ledger, &PERMIT);
    Permit {
        person: cell(&mut given, "person"),
        device: cell(&mut given, "device"),
        os: cell(&mut given, "os"),
        purpose: cell(&mut given, "purpose"),
        conditions: cell(&mut given, "conditions"),
        until_on: cell(&mut given, "until_on").parse().ok(),
    }
}

/// Asks to use a personal device.
pub(crate) async fn permit(caller: Caller, asked: Asked, Body(body): Body) -> ApiResult {
    asked.done()?;
    let (ledger, mut entered) = (find("byod")?, Entered::of(body));
    let permit = permit_of(&mut entered, ledger);
    entered.done()?;
    shown(StatusCode::CREATED, ledger, &caller.app().byod_apply(&caller.actor(), caller.facility(), permit).await?)
}

/// Asks again with what was sent back.
pub(crate) async fn permit_amend(caller: Caller, no: Path<String>, asked: Asked, Body(body): Body) -> ApiResult {
    asked.done()?;
    let (ledger, mut entered) = (find("byod")?, Entered::of(body));
    let (rev, permit) = (entered.rev(), permit_of(&mut entered, ledger));
    entered.done()?;
    let again = caller.app().byod_amend(&caller.actor(), caller.facility(), &named(no)?, rev, permit).await?;
    shown(StatusCode::OK, ledger, &again)
}

/// Refuses it for good.
pub(crate) async fn permit_refuse(caller: Caller, no: Path<String>, asked: Asked, Body(body): Body) -> ApiResult {
    asked.done()?;
    let mut entered = Entered::of(body);
    let (rev, reason) = (entered.rev(), entered.text("reason"));
    entered.done()?;
    let refused = caller.app().byod_refuse(&caller.actor(), caller.facility(), &named(no)?, rev, &reason).await?;
    shown(StatusCode::OK, find("byod")?, &refused)
}

/// Ends the use of one.
pub(crate) async fn permit_end(caller: Caller, no: Path<String>, asked: Asked, Body(body): Body) -> ApiResult {
    asked.done()?;
    let mut entered = Entered::of(body);
    let rev = entered.rev();
    entered.done()?;
    let ended = caller.app().byod_end(&caller.actor(), caller.facility(), &named(no)?, rev).await?;
    shown(StatusCode::OK, find("byod")?, &ended)
}

/// Records a disposal.
pub(crate) async fn dispose(caller: Caller, asked: Asked, Body(body): Body) -> ApiResult {
    asked.done()?;
    let (ledger, mut entered) = (find("disposals")?, Entered::of(body));
    let mut given = cells(&mut entered, ledger, &DISPOSAL);
    entered.done()?;
    let disposal = Disposal {
        device: cell(&mut given, "device"),
        object: cell(&mut given, "object"),
        holds: cell(&mut given, "holds"),
        method: cell(&mut given, "method"),
        disposed_on: cell(&mut given, "disposed_on").parse().ok(),
        done_by: cell(&mut given, "done_by"),
        qualification: cell(&mut given, "qualification"),
        witness: cell(&mut given, "witness"),
        failed: cell(&mut given, "result") == "failed",
        certificate: cell(&mut given, "certificate"),
        approved_by: cell(&mut given, "approved_by"),
        note: cell(&mut given, "note"),
    };
    shown(StatusCode::CREATED, ledger, &caller.app().dispose(&caller.actor(), caller.facility(), disposal).await?)
}

/// Enters who took part in a training.
pub(crate) async fn attend(caller: Caller, no: Path<String>, asked: Asked, Body(body): Body) -> ApiResult {
    asked.done()?;
    let (ledger, mut entered) = (find("attendance")?, Entered::of(body));
    let people = entered.texts("people", MOST);
    let mut given = cells(&mut entered, ledger, &["attended_on"]);
    entered.done()?;
    let attended_on = cell(&mut given, "attended_on").parse().ok();
    let people: Vec<Attendee> =
        people.into_iter().map(|person| Attendee { person, attended_on, ..Attendee::default() }).collect();
    let count = caller.app().attend(&caller.actor(), caller.facility(), &named(no)?, &people).await?;
    Ok(answer(StatusCode::OK, &json!({ "entered": count })))
}

/// Asks for another answer on a checklist than the evidence gives.
pub(crate) async fn override_apply(caller: Caller, asked: Asked, Body(body): Body) -> ApiResult {
    asked.done()?;
    let (ledger, mut entered) = (find("overrides")?, Entered::of(body));
    let mut given = cells(&mut entered, ledger, &OVERRIDE);
    entered.done()?;
    let wanted = Override {
        requirement: cell(&mut given, "requirement"),
        answer: cell(&mut given, "answer"),
        reason: cell(&mut given, "reason"),
        valid_until: cell(&mut given, "valid_until").parse().ok(),
    };
    shown(StatusCode::CREATED, ledger, &caller.app().override_apply(&caller.actor(), caller.facility(), wanted).await?)
}

/// Withdraws that.
pub(crate) async fn override_withdraw(caller: Caller, asked: Asked, Body(body): Body) -> ApiResult {
    asked.done()?;
    let mut entered = Entered::of(body);
    let (rev, id, reason) = (entered.rev(), entered.text("requirement"), entered.text("reason"));
    entered.done()?;
    let gone = caller.app().override_withdraw(&caller.actor(), caller.facility(), &id, rev, &reason).await?;
    shown(StatusCode::OK, find("overrides")?, &gone)
}

/// Answers a requirement, or says who acts by when.
pub(crate) async fn attest(caller: Caller, id: Path<String>, asked: Asked, Body(body): Body) -> ApiResult {
    asked.done()?;
    let (ledger, mut entered) = (find("attestations")?, Entered::of(body));
    let mut typed = cells(&mut entered, ledger, &STATEMENT);
    approve(&mut typed, caller.program().may(Permission::Approve), &caller.user().name);
    let said_by = entered.text("said_by");
    entered.done()?;
    let id = named(id)?;
    // A program states what somebody found out; whoever reads it sees through which token it came.
    let said_by = if said_by.is_empty() { caller.actor().name } else { said_by };
    let rev = caller.app().statement_rev(caller.facility(), &id).await?;
    let statement = Statement { requirement: &id, said_by: &said_by, rev, typed: &typed };
    caller.app().attest(&caller.actor(), caller.facility(), statement).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Confirms rows as somebody found them today.
pub(crate) async fn confirm(caller: Caller, name: Path<String>, asked: Asked, Body(body): Body) -> ApiResult {
    asked.done()?;
    let (ledger, mut entered) = (find(&named(name)?)?, Entered::of(body));
    let keys = entered.texts("keys", MOST);
    entered.done()?;
    if keys.is_empty() {
        let message = "keys がありません。確認した行の番号を入れてください。";
        return Err(app::Error::Fields(vec![app::FieldError::new("keys", message)]).into());
    }
    let confirmed = caller.app().confirm_rows(&caller.actor(), caller.facility(), ledger, &keys).await?;
    Ok(answer(StatusCode::OK, &json!({ "confirmed": confirmed })))
}

/// Gives rows the same value in one column.
pub(crate) async fn bulk(caller: Caller, name: Path<String>, asked: Asked, Body(body): Body) -> ApiResult {
    asked.done()?;
    let (ledger, mut entered) = (find(&named(name)?)?, Entered::of(body));
    let (keys, column, value) = (entered.texts("keys", MOST), entered.text("column"), entered.text("value"));
    entered.done()?;
    let fault = |field: &str, message: &str| app::Error::Fields(vec![app::FieldError::new(field, message)]);
    if keys.is_empty() {
        return Err(fault("keys", "keys がありません。変える行の番号を入れてください。").into());
    }
    let known = ledger.column(&column);
    let column = known.ok_or_else(|| fault("column", "そのような列はありません。列の名前を確かめてください。"))?;
    let (actor, facility, file) = (caller.actor(), caller.facility(), format!("API：{}", column.label.ja));
    let changed = caller.app().change_rows(&actor, facility, ledger, &keys, column, &value, &file).await?;
    Ok(answer(StatusCode::OK, &json!({ "changed": changed })))
}

/// Remembers which column a heading of the files of a facility means.
pub(crate) async fn heading(caller: Caller, name: Path<String>, asked: Asked, Body(body): Body) -> ApiResult {
    asked.done()?;
    let (ledger, mut entered) = (find(&named(name)?)?, Entered::of(body));
    let (heading, column) = (entered.text("heading"), entered.text("column"));
    entered.done()?;
    if domain::text::tidy(&heading).is_empty() {
        let message = "heading がありません。ファイルの見出しを入れてください。";
        return Err(app::Error::Fields(vec![app::FieldError::new("heading", message)]).into());
    }
    caller.app().map_heading(&caller.actor(), caller.facility(), ledger, &heading, &column).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// The imports so far, the newest first.
pub(crate) async fn imports(caller: Caller, asked: Asked) -> ApiResult {
    asked.done()?;
    let imports = caller.app().imports(caller.facility()).await?;
    let one = |import: &app::ImportRecord| {
        json!({
            "id": import.id, "ledger": import.ledger, "file": import.file_name, "sha256": import.sha256,
            "at": instant(import.at), "added": import.added, "changed": import.changed,
            "unchanged": import.unchanged, "rejected": import.rejected, "undone": import.undone,
        })
    };
    Ok(answer(StatusCode::OK, &json!({ "imports": imports.iter().map(one).collect::<Vec<_>>() })))
}

/// Takes back what an import did.
pub(crate) async fn undo(caller: Caller, id: Path<String>, asked: Asked, Body(body): Body) -> ApiResult {
    asked.done()?;
    Entered::of(body).done()?;
    let (removed, restored) = caller.app().undo_import(&caller.actor(), caller.facility(), &named(id)?).await?;
    Ok(answer(StatusCode::OK, &json!({ "removed": removed, "restored": restored })))
}

/// Sends back what waits for approval.
pub(crate) async fn send_back(
    caller: Caller,
    at: Path<(String, String)>,
    asked: Asked,
    Body(body): Body,
) -> Result<Response, Problem> {
    asked.done()?;
    let Path((name, key)) = at;
    let (name, key) = (named(Path(name))?, named(Path(key))?);
    let mut entered = Entered::of(body);
    let (rev, reason) = (entered.rev(), entered.text("reason"));
    entered.done()?;
    let ledger = find(&name)?;
    let back = caller.app().send_back(&caller.actor(), caller.facility(), ledger.name, &key, rev, &reason).await?;
    shown(StatusCode::OK, ledger, &back)
}

/// An instant as JSON has it.
pub(crate) fn instant(microsecond: i64) -> String {
    jiff::Timestamp::from_microsecond(microsecond).unwrap_or_default().to_string()
}

/// Whom to tell when something happened to a device.
pub(crate) async fn contacts(caller: Caller, mut asked: Asked) -> ApiResult {
    let device = asked.take("device").unwrap_or_default();
    asked.done()?;
    let contacts = caller.app().contacts(caller.facility(), &device).await?;
    let one = |c: &app::Contact| json!({ "name": c.name, "role": c.role, "phone": c.phone });
    let all: Vec<Value> = contacts.iter().map(one).collect();
    Ok(answer(StatusCode::OK, &json!({ "contacts": all })))
}
