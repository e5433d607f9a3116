//! Benchmarks on synthetic facilities: what one and many cost, beside the cost of reading the rows at all.

mod access;
mod client;
mod cut;
mod intake;
mod seal;
mod server;
mod web;

use std::fmt::Write as _;
use std::time::Instant;

use anyhow::{Context as _, Result, bail};
use app::{App, Count, ImportOptions, SystemClock};
use domain::evaluate::plus;
use domain::journal::{Actor, Event};
use domain::ledger::{Kind, Ledger, Row, Value, ledger};
use jiff::civil::Date;
use store::{Location, Store};

/// What can be measured.
pub(crate) const USAGE: &str = "bench assess [FACILITIES] [DATABASE-URL] | bench import | bench write | bench seal [DATABASE-URL] \
    | bench web [DATABASE-URL] | bench rows [DATABASE-URL] | bench access [COUNT] [DATABASE-URL] | bench intake [DATABASE-URL] \
    | bench cut [DATABASE-URL]";

/// Devices and accounts of one synthetic facility.
const DEVICES: usize = 300;
const ACCOUNTS: usize = 500;
const PEOPLE: usize = 150;

pub(crate) async fn run(words: &[&str]) -> Result<()> {
    match words {
        ["assess"] => assess(&[10, 100, 1_000], None).await,
        ["assess", count] => assess(&[count.parse()?], None).await,
        ["assess", count, url] => assess(&[count.parse()?], Some(url)).await,
        ["import"] => import().await,
        ["write"] => write().await,
        ["seal"] => seal::run(None).await,
        ["seal", url] => seal::run(Some(url)).await,
        ["access"] => access::run(1_000_000, None).await,
        ["access", count] => access::run(count.parse()?, None).await,
        ["access", count, url] => access::run(count.parse()?, Some(url)).await,
        ["web"] => web::run(None).await,
        ["web", url] => web::run(Some(url)).await,
        ["rows"] => web::rows(None).await,
        ["rows", url] => web::rows(Some(url)).await,
        ["cut"] => cut::run(None).await,
        ["cut", url] => cut::run(Some(url)).await,
        ["intake"] => intake::run(None).await,
        ["intake", url] => intake::run(Some(url)).await,
        _ => bail!("{USAGE}"),
    }
}

/// CPU seconds and peak memory (MB) of this process so far.
fn used() -> Result<(f64, f64)> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let peak = status.lines().find_map(|l| l.strip_prefix("VmHWM:")).unwrap_or_default();
    let peak: f64 = peak.trim().trim_end_matches(" kB").parse().unwrap_or_default();
    Ok((cpu_of("/proc/self/stat")?, peak / 1024.0))
}

/// CPU seconds of a process so far, from its line of the kernel.
fn cpu_of(stat: &str) -> Result<f64> {
    let stat = std::fs::read_to_string(stat)?;
    let after = stat.rsplit_once(") ").context("stat")?.1;
    let ticks = |n: usize| after.split(' ').nth(n).and_then(|t| t.parse::<f64>().ok()).unwrap_or_default();
    Ok((ticks(11) + ticks(12)) / 100.0)
}

fn row(of: &'static Ledger, n: usize, today: Date) -> Row {
    let mut row = Row::new();
    for (at, column) in of.columns.iter().enumerate() {
        let dice = (n * 31 + at * 17) % 10;
        if dice == 9 && !column.required {
            continue;
        }
        let value = match column.kind {
            Kind::Text => Value::Text(format!("{}{n}", column.name)),
            Kind::Date => Value::Date(plus(today, -(i32::try_from(n % 500).unwrap_or(0)))),
            Kind::YesNo => Value::YesNo(dice < 7),
            Kind::Integer => Value::Integer(i64::try_from(n % 15).unwrap_or(0)),
            Kind::Choice(of) => match of.get((n + at) % of.len()) {
                Some(choice) => Value::Text(choice.code.to_owned()),
                None => continue,
            },
            Kind::Set(of) => match of.get(dice % of.len()) {
                Some(choice) => Value::Text(choice.code.to_owned()),
                None => continue,
            },
            Kind::Ref(reference) => match reference.ledger {
                "systems" => Value::Text(format!("NO{}", n % 4)),
                "people" => Value::Text(format!("NO{}", n % PEOPLE)),
                _ => Value::Text(format!("NO{}", n % 3)),
            },
        };
        row.insert(column.name, value);
    }
    if let Some(no) = of.column("no") {
        row.insert(no.name, Value::Text(format!("NO{n}")));
    }
    if of.name == "devices" {
        let os = match n % 3 {
            0 => "Windows 11 Pro 24H2",
            1 => "Windows 10 Pro 22H2",
            _ => "Debian GNU/Linux 12",
        };
        row.insert("status", Value::Text("in_use".to_owned()));
        row.insert("os", Value::Text(os.to_owned()));
    }
    row
}

/// Fills a store with facilities of 300 devices and 500 accounts.
async fn fill(store: &Store, facilities: usize) -> Result<()> {
    let (actor, now) = (Actor::new("bench"), jiff::Timestamp::now());
    let today = domain::jp::day_in_japan(now);
    for f in 0..facilities {
        let mut tx = store.begin(&actor, &format!("f{f:06}"), now).await?;
        for (name, count) in [
            ("facilities", 1),
            ("people", PEOPLE),
            ("vendors", 3),
            ("systems", 4),
            ("logins", 8),
            ("devices", DEVICES),
            ("accounts", ACCOUNTS),
            ("contracts", 4),
            ("vendor_answers", 40),
            ("routes", 2),
            ("documents", 30),
            ("records", 40),
        ] {
            let of = ledger(name).with_context(|| name.to_owned())?;
            let rows: Vec<(String, Row)> = (0..count)
                .filter_map(|n| {
                    let row = row(of, if name == "facilities" { f } else { n }, today);
                    of.row_key(&row).map(|key| (key, row))
                })
                .collect();
            tx.row_upsert(of, &rows, None).await?;
        }
        tx.record(Event::new("bench.fill", f.to_string()));
        tx.commit().await?;
    }
    store.analyze().await.map_err(Into::into)
}

async fn assess(counts: &[usize], url: Option<&str>) -> Result<()> {
    println!(
        "| facilities | rows | fill s | assess all: s | CPU s | requirements judged | µs / facility | µs / row | reading the rows alone: s | ratio | one facility ms | peak MB |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|---|---|");
    for &count in counts {
        let folder = tempfile::tempdir()?;
        let location =
            url.map_or_else(|| Location::Folder(folder.path().to_owned()), |u| Location::Postgres(u.to_owned()));
        let start = Instant::now();
        let store = Store::open(&location).await?;
        fill(&store, count).await?;
        let filled = start.elapsed().as_secs_f64();
        let app = App::new(store, SystemClock);

        // The floor: what it takes to read the same rows once, without asking anything.
        let start = Instant::now();
        let mut rows = 0_u64;
        for name in ["devices", "accounts", "people", "systems", "documents", "records", "vendor_answers"] {
            rows += app.store.row_scan(ledger(name).context("ledger")?).await?;
        }
        let floor = start.elapsed().as_secs_f64();

        let (cpu, _) = used()?;
        let start = Instant::now();
        let all = app.assess_all().await?;
        let mut judged = 0;
        let mut holds = 0;
        for assessment in &all {
            for edition in assessment.editions() {
                let findings = assessment.findings(&edition.id)?;
                judged += findings.len();
                holds += Count::of(&findings).readiness().0;
            }
        }
        let took = start.elapsed().as_secs_f64();
        let (cpu_after, peak) = used()?;
        let facility = all.first().map(|a| a.evidence.facility.clone()).context("no facility")?;
        drop(all);
        let mut one = f64::MAX;
        for _ in 0..5 {
            let start = Instant::now();
            let assessment = app.assess(&facility).await?;
            for edition in assessment.editions() {
                holds += Count::of(&assessment.findings(&edition.id)?).readiness().0;
            }
            one = one.min(start.elapsed().as_secs_f64());
        }
        assert!(holds > 0, "nothing holds: the synthetic data is wrong");
        println!(
            "| {count} | {rows} | {filled:.1} | {took:.2} | {:.2} | {judged} | {:.0} | {:.2} | {floor:.2} | {:.1} | {:.1} | {peak:.0} |",
            cpu_after - cpu,
            took * 1e6 / count as f64,
            took * 1e6 / rows as f64,
            took / floor,
            one * 1e3,
        );
    }
    Ok(())
}

/// A device ledger of `rows` rows as CSV.
fn device_csv(rows: usize) -> String {
    let mut csv =
        "機器台帳\n\n管理番号,機器名,種別,OS・バージョン,設置場所,IPアドレス,購入日,使用者,暗号化,持出し\n".to_owned();
    for n in 0..rows {
        let _ = writeln!(
            csv,
            "ＰＣ－{n:06},診察室{}端末,端末,Windows 11 Pro 24H2,診察室{},192.168.{}.{},令和{}年4月1日,S{:03},{},いいえ",
            n % 20,
            n % 20,
            n / 250 % 250,
            n % 250,
            2 + n % 6,
            n % 150,
            if n % 3 == 0 { "○" } else { "無" },
        );
    }
    csv
}

async fn import() -> Result<()> {
    println!("| file | rows | dry run s | import s | same file again s | undo s | peak MB |");
    println!("|---|---|---|---|---|---|---|");
    for (name, rows) in [("10k.xlsx", 10_000), ("100k.csv", 100_000)] {
        let bytes = if name.ends_with("xlsx") {
            let lines: Vec<Vec<String>> =
                device_csv(rows).lines().skip(2).map(|l| l.split(',').map(str::to_owned).collect()).collect();
            workbook(&lines)?
        } else {
            device_csv(rows).into_bytes()
        };
        let folder = tempfile::tempdir()?;
        let app = App::new(Store::open(&Location::Folder(folder.path().to_owned())).await?, SystemClock);
        let actor = Actor::new("bench");
        let facility = app
            .add_facility(&actor, app::NewFacility { name: "試験クリニック".to_owned(), ..Default::default() })
            .await?;
        let run = async |dry_run| -> Result<(f64, app::ImportReport)> {
            let start = Instant::now();
            let report = app.import(&actor, &facility, name, &bytes, ImportOptions { ledger: None, dry_run }).await?;
            Ok((start.elapsed().as_secs_f64(), report))
        };
        let (dry, _) = run(true).await?;
        let (first, report) = run(false).await?;
        let sheet = report.sheets.first().context("no sheet")?;
        assert_eq!(sheet.added.len(), rows, "every row went in");
        let import = sheet.import.clone().context("no import")?;
        let (again, report) = run(false).await?;
        assert_eq!(report.sheets.first().map(|s| s.unchanged), Some(rows), "nothing changed the second time");
        let confirmed = report.sheets.first().and_then(|s| s.import.clone()).context("no import")?;
        app.undo_import(&actor, &facility, &confirmed).await?;
        let start = Instant::now();
        app.undo_import(&actor, &facility, &import).await?;
        let undo = start.elapsed().as_secs_f64();
        println!("| {name} | {rows} | {dry:.2} | {first:.2} | {again:.2} | {undo:.2} | {:.0} |", used()?.1);
    }
    Ok(())
}

fn workbook(lines: &[Vec<String>]) -> Result<Vec<u8>> {
    let (head, body) = lines.split_first().context("empty")?;
    let sheet = report::Sheet {
        name: "機器台帳".to_owned(),
        titles: Vec::new(),
        columns: head.iter().map(|h| report::SheetColumn { head: h.clone(), kind: report::Kind::Text }).collect(),
        rows: body.iter().map(|l| l.iter().map(|c| report::SheetCell::Text(c.clone())).collect()).collect(),
        orientation: report::Orientation::Portrait,
    };
    let book = report::Workbook {
        title: "bench".to_owned(),
        created_on: jiff::civil::date(2026, 1, 1),
        lang: domain::text::Lang::Ja,
        sheets: vec![sheet],
        notes: Vec::new(),
    };
    Ok(report::workbook(&book)?)
}

/// One change by one person: a row update with its journal entry, durable on disk.
async fn write() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let store = Store::open(&Location::Folder(folder.path().to_owned())).await?;
    fill(&store, 1).await?;
    let attestations = ledger("attestations").context("attestations")?;
    let (actor, rounds) = (Actor::new("bench"), 500_u32);
    let (cpu, _) = used()?;
    let start = Instant::now();
    for n in 0..rounds {
        let row = Row::from([
            ("requirement", Value::Text(format!("mhlw-7.0/unyo/{n}"))),
            ("answer", Value::Text("yes".to_owned())),
        ]);
        let mut tx = store.begin(&actor, "f000000", jiff::Timestamp::now()).await?;
        tx.row_upsert(attestations, &[(format!("K{n}"), row)], None).await?;
        tx.record(Event::new("attestations.set", n.to_string()));
        tx.commit().await?;
    }
    let took = start.elapsed().as_secs_f64();
    println!(
        "status change: {:.2} ms wall, {:.2} ms CPU",
        took * 1e3 / f64::from(rounds),
        (used()?.0 - cpu) * 1e3 / f64::from(rounds)
    );
    Ok(())
}
