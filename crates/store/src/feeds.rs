//! Which files of watched folders were taken.

use crate::error::Result;
use crate::{Store, WriteTx};

impl Store {
    /// Whether a file of this content was taken for the source.
    ///
    /// # Errors
    /// Any store error.
    pub async fn feed_file_known(&self, facility: &str, source: &str, sha256: &str) -> Result<bool> {
        let sql = "SELECT 1 FROM feed_files WHERE facility = $1 AND source = $2 AND sha256 = $3";
        Ok(!self.query(sql, vec![facility.into(), source.into(), sha256.into()]).await?.is_empty())
    }
}

impl WriteTx {
    /// Remembers a file as taken.
    ///
    /// # Errors
    /// Any store error.
    pub async fn feed_file_take(&mut self, source: &str, sha256: &str, name: &str) -> Result<()> {
        let sql = "INSERT INTO feed_files (facility, source, sha256, name, taken_at) VALUES ($1, $2, $3, $4, $5) \
                   ON CONFLICT (facility, source, sha256) DO NOTHING";
        let at = self.now.as_microsecond();
        let values = vec![self.facility.clone().into(), source.into(), sha256.into(), name.into(), at.into()];
        self.execute(sql, values).await.map(|_| ())
    }
}
