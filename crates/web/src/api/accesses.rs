//! Questions about accesses for programs. They are posted, so that a patient's id is in no address; the journal notes
//! them as it notes those of people.

use app::{AccessLine, AccessQuestion, AccessTopic, Case, FieldError};
use axum::http::StatusCode;
use jiff::Timestamp;
use jiff::civil::Date;
use serde_json::{Value, json};

use super::values::Entered;
use super::{ApiResult, Asked, Body, Caller, answer};

fn line(of: &AccessLine) -> Value {
    json!({
        "entry": of.seq, "at": of.at.to_string(), "source": of.source, "user": of.user, "name": of.name,
        "terminal": of.terminal, "patient": of.patient, "resource": of.resource, "act": of.act.code(),
        "exposure": of.exposure.code(), "outcome": of.outcome.code(), "records": of.records, "why": of.why,
    })
}

fn burst(of: &Case) -> Value {
    let at = |at: i64| Timestamp::from_microsecond(at).unwrap_or_default().to_string();
    json!({
        "signal": of.signal.code(), "source": of.row.source, "subject": of.row.subject, "first": at(of.row.span.0),
        "last": at(of.row.span.1), "accesses": of.row.accesses, "people": of.row.people, "patients": of.row.patients,
    })
}

/// Answers a question; `older` of an answer goes into `before` of the next.
pub(crate) async fn ask(caller: Caller, asked: Asked, Body(body): Body) -> ApiResult {
    asked.done()?;
    let mut entered = Entered::of(body);
    let mut texts = ["patient", "user", "about", "since", "until", "before"].map(|name| entered.text(name));
    entered.done()?;
    let [patient, user, about, since, until, before] = texts.each_mut().map(std::mem::take);
    let mut faults = Vec::new();
    let mut day = |field: &str, text: &str| -> Option<Date> {
        let read = (!text.is_empty()).then(|| domain::jp::parse_date(text))?;
        read.map_err(|error| faults.push(FieldError { field: field.to_owned(), message: error.to_string() })).ok()
    };
    let (since, until) = (day("since", &since), day("until", &until));
    let topic = if about.is_empty() { Some(AccessTopic::All) } else { AccessTopic::parse(&about) };
    if topic.is_none() {
        let message = "about がこの版の知らない種類です。説明にある種類にしてください。".to_owned();
        faults.push(FieldError { field: "about".to_owned(), message });
    }
    let place = before.split_once('-').and_then(|(at, seq)| Some((at.parse().ok()?, seq.parse().ok()?)));
    if place.is_none() && !before.is_empty() {
        let message = "before が前の答えの older ではありません。".to_owned();
        faults.push(FieldError { field: "before".to_owned(), message });
    }
    if !faults.is_empty() {
        return Err(app::Error::Fields(faults).into());
    }
    let question = AccessQuestion { patient, user, topic: topic.unwrap_or_default(), since, until, before: place };
    let found = caller.app().ask_accesses(&caller.actor(), caller.facility(), &question).await?;
    let older = found.older.map(|(at, seq)| format!("{at}-{seq}"));
    let lines: Vec<Value> = found.lines.iter().map(line).collect();
    let bursts: Vec<Value> = found.bursts.iter().map(burst).collect();
    Ok(answer(StatusCode::OK, &json!({ "count": found.count, "older": older, "accesses": lines, "bursts": bursts })))
}
