//! From the rows below a header to rows of a ledger, each with its problems.
//!
//! Blank rows, repeated headers, section headings and the 「以上」 at the end are no rows. A row with problems
//! keeps what could be read, so that the rejected rows can be given back with an エラー column.

use std::collections::HashMap;
use std::fmt;

use domain::ledger::{CellError, Column, Kind, Ledger, Row, Value};
use domain::text::{fold, tidy};

use super::error::shorten;
use super::{Cell, Recognised};

/// One row of a ledger as read.
#[derive(Debug)]
pub struct ParsedRow {
    /// Row number as Excel counts.
    pub line: usize,
    /// What could be read.
    pub row: Row,
    /// Why the row cannot be taken as it is; empty when it can.
    pub problems: Vec<Problem>,
}

/// One thing wrong with a row, and its remedy.
#[derive(Clone, Debug)]
pub struct Problem {
    /// The column it is about; `None` when it is about the whole row.
    pub column: Option<&'static Column>,
    /// What is wrong and what to do, without the name of the column.
    pub message: String,
    /// Stable code for the help desk.
    pub code: &'static str,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.column {
            Some(column) => write!(f, "{}: {}({})", column.label.ja, self.message, self.code),
            None => write!(f, "{}({})", self.message, self.code),
        }
    }
}

/// Words that stand for "as in the row above".
const DITTO: &[&str] = &["〃", "同上"];
/// Words, folded, that close a table or sum it up.
const FOOTERS: &[&str] = &["以上", "合計", "総計", "小計", "計", "余白", "以下余白"];
/// Marks before a remark or a section heading that stands alone in its row.
const MARKS: &[char] = &['※', '【', '■', '□', '◆', '◇', '●', '▼', '▲', '<', '注'];

/// What a cell says about another column, when that one is left empty: (ledger, column, words folded,
/// other column, its value).
const IMPLIED: &[(&str, &str, &[&str], &str, bool)] = &[
    ("accounts", "person", &["共用", "共有", "共通"], "shared", true),
    ("devices", "antivirus", &["なし", "無し", "無", "未導入", "未いんすとーる"], "antivirus_on", false),
];

/// Columns whose cells may be read as another one, too, when that one is left empty: (ledger, column, other column).
const READ_AS: &[(&str, &str, &str)] = &[("accounts", "rights", "admin")];

impl Recognised<'_> {
    /// The rows below the header.
    pub fn rows(&self) -> impl Iterator<Item = ParsedRow> {
        let mut reader = self.reader();
        self.below_header().filter_map(move |(line, cells)| reader.row(line, cells))
    }

    /// The cells of the same rows by row number, of every column: as written, but 〃 is the cell it stands for.
    pub fn written(&self) -> impl Iterator<Item = (usize, Vec<&Cell>)> {
        let mut reader = self.reader();
        self.below_header().filter_map(move |(line, cells)| {
            let is_row = !reader.is_no_row(cells);
            is_row.then(|| (line, cells.iter().enumerate().map(|(at, cell)| reader.resolve(at, cell)).collect()))
        })
    }

    /// The header row as written.
    pub fn header(&self) -> &[Cell] {
        self.sheet.numbered().find(|(line, _)| *line == self.header_row).map_or(&[][..], |(_, cells)| cells)
    }

    /// The headings that are understood, each with its column.
    pub fn matched(&self) -> Vec<(String, &'static Column)> {
        let headings = self.header().iter().zip(&self.columns);
        headings.filter_map(|(cell, column)| Some((cell.text().into_owned(), (*column)?))).collect()
    }

    /// What the rows hold under no heading, a sentence for each row and a count for the rest. Such cells go into no
    /// column: often a separator inside a cell moved the rest of the row.
    pub(super) fn surplus(&self) -> Vec<String> {
        const SHOWN: usize = 20;
        let header = self.header();
        let headless = |at: usize| header.get(at).is_none_or(Cell::is_blank);
        let reader = self.reader();
        let mut rows = 0;
        let mut said = Vec::new();
        for (line, cells) in self.below_header() {
            let mut surplus =
                cells.iter().enumerate().filter(|(at, cell)| !cell.is_blank() && headless(*at)).peekable();
            // Most rows end here; whether it is a row at all costs more to say.
            let Some((first, _)) = surplus.peek().copied() else { continue };
            if reader.is_no_row(cells) {
                continue;
            }
            rows += 1;
            if said.len() < SHOWN {
                let texts: Vec<String> = surplus.take(3).map(|(_, cell)| shorten(&cell.text())).collect();
                said.push(format!(
                    "「{}」{line}行目: {}列目から、見出しのない値『{}』があります。その値だけ取り込みませんでした。区切りの記号で列がずれていないか確かめ、要る値なら見出しを付けてください(IMP-207)。",
                    shorten(&self.sheet.name),
                    first + 1,
                    texts.join("』『")
                ));
            }
        }
        if rows > said.len() {
            said.push(format!("見出しのない値がある行は、ほかに{}行あります(IMP-207)。", rows - said.len()));
        }
        said
    }

    fn below_header(&self) -> impl Iterator<Item = (usize, &[Cell])> {
        self.sheet.numbered().filter(|(line, _)| *line > self.header_row)
    }

    fn reader(&self) -> RowReader<'_> {
        RowReader {
            recognised: self,
            header: self.header().iter().map(|cell| tidy(&cell.text())).collect(),
            above: vec![None; self.columns.len()],
            known: HashMap::new(),
        }
    }

    /// Required columns that no heading of the sheet answers to.
    pub fn missing_columns(&self) -> impl Iterator<Item = &'static Column> {
        self.ledger.columns.iter().filter(|column| column.required && !self.has(column))
    }

    fn has(&self, column: &Column) -> bool {
        self.columns.iter().flatten().any(|found| found.name == column.name)
    }
}

/// Marks the second and every later row with a key that was there before, within one sheet and across
/// the sheets of one ledger, given with their names.
pub fn mark_duplicates<'s>(ledger: &'static Ledger, sheets: &mut [(&'s str, Vec<ParsedRow>)]) {
    let mut seen: HashMap<String, (&'s str, usize)> = HashMap::new();
    let column = ledger.key.first().and_then(|name| ledger.column(name));
    let labels: Vec<_> = ledger.key.iter().filter_map(|name| ledger.column(name)).map(|c| c.label.ja).collect();
    for (sheet, rows) in sheets {
        for parsed in rows {
            let Some(key) = ledger.row_key(&parsed.row) else { continue };
            if let Some((first_sheet, first_line)) = seen.get(&key) {
                let place =
                    if first_sheet == sheet { String::new() } else { format!("シート「{first_sheet}」の") };
                let message = format!(
                    "{}『{key}』は{place}{first_line}行目にもあります(全角・半角、大文字・小文字の違いは同じとみなします)。どちらかの行を削除するか、番号を直してください。",
                    labels.join("と")
                );
                parsed.problems.push(Problem { column, message, code: "IMP-203" });
            } else {
                seen.insert(key, (*sheet, parsed.line));
            }
        }
    }
}

struct RowReader<'r> {
    recognised: &'r Recognised<'r>,
    /// The headings, tidied.
    header: Vec<String>,
    /// The last written cell of each sheet column, for 〃.
    above: Vec<Option<&'r Cell>>,
    /// Results for columns of few different values, by column name and text.
    known: HashMap<&'static str, HashMap<Box<str>, Understood>>,
}

type Understood = Result<Option<Value>, CellError>;

/// Texts remembered per column; a column with more different ones gains nothing from it.
const KNOWN_MAX: usize = 1000;

impl<'r> RowReader<'r> {
    fn row(&mut self, line: usize, cells: &'r [Cell]) -> Option<ParsedRow> {
        if self.is_no_row(cells) {
            return None;
        }
        let recognised = self.recognised;
        let mut parsed = ParsedRow { line, row: Row::new(), problems: Vec::new() };
        if let Some(doubt) = recognised.sheet.doubts.get(&line) {
            parsed.problems.push(Problem { column: None, message: doubt.to_string(), code: "IMP-206" });
        }
        for (at, (column, cell)) in recognised.columns.iter().zip(cells).enumerate() {
            let Some(column) = *column else { continue };
            match self.value(at, column, cell) {
                Ok(Some(value)) => _ = parsed.row.insert(column.name, value),
                Ok(None) => {}
                Err(problem) => parsed.problems.push(problem),
            }
            self.imply(column, cell, &mut parsed.row);
        }
        for column in recognised.ledger.columns.iter().filter(|column| column.required) {
            if parsed.row.contains_key(column.name) || parsed.problems.iter().any(|p| is_about(p, column)) {
                continue;
            }
            let (code, message) = if recognised.has(column) {
                ("IMP-201", "値がありません。必ず入れてください。".to_owned())
            } else {
                (
                    "IMP-202",
                    format!(
                        "この表に「{}」の列がありません。列を加えるか、見出しの対応づけを直してください。",
                        column.label.ja
                    ),
                )
            };
            parsed.problems.push(Problem { column: Some(column), message, code });
        }
        Some(parsed)
    }

    fn value(&mut self, at: usize, column: &'static Column, cell: &'r Cell) -> Result<Option<Value>, Problem> {
        let problem = |code, message: String| Problem { column: Some(column), message, code };
        let cell = self.resolve(at, cell);
        match cell {
            Cell::Empty => return Ok(None),
            Cell::Formula => {
                let message = "計算結果のない式が入っています。式は計算しません。値を直接入力するか、Excelで開いて保存し直してください。";
                return Err(problem("IMP-204", message.to_owned()));
            }
            Cell::Error(name) => {
                let message = format!("エラー値{name}が入っています。正しい値を入力してください。");
                return Err(problem("IMP-205", message));
            }
            _ => {}
        }
        self.parse(column, &cell.text()).map_err(|error| problem(error.code(), error.to_string()))
    }

    /// The cell itself, or for 〃 the one above.
    fn resolve(&mut self, at: usize, cell: &'r Cell) -> &'r Cell {
        let ditto = matches!(cell, Cell::Text(text) if text.len() <= 6 && DITTO.contains(&text.trim()));
        match self.above.get_mut(at) {
            Some(Some(above)) if ditto => above,
            Some(above) if !cell.is_blank() => above.insert(cell),
            _ => cell,
        }
    }

    fn parse(&mut self, column: &'static Column, text: &str) -> Understood {
        if matches!(column.kind, Kind::Text | Kind::Date | Kind::Integer | Kind::Ref(_)) {
            return column.parse(text);
        }
        let known = self.known.entry(column.name).or_default();
        if let Some(result) = known.get(text) {
            return result.clone();
        }
        let result = column.parse(text);
        if known.len() < KNOWN_MAX {
            known.insert(text.into(), result.clone());
        }
        result
    }

    fn imply(&self, column: &Column, cell: &Cell, row: &mut Row) {
        let ledger = self.recognised.ledger.name;
        for (_, _, words, other, value) in IMPLIED.iter().filter(|(l, c, ..)| *l == ledger && *c == column.name) {
            if words.contains(&fold(&cell.text()).as_str()) {
                // A cell of that column, if there is one, overwrites this or comes first.
                row.entry(other).or_insert(Value::YesNo(*value));
            }
        }
        for (_, _, other) in READ_AS.iter().filter(|(l, c, _)| *l == ledger && *c == column.name) {
            let other = self.recognised.ledger.column(other);
            if let Some((other, Some(value))) = other.and_then(|o| Some((o, o.parse(&cell.text()).ok()?))) {
                row.entry(other.name).or_insert(value);
            }
        }
    }

    /// Blank, the header once more, a remark or section heading alone in its row, a closing or summing
    /// line, or a running number printed in advance.
    fn is_no_row(&self, cells: &[Cell]) -> bool {
        let written: Vec<(usize, &Cell)> = cells.iter().enumerate().filter(|(_, cell)| !cell.is_blank()).collect();
        let column = |at: usize| self.recognised.columns.get(at).copied().flatten();
        let mut ours = written.iter().filter_map(|(at, cell)| column(*at).map(|column| (column, *cell)));
        let (first, second) = (ours.next(), ours.next());
        let Some((_, leading)) = written.first() else { return true };
        let leading = leading.text();
        // Long cells are no marks; most rows begin with their number.
        let word = if leading.len() <= 30 { fold(&leading) } else { String::new() };
        if written.len() <= 3 && FOOTERS.contains(&word.as_str()) {
            return true;
        }
        if written.len() == 1
            && (leading.trim_start().starts_with(MARKS) || word.starts_with("合計") || word.starts_with("以上"))
        {
            return true;
        }
        if ["例", "記入例"].contains(&word.as_str()) {
            return true;
        }
        match (first, second) {
            (None, _) => true,
            (Some((column, cell)), None) => {
                let ledger = self.recognised.ledger;
                let others_required = ledger.columns.iter().any(|c| c.required && c.name != column.name);
                let is_number = cell.text().chars().all(|c| c.is_numeric());
                others_required && is_number && ledger.key.contains(&column.name)
            }
            (Some(_), Some(_)) => {
                let repeats = |(at, cell): &(usize, &Cell)| {
                    self.header.get(*at).is_some_and(|heading| *heading == tidy(&cell.text()))
                };
                written.iter().filter(|(at, _)| column(*at).is_some()).all(repeats)
            }
        }
    }
}

fn is_about(problem: &Problem, column: &Column) -> bool {
    problem.column.is_some_and(|about| about.name == column.name)
}
