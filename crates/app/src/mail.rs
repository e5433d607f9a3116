//! Mail: how a facility sends it, the round that sends what waits, and the trial.
//!
//! Everything works without mail; it only brings people here sooner. What is told stands in [`notices`]: counts and
//! addresses of pages, never what patients, ledgers or secrets say. A mail is queued with what it tells of and tried
//! again with growing pauses. Connections are encrypted and the server's certificate is checked; only to a server on this
//! very machine may mail go in the clear.

pub(crate) mod notices;

use std::net::IpAddr;
use std::time::Duration;

use domain::authz::Permission;
use domain::journal::{Event, sha256};
use domain::text::{Label, tidy};
use jiff::{SignedDuration, Timestamp};
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::{Address, AsyncSmtpTransport, AsyncTransport as _, Tokio1Executor};
use store::{MailQueue, MailRow, MailSettingsRow};

use crate::App;
use crate::error::{Error, FieldError, Result};
use crate::identity::Acting;

/// How long one step of talking to a mail server may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// Pause after a first failed try; it doubles with each.
const PAUSE: SignedDuration = SignedDuration::from_mins(1);
/// Tries before a mail is given up: the last comes about seventeen hours after the first.
const TRIES: i64 = 11;
/// Mails sent in one round.
const AT_ONCE: u32 = 50;
/// How long is remembered what was sent.
const KEPT: SignedDuration = SignedDuration::from_hours(24 * 30);
/// Longest name of a server, longest certificate.
const HOST_MAX: usize = 253;
const AUTHORITY_MAX: usize = 16 << 10;

/// How the connection to the mail server is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailSecurity {
    /// Encrypted after a first word in the clear; refused where the server cannot.
    StartTls,
    /// Encrypted from the start.
    Tls,
    /// In the clear, to this machine alone.
    Clear,
}

const SECURITIES: [(MailSecurity, &str, Label); 3] = [
    (MailSecurity::StartTls, "starttls", Label::new("STARTTLS（普通は587番）", "STARTTLS (usually port 587)")),
    (MailSecurity::Tls, "tls", Label::new("TLS（普通は465番）", "TLS (usually port 465)")),
    (MailSecurity::Clear, "clear", Label::new("暗号化しない（このサーバの中だけ）", "none (this machine only)")),
];

impl MailSecurity {
    /// Every kind, the usual first.
    pub const ALL: [Self; 3] = [Self::StartTls, Self::Tls, Self::Clear];

    /// The code, as it is stored.
    pub fn code(self) -> &'static str {
        SECURITIES.iter().find(|row| row.0 == self).map_or("", |row| row.1)
    }

    /// The name for people.
    pub fn label(self) -> Label {
        SECURITIES.iter().find(|row| row.0 == self).map_or(Label::new("", ""), |row| row.2)
    }

    fn parse(code: &str) -> Option<Self> {
        SECURITIES.iter().find(|row| row.1 == code).map(|row| row.0)
    }
}

/// What is typed into the form.
#[derive(Clone, Debug, Default)]
pub struct MailForm {
    /// Name or address of the server.
    pub host: String,
    /// Its port.
    pub port: String,
    /// Code of a [`MailSecurity`].
    pub security: String,
    /// Name to sign in with; empty for none.
    pub login: String,
    /// Its password; empty leaves the stored one, as long as server and name stay.
    pub password: String,
    /// Address mail comes from.
    pub sender: String,
    /// Certificate (PEM) of the server's authority; empty where this machine knows it.
    pub authority: String,
}

/// How a facility sends mail, as a page shows it.
#[derive(Clone, Debug)]
pub struct MailSettings {
    /// What stands in the form; the password is never given back.
    pub form: MailForm,
    /// Whether a password is stored.
    pub has_password: bool,
    /// What waits.
    pub queue: MailQueue,
}

/// An address for mail as it is stored; `None` for an empty field.
pub(crate) fn address(field: &str, typed: &str) -> Result<Option<String>> {
    let typed = tidy(typed);
    if typed.is_empty() {
        return Ok(None);
    }
    let fits = typed.len() <= 254 && typed.is_ascii() && typed.parse::<Address>().is_ok();
    let wrong = || {
        Error::field(field, "メールアドレスの形ではありません（MAIL-001）。名前@会社.example の形で入れてください。")
    };
    fits.then_some(typed).map(Some).ok_or_else(wrong)
}

fn is_this_machine(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost") || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn is_host(host: &str) -> bool {
    let named = host.chars().all(|c| c.is_ascii_alphanumeric() || ".-".contains(c)) && host.len() <= HOST_MAX;
    !host.is_empty() && (named || host.parse::<IpAddr>().is_ok())
}

/// Why a mail did not leave.
struct Unsent {
    why: String,
    /// The server will not take it later either.
    for_good: bool,
}

impl App {
    /// How a facility sends mail; `None` when it does not.
    ///
    /// # Errors
    /// Any store error.
    pub async fn mail_settings(&self, facility: &str) -> Result<Option<MailSettings>> {
        let Some(row) = self.store.mail_settings(Some(facility)).await?.pop() else { return Ok(None) };
        let form = MailForm {
            host: row.host,
            port: row.port.to_string(),
            security: row.security,
            login: row.login.unwrap_or_default(),
            password: String::new(),
            sender: row.sender,
            authority: row.authority.unwrap_or_default(),
        };
        let queue = self.store.mail_counts(facility).await?;
        Ok(Some(MailSettings { form, has_password: row.secret.is_some(), queue }))
    }

    /// Sets how one's facility sends mail.
    ///
    /// # Errors
    /// [`Error::Forbidden`] for who may not change settings, [`Error::Fields`] for what will not do.
    pub async fn mail_settings_set(&self, by: &dyn Acting, form: &MailForm) -> Result<()> {
        by.need(Permission::ManageSettings)?;
        let facility = &by.user().facility;
        let before = self.store.mail_settings(Some(facility)).await?.pop();
        let row = self.mail_row(facility, form, before.as_ref())?;
        transport(self, &row)?;
        let mut tx = self.store.begin(&by.actor(), facility, self.now()).await?;
        tx.mail_settings_set(&row).await?;
        let event = Event::new("mail.set", &row.host).with("port", row.port).with("security", &row.security);
        tx.record(event.with("sender", &row.sender).with("login", row.login.as_deref().unwrap_or_default()));
        Ok(tx.commit().await?)
    }

    /// Reads the form; every field that will not do is named.
    fn mail_row(&self, facility: &str, form: &MailForm, before: Option<&MailSettingsRow>) -> Result<MailSettingsRow> {
        let mut faults = Vec::new();
        let mut fault = |field: &str, message: &str| faults.push(FieldError::new(field, message));
        let (host, login) = (tidy(&form.host).to_lowercase(), tidy(&form.login));
        if !is_host(&host) {
            fault("host", "メールサーバの名前がないか、使えない文字があります（MAIL-001）。例：smtp.example.jp");
        }
        let port = tidy(&form.port).parse::<u16>().ok().filter(|port| *port > 0);
        if port.is_none() {
            fault("port", "番号は1から65535までの数字にしてください（MAIL-001）。普通は587か465です。");
        }
        let security = MailSecurity::parse(&form.security);
        match security {
            None => fault("security", "接続の守り方を選んでください（MAIL-001）。"),
            Some(MailSecurity::Clear) if !is_this_machine(&host) => fault(
                "security",
                "暗号化なしでは、ほかのコンピュータに送れません（MAIL-002）。内容とパスワードが読まれるためです。STARTTLSかTLSを選んでください。",
            ),
            Some(_) => {}
        }
        let sender = match address("sender", &form.sender) {
            Ok(Some(sender)) => sender,
            Ok(None) => {
                fault("sender", "差出人のアドレスがありません（MAIL-001）。例：sakimori@example.jp");
                String::new()
            }
            Err(Error::Fields(wrong)) => {
                wrong.iter().for_each(|w| fault(&w.field, &w.message));
                String::new()
            }
            Err(error) => return Err(error),
        };
        let authority = Some(form.authority.trim().to_owned()).filter(|pem| !pem.is_empty());
        let is_pem = |pem: &String| {
            let framed = pem.starts_with("-----BEGIN CERTIFICATE-----") && pem.ends_with("-----END CERTIFICATE-----");
            framed && pem.len() <= AUTHORITY_MAX && Certificate::from_pem(pem.as_bytes()).is_ok()
        };
        if authority.as_ref().is_some_and(|pem| !is_pem(pem)) {
            fault(
                "authority",
                "証明書を読めません（MAIL-001）。-----BEGIN CERTIFICATE----- で始まる文字を、そのまま貼り付けてください。",
            );
        }
        // A stored password goes to the server it was entered for, and to no other.
        let same = before.filter(|b| b.host == host && b.login.as_deref() == Some(&login));
        let secret = match (login.is_empty(), form.password.is_empty()) {
            (true, _) => None,
            (false, false) => {
                let keys = &self.identity.keys;
                Some(keys.seal(self.identity.entropy.as_ref(), &owner(facility), form.password.as_bytes())?)
            }
            (false, true) => same.and_then(|b| b.secret.clone()),
        };
        if !login.is_empty() && secret.is_none() {
            fault(
                "password",
                "パスワードがありません（MAIL-001）。サーバか利用者名を変えたときは、入れ直してください。",
            );
        }
        if !faults.is_empty() {
            return Err(Error::Fields(faults));
        }
        Ok(MailSettingsRow {
            facility: facility.to_owned(),
            host,
            port: port.map_or(0, i64::from),
            security: security.map_or("", MailSecurity::code).to_owned(),
            login: Some(login).filter(|login| !login.is_empty()),
            secret,
            sender,
            authority,
            digest_on: before.and_then(|b| b.digest_on.clone()),
        })
    }

    /// Sends no more mail from one's facility; what waits is dropped.
    ///
    /// # Errors
    /// [`Error::Forbidden`] for who may not change settings, [`Error::NotFound`] when none is sent.
    pub async fn mail_settings_remove(&self, by: &dyn Acting) -> Result<()> {
        by.need(Permission::ManageSettings)?;
        let mut tx = self.store.begin(&by.actor(), &by.user().facility, self.now()).await?;
        if !tx.mail_settings_remove().await? {
            return Err(Error::NotFound { what: "メールの設定".to_owned() });
        }
        tx.mail_drop().await?;
        tx.record(Event::new("mail.remove", "mail"));
        Ok(tx.commit().await?)
    }

    /// Sends a mail to oneself, now, to see whether it arrives.
    ///
    /// # Errors
    /// `MAIL-003` when one has no address, `MAIL-004` with what the server said.
    pub async fn mail_try(&self, by: &dyn Acting) -> Result<String> {
        by.need(Permission::ManageSettings)?;
        let user = by.user();
        let row = self.store.mail_settings(Some(&user.facility)).await?.pop();
        let row = row.ok_or_else(|| Error::NotFound { what: "メールの設定".to_owned() })?;
        let to = user.email.clone().ok_or_else(|| {
            Error::invalid(
                "MAIL-003",
                "試しのメールを送れませんでした。自分のメールアドレスが登録されていません。「自分のアカウント」で登録してください。",
            )
        })?;
        let mail = MailRow {
            user: user.id.clone(),
            about: format!("try:{}", self.now().as_microsecond()),
            facility: user.facility.clone(),
            address: to.clone(),
            subject: notices::say(user.lang, "mail-try-subject", &[]),
            body: notices::say(user.lang, "mail-try", &[]),
            due_at: 0,
            tries: 0,
        };
        let outcome = self.mail_send(&row, &mail).await;
        let mut tx = self.store.begin(&by.actor(), &user.facility, self.now()).await?;
        tx.record(
            Event::new("mail.try", &row.host)
                .with("outcome", outcome.as_ref().map_or_else(|e| e.why.as_str(), |()| "sent")),
        );
        tx.commit().await?;
        outcome.map(|()| to).map_err(|unsent| {
            Error::invalid(
                "MAIL-004",
                format!(
                    "試しのメールを送れませんでした。{}。サーバの名前・番号・パスワードを確かめてください。",
                    unsent.why
                ),
            )
        })
    }

    /// One round: queues the day's summaries when it is time, and sends what is due; how many mails left. `origin` is where
    /// browsers find the server.
    ///
    /// # Errors
    /// Any store error.
    pub async fn mail_round(&self, origin: &str) -> Result<usize> {
        let settings = self.store.mail_settings(None).await?;
        for row in &settings {
            self.mail_digest(row, origin).await?;
        }
        if settings.is_empty() {
            return Ok(0);
        }
        self.store.mail_forget((self.now() - KEPT).as_microsecond()).await?;
        let mut sent = 0;
        for mail in self.store.mail_due(self.now().as_microsecond(), AT_ONCE).await? {
            let Some(row) = settings.iter().find(|row| row.facility == mail.facility) else { continue };
            sent += usize::from(self.mail_deliver(row, &mail).await?);
        }
        Ok(sent)
    }

    async fn mail_deliver(&self, row: &MailSettingsRow, mail: &MailRow) -> Result<bool> {
        let pause = PAUSE * i32::try_from(1_i64 << mail.tries.clamp(0, TRIES)).unwrap_or(i32::MAX);
        if !self.store.mail_claim(mail, (self.now() + pause).as_microsecond()).await? {
            return Ok(false);
        }
        let Err(unsent) = self.mail_send(row, mail).await else {
            self.store.mail_sent(mail, self.now().as_microsecond()).await?;
            return Ok(true);
        };
        tracing::warn!(host = %row.host, tries = mail.tries + 1, why = %unsent.why, "mail not sent");
        let over = unsent.for_good || mail.tries + 1 >= TRIES;
        let given_up = over.then(|| self.now().as_microsecond());
        self.store.mail_failed(mail, &unsent.why, given_up).await?;
        Ok(false)
    }

    async fn mail_send(&self, row: &MailSettingsRow, mail: &MailRow) -> std::result::Result<(), Unsent> {
        let broken = |error: &dyn std::fmt::Display| Unsent { why: error.to_string(), for_good: true };
        let transport = transport(self, row).map_err(|error| broken(&error))?;
        let message = message(row, mail, self.now()).map_err(|error| broken(&error))?;
        match transport.send(message).await {
            Ok(_) => Ok(()),
            Err(error) => {
                // A bad answer to the connection as a whole (credentials, greeting) is a matter of the settings, which
                // somebody may mend; a bad answer to one mail is that mail's.
                let code = error.status().map(|code| code.to_string());
                let for_good = error.is_permanent() && !code.is_some_and(|code| code.starts_with("53"));
                Err(Unsent { why: said(&error), for_good })
            }
        }
    }
}

/// An error with its causes, in one line.
fn said(error: &dyn std::error::Error) -> String {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let text = inner.to_string();
        if !line.contains(&text) {
            line = format!("{line}: {text}");
        }
        cause = inner.source();
    }
    line.chars().map(|c| if c.is_control() { ' ' } else { c }).take(300).collect()
}

/// For whom the password is encrypted.
fn owner(facility: &str) -> String {
    format!("mail {facility}")
}

fn transport(app: &App, row: &MailSettingsRow) -> Result<AsyncSmtpTransport<Tokio1Executor>> {
    let failed = |error: lettre::transport::smtp::Error| {
        Error::invalid(
            "MAIL-005",
            format!("メールの接続を用意できません。{}。証明書の設定を確かめてください。", said(&error)),
        )
    };
    let protection = || {
        let mut tls = TlsParameters::builder(row.host.clone());
        if let Some(pem) = &row.authority {
            tls = tls.add_root_certificate(Certificate::from_pem(pem.as_bytes())?);
        }
        tls.build_rustls()
    };
    let tls = match MailSecurity::parse(&row.security) {
        Some(MailSecurity::Clear) if is_this_machine(&row.host) => Tls::None,
        Some(MailSecurity::Tls) => Tls::Wrapper(protection().map_err(failed)?),
        _ => Tls::Required(protection().map_err(failed)?),
    };
    let port = u16::try_from(row.port).unwrap_or_default();
    let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(row.host.clone())
        .port(port)
        .tls(tls)
        .timeout(Some(PATIENCE));
    if let (Some(login), Some(secret)) = (&row.login, &row.secret) {
        let plain = app.identity.keys.unseal(&owner(&row.facility), secret)?;
        let password = String::from_utf8(plain).map_err(|_| Error::Internal { message: "mail password".to_owned() })?;
        builder = builder.credentials(Credentials::new(login.clone(), password));
    }
    Ok(builder.build())
}

/// The mail as it goes out. Its id follows from what it is about: one that arrives twice is known to be one.
fn message(row: &MailSettingsRow, mail: &MailRow, now: Timestamp) -> Result<Message> {
    let internal = |what: &dyn std::fmt::Display| Error::Internal { message: format!("mail {what}") };
    let mailbox = |text: &str| text.parse::<Address>().map(|a| Mailbox::new(None, a)).map_err(|e| internal(&e));
    let id: String = sha256(format!("{} {}", mail.user, mail.about).as_bytes()).chars().take(32).collect();
    let host = row.sender.rsplit_once('@').map_or("localhost", |(_, host)| host);
    let mut message = Message::builder()
        .from(mailbox(&row.sender)?)
        .to(mailbox(&mail.address)?)
        .subject(mail.subject.as_str())
        .date(now.into())
        .message_id(Some(format!("<{id}@{host}>")))
        .header(ContentType::TEXT_PLAIN)
        .body(mail.body.clone())
        .map_err(|e| internal(&e))?;
    let name = HeaderName::new_from_ascii_str("Auto-Submitted");
    message.headers_mut().insert_raw(HeaderValue::new(name, "auto-generated".to_owned()));
    Ok(message)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn only_this_machine_is_talked_to_in_the_clear() {
        for (host, near) in
            [("localhost", true), ("127.0.0.1", true), ("::1", true), ("10.0.0.1", false), ("localhost.example", false)]
        {
            assert_eq!(is_this_machine(host), near, "{host}");
        }
        assert!(!is_host("") && !is_host("a b") && !is_host("smtp.example.jp:25") && !is_host("例え.jp"));
        assert!(is_host("smtp.example.jp") && is_host("192.0.2.1") && is_host("::1"));
    }

    #[test]
    fn an_address_is_one_or_is_refused() {
        assert_eq!(address("email", "　ａ@ｂ.example ").unwrap(), Some("a@b.example".to_owned()));
        assert_eq!(address("email", " ").unwrap(), None);
        for wrong in ["a", "a@", "@b", "a@b\r\nBcc: c@d", "a@b, c@d", "名前@例え.jp", "\u{1F600}@b.example"] {
            assert!(address("email", wrong).is_err(), "{wrong}");
        }
    }
}
