//! Who signs in, how they prove it, and for how long it holds.
//!
//! A passkey with user verification is two factors in one act; a password with a one-time code is two; a password of
//! 13 characters stands alone (`mhlw-7.0/unyo/14-5`, `14-6`). A session is bound to the terminal it began on. What
//! could take an account over (a new factor, a reset) asks for a proof of the last minutes or for a second person, and
//! every such act is in the journal. Whoever guesses learns nothing: unknown login, wrong password, wrong code and
//! disabled account give one answer after one amount of work.

mod passkey;
mod password;
mod recovery;
pub(crate) mod secrets;
mod session;
mod setup;
mod signature;
mod token;
mod totp;
mod users;

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use domain::authz::{Permission, Role};
use domain::journal::{Actor, sha256};
use domain::ledger::Period;
use domain::text::Lang;
use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use store::{SessionRow, UserRow};
use webauthn_rs::prelude::Webauthn;

pub use passkey::PasskeyInfo;
pub use recovery::{ResetMethod, ResetRequest};
pub use secrets::{Cookie, Entropy, Keyring, SystemEntropy};
pub use session::SessionInfo;
pub use setup::SetupGrant;
pub use token::{NewToken, Program, TokenInfo};
pub use users::{DutiesReview, NewUser, users_sha256};

use crate::error::{Error, Result};

/// What signing in needs besides the store.
pub(crate) struct Means {
    /// The keys of the installation.
    pub(crate) keys: Keyring,
    /// Where secrets come from.
    pub(crate) entropy: Box<dyn Entropy>,
    hashing: password::Hashing,
    passkeys: RwLock<Option<Arc<Webauthn>>>,
    unsaved: Unsaved,
}

/// When sessions were last seen, by their id, where that could not be saved.
#[derive(Default)]
struct Unsaved(Mutex<HashMap<String, i64>>);

impl Unsaved {
    /// When a session was last seen; 0 when that is in the store.
    fn seen(&self, session: &str) -> i64 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(session).copied().unwrap_or_default()
    }

    fn note(&self, session: &str, seen_at: i64) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(session.to_owned(), seen_at);
    }
}

impl Means {
    pub(crate) fn new(keys: Keyring) -> Self {
        Self {
            keys,
            entropy: Box::new(SystemEntropy),
            hashing: password::Hashing::default(),
            passkeys: RwLock::new(None),
            unsaved: Unsaved::default(),
        }
    }

    /// A new secret of 256 bits.
    fn secret(&self) -> Result<Cookie> {
        secrets::secret(self.entropy.as_ref())
    }
}

/// The terminal a request comes from.
#[derive(Clone)]
pub struct Terminal {
    /// Value of its long-lived cookie.
    pub key: String,
    /// Address.
    pub address: IpAddr,
    /// Browser.
    pub agent: String,
}

impl Terminal {
    /// Characters of a key: 256 bits in hex.
    pub const KEY_LENGTH: usize = 64;

    fn sha256(&self) -> String {
        sha256(self.key.as_bytes())
    }
}

/// How somebody proved who they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Methods {
    /// A passkey with user verification.
    Passkey,
    /// A password and a one-time code.
    PasswordTotp,
    /// A password of 13 characters or more.
    Password13,
    /// A recovery code besides the password, or a second person's confirmation.
    Recovery,
    /// The link of the first set-up.
    Setup,
}

const METHODS: [(Methods, &str); 5] = [
    (Methods::Passkey, "passkey"),
    (Methods::PasswordTotp, "password+totp"),
    (Methods::Password13, "password"),
    (Methods::Recovery, "recovery"),
    (Methods::Setup, "setup"),
];

impl Methods {
    /// The code, as it is stored and journaled.
    pub fn code(self) -> &'static str {
        METHODS.iter().find(|row| row.0 == self).map_or("", |row| row.1)
    }

    fn parse(code: &str) -> Result<Self> {
        let found = METHODS.iter().find(|row| row.1 == code).map(|row| row.0);
        found.ok_or_else(|| Error::Internal { message: format!("methods {code}") })
    }

    /// How long the proof is good for acts that need a fresh one. Whoever came in by set-up or recovery has no other
    /// way to prove themselves and needs time to make one.
    const fn fresh_for(self) -> SignedDuration {
        SignedDuration::from_mins(match self {
            Self::Setup => 30,
            Self::Recovery => 15,
            Self::Passkey | Self::PasswordTotp | Self::Password13 => 5,
        })
    }
}

/// An account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Stable id.
    pub id: String,
    /// Id of the facility.
    pub facility: String,
    /// What the person types.
    pub login: String,
    /// Name of the person.
    pub name: String,
    /// Key in the ledger of people.
    pub person: Option<String>,
    /// Role.
    pub role: Role,
    /// Why it is disabled, if it is.
    pub disabled: Option<String>,
    /// Has a password.
    pub has_password: bool,
    /// Has a one-time code generator.
    pub has_totp: bool,
    /// Number of passkeys.
    pub passkeys: u32,
    /// Recovery codes not used yet.
    pub recovery_left: u32,
    /// First day the account may be used.
    pub valid_from: Option<Date>,
    /// Last day the account may be used.
    pub valid_until: Option<Date>,
    /// Where mail reaches the person.
    pub email: Option<String>,
    /// First day whose records the account sees; an auditor's.
    pub sees_from: Option<Date>,
    /// Last day whose records the account sees.
    pub sees_until: Option<Date>,
    /// What the ledger of people said of the person when somebody last decided on the role, and what it says now, where
    /// that is something else: the role is to be looked at again.
    pub moved: Option<(String, String)>,
    /// To be shown to the person.
    pub notice: Option<String>,
    /// Language chosen.
    pub lang: Option<Lang>,
    /// Last sign-in.
    pub last_sign_in_at: Option<Timestamp>,
    /// Emergency account that is put away.
    pub sealed: bool,
    /// Got in by a recovery and owes a new factor.
    pub must_renew: bool,
    /// Revision.
    pub rev: i64,
}

impl User {
    /// The days whose records the account sees; `None` for all. Only an auditor is held to them.
    pub fn period(&self) -> Option<Period> {
        let (from, until) = self.sees_from.zip(self.sees_until).filter(|_| self.role == Role::Auditor)?;
        Some(Period { from, until })
    }

    pub(crate) fn of(row: &UserRow) -> Result<Self> {
        let corrupt = || Error::Internal { message: format!("user {}", row.id) };
        let day = |text: &Option<String>| text.as_deref().map(str::parse).transpose().map_err(|_| corrupt());
        Ok(Self {
            id: row.id.clone(),
            facility: row.facility.clone(),
            login: row.login.clone(),
            name: row.name.clone(),
            person: row.person.clone(),
            role: Role::parse(&row.role).ok_or_else(corrupt)?,
            disabled: row.disabled_at.map(|_| row.disabled_reason.clone().unwrap_or_default()),
            has_password: row.password_hash.is_some(),
            has_totp: row.totp_secret.is_some(),
            passkeys: u32::try_from(row.passkeys).unwrap_or_default(),
            recovery_left: u32::try_from(row.recovery_left).unwrap_or_default(),
            valid_from: day(&row.valid_from)?,
            valid_until: day(&row.valid_until)?,
            email: row.email.clone(),
            sees_from: day(&row.sees_from)?,
            sees_until: day(&row.sees_until)?,
            moved: users::moved(row),
            notice: row.notice.clone(),
            lang: row.lang.as_deref().map(|code| if code == "en" { Lang::En } else { Lang::Ja }),
            last_sign_in_at: row.last_sign_in_at.map(instant).transpose()?,
            sealed: row.sealed,
            must_renew: row.must_renew,
            rev: row.rev,
        })
    }
}

/// Whoever acts through an account: a person who is signed in, or a program with a token of theirs.
///
/// Acts that take one are open to both; acts that take a [`Signed`] need the person themselves.
pub trait Acting: Sync {
    /// The account.
    fn user(&self) -> &User;

    /// As the journal names them.
    fn actor(&self) -> Actor;

    /// Refuses who may not do this.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] when the screen is locked, [`Error::Forbidden`] otherwise.
    fn need(&self, permission: Permission) -> Result<()>;
}

impl Acting for Signed {
    fn user(&self) -> &User {
        &self.user
    }

    fn actor(&self) -> Actor {
        actor(&self.user.name, &self.user.login)
    }

    fn need(&self, permission: Permission) -> Result<()> {
        match (self.locked, self.may(permission)) {
            (true, _) => Err(Error::Unauthenticated),
            (false, false) => Err(Error::Forbidden),
            (false, true) => Ok(()),
        }
    }
}

/// Somebody who is signed in.
pub struct Signed {
    /// Id of the session, which is no secret.
    pub session: String,
    /// The account.
    pub user: User,
    /// How they last proved who they are.
    pub methods: Methods,
    /// When they last did.
    pub signed_in_at: Timestamp,
    /// Token that forms have to carry.
    pub csrf: String,
    /// The screen is locked: nothing may be done until the person has proved who they are.
    pub locked: bool,
    /// The terminal is shared.
    pub shared: bool,
    /// When the screen locks if nothing happens.
    pub idle_ends_at: Timestamp,
    /// When the session ends in any case.
    pub ends_at: Timestamp,
    /// Name of the person in whose place the account approves today (代理), if in any.
    pub stands_for: Option<String>,
    row: SessionRow,
}

impl Signed {
    /// The person as the journal names them: `名前（login）`.
    pub fn actor(&self) -> Actor {
        Acting::actor(self)
    }

    /// Whether they proved who they are within the last minutes.
    pub fn fresh(&self, now: Timestamp) -> bool {
        !self.locked && now.duration_since(self.signed_in_at) <= self.methods.fresh_for()
    }

    /// Whether they may do this, by their role or, for approvals, in somebody's place.
    pub fn may(&self, permission: Permission) -> bool {
        let in_place = permission == Permission::Approve && self.stands_for.is_some();
        !self.locked && (self.user.role.may(permission) || in_place)
    }

    /// Refuses who has to prove first, again, who they are; for one's own credentials.
    fn need_fresh(&self, now: Timestamp) -> Result<()> {
        self.need(Permission::UseOwnAccount)?;
        if self.fresh(now) { Ok(()) } else { Err(Error::StepUp) }
    }
}

fn actor(name: &str, login: &str) -> Actor {
    Actor::new(format!("{name}（{login}）"))
}

/// Who acts as long as nobody has proved who they are.
fn nobody() -> Actor {
    Actor::new("未確認")
}

/// The product itself.
fn product() -> Actor {
    Actor::new("sakimori")
}

fn instant(microsecond: i64) -> Result<Timestamp> {
    Timestamp::from_microsecond(microsecond).map_err(|_| Error::Internal { message: format!("instant {microsecond}") })
}

/// The form in which logins are compared.
fn login_key(login: &str) -> String {
    domain::text::tidy(login).to_lowercase()
}

/// Whether the person's last day at the facility is over.
fn has_left(user: &UserRow, today: Date) -> bool {
    user.leave_on.as_deref().is_some_and(|day| day < today.to_string().as_str())
}

/// Whether an account may be used on this day.
fn usable(user: &UserRow, today: Date) -> bool {
    let day = today.to_string();
    user.disabled_at.is_none()
        && !user.sealed
        && !has_left(user, today)
        && user.valid_from.as_deref().is_none_or(|from| from <= day.as_str())
        && user.valid_until.as_deref().is_none_or(|until| day.as_str() <= until)
}

/// Whether an account can still be entered by what it has: a passkey, a password with a code, or a long password.
fn has_way_in(user: &UserRow) -> bool {
    let password = user.password_hash.is_some() && (user.password_alone || user.totp_secret.is_some());
    user.passkeys > 0 || password
}

/// Adds a line to what the account's owner is shown.
fn tell(user: &mut UserRow, line: &str) {
    let before = user.notice.take().map(|notice| notice + "\n").unwrap_or_default();
    user.notice = Some(before + line);
}

fn last_way_in() -> Error {
    Error::invalid(
        "AUT-010",
        "外せませんでした。これを外すと、サインインする手段がなくなります。先に別のパスキーか、確認コードとパスワードを登録してください。",
    )
}
