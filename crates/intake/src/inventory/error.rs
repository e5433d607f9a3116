//! Why a message was refused.

/// Why a message of an agent was refused. The text says what happened, why, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InventoryError {
    /// The body is larger than [`super::BODY_MAX`].
    #[error(
        "エージェントの報告を受け取れませんでした（INV-001）。報告が32MiBを超えています。送り元の設定（ファイル一覧などの大きな項目）を見直してください。"
    )]
    TooLarge,
    /// zlib or gzip data that is damaged or cut short.
    #[error(
        "エージェントの報告を展開できませんでした（INV-002）。圧縮データが壊れているか、途中で切れています。通信経路（プロキシなど）を確かめ、エージェントから送り直してください。"
    )]
    Compression,
    /// It inflates to more than [`super::INFLATED_MAX`].
    #[error(
        "エージェントの報告を展開しませんでした（INV-003）。展開すると128MiBを超えるため、攻撃の疑いがあるものとして拒みました。送り元の機器を確かめてください。"
    )]
    InflatesTooFar,
    /// Not UTF-8.
    #[error(
        "エージェントの報告を読めませんでした（INV-004）。文字コードがUTF-8ではありません。エージェントを新しい版に更新してください。"
    )]
    Encoding,
    /// Neither JSON, XML nor a Lynis report.
    #[error(
        "報告の形式が分かりませんでした（INV-005）。GLPI/FusionInventoryの報告でも、Lynisの報告ファイルでもありません。送り先のURLと送るファイルを確かめてください。"
    )]
    UnknownFormat,
    /// Broken JSON or XML.
    #[error(
        "エージェントの報告を読めませんでした（INV-006）。{0}の書き方が壊れています。エージェントを更新し、送り直してください。"
    )]
    Malformed(
        /// Which format, and where.
        String,
    ),
    /// An XML document type or entity.
    #[error(
        "エージェントの報告を拒みました（INV-007）。XMLに文書型宣言または実体参照があり、正規のエージェントは使わないため、攻撃の疑いがあります。送り元の機器を確かめてください。"
    )]
    Entity,
    /// Nested too deeply or too many values.
    #[error(
        "エージェントの報告を拒みました（INV-008）。入れ子が深すぎるか項目が多すぎ、正規の報告ではありません。送り元の機器を確かめてください。"
    )]
    TooComplex,
    /// No usable device id.
    #[error(
        "エージェントの報告を登録できませんでした（INV-009）。機器の識別子（deviceid）がないか、使えない文字があるか、長すぎます。エージェントを入れ直してください。"
    )]
    DeviceId,
    /// A request of the protocol that is not supported.
    #[error(
        "エージェントの要求に応じられませんでした（INV-010）。「{0}」という要求には対応していません。エージェントのタスクをinventoryだけにしてください。"
    )]
    Request(
        /// The request, shortened.
        String,
    ),
    /// An item type that is not supported.
    #[error(
        "エージェントの報告を登録できませんでした（INV-011）。機器の種類「{0}」には対応していません。コンピュータ・プリンタ・ネットワーク機器・携帯端末の報告だけを送ってください。"
    )]
    ItemType(
        /// The item type, shortened.
        String,
    ),
    /// An inventory without sections.
    #[error(
        "エージェントの報告を登録できませんでした（INV-012）。報告に中身（content）がありません。エージェントのログを確かめ、送り直してください。"
    )]
    Empty,
    /// A Lynis report of another major version.
    #[error(
        "Lynisの報告を読めませんでした（INV-013）。報告の版「{0}」には対応していません（対応は1）。Lynis 2または3で診断し直してください。"
    )]
    LynisVersion(
        /// The version, shortened.
        String,
    ),
    /// A Lynis report without its end.
    #[error(
        "Lynisの報告を登録できませんでした（INV-014）。診断が最後まで終わっていない報告です。管理者権限で診断し直し、できた報告を送ってください。"
    )]
    LynisUnfinished,
    /// Several machines report under the agent's id, and nothing in the message says which one this is.
    #[error(
        "エージェントの報告を登録できませんでした（INV-015）。同じ識別子（deviceid）の端末が複数あり、シリアル番号・MACアドレス・ホスト名がないため、どれか分かりません。複製した端末ではエージェントを入れ直して識別子を作り直し、すべての項目を送り直してください。"
    )]
    SharedId,
}

impl InventoryError {
    /// Stable code, `INV-…`.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::TooLarge => "INV-001",
            Self::Compression => "INV-002",
            Self::InflatesTooFar => "INV-003",
            Self::Encoding => "INV-004",
            Self::UnknownFormat => "INV-005",
            Self::Malformed(_) => "INV-006",
            Self::Entity => "INV-007",
            Self::TooComplex => "INV-008",
            Self::DeviceId => "INV-009",
            Self::Request(_) => "INV-010",
            Self::ItemType(_) => "INV-011",
            Self::Empty => "INV-012",
            Self::LynisVersion(_) => "INV-013",
            Self::LynisUnfinished => "INV-014",
            Self::SharedId => "INV-015",
        }
    }
}

/// What a sender wrote, fit to be repeated in a message: short and printable.
pub(super) fn shorten(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(40).collect()
}
