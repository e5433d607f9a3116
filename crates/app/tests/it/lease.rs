//! One sealer over many nodes: who seals, who takes over, and that there is never a second history.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use app::{App, Sealed, SystemClock};
use domain::journal::{Actor, Event};
use store::{Location, Store};
use tempfile::TempDir;
use testkit::{actor, fresh_postgres};

use super::on_each;

async fn stage(app: &App, count: u32) {
    let events = (0..count).map(|n| Event::new("access.read", n.to_string())).collect();
    app.stage(&Actor::new("test"), "f", events).await.unwrap();
}

/// The refusal of a folder, by its code.
async fn refused(app: &App, folder: &Path) -> Option<&'static str> {
    app.sealer(folder).await.err().map(|error| error.code())
}

#[tokio::test]
async fn a_folder_of_another_log_is_refused_until_somebody_begins_anew() {
    on_each(async |site| {
        let (one, other) = (TempDir::new().unwrap(), TempDir::new().unwrap());
        stage(&site.app, 300).await;
        let mut sealer = site.app.sealer(one.path()).await.unwrap();
        site.app.seal(&mut sealer).await.unwrap();
        drop(sealer);
        assert_eq!(refused(&site.app, other.path()).await, Some("JRN-031"), "{}", site.name);
        site.app.begin_log_anew(&actor()).await.unwrap();
        let mut sealer = site.app.sealer(other.path()).await.unwrap();
        assert_eq!(site.app.seal(&mut sealer).await.unwrap().unwrap().size, 301, "with the entry that says so");
    })
    .await;
}

#[tokio::test]
async fn a_folder_put_back_to_an_older_state_arrives_at_the_head_that_was_signed() {
    on_each(async |site| {
        let (home, copy) = (TempDir::new().unwrap(), TempDir::new().unwrap());
        let folder = home.path().join("data");
        fs::create_dir(&folder).unwrap();
        stage(&site.app, 700).await;
        let mut sealer = site.app.sealer(&folder).await.unwrap();
        site.app.seal(&mut sealer).await.unwrap();
        let old = fs::read(folder.join("log/checkpoint")).unwrap();
        fs::write(copy.path().join("checkpoint"), &old).unwrap();
        stage(&site.app, 2_000).await;
        let newest = site.app.seal(&mut sealer).await.unwrap().unwrap();
        drop(sealer);
        fs::write(folder.join("log/checkpoint"), &old).unwrap();
        let mut sealer = site.app.sealer(&folder).await.unwrap();
        assert_eq!(site.app.seal(&mut sealer).await.unwrap().unwrap(), newest);
        drop(sealer);
        assert!(
            matches!(site.app.sealed(&folder, None).await.unwrap(), Sealed::Holds { staged: 0, .. }),
            "{}",
            site.name
        );
        // Without anything left but the key, all of it is built again.
        fs::remove_dir_all(folder.join("log")).unwrap();
        let mut sealer = site.app.sealer(&folder).await.unwrap();
        assert_eq!(site.app.seal(&mut sealer).await.unwrap().unwrap(), newest, "{}", site.name);
    })
    .await;
}

#[tokio::test]
async fn what_cannot_be_written_is_said_and_goes_on_where_it_stopped() {
    on_each(async |site| {
        let home = TempDir::new().unwrap();
        stage(&site.app, 600).await;
        // A file where a folder has to be: nothing can be written, as on a full disk.
        fs::create_dir_all(home.path().join("log/tile")).unwrap();
        fs::write(home.path().join("log/tile/entries"), "").unwrap();
        let mut sealer = site.app.sealer(home.path()).await.unwrap();
        let error = site.app.seal(&mut sealer).await.unwrap_err();
        assert_eq!(error.code(), "JRN-004");
        site.app.seal_failed(&error);
        assert!(site.app.seal_fault().unwrap().contains("JRN-004"));
        drop(sealer);
        // Staging goes on.
        stage(&site.app, 1).await;
        fs::remove_file(home.path().join("log/tile/entries")).unwrap();
        let mut sealer = site.app.sealer(home.path()).await.unwrap();
        assert_eq!(site.app.seal(&mut sealer).await.unwrap().unwrap().size, 601);
        assert_eq!(site.app.seal_fault(), None, "{}", site.name);
    })
    .await;
}

#[tokio::test]
async fn a_quiet_hour_leaves_a_sign_of_life() {
    on_each(async |site| {
        let count = async || site.app.store.journal_head().await.unwrap().0;
        site.app.sign_of_life().await.unwrap();
        assert_eq!(count().await, 0, "of what never began there is no silence");
        stage(&site.app, 1).await;
        site.at("2026-11-22T03:59:00Z");
        site.app.sign_of_life().await.unwrap();
        assert_eq!(count().await, 1);
        for (at, wanted) in [("2026-11-22T04:00:00Z", 2), ("2026-11-22T04:30:00Z", 2), ("2026-11-22T02:00:00Z", 2)] {
            site.at(at);
            site.app.sign_of_life().await.unwrap();
            assert_eq!(count().await, wanted, "{at} on {}", site.name);
        }
    })
    .await;
}

/// The log with its keys, as somebody carries it to another machine.
fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap().flatten().filter(|entry| entry.file_name() != "log.lock") {
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            fs::create_dir_all(&to).unwrap();
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}

/// Two machines, each with a copy of the log, on one database.
#[tokio::test(flavor = "multi_thread")]
async fn a_node_takes_over_from_one_that_fell_silent_and_the_other_signs_no_more() {
    let Some(url) = fresh_postgres() else { return };
    let node = async || App::new(Store::open(&Location::Postgres(url.clone())).await.unwrap(), SystemClock);
    let (first, second) = (Arc::new(node().await), node().await);
    let (one, two) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    stage(&first, 700).await;
    let mut sealer = first.sealer(one.path()).await.unwrap();
    first.seal(&mut sealer).await.unwrap();
    copy(one.path(), two.path());
    // As long as the first seals, the second stands by.
    let sealing = tokio::spawn({
        let app = Arc::clone(&first);
        async move {
            let mut every = tokio::time::interval(Duration::from_millis(200));
            loop {
                every.tick().await;
                if let Err(error) = app.seal(&mut sealer).await {
                    return (sealer, error);
                }
            }
        }
    });
    assert_eq!(refused(&second, two.path()).await, Some("JRN-005"));
    sealing.abort();
    let _ = sealing.await;
    // Now it is silent, but not dead.
    let mut asleep = first.sealer(one.path()).await.unwrap();
    first.seal(&mut asleep).await.unwrap();
    let signed = fs::read(one.path().join("log/checkpoint")).unwrap();
    let mut awake = second.sealer(two.path()).await.unwrap();
    stage(&second, 300).await;
    assert_eq!(second.seal(&mut awake).await.unwrap().unwrap().size, 1_000);
    let error = first.seal(&mut asleep).await.unwrap_err();
    assert_eq!(error.code(), "JRN-032");
    assert_eq!(fs::read(one.path().join("log/checkpoint")).unwrap(), signed, "nothing was published");
    assert!(matches!(second.sealed(two.path(), None).await.unwrap(), Sealed::Holds { staged: 0, .. }));
}
