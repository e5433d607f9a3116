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
    /// Why this number.
    pub why: Label,
}

const DAYS: Label = Label::new("日", "days");
const GENERATIONS: Label = Label::new("世代", "generations");
const METHODS: Label = Label::new("方式", "methods");
const TIMES: Label = Label::new("件", "accesses");
const HEADS: Label = Label::new("人", "people");
const MINUTES: Label = Label::new("分", "minutes");
const FOLD: Label = Label::new("倍", "times");
const CASES: Label = Label::new("件", "cases");
const YEARS: Label = Label::new("年", "years");
const HOUR: Label = Label::new("時", "o'clock");

const fn days(name: &'static str, value: i32, ja: &'static str, en: &'static str, why: Label) -> Threshold {
    Threshold { name, value, unit: DAYS, label: Label::new(ja, en), why }
}

/// Days a ledger statement, a stock-take or a restore test holds before somebody has to confirm it again.
pub const LEDGER: Threshold = days(
    "ledger",
    366,
    "台帳の記載・棚卸し・復元テストが有効な日数",
    "a ledger statement, stock-take or restore test holds",
    Label::new(
        "ガイドラインは「定期的に」とだけ言い、チェックリストは毎年度ある。うるう年でも一年に一度で足りるように366日とする",
        "the guideline only says \"regularly\" and the checklist comes every fiscal year; 366 days let once a year do, leap years included",
    ),
);
/// Days an agent's report is believed; after them nothing is known of the machine.
pub const REPORT: Threshold = days(
    "report",
    31,
    "端末エージェントの報告を信じる日数",
    "an agent's report is believed",
    Label::new(
        "エージェントは毎日報告する。一月報告のない機器の状態は、分からないものとする",
        "agents report daily; of a machine that has been silent for a month nothing is known",
    ),
);
/// Days since the last update of the operating system.
pub const PATCHED: Threshold = days(
    "patched",
    90,
    "更新プログラムを最後に適用してからの日数",
    "since the last update was applied",
    Label::new(
        "更新プログラムは毎月出る。検証や事業者の作業の都合で二度見送っても足りる日数",
        "updates come monthly; enough even when two are put off for tests or the vendor",
    ),
);
/// Days since the virus definitions were updated.
pub const DEFINITIONS: Threshold = days(
    "definitions",
    14,
    "ウイルス定義ファイルが最新とみなされる日数",
    "virus definitions count as current",
    Label::new(
        "定義は毎日出る。閉じた網で週に一度媒体から入れ、一度遅れても足りる日数",
        "definitions come daily; enough where they are carried into a closed network once a week and one week is missed",
    ),
);
/// Days since an account was last used.
pub const ACCOUNT_USED: Threshold = days(
    "account_used",
    180,
    "アカウントを最後に使ってからの日数",
    "since an account was last used",
    Label::new(
        "半年使われないアカウントは、休職や異動を考えても要否を確かめる頃合いとする",
        "half a year without use is the time to ask whether an account is needed, leave and transfers considered",
    ),
);
/// Days since the last backup.
pub const BACKUP: Threshold = days(
    "backup",
    7,
    "最後のバックアップからの日数",
    "since the last backup",
    Label::new(
        "週に一度の取得を、最も少ない形とする。毎日取るべき情報かどうかは施設が決める",
        "once a week is the least; whether something needs a daily backup is for the facility to decide",
    ),
);
/// Days since the firmware of a remote-maintenance device was updated or checked.
pub const ROUTE_UPDATED: Threshold = days(
    "route_updated",
    180,
    "リモート保守の接続機器を更新・確認してからの日数",
    "since a route's device was updated or checked",
    Label::new(
        "VPN装置の古いファームウェアが侵入口になった例が多い。半年に一度は新しい版の有無を確かめる",
        "old firmware of VPN devices has often been the way in; look for a new version every half year",
    ),
);
/// Backup generations.
pub const GENERATIONS_MIN: Threshold = Threshold {
    name: "generations",
    value: 3,
    unit: GENERATIONS,
    label: Label::new("バックアップの世代数", "backup generations"),
    why: Label::new(
        "ガイドラインは「数世代」と言い、数は示さない。「数」を三以上と読む",
        "the guideline says \"several generations\" without a number; several is read as three or more",
    ),
};
/// Backup methods.
pub const METHODS_MIN: Threshold = Threshold {
    name: "methods",
    value: 2,
    unit: METHODS,
    label: Label::new("バックアップの方式数", "backup methods"),
    why: Label::new(
        "ガイドラインは「複数の方式」と言い、数は示さない。「複数」を二以上と読む",
        "the guideline says \"several methods\" without a number; several is read as two or more",
    ),
};
/// Days before the end of evidence at which a met requirement becomes 期限間近.
pub const SOON: Threshold = days(
    "soon",
    30,
    "期限間近とする、根拠の期限までの日数",
    "before the end of evidence it is due soon",
    Label::new("研修や棚卸しを手配するのに一月はかかる", "a training or a stock-take takes a month to arrange"),
);
/// Days a person's confirmation holds when it names no end.
pub const ATTESTATION: Threshold = days(
    "attestation",
    366,
    "期限を書かない人の確認が有効な日数",
    "a confirmation without an end holds",
    Label::new("チェックリストは毎年度確かめる", "the checklist is gone through every fiscal year"),
);
/// Days a person's confirmation holds at the longest, whatever end it names.
pub const ATTESTATION_MAX: Threshold = days(
    "attestation_max",
    1096,
    "人の確認が有効な最長の日数",
    "a confirmation holds at the longest",
    Label::new(
        "遠い期限を書けば確かめずに済む、ということのないように、文書の見直しと同じ三年までとする",
        "a far date must not spare the look: three years, as for the review of documents",
    ),
);
/// Days within which a rule asks for something yearly.
pub const RULE_YEAR: Threshold = days(
    "rule_year",
    366,
    "規則が「毎年」とする日数（研修、点検、監査、一年ごとの文書の見直し）",
    "a rule says yearly",
    Label::new("「定期的に」の一年を、うるう年を含めて数える", "a year of \"regularly\", leap years included"),
);
/// Days within which a rule asks for the review of a document that is not yearly.
pub const RULE_REVIEW: Threshold = days(
    "rule_review",
    1096,
    "規則が文書の見直しを求める日数（毎年でないもの）",
    "a rule asks for the review of a document",
    Label::new(
        "ガイドラインは見直しの間隔を示さない。三年見直していない規程は、今のシステムに合わないことが多い",
        "the guideline gives no interval; rules that nobody has reviewed for three years often no longer fit the systems",
    ),
);

/// Seconds by which the clock of a source of logs may be off.
pub const LOG_SKEW: Threshold = Threshold {
    name: "log_skew",
    value: 120,
    unit: Label::new("秒", "seconds"),
    label: Label::new("記録の取込み元の時刻のずれを知らせる秒数", "the clock of a source of logs is off"),
    why: Label::new(
        "院内で時刻を合わせていれば数秒に収まる。二分を超えると、二つのシステムの記録を並べても順序が分からない",
        "with synchronised clocks it stays within seconds; beyond two minutes the order of two systems' records is lost",
    ),
};
/// Refused or failed attempts of an account in a week that become a case.
pub const REVIEW_REFUSED: Threshold = Threshold {
    name: "review_refused",
    value: 10,
    unit: TIMES,
    label: Label::new(
        "一つのアカウントの失敗・拒否が一週間に何件で確認に回すか",
        "refused accesses of an account in a week",
    ),
    why: Label::new(
        "打ち間違いは一日に一、二度までで、週に十度を超えるのは、忘れたか、他人が試しているかである",
        "people mistype once or twice a day; more than ten times a week is somebody who forgot, or somebody else who tries",
    ),
};
/// Records opened outside the hours of the facility in a week that become a case.
pub const REVIEW_OFF_HOURS: Threshold = Threshold {
    name: "review_off_hours",
    value: 20,
    unit: TIMES,
    label: Label::new("時間外に開いた記録が一週間に何件で確認に回すか", "records opened off hours in a week"),
    why: Label::new(
        "急患の一、二人では超えず、調べ物をすれば超える数とする。夜間も診療する施設は、診療時間を広げて使わない",
        "more than one or two emergencies make, less than browsing makes; who treats at night widens the hours instead",
    ),
};
/// The hour at which the facility begins.
pub const REVIEW_OPENS: Threshold = Threshold {
    name: "review_opens",
    value: 7,
    unit: HOUR,
    label: Label::new("これより前を時間外とみなす時刻", "off hours before"),
    why: Label::new("外来の準備が始まる時刻", "when the outpatient department gets ready"),
};
/// The hour at which the facility ends.
pub const REVIEW_CLOSES: Threshold = Threshold {
    name: "review_closes",
    value: 21,
    unit: HOUR,
    label: Label::new("これ以後を時間外とみなす時刻", "off hours from"),
    why: Label::new(
        "夜間の外来と記録の整理が終わる時刻",
        "when evening patients are seen and the records are in order",
    ),
};
/// Days without use after which the use of an account becomes a case.
pub const REVIEW_DORMANT: Threshold = days(
    "review_dormant",
    90,
    "使われていなかったアカウントが再び使われたら確認に回す日数",
    "an account was not used before it was used again",
    Label::new(
        "産休や研修より短く、応援や当直の間隔より長い",
        "shorter than a leave or a training course, longer than the gap between duties",
    ),
);
/// Minutes within which an account going back and forth between terminals counts as used on both at once.
pub const REVIEW_OVERLAP: Threshold = Threshold {
    name: "review_overlap",
    value: 10,
    unit: MINUTES,
    label: Label::new("二つの端末を行き来したら同時の利用とみなす間隔", "going back and forth between terminals"),
    why: Label::new(
        "一人が隣の部屋の端末に移って戻るより短い時間に行き来するのは、二人が使っている疑いがある",
        "faster than one person walks to the terminal next door and back: perhaps two people",
    ),
};
/// Records taken out in a week below which nothing is made of it.
pub const REVIEW_EXPORT: Threshold = Threshold {
    name: "review_export",
    value: 100,
    unit: TIMES,
    label: Label::new("出力・印刷した記録が一週間に何件から比べるか", "records exported or printed in a week"),
    why: Label::new(
        "紹介状や診療情報の提供では超えず、患者の一覧を持ち出せば超える数とする",
        "more than referrals make, less than a list of patients makes",
    ),
};
/// How many times an account's own past or its profession's usual a volume has to be.
pub const REVIEW_FOLD: Threshold = Threshold {
    name: "review_fold",
    value: 3,
    unit: FOLD,
    label: Label::new(
        "出力・印刷が本人の過去や職種の中央値の何倍で確認に回すか",
        "times one's own past and one's profession's usual",
    ),
    why: Label::new(
        "月末や健診の時期の波は二倍ほどで収まる",
        "the waves of month ends and check-ups stay within twofold",
    ),
};
/// Days that are an account's own past.
pub const REVIEW_PAST: Threshold = days(
    "review_past",
    28,
    "出力・印刷の量を比べる過去の日数",
    "the past that a volume is compared with",
    Label::new("曜日の偏りが消える四週間", "four weeks, in which the days of the week even out"),
);
/// People who opened one patient's record in a week that become a case.
pub const REVIEW_RUSH: Threshold = Threshold {
    name: "review_rush",
    value: 20,
    unit: HEADS,
    label: Label::new(
        "一人の患者の記録を一週間に何人が開いたら確認に回すか",
        "people who opened one patient's record in a week",
    ),
    why: Label::new(
        "入院中の患者に関わる職員は多くても二十人ほどで、職員や話題の人の入院では数十人が開いた例がある。小さな施設では減らす",
        "about twenty people care for an inpatient; when staff or people in the news were admitted, dozens looked. Smaller facilities set less",
    ),
};
/// Cases a week that people work off.
pub const REVIEW_BUDGET: Threshold = Threshold {
    name: "review_budget",
    value: 5,
    unit: CASES,
    label: Label::new("一週間に人が確認する件数", "cases that people look at in a week"),
    why: Label::new(
        "見きれない数を並べると、どれも見られなくなる。重い順にこの数だけを確認に回し、残りは数を示す",
        "of more than can be looked at, nothing is looked at; the weightiest go to people, of the rest the number is shown",
    ),
};

/// Years that records are kept at least; a shorter period cannot be stated.
pub const RETENTION: Threshold = Threshold {
    name: "retention",
    value: 5,
    unit: YEARS,
    label: Label::new(
        "操作記録・アクセス記録の保存期間として決められる最も短い年数",
        "the shortest period that can be stated for operation and access records",
    ),
    why: Label::new(
        "確認できた範囲のガイドラインに、記録の保存年数はない。診療録の保存が5年なので、それを開いた人の記録も同じだけは残す。決めないかぎり処分しない",
        "no guideline text that was seen names a period; charts are kept for 5 years, and so should be the records of who opened them. Without a stated period nothing is disposed of",
    ),
};

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
    &LOG_SKEW,
    &REVIEW_BUDGET,
    &REVIEW_REFUSED,
    &REVIEW_OPENS,
    &REVIEW_CLOSES,
    &REVIEW_OFF_HOURS,
    &REVIEW_DORMANT,
    &REVIEW_OVERLAP,
    &REVIEW_EXPORT,
    &REVIEW_FOLD,
    &REVIEW_PAST,
    &REVIEW_RUSH,
    &RETENTION,
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
