//! The demonstration clinic: fictional, modelled on the failures of real incidents.
//!
//! Its ledgers are CSV files written as of [`ANCHOR`]; on loading, every date moves by the days passed
//! since, so that what is overdue stays overdue. They go through the same reader as everybody's files.

mod audit;
mod months;
mod rounds;
mod week;

use domain::access::Access;
use domain::evaluate::{Facility, plus};
use domain::journal::{Actor, Event};
use domain::ledger::{LEDGERS, Row, Value};
use intake::table::{self, Mapping};
use jiff::civil::{Date, date};
use uuid::Uuid;

use crate::App;
use crate::access::Arrival;
use crate::error::{Error, Result};

/// The day on which the demonstration's dates are as written.
const ANCHOR: Date = date(2026, 11, 22);

macro_rules! ledgers {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("../demo/", $name, ".csv")))),*]
    };
}

/// Ledger and its CSV.
const FILES: &[(&str, &str)] = ledgers![
    "facilities",
    "people",
    "vendors",
    "systems",
    "logins",
    "devices",
    "accounts",
    "contracts",
    "vendor_answers",
    "routes",
    "documents",
    "records",
    "attestations",
    "loans",
    "byod",
    "disposals",
    "attendance",
    "overrides",
    "log_sources",
    "work_plans",
];

impl App {
    /// Loads the demonstration clinic into an empty installation.
    ///
    /// # Errors
    /// When any facility is registered already: demonstration and real data never mix.
    pub async fn load_demo(&self, actor: &Actor) -> Result<Facility> {
        if !self.store.facility_list().await?.is_empty() {
            return Err(Error::invalid(
                "DEM-001",
                "デモは空のデータフォルダにだけ読み込めます。実際のデータと混ぜないため、別のフォルダを指定してください。",
            ));
        }
        let days = ANCHOR.until(self.today()).map_or(0, |span| span.get_days());
        let mut tx = self.store.begin(actor, &Uuid::now_v7().to_string(), self.now()).await?;
        for ledger in LEDGERS {
            let Some((name, text)) = FILES.iter().find(|(name, _)| *name == ledger.name) else { continue };
            let internal = |message: String| Error::Internal { message: format!("demo/{name}.csv {message}") };
            let book = table::read(&format!("{name}.csv"), text.as_bytes()).map_err(|e| internal(format!("{e:?}")))?;
            let sheet = book.sheets.first().ok_or_else(|| internal("empty".to_owned()))?;
            let read =
                table::recognise(sheet, name, Some(ledger), &Mapping::new()).map_err(|e| internal(format!("{e:?}")))?;
            let mut rows = Vec::new();
            for parsed in read.rows() {
                if let Some(problem) = parsed.problems.first() {
                    return Err(internal(format!("{}: {problem}", parsed.line)));
                }
                let row: Row = parsed.row.into_iter().map(|(column, value)| (column, shifted(value, days))).collect();
                let key = ledger.row_key(&row).ok_or_else(|| internal(format!("{}", parsed.line)))?;
                rows.push((key, row));
            }
            tx.row_upsert(ledger, &rows, None).await?;
        }
        // A clinic is small: five people at one record are many.
        let rules = [(domain::threshold::REVIEW_RUSH.name.to_owned(), 5)];
        tx.review_set(&rules).await?;
        audit::requests(&mut tx, self.today()).await?;
        rounds::circulars(&mut tx, self.today()).await?;
        tx.record(Event::new("demo.load", "demo"));
        tx.commit().await?;
        let facility = self.facility(None).await?;
        let arrivals = week::week(self.today()).into_iter().map(|week::Feed { source, accesses }| Arrival {
            source: source.to_owned(),
            format: "table",
            parser: 1,
            bytes: written(&accesses).into_bytes(),
            accesses,
            refused: 0,
            forged: 0,
        });
        self.receive_accesses(actor, &facility.id, arrivals.collect()).await?;
        self.find_cases(actor, &facility).await?;
        let assessment = self.assess(&facility).await?;
        self.demo_months(actor, &assessment).await?;
        self.count_verdicts(actor).await?;
        self.store.analyze().await?;
        Ok(facility)
    }
}

/// The file that the accesses are said to have come in.
fn written(accesses: &[Access]) -> String {
    let line = |access: &Access| {
        let patient = access.patient.as_deref().unwrap_or_default();
        format!("{},{},{},{}\r\n", access.user, access.at, access.act.label().ja, patient)
    };
    format!("利用者ID,日時,操作,患者ID\r\n{}", accesses.iter().map(line).collect::<String>())
}

fn shifted(value: Value, days: i32) -> Value {
    match value {
        Value::Date(day) => Value::Date(plus(day, days)),
        other => other,
    }
}
