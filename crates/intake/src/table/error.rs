//! What is said when a file or a sheet cannot be used: 事象・原因・対処, and a code for the help desk.

use std::borrow::Cow;
use std::fmt;

use domain::ledger::{LEDGERS, Ledger};

use super::{Doubt, MAX_CELLS, MAX_COLUMNS, MAX_FILE, MAX_ROWS, MAX_SHEETS, MAX_UNPACKED};

/// Why a file cannot be read as tables. Nothing was stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReadError {
    /// No bytes.
    Empty,
    /// More than [`MAX_FILE`] bytes.
    TooLarge,
    /// HTML or XML, often the page of an export function saved under another name.
    Markup,
    /// Neither a workbook nor text.
    NotATable,
    /// Text in no encoding we know.
    UnknownEncoding,
    /// The old binary format (.xls) or another old Office document.
    OldFormat,
    /// Locked with a password.
    Encrypted,
    /// A zip, but of another program; the name of what it probably is.
    OtherFormat(&'static str),
    /// The end of the zip is missing.
    Truncated,
    /// Some part of the workbook is damaged; the detail for the help desk.
    Damaged(String),
    /// Unpacks to more than [`MAX_UNPACKED`] bytes.
    Bomb,
    /// More than [`MAX_ROWS`] rows with something in them, or a row behind the last of Excel.
    TooManyRows,
    /// A value to the right of column [`MAX_COLUMNS`].
    TooManyColumns,
    /// More than [`MAX_CELLS`] cells.
    TooManyCells,
    /// More than [`MAX_SHEETS`] sheets.
    TooManySheets,
}

impl ReadError {
    /// Stable code for the help desk.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Empty => "IMP-001",
            Self::TooLarge => "IMP-002",
            Self::Markup => "IMP-003",
            Self::NotATable => "IMP-004",
            Self::UnknownEncoding => "IMP-005",
            Self::OldFormat => "IMP-006",
            Self::Encrypted => "IMP-007",
            Self::OtherFormat(_) => "IMP-008",
            Self::Truncated => "IMP-009",
            Self::Damaged(_) => "IMP-010",
            Self::Bomb => "IMP-011",
            Self::TooManyRows => "IMP-012",
            Self::TooManyColumns => "IMP-013",
            Self::TooManyCells => "IMP-014",
            Self::TooManySheets => "IMP-015",
        }
    }

    /// 事象, 原因 and 対処, one sentence or two each.
    pub fn explain(&self) -> [String; 3] {
        const SAVE_AS: &str =
            "Excelで開き、「名前を付けて保存」で「Excelブック(*.xlsx)」として保存し直してから取り込んでください。";
        const SPLIT: &str = "不要な行・列・シートを削除するか、ファイルを分けて取り込んでください。";
        let (what, why, remedy): (&str, Cow<'static, str>, &str) = match self {
            Self::Empty => (
                "ファイルの中身がありません。",
                "0バイトのファイルです。保存や送信が途中で止まったと考えられます。".into(),
                "元のファイルを開いて内容を確かめ、保存し直してから取り込んでください。",
            ),
            Self::TooLarge => {
                ("ファイルが大きすぎます。", format!("取り込めるのは{}MBまでです。", MAX_FILE >> 20).into(), SPLIT)
            }
            Self::Markup => (
                "表として読めません。",
                "中身がWebページ(HTML)またはXMLです。拡張子だけがExcelやCSVになっています。".into(),
                SAVE_AS,
            ),
            Self::NotATable => (
                "表として読めません。",
                "Excelブック(xlsx)でもCSV・TSVでもないファイルです(PDFや画像など)。".into(),
                "台帳をExcelで開き、Excelブック(*.xlsx)またはCSVで保存したものを選んでください。",
            ),
            Self::UnknownEncoding => (
                "文字を読めません。",
                "文字コードがUTF-8、UTF-16、Shift_JIS(CP932)、EUC-JPのどれでもないか、途中で壊れています。".into(),
                "Excelで「CSV UTF-8(コンマ区切り)」またはExcelブック(*.xlsx)として保存し直してください。",
            ),
            Self::OldFormat => ("このままでは読めません。", "古い形式(.xlsなど)のファイルです。".into(), SAVE_AS),
            Self::Encrypted => (
                "ファイルを開けません。",
                "パスワードで暗号化されています。".into(),
                "Excelでパスワードを入れて開き、「ファイル」→「情報」→「ブックの保護」で「パスワードを使用して暗号化」を空欄にして保存してから取り込んでください。",
            ),
            Self::OtherFormat(kind) => {
                ("このままでは読めません。", format!("Excelブックではなく、{kind}です。").into(), SAVE_AS)
            }
            Self::Truncated => (
                "Excelブックとして開けません。",
                "ファイルが途中で切れています。コピーや送信が終わる前に止まったと考えられます。".into(),
                "元の場所からもう一度コピーして取り込んでください。元のファイルも開けないときは、バックアップから戻してください。",
            ),
            Self::Damaged(detail) => (
                "Excelブックの一部を読めません。",
                format!("ファイルが壊れています({detail})。").into(),
                "Excelで開いて「修復」し、Excelブック(*.xlsx)として保存し直してから取り込んでください。",
            ),
            Self::Bomb => (
                "取り込みを中止しました。",
                format!(
                    "展開すると{}MBを超えます。台帳ではなく、サーバを止めるために作られたファイルのおそれがあります。",
                    MAX_UNPACKED >> 20
                )
                .into(),
                "入手元を確かめてください。自分で作った台帳であれば、画像や使っていないシートを削除してください。",
            ),
            Self::TooManyRows => {
                ("行が多すぎます。", format!("値のある行は、1ファイルに{MAX_ROWS}行までです。").into(), SPLIT)
            }
            Self::TooManyColumns => {
                ("列が多すぎます。", format!("値を入れられるのは{MAX_COLUMNS}列目までです。").into(), SPLIT)
            }
            Self::TooManyCells => ("セルが多すぎます。", format!("1ファイルは{MAX_CELLS}セルまでです。").into(), SPLIT),
            Self::TooManySheets => {
                ("シートが多すぎます。", format!("1ファイルは{MAX_SHEETS}シートまでです。").into(), SPLIT)
            }
        };
        [what.to_owned(), why.into_owned(), remedy.to_owned()]
    }
}

/// No row of a sheet looks like the header of a ledger.
#[derive(Clone, Debug)]
pub struct RecogniseError {
    /// Name of the sheet.
    pub sheet: String,
    /// What stands where a header was expected, in full; empty when the sheet is.
    pub seen: Vec<String>,
    /// The ledger that was asked for, if one was.
    pub ledger: Option<&'static Ledger>,
}

/// Most headings that a message quotes.
const QUOTED: usize = 8;
/// Most characters of one text that a message quotes.
const QUOTED_CHARS: usize = 30;

/// What somebody wrote, fit to be repeated in a message: short, on one line, with … where something is missing.
pub(super) fn shorten(text: &str) -> String {
    let mut chars = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    let mut short: String = chars.by_ref().take(QUOTED_CHARS).collect();
    if chars.next().is_some() {
        short.push('…');
    }
    short
}

impl RecogniseError {
    /// Stable code for the help desk.
    pub fn code(&self) -> &'static str {
        "IMP-051"
    }

    /// 事象, 原因 and 対処, one sentence or two each.
    pub fn explain(&self) -> [String; 3] {
        let what = match self.ledger {
            Some(ledger) => format!("シート「{}」を{}として読めません。", shorten(&self.sheet), ledger.label.ja),
            None => format!("シート「{}」がどの台帳か分かりません。", shorten(&self.sheet)),
        };
        let why = if self.seen.is_empty() {
            "シートに何も書かれていません。".to_owned()
        } else {
            let quoted: Vec<String> = self.seen.iter().take(QUOTED).map(|text| shorten(text)).collect();
            let more = if self.seen.len() > QUOTED { "など" } else { "" };
            format!(
                "見出しの行を見つけられませんでした。見出しらしい行にあるのは「{}」{more}です。",
                quoted.join("」「")
            )
        };
        let accepted = match self.ledger {
            Some(ledger) => ledger.columns.iter().map(|c| c.label.ja).collect::<Vec<_>>().join("、"),
            None => LEDGERS
                .iter()
                .map(|ledger| {
                    let required: Vec<_> = ledger.columns.iter().filter(|c| c.required).map(|c| c.label.ja).collect();
                    format!("{}({})", ledger.label.ja, required.join("、"))
                })
                .collect::<Vec<_>>()
                .join("、"),
        };
        let remedy = format!(
            "台帳の種類を指定するか（--as）、見出しの対応を登録するか（sakimori map）、はじめの30行のどこかに見出しの行を置いてください。使える見出し: {accepted}。"
        );
        [what, why, remedy]
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_parts(f, self.code(), &self.explain())
    }
}

impl fmt::Display for RecogniseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_parts(f, self.code(), &self.explain())
    }
}

fn write_parts(f: &mut fmt::Formatter<'_>, code: &str, [what, why, remedy]: &[String; 3]) -> fmt::Result {
    write!(f, "{what}原因: {why}対処: {remedy}({code})")
}

impl std::error::Error for ReadError {}
impl std::error::Error for RecogniseError {}

impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OtherEncoding(name) => write!(
                f,
                "この行だけ文字コードが{name}です。{name}として読みました。文字が正しいか確かめ、ファイル全体を一つの文字コード(UTF-8)で保存し直してください。"
            ),
            Self::Broken => f.write_str(
                "読めない文字があります(文字化け)。正しい文字に直し、ファイル全体を一つの文字コード(UTF-8)で保存し直してください。",
            ),
            Self::Quote => f.write_str(
                "引用符(\")の閉じ方が正しくありません。セルの区切りがずれているおそれがあります。引用符を取り除くか、Excelで開いて保存し直してください。",
            ),
        }
    }
}
