//! Migrations: append-only, numbered, each in a transaction of its own on both databases.

use sea_orm::{ConnectionTrait, DatabaseConnection, DbErr, Statement};
use sea_orm_migration::{MigrationName, MigrationTrait, MigratorTrait, SchemaManager, async_trait};

use crate::dialect;
use crate::error::{Error, Result};

/// Every migration: name and the one SQL text for both databases.
const MIGRATIONS: &[(&str, &str)] = &[
    ("0001_first", include_str!("migrations/0001_first.sql")),
    ("0002_identity", include_str!("migrations/0002_identity.sql")),
    ("0003_search", include_str!("migrations/0003_search.sql")),
    ("0004_workflow", include_str!("migrations/0004_workflow.sql")),
    ("0005_jobs", include_str!("migrations/0005_jobs.sql")),
    ("0006_uploads", include_str!("migrations/0006_uploads.sql")),
    ("0010_seal", include_str!("migrations/0010_seal.sql")),
    ("0011_heads", include_str!("migrations/0011_heads.sql")),
    ("0012_sealing", include_str!("migrations/0012_sealing.sql")),
    ("0013_access", include_str!("migrations/0013_access.sql")),
    ("0014_feeds", include_str!("migrations/0014_feeds.sql")),
    ("0015_mail", include_str!("migrations/0015_mail.sql")),
    ("0016_readings", include_str!("migrations/0016_readings.sql")),
    ("0017_turns", include_str!("migrations/0017_turns.sql")),
    ("0018_retention", include_str!("migrations/0018_retention.sql")),
    ("0019_voices", include_str!("migrations/0019_voices.sql")),
    ("0020_duties", include_str!("migrations/0020_duties.sql")),
    ("0021_requests", include_str!("migrations/0021_requests.sql")),
    ("0022_rounds", include_str!("migrations/0022_rounds.sql")),
    ("0023_own_subjects", include_str!("migrations/0023_own_subjects.sql")),
    ("0024_withdrawn", include_str!("migrations/0024_withdrawn.sql")),
];

struct SqlMigration {
    name: &'static str,
    sql: &'static str,
}

impl MigrationName for SqlMigration {
    fn name(&self) -> &str {
        self.name
    }
}

#[async_trait::async_trait]
impl MigrationTrait for SqlMigration {
    async fn up(&self, manager: &SchemaManager) -> std::result::Result<(), DbErr> {
        manager.get_connection().execute_unprepared(self.sql).await.map(|_| ())
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}

struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        MIGRATIONS.iter().map(|&(name, sql)| Box::new(SqlMigration { name, sql }) as Box<dyn MigrationTrait>).collect()
    }
}

/// Brings the database to this version. A migration that fails leaves the state before it.
pub(crate) async fn up(db: &DatabaseConnection) -> Result<()> {
    Migrator::install(db).await?;
    let applied = applied(db).await?;
    if let Some(migration) = applied.iter().find(|name| !MIGRATIONS.iter().any(|(known, _)| known == name)) {
        return Err(Error::Newer { migration: migration.clone() });
    }
    for (name, _) in MIGRATIONS.iter().filter(|(name, _)| !applied.iter().any(|done| done == name)) {
        Migrator::up(db, Some(1)).await.map_err(|source| Error::Migration { migration: (*name).to_owned(), source })?;
    }
    dialect::index_words(db).await?;
    Ok(dialect::order_by_code_points(db).await?)
}

/// Names of the migrations that were applied.
pub(crate) async fn applied(db: &DatabaseConnection) -> Result<Vec<String>> {
    let sql = "SELECT version FROM seaql_migrations ORDER BY version";
    let rows = db.query_all_raw(Statement::from_string(db.get_database_backend(), sql)).await?;
    rows.iter().map(|row| row.try_get_by_index(0).map_err(Error::from)).collect()
}
