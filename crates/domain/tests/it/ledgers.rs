//! 台帳と列の一覧.

use std::fmt::Write as _;

use domain::ledger::{Choice, Column, Kind, LEDGERS, ledger};

/// Longer lists of choices get a table of their own.
const CHOICES_IN_A_CELL: usize = 12;
/// Headings shown; more are read.
const SYNONYMS_SHOWN: usize = 6;

const HEAD: &str = "\
# 台帳と列の一覧

取り込める台帳は次のとおりです。「見出し」の語はいつでもそのまま使えます。「ほかの見出し」は、同じ列として読む言い方の一部です（全角・半角、大文字・小文字、ひらがな・カタカナの違いは問いません）。
**必須** の列がない行は、新しい行としては取り込めません。空欄は「分からない」で、「いいえ」ではありません。

読み方の詳しい説明は[台帳を取り込む](../guide/import.md)にあります。この頁は、取込みに使う表から作ったものです。

";

fn choices(of: &[Choice]) -> String {
    match of.len() {
        0..=CHOICES_IN_A_CELL => of.iter().map(|c| c.label.ja).collect::<Vec<_>>().join("、"),
        more => format!("{more}種（下の表）"),
    }
}

fn value(column: &Column) -> String {
    match column.kind {
        Kind::Text => "文字".to_owned(),
        Kind::Date => "日付".to_owned(),
        Kind::YesNo => "はい・いいえ".to_owned(),
        Kind::Integer => "整数".to_owned(),
        Kind::Choice(of) => format!("選択：{}", choices(of)),
        Kind::Set(of) => format!("選択（`+`で複数）：{}", choices(of)),
        Kind::Ref(to) => {
            let label = ledger(to.ledger).unwrap().label.ja;
            format!("{label}の番号か名前{}", if to.strict { "（登録済みのもの）" } else { "" })
        }
    }
}

fn headings(column: &Column) -> String {
    let shown: Vec<&str> = column.synonyms.iter().take(SYNONYMS_SHOWN).copied().collect();
    let more = if column.synonyms.len() > SYNONYMS_SHOWN { "、…" } else { "" };
    format!("{}{more}", shown.join("、"))
}

#[test]
fn the_page_of_ledgers_is_current() {
    let mut page = HEAD.to_owned();
    page.push_str("| 台帳 | コードでの名前 | 行を見分ける列 |\n|---|---|---|\n");
    for of in LEDGERS {
        let key: Vec<&str> = of.key.iter().map(|k| of.column(k).unwrap().label.ja).collect();
        writeln!(page, "| [{}](#{}) | `{}` | {} |", of.label.ja, of.name, of.name, key.join("・")).unwrap();
    }
    for of in LEDGERS {
        writeln!(page, "\n<a id=\"{}\"></a>\n## {}（`{}`）\n", of.name, of.label.ja, of.name).unwrap();
        page.push_str("| 見出し | 列の名前 | 値 | ほかの見出し |\n|---|---|---|---|\n");
        for c in of.columns {
            let required = if c.required { " **必須**" } else { "" };
            writeln!(page, "| {}{required} | `{}` | {} | {} |", c.label.ja, c.name, value(c), headings(c)).unwrap();
        }
    }
    for of in LEDGERS {
        for c in of.columns {
            let Kind::Choice(kinds) = c.kind else { continue };
            if kinds.len() <= CHOICES_IN_A_CELL {
                continue;
            }
            writeln!(page, "\n## {}の「{}」\n\n| 値 | コード |\n|---|---|", of.label.ja, c.label.ja).unwrap();
            for kind in kinds {
                writeln!(page, "| {} | `{}` |", kind.label.ja, kind.code).unwrap();
            }
        }
    }
    super::current("ledgers.md", &page);
}

/// Headings and words that institutions were found to use.
#[test]
fn headings_of_other_ledgers_are_known() {
    for (of, heading, name) in [
        ("devices", "パソコン名", "name"),
        ("devices", "機器", "name"),
        ("devices", "機器No", "no"),
        ("devices", "置き場所", "place"),
        ("devices", "ウイルス対策", "antivirus"),
        ("accounts", "管理者区分", "admin"),
    ] {
        let heading = domain::text::fold(heading);
        let known =
            |c: &&Column| c.synonyms.iter().chain([&c.label.ja]).any(|word| domain::text::fold(word) == heading);
        let columns: Vec<&str> = ledger(of).unwrap().columns.iter().filter(known).map(|c| c.name).collect();
        assert_eq!(columns, [name], "{of}: {heading}");
    }
}

#[test]
fn the_glossary_names_every_ledger() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/glossary.md");
    let glossary = std::fs::read_to_string(path).unwrap();
    let missing: Vec<&str> =
        LEDGERS.iter().map(|l| l.name).filter(|name| !glossary.contains(&format!("`{name}`"))).collect();
    assert!(missing.is_empty(), "not in docs/glossary.md: {missing:?}");
}
