//! Large answers that end with the right to them: before every piece, whoever asked is looked up again.
//!
//! A session that is revoked, or a token, must not go on receiving what it asked for before. What is cut off is short of
//! its announced length, so that no browser and no program takes it for the whole.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::body::{Body, Bytes, to_bytes};
use axum::http::header::CONTENT_DISPOSITION;
use axum::response::Response;
use hyper::body::{Body as Frames, Frame, SizeHint};

/// Bytes given out at a time; what is smaller is sent at once.
const PIECE: usize = 64 << 10;

/// Says whether whoever asked may still have it.
type Asking = Pin<Box<dyn Future<Output = bool> + Send>>;

/// A file on its way to somebody.
struct Watched<F> {
    rest: Bytes,
    holds: F,
    asking: Option<Asking>,
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

/// Watches over an answer that is a large file.
pub(crate) async fn watched<F>(response: Response, holds: F) -> Response
where
    F: Fn() -> Asking + Send + Unpin + 'static,
{
    let large = response.body().size_hint().exact().is_some_and(|size| size > PIECE as u64);
    if !large || !response.headers().contains_key(CONTENT_DISPOSITION) {
        return response;
    }
    let (parts, body) = response.into_parts();
    // It is in memory already; nothing is waited for here.
    match to_bytes(body, usize::MAX).await {
        Ok(rest) => Response::from_parts(parts, Body::new(Watched { rest, holds, asking: None })),
        Err(_) => Response::from_parts(parts, Body::empty()),
    }
}
