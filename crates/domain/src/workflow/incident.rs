//! 異常の報告 (a suspected attack): one sentence, and a record that somebody follows up.

use jiff::civil::Date;

use super::{Change, Refusal, Step, put};
use crate::ledger::{Row, Value};

const REPORT: Step =
    Step {
        ledger: "records", action: "records.report", refused: "異常を記録できませんでした", from: &[], to: ""
    };

/// Records a suspected attack as somebody saw it; `place` is the machine or the room, if known.
///
/// # Errors
/// `INC-001` when nothing is said of what happened.
pub fn report(record_no: &str, place: &str, what_happened: &str, by: &str, today: Date) -> Result<Change, Refusal> {
    if what_happened.trim().is_empty() {
        let mend = "見たことを一言で書いてください。後から直せます";
        return Err(REPORT.refuse("INC-001", "何が起きたかの記載がありません", mend));
    }
    let place = if place.trim().is_empty() { "場所の記載なし" } else { place };
    let mut record = Row::from([("held_on", Value::Date(today))]);
    put(&mut record, "no", record_no);
    put(&mut record, "kind", "incident");
    put(&mut record, "title", format!("攻撃の疑い：{place}"));
    put(&mut record, "held_by", by);
    put(&mut record, "result", "findings");
    put(&mut record, "findings", what_happened);
    Ok(REPORT.done(None, record))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
    use super::*;
    use jiff::civil::date;

    #[test]
    fn one_sentence_is_enough_and_none_is_not() {
        let today = date(2026, 11, 22);
        let change = report("I-0001", "", "脅迫文が出ている", "架空 花子", today).unwrap();
        assert_eq!(change.rows[0].1["kind"].to_string(), "incident");
        assert!(change.rows[0].1["title"].to_string().contains("記載なし"));
        assert_eq!(report("I-0001", "受付", " ", "架空 花子", today).unwrap_err().code, "INC-001");
    }
}
