//! What a use case can refuse, in words for people.

use domain::workflow::Refusal;
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
    /// Fields of a form that do not do.
    #[error("入力を直してください（APP-002）。{}", .0.iter().map(|f| f.message.as_str()).collect::<Vec<_>>().join(""))]
    Fields(Vec<FieldError>),
    /// What was asked for does not exist, or not for this actor.
    #[error("{what}は見つかりませんでした（APP-003）。すでに無いか、番号が違います。一覧から選び直してください。")]
    NotFound {
        /// What was looked for.
        what: String,
    },
    /// Somebody else changed it meanwhile.
    #[error("{message}（APP-004）")]
    Conflict {
        /// What happened and what to do.
        message: String,
    },
    /// A workflow does not allow it now.
    #[error("{0}")]
    Refused(#[from] Refusal),
    /// An audit folder does not verify.
    #[error("監査フォルダを確かめられませんでした（AUD-001）。{reason}。発行元に作り直しを求めてください。")]
    Folder {
        /// What is wrong.
        reason: String,
    },
    /// A mistake of ours.
    #[error("内部の誤りです（APP-001）。{message}。記録を添えて問い合わせてください。")]
    Internal {
        /// For the help desk.
        message: String,
    },
}

/// One field of a form that does not do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    /// Name of the field.
    pub field: String,
    /// What is wrong and how to mend it.
    pub message: String,
}

impl Error {
    /// Something entered that does not do; `message` says what and how to mend it.
    pub fn invalid(code: &'static str, message: impl Into<String>) -> Self {
        Self::Invalid { message: message.into(), code }
    }

    /// One field that does not do.
    pub(crate) fn field(field: &str, message: impl Into<String>) -> Self {
        Self::Fields(vec![FieldError { field: field.to_owned(), message: message.into() }])
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
            Self::Fields(_) => "APP-002",
            Self::NotFound { .. } => "APP-003",
            Self::Conflict { .. } => "APP-004",
            Self::Refused(refusal) => refusal.code,
            Self::Folder { .. } => "AUD-001",
            Self::Internal { .. } => "APP-001",
        }
    }
}

/// Result of a use case.
pub type Result<T> = std::result::Result<T, Error>;
