//! The use cases: what people and agents ask of the product, free of HTML, SQL and PDF.
//!
//! One module per feature. Each takes the [`App`], an actor and plain values, and gives plain values
//! or an [`Error`] that a person can read.

mod access;
mod assess;
mod audit_folder;
mod demo;
mod doctor;
mod error;
mod export;
mod facility;
mod feed;
pub mod identity;
mod import;
mod inventory;
mod jobs;
mod journal;
mod kept;
mod ledgers;
mod mail;
mod monthly;
mod papers;
mod requirement;
mod retention;
mod seal;
mod setup;
mod stage;
mod support;
mod tasks;
mod uploads;
mod workflow;

use std::path::PathBuf;
use std::sync::OnceLock;

use domain::catalog::Catalogs;
use domain::evaluate::Evidence;
use domain::jp::day_in_japan;
use domain::lifecycle::Lifecycle;
use jiff::Timestamp;
use jiff::civil::Date;
use kept::Kept;
use store::Store;

pub use access::{
    AccessAnswer, AccessFile, AccessFormat, AccessLine, AccessQuestion, AccessTopic, Arrival, Case, CaseQueue,
    PatientReport, Receipt, ReportOptions, SourceFault, SourceState, StaffNames,
};
pub use assess::{Assessment, Count, Offenders};
pub use audit_folder::{FolderCheck, verify_folder};
pub use doctor::{Check, Health};
pub use error::{Error, FieldError, Result};
pub use export::Format;
pub use facility::NewFacility;
pub use feed::{
    AccessDocument, AccessExport, AccessImport, DocumentKind, Feed, Message, Peer, Senders, Taken, Watch, WatchedFile,
};
pub use identity::{
    Acting, Cookie, DutiesReview, Entropy, Keyring, Methods, NewToken, NewUser, PasskeyInfo, Program, ResetMethod,
    ResetRequest, SessionInfo, SetupGrant, Signed, SystemEntropy, Terminal, TokenInfo, User,
};
pub use import::{Change, ImportOptions, ImportReport, RejectedRow, SheetReport};
pub use intake::access::table::ACCESSES;
pub use intake::access::{AccessError, syslog};
/// Largest report of an agent accepted, in bytes.
pub use intake::inventory::BODY_MAX as REPORT_MAX;
/// Largest table accepted, in bytes.
pub use intake::table::MAX_FILE as TABLE_MAX;
pub use inventory::{Received, RecordedMachine};
pub use jobs::{JOBS_KEPT, Job, JobState, Work};
pub use journal::{JOURNAL_PAGE, JournalPage, JournalQuery};
pub use ledgers::Difference;
pub use mail::notices::REMIND_AFTER;
pub use mail::{MailForm, MailSecurity, MailSettings};
pub use monthly::{JournalState, Monthly, Moved, trend_label};
pub use papers::{Answer, Checklist, ChecklistPaper, PaperFormat, Papers, Word};
pub use requirement::{Related, Statement};
pub use retention::{Disposal, DisposalState, Keeps, LegalHold, Plan, Why};
pub use seal::{
    Grade, HandedLog, Head, Heads, Keeper, KeptHead, Known, LogBucket, Proved, Sealed, Sealer, StampRequest,
    Submission, WITNESS_REQUEST, Witness, WitnessRefusal, verify_proof,
};
pub use stage::{LONGEST_EVENT, Recorded};
pub use store::{AccessOpener, ImportRecord, MailQueue, Offender, PAGE_SIZE, RowLink, RowPage, RowQuery, StoredRow};
pub use tasks::{Group, Task, TaskLink};
pub use workflow::{
    Appointment, Approved, Asked, Attendee, Circular, Contact, Deputy, EVIDENCE_MAX, EvidenceRequest, Given, HandedIn,
    Inspection, LINKS_MAX, NewCircular, OpenLoan, Passage, Pending, RequestStep, Wanted, can_stand_in,
};

/// The only clock of the product.
pub trait Clock: Send + Sync {
    /// The present instant.
    fn now(&self) -> Timestamp;
}

/// The clock of this machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one clock")]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

/// A clock that stands still, for tests and the demonstration.
impl Clock for Timestamp {
    fn now(&self) -> Timestamp {
        *self
    }
}

/// Everything a use case needs.
pub struct App {
    /// The store.
    pub store: Store,
    clock: Box<dyn Clock>,
    runner: jobs::Runner,
    kept: Worked,
    stager: stage::Stager,
    taking: access::Taking,
    gaps: stage::Gaps,
    watch: seal::Watch,
    /// The data folder, where it has a log.
    data: Option<PathBuf>,
    /// Where the log is, when it is not in its data folder.
    bucket: Option<LogBucket>,
    identity: identity::Means,
}

/// What pages ask for again and again.
#[derive(Default)]
struct Worked {
    evidence: Kept<Evidence>,
    tasks: Kept<Vec<Task>>,
    known: Kept<workflow::Known>,
}

impl App {
    /// The product over an open store, with keys that live as long as the process: for tests and for commands that
    /// sign nobody in.
    pub fn new(store: Store, clock: impl Clock + 'static) -> Self {
        let identity = identity::Means::new(Keyring::ephemeral());
        Self {
            store,
            clock: Box::new(clock),
            identity,
            runner: jobs::Runner::default(),
            kept: Worked::default(),
            stager: stage::Stager::default(),
            taking: access::Taking::default(),
            gaps: stage::Gaps::default(),
            watch: seal::Watch::default(),
            data: None,
            bucket: None,
        }
    }

    /// The same with the keys of the installation.
    #[must_use]
    pub fn with_keys(mut self, keys: Keyring) -> Self {
        self.identity.keys = keys;
        self
    }

    /// The same with its data folder, whose log goes into audit folders.
    #[must_use]
    pub fn with_data(mut self, folder: &std::path::Path) -> Self {
        self.data = Some(folder.to_owned());
        self
    }

    /// The same with a bucket for its log, which without one is in the data folder.
    #[must_use]
    pub fn with_bucket(mut self, bucket: Option<LogBucket>) -> Self {
        self.bucket = bucket;
        self
    }

    /// The same with another source of randomness.
    #[must_use]
    pub fn with_entropy(mut self, entropy: impl Entropy + 'static) -> Self {
        self.identity.entropy = Box::new(entropy);
        self
    }

    /// The present instant.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The civil date in Japan.
    pub fn today(&self) -> Date {
        day_in_japan(self.now())
    }

    /// The catalogs that ship with the product.
    pub fn catalogs(&self) -> &'static Catalogs {
        Catalogs::embedded()
    }

    fn lifecycle() -> Result<&'static Lifecycle> {
        static TABLE: OnceLock<std::result::Result<Lifecycle, String>> = OnceLock::new();
        TABLE
            .get_or_init(|| Lifecycle::parse(domain::lifecycle::SHIPPED).map_err(|e| e.to_string()))
            .as_ref()
            .map_err(|message| Error::Internal { message: message.clone() })
    }
}

/// Runs work that keeps a processor busy where it holds up nobody.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(|error| Error::Internal { message: error.to_string() })
}
