//! 代理 and 後閲: who approves in somebody's place for a time, and who has seen it afterwards.

use sea_orm::{QueryResult, Value};

use crate::error::{Error, Result};
use crate::identity::{Columns, insert};
use crate::{Store, WriteTx};

/// Somebody who approves in somebody's place. Days are ISO dates, both included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeputyRow {
    /// Id.
    pub id: String,
    /// Facility.
    pub facility: String,
    /// Account that is stood in for.
    pub principal: String,
    /// Account that stands in.
    pub deputy: String,
    /// First day.
    pub from_on: String,
    /// Last day.
    pub until_on: String,
    /// Why.
    pub reason: String,
    /// Who appointed.
    pub made_by: String,
    /// When.
    pub made_at: i64,
    /// When it was ended early.
    pub ended_at: Option<i64>,
}

/// That somebody saw an approval afterwards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenRow {
    /// Ledger of the row.
    pub ledger: String,
    /// Its key.
    pub key: String,
    /// Day of the approval.
    pub approved_on: String,
    /// Account that saw it.
    pub user: String,
    /// Its name at the time.
    pub seen_by: String,
    /// When.
    pub seen_at: i64,
}

const DEPUTY: &str = "id, facility, principal, deputy, from_on, until_on, reason, made_by, made_at, ended_at";

fn deputy(row: &QueryResult) -> Result<DeputyRow> {
    let mut c = Columns::of(row);
    Ok(DeputyRow {
        id: c.get()?,
        facility: c.get()?,
        principal: c.get()?,
        deputy: c.get()?,
        from_on: c.get()?,
        until_on: c.get()?,
        reason: c.get()?,
        made_by: c.get()?,
        made_at: c.get()?,
        ended_at: c.get()?,
    })
}

impl Store {
    /// The deputies of a facility whose time is not over on `today`, the first to begin first.
    ///
    /// # Errors
    /// Any store error.
    pub async fn deputy_list(&self, facility: &str, today: &str) -> Result<Vec<DeputyRow>> {
        let sql = format!(
            "SELECT {DEPUTY} FROM deputies WHERE facility = $1 AND until_on >= $2 AND ended_at IS NULL ORDER BY from_on, id"
        );
        self.query(&sql, vec![facility.into(), today.into()]).await?.iter().map(deputy).collect()
    }

    /// For whom an account stands in on a day: the first who appointed it.
    ///
    /// # Errors
    /// Any store error.
    pub async fn deputy_for(&self, facility: &str, deputy_id: &str, today: &str) -> Result<Option<DeputyRow>> {
        let sql = format!(
            "SELECT {DEPUTY} FROM deputies WHERE facility = $1 AND deputy = $2 AND from_on <= $3 AND until_on >= $3 \
             AND ended_at IS NULL ORDER BY from_on, id LIMIT 1"
        );
        self.query(&sql, vec![facility.into(), deputy_id.into(), today.into()]).await?.first().map(deputy).transpose()
    }

    /// Who of a facility has seen which approvals afterwards.
    ///
    /// # Errors
    /// Any store error.
    pub async fn approval_seen(&self, facility: &str) -> Result<Vec<SeenRow>> {
        let sql =
            "SELECT ledger, row_key, approved_on, user_id, seen_by, seen_at FROM seen_approvals WHERE facility = $1";
        let rows = self.query(sql, vec![facility.into()]).await?;
        rows.iter()
            .map(|row| {
                let mut c = Columns::of(row);
                Ok(SeenRow {
                    ledger: c.get()?,
                    key: c.get()?,
                    approved_on: c.get()?,
                    user: c.get()?,
                    seen_by: c.get()?,
                    seen_at: c.get()?,
                })
            })
            .collect()
    }
}

impl WriteTx {
    /// Appoints a deputy.
    ///
    /// # Errors
    /// Any store error.
    pub async fn deputy_insert(&mut self, d: &DeputyRow) -> Result<()> {
        let values = vec![
            d.id.clone().into(),
            self.facility.clone().into(),
            d.principal.clone().into(),
            d.deputy.clone().into(),
            d.from_on.clone().into(),
            d.until_on.clone().into(),
            d.reason.clone().into(),
            d.made_by.clone().into(),
            d.made_at.into(),
            Value::BigInt(d.ended_at),
        ];
        self.execute(&insert("deputies", DEPUTY), values).await.map(|_| ())
    }

    /// Ends a deputy's time now.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is none of that id, or it has ended.
    pub async fn deputy_end(&mut self, id: &str) -> Result<()> {
        let sql = "UPDATE deputies SET ended_at = $3 WHERE facility = $1 AND id = $2 AND ended_at IS NULL";
        let values = vec![self.facility.clone().into(), id.into(), self.now.as_microsecond().into()];
        match self.execute(sql, values).await? {
            0 => Err(Error::NotFound { what: "代理の設定".to_owned() }),
            _ => Ok(()),
        }
    }

    /// Notes that somebody saw an approval afterwards. Whether it was not noted before.
    ///
    /// # Errors
    /// Any store error.
    pub async fn approval_see(&mut self, seen: &SeenRow) -> Result<bool> {
        let sql = "INSERT INTO seen_approvals (facility, ledger, row_key, approved_on, user_id, seen_by, seen_at) \
                   VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING";
        let values = vec![
            self.facility.clone().into(),
            seen.ledger.clone().into(),
            seen.key.clone().into(),
            seen.approved_on.clone().into(),
            seen.user.clone().into(),
            seen.seen_by.clone().into(),
            seen.seen_at.into(),
        ];
        Ok(self.execute(sql, values).await? > 0)
    }
}
