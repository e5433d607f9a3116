//! The only place where SQLite and PostgreSQL differ.

use std::path::Path;
use std::time::Duration;

use sea_orm::{
    ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbBackend, DbErr, SqliteTransactionMode,
    TransactionOptions,
};

use crate::error::{Error, Result};

/// Bound parameters in one statement: below SQLite's 32,766 and PostgreSQL's 65,535.
pub(crate) const MAX_PARAMETERS: usize = 30_000;

/// Opens the two pools of a SQLite file: one writer, a few readers.
pub(crate) async fn sqlite(file: &Path) -> Result<(DatabaseConnection, DatabaseConnection)> {
    let url = format!("sqlite://{}?mode=rwc", file.display());
    let write = Database::connect(sqlite_options(&url, 1)).await?;
    let read = Database::connect(sqlite_options(&url, 4)).await?;
    Ok((write, read))
}

fn sqlite_options(url: &str, connections: u32) -> ConnectOptions {
    let mut options = quiet(url, connections);
    options.map_sqlx_sqlite_opts(|o| {
        o.pragma("journal_mode", "WAL")
            .pragma("synchronous", "FULL")
            .pragma("foreign_keys", "ON")
            .pragma("temp_store", "MEMORY")
            .pragma("cache_size", "-32000")
            .busy_timeout(Duration::from_secs(10))
    });
    options
}

/// Opens the pool of a PostgreSQL database.
pub(crate) async fn postgres(url: &str) -> Result<DatabaseConnection> {
    Database::connect(quiet(url, 8)).await.map_err(|source| Error::Unavailable { source })
}

fn quiet(url: &str, connections: u32) -> ConnectOptions {
    let mut options = ConnectOptions::new(url.to_owned());
    options
        .max_connections(connections)
        .sqlx_logging(false)
        .connect_timeout(Duration::from_secs(5))
        .acquire_timeout(Duration::from_secs(15));
    options
}

/// A write transaction takes SQLite's write lock at once; a later upgrade could fail half-way.
pub(crate) fn write_options() -> TransactionOptions {
    TransactionOptions {
        sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
        ..TransactionOptions::default()
    }
}

/// Makes the transaction the only one that appends to the journal until it ends. SQLite has one
/// writer anyway.
pub(crate) async fn lock_journal(tx: &impl ConnectionTrait) -> std::result::Result<(), DbErr> {
    if tx.get_database_backend() == DbBackend::Postgres {
        tx.execute_unprepared("SELECT pg_advisory_xact_lock(5340168)").await?;
    }
    Ok(())
}

/// Refreshes the planner's statistics after bulk changes.
pub(crate) async fn analyze(db: &impl ConnectionTrait) -> std::result::Result<(), DbErr> {
    let sql = if db.get_database_backend() == DbBackend::Postgres { "ANALYZE" } else { "PRAGMA optimize" };
    db.execute_unprepared(sql).await.map(|_| ())
}
