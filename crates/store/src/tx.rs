//! Write transactions that cannot forget the journal.

use std::sync::Arc;

use domain::journal::{Actor, Event};
use jiff::Timestamp;
use sea_orm::{ConnectionTrait, DatabaseTransaction, QueryResult, Value};

use crate::access::Index;
use crate::error::{Error, Result};
use crate::room::Room;
use crate::{dialect, stage, statement};

/// A write transaction for one facility. Every change goes through it, and [`commit`](Self::commit)
/// refuses when something changed and nothing was [`record`](Self::record)ed.
pub struct WriteTx {
    pub(crate) tx: DatabaseTransaction,
    room: Room,
    actor: Arc<Actor>,
    pub(crate) facility: String,
    pub(crate) now: Timestamp,
    changed: bool,
    rows_locked: bool,
    events: Vec<(Arc<Actor>, Event)>,
    index: Index,
}

impl WriteTx {
    pub(crate) fn new(tx: DatabaseTransaction, room: Room, actor: Actor, facility: String, now: Timestamp) -> Self {
        Self {
            tx,
            room,
            actor: Arc::new(actor),
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
        self.events.push((Arc::clone(&self.actor), event));
    }

    /// What is recorded from now on was done by another, in a transaction that several share.
    pub fn act_as(&mut self, actor: &Actor) {
        self.actor = Arc::new(actor.clone());
    }

    /// Records an access; it becomes part of the journal and of the index when the transaction commits.
    pub(crate) fn record_access(&mut self, access: &domain::access::Access, mark: i64) {
        self.index.note(self.events.len(), access.clone(), mark);
        self.record(access.event());
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
        let Self { tx, room, facility, now, events, index, .. } = self;
        let write = async {
            if !events.is_empty() {
                let events = events.iter().map(|(actor, event)| (actor.as_ref(), facility.as_str(), now, event));
                let count = events.len();
                stage::append(&tx, events).await?;
                index.write(&tx, &facility, count).await?;
            }
            Ok(tx.commit().await?)
        };
        room.noted(write.await)
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

    pub(crate) async fn execute(&mut self, sql: &str, values: Vec<Value>) -> Result<u64> {
        self.changed = true;
        let done = self.tx.execute_raw(statement(&self.tx, sql, values)).await.map_err(Error::from);
        Ok(self.room.noted(done)?.rows_affected())
    }

    pub(crate) async fn select(&self, sql: &str, values: Vec<Value>) -> Result<Vec<QueryResult>> {
        Ok(self.tx.query_all_raw(statement(&self.tx, sql, values)).await?)
    }
}
