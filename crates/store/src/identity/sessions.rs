//! Sessions and the terminals they are bound to.

use sea_orm::{QueryResult, Value};

use super::{Columns, insert, yes};
use crate::error::Result;
use crate::{Store, WriteTx};

/// One session. Instants are UTC microseconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionRow {
    /// Id, which is no secret.
    pub id: String,
    /// SHA-256 of the cookie.
    pub secret_sha256: String,
    /// Account.
    pub user: String,
    /// Facility.
    pub facility: String,
    /// SHA-256 of the terminal's key.
    pub terminal_sha256: String,
    /// Address it is used from.
    pub address: String,
    /// Browser.
    pub agent: String,
    /// How the person proved who they are: a code of `app`.
    pub methods: String,
    /// Token that forms have to carry.
    pub csrf: String,
    /// Whether the terminal is shared.
    pub shared: bool,
    /// When it began.
    pub started_at: i64,
    /// When the person last proved who they are.
    pub signed_in_at: i64,
    /// When it was last used, to the minute.
    pub seen_at: i64,
    /// When it ends in any case.
    pub ends_at: i64,
    /// Since when it is locked.
    pub locked_at: Option<i64>,
    /// When it was ended.
    pub revoked_at: Option<i64>,
}

/// A terminal somebody has named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TerminalRow {
    /// Id.
    pub id: String,
    /// SHA-256 of its key.
    pub key_sha256: String,
    /// Facility.
    pub facility: String,
    /// Name, such as where it stands.
    pub name: String,
    /// Whether several people use it.
    pub shared: bool,
    /// Who named it.
    pub made_by: String,
    /// When it was named, UTC microseconds.
    pub made_at: i64,
}

const SESSION: &str = "id, secret_sha256, user_id, facility, terminal_sha256, address, agent, methods, csrf, shared, \
    started_at, signed_in_at, seen_at, ends_at, locked_at, revoked_at";
const TERMINAL: &str = "id, key_sha256, facility, name, shared, made_by, made_at";

fn session(row: &QueryResult) -> Result<SessionRow> {
    let mut c = Columns::of(row);
    Ok(SessionRow {
        id: c.get()?,
        secret_sha256: c.get()?,
        user: c.get()?,
        facility: c.get()?,
        terminal_sha256: c.get()?,
        address: c.get()?,
        agent: c.get()?,
        methods: c.get()?,
        csrf: c.get()?,
        shared: c.yes()?,
        started_at: c.get()?,
        signed_in_at: c.get()?,
        seen_at: c.get()?,
        ends_at: c.get()?,
        locked_at: c.get()?,
        revoked_at: c.get()?,
    })
}

fn terminal(row: &QueryResult) -> Result<TerminalRow> {
    let mut c = Columns::of(row);
    Ok(TerminalRow {
        id: c.get()?,
        key_sha256: c.get()?,
        facility: c.get()?,
        name: c.get()?,
        shared: c.yes()?,
        made_by: c.get()?,
        made_at: c.get()?,
    })
}

impl Store {
    /// Whether an account was used on a terminal before.
    ///
    /// # Errors
    /// Any store error.
    pub async fn terminal_met(&self, user: &str, terminal_sha256: &str) -> Result<bool> {
        let sql = "SELECT 1 FROM known_terminals WHERE user_id = $1 AND terminal_sha256 = $2";
        Ok(!self.query(sql, vec![user.into(), terminal_sha256.into()]).await?.is_empty())
    }

    /// The session with this SHA-256 of its cookie, ended or not.
    ///
    /// # Errors
    /// Any store error.
    pub async fn session_find(&self, secret_sha256: &str) -> Result<Option<SessionRow>> {
        let sql = format!("SELECT {SESSION} FROM sessions WHERE secret_sha256 = $1");
        self.query(&sql, vec![secret_sha256.into()]).await?.first().map(session).transpose()
    }

    /// The sessions of an account that have not ended at `now`, newest first.
    ///
    /// # Errors
    /// Any store error.
    pub async fn session_list(&self, user: &str, now: i64) -> Result<Vec<SessionRow>> {
        let sql = format!(
            "SELECT {SESSION} FROM sessions WHERE user_id = $1 AND revoked_at IS NULL AND ends_at > $2 \
             ORDER BY started_at DESC, id DESC"
        );
        self.query(&sql, vec![user.into(), now.into()]).await?.iter().map(session).collect()
    }

    /// Notes that a session is in use. Housekeeping; not journaled.
    ///
    /// # Errors
    /// Any store error.
    pub async fn session_touch(&self, id: &str, seen_at: i64) -> Result<()> {
        let sql = "UPDATE sessions SET seen_at = $2 WHERE id = $1 AND locked_at IS NULL AND seen_at < $2";
        self.housekeep(sql, vec![id.into(), seen_at.into()]).await.map(|_| ())
    }

    /// The terminal with this SHA-256 of its key.
    ///
    /// # Errors
    /// Any store error.
    pub async fn terminal_find(&self, key_sha256: &str) -> Result<Option<TerminalRow>> {
        let sql = format!("SELECT {TERMINAL} FROM terminals WHERE key_sha256 = $1");
        self.query(&sql, vec![key_sha256.into()]).await?.first().map(terminal).transpose()
    }

    /// The named terminals of a facility.
    ///
    /// # Errors
    /// Any store error.
    pub async fn terminal_list(&self, facility: &str) -> Result<Vec<TerminalRow>> {
        let sql = format!("SELECT {TERMINAL} FROM terminals WHERE facility = $1 ORDER BY name, id");
        self.query(&sql, vec![facility.into()]).await?.iter().map(terminal).collect()
    }
}

impl WriteTx {
    /// Adds a session, and forgets those that ended more than a day ago.
    ///
    /// # Errors
    /// Any store error.
    pub async fn session_insert(&mut self, s: &SessionRow) -> Result<()> {
        const DAY: i64 = 86_400_000_000;
        let past = self.now.as_microsecond() - DAY;
        self.execute("DELETE FROM sessions WHERE ends_at < $1", vec![past.into()]).await?;
        let values = vec![
            s.id.clone().into(),
            s.secret_sha256.clone().into(),
            s.user.clone().into(),
            s.facility.clone().into(),
            s.terminal_sha256.clone().into(),
            s.address.clone().into(),
            s.agent.clone().into(),
            s.methods.clone().into(),
            s.csrf.clone().into(),
            yes(s.shared),
            s.started_at.into(),
            s.signed_in_at.into(),
            s.seen_at.into(),
            s.ends_at.into(),
            Value::BigInt(s.locked_at),
            Value::BigInt(s.revoked_at),
        ];
        self.execute(&insert("sessions", SESSION), values).await.map(|_| ())
    }

    /// Remembers that an account is used on a terminal. Whether it was used on others before and never on this one.
    ///
    /// # Errors
    /// Any store error.
    pub async fn terminal_meet(&mut self, user: &str, terminal_sha256: &str) -> Result<bool> {
        let sql = "SELECT COUNT(*) FROM known_terminals WHERE user_id = $1";
        let before: i64 = match self.select(sql, vec![user.into()]).await?.first() {
            Some(row) => row.try_get_by_index(0)?,
            None => 0,
        };
        let sql = "INSERT INTO known_terminals (user_id, terminal_sha256, first_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
        let values = vec![user.into(), terminal_sha256.into(), self.now.as_microsecond().into()];
        Ok(self.execute(sql, values).await? > 0 && before > 0)
    }

    /// Gives a live session a new cookie after its owner proved who they are again; it is no longer locked and is bound
    /// to what `s` says. Whether it was still live.
    ///
    /// # Errors
    /// Any store error.
    pub async fn session_renew(&mut self, s: &SessionRow) -> Result<bool> {
        let sql = "UPDATE sessions SET secret_sha256 = $2, address = $3, agent = $4, methods = $5, signed_in_at = $6, \
                   seen_at = $6, locked_at = NULL WHERE id = $1 AND revoked_at IS NULL AND ends_at > $6";
        let values = vec![
            s.id.clone().into(),
            s.secret_sha256.clone().into(),
            s.address.clone().into(),
            s.agent.clone().into(),
            s.methods.clone().into(),
            self.now.as_microsecond().into(),
        ];
        Ok(self.execute(sql, values).await? > 0)
    }

    /// Locks a session; whether it was not locked yet.
    ///
    /// # Errors
    /// Any store error.
    pub async fn session_lock(&mut self, id: &str) -> Result<bool> {
        let sql = "UPDATE sessions SET locked_at = $2 WHERE id = $1 AND locked_at IS NULL";
        Ok(self.execute(sql, vec![id.into(), self.now.as_microsecond().into()]).await? > 0)
    }

    /// Ends a session of the transaction's facility; whether it was live.
    ///
    /// # Errors
    /// Any store error.
    pub async fn session_revoke(&mut self, id: &str) -> Result<bool> {
        let sql = "UPDATE sessions SET revoked_at = $3 WHERE facility = $1 AND id = $2 AND revoked_at IS NULL";
        let values = vec![self.facility.clone().into(), id.into(), self.now.as_microsecond().into()];
        Ok(self.execute(sql, values).await? > 0)
    }

    /// Ends every session of an account but one (`""`: all); how many were live.
    ///
    /// # Errors
    /// Any store error.
    pub async fn session_revoke_all(&mut self, user: &str, except: &str) -> Result<u64> {
        let sql = "UPDATE sessions SET revoked_at = $3 WHERE user_id = $1 AND id <> $2 AND revoked_at IS NULL AND ends_at > $3";
        self.execute(sql, vec![user.into(), except.into(), self.now.as_microsecond().into()]).await
    }

    /// Names a terminal, or renames it.
    ///
    /// # Errors
    /// Any store error.
    pub async fn terminal_upsert(&mut self, t: &TerminalRow) -> Result<()> {
        let sql = format!(
            "{} ON CONFLICT (key_sha256) DO UPDATE SET facility = excluded.facility, name = excluded.name, \
             shared = excluded.shared, made_by = excluded.made_by, made_at = excluded.made_at",
            insert("terminals", TERMINAL)
        );
        let values = vec![
            t.id.clone().into(),
            t.key_sha256.clone().into(),
            t.facility.clone().into(),
            t.name.clone().into(),
            yes(t.shared),
            t.made_by.clone().into(),
            t.made_at.into(),
        ];
        self.execute(&sql, values).await.map(|_| ())
    }
}
