//! A running log as other people's tools ask for it, file by file.

use tlog_tiles::Tile;

use super::{CHAIN, Error, FULL, HEAD, HEIGHT, Log, MINIMUM, Named as _, joined, split};

impl Log {
    /// The file at a path of `tlog-tiles`, as of the last head: the head itself, a full tile or bundle, or as much of
    /// one as the path asks for (`tile/0/001.p/9`). `None` when the head does not cover it, it was disposed of, or it is no
    /// such path.
    ///
    /// # Errors
    /// Any error of a file.
    pub fn file(&self, path: &str) -> Result<Option<Vec<u8>>, Error> {
        let Some((head, note)) = &self.head else { return Ok(None) };
        if path == HEAD {
            return Ok(Some(note.clone()));
        }
        if path == CHAIN || path == MINIMUM {
            return self.disk.read(path);
        }
        let Some(tile) = named(path) else { return Ok(None) };
        let (level, n, width) = (u32::from(tile.level()), tile.level_index(), u64::from(tile.width()));
        let below = u32::from(HEIGHT) * level;
        // How many hashes of this level the head covers; at eight levels a tree would have more leaves than there are.
        let covered = head.size.checked_shr(below).unwrap_or(0);
        if n.checked_mul(1 << HEIGHT).and_then(|first| first.checked_add(width)).is_none_or(|end| end > covered) {
            return Ok(None);
        }
        if level == 0 && n < self.minimum.index / FULL {
            return Ok(None);
        }
        let full = Tile::new(HEIGHT, tile.level(), n, 1 << HEIGHT, tile.is_data());
        let open = self.size.checked_shr(below + u32::from(HEIGHT)).unwrap_or(0) == n;
        let bytes = match (tile.is_data(), open) {
            (true, true) => Some(self.bundle.clone()),
            (true, false) => self.disk.read(&full.path_of_entries())?,
            (false, true) => self.open.get(usize::from(tile.level())).map(|hashes| joined(hashes)),
            (false, false) => self.disk.read(&full.path_of_hashes())?,
        };
        let Some(mut bytes) = bytes else { return Err(Error::Malformed("tile")) };
        let width = usize::try_from(width).unwrap_or(usize::MAX);
        let length = if tile.is_data() {
            let leaves = split(&bytes).ok_or(Error::Malformed("bundle"))?;
            leaves.iter().take(width).map(|leaf| leaf.len() + 2).sum()
        } else {
            width * 32
        };
        bytes.truncate(length);
        Ok(Some(bytes))
    }
}

/// The tile a path names; the library's own paths name the height, too. It panics at levels and widths that no tile
/// has, so these are not asked.
fn named(path: &str) -> Option<Tile> {
    let rest = path.strip_prefix("tile/")?;
    let place = match rest.strip_prefix("entries/") {
        Some(bundle) => format!("data/{bundle}"),
        None => {
            let level: u8 = rest.split('/').next()?.parse().ok()?;
            (u32::from(level) < u64::BITS / u32::from(HEIGHT)).then(|| rest.to_owned())?
        }
    };
    if let Some((_, width)) = place.rsplit_once(".p/") {
        width.parse::<u32>().ok().filter(|width| *width > 0)?;
    }
    Tile::from_path(&format!("tile/{HEIGHT}/{place}")).ok()
}
