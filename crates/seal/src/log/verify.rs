//! Following a log from its first leaf to its head.

use std::ops::Range;

use tlog_tiles::{Hash, Tile, record_hash};

use super::prune::{MINIMUM, Minimum};
use super::{Broken, Checkpoint, Error, FULL, HEAD, HEIGHT, Named as _, Pin, What, climb, root, split};
use crate::epoch::Chain;
use crate::key::PublicKey;
use crate::place::Place;

/// Follows a folder from the first leaf that is kept to its head: every leaf as it was hashed, every tile as it was built, the root
/// as it was signed. Whoever has the entries [gives](Self::give) the leaves they make, a [part](Self::wanted) at a time.
pub struct Verifier {
    pub(super) place: Place,
    pub(super) head: Checkpoint,
    minimum: u64,
    pub(super) levels: Vec<Vec<Hash>>,
    pub(super) at: u64,
    /// What is known of the tree, the smallest size last.
    pub(super) pins: Vec<Pin>,
    /// Size up to which what is known held.
    held: u64,
    /// What is wrong before a single leaf was looked at.
    fault: Option<Broken>,
    /// What is wrong with the tiles over what was disposed of: nothing that comes after them can be compared.
    pub(super) edge: Option<Broken>,
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
    pub(super) fn whole(&self) -> Result<(), Broken> {
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
