//! Cookies: their names, how they are read, how they are set.
//!
//! All carry the `__Host-` prefix (RFC 6265bis): secure, for this host alone, for every path.

use axum::http::header::{CONTENT_TYPE, COOKIE, SET_COOKIE};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse as _, Response};

/// The session.
pub(crate) const SESSION: &str = "__Host-session";
/// The terminal: made at the first visit, so that a session copied to another one is refused.
pub(crate) const TERMINAL: &str = "__Host-terminal";
/// A ceremony under way: a passkey or an authenticator app.
pub(crate) const CEREMONY: &str = "__Host-ceremony";
/// A way in without a session, bound to this terminal: the first set-up, or a confirmed identity.
pub(crate) const SETUP: &str = "__Host-setup";
/// What the last act did, shown once.
pub(crate) const FLASH: &str = "__Host-flash";
/// The language chosen.
pub(crate) const LANGUAGE: &str = "__Host-lang";

/// The cookies of a request.
#[derive(Clone, Debug, Default)]
pub(crate) struct Jar(Vec<(String, String)>);

impl Jar {
    /// Those in these headers.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let pairs = headers.get_all(COOKIE).iter().filter_map(|v| v.to_str().ok()).flat_map(|line| line.split(';'));
        Self(pairs.filter_map(|p| p.trim().split_once('=')).map(|(n, v)| (n.to_owned(), v.to_owned())).collect())
    }

    /// The value of one.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }
}

/// A cookie that ends with the browser. `Lax`, so that a link in a mail finds the session; every change is a POST.
pub(crate) fn passing(name: &str, value: &str) -> String {
    format!("{name}={value}; Path=/; Secure; HttpOnly; SameSite=Lax")
}

/// A cookie for years.
pub(crate) fn lasting(name: &str, value: &str) -> String {
    format!("{}; Max-Age=63072000", passing(name, value))
}

/// Takes a cookie away.
pub(crate) fn gone(name: &str) -> String {
    format!("{}; Max-Age=0", passing(name, ""))
}

/// Adds a cookie of [`passing`], [`lasting`] or [`gone`] to an answer.
pub(crate) fn set(response: &mut Response, cookie: &str) {
    // What we put into cookies is hex, base64 or a word of ours, so it is a header value.
    if let Ok(value) = HeaderValue::from_str(cookie) {
        response.headers_mut().append(SET_COOKIE, value);
    }
}

/// Options for an authenticator, with their exchange in a cookie.
pub(crate) fn exchange(options: String, ceremony: &app::Cookie) -> Response {
    let mut response = ([(CONTENT_TYPE, "application/json")], options).into_response();
    set(&mut response, &passing(CEREMONY, ceremony.expose()));
    response
}
