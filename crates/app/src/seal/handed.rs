//! What an audit folder carries of the sealed log, so that an outsider checks it with nobody's help: the log itself (hashes
//! and heads, nothing to read), the public key, what witnesses and authorities signed, and for each entry that the folder
//! quotes the salts that make its leaf.

use std::collections::BTreeMap;
use std::path::Path;

use domain::evaluate::Facility;
use domain::journal::Entry;
use seal::leaf::{disclose, leaf_of};
use seal::{Log, PublicKey, Verifier};
use serde::{Deserialize, Serialize};

use super::bucket::at;
use super::{Field, Head, KEY as SIGNING_KEY, Secrets, broken, entry_of, fields};
use crate::error::{Error, Result};
use crate::{App, blocking};

/// Where all of it is in the folder.
pub(crate) const PLACE: &str = "06_封印/";
/// The log, as other people's tools read it.
const COPY: &str = "06_封印/写し/";
/// The public key.
const KEY: &str = "06_封印/公開鍵.txt";
/// One [`Disclosed`] a line.
const DISCLOSED: &str = "06_封印/開示.jsonl";
/// Entries read at a time.
const PART: u32 = 2_048;

/// The fields of one entry with their salts, in the order of the leaf.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Disclosed {
    seq: u64,
    fields: Vec<Field>,
}

/// What was found of the sealed log in a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HandedLog {
    /// The head.
    pub head: Head,
    /// The public key in the folder, to be compared with the one that the institution gives.
    pub key: String,
    /// How many of the quoted entries are proved.
    pub proved: usize,
    /// How many came after the head, or have no salts any more.
    pub unproved: usize,
}

impl App {
    /// The files of the log for the audit folder of a facility, which quotes the facility's entries, or all if it is the
    /// only one; none when nothing is sealed.
    ///
    /// # Errors
    /// JRN-002 to JRN-004 when the log cannot be read or does not fit the journal; any store error.
    pub async fn handed_log(&self, facility: &Facility, alone: bool) -> Result<Vec<(String, Vec<u8>)>> {
        let Some(folder) = self.data.clone().filter(|folder| folder.join(SIGNING_KEY).exists()) else {
            return Ok(Vec::new());
        };
        let key = self.signing_key(&folder)?;
        let (place, known, origin) = (self.place(&folder), key.public().clone(), key.origin().to_owned());
        let (mut salts, public) = (Secrets::default(), known.text().to_owned());
        let wanted = at(&place, move |place| Log::wanted(place, &known)).await?;
        if wanted.end == 0 {
            return Ok(Vec::new());
        }
        let tail = self.leaves(&mut salts, wanted, false).await?.unwrap_or_default();
        let copied = blocking(move || {
            let away = tempfile::tempdir().map_err(|e| unreadable(&e))?;
            // It was read for its hashes alone: nothing is appended or signed.
            let log = Log::open(&place, key, &tail).map_err(|e| broken(&e))?;
            log.publish(away.path()).map_err(|e| broken(&e))?;
            let mut files = Vec::new();
            gather(away.path(), COPY, &mut files).map_err(|e| unreadable(&e))?;
            Ok::<_, Error>((log.size(), files))
        });
        let (size, mut files) = copied.await??;
        files.push((KEY.to_owned(), format!("{public}\n").into_bytes()));
        let kept = self.kept_proofs(&origin).await?;
        files.extend(kept.into_iter().map(|(name, bytes)| (format!("{PLACE}{name}"), bytes)));
        files.push((DISCLOSED.to_owned(), self.disclosed(&facility.id, alone, size, &mut salts).await?));
        Ok(files)
    }

    async fn disclosed(&self, facility: &str, alone: bool, size: u64, salts: &mut Secrets) -> Result<Vec<u8>> {
        let (mut text, mut after) = (Vec::new(), self.store.journal_floor().await?.seq);
        loop {
            let rows = self.store.journal_after(after, PART).await?;
            let Some((last, ..)) = rows.last() else { return Ok(text) };
            after = *last;
            for (seq, of, row) in rows {
                let seq = u64::try_from(seq).unwrap_or(0);
                if seq == 0 || seq > size || !(alone || of == facility) {
                    continue;
                }
                let entry = entry_of(&row)?;
                self.know_of(salts, &of, &entry).await?;
                let Some(salts) = salts.of(&of, &entry) else { continue };
                let own: Vec<_> = fields(&entry).collect();
                let told = disclose(salts, seq - 1, own.iter().map(|(n, v)| (n.as_ref(), v.as_ref())), |_| true);
                let line = Disclosed { seq, fields: told.into_iter().map(Field::from).collect() };
                text.extend(serde_json::to_vec(&line).unwrap_or_default());
                text.push(b'\n');
            }
        }
    }
}

/// Checks what a folder carries of the log: the copy in itself, and that each quoted entry with salts is a leaf of it.
/// `None` when the folder carries nothing.
///
/// # Errors
/// [`Error::Folder`] naming what does not fit.
pub(crate) fn check(files: &BTreeMap<String, Vec<u8>>, entries: &[(i64, Entry)]) -> Result<Option<HandedLog>> {
    let fault = |reason: &str| Error::Folder { reason: format!("封印：{reason}") };
    let Some(key) = files.get(KEY) else {
        return if files.is_empty() { Ok(None) } else { Err(fault("公開鍵がありません")) };
    };
    let key = std::str::from_utf8(key).ok().and_then(|text| PublicKey::parse(text).ok());
    let key = key.ok_or_else(|| fault("公開鍵を読めません"))?;
    let away = tempfile::tempdir().map_err(|e| unreadable(&e))?;
    for (name, bytes) in files {
        let Some(inside) = name.strip_prefix(COPY) else { continue };
        // What leads out of the folder is no name of a copy.
        if !inside.split('/').all(|part| !part.is_empty() && part != "." && part != "..") || inside.contains('\\') {
            return Err(fault("写しに使えない名前があります"));
        }
        let path = away.path().join(inside);
        std::fs::create_dir_all(path.parent().unwrap_or(away.path()))
            .and_then(|()| std::fs::write(&path, bytes))
            .map_err(|e| unreadable(&e))?;
    }
    let verifier = Verifier::open(away.path(), &key, Vec::new());
    let mut verifier =
        verifier.map_err(|_| fault("印がこの公開鍵のものではありません"))?.ok_or_else(|| fault("印がありません"))?;
    let first = verifier.minimum();
    let mut leaves: Vec<Vec<u8>> = Vec::new();
    while let Some(range) = verifier.wanted() {
        let bundle = seal::log::bundle(away.path(), range).map_err(|e| unreadable(&e))?;
        let bundle = bundle.ok_or_else(|| fault("写しが欠けています"))?;
        leaves.extend(bundle.iter().cloned());
        if verifier.give(Some(bundle)).map_err(|e| unreadable(&e))?.is_err() {
            return Err(fault("写しが印と合いません"));
        }
    }
    if verifier.fault().is_some() {
        return Err(fault("写しの印に、日の鍵の署名がありません"));
    }
    let disclosed = files.get(DISCLOSED).and_then(|bytes| std::str::from_utf8(bytes).ok());
    let mut told: BTreeMap<u64, Disclosed> = BTreeMap::new();
    for line in disclosed.ok_or_else(|| fault("開示がありません"))?.lines() {
        let line: Disclosed = serde_json::from_str(line).map_err(|_| fault("開示を読めません"))?;
        told.insert(line.seq, line);
    }
    let (mut proved, mut unproved) = (0, 0);
    for (seq, entry) in entries {
        let Some(line) = u64::try_from(*seq).ok().and_then(|seq| told.remove(&seq)) else {
            unproved += 1;
            continue;
        };
        let wrong = || fault(&format!("操作記録の{seq}番が、封印した内容と違います"));
        let shown = line.fields.iter().map(|field| match field {
            Field::Shown { name, value, .. } => Some((name.clone(), value.clone())),
            Field::Withheld { .. } => None,
        });
        if shown.collect::<Option<Vec<_>>>()
            != Some(fields(entry).map(|(n, v)| (n.into_owned(), v.into_owned())).collect())
        {
            return Err(wrong());
        }
        let told: Option<Vec<_>> = line.fields.into_iter().map(Field::disclosed).collect();
        let leaf = leaf_of(&told.ok_or_else(wrong)?);
        let index = (line.seq - 1).checked_sub(first).and_then(|index| usize::try_from(index).ok());
        if index.and_then(|index| leaves.get(index)).map(Vec::as_slice) != Some(leaf.as_slice()) {
            return Err(wrong());
        }
        proved += 1;
    }
    if !told.is_empty() {
        return Err(fault("操作記録にない記録の開示があります"));
    }
    Ok(Some(HandedLog { head: Head::from(verifier.head()), key: key.text().to_owned(), proved, unproved }))
}

/// The files below a folder, under a name for it.
fn gather(folder: &Path, name: &str, files: &mut Vec<(String, Vec<u8>)>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let inside = format!("{name}{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() {
            gather(&entry.path(), &format!("{inside}/"), files)?;
        } else {
            files.push((inside, std::fs::read(entry.path())?));
        }
    }
    Ok(())
}

fn unreadable(error: &dyn std::fmt::Display) -> Error {
    Error::invalid(
        "JRN-004",
        format!("封印の写しを読み書きできませんでした。{error}。空き容量と権限を確かめてください。"),
    )
}
