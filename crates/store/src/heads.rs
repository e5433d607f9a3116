//! Heads of the sealed log that somebody else has, and who is asked to keep them.

use sea_orm::QueryResult;

use crate::error::Result;
use crate::{Store, WriteTx};

/// Somebody who is asked to vouch for heads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogKeeper {
    /// Id.
    pub id: String,
    /// `own` or `foreign` witness, or `stamp`.
    pub grade: String,
    /// Where it is asked.
    pub url: String,
    /// Public key of a witness; certificates (PEM) of the authority of a time stamp.
    pub trust: String,
    /// Certificates (PEM) that its TLS certificate leads to; empty for plain HTTP.
    pub tls: String,
}

/// A head that somebody else has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogHead {
    /// Id; that of a witness for its last head.
    pub id: String,
    /// `own`, `foreign`, `stamp` or `paper`.
    pub grade: String,
    /// Who has it: a witness, an authority, who printed it.
    pub name: String,
    /// Name of the log.
    pub origin: String,
    /// Number of leaves.
    pub size: i64,
    /// Root, in hex.
    pub root: String,
    /// When, in UTC microseconds.
    pub at: i64,
    /// What shows it.
    pub proof: String,
}

const KEEPER: &str = "id, grade, url, trust, tls";
const KEEP: &str = "INSERT INTO log_heads (id, grade, name, origin, size, root, at, proof) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (id) DO UPDATE SET grade = excluded.grade, \
     name = excluded.name, origin = excluded.origin, size = excluded.size, root = excluded.root, at = excluded.at, \
     proof = excluded.proof";

impl LogHead {
    fn values(self) -> Vec<sea_orm::Value> {
        vec![
            self.id.into(),
            self.grade.into(),
            self.name.into(),
            self.origin.into(),
            self.size.into(),
            self.root.into(),
            self.at.into(),
            self.proof.into(),
        ]
    }
}

impl Store {
    /// Who is asked to keep heads, in the order in which they were named.
    ///
    /// # Errors
    /// Any store error.
    pub async fn log_keeper_list(&self) -> Result<Vec<LogKeeper>> {
        let sql = format!("SELECT {KEEPER} FROM log_keepers ORDER BY made_at, id");
        let read = |row: &QueryResult| {
            Ok(LogKeeper {
                id: row.try_get_by_index(0)?,
                grade: row.try_get_by_index(1)?,
                url: row.try_get_by_index(2)?,
                trust: row.try_get_by_index(3)?,
                tls: row.try_get_by_index(4)?,
            })
        };
        self.query(&sql, Vec::new()).await?.iter().map(read).collect()
    }

    /// The heads that somebody else has, of whatever log, newest first; without what shows it.
    ///
    /// # Errors
    /// Any store error.
    pub async fn log_head_list(&self) -> Result<Vec<LogHead>> {
        let sql = "SELECT id, grade, name, origin, size, root, at, '' FROM log_heads ORDER BY at DESC, id";
        self.heads(sql, Vec::new()).await
    }

    /// A head with what shows it.
    ///
    /// # Errors
    /// Any store error.
    pub async fn log_head_find(&self, id: &str) -> Result<Option<LogHead>> {
        let sql = "SELECT id, grade, name, origin, size, root, at, proof FROM log_heads WHERE id = $1";
        Ok(self.heads(sql, vec![id.into()]).await?.pop())
    }

    async fn heads(&self, sql: &str, values: Vec<sea_orm::Value>) -> Result<Vec<LogHead>> {
        let read = |row: &QueryResult| {
            Ok(LogHead {
                id: row.try_get_by_index(0)?,
                grade: row.try_get_by_index(1)?,
                name: row.try_get_by_index(2)?,
                origin: row.try_get_by_index(3)?,
                size: row.try_get_by_index(4)?,
                root: row.try_get_by_index(5)?,
                at: row.try_get_by_index(6)?,
                proof: row.try_get_by_index(7)?,
            })
        };
        self.query(sql, values).await?.iter().map(read).collect()
    }

    /// The last head a witness signed, in place of the one before. Housekeeping: it tells of the journal itself, and an
    /// entry for each would make a new head to be signed.
    ///
    /// # Errors
    /// Any store error.
    pub async fn log_head_witnessed(&self, head: LogHead) -> Result<()> {
        self.housekeep(KEEP, head.values()).await.map(|_| ())
    }
}

impl WriteTx {
    /// Names somebody who is to be asked.
    ///
    /// # Errors
    /// Any store error.
    pub async fn log_keeper_insert(&mut self, keeper: LogKeeper) -> Result<()> {
        let sql = format!("INSERT INTO log_keepers ({KEEPER}, made_at) VALUES ($1, $2, $3, $4, $5, $6)");
        let made_at = self.now.as_microsecond();
        let LogKeeper { id, grade, url, trust, tls } = keeper;
        let values = vec![id.into(), grade.into(), url.into(), trust.into(), tls.into(), made_at.into()];
        self.execute(&sql, values).await.map(|_| ())
    }

    /// Asks somebody no more; what it vouched for stays. Whether there was one.
    ///
    /// # Errors
    /// Any store error.
    pub async fn log_keeper_remove(&mut self, id: &str) -> Result<bool> {
        Ok(self.execute("DELETE FROM log_keepers WHERE id = $1", vec![id.into()]).await? > 0)
    }

    /// A head that was stamped or printed.
    ///
    /// # Errors
    /// Any store error.
    pub async fn log_head_insert(&mut self, head: LogHead) -> Result<()> {
        self.execute(KEEP, head.values()).await.map(|_| ())
    }
}
