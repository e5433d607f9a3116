//! Killed at any moment: what was acknowledged is there, once, in one history, and the next start works.
//!
//! `SAKIMORI_KILLS=1000` kills a thousand times; without it a few, for every run of the tests.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use app::{App, Sealed, SystemClock};
use domain::journal::{Actor, Entry, Event};
use store::{Location, Store};
use testkit::fresh_postgres;

/// Tells a process of these tests that it is the one to be killed, and where.
const CHILD: &str = "SAKIMORI_KILL_CHILD";
/// Kills of an ordinary run, on each database.
const KILLS: u64 = 8;
/// Callers in the child.
const CALLERS: u32 = 4;

fn location(folder: &Path, url: Option<&str>) -> Location {
    url.map_or_else(|| Location::Folder(folder.to_owned()), |url| Location::Postgres(url.to_owned()))
}

fn say(line: &str) {
    // Past the capture of the test harness, and at once.
    let mut out = std::io::stdout().lock();
    out.write_all(format!("\n{line}\n").as_bytes()).unwrap();
    out.flush().unwrap();
}

/// Stages and seals until it is killed; says what was acknowledged.
async fn live(folder: PathBuf, url: Option<String>, life: String) {
    say("begun");
    let store = Store::open(&location(&folder, url.as_deref())).await.unwrap();
    let app = Arc::new(App::new(store, SystemClock));
    for caller in 0..CALLERS {
        let (app, life) = (Arc::clone(&app), life.clone());
        tokio::spawn(async move {
            for n in 0_u64.. {
                let id = format!("{life}/{caller}/{n}");
                app.stage(&Actor::new("test"), "f", vec![Event::new("access.read", id.clone())]).await.unwrap();
                say(&format!("ack {id}"));
            }
        });
    }
    let mut sealer = app.sealer(&folder).await.unwrap();
    loop {
        app.seal(&mut sealer).await.unwrap();
    }
}

/// Everything acknowledged is there once, the chain holds, and so does the log.
async fn check(folder: &Path, url: Option<&str>, acknowledged: &BTreeSet<String>) {
    let app = App::new(Store::open(&location(folder, url)).await.unwrap(), SystemClock);
    let entries: Vec<Entry> = app
        .store
        .journal_after(0, 10_000_000)
        .await
        .unwrap()
        .iter()
        .map(|(_, _, text)| serde_json::from_str(text).unwrap())
        .collect();
    let there: BTreeSet<String> = entries.iter().map(|e| e.subject.clone()).collect();
    assert_eq!(there.len(), entries.len(), "an entry twice");
    let lost: Vec<_> = acknowledged.difference(&there).collect();
    assert!(lost.is_empty(), "acknowledged and lost: {lost:?}");
    assert_eq!(app.store.journal_verify().await.unwrap(), Ok(i64::try_from(entries.len()).unwrap()));
    let sealed = app.sealed(folder, None).await.unwrap();
    assert!(matches!(sealed, Sealed::Never | Sealed::Holds { .. }), "{sealed:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_killed_loses_nothing_that_was_acknowledged() {
    if let Ok(child) = std::env::var(CHILD) {
        let mut words = child.splitn(3, ' ').map(str::to_owned);
        let (folder, life, url) = (words.next().unwrap(), words.next().unwrap(), words.next());
        return live(folder.into(), url, life).await;
    }
    let kills = std::env::var("SAKIMORI_KILLS").map_or(KILLS, |count| count.parse().unwrap());
    for url in std::iter::once(None).chain(fresh_postgres().map(Some)) {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("data");
        std::fs::create_dir_all(&folder).unwrap();
        let mut acknowledged = BTreeSet::new();
        for life in 0..kills {
            let name = "kill::whoever_is_killed_loses_nothing_that_was_acknowledged";
            let mut child = Command::new(std::env::current_exe().unwrap())
                .args(["--exact", name, "--nocapture"])
                .env(CHILD, format!("{} {life} {}", folder.display(), url.as_deref().unwrap_or_default()).trim_end())
                .stdout(Stdio::piped())
                .stderr(Stdio::inherit())
                .spawn()
                .unwrap();
            // Some die before they did anything, some in the middle of much.
            let patience = life.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407) >> 33;
            let mut patience = if patience % 8 == 0 { 0 } else { patience % 60 };
            let mut alive = true;
            for line in BufReader::new(child.stdout.take().unwrap()).lines() {
                let line = line.unwrap();
                if let Some(id) = line.strip_prefix("ack ") {
                    acknowledged.insert(id.to_owned());
                    patience = patience.saturating_sub(1);
                }
                if alive && patience == 0 && (line.starts_with("ack") || line == "begun") {
                    child.kill().unwrap();
                    alive = false;
                }
            }
            assert!(!alive, "life {life} ended by itself");
            child.wait().unwrap();
            if life % 50 == 49 {
                check(&folder, url.as_deref(), &acknowledged).await;
            }
        }
        assert!(kills < 4 || !acknowledged.is_empty());
        check(&folder, url.as_deref(), &acknowledged).await;
    }
}
