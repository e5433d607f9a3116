//! Access events in and out: what other systems record of who did what to whose record, and the same for others to read.
//!
//! FHIR R4 AuditEvent and the DICOM audit message (which IHE ATNA and JAHIS send over syslog) are two spellings of one
//! model, RFC 3881: an event, who took part, and on what. Each is read into and written from that model (`told`), and
//! one mapper makes [`Access`]es of it, so what an event means is decided once, by the tables of `codes`. [`table`]
//! reads and writes plain tables, [`ocsf`] writes for security monitoring, [`syslog`] takes messages out of a stream.
//!
//! What is read here was written by others: sizes, depth and counts are bounded, XML entities are refused, nothing is
//! fetched. An event that cannot be understood is refused alone, with its place; one whose time cannot be true is kept
//! as it is and named as doubtful.

mod codes;
pub mod dicom;
mod error;
pub mod fhir;
pub mod ocsf;
pub mod syslog;
pub mod table;
mod told;

use domain::access::Access;
use jiff::tz::Offset;
use jiff::{SignedDuration, Timestamp};

pub use error::AccessError;

/// Version of the readers, kept with what they read; raised whenever one of them reads something differently.
pub const READER: u32 = 1;

/// Largest document accepted, in bytes.
pub const DOCUMENT_MAX: usize = 32 << 20;
/// Longest text of an event that is kept, in characters; a longer one is cut, an id that is longer is refused.
pub const TEXT_MAX: usize = 500;
/// Most patients in one event.
pub const PATIENTS_MAX: usize = 1_000;
/// Most events in one document.
pub const EVENTS_MAX: usize = 50_000;

/// Where events come from.
#[derive(Clone, Copy, Debug)]
pub struct Origin<'a> {
    /// Key of the source.
    pub source: &'a str,
    /// What its times are relative to when they do not say.
    pub offset: Offset,
    /// Now, to notice times that cannot be.
    pub now: Timestamp,
    /// What the sources are called for which the sender may not speak, folded ([`domain::text::fold`]).
    pub others: &'a [String],
}

impl Origin<'_> {
    /// Refuses what says with one of these names that it is of a source for which its sender may not speak.
    ///
    /// # Errors
    /// [`AccessError::Forged`].
    pub fn vouch<'n>(&self, names: impl IntoIterator<Item = &'n str>) -> Result<(), AccessError> {
        if self.others.is_empty() {
            return Ok(());
        }
        match names.into_iter().find(|name| self.others.contains(&domain::text::fold(name))) {
            Some(name) => Err(AccessError::Forged(error::shorten(name))),
            None => Ok(()),
        }
    }
}

/// What was read.
#[derive(Debug, Default)]
pub struct Reading {
    /// The accesses, in the order in which they stand.
    pub accesses: Vec<Access>,
    /// How many events there were, understood or not. One event about several patients is several accesses.
    pub events: usize,
    /// Events that were not understood, by their place from 0.
    pub refused: Vec<(usize, AccessError)>,
    /// Events that were kept though their time cannot be true, by their place from 0.
    pub doubts: Vec<(usize, Doubt)>,
}

/// Why a time cannot be true.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// Before 1990: a clock that lost its battery.
    Ancient,
    /// More than a day ahead.
    Future,
}

/// 1990-01-01 in Japan, in seconds.
const ANCIENT: i64 = 631_119_600;
/// How far ahead of ours a clock may be.
const AHEAD: SignedDuration = SignedDuration::from_hours(24);

impl Doubt {
    /// The doubt about a time, if there is one.
    pub fn of(at: Timestamp, now: Timestamp) -> Option<Self> {
        if at.as_second() < ANCIENT {
            Some(Self::Ancient)
        } else if at.duration_since(now) > AHEAD {
            Some(Self::Future)
        } else {
            None
        }
    }
}

impl std::fmt::Display for Doubt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Ancient => "日時が1990年より前です。送り元の時計を確かめてください(EVT-021)。",
            Self::Future => "日時が1日以上先です。送り元の時計を確かめてください(EVT-022)。",
        })
    }
}

impl Reading {
    /// Adds what became of the next event.
    pub fn push(&mut self, event: Result<Vec<Access>, AccessError>, now: Timestamp) {
        let at = self.events;
        self.events += 1;
        match event {
            Ok(accesses) => {
                if let Some(doubt) = accesses.first().and_then(|access| Doubt::of(access.at, now)) {
                    self.doubts.push((at, doubt));
                }
                self.accesses.extend(accesses);
            }
            Err(error) => self.refused.push((at, error)),
        }
    }
}

/// A text as it is kept: tidied, cut where it is too long; `None` when nothing is written.
fn kept(text: &str) -> Option<String> {
    let plain = text.bytes().all(|b| matches!(b, b'!'..=b'~'));
    let mut text = if plain { text.to_owned() } else { domain::text::tidy(text) };
    if let Some((end, _)) = text.char_indices().nth(TEXT_MAX) {
        text.truncate(end);
    }
    (!text.is_empty()).then_some(text)
}

/// An id as it is kept. A cut one would be another's.
fn kept_id(text: &str) -> Result<Option<String>, AccessError> {
    if text.chars().nth(TEXT_MAX).is_some() { Err(AccessError::LongId) } else { Ok(kept(text)) }
}

/// An instant as systems write it: ISO 8601 with an offset, or without one, which then is the source's.
fn instant(text: &str, offset: Offset) -> Option<Timestamp> {
    let text = text.trim();
    if let Ok(at) = text.parse() {
        return Some(at);
    }
    offset.to_timestamp(text.parse().ok()?).ok()
}
