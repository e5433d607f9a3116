//! When a factor is lost: recovery codes made beforehand, a reset that a second person confirms, and the emergency
//! account.
//!
//! A reset asks for what the guideline asks for (`mhlw-7.0/unyo/14-6`): the person is identified by somebody who is
//! named, the way it was done is written down, and the new secret reaches nobody but its owner: it is the applicant's
//! own terminal that gets in, never a password on paper.

use domain::authz::{Permission, Role};
use domain::journal::{Actor, Event, sha256};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use store::{GrantKind, GrantRow, UserRow};
use uuid::Uuid;

use super::password::known_terminal;
use super::users::{keep_an_admin, reason_given};
use super::{
    Acting, Cookie, Methods, Signed, Terminal, User, actor, instant, login_key, nobody, secrets, tell, usable,
};
use crate::App;
use crate::error::{Error, FieldError, Result};
use crate::mail::notices::{self, Notice, To};

/// How long a request waits for confirmation.
const ASKED: SignedDuration = SignedDuration::from_mins(30);
/// How long the applicant has after it.
const CONFIRMED: SignedDuration = SignedDuration::from_mins(15);
/// Requests under way from one address.
const MOST_ASKED: i64 = 10;
/// Recovery codes made at a time.
const CODES: usize = 10;
/// Digits and letters that cannot be taken for one another (Crockford's Base32): five bits each.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// Characters of a recovery code: 80 bits.
const CODE_LEN: usize = 16;

/// How the person was identified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResetMethod {
    /// Known by face.
    Face,
    /// Showed a staff card with a photograph.
    StaffId,
    /// Called back at the number that is on file.
    Callback,
    /// The superior was there.
    Superior,
}

const RESET_METHODS: [(ResetMethod, &str); 4] = [
    (ResetMethod::Face, "face"),
    (ResetMethod::StaffId, "staff_id"),
    (ResetMethod::Callback, "callback"),
    (ResetMethod::Superior, "superior"),
];

impl ResetMethod {
    /// The code, as the journal has it.
    pub fn code(self) -> &'static str {
        RESET_METHODS.iter().find(|row| row.0 == self).map_or("", |row| row.1)
    }

    /// The method with this code.
    pub fn parse(code: &str) -> Option<Self> {
        RESET_METHODS.iter().find(|row| row.1 == code).map(|row| row.0)
    }
}

/// Somebody who asks to be let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResetRequest {
    /// The account.
    pub user: User,
    /// When they asked.
    pub asked_at: Timestamp,
    /// From which address.
    pub address: String,
    /// Until when it waits.
    pub ends_at: Timestamp,
}

/// What a reset has to remember.
#[derive(Serialize, Deserialize)]
struct Asked {
    /// Tag of the code on the applicant's screen.
    code: String,
    /// Who confirmed it.
    confirmed_by: String,
}

/// What is kept of a recovery code, however it is typed: any case and grouping, `o` for `0`, `i` and `l` for `1`.
pub(super) fn code_sha256(code: &str) -> String {
    let plain: String = domain::text::fold(code)
        .chars()
        .filter(|c| *c != '-')
        .map(|c| match c {
            'o' => '0',
            'i' | 'l' => '1',
            other => other,
        })
        .collect();
    sha256(plain.as_bytes())
}

fn reset_over() -> Error {
    Error::invalid(
        "AUT-019",
        "本人確認の手続きを続けられません。期限が過ぎたか、別の端末で申し出たものです。この端末で申し出直してください。",
    )
}

impl App {
    /// Makes ten recovery codes, to be shown once; earlier ones are void.
    ///
    /// # Errors
    /// [`Error::StepUp`] without a fresh proof.
    pub async fn recovery_codes_make(&self, signed: &Signed) -> Result<Vec<String>> {
        signed.need_fresh(self.now())?;
        let codes = (0..CODES).map(|_| self.recovery_code()).collect::<Result<Vec<_>>>()?;
        let kept: Vec<String> = codes.iter().map(|code| code_sha256(code)).collect();
        let mut tx = self.store.begin(&signed.actor(), &signed.user.facility, self.now()).await?;
        tx.recovery_replace(&signed.user.id, &kept).await?;
        tx.record(Event::new("recovery-code.make", signed.user.id.clone()));
        tx.commit().await?;
        Ok(codes)
    }

    /// A recovery code: `xxxx-xxxx-xxxx-xxxx`.
    fn recovery_code(&self) -> Result<String> {
        let bytes = secrets::random::<CODE_LEN>(self.identity.entropy.as_ref())?;
        let signs = bytes.iter().filter_map(|byte| ALPHABET.get(usize::from(byte % 32)));
        let signs: Vec<char> = signs.map(|sign| char::from(*sign)).collect();
        Ok(signs.chunks(4).map(String::from_iter).collect::<Vec<_>>().join("-"))
    }

    /// Asks to be let in on this terminal, for somebody who lost a factor or never had one: the cookie to come back
    /// with, and the code of eight digits to be read to the person who confirms. The answer is the same when there is
    /// no such account.
    ///
    /// # Errors
    /// `AUT-017` when this address asks too often.
    pub async fn reset_ask(&self, terminal: &Terminal, login: &str) -> Result<(Cookie, String)> {
        let now = self.now();
        let address = terminal.address.to_string();
        if self.store.grant_count(GrantKind::Reset, &address, now.as_microsecond()).await? >= MOST_ASKED {
            return Err(Error::invalid(
                "AUT-017",
                "申し出を受け付けませんでした。同じ場所からの申し出が続いているためです。30分ほど待ってから、やり直してください。",
            ));
        }
        let user = self.store.user_find_login(&login_key(login)).await?.filter(|user| usable(user, self.today()));
        let (cookie, code) = (self.identity.secret()?, self.short_code()?);
        let asked = Asked { code: self.identity.keys.tag(&code), confirmed_by: String::new() };
        let grant = GrantRow {
            id: Uuid::now_v7().to_string(),
            kind: GrantKind::Reset,
            secret_sha256: cookie.sha256(),
            facility: user.as_ref().map(|user| user.facility.clone()).unwrap_or_default(),
            user: user.map(|user| user.id),
            terminal_sha256: Some(terminal.sha256()),
            address: Some(address.clone()),
            state: state(&asked)?,
            made_at: now.as_microsecond(),
            ends_at: (now + ASKED).as_microsecond(),
            confirmed_at: None,
        };
        let mut tx = self.store.begin(&nobody(), &grant.facility, now).await?;
        tx.grant_insert(&grant).await?;
        tx.record(Event::new("reset.ask", grant.user.as_deref().unwrap_or("unknown")).with("address", address));
        tx.commit().await?;
        Ok((cookie, code))
    }

    /// Who of one's facility asks to be let in and is not confirmed yet, newest first.
    ///
    /// # Errors
    /// [`Error::Forbidden`] for who may not confirm.
    pub async fn reset_pending(&self, signed: &Signed) -> Result<Vec<ResetRequest>> {
        may_confirm(signed)?;
        let mut pending = Vec::new();
        let now = self.now().as_microsecond();
        for grant in self.store.grant_list(GrantKind::Reset, &signed.user.facility, now).await? {
            if grant.confirmed_at.is_some() {
                continue;
            }
            let Some(user) = self.store.user_find(grant.user.as_deref().unwrap_or_default()).await? else { continue };
            pending.push(ResetRequest {
                user: User::of(&user)?,
                asked_at: instant(grant.made_at)?,
                address: grant.address.unwrap_or_default(),
                ends_at: instant(grant.ends_at)?,
            });
        }
        Ok(pending)
    }

    /// Confirms that the person at the terminal that shows `code` is who they say: an entry of the register, with how
    /// it was seen and what was shown (`document`).
    ///
    /// # Errors
    /// `AUT-018` when helper and applicant are one, `AUT-020` when no request of this account shows this code,
    /// [`Error::Fields`] without a word on what was shown.
    pub async fn reset_confirm(
        &self,
        helper: &Signed,
        code: &str,
        user_id: &str,
        method: ResetMethod,
        document: &str,
    ) -> Result<()> {
        may_confirm(helper)?;
        if helper.user.id == user_id {
            return Err(Error::invalid(
                "AUT-018",
                "自分の本人確認はできません。二人で行う手続きだからです。別の権限のある人に頼んでください。",
            ));
        }
        let user = self.user_here(helper, user_id).await?;
        let document = domain::text::tidy(document);
        if document.is_empty() {
            let message = "確認したものがありません。見せてもらったもの、控えの場所などを入れてください。";
            return Err(Error::Fields(vec![FieldError::new("document", message)]));
        }
        let how = |event: Event| event.with("method", method.code()).with("document", document);
        self.reset_confirm_as(&helper.actor(), &user, code, how, &[]).await
    }

    /// The same by whoever has the server itself in hand, for when nobody else is left who could confirm. Everybody in
    /// charge is told.
    ///
    /// # Errors
    /// [`Error::NotFound`] without such an account, [`Error::Fields`] without a reason, `AUT-020` when no request of this
    /// account shows this code.
    pub async fn reset_confirm_on_host(&self, by: &Actor, login: &str, code: &str, reason: &str) -> Result<()> {
        let reason = reason_given(reason)?;
        let user = self.store.user_find_login(&login_key(login)).await?;
        let user = user
            .ok_or_else(|| Error::NotFound { what: format!("アカウント「{}」", domain::text::tidy(login)) })?;
        let told = format!("サーバーの操作で、{}の本人確認が行われました。理由：{reason}", user.name);
        let how = |event: Event| event.with("method", "host").with("reason", reason);
        self.reset_confirm_as(by, &user, code, how, &[told]).await
    }

    async fn reset_confirm_as(
        &self,
        by: &Actor,
        user: &UserRow,
        code: &str,
        how: impl FnOnce(Event) -> Event,
        told: &[String],
    ) -> Result<()> {
        let now = self.now();
        let tag = self.identity.keys.tag(&domain::text::tidy(code));
        let waiting = self.store.grant_list(GrantKind::Reset, &user.facility, now.as_microsecond()).await?;
        let found = waiting.into_iter().find(|grant| {
            let asked = serde_json::from_str::<Asked>(&grant.state);
            grant.user.as_ref() == Some(&user.id) && asked.is_ok_and(|asked| asked.code == tag)
        });
        let Some(found) = found.filter(|grant| grant.confirmed_at.is_none()) else {
            let mut tx = self.store.begin(by, &user.facility, now).await?;
            tx.record(Event::new("reset.refuse", user.id.clone()));
            tx.commit().await?;
            return Err(Error::invalid(
                "AUT-020",
                "番号が合いません。読み違いか、別の人の申し出か、期限切れです。本人の画面の番号を確かめてください。",
            ));
        };
        let confirmed = state(&Asked { code: tag, confirmed_by: by.name.clone() })?;
        let mut tx = self.store.begin(by, &user.facility, now).await?;
        tx.grant_confirm(&found.id, &confirmed, (now + CONFIRMED).as_microsecond()).await?;
        for (notice, role) in told.iter().flat_map(|notice| [(notice, Role::Admin), (notice, Role::Approver)]) {
            tx.user_notify(role.code(), notice).await?;
        }
        tx.record(how(Event::new("reset.confirm", user.id.clone())).with("address", found.address.unwrap_or_default()));
        notices::tell(&mut tx, To::User(&user.id), Notice::ResetConfirmed { grant: &found.id }, now).await?;
        Ok(tx.commit().await?)
    }

    /// Lets the applicant in once somebody has confirmed who they are; `None` while they wait. Every other session of the
    /// account ends, and the person owes a new factor.
    ///
    /// # Errors
    /// `AUT-019` when the request is over, used or of another terminal.
    pub async fn reset_use(&self, terminal: &Terminal, cookie: &str) -> Result<Option<Cookie>> {
        let (secret, now) = (sha256(cookie.as_bytes()), self.now());
        let grant = self.store.grant_find(GrantKind::Reset, &secret, now.as_microsecond()).await?;
        let grant = grant.filter(|grant| grant.terminal_sha256.as_deref() == Some(&terminal.sha256()));
        let grant = grant.ok_or_else(reset_over)?;
        if grant.confirmed_at.is_none() {
            return Ok(None);
        }
        let user = self.store.user_find(grant.user.as_deref().unwrap_or_default()).await?;
        let mut user = user.filter(|user| usable(user, self.today())).ok_or_else(reset_over)?;
        let asked: Asked = serde_json::from_str(&grant.state).map_err(|_| reset_over())?;
        user.must_renew = true;
        user.last_sign_in_at = Some(now.as_microsecond());
        let line = format!(
            "{}の本人確認により、サインインの手段の再設定が行われました。心当たりがなければ、医療情報システム安全管理責任者に知らせてください。",
            asked.confirmed_by
        );
        tell(&mut user, &line);
        let mut tx = self.store.begin(&actor(&user.name, &user.login), &user.facility, now).await?;
        tx.grant_take(&grant.id).await.map_err(|_| reset_over())?;
        tx.user_update(&user).await?;
        let ended = tx.session_revoke_all(&user.id, "").await?;
        let account = self.identity.keys.tag(&user.login_key);
        for source in [terminal.address.to_string(), known_terminal(&terminal.sha256())] {
            tx.failure_clear(&account, &source).await?;
        }
        let event = Event::new("reset.use", user.id.clone()).with("confirmed_by", asked.confirmed_by);
        tx.record(event.with("sessions_ended", ended));
        let cookie = self.session_insert(&mut tx, terminal, &user, Methods::Recovery).await?;
        tx.commit().await?;
        Ok(Some(cookie))
    }

    /// Opens an emergency account, and tells everybody in charge.
    ///
    /// # Errors
    /// [`Error::Forbidden`] for who neither manages accounts nor approves, [`Error::Fields`] without a reason,
    /// `AUT-021` when the account is not put away.
    pub async fn emergency_open(&self, by: &dyn Acting, user_id: &str, reason: &str) -> Result<()> {
        self.emergency_set(by, user_id, false, reason).await
    }

    /// Puts an account away as an emergency account, and ends its sessions.
    ///
    /// # Errors
    /// [`Error::Forbidden`] for who does not manage accounts, `AUT-021` when it is put away already, `AUT-016` for the last
    /// administrator's.
    pub async fn emergency_close(&self, by: &dyn Acting, user_id: &str, reason: &str) -> Result<()> {
        by.need(Permission::ManageUsers)?;
        self.emergency_set(by, user_id, true, reason).await
    }

    async fn emergency_set(&self, by: &dyn Acting, user_id: &str, sealed: bool, reason: &str) -> Result<()> {
        may_confirm(by)?;
        let reason = reason_given(reason)?;
        let mut user = self.user_here(by, user_id).await?;
        if user.sealed == sealed || user.id == by.user().id {
            return Err(Error::invalid(
                "AUT-021",
                "非常時用アカウントの封印を変えられません。すでにその状態か、自分のアカウントです。一覧で状態を確かめてください。",
            ));
        }
        user.sealed = sealed;
        let (action, done) =
            if sealed { ("emergency.close", "封印しました") } else { ("emergency.open", "開封しました") };
        let notice = format!("{}が非常時用アカウント「{}」を{done}。理由：{reason}", by.actor().name, user.login);
        let mut tx = self.store.begin(&by.actor(), &user.facility, self.now()).await?;
        tx.user_update(&user).await?;
        if sealed {
            keep_an_admin(&tx).await?;
            tx.session_revoke_all(&user.id, "").await?;
        }
        let about = format!("{action}:{}:{}", user.id, user.rev);
        for role in [Role::Admin, Role::Approver] {
            tx.user_notify(role.code(), &notice).await?;
            notices::tell(&mut tx, To::Role(role), Notice::Emergency { about: &about }, self.now()).await?;
        }
        tx.record(Event::new(action, user.id).with("reason", reason));
        Ok(tx.commit().await?)
    }
}

/// Refuses who may not vouch for others.
fn may_confirm(by: &dyn Acting) -> Result<()> {
    const EITHER: [Permission; 2] = [Permission::ManageUsers, Permission::Approve];
    let [manage, approve] = EITHER;
    by.need(manage).or_else(|_| by.need(approve))?;
    // By one's own role: whoever only approves in somebody's place does not vouch for people.
    if EITHER.into_iter().any(|p| by.user().role.may(p)) { Ok(()) } else { Err(Error::Forbidden) }
}

fn state(asked: &Asked) -> Result<String> {
    serde_json::to_string(asked).map_err(|_| Error::Internal { message: "reset".to_owned() })
}
