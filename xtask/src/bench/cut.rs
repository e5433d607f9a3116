//! How soon a download stops when the right to it ends: a hundred people who read slowly, each of whose sessions is ended
//! by an administrator, on the same server or, with a database that is shared, on another.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use app::{App, Keyring, NewToken, SystemClock};
use domain::authz::Permission;
use domain::journal::Actor;
use store::{Location, Store};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinSet;

use super::server::Server;
use super::web::{Times, furnish};

/// Downloads at once.
const DOWNLOADS: usize = 100;
/// Devices in the file, which makes it some tens of megabytes.
const ROWS: usize = 50_000;
/// What a reader takes at a time, and how long it then waits: 40 kB a second.
const SIP: usize = 4_096;
const PAUSE: Duration = Duration::from_millis(100);

pub(super) async fn run(url: Option<&str>) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (data, other) = (folder.path().join("data"), folder.path().join("other"));
    std::fs::create_dir_all(&data)?;
    let location = url.map_or_else(|| Location::Folder(data.clone()), |url| Location::Postgres(url.to_owned()));
    let app = App::new(Store::open(&location).await?, SystemClock).with_keys(Keyring::open(&data)?);
    let cookies = furnish(&app, ROWS, DOWNLOADS + 1).await?;
    let facility = app.store.facility_list().await?.into_iter().next().context("facility")?;
    let scopes = [Permission::ManageUsers];
    let ends_on = app.today();
    let token = NewToken { name: "cut", scopes: &scopes, sources: &[], ends_on };
    let token = app.token_issue(&Actor::new("bench"), &facility.id, "admin", token).await?.expose().to_owned();
    let users: Vec<(String, String)> =
        app.user_list(&facility.id).await?.into_iter().map(|user| (user.login, user.id)).collect();
    drop(app);
    let server = Server::start(&data, url, &["--plain"]).await?;
    let second = match url {
        Some(_) => {
            std::fs::create_dir_all(&other)?;
            for key in ["secret.key", "log.key", "log.epoch"] {
                while !data.join(key).exists() {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
                std::fs::copy(data.join(key), other.join(key))?;
            }
            Some(Server::start(&other, url, &["--plain"]).await?)
        }
        None => None,
    };
    let manages = second.as_ref().unwrap_or(&server).address;
    let mut under_way = Vec::new();
    for (n, cookies) in cookies.iter().enumerate().skip(1) {
        let login = format!("reader-{n}");
        let id = users.iter().find(|(known, _)| *known == login).context("reader")?.1.clone();
        under_way.push((id, begin(server.address, cookies).await?));
    }
    tokio::time::sleep(Duration::from_secs(2)).await;
    let mut readers = JoinSet::new();
    for (id, stream) in under_way {
        end_sessions(manages, &token, &id).await?;
        let ended = Instant::now();
        readers.spawn(async move { last_byte(stream, ended).await });
    }
    let mut times = Times::default();
    while let Some(read) = readers.join_next().await {
        times.0.push(read??);
    }
    let node = if second.is_some() { "another server" } else { "the same server" };
    println!("| revoked on | downloads cut | p50 ms | p95 ms | worst ms |\n|---|---|---|---|---|");
    let (p50, p95, worst) = (times.at(0.5), times.at(0.95), times.at(1.0));
    println!("| {node} | {} | {p50:.0} | {p95:.0} | {worst:.0} |", times.0.len());
    Ok(())
}

/// A download whose reader takes little.
async fn begin(address: SocketAddr, cookies: &str) -> Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.set_recv_buffer_size(16_384)?;
    socket.bind((Ipv4Addr::LOCALHOST, 0).into())?;
    let mut stream = socket.connect(address).await?;
    let asked = format!(
        "GET /ledgers/devices/export?format=csv HTTP/1.1\r\nhost: {address}\r\nuser-agent: bench\r\ncookie: {cookies}\r\n\r\n"
    );
    stream.write_all(asked.as_bytes()).await?;
    let mut sip = [0; SIP];
    let read = stream.read(&mut sip).await?;
    let head = String::from_utf8_lossy(sip.get(..read).unwrap_or_default()).into_owned();
    ensure!(head.starts_with("HTTP/1.1 200"), "{head}");
    Ok(stream)
}

/// Milliseconds until the server sends nothing more to a reader that goes on reading.
async fn last_byte(mut stream: TcpStream, ended: Instant) -> Result<f64> {
    let mut sip = vec![0; SIP];
    loop {
        let pause = Instant::now() + PAUSE;
        while Instant::now() < pause {
            // A connection that was reset says so before what it still holds is read.
            if stream.take_error()?.is_some() {
                return Ok(ended.elapsed().as_secs_f64() * 1e3);
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        match stream.read(&mut sip).await {
            Ok(0) | Err(_) => return Ok(ended.elapsed().as_secs_f64() * 1e3),
            Ok(_) => ensure!(ended.elapsed() < Duration::from_secs(60), "it goes on and on"),
        }
    }
}

/// Ends every session of an account, as an administrator's program does.
async fn end_sessions(address: SocketAddr, token: &str, id: &str) -> Result<()> {
    let mut stream = TcpStream::connect(address).await?;
    let asked = format!(
        "POST /api/v1/users/{id}/sessions/end HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {token}\r\n\
         content-type: application/json\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{{}}"
    );
    stream.write_all(asked.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    ensure!(answer.starts_with("HTTP/1.1 20"), "{answer}");
    Ok(())
}
