//! Ledger rows, for every ledger alike: the column list of `domain::ledger` is the schema.
//!
//! Here is how a row gets in and out; `query` finds rows for people, `edit` changes one by hand, `imports` many by file.

mod edit;
mod imports;
mod query;

use std::collections::HashMap;

use domain::jp::day_in_japan;
use domain::ledger::{Column, Kind, Ledger, Row, Value as Cell};
use domain::text::{Lang, search_key};
use sea_orm::{ConnectionTrait, QueryResult, Value};
use uuid::Uuid;

use crate::dialect::{MAX_PARAMETERS, marks};
use crate::error::{Error, Result};
use crate::{Store, WriteTx, statement};

pub use edit::RowLink;
pub use imports::{ImportRecord, ImportRows, Obstacle, Undone};
pub use query::{PAGE_SIZE, RowPage, RowQuery};

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

/// The words of a row as a search compares them, a line a cell. What is only はい or a day is asked for by column.
pub(crate) fn search_text(ledger: &Ledger, row: &Row) -> String {
    let words = ledger.columns.iter().filter_map(|c| match c.kind {
        Kind::Text | Kind::Ref(_) | Kind::Choice(_) | Kind::Set(_) => {
            row.get(c.name).map(|value| search_key(&c.show(value, Lang::Ja)))
        }
        Kind::Date | Kind::YesNo | Kind::Integer => None,
    });
    words.collect::<Vec<_>>().join("\n")
}

/// The column by which people know a row, as SQL.
fn title(ledger: &Ledger) -> &'static str {
    ["name", "title", "area", "login", "reason"].into_iter().find(|c| ledger.column(c).is_some()).unwrap_or("row_key")
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

pub(crate) fn stored_rows(ledger: &'static Ledger, results: &[QueryResult]) -> Result<Vec<StoredRow>> {
    results.iter().map(|row| stored(ledger, row)).collect()
}

/// The rows with these keys, by key.
async fn find(
    db: &impl ConnectionTrait,
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
        for result in db.query_all_raw(statement(db, &sql, values)).await? {
            let row = stored(ledger, &result)?;
            found.insert(row.key.clone(), row);
        }
    }
    Ok(found)
}

impl Store {
    /// Every row of a ledger, of one facility or of all, ordered by facility and key.
    ///
    /// # Errors
    /// Any store error.
    pub async fn row_list(&self, ledger: &'static Ledger, facility: Option<&str>) -> Result<Vec<StoredRow>> {
        let scope = if facility.is_some() { " WHERE facility = $1" } else { "" };
        let list = select_list(ledger);
        let sql = format!("SELECT {list} FROM {}{scope} ORDER BY facility, row_key", ledger.name);
        let values = facility.map(|f| vec![f.into()]).unwrap_or_default();
        stored_rows(ledger, &self.query(&sql, values).await?)
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
        find(&self.read, ledger, facility, keys).await
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
}

impl WriteTx {
    /// The rows with these keys, by key. Nobody else changes a row of the facility until this transaction ends.
    ///
    /// # Errors
    /// Any store error.
    pub async fn row_find(&mut self, ledger: &'static Ledger, keys: &[String]) -> Result<HashMap<String, StoredRow>> {
        self.lock_rows().await?;
        find(&self.tx, ledger, &self.facility, keys).await
    }

    /// Adds rows, or replaces those with the same key, many in one statement. Returns nothing about
    /// which was which; compare first with [`WriteTx::row_find`].
    ///
    /// # Errors
    /// Any store error.
    pub async fn row_upsert(&mut self, ledger: &Ledger, rows: &[(String, Row)], import: Option<&str>) -> Result<()> {
        self.lock_rows().await?;
        let width = ledger.columns.len() + 8;
        let now = self.now.as_microsecond();
        let today = day_in_japan(self.now).to_string();
        let names: Vec<&str> = ledger.columns.iter().map(|c| c.name).collect();
        let updates: Vec<String> = names.iter().map(|n| format!("{n} = excluded.{n}")).collect();
        for part in rows.chunks(MAX_PARAMETERS / width) {
            let sql = format!(
                "INSERT INTO {0} (id, facility, row_key, {1}, rev, entered_at, entered_on, import, search) VALUES {2} \
                 ON CONFLICT (facility, row_key) DO UPDATE SET {3}, rev = {0}.rev + 1, \
                 entered_at = excluded.entered_at, entered_on = excluded.entered_on, import = excluded.import, \
                 search = excluded.search",
                ledger.name,
                names.join(", "),
                marks(part.len(), width),
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
                    search_text(ledger, row).into(),
                ]);
            }
            self.execute(&sql, values).await?;
        }
        Ok(())
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
