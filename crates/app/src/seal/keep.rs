//! 控え: heads of the log that somebody else has, without which a cut tail cannot be detected.
//!
//! Four grades: a witness of one's own on another machine, somebody else's witness, a time stamp of an authority, and a
//! line on paper. Each is a fact with its age. Who is asked by itself is a *keeper*; what it vouched for stays when it is
//! asked no more. Every head that is known to be elsewhere is also compared by `journal verify`.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::journal::{Actor, Event};
use jiff::{SignedDuration, Timestamp};
use seal::witness::{Cosigner, submission};
use seal::{Checkpoint, Log, Pin, PublicKey};
use store::{LogHead, LogKeeper};

use uuid::Uuid;

use super::bucket::at;
use super::{Head, Sealer, broken, known_key};
use crate::error::{Error, Result};
use crate::identity::secrets::unhex;
use crate::{App, blocking};

/// Who has a head.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Grade {
    /// A witness of one's own, on another machine.
    Own,
    /// Somebody else's witness.
    Foreign,
    /// A time-stamping authority.
    Stamp,
    /// Paper.
    Paper,
}

impl Grade {
    /// Every grade.
    pub const ALL: [Self; 4] = [Self::Own, Self::Foreign, Self::Stamp, Self::Paper];

    /// Its code: `own`.
    pub fn code(self) -> &'static str {
        match self {
            Self::Own => "own",
            Self::Foreign => "foreign",
            Self::Stamp => "stamp",
            Self::Paper => "paper",
        }
    }

    /// The grade of a code.
    pub fn of(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|grade| grade.code() == code)
    }

    /// Its name, as people are told where a head was known from.
    fn name(self) -> &'static str {
        match self {
            Self::Own => "自院の証人",
            Self::Foreign => "外部の証人",
            Self::Stamp => "時刻認証",
            Self::Paper => "紙の控え",
        }
    }

    /// How long after it was made a head of this grade counts as fresh: a witness is asked all day, an authority once a
    /// day, and a page is printed once a month.
    fn fresh(self) -> SignedDuration {
        let days = match self {
            Self::Own | Self::Foreign => 1,
            Self::Stamp => 7,
            Self::Paper => 31,
        };
        SignedDuration::from_hours(days * 24)
    }
}

/// A head that somebody else has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptHead {
    /// Id.
    pub id: String,
    /// Who has it.
    pub grade: Grade,
    /// Name of the witness or the authority, or who printed it.
    pub name: String,
    /// The head.
    pub head: Head,
    /// When it was vouched for.
    pub at: Timestamp,
    /// Whether that is not longer ago than it should be.
    pub fresh: bool,
}

/// What of a keeper is told to people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keeper {
    /// Id.
    pub id: String,
    /// Witness or authority.
    pub grade: Grade,
    /// Where it is asked.
    pub url: String,
    /// Public key of a witness; certificates (PEM) of the authority of a time stamp.
    pub trust: String,
    /// Certificates (PEM) that its TLS certificate leads to; empty for plain HTTP.
    pub tls: String,
}

/// A head that is known from elsewhere, to be compared with the log.
#[derive(Clone, Debug)]
pub struct Known(pub(super) Pin);

/// The last heads of a log that is open in this process, to be given to keepers while it is sealed on.
#[derive(Clone)]
pub struct Heads(pub(super) Arc<Mutex<Log>>);

/// A head on its way to a keeper.
#[derive(Clone, Debug)]
pub struct Submission {
    /// The head.
    pub head: Head,
    /// What it was signed in.
    pub note: Vec<u8>,
    /// The request of a witness.
    pub body: Vec<u8>,
}

impl Sealer {
    /// Its heads.
    pub fn heads(&self) -> Heads {
        Heads(Arc::clone(&self.log))
    }
}

impl Heads {
    /// The last head, with the request for a witness that last signed one of size `old`; `None` before the first head.
    ///
    /// # Errors
    /// JRN-022 when the log has no such size, or a file of it cannot be read.
    pub async fn submission(&self, old: u64) -> Result<Option<Submission>> {
        let log = Arc::clone(&self.0);
        blocking(move || {
            let log = log.lock().unwrap_or_else(PoisonError::into_inner);
            let Some((head, note)) = log.head() else { return Ok(None) };
            let proof = log.prove_growth(old).map_err(|error| {
                if let seal::Error::Disposed(minimum) = error {
                    return Error::invalid(
                        "JRN-047",
                        format!("証人に印を送れませんでした。証人の控えは{old}件で、その後の{minimum}番までの記録は処分されています。journal keeper でこの証人を登録し直し、証人の側でこの記録の控えを消してください。"),
                    );
                }
                Error::invalid(
                    "JRN-022",
                    format!("証人に印を送れませんでした。証人の控えは{old}件で、この封印は{}件です。封印の末尾が消されたか、古い状態に戻っています。何も消さずに、journal verify で確かめてください。", head.size),
                )
            })?;
            Ok(Some(Submission { head: Head::from(head), note: note.to_vec(), body: submission(old, &proof, note) }))
        })
        .await?
    }
}

impl App {
    /// Who is asked to keep heads.
    ///
    /// # Errors
    /// Any store error.
    pub async fn keepers(&self) -> Result<Vec<Keeper>> {
        let found = self.store.log_keeper_list().await?.into_iter();
        let told = |k: LogKeeper| {
            Some(Keeper { grade: Grade::of(&k.grade)?, id: k.id, url: k.url, trust: k.trust, tls: k.tls })
        };
        Ok(found.filter_map(told).collect())
    }

    /// Asks a keeper from now on; `trust` is the public key of a witness or the certificates (PEM) of the authority of a
    /// time stamp, `tls` the certificates (PEM) its TLS certificate leads to.
    ///
    /// # Errors
    /// JRN-021 when address, key or certificates are none.
    pub async fn keeper_add(&self, actor: &Actor, grade: Grade, url: &str, trust: &str, tls: &str) -> Result<()> {
        let refused = |reason: &str| {
            Error::invalid(
                "JRN-021",
                format!("印の預け先を登録できませんでした。{reason}。預け先から受け取ったものを確かめてください。"),
            )
        };
        let address = url::Url::parse(url).map_err(|_| refused("アドレスの形になっていません"))?;
        match address.scheme() {
            "http" => {}
            "https" if tls.contains("BEGIN CERTIFICATE") => {}
            "https" => return Err(refused("https のアドレスには、認証局の証明書のファイルが要ります")),
            _ => return Err(refused("アドレスが http:// か https:// で始まっていません")),
        }
        let name = match grade {
            Grade::Own | Grade::Foreign => {
                Cosigner::parse(trust).map_err(|_| refused("証人の公開鍵ではありません"))?.name().to_owned()
            }
            Grade::Stamp => {
                seal::stamp::Authority::parse(trust.as_bytes())
                    .map_err(|_| refused("時刻認証局の証明書（PEM）ではありません"))?;
                address.host_str().unwrap_or_default().to_owned()
            }
            Grade::Paper => return Err(refused("紙には登録が要りません")),
        };
        let id = Uuid::now_v7().to_string();
        let keeper = LogKeeper {
            id: id.clone(),
            grade: grade.code().to_owned(),
            url: url.trim_end_matches('/').to_owned(),
            trust: trust.trim().to_owned(),
            tls: tls.to_owned(),
        };
        let mut tx = self.store.begin(actor, "", self.now()).await?;
        tx.log_keeper_insert(keeper).await?;
        tx.record(Event::new("journal.keeper_add", name).with("grade", grade.code()).with("url", url));
        Ok(tx.commit().await?)
    }

    /// Asks a keeper no more.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is none of this id.
    pub async fn keeper_remove(&self, actor: &Actor, id: &str) -> Result<()> {
        let mut tx = self.store.begin(actor, "", self.now()).await?;
        if !tx.log_keeper_remove(id).await? {
            return Err(Error::NotFound { what: "印の預け先".to_owned() });
        }
        tx.record(Event::new("journal.keeper_remove", id));
        Ok(tx.commit().await?)
    }

    /// Takes what a witness answered to a submission, and keeps the head with its signature.
    ///
    /// # Errors
    /// JRN-023 when it is not its signature over that head, or its clock is far from ours.
    pub async fn witnessed(&self, keeper: &Keeper, sent: &Submission, answer: &str) -> Result<()> {
        let refused = |reason: &str| {
            Error::invalid(
                "JRN-023",
                format!(
                    "証人の答えを使えませんでした。{reason}。証人の公開鍵と時計を確かめてください（{}）。",
                    keeper.url
                ),
            )
        };
        let witness = Cosigner::parse(&keeper.trust).map_err(|_| refused("公開鍵が壊れています"))?;
        let signed = witness.check(&sent.note, answer).ok_or_else(|| refused("この証人の署名ではありません"))?;
        let at = i64::try_from(signed.time).ok().and_then(|second| Timestamp::from_second(second).ok());
        let at = at.filter(|at| at.duration_since(self.now()) < SignedDuration::from_hours(1));
        let at = at.ok_or_else(|| refused("証人の時計が1時間より進んでいます"))?;
        let head = LogHead {
            id: keeper.id.clone(),
            grade: keeper.grade.code().to_owned(),
            name: witness.name().to_owned(),
            origin: sent.head.origin.clone(),
            size: i64::try_from(sent.head.size).unwrap_or(i64::MAX),
            root: sent.head.root.clone(),
            at: at.as_microsecond(),
            proof: format!("{}{}\n", String::from_utf8_lossy(&sent.note), signed.line),
        };
        Ok(self.store.log_head_witnessed(head).await?)
    }

    /// The heads that somebody else has, newest first, also those of a log that was here before.
    ///
    /// # Errors
    /// Any store error.
    pub async fn kept_heads(&self) -> Result<Vec<KeptHead>> {
        let now = self.now();
        let told = |row: LogHead| {
            let (grade, at) = (Grade::of(&row.grade)?, Timestamp::from_microsecond(row.at).ok()?);
            let head = Head { origin: row.origin, size: u64::try_from(row.size).ok()?, root: row.root };
            Some(KeptHead {
                id: row.id,
                grade,
                name: row.name,
                head,
                at,
                fresh: now.duration_since(at) < grade.fresh(),
            })
        };
        Ok(self.store.log_head_list().await?.into_iter().filter_map(told).collect())
    }

    /// What shows that somebody else has a head: its name as a file, and its bytes.
    ///
    /// # Errors
    /// Any store error.
    pub(crate) async fn kept_proofs(&self, origin: &str) -> Result<Vec<(String, Vec<u8>)>> {
        let mut files = Vec::new();
        let mut seen = Vec::new();
        for kept in self.kept_heads().await?.into_iter().filter(|kept| kept.head.origin == origin) {
            // The newest of each: the others lie on the way to it.
            if kept.grade == Grade::Paper || seen.contains(&(kept.grade, kept.name.clone())) {
                continue;
            }
            let Some(row) = self.store.log_head_find(&kept.id).await? else { continue };
            let number = seen.len() + 1;
            seen.push((kept.grade, kept.name));
            if kept.grade == Grade::Stamp {
                let found: serde_json::Value = serde_json::from_str(&row.proof).unwrap_or_default();
                let text = |name: &str| found.get(name).and_then(serde_json::Value::as_str).unwrap_or_default();
                files.push((format!("時刻認証{number}.checkpoint"), text("checkpoint").as_bytes().to_vec()));
                files.push((format!("時刻認証{number}.tsr"), STANDARD.decode(text("reply")).unwrap_or_default()));
            } else {
                files.push((format!("証人{number}.checkpoint"), row.proof.into_bytes()));
            }
        }
        Ok(files)
    }

    /// Writes down that the head was printed, which is then known to be elsewhere; the line to print. `None` when
    /// nothing is sealed yet.
    ///
    /// # Errors
    /// JRN-003 and JRN-004 when key or head cannot be read; any store error.
    pub async fn paper_head(&self, actor: &Actor, facility: &str, folder: &Path) -> Result<Option<(Head, String)>> {
        let Some((head, _)) = self.last_head(folder).await? else { return Ok(None) };
        let line = head.line();
        let kept = LogHead {
            id: Uuid::now_v7().to_string(),
            grade: Grade::Paper.code().to_owned(),
            name: actor.name.clone(),
            origin: head.origin.clone(),
            size: i64::try_from(head.size).unwrap_or(i64::MAX),
            root: head.root.clone(),
            at: self.now().as_microsecond(),
            proof: line.clone(),
        };
        let mut tx = self.store.begin(actor, facility, self.now()).await?;
        tx.log_head_insert(kept).await?;
        tx.record(Event::new("journal.print", head.size.to_string()).with("root", &head.root));
        tx.commit().await?;
        Ok(Some((head, line)))
    }

    /// The last head of the log in a data folder, with the note it is in.
    ///
    /// # Errors
    /// JRN-003 and JRN-004 when key or head cannot be read.
    pub async fn last_head(&self, folder: &Path) -> Result<Option<(Head, Vec<u8>)>> {
        let Some(key) = known_key(folder)? else { return Ok(None) };
        let Some(note) = at(&self.place(folder), |place| seal::log::last(place)).await? else { return Ok(None) };
        let head = Checkpoint::open(&note, &key).map_err(|e| broken(&e))?;
        Ok(Some((Head::from(&head), note)))
    }

    /// A head known from elsewhere: a printed line as it was typed or scanned, a signed head (of a copy, or of a
    /// witness), or a proof of one entry.
    ///
    /// # Errors
    /// JRN-020 when it is none of them, was not signed by the key of this data folder, or is of another log.
    pub fn known_head(&self, folder: &Path, text: &[u8]) -> Result<Known> {
        let refused = |reason: &str| {
            Error::invalid(
                "JRN-020",
                format!(
                    "控えと比べられませんでした。{reason}。打ち間違いがないか、この施設の控えかを確かめてください。"
                ),
            )
        };
        let key = known_key(folder)?.ok_or_else(|| refused("このデータフォルダには封印の鍵がありません"))?;
        let text = std::str::from_utf8(text).map_err(|_| refused("文字の控えではありません"))?;
        let (head, what) = match seal::proof::Proof::parse(text) {
            Ok(proof) => (Checkpoint::open(&proof.checkpoint, &key), "渡された証明"),
            Err(_) if text.contains("\n\n") => (Checkpoint::open(text.as_bytes(), &key), "渡された印"),
            Err(_) => (line(text).ok_or(seal::Error::Malformed("line")), "入力された控え"),
        };
        let head = head.map_err(|error| {
            refused(match error {
                seal::Error::Signature => "今の鍵の署名ではありません。鍵が取り替えられた疑いもあります",
                _ => "控えの形（記録名 件数 印）になっていません",
            })
        })?;
        if head.origin != key.origin() {
            return Err(refused(&format!(
                "控えは記録「{}」のもので、ここにあるのは「{}」です。封印が作り直された疑いもあります",
                head.origin,
                key.origin()
            )));
        }
        Ok(Known(Pin { size: head.size, root: head.root, what: what.to_owned() }))
    }

    /// What is known of the log with this key by heads that somebody else has.
    pub(super) async fn pins(&self, key: &PublicKey) -> Result<Vec<Pin>> {
        let pin = |kept: KeptHead| {
            let root = unhex(&kept.head.root).and_then(|bytes| bytes.try_into().ok())?;
            let day = domain::jp::time_in_japan(kept.at).strftime("%Y-%m-%d %H:%M");
            let what = format!("{}「{}」（{day}）", kept.grade.name(), kept.name);
            Some(Pin { size: kept.head.size, root, what })
        };
        let of_this = |kept: &KeptHead| kept.head.origin == key.origin();
        Ok(self.kept_heads().await?.into_iter().filter(of_this).filter_map(pin).collect())
    }
}

impl Head {
    /// The line that is printed, and can be typed back: name, size and root.
    pub fn line(&self) -> String {
        format!("{} {} {}", self.origin, self.size, self.root)
    }

    /// The root in groups of eight, to be read and typed.
    pub fn grouped(&self) -> String {
        let digits: Vec<char> = self.root.chars().collect();
        digits.chunks(8).map(|group| group.iter().collect::<String>()).collect::<Vec<_>>().join(" ")
    }
}

/// A printed line, however it was typed: full-width letters, groups, line breaks, an O for a zero.
fn line(text: &str) -> Option<Checkpoint> {
    let text = domain::text::tidy(text);
    let mut words = text.split_whitespace();
    let (origin, size) = (words.next()?.to_owned(), words.next()?.replace(',', "").parse().ok()?);
    let digit = |c: char| match c.to_ascii_lowercase() {
        'o' => '0',
        'l' | 'i' => '1',
        c => c,
    };
    let root: String = words.collect::<String>().chars().map(digit).collect();
    let root = unhex(&root).and_then(|bytes| bytes.try_into().ok())?;
    Some(Checkpoint { origin, size, root })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn a_line_is_read_as_people_type_it() {
        let head = Head { origin: "sakimori-log/0a".to_owned(), size: 1234, root: "0123456789abcdef".repeat(4) };
        let wanted = line(&head.line()).unwrap();
        assert_eq!((wanted.size, wanted.origin.as_str()), (1234, "sakimori-log/0a"));
        let typed = [
            format!("  {}　１，２３４\n{}", head.origin, head.grouped().to_uppercase()),
            head.line().replace("0123", "O1２3"),
            head.line().replace("f0", "f\r\n0"),
        ];
        for typed in typed {
            assert_eq!(line(&typed).unwrap(), wanted, "{typed}");
        }
        for bad in ["", "a", "a b", "a 1", "a 1 00", "a -1 00", &head.line().replace("abc", "xyz")] {
            assert!(line(bad).is_none(), "{bad}");
        }
    }
}
