//! Epochs and witnesses: a thief of today's keys cannot change yesterday, and nobody shows two histories.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

#[path = "support/house.rs"]
mod house;

use std::fs;
use std::path::Path;

use house::{House, leaf, pin};
use proptest::prelude::*;
use seal::witness::{CosignerKey, Refusal, Witness, submission};
use seal::{Chain, Error, Log, PublicKey, SigningKey};
use tempfile::TempDir;

#[test]
fn every_day_has_its_key_and_the_old_one_is_gone() {
    let house = House::new();
    let mut seen = Vec::new();
    for (n, day) in ["2026-11-01", "2026-11-02", "2026-11-03"].into_iter().enumerate() {
        house.day(day, 300);
        let secret = fs::read_to_string(house.keys().join("log.epoch")).unwrap();
        assert!(secret.contains(&format!("epoch-{n}")) && !seen.contains(&secret));
        seen.push(secret);
        assert!(!house.keys().join("log.epoch.next").exists());
        assert_eq!(house.verify(Vec::new()), Ok(300 * (n as u64 + 1)));
    }
    let chain = Chain::read(&house.log(), house.key.public()).unwrap();
    assert_eq!(chain.epochs().iter().map(|e| (e.number, e.size)).collect::<Vec<_>>(), [(0, 0), (1, 300), (2, 600)]);
    // Foreign tools see two signatures, and know one of them.
    let head = fs::read_to_string(house.log().join("checkpoint")).unwrap();
    assert_eq!(head.matches('—').count(), 2);
}

#[test]
fn a_clock_that_jumps_neither_loses_nor_repeats_an_epoch() {
    let house = House::new();
    for day in ["2026-11-01", "2036-01-01", "2026-11-02", "2026-11-01", "2026-11-02"] {
        house.day(day, 1);
        house.day(day, 1);
    }
    // Nothing grew: no epoch for it.
    house.day("2026-12-24", 0);
    let after = house.day("2026-12-25", 0);
    let chain = Chain::read(&house.log(), house.key.public()).unwrap();
    assert_eq!(chain.epochs().iter().map(|e| e.number).collect::<Vec<_>>(), [0, 1, 2, 3, 4, 5]);
    assert_eq!(house.verify(Vec::new()), Ok(after.size));
}

#[test]
fn a_log_older_than_epochs_opens_verifies_and_goes_on_with_them() {
    let house = House::old();
    let mut log = Log::open(&house.log(), house.key(), &[]).unwrap();
    (0..300).for_each(|n| log.append(&leaf(n)).unwrap());
    log.seal().unwrap();
    drop(log);
    assert_eq!(house.verify(Vec::new()), Ok(300));
    house.day("2026-11-01", 10);
    house.day("2026-11-02", 10);
    assert_eq!(house.verify(Vec::new()), Ok(320));
    assert_eq!(Chain::read(&house.log(), house.key.public()).unwrap().epochs()[0].size, 300);
}

/// Turning over is cut off after each of its steps: what is on disk then, opened again, goes on.
#[test]
fn a_crash_at_any_step_of_turning_over_leaves_a_log_that_goes_on() {
    let house = House::new();
    house.day("2026-11-01", 5);
    let before = house.stolen();
    house.day("2026-11-02", 5);
    let after = house.stolen();
    let next = fs::read(after.keys().join("log.epoch")).unwrap();
    let old = fs::read(before.keys().join("log.epoch")).unwrap();
    let chain = fs::read(after.log().join("epochs")).unwrap();
    // Which files each step has left: the secret, the next one, whether the record is there.
    let cut = next[..next.len() / 2].to_vec();
    let zeros = vec![0; old.len()];
    type Step<'a> = (&'a str, Option<&'a [u8]>, Option<&'a [u8]>, bool);
    let steps: [Step<'_>; 6] = [
        ("the next secret is half written", Some(&old), Some(&cut), false),
        ("the next secret is there", Some(&old), Some(&next), false),
        ("the record is there", Some(&old), Some(&next), true),
        ("the old secret is overwritten", Some(&zeros), Some(&next), true),
        ("the old secret is gone", None, Some(&next), true),
        ("the next took its place", Some(&next), None, true),
    ];
    for (step, secret, following, recorded) in steps {
        let crashed = before.stolen();
        let put = |name: &str, bytes: Option<&[u8]>| match bytes {
            Some(bytes) => fs::write(crashed.keys().join(name), bytes).unwrap(),
            None => drop(fs::remove_file(crashed.keys().join(name))),
        };
        put("log.epoch", secret);
        put("log.epoch.next", following);
        if recorded {
            fs::write(crashed.log().join("epochs"), &chain).unwrap();
        }
        assert_eq!(crashed.verify(Vec::new()), Ok(5), "{step}: before it is opened");
        crashed.day("2026-11-02", 5);
        assert_eq!(crashed.verify(Vec::new()), Ok(10), "{step}");
        let chain = Chain::read(&crashed.log(), crashed.key.public()).unwrap();
        assert_eq!(chain.epochs().iter().map(|e| e.number).collect::<Vec<_>>(), [0, 1], "{step}");
        assert!(!crashed.keys().join("log.epoch.next").exists(), "{step}");
    }
    // Lost for good: said, and nothing is signed.
    fs::remove_file(after.keys().join("log.epoch")).unwrap();
    assert!(matches!(after.open("2026-11-02", leaf).err(), Some(Error::Key)));
}

/// The thief has every secret of the third day and can write every file: what of the first two days can be changed?
#[test]
fn a_thief_of_todays_keys_cannot_change_an_earlier_day() {
    let house = House::new();
    house.day("2026-11-01", 300);
    house.day("2026-11-02", 300);
    house.day("2026-11-03", 300);
    let chain = fs::read(house.log().join("epochs")).unwrap();
    let forged = |n: u64| if n == 10 { b"forged".to_vec() } else { leaf(n) };
    let rewritten = |house: &House| {
        fs::remove_dir_all(house.log()).unwrap();
        let mut log = Log::open(&house.log(), house.key(), &[]).unwrap();
        let epoch = SigningKey::parse(&fs::read_to_string(house.keys().join("log.epoch")).unwrap()).unwrap();
        log.sign_beside(&epoch).unwrap();
        (0..900).for_each(|n| log.append(&forged(n)).unwrap());
        log.seal().unwrap();
    };
    // Every tile and the head rebuilt, the chain as it was.
    let thief = house.stolen();
    rewritten(&thief);
    fs::write(thief.log().join("epochs"), &chain).unwrap();
    assert_eq!(thief.verify_made(Vec::new(), forged), Err("Pin(\"epoch 1\") 0..300".to_owned()));
    // Without the chain; with the chain of another log of the same key; with the chain cut to its first record.
    fs::remove_file(thief.log().join("epochs")).unwrap();
    assert!(thief.verify_made(Vec::new(), forged).unwrap_err().contains("epoch 0"));
    fs::write(thief.log().join("epochs"), another_beginning(&house.key)).unwrap();
    assert!(thief.verify_made(Vec::new(), forged).unwrap_err().contains("epoch 0"));
    let first: Vec<u8> = chain.split_inclusive(|b| *b == b'\n').take(10).flatten().copied().collect();
    fs::write(thief.log().join("epochs"), first).unwrap();
    assert_eq!(thief.verify_made(Vec::new(), forged), Err("Epoch 0..900".to_owned()));
    // Every byte of the chain counts.
    for at in (0..chain.len()).step_by(37) {
        let mut bad = chain.clone();
        bad[at] ^= 1;
        fs::write(house.log().join("epochs"), bad).unwrap();
        assert!(house.verify(Vec::new()).is_err(), "byte {at}");
    }
    fs::write(house.log().join("epochs"), &chain).unwrap();
    // Only the key of the log: an unsigned head over what is there.
    let mut log = Log::open(&house.log(), house.key(), &(768..900).map(leaf).collect::<Vec<_>>()).unwrap();
    log.append(b"more").unwrap();
    log.seal().unwrap();
    let more = |n: u64| if n == 900 { b"more".to_vec() } else { leaf(n) };
    assert_eq!(house.verify_made(Vec::new(), more), Err("Epoch 600..901".to_owned()));
}

/// A chain that begins with a key of the thief, signed by the key of the log.
fn another_beginning(key: &SigningKey) -> Vec<u8> {
    let first = SigningKey::generate(&format!("{}/epoch-0", key.origin())).unwrap();
    let root = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
    let (origin, first) = (key.origin(), first.public().text());
    let text = format!("sakimori-epoch/1\n{origin}\n0\n2026-11-01\n0\n{root}\n{first}\n{}=\n", "A".repeat(43));
    let mut note = signed_note::Note::new(text.as_bytes(), &[]).unwrap();
    note.add_sigs(&[&signed_note::StandardSigner::new(key.text()).unwrap()]).unwrap();
    note.to_bytes()
}

#[test]
fn what_is_known_from_elsewhere_finds_a_cut_and_a_fork() {
    let house = House::new();
    let first = house.day("2026-11-01", 300);
    let backup = house.stolen();
    let second = house.day("2026-11-02", 300);
    assert_eq!(house.verify(vec![pin(&first, "paper"), pin(&second, "witness")]), Ok(600));
    // Everything put back to the first day, consistent in itself.
    assert_eq!(backup.verify(vec![pin(&first, "paper")]), Ok(300));
    assert_eq!(backup.verify(vec![pin(&second, "witness")]), Err("Cut(\"witness\") 300..600".to_owned()));
    // And another second day.
    let other = |n: u64| if n < 300 { leaf(n) } else { b"other".to_vec() };
    let mut log = backup.open("2026-11-02", other).unwrap();
    (300..600).for_each(|n| log.append(&other(n)).unwrap());
    log.seal().unwrap();
    let found = backup.verify_made(vec![pin(&first, "paper"), pin(&second, "witness")], other);
    assert_eq!(found, Err("Pin(\"witness\") 300..600".to_owned()));
}

fn witness(folder: &Path, logs: &[&PublicKey]) -> Witness {
    let key = CosignerKey::generate("witness.example/w1").unwrap();
    Witness::open(folder, key, logs.iter().map(|key| (*key).clone()).collect()).unwrap()
}

/// What the log sends to a witness that last signed `old`.
fn sends(log: &Log, old: u64) -> Vec<u8> {
    submission(old, &log.prove_growth(old).unwrap(), log.head().unwrap().1)
}

#[test]
fn a_witness_signs_what_leads_on_and_nothing_else() {
    let (house, folder) = (House::new(), TempDir::new().unwrap());
    let witness = witness(folder.path(), &[house.key.public()]);
    house.day("2026-11-01", 300);
    let log = house.open("2026-11-01", leaf).unwrap();
    let line = witness.add(&sends(&log, 0), 1_700_000_000).unwrap();
    let cosigned = witness.key().check(log.head().unwrap().1, &line).unwrap();
    assert_eq!(cosigned.time, 1_700_000_000);
    assert!(
        witness.key().check(log.head().unwrap().1, &line.replacen("AAAA", "AAAB", 1)).is_none()
            || !line.contains("AAAA")
    );
    // The same again, with its new time: a sign of life.
    assert!(witness.add(&sends(&log, 300), 1_700_003_600).is_ok());
    assert!(matches!(witness.add(&sends(&log, 0), 1), Err(Refusal::Conflict(300))));
    drop(log);
    let fork = house.stolen();
    house.day("2026-11-01", 300);
    let log = house.open("2026-11-01", leaf).unwrap();
    let mut broken = log.prove_growth(300).unwrap();
    broken[0][0] ^= 1;
    let head = log.head().unwrap().1.to_vec();
    assert!(matches!(witness.add(&submission(300, &broken, &head), 1), Err(Refusal::Unproved)));
    assert!(matches!(witness.add(&submission(300, &[], &head), 1), Err(Refusal::Unproved)));
    assert!(matches!(witness.add(&submission(601, &[], &head), 1), Err(Refusal::Malformed)));
    assert!(witness.add(&sends(&log, 300), 1_700_007_200).is_ok());
    // Another history of the same size is refused, and kept.
    let mut other = fork.open("2026-11-01", leaf).unwrap();
    (0..300).for_each(|_| other.append(b"other").unwrap());
    other.seal().unwrap();
    assert!(matches!(witness.add(&sends(&other, 600), 1), Err(Refusal::Conflict(600))));
    let kept = witness.heads().unwrap();
    assert!(kept.len() == 1 && kept[0].starts_with(&head) && kept[0].len() > head.len());
    let evidence = fs::read_dir(folder.path()).unwrap().flatten().any(|dir| dir.path().join("conflict-600").exists());
    assert!(evidence, "the other history was not kept");
    // Somebody else's log, and somebody who has not the key.
    let stranger = House::new();
    stranger.day("2026-11-01", 1);
    let unknown = sends(&stranger.open("2026-11-01", leaf).unwrap(), 0);
    assert!(matches!(witness.add(&unknown, 1), Err(Refusal::UnknownLog)));
    let text = String::from_utf8(head).unwrap();
    let unsigned = text.lines().take(4).collect::<Vec<_>>().join("\n");
    let false_note = format!("{unsigned}\n— {} AAAAAAAA\n", house.key.origin());
    assert!(matches!(witness.add(&submission(600, &[], false_note.as_bytes()), 1), Err(Refusal::Untrusted)));
    let key = CosignerKey::generate("witness.example/w1").unwrap();
    assert!(Witness::open(folder.path(), key, Vec::new()).is_err(), "two at once");
}

/// Many at once: exactly one of those that start from the same size is signed.
#[test]
fn of_two_at_once_one_is_signed() {
    let (house, folder) = (House::new(), TempDir::new().unwrap());
    let witness = witness(folder.path(), &[house.key.public()]);
    house.day("2026-11-01", 10);
    let bodies: Vec<Vec<u8>> = (0..8_u8)
        .map(|n| {
            let branch = house.stolen();
            let mut log = branch.open("2026-11-01", leaf).unwrap();
            (0..=n).for_each(|_| log.append(&[n]).unwrap());
            log.seal().unwrap();
            sends(&log, 0)
        })
        .collect();
    let signed = std::thread::scope(|scope| {
        let asked: Vec<_> = bodies.iter().map(|body| scope.spawn(|| witness.add(body, 1).is_ok())).collect();
        asked.into_iter().map(|one| one.join().unwrap()).filter(|signed| *signed).count()
    });
    assert_eq!(signed, 1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_bytes_break_a_witness(body in "(old [0-9]{0,21}\n)?(.{0,44}\n){0,3}\n?.{0,80}(\n\n— .{0,60}\n)?") {
        let (house, folder) = (House::old(), TempDir::new().unwrap());
        prop_assert!(witness(folder.path(), &[house.key.public()]).add(body.as_bytes(), 1).is_err());
    }
}
