//! Staging: many callers at once, one order, nothing lost and nothing acknowledged that is not there.

use std::collections::BTreeSet;
use std::sync::Arc;

use app::{App, Error, LONGEST_EVENT, Recorded};
use domain::journal::{Actor, Entry, Event};
use domain::unrecorded::Class;
use testkit::{Chaos, fresh_postgres, noon};

use super::on_each;

async fn journal(app: &App) -> Vec<Entry> {
    let rows = app.store.journal_after(0, 10_000).await.unwrap();
    rows.iter().map(|(_, _, text)| serde_json::from_str(text).unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_many_hand_in_at_once_is_there_once_and_in_each_ones_order() {
    on_each(async |site| {
        let app = Arc::new(site.app);
        let mut callers = tokio::task::JoinSet::new();
        for caller in 0..40 {
            let app = Arc::clone(&app);
            callers.spawn(async move {
                let actor = Actor::new(format!("caller {caller}"));
                for n in 0..10 {
                    // Every fourth hands in several at a time.
                    let events = (0..if caller % 4 == 0 { 3 } else { 1 })
                        .map(|part| Event::new("access.read", format!("{n}/{part}")).with("patient", caller));
                    app.stage(&actor, &format!("f{}", caller % 3), events.collect()).await.unwrap();
                    let newest = journal(&app).await;
                    let mine = newest.iter().filter(|e| e.actor == actor.name).count();
                    assert_eq!(mine, (n + 1) * if caller % 4 == 0 { 3 } else { 1 }, "acknowledged and not there");
                }
            });
        }
        callers.join_all().await;
        assert_eq!(app.store.journal_verify().await.unwrap(), Ok(30 * 10 + 10 * 30));
        let entries = journal(&app).await;
        for caller in 0..40 {
            let told: Vec<&str> =
                entries.iter().filter(|e| e.actor == format!("caller {caller}")).map(|e| e.subject.as_str()).collect();
            assert!(told.is_sorted(), "{}: {told:?}", site.name);
            assert_eq!(told.iter().collect::<BTreeSet<_>>().len(), told.len(), "{}: twice", site.name);
        }
        assert!(entries.iter().all(|e| e.facility == format!("f{}", e.details["patient"].parse::<u32>().unwrap() % 3)));
    })
    .await;
}

#[tokio::test]
async fn what_is_too_long_is_refused_alone() {
    on_each(async |site| {
        let actor = Actor::new("test");
        let long = Event::new("access.read", "x").with("reason", "あ".repeat(LONGEST_EVENT / 3));
        let refused = site.app.stage(&actor, "f", vec![Event::new("access.read", "y"), long]).await.unwrap_err();
        assert_eq!(refused.code(), "JRN-030");
        assert!(journal(&site.app).await.is_empty(), "all or none");
    })
    .await;
}

/// PostgreSQL takes no NUL in a text; SQLite does.
#[tokio::test(flavor = "multi_thread")]
async fn what_the_database_refuses_of_one_it_takes_of_the_others() {
    on_each(async |site| {
        let app = Arc::new(site.app);
        let mut callers = tokio::task::JoinSet::new();
        for n in 0..30 {
            let app = Arc::clone(&app);
            callers.spawn(async move {
                let subject = if n == 7 { "\0".to_owned() } else { n.to_string() };
                (n, app.stage(&Actor::new("test"), "f", vec![Event::new("access.read", subject)]).await.is_ok())
            });
        }
        let refused: Vec<i32> = callers.join_all().await.into_iter().filter(|(_, ok)| !ok).map(|(n, _)| n).collect();
        assert!(refused.is_empty() || (site.name == "postgres" && refused == [7]), "{refused:?}");
        assert_eq!(journal(&app).await.len(), 30 - refused.len());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_goes_away_is_told_to_every_caller() {
    let Some(url) = fresh_postgres() else { return };
    let (head, rest) = url.split_once('@').unwrap();
    let (host, database) = rest.split_once('/').unwrap();
    let chaos = Chaos::to(host.parse().unwrap()).await;
    let location = store::Location::Postgres(format!("{head}@{}/{database}", chaos.address));
    let store = store::Store::open(&location).await.unwrap();
    let app = Arc::new(App::new(store, noon()));
    let stage = |n: u32| {
        let app = Arc::clone(&app);
        async move { app.stage(&Actor::new("test"), "f", vec![Event::new("access.read", n.to_string())]).await }
    };
    stage(0).await.unwrap();
    chaos.break_off();
    let mut callers = tokio::task::JoinSet::new();
    (1..20).for_each(|n| _ = callers.spawn(stage(n)));
    for answer in callers.join_all().await {
        let error = answer.unwrap_err();
        assert!(matches!(error, Error::Unstaged(_)), "{error}");
    }
    chaos.mend();
    stage(20).await.unwrap();
    let there: Vec<String> = journal(&app).await.into_iter().map(|e| e.subject).collect();
    assert_eq!(there, ["0", "20"]);
}

/// An app over a database that a test can take away, and the database.
async fn breakable(folder: &std::path::Path) -> Option<(App, Chaos, String)> {
    let url = fresh_postgres()?;
    let (head, rest) = url.split_once('@').unwrap();
    let (host, database) = rest.split_once('/').unwrap();
    let chaos = Chaos::to(host.parse().unwrap()).await;
    let location = store::Location::Postgres(format!("{head}@{}/{database}", chaos.address));
    let store = store::Store::open(&location).await.unwrap();
    let app = App::new(store, noon()).with_gaps(folder).unwrap();
    let through = format!("{head}@{}/{database}", chaos.address);
    Some((app, chaos, through))
}

#[tokio::test(flavor = "multi_thread")]
async fn care_goes_on_and_its_gap_is_the_first_entry_afterwards() {
    let folder = tempfile::tempdir().unwrap();
    let Some((app, chaos, through)) = breakable(folder.path()).await else { return };
    let nurse = Actor::new("user:架空 看護師");
    let act = |n: u32| Event::new("access.read", n.to_string());
    let care = async |app: &App, n| app.record(Class::Care, &nurse, "f", act(n)).await;
    assert_eq!(care(&app, 0).await.unwrap(), Recorded::Staged);
    chaos.break_off();
    for n in 1..4 {
        assert_eq!(care(&app, n).await.unwrap(), Recorded::Gap);
    }
    for class in [Class::Export, Class::Administration, Class::Emergency] {
        assert!(matches!(app.record(class, &nurse, "f", act(9)).await, Err(Error::Unstaged(_))), "{class:?}");
    }
    // A restart does not forget the gap.
    let held = std::fs::metadata(folder.path().join("log.gaps")).unwrap().len();
    drop(app);
    chaos.mend();
    let store = store::Store::open(&store::Location::Postgres(through)).await.unwrap();
    let app = App::new(store, noon()).with_gaps(folder.path()).unwrap();
    assert_eq!(care(&app, 4).await.unwrap(), Recorded::Staged);
    let entries = journal(&app).await;
    let told: Vec<(&str, &str)> = entries.iter().map(|e| (e.action.as_str(), e.subject.as_str())).collect();
    assert_eq!(told, [("access.read", "0"), ("journal.gap", "care"), ("access.read", "4")]);
    let gap = &entries[1].details;
    assert_eq!((gap["count"].as_str(), gap["reason"].as_str()), ("3", "STO-003"));
    assert_eq!(std::fs::metadata(folder.path().join("log.gaps")).unwrap().len(), held, "it never grows");
    // Once recorded, it is closed.
    app.close_gaps().await.unwrap();
    assert_eq!(journal(&app).await.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_may_decide_otherwise() {
    let folder = tempfile::tempdir().unwrap();
    let Some((app, chaos, _)) = breakable(folder.path()).await else { return };
    let owner = Actor::new("cli:院長");
    app.decide_unrecorded(&owner, &[(Class::Care, false), (Class::Emergency, true)]).await.unwrap();
    let entries = journal(&app).await;
    assert!(entries.iter().all(|e| e.action == "journal.on-failure" && e.actor == owner.name) && entries.len() == 2);
    app.refresh_decisions().await.unwrap();
    chaos.break_off();
    let outcome = async |class| app.record(class, &owner, "f", Event::new("access.read", "x")).await.ok();
    assert_eq!(outcome(Class::Care).await, None);
    assert_eq!(outcome(Class::Emergency).await, Some(Recorded::Gap));
}
