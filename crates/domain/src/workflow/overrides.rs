//! 判定の上書き (overridden answers): a checklist answer that differs from what the evidence says.
//!
//! It needs a reason, a second look and an end, and it never changes the verdict itself: both are shown.

use jiff::civil::Date;

use super::{Change, Refusal, Step, approval, day, on, put, text};
use crate::evaluate::plus;
use crate::ledger::{Row, Value};

/// What somebody asks to answer instead.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Override {
    /// Id of the requirement.
    pub requirement: String,
    /// `yes`, `no` or `na`.
    pub answer: String,
    /// Why the evidence does not tell the truth.
    pub reason: String,
    /// Until when; [`OVERRIDE_DAYS_MAX`] from today when not stated.
    pub valid_until: Option<Date>,
}

/// Days an overridden answer holds at the longest. Ours: the checklist is yearly.
pub const OVERRIDE_DAYS_MAX: i32 = 366;

const fn step(action: &'static str, refused: &'static str, from: &'static [&'static str], to: &'static str) -> Step {
    Step { ledger: "overrides", action, refused, from, to }
}
const APPLY: Step = step("overrides.apply", "上書きを申請できませんでした", &[], "applied");
const APPROVE: Step = step("overrides.approve", "上書きを承認できませんでした", &["applied"], "approved");
const SEND_BACK: Step = step("overrides.send_back", "申請を差し戻せませんでした", &["applied"], "sent_back");
const WITHDRAW: Step =
    step("overrides.withdraw", "上書きを取り下げられませんでした", &["applied", "sent_back", "approved"], "withdrawn");

/// Asks for an answer. `before` is what was asked about the same requirement earlier; while it is waiting or in
/// force there is no second one.
///
/// # Errors
/// `OVR-002` while another is waiting or in force, `OVR-003` without answer or reason, `OVR-004` with an end that has
/// passed or lies more than a year ahead.
pub fn apply(before: Option<&Row>, asked: &Override, by: &str, today: Date) -> Result<Change, Refusal> {
    if let Some(before) = before.filter(|b| text(b, "state") == Some("applied") || is_current(b, today)) {
        let why = format!("同じ項目の上書きが「{}」です", APPLY.shown("state", before));
        return Err(APPLY.refuse("OVR-002", why, "先のものを取り下げてから申請してください"));
    }
    if asked.reason.trim().is_empty() || !matches!(asked.answer.as_str(), "yes" | "no" | "na") {
        let mend = "はい・いいえ・対象外のどれかと、根拠と異なる回答にする理由を入れてください";
        return Err(APPLY.refuse("OVR-003", "回答か理由がありません", mend));
    }
    let longest = plus(today, OVERRIDE_DAYS_MAX);
    let until = asked.valid_until.unwrap_or(longest);
    if until < today || until > longest {
        let why = format!("有効期限の{}が、今日より前か1年より先です", on(until, today));
        return Err(APPLY.refuse("OVR-004", why, "今日から1年以内の日にしてください"));
    }
    let mut row = Row::from([("asked_on", Value::Date(today)), ("valid_until", Value::Date(until))]);
    put(&mut row, "requirement", &asked.requirement);
    put(&mut row, "answer", &asked.answer);
    put(&mut row, "reason", &asked.reason);
    put(&mut row, "asked_by", by);
    put(&mut row, "state", APPLY.to);
    Ok(APPLY.done(before, row))
}

/// Approves an answer. By who asked it is 単独承認, and marked.
///
/// # Errors
/// `FLOW-001` unless it is asked for, `OVR-004` when its end has passed.
pub fn approve(asked: &Row, by: &str, today: Date) -> Result<Change, Refusal> {
    let mut row = APPROVE.take(asked)?;
    if day(asked, "valid_until").is_none_or(|until| until < today) {
        let mend = "差し戻して、有効期限を入れ直してもらってください";
        return Err(APPROVE.refuse("OVR-004", "有効期限がないか、過ぎています", mend));
    }
    approval::mark(&mut row, text(asked, "asked_by"), by, today);
    Ok(APPROVE.done(Some(asked), row))
}

/// Sends it back with a reason.
///
/// # Errors
/// `FLOW-001` unless it is asked for, `FLOW-002` without a reason.
pub fn send_back(asked: &Row, reason: &str) -> Result<Change, Refusal> {
    Ok(SEND_BACK.done(Some(asked), SEND_BACK.take_because(asked, reason)?))
}

/// Withdraws it with a reason, also after it was approved.
///
/// # Errors
/// `FLOW-001` when it is withdrawn already, `FLOW-002` without a reason.
pub fn withdraw(asked: &Row, reason: &str) -> Result<Change, Refusal> {
    Ok(WITHDRAW.done(Some(asked), WITHDRAW.take_because(asked, reason)?))
}

/// Whether the answer is approved and in force today.
pub fn is_current(asked: &Row, today: Date) -> bool {
    text(asked, "state") == Some("approved") && day(asked, "valid_until").is_some_and(|until| until >= today)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
    use super::*;
    use jiff::civil::date;

    #[test]
    fn one_answer_at_a_time_and_never_for_ever() {
        let today = date(2026, 11, 22);
        let asked = Override {
            requirement: "checklist-r7/2-3".into(),
            answer: "yes".into(),
            reason: "保守契約の別紙にある".into(),
            valid_until: None,
        };
        let applied = apply(None, &asked, "髙橋", today).unwrap().rows.remove(0).1;
        assert_eq!(apply(Some(&applied), &asked, "髙橋", today).unwrap_err().code, "OVR-002");
        let approved = approve(&applied, "髙橋", today).unwrap();
        assert_eq!(approved.event.details["sole"], "1", "a lone approval shows in the journal");
        let approved = &approved.rows[0].1;
        assert!(is_current(approved, today) && !is_current(approved, date(2027, 11, 24)));
        assert_eq!(apply(Some(approved), &asked, "髙橋", today).unwrap_err().code, "OVR-002");
        let withdrawn = withdraw(approved, "書面が出た").unwrap().rows.remove(0).1;
        assert!(!is_current(&withdrawn, today));
        assert!(apply(Some(&withdrawn), &asked, "髙橋", today).is_ok());
        let back = send_back(&applied, "写しを付けて").unwrap().rows.remove(0).1;
        assert_eq!(approve(&back, "院長", today).unwrap_err().code, "FLOW-001");
        for faulty in [
            Override { reason: " ".into(), ..asked.clone() },
            Override { answer: "maybe".into(), ..asked.clone() },
            Override { valid_until: Some(date(2028, 11, 22)), ..asked.clone() },
        ] {
            assert!(apply(None, &faulty, "髙橋", today).is_err());
        }
    }
}
