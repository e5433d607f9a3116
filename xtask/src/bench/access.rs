//! The access log at size: how fast accesses are taken in, and how long questions about many of them take.
//!
//! The index is filled directly, as if the journal had said so, since it is the questions that are measured; taking in is
//! measured through the use case, durable, with everything that belongs to it.

use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use app::{App, Arrival, ReportOptions, StaffNames, SystemClock};
use domain::access::{Access, Act};
use domain::evaluate::Facility;
use domain::journal::Actor;
use jiff::Timestamp;
use store::{AccessQuery, Location, Store};

use super::used;

/// Patients and users of a hospital of a thousand beds.
const PATIENTS: u64 = 200_000;
const USERS: u64 = 1_600;
/// Lines of a patient's report: what a patient has among 91 million accesses.
const LINES: u64 = 91_000_000 / PATIENTS;
/// Five years, in microseconds.
const FIVE_YEARS: i64 = 5 * 365 * 86_400 * 1_000_000;

/// Fills `count` accesses and asks; `url` names a PostgreSQL database, otherwise a folder is made and taken away.
pub(super) async fn run(count: u64, url: Option<&str>) -> Result<()> {
    let folder = std::env::temp_dir().join(format!("sakimori-access-{}", std::process::id()));
    let location = url.map_or_else(|| Location::Folder(folder.clone()), |url| Location::Postgres(url.to_owned()));
    let outcome = measure(&location, count).await;
    if url.is_none() {
        let _ = std::fs::remove_dir_all(&folder);
    }
    outcome
}

async fn measure(location: &Location, count: u64) -> Result<()> {
    let store = Store::open(location).await?;
    let app = App::new(store, SystemClock);
    let by = Actor::new("bench");
    let facility = app.load_demo(&by).await?;
    let now = app.now().as_microsecond();
    println!("| what | result |\n|---|---|");

    let (started, cpu) = (Instant::now(), used()?.0);
    app.store.access_fill(&facility.id, count, (PATIENTS, USERS), (now - FIVE_YEARS, now)).await?;
    let wall = started.elapsed().as_secs_f64();
    println!("| fill {count} rows with their indexes | {wall:.1} s, {:.1} CPU s here |", used()?.0 - cpu);
    if let Location::Folder(folder) = location {
        println!("| size of the database | {} MB |", size(folder)? / 1_000_000);
    }

    let whole = (now - FIVE_YEARS, now);
    for (what, query) in [
        (
            "who opened patient P in five years, newest 100",
            AccessQuery { patient: Some("p1234".into()), limit: 100, ..AccessQuery::default() },
        ),
        (
            "what user U did in five years, newest 100",
            AccessQuery { users: Some(vec![(None, "u77".into())]), limit: 100, ..AccessQuery::default() },
        ),
        (
            "what was refused in the last month, newest 100",
            AccessQuery { undone: true, limit: 100, ..AccessQuery::default() },
        ),
    ] {
        let span = if query.undone { (now - 30 * 86_400_000_000, now) } else { whole };
        let query = AccessQuery { span, ..query };
        time(what, async || Ok(app.store.access_list(&facility.id, &query).await?.len())).await?;
    }
    time("everybody who saw something of patient P, with counts", async || {
        Ok(app.store.access_openers(&facility.id, "p1234", whole).await?.len())
    })
    .await?;
    let week = (now - 7 * 86_400_000_000, now);
    let id = facility.id.as_str();
    time("a week: activity of every account", async || Ok(app.store.burst_activity(id, week).await?.len())).await?;
    time("a week: off hours", async || Ok(app.store.burst_off_hours(id, week, (7, 21), 1, 20).await?.len())).await?;
    time("a week: two terminals", async || Ok(app.store.burst_two_terminals(id, week, 600_000_000).await?.len()))
        .await?;
    time("a week: dormant accounts", async || Ok(app.store.burst_dormant(id, week, 90 * 86_400_000_000).await?.len()))
        .await?;
    time("a week: many openers of one patient", async || Ok(app.store.burst_rush(id, week, 20).await?.len())).await?;

    report(&app, &facility, location).await?;
    receive(&app, &facility.id, 2_000, 20).await?;
    receive(&app, &facility.id, 1, 4_000).await
}

/// First and best of five.
async fn time(what: &str, ask: impl AsyncFn() -> Result<usize>) -> Result<()> {
    let mut times = Vec::new();
    let mut found = 0;
    for _ in 0..5 {
        let started = Instant::now();
        found = ask().await?;
        times.push(started.elapsed().as_secs_f64() * 1_000.0);
    }
    let best = times.iter().copied().fold(f64::INFINITY, f64::min);
    println!("| {what} | first {:.1} ms, best {best:.1} ms, {found} found |", times.first().context("times")?);
    Ok(())
}

/// The report on one patient, with a proof for each line; they are in the journal and sealed as all are, the other
/// patients' are in the index alone.
async fn report(app: &App, facility: &Facility, location: &Location) -> Result<()> {
    let spare = tempfile::tempdir()?;
    let folder = match location {
        Location::Folder(folder) => folder.as_path(),
        Location::Postgres(_) => spare.path(),
    };
    let by = Actor::new("bench");
    let access = |n: u64| {
        let at =
            Timestamp::from_microsecond(1_750_000_000_000_000 + i64::try_from(n).unwrap_or_default() * 3_600_000_000);
        let mut access = Access::new(at.unwrap_or_default(), "EMR-LOG", format!("u{}", n % 40), Act::Read);
        access.user_name = Some(format!("架空 職員{}", n % 40));
        access.patient = Some("report".to_owned());
        access.resource = Some(format!("Observation/{n}"));
        access
    };
    let accesses = (0..LINES).map(access).collect();
    let arrival = Arrival {
        source: "EMR-LOG".to_owned(),
        format: "fhir",
        parser: 1,
        bytes: b"report".to_vec(),
        accesses,
        refused: 0,
        forged: 0,
    };
    app.receive_accesses(&by, &facility.id, vec![arrival]).await?;
    let mut sealer = app.sealer(folder).await?;
    app.seal(&mut sealer).await?;
    drop(sealer);
    let options = ReportOptions { patient: "report".to_owned(), since: None, until: None, staff: StaffNames::Shown };
    time("report for patient P: paper, table and a proof for each line", async || {
        let report = app.patient_report(&by, facility, folder, &options).await?;
        ensure!(report.proved == report.lines && report.lines > 0, "{} of {}", report.proved, report.lines);
        Ok(report.proved)
    })
    .await
}

/// Takes arrivals of `each` accesses in, `calls` of them (single ones a hundred to a call).
async fn receive(app: &App, facility: &str, each: u64, arrivals: u64) -> Result<()> {
    let at_once = if each == 1 { 200 } else { 1 };
    let access = |n: u64| {
        let at = Timestamp::from_microsecond(1_700_000_000_000_000 + i64::try_from(n).unwrap_or_default() * 1_000);
        let mut access = Access::new(at.unwrap_or_default(), "EMR-LOG", format!("u{}", n % USERS), Act::Read);
        access.source_id = Some(format!("{each}-{n}"));
        access.patient = Some(format!("p{}", n * 7 % PATIENTS));
        access.resource = Some("Observation/123456".to_owned());
        access.terminal = Some(format!("PC-{}", n % 500));
        access
    };
    let mut all: Vec<Arrival> = (0..arrivals)
        .map(|a| Arrival {
            source: "EMR-LOG".to_owned(),
            format: "fhir",
            parser: 1,
            bytes: format!("{{\"resourceType\":\"AuditEvent\",\"id\":\"{a}\"}}")
                .repeat(usize::try_from(each * 20).unwrap_or(20))
                .into_bytes(),
            accesses: (0..each).map(|n| access(a * each + n)).collect(),
            refused: 0,
            forged: 0,
        })
        .collect();
    let by = Actor::new("bench");
    let (started, cpu) = (Instant::now(), used()?.0);
    while !all.is_empty() {
        let rest = all.split_off(all.len().min(at_once));
        app.receive_accesses(&by, facility, std::mem::replace(&mut all, rest)).await?;
    }
    let (wall, cpu) = (started.elapsed().as_secs_f64(), used()?.0 - cpu);
    let events = each * arrivals;
    #[expect(clippy::cast_precision_loss, reason = "counts of a benchmark")]
    let events_f = events as f64;
    println!(
        "| take in {events} accesses, {each} an arrival, {at_once} arrivals a transaction | {:.0} a second, {:.0} CPU µs each |",
        events_f / wall,
        cpu / events_f * 1e6
    );
    Ok(())
}

/// Bytes of a data folder.
fn size(folder: &std::path::Path) -> Result<u64> {
    let mut bytes = 0;
    for entry in std::fs::read_dir(folder)? {
        bytes += entry?.metadata()?.len();
    }
    Ok(bytes)
}
