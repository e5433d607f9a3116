//! Requests for evidence, for programs. Confirming is left to people on purpose: it says that somebody looked.

use app::{EvidenceRequest, HandedIn, LINKS_MAX, Wanted};
use axum::extract::Path;
use axum::http::StatusCode;
use domain::workflow::request::Act;
use serde_json::{Value, json};

use super::values::Entered;
use super::{ApiResult, Asked, Body, Caller, answer as answered, named};
use crate::page::file as download;

fn request_json(request: &EvidenceRequest) -> Value {
    let steps: Vec<Value> = request
        .steps
        .iter()
        .map(|step| {
            let links: Vec<Value> =
                step.links.iter().map(|(ledger, key, _)| json!({ "ledger": ledger.name, "key": key })).collect();
            let file = step
                .file
                .as_ref()
                .map(|(name, sha256, bytes)| json!({ "name": name, "sha256": sha256, "bytes": bytes }));
            json!({
                "place": step.place, "act": step.act.code(), "by": step.by, "at": step.at.to_string(),
                "said": step.said, "links": links, "file": file,
            })
        })
        .collect();
    json!({
        "no": request.no, "rev": request.rev, "requirement": request.requirement, "what": request.what,
        "due_on": request.due_on.to_string(), "state": request.state.code(), "asked_by": request.asked_by,
        "asked_at": request.asked_at.to_string(), "with": request.with, "steps": steps,
    })
}

/// The requests that the account sees.
pub(crate) async fn list(caller: Caller, asked: Asked) -> ApiResult {
    asked.done()?;
    let assessment = caller.app().assess(caller.facility()).await?;
    let all = caller.app().evidence_requests(caller.facility(), &assessment, Some(caller.user())).await?;
    let all: Vec<Value> = all.iter().map(request_json).collect();
    Ok(answered(StatusCode::OK, &json!({ "requests": all })))
}

async fn one(caller: &Caller, status: StatusCode, no: &str) -> ApiResult {
    let assessment = caller.app().assess(caller.facility()).await?;
    let request = caller.app().evidence_request(caller.facility(), &assessment, caller.user(), no).await?;
    Ok(answered(status, &request_json(&request)))
}

/// One of them.
pub(crate) async fn show(caller: Caller, no: Path<String>, asked: Asked) -> ApiResult {
    asked.done()?;
    one(&caller, StatusCode::OK, &named(no)?).await
}

/// Asks for evidence.
pub(crate) async fn ask(caller: Caller, asked: Asked, Body(body): Body) -> ApiResult {
    asked.done()?;
    let mut entered = Entered::of(body);
    let mut text = |name: &str| entered.text(name);
    let wanted = Wanted { requirement: text("requirement"), what: text("what"), due_on: text("due_on") };
    entered.done()?;
    let no = caller.app().request_evidence(&caller.actor(), caller.user(), caller.facility(), &wanted).await?;
    one(&caller, StatusCode::CREATED, &no).await
}

/// Hands rows in; files are handed in on the page.
pub(crate) async fn answer(caller: Caller, no: Path<String>, asked: Asked, Body(body): Body) -> ApiResult {
    asked.done()?;
    let (no, mut entered) = (named(no)?, Entered::of(body));
    let (rev, said, links) = (entered.rev(), entered.text("said"), entered.texts("links", LINKS_MAX));
    entered.done()?;
    let handed = HandedIn { said, links, ..HandedIn::default() };
    caller.app().request_answer(&caller.actor(), caller.user(), caller.facility(), (&no, rev), handed).await?;
    one(&caller, StatusCode::OK, &no).await
}

/// Sends what was handed in back.
pub(crate) async fn send_back(caller: Caller, no: Path<String>, asked: Asked, Body(body): Body) -> ApiResult {
    asked.done()?;
    let (no, mut entered) = (named(no)?, Entered::of(body));
    let (rev, reason) = (entered.rev(), entered.text("reason"));
    entered.done()?;
    let (actor, facility) = (caller.actor(), caller.facility());
    caller.app().request_decide(&actor, caller.user(), facility, (&no, rev), Act::SendBack, &reason).await?;
    one(&caller, StatusCode::OK, &no).await
}

/// Withdraws a request.
pub(crate) async fn withdraw(caller: Caller, no: Path<String>, asked: Asked, Body(body): Body) -> ApiResult {
    asked.done()?;
    let (no, mut entered) = (named(no)?, Entered::of(body));
    let (rev, reason) = (entered.rev(), entered.text("reason"));
    entered.done()?;
    let at = (no.as_str(), rev);
    caller.app().request_withdraw(caller.program(), caller.facility(), at, &reason).await?;
    one(&caller, StatusCode::OK, &no).await
}

/// A file that was handed in.
pub(crate) async fn file(caller: Caller, at: Path<(String, String)>, asked: Asked) -> ApiResult {
    asked.done()?;
    let Path((no, place)) = at;
    let (no, place) = (named(Path(no))?, named(Path(place))?);
    let place = place.parse().map_err(|_| app::Error::NotFound { what: "ファイル".to_owned() })?;
    let (name, bytes) = caller.app().request_file(caller.user(), caller.facility(), &no, place).await?;
    Ok(download(&name, "application/octet-stream", bytes))
}
