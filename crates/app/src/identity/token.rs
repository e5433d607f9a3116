//! API tokens: a program acts in the name of the account that made them, with no more rights than it was given and its
//! account still has.

use domain::authz::Permission;
use domain::journal::{Actor, Event, sha256};
use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use store::TokenRow;
use uuid::Uuid;

use super::{Acting, Cookie, Signed, User, instant, login_key, usable};
use crate::App;
use crate::error::{Error, FieldError, Result};

/// Longest life of a token, in days.
const LONGEST: i32 = 366;
/// What every token begins with, so that one that leaked into a file can be found.
const PREFIX: &str = "sakimori_";
/// Use is noted this often.
const NOTED_EVERY: SignedDuration = SignedDuration::from_secs(60);

/// What a new token is for.
#[derive(Clone, Copy, Debug)]
pub struct NewToken<'a> {
    /// What people call it.
    pub name: &'a str,
    /// What it may do.
    pub scopes: &'a [Permission],
    /// Keys or names of the sources in whose name it may hand in records; empty for every one of its facility.
    pub sources: &'a [String],
    /// Last day (Japan) on which it works.
    pub ends_on: Date,
}

/// A token, for lists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenInfo {
    /// Id, which is no secret.
    pub id: String,
    /// Id of the account in whose name it acts.
    pub user: String,
    /// What it is for.
    pub name: String,
    /// What it may do.
    pub scopes: Vec<Permission>,
    /// Keys of the sources for which it may speak; empty for every one.
    pub sources: Vec<String>,
    /// Last day on which it works.
    pub ends_on: Date,
    /// When it was made.
    pub made_at: Timestamp,
    /// When it was last used, to the minute.
    pub used_at: Option<Timestamp>,
    /// It was revoked.
    pub revoked: bool,
}

impl TokenInfo {
    /// Whether it works on this day.
    fn works(&self, today: Date) -> bool {
        !self.revoked && self.ends_on >= today
    }
}

fn info(row: TokenRow) -> Result<TokenInfo> {
    let ends_on = row.ends_on.parse().map_err(|_| Error::Internal { message: format!("token {}", row.id) })?;
    Ok(TokenInfo {
        scopes: row.scopes.split_whitespace().filter_map(Permission::parse).collect(),
        sources: row.sources.iter().flat_map(|keys| keys.lines()).map(str::to_owned).collect(),
        ends_on,
        made_at: instant(row.made_at)?,
        used_at: row.used_at.map(instant).transpose()?,
        revoked: row.revoked_at.is_some(),
        id: row.id,
        user: row.user,
        name: row.name,
    })
}

/// A program that showed a token: it acts in the name of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// Id of the token, which is no secret.
    pub id: String,
    /// The account.
    pub user: User,
    /// What it may do: what the token was given and the account's role still has.
    pub scopes: Vec<Permission>,
    /// Keys of the sources for which it may speak; empty for every one of its facility.
    pub sources: Vec<String>,
    /// What the token is called.
    pub token: String,
}

impl Program {
    /// Whether it may do this.
    pub fn may(&self, permission: Permission) -> bool {
        self.scopes.contains(&permission)
    }

    /// The program as the journal names it: `名前（login）／token`.
    pub fn actor(&self) -> Actor {
        Acting::actor(self)
    }
}

impl Acting for Program {
    fn user(&self) -> &User {
        &self.user
    }

    fn actor(&self) -> Actor {
        Actor::new(format!("{}（{}）／{}", self.user.name, self.user.login, self.token))
    }

    fn need(&self, permission: Permission) -> Result<()> {
        if self.may(permission) { Ok(()) } else { Err(Error::Forbidden) }
    }
}

impl App {
    /// Makes a token.
    ///
    /// # Errors
    /// [`Error::StepUp`] without a fresh proof; [`Error::Fields`] without a name or scope, for a scope one does not have
    /// oneself, for a source that is not registered, and for a day that is past or more than a year away.
    pub async fn token_make(&self, signed: &Signed, new: NewToken<'_>) -> Result<Cookie> {
        signed.need_fresh(self.now())?;
        self.token_insert(&signed.actor(), &signed.user, new).await
    }

    /// The same for whoever runs the server, who needs no session: the token acts in the name of the account `login` of
    /// a facility, and the journal says that `actor` made it.
    ///
    /// # Errors
    /// [`Error::NotFound`] when the facility has no such account that may be used; [`Error::Fields`] as for
    /// [`token_make`](Self::token_make).
    pub async fn token_issue(&self, actor: &Actor, facility: &str, login: &str, new: NewToken<'_>) -> Result<Cookie> {
        let missing = || Error::NotFound { what: format!("アカウント「{login}」") };
        let found = self.store.user_find_login(&login_key(login)).await?;
        let user = found.filter(|user| user.facility == facility && usable(user, self.today())).ok_or_else(missing)?;
        self.token_insert(actor, &User::of(&user)?, new).await
    }

    async fn token_insert(&self, actor: &Actor, user: &User, new: NewToken<'_>) -> Result<Cookie> {
        let NewToken { scopes, ends_on, .. } = new;
        let name = domain::text::tidy(new.name);
        let sources = self.source_keys(&user.facility, new.sources).await?;
        let twice = |token: &TokenInfo| token.works(self.today()) && token.user == user.id && token.name == name;
        let twice = self.token_list(&user.facility).await?.iter().any(twice);
        let latest = domain::evaluate::plus(self.today(), LONGEST);
        let faults: Vec<FieldError> = [
            (name.is_empty(), "name", "名前がありません。何に使うかを入れてください。"),
            (
                twice,
                "name",
                "同じ名前のトークンが、すでにあります。見失ったときは取り消してから、または別の名前で作ってください。",
            ),
            (
                scopes.is_empty() || !scopes.iter().all(|scope| user.role.may(*scope)),
                "scopes",
                "できることが選ばれていないか、アカウントの権限を超えています。選び直してください。",
            ),
            (
                ends_on < self.today() || ends_on > latest,
                "ends_on",
                "終わりの日が過ぎているか、1年より先です。1年以内の日にしてください。",
            ),
            (
                sources.is_none(),
                "sources",
                "台帳「記録の取込み元」に使用中でないものがあります。取込み元番号を確かめてください。",
            ),
        ]
        .into_iter()
        .filter(|(wrong, ..)| *wrong)
        .map(|(_, field, message)| FieldError::new(field, message))
        .collect();
        if !faults.is_empty() {
            return Err(Error::Fields(faults));
        }
        let secret = Cookie::new(format!("{PREFIX}{}", self.identity.secret()?.expose()));
        let codes: Vec<&str> = scopes.iter().map(|scope| scope.code()).collect();
        let row = TokenRow {
            id: Uuid::now_v7().to_string(),
            facility: user.facility.clone(),
            user: user.id.clone(),
            name,
            secret_sha256: secret.sha256(),
            scopes: codes.join(" "),
            ends_on: ends_on.to_string(),
            made_at: self.now().as_microsecond(),
            used_at: None,
            revoked_at: None,
            sources: sources.filter(|keys| !keys.is_empty()).map(|keys| keys.join("\n")),
        };
        let mut tx = self.store.begin(actor, &row.facility, self.now()).await?;
        tx.token_insert(&row).await?;
        let event = Event::new("token.make", row.id).with("name", row.name).with("scopes", row.scopes);
        let event = event.with("login", &user.login);
        tx.record(match row.sources {
            Some(sources) => event.with("sources", sources.replace('\n', ", ")),
            None => event,
        });
        tx.commit().await?;
        Ok(secret)
    }

    /// The tokens of a facility, newest first.
    ///
    /// # Errors
    /// Any store error.
    pub async fn token_list(&self, facility: &str) -> Result<Vec<TokenInfo>> {
        self.store.token_list(facility).await?.into_iter().map(info).collect()
    }

    /// Revokes a token: one's own, or, for who manages accounts, anybody's of the facility.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is none that one may revoke.
    pub async fn token_revoke(&self, by: &dyn Acting, id: &str) -> Result<()> {
        by.need(Permission::UseOwnAccount)?;
        let (facility, manages) = (&by.user().facility, by.need(Permission::ManageUsers).is_ok());
        let known = self.token_list(facility).await?;
        let may = |token: &&TokenInfo| token.user == by.user().id || manages;
        let found = known.iter().find(|token| token.id == id && !token.revoked).filter(may);
        found.ok_or_else(|| Error::NotFound { what: "APIトークン".to_owned() })?;
        let mut tx = self.store.begin(&by.actor(), facility, self.now()).await?;
        tx.token_revoke(id).await?;
        tx.record(Event::new("token.revoke", id));
        Ok(tx.commit().await?)
    }

    /// The program with this token; `None` when it is unknown, over or revoked, or its account may no longer be used.
    ///
    /// # Errors
    /// Any store error.
    pub async fn token_check(&self, secret: &str) -> Result<Option<Program>> {
        let Some(row) = self.store.token_find(&sha256(secret.as_bytes())).await? else { return Ok(None) };
        let token = info(row)?;
        if !token.works(self.today()) {
            return Ok(None);
        }
        let Some(user) = self.store.user_find(&token.user).await?.filter(|user| usable(user, self.today())) else {
            return Ok(None);
        };
        let now = self.now();
        if token.used_at.is_none_or(|used| now.duration_since(used) >= NOTED_EVERY) {
            match self.store.token_touch(&token.id, now.as_microsecond()).await {
                // A program that reads goes on reading.
                Err(store::Error::DiskFull) => {}
                outcome => outcome?,
            }
        }
        let user = User::of(&user)?;
        let scopes = token.scopes.into_iter().filter(|scope| user.role.may(*scope)).collect();
        Ok(Some(Program { id: token.id, user, scopes, sources: token.sources, token: token.name }))
    }

    /// Whether the token of a program still works, and its account.
    ///
    /// # Errors
    /// Any store error.
    pub async fn program_alive(&self, program: &Program) -> Result<bool> {
        let token = self.store.token_get(&program.id).await?.map(info).transpose()?;
        let user = self.store.user_find(&program.user.id).await?;
        Ok(token.is_some_and(|token| token.works(self.today())) && user.is_some_and(|user| usable(&user, self.today())))
    }
}
