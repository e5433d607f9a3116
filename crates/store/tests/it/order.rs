//! Lists are in one order on both databases, also where PostgreSQL has a locale of its own.

use std::process::Command;

use domain::ledger::{Row, Value, ledger};
use jiff::civil::Date;
use store::{Location, Store};

use super::{FACILITY, put};

/// An empty PostgreSQL database that sorts as English dictionaries do, where there is a server.
fn with_a_locale() -> Option<Location> {
    let url = testkit::fresh_postgres()?;
    let (server, name) = url.rsplit_once('/').unwrap();
    for sql in [
        format!("DROP DATABASE {name}"),
        format!("CREATE DATABASE {name} TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'en-US'"),
    ] {
        let done = Command::new("psql").args([&format!("{server}/postgres"), "-qc", &sql]).status();
        assert!(done.expect("psql").success(), "{sql}");
    }
    Some(Location::Postgres(url))
}

/// Keys of devices as they are listed, and as the offenders of a fact are.
async fn listed(store: &Store) -> (Vec<String>, Vec<String>) {
    let devices = ledger("devices").unwrap();
    let rows = ["b-1", "A-2", "a1", "あ", "B", "_x", "ア", "漢", "a-1", "Ａ9"].map(|no| {
        let text = |text: &str| Value::Text(text.to_owned());
        Row::from([("no", text(no)), ("name", text("端末")), ("kind", text("terminal"))])
    });
    put(store, devices, rows.to_vec()).await;
    let listed = store.row_list(devices, Some(FACILITY)).await.unwrap();
    let today: Date = "2026-11-22".parse().unwrap();
    let offenders = store.offender_list("device.registered", FACILITY, today).await.unwrap();
    (listed.into_iter().map(|row| row.key).collect(), offenders.into_iter().map(|o| o.key).collect())
}

#[tokio::test]
async fn a_locale_of_the_database_changes_no_order() {
    let sqlite = listed(&testkit::sqlite().await.store).await;
    assert_eq!((sqlite.0.len(), sqlite.1.len()), (10, 10));
    let Some(location) = with_a_locale() else { return };
    let store = Store::open(&location).await.unwrap();
    assert_eq!(listed(&store).await, sqlite);
    drop(store);
    // Opened again, there is nothing left to alter.
    let store = Store::open(&location).await.unwrap();
    assert_eq!(store.row_count(ledger("devices").unwrap(), FACILITY).await.unwrap(), 10);
}
