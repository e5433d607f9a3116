//! What the journal costs: staging, sealing, checking, and the bytes they leave; beside what this disk and PostgreSQL
//! take for less. With the settings of a bucket in `SAKIMORI_BUCKET` (a file like `bucket.toml`, naming a place in it where
//! nothing is yet) the log of the run lies there.

use std::fs::{self, File};
use std::io::{Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use app::{App, LogBucket, Sealed, SystemClock};
use domain::access::{Access, Act};
use domain::journal::{Actor, Event};
use seal::{Log, SigningKey, Verifier};
use store::{Location, Store};

use super::used;

/// Entries of the run at full speed, and the callers that hand them in.
const ENTRIES: u64 = 300_000;
const CALLERS: u64 = 4_000;
/// Entries that a single caller hands in, one after the other.
const ALONE: u32 = 1_000;
/// Entries of a day at one a second.
const DAY: u64 = 86_400;
/// Leaves of the log that is checked and opened.
const LARGE: u64 = 10_000_000;

/// An access as a chart reports it: an entry of some 600 bytes.
fn access(n: u64) -> Event {
    let mut access = Access::new(jiff::Timestamp::now(), "chart".to_owned(), format!("S{:04}", n % 300), Act::Read);
    let text = |text: String| Some(text);
    access.source_id = text(format!("chart-2026-{n:012}"));
    access.user_name = text("架空 花子".to_owned());
    access.terminal = text(format!("192.168.10.{}", n % 250));
    access.patient = text(format!("{:08}", n * 7_919 % 50_000));
    access.resource = text(format!("Observation/{n}"));
    access.purpose = text("TREAT".to_owned());
    access.policy = text("chart-read/14".to_owned());
    access.relation = text("外来受付".to_owned());
    access.authentication = text("passkey".to_owned());
    access.reason = text("定期受診のため、前回の検査結果と処方の内容を確かめた（架空）。".to_owned());
    access.plan = text("plan-2026-0001".to_owned());
    access.event()
}

pub(super) async fn run(url: Option<&str>) -> Result<()> {
    println!("| | measured | CPU µs an entry |\n|---|---|---|");
    let folder = tempfile::tempdir()?;
    let floor = floor(folder.path())?;
    println!("| 4 kB written and synced (the floor) | {:.2} ms | |", floor * 1e3);
    let data = folder.path().join("data");
    fs::create_dir_all(&data)?;
    let location = url.map_or_else(|| Location::Folder(data.clone()), |url| Location::Postgres(url.to_owned()));
    let settings = std::env::var_os("SAKIMORI_BUCKET").map(PathBuf::from);
    let bucket = LogBucket::of(&data, settings.as_deref())?;
    let app = Arc::new(App::new(Store::open(&location).await?, SystemClock).with_bucket(bucket));
    alone(&app, floor).await?;
    crowd(&app, &data).await?;
    bytes(&app, &data, url.is_none()).await?;
    let (start, cpu) = (Instant::now(), used()?.0);
    let Sealed::Holds { head, .. } = app.sealed(&data, None).await? else { bail!("the log does not hold") };
    rate("checked, journal against log", head.size, start, cpu)?;
    large()?;
    peers()
}

fn rate(what: &str, entries: u64, start: Instant, cpu: f64) -> Result<()> {
    let (took, cpu) = (start.elapsed().as_secs_f64(), used()?.0 - cpu);
    println!("| {what} | {:.0}/s | {:.2} |", entries as f64 / took, cpu * 1e6 / entries as f64);
    Ok(())
}

/// Seconds that this disk takes to keep a page.
fn floor(folder: &Path) -> Result<f64> {
    let mut file = File::create(folder.join("floor"))?;
    let start = Instant::now();
    for _ in 0..200 {
        file.rewind()?;
        file.write_all(&[7; 4_096])?;
        file.sync_data()?;
    }
    Ok(start.elapsed().as_secs_f64() / 200.0)
}

async fn alone(app: &App, floor: f64) -> Result<()> {
    let (start, cpu) = (Instant::now(), used()?.0);
    for n in 0..ALONE {
        app.stage(&Actor::new("bench"), "f", vec![access(n.into())]).await?;
    }
    let (each, cpu) = (start.elapsed().as_secs_f64() / f64::from(ALONE), used()?.0 - cpu);
    let cpu = cpu * 1e6 / f64::from(ALONE);
    println!("| one caller, acknowledged | {:.2} ms, {:.1} × the floor | {cpu:.0} |", each * 1e3, each / floor);
    Ok(())
}

/// Many callers that wait for their own entry, while the sealer seals once a second.
async fn crowd(app: &Arc<App>, data: &Path) -> Result<()> {
    let mut sealer = app.sealer(data).await?;
    app.seal(&mut sealer).await?;
    let (next, waited) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let (start, cpu) = (Instant::now(), used()?.0);
    let mut callers = tokio::task::JoinSet::new();
    for _ in 0..CALLERS {
        let (app, next, waited) = (Arc::clone(app), Arc::clone(&next), Arc::clone(&waited));
        callers.spawn(async move {
            let actor = Actor::new("bench");
            loop {
                let n = next.fetch_add(1, Ordering::Relaxed);
                if n >= ENTRIES {
                    return Ok::<_, app::Error>(());
                }
                let asked = Instant::now();
                app.stage(&actor, "f", vec![access(n)]).await?;
                waited.fetch_add(u64::try_from(asked.elapsed().as_micros()).unwrap_or(0), Ordering::Relaxed);
            }
        });
    }
    let staged = loop {
        app.seal(&mut sealer).await?;
        match tokio::time::timeout(Duration::from_secs(1), callers.join_next()).await {
            Ok(Some(done)) => done??,
            Ok(None) => break start.elapsed(),
            Err(_) => {}
        }
        while let Some(done) = callers.try_join_next() {
            done??;
        }
    };
    app.seal(&mut sealer).await?;
    rate("4,000 callers, staged and sealed", ENTRIES, start, cpu)?;
    println!(
        "| of these, staged | {:.0}/s, acknowledged after {:.0} ms | |",
        ENTRIES as f64 / staged.as_secs_f64(),
        waited.load(Ordering::Relaxed) as f64 / ENTRIES as f64 / 1e3
    );
    Ok(())
}

/// Bytes that an entry takes: in the folder of the log, at full speed and at one a second, and in the database.
async fn bytes(app: &App, data: &Path, sqlite: bool) -> Result<()> {
    let entries = app.store.journal_head().await?.0;
    if data.join("log").exists() {
        println!(
            "| log folder, an entry, at full speed | {:.0} B on disk | |",
            disk(&data.join("log"))? / entries as f64
        );
    }
    if sqlite {
        let database = fs::metadata(data.join("sakimori.db"))?.len();
        let text: usize =
            app.store.journal_after(entries - 1_000, 1_000).await?.iter().map(|(_, _, text)| text.len()).sum();
        println!(
            "| database, an entry (its text: {} B) | {:.0} B on disk | |",
            text / 1_000,
            database as f64 / entries as f64
        );
    }
    let folder = memory()?;
    let mut log = Log::open(folder.path(), SigningKey::generate("bench/log")?, &[])?;
    let (start, cpu) = (Instant::now(), used()?.0);
    for n in 0..DAY {
        log.append(&leaf(n))?;
        log.seal()?;
    }
    rate("a head for every entry, a day of them, signed in memory", DAY, start, cpu)?;
    println!("| log folder, an entry, one a second for a day | {:.0} B on disk | |", disk(folder.path())? / DAY as f64);
    Ok(())
}

/// A folder in memory, for what is not about the disk.
fn memory() -> Result<tempfile::TempDir> {
    Ok(tempfile::TempDir::new_in("/dev/shm").or_else(|_| tempfile::tempdir())?)
}

fn leaf(n: u64) -> [u8; seal::LEAF] {
    let mut leaf = [1; seal::LEAF];
    leaf.iter_mut().zip(n.to_be_bytes()).for_each(|(to, from)| *to = from);
    leaf
}

/// Bytes that a folder takes on its disk, blocks and folders included.
fn disk(folder: &Path) -> Result<f64> {
    let out = Command::new("du").args(["-s", "--block-size=1"]).arg(folder).output()?;
    let text = String::from_utf8(out.stdout)?;
    Ok(text.split_whitespace().next().context("du")?.parse()?)
}

/// A log of ten million entries: made, opened as after a restart, and checked from its files alone.
fn large() -> Result<()> {
    let (folder, key) = (memory()?, SigningKey::generate("bench/log")?);
    let mut log = Log::open(folder.path(), SigningKey::parse(key.text())?, &[])?;
    let (start, cpu) = (Instant::now(), used()?.0);
    (0..LARGE).try_for_each(|n| log.append(&leaf(n)))?;
    log.seal()?;
    rate("leaves into the tree, ten million, in memory", LARGE, start, cpu)?;
    drop(log);
    let start = Instant::now();
    let tail: Vec<Vec<u8>> = Log::wanted(folder.path(), key.public())?.map(|n| leaf(n).to_vec()).collect();
    let log = Log::open(folder.path(), SigningKey::parse(key.text())?, &tail)?;
    println!("| a log of ten million, opened | {:.1} ms | |", start.elapsed().as_secs_f64() * 1e3);
    drop(log);
    let (start, cpu) = (Instant::now(), used()?.0);
    let mut verifier = Verifier::open(folder.path(), key.public(), Vec::new())?.context("no head")?;
    if let Err(broken) = verifier.skim()? {
        bail!("{broken:?}");
    }
    rate("checked, the files of the log alone", LARGE, start, cpu)
}

/// PostgreSQL 15 in its defaults inserting a row of 600 bytes, alone and with pgaudit, in the same hour.
fn peers() -> Result<()> {
    let programs = PathBuf::from("/usr/lib/postgresql/15/bin");
    if !programs.join("pgbench").exists() {
        println!("| PostgreSQL 15 | not installed here | |");
        return Ok(());
    }
    let audit = Path::new("/usr/lib/postgresql/15/lib/pgaudit.so").exists();
    let folder = tempfile::tempdir()?;
    let home = folder.path().join("pg");
    fs::create_dir(&home)?;
    let insert = home.join("insert.sql");
    fs::write(&insert, format!("INSERT INTO t (entry) VALUES ('{}');\n", "x".repeat(600)))?;
    // PostgreSQL does not run as root.
    fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
    let run = |program: &str, arguments: &[&str]| -> Result<String> {
        let program = programs.join(program);
        let mut command = Command::new("setpriv");
        command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]).arg(program).args(arguments);
        let out = command.current_dir(&home).stdin(Stdio::null()).stderr(Stdio::null()).output()?;
        if !out.status.success() {
            bail!("{command:?}: {}", out.status);
        }
        Ok(String::from_utf8(out.stdout)?)
    };
    let owned = Command::new("chown").args(["-R", "postgres"]).arg(&home).status()?;
    if !owned.success() {
        println!("| PostgreSQL 15 | needs root here | |");
        return Ok(());
    }
    run("initdb", &["-D", "db", "-U", "postgres", "-A", "trust"])?;
    for (name, options) in
        [("", None), (" with pgaudit", Some("-c shared_preload_libraries=pgaudit -c pgaudit.log=write"))]
    {
        if options.is_some() && !audit {
            println!("| PostgreSQL 15 with pgaudit | not installed here | |");
            continue;
        }
        let socket = home.display().to_string();
        let options =
            format!("-c listen_addresses= -c unix_socket_directories={socket} {}", options.unwrap_or_default());
        run("pg_ctl", &["-D", "db", "-l", "log.txt", "-w", "-o", &options, "start"])?;
        let measured = (|| -> Result<()> {
            let sql = "CREATE TABLE IF NOT EXISTS t (id BIGSERIAL PRIMARY KEY, entry TEXT)";
            run("psql", &["-h", &socket, "-U", "postgres", "-c", sql])?;
            for clients in ["1", "16"] {
                let told = run(
                    "pgbench",
                    &["-h", &socket, "-U", "postgres", "-n", "-f", "insert.sql", "-c", clients, "-T", "5"],
                )?;
                let rate = told.lines().find_map(|l| l.strip_prefix("tps = ")).and_then(|l| l.split(' ').next());
                let rate: f64 = rate.context("pgbench")?.parse()?;
                println!("| PostgreSQL 15{name}, a row of 600 B, {clients} clients | {rate:.0}/s | |");
            }
            Ok(())
        })();
        run("pg_ctl", &["-D", "db", "-w", "-m", "fast", "stop"])?;
        measured?;
    }
    Ok(())
}
