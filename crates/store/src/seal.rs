//! What sealing needs of the store: the entries in order, and the secrets under which their fields are salted.

use sea_orm::{ConnectionTrait, TransactionTrait};

use crate::error::{Error, Result};
use crate::{Store, dialect, statement};

impl Store {
    /// The entries of the journal after place `seq`, in order, at most `most`: place, facility, canonical JSON.
    ///
    /// # Errors
    /// Any store error.
    pub async fn journal_after(&self, seq: i64, most: u32) -> Result<Vec<(i64, String, String)>> {
        let sql = format!("SELECT seq, facility, entry FROM journal WHERE seq > $1 ORDER BY seq LIMIT {most}");
        let rows = self.query(&sql, vec![seq.into()]).await?;
        rows.iter().map(|r| Ok((r.try_get_by_index(0)?, r.try_get_by_index(1)?, r.try_get_by_index(2)?))).collect()
    }

    /// The secret of a facility's month (`2026-11`, UTC), in hex; `new` becomes it when there is none yet. Destroying
    /// it is what makes withheld fields of that month unguessable for ever.
    ///
    /// # Errors
    /// Any store error.
    pub async fn seal_key(&self, facility: &str, month: &str, new: &str) -> Result<String> {
        let tx = self.write.begin_with_options(dialect::write_options()).await?;
        let sql = "INSERT INTO seal_keys (facility, month, secret) VALUES ($1, $2, $3) ON CONFLICT (facility, month) DO NOTHING";
        tx.execute_raw(statement(&tx, sql, vec![facility.into(), month.into(), new.into()])).await?;
        tx.commit().await?;
        self.seal_key_find(facility, month)
            .await?
            .ok_or_else(|| Error::Corrupt { what: format!("seal_keys {facility} {month}") })
    }

    /// The secret of a facility's month, in hex; `None` when there is none or it was destroyed.
    ///
    /// # Errors
    /// Any store error.
    pub async fn seal_key_find(&self, facility: &str, month: &str) -> Result<Option<String>> {
        let sql = "SELECT secret FROM seal_keys WHERE facility = $1 AND month = $2";
        let rows = self.query(sql, vec![facility.into(), month.into()]).await?;
        rows.first().map(|row| Ok(row.try_get_by_index(0)?)).transpose()
    }
}
