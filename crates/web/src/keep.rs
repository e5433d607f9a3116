//! Giving the heads of the log to those who keep them: witnesses all day, time-stamping authorities once a day.
//!
//! Beside the sealing, never before it: a keeper that is dead or slow costs its own turn and no more. What it answers is
//! checked by `app` before it counts.

use std::collections::HashMap;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use app::{App, Grade, Heads, Keeper};
use domain::journal::Actor;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Bytes;
use hyper::header::{CONTENT_TYPE, HOST};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use jiff::{SignedDuration, Timestamp};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;

/// How often is looked whether somebody is to be asked.
const EVERY: Duration = Duration::from_secs(10);
/// How long a witness is left alone that has the last head: then it signs it again, as a sign of life.
const SIGN_OF_LIFE: SignedDuration = SignedDuration::from_hours(1);
/// How long an authority is left alone after a time stamp.
const STAMP_EVERY: SignedDuration = SignedDuration::from_hours(24);
/// How long a keeper is left alone that did not answer as it should.
const AGAIN: SignedDuration = SignedDuration::from_mins(1);
/// Longest a keeper may take.
const PATIENCE: Duration = Duration::from_secs(15);
/// Longest answer taken, in bytes.
const LONGEST: usize = 64 << 10;

/// What is remembered of a keeper.
#[derive(Clone, Default)]
struct Memory {
    /// Size of the last head it has.
    size: u64,
    /// Not to be asked before, unless there is a new head and it is a witness.
    next: Timestamp,
    /// Whether the last attempt failed, and how: each failure is logged once.
    failed: Option<String>,
}

/// Asks the keepers for as long as the server runs; `heads` are those of the log while it is open.
pub async fn keep_heads(app: Arc<App>, folder: Arc<PathBuf>, heads: watch::Receiver<Option<Heads>>) {
    let mut known: HashMap<String, Memory> = HashMap::new();
    loop {
        tokio::time::sleep(EVERY).await;
        let log = heads.borrow().clone();
        if let Some(log) = log
            && let Err(error) = round(&app, &folder, &log, &mut known).await
        {
            tracing::error!("{error}");
        }
    }
}

/// Asks every keeper whose turn it is, all at once.
///
/// # Errors
/// Any store error.
pub async fn keep_heads_once(app: &Arc<App>, folder: &Arc<PathBuf>, heads: &Heads) -> app::Result<()> {
    round(app, folder, heads, &mut HashMap::new()).await
}

async fn round(
    app: &Arc<App>,
    folder: &Arc<PathBuf>,
    heads: &Heads,
    known: &mut HashMap<String, Memory>,
) -> app::Result<()> {
    let mut asked = JoinSet::new();
    for keeper in app.keepers().await? {
        let memory = known.get(&keeper.id).cloned().unwrap_or_default();
        let (app, folder, heads) = (Arc::clone(app), Arc::clone(folder), heads.clone());
        asked.spawn(async move {
            let asking = async {
                match keeper.grade {
                    Grade::Stamp => stamp(&app, &folder, &keeper, &memory).await,
                    _ => submit(&app, &heads, &keeper, &memory).await,
                }
            };
            let answer =
                tokio::time::timeout(PATIENCE, asking).await.unwrap_or_else(|_| Err("no answer in time".to_owned()));
            let now = app.now();
            let memory = match answer {
                Ok(None) => memory,
                Ok(Some((size, rest))) => Memory { size, next: later(now, rest), failed: None },
                Err(reason) => {
                    if memory.failed.as_ref() != Some(&reason) {
                        tracing::warn!(keeper = keeper.url, "{reason}");
                    }
                    Memory { next: later(now, AGAIN), failed: Some(reason), ..memory }
                }
            };
            (keeper.id, memory)
        });
    }
    while let Some(ended) = asked.join_next().await {
        if let Ok((id, memory)) = ended {
            known.insert(id, memory);
        }
    }
    Ok(())
}

fn later(now: Timestamp, rest: SignedDuration) -> Timestamp {
    now.checked_add(rest).unwrap_or(now)
}

/// What came of asking: nothing to do, or the size it has now and how long it is left alone.
type Outcome = Result<Option<(u64, SignedDuration)>, String>;

async fn submit(app: &App, heads: &Heads, keeper: &Keeper, memory: &Memory) -> Outcome {
    let waits = app.now() < memory.next;
    let mut old = memory.size;
    for _ in 0..2 {
        let sent = heads.submission(old).await.map_err(|e| e.to_string())?;
        let Some(sent) = sent else { return Ok(None) };
        if waits && (memory.failed.is_some() || sent.head.size == memory.size) {
            return Ok(None);
        }
        let url = format!("{}/add-checkpoint", keeper.url);
        let (status, answer) =
            post(&url, &keeper.tls, "text/plain; charset=utf-8", sent.body.clone()).await.map_err(said)?;
        let text = String::from_utf8_lossy(&answer);
        match status {
            StatusCode::OK => {
                app.witnessed(keeper, &sent, &text).await.map_err(|e| e.to_string())?;
                return Ok(Some((sent.head.size, SIGN_OF_LIFE)));
            }
            // It has another one than we remember: once more from there.
            StatusCode::CONFLICT => old = text.trim().parse().map_err(|_| "409 without a size".to_owned())?,
            status => return Err(format!("status {status}")),
        }
    }
    Err("the witness has another head of this size, or changes its mind".to_owned())
}

async fn stamp(app: &App, folder: &std::path::Path, keeper: &Keeper, memory: &Memory) -> Outcome {
    if app.now() < memory.next {
        return Ok(None);
    }
    let newest = app.kept_heads().await.map_err(|e| e.to_string())?.into_iter().find(|kept| kept.grade == Grade::Stamp);
    let Some(asked) = app.stamp_request(folder).await.map_err(|e| e.to_string())? else { return Ok(None) };
    // After a restart the last one tells when the next is due.
    if let Some(newest) = newest
        && app.now().duration_since(newest.at) < STAMP_EVERY
    {
        return Ok(Some((newest.head.size, AGAIN)));
    }
    let (status, reply) =
        post(&keeper.url, &keeper.tls, "application/timestamp-query", asked.request.clone()).await.map_err(said)?;
    if status != StatusCode::OK {
        return Err(format!("status {status}"));
    }
    let by = Actor::new("時刻認証");
    app.stamped(&by, folder, &asked, &reply, &keeper.trust).await.map_err(|e| e.to_string())?;
    Ok(Some((0, STAMP_EVERY)))
}

fn said(error: io::Error) -> String {
    error.to_string()
}

/// One POST: status and body. `tls` are the certificates (PEM) that an `https` server has to lead to.
async fn post(url: &str, tls: &str, kind: &str, body: Vec<u8>) -> io::Result<(StatusCode, Bytes)> {
    let invalid = |what: &str| io::Error::new(io::ErrorKind::InvalidInput, what.to_owned());
    let url = url::Url::parse(url).map_err(|_| invalid("address"))?;
    let host = url.host_str().ok_or_else(|| invalid("host"))?;
    let port = url.port_or_known_default().ok_or_else(|| invalid("port"))?;
    let name = host.trim_matches(['[', ']']).to_owned();
    let stream = TcpStream::connect((name.as_str(), port)).await?;
    let request = Request::post(url.path())
        .header(HOST, format!("{host}:{port}"))
        .header(CONTENT_TYPE, kind)
        .body(Full::new(Bytes::from(body)))
        .map_err(io::Error::other)?;
    if url.scheme() == "https" {
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(tls.as_bytes()) {
            roots.add(certificate.map_err(|_| invalid("certificate"))?).map_err(io::Error::other)?;
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name = ServerName::try_from(name).map_err(|_| invalid("name"))?;
        let stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await?;
        exchange(TokioIo::new(stream), request).await
    } else {
        exchange(TokioIo::new(stream), request).await
    }
}

async fn exchange(
    io: impl hyper::rt::Read + hyper::rt::Write + Unpin + Send + 'static,
    request: Request<Full<Bytes>>,
) -> io::Result<(StatusCode, Bytes)> {
    let (mut sender, connection) = hyper::client::conn::http1::handshake(io).await.map_err(io::Error::other)?;
    let driving = tokio::spawn(connection);
    let asking = async {
        let answer = sender.send_request(request).await.map_err(io::Error::other)?;
        let status = answer.status();
        let body = Limited::new(answer.into_body(), LONGEST).collect().await.map_err(io::Error::other)?;
        Ok((status, body.to_bytes()))
    };
    let answer = asking.await;
    driving.abort();
    answer
}
