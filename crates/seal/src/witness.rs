//! Another machine that vouches for having seen one history only (C2SP `tlog-witness`, `cosignature/v1`).
//!
//! A witness keeps of each log it knows the last head it signed, whole, and signs another one only with a proof that
//! the tree leads on. So a log that shows two people two histories, or takes back its end, finds no signature for one of
//! them. Looking at the last head and keeping the new one are one step: [`Witness::add`] does one request after the
//! other, and a second process cannot open the folder. A head that contradicts one already signed is kept as evidence.
//!
//! What is here knows bytes, not HTTP: [`submission`] and [`Cosigner::check`] are what the log says and hears, and each
//! [`Refusal`] is one status of the protocol.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::digest::{SHA256, digest};
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use rustix::fs::{FlockOperation, flock};
use signed_note::Signature;
use tlog_tiles::{Hash, check_tree};

use crate::key::{PublicKey, seed};
use crate::log::{Checkpoint, Error, read, write};

/// Algorithm byte of an Ed25519 cosignature.
const COSIGNATURE: u8 = 4;
/// Most lines of a proof (`tlog-witness`).
const MOST_HASHES: usize = 63;
/// Longest request, in bytes: a head and a proof are far shorter.
pub const LONGEST_REQUEST: usize = 64 << 10;

/// The secret of a witness.
pub struct CosignerKey {
    pair: Ed25519KeyPair,
    text: String,
    public: Cosigner,
}

/// The public key of a witness: `name+id+key`, of type 4.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cosigner {
    name: String,
    id: u32,
    key: [u8; 32],
}

/// A head, with the signature of a witness and when it was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cosigned {
    /// POSIX seconds, by the clock of the witness.
    pub time: u64,
    /// The line to be added to the signed head, without its end.
    pub line: String,
}

/// Why a witness did not sign.
#[derive(Debug)]
pub enum Refusal {
    /// Not a request.
    Malformed,
    /// A log it was not told of.
    UnknownLog,
    /// No signature by a key it was told of.
    Untrusted,
    /// It knows another size than the request starts from, or another root at that size.
    Conflict(u64),
    /// The proof does not lead from the head it knows to this one.
    Unproved,
    /// It could not keep the head.
    Failed(Error),
}

/// A witness, open. Nobody else may have its folder open.
pub struct Witness {
    folder: PathBuf,
    key: CosignerKey,
    logs: HashMap<String, PublicKey>,
    turn: Mutex<File>,
}

impl CosignerKey {
    /// A new key for the witness of this name, which has neither spaces nor a plus sign.
    ///
    /// # Errors
    /// When the machine has no randomness, or `name` is no name.
    pub fn generate(name: &str) -> Result<Self, Error> {
        let seed = seed()?;
        let id = Self::of(name, &seed)?.public.id;
        Self::parse(&format!("PRIVATE+KEY+{name}+{id:08x}+{}", STANDARD.encode([&[COSIGNATURE], &seed[..]].concat())))
    }

    /// A key from its text.
    ///
    /// # Errors
    /// When it is none.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let text = text.trim();
        let rest = text.strip_prefix("PRIVATE+KEY+").ok_or(Error::Key)?;
        let (name, id, seed) = encoded(rest).ok_or(Error::Key)?;
        let key = Self::of(name, &seed)?;
        if key.public.id != id {
            return Err(Error::Key);
        }
        Ok(Self { text: text.to_owned(), ..key })
    }

    fn of(name: &str, seed: &[u8; 32]) -> Result<Self, Error> {
        if !signed_note::is_key_name_valid(name) {
            return Err(Error::Key);
        }
        let pair = Ed25519KeyPair::from_seed_unchecked(seed).map_err(|_| Error::Key)?;
        let key = pair.public_key().as_ref().try_into().map_err(|_| Error::Key)?;
        let public = Cosigner { name: name.to_owned(), id: Cosigner::id(name, &key), key };
        Ok(Self { pair, text: String::new(), public })
    }

    /// The secret, to be kept where only the witness reads.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What others check against.
    pub fn public(&self) -> &Cosigner {
        &self.public
    }

    /// Signs the text of a head at a time.
    fn sign(&self, text: &[u8], time: u64) -> Result<String, Error> {
        let signature = self.pair.sign(&signed_message(text, time));
        let stamped = [&time.to_be_bytes(), signature.as_ref()].concat();
        let line = Signature::new(self.public.name.clone(), self.public.id, stamped).map_err(|_| Error::Key)?;
        Ok(String::from_utf8_lossy(&line.to_bytes()).into_owned())
    }
}

impl Cosigner {
    /// A key from its text.
    ///
    /// # Errors
    /// When it is none.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let (name, id, key) = encoded(text.trim()).ok_or(Error::Key)?;
        if !signed_note::is_key_name_valid(name) || Self::id(name, &key) != id {
            return Err(Error::Key);
        }
        Ok(Self { name: name.to_owned(), id, key })
    }

    /// Its text.
    pub fn text(&self) -> String {
        format!("{}+{:08x}+{}", self.name, self.id, STANDARD.encode([&[COSIGNATURE], &self.key[..]].concat()))
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    fn id(name: &str, key: &[u8; 32]) -> u32 {
        signed_note::key_id(name, &[&[COSIGNATURE], &key[..]].concat())
    }

    /// The signature of this witness among `lines`, when it is one over the head in `note`; those of others are ignored.
    pub fn check(&self, note: &[u8], lines: &str) -> Option<Cosigned> {
        let (text, _) = crate::epoch::parts(note)?;
        lines.lines().find_map(|line| {
            let found = Signature::from_bytes(line.as_bytes()).ok()?;
            if found.name() != self.name || found.id() != self.id {
                return None;
            }
            let (time, signature) = found.signature().split_first_chunk::<8>()?;
            let time = u64::from_be_bytes(*time);
            let key = UnparsedPublicKey::new(&ED25519, &self.key);
            key.verify(&signed_message(&text, time), signature).ok()?;
            (time <= i64::MAX as u64).then(|| Cosigned { time, line: line.to_owned() })
        })
    }
}

/// What is signed for a head at a time.
fn signed_message(text: &[u8], time: u64) -> Vec<u8> {
    [format!("cosignature/v1\ntime {time}\n").as_bytes(), text].concat()
}

/// The parts of `name+id+key` of type 4.
fn encoded(text: &str) -> Option<(&str, u32, [u8; 32])> {
    let mut parts = text.splitn(3, '+');
    let (name, id, key) = (parts.next()?, parts.next()?, parts.next()?);
    let id = u32::from_str_radix(id, 16).ok().filter(|n| format!("{n:08x}") == id)?;
    let key = STANDARD.decode(key).ok()?;
    let (kind, key) = key.split_first()?;
    (*kind == COSIGNATURE).then(|| Some((name, id, key.try_into().ok()?)))?
}

/// The request that asks a witness, which last signed a head of size `old`, to sign the head in `note`.
pub fn submission(old: u64, proof: &[[u8; 32]], note: &[u8]) -> Vec<u8> {
    let mut head = format!("old {old}\n");
    for hash in proof {
        let _ = writeln!(head, "{}", STANDARD.encode(hash));
    }
    [head.as_bytes(), b"\n", note].concat()
}

/// A request, read: the old size, the proof, the signed head.
fn parsed(body: &[u8]) -> Option<(u64, Vec<Hash>, &[u8])> {
    let end = body.windows(2).position(|two| two == b"\n\n")?;
    let (head, note) = (std::str::from_utf8(body.get(..end)?).ok()?, body.get(end + 2..)?);
    let mut lines = head.split('\n');
    let number = lines.next()?.strip_prefix("old ")?;
    let old: u64 = number.parse().ok().filter(|n: &u64| n.to_string() == number)?;
    let proof: Vec<Hash> =
        lines.map(|line| Some(Hash(STANDARD.decode(line).ok()?.try_into().ok()?))).collect::<Option<_>>()?;
    (proof.len() <= MOST_HASHES).then_some((old, proof, note))
}

impl Witness {
    /// Opens a witness over a folder, of the logs with these public keys.
    ///
    /// # Errors
    /// When another process has it open; any error of a file.
    pub fn open(folder: &Path, key: CosignerKey, logs: Vec<PublicKey>) -> Result<Self, Error> {
        let path = folder.join("lock");
        let lock = File::create(&path).map_err(|source| Error::Io { path: path.clone(), source })?;
        flock(&lock, FlockOperation::NonBlockingLockExclusive)
            .map_err(|source| Error::Io { path, source: source.into() })?;
        let logs = logs.into_iter().map(|key| (key.origin().to_owned(), key)).collect();
        Ok(Self { folder: folder.to_owned(), key, logs, turn: Mutex::new(lock) })
    }

    /// Its public key.
    pub fn key(&self) -> &Cosigner {
        self.key.public()
    }

    /// Answers one `add-checkpoint`: the signature line, once the head is kept. `time` is now, in POSIX seconds.
    ///
    /// # Errors
    /// Why it did not sign.
    pub fn add(&self, body: &[u8], time: u64) -> Result<String, Refusal> {
        let (old, proof, note) = parsed(body).ok_or(Refusal::Malformed)?;
        let (text, _) = crate::epoch::parts(note).ok_or(Refusal::Malformed)?;
        let origin = text.split(|b| *b == b'\n').next().and_then(|line| std::str::from_utf8(line).ok());
        let log = origin.and_then(|origin| self.logs.get(origin)).ok_or(Refusal::UnknownLog)?;
        let head = Checkpoint::open(note, log).map_err(|error| match error {
            Error::Signature => Refusal::Untrusted,
            _ => Refusal::Malformed,
        })?;
        if old > head.size {
            return Err(Refusal::Malformed);
        }
        // From here on nobody else looks at what is known, or changes it.
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let place = Self::place(&head.origin);
        let known = match read(&self.folder.join(&place).join("checkpoint")).map_err(Refusal::Failed)? {
            Some(note) => Some(Checkpoint::open(&note, log).map_err(Refusal::Failed)?),
            None => None,
        };
        let size = known.as_ref().map_or(0, |known| known.size);
        let another = known.as_ref().is_some_and(|known| known.size == head.size && known.root != head.root);
        if another {
            let evidence = format!("{place}/conflict-{}", head.size);
            write(&self.folder, &evidence, note).map_err(Refusal::Failed)?;
        }
        if old != size || another {
            return Err(Refusal::Conflict(size));
        }
        let proved = match &known {
            None => proof.is_empty(),
            Some(_) if size == head.size => proof.is_empty(),
            Some(known) => check_tree(&proof, head.size, Hash(head.root), size, Hash(known.root)).is_ok(),
        };
        // A tree without leaves is where every log begins.
        if !proved && size > 0 || size == 0 && !proof.is_empty() {
            return Err(Refusal::Unproved);
        }
        let line = self.key.sign(&text, time).map_err(Refusal::Failed)?;
        write(&self.folder, &format!("{place}/checkpoint"), &[note, line.as_bytes()].concat())
            .map_err(Refusal::Failed)?;
        Ok(line)
    }

    /// The last head it signed of each log, whole, with its own signature.
    ///
    /// # Errors
    /// Any error of a file.
    pub fn heads(&self) -> Result<Vec<Vec<u8>>, Error> {
        let mut origins: Vec<&String> = self.logs.keys().collect();
        origins.sort();
        let found = origins.into_iter().map(|o| read(&self.folder.join(Self::place(o)).join("checkpoint")));
        Ok(found.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
    }

    /// Folder of a log; its name may not be one of a folder.
    fn place(origin: &str) -> String {
        let hash = digest(&SHA256, origin.as_bytes());
        hash.as_ref().iter().take(16).fold(String::from("log-"), |mut name, byte| {
            let _ = write!(name, "{byte:02x}");
            name
        })
    }
}
