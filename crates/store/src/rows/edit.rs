//! Rows changed by hand, one at a time or as a stock-take, and what points to them.

use domain::jp::day_in_japan;
use domain::ledger::{Column, Kind, LEDGERS, Ledger, Row};
use sea_orm::{ConnectionTrait, Value};

use super::{search_text, title, to_sql};
use crate::dialect::MAX_PARAMETERS;
use crate::error::{Error, Result};
use crate::{Store, WriteTx, statement};

/// A row named from elsewhere: enough for a link.
#[derive(Clone, Debug)]
pub struct RowLink {
    /// Its ledger.
    pub ledger: &'static Ledger,
    /// Its key.
    pub key: String,
    /// By what people know it, where it has that.
    pub title: Option<String>,
}

/// The rows of other ledgers that point to a row, ordered by ledger and key.
async fn references(db: &impl ConnectionTrait, to: &'static Ledger, facility: &str, key: &str) -> Result<Vec<RowLink>> {
    let mut links = Vec::new();
    for of in LEDGERS {
        let here = |c: &&Column| matches!(c.kind, Kind::Ref(reference) if reference.ledger == to.name);
        let points: Vec<String> = of.columns.iter().filter(here).map(|c| format!("{} = $2", c.name)).collect();
        if points.is_empty() {
            continue;
        }
        let sql = format!(
            "SELECT row_key, {} FROM {} WHERE facility = $1 AND ({}) ORDER BY row_key",
            title(of),
            of.name,
            points.join(" OR ")
        );
        for row in db.query_all_raw(statement(db, &sql, vec![facility.into(), key.into()])).await? {
            links.push(RowLink { ledger: of, key: row.try_get_by_index(0)?, title: row.try_get_by_index(1)? });
        }
    }
    Ok(links)
}

impl Store {
    /// The rows of other ledgers that point to a row, ordered by ledger and key.
    ///
    /// # Errors
    /// Any store error.
    pub async fn row_references(&self, ledger: &'static Ledger, facility: &str, key: &str) -> Result<Vec<RowLink>> {
        references(&self.read, ledger, facility, key).await
    }
}

impl WriteTx {
    /// The rows of other ledgers that point to a row, ordered by ledger and key.
    ///
    /// # Errors
    /// Any store error.
    pub async fn row_references(&mut self, ledger: &'static Ledger, key: &str) -> Result<Vec<RowLink>> {
        self.lock_rows().await?;
        references(&self.tx, ledger, &self.facility, key).await
    }

    /// Replaces one row if it is still at `rev`. Its key becomes that of its new values.
    ///
    /// # Errors
    /// [`Error::Conflict`] when somebody else changed it meanwhile.
    pub async fn row_update(&mut self, ledger: &Ledger, key: &str, rev: i64, row: &Row) -> Result<()> {
        self.lock_rows().await?;
        let sets: Vec<String> =
            ledger.columns.iter().enumerate().map(|(n, c)| format!("{} = ${}", c.name, n + 8)).collect();
        let sql = format!(
            "UPDATE {} SET {}, row_key = $6, search = $7, rev = rev + 1, entered_at = $4, entered_on = $5, import = NULL \
             WHERE facility = $1 AND row_key = $2 AND rev = $3",
            ledger.name,
            sets.join(", ")
        );
        let mut values: Vec<Value> = vec![
            self.facility.clone().into(),
            key.into(),
            rev.into(),
            self.now.as_microsecond().into(),
            day_in_japan(self.now).to_string().into(),
            ledger.row_key(row).unwrap_or_else(|| key.to_owned()).into(),
            search_text(ledger, row).into(),
        ];
        values.extend(ledger.columns.iter().map(|c| to_sql(c, row.get(c.name))));
        if self.execute(&sql, values).await? == 0 {
            return Err(Error::Conflict { what: key.to_owned() });
        }
        Ok(())
    }

    /// Says again today what rows say, and sets the `seen` column, if one is given, to today. Returns how many rows
    /// there were.
    ///
    /// # Errors
    /// Any store error.
    pub async fn row_confirm(&mut self, ledger: &Ledger, keys: &[String], seen: Option<&Column>) -> Result<u64> {
        self.lock_rows().await?;
        let set = seen.map_or_else(String::new, |c| format!("{} = $2, rev = rev + 1, ", c.name));
        let mut count = 0;
        for part in keys.chunks(MAX_PARAMETERS) {
            let places: Vec<String> = (0..part.len()).map(|n| format!("${}", n + 4)).collect();
            let sql = format!(
                "UPDATE {} SET {set}entered_at = $1, entered_on = $2, import = NULL WHERE facility = $3 AND row_key IN ({})",
                ledger.name,
                places.join(",")
            );
            let mut values: Vec<Value> = vec![
                self.now.as_microsecond().into(),
                day_in_japan(self.now).to_string().into(),
                self.facility.clone().into(),
            ];
            values.extend(part.iter().map(|k| Value::from(k.clone())));
            count += self.execute(&sql, values).await?;
        }
        Ok(count)
    }

    /// Takes a row out if it is still at `rev`.
    ///
    /// # Errors
    /// [`Error::Conflict`] when somebody else changed it meanwhile.
    pub async fn row_remove(&mut self, ledger: &Ledger, key: &str, rev: i64) -> Result<()> {
        self.lock_rows().await?;
        let sql = format!("DELETE FROM {} WHERE facility = $1 AND row_key = $2 AND rev = $3", ledger.name);
        if self.execute(&sql, vec![self.facility.clone().into(), key.into(), rev.into()]).await? == 0 {
            return Err(Error::Conflict { what: key.to_owned() });
        }
        Ok(())
    }
}
