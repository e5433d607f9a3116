//! Accounts, their passkeys and their recovery codes.

use jiff::civil::Date;
use sea_orm::{QueryResult, Value};

use super::{Columns, insert, text, yes};
use crate::error::{Error, Result};
use crate::{Store, WriteTx};

/// One account. Instants are UTC microseconds, days ISO dates.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserRow {
    /// Stable id (UUID), also the passkeys' user handle.
    pub id: String,
    /// Facility it belongs to.
    pub facility: String,
    /// What the person types.
    pub login: String,
    /// The folded login, unique in the installation.
    pub login_key: String,
    /// Name of the person.
    pub name: String,
    /// Key in the ledger of people.
    pub person: Option<String>,
    /// Role code.
    pub role: String,
    /// argon2id, PHC string.
    pub password_hash: Option<String>,
    /// The last hashes, this one included, newest first: a JSON list.
    pub password_history: String,
    /// Whether the password was long enough to be the only factor when it was set.
    pub password_alone: bool,
    /// TOTP secret, encrypted.
    pub totp_secret: Option<String>,
    /// Last TOTP step that was used.
    pub totp_last_step: i64,
    /// Why it is disabled.
    pub disabled_reason: Option<String>,
    /// Since when it is disabled.
    pub disabled_at: Option<i64>,
    /// Emergency account, put away until opened.
    pub sealed: bool,
    /// First day it may be used.
    pub valid_from: Option<String>,
    /// Last day it may be used.
    pub valid_until: Option<String>,
    /// Got in by a recovery and owes a new factor.
    pub must_renew: bool,
    /// To be shown at the next sign-in.
    pub notice: Option<String>,
    /// Language code.
    pub lang: Option<String>,
    /// When it was made.
    pub made_at: i64,
    /// Last sign-in.
    pub last_sign_in_at: Option<i64>,
    /// Where mail reaches the person.
    pub email: Option<String>,
    /// First day that the account sees, where it does not see all.
    pub sees_from: Option<String>,
    /// Last day that the account sees.
    pub sees_until: Option<String>,
    /// What the ledger of people said of the person when somebody last decided on the role.
    pub duties: Option<String>,
    /// Revision, for optimistic changes.
    pub rev: i64,
    /// Read only: profession of the person, by the ledger of people.
    pub job: Option<String>,
    /// Read only: department.
    pub department: Option<String>,
    /// Read only: codes of the security duties.
    pub charged_with: Option<String>,
    /// Read only: last day of the person at the facility, by the ledger of people.
    pub leave_on: Option<String>,
    /// Read only: number of passkeys.
    pub passkeys: i64,
    /// Read only: recovery codes not used yet.
    pub recovery_left: i64,
}

/// A passkey.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CredentialRow {
    /// Credential id, base64url.
    pub id: String,
    /// Account.
    pub user: String,
    /// What its owner calls it.
    pub name: String,
    /// The public part, JSON, with the counter at 0.
    pub passkey: String,
    /// Model of the authenticator, where known.
    pub model: Option<String>,
    /// `platform` or `cross-platform`, as the browser said at registration.
    pub attachment: Option<String>,
    /// Whether it may be copied to other devices.
    pub backup_eligible: bool,
    /// Highest counter seen; 0 where the authenticator has none.
    pub counter: i64,
    /// When it was registered.
    pub made_at: i64,
    /// When it was last used.
    pub used_at: Option<i64>,
}

const OWN: &str = "id, facility, login, login_key, name, person, role, password_hash, password_history, password_alone, \
    totp_secret, totp_last_step, disabled_reason, disabled_at, sealed, valid_from, valid_until, must_renew, notice, lang, \
    made_at, last_sign_in_at, email, sees_from, sees_until, duties, rev";
const CREDENTIAL: &str = "id, user_id, name, passkey, model, attachment, backup_eligible, counter, made_at, used_at";

/// Accounts with what the ledger of people and their credentials say; `condition` picks.
fn select(condition: &str) -> String {
    let own: Vec<String> = OWN.split(", ").map(|column| format!("u.{column}")).collect();
    format!(
        "SELECT {}, p.job, p.department, p.duties, p.leave_on, (SELECT COUNT(*) FROM credentials c WHERE c.user_id = u.id), \
         (SELECT COUNT(*) FROM recovery_codes r WHERE r.user_id = u.id AND r.used_at IS NULL) \
         FROM users u LEFT JOIN people p ON p.facility = u.facility AND p.row_key = u.person \
         WHERE {condition} ORDER BY u.login_key",
        own.join(", ")
    )
}

fn user(row: &QueryResult) -> Result<UserRow> {
    let mut c = Columns::of(row);
    Ok(UserRow {
        id: c.get()?,
        facility: c.get()?,
        login: c.get()?,
        login_key: c.get()?,
        name: c.get()?,
        person: c.get()?,
        role: c.get()?,
        password_hash: c.get()?,
        password_history: c.get()?,
        password_alone: c.yes()?,
        totp_secret: c.get()?,
        totp_last_step: c.get()?,
        disabled_reason: c.get()?,
        disabled_at: c.get()?,
        sealed: c.yes()?,
        valid_from: c.get()?,
        valid_until: c.get()?,
        must_renew: c.yes()?,
        notice: c.get()?,
        lang: c.get()?,
        made_at: c.get()?,
        last_sign_in_at: c.get()?,
        email: c.get()?,
        sees_from: c.get()?,
        sees_until: c.get()?,
        duties: c.get()?,
        rev: c.get()?,
        job: c.get()?,
        department: c.get()?,
        charged_with: c.get()?,
        leave_on: c.get()?,
        passkeys: c.get()?,
        recovery_left: c.get()?,
    })
}

fn user_values(u: &UserRow) -> Vec<Value> {
    vec![
        u.id.clone().into(),
        u.facility.clone().into(),
        u.login.clone().into(),
        u.login_key.clone().into(),
        u.name.clone().into(),
        text(u.person.as_ref()),
        u.role.clone().into(),
        text(u.password_hash.as_ref()),
        u.password_history.clone().into(),
        yes(u.password_alone),
        text(u.totp_secret.as_ref()),
        u.totp_last_step.into(),
        text(u.disabled_reason.as_ref()),
        Value::BigInt(u.disabled_at),
        yes(u.sealed),
        text(u.valid_from.as_ref()),
        text(u.valid_until.as_ref()),
        yes(u.must_renew),
        text(u.notice.as_ref()),
        text(u.lang.as_ref()),
        u.made_at.into(),
        Value::BigInt(u.last_sign_in_at),
        text(u.email.as_ref()),
        text(u.sees_from.as_ref()),
        text(u.sees_until.as_ref()),
        text(u.duties.as_ref()),
        u.rev.into(),
    ]
}

fn credential(row: &QueryResult) -> Result<CredentialRow> {
    let mut c = Columns::of(row);
    Ok(CredentialRow {
        id: c.get()?,
        user: c.get()?,
        name: c.get()?,
        passkey: c.get()?,
        model: c.get()?,
        attachment: c.get()?,
        backup_eligible: c.yes()?,
        counter: c.get()?,
        made_at: c.get()?,
        used_at: c.get()?,
    })
}

impl Store {
    /// Number of accounts that have a password or a passkey: as long as it is 0, nobody can sign in.
    ///
    /// # Errors
    /// Any store error.
    pub async fn user_count_able(&self) -> Result<i64> {
        let sql = "SELECT COUNT(*) FROM users u WHERE u.password_hash IS NOT NULL \
                   OR EXISTS (SELECT 1 FROM credentials c WHERE c.user_id = u.id)";
        let rows = self.query(sql, Vec::new()).await?;
        rows.first().map_or(Ok(0), |row| Ok(row.try_get_by_index(0)?))
    }

    /// The account with this id.
    ///
    /// # Errors
    /// Any store error.
    pub async fn user_find(&self, id: &str) -> Result<Option<UserRow>> {
        self.query(&select("u.id = $1"), vec![id.into()]).await?.first().map(user).transpose()
    }

    /// The account with this folded login.
    ///
    /// # Errors
    /// Any store error.
    pub async fn user_find_login(&self, login_key: &str) -> Result<Option<UserRow>> {
        self.query(&select("u.login_key = $1"), vec![login_key.into()]).await?.first().map(user).transpose()
    }

    /// The accounts of a facility, by login.
    ///
    /// # Errors
    /// Any store error.
    pub async fn user_list(&self, facility: &str) -> Result<Vec<UserRow>> {
        self.query(&select("u.facility = $1"), vec![facility.into()]).await?.iter().map(user).collect()
    }

    /// Accounts still enabled of people whose last day is before `today`, in every facility.
    ///
    /// # Errors
    /// Any store error.
    pub async fn user_list_left(&self, today: Date) -> Result<Vec<UserRow>> {
        let sql = select("u.disabled_at IS NULL AND p.leave_on < $1");
        self.query(&sql, vec![today.to_string().into()]).await?.iter().map(user).collect()
    }

    /// Accounts of people of the ledger for which nobody noted yet what it says of them.
    ///
    /// # Errors
    /// Any store error.
    pub async fn user_list_undecided(&self) -> Result<Vec<UserRow>> {
        self.query(&select("u.person IS NOT NULL AND u.duties IS NULL"), Vec::new()).await?.iter().map(user).collect()
    }

    /// Notes what the ledger of people says, for an account that has no such note: derived, so no entry of the journal.
    ///
    /// # Errors
    /// Any store error.
    pub async fn user_duties_note(&self, id: &str, duties: &str) -> Result<()> {
        let sql = "UPDATE users SET duties = $2 WHERE id = $1 AND duties IS NULL";
        self.housekeep(sql, vec![id.into(), duties.into()]).await.map(|_| ())
    }

    /// The passkeys of an account, oldest first.
    ///
    /// # Errors
    /// Any store error.
    pub async fn credential_list(&self, user: &str) -> Result<Vec<CredentialRow>> {
        let sql = format!("SELECT {CREDENTIAL} FROM credentials WHERE user_id = $1 ORDER BY made_at, id");
        self.query(&sql, vec![user.into()]).await?.iter().map(credential).collect()
    }

    /// The passkey with this credential id.
    ///
    /// # Errors
    /// Any store error.
    pub async fn credential_find(&self, id: &str) -> Result<Option<CredentialRow>> {
        let sql = format!("SELECT {CREDENTIAL} FROM credentials WHERE id = $1");
        self.query(&sql, vec![id.into()]).await?.first().map(credential).transpose()
    }

    /// Whether an account has an unused recovery code with this SHA-256.
    ///
    /// # Errors
    /// Any store error.
    pub async fn recovery_find(&self, user: &str, sha256: &str) -> Result<bool> {
        let sql = "SELECT 1 FROM recovery_codes WHERE user_id = $1 AND sha256 = $2 AND used_at IS NULL";
        Ok(!self.query(sql, vec![user.into(), sha256.into()]).await?.is_empty())
    }
}

impl WriteTx {
    /// Adds an account.
    ///
    /// # Errors
    /// Any store error; the login must be free.
    pub async fn user_insert(&mut self, user: &UserRow) -> Result<()> {
        self.execute(&insert("users", OWN), user_values(user)).await.map(|_| ())
    }

    /// Replaces an account if it is still at the revision it was read at.
    ///
    /// # Errors
    /// [`Error::Conflict`] when somebody else changed it meanwhile.
    pub async fn user_update(&mut self, user: &UserRow) -> Result<()> {
        let sets: Vec<String> = OWN
            .split(", ")
            .enumerate()
            .skip(1)
            .filter(|(_, column)| *column != "rev")
            .map(|(n, column)| format!("{column} = ${}", n + 1))
            .collect();
        let sql = format!("UPDATE users SET {}, rev = rev + 1 WHERE id = $1 AND rev = $27", sets.join(", "));
        match self.execute(&sql, user_values(user)).await? {
            0 => Err(Error::Conflict { what: user.login.clone() }),
            _ => Ok(()),
        }
    }

    /// Enabled accounts of this role in the facility of the transaction, as they are inside it.
    ///
    /// # Errors
    /// Any store error.
    pub async fn user_count_enabled(&self, role: &str) -> Result<i64> {
        let sql = "SELECT COUNT(*) FROM users WHERE facility = $1 AND role = $2 AND disabled_at IS NULL AND sealed = 0";
        let rows = self.select(sql, vec![self.facility.clone().into(), role.into()]).await?;
        rows.first().map_or(Ok(0), |row| Ok(row.try_get_by_index(0)?))
    }

    /// Adds a line to the notice of every account of these roles in the facility of the transaction.
    ///
    /// # Errors
    /// Any store error.
    pub async fn user_notify(&mut self, role: &str, notice: &str) -> Result<()> {
        let sql = "UPDATE users SET notice = COALESCE(notice || $4, '') || $3, rev = rev + 1 WHERE facility = $1 AND role = $2";
        let values = vec![self.facility.clone().into(), role.into(), notice.into(), "\n".into()];
        self.execute(sql, values).await.map(|_| ())
    }

    /// Adds a passkey.
    ///
    /// # Errors
    /// Any store error; the credential id must be new.
    pub async fn credential_insert(&mut self, c: &CredentialRow) -> Result<()> {
        let values = vec![
            c.id.clone().into(),
            c.user.clone().into(),
            c.name.clone().into(),
            c.passkey.clone().into(),
            text(c.model.as_ref()),
            text(c.attachment.as_ref()),
            yes(c.backup_eligible),
            c.counter.into(),
            c.made_at.into(),
            Value::BigInt(c.used_at),
        ];
        self.execute(&insert("credentials", CREDENTIAL), values).await.map(|_| ())
    }

    /// Notes that a passkey was used, with the counter it showed.
    ///
    /// # Errors
    /// Any store error.
    pub async fn credential_use(&mut self, id: &str, counter: i64) -> Result<()> {
        let sql = "UPDATE credentials SET used_at = $2, counter = $3 WHERE id = $1";
        let values = vec![id.into(), self.now.as_microsecond().into(), counter.into()];
        self.execute(sql, values).await.map(|_| ())
    }

    /// Removes a passkey of an account.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is none of that id.
    pub async fn credential_delete(&mut self, user: &str, id: &str) -> Result<()> {
        let sql = "DELETE FROM credentials WHERE user_id = $1 AND id = $2";
        match self.execute(sql, vec![user.into(), id.into()]).await? {
            0 => Err(Error::NotFound { what: "パスキー".to_owned() }),
            _ => Ok(()),
        }
    }

    /// Replaces the recovery codes of an account by those with these SHA-256.
    ///
    /// # Errors
    /// Any store error.
    pub async fn recovery_replace(&mut self, user: &str, codes: &[String]) -> Result<()> {
        self.execute("DELETE FROM recovery_codes WHERE user_id = $1", vec![user.into()]).await?;
        for code in codes {
            let sql = insert("recovery_codes", "user_id, sha256");
            self.execute(&sql, vec![user.into(), code.clone().into()]).await?;
        }
        Ok(())
    }

    /// Uses a recovery code up; whether it was there and unused.
    ///
    /// # Errors
    /// Any store error.
    pub async fn recovery_use(&mut self, user: &str, sha256: &str) -> Result<bool> {
        let sql = "UPDATE recovery_codes SET used_at = $3 WHERE user_id = $1 AND sha256 = $2 AND used_at IS NULL";
        let values = vec![user.into(), sha256.into(), self.now.as_microsecond().into()];
        Ok(self.execute(sql, values).await? > 0)
    }
}
