//! Why an event, or a whole message, was refused.

/// Why an event was refused. The text says what happened, why, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AccessError {
    /// Larger than the limit for it.
    #[error(
        "アクセス記録を受け取れませんでした（EVT-001）。一つの文書は32MiBまで、syslogの1件は256KiBまでです。送り元の設定で分けて送ってください。"
    )]
    TooLarge,
    /// Not UTF-8.
    #[error(
        "アクセス記録を読めませんでした（EVT-002）。文字コードがUTF-8ではありません。送り元の文字コードの設定をUTF-8にしてください。"
    )]
    Encoding,
    /// Broken JSON or XML, or a member of another type than the standard says.
    #[error(
        "アクセス記録を読めませんでした（EVT-003）。書き方が規格と合いません（{0}）。送り元の製造元に確かめてください。"
    )]
    Malformed(
        /// Where, in the words of the parser.
        String,
    ),
    /// An XML document type or entity.
    #[error(
        "アクセス記録を拒みました（EVT-004）。XMLに文書型宣言または実体参照があり、正規の監査記録は使わないため、攻撃の疑いがあります。送り元の機器を確かめてください。"
    )]
    Entity,
    /// Nested too deeply or too many parts.
    #[error(
        "アクセス記録を拒みました（EVT-005）。入れ子が深すぎるか、項目が多すぎます（1文書は50,000件、1件は患者1,000人まで）。分けて送ってください。"
    )]
    TooComplex,
    /// Another kind of document.
    #[error(
        "アクセス記録として読めませんでした（EVT-006）。「{0}」には対応していません。FHIR R4のAuditEventかそのBundle（batch・transaction・collection）、またはDICOM監査メッセージ（AuditMessage）を送ってください。"
    )]
    Kind(
        /// What it is, shortened.
        String,
    ),
    /// No time, or none that can be read.
    #[error(
        "アクセス記録を登録できませんでした（EVT-007）。日時「{0}」を読めません。2026-04-01T09:30:00+09:00 の形で送ってください。"
    )]
    Time(
        /// What stands there, shortened.
        String,
    ),
    /// Nothing says what was done.
    #[error(
        "アクセス記録を登録できませんでした（EVT-008）。何をしたか（EventID・type・action）が書かれていません。送り元の設定を確かめてください。"
    )]
    Act,
    /// An id that is too long.
    #[error(
        "アクセス記録を登録できませんでした（EVT-009）。利用者・患者・記録の番号が500文字を超えています。送り元の設定を確かめてください。"
    )]
    LongId,
    /// No syslog message.
    #[error(
        "syslogの記録を読めませんでした（EVT-010）。RFC 5424・RFC 3164の形ではないか、本文にXMLの監査メッセージがありません。送り元の形式の設定を確かめてください。"
    )]
    Envelope,
    /// A stream whose frames cannot be told apart.
    #[error(
        "syslogの接続を切りました（EVT-011）。記録の区切り（長さの数字か改行）が読めません。送り元の区切りの設定（RFC 5425 または RFC 6587）を確かめてください。"
    )]
    Framing,
    /// Said to come from a registered source other than those its sender speaks for.
    #[error(
        "アクセス記録を拒みました（EVT-012）。別の取込み元「{0}」を名乗っています。送り元のなりすましか、台帳「記録の取込み元」の送信元の誤りです。送り元の機器と台帳を確かめてください。"
    )]
    Forged(
        /// Who it says it is, shortened.
        String,
    ),
}

impl AccessError {
    /// Stable code, `EVT-…`.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::TooLarge => "EVT-001",
            Self::Encoding => "EVT-002",
            Self::Malformed(_) => "EVT-003",
            Self::Entity => "EVT-004",
            Self::TooComplex => "EVT-005",
            Self::Kind(_) => "EVT-006",
            Self::Time(_) => "EVT-007",
            Self::Act => "EVT-008",
            Self::LongId => "EVT-009",
            Self::Envelope => "EVT-010",
            Self::Framing => "EVT-011",
            Self::Forged(_) => "EVT-012",
        }
    }
}

/// What a sender wrote, fit to be repeated in a message: short and printable.
pub(super) fn shorten(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(40).collect()
}
