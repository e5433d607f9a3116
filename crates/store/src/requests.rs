//! 証拠の依頼: what auditors ask for, and every answer, confirmation and sending back in order.

use sea_orm::{QueryResult, Value};

use crate::error::{Error, Result};
use crate::identity::{Columns, insert};
use crate::{Store, WriteTx};

/// A request for evidence. Instants are UTC microseconds, days ISO dates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestRow {
    /// Id.
    pub id: String,
    /// Number within the facility, from 1.
    pub no: i64,
    /// Id of the requirement.
    pub requirement: String,
    /// What is asked for.
    pub what: String,
    /// By when.
    pub due_on: String,
    /// Code of its state.
    pub state: String,
    /// Account that asked.
    pub asked_by: String,
    /// Its name at the time.
    pub asked_name: String,
    /// When.
    pub asked_at: i64,
    /// Revision.
    pub rev: i64,
}

/// One step of a request; of its file everything but the bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestStepRow {
    /// Id of the request.
    pub request: String,
    /// Place in the request, from 1.
    pub place: i64,
    /// Code of the act.
    pub act: String,
    /// Who did it.
    pub made_by: String,
    /// When.
    pub made_at: i64,
    /// What was said with it.
    pub said: String,
    /// JSON pairs of ledger and key.
    pub links: String,
    /// Name, SHA-256 and size of the file.
    pub file: Option<(String, String, i64)>,
}

const REQUEST: &str = "id, facility, no, requirement, what, due_on, state, asked_by, asked_name, asked_at, rev";
const STEP: &str = "request, place, act, made_by, made_at, said, links, file_name, file_sha256, file_bytes";

fn request(row: &QueryResult) -> Result<RequestRow> {
    let mut c = Columns::of(row);
    let id = c.get()?;
    let _: String = c.get()?;
    Ok(RequestRow {
        id,
        no: c.get()?,
        requirement: c.get()?,
        what: c.get()?,
        due_on: c.get()?,
        state: c.get()?,
        asked_by: c.get()?,
        asked_name: c.get()?,
        asked_at: c.get()?,
        rev: c.get()?,
    })
}

fn step(row: &QueryResult) -> Result<RequestStepRow> {
    let mut c = Columns::of(row);
    let (request, place, act, made_by, made_at) = (c.get()?, c.get()?, c.get()?, c.get()?, c.get()?);
    let (said, links) = (c.get()?, c.get()?);
    let (name, sha256, bytes): (Option<String>, Option<String>, Option<i64>) = (c.get()?, c.get()?, c.get()?);
    let file = name.zip(sha256).zip(bytes).map(|((name, sha256), bytes)| (name, sha256, bytes));
    Ok(RequestStepRow { request, place, act, made_by, made_at, said, links, file })
}

impl Store {
    /// Every request of a facility, by number.
    ///
    /// # Errors
    /// Any store error.
    pub async fn request_list(&self, facility: &str) -> Result<Vec<RequestRow>> {
        let sql = format!("SELECT {REQUEST} FROM evidence_requests WHERE facility = $1 ORDER BY no");
        self.query(&sql, vec![facility.into()]).await?.iter().map(request).collect()
    }

    /// Every step of every request of a facility, in order.
    ///
    /// # Errors
    /// Any store error.
    pub async fn request_steps(&self, facility: &str) -> Result<Vec<RequestStepRow>> {
        let sql = format!("SELECT {STEP} FROM evidence_steps WHERE facility = $1 ORDER BY request, place");
        self.query(&sql, vec![facility.into()]).await?.iter().map(step).collect()
    }

    /// Name and bytes (base64) of the file of a step.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is none.
    pub async fn request_file(&self, facility: &str, id: &str, place: i64) -> Result<(String, String)> {
        let sql = "SELECT file_name, content FROM evidence_steps WHERE facility = $1 AND request = $2 AND place = $3 \
                   AND content IS NOT NULL";
        let rows = self.query(sql, vec![facility.into(), id.into(), place.into()]).await?;
        let row = rows.first().ok_or_else(|| Error::NotFound { what: "ファイル".to_owned() })?;
        Ok((row.try_get_by_index(0)?, row.try_get_by_index(1)?))
    }
}

impl WriteTx {
    /// Adds a request under the next free number, which it returns.
    ///
    /// # Errors
    /// Any store error.
    pub async fn request_insert(&mut self, row: &RequestRow) -> Result<i64> {
        self.hold_facility().await?;
        let sql = "SELECT COALESCE(MAX(no), 0) FROM evidence_requests WHERE facility = $1";
        let found = self.select(sql, vec![self.facility.clone().into()]).await?;
        let last: i64 = found.first().map_or(Ok(0), |row| row.try_get_by_index(0))?;
        let values = vec![
            row.id.clone().into(),
            self.facility.clone().into(),
            (last + 1).into(),
            row.requirement.clone().into(),
            row.what.clone().into(),
            row.due_on.clone().into(),
            row.state.clone().into(),
            row.asked_by.clone().into(),
            row.asked_name.clone().into(),
            row.asked_at.into(),
            row.rev.into(),
        ];
        self.execute(&insert("evidence_requests", REQUEST), values).await?;
        Ok(last + 1)
    }

    /// Adds a step to a request that is still at `rev`, which takes it into `state`. `content` is the file in base64.
    ///
    /// # Errors
    /// [`Error::Conflict`] when the request is not at `rev` any more.
    pub async fn request_step(
        &mut self,
        step: &RequestStepRow,
        rev: i64,
        state: &str,
        content: Option<String>,
    ) -> Result<()> {
        let sql = "UPDATE evidence_requests SET state = $3, rev = rev + 1 WHERE facility = $1 AND id = $2 AND rev = $4";
        let facility = self.facility.clone();
        let values = vec![facility.clone().into(), step.request.clone().into(), state.into(), rev.into()];
        if self.execute(sql, values).await? == 0 {
            return Err(Error::Conflict { what: "依頼".to_owned() });
        }
        let (name, sha256, bytes) = match step.file.clone() {
            Some((name, sha256, bytes)) => (Some(name), Some(sha256), Some(bytes)),
            None => (None, None, None),
        };
        let values = vec![
            step.request.clone().into(),
            step.place.into(),
            step.act.clone().into(),
            step.made_by.clone().into(),
            step.made_at.into(),
            step.said.clone().into(),
            step.links.clone().into(),
            Value::String(name),
            Value::String(sha256),
            Value::BigInt(bytes),
            facility.into(),
            Value::String(content),
        ];
        self.execute(&insert("evidence_steps", &format!("{STEP}, facility, content")), values).await.map(|_| ())
    }
}
