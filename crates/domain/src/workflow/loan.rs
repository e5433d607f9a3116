//! 貸出・持出し (loans): lending a device in the house in one act, taking it out with approval, and bringing it back.
//!
//! Whoever stands at the counter waits for one act only: inside the premises a loan begins at once. What leaves the
//! house is applied for, approved by a named person and handed over. Patient data leave only encrypted, or with the
//! reason in writing. Approved and lent periods of one device never overlap, so that it is never promised twice.

use jiff::civil::Date;

use super::{Change, Refusal, Step, approval, day, is_yes, on, put, text};
use crate::ledger::{Row, Value, ledger};

/// What somebody asks for at the counter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lend {
    /// The device: 管理番号 or name as typed.
    pub device: String,
    /// Who takes it: 職員番号 or name as typed.
    pub borrower: String,
    /// From when it leaves the house; today when not stated. Inside it is always today.
    pub from_on: Option<Date>,
    /// When it comes back; the first day when not stated.
    pub due_on: Option<Date>,
    /// For what.
    pub purpose: String,
    /// Where it is used.
    pub place: Place,
    /// Whether patient data are on it; `None` where nobody said.
    pub patient_data: Option<bool>,
    /// Why patient data leave the house on a device that is not known to be encrypted.
    pub unencrypted_reason: String,
}

/// Where a borrowed device is used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Place {
    /// 院内.
    #[default]
    Inside,
    /// 院外: 持出し.
    Outside,
}

const fn step(action: &'static str, refused: &'static str, from: &'static [&'static str], to: &'static str) -> Step {
    Step { ledger: "loans", action, refused, from, to }
}
const LEND: Step = step("loans.lend", "貸出を登録できませんでした", &[], "lent");
const APPLY: Step = step("loans.apply", "持出しを申請できませんでした", &[], "applied");
const AMEND: Step = step("loans.amend", "申請を出し直せませんでした", &["sent_back"], "applied");
const APPROVE: Step = step("loans.approve", "持出しを承認できませんでした", &["applied"], "approved");
const SEND_BACK: Step = step("loans.send_back", "申請を差し戻せませんでした", &["applied"], "sent_back");
const HAND_OVER: Step = step("loans.hand_over", "機器を引き渡せませんでした", &["approved"], "lent");
const TAKE_BACK: Step = step("loans.return", "返却を登録できませんでした", &["lent", "lost"], "returned");
const CANCEL: Step =
    step("loans.cancel", "申請を取り消せませんでした", &["applied", "sent_back", "approved"], "cancelled");
const LOSE: Step = step("loans.lose", "紛失を登録できませんでした", &["lent"], "lost");

/// States of a loan that is not over.
pub const OPEN_STATES: &[&str] = &["applied", "sent_back", "approved", "lent"];

/// Begins a loan: inside it is lent at once, outside it waits for approval. `others` are the loans of the same
/// device, with their borrowers named as a message shall name them.
///
/// # Errors
/// `LOAN-002` … `LOAN-006`.
pub fn open(no: &str, device: &Row, others: &[Row], lend: &Lend, by: &str, today: Date) -> Result<Change, Refusal> {
    begin(None, no, device, others, lend, by, today)
}

/// Applies again with what was sent back.
///
/// # Errors
/// `FLOW-001` when it was not sent back; as [`open`].
pub fn amend(loan: &Row, device: &Row, others: &[Row], lend: &Lend, by: &str, today: Date) -> Result<Change, Refusal> {
    AMEND.take(loan)?;
    begin(Some(loan), text(loan, "no").unwrap_or_default(), device, others, lend, by, today)
}

fn begin(
    before: Option<&Row>,
    no: &str,
    device: &Row,
    others: &[Row],
    lend: &Lend,
    by: &str,
    today: Date,
) -> Result<Change, Refusal> {
    let (step, place) = match lend.place {
        Place::Inside => (&LEND, "inside"),
        Place::Outside if before.is_some() => (&AMEND, "outside"),
        Place::Outside => (&APPLY, "outside"),
    };
    if lend.borrower.trim().is_empty() {
        return Err(step.refuse("LOAN-006", "借りる人がありません", "借りる人を入れてください"));
    }
    let from = match lend.place {
        Place::Inside => today,
        Place::Outside => lend.from_on.unwrap_or(today),
    };
    let due = lend.due_on.unwrap_or(from);
    let mut row = Row::from([("from_on", Value::Date(from)), ("due_on", Value::Date(due))]);
    put(&mut row, "no", no);
    put(&mut row, "device", ledger("devices").and_then(|l| l.row_key(device)).unwrap_or_default());
    put(&mut row, "borrower", &lend.borrower);
    put(&mut row, "purpose", &lend.purpose);
    put(&mut row, "place", place);
    put(&mut row, "unencrypted_reason", &lend.unencrypted_reason);
    put(&mut row, "state", step.to);
    if let Some(patient_data) = lend.patient_data {
        row.insert("patient_data", Value::YesNo(patient_data));
    }
    check(step, &row, device, others, from, today)?;
    if lend.place == Place::Inside {
        return Ok(handed_over(step, before, row, device, by, today));
    }
    put(&mut row, "applied_by", by);
    row.insert("applied_on", Value::Date(today));
    Ok(step.done(before, row))
}

/// Approves a 持出し. By the applicant it is 単独承認, and marked.
///
/// # Errors
/// `FLOW-001` unless it is applied for; `LOAN-002` … `LOAN-005`.
pub fn approve(loan: &Row, device: &Row, others: &[Row], by: &str, today: Date) -> Result<Change, Refusal> {
    let mut row = APPROVE.take(loan)?;
    check(&APPROVE, &row, device, others, day(loan, "from_on").unwrap_or(today), today)?;
    approval::mark(&mut row, text(loan, "applied_by"), by, today);
    row.remove("decision_reason");
    Ok(APPROVE.done(Some(loan), row))
}

/// Sends an application back with a reason.
///
/// # Errors
/// `FLOW-001` unless it is applied for, `FLOW-002` without a reason.
pub fn send_back(loan: &Row, reason: &str) -> Result<Change, Refusal> {
    Ok(SEND_BACK.done(Some(loan), SEND_BACK.take_because(loan, reason)?))
}

/// Hands an approved device over.
///
/// # Errors
/// `FLOW-001` unless it is approved, `LOAN-007` before its first day; `LOAN-002` … `LOAN-005`.
pub fn hand_over(loan: &Row, device: &Row, others: &[Row], by: &str, today: Date) -> Result<Change, Refusal> {
    let row = HAND_OVER.take(loan)?;
    if let Some(from) = day(loan, "from_on").filter(|from| *from > today) {
        let why = format!("承認された持出しは{}からです", on(from, today));
        return Err(HAND_OVER.refuse("LOAN-007", why, "その日に引き渡すか、申請を取り消して出し直してください"));
    }
    check(&HAND_OVER, &row, device, others, today, today)?;
    Ok(handed_over(&HAND_OVER, Some(loan), row, device, by, today))
}

/// Takes a device back, also one that had been lost. `inspection` are codes of the column, joined by `+`.
///
/// # Errors
/// `FLOW-001` unless it is lent or lost, `LOAN-008` when it comes from outside and nobody looked at it, `LOAN-009`
/// when it is said to be both whole and broken.
pub fn take_back(
    loan: &Row,
    device: &Row,
    inspection: &str,
    note: &str,
    by: &str,
    today: Date,
) -> Result<Change, Refusal> {
    let mut row = TAKE_BACK.take(loan)?;
    let found: Vec<&str> = inspection.split('+').filter(|code| !code.is_empty()).collect();
    if found.is_empty() && (text(loan, "place") != Some("inside") || text(loan, "state") == Some("lost")) {
        let mend = "機器を見て、異常の有無とウイルス検査の結果を選んでください";
        return Err(TAKE_BACK.refuse("LOAN-008", "院外から戻った機器の確認がありません", mend));
    }
    if found.contains(&"good") && found.contains(&"damaged") {
        let mend = "どちらかを選んでください";
        return Err(TAKE_BACK.refuse("LOAN-009", "「異常なし」と「破損」の両方が選ばれています", mend));
    }
    put(&mut row, "inspection", inspection);
    put(&mut row, "returned_to", by);
    row.insert("returned_on", Value::Date(today));
    if !note.trim().is_empty() {
        put(&mut row, "note", format!("{} {note}", text(loan, "note").unwrap_or_default()));
    }
    let change = TAKE_BACK.done(Some(loan), row);
    // A device that somebody disposed of, put right or lent again meanwhile stays as it is.
    if text(device, "status") != text(loan, "state") {
        return Ok(change);
    }
    Ok(change.and("devices", Some(device), with_status(device, "in_use")))
}

/// Cancels what has not been handed over.
///
/// # Errors
/// `FLOW-001` once it is handed over or over.
pub fn cancel(loan: &Row, reason: &str) -> Result<Change, Refusal> {
    let mut row = CANCEL.take(loan)?;
    put(&mut row, "decision_reason", reason);
    Ok(CANCEL.done(Some(loan), row))
}

/// Reports a device lost: the device and its loan, if it is lent, are lost, and an incident is recorded under
/// `record_no`.
///
/// # Errors
/// `LOAN-002` when the device is disposed of or lost already, `LOAN-010` when nothing is said about what happened.
pub fn lose(
    record_no: &str,
    device: &Row,
    loan: Option<&Row>,
    what_happened: &str,
    by: &str,
    today: Date,
) -> Result<Change, Refusal> {
    usable(&LOSE, device)?;
    if what_happened.trim().is_empty() {
        let mend = "いつ、どこで気づいたかを書いてください。後から直せます";
        return Err(LOSE.refuse("LOAN-010", "何が起きたかの記載がありません", mend));
    }
    let name = text(device, "name").or_else(|| text(device, "no")).unwrap_or_default();
    let mut record = Row::from([("held_on", Value::Date(today))]);
    put(&mut record, "no", record_no);
    put(&mut record, "kind", "incident");
    put(&mut record, "title", format!("機器の紛失：{} {name}", text(device, "no").unwrap_or_default()));
    put(&mut record, "held_by", by);
    put(&mut record, "result", "findings");
    put(&mut record, "findings", what_happened);
    let mut change = Change::new("devices.lose", "records", None, record);
    change.event.subject = text(device, "no").unwrap_or_default().to_owned();
    change = change.and("devices", Some(device), with_status(device, "lost"));
    match loan {
        Some(loan) => Ok(change.and("loans", Some(loan), LOSE.take(loan)?)),
        None => Ok(change),
    }
}

fn handed_over(step: &Step, before: Option<&Row>, mut row: Row, device: &Row, by: &str, today: Date) -> Change {
    put(&mut row, "lent_by", by);
    row.insert("lent_on", Value::Date(today));
    step.done(before, row).and("devices", Some(device), with_status(device, "lent"))
}

/// What has to hold whenever a device is promised or handed over from `from` on.
fn check(step: &Step, loan: &Row, device: &Row, others: &[Row], from: Date, today: Date) -> Result<(), Refusal> {
    usable(step, device)?;
    let due = day(loan, "due_on").unwrap_or(from);
    if from < today && text(loan, "state") == Some("applied") {
        let why = format!("開始日の{}は過ぎています", on(from, today));
        return Err(step.refuse("LOAN-004", why, "今日か、これからの日にしてください"));
    }
    if due < from.max(today) {
        let why = format!("返却予定日の{}が、開始日か今日より前です", on(due, today));
        return Err(step.refuse("LOAN-004", why, "返却予定日を直してください"));
    }
    free(step, others, from, due, today)?;
    let guarded = is_yes(device, "encrypted") || text(loan, "unencrypted_reason").is_some();
    if text(loan, "place") != Some("inside") && is_yes(loan, "patient_data") && !guarded {
        let why = "患者情報を院外に出しますが、この機器が暗号化されているか分かりません";
        let mend = "暗号化して機器台帳に書くか、暗号化しない理由を書いてください";
        return Err(step.refuse("LOAN-005", why, mend));
    }
    Ok(())
}

fn usable(step: &Step, device: &Row) -> Result<(), Refusal> {
    let state = match text(device, "status") {
        Some("disposed") => "廃棄済",
        Some("lost") => "紛失",
        _ => return Ok(()),
    };
    let why = format!("この機器は機器台帳で「{state}」になっています");
    Err(step.refuse("LOAN-002", why, "別の機器を選ぶか、機器台帳の状態を確かめてください"))
}

/// A device is promised to one at a time. What is lent keeps it until it is back, however long it is overdue.
fn free(step: &Step, others: &[Row], from: Date, due: Date, today: Date) -> Result<(), Refusal> {
    for other in others {
        let lent = text(other, "state") == Some("lent");
        if !lent && text(other, "state") != Some("approved") {
            continue;
        }
        let start = day(other, "lent_on").or_else(|| day(other, "from_on"));
        let end = day(other, "due_on");
        let busy_from = if lent { Date::MIN } else { start.unwrap_or(Date::MIN) };
        let busy_until = if lent { end.map(|end| end.max(today)) } else { end }.unwrap_or(Date::MAX);
        if busy_from > due || from > busy_until {
            continue;
        }
        let who = text(other, "borrower").unwrap_or("別の人");
        let since = start.map(|day| format!("{}から", on(day, today))).unwrap_or_default();
        return Err(if lent {
            step.refuse("LOAN-003", format!("この機器は{since}{who}さんに貸出中です"), "返却を先に登録してください")
        } else {
            let until = end.map(|day| format!("{}まで", on(day, today))).unwrap_or_default();
            let why = format!("この機器は{since}{until}{who}さんが持ち出すことで承認されています");
            step.refuse("LOAN-003", why, "別の機器か別の日にするか、先の申請を取り消してください")
        });
    }
    Ok(())
}

fn with_status(device: &Row, status: &str) -> Row {
    let mut device = device.clone();
    put(&mut device, "status", status);
    device
}

#[cfg(test)]
mod tests;
