//! A log whose beginning was disposed of: what is kept is proved as before, and only what was told of is missing.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

#[path = "support/house.rs"]
mod house;

use std::fs;
use std::sync::Arc;

use house::{House, leaf, pin};
use proptest::prelude::*;
use seal::{Bucket, Checkpoint, Error, Log, Pin, Place, Settings, Verifier};
use tempfile::TempDir;
use testkit::{Fault, Heeds, S3};

const DAYS: [&str; 3] = ["2026-11-01", "2026-11-02", "2026-11-03"];

/// A log of three days, with the heads of each.
fn days(sizes: [u64; 3]) -> (House, Vec<Checkpoint>) {
    let house = House::new();
    let mut size = 0;
    let heads = DAYS.iter().zip(sizes).map(|(day, to)| house.day(day, to - std::mem::replace(&mut size, to)));
    let heads = heads.collect();
    (house, heads)
}

fn open(house: &House) -> Log {
    house.open(DAYS[2], leaf).unwrap()
}

/// Everything that is kept is proved to somebody who has nothing but the key.
fn all_is_proved(log: &Log, house: &House, heads: &[Checkpoint]) {
    let (head, minimum) = (log.head().unwrap().0.clone(), log.minimum());
    let step = (head.size / 97).max(1);
    for index in (minimum..head.size).filter(|n| n % step == 0 || *n == minimum || n + 1 == head.size) {
        let proof = log.prove(index, Vec::new()).unwrap();
        assert!(proof.check(&leaf(index), house.key.public()).is_ok(), "{index}");
    }
    for known in heads.iter().filter(|known| known.size >= minimum) {
        assert!(log.prove_growth(known.size).is_ok(), "{} of {}", known.size, head.size);
    }
}

fn skimmed(house: &House) -> Result<(), String> {
    let mut verifier = Verifier::open(&house.log(), house.key.public(), Vec::new()).unwrap().unwrap();
    let named = |broken: seal::Broken| format!("{:?} {}..{}", broken.what, broken.index, broken.until);
    verifier.skim().unwrap().map_err(named)?;
    while let Some(range) = verifier.wanted() {
        verifier.give(Some(range.map(leaf).collect())).unwrap().map_err(named)?;
    }
    verifier.fault().map_or(Ok(()), |broken| Err(named(broken.clone())))
}

#[test]
fn what_is_kept_is_proved_and_the_log_goes_on() {
    // Within the first tile above the leaves, and over several of them; the edge in an open one and in a full one.
    let cases =
        [([300, 700, 900], [256, 512]), ([300, 66_000, 66_100], [65_536, 65_792]), ([300, 512, 65_536], [512, 65_280])];
    for (sizes, steps) in cases {
        let (house, heads) = days(sizes);
        let known: Vec<Pin> = heads.iter().map(|head| pin(head, "elsewhere")).collect();
        for minimum in steps {
            let mut log = open(&house);
            let root = log.prune(minimum).unwrap();
            assert_eq!(log.minimum(), minimum);
            all_is_proved(&log, &house, &heads);
            drop(log);
            let bundle = |n: u64| house.log().join(format!("tile/entries/x{:03}/{:03}", n / 1_000, n % 1_000));
            let plain = |n: u64| house.log().join(format!("tile/entries/{n:03}"));
            for n in [0, minimum / 256 - 1] {
                assert!(!bundle(n).exists() && !plain(n).exists(), "{n} of {minimum}");
            }
            let log = open(&house);
            assert_eq!(log.minimum(), minimum);
            all_is_proved(&log, &house, &heads);
            drop(log);
            assert_eq!(house.verify(known.clone()), Ok(sizes[2]), "{minimum}");
            assert_eq!(skimmed(&house), Ok(()));
            let at = Pin { size: minimum, root, what: "at the minimum".to_owned() };
            assert_eq!(house.verify(vec![at]), Ok(sizes[2]));
        }
        let after = house.day("2026-11-04", 700);
        assert_eq!(house.verify(known), Ok(after.size));
        all_is_proved(&open(&house), &house, &heads);
    }
}

#[test]
fn only_whole_tiles_that_a_head_covers_go_and_none_comes_back() {
    let (house, heads) = days([300, 700, 900]);
    let mut log = open(&house);
    for bad in [1, 255, 300, 1_024] {
        assert!(matches!(log.prune(bad), Err(Error::NotInLog)), "{bad}");
    }
    let root = log.prune(512).unwrap();
    assert!(matches!(log.prune(256), Err(Error::NotInLog)), "what is gone is gone");
    assert_eq!(log.prune(512).unwrap(), root, "once more is the same");
    // What is gone is said to be gone, and nothing else.
    assert!(matches!(log.prove(511, Vec::new()), Err(Error::Disposed(512))));
    assert!(matches!(log.prove_growth(heads[0].size), Err(Error::Disposed(512))));
    assert!(matches!(log.prove(900, Vec::new()), Err(Error::NotInLog)));
    for gone in ["tile/entries/000", "tile/0/001", "tile/0/001.p/9"] {
        assert_eq!(log.file(gone).unwrap(), None, "{gone}");
    }
    for kept in ["tile/entries/002", "tile/0/002", "tile/1/000.p/3", "checkpoint", "minimum", "epochs"] {
        assert!(log.file(kept).unwrap().is_some(), "{kept}");
    }
}

#[test]
fn a_copy_of_a_pruned_log_is_as_good_as_the_log() {
    for sizes in [[300, 700, 900], [300, 66_000, 66_100]] {
        let (house, heads) = days(sizes);
        let mut log = open(&house);
        log.prune(sizes[1] / 256 * 256).unwrap();
        let (away, store) = (TempDir::new().unwrap(), S3::start(Heeds::Yes));
        log.publish(&away.path().join("log")).unwrap();
        log.carry(&bucket(&store)).unwrap();
        for place in [Place::from(&away.path().join("log")), bucket(&store)] {
            let mut verifier = Verifier::open(&place, house.key.public(), vec![pin(&heads[1], "x")]).unwrap().unwrap();
            assert_eq!(verifier.minimum(), sizes[1] / 256 * 256);
            while let Some(range) = verifier.wanted() {
                assert_eq!(verifier.give(Some(range.map(leaf).collect())).unwrap(), Ok(()));
            }
            assert_eq!(verifier.fault(), None);
        }
        drop(log);
        let tail: Vec<_> = Log::wanted(bucket(&store), house.key.public()).unwrap().map(leaf).collect();
        let log = Log::open(bucket(&store), house.key(), &tail).unwrap();
        all_is_proved(&log, &house, &heads);
    }
}

fn bucket(store: &S3) -> Place {
    let url = store.url("log");
    let settings = Settings {
        url,
        region: "us-east-1".to_owned(),
        id: "reader".to_owned(),
        secret: "himitsu".to_owned(),
        ca: None,
    };
    Place::Bucket(Arc::new(Bucket::new(&settings).unwrap()))
}

#[test]
fn a_bucket_that_fails_is_pruned_once_it_is_back() {
    let (house, heads) = days([300, 700, 3_000]);
    let store = S3::start(Heeds::Yes);
    open(&house).carry(&bucket(&store)).unwrap();
    let opened = || {
        let tail: Vec<_> = Log::wanted(bucket(&store), house.key.public()).unwrap().map(leaf).collect();
        let mut log = Log::open(bucket(&store), house.key(), &tail).unwrap();
        let epoch = fs::read_to_string(house.keys().join("log.epoch")).unwrap();
        log.sign_beside(&seal::SigningKey::parse(&epoch).unwrap()).unwrap();
        log
    };
    // It may not be noted, then not removed; nothing goes before it is noted.
    store.fate(|method, name| match (method, name) {
        ("PUT", "log/minimum") => Fault::Status(507, "QuotaExceeded"),
        _ => Fault::None,
    });
    let before = store.objects();
    assert!(opened().prune(2_560).is_err());
    assert!(before.keys().all(|name| store.objects().contains_key(name)));
    let mut count = 0;
    store.fate(move |method, _| {
        count += u32::from(method == "DELETE");
        if count > 7 { Fault::Status(403, "AccessDenied") } else { Fault::None }
    });
    assert!(opened().prune(2_560).is_err());
    store.mend();
    let mut log = opened();
    assert_eq!(log.minimum(), 2_560, "it was noted");
    all_is_proved(&log, &house, &heads);
    log.sweep().unwrap();
    let left: Vec<String> = store.objects().into_keys().collect();
    let kept = [
        "log/checkpoint",
        "log/epochs",
        "log/minimum",
        "log/tile/0/010",
        "log/tile/1/000.p/10",
        "log/tile/entries/010",
    ];
    assert_eq!(left, kept);
}

type Case = (&'static str, fn(&House), &'static str);

/// Nine hundred entries, kept from 512 on.
const CASES: &[Case] = &[
    ("nothing", |_| {}, "900"),
    ("no word of it", |h| remove(h, "minimum"), "File(\"tile/entries/000\") 0..1"),
    ("another minimum", |h| text(h, "minimum", "\n512\n", "\n768\n"), "not signed by this key"),
    ("a word of another log", |h| other(h), "not signed by this key"),
    ("an older word", |h| older(h), "File(\"tile/entries/001\") 256..257"),
    ("a head in its place", |h| head_in_its_place(h), "malformed minimum"),
    ("a kept bundle gone", |h| remove(h, "tile/entries/002"), "File(\"tile/entries/002\") 512..513"),
    ("a kept tile gone", |h| remove(h, "tile/0/002"), "File(\"tile/0/002\") 512..768"),
    ("the tile over the minimum gone", |h| remove(h, "tile/1/000.p/2"), "File(\"tile/1/000.p/2\") 0..512"),
    ("the tile over the minimum changed", |h| flip(h, "tile/1/000.p/2", 40), "File(\"minimum\") 0..512"),
    ("a kept entry changed", |h| flip(h, "tile/entries/002", 35), "File(\"tile/entries/002\") 515..516"),
];

fn remove(house: &House, name: &str) {
    fs::remove_file(house.log().join(name)).unwrap();
}

fn flip(house: &House, name: &str, at: usize) {
    let mut bytes = fs::read(house.log().join(name)).unwrap();
    bytes[at] ^= 1;
    fs::write(house.log().join(name), bytes).unwrap();
}

fn text(house: &House, name: &str, from: &str, to: &str) {
    let text = fs::read_to_string(house.log().join(name)).unwrap();
    assert!(text.contains(from));
    fs::write(house.log().join(name), text.replacen(from, to, 1)).unwrap();
}

fn other(house: &House) {
    let (another, _) = days([300, 700, 900]);
    open(&another).prune(512).unwrap();
    fs::copy(another.log().join("minimum"), house.log().join("minimum")).unwrap();
}

fn head_in_its_place(house: &House) {
    fs::copy(house.log().join("checkpoint"), house.log().join("minimum")).unwrap();
}

/// What was said when less was disposed of.
fn older(house: &House) {
    let before = house.stolen();
    let _ = fs::remove_dir_all(before.log());
    let mut log = Log::open(&before.log(), house.key(), &[]).unwrap();
    (0..900).for_each(|n| log.append(&leaf(n)).unwrap());
    log.seal().unwrap();
    log.prune(256).unwrap();
    fs::copy(before.log().join("minimum"), house.log().join("minimum")).unwrap();
    fs::copy(before.log().join("tile/1/000.p/1"), house.log().join("tile/1/000.p/1")).unwrap();
}

#[test]
fn what_is_missing_or_altered_is_found_and_named() {
    let (house, _) = days([300, 700, 900]);
    open(&house).prune(512).unwrap();
    for (what, tamper, wanted) in CASES {
        let house = house.stolen();
        tamper(&house);
        let found = house.verify(Vec::new()).map_or_else(|found| found, |size| size.to_string());
        assert_eq!(found, *wanted, "{what}");
        if *wanted != "900" && !wanted.starts_with("File(\"tile/entries/002\") 515") {
            assert!(
                Verifier::open(&house.log(), house.key.public(), Vec::new()).is_err() || skimmed(&house).is_err(),
                "{what}"
            );
        }
    }
    // The whole log put back to before: what was disposed of is there again, and it shows by its minimum alone.
    let (back, _) = days([300, 700, 900]);
    assert_eq!(Verifier::open(&back.log(), back.key.public(), Vec::new()).unwrap().unwrap().minimum(), 0);
}

#[test]
fn a_head_that_lost_what_was_pruned_is_cut() {
    let (house, _) = days([300, 700, 900]);
    open(&house).prune(768).unwrap();
    // The head of an older state beside the minimum of a newer one.
    let away = TempDir::new().unwrap();
    let mut log = Log::open(&away.path().join("log"), house.key(), &[]).unwrap();
    (0..300).for_each(|n| log.append(&leaf(n)).unwrap());
    log.seal().unwrap();
    fs::write(house.log().join("checkpoint"), log.head().unwrap().1).unwrap();
    let found = house.verify(Vec::new()).unwrap_err();
    assert!(found.contains("Cut"), "{found}");
    assert!(Log::open(&house.log(), house.key(), &[]).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4))]

    /// Any sizes, any steps: the log opens, goes on, and all of it is proved.
    #[test]
    fn any_log_is_pruned_anywhere(sizes in prop::collection::vec(1_u64..800, 3), at in prop::collection::vec(0_u64..100, 3)) {
        let house = House::new();
        let mut heads = Vec::new();
        for (n, (more, at)) in sizes.into_iter().zip(at).enumerate() {
            heads.push(house.day(DAYS[n], more));
            let mut log = house.open(DAYS[n], leaf).unwrap();
            let tiles = log.size() / 256;
            let least = log.minimum() / 256;
            log.prune((least + (tiles - least) * at / 100) * 256).unwrap();
            all_is_proved(&log, &house, &heads);
            drop(log);
            prop_assert_eq!(house.verify(heads.iter().map(|head| pin(head, "x")).collect()), Ok(heads[n].size));
        }
    }
}
