//! 封印: the journal of the database, entry by entry, as leaves of a sealed log in the data folder or in a bucket.
//!
//! *Staged* is an entry that its transaction committed; *sealed* is one that a signed head covers. The sealer takes the
//! staged ones in order and never signs over others than it signed before: a database that was changed, cut or put back
//! to an older state does not lead to the last head, and sealing stops and says so. What is missing at the very end,
//! entries and log together, shows only beside a head that somebody else kept: a printed line, a proof, a copy.

mod bucket;
mod handed;
mod keep;
mod lease;
mod leaves;
mod stamp;
mod turns;
mod watch;
mod witness;

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use domain::journal::{Entry, hex};
use jiff::Timestamp;
use seal::leaf::{Disclosure, GONE, disclose, leaf_of};
use seal::proof::Proof;
use seal::{Broken, Checkpoint, Epochs, Log, Place, PublicKey, SigningKey, Verifier, What};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::identity::secrets::{create, random, unhex};
use crate::{App, blocking};

pub use bucket::LogBucket;
use bucket::at;
pub use handed::HandedLog;
pub(crate) use handed::{PLACE as HANDED, check as check_handed};
pub use keep::{Grade, Heads, Keeper, KeptHead, Known, Submission};
use lease::Lease;
use leaves::{Secrets, fields};
pub use stamp::StampRequest;
pub(crate) use watch::Watch;
pub use witness::{LONGEST_REQUEST as WITNESS_REQUEST, Refusal as WitnessRefusal, Witness};

/// Folder of the log in the data folder.
const LOG: &str = "log";
/// File of the signing key in the data folder.
const KEY: &str = "log.key";
/// File that whoever seals has locked.
const LOCK: &str = "log.lock";
/// Entries read at a time.
const PART: u32 = 8_192;

/// The log open to prove what is in it, and for nothing else.
pub(crate) struct Prover {
    log: Arc<Mutex<Log>>,
    salts: Secrets,
}

/// The one that seals. While it lives, nobody else does in this data folder.
pub struct Sealer {
    log: Arc<Mutex<Log>>,
    /// Elsewhere only while it is turned over.
    epochs: Option<Epochs>,
    salts: Secrets,
    lease: Lease,
    /// Below which index nothing is left on disk of what was disposed of, as far as it was looked after.
    swept: u64,
    _lock: File,
}

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
    /// The log was pruned up to this number, and the journal knows of no such disposal: it is of an older time.
    Revived {
        /// Number of the last entry that was disposed of.
        seq: u64,
    },
    /// The newest head that somebody else has is of another log, of this name: the log was begun anew.
    Another {
        /// Name of the other log.
        origin: String,
    },
}

impl Sealed {
    /// What a person is told when journal and log do not fit (JRN-008), the end was cut off (JRN-024), a head known from
    /// elsewhere does not fit (JRN-025), the key of the day did not sign (JRN-026), the log was begun anew (JRN-027), or
    /// what was disposed of is there again (JRN-045).
    pub fn fault(&self) -> Option<String> {
        let (seq, until, after, before, what) = match self {
            Self::Broken { seq, until, after, before, what } => (seq, until, after, before, what),
            Self::Another { origin } => {
                return Some(format!(
                    "封印が作り直されています（JRN-027）。ほかの場所にある控えは、別の封印「{origin}」のものです。鍵と封印が取り替えられたか、別のデータフォルダです。何も消さずに、何があったかを調べてください。"
                ));
            }
            Self::Revived { seq } => return Some(revived(*seq).to_string()),
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
        self.sealer_at(folder, self.place(folder)).await
    }

    /// The same of a log in another place.
    async fn sealer_at(&self, folder: &Path, place: Place) -> Result<Sealer> {
        let file = folder.join(LOCK);
        let lock = File::options().create(true).truncate(false).read(true).write(true).open(&file);
        let lock = lock.map_err(|e| unusable(&file, &e.to_string()))?;
        if rustix::fs::flock(&lock, rustix::fs::FlockOperation::NonBlockingLockExclusive).is_err() {
            return Err(Error::invalid(
                "JRN-005",
                "操作記録を封印できませんでした。ほかのプログラムが封印しています。動いているサーバを止めるか、その画面から行ってください。",
            ));
        }
        let name = self.name_of(&lock).map_err(|e| unusable(&file, &e.to_string()))?;
        let key = match known_key(folder)? {
            None => self.first_key(folder).await?,
            Some(_) => self.signing_key(folder)?,
        };
        let mut lease = match self.lease(&name, key.origin()).await {
            Err(standing_by @ Error::Invalid { code: "JRN-005", .. }) => {
                self.keep_up(folder, key.origin()).await?;
                return Err(standing_by);
            }
            lease => lease?,
        };
        let public = key.public().clone();
        let looked = at(&place, move |place| Ok((Log::wanted(place, &public)?, seal::log::minimum(place, &public)?)));
        let (wanted, minimum) = looked.await?;
        self.log_is_here(folder, &place, &wanted).await?;
        let floor = u64::try_from(self.store.journal_floor().await?.seq).unwrap_or(0);
        if minimum > floor {
            return Err(revived(minimum));
        }
        // What was disposed of cannot be sealed again; only a log that is begun anew goes without.
        if wanted.end < floor && lease.goes_on() {
            return Err(Error::invalid(
                "JRN-046",
                format!(
                    "操作記録を封印できませんでした。{floor}番までの記録は処分されていて、ここにある封印は{}件までです。いままで封印していたデータフォルダから log を写してください。",
                    wanted.end
                ),
            ));
        }
        let mut salts = Secrets::default();
        let tail = self.leaves(&mut salts, wanted, true).await?.unwrap_or_default();
        let (keys, turns) = (folder.to_owned(), self.turns(key.origin()).await?);
        let opened = at(&place, move |place| {
            let log = Log::open(place, key, &tail)?;
            Ok((Epochs::open(&keys, place, log.key(), &turns)?, log))
        });
        let (epochs, log) = opened.await?;
        lease.arrived(log.size(), &log.root())?;
        let log = Arc::new(Mutex::new(log));
        self.watch.opened(&log);
        let mut sealer = Sealer { log, epochs: Some(epochs), salts, lease, swept: 0, _lock: lock };
        self.turn(&mut sealer).await?;
        Ok(sealer)
    }

    /// The log as it was last sealed, to prove entries beside whoever seals it.
    pub(crate) async fn prover(&self, folder: &Path) -> Result<Prover> {
        let (place, mut tries) = (self.place(folder), 5);
        loop {
            let key = self.signing_key(folder)?;
            let public = key.public().clone();
            let wanted = at(&place, move |place| Log::wanted(place, &public)).await?;
            let mut salts = Secrets::default();
            let tail = self.leaves(&mut salts, wanted, false).await?.unwrap_or_default();
            let place = place.clone();
            match blocking(move || Log::open(&place, key, &tail)).await? {
                Ok(log) => return Ok(Prover { log: Arc::new(Mutex::new(log)), salts }),
                // The head moved on between the two looks at it.
                Err(seal::Error::Fork { .. }) if tries > 0 => tries -= 1,
                Err(error) => return Err(broken(&error)),
            }
        }
    }

    /// Seals every staged entry; the head, if there is one. Then goes on with what is being disposed of.
    ///
    /// # Errors
    /// JRN-002 when the journal does not lead to the head that another node signed; JRN-004 when the log cannot be
    /// written; JRN-032 when another node took over. The sealer is then to be given up. Any store error.
    pub async fn seal(&self, sealer: &mut Sealer) -> Result<Option<Head>> {
        self.lease_beat(&sealer.lease).await?;
        self.turn(sealer).await?;
        let mut size = sealer.with(|log| log.size()).await?;
        loop {
            let most = size + u64::from(PART);
            let end = sealer.lease.stop(size).map_or(most, |stop| stop.min(most));
            let leaves = self.leaves(&mut sealer.salts, size..end, true).await?.unwrap_or_default();
            let added = leaves.len() as u64;
            let grown = sealer.with(move |log| {
                leaves.iter().try_for_each(|leaf| log.append(leaf))?;
                Ok((log.size(), log.root()))
            });
            let (now, root) = self.while_beating(&sealer.lease, grown).await?.map_err(|e| broken(&e))?;
            sealer.lease.arrived(now, &root)?;
            if added < end - size {
                let head = self.sign(sealer, now).await?;
                self.disposal_carry_out(sealer).await?;
                return Ok(head);
            }
            size = now;
        }
    }

    /// Signs what is durable, once it is noted who does.
    async fn sign(&self, sealer: &mut Sealer, size: u64) -> Result<Option<Head>> {
        if let Some(wanted) = sealer.lease.stop(size) {
            return Err(broken(&seal::Error::Fork { size: wanted }));
        }
        let settled = self.while_beating(&sealer.lease, sealer.with(Log::settle)).await?;
        if let Some(head) = settled.map_err(|e| broken(&e))? {
            self.lease_head(&sealer.lease, &head).await?;
            let signed = self.while_beating(&sealer.lease, sealer.with(|log| log.seal().map(|_| ()))).await?;
            signed.map_err(|e| broken(&e))?;
        }
        self.watch.failed(None);
        sealer.with(|log| log.head().map(|(head, _)| Head::from(head))).await
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
        let public = key.clone();
        let opened = at(&self.place(folder), move |place| Verifier::open(place, &public, pins)).await?;
        let Some(mut verifier) = opened else { return self.unsealed(known).await };
        let floor = u64::try_from(self.store.journal_floor().await?.seq).unwrap_or(0);
        if verifier.minimum() > floor {
            return Ok(Sealed::Revived { seq: verifier.minimum() });
        }
        let mut salts = Secrets::default();
        while let Some(wanted) = verifier.wanted() {
            let leaves = self.leaves(&mut salts, wanted, false).await?;
            let compared = blocking(move || verifier.give(leaves).map(|held| (held, verifier)));
            let (held, compared) = compared.await?.map_err(|e| broken(&e))?;
            verifier = compared;
            if let Err(found) = held {
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
    /// JRN-006 when there is no such entry, when it is not sealed yet, or its secret was destroyed; JRN-044 when it was
    /// disposed of.
    pub async fn prove(&self, sealer: &mut Sealer, seq: u64, withheld: &[String]) -> Result<String> {
        self.prove_in(&Arc::clone(&sealer.log), &mut sealer.salts, seq, withheld).await
    }

    /// The same beside whoever seals.
    pub(crate) async fn prove_beside(&self, prover: &mut Prover, seq: u64, withheld: &[String]) -> Result<String> {
        self.prove_in(&Arc::clone(&prover.log), &mut prover.salts, seq, withheld).await
    }

    async fn prove_in(
        &self,
        log: &Arc<Mutex<Log>>,
        salts: &mut Secrets,
        seq: u64,
        withheld: &[String],
    ) -> Result<String> {
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
        if place < self.store.journal_floor().await?.seq {
            return Err(Error::invalid(
                "JRN-044",
                format!(
                    "操作記録{seq}番の証明を作れませんでした。その番号の記録は、保存期間が過ぎたため処分されています。処分の記録（journal.dispose）を確かめてください。"
                ),
            ));
        }
        let found = self.store.journal_after(place, 1).await?;
        let (at, facility, text) = found.first().ok_or_else(missing)?;
        let entry = entry_of(text)?;
        self.know_of(salts, facility, &entry).await?;
        let salts = salts.of(facility, &entry).filter(|_| *at == place + 1).ok_or_else(missing)?;
        let committed: Vec<_> = fields(&entry).collect();
        let told = disclose(salts, index, committed.iter().map(|(n, v)| (n.as_ref(), v.as_ref())), |name| {
            !withheld.iter().any(|hidden| hidden == name)
        });
        let told: Vec<Field> = told.into_iter().map(Field::from).collect();
        let extra = serde_json::to_vec(&told).unwrap_or_default();
        let log = Arc::clone(log);
        match blocking(move || log.lock().unwrap_or_else(PoisonError::into_inner).prove(index, extra)).await? {
            Ok(proof) => Ok(proof.text()),
            Err(error @ seal::Error::Bucket { .. }) => Err(broken(&error)),
            Err(_) => Err(missing()),
        }
    }

    /// Copies the log, as it was last sealed, to a folder for somebody else: hashes and heads, nothing that could be
    /// read. With the public key, other people's tools can check it, and later that the log still leads on from it.
    ///
    /// # Errors
    /// JRN-004 when a file cannot be read or written.
    pub async fn copy_log(&self, sealer: &Sealer, to: &Path) -> Result<()> {
        let to = to.to_owned();
        sealer.with(move |log| log.publish(&to)).await?.map_err(|e| broken(&e))
    }

    /// The public key of the log in a data folder, made with its secret at the first time.
    ///
    /// # Errors
    /// JRN-003 or JRN-004 when the key cannot be read or made.
    pub fn log_key(&self, folder: &Path) -> Result<String> {
        Ok(self.signing_key(folder)?.public().text().to_owned())
    }

    /// What stands for the folder whose lock this is, whoever asks.
    fn name_of(&self, mut lock: &File) -> Result<String> {
        let mut name = String::new();
        let failed = |e: std::io::Error| Error::Internal { message: e.to_string() };
        lock.read_to_string(&mut name).map_err(failed)?;
        if name.is_empty() {
            name = hex(&random::<8>(&*self.identity.entropy)?);
            lock.write_all(name.as_bytes()).map_err(failed)?;
        }
        Ok(name)
    }

    /// The key of a data folder that has none yet. Where the journal was sealed before, that log has another key.
    async fn first_key(&self, folder: &Path) -> Result<SigningKey> {
        let sealed = self.store.sealing().await?;
        if sealed.origin.is_empty() { self.signing_key(folder) } else { Err(lease::of_another_log(&sealed)) }
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

    /// Prunes the log up to an entry that was disposed of, and looks after it once that nothing is left; the root of the
    /// tree there. `None` while the log has not come so far.
    pub(crate) async fn prune_log(&self, sealer: &mut Sealer, seq: i64) -> Result<Option<[u8; 32]>> {
        let index = u64::try_from(seq).unwrap_or(0);
        let swept = sealer.swept == index;
        let pruned = sealer.with(move |log| {
            if index == 0 || log.head().is_none_or(|(head, _)| head.size < index) {
                return Ok(None);
            }
            if swept { log.root_of(index).map(Some) } else { log.prune(index).map(Some) }
        });
        let root = self.while_beating(&sealer.lease, pruned).await?.map_err(|e| broken(&e))?;
        if root.is_some() {
            sealer.swept = index;
        }
        Ok(root)
    }

    /// The leaves that the entries of a range make; fewer when there are no more. `None` when the secret of one was
    /// destroyed, or the entries were. With `making`, a month that has no secret yet gets one, and what was disposed of
    /// before the log was begun has a leaf that says so.
    async fn leaves(&self, salts: &mut Secrets, range: Range<u64>, making: bool) -> Result<Option<Vec<Vec<u8>>>> {
        let most = u32::try_from(range.end - range.start).unwrap_or(u32::MAX);
        if most == 0 {
            return Ok(Some(Vec::new()));
        }
        let mut rows = self.store.journal_after(i64::try_from(range.start).unwrap_or(i64::MAX), most).await?;
        rows.retain(|(seq, ..)| u64::try_from(*seq).is_ok_and(|seq| seq <= range.end));
        let first = rows.first().and_then(|(seq, ..)| u64::try_from(seq - 1).ok()).unwrap_or(range.end);
        if first == range.start {
            return self.leaves_of(salts, first, rows, making).await;
        }
        let floor = u64::try_from(self.store.journal_floor().await?.seq).unwrap_or(0);
        let gone = first.min(floor);
        match (gone > range.start, making) {
            (false, _) => self.leaves_of(salts, range.start, rows, making).await,
            (true, false) => Ok(None),
            (true, true) => {
                let rest = self.leaves_of(salts, gone, rows, making).await?.unwrap_or_default();
                Ok(Some((range.start..gone).map(|_| GONE.to_vec()).chain(rest).collect()))
            }
        }
    }
}

impl Prover {
    /// How many entries the head covers.
    pub(crate) fn size(&self) -> u64 {
        self.log.lock().unwrap_or_else(PoisonError::into_inner).size()
    }
}

impl Sealer {
    /// Whether nothing is left in the log of what was disposed of up to an entry, as far as this one looked after it.
    pub(crate) fn is_swept(&self, seq: i64) -> bool {
        u64::try_from(seq) == Ok(self.swept)
    }

    /// Does something with the log where it may wait for a disk or a network.
    async fn with<T: Send + 'static>(&self, what: impl FnOnce(&mut Log) -> T + Send + 'static) -> Result<T> {
        let log = Arc::clone(&self.log);
        blocking(move || what(&mut log.lock().unwrap_or_else(PoisonError::into_inner))).await
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

/// What a person is told when the database is of a time before what was disposed of.
fn revived(seq: u64) -> Error {
    Error::invalid(
        "JRN-045",
        format!(
            "データベースが、記録の処分より前の状態に戻っています。{seq}番までの記録は処分されていて、封印にはもうありません。処分の後に取ったバックアップから戻してください。なければ、処分をもう一度行ってから journal begin-anew で封印を始めてください。"
        ),
    )
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
        seal::Error::Taken => lease::taken(),
        seal::Error::Bucket { place, trouble } => bucket::fault(place, trouble),
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

pub(crate) fn unusable(file: &Path, reason: &str) -> Error {
    Error::invalid(
        "JRN-004",
        format!(
            "封印のファイル「{}」を使えませんでした。{reason}。空き容量と権限を確かめてください。",
            PathBuf::from(file).display()
        ),
    )
}
