//! What the rest of the product sees of sealing: the log that is open, what keeps it from going on, and a sign of life
//! where nothing else happens.

use std::sync::{Arc, Mutex, PoisonError, RwLock, Weak};

use domain::journal::{Actor, Event};
use seal::Log;

use super::{broken, entry_of};
use crate::error::{Error, Result};
use crate::{App, blocking};

/// Microseconds in which nothing may happen before the journal says that it is still there.
const QUIET: i64 = 3_600_000_000;

/// The state of sealing in this process.
#[derive(Default)]
pub(crate) struct Watch {
    log: RwLock<Weak<Mutex<Log>>>,
    fault: RwLock<Option<String>>,
}

impl Watch {
    pub(super) fn opened(&self, log: &Arc<Mutex<Log>>) {
        *self.log.write().unwrap_or_else(PoisonError::into_inner) = Arc::downgrade(log);
    }

    pub(super) fn failed(&self, fault: Option<String>) {
        *self.fault.write().unwrap_or_else(PoisonError::into_inner) = fault;
    }
}

impl App {
    /// Notes that sealing failed and will be tried again; pages say so until it succeeds.
    pub fn seal_failed(&self, error: &Error) {
        self.watch.failed(Some(error.to_string()));
    }

    /// What keeps this process from sealing, in words for people.
    pub fn seal_fault(&self) -> Option<String> {
        self.watch.fault.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A file of the log that this process seals, as of its last head (`checkpoint`, `tile/0/001.p/9`); `None` when there
    /// is no such file, or this process does not seal.
    ///
    /// # Errors
    /// JRN-004 when a file cannot be read.
    pub async fn log_file(&self, path: &str) -> Result<Option<Vec<u8>>> {
        let open = self.watch.log.read().unwrap_or_else(PoisonError::into_inner).upgrade();
        let Some(log) = open else { return Ok(None) };
        let path = path.to_owned();
        let read = blocking(move || log.lock().unwrap_or_else(PoisonError::into_inner).file(&path)).await?;
        read.map_err(|e| broken(&e))
    }

    /// Stages a sign of life when nothing was staged for an hour, so that silence is not taken for a cut tail.
    ///
    /// # Errors
    /// Any store error.
    pub async fn sign_of_life(&self) -> Result<()> {
        let (last, _) = self.store.journal_head().await?;
        let newest = self.store.journal_after((last - 1).max(0), 1).await?;
        let at = newest.first().map(|(_, _, text)| entry_of(text)).transpose()?.map(|entry| entry.at);
        let quiet = at.is_some_and(|at| self.now().as_microsecond() - at >= QUIET);
        if quiet {
            self.stage(&Actor::new("sakimori"), "", vec![Event::new("journal.alive", "")]).await
        } else {
            Ok(())
        }
    }
}
