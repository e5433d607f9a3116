//! The only place where SQLite and PostgreSQL differ.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use domain::ledger::{LEDGERS, Ledger};
use sea_orm::{
    ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbBackend, DbErr, IsolationLevel,
    SqliteTransactionMode, Statement, TransactionOptions,
};

use crate::error::{Error, Result};

/// Bound parameters in one statement: enough that the round trip no longer counts, few enough that the
/// cached statements stay small. SQLite allows 32,766, PostgreSQL 65,535.
pub(crate) const MAX_PARAMETERS: usize = 4_000;

/// The house SQL for a database. Parameters are written `$1`. To SQLite that is a *name*, and its driver looks the
/// name of every parameter up in a list, which makes wide statements quadratic; so it gets the nameless `?` where the
/// parameters come in order, each once, and `?1` otherwise.
pub(crate) fn placeholders(backend: DbBackend, sql: &str) -> String {
    if backend != DbBackend::Sqlite {
        return sql.to_owned();
    }
    let mut nameless = String::with_capacity(sql.len());
    for (n, part) in sql.split('$').enumerate() {
        if n == 0 {
            nameless.push_str(part);
            continue;
        }
        let digits = part.bytes().take_while(u8::is_ascii_digit).count();
        let (number, rest) = part.split_at(digits);
        if number.parse() != Ok(n) {
            return sql.replace('$', "?");
        }
        nameless.push('?');
        nameless.push_str(rest);
    }
    nameless
}

/// The parameters of a `VALUES` list: `($1,$2),($3,$4)` for two rows of two.
pub(crate) fn marks(rows: usize, width: usize) -> String {
    let row = |r: usize| (1..=width).map(|c| format!("${}", r * width + c)).collect::<Vec<_>>().join(",");
    (0..rows).map(|r| format!("({})", row(r))).collect::<Vec<_>>().join(",")
}

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
            // What is deleted is overwritten: a destroyed key must not be found in a free page.
            .pragma("secure_delete", "ON")
            .pragma("temp_store", "MEMORY")
            .pragma("cache_size", "-16000")
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

/// A read transaction that sees one moment throughout. In SQLite every one does.
pub(crate) fn snapshot_options(db: &impl ConnectionTrait) -> TransactionOptions {
    let isolation_level = (db.get_database_backend() == DbBackend::Postgres).then_some(IsolationLevel::RepeatableRead);
    TransactionOptions { isolation_level, ..TransactionOptions::default() }
}

/// Makes the transaction the only one that appends to the journal until it ends. SQLite has one
/// writer anyway.
pub(crate) async fn lock_journal(tx: &impl ConnectionTrait) -> std::result::Result<(), DbErr> {
    if tx.get_database_backend() == DbBackend::Postgres {
        tx.execute_unprepared("SELECT pg_advisory_xact_lock(5340168)").await?;
    }
    Ok(())
}

/// Makes the transaction the only one that writes ledger rows of a facility until it ends. SQLite has one writer
/// anyway.
pub(crate) async fn lock_rows(tx: &impl ConnectionTrait, facility: &str) -> std::result::Result<(), DbErr> {
    let backend = tx.get_database_backend();
    if backend == DbBackend::Postgres {
        let sql = "SELECT pg_advisory_xact_lock(5340169, hashtext($1))";
        tx.execute_raw(Statement::from_sql_and_values(backend, sql, [facility.into()])).await?;
    }
    Ok(())
}

/// Makes the transaction the only one that takes accesses of a facility in until it ends. SQLite has one writer anyway.
pub(crate) async fn lock_arrivals(tx: &impl ConnectionTrait, facility: &str) -> std::result::Result<(), DbErr> {
    let backend = tx.get_database_backend();
    if backend == DbBackend::Postgres {
        let sql = "SELECT pg_advisory_xact_lock(5340170, hashtext($1))";
        tx.execute_raw(Statement::from_sql_and_values(backend, sql, [facility.into()])).await?;
    }
    Ok(())
}

/// Makes the transaction the only one that gives names of the access index their numbers until it ends. SQLite has one
/// writer anyway.
pub(crate) async fn lock_names(tx: &impl ConnectionTrait) -> std::result::Result<(), DbErr> {
    if tx.get_database_backend() == DbBackend::Postgres {
        tx.execute_unprepared("SELECT pg_advisory_xact_lock(5340171)").await?;
    }
    Ok(())
}

/// Makes PostgreSQL order and compare text by code points, as SQLite does, whatever the locale of the database is: lists
/// look the same on both. Only columns that do not yet are altered.
pub(crate) async fn order_by_code_points(db: &impl ConnectionTrait) -> std::result::Result<(), DbErr> {
    if db.get_database_backend() != DbBackend::Postgres {
        return Ok(());
    }
    let sql = "SELECT CAST(table_name AS TEXT), CAST(column_name AS TEXT) FROM information_schema.columns \
               WHERE table_schema = current_schema() AND data_type = 'text' AND collation_name IS NULL ORDER BY 1, 2";
    let mut tables: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for row in db.query_all_raw(Statement::from_string(DbBackend::Postgres, sql)).await? {
        let column: String = row.try_get_by_index(1)?;
        let change = format!("ALTER COLUMN \"{column}\" TYPE TEXT COLLATE \"C\"");
        tables.entry(row.try_get_by_index(0)?).or_default().push(change);
    }
    for (table, changes) in tables {
        db.execute_unprepared(&format!("ALTER TABLE \"{table}\" {}", changes.join(", "))).await?;
    }
    Ok(())
}

/// Lets SQLite sort in files instead of in memory, for whoever makes an index of millions of rows, which hold numbers
/// only; or in memory again, as it does with what people wrote. The one connection that writes keeps it until told.
pub(crate) async fn sort_in_files(write: &DatabaseConnection, yes: bool) -> std::result::Result<(), DbErr> {
    if write.get_database_backend() != DbBackend::Sqlite {
        return Ok(());
    }
    write
        .execute_unprepared(if yes { "PRAGMA temp_store = FILE" } else { "PRAGMA temp_store = MEMORY" })
        .await
        .map(|_| ())
}

/// A condition that every row with words meets, and that opens the index of them.
pub(crate) const BY_WORDS: &str = "search <> ''";

/// Lets SQLite look words up without reading the rows: an index of each ledger that holds them, in the order of its
/// keys. PostgreSQL takes no index entry as long as the words of a row may be. The index is for statements that say
/// [`BY_WORDS`]: it would slow down those that have to read the rows as well.
pub(crate) async fn index_words(db: &impl ConnectionTrait) -> std::result::Result<(), DbErr> {
    if db.get_database_backend() != DbBackend::Sqlite {
        return Ok(());
    }
    // At once, since every start does it.
    let index = |ledger: &Ledger| {
        let table = ledger.name;
        format!("CREATE INDEX IF NOT EXISTS {table}_words ON {table} (facility, row_key, search) WHERE {BY_WORDS};")
    };
    db.execute_unprepared(&LEDGERS.iter().map(index).collect::<String>()).await.map(|_| ())
}

/// Asks for product and version.
pub(crate) fn version(db: &impl ConnectionTrait) -> &'static str {
    match db.get_database_backend() {
        DbBackend::Sqlite => "SELECT 'SQLite ' || sqlite_version()",
        _ => "SELECT CAST(version() AS TEXT)",
    }
}

/// Refreshes the planner's statistics after bulk changes.
pub(crate) async fn analyze(db: &impl ConnectionTrait) -> std::result::Result<(), DbErr> {
    let sql = match db.get_database_backend() {
        DbBackend::Sqlite => "PRAGMA analysis_limit = 1000; ANALYZE",
        _ => "ANALYZE",
    };
    db.execute_unprepared(sql).await.map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_lose_their_names_only_when_in_order() {
        let sqlite = |sql| placeholders(DbBackend::Sqlite, sql);
        assert_eq!(sqlite("a = $1 AND b = $2"), "a = ? AND b = ?");
        assert_eq!(sqlite("a = $2 AND b = $1"), "a = ?2 AND b = ?1");
        assert_eq!(sqlite("a = $1 OR b = $1"), "a = ?1 OR b = ?1");
        assert_eq!(sqlite("a = 1"), "a = 1");
        assert_eq!(placeholders(DbBackend::Postgres, "a = $1"), "a = $1");
    }
}
