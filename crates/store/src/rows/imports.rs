//! Imports: what each did to which row, so that it can be undone to the letter.
//!
//! `import_rows` names every row an import touched, and `import` in a ledger row names the import that touched it last.
//! An import can be undone while it is the last one everywhere; then undoing is exact, and nothing a later import or a
//! person said is lost. Otherwise the [`Obstacle`]s are named.

use std::collections::HashMap;

use domain::jp::day_in_japan;
use domain::ledger::{Column, Kind, LEDGERS, Ledger, Row, Value as Cell, ledger};
use sea_orm::Value;

use super::{StoredRow, row_from_json, search_text, select_list, stored_rows};
use crate::dialect::{MAX_PARAMETERS, marks};
use crate::error::{Error, Result};
use crate::{Store, WriteTx};

/// One import, as the list of imports shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportRecord {
    /// Id of the import.
    pub id: String,
    /// Ledger it went into.
    pub ledger: String,
    /// Name of the file.
    pub file_name: String,
    /// SHA-256 of the file, hex.
    pub sha256: String,
    /// When, UTC microseconds.
    pub at: i64,
    /// Rows added.
    pub added: i64,
    /// Rows changed.
    pub changed: i64,
    /// Rows that were already as in the file, and are confirmed by it.
    pub unchanged: i64,
    /// Rows refused.
    pub rejected: i64,
    /// Whether it was undone.
    pub undone: bool,
}

/// What an import does to the rows of its ledger.
#[derive(Clone, Copy, Debug)]
pub struct ImportRows<'a> {
    /// New rows, and changed rows as they will be, by key.
    pub written: &'a [(String, Row)],
    /// The changed ones as they are.
    pub before: &'a [StoredRow],
    /// Keys of the rows that are already so; their statement is as young as the import.
    pub confirmed: &'a [String],
}

/// What undoing an import did, in rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Undone {
    /// Rows it had added, now gone.
    pub removed: u64,
    /// Rows it had changed or confirmed, now as before and as old as before.
    pub restored: u64,
}

/// Why an import cannot be undone now.
#[derive(Clone, Debug)]
pub enum Obstacle {
    /// A later import touched rows of this one; it has to be undone first.
    Import {
        /// Id of the later import.
        id: String,
        /// Its file.
        file_name: String,
        /// How many rows of this one it touched.
        rows: i64,
    },
    /// Rows were changed, confirmed or removed by hand since.
    Edited {
        /// Their ledger.
        ledger: &'static Ledger,
        /// The first few keys.
        keys: Vec<String>,
    },
    /// Rows would name a row that is no longer there.
    Dangling {
        /// Their ledger.
        ledger: &'static Ledger,
        /// The first few keys.
        keys: Vec<String>,
    },
}

/// So many keys are named in an [`Obstacle`].
const NAMED: i64 = 5;

const RECORD: &str = "id, ledger, file_name, sha256, at, added, changed, unchanged, rejected, undone_at";

impl Store {
    /// The imports of a facility, newest first.
    ///
    /// # Errors
    /// Any store error.
    pub async fn import_list(&self, facility: &str) -> Result<Vec<ImportRecord>> {
        let sql = format!("SELECT {RECORD} FROM imports WHERE facility = $1 ORDER BY at DESC, id DESC");
        let rows = self.query(&sql, vec![facility.into()]).await?;
        rows.iter()
            .map(|r| {
                Ok(ImportRecord {
                    id: r.try_get_by_index(0)?,
                    ledger: r.try_get_by_index(1)?,
                    file_name: r.try_get_by_index(2)?,
                    sha256: r.try_get_by_index(3)?,
                    at: r.try_get_by_index(4)?,
                    added: r.try_get_by_index(5)?,
                    changed: r.try_get_by_index(6)?,
                    unchanged: r.try_get_by_index(7)?,
                    rejected: r.try_get_by_index(8)?,
                    undone: r.try_get_by_index::<Option<i64>>(9)?.is_some(),
                })
            })
            .collect()
    }

    /// The column mappings a facility corrected by hand: `(ledger, folded header) → column`.
    ///
    /// # Errors
    /// Any store error.
    pub async fn mapping_list(&self, facility: &str) -> Result<Vec<(String, String, String)>> {
        let sql = "SELECT ledger, header, column_name FROM mappings WHERE facility = $1";
        let rows = self.query(sql, vec![facility.into()]).await?;
        rows.iter().map(|r| Ok((r.try_get_by_index(0)?, r.try_get_by_index(1)?, r.try_get_by_index(2)?))).collect()
    }
}

impl WriteTx {
    /// Notes an import and does what it does: keeps what it replaces, writes what is new or changed, and makes the
    /// statement of the confirmed rows as young as itself.
    ///
    /// # Errors
    /// Any store error.
    pub async fn import_apply(
        &mut self,
        of: &'static Ledger,
        import: &ImportRecord,
        what: ImportRows<'_>,
    ) -> Result<()> {
        self.lock_rows().await?;
        let facility = self.facility.clone();
        let values: Vec<Value> = vec![
            import.id.clone().into(),
            import.ledger.clone().into(),
            import.file_name.clone().into(),
            import.sha256.clone().into(),
            import.at.into(),
            import.added.into(),
            import.changed.into(),
            import.unchanged.into(),
            import.rejected.into(),
            facility.clone().into(),
        ];
        let sql =
            format!("INSERT INTO imports ({RECORD}, facility) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, NULL, $10)");
        self.execute(&sql, values).await?;
        self.keep_before(of, &import.id, what.before).await?;
        self.confirm(of, &import.id, what.confirmed).await?;
        self.row_upsert(of, what.written, Some(&import.id)).await?;
        let sql = format!(
            "INSERT INTO import_rows (import, ledger, row_key, facility) SELECT r.import, '{0}', r.row_key, r.facility \
             FROM {0} r WHERE r.facility = $1 AND r.import = $2 AND NOT EXISTS (SELECT 1 FROM import_rows b \
             WHERE b.import = r.import AND b.ledger = '{0}' AND b.row_key = r.row_key)",
            of.name
        );
        self.execute(&sql, vec![facility.into(), import.id.clone().into()]).await.map(|_| ())
    }

    /// Keeps rows as they are and as old as they are. A row that the import touched already stays as it was first.
    async fn keep_before(&mut self, of: &'static Ledger, import: &str, before: &[StoredRow]) -> Result<()> {
        for part in before.chunks(MAX_PARAMETERS / 2) {
            let sql = format!(
                "WITH v (row_key, row_before) AS (VALUES {1}) INSERT INTO import_rows \
                 (import, ledger, row_key, facility, row_before, entered_at, entered_on, import_was) \
                 SELECT ${2}, '{0}', r.row_key, r.facility, v.row_before, r.entered_at, r.entered_on, r.import \
                 FROM v JOIN {0} r ON r.facility = ${3} AND r.row_key = v.row_key WHERE 1 = 1 \
                 ON CONFLICT (import, ledger, row_key) DO NOTHING",
                of.name,
                marks(part.len(), 2),
                part.len() * 2 + 1,
                part.len() * 2 + 2,
            );
            let mut values: Vec<Value> = Vec::with_capacity(part.len() * 2 + 2);
            for row in part {
                let json = serde_json::to_string(&row.row).map_err(|_| Error::Corrupt { what: row.key.clone() })?;
                values.extend([Value::from(row.key.clone()), json.into()]);
            }
            values.extend([import.into(), self.facility.clone().into()]);
            self.execute(&sql, values).await?;
        }
        Ok(())
    }

    /// Two statements for so many rows; their values stay, and so does their revision.
    async fn confirm(&mut self, of: &'static Ledger, import: &str, keys: &[String]) -> Result<()> {
        for part in keys.chunks(MAX_PARAMETERS) {
            let places =
                |after: usize| (1..=part.len()).map(|n| format!("${}", n + after)).collect::<Vec<_>>().join(",");
            let with = |first: Vec<Value>| first.into_iter().chain(part.iter().map(|k| k.clone().into())).collect();
            let facility = Value::from(self.facility.clone());
            let sql = format!(
                "INSERT INTO import_rows (import, ledger, row_key, facility, entered_at, entered_on, import_was) \
                 SELECT $1, '{0}', row_key, facility, entered_at, entered_on, import FROM {0} \
                 WHERE facility = $2 AND row_key IN ({1})",
                of.name,
                places(2)
            );
            let values = with(vec![import.into(), facility.clone()]);
            self.execute(&sql, values).await?;
            let sql = format!(
                "UPDATE {} SET entered_at = $1, entered_on = $2, import = $3 WHERE facility = $4 AND row_key IN ({})",
                of.name,
                places(4)
            );
            let (at, on) = (self.now.as_microsecond(), day_in_japan(self.now).to_string());
            let values = with(vec![at.into(), on.into(), import.into(), facility]);
            self.execute(&sql, values).await?;
        }
        Ok(())
    }

    /// The texts in a column that refers to another ledger but names no row of it.
    ///
    /// # Errors
    /// Any store error.
    pub async fn loose_list(&mut self, of: &'static Ledger, column: &Column, target: &Ledger) -> Result<Vec<String>> {
        self.lock_rows().await?;
        let sql = format!(
            "SELECT DISTINCT e.{0} FROM {1} e WHERE e.facility = $1 AND e.{0} IS NOT NULL AND NOT EXISTS \
             (SELECT 1 FROM {2} t WHERE t.facility = e.facility AND t.row_key = e.{0})",
            column.name, of.name, target.name
        );
        let rows = self.select(&sql, vec![self.facility.clone().into()]).await?;
        rows.iter().map(|r| Ok(r.try_get_by_index(0)?)).collect()
    }

    /// Replaces such texts by the keys of the rows they turn out to mean: `(text, key)`. It is part of an import, and
    /// says nothing about how old the statement is. Returns the number of rows.
    ///
    /// # Errors
    /// Any store error.
    pub async fn loose_set(
        &mut self,
        of: &'static Ledger,
        column: &'static Column,
        meant: &[(String, String)],
        import: &str,
    ) -> Result<u64> {
        self.lock_rows().await?;
        let mut count = 0;
        for part in meant.chunks(MAX_PARAMETERS - 1) {
            let places: Vec<String> = (0..part.len()).map(|n| format!("${}", n + 2)).collect();
            let sql = format!(
                "SELECT {} FROM {} WHERE facility = $1 AND {} IN ({})",
                select_list(of),
                of.name,
                column.name,
                places.join(",")
            );
            let mut values: Vec<Value> = vec![self.facility.clone().into()];
            values.extend(part.iter().map(|(text, _)| Value::from(text.clone())));
            let by_text: HashMap<&str, &str> = part.iter().map(|(text, key)| (text.as_str(), key.as_str())).collect();
            let found = stored_rows(of, &self.select(&sql, values).await?)?;
            self.keep_before(of, import, &found).await?;
            for some in found.chunks(MAX_PARAMETERS / 3) {
                let sql = format!(
                    "WITH v (row_key, meant, search) AS (VALUES {1}) UPDATE {0} SET {2} = v.meant, search = v.search, \
                     rev = {0}.rev + 1, import = ${3} FROM v WHERE {0}.facility = ${4} AND {0}.row_key = v.row_key",
                    of.name,
                    marks(some.len(), 3),
                    column.name,
                    some.len() * 3 + 1,
                    some.len() * 3 + 2,
                );
                let mut values: Vec<Value> = Vec::with_capacity(some.len() * 3 + 2);
                for stored in some {
                    let Some(Cell::Text(text)) = stored.row.get(column.name) else { continue };
                    let key = by_text.get(text.as_str()).copied().unwrap_or(text).to_owned();
                    let mut row = stored.row.clone();
                    row.insert(column.name, Cell::Text(key.clone()));
                    values.extend([Value::from(stored.key.clone()), key.into(), search_text(of, &row).into()]);
                }
                values.extend([import.into(), self.facility.clone().into()]);
                count += self.execute(&sql, values).await?;
            }
        }
        Ok(count)
    }

    /// Undoes an import in every ledger it touched: rows it added are removed, the others are as before and as old as
    /// before. The inner error says why that cannot be done now; nothing may be committed then.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such import of this facility, or it is undone already.
    pub async fn import_undo(&mut self, import: &str) -> Result<std::result::Result<Undone, Vec<Obstacle>>> {
        self.lock_rows().await?;
        let (id, facility) = (Value::from(import), Value::from(self.facility.clone()));
        let sql = "UPDATE imports SET undone_at = $1 WHERE id = $2 AND facility = $3 AND undone_at IS NULL";
        let now = self.now.as_microsecond();
        if self.execute(sql, vec![now.into(), id.clone(), facility.clone()]).await? == 0 {
            return Err(Error::NotFound { what: format!("取込み {import}") });
        }
        let sql = "SELECT DISTINCT ledger FROM import_rows WHERE import = $1";
        let names = self.select(sql, vec![id.clone()]).await?;
        let names = names.iter().map(|r| r.try_get_by_index(0)).collect::<std::result::Result<Vec<String>, _>>()?;
        let touched: Vec<&'static Ledger> = LEDGERS.iter().filter(|l| names.iter().any(|n| n == l.name)).collect();
        let mut obstacles = Vec::new();
        for of in &touched {
            self.later(of, import, &mut obstacles).await?;
        }
        if !obstacles.is_empty() {
            return Ok(Err(obstacles));
        }
        let mut undone = Undone::default();
        for of in &touched {
            let sql = "SELECT row_key, row_before FROM import_rows WHERE import = $1 AND ledger = $2 AND row_before IS NOT NULL";
            let mut restore = Vec::new();
            for row in self.select(sql, vec![id.clone(), of.name.into()]).await? {
                restore.push((row.try_get_by_index(0)?, row_from_json(of, &row.try_get_by_index::<String>(1)?)?));
            }
            self.row_upsert(of, &restore, Some(import)).await?;
            let sql = format!(
                "UPDATE {0} SET entered_at = b.entered_at, entered_on = b.entered_on, import = b.import_was \
                 FROM import_rows b WHERE b.import = $1 AND b.ledger = '{0}' AND b.row_key = {0}.row_key \
                 AND b.entered_on IS NOT NULL AND {0}.facility = $2",
                of.name
            );
            undone.restored += self.execute(&sql, vec![id.clone(), facility.clone()]).await?;
            let sql = format!(
                "DELETE FROM {0} WHERE facility = $1 AND row_key IN \
                 (SELECT row_key FROM import_rows WHERE import = $2 AND ledger = '{0}' AND entered_on IS NULL)",
                of.name
            );
            undone.removed += self.execute(&sql, vec![facility.clone(), id.clone()]).await?;
        }
        self.dangling(import, &mut obstacles).await?;
        Ok(if obstacles.is_empty() { Ok(undone) } else { Err(obstacles) })
    }

    /// Who touched rows of an import after it.
    async fn later(&self, of: &'static Ledger, import: &str, obstacles: &mut Vec<Obstacle>) -> Result<()> {
        let since = format!(
            "FROM import_rows b LEFT JOIN {0} r ON r.facility = b.facility AND r.row_key = b.row_key \
             LEFT JOIN imports i ON i.id = r.import \
             WHERE b.import = $1 AND b.ledger = '{0}' AND b.facility = $2 AND (r.import IS NULL OR r.import <> b.import)",
            of.name
        );
        let values = || vec![import.into(), Value::from(self.facility.clone())];
        let sql = format!(
            "SELECT i.id, i.file_name, COUNT(*) {since} AND i.id IS NOT NULL GROUP BY i.id, i.file_name ORDER BY i.id DESC"
        );
        for row in self.select(&sql, values()).await? {
            obstacles.push(Obstacle::Import {
                id: row.try_get_by_index(0)?,
                file_name: row.try_get_by_index(1)?,
                rows: row.try_get_by_index(2)?,
            });
        }
        let sql = format!("SELECT b.row_key {since} AND i.id IS NULL ORDER BY b.row_key LIMIT {NAMED}");
        let keys = keys(&self.select(&sql, values()).await?)?;
        if !keys.is_empty() {
            obstacles.push(Obstacle::Edited { ledger: of, keys });
        }
        Ok(())
    }

    /// Rows whose strict reference names nothing now that an import is undone.
    async fn dangling(&self, import: &str, obstacles: &mut Vec<Obstacle>) -> Result<()> {
        for of in LEDGERS {
            for column in of.columns {
                let Kind::Ref(to) = column.kind else { continue };
                let Some(target) = ledger(to.ledger).filter(|_| to.strict) else { continue };
                let sql = format!(
                    "SELECT e.row_key FROM {0} e WHERE e.facility = $1 AND e.{1} IS NOT NULL AND NOT EXISTS \
                     (SELECT 1 FROM {2} t WHERE t.facility = e.facility AND t.row_key = e.{1}) AND (e.{1} IN \
                     (SELECT row_key FROM import_rows WHERE import = $2 AND ledger = '{2}') OR e.row_key IN \
                     (SELECT row_key FROM import_rows WHERE import = $2 AND ledger = '{0}')) ORDER BY e.row_key LIMIT {NAMED}",
                    of.name, column.name, target.name
                );
                let keys = keys(&self.select(&sql, vec![self.facility.clone().into(), import.into()]).await?)?;
                if !keys.is_empty() {
                    obstacles.push(Obstacle::Dangling { ledger: of, keys });
                }
            }
        }
        Ok(())
    }

    /// `(key, name)` of every row of a ledger that has names, to resolve references.
    ///
    /// # Errors
    /// Any store error.
    pub async fn name_list(&mut self, of: &Ledger) -> Result<Vec<(String, Option<String>)>> {
        self.lock_rows().await?;
        let name = if of.column("name").is_some() { "name" } else { "NULL" };
        let sql = format!("SELECT row_key, {name} FROM {} WHERE facility = $1", of.name);
        let rows = self.select(&sql, vec![self.facility.clone().into()]).await?;
        rows.iter().map(|r| Ok((r.try_get_by_index(0)?, r.try_get_by_index(1)?))).collect()
    }

    /// Remembers that a header means a column of a ledger, or of another table that is imported (`""`: ignore it).
    ///
    /// # Errors
    /// Any store error.
    pub async fn mapping_set(&mut self, ledger: &str, header: &str, column: &str) -> Result<()> {
        let sql = "INSERT INTO mappings (facility, ledger, header, column_name) VALUES ($1, $2, $3, $4) \
                   ON CONFLICT (facility, ledger, header) DO UPDATE SET column_name = excluded.column_name";
        let values = vec![self.facility.clone().into(), ledger.into(), header.into(), column.into()];
        self.execute(sql, values).await.map(|_| ())
    }
}

fn keys(rows: &[sea_orm::QueryResult]) -> Result<Vec<String>> {
    rows.iter().map(|r| Ok(r.try_get_by_index(0)?)).collect()
}
