//! HTTP: status codes, headers and bodies around the use cases of `app`.

mod inventory;

use std::future::IntoFuture as _;
use std::sync::Arc;
use std::time::Duration;

use app::App;
use axum::Router;
use axum::http::StatusCode;
use axum::routing::{get, post};
use tokio::net::TcpListener;
use tower_http::timeout::TimeoutLayer;

/// How long requests under way may take to end when the server stops.
const PATIENCE: Duration = Duration::from_secs(5);

/// Everything the server answers.
pub fn router(app: Arc<App>) -> Router {
    Router::new()
        .route("/inventory", post(inventory::receive))
        .route("/health", get(|| async { "ok" }))
        .layer(TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, Duration::from_secs(60)))
        .with_state(app)
}

/// Serves until `stop` resolves.
///
/// # Errors
/// When the listener fails.
pub async fn serve(
    listener: TcpListener,
    app: Arc<App>,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let (stopping, stopped) = tokio::sync::oneshot::channel();
    let server = axum::serve(listener, router(app)).with_graceful_shutdown(async move {
        stop.await;
        let _ = stopping.send(());
    });
    // A client that never finishes its request must not keep the server from stopping.
    let patience = async {
        let _ = stopped.await;
        tokio::time::sleep(PATIENCE).await;
    };
    tokio::select! {
        ended = server.into_future() => ended,
        () = patience => Ok(()),
    }
}
