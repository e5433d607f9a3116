//! The files of the interface, embedded. Their names carry a version, so browsers may keep them.

use axum::extract::Path;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse as _, Response};

const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";

/// Name, type and content of each.
const ASSETS: &[(&str, &str, &[u8])] = &[
    ("tokens-1.1.9.css", CSS, include_bytes!("../../assets/tokens.css")),
    ("app.css", CSS, include_bytes!("../../assets/app.css")),
    ("print.css", CSS, include_bytes!("../../assets/print.css")),
    ("htmx-4.0.1.js", SCRIPT, include_bytes!("../../assets/htmx.min.js")),
    ("app.js", SCRIPT, include_bytes!("../../assets/app.js")),
    ("icon.svg", "image/svg+xml", include_bytes!("../../assets/icon.svg")),
];

/// One of them.
pub(crate) async fn asset(Path(name): Path<String>) -> Response {
    match ASSETS.iter().find(|(known, _, _)| *known == name) {
        Some((name, kind, bytes)) => {
            let keep = if name.contains('-') { "public, max-age=31536000, immutable" } else { "public, max-age=300" };
            ([(CONTENT_TYPE, *kind), (CACHE_CONTROL, keep)], *bytes).into_response()
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}
