//! What a witness answers on the network: `add-checkpoint` of C2SP `tlog-witness`, and nothing else.
//!
//! It is another program's server, with one route of its own, no pages and nobody who signs in; who may ask is told by
//! the signature on the head.

use std::sync::Arc;

use app::{Clock as _, SystemClock, Witness, WitnessRefusal};
use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use tokio::net::TcpListener;

use crate::listen::{Tls, serve_router};

/// Serves a witness until `stop` resolves.
///
/// # Errors
/// When the certificate cannot be read or made, or the listener fails.
pub async fn serve_witness(
    listener: TcpListener,
    witness: Witness,
    tls: &Tls,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let router = witness_router(witness);
    serve_router(listener, router, tls, SystemClock.now(), stop).await
}

/// The one route.
pub fn witness_router(witness: Witness) -> Router {
    Router::new()
        .route("/add-checkpoint", post(add))
        .layer(DefaultBodyLimit::max(app::WITNESS_REQUEST))
        .with_state(Arc::new(witness))
}

async fn add(State(witness): State<Arc<Witness>>, body: Bytes) -> Response {
    // It waits for the disk.
    let answer = tokio::task::spawn_blocking(move || witness.add(&body, SystemClock.now())).await;
    let status = match answer {
        Ok(Ok(line)) => return line.into_response(),
        Ok(Err(WitnessRefusal::Conflict(size))) => {
            return (StatusCode::CONFLICT, [(header::CONTENT_TYPE, "text/x.tlog.size")], format!("{size}\n"))
                .into_response();
        }
        Ok(Err(WitnessRefusal::Malformed)) => StatusCode::BAD_REQUEST,
        Ok(Err(WitnessRefusal::UnknownLog)) => StatusCode::NOT_FOUND,
        Ok(Err(WitnessRefusal::Untrusted)) => StatusCode::FORBIDDEN,
        Ok(Err(WitnessRefusal::Unproved)) => StatusCode::UNPROCESSABLE_ENTITY,
        Ok(Err(WitnessRefusal::Failed(error))) => {
            tracing::error!(%error, "a head could not be kept");
            StatusCode::INTERNAL_SERVER_ERROR
        }
        Err(error) => {
            tracing::error!(%error, "a request broke");
            StatusCode::INTERNAL_SERVER_ERROR
        }
    };
    status.into_response()
}
