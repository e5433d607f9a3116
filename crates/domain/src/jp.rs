//! Japanese dates: 和暦 and the other ways a day is written, and the 年度.
//!
//! The eras are data with the day each began, so a new era is one line. Reading is tolerant of form
//! (full width, kanji numerals, separators, weekday, time) and strict about meaning: a day that does
//! not exist, an era year after the era ended or a month without a day is an error that says what to
//! write instead. Nothing is guessed.

use jiff::{Span, civil::Date};

use crate::text::{Lang, tidy};

/// One era (元号).
struct Era {
    name: &'static str,
    letter: char,
    start: Date,
}

impl Era {
    fn western(&self, year: i32) -> i32 {
        i32::from(self.start.year()).saturating_add(year).saturating_sub(1)
    }
}

/// Every era a ledger may name, newest first. 明治 counts from the day its proclamation reached back to.
static ERAS: &[Era] = &[
    Era { name: "令和", letter: 'R', start: jiff::civil::date(2019, 5, 1) },
    Era { name: "平成", letter: 'H', start: jiff::civil::date(1989, 1, 8) },
    Era { name: "昭和", letter: 'S', start: jiff::civil::date(1926, 12, 25) },
    Era { name: "大正", letter: 'T', start: jiff::civil::date(1912, 7, 30) },
    Era { name: "明治", letter: 'M', start: jiff::civil::date(1868, 1, 25) },
];

/// First and last year that a ledger may name.
const YEARS: std::ops::RangeInclusive<i32> = 1868..=2100;
/// Words that may follow a date without changing it.
const TAILS: &[&str] = &["付", "付け", "頃", "ごろ", "現在", "時点", "まで", "迄", "予定"];

/// The civil date in Japan at an instant. Japan keeps one offset all year, so no zone table is needed.
pub fn day_in_japan(at: jiff::Timestamp) -> Date {
    time_in_japan(at).date()
}

/// The civil date and time in Japan at an instant.
pub fn time_in_japan(at: jiff::Timestamp) -> jiff::civil::DateTime {
    jiff::tz::Offset::constant(9).to_datetime(at)
}

/// The instant at which a day begins in Japan; the end of time where the calendar ends.
pub fn start_in_japan(day: Date) -> jiff::Timestamp {
    let midnight = day.at(0, 0, 0, 0);
    jiff::tz::Offset::constant(9).to_timestamp(midnight).unwrap_or(jiff::Timestamp::MAX)
}

/// Why a text is no date. Every message names the text and what to write instead.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DateError {
    /// The text does not look like a date.
    #[error(
        "『{0}』は日付として読めません。2026/4/1、2026年4月1日、令和8年4月1日、R8.4.1 のような形に直してください。"
    )]
    Unreadable(String),
    /// The month has no such day, or the year no such month.
    #[error("『{text}』という日はありません({reason})。正しい日付に直してください。")]
    NoSuchDay {
        /// What was written.
        text: String,
        /// How far the month or the year goes.
        reason: String,
    },
    /// The day lies before the era began or after it ended.
    #[error("『{text}』は{era}の期間に入りません。{fix}に直してください。")]
    OutsideEra {
        /// What was written.
        text: String,
        /// Name of the era.
        era: &'static str,
        /// The same day in the era it belongs to.
        fix: String,
    },
    /// The year is not between 1868 and 2100.
    #[error("『{text}』は西暦{year}年になります。1868年から2100年までの日付に直してください。")]
    OutOfRange {
        /// What was written.
        text: String,
        /// The year it means.
        year: i32,
    },
    /// Only a year or a month is given.
    #[error("『{0}』には日がありません。日まで入れてください(月しか分からないときは1日にし、備考に書いてください)。")]
    DayMissing(String),
    /// The year in parentheses is another one.
    #[error("『{0}』は西暦と和暦が合いません。どちらが正しいか確かめて直してください。")]
    Contradiction(String),
}

impl DateError {
    /// Stable code for the help desk.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unreadable(_) => "IMP-101",
            Self::NoSuchDay { .. } => "IMP-102",
            Self::OutsideEra { .. } => "IMP-103",
            Self::OutOfRange { .. } => "IMP-104",
            Self::DayMissing(_) => "IMP-105",
            Self::Contradiction(_) => "IMP-106",
        }
    }
}

/// The day that `text` names, in any of the forms people use: `2026/11/22`, `20261122`, `2026年11月22日`,
/// `R8.11.22`, `令和八年十一月二十二日`, `令和元年6月3日`, full width, an Excel serial; a time, a weekday and other
/// remarks in parentheses are dropped.
///
/// # Errors
/// See [`DateError`]: the text is no date, no such day exists, or the day is incomplete.
pub fn parse_date(text: &str) -> Result<Date, DateError> {
    parse_tidied(&tidy(text))
}

/// [`parse_date`] of a text that [`tidy`] has been through.
pub(crate) fn parse_tidied(tidied: &str) -> Result<Date, DateError> {
    let shown = || clip(tidied);
    let (outside, remarks) = split_parentheses(tidied);
    let (era, rest) = split_era(&outside);
    let Reading { year, month, day } = read_numbers(&rest, era.is_some()).map_err(|problem| match problem {
        Unread::Shape => DateError::Unreadable(shown()),
        Unread::DayMissing => DateError::DayMissing(shown()),
    })?;
    let western = match era {
        Some(_) if year == 0 => return Err(DateError::Unreadable(shown())),
        Some(era) => era.western(year),
        None => year,
    };
    if !YEARS.contains(&western) {
        return Err(DateError::OutOfRange { text: shown(), year: western });
    }
    let first = civil(western, month, 1);
    let date = match day {
        Day::Of(day) => civil(western, month, day),
        Day::Last => first.map(Date::last_of_month),
    };
    let date = date.ok_or_else(|| DateError::NoSuchDay {
        text: shown(),
        reason: match first {
            Some(first) => format!("{western}年{month}月は{}日までです", first.days_in_month()),
            None => "月は1から12までです".to_owned(),
        },
    })?;
    if let Some(era) = era.filter(|named| era_of(date).is_none_or(|(of, _)| of.name != named.name)) {
        return Err(DateError::OutsideEra { text: shown(), era: era.name, fix: wareki(date) });
    }
    if remarks.iter().filter_map(|r| year_alone(r)).any(|other| other != western) {
        return Err(DateError::Contradiction(shown()));
    }
    Ok(date)
}

/// The day of an Excel serial (1900 date system; a fraction is the time of day and is dropped), if it lies
/// in 1950..=2100. Earlier numbers are more likely a count than a date; so the 29 February 1900 that
/// Excel invented only shows in the base, two days before 1900-01-01.
pub fn excel_serial(serial: f64) -> Option<Date> {
    let days = serial.floor();
    if !(18_264.0..=73_415.0).contains(&days) {
        return None;
    }
    // In range, so the conversion is exact.
    #[expect(clippy::cast_possible_truncation, reason = "18264..=73415")]
    let days = days as i64;
    jiff::civil::date(1899, 12, 30).checked_add(Span::new().days(days)).ok()
}

/// `date` for people: 「2026年（令和8年）11月22日」, or ISO in English.
pub fn show(date: Date, lang: Lang) -> String {
    match (lang, era_of(date)) {
        (Lang::En, _) => date.to_string(),
        (Lang::Ja, Some((era, year))) => {
            format!("{}年（{}{}年）{}月{}日", date.year(), era.name, first_year(year), date.month(), date.day())
        }
        (Lang::Ja, None) => format!("{}年{}月{}日", date.year(), date.month(), date.day()),
    }
}

/// The 年度 (April to March) in which `date` lies, named by the year it begins in.
pub fn fiscal_year(date: Date) -> i16 {
    if date.month() >= 4 { date.year() } else { date.year().saturating_sub(1) }
}

/// The last day of 年度 `fiscal_year`: 31 March of the next year (of 9999 at the latest).
pub fn fiscal_year_end(fiscal_year: i16) -> Date {
    Date::new(fiscal_year.saturating_add(1), 3, 31).unwrap_or(Date::MAX)
}

/// What was written, short enough for a message.
pub(crate) fn clip(text: &str) -> String {
    const LONGEST: usize = 40;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

fn civil(year: i32, month: i32, day: i32) -> Option<Date> {
    Date::new(i16::try_from(year).ok()?, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()
}

/// The era of `date` and the year within it, counted from 1.
fn era_of(date: Date) -> Option<(&'static Era, i16)> {
    ERAS.iter().find(|era| era.start <= date).map(|era| (era, date.year() - era.start.year() + 1))
}

fn wareki(date: Date) -> String {
    match era_of(date) {
        Some((era, year)) => format!("{}{}年{}月{}日", era.name, first_year(year), date.month(), date.day()),
        None => date.to_string(),
    }
}

fn first_year(year: i16) -> String {
    if year == 1 { "元".to_owned() } else { year.to_string() }
}

/// `text` without its parenthesised parts, and those parts.
fn split_parentheses(text: &str) -> (String, Vec<String>) {
    let (mut outside, mut inside) = (String::with_capacity(text.len()), Vec::new());
    let mut open: Option<String> = None;
    for c in text.chars() {
        match (c, &mut open) {
            ('(', None) => open = Some(String::new()),
            (')', Some(remark)) => {
                inside.push(std::mem::take(remark));
                open = None;
            }
            (c, Some(remark)) => remark.push(c),
            (c, None) => outside.push(c),
        }
    }
    (outside, inside)
}

/// The era `text` begins with, if any, and the rest with kanji numerals turned into digits.
fn split_era(text: &str) -> (Option<&'static Era>, String) {
    let text = text.trim();
    let found = ERAS.iter().find_map(|era| {
        let letter = |c: char| c.eq_ignore_ascii_case(&era.letter);
        let rest = text
            .strip_prefix(era.name)
            .or_else(|| text.strip_prefix(letter))
            .or_else(|| text.strip_prefix(|c| era.name.starts_with(c)))?;
        Some((era, rest.trim_start_matches(['.', '-', '/', ' '])))
    });
    match found {
        // The first year: 元年, and 元.5.1 with a separator instead.
        Some((era, rest)) => match rest.strip_prefix('元') {
            Some(after) => (Some(era), format!("1{}", digits(after))),
            None => (Some(era), digits(rest)),
        },
        None => (None, digits(text)),
    }
}

/// Turns runs of kanji numerals into digits: 二十二 → 22, 二〇二六 → 2026.
fn digits(text: &str) -> String {
    const NUMERALS: &str = "〇一二三四五六七八九";
    let value = |c: char| if c == '零' { Some(0) } else { NUMERALS.chars().position(|n| n == c) };
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if let Some(n) = value(c) {
            // 二十 and 二十二: the 十 is written as a digit only when no other follows.
            if chars.next_if_eq(&'十').is_some() {
                out.push_str(&n.to_string());
                if chars.peek().copied().and_then(value).is_none() {
                    out.push('0');
                }
            } else {
                out.push_str(&n.to_string());
            }
        } else if c == '十' {
            out.push('1');
            if chars.peek().copied().and_then(value).is_none() {
                out.push('0');
            }
        } else {
            out.push(c);
        }
    }
    out
}

/// The year a remark such as `令和8年` or `2026年` names.
fn year_alone(remark: &str) -> Option<i32> {
    let (era, rest) = split_era(remark);
    let year: i32 = rest.trim_end_matches('年').parse().ok()?;
    match era {
        Some(era) => Some(era.western(year)),
        None => (year >= 1000).then_some(year),
    }
}

/// Year (of the era, where one is named), month and day as written.
struct Reading {
    year: i32,
    month: i32,
    day: Day,
}

enum Day {
    Of(i32),
    /// 月末
    Last,
}

enum Unread {
    Shape,
    DayMissing,
}

fn read_numbers(text: &str, in_era: bool) -> Result<Reading, Unread> {
    let (first, after) = leading_number(text).ok_or(Unread::Shape)?;
    let cut = |at: usize| first.split_at_checked(at).ok_or(Unread::Shape);
    match (first.len(), in_era) {
        // 20261122, also with the time glued on
        (8 | 12 | 14, false) => {
            let (year, rest) = cut(4)?;
            check_tail(after)?;
            reading(year, rest.get(..2), rest.get(2..4))
        }
        // R081122
        (6, true) => {
            let (year, rest) = cut(2)?;
            check_tail(after)?;
            reading(year, rest.get(..2), rest.get(2..4))
        }
        (6, false) | (4, true) if check_tail(after).is_ok() => Err(Unread::DayMissing),
        (5, false) => {
            let serial = if after.is_empty() { first.parse().ok() } else { text.parse().ok() };
            let date = serial.and_then(excel_serial).ok_or(Unread::Shape)?;
            Ok(Reading { year: date.year().into(), month: date.month().into(), day: Day::Of(date.day().into()) })
        }
        (4, false) | (1..=3, true) => {
            let Some((month, after)) = next_number(after, '年') else {
                return Err(if ["", "年", "年度"].contains(&after) { Unread::DayMissing } else { Unread::Shape });
            };
            if let Some("末" | "末日") = after.strip_prefix('月') {
                let day = Day::Last;
                return reading(first, Some(month), Some("1")).map(|first| Reading { day, ..first });
            }
            let Some((day, after)) = next_number(after, '月') else {
                return Err(if after.is_empty() || after.starts_with('月') {
                    Unread::DayMissing
                } else {
                    Unread::Shape
                });
            };
            check_tail(after.strip_prefix('日').unwrap_or(after))?;
            reading(first, Some(month), Some(day))
        }
        _ => Err(Unread::Shape),
    }
}

fn reading(year: &str, month: Option<&str>, day: Option<&str>) -> Result<Reading, Unread> {
    let number = |text: Option<&str>| text.and_then(|t| t.parse().ok()).ok_or(Unread::Shape);
    Ok(Reading { year: number(Some(year))?, month: number(month)?, day: Day::Of(number(day)?) })
}

/// The digits `text` begins with, and what follows them.
fn leading_number(text: &str) -> Option<(&str, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, rest) = text.split_at_checked(end)?;
    (!number.is_empty()).then_some((number, rest.trim_start()))
}

/// The one- or two-digit number after a separator, which is `unit` or one of `/ - .`.
fn next_number(text: &str, unit: char) -> Option<(&str, &str)> {
    let rest = text.strip_prefix([unit, '/', '-', '.'])?.trim_start();
    leading_number(rest).filter(|(number, _)| number.len() <= 2)
}

/// Accepts what may stand behind a date: nothing, a time of day, a word that does not change it.
fn check_tail(tail: &str) -> Result<(), Unread> {
    let tail = tail.trim_start_matches(['T', ' ', ',']);
    let is_time = tail.chars().next().is_some_and(|c| c.is_ascii_digit())
        && tail.contains([':', '時'])
        && tail.chars().all(|c| c.is_ascii_digit() || ":.+-Z時分秒 ".contains(c));
    if tail.is_empty() || is_time || TAILS.contains(&tail) { Ok(()) } else { Err(Unread::Shape) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use jiff::civil::date;
    use proptest::prelude::*;

    #[test]
    fn every_spelling_of_a_day() {
        let day = date(2026, 11, 22);
        for text in [
            "2026/11/22",
            "2026-11-22",
            "20261122",
            "2026.11.22",
            "2026年11月22日",
            "２０２６／１１／２２",
            "R8.11.22",
            "R08/11/22",
            "r8-11-22",
            "R.8.11.22",
            "R081122",
            "令和８年１１月２２日",
            "令和八年十一月二十二日",
            "㋿8年11月22日",
            "二〇二六年十一月二十二日",
            "令8.11.22",
            "2026-11-22 00:00:00",
            "2026-11-22T09:30:00",
            "2026/11/22 9:05",
            "2026年11月22日(日)",
            "2026年（令和8年）11月22日",
            "令和8年(2026年)11月22日(日曜日)",
            "2026. 11. 22",
            "46348",
            "46348.75",
            "2026年11月22日付",
            " 2026/11/22\u{3000}",
            "20261122093000",
        ] {
            assert_eq!(parse_date(text), Ok(day), "{text}");
        }
        for (text, day) in [
            ("平成２８年１月３日", date(2016, 1, 3)),
            ("H23.10.7", date(2011, 10, 7)),
            ("令和元年6月3日", date(2019, 6, 3)),
            ("R元.5.1", date(2019, 5, 1)),
            ("令和元/5/1", date(2019, 5, 1)),
            ("平元-1-8", date(1989, 1, 8)),
            ("R01/07/03", date(2019, 7, 3)),
            ("S64.1.7", date(1989, 1, 7)),
            ("昭和六十三年十二月十日", date(1988, 12, 10)),
            ("2024/2/29", date(2024, 2, 29)),
            ("令和10年2月末", date(2028, 2, 29)),
            ("2027年 3月末日", date(2027, 3, 31)),
        ] {
            assert_eq!(parse_date(text), Ok(day), "{text}");
        }
    }

    #[test]
    fn what_is_no_day_says_what_to_write() {
        for (text, code, needle) in [
            ("", "IMP-101", "読めません"),
            ("昨日", "IMP-101", "令和8年4月1日"),
            ("8/4/1", "IMP-101", "読めません"),
            ("4/1", "IMP-101", "読めません"),
            ("2026/4/1から2027/3/31", "IMP-101", "読めません"),
            ("2025/2/30", "IMP-102", "2025年2月は28日まで"),
            ("2026/13/1", "IMP-102", "月は1から12"),
            ("平成40年1月1日", "IMP-103", "令和10年1月1日"),
            ("昭和64年1月8日", "IMP-103", "平成元年1月8日"),
            ("R1.4.1", "IMP-103", "平成31年4月1日"),
            ("令和99年1月1日", "IMP-104", "2117"),
            ("9999/12/31", "IMP-104", "2100"),
            ("令和0年1月1日", "IMP-101", "読めません"),
            ("2026年4月", "IMP-105", "日がありません"),
            ("2026/4", "IMP-105", "日がありません"),
            ("202604", "IMP-105", "日がありません"),
            ("R8.4", "IMP-105", "日がありません"),
            ("令和8年度", "IMP-105", "日がありません"),
            ("2026年4月頃", "IMP-105", "日がありません"),
            ("2026年(令和7年)4月1日", "IMP-106", "合いません"),
        ] {
            let error = parse_date(text).unwrap_err();
            assert_eq!(error.code(), code, "{text}: {error}");
            assert!(error.to_string().contains(needle), "{text}: {error}");
        }
    }

    #[test]
    fn serials_and_fiscal_years() {
        assert_eq!(excel_serial(42_349.0), Some(date(2015, 12, 11)));
        assert_eq!(excel_serial(18_264.0), Some(date(1950, 1, 1)));
        assert_eq!(excel_serial(73_415.99), Some(date(2100, 12, 31)));
        for outside in [0.0, 60.0, 18_263.0, 73_416.0, f64::NAN, f64::INFINITY] {
            assert_eq!(excel_serial(outside), None, "{outside}");
        }
        assert_eq!(fiscal_year(date(2026, 3, 31)), 2025);
        assert_eq!(fiscal_year(date(2026, 4, 1)), 2026);
        assert_eq!(fiscal_year_end(2026), date(2027, 3, 31));
        assert_eq!(show(date(2019, 5, 1), Lang::Ja), "2019年（令和元年）5月1日");
        assert_eq!(show(date(2026, 11, 22), Lang::En), "2026-11-22");
    }

    fn days() -> impl Strategy<Value = Date> {
        (0_i64..=85_000).prop_map(|n| date(1868, 1, 25).checked_add(Span::new().days(n)).unwrap())
    }

    #[test]
    fn the_day_in_japan_begins_nine_hours_early() {
        let day = |instant: &str| day_in_japan(instant.parse().unwrap()).to_string();
        assert_eq!(day("2026-11-22T14:59:59Z"), "2026-11-22");
        assert_eq!(day("2026-11-22T15:00:00Z"), "2026-11-23");
        assert_eq!(day("2026-07-31T15:00:00Z"), "2026-08-01", "no summer time");
    }

    proptest! {
        #[test]
        fn wareki_round_trip(day in days()) {
            prop_assert_eq!(parse_date(&show(day, Lang::Ja)), Ok(day));
            prop_assert_eq!(parse_date(&show(day, Lang::En)), Ok(day));
            prop_assert_eq!(parse_date(&wareki(day)), Ok(day));
        }

        #[test]
        fn any_text_is_read_without_panic(text in "\\PC{0,30}", date_like in "[RHS令和0-9年月日./()元十二 -]{0,16}") {
            let _ = parse_date(&text);
            let _ = parse_date(&date_like);
        }
    }
}
