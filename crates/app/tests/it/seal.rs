//! Sealing: what was signed stays as it was, whoever holds the database; and one entry can be proved to anybody.

use std::os::unix::fs::PermissionsExt as _;

use app::{Error, Sealed, verify_proof};
use domain::journal::{Entry, Event, GENESIS, chain};
use serde_json::{Value as Json, json};
use testkit::{actor, stores};

use super::{Site, on_each};

fn code(error: &Error) -> &'static str {
    match error {
        Error::Invalid { code, .. } => code,
        other => panic!("{other}"),
    }
}

/// Entries with these numbers, ten a day over several months.
async fn entries(site: &Site, numbers: std::ops::Range<u32>) {
    for day in numbers.clone().step_by(10) {
        site.at(&format!("2026-{:02}-{:02}T01:00:00Z", 1 + day / 80, 1 + day % 80 / 10));
        let mut tx = site.app.store.begin(&actor(), "f", site.app.now()).await.unwrap();
        for n in day..(day + 10).min(numbers.end) {
            tx.record(Event::new("devices.lose", format!("MD-{n}")).with("reason", "訪問先で見当たらない"));
        }
        tx.commit().await.unwrap();
    }
}

#[tokio::test]
async fn what_is_staged_is_sealed_in_order_and_goes_on_after_a_restart() {
    on_each(async |site| {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(site.app.sealed(folder.path(), None).await.unwrap(), Sealed::Never);
        let mut sealer = site.app.sealer(folder.path()).await.unwrap();
        assert_eq!(site.app.seal(&mut sealer).await.unwrap(), None, "nothing is signed over nothing");
        entries(&site, 0..40).await;
        let first = site.app.seal(&mut sealer).await.unwrap().unwrap();
        assert_eq!(first.size, 40);
        assert_eq!(site.app.seal(&mut sealer).await.unwrap().unwrap(), first, "nothing new, nothing signed");
        // Only one seals.
        assert_eq!(code(&site.app.sealer(folder.path()).await.err().unwrap()), "JRN-005");
        drop(sealer);
        entries(&site, 40..60).await;
        let Sealed::Holds { head, staged } = site.app.sealed(folder.path(), None).await.unwrap() else {
            panic!("broken")
        };
        assert_eq!((head, staged), (first, 20));
        let mut sealer = site.app.sealer(folder.path()).await.unwrap();
        assert_eq!(site.app.seal(&mut sealer).await.unwrap().unwrap().size, 60);
        let mode = std::fs::metadata(folder.path().join("log.key")).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "others read the key");
    })
    .await;
}

/// A dump whose journal was changed by somebody who knows how: every hash of the chain fits again.
fn rewritten(dump: &[u8], change: impl Fn(&mut Entry) -> bool) -> Vec<u8> {
    let text = std::str::from_utf8(dump).unwrap();
    let (mut head, mut seq, mut rows) = (GENESIS.to_owned(), 0, -1);
    let lines = text.lines().filter_map(|line| {
        let mut line: Json = serde_json::from_str(line).unwrap();
        if line["table"] == "journal" {
            let mut entry: Entry = serde_json::from_str(line["row"]["entry"].as_str().unwrap()).unwrap();
            if !change(&mut entry) {
                return None;
            }
            seq += 1;
            entry.seq = seq;
            head = chain(&head, &entry.canonical());
            line["row"]["seq"] = json!(seq);
            line["row"]["entry"] = json!(entry.canonical());
            line["row"]["hash"] = json!(head);
        }
        // The last line counts the rows; the first is none.
        if line.get("rows").is_some() {
            line["rows"] = json!(rows);
        }
        rows += 1;
        Some(line.to_string() + "\n")
    });
    lines.collect::<String>().into_bytes()
}

#[tokio::test]
async fn whoever_holds_the_database_cannot_rewrite_what_was_sealed() {
    let folder = tempfile::tempdir().unwrap();
    let clinic = stores().await.remove(0);
    let site = Site::new(clinic.store, clinic.name);
    entries(&site, 0..300).await;
    let mut sealer = site.app.sealer(folder.path()).await.unwrap();
    site.app.seal(&mut sealer).await.unwrap();
    drop(sealer);
    let mut dump = Vec::new();
    site.app.store.dump(&mut dump).await.unwrap();
    // Each with the first number that does not fit any more; `None` when nothing was changed.
    type Change = fn(&mut Entry) -> bool;
    let cases: [(&str, Change, Option<u64>, bool); 6] = [
        ("as it was", |_| true, None, false),
        (
            "another person",
            |e| {
                if e.seq == 7 {
                    e.actor = "だれか".to_owned()
                };
                true
            },
            Some(7),
            false,
        ),
        (
            "another time",
            |e| {
                if e.seq == 12 {
                    e.at += 1
                };
                true
            },
            Some(12),
            false,
        ),
        ("one taken out", |e| e.seq != 20, Some(20), true),
        // Which of those that are in no full tile yet, nobody can tell.
        (
            "a late one",
            |e| {
                if e.seq == 290 {
                    e.subject = "x".to_owned()
                };
                true
            },
            Some(257),
            true,
        ),
        ("the end cut off", |e| e.seq <= 290, Some(257), true),
    ];
    for (what, change, wanted, refused) in cases {
        for other in stores().await {
            let site = Site::new(other.store, other.name);
            let bad = rewritten(&dump, change);
            site.app.store.load(&actor(), site.app.now(), &mut bad.as_slice()).await.unwrap();
            assert!(site.app.store.journal_verify().await.unwrap().is_ok(), "{what}: the chain fits again");
            let found = match site.app.sealed(folder.path(), None).await.unwrap() {
                Sealed::Broken { seq, .. } => Some(seq),
                Sealed::Holds { .. } => None,
                other => panic!("{what}: {other:?}"),
            };
            assert_eq!(found, wanted, "{what} on {}", site.name);
            let again = site.app.sealer(folder.path()).await.err().map(|e| code(&e));
            // Sealing goes on from the open tile alone; what lies before is for the full check.
            assert_eq!(again, refused.then_some("JRN-002"), "{what}");
        }
    }
}

#[tokio::test]
async fn one_entry_is_proved_to_somebody_who_has_only_the_key() {
    on_each(async |site| {
        let folder = tempfile::tempdir().unwrap();
        entries(&site, 0..9).await;
        let mut sealer = site.app.sealer(folder.path()).await.unwrap();
        assert_eq!(code(&site.app.prove(&mut sealer, 5, &[]).await.unwrap_err()), "JRN-006", "not sealed yet");
        site.app.seal(&mut sealer).await.unwrap();
        let key = site.app.log_key(folder.path()).unwrap();
        let whole = site.app.prove(&mut sealer, 5, &[]).await.unwrap();
        let proved = verify_proof(&whole, &key).unwrap();
        assert_eq!((proved.seq, proved.head.size), (5, 9));
        let told = |name: &str| proved.fields.iter().find(|(n, _)| n == name).and_then(|(_, v)| v.clone());
        assert_eq!(told("action").unwrap(), "devices.lose");
        assert_eq!(told("seq").unwrap(), "5");
        let actor = told("actor").unwrap();
        // A name withheld is not in the file, and the proof holds.
        let blank = site.app.prove(&mut sealer, 5, &["actor".to_owned()]).await.unwrap();
        let extra = |proof: &str| {
            use base64::Engine as _;
            let line = proof.lines().nth(1).unwrap().strip_prefix("extra ").unwrap().to_owned();
            String::from_utf8(base64::engine::general_purpose::STANDARD.decode(line).unwrap()).unwrap()
        };
        assert!(extra(&whole).contains(&actor) && !extra(&blank).contains(&actor));
        assert_eq!(verify_proof(&blank, &key).unwrap().fields.iter().filter(|(_, v)| v.is_none()).count(), 1);
        // Another value, another place, another key.
        let changed = |from: &str, to: &str| {
            use base64::Engine as _;
            let engine = base64::engine::general_purpose::STANDARD;
            let told = extra(&whole);
            assert!(told.contains(from));
            whole.replace(&engine.encode(&told), &engine.encode(told.replacen(from, to, 1)))
        };
        let stranger = seal_key_of_another(&site).await;
        for (proof, key) in [
            (changed("devices.lose", "devices.find"), &key),
            (changed(&actor, "だれか"), &key),
            (whole.replace("index 4", "index 3"), &key),
            (whole.clone(), &stranger),
            ("これは証明ではない".to_owned(), &key),
            (whole.clone(), &"鍵ではない".to_owned()),
        ] {
            assert_eq!(code(&verify_proof(&proof, key).unwrap_err()), "JRN-007");
        }
        for seq in [0, 10, u64::MAX] {
            assert_eq!(code(&site.app.prove(&mut sealer, seq, &[]).await.unwrap_err()), "JRN-006");
        }
    })
    .await;
}

async fn seal_key_of_another(site: &Site) -> String {
    site.app.log_key(tempfile::tempdir().unwrap().path()).unwrap()
}
