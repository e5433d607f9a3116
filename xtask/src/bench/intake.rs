//! What it costs to take access events in: reading alone; audit messages and FHIR documents over the network into the
//! shipped server, until they are durable; and rsyslog taking the same messages into a file.

use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context as _, Result, bail, ensure};
use app::{App, NewFacility, NewToken, SystemClock, Terminal};
use domain::access::{Access, Act};
use domain::authz::Permission;
use domain::journal::{Actor, Event};
use domain::ledger::{Row, Value, ledger};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1::SendRequest;
use hyper_util::rt::TokioIo;
use intake::access::{Origin, dicom, fhir};
use jiff::tz::Offset;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use store::{Location, Store};
use tokio::io::{AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::server::{Server, free_address};
use super::{cpu_of, used};

/// Messages of one run, and those who send them.
const MESSAGES: usize = 64_000;
const SENDERS: usize = 16;
/// Who is said to have done the last thing of a sender.
const LAST: &str = "last";
/// Events of one bundle, and bundles.
const BUNDLE: usize = 500;
const BUNDLES: usize = 120;
/// Events that every sender hands in one by one.
const SINGLES: usize = 300;

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

/// A message; `user` instead of the usual one, if any.
fn message(n: usize, user: &str) -> String {
    let mut access = access(n);
    if !user.is_empty() {
        user.clone_into(&mut access.user);
    }
    let body = dicom::write(&access);
    let message = format!("<85>1 2026-11-28T02:00:00.003Z pacs1 audit 77 IHE+RFC-3881 - {body}");
    format!("{} {message}", message.len())
}

/// The bundle with a number, of so many events.
fn bundle(number: usize, events: usize) -> Vec<u8> {
    let event = |n: usize| {
        let n = number * events + n;
        // The id makes it another event; its time stays within days.
        Access { source_id: Some(format!("e{number}-{n}")), source: "FHIR".to_owned(), ..access(n % MESSAGES) }
    };
    fhir::bundle(&(0..events).map(event).collect::<Vec<_>>()).to_string().into_bytes()
}

pub(crate) async fn run(url: Option<&str>) -> Result<()> {
    println!("| what | database | events | s | events/s | CPU µs / event | events/s of one core | lost |");
    println!("|---|---|---|---|---|---|---|---|");
    reading()?;
    let folder = tempfile::tempdir()?;
    let data = folder.path().join("data");
    let (location, name) = match url {
        Some(url) => (Location::Postgres(url.to_owned()), "PostgreSQL"),
        None => (Location::Folder(data.clone()), "SQLite"),
    };
    std::fs::create_dir_all(&data)?;
    let tokens = furnish(&location).await?;
    let (tls, tcp) = (free_address()?, free_address()?);
    let doors = ["--syslog-tls", &tls.to_string(), "--syslog-tcp", &tcp.to_string()];
    let server = Server::start(&data, url, &doors).await?;
    let made = data.join("tls");
    // The server listens a moment before it has made its certificate.
    while !made.join("server.names").exists() {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    let site = Site { server, name, connector: connector(&made.join("ca.crt"))?, tokens };
    site.messages("audit messages over TLS", tls, true, 0).await?;
    site.messages("audit messages over TCP", tcp, false, 1).await?;
    site.documents(&format!("FHIR bundles of {BUNDLE}, acknowledged"), 4, BUNDLES / 4, BUNDLE).await?;
    site.documents("FHIR AuditEvents, each acknowledged", SENDERS, SINGLES, 1).await?;
    drop(site);
    peer(&made).await
}

/// A clinic with a source of each kind, whose programs have these tokens.
async fn furnish(location: &Location) -> Result<Vec<String>> {
    let app = App::new(Store::open(location).await?, SystemClock);
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
    tx.row_upsert(sources, &[row("PACS", "atna"), row("FHIR", "fhir")], None).await?;
    tx.record(Event::new("bench", ""));
    tx.commit().await?;
    let terminal = Terminal { key: "bench".repeat(8), address: [127, 0, 0, 1].into(), agent: String::new() };
    let link = app.setup_link().await?;
    let grant = app.setup_begin(&terminal, link.expose()).await?;
    app.setup_admin(&terminal, grant.expose(), &facility.id, "架空 花子", "bench").await?;
    let scopes = [Permission::SendAccesses, Permission::ReadAccesses];
    let mut tokens = Vec::new();
    for n in 0..SENDERS {
        let name = format!("bench {n}");
        let new = NewToken { name: &name, scopes: &scopes, sources: &[], ends_on: app.today() };
        tokens.push(app.token_issue(&actor, &facility.id, "bench", new).await?.expose().to_owned());
    }
    Ok(tokens)
}

/// The server, and what it takes to ask it.
struct Site {
    server: Server,
    name: &'static str,
    connector: TlsConnector,
    tokens: Vec<String>,
}

impl Site {
    /// Audit messages of many senders, one at a time, until the last of each is durable. `run` tells runs apart.
    async fn messages(&self, what: &str, to: SocketAddr, tls: bool, run: usize) -> Result<()> {
        let each = MESSAGES / SENDERS;
        let before = self.count("").await?;
        let (cpu, begun) = (self.server.cpu()?, Instant::now());
        send(to, tls.then_some(&self.connector), |sender| {
            let first = run * 10 * MESSAGES + sender * each;
            // A sender's messages stay in order, so its last stands for all of them.
            (first..first + each).map(move |n| message(n, if n + 1 == first + each { LAST } else { "" })).collect()
        })
        .await?;
        let last = (SENDERS * (run + 1)) as u64;
        while self.count(LAST).await? < last && begun.elapsed().as_secs() < 120 {
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
        let cpu = self.server.cpu()? - cpu;
        let lost = (each * SENDERS) as u64 - (self.count("").await? - before);
        line(&format!("{what}, {SENDERS} senders, durable"), self.name, each * SENDERS, begun, cpu, lost);
        Ok(())
    }

    /// Documents over HTTPS, each sent when the one before was acknowledged; `each` of so many events by every sender.
    async fn documents(&self, what: &str, senders: usize, each: usize, events: usize) -> Result<()> {
        let before = self.count("").await?;
        let (cpu, begun) = (self.server.cpu()?, Instant::now());
        let mut sending = tokio::task::JoinSet::new();
        for sender in 0..senders {
            let mut client = self.client().await?;
            let token = self.tokens.get(sender).context("token")?.clone();
            sending.spawn(async move {
                for n in 0..each {
                    let body = bundle((events * 1_000 + sender) * each + n, events);
                    while client.post("/api/v1/fhir?source=FHIR", &token, body.clone()).await?.is_none() {
                        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
                    }
                }
                anyhow::Ok(())
            });
        }
        while let Some(sent) = sending.join_next().await {
            sent??;
        }
        let (cpu, all) = (self.server.cpu()? - cpu, senders * each * events);
        let lost = all as u64 - (self.count("").await? - before);
        line(&format!("{what}, {senders} senders"), self.name, all, begun, cpu, lost);
        Ok(())
    }

    async fn client(&self) -> Result<Program> {
        let stream = TcpStream::connect(self.server.address).await?;
        stream.set_nodelay(true)?;
        let stream = self.connector.connect(ServerName::try_from("localhost")?, stream).await?;
        let (sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok(Program(sender))
    }

    /// How many accesses of a user there are, of all users without one.
    async fn count(&self, user: &str) -> Result<u64> {
        let token = self.tokens.last().context("token")?;
        let body = format!("{{\"user\":\"{user}\",\"since\":\"2026-01-01\"}}").into_bytes();
        let said = self.client().await?.post("/api/v1/accesses/ask", token, body).await?.context("too often")?;
        let said: serde_json::Value = serde_json::from_slice(&said)?;
        said.get("count").and_then(serde_json::Value::as_u64).context("count")
    }
}

/// A program's connection.
struct Program(SendRequest<Full<Bytes>>);

impl Program {
    /// What is answered; `None` when it came too often.
    async fn post(&mut self, path: &str, token: &str, body: Vec<u8>) -> Result<Option<Bytes>> {
        self.0.ready().await?;
        let request = hyper::Request::post(path)
            .header("host", "localhost")
            .header("content-type", "application/json")
            .header("authorization", format!("Bearer {token}"))
            .body(Full::new(Bytes::from(body)))?;
        let response = self.0.send_request(request).await?;
        let status = response.status();
        let body = response.into_body().collect().await?.to_bytes();
        if status == hyper::StatusCode::TOO_MANY_REQUESTS {
            return Ok(None);
        }
        ensure!(status.is_success(), "{path}: {status} {}", String::from_utf8_lossy(&body));
        Ok(Some(body))
    }
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
    let messages: Vec<String> = (0..MESSAGES).map(|n| message(n, "")).collect();
    let (before, begun) = (used()?.0, Instant::now());
    for message in &messages {
        let frame = message.split_once(' ').context("length")?.1;
        let body = app::syslog::open(frame.as_bytes())?.body;
        if dicom::read(body, &origin)?.len() != 1 {
            bail!("not read");
        }
    }
    line("audit messages, reading alone", "–", MESSAGES, begun, used()?.0 - before, 0);
    let documents: Vec<Vec<u8>> = (0..BUNDLES).map(|n| bundle(n, BUNDLE)).collect();
    let (before, begun) = (used()?.0, Instant::now());
    let mut read = 0;
    for document in &documents {
        read += fhir::read(document, &origin)?.1.accesses.len();
    }
    line("FHIR bundles, reading alone", "–", read, begun, used()?.0 - before, 0);
    Ok(())
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

/// Sends the messages of every sender over a connection of its own, each in a write of its own, and closes at once.
async fn send(address: SocketAddr, tls: Option<&TlsConnector>, messages: impl Fn(usize) -> Vec<String>) -> Result<()> {
    let mut sending = tokio::task::JoinSet::new();
    for sender in 0..SENDERS {
        let (tls, messages) = (tls.cloned(), messages(sender));
        sending.spawn(async move {
            let stream = TcpStream::connect(address).await?;
            match tls {
                None => write(stream, &messages).await,
                Some(tls) => {
                    let name = ServerName::try_from("localhost").map_err(std::io::Error::other)?;
                    write(tls.connect(name, stream).await?, &messages).await
                }
            }
        });
    }
    while let Some(sent) = sending.join_next().await {
        sent??;
    }
    Ok(())
}

async fn write(mut stream: impl AsyncWrite + Unpin, messages: &[String]) -> std::io::Result<()> {
    for message in messages {
        stream.write_all(message.as_bytes()).await?;
    }
    stream.flush().await?;
    stream.shutdown().await
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
    let each = MESSAGES / SENDERS;
    let (before, begun) = (cpu_of(&stat)?, Instant::now());
    let own = |sender: usize| (sender * each..(sender + 1) * each).map(|n| message(n, "")).collect();
    send(address, Some(&connector(&tls.join("ca.crt"))?), own).await?;
    let lines = || std::fs::read(at("log")).map_or(0, |log| log.split(|b| *b == b'\n').count().saturating_sub(1));
    let mut there = 0;
    while there < MESSAGES && begun.elapsed().as_secs() < 300 {
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        there = lines();
    }
    line("rsyslog over TLS into a file", "–", MESSAGES, begun, cpu_of(&stat)? - before, (MESSAGES - there) as u64);
    Ok(())
}
