//! Who signs in: every door, tried from the outside and from the inside.

mod accounts;
mod passkeys;
mod passwords;
mod property;
mod recovery;
mod sessions;

use std::sync::atomic::Ordering;

use app::{App, Cookie, NewToken, NewUser, Signed, Terminal, User};
use domain::authz::{Permission, Role};
use domain::evaluate::Facility;
use totp_rs::{Builder, Secret};

use super::Site;

/// A password that may stand alone.
pub(crate) const LONG: &str = "kx7mq2vbz9rtw";
/// A password that may not.
pub(crate) const SHORT: &str = "wz4hn8pk";

/// A terminal on the facility's network.
pub(crate) fn terminal(name: &str) -> Terminal {
    let last = name.bytes().fold(0_u8, u8::wrapping_add);
    Terminal { key: format!("key of {name}"), address: [192, 0, 2, last].into(), agent: "Edge".to_owned() }
}

/// Whom a cookie lets in on a terminal.
pub(crate) async fn on(app: &App, terminal: &Terminal, cookie: &Cookie) -> Option<Signed> {
    app.session(terminal, cookie.expose()).await.unwrap()
}

/// An installation with a facility, a terminal and the first account, signed in there by the set-up link.
pub(crate) async fn installed(site: &Site) -> (Facility, Terminal, Signed) {
    let facility = site.facility("さくら架空クリニック").await;
    let desk = terminal("desk");
    let link = site.app.setup_link().await.unwrap();
    let grant = site.app.setup_begin(&desk, link.expose()).await.unwrap();
    let cookie = site.app.setup_admin(&desk, grant.expose(), &facility.id, "鈴木 あおい", "a.suzuki").await.unwrap();
    let signed = on(&site.app, &desk, &cookie).await.unwrap();
    (facility, desk, signed)
}

/// Somebody to be added.
pub(crate) fn newcomer(login: &str, role: Role) -> NewUser {
    NewUser {
        login: login.to_owned(),
        name: format!("職員 {login}"),
        role,
        valid_until: role.is_guest().then(|| "2027-03-31".parse().unwrap()),
        sees_from: (role == Role::Auditor).then(|| "2026-04-01".parse().unwrap()),
        sees_until: (role == Role::Auditor).then(|| "2027-03-31".parse().unwrap()),
        ..NewUser::default()
    }
}

/// Lets somebody in by a reset that `helper` confirms.
pub(crate) async fn let_in(app: &App, helper: &Signed, user: &User, at: &Terminal) -> Signed {
    let (cookie, code) = app.reset_ask(at, &user.login).await.unwrap();
    let method = app::ResetMethod::Face;
    app.reset_confirm(helper, &code, &user.id, method, "職員証の写し 綴り3").await.unwrap();
    let cookie = app.reset_use(at, cookie.expose()).await.unwrap().unwrap();
    on(app, at, &cookie).await.unwrap()
}

/// Adds an account with a long password and signs it in.
pub(crate) async fn colleague(app: &App, admin: &Signed, login: &str, role: Role) -> (User, Terminal, Cookie) {
    let at = terminal(login);
    let user = app.user_add(admin, newcomer(login, role)).await.unwrap();
    let signed = let_in(app, admin, &user, &at).await;
    app.password_set(&signed, LONG).await.unwrap();
    let cookie = app.sign_in_password(&at, login, LONG, None).await.unwrap();
    (user, at, cookie)
}

/// The code that an authenticator app with this secret shows now.
pub(crate) fn totp(site: &Site, base32: &str) -> String {
    let secret = Secret::try_from_base32(base32).unwrap();
    let generator = Builder::new().with_secret(secret).build().unwrap();
    generator.generate(u64::try_from(site.app.now().as_second()).unwrap()).to_string()
}

/// Lets time pass.
pub(crate) fn wait(site: &Site, seconds: i64) {
    site.dial.0.fetch_add(seconds * 1_000_000, Ordering::Relaxed);
}

/// The journal of everything, newest first.
pub(crate) async fn journal(app: &App) -> Vec<String> {
    app.store.journal_list(None, 1_000).await.unwrap()
}

/// Whether the journal has this action.
pub(crate) async fn journaled(app: &App, action: &str) -> bool {
    let wanted = format!("\"action\":\"{action}\"");
    journal(app).await.iter().any(|entry| entry.contains(&wanted))
}

/// The code of a refusal.
pub(crate) fn code<T>(outcome: app::Result<T>) -> &'static str {
    outcome.err().expect("a refusal").code()
}

/// Every permission of the administrator.
pub(crate) fn all() -> Vec<Permission> {
    Permission::ALL.into_iter().filter(|permission| Role::Admin.may(*permission)).collect()
}
