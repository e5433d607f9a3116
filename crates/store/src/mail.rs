//! Mail: how a facility sends it, and the queue of what waits.
//!
//! A mail is staged in the transaction of what it tells of, for everybody it concerns who has an address; where a facility
//! sends none, nothing is staged. Sending is housekeeping: several nodes may try, one claims each mail.

use sea_orm::{QueryResult, Value};

use crate::error::Result;
use crate::identity::{Columns, insert};
use crate::{Store, WriteTx};

/// How a facility sends mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailSettingsRow {
    /// Facility.
    pub facility: String,
    /// Name or address of the server.
    pub host: String,
    /// Its port.
    pub port: i64,
    /// Code of how the connection is protected.
    pub security: String,
    /// Name to sign in with, if any.
    pub login: Option<String>,
    /// Its password, encrypted.
    pub secret: Option<String>,
    /// Address mail comes from.
    pub sender: String,
    /// Certificate (PEM) of the authority that vouches for the server, where this machine does not know it.
    pub authority: Option<String>,
    /// Last day (Japan) of which the summary was queued.
    pub digest_on: Option<String>,
}

/// A mail to be sent now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailRow {
    /// Account it goes to.
    pub user: String,
    /// What it is about; one mail a matter.
    pub about: String,
    /// Facility.
    pub facility: String,
    /// Address of the account.
    pub address: String,
    /// Subject.
    pub subject: String,
    /// Text.
    pub body: String,
    /// When it may be tried.
    pub due_at: i64,
    /// How often it was tried.
    pub tries: i64,
}

/// What stands in the queue of a facility.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MailQueue {
    /// Waiting to be sent.
    pub waiting: i64,
    /// Given up.
    pub failed: i64,
    /// Sent.
    pub sent: i64,
    /// Why the last try failed, if any waits or was given up.
    pub problem: Option<String>,
}

const SETTINGS: &str = "facility, host, port, security, login, secret, sender, authority, digest_on";
/// `$6` is the id of an account or the code of a role.
const STAGE: &str = "INSERT INTO mails (user_id, about, facility, subject, body, made_at, due_at, tries) \
    SELECT u.id, $2, u.facility, $3, $4, $5, $5, 0 FROM users u JOIN mail_settings m ON m.facility = u.facility \
    WHERE u.facility = $1 AND u.email IS NOT NULL AND u.disabled_at IS NULL AND u.sealed = 0 AND (u.id = $6 OR u.role = $6) \
    ON CONFLICT (user_id, about) DO NOTHING";

fn settings(row: &QueryResult) -> Result<MailSettingsRow> {
    let mut c = Columns::of(row);
    Ok(MailSettingsRow {
        facility: c.get()?,
        host: c.get()?,
        port: c.get()?,
        security: c.get()?,
        login: c.get()?,
        secret: c.get()?,
        sender: c.get()?,
        authority: c.get()?,
        digest_on: c.get()?,
    })
}

fn staged(facility: &str, to: &str, about: &str, subject: &str, body: &str, at: i64) -> Vec<Value> {
    vec![facility.into(), about.into(), subject.into(), body.into(), at.into(), to.into()]
}

impl Store {
    /// How a facility sends mail, or every facility that does.
    ///
    /// # Errors
    /// Any store error.
    pub async fn mail_settings(&self, facility: Option<&str>) -> Result<Vec<MailSettingsRow>> {
        let sql = format!("SELECT {SETTINGS} FROM mail_settings WHERE facility = $1 OR $1 = '' ORDER BY facility");
        self.query(&sql, vec![facility.unwrap_or_default().into()]).await?.iter().map(settings).collect()
    }

    /// Queues a mail about what is no change: the summary of a day. `to` is the id of an account.
    ///
    /// # Errors
    /// Any store error.
    pub async fn mail_queue(
        &self,
        facility: &str,
        to: &str,
        about: &str,
        subject: &str,
        body: &str,
        at: i64,
    ) -> Result<()> {
        self.housekeep(STAGE, staged(facility, to, about, subject, body, at)).await.map(|_| ())
    }

    /// Notes that the summary of a day is queued.
    ///
    /// # Errors
    /// Any store error.
    pub async fn mail_digested(&self, facility: &str, day: &str) -> Result<()> {
        let sql = "UPDATE mail_settings SET digest_on = $2 WHERE facility = $1";
        self.housekeep(sql, vec![facility.into(), day.into()]).await.map(|_| ())
    }

    /// Mails to be tried now, the longest waiting first.
    ///
    /// # Errors
    /// Any store error.
    pub async fn mail_due(&self, now: i64, most: u32) -> Result<Vec<MailRow>> {
        let sql = format!(
            "SELECT q.user_id, q.about, q.facility, u.email, q.subject, q.body, q.due_at, q.tries \
             FROM mails q JOIN users u ON u.id = q.user_id \
             WHERE q.due_at <= $1 AND q.sent_at IS NULL AND q.failed_at IS NULL AND u.email IS NOT NULL \
             ORDER BY q.due_at, q.user_id, q.about LIMIT {most}"
        );
        let rows = self.query(&sql, vec![now.into()]).await?;
        rows.iter()
            .map(|row| {
                let mut c = Columns::of(row);
                Ok(MailRow {
                    user: c.get()?,
                    about: c.get()?,
                    facility: c.get()?,
                    address: c.get()?,
                    subject: c.get()?,
                    body: c.get()?,
                    due_at: c.get()?,
                    tries: c.get()?,
                })
            })
            .collect()
    }

    /// Takes a mail to send it, and sets when it may be tried again should that fail. Whether nobody else did.
    ///
    /// # Errors
    /// Any store error.
    pub async fn mail_claim(&self, mail: &MailRow, again_at: i64) -> Result<bool> {
        let sql = "UPDATE mails SET due_at = $4, tries = tries + 1 \
                   WHERE user_id = $1 AND about = $2 AND due_at = $3 AND sent_at IS NULL AND failed_at IS NULL";
        let values = vec![mail.user.clone().into(), mail.about.clone().into(), mail.due_at.into(), again_at.into()];
        Ok(self.housekeep(sql, values).await? == 1)
    }

    /// Notes that a mail was sent.
    ///
    /// # Errors
    /// Any store error.
    pub async fn mail_sent(&self, mail: &MailRow, at: i64) -> Result<()> {
        let sql = "UPDATE mails SET sent_at = $3, problem = NULL WHERE user_id = $1 AND about = $2";
        self.housekeep(sql, vec![mail.user.clone().into(), mail.about.clone().into(), at.into()]).await.map(|_| ())
    }

    /// Notes why a mail was not sent; with `given_up` it is not tried again.
    ///
    /// # Errors
    /// Any store error.
    pub async fn mail_failed(&self, mail: &MailRow, problem: &str, given_up: Option<i64>) -> Result<()> {
        let sql = "UPDATE mails SET problem = $3, failed_at = $4 WHERE user_id = $1 AND about = $2";
        let values = vec![mail.user.clone().into(), mail.about.clone().into(), problem.into(), Value::BigInt(given_up)];
        self.housekeep(sql, values).await.map(|_| ())
    }

    /// Forgets mails that were made before `past`.
    ///
    /// # Errors
    /// Any store error.
    pub async fn mail_forget(&self, past: i64) -> Result<()> {
        self.housekeep("DELETE FROM mails WHERE made_at < $1", vec![past.into()]).await.map(|_| ())
    }

    /// What stands in the queue of a facility.
    ///
    /// # Errors
    /// Any store error.
    pub async fn mail_counts(&self, facility: &str) -> Result<MailQueue> {
        let sql = "SELECT COUNT(CASE WHEN sent_at IS NULL AND failed_at IS NULL THEN 1 END), COUNT(failed_at), COUNT(sent_at) \
                   FROM mails WHERE facility = $1";
        let why = "SELECT problem FROM mails WHERE facility = $1 AND problem IS NOT NULL ORDER BY due_at DESC LIMIT 1";
        let rows = self.query(sql, vec![facility.into()]).await?;
        let Some(row) = rows.first() else { return Ok(MailQueue::default()) };
        let mut c = Columns::of(row);
        let problem = self.query(why, vec![facility.into()]).await?;
        let problem = problem.first().map(|row| row.try_get_by_index(0)).transpose()?;
        Ok(MailQueue { waiting: c.get()?, failed: c.get()?, sent: c.get()?, problem })
    }
}

impl WriteTx {
    /// Sets how the facility of the transaction sends mail.
    ///
    /// # Errors
    /// Any store error.
    pub async fn mail_settings_set(&mut self, s: &MailSettingsRow) -> Result<()> {
        self.mail_settings_remove().await?;
        let values = vec![
            self.facility.clone().into(),
            s.host.clone().into(),
            s.port.into(),
            s.security.clone().into(),
            Value::String(s.login.clone()),
            Value::String(s.secret.clone()),
            s.sender.clone().into(),
            Value::String(s.authority.clone()),
            Value::String(s.digest_on.clone()),
        ];
        self.execute(&insert("mail_settings", SETTINGS), values).await.map(|_| ())
    }

    /// Lets the facility of the transaction send no mail any more. Whether it did before.
    ///
    /// # Errors
    /// Any store error.
    pub async fn mail_settings_remove(&mut self) -> Result<bool> {
        let removed =
            self.execute("DELETE FROM mail_settings WHERE facility = $1", vec![self.facility.clone().into()]).await?;
        Ok(removed > 0)
    }

    /// Drops what waits in the queue of the facility of the transaction.
    ///
    /// # Errors
    /// Any store error.
    pub async fn mail_drop(&mut self) -> Result<()> {
        let sql = "DELETE FROM mails WHERE facility = $1 AND sent_at IS NULL";
        self.execute(sql, vec![self.facility.clone().into()]).await.map(|_| ())
    }

    /// Stages a mail for an account (`to` is its id) or for everybody of a role (its code) who can be reached. It is part
    /// of the transaction; one that is about the same is not sent twice.
    ///
    /// # Errors
    /// Any store error.
    pub async fn mail(&mut self, to: &str, about: &str, subject: &str, body: &str) -> Result<()> {
        let values = staged(&self.facility, to, about, subject, body, self.now.as_microsecond());
        self.execute(STAGE, values).await.map(|_| ())
    }
}
