//! アクセス記録の確認 (log review, `mhlw-7.0/unyo/17-g1`): not every line is read, but what a threshold picks out.
//!
//! What stands out in a week becomes a *case*: one a burst, not one an access. Cases are ranked, and only as many as
//! people can look at are put before them. A case says that something needs an explanation, never that somebody did
//! wrong, and is closed by somebody whom it is not about.

use std::collections::BTreeMap;

use jiff::civil::{Date, Weekday};

use crate::jp::day_in_japan;
use crate::text::Label;
use crate::threshold::{self, Threshold};

/// What stands out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Signal {
    /// The account of somebody who has left was used.
    Leaver,
    /// Maintenance without a work plan that was approved.
    Unplanned,
    /// An override for an emergency: each has to be looked at.
    Emergency,
    /// More taken out than ever before, and than others of the profession do.
    Volume,
    /// Many people opened one patient's record.
    Rush,
    /// An account was used on two terminals at once.
    TwoTerminals,
    /// An account was used again after a long time.
    Dormant,
    /// Records were opened outside the hours of the facility.
    OffHours,
    /// Attempts were refused again and again.
    Refused,
}

use Signal::{Dormant, Emergency, Leaver, OffHours, Refused, Rush, TwoTerminals, Unplanned, Volume};

/// Every signal, the gravest first: code, name, what it says, weight.
const SIGNALS: [(Signal, &str, Label, Label, i64); 9] = [
    (
        Leaver,
        "leaver",
        Label::new("退職者のアカウントの利用", "leaver's account used"),
        Label::new(
            "退職した人のアカウントが、退職の後に使われました。",
            "An account was used after its holder had left.",
        ),
        90,
    ),
    (
        Unplanned,
        "unplanned",
        Label::new("作業計画のない保守", "maintenance without a plan"),
        Label::new(
            "承認された作業計画のない日に、保守の操作がありました。",
            "Maintenance on a day for which no work plan was approved.",
        ),
        80,
    ),
    (
        Volume,
        "volume",
        Label::new("いつもより多い出力・印刷", "unusual volume taken out"),
        Label::new(
            "本人の過去とも同じ職種とも比べて、多くの記録が出力・印刷されました。",
            "More records were exported or printed than this person ever did and than the profession usually does.",
        ),
        70,
    ),
    (
        Rush,
        "rush",
        Label::new("一人の患者への集中", "many openers of one patient"),
        Label::new("一人の患者の記録を、多くの人が開きました。", "Many people opened one patient's record."),
        60,
    ),
    (
        Emergency,
        "emergency",
        Label::new("緊急時の閲覧", "emergency access"),
        Label::new(
            "制限を外して記録が開かれました。理由が妥当かを確かめます。",
            "A restriction was overridden; see whether the reason holds.",
        ),
        50,
    ),
    (
        TwoTerminals,
        "two-terminals",
        Label::new("二つの端末での同時の利用", "two terminals at once"),
        Label::new(
            "一つのアカウントが、二つの端末で同時に使われました。共用の疑いがあります。",
            "One account was used on two terminals at once; it may be shared.",
        ),
        40,
    ),
    (
        Dormant,
        "dormant",
        Label::new("使われていなかったアカウントの利用", "dormant account used"),
        Label::new("長く使われていなかったアカウントが使われました。", "An account was used after a long time."),
        35,
    ),
    (
        OffHours,
        "off-hours",
        Label::new("時間外の閲覧", "opened off hours"),
        Label::new("診療時間の外に、多くの記録が開かれました。", "Many records were opened outside the hours."),
        30,
    ),
    (
        Refused,
        "refused",
        Label::new("失敗・拒否の繰返し", "refused again and again"),
        Label::new("失敗や拒否が繰り返されました。", "Attempts were refused again and again."),
        20,
    ),
];

impl Signal {
    /// Every signal, the gravest first.
    pub fn all() -> impl Iterator<Item = Self> {
        SIGNALS.iter().map(|row| row.0)
    }

    /// The stable code.
    pub fn code(self) -> &'static str {
        SIGNALS.iter().find(|row| row.0 == self).map_or("", |row| row.1)
    }

    /// The name for people.
    pub fn label(self) -> Label {
        SIGNALS.iter().find(|row| row.0 == self).map_or(Label::new("", ""), |row| row.2)
    }

    /// What it says, in one sentence.
    pub fn says(self) -> Label {
        SIGNALS.iter().find(|row| row.0 == self).map_or(Label::new("", ""), |row| row.3)
    }

    /// How grave: cases are ranked by it before anything else.
    pub fn weight(self) -> i64 {
        SIGNALS.iter().find(|row| row.0 == self).map_or(0, |row| row.4)
    }

    /// The signal with this code.
    pub fn parse(code: &str) -> Option<Self> {
        SIGNALS.iter().find(|row| row.1 == code).map(|row| row.0)
    }

    /// Whether the case is about a patient and not about an account.
    pub fn about_patient(self) -> bool {
        self == Rush
    }
}

/// How a case was closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closing {
    /// It was in order.
    Appropriate,
    /// It was not.
    Inappropriate,
    /// It cannot be told.
    Unclear,
}

impl Closing {
    /// Every way: itself, code, name.
    pub const ALL: [(Self, &str, Label); 3] = [
        (Self::Appropriate, "appropriate", Label::new("適切", "appropriate")),
        (Self::Inappropriate, "inappropriate", Label::new("不適切", "inappropriate")),
        (Self::Unclear, "unclear", Label::new("不明", "unclear")),
    ];

    /// The stable code.
    pub fn code(self) -> &'static str {
        Self::ALL.iter().find(|row| row.0 == self).map_or("", |row| row.1)
    }

    /// The name for people.
    pub fn label(self) -> Label {
        Self::ALL.iter().find(|row| row.0 == self).map_or(Label::new("", ""), |row| row.2)
    }

    /// The way with this code.
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.iter().find(|row| row.1 == code).map(|row| row.0)
    }
}

/// The numbers a facility may set, with the least and the most that make sense.
pub static NUMBERS: &[(&Threshold, i64, i64)] = &[
    (&threshold::REVIEW_BUDGET, 1, 100),
    (&threshold::REVIEW_OPENS, 0, 24),
    (&threshold::REVIEW_CLOSES, 0, 24),
    (&threshold::REVIEW_OFF_HOURS, 1, 100_000),
    (&threshold::REVIEW_REFUSED, 1, 100_000),
    (&threshold::REVIEW_RUSH, 2, 10_000),
    (&threshold::REVIEW_EXPORT, 1, 1_000_000),
    (&threshold::REVIEW_FOLD, 1, 100),
    (&threshold::REVIEW_PAST, 7, 366),
    (&threshold::REVIEW_DORMANT, 7, 3_660),
    (&threshold::REVIEW_OVERLAP, 1, 120),
];

/// Under what name the days on which the facility is closed are kept: bit 0 is Sunday.
pub const CLOSED_DAYS: &str = "closed_days";

/// The numbers of a facility: those it set, and ours.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    set: BTreeMap<String, i64>,
}

impl Rules {
    /// The rules with what a facility set.
    pub fn new(set: impl IntoIterator<Item = (String, i64)>) -> Self {
        Self { set: set.into_iter().collect() }
    }

    /// One number.
    pub fn get(&self, of: &Threshold) -> i64 {
        self.set.get(of.name).copied().unwrap_or_else(|| i64::from(of.value))
    }

    /// The days on which the facility is closed, as bits; Sunday where nothing is set.
    pub fn closed_days(&self) -> i64 {
        self.set.get(CLOSED_DAYS).copied().unwrap_or(1)
    }
}

/// The Monday of the week in Japan in which an instant lies: cases are found by week.
pub fn week_of(at: jiff::Timestamp) -> Date {
    let day = day_in_japan(at);
    let back = day.weekday().since(Weekday::Monday);
    day.checked_sub(jiff::Span::new().days(i64::from(back))).unwrap_or(day)
}

/// What an account took out in a week.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// Profession of its holder; empty where it is not known.
    pub job: String,
    /// Records in the week.
    pub week: i64,
    /// The most records in any seven days' worth of the past: its past divided by its weeks, or its best day, whichever
    /// is more.
    pub past: i64,
}

/// Which of the volumes stand out: at least the least, and so many times both the account's own past and the usual of
/// its profession. The profession's usual is the median of the others; where there is none, the past alone decides.
pub fn volumes(taken: &[Taken], rules: &Rules) -> Vec<bool> {
    let (least, fold) = (rules.get(&threshold::REVIEW_EXPORT), rules.get(&threshold::REVIEW_FOLD));
    let stands_out = |at: usize, of: &Taken| {
        let mut others: Vec<i64> = taken
            .iter()
            .enumerate()
            .filter(|(n, other)| *n != at && !of.job.is_empty() && other.job == of.job)
            .map(|(_, other)| other.week)
            .collect();
        others.sort_unstable();
        let usual = others.get(others.len() / 2).copied().unwrap_or(0);
        of.week >= least && of.week >= fold * of.past && of.week >= fold * usual
    };
    taken.iter().enumerate().map(|(at, of)| stands_out(at, of)).collect()
}

/// A work plan as far as it permits maintenance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Its number.
    pub no: String,
    /// The system it is for; any, where it names none.
    pub system: Option<String>,
    /// First day.
    pub from_on: Date,
    /// Last day.
    pub until_on: Date,
    /// When it was approved.
    pub approved_on: Option<Date>,
}

/// Whether maintenance of a system on a day is covered: by a plan that was approved by then and includes the day, and,
/// where the record names a plan, by that one.
pub fn is_planned(plans: &[Plan], system: Option<&str>, day: Date, named: Option<&str>) -> bool {
    plans.iter().any(|plan| {
        let fits = plan.system.is_none() || plan.system.as_deref() == system;
        let named = named.is_none_or(|named| named.eq_ignore_ascii_case(&plan.no));
        let approved = plan.approved_on.is_some_and(|on| on <= day);
        fits && named && approved && plan.from_on <= day && day <= plan.until_on
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn signals_and_closings_have_codes_and_the_gravest_come_first() {
        let weights: Vec<i64> = Signal::all().map(Signal::weight).collect();
        assert!(weights.is_sorted_by(|a, b| a > b));
        assert!(
            Signal::all().all(|signal| Signal::parse(signal.code()) == Some(signal) && !signal.says().ja.is_empty())
        );
        assert!(Closing::ALL.iter().all(|row| Closing::parse(row.1) == Some(row.0) && row.0.code() == row.1));
    }

    #[test]
    fn a_week_begins_on_monday_in_japan() {
        let week = |at: &str| at.parse().map(week_of).ok();
        assert_eq!(week("2026-11-22T03:00:00Z"), Some(date(2026, 11, 16)));
        assert_eq!(week("2026-11-22T14:59:59Z"), Some(date(2026, 11, 16)));
        assert_eq!(week("2026-11-22T15:00:00Z"), Some(date(2026, 11, 23)));
    }

    #[test]
    fn a_volume_stands_out_from_the_own_past_and_from_the_profession() {
        let taken = |job: &str, week, past| Taken { job: job.to_owned(), week, past };
        let all = [
            taken("看護師", 300, 10),
            taken("看護師", 20, 20),
            taken("看護師", 30, 20),
            taken("事務", 300, 200),
            taken("", 300, 0),
            taken("", 99, 0),
        ];
        assert_eq!(volumes(&all, &Rules::default()), [true, false, false, false, true, false]);
        let both = [taken("医事", 300, 0), taken("医事", 280, 0)];
        assert_eq!(volumes(&both, &Rules::default()), [false, false], "what the whole profession does is no case");
        let wide = Rules::new([("review_export".to_owned(), 50), ("review_fold".to_owned(), 1)]);
        assert_eq!(volumes(&all, &wide).iter().filter(|out| **out).count(), 4);
    }

    #[test]
    fn a_plan_covers_its_days_and_system_once_it_is_approved() {
        let plan = |approved_on| Plan {
            no: "W-1".to_owned(),
            system: Some("EMR".to_owned()),
            from_on: date(2026, 11, 18),
            until_on: date(2026, 11, 19),
            approved_on,
        };
        let approved = [plan(Some(date(2026, 11, 17)))];
        let on = |day, system, named| is_planned(&approved, system, date(2026, 11, day), named);
        assert!(on(18, Some("EMR"), None) && on(19, Some("EMR"), Some("w-1")));
        assert!(!on(20, Some("EMR"), None) && !on(18, Some("PACS"), None) && !on(18, None, None));
        assert!(!on(18, Some("EMR"), Some("W-2")));
        assert!(!is_planned(&[plan(None)], Some("EMR"), date(2026, 11, 18), None));
        assert!(!is_planned(&[plan(Some(date(2026, 11, 19)))], Some("EMR"), date(2026, 11, 18), None));
    }
}
