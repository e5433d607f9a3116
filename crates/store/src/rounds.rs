//! 承認の段階 and 回覧: which steps lead to an approval, who has checked, and who has seen what was passed round.

use sea_orm::{QueryResult, Value};

use crate::error::{Error, Result};
use crate::identity::{Columns, insert};
use crate::{Store, WriteTx};

/// That somebody checked what was shown of a row, on the way to its approval.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckRow {
    /// Ledger of the row.
    pub ledger: String,
    /// Its key.
    pub key: String,
    /// SHA-256 of what was shown.
    pub shown_sha256: String,
    /// Which step it was, from 1.
    pub step: i64,
    /// Account that checked.
    pub user: String,
    /// Its name at the time.
    pub made_by: String,
    /// When, in UTC microseconds.
    pub made_at: i64,
}

/// Something that is passed round.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CircularRow {
    /// Id.
    pub id: String,
    /// Ledger of the row.
    pub ledger: String,
    /// Its key.
    pub key: String,
    /// What is said with it.
    pub note: String,
    /// Until when, ISO date.
    pub due_on: Option<String>,
    /// Account that passes it round.
    pub made_by: String,
    /// Its name at the time.
    pub made_name: String,
    /// When, in UTC microseconds.
    pub made_at: i64,
    /// When it was ended early.
    pub ended_at: Option<i64>,
}

/// Somebody to whom something is passed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReaderRow {
    /// Id of what is passed round.
    pub circular: String,
    /// Account.
    pub user: String,
    /// Its name at the time.
    pub name: String,
    /// When it was seen.
    pub seen_at: Option<i64>,
}

const CHECK: &str = "ledger, row_key, shown_sha256, step, user_id, made_by, made_at";
const CIRCULAR: &str = "id, ledger, row_key, note, due_on, made_by, made_name, made_at, ended_at";
const READER: &str = "circular, user_id, name, seen_at";

fn check(row: &QueryResult) -> Result<CheckRow> {
    let mut c = Columns::of(row);
    Ok(CheckRow {
        ledger: c.get()?,
        key: c.get()?,
        shown_sha256: c.get()?,
        step: c.get()?,
        user: c.get()?,
        made_by: c.get()?,
        made_at: c.get()?,
    })
}

fn circular(row: &QueryResult) -> Result<CircularRow> {
    let mut c = Columns::of(row);
    Ok(CircularRow {
        id: c.get()?,
        ledger: c.get()?,
        key: c.get()?,
        note: c.get()?,
        due_on: c.get()?,
        made_by: c.get()?,
        made_name: c.get()?,
        made_at: c.get()?,
        ended_at: c.get()?,
    })
}

fn reader(row: &QueryResult) -> Result<ReaderRow> {
    let mut c = Columns::of(row);
    Ok(ReaderRow { circular: c.get()?, user: c.get()?, name: c.get()?, seen_at: c.get()? })
}

impl Store {
    /// The ways to an approval that were chosen: ledger and code.
    ///
    /// # Errors
    /// Any store error.
    pub async fn approval_routes(&self, facility: &str) -> Result<Vec<(String, String)>> {
        let sql = "SELECT ledger, route FROM approval_routes WHERE facility = $1";
        let rows = self.query(sql, vec![facility.into()]).await?;
        rows.iter().map(|row| Ok((row.try_get_by_index(0)?, row.try_get_by_index(1)?))).collect()
    }

    /// Every check, by step.
    ///
    /// # Errors
    /// Any store error.
    pub async fn approval_checks(&self, facility: &str) -> Result<Vec<CheckRow>> {
        let sql = format!("SELECT {CHECK} FROM approval_checks WHERE facility = $1 ORDER BY step");
        self.query(&sql, vec![facility.into()]).await?.iter().map(check).collect()
    }

    /// What is and was passed round, the newest first.
    ///
    /// # Errors
    /// Any store error.
    pub async fn circular_list(&self, facility: &str) -> Result<Vec<CircularRow>> {
        let sql = format!("SELECT {CIRCULAR} FROM circulars WHERE facility = $1 ORDER BY made_at DESC, id");
        self.query(&sql, vec![facility.into()]).await?.iter().map(circular).collect()
    }

    /// To whom it is passed, by name.
    ///
    /// # Errors
    /// Any store error.
    pub async fn circular_readers(&self, facility: &str) -> Result<Vec<ReaderRow>> {
        let sql = format!("SELECT {READER} FROM circular_readers WHERE facility = $1 ORDER BY circular, name, user_id");
        self.query(&sql, vec![facility.into()]).await?.iter().map(reader).collect()
    }
}

impl WriteTx {
    /// Chooses the way to an approval for a ledger.
    ///
    /// # Errors
    /// Any store error.
    pub async fn approval_route_set(&mut self, ledger: &str, route: &str) -> Result<()> {
        let sql = "INSERT INTO approval_routes (facility, ledger, route) VALUES ($1, $2, $3) \
                   ON CONFLICT (facility, ledger) DO UPDATE SET route = excluded.route";
        self.execute(sql, vec![self.facility.clone().into(), ledger.into(), route.into()]).await.map(|_| ())
    }

    /// Notes a check. Whether nobody had made it.
    ///
    /// # Errors
    /// Any store error.
    pub async fn approval_check(&mut self, row: &CheckRow) -> Result<bool> {
        let sql = format!("{} ON CONFLICT DO NOTHING", insert("approval_checks", &format!("{CHECK}, facility")));
        let values = vec![
            row.ledger.clone().into(),
            row.key.clone().into(),
            row.shown_sha256.clone().into(),
            row.step.into(),
            row.user.clone().into(),
            row.made_by.clone().into(),
            row.made_at.into(),
            self.facility.clone().into(),
        ];
        Ok(self.execute(&sql, values).await? > 0)
    }

    /// Passes a row round.
    ///
    /// # Errors
    /// Any store error.
    pub async fn circular_insert(&mut self, row: &CircularRow, readers: &[ReaderRow]) -> Result<()> {
        let values = vec![
            row.id.clone().into(),
            row.ledger.clone().into(),
            row.key.clone().into(),
            row.note.clone().into(),
            Value::String(row.due_on.clone()),
            row.made_by.clone().into(),
            row.made_name.clone().into(),
            row.made_at.into(),
            Value::BigInt(row.ended_at),
            self.facility.clone().into(),
        ];
        self.execute(&insert("circulars", &format!("{CIRCULAR}, facility")), values).await?;
        for reader in readers {
            let values = vec![
                row.id.clone().into(),
                reader.user.clone().into(),
                reader.name.clone().into(),
                Value::BigInt(reader.seen_at),
                self.facility.clone().into(),
            ];
            self.execute(&insert("circular_readers", &format!("{READER}, facility")), values).await?;
        }
        Ok(())
    }

    /// Notes that somebody saw what was passed to them. Whether it waited for them.
    ///
    /// # Errors
    /// Any store error.
    pub async fn circular_see(&mut self, id: &str, user: &str) -> Result<bool> {
        let sql = "UPDATE circular_readers SET seen_at = $4 WHERE facility = $1 AND circular = $2 AND user_id = $3 \
                   AND seen_at IS NULL";
        let at = self.now.as_microsecond();
        let values = vec![self.facility.clone().into(), id.into(), user.into(), at.into()];
        Ok(self.execute(sql, values).await? > 0)
    }

    /// Ends it, whoever has not seen it.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is none of that id, or it has ended.
    pub async fn circular_end(&mut self, id: &str) -> Result<()> {
        let sql = "UPDATE circulars SET ended_at = $3 WHERE facility = $1 AND id = $2 AND ended_at IS NULL";
        let values = vec![self.facility.clone().into(), id.into(), self.now.as_microsecond().into()];
        match self.execute(sql, values).await? {
            0 => Err(Error::NotFound { what: "回覧".to_owned() }),
            _ => Ok(()),
        }
    }
}
