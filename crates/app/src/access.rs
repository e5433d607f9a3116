//! アクセス記録: what other systems say about who opened which patient, taken in as evidence, and what is asked of it.
//!
//! `intake` of the record is here: what comes is kept as it came, chained by source, and each access becomes one entry of
//! the journal, once. Asking is in `questions`, the patient's own report in `report`, the log review in `review`.
//! Every question is itself an entry of the journal; patient identifiers are nowhere else than there and in the accesses.

mod questions;
mod report;
mod review;
mod signals;
mod sources;
mod tables;
mod taking;

use std::collections::HashMap;
use std::io::{Read as _, Write as _};

use ::report::{Block, Document};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::access::{Access, arrival_hash};
use domain::evaluate::Facility;
use domain::journal::{Actor, GENESIS};
use domain::ledger::{Row, Value};
use domain::text::{Lang, tidy};
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;

use crate::App;
use crate::error::{Error, Result};

pub use questions::{AccessAnswer, AccessLine, AccessQuestion, AccessTopic};
pub use report::{PatientReport, ReportOptions, StaffNames};
pub use review::{Case, CaseQueue};
pub use sources::{SourceFault, SourceState};
pub use tables::{AccessFile, AccessFormat};
use taking::Call;
pub(crate) use taking::Taking;

/// What one source sent at once: a file, a message, a bundle.
#[derive(Clone, Debug)]
pub struct Arrival {
    /// Key of the source in the ledger of sources.
    pub source: String,
    /// The format it was read as.
    pub format: &'static str,
    /// Version of the reader, so that what a mistake in it made can be found again.
    pub parser: u32,
    /// The bytes as they came.
    pub bytes: Vec<u8>,
    /// The accesses that were read from them.
    pub accesses: Vec<Access>,
    /// How many parts of it were refused.
    pub refused: u32,
    /// How many of these were told in the name of another source.
    pub forged: u32,
}

/// What became of an arrival.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// Id under which the original is kept.
    pub id: String,
    /// Accesses that were not there before.
    pub new: u64,
    /// Accesses that had come already.
    pub known: u64,
}

/// Longest text of an access that becomes part of the journal, in characters; what is longer is cut there, and whole in
/// the original.
const TEXT_MOST: usize = 1_000;

/// The key of a source as the ledger has it.
fn source_key(typed: &str) -> String {
    tidy(typed).to_uppercase()
}

impl App {
    /// A paper of the access log with its head.
    fn paper(&self, by: &Actor, facility: &Facility, title: &str, subtitle: String, blocks: Vec<Block>) -> Document {
        Document {
            title: title.to_owned(),
            subtitle,
            kicker: String::new(),
            facility: facility.name.clone(),
            printed_on: self.today(),
            printed_by: by.name.clone(),
            code: String::new(),
            lang: Lang::Ja,
            landscape: false,
            blocks,
        }
    }

    /// Takes accesses in, all or none of them: durable when this returns. An access that came before is not taken in
    /// again; every arrival is kept as it came, whatever it held. Calls that come at the same time share a transaction.
    ///
    /// # Errors
    /// [`Error::Invalid`] when a source is not in the ledger of sources, or out of use; any store error.
    pub async fn receive_accesses(&self, by: &Actor, facility: &str, arrivals: Vec<Arrival>) -> Result<Vec<Receipt>> {
        let sources: Vec<String> = arrivals.iter().map(|arrival| source_key(&arrival.source)).collect();
        let numbered = self.registered(facility, &sources).await?;
        let prepared = crate::blocking({
            let (facility, sources) = (facility.to_owned(), sources.clone());
            move || prepare(&facility, arrivals, sources)
        })
        .await??;
        self.taking.take(&self.store, Call::new(by, facility, self.now(), numbered, prepared)).await
    }

    /// Whether each of the sources numbers its events.
    async fn registered(&self, facility: &str, sources: &[String]) -> Result<HashMap<String, bool>> {
        let ledger = sources::ledger()?;
        let rows = self.store.row_find(ledger, facility, sources).await?;
        let stated = |row: &Row, name: &str| match row.get(name) {
            Some(Value::YesNo(yes)) => Some(*yes),
            _ => None,
        };
        let mut numbered = HashMap::with_capacity(rows.len());
        for source in sources {
            let Some(stored) = rows.get(source) else {
                return Err(Error::invalid(
                    "ACC-001",
                    format!(
                        "記録を取り込めませんでした。「{source}」は記録の取込み元の台帳にありません。台帳に登録してから、もう一度送ってください。"
                    ),
                ));
            };
            if stated(&stored.row, "in_use") == Some(false) {
                return Err(Error::invalid(
                    "ACC-002",
                    format!(
                        "記録を取り込めませんでした。取込み元「{source}」は使用中ではありません。台帳の「使用中」を確かめてください。"
                    ),
                ));
            }
            numbered.insert(source.clone(), stated(&stored.row, "numbered") == Some(true));
        }
        Ok(numbered)
    }

    /// Checks what came from a source against its chain, first to last: the number of arrivals, or the place of the first
    /// that does not hold.
    ///
    /// # Errors
    /// Any store error; the break is the inner result.
    pub async fn verify_arrivals(&self, facility: &str, source: &str) -> Result<std::result::Result<i64, i64>> {
        const PART: u32 = 500;
        let source = source_key(source);
        let head = self.store.arrival_heads(facility).await?.remove(&source).unwrap_or_default();
        // What was disposed of is where the chain begins.
        let (mut place, mut hash) = head.gone.clone();
        if place == 0 {
            GENESIS.clone_into(&mut hash);
        }
        loop {
            let part = self.store.arrival_part(facility, &source, place, PART).await?;
            if part.is_empty() {
                let whole = place == head.place && (place == 0 || hash == head.hash);
                return Ok(if whole { Ok(place) } else { Err(place + 1) });
            }
            for (at, received_at, format, parser, content, stated) in part {
                let bytes = unpack(&content);
                let parser = u32::try_from(parser).unwrap_or_default();
                let fits =
                    bytes.is_some_and(|bytes| arrival_hash(&hash, received_at, &format, parser, &bytes) == stated);
                if at != place + 1 || !fits {
                    return Ok(Err(place + 1));
                }
                (place, hash) = (at, stated);
            }
        }
    }
}

/// An arrival with everything that takes computing.
struct Prepared {
    source: String,
    format: &'static str,
    parser: u32,
    bytes: Vec<u8>,
    content: String,
    accesses: Vec<(Access, i64)>,
    refused: u32,
    forged: u32,
}

fn prepare(facility: &str, arrivals: Vec<Arrival>, sources: Vec<String>) -> Result<Vec<Prepared>> {
    let mut encoder = DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
    let mut prepared = Vec::with_capacity(arrivals.len());
    for (arrival, source) in arrivals.into_iter().zip(sources) {
        let packed = encoder.write_all(&arrival.bytes).and_then(|()| encoder.reset(Vec::new()));
        let packed = packed.map_err(|error| Error::Internal { message: error.to_string() })?;
        let mark = |mut access: Access| {
            access.source.clone_from(&source);
            for text in access.texts_of_source() {
                cut(text);
            }
            let mark = access.mark(facility);
            (access, mark)
        };
        let accesses = arrival.accesses.into_iter().map(mark).collect();
        prepared.push(Prepared {
            format: arrival.format,
            parser: arrival.parser,
            content: STANDARD.encode(packed),
            bytes: arrival.bytes,
            accesses,
            refused: arrival.refused,
            forged: arrival.forged,
            source,
        });
    }
    Ok(prepared)
}

fn cut(text: &mut String) {
    if let Some((end, _)) = text.char_indices().nth(TEXT_MOST) {
        text.truncate(end);
    }
}

fn unpack(content: &str) -> Option<Vec<u8>> {
    let packed = STANDARD.decode(content).ok()?;
    let mut bytes = Vec::new();
    DeflateDecoder::new(packed.as_slice()).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}
