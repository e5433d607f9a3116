//! What tests need and the product must not have: stores on both databases, a breakable network, a
//! fixed day.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr, reason = "test support")]

mod bucket;
mod chaos;
pub mod sink;
mod tsa;

use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use domain::journal::Actor;
use jiff::Timestamp;
use store::{Location, Store};
use tempfile::TempDir;

pub use bucket::{Fault, Heeds, S3};
pub use chaos::Chaos;
pub use tsa::Tsa;

/// The day of the tests: 2026-11-22, noon in Japan.
pub fn noon() -> Timestamp {
    "2026-11-22T03:00:00Z".parse().unwrap()
}

/// Who acts in tests.
pub fn actor() -> Actor {
    Actor::new("test")
}

/// An empty store on one of the databases.
pub struct TestStore {
    /// The store.
    pub store: Store,
    /// Where it is.
    pub location: Location,
    /// `sqlite` or `postgres`, for messages.
    pub name: &'static str,
    _folder: Option<TempDir>,
}

/// An empty store on every database there is: SQLite always, PostgreSQL when `TEST_PG` names a server on which
/// databases may be made.
pub async fn stores() -> Vec<TestStore> {
    let mut all = vec![sqlite().await];
    match fresh_postgres() {
        Some(url) => {
            let location = Location::Postgres(url);
            let store = Store::open(&location).await.expect("PostgreSQL");
            all.push(TestStore { store, location, name: "postgres", _folder: None });
        }
        None => eprintln!("TEST_PG is not set: the PostgreSQL half of this test was skipped"),
    }
    all
}

/// An empty store on SQLite.
pub async fn sqlite() -> TestStore {
    let folder = tempfile::tempdir().unwrap();
    let location = Location::Folder(folder.path().join("data"));
    let store = Store::open(&location).await.expect("SQLite");
    TestStore { store, location, name: "sqlite", _folder: Some(folder) }
}

/// URL of a new, empty database on the server that `TEST_PG` names.
pub fn fresh_postgres() -> Option<String> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let server = std::env::var("TEST_PG").ok()?;
    let name = format!("t{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
    // A server that lives longer than one run has met this process number before.
    let dropped = Command::new("psql")
        .args([&format!("{server}/postgres"), "-qc", &format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")])
        .stderr(std::process::Stdio::null())
        .status();
    assert!(dropped.expect("psql").success());
    let made = Command::new("psql")
        .args([&format!("{server}/postgres"), "-qc", &format!("CREATE DATABASE {name}")])
        .status()
        .expect("psql");
    assert!(made.success(), "CREATE DATABASE {name}");
    Some(format!("{server}/{name}"))
}
