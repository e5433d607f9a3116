//! The index, made anew from the journal.
//!
//! All in one transaction: whoever asks meanwhile asks the old index, and when the machine stops half-way, the old one is
//! still there.

use domain::access::Access;
use domain::journal::Entry;
use sea_orm::{ConnectionTrait, TransactionTrait};

use super::{Line, insert};
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
        let tx = self.write.begin_with_options(dialect::write_options()).await?;
        let count = fill(&tx).await?;
        tx.commit().await?;
        self.analyze().await?;
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
