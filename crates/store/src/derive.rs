//! Derived columns of data that was written before there were any, or by an older derivation.
//!
//! Every write fills them itself. They are in no dump, so a loaded dump needs this too. It runs once a version, in one
//! transaction.

use domain::journal::Entry;
use domain::ledger::LEDGERS;
use sea_orm::{ConnectionTrait, DatabaseConnection, QueryResult, TransactionTrait, Value};

use crate::dialect::{MAX_PARAMETERS, marks, write_options};
use crate::error::{Error, Result};
use crate::rows::{search_text, select_list, stored_rows};
use crate::{access, statement};

/// Raise it when what a search compares changes.
const VERSION: i64 = 1;

/// Fills what is derived if an older version left it.
pub(crate) async fn refresh(db: &DatabaseConnection) -> Result<()> {
    let rows = select(db, "SELECT version FROM derived", Vec::new()).await?;
    let known = rows.first().map_or(Ok(0), |row| row.try_get_by_index::<i64>(0))?;
    if known < VERSION {
        let tx = db.begin_with_options(write_options()).await?;
        fill(&tx).await?;
        tx.commit().await?;
    }
    Ok(())
}

/// Fills every derived column from what it is derived from.
pub(crate) async fn fill(tx: &impl ConnectionTrait) -> Result<()> {
    search(tx).await?;
    journal(tx).await?;
    imports(tx).await?;
    access::rebuild::fill(tx).await?;
    execute(tx, "UPDATE derived SET version = $1", vec![VERSION.into()]).await
}

async fn search(tx: &impl ConnectionTrait) -> Result<()> {
    const PAGE: usize = MAX_PARAMETERS / 2;
    for of in LEDGERS {
        let mut after = String::new();
        loop {
            let list = select_list(of);
            let sql = format!("SELECT {list} FROM {} WHERE id > $1 ORDER BY id LIMIT {PAGE}", of.name);
            let rows = stored_rows(of, &select(tx, &sql, vec![after.clone().into()]).await?)?;
            let Some(last) = rows.last() else { break };
            after.clone_from(&last.id);
            let sql = format!(
                "WITH v (id, search) AS (VALUES {1}) UPDATE {0} SET search = v.search FROM v WHERE {0}.id = v.id",
                of.name,
                marks(rows.len(), 2)
            );
            let values = rows.iter().flat_map(|r| [Value::from(r.id.clone()), search_text(of, &r.row).into()]);
            execute(tx, &sql, values.collect()).await?;
        }
    }
    Ok(())
}

async fn journal(tx: &impl ConnectionTrait) -> Result<()> {
    const PAGE: usize = MAX_PARAMETERS / 3;
    let mut after = 0_i64;
    loop {
        let sql = format!("SELECT seq, entry FROM journal WHERE seq > $1 ORDER BY seq LIMIT {PAGE}");
        let rows = select(tx, &sql, vec![after.into()]).await?;
        let mut values: Vec<Value> = Vec::with_capacity(rows.len() * 3);
        for row in &rows {
            after = row.try_get_by_index(0)?;
            // An entry that cannot be read is for the verification of the journal to report.
            let entry = serde_json::from_str::<Entry>(&row.try_get_by_index::<String>(1)?).ok();
            let (action, subject) = entry.map(|e| (e.action, e.subject)).unwrap_or_default();
            values.extend([Value::from(after), action.into(), subject.into()]);
        }
        if rows.is_empty() {
            return Ok(());
        }
        let sql = format!(
            "WITH v (seq, action, subject) AS (VALUES {}) UPDATE journal SET action = v.action, subject = v.subject \
             FROM v WHERE journal.seq = v.seq",
            marks(rows.len(), 3)
        );
        execute(tx, &sql, values).await?;
    }
}

/// Version 0.1 noted only the rows an import changed. The ones it added are those that still stem from it, and those
/// that a later import changed.
async fn imports(tx: &impl ConnectionTrait) -> Result<()> {
    let sql = "UPDATE import_rows SET ledger = (SELECT i.ledger FROM imports i WHERE i.id = import_rows.import) \
               WHERE ledger = '' AND import IN (SELECT id FROM imports)";
    execute(tx, sql, Vec::new()).await?;
    let sql = "INSERT INTO import_rows (import, ledger, row_key, facility) \
               SELECT DISTINCT a.import_was, a.ledger, a.row_key, a.facility FROM import_rows a JOIN imports i ON i.id = a.import_was \
               WHERE NOT EXISTS (SELECT 1 FROM import_rows b WHERE b.import = a.import_was AND b.ledger = a.ledger AND b.row_key = a.row_key)";
    execute(tx, sql, Vec::new()).await?;
    for of in LEDGERS {
        let sql = format!(
            "INSERT INTO import_rows (import, ledger, row_key, facility) SELECT r.import, '{0}', r.row_key, r.facility \
             FROM {0} r WHERE r.import IS NOT NULL AND NOT EXISTS (SELECT 1 FROM import_rows b \
             WHERE b.import = r.import AND b.ledger = '{0}' AND b.row_key = r.row_key)",
            of.name
        );
        execute(tx, &sql, Vec::new()).await?;
    }
    Ok(())
}

async fn select(db: &impl ConnectionTrait, sql: &str, values: Vec<Value>) -> Result<Vec<QueryResult>> {
    db.query_all_raw(statement(db, sql, values)).await.map_err(Error::from)
}

async fn execute(db: &impl ConnectionTrait, sql: &str, values: Vec<Value>) -> Result<()> {
    Ok(db.execute_raw(statement(db, sql, values)).await.map(|_| ())?)
}
