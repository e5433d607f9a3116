//! A log whose beginning was disposed of: pruned below a *minimum index*, as `tlog-tiles` has it.
//!
//! The bundles and the full tiles of leaf hashes that end at or below the minimum index are gone. Every tile above them
//! stays, so that whatever is kept can be proved, and every head from the minimum index on leads on to the last.
//! `tlog-tiles` has no file that tells the minimum index; here it is `minimum` beside the head, a signed note over
//!
//! ```text
//! sakimori-minimum/1
//! <origin>
//! <minimum index>
//! <root of the tree of that size, Base64>
//! <minimum index before>
//! ```
//!
//! It is durable before the first file goes, and what a crash leaves of the files goes when it is [swept](Log::sweep)
//! again. What is missing without being told of in it is damage. Where the tile over the minimum index is still open, so
//! that nothing holds its hashes but the tiles that go, it is kept as a partial one (`tile/1/000.p/9`).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tlog_tiles::{Hash, Tile, tree_hash};

use super::{Error, FULL, HEIGHT, Log, Named as _, climb};
use crate::key::PublicKey;
use crate::place::Place;

/// File of the minimum index.
pub(crate) const MINIMUM: &str = "minimum";
/// First line of what is signed.
const FORMAT: &str = "sakimori-minimum/1";

/// From where on a log is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Minimum {
    /// Index of the first leaf that is kept; 0 in a log of which nothing was disposed of.
    pub(crate) index: u64,
    /// Root of the tree over the leaves before it.
    pub(crate) root: [u8; 32],
    /// The minimum index before this one.
    before: u64,
}

impl Minimum {
    fn text(&self, origin: &str) -> String {
        let Self { index, root, before } = self;
        format!("{FORMAT}\n{origin}\n{index}\n{}\n{before}\n", STANDARD.encode(root))
    }

    fn parse(text: &str, origin: &str) -> Option<Self> {
        let mut lines = text.lines();
        if lines.next() != Some(FORMAT) || lines.next() != Some(origin) {
            return None;
        }
        let minimum = Self {
            index: lines.next()?.parse().ok()?,
            root: STANDARD.decode(lines.next()?).ok()?.try_into().ok()?,
            before: lines.next()?.parse().ok()?,
        };
        let whole = minimum.index.is_multiple_of(FULL) && minimum.before <= minimum.index;
        (whole && minimum.text(origin) == text).then_some(minimum)
    }

    /// The minimum index in a signed note; that of a whole log when there is none.
    ///
    /// # Errors
    /// [`Error::Signature`] when this key did not sign it; [`Error::Malformed`].
    pub(crate) fn open(note: Option<Vec<u8>>, key: &PublicKey) -> Result<Self, Error> {
        let Some(note) = note else { return Ok(Self::default()) };
        let text = String::from_utf8(key.open(&note)?).unwrap_or_default();
        Self::parse(&text, key.origin()).ok_or(Error::Malformed(MINIMUM))
    }

    /// The tile over the minimum index as it stood there, when it was open: its path, and its number of hashes.
    pub(super) fn partial(&self) -> Option<(String, usize)> {
        let width = self.index / FULL % FULL;
        let tile = Tile::new(HEIGHT, 1, self.index / FULL / FULL, u32::try_from(width).ok()?.max(1), false);
        Some((tile.path_of_hashes(), usize::try_from(width).ok()?)).filter(|(_, width)| *width > 0)
    }

    /// The open hashes of every level at the minimum index, from the tiles that stay; the path of one that does not fit
    /// those over it.
    pub(super) fn edge(&self, place: &Place) -> Result<Result<Vec<Vec<Hash>>, String>, Error> {
        let mut levels = vec![Vec::new()];
        if self.index == 0 {
            return Ok(Ok(levels));
        }
        levels.extend([Vec::new(), Vec::new()]);
        let above = |n| Tile::new(HEIGHT, 1, n, 1 << HEIGHT, false).path_of_hashes();
        let full = self.index / FULL / FULL;
        for n in 0..full {
            let Some(tile) = place.read(&above(n))?.filter(|tile| tile.len() == 32 << HEIGHT) else {
                return Ok(Err(above(n)));
            };
            if let Some(level) = levels.get_mut(2) {
                level.push(Tile::subtree_hash(&tile));
            }
            if let Err(path) = climb(place, &mut levels, (n + 1) * FULL * FULL, 2)? {
                return Ok(Err(path));
            }
        }
        if let Some((partial, width)) = self.partial() {
            let tile = match place.read(&above(full))? {
                None => place.read(&partial)?,
                whole => whole,
            };
            let Some(hashes) = tile.as_deref().and_then(|tile| hashes(tile, width)) else { return Ok(Err(partial)) };
            if let Some(level) = levels.get_mut(1) {
                *level = hashes;
            }
        }
        Ok(Ok(levels))
    }
}

impl Log {
    /// Index of the first leaf that is kept; 0 in a log of which nothing was disposed of.
    pub fn minimum(&self) -> u64 {
        self.minimum.index
    }

    /// Disposes of what is before `index`, a whole number of tiles that the last head covers: notes it for ever, then
    /// [sweeps](Self::sweep). With an index that was noted already it sweeps only. The root of the tree at that size.
    ///
    /// # Errors
    /// [`Error::NotInLog`] for an index that is no beginning of a tile, not covered by the head, or lower than the one
    /// noted; when a file cannot be read, written or removed, after which it can be done again.
    pub fn prune(&mut self, index: u64) -> Result<[u8; 32], Error> {
        let covered = self.head.as_ref().is_some_and(|(head, _)| index <= head.size);
        if !covered || !index.is_multiple_of(FULL) || index < self.minimum.index {
            return Err(Error::NotInLog);
        }
        if index > self.minimum.index {
            let root = self.root_of(index)?;
            let next = Minimum { index, root, before: self.minimum.index };
            // A tile that is full is a file by itself.
            let open = self.size / FULL / FULL == index / FULL / FULL;
            if let Some((path, width)) = next.partial().filter(|_| open) {
                let open = self.open.get(1).and_then(|open| open.get(..width)).ok_or(Error::Malformed("tile"))?;
                self.disk.write(&path, &super::joined(open))?;
            }
            let note = self.key.sign(next.text(self.key.origin()).as_bytes())?;
            self.disk.replace(MINIMUM, &note)?;
            self.minimum = next;
        }
        self.sweep()?;
        Ok(self.minimum.root)
    }

    /// The root of the tree of so many leaves, from the minimum index on.
    ///
    /// # Errors
    /// [`Error::NotInLog`] when the log has not so many, or what shows it is gone.
    pub fn root_of(&self, size: u64) -> Result<[u8; 32], Error> {
        Ok(tree_hash(size, self).map_err(|_| Error::NotInLog)?.0)
    }

    /// Removes what is left of what was noted as disposed of last.
    ///
    /// # Errors
    /// When a file cannot be removed; it can be done again.
    pub fn sweep(&mut self) -> Result<(), Error> {
        let gone: Vec<String> = (self.minimum.before / FULL..self.minimum.index / FULL)
            .flat_map(|n| {
                let tile = |data| Tile::new(HEIGHT, 0, n, 1 << HEIGHT, data);
                [tile(true).path_of_entries(), tile(false).path_of_hashes()]
            })
            .collect();
        self.disk.remove(&gone)
    }

    /// The hashes that were below the open tile of level 1 and are no files any more.
    pub(super) fn kept_open(&self) -> Result<Vec<Hash>, Error> {
        let Some((path, width)) = self.minimum.partial() else { return Ok(Vec::new()) };
        let tile = self.disk.read(&path)?;
        tile.as_deref().and_then(|tile| hashes(tile, width)).ok_or(Error::Malformed("tile"))
    }
}

/// The first hashes of a tile; `None` when it has not so many.
fn hashes(tile: &[u8], width: usize) -> Option<Vec<Hash>> {
    let hashes = tile.get(..width * 32)?.chunks_exact(32).map(|hash| hash.try_into().map(Hash));
    hashes.collect::<Result<_, _>>().ok()
}
