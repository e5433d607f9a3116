//! Write transactions that cannot forget the journal.

use domain::journal::{Actor, Entry, Event, GENESIS, chain};
use jiff::Timestamp;
use sea_orm::{ConnectionTrait, DatabaseTransaction, QueryResult, Value};

use crate::access::Index;
use crate::error::{Error, Result};
use crate::{dialect, statement};

/// A write transaction for one facility. Every change goes through it, and [`commit`](Self::commit)
/// refuses when something changed and nothing was [`record`](Self::record)ed.
pub struct WriteTx {
    pub(crate) tx: DatabaseTransaction,
    actor: Actor,
    pub(crate) facility: String,
    pub(crate) now: Timestamp,
    changed: bool,
    rows_locked: bool,
    events: Vec<Event>,
    index: Index,
}

impl WriteTx {
    pub(crate) fn new(tx: DatabaseTransaction, actor: Actor, facility: String, now: Timestamp) -> Self {
        Self {
            tx,
            actor,
            facility,
            now,
            changed: false,
            rows_locked: false,
            events: Vec::new(),
            index: Index::default(),
        }
    }

    /// Records what happened; it becomes part of the journal when the transaction commits.
    pub fn record(&mut self, event: Event) {
        self.events.push(event);
    }

    /// Records an access; it becomes part of the journal and of the index when the transaction commits.
    pub(crate) fn record_access(&mut self, access: &domain::access::Access, mark: i64) {
        self.index.note(self.events.len(), access.clone(), mark);
        self.events.push(access.event());
    }

    /// Commits the changes and their events together.
    ///
    /// # Errors
    /// [`Error::Unjournaled`] when data changed and nothing was recorded; any store error, with
    /// nothing changed.
    pub async fn commit(self) -> Result<()> {
        if self.changed && self.events.is_empty() {
            self.tx.rollback().await?;
            return Err(Error::Unjournaled);
        }
        if !self.events.is_empty() {
            self.append().await?;
            self.index.write(&self.tx, &self.facility, self.events.len()).await?;
        }
        Ok(self.tx.commit().await?)
    }

    /// Makes this transaction the only one that writes ledger rows of its facility until it ends: what it reads from
    /// now on is what it will replace.
    pub(crate) async fn lock_rows(&mut self) -> Result<()> {
        if !self.rows_locked {
            dialect::lock_rows(&self.tx, &self.facility).await?;
            self.rows_locked = true;
        }
        Ok(())
    }

    async fn append(&self) -> Result<()> {
        dialect::lock_journal(&self.tx).await?;
        let head = self.select("SELECT seq, hash FROM journal ORDER BY seq DESC LIMIT 1", Vec::new()).await?;
        let (mut seq, mut hash) = match head.first() {
            Some(row) => (row.try_get_by_index::<i64>(0)?, row.try_get_by_index::<String>(1)?),
            None => (0, GENESIS.to_owned()),
        };
        let at = self.now.as_microsecond();
        for event in &self.events {
            seq += 1;
            let entry = Entry {
                action: event.action.clone(),
                actor: self.actor.name.clone(),
                at,
                details: event.details.clone(),
                facility: self.facility.clone(),
                seq,
                subject: event.subject.clone(),
            }
            .canonical();
            hash = chain(&hash, &entry);
            let values: Vec<Value> = vec![
                seq.into(),
                self.facility.clone().into(),
                at.into(),
                entry.into(),
                hash.clone().into(),
                event.action.clone().into(),
                event.subject.clone().into(),
            ];
            let sql = "INSERT INTO journal (seq, facility, at, entry, hash, action, subject) \
                       VALUES ($1, $2, $3, $4, $5, $6, $7)";
            self.tx.execute_raw(statement(&self.tx, sql, values)).await?;
        }
        Ok(())
    }

    pub(crate) async fn execute(&mut self, sql: &str, values: Vec<Value>) -> Result<u64> {
        self.changed = true;
        Ok(self.tx.execute_raw(statement(&self.tx, sql, values)).await?.rows_affected())
    }

    pub(crate) async fn select(&self, sql: &str, values: Vec<Value>) -> Result<Vec<QueryResult>> {
        Ok(self.tx.query_all_raw(statement(&self.tx, sql, values)).await?)
    }
}
