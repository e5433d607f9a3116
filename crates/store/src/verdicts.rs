//! What the verdicts were: how many of each on a day on which they were counted, and when each requirement's turned.

use std::collections::HashMap;

use domain::evaluate::Verdict;
use jiff::civil::Date;
use sea_orm::{QueryResult, Value};

use crate::dialect::{MAX_PARAMETERS, marks};
use crate::error::{Error, Result};
use crate::{Store, WriteTx};

/// How many of each verdict, in the order of [`Verdict::ALL`].
pub type VerdictCounts = [u32; Verdict::ALL.len()];

/// The columns of the counts, in the order of [`Verdict::ALL`].
fn columns() -> String {
    Verdict::ALL.map(Verdict::code).join(", ")
}

fn day(text: String) -> Result<Date> {
    text.parse().map_err(|_| Error::Corrupt { what: text })
}

impl Store {
    /// Ids of the facilities that were counted on a day.
    ///
    /// # Errors
    /// Any store error.
    pub async fn verdict_counted(&self, on: Date) -> Result<Vec<String>> {
        let sql = "SELECT DISTINCT facility FROM verdict_counts WHERE counted_on = $1";
        let rows = self.query(sql, vec![on.to_string().into()]).await?;
        rows.iter().map(|row| Ok(row.try_get_by_index(0)?)).collect()
    }

    /// The counts of an edition from a day on, the oldest first.
    ///
    /// # Errors
    /// Any store error.
    pub async fn verdict_counts(
        &self,
        facility: &str,
        edition: &str,
        since: Date,
    ) -> Result<Vec<(Date, VerdictCounts)>> {
        let sql = format!(
            "SELECT counted_on, {} FROM verdict_counts WHERE facility = $1 AND edition = $2 AND counted_on >= $3 \
             ORDER BY counted_on",
            columns()
        );
        let read = |row: &QueryResult| {
            let mut counts = VerdictCounts::default();
            for (at, count) in counts.iter_mut().enumerate() {
                *count = u32::try_from(row.try_get_by_index::<i64>(at + 1)?).unwrap_or_default();
            }
            Ok((day(row.try_get_by_index(0)?)?, counts))
        };
        self.query(&sql, vec![facility.into(), edition.into(), since.to_string().into()])
            .await?
            .iter()
            .map(read)
            .collect()
    }

    /// The verdict of each requirement as it was at the end of a day, as far as it was counted by then.
    ///
    /// # Errors
    /// Any store error.
    pub async fn verdicts_on(&self, facility: &str, on: Date) -> Result<HashMap<String, Verdict>> {
        let sql = "SELECT t.requirement, t.verdict FROM verdict_turns t JOIN (SELECT requirement, MAX(turned_on) AS last \
                   FROM verdict_turns WHERE facility = $1 AND turned_on <= $2 GROUP BY requirement) l \
                   ON l.requirement = t.requirement AND l.last = t.turned_on WHERE t.facility = $1";
        let rows = self.query(sql, vec![facility.into(), on.to_string().into()]).await?;
        let mut all = HashMap::new();
        for row in &rows {
            let code: String = row.try_get_by_index(1)?;
            let known = Verdict::ALL.into_iter().find(|verdict| verdict.code() == code);
            all.insert(row.try_get_by_index(0)?, known.ok_or(Error::Corrupt { what: code })?);
        }
        Ok(all)
    }
}

impl WriteTx {
    /// Keeps the counts of an edition on a day; whether nobody had counted it on that day.
    ///
    /// # Errors
    /// Any store error.
    pub async fn verdict_count(&mut self, edition: &str, on: Date, counts: VerdictCounts) -> Result<bool> {
        let marks = marks(1, 3 + counts.len());
        let sql = format!(
            "INSERT INTO verdict_counts (facility, edition, counted_on, {}) VALUES {marks} ON CONFLICT DO NOTHING",
            columns()
        );
        let mut values: Vec<Value> = vec![self.facility.clone().into(), edition.into(), on.to_string().into()];
        values.extend(counts.iter().map(|count| Value::from(i64::from(*count))));
        Ok(self.execute(&sql, values).await? > 0)
    }

    /// Keeps what the verdicts of requirements turned to on a day.
    ///
    /// # Errors
    /// Any store error.
    pub async fn verdict_turn(&mut self, on: Date, turns: &[(&str, Verdict)]) -> Result<()> {
        for part in turns.chunks(MAX_PARAMETERS / 4) {
            let sql = format!(
                "INSERT INTO verdict_turns (facility, requirement, turned_on, verdict) VALUES {} ON CONFLICT DO NOTHING",
                marks(part.len(), 4)
            );
            let mut values: Vec<Value> = Vec::with_capacity(part.len() * 4);
            for (requirement, verdict) in part {
                values.extend([
                    self.facility.clone().into(),
                    (*requirement).into(),
                    on.to_string().into(),
                    verdict.code().into(),
                ]);
            }
            self.execute(&sql, values).await?;
        }
        Ok(())
    }
}
