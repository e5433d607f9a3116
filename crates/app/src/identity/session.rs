//! Sessions: opened by a proof, bound to a terminal, locked when idle, ended for good when they turn up elsewhere.

use domain::authz::{Permission, Role};
use domain::journal::{Event, sha256};
use jiff::{SignedDuration, Timestamp};
use store::{SessionRow, TerminalRow, UserRow, WriteTx};
use uuid::Uuid;

use super::password::refused;
use super::{
    Acting, Cookie, Methods, Signed, Terminal, User, actor, has_left, instant, nobody, product, secrets, tell, usable,
};
use crate::App;
use crate::error::{Error, FieldError, Result};
use crate::mail::notices::{self, Notice, To};

/// A session ends after this long, whatever happens.
const LONGEST: SignedDuration = SignedDuration::from_hours(12);
/// The screen locks after this long without use.
const IDLE: SignedDuration = SignedDuration::from_mins(15);
/// The same on a shared terminal.
const IDLE_SHARED: SignedDuration = SignedDuration::from_mins(5);
/// Use is noted this often, so that reading a page is seldom a write.
const NOTED_EVERY: SignedDuration = SignedDuration::from_secs(60);

/// Somebody who has just proved who they are, and what follows from how they did.
pub(super) struct Proved {
    pub(super) user: UserRow,
    pub(super) methods: Methods,
    pub(super) effect: Effect,
    /// Key under which wrong tries of the account are counted, if it was one that is counted.
    pub(super) account: Option<String>,
    /// Where it was proved from; of a counted account, the source under which its tries are counted.
    pub(super) address: String,
}

/// What has to be written because a proof was used.
pub(super) enum Effect {
    /// Nothing.
    None,
    /// This TOTP step is used up.
    Totp(i64),
    /// This recovery code is used up.
    Recovery(String),
    /// This passkey showed this counter; whether it had stepped back.
    Passkey { id: String, counter: i64, stepped_back: bool },
}

impl Proved {
    /// Writes what follows from the proof, so that it cannot be used again.
    async fn apply(&mut self, tx: &mut WriteTx, now: Timestamp) -> Result<()> {
        match &self.effect {
            Effect::None => {}
            Effect::Totp(step) => self.user.totp_last_step = *step,
            Effect::Recovery(code) => {
                if !tx.recovery_use(&self.user.id, code).await? {
                    return Err(refused());
                }
                let notice =
                    "回復コードが使われました。心当たりがなければ、医療情報システム安全管理責任者に知らせてください。";
                tell(&mut self.user, notice);
                self.user.must_renew |= self.user.password_hash.is_none();
                tx.record(Event::new("recovery-code.use", self.user.id.clone()));
            }
            Effect::Passkey { id, counter, stepped_back } => {
                tx.credential_use(id, *counter).await?;
                if *stepped_back {
                    // Some authenticators do this on their own; a copy does it too. Somebody looks, nobody is shut out.
                    tx.record(Event::new("passkey.counter-back", self.user.id.clone()).with("passkey", id));
                }
            }
        }
        if let Some(account) = &self.account {
            tx.failure_clear(account, &self.address).await?;
        }
        self.user.last_sign_in_at = Some(now.as_microsecond());
        Ok(tx.user_update(&self.user).await?)
    }
}

/// A session, for the list of its owner and of who manages accounts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionInfo {
    /// Id, which is no secret.
    pub id: String,
    /// Address it is used from.
    pub address: String,
    /// Browser.
    pub agent: String,
    /// How the person last proved who they are.
    pub methods: Methods,
    /// When it began.
    pub started_at: Timestamp,
    /// When it was last used, to the minute.
    pub seen_at: Timestamp,
    /// When it ends in any case.
    pub ends_at: Timestamp,
    /// The terminal is shared.
    pub shared: bool,
    /// The screen is locked.
    pub locked: bool,
}

/// Where a cookie turned up, compared with where it belongs.
enum Place {
    Same,
    /// Same terminal, but its address or its browser changed: the person has to prove who they are.
    Moved,
    /// Another terminal: the cookie was copied.
    Elsewhere,
}

fn place(session: &SessionRow, terminal: &Terminal) -> Place {
    let address = session.address == terminal.address.to_string();
    let agent = session.agent == terminal.agent;
    match (session.terminal_sha256 == terminal.sha256(), address, agent) {
        (true, true, true) => Place::Same,
        (true, true, false) | (true, false, true) => Place::Moved,
        _ => Place::Elsewhere,
    }
}

const fn idle(shared: bool) -> SignedDuration {
    if shared { IDLE_SHARED } else { IDLE }
}

impl App {
    /// A key for a terminal that has none yet.
    ///
    /// # Errors
    /// [`Error::Internal`] when the operating system gives no randomness.
    pub fn terminal_key(&self) -> Result<Cookie> {
        self.identity.secret()
    }

    /// Who is signed in with this cookie on this terminal. `None` when nobody is: unknown, ended, revoked, the account no
    /// longer usable, or the cookie copied to another terminal (which ends the session and is journaled). After some
    /// time without use, and when the terminal's address or browser has changed, the session is locked.
    ///
    /// # Errors
    /// Any store error.
    pub async fn session(&self, terminal: &Terminal, cookie: &str) -> Result<Option<Signed>> {
        let now = self.now();
        let Some((mut session, user)) = self.session_live(cookie).await? else { return Ok(None) };
        session.seen_at = session.seen_at.max(self.identity.unsaved.seen(&session.id));
        let idle_ends_at = instant(session.seen_at)? + idle(session.shared);
        match place(&session, terminal) {
            Place::Elsewhere => {
                let mut tx = self.store.begin(&nobody(), &session.facility, now).await?;
                tx.session_revoke(&session.id).await?;
                let event = Event::new("session.stolen", session.id).with("user", user.id);
                tx.record(event.with("address", terminal.address).with("belongs_to", session.address));
                tx.commit().await?;
                return Ok(None);
            }
            Place::Moved => self.session_lock(&mut session, &user, "moved").await?,
            Place::Same if now > idle_ends_at => self.session_lock(&mut session, &user, "idle").await?,
            Place::Same
                if session.locked_at.is_none() && now.duration_since(instant(session.seen_at)?) >= NOTED_EVERY =>
            {
                session.seen_at = now.as_microsecond();
                match self.store.session_touch(&session.id, session.seen_at).await {
                    // Whoever reads goes on reading while nothing can be written.
                    Err(store::Error::DiskFull) => self.identity.unsaved.note(&session.id, session.seen_at),
                    outcome => outcome?,
                }
            }
            Place::Same => {}
        }
        let mut signed = signed(session, &user)?;
        signed.stands_for = self.stands_for(&signed.user).await?;
        Ok(Some(signed))
    }

    /// The live session with this cookie and its account, whatever terminal asks.
    async fn session_live(&self, cookie: &str) -> Result<Option<(SessionRow, UserRow)>> {
        let Some(session) = self.store.session_find(&sha256(cookie.as_bytes())).await? else { return Ok(None) };
        if session.revoked_at.is_some() || session.ends_at <= self.now().as_microsecond() {
            return Ok(None);
        }
        let Some(user) = self.store.user_find(&session.user).await? else { return Ok(None) };
        if has_left(&user, self.today()) {
            self.disable_left(&user).await?;
        }
        Ok(usable(&user, self.today()).then_some((session, user)))
    }

    async fn session_lock(&self, session: &mut SessionRow, user: &UserRow, why: &str) -> Result<()> {
        if session.locked_at.is_none() {
            session.locked_at = Some(self.now().as_microsecond());
            match self.session_lock_kept(session, user, why).await {
                // It is found out anew at every request until it can be written.
                Err(Error::Store(store::Error::DiskFull)) => {}
                outcome => outcome?,
            }
        }
        Ok(())
    }

    async fn session_lock_kept(&self, session: &SessionRow, user: &UserRow, why: &str) -> Result<()> {
        let mut tx = self.store.begin(&actor(&user.name, &user.login), &session.facility, self.now()).await?;
        if tx.session_lock(&session.id).await? {
            tx.record(Event::new("session.lock", session.id.clone()).with("why", why));
            tx.commit().await?;
        }
        Ok(())
    }

    /// Opens a session for somebody who has proved who they are.
    pub(super) async fn session_open(&self, terminal: &Terminal, mut proved: Proved) -> Result<Cookie> {
        let now = self.now();
        let user = &proved.user;
        let mut tx = self.store.begin(&actor(&user.name, &user.login), &user.facility, now).await?;
        proved.apply(&mut tx, now).await?;
        let cookie = self.session_insert(&mut tx, terminal, &proved.user, proved.methods).await?;
        tx.commit().await?;
        Ok(cookie)
    }

    /// Adds a session inside a transaction and records the sign-in.
    pub(super) async fn session_insert(
        &self,
        tx: &mut WriteTx,
        terminal: &Terminal,
        user: &UserRow,
        methods: Methods,
    ) -> Result<Cookie> {
        let cookie = self.identity.secret()?;
        let now = self.now();
        let at = now.as_microsecond();
        let session = SessionRow {
            id: Uuid::now_v7().to_string(),
            secret_sha256: cookie.sha256(),
            user: user.id.clone(),
            facility: user.facility.clone(),
            terminal_sha256: terminal.sha256(),
            address: terminal.address.to_string(),
            agent: terminal.agent.clone(),
            methods: methods.code().to_owned(),
            csrf: self.identity.secret()?.expose().to_owned(),
            shared: self.is_shared(terminal).await?,
            started_at: at,
            signed_in_at: at,
            seen_at: at,
            ends_at: (now + LONGEST).as_microsecond(),
            locked_at: None,
            revoked_at: None,
        };
        tx.session_insert(&session).await?;
        let event = Event::new("sign-in", user.id.clone()).with("methods", methods.code());
        tx.record(event.with("address", &session.address).with("session", &session.id));
        if tx.terminal_meet(&user.id, &session.terminal_sha256).await? {
            let notice = Notice::NewTerminal { session: &session.id, address: &session.address };
            notices::tell(tx, To::User(&user.id), notice, now).await?;
        }
        Ok(cookie)
    }

    /// The session that a terminal wants to unlock, with its account.
    pub(super) async fn session_to_unlock(&self, terminal: &Terminal, cookie: &str) -> Result<(SessionRow, UserRow)> {
        let live = self.session_live(cookie).await?;
        let here = |(session, _): &(SessionRow, UserRow)| !matches!(place(session, terminal), Place::Elsewhere);
        live.filter(here).ok_or(Error::Unauthenticated)
    }

    /// Unlocks a session on the terminal where its owner now is.
    pub(super) async fn session_unlock(
        &self,
        mut session: SessionRow,
        terminal: &Terminal,
        proved: Proved,
    ) -> Result<Cookie> {
        (session.address, session.agent) = (terminal.address.to_string(), terminal.agent.clone());
        self.session_renew(session, proved, "session.unlock").await
    }

    /// Makes a session's proof a fresh one.
    pub(super) async fn session_step_up(&self, signed: &Signed, proved: Proved) -> Result<Cookie> {
        self.session_renew(signed.row.clone(), proved, "session.step-up").await
    }

    async fn session_renew(&self, mut session: SessionRow, mut proved: Proved, action: &str) -> Result<Cookie> {
        let now = self.now();
        let cookie = self.identity.secret()?;
        session.secret_sha256 = cookie.sha256();
        proved.methods.code().clone_into(&mut session.methods);
        let user = &proved.user;
        let mut tx = self.store.begin(&actor(&user.name, &user.login), &user.facility, now).await?;
        proved.apply(&mut tx, now).await?;
        if !tx.session_renew(&session).await? {
            return Err(Error::Unauthenticated);
        }
        tx.record(Event::new(action, session.id).with("methods", session.methods).with("address", session.address));
        tx.commit().await?;
        Ok(cookie)
    }

    /// Ends one's session.
    ///
    /// # Errors
    /// Any store error.
    pub async fn sign_out(&self, signed: &Signed) -> Result<()> {
        let mut tx = self.store.begin(&signed.actor(), &signed.user.facility, self.now()).await?;
        tx.session_revoke(&signed.session).await?;
        tx.record(Event::new("sign-out", signed.user.id.clone()).with("session", &signed.session));
        Ok(tx.commit().await?)
    }

    /// Whether a session of an account is still live; a locked one is.
    ///
    /// # Errors
    /// Any store error.
    pub async fn session_alive(&self, user_id: &str, session_id: &str) -> Result<bool> {
        let live = self.store.session_list(user_id, self.now().as_microsecond()).await?;
        Ok(live.iter().any(|session| session.id == session_id))
    }

    /// The live sessions of an account, newest first.
    ///
    /// # Errors
    /// Any store error.
    pub async fn session_list(&self, user_id: &str) -> Result<Vec<SessionInfo>> {
        let rows = self.store.session_list(user_id, self.now().as_microsecond()).await?;
        rows.into_iter()
            .map(|row| {
                Ok(SessionInfo {
                    methods: Methods::parse(&row.methods)?,
                    started_at: instant(row.started_at)?,
                    seen_at: instant(row.seen_at)?,
                    ends_at: instant(row.ends_at)?,
                    id: row.id,
                    address: row.address,
                    agent: row.agent,
                    shared: row.shared,
                    locked: row.locked_at.is_some(),
                })
            })
            .collect()
    }

    /// Ends a session: one's own, or, for who manages accounts, anybody's of the facility.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is none that one may end.
    pub async fn session_revoke(&self, by: &dyn Acting, session_id: &str) -> Result<()> {
        by.need(Permission::UseOwnAccount)?;
        let missing = || Error::NotFound { what: "セッション".to_owned() };
        if by.need(Permission::ManageUsers).is_err() {
            let own = self.session_list(&by.user().id).await?;
            own.iter().find(|session| session.id == session_id).ok_or_else(missing)?;
        }
        let mut tx = self.store.begin(&by.actor(), &by.user().facility, self.now()).await?;
        if !tx.session_revoke(session_id).await? {
            return Err(missing());
        }
        tx.record(Event::new("session.revoke", session_id));
        Ok(tx.commit().await?)
    }

    /// Names the terminal one sits at, and says whether several people use it.
    ///
    /// # Errors
    /// [`Error::Forbidden`] for who may not change settings, [`Error::Fields`] without a name.
    pub async fn terminal_set(&self, signed: &Signed, terminal: &Terminal, name: &str, shared: bool) -> Result<()> {
        signed.need(Permission::ManageSettings)?;
        let name = domain::text::tidy(name);
        if name.is_empty() {
            return Err(Error::Fields(vec![FieldError::new(
                "name",
                "端末の名前がありません。置き場所などを入れてください。",
            )]));
        }
        let row = TerminalRow {
            id: Uuid::now_v7().to_string(),
            key_sha256: terminal.sha256(),
            facility: signed.user.facility.clone(),
            name,
            shared,
            made_by: signed.actor().name,
            made_at: self.now().as_microsecond(),
        };
        let mut tx = self.store.begin(&signed.actor(), &row.facility, self.now()).await?;
        tx.terminal_upsert(&row).await?;
        tx.record(Event::new("terminal.set", row.name).with("shared", shared));
        Ok(tx.commit().await?)
    }

    /// The named terminals of a facility: name, and whether several people use it.
    ///
    /// # Errors
    /// Any store error.
    pub async fn terminal_list(&self, facility: &str) -> Result<Vec<(String, bool)>> {
        let rows = self.store.terminal_list(facility).await?;
        Ok(rows.into_iter().map(|row| (row.name, row.shared)).collect())
    }

    /// Whether several people use a terminal.
    pub(super) async fn is_shared(&self, terminal: &Terminal) -> Result<bool> {
        Ok(self.store.terminal_find(&terminal.sha256()).await?.is_some_and(|row| row.shared))
    }

    /// Disables an account whose person's last day is over, and ends all it has open.
    pub(super) async fn disable_left(&self, user: &UserRow) -> Result<bool> {
        if user.disabled_at.is_some() {
            return Ok(false);
        }
        let reason = format!("退職（{}）", user.leave_on.as_deref().unwrap_or_default());
        let left = UserRow {
            disabled_at: Some(self.now().as_microsecond()),
            disabled_reason: Some(reason.clone()),
            ..user.clone()
        };
        let mut tx = self.store.begin(&product(), &user.facility, self.now()).await?;
        tx.user_update(&left).await?;
        let ended = tx.session_revoke_all(&user.id, "").await?;
        tx.record(Event::new("user.disable", user.id.clone()).with("reason", reason).with("sessions_ended", ended));
        notices::tell(&mut tx, To::Role(Role::Admin), Notice::LeaverDisabled { user: &user.id }, self.now()).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// One's own account as it is stored now.
    pub(super) async fn own_row(&self, signed: &Signed) -> Result<UserRow> {
        self.store.user_find(&signed.user.id).await?.ok_or(Error::Unauthenticated)
    }

    /// A secret that is shown as digits: eight of them.
    pub(super) fn short_code(&self) -> Result<String> {
        let number = u64::from_le_bytes(secrets::random(self.identity.entropy.as_ref())?);
        Ok(format!("{:08}", number % 100_000_000))
    }
}

fn signed(row: SessionRow, user: &UserRow) -> Result<Signed> {
    Ok(Signed {
        session: row.id.clone(),
        user: User::of(user)?,
        methods: Methods::parse(&row.methods)?,
        signed_in_at: instant(row.signed_in_at)?,
        csrf: row.csrf.clone(),
        locked: row.locked_at.is_some(),
        shared: row.shared,
        idle_ends_at: instant(row.seen_at)? + idle(row.shared),
        ends_at: instant(row.ends_at)?,
        stands_for: None,
        row,
    })
}
