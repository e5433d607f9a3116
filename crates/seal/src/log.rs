//! The tree on disk, or in a bucket.
//!
//! A [place](crate::place) in the layout of `tlog-tiles`: `checkpoint`, `tile/<level>/<path>` with 256 hashes each and
//! `tile/entries/<path>` with 256 leaves each. Only full tiles are files, which are written once and never again; the
//! open ones, at most 255 hashes a level, are in memory. After a restart they are computed from the full tiles and the
//! leaves that came after the last of them, which the caller still has. A head is signed only after everything it
//! covers is durable, so a crash leaves tiles that no head covers yet: they are written again, with the same content.
//!
//! A log goes on only from what it signed: on opening, the given leaves must lead to the root of the last head.

mod carry;
#[cfg(test)]
mod cut;
mod give;
mod prune;
mod skim;

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::ops::Range;
use std::path::{Path, PathBuf};

use tlog_tiles::{
    EMPTY_HASH, Hash, HashReader, Tile, node_hash, prove_record, prove_tree, record_hash, split_stored_hash_index,
};

use crate::bucket::Trouble;
use crate::epoch::{CHAIN, Chain};
use crate::key::{PublicKey, SigningKey};
use crate::place::{Place, Writer};
use crate::proof::Proof;
use prune::{MINIMUM, Minimum};

/// Height of a tile: 2⁸ hashes.
const HEIGHT: u8 = 8;
/// Hashes or leaves in a full tile.
pub const FULL: u64 = 1 << HEIGHT;
/// File of the last head.
pub(crate) const HEAD: &str = "checkpoint";
/// Longest leaf in bytes (`tlog-tiles`: a 16-bit length).
pub const LONGEST: usize = u16::MAX as usize;

/// What can go wrong with a log.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file could not be read or written.
    #[error("{path}: {source}")]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A bucket could not be read or written.
    #[error("{place}: {trouble}")]
    Bucket {
        /// Which object.
        place: String,
        /// Why.
        trouble: Trouble,
    },
    /// Somebody else wrote what this writer was about to replace.
    #[error("somebody else writes")]
    Taken,
    /// A key is malformed, or the machine has no randomness.
    #[error("no key")]
    Key,
    /// A head that this key did not sign.
    #[error("not signed by this key")]
    Signature,
    /// Something is not in its format.
    #[error("malformed {0}")]
    Malformed(&'static str),
    /// A leaf longer than [`LONGEST`].
    #[error("leaf of {0} bytes")]
    TooLong(usize),
    /// The entries do not lead to the head that was signed: they were changed, or the folder is of another time.
    #[error("the entries do not lead to the head of size {size}")]
    Fork {
        /// Size of the head.
        size: u64,
    },
    /// The record of an epoch does not follow from the one before.
    #[error("epoch {0} does not hold")]
    Epochs(u64),
    /// The log does not hold this entry at this place.
    #[error("not in the log")]
    NotInLog,
    /// What is asked for was disposed of, below this index.
    #[error("disposed of below {0}")]
    Disposed(u64),
}

/// Where a log is broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// Index of the first leaf that cannot be trusted.
    pub index: u64,
    /// Index before which the change lies; `index + 1` when it is known exactly.
    pub until: u64,
    /// What showed it.
    pub what: What,
}

/// What showed that a log is broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// A file of the log does not fit the entries or the other files: its path.
    File(String),
    /// The entries do not lead to the root of the signed head.
    Root,
    /// The head lacks the signature of its epoch.
    Epoch,
    /// The tree had another root at a size where its root is known: from where.
    Pin(String),
    /// The tree is smaller than it was known to be: from where. It was cut off, or put back to an older state.
    Cut(String),
}

/// What is known of the tree from elsewhere: the root it had at a size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pin {
    /// Number of leaves.
    pub size: u64,
    /// Root over them.
    pub root: [u8; 32],
    /// From where it is known.
    pub what: String,
}

/// A head of the tree (`tlog-checkpoint`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Name of the log.
    pub origin: String,
    /// Number of leaves.
    pub size: u64,
    /// Root of the tree over them.
    pub root: [u8; 32],
}

impl Checkpoint {
    /// The head in a signed note, when this key signed it.
    ///
    /// # Errors
    /// [`Error::Signature`], or [`Error::Malformed`] when what was signed is no head.
    pub fn open(note: &[u8], key: &PublicKey) -> Result<Self, Error> {
        let text = key.open(note)?;
        let head = tlog_tiles::Checkpoint::from_bytes(&text).map_err(|_| Error::Malformed("checkpoint"))?;
        Ok(Self { origin: head.origin().to_owned(), size: head.size(), root: head.hash().0 })
    }

    fn note(&self, key: &SigningKey) -> Result<Vec<u8>, Error> {
        let head = tlog_tiles::Checkpoint::new(&self.origin, self.size, Hash(self.root), "");
        key.sign(&head.map_err(|_| Error::Malformed("checkpoint"))?.to_bytes())
    }
}

/// A log that is open for writing. Nobody else may have it open.
pub struct Log {
    disk: Writer,
    key: SigningKey,
    size: u64,
    /// Of each level the hashes of its open tile; level 0 are the leaves.
    open: Vec<Vec<Hash>>,
    /// The open bundle of leaves, as its file will be.
    bundle: Vec<u8>,
    /// The last head, as it was given out.
    head: Option<(Checkpoint, Vec<u8>)>,
    /// From where on it is kept.
    minimum: Minimum,
}

impl Log {
    /// The leaves that [`open`](Self::open) has to be given: those after the last full tile, up to the last head.
    ///
    /// # Errors
    /// [`Error::Signature`] when the head is not of this key; any error of a file.
    pub fn wanted(place: impl Into<Place>, key: &PublicKey) -> Result<Range<u64>, Error> {
        let size = match place.into().read(HEAD)? {
            Some(note) => Checkpoint::open(&note, key)?.size,
            None => 0,
        };
        Ok(size - size % FULL..size)
    }

    /// Opens the log in a place; a folder is made when something is written; `tail` are the leaves that are
    /// [`wanted`](Self::wanted).
    ///
    /// # Errors
    /// [`Error::Fork`] when the leaves are not those that the last head covers; [`Error::Signature`] when the head is
    /// not of this key; any error of a file.
    pub fn open(place: impl Into<Place>, key: SigningKey, tail: &[Vec<u8>]) -> Result<Self, Error> {
        let disk = Writer::new(&place.into());
        let (open, bundle, minimum) = (Vec::new(), Vec::new(), Minimum::default());
        let mut log = Self { disk, key, size: 0, open, bundle, head: None, minimum };
        let Some(note) = log.disk.take_up(HEAD)? else { return Ok(log) };
        let head = Checkpoint::open(&note, log.key.public())?;
        log.minimum = Minimum::open(log.disk.take_up(MINIMUM)?, log.key.public())?;
        let size = head.size;
        let full = size - size % FULL;
        if log.minimum.index > full {
            return Err(Error::Malformed(MINIMUM));
        }
        log.size = full;
        // Of the tiles that are gone, those under the open tile are needed.
        let (gone, first) = (log.minimum.index / FULL, full / FULL / FULL * FULL);
        let kept = if gone > first { log.kept_open()? } else { Vec::new() };
        let mut level = 1;
        loop {
            let count = full >> (u32::from(HEIGHT) * level);
            if count == 0 {
                break;
            }
            let below = u8::try_from(level - 1).unwrap_or(u8::MAX);
            let at = |n: u64| n.checked_sub(first).and_then(|n| usize::try_from(n).ok());
            let hash = |n: u64| match at(n).and_then(|at| kept.get(at)) {
                Some(hash) if level == 1 => Ok(*hash),
                _ => log.full_tile(below, n).map(|tile| Tile::subtree_hash(&tile)),
            };
            let open = (count - count % FULL..count).map(hash).collect::<Result<_, _>>()?;
            log.open.resize(level as usize, Vec::new());
            log.open.push(open);
            level += 1;
        }
        if tail.len() as u64 != size - full {
            return Err(Error::Fork { size });
        }
        for leaf in tail {
            log.append(leaf)?;
        }
        if log.root() != head.root {
            return Err(Error::Fork { size });
        }
        log.head = Some((head, note));
        Ok(log)
    }

    /// Number of leaves.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The last head and the note it was given out in; `None` before the first.
    pub fn head(&self) -> Option<(&Checkpoint, &[u8])> {
        self.head.as_ref().map(|(head, note)| (head, note.as_slice()))
    }

    /// What others check heads against.
    pub fn key(&self) -> &PublicKey {
        self.key.public()
    }

    /// Adds a leaf. A tile that becomes full is written; what is not full waits in memory.
    ///
    /// # Errors
    /// [`Error::TooLong`], or when a tile cannot be written; the log is then to be opened again.
    pub fn append(&mut self, leaf: &[u8]) -> Result<(), Error> {
        let length = u16::try_from(leaf.len()).map_err(|_| Error::TooLong(leaf.len()))?;
        self.bundle.extend(length.to_be_bytes());
        self.bundle.extend(leaf);
        self.size += 1;
        if self.size.is_multiple_of(FULL) {
            let n = self.size / FULL - 1;
            self.disk.write(&Tile::new(HEIGHT, 0, n, 1 << HEIGHT, true).path_of_entries(), &self.bundle)?;
            self.bundle.clear();
        }
        self.push(0, record_hash(leaf))
    }

    /// Makes durable what is there, and gives the head that [`seal`](Self::seal) is about to sign; `None` when the tree
    /// did not grow since the last.
    ///
    /// # Errors
    /// When something cannot be written; the log is then to be opened again.
    pub fn settle(&mut self) -> Result<Option<Checkpoint>, Error> {
        if self.size == self.head.as_ref().map_or(0, |(head, _)| head.size) {
            return Ok(None);
        }
        self.disk.settle()?;
        Ok(Some(Checkpoint { origin: self.key.origin().to_owned(), size: self.size, root: self.root() }))
    }

    /// Signs a head over what is there, if it grew since the last; `None` if not.
    ///
    /// # Errors
    /// When it cannot be written; the log is then to be opened again.
    pub fn seal(&mut self) -> Result<Option<&Checkpoint>, Error> {
        let Some(head) = self.settle()? else { return Ok(None) };
        let note = head.note(&self.key)?;
        self.disk.replace(HEAD, &note)?;
        self.head = Some((head, note));
        Ok(self.head.as_ref().map(|(head, _)| head))
    }

    /// Makes `epoch` sign beside the key of the log from now on, and the last head, if there is one, with it.
    ///
    /// # Errors
    /// When the head cannot be written.
    pub fn sign_beside(&mut self, epoch: &SigningKey) -> Result<(), Error> {
        self.key.beside(epoch)?;
        let Some((head, note)) = self.head.as_mut().filter(|(_, note)| !epoch.public().signed(note)) else {
            return Ok(());
        };
        let signed = head.note(&self.key)?;
        self.disk.replace(HEAD, &signed)?;
        *note = signed;
        Ok(())
    }

    /// The key of the log.
    pub fn signing_key(&self) -> &SigningKey {
        &self.key
    }

    /// Proves that the tree of the last head leads on from the one of `size` leaves; empty for 0 and for the same size.
    ///
    /// # Errors
    /// [`Error::NotInLog`] when the last head does not cover that many; [`Error::Disposed`] when what shows it is gone;
    /// any error of a file.
    pub fn prove_growth(&self, size: u64) -> Result<Vec<[u8; 32]>, Error> {
        let (head, _) = self.head.as_ref().filter(|(head, _)| size <= head.size).ok_or(Error::NotInLog)?;
        if size == 0 || size == head.size {
            return Ok(Vec::new());
        }
        let hashes = prove_tree(head.size, size, self).map_err(|_| self.absent(size))?;
        Ok(hashes.into_iter().map(|hash| hash.0).collect())
    }

    /// Root of the tree over all leaves (RFC 6962 §2.1).
    pub fn root(&self) -> [u8; 32] {
        root(&self.open)
    }

    /// Proves the entry at `index` against the last head; `extra` goes along.
    ///
    /// # Errors
    /// [`Error::NotInLog`] when the last head does not cover it; [`Error::Disposed`] when it is gone; any error of a
    /// file.
    pub fn prove(&self, index: u64, extra: Vec<u8>) -> Result<Proof, Error> {
        let (head, note) = self.head.as_ref().filter(|(head, _)| index < head.size).ok_or(Error::NotInLog)?;
        if index < self.minimum.index {
            return Err(self.absent(index));
        }
        let hashes = prove_record(head.size, index, self).map_err(|_| Error::NotInLog)?;
        Ok(Proof { index, extra, hashes: hashes.into_iter().map(|h| h.0).collect(), checkpoint: note.clone() })
    }

    /// Copies the log as of its last head to a folder, the open tiles and bundle as partial ones: the folder as other
    /// people's tools read it. Full tiles that are there already are left alone. Nothing may have been appended
    /// since the last head.
    ///
    /// # Errors
    /// Any error of a file.
    pub fn publish(&self, to: &Path) -> Result<(), Error> {
        let mut away = Writer::new(&to.into());
        for path in self.full() {
            if !to.join(&path).exists() {
                away.write(&path, &self.disk.read(&path)?.ok_or(Error::Malformed("tile"))?)?;
            }
        }
        for (level, hashes) in self.open.iter().enumerate().filter(|(_, hashes)| !hashes.is_empty()) {
            let level = u8::try_from(level).unwrap_or(u8::MAX);
            let n = self.size >> (u32::from(HEIGHT) * (u32::from(level) + 1));
            let width = u32::try_from(hashes.len()).unwrap_or(u32::MAX);
            away.write(&Tile::new(HEIGHT, level, n, width, false).path_of_hashes(), &joined(hashes))?;
        }
        if !self.bundle.is_empty() {
            let (n, width) = (self.size / FULL, u32::try_from(self.size % FULL).unwrap_or(u32::MAX));
            away.write(&Tile::new(HEIGHT, 0, n, width, true).path_of_entries(), &self.bundle)?;
        }
        self.finish(&mut away)
    }

    /// Why what leads to `index` is not there.
    fn absent(&self, index: u64) -> Error {
        if index < self.minimum.index { Error::Disposed(self.minimum.index) } else { Error::NotInLog }
    }

    fn push(&mut self, level: usize, hash: Hash) -> Result<(), Error> {
        if self.open.len() <= level {
            self.open.push(Vec::new());
        }
        let Some(open) = self.open.get_mut(level) else { return Ok(()) };
        open.push(hash);
        if open.len() < 1 << HEIGHT {
            return Ok(());
        }
        let tile = joined(open);
        open.clear();
        let n = (self.size >> (usize::from(HEIGHT) * (level + 1))) - 1;
        let place = Tile::new(HEIGHT, u8::try_from(level).unwrap_or(u8::MAX), n, 1 << HEIGHT, false);
        self.disk.write(&place.path_of_hashes(), &tile)?;
        self.push(level + 1, Tile::subtree_hash(&tile))
    }

    fn full_tile(&self, level: u8, n: u64) -> Result<Vec<u8>, Error> {
        let path = Tile::new(HEIGHT, level, n, 1 << HEIGHT, false).path_of_hashes();
        match self.disk.read(&path)? {
            Some(tile) if tile.len() == 32 << HEIGHT => Ok(tile),
            _ => Err(Error::Malformed("tile")),
        }
    }
}

impl HashReader for Log {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<Hash>, tlog_tiles::Error> {
        let read = |&index: &u64| {
            let (level, n) = split_stored_hash_index(index);
            let (row, inside) = (level / HEIGHT, level % HEIGHT);
            let first = n << inside;
            let (tile, from) = (first / FULL, usize::try_from(first % FULL).unwrap_or(0));
            let range = from * 32..(from + (1 << inside)) * 32;
            let open = self.open.get(usize::from(row));
            let of = if tile == self.size >> (u32::from(HEIGHT) * (u32::from(row) + 1)) {
                open.map(|hashes| joined(hashes))
            } else {
                self.full_tile(row, tile).ok()
            };
            of.as_deref().and_then(|tile| tile.get(range)).map(Tile::subtree_hash)
        };
        indexes.iter().map(read).collect::<Option<_>>().ok_or(tlog_tiles::Error::IndexesNotInTree)
    }
}

/// Follows a folder from the first leaf that is kept to its head: every leaf as it was hashed, every tile as it was built, the root
/// as it was signed. Whoever has the entries [gives](Self::give) the leaves they make, a [part](Self::wanted) at a time.
pub struct Verifier {
    place: Place,
    head: Checkpoint,
    minimum: u64,
    levels: Vec<Vec<Hash>>,
    at: u64,
    /// What is known of the tree, the smallest size last.
    pins: Vec<Pin>,
    /// Size up to which what is known held.
    held: u64,
    /// What is wrong before a single leaf was looked at.
    fault: Option<Broken>,
    /// What is wrong with the tiles over what was disposed of: nothing that comes after them can be compared.
    edge: Option<Broken>,
}

impl Verifier {
    /// Begins; `None` when nothing was ever sealed. The epochs of the log are part of what is verified; `known` is what
    /// is known of the tree besides, from elsewhere.
    ///
    /// # Errors
    /// [`Error::Signature`] when the head is not of this key, [`Error::Epochs`] when its epochs do not hold; any error
    /// of a file.
    pub fn open(place: impl Into<Place>, key: &PublicKey, known: Vec<Pin>) -> Result<Option<Self>, Error> {
        let place = place.into();
        let Some(note) = place.read(HEAD)? else { return Ok(None) };
        let head = Checkpoint::open(&note, key)?;
        let minimum = Minimum::open(place.read(MINIMUM)?, key)?;
        let chain = Chain::read(&place, key)?;
        // What was known of the tree before its minimum index is part of the root that it had there.
        let least = minimum.index.max(1);
        let mut pins: Vec<Pin> = known.into_iter().chain(chain.pins()).filter(|pin| pin.size >= least).collect();
        pins.sort_by_key(|pin| std::cmp::Reverse(pin.size));
        let cut = pins.iter().find(|pin| pin.size > head.size);
        let fault = match cut {
            Some(pin) => Some(Broken { index: head.size, until: pin.size, what: What::Cut(pin.what.clone()) }),
            // Whoever has the key of the log alone signs what comes after the last record, and it shows.
            None if !chain.signed(&note, &head) => {
                let from = chain.epochs().last().map_or(0, |epoch| epoch.size).min(head.size.saturating_sub(1));
                Some(Broken { index: from, until: head.size, what: What::Epoch })
            }
            None => None,
        };
        pins.retain(|pin| pin.size <= head.size);
        let at = minimum.index.min(head.size);
        let gone = |what| Some(Broken { index: 0, until: minimum.index, what });
        let (levels, unlike) = match minimum.edge(&place)? {
            Ok(levels) if minimum.index == 0 || root(&levels) == minimum.root => (levels, None),
            Ok(levels) => (levels, gone(What::File(MINIMUM.to_owned()))),
            Err(path) => (vec![Vec::new()], gone(What::File(path))),
        };
        let cut = gone(What::Cut(MINIMUM.to_owned())).filter(|_| minimum.index > head.size);
        let (start, minimum) = (at, minimum.index);
        Ok(Some(Self { place, head, minimum, levels, at, pins, held: start, fault: cut.or(fault), edge: unlike }))
    }

    /// Index of the first leaf that is kept; 0 in a log of which nothing was disposed of.
    pub fn minimum(&self) -> u64 {
        self.minimum
    }

    /// What is wrong although every leaf fits: the log is smaller than it is known to have been, or its head lacks a
    /// signature. To be asked at the end.
    pub fn fault(&self) -> Option<&Broken> {
        self.fault.as_ref()
    }

    /// The head up to which is verified.
    pub fn head(&self) -> &Checkpoint {
        &self.head
    }

    /// The leaves to be given next, at most [`FULL`]; `None` at the end.
    pub fn wanted(&self) -> Option<Range<u64>> {
        (self.at < self.head.size).then(|| self.at..(self.at + FULL).min(self.head.size))
    }

    /// Compares the leaves that were wanted; with `None` the files are taken as they are. The inner error is the first
    /// place that does not hold, after which there is nothing to go on with.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn give(&mut self, leaves: Option<Vec<Vec<u8>>>) -> Result<Result<(), Broken>, Error> {
        if let Some(broken) = &self.edge {
            return Ok(Err(broken.clone()));
        }
        let Some(range) = self.wanted() else { return Ok(Ok(())) };
        let (at, count) = (range.start, range.end - range.start);
        let width = u32::try_from(count).unwrap_or(u32::MAX);
        let path = Tile::new(HEIGHT, 0, at / FULL, width, true).path_of_entries();
        let broken = |after: usize| {
            let index = at + after as u64;
            Ok(Err(Broken { index, until: index + 1, what: What::File(path.clone()) }))
        };
        // What is not full has no file at home.
        let stored = match self.place.read(&path)? {
            Some(bytes) => split(&bytes),
            None if count < FULL => leaves.clone(),
            None => None,
        };
        let Some(stored) = stored else { return broken(0) };
        if let Some(leaves) = leaves
            && let Some(n) = (0..stored.len().max(leaves.len())).find(|&n| stored.get(n) != leaves.get(n))
        {
            return broken(n);
        }
        if stored.len() as u64 != count {
            return broken(stored.len());
        }
        // What does not fit its own files or head is said first: it tells the place more closely.
        let mut unlike = None;
        let mut rest = stored.as_slice();
        while let Some(pin) = self.pins.pop_if(|pin| pin.size <= range.end) {
            let (before, after) = rest.split_at(usize::try_from(pin.size - self.at).unwrap_or(0).min(rest.len()));
            self.hash(before);
            rest = after;
            if root(&self.levels) == pin.root {
                self.held = pin.size;
            } else {
                unlike.get_or_insert(Broken { index: self.held, until: pin.size, what: What::Pin(pin.what) });
            }
        }
        self.hash(rest);
        if count == FULL
            && let Err(path) = climb(&self.place, &mut self.levels, self.at, 0)?
        {
            return Ok(Err(Broken { index: at, until: self.at, what: What::File(path) }));
        }
        if let Err(broken) = self.whole() {
            return Ok(Err(broken));
        }
        Ok(unlike.map_or(Ok(()), Err))
    }

    /// At the end, whether all that was looked at leads to the head. Every full tile fits its leaves: what does not
    /// comes after them.
    fn whole(&self) -> Result<(), Broken> {
        if self.at == self.head.size && root(&self.levels) != self.head.root {
            let index = self.at - self.at % FULL;
            return Err(Broken { index: index.min(self.at.saturating_sub(1)), until: self.at, what: What::Root });
        }
        Ok(())
    }

    fn hash(&mut self, leaves: &[Vec<u8>]) {
        if let Some(base) = self.levels.first_mut() {
            base.extend(leaves.iter().map(|leaf| record_hash(leaf)));
        }
        self.at += leaves.len() as u64;
    }
}

/// Root of the tree without leaves.
pub(crate) fn empty_root() -> [u8; 32] {
    EMPTY_HASH.0
}

/// The root over the open hashes of all levels.
fn root(levels: &[Vec<Hash>]) -> [u8; 32] {
    let mut root: Option<Hash> = None;
    // Complete subtrees from right to left: the lowest level is the rightmost.
    for subtree in levels.iter().flat_map(|hashes| complete(hashes).into_iter().rev()) {
        root = Some(root.map_or(subtree, |right| node_hash(subtree, right)));
    }
    root.unwrap_or(EMPTY_HASH).0
}

/// Closes the tiles from a level up that are full once there are `size` leaves, comparing each with its file; the path
/// of one that differs.
fn climb(place: &Place, levels: &mut Vec<Vec<Hash>>, size: u64, mut level: usize) -> Result<Result<(), String>, Error> {
    while let Some(open) = levels.get_mut(level).filter(|open| open.len() == 1 << HEIGHT) {
        let tile = joined(open);
        open.clear();
        let n = (size >> (usize::from(HEIGHT) * (level + 1))) - 1;
        let path = Tile::new(HEIGHT, u8::try_from(level).unwrap_or(u8::MAX), n, 1 << HEIGHT, false).path_of_hashes();
        if place.read(&path)?.as_ref() != Some(&tile) {
            return Ok(Err(path));
        }
        level += 1;
        if levels.len() == level {
            levels.push(Vec::new());
        }
        if let Some(above) = levels.get_mut(level) {
            above.push(Tile::subtree_hash(&tile));
        }
    }
    Ok(Ok(()))
}

/// The complete subtrees that hashes of one level make up, the largest first.
fn complete(hashes: &[Hash]) -> Vec<Hash> {
    let (mut subtrees, mut rest) = (Vec::new(), hashes);
    while !rest.is_empty() {
        let (first, others) = rest.split_at(1 << rest.len().ilog2());
        subtrees.push(Tile::subtree_hash(&joined(first)));
        rest = others;
    }
    subtrees
}

fn joined(hashes: &[Hash]) -> Vec<u8> {
    hashes.iter().flat_map(|hash| hash.0).collect()
}

/// The leaves of a bundle; `None` when it is cut.
fn split(mut bundle: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut leaves = Vec::new();
    while let Some((length, rest)) = bundle.split_first_chunk::<2>() {
        let (leaf, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
        leaves.push(leaf.to_vec());
        bundle = rest;
    }
    bundle.is_empty().then_some(leaves)
}

/// Paths of `tlog-tiles`, which name no height.
trait Named {
    fn path_of_hashes(&self) -> String;
    fn path_of_entries(&self) -> String;
}

impl Named for Tile {
    fn path_of_hashes(&self) -> String {
        self.path().replacen("tile/8/", "tile/", 1)
    }
    fn path_of_entries(&self) -> String {
        self.path().replacen("tile/8/data/", "tile/entries/", 1)
    }
}

/// The bytes of a file; `None` when it is not there.
pub(crate) fn read(path: &Path) -> Result<Option<Vec<u8>>, Error> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(Error::Io { path: path.to_owned(), source }),
    }
}

/// Writes a file so that it is there whole or not at all, and still there after a power cut.
pub(crate) fn write(folder: &Path, path: &str, bytes: &[u8]) -> Result<(), Error> {
    let path = folder.join(path);
    let write = || {
        let parent = path.parent().unwrap_or(folder);
        fs::create_dir_all(parent)?;
        let new = path.with_extension("new");
        let mut file = File::create(&new)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&new, &path)?;
        durable(parent)
    };
    write().map_err(|source| Error::Io { path: path.clone(), source })
}

/// Makes the names in a folder durable.
pub(crate) fn durable(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// The signed head that lies in a place, whoever signed it; `None` when nothing was ever sealed.
///
/// # Errors
/// Any error of the file.
pub fn last(place: impl Into<Place>) -> Result<Option<Vec<u8>>, Error> {
    place.into().read(HEAD)
}

/// Index of the first leaf that is kept of the log in a place; 0 when nothing was disposed of.
///
/// # Errors
/// [`Error::Signature`] when it is not told by this key; any error of the file.
pub fn minimum(place: impl Into<Place>, key: &PublicKey) -> Result<u64, Error> {
    Ok(Minimum::open(place.into().read(MINIMUM)?, key)?.index)
}

/// The leaves of a range that a [`Verifier`] wants, as their bundle in a folder has them; `None` when it is not there, or
/// cut.
///
/// # Errors
/// Any error of the file.
pub fn bundle(folder: &Path, range: Range<u64>) -> Result<Option<Vec<Vec<u8>>>, Error> {
    let width = u32::try_from(range.end - range.start).unwrap_or(u32::MAX);
    let path = Tile::new(HEIGHT, 0, range.start / FULL, width, true).path_of_entries();
    Ok(read(&folder.join(path))?.and_then(|bytes| split(&bytes)))
}
