//! The index, made anew from the journal.
//!
//! All in one transaction: whoever asks meanwhile asks the old index, and when the machine stops half-way, the old one is
//! still there.

use domain::access::Access;
use domain::journal::Entry;
use sea_orm::{ConnectionTrait, TransactionTrait};

use super::{COLUMNS, Line, insert};
use crate::error::{Error, Result};
use crate::{Store, dialect, statement};

/// Entries read at a time.
const PART: u32 = 5_000;

/// The indexes that are faster made at the end than kept up: name, and the rest of the statement.
pub(crate) const INDEXES: &[(&str, &str)] = &[
    ("accesses_patient", "accesses (patient, at) WHERE patient IS NOT NULL"),
    ("accesses_person", "accesses (person, at)"),
    ("accesses_source", "accesses (source, at)"),
    ("accesses_mark", "accesses (mark)"),
    ("accesses_taken", "accesses (source, at) WHERE act IN (7, 8)"),
];

/// One row of the index in words: facility, place, mark, source, user, patient, terminal, plan, act, exposure, outcome,
/// records.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct IndexedAccess {
    /// Facility and place.
    pub of: (String, i64),
    /// Time and mark.
    pub at: (i64, i64),
    /// Source, user, patient, terminal, plan.
    pub names: Vec<Option<String>>,
    /// Act, exposure, outcome, records.
    pub numbers: Vec<Option<i64>>,
}

/// Fills the index from the journal; the number of accesses.
pub(crate) async fn fill(tx: &impl ConnectionTrait) -> Result<u64> {
    dialect::lock_journal(tx).await?;
    for (name, _) in INDEXES {
        tx.execute_unprepared(&format!("DROP INDEX IF EXISTS {name}")).await?;
    }
    tx.execute_unprepared("DELETE FROM accesses").await?;
    let mut count = 0_u64;
    let mut after = 0_i64;
    loop {
        let sql = format!(
            "SELECT seq, entry FROM journal WHERE seq > $1 AND action >= 'access.' AND action < 'access/' \
             ORDER BY seq LIMIT {PART}"
        );
        let rows = tx.query_all_raw(statement(tx, &sql, vec![after.into()])).await?;
        let Some(last) = rows.last() else { break };
        after = last.try_get_by_index(0)?;
        let mut of: (String, Vec<Line>) = Default::default();
        for row in &rows {
            // An entry that cannot be read is for the verification of the journal to report.
            let Ok(entry) = serde_json::from_str::<Entry>(&row.try_get_by_index::<String>(1)?) else { continue };
            let Some(access) = Access::of(&entry) else { continue };
            if of.0 != entry.facility {
                insert(tx, &of.0, &of.1).await?;
                of = (entry.facility.clone(), Vec::new());
            }
            of.1.push(Line { seq: entry.seq, mark: access.mark(&entry.facility), access });
            count += 1;
        }
        insert(tx, &of.0, &of.1).await?;
    }
    for (name, rest) in INDEXES {
        tx.execute_unprepared(&format!("CREATE INDEX {name} ON {rest}")).await?;
    }
    Ok(count)
}

impl Store {
    /// Makes the index of accesses anew from the journal; the number of accesses. All or nothing.
    ///
    /// # Errors
    /// Any store error, with the index as it was.
    pub async fn access_reindex(&self) -> Result<u64> {
        dialect::sort_in_files(&self.write, true).await?;
        let filled = self.refilled().await;
        dialect::sort_in_files(&self.write, false).await?;
        self.analyze().await?;
        filled
    }

    async fn refilled(&self) -> Result<u64> {
        let tx = self.write.begin_with_options(dialect::write_options()).await?;
        let count = fill(&tx).await?;
        tx.commit().await?;
        Ok(count)
    }

    /// The whole index in words, in the order of the journal; for checks of small ones.
    ///
    /// # Errors
    /// Any store error.
    pub async fn access_index(&self) -> Result<Vec<IndexedAccess>> {
        let sql = "SELECT s.facility, a.seq, a.at, a.mark, s.name, u.name, p.name, t.name, w.name, CAST(a.act AS BIGINT), \
                     CAST(a.exposure AS BIGINT), CAST(a.outcome AS BIGINT), a.records FROM accesses a \
                   JOIN access_names s ON s.id = a.source JOIN access_names u ON u.id = a.person \
                   LEFT JOIN access_names p ON p.id = a.patient LEFT JOIN access_names t ON t.id = a.terminal \
                   LEFT JOIN access_names w ON w.id = a.plan ORDER BY a.seq";
        let rows = self.query(sql, Vec::new()).await?;
        rows.iter()
            .map(|row| {
                Ok::<_, Error>(IndexedAccess {
                    of: (row.try_get_by_index(0)?, row.try_get_by_index(1)?),
                    at: (row.try_get_by_index(2)?, row.try_get_by_index(3)?),
                    names: (4..9).map(|n| row.try_get_by_index(n)).collect::<std::result::Result<_, _>>()?,
                    numbers: (9..13).map(|n| row.try_get_by_index(n)).collect::<std::result::Result<_, _>>()?,
                })
            })
            .collect()
    }
}

impl Store {
    /// Fills the index with `count` made-up accesses, for benchmarks on an installation of its own: of so many patients
    /// (`p0` …) and users (`u0` …), evenly spread over a span of UTC microseconds. No journal entry tells of them.
    ///
    /// # Errors
    /// Any store error.
    pub async fn access_fill(
        &self,
        facility: &str,
        count: u64,
        (patients, users): (u64, u64),
        (from, until): (i64, i64),
    ) -> Result<()> {
        const PART: u64 = 500_000;
        dialect::sort_in_files(&self.write, true).await?;
        let tx = self.write.begin_with_options(dialect::write_options()).await?;
        for (name, _) in INDEXES {
            tx.execute_unprepared(&format!("DROP INDEX {name}")).await?;
        }
        let series = |rows: u64| {
            format!(
                "WITH RECURSIVE k (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM k WHERE n < {}) ",
                rows.saturating_sub(1)
            )
        };
        let top = "SELECT CAST(COALESCE(MAX(id), 0) AS BIGINT) FROM access_names";
        let top = tx.query_one_raw(statement(&tx, top, Vec::new())).await?;
        let mut next: i64 = top.map_or(Ok(0), |row| row.try_get_by_index(0))?;
        let mut first = [0_i64; 4];
        let kinds = [("source", "s", 5), ("user", "u", users), ("patient", "p", patients), ("terminal", "t", 800)];
        for ((kind, letter, rows), first) in kinds.into_iter().zip(&mut first) {
            *first = next + 1;
            let sql = format!(
                "INSERT INTO access_names (id, facility, kind, name) {} SELECT $1 + n, $2, '{kind}', '{letter}' || n FROM k",
                series(rows)
            );
            tx.execute_raw(statement(&tx, &sql, vec![(*first).into(), facility.into()])).await?;
            next += i64::try_from(rows).unwrap_or_default();
        }
        let [source, user, patient, terminal] = first;
        let step = (until - from) / i64::try_from(count).unwrap_or(i64::MAX).max(1);
        let mut done = 0;
        while done < count {
            let rows = PART.min(count - done);
            // Multiplying by large numbers spreads marks, patients and users without a lot being drawn. The largest product
            // of ninety million rows still is a number of 63 bits.
            let sql = format!(
                "INSERT INTO accesses ({COLUMNS}) {} SELECT 1000000000000 + i, {from} + i * {step}, i * 98764321261 % 9007199254740881, \
                   {source} + i % 5, {user} + i * 7919 % {users}, {patient} + i * 104729 % {patients}, {terminal} + i * 7919 % {users} % 800, \
                   NULL, CASE WHEN i % 10 < 7 THEN 3 WHEN i % 100 = 99 THEN 8 ELSE 5 END, CASE WHEN i % 3 = 0 THEN 1 ELSE 0 END, \
                   CASE WHEN i % 500 = 1 THEN 1 ELSE 0 END, NULL \
                 FROM (SELECT CAST({done} AS BIGINT) + n AS i FROM k) x",
                series(rows)
            );
            tx.execute_unprepared(&sql).await?;
            done += rows;
        }
        for (name, rest) in INDEXES {
            tx.execute_unprepared(&format!("CREATE INDEX {name} ON {rest}")).await?;
        }
        tx.commit().await?;
        dialect::sort_in_files(&self.write, false).await?;
        self.analyze().await
    }
}
