//! The listener: TLS (or not), one task a connection, and an end that waits for nobody for long.
//!
//! A connection that does not finish its handshake or its head in time is closed, and there are never more than
//! [`CONNECTIONS`]: a device that floods the port cannot take the server's memory.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{ConnectInfo, Request};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    date_time_ymd,
};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt as _;

use crate::line::Line;
use crate::{Web, router};

/// Connections at once.
const CONNECTIONS: usize = 1_024;
/// Longest a handshake, or the head of a request, may take.
const HEAD: Duration = Duration::from_secs(15);
/// How long requests under way may take to end when the server stops.
const PATIENCE: Duration = Duration::from_secs(5);
/// Days for which a certificate of our own making holds; browsers take no more than 398.
const CERTIFICATE_DAYS: i64 = 390;
/// Days before its end at which it is made anew.
const RENEWAL_DAYS: i64 = 30;

/// How connections are protected.
pub enum Tls {
    /// Not at all: behind a proxy on the same machine, and for tests.
    Off,
    /// With this certificate chain and key, both PEM files.
    Files {
        /// The chain.
        certificate: PathBuf,
        /// The key.
        key: PathBuf,
    },
    /// With a certificate signed by an authority of our own, both kept in this folder.
    Own {
        /// The folder.
        folder: PathBuf,
        /// Names and addresses by which browsers call the server.
        names: Vec<String>,
    },
}

/// Serves until `stop` resolves.
///
/// # Errors
/// When the certificate cannot be read or made, or the listener fails.
pub async fn serve(
    listener: TcpListener,
    web: Web,
    tls: &Tls,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let now = web.app.now();
    serve_router(listener, router(web), tls, now, stop).await
}

/// Serves a router until `stop` resolves.
pub(crate) async fn serve_router(
    listener: TcpListener,
    router: Router,
    tls: &Tls,
    now: jiff::Timestamp,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let acceptor = acceptor(tls, now)?;
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    let graceful = GracefulShutdown::new();
    let mut stop = std::pin::pin!(stop);
    loop {
        let place = Arc::clone(&places);
        let (stream, peer) = tokio::select! {
            () = &mut stop => break,
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                // Out of descriptors: wait for connections to end instead of spinning.
                Err(error) => {
                    tracing::warn!(%error, "accept failed");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                }
            },
        };
        let Ok(place) = place.try_acquire_owned() else { continue };
        let (router, acceptor, watcher) = (router.clone(), acceptor.clone(), graceful.watcher());
        tokio::spawn(async move {
            let _place = place;
            let (line, cutter) = Line::new(stream);
            let cut = line.is_cut();
            let answer = move |mut request: hyper::Request<Incoming>| {
                request.extensions_mut().insert(ConnectInfo(peer));
                request.extensions_mut().insert(cutter.clone());
                router.clone().oneshot(request.map(axum::body::Body::new) as Request)
            };
            let service = hyper::service::service_fn(answer);
            let mut builder = Builder::new(TokioExecutor::new());
            builder.http1().timer(TokioTimer::new()).header_read_timeout(HEAD);
            builder.http2().timer(TokioTimer::new()).keep_alive_interval(Some(HEAD)).max_concurrent_streams(64);
            let serve = async {
                match acceptor {
                    None => watcher.watch(builder.serve_connection(TokioIo::new(line), service)).await,
                    Some(acceptor) => match tokio::time::timeout(HEAD, acceptor.accept(line)).await {
                        Ok(Ok(line)) => watcher.watch(builder.serve_connection(TokioIo::new(line), service)).await,
                        _ => Ok(()),
                    },
                }
            };
            tokio::select! {
                ended = serve => if let Err(error) = ended {
                    tracing::debug!(%error, "connection ended");
                },
                () = cut => {}
            }
        });
    }
    tokio::select! {
        () = graceful.shutdown() => {}
        () = tokio::time::sleep(PATIENCE) => {}
    }
    Ok(())
}

/// A certificate chain and its key.
pub(crate) type Certified = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

/// The certificate of this server; `None` without TLS.
pub(crate) fn certificate(tls: &Tls, now: jiff::Timestamp) -> std::io::Result<Option<Certified>> {
    let (certificate, key) = match tls {
        Tls::Off => return Ok(None),
        Tls::Files { certificate, key } => (certificate.clone(), key.clone()),
        Tls::Own { folder, names } => own_certificate(folder, names, now)?,
    };
    let wrong = |path: &Path| {
        let path = path.display().to_string();
        move |error: rustls::pki_types::pem::Error| std::io::Error::other(format!("{path}: {error}"))
    };
    let chain = CertificateDer::pem_file_iter(&certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(wrong(&certificate))?;
    let secret = PrivateKeyDer::from_pem_file(&key).map_err(wrong(&key))?;
    Ok(Some((chain, secret)))
}

fn acceptor(tls: &Tls, now: jiff::Timestamp) -> std::io::Result<Option<TlsAcceptor>> {
    let Some((chain, secret)) = certificate(tls, now)? else { return Ok(None) };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(std::io::Error::other)?
        .with_no_client_auth()
        .with_single_cert(chain, secret)
        .map_err(std::io::Error::other)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Some(TlsAcceptor::from(Arc::new(config))))
}

/// The certificate and key in `folder`, made by an authority of our own when there is none, when it ends soon, or when
/// the names have changed. Terminals that trust `ca.crt` need nothing more when it is renewed.
fn own_certificate(folder: &Path, names: &[String], now: jiff::Timestamp) -> std::io::Result<(PathBuf, PathBuf)> {
    let file = |name: &str| folder.join(name);
    let (certificate, key, stamp) = (file("server.crt"), file("server.key"), file("server.names"));
    let wanted = names.join("\n");
    let made = std::fs::read_to_string(&stamp).unwrap_or_default();
    let current = made.split_once('\n').is_some_and(|(until, of)| {
        of == wanted && until.parse::<i64>().is_ok_and(|until| until - RENEWAL_DAYS * 86_400 > now.as_second())
    });
    if current && certificate.exists() && key.exists() {
        return Ok((certificate, key));
    }
    std::fs::create_dir_all(folder)?;
    let issuer = authority(folder, now)?;
    let secret = KeyPair::generate().map_err(std::io::Error::other)?;
    let mut params = CertificateParams::new(names.to_vec()).map_err(std::io::Error::other)?;
    params.distinguished_name.push(DnType::CommonName, "Sakimori");
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    (params.not_before, params.not_after) = (day(now, -1), day(now, CERTIFICATE_DAYS));
    let signed = params.signed_by(&secret, &issuer).map_err(std::io::Error::other)?;
    write_private(&key, &secret.serialize_pem())?;
    std::fs::write(&certificate, signed.pem())?;
    std::fs::write(&stamp, format!("{}\n{wanted}", now.as_second() + CERTIFICATE_DAYS * 86_400))?;
    Ok((certificate, key))
}

/// Our own authority: the one in `folder`, or a new one for ten years.
fn authority(folder: &Path, now: jiff::Timestamp) -> std::io::Result<Issuer<'static, KeyPair>> {
    let (certificate, key) = (folder.join("ca.crt"), folder.join("ca.key"));
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "Sakimori CA");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    (params.not_before, params.not_after) = (day(now, -1), day(now, 3_650));
    if certificate.exists() && key.exists() {
        let secret = KeyPair::from_pem(&std::fs::read_to_string(&key)?).map_err(std::io::Error::other)?;
        return Ok(Issuer::new(params, secret));
    }
    let secret = KeyPair::generate().map_err(std::io::Error::other)?;
    let signed = params.self_signed(&secret).map_err(std::io::Error::other)?;
    write_private(&key, &secret.serialize_pem())?;
    std::fs::write(&certificate, signed.pem())?;
    Ok(Issuer::new(params, secret))
}

/// Midnight (UTC) of a day so many days from now.
fn day(now: jiff::Timestamp, days: i64) -> time::OffsetDateTime {
    let date = now.to_zoned(jiff::tz::TimeZone::UTC).date().saturating_add(jiff::Span::new().days(days));
    date_time_ymd(i32::from(date.year()), date.month().unsigned_abs(), date.day().unsigned_abs())
}

/// Writes a file that only its owner can read.
///
/// # Errors
/// When it cannot be written.
pub fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut file = std::fs::File::options().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())
}
