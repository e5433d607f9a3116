//! 廃棄 (disposal): an act with object, method, day, person and result (7.0 運用 7.3), never a deleted row.
//!
//! A device becomes 廃棄済 only by a disposal that succeeded; one that failed is recorded and the device stays.

use jiff::civil::Date;

use super::{Change, Refusal, Step, approval, on, put, text};
use crate::ledger::{Row, Value, ledger};
use crate::text::Lang;

/// What was done to what.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Disposal {
    /// The device, 管理番号 or name as typed; empty for what is in no ledger.
    pub device: String,
    /// The object in words; the device's name when empty.
    pub object: String,
    /// What information it held.
    pub holds: String,
    /// Code of the method.
    pub method: String,
    /// Day; today when not stated.
    pub disposed_on: Option<Date>,
    /// Who did it.
    pub done_by: String,
    /// Why they can.
    pub qualification: String,
    /// Who watched.
    pub witness: String,
    /// Whether it failed: the information may still be readable.
    pub failed: bool,
    /// File name or number of the certificate.
    pub certificate: String,
    /// Who approved it; empty when nobody did.
    pub approved_by: String,
    /// Remarks.
    pub note: String,
}

const DISPOSE: Step =
    Step {
        ledger: "disposals", action: "disposals.add", refused: "廃棄を登録できませんでした", from: &[], to: ""
    };

/// Records a disposal, and marks the device disposed of when it succeeded. `loans` are the device's loans.
///
/// # Errors
/// `DISP-002` without object, method or person; `DISP-003` on a day to come; `DISP-004` when the device is lent;
/// `DISP-005` when it is disposed of already.
pub fn dispose(
    no: &str,
    device: Option<&Row>,
    loans: &[Row],
    disposal: &Disposal,
    today: Date,
) -> Result<Change, Refusal> {
    let name = device.and_then(|device| text(device, "name")).unwrap_or_default();
    let object = if disposal.object.trim().is_empty() { name } else { disposal.object.as_str() };
    let needed = [(object, "対象"), (&disposal.method, "方法"), (&disposal.done_by, "実施者")];
    if let Some((_, missing)) = needed.iter().find(|(value, _)| value.trim().is_empty()) {
        let mend = "対象・方法・実施者を入れてください。廃棄の記録に要る項目です";
        return Err(DISPOSE.refuse("DISP-002", format!("{missing}がありません"), mend));
    }
    let day = disposal.disposed_on.unwrap_or(today);
    if day > today {
        let why = format!("実施日の{}はまだ来ていません", on(day, today));
        return Err(DISPOSE.refuse("DISP-003", why, "実際に廃棄した日を入れてください"));
    }
    if loans.iter().any(|loan| text(loan, "state") == Some("lent")) {
        return Err(DISPOSE.refuse("DISP-004", "この機器は貸出中です", "返却か紛失を先に登録してください"));
    }
    if device.is_some_and(|device| text(device, "status") == Some("disposed")) {
        let mend = "別の機器ではないか、管理番号を確かめてください";
        return Err(DISPOSE.refuse("DISP-005", "この機器はすでに廃棄済です", mend));
    }
    let mut row = Row::from([("disposed_on", Value::Date(day))]);
    let key = device.and_then(|device| ledger("devices").and_then(|l| l.row_key(device))).unwrap_or_default();
    put(&mut row, "no", no);
    put(&mut row, "device", key);
    put(&mut row, "object", object);
    put(&mut row, "serial", device.and_then(|device| text(device, "serial")).unwrap_or_default());
    put(&mut row, "holds", &disposal.holds);
    put(&mut row, "method", &disposal.method);
    put(&mut row, "done_by", &disposal.done_by);
    put(&mut row, "qualification", &disposal.qualification);
    put(&mut row, "witness", &disposal.witness);
    put(&mut row, "result", if disposal.failed { "failed" } else { "ok" });
    put(&mut row, "certificate", &disposal.certificate);
    put(&mut row, "note", &disposal.note);
    if !disposal.approved_by.trim().is_empty() {
        approval::mark(&mut row, Some(&disposal.done_by), &disposal.approved_by, today);
    }
    let change = DISPOSE.done(None, row.clone());
    let Some(device) = device.filter(|_| !disposal.failed) else { return Ok(change) };
    let mut gone = device.clone();
    let method = ledger("disposals").and_then(|l| l.column("method")).zip(row.get("method"));
    put(&mut gone, "status", "disposed");
    gone.insert("disposed_on", Value::Date(day));
    put(&mut gone, "disposal_method", method.map(|(c, v)| c.show(v, Lang::Ja)).unwrap_or_default());
    put(&mut gone, "disposed_by", &disposal.done_by);
    put(&mut gone, "disposal_proof", &disposal.certificate);
    Ok(change.and("devices", Some(device), gone))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
    use super::*;
    use jiff::civil::date;

    const TODAY: Date = date(2026, 11, 22);

    fn device() -> Row {
        ["no:PC-1", "name:旧受付PC", "serial:S1", "status:stored"]
            .iter()
            .map(|cell| cell.split_once(':').unwrap())
            .map(|(name, value)| (ledger("devices").unwrap().column(name).unwrap().name, Value::Text(value.to_owned())))
            .collect()
    }

    fn disposal() -> Disposal {
        Disposal {
            method: "destroy".into(),
            done_by: "みどり架空リサイクル".into(),
            certificate: "DEMO-CERT-1".into(),
            ..Disposal::default()
        }
    }

    #[test]
    fn a_device_becomes_disposed_of_with_the_proof() {
        let change = dispose("DP-0001", Some(&device()), &[], &disposal(), TODAY).unwrap();
        let [(_, row), (_, gone)] = change.rows.as_slice() else { panic!("{change:?}") };
        assert_eq!((row["device"].to_string(), row["object"].to_string()), ("PC-1".into(), "旧受付PC".into()));
        assert_eq!(row["serial"], Value::Text("S1".into()));
        assert_eq!(gone["status"], Value::Text("disposed".into()));
        assert_eq!(gone["disposal_method"], Value::Text("物理破壊".into()));
        assert_eq!(gone["disposal_proof"], Value::Text("DEMO-CERT-1".into()));
        let twice = dispose("DP-0002", Some(gone), &[], &disposal(), TODAY).unwrap_err();
        assert_eq!(twice.code, "DISP-005");
    }

    #[test]
    fn a_failed_one_leaves_the_device_and_a_lone_approval_shows() {
        let failed = Disposal { failed: true, approved_by: "みどり架空リサイクル".into(), ..disposal() };
        let change = dispose("DP-0001", Some(&device()), &[], &failed, TODAY).unwrap();
        assert_eq!(change.rows.len(), 1);
        assert_eq!(change.rows[0].1["sole"], Value::YesNo(true));
    }

    #[test]
    fn what_is_missing_is_said() {
        let lent = [Row::from([("state", Value::Text("lent".into()))])];
        let refused =
            |disposal: Disposal, loans| dispose("DP-1", Some(&device()), loans, &disposal, TODAY).unwrap_err().code;
        assert_eq!(refused(Disposal { method: String::new(), ..disposal() }, &[]), "DISP-002");
        assert_eq!(refused(Disposal { disposed_on: Some(date(2026, 11, 23)), ..disposal() }, &[]), "DISP-003");
        assert_eq!(refused(disposal(), &lent), "DISP-004");
        assert_eq!(dispose("DP-1", None, &[], &disposal(), TODAY).unwrap_err().code, "DISP-002");
    }
}
