//! 自分のアカウント: passkeys, password, authenticator app, recovery codes, sessions, tokens for programs.
//!
//! Whatever opens a door asks for a fresh sign-in (the route table says which). Secrets are shown once, by the answer
//! to the act that made them.

use app::identity::{PasskeyInfo, SessionInfo, TokenInfo};
use askama::Template;
use axum::extract::Path;
use axum::response::IntoResponse as _;
use domain::authz::Permission;

use crate::cookies;
use crate::form::{Errors, Fields};
use crate::guard::Visit;
use crate::page::{Chrome, PageResult, Problem, done, go};
use crate::pages::ledgers::qr;

/// Chooses the language of the pages, for this browser.
pub(crate) async fn language(fields: Fields) -> PageResult {
    let lang = if fields.get("lang") == "en" { "en" } else { "ja" };
    let mut response = go(fields.get("next"));
    cookies::set(&mut response, &cookies::lasting(cookies::LANGUAGE, lang));
    Ok(response)
}

/// Says that somebody is still there; the session look-up before it is the whole effect.
pub(crate) async fn present(visit: Visit) -> PageResult {
    visit.me()?;
    Ok("ok".into_response())
}

#[derive(Template)]
#[template(path = "account.html")]
struct Account {
    c: Chrome,
    errors: Errors,
    user: app::identity::User,
    /// The address for mail, as it stands in its field.
    email: String,
    passkeys: Vec<PasskeyInfo>,
    passkeys_available: bool,
    sessions: Vec<SessionInfo>,
    current: String,
    tokens: Vec<TokenInfo>,
    scopes: Vec<Permission>,
    /// What was typed to make a token.
    token_form: Fields,
}

async fn account(visit: &Visit, errors: Errors) -> Result<Account, Problem> {
    let (app, me) = (visit.app(), visit.me()?);
    let mut tokens = app.token_list(&me.user.facility).await?;
    tokens.retain(|token| token.user == me.user.id && !token.revoked);
    let mut c = visit.chrome("account-title");
    c.failed = !errors.is_empty();
    Ok(Account {
        c,
        errors,
        passkeys: app.passkey_list(&me.user.id).await?,
        passkeys_available: app.passkeys_available(),
        sessions: app.session_list(&me.user.id).await?,
        current: me.session.clone(),
        tokens,
        scopes: Permission::ALL.into_iter().filter(|p| me.may(*p)).collect(),
        email: me.user.email.clone().unwrap_or_default(),
        token_form: Fields::default(),
        user: me.user.clone(),
    })
}

/// The page.
pub(crate) async fn show(visit: Visit) -> PageResult {
    visit.page(&account(&visit, Errors::default()).await?)
}

/// After an act on one's own account: back to it, or the form again.
async fn after(visit: &Visit, outcome: app::Result<()>, word: &str) -> PageResult {
    match outcome {
        Ok(()) => Ok(done("/account", word, &[])),
        Err(error) => visit.again(&account(visit, Errors::of(error)?).await?),
    }
}

/// Sets where mail reaches one.
pub(crate) async fn email(visit: Visit, fields: Fields) -> PageResult {
    match visit.app().email_set(visit.me()?, fields.get("email")).await {
        Ok(()) => Ok(done("/account", "account-email-set", &[])),
        Err(error) => {
            let mut again = account(&visit, Errors::of(error)?).await?;
            fields.get("email").clone_into(&mut again.email);
            visit.again(&again)
        }
    }
}

#[derive(Template)]
#[template(path = "account_passkey.html")]
struct NewPasskey {
    c: Chrome,
    available: bool,
    next: &'static str,
}

/// Where a passkey is added.
pub(crate) async fn passkey_new(visit: Visit) -> PageResult {
    let available = visit.app().passkeys_available();
    visit.page(&NewPasskey { c: visit.chrome("account-passkey-new"), available, next: "/account" })
}

/// What the browser is to make.
pub(crate) async fn passkey_challenge(visit: Visit, _: Fields) -> PageResult {
    let (options, ceremony) = visit.app().passkey_register_begin(visit.me()?).await?;
    Ok(cookies::exchange(options, &ceremony))
}

/// Keeps the passkey that the browser made.
pub(crate) async fn passkey_add(visit: Visit, fields: Fields) -> PageResult {
    let ceremony = visit.jar().get(cookies::CEREMONY).unwrap_or_default();
    let c = visit.chrome("account-passkey-new");
    let name = match fields.get("name").trim() {
        "" => c.with("account-passkey-unnamed", "on", c.day(visit.app().today())),
        name => name.to_owned(),
    };
    visit.app().passkey_register(visit.me()?, ceremony, &name, fields.get("credential")).await?;
    Ok(done(fields.get("next"), "account-passkey-added", &[]))
}

/// Takes a passkey away.
pub(crate) async fn passkey_remove(visit: Visit, Path(id): Path<String>, _: Fields) -> PageResult {
    let outcome = visit.app().passkey_remove(visit.me()?, &id).await;
    after(&visit, outcome, "account-passkey-removed").await
}

/// Sets the password.
pub(crate) async fn password(visit: Visit, fields: Fields) -> PageResult {
    let new = fields.get("new_password");
    let outcome = if new == fields.get("password_again") {
        visit.app().password_set(visit.me()?, new).await
    } else {
        let field = "password_again".to_owned();
        let message = visit.chrome("account-title").t("account-password-differs");
        Err(app::Error::Fields(vec![app::FieldError { field, message }]))
    };
    match outcome {
        Ok(()) => Ok(done(or_account(fields.get("next")), "account-password-set", &[])),
        Err(error) => visit.again(&account(&visit, Errors::of(error)?).await?),
    }
}

fn or_account(next: &str) -> &str {
    if next.is_empty() { "/account" } else { next }
}

#[derive(Template)]
#[template(path = "account_totp.html")]
struct Totp {
    c: Chrome,
    errors: Errors,
    qr: String,
    secret: String,
    next: String,
}

/// Shows the secret for the authenticator app, once.
pub(crate) async fn totp_begin(visit: Visit, fields: Fields) -> PageResult {
    let (uri, secret, ceremony) = visit.app().totp_begin(visit.me()?).await?;
    let qr = qr(&uri).ok_or_else(|| Problem::from(app::Error::Internal { message: "qr".to_owned() }))?;
    let next = or_account(fields.get("next")).to_owned();
    let page = Totp { c: visit.chrome("account-totp-title"), errors: Errors::default(), qr, secret, next };
    let mut response = visit.page(&page)?;
    cookies::set(&mut response, &cookies::passing(cookies::CEREMONY, ceremony.expose()));
    Ok(response)
}

/// Takes the authenticator app into use, with its first code.
pub(crate) async fn totp_confirm(visit: Visit, fields: Fields) -> PageResult {
    let ceremony = visit.jar().get(cookies::CEREMONY).unwrap_or_default();
    let outcome = visit.app().totp_confirm(visit.me()?, ceremony, fields.get("code")).await;
    match outcome {
        Ok(()) => Ok(done(or_account(fields.get("next")), "account-totp-set", &[])),
        Err(error) => visit.again(&account(&visit, Errors::of(error)?).await?),
    }
}

/// Gives the authenticator app up.
pub(crate) async fn totp_remove(visit: Visit, _: Fields) -> PageResult {
    let outcome = visit.app().totp_remove(visit.me()?).await;
    after(&visit, outcome, "account-totp-removed").await
}

#[derive(Template)]
#[template(path = "account_codes.html")]
struct Codes {
    c: Chrome,
    login: String,
    codes: Vec<String>,
    next: String,
}

/// Makes new recovery codes and shows them, once, to be printed.
pub(crate) async fn recovery_codes(visit: Visit, fields: Fields) -> PageResult {
    let me = visit.me()?;
    let codes = visit.app().recovery_codes_make(me).await?;
    let next = or_account(fields.get("next")).to_owned();
    visit.page(&Codes { c: visit.chrome("account-codes-title"), login: me.user.login.clone(), codes, next })
}

/// Ends one of one's own sessions.
pub(crate) async fn session_revoke(visit: Visit, Path(id): Path<String>, _: Fields) -> PageResult {
    let outcome = visit.app().session_revoke(visit.me()?, &id).await;
    after(&visit, outcome, "account-session-ended").await
}

#[derive(Template)]
#[template(path = "account_token.html")]
struct NewToken {
    c: Chrome,
    name: String,
    secret: String,
}

/// Makes a token for a program and shows it, once.
pub(crate) async fn token_make(visit: Visit, fields: Fields) -> PageResult {
    let scopes: Vec<Permission> = fields.all("scope").filter_map(Permission::parse).collect();
    let name = fields.get("name");
    let sources = fields.get("sources").split([',', '、', '，']).map(str::trim);
    let sources: Vec<String> = sources.filter(|source| !source.is_empty()).map(str::to_owned).collect();
    let ends_on = domain::jp::parse_date(fields.get("ends_on")).map_err(|error| {
        app::Error::Fields(vec![app::FieldError { field: "ends_on".to_owned(), message: error.to_string() }])
    });
    let made = match ends_on {
        Ok(ends_on) => {
            let new = app::NewToken { name, scopes: &scopes, sources: &sources, ends_on };
            visit.app().token_make(visit.me()?, new).await
        }
        Err(error) => Err(error),
    };
    match made {
        Ok(secret) => {
            let (name, secret) = (name.to_owned(), secret.expose().to_owned());
            visit.page(&NewToken { c: visit.chrome("account-token-title"), name, secret })
        }
        Err(error) => {
            let mut again = account(&visit, Errors::of(error)?).await?;
            again.token_form = fields;
            visit.again(&again)
        }
    }
}

/// Ends a token.
pub(crate) async fn token_revoke(visit: Visit, Path(id): Path<String>, _: Fields) -> PageResult {
    let outcome = visit.app().token_revoke(visit.me()?, &id).await;
    after(&visit, outcome, "account-token-ended").await
}
