//! 承認 (approval): what waits for it, what the approver is shown, and when it is 単独承認.
//!
//! An approval is given over what was *shown*: [`shown_sha256`] binds facility, row, revision and every line the
//! approver saw. In a one-person clinic the applicant approves; that is allowed, and the row and the journal say so.

use jiff::civil::Date;
use serde_json::json;

use super::{Change, Refusal, Step, day, put, text};
use crate::journal::sha256;
use crate::ledger::{Ledger, Row, Value};
use crate::text::{Lang, fold, tidy};

/// One ledger whose rows wait for approval.
#[derive(Debug)]
pub struct Approvable {
    /// Name of the ledger.
    pub ledger: &'static str,
    /// Column of who asks.
    pub asked_by: &'static str,
    /// Column of when it was asked, where there is one.
    pub asked_on: Option<&'static str>,
}

/// Every ledger whose rows wait for approval, in the order in which they are shown.
pub static APPROVABLE: &[Approvable] = &[
    Approvable { ledger: "loans", asked_by: "applied_by", asked_on: Some("applied_on") },
    Approvable { ledger: "byod", asked_by: "applied_by", asked_on: Some("applied_on") },
    Approvable { ledger: "overrides", asked_by: "asked_by", asked_on: Some("asked_on") },
    Approvable { ledger: "documents", asked_by: "owner", asked_on: None },
];

/// Columns that the decision itself writes; the approver is not shown them.
const DECIDED: &[&str] = &["state", "approved_by", "approved_on", "sole"];

const DOCUMENT: Step =
    Step {
        ledger: "documents", action: "documents.approve", refused: "文書を承認できませんでした", from: &[], to: ""
    };
const DOCUMENT_BACK: Step = Step {
    ledger: "documents",
    action: "documents.send_back",
    refused: "文書を差し戻せませんでした",
    from: &[],
    to: "",
};

impl Approvable {
    /// The entry of a ledger; `None` when its rows need no approval.
    pub fn of(ledger: &str) -> Option<&'static Self> {
        APPROVABLE.iter().find(|a| a.ledger == ledger)
    }

    /// Whether a row of it waits for approval.
    pub fn is_waiting(&self, row: &Row) -> bool {
        match self.ledger {
            "documents" => day(row, "approved_on").is_none(),
            _ => text(row, "state") == Some("applied"),
        }
    }
}

/// Whether two names mean one person, as far as names can tell: the sign-in name in parentheses does not count.
/// Two people of one name are taken for one, so that at worst an approval is marked that need not be.
pub fn same_person(a: &str, b: &str) -> bool {
    let plain = |name: &str| {
        let name = tidy(name);
        let name = name.rsplit_once(':').map_or(name.as_str(), |(_, person)| person);
        fold(name.split_once('(').map_or(name, |(person, _)| person))
    };
    plain(a) == plain(b)
}

/// The approver as the row names them when they approve in somebody's place (代理).
pub fn in_place_of(deputy: &str, principal: &str) -> String {
    format!("{deputy}（{principal}の代理）")
}

/// In whose place an approval was given, by the approver's name on the row.
pub fn principal_of(approved_by: &str) -> Option<String> {
    let name = tidy(approved_by);
    let (_, principal) = name.strip_suffix("の代理)")?.rsplit_once('(')?;
    Some(principal.to_owned())
}

/// Enters the approval. Whoever approves what they asked for, or what nobody is named as asking for, does so alone.
pub(super) fn mark(row: &mut Row, asked_by: Option<&str>, by: &str, on: Date) {
    let sole = asked_by.is_none_or(|asked| same_person(asked, by));
    put(row, "approved_by", by);
    row.insert("approved_on", Value::Date(on));
    row.insert("sole", Value::YesNo(sole));
}

/// The lines the approver sees: every stated column with its heading; `name_of` gives what people call a row that is
/// referred to, by ledger and key.
pub fn summary(ledger: &Ledger, row: &Row, name_of: impl Fn(&str, &str) -> String) -> Vec<(String, String)> {
    let shown = ledger.columns.iter().filter(|c| !DECIDED.contains(&c.name));
    shown
        .filter_map(|column| {
            let value = row.get(column.name)?;
            let shown = match column.kind {
                crate::ledger::Kind::Ref(to) => name_of(to.ledger, &value.to_string()),
                _ => column.show(value, Lang::Ja),
            };
            Some((column.label.ja.to_owned(), shown))
        })
        .collect()
}

/// Hex SHA-256 of what an approver is shown: a JSON array of facility id, ledger, key, revision and lines.
pub fn shown_sha256(facility: &str, ledger: &str, key: &str, rev: i64, lines: &[(String, String)]) -> String {
    sha256(json!([facility, ledger, key, rev, lines]).to_string().as_bytes())
}

/// Approves a document that nobody approved yet.
///
/// # Errors
/// `FLOW-003` when it is approved already.
pub fn approve_document(document: &Row, by: &str, today: Date) -> Result<Change, Refusal> {
    waiting(&DOCUMENT, document, today)?;
    let mut approved = document.clone();
    mark(&mut approved, text(document, "owner"), by, today);
    let sole = approved.remove("sole") == Some(Value::YesNo(true));
    let mut change = DOCUMENT.done(Some(document), approved);
    change.event = change.event.with("sole", i64::from(sole));
    Ok(change)
}

/// Sends a draft back to its owner; the reason is added to its note.
///
/// # Errors
/// `FLOW-002` without a reason, `FLOW-003` when it is approved already.
pub fn send_back_document(document: &Row, reason: &str, by: &str, today: Date) -> Result<Change, Refusal> {
    waiting(&DOCUMENT_BACK, document, today)?;
    if reason.trim().is_empty() {
        return Err(DOCUMENT_BACK.refuse("FLOW-002", "理由がありません", "相手に伝える理由を書いてください"));
    }
    let mut back = document.clone();
    let note = text(document, "note").unwrap_or_default();
    put(&mut back, "note", format!("{note} 差戻し（{today} {by}）：{reason}"));
    Ok(DOCUMENT_BACK.done(Some(document), back))
}

fn waiting(step: &Step, document: &Row, today: Date) -> Result<(), Refusal> {
    match day(document, "approved_on") {
        Some(day) => {
            let by = text(document, "approved_by").unwrap_or("承認者の記載なし");
            let why = format!("{}に承認されています（{by}）", super::on(day, today));
            Err(step.refuse("FLOW-003", why, "直すときは、文書一覧で版を改めてください"))
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
    use super::*;
    use crate::ledger::ledger;
    use jiff::civil::date;

    #[test]
    fn a_person_is_known_with_and_without_the_sign_in_name() {
        assert!(same_person("髙橋 由美子（takahashi）", "髙橋　由美子"));
        assert!(same_person("cli:院長", "院長"));
        assert!(!same_person("髙橋 由美子", "﨑山 健"));
        let by = in_place_of("﨑山 健（sakiyama）", "渡邉 正彦");
        assert!(same_person(&by, "﨑山 健") && !same_person(&by, "渡邉 正彦"));
        assert!(same_person(&principal_of(&by).unwrap(), "渡邉 正彦"));
        assert_eq!(principal_of("﨑山 健（sakiyama）"), None);
    }

    #[test]
    fn what_is_shown_is_what_is_hashed() {
        let documents = ledger("documents").unwrap();
        let mut row = Row::from([
            ("no", Value::Text("D-1".into())),
            ("kind", Value::Text("bcp".into())),
            ("title", Value::Text("事業継続計画".into())),
        ]);
        let hash = |row: &Row, rev| {
            let lines = summary(documents, row, |_, key| key.to_owned());
            shown_sha256("f", "documents", "D-1", rev, &lines)
        };
        assert_eq!(summary(documents, &row, |_, key| key.to_owned())[1], ("種類".into(), "事業継続計画".into()));
        let before = hash(&row, 1);
        assert_ne!(before, hash(&row, 2));
        put(&mut row, "file", "別の案.docx");
        assert_ne!(before, hash(&row, 1));
    }

    #[test]
    fn a_document_is_approved_once_and_alone_only_visibly() {
        let today = date(2026, 11, 22);
        let mut draft = Row::from([("no", Value::Text("D-1".into())), ("owner", Value::Text("髙橋 由美子".into()))]);
        let change = approve_document(&draft, "渡邉 正彦（w）", today).unwrap();
        assert_eq!(change.event.details["sole"], "0");
        assert_eq!(change.rows[0].1["approved_on"], Value::Date(today));
        assert_eq!(approve_document(&change.rows[0].1, "渡邉 正彦", today).unwrap_err().code, "FLOW-003");
        assert_eq!(approve_document(&draft, "髙橋 由美子", today).unwrap().event.details["sole"], "1");
        draft.remove("owner");
        assert_eq!(approve_document(&draft, "渡邉 正彦", today).unwrap().event.details["sole"], "1");
        let back = send_back_document(&draft, "連絡先がない", "渡邉 正彦", today).unwrap();
        assert!(back.rows[0].1["note"].to_string().contains("連絡先がない"));
        assert_eq!(send_back_document(&draft, " ", "渡邉 正彦", today).unwrap_err().code, "FLOW-002");
    }
}
