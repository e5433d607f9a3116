//! 個人端末の利用 (BYOD): forbidden unless a current permit says otherwise.
//!
//! A permit names a person, a device, the conditions it is used under and an end; there is no permit without end.

use jiff::civil::Date;

use super::{Change, Refusal, Step, approval, day, on, put, text};
use crate::evaluate::plus;
use crate::ledger::{Row, Value};

/// What somebody asks to use.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Permit {
    /// Who uses it: 職員番号 or name as typed.
    pub person: String,
    /// The device in words.
    pub device: String,
    /// Its operating system.
    pub os: String,
    /// For what.
    pub purpose: String,
    /// Codes of the conditions kept, joined by `+`.
    pub conditions: String,
    /// Until when; no permit is given without.
    pub until_on: Option<Date>,
}

/// Days a permit holds at the longest. Ours: exceptions are looked at once a year.
pub const PERMIT_DAYS_MAX: i32 = 366;

const fn step(action: &'static str, refused: &'static str, from: &'static [&'static str], to: &'static str) -> Step {
    Step { ledger: "byod", action, refused, from, to }
}
const APPLY: Step = step("byod.apply", "個人端末の利用を申請できませんでした", &["sent_back"], "applied");
const APPROVE: Step = step("byod.approve", "個人端末の利用を承認できませんでした", &["applied"], "approved");
const SEND_BACK: Step = step("byod.send_back", "申請を差し戻せませんでした", &["applied"], "sent_back");
const REFUSE: Step = step("byod.refuse", "不許可にできませんでした", &["applied", "sent_back"], "refused");
const END: Step = step("byod.end", "利用を終了できませんでした", &["approved"], "ended");

/// Applies for a permit, or again with the one that was sent back.
///
/// # Errors
/// `FLOW-001` when `before` was not sent back; `BYOD-002` without person or device, `BYOD-003` with an end that has
/// passed.
pub fn apply(no: &str, before: Option<&Row>, permit: &Permit, by: &str, today: Date) -> Result<Change, Refusal> {
    let mut row = Row::new();
    if let Some(before) = before {
        APPLY.take(before)?;
    }
    if permit.person.trim().is_empty() || permit.device.trim().is_empty() {
        return Err(APPLY.refuse("BYOD-002", "使う人か端末名がありません", "両方を入れてください"));
    }
    if let Some(until) = permit.until_on {
        within(&APPLY, until, today)?;
        row.insert("until_on", Value::Date(until));
    }
    put(&mut row, "no", no);
    put(&mut row, "person", &permit.person);
    put(&mut row, "device", &permit.device);
    put(&mut row, "os", &permit.os);
    put(&mut row, "purpose", &permit.purpose);
    put(&mut row, "conditions", &permit.conditions);
    put(&mut row, "state", APPLY.to);
    put(&mut row, "applied_by", by);
    row.insert("applied_on", Value::Date(today));
    Ok(APPLY.done(before, row))
}

/// Approves an application that has an end and at least one condition. By the applicant it is 単独承認, and marked.
///
/// # Errors
/// `FLOW-001` unless it is applied for; `BYOD-003` without a usable end, `BYOD-004` without a condition.
pub fn approve(permit: &Row, by: &str, today: Date) -> Result<Change, Refusal> {
    let mut row = APPROVE.take(permit)?;
    let Some(until) = day(permit, "until_on") else {
        let mend = "差し戻して、許可期限を入れてもらってください";
        return Err(APPROVE.refuse("BYOD-003", "許可期限がありません", mend));
    };
    within(&APPROVE, until, today)?;
    if text(permit, "conditions").is_none() {
        let mend = "差し戻して、暗号化や画面ロックなどの条件を選んでもらってください";
        return Err(APPROVE.refuse("BYOD-004", "守る条件がありません", mend));
    }
    approval::mark(&mut row, text(permit, "applied_by"), by, today);
    row.remove("decision_reason");
    Ok(APPROVE.done(Some(permit), row))
}

/// Sends an application back with a reason.
///
/// # Errors
/// `FLOW-001` unless it is applied for, `FLOW-002` without a reason.
pub fn send_back(permit: &Row, reason: &str) -> Result<Change, Refusal> {
    Ok(SEND_BACK.done(Some(permit), SEND_BACK.take_because(permit, reason)?))
}

/// Refuses an application for good, with a reason.
///
/// # Errors
/// `FLOW-001` unless it is applied for or sent back, `FLOW-002` without a reason.
pub fn refuse(permit: &Row, reason: &str) -> Result<Change, Refusal> {
    Ok(REFUSE.done(Some(permit), REFUSE.take_because(permit, reason)?))
}

/// Ends the use.
///
/// # Errors
/// `FLOW-001` unless it is approved.
pub fn end(permit: &Row, today: Date) -> Result<Change, Refusal> {
    let mut row = END.take(permit)?;
    row.insert("ended_on", Value::Date(today));
    Ok(END.done(Some(permit), row))
}

/// Whether the row allows the use today.
pub fn is_current(permit: &Row, today: Date) -> bool {
    text(permit, "state") == Some("approved") && day(permit, "until_on").is_some_and(|until| until >= today)
}

fn within(step: &Step, until: Date, today: Date) -> Result<(), Refusal> {
    if until < today || until > plus(today, PERMIT_DAYS_MAX) {
        let why = format!("許可期限の{}が、今日より前か1年より先です", on(until, today));
        return Err(step.refuse("BYOD-003", why, "今日から1年以内の日にしてください"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
    use super::*;
    use jiff::civil::date;

    const TODAY: Date = date(2026, 11, 22);

    fn permit() -> Permit {
        Permit {
            person: "S005".into(),
            device: "私物のスマートフォン".into(),
            conditions: "encrypted+screen_lock".into(),
            until_on: Some(date(2027, 3, 31)),
            ..Permit::default()
        }
    }

    #[test]
    fn a_permit_is_applied_for_approved_and_ended() {
        let applied = apply("B-0001", None, &permit(), "濵田", TODAY).unwrap().rows.remove(0).1;
        assert!(!is_current(&applied, TODAY), "nothing is allowed before somebody approved");
        let approved = approve(&applied, "院長", TODAY).unwrap();
        assert_eq!((approved.event.action.as_str(), approved.event.subject.as_str()), ("byod.approve", "B-0001"));
        let approved = &approved.rows[0].1;
        assert!(is_current(approved, date(2027, 3, 31)) && !is_current(approved, date(2027, 4, 1)));
        assert_eq!(approved["sole"], Value::YesNo(false));
        assert_eq!(approve(approved, "院長", TODAY).unwrap_err().code, "FLOW-001");
        let ended = end(approved, TODAY).unwrap().rows.remove(0).1;
        assert!(!is_current(&ended, TODAY));
        assert_eq!(end(&ended, TODAY).unwrap_err().code, "FLOW-001");
    }

    #[test]
    fn no_permit_without_end_or_condition() {
        for (faulty, code) in [
            (Permit { until_on: None, ..permit() }, "BYOD-003"),
            (Permit { conditions: String::new(), ..permit() }, "BYOD-004"),
        ] {
            let applied = apply("B-0001", None, &faulty, "濵田", TODAY).unwrap().rows.remove(0).1;
            assert_eq!(approve(&applied, "院長", TODAY).unwrap_err().code, code);
        }
        for until in [date(2026, 11, 21), date(2028, 1, 1)] {
            let error = apply("B-1", None, &Permit { until_on: Some(until), ..permit() }, "x", TODAY).unwrap_err();
            assert_eq!(error.code, "BYOD-003", "{error}");
        }
    }

    #[test]
    fn what_was_sent_back_can_be_applied_for_again() {
        let applied = apply("B-0001", None, &permit(), "濵田", TODAY).unwrap().rows.remove(0).1;
        assert_eq!(send_back(&applied, "").unwrap_err().code, "FLOW-002");
        let back = send_back(&applied, "期限が長い").unwrap().rows.remove(0).1;
        assert_eq!(back["decision_reason"], Value::Text("期限が長い".into()));
        let again = apply("B-0001", Some(&back), &permit(), "濵田", TODAY).unwrap().rows.remove(0).1;
        assert_eq!(again, applied);
        assert_eq!(apply("B-0001", Some(&again), &permit(), "濵田", TODAY).unwrap_err().code, "FLOW-001");
        let refused = refuse(&again, "持ち込みは認めない").unwrap().rows.remove(0).1;
        assert_eq!(approve(&refused, "院長", TODAY).unwrap_err().code, "FLOW-001");
    }
}
