//! Appending to the journal: entries are placed, chained and written many to a statement.
//!
//! Both ways in end here: a transaction that changes something appends what it [recorded](crate::WriteTx::record), and
//! [`Store::stage`] appends events that change nothing else, of any facility, in one transaction.

use domain::journal::{Actor, Entry, Event, GENESIS, chain};
use jiff::Timestamp;
use sea_orm::{ConnectionTrait, DatabaseConnection, DatabaseTransaction, TransactionTrait, Value};

use crate::dialect::{self, marks};
use crate::error::Result;
use crate::{Store, statement};

/// Rows of one statement, the widest first. Few widths, because the database keeps a plan for each.
const WIDTHS: [usize; 4] = [512, 64, 8, 1];
/// Columns of a row of the journal.
const COLUMNS: usize = 7;

/// An event that changes nothing else, with what makes it an entry.
#[derive(Clone, Debug)]
pub struct Unplaced {
    /// Who did it.
    pub actor: Actor,
    /// The facility it belongs to; empty for the installation.
    pub facility: String,
    /// When.
    pub at: Timestamp,
    /// What was done.
    pub event: Event,
}

/// The end of the journal, for whoever appends what changes nothing else. Cheap to clone and independent of the
/// [`Store`] it is of, so that a task of its own can hold it.
#[derive(Clone)]
pub struct JournalEnd(DatabaseConnection);

impl Store {
    /// The end of the journal.
    pub fn journal_end(&self) -> JournalEnd {
        JournalEnd(self.write.clone())
    }
}

impl JournalEnd {
    /// Appends events in their order, all or none; durable when it returns.
    ///
    /// # Errors
    /// Any store error, with nothing appended.
    pub async fn stage(&self, events: Vec<Unplaced>) -> Result<()> {
        let tx = self.0.begin_with_options(dialect::write_options()).await?;
        append(&tx, events).await?;
        Ok(tx.commit().await?)
    }
}

/// Appends events to the journal within a transaction, which nobody else does until it ends.
pub(crate) async fn append(tx: &DatabaseTransaction, events: Vec<Unplaced>) -> Result<()> {
    dialect::lock_journal(tx).await?;
    let sql = "SELECT seq, hash FROM journal ORDER BY seq DESC LIMIT 1";
    let (mut seq, mut hash) = match tx.query_one_raw(statement(tx, sql, Vec::new())).await? {
        Some(row) => (row.try_get_by_index::<i64>(0)?, row.try_get_by_index::<String>(1)?),
        None => (0, GENESIS.to_owned()),
    };
    let mut rest = events.into_iter();
    while let Some(&width) = WIDTHS.iter().find(|&&width| width <= rest.len()) {
        let mut values: Vec<Value> = Vec::with_capacity(width * COLUMNS);
        for Unplaced { actor, facility, at, event } in rest.by_ref().take(width) {
            seq += 1;
            let entry = Entry {
                action: event.action,
                actor: actor.name,
                at: at.as_microsecond(),
                details: event.details,
                facility,
                seq,
                subject: event.subject,
            };
            let text = entry.canonical();
            hash = chain(&hash, &text);
            values.extend([
                seq.into(),
                entry.facility.into(),
                entry.at.into(),
                text.into(),
                hash.clone().into(),
                entry.action.into(),
                Value::from(entry.subject),
            ]);
        }
        let sql = format!(
            "INSERT INTO journal (seq, facility, at, entry, hash, action, subject) VALUES {}",
            marks(width, COLUMNS)
        );
        tx.execute_raw(statement(tx, &sql, values)).await?;
    }
    Ok(())
}
