//! Background jobs: what was asked for, how it ended, and the file that came out.
//!
//! The file lies in the database, so that every node that serves the facility can hand it out and no folder has to be
//! guarded. Whether a job that never ended is still running is for `app` to tell.

use jiff::Timestamp;
use sea_orm::{QueryResult, Value};

use crate::error::{Error, Result};
use crate::{Store, WriteTx};

/// One job, without its file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobRow {
    /// Id.
    pub id: String,
    /// What is made: `audit_folder`.
    pub kind: String,
    /// Of what, where the kind leaves it open: an edition; else empty.
    pub about: String,
    /// The process that runs it.
    pub runner: String,
    /// `running`, `done` or `failed`.
    pub state: String,
    /// Who asked for it.
    pub made_by: String,
    /// When.
    pub made_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// What came out, in words or as a code.
    pub result: Option<String>,
    /// Name of the file, when there is one.
    pub file_name: Option<String>,
    /// Its size in bytes.
    pub file_bytes: i64,
}

const COLUMNS: &str = "id, kind, about, runner, state, made_by, made_at, ended_at, result, file_name, \
                       COALESCE(LENGTH(bytes), 0)";

fn instant(microseconds: i64) -> Result<Timestamp> {
    Timestamp::from_microsecond(microseconds).map_err(|_| Error::Corrupt { what: microseconds.to_string() })
}

fn job(row: &QueryResult) -> Result<JobRow> {
    // PostgreSQL counts the length of a file in four bytes, SQLite in eight.
    let file_bytes = row.try_get_by_index::<i64>(10).or_else(|_| row.try_get_by_index::<i32>(10).map(i64::from))?;
    Ok(JobRow {
        id: row.try_get_by_index(0)?,
        kind: row.try_get_by_index(1)?,
        about: row.try_get_by_index(2)?,
        runner: row.try_get_by_index(3)?,
        state: row.try_get_by_index(4)?,
        made_by: row.try_get_by_index(5)?,
        made_at: instant(row.try_get_by_index(6)?)?,
        ended_at: row.try_get_by_index::<Option<i64>>(7)?.map(instant).transpose()?,
        result: row.try_get_by_index(8)?,
        file_name: row.try_get_by_index(9)?,
        file_bytes,
    })
}

impl Store {
    /// Whether another process may work on the same data: a folder has one, a database may have many.
    pub fn is_shared(&self) -> bool {
        self.lock.is_none()
    }

    /// The jobs of a facility, newest first.
    ///
    /// # Errors
    /// Any store error.
    pub async fn job_list(&self, facility: &str) -> Result<Vec<JobRow>> {
        let sql = format!("SELECT {COLUMNS} FROM jobs WHERE facility = $1 ORDER BY made_at DESC, id DESC");
        self.query(&sql, vec![facility.into()]).await?.iter().map(job).collect()
    }

    /// One job of a facility.
    ///
    /// # Errors
    /// [`Error::NotFound`] when the facility has no such job.
    pub async fn job_fetch(&self, facility: &str, id: &str) -> Result<JobRow> {
        let sql = format!("SELECT {COLUMNS} FROM jobs WHERE facility = $1 AND id = $2");
        let rows = self.query(&sql, vec![facility.into(), id.into()]).await?;
        rows.first().map(job).ok_or_else(|| Error::NotFound { what: "処理".to_owned() })?
    }

    /// Name and bytes of the file a job made.
    ///
    /// # Errors
    /// [`Error::NotFound`] when the facility has no such job, or it made no file.
    pub async fn job_file(&self, facility: &str, id: &str) -> Result<(String, Vec<u8>)> {
        let sql = "SELECT file_name, bytes FROM jobs WHERE facility = $1 AND id = $2 AND bytes IS NOT NULL";
        let rows = self.query(sql, vec![facility.into(), id.into()]).await?;
        let row = rows.first().ok_or_else(|| Error::NotFound { what: "ファイル".to_owned() })?;
        Ok((row.try_get_by_index(0)?, row.try_get_by_index(1)?))
    }
}

impl WriteTx {
    /// Notes a job that begins now.
    ///
    /// # Errors
    /// Any store error.
    pub async fn job_insert(&mut self, id: &str, kind: &str, about: &str, runner: &str, made_by: &str) -> Result<()> {
        let sql = "INSERT INTO jobs (id, facility, kind, about, runner, state, made_by, made_at) \
                   VALUES ($1, $2, $3, $4, $5, 'running', $6, $7)";
        let values = vec![
            id.into(),
            self.facility.clone().into(),
            kind.into(),
            about.into(),
            runner.into(),
            made_by.into(),
            self.now.as_microsecond().into(),
        ];
        self.execute(sql, values).await.map(|_| ())
    }

    /// Notes how a job ended, with the file it made; `Err` is a failure. A job that has ended stays as it is.
    ///
    /// # Errors
    /// Any store error.
    pub async fn job_end(
        &mut self,
        id: &str,
        outcome: std::result::Result<&str, &str>,
        file: Option<(String, Vec<u8>)>,
    ) -> Result<()> {
        let (state, result) = match outcome {
            Ok(result) => ("done", result),
            Err(reason) => ("failed", reason),
        };
        let (name, bytes) = file.unzip();
        let sql = "UPDATE jobs SET state = $1, result = $2, file_name = $3, bytes = $4, ended_at = $5 \
                   WHERE facility = $6 AND id = $7 AND state = 'running'";
        let values = vec![
            state.into(),
            result.into(),
            Value::String(name),
            Value::Bytes(bytes),
            self.now.as_microsecond().into(),
            self.facility.clone().into(),
            id.into(),
        ];
        self.execute(sql, values).await.map(|_| ())
    }

    /// Takes all but the newest `keep` jobs of the facility away; how many went.
    ///
    /// # Errors
    /// Any store error.
    pub async fn job_prune(&mut self, keep: u32) -> Result<u64> {
        let sql = format!(
            "DELETE FROM jobs WHERE facility = $1 AND state <> 'running' AND id NOT IN \
             (SELECT id FROM jobs WHERE facility = $1 ORDER BY made_at DESC, id DESC LIMIT {keep})"
        );
        self.execute(&sql, vec![self.facility.clone().into()]).await
    }
}
