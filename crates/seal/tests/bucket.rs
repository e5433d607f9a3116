//! A log in a bucket: the same log as in a folder, whatever the store does, and one history whoever writes.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use seal::bucket::Trouble;
use seal::epoch::{found, keep_up, kept};
use seal::{Bucket, Chain, Epochs, Error, Log, Pin, Place, Settings, SigningKey, Turn, Verifier};
use tempfile::TempDir;
use testkit::{Fault, Heeds, S3};

fn leaf(n: u64) -> Vec<u8> {
    format!("leaf {n}").into_bytes()
}

fn settings(url: String) -> Settings {
    Settings { url, region: "us-east-1".to_owned(), id: "reader".to_owned(), secret: "himitsu".to_owned(), ca: None }
}

fn place(store: &S3) -> Place {
    Place::Bucket(Arc::new(Bucket::new(&settings(store.url("log"))).unwrap()))
}

fn key() -> SigningKey {
    SigningKey::generate("sakimori.example/bucket").unwrap()
}

fn again(key: &SigningKey) -> SigningKey {
    SigningKey::parse(key.text()).unwrap()
}

fn opened(place: &Place, key: &SigningKey) -> Result<Log, Error> {
    let tail: Vec<_> = Log::wanted(place, key.public())?.map(leaf).collect();
    Log::open(place, again(key), &tail)
}

fn grow(log: &mut Log, to: u64) -> Result<(), Error> {
    (log.size()..to).try_for_each(|n| log.append(&leaf(n)))
}

/// Everything verified, leaf by leaf, with what is known from elsewhere: the size.
fn verified(place: &Place, key: &SigningKey, known: Vec<Pin>) -> u64 {
    let mut verifier = Verifier::open(place, key.public(), known).unwrap().expect("a head");
    while let Some(range) = verifier.wanted() {
        assert_eq!(verifier.give(Some(range.map(leaf).collect())).unwrap(), Ok(()));
    }
    assert_eq!(verifier.fault(), None);
    verifier.head().size
}

fn files(folder: &Path, name: &str, found: &mut BTreeMap<String, Vec<u8>>) {
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let inside = format!("{name}{}", entry.file_name().to_str().unwrap());
        if entry.path().is_dir() {
            files(&entry.path(), &format!("{inside}/"), found);
        } else {
            found.insert(inside, fs::read(entry.path()).unwrap());
        }
    }
}

#[test]
fn a_bucket_holds_the_same_objects_as_a_folder_has_files() {
    let (store, folder, key) = (S3::start(Heeds::Yes), TempDir::new().unwrap(), key());
    let (home, away) = (Place::from(folder.path()), place(&store));
    for to in [1, 300, 70_000] {
        for at in [&home, &away] {
            let mut log = opened(at, &key).unwrap();
            grow(&mut log, to).unwrap();
            log.seal().unwrap();
        }
    }
    let mut wanted = BTreeMap::new();
    files(folder.path(), "log/", &mut wanted);
    let objects = store.objects();
    assert!(objects == wanted, "{:?} and {:?}", objects.keys(), wanted.keys());
    assert!(objects.keys().all(|name| !name.contains(".p/")), "no tile that is not full");
    let bytes: usize = objects.values().map(Vec::len).sum();
    assert!(bytes / 70_000 <= 150, "{} bytes an entry", bytes / 70_000);
    // Read as the other readers do.
    assert_eq!(verified(&away, &key, Vec::new()), 70_000);
    let mut verifier = Verifier::open(&away, key.public(), Vec::new()).unwrap().unwrap();
    assert_eq!(verifier.skim().unwrap(), Ok(()));
    let log = opened(&away, &key).unwrap();
    assert_eq!(log.file("tile/1/000").unwrap().unwrap(), wanted["log/tile/1/000"]);
    assert!(log.file("tile/0/273.p/200").unwrap().is_none(), "beyond the head");
    assert!(log.prove(12_345, Vec::new()).unwrap().check(&leaf(12_345), key.public()).is_ok());
    assert!(log.prove_growth(300).is_ok());
    // And what was altered in it is found.
    store.put("log/tile/0/007", &[0; 8_192]);
    assert!(verifier_of(&away, &key).skim().unwrap().is_err());
}

fn verifier_of(place: &Place, key: &SigningKey) -> Verifier {
    Verifier::open(place, key.public(), Vec::new()).unwrap().unwrap()
}

#[test]
fn a_folder_is_carried_to_a_bucket_once_and_goes_on_there() {
    let (store, folder, key) = (S3::start(Heeds::Yes), TempDir::new().unwrap(), key());
    let (home, away) = (Place::from(folder.path()), place(&store));
    let mut log = opened(&home, &key).unwrap();
    grow(&mut log, 1_000).unwrap();
    log.seal().unwrap();
    // It fails half-way, and is done again.
    let mut count = 0;
    store.fate(move |_, _| {
        count += 1;
        if count > 5 { Fault::Status(507, "QuotaExceeded") } else { Fault::None }
    });
    assert!(matches!(log.carry(&away), Err(Error::Bucket { trouble: Trouble::Status(507, _), .. })));
    store.mend();
    assert!(!store.objects().contains_key("log/checkpoint"), "no head before what it covers");
    log.carry(&away).unwrap();
    log.carry(&away).unwrap();
    assert_eq!(verified(&away, &key, Vec::new()), 1_000);
    let mut on = opened(&away, &key).unwrap();
    grow(&mut on, 1_300).unwrap();
    on.seal().unwrap();
    assert!(matches!(log.carry(&away), Err(Error::Taken)), "another head is there");
    assert_eq!(verified(&away, &key, Vec::new()), 1_300);
}

#[test]
fn what_is_no_answer_is_not_taken_for_an_empty_bucket() {
    let (store, key) = (S3::start(Heeds::Yes), key());
    let away = place(&store);
    let mut log = opened(&away, &key).unwrap();
    grow(&mut log, 300).unwrap();
    log.seal().unwrap();
    let faults = [
        Fault::Status(404, "NoSuchBucket"),
        Fault::Status(404, ""),
        Fault::Status(403, "RequestTimeTooSkewed"),
        Fault::Status(301, "PermanentRedirect"),
        Fault::Status(500, "InternalError"),
        Fault::Status(503, "SlowDown"),
        Fault::Says("<html>please sign in</html>"),
        Fault::Says(""),
        Fault::Gone,
        Fault::Unanswered,
        Fault::Cut,
    ];
    for fault in faults {
        let fate = fault.clone();
        store.fate(move |_, _| fate.clone());
        let refused = opened(&away, &key).err();
        assert!(refused.is_some(), "{fault:?} passed for a log");
        assert!(!matches!(refused, Some(Error::Fork { .. })), "{fault:?}: {refused:?}");
    }
    store.mend();
    assert_eq!(opened(&away, &key).unwrap().size(), 300);
    let nobody = Place::Bucket(Arc::new(Bucket::new(&settings("http://127.0.0.1:1/bucket".to_owned())).unwrap()));
    let refused = opened(&nobody, &key).err();
    assert!(matches!(refused, Some(Error::Bucket { trouble: Trouble::Unreachable(_), .. })), "{refused:?}");
    store.fate(|_, _| Fault::Late(Duration::from_secs(7)));
    let refused = opened(&away, &key).err();
    assert!(matches!(refused, Some(Error::Bucket { trouble: Trouble::Slow, .. })), "{refused:?}");
}

#[test]
fn of_two_writers_one_is_refused_where_the_store_can_tell() {
    for heeds in [Heeds::Yes, Heeds::No, Heeds::Says501] {
        let (store, key) = (S3::start(heeds), key());
        let away = place(&store);
        let mut first = opened(&away, &key).unwrap();
        let mut second = opened(&away, &key).unwrap();
        grow(&mut first, 300).unwrap();
        grow(&mut second, 301).unwrap();
        first.seal().unwrap();
        let refused = second.seal().map(|_| ());
        assert_eq!(matches!(refused, Err(Error::Taken)), heeds == Heeds::Yes, "{heeds:?} {refused:?}");
        let mut third = opened(&away, &key).unwrap();
        grow(&mut third, 600).unwrap();
        third.seal().unwrap();
        assert_eq!(
            matches!(first.append(b"x").and_then(|()| first.seal().map(|_| ())), Err(Error::Taken)),
            heeds == Heeds::Yes
        );
    }
    // A head whose answer was lost is its writer's own.
    let (store, key) = (S3::start(Heeds::Yes), key());
    let away = place(&store);
    let mut log = opened(&away, &key).unwrap();
    grow(&mut log, 10).unwrap();
    let mut lost = 0;
    store.fate(move |method, _| {
        lost += u32::from(method == "PUT");
        if method == "PUT" && lost == 1 { Fault::Unanswered } else { Fault::None }
    });
    log.seal().unwrap();
    assert_eq!(store.written("log/checkpoint").len(), 1);
    grow(&mut log, 20).unwrap();
    log.seal().unwrap();
    assert_eq!(verified(&away, &key, Vec::new()), 20);
}

#[test]
fn the_head_is_the_last_thing_that_is_written() {
    let (store, key) = (S3::start(Heeds::Yes), key());
    let away = place(&store);
    store.fate(|method, name| {
        if method == "PUT" && name.starts_with("log/tile/0/") {
            Fault::Status(500, "InternalError")
        } else {
            Fault::None
        }
    });
    let mut log = opened(&away, &key).unwrap();
    grow(&mut log, 1_000).unwrap();
    assert!(log.seal().is_err());
    assert!(store.written("log/checkpoint").is_empty());
}

#[test]
fn a_probe_says_what_a_store_does() {
    for (heeds, conditional) in [(Heeds::Yes, true), (Heeds::No, false), (Heeds::Says501, false)] {
        let store = S3::start(heeds);
        let bucket = Bucket::new(&settings(store.url("log"))).unwrap();
        let probe = bucket.probe().unwrap();
        assert_eq!(probe.conditional, conditional, "{heeds:?}");
        assert!(probe.date.is_some() && !probe.versions && !probe.locked);
        store.fate(|method, _| if method == "GET" { Fault::Says("another") } else { Fault::None });
        assert!(matches!(bucket.probe(), Err(Error::Bucket { trouble: Trouble::Differs, .. })));
        store.fate(|_, _| Fault::Status(403, "AccessDenied"));
        let error = bucket.probe().unwrap_err().to_string();
        assert!(error.contains("403 AccessDenied") && !error.contains("Signature") && !error.contains("himitsu"));
    }
}

/// A node: the folder of its keys, and the turns that all nodes share.
struct Node<'a> {
    keys: TempDir,
    turns: &'a mut Vec<Turn>,
}

impl Node<'_> {
    fn on(&mut self, day: &str, place: &Place, key: &SigningKey, to: u64) -> Result<(), Error> {
        let mut log = opened(place, key)?;
        let mut epochs = Epochs::open(self.keys.path(), place, key.public(), self.turns)?;
        if let Some(turn) = epochs.due(day, log.head().map(|(head, _)| head), key)? {
            // Whoever wrote the number first decides it.
            if !self.turns.iter().any(|decided| decided.number == turn.number) {
                self.turns.push(turn.clone());
            }
            let decided = self.turns.iter().find(|decided| decided.number == turn.number).unwrap();
            epochs.turn(decided)?;
        }
        log.sign_beside(epochs.signer()?)?;
        grow(&mut log, to)?;
        log.seal().map(|_| ())
    }
}

fn node<'a>(of: &Path, turns: &'a mut Vec<Turn>) -> Node<'a> {
    let keys = TempDir::new().unwrap();
    for name in ["log.epoch", "log.epoch.next"] {
        let _ = fs::copy(of.join(name), keys.path().join(name));
    }
    Node { keys, turns }
}

#[test]
fn a_node_makes_the_key_of_the_day_from_its_own_and_nothing_older_is_left() {
    let (store, home) = (S3::start(Heeds::Yes), TempDir::new().unwrap());
    let (away, key) = (place(&store), found(home.path(), "sakimori.example").unwrap());
    let mut turns = Vec::new();
    // What each node has, copied from the first before it ever sealed.
    let (one, two) = (node(home.path(), &mut turns).keys, node(home.path(), &mut turns).keys);
    let on = |keys: &TempDir, turns: &mut Vec<Turn>, day: &str, to| {
        let mut node = node(keys.path(), turns);
        node.on(day, &away, &key, to).unwrap();
        for name in ["log.epoch", "log.epoch.next"] {
            let _ = fs::remove_file(keys.path().join(name));
            let _ = fs::copy(node.keys.path().join(name), keys.path().join(name));
        }
    };
    on(&one, &mut turns, "2026-11-01", 300);
    on(&one, &mut turns, "2026-11-02", 600);
    on(&one, &mut turns, "2026-11-03", 900);
    assert_eq!((kept(one.path()).unwrap(), kept(two.path()).unwrap()), (Some(2), Some(0)));
    // The other one goes on three keys later, on the same day and on the next.
    on(&two, &mut turns, "2026-11-03", 950);
    on(&two, &mut turns, "2026-11-04", 1_000);
    assert_eq!(kept(two.path()).unwrap(), Some(3));
    // The first stands by, and follows without the bucket.
    keep_up(one.path(), key.origin(), &turns).unwrap();
    assert_eq!(fs::read(one.path().join("log.epoch")).unwrap(), fs::read(two.path().join("log.epoch")).unwrap());
    assert!(!one.path().join("log.epoch.next").exists());
    let chain = Chain::read(&away, key.public()).unwrap();
    assert_eq!(chain.epochs().iter().map(|epoch| epoch.size).collect::<Vec<_>>(), [0, 300, 600, 950]);
    assert_eq!(verified(&away, &key, Vec::new()), 1_000);
    // From the key of today no earlier one follows: a node that has it cannot open a chain that ends before.
    let records: Vec<u8> = turns[..2].iter().flat_map(|turn| turn.record.clone()).collect();
    store.put("log/epochs", &records);
    assert!(matches!(Epochs::open(one.path(), &away, key.public(), &turns[..2]), Err(Error::Key)));
    // What is lost of the chain is made again of the turns.
    let chain = Epochs::open(one.path(), &away, key.public(), &turns).unwrap().chain().epochs().len();
    assert_eq!(chain, 4);
    assert_eq!(verified(&away, &key, Vec::new()), 1_000);
}

#[test]
fn a_turn_that_was_altered_is_followed_by_nobody() {
    let (store, home) = (S3::start(Heeds::Yes), TempDir::new().unwrap());
    let (away, key) = (place(&store), found(home.path(), "sakimori.example").unwrap());
    let mut turns = Vec::new();
    let late = node(home.path(), &mut turns).keys;
    let mut first = node(home.path(), &mut turns);
    first.on("2026-11-01", &away, &key, 10).unwrap();
    first.on("2026-11-02", &away, &key, 20).unwrap();
    let before = fs::read(late.path().join("log.epoch")).unwrap();
    let stranger = SigningKey::generate(&format!("{}/epoch-1", key.origin())).unwrap();
    let foreign = String::from_utf8(turns[1].record.clone()).unwrap();
    let foreign = foreign.lines().nth(6).map(|line| foreign.replace(line, stranger.public().text())).unwrap();
    type Alter = Box<dyn Fn(&mut Turn)>;
    let altered: [(&str, Alter); 4] = [
        ("another number drawn", Box::new(|turn| turn.fresh[0] ^= 1)),
        ("a byte of the record", Box::new(|turn| turn.record[80] ^= 1)),
        ("another key in the record", Box::new(move |turn| turn.record = foreign.clone().into_bytes())),
        ("no record", Box::new(|turn| turn.record.clear())),
    ];
    for (what, alter) in altered {
        let mut bad = turns.clone();
        alter(&mut bad[1]);
        assert!(matches!(keep_up(late.path(), key.origin(), &bad), Err(Error::Epochs(1))), "{what}");
        assert!(Epochs::open(late.path(), &away, key.public(), &bad).is_err(), "{what}");
        assert_eq!(fs::read(late.path().join("log.epoch")).unwrap(), before, "{what}: the key it had is still there");
    }
    assert!(
        matches!(Epochs::open(late.path(), &away, key.public(), &turns[..1]), Err(Error::Key)),
        "a turn is missing"
    );
    keep_up(late.path(), key.origin(), &turns).unwrap();
    assert_eq!(kept(late.path()).unwrap(), Some(1));
}

/// How often a life of the next test is lived; `SAKIMORI_CUTS=200` makes a thousand.
fn lives() -> u32 {
    std::env::var("SAKIMORI_CUTS").map_or(4, |count| count.parse().unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(lives()))]

    /// A store that fails again and again, and writers that begin anew each time: what was signed stays, one history.
    #[test]
    fn whatever_the_store_does_there_is_one_history(seed in any::<u64>(), heeds in prop::bool::ANY) {
        let store = S3::start(if heeds { Heeds::Yes } else { Heeds::No });
        let (away, key) = (place(&store), key());
        let mut state = seed | 1;
        let mut dice = move |sides: u64| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state % sides
        };
        let (mut signed, mut aim) = (0, 0);
        for life in 0..5_u64 {
            let mut fate = dice(1 << 60) | 1;
            store.fate(move |_, _| {
                fate ^= fate << 13;
                fate ^= fate >> 7;
                fate ^= fate << 17;
                match fate % 12 {
                    0 => Fault::Status(503, "SlowDown"),
                    1 => Fault::Gone,
                    2 => Fault::Unanswered,
                    3 => Fault::Cut,
                    _ => Fault::None,
                }
            });
            if life == 4 {
                store.mend();
            }
            let Ok(mut log) = opened(&away, &key) else { continue };
            prop_assert!(log.size() >= signed, "signed {signed}, found {}", log.size());
            for _ in 0..3 {
                aim += dice(150);
                let to = aim.max(log.size());
                if grow(&mut log, to).and_then(|()| log.seal().map(|_| ())).is_err() {
                    break;
                }
                signed = log.head().map_or(0, |(head, _)| head.size);
            }
        }
        store.mend();
        let heads = store.written("log/checkpoint").into_iter().map(|note| {
            let head = seal::Checkpoint::open(&note, key.public()).unwrap();
            Pin { size: head.size, root: head.root, what: "published".to_owned() }
        });
        let heads: Vec<Pin> = heads.collect();
        prop_assert!(heads.is_sorted_by_key(|head| head.size), "a head went back");
        if !heads.is_empty() {
            prop_assert!(verified(&away, &key, heads) >= signed);
        }
    }
}
