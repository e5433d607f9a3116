//! Passwords: hashed with argon2id a few at a time, tried in one way whoever asks.

use std::time::Duration;

use argon2::{Argon2, PasswordHasher as _, PasswordVerifier as _};
use domain::credential::{LONGEST, lockout, normalise, password_faults, slowdown, stands_alone};
use domain::journal::Event;
use store::UserRow;
use tokio::sync::{Semaphore, SemaphorePermit};

use super::session::{Effect, Proved};
use super::{Acting as _, Cookie, Methods, Signed, Terminal, has_left, login_key, nobody, recovery, secrets, usable};
use crate::App;
use crate::error::{Error, FieldError, Result};

/// Passwords hashed at a time. Each takes 19 MiB: memory is limited first, and who comes later waits.
const TURNS: usize = 2;
/// Hashes kept, so that a password does not come back.
const HISTORY: usize = 5;
/// Where there is no hash to check against, this one is checked, so that the answer takes as long. It fits no password.
const NO_HASH: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$c2FraW1vcmkgbm8gaGFzaA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Hashes passwords, a few at a time.
pub(super) struct Hashing {
    turns: Semaphore,
}

impl Default for Hashing {
    fn default() -> Self {
        Self { turns: Semaphore::new(TURNS) }
    }
}

/// The right to hash. Kept until a wrong try is counted, so that tries at the same time cannot outrun the count.
struct Turn<'a> {
    _permit: SemaphorePermit<'a>,
}

impl Hashing {
    async fn turn(&self) -> Result<Turn<'_>> {
        let permit = self.turns.acquire().await.map_err(|_| Error::Internal { message: "hashing".to_owned() })?;
        Ok(Turn { _permit: permit })
    }
}

impl Turn<'_> {
    async fn fits(&self, password: &str, hash: Option<&str>) -> Result<bool> {
        let (password, hash) = (password.to_owned(), hash.unwrap_or(NO_HASH).to_owned());
        aside(move || Argon2::default().verify_password(password.as_bytes(), hash.as_str()).is_ok()).await
    }

    async fn hash(&self, password: &str, salt: [u8; 16]) -> Result<String> {
        let password = password.to_owned();
        let hash = aside(move || {
            Argon2::default().hash_password_with_salt(password.as_bytes(), &salt).map(|hash| hash.to_string())
        });
        hash.await?.map_err(|error| Error::Internal { message: format!("hashing {error}") })
    }
}

async fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(|_| Error::Internal { message: "hashing".to_owned() })
}

/// The source of tries on a terminal where the account was used before.
pub(super) fn known_terminal(terminal_sha256: &str) -> String {
    format!("terminal:{terminal_sha256}")
}

/// The one answer to everything that is wrong with a sign-in by password.
pub(super) fn refused() -> Error {
    Error::invalid(
        "AUT-001",
        "サインインできませんでした。利用者ID・パスワード・確認コードのどれかが違うか、使えないアカウントです。\
         入力を確かめてください。分からないときは、サインインの画面から本人確認を申し出てください。",
    )
}

impl App {
    /// Signs in with login, password and, for who has a second factor, a one-time or recovery code.
    ///
    /// # Errors
    /// `AUT-001` for whatever is wrong, `AUT-005` after too many wrong tries from this address.
    pub async fn sign_in_password(
        &self,
        terminal: &Terminal,
        login: &str,
        password: &str,
        code: Option<&str>,
    ) -> Result<Cookie> {
        let at = (terminal.sha256(), terminal.address.to_string());
        let proved = self.prove_password(&at, &login_key(login), password, code).await?;
        self.session_open(terminal, proved).await
    }

    /// Opens a locked screen with password and code; the session gets a new cookie.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] when the session is over, else as [`App::sign_in_password`].
    pub async fn unlock_password(
        &self,
        terminal: &Terminal,
        cookie: &str,
        password: &str,
        code: Option<&str>,
    ) -> Result<Cookie> {
        let (session, user) = self.session_to_unlock(terminal, cookie).await?;
        let at = (terminal.sha256(), terminal.address.to_string());
        let proved = self.prove_password(&at, &user.login_key, password, code).await?;
        self.session_unlock(session, terminal, proved).await
    }

    /// Proves again who one is, for what needs a fresh proof; the session gets a new cookie.
    ///
    /// # Errors
    /// As [`App::sign_in_password`].
    pub async fn step_up_password(&self, signed: &Signed, password: &str, code: Option<&str>) -> Result<Cookie> {
        signed.need(domain::authz::Permission::UseOwnAccount)?;
        let at = (signed.row.terminal_sha256.clone(), signed.row.address.clone());
        let proved = self.prove_password(&at, &login_key(&signed.user.login), password, code).await?;
        self.session_step_up(signed, proved).await
    }

    /// Sets one's password. Every other session of the account ends.
    ///
    /// # Errors
    /// [`Error::StepUp`] without a fresh proof, [`Error::Fields`] when it will not do.
    pub async fn password_set(&self, signed: &Signed, new: &str) -> Result<()> {
        signed.need_fresh(self.now())?;
        let mut user = self.own_row(signed).await?;
        let facilities = self.store.facility_list().await?;
        let facility = facilities.iter().find(|f| f.id == user.facility).map_or("", |f| f.name.as_str());
        let context = [user.login.as_str(), &user.name, facility, "sakimori"];
        let faults = password_faults(new, &context, user.totp_secret.is_some());
        if !faults.is_empty() {
            let wrong = |fault: domain::credential::PasswordFault| FieldError::new("password", fault.message());
            return Err(Error::Fields(faults.into_iter().map(wrong).collect()));
        }
        let password = normalise(new);
        let mut history: Vec<String> = serde_json::from_str(&user.password_history).unwrap_or_default();
        let turn = self.identity.hashing.turn().await?;
        for earlier in &history {
            if turn.fits(&password, Some(earlier)).await? {
                let message = format!("前に使ったパスワードです。直近{HISTORY}回に使っていないものにしてください。");
                return Err(Error::Fields(vec![FieldError::new("password", message)]));
            }
        }
        let hash = turn.hash(&password, secrets::random(self.identity.entropy.as_ref())?).await?;
        drop(turn);
        history.insert(0, hash.clone());
        history.truncate(HISTORY);
        user.password_history =
            serde_json::to_string(&history).map_err(|_| Error::Internal { message: "history".to_owned() })?;
        (user.password_hash, user.password_alone, user.must_renew) = (Some(hash), stands_alone(&password), false);
        let mut tx = self.store.begin(&signed.actor(), &user.facility, self.now()).await?;
        tx.user_update(&user).await?;
        let ended = tx.session_revoke_all(&user.id, &signed.session).await?;
        tx.record(Event::new("password.set", user.id).with("sessions_ended", ended));
        Ok(tx.commit().await?)
    }

    /// Who it is, if login, password and code are right; a wrong try is counted and journaled. `at` is the hash of the
    /// terminal's key and its address.
    ///
    /// Tries are counted by account and address, but on a terminal where the account was used before by that terminal:
    /// whoever shares the address with the owner can neither shut them out nor slow them down.
    async fn prove_password(
        &self,
        (terminal_sha256, address): &(String, String),
        login_key: &str,
        password: &str,
        code: Option<&str>,
    ) -> Result<Proved> {
        let account = self.identity.keys.tag(login_key);
        let asked = self.store.user_find_login(login_key).await?;
        // Nobody is looked up as somebody is, so that both take as long.
        let id = asked.map(|user| user.id).unwrap_or_default();
        let known = self.store.terminal_met(&id, terminal_sha256).await?;
        let source = if known { known_terminal(terminal_sha256) } else { address.clone() };
        let wrong = self.store.failures(&account, &source, self.now().as_microsecond()).await?;
        let held = slowdown(u32::try_from(wrong.everywhere).unwrap_or(u32::MAX));
        if held > 0 && !known {
            tokio::time::sleep(Duration::from_secs(held)).await;
        }
        let turn = self.identity.hashing.turn().await?;
        self.refuse_locked(&account, &source).await?;
        let user = self.store.user_find_login(login_key).await?;
        let password = normalise(password);
        let hash = user.as_ref().and_then(|u| u.password_hash.as_deref());
        let hash = hash.filter(|_| password.chars().count() <= LONGEST);
        let right = turn.fits(&password, hash).await?;
        let id = user.as_ref().map_or("", |user| user.id.as_str());
        // Looked up for everybody, so that nobody learns whose account has no password.
        let bare = if password.is_empty() { self.recovery_code_of(id, code).await? } else { None };
        if let Some(user) = &user {
            let proof = match right {
                true => self.second_factor(user, code).await?,
                false => bare.filter(|_| user.password_hash.is_none()),
            };
            if has_left(user, self.today()) {
                self.disable_left(user).await?;
            } else if usable(user, self.today())
                && let Some((methods, effect)) = proof
            {
                return Ok(Proved { user: user.clone(), methods, effect, account: Some(account), address: source });
            }
        }
        self.sign_in_failed(user.as_ref(), Some((&account, &source)), address, "password").await?;
        drop(turn);
        Err(refused())
    }

    /// What goes with a right password: a code of an account that has one, or the length of the password.
    async fn second_factor(&self, user: &UserRow, code: Option<&str>) -> Result<Option<(Methods, Effect)>> {
        if user.totp_secret.is_none() && user.password_alone {
            return Ok(Some((Methods::Password13, Effect::None)));
        }
        let typed = code.map(domain::text::tidy).unwrap_or_default();
        match self.totp_step(user, &typed)? {
            Some(step) => Ok(Some((Methods::PasswordTotp, Effect::Totp(step)))),
            None => self.recovery_code_of(&user.id, code).await,
        }
    }

    /// A recovery code that was not used yet. With a password it is the second factor; of an account that has none, and
    /// so has lost its passkeys, it opens the way to a new one and nothing else.
    async fn recovery_code_of(&self, user: &str, code: Option<&str>) -> Result<Option<(Methods, Effect)>> {
        let code = code.map(domain::text::tidy).unwrap_or_default();
        let sha256 = recovery::code_sha256(&code);
        let there = self.store.recovery_find(user, &sha256).await?;
        Ok(there.then_some((Methods::Recovery, Effect::Recovery(sha256))))
    }

    /// Refuses a source that has tried an account in vain too often, until its time is over.
    async fn refuse_locked(&self, account: &str, source: &str) -> Result<()> {
        let now = self.now().as_microsecond();
        let wrong = self.store.failures(account, source, now).await?;
        let until = wrong.last_at + lockout(u32::try_from(wrong.here).unwrap_or(u32::MAX)) * 1_000_000;
        match until - now {
            ..=0 => Ok(()),
            left => Err(Error::invalid(
                "AUT-005",
                format!(
                    "サインインを受け付けませんでした。この端末から続けて間違えたためです。{}秒待ってから、やり直してください。",
                    (left + 999_999) / 1_000_000
                ),
            )),
        }
    }

    /// Journals a wrong try, and counts it by account and source. What was typed as a login is not kept: people type passwords there.
    pub(super) async fn sign_in_failed(
        &self,
        user: Option<&UserRow>,
        counted: Option<(&str, &str)>,
        address: &str,
        method: &str,
    ) -> Result<()> {
        let (facility, subject) = user.map_or(("", "unknown"), |user| (user.facility.as_str(), user.id.as_str()));
        let mut tx = self.store.begin(&nobody(), facility, self.now()).await?;
        if let Some((account, source)) = counted {
            tx.failure_add(account, source).await?;
        }
        tx.record(Event::new("sign-in.fail", subject).with("address", address).with("method", method));
        Ok(tx.commit().await?)
    }
}
