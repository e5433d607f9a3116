//! What it costs to take access events in: reading alone, audit messages over TLS to the disk, FHIR bundles to the disk,
//! and rsyslog taking the same messages into a file.

use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use anyhow::{Context as _, Result, bail};
use app::{App, NewFacility, SystemClock};
use domain::access::{Access, Act};
use domain::journal::{Actor, Event};
use domain::ledger::{Row, Value, ledger};
use intake::access::{Origin, dicom, fhir};
use jiff::tz::Offset;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use store::{Location, Store};
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsConnector;
use web::Tls;
use web::syslog::{Counts, Doors, listen};

use super::{cpu_of, used};

/// Messages of one run, and the connections they come over.
const MESSAGES: usize = 60_000;
const CONNECTIONS: usize = 4;
/// Events of one bundle, and bundles.
const BUNDLE: usize = 500;
const BUNDLES: usize = 120;

/// One access as a PACS would report it.
fn access(n: usize) -> Access {
    let at = jiff::Timestamp::from_second(1_780_000_000 + i64::try_from(n).unwrap_or(0)).unwrap_or_default();
    let mut access = Access::new(at, "PACS", format!("u{}", n % 300), Act::Read);
    access.user_name = Some(format!("架空 {}", n % 300));
    access.terminal = Some(format!("10.0.{}.{}", n % 4, n % 250));
    access.patient = Some(format!("{:08}", n % 20_000));
    access.resource = Some(format!("Study/1.2.392.200036.9125.2.{n}"));
    access.purpose = Some("TREAT".to_owned());
    access
}

fn message(n: usize) -> String {
    let body = dicom::write(&access(n));
    let message = format!("<85>1 2026-11-28T02:00:00.003Z pacs1 audit 77 IHE+RFC-3881 - {body}");
    format!("{} {message}", message.len())
}

fn bundle(number: usize) -> Vec<u8> {
    let event = |n: usize| {
        let n = number * BUNDLE + n;
        Access { source_id: Some(format!("e{n}")), source: "FHIR".to_owned(), ..access(n) }
    };
    fhir::bundle(&(0..BUNDLE).map(event).collect::<Vec<_>>()).to_string().into_bytes()
}

pub(crate) async fn run(url: Option<&str>) -> Result<()> {
    println!("| what | database | events | s | events/s | CPU µs / event | events/s of one core | lost |");
    println!("|---|---|---|---|---|---|---|---|");
    reading()?;
    let folder = tempfile::tempdir()?;
    let (location, name) = match url {
        Some(url) => (Location::Postgres(url.to_owned()), "PostgreSQL"),
        None => (Location::Folder(folder.path().join("data")), "SQLite"),
    };
    let app = Arc::new(App::new(Store::open(&location).await?, SystemClock));
    let actor = Actor::new("bench");
    let facility =
        app.add_facility(&actor, NewFacility { name: "架空病院".to_owned(), ..NewFacility::default() }).await?;
    let sources = ledger("log_sources").context("log_sources")?;
    let mut tx = app.store.begin(&actor, &facility.id, app.now()).await?;
    let text = |text: &str| Value::Text(text.to_owned());
    let row = |no: &str, format: &str| {
        let row =
            Row::from([("no", text(no)), ("name", text(no)), ("format", text(format)), ("address", text("127.0.0.1"))]);
        (no.to_owned(), row)
    };
    tx.row_upsert(sources, &[row("PACS", "atna")], None).await?;
    tx.row_upsert(sources, &[row("FHIR", "fhir")], None).await?;
    tx.record(Event::new("bench", ""));
    tx.commit().await?;
    let made = folder.path().join("tls");
    messages(&app, name, &made).await?;
    let feed = app.feed(&facility.id, "FHIR").await?;
    let documents: Vec<Vec<u8>> = (0..BUNDLES).map(bundle).collect();
    let (before, begun) = (used()?.0, Instant::now());
    let mut new = 0;
    for document in documents {
        new += app.receive_document(&actor, &feed, document).await?.receipt.map_or(0, |receipt| receipt.new);
    }
    let all = BUNDLE * BUNDLES;
    line(&format!("FHIR bundles of {BUNDLE}, durable"), name, all, begun, used()?.0 - before, all as u64 - new);
    peer(&made).await
}

#[expect(clippy::cast_precision_loss, reason = "counts of a benchmark")]
fn line(what: &str, database: &str, events: usize, begun: Instant, cpu: f64, lost: u64) {
    let (seconds, n) = (begun.elapsed().as_secs_f64(), events as f64);
    println!(
        "| {what} | {database} | {events} | {seconds:.2} | {:.0} | {:.1} | {:.0} | {lost} |",
        n / seconds,
        cpu / n * 1e6,
        n / cpu
    );
}

/// Reading alone, in one thread.
fn reading() -> Result<()> {
    let origin = Origin { source: "PACS", offset: Offset::constant(9), now: jiff::Timestamp::now(), others: &[] };
    let messages: Vec<String> = (0..MESSAGES).map(message).collect();
    let (before, begun) = (used()?.0, Instant::now());
    for message in &messages {
        let frame = message.split_once(' ').context("length")?.1;
        let body = app::syslog::open(frame.as_bytes())?.body;
        if dicom::read(body, &origin)?.len() != 1 {
            bail!("not read");
        }
    }
    line("audit messages, reading alone", "–", MESSAGES, begun, used()?.0 - before, 0);
    let documents: Vec<Vec<u8>> = (0..BUNDLES).map(bundle).collect();
    let (before, begun) = (used()?.0, Instant::now());
    let mut read = 0;
    for document in &documents {
        read += fhir::read(document, &origin)?.1.accesses.len();
    }
    line("FHIR bundles, reading alone", "–", read, begun, used()?.0 - before, 0);
    Ok(())
}

/// Audit messages over TLS until the last is on the disk. The senders run in this process and are counted in.
async fn messages(app: &Arc<App>, database: &str, made: &std::path::Path) -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let tls = Tls::Own { folder: made.to_owned(), names: vec!["localhost".to_owned()] };
    let counts: Arc<Counts> = Arc::default();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let (ours, theirs) = (Arc::clone(app), Arc::clone(&counts));
    let serving = tokio::spawn(async move {
        let doors = Doors { tls: Some(listener), ..Doors::default() };
        listen(doors, ours, &tls, theirs, async { _ = stopped.await }).await
    });
    let authority = made.join("ca.crt");
    while !authority.exists() {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    let connector = connector(&authority)?;
    let streams: Vec<Vec<u8>> = (0..CONNECTIONS)
        .map(|c| (0..MESSAGES / CONNECTIONS).flat_map(|n| message(c * MESSAGES + n).into_bytes()).collect())
        .collect();
    let (before, begun) = (used()?.0, Instant::now());
    send(address, &connector, streams).await?;
    while counts.stored.load(Ordering::Relaxed) < MESSAGES as u64 && begun.elapsed().as_secs() < 300 {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    let lost = MESSAGES as u64 - counts.stored.load(Ordering::Relaxed);
    line("audit messages over TLS, durable", database, MESSAGES, begun, used()?.0 - before, lost);
    _ = stop.send(());
    Ok(serving.await??)
}

fn connector(authority: &std::path::Path) -> Result<TlsConnector> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(authority)?)?;
    let config = rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

async fn send(address: std::net::SocketAddr, connector: &TlsConnector, streams: Vec<Vec<u8>>) -> Result<()> {
    let mut sending = tokio::task::JoinSet::new();
    for bytes in streams {
        let connector = connector.clone();
        sending.spawn(async move {
            let stream = TcpStream::connect(address).await?;
            let mut stream =
                connector.connect(ServerName::try_from("localhost").map_err(std::io::Error::other)?, stream).await?;
            stream.write_all(&bytes).await?;
            stream.shutdown().await
        });
    }
    while let Some(sent) = sending.join_next().await {
        sent??;
    }
    Ok(())
}

/// A process that is ended with this value.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The same messages into a file, by rsyslog over TLS. Only its own CPU time is counted.
async fn peer(tls: &std::path::Path) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let at = |name: &str| folder.path().join(name).display().to_string();
    let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let configuration = format!(
        "global(workDirectory=\"{work}\" maxMessageSize=\"64k\" defaultNetstreamDriver=\"gtls\" defaultNetstreamDriverCAFile=\"{ca}\"\n\
         defaultNetstreamDriverCertFile=\"{certificate}\" defaultNetstreamDriverKeyFile=\"{key}\")\n\
         module(load=\"imtcp\" streamDriver.name=\"gtls\" streamDriver.mode=\"1\" streamDriver.authMode=\"anon\")\n\
         input(type=\"imtcp\" port=\"{port}\" address=\"127.0.0.1\")\n\
         template(name=\"raw\" type=\"string\" string=\"%rawmsg%\\n\")\n\
         *.* action(type=\"omfile\" file=\"{log}\" template=\"raw\" sync=\"on\")\n",
        work = folder.path().display(),
        ca = tls.join("ca.crt").display(),
        certificate = tls.join("server.crt").display(),
        key = tls.join("server.key").display(),
        log = at("log"),
    );
    std::fs::write(at("conf"), configuration)?;
    let started = Command::new("rsyslogd")
        .args(["-n", "-f", &at("conf"), "-i", &at("pid")])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let Ok(process) = started else {
        println!("\nrsyslogd is not installed: no peer was measured.");
        return Ok(());
    };
    let process = Running(process);
    let stat = format!("/proc/{}/stat", process.0.id());
    let address = std::net::SocketAddr::from(([127, 0, 0, 1], port));
    let waiting = Instant::now();
    while TcpStream::connect(address).await.is_err() {
        if waiting.elapsed().as_secs() > 10 {
            bail!("rsyslogd does not listen");
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    let streams: Vec<Vec<u8>> = (0..CONNECTIONS)
        .map(|c| (0..MESSAGES / CONNECTIONS).flat_map(|n| message(c * MESSAGES + n).into_bytes()).collect())
        .collect();
    let (before, begun) = (cpu_of(&stat)?, Instant::now());
    send(address, &connector(&tls.join("ca.crt"))?, streams).await?;
    let lines = || std::fs::read(at("log")).map_or(0, |log| log.split(|b| *b == b'\n').count().saturating_sub(1));
    let mut there = 0;
    while there < MESSAGES && begun.elapsed().as_secs() < 300 {
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        there = lines();
    }
    line("rsyslog over TLS into a file", "–", MESSAGES, begun, cpu_of(&stat)? - before, (MESSAGES - there) as u64);
    Ok(())
}
