//! Questions about accesses for programs. They are posted, so that a patient's id is in no address; the journal notes
//! them as it notes those of people.

use std::collections::HashMap;

use app::{
    AccessFormat, AccessLine, AccessQuestion, AccessTopic, Case, CaseQueue, FieldError, ReportOptions, StaffNames,
};
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::IntoResponse as _;
use domain::access::review::{CLOSED_DAYS, Closing, NUMBERS};
use jiff::Timestamp;
use jiff::civil::Date;
use serde_json::{Map, Value, json};

use super::values::Entered;
use super::{ApiResult, Asked, Body, Caller, answer, named};
use crate::page::{Problem, file};
use crate::pages::imports::XLSX;

/// The forms of an answer as a file.
pub(crate) const FORMATS: [&str; 3] = ["xlsx", "csv", "pdf"];
/// The forms of a report to a patient.
pub(crate) const REPORTS: [&str; 2] = ["pdf", "zip"];
/// Whether a report names the staff.
pub(crate) const STAFF: [&str; 2] = ["shown", "withheld"];

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

/// The question in a body, whose other members are left in it.
fn question(entered: &mut Entered) -> Result<AccessQuestion, Problem> {
    let mut texts = ["patient", "user", "about", "since", "until", "before"].map(|name| entered.text(name));
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
    Ok(AccessQuestion { patient, user, topic: topic.unwrap_or_default(), since, until, before: place })
}

/// Answers a question; `older` of an answer goes into `before` of the next.
pub(crate) async fn ask(caller: Caller, asked: Asked, Body(body): Body) -> ApiResult {
    asked.done()?;
    let mut entered = Entered::of(body);
    let question = question(&mut entered)?;
    entered.done()?;
    let found = caller.app().ask_accesses(&caller.actor(), caller.facility(), &question).await?;
    let older = found.older.map(|(at, seq)| format!("{at}-{seq}"));
    let lines: Vec<Value> = found.lines.iter().map(line).collect();
    let bursts: Vec<Value> = found.bursts.iter().map(burst).collect();
    Ok(answer(StatusCode::OK, &json!({ "count": found.count, "older": older, "accesses": lines, "bursts": bursts })))
}

/// The answer to a question as a file.
pub(crate) async fn export(caller: Caller, asked: Asked, Body(body): Body) -> ApiResult {
    asked.done()?;
    let mut entered = Entered::of(body);
    let ending = entered.one_of("format", &FORMATS);
    let question = question(&mut entered)?;
    entered.done()?;
    let (format, kind) = match ending {
        "csv" => (AccessFormat::Csv, "text/csv; charset=utf-8"),
        "pdf" => (AccessFormat::Pdf, "application/pdf"),
        _ => (AccessFormat::Xlsx, XLSX),
    };
    let made = caller.app().export_accesses(&caller.actor(), caller.facility(), &question, format).await?;
    Ok(file(&made.name, kind, made.bytes))
}

/// The answer to a patient's own request.
pub(crate) async fn report(caller: Caller, asked: Asked, Body(body): Body) -> ApiResult {
    asked.done()?;
    let mut entered = Entered::of(body);
    let (ending, staff) = (entered.one_of("format", &REPORTS), entered.one_of("staff", &STAFF));
    let (reason, patient) = (entered.text("reason"), entered.text("patient"));
    let (since, until) = (entered.day("since"), entered.day("until"));
    entered.done()?;
    let staff = if staff == "withheld" { StaffNames::Withheld(reason) } else { StaffNames::Shown };
    let options = ReportOptions { patient, since, until, staff };
    let made = caller.app().patient_report(&caller.actor(), caller.facility(), caller.folder(), &options).await?;
    Ok(match ending {
        "zip" => file(&format!("{}.zip", made.name), "application/zip", made.zip),
        _ => file(&format!("{}.pdf", made.name), "application/pdf", made.pdf),
    })
}

/// A case of the review: no patient's id, for a list is read without anything being noted.
fn case(of: &Case) -> Value {
    let at = |at: i64| Timestamp::from_microsecond(at).unwrap_or_default().to_string();
    let closed = of.row.closed.as_ref().map(|closed| {
        json!({ "verdict": closed.verdict, "reason": closed.reason, "by": closed.by, "at": closed.at.to_string() })
    });
    json!({
        "no": of.row.no, "signal": of.signal.code(), "source": of.row.source, "week": of.row.week,
        "first": at(of.row.span.0), "last": at(of.row.span.1), "accesses": of.row.accesses,
        "people": of.row.people, "patients": of.row.patients, "closed": closed,
    })
}

/// What stands out and waits to be looked at.
pub(crate) async fn cases(caller: Caller, asked: Asked) -> ApiResult {
    asked.done()?;
    let CaseQueue { open, beyond, closed } = caller.app().case_queue(caller.facility()).await?;
    let all = |cases: &[Case]| cases.iter().map(case).collect::<Vec<_>>();
    let document = json!({ "open": all(&open), "beyond": all(&beyond), "closed": all(&closed) });
    Ok(answer(StatusCode::OK, &document))
}

/// Looks for what stands out now.
pub(crate) async fn find(caller: Caller, asked: Asked, Body(body): Body) -> ApiResult {
    asked.done()?;
    Entered::of(body).done()?;
    let found = caller.app().find_cases(&caller.actor(), caller.facility()).await?;
    Ok(answer(StatusCode::OK, &json!({ "found": found })))
}

/// The number of a case in an address.
fn number(no: Path<String>) -> Result<i64, Problem> {
    named(no)?.parse().map_err(|_| app::Error::NotFound { what: "確認事項".to_owned() }.into())
}

/// One case with its accesses; that it was looked at is noted.
pub(crate) async fn look(caller: Caller, no: Path<String>, asked: Asked, Body(body): Body) -> ApiResult {
    asked.done()?;
    Entered::of(body).done()?;
    let (found, lines) = caller.app().look_at_case(&caller.actor(), caller.facility(), number(no)?).await?;
    let lines: Vec<Value> = lines.iter().map(line).collect();
    Ok(answer(StatusCode::OK, &json!({ "case": case(&found), "subject": found.row.subject, "accesses": lines })))
}

/// Closes a case.
pub(crate) async fn close(caller: Caller, no: Path<String>, asked: Asked, Body(body): Body) -> ApiResult {
    asked.done()?;
    let mut entered = Entered::of(body);
    let verdict = entered.one_of("verdict", &Closing::ALL.map(|row| row.1));
    let reason = entered.text("reason");
    entered.done()?;
    let missing = || app::Error::Internal { message: "closing".to_owned() };
    let way = Closing::parse(verdict).ok_or_else(missing)?;
    let person = caller.program().user.person.as_deref();
    caller.app().close_case(&caller.actor(), person, caller.facility(), (number(no)?, way, &reason)).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// The numbers of the review.
pub(crate) async fn rules(caller: Caller, asked: Asked) -> ApiResult {
    asked.done()?;
    let rules = caller.app().review_rules(caller.facility()).await?;
    let mut document: Map<String, Value> =
        NUMBERS.iter().map(|(of, ..)| (of.name.to_owned(), rules.get(of).into())).collect();
    let closed = (0..7).filter(|day| rules.closed_days() >> day & 1 == 1).collect();
    document.insert(CLOSED_DAYS.to_owned(), closed);
    Ok(answer(StatusCode::OK, &Value::Object(document)))
}

/// Sets the numbers of the review, all of them, and the days on which the facility is closed (Sunday is 0).
pub(crate) async fn set_rules(caller: Caller, asked: Asked, Body(body): Body) -> ApiResult {
    asked.done()?;
    let mut entered = Entered::of(body);
    let typed: HashMap<String, String> = NUMBERS
        .iter()
        .map(|(of, least, most)| (of.name.to_owned(), entered.number(of.name, *least, *most).to_string()))
        .collect();
    let closed = entered.numbers(CLOSED_DAYS, 6);
    entered.done()?;
    let bits = closed.into_iter().fold(0_i64, |bits, day| bits | 1 << day);
    caller.app().set_review_rules(&caller.actor(), caller.facility(), &typed, bits).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
