//! Who signs in, as rows: accounts with their credentials, sessions, one-time permits, API tokens.
//!
//! This module only reads and writes; what a row means, how long it lives and who may change it is decided in `app`.
//! Secrets arrive hashed or encrypted. Sessions' last sight, ceremonies and use marks are housekeeping and leave no
//! journal event; every other change goes through [`WriteTx`].

mod grants;
mod sessions;
mod tokens;
mod users;

use sea_orm::{QueryResult, TryGetable, Value};

pub use grants::{Failures, GrantKind, GrantRow};
pub use sessions::{SessionRow, TerminalRow};
pub use tokens::TokenRow;
pub use users::{CredentialRow, UserRow};

use crate::error::Result;

/// Reads the columns of a row one after the other.
pub(crate) struct Columns<'a> {
    row: &'a QueryResult,
    next: usize,
}

impl<'a> Columns<'a> {
    pub(crate) const fn of(row: &'a QueryResult) -> Self {
        Self { row, next: 0 }
    }

    pub(crate) fn get<T: TryGetable>(&mut self) -> Result<T> {
        let value = self.row.try_get_by_index(self.next)?;
        self.next += 1;
        Ok(value)
    }

    pub(crate) fn yes(&mut self) -> Result<bool> {
        Ok(self.get::<i64>()? != 0)
    }
}

/// `INSERT` of one row: `columns` separated by `, `.
pub(crate) fn insert(table: &str, columns: &str) -> String {
    let marks: Vec<String> = (1..=columns.split(", ").count()).map(|n| format!("${n}")).collect();
    format!("INSERT INTO {table} ({columns}) VALUES ({})", marks.join(", "))
}

fn yes(value: bool) -> Value {
    i64::from(value).into()
}

fn text(value: Option<&String>) -> Value {
    Value::String(value.cloned())
}
