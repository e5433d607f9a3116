//! Files of accesses: tables of any system, and documents that were saved.

use domain::access::{Access, Act};
use domain::evaluate::Facility;
use domain::journal::{Actor, Event};
use domain::text::{fold, tidy};
use intake::access::table::{ACCESSES, Rows, WORDS_OF, rows};
use intake::access::{Doubt, Origin, READER, Reading, dicom, fhir};
use intake::table::{self, Mapping, pick_sheets};

use super::Feed;
use crate::access::Arrival;
use crate::error::{Error, Result};
use crate::import::rejected_workbook;
use crate::{App, RejectedRow, SheetReport, blocking};

/// What became of a file, or would.
#[derive(Debug, Default)]
pub struct AccessImport {
    /// What the reader has to tell: encoding, sheets passed over.
    pub notes: Vec<String>,
    /// Accesses that were read.
    pub accesses: u64,
    /// Those that were not there before; in a dry run nothing is looked up.
    pub new: u64,
    /// Rows or events that were refused, with what is wrong.
    pub rejected: Vec<RejectedRow>,
    /// Rows or events that were kept though their time cannot be true, with why.
    pub doubts: Vec<(usize, String)>,
    /// The refused rows as a workbook with an エラー column; `None` when there are none, or the file is no table.
    pub rejected_workbook: Option<Vec<u8>>,
    /// Id under which the original is kept, when something was stored.
    pub receipt: Option<String>,
}

/// A file as it was read.
struct Understood {
    format: &'static str,
    accesses: Vec<Access>,
    told: AccessImport,
}

impl App {
    /// Takes a file of accesses in: a table (CSV, TSV, xlsx), an AuditEvent or Bundle, or an audit message. What cannot
    /// be read comes back; the rest is durable when this returns.
    ///
    /// # Errors
    /// When the file as a whole cannot be read; any store error.
    pub async fn import_accesses(
        &self,
        by: &Actor,
        feed: &Feed,
        name: &str,
        bytes: Vec<u8>,
        dry_run: bool,
    ) -> Result<AccessImport> {
        let mapping: Mapping =
            self.store.mapping_list(&feed.facility).await?.into_iter().map(|(l, h, c)| ((l, h), c)).collect();
        let (now, of, own) = (self.now(), name.to_owned(), feed.clone());
        let (bytes, read) = blocking(move || {
            let read =
                read(&of, &bytes, &mapping, &Origin { source: &own.source, offset: own.offset, now, others: &[] });
            (bytes, read)
        })
        .await?;
        let Understood { format, accesses, mut told } = read?;
        told.accesses = accesses.len() as u64;
        if !dry_run && !accesses.is_empty() {
            let refused = u32::try_from(told.rejected.len()).unwrap_or(u32::MAX);
            let source = feed.source.clone();
            let arrival = Arrival { source, format, parser: READER, bytes, accesses, refused, forged: 0 };
            let receipt = self.receive_accesses(by, &feed.facility, vec![arrival]).await?.pop();
            told.new = receipt.as_ref().map_or(0, |receipt| receipt.new);
            told.receipt = receipt.map(|receipt| receipt.id);
        }
        Ok(told)
    }

    /// Remembers that a word of a system means an act.
    ///
    /// # Errors
    /// When there is no word or no such act.
    pub async fn map_act(&self, by: &Actor, facility: &Facility, word: &str, act: &str) -> Result<()> {
        let wanted = fold(act);
        let found = Act::ALL.into_iter().find(|a| a.code() == act || fold(a.label().ja) == wanted);
        let Some(act) = found.filter(|_| !fold(word).is_empty()) else {
            let known = Act::ALL.map(|act| act.label().ja).join("」「");
            return Err(Error::invalid(
                "EVT-042",
                format!("「{act}」という操作はありません。「{known}」のどれかにしてください。"),
            ));
        };
        let mut tx = self.store.begin(by, &facility.id, self.now()).await?;
        tx.mapping_set(WORDS_OF, &fold(word), act.code()).await?;
        tx.record(Event::new("accesses.word", tidy(word)).with("act", act.code()));
        Ok(tx.commit().await?)
    }
}

/// What a file is shows in its bytes.
fn read(name: &str, bytes: &[u8], mapping: &Mapping, origin: &Origin<'_>) -> Result<Understood> {
    let text = std::str::from_utf8(bytes).map(|text| text.trim_start_matches('\u{FEFF}').trim_start()).unwrap_or("");
    if text.starts_with('{') {
        let (_, reading) = fhir::read(bytes, origin)?;
        Ok(understood("fhir", reading))
    } else if text.starts_with('<') && text.contains("<AuditMessage") {
        // One message, or one a line, as they are exported.
        let whole = |line: &str| line.trim_start().starts_with('<') && line.trim_end().ends_with("</AuditMessage>");
        let messages: Vec<&str> = if text.lines().all(whole) { text.lines().collect() } else { vec![text] };
        let mut reading = Reading::default();
        for message in messages {
            reading.push(dicom::read(message, origin), origin.now);
        }
        Ok(understood("atna", reading))
    } else {
        table_of(name, bytes, mapping, origin)
    }
}

fn understood(format: &'static str, reading: Reading) -> Understood {
    let told = AccessImport {
        rejected: reading
            .refused
            .into_iter()
            .map(|(at, error)| RejectedRow { line: at + 1, key: None, problems: vec![error.to_string()], twin: false })
            .collect(),
        doubts: reading.doubts.into_iter().map(|(at, doubt)| (at + 1, doubt.to_string())).collect(),
        ..AccessImport::default()
    };
    Understood { format, accesses: reading.accesses, told }
}

fn table_of(name: &str, bytes: &[u8], mapping: &Mapping, origin: &Origin<'_>) -> Result<Understood> {
    let book = table::read(name, bytes).map_err(|error| Error::unreadable(name, &error))?;
    let picked =
        pick_sheets(&book, name, Some(&ACCESSES), mapping).map_err(|error| Error::unrecognised(name, &error))?;
    let mut told = AccessImport { notes: book.notes.clone(), ..AccessImport::default() };
    told.notes.extend(picked.notes.iter().cloned());
    let (mut accesses, mut reports) = (Vec::new(), Vec::new());
    for recognised in &picked.sheets {
        let Rows { accesses: read, refused, doubts } = rows(recognised, mapping, origin);
        accesses.extend(read.into_iter().map(|(_, access)| access));
        told.doubts.extend(doubts.into_iter().map(|(line, doubt): (usize, Doubt)| (line, doubt.to_string())));
        let rejected: Vec<RejectedRow> = refused
            .into_iter()
            .map(|(line, problems)| RejectedRow { line, key: None, problems, twin: false })
            .collect();
        told.rejected.extend(rejected.iter().cloned());
        reports.push(SheetReport {
            ledger: &ACCESSES,
            sheet: recognised.sheet.name.clone(),
            unmatched: recognised.unmatched.iter().map(|(_, heading)| heading.clone()).collect(),
            matched: recognised.matched(),
            added: Vec::new(),
            changed: Vec::new(),
            unchanged: 0,
            rejected,
            resolved: 0,
            import: None,
        });
    }
    told.rejected_workbook = rejected_workbook(&picked.sheets, &reports)?;
    Ok(Understood { format: "table", accesses, told })
}
