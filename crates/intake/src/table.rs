//! Tables as institutions keep them: xlsx, CSV and TSV in any encoding, with titles above the header,
//! blank lines and a 「以上」 at the end.
//!
//! Three steps, each usable alone: [`read`] turns a file into sheets of cells, [`recognise`] (or
//! [`pick_sheets`] for a whole book) finds the ledger, the header row and the columns, and
//! [`Recognised::rows`] gives rows with their problems. A file is hostile until read: sizes are limited
//! before and while it is unpacked, macros and formulas are never run.

mod decode;
mod delimited;
mod error;
mod headers;
mod rows;
mod workbook;

use std::borrow::Cow;
use std::collections::BTreeMap;

use jiff::civil::{Date, DateTime};

pub use delimited::guarded;
pub use error::{ReadError, RecogniseError};
pub use headers::{Mapping, Picked, Recognised, pick_sheets, recognise};
pub use rows::{ParsedRow, Problem, mark_duplicates};

/// Largest file accepted, in bytes.
pub const MAX_FILE: usize = 64 << 20;
/// Most that the parts of a workbook may unpack to, in bytes.
pub const MAX_UNPACKED: u64 = 512 << 20;
/// Most rows with something in them read of one file. A column filled down to Excel's last row would make a million
/// devices, and take the memory of a small server.
pub const MAX_ROWS: usize = 200_000;
/// Last row of a sheet, as in Excel; empty rows up to there are passed over.
pub const LAST_ROW: usize = 1_048_576;
/// Rightmost column that may hold a value, counted from 1.
pub const MAX_COLUMNS: usize = 512;
/// Most cells kept of one file, empty ones between filled ones included.
pub const MAX_CELLS: usize = 5_000_000;
/// Most sheets read of one workbook.
pub const MAX_SHEETS: usize = 64;

/// One file as sheets of cells.
#[derive(Debug)]
pub struct Book {
    /// The sheets people see, in their order; a CSV has one.
    pub sheets: Vec<Sheet>,
    /// What the reader should tell: the encoding assumed, macros not run, hidden sheets not read.
    pub notes: Vec<String>,
}

/// One sheet.
#[derive(Debug)]
pub struct Sheet {
    /// Its name; of a CSV the file name without the ending.
    pub name: String,
    /// Row number, as Excel counts from 1, of the first entry of `rows`.
    pub first_row: usize,
    /// Cells from column A on, without the empty ones at the end of a row.
    pub rows: Vec<Vec<Cell>>,
    /// Rows whose text may not be what was meant, by row number.
    pub doubts: BTreeMap<usize, Doubt>,
}

/// Why the text of a row cannot be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// Written in this encoding, unlike the rest of the file. Read in it.
    OtherEncoding(&'static str),
    /// Not readable in any encoding; unreadable characters became U+FFFD.
    Broken,
    /// A quotation mark is not closed, or stands inside a quoted cell.
    Quote,
}

/// One cell.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    /// Nothing.
    Empty,
    /// Text as written.
    Text(Box<str>),
    /// A number; a date in a cell not formatted as one is a serial.
    Number(f64),
    /// A day.
    Date(Date),
    /// A day and a time of it, for what keeps both; a ledger keeps the day.
    Moment(DateTime),
    /// TRUE or FALSE.
    Bool(bool),
    /// An error value such as `#N/A`.
    Error(&'static str),
    /// A formula without a stored result. Formulas are never computed here.
    Formula,
}

/// Reads a file. `name` only decides between comma and tab and names the sheet of a CSV; what the file
/// *is* shows in its bytes.
///
/// # Errors
/// See [`ReadError`]: not a table, damaged, locked, or larger than the limits above.
pub fn read(name: &str, bytes: &[u8]) -> Result<Book, ReadError> {
    match bytes {
        [] => Err(ReadError::Empty),
        _ if bytes.len() > MAX_FILE => Err(ReadError::TooLarge),
        [b'P', b'K', 3 | 5, ..] => workbook::read(bytes),
        [0xD0, 0xCF, 0x11, 0xE0, ..] => Err(workbook::compound(bytes)),
        _ => delimited::read(name, bytes),
    }
}

impl Cell {
    /// What a person reads in the cell. Empty for a formula without a result.
    pub fn text(&self) -> Cow<'_, str> {
        match self {
            Self::Empty | Self::Formula => Cow::Borrowed(""),
            Self::Text(text) => Cow::Borrowed(text),
            Self::Number(number) => Cow::Owned(number.to_string()),
            Self::Date(date) => Cow::Owned(date.to_string()),
            Self::Moment(moment) => Cow::Owned(moment.to_string().replace('T', " ")),
            Self::Bool(yes) => Cow::Borrowed(if *yes { "TRUE" } else { "FALSE" }),
            Self::Error(name) => Cow::Borrowed(name),
        }
    }

    /// Whether nothing is written in it.
    pub fn is_blank(&self) -> bool {
        match self {
            Self::Empty => true,
            Self::Text(text) => text.trim().is_empty(),
            _ => false,
        }
    }
}

impl Sheet {
    /// The rows with their numbers as Excel counts them.
    pub fn numbered(&self) -> impl Iterator<Item = (usize, &[Cell])> {
        self.rows.iter().enumerate().map(|(at, cells)| (self.first_row + at, cells.as_slice()))
    }
}

/// How many cells and rows of a file may still be kept.
struct Budget {
    cells: usize,
    rows: usize,
}

impl Budget {
    const fn new() -> Self {
        Self { cells: MAX_CELLS, rows: MAX_ROWS }
    }

    fn spend(&mut self, cells: usize) -> Result<(), ReadError> {
        self.cells = self.cells.checked_sub(cells).ok_or(ReadError::TooManyCells)?;
        Ok(())
    }

    fn row(&mut self) -> Result<(), ReadError> {
        self.rows = self.rows.checked_sub(1).ok_or(ReadError::TooManyRows)?;
        Ok(())
    }
}
