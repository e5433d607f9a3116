//! The sealed log, read with `tlog_tiles` and `signed_note` alone: nothing of this crate is used.
//!
//! `foreign <vkey> <known copy> <copy>…` writes one line a copy: `ok <size>`, or `no <why>`. A copy is in order when its
//! head is signed by the key, its entries lead to the root, every tile is the one that they make, and the known copy is
//! the beginning of it. `e2e/log.py` runs it beside a Go and a Python program that do the same.

#![allow(clippy::print_stdout, reason = "this is its output")]

use std::fs;
use std::path::Path;

use signed_note::{Note, StandardVerifier, VerifierList};
use tlog_tiles::{
    Checkpoint, Hash, HashReader, Tile, TileHashReader, TileReader, check_tree, prove_tree, stored_hashes, tree_hash,
};

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

struct Hashes(Vec<Hash>);

impl HashReader for Hashes {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<Hash>, tlog_tiles::Error> {
        let hash = |index: &u64| usize::try_from(*index).ok().and_then(|index| self.0.get(index)).copied();
        indexes.iter().map(hash).collect::<Option<_>>().ok_or(tlog_tiles::Error::IndexesNotInTree)
    }
}

fn head(folder: &Path, vkey: &str) -> Outcome<Checkpoint> {
    let note = Note::from_bytes(&fs::read(folder.join("checkpoint"))?)?;
    note.verify(&VerifierList::new(vec![Box::new(StandardVerifier::new(vkey)?)]))?;
    let head = Checkpoint::from_bytes(note.text()).map_err(|_| "malformed head")?;
    if Some(head.origin()) != vkey.split('+').next() || !head.extension().is_empty() {
        return Err("not a head of this log".into());
    }
    Ok(head)
}

/// The minimum index of a pruned log; 0 of a whole one. What is before it is not there to be read.
fn minimum(folder: &Path) -> Outcome<u64> {
    let Ok(told) = fs::read_to_string(folder.join("minimum")) else { return Ok(0) };
    Ok(told.lines().nth(2).ok_or("no minimum")?.parse()?)
}

struct Tiles<'a>(&'a Path);

impl TileReader for Tiles<'_> {
    fn height(&self) -> u8 {
        8
    }
    fn read_tiles(&self, tiles: &[Tile]) -> Result<Vec<Vec<u8>>, tlog_tiles::Error> {
        let read = |tile: &Tile| fs::read(self.0.join(path(tile))).map_err(|_| tlog_tiles::Error::IndexesNotInTree);
        tiles.iter().map(read).collect()
    }
    fn save_tiles(&self, _tiles: &[Tile], _data: &[Vec<u8>]) {}
}

/// Checks what is kept of a pruned log: every entry from the minimum index on is in the tree, by tiles that lead to its
/// root, and the known copy is the beginning of it.
fn check_kept(folder: &Path, head: &Checkpoint, minimum: u64, known: &Checkpoint) -> Outcome<u64> {
    let tiles = Tiles(folder);
    let reader = TileHashReader::new(head.size(), *head.hash(), &tiles);
    for from in (minimum..head.size()).step_by(256) {
        let width = (head.size() - from).min(256);
        let bundle = fs::read(folder.join(path(&Tile::new(8, 0, from / 256, u32::try_from(width)?, true))))?;
        let mut rest = bundle.as_slice();
        let indexes: Vec<u64> = (from..from + width).map(|n| tlog_tiles::stored_hash_index(0, n)).collect();
        for hash in reader.read_hashes(&indexes)? {
            let (length, after) = rest.split_first_chunk::<2>().ok_or("bundle is cut")?;
            let (entry, after) = after.split_at_checked(u16::from_be_bytes(*length).into()).ok_or("bundle is cut")?;
            if tlog_tiles::record_hash(entry) != hash {
                return Err("entry".into());
            }
            rest = after;
        }
        if !rest.is_empty() {
            return Err("bundle has more than its entries".into());
        }
    }
    let proof = prove_tree(head.size(), known.size(), &reader)?;
    check_tree(&proof, head.size(), *head.hash(), known.size(), *known.hash())?;
    Ok(head.size())
}

/// Where `tlog-tiles` keeps a tile, without the height.
fn path(tile: &Tile) -> String {
    tile.path().replacen("tile/8/data/", "tile/entries/", 1).replacen("tile/8/", "tile/", 1)
}

fn check(folder: &Path, vkey: &str, known: &Checkpoint) -> Outcome<u64> {
    let head = head(folder, vkey)?;
    let minimum = minimum(folder)?;
    if minimum > 0 {
        return check_kept(folder, &head, minimum, known);
    }
    let mut stored = Hashes(Vec::new());
    for from in (0..head.size()).step_by(256) {
        let width = (head.size() - from).min(256);
        let bundle = fs::read(folder.join(path(&Tile::new(8, 0, from / 256, u32::try_from(width)?, true))))?;
        let mut rest = bundle.as_slice();
        for index in from..from + width {
            let (length, after) = rest.split_first_chunk::<2>().ok_or("bundle is cut")?;
            let (entry, after) = after.split_at_checked(u16::from_be_bytes(*length).into()).ok_or("bundle is cut")?;
            let more = stored_hashes(index, entry, &stored)?;
            stored.0.extend(more);
            rest = after;
        }
        if !rest.is_empty() {
            return Err("bundle has more than its entries".into());
        }
    }
    if tree_hash(head.size(), &stored)? != *head.hash() {
        return Err("root".into());
    }
    for tile in Tile::new_tiles(8, 0, head.size()) {
        if fs::read(folder.join(path(&tile)))? != tile.read_data(&stored)? {
            return Err(path(&tile).into());
        }
    }
    let proof = prove_tree(head.size(), known.size(), &stored)?;
    check_tree(&proof, head.size(), *head.hash(), known.size(), *known.hash())?;
    Ok(head.size())
}

fn main() -> Outcome<()> {
    let mut words = std::env::args().skip(1);
    let (vkey, known) = (words.next().ok_or("no key")?, words.next().ok_or("no known copy")?);
    let known = head(Path::new(&known), &vkey)?;
    for folder in words {
        match check(Path::new(&folder), &vkey, &known) {
            Ok(size) => println!("ok {size}"),
            Err(why) => println!("no {why}"),
        }
    }
    Ok(())
}
