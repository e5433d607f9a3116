//! 点検: when each kind was done last, and when the guideline followed wants it again.

use domain::catalog::{CatalogKind, Rule};
use domain::evaluate::{Facility, plus};
use domain::ledger::{Choice, Kind, Value};
use jiff::civil::Date;
use store::StoredRow;

use super::of;
use crate::App;
use crate::error::Result;

/// Kinds of records that are inspections, in the order in which they are shown.
const KINDS: &[&str] =
    &["device_stocktake", "account_stocktake", "information_stocktake", "log_review", "self_inspection", "audit"];

/// One kind of inspection.
#[derive(Clone, Debug)]
pub struct Inspection {
    /// The kind of record.
    pub kind: &'static Choice,
    /// The last one.
    pub last: Option<StoredRow>,
    /// Days within which the guideline followed or the newest checklist wants the next; `None` when they set no time.
    pub within_days: Option<i32>,
    /// When the next is due; `None` where no time is set, or none was done yet.
    pub due_on: Option<Date>,
}

impl App {
    /// Every kind of inspection.
    ///
    /// # Errors
    /// Any store error.
    pub async fn inspections(&self, facility: &Facility) -> Result<Vec<Inspection>> {
        let ledger = of("records")?;
        let Some(Kind::Choice(choices)) = ledger.column("kind").map(|c| c.kind) else { return Ok(Vec::new()) };
        let mut all = Vec::with_capacity(KINDS.len());
        for kind in KINDS.iter().filter_map(|code| choices.iter().find(|choice| choice.code == *code)) {
            let done = self.store.row_match(ledger, &facility.id, "kind", kind.code).await?;
            let last = done.into_iter().max_by_key(held_on);
            let within_days = self.within_days(facility, kind.code);
            let due_on = last.as_ref().and_then(held_on).zip(within_days).map(|(last, days)| plus(last, days));
            all.push(Inspection { kind, last, within_days, due_on });
        }
        Ok(all)
    }

    /// The shortest time in which the guideline followed, or the newest checklist, wants a kind of record again.
    fn within_days(&self, facility: &Facility, kind: &str) -> Option<i32> {
        let catalogs = &self.catalogs().catalogs;
        let followed = facility.edition.as_deref().unwrap_or("mhlw-7.0");
        let checklist = catalogs
            .iter()
            .filter(|c| c.kind == CatalogKind::Checklist && c.requirements().next().is_some())
            .max_by_key(|c| c.published_on);
        let asked = catalogs.iter().filter(|c| c.id == followed).chain(checklist);
        let rules = asked.flat_map(|c| c.requirements()).filter_map(|r| r.rule.as_ref());
        rules
            .flat_map(Rule::leaves)
            .filter_map(|leaf| match leaf {
                Rule::Record { kind: of, within_days } if *of == kind => Some(*within_days),
                _ => None,
            })
            .min()
    }
}

fn held_on(record: &StoredRow) -> Option<Date> {
    match record.row.get("held_on") {
        Some(Value::Date(day)) => Some(*day),
        _ => None,
    }
}
