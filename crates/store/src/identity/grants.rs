//! One-time permits, and wrong tries.

use sea_orm::{QueryResult, Value};

use super::{Columns, insert, text};
use crate::error::{Error, Result};
use crate::{Store, WriteTx};

/// What a permit permits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GrantKind {
    /// The link with which an installation is set up.
    Setup,
    /// A terminal that has followed that link.
    SetupTerminal,
    /// A way in for somebody who lost theirs.
    Reset,
    /// One exchange with an authenticator.
    Ceremony,
}

impl GrantKind {
    const fn code(self) -> &'static str {
        match self {
            Self::Setup => "setup",
            Self::SetupTerminal => "setup-terminal",
            Self::Reset => "reset",
            Self::Ceremony => "ceremony",
        }
    }
}

/// A permit. Instants are UTC microseconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GrantRow {
    /// Id, which is no secret.
    pub id: String,
    /// What it permits.
    pub kind: GrantKind,
    /// SHA-256 of the secret.
    pub secret_sha256: String,
    /// Account it is for, where known.
    pub user: Option<String>,
    /// Facility; empty for the installation.
    pub facility: String,
    /// SHA-256 of the key of the terminal it is bound to.
    pub terminal_sha256: Option<String>,
    /// Address it was asked from.
    pub address: Option<String>,
    /// What `app` keeps in it.
    pub state: String,
    /// When it was made.
    pub made_at: i64,
    /// When it ends.
    pub ends_at: i64,
    /// When somebody confirmed it.
    pub confirmed_at: Option<i64>,
}

/// Wrong tries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Failures {
    /// In a row, from the address asked about.
    pub here: i64,
    /// Instant of the last of these, UTC microseconds.
    pub last_at: i64,
    /// In a row, from all addresses together.
    pub everywhere: i64,
}

const GRANT: &str =
    "id, secret_sha256, user_id, facility, terminal_sha256, address, state, made_at, ends_at, confirmed_at, kind";
/// Permits and wrong tries older than this are forgotten, in microseconds: a day.
const FORGOTTEN_AFTER: i64 = 86_400_000_000;

fn grant(kind: GrantKind, row: &QueryResult) -> Result<GrantRow> {
    let mut c = Columns::of(row);
    Ok(GrantRow {
        kind,
        id: c.get()?,
        secret_sha256: c.get()?,
        user: c.get()?,
        facility: c.get()?,
        terminal_sha256: c.get()?,
        address: c.get()?,
        state: c.get()?,
        made_at: c.get()?,
        ends_at: c.get()?,
        confirmed_at: c.get()?,
    })
}

fn values(g: &GrantRow) -> Vec<Value> {
    vec![
        g.id.clone().into(),
        g.secret_sha256.clone().into(),
        text(g.user.as_ref()),
        g.facility.clone().into(),
        text(g.terminal_sha256.as_ref()),
        text(g.address.as_ref()),
        g.state.clone().into(),
        g.made_at.into(),
        g.ends_at.into(),
        Value::BigInt(g.confirmed_at),
        g.kind.code().into(),
    ]
}

const TAKE: &str = "UPDATE grants SET used_at = $2 WHERE id = $1 AND used_at IS NULL AND ends_at > $2";

impl Store {
    /// The unused permit of this kind with this SHA-256 of its secret, unless it has ended at `now`.
    ///
    /// # Errors
    /// Any store error.
    pub async fn grant_find(&self, kind: GrantKind, secret_sha256: &str, now: i64) -> Result<Option<GrantRow>> {
        let sql = format!(
            "SELECT {GRANT} FROM grants WHERE kind = $1 AND secret_sha256 = $2 AND used_at IS NULL AND ends_at > $3"
        );
        let rows = self.query(&sql, vec![kind.code().into(), secret_sha256.into(), now.into()]).await?;
        rows.first().map(|row| grant(kind, row)).transpose()
    }

    /// The unused permits of a kind for accounts of a facility that have not ended at `now`, newest first.
    ///
    /// # Errors
    /// Any store error.
    pub async fn grant_list(&self, kind: GrantKind, facility: &str, now: i64) -> Result<Vec<GrantRow>> {
        let sql = format!(
            "SELECT {GRANT} FROM grants WHERE kind = $1 AND facility = $2 AND user_id IS NOT NULL AND used_at IS NULL \
             AND ends_at > $3 ORDER BY made_at DESC, id DESC"
        );
        let rows = self.query(&sql, vec![kind.code().into(), facility.into(), now.into()]).await?;
        rows.iter().map(|row| grant(kind, row)).collect()
    }

    /// Unused permits of a kind that an address has asked for and that have not ended at `now`.
    ///
    /// # Errors
    /// Any store error.
    pub async fn grant_count(&self, kind: GrantKind, address: &str, now: i64) -> Result<i64> {
        let sql = "SELECT COUNT(*) FROM grants WHERE kind = $1 AND address = $2 AND used_at IS NULL AND ends_at > $3";
        let rows = self.query(sql, vec![kind.code().into(), address.into(), now.into()]).await?;
        rows.first().map_or(Ok(0), |row| Ok(row.try_get_by_index(0)?))
    }

    /// Keeps the state of an exchange with an authenticator. Housekeeping; not journaled.
    ///
    /// # Errors
    /// Any store error.
    pub async fn ceremony_put(&self, ceremony: &GrantRow) -> Result<()> {
        let past = ceremony.made_at - FORGOTTEN_AFTER;
        self.housekeep("DELETE FROM grants WHERE ends_at < $1", vec![past.into()]).await?;
        self.housekeep(&insert("grants", GRANT), values(ceremony)).await.map(|_| ())
    }

    /// Takes the state of an exchange, which is gone then: a second take gives nothing. Housekeeping; not journaled.
    ///
    /// # Errors
    /// Any store error.
    pub async fn ceremony_take(&self, secret_sha256: &str, now: i64) -> Result<Option<GrantRow>> {
        let Some(found) = self.grant_find(GrantKind::Ceremony, secret_sha256, now).await? else { return Ok(None) };
        let taken = self.housekeep(TAKE, vec![found.id.clone().into(), now.into()]).await?;
        Ok((taken > 0).then_some(found))
    }

    /// Wrong tries in a row on an account, from one address and from all.
    ///
    /// # Errors
    /// Any store error.
    pub async fn failures(&self, account_key: &str, address: &str, now: i64) -> Result<Failures> {
        let sql = "SELECT address, failed, last_at FROM failures WHERE account_key = $1 AND last_at > $2";
        let rows = self.query(sql, vec![account_key.into(), (now - FORGOTTEN_AFTER).into()]).await?;
        let mut all = Failures::default();
        for row in &rows {
            let mut c = Columns::of(row);
            let (from, failed, last_at): (String, i64, i64) = (c.get()?, c.get()?, c.get()?);
            all.everywhere += failed;
            if from == address {
                (all.here, all.last_at) = (failed, last_at);
            }
        }
        Ok(all)
    }
}

impl WriteTx {
    /// Adds a permit.
    ///
    /// # Errors
    /// Any store error.
    pub async fn grant_insert(&mut self, new: &GrantRow) -> Result<()> {
        self.execute(&insert("grants", GRANT), values(new)).await.map(|_| ())
    }

    /// Uses a permit up.
    ///
    /// # Errors
    /// [`Error::NotFound`] when it has been used, or has ended, meanwhile.
    pub async fn grant_take(&mut self, id: &str) -> Result<()> {
        match self.execute(TAKE, vec![id.into(), self.now.as_microsecond().into()]).await? {
            0 => Err(Error::NotFound { what: "許可".to_owned() }),
            _ => Ok(()),
        }
    }

    /// Voids every unused permit of a kind in the installation.
    ///
    /// # Errors
    /// Any store error.
    pub async fn grant_void(&mut self, kind: GrantKind) -> Result<()> {
        let sql = "UPDATE grants SET used_at = $2 WHERE kind = $1 AND used_at IS NULL";
        self.execute(sql, vec![kind.code().into(), self.now.as_microsecond().into()]).await.map(|_| ())
    }

    /// Confirms a permit until `ends_at`, with what is to be remembered of it.
    ///
    /// # Errors
    /// [`Error::NotFound`] when it has been used, confirmed or has ended meanwhile.
    pub async fn grant_confirm(&mut self, id: &str, state: &str, ends_at: i64) -> Result<()> {
        let sql = "UPDATE grants SET confirmed_at = $2, state = $3, ends_at = $4 \
                   WHERE id = $1 AND used_at IS NULL AND confirmed_at IS NULL AND ends_at > $2";
        let values = vec![id.into(), self.now.as_microsecond().into(), state.into(), ends_at.into()];
        match self.execute(sql, values).await? {
            0 => Err(Error::NotFound { what: "許可".to_owned() }),
            _ => Ok(()),
        }
    }

    /// Counts a wrong try, and forgets those of more than a day ago.
    ///
    /// # Errors
    /// Any store error.
    pub async fn failure_add(&mut self, account_key: &str, address: &str) -> Result<()> {
        let now = self.now.as_microsecond();
        let sql = "DELETE FROM failures WHERE last_at < $1";
        self.execute(sql, vec![(now - FORGOTTEN_AFTER).into()]).await?;
        let sql = "INSERT INTO failures (account_key, address, failed, last_at) VALUES ($1, $2, 1, $3) \
                   ON CONFLICT (account_key, address) DO UPDATE SET failed = failures.failed + 1, last_at = excluded.last_at";
        self.execute(sql, vec![account_key.into(), address.into(), now.into()]).await.map(|_| ())
    }

    /// Forgets the wrong tries on an account from one address.
    ///
    /// # Errors
    /// Any store error.
    pub async fn failure_clear(&mut self, account_key: &str, address: &str) -> Result<()> {
        let sql = "DELETE FROM failures WHERE account_key = $1 AND address = $2";
        self.execute(sql, vec![account_key.into(), address.into()]).await.map(|_| ())
    }
}
