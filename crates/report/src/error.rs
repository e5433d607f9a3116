//! Why a document could not be made, said as 事象・原因・対処 with a code for the help desk.

use rust_xlsxwriter::XlsxError;
use serde::{Deserialize, Serialize};

/// A document that could not be made.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The layout refused the document.
    #[error(
        "PDFを組版できませんでした（RPT-001）。ひな形が受け付けない内容が含まれています。\
         もう一度作成し、続くときはこのコードを添えて管理者に知らせてください。"
    )]
    Layout(#[source] Diagnostics),
    /// The finished pages could not be written as PDF.
    #[error(
        "PDFを書き出せませんでした（RPT-002）。長期保存用PDFの規格に合わない内容が含まれています。\
         もう一度作成し、続くときはこのコードを添えて管理者に知らせてください。"
    )]
    Export(#[source] Diagnostics),
    /// A row has more or fewer cells than the table has columns.
    #[error(
        "「{table}」を作成できませんでした（RPT-003）。{row}行目の値は{cells}個ですが、列は{columns}個です。\
         列と値の数をそろえてください。続くときは、このコードを添えて管理者に知らせてください。"
    )]
    Ragged {
        /// Name of the sheet, or the heads of the table.
        table: String,
        /// Row within the table, from 1, the head not counted.
        row: usize,
        /// Cells in that row.
        cells: usize,
        /// Columns of the table.
        columns: usize,
    },
    /// More rows than a sheet can hold (1,048,576 with titles and head).
    #[error(
        "Excelファイルを作成できませんでした（RPT-004）。シート「{sheet}」の{rows}行は、Excelの上限（約104万行）を超えています。\
         期間や条件を絞って、分けて書き出してください。"
    )]
    TooManyRows {
        /// Name of the sheet.
        sheet: String,
        /// Rows that were to be written.
        rows: usize,
    },
    /// Excel does not allow what was to be written, such as a sheet name.
    #[error(
        "Excelファイルを作成できませんでした（RPT-005）。Excelが受け付けない設定（シート名など）が含まれています。\
         シート名は31文字までで、記号 [ ] : * ? / \\ は使えません。直らないときは、このコードを添えて管理者に知らせてください。"
    )]
    Excel(#[source] XlsxError),
    /// The helper process that typesets cannot be started.
    #[error(
        "PDFを作成できませんでした（RPT-007）。組版プログラム「sakimori-typeset」を起動できません。\
         sakimoriと同じフォルダに置かれているか、実行の権限があるかを確認してください。"
    )]
    Press(#[source] std::io::Error),
    /// The helper process stopped in the middle; its end and what it wrote on standard error.
    #[error(
        "PDFを作成できませんでした（RPT-008）。組版プログラム「sakimori-typeset」が途中で止まりました。メモリが足りないか、プログラムの誤りです。\
         空きメモリを確かめてもう一度作成し、続くときはこのコードを添えて管理者に知らせてください。"
    )]
    Crash(#[source] Diagnostics),
    /// The helper process did not finish a document in time and was killed.
    #[error(
        "PDFを作成できませんでした（RPT-009）。組版プログラム「sakimori-typeset」が一つの書類を{seconds}秒以内に終えなかったため、止めました。書類が長すぎるか、コンピュータの負荷が高すぎます。\
         時間をおいてもう一度作成し、続くときはこのコードを添えて管理者に知らせてください。"
    )]
    Late {
        /// Seconds it was given for each.
        seconds: u64,
    },
    /// A large sheet is written through a temporary file, and that failed.
    #[error(
        "Excelファイルを作成できませんでした（RPT-006）。大きな一覧のための一時ファイルを書き込めません。\
         サーバの一時フォルダの空き容量と書き込み権限を確認してください。"
    )]
    Scratch(#[source] XlsxError),
}

impl ReportError {
    /// Stable code for the help desk and the log, as it also appears in the message.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Layout(_) => "RPT-001",
            Self::Export(_) => "RPT-002",
            Self::Ragged { .. } => "RPT-003",
            Self::TooManyRows { .. } => "RPT-004",
            Self::Excel(_) => "RPT-005",
            Self::Scratch(_) => "RPT-006",
            Self::Press(_) => "RPT-007",
            Self::Crash(_) => "RPT-008",
            Self::Late { .. } => "RPT-009",
        }
    }
}

impl From<XlsxError> for ReportError {
    fn from(source: XlsxError) -> Self {
        match source {
            XlsxError::IoError(_) => Self::Scratch(source),
            _ => Self::Excel(source),
        }
    }
}

/// What the typesetter said, for the log.
#[derive(Debug, Deserialize, Serialize, thiserror::Error)]
#[error("{0}")]
pub struct Diagnostics(pub String);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_message_carries_its_code_and_three_sentences() {
        let detail = || Diagnostics("detail".to_owned());
        let errors = [
            ReportError::Layout(detail()),
            ReportError::Export(detail()),
            ReportError::Ragged { table: "台帳".to_owned(), row: 2, cells: 3, columns: 4 },
            ReportError::TooManyRows { sheet: "台帳".to_owned(), rows: 2_000_000 },
            ReportError::from(XlsxError::RowColumnLimitError),
            ReportError::from(XlsxError::from(std::io::Error::other("full"))),
            ReportError::Press(std::io::Error::other("missing")),
            ReportError::Crash(detail()),
            ReportError::Late { seconds: 60 },
        ];
        for error in errors {
            let message = error.to_string();
            assert!(message.contains(error.code()), "{message}");
            assert!(message.matches('。').count() >= 3, "{message}");
        }
    }
}
