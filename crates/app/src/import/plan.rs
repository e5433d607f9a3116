//! What an import of one sheet will do, row by row, and the rows it gives back.

use std::collections::HashMap;

use domain::ledger::{Ledger, Row};
use intake::table::{Cell, ParsedRow, Problem, Recognised};
use store::StoredRow;

use super::{Change, RejectedRow, SheetReport};
use crate::error::Result;
use crate::ledgers::differences;

/// Heading of the column in which refused rows say what is wrong.
const ERRORS: &str = "エラー";

/// What an import of one sheet will do.
pub(super) struct Plan<'a> {
    pub(super) ledger: &'static Ledger,
    recognised: &'a Recognised<'a>,
    pub(super) rows: Vec<(String, Row)>,
    pub(super) before: Vec<StoredRow>,
    added: Vec<String>,
    changed: Vec<Change>,
    /// Keys of the rows that are already so.
    pub(super) confirmed: Vec<String>,
    rejected: Vec<RejectedRow>,
}

impl<'a> Plan<'a> {
    pub(super) fn new(recognised: &'a Recognised<'a>) -> Self {
        Self {
            ledger: recognised.ledger,
            recognised,
            rows: Vec::new(),
            before: Vec::new(),
            added: Vec::new(),
            changed: Vec::new(),
            confirmed: Vec::new(),
            rejected: Vec::new(),
        }
    }

    pub(super) fn take(&mut self, parsed: ParsedRow, stored: &mut HashMap<String, StoredRow>) {
        let key = self.ledger.row_key(&parsed.row);
        let known = key.as_ref().and_then(|k| stored.remove(k));
        // A file may change rows without repeating every required column; new rows need them all.
        let lacks_column = |p: &&Problem| !(known.is_some() && p.code == "IMP-202");
        let problems: Vec<String> = parsed.problems.iter().filter(lacks_column).map(ToString::to_string).collect();
        let Some(key) = key.filter(|_| problems.is_empty()) else {
            let key = self.ledger.row_key(&parsed.row);
            let twin = parsed.problems.iter().any(|problem| problem.code == "IMP-203");
            self.rejected.push(RejectedRow { line: parsed.line, key, problems, twin });
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
                    self.confirmed.push(key);
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

    pub(super) fn report(&mut self) -> SheetReport {
        SheetReport {
            ledger: self.ledger,
            sheet: self.recognised.sheet.name.clone(),
            unmatched: self.recognised.unmatched.iter().map(|(_, heading)| heading.clone()).collect(),
            matched: self.recognised.matched(),
            added: std::mem::take(&mut self.added),
            changed: std::mem::take(&mut self.changed),
            unchanged: self.confirmed.len(),
            rejected: std::mem::take(&mut self.rejected),
            resolved: 0,
            import: None,
        }
    }
}

/// The refused rows as they were, with their problems in a last column エラー. A row whose number another row had comes
/// back without it: read alone, it would be taken for news about the other.
pub(crate) fn rejected_workbook(sheets: &[Recognised<'_>], reports: &[SheetReport]) -> Result<Option<Vec<u8>>> {
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
        let number = report.ledger.key.last();
        let number = recognised.columns.iter().position(|c| c.is_some_and(|c| Some(&c.name) == number));
        columns.push(ERRORS.to_owned());
        let body: Vec<Vec<String>> = report
            .rejected
            .iter()
            .map(|r| {
                let cells = rows.get(&r.line).into_iter().flatten();
                let mut line: Vec<String> = cells.take(width).map(|c| c.text().into_owned()).collect();
                line.resize(width, String::new());
                if let Some(cell) = number.filter(|_| r.twin).and_then(|at| line.get_mut(at)) {
                    cell.clear();
                }
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
