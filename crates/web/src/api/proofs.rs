//! Papers, jobs and the journal, for programs.

use app::{FieldError, Job, JobState, JournalQuery, PaperFormat, Papers, Work};
use axum::extract::Path;
use axum::http::StatusCode;
use domain::text::Lang;
use domain::unrecorded::Class;
use jiff::civil::Date;
use serde_json::{Value, json};

use super::acts::instant;
use super::values::Entered;
use super::{ApiResult, Asked, Body, Caller, answer, named};
use crate::page::{Problem, file};
use crate::pages::checklists::media_type;
use crate::pages::evidence::{earliest, latest};

/// Codes of what a job makes.
pub(crate) const WORKS: [&str; 2] = ["audit_folder", "requirements"];
/// Codes of how far a job is.
pub(crate) const STATES: [&str; 4] = ["running", "done", "failed", "interrupted"];

/// A job as JSON.
fn job_json(job: &Job) -> Value {
    let [running, done, failed, interrupted] = STATES;
    let state = match job.state {
        JobState::Running => running,
        JobState::Done => done,
        JobState::Failed => failed,
        JobState::Interrupted => interrupted,
    };
    let (work, edition) = match &job.work {
        Work::AuditFolder => (WORKS[0], None),
        Work::Requirements(edition) => (WORKS[1], Some(edition)),
    };
    json!({
        "id": job.id, "work": work, "edition": edition, "state": state, "made_by": job.made_by,
        "made_at": job.made_at.to_string(), "ended_at": job.ended_at.map(|at| at.to_string()), "result": job.result,
        "file": job.file.as_ref().map(|(name, _)| name), "bytes": job.file.as_ref().map(|(_, bytes)| bytes),
    })
}

/// The jobs, newest first.
pub(crate) async fn jobs(caller: Caller, asked: Asked) -> ApiResult {
    asked.done()?;
    let jobs = caller.app().jobs(caller.facility()).await?;
    Ok(answer(StatusCode::OK, &json!({ "jobs": jobs.iter().map(job_json).collect::<Vec<_>>() })))
}

/// One job.
pub(crate) async fn job(caller: Caller, id: Path<String>, asked: Asked) -> ApiResult {
    asked.done()?;
    Ok(answer(StatusCode::OK, &job_json(&caller.app().job(caller.facility(), &named(id)?).await?)))
}

/// The file it made.
pub(crate) async fn job_file(caller: Caller, id: Path<String>, asked: Asked) -> ApiResult {
    asked.done()?;
    let (name, bytes) = caller.app().take_job_file(&caller.actor(), caller.facility(), &named(id)?).await?;
    Ok(file(&name, if name.ends_with(".zip") { "application/zip" } else { "application/pdf" }, bytes))
}

/// Starts one; asking twice for the same makes it once.
pub(crate) async fn job_start(caller: Caller, asked: Asked, Body(body): Body) -> ApiResult {
    asked.done()?;
    let mut entered = Entered::of(body);
    let (work, edition) = (entered.text("work"), entered.text("edition"));
    entered.done()?;
    let fault =
        |field: &str, message: &str| Problem::from(app::Error::Fields(vec![app::FieldError::new(field, message)]));
    let work = match work.as_str() {
        "audit_folder" if edition.is_empty() => Work::AuditFolder,
        "requirements" => match caller.app().catalogs().catalog(&edition) {
            Some(known) => Work::Requirements(known.id.clone()),
            None => return Err(fault("edition", "そのような版はありません。版の番号を確かめてください。")),
        },
        _ => return Err(fault("work", "work は audit_folder か、edition を付けた requirements にしてください。")),
    };
    let app = caller.shared_app();
    let id = app.start_job(&caller.actor(), caller.facility(), work, &caller.actor().name).await?;
    Ok(answer(StatusCode::ACCEPTED, &job_json(&app.job(caller.facility(), &id).await?)))
}

/// A checklist as PDF or workbook.
pub(crate) async fn paper(caller: Caller, at: Path<(String, String)>, mut asked: Asked) -> ApiResult {
    let Path((edition, form)) = at;
    let (edition, form) = (named(Path(edition))?, named(Path(form))?);
    let ending = asked.one_of("format", &["pdf", "xlsx"]).unwrap_or("pdf");
    asked.done()?;
    let assessment = caller.app().assess(caller.facility()).await?;
    let by = caller.actor();
    let papers = Papers { assessment: &assessment, printed_by: &by.name, lang: Lang::Ja };
    let taken = if ending == PaperFormat::Xlsx.ending() { PaperFormat::Xlsx } else { PaperFormat::Pdf };
    let bytes = caller.app().take_checklist(&by, &papers, (&edition, &form), taken).await?;
    Ok(file(&format!("{edition}_{form}_{}.{ending}", caller.app().today()), media_type(taken), bytes))
}

/// The monthly report as a PDF.
pub(crate) async fn monthly(caller: Caller, mut asked: Asked) -> ApiResult {
    let edition = asked.take("edition");
    asked.done()?;
    let (app, facility) = (caller.app(), caller.facility());
    let assessment = app.assess(facility).await?;
    let report = app.monthly(facility, &assessment, edition.as_deref()).await?;
    let papers = Papers { assessment: &assessment, printed_by: &caller.actor().name, lang: Lang::Ja };
    let bytes = app.take_monthly(&caller.actor(), &papers, &report).await?;
    Ok(file(&format!("monthly_{}_{}.pdf", report.edition.id, report.today), "application/pdf", bytes))
}

/// A page of the journal, newest first; that it was read is an entry, too.
pub(crate) async fn journal(caller: Caller, mut asked: Asked) -> ApiResult {
    let text = asked.take("q").unwrap_or_default();
    let since: Option<Date> = asked.parsed("since", "YYYY-MM-DD の日付");
    let until: Option<Date> = asked.parsed("until", "YYYY-MM-DD の日付");
    let before: Option<i64> = asked.parsed("before", "整数");
    asked.done()?;
    let period = caller.period();
    let query = JournalQuery {
        text: &text,
        name_of: &|action: &str| crate::page::action(Lang::Ja, action),
        since: latest(since, period.map(|p| p.from)),
        until: earliest(until, period.map(|p| p.until)),
        before,
    };
    let page = caller.app().read_journal(&caller.actor(), caller.facility(), query).await?;
    let entries: Vec<Value> = page
        .entries
        .into_iter()
        .map(|entry| {
            json!({
                "seq": entry.seq, "at": instant(entry.at), "actor": entry.actor, "action": entry.action,
                "subject": entry.subject, "details": entry.details,
            })
        })
        .collect();
    Ok(answer(StatusCode::OK, &json!({ "entries": entries, "older": page.older })))
}

/// What becomes of acts that cannot be recorded.
pub(crate) async fn unrecorded(caller: Caller, asked: Asked) -> ApiResult {
    asked.done()?;
    caller.app().refresh_decisions().await?;
    Ok(answer(StatusCode::OK, &decisions(&caller)))
}

/// Decides it, for the classes that are named.
pub(crate) async fn decide_unrecorded(caller: Caller, asked: Asked, Body(body): Body) -> ApiResult {
    asked.done()?;
    let read = |(name, value): (&String, &Value)| {
        Class::parse(name).zip(value.as_bool()).ok_or_else(|| {
            let message =
                format!("「{name}」は分類の名前ではないか、値が true・false ではありません。直してください。");
            FieldError::new(name, message)
        })
    };
    let (decided, faults): (Vec<_>, Vec<_>) = body.iter().map(read).partition(Result::is_ok);
    let mut faults: Vec<FieldError> = faults.into_iter().filter_map(Result::err).collect();
    let decided: Vec<(Class, bool)> = decided.into_iter().filter_map(Result::ok).collect();
    if body.is_empty() {
        faults.push(FieldError::new("", "何も書かれていません。分類の名前に true か false を付けて送ってください。"));
    }
    if !faults.is_empty() {
        return Err(app::Error::Fields(faults).into());
    }
    caller.app().decide_unrecorded(&caller.actor(), &decided).await?;
    Ok(answer(StatusCode::OK, &decisions(&caller)))
}

fn decisions(caller: &Caller) -> Value {
    Class::all().map(|class| (class.code(), caller.app().goes_on(class))).collect()
}
