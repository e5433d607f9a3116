//! 処理: what takes longer than a person should wait for, run in the background with a result to come back to.
//!
//! A job is a row in the store. It belongs to the process that started it: when that is gone, the job counts as
//! interrupted without anybody having to tidy up. Heavy jobs take turns, as the typesetter needs memory for itself.

use std::sync::Arc;
use std::time::Duration;

use domain::evaluate::Facility;
use domain::journal::{Actor, Event, sha256};
use domain::text::Lang;
use domain::unrecorded::Class;
use jiff::Timestamp;
use store::JobRow;
use tokio::sync::Semaphore;
use uuid::Uuid;

use crate::App;
use crate::error::{Error, Result};
use crate::papers::Papers;

/// Jobs kept per facility, with their files.
pub const JOBS_KEPT: u32 = 20;
/// Longest a job of another process counts as running.
const LONGEST: Duration = Duration::from_secs(30 * 60);
/// Heavy jobs at a time in one process.
const AT_ONCE: usize = 1;

/// What a process needs to run jobs.
pub(crate) struct Runner {
    id: String,
    turns: Semaphore,
}

impl Default for Runner {
    fn default() -> Self {
        Self { id: Uuid::now_v7().to_string(), turns: Semaphore::new(AT_ONCE) }
    }
}

/// What a job makes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Work {
    /// 監査フォルダ, a zip; its result is the check code.
    AuditFolder,
    /// Every requirement of an edition with verdict and evidence, a PDF.
    Requirements(String),
}

/// How far a job is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobState {
    /// Waiting for its turn, or being done.
    Running,
    /// Done.
    Done,
    /// It could not be done; the result says why.
    Failed,
    /// The process ended before the job did.
    Interrupted,
}

/// One job.
#[derive(Clone, Debug)]
pub struct Job {
    /// Id.
    pub id: String,
    /// What it makes.
    pub work: Work,
    /// How far it is.
    pub state: JobState,
    /// Who asked for it.
    pub made_by: String,
    /// When.
    pub made_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// What came out: a check code, or why it failed. Empty when there is nothing to say.
    pub result: String,
    /// Name and size in bytes of the file it made.
    pub file: Option<(String, i64)>,
}

/// A file a job made: name, bytes, and what came out in words.
struct Made {
    name: String,
    bytes: Vec<u8>,
    result: String,
}

impl Work {
    fn code(&self) -> (&'static str, &str) {
        match self {
            Self::AuditFolder => ("audit_folder", ""),
            Self::Requirements(edition) => ("requirements", edition),
        }
    }

    fn of(kind: &str, about: &str) -> Option<Self> {
        match kind {
            "audit_folder" => Some(Self::AuditFolder),
            "requirements" => Some(Self::Requirements(about.to_owned())),
            _ => None,
        }
    }
}

impl App {
    /// Starts a job for a facility in the name of `by`, and returns its id. When the same is being made already, that
    /// job's id: asking twice makes it once.
    ///
    /// # Errors
    /// Any store error.
    pub async fn start_job(
        self: &Arc<Self>,
        actor: &Actor,
        facility: &Facility,
        work: Work,
        by: &str,
    ) -> Result<String> {
        let running = |job: &Job| job.state == JobState::Running && job.work == work;
        if let Some(job) = self.jobs(facility).await?.into_iter().find(running) {
            return Ok(job.id);
        }
        let id = Uuid::now_v7().to_string();
        let (kind, about) = work.code();
        let mut tx = self.store.begin(actor, &facility.id, self.now()).await?;
        tx.job_insert(&id, kind, about, &self.runner.id, by).await?;
        tx.record(Event::new("job.start", id.clone()).with("kind", kind).with("about", about));
        tx.commit().await?;
        let (app, actor, facility, by, job) =
            (Arc::clone(self), actor.clone(), facility.clone(), by.to_owned(), id.clone());
        tokio::spawn(async move { app.run(&actor, &facility, work, by, &job).await });
        Ok(id)
    }

    /// The jobs of a facility, newest first. Those of a newer version are left out.
    ///
    /// # Errors
    /// Any store error.
    pub async fn jobs(&self, facility: &Facility) -> Result<Vec<Job>> {
        Ok(self.store.job_list(&facility.id).await?.into_iter().filter_map(|row| self.job_of(row)).collect())
    }

    /// One job of a facility.
    ///
    /// # Errors
    /// [`Error::NotFound`] when the facility has no such job.
    pub async fn job(&self, facility: &Facility, id: &str) -> Result<Job> {
        let row = self.store.job_fetch(&facility.id, id).await?;
        self.job_of(row).ok_or_else(|| Error::NotFound { what: "処理".to_owned() })
    }

    /// Name and bytes of the file a job of the facility made, for somebody who takes it away, which is recorded.
    ///
    /// # Errors
    /// [`Error::Store`] when the facility has no such job, or it made no file; when it cannot be recorded and must not go
    /// on without.
    pub async fn take_job_file(&self, by: &Actor, facility: &Facility, id: &str) -> Result<(String, Vec<u8>)> {
        let (name, bytes) = self.store.job_file(&facility.id, id).await?;
        let event = Event::new("job.export", id).with("file", &name).with("sha256", sha256(&bytes));
        self.record(Class::Export, by, &facility.id, event).await?;
        Ok((name, bytes))
    }

    fn job_of(&self, row: JobRow) -> Option<Job> {
        let age = self.now().duration_since(row.made_at);
        let mine = row.runner == self.runner.id;
        // A folder has one process; whatever another one left running there will never end.
        let alive = mine || (self.store.is_shared() && age.unsigned_abs() < LONGEST);
        let state = match row.state.as_str() {
            "done" => JobState::Done,
            "running" if alive => JobState::Running,
            "running" => JobState::Interrupted,
            _ => JobState::Failed,
        };
        Some(Job {
            work: Work::of(&row.kind, &row.about)?,
            id: row.id,
            state,
            made_by: row.made_by,
            made_at: row.made_at,
            ended_at: row.ended_at,
            result: row.result.unwrap_or_default(),
            file: row.file_name.map(|name| (name, row.file_bytes)),
        })
    }

    /// Does the work and writes down how it ended. A task of its own does it, so that a mistake in there ends the job
    /// and not more.
    async fn run(self: Arc<Self>, actor: &Actor, facility: &Facility, work: Work, by: String, id: &str) {
        let (app, for_actor, for_facility) = (Arc::clone(&self), actor.clone(), facility.clone());
        let doing = tokio::spawn(async move {
            let _turn = app.runner.turns.acquire().await;
            app.make(&for_actor, &for_facility, work, &by).await
        });
        let made = doing.await.unwrap_or_else(|error| {
            tracing::error!(%error, job = id, "a job broke");
            Err(Error::Internal { message: "処理が途中で止まりました".to_owned() })
        });
        if let Err(error) = self.end(actor, facility, id, made).await {
            tracing::error!(code = error.code(), %error, job = id, "the end of a job was not written down");
        }
    }

    async fn make(&self, actor: &Actor, facility: &Facility, work: Work, by: &str) -> Result<Made> {
        let today = self.today();
        match work {
            Work::AuditFolder => {
                let (bytes, code) = self.audit_folder(actor, facility, by).await?;
                Ok(Made { name: format!("監査フォルダ_{}_{today}.zip", facility.no), bytes, result: code })
            }
            Work::Requirements(edition) => {
                let assessment = self.assess(facility).await?;
                let papers = Papers { assessment: &assessment, printed_by: by, lang: Lang::Ja };
                let document = papers.requirements(&edition, None)?;
                let bytes = crate::papers::pressed(document).await?;
                Ok(Made { name: format!("判定と根拠_{edition}_{today}.pdf"), bytes, result: String::new() })
            }
        }
    }

    async fn end(&self, actor: &Actor, facility: &Facility, id: &str, made: Result<Made>) -> Result<()> {
        let mut tx = self.store.begin(actor, &facility.id, self.now()).await?;
        let event = Event::new("job.end", id);
        let event = match made {
            Ok(made) => {
                let event = event.with("state", "done").with("file", &made.name).with("sha256", sha256(&made.bytes));
                tx.job_end(id, Ok(&made.result), Some((made.name, made.bytes))).await?;
                event
            }
            Err(error) => {
                tracing::error!(code = error.code(), %error, job = id, "a job failed");
                tx.job_end(id, Err(&error.to_string()), None).await?;
                event.with("state", "failed").with("code", error.code())
            }
        };
        let dropped = tx.job_prune(JOBS_KEPT).await?;
        tx.record(event.with("dropped", dropped));
        Ok(tx.commit().await?)
    }
}
