//! A full disk: a file system of a few megabytes of its own, and nothing pretended.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use app::{Error, Recorded};
use axum::http::{Method, StatusCode};
use domain::journal::{Actor, Entry, Event};
use domain::unrecorded::Class;
use web::routes::{Access, ROUTES};

use crate::support::TestWeb;

/// Set inside: the file system.
const INSIDE: &str = "SAKIMORI_SMALL_DISK";
const MOUNT: &str = "mount -t tmpfs -o size=24m tmpfs \"$0\"";
const BANNER: &str = "ディスクがいっぱいのため";

/// Runs itself again where a small file system is mounted for nobody else.
#[test]
fn a_full_disk_leaves_everything_readable_and_loses_nothing() {
    if let Some(disk) = std::env::var_os(INSIDE) {
        return inside(Path::new(&disk));
    }
    let folder = tempfile::tempdir().unwrap();
    let mounts = |flags: &&str| {
        let tried = Command::new("unshare").args([flags, "sh", "-c", MOUNT]).arg(folder.path()).output();
        tried.is_ok_and(|out| out.status.success())
    };
    let Some(flags) = ["-m", "-rm"].into_iter().find(mounts) else {
        return eprintln!("not tested: nobody here may mount a file system (unshare -m)");
    };
    let script = format!("{MOUNT} && exec \"$1\" --exact \"$2\" --nocapture");
    let out = Command::new("unshare")
        .args([flags, "sh", "-c", &script])
        .arg(folder.path())
        .arg(std::env::current_exe().unwrap())
        .arg("full::a_full_disk_leaves_everything_readable_and_loses_nothing")
        .envs([("TMPDIR", folder.path()), (INSIDE, folder.path())])
        .output()
        .unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
    assert!(out.status.success() && said.contains("1 passed"), "{said}");
}

fn inside(disk: &Path) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(fill(disk));
}

/// Fills what is left of the disk, to the last byte.
fn fill_up(file: &Path) {
    let mut filler = File::create(file).unwrap();
    for size in [1 << 20, 1 << 10, 1] {
        while filler.write_all(&vec![1; size]).is_ok() {}
    }
}

async fn fill(disk: &Path) {
    let web = TestWeb::new().await;
    let app = Arc::clone(&web.app);
    let mut desk = web.desk();
    let mut sealer = app.sealer(&web.data()).await.unwrap();
    app.seal(&mut sealer).await.unwrap();
    assert!(!desk.page("/").await.contains(BANNER));
    let pages = ROUTES.iter().filter(|route| {
        route.method == Method::GET && matches!(route.access, Access::Holder(_)) && !route.path.contains('{')
    });
    let mut shown = Vec::new();
    for route in pages {
        shown.push((route, desk.get(route.path).await.status));
    }
    assert!(shown.iter().filter(|(_, status)| *status == StatusCode::OK).count() > 30);
    fill_up(&disk.join("filler"));

    // Many write at once until nobody can any more. What was acknowledged is noted.
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..8 {
        let (app, facility) = (Arc::clone(&app), web.facility.id.clone());
        writers.spawn(async move {
            let mut acknowledged = Vec::new();
            for n in 0..10_000 {
                let subject = format!("{writer}/{n}");
                let event = Event::new("test.write", &subject).with("text", "x".repeat(2_000));
                match app.stage(&Actor::new("test"), &facility, vec![event]).await {
                    Ok(()) => acknowledged.push(subject),
                    Err(error) => return (acknowledged, error.code()),
                }
            }
            panic!("the disk never became full");
        });
    }
    let mut acknowledged = Vec::new();
    for (own, why) in writers.join_all().await {
        assert_eq!(why, "STO-006");
        acknowledged.extend(own);
    }
    assert!(app.is_full());
    let before = journal(&app).await;

    // Every page says so and the ones that only show something show it, also to who was idle for some minutes.
    for _ in 0..12 {
        web.wait(120);
        assert_eq!(desk.get("/").await.status, StatusCode::OK);
    }
    for (route, before) in shown {
        let answer = desk.get(route.path).await;
        if answer.is_html() {
            assert!(answer.body.contains(BANNER), "{}: {}", route.path, answer.status);
        }
        // Reading the journal is itself recorded, and so is taking a paper away.
        let recorded = route.path.starts_with("/evidence/journal") || route.path == "/monthly/pdf";
        let wanted = if recorded { StatusCode::SERVICE_UNAVAILABLE } else { before };
        assert_eq!(answer.status, wanted, "{}: {}", route.path, answer.body);
    }
    assert!(web.get(&mut crate::support::Browser::new(), "/sign-in").await.body.contains(BANNER));
    let refused = desk.post("/account/email", &[("email", "a@clinic.example")]).await;
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(refused.body.contains("STO-006") && refused.body.contains(BANNER));

    // Care goes on, nothing else does, and nothing was written meanwhile.
    let nurse = Actor::new("user:架空 看護師");
    let act = async |class| app.record(class, &nurse, &web.facility.id, Event::new("access.read", "x")).await;
    for _ in 0..3 {
        assert_eq!(act(Class::Care).await.unwrap(), Recorded::Gap);
    }
    for class in [Class::Export, Class::Administration, Class::Emergency] {
        assert!(matches!(act(class).await, Err(Error::Unstaged(_))), "{class:?}");
    }
    assert!(app.look_for_room().await.is_err() && app.is_full());
    assert_eq!(journal(&app).await.len(), before.len());
    let sealing = app.seal(&mut sealer).await;

    // There is room again: it goes on by itself, and the gap comes first.
    std::fs::remove_file(disk.join("filler")).unwrap();
    app.look_for_room().await.unwrap();
    assert!(!app.is_full() && !desk.page("/").await.contains(BANNER));
    let saved = desk.post("/account/email", &[("email", "a@clinic.example")]).await;
    assert_eq!(saved.status, StatusCode::SEE_OTHER);
    let after = journal(&app).await;
    let gap = &after[before.len()];
    assert_eq!(
        (gap.action.as_str(), gap.subject.as_str(), gap.details["count"].as_str()),
        ("journal.gap", "care", "3")
    );
    let there: Vec<&str> = after.iter().filter(|e| e.action == "test.write").map(|e| e.subject.as_str()).collect();
    assert_eq!(there.len(), acknowledged.len(), "sealing said {sealing:?}");
    assert!(acknowledged.iter().all(|subject| there.contains(&subject.as_str())), "acknowledged and not there");
    assert!(app.store.journal_verify().await.unwrap().is_ok());
    if sealing.is_err() {
        drop(sealer);
        sealer = app.sealer(&web.data()).await.unwrap();
    }
    app.seal(&mut sealer).await.unwrap();
    let head = String::from_utf8(app.log_file("checkpoint").await.unwrap().unwrap()).unwrap();
    assert_eq!(head.lines().nth(1), Some(journal(&app).await.len().to_string().as_str()));
}

async fn journal(app: &app::App) -> Vec<Entry> {
    let rows = app.store.journal_after(0, 100_000).await.unwrap();
    rows.iter().map(|(_, _, text)| serde_json::from_str(text).unwrap()).collect()
}
