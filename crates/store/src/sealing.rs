//! Who seals: one node at a time, known by a term that grows with every change, and no head without it.
//!
//! No clock is compared with another: whoever wants to take over watches for as long as it likes and names what it
//! saw; if the holder did anything meanwhile, it fails. A holder that was taken for dead and comes back is refused by
//! its term before its head is published.

use domain::journal::{Actor, Event};
use jiff::Timestamp;
use sea_orm::{QueryResult, Value};

use crate::Store;
use crate::error::{Error, Result};

/// Who seals, and what was sealed last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealing {
    /// The folder of whoever seals; empty before the first.
    pub place: String,
    /// Number of the holder.
    pub term: i64,
    /// What the holder counts as long as it lives.
    pub beat: i64,
    /// Name of the log; empty before its first head.
    pub origin: String,
    /// Number of entries under the newest head.
    pub size: i64,
    /// Root over them, in hex.
    pub root: String,
}

/// How the key of a day follows from the one before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogTurn {
    /// Number of the key.
    pub number: i64,
    /// What was drawn for it, in hex.
    pub fresh: String,
    /// Its record.
    pub record: String,
}

impl Store {
    /// Whether no other process can have this database open.
    pub fn alone(&self) -> bool {
        self.lock.is_some()
    }

    /// Who seals now.
    ///
    /// # Errors
    /// Any store error.
    pub async fn sealing(&self) -> Result<Sealing> {
        let sql = "SELECT place, term, beat, origin, size, root FROM sealing WHERE id = 1";
        let rows = self.query(sql, Vec::new()).await?;
        let read = |row: &QueryResult| -> std::result::Result<Sealing, sea_orm::DbErr> {
            Ok(Sealing {
                place: row.try_get_by_index(0)?,
                term: row.try_get_by_index(1)?,
                beat: row.try_get_by_index(2)?,
                origin: row.try_get_by_index(3)?,
                size: row.try_get_by_index(4)?,
                root: row.try_get_by_index(5)?,
            })
        };
        Ok(read(rows.first().ok_or_else(|| Error::Corrupt { what: "sealing".to_owned() })?)?)
    }

    /// Makes `place` the holder, if nothing happened since `seen`; the new term.
    ///
    /// # Errors
    /// Any store error.
    pub async fn sealing_take(&self, place: &str, seen: &Sealing) -> Result<Option<i64>> {
        let sql = "UPDATE sealing SET place = $1, term = term + 1, beat = 0 WHERE id = 1 AND term = $2 AND beat = $3";
        let values = vec![place.into(), seen.term.into(), seen.beat.into()];
        Ok((self.housekeep(sql, values).await? == 1).then_some(seen.term + 1))
    }

    /// Says that the holder of this term lives; `false` when somebody took over.
    ///
    /// # Errors
    /// Any store error.
    pub async fn sealing_beat(&self, term: i64) -> Result<bool> {
        Ok(self.housekeep("UPDATE sealing SET beat = beat + 1 WHERE id = 1 AND term = $1", vec![term.into()]).await?
            == 1)
    }

    /// Notes the head that the holder of this term is about to publish; `false` when somebody took over, and it must
    /// not.
    ///
    /// # Errors
    /// Any store error.
    pub async fn sealing_head(&self, term: i64, origin: &str, size: i64, root: &str) -> Result<bool> {
        let sql = "UPDATE sealing SET beat = beat + 1, origin = $1, size = $2, root = $3 WHERE id = 1 AND term = $4";
        let values: Vec<Value> = vec![origin.into(), size.into(), root.into(), term.into()];
        Ok(self.housekeep(sql, values).await? == 1)
    }

    /// How the keys of the log named `origin` follow from each other, from number `first` on, in order.
    ///
    /// # Errors
    /// Any store error.
    pub async fn log_turns(&self, origin: &str, first: i64) -> Result<Vec<LogTurn>> {
        let sql = "SELECT number, fresh, record FROM log_turns WHERE origin = $1 AND number >= $2 ORDER BY number";
        let rows = self.query(sql, vec![origin.into(), first.into()]).await?;
        let read = |row: &QueryResult| -> std::result::Result<LogTurn, sea_orm::DbErr> {
            let (number, fresh, record) =
                (row.try_get_by_index(0)?, row.try_get_by_index(1)?, row.try_get_by_index(2)?);
            Ok(LogTurn { number, fresh, record })
        };
        Ok(rows.iter().map(read).collect::<std::result::Result<_, _>>()?)
    }

    /// Notes how the holder of this term turns over, unless that number was decided before; what was decided. `None`
    /// when somebody took over.
    ///
    /// # Errors
    /// Any store error.
    pub async fn log_turn(&self, term: i64, origin: &str, turn: LogTurn) -> Result<Option<LogTurn>> {
        let sql = "INSERT INTO log_turns (origin, number, fresh, record) \
                   SELECT CAST($1 AS TEXT), CAST($2 AS BIGINT), CAST($3 AS TEXT), CAST($4 AS TEXT) \
                   FROM sealing WHERE id = 1 AND term = $5 ON CONFLICT (origin, number) DO NOTHING";
        let LogTurn { number, fresh, record } = turn;
        self.housekeep(sql, vec![origin.into(), number.into(), fresh.into(), record.into(), term.into()]).await?;
        if !self.sealing_beat(term).await? {
            return Ok(None);
        }
        let decided = self.log_turns(origin, number).await?.into_iter().find(|turn| turn.number == number);
        decided.map(Some).ok_or_else(|| Error::Corrupt { what: format!("log_turns {number}") })
    }

    /// Forgets the log that was sealed, because it and its key are lost: the next one that seals begins another.
    ///
    /// # Errors
    /// Any store error.
    pub async fn sealing_forget(&self, actor: &Actor, now: Timestamp) -> Result<()> {
        let was = self.sealing().await?;
        let mut tx = self.begin(actor, "", now).await?;
        tx.execute("UPDATE sealing SET place = '', term = term + 1, origin = '', size = 0, root = ''", Vec::new())
            .await?;
        tx.record(Event::new("seal.begin-anew", was.origin).with("size", was.size).with("root", was.root));
        tx.commit().await
    }
}
