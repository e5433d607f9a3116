//! Large answers that end with the right to them: before every piece, and twice a second, whoever asked is looked up
//! again.
//!
//! A session that is revoked, or a token, must not go on receiving what it asked for before. What is cut off is short of
//! its announced length, so that no browser and no program takes it for the whole. Who reads so slowly that no piece is
//! due loses the connection, with what is on the way.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::http::header::CONTENT_DISPOSITION;
use axum::response::Response;
use hyper::body::{Body as Frames, Frame, SizeHint};
use tokio::task::JoinHandle;

use crate::line::Cutter;

/// Bytes given out at a time; what is smaller is sent at once.
const PIECE: usize = 64 << 10;

/// How often is looked while an answer is on its way.
const EVERY: Duration = Duration::from_millis(500);

/// Says whether whoever asked may still have it.
type Asking = Pin<Box<dyn Future<Output = bool> + Send>>;

/// A file on its way to somebody.
struct Watched<F> {
    rest: Bytes,
    holds: F,
    asking: Option<Asking>,
    /// Looks now and then until the answer is out.
    _round: Option<Round>,
}

/// A task that ends with whoever holds it.
struct Round(JoinHandle<()>);

impl Round {
    fn of(cutter: Cutter, holds: impl Fn() -> Asking + Send + 'static) -> Self {
        Self(tokio::spawn(async move {
            loop {
                tokio::time::sleep(EVERY).await;
                if !holds().await {
                    return cutter.cut();
                }
            }
        }))
    }
}

impl Drop for Round {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// The right to an answer ended before the answer did.
#[derive(Debug)]
struct Cut;

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the session or token ended")
    }
}

impl std::error::Error for Cut {}

impl<F: Fn() -> Asking + Unpin> Frames for Watched<F> {
    type Data = Bytes;
    type Error = Cut;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        let this = self.get_mut();
        if this.rest.is_empty() {
            return Poll::Ready(None);
        }
        let holds = &this.holds;
        let held = ready!(this.asking.get_or_insert_with(holds).as_mut().poll(cx));
        this.asking = None;
        if !held {
            this.rest.clear();
            return Poll::Ready(Some(Err(Cut)));
        }
        let piece = this.rest.split_to(this.rest.len().min(PIECE));
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.rest.len() as u64)
    }
}

/// Watches over an answer that is a large file; `cutter` is of the connection it goes out by.
pub(crate) async fn watched<F>(response: Response, cutter: Option<Cutter>, holds: F) -> Response
where
    F: Fn() -> Asking + Clone + Send + Unpin + 'static,
{
    let large = response.body().size_hint().exact().is_some_and(|size| size > PIECE as u64);
    if !large || !response.headers().contains_key(CONTENT_DISPOSITION) {
        return response;
    }
    let (parts, body) = response.into_parts();
    // It is in memory already; nothing is waited for here.
    match to_bytes(body, usize::MAX).await {
        Ok(rest) => {
            let round = cutter.map(|cutter| Round::of(cutter, holds.clone()));
            Response::from_parts(parts, Body::new(Watched { rest, holds, asking: None, _round: round }))
        }
        Err(_) => Response::from_parts(parts, Body::empty()),
    }
}
