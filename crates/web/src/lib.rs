//! HTTP: pages, status codes, headers and cookies around the use cases of `app`.
//!
//! Pages are rendered here from templates and work without scripts; `htmx` only swaps parts of them. Everything the
//! server answers is a line of [`ROUTES`](routes::ROUTES), and `guard` stands before each.

mod api;
mod chart;
mod cookies;
mod form;
mod guard;
mod inventory;
mod keep;
mod limit;
mod line;
mod listen;
mod page;
mod pages;
pub mod routes;
pub mod syslog;
mod watched;
mod witness;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use app::App;
use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::StatusCode;
use axum::middleware::from_fn_with_state;
use axum::routing::{MethodRouter, any};
use tower_http::timeout::TimeoutLayer;

pub use keep::{keep_heads, keep_heads_once};
pub use listen::{Tls, serve, write_private};
pub use pages::settings::doctor_line;
pub use witness::{serve_witness, witness_router};

/// Longest a request may take.
const REQUEST: Duration = Duration::from_secs(120);

/// What every handler works with.
#[derive(Clone)]
pub struct Web {
    /// The use cases.
    pub app: Arc<App>,
    /// Where browsers find the server: `https://sakimori.example:8443`.
    pub origin: Arc<String>,
    /// The data folder, for the page that looks the server over.
    pub folder: Arc<PathBuf>,
    /// Whether this is the demonstration.
    pub demo: bool,
}

/// Everything the server answers: exactly the routes of the table.
pub fn router(web: Web) -> Router {
    let limits = Arc::new(limit::Limits::new());
    let add = |router: Router<Web>, route: &routes::Route| {
        let handler: MethodRouter<Web> = (route.handler)();
        let guarded = handler.layer(from_fn_with_state((web.clone(), route.access, Arc::clone(&limits)), guard::guard));
        router.route(route.path, guarded)
    };
    let nowhere = |status| any(move |State(web): State<Web>, request: Request| guard::nowhere(web, request, status));
    routes::ROUTES
        .iter()
        .fold(Router::new(), add)
        .method_not_allowed_fallback(nowhere(StatusCode::METHOD_NOT_ALLOWED))
        .fallback(nowhere(StatusCode::NOT_FOUND))
        .layer(DefaultBodyLimit::max(form::UPLOAD_MAX))
        .layer(TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, REQUEST))
        .with_state(web)
}
