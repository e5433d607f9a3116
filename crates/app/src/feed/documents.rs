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
    /// What was stored; `None` when nothing was. Of what came in another's name the original alone is.
    pub receipt: Option<Receipt>,
}

impl App {
    /// Takes an AuditEvent or a Bundle of them, durable when this returns.
    ///
    /// # Errors
    /// When it is neither, or the one event cannot be read; nothing is stored then. Any store error.
    pub async fn receive_document(&self, by: &Actor, feed: &Feed, bytes: Vec<u8>) -> Result<AccessDocument> {
        let (now, own) = (self.now(), feed.clone());
        let (bytes, read) = blocking(move || {
            let origin = Origin { source: &own.source, offset: own.offset, now, others: &own.others };
            let read = fhir::read(&bytes, &origin);
            (bytes, read)
        })
        .await?;
        let (kind, Reading { accesses, events, mut refused, .. }) = read?;
        let whole = kind == DocumentKind::Batch || refused.is_empty();
        let accesses = if whole { accesses } else { Vec::new() };
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let forged = count(refused.iter().filter(|(_, error)| matches!(error, AccessError::Forged(_))).count());
        let mut receipt = None;
        // What is told in another's name is kept, though nothing of it is believed.
        if !accesses.is_empty() || forged > 0 {
            let (source, refused) = (feed.source.clone(), count(refused.len()));
            let arrival = Arrival { source, format: "fhir", parser: READER, bytes, accesses, refused, forged };
            receipt = self.receive_accesses(by, &feed.facility, vec![arrival]).await?.pop();
        }
        if kind == DocumentKind::Event
            && let Some((_, error)) = refused.pop()
        {
            return Err(error.into());
        }
        Ok(AccessDocument { kind, events, refused, receipt })
    }
}
