//! Reading one cell: from the text a person typed to the [`Value`] of a column.
//!
//! What can be understood is converted; what plainly says nothing (空欄, `-`, 不明, 確認中) is *not stated*;
//! everything else is an error that names the text and what to write instead. A text is data, never a
//! formula: `=1+1` is kept as these four characters, and the writers of files quote it.

use std::collections::BTreeSet;

use super::{Choice, Column, Kind, TEXT_MAX, Value};
use crate::jp::{DateError, clip, parse_tidied};
use crate::text::{fold, tidy};

/// Words, folded, that say nothing in any column.
const BLANK: &[&str] = &[
    "",
    "-",
    "--",
    "---",
    "ー",
    "─",
    "━",
    "~",
    "?",
    "??",
    "na",
    "null",
    "不明",
    "確認中",
    "要確認",
    "調査中",
    "未確認",
    "未定",
    "未記入",
    "未調査",
    "空欄",
    "該当なし",
    "該当無し",
    "特になし",
    "特に無し",
    "わからない",
    "分からない",
];
/// Words, folded, that say "there is none": *no* as a yes/no, *not stated* elsewhere.
const NONE: &[&str] = &["なし", "無し", "無"];
/// Words, folded, that leave a cell empty wherever free text is not expected.
const NOT_APPLICABLE: &[&str] = &["対象外", "非該当", "対象外です"];
/// Words, folded, for a date that has not come: still employed, never logged in.
const NOT_YET: &[&str] = &[
    "在職",
    "在職中",
    "在籍",
    "在籍中",
    "継続",
    "継続中",
    "使用中",
    "期限なし",
    "無期限",
    "未使用",
    "未ろぐいん",
    "ろぐいんなし",
    "履歴なし",
    "未実施",
    "未",
];
/// Words, folded, for an account or device that several people share.
const SHARED: &[&str] = &["共用", "共有", "共通"];

const YES: &[&str] = &[
    "はい",
    "yes",
    "y",
    "true",
    "t",
    "1",
    "on",
    "有",
    "有り",
    "あり",
    "○",
    "◯",
    "〇",
    "●",
    "◎",
    "✓",
    "✔",
    "☑",
    "れ",
    "可",
    "可能",
    "済",
    "済み",
    "実施",
    "実施済",
    "実施済み",
    "設定済",
    "設定済み",
    "対応",
    "対応済",
    "対応済み",
    "導入済",
    "導入済み",
    "する",
    "している",
    "有効",
    "使用中",
    "利用中",
];
const NO: &[&str] = &[
    "いいえ",
    "no",
    "n",
    "false",
    "f",
    "0",
    "off",
    "なし",
    "無",
    "無し",
    "×",
    "✕",
    "✖",
    "✗",
    "☒",
    "x",
    "否",
    "不可",
    "未",
    "未実施",
    "未設定",
    "未対応",
    "未導入",
    "未済",
    "しない",
    "していない",
    "無効",
    "不使用",
    "非",
    "非対応",
];
/// Words, folded, that are yes or no in one column only: (column, yes, no). 停止 answers 状態, not 不要なサービスの停止.
const OWN_WORDS: &[(&str, &[&str], &[&str])] = &[
    (
        "enabled",
        &["稼働", "稼働中", "使用", "利用", "現用", "在職", "在職中", "active", "enabled"],
        &[
            "停止",
            "停止中",
            "停止済",
            "停止済み",
            "削除",
            "削除済",
            "削除済み",
            "退職",
            "退職済",
            "退職済み",
            "休止",
            "休止中",
            "休職",
            "休職中",
            "廃止",
            "未使用",
            "利用停止",
            "使用停止",
            "ろっく",
            "ろっく中",
            "inactive",
            "disabled",
        ],
    ),
    (
        "admin",
        &["管理者", "管理者権限", "しすてむ管理者", "特権", "admin", "administrator"],
        &["一般", "一般ゆーざ", "一般ゆーざー", "一般利用者", "一般職員", "標準", "user"],
    ),
    (
        "portable",
        &["持出可", "持出し可", "持ち出し可"],
        &["持出不可", "持出し不可", "持ち出し不可", "据置", "据え置き", "固定"],
    ),
    ("shared", SHARED, &["個人", "専用", "個人専用"]),
    ("encrypted", &["bitlocker", "びっとろっかー", "filevault", "luks"], &[]),
];

/// Why a cell could not be understood. The message names the text and what to write instead; the
/// caller knows the row and the column.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CellError {
    /// A date that is none.
    #[error(transparent)]
    Date(#[from] DateError),
    /// Neither yes nor no.
    #[error(
        "『{0}』は「はい」とも「いいえ」とも読めません。はい・いいえ、有・無、○・×のどれかに直すか、分からないときは空欄にしてください。"
    )]
    YesNo(String),
    /// Not a whole number, zero or more.
    #[error("『{0}』は0以上の整数として読めません。19 のような数字だけに直してください。")]
    Integer(String),
    /// Not on the closed list.
    #[error("『{text}』は選べる値にありません。{accepted}のどれかに直してください。")]
    Choice {
        /// What was written.
        text: String,
        /// Labels of the list.
        accepted: String,
    },
    /// A part is not on the closed list.
    #[error("『{text}』は選べる値にありません。{accepted}から選び、二つ以上のときは「+」でつないでください。")]
    Set {
        /// The part that is not known.
        text: String,
        /// Labels of the list.
        accepted: String,
    },
    /// More characters than a cell may hold.
    #[error("文字が長すぎます({0}文字)。{TEXT_MAX}文字以内に縮めてください。")]
    TooLong(usize),
}

impl CellError {
    /// Stable code for the help desk.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Date(error) => error.code(),
            Self::YesNo(_) => "IMP-111",
            Self::Integer(_) => "IMP-112",
            Self::Choice { .. } => "IMP-113",
            Self::Set { .. } => "IMP-114",
            Self::TooLong(_) => "IMP-115",
        }
    }
}

impl Column {
    /// The value that `text` means in this column; `None` is *not stated*.
    ///
    /// # Errors
    /// See [`CellError`]: the text says something, but nothing this column can hold.
    pub fn parse(&self, text: &str) -> Result<Option<Value>, CellError> {
        let tidied = tidy(text);
        // A filler word is short and has no digit; folding every cell would double the work.
        let may_be_filler = tidied.len() <= 24 && !tidied.contains(|c: char| c.is_ascii_digit());
        let word = may_be_filler.then(|| fold(&tidied));
        let is = |words: &[&str]| word.as_deref().is_some_and(|word| words.contains(&word));
        let nothing = is(BLANK) || is(NONE);
        let no_text = nothing || is(NOT_APPLICABLE);
        match self.kind {
            Kind::Text if nothing => Ok(None),
            Kind::Text => kept(tidied).map(Some),
            Kind::Ref(to) if nothing || (to.ledger == "people" && is(SHARED)) => Ok(None),
            Kind::Ref(_) => kept(tidied).map(Some),
            Kind::Date if no_text || is(NOT_YET) => Ok(None),
            Kind::Date => Ok(Some(Value::Date(parse_tidied(&tidied)?))),
            Kind::Integer if no_text => Ok(None),
            Kind::Integer => whole_number(&tidied).map(|n| Some(Value::Integer(n))),
            Kind::YesNo if is(BLANK) || is(NOT_APPLICABLE) => Ok(None),
            Kind::YesNo => Ok(yes_or_no(&tidied, self.name)?.map(Value::YesNo)),
            Kind::Choice(choices) => match find(choices, &tidied) {
                Some(choice) => Ok(Some(Value::Text(choice.code.to_owned()))),
                None if no_text => Ok(None),
                None => Err(CellError::Choice { text: clip(&tidied), accepted: labels(choices) }),
            },
            Kind::Set(choices) => set(choices, text, &tidied),
        }
    }
}

fn kept(text: String) -> Result<Value, CellError> {
    match text.chars().count() {
        0..=TEXT_MAX => Ok(Value::Text(text)),
        length => Err(CellError::TooLong(length)),
    }
}

/// Reads `19`, `1,200`, `19床`, `19.0`.
fn whole_number(text: &str) -> Result<i64, CellError> {
    let plain = text.replace(',', "");
    let end = plain.find(|c: char| !c.is_ascii_digit()).unwrap_or(plain.len());
    let (number, unit) = plain.split_at_checked(end).unwrap_or_default();
    let unit = match unit.strip_prefix('.') {
        Some(fraction) => fraction.trim_start_matches('0'),
        None => unit,
    };
    let is_unit = unit.chars().count() <= 6 && unit.chars().all(|c| c.is_alphabetic() || c == ' ');
    number.parse().ok().filter(|_| is_unit).ok_or_else(|| CellError::Integer(clip(text)))
}

/// Reads a yes/no by the whole cell or by its leading word (`済(2024年)`); `有・無` left as printed on the
/// form is neither.
fn yes_or_no(text: &str, column: &str) -> Result<Option<bool>, CellError> {
    let (_, own_yes, own_no) = OWN_WORDS.iter().find(|(of, ..)| *of == column).unwrap_or(&("", &[], &[]));
    let meaning = |word: &str| {
        if BLANK.contains(&word) {
            Some(None)
        } else if YES.contains(&word) || own_yes.contains(&word) {
            Some(Some(true))
        } else if NO.contains(&word) || own_no.contains(&word) {
            Some(Some(false))
        } else {
            None
        }
    };
    if let Some(answer) = meaning(&fold(text)) {
        return Ok(answer);
    }
    let mut words = text.split(|c: char| " ()[]、。,/:;・※".contains(c)).map(fold).filter(|w| !w.is_empty());
    let answer = words.next().and_then(|first| meaning(&first));
    let contradicted = words.filter_map(|w| meaning(&w)).any(|other| Some(other) != answer);
    answer.filter(|_| !contradicted).ok_or_else(|| CellError::YesNo(clip(text)))
}

/// The choice that `text` names, also with a remark in parentheses behind it.
fn find(choices: &'static [Choice], text: &str) -> Option<&'static Choice> {
    let exact = |wanted: &str| {
        choices
            .iter()
            .find(|c| [c.code, c.label.ja, c.label.en].iter().chain(c.synonyms).any(|known| fold(known) == wanted))
    };
    choices
        .iter()
        .find(|c| c.label.ja == text || c.code == text)
        .or_else(|| exact(&fold(text)))
        .or_else(|| text.split_once('(').and_then(|(word, _)| exact(&fold(word))))
}

fn labels(choices: &[Choice]) -> String {
    const SHOWN: usize = 8;
    let shown: Vec<_> = choices.iter().take(SHOWN).map(|c| format!("「{}」", c.label.ja)).collect();
    let rest = if choices.len() > SHOWN { "など" } else { "" };
    format!("{}{rest}", shown.join("、"))
}

/// Reads a set: the whole cell as one entry, else split at `+ 、 , &` and line breaks, and a part nobody
/// knows at the weaker `/ ・` and spaces (so that `ID/PW` stays one).
fn set(choices: &'static [Choice], raw: &str, tidied: &str) -> Result<Option<Value>, CellError> {
    if let Some(whole) = find(choices, tidied) {
        return Ok(Some(Value::Text(whole.code.to_owned())));
    }
    let mut found = BTreeSet::new();
    let mut add = |part: &str| {
        if let Some(choice) = find(choices, part) {
            found.insert(choices.iter().position(|c| c.code == choice.code));
            return true;
        }
        let word = fold(part);
        BLANK.contains(&word.as_str()) || NONE.contains(&word.as_str()) || NOT_APPLICABLE.contains(&word.as_str())
    };
    for line in raw.lines().map(tidy) {
        for part in line.split(['+', '、', ',', '&', ';']).map(str::trim) {
            if add(part) {
                continue;
            }
            if let Some(unknown) = part.split(['/', '・', ' ']).find(|word| !add(word)) {
                return Err(CellError::Set { text: clip(unknown), accepted: labels(choices) });
            }
        }
    }
    let codes: Vec<_> = found.into_iter().flatten().filter_map(|at| choices.get(at)).map(|c| c.code).collect();
    Ok((!codes.is_empty()).then(|| Value::Text(codes.join("+"))))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::super::ledger;
    use super::*;
    use crate::text::Lang;
    use jiff::civil::date;
    use proptest::prelude::*;

    fn parse(ledger_name: &str, column: &str, text: &str) -> Result<Option<Value>, CellError> {
        ledger(ledger_name).unwrap().column(column).unwrap().parse(text)
    }

    fn text(value: &str) -> Result<Option<Value>, CellError> {
        Ok(Some(Value::Text(value.to_owned())))
    }

    #[test]
    fn yes_no_in_the_ways_people_write_it() {
        for yes in [
            "有",
            "あり",
            "アリ",
            "○",
            "〇",
            "●",
            "済",
            "はい",
            "YES",
            "True",
            "1",
            "有効",
            "✓",
            "レ",
            "ﾚ",
            "済(2024年)",
            "有 BitLocker",
            "あり：毎週",
        ] {
            assert_eq!(parse("devices", "encrypted", yes), Ok(Some(Value::YesNo(true))), "{yes}");
        }
        for no in
            ["無", "なし", "ナシ", "×", "未", "いいえ", "no", "FALSE", "0", "未実施", "未(4月予定)", "なし（予定あり）"]
        {
            assert_eq!(parse("devices", "encrypted", no), Ok(Some(Value::YesNo(false))), "{no}");
        }
        for unknown in ["", "　", "-", "―", "不明", "確認中", "未確認", "？", "n/a", "対象外", "不明(要調査)"]
        {
            assert_eq!(parse("devices", "encrypted", unknown), Ok(None), "{unknown}");
        }
        for neither in ["有・無", "有/無", "はい いいえ", "△", "全部ではない", "停止"] {
            let error = parse("devices", "encrypted", neither).unwrap_err();
            assert_eq!(error.code(), "IMP-111", "{neither}");
            assert!(error.to_string().contains(neither), "{error}");
        }
        assert_eq!(parse("accounts", "enabled", "使用中"), Ok(Some(Value::YesNo(true))));
        assert_eq!(parse("accounts", "enabled", "停止(退職のため)"), Ok(Some(Value::YesNo(false))));
        assert_eq!(parse("accounts", "admin", "一般ユーザー"), Ok(Some(Value::YesNo(false))));
        assert_eq!(parse("accounts", "shared", "共用"), Ok(Some(Value::YesNo(true))));
        for encrypted in ["BitLocker", "ＢｉｔＬｏｃｋｅｒ", "BitLocker(回復キーは金庫)", "FileVault"] {
            assert_eq!(parse("devices", "encrypted", encrypted), Ok(Some(Value::YesNo(true))), "{encrypted}");
        }
        assert_eq!(parse("devices", "usb_limited", "BitLocker").unwrap_err().code(), "IMP-111", "its own column only");
    }

    #[test]
    fn dates_numbers_and_lists() {
        assert_eq!(parse("devices", "bought_on", "R7.4.1"), Ok(Some(Value::Date(date(2025, 4, 1)))));
        assert_eq!(parse("people", "leave_on", "―"), Ok(None));
        assert_eq!(parse("people", "leave_on", "在職中"), Ok(None));
        assert_eq!(parse("devices", "bought_on", "2025/2/30").unwrap_err().code(), "IMP-102");
        for (written, n) in [("19床", 19), ("１，２００", 1200), ("0", 0), ("8 桁以上", 8), ("19.0", 19)] {
            assert_eq!(parse("facilities", "beds", written), Ok(Some(Value::Integer(n))), "{written}");
        }
        for written in ["十九", "-3", "3~5", "1.5", "99999999999999999999"] {
            assert_eq!(parse("facilities", "beds", written).unwrap_err().code(), "IMP-112", "{written}");
        }
        assert_eq!(parse("devices", "kind", "ﾉｰﾄPC"), text("terminal"));
        assert_eq!(parse("devices", "kind", "サーバー(仮想)"), text("server"));
        assert_eq!(parse("devices", "kind", "不明"), Ok(None));
        assert_eq!(parse("devices", "status", "故障中"), text("stored"));
        assert_eq!(parse("devices", "status", "リース返却"), text("disposed"));
        assert!(parse("devices", "kind", "宇宙船").unwrap_err().to_string().contains("「サーバ」"));
        assert_eq!(parse("systems", "introduction", "なし"), text("none"));
        assert_eq!(parse("vendor_answers", "answer", "-"), text("na"));
    }

    #[test]
    fn sets_in_table_order() {
        for (written, codes) in [
            ("パスワード", "password"),
            ("パスワード+ICカード", "password+ic_card"),
            ("ＩＣカード＋パスワード", "password+ic_card"),
            ("生体、PIN", "biometric+pin"),
            ("ID/PW", "password"),
            ("ID・パスワード＋指紋", "password+biometric"),
            ("パスワード/顔認証", "password+biometric"),
            ("パスワード\nICカード", "password+ic_card"),
        ] {
            assert_eq!(parse("accounts", "methods", written), text(codes), "{written}");
        }
        assert_eq!(parse("accounts", "methods", "確認中"), Ok(None));
        let error = parse("accounts", "methods", "パスワード+合言葉").unwrap_err();
        assert!(error.to_string().contains("『合言葉』"), "{error}");
    }

    #[test]
    fn text_is_data() {
        for written in ["=cmd|' /C calc'!A0", "+81-3-0000-0000", "@SUM(1+1)", "-5"] {
            assert_eq!(parse("devices", "name", written), text(written));
        }
        assert_eq!(parse("devices", "name", "-"), Ok(None));
        assert_eq!(parse("devices", "ip", "１９２．１６８．３．３"), text("192.168.3.3"));
        assert_eq!(parse("accounts", "person", "共用"), Ok(None));
        assert_eq!(parse("accounts", "system", "ＳＹＳ－０１"), text("SYS-01"));
        assert_eq!(parse("devices", "note", &"長".repeat(TEXT_MAX + 1)), Err(CellError::TooLong(TEXT_MAX + 1)));
    }

    #[test]
    fn what_is_shown_is_read_again() {
        for column in super::super::LEDGERS.iter().flat_map(|l| l.columns) {
            let values = match column.kind {
                Kind::Choice(choices) | Kind::Set(choices) => {
                    choices.iter().map(|c| Value::Text(c.code.to_owned())).collect()
                }
                Kind::YesNo => vec![Value::YesNo(true), Value::YesNo(false)],
                Kind::Date => vec![Value::Date(date(2026, 4, 1))],
                Kind::Integer => vec![Value::Integer(0), Value::Integer(1200)],
                Kind::Text | Kind::Ref(_) => vec![Value::Text("PC-001".to_owned())],
            };
            for value in values {
                for lang in [Lang::Ja, Lang::En] {
                    let shown = column.show(&value, lang);
                    assert_eq!(column.parse(&shown), Ok(Some(value.clone())), "{}: {shown}", column.name);
                }
            }
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_panic(text in "\\PC{0,40}") {
            for column in super::super::LEDGERS.iter().flat_map(|l| l.columns) {
                let _ = column.parse(&text);
            }
        }
    }
}
