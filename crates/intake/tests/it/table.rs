//! Ledgers as clinics keep them, compared with what a careful person understands.

use std::collections::BTreeMap;
use std::path::PathBuf;

use domain::ledger::{Column, Kind, Value, ledger};
use domain::text::{Lang, tidy};
use intake::table::{Book, Cell, Mapping, ParsedRow, guarded, mark_duplicates, pick_sheets, read, recognise};
use rust_xlsxwriter::{ExcelDateTime, Format, Formula, Workbook};

pub fn sample(folder: &str, name: &str) -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../testkit/samples").join(folder).join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The rows of the first ledger of a file, duplicates marked.
pub fn rows(name: &str, bytes: &[u8]) -> (&'static str, Vec<ParsedRow>) {
    let book = read(name, bytes).unwrap();
    let picked = pick_sheets(&book, name, None, &Mapping::new()).unwrap();
    let first = &picked.sheets[0];
    let mut sheets = [(first.sheet.name.as_str(), first.rows().collect::<Vec<_>>())];
    mark_duplicates(first.ledger, &mut sheets);
    let [(_, rows)] = sheets;
    (first.ledger.name, rows)
}

pub fn problems(row: &ParsedRow) -> String {
    row.problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

fn csv(text: &str) -> (&'static str, Vec<ParsedRow>) {
    rows("台帳.csv", text.as_bytes())
}

fn value(ledger_name: &str, row: &ParsedRow, column: &str) -> Option<String> {
    let column = ledger(ledger_name).unwrap().column(column).unwrap();
    row.row.get(column.name).map(|value| column.show(value, Lang::Ja))
}

/// The answer's text as we would store it.
fn expected(column: &Column, answer: &serde_json::Value) -> Option<String> {
    match answer {
        serde_json::Value::Bool(yes) => Some(if *yes { "はい" } else { "いいえ" }.to_owned()),
        serde_json::Value::String(text) if matches!(column.kind, Kind::Set(_)) => {
            let value = column.parse(text).unwrap().unwrap();
            Some(column.show(&value, Lang::Ja))
        }
        serde_json::Value::String(text) => Some(tidy(text)).filter(|text| !text.is_empty()),
        _ => None,
    }
}

#[test]
fn the_sample_clinic_is_understood_field_by_field() {
    const CLINIC: &str = "さくら架空クリニック";
    let answers: serde_json::Value = serde_json::from_slice(&sample(CLINIC, "正解.json")).unwrap();
    let renamed: BTreeMap<&str, &str> = [
        ("bought", "bought_on"),
        ("start", "start_on"),
        ("leave", "leave_on"),
        ("renewal", "renewal_on"),
        ("last", "last_login_on"),
        ("factors", "methods"),
    ]
    .into();
    // The account list names a system by number or by name; the store resolves that.
    let system_no: BTreeMap<String, String> = answers["systems"]
        .as_array()
        .unwrap()
        .iter()
        .map(|system| (tidy(system["name"].as_str().unwrap()), system["no"].as_str().unwrap().to_owned()))
        .collect();
    for (file, name) in [
        ("機器台帳.xlsx", "devices"),
        ("職員名簿.csv", "people"),
        ("システム一覧.xlsx", "systems"),
        ("アカウント一覧.csv", "accounts"),
    ] {
        let (found, rows) = rows(file, &sample(CLINIC, file));
        assert_eq!(found, name, "{file}");
        let answers = answers[name].as_array().unwrap();
        assert_eq!(rows.len(), answers.len(), "{file}");
        for (row, answer) in rows.iter().zip(answers) {
            assert_eq!(problems(row), "", "{file}, line {}", row.line);
            for (field, answer) in answer.as_object().unwrap() {
                let field = renamed.get(field.as_str()).unwrap_or(&field.as_str()).to_owned();
                let column = ledger(name).unwrap().column(field).unwrap();
                let mut got = value(name, row, field);
                if field == "system" {
                    got = got.map(|system| system_no.get(&system).cloned().unwrap_or(system));
                }
                assert_eq!(got, expected(column, answer), "{file}, line {}, {field}", row.line);
            }
        }
    }
    let (_, accounts) = rows("アカウント一覧.csv", &sample(CLINIC, "アカウント一覧.csv"));
    assert_eq!(accounts.last().unwrap().row.get("shared"), Some(&Value::YesNo(true)), "職員番号 says 共用");
}

#[test]
fn what_was_assumed_is_told() {
    let people = read("職員名簿.csv", &sample("さくら架空クリニック", "職員名簿.csv")).unwrap();
    assert!(people.notes[0].contains("CP932"), "{:?}", people.notes);
    let bytes = sample("さくら架空クリニック", "機器台帳.xlsx");
    let book = read("機器台帳.xlsx", &bytes).unwrap();
    let picked = pick_sheets(&book, "機器台帳.xlsx", None, &Mapping::new()).unwrap();
    assert!(picked.notes[0].contains("「記入例」"), "{:?}", picked.notes);
    assert_eq!(picked.sheets[0].header_row, 4);
    assert_eq!(picked.sheets[0].rows().next().unwrap().line, 5);
}

#[test]
fn every_encoding_and_separator() {
    let text = "職員番号\t氏名\tﾌﾘｶﾞﾅ\r\nS001\t髙橋 花子\tﾀｶﾊｼ ﾊﾅｺ\r\nS002\t山田　太郎\tﾔﾏﾀﾞ ﾀﾛｳ\r\n";
    let utf_16 = |to_bytes: fn(u16) -> [u8; 2], bom: bool| -> Vec<u8> {
        let mark = bom.then_some('\u{FEFF}').into_iter().collect::<String>();
        (mark + text).encode_utf16().flat_map(to_bytes).collect()
    };
    let (cp932, _, lossy) = encoding_rs::SHIFT_JIS.encode(text);
    assert!(!lossy);
    let without_rare = text.replace('髙', "高");
    let (euc, ..) = encoding_rs::EUC_JP.encode(&without_rare);
    // This one has no half-width kana.
    let full_width = without_rare
        .replace("ﾌﾘｶﾞﾅ", "フリガナ")
        .replace("ﾀｶﾊｼ ﾊﾅｺ", "タカハシ ハナコ")
        .replace("ﾔﾏﾀﾞ ﾀﾛｳ", "ヤマダ タロウ");
    let (jis, ..) = encoding_rs::ISO_2022_JP.encode(&full_width);
    for (what, bytes) in [
        ("UTF-8", text.as_bytes().to_vec()),
        ("UTF-8 with BOM", ["\u{FEFF}".as_bytes(), text.as_bytes()].concat()),
        ("UTF-16LE with BOM", utf_16(u16::to_le_bytes, true)),
        ("UTF-16BE with BOM", utf_16(u16::to_be_bytes, true)),
        ("UTF-16LE", utf_16(u16::to_le_bytes, false)),
        ("CP932", cp932.to_vec()),
        ("EUC-JP", euc.to_vec()),
        ("ISO-2022-JP", jis.to_vec()),
        ("commas", text.replace('\t', ",").into_bytes()),
        (
            "quoted",
            text.replace('\t', "\",\"").replace("\r\n", "\"\r\n\"").trim_end_matches('"').to_owned().into_bytes(),
        ),
        ("DOS", [text.as_bytes(), b"\x1a"].concat()),
        ("old Mac", text.replace("\r\n", "\r").into_bytes()),
    ] {
        let bytes = if what == "quoted" { [b"\"", bytes.as_slice()].concat() } else { bytes };
        let (found, rows) = rows("名簿.csv", &bytes);
        assert_eq!((found, rows.len()), ("people", 2), "{what}");
        assert!(value(found, &rows[0], "name").unwrap().ends_with("橋 花子"), "{what}");
        assert_eq!(value(found, &rows[1], "kana").unwrap(), "ヤマダ タロウ", "{what}");
        assert_eq!(rows[1].line, 3, "{what}");
    }
}

#[test]
fn decorations_are_no_rows_and_lines_count_as_in_excel() {
    let (found, rows) = csv("医療情報システム機器台帳,,,\n作成者：事務,,,\n\n\
        No,管理番号【必須】,機器名(通称),種別,購入年月日,ウイルス対策ソフト,暗号化の有無,色\n\
        ,記入例,受付PC,端末,R8.4.1,,,\n\
        1,PC-001,\"受付\n端末\",ノートPC,R8.4.1,なし,有,白\n\
        ■事務部門,,,,,,,\n\
        No,管理番号【必須】,機器名(通称),種別,購入年月日,ウイルス対策ソフト,暗号化の有無,色\n\
        2,PC-002,診察室端末,〃,同上,Defender,無,黒\n\
        3,,,,,,,\n\
        合計,2台,,,,,,\n以上,,,,,,,\n");
    assert_eq!(found, "devices");
    let lines: Vec<_> = rows.iter().map(|row| row.line).collect();
    assert_eq!(lines, [6, 9], "{:?}", rows.iter().map(problems).collect::<Vec<_>>());
    let (first, second) = (&rows[0], &rows[1]);
    assert_eq!(value(found, first, "name").as_deref(), Some("受付 端末"));
    assert_eq!(first.row.get("antivirus_on"), Some(&Value::YesNo(false)));
    assert_eq!(value(found, second, "kind").as_deref(), Some("端末"));
    assert_eq!(value(found, second, "bought_on").as_deref(), Some("2026-04-01"));
    assert_eq!(second.row.get("antivirus_on"), None);
    assert_eq!(problems(second), "");
}

#[test]
fn the_guard_against_formulas_comes_off_again() {
    for text in ["=1+1", "+81-3", "-5", "@SUM(A1)", "'=1+1", "''@x", "'quoted'", "O'Hara", "plain"] {
        let (_, rows) = csv(&format!("管理番号,機器名,種別\nPC-1,\"{}\",端末\n", guarded(text)));
        assert_eq!(value("devices", &rows[0], "name").as_deref(), Some(text));
    }
    for (written, read) in [("=1+1", "=1+1"), ("'=1+1", "=1+1"), ("'05", "'05")] {
        let (_, rows) = csv(&format!("管理番号,機器名,種別\nPC-1,{written},端末\n"));
        assert_eq!(value("devices", &rows[0], "name").as_deref(), Some(read), "{written}");
    }
}

#[test]
fn written_rows_show_what_ditto_marks_stand_for() {
    let text = "管理番号,機器名,種別,独自の列\nPC-1,受付PC,端末,一階\n\nPC-2,〃,同上,〃\n以上\n";
    let book = read("機器台帳.csv", text.as_bytes()).unwrap();
    let sheet = recognise(&book.sheets[0], "機器台帳.csv", None, &Mapping::new()).unwrap();
    let written: Vec<(usize, String)> = sheet
        .written()
        .map(|(line, cells)| (line, cells.iter().map(|cell| cell.text()).collect::<Vec<_>>().join("|")))
        .collect();
    assert_eq!(written, [(2, "PC-1|受付PC|端末|一階".to_owned()), (4, "PC-2|受付PC|端末|一階".to_owned())]);
}

#[test]
fn headings_are_matched_once_and_the_rest_is_listed() {
    let text = "No.,PC管理番号,端末名称,機器の種類,OS,購入,メーカー保守期限,使用者名,パスワード\n1,A1,受付,PC,Windows 11,2024/4/1,2029/3/31,S001,hoge\n";
    let book = read("資産.csv", text.as_bytes()).unwrap();
    let found = recognise(&book.sheets[0], "資産.csv", None, &Mapping::new()).unwrap();
    let names: Vec<_> = found.columns.iter().map(|c| c.map_or("", |c| c.name)).collect();
    assert_eq!(names, ["", "no", "name", "kind", "os", "bought_on", "", "owner", ""]);
    let unmatched: Vec<_> = found.unmatched.iter().map(|(at, heading)| (*at, heading.as_str())).collect();
    assert_eq!(unmatched, [(0, "No."), (6, "メーカー保守期限"), (8, "パスワード")]);
}

#[test]
fn cells_under_no_heading_are_told_and_their_rows_kept() {
    let notes = |text: &str| {
        let book = read("機器台帳.csv", text.as_bytes()).unwrap();
        let picked = pick_sheets(&book, "機器台帳.csv", None, &Mapping::new()).unwrap();
        (picked.notes, picked.sheets[0].rows().map(|row| problems(&row)).collect::<Vec<_>>())
    };
    let (told, rows) = notes(
        "機器台帳,,,,,欄外\n管理番号,機器名,種別,\nPC-1,受付,PC,,端末,1階\nPC-2,診察室,端末,\n,,,,,欄外\nPC-3,検査室,端末,予備\n",
    );
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[0].contains("「機器台帳」3行目: 5列目から") && told[0].contains("『端末』『1階』"), "{told:?}");
    assert!(told[1].contains("6行目: 4列目から") && told[1].contains("IMP-207"), "{told:?}");
    assert_eq!(rows.len(), 3);
    assert!(rows[0].is_empty() && rows[1].is_empty() && rows[2].is_empty(), "{rows:?}");

    let many: String = (0..50).map(|n| format!("PC-{n},a,端末,{}\n", "x".repeat(9_000))).collect();
    let (told, rows) = notes(&format!("管理番号,機器名,種別\n{many}"));
    assert_eq!((told.len(), rows.len()), (21, 50));
    assert!(told[20].contains("ほかに30行"), "{}", told[20]);
    assert!(told.iter().all(|note| note.len() < 500), "{}", told[0]);
}

#[test]
fn a_saved_mapping_wins() {
    let bytes = sample("壊れた台帳", "見出しが分からない.xlsx");
    let book = read("見出しが分からない.xlsx", &bytes).unwrap();
    let entry = |heading: &str, column: &str| (("devices".to_owned(), heading.to_owned()), column.to_owned());
    let mapping: Mapping = [entry("あ", "no"), entry("い", "name"), entry("う", "")].into();
    let found = recognise(&book.sheets[0], "", ledger("devices"), &mapping).unwrap();
    assert!(found.unmatched.is_empty(), "{:?}", found.unmatched);
    assert_eq!(found.missing_columns().map(|c| c.name).collect::<Vec<_>>(), ["kind"]);
    let row = found.rows().next().unwrap();
    assert_eq!(
        (value("devices", &row, "no").as_deref(), value("devices", &row, "name").as_deref()),
        (Some("1"), Some("2"))
    );
    assert!(problems(&row).contains("「種別」の列がありません"), "{}", problems(&row));
}

/// A workbook with what people do to sheets: merged titles and places, two header lines, formulas, real
/// dates, a look-up that found nothing, a hidden sheet.
fn messy_workbook() -> Book {
    let mut book = Workbook::new();
    let plain = Format::new();
    let sheet = book.add_worksheet();
    sheet.set_name("1階").unwrap();
    sheet.merge_range(0, 0, 0, 6, "機器台帳", &plain).unwrap();
    sheet.merge_range(2, 0, 3, 0, "管理番号", &plain).unwrap();
    sheet.merge_range(2, 1, 3, 1, "機器名", &plain).unwrap();
    sheet.merge_range(2, 2, 3, 2, "種別", &plain).unwrap();
    sheet.merge_range(2, 3, 2, 4, "設置", &plain).unwrap();
    for (column, text) in ["設置場所", "購入日", "暗号化", "使用者"].iter().enumerate() {
        sheet.write(3, 3 + u16::try_from(column).unwrap(), *text).unwrap();
    }
    let wareki = Format::new().set_num_format("[$-ja-JP]ggge\"年\"m\"月\"d\"日\"");
    for row in 4..7 {
        sheet.write(row, 0, format!("PC-{row:03}")).unwrap();
        sheet.write(row, 1, "端末").unwrap();
        sheet.write(row, 2, "端末").unwrap();
    }
    sheet.merge_range(4, 3, 6, 3, "受付", &plain).unwrap();
    sheet.write_with_format(4, 4, ExcelDateTime::from_ymd(2024, 4, 1).unwrap(), &wareki).unwrap();
    sheet.write(5, 4, 45_383).unwrap();
    sheet.write(6, 4, 20_240_401).unwrap();
    sheet.write(4, 5, true).unwrap();
    sheet.write_formula(5, 5, Formula::new("=IF(1,\"有\",\"無\")").set_result("有")).unwrap();
    sheet.write_formula(6, 5, Formula::new("=NA()").set_result("#N/A")).unwrap();
    sheet.write_formula(6, 6, Formula::new("=VLOOKUP(1,X,2)").set_result("")).unwrap();
    sheet.write_with_format(1_048_575, 300, "", &wareki).unwrap();
    book.add_worksheet().set_name("作業用").unwrap().set_hidden(true).write(0, 0, "管理番号").unwrap();
    read("機器.xlsx", &book.save_to_buffer().unwrap()).unwrap()
}

#[test]
fn a_workbook_with_merges_formulas_and_dates() {
    let book = messy_workbook();
    assert!(book.notes.iter().any(|note| note.contains("「作業用」")), "{:?}", book.notes);
    let found = recognise(&book.sheets[0], "機器.xlsx", None, &Mapping::new()).unwrap();
    assert_eq!((found.ledger.name, found.header_row), ("devices", 4));
    let rows: Vec<_> = found.rows().collect();
    assert_eq!(rows.len(), 3);
    for row in &rows {
        assert_eq!(value("devices", row, "place").as_deref(), Some("受付"), "line {}", row.line);
        assert_eq!(value("devices", row, "bought_on").as_deref(), Some("2024-04-01"), "line {}", row.line);
    }
    assert_eq!(rows[0].row.get("encrypted"), Some(&Value::YesNo(true)));
    assert_eq!(rows[1].row.get("encrypted"), Some(&Value::YesNo(true)));
    assert!(problems(&rows[2]).contains("#N/A"), "{}", problems(&rows[2]));
    assert_eq!((problems(&rows[0]), problems(&rows[1])), (String::new(), String::new()));
}

#[test]
fn duplicates_are_found_across_sheets() {
    let first = read("1階.csv", "管理番号,機器名,種別\nPC-1,a,端末\n".as_bytes()).unwrap();
    let second = read("2階.csv", "管理番号,機器名,種別\nｐｃ－１,b,端末\n".as_bytes()).unwrap();
    let mapping = Mapping::new();
    let rows = |book: &Book| recognise(&book.sheets[0], "", None, &mapping).unwrap().rows().collect::<Vec<_>>();
    let mut sheets = [("1階", rows(&first)), ("2階", rows(&second))];
    mark_duplicates(ledger("devices").unwrap(), &mut sheets);
    assert_eq!(problems(&sheets[0].1[0]), "");
    assert!(problems(&sheets[1].1[0]).contains("シート「1階」の2行目にもあります"), "{}", problems(&sheets[1].1[0]));
}

#[test]
fn cells_show_what_people_read() {
    assert_eq!(Cell::Number(45_383.0).text(), "45383");
    assert_eq!(Cell::Number(0.5).text(), "0.5");
    assert_eq!(Cell::Bool(true).text(), "TRUE");
    assert!(Cell::Text(" \u{3000}".into()).is_blank());
}

/// Headings as a small clinic words them: シール№, 使う人, 名前, 状況; and rights that say who is an administrator.
#[test]
fn a_small_clinic_words_its_headings_in_its_own_way() {
    let (name, found) = rows(
        "PC管理表.csv",
        "ひだまり医院 情報機器管理表,,,,,,\nシール№,品名,分類,基本ソフト,置き場所,使う人,状況\nひ－001,受付,ﾃﾞｽｸﾄｯﾌﾟPC,Windows11,受付,医事課,使用中\n".as_bytes(),
    );
    assert_eq!((name, problems(&found[0]).as_str()), ("devices", ""));
    let of = |column| value("devices", &found[0], column);
    assert_eq!(of("no").as_deref(), Some("ひ-001"));
    assert_eq!((of("owner").as_deref(), of("status").as_deref()), (Some("医事課"), Some("使用中")));

    let (name, found) =
        rows("システム.csv", "番号,名前,種類,バックアップ最終\n1,電子カルテ,カルテ,2026/11/24\n".as_bytes());
    assert_eq!((name, problems(&found[0]).as_str()), ("systems", ""));
    assert_eq!(value("systems", &found[0], "backup_on").as_deref(), Some("2026-11-24"));

    let (name, found) = rows(
        "ID一覧.csv",
        "システム名,ID,権限,状況\n1,admin,管理者,有効\n1,a,医師,有効\n1,b,一般ユーザー,停止\n1,c,,有効\n1,d,○,有効\n"
            .as_bytes(),
    );
    assert_eq!(name, "accounts");
    let said: Vec<_> =
        found.iter().map(|r| ["rights", "admin", "enabled"].map(|column| value("accounts", r, column))).collect();
    let row = |rights: &str, admin: Option<&str>, enabled: &str| {
        [Some(rights).filter(|r| !r.is_empty()), admin, Some(enabled)].map(|text| text.map(str::to_owned))
    };
    let expected = [
        row("管理者", Some("はい"), "はい"),
        row("医師", None, "はい"),
        row("一般ユーザー", Some("いいえ"), "いいえ"),
        row("", None, "はい"),
        row("○", Some("はい"), "はい"),
    ];
    assert_eq!(said, expected);
    assert!(found.iter().all(|row| row.problems.is_empty()));
}
