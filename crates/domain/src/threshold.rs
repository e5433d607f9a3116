//! 判定のめやす: every number of the verdicts that is ours and not the ministry's, in one table.
//!
//! The guideline says "regularly", "promptly", "several generations"; a machine needs a number. Each is
//! declared here with the reason for it and read from here by facts, rules and SQL, and the manual's page of
//! them is made from [`THRESHOLDS`]. Numbers that a guideline states (8 or 13 characters, 令和9年4月1日)
//! stand with their rule in [`crate::mfa`] instead.

use crate::text::Label;

/// One number of ours.
#[derive(Debug)]
pub struct Threshold {
    /// Stable name, by which SQL refers to it; lower-case letters and `_`.
    pub name: &'static str,
    /// The number, more than zero, in `unit`.
    pub value: i32,
    /// What it counts: 日, 世代, 方式.
    pub unit: Label,
    /// What it decides.
    pub label: Label,
    /// Why this number, in Japanese.
    pub why: &'static str,
}

const DAYS: Label = Label::new("日", "days");
const GENERATIONS: Label = Label::new("世代", "generations");
const METHODS: Label = Label::new("方式", "methods");

const fn days(name: &'static str, value: i32, ja: &'static str, en: &'static str, why: &'static str) -> Threshold {
    Threshold { name, value, unit: DAYS, label: Label::new(ja, en), why }
}

/// Days a ledger statement, a stock-take or a restore test holds before somebody has to confirm it again.
pub const LEDGER: Threshold = days(
    "ledger",
    366,
    "台帳の記載・棚卸し・復元テストが有効な日数",
    "a ledger statement, stock-take or restore test holds",
    "ガイドラインは「定期的に」とだけ言い、チェックリストは毎年度ある。うるう年でも一年に一度で足りるように366日とする",
);
/// Days an agent's report is believed; after them nothing is known of the machine.
pub const REPORT: Threshold = days(
    "report",
    31,
    "端末エージェントの報告を信じる日数",
    "an agent's report is believed",
    "エージェントは毎日報告する。一月報告のない機器の状態は、分からないものとする",
);
/// Days since the last update of the operating system.
pub const PATCHED: Threshold = days(
    "patched",
    90,
    "更新プログラムを最後に適用してからの日数",
    "since the last update was applied",
    "更新プログラムは毎月出る。検証や事業者の作業の都合で二度見送っても足りる日数",
);
/// Days since the virus definitions were updated.
pub const DEFINITIONS: Threshold = days(
    "definitions",
    14,
    "ウイルス定義ファイルが最新とみなされる日数",
    "virus definitions count as current",
    "定義は毎日出る。閉じた網で週に一度媒体から入れ、一度遅れても足りる日数",
);
/// Days since an account was last used.
pub const ACCOUNT_USED: Threshold = days(
    "account_used",
    180,
    "アカウントを最後に使ってからの日数",
    "since an account was last used",
    "半年使われないアカウントは、休職や異動を考えても要否を確かめる頃合いとする",
);
/// Days since the last backup.
pub const BACKUP: Threshold = days(
    "backup",
    7,
    "最後のバックアップからの日数",
    "since the last backup",
    "週に一度の取得を、最も少ない形とする。毎日取るべき情報かどうかは施設が決める",
);
/// Days since the firmware of a remote-maintenance device was updated or checked.
pub const ROUTE_UPDATED: Threshold = days(
    "route_updated",
    180,
    "リモート保守の接続機器を更新・確認してからの日数",
    "since a route's device was updated or checked",
    "VPN装置の古いファームウェアが侵入口になった例が多い。半年に一度は新しい版の有無を確かめる",
);
/// Backup generations.
pub const GENERATIONS_MIN: Threshold = Threshold {
    name: "generations",
    value: 3,
    unit: GENERATIONS,
    label: Label::new("バックアップの世代数", "backup generations"),
    why: "ガイドラインは「数世代」と言い、数は示さない。「数」を三以上と読む",
};
/// Backup methods.
pub const METHODS_MIN: Threshold = Threshold {
    name: "methods",
    value: 2,
    unit: METHODS,
    label: Label::new("バックアップの方式数", "backup methods"),
    why: "ガイドラインは「複数の方式」と言い、数は示さない。「複数」を二以上と読む",
};
/// Days before the end of evidence at which a met requirement becomes 期限間近.
pub const SOON: Threshold = days(
    "soon",
    30,
    "期限間近とする、根拠の期限までの日数",
    "before the end of evidence it is due soon",
    "研修や棚卸しを手配するのに一月はかかる",
);
/// Days a person's confirmation holds when it names no end.
pub const ATTESTATION: Threshold = days(
    "attestation",
    366,
    "期限を書かない人の確認が有効な日数",
    "a confirmation without an end holds",
    "チェックリストは毎年度確かめる",
);
/// Days a person's confirmation holds at the longest, whatever end it names.
pub const ATTESTATION_MAX: Threshold = days(
    "attestation_max",
    1096,
    "人の確認が有効な最長の日数",
    "a confirmation holds at the longest",
    "遠い期限を書けば確かめずに済む、ということのないように、文書の見直しと同じ三年までとする",
);
/// Days within which a rule asks for something yearly.
pub const RULE_YEAR: Threshold = days(
    "rule_year",
    366,
    "規則が「毎年」とする日数（研修、点検、監査、一年ごとの文書の見直し）",
    "a rule says yearly",
    "「定期的に」の一年を、うるう年を含めて数える",
);
/// Days within which a rule asks for the review of a document that is not yearly.
pub const RULE_REVIEW: Threshold = days(
    "rule_review",
    1096,
    "規則が文書の見直しを求める日数（毎年でないもの）",
    "a rule asks for the review of a document",
    "ガイドラインは見直しの間隔を示さない。三年見直していない規程は、今のシステムに合わないことが多い",
);

/// Every number of ours, in the order of the manual.
pub static THRESHOLDS: &[&Threshold] = &[
    &LEDGER,
    &REPORT,
    &PATCHED,
    &DEFINITIONS,
    &ACCOUNT_USED,
    &BACKUP,
    &GENERATIONS_MIN,
    &METHODS_MIN,
    &ROUTE_UPDATED,
    &RULE_YEAR,
    &RULE_REVIEW,
    &ATTESTATION,
    &ATTESTATION_MAX,
    &SOON,
];

/// The number called `name`.
pub fn threshold(name: &str) -> Option<&'static Threshold> {
    THRESHOLDS.iter().copied().find(|t| t.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_numbers_positive() {
        let mut seen = std::collections::BTreeSet::new();
        for t in THRESHOLDS {
            assert!(seen.insert(t.name), "{} twice", t.name);
            assert!(t.value > 0 && t.name.chars().all(|c| c.is_ascii_lowercase() || c == '_'), "{}", t.name);
        }
    }
}
