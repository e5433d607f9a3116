//! Documents of the API: one AuditEvent, or a Bundle of them.

use domain::journal::Actor;
use intake::access::{AccessError, Origin, READER, Reading, fhir};

use super::Feed;
use crate::access::{Arrival, Receipt};
use crate::error::Result;
use crate::{App, blocking};

pub use intake::access::fhir::Document as DocumentKind;

/// What became of a document.
#[derive(Debug)]
pub struct AccessDocument {
    /// What it was.
    pub kind: DocumentKind,
    /// How many events it held.
    pub events: usize,
    /// Events that were refused, by their place from 0. Of a transaction with one, nothing was taken.
    pub refused: Vec<(usize, AccessError)>,
    /// What was stored; `None` when nothing was.
    pub receipt: Option<Receipt>,
}

impl App {
    /// Takes an AuditEvent or a Bundle of them, durable when this returns.
    ///
    /// # Errors
    /// When it is neither, or the one event cannot be read; nothing is stored then. Any store error.
    pub async fn receive_document(&self, by: &Actor, feed: &Feed, bytes: Vec<u8>) -> Result<AccessDocument> {
        let (now, source, offset) = (self.now(), feed.source.clone(), feed.offset);
        let (bytes, read) = blocking(move || {
            let read = fhir::read(&bytes, &Origin { source: &source, offset, now });
            (bytes, read)
        })
        .await?;
        let (kind, Reading { accesses, events, mut refused, .. }) = read?;
        if kind == DocumentKind::Event
            && let Some((_, error)) = refused.pop()
        {
            return Err(error.into());
        }
        let whole = kind != DocumentKind::Transaction || refused.is_empty();
        let mut receipt = None;
        if whole && !accesses.is_empty() {
            let count = u32::try_from(refused.len()).unwrap_or(u32::MAX);
            let source = feed.source.clone();
            let arrival = Arrival { source, format: "fhir", parser: READER, bytes, accesses, refused: count };
            receipt = self.receive_accesses(by, &feed.facility, vec![arrival]).await?.pop();
        }
        Ok(AccessDocument { kind, events, refused, receipt })
    }
}
