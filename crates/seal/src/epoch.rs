//! Keys of a day: whoever steals the keys of today cannot sign another yesterday.
//!
//! Beside the key that names the log, and that others pin, each head is signed by the key of an *epoch*. When the first
//! head of a new day is due, the key of the day signs a record with the size and root it leaves behind and the public
//! key that comes next; then it is overwritten and removed. The records are the file `epochs` beside the head, each a
//! signed note over
//!
//! ```text
//! sakimori-epoch/1
//! <origin>
//! <number>
//! <day, as the clock said>
//! <size>
//! <root, Base64>
//! <public key of this epoch>
//! <SHA-256 of the record before, Base64; of nothing for the first>
//! ```
//!
//! signed by the key of the epoch before, the first one by the key of the log. A log that begins with its epochs has the
//! beginning of SHA-256(first epoch key) in its name, so whoever pins its key has pinned the whole chain: nobody can
//! begin another one. In a log that is older than its epochs, the chain counts for as long as a head with it is known
//! elsewhere.
//!
//! Epochs are counted, not dated: a clock that jumps ahead or back begins one more epoch, with the day that it said, and
//! leaves none out. Turning over writes the next secret, then the record, then destroys the old secret; after a crash in
//! between, [`Epochs::open`] finds by the last record which of the two secrets counts.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::digest::{SHA256, digest};
use signed_note::Note;

use crate::key::{PublicKey, SigningKey, seed};
use crate::log::{Checkpoint, Error, Pin, durable, empty_root, read, write};

/// File of the chain, beside the head.
pub const CHAIN: &str = "epochs";
/// Secret of the epoch, in the folder of the keys.
const SECRET: &str = "log.epoch";
/// Secret of the epoch to come, while it is turned over.
const NEXT: &str = "log.epoch.next";
/// First line of a record.
const FORMAT: &str = "sakimori-epoch/1";
/// Lines of a record: eight that say something, an empty one, the signature.
const LINES: usize = 10;
/// Hex digits of the first key in the name of a log.
const BOUND: usize = 32;

/// One epoch, as its record says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Epoch {
    /// Number, from 0.
    pub number: u64,
    /// The day on which it began, as the clock said: `2026-11-28`.
    pub day: String,
    /// Size of the tree when it began.
    pub size: u64,
    /// Root of the tree at that size.
    pub root: [u8; 32],
    /// Who signs during the epoch.
    pub key: PublicKey,
    before: [u8; 32],
}

/// The epochs of a log, each vouched for by the one before.
#[derive(Clone, Debug, Default)]
pub struct Chain {
    epochs: Vec<Epoch>,
    text: Vec<u8>,
    last: [u8; 32],
}

/// The chain together with the secret of its last epoch, to turn over.
pub struct Epochs {
    keys: PathBuf,
    log: PathBuf,
    chain: Chain,
    current: Option<SigningKey>,
}

/// Makes the keys of a new log in the folder `keys`: the secret of the first epoch, and the key of a log named after it
/// below `name`, which the caller keeps.
///
/// # Errors
/// When the machine has no randomness; any error of a file.
pub fn found(keys: &Path, name: &str) -> Result<SigningKey, Error> {
    let seed = seed()?;
    // What a key is called is no part of it: first the key, then the name that tells of it.
    let bound = digest(&SHA256, &raw(SigningKey::of(name, &seed)?.public()));
    let origin = format!("{name}/{}", hex(bound.as_ref().get(..BOUND / 2).unwrap_or_default()));
    let first = SigningKey::of(&signer(&origin, 0), &seed)?;
    secret(&keys.join(SECRET), first.text())?;
    SigningKey::generate(&origin)
}

impl Epoch {
    fn text(&self, origin: &str) -> String {
        let Self { number, day, size, .. } = self;
        let (root, before) = (STANDARD.encode(self.root), STANDARD.encode(self.before));
        format!("{FORMAT}\n{origin}\n{number}\n{day}\n{size}\n{root}\n{}\n{before}\n", self.key.text())
    }

    fn parse(text: &str, origin: &str) -> Option<Self> {
        let mut lines = text.lines();
        let hash = |line: &str| STANDARD.decode(line).ok().and_then(|bytes| bytes.try_into().ok());
        if lines.next() != Some(FORMAT) || lines.next() != Some(origin) {
            return None;
        }
        let epoch = Self {
            number: lines.next()?.parse().ok()?,
            day: lines.next()?.to_owned(),
            size: lines.next()?.parse().ok()?,
            root: hash(lines.next()?)?,
            key: PublicKey::parse(lines.next()?).ok()?,
            before: hash(lines.next()?)?,
        };
        // One way to write it, so that what was signed and what was read cannot differ.
        (epoch.text(origin) == text).then_some(epoch)
    }
}

impl Chain {
    /// The chain of a log, checked from its first record; empty when it has none.
    ///
    /// # Errors
    /// [`Error::Epochs`] with the number of the first record that does not hold; also when the name of the log tells of
    /// a first key and there is none, although heads were signed.
    pub fn read(folder: &Path, key: &PublicKey) -> Result<Self, Error> {
        let mut chain = Self::default();
        let text = read(&folder.join(CHAIN))?;
        let bound = bound(key.origin());
        if text.is_none() && bound.is_some() && read(&folder.join(crate::log::HEAD))?.is_some() {
            return Err(Error::Epochs(0));
        }
        let text = text.unwrap_or_default();
        let utf8 = std::str::from_utf8(&text).map_err(|_| Error::Epochs(0))?;
        let lines: Vec<&str> = utf8.split_inclusive('\n').collect();
        for (n, record) in lines.chunks(LINES).enumerate() {
            let number = n as u64;
            chain.follow(record.concat().as_bytes(), key, number).ok_or(Error::Epochs(number))?;
        }
        let first = chain.epochs.first().map(|epoch| hex(digest(&SHA256, &raw(&epoch.key)).as_ref()));
        if let (Some(bound), Some(first)) = (bound, first)
            && !first.starts_with(bound)
        {
            return Err(Error::Epochs(0));
        }
        Ok(chain)
    }

    /// Adds a record that follows from the last one.
    fn follow(&mut self, record: &[u8], key: &PublicKey, number: u64) -> Option<()> {
        let by = self.epochs.last().map_or(key, |epoch| &epoch.key);
        let epoch = Epoch::parse(std::str::from_utf8(&by.open(record).ok()?).ok()?, key.origin())?;
        let size = self.epochs.last().map_or(0, |last| last.size);
        if epoch.number != number || epoch.before != self.last || epoch.size < size {
            return None;
        }
        self.last.copy_from_slice(digest(&SHA256, record).as_ref());
        self.text.extend(record);
        self.epochs.push(epoch);
        Some(())
    }

    /// The epochs, from the first.
    pub fn epochs(&self) -> &[Epoch] {
        &self.epochs
    }

    /// What each epoch found when it began: sizes at which the tree has to have these roots.
    pub fn pins(&self) -> impl Iterator<Item = Pin> {
        self.epochs.iter().map(|e| Pin { size: e.size, root: e.root, what: format!("epoch {}", e.number) })
    }

    /// Whether a head is signed as it must be: by the last epoch, or by the one before while nothing has grown since it
    /// was turned over. Without epochs every head is.
    pub fn signed(&self, note: &[u8], head: &Checkpoint) -> bool {
        match self.epochs.as_slice() {
            [] => true,
            [.., before, last] if (head.size, head.root) == (last.size, last.root) => {
                last.key.signed(note) || before.key.signed(note)
            }
            [last] if (head.size, head.root) == (last.size, last.root) => true,
            [.., last] => last.key.signed(note),
        }
    }
}

impl Epochs {
    /// Opens the chain of the log in the folder `log` with its secret in `keys`, ending what a crash interrupted.
    ///
    /// # Errors
    /// [`Error::Epochs`] when the chain does not hold; [`Error::Key`] when the secret of its last epoch is lost; any
    /// error of a file.
    pub fn open(keys: &Path, log: &Path, key: &PublicKey) -> Result<Self, Error> {
        let chain = Chain::read(log, key)?;
        let mut epochs = Self { keys: keys.to_owned(), log: log.to_owned(), chain, current: None };
        let (secret, next) = (epochs.secret(SECRET)?, epochs.secret(NEXT)?);
        let wanted = epochs.chain.epochs.last().map(|epoch| epoch.key.clone());
        let is = |key: &Option<SigningKey>| key.as_ref().map(SigningKey::public) == wanted.as_ref();
        epochs.current = match &wanted {
            // Before the first record: the secret that `found` left, if it did.
            None => secret,
            Some(_) if is(&secret) => {
                destroy(&epochs.keys.join(NEXT))?;
                secret
            }
            Some(_) if is(&next) => {
                epochs.put_next_in_place()?;
                next
            }
            Some(_) => return Err(Error::Key),
        };
        Ok(epochs)
    }

    /// The epochs.
    pub fn chain(&self) -> &Chain {
        &self.chain
    }

    /// Who signs now: the key of the epoch that `day` belongs to, which begins if it is another day than that of the
    /// last epoch and the tree has grown since. `head` is the last head of the log.
    ///
    /// # Errors
    /// [`Error::Key`] when the first secret of a log is lost or the machine has no randomness; any error of a file,
    /// after which the chain is to be opened again.
    pub fn on(&mut self, day: &str, head: Option<&Checkpoint>, key: &SigningKey) -> Result<&SigningKey, Error> {
        let (size, root) = head.map_or_else(|| (0, empty_root()), |head| (head.size, head.root));
        let turn = self.chain.epochs.last().is_none_or(|last| last.day != day && last.size < size);
        if turn {
            let number = self.chain.epochs.len() as u64;
            let origin = key.origin();
            // The first key of a log is in its name already; every other one is made here.
            let next = match self.current.take() {
                Some(first) if number == 0 => first,
                None if number == 0 && bound(origin).is_some() => return Err(Error::Key),
                current => {
                    let next = SigningKey::generate(&signer(origin, number))?;
                    secret(&self.keys.join(NEXT), next.text())?;
                    self.current = current;
                    next
                }
            };
            let epoch =
                Epoch { number, day: day.to_owned(), size, root, key: next.public().clone(), before: self.chain.last };
            let record = self.current.as_ref().unwrap_or(key).sign(epoch.text(origin).as_bytes())?;
            self.chain.follow(&record, key.public(), number).ok_or(Error::Epochs(number))?;
            write(&self.log, CHAIN, &self.chain.text)?;
            if self.keys.join(NEXT).exists() {
                self.put_next_in_place()?;
            }
            self.current = Some(next);
        }
        self.current.as_ref().ok_or(Error::Key)
    }

    fn secret(&self, name: &str) -> Result<Option<SigningKey>, Error> {
        // A secret that was cut off while it was written never signed anything.
        let text = read(&self.keys.join(name))?;
        Ok(text.and_then(|text| String::from_utf8(text).ok()).and_then(|text| SigningKey::parse(&text).ok()))
    }

    /// The old secret goes, the next one takes its place.
    fn put_next_in_place(&self) -> Result<(), Error> {
        destroy(&self.keys.join(SECRET))?;
        let (from, to) = (self.keys.join(NEXT), self.keys.join(SECRET));
        fs::rename(from, &to).and_then(|()| durable(&self.keys)).map_err(|source| Error::Io { path: to, source })
    }
}

/// Name under which an epoch signs.
fn signer(origin: &str, number: u64) -> String {
    format!("{origin}/epoch-{number}")
}

/// What the name of a log tells of its first epoch key.
fn bound(origin: &str) -> Option<&str> {
    let last = origin.rsplit('/').next()?;
    (last.len() == BOUND && last.bytes().all(|b| b.is_ascii_hexdigit())).then_some(last)
}

/// The 32 bytes of a public key.
fn raw(key: &PublicKey) -> Vec<u8> {
    let encoded = key.text().splitn(3, '+').last().unwrap_or_default();
    STANDARD.decode(encoded).ok().and_then(|bytes| bytes.get(1..).map(<[u8]>::to_vec)).unwrap_or_default()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Writes a secret that only its owner reads, durably.
fn secret(path: &Path, text: &str) -> Result<(), Error> {
    let write = || {
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(0o600);
        let mut file = options.open(path)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        durable(path.parent().unwrap_or(path))
    };
    write().map_err(|source| Error::Io { path: path.to_owned(), source })
}

/// Overwrites a secret and removes it; nothing when there is none.
fn destroy(path: &Path) -> Result<(), Error> {
    let overwrite = || {
        let length = fs::metadata(path)?.len();
        let mut file = OpenOptions::new().write(true).open(path)?;
        file.write_all(&vec![0; usize::try_from(length).unwrap_or(0)])?;
        file.sync_all()?;
        fs::remove_file(path)?;
        durable(path.parent().unwrap_or(path))
    };
    match overwrite() {
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(()),
        other => other.map_err(|source| Error::Io { path: path.to_owned(), source }),
    }
}

/// The text of a signed note and the bytes of its signatures, as they stand.
pub(crate) fn parts(note: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let text = Note::from_bytes(note).ok()?.text().to_vec();
    let signatures = note.get(text.len() + 1..)?.to_vec();
    Some((text, signatures))
}
