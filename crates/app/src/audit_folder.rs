//! 監査フォルダ: one zip with everything an inspector asks for, checkable offline.
//!
//! `manifest.json` names every file with its SHA-256 and the head of the journal. The check code is
//! the SHA-256 of the manifest; it is printed, and journaled when the folder is made, so that a
//! replaced folder does not fit the journal.

use std::collections::BTreeMap;
use std::io::{Cursor, Read, Write};

use domain::evaluate::Facility;
use domain::journal::{Actor, Event, sha256};
use domain::text::Lang;
use serde::{Deserialize, Serialize};
use zip::write::SimpleFileOptions;

use crate::App;
use crate::error::{Error, Result};
use crate::export::Format;
use crate::papers::Papers;

/// The file that names the others.
const MANIFEST: &str = "manifest.json";
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
    files: BTreeMap<String, FileEntry>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FileEntry {
    bytes: u64,
    sha256: String,
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
    /// Entries in the journal when it was made.
    pub journal_entries: i64,
    /// Hash of the last of them.
    pub journal_head: String,
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
        files.push(("04_台帳/台帳一式.xlsx".to_owned(), self.export(facility, None, Format::Xlsx).await?));
        let journal = self.store.journal_list(Some(&facility.id), i64::MAX).await?;
        files.push((
            "05_記録/操作記録.jsonl".to_owned(),
            journal.into_iter().rev().fold(String::new(), |all, line| all + &line + "\n").into_bytes(),
        ));
        let (names, pages): (Vec<String>, Vec<report::Document>) = documents.into_iter().unzip();
        let printed = tokio::task::spawn_blocking(move || report::pdfs(&pages))
            .await
            .map_err(|e| Error::Internal { message: e.to_string() })??;
        files.extend(names.into_iter().zip(printed));
        files.push(("検証方法.txt".to_owned(), HOW_TO_VERIFY.as_bytes().to_vec()));
        files.sort();
        let (journal_entries, journal_head) = self.store.journal_head().await?;
        let manifest = Manifest {
            format: "sakimori-audit-folder-1".to_owned(),
            facility: facility.name.clone(),
            made_on: assessment.today.to_string(),
            journal_entries,
            journal_head,
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
}

const HOW_TO_VERIFY: &str = "この監査フォルダの確かめ方\n\n\
1. ネットワークのないパソコンで、次のコマンドを実行します。\n\
     sakimori verify このファイル.zip\n\
   すべてのファイルの印（SHA-256）が manifest.json と合うかを確かめ、検証コードを表示します。\n\
2. 表示された検証コードを、施設の操作記録「audit_folder.create」のコードと比べます。\n\
   同じなら、このフォルダは作られたときのままです。\n\
3. sakimori がなくても確かめられます。manifest.json の SHA-256 が検証コードです。\n\
   各ファイルの SHA-256 は manifest.json に書いてあります（例：sha256sum ファイル名）。\n\n\
この確認が示すのは「変わっていないこと」です。内容の正しさは、根拠の日付と出所で判断してください。\n";

/// A name Windows accepts.
fn file_name(text: &str) -> String {
    text.chars().map(|c| if "\\/:*?\"<>|".contains(c) || c.is_control() { '_' } else { c }).take(60).collect()
}

fn zipped(files: &[(String, Vec<u8>)], on: jiff::civil::Date) -> Result<Vec<u8>> {
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
/// added.
///
/// # Errors
/// [`Error::Folder`] naming the first file that does not fit.
pub fn verify_folder(bytes: &[u8]) -> Result<FolderCheck> {
    let fault = |reason: String| Error::Folder { reason };
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes))
        .map_err(|_| fault("zipファイルとして開けません。途中で切れているか、別の形式です".to_owned()))?;
    // The reader keeps only one of two entries of one name, and another program may show the other.
    if archive.has_duplicate_names() {
        let mut seen = std::collections::BTreeSet::new();
        let twice = directory_names(bytes, archive.central_directory_start()).find(|name| !seen.insert(*name));
        let name = String::from_utf8_lossy(twice.unwrap_or_default());
        return Err(fault(format!("「{name}」が二つあります")));
    }
    let mut found: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    let mut left = MAX_UNPACKED;
    for n in 0..archive.len() {
        let name = match archive.name_for_index(n) {
            Some(Ok(name)) => name.into_owned(),
            _ => return Err(fault(format!("{}番目のファイルの名前を読めません", n + 1))),
        };
        let mut content = Vec::new();
        archive
            .by_index(n)
            .map_err(std::io::Error::from)
            .and_then(|entry| entry.take(left + 1).read_to_end(&mut content))
            .map_err(|_| fault(format!("「{name}」が壊れています")))?;
        left = left
            .checked_sub(u64::try_from(content.len()).unwrap_or(u64::MAX))
            .ok_or_else(|| fault(format!("「{name}」が大きすぎます")))?;
        found.insert(name, content);
    }
    let manifest_bytes = found.remove(MANIFEST).ok_or_else(|| fault("manifest.jsonがありません".to_owned()))?;
    let manifest: Manifest =
        serde_json::from_slice(&manifest_bytes).map_err(|_| fault("manifest.jsonを読めません".to_owned()))?;
    for (name, entry) in &manifest.files {
        let content = found.remove(name).ok_or_else(|| fault(format!("「{name}」がありません")))?;
        if sha256(&content) != entry.sha256 {
            return Err(fault(format!("「{name}」の内容が変わっています")));
        }
    }
    if let Some(stray) = found.keys().next() {
        return Err(fault(format!("「{stray}」は作られたときにはないファイルです")));
    }
    Ok(FolderCheck {
        facility: manifest.facility,
        made_on: manifest.made_on,
        files: manifest.files.len(),
        code: sha256(&manifest_bytes),
        journal_entries: manifest.journal_entries,
        journal_head: manifest.journal_head,
    })
}

/// The names in the central directory of a zip, in order and each as often as it is there (APPNOTE 4.3.12).
fn directory_names(bytes: &[u8], start: u64) -> impl Iterator<Item = &[u8]> {
    let mut rest = usize::try_from(start).ok().and_then(|start| bytes.get(start..)).unwrap_or_default();
    std::iter::from_fn(move || {
        let length = |at: usize| Some(usize::from(u16::from_le_bytes(rest.get(at..at + 2)?.try_into().ok()?)));
        let (name, extra, comment) = (length(28)?, length(30)?, length(32)?);
        let found = rest.starts_with(b"PK\x01\x02").then(|| rest.get(46..46 + name))??;
        rest = rest.get(46 + name + extra + comment..)?;
        Some(found)
    })
}
