//! 保存期間: how long which records are kept, and up to where they may be disposed of on a given day.
//!
//! No text that was seen names a period for operation or access records, so nothing goes by itself: a facility states
//! its period and the basis for it, and until then everything is kept. The journal of an installation is one sequence,
//! of which only a beginning can go; what is kept by one facility, kind or hold keeps everything after it.

use std::collections::BTreeMap;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use serde::{Deserialize, Serialize};

use crate::journal::Entry;
use crate::jp::start_in_japan;
use crate::text::{Label, tidy};
use crate::threshold;

/// Entries are disposed of in whole tiles of the sealed log: so many.
pub const TILE: i64 = 256;
/// The entry that tells of a disposal.
pub const DISPOSE: &str = "journal.dispose";
/// The longest period that can be stated, in years.
pub const MOST_YEARS: u16 = 100;

/// What a period is stated for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// 操作記録: what was done here.
    Journal,
    /// アクセス記録: who opened which patient, as other systems reported it.
    Accesses,
}

impl Kind {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Journal, Self::Accesses];

    /// Its code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Journal => "journal",
            Self::Accesses => "accesses",
        }
    }

    /// The kind of a code.
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.code() == code)
    }

    /// Its name.
    pub fn label(self) -> Label {
        match self {
            Self::Journal => Label::new("操作記録", "operation records"),
            Self::Accesses => Label::new("アクセス記録", "access records"),
        }
    }

    /// What an entry of the journal with this action is.
    pub fn of(action: &str) -> Self {
        if action.starts_with("access.") { Self::Accesses } else { Self::Journal }
    }
}

/// A period that a text was seen to state. None of them is about operation or access records; they are what a facility
/// may lean on.
#[derive(Debug)]
pub struct Seen {
    /// For which records.
    pub what: Label,
    /// Years.
    pub years: u16,
    /// Where it says so.
    pub basis: Label,
}

/// What was seen.
pub const SEEN: &[Seen] = &[
    Seen {
        what: Label::new("診療録（完結の日から）", "medical charts, from completion"),
        years: 5,
        basis: Label::new(
            "医師法24条。年数は診療録管理体制加算の通知と二次資料で確認",
            "Medical Practitioners Act art. 24; the figure was seen in the notice of the record-keeping fee and a secondary source",
        ),
    },
    Seen {
        what: Label::new(
            "手術記録・看護記録など（診療録管理体制加算1）",
            "surgery and nursing records, for record-keeping fee 1",
        ),
        years: 3,
        basis: Label::new("診療録管理体制加算の通知", "notice of the record-keeping fee"),
    },
];

/// How long a facility keeps records of a kind, and why so long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Period {
    /// Years.
    pub years: u16,
    /// The law, notice or rule of the house it follows from.
    pub basis: String,
}

/// Why a period cannot be stated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PeriodError {
    /// No number of years, or one out of range.
    Years,
    /// No basis.
    Basis,
}

impl Period {
    /// A period as people type it.
    ///
    /// # Errors
    /// When it is no number of years from the least to [`MOST_YEARS`], or has no basis.
    pub fn parse(years: &str, basis: &str) -> Result<Self, PeriodError> {
        let typed = tidy(years);
        let years = typed.trim_end_matches('年').trim().parse().ok();
        let years = years.filter(|years| (least_years()..=MOST_YEARS).contains(years)).ok_or(PeriodError::Years)?;
        let basis = tidy(basis);
        if basis.is_empty() { Err(PeriodError::Basis) } else { Ok(Self { years, basis }) }
    }
}

/// The shortest period that can be stated, in years.
pub fn least_years() -> u16 {
    u16::try_from(threshold::RETENTION.value).unwrap_or(u16::MAX)
}

/// Up to when what goes with entries goes, by facility.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bounds {
    /// Originals received before this instant, UTC microseconds.
    pub originals: BTreeMap<String, i64>,
    /// Keys of months before this one (`2021-11`, UTC).
    pub keys: BTreeMap<String, String>,
}

/// Something that keeps records although their period is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hold {
    /// Records from this day on are kept, in Japan; without a day all are.
    pub from: Option<Date>,
}

/// The instant before which records of a kind may go at `now`; `None` keeps everything. It is the beginning of a month
/// (UTC), since the keys that go with the records are those of months, and never less than the whole period ago.
pub fn cutoff(now: Timestamp, period: Option<&Period>, holds: &[Hold]) -> Option<Timestamp> {
    let month = TimeZone::UTC.to_datetime(now).date().first_of_month();
    let start = month.checked_sub(i64::from(period?.years).years()).ok()?;
    let mut cutoff = TimeZone::UTC.to_timestamp(start.at(0, 0, 0, 0)).ok()?;
    for hold in holds {
        cutoff = cutoff.min(start_in_japan(hold.from?));
    }
    Some(cutoff)
}

/// The last entry of the journal that may go, when `first_kept` are the places of the first entries that may not, of
/// each facility and kind, and so many entries are `sealed`; 0 when none may.
pub fn last_to_go(first_kept: impl IntoIterator<Item = i64>, sealed: i64) -> i64 {
    let last = first_kept.into_iter().map(|seq| seq.saturating_sub(1)).min().unwrap_or(sealed).min(sealed).max(0);
    last - last % TILE
}

/// Whether an entry tells that everything up to a place was disposed of, the last of which had this hash.
pub fn tells_of(entry: &Entry, seq: i64, hash: &str) -> bool {
    let detail = |name: &str| entry.details.get(name).map(String::as_str);
    entry.action == DISPOSE && detail("last") == Some(&seq.to_string()) && detail("hash") == Some(hash)
}

/// The month of an instant, as the keys of months are called: `2021-10`, UTC.
pub fn month(at: Timestamp) -> String {
    let at = TimeZone::UTC.to_datetime(at);
    format!("{:04}-{:02}", at.year(), at.month())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use proptest::prelude::*;

    use super::*;

    const HOUR: i64 = 3_600;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn period(years: u16) -> Period {
        Period { years, basis: "院内規程".to_owned() }
    }

    /// An entry as the rules see it: when it was made, whose it is, of which kind.
    type Made = (i64, usize, Kind);

    fn entries() -> impl Strategy<Value = Vec<Made>> {
        let kind = prop::sample::select(&Kind::ALL[..]);
        // Up to twelve years, mostly in order; a clock that jumps is part of it.
        prop::collection::vec((0_i64..12 * 365 * 24, 0_usize..2, kind), 0..2_000).prop_map(|mut made| {
            made.sort_by_key(|entry| entry.0 / 100);
            made.into_iter().map(|(hours, whose, kind)| (1_400_000_000 + hours * HOUR, whose, kind)).collect()
        })
    }

    fn rules() -> impl Strategy<Value = Option<u16>> {
        prop::option::weighted(0.8, 5_u16..9)
    }

    #[test]
    fn a_period_is_the_beginning_of_a_month_and_not_shorter() {
        let now: Timestamp = "2026-11-28T10:00:00Z".parse().unwrap();
        let cut = |years, holds: &[Hold]| cutoff(now, Some(&period(years)), holds).map(|at| at.to_string());
        assert_eq!(cut(5, &[]).unwrap(), "2021-11-01T00:00:00Z");
        assert_eq!(cutoff(now, None, &[]), None, "nothing goes by itself");
        let day = |text: &str| Hold { from: Some(text.parse().unwrap()) };
        assert_eq!(cut(5, &[day("2024-01-01")]).unwrap(), "2021-11-01T00:00:00Z");
        assert_eq!(cut(5, &[day("2020-04-01"), day("2021-01-01")]).unwrap(), "2020-03-31T15:00:00Z");
        assert_eq!(cut(5, &[Hold { from: None }]), None);
        let leap: Timestamp = "2028-02-29T00:00:00Z".parse().unwrap();
        assert_eq!(cutoff(leap, Some(&period(5)), &[]).unwrap().to_string(), "2023-02-01T00:00:00Z");
    }

    #[test]
    fn a_period_is_typed_as_people_do_and_has_a_basis() {
        assert_eq!(
            Period::parse("１０年", " 院内規程 第3条 ").unwrap(),
            Period { years: 10, basis: "院内規程 第3条".into() }
        );
        for bad in ["", "4", "0", "-1", "101", "五年", "5.5"] {
            assert_eq!(Period::parse(bad, "規程"), Err(PeriodError::Years), "{bad}");
        }
        assert_eq!(Period::parse("5", "　"), Err(PeriodError::Basis));
    }

    proptest! {
        /// Whatever was made, whenever, by whom: what goes was kept for its whole period and is under no hold.
        #[test]
        fn nothing_goes_before_its_time(
            made in entries(),
            rules in [[rules(), rules()], [rules(), rules()]],
            held in prop::option::of(0_i32..4_000),
            sealed in 0_i64..2_500,
            days in 0_i64..4_000,
        ) {
            let now = at(1_400_000_000 + days * 24 * HOUR);
            let first: Date = "2014-05-13".parse().unwrap();
            let held: Vec<Hold> = held.map(|days| Hold { from: Some(first + days.days()) }).into_iter().collect();
            let of = |whose: usize, kind: Kind| rules[whose][usize::from(kind == Kind::Accesses)].map(period);
            let holds = |whose| if whose == 0 { held.as_slice() } else { &[] };
            let may_go = |(second, whose, kind): Made| {
                cutoff(now, of(whose, kind).as_ref(), holds(whose)).is_some_and(|cut| at(second) < cut)
            };
            let places = (1_i64..).zip(made.iter().copied());
            let first_kept: Vec<i64> = places.clone().filter(|(_, made)| !may_go(*made)).map(|(seq, _)| seq).collect();
            let sealed = sealed.min(i64::try_from(made.len()).unwrap());
            let last = last_to_go(first_kept, sealed);
            prop_assert!(last % TILE == 0 && (0..=sealed).contains(&last));
            for (_, (second, whose, kind)) in places.filter(|(seq, _)| *seq <= last) {
                let years = of(whose, kind).unwrap().years;
                let old = TimeZone::UTC.to_datetime(at(second)).checked_add(i64::from(years).years()).unwrap();
                prop_assert!(old <= TimeZone::UTC.to_datetime(now));
                prop_assert!(holds(whose).iter().all(|hold| at(second) < start_in_japan(hold.from.unwrap())));
            }
        }

        /// A day later at least as much may go, as long as the rules stay.
        #[test]
        fn what_may_go_may_go_tomorrow(years in 5_u16..30, day in 0_i64..20_000) {
            let (today, tomorrow) = (at(day * 24 * HOUR), at((day + 1) * 24 * HOUR));
            prop_assert!(cutoff(today, Some(&period(years)), &[]) <= cutoff(tomorrow, Some(&period(years)), &[]));
        }
    }
}
