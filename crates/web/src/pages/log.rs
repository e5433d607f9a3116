//! The sealed log of a running server in the layout of `tlog-tiles`, so that other people's tools can follow it.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse as _, Response};

use crate::Web;
use crate::page::Problem;

/// One file: the head, or a tile as of the head.
pub(crate) async fn file(State(web): State<Web>, Path(path): Path<String>) -> Response {
    match web.app.log_file(&path).await {
        Ok(Some(head)) if path == "checkpoint" => {
            ([(CONTENT_TYPE, "text/plain; charset=utf-8"), (CACHE_CONTROL, "no-store")], head).into_response()
        }
        Ok(Some(tile)) => {
            let keep = "public, max-age=31536000, immutable";
            ([(CONTENT_TYPE, "application/octet-stream"), (CACHE_CONTROL, keep)], tile).into_response()
        }
        Ok(None) => StatusCode::NOT_FOUND.into_response(),
        Err(error) => Problem::from(error).into_response(),
    }
}
