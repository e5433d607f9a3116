//! The days that an auditor is asked to look at, and which rows belong to them.
//!
//! Ledgers of what *happened* (loans, records, disposals …) have a day each row is of; the others say how things stand
//! and are seen whole.

use jiff::civil::Date;

use super::{Column, Ledger, Row, Value};

/// From one day to another, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    /// First day.
    pub from: Date,
    /// Last day.
    pub until: Date,
}

/// The column that says when what a row tells of happened, by ledger.
const HAPPENED_ON: &[(&str, &str)] = &[
    ("records", "held_on"),
    ("loans", "from_on"),
    ("byod", "applied_on"),
    ("disposals", "disposed_on"),
    ("attendance", "attended_on"),
    ("overrides", "asked_on"),
];

impl Ledger {
    /// The column that says when what a row tells of happened; `None` for ledgers of how things stand.
    pub fn happened_on(&self) -> Option<&'static Column> {
        let (_, column) = HAPPENED_ON.iter().find(|(ledger, _)| *ledger == self.name)?;
        super::ledger(self.name)?.column(column)
    }
}

impl Period {
    /// Whether a day belongs to it.
    pub fn holds(&self, day: Date) -> bool {
        (self.from..=self.until).contains(&day)
    }

    /// Whether a row belongs to it. One that does not say when it happened does.
    pub fn shows(&self, of: &Ledger, row: &Row) -> bool {
        match of.happened_on().and_then(|column| row.get(column.name)) {
            Some(Value::Date(day)) => self.holds(*day),
            _ => true,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use jiff::civil::date;

    #[test]
    fn rows_of_what_happened_belong_to_their_day() {
        for (ledger, column) in HAPPENED_ON {
            let found = super::super::ledger(ledger).unwrap().happened_on().unwrap();
            assert!(found.name == *column && matches!(found.kind, super::super::Kind::Date), "{ledger}");
        }
        let period = Period { from: date(2026, 4, 1), until: date(2027, 3, 31) };
        let records = super::super::ledger("records").unwrap();
        let of = |day| Row::from([("held_on", Value::Date(day))]);
        for (day, shown) in
            [(period.from, true), (period.until, true), (date(2026, 3, 31), false), (date(2027, 4, 1), false)]
        {
            assert_eq!(period.shows(records, &of(day)), shown, "{day}");
        }
        assert!(period.shows(records, &Row::new()));
        assert!(period.shows(super::super::ledger("devices").unwrap(), &of(date(2020, 1, 1))));
    }
}
