//! Access events from FHIR servers: `POST AuditEvent`, and a Bundle to the base, as FHIR R4 has it; and a period of
//! accesses for other systems.
//!
//! What is refused is answered as an OperationOutcome, whoever refused it; an entry of a batch that cannot be read is
//! refused alone. An answer that promises (201) is given once the event is durable.

use app::{AccessDocument, AccessExport, DocumentKind};
use axum::body::to_bytes;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse as _, Response};
use jiff::civil::Date;
use serde_json::{Value, json};

use super::{ApiResult, Asked, Caller};
use crate::form::UPLOAD_MAX;
use crate::page::{Problem, file};

/// The path under which FHIR is spoken.
pub(crate) const BASE: &str = "/api/v1/fhir";
/// What FHIR calls its JSON.
pub(crate) const FHIR: &str = "application/fhir+json";

/// Takes one AuditEvent. A Bundle sent here is taken, too: what it is, it says itself.
pub(crate) async fn create(caller: Caller, asked: Asked, request: Request) -> ApiResult {
    let document = receive(&caller, asked, request).await?;
    if document.kind != DocumentKind::Event {
        return answer(&document);
    }
    let known = document.receipt.is_some_and(|receipt| receipt.new == 0);
    let said = if known { "この記録はすでに受け取っています。" } else { "受け取りました。" };
    Ok(resource(StatusCode::CREATED, &outcome("information", "informational", None, said)))
}

/// Takes a Bundle of them, or one event.
pub(crate) async fn bundle(caller: Caller, asked: Asked, request: Request) -> ApiResult {
    answer(&receive(&caller, asked, request).await?)
}

/// What became of a Bundle.
fn answer(document: &AccessDocument) -> ApiResult {
    match document.refused.first() {
        Some((_, error)) if document.kind == DocumentKind::Transaction => Err(app::Error::from(error.clone()).into()),
        _ => Ok(entries(document.events, &document.refused)),
    }
}

/// What became of each entry.
fn entries(events: usize, refused: &[(usize, app::AccessError)]) -> Response {
    let mut refused = refused.iter().peekable();
    let entry = |at: usize| match refused.next_if(|(place, _)| *place == at) {
        None => json!({ "response": { "status": "201 Created" } }),
        Some((_, error)) => {
            let outcome = outcome("error", "invalid", Some(error.code()), &error.to_string());
            json!({ "response": { "status": "400 Bad Request", "outcome": outcome } })
        }
    };
    let entries: Vec<Value> = (0..events).map(entry).collect();
    resource(StatusCode::OK, &json!({ "resourceType": "Bundle", "type": "batch-response", "entry": entries }))
}

/// Reads what was sent and takes it in the name of its source: the one asked for, or the only one that speaks FHIR.
async fn receive(caller: &Caller, mut asked: Asked, request: Request) -> Result<AccessDocument, Problem> {
    let source = asked.take("source");
    asked.done()?;
    let kind = request.headers().get(CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if kind != FHIR && kind != "application/json" {
        let message = "受け取れませんでした（API-003）。内容の種類がFHIRのJSONではありません。Content-Type を application/fhir+json にしてください。";
        return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "API-003", message));
    }
    let feed = caller.app().feed_of(caller.program(), source.as_deref(), "fhir").await?;
    let bytes = to_bytes(request.into_body(), UPLOAD_MAX).await.map_err(|_| Problem::too_large())?;
    Ok(caller.app().receive_document(&caller.actor(), &feed, bytes.to_vec()).await?)
}

/// The accesses of a period in one of the formats, as a file. That it was taken is an entry of the journal.
pub(crate) async fn transfer(caller: Caller, mut asked: Asked) -> ApiResult {
    let codes = AccessExport::ALL.map(AccessExport::code);
    let format = asked.one_of("format", &codes).and_then(AccessExport::parse).unwrap_or(AccessExport::Fhir);
    let from: Option<Date> = asked.parsed("from", DAY);
    let until: Option<Date> = asked.parsed("until", DAY);
    for (name, day) in [("from", from), ("until", until)] {
        if day.is_none() {
            asked.fault(name, &format!("「{name}」がないか、{DAY}ではありません。入れてください。"));
        }
    }
    asked.done()?;
    let Some(days) = from.zip(until) else { return Err(Problem::nowhere(StatusCode::NOT_FOUND)) };
    let bytes = caller.app().transfer_accesses(&caller.actor(), caller.facility(), days, format).await?;
    let (kind, ending) = match format {
        AccessExport::Fhir => (FHIR, "json"),
        AccessExport::Ocsf => ("application/x-ndjson", "ndjson"),
        AccessExport::Atna => ("application/xml-external-parsed-entity", "xml"),
        AccessExport::Table => ("text/csv; charset=utf-8", "csv"),
    };
    Ok(file(&format!("accesses_{}_{}.{ending}", days.0, days.1), kind, bytes))
}

/// What a day is called where one is missing.
const DAY: &str = "日付（2026-04-01の形）";

/// Answers with a resource.
pub(crate) fn resource(status: StatusCode, resource: &Value) -> Response {
    (status, [(CONTENT_TYPE, FHIR)], resource.to_string()).into_response()
}

/// An OperationOutcome of one issue. `kind` is a code of FHIR's IssueType.
pub(crate) fn outcome(severity: &str, kind: &str, code: Option<&str>, message: &str) -> Value {
    let mut issue = json!({ "severity": severity, "code": kind, "diagnostics": message });
    if let (Some(code), Some(members)) = (code, issue.as_object_mut()) {
        members.insert("details".to_owned(), json!({ "coding": [{ "code": code }] }));
    }
    json!({ "resourceType": "OperationOutcome", "issue": [issue] })
}
