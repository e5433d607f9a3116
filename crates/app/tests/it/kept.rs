//! Heads that somebody else has: what they find, and how they are made.

use app::{Error, Grade, Sealed, Witness, WitnessRefusal};
use domain::journal::Event;
use testkit::actor;

use super::{Site, on_each};

fn code(error: &Error) -> &'static str {
    match error {
        Error::Invalid { code, .. } => code,
        other => panic!("{other}"),
    }
}

/// So many more entries on a day, sealed.
async fn day(site: &Site, folder: &std::path::Path, day: u8, entries: u32) -> app::Sealer {
    site.at(&format!("2026-11-{day:02}T01:00:00Z"));
    let mut tx = site.app.store.begin(&actor(), "f", site.app.now()).await.unwrap();
    (0..entries).for_each(|n| tx.record(Event::new("devices.lose", format!("{day}-{n}"))));
    tx.commit().await.unwrap();
    let mut sealer = site.app.sealer(folder).await.unwrap();
    site.app.seal(&mut sealer).await.unwrap();
    sealer
}

#[tokio::test]
async fn a_printed_line_is_a_fact_and_finds_a_cut_tail() {
    on_each(async |site| {
        let folder = tempfile::tempdir().unwrap();
        assert!(site.app.paper_head(&actor(), "f", folder.path()).await.unwrap().is_none(), "nothing to print");
        drop(day(&site, folder.path(), 1, 300).await);
        let backup = tempfile::tempdir().unwrap();
        copy(folder.path(), backup.path());
        drop(day(&site, folder.path(), 2, 5).await);
        let (head, line) = site.app.paper_head(&actor(), "f", folder.path()).await.unwrap().unwrap();
        assert_eq!(head.size, 305);
        let kept = site.app.kept_heads().await.unwrap();
        assert!(kept.len() == 1 && kept[0].grade == Grade::Paper && kept[0].fresh);
        let known = |folder: &std::path::Path, text: &str| site.app.known_head(folder, text.as_bytes());
        // Typed with full-width letters, over two lines.
        let typed = format!("{}　３０５\n{}", head.origin, head.grouped().to_uppercase());
        let known_head = known(folder.path(), &typed).unwrap();
        assert!(matches!(site.app.sealed(folder.path(), Some(known_head)).await.unwrap(), Sealed::Holds { .. }));
        // The folder of yesterday: found without the paper too, since the database knows that it was printed.
        let found = site.app.sealed(backup.path(), None).await.unwrap();
        assert!(matches!(&found, Sealed::Broken { seq: 301, until: 305, .. }), "{found:?}");
        assert!(found.fault().unwrap().contains("JRN-024"), "{found:?}");
        // A line that was never ours, of another log, or no line.
        let wrong = line.replace(&head.root, &"0".repeat(64));
        let found = site.app.sealed(folder.path(), Some(known(folder.path(), &wrong).unwrap())).await.unwrap();
        assert!(found.fault().unwrap().contains("JRN-025"), "{found:?}");
        for bad in ["", "sakimori", &line.replace("sakimori-log", "other")] {
            assert_eq!(code(&known(folder.path(), bad).unwrap_err()), "JRN-020");
        }
        site.at("2027-01-01T00:00:00Z");
        assert!(!site.app.kept_heads().await.unwrap()[0].fresh);
        // Another log in its place, with everything in order in itself.
        let anew = tempfile::tempdir().unwrap();
        let mut sealer = site.app.sealer(anew.path()).await.unwrap();
        site.app.seal(&mut sealer).await.unwrap();
        let found = site.app.sealed(anew.path(), None).await.unwrap();
        assert!(found.fault().unwrap().contains("JRN-027"), "{found:?}");
    })
    .await;
}

#[tokio::test]
async fn a_witness_has_the_head_and_finds_what_was_put_back() {
    on_each(async |site| {
        let (folder, house) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let sealer = day(&site, folder.path(), 1, 10).await;
        let key = site.app.log_key(folder.path()).unwrap();
        let witness = Witness::open(house.path(), "witness.example/w1", std::slice::from_ref(&key)).unwrap();
        assert_eq!(code(&Witness::open(house.path(), "w", &["none".to_owned()]).err().unwrap()), "JRN-029");
        let add = async |trust: &str| site.app.keeper_add(&actor(), Grade::Own, "http://127.0.0.1:9", trust, "").await;
        assert_eq!(code(&add("none").await.unwrap_err()), "JRN-021");
        add(&witness.key()).await.unwrap();
        let keeper = site.app.keepers().await.unwrap().remove(0);
        let sent = sealer.heads().submission(0).await.unwrap().unwrap();
        let line = witness.add(&sent.body, site.app.now()).unwrap();
        site.app.witnessed(&keeper, &sent, &line).await.unwrap();
        let kept = site.app.kept_heads().await.unwrap();
        assert!(kept[0].grade == Grade::Own && kept[0].head.size == 10 && kept[0].name == "witness.example/w1");
        // Not its signature; a witness of next week.
        assert_eq!(code(&site.app.witnessed(&keeper, &sent, "— x AAAAAAAA\n").await.unwrap_err()), "JRN-023");
        let week = site.app.now().checked_add(jiff::SignedDuration::from_hours(24 * 7)).unwrap();
        let ahead = witness.add(&sealer.heads().submission(10).await.unwrap().unwrap().body, week).unwrap();
        assert_eq!(code(&site.app.witnessed(&keeper, &sent, &ahead).await.unwrap_err()), "JRN-023");
        assert!(matches!(witness.add(&sent.body, site.app.now()), Err(WitnessRefusal::Conflict(10))));
        // A log that was put back cannot prove the way from what the witness has.
        assert_eq!(code(&sealer.heads().submission(11).await.unwrap_err()), "JRN-022");
        // The witness's own copy is something to compare with.
        let mut copy = std::fs::read_dir(house.path()).unwrap().flatten().map(|e| e.path().join("checkpoint"));
        let copy = std::fs::read(copy.find(|p| p.exists()).unwrap()).unwrap();
        drop(sealer);
        let known = site.app.known_head(folder.path(), &copy).unwrap();
        assert!(matches!(site.app.sealed(folder.path(), Some(known)).await.unwrap(), Sealed::Holds { .. }));
        let stranger = tempfile::tempdir().unwrap();
        site.app.log_key(stranger.path()).unwrap();
        assert_eq!(code(&site.app.known_head(stranger.path(), &copy).unwrap_err()), "JRN-020");
        site.app.keeper_remove(&actor(), &keeper.id).await.unwrap();
        assert!(site.app.keepers().await.unwrap().is_empty() && site.app.kept_heads().await.unwrap().len() == 1);
    })
    .await;
}

fn copy(from: &std::path::Path, to: &std::path::Path) {
    for entry in std::fs::read_dir(from).unwrap().flatten() {
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if from.is_dir() {
            std::fs::create_dir_all(&to).unwrap();
            copy(&from, &to);
        } else {
            std::fs::copy(from, to).unwrap();
        }
    }
}
