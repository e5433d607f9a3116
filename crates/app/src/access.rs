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

use std::collections::HashMap;
use std::io::{Read as _, Write as _};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::access::{Access, Numbers, arrival_hash};
use domain::journal::{Actor, Event, GENESIS};
use domain::ledger::{Row, Value};
use domain::text::tidy;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use store::{ArrivalHead, NewArrival};
use uuid::Uuid;

use crate::App;
use crate::error::{Error, Result};

pub use questions::{AccessAnswer, AccessLine, AccessQuestion, AccessTopic};
pub use report::{PatientReport, ReportOptions, StaffNames};
pub use review::{Case, CaseQueue};
pub use sources::{SourceFault, SourceState};
pub use tables::{AccessFile, AccessFormat};

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
    /// How many parts of it could not be read.
    pub refused: u32,
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
    /// Takes accesses in, all or none of them: durable when this returns. An access that came before is not taken in
    /// again; every arrival is kept as it came, whatever it held.
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
        let marks: Vec<i64> = prepared.iter().flat_map(|a| a.accesses.iter().map(|(_, mark)| *mark)).collect();
        let mut tx = self.store.begin(by, facility, self.now()).await?;
        let mut heads = tx.arrival_heads().await?;
        let mut seen = tx.access_known(&marks).await?;
        let (mut receipts, mut kept) = (Vec::with_capacity(prepared.len()), Vec::with_capacity(prepared.len()));
        let mut sums: HashMap<String, Sum> = HashMap::new();
        let now = self.now().as_microsecond();
        for Prepared { source, format, parser, bytes, content, accesses, refused } in prepared {
            let head = heads.entry(source.clone()).or_default();
            let mut numbers = numbered.get(&source).copied().unwrap_or_default().then(|| Numbers::parse(&head.numbers));
            let (mut fresh, mut known) = (0_u64, 0_u64);
            for (access, mark) in accesses {
                let same = seen.entry(mark).or_default();
                if same.iter().any(|other| access.is_same(other)) {
                    known += 1;
                    continue;
                }
                let number = access.source_id.as_ref().and_then(|id| id.parse().ok());
                if let Some((numbers, number)) = numbers.as_mut().zip(number) {
                    numbers.take(number);
                }
                head.event_at = head.event_at.max(Some(access.at.as_microsecond()));
                tx.access_record(&access, mark);
                same.push(access);
                fresh += 1;
            }
            if let Some(numbers) = numbers {
                head.numbers = numbers.to_string();
            }
            let before = if head.place == 0 { GENESIS } else { &head.hash };
            let hash = arrival_hash(before, now, format, parser, &bytes);
            *head = ArrivalHead { place: head.place + 1, hash: hash.clone(), received_at: now, ..head.clone() };
            let sum = sums.entry(source.clone()).or_insert_with(|| Sum { first: head.place, ..Sum::default() });
            sum.add(head, fresh, known, refused);
            let id = Uuid::now_v7().to_string();
            receipts.push(Receipt { id: id.clone(), new: fresh, known });
            kept.push(NewArrival {
                id,
                source,
                place: head.place,
                format: format.to_owned(),
                parser: i64::from(parser),
                size: i64::try_from(bytes.len()).unwrap_or(i64::MAX),
                hash,
                fresh: i64::try_from(fresh).unwrap_or(i64::MAX),
                known: i64::try_from(known).unwrap_or(i64::MAX),
                refused: i64::from(refused),
                content,
            });
        }
        heads.retain(|source, _| sums.contains_key(source));
        tx.arrival_insert(kept, &heads).await?;
        let mut sums: Vec<(String, Sum)> = sums.into_iter().collect();
        sums.sort_by(|a, b| a.0.cmp(&b.0));
        for (source, sum) in sums {
            tx.record(sum.event(&source));
        }
        tx.commit().await?;
        Ok(receipts)
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

/// What one call brought of one source, for its entry in the journal.
#[derive(Default)]
struct Sum {
    first: i64,
    last: i64,
    hash: String,
    fresh: u64,
    known: u64,
    refused: u64,
}

impl Sum {
    fn add(&mut self, head: &ArrivalHead, fresh: u64, known: u64, refused: u32) {
        (self.last, self.hash) = (head.place, head.hash.clone());
        self.fresh += fresh;
        self.known += known;
        self.refused += u64::from(refused);
    }

    /// Its action is no act, so it is taken for no access.
    fn event(&self, source: &str) -> Event {
        Event::new("access.receive", source)
            .with("first", self.first)
            .with("last", self.last)
            .with("hash", &self.hash)
            .with("new", self.fresh)
            .with("known", self.known)
            .with("refused", self.refused)
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
