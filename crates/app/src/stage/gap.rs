//! Acts that go on although they could not be recorded, and the record of the gap as soon as there can be one.
//!
//! A gap is kept in memory and, where there is a data folder, in a file that was given its size when the disk still had
//! room. It becomes the first entry of the next that is recorded: how many acts of which class, from when until when,
//! and why. Who acted in it and on what is lost; that it happened is not.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read as _, Seek as _, Write as _};
use std::path::Path;
use std::sync::{Mutex, PoisonError, RwLock};

use domain::journal::{Actor, Event};
use domain::unrecorded::Class;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use store::Unplaced;

use crate::App;
use crate::error::{Error, Result};

/// File of the open gaps in the data folder.
const FILE: &str = "log.gaps";
/// Bytes it takes from the beginning.
const ROOM: usize = 16_384;
/// Who records a gap.
const SELF: &str = "sakimori";

/// What became of an act's record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recorded {
    /// It is durable.
    Staged,
    /// There is none: the act is counted in a gap.
    Gap,
}

/// Decisions and open gaps.
#[derive(Default)]
pub(crate) struct Gaps {
    decided: RwLock<BTreeMap<Class, bool>>,
    open: Mutex<Open>,
    closing: tokio::sync::Mutex<()>,
}

/// The open gaps, and where they are kept.
#[derive(Default)]
struct Open {
    gaps: Vec<Gap>,
    file: Option<File>,
}

/// Acts of one class at one facility that nobody recorded.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Gap {
    facility: String,
    class: String,
    count: u64,
    first: Timestamp,
    last: Timestamp,
    reason: String,
}

impl Gap {
    fn is(&self, facility: &str, class: &str) -> bool {
        self.facility == facility && self.class == class
    }

    fn event(&self) -> Event {
        Event::new("journal.gap", &self.class)
            .with("count", self.count)
            .with("first", self.first)
            .with("last", self.last)
            .with("reason", &self.reason)
    }
}

impl App {
    /// Records an act that changes nothing. Where that is not possible, an act of a class that may go on is counted in a
    /// gap, and the others are refused.
    ///
    /// # Errors
    /// As [`App::stage`], for a class that may not go on.
    pub async fn record(&self, class: Class, actor: &Actor, facility: &str, event: Event) -> Result<Recorded> {
        let staged = match self.close_gaps().await {
            Ok(()) => self.stage(actor, facility, vec![event]).await,
            Err(error) => Err(error),
        };
        match staged {
            Ok(()) => Ok(Recorded::Staged),
            Err(error @ Error::Unstaged(_)) if self.goes_on(class) => {
                self.gaps.count(facility, class, self.now(), error.code());
                tracing::error!(class = class.code(), "an act goes on without a record: {error}");
                Ok(Recorded::Gap)
            }
            Err(error) => Err(error),
        }
    }

    /// Records what gaps there are, each at its facility.
    ///
    /// # Errors
    /// Any store error; the gaps stay open.
    pub async fn close_gaps(&self) -> Result<()> {
        if self.gaps.first().is_none() {
            return Ok(());
        }
        // One at a time, so that none is recorded twice.
        let _turn = self.gaps.closing.lock().await;
        while let Some(gap) = self.gaps.first() {
            self.stage(&Actor::new(SELF), &gap.facility, vec![gap.event()]).await?;
            self.gaps.closed(&gap);
        }
        Ok(())
    }

    /// Whether nothing is written, as the disk was found full.
    pub fn is_full(&self) -> bool {
        self.store.is_full()
    }

    /// Looks whether there is room again where the disk was found full. Then what went on without a record comes first.
    ///
    /// # Errors
    /// STO-006 as long as there is none; any store error.
    pub async fn look_for_room(&self) -> Result<()> {
        if !self.is_full() {
            return Ok(());
        }
        let _turn = self.gaps.closing.lock().await;
        let gaps = self.gaps.all();
        let place = |gap: &Gap| Unplaced {
            actor: Actor::new(SELF),
            facility: gap.facility.clone(),
            at: self.now(),
            event: gap.event(),
        };
        let first: Vec<Unplaced> = gaps.iter().map(place).collect();
        self.store.recover(&first.iter().collect::<Vec<_>>()).await?;
        gaps.iter().for_each(|gap| self.gaps.closed(gap));
        tracing::warn!("there is room on the disk again");
        Ok(())
    }

    /// The same app with the gaps that an earlier process left in a data folder, where its own are kept, too.
    ///
    /// # Errors
    /// JRN-004 when the file cannot be made.
    pub fn with_gaps(self, folder: &Path) -> Result<Self> {
        let file = folder.join(FILE);
        self.gaps.keep_in(&file).map_err(|e| crate::seal::unusable(&file, &e.to_string()))?;
        Ok(self)
    }

    /// Whether acts of a class go on when they cannot be recorded.
    pub fn goes_on(&self, class: Class) -> bool {
        let decided = self.gaps.decided.read().unwrap_or_else(PoisonError::into_inner);
        decided.get(&class).copied().unwrap_or_else(|| class.goes_on())
    }

    /// Reads again what was decided; what was read last holds while the database is away.
    ///
    /// # Errors
    /// Any store error.
    pub async fn refresh_decisions(&self) -> Result<()> {
        let decided = self.store.unrecorded().await?;
        *self.gaps.decided.write().unwrap_or_else(PoisonError::into_inner) = decided.into_iter().collect();
        Ok(())
    }

    /// Decides for classes whether their acts go on when they cannot be recorded. It holds for the whole installation.
    ///
    /// # Errors
    /// Any store error.
    pub async fn decide_unrecorded(&self, by: &Actor, decided: &[(Class, bool)]) -> Result<()> {
        let mut tx = self.store.begin(by, "", self.now()).await?;
        for (class, goes_on) in decided {
            tx.unrecorded_set(*class, *goes_on).await?;
            tx.record(Event::new("journal.on-failure", class.code()).with("goes_on", goes_on));
        }
        tx.commit().await?;
        self.refresh_decisions().await
    }
}

impl Gaps {
    fn count(&self, facility: &str, class: Class, at: Timestamp, reason: &str) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        match open.gaps.iter_mut().find(|known| known.is(facility, class.code())) {
            Some(known) => {
                known.count += 1;
                known.last = at;
            }
            None => open.gaps.push(Gap {
                facility: facility.to_owned(),
                class: class.code().to_owned(),
                count: 1,
                first: at,
                last: at,
                reason: reason.to_owned(),
            }),
        }
        open.keep();
    }

    fn all(&self) -> Vec<Gap> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).gaps.clone()
    }

    fn first(&self) -> Option<Gap> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).gaps.first().cloned()
    }

    /// A gap was recorded; what came to it meanwhile stays open.
    fn closed(&self, gap: &Gap) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        for known in open.gaps.iter_mut().filter(|known| known.is(&gap.facility, &gap.class)) {
            known.count = known.count.saturating_sub(gap.count);
            known.first = gap.last;
        }
        open.gaps.retain(|known| known.count > 0);
        open.keep();
    }

    fn keep_in(&self, file: &Path) -> std::io::Result<()> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let mut file = File::options().create(true).truncate(false).read(true).write(true).open(file)?;
        let mut text = String::new();
        file.read_to_string(&mut text)?;
        // A file that was torn while the disk failed says nothing more.
        open.gaps.extend(serde_json::from_str::<Vec<Gap>>(text.trim()).unwrap_or_default());
        open.file = Some(file);
        open.keep();
        Ok(())
    }
}

impl Open {
    /// Writes over the file, without asking the disk for room. What cannot be written is still in memory.
    fn keep(&mut self) {
        let Some(file) = &mut self.file else { return };
        let mut text = serde_json::to_string(&self.gaps).unwrap_or_default();
        text.extend(std::iter::repeat_n(' ', ROOM.saturating_sub(text.len())));
        let mut write = || {
            file.rewind()?;
            file.write_all(text.as_bytes())?;
            file.sync_data()
        };
        if let Err(error) = write() {
            tracing::error!("{FILE}: {error}");
        }
    }
}
