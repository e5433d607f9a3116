//! The log as a whole: it grows, is opened again, is checked, and lets nothing be altered.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use seal::proof::Proof;
use seal::{Broken, Checkpoint, Error, Log, PublicKey, SigningKey, Verifier, What};
use tempfile::TempDir;
use tlog_tiles::{check_tree, prove_tree};

fn key() -> SigningKey {
    SigningKey::generate("sakimori.example/log").unwrap()
}

fn leaf(n: u64) -> Vec<u8> {
    format!("leaf {n}").into_bytes()
}

/// A log of this many leaves, sealed.
fn grown(folder: &Path, key: SigningKey, size: u64) -> Log {
    let mut log = Log::open(folder, key, &[]).unwrap();
    (0..size).for_each(|n| log.append(&leaf(n)).unwrap());
    log.seal().unwrap();
    log
}

fn again(key: &SigningKey) -> SigningKey {
    SigningKey::parse(key.text()).unwrap()
}

/// The log again after a restart.
fn reopened(folder: &Path, key: &SigningKey) -> Log {
    let tail: Vec<_> = Log::wanted(folder, key.public()).unwrap().map(leaf).collect();
    Log::open(folder, again(key), &tail).unwrap()
}

/// Verifies a folder, alone or beside the entries it was made of.
fn verify(folder: &Path, key: &PublicKey, beside: bool) -> Result<Result<Checkpoint, Broken>, Error> {
    let Some(mut verifier) = Verifier::open(folder, key, Vec::new())? else {
        return Ok(Err(Broken { index: 0, until: 1, what: What::Root }));
    };
    while let Some(range) = verifier.wanted() {
        let tail = range.end - range.start < 256;
        if let Err(broken) = verifier.give((beside || tail).then(|| range.map(leaf).collect()))? {
            return Ok(Err(broken));
        }
    }
    Ok(Ok(verifier.head().clone()))
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

/// The root as RFC 6962 §2.1 defines it, without tiles.
fn root(leaves: &[Vec<u8>]) -> tlog_tiles::Hash {
    match leaves {
        [] => tlog_tiles::EMPTY_HASH,
        [one] => tlog_tiles::record_hash(one),
        more => {
            let half = 1 << (more.len() - 1).ilog2();
            tlog_tiles::node_hash(root(&more[..half]), root(&more[half..]))
        }
    }
}

#[test]
fn only_full_tiles_are_files() {
    let folder = TempDir::new().unwrap();
    grown(folder.path(), key(), 700);
    let names: Vec<_> =
        files(folder.path()).iter().map(|f| f.strip_prefix(folder.path()).unwrap().display().to_string()).collect();
    assert_eq!(names, ["checkpoint", "tile/0/000", "tile/0/001", "tile/entries/000", "tile/entries/001"]);
}

#[test]
fn a_head_is_signed_once_for_each_size() {
    let folder = TempDir::new().unwrap();
    let mut log = grown(folder.path(), key(), 3);
    assert!(log.seal().unwrap().is_none());
    log.append(b"more").unwrap();
    assert_eq!(log.seal().unwrap().unwrap().size, 4);
}

#[test]
fn a_log_that_crashed_before_its_head_goes_on_as_if_nothing_had_been() {
    let (folder, key) = (TempDir::new().unwrap(), key());
    let mut log = grown(folder.path(), again(&key), 200);
    // Past a full tile, and no head over it.
    (200..600).for_each(|n| log.append(&leaf(n)).unwrap());
    drop(log);
    let mut log = reopened(folder.path(), &key);
    assert_eq!(log.size(), 200);
    (200..1000).for_each(|n| log.append(&leaf(n)).unwrap());
    log.seal().unwrap();
    assert_eq!(verify(folder.path(), key.public(), true).unwrap().unwrap().size, 1000);
}

#[test]
fn other_entries_than_those_signed_are_a_fork() {
    let (folder, key) = (TempDir::new().unwrap(), key());
    grown(folder.path(), again(&key), 300);
    let tail: Vec<_> = (256..300).map(leaf).collect();
    let mut changed = tail.clone();
    changed[5] = leaf(0);
    // A database of yesterday has fewer.
    for bad in [&changed[..], &tail[..43]] {
        assert!(matches!(Log::open(folder.path(), again(&key), bad), Err(Error::Fork { size: 300 })));
    }
    let stranger = SigningKey::generate("sakimori.example/log").unwrap();
    assert!(matches!(Log::open(folder.path(), stranger, &tail), Err(Error::Signature)));
}

#[test]
fn every_changed_byte_of_every_file_is_found_with_its_place() {
    let (folder, key) = (TempDir::new().unwrap(), key());
    grown(folder.path(), again(&key), 256 * 3 + 10);
    assert!(verify(folder.path(), key.public(), true).unwrap().is_ok());
    for path in files(folder.path()) {
        let whole = fs::read(&path).unwrap();
        for at in [0, whole.len() / 2, whole.len() - 1] {
            let mut bad = whole.clone();
            bad[at] ^= 1;
            fs::write(&path, &bad).unwrap();
            let said = verify(folder.path(), key.public(), false);
            let compared = verify(folder.path(), key.public(), true);
            for found in [said, compared] {
                let tile = path.file_name().unwrap().to_str().unwrap().parse::<u64>();
                match (found, tile) {
                    (Ok(Err(broken)), Ok(tile)) => {
                        assert!(broken.index / 256 == tile, "{}: {broken:?}", path.display())
                    }
                    (Ok(Err(_)) | Err(Error::Signature | Error::Malformed(_)), Err(_)) => {}
                    (other, _) => panic!("{} at {at}: {other:?}", path.display()),
                }
            }
        }
        fs::remove_file(&path).unwrap();
        assert!(verify(folder.path(), key.public(), true).unwrap().is_err(), "{} is gone", path.display());
        fs::write(&path, whole).unwrap();
    }
}

#[test]
fn what_is_given_away_is_whole_for_others() {
    let (folder, away, key) = (TempDir::new().unwrap(), TempDir::new().unwrap(), key());
    let log = grown(folder.path(), again(&key), 256 + 9);
    log.publish(away.path()).unwrap();
    let names: Vec<_> =
        files(away.path()).iter().map(|f| f.strip_prefix(away.path()).unwrap().display().to_string()).collect();
    let wanted =
        ["checkpoint", "tile/0/000", "tile/0/001.p/9", "tile/1/000.p/1", "tile/entries/000", "tile/entries/001.p/9"];
    assert_eq!(names, wanted);
    assert_eq!(verify(away.path(), key.public(), true).unwrap().unwrap().size, 265);
}

#[test]
fn a_leaf_has_its_limit() {
    let folder = TempDir::new().unwrap();
    let mut log = grown(folder.path(), key(), 1);
    assert!(matches!(log.append(&vec![0; 65_536]), Err(Error::TooLong(65_536))));
    assert_eq!(log.size(), 1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Root, reopening, proofs of inclusion and of consistency agree with the definition at every size.
    #[test]
    fn the_tree_is_that_of_rfc_6962(size in prop_oneof![15 => 1_u64..600, 1 => 65_530_u64..65_800], seed in any::<u64>()) {
        let (folder, key) = (TempDir::new().unwrap(), key());
        let log = grown(folder.path(), again(&key), size);
        let leaves: Vec<_> = (0..size).map(leaf).collect();
        prop_assert_eq!(log.root(), root(&leaves).0);
        drop(log);
        let log = reopened(folder.path(), &key);
        prop_assert_eq!(log.root(), root(&leaves).0);
        let index = seed % size;
        let proof = Proof::parse(&log.prove(index, b"extra".to_vec()).unwrap().text()).unwrap();
        prop_assert_eq!(proof.check(&leaf(index), key.public()).unwrap().size, size);
        prop_assert!(matches!(proof.check(&leaf(index + 1), key.public()), Err(Error::NotInLog)));
        let other = Proof { index: (index + 1) % size.max(2), ..proof };
        prop_assert!(other.check(&leaf(index), key.public()).is_err());
        let old = seed % size + 1;
        let between = prove_tree(size, old, &log).unwrap();
        let (now, then) = (tlog_tiles::Hash(log.root()), root(&leaves[..usize::try_from(old).unwrap()]));
        check_tree(&between, size, now, old, then).unwrap();
    }

    #[test]
    fn no_text_breaks_the_reader_of_proofs(text in "(c2sp.org/tlog-proof@v1\n)?(extra .{0,9}\n)?(index [0-9]{0,22}\n)?.{0,40}\n\n.{0,40}") {
        let _ = Proof::parse(&text);
    }
}
