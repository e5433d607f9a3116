//! 推移: how verdicts moved, month by month and requirement by requirement.
//!
//! A month shows the last day of it on which somebody counted. A month in which nobody did is a gap, never a number in
//! between its neighbours.

use jiff::civil::Date;

use crate::evaluate::Verdict;

/// Months shown, this one included.
pub const MONTHS: i32 = 12;

/// Which way a verdict moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Way {
    /// It held or was not asked, and does not hold any more; or nobody knew, and now it is known not to.
    Worse,
    /// It did not hold, and does.
    Better,
}

/// Which way a verdict moved; `None` where it did not, or neither way: what is not asked any more got no better.
pub fn moved(before: Verdict, now: Verdict) -> Option<Way> {
    let asked = now != Verdict::NotApplicable;
    match (before.holds() || before == Verdict::NotApplicable, now.holds()) {
        (true, false) if asked => Some(Way::Worse),
        (false, false) if (before, now) == (Verdict::Unknown, Verdict::Unmet) => Some(Way::Worse),
        (false, true) => Some(Way::Better),
        _ => None,
    }
}

/// The first day of each of the last [`MONTHS`] months until `today`, the oldest first, each with the last of the counted
/// days in it, if there is one.
pub fn months<T>(counted: &[(Date, T)], today: Date) -> Vec<(Date, Option<&(Date, T)>)> {
    let number = |day: Date| i32::from(day.year()) * 12 + i32::from(day.month()) - 1;
    let this = number(today);
    (this - MONTHS + 1..=this)
        .filter_map(|month| {
            let year = i16::try_from(month.div_euclid(12)).ok()?;
            let first = Date::new(year, i8::try_from(month.rem_euclid(12) + 1).ok()?, 1).ok()?;
            let last =
                counted.iter().filter(|(day, _)| number(*day) == month && *day <= today).max_by_key(|(day, _)| *day);
            Some((first, last))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing, reason = "tests")]
    use super::*;
    use jiff::civil::date;

    #[test]
    fn a_verdict_moves_one_way_the_other_or_neither() {
        use Verdict::{Deemed, DueSoon, Met, NotApplicable, Unknown, Unmet};
        for (before, now, way) in [
            (Met, Unmet, Some(Way::Worse)),
            (DueSoon, Unknown, Some(Way::Worse)),
            (NotApplicable, Unknown, Some(Way::Worse)),
            (Unknown, Unmet, Some(Way::Worse)),
            (Unmet, Met, Some(Way::Better)),
            (Unknown, Deemed, Some(Way::Better)),
            (Unmet, Unknown, None),
            (Unmet, NotApplicable, None),
            (NotApplicable, Met, None),
            (Met, DueSoon, None),
        ] {
            assert_eq!(moved(before, now), way, "{before:?} {now:?}");
        }
        for verdict in Verdict::ALL {
            assert_eq!(moved(verdict, verdict), None);
        }
    }

    #[test]
    fn a_month_without_a_count_is_a_gap() {
        let counted =
            [(date(2025, 11, 30), 0), (date(2025, 12, 30), 1), (date(2025, 12, 31), 2), (date(2026, 11, 22), 3)];
        let shown = months(&counted, date(2026, 11, 22));
        assert_eq!((shown.len(), shown[0].0, shown[11].0), (12, date(2025, 12, 1), date(2026, 11, 1)));
        assert_eq!(shown[0].1, Some(&(date(2025, 12, 31), 2)), "the last of the month; the month before is too old");
        assert!(shown[1..11].iter().all(|(_, last)| last.is_none()));
        assert_eq!(shown[11].1, Some(&(date(2026, 11, 22), 3)));
        assert_eq!(months(&counted, date(2026, 11, 21))[11].1, None, "what lies ahead is not known");
    }
}
