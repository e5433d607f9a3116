//! What a use case can refuse, in words for people.

use intake::inventory::InventoryError;
use intake::table::{ReadError, RecogniseError};

/// A refused or failed use case. `Display` is the whole message for people: 事象・原因・対処 with a code.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The store refused or failed.
    #[error("{0}")]
    Store(#[from] store::Error),
    /// A file could not be read as a table.
    #[error("{file}：{0}{1}{2}（{code}）", .parts[0], .parts[1], .parts[2])]
    File {
        /// Name of the file.
        file: String,
        /// 事象, 原因, 対処.
        parts: [String; 3],
        /// Stable code.
        code: &'static str,
    },
    /// An inventory could not be read.
    #[error("{0}")]
    Inventory(#[from] InventoryError),
    /// A document could not be made.
    #[error("{0}")]
    Report(#[from] report::ReportError),
    /// What was entered does not do.
    #[error("{message}（{code}）")]
    Invalid {
        /// What and how to mend it.
        message: String,
        /// Stable code.
        code: &'static str,
    },
    /// An audit folder does not verify.
    #[error("監査フォルダを確かめられませんでした（AUD-001）。{reason}。発行元に作り直しを求めてください。")]
    Folder {
        /// What is wrong.
        reason: String,
    },
    /// Nobody is signed in.
    #[error("サインインが必要です（AUT-002）。")]
    Unauthenticated,
    /// Not allowed.
    #[error("権限がありません（AUT-003）。")]
    Forbidden,
    /// Not there.
    #[error("{what}がありません（APP-404）。")]
    NotFound {
        /// What.
        what: String,
    },
    /// Changed since.
    #[error("{message}（APP-409）")]
    Conflict {
        /// Message.
        message: String,
    },
    /// Fields.
    #[error("入力に誤りがあります（APP-422）。")]
    Fields(Vec<FieldError>),
    /// Fresh sign-in needed.
    #[error("本人確認が必要です（AUT-004）。")]
    StepUp,
    /// A mistake of ours.
    #[error("内部の誤りです（APP-001）。{message}。記録を添えて問い合わせてください。")]
    Internal {
        /// For the help desk.
        message: String,
    },
}

impl Error {
    /// Something entered that does not do; `message` says what and how to mend it.
    pub fn invalid(code: &'static str, message: impl Into<String>) -> Self {
        Self::Invalid { message: message.into(), code }
    }

    pub(crate) fn unreadable(file: &str, error: &ReadError) -> Self {
        Self::File { file: file.to_owned(), parts: error.explain(), code: error.code() }
    }

    pub(crate) fn unrecognised(file: &str, error: &RecogniseError) -> Self {
        Self::File { file: file.to_owned(), parts: error.explain(), code: error.code() }
    }

    /// Stable code for the help desk and the log.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Store(e) => e.code(),
            Self::File { code, .. } | Self::Invalid { code, .. } => code,
            Self::Inventory(e) => e.code(),
            Self::Report(e) => e.code(),
            Self::Folder { .. } => "AUD-001",
            Self::Internal { .. } => "APP-001",
            Self::Unauthenticated => "AUT-002",
            Self::Forbidden => "AUT-003",
            Self::NotFound { .. } => "APP-404",
            Self::Conflict { .. } => "APP-409",
            Self::Fields(_) => "APP-422",
            Self::StepUp => "AUT-004",
        }
    }
}

/// field error
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    /// field
    pub field: String,
    /// message
    pub message: String,
}

/// Result of a use case.
pub type Result<T> = std::result::Result<T, Error>;
