//! Appending to the journal: entries are placed, chained and written many to a statement.
//!
//! Both ways in end here: a transaction that changes something appends what it [recorded](crate::WriteTx::record), and
//! [`Store::stage`] appends events that change nothing else, of any facility, in one transaction.

use std::sync::OnceLock;

use domain::journal::{Actor, Event, GENESIS, chain};
use jiff::Timestamp;
use sea_orm::{ConnectionTrait, DatabaseConnection, DatabaseTransaction, TransactionTrait, Value};

use crate::dialect::{self, marks};
use crate::error::Result;
use crate::room::Room;
use crate::{Store, statement};

/// Rows of one statement, the widest first, and its text once it was needed. Few widths, because the database keeps a
/// plan for each.
static WIDTHS: [(usize, OnceLock<String>); 4] =
    [(512, OnceLock::new()), (64, OnceLock::new()), (8, OnceLock::new()), (1, OnceLock::new())];
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
pub struct JournalEnd {
    db: DatabaseConnection,
    room: Room,
}

impl Store {
    /// The end of the journal.
    pub fn journal_end(&self) -> JournalEnd {
        JournalEnd { db: self.write.clone(), room: self.room.clone() }
    }
}

impl JournalEnd {
    /// Appends events in their order, all or none; durable when it returns.
    ///
    /// # Errors
    /// Any store error, with nothing appended.
    pub async fn stage(&self, events: &[&Unplaced]) -> Result<()> {
        self.room.check()?;
        let write = async {
            let tx = self.db.begin_with_options(dialect::write_options()).await?;
            append(&tx, events.iter().map(|u| (&u.actor, u.facility.as_str(), u.at, &u.event))).await?;
            Ok(tx.commit().await?)
        };
        self.room.noted(write.await)
    }
}

/// Appends events to the journal within a transaction, which nobody else does until it ends.
pub(crate) async fn append<'a>(
    tx: &DatabaseTransaction,
    mut events: impl ExactSizeIterator<Item = (&'a Actor, &'a str, Timestamp, &'a Event)>,
) -> Result<()> {
    dialect::lock_journal(tx).await?;
    let sql = "SELECT seq, hash FROM journal ORDER BY seq DESC LIMIT 1";
    let (mut seq, mut hash) = match tx.query_one_raw(statement(tx, sql, Vec::new())).await? {
        Some(row) => (row.try_get_by_index::<i64>(0)?, row.try_get_by_index::<String>(1)?),
        None => (0, GENESIS.to_owned()),
    };
    while let Some((width, sql)) = WIDTHS.iter().find(|(width, _)| *width <= events.len()) {
        let mut values: Vec<Value> = Vec::with_capacity(width * COLUMNS);
        for (actor, facility, at, event) in events.by_ref().take(*width) {
            seq += 1;
            let at = at.as_microsecond();
            let text = event.canonical(actor, at, facility, seq);
            hash = chain(&hash, &text);
            values.extend([
                seq.into(),
                facility.into(),
                at.into(),
                text.into(),
                hash.as_str().into(),
                event.action.as_str().into(),
                Value::from(event.subject.as_str()),
            ]);
        }
        let sql = sql.get_or_init(|| {
            let rows = marks(*width, COLUMNS);
            format!("INSERT INTO journal (seq, facility, at, entry, hash, action, subject) VALUES {rows}")
        });
        tx.execute_raw(statement(tx, sql, values)).await?;
    }
    Ok(())
}
