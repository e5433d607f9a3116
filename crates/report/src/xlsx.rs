//! Excel: ledgers and lists as real workbooks that people filter, print and send back.
//!
//! Every value keeps its type: an id is text (leading zeros survive, also in cells filled in later), a
//! date is a date, and a text is never a formula whatever it begins with. Each sheet is ready for work
//! and for paper: frozen head, filter, widths by content, A4, head on every page, page n / N.

use domain::text::Lang;
use jiff::civil::Date;
use rust_xlsxwriter::{
    Color, DocProperties, ExcelDateTime, Format, FormatAlign, FormatBorder, IgnoreError, IntoExcelData, Worksheet,
    XlsxError,
};
use unicode_width::UnicodeWidthStr;

use crate::Mark;
use crate::error::ReportError;

/// Rows and characters of a cell that Excel can hold.
const MOST_ROWS: usize = 1_048_576;
const MOST_UNITS: usize = 32_767;
/// Largest whole number that Excel's floating-point cells hold exactly.
const MOST_EXACT: u64 = 1 << 53;
/// Cells from which on a sheet is written through a temporary file instead of being held in memory, where a
/// cell takes some 300 bytes.
const LARGE: usize = 150_000;
/// Narrowest and widest column, in characters of the default font.
const NARROWEST: usize = 6;
const WIDEST: usize = 44;
/// Room for the filter's arrow in the head.
const ARROW: usize = 4;
const A4: u8 = 9;
const FONT: &str = "游ゴシック";
const BLUE: Color = Color::RGB(0x0000_17C1);
const RULE: Color = Color::RGB(0x00B3_B3B3);
const HEAD: Color = Color::RGB(0x00E8_F1FE);

/// One Excel file.
#[derive(Clone, Debug)]
pub struct Workbook {
    /// Title in the file's metadata.
    pub title: String,
    /// Day of making, in the file's metadata, so that the same input gives the same bytes.
    pub created_on: Date,
    /// Language of the fixed words.
    pub lang: Lang,
    /// Sheets in order. Names are unique, of at most 31 characters and without `[ ] : * ? / \`.
    pub sheets: Vec<Sheet>,
    /// Lines of the last sheet 「読み方」; with none there is no such sheet.
    pub notes: Vec<String>,
}

/// One sheet: title lines, a head, rows.
#[derive(Clone, Debug)]
pub struct Sheet {
    /// Name on the tab.
    pub name: String,
    /// Lines above the head, the first one large; may be empty. Import expects none.
    pub titles: Vec<String>,
    /// Columns from left to right.
    pub columns: Vec<SheetColumn>,
    /// Rows from top to bottom, each with one cell per column.
    pub rows: Vec<Vec<SheetCell>>,
    /// How it is printed.
    pub orientation: Orientation,
}

/// How the paper lies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Orientation {
    /// Short side at the top.
    #[default]
    Portrait,
    /// Long side at the top.
    Landscape,
}

/// One column.
#[derive(Clone, Debug)]
pub struct SheetColumn {
    /// What the head says.
    pub head: String,
    /// What its cells hold, also those that people fill in later.
    pub kind: Kind,
}

/// What the cells of a column hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Text; also ids, numbers of devices and telephones.
    Text,
    /// Days.
    Date(DateStyle),
    /// Whole numbers.
    Integer,
    /// はい / いいえ, as text.
    YesNo,
}

/// How days are shown; they are true dates either way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DateStyle {
    /// 2026-11-22
    #[default]
    Iso,
    /// 令和8年11月22日
    Era,
}

impl DateStyle {
    /// Width of a day, in half-width characters.
    const fn width(self) -> usize {
        match self {
            Self::Iso => 10,
            Self::Era => 16,
        }
    }
}

/// One cell. A value of another type than its column's is written as what it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum SheetCell {
    /// Nothing.
    #[default]
    Empty,
    /// Text, taken literally. Beyond Excel's 32,767 characters it is cut, and says so.
    Text(String),
    /// A day; one before 1900, which Excel cannot hold, becomes text.
    Date(Date),
    /// A whole number; one beyond 2^53, which Excel would round, becomes text.
    Integer(i64),
    /// はい or いいえ.
    YesNo(bool),
    /// A mark's word on its colour, followed by a text, which may be empty.
    Marked(Mark, String),
}

/// The bytes of `book` as .xlsx. The same workbook gives the same bytes.
///
/// # Errors
/// [`ReportError::TooManyRows`] and [`ReportError::Ragged`] if a sheet cannot be laid out;
/// [`ReportError::Excel`] if Excel would refuse it, such as for two sheets of one name;
/// [`ReportError::Scratch`] if the temporary file of a large sheet cannot be written.
pub fn workbook(book: &Workbook) -> Result<Vec<u8>, ReportError> {
    let mut file = rust_xlsxwriter::Workbook::new();
    let created = excel_date(book.created_on).unwrap_or_default();
    file.set_properties(&DocProperties::new().set_title(&book.title).set_creation_datetime(&created));
    for sheet in &book.sheets {
        let large = sheet.rows.len().saturating_mul(sheet.columns.len()) > LARGE;
        let out = if large { file.add_worksheet_with_constant_memory()? } else { file.add_worksheet() };
        SheetWriter::new(out, sheet, book.lang).write()?;
    }
    if !book.notes.is_empty() {
        write_notes(file.add_worksheet(), &book.notes, book.lang)?;
    }
    Ok(file.save_to_buffer()?)
}

struct SheetWriter<'a> {
    out: &'a mut Worksheet,
    sheet: &'a Sheet,
    lang: Lang,
    /// Row of the head.
    head: u32,
    looks: Looks,
    /// Widest text seen in each column, in half-width characters.
    widths: Vec<usize>,
}

impl<'a> SheetWriter<'a> {
    fn new(out: &'a mut Worksheet, sheet: &'a Sheet, lang: Lang) -> Self {
        let titles = u32::try_from(sheet.titles.len()).unwrap_or(u32::MAX);
        let head = if titles == 0 { 0 } else { titles.saturating_add(1) };
        let widths = sheet.columns.iter().map(|column| shown_width(&column.head).saturating_add(ARROW)).collect();
        Self { out, sheet, lang, head, looks: Looks::new(), widths }
    }

    fn write(mut self) -> Result<(), ReportError> {
        let rows = self.sheet.rows.len();
        if rows.saturating_add(self.head as usize) >= MOST_ROWS {
            return Err(ReportError::TooManyRows { sheet: self.sheet.name.clone(), rows });
        }
        self.out.set_name(&self.sheet.name)?;
        self.titles()?;
        self.columns()?;
        for (row, cells) in (self.head + 1..).zip(&self.sheet.rows) {
            if cells.len() != self.sheet.columns.len() {
                return Err(ReportError::Ragged {
                    table: self.sheet.name.clone(),
                    row: (row - self.head) as usize,
                    cells: cells.len(),
                    columns: self.sheet.columns.len(),
                });
            }
            for ((col, cell), column) in (0..).zip(cells).zip(&self.sheet.columns) {
                self.cell(row, col, cell, column.kind)?;
            }
        }
        self.furnish()
    }

    fn titles(&mut self) -> Result<(), ReportError> {
        for (row, title) in (0..).zip(&self.sheet.titles) {
            let look = if row == 0 { &self.looks.title } else { &self.looks.subtitle };
            self.out.write_string_with_format(row, 0, fitting(title), look)?;
        }
        Ok(())
    }

    fn columns(&mut self) -> Result<(), ReportError> {
        for (col, column) in (0..).zip(&self.sheet.columns) {
            self.out.set_column_format(col, self.looks.of(column.kind))?;
            self.out.write_string_with_format(self.head, col, fitting(&column.head), &self.looks.head)?;
        }
        Ok(())
    }

    fn cell(&mut self, row: u32, col: u16, cell: &SheetCell, column: Kind) -> Result<(), ReportError> {
        let Self { out, looks, lang, .. } = self;
        let style = if let Kind::Date(style) = column { style } else { DateStyle::Iso };
        // A cell that looks like its column has no look of its own: that is smaller and much faster.
        let own = |kind: Kind| (kind != column).then(|| looks.of(kind));
        let mut text = |text: &str, look: Option<&Format>| {
            put(out, row, col, fitting(text), look)?;
            Ok::<_, ReportError>(shown_width(text))
        };
        let width = match cell {
            SheetCell::Empty => 0,
            SheetCell::Text(written) => text(written, own(Kind::Text))?,
            SheetCell::YesNo(yes) => text(yes_no(*yes, *lang), own(Kind::YesNo))?,
            SheetCell::Marked(mark, written) => {
                let word = mark.label().in_lang(*lang);
                let said = if written.is_empty() { word.to_owned() } else { format!("{word}：{written}") };
                text(&said, Some(looks.marked(*mark)))?
            }
            SheetCell::Date(date) => match excel_date(*date) {
                Some(day) => {
                    put(out, row, col, &day, own(Kind::Date(style)))?;
                    style.width()
                }
                None => text(&date.to_string(), own(Kind::Text))?,
            },
            #[expect(clippy::cast_precision_loss, reason = "at most 2^53")]
            SheetCell::Integer(number) if number.unsigned_abs() <= MOST_EXACT => {
                put(out, row, col, *number as f64, own(Kind::Integer))?;
                number.to_string().len()
            }
            SheetCell::Integer(number) => text(&number.to_string(), own(Kind::Text))?,
        };
        if let Some(widest) = self.widths.get_mut(usize::from(col)) {
            *widest = width.max(*widest);
        }
        Ok(())
    }

    /// Everything round the cells: widths, frozen head, filter, paper.
    fn furnish(self) -> Result<(), ReportError> {
        let Self { out, sheet, head, widths, .. } = self;
        for (col, width) in (0..).zip(&widths) {
            #[expect(clippy::cast_precision_loss, reason = "clamped to a few dozen")]
            out.set_column_width(col, (width.saturating_add(2)).clamp(NARROWEST, WIDEST) as f64)?;
        }
        let last_row = u32::try_from(sheet.rows.len()).unwrap_or(u32::MAX).saturating_add(head);
        if let Some(last_col) = u16::try_from(sheet.columns.len()).unwrap_or(u16::MAX).checked_sub(1) {
            out.autofilter(head, 0, last_row, last_col)?;
            // Ids are meant to be text; Excel need not mark each of them.
            out.ignore_error_range(head, 0, last_row, last_col, IgnoreError::NumberStoredAsText)?;
        }
        out.set_freeze_panes(head.saturating_add(1), 0)?;
        out.set_repeat_rows(head, head)?;
        if sheet.orientation == Orientation::Landscape {
            out.set_landscape();
        }
        paper(out);
        Ok(())
    }
}

/// Writes `value` in its own look, or in that of its column.
fn put(
    out: &mut Worksheet,
    row: u32,
    col: u16,
    value: impl IntoExcelData,
    look: Option<&Format>,
) -> Result<(), XlsxError> {
    match look {
        Some(look) => out.write_with_format(row, col, value, look)?,
        None => out.write(row, col, value)?,
    };
    Ok(())
}

/// A4 with room for a binder at the left, fitted to its width, with page n / N.
fn paper(out: &mut Worksheet) {
    const INCH: f64 = 25.4;
    out.set_paper_size(A4)
        .set_margins(25.0 / INCH, 12.0 / INCH, 15.0 / INCH, 18.0 / INCH, 8.0 / INCH, 8.0 / INCH)
        .set_print_fit_to_pages(1, 0)
        .set_footer("&L&9&A&R&9&P / &N");
}

fn write_notes(out: &mut Worksheet, notes: &[String], lang: Lang) -> Result<(), ReportError> {
    const COLUMN: f64 = 90.0;
    let looks = Looks::new();
    let name = match lang {
        Lang::Ja => "読み方",
        Lang::En => "How to read",
    };
    out.set_name(name)?;
    out.set_column_width(0, COLUMN)?;
    out.write_string_with_format(0, 0, name, &looks.title)?;
    for (row, note) in (2..).zip(notes) {
        out.write_string_with_format(row, 0, fitting(note), &looks.note)?;
    }
    paper(out);
    Ok(())
}

/// How cells look.
struct Looks {
    title: Format,
    subtitle: Format,
    note: Format,
    head: Format,
    text: Format,
    integer: Format,
    iso: Format,
    era: Format,
    marks: [Format; Mark::ALL.len()],
}

impl Looks {
    fn new() -> Self {
        let plain = Format::new().set_font_name(FONT).set_font_size(11).set_align(FormatAlign::Top);
        let body = plain.clone().set_border_bottom(FormatBorder::Thin).set_border_color(RULE);
        let text = body.clone().set_num_format("@").set_text_wrap();
        Self {
            title: plain.clone().set_bold().set_font_size(14),
            subtitle: plain.clone(),
            note: plain.clone().set_text_wrap(),
            head: plain
                .set_bold()
                .set_text_wrap()
                .set_align(FormatAlign::VerticalCenter)
                .set_background_color(HEAD)
                .set_border_bottom(FormatBorder::Medium)
                .set_border_color(BLUE),
            integer: body.clone().set_num_format("#,##0"),
            iso: body.clone().set_num_format("yyyy-mm-dd").set_align(FormatAlign::Left),
            era: body.set_num_format("[$-ja-JP]ggge\"年\"m\"月\"d\"日\"").set_align(FormatAlign::Left),
            marks: Mark::ALL.map(|mark| ground(mark, text.clone())),
            text,
        }
    }

    fn of(&self, kind: Kind) -> &Format {
        match kind {
            Kind::Text | Kind::YesNo => &self.text,
            Kind::Integer => &self.integer,
            Kind::Date(DateStyle::Iso) => &self.iso,
            Kind::Date(DateStyle::Era) => &self.era,
        }
    }

    fn marked(&self, mark: Mark) -> &Format {
        Mark::ALL.iter().zip(&self.marks).find(|(of, _)| **of == mark).map_or(&self.text, |(_, look)| look)
    }
}

/// `look` on the pale colour of `mark`; what calls for work is bold, so that it stands out in black and white.
fn ground(mark: Mark, look: Format) -> Format {
    match mark {
        Mark::Met => look.set_background_color(Color::RGB(0x00E6_F5EC)),
        Mark::Deemed => look.set_background_color(Color::RGB(0x00E8_F1FE)),
        Mark::DueSoon => look.set_background_color(Color::RGB(0x00FF_F4D6)).set_bold(),
        Mark::Unknown => look.set_background_color(Color::RGB(0x00F2_F2F2)).set_bold(),
        Mark::Unmet => look.set_background_color(Color::RGB(0x00FD_E0E0)).set_bold(),
        Mark::NotApplicable => look.set_font_color(Color::RGB(0x0059_5959)),
    }
}

fn yes_no(yes: bool, lang: Lang) -> &'static str {
    match (yes, lang) {
        (true, Lang::Ja) => "はい",
        (false, Lang::Ja) => "いいえ",
        (true, Lang::En) => "yes",
        (false, Lang::En) => "no",
    }
}

/// `date` as Excel counts days; `None` before 1900.
fn excel_date(date: Date) -> Option<ExcelDateTime> {
    let year = u16::try_from(date.year()).ok().filter(|year| *year >= 1900)?;
    ExcelDateTime::from_ymd(year, u8::try_from(date.month()).ok()?, u8::try_from(date.day()).ok()?).ok()
}

/// `text` without control characters, which a workbook cannot hold, and cut with a notice where Excel would
/// refuse the cell.
fn fitting(text: &str) -> String {
    const NOTICE: &str = "…（Excelの上限のため以下省略）";
    let whole: String = text.replace("\r\n", "\n").chars().filter(|c| !c.is_control() || "\n\t".contains(*c)).collect();
    if whole.encode_utf16().count() <= MOST_UNITS {
        return whole;
    }
    let mut room = MOST_UNITS.saturating_sub(NOTICE.encode_utf16().count());
    let mut cut: String = whole
        .chars()
        .take_while(|c| {
            let left = room.checked_sub(c.len_utf16());
            room = left.unwrap_or(0);
            left.is_some()
        })
        .collect();
    cut.push_str(NOTICE);
    cut
}

/// Width of the longest line of `text` in half-width characters.
fn shown_width(text: &str) -> usize {
    text.lines().map(UnicodeWidthStr::width).max().unwrap_or(0)
}

#[cfg(test)]
mod tests;
