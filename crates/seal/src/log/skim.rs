//! Checking the files of a log against each other, without the entries, on every processor.

use std::thread;

use tlog_tiles::{Hash, Tile, record_hash};

use super::{Broken, Error, FULL, HEIGHT, Named as _, Verifier, What, climb};
use crate::place::Place;

/// Bundles that one thread takes at a time.
const STRETCH: u64 = 1_024;

impl Verifier {
    /// Checks every full bundle against the tiles over it, as fast as the machine can; what then is still
    /// [`wanted`](Self::wanted) is the tail that no file holds, and the comparison with the head. The inner error is
    /// the first place that does not hold.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn skim(&mut self) -> Result<Result<(), Broken>, Error> {
        if let Some(broken) = &self.edge {
            return Ok(Err(broken.clone()));
        }
        let processors = thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let threads = self.place.readers(processors) as u64;
        let mut next = self.at.div_ceil(FULL);
        while next < self.head.size / FULL {
            // A bundle within which the root is known is looked at leaf by leaf.
            let known = self.pins.last().map_or(u64::MAX, |pin| pin.size.saturating_sub(1) / FULL);
            if known <= next {
                if let Err(broken) = self.give(None)? {
                    return Ok(Err(broken));
                }
                next += 1;
                continue;
            }
            let end = known.min(self.head.size / FULL);
            let place = &self.place;
            let stretches: Vec<_> = (0..threads)
                .map(|n| (next + n * STRETCH).min(end)..(next + (n + 1) * STRETCH).min(end))
                .filter(|stretch| !stretch.is_empty())
                .collect();
            let found: Vec<_> = thread::scope(|scope| {
                let run = |stretch: std::ops::Range<u64>| {
                    scope.spawn(move || stretch.map(|n| bundle(place, n)).collect::<Result<Vec<_>, _>>())
                };
                let running: Vec<_> = stretches.into_iter().map(run).collect();
                running.into_iter().map(|thread| thread.join().unwrap_or(Err(Error::Malformed("tile")))).collect()
            });
            for part in found {
                for subtree in part? {
                    let subtree = match subtree {
                        Ok(subtree) => subtree,
                        Err(path) => return Ok(Err(within(next, path))),
                    };
                    next += 1;
                    self.at = next * FULL;
                    if self.levels.len() < 2 {
                        self.levels.push(Vec::new());
                    }
                    if let Some(above) = self.levels.get_mut(1) {
                        above.push(subtree);
                    }
                    if let Err(path) = climb(&self.place, &mut self.levels, self.at, 1)? {
                        return Ok(Err(within(next - 1, path)));
                    }
                }
            }
        }
        Ok(self.whole())
    }
}

/// What is wrong with a file over or of the bundle `n`.
fn within(n: u64, path: String) -> Broken {
    Broken { index: n * FULL, until: (n + 1) * FULL, what: What::File(path) }
}

/// The subtree over a bundle of leaves, when the tile over it fits; the path of the file that does not.
fn bundle(place: &Place, n: u64) -> Result<Result<Hash, String>, Error> {
    let leaves = Tile::new(HEIGHT, 0, n, 1 << HEIGHT, true).path_of_entries();
    let Some(bytes) = place.read(&leaves)? else { return Ok(Err(leaves)) };
    let (mut tile, mut rest) = (Vec::with_capacity(32 << HEIGHT), bytes.as_slice());
    while let Some((length, after)) = rest.split_first_chunk::<2>() {
        let Some((leaf, after)) = after.split_at_checked(usize::from(u16::from_be_bytes(*length))) else { break };
        tile.extend(record_hash(leaf).0);
        rest = after;
    }
    if !rest.is_empty() || tile.len() != 32 << HEIGHT {
        return Ok(Err(leaves));
    }
    let hashes = Tile::new(HEIGHT, 0, n, 1 << HEIGHT, false).path_of_hashes();
    let fits = place.read(&hashes)?.is_some_and(|stored| stored == tile);
    Ok(if fits { Ok(Tile::subtree_hash(&tile)) } else { Err(hashes) })
}
