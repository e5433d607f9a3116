//! Power cuts: whatever a disk kept of what was not yet durable, the log opens, holds what it signed, and goes on.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use tempfile::TempDir;

use super::{Log, Verifier};
use crate::disk::Step;
use crate::key::SigningKey;

/// A disk that loses, at a power cut, any part of what nobody made durable.
#[derive(Default)]
struct Platter {
    /// Names as programs see them, and as they are durable: to a file, or to a folder (`None`).
    seen: BTreeMap<PathBuf, Option<usize>>,
    kept: BTreeMap<PathBuf, Option<usize>>,
    /// Content of each file as programs see it, and as it is durable.
    files: Vec<(Vec<u8>, Option<Vec<u8>>)>,
}

impl Platter {
    /// The disk as it is after a restart: all of it durable.
    fn of(root: &Path) -> Self {
        let mut platter = Self::default();
        let mut waiting = vec![root.to_owned()];
        while let Some(folder) = waiting.pop() {
            for entry in fs::read_dir(&folder).into_iter().flatten() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    platter.seen.insert(path.clone(), None);
                    waiting.push(path);
                } else {
                    let bytes = fs::read(&path).unwrap();
                    platter.files.push((bytes.clone(), Some(bytes)));
                    platter.seen.insert(path, Some(platter.files.len() - 1));
                }
            }
        }
        platter.kept = platter.seen.clone();
        platter
    }

    fn take(&mut self, step: &Step) {
        match step {
            Step::MakeFolder(path) => {
                self.seen.insert(path.clone(), None);
            }
            Step::Write(path, bytes) => match self.seen.get(path) {
                Some(Some(file)) => self.files[*file].0.clone_from(bytes),
                _ => {
                    self.files.push((bytes.clone(), None));
                    self.seen.insert(path.clone(), Some(self.files.len() - 1));
                }
            },
            Step::SyncFile(path) => {
                let (seen, kept) = &mut self.files[self.seen[path].unwrap()];
                *kept = Some(seen.clone());
            }
            Step::Rename(from, to) => {
                let file = self.seen.remove(from).unwrap();
                self.seen.insert(to.clone(), file);
            }
            Step::Remove(path) => {
                self.seen.remove(path);
            }
            Step::SyncFolder(folder) => {
                let inside = |path: &PathBuf| path.parent() == Some(folder);
                self.kept.retain(|path, _| !inside(path));
                self.kept.extend(self.seen.iter().filter(|(path, _)| inside(path)).map(|(p, f)| (p.clone(), *f)));
            }
        }
    }

    /// Writes to `to` what a cut leaves of the disk, by the throws of a dice.
    fn cut(&self, root: &Path, to: &Path, dice: &mut impl FnMut() -> usize) {
        let names: BTreeSet<&PathBuf> = self.seen.keys().chain(self.kept.keys()).collect();
        for path in names {
            let name = if dice().is_multiple_of(2) { self.seen.get(path) } else { self.kept.get(path) };
            let (Some(name), Ok(inside)) = (name, path.strip_prefix(root)) else { continue };
            let place = to.join(inside);
            // A name whose folder was lost is lost with it.
            if !place.parent().unwrap().is_dir() {
                continue;
            }
            let Some(file) = name else {
                fs::create_dir_all(place).unwrap();
                continue;
            };
            let (seen, kept) = &self.files[*file];
            let bytes = match (kept, dice() % 3) {
                (Some(kept), 0 | 1) => kept.clone(),
                (Some(kept), _) if kept == seen => kept.clone(),
                (_, 0) => seen.clone(),
                (_, 1) => seen[..dice() % (seen.len() + 1)].to_vec(),
                _ => vec![0; seen.len()],
            };
            fs::write(place, bytes).unwrap();
        }
    }
}

fn leaf(n: u64) -> Vec<u8> {
    format!("leaf {n}").into_bytes()
}

fn opened(folder: &Path, key: &SigningKey) -> Log {
    let tail: Vec<_> = Log::wanted(folder, key.public()).unwrap().map(leaf).collect();
    Log::open(folder, SigningKey::parse(key.text()).unwrap(), &tail).unwrap()
}

/// A folder in memory where there is one: what is durable is decided here, not by a disk.
fn folder() -> TempDir {
    TempDir::new_in("/dev/shm").or_else(|_| TempDir::new()).unwrap()
}

/// Logs whose lives are looked at; `SAKIMORI_CUTS=200` makes a thousand cuts.
fn logs() -> u32 {
    std::env::var("SAKIMORI_CUTS").map_or(8, |count| count.parse().unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(logs()))]

    /// Five lives of a log, each ended by a power cut at any of its steps, some of which dispose of its beginning.
    #[test]
    fn a_power_cut_takes_nothing_that_was_signed_and_kept(
        lives in prop::collection::vec((0_u64..300, 0_u64..700, 0_u64..200, any::<usize>(), any::<u64>()), 5),
    ) {
        let key = SigningKey::generate("sakimori.example/cut").unwrap();
        let mut home = folder();
        let (mut signed, mut noted) = (0, 0);
        for (first, second, goes, at, seed) in lives {
            let root = home.path().join("log");
            let before = Platter::of(&root);
            let mut log = opened(&root, &key);
            let size = log.size();
            prop_assert!(size >= signed, "signed {signed}, found {size}");
            let mut heads = vec![(0, size)];
            let mut minima = vec![(0, log.minimum())];
            prop_assert!(log.minimum() >= noted, "noted {noted}, found {}", log.minimum());
            for more in [first, second] {
                (0..more).for_each(|_| log.append(&leaf(log.size())).unwrap());
                log.seal().unwrap();
                heads.push((log.disk.steps().len(), log.size()));
                // Half of the lives dispose of something, ending what was begun before. Of nothing there is no head yet.
                if goes < 100 && log.size() > 0 {
                    let (tiles, least) = (log.size() / 256, log.minimum() / 256);
                    log.prune((least + (tiles - least) * goes / 100) * 256).unwrap();
                    minima.push((log.disk.steps().len(), log.minimum()));
                }
            }
            let cut = at % (log.disk.steps().len() + 1);
            let mut platter = before;
            // The folder of the log itself may be lost as well, as long as nothing was signed.
            platter.seen.insert(root.clone(), None);
            if size > 0 {
                platter.kept.insert(root.clone(), None);
            }
            log.disk.steps()[..cut].iter().for_each(|step| platter.take(step));
            let mut state = seed;
            let mut dice = || {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                usize::try_from(state >> 40).unwrap()
            };
            let next = folder();
            platter.cut(home.path(), next.path(), &mut dice);
            home = next;
            signed = heads.iter().filter(|(done, _)| *done <= cut).map(|(_, size)| *size).max().unwrap();
            noted = minima.iter().filter(|(done, _)| *done <= cut).map(|(_, index)| *index).max().unwrap();
            let root = home.path().join("log");
            let log = opened(&root, &key);
            let (size, minimum) = (log.size(), log.minimum());
            prop_assert!(minima.iter().any(|(_, index)| *index == minimum), "a minimum nobody noted: {minimum}");
            for index in (minimum..size).step_by(61) {
                prop_assert!(log.prove(index, Vec::new()).unwrap().check(&leaf(index), key.public()).is_ok());
            }
            prop_assert!(size == signed || heads.iter().any(|(_, head)| *head == size), "a head nobody signed: {size}");
            if let Some(mut verifier) = Verifier::open(&root, key.public(), Vec::new()).unwrap() {
                prop_assert_eq!(verifier.skim().unwrap(), Ok(()));
                while let Some(range) = verifier.wanted() {
                    prop_assert_eq!(verifier.give(Some(range.map(leaf).collect())).unwrap(), Ok(()));
                }
            }
        }
    }
}
