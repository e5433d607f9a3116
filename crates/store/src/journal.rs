//! Reading and checking the journal.

use domain::journal::{Break, verify};

use crate::Store;
use crate::error::Result;

impl Store {
    /// The newest entries of a facility, or of all, as canonical JSON, newest first.
    ///
    /// # Errors
    /// Any store error.
    pub async fn journal_list(&self, facility: Option<&str>, limit: i64) -> Result<Vec<String>> {
        let scope = if facility.is_some() { " WHERE facility = $1" } else { "" };
        let sql = format!("SELECT entry FROM journal{scope} ORDER BY seq DESC LIMIT {limit}");
        let values = facility.map(|f| vec![f.into()]).unwrap_or_default();
        let rows = self.query(&sql, values).await?;
        rows.iter().map(|r| Ok(r.try_get_by_index(0)?)).collect()
    }

    /// The whole chain, oldest first: place, facility, entry as canonical JSON, hash.
    ///
    /// # Errors
    /// Any store error.
    pub async fn journal_chain(&self) -> Result<Vec<(i64, String, String, String)>> {
        let rows = self.query("SELECT seq, facility, entry, hash FROM journal ORDER BY seq", Vec::new()).await?;
        rows.iter()
            .map(|r| {
                Ok((r.try_get_by_index(0)?, r.try_get_by_index(1)?, r.try_get_by_index(2)?, r.try_get_by_index(3)?))
            })
            .collect()
    }

    /// Checks the whole chain; the number of entries, or the first break.
    ///
    /// # Errors
    /// Any store error; the break is the inner result.
    pub async fn journal_verify(&self) -> Result<std::result::Result<i64, Break>> {
        let chain = self.journal_chain().await?;
        Ok(verify(chain.iter().map(|(seq, _, entry, hash)| (*seq, entry.as_str(), hash.as_str()))))
    }

    /// Place and hash of the newest entry; `(0, zeros)` when there is none.
    ///
    /// # Errors
    /// Any store error.
    pub async fn journal_head(&self) -> Result<(i64, String)> {
        let rows = self.query("SELECT seq, hash FROM journal ORDER BY seq DESC LIMIT 1", Vec::new()).await?;
        match rows.first() {
            Some(row) => Ok((row.try_get_by_index(0)?, row.try_get_by_index(1)?)),
            None => Ok((0, domain::journal::GENESIS.to_owned())),
        }
    }
}
