//! API tokens.

use sea_orm::{QueryResult, Value};

use super::{Columns, insert};
use crate::error::{Error, Result};
use crate::{Store, WriteTx};

/// An API token. Instants are UTC microseconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenRow {
    /// Id, which is no secret.
    pub id: String,
    /// Facility.
    pub facility: String,
    /// Account in whose name it acts.
    pub user: String,
    /// What it is for.
    pub name: String,
    /// SHA-256 of the secret.
    pub secret_sha256: String,
    /// Codes of the permissions it has, separated by spaces.
    pub scopes: String,
    /// Last day (Japan) on which it works, ISO date.
    pub ends_on: String,
    /// When it was made.
    pub made_at: i64,
    /// When it was last used, to the minute.
    pub used_at: Option<i64>,
    /// When it was revoked.
    pub revoked_at: Option<i64>,
    /// Keys of the sources for which it may speak, one to a line; `None` for every one.
    pub sources: Option<String>,
}

const TOKEN: &str =
    "id, facility, user_id, name, secret_sha256, scopes, ends_on, made_at, used_at, revoked_at, sources";

fn token(row: &QueryResult) -> Result<TokenRow> {
    let mut c = Columns::of(row);
    Ok(TokenRow {
        id: c.get()?,
        facility: c.get()?,
        user: c.get()?,
        name: c.get()?,
        secret_sha256: c.get()?,
        scopes: c.get()?,
        ends_on: c.get()?,
        made_at: c.get()?,
        used_at: c.get()?,
        revoked_at: c.get()?,
        sources: c.get()?,
    })
}

impl Store {
    /// The token with this SHA-256 of its secret, ended or not.
    ///
    /// # Errors
    /// Any store error.
    pub async fn token_find(&self, secret_sha256: &str) -> Result<Option<TokenRow>> {
        let sql = format!("SELECT {TOKEN} FROM tokens WHERE secret_sha256 = $1");
        self.query(&sql, vec![secret_sha256.into()]).await?.first().map(token).transpose()
    }

    /// The token with this id, ended or not.
    ///
    /// # Errors
    /// Any store error.
    pub async fn token_get(&self, id: &str) -> Result<Option<TokenRow>> {
        let sql = format!("SELECT {TOKEN} FROM tokens WHERE id = $1");
        self.query(&sql, vec![id.into()]).await?.first().map(token).transpose()
    }

    /// The tokens of a facility, newest first.
    ///
    /// # Errors
    /// Any store error.
    pub async fn token_list(&self, facility: &str) -> Result<Vec<TokenRow>> {
        let sql = format!("SELECT {TOKEN} FROM tokens WHERE facility = $1 ORDER BY made_at DESC, id DESC");
        self.query(&sql, vec![facility.into()]).await?.iter().map(token).collect()
    }

    /// Notes that a token is in use. Housekeeping; not journaled.
    ///
    /// # Errors
    /// Any store error.
    pub async fn token_touch(&self, id: &str, used_at: i64) -> Result<()> {
        let sql = "UPDATE tokens SET used_at = $2 WHERE id = $1";
        self.housekeep(sql, vec![id.into(), used_at.into()]).await.map(|_| ())
    }
}

impl WriteTx {
    /// Adds a token.
    ///
    /// # Errors
    /// Any store error.
    pub async fn token_insert(&mut self, t: &TokenRow) -> Result<()> {
        let values = vec![
            t.id.clone().into(),
            t.facility.clone().into(),
            t.user.clone().into(),
            t.name.clone().into(),
            t.secret_sha256.clone().into(),
            t.scopes.clone().into(),
            t.ends_on.clone().into(),
            t.made_at.into(),
            Value::BigInt(t.used_at),
            Value::BigInt(t.revoked_at),
            Value::String(t.sources.clone()),
        ];
        self.execute(&insert("tokens", TOKEN), values).await.map(|_| ())
    }

    /// Revokes a token of the transaction's facility.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is none of that id, or it is revoked already.
    pub async fn token_revoke(&mut self, id: &str) -> Result<()> {
        let sql = "UPDATE tokens SET revoked_at = $3 WHERE facility = $1 AND id = $2 AND revoked_at IS NULL";
        let values = vec![self.facility.clone().into(), id.into(), self.now.as_microsecond().into()];
        match self.execute(sql, values).await? {
            0 => Err(Error::NotFound { what: "APIトークン".to_owned() }),
            _ => Ok(()),
        }
    }
}
