//! Disposes of the beginning of a copy of a log, for `e2e/log.py`: `prune <copy> <file of the signing key> <index>`.

use std::fs;
use std::path::Path;

use seal::{Log, SigningKey};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [copy, key, index] = words.as_slice() else { return Err("prune <copy> <key> <index>".into()) };
    let (copy, key) = (Path::new(copy), SigningKey::parse(&fs::read_to_string(key)?)?);
    let wanted = Log::wanted(copy, key.public())?;
    let tail = if wanted.is_empty() { Vec::new() } else { seal::log::bundle(copy, wanted)?.ok_or("no open bundle")? };
    Log::open(copy, key, &tail)?.prune(index.parse()?)?;
    Ok(())
}
