//! Every route of the server, in one table: method, path, who may, and whether the journal hears of it.
//!
//! The router is built from [`ROUTES`] and from nothing else, so a handler that is not in the table cannot be
//! reached, and none is reached without its [`Access`] having been checked by [`crate::guard`]. The tests walk this
//! table as nobody, as every role and as a stranger's page; the OpenAPI description and the list of pages for the
//! browser tests are read from it.

use axum::http::Method;
use axum::routing::{MethodRouter, get, post};
use domain::authz::Permission;

use crate::Web;
use crate::pages::{account, assets, sign_in, today};

/// Who may use a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Everybody, without a session: signing in, files of the interface, health.
    Open,
    /// Whoever is signed in and whose role holds the permission.
    Holder(Permission),
    /// The same, and signed in within the last minutes: acts that open doors or cannot be taken back.
    Fresh(Permission),
    /// What authenticates by itself: agents.
    Own,
}

/// Whether a route leaves an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Journal {
    /// It changes nothing.
    No,
    /// Every success leaves at least one event.
    Yes,
}

/// One route.
pub struct Route {
    /// Method; `GET` answers `HEAD` too.
    pub method: Method,
    /// Path in axum's syntax: `/ledgers/{ledger}`.
    pub path: &'static str,
    /// Who may.
    pub access: Access,
    /// Whether the journal hears of it.
    pub journal: Journal,
    pub(crate) handler: fn() -> MethodRouter<Web>,
}

/// A page to read.
const fn page(path: &'static str, needs: Permission, handler: fn() -> MethodRouter<Web>) -> Route {
    Route { method: Method::GET, path, access: Access::Holder(needs), journal: Journal::No, handler }
}

/// An act: a form that changes something.
const fn act(path: &'static str, needs: Permission, handler: fn() -> MethodRouter<Web>) -> Route {
    Route { method: Method::POST, path, access: Access::Holder(needs), journal: Journal::Yes, handler }
}

/// An act that asks for a fresh sign-in.
const fn fresh(path: &'static str, needs: Permission, handler: fn() -> MethodRouter<Web>) -> Route {
    Route { method: Method::POST, path, access: Access::Fresh(needs), journal: Journal::Yes, handler }
}

/// Something for everybody.
const fn open(method: Method, path: &'static str, handler: fn() -> MethodRouter<Web>) -> Route {
    Route { method, path, access: Access::Open, journal: Journal::No, handler }
}

/// The table.
#[rustfmt::skip]
pub static ROUTES: &[Route] = &[
    // what needs nobody
    open(Method::GET, "/health", || get(|| async { "ok" })),
    open(Method::GET, "/assets/{name}", || get(assets::asset)),
    Route { method: Method::POST, path: "/inventory", access: Access::Own, journal: Journal::Yes, handler: || post(crate::inventory::receive) },

    // signing in
    open(Method::GET, "/sign-in", || get(sign_in::form)),
    open(Method::POST, "/sign-in", || post(sign_in::password)),
    open(Method::POST, "/sign-in/passkey/challenge", || post(sign_in::challenge)),
    open(Method::POST, "/sign-in/passkey", || post(sign_in::passkey)),
    act("/sign-out", Permission::UseOwnAccount, || post(sign_in::sign_out)),
    open(Method::POST, "/language", || post(account::language)),

    // the day's work
    page("/", Permission::UseOwnAccount, || get(today::show)),
];
