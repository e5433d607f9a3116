//! 取込み: from a messy file to ledger rows, with a dry run, an undo and the refused rows back.
//!
//! What a file means is worked out before anything is touched; what it changes is compared and written in one
//! transaction, during which nobody else changes the rows of the facility.

mod folder;
mod plan;

use domain::evaluate::Facility;
use domain::journal::{Actor, Event, sha256};
use domain::ledger::{Column, LEDGERS, Ledger, Row, Value, ledger};
use domain::text::fold;
use intake::table::{self, Mapping, ParsedRow, Problem, Recognised, mark_duplicates, pick_sheets};
use store::{ImportRecord, ImportRows, Obstacle, WriteTx};
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::ledgers::Difference;
use crate::ledgers::references::{Expected, References, settle};
use crate::{App, blocking};
use plan::Plan;
pub(crate) use plan::rejected_workbook;

/// How to import.
#[derive(Clone, Copy, Debug, Default)]
pub struct ImportOptions {
    /// The ledger, when the file does not show it.
    pub ledger: Option<&'static Ledger>,
    /// Only say what would happen.
    pub dry_run: bool,
}

/// What happened to a file, or would.
#[derive(Debug)]
pub struct ImportReport {
    /// Name of the file.
    pub file: String,
    /// What the reader has to tell: encoding, sheets passed over.
    pub notes: Vec<String>,
    /// One report per ledger found.
    pub sheets: Vec<SheetReport>,
    /// The refused rows as a workbook: the same sheet with an エラー column. `None` when all went in.
    pub rejected_workbook: Option<Vec<u8>>,
}

/// What happened to the rows of one ledger.
#[derive(Debug)]
pub struct SheetReport {
    /// The ledger.
    pub ledger: &'static Ledger,
    /// Name of the sheet.
    pub sheet: String,
    /// Headings that no column answers to.
    pub unmatched: Vec<String>,
    /// The other headings, each with its column.
    pub matched: Vec<(String, &'static Column)>,
    /// New rows.
    pub added: Vec<String>,
    /// Changed rows, cell by cell.
    pub changed: Vec<Change>,
    /// Rows that were already so; the import confirms them.
    pub unchanged: usize,
    /// Refused rows.
    pub rejected: Vec<RejectedRow>,
    /// Rows of other ledgers whose text turned out to mean a row of this one; not foreseen by a dry run.
    pub resolved: u64,
    /// Id of the import, to undo it; `None` in a dry run or when no row went in.
    pub import: Option<String>,
}

/// One changed row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Its key.
    pub key: String,
    /// What differs.
    pub differences: Vec<Difference>,
}

/// One refused row.
#[derive(Clone, Debug)]
pub struct RejectedRow {
    /// Row number as Excel counts.
    pub line: usize,
    /// Its key, where it has one.
    pub key: Option<String>,
    /// What is wrong, one sentence each.
    pub problems: Vec<String>,
    /// Another row of the file has its number, and was taken.
    pub twin: bool,
}

/// Rows are compared with the store this many at a time.
const BATCH: usize = 2_000;

impl App {
    /// Imports a file into the ledgers of a facility. All rows without a problem go in, in one transaction; the others
    /// come back. Rows that are already so are confirmed: from today on their statement is as young as the file.
    ///
    /// # Errors
    /// When the file cannot be read or is no ledger, or the store fails; nothing is changed then.
    pub async fn import(
        &self,
        actor: &Actor,
        facility: &Facility,
        name: &str,
        bytes: &[u8],
        options: ImportOptions,
    ) -> Result<ImportReport> {
        let (of, whole) = (name.to_owned(), bytes.to_vec());
        let book = blocking(move || table::read(&of, &whole)).await?.map_err(|e| Error::unreadable(name, &e))?;
        let mapping: Mapping =
            self.store.mapping_list(&facility.id).await?.into_iter().map(|(l, h, c)| ((l, h), c)).collect();
        let picked = pick_sheets(&book, name, options.ledger, &mapping).map_err(|e| Error::unrecognised(name, &e))?;
        let mut notes = book.notes.clone();
        notes.extend(picked.notes.iter().cloned());
        let mut sheets = picked.sheets;
        sheets.sort_by_key(|s| LEDGERS.iter().position(|l| l.name == s.ledger.name));
        let file = File { name, sha256: sha256(bytes) };
        let mut parsed: Vec<(&str, Vec<ParsedRow>)> =
            sheets.iter().map(|s| (s.sheet.name.as_str(), s.rows().collect())).collect();
        let (mut reports, mut expected) = (Vec::new(), Expected::new());
        let mut tx = self.store.begin(actor, &facility.id, self.now()).await?;
        for of_one_ledger in sheets.chunk_by(|a, b| a.ledger.name == b.ledger.name) {
            let Some(ledger) = of_one_ledger.first().map(|s| s.ledger) else { continue };
            let references = References::of(ledger, &mut tx, &expected).await?;
            let mut parsed: Vec<_> = parsed.drain(..of_one_ledger.len()).collect();
            for row in parsed.iter_mut().flat_map(|(_, rows)| rows) {
                for (column, message) in references.resolve(&mut row.row) {
                    row.problems.push(Problem { column: Some(column), message, code: "IMP-304" });
                }
                if let Some((column, message)) = self.unknown_requirement(ledger, &row.row) {
                    row.problems.push(Problem { column: Some(column), message, code: "IMP-305" });
                }
            }
            mark_duplicates(ledger, &mut parsed);
            for (recognised, (_, rows)) in of_one_ledger.iter().zip(parsed) {
                let mut plan = self.plan(&mut tx, facility, recognised, rows).await?;
                let mut report = plan.report();
                if options.dry_run {
                    let name = |row: &Row| row.get("name").map(ToString::to_string);
                    let rows = plan.rows.iter().map(|(key, row)| (key.clone(), name(row)));
                    expected.entry(ledger.name).or_default().extend(rows);
                } else if !(plan.rows.is_empty() && plan.confirmed.is_empty()) {
                    self.carry_out(&mut tx, &file, &plan, &mut report).await?;
                }
                reports.push(report);
            }
        }
        let rejected_workbook = rejected_workbook(&sheets, &reports)?;
        if !options.dry_run && reports.iter().any(|r| r.import.is_some()) {
            tx.commit().await?;
            self.after_ledger_change(facility).await?;
        }
        Ok(ImportReport { file: name.to_owned(), notes, sheets: reports, rejected_workbook })
    }

    /// Compares the rows of a sheet with the store.
    async fn plan<'a>(
        &self,
        tx: &mut WriteTx,
        facility: &Facility,
        recognised: &'a Recognised<'a>,
        rows: Vec<ParsedRow>,
    ) -> Result<Plan<'a>> {
        let ledger = recognised.ledger;
        let mut plan = Plan::new(recognised);
        let mut rest = rows.into_iter().peekable();
        while rest.peek().is_some() {
            let batch: Vec<ParsedRow> = rest.by_ref().take(BATCH).collect();
            let keys: Vec<String> = batch.iter().filter_map(|p| ledger.row_key(&p.row)).collect();
            if ledger.name == "facilities" {
                self.check_own_row(facility, &keys).await?;
            }
            let mut stored = tx.row_find(ledger, &keys).await?;
            for row in batch {
                plan.take(row, &mut stored);
            }
        }
        Ok(plan)
    }

    /// A statement has to be about a requirement there is; about any other it would be kept and never used.
    pub(crate) fn unknown_requirement(&self, of: &'static Ledger, row: &Row) -> Option<(&'static Column, String)> {
        let (Some(column), Some(Value::Text(id))) = (of.column("requirement"), row.get("requirement")) else {
            return None;
        };
        self.catalogs().requirement(id).is_none().then(|| {
            (
                column,
                format!(
                    "『{id}』という要求事項はありません。checklist-r7/2-9 や mhlw-7.0/unyo/14-5 のような番号（sakimori catalog list 版 で分かります）に直してください。"
                ),
            )
        })
    }

    /// Writes what is planned, with its event.
    async fn carry_out(
        &self,
        tx: &mut WriteTx,
        file: &File<'_>,
        plan: &Plan<'_>,
        report: &mut SheetReport,
    ) -> Result<()> {
        let count = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
        let record = ImportRecord {
            id: Uuid::now_v7().to_string(),
            ledger: plan.ledger.name.to_owned(),
            file_name: file.name.to_owned(),
            sha256: file.sha256.clone(),
            at: self.now().as_microsecond(),
            added: count(report.added.len()),
            changed: count(report.changed.len()),
            unchanged: count(report.unchanged),
            rejected: count(report.rejected.len()),
            undone: false,
        };
        let what = ImportRows { written: &plan.rows, before: &plan.before, confirmed: &plan.confirmed };
        tx.import_apply(plan.ledger, &record, what).await?;
        report.resolved = settle(tx, plan.ledger, &record.id).await?;
        tx.record(
            Event::new(&format!("{}.import", plan.ledger.name), file.name)
                .with("sha256", &file.sha256)
                .with("import", &record.id)
                .with("added", record.added)
                .with("changed", record.changed)
                .with("confirmed", record.unchanged)
                .with("resolved", report.resolved)
                .with("rejected", record.rejected),
        );
        report.import = Some(record.id);
        Ok(())
    }

    /// A file about the facility itself has to be about the one it is imported into.
    async fn check_own_row(&self, facility: &Facility, keys: &[String]) -> Result<()> {
        let [key] = keys else {
            return Err(Error::invalid(
                "IMP-301",
                "施設の台帳には1施設だけを書いてください。複数の施設は、施設ごとに取り込んでください。",
            ));
        };
        let Some(facilities) = ledger("facilities") else { return Ok(()) };
        let own = self.store.row_list(facilities, Some(&facility.id)).await?.into_iter().next();
        if let Some(own) = own
            && own.key != *key
        {
            return Err(Error::invalid(
                "IMP-302",
                format!(
                    "施設コード『{key}』は、取込み先の施設（{}）のコードと違います。コードを直すか、取込み先の施設を選び直してください。",
                    own.key
                ),
            ));
        }
        Ok(())
    }

    /// The imports of a facility, newest first.
    ///
    /// # Errors
    /// Any store error.
    pub async fn imports(&self, facility: &Facility) -> Result<Vec<store::ImportRecord>> {
        Ok(self.store.import_list(&facility.id).await?)
    }

    /// Undoes an import: `(rows removed, rows put back)`.
    ///
    /// # Errors
    /// When there is no such import, it is undone already, or its rows are no longer as it left them (IMP-306).
    pub async fn undo_import(&self, actor: &Actor, facility: &Facility, import: &str) -> Result<(u64, u64)> {
        let mut tx = self.store.begin(actor, &facility.id, self.now()).await?;
        let undone = tx.import_undo(import).await?.map_err(|obstacles| refusal(&obstacles))?;
        let store::Undone { removed, restored } = undone;
        tx.record(Event::new("import.undo", import).with("removed", removed).with("restored", restored));
        tx.commit().await?;
        self.after_ledger_change(facility).await?;
        Ok((removed, restored))
    }

    /// Remembers by hand that a heading means a column of a ledger; `""` means to ignore it.
    ///
    /// # Errors
    /// When the ledger has no such column.
    pub async fn map_heading(
        &self,
        actor: &Actor,
        facility: &Facility,
        of: &'static Ledger,
        heading: &str,
        column: &str,
    ) -> Result<()> {
        let target = of.columns.iter().find(|c| c.name == column || fold(c.label.ja) == fold(column));
        if target.is_none() && !column.is_empty() {
            let known: Vec<&str> = of.columns.iter().map(|c| c.label.ja).collect();
            let message = format!(
                "{}に「{column}」の列はありません。「{}」のどれかにしてください。",
                of.label.ja,
                known.join("」「")
            );
            return Err(Error::invalid("IMP-303", message));
        }
        let mut tx = self.store.begin(actor, &facility.id, self.now()).await?;
        tx.mapping_set(of.name, &fold(heading), target.map_or("", |c| c.name)).await?;
        tx.record(Event::new("import.map", heading).with("ledger", of.name).with("column", column));
        Ok(tx.commit().await?)
    }

    async fn after_ledger_change(&self, facility: &Facility) -> Result<()> {
        self.match_machines(facility).await?;
        Ok(self.store.analyze().await?)
    }
}

struct File<'a> {
    name: &'a str,
    sha256: String,
}

/// Why an import cannot be undone, and what to do first.
fn refusal(obstacles: &[Obstacle]) -> Error {
    let because = obstacles.iter().map(|obstacle| match obstacle {
        Obstacle::Import { id, file_name, rows } => format!(
            "後の取込み「{file_name}」（{id}）が同じ行（{rows}行）を変更または確認しています。先にその取込みを取り消してください。"
        ),
        Obstacle::Edited { ledger, keys } => format!(
            "{}の「{}」が、取込みの後に人の手で変更・確認・削除されています。取り消さずに、台帳の行を直してください。",
            ledger.label.ja,
            keys.join("」「")
        ),
        Obstacle::Dangling { ledger, keys } => format!(
            "{}の「{}」の参照先がなくなります。先にその行を加えた取込みを取り消すか、参照先を直してください。",
            ledger.label.ja,
            keys.join("」「")
        ),
    });
    Error::invalid("IMP-306", format!("取込みを取り消せませんでした。{}", because.collect::<String>()))
}
