//! The first run: a link that whoever runs the server hands to the first person, who makes the first account with it.

use domain::authz::Role;
use domain::journal::{Event, sha256};
use jiff::{SignedDuration, Timestamp};
use store::{GrantKind, GrantRow, UserRow};
use uuid::Uuid;

use super::{Cookie, Methods, Terminal, actor, instant, product, users};
use crate::App;
use crate::error::{Error, Result};

/// How long the link is good.
const LINK: SignedDuration = SignedDuration::from_mins(30);
/// How long a terminal that followed the link may take.
const TERMINAL: SignedDuration = SignedDuration::from_hours(2);

/// A terminal that may set the installation up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SetupGrant {
    /// Until when.
    pub ends_at: Timestamp,
}

fn over() -> Error {
    Error::invalid(
        "AUT-014",
        "初期設定のリンクを使えません。期限（30分）が過ぎたか、すでに使われています。サーバーで新しいリンクを発行してください。",
    )
}

impl App {
    /// Whether nobody can sign in yet: there is no account, or none with a password or a passkey.
    ///
    /// # Errors
    /// Any store error.
    pub async fn needs_setup(&self) -> Result<bool> {
        Ok(self.store.user_count_able().await? == 0)
    }

    /// Makes the secret of the set-up link. It is good once and for 30 minutes; an earlier one is void.
    ///
    /// # Errors
    /// `AUT-013` when there are accounts already.
    pub async fn setup_link(&self) -> Result<Cookie> {
        self.refuse_set_up().await?;
        let (secret, grant) = self.setup_permit(GrantKind::Setup, LINK, None)?;
        let mut tx = self.store.begin(&product(), "", self.now()).await?;
        tx.grant_void(GrantKind::Setup).await?;
        tx.grant_void(GrantKind::SetupTerminal).await?;
        tx.grant_insert(&grant).await?;
        tx.record(Event::new("setup.link", grant.id));
        tx.commit().await?;
        Ok(secret)
    }

    /// Takes the secret of the link; the cookie lets this terminal, and no other, go on for two hours.
    ///
    /// # Errors
    /// `AUT-014` when the link is used, void or over.
    pub async fn setup_begin(&self, terminal: &Terminal, secret: &str) -> Result<Cookie> {
        self.refuse_set_up().await?;
        let now = self.now().as_microsecond();
        let link = self.store.grant_find(GrantKind::Setup, &sha256(secret.as_bytes()), now).await?.ok_or_else(over)?;
        let (cookie, grant) = self.setup_permit(GrantKind::SetupTerminal, TERMINAL, Some(terminal))?;
        let mut tx = self.store.begin(&product(), "", self.now()).await?;
        tx.grant_take(&link.id).await.map_err(|_| over())?;
        tx.grant_insert(&grant).await?;
        tx.record(Event::new("setup.begin", grant.id).with("address", terminal.address));
        tx.commit().await?;
        Ok(cookie)
    }

    /// Whether this terminal may set the installation up.
    ///
    /// # Errors
    /// Any store error.
    pub async fn setup_grant(&self, terminal: &Terminal, cookie: &str) -> Result<Option<SetupGrant>> {
        if !self.needs_setup().await? {
            return Ok(None);
        }
        let grant = self.setup_found(terminal, cookie).await?;
        grant.map(|grant| Ok(SetupGrant { ends_at: instant(grant.ends_at)? })).transpose()
    }

    /// Makes the first account, of the 医療情報システム安全管理責任者, and signs it in. What it still needs, a passkey or a
    /// password, can be added for 30 minutes without another proof.
    ///
    /// # Errors
    /// `AUT-014` without a permit, [`Error::Fields`] when name or login will not do.
    pub async fn setup_admin(
        &self,
        terminal: &Terminal,
        cookie: &str,
        facility_id: &str,
        name: &str,
        login: &str,
    ) -> Result<Cookie> {
        self.refuse_set_up().await?;
        let grant = self.setup_found(terminal, cookie).await?.ok_or_else(over)?;
        let known = self.store.facility_list().await?;
        known.iter().find(|f| f.id == facility_id).ok_or_else(|| Error::NotFound { what: "施設".to_owned() })?;
        let (name, login) = users::checked(name, login)?;
        let now = self.now().as_microsecond();
        let user =
            UserRow { last_sign_in_at: Some(now), ..users::new_row(facility_id, &name, &login, Role::Admin, now) };
        let mut tx = self.store.begin(&actor(&name, &login), facility_id, self.now()).await?;
        tx.grant_take(&grant.id).await.map_err(|_| over())?;
        tx.user_insert(&user).await?;
        tx.record(Event::new("user.add", user.id.clone()).with("login", &user.login).with("role", &user.role));
        let cookie = self.session_insert(&mut tx, terminal, &user, Methods::Setup).await?;
        tx.commit().await?;
        Ok(cookie)
    }

    async fn refuse_set_up(&self) -> Result<()> {
        if self.needs_setup().await? {
            return Ok(());
        }
        Err(Error::invalid(
            "AUT-013",
            "初期設定は済んでいます。アカウントがすでにあるためです。サインインしてください。入れないときは、本人確認を申し出てください。",
        ))
    }

    async fn setup_found(&self, terminal: &Terminal, cookie: &str) -> Result<Option<GrantRow>> {
        let (secret, now) = (sha256(cookie.as_bytes()), self.now().as_microsecond());
        let found = self.store.grant_find(GrantKind::SetupTerminal, &secret, now).await?;
        Ok(found.filter(|grant| grant.terminal_sha256.as_deref() == Some(&terminal.sha256())))
    }

    fn setup_permit(
        &self,
        kind: GrantKind,
        lasts: SignedDuration,
        terminal: Option<&Terminal>,
    ) -> Result<(Cookie, GrantRow)> {
        let secret = self.identity.secret()?;
        let now = self.now();
        let grant = GrantRow {
            id: Uuid::now_v7().to_string(),
            kind,
            secret_sha256: secret.sha256(),
            user: None,
            facility: String::new(),
            terminal_sha256: terminal.map(Terminal::sha256),
            address: terminal.map(|terminal| terminal.address.to_string()),
            state: String::new(),
            made_at: now.as_microsecond(),
            ends_at: (now + lasts).as_microsecond(),
            confirmed_at: None,
        };
        Ok((secret, grant))
    }
}
