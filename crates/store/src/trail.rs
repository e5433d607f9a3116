//! Reading the journal as people do: page by page, and by what an entry is about.

use domain::journal::Entry;

use crate::Store;
use crate::error::{Error, Result};

/// What is not an access that another system reported; as the indexes `journal_own` and `journal_subject` say it.
pub(crate) const OWN: &str = "(action < 'access.' OR action >= 'access/')";

impl Store {
    /// At most `limit` entries of a facility, newest first, without the accesses that other systems reported: older than
    /// place `before`, and made from the instant `since` (inclusive) until `until` (exclusive), both UTC microseconds.
    ///
    /// # Errors
    /// Any store error.
    pub async fn journal_part(
        &self,
        facility: &str,
        before: i64,
        (since, until): (i64, i64),
        limit: u32,
    ) -> Result<Vec<Entry>> {
        let sql = format!(
            "SELECT entry FROM journal WHERE facility = $1 AND seq < $2 AND at >= $3 AND at < $4 AND {OWN} \
             ORDER BY seq DESC LIMIT {limit}"
        );
        self.entries(&sql, vec![facility.into(), before.into(), since.into(), until.into()]).await
    }

    /// Everything a facility's journal says about one subject, newest first, without the accesses that other systems
    /// reported.
    ///
    /// # Errors
    /// Any store error.
    pub async fn journal_about(&self, facility: &str, subject: &str) -> Result<Vec<Entry>> {
        let sql = format!("SELECT entry FROM journal WHERE facility = $1 AND subject = $2 AND {OWN} ORDER BY seq DESC");
        self.entries(&sql, vec![facility.into(), subject.into()]).await
    }

    async fn entries(&self, sql: &str, values: Vec<sea_orm::Value>) -> Result<Vec<Entry>> {
        let read = |row: &sea_orm::QueryResult| {
            let text: String = row.try_get_by_index(0)?;
            serde_json::from_str(&text).map_err(|_| Error::Corrupt { what: "journal".to_owned() })
        };
        self.query(sql, values).await?.iter().map(read).collect()
    }
}
