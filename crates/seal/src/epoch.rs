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
//! between, [`Epochs::open`] finds by the records which of the two secrets counts.
//!
//! Nodes that seal the same log in turns each have the secret in a folder of their own, and nobody sends it from one to
//! another: the next secret follows from the one before and a number drawn for it (HKDF-SHA256), so whoever has the one
//! before makes it himself out of the [`Turn`], which is kept where all nodes read. From the next secret and all the
//! numbers the one before does not follow. What a node that was away still has on its disk, however, leads to every later
//! one for whoever also has the numbers: it is destroyed as soon as the node [keeps up](keep_up).

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::digest::{SHA256, digest};
use ring::hkdf::{HKDF_SHA256, Salt};
use signed_note::Note;

use crate::key::{PublicKey, SigningKey, seed};
use crate::log::{Checkpoint, Error, HEAD, Pin, durable, empty_root, read};
use crate::place::{Place, Writer};

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
/// What a secret is derived for.
const STEP: &[u8] = b"sakimori-epoch-step/1";
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
    log: Writer,
    key: PublicKey,
    chain: Chain,
    current: Option<SigningKey>,
}

/// The beginning of an epoch, for every node that has the secret of the one before. Nothing in it is secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turn {
    /// Number of the epoch.
    pub number: u64,
    /// What was drawn for it.
    pub fresh: [u8; 32],
    /// Its record.
    pub record: Vec<u8>,
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
    pub fn read(place: impl Into<Place>, key: &PublicKey) -> Result<Self, Error> {
        let place = place.into();
        let text = place.read(CHAIN)?;
        let headed = text.is_none() && place.read(HEAD)?.is_some();
        Self::parse(text, headed, key)
    }

    /// The chain of this text, in a log that has a head or none yet.
    fn parse(text: Option<Vec<u8>>, headed: bool, key: &PublicKey) -> Result<Self, Error> {
        if text.is_none() && headed && bound(key.origin()).is_some() {
            return Err(Error::Epochs(0));
        }
        let mut chain = Self::default();
        let text = text.unwrap_or_default();
        let utf8 = std::str::from_utf8(&text).map_err(|_| Error::Epochs(0))?;
        let lines: Vec<&str> = utf8.split_inclusive('\n').collect();
        for (n, record) in lines.chunks(LINES).enumerate() {
            let number = n as u64;
            chain.follow(record.concat().as_bytes(), key, number).ok_or(Error::Epochs(number))?;
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
        if number == 0 && bound(key.origin()).is_some_and(|bound| !told(&epoch.key).starts_with(bound)) {
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
    /// Opens the chain of the log in `place` with its secret in `keys`, ending what a crash interrupted, and following
    /// what others turned over: `turns` are the last turns of the log, as far as this node may have missed them.
    ///
    /// # Errors
    /// [`Error::Epochs`] when the chain does not hold, or a turn does not follow from it; [`Error::Key`] when the secret
    /// of its last epoch is lost; any error of a file.
    pub fn open(keys: &Path, place: impl Into<Place>, key: &PublicKey, turns: &[Turn]) -> Result<Self, Error> {
        let place = place.into();
        let mut log = Writer::new(&place);
        let text = log.take_up(CHAIN)?;
        let headed = text.is_none() && place.read(HEAD)?.is_some();
        let chain = Chain::parse(text, headed, key)?;
        let mut epochs = Self { keys: keys.to_owned(), log, key: key.clone(), chain, current: None };
        epochs.follow(turns)?;
        if epochs.chain.epochs.is_empty() {
            // Before the first record: the secret that `found` left, if it did.
            epochs.current = secret_in(keys, SECRET)?;
        }
        Ok(epochs)
    }

    /// The epochs.
    pub fn chain(&self) -> &Chain {
        &self.chain
    }

    /// Who signs now.
    ///
    /// # Errors
    /// [`Error::Key`] before the first turn.
    pub fn signer(&self) -> Result<&SigningKey, Error> {
        self.current.as_ref().filter(|_| !self.chain.epochs.is_empty()).ok_or(Error::Key)
    }

    /// The turn that is due, as this node would have it: when `day` is another than that of the last epoch, and the tree
    /// has grown since. `head` is the last head of the log.
    ///
    /// # Errors
    /// [`Error::Key`] when the first secret of a log is lost or the machine has no randomness; any error of a file.
    pub fn due(&self, day: &str, head: Option<&Checkpoint>, key: &SigningKey) -> Result<Option<Turn>, Error> {
        let (size, root) = head.map_or_else(|| (0, empty_root()), |head| (head.size, head.root));
        if !self.chain.epochs.last().is_none_or(|last| last.day != day && last.size < size) {
            return Ok(None);
        }
        let (origin, number, fresh) = (self.key.origin(), self.chain.epochs.len() as u64, seed()?);
        let next = match &self.current {
            // The first key of a log is in its name already.
            Some(first) if number == 0 => first.public().clone(),
            Some(current) => step(current, origin, number, &fresh)?.public().clone(),
            None if number > 0 || bound(origin).is_some() => return Err(Error::Key),
            // A log that is older than its epochs: nothing leads to this secret, so it is kept at once.
            None => {
                let first = SigningKey::generate(&signer(origin, number))?;
                secret(&self.keys.join(NEXT), first.text())?;
                first.public().clone()
            }
        };
        let epoch = Epoch { number, day: day.to_owned(), size, root, key: next, before: self.chain.last };
        let by = self.current.as_ref().filter(|_| number > 0).unwrap_or(key);
        Ok(Some(Turn { number, fresh, record: by.sign(epoch.text(origin).as_bytes())? }))
    }

    /// Turns over, as the node did that was first to. The old secret is gone afterwards.
    ///
    /// # Errors
    /// [`Error::Epochs`] when the turn does not follow from the last epoch; [`Error::Key`] when no secret of this node
    /// leads to it; [`Error::Taken`] when another node writes the chain; any error of a file. The chain is then to be
    /// opened again.
    pub fn turn(&mut self, turn: &Turn) -> Result<(), Error> {
        self.follow(std::slice::from_ref(turn))
    }

    /// Follows the turns that come next: the secret first, then the chain, then the old secret is destroyed.
    fn follow(&mut self, turns: &[Turn]) -> Result<(), Error> {
        let known = self.chain.epochs.len();
        for turn in turns {
            let number = self.chain.epochs.len() as u64;
            if turn.number == number {
                self.chain.follow(&turn.record, &self.key, number).ok_or(Error::Epochs(number))?;
            }
        }
        let Some(last) = self.chain.epochs.last() else { return Ok(()) };
        let mut kept = [secret_in(&self.keys, SECRET)?, secret_in(&self.keys, NEXT)?];
        let numbered = |key: &Option<SigningKey>| {
            let key = key.as_ref()?.public();
            self.chain.epochs.iter().position(|epoch| epoch.key == *key)
        };
        let newest = kept.iter().enumerate().filter_map(|(n, key)| Some((numbered(key)?, n))).max_by_key(|(at, _)| *at);
        let (at, which) = newest.ok_or(Error::Key)?;
        let mut current = kept.get_mut(which).and_then(Option::take).ok_or(Error::Key)?;
        for number in (0..=last.number).skip(at + 1) {
            let turn = turns.iter().find(|turn| turn.number == number).ok_or(Error::Key)?;
            current = follow(&current, self.key.origin(), turn)?;
        }
        let derived = at as u64 != last.number;
        if derived {
            secret(&self.keys.join(NEXT), current.text())?;
        }
        if self.chain.epochs.len() > known {
            self.log.replace(CHAIN, &self.chain.text)?;
        }
        if derived || which == 1 {
            put_next_in_place(&self.keys)?;
        } else {
            destroy(&self.keys.join(NEXT))?;
        }
        self.current = Some(current);
        Ok(())
    }
}

/// Destroys the secret that a node still has of an epoch that is over: `turns` are those of the log named `origin` from
/// then on. To be done by every node that does not seal, so that its disk holds nothing that would sign yesterday.
///
/// # Errors
/// [`Error::Epochs`] when a turn does not follow from the secret; any error of a file.
pub fn keep_up(keys: &Path, origin: &str, turns: &[Turn]) -> Result<(), Error> {
    let Some(mut current) = secret_in(keys, SECRET)? else { return Ok(()) };
    let Some(own) = numbered(&current) else { return Ok(()) };
    let mut at = own;
    while let Some(turn) = turns.iter().find(|turn| turn.number == at + 1) {
        current = follow(&current, origin, turn)?;
        at += 1;
    }
    if at == own {
        return Ok(());
    }
    secret(&keys.join(NEXT), current.text())?;
    put_next_in_place(keys)
}

/// The number of the epoch whose secret the node in this folder has; `None` when it has none.
///
/// # Errors
/// Any error of a file.
pub fn kept(keys: &Path) -> Result<Option<u64>, Error> {
    Ok(secret_in(keys, SECRET)?.as_ref().and_then(numbered))
}

/// The number in the name of a secret.
fn numbered(secret: &SigningKey) -> Option<u64> {
    secret.origin().rsplit_once("/epoch-").and_then(|(_, number)| number.parse().ok())
}

/// The secret that a turn leads to, if the turn is signed by the one before.
fn follow(before: &SigningKey, origin: &str, turn: &Turn) -> Result<SigningKey, Error> {
    let said = before.public().open(&turn.record).map_err(|_| Error::Epochs(turn.number))?;
    let epoch = std::str::from_utf8(&said).ok().and_then(|text| Epoch::parse(text, origin));
    let next = step(before, origin, turn.number, &turn.fresh)?;
    match epoch {
        Some(epoch) if epoch.number == turn.number && epoch.key == *next.public() => Ok(next),
        _ => Err(Error::Epochs(turn.number)),
    }
}

/// The secret after this one.
fn step(before: &SigningKey, origin: &str, number: u64, fresh: &[u8; 32]) -> Result<SigningKey, Error> {
    let (name, mut seed) = (signer(origin, number), [0; 32]);
    let drawn = Salt::new(HKDF_SHA256, fresh).extract(&before.seed()?);
    let info = [STEP, name.as_bytes()];
    drawn.expand(&info, HKDF_SHA256).and_then(|okm| okm.fill(&mut seed)).map_err(|_| Error::Key)?;
    SigningKey::of(&name, &seed)
}

/// A secret in the folder of the keys. One that was cut off while it was written never signed anything.
fn secret_in(keys: &Path, name: &str) -> Result<Option<SigningKey>, Error> {
    let text = read(&keys.join(name))?;
    Ok(text.and_then(|text| String::from_utf8(text).ok()).and_then(|text| SigningKey::parse(&text).ok()))
}

/// The old secret goes, the next one takes its place.
fn put_next_in_place(keys: &Path) -> Result<(), Error> {
    destroy(&keys.join(SECRET))?;
    let (from, to) = (keys.join(NEXT), keys.join(SECRET));
    fs::rename(from, &to).and_then(|()| durable(keys)).map_err(|source| Error::Io { path: to, source })
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

/// What the name of a log would tell of this first key, and more.
fn told(key: &PublicKey) -> String {
    hex(digest(&SHA256, &raw(key)).as_ref())
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
