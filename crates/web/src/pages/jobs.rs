//! 処理: what runs in the background, and its result to come back to.

use app::{Job, JobState, Work};
use askama::Template;
use axum::extract::Path;

use crate::form::Fields;
use crate::guard::Visit;
use crate::page::{Chrome, PageResult, done, file};

/// A file to fetch.
pub(crate) struct File {
    pub(crate) name: String,
    pub(crate) href: String,
    pub(crate) size: String,
}

/// A job as pages show it.
pub(crate) struct Line {
    pub(crate) href: String,
    /// What it makes.
    pub(crate) what: String,
    /// Key of the word for how far it is, and its mark.
    pub(crate) state: &'static str,
    pub(crate) mark: &'static str,
    pub(crate) running: bool,
    pub(crate) failed: bool,
    pub(crate) made_by: String,
    pub(crate) made_at: String,
    pub(crate) ended_at: String,
    pub(crate) result: String,
    pub(crate) file: Option<File>,
}

impl Line {
    /// The beginning of the check code, when there is one.
    pub(crate) fn code(&self) -> &str {
        if self.failed { "" } else { self.result.get(..12).unwrap_or_default() }
    }
}

/// A job in words.
pub(crate) fn line(c: &Chrome, job: Job) -> Line {
    let (state, mark) = match job.state {
        JobState::Running => ("job-running", "…"),
        JobState::Done => ("job-done", "✓"),
        JobState::Failed => ("job-failed", "×"),
        JobState::Interrupted => ("job-interrupted", "×"),
    };
    let href = format!("/jobs/{}", job.id);
    Line {
        what: match &job.work {
            Work::AuditFolder => c.t("evidence-folder"),
            Work::Requirements(edition) => c.with("job-requirements", "edition", edition),
        },
        state,
        mark,
        running: job.state == JobState::Running,
        failed: matches!(job.state, JobState::Failed | JobState::Interrupted),
        made_by: job.made_by,
        made_at: c.at(job.made_at),
        ended_at: job.ended_at.map_or_else(String::new, |at| c.at(at)),
        result: job.result,
        file: job.file.map(|(name, bytes)| File { name, href: format!("{href}/file"), size: size(bytes) }),
        href,
    }
}

/// A size as people read it.
fn size(bytes: i64) -> String {
    match bytes {
        0..1_000_000 => format!("{} KB", bytes.div_euclid(1_000).max(1)),
        _ => format!("{}.{} MB", bytes / 1_000_000, bytes / 100_000 % 10),
    }
}

/// Starts one.
pub(crate) async fn start(visit: Visit, fields: Fields) -> PageResult {
    let work = match fields.get("work") {
        "audit_folder" => Work::AuditFolder,
        "requirements" => {
            let edition = fields.get("edition");
            let known = visit.app().catalogs().catalog(edition);
            let known = known.ok_or_else(|| app::Error::NotFound { what: "版".to_owned() })?;
            Work::Requirements(known.id.clone())
        }
        _ => return Err(app::Error::NotFound { what: "処理".to_owned() }.into()),
    };
    let me = visit.me()?;
    let id = visit.web().app.start_job(&me.actor(), visit.facility()?, work, &me.user.name).await?;
    Ok(done(&format!("/jobs/{id}"), "job-started", &[]))
}

#[derive(Template)]
#[template(path = "job.html")]
struct Page {
    c: Chrome,
    job: Line,
    is_folder: bool,
    back: &'static str,
    /// Key of the word for where that leads.
    back_word: &'static str,
}

/// How far it is; the page asks again by itself until it has ended.
pub(crate) async fn show(visit: Visit, Path(id): Path<String>) -> PageResult {
    let job = visit.app().job(visit.facility()?, &id).await?;
    let (back, back_word) = match &job.work {
        Work::AuditFolder => ("/evidence", "evidence-title"),
        Work::Requirements(_) => ("/requirements", "requirements-title"),
    };
    let mut c = visit.chrome("job-title");
    let is_folder = job.work == Work::AuditFolder;
    let job = line(&c, job);
    c.title.clone_from(&job.what);
    visit.page(&Page { c, job, is_folder, back, back_word })
}

/// The file it made.
pub(crate) async fn fetch(visit: Visit, Path(id): Path<String>) -> PageResult {
    let (name, bytes) = visit.app().take_job_file(&visit.me()?.actor(), visit.facility()?, &id).await?;
    let kind = if name.ends_with(".zip") { "application/zip" } else { "application/pdf" };
    Ok(file(&name, kind, bytes))
}
