//! What can go wrong in the store, free of any database's own error types.

/// A failed store operation. The message says 事象・原因・対処; the source carries the detail for the log.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No such row.
    #[error("見つかりませんでした（STO-001 {what}）。すでに無いか、番号が違います。一覧から選び直してください。")]
    NotFound {
        /// What was looked for.
        what: String,
    },
    /// Somebody else changed the row meanwhile (optimistic `rev`).
    #[error(
        "保存できませんでした（STO-002 {what}）。ほかの人が先に変更しています。今の内容を確かめてから、もう一度保存してください。"
    )]
    Conflict {
        /// Which row.
        what: String,
    },
    /// The database cannot be reached or is busy.
    #[error(
        "データベースにつながりません（STO-003）。停止中か、通信が切れています。データベースとネットワークを確かめてください。保存済みの内容は失われていません。"
    )]
    Unavailable {
        /// Cause.
        #[source]
        source: sea_orm::DbErr,
    },
    /// Another process holds the data folder.
    #[error(
        "データフォルダ「{folder}」は使用中です（STO-004）。別のsakimoriが動いています。そちらを終了してから、やり直してください。"
    )]
    InUse {
        /// The folder.
        folder: String,
    },
    /// The data folder cannot be written.
    #[error(
        "データフォルダ「{folder}」に書き込めません（STO-005）。権限がないか、ディスクがいっぱいです。権限と空き容量を確かめてください。"
    )]
    Folder {
        /// The folder.
        folder: String,
        /// Cause.
        #[source]
        source: std::io::Error,
    },
    /// The disk is full.
    #[error(
        "保存できませんでした（STO-006）。ディスクがいっぱいです。空き容量を増やしてから、やり直してください。元の内容はそのまま残っています。"
    )]
    DiskFull,
    /// A migration failed; the previous state was kept.
    #[error(
        "データの移行に失敗しました（STO-007 {migration}）。前の状態に戻しました。前の版のsakimoriで使い続け、記録を添えて問い合わせてください。"
    )]
    Migration {
        /// Which one.
        migration: String,
        /// Cause.
        #[source]
        source: sea_orm::DbErr,
    },
    /// The database was written by a newer version.
    #[error(
        "このデータは新しい版のsakimoriのものです（STO-008 {migration}）。この版では開けません。新しい版を使ってください。"
    )]
    Newer {
        /// The migration this version does not know.
        migration: String,
    },
    /// A change without a journal event: a mistake of ours, refused.
    #[error("内部の誤りのため保存しませんでした（STO-009）。記録のない変更は許されません。問い合わせてください。")]
    Unjournaled,
    /// Data that cannot be read back.
    #[error(
        "保存されている内容を読めません（STO-010 {what}）。壊れている疑いがあります。バックアップから戻してください。"
    )]
    Corrupt {
        /// What.
        what: String,
    },
    /// A dump that is not one.
    #[error(
        "書き出しファイルを読めません（STO-011 {line}行目）。{reason}。元のファイルを確かめてください。何も変更していません。"
    )]
    Dump {
        /// Line.
        line: usize,
        /// What is wrong.
        reason: String,
    },
    /// Anything else the database says.
    #[error(
        "データベースの操作に失敗しました（STO-012）。元の内容はそのまま残っています。記録を添えて問い合わせてください。"
    )]
    Database {
        /// Cause.
        #[source]
        source: sea_orm::DbErr,
    },
}

impl Error {
    /// Stable code for the help desk.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotFound { .. } => "STO-001",
            Self::Conflict { .. } => "STO-002",
            Self::Unavailable { .. } => "STO-003",
            Self::InUse { .. } => "STO-004",
            Self::Folder { .. } => "STO-005",
            Self::DiskFull => "STO-006",
            Self::Migration { .. } => "STO-007",
            Self::Newer { .. } => "STO-008",
            Self::Unjournaled => "STO-009",
            Self::Corrupt { .. } => "STO-010",
            Self::Dump { .. } => "STO-011",
            Self::Database { .. } => "STO-012",
        }
    }
}

impl From<sea_orm::DbErr> for Error {
    fn from(source: sea_orm::DbErr) -> Self {
        let text = source.to_string();
        if text.contains("disk is full")
            || text.contains("(code: 13)")
            || text.contains("No space left")
            || text.contains("disk I/O error")
        {
            return Self::DiskFull;
        }
        if ["file is not a database", "malformed", "(code: 11)", "(code: 26)"].iter().any(|sign| text.contains(sign)) {
            return Self::Corrupt { what: "データベースのファイル".to_owned() };
        }
        match source {
            sea_orm::DbErr::Conn(_) | sea_orm::DbErr::ConnectionAcquire(_) => Self::Unavailable { source },
            _ if ["connection", "broken pipe", "timed out", "terminating", "shutting down", "starting up"]
                .iter()
                .any(|sign| text.to_lowercase().contains(sign)) =>
            {
                Self::Unavailable { source }
            }
            _ => Self::Database { source },
        }
    }
}

/// Result of a store operation.
pub type Result<T> = std::result::Result<T, Error>;
