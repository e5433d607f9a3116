//! What is exported comes back as it was.

use app::{Format, ImportOptions};
use domain::evaluate::Facility;
use domain::ledger::{Column, Kind, LEDGERS, Ledger, Row, Value};
use domain::text::tidy;
use jiff::civil::date;
use testkit::actor;

use super::{Site, assert_same, on_each};

/// What people write into cells, and what spreadsheets and readers of CSV stumble over.
const TEXTS: &[&str] = &[
    "髙橋𠮷",
    "=cmd|' /C calc'!A0",
    "+81-3-0000-0000",
    "-5",
    "@SUM(1+1)",
    "'=1+1",
    "''+1",
    "'90年代の機器",
    "「引用」と\"引用符\"、区切り,と;",
    "0012",
    "2026-04-01",
    "TRUE",
    "1e5",
    "ｶﾅ①",
];
const ROWS: usize = TEXTS.len();

/// A key that is as awkward as the other texts.
fn key(n: usize) -> String {
    tidy(&format!("{}{n:02}", ["K-", "=K", "+", "'@", "0"][n % 5]))
}

fn cell(of: &Ledger, column: &Column, n: usize) -> Value {
    let number = i64::try_from(n).unwrap();
    match column.kind {
        Kind::Text if column.name == "requirement" => {
            let catalog = domain::catalog::Catalogs::embedded().catalog("mhlw-6.0").unwrap();
            Value::Text(catalog.requirements().nth(n).unwrap().id.clone())
        }
        Kind::Text if of.key.contains(&column.name) => Value::Text(key(n)),
        Kind::Text => Value::Text(tidy(TEXTS[n])),
        Kind::Ref(to) if of.name == to.ledger => panic!("no ledger refers to itself"),
        Kind::Ref(_) => Value::Text(key(n).to_uppercase()),
        Kind::Date => Value::Date(date(1998 + i16::try_from(n).unwrap(), 2, 28)),
        Kind::YesNo => Value::YesNo(n.is_multiple_of(2)),
        Kind::Integer => Value::Integer(number * 1_000),
        Kind::Choice(choices) => Value::Text(choices[n % choices.len()].code.to_owned()),
        Kind::Set(choices) => {
            let (one, two) = (n % choices.len(), choices.len() - 1);
            let codes = if one == two { vec![one] } else { vec![one, two] };
            Value::Text(codes.iter().map(|at| choices[*at].code).collect::<Vec<_>>().join("+"))
        }
    }
}

/// Fills every column of every ledger; a facility has one row about itself.
async fn fill(site: &Site, facility: &Facility) {
    for of in LEDGERS {
        let full = |n: usize| -> Row { of.columns.iter().map(|c| (c.name, cell(of, c, n))).collect() };
        let mut rows: Vec<Row> = (0..ROWS).map(full).collect();
        if of.name == "facilities" {
            rows.truncate(1);
            rows[0].insert("no", Value::Text(facility.no.clone()));
        }
        site.put(facility, of, rows).await;
    }
}

/// The same facility, registered and nothing more.
async fn empty(site: &Site) -> Facility {
    let facility = site.facility("からの施設").await;
    assert_eq!(facility.no, "F001");
    facility
}

/// The rows of every ledger.
async fn everything(site: &Site, facility: &Facility) -> Vec<String> {
    let mut all = Vec::new();
    for of in LEDGERS {
        all.extend(site.rows(facility, of.name).await.into_iter().map(|row| format!("{} {row:?}", of.name)));
    }
    all
}

/// The files that a full facility exports, made on every database, with what is in it.
async fn exported(format: Format) -> (Vec<String>, Vec<(String, Vec<u8>)>) {
    let mut made = on_each(async |site| {
        let facility = empty(&site).await;
        fill(&site, &facility).await;
        let mut files = Vec::new();
        if format == Format::Csv {
            for of in LEDGERS {
                let bytes = site.app.export(&facility, Some(of), format, None).await.unwrap();
                files.push((format!("{}.csv", of.label.ja), bytes));
            }
        } else {
            files.push(("台帳一式.xlsx".to_owned(), site.app.export(&facility, None, format, None).await.unwrap()));
        }
        (everything(&site, &facility).await, files)
    })
    .await;
    let first = made.swap_remove(0);
    for (other, files) in &made {
        assert_eq!(*other, first.0);
        assert!(*files == first.1, "every database exports the same bytes");
    }
    first
}

#[tokio::test]
async fn a_workbook_of_everything_fills_an_empty_facility() {
    let (written, files) = exported(Format::Xlsx).await;
    let (name, bytes) = &files[0];
    on_each(async |site| {
        let facility = empty(&site).await;
        let before = site.dump().await;
        let try_first = ImportOptions { dry_run: true, ..ImportOptions::default() };
        let foreseen = site.app.import(&actor(), &facility, name, bytes, try_first).await.unwrap();
        assert_same(&before, &site.dump().await, "a dry run changes nothing");
        let report = site.import(&facility, name, bytes).await;
        assert_eq!(report.sheets.len(), LEDGERS.len());
        for (sheet, foreseen) in report.sheets.iter().zip(&foreseen.sheets) {
            assert!(sheet.rejected.is_empty(), "{}: {:?}", sheet.ledger.name, sheet.rejected);
            assert!(sheet.unmatched.is_empty(), "{}: {:?}", sheet.ledger.name, sheet.unmatched);
            assert_eq!((&sheet.added, &sheet.changed), (&foreseen.added, &foreseen.changed), "{}", sheet.ledger.name);
            assert!(foreseen.rejected.is_empty() && foreseen.import.is_none(), "{}", sheet.ledger.name);
        }
        let read = everything(&site, &facility).await;
        for (one, other) in written.iter().zip(&read) {
            assert_eq!(one, other, "{}", site.name);
        }
        assert_eq!(written.len(), read.len());
    })
    .await;
}

#[tokio::test]
async fn a_csv_per_ledger_fills_an_empty_facility() {
    let (written, files) = exported(Format::Csv).await;
    for (name, bytes) in &files {
        let text = std::str::from_utf8(bytes).unwrap();
        let formula = |cell: &str| cell.trim_matches('"').starts_with(['=', '+', '@']);
        assert!(!text.lines().flat_map(|line| line.split(',')).any(formula), "{name} would run in a spreadsheet");
    }
    on_each(async |site| {
        let facility = empty(&site).await;
        for (name, outcome) in site.app.import_folder(&actor(), &facility, &files).await.unwrap() {
            let report = outcome.unwrap_or_else(|error| panic!("{name}: {error}"));
            for sheet in &report.sheets {
                assert_eq!(name, format!("{}.csv", sheet.ledger.label.ja));
                assert!(sheet.rejected.is_empty() && sheet.unmatched.is_empty(), "{name}: {:?}", sheet.rejected);
            }
        }
        let read = everything(&site, &facility).await;
        for (one, other) in written.iter().zip(&read) {
            assert_eq!(one, other, "{}", site.name);
        }
        assert_eq!(written.len(), read.len());
    })
    .await;
}

#[tokio::test]
async fn the_json_holds_every_cell() {
    let (written, files) = exported(Format::Json).await;
    let all: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(&files[0].1).unwrap();
    let mut rows = 0;
    for of in LEDGERS {
        let listed = all[of.name].as_array().unwrap();
        rows += listed.len();
        for row in listed {
            let held: Vec<&str> = row.as_object().unwrap().keys().map(String::as_str).collect();
            let missing: Vec<&str> = of.columns.iter().map(|c| c.name).filter(|name| !held.contains(name)).collect();
            assert!(missing.is_empty(), "{}: {missing:?}", of.name);
        }
        for column in of.columns.iter().filter(|_| of.name != "facilities") {
            for n in 0..ROWS {
                let cell = serde_json::to_value(cell(of, column, n)).unwrap();
                assert!(listed.iter().any(|row| row[column.name] == cell), "{}.{}: {cell}", of.name, column.name);
            }
        }
    }
    assert_eq!(rows, written.len());
}
