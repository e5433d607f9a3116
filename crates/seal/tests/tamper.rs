//! What can be done to a log, and that each of it is found and named.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

#[path = "support/house.rs"]
mod house;

use std::fs;
use std::path::PathBuf;

use house::{House, copy, leaf, pin};
use seal::{Checkpoint, Log, Pin, SigningKey};

/// Three days of three hundred entries each, and what was known of them elsewhere.
struct Scene {
    house: House,
    /// The entries of the database, as the leaves that they make.
    leaves: Vec<Vec<u8>>,
    /// Heads that somebody else has.
    known: Vec<Pin>,
    /// The whole folder, as it was after the first day.
    backup: House,
    heads: [Checkpoint; 3],
}

const DAYS: [&str; 3] = ["2026-11-01", "2026-11-02", "2026-11-03"];

impl Scene {
    fn file(&self, name: &str) -> PathBuf {
        self.house.log().join(name)
    }

    fn change(&self, name: &str, change: impl FnOnce(&mut Vec<u8>)) {
        let mut bytes = fs::read(self.file(name)).unwrap();
        change(&mut bytes);
        fs::write(self.file(name), bytes).unwrap();
    }

    fn exchange(&self, one: &str, other: &str) {
        let (first, second) = (fs::read(self.file(one)).unwrap(), fs::read(self.file(other)).unwrap());
        fs::write(self.file(one), second).unwrap();
        fs::write(self.file(other), first).unwrap();
    }

    fn remove(&self, name: &str) {
        fs::remove_file(self.file(name)).unwrap();
    }

    /// Somebody else has the head of this day.
    fn known(&mut self, day: usize, what: &str) {
        self.known.push(pin(&self.heads[day - 1], what));
    }

    /// Everything in the folder of the keys and of the log is as it was after the first day.
    fn roll_back(&mut self) {
        fs::remove_dir_all(self.house.log()).unwrap();
        copy(self.backup.keys(), self.house.keys());
    }

    /// The thief of every secret that is there writes the log anew from these leaves, with the chain of epochs as it is.
    fn rewrite(&mut self) {
        let chain = fs::read(self.file("epochs")).unwrap();
        fs::remove_dir_all(self.house.log()).unwrap();
        let mut log = Log::open(&self.house.log(), self.house.key(), &[]).unwrap();
        let epoch = fs::read_to_string(self.house.keys().join("log.epoch")).unwrap();
        log.sign_beside(&SigningKey::parse(&epoch).unwrap()).unwrap();
        self.leaves.iter().for_each(|leaf| log.append(leaf).unwrap());
        log.seal().unwrap();
        fs::write(self.file("epochs"), chain).unwrap();
    }

    fn verdict(&self) -> String {
        let leaves = self.leaves.clone();
        // Beyond the last entry there is none: what is given then cannot be a leaf.
        let made = |n: u64| leaves.get(usize::try_from(n).unwrap()).cloned().unwrap_or_default();
        self.house.verify_made(self.known.clone(), made).map_or_else(|found| found, |size| format!("holds {size}"))
    }
}

/// A length and a leaf, as a bundle has them.
const ENTRY: usize = 2 + 6;

type Case = (&'static str, fn(&mut Scene), &'static str);

const CASES: &[Case] = &[
    ("nothing", |_| {}, "holds 900"),
    // The database.
    ("an entry changed", |s| s.leaves[7] = b"x".to_vec(), "File(\"tile/entries/000\") 7..8"),
    ("an entry dated back", |s| s.leaves[700] = b"earlier".to_vec(), "File(\"tile/entries/002\") 700..701"),
    ("an entry taken out", |s| drop(s.leaves.remove(20)), "File(\"tile/entries/000\") 20..21"),
    ("an entry put in", |s| s.leaves.insert(30, leaf(3)), "File(\"tile/entries/000\") 30..31"),
    ("two entries the other way round", |s| s.leaves.swap(40, 41), "File(\"tile/entries/000\") 40..41"),
    ("an entry in place of another", |s| s.leaves[50] = leaf(51), "File(\"tile/entries/000\") 50..51"),
    ("a late entry changed", |s| s.leaves[880] = b"x".to_vec(), "Root 768..900"),
    ("the last event dropped", |s| drop(s.leaves.pop()), "Root 768..900"),
    ("the end of the database cut", |s| s.leaves.truncate(700), "File(\"tile/entries/002\") 700..701"),
    ("the database put back a day", |s| s.leaves.truncate(300), "File(\"tile/entries/001\") 300..301"),
    ("the database emptied", |s| s.leaves.clear(), "File(\"tile/entries/000\") 0..1"),
    // The folder.
    (
        "a byte of a leaf",
        |s| s.change("tile/entries/000", |b| b[ENTRY * 3 + 3] ^= 1),
        "File(\"tile/entries/000\") 3..4",
    ),
    ("a byte of a hash", |s| s.change("tile/0/001", |b| b[70] ^= 1), "File(\"tile/0/001\") 256..512"),
    (
        "a leaf taken out",
        |s| s.change("tile/entries/001", |b| drop(b.drain(..10))),
        "File(\"tile/entries/001\") 256..257",
    ),
    (
        "a leaf put in",
        |s| s.change("tile/entries/001", |b| drop(b.splice(0..0, [0, 1, 9]))),
        "File(\"tile/entries/001\") 256..257",
    ),
    ("a bundle cut", |s| s.change("tile/entries/002", |b| b.truncate(100)), "File(\"tile/entries/002\") 522..523"),
    ("a tile cut", |s| s.change("tile/0/002", |b| b.truncate(64)), "File(\"tile/0/002\") 512..768"),
    ("a bundle gone", |s| s.remove("tile/entries/001"), "File(\"tile/entries/001\") 256..257"),
    ("a tile gone", |s| s.remove("tile/0/000"), "File(\"tile/0/000\") 0..256"),
    (
        "two bundles exchanged",
        |s| s.exchange("tile/entries/000", "tile/entries/001"),
        "File(\"tile/entries/000\") 0..1",
    ),
    ("two tiles exchanged", |s| s.exchange("tile/0/000", "tile/0/001"), "File(\"tile/0/000\") 0..256"),
    ("the head gone", |s| s.remove("checkpoint"), "no head"),
    ("a number of the head", |s| s.change("checkpoint", |b| text(b, "\n900\n", "\n899\n")), "not signed by this key"),
    (
        "a byte of a signature",
        |s| {
            s.change("checkpoint", |b| {
                let at = b.len() - 9;
                b[at] ^= 1
            })
        },
        "Epoch 600..900",
    ),
    // The keys.
    (
        "the signature of the day gone",
        |s| {
            s.change("checkpoint", |b| {
                let at = lines(b, 5);
                b.truncate(at)
            })
        },
        "Epoch 600..900",
    ),
    ("the chain of the days gone", |s| s.remove("epochs"), "epoch 0 does not hold"),
    (
        "the chain of the days cut",
        |s| {
            s.change("epochs", |b| {
                let at = lines(b, 20);
                b.truncate(at)
            })
        },
        "Epoch 300..900",
    ),
    (
        "a record of the days changed",
        |s| s.change("epochs", |b| text(b, "2026-11-02", "2026-11-09")),
        "epoch 1 does not hold",
    ),
    (
        "a record of the days taken out",
        |s| {
            s.change("epochs", |b| {
                let (from, to) = (lines(b, 10), lines(b, 20));
                drop(b.drain(from..to))
            })
        },
        "epoch 1 does not hold",
    ),
    (
        "the key exchanged",
        |s| {
            let other = House::new();
            other.day(DAYS[0], 900);
            fs::copy(other.log().join("checkpoint"), s.file("checkpoint")).unwrap();
        },
        "not signed by this key",
    ),
    (
        "another log in its place",
        |s| {
            let other = House::new();
            other.day(DAYS[0], 900);
            fs::remove_dir_all(s.house.log()).unwrap();
            copy(other.keys(), s.house.keys());
        },
        "not signed by this key",
    ),
    (
        "the chain of another log",
        |s| {
            let other = House::new();
            other.day(DAYS[0], 9);
            fs::copy(other.log().join("epochs"), s.file("epochs")).unwrap();
        },
        "epoch 0 does not hold",
    ),
    (
        "a thief of today rewrites the first day",
        |s| {
            s.leaves[10] = b"x".to_vec();
            s.rewrite()
        },
        "Pin(\"epoch 1\") 0..300",
    ),
    (
        "a thief of today rewrites yesterday",
        |s| {
            s.leaves[400] = b"x".to_vec();
            s.rewrite()
        },
        "Pin(\"epoch 2\") 300..600",
    ),
    (
        "a thief of today cuts into yesterday",
        |s| {
            s.leaves.truncate(500);
            s.rewrite()
        },
        "Cut(\"epoch 2\") 500..600",
    ),
    // Everything at once: only somebody else can tell.
    (
        "a thief of today rewrites today",
        |s| {
            s.known(3, "own");
            s.leaves[800] = b"x".to_vec();
            s.rewrite()
        },
        "Pin(\"own\") 600..900",
    ),
    (
        "a thief of today cuts today's end",
        |s| {
            s.known(3, "stamp");
            s.leaves.truncate(890);
            s.rewrite()
        },
        "Cut(\"stamp\") 890..900",
    ),
    (
        "the head of an older day over the newer tiles",
        |s| {
            fs::copy(s.backup.log().join("checkpoint"), s.file("checkpoint")).unwrap();
        },
        "Cut(\"epoch 2\") 300..600",
    ),
    (
        "the folder put back a day",
        |s| {
            s.known(2, "foreign");
            s.roll_back()
        },
        "Cut(\"foreign\") 300..600",
    ),
    (
        "an old backup of folder and database",
        |s| {
            s.known(3, "paper");
            s.roll_back();
            s.leaves.truncate(300)
        },
        "Cut(\"paper\") 300..900",
    ),
    (
        "another history from an old backup",
        |s| {
            s.known(2, "paper");
            s.roll_back();
            s.leaves.truncate(300);
            s.leaves.extend((0..600).map(|_| b"other".to_vec()));
            s.rewrite();
        },
        "Pin(\"paper\") 0..600",
    ),
    (
        "another history beside the witness's",
        |s| {
            s.known(1, "own");
            s.known(2, "own");
            s.roll_back();
            s.leaves[299] = b"other".to_vec();
            s.rewrite();
        },
        "Pin(\"own\") 0..300",
    ),
];

/// Where so many lines end.
fn lines(bytes: &[u8], count: usize) -> usize {
    bytes.split_inclusive(|b| *b == b'\n').take(count).map(<[u8]>::len).sum()
}

/// Another text in place of one.
fn text(bytes: &mut Vec<u8>, from: &str, to: &str) {
    let text = String::from_utf8(std::mem::take(bytes)).unwrap();
    assert!(text.contains(from), "{text}");
    *bytes = text.replacen(from, to, 1).into_bytes();
}

#[test]
fn every_tampering_is_found_and_named() {
    let house = House::new();
    let first = house.day(DAYS[0], 300);
    let backup = house.stolen();
    let heads = [first, house.day(DAYS[1], 300), house.day(DAYS[2], 300)];
    let mut wrong = Vec::new();
    for (what, act, wanted) in CASES {
        let leaves = (0..900).map(leaf).collect();
        let (house, backup, heads) = (house.stolen(), backup.stolen(), heads.clone());
        let mut scene = Scene { house, leaves, known: Vec::new(), backup, heads };
        act(&mut scene);
        let found = scene.verdict();
        if found != *wanted {
            wrong.push(format!("{what}: {found}, not {wanted}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(CASES.len() > 40);
}
