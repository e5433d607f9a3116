//! 書出し: ledgers as Excel, CSV or JSON, every column of the ledger, ready to be imported again.

use domain::evaluate::Facility;
use domain::ledger::{self, Column, Kind, LEDGERS, Ledger, Period, Value};
use domain::text::Lang;
use intake::table::guarded;
use report::{DateStyle, Orientation, Sheet, SheetCell, SheetColumn, Workbook};
use store::StoredRow;

use crate::App;
use crate::error::Result;

/// The form of an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// One workbook, a sheet per ledger.
    Xlsx,
    /// UTF-8 with BOM, as Excel opens it; cells that begin like a formula carry an apostrophe in front.
    Csv,
    /// One object per row.
    Json,
}

impl App {
    /// Number of rows of a ledger.
    ///
    /// # Errors
    /// Any store error.
    pub async fn row_count(&self, facility: &Facility, of: &'static Ledger) -> Result<i64> {
        Ok(self.store.row_count(of, &facility.id).await?)
    }

    /// Ledgers of a facility (one, or all that have rows) as one file; CSV is for one ledger. With a period, only what
    /// belongs to it.
    ///
    /// # Errors
    /// Any store error, or a document that cannot be made.
    pub async fn export(
        &self,
        facility: &Facility,
        only: Option<&'static Ledger>,
        format: Format,
        period: Option<Period>,
    ) -> Result<Vec<u8>> {
        let mut filled = Vec::new();
        for of in LEDGERS.iter().filter(|l| only.is_none_or(|o| o.name == l.name)) {
            let mut rows = self.store.row_list(of, Some(&facility.id)).await?;
            rows.retain(|stored| period.is_none_or(|period| period.shows(of, &stored.row)));
            if only.is_some() || !rows.is_empty() {
                filled.push((of, rows));
            }
        }
        Ok(match format {
            Format::Xlsx => {
                let sheets = filled.iter().map(|(of, rows)| ledger_sheet(of, rows)).collect();
                report::workbook(&Workbook { created_on: self.today(), ..book(sheets, notes()) })?
            }
            Format::Csv => csv(&filled),
            Format::Json => json(&filled).into_bytes(),
        })
    }
}

fn notes() -> Vec<String> {
    vec![
        "このファイルを直して、そのまま取り込めます。管理番号が同じ行は変更、新しい番号の行は追加になります。"
            .to_owned(),
        "空欄は「分からない」です。「いいえ」ではありません。".to_owned(),
    ]
}

/// A workbook of sheets made elsewhere.
pub(crate) fn book(sheets: Vec<Sheet>, notes: Vec<String>) -> Workbook {
    Workbook { title: "Sakimori".to_owned(), created_on: jiff::civil::date(2026, 1, 1), lang: Lang::Ja, sheets, notes }
}

/// A sheet of plain text.
pub(crate) fn text_sheet(name: &str, columns: &[String], rows: Vec<Vec<String>>) -> Sheet {
    Sheet {
        name: sheet_name(name),
        titles: Vec::new(),
        columns: columns.iter().map(|head| SheetColumn { head: head.clone(), kind: report::Kind::Text }).collect(),
        rows: rows.into_iter().map(|row| row.into_iter().map(SheetCell::Text).collect()).collect(),
        orientation: Orientation::Landscape,
    }
}

/// A name Excel accepts on a tab.
pub(crate) fn sheet_name(name: &str) -> String {
    let clean: String = name.chars().filter(|c| !"[]:*?/\\".contains(*c)).take(31).collect();
    if clean.is_empty() { "Sheet".to_owned() } else { clean }
}

/// One ledger as a sheet: every column, typed.
pub(crate) fn ledger_sheet(of: &Ledger, rows: &[StoredRow]) -> Sheet {
    let columns = of.columns.iter().map(|c| SheetColumn {
        head: c.label.ja.to_owned(),
        kind: match c.kind {
            Kind::Date => report::Kind::Date(DateStyle::Iso),
            Kind::YesNo => report::Kind::YesNo,
            Kind::Integer => report::Kind::Integer,
            _ => report::Kind::Text,
        },
    });
    let cell = |c: &ledger::Column, value: Option<&Value>| match value {
        None => SheetCell::Empty,
        Some(Value::Date(date)) => SheetCell::Date(*date),
        Some(Value::YesNo(yes)) => SheetCell::YesNo(*yes),
        Some(Value::Integer(n)) => SheetCell::Integer(*n),
        Some(value) => SheetCell::Text(c.show(value, Lang::Ja)),
    };
    Sheet {
        name: sheet_name(of.label.ja),
        titles: Vec::new(),
        columns: columns.collect(),
        rows: rows.iter().map(|r| of.columns.iter().map(|c| cell(c, r.row.get(c.name))).collect()).collect(),
        orientation: Orientation::Landscape,
    }
}

fn csv(filled: &[(&'static Ledger, Vec<StoredRow>)]) -> Vec<u8> {
    let mut out = Vec::new();
    for (of, rows) in filled {
        let columns: Vec<&Column> = of.columns.iter().collect();
        out.extend(csv_of(&columns, rows, Lang::Ja));
    }
    out
}

/// Some columns of rows as CSV, with a heading and a BOM.
pub(crate) fn csv_of(columns: &[&Column], rows: &[StoredRow], lang: Lang) -> Vec<u8> {
    let mut out = "\u{FEFF}".to_owned();
    let mut line = |cells: Vec<String>| {
        out.push_str(&cells.join(","));
        out.push_str("\r\n");
    };
    line(columns.iter().map(|c| quoted(c.label.in_lang(lang))).collect());
    for row in rows {
        let cell = |c: &&Column| row.row.get(c.name).map_or_else(String::new, |v| quoted(&c.show(v, lang)));
        line(columns.iter().map(cell).collect());
    }
    out.into_bytes()
}

/// A CSV cell; no spreadsheet takes it for a formula.
pub(crate) fn quoted(text: &str) -> String {
    let text = guarded(text);
    if text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.into_owned() }
}

fn json(filled: &[(&'static Ledger, Vec<StoredRow>)]) -> String {
    let all: serde_json::Map<String, serde_json::Value> = filled
        .iter()
        .map(|(of, rows)| {
            let rows = rows.iter().map(|r| serde_json::to_value(&r.row).unwrap_or_default()).collect();
            (of.name.to_owned(), serde_json::Value::Array(rows))
        })
        .collect();
    serde_json::Value::Object(all).to_string()
}
