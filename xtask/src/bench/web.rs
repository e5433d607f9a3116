//! What the pages cost: one reader, 100,000 rows, two hundred readers at once, on the real server over HTTP.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use app::{App, Keyring, NewUser, ResetMethod, SystemClock, Terminal};
use domain::authz::Role;
use domain::journal::{Actor, Event};
use domain::ledger::ledger;
use store::{Location, Store};
use tempfile::TempDir;

use super::client::Client;
use super::row;
use super::server::Server;

/// A clinic of the size that the first page is measured at.
const DEVICES: usize = 1_000;
const ACCOUNTS: usize = 500;
/// Devices of the ledger that is paged, searched and sorted.
const ROWS: usize = 100_000;
/// Readers at once, each a person with a session.
const READERS: usize = 200;
/// How long they read.
const READING: Duration = Duration::from_secs(20);
/// How often one reader asks for each page.
const ROUNDS: usize = 40;

/// What a reader walks through.
const PAGES: &[&str] = &[
    "/",
    "/requirements",
    "/requirements?verdict=unmet",
    "/checklists",
    "/ledgers/devices",
    "/ledgers/devices?q=%E8%A8%BA%E5%AF%9F",
    "/ledgers/accounts?page=4",
    "/ledgers/devices/NO7",
    "/loans",
    "/evidence/journal",
];

/// Questions to the ledger of 100,000 rows.
const QUESTIONS: &[(&str, &[&str])] = &[
    ("page", &["", "page=2", "page=37", "page=500", "page=1000", "page=1500", "page=1999", "page=2000"]),
    (
        "search",
        &["q=NO99999", "q=name7", "q=os", "q=windows", "q=windows+name9", "q=nothing-like-this", "q=name1&page=9"],
    ),
    (
        "sort",
        &[
            "sort=name",
            "sort=name&desc=1",
            "sort=place",
            "sort=os&page=3",
            "sort=bought_on&desc=1",
            "sort=name&page=1000",
            "sort=place&page=1990",
        ],
    ),
    ("search and sort", &["q=windows&sort=name", "q=name7&sort=place&desc=1", "q=name&sort=os&page=1000"]),
];

/// One measured run of a page.
#[derive(Default)]
pub(super) struct Times(pub(super) Vec<f64>);

impl Times {
    /// The time in ms that `part` of them stayed under.
    pub(super) fn at(&mut self, part: f64) -> f64 {
        self.0.sort_by(f64::total_cmp);
        let last = self.0.len().saturating_sub(1);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a place in a short list")]
        let place = (last as f64 * part).round() as usize;
        self.0.get(place).copied().unwrap_or_default()
    }
}

/// A facility of this size, with `readers` people who have a session each; the cookies of their browsers.
pub(super) async fn furnish(app: &App, devices: usize, readers: usize) -> Result<Vec<String>> {
    let (actor, now) = (Actor::new("bench"), jiff::Timestamp::now());
    let today = domain::jp::day_in_japan(now);
    let new = app::NewFacility { name: "試験クリニック".to_owned(), ..Default::default() };
    let facility = app.add_facility(&actor, new).await?;
    for (name, count) in [
        ("people", 150),
        ("vendors", 3),
        ("systems", 4),
        ("logins", 8),
        ("devices", devices),
        ("accounts", ACCOUNTS),
        ("contracts", 4),
        ("vendor_answers", 40),
        ("routes", 2),
        ("documents", 30),
        ("records", 40),
    ] {
        let of = ledger(name).with_context(|| name.to_owned())?;
        let rows: Vec<_> = (0..count).map(|n| row(of, n, today)).filter_map(|r| Some((of.row_key(&r)?, r))).collect();
        let mut tx = app.store.begin(&actor, &facility.id, now).await?;
        for part in rows.chunks(1_000) {
            tx.row_upsert(of, part, None).await?;
        }
        tx.record(Event::new("bench.fill", name));
        tx.commit().await?;
    }
    let terminal = |n: usize| Terminal {
        key: format!("{n:064x}"),
        address: Ipv4Addr::LOCALHOST.into(),
        agent: "bench".to_owned(),
    };
    let cookies = |at: &Terminal, session: &str| format!("__Host-terminal={}; __Host-session={session}", at.key);
    let desk = terminal(0);
    let link = app.setup_link().await?;
    let grant = app.setup_begin(&desk, link.expose()).await?;
    let session = app.setup_admin(&desk, grant.expose(), &facility.id, "計測 一郎", "admin").await?;
    let admin = app.session(&desk, session.expose()).await?.context("session")?;
    app.password_set(&admin, "kx7mq2vbz9rtw").await?;
    let mut all = vec![cookies(&desk, session.expose())];
    for n in 1..readers {
        let (login, at) = (format!("reader-{n}"), terminal(n));
        let new =
            NewUser {
                login: login.clone(), name: format!("読む人 {n}"), role: Role::Approver, ..NewUser::default()
            };
        let user = app.user_add(&admin, new).await?;
        let (grant, code) = app.reset_ask(&at, &login).await?;
        app.reset_confirm(&admin, &code, &user.id, ResetMethod::Face, "職員証").await?;
        let session = app.reset_use(&at, grant.expose()).await?.context("not confirmed")?;
        let signed = app.session(&at, session.expose()).await?.context("session")?;
        app.password_set(&signed, "kx7mq2vbz9rtw").await?;
        all.push(cookies(&at, session.expose()));
    }
    Ok(all)
}

/// Fills a store and starts the server on it; the cookies of its readers.
async fn open(url: Option<&str>, devices: usize, readers: usize) -> Result<(Server, Vec<String>, TempDir)> {
    let folder = tempfile::tempdir()?;
    let data = folder.path().join("data");
    std::fs::create_dir_all(&data)?;
    let location = url.map_or_else(|| Location::Folder(data.clone()), |u| Location::Postgres(u.to_owned()));
    let app = App::new(Store::open(&location).await?, SystemClock).with_keys(Keyring::open(&data)?);
    let readers = furnish(&app, devices, readers).await?;
    app.store.analyze().await?;
    drop(app);
    Ok((Server::start(&data, url, &["--plain"]).await?, readers, folder))
}

/// A clinic of 1,000 devices: one reader, then two hundred.
pub(super) async fn run(url: Option<&str>) -> Result<()> {
    let (server, readers, _folder) = open(url, DEVICES, READERS).await?;
    one_reader(&server, readers.first().context("reader")?).await?;
    many_readers(&server, readers).await?;
    println!("\nmemory of the server at most: {:.0} MB", server.memory("VmHWM")?);
    Ok(())
}

/// A ledger of 100,000 rows: pages, searches, orders.
pub(super) async fn rows(url: Option<&str>) -> Result<()> {
    let (server, readers, _folder) = open(url, ROWS, 1).await?;
    many_rows(&server, readers.first().context("reader")?).await?;
    println!("\nmemory of the server at most: {:.0} MB", server.memory("VmHWM")?);
    Ok(())
}

async fn one_reader(server: &Server, cookies: &str) -> Result<()> {
    println!("| page | KB | p50 ms | p95 ms | worst ms | CPU ms |");
    println!("|---|---|---|---|---|---|");
    let mut client = Client::connect(server.address, cookies).await?;
    for page in PAGES {
        let (mut times, mut bytes) = (Times::default(), 0);
        let cpu = server.cpu()?;
        for _ in 0..ROUNDS {
            let start = Instant::now();
            bytes = client.get(page).await?.len();
            times.0.push(start.elapsed().as_secs_f64() * 1e3);
        }
        let cpu = (server.cpu()? - cpu) * 1e3 / ROUNDS as f64;
        let (p50, p95, worst) = (times.at(0.5), times.at(0.95), times.at(1.0));
        println!("| `{page}` | {:.0} | {p50:.1} | {p95:.1} | {worst:.1} | {cpu:.1} |", bytes as f64 / 1e3);
    }
    Ok(())
}

async fn many_rows(server: &Server, cookies: &str) -> Result<()> {
    println!("\n| {ROWS} rows | questions | p50 ms | p95 ms | worst ms | the worst |");
    println!("|---|---|---|---|---|---|");
    let mut client = Client::connect(server.address, cookies).await?;
    for (name, questions) in QUESTIONS {
        let (mut times, mut worst) = (Times::default(), (0.0, ""));
        for _ in 0..ROUNDS / 2 {
            for question in *questions {
                let start = Instant::now();
                client.get(&format!("/ledgers/devices?{question}")).await?;
                let took = start.elapsed().as_secs_f64() * 1e3;
                times.0.push(took);
                if took > worst.0 {
                    worst = (took, question);
                }
            }
        }
        let (p50, p95) = (times.at(0.5), times.at(0.95));
        println!("| {name} | {} | {p50:.1} | {p95:.1} | {:.1} | `{}` |", times.0.len(), worst.0, worst.1);
    }
    Ok(())
}

async fn many_readers(server: &Server, readers: Vec<String>) -> Result<()> {
    let (count, failed) = (readers.len(), Arc::new(AtomicUsize::new(0)));
    let (server_cpu, start) = (server.cpu()?, Instant::now());
    let (own_cpu, _) = super::used()?;
    let mut tasks = Vec::new();
    for (n, cookies) in readers.into_iter().enumerate() {
        let (failed, address) = (Arc::clone(&failed), server.address);
        tasks.push(tokio::spawn(async move {
            let mut times = Vec::new();
            let Ok(mut client) = Client::connect(address, &cookies).await else {
                failed.fetch_add(1, Ordering::Relaxed);
                return times;
            };
            for page in PAGES.iter().cycle().skip(n) {
                if start.elapsed() > READING {
                    break;
                }
                let asked = Instant::now();
                if client.get(page).await.is_err() {
                    failed.fetch_add(1, Ordering::Relaxed);
                    break;
                }
                times.push(asked.elapsed().as_secs_f64() * 1e3);
            }
            times
        }));
    }
    let mut times = Times::default();
    for task in tasks {
        times.0.extend(task.await?);
    }
    let took = start.elapsed().as_secs_f64();
    let pages = times.0.len() as f64;
    println!(
        "\n| readers | pages | errors | pages / s | p50 ms | p95 ms | p99 ms | server CPU ms / page | readers' CPU s |"
    );
    println!("|---|---|---|---|---|---|---|---|---|");
    println!(
        "| {count} | {pages} | {} | {:.0} | {:.0} | {:.0} | {:.0} | {:.2} | {:.1} of {took:.0} |",
        failed.load(Ordering::Relaxed),
        pages / took,
        times.at(0.5),
        times.at(0.95),
        times.at(0.99),
        (server.cpu()? - server_cpu) * 1e3 / pages,
        super::used()?.0 - own_cpu,
    );
    Ok(())
}
