//! Rows, journal, dump.

use domain::journal::Event;
use domain::ledger::{LEDGERS, Value, ledger};
use store::{Error, ImportRecord, ImportRows, Undone};
use testkit::{actor, noon, stores};

use super::{FACILITY, filled, full_row, put};

#[tokio::test]
async fn every_column_of_every_ledger_comes_back() {
    for s in stores().await {
        filled(&s.store).await;
        for of in LEDGERS {
            let rows = s.store.row_list(of, Some(FACILITY)).await.unwrap();
            assert_eq!(rows.len(), 1, "{} {}", s.name, of.name);
            assert_eq!(rows[0].row, full_row(of, 1), "{} {}", s.name, of.name);
            assert_eq!(rows[0].rev, 1);
        }
    }
}

#[tokio::test]
async fn a_change_without_an_event_is_refused() {
    let devices = ledger("devices").unwrap();
    for s in stores().await {
        let mut tx = s.store.begin(&actor(), FACILITY, noon()).await.unwrap();
        let row = full_row(devices, 1);
        tx.row_upsert(devices, &[("K".into(), row)], None).await.unwrap();
        assert!(matches!(tx.commit().await, Err(Error::Unjournaled)), "{}", s.name);
        assert_eq!(s.store.row_count(devices, FACILITY).await.unwrap(), 0, "{}", s.name);
    }
}

#[tokio::test]
async fn the_second_of_two_editors_is_told() {
    let devices = ledger("devices").unwrap();
    for s in stores().await {
        put(&s.store, devices, vec![full_row(devices, 1)]).await;
        let stored = s.store.row_list(devices, Some(FACILITY)).await.unwrap().remove(0);
        let mut edited = stored.row.clone();
        edited.insert("place", Value::Text("受付".into()));
        let save = async |row| {
            let mut tx = s.store.begin(&actor(), FACILITY, noon()).await.unwrap();
            tx.row_update(devices, &stored.key, stored.rev, row).await?;
            tx.record(Event::new("devices.update", stored.key.clone()));
            tx.commit().await
        };
        save(&edited).await.unwrap();
        let second = save(&stored.row).await.unwrap_err();
        assert!(matches!(second, Error::Conflict { .. }), "{}: {second}", s.name);
        let now = s.store.row_list(devices, Some(FACILITY)).await.unwrap().remove(0);
        assert_eq!((now.rev, &now.row), (2, &edited), "{}", s.name);
    }
}

#[tokio::test]
async fn other_facilities_are_not_touched() {
    let devices = ledger("devices").unwrap();
    for s in stores().await {
        put(&s.store, devices, vec![full_row(devices, 1)]).await;
        let mut tx = s.store.begin(&actor(), "another", noon()).await.unwrap();
        let key = s.store.row_list(devices, Some(FACILITY)).await.unwrap()[0].key.clone();
        let stolen = tx.row_update(devices, &key, 1, &full_row(devices, 2)).await;
        assert!(matches!(stolen, Err(Error::Conflict { .. })), "{}", s.name);
        drop(tx);
        assert!(s.store.row_list(devices, Some("another")).await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn an_import_is_undone_to_the_row_before() {
    let devices = ledger("devices").unwrap();
    for s in stores().await {
        put(&s.store, devices, vec![full_row(devices, 1)]).await;
        let before = s.store.row_list(devices, Some(FACILITY)).await.unwrap();
        let mut changed = before[0].row.clone();
        changed.insert("place", Value::Text("20260101".into()));
        let added = full_row(devices, 2);
        let import = ImportRecord {
            id: "i1".into(),
            ledger: "devices".into(),
            file_name: "f".into(),
            sha256: "0".into(),
            at: 1,
            added: 1,
            changed: 1,
            unchanged: 0,
            rejected: 0,
            undone: false,
        };
        let mut tx = s.store.begin(&actor(), FACILITY, noon()).await.unwrap();
        let rows = [(before[0].key.clone(), changed), (devices.row_key(&added).unwrap(), added)];
        let what = ImportRows { written: &rows, before: &before, confirmed: &[] };
        tx.import_apply(devices, &import, what).await.unwrap();
        tx.record(Event::new("devices.import", "f"));
        tx.commit().await.unwrap();
        assert_eq!(s.store.row_count(devices, FACILITY).await.unwrap(), 2);
        let undo = async || {
            let mut tx = s.store.begin(&actor(), FACILITY, noon()).await.unwrap();
            let done = tx.import_undo("i1").await?.unwrap();
            tx.record(Event::new("import.undo", "i1"));
            tx.commit().await.map(|()| done)
        };
        assert_eq!(undo().await.unwrap(), Undone { removed: 1, restored: 1 }, "{}", s.name);
        let after = s.store.row_list(devices, Some(FACILITY)).await.unwrap();
        assert_eq!(after.len(), 1);
        assert_eq!(after[0].row, before[0].row, "{}", s.name);
        assert!(matches!(undo().await, Err(Error::NotFound { .. })), "a second time there is nothing to undo");
    }
}

#[tokio::test]
async fn a_dump_moves_between_databases_unchanged() {
    let all = stores().await;
    filled(&all[0].store).await;
    let mut dumped = Vec::new();
    let count = all[0].store.dump(&mut dumped).await.unwrap();
    assert!(count > 20);
    for target in stores().await {
        let load = async |store: &store::Store| store.load(&actor(), noon(), &mut dumped.as_slice()).await;
        assert_eq!(load(&target.store).await.unwrap(), count, "{}", target.name);
        let mut again = Vec::new();
        target.store.dump(&mut again).await.unwrap();
        // One entry more: that it was loaded. The last line counts the others.
        let lines = |bytes: &[u8]| {
            let kept = |line: &&str| !line.contains("store.load") && !line.starts_with("{\"rows\"");
            let text = String::from_utf8(bytes.to_vec()).unwrap();
            let mut lines: Vec<String> = text.lines().filter(kept).map(str::to_owned).collect();
            lines.sort();
            lines
        };
        assert_eq!(lines(&again), lines(&dumped), "{}", target.name);
        assert_eq!(target.store.journal_head().await.unwrap().0, all[0].store.journal_head().await.unwrap().0 + 1);
        assert!(target.store.journal_verify().await.unwrap().is_ok());
        let twice = load(&target.store).await.unwrap_err();
        assert_eq!(twice.code(), "STO-011", "a store that is not empty is left alone");
    }
}

#[tokio::test]
async fn a_dump_that_is_cut_or_foreign_changes_nothing() {
    let source = testkit::sqlite().await;
    filled(&source.store).await;
    let mut dumped = Vec::new();
    source.store.dump(&mut dumped).await.unwrap();
    let text = String::from_utf8(dumped).unwrap();
    let cut = text.lines().take(5).collect::<Vec<_>>().join("\n");
    let strange = text.replace("\"place\"", "\"plaice\"");
    for bad in ["", "hello", "{\"format\":\"other\"}", &cut, &strange] {
        for target in stores().await {
            let error = target.store.load(&actor(), noon(), &mut bad.as_bytes()).await.unwrap_err();
            assert_eq!(error.code(), "STO-011", "{}", target.name);
            assert_eq!(target.store.journal_head().await.unwrap().0, 0);
            assert_eq!(target.store.row_count(ledger("devices").unwrap(), FACILITY).await.unwrap(), 0);
        }
    }
}
