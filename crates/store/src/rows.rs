//! Ledger rows, for every ledger alike: the column list of `domain::ledger` is the schema.

use std::collections::HashMap;

use domain::jp::day_in_japan;
use domain::ledger::{Column, Kind, Ledger, Row, Value as Cell};
use sea_orm::{QueryResult, Value};
use uuid::Uuid;

use crate::dialect::MAX_PARAMETERS;
use crate::error::{Error, Result};
use crate::{Store, WriteTx};

/// A row as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredRow {
    /// Id, never shown to people.
    pub id: String,
    /// The facility it belongs to.
    pub facility: String,
    /// Its key within the ledger and facility.
    pub key: String,
    /// Revision for optimistic locking, from 1.
    pub rev: i64,
    /// ISO day on which it was entered or last changed.
    pub entered_on: String,
    /// Its values.
    pub row: Row,
}

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
    /// Rows that were already as in the file.
    pub unchanged: i64,
    /// Rows refused.
    pub rejected: i64,
    /// Whether it was undone.
    pub undone: bool,
}

/// `id, facility, row_key, rev, entered_on` and every column, in order.
pub(crate) fn select_list(ledger: &Ledger) -> String {
    let mut list = "id, facility, row_key, rev, entered_on".to_owned();
    for column in ledger.columns {
        list.push_str(", ");
        list.push_str(column.name);
    }
    list
}

fn to_sql(column: &Column, value: Option<&Cell>) -> Value {
    match column.kind {
        Kind::YesNo | Kind::Integer => Value::BigInt(match value {
            Some(Cell::YesNo(yes)) => Some(i64::from(*yes)),
            Some(Cell::Integer(n)) => Some(*n),
            _ => None,
        }),
        _ => Value::String(value.map(ToString::to_string)),
    }
}

fn from_sql(column: &Column, row: &QueryResult, at: usize) -> Result<Option<Cell>> {
    Ok(match column.kind {
        Kind::YesNo => row.try_get_by_index::<Option<i64>>(at)?.map(|n| Cell::YesNo(n != 0)),
        Kind::Integer => row.try_get_by_index::<Option<i64>>(at)?.map(Cell::Integer),
        Kind::Date => match row.try_get_by_index::<Option<String>>(at)? {
            Some(text) => {
                let date = text.parse().map_err(|_| Error::Corrupt { what: format!("{} {text}", column.name) })?;
                Some(Cell::Date(date))
            }
            None => None,
        },
        _ => row.try_get_by_index::<Option<String>>(at)?.map(Cell::Text),
    })
}

pub(crate) fn stored(ledger: &'static Ledger, result: &QueryResult) -> Result<StoredRow> {
    let mut row = Row::new();
    for (n, column) in ledger.columns.iter().enumerate() {
        if let Some(value) = from_sql(column, result, n + 5)? {
            row.insert(column.name, value);
        }
    }
    Ok(StoredRow {
        id: result.try_get_by_index(0)?,
        facility: result.try_get_by_index(1)?,
        key: result.try_get_by_index(2)?,
        rev: result.try_get_by_index(3)?,
        entered_on: result.try_get_by_index(4)?,
        row,
    })
}

impl Store {
    /// Every row of a ledger, of one facility or of all, ordered by facility and key.
    ///
    /// # Errors
    /// Any store error.
    pub async fn row_list(&self, ledger: &'static Ledger, facility: Option<&str>) -> Result<Vec<StoredRow>> {
        let scope = if facility.is_some() { " WHERE facility = $1" } else { "" };
        let sql = format!("SELECT {} FROM {}{scope} ORDER BY facility, row_key", select_list(ledger), ledger.name);
        let values = facility.map(|f| vec![f.into()]).unwrap_or_default();
        self.query(&sql, values).await?.iter().map(|row| stored(ledger, row)).collect()
    }

    /// The rows with these keys, by key.
    ///
    /// # Errors
    /// Any store error.
    pub async fn row_find(
        &self,
        ledger: &'static Ledger,
        facility: &str,
        keys: &[String],
    ) -> Result<HashMap<String, StoredRow>> {
        let mut found = HashMap::with_capacity(keys.len());
        for part in keys.chunks(MAX_PARAMETERS - 1) {
            let places: Vec<String> = (0..part.len()).map(|n| format!("${}", n + 2)).collect();
            let sql = format!(
                "SELECT {} FROM {} WHERE facility = $1 AND row_key IN ({})",
                select_list(ledger),
                ledger.name,
                places.join(", ")
            );
            let mut values: Vec<Value> = vec![facility.into()];
            values.extend(part.iter().map(|k| Value::from(k.clone())));
            for result in self.query(&sql, values).await? {
                let row = stored(ledger, &result)?;
                found.insert(row.key.clone(), row);
            }
        }
        Ok(found)
    }

    /// Reads every row of a ledger of every facility once and counts them: the floor against which the cost of
    /// answering questions about them is measured.
    ///
    /// # Errors
    /// Any store error.
    pub async fn row_scan(&self, ledger: &Ledger) -> Result<u64> {
        let last = ledger.columns.last().map_or("id", |c| c.name);
        let sql = format!("SELECT COUNT(*), COUNT({last}), MAX(entered_on) FROM {}", ledger.name);
        let rows = self.query(&sql, Vec::new()).await?;
        let count: i64 = rows.first().map_or(Ok(0), |row| row.try_get_by_index(0))?;
        Ok(u64::try_from(count).unwrap_or_default())
    }

    /// Number of rows of a ledger in a facility.
    ///
    /// # Errors
    /// Any store error.
    pub async fn row_count(&self, ledger: &Ledger, facility: &str) -> Result<i64> {
        let sql = format!("SELECT COUNT(*) FROM {} WHERE facility = $1", ledger.name);
        let rows = self.query(&sql, vec![facility.into()]).await?;
        rows.first().map_or(Ok(0), |row| Ok(row.try_get_by_index(0)?))
    }

    /// `(key, name)` of every row of a ledger that has names, to resolve references.
    ///
    /// # Errors
    /// Any store error.
    pub async fn name_list(&self, ledger: &Ledger, facility: &str) -> Result<Vec<(String, Option<String>)>> {
        let name = if ledger.column("name").is_some() { "name" } else { "NULL" };
        let sql = format!("SELECT row_key, {name} FROM {} WHERE facility = $1", ledger.name);
        let rows = self.query(&sql, vec![facility.into()]).await?;
        rows.iter().map(|r| Ok((r.try_get_by_index(0)?, r.try_get_by_index(1)?))).collect()
    }

    /// The imports of a facility, newest first.
    ///
    /// # Errors
    /// Any store error.
    pub async fn import_list(&self, facility: &str) -> Result<Vec<ImportRecord>> {
        let sql = "SELECT id, ledger, file_name, sha256, at, added, changed, unchanged, rejected, undone_at \
                   FROM imports WHERE facility = $1 ORDER BY at DESC, id DESC";
        let rows = self.query(sql, vec![facility.into()]).await?;
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
    /// Adds rows, or replaces those with the same key, many in one statement. Returns nothing about
    /// which was which; compare first with [`Store::row_find`].
    ///
    /// # Errors
    /// Any store error.
    pub async fn row_upsert(&mut self, ledger: &Ledger, rows: &[(String, Row)], import: Option<&str>) -> Result<()> {
        let width = ledger.columns.len() + 7;
        let now = self.now.as_microsecond();
        let today = day_in_japan(self.now).to_string();
        let names: Vec<&str> = ledger.columns.iter().map(|c| c.name).collect();
        let updates: Vec<String> = names.iter().map(|n| format!("{n} = excluded.{n}")).collect();
        for part in rows.chunks(MAX_PARAMETERS / width) {
            let places: Vec<String> = (0..part.len())
                .map(|r| {
                    let marks: Vec<String> = (1..=width).map(|c| format!("${}", r * width + c)).collect();
                    format!("({})", marks.join(","))
                })
                .collect();
            let sql = format!(
                "INSERT INTO {0} (id, facility, row_key, {1}, rev, entered_at, entered_on, import) VALUES {2} \
                 ON CONFLICT (facility, row_key) DO UPDATE SET {3}, rev = {0}.rev + 1, \
                 entered_at = excluded.entered_at, entered_on = excluded.entered_on, import = excluded.import",
                ledger.name,
                names.join(", "),
                places.join(","),
                updates.join(", "),
            );
            let mut values: Vec<Value> = Vec::with_capacity(part.len() * width);
            for (key, row) in part {
                // A facility is its own tenant: its row carries its own id.
                let own = ledger.name == "facilities";
                let id = if own { self.facility.clone() } else { Uuid::now_v7().to_string() };
                values.extend([Value::from(id), self.facility.clone().into(), key.clone().into()]);
                values.extend(ledger.columns.iter().map(|c| to_sql(c, row.get(c.name))));
                values.extend([
                    1_i64.into(),
                    now.into(),
                    Value::from(today.clone()),
                    Value::String(import.map(str::to_owned)),
                ]);
            }
            self.execute(&sql, values).await?;
        }
        Ok(())
    }

    /// Replaces one row if it is still at `rev`.
    ///
    /// # Errors
    /// [`Error::Conflict`] when somebody else changed it meanwhile.
    pub async fn row_update(&mut self, ledger: &Ledger, key: &str, rev: i64, row: &Row) -> Result<()> {
        let sets: Vec<String> =
            ledger.columns.iter().enumerate().map(|(n, c)| format!("{} = ${}", c.name, n + 6)).collect();
        let sql = format!(
            "UPDATE {} SET {}, rev = rev + 1, entered_at = $4, entered_on = $5, import = NULL \
             WHERE facility = $1 AND row_key = $2 AND rev = $3",
            ledger.name,
            sets.join(", ")
        );
        let mut values: Vec<Value> = vec![
            self.facility.clone().into(),
            key.into(),
            rev.into(),
            self.now.as_microsecond().into(),
            day_in_japan(self.now).to_string().into(),
        ];
        values.extend(ledger.columns.iter().map(|c| to_sql(c, row.get(c.name))));
        if self.execute(&sql, values).await? == 0 {
            return Err(Error::Conflict { what: key.to_owned() });
        }
        Ok(())
    }

    /// Notes an import and keeps the rows it will replace as they are, with the day of their statement.
    ///
    /// # Errors
    /// Any store error.
    pub async fn import_insert(&mut self, import: &ImportRecord, before: &[StoredRow]) -> Result<()> {
        let sql = "INSERT INTO imports (id, facility, ledger, file_name, sha256, at, added, changed, unchanged, rejected) \
                   VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
        let facility = self.facility.clone();
        let values: Vec<Value> = vec![
            import.id.clone().into(),
            facility.clone().into(),
            import.ledger.clone().into(),
            import.file_name.clone().into(),
            import.sha256.clone().into(),
            import.at.into(),
            import.added.into(),
            import.changed.into(),
            import.unchanged.into(),
            import.rejected.into(),
        ];
        self.execute(sql, values).await?;
        for part in before.chunks(MAX_PARAMETERS / 4) {
            let places: Vec<String> = (0..part.len())
                .map(|r| {
                    let (key, facility) = (r * 4 + 2, r * 4 + 3);
                    let own = ["entered_at", "entered_on", "import"].map(|column| {
                        format!(
                            "(SELECT {column} FROM {} WHERE facility = ${facility} AND row_key = ${key})",
                            import.ledger
                        )
                    });
                    format!("(${},${key},${facility},${},{})", r * 4 + 1, r * 4 + 4, own.join(","))
                })
                .collect();
            let sql = format!(
                "INSERT INTO import_before (import, row_key, facility, row_before, entered_at, entered_on, import_was) VALUES {}",
                places.join(",")
            );
            let mut values: Vec<Value> = Vec::with_capacity(part.len() * 4);
            for row in part {
                let json = serde_json::to_string(&row.row).map_err(|_| Error::Corrupt { what: row.key.clone() })?;
                values.extend([
                    import.id.clone().into(),
                    row.key.clone().into(),
                    facility.clone().into(),
                    Value::from(json),
                ]);
            }
            self.execute(&sql, values).await?;
        }
        Ok(())
    }

    /// Undoes an import: rows it added are removed, rows it changed are as before and as old as before.
    /// Rows that were changed again since are left alone. Returns how many were removed and put back.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such import of this facility, or it is undone already.
    pub async fn import_undo(&mut self, import: &str) -> Result<(u64, u64)> {
        let facility = self.facility.clone();
        let rows = self
            .select(
                "SELECT ledger FROM imports WHERE id = $1 AND facility = $2 AND undone_at IS NULL",
                vec![import.into(), facility.clone().into()],
            )
            .await?;
        let missing = || Error::NotFound { what: format!("取込み {import}") };
        let name: String = rows.first().ok_or_else(missing)?.try_get_by_index(0)?;
        let ledger = domain::ledger::ledger(&name).ok_or_else(missing)?;
        let before = self
            .select(
                "SELECT row_key, row_before FROM import_before WHERE import = $1 AND facility = $2",
                vec![import.into(), facility.clone().into()],
            )
            .await?;
        let still = format!("SELECT row_key FROM {name} WHERE facility = $1 AND import = $2");
        let still: std::collections::HashSet<String> = self
            .select(&still, vec![facility.clone().into(), import.into()])
            .await?
            .iter()
            .map(|r| r.try_get_by_index(0))
            .collect::<std::result::Result<_, _>>()?;
        let mut restore = Vec::new();
        for row in &before {
            let key: String = row.try_get_by_index(0)?;
            if still.contains(&key) {
                let json: String = row.try_get_by_index(1)?;
                restore.push((key, row_from_json(ledger, &json)?));
            }
        }
        self.row_upsert(ledger, &restore, Some(import)).await?;
        let own = |column: &str| {
            format!("(SELECT b.{column} FROM import_before b WHERE b.import = $2 AND b.row_key = {name}.row_key)")
        };
        let sql = format!(
            "UPDATE {name} SET entered_at = {}, entered_on = {}, import = {} WHERE facility = $1 AND import = $2 \
             AND row_key IN (SELECT row_key FROM import_before WHERE import = $2)",
            own("entered_at"),
            own("entered_on"),
            own("import_was"),
        );
        self.execute(&sql, vec![facility.clone().into(), import.into()]).await?;
        let sql = format!("DELETE FROM {name} WHERE facility = $1 AND import = $2");
        let removed = self.execute(&sql, vec![facility.into(), import.into()]).await?;
        let sql = "UPDATE imports SET undone_at = $2 WHERE id = $1";
        self.execute(sql, vec![import.into(), self.now.as_microsecond().into()]).await?;
        Ok((removed, u64::try_from(restore.len()).unwrap_or_default()))
    }

    /// Remembers that a header means a column (`""`: ignore it).
    ///
    /// # Errors
    /// Any store error.
    pub async fn mapping_set(&mut self, ledger: &Ledger, header: &str, column: &str) -> Result<()> {
        let sql = "INSERT INTO mappings (facility, ledger, header, column_name) VALUES ($1, $2, $3, $4) \
                   ON CONFLICT (facility, ledger, header) DO UPDATE SET column_name = excluded.column_name";
        let values = vec![self.facility.clone().into(), ledger.name.into(), header.into(), column.into()];
        self.execute(sql, values).await.map(|_| ())
    }
}

pub(crate) fn row_from_json(ledger: &'static Ledger, json: &str) -> Result<Row> {
    let corrupt = || Error::Corrupt { what: ledger.name.to_owned() };
    let map: serde_json::Map<String, serde_json::Value> = serde_json::from_str(json).map_err(|_| corrupt())?;
    map.into_iter()
        .map(|(name, value)| {
            let column = ledger.column(&name).ok_or_else(corrupt)?;
            let value = match (column.kind, value) {
                (Kind::YesNo, serde_json::Value::Bool(yes)) => Cell::YesNo(yes),
                (Kind::Integer, serde_json::Value::Number(n)) => Cell::Integer(n.as_i64().ok_or_else(corrupt)?),
                (Kind::Date, serde_json::Value::String(text)) => Cell::Date(text.parse().map_err(|_| corrupt())?),
                (Kind::YesNo | Kind::Integer | Kind::Date, _) => return Err(corrupt()),
                (_, serde_json::Value::String(text)) => Cell::Text(text),
                _ => return Err(corrupt()),
            };
            Ok((column.name, value))
        })
        .collect()
}
