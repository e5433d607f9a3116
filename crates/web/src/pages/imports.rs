//! 取込み: a file in, what it would change, and only then the change; and the way back.

use app::{Format, ImportOptions, ImportReport, SheetReport};
use askama::Template;
use axum::extract::{Path, Query};
use domain::ledger::{Column, LEDGERS, Ledger};
use serde::Deserialize;

use crate::form::{Errors, Fields, Upload};
use crate::guard::Visit;
use crate::page::{Chrome, PageResult, done, file, go};
use crate::pages::ledgers::find;

pub(crate) const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
/// Rows of each kind that the dry run spells out.
const SPELT_OUT: usize = 100;

/// Which ledger a file is for, when the file does not say.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct For {
    #[serde(default)]
    ledger: String,
}

/// One import that was.
struct Past {
    id: String,
    at: String,
    ledger: String,
    file: String,
    added: i64,
    changed: i64,
    rejected: i64,
    undone: bool,
}

#[derive(Template)]
#[template(path = "imports.html")]
struct Imports {
    c: Chrome,
    errors: Errors,
    chosen: String,
    ledgers: &'static [Ledger],
    past: Vec<Past>,
}

async fn form(visit: &Visit, chosen: &str, errors: Errors) -> Result<Imports, crate::page::Problem> {
    let mut c = visit.chrome("imports-title");
    c.failed = !errors.is_empty();
    let past = visit.app().imports(visit.facility()?).await?;
    let past = past
        .into_iter()
        .take(20)
        .map(|import| Past {
            at: jiff::Timestamp::from_microsecond(import.at).map(|at| c.at(at)).unwrap_or_default(),
            ledger: find(&import.ledger).map(|l| l.label.in_lang(c.lang).to_owned()).unwrap_or(import.ledger),
            id: import.id,
            file: import.file_name,
            added: import.added,
            changed: import.changed,
            rejected: import.rejected,
            undone: import.undone,
        })
        .collect();
    Ok(Imports { c, errors, chosen: chosen.to_owned(), ledgers: LEDGERS, past })
}

/// Where a file is chosen, and the imports so far.
pub(crate) async fn show(visit: Visit, Query(wanted): Query<For>) -> PageResult {
    visit.page(&form(&visit, &wanted.ledger, Errors::default()).await?)
}

/// Takes the file and shows what it would change.
pub(crate) async fn receive(visit: Visit, upload: Upload) -> PageResult {
    let ledger = upload.fields.get("ledger").to_owned();
    let held = visit.app().hold_upload(&visit.me()?.actor(), visit.facility()?, &upload.file_name, &upload.bytes).await;
    match held {
        Ok(id) => Ok(go(&format!("/imports/held/{id}?ledger={ledger}"))),
        Err(error) => visit.again(&form(&visit, &ledger, Errors::of(error)?).await?),
    }
}

#[derive(Template)]
#[template(path = "imports_held.html")]
struct Held {
    c: Chrome,
    id: String,
    file: String,
    chosen: String,
    notes: Vec<String>,
    sheets: Vec<SheetReport>,
    refused: Option<String>,
    has_rejected: bool,
    ledgers: &'static [Ledger],
}

impl Held {
    /// Rows that would go in.
    fn taken(&self) -> usize {
        self.sheets.iter().map(|s| s.added.len() + s.changed.len() + s.unchanged).sum()
    }

    /// The columns a heading may be mapped to.
    fn columns(&self, sheet: &SheetReport) -> &'static [Column] {
        sheet.ledger.columns
    }
}

async fn run(
    visit: &Visit,
    id: &str,
    ledger: &str,
    dry_run: bool,
) -> Result<(String, app::Result<ImportReport>), crate::page::Problem> {
    let (app, facility, actor) = (visit.app(), visit.facility()?, visit.me()?.actor());
    let (name, bytes) = app.held_upload(&actor, facility, id).await?;
    let options = ImportOptions { ledger: find(ledger).ok(), dry_run };
    let report = app.import(&actor, facility, &name, &bytes, options).await;
    Ok((name, report))
}

/// What the file would change.
pub(crate) async fn held(visit: Visit, Path(id): Path<String>, Query(wanted): Query<For>) -> PageResult {
    let (file, report) = run(&visit, &id, &wanted.ledger, true).await?;
    let c = visit.chrome("imports-held-title");
    let (notes, sheets, refused, has_rejected) = match report {
        Ok(report) => (report.notes, report.sheets, None, report.rejected_workbook.is_some()),
        Err(error @ (app::Error::File { .. } | app::Error::Invalid { .. })) => {
            (Vec::new(), Vec::new(), Some(error.to_string()), false)
        }
        Err(error) => return Err(error.into()),
    };
    let page = Held { c, id, file, chosen: wanted.ledger, notes, sheets, refused, has_rejected, ledgers: LEDGERS };
    visit.page(&page)
}

/// Remembers what headings mean, and looks again.
pub(crate) async fn map(visit: Visit, Path(id): Path<String>, fields: Fields) -> PageResult {
    let ledger = find(fields.get("ledger"))?;
    let actor = visit.me()?.actor();
    for (heading, column) in fields.iter().filter_map(|(name, value)| Some((name.strip_prefix("heading.")?, value))) {
        // Headings that are understood are chosen already; only what was chosen otherwise is remembered.
        if column != fields.get(&format!("was.{heading}")) {
            visit.app().map_heading(&actor, visit.facility()?, ledger, heading, column).await?;
        }
    }
    Ok(done(&format!("/imports/held/{id}?ledger={}", fields.get("chosen")), "imports-mapped", &[]))
}

/// Takes the file in.
pub(crate) async fn commit(visit: Visit, Path(id): Path<String>, fields: Fields) -> PageResult {
    let ledger = fields.get("chosen");
    let (_, report) = run(&visit, &id, ledger, false).await?;
    let report = report?;
    let sum = |of: fn(&SheetReport) -> usize| report.sheets.iter().map(of).sum::<usize>();
    let (added, changed, rejected) = (sum(|s| s.added.len()), sum(|s| s.changed.len()), sum(|s| s.rejected.len()));
    let to = if rejected > 0 { format!("/imports/held/{id}?ledger={ledger}") } else { "/imports".to_owned() };
    Ok(done(&to, "imports-done", &[("added", &added), ("changed", &changed), ("rejected", &rejected)]))
}

/// The refused rows, with what is wrong with each.
pub(crate) async fn rejected(visit: Visit, Path(id): Path<String>, Query(wanted): Query<For>) -> PageResult {
    let (name, report) = run(&visit, &id, &wanted.ledger, true).await?;
    let missing = || app::Error::NotFound { what: "取り込めなかった行".to_owned() };
    let bytes = report?.rejected_workbook.ok_or_else(missing)?;
    let stem = name.rsplit_once('.').map_or(name.as_str(), |(stem, _)| stem);
    Ok(file(&format!("{stem}_エラー.xlsx"), XLSX, bytes))
}

/// Takes an import back.
pub(crate) async fn undo(visit: Visit, Path(id): Path<String>, _: Fields) -> PageResult {
    match visit.app().undo_import(&visit.me()?.actor(), visit.facility()?, &id).await {
        Ok((removed, restored)) => {
            Ok(done("/imports", "imports-undone", &[("removed", &removed), ("restored", &restored)]))
        }
        Err(error) => visit.again(&form(&visit, "", Errors::of(error)?).await?),
    }
}

/// One ledger, or all, as a file.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct As {
    #[serde(default)]
    format: String,
}

/// Writes a ledger, or `all` of them, to a file.
pub(crate) async fn export(visit: Visit, Path(name): Path<String>, Query(wanted): Query<As>) -> PageResult {
    let facility = visit.facility()?;
    let ledger = if name == "all" { None } else { Some(find(&name)?) };
    let title = ledger.map_or("台帳", |l| l.label.ja);
    let (format, ending, kind) = match (wanted.format.as_str(), ledger) {
        ("csv", Some(_)) => (Format::Csv, "csv", "text/csv; charset=utf-8"),
        ("json", _) => (Format::Json, "json", "application/json"),
        _ => (Format::Xlsx, "xlsx", XLSX),
    };
    let by = visit.me()?.actor();
    let bytes = visit.app().take_out(&by, facility, ledger, format, visit.period()).await?;
    Ok(file(&format!("{title}_{}.{ending}", visit.app().today()), kind, bytes))
}
