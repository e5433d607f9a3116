//! アクセス記録: what other systems say about who opened which patient, taken in as evidence.

use domain::access::Access;
use domain::journal::Actor;
use uuid::Uuid;

use crate::App;
use crate::error::Result;

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

impl App {
    /// Takes accesses in, all or none of them: durable when this returns.
    ///
    /// # Errors
    /// Any store error.
    pub async fn receive_accesses(&self, by: &Actor, facility: &str, arrivals: Vec<Arrival>) -> Result<Vec<Receipt>> {
        let mut tx = self.store.begin(by, facility, self.now()).await?;
        let mut receipts = Vec::with_capacity(arrivals.len());
        for arrival in arrivals {
            let new = arrival.accesses.len() as u64;
            for access in arrival.accesses {
                tx.record(access.event());
            }
            receipts.push(Receipt { id: Uuid::now_v7().to_string(), new, known: 0 });
        }
        tx.commit().await?;
        Ok(receipts)
    }
}
