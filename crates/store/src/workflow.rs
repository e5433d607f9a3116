//! What workflows need of a transaction: to be alone in their facility, to read what they are about to change, and
//! to add a row under the next free number without ever replacing one.

use domain::ledger::{Ledger, Row};

use crate::error::{Error, Result};
use crate::rows::{StoredRow, select_list, stored};
use crate::{Store, WriteTx};

fn where_sql(ledger: &Ledger, column: &str) -> String {
    let (list, table) = (select_list(ledger), ledger.name);
    format!("SELECT {list} FROM {table} WHERE facility = $1 AND {column} = $2 ORDER BY row_key")
}

impl Store {
    /// `(key, name)` of every row of a ledger, to find a row by what people call it.
    ///
    /// # Errors
    /// Any store error.
    pub async fn row_names(&self, ledger: &Ledger, facility: &str) -> Result<Vec<(String, Option<String>)>> {
        let name = if ledger.column("name").is_some() { "name" } else { "NULL" };
        let sql = format!("SELECT row_key, {name} FROM {} WHERE facility = $1", ledger.name);
        let rows = self.query(&sql, vec![facility.into()]).await?;
        rows.iter().map(|r| Ok((r.try_get_by_index(0)?, r.try_get_by_index(1)?))).collect()
    }

    /// The rows whose text in a column is this, ordered by key; none when there is no such column.
    ///
    /// # Errors
    /// Any store error.
    pub async fn row_match(
        &self,
        ledger: &'static Ledger,
        facility: &str,
        column: &str,
        value: &str,
    ) -> Result<Vec<StoredRow>> {
        let Some(column) = ledger.column(column) else { return Ok(Vec::new()) };
        let rows = self.query(&where_sql(ledger, column.name), vec![facility.into(), value.into()]).await?;
        rows.iter().map(|row| stored(ledger, row)).collect()
    }
}

impl WriteTx {
    /// Waits until no other workflow of this facility is under way, and keeps it so until this transaction ends.
    /// What is read from here on is what holds when it commits, as far as workflows change it.
    ///
    /// # Errors
    /// Any store error.
    pub async fn hold_facility(&mut self) -> Result<()> {
        self.lock_rows().await
    }

    /// The row with this key, if there is one.
    ///
    /// # Errors
    /// Any store error.
    pub async fn row_fetch(&self, ledger: &'static Ledger, key: &str) -> Result<Option<StoredRow>> {
        Ok(self.rows_where(ledger, "row_key", key).await?.into_iter().next())
    }

    /// The rows whose text in a column is this, ordered by key; none when there is no such column.
    ///
    /// # Errors
    /// Any store error.
    pub async fn row_match(&self, ledger: &'static Ledger, column: &str, value: &str) -> Result<Vec<StoredRow>> {
        match ledger.column(column) {
            Some(column) => self.rows_where(ledger, column.name, value).await,
            None => Ok(Vec::new()),
        }
    }

    async fn rows_where(&self, ledger: &'static Ledger, column: &str, value: &str) -> Result<Vec<StoredRow>> {
        let rows = self.select(&where_sql(ledger, column), vec![self.facility.clone().into(), value.into()]).await?;
        rows.iter().map(|row| stored(ledger, row)).collect()
    }

    /// The number after the highest one of the form `PREFIX-0001`; other numbers people use do not matter.
    ///
    /// # Errors
    /// Any store error.
    pub async fn next_no(&self, ledger: &Ledger, prefix: &str) -> Result<String> {
        let sql = format!("SELECT row_key FROM {} WHERE facility = $1 AND row_key LIKE $2", ledger.name);
        let rows = self.select(&sql, vec![self.facility.clone().into(), format!("{prefix}-%").into()]).await?;
        let mut highest = 0_u64;
        for row in rows {
            let key: String = row.try_get_by_index(0)?;
            let number = key.strip_prefix(prefix).and_then(|rest| rest.strip_prefix('-'));
            highest = highest.max(number.and_then(|digits| digits.parse().ok()).unwrap_or(0));
        }
        Ok(format!("{prefix}-{:04}", highest.saturating_add(1)))
    }

    /// Adds a row that must not be there yet.
    ///
    /// # Errors
    /// [`Error::Conflict`] when there is one with this key, also one that came while this transaction ran; the
    /// transaction must not be committed then.
    pub async fn row_insert(&mut self, ledger: &'static Ledger, key: &str, row: Row) -> Result<()> {
        self.row_upsert(ledger, &[(key.to_owned(), row)], None).await?;
        match self.row_fetch(ledger, key).await? {
            Some(added) if added.rev == 1 => Ok(()),
            _ => Err(Error::Conflict { what: key.to_owned() }),
        }
    }
}
