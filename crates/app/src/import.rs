//! 取込み: from a messy file to ledger rows, with a dry run, an undo and the refused rows back.

use std::collections::{HashMap, HashSet};

use domain::evaluate::Facility;
use domain::journal::{Actor, Event, sha256};
use domain::ledger::{Kind, LEDGERS, Ledger, Row, Value, ledger};
use domain::text::fold;
use intake::table::{self, Cell, Mapping, ParsedRow, Problem, Recognised, mark_duplicates, pick_sheets};
use store::{ImportRecord, StoredRow};
use uuid::Uuid;

use crate::App;
use crate::error::{Error, Result};
use crate::facility::NewFacility;

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
    /// New rows.
    pub added: Vec<String>,
    /// Changed rows, cell by cell.
    pub changed: Vec<Change>,
    /// Rows that were already so.
    pub unchanged: usize,
    /// Refused rows.
    pub rejected: Vec<RejectedRow>,
    /// Id of the import, to undo it; `None` in a dry run or when nothing changed.
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

/// One changed cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Japanese heading.
    pub column: &'static str,
    /// Before; empty when it was not stated.
    pub before: String,
    /// After.
    pub after: String,
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
}

/// The rows of a ledger that references can mean, by number or name.
#[derive(Default)]
struct Names {
    exact: HashSet<String>,
    /// Folded; a spelling that fits two rows names neither.
    keys: HashMap<String, Option<String>>,
    names: HashMap<String, Option<String>>,
}

/// Key and name of the rows that a dry run would have added, by ledger: later sheets may refer to them.
type Expected = HashMap<&'static str, Vec<(String, Option<String>)>>;

/// Heading of the column in which refused rows say what is wrong.
const ERRORS: &str = "エラー";
/// Rows are compared with the store this many at a time.
const BATCH: usize = 2_000;

impl App {
    /// Imports a file into the ledgers of a facility. All rows without a problem go in, in one transaction
    /// per ledger; the others come back.
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
        let book = table::read(name, bytes).map_err(|e| Error::unreadable(name, &e))?;
        let mapping: Mapping =
            self.store.mapping_list(&facility.id).await?.into_iter().map(|(l, h, c)| ((l, h), c)).collect();
        let picked = pick_sheets(&book, name, options.ledger, &mapping).map_err(|e| Error::unrecognised(name, &e))?;
        let mut notes = book.notes.clone();
        notes.extend(picked.notes.iter().cloned());
        let mut sheets = picked.sheets;
        sheets.sort_by_key(|s| LEDGERS.iter().position(|l| l.name == s.ledger.name));
        let file = File { name, sha256: sha256(bytes) };
        let (mut reports, mut expected) = (Vec::new(), Expected::new());
        for of_one_ledger in sheets.chunk_by(|a, b| a.ledger.name == b.ledger.name) {
            let Some(ledger) = of_one_ledger.first().map(|s| s.ledger) else { continue };
            let names = self.names_for(ledger, facility, &expected).await?;
            let mut parsed: Vec<(&str, Vec<ParsedRow>)> =
                of_one_ledger.iter().map(|s| (s.sheet.name.as_str(), s.rows().collect())).collect();
            for row in parsed.iter_mut().flat_map(|(_, rows)| rows) {
                resolve(ledger, &names, row);
                self.check_requirement(ledger, row);
            }
            mark_duplicates(ledger, &mut parsed);
            for (recognised, (_, rows)) in of_one_ledger.iter().zip(parsed) {
                let mut plan = self.plan(facility, recognised, rows).await?;
                let mut report = plan.report();
                if options.dry_run {
                    let name = |row: &Row| row.get("name").map(ToString::to_string);
                    let rows = plan.rows.iter().map(|(key, row)| (key.clone(), name(row)));
                    expected.entry(ledger.name).or_default().extend(rows);
                } else if !plan.rows.is_empty() {
                    report.import = Some(self.commit(actor, facility, &file, &plan, &report).await?);
                }
                reports.push(report);
            }
        }
        let rejected_workbook = rejected_workbook(&sheets, &reports)?;
        if !options.dry_run && reports.iter().any(|r| r.import.is_some()) {
            self.after_ledger_change(facility).await?;
        }
        Ok(ImportReport { file: name.to_owned(), notes, sheets: reports, rejected_workbook })
    }

    /// Compares the rows of a sheet with the store.
    async fn plan<'a>(
        &self,
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
            let mut stored = self.store.row_find(ledger, &facility.id, &keys).await?;
            for row in batch {
                plan.take(row, &mut stored);
            }
        }
        Ok(plan)
    }

    /// A statement has to be about a requirement there is; about any other it would be kept and never used.
    fn check_requirement(&self, of: &'static Ledger, parsed: &mut ParsedRow) {
        let (Some(column), Some(Value::Text(id))) = (of.column("requirement"), parsed.row.get("requirement")) else {
            return;
        };
        if self.catalogs().requirement(id).is_none() {
            let message = format!(
                "『{id}』という要求事項はありません。checklist-r7/2-9 や mhlw-7.0/unyo/14-5 のような番号（sakimori catalog list 版 で分かります）に直してください。"
            );
            parsed.problems.push(Problem { column: Some(column), message, code: "IMP-305" });
        }
    }

    async fn commit(
        &self,
        actor: &Actor,
        facility: &Facility,
        file: &File<'_>,
        plan: &Plan<'_>,
        report: &SheetReport,
    ) -> Result<String> {
        let now = self.now();
        let count = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
        let record = ImportRecord {
            id: Uuid::now_v7().to_string(),
            ledger: plan.ledger.name.to_owned(),
            file_name: file.name.to_owned(),
            sha256: file.sha256.clone(),
            at: now.as_microsecond(),
            added: count(report.added.len()),
            changed: count(report.changed.len()),
            unchanged: count(report.unchanged),
            rejected: count(report.rejected.len()),
            undone: false,
        };
        let mut tx = self.store.begin(actor, &facility.id, now).await?;
        tx.import_insert(&record, &plan.before).await?;
        tx.row_upsert(plan.ledger, &plan.rows, Some(&record.id)).await?;
        tx.record(
            Event::new(&format!("{}.import", plan.ledger.name), file.name)
                .with("sha256", &file.sha256)
                .with("import", &record.id)
                .with("added", record.added)
                .with("changed", record.changed)
                .with("unchanged", record.unchanged)
                .with("rejected", record.rejected),
        );
        tx.commit().await?;
        Ok(record.id)
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

    async fn names_for(
        &self,
        of: &Ledger,
        facility: &Facility,
        expected: &Expected,
    ) -> Result<HashMap<&'static str, Names>> {
        let mut all = HashMap::new();
        for column in of.columns {
            let Kind::Ref(reference) = column.kind else { continue };
            let Some(target) = ledger(reference.ledger) else { continue };
            if all.contains_key(target.name) {
                continue;
            }
            let mut rows: HashMap<String, Option<String>> =
                self.store.name_list(target, &facility.id).await?.into_iter().collect();
            rows.extend(expected.get(target.name).into_iter().flatten().cloned());
            let mut names = Names::default();
            for (key, name) in rows {
                names.add(key, name);
            }
            all.insert(target.name, names);
        }
        Ok(all)
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
    /// When there is no such import, or it is undone already.
    pub async fn undo_import(&self, actor: &Actor, facility: &Facility, import: &str) -> Result<(u64, u64)> {
        let mut tx = self.store.begin(actor, &facility.id, self.now()).await?;
        let (removed, restored) = tx.import_undo(import).await?;
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
        tx.mapping_set(of, &fold(heading), target.map_or("", |c| c.name)).await?;
        tx.record(Event::new("import.map", heading).with("ledger", of.name).with("column", column));
        Ok(tx.commit().await?)
    }

    async fn after_ledger_change(&self, facility: &Facility) -> Result<()> {
        self.match_machines(facility).await?;
        Ok(self.store.analyze().await?)
    }
}

/// A facility's own folder of ledgers, taken in one go.
impl App {
    /// The facility a folder is about: named by a facility ledger among the files, else by the folder. It is
    /// registered when it is new.
    ///
    /// # Errors
    /// Any store error.
    pub async fn facility_of_folder(
        &self,
        actor: &Actor,
        folder: &str,
        files: &[(String, Vec<u8>)],
    ) -> Result<Facility> {
        let mut new = NewFacility { name: folder.to_owned(), ..NewFacility::default() };
        let facilities = ledger("facilities");
        for (name, bytes) in files {
            let Ok(book) = table::read(name, bytes) else { continue };
            let Ok(picked) = pick_sheets(&book, name, None, &Mapping::new()) else { continue };
            for sheet in picked.sheets.iter().filter(|s| Some(s.ledger.name) == facilities.map(|f| f.name)) {
                if let Some(row) = sheet.rows().next() {
                    let text = |column: &str| row.row.get(column).map(ToString::to_string);
                    new = NewFacility {
                        no: text("no").unwrap_or_default(),
                        name: text("name").unwrap_or_else(|| folder.to_owned()),
                        kind: text("kind"),
                    };
                }
            }
        }
        let known =
            self.store.facility_list().await?.into_iter().find(|f| {
                if new.no.is_empty() { fold(&f.name) == fold(&new.name) } else { fold(&f.no) == fold(&new.no) }
            });
        match known {
            Some(facility) => Ok(facility),
            None => self.add_facility(actor, new).await,
        }
    }

    /// Imports many files in the order in which ledgers refer to each other. A file that cannot be read is
    /// reported and stops nothing.
    ///
    /// # Errors
    /// Only when the store fails.
    pub async fn import_folder(
        &self,
        actor: &Actor,
        facility: &Facility,
        files: &[(String, Vec<u8>)],
    ) -> Result<Vec<(String, Result<ImportReport>)>> {
        let place = |(name, bytes): &&(String, Vec<u8>)| {
            let book = table::read(name, bytes).ok()?;
            let picked = pick_sheets(&book, name, None, &Mapping::new()).ok()?;
            picked.sheets.iter().filter_map(|s| LEDGERS.iter().position(|l| l.name == s.ledger.name)).min()
        };
        let mut ordered: Vec<&(String, Vec<u8>)> = files.iter().collect();
        ordered.sort_by_cached_key(|file| place(file).unwrap_or(usize::MAX));
        let mut outcomes = Vec::new();
        for (name, bytes) in ordered {
            let outcome = self.import(actor, facility, name, bytes, ImportOptions::default()).await;
            if let Err(Error::Store(error)) = outcome {
                return Err(error.into());
            }
            outcomes.push((name.clone(), outcome));
        }
        Ok(outcomes)
    }
}

struct File<'a> {
    name: &'a str,
    sha256: String,
}

/// Replaces numbers and names of other rows by their keys, and reports strict ones that name none.
fn resolve(of: &'static Ledger, names: &HashMap<&'static str, Names>, parsed: &mut ParsedRow) {
    for column in of.columns {
        let Kind::Ref(reference) = column.kind else { continue };
        let Some(Value::Text(written)) = parsed.row.get(column.name) else { continue };
        let Some(known) = names.get(reference.ledger) else { continue };
        if let Some(key) = known.find(written) {
            parsed.row.insert(column.name, Value::Text(key));
        } else if reference.strict {
            let target = ledger(reference.ledger).map_or("台帳", |l| l.label.ja);
            let message =
                format!("『{written}』は{target}にありません。先に{target}へ登録するか、番号か名前を直してください。");
            parsed.problems.push(Problem { column: Some(column), message, code: "IMP-304" });
        }
    }
}

impl Names {
    fn add(&mut self, key: String, name: Option<String>) {
        let neither = |taken: &mut Option<String>| *taken = None;
        self.keys.entry(fold(&key)).and_modify(neither).or_insert_with(|| Some(key.clone()));
        if let Some(name) = name {
            self.names.entry(fold(&name)).and_modify(neither).or_insert_with(|| Some(key.clone()));
        }
        self.exact.insert(key);
    }

    /// The key of the one row that is meant: by its number as written, in another spelling, or by name.
    fn find(&self, written: &str) -> Option<String> {
        let upper = written.to_uppercase();
        if self.exact.contains(&upper) {
            return Some(upper);
        }
        let folded = fold(written);
        [&self.keys, &self.names].into_iter().find_map(|known| known.get(&folded)?.clone())
    }
}

/// What an import of one sheet will do.
struct Plan<'a> {
    ledger: &'static Ledger,
    recognised: &'a Recognised<'a>,
    rows: Vec<(String, Row)>,
    before: Vec<StoredRow>,
    added: Vec<String>,
    changed: Vec<Change>,
    unchanged: usize,
    rejected: Vec<RejectedRow>,
}

impl<'a> Plan<'a> {
    fn new(recognised: &'a Recognised<'a>) -> Self {
        Self {
            ledger: recognised.ledger,
            recognised,
            rows: Vec::new(),
            before: Vec::new(),
            added: Vec::new(),
            changed: Vec::new(),
            unchanged: 0,
            rejected: Vec::new(),
        }
    }

    fn take(&mut self, parsed: ParsedRow, stored: &mut HashMap<String, StoredRow>) {
        let key = self.ledger.row_key(&parsed.row);
        let known = key.as_ref().and_then(|k| stored.remove(k));
        // A file may change rows without repeating every required column; new rows need them all.
        let lacks_column = |p: &&Problem| !(known.is_some() && p.code == "IMP-202");
        let problems: Vec<String> = parsed.problems.iter().filter(lacks_column).map(ToString::to_string).collect();
        let Some(key) = key.filter(|_| problems.is_empty()) else {
            let key = self.ledger.row_key(&parsed.row);
            self.rejected.push(RejectedRow { line: parsed.line, key, problems });
            return;
        };
        match known {
            None => {
                self.added.push(key.clone());
                self.rows.push((key, parsed.row));
            }
            Some(before) => {
                let row = self.merged(&before.row, parsed.row);
                let differences = differences(self.ledger, &before.row, &row);
                if differences.is_empty() {
                    self.unchanged += 1;
                } else {
                    self.changed.push(Change { key: key.clone(), differences });
                    self.before.push(before);
                    self.rows.push((key, row));
                }
            }
        }
    }

    /// Columns the file has replace, even by nothing; columns it lacks stay.
    fn merged(&self, before: &Row, mut row: Row) -> Row {
        for (name, value) in before {
            let in_file = self.recognised.columns.iter().flatten().any(|c| c.name == *name);
            if !in_file {
                row.entry(name).or_insert_with(|| value.clone());
            }
        }
        row
    }

    fn report(&mut self) -> SheetReport {
        SheetReport {
            ledger: self.ledger,
            sheet: self.recognised.sheet.name.clone(),
            unmatched: self.recognised.unmatched.iter().map(|(_, heading)| heading.clone()).collect(),
            added: std::mem::take(&mut self.added),
            changed: std::mem::take(&mut self.changed),
            unchanged: self.unchanged,
            rejected: std::mem::take(&mut self.rejected),
            import: None,
        }
    }
}

fn differences(of: &'static Ledger, before: &Row, after: &Row) -> Vec<Difference> {
    let lang = domain::text::Lang::Ja;
    of.columns
        .iter()
        .filter(|c| before.get(c.name) != after.get(c.name))
        .map(|c| {
            let show = |row: &Row| row.get(c.name).map_or_else(String::new, |v| c.show(v, lang));
            Difference { column: c.label.ja, before: show(before), after: show(after) }
        })
        .collect()
}

/// The refused rows as they were, with their problems in a last column エラー.
fn rejected_workbook(sheets: &[Recognised<'_>], reports: &[SheetReport]) -> Result<Option<Vec<u8>>> {
    let mut out = Vec::new();
    for (recognised, report) in sheets.iter().zip(reports) {
        if report.rejected.is_empty() {
            continue;
        }
        let rows: HashMap<usize, Vec<&Cell>> = recognised.written().collect();
        let mut columns: Vec<String> = recognised.header().iter().map(|c| c.text().into_owned()).collect();
        // Rows that were given back before have the column already.
        columns.pop_if(|last| last == ERRORS);
        let width = columns.len();
        columns.push(ERRORS.to_owned());
        let body: Vec<Vec<String>> = report
            .rejected
            .iter()
            .map(|r| {
                let cells = rows.get(&r.line).into_iter().flatten();
                let mut line: Vec<String> = cells.take(width).map(|c| c.text().into_owned()).collect();
                line.resize(width, String::new());
                line.push(format!("{}行目：{}", r.line, r.problems.join(" ")));
                line
            })
            .collect();
        out.push(crate::export::text_sheet(&report.sheet, &columns, body));
    }
    if out.is_empty() {
        return Ok(None);
    }
    Ok(Some(report::workbook(&crate::export::book(out, Vec::new()))?))
}
