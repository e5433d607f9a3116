//! The door: who is visiting, may they, and was the request made by one of our own pages.
//!
//! One layer stands before every route of [`ROUTES`](crate::routes::ROUTES). It finds the session, checks the route's
//! [`Access`], refuses what another site's page sent, and puts a [`Visit`] into the request. A handler that takes a
//! `Visit` therefore runs only after these checks; one that takes none is open by its line in the table.
//!
//! A form that arrives without a valid session is not lost: the sign-in page carries what was typed along (never
//! passwords) and offers to send it again.

use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;

use app::identity::{Signed, Terminal};
use app::{App, StoredRow};
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{ConnectInfo, FromRequestParts, Request, State};
use axum::http::header::{CONTENT_TYPE, HeaderName, ORIGIN, REFERRER_POLICY, USER_AGENT};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use domain::evaluate::Facility;
use domain::ledger::{Ledger, Period};
use domain::text::Lang;

use crate::cookies::{self, Jar};
use crate::form::{FORM_MAX, Fields, Kept, PLAIN, is_form};
use crate::limit::Limits;
use crate::line::Cutter;
use crate::page::{Problem, go};
use crate::pages::sign_in;
use crate::routes::Access;
use crate::watched::watched;
use crate::{Web, api};

/// What scripts, styles and forms of our pages may do: nothing but talk to us.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
                      form-action 'self'; base-uri 'none'; frame-ancestors 'none'; manifest-src 'self'";

/// Headers of every answer.
const HEADERS: [(HeaderName, &str); 6] = [
    (HeaderName::from_static("content-security-policy"), POLICY),
    (HeaderName::from_static("x-content-type-options"), "nosniff"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=(), usb=()"),
    (REFERRER_POLICY, "same-origin"),
];

/// Somebody at one of our pages.
#[derive(Clone)]
pub(crate) struct Visit(Arc<Inner>);

struct Inner {
    web: Web,
    terminal: Terminal,
    me: Option<Signed>,
    facility: Option<Facility>,
    lang: Lang,
    jar: Jar,
    path: String,
    htmx: bool,
}

impl Visit {
    /// The product.
    pub(crate) fn app(&self) -> &App {
        &self.0.web.app
    }

    /// The server's state.
    pub(crate) fn web(&self) -> &Web {
        &self.0.web
    }

    /// The person signed in.
    ///
    /// # Errors
    /// On an open route without a session.
    pub(crate) fn me(&self) -> Result<&Signed, Problem> {
        self.0.me.as_ref().ok_or_else(|| Problem::from(app::Error::Unauthenticated))
    }

    /// The person signed in, if any.
    pub(crate) fn somebody(&self) -> Option<&Signed> {
        self.0.me.as_ref()
    }

    /// The facility of the person signed in.
    ///
    /// # Errors
    /// When nobody is.
    pub(crate) fn facility(&self) -> Result<&Facility, Problem> {
        self.0.facility.as_ref().ok_or_else(|| Problem::from(app::Error::Unauthenticated))
    }

    /// The days whose records the person sees; `None` for all.
    pub(crate) fn period(&self) -> Option<Period> {
        self.0.me.as_ref().and_then(|me| me.user.period())
    }

    /// Refuses a row of other days as one that is not there.
    ///
    /// # Errors
    /// [`app::Error::NotFound`].
    pub(crate) fn see(&self, of: &Ledger, stored: &StoredRow) -> Result<(), Problem> {
        match self.period() {
            Some(period) if !period.shows(of, &stored.row) => {
                Err(app::Error::NotFound { what: stored.key.clone() }.into())
            }
            _ => Ok(()),
        }
    }

    /// The terminal it comes from.
    pub(crate) fn terminal(&self) -> &Terminal {
        &self.0.terminal
    }

    /// The language to answer in.
    pub(crate) fn lang(&self) -> Lang {
        self.0.lang
    }

    /// The cookies sent.
    pub(crate) fn jar(&self) -> &Jar {
        &self.0.jar
    }

    /// Path and query of the request.
    pub(crate) fn path(&self) -> &str {
        &self.0.path
    }

    /// Whether only a part of the page is wanted.
    pub(crate) fn wants_part(&self) -> bool {
        self.0.htmx
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Visit {
    type Rejection = StatusCode;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, StatusCode> {
        // Without the guard there is no visit: a route that is not in the table answers this.
        parts.extensions.get::<Self>().cloned().ok_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

/// The layer before one route.
pub(crate) async fn guard(
    State((web, access, limits)): State<(Web, Access, Arc<Limits>)>,
    request: Request,
    next: Next,
) -> Response {
    match access {
        Access::Own => return next.run(request).await,
        Access::File => return sealed(next.run(request).await, &web, None),
        Access::Token(needs) => {
            let response = api::admit(&web, needs, &limits, request, next).await;
            return sealed(response, &web, None);
        }
        Access::Open | Access::Holder(_) | Access::Fresh(_) => {}
    }
    let (mut parts, body) = request.into_parts();
    let visit = match enter(&web, &parts).await {
        Ok(visit) => visit,
        Err(response) => return sealed(response, &web, None),
    };
    if !matches!(parts.method, Method::GET | Method::HEAD) && !from_our_page(&web, &parts.headers) {
        return sealed(Problem::from(app::Error::Forbidden).show(&visit), &web, Some(&visit));
    }
    // After the check above: another site's page must not use up the turns of this address.
    if let Err(seconds) = at_the_door(access, &parts, &visit, &limits) {
        return sealed(Problem::too_many(seconds).show(&visit), &web, Some(&visit));
    }
    if owes_a_factor(&visit, &parts) {
        return sealed(go("/account"), &web, Some(&visit));
    }
    let refused = match (access, visit.somebody()) {
        (Access::Open | Access::File | Access::Own | Access::Token(_), _) => None,
        (_, None) => Some(Refused::Nobody),
        (_, Some(me)) if me.locked => Some(Refused::Locked),
        (Access::Holder(needs), Some(me)) if me.may(needs) => None,
        (Access::Fresh(needs), Some(me)) if me.may(needs) => (!me.fresh(web.app.now())).then_some(Refused::Stale),
        (_, Some(_)) => return sealed(Problem::from(app::Error::Forbidden).show(&visit), &web, Some(&visit)),
    };
    let response = match refused {
        Some(why) => {
            let kept = Kept::read(&parts, body).await;
            sign_in::ask(&visit, why, kept).await
        }
        None => {
            parts.extensions.insert(visit.clone());
            let cutter = parts.extensions.get::<Cutter>().cloned();
            let (body, typed) = match held(&parts, body).await {
                Ok(held) => held,
                Err(problem) => return sealed(problem.show(&visit), &web, Some(&visit)),
            };
            let response = next.run(Request::from_parts(parts, body)).await;
            let refused = response.extensions().get::<Arc<Problem>>().cloned();
            let bare = || refused_bare(&response).then(|| Arc::new(Problem::misshapen(response.status())));
            match refused.or_else(bare) {
                Some(problem) => {
                    let typed = typed.map(|bytes| Fields::parse(&bytes).without_secrets());
                    problem.show_with(&visit, &typed.unwrap_or_default())
                }
                None => attended(&visit, cutter, response).await,
            }
        }
    };
    sealed(response, &web, Some(&visit))
}

/// Answers what no line of the table does: no such page, or not by this method.
pub(crate) async fn nowhere(web: Web, request: Request, status: StatusCode) -> Response {
    let (parts, _) = request.into_parts();
    match enter(&web, &parts).await {
        Ok(visit) => {
            // A program learns that it is the method; for a person there simply is no such page.
            let status = if visit.path().starts_with("/api/") { status } else { StatusCode::NOT_FOUND };
            sealed(Problem::nowhere(status).show(&visit), &web, Some(&visit))
        }
        Err(response) => sealed(response, &web, None),
    }
}

/// Takes a turn for what anybody can send to get in. This machine's own address has no limit: it is that of everybody
/// behind a proxy here, and the proxy's matter.
fn at_the_door(access: Access, parts: &Parts, visit: &Visit, limits: &Limits) -> Result<(), u64> {
    let address = visit.terminal().address;
    if access != Access::Open || parts.method != Method::POST || address.is_loopback() {
        return Ok(());
    }
    limits.doors.take(address, visit.app().now())
}

/// Why somebody is asked to sign in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// There is no session.
    Nobody,
    /// It was idle for too long.
    Locked,
    /// The act asks for a fresh sign-in.
    Stale,
}

/// What somebody may do who was let in by a recovery code or by a second person: make a way to sign in next time.
const RENEWAL: &[&str] = &[
    "/account",
    "/account/passkeys/new",
    "/account/passkeys/challenge",
    "/account/passkeys",
    "/account/password",
    "/account/totp/begin",
    "/account/totp",
    "/sign-out",
    "/language",
    "/help",
    "/notice",
    "/present",
];

/// Whether such a person wants to do something else first.
fn owes_a_factor(visit: &Visit, parts: &Parts) -> bool {
    let path = parts.uri.path();
    let exempt = path.starts_with("/assets/") || RENEWAL.contains(&path);
    !exempt && visit.somebody().is_some_and(|me| me.user.must_renew && !me.locked)
}

async fn enter(web: &Web, parts: &Parts) -> Result<Visit, Response> {
    let jar = Jar::of(&parts.headers);
    let address = parts.extensions.get::<ConnectInfo<SocketAddr>>().map_or(IpAddr::from([0, 0, 0, 0]), |c| c.0.ip());
    let agent = parts.headers.get(USER_AGENT).and_then(|v| v.to_str().ok()).unwrap_or_default().to_owned();
    let key = match jar.get(cookies::TERMINAL) {
        Some(key) if key.len() == Terminal::KEY_LENGTH => key.to_owned(),
        _ => {
            let made = web.app.terminal_key().map_err(|_| StatusCode::SERVICE_UNAVAILABLE.into_response())?;
            made.expose().to_owned()
        }
    };
    let terminal = Terminal { key, address: address.to_canonical(), agent: agent.chars().take(300).collect() };
    let (signed, failed) = match recognise(web, &terminal, &jar).await {
        Ok(signed) => (signed, None),
        Err(error) => (None, Some(error)),
    };
    let (me, facility) = signed.unzip();
    let lang = match jar.get(cookies::LANGUAGE) {
        Some("en") => Lang::En,
        _ => Lang::Ja,
    };
    let path = parts.uri.path_and_query().map_or("/", |p| p.as_str()).to_owned();
    let htmx = parts.headers.contains_key("hx-request");
    let visit = Visit(Arc::new(Inner { web: web.clone(), terminal, me, facility, lang, jar, path, htmx }));
    // A store that is away must not look like a sign-out.
    match failed {
        Some(error) => Err(Problem::from(error).show(&visit)),
        None => Ok(visit),
    }
}

/// The person behind the session cookie, and their facility.
async fn recognise(web: &Web, terminal: &Terminal, jar: &Jar) -> app::Result<Option<(Signed, Facility)>> {
    let Some(secret) = jar.get(cookies::SESSION) else { return Ok(None) };
    let Some(me) = web.app.session(terminal, secret).await? else { return Ok(None) };
    let facility = web.app.facility_by_id(&me.user.facility).await?;
    Ok(Some((me, facility)))
}

/// Whether a page of ours sent this, by what the browser itself says of it.
fn from_our_page(web: &Web, headers: &HeaderMap) -> bool {
    let text = |name: HeaderName| headers.get(name).and_then(|v| v.to_str().ok());
    match (text(HeaderName::from_static("sec-fetch-site")), text(ORIGIN)) {
        (Some("same-origin"), _) => true,
        (Some(_), _) => false,
        (None, Some(origin)) => origin == web.origin.as_str(),
        (None, None) => false,
    }
}

/// A large file for somebody ends with their session.
async fn attended(visit: &Visit, cutter: Option<Cutter>, response: Response) -> Response {
    let Some(me) = visit.somebody() else { return response };
    let (app, user, session) = (Arc::clone(&visit.web().app), me.user.id.clone(), me.session.clone());
    let holds = move || -> Pin<Box<dyn Future<Output = bool> + Send>> {
        let (app, user, session) = (Arc::clone(&app), user.clone(), session.clone());
        Box::pin(async move { app.session_alive(&user, &session).await.unwrap_or(false) })
    };
    watched(response, cutter, holds).await
}

/// Whether the framework refused by itself, without a page: a path or a query that is no text.
fn refused_bare(response: &Response) -> bool {
    let kind = response.headers().get(CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    response.status().is_client_error() && !kind.starts_with("text/html")
}

/// The body of a request, and a second hand on what was typed, for the page that says why it was not taken.
async fn held(parts: &Parts, body: Body) -> Result<(Body, Option<Bytes>), Problem> {
    if !is_form(parts, PLAIN) {
        return Ok((body, None));
    }
    let bytes = to_bytes(body, FORM_MAX).await.map_err(|_| Problem::too_large())?;
    Ok((Body::from(bytes.clone()), Some(bytes)))
}

/// Adds what every answer carries.
fn sealed(mut response: Response, web: &Web, visit: Option<&Visit>) -> Response {
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if web.origin.as_str().starts_with("https:") {
        headers.insert("strict-transport-security", HeaderValue::from_static("max-age=31536000"));
    }
    if !headers.contains_key("cache-control") {
        headers.insert("cache-control", HeaderValue::from_static("no-store"));
    }
    let Some(visit) = visit else { return response };
    if visit.jar().get(cookies::TERMINAL) != Some(visit.terminal().key.as_str()) {
        cookies::set(&mut response, &cookies::lasting(cookies::TERMINAL, &visit.terminal().key));
    }
    response
}
