//! What a use case can refuse, in words for people.

use std::sync::Arc;

use domain::workflow::Refusal;
use intake::access::AccessError;
use intake::inventory::InventoryError;
use intake::table::{ReadError, RecogniseError};

/// A refused or failed use case. `Display` is the whole message for people: 事象・原因・対処 with a code.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The store refused or failed.
    #[error("{0}")]
    Store(#[from] store::Error),
    /// Events could not be staged; all that shared the transaction are told.
    #[error("{0}")]
    Unstaged(Arc<store::Error>),
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
    /// An access event could not be read.
    #[error("{0}")]
    Access(#[from] AccessError),
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
    /// Fields of a form that will not do.
    #[error("入力を確かめてください（APP-002）。{}", .0.iter().map(|f| f.message.as_str()).collect::<Vec<_>>().join(" "))]
    Fields(Vec<FieldError>),
    /// There is no such thing, or not for this person.
    #[error(
        "{what}が見つかりませんでした（APP-003）。すでに無いか、見る権限がありません。一覧から選び直してください。"
    )]
    NotFound {
        /// What was looked for, as people call it.
        what: String,
    },
    /// Somebody else was faster.
    #[error("{message}（APP-004）")]
    Conflict {
        /// What happened and what to do.
        message: String,
    },
    /// A workflow does not allow it now.
    #[error("{0}")]
    Refused(#[from] Refusal),
    /// Nobody is signed in, or the screen is locked.
    #[error(
        "サインインが必要です（AUT-002）。サインインしていないか、時間が過ぎて終わりました。サインインし直してください。"
    )]
    Unauthenticated,
    /// Somebody is signed in who may not do this.
    #[error("この操作はできません（AUT-003）。権限がありません。医療情報システム安全管理責任者に相談してください。")]
    Forbidden,
    /// Allowed, once the person has just proved again who they are.
    #[error(
        "本人であることをもう一度確かめます（AUT-004）。重要な操作だからです。パスキーかパスワードで確認してください。"
    )]
    StepUp,
    /// A mistake of ours.
    #[error("内部の誤りです（APP-001）。{message}。記録を添えて問い合わせてください。")]
    Internal {
        /// For the help desk.
        message: String,
    },
}

/// A field of a form that will not do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    /// Name of the field.
    pub field: String,
    /// What is wrong and what to do, in Japanese.
    pub message: String,
}

impl FieldError {
    /// What is wrong with `field`.
    pub fn new(field: &str, message: impl Into<String>) -> Self {
        Self { field: field.to_owned(), message: message.into() }
    }
}

impl Error {
    /// Something entered that does not do; `message` says what and how to mend it.
    pub fn invalid(code: &'static str, message: impl Into<String>) -> Self {
        Self::Invalid { message: message.into(), code }
    }

    /// One field that does not do.
    pub(crate) fn field(field: &str, message: impl Into<String>) -> Self {
        Self::Fields(vec![FieldError::new(field, message)])
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
            Self::Unstaged(e) => e.code(),
            Self::File { code, .. } | Self::Invalid { code, .. } => code,
            Self::Inventory(e) => e.code(),
            Self::Access(e) => e.code(),
            Self::Report(e) => e.code(),
            Self::Folder { .. } => "AUD-001",
            Self::Refused(refusal) => refusal.code,
            Self::Fields(_) => "APP-002",
            Self::NotFound { .. } => "APP-003",
            Self::Conflict { .. } => "APP-004",
            Self::Unauthenticated => "AUT-002",
            Self::Forbidden => "AUT-003",
            Self::StepUp => "AUT-004",
            Self::Internal { .. } => "APP-001",
        }
    }
}

/// Result of a use case.
pub type Result<T> = std::result::Result<T, Error>;
