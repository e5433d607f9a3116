//! What happens when the world does not play along.

use domain::journal::Event;
use domain::ledger::ledger;
use store::{Error, Location, Store};
use testkit::{Chaos, actor, noon};

use super::{FACILITY, full_row, put};

#[tokio::test]
async fn a_second_process_on_one_folder_is_told() {
    let first = testkit::sqlite().await;
    let second = Store::open(&first.location).await.err().unwrap();
    assert!(matches!(second, Error::InUse { .. }), "{second}");
    let location = first.location.clone();
    drop(first.store);
    // The lock goes with its holder; the folder opens again while the test still keeps it.
    assert!(Store::open(&location).await.is_ok());
}

#[tokio::test]
async fn a_folder_that_cannot_be_made_is_named() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let error = Store::open(&Location::Folder(file.path().join("data"))).await.err().unwrap();
    assert_eq!(error.code(), "STO-005");
    assert!(error.to_string().contains("data"));
}

#[tokio::test]
async fn a_failed_migration_leaves_the_state_before_it() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    std::fs::create_dir(&data).unwrap();
    let file = data.join("sakimori.db");
    let sql = |text: &str| {
        let out = std::process::Command::new("sqlite3").arg(&file).arg(text).output().expect("sqlite3");
        String::from_utf8(out.stdout).unwrap()
    };
    // A table in the way of the last but one statement of the migration.
    sql("CREATE TABLE agent_keys (kept TEXT); INSERT INTO agent_keys VALUES ('mine');");
    let error = Store::open(&Location::Folder(data)).await.err().unwrap();
    assert_eq!(error.code(), "STO-007", "{error}");
    assert_eq!(sql("SELECT kept FROM agent_keys").trim(), "mine");
    assert_eq!(sql("SELECT COUNT(*) FROM sqlite_master WHERE name = 'devices'").trim(), "0", "rolled back as a whole");
}

#[tokio::test]
async fn data_of_a_newer_version_is_not_opened() {
    let s = testkit::sqlite().await;
    let Location::Folder(data) = s.location.clone() else { panic!() };
    drop(s.store);
    let status = std::process::Command::new("sqlite3")
        .arg(data.join("sakimori.db"))
        .arg("INSERT INTO seaql_migrations (version, applied_at) VALUES ('9999_future', 0)")
        .status()
        .expect("sqlite3");
    assert!(status.success());
    assert_eq!(Store::open(&s.location).await.err().unwrap().code(), "STO-008");
}

#[tokio::test]
async fn a_changed_journal_is_found() {
    let s = testkit::sqlite().await;
    let devices = ledger("devices").unwrap();
    for n in 0..5 {
        put(&s.store, devices, vec![full_row(devices, n)]).await;
    }
    assert_eq!(s.store.journal_verify().await.unwrap(), Ok(5));
    let Location::Folder(data) = s.location.clone() else { panic!() };
    drop(s.store);
    let status = std::process::Command::new("sqlite3")
        .arg(data.join("sakimori.db"))
        .arg("UPDATE journal SET entry = replace(entry, 'test.put', 'test.pat') WHERE seq = 3")
        .status()
        .expect("sqlite3");
    assert!(status.success());
    let store = Store::open(&s.location).await.unwrap();
    assert_eq!(store.journal_verify().await.unwrap().unwrap_err().seq, 3);
}

#[tokio::test]
async fn postgres_that_is_away_is_said_and_comes_back() {
    let nowhere = Location::Postgres("postgres://nobody@127.0.0.1:9/none".to_owned());
    assert_eq!(Store::open(&nowhere).await.err().unwrap().code(), "STO-003");

    let Some(url) = testkit::fresh_postgres() else { return };
    let (head, rest) = url.split_once('@').unwrap();
    let (host, database) = rest.split_once('/').unwrap();
    let chaos = Chaos::to(host.parse().unwrap()).await;
    let store = Store::open(&Location::Postgres(format!("{head}@{}/{database}", chaos.address))).await.unwrap();
    let devices = ledger("devices").unwrap();
    put(&store, devices, vec![full_row(devices, 1)]).await;

    let mut tx = store.begin(&actor(), FACILITY, noon()).await.unwrap();
    tx.row_upsert(devices, &[("LOST".into(), full_row(devices, 2))], None).await.unwrap();
    tx.record(Event::new("test.put", "devices"));
    chaos.break_off();
    assert_eq!(tx.commit().await.unwrap_err().code(), "STO-003", "the commit did not arrive");
    assert_eq!(store.journal_head().await.unwrap_err().code(), "STO-003");

    chaos.mend();
    assert_eq!(store.row_count(devices, FACILITY).await.unwrap(), 1, "nothing half-written");
    put(&store, devices, vec![full_row(devices, 3)]).await;
    assert_eq!(store.journal_verify().await.unwrap(), Ok(2));
}
