//! Files that wait for somebody's decision.

use crate::error::{Error, Result};
use crate::{Store, WriteTx};

/// A file that somebody sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldUpload {
    /// Its name, as the sender calls it.
    pub name: String,
    /// Its bytes, base64.
    pub content: String,
}

impl Store {
    /// The file `id`, as long as it is of this facility and person.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is none; any store error.
    pub async fn upload_fetch(&self, facility: &str, made_by: &str, id: &str) -> Result<HeldUpload> {
        let sql = "SELECT name, content FROM uploads WHERE id = $1 AND facility = $2 AND made_by = $3";
        let rows = self.query(sql, vec![id.into(), facility.into(), made_by.into()]).await?;
        let row = rows.first().ok_or_else(|| Error::NotFound { what: "取込み中のファイル".to_owned() })?;
        Ok(HeldUpload { name: row.try_get_by_index(0)?, content: row.try_get_by_index(1)? })
    }
}

impl WriteTx {
    /// Holds a file; those made before `stale` (UTC microseconds) go.
    ///
    /// # Errors
    /// Any store error.
    pub async fn upload_hold(
        &mut self,
        id: &str,
        made_by: &str,
        sha256: &str,
        file: HeldUpload,
        stale: i64,
    ) -> Result<()> {
        self.execute("DELETE FROM uploads WHERE made_at < $1", vec![stale.into()]).await?;
        let sql = "INSERT INTO uploads (id, facility, made_by, made_at, name, sha256, content) VALUES ($1, $2, $3, $4, $5, $6, $7)";
        let values = vec![
            id.into(),
            self.facility.clone().into(),
            made_by.into(),
            self.now.as_microsecond().into(),
            file.name.into(),
            sha256.into(),
            file.content.into(),
        ];
        self.execute(sql, values).await.map(|_| ())
    }
}
