//! What a printed document says, without how it looks.
//!
//! The description is plain data: the look (A4, margins for a binder, fonts, colours, footers) is the
//! crate's and the same for every document. All text is taken literally; a line feed in it begins a new
//! line and nothing else in it has a meaning.

use domain::text::Lang;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::Mark;

/// One document of one or more A4 pages.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Document {
    /// Large on the first page, and in every footer.
    pub title: String,
    /// Under the title; may be empty.
    pub subtitle: String,
    /// Above the title and in every footer: the form and its edition. May be empty.
    pub kicker: String,
    /// Name of the facility the document is about.
    pub facility: String,
    /// Day of printing. Also the date in the file's metadata, so that the same input gives the same bytes.
    pub printed_on: Date,
    /// Who printed it.
    pub printed_by: String,
    /// Short code by which the paper can be checked against the journal; may be empty.
    pub code: String,
    /// Language of the fixed words (footer, marks, signature lines).
    pub lang: Lang,
    /// Whether the long side of the paper lies at the top.
    pub landscape: bool,
    /// What the document says, top to bottom.
    pub blocks: Vec<Block>,
}

/// One part of a document.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Block {
    /// A heading; also an entry of the file's outline.
    Heading {
        /// 1 is the highest under the title, 3 the lowest; others are brought into that range.
        level: u8,
        /// The heading.
        text: String,
    },
    /// Running text, justified.
    Paragraph(String),
    /// A remark in a box, slightly smaller.
    Note(String),
    /// Names and values, one pair a line.
    Facts(Vec<(String, String)>),
    /// A table.
    Table(Table),
    /// Shares of a whole as one bar with its legend.
    Bar(StackedBar),
    /// How numbers went from month to month.
    Trend(Trend),
    /// Lines for names and dates, kept together on one page.
    Signature {
        /// One line per role.
        lines: Vec<SignatureLine>,
    },
    /// The rest begins on a new page.
    PageBreak,
}

/// A table. Its head is repeated on every page; a row is broken across pages only if it is very tall.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Table {
    /// Columns from left to right.
    pub columns: Vec<Column>,
    /// Rows from top to bottom, each with one cell per column.
    pub rows: Vec<TableRow>,
}

/// One column of a table.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Column {
    /// What the head says.
    pub head: String,
    /// How wide it is.
    pub width: Width,
    /// Where its text stands.
    pub align: Align,
}

/// Width of a column. Between the margins lie 167 mm, in landscape 254 mm.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Width {
    /// Fixed, in millimetres, including 4 mm of space around the text.
    Mm(f64),
    /// This share of what the fixed columns leave over.
    Share(f64),
}

/// Where text stands in its column.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Align {
    /// At the left.
    #[default]
    Left,
    /// In the middle.
    Center,
    /// At the right; for numbers.
    Right,
}

/// One row of a table.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TableRow {
    /// One cell per column.
    pub cells: Vec<Cell>,
    /// Whether the row stands out.
    pub emphasis: Emphasis,
}

/// Whether a row stands out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Emphasis {
    /// Like its neighbours.
    #[default]
    Plain,
    /// Bold on a light ground: a group's name, a sum. A text runs on over the empty cells at its right.
    Strong,
}

/// One cell: a mark, a text, or a mark with a text under it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cell {
    /// Drawn as icon and word.
    pub mark: Option<Mark>,
    /// May be empty.
    pub text: String,
}

impl Cell {
    /// A cell with a mark and `text`, which may be empty, under it.
    pub fn marked(mark: Mark, text: impl Into<String>) -> Self {
        Self { mark: Some(mark), text: text.into() }
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self { mark: None, text }
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

impl From<Mark> for Cell {
    fn from(mark: Mark) -> Self {
        Self { mark: Some(mark), text: String::new() }
    }
}

/// Shares of a whole: how many requirements are met, unmet, unknown …
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct StackedBar {
    /// From left to right. A segment of zero appears in the legend only.
    pub segments: Vec<Segment>,
    /// The conclusion in one sentence.
    pub caption: String,
}

/// One share of a [`StackedBar`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Segment {
    /// Word in the legend.
    pub label: String,
    /// How many.
    pub count: u32,
    /// Gives pattern and colour.
    pub mark: Mark,
}

/// How numbers went from month to month, as a line each, with the numbers in a table under it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Trend {
    /// What the months are called, from left to right.
    pub months: Vec<String>,
    /// The lines.
    pub lines: Vec<TrendLine>,
    /// The conclusion in one sentence.
    pub caption: String,
}

/// One line of a [`Trend`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TrendLine {
    /// What is counted.
    pub label: String,
    /// A number for each month; `None` where nobody counted, which breaks the line.
    pub values: Vec<Option<u32>>,
    /// Gives colour, dashes and points.
    pub mark: Mark,
}

/// One line to sign, or that was signed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SignatureLine {
    /// In which role, such as 確認者.
    pub role: String,
    /// Who signed; empty leaves room to write.
    pub name: String,
    /// When; `None` leaves room to write.
    pub date: Option<Date>,
}
