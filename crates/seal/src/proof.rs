//! The proof that one entry is in a log: a `tlog-proof` file, which needs nothing but the public key to be checked.

use std::fmt::Write as _;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tlog_tiles::{Hash, check_record, record_hash};

use crate::key::PublicKey;
use crate::log::{Checkpoint, Error};

/// First line of a proof.
const FORMAT: &str = "c2sp.org/tlog-proof@v1";

/// One entry, proved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// Place of the entry in the log, from 0.
    pub index: u64,
    /// Data that goes along, which the log does not vouch for.
    pub extra: Vec<u8>,
    /// Hashes from the sibling of the leaf up to the child of the root.
    pub hashes: Vec<[u8; 32]>,
    /// The signed head, as it was given out.
    pub checkpoint: Vec<u8>,
}

impl Proof {
    /// The text of the file.
    pub fn text(&self) -> String {
        let mut text = format!("{FORMAT}\n");
        if !self.extra.is_empty() {
            let _ = writeln!(text, "extra {}", STANDARD.encode(&self.extra));
        }
        let _ = writeln!(text, "index {}", self.index);
        for hash in &self.hashes {
            let _ = writeln!(text, "{}", STANDARD.encode(hash));
        }
        let _ = write!(text, "\n{}", String::from_utf8_lossy(&self.checkpoint));
        text
    }

    /// Reads a proof.
    ///
    /// # Errors
    /// [`Error::Malformed`] when the text is none.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let malformed = || Error::Malformed("tlog-proof");
        let (head, checkpoint) = text.split_once("\n\n").ok_or_else(malformed)?;
        let mut lines = head.lines();
        if lines.next() != Some(FORMAT) {
            return Err(malformed());
        }
        let mut line = lines.next().ok_or_else(malformed)?;
        let mut extra = Vec::new();
        if let Some(data) = line.strip_prefix("extra ") {
            extra = STANDARD.decode(data).map_err(|_| malformed())?;
            line = lines.next().ok_or_else(malformed)?;
        }
        let number = line.strip_prefix("index ").ok_or_else(malformed)?;
        let index: u64 = number.parse().map_err(|_| malformed())?;
        if index.to_string() != number {
            return Err(malformed());
        }
        let hash = |line: &str| STANDARD.decode(line).ok().and_then(|bytes| bytes.try_into().ok());
        let hashes = lines.map(hash).collect::<Option<_>>().ok_or_else(malformed)?;
        Ok(Self { index, extra, hashes, checkpoint: checkpoint.as_bytes().to_vec() })
    }

    /// Checks that the log with this key holds `leaf` at the place the proof names; the head it was proved against.
    ///
    /// # Errors
    /// [`Error::Signature`] when the key did not sign the head, [`Error::NotInLog`] when the hashes do not lead to it.
    pub fn check(&self, leaf: &[u8], key: &PublicKey) -> Result<Checkpoint, Error> {
        let head = Checkpoint::open(&self.checkpoint, key)?;
        if self.index >= head.size {
            return Err(Error::NotInLog);
        }
        let hashes = self.hashes.iter().map(|hash| Hash(*hash)).collect();
        check_record(&hashes, head.size, Hash(head.root), self.index, record_hash(leaf))
            .map_err(|_| Error::NotInLog)?;
        Ok(head)
    }
}
