//! The store: one code base over SQLite and PostgreSQL, one SQL text for both.
//!
//! It hides the database (connections, dialect, migrations, SQL) and guards two invariants: a change is
//! committed only together with a journal event, and every row belongs to a facility. It knows
//! nothing of files, pages or agents.

mod access;
mod deputies;
mod derive;
mod dialect;
mod dump;
mod error;
mod evidence;
mod facts;
mod feeds;
mod heads;
mod identity;
mod jobs;
mod journal;
mod machines;
mod mail;
mod migrate;
mod requests;
mod retention;
mod room;
mod rounds;
mod rows;
mod seal;
mod sealing;
mod signatures;
mod stage;
mod trail;
mod tx;
mod unrecorded;
mod uploads;
mod verdicts;
mod vitals;
mod workflow;

use std::fs::File;
use std::path::PathBuf;

use room::Room;
use sea_orm::{ConnectionTrait, DatabaseConnection, QueryResult, Statement, TransactionTrait, Value};

pub use access::{
    AccessOpener, AccessQuery, AccessRow, ArrivalHead, Burst, CaseRow, Closed, IndexedAccess, KeptArrival, NewArrival,
    Week,
};
pub use deputies::{DeputyRow, SeenRow};
pub use error::{Error, Result};
pub use evidence::{Offender, OsSupport};
pub use heads::{LogHead, LogKeeper};
pub use identity::{CredentialRow, Failures, GrantKind, GrantRow, SessionRow, TerminalRow, TokenRow, UserRow};
pub use jobs::JobRow;
pub use machines::MachineRow;
pub use mail::{MailQueue, MailRow, MailSettingsRow};
pub use requests::{RequestRow, RequestStepRow};
pub use retention::{DisposalRow, Floor, HoldRow, PeriodRow};
pub use rounds::{CheckRow, CircularRow, ReaderRow};
pub use rows::{ImportRecord, ImportRows, Obstacle, PAGE_SIZE, RowLink, RowPage, RowQuery, StoredRow, Undone};
pub use sealing::{LogTurn, Sealing};
pub use stage::{JournalEnd, Unplaced};
pub use tx::WriteTx;
pub use uploads::HeldUpload;
pub use verdicts::VerdictCounts;
pub use vitals::Vitals;

/// Where the data lives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// SQLite in a folder of its own.
    Folder(PathBuf),
    /// PostgreSQL, or what speaks its protocol, by URL.
    Postgres(String),
}

impl Location {
    /// Whether there is a store already. A database server is taken to be there; it says so itself when it is not.
    pub fn exists(&self) -> bool {
        match self {
            Self::Folder(folder) => folder.join(DATABASE).exists(),
            Self::Postgres(_) => true,
        }
    }
}

/// Name of the SQLite database in its folder.
const DATABASE: &str = "sakimori.db";

/// The way to write transactions of a [`Store`] for a task that outlives the calls it serves. Cheap to clone.
#[derive(Clone)]
pub struct Writer {
    db: DatabaseConnection,
    room: Room,
}

impl Writer {
    /// As [`Store::begin`].
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database cannot be reached, [`Error::DiskFull`] as long as the disk is.
    pub async fn begin(&self, actor: &domain::journal::Actor, facility: &str, now: jiff::Timestamp) -> Result<WriteTx> {
        self.room.check()?;
        let tx = self.db.begin_with_options(dialect::write_options()).await?;
        Ok(WriteTx::new(tx, self.room.clone(), actor.clone(), facility.to_owned(), now))
    }
}

/// The open store. Cheap to share behind an `Arc`.
pub struct Store {
    write: DatabaseConnection,
    read: DatabaseConnection,
    room: Room,
    /// Held while the process lives, so that a second one cannot open the same folder.
    lock: Option<File>,
}

impl Store {
    /// Opens (and, when empty, creates) the store and brings it to this version.
    ///
    /// # Errors
    /// [`Error::Folder`] when the folder cannot be written, [`Error::InUse`] when another process has
    /// it, [`Error::Unavailable`] when PostgreSQL does not answer, [`Error::Migration`] and
    /// [`Error::Newer`] when the data does not fit this version.
    pub async fn open(location: &Location) -> Result<Self> {
        let folder = match location {
            Location::Folder(folder) => Some(folder.as_path()),
            Location::Postgres(_) => None,
        };
        let (write, read, lock) = match location {
            Location::Folder(folder) => {
                let lock = claim(folder)?;
                let (write, read) = dialect::sqlite(&folder.join(DATABASE)).await?;
                (write, read, Some(lock))
            }
            Location::Postgres(url) => {
                let pool = dialect::postgres(url).await?;
                (pool.clone(), pool, None)
            }
        };
        migrate::up(&write).await?;
        derive::refresh(&write).await?;
        Ok(Self { write, read, room: Room::of(folder), lock })
    }

    /// Starts a write transaction for one facility (`""` for the installation itself). Dropped
    /// without [`WriteTx::commit`], it changes nothing.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database cannot be reached, [`Error::DiskFull`] as long as the disk is.
    pub async fn begin(&self, actor: &domain::journal::Actor, facility: &str, now: jiff::Timestamp) -> Result<WriteTx> {
        self.writer().begin(actor, facility, now).await
    }

    /// The way to write transactions, for a task of its own.
    pub fn writer(&self) -> Writer {
        Writer { db: self.write.clone(), room: self.room.clone() }
    }

    /// Refreshes the planner's statistics; call it after bulk changes.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database cannot be reached.
    pub async fn analyze(&self) -> Result<()> {
        Ok(dialect::analyze(&self.write).await?)
    }

    /// Writes what is derived or fleeting (when a session was last seen, a ceremony under way): no actor, no journal.
    /// Everything else goes through [`Store::begin`].
    async fn housekeep(&self, sql: &str, values: Vec<Value>) -> Result<u64> {
        let done = self.write.execute_raw(statement(&self.write, sql, values)).await.map_err(Error::from);
        Ok(self.room.noted(done)?.rows_affected())
    }

    async fn query(&self, sql: &str, values: Vec<Value>) -> Result<Vec<QueryResult>> {
        Ok(self.read.query_all_raw(statement(&self.read, sql, values)).await?)
    }
}

fn statement(db: &impl ConnectionTrait, sql: &str, values: Vec<Value>) -> Statement {
    let backend = db.get_database_backend();
    Statement::from_sql_and_values(backend, dialect::placeholders(backend, sql), values)
}

/// Creates the folder (readable by its owner alone) and takes its lock.
fn claim(folder: &std::path::Path) -> Result<File> {
    let name = || folder.display().to_string();
    let failed = |source| Error::Folder { folder: name(), source };
    std::fs::create_dir_all(folder).map_err(failed)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o700)).map_err(failed)?;
    }
    let lock = File::options().create(true).truncate(false).write(true).open(folder.join("lock")).map_err(failed)?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(std::fs::TryLockError::WouldBlock) => Err(Error::InUse { folder: name() }),
        Err(std::fs::TryLockError::Error(source)) => Err(failed(source)),
    }
}
