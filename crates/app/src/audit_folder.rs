//! 監査フォルダ: one zip with everything an inspector asks for, checkable offline.
//!
//! `manifest.json` names every file with its SHA-256 and the head of the journal. The check code is
//! the SHA-256 of the manifest; it is printed, and journaled when the folder is made, so that a
//! replaced folder does not fit the journal. The journal itself comes with its hashes, so that its chain can be
//! followed without the store; entries of other facilities are in it as hashes alone.

use std::collections::BTreeMap;
use std::io::{Cursor, Read, Write};

use domain::evaluate::Facility;
use domain::journal::{Actor, Entry, Event, WHOLE, sha256, verify_excerpt};
use domain::retention::tells_of;
use domain::text::Lang;
use serde::{Deserialize, Serialize};
use store::Floor;
use zip::write::SimpleFileOptions;

use crate::App;
use crate::error::{Error, Result};
use crate::export::Format;
use crate::papers::Papers;
use crate::seal::{HANDED, HandedLog, check_handed};

/// The file that names the others.
const MANIFEST: &str = "manifest.json";
/// The journal with its hashes, one [`Line`] a line.
const JOURNAL: &str = "05_記録/操作記録.jsonl";
/// Name and version of the format.
const FORMAT: &str = "sakimori-audit-folder-2";
/// Most that the files of a folder may unpack to, in bytes.
const MAX_UNPACKED: u64 = 1 << 30;

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Manifest {
    format: String,
    facility: String,
    made_on: String,
    journal_entries: i64,
    journal_head: String,
    /// The last entry that was disposed of, behind which the journal begins.
    #[serde(skip_serializing_if = "Option::is_none")]
    journal_disposed: Option<Disposed>,
    files: BTreeMap<String, FileEntry>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Disposed {
    seq: i64,
    hash: String,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FileEntry {
    bytes: u64,
    sha256: String,
}

/// One entry of the journal in the folder.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    seq: i64,
    hash: String,
    /// Missing where the entry belongs to another facility.
    entry: Option<Entry>,
}

impl Line {
    /// The line as it is written; `entry` is canonical JSON, so that its very bytes can be hashed by any program.
    fn written(seq: i64, hash: &str, entry: Option<&str>) -> String {
        match entry {
            Some(entry) => format!("{{\"seq\":{seq},\"hash\":\"{hash}\",\"entry\":{entry}}}"),
            None => format!("{{\"seq\":{seq},\"hash\":\"{hash}\"}}"),
        }
    }
}

/// The outcome of checking a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FolderCheck {
    /// Name of the facility.
    pub facility: String,
    /// Day it was made.
    pub made_on: String,
    /// Number of files checked.
    pub files: usize,
    /// Check code, to be compared with the one printed or journaled.
    pub code: String,
    /// Number of the last entry in the journal when it was made.
    pub journal_entries: i64,
    /// Number of the last entry that had been disposed of; 0 when none had.
    pub journal_disposed: i64,
    /// Hash of the last of them.
    pub journal_head: String,
    /// How many of them belong to other facilities and are in the folder as hashes alone.
    pub journal_withheld: usize,
    /// What the folder carries of the sealed log; folders of older versions carry nothing.
    pub sealed: Option<HandedLog>,
}

impl App {
    /// Makes the audit folder of a facility: `(zip, check code)`.
    ///
    /// # Errors
    /// Any store error, or a document that cannot be made.
    pub async fn audit_folder(
        &self,
        actor: &Actor,
        facility: &Facility,
        printed_by: &str,
    ) -> Result<(Vec<u8>, String)> {
        let assessment = self.assess(facility).await?;
        let papers = Papers { assessment: &assessment, printed_by, lang: Lang::Ja };
        let mut documents = Vec::new();
        let mut files: Vec<(String, Vec<u8>)> = Vec::new();
        let editions = assessment.editions();
        for catalog in editions.iter().filter(|c| c.fiscal_year.is_some()) {
            let paper = match self.checklist_paper(&papers, &catalog.id, facility.form()).await {
                Ok(paper) => paper,
                // A form that has no items this year, or none for this kind of facility.
                Err(error) if error.code() == "CHK-002" => continue,
                Err(error) => return Err(error),
            };
            let name = format!("01_チェックリスト/{}", file_name(&catalog.short.ja));
            files.push((format!("{name}.xlsx"), report::workbook(&paper.workbook)?));
            documents.push((format!("{name}.pdf"), paper.document));
        }
        for catalog in editions.iter().filter(|c| c.fiscal_year.is_none()) {
            for volume in &catalog.volumes {
                if volume.requirements.iter().any(domain::catalog::Requirement::is_counted) {
                    let name =
                        format!("02_判定と根拠/{}_{}.pdf", file_name(&catalog.short.ja), file_name(&volume.title.ja));
                    documents.push((name, papers.requirements(&catalog.id, Some(&volume.id))?));
                }
            }
        }
        let offenders = self.offenders(&assessment, &editions).await?;
        documents.push(("03_対応一覧/対応が要るもの.pdf".to_owned(), papers.offenders(&offenders)));
        let requests = self.evidence_requests(facility, &assessment, None).await?;
        documents.push(("07_依頼/監査の依頼と回答.pdf".to_owned(), papers.requests(&requests)));
        files.push(("04_台帳/台帳一式.xlsx".to_owned(), self.export(facility, None, Format::Xlsx, None).await?));
        let alone = self.store.facility_list().await?.len() == 1;
        let floor = self.store.journal_floor().await?;
        let (journal, journal_entries, journal_head) = self.journal_of(facility, alone, &floor).await?;
        files.extend(self.handed_log(facility, alone).await?);
        files.push((JOURNAL.to_owned(), journal.into_bytes()));
        let (names, pages): (Vec<String>, Vec<report::Document>) = documents.into_iter().unzip();
        let printed = crate::blocking(move || report::pdfs(&pages)).await??;
        files.extend(names.into_iter().zip(printed));
        files.push(("検証方法.txt".to_owned(), HOW_TO_VERIFY.as_bytes().to_vec()));
        files.sort();
        let manifest = Manifest {
            format: FORMAT.to_owned(),
            facility: facility.name.clone(),
            made_on: assessment.today.to_string(),
            journal_entries,
            journal_head,
            journal_disposed: (floor.seq > 0).then_some(Disposed { seq: floor.seq, hash: floor.hash }),
            files: files
                .iter()
                .map(|(name, bytes)| {
                    let entry =
                        FileEntry { bytes: u64::try_from(bytes.len()).unwrap_or(u64::MAX), sha256: sha256(bytes) };
                    (name.clone(), entry)
                })
                .collect(),
        };
        let manifest =
            serde_json::to_string_pretty(&manifest).map_err(|e| Error::Internal { message: e.to_string() })?;
        let code = sha256(manifest.as_bytes());
        files.insert(0, (MANIFEST.to_owned(), manifest.into_bytes()));
        let zipped = zipped(&files, assessment.today)?;
        let mut tx = self.store.begin(actor, &facility.id, self.now()).await?;
        tx.record(
            Event::new("audit_folder.create", facility.no.clone()).with("code", &code).with("files", files.len()),
        );
        tx.commit().await?;
        Ok((zipped, code))
    }

    /// The journal as the folder of `facility` carries it, the number of entries and the last hash. Where it stands
    /// `alone`, everything in the journal is its own.
    async fn journal_of(&self, facility: &Facility, alone: bool, floor: &Floor) -> Result<(String, i64, String)> {
        let (mut text, mut count, mut head) = (String::new(), floor.seq, floor.hash.clone());
        for (seq, of, entry, hash) in self.store.journal_chain(floor.seq).await? {
            text.push_str(&Line::written(seq, &hash, (alone || of == facility.id).then_some(&entry)));
            text.push('\n');
            (count, head) = (seq, hash);
        }
        Ok((text, count, head))
    }
}

const HOW_TO_VERIFY: &str = "この監査フォルダの確かめ方\n\n\
1. ネットワークのないパソコンで、次のコマンドを実行します。\n\
     sakimori verify このファイル.zip\n\
   すべてのファイルの印（SHA-256）が manifest.json と合うか、操作記録の印がつながっているかを確かめ、検証コードを表示します。\n\
2. 表示された検証コードを、施設の操作記録「audit_folder.create」のコードと比べます。\n\
   同じなら、このフォルダは作られたときのままです。\n\
3. sakimori がなくても確かめられます。manifest.json の SHA-256 が検証コードです。\n\
   各ファイルの SHA-256 は manifest.json に書いてあります（例：sha256sum ファイル名）。\n\
4. 操作記録（05_記録）の各行の印（hash）は、前の行の印と改行とその行の entry をつないだもののSHA-256です。\n\
   初めの行の前の印は 0 が64個、最後の行の印は manifest.json の journal_head です。\n\
   manifest.json に journal_disposed があるときは、その番号までの記録は保存期間が過ぎて処分され、初めの行の前の印は\n\
   そこにある hash です。処分したことは、操作記録の journal.dispose に書いてあります。\n\
   ほかの施設の記録は、印だけを載せています。その行の中身は、この確認の対象ではありません。\n\
5. 06_封印 があるときは、操作記録の封印も確かめられます。sakimori verify は、写しの全体と、載せた記録の一件ずつが\n\
   封印したときのままかを確かめます。表示される公開鍵を、施設から別に受け取ったものと比べてください。\n\
   06_封印/写し は C2SP の tlog-tiles です。ほかの人の道具（golang.org/x/mod/sumdb、tlog-scales など）でも読めます。\n\
   06_封印/開示.jsonl の各行は、記録の項目と塩です。項目のハッシュは\n\
   SHA-256(\"sakimori-field-1\" + 塩 + 名前の長さ(2バイト) + 名前 + 値)、葉は\n\
   0x01 + SHA-256(\"sakimori-leaf-1\" + 項目のハッシュの並び) で、写しの tile/entries の seq-1 番目と同じです。\n\
   証人と時刻認証のファイルがあれば、その時刻までにあったことを、ほかの人が示しています。\n\n\
この確認が示すのは「変わっていないこと」です。内容の正しさは、根拠の日付と出所で判断してください。\n";

/// A name Windows accepts.
fn file_name(text: &str) -> String {
    text.chars().map(|c| if "\\/:*?\"<>|".contains(c) || c.is_control() { '_' } else { c }).take(60).collect()
}

/// Files as a zip archive, all dated `on`: the same files give the same bytes.
pub(crate) fn zipped(files: &[(String, Vec<u8>)], on: jiff::civil::Date) -> Result<Vec<u8>> {
    let internal = |e: &dyn std::fmt::Display| Error::Internal { message: e.to_string() };
    let year = u16::try_from(on.year()).unwrap_or(1980);
    let month = u8::try_from(on.month()).unwrap_or(1);
    let day = u8::try_from(on.day()).unwrap_or(1);
    let time = zip::DateTime::from_date_and_time(year, month, day, 0, 0, 0).map_err(|e| internal(&e))?;
    let options = SimpleFileOptions::default().last_modified_time(time).unix_permissions(0o644);
    let mut out = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in files {
        out.start_file(name.as_str(), options).map_err(|e| internal(&e))?;
        out.write_all(bytes).map_err(|e| internal(&e))?;
    }
    Ok(out.finish().map_err(|e| internal(&e))?.into_inner())
}

/// Checks an audit folder by itself: every file is the one the manifest names, none is missing, none was
/// added, nothing stands beside the files, and the journal holds together up to the head that the manifest names.
///
/// # Errors
/// [`Error::Folder`] naming the first thing that does not fit.
pub fn verify_folder(bytes: &[u8]) -> Result<FolderCheck> {
    let mut found = unzipped(bytes)?;
    let manifest_bytes = found.remove(MANIFEST).ok_or_else(|| fault("manifest.jsonがありません"))?;
    let manifest: Manifest = serde_json::from_slice(&manifest_bytes).map_err(|_| fault("manifest.jsonを読めません"))?;
    if manifest.format != FORMAT {
        return Err(fault("この版のsakimoriが知らない書式です"));
    }
    let mut journal = None;
    let mut handed = BTreeMap::new();
    for (name, entry) in &manifest.files {
        let content = found.remove(name).ok_or_else(|| fault(format!("「{name}」がありません")))?;
        if sha256(&content) != entry.sha256 {
            return Err(fault(format!("「{name}」の内容が変わっています")));
        }
        if name == JOURNAL {
            journal = Some(content);
        } else if name.starts_with(HANDED) {
            handed.insert(name.clone(), content);
        }
    }
    if let Some(stray) = found.keys().next() {
        return Err(fault(format!("「{stray}」は作られたときにはないファイルです")));
    }
    let journal = journal.ok_or_else(|| fault(format!("「{JOURNAL}」がありません")))?;
    let (quoted, journal_withheld) = verify_journal(&journal, &manifest)?;
    let sealed = check_handed(&handed, &quoted)?;
    Ok(FolderCheck {
        facility: manifest.facility,
        made_on: manifest.made_on,
        files: manifest.files.len(),
        code: sha256(&manifest_bytes),
        journal_entries: manifest.journal_entries,
        journal_disposed: manifest.journal_disposed.map_or(0, |gone| gone.seq),
        journal_head: manifest.journal_head,
        journal_withheld,
        sealed,
    })
}

fn fault(reason: impl Into<String>) -> Error {
    Error::Folder { reason: reason.into() }
}

/// Follows the chain of the journal up to the head that the manifest names; the entries that are there with their places,
/// and how many are withheld.
fn verify_journal(journal: &[u8], manifest: &Manifest) -> Result<(Vec<(i64, Entry)>, usize)> {
    let unreadable = |n: usize| fault(format!("操作記録の{n}行目を読めません"));
    let text = std::str::from_utf8(journal).map_err(|_| unreadable(1))?;
    let (mut entries, mut quoted) = (Vec::new(), Vec::new());
    for (n, written) in text.lines().enumerate() {
        let line: Line = serde_json::from_str(written).map_err(|_| unreadable(n + 1))?;
        let entry = line.entry.as_ref().map(Entry::canonical);
        // Nothing may stand in a line that is not hashed.
        if Line::written(line.seq, &line.hash, entry.as_deref()) != written {
            return Err(unreadable(n + 1));
        }
        quoted.extend(line.entry.map(|entry| (line.seq, entry)));
        entries.push((line.seq, entry, line.hash));
    }
    let chain = entries.iter().map(|(seq, entry, hash)| (*seq, entry.as_deref(), hash.as_str()));
    let begin = manifest.journal_disposed.as_ref().map_or(WHOLE, |gone| (gone.seq, gone.hash.as_str()));
    let count = verify_excerpt(begin, chain)
        .map_err(|b| fault(format!("操作記録の{}番目が合いません。{}", b.seq, b.reason)))?;
    let head = entries.last().map_or(begin.1, |(_, _, hash)| hash);
    if (count, head) != (manifest.journal_entries, manifest.journal_head.as_str()) {
        return Err(fault("操作記録の末尾が、manifest.jsonにある件数や印と合いません"));
    }
    let withheld = entries.len() - quoted.len();
    // A beginning that is not there is told of by an entry; where entries are withheld, it may be one of these.
    let told = withheld > 0 || begin == WHOLE || quoted.iter().any(|(_, entry)| tells_of(entry, begin.0, begin.1));
    if !told {
        return Err(fault("操作記録のはじめがなく、処分の記録もありません"));
    }
    Ok((quoted, withheld))
}

/// The files of a zip that holds them and nothing else.
fn unzipped(bytes: &[u8]) -> Result<BTreeMap<String, Vec<u8>>> {
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes))
        .map_err(|_| fault("zipファイルとして開けません。途中で切れているか、別の形式です"))?;
    // The reader keeps only one of two entries of one name, and another program may show the other.
    if archive.has_duplicate_names() {
        let mut seen = std::collections::BTreeSet::new();
        let directory = tail(bytes, archive.central_directory_start());
        let twice = directory_names(directory).0.into_iter().find(|name| !seen.insert(*name));
        let name = String::from_utf8_lossy(twice.unwrap_or_default());
        return Err(fault(format!("「{name}」が二つあります")));
    }
    let mut found: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    let mut left = MAX_UNPACKED;
    let mut end = 0;
    for n in 0..archive.len() {
        let name = match archive.name_for_index(n) {
            Some(Ok(name)) => name.into_owned(),
            _ => return Err(fault(format!("{}番目のファイルの名前を読めません", n + 1))),
        };
        let broken = |_| fault(format!("「{name}」が壊れています"));
        let entry = archive.by_index(n).map_err(broken)?;
        if entry.header_start() != end {
            return Err(fault(format!("「{name}」の前に余分なデータがあります")));
        }
        end = entry.data_start().unwrap_or_default().saturating_add(entry.compressed_size());
        let mut content = Vec::new();
        entry.take(left + 1).read_to_end(&mut content).map_err(|e| broken(e.into()))?;
        left = left
            .checked_sub(u64::try_from(content.len()).unwrap_or(u64::MAX))
            .ok_or_else(|| fault(format!("「{name}」が大きすぎます")))?;
        found.insert(name, content);
    }
    // Behind the files their directory, and behind it its own end, which is 22 bytes long (APPNOTE 4.3.16).
    let directory = tail(bytes, archive.central_directory_start());
    let behind = directory_names(directory).1;
    if archive.central_directory_start() != end || behind.len() != 22 || !behind.starts_with(b"PK\x05\x06") {
        return Err(fault("ファイルの後に余分なデータがあります"));
    }
    Ok(found)
}

fn tail(bytes: &[u8], start: u64) -> &[u8] {
    usize::try_from(start).ok().and_then(|start| bytes.get(start..)).unwrap_or_default()
}

/// The names in the central directory of a zip, in order and each as often as it is there, and what follows it.
fn directory_names(mut directory: &[u8]) -> (Vec<&[u8]>, &[u8]) {
    let mut names = Vec::new();
    while let Some((name, rest)) = directory_entry(directory) {
        names.push(name);
        directory = rest;
    }
    (names, directory)
}

/// The name of the first entry of a central directory, and what follows the entry (APPNOTE 4.3.12).
fn directory_entry(directory: &[u8]) -> Option<(&[u8], &[u8])> {
    let length = |at: usize| Some(usize::from(u16::from_le_bytes(directory.get(at..at + 2)?.try_into().ok()?)));
    let (name, extra, comment) = (length(28)?, length(30)?, length(32)?);
    let found = directory.starts_with(b"PK\x01\x02").then(|| directory.get(46..46 + name))??;
    Some((found, directory.get(46 + name + extra + comment..)?))
}
