//! Files that are broken, or made to break things: each gives a message with the row and the remedy.

use std::io::Write as _;

use intake::table::{Mapping, ReadError, pick_sheets, read};
use proptest::prelude::*;
use zip::write::SimpleFileOptions;

use crate::table::{problems, rows, sample};

const BROKEN: &str = "壊れた台帳";

fn error(name: &str, bytes: &[u8]) -> ReadError {
    let error = read(name, bytes).map(|book| book.sheets.len()).unwrap_err();
    let [what, why, remedy] = error.explain();
    assert!(!what.is_empty() && !why.is_empty() && remedy.ends_with("ください。"), "{error}");
    error
}

#[test]
fn files_that_are_no_tables() {
    for (name, code) in [("空.xlsx", "IMP-001"), ("中身はHTML.xlsx", "IMP-003"), ("途中で切れた台帳.xlsx", "IMP-009")]
    {
        assert_eq!(error(name, &sample(BROKEN, name)).code(), code, "{name}");
    }
    let compound = |stream: &str| {
        let name: Vec<u8> = stream.encode_utf16().flat_map(u16::to_le_bytes).collect();
        [&[0xD0, 0xCF, 0x11, 0xE0, 0xA1, 0xB1, 0x1A, 0xE1], [0; 600].as_slice(), &name].concat()
    };
    assert_eq!(error("a.xlsx", &compound("EncryptedPackage")), ReadError::Encrypted);
    assert_eq!(error("a.xls", &compound("Workbook")), ReadError::OldFormat);
    assert_eq!(error("a.csv", b"%PDF-1.7\n..."), ReadError::NotATable);
    assert_eq!(
        error("a.csv", &[0x89, b'P', b'N', b'G', 13, 10, 26, 10, 0, 0, 0, 13, 0, 1, 2, 3]),
        ReadError::NotATable
    );
    assert_eq!(error("a.csv", b"\xE9t\xE9,\xE0\n\xFF\xFF,\xA0\xFD\n"), ReadError::UnknownEncoding);
    assert_eq!(error("a.csv", " \r\n,,\r\n".replace(',', " ").as_bytes()), ReadError::Empty);
    assert_eq!(error("a.xlsx", &zip_of(&[("content.xml", b"<a/>")])).code(), "IMP-008");
    assert_eq!(error("a.xlsx", &zip_of(&[("[Content_Types].xml", b"<Types/>")])).code(), "IMP-010");
    let wide = format!("管理番号{}x\n", ",".repeat(600));
    assert_eq!(error("a.csv", wide.as_bytes()), ReadError::TooManyColumns);
    assert_eq!(error("a.csv", "a\n".repeat(200_001).as_bytes()), ReadError::TooManyRows);
    assert_eq!(error("a.csv", format!("a\n{}", "\n".repeat(1_048_577)).as_bytes()), ReadError::TooManyRows);
    let sparse = format!("{}x\n", ",".repeat(400)).repeat(13_000);
    assert_eq!(error("a.csv", sparse.as_bytes()), ReadError::TooManyCells);
}

#[test]
fn a_zero_byte_costs_its_line_not_the_file() {
    let text = "職員番号,氏名\nS001,山田 太郎\nS0\x0002,髙橋 花子\nS003,鈴木 一郎\n";
    let (cp932, ..) = encoding_rs::SHIFT_JIS.encode(text);
    for bytes in [text.as_bytes(), &cp932] {
        let (found, rows) = rows("名簿.csv", bytes);
        assert_eq!((found, rows.len()), ("people", 3));
        assert_eq!((problems(&rows[0]), problems(&rows[2])), (String::new(), String::new()));
        assert!(problems(&rows[1]).contains("IMP-206"), "{}", problems(&rows[1]));
        assert!(!rows[1].row["no"].to_string().contains('\0'));
    }
}

#[test]
fn a_message_quotes_only_so_much() {
    let wide: Vec<String> = (0..400).map(|n| format!("{n}{}", "あ".repeat(5_000))).collect();
    let book = read("台帳.csv", format!("{}\n", wide.join(",")).as_bytes()).unwrap();
    let said = pick_sheets(&book, "台帳.csv", None, &Mapping::new()).unwrap_err().to_string();
    assert!(said.contains("あ…」など"), "{said}");
    assert!(said.chars().count() < 1_500, "{}", said.chars().count());
}

fn zip_of(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, content) in parts {
        zip.start_file(*name, SimpleFileOptions::default()).unwrap();
        zip.write_all(content).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// A workbook of one sheet 「機器台帳」 with these rows.
fn workbook_of(rows: &str) -> Vec<u8> {
    const TYPES: &str = "<Types xmlns=\"http://schemas.openxmlformats.org/package/2006/content-types\">\
        <Default Extension=\"rels\" ContentType=\"application/vnd.openxmlformats-package.relationships+xml\"/>\
        <Override PartName=\"/xl/workbook.xml\" ContentType=\"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml\"/></Types>";
    let relation = |kind: &str, target: &str| {
        format!(
            "<Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\"><Relationship Id=\"r1\" \
             Type=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships/{kind}\" Target=\"{target}\"/></Relationships>"
        )
    };
    let main = "xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\" \
                xmlns:r=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships\"";
    let book =
        format!("<workbook {main}><sheets><sheet name=\"機器台帳\" sheetId=\"1\" r:id=\"r1\"/></sheets></workbook>");
    let head = "<row r=\"1\"><c t=\"inlineStr\"><is><t>管理番号</t></is></c><c t=\"inlineStr\"><is><t>機器名</t></is></c>\
                <c t=\"inlineStr\"><is><t>種別</t></is></c></row>";
    let sheet = format!("<worksheet {main}><sheetData>{head}{rows}</sheetData></worksheet>");
    zip_of(&[
        ("[Content_Types].xml", TYPES.as_bytes()),
        ("_rels/.rels", relation("officeDocument", "xl/workbook.xml").as_bytes()),
        ("xl/workbook.xml", book.as_bytes()),
        ("xl/_rels/workbook.xml.rels", relation("worksheet", "worksheets/sheet1.xml").as_bytes()),
        ("xl/worksheets/sheet1.xml", sheet.as_bytes()),
    ])
}

/// Formats, frames and separators down to the last row are no rows; a value filled down to it is refused before it
/// takes the memory of the server.
#[test]
fn a_sheet_used_down_to_its_last_row() {
    const DEVICE: &str = "<row r=\"2\"><c t=\"inlineStr\"><is><t>PC-1</t></is></c><c t=\"inlineStr\"><is><t>受付</t></is></c>\
                          <c t=\"inlineStr\"><is><t>端末</t></is></c></row>";
    let down = |step: usize, cell: &str| -> String {
        (3..=1_048_576).step_by(step).map(|row| format!("<row r=\"{row}\"><c r=\"C{row}\"{cell}</row>")).collect()
    };
    let formatted = down(9_999, " s=\"0\"/>");
    let (found, read) = rows("台帳.xlsx", &workbook_of(&format!("{DEVICE}{formatted}")));
    assert_eq!((found, read.len()), ("devices", 1));
    let filled = down(5, "><v>0</v></c>");
    assert_eq!(error("台帳.xlsx", &workbook_of(&format!("{DEVICE}{filled}"))), ReadError::TooManyRows);
    let separated = format!("管理番号,機器名,種別\nPC-1,受付,端末\n{}", ",,\n".repeat(250_000));
    let (found, read) = rows("台帳.csv", separated.as_bytes());
    assert_eq!((found, read.len()), ("devices", 1));
}

#[test]
fn bombs_are_not_unpacked() {
    const PART: u32 = 8 << 20;
    let part = zip_of(&[("part", &vec![b' '; PART as usize])]);
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for number in 0..65 {
        let mut archive = zip::ZipArchive::new(std::io::Cursor::new(&part)).unwrap();
        zip.raw_copy_file_rename(archive.by_index(0).unwrap(), format!("xl/{number}.xml")).unwrap();
    }
    let mut bomb = zip.finish().unwrap().into_inner();
    assert!(bomb.len() < 2 << 20, "{}", bomb.len());
    assert_eq!(error("bomb.xlsx", &bomb), ReadError::Bomb);

    // The same with a lie about the sizes in every header: found while unpacking.
    let places: Vec<usize> =
        bomb.windows(4).enumerate().filter(|(_, w)| *w == PART.to_le_bytes()).map(|(at, _)| at).collect();
    assert!(places.len() >= 130);
    for at in places {
        bomb[at..at + 4].copy_from_slice(&1000_u32.to_le_bytes());
    }
    assert!(matches!(error("bomb.xlsx", &bomb), ReadError::Bomb | ReadError::Damaged(_)));
}

#[test]
fn the_ledger_with_many_mistakes() {
    let (found, rows) = rows("誤りの多い台帳.xlsx", &sample(BROKEN, "誤りの多い台帳.xlsx"));
    assert_eq!((found, rows.len()), ("devices", 8));
    for (line, needles) in [
        (2, &[][..]),
        (3, &["管理番号: ", "2行目にもあります", "IMP-203"]),
        (4, &["管理番号: 値がありません", "IMP-201"]),
        (5, &["購入日: 『令和99年1月1日』は西暦2117年", "IMP-104"]),
        (6, &["購入日: 『2025/2/30』という日はありません", "28日まで"]),
        (7, &["機器名: 計算結果のない式", "IMP-204"]),
        (8, &["種別: 『宇宙船』は選べる値にありません", "「端末」"]),
        (9, &["5行目にもあります", "全角・半角"]),
    ] {
        let row = rows.iter().find(|row| row.line == line).unwrap();
        let said = problems(row);
        assert_eq!(row.problems.len(), usize::from(!needles.is_empty()), "{said}");
        for needle in needles {
            assert!(said.contains(needle), "line {line}: {said}");
        }
    }
}

#[test]
fn formulas_in_a_csv_are_text() {
    let (found, rows) = rows("式の注入.csv", &sample(BROKEN, "式の注入.csv"));
    assert_eq!((found, rows.len()), ("devices", 3));
    assert_eq!(rows[0].row["name"].to_string(), "=cmd|' /C calc'!A0");
    assert_eq!(rows[1].row["name"].to_string(), "+81-3-0000-0000");
    assert!(problems(&rows[2]).contains("機器名: 値がありません"), "{}", problems(&rows[2]));
}

#[test]
fn two_encodings_in_one_file() {
    let bytes = sample(BROKEN, "文字化け混在.csv");
    let book = read("文字化け混在.csv", &bytes).unwrap();
    assert!(book.notes.iter().any(|note| note.starts_with("2行目: ") && note.contains("UTF-8")), "{:?}", book.notes);
    let (_, rows) = rows("文字化け混在.csv", &bytes);
    assert_eq!(rows[0].row["name"].to_string(), "受付端末");
    assert!(problems(&rows[0]).contains("UTF-8"), "{}", problems(&rows[0]));
    assert_eq!(rows[1].row["name"].to_string(), "診察室");
    assert!(problems(&rows[1]).contains("「種別」の列がありません"));
}

#[test]
fn a_header_nobody_knows() {
    let bytes = sample(BROKEN, "見出しが分からない.xlsx");
    let book = read("見出しが分からない.xlsx", &bytes).unwrap();
    let error = pick_sheets(&book, "見出しが分からない.xlsx", None, &Mapping::new()).unwrap_err();
    assert_eq!(error.seen, ["あ", "い", "う"]);
    assert!(error.to_string().contains("機器台帳(管理番号、機器名、種別)"), "{error}");
}

#[test]
fn a_stray_quotation_mark_costs_its_row_only() {
    let (_, rows) = rows(
        "機器台帳.csv",
        "管理番号,機器名,種別\nPC-1,\"受付,端末\nPC-2,\"診察\"室,端末\nPC-3,訪問,端末\n".as_bytes(),
    );
    assert!(rows.iter().any(|row| problems(row).contains("引用符")));
    let last = rows.last().unwrap();
    assert_eq!((last.row["no"].to_string(), problems(last)), ("PC-3".to_owned(), String::new()));
}

#[test]
fn macros_are_not_run() {
    let mut book = rust_xlsxwriter::Workbook::new();
    book.add_worksheet().write(0, 0, "管理番号").unwrap();
    let plain = book.save_to_buffer().unwrap();
    let mut zip = zip::ZipWriter::new_append(std::io::Cursor::new(plain)).unwrap();
    zip.start_file("xl/vbaProject.bin", SimpleFileOptions::default()).unwrap();
    zip.write_all(b"macro").unwrap();
    let book = read("a.xlsm", &zip.finish().unwrap().into_inner()).unwrap();
    assert!(book.notes[0].contains("マクロは実行せず"), "{:?}", book.notes);
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400), magic in 0..4) {
        let magic: &[u8] = [&b""[..], b"PK\x03\x04", b"\xFF\xFE", "管理番号,機器名,種別\n".as_bytes()][magic as usize];
        all([magic, &bytes].concat());
    }

    #[test]
    fn any_text_is_read_without_panic(text in "[管理番号機器名種別\"',\t\r\n=〃以上a-c0-9ｱ＋-]{0,200}") {
        all(format!("管理番号,機器名,種別,購入日\n{text}").into_bytes());
    }

    /// A workbook whose XML was cut or changed somewhere, in an archive that is intact.
    #[test]
    fn any_damage_inside_a_workbook_is_survived(part in 0_usize..9, at in 0.0..1.0_f64, change in "[<>&\"/a-z0-9 =]{0,6}", cut in 0_usize..8) {
        let original = sample(BROKEN, "誤りの多い台帳.xlsx");
        let mut archive = zip::ZipArchive::new(std::io::Cursor::new(&original)).unwrap();
        let mut parts: Vec<(String, Vec<u8>)> = Vec::new();
        for index in 0..archive.len() {
            let mut file = archive.by_index(index).unwrap();
            let mut content = Vec::new();
            std::io::Read::read_to_end(&mut file, &mut content).unwrap();
            parts.push((file.name().unwrap().into_owned(), content));
        }
        let (_, content) = &mut parts[part];
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "a place in a small file")]
        let start = (content.len() as f64 * at) as usize;
        let end = (start + cut).min(content.len());
        content.splice(start..end, change.bytes());
        let parts: Vec<(&str, &[u8])> = parts.iter().map(|(n, c)| (n.as_str(), c.as_slice())).collect();
        all(zip_of(&parts));
    }
}

/// Every step on one file.
fn all(bytes: Vec<u8>) {
    if let Ok(book) = read("機器台帳.xlsx", &bytes)
        && let Ok(picked) = pick_sheets(&book, "機器台帳.xlsx", None, &Mapping::new())
    {
        for sheet in &picked.sheets {
            assert!(sheet.rows().all(|row| row.line > sheet.header_row));
        }
    }
}
