//! Reading and checking the journal.

use std::collections::HashSet;

use domain::journal::{Break, Entry, verify};
use domain::ledger::Ledger;
use sea_orm::{ConnectionTrait, Value};

use crate::dialect::MAX_PARAMETERS;
use crate::error::{Error, Result};
use crate::trail::OWN;
use crate::{Store, retention, statement};

impl Store {
    /// The newest entries of a facility, or of all, as canonical JSON, newest first.
    ///
    /// # Errors
    /// Any store error.
    pub async fn journal_list(&self, facility: Option<&str>, limit: i64) -> Result<Vec<String>> {
        let scope = if facility.is_some() { " WHERE facility = $1" } else { "" };
        let sql = format!("SELECT entry FROM journal{scope} ORDER BY seq DESC LIMIT {limit}");
        let values = facility.map(|f| vec![f.into()]).unwrap_or_default();
        let rows = self.query(&sql, values).await?;
        rows.iter().map(|r| Ok(r.try_get_by_index(0)?)).collect()
    }

    /// The chain behind a place, oldest first: place, facility, entry as canonical JSON, hash.
    ///
    /// # Errors
    /// Any store error.
    pub async fn journal_chain(&self, after: i64) -> Result<Vec<(i64, String, String, String)>> {
        let sql = "SELECT seq, facility, entry, hash FROM journal WHERE seq > $1 ORDER BY seq";
        let rows = self.query(sql, vec![after.into()]).await?;
        rows.iter()
            .map(|r| {
                Ok((r.try_get_by_index(0)?, r.try_get_by_index(1)?, r.try_get_by_index(2)?, r.try_get_by_index(3)?))
            })
            .collect()
    }

    /// Checks the whole chain, from what was disposed of on; the place of the last entry, or the first break.
    ///
    /// # Errors
    /// Any store error; the break is the inner result.
    pub async fn journal_verify(&self) -> Result<std::result::Result<i64, Break>> {
        check(&self.read).await
    }

    /// What the journal tells of one row, newest first: its changes, and the imports that touched it with their undoing.
    ///
    /// # Errors
    /// Any store error.
    pub async fn journal_of_row(&self, ledger: &Ledger, facility: &str, key: &str) -> Result<Vec<Entry>> {
        let sql = format!(
            "SELECT id, file_name, at FROM imports WHERE id IN (SELECT import FROM import_rows WHERE import IN \
             (SELECT id FROM imports WHERE facility = $1) AND ledger = '{}' AND row_key = $2)",
            ledger.name
        );
        let mut imports = HashSet::new();
        // An entry about many rows has the ledger as its subject and names them inside.
        let mut subjects: Vec<Value> = vec![key.into(), ledger.name.into()];
        for row in self.query(&sql, vec![facility.into(), key.into()]).await? {
            let id: String = row.try_get_by_index(0)?;
            subjects.extend([id.clone().into(), row.try_get_by_index::<String>(1)?.into()]);
            imports.insert(id);
        }
        let prefix = format!("{}.", ledger.name);
        let tells = |entry: &Entry| {
            if let Some(import) = entry.details.get("import") {
                return imports.contains(import);
            }
            let listed = || entry.details.get("keys").is_some_and(|keys| keys.lines().any(|k| k == key));
            let of_row = entry.action.starts_with(&prefix) && (entry.subject == key || listed());
            of_row || (entry.action == "import.undo" && imports.contains(&entry.subject))
        };
        let mut told = Vec::new();
        for part in subjects.chunks(MAX_PARAMETERS - 1) {
            let places: Vec<String> = (0..part.len()).map(|n| format!("${}", n + 2)).collect();
            let sql = format!(
                "SELECT entry FROM journal WHERE facility = $1 AND subject IN ({}) AND {OWN}",
                places.join(",")
            );
            let values = std::iter::once(facility.into()).chain(part.iter().cloned()).collect();
            for row in self.query(&sql, values).await? {
                let entry: Entry = serde_json::from_str(&row.try_get_by_index::<String>(0)?)
                    .map_err(|_| Error::Corrupt { what: "journal".to_owned() })?;
                if tells(&entry) {
                    told.push(entry);
                }
            }
        }
        told.sort_by_key(|entry| std::cmp::Reverse(entry.seq));
        told.dedup_by_key(|entry| entry.seq);
        Ok(told)
    }

    /// Hash of the newest entry of a facility that is neither an access reported by another system nor a reading of the
    /// journal; empty when it has none. As long as it stays, nothing of the facility has changed but its access log and
    /// what is derived or fleeting.
    ///
    /// # Errors
    /// Any store error.
    pub async fn journal_newest(&self, facility: &str) -> Result<String> {
        let sql = format!(
            "SELECT hash FROM journal WHERE facility = $1 AND {OWN} AND action <> 'journal.read' ORDER BY seq DESC LIMIT 1"
        );
        let rows = self.query(&sql, vec![facility.into()]).await?;
        rows.first().map_or(Ok(String::new()), |row| Ok(row.try_get_by_index(0)?))
    }

    /// Place and hash of the newest entry; `(0, zeros)` when there is none.
    ///
    /// # Errors
    /// Any store error.
    pub async fn journal_head(&self) -> Result<(i64, String)> {
        let rows = self.query("SELECT seq, hash FROM journal ORDER BY seq DESC LIMIT 1", Vec::new()).await?;
        match rows.first() {
            Some(row) => Ok((row.try_get_by_index(0)?, row.try_get_by_index(1)?)),
            None => Ok((0, domain::journal::GENESIS.to_owned())),
        }
    }
}

/// Checks the whole chain, from what was disposed of on; the place of the last entry, or the first break.
pub(crate) async fn check(db: &impl ConnectionTrait) -> Result<std::result::Result<i64, Break>> {
    let floor = retention::floor(db).await?;
    let sql = "SELECT seq, entry, hash FROM journal WHERE seq > $1 ORDER BY seq";
    let rows = db.query_all_raw(statement(db, sql, vec![floor.seq.into()])).await?;
    let entries = rows
        .iter()
        .map(|r| Ok((r.try_get_by_index(0)?, r.try_get_by_index(1)?, r.try_get_by_index(2)?)))
        .collect::<std::result::Result<Vec<(i64, String, String)>, sea_orm::DbErr>>()
        .map_err(Error::from)?;
    let chain = entries.iter().map(|(seq, entry, hash)| (*seq, entry.as_str(), hash.as_str()));
    match verify((floor.seq, &floor.hash), chain) {
        Ok(last) => Ok(retention::untold(db, &floor).await?.map_or(Ok(last), Err)),
        broken => Ok(broken),
    }
}
