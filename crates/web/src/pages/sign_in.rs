//! Signing in: by passkey, or by password with a code. Also the way back in after a pause, and the fresh sign-in
//! that dangerous acts ask for: one page, three reasons.

use askama::Template;
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;

use crate::cookies;
use crate::form::{Errors, Fields, Kept};
use crate::guard::{Refused, Visit};
use crate::page::{Chrome, PageResult, Problem, go, ours};

/// Fields of our own in the form; what was typed elsewhere travels under this prefix. The bare prefix says that something
/// was sent, even where the form had nothing but a button; its value is the name of the form's field for a file.
const KEPT: &str = "kept.";

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignIn {
    c: Chrome,
    errors: Errors,
    /// Whose session it is, when only the presence has to be shown again.
    who: Option<String>,
    stale: bool,
    passkeys: bool,
    login: String,
    next: String,
    kept: Vec<(String, String)>,
}

/// Asks somebody to sign in, and carries along what they typed.
pub(crate) async fn ask(visit: &Visit, why: Refused, kept: Option<Kept>) -> Response {
    if visit.path().starts_with("/api/") {
        return Problem::from(app::Error::Unauthenticated).show(visit);
    }
    match visit.app().needs_setup().await {
        Ok(true) => return go("/setup"),
        Ok(false) => {}
        Err(error) => return Problem::from(error).show(visit),
    }
    let next = if visit.path() == "/sign-in" { "/" } else { visit.path() };
    let kept = kept.map(|Kept { fields, file }| {
        let fields = fields.iter().map(|(n, v)| (format!("{KEPT}{n}"), v.to_owned()));
        std::iter::once((KEPT.to_owned(), file.unwrap_or_default())).chain(fields).collect()
    });
    let form = SignIn {
        c: visit.chrome(if why == Refused::Nobody { "sign-in-title" } else { "sign-in-again-title" }),
        errors: Errors::default(),
        who: visit.somebody().map(|me| me.user.name.clone()),
        stale: why == Refused::Stale,
        passkeys: visit.app().passkeys_available(),
        login: String::new(),
        next: next.to_owned(),
        kept: kept.unwrap_or_default(),
    };
    let response = visit.page(&form).map(|mut response| {
        let asked_for = visit.path() == "/sign-in" || visit.wants_part();
        *response.status_mut() = if asked_for { StatusCode::OK } else { StatusCode::UNAUTHORIZED };
        // A part of a page is never the place to sign in: htmx takes the whole one.
        if let (true, Ok(to)) = (visit.wants_part(), HeaderValue::from_str(next)) {
            response.headers_mut().insert("hx-redirect", to);
        }
        response
    });
    response.unwrap_or_else(|problem| problem.show(visit))
}

/// The page itself.
pub(crate) async fn form(visit: Visit) -> PageResult {
    match visit.somebody() {
        Some(me) if !me.locked => Ok(go("/")),
        Some(_) => Ok(ask(&visit, Refused::Locked, None).await),
        None => Ok(ask(&visit, Refused::Nobody, None).await),
    }
}

/// Password and code.
pub(crate) async fn password(visit: Visit, fields: Fields) -> PageResult {
    let (app, terminal) = (visit.app(), visit.terminal());
    let code = Some(fields.get("code").trim()).filter(|c| !c.is_empty());
    let entered = match (visit.somebody(), visit.jar().get(cookies::SESSION)) {
        (Some(me), _) if !me.locked => app.step_up_password(me, fields.get("password"), code).await,
        (Some(_), Some(session)) => app.unlock_password(terminal, session, fields.get("password"), code).await,
        _ => app.sign_in_password(terminal, fields.get("login"), fields.get("password"), code).await,
    };
    match entered {
        Ok(session) => arrive(&visit, session.expose(), &fields).await,
        Err(error) => {
            let mut c = visit.chrome("sign-in-title");
            c.failed = true;
            visit.again(&SignIn {
                c,
                errors: Errors::of(error)?,
                who: visit.somebody().map(|me| me.user.name.clone()),
                stale: visit.somebody().is_some_and(|me| !me.locked),
                passkeys: app.passkeys_available(),
                login: fields.get("login").to_owned(),
                next: fields.get("next").to_owned(),
                kept: kept(&fields).map(|(n, v)| (n.to_owned(), v.to_owned())).collect(),
            })
        }
    }
}

/// What the browser is to sign: options as JSON, and the ceremony in a cookie.
pub(crate) async fn challenge(visit: Visit, _: Fields) -> PageResult {
    let (options, ceremony) = visit.app().passkey_challenge(visit.terminal()).await?;
    Ok(cookies::exchange(options, &ceremony))
}

/// What the passkey answered, in the same form as the password.
pub(crate) async fn passkey(visit: Visit, fields: Fields) -> PageResult {
    let (app, terminal) = (visit.app(), visit.terminal());
    let ceremony = visit.jar().get(cookies::CEREMONY).unwrap_or_default();
    let answer = fields.get("credential");
    let session = match (visit.somebody(), visit.jar().get(cookies::SESSION)) {
        (Some(me), _) if !me.locked => app.step_up_passkey(me, ceremony, answer).await?,
        (Some(_), Some(session)) => app.unlock_passkey(terminal, session, ceremony, answer).await?,
        _ => app.sign_in_passkey(terminal, ceremony, answer).await?,
    };
    arrive(&visit, session.expose(), &fields).await
}

#[derive(Template)]
#[template(path = "resume.html")]
struct Resume {
    c: Chrome,
    to: String,
    fields: Vec<(String, String)>,
    /// Name of the form's field for a file; empty where it has none.
    file: String,
}

impl Resume {
    /// Whether a field is of the page itself and was typed by nobody.
    fn is_ours(&self, name: &str) -> bool {
        matches!(name, "rev" | "sha256" | "shown_sha256" | "for" | "because")
    }
}

/// Signed in: on to where they were going, or to the form they had half filled.
async fn arrive(visit: &Visit, session: &str, fields: &Fields) -> PageResult {
    let next = fields.get("next");
    let mut response = if kept(fields).next().is_some() {
        let mut c = visit.chrome("resume-title");
        c.csrf = visit.app().session(visit.terminal(), session).await?.map(|me| me.csrf).unwrap_or_default();
        let file = fields.get(KEPT).to_owned();
        let fields = kept(fields)
            .filter_map(|(n, v)| Some((n.strip_prefix(KEPT).filter(|n| !n.is_empty())?.to_owned(), v.to_owned())))
            .collect();
        visit.page(&Resume { c, to: ours(next).to_owned(), fields, file })?
    } else {
        go(next)
    };
    cookies::set(&mut response, &cookies::passing(cookies::SESSION, session));
    cookies::set(&mut response, &cookies::gone(cookies::CEREMONY));
    Ok(response)
}

/// What was typed into another form before signing in.
fn kept(fields: &Fields) -> impl Iterator<Item = (&str, &str)> {
    fields.iter().filter(|(n, _)| n.starts_with(KEPT))
}

/// Ends the session, also a locked one: the next person at this terminal need not prove to be the last.
pub(crate) async fn sign_out(visit: Visit, _: Fields) -> PageResult {
    if let Some(me) = visit.somebody() {
        visit.app().sign_out(me).await?;
    }
    let mut response = go("/sign-in");
    cookies::set(&mut response, &cookies::gone(cookies::SESSION));
    Ok(response)
}
