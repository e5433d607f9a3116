//! A log carried to another place, file by file, its head last.

use tlog_tiles::Tile;

use super::{CHAIN, Error, FULL, HEAD, HEIGHT, Log, MINIMUM, Named as _};
use crate::place::{Place, Writer};

impl Log {
    /// Copies the log as of its last head to another place in which there is none, to go on there.
    ///
    /// # Errors
    /// [`Error::Taken`] when there is another head already; any error of a file.
    pub fn carry(&self, to: &Place) -> Result<(), Error> {
        let mut away = Writer::new(to);
        match (away.take_up(HEAD)?, &self.head) {
            (None, _) => {}
            // It was carried before, and nobody was told.
            (Some(there), Some((_, note))) if there == *note => return Ok(()),
            (Some(_), _) => return Err(Error::Taken),
        }
        for path in self.full() {
            away.write(&path, &self.disk.read(&path)?.ok_or(Error::Malformed("tile"))?)?;
        }
        self.finish(&mut away)
    }

    /// The last of a copy: the chain of the epochs, what tells what was disposed of, and the head when all it covers is there.
    pub(super) fn finish(&self, away: &mut Writer) -> Result<(), Error> {
        for name in [CHAIN, MINIMUM] {
            if let Some(bytes) = self.disk.read(name)? {
                away.write(name, &bytes)?;
            }
        }
        // The tile over the minimum index, which is full by now or was kept as it stood.
        if let Some((path, _)) = self.minimum.partial()
            && let Some(tile) = self.disk.read(&path)?
        {
            away.write(&path, &tile)?;
        }
        match &self.head {
            Some((_, note)) => away.replace(HEAD, note),
            None => away.settle(),
        }
    }

    /// The paths of everything that is full and kept.
    pub(super) fn full(&self) -> impl Iterator<Item = String> {
        let first = self.minimum.index / FULL;
        let bundles = (first..self.size / FULL).map(|n| Tile::new(HEIGHT, 0, n, 1 << HEIGHT, true).path_of_entries());
        let (levels, size) = (u8::try_from(self.open.len()).unwrap_or(u8::MAX), self.size);
        bundles.chain((0..levels).flat_map(move |level| {
            let tiles = if level == 0 { first } else { 0 }..size >> (u32::from(HEIGHT) * (u32::from(level) + 1));
            tiles.map(move |n| Tile::new(HEIGHT, level, n, 1 << HEIGHT, false).path_of_hashes())
        }))
    }
}
