//! Ledgers for programs: rows, their history, files in and out.

use app::{Format, ImportOptions, RowQuery, SheetReport, StoredRow};
use axum::body::Bytes;
use axum::extract::{Path, Request};
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::IntoResponse as _;
use domain::journal::Entry;
use domain::ledger::{Column, Kind, LEDGERS, Ledger};
use serde_json::{Value, json};

use super::values::{Entered, of_row};
use super::{ApiResult, Asked, Body, Caller, answer, named};
use crate::form::UPLOAD_MAX;
use crate::page::{Problem, file};
use crate::pages::imports::XLSX;
use crate::pages::ledgers::find;

/// The forms of an export.
pub(crate) const FORMATS: [&str; 3] = ["json", "csv", "xlsx"];

/// A row with its key and revision.
pub(crate) fn row_json(of: &Ledger, stored: &StoredRow) -> Value {
    json!({
        "key": stored.key,
        "rev": stored.rev,
        "entered_on": stored.entered_on,
        "values": of_row(of, &stored.row),
    })
}

/// Every ledger.
pub(crate) async fn all(caller: Caller, asked: Asked) -> ApiResult {
    asked.done()?;
    let mut ledgers = Vec::with_capacity(LEDGERS.len());
    for ledger in LEDGERS {
        let rows = caller.app().row_count(caller.facility(), ledger).await?;
        ledgers.push(json!({ "name": ledger.name, "label": ledger.label.ja, "key": ledger.key, "rows": rows }));
    }
    Ok(answer(StatusCode::OK, &json!({ "ledgers": ledgers })))
}

/// The columns by which a list can be narrowed: those of closed lists.
pub(crate) fn filters(of: &'static Ledger) -> impl Iterator<Item = (&'static Column, Vec<&'static str>)> {
    of.columns.iter().filter_map(|column| match column.kind {
        Kind::Choice(choices) => Some((column, choices.iter().map(|c| c.code).collect())),
        _ => None,
    })
}

/// One page of a ledger.
pub(crate) async fn list(caller: Caller, name: Path<String>, mut asked: Asked) -> ApiResult {
    let ledger = find(&named(name)?)?;
    let search = asked.take("q").unwrap_or_default();
    let columns: Vec<&str> = ledger.columns.iter().map(|c| c.name).collect();
    let sort = asked.one_of("sort", &columns).and_then(|name| ledger.column(name));
    let descending = asked.parsed("desc", "true か false").unwrap_or(false);
    let page: u32 = asked.parsed("page", "1以上の整数").unwrap_or(1);
    if page == 0 {
        asked.fault("page", "「0」は1以上の整数ではありません。直してください。");
    }
    let mut narrowed = Vec::new();
    for (column, codes) in filters(ledger) {
        narrowed.extend(asked.one_of(column.name, &codes).map(|code| (column, code.to_owned())));
    }
    asked.done()?;
    let query =
        RowQuery { ledger, search: &search, filters: &narrowed, period: caller.period(), sort, descending, page };
    let found = caller.app().rows(caller.facility(), &query).await?;
    let rows: Vec<Value> = found.rows.iter().map(|stored| row_json(ledger, stored)).collect();
    let document = json!({ "rows": rows, "total": found.total, "page": found.page, "pages": found.pages });
    Ok(answer(StatusCode::OK, &document))
}

/// The ledger and the key of a row's address.
fn place(Path((name, key)): Path<(String, String)>) -> Result<(&'static Ledger, String), Problem> {
    Ok((find(&named(Path(name))?)?, named(Path(key))?))
}

/// One row.
pub(crate) async fn row(caller: Caller, at: Path<(String, String)>, asked: Asked) -> ApiResult {
    asked.done()?;
    let (ledger, key) = place(at)?;
    let stored = caller.app().row(caller.facility(), ledger, &key).await?;
    caller.see(ledger, &stored)?;
    Ok(answer(StatusCode::OK, &row_json(ledger, &stored)))
}

/// Adds a row.
pub(crate) async fn add(caller: Caller, name: Path<String>, asked: Asked, Body(body): Body) -> ApiResult {
    asked.done()?;
    let ledger = find(&named(name)?)?;
    let mut entered = Entered::of(body);
    let row = entered.row(ledger);
    entered.done()?;
    let stored = caller.app().save_row(&caller.actor(), caller.facility(), ledger, None, &row).await?;
    let mut response = answer(StatusCode::CREATED, &row_json(ledger, &stored));
    let key: String = url::form_urlencoded::byte_serialize(stored.key.as_bytes()).collect();
    let location = format!("/api/v1/ledgers/{}/rows/{}", ledger.name, key.replace('+', "%20"));
    if let Ok(location) = location.parse() {
        response.headers_mut().insert(LOCATION, location);
    }
    Ok(response)
}

/// Puts other values in the place of a row's.
pub(crate) async fn change(caller: Caller, at: Path<(String, String)>, asked: Asked, Body(body): Body) -> ApiResult {
    asked.done()?;
    let (ledger, key) = place(at)?;
    let mut entered = Entered::of(body);
    let (rev, row) = (entered.rev(), entered.row(ledger));
    entered.done()?;
    let existing = Some((key.as_str(), rev));
    let stored = caller.app().save_row(&caller.actor(), caller.facility(), ledger, existing, &row).await?;
    Ok(answer(StatusCode::OK, &row_json(ledger, &stored)))
}

/// Takes a row out.
pub(crate) async fn remove(caller: Caller, at: Path<(String, String)>, mut asked: Asked) -> ApiResult {
    let (ledger, key) = place(at)?;
    let rev: i64 = asked.parsed("rev", "1以上の整数").unwrap_or_default();
    if rev < 1 {
        asked.fault("rev", "rev がないか、1以上の整数ではありません。読んだときの rev を入れてください。");
    }
    let reason = asked.take("reason").unwrap_or_default();
    asked.done()?;
    caller.app().remove_row(&caller.actor(), caller.facility(), ledger, &key, rev, &reason).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// What the journal tells of a row.
pub(crate) async fn history(caller: Caller, at: Path<(String, String)>, asked: Asked) -> ApiResult {
    asked.done()?;
    let (ledger, key) = place(at)?;
    let entries = caller.app().row_history(caller.facility(), ledger, &key).await?;
    let seen = |entry: &Entry| caller.period().is_none_or(|period| period.holds(entry.day()));
    let entries: Vec<Value> = entries
        .into_iter()
        .filter(seen)
        .map(|entry| {
            let at = jiff::Timestamp::from_microsecond(entry.at).unwrap_or_default().to_string();
            json!({ "seq": entry.seq, "at": at, "actor": entry.actor, "action": entry.action, "details": entry.details })
        })
        .collect();
    Ok(answer(StatusCode::OK, &json!({ "entries": entries })))
}

/// A ledger as a file.
pub(crate) async fn export(caller: Caller, name: Path<String>, mut asked: Asked) -> ApiResult {
    let ledger = find(&named(name)?)?;
    let ending = asked.one_of("format", &FORMATS).unwrap_or("json");
    asked.done()?;
    let (format, kind) = match ending {
        "csv" => (Format::Csv, "text/csv; charset=utf-8"),
        "xlsx" => (Format::Xlsx, XLSX),
        _ => (Format::Json, "application/json"),
    };
    let bytes = caller.app().export(caller.facility(), Some(ledger), format, caller.period()).await?;
    Ok(file(&format!("{}_{}.{ending}", ledger.label.ja, caller.app().today()), kind, bytes))
}

/// Takes a file in, or says what it would change.
pub(crate) async fn import(caller: Caller, name: Path<String>, mut asked: Asked, request: Request) -> ApiResult {
    let ledger = find(&named(name)?)?;
    let name = asked.take("name").unwrap_or_else(|| "API".to_owned());
    let dry_run = asked.parsed("dry_run", "true か false").unwrap_or(false);
    asked.done()?;
    let bytes: Bytes = axum::body::to_bytes(request.into_body(), UPLOAD_MAX).await.map_err(|_| Problem::too_large())?;
    let options = ImportOptions { ledger: Some(ledger), dry_run };
    let report = caller.app().import(&caller.actor(), caller.facility(), &name, &bytes, options).await?;
    let sheets: Vec<Value> = report.sheets.iter().map(sheet).collect();
    Ok(answer(StatusCode::OK, &json!({ "file": report.file, "notes": report.notes, "sheets": sheets })))
}

fn sheet(report: &SheetReport) -> Value {
    let changed: Vec<&str> = report.changed.iter().map(|c| c.key.as_str()).collect();
    let rejected: Vec<Value> =
        report.rejected.iter().map(|r| json!({ "line": r.line, "key": r.key, "problems": r.problems })).collect();
    json!({
        "sheet": report.sheet,
        "ledger": report.ledger.name,
        "import": report.import,
        "unmatched": report.unmatched,
        "added": report.added,
        "changed": changed,
        "unchanged": report.unchanged,
        "rejected": rejected,
    })
}
