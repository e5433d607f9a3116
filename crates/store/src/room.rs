//! A full disk: from the first write that finds no room until there is some again, nothing is written.
//!
//! Without this, small changes would still find a place where larger ones fail, and the state of the installation would
//! be whatever happened to fit. What is there can be read all the time. Who holds the store asks again whether there is
//! room ([`Store::recover`]); what that writes first is the first thing in the journal.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use sea_orm::TransactionTrait as _;

use crate::error::{Error, Result};
use crate::{Store, Unplaced, dialect, stage};

/// Room that has to be there before anything is written again, in bytes.
const ENOUGH: usize = 1 << 20;
/// File by which that is tried in the data folder.
const TRIAL: &str = "room.trial";

/// Whether the disk is full, as far as this process has noticed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Room {
    full: Arc<AtomicBool>,
    /// The data folder; the disk of a database server is its own matter.
    folder: Option<PathBuf>,
}

impl Room {
    pub(crate) fn of(folder: Option<&Path>) -> Self {
        Self { full: Arc::default(), folder: folder.map(Path::to_owned) }
    }

    /// Refuses while the disk is full.
    pub(crate) fn check(&self) -> Result<()> {
        if self.full.load(Ordering::Relaxed) { Err(Error::DiskFull) } else { Ok(()) }
    }

    /// Passes on what came of a write, and remembers when it found no room.
    pub(crate) fn noted<T>(&self, outcome: Result<T>) -> Result<T> {
        if matches!(outcome, Err(Error::DiskFull)) {
            self.full.store(true, Ordering::Relaxed);
        }
        outcome
    }

    /// Whether there is enough of it again.
    fn there_is(&self) -> bool {
        let Some(folder) = &self.folder else { return true };
        let file = folder.join(TRIAL);
        let tried = File::create(&file).and_then(|mut trial| {
            trial.write_all(&vec![0; ENOUGH])?;
            trial.sync_all()
        });
        tried.is_ok() & std::fs::remove_file(&file).is_ok()
    }
}

impl Store {
    /// Whether a write found the disk full, and no room was found since.
    pub fn is_full(&self) -> bool {
        self.room.check().is_err()
    }

    /// Looks whether there is room again. If so, `first` goes into the journal before anything else does.
    ///
    /// # Errors
    /// [`Error::DiskFull`] when there is none; any store error.
    pub async fn recover(&self, first: &[&Unplaced]) -> Result<()> {
        if !self.room.there_is() {
            return Err(Error::DiskFull);
        }
        if !first.is_empty() {
            let tx = self.write.begin_with_options(dialect::write_options()).await?;
            stage::append(&tx, first.iter().map(|u| (&u.actor, u.facility.as_str(), u.at, &u.event))).await?;
            tx.commit().await?;
        }
        self.room.full.store(false, Ordering::Relaxed);
        Ok(())
    }
}
