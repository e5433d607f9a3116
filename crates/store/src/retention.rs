//! 保存期間 and 処分: how long records are kept, what keeps them longer, and the beginning of the journal that went.
//!
//! A disposal is noted before anything goes: from then on the journal begins behind it, whether the rows are gone yet or
//! not. They go in small transactions, so that nobody waits for them, and after a crash with the next one.

use std::collections::BTreeMap;

use domain::access::Access;
use domain::journal::{Break, Entry, GENESIS};
use domain::retention::{Bounds, Kind};
use sea_orm::{ConnectionTrait, DatabaseTransaction, QueryResult, TransactionTrait, Value};

use crate::dialect::{self, MAX_PARAMETERS, marks};
use crate::error::{Error, Result};
use crate::trail::OWN;
use crate::{Store, WriteTx, statement};

/// Entries that go in one transaction.
const ENTRIES: u32 = 2_000;
/// Originals that go in one transaction.
const ORIGINALS: i64 = 200;

/// From where on the journal is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Floor {
    /// Place of the last entry that was disposed of; 0 when none was.
    pub seq: i64,
    /// Its hash, from which the chain goes on.
    pub hash: String,
    /// Whether nothing is left of it.
    pub done: bool,
}

/// A period as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeriodRow {
    /// Facility.
    pub facility: String,
    /// Kind of records.
    pub kind: Kind,
    /// Years.
    pub years: i64,
    /// Basis.
    pub basis: String,
}

/// A hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HoldRow {
    /// Id.
    pub id: String,
    /// Facility.
    pub facility: String,
    /// Why.
    pub reason: String,
    /// From which day on; everything without one.
    pub from_on: Option<String>,
    /// Who made it.
    pub made_by: String,
    /// When, UTC microseconds.
    pub made_at: i64,
    /// Who lifted it, why and when, if somebody did.
    pub lifted: Option<(String, String, i64)>,
}

/// A disposal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DisposalRow {
    /// Id.
    pub id: String,
    /// The facility in which it was asked for; empty for the installation.
    pub facility: String,
    /// `asked`, `withdrawn`, `approved` or `done`.
    pub state: String,
    /// Places of the first and the last entry.
    pub span: (i64, i64),
    /// Hash of the last entry.
    pub hash: String,
    /// When the first and the last entry were made, UTC microseconds.
    pub made: (i64, i64),
    /// Entries that are no accesses, accesses, originals.
    pub counts: (i64, i64, i64),
    /// The periods it follows from, in words.
    pub rules: String,
    /// The months whose keys are destroyed, in words.
    pub months: String,
    /// Up to when what goes with it goes.
    pub bounds: Bounds,
    /// Why it was asked for.
    pub reason: String,
    /// Who asked, and when.
    pub asked: (String, i64),
    /// Who decided, and when.
    pub decided: Option<(String, i64)>,
    /// Why it was withdrawn.
    pub why: Option<String>,
    /// Root of the sealed log at the minimum index, and when nothing was left.
    pub done: Option<(String, i64)>,
}

const HOLD: &str = "id, facility, reason, from_on, made_by, made_at, lifted_by, lifted_why, lifted_at";
const DISPOSAL: &str = "id, facility, state, first_seq, last_seq, hash, since_at, until_at, entries, accesses, originals, \
     rules, months, bounds, reason, asked_by, asked_at, decided_by, decided_at, why, root, done_at";

fn hold(row: &QueryResult) -> Result<HoldRow> {
    let lifted: (Option<String>, Option<String>, Option<i64>) =
        (row.try_get_by_index(6)?, row.try_get_by_index(7)?, row.try_get_by_index(8)?);
    Ok(HoldRow {
        id: row.try_get_by_index(0)?,
        facility: row.try_get_by_index(1)?,
        reason: row.try_get_by_index(2)?,
        from_on: row.try_get_by_index(3)?,
        made_by: row.try_get_by_index(4)?,
        made_at: row.try_get_by_index(5)?,
        lifted: lifted.0.zip(lifted.2).map(|(by, at)| (by, lifted.1.unwrap_or_default(), at)),
    })
}

fn disposal(row: &QueryResult) -> Result<DisposalRow> {
    let id: String = row.try_get_by_index(0)?;
    let bounds = serde_json::from_str(&row.try_get_by_index::<String>(13)?);
    let (decided_by, decided_at): (Option<String>, Option<i64>) =
        (row.try_get_by_index(17)?, row.try_get_by_index(18)?);
    let (root, done_at): (Option<String>, Option<i64>) = (row.try_get_by_index(20)?, row.try_get_by_index(21)?);
    Ok(DisposalRow {
        facility: row.try_get_by_index(1)?,
        state: row.try_get_by_index(2)?,
        span: (row.try_get_by_index(3)?, row.try_get_by_index(4)?),
        hash: row.try_get_by_index(5)?,
        made: (row.try_get_by_index(6)?, row.try_get_by_index(7)?),
        counts: (row.try_get_by_index(8)?, row.try_get_by_index(9)?, row.try_get_by_index(10)?),
        rules: row.try_get_by_index(11)?,
        months: row.try_get_by_index(12)?,
        bounds: bounds.map_err(|_| Error::Corrupt { what: format!("disposals_of_records {id}") })?,
        reason: row.try_get_by_index(14)?,
        asked: (row.try_get_by_index(15)?, row.try_get_by_index(16)?),
        decided: decided_by.zip(decided_at),
        why: row.try_get_by_index(19)?,
        done: root.zip(done_at),
        id,
    })
}

/// From where on the journal is kept.
pub(crate) async fn floor(db: &impl ConnectionTrait) -> Result<Floor> {
    let sql = "SELECT last_seq, hash, state FROM disposals_of_records WHERE state IN ('approved', 'done') \
               ORDER BY last_seq DESC LIMIT 1";
    match db.query_one_raw(statement(db, sql, Vec::new())).await? {
        Some(row) => Ok(Floor {
            seq: row.try_get_by_index(0)?,
            hash: row.try_get_by_index(1)?,
            done: row.try_get_by_index::<String>(2)? == "done",
        }),
        None => Ok(Floor { seq: 0, hash: GENESIS.to_owned(), done: true }),
    }
}

/// What is wrong with a beginning of the journal that is not there, or is there again: every beginning that went is told
/// of by an entry behind it.
pub(crate) async fn untold(db: &impl ConnectionTrait, floor: &Floor) -> Result<Option<Break>> {
    if floor.seq == 0 {
        return Ok(None);
    }
    let sql = format!("SELECT entry FROM journal WHERE seq > $1 AND action = '{}'", domain::retention::DISPOSE);
    let rows = db.query_all_raw(statement(db, &sql, vec![floor.seq.into()])).await?;
    let mut told = false;
    for row in &rows {
        let entry = serde_json::from_str::<Entry>(&row.try_get_by_index::<String>(0)?);
        told |= entry.is_ok_and(|entry| domain::retention::tells_of(&entry, floor.seq, &floor.hash));
    }
    if !told {
        return Ok(Some(Break {
            seq: 1, reason: "処分の記録がないのに、はじめの記録がありません"
        }));
    }
    let sql = "SELECT MIN(seq) FROM journal WHERE seq <= $1";
    let left = db.query_one_raw(statement(db, sql, vec![floor.seq.into()])).await?;
    let left: Option<i64> = left.map_or(Ok(None), |row| row.try_get_by_index(0))?;
    Ok(left.filter(|_| floor.done).map(|seq| Break { seq, reason: "処分したはずの記録があります" }))
}

impl Store {
    /// From where on the journal is kept.
    ///
    /// # Errors
    /// Any store error.
    pub async fn journal_floor(&self) -> Result<Floor> {
        floor(&self.read).await
    }

    /// Every period that was stated.
    ///
    /// # Errors
    /// Any store error.
    pub async fn retention_list(&self) -> Result<Vec<PeriodRow>> {
        let rows = self
            .query("SELECT facility, kind, years, basis FROM retention ORDER BY facility, kind", Vec::new())
            .await?;
        let mut periods = Vec::with_capacity(rows.len());
        for row in &rows {
            // A kind of a newer version is none of ours.
            if let Some(kind) = Kind::parse(&row.try_get_by_index::<String>(1)?) {
                let (facility, years, basis) =
                    (row.try_get_by_index(0)?, row.try_get_by_index(2)?, row.try_get_by_index(3)?);
                periods.push(PeriodRow { facility, kind, years, basis });
            }
        }
        Ok(periods)
    }

    /// Every hold, the newest first, also those that were lifted.
    ///
    /// # Errors
    /// Any store error.
    pub async fn hold_list(&self) -> Result<Vec<HoldRow>> {
        let sql = format!("SELECT {HOLD} FROM legal_holds ORDER BY made_at DESC, id DESC");
        self.query(&sql, Vec::new()).await?.iter().map(hold).collect()
    }

    /// Every disposal, the newest first.
    ///
    /// # Errors
    /// Any store error.
    pub async fn disposal_list(&self) -> Result<Vec<DisposalRow>> {
        let sql = format!("SELECT {DISPOSAL} FROM disposals_of_records ORDER BY asked_at DESC, id DESC");
        self.query(&sql, Vec::new()).await?.iter().map(disposal).collect()
    }

    /// Place of the first entry of a facility and kind that was made at an instant (UTC microseconds) or later.
    ///
    /// # Errors
    /// Any store error.
    pub async fn journal_first(&self, facility: &str, kind: Kind, at: i64) -> Result<Option<i64>> {
        let of = match kind {
            Kind::Journal => OWN,
            Kind::Accesses => "action >= 'access.' AND action < 'access/'",
        };
        let sql = format!(
            "SELECT seq FROM journal WHERE facility = $1 AND seq > $2 AND at >= $3 AND {of} ORDER BY seq LIMIT 1"
        );
        let floor = self.journal_floor().await?.seq;
        let rows = self.query(&sql, vec![facility.into(), floor.into(), at.into()]).await?;
        rows.first().map(|row| Ok(row.try_get_by_index(0)?)).transpose()
    }

    /// Place of the first entry that an open case of the log review is about.
    ///
    /// # Errors
    /// Any store error.
    pub async fn journal_first_of_cases(&self, facility: &str) -> Result<Option<i64>> {
        let sql = "SELECT MIN(a.seq) FROM review_cases c \
                   JOIN access_names s ON s.facility = c.facility AND s.kind = 'source' AND s.name = c.source \
                   JOIN accesses a ON a.source = s.id AND a.at >= c.first_at AND a.at <= c.last_at \
                   WHERE c.facility = $1 AND c.closed_at IS NULL";
        let rows = self.query(sql, vec![facility.into()]).await?;
        rows.first().map_or(Ok(None), |row| Ok(row.try_get_by_index(0)?))
    }

    /// Place of the first entry up to a place that is of a facility in no ledger.
    ///
    /// # Errors
    /// Any store error.
    pub async fn journal_first_of_strangers(&self, last: i64) -> Result<Option<i64>> {
        let sql = "SELECT seq FROM journal WHERE seq > $1 AND seq <= $2 AND facility <> '' \
                   AND facility NOT IN (SELECT facility FROM facilities) ORDER BY seq LIMIT 1";
        let floor = self.journal_floor().await?.seq;
        let rows = self.query(sql, vec![floor.into(), last.into()]).await?;
        rows.first().map(|row| Ok(row.try_get_by_index(0)?)).transpose()
    }

    /// When an entry was made (UTC microseconds), and its hash.
    ///
    /// # Errors
    /// Any store error.
    pub async fn journal_at(&self, seq: i64) -> Result<Option<(i64, String)>> {
        let rows = self.query("SELECT at, hash FROM journal WHERE seq = $1", vec![seq.into()]).await?;
        rows.first().map(|row| Ok((row.try_get_by_index(0)?, row.try_get_by_index(1)?))).transpose()
    }

    /// The earliest instant at which one of the first entries of a facility behind a place was made. The clock of a
    /// server goes forward but for moments, so that is the earliest of all of them.
    ///
    /// # Errors
    /// Any store error.
    pub async fn journal_earliest(&self, facility: &str, after: i64) -> Result<Option<i64>> {
        let sql =
            "SELECT MIN(at) FROM (SELECT at FROM journal WHERE facility = $1 AND seq > $2 ORDER BY seq LIMIT 2000) x";
        let rows = self.query(sql, vec![facility.into(), after.into()]).await?;
        rows.first().map_or(Ok(None), |row| Ok(row.try_get_by_index(0)?))
    }

    /// How many entries up to a place are no accesses, and how many are.
    ///
    /// # Errors
    /// Any store error.
    pub async fn journal_counts(&self, (first, last): (i64, i64)) -> Result<(i64, i64)> {
        let sql =
            format!("SELECT COUNT(CASE WHEN {OWN} THEN 1 END), COUNT(*) FROM journal WHERE seq >= $1 AND seq <= $2");
        let rows = self.query(&sql, vec![first.into(), last.into()]).await?;
        let row = rows.first().ok_or_else(|| Error::Corrupt { what: "journal".to_owned() })?;
        let (own, all): (i64, i64) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
        Ok((own, all - own))
    }

    /// How many originals of a facility came before an instant (UTC microseconds).
    ///
    /// # Errors
    /// Any store error.
    pub async fn arrival_count(&self, facility: &str, before: i64) -> Result<i64> {
        let sql = "SELECT COUNT(*) FROM arrivals WHERE facility = $1 AND received_at < $2";
        let rows = self.query(sql, vec![facility.into(), before.into()]).await?;
        rows.first().map_or(Ok(0), |row| Ok(row.try_get_by_index(0)?))
    }

    /// The months before this one (`2021-11`) that a facility has keys of.
    ///
    /// # Errors
    /// Any store error.
    pub async fn seal_key_months(&self, facility: &str, before: &str) -> Result<Vec<String>> {
        let sql = "SELECT month FROM seal_keys WHERE facility = $1 AND month < $2 ORDER BY month";
        let rows = self.query(sql, vec![facility.into(), before.into()]).await?;
        rows.iter().map(|row| Ok(row.try_get_by_index(0)?)).collect()
    }

    /// Takes the next step of an approved disposal: some entries with their rows in the index, then some originals, then
    /// names that nothing is left of and the keys of the months. Whether there is more to do.
    ///
    /// # Errors
    /// Any store error, with the step not taken.
    pub async fn disposal_step(&self, of: &DisposalRow) -> Result<bool> {
        let tx = self.write.begin_with_options(dialect::write_options()).await?;
        // Nobody adds to the journal or to the index meanwhile.
        dialect::lock_journal(&tx).await?;
        let more = remove_entries(&tx, of.span.1).await? || remove_originals(&tx, &of.bounds).await?;
        if !more {
            remove_rest(&tx, &of.bounds).await?;
        }
        tx.commit().await?;
        Ok(more)
    }
}

async fn execute(tx: &DatabaseTransaction, sql: &str, values: Vec<Value>) -> Result<u64> {
    Ok(tx.execute_raw(statement(tx, sql, values)).await?.rows_affected())
}

/// Removes the first entries up to a place with their rows in the index; whether there were any.
async fn remove_entries(tx: &DatabaseTransaction, last: i64) -> Result<bool> {
    let sql = format!("SELECT seq, entry FROM journal WHERE seq <= $1 ORDER BY seq LIMIT {ENTRIES}");
    let rows = tx.query_all_raw(statement(tx, &sql, vec![last.into()])).await?;
    let Some(end) = rows.last() else { return Ok(false) };
    let end: i64 = end.try_get_by_index(0)?;
    let mut indexed: BTreeMap<(String, String), Vec<Value>> = BTreeMap::new();
    for row in &rows {
        let entry = serde_json::from_str::<Entry>(&row.try_get_by_index::<String>(1)?);
        if let Some((entry, access)) = entry.ok().and_then(|entry| Access::of(&entry).map(|access| (entry, access))) {
            indexed.entry((entry.facility, access.source)).or_default().push(access.at.as_microsecond().into());
        }
    }
    for ((facility, source), times) in indexed {
        for part in times.chunks(MAX_PARAMETERS - 3) {
            let n = part.len();
            let sql = format!(
                "DELETE FROM accesses WHERE at IN {} AND seq <= ${} AND source IN (SELECT id FROM access_names \
                 WHERE facility = ${} AND kind = 'source' AND name = ${})",
                marks(1, n),
                n + 1,
                n + 2,
                n + 3
            );
            let of = [end.into(), facility.clone().into(), source.clone().into()];
            execute(tx, &sql, part.iter().cloned().chain(of).collect()).await?;
        }
    }
    execute(tx, "DELETE FROM journal WHERE seq <= $1", vec![end.into()]).await?;
    Ok(true)
}

/// Removes the first originals of a source that came before the bound of its facility; whether there were any.
async fn remove_originals(tx: &DatabaseTransaction, bounds: &Bounds) -> Result<bool> {
    for (facility, before) in &bounds.originals {
        dialect::lock_arrivals(tx, facility).await?;
        let sql = "SELECT h.source, CAST(COALESCE(h.gone, 0) AS BIGINT), \
                     COALESCE((SELECT MIN(a.place) FROM arrivals a WHERE a.facility = h.facility AND a.source = h.source \
                     AND a.received_at >= $1), h.place + 1) FROM arrival_heads h WHERE h.facility = $2 ORDER BY h.source";
        for row in tx.query_all_raw(statement(tx, sql, vec![(*before).into(), facility.into()])).await? {
            let (source, gone, kept): (String, i64, i64) =
                (row.try_get_by_index(0)?, row.try_get_by_index(1)?, row.try_get_by_index(2)?);
            let last = (kept - 1).min(gone + ORIGINALS);
            if last <= gone {
                continue;
            }
            let sql = "UPDATE arrival_heads SET gone = $1, gone_hash = (SELECT a.hash FROM arrivals a WHERE a.facility = $2 \
                       AND a.source = $3 AND a.place = $1) WHERE facility = $2 AND source = $3";
            execute(tx, sql, vec![last.into(), facility.into(), source.clone().into()]).await?;
            let sql = "DELETE FROM arrivals WHERE facility = $1 AND source = $2 AND place <= $3";
            execute(tx, sql, vec![facility.into(), source.into(), last.into()]).await?;
            return Ok(true);
        }
    }
    Ok(false)
}

/// Removes names of people that nothing is left of, and destroys the keys.
async fn remove_rest(tx: &DatabaseTransaction, bounds: &Bounds) -> Result<()> {
    dialect::lock_names(tx).await?;
    for (kind, column) in [("patient", "patient"), ("user", "person")] {
        let sql = format!(
            "DELETE FROM access_names WHERE kind = '{kind}' AND NOT EXISTS \
             (SELECT 1 FROM accesses a WHERE a.{column} = access_names.id)"
        );
        execute(tx, &sql, Vec::new()).await?;
    }
    for (facility, before) in &bounds.keys {
        let sql = "DELETE FROM seal_keys WHERE facility = $1 AND month < $2";
        execute(tx, sql, vec![facility.into(), before.into()]).await?;
    }
    Ok(())
}

impl WriteTx {
    /// States a period of this facility, or takes it back.
    ///
    /// # Errors
    /// Any store error.
    pub async fn retention_set(&mut self, kind: Kind, period: Option<(i64, &str)>) -> Result<()> {
        let key: [Value; 2] = [self.facility.clone().into(), kind.code().into()];
        let Some((years, basis)) = period else {
            self.execute("DELETE FROM retention WHERE facility = $1 AND kind = $2", key.into()).await?;
            return Ok(());
        };
        let sql = "INSERT INTO retention (facility, kind, years, basis) VALUES ($1, $2, $3, $4) \
                   ON CONFLICT (facility, kind) DO UPDATE SET years = excluded.years, basis = excluded.basis";
        self.execute(sql, key.into_iter().chain([years.into(), basis.into()]).collect()).await?;
        Ok(())
    }

    /// Adds a hold of this facility.
    ///
    /// # Errors
    /// Any store error.
    pub async fn hold_insert(&mut self, id: &str, reason: &str, from_on: Option<&str>, by: &str) -> Result<()> {
        let sql =
            "INSERT INTO legal_holds (id, facility, reason, from_on, made_by, made_at) VALUES ($1, $2, $3, $4, $5, $6)";
        let values = vec![
            id.into(),
            self.facility.clone().into(),
            reason.into(),
            Value::String(from_on.map(str::to_owned)),
            by.into(),
            self.now.as_microsecond().into(),
        ];
        self.execute(sql, values).await?;
        Ok(())
    }

    /// Lifts a hold of this facility; `false` when there is none of this id that is not lifted yet.
    ///
    /// # Errors
    /// Any store error.
    pub async fn hold_lift(&mut self, id: &str, why: &str, by: &str) -> Result<bool> {
        let sql = "UPDATE legal_holds SET lifted_by = $1, lifted_why = $2, lifted_at = $3 \
                   WHERE id = $4 AND facility = $5 AND lifted_at IS NULL";
        let now = self.now.as_microsecond();
        let values = vec![by.into(), why.into(), now.into(), id.into(), self.facility.clone().into()];
        Ok(self.execute(sql, values).await? == 1)
    }

    /// Adds a disposal that is asked for. Nobody else decides about disposals until this transaction ends.
    ///
    /// # Errors
    /// [`Error::Conflict`] while another one waits or is under way.
    pub async fn disposal_insert(&mut self, new: &DisposalRow) -> Result<()> {
        dialect::lock_journal(&self.tx).await?;
        let open = "SELECT 1 FROM disposals_of_records WHERE state IN ('asked', 'approved') LIMIT 1";
        if !self.select(open, Vec::new()).await?.is_empty() {
            return Err(Error::Conflict { what: "記録の処分".to_owned() });
        }
        let sql = format!(
            "INSERT INTO disposals_of_records (id, facility, state, first_seq, last_seq, hash, since_at, until_at, entries, \
             accesses, originals, rules, months, bounds, reason, asked_by, asked_at) VALUES {}",
            marks(1, 17)
        );
        let (own, accesses, originals) = new.counts;
        let bounds = serde_json::to_string(&new.bounds).unwrap_or_default();
        let mut values: Vec<Value> = vec![new.id.clone().into(), new.facility.clone().into(), "asked".into()];
        values.extend([new.span.0.into(), new.span.1.into(), new.hash.clone().into()]);
        values.extend([new.made.0, new.made.1, own, accesses, originals].map(Value::from));
        values.extend([&new.rules, &new.months, &bounds, &new.reason, &new.asked.0].map(|text| text.clone().into()));
        values.push(new.asked.1.into());
        self.execute(&sql, values).await?;
        Ok(())
    }

    /// Approves a disposal that waits: from now on the journal begins behind it. Nothing else is committed until this
    /// transaction ends.
    ///
    /// # Errors
    /// [`Error::Conflict`] when it does not wait any more.
    pub async fn disposal_approve(&mut self, id: &str, by: &str, hash: &str) -> Result<()> {
        dialect::lock_journal(&self.tx).await?;
        let sql = "UPDATE disposals_of_records SET state = 'approved', decided_by = $1, decided_at = $2 \
                   WHERE id = $3 AND hash = $4 AND state = 'asked'";
        let values = vec![by.into(), self.now.as_microsecond().into(), id.into(), hash.into()];
        self.decided(sql, values).await
    }

    /// Withdraws a disposal that waits.
    ///
    /// # Errors
    /// [`Error::Conflict`] when it does not wait any more.
    pub async fn disposal_withdraw(&mut self, id: &str, by: &str, why: &str) -> Result<()> {
        let sql = "UPDATE disposals_of_records SET state = 'withdrawn', decided_by = $1, decided_at = $2, why = $3 \
                   WHERE id = $4 AND state = 'asked'";
        self.decided(sql, vec![by.into(), self.now.as_microsecond().into(), why.into(), id.into()]).await
    }

    /// Says that nothing is left of what a disposal was about.
    ///
    /// # Errors
    /// [`Error::Conflict`] when it is not under way.
    pub async fn disposal_done(&mut self, id: &str, root: &str) -> Result<()> {
        let sql = "UPDATE disposals_of_records SET state = 'done', root = $1, done_at = $2 WHERE id = $3 AND state = 'approved'";
        self.decided(sql, vec![root.into(), self.now.as_microsecond().into(), id.into()]).await
    }

    async fn decided(&mut self, sql: &str, values: Vec<Value>) -> Result<()> {
        if self.execute(sql, values).await? == 1 {
            Ok(())
        } else {
            Err(Error::Conflict { what: "記録の処分".to_owned() })
        }
    }
}
