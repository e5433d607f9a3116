//! What can be told of a database without telling anything that is in it.

use crate::error::Result;
use crate::{Store, dialect, dump, migrate};

/// Versions and counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vitals {
    /// Product and version of the database.
    pub database: String,
    /// Names of the migrations that were applied.
    pub migrations: Vec<String>,
    /// Rows of each table that lasts.
    pub rows: Vec<(String, i64)>,
    /// How often each kind of act is in the journal.
    pub events: Vec<(String, i64)>,
}

impl Store {
    /// Counts every table that lasts, and the kinds of acts.
    ///
    /// # Errors
    /// Any store error.
    pub async fn vitals(&self) -> Result<Vitals> {
        let found = self.query(dialect::version(&self.read), Vec::new()).await?;
        let database = found.first().map_or(Ok(String::new()), |row| row.try_get_by_index(0))?;
        let mut rows = Vec::new();
        for (table, ..) in dump::tables() {
            let counted = self.query(&format!("SELECT COUNT(*) FROM {table}"), Vec::new()).await?;
            rows.push((table, counted.first().map_or(Ok(0), |row| row.try_get_by_index(0))?));
        }
        let sql = "SELECT action, COUNT(*) FROM journal GROUP BY action ORDER BY action";
        let events = self.query(sql, Vec::new()).await?;
        let events = events.iter().map(|row| Ok((row.try_get_by_index(0)?, row.try_get_by_index(1)?)));
        Ok(Vitals {
            database,
            migrations: migrate::applied(&self.read).await?,
            rows,
            events: events.collect::<Result<_>>()?,
        })
    }
}
