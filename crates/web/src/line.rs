//! A connection that can be cut: what was written to it and has not left this machine is thrown away.
//!
//! Whoever reads slowly has megabytes waiting in the system's buffers, which would go on arriving long after the right to
//! them ended. A cut line is reset, so that they do not.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::watch;

/// Cuts a line; travels with the requests that came over it.
#[derive(Clone)]
pub(crate) struct Cutter(Arc<watch::Sender<bool>>);

impl Cutter {
    pub(crate) fn cut(&self) {
        self.0.send_replace(true);
    }
}

/// A connection, with the knowledge whether it was cut.
pub(crate) struct Line {
    stream: TcpStream,
    cut: watch::Receiver<bool>,
}

impl Line {
    pub(crate) fn new(stream: TcpStream) -> (Self, Cutter) {
        let (sender, cut) = watch::channel(false);
        (Self { stream, cut }, Cutter(Arc::new(sender)))
    }

    /// Resolves when the line is cut, and never otherwise. Whoever holds the line drops it then.
    pub(crate) fn is_cut(&self) -> impl Future<Output = ()> + use<> {
        let mut cut = self.cut.clone();
        async move {
            if cut.wait_for(|cut| *cut).await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        if *self.cut.borrow() {
            // Where that fails the line ends as any other does.
            let _ = self.stream.set_zero_linger();
        }
    }
}

impl AsyncRead for Line {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Line {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
