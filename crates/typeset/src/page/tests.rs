//! What can be said of a PDF without looking at it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

use domain::text::Lang;
use jiff::civil::date;
use typst::layout::{Frame, FrameItem};

use super::*;
use report::{
    Align, Block, Cell, Column, Document, Emphasis, Mark, Segment, SignatureLine, StackedBar, Table, TableRow, Trend,
    TrendLine, Width,
};

fn document(blocks: Vec<Block>) -> Document {
    Document {
        title: "医療機関におけるサイバーセキュリティ対策チェックリスト".to_owned(),
        subtitle: "医療機関確認用".to_owned(),
        kicker: "令和7年度版".to_owned(),
        facility: "さくら架空クリニック".to_owned(),
        printed_on: date(2026, 11, 22),
        printed_by: "山田 花子".to_owned(),
        code: "7K2F-9QXM".to_owned(),
        lang: Lang::Ja,
        landscape: false,
        blocks,
    }
}

fn column(head: &str, width: Width) -> Column {
    Column { head: head.to_owned(), width, align: Align::Left }
}

fn table(rows: Vec<Vec<Cell>>) -> Block {
    Block::Table(Table {
        columns: vec![
            column("番号", Width::Mm(16.0)),
            column("項目", Width::Share(2.0)),
            column("判定", Width::Mm(28.0)),
        ],
        rows: rows.into_iter().map(|cells| TableRow { cells, emphasis: Emphasis::Plain }).collect(),
    })
}

fn row(number: &str, text: &str, mark: Mark) -> Vec<Cell> {
    vec![number.into(), text.into(), mark.into()]
}

/// The pages of `document` as text, without what only guides line breaks.
fn pages(document: &Document) -> Vec<String> {
    fn collect(frame: &Frame, out: &mut String) {
        for (_, item) in frame.items() {
            match item {
                FrameItem::Text(text) => out.push_str(&text.text),
                FrameItem::Group(group) => collect(&group.frame, out),
                _ => {}
            }
        }
    }
    let compiled = typst::compile::<PagedDocument>(&Press::new(data::inputs(document).unwrap()));
    assert!(compiled.warnings.is_empty(), "{:?}", compiled.warnings);
    let laid_out = compiled.output.expect("lays out");
    laid_out
        .pages()
        .iter()
        .map(|page| {
            let mut text = String::new();
            collect(&page.frame, &mut text);
            text.replace('\u{200B}', "")
        })
        .collect()
}

#[test]
fn every_block_is_printed_and_the_footer_says_what_the_paper_is() {
    let text = pages(&document(vec![
        Block::Heading { level: 1, text: "結果".to_owned() },
        Block::Paragraph("すべての項目を確認した。".to_owned()),
        Block::Note("この書面の控えは監査フォルダにある。".to_owned()),
        Block::Facts(vec![("管理者".to_owned(), "院長".to_owned())]),
        Block::Bar(StackedBar {
            segments: vec![
                Segment { label: "適合".to_owned(), count: 27, mark: Mark::Met },
                Segment { label: "不適合".to_owned(), count: 0, mark: Mark::Unmet },
            ],
            caption: "27項目中27項目が適合".to_owned(),
        }),
        table(Mark::ALL.iter().map(|mark| row("1", "台帳", *mark)).collect()),
        Block::PageBreak,
        Block::Signature {
            lines: vec![SignatureLine {
                role: "確認者".to_owned(),
                name: "佐藤".to_owned(),
                date: Some(date(2026, 11, 20)),
            }],
        },
    ]));
    assert_eq!(text.len(), 2);
    for needle in [
        "結果",
        "すべての項目",
        "控え",
        "院長",
        "27項目中",
        "適合",
        "みなし",
        "期限間近",
        "確認待ち",
        "不適合",
        "対象外",
    ] {
        assert!(text[0].contains(needle), "{needle}: {}", text[0]);
    }
    assert!(text[1].contains("佐藤") && text[1].contains("2026年（令和8年）11月20日"), "{}", text[1]);
    for (page, at) in text.iter().zip(["1 / 2", "2 / 2"]) {
        for needle in ["チェックリスト", "さくら架空クリニック", "令和7年度版", "山田 花子", "7K2F-9QXM", at]
        {
            assert!(page.contains(needle), "{needle}: {page}");
        }
    }
}

#[test]
fn text_is_data() {
    let hostile =
        "#set page(width: 1pt) #panic(\"x\") [*太字*] \\u{41} $x^2$ `raw` <label> @ref = 見出し // \"引用\" --- ~";
    let mut document = document(vec![
        Block::Heading { level: 1, text: hostile.to_owned() },
        Block::Paragraph(hostile.to_owned()),
        Block::Note(hostile.to_owned()),
        Block::Facts(vec![(hostile.to_owned(), hostile.to_owned())]),
        table(vec![row(hostile, hostile, Mark::Met)]),
    ]);
    document.title = hostile.to_owned();
    document.kicker = hostile.to_owned();
    document.code = hostile.to_owned();
    let text = pages(&document).concat().replace(' ', "");
    let expected = hostile.replace(' ', "");
    assert_eq!(text.matches(&expected).count(), 12, "{text}");
    pdf(&document).unwrap();
}

#[test]
fn rare_names_are_printed_and_what_the_font_lacks_does_not_fail() {
    let written = "𠮷田 髙橋 山﨑 辻\u{E0100} か\u{3099} 😀👨\u{200D}👩 \u{E000} \u{0} \u{FFFD} ㋿ العربية";
    let document = document(vec![Block::Paragraph(written.to_owned()), table(vec![row("1", written, Mark::Met)])]);
    pdf(&document).unwrap();
    let text = pages(&document).concat();
    assert!(text.contains("𠮷田 髙橋 山﨑") && text.contains('〓') && !text.contains('😀'), "{text}");
}

#[test]
fn the_same_input_gives_the_same_archival_bytes() {
    let document = document(vec![table((0..60).map(|n| row(&n.to_string(), "項目の本文", Mark::Met)).collect())]);
    let first = pdf(&document).unwrap();
    assert_eq!(first, pdf(&document).unwrap());
    let has = |needle: &str| first.windows(needle.len()).any(|at| at == needle.as_bytes());
    assert!(has("D:20261122") && has("/StructTreeRoot") && has("<pdfaid:part>2</pdfaid:part>"));
}

#[test]
fn the_head_is_on_every_page_and_a_short_row_on_one() {
    let rows =
        (0..80).map(|n| row(&format!("n{n:02}"), &format!("始{n:02}{}終{n:02}", "長い説明。".repeat(12)), Mark::Met));
    let text = pages(&document(vec![table(rows.collect())]));
    assert!(text.len() > 3);
    assert!(text.iter().all(|page| page.contains("番号") && page.contains("判定")));
    for n in 0..80 {
        let (start, end) = (format!("始{n:02}"), format!("終{n:02}"));
        assert!(text.iter().any(|page| page.contains(&start) && page.contains(&end)), "row {n} is broken");
    }
}

#[test]
fn a_row_taller_than_a_page_loses_nothing() {
    let text = pages(&document(vec![table(vec![row("1", &"長い根拠。\n".repeat(200), Mark::Met)])])).concat();
    assert_eq!(text.matches("長い根拠。").count(), 200);
}

#[test]
fn a_document_may_be_empty_or_landscape_or_english() {
    let mut document = document(Vec::new());
    document.subtitle.clear();
    document.kicker.clear();
    document.code.clear();
    document.printed_by.clear();
    document.landscape = true;
    document.lang = Lang::En;
    assert!(pages(&document)[0].contains("printed 2026-11-22"));
    document.title.clear();
    document.facility.clear();
    document.blocks = vec![
        Block::Heading { level: 3, text: String::new() },
        Block::Facts(Vec::new()),
        Block::Bar(StackedBar { segments: Vec::new(), caption: String::new() }),
        Block::Signature { lines: Vec::new() },
        Block::Table(Table { columns: Vec::new(), rows: Vec::new() }),
        table(Vec::new()),
    ];
    pdf(&document).unwrap();
}

#[test]
fn a_ragged_table_is_said() {
    let error = pdf(&document(vec![table(vec![row("1", "a", Mark::Met), vec!["2".into()]])])).unwrap_err();
    assert_eq!(error.code(), "RPT-003");
    assert!(error.to_string().contains("「番号・項目・判定」") && error.to_string().contains("2行目"), "{error}");
}

/// However long the table, the line to sign has the sentence above it on its page.
#[test]
fn nobody_signs_an_empty_page() {
    for rows in 16..30 {
        let lines = vec![SignatureLine { role: "確認者".to_owned(), name: String::new(), date: None }];
        let table = table((0..rows).map(|n| row(&n.to_string(), "台帳で管理する", Mark::Met)).collect());
        let blocks = vec![table, Block::Paragraph("回答は根拠に基づきます。".to_owned()), Block::Signature { lines }];
        let pages = pages(&document(blocks));
        let signed = pages.iter().find(|page| page.contains("確認者")).unwrap();
        assert!(signed.contains("根拠に基づきます"), "{rows} rows: {signed}");
    }
}

#[test]
fn a_trend_has_its_numbers_under_it_and_a_gap_where_nobody_counted() {
    let line = |label: &str, mark, values: &[Option<u32>]| TrendLine {
        label: label.to_owned(),
        values: values.to_vec(),
        mark,
    };
    let trend = |lines| {
        Block::Trend(Trend {
            months: ["10月", "11月", "12月"].map(str::to_owned).into(),
            lines,
            caption: "満たすものが増えました。".to_owned(),
        })
    };
    let lines = vec![
        line("満たすもの", Mark::Met, &[Some(14), None, Some(231)]),
        line("不適合", Mark::Unmet, &[Some(9), None, Some(8)]),
        line("確認待ち", Mark::Unknown, &[None, None, None]),
    ];
    let text = pages(&document(vec![trend(lines)])).remove(0);
    for needle in ["満たすものが増えました", "11月", "231", "不適合", "–"] {
        assert!(text.contains(needle), "{needle}: {text}");
    }
    let ragged = pdf(&document(vec![trend(vec![line("不適合", Mark::Unmet, &[Some(1)])])]));
    assert!(matches!(ragged, Err(ReportError::Ragged { cells: 1, columns: 3, .. })));
}
