//! 封印: the journal of the database, entry by entry, as leaves of a sealed log in the data folder.
//!
//! *Staged* is an entry that its transaction committed; *sealed* is one that a signed head covers. The sealer takes the
//! staged ones in order and never signs over others than it signed before: a database that was changed, cut or put back
//! to an older state does not lead to the last head, and sealing stops and says so. What is missing at the very end,
//! entries and log together, shows only beside a head that somebody else kept: a printed line, a proof, a copy.

mod handed;
mod keep;
mod stamp;
mod witness;

use std::collections::HashMap;
use std::fs::File;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use domain::journal::{Entry, hex};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use seal::leaf::{Disclosure, disclose, leaf, leaf_of};
use seal::proof::Proof;
use seal::{Broken, Checkpoint, Epochs, Log, PublicKey, Salts, SigningKey, Verifier, What};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::identity::secrets::{create, random, unhex};
use crate::{App, blocking};

pub use handed::HandedLog;
pub(crate) use handed::{PLACE as HANDED, check as check_handed};
pub use keep::{Grade, Heads, Keeper, KeptHead, Known, Submission};
pub use stamp::StampRequest;
pub use witness::{LONGEST_REQUEST as WITNESS_REQUEST, Refusal as WitnessRefusal, Witness};

/// Folder of the log in the data folder.
const LOG: &str = "log";
/// File of the signing key in the data folder.
const KEY: &str = "log.key";
/// File that whoever seals has locked.
const LOCK: &str = "log.lock";
/// Entries read at a time.
const PART: u32 = 2_048;

/// The log open to prove what is in it, and for nothing else.
pub(crate) struct Prover {
    log: Arc<Mutex<Log>>,
    salts: Secrets,
}

/// The one that seals. While it lives, nobody else does in this data folder.
pub struct Sealer {
    log: Arc<Mutex<Log>>,
    epochs: Epochs,
    salts: Secrets,
    _lock: File,
}

/// The secrets of the months, as far as they were asked for and are there.
type Secrets = HashMap<(String, String), Salts>;

/// A head of the log, for people to keep.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// Name of the log.
    pub origin: String,
    /// Number of entries it covers.
    pub size: u64,
    /// Root of the tree over them, in hex.
    pub root: String,
}

impl From<&Checkpoint> for Head {
    fn from(head: &Checkpoint) -> Self {
        Self { origin: head.origin.clone(), size: head.size, root: hex(&head.root) }
    }
}

/// How the log and the journal stand to each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sealed {
    /// Nothing was ever sealed.
    Never,
    /// Every entry up to the head is as it was sealed; so many more are staged.
    Holds {
        /// The head.
        head: Head,
        /// Entries that came after it.
        staged: u64,
    },
    /// From this entry on (its number in the journal, from 1) nothing can be relied on.
    Broken {
        /// Number of the entry.
        seq: u64,
        /// Number of the entry up to which the change lies; the same as `seq` when it is known exactly.
        until: u64,
        /// When the last entry before it was made, if there is one.
        after: Option<Timestamp>,
        /// When the first entry behind it was made, if there is one.
        before: Option<Timestamp>,
        /// What showed it.
        what: What,
    },
    /// The newest head that somebody else has is of another log, of this name: the log was begun anew.
    Another {
        /// Name of the other log.
        origin: String,
    },
}

impl Sealed {
    /// What a person is told when journal and log do not fit (JRN-008), the end was cut off (JRN-024), a head known from
    /// elsewhere does not fit (JRN-025), the key of the day did not sign (JRN-026), or the log was begun anew (JRN-027).
    pub fn fault(&self) -> Option<String> {
        let (seq, until, after, before, what) = match self {
            Self::Broken { seq, until, after, before, what } => (seq, until, after, before, what),
            Self::Another { origin } => {
                return Some(format!(
                    "封印が作り直されています（JRN-027）。ほかの場所にある控えは、別の封印「{origin}」のものです。鍵と封印が取り替えられたか、別のデータフォルダです。何も消さずに、何があったかを調べてください。"
                ));
            }
            Self::Never | Self::Holds { .. } => return None,
        };
        let time = |at: &Timestamp| domain::jp::time_in_japan(*at).strftime("%Y-%m-%d %H:%M:%S").to_string();
        let span = match (after.as_ref().map(time), before.as_ref().map(time)) {
            (Some(after), Some(before)) => format!("{after}から{before}までの間、"),
            (Some(after), None) => format!("{after}より後、"),
            (None, Some(before)) => format!("{before}より前、"),
            (None, None) => String::new(),
        };
        let place = if seq == until { format!("{seq}番目") } else { format!("{seq}番目から{until}番目まで") };
        let compare = "何も消さずに、バックアップの記録と比べてください。";
        Some(match what {
            What::File(path) => format!(
                "記録の{seq}番目から、封印と合いません（JRN-008）。{span}記録か封印（{path}）が書き換えられたか、欠けています。{compare}"
            ),
            What::Root => format!(
                "記録の{seq}番目から、封印と合いません（JRN-008）。{span}記録か封印（checkpoint）が書き換えられたか、欠けています。{compare}"
            ),
            What::Cut(known) => format!(
                "記録の{seq}番目から後がありません（JRN-024）。{}では{until}件が封印されていました。{span}末尾が消されたか、古い状態に戻されています。{compare}",
                source(known)
            ),
            What::Pin(known) => format!(
                "記録の{place}のどこかが、{}と合いません（JRN-025）。{span}記録と封印が一緒に書き換えられたか、控えの打ち間違いです。{compare}",
                source(known)
            ),
            What::Epoch => format!(
                "記録の{place}の封印に、その日の鍵の署名がありません（JRN-026）。{span}日の鍵を持たない人が封印しています。{compare}"
            ),
        })
    }
}

/// From where a head is known, as people say it.
fn source(known: &str) -> String {
    match known.strip_prefix("epoch ") {
        Some(number) => format!("日の鍵の記録（{number}番）"),
        None => known.to_owned(),
    }
}

/// What a proof tells, once it was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proved {
    /// Number of the entry in the journal, from 1.
    pub seq: u64,
    /// The fields of the entry; without a value those that are withheld.
    pub fields: Vec<(String, Option<String>)>,
    /// The head that covers it.
    pub head: Head,
}

/// One field in a proof file. Hash and salt are hex.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Field {
    Shown { name: String, value: String, salt: String },
    Withheld { hash: String },
}

impl From<Disclosure> for Field {
    fn from(told: Disclosure) -> Self {
        match told {
            Disclosure::Shown { name, value, salt } => Self::Shown { name, value, salt: hex(&salt) },
            Disclosure::Withheld { hash } => Self::Withheld { hash: hex(&hash) },
        }
    }
}

impl Field {
    /// What it tells; `None` when hash or salt are none.
    fn disclosed(self) -> Option<Disclosure> {
        let bytes = |text: &str| unhex(text).and_then(|bytes| bytes.try_into().ok());
        Some(match self {
            Self::Shown { name, value, salt } => Disclosure::Shown { name, value, salt: bytes(&salt)? },
            Self::Withheld { hash } => Disclosure::Withheld { hash: bytes(&hash)? },
        })
    }
}

impl App {
    /// Becomes the sealer of a data folder, with a key made at the first time.
    ///
    /// # Errors
    /// JRN-005 while somebody else seals; JRN-002 when the journal is not the one that was sealed; JRN-003 and JRN-004
    /// when key or files do not do.
    pub async fn sealer(&self, folder: &Path) -> Result<Sealer> {
        let lock = File::create(folder.join(LOCK)).map_err(|e| unusable(&folder.join(LOCK), &e.to_string()))?;
        if rustix::fs::flock(&lock, rustix::fs::FlockOperation::NonBlockingLockExclusive).is_err() {
            return Err(Error::invalid(
                "JRN-005",
                "操作記録を封印できませんでした。ほかのプログラムが封印しています。動いているサーバを止めるか、その画面から行ってください。",
            ));
        }
        let key = self.signing_key(folder)?;
        let place = folder.join(LOG);
        let wanted = Log::wanted(&place, key.public()).map_err(|e| broken(&e))?;
        let mut salts = Secrets::new();
        let tail = self.leaves(&mut salts, wanted, true).await?.unwrap_or_default();
        let keys = folder.to_owned();
        let opened = blocking(move || {
            let log = Log::open(&place, key, &tail)?;
            Ok((Epochs::open(&keys, &place, log.key())?, log))
        });
        let (epochs, log) = opened.await?.map_err(|e| broken(&e))?;
        let mut sealer = Sealer { log: Arc::new(Mutex::new(log)), epochs, salts, _lock: lock };
        self.turn(&mut sealer)?;
        Ok(sealer)
    }

    /// The log as it was last sealed, to prove entries beside whoever seals it.
    pub(crate) async fn prover(&self, folder: &Path) -> Result<Prover> {
        let (place, mut tries) = (folder.join(LOG), 5);
        loop {
            let key = self.signing_key(folder)?;
            let wanted = Log::wanted(&place, key.public()).map_err(|e| broken(&e))?;
            let mut salts = Secrets::new();
            let tail = self.leaves(&mut salts, wanted, false).await?.unwrap_or_default();
            let at = place.clone();
            match blocking(move || Log::open(&at, key, &tail)).await? {
                Ok(log) => return Ok(Prover { log: Arc::new(Mutex::new(log)), salts }),
                // The head moved on between the two looks at it.
                Err(seal::Error::Fork { .. }) if tries > 0 => tries -= 1,
                Err(error) => return Err(broken(&error)),
            }
        }
    }

    /// Lets the key of today sign, which begins when the day is another and something was sealed since.
    fn turn(&self, sealer: &mut Sealer) -> Result<()> {
        let day = self.today().to_string();
        let mut log = sealer.log.lock().unwrap_or_else(PoisonError::into_inner);
        let head = log.head().map(|(head, _)| head.clone());
        let signs = sealer.epochs.on(&day, head.as_ref(), log.signing_key()).map_err(|e| broken(&e))?;
        log.sign_beside(signs).map_err(|e| broken(&e))
    }

    /// Seals every staged entry; the head, if there is one.
    ///
    /// # Errors
    /// JRN-004 when the log cannot be written; the sealer is then to be given up. Any store error.
    pub async fn seal(&self, sealer: &mut Sealer) -> Result<Option<Head>> {
        self.turn(sealer)?;
        loop {
            let size = sealer.with(|log| log.size());
            let leaves = self.leaves(&mut sealer.salts, size..size + u64::from(PART), true).await?.unwrap_or_default();
            let (log, last) = (Arc::clone(&sealer.log), leaves.len() < PART as usize);
            blocking(move || {
                let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
                leaves.iter().try_for_each(|leaf| log.append(leaf))?;
                if last { log.seal().map(|_| ()) } else { Ok(()) }
            })
            .await?
            .map_err(|e| broken(&e))?;
            if last {
                return Ok(sealer.with(|log| log.head().map(|(head, _)| Head::from(head))));
            }
        }
    }

    /// Compares the whole journal with the whole log, and both with every head that somebody else has; `known` is one
    /// more of these.
    ///
    /// # Errors
    /// JRN-003 when the head is not signed by the key of this folder; JRN-004 when a file cannot be read; JRN-026 when
    /// the keys of the days do not follow from each other; any store error. That they do not fit is no error but
    /// [`Sealed::Broken`].
    pub async fn sealed(&self, folder: &Path, known: Option<Known>) -> Result<Sealed> {
        let Some(key) = known_key(folder)? else { return self.unsealed(known).await };
        let mut pins = self.pins(&key).await?;
        pins.extend(known.clone().map(|known| known.0));
        let Some(mut verifier) = Verifier::open(&folder.join(LOG), &key, pins).map_err(|e| broken(&e))? else {
            return self.unsealed(known).await;
        };
        let mut salts = Secrets::new();
        while let Some(wanted) = verifier.wanted() {
            let leaves = self.leaves(&mut salts, wanted, false).await?;
            if let Err(found) = verifier.give(leaves).map_err(|e| broken(&e))? {
                return self.broken(found).await;
            }
        }
        if let Some(found) = verifier.fault() {
            return self.broken(found.clone()).await;
        }
        if let Some(origin) = self.other_log(Some(&key)).await? {
            return Ok(Sealed::Another { origin });
        }
        let (count, _) = self.store.journal_head().await?;
        let head = Head::from(verifier.head());
        Ok(Sealed::Holds { staged: u64::try_from(count).unwrap_or(0).saturating_sub(head.size), head })
    }

    /// Nothing was sealed, or nothing is left of it.
    async fn unsealed(&self, known: Option<Known>) -> Result<Sealed> {
        if let Some(Known(pin)) = known {
            return self.broken(Broken { index: 0, until: pin.size, what: What::Cut(pin.what) }).await;
        }
        Ok(self.other_log(None).await?.map_or(Sealed::Never, |origin| Sealed::Another { origin }))
    }

    /// The name of the log that the newest head elsewhere is of, when it is not the one with this key.
    async fn other_log(&self, key: Option<&PublicKey>) -> Result<Option<String>> {
        let newest = self.kept_heads().await?.into_iter().next().map(|kept| kept.head.origin);
        Ok(newest.filter(|origin| key.is_none_or(|key| key.origin() != origin)))
    }

    async fn broken(&self, found: Broken) -> Result<Sealed> {
        let Broken { index, until, what } = found;
        let after = match index {
            0 => None,
            _ => self.made(index - 1).await?,
        };
        let before = self.made(until).await?;
        Ok(Sealed::Broken { seq: index + 1, until: until.max(index + 1), after, before, what })
    }

    /// When the entry at an index was made, as far as the journal still says.
    async fn made(&self, index: u64) -> Result<Option<Timestamp>> {
        let rows = self.store.journal_after(i64::try_from(index).unwrap_or(i64::MAX), 1).await?;
        let entry = rows.first().and_then(|(_, _, entry)| entry_of(entry).ok());
        Ok(entry.and_then(|entry| Timestamp::from_microsecond(entry.at).ok()))
    }

    /// Proves one entry to somebody who has only the public key: a `tlog-proof` file with the fields of the entry, of
    /// which those that `withheld` names are given by their hash alone (`actor`, `subject`, `details.reason` …).
    ///
    /// # Errors
    /// JRN-006 when there is no such entry, when it is not sealed yet, or its secret was destroyed.
    pub async fn prove(&self, sealer: &mut Sealer, seq: u64, withheld: &[String]) -> Result<String> {
        self.prove_in(&Arc::clone(&sealer.log), &mut sealer.salts, seq, withheld).await
    }

    /// The same beside whoever seals.
    pub(crate) async fn prove_beside(&self, prover: &mut Prover, seq: u64, withheld: &[String]) -> Result<String> {
        self.prove_in(&Arc::clone(&prover.log), &mut prover.salts, seq, withheld).await
    }

    async fn prove_in(&self, log: &Mutex<Log>, salts: &mut Secrets, seq: u64, withheld: &[String]) -> Result<String> {
        let missing = || {
            Error::invalid(
                "JRN-006",
                format!(
                    "操作記録{seq}番の証明を作れませんでした。その番号の記録がないか、秘密がもう廃棄されています。番号を確かめてください。"
                ),
            )
        };
        let index = seq.checked_sub(1).ok_or_else(missing)?;
        let place = i64::try_from(index).map_err(|_| missing())?;
        let found = self.store.journal_after(place, 1).await?;
        let (at, facility, text) = found.first().ok_or_else(missing)?;
        let entry = entry_of(text)?;
        self.know(salts, facility, &entry, false).await?;
        let salts = salts.get(&(facility.clone(), month(&entry)));
        let salts = salts.filter(|_| *at == place + 1).ok_or_else(missing)?;
        let told = disclose(salts, index, fields(&entry).iter().map(|(n, v)| (n.as_str(), v.as_str())), |name| {
            !withheld.iter().any(|hidden| hidden == name)
        });
        let told: Vec<Field> = told.into_iter().map(Field::from).collect();
        let extra = serde_json::to_vec(&told).unwrap_or_default();
        log.lock()
            .unwrap_or_else(PoisonError::into_inner)
            .prove(index, extra)
            .map(|proof| proof.text())
            .map_err(|_| missing())
    }

    /// Copies the log, as it was last sealed, to a folder for somebody else: hashes and heads, nothing that could be
    /// read. With the public key, other people's tools can check it, and later that the log still leads on from it.
    ///
    /// # Errors
    /// JRN-004 when a file cannot be read or written.
    pub async fn copy_log(&self, sealer: &Sealer, to: &Path) -> Result<()> {
        let (log, to) = (Arc::clone(&sealer.log), to.to_owned());
        let copied = blocking(move || log.lock().unwrap_or_else(PoisonError::into_inner).publish(&to)).await?;
        copied.map_err(|e| broken(&e))
    }

    /// The public key of the log in a data folder, made with its secret at the first time.
    ///
    /// # Errors
    /// JRN-003 or JRN-004 when the key cannot be read or made.
    pub fn log_key(&self, folder: &Path) -> Result<String> {
        Ok(self.signing_key(folder)?.public().text().to_owned())
    }

    fn signing_key(&self, folder: &Path) -> Result<SigningKey> {
        let file = folder.join(KEY);
        match std::fs::read_to_string(&file) {
            Ok(text) => SigningKey::parse(&text).map_err(|_| unusable(&file, "鍵ではありません")),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
                // A log whose key is gone is not begun anew beside its remains.
                if folder.join(LOG).join("checkpoint").exists() {
                    return Err(broken(&seal::Error::Key));
                }
                let key = seal::epoch::found(folder, "sakimori-log").map_err(|e| broken(&e))?;
                create(&file, key.text().as_bytes()).map_err(|e| unusable(&file, &e.to_string()))?;
                Ok(key)
            }
            Err(e) => Err(unusable(&file, &e.to_string())),
        }
    }

    /// The leaves that the entries of a range make; fewer when there are no more. `None` when the secret of one was
    /// destroyed. With `making`, a month that has no secret yet gets one.
    async fn leaves(&self, salts: &mut Secrets, range: Range<u64>, making: bool) -> Result<Option<Vec<Vec<u8>>>> {
        let most = u32::try_from(range.end - range.start).unwrap_or(u32::MAX);
        let mut leaves = Vec::new();
        if most == 0 {
            return Ok(Some(leaves));
        }
        let rows = self.store.journal_after(i64::try_from(range.start).unwrap_or(i64::MAX), most).await?;
        for (index, (seq, facility, text)) in range.zip(rows) {
            // A row out of its place is no entry of this place: what follows does not count.
            if u64::try_from(seq) != Ok(index + 1) {
                break;
            }
            let Ok(entry) = entry_of(&text) else { break };
            self.know(salts, &facility, &entry, making).await?;
            let Some(salts) = salts.get(&(facility, month(&entry))) else { return Ok(None) };
            let fields = fields(&entry);
            leaves.push(leaf(salts, index, fields.iter().map(|(n, v)| (n.as_str(), v.as_str()))).to_vec());
        }
        Ok(Some(leaves))
    }

    /// Looks up the secret of an entry's month, once.
    async fn know(&self, salts: &mut Secrets, facility: &str, entry: &Entry, making: bool) -> Result<()> {
        let key = (facility.to_owned(), month(entry));
        if salts.contains_key(&key) {
            return Ok(());
        }
        let secret = if making {
            let new = hex(&random::<32>(&*self.identity.entropy)?);
            Some(self.store.seal_key(facility, &key.1, &new).await?)
        } else {
            self.store.seal_key_find(facility, &key.1).await?
        };
        if let Some(secret) = secret.and_then(|text| unhex(&text)).and_then(|bytes| bytes.try_into().ok()) {
            salts.insert(key, Salts::new(&secret));
        }
        Ok(())
    }
}

impl Prover {
    /// How many entries the head covers.
    pub(crate) fn size(&self) -> u64 {
        self.log.lock().unwrap_or_else(PoisonError::into_inner).size()
    }
}

impl Sealer {
    fn with<T>(&self, what: impl FnOnce(&Log) -> T) -> T {
        what(&self.log.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Checks a proof file against the public key of the log it is from.
///
/// # Errors
/// JRN-007 when it is no proof, or does not hold.
pub fn verify_proof(text: &str, key: &str) -> Result<Proved> {
    let refused = |reason: &str| {
        Error::invalid(
            "JRN-007",
            format!(
                "証明を確かめられませんでした。{reason}。証明のファイルと公開鍵を、発行元からもう一度受け取ってください。"
            ),
        )
    };
    let key = PublicKey::parse(key).map_err(|_| refused("公開鍵ではありません"))?;
    let proof = Proof::parse(text).map_err(|_| refused("証明の形になっていません"))?;
    let told: Vec<Field> = serde_json::from_slice(&proof.extra).map_err(|_| refused("記録の内容が付いていません"))?;
    let told: Vec<Disclosure> = told
        .into_iter()
        .map(Field::disclosed)
        .collect::<Option<_>>()
        .ok_or_else(|| refused("記録の内容が読めません"))?;
    let head = proof.check(&leaf_of(&told), &key).map_err(|error| {
        refused(match error {
            seal::Error::Signature => "この公開鍵の署名ではありません",
            _ => "内容が記録されたものと違います",
        })
    })?;
    let fields = told
        .into_iter()
        .map(|d| match d {
            Disclosure::Shown { name, value, .. } => (name, Some(value)),
            Disclosure::Withheld { .. } => (String::new(), None),
        })
        .collect();
    Ok(Proved { seq: proof.index + 1, fields, head: Head::from(&head) })
}

/// The public key of a data folder, if it has one.
fn known_key(folder: &Path) -> Result<Option<PublicKey>> {
    let file = folder.join(KEY);
    match std::fs::read_to_string(&file) {
        Ok(text) => {
            let key = SigningKey::parse(&text).map_err(|_| unusable(&file, "鍵ではありません"))?;
            Ok(Some(key.public().clone()))
        }
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(unusable(&file, &e.to_string())),
    }
}

fn entry_of(text: &str) -> Result<Entry> {
    serde_json::from_str(text).map_err(|_| store::Error::Corrupt { what: "journal".to_owned() }.into())
}

/// The fields that a leaf commits to: those of the entry in their order, each detail on its own.
fn fields(entry: &Entry) -> Vec<(String, String)> {
    let own = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let mut fields = vec![own("action", &entry.action), own("actor", &entry.actor), own("at", &entry.at.to_string())];
    fields.extend(entry.details.iter().map(|(name, value)| (format!("details.{name}"), value.clone())));
    fields.extend([
        own("facility", &entry.facility),
        own("seq", &entry.seq.to_string()),
        own("subject", &entry.subject),
    ]);
    fields
}

/// The month of an entry, UTC: `2026-11`.
fn month(entry: &Entry) -> String {
    let at = Timestamp::from_microsecond(entry.at).unwrap_or_default();
    at.to_zoned(TimeZone::UTC).strftime("%Y-%m").to_string()
}

fn broken(error: &seal::Error) -> Error {
    match error {
        seal::Error::Fork { size } => Error::invalid(
            "JRN-002",
            format!(
                "操作記録を封印できませんでした。データベースの記録が、前に封印した{size}件と合いません。記録が書き換えられたか、古いバックアップに戻っています。journal verify で場所を確かめ、何があったかを調べてください。"
            ),
        ),
        seal::Error::Signature | seal::Error::Key => Error::invalid(
            "JRN-003",
            "封印の署名を確かめられませんでした。封印がこの鍵のものではありません。データフォルダの log と log.key と log.epoch を、同じバックアップから戻してください。",
        ),
        seal::Error::Epochs(number) => Error::invalid(
            "JRN-026",
            format!(
                "封印の日の鍵の記録（{number}番）が、前の日からつながっていません。記録が書き換えられたか、欠けています。何も消さずに、データフォルダの log と log.key と log.epoch を、同じバックアップのものと比べてください。"
            ),
        ),
        other => Error::invalid(
            "JRN-004",
            format!("封印の記録を読み書きできませんでした。{other}。空き容量と権限を確かめてください。"),
        ),
    }
}

fn unusable(file: &Path, reason: &str) -> Error {
    Error::invalid(
        "JRN-004",
        format!(
            "封印のファイル「{}」を使えませんでした。{reason}。空き容量と権限を確かめてください。",
            PathBuf::from(file).display()
        ),
    )
}
