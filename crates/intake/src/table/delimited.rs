//! CSV and TSV, read as Excel reads them and forgiving about quotation marks.
//!
//! Written by hand rather than with a CSV library because row numbers must be Excel's (blank lines count,
//! a line break inside a cell does not), and because one stray quotation mark must cost one row, not
//! the rest of the file.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::decode::{Decoded, decode};
use super::{Book, Budget, Cell, Doubt, LAST_ROW, MAX_COLUMNS, ReadError, Sheet};

/// Beginnings that a spreadsheet takes for a formula.
const FORMULA: [char; 4] = ['=', '+', '-', '@'];

/// A text as a CSV cell has to hold it: what a spreadsheet would run as a formula gets an apostrophe in
/// front. Reading takes exactly that one off again, so a text that already looks guarded gets one too.
pub fn guarded(text: &str) -> Cow<'_, str> {
    if looks_guarded(text) { Cow::Owned(format!("'{text}")) } else { Cow::Borrowed(text) }
}

fn unguarded(text: &str) -> &str {
    text.strip_prefix('\'').filter(|rest| looks_guarded(rest)).unwrap_or(text)
}

/// Whether `text` is a formula behind any number of apostrophes.
fn looks_guarded(text: &str) -> bool {
    text.trim_start_matches('\'').starts_with(FORMULA)
}

/// What DOS programs end a text with.
const END_OF_FILE: char = '\u{1a}';

/// Reads a file that is not a workbook.
pub(super) fn read(file_name: &str, bytes: &[u8]) -> Result<Book, ReadError> {
    if bytes.starts_with(b"%PDF") {
        return Err(ReadError::NotATable);
    }
    let Decoded { text, encoding, doubts: line_doubts } = decode(bytes)?;
    if text.trim_matches(|c: char| c.is_whitespace() || c == END_OF_FILE).is_empty() {
        return Err(ReadError::Empty);
    }
    if text.trim_start().starts_with('<') {
        return Err(ReadError::Markup);
    }
    // Very old Macs end lines with a carriage return alone.
    let text = if text.contains('\n') { text } else { text.replace('\r', "\n").into() };

    let (stem, ending) = file_name.rsplit_once('.').unwrap_or((file_name, ""));
    let delimiter = if ending.eq_ignore_ascii_case("tsv") { b'\t' } else { delimiter_of(&text) };
    let mut budget = Budget::new();
    let mut rows = Vec::new();
    let mut doubts = BTreeMap::new();
    for record in (Records { rest: text.trim_end_matches(END_OF_FILE), line: 1, delimiter, width: 0 }) {
        let Record { cells, lines, bad_quote } = record;
        if rows.len() == LAST_ROW {
            return Err(ReadError::TooManyRows);
        }
        if !cells.is_empty() {
            budget.row()?;
        }
        if cells.len() > MAX_COLUMNS {
            return Err(ReadError::TooManyColumns);
        }
        budget.spend(cells.len())?;
        rows.push(cells);
        let of_lines = line_doubts.range(lines).next().map(|(_, doubt)| *doubt);
        if let Some(doubt) = of_lines.or(bad_quote.then_some(Doubt::Quote)) {
            doubts.insert(rows.len(), doubt);
        }
    }
    let mut notes = vec![format!("文字コードは{encoding}として読みました。")];
    notes.extend(doubts.iter().take(20).map(|(row, doubt)| format!("{row}行目: {doubt}")));
    Ok(Book { sheets: vec![Sheet { name: stem.to_owned(), first_row: 1, rows, doubts }], notes })
}

/// The separator that the first lines use most.
fn delimiter_of(text: &str) -> u8 {
    let head = text.lines().take(30).flat_map(str::bytes);
    let (commas, tabs, semicolons) = head.fold((0, 0, 0), |(c, t, s), byte| match byte {
        b',' => (c + 1, t, s),
        b'\t' => (c, t + 1, s),
        b';' => (c, t, s + 1),
        _ => (c, t, s),
    });
    if tabs > commas {
        b'\t'
    } else if semicolons > commas {
        b';'
    } else {
        b','
    }
}

/// The rows of a text.
struct Records<'t> {
    rest: &'t str,
    /// Line of the file at which `rest` begins, from 1.
    line: usize,
    delimiter: u8,
    /// Cells in the row before; the next will have as many.
    width: usize,
}

struct Record {
    cells: Vec<Cell>,
    /// The lines of the file it takes.
    lines: std::ops::RangeInclusive<usize>,
    bad_quote: bool,
}

impl Iterator for Records<'_> {
    type Item = Record;

    fn next(&mut self) -> Option<Record> {
        if self.rest.is_empty() {
            return None;
        }
        let first = self.line;
        let (mut cells, mut bad_quote) = (Vec::with_capacity(self.width), false);
        loop {
            let field = self.field();
            bad_quote |= field.bad_quote;
            cells.push(field.cell);
            if field.last {
                break;
            }
        }
        while cells.last().is_some_and(|cell| *cell == Cell::Empty) {
            cells.pop();
        }
        self.width = cells.len();
        Some(Record { cells, lines: first..=self.line.saturating_sub(1).max(first), bad_quote })
    }
}

struct Field {
    cell: Cell,
    /// The row ends behind it.
    last: bool,
    bad_quote: bool,
}

impl Records<'_> {
    /// Takes one field and the separator or line break behind it.
    fn field(&mut self) -> Field {
        let (quoted, mut bad_quote) = match self.rest.strip_prefix('"').map(unquote) {
            Some(Some((text, rest))) => {
                self.line += text.bytes().filter(|b| *b == b'\n').count();
                self.rest = rest;
                (Some(text), false)
            }
            Some(None) => (None, true),
            None => (None, false),
        };
        let delimiter = char::from(self.delimiter);
        let end = self.rest.find([delimiter, '\n']).unwrap_or(self.rest.len());
        let (plain, behind) = self.rest.split_at_checked(end).unwrap_or_default();
        self.rest = behind.get(1..).unwrap_or_default();
        let last = !behind.starts_with(delimiter) || self.rest.is_empty();
        self.line += usize::from(last);

        let plain = plain.trim_end_matches('\r');
        let text = match quoted {
            Some(quoted) if plain.trim().is_empty() => quoted,
            Some(quoted) => {
                bad_quote = true;
                quoted + plain
            }
            None => plain.to_owned(),
        };
        let cell = if text.trim().is_empty() { Cell::Empty } else { Cell::Text(unguarded(&text).into()) };
        Field { cell, last, bad_quote }
    }
}

/// The text up to the closing quotation mark (a doubled one is a mark) and what follows it; `None` when
/// it is never closed.
fn unquote(text: &str) -> Option<(String, &str)> {
    let mut out = String::new();
    let mut rest = text;
    loop {
        let (part, behind) = rest.split_once('"')?;
        out.push_str(part);
        match behind.strip_prefix('"') {
            Some(more) => {
                out.push('"');
                rest = more;
            }
            None => return Some((out, behind)),
        }
    }
}
