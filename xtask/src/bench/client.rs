//! A browser's connection, as far as a measurement needs one.

use std::net::SocketAddr;

use anyhow::{Result, ensure};
use http_body_util::{BodyExt as _, Empty};
use hyper::body::Bytes;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;

/// One connection that is kept, with the cookies of one person.
pub(super) struct Client {
    sender: SendRequest<Empty<Bytes>>,
    host: String,
    cookies: String,
}

impl Client {
    pub(super) async fn connect(address: SocketAddr, cookies: &str) -> Result<Self> {
        let stream = tokio::net::TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok(Self { sender, host: address.to_string(), cookies: cookies.to_owned() })
    }

    /// The page at `path`, which has to be there and to be whole.
    pub(super) async fn get(&mut self, path: &str) -> Result<Bytes> {
        self.sender.ready().await?;
        let request = hyper::Request::get(path)
            .header("host", &self.host)
            .header("user-agent", "bench")
            .header("cookie", &self.cookies)
            .body(Empty::new())?;
        let response = self.sender.send_request(request).await?;
        let status = response.status();
        let body = response.into_body().collect().await?.to_bytes();
        ensure!(status.is_success() && body.ends_with(b"</html>\n") || body.ends_with(b"</html>"), "{path}: {status}");
        Ok(body)
    }
}
