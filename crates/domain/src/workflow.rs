//! 業務の流れ (workflows): what may be done to a loan, a personal device, a disposal or an overridden answer, and when.
//!
//! Pure state machines over ledger rows. An act takes the rows it concerns and gives the rows as they are afterwards
//! with the event for the journal ([`Change`]), or says in words why not ([`Refusal`]). Which act starts from which
//! state is one `Step` each. A state can also be imported, so each act looks at the rows, never at how they came to be.

pub mod approval;
pub mod byod;
pub mod disposal;
pub mod incident;
pub mod loan;
pub mod overrides;
pub mod request;
pub mod route;

use jiff::civil::Date;

use crate::journal::Event;
use crate::jp;
use crate::ledger::{Row, Value, ledger};
use crate::text::Lang;

/// Why an act was not done: 事象・原因・対処, each without the final 「。」, and a stable code.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what}（{code}）。{why}。{mend}。")]
pub struct Refusal {
    /// Stable code.
    pub code: &'static str,
    /// 事象: what was not done.
    pub what: String,
    /// 原因.
    pub why: String,
    /// 対処.
    pub mend: String,
}

/// What an act changes: whole rows as they are afterwards, the one acted on first, and the event that says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Ledger name and row.
    pub rows: Vec<(&'static str, Row)>,
    /// For the journal; its details name every cell that changed, `old → new`.
    pub event: Event,
}

impl Change {
    fn new(action: &str, ledger_name: &'static str, before: Option<&Row>, after: Row) -> Self {
        let key = ledger(ledger_name).and_then(|l| l.row_key(&after)).unwrap_or_default();
        Self { rows: Vec::new(), event: Event::new(action, key) }.and(ledger_name, before, after)
    }

    /// Adds a row that changes with it.
    fn and(mut self, ledger_name: &'static str, before: Option<&Row>, after: Row) -> Self {
        let prefix = if self.rows.is_empty() { String::new() } else { format!("{ledger_name}.") };
        for column in ledger(ledger_name).map_or(&[][..], |l| l.columns) {
            let (old, new) = (before.and_then(|row| row.get(column.name)), after.get(column.name));
            if old != new {
                let new = new.map(ToString::to_string).unwrap_or_default();
                let shown = old.map_or_else(|| new.clone(), |old| format!("{old} → {new}"));
                self.event = self.event.with(&format!("{prefix}{}", column.name), shown);
            }
        }
        self.rows.push((ledger_name, after));
        self
    }
}

/// One act of a workflow.
struct Step {
    ledger: &'static str,
    /// Action in the journal.
    action: &'static str,
    /// 事象 when it is refused.
    refused: &'static str,
    /// States it starts from; none for what does not exist yet.
    from: &'static [&'static str],
    /// State it ends in.
    to: &'static str,
}

impl Step {
    fn refuse(&self, code: &'static str, why: impl Into<String>, mend: impl Into<String>) -> Refusal {
        Refusal { code, what: self.refused.to_owned(), why: why.into(), mend: mend.into() }
    }

    /// The row in its new state.
    fn take(&self, row: &Row) -> Result<Row, Refusal> {
        let state = text(row, "state").unwrap_or_default();
        if !self.from.contains(&state) {
            let why = format!("いまの状態は「{}」です", self.shown("state", row));
            return Err(self.refuse("FLOW-001", why, "一覧で今の状態を確かめてください"));
        }
        let mut next = row.clone();
        put(&mut next, "state", self.to);
        Ok(next)
    }

    /// The row in its new state, with the reason that the act cannot do without.
    fn take_because(&self, row: &Row, reason: &str) -> Result<Row, Refusal> {
        let mut next = self.take(row)?;
        if reason.trim().is_empty() {
            return Err(self.refuse("FLOW-002", "理由がありません", "相手に伝える理由を書いてください"));
        }
        put(&mut next, "decision_reason", reason);
        Ok(next)
    }

    fn done(&self, before: Option<&Row>, after: Row) -> Change {
        Change::new(self.action, self.ledger, before, after)
    }

    fn shown(&self, name: &str, row: &Row) -> String {
        let column = ledger(self.ledger).and_then(|l| l.column(name));
        column.zip(row.get(name)).map_or_else(|| "記載なし".to_owned(), |(c, v)| c.show(v, Lang::Ja))
    }
}

fn text<'a>(row: &'a Row, name: &str) -> Option<&'a str> {
    match row.get(name) {
        Some(Value::Text(text)) => Some(text),
        _ => None,
    }
}

fn day(row: &Row, name: &str) -> Option<Date> {
    match row.get(name) {
        Some(Value::Date(day)) => Some(*day),
        _ => None,
    }
}

fn is_yes(row: &Row, name: &str) -> bool {
    row.get(name) == Some(&Value::YesNo(true))
}

/// Sets a text cell; an empty text is *not stated*.
fn put(row: &mut Row, name: &'static str, value: impl Into<String>) {
    let value = crate::text::tidy(&value.into());
    if value.is_empty() {
        row.remove(name);
    } else {
        row.insert(name, Value::Text(value));
    }
}

/// A day in a sentence: without the year when it is this one.
fn on(day: Date, today: Date) -> String {
    if day.year() == today.year() { format!("{}月{}日", day.month(), day.day()) } else { jp::show(day, Lang::Ja) }
}

/// Days from `due` until `today`; zero when it has not passed.
pub fn overdue_days(due: Option<Date>, today: Date) -> i32 {
    due.and_then(|due| due.until(today).ok()).map_or(0, |span| span.get_days().max(0))
}
