//! A [`Document`] as the values the template reads: cleaned text, widths, words in the right language.

use domain::jp;
use domain::text::Lang;
use jiff::civil::Date;
use typst::foundations::{Array, Datetime, Dict, IntoValue, Value, dict};
use typst::layout::{Abs, Fr};

use super::{FONTS, text};
use report::Mark;
use report::ReportError;
use report::{
    Align, Block, Cell, Column, Document, Emphasis, Segment, SignatureLine, StackedBar, Table, TableRow, Trend, Width,
};

/// Between the margins, in millimetres; the template sets the same margins.
const PORTRAIT: f64 = 167.0;
const LANDSCAPE: f64 = 254.0;
/// Space left and right of the text of a cell, in millimetres.
const INSET: f64 = 4.0;
/// One em of table text (9 pt) and of running text (10 pt), in millimetres.
const SMALL_EM: f64 = 3.175;
const EM: f64 = 3.528;
/// A row of more lines than this may be broken across pages; it takes about a third of one.
const TALL: f64 = 16.0;

/// The value of `sys.inputs` for `document`.
pub(super) fn inputs(document: &Document) -> Result<Dict, ReportError> {
    let desk = Desk { lang: document.lang, width: if document.landscape { LANDSCAPE } else { PORTRAIT } };
    Ok(dict! {
        "lang" => match document.lang { Lang::Ja => "ja", Lang::En => "en" },
        "landscape" => document.landscape,
        "title" => desk.line(&document.title),
        "subtitle" => desk.line(&document.subtitle),
        "kicker" => desk.line(&document.kicker),
        "facility" => desk.line(&document.facility),
        "date" => datetime(document.printed_on),
        "printed" => desk.line(&match document.lang {
            Lang::Ja => format!("{} {} 印刷", jp::show(document.printed_on, Lang::Ja), document.printed_by),
            Lang::En => format!("printed {} by {}", document.printed_on, document.printed_by),
        }),
        "code" => desk.line(&match (document.code.as_str(), document.lang) {
            ("", _) => String::new(),
            (code, Lang::Ja) => format!("照合コード {code}"),
            (code, Lang::En) => format!("code {code}"),
        }),
        "blocks" => desk.blocks(&document.blocks)?,
    })
}

/// What every part needs to know of the document it stands in.
struct Desk {
    lang: Lang,
    /// Width between the margins in millimetres.
    width: f64,
}

impl Desk {
    /// Text that may use the whole width.
    fn line(&self, written: &str) -> String {
        text::breakable(&text::clean(written, |c| FONTS.draw(c)), self.width / EM)
    }

    fn blocks(&self, blocks: &[Block]) -> Result<Array, ReportError> {
        let mut above = 0;
        blocks
            .iter()
            .map(|block| {
                Ok(match block {
                    Block::Heading { level, text } => {
                        // A level is never skipped: readers' outlines are built from them.
                        above = (*level).clamp(1, 3).min(above + 1);
                        dict! { "kind" => "heading", "level" => i64::from(above), "text" => self.line(text) }
                    }
                    Block::Paragraph(text) => dict! { "kind" => "paragraph", "text" => self.line(text) },
                    Block::Note(text) => dict! { "kind" => "note", "text" => self.line(text) },
                    Block::Facts(pairs) => dict! {
                        "kind" => "facts",
                        "pairs" => pairs.iter().map(|(name, value)| pair(self.line(name), self.line(value))).collect::<Array>(),
                    },
                    Block::Table(table) => self.table(table)?,
                    Block::Bar(bar) => self.bar(bar),
                    Block::Trend(trend) => self.trend(trend)?,
                    Block::Signature { lines } => dict! {
                        "kind" => "signature",
                        "lines" => lines.iter().map(|line| self.signature(line).into_value()).collect::<Array>(),
                    },
                    Block::PageBreak => dict! { "kind" => "page-break" },
                }
                .into_value())
            })
            .collect()
    }

    fn table(&self, table: &Table) -> Result<Dict, ReportError> {
        let widths = ems(&table.columns, self.width);
        let rows = table
            .rows
            .iter()
            .enumerate()
            .map(|(above, row)| {
                if row.cells.len() == table.columns.len() {
                    return Ok(self.row(row, &widths).into_value());
                }
                let heads: Vec<&str> = table.columns.iter().map(|column| column.head.as_str()).collect();
                Err(ReportError::Ragged {
                    table: heads.join("・"),
                    row: above + 1,
                    cells: row.cells.len(),
                    columns: table.columns.len(),
                })
            })
            .collect::<Result<Array, ReportError>>()?;
        Ok(dict! {
            "kind" => "table",
            "widths" => table.columns.iter().map(|column| track(column.width)).collect::<Array>(),
            "aligns" => table.columns.iter().map(|column| align(column.align).into_value()).collect::<Array>(),
            "heads" => table.columns.iter().map(|column| self.line(&column.head).into_value()).collect::<Array>(),
            "rows" => rows,
        })
    }

    fn row(&self, row: &TableRow, widths: &[f64]) -> Dict {
        let tall = row.cells.iter().zip(widths).any(|(cell, ems)| text::lines(&cell.text, *ems) > TALL);
        let strong = row.emphasis == Emphasis::Strong;
        let mut cells = row.cells.iter().zip(widths).peekable();
        let mut shown = Array::new();
        while let Some((cell, ems)) = cells.next() {
            let (mut ems, mut span) = (*ems, 1);
            while let Some((_, more)) = cells.next_if(|(next, _)| strong && **next == Cell::default()) {
                ems += more;
                span += 1;
            }
            shown.push(self.cell(cell, ems, span).into_value());
        }
        dict! { "strong" => strong, "tall" => tall, "cells" => shown }
    }

    fn cell(&self, cell: &Cell, ems: f64, span: i64) -> Dict {
        dict! {
            "text" => text::breakable(&self.line(&cell.text), ems),
            "mark" => cell.mark.map(|mark| self.mark(mark)),
            "span" => span,
        }
    }

    fn mark(&self, mark: Mark) -> Dict {
        dict! { "icon" => icon(mark), "word" => mark.label().in_lang(self.lang) }
    }

    fn trend(&self, trend: &Trend) -> Result<Dict, ReportError> {
        for (at, line) in trend.lines.iter().enumerate() {
            if line.values.len() != trend.months.len() {
                return Err(ReportError::Ragged {
                    table: trend.caption.clone(),
                    row: at + 1,
                    cells: line.values.len(),
                    columns: trend.months.len(),
                });
            }
        }
        let highest = trend.lines.iter().flat_map(|line| line.values.iter().flatten()).copied().max();
        let lines = trend.lines.iter().map(|line| {
            let values = line.values.iter().map(|value| value.map_or(Value::None, |n| i64::from(n).into_value()));
            dict! {
                "label" => self.line(&line.label),
                "icon" => icon(line.mark),
                "values" => values.collect::<Array>(),
            }
            .into_value()
        });
        Ok(dict! {
            "kind" => "trend",
            "caption" => self.line(&trend.caption),
            "months" => trend.months.iter().map(|month| self.line(month).into_value()).collect::<Array>(),
            "highest" => i64::from(highest.unwrap_or_default().max(1)),
            "lines" => lines.collect::<Array>(),
        })
    }

    fn bar(&self, bar: &StackedBar) -> Dict {
        let segment = |segment: &Segment| {
            dict! {
                "label" => self.line(&segment.label),
                "count" => i64::from(segment.count),
                "icon" => icon(segment.mark),
            }
            .into_value()
        };
        dict! {
            "kind" => "bar",
            "segments" => bar.segments.iter().map(segment).collect::<Array>(),
            "caption" => self.line(&bar.caption),
        }
    }

    fn signature(&self, line: &SignatureLine) -> Dict {
        let date = match (line.date, self.lang) {
            (Some(date), lang) => jp::show(date, lang),
            (None, Lang::Ja) => "　　　年　　月　　日".to_owned(),
            (None, Lang::En) => String::new(),
        };
        dict! { "role" => self.line(&line.role), "name" => self.line(&line.name), "date" => date }
    }
}

/// How wide the text of each column may be, in ems.
fn ems(columns: &[Column], width: f64) -> Vec<f64> {
    let (mut fixed, mut shares) = (0.0, 0.0);
    for column in columns {
        match column.width {
            Width::Mm(mm) => fixed += mm,
            Width::Share(share) => shares += share,
        }
    }
    let rest = f64::max(width - fixed, 0.0);
    let mm = |column: &Column| match column.width {
        Width::Mm(mm) => mm,
        Width::Share(share) => rest * share / f64::max(shares, f64::MIN_POSITIVE),
    };
    columns.iter().map(|column| f64::max(mm(column) - INSET, SMALL_EM) / SMALL_EM).collect()
}

fn track(width: Width) -> Value {
    match width {
        Width::Mm(mm) => Abs::mm(mm).into_value(),
        Width::Share(share) => Fr::new(share).into_value(),
    }
}

const fn align(align: Align) -> &'static str {
    match align {
        Align::Left => "left",
        Align::Center => "center",
        Align::Right => "right",
    }
}

/// Name of the mark's drawing in the template.
const fn icon(mark: Mark) -> &'static str {
    match mark {
        Mark::Met => "met",
        Mark::Unmet => "unmet",
        Mark::Unknown => "unknown",
        Mark::DueSoon => "due-soon",
        Mark::NotApplicable => "not-applicable",
        Mark::Deemed => "deemed",
    }
}

fn pair(name: String, value: String) -> Value {
    Array::from_iter([name.into_value(), value.into_value()]).into_value()
}

/// `date` for the metadata; `None` for a year the format cannot hold.
fn datetime(date: Date) -> Option<Datetime> {
    Datetime::from_ymd(date.year().into(), u8::try_from(date.month()).ok()?, u8::try_from(date.day()).ok()?)
}
