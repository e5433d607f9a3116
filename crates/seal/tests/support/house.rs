//! A log with its keys, as the product has it, and days that go by.

#![allow(dead_code, reason = "not every test uses all of it")]

use std::fs;
use std::path::{Path, PathBuf};

use seal::epoch::found;
use seal::{Checkpoint, Epochs, Error, Log, Pin, SigningKey, Verifier};
use tempfile::TempDir;

/// A log with the folder of its keys beside it, as the product has it.
pub(crate) struct House {
    pub(crate) folder: TempDir,
    pub(crate) key: SigningKey,
}

pub(crate) fn leaf(n: u64) -> Vec<u8> {
    format!("leaf {n}").into_bytes()
}

impl House {
    pub(crate) fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let key = found(folder.path(), "sakimori.example").unwrap();
        Self { folder, key }
    }

    /// A log that is older than epochs.
    pub(crate) fn old() -> Self {
        Self { folder: TempDir::new().unwrap(), key: SigningKey::generate("sakimori.example/old").unwrap() }
    }

    pub(crate) fn keys(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn log(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    pub(crate) fn key(&self) -> SigningKey {
        SigningKey::parse(self.key.text()).unwrap()
    }

    /// Another house with the same files: what a thief takes away, or a backup.
    pub(crate) fn stolen(&self) -> Self {
        let other = Self { folder: TempDir::new().unwrap(), key: self.key() };
        copy(self.keys(), other.keys());
        other
    }

    /// The log of these leaves, open, signed by the epoch of the day.
    pub(crate) fn open(&self, day: &str, made: impl Fn(u64) -> Vec<u8>) -> Result<Log, Error> {
        let tail: Vec<_> = Log::wanted(&self.log(), self.key.public())?.map(made).collect();
        let mut log = Log::open(&self.log(), self.key(), &tail)?;
        let mut epochs = Epochs::open(self.keys(), &self.log(), self.key.public(), &[])?;
        if let Some(turn) = epochs.due(day, log.head().map(|(head, _)| head), &self.key)? {
            epochs.turn(&turn)?;
        }
        log.sign_beside(epochs.signer()?)?;
        Ok(log)
    }

    /// One day's work: so many more leaves.
    pub(crate) fn day(&self, day: &str, more: u64) -> Checkpoint {
        let mut log = self.open(day, leaf).unwrap();
        (0..more).for_each(|_| log.append(&leaf(log.size())).unwrap());
        log.seal().unwrap();
        log.head().unwrap().0.clone()
    }

    /// Everything verified beside leaves made like this: the size, or what was found.
    pub(crate) fn verify_made(&self, known: Vec<Pin>, made: impl Fn(u64) -> Vec<u8>) -> Result<u64, String> {
        let named = |error: Error| error.to_string();
        let verifier = Verifier::open(&self.log(), self.key.public(), known).map_err(named)?;
        let mut verifier = verifier.ok_or("no head")?;
        while let Some(range) = verifier.wanted() {
            if let Err(broken) = verifier.give(Some(range.map(&made).collect())).map_err(named)? {
                return Err(format!("{:?} {}..{}", broken.what, broken.index, broken.until));
            }
        }
        match verifier.fault() {
            Some(broken) => Err(format!("{:?} {}..{}", broken.what, broken.index, broken.until)),
            None => Ok(verifier.head().size),
        }
    }

    pub(crate) fn verify(&self, known: Vec<Pin>) -> Result<u64, String> {
        self.verify_made(known, leaf)
    }
}

pub(crate) fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let (from, to) = (entry.as_ref().unwrap().path(), to.join(entry.unwrap().file_name()));
        if from.is_dir() {
            fs::create_dir_all(&to).unwrap();
            copy(&from, &to);
        } else {
            fs::copy(from, to).unwrap();
        }
    }
}

pub(crate) fn pin(head: &Checkpoint, what: &str) -> Pin {
    Pin { size: head.size, root: head.root, what: what.to_owned() }
}
