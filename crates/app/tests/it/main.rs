//! The use cases through their public door, the same tests on SQLite and PostgreSQL.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

mod access;
mod audit_folder;
mod authenticator;
mod bucket;
mod changes;
mod clinic;
mod demo;
mod deputies;
mod evidence;
mod facts;
mod feed;
mod identity;
mod jobs;
mod kept;
mod kill;
mod lease;
mod ledgers;
mod machines;
mod mail;
mod monthly;
mod random;
mod requests;
mod requirement;
mod retention;
mod rounds;
mod roundtrip;
mod seal;
mod stage;
mod support;
mod tasks;
mod trail;
mod undo;
mod workflow;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use app::{App, Assessment, Clock, ImportOptions, ImportReport, NewFacility};
use domain::evaluate::{Evidence, Facility};
use domain::journal::Event;
use domain::ledger::{Ledger, Row, Value, ledger};
use domain::text::Lang;
use jiff::Timestamp;
use jiff::civil::Date;
use serde_json::Value as Json;
use store::Store;
use testkit::{actor, noon, stores};

/// A clock that tests turn.
#[derive(Clone)]
pub(crate) struct Dial(Arc<AtomicI64>);

impl Clock for Dial {
    fn now(&self) -> Timestamp {
        Timestamp::from_microsecond(self.0.load(Ordering::Relaxed)).unwrap()
    }
}

/// The product on one of the databases, at noon in Japan of the tests' day.
pub(crate) struct Site {
    pub(crate) app: App,
    /// Name of the database, for messages.
    pub(crate) name: &'static str,
    dial: Dial,
}

/// Runs a test on an empty installation on every database; what came out on each.
pub(crate) async fn on_each<T>(test: impl AsyncFn(Site) -> T) -> Vec<T> {
    let mut outcomes = Vec::new();
    for s in stores().await {
        outcomes.push(test(Site::new(s.store, s.name)).await);
    }
    outcomes
}

impl Site {
    /// The product over a store.
    pub(crate) fn new(store: Store, name: &'static str) -> Self {
        let dial = Dial(Arc::new(AtomicI64::new(noon().as_microsecond())));
        Self { app: App::new(store, dial.clone()), name, dial }
    }

    /// Turns the clock to noon (Japan) of a day.
    pub(crate) fn on(&self, day: &str) {
        self.at(&format!("{day}T03:00:00Z"));
    }

    /// Turns the clock to an instant.
    pub(crate) fn at(&self, instant: &str) {
        let at: Timestamp = instant.parse().unwrap();
        self.dial.0.store(at.as_microsecond(), Ordering::Relaxed);
    }

    /// Registers a facility.
    pub(crate) async fn facility(&self, name: &str) -> Facility {
        self.app.add_facility(&actor(), NewFacility { name: name.to_owned(), ..NewFacility::default() }).await.unwrap()
    }

    /// Imports a file that has to be readable.
    pub(crate) async fn import(&self, facility: &Facility, name: &str, bytes: &[u8]) -> ImportReport {
        let outcome = self.app.import(&actor(), facility, name, bytes, ImportOptions::default()).await;
        outcome.unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// Writes rows by hand, as they stand.
    pub(crate) async fn put(&self, facility: &Facility, of: &'static Ledger, rows: Vec<Row>) {
        let mut tx = self.app.store.begin(&actor(), &facility.id, self.app.now()).await.unwrap();
        let keyed: Vec<(String, Row)> = rows.into_iter().map(|r| (of.row_key(&r).unwrap(), r)).collect();
        tx.row_upsert(of, &keyed, None).await.unwrap();
        tx.record(Event::new("test.put", of.name));
        tx.commit().await.unwrap();
    }

    /// Everything stored, as a dump has it: one line a row.
    pub(crate) async fn dump(&self) -> BTreeSet<String> {
        let mut out = Vec::new();
        self.app.store.dump(&mut out).await.unwrap();
        String::from_utf8(out).unwrap().lines().map(str::to_owned).collect()
    }

    /// The same without what tells how it came to be so, and without revisions, which only grow.
    pub(crate) async fn state(&self) -> BTreeSet<String> {
        let lines: Vec<Json> = self.dump().await.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
        let history = ["journal", "imports", "import_rows"];
        lines
            .into_iter()
            .filter(|line| line["table"].as_str().is_some_and(|table| !history.contains(&table)))
            .map(|mut line| {
                line["row"].as_object_mut().unwrap().remove("rev");
                line.to_string()
            })
            .collect()
    }

    /// The rows of a ledger, by key.
    pub(crate) async fn rows(&self, facility: &Facility, of: &str) -> BTreeMap<String, Row> {
        let of = ledger(of).unwrap();
        let rows = self.app.store.row_list(of, Some(&facility.id)).await.unwrap();
        rows.into_iter().map(|stored| (stored.key, stored.row)).collect()
    }
}

/// Fails with what is only in one of two dumps.
pub(crate) fn assert_same(before: &BTreeSet<String>, after: &BTreeSet<String>, what: &str) {
    let (lost, come): (Vec<_>, Vec<_>) = (before.difference(after).collect(), after.difference(before).collect());
    assert!(lost.is_empty() && come.is_empty(), "{what}\nlost: {lost:#?}\ncome: {come:#?}");
}

/// A file of the sample ledgers.
pub(crate) fn sample(folder: &str, name: &str) -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../testkit/samples").join(folder).join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A row of a ledger from what people would type.
pub(crate) fn row(of: &str, cells: &[(&str, &str)]) -> Row {
    let of = ledger(of).unwrap();
    cells
        .iter()
        .map(|(name, text)| {
            let column = of.column(name).unwrap();
            (column.name, column.parse(text).unwrap().unwrap())
        })
        .collect()
}

/// A text cell.
pub(crate) fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

/// A date cell.
pub(crate) fn day(text: &str) -> Value {
    Value::Date(text.parse::<Date>().unwrap())
}

/// Everything that follows from an assessment, of every edition: requirement, verdict, reasons, what to do.
pub(crate) fn judged(assessment: &Assessment) -> Vec<String> {
    let mut all = Vec::new();
    for catalog in assessment.editions() {
        for finding in assessment.findings(&catalog.id).unwrap() {
            all.push(format!(
                "{} {} {:?} until {:?}: {} | {}",
                finding.requirement.id,
                finding.verdict.code(),
                finding.confirmed_on(),
                finding.holds_until,
                finding.reasons(Lang::Ja).join(" "),
                finding.next_actions(Lang::Ja).join(" "),
            ));
        }
    }
    all
}

/// Evidence in an order that does not depend on hashing.
pub(crate) fn canonical(evidence: &Evidence) -> String {
    fn sorted<K: Ord + Debug, V: Debug>(map: impl IntoIterator<Item = (K, V)>) -> Vec<String> {
        map.into_iter().collect::<BTreeMap<K, V>>().into_iter().map(|pair| format!("{pair:?}")).collect()
    }
    [
        vec![format!("{:?} {:?}", evidence.facility, evidence.updates_by_vendor)],
        sorted(&evidence.facts),
        sorted(&evidence.documents),
        sorted(&evidence.records),
        sorted(&evidence.attestations),
        sorted(&evidence.areas),
    ]
    .concat()
    .join("\n")
}
