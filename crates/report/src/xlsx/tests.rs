//! What is written is read back with another program's eyes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

use std::io::Cursor;

use calamine::{Data, Range, Reader, Xlsx};
use jiff::civil::date;

use super::*;

fn column(head: &str, kind: Kind) -> SheetColumn {
    SheetColumn { head: head.to_owned(), kind }
}

fn book(sheets: Vec<Sheet>) -> Workbook {
    Workbook {
        title: "機器台帳".to_owned(),
        created_on: date(2026, 11, 22),
        lang: Lang::Ja,
        sheets,
        notes: vec!["空欄は未入力です。".to_owned()],
    }
}

fn ledger(rows: Vec<Vec<SheetCell>>) -> Sheet {
    Sheet {
        name: "機器台帳".to_owned(),
        titles: vec!["機器台帳".to_owned(), "さくら架空クリニック".to_owned()],
        columns: vec![
            column("管理番号", Kind::Text),
            column("導入日", Kind::Date(DateStyle::Iso)),
            column("次回点検日", Kind::Date(DateStyle::Era)),
            column("台数", Kind::Integer),
            column("暗号化", Kind::YesNo),
            column("判定", Kind::Text),
        ],
        rows,
        orientation: Orientation::Landscape,
    }
}

fn text(text: &str) -> SheetCell {
    SheetCell::Text(text.to_owned())
}

fn row(first: &str) -> Vec<SheetCell> {
    vec![
        text(first),
        SheetCell::Date(date(2026, 4, 1)),
        SheetCell::Date(date(2027, 3, 31)),
        SheetCell::Integer(12),
        SheetCell::YesNo(true),
        SheetCell::Marked(Mark::Unmet, String::new()),
    ]
}

fn read(bytes: &[u8], sheet: &str) -> Range<Data> {
    let mut file: Xlsx<_> = Xlsx::new(Cursor::new(bytes.to_vec())).unwrap();
    assert!(file.worksheet_formula(sheet).unwrap().used_cells().next().is_none(), "no cell is a formula");
    file.worksheet_range(sheet).unwrap()
}

fn part(bytes: &[u8], name: &str) -> String {
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes.to_vec())).unwrap();
    let mut text = String::new();
    std::io::Read::read_to_string(&mut archive.by_name(name).unwrap(), &mut text).unwrap();
    text
}

#[test]
fn values_keep_their_type() {
    let bytes = workbook(&book(vec![ledger(vec![row("000123")])])).unwrap();
    let sheet = read(&bytes, "機器台帳");
    let cell = |row, col| sheet.get_value((row, col)).unwrap().clone();
    assert_eq!(cell(0, 0), Data::String("機器台帳".to_owned()));
    assert_eq!(cell(3, 0), Data::String("管理番号".to_owned()));
    assert_eq!(cell(4, 0), Data::String("000123".to_owned()));
    for (col, serial) in [(1, 46_113.0), (2, 46_477.0)] {
        let Data::DateTime(day) = cell(4, col) else { panic!("{col} is no date: {:?}", cell(4, col)) };
        assert!((day.as_f64() - serial).abs() < f64::EPSILON, "{}", day.as_f64());
    }
    assert_eq!(cell(4, 3), Data::Float(12.0));
    assert_eq!(cell(4, 4), Data::String("はい".to_owned()));
    assert_eq!(cell(4, 5), Data::String("不適合".to_owned()));
    assert_eq!(read(&bytes, "読み方").get_value((2, 0)).unwrap(), &Data::String("空欄は未入力です。".to_owned()));
}

#[test]
fn no_text_becomes_a_formula_a_link_or_a_number() {
    let hostile = ["=1+1", "+81-3", "-5", "@SUM(A1)", "https://example.com/", "1E5", "'x", "<b>&amp;", "ab\u{1}c"];
    let sheet = ledger(hostile.iter().map(|written| row(written)).collect());
    let bytes = workbook(&book(vec![sheet])).unwrap();
    let sheet = read(&bytes, "機器台帳");
    for (at, written) in (4..).zip(hostile) {
        let expected = written.replace('\u{1}', "");
        assert_eq!(sheet.get_value((at, 0)).unwrap(), &Data::String(expected), "{written}");
    }
}

#[test]
fn what_excel_cannot_hold_stays_readable() {
    let mut cells = row("x");
    cells[0] = text(&"𠮷".repeat(20_000));
    cells[1] = SheetCell::Date(date(1868, 1, 25));
    cells[3] = SheetCell::Integer(i64::MAX);
    let bytes = workbook(&book(vec![ledger(vec![cells])])).unwrap();
    let sheet = read(&bytes, "機器台帳");
    let Data::String(long) = sheet.get_value((4, 0)).unwrap() else { panic!("no text") };
    assert!(long.encode_utf16().count() <= MOST_UNITS && long.ends_with("以下省略）"));
    assert_eq!(sheet.get_value((4, 1)).unwrap(), &Data::String("1868-01-25".to_owned()));
    assert_eq!(sheet.get_value((4, 3)).unwrap(), &Data::String(i64::MAX.to_string()));
}

#[test]
fn a_sheet_is_ready_for_work_and_for_paper() {
    let bytes = workbook(&book(vec![ledger(vec![row("1"), row("2")])])).unwrap();
    let sheet = part(&bytes, "xl/worksheets/sheet1.xml");
    for needle in [
        "ySplit=\"4\"",
        "state=\"frozen\"",
        "<autoFilter ref=\"A4:F6\"",
        "paperSize=\"9\"",
        "orientation=\"landscape\"",
        "fitToHeight=\"0\"",
        "&amp;P / &amp;N",
        "numberStoredAsText=\"1\"",
    ] {
        assert!(sheet.contains(needle), "{needle}\n{sheet}");
    }
    assert!(part(&bytes, "xl/workbook.xml").contains("!$4:$4"), "the head is repeated");
    assert!(part(&bytes, "docProps/core.xml").contains("2026-11-22T00:00:00Z"));
    assert!(part(&bytes, "xl/styles.xml").contains("ggge"));
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    let make = || workbook(&book(vec![ledger((0..50).map(|n| row(&n.to_string())).collect())])).unwrap();
    assert_eq!(make(), make());
}

#[test]
fn a_sheet_without_titles_or_rows_is_a_form_to_fill_in() {
    let mut sheet = ledger(Vec::new());
    sheet.titles.clear();
    let bytes = workbook(&book(vec![sheet])).unwrap();
    assert_eq!(read(&bytes, "機器台帳").get_value((0, 0)).unwrap(), &Data::String("管理番号".to_owned()));
}

#[test]
fn what_does_not_fit_is_said() {
    let ragged = workbook(&book(vec![ledger(vec![row("1"), vec![SheetCell::Empty]])])).unwrap_err();
    assert!(ragged.to_string().contains("2行目の値は1個ですが、列は6個"), "{ragged}");
    let mut sheet = ledger(Vec::new());
    sheet.name = "a/b".to_owned();
    assert_eq!(workbook(&book(vec![sheet])).unwrap_err().code(), "RPT-005");
    let sheet = Sheet { columns: Vec::new(), rows: vec![Vec::new(); MOST_ROWS], ..ledger(Vec::new()) };
    assert_eq!(workbook(&book(vec![sheet])).unwrap_err().code(), "RPT-004");
}

#[test]
fn a_hundred_thousand_rows() {
    let bytes = workbook(&book(vec![ledger((0..100_000).map(|n| row(&format!("{n:06}"))).collect())])).unwrap();
    let sheet = read(&bytes, "機器台帳");
    assert_eq!(sheet.get_value((100_003, 0)).unwrap(), &Data::String("099999".to_owned()));
}
