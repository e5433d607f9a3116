//! Until when its maker supports an operating system.
//!
//! The dates are data (`catalogs/os-lifecycle.toml`); this module hides how the many spellings of one
//! system (as an agent reports it, as a clerk typed it) meet one entry. It never guesses: a system
//! that no entry fits has no answer, and an entry without a date says that nobody knows.

use jiff::civil::Date;
use serde::Deserialize;

use crate::catalog::Confidence;

/// The table that ships with the product.
pub const SHIPPED: &str = include_str!("../../../catalogs/os-lifecycle.toml");

/// A loaded table of operating systems.
#[derive(Debug)]
pub struct Lifecycle {
    entries: Vec<Entry>,
}

/// What the table says about one operating system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Support<'a> {
    /// The product and edition that fitted.
    pub product: &'a str,
    /// Last day with free security updates; `None` when the maker gives none or the text leaves it open.
    pub until: Option<Date>,
    /// The maker's page.
    pub source: &'a str,
    /// How sure the date is.
    pub confidence: Confidence,
}

/// Why a table was refused.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "OSサポート期限の表を読み込めませんでした（LIF-001）。{reason}。os-lifecycle.toml を直すか、製品に付属のものへ戻してください。"
)]
pub struct LifecycleError {
    reason: String,
}

#[derive(Debug)]
struct Entry {
    product: String,
    patterns: Vec<Pattern>,
    until: Option<Date>,
    source: String,
    confidence: Confidence,
}

/// Words that must all occur; each is a choice of alternatives.
#[derive(Debug)]
struct Pattern(Vec<Vec<String>>);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    os: Vec<RawEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawEntry {
    product: String,
    r#match: Vec<String>,
    until: Option<toml::value::Datetime>,
    source: String,
    confidence: Confidence,
}

impl Lifecycle {
    /// Reads a table in the form that the head of the shipped file explains.
    ///
    /// # Errors
    /// [`LifecycleError`] when the text is no such table: bad TOML, an entry without a pattern, a
    /// pattern word that no text could ever contain, or something that is not a plain date.
    pub fn parse(text: &str) -> Result<Self, LifecycleError> {
        let file: File = toml::from_str(text).map_err(|e| LifecycleError { reason: e.message().to_owned() })?;
        let entries = file.os.into_iter().map(Entry::load).collect::<Result<_, _>>()?;
        Ok(Self { entries })
    }

    /// The entry that fits `os` most closely: most words, then longest, then first in the file.
    /// `None` when nothing fits, which means unknown.
    pub fn support(&self, os: &str) -> Option<Support<'_>> {
        let words = words(os);
        let mut best: Option<((usize, usize), &Entry)> = None;
        for entry in &self.entries {
            let fit = entry.patterns.iter().filter_map(|p| p.fit(&words)).max();
            if let Some(fit) = fit
                && best.is_none_or(|(so_far, _)| fit > so_far)
            {
                best = Some((fit, entry));
            }
        }
        best.map(|(_, entry)| Support {
            product: &entry.product,
            until: entry.until,
            source: &entry.source,
            confidence: entry.confidence,
        })
    }
}

impl Entry {
    fn load(raw: RawEntry) -> Result<Self, LifecycleError> {
        let refuse = |what: &str| LifecycleError { reason: format!("「{}」の{what}", raw.product) };
        let patterns: Vec<Pattern> = raw
            .r#match
            .iter()
            .map(|p| Pattern::parse(p).ok_or_else(|| refuse("matchに使えない語があります")))
            .collect::<Result<_, _>>()?;
        if patterns.is_empty() {
            return Err(refuse("matchがありません"));
        }
        let until = match raw.until {
            None => None,
            Some(written) => Some(plain_date(written).ok_or_else(|| refuse("untilが日付ではありません"))?),
        };
        Ok(Self { product: raw.product, patterns, until, source: raw.source, confidence: raw.confidence })
    }
}

impl Pattern {
    fn parse(text: &str) -> Option<Self> {
        let parsed: Vec<Vec<String>> =
            text.split_whitespace().map(|word| word.split('|').map(str::to_owned).collect()).collect();
        let readable = |word: &String| words(word) == [word.as_str()];
        let usable = !parsed.is_empty() && parsed.iter().flatten().all(readable);
        usable.then_some(Self(parsed))
    }

    /// Number of words and length of what fitted; `None` when a word is missing.
    fn fit(&self, words: &[String]) -> Option<(usize, usize)> {
        let mut length = 0;
        for alternatives in &self.0 {
            let found = alternatives.iter().filter(|a| words.iter().any(|w| is_version_of(w, a)));
            length += found.map(|a| a.len()).max()?;
        }
        Some((self.0.len(), length))
    }
}

/// `word` is `wanted` or a sub-version of it.
fn is_version_of(word: &str, wanted: &str) -> bool {
    word.strip_prefix(wanted).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

fn plain_date(written: toml::value::Datetime) -> Option<Date> {
    let date = written.date.filter(|_| written.time.is_none())?;
    Date::new(i16::try_from(date.year).ok()?, i8::try_from(date.month).ok()?, i8::try_from(date.day).ok()?).ok()
}

/// The words of a system's name, so that `Windows10Pro`, `Ｗｉｎ 10 Pro` and `windows 10 pro` are one:
/// letters and numbers part, except round single letters (`24H2`, `R2`).
fn words(text: &str) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    let lower = crate::text::tidy(text).to_lowercase();
    for chunk in lower.split(|c: char| !(c.is_alphanumeric() || c == '.')) {
        let mut glue = None;
        for run in runs(chunk) {
            let single = run.chars().count() == 1 && !is_numeric(run);
            match out.last_mut() {
                Some(word) if glue.is_some_and(|previous_single| previous_single || single) => word.push_str(run),
                _ => out.push(run.to_owned()),
            }
            glue = Some(single);
        }
    }
    out.iter().map(|word| canonical(word).to_owned()).filter(|word| !word.is_empty()).collect()
}

fn canonical(word: &str) -> &str {
    let word = word.trim_matches('.');
    let word = word.strip_prefix('v').filter(|rest| is_numeric(rest)).unwrap_or(word);
    match word {
        "win" => "windows",
        _ => word.strip_prefix("10.0.").unwrap_or(word),
    }
}

fn is_numeric(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit() || c == '.')
}

/// Cuts between digits (with dots) and other characters.
fn runs(chunk: &str) -> impl Iterator<Item = &str> {
    let mut rest = chunk;
    std::iter::from_fn(move || {
        let numeric = is_numeric(rest);
        let end = rest.find(|c: char| (c.is_ascii_digit() || c == '.') != numeric).unwrap_or(rest.len());
        let (run, after) = rest.split_at(end);
        rest = after;
        (!run.is_empty()).then_some(run)
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

    use std::collections::HashSet;

    use jiff::civil::date;
    use proptest::prelude::*;

    use super::*;

    fn shipped() -> Lifecycle {
        Lifecycle::parse(SHIPPED).expect("catalogs/os-lifecycle.toml")
    }

    #[test]
    fn the_shipped_table_is_sound() {
        let table = shipped();
        let mut products = HashSet::new();
        let mut patterns = HashSet::new();
        for entry in &table.entries {
            assert!(products.insert(&entry.product), "{} twice", entry.product);
            assert!(entry.source.contains("https://"), "{}: no page", entry.product);
            assert_ne!(entry.confidence, Confidence::Inferred, "{}: leave it out", entry.product);
            if let Some(until) = entry.until {
                assert!(until > date(2010, 1, 1) && until < date(2040, 1, 1), "{}", entry.product);
            }
            for pattern in &entry.patterns {
                assert!(patterns.insert(format!("{pattern:?}")), "{}: {pattern:?} twice", entry.product);
            }
        }
    }

    #[test]
    fn systems_are_found_as_agents_and_people_write_them() {
        let table = shipped();
        for (os, product, until) in [
            ("Windows 11 Pro 24H2", "Windows 11 24H2 (Home/Pro)", Some(date(2026, 10, 13))),
            (
                "Microsoft Windows 11 Enterprise 24H2",
                "Windows 11 24H2 (Enterprise/Education)",
                Some(date(2027, 10, 12)),
            ),
            ("Windows 11 Pro Education 23H2", "Windows 11 23H2 (Home/Pro)", Some(date(2025, 11, 11))),
            ("Windows 11 Enterprise LTSC 24H2", "Windows 11 Enterprise LTSC 2024", Some(date(2029, 10, 9))),
            ("Windows 11 IoT Enterprise LTSC 24H2", "Windows 11 IoT Enterprise LTSC 2024", Some(date(2034, 10, 10))),
            ("Windows 11 Pro (build 26100.4652)", "Windows 11 24H2 (Home/Pro)", Some(date(2026, 10, 13))),
            ("Windows 11 Pro 10.0.22631", "Windows 11 23H2 (Home/Pro)", Some(date(2025, 11, 11))),
            ("Ｗｉｎｄｏｗｓ１０Ｐｒｏ　２２Ｈ２", "Windows 10 22H2", Some(date(2025, 10, 14))),
            ("Win10", "Windows 10 (版の記載なし)", Some(date(2025, 10, 14))),
            ("Windows 10 Enterprise LTSC 1809", "Windows 10 Enterprise LTSC 2019", Some(date(2029, 1, 9))),
            ("Windows 10 IoT Enterprise LTSC 2021", "Windows 10 IoT Enterprise LTSC 2021", Some(date(2032, 1, 13))),
            ("Windows 10 Enterprise 2016 LTSB", "Windows 10 Enterprise LTSB 2016", Some(date(2026, 10, 13))),
            ("Windows 10 Enterprise LTSC", "Windows 10 LTSC (年の記載なし)", None),
            ("Windows 8.1 Pro", "Windows 8.1", Some(date(2023, 1, 10))),
            ("Windows 7 Professional SP1", "Windows 7", Some(date(2020, 1, 14))),
            ("Windows Server 2012 R2 Standard", "Windows Server 2012 R2", Some(date(2023, 10, 10))),
            ("Windows Server 2022 Datacenter 21H2", "Windows Server 2022", Some(date(2031, 10, 14))),
            ("Debian GNU/Linux 12 (bookworm)", "Debian 12 (bookworm)", Some(date(2028, 6, 30))),
            ("Ubuntu 22.04.5 LTS", "Ubuntu 22.04 LTS", Some(date(2027, 4, 1))),
            (
                "Red Hat Enterprise Linux Server release 7.9 (Maipo)",
                "Red Hat Enterprise Linux 7",
                Some(date(2024, 6, 30)),
            ),
            ("CentOS Stream release 8", "CentOS Stream 8", Some(date(2024, 5, 31))),
            ("CentOS Linux 7 (Core)", "CentOS Linux 7", Some(date(2024, 6, 30))),
            ("Fortinet FortiGate 60F v7.4.8,build2795", "FortiOS 7.4", Some(date(2027, 11, 11))),
            ("FortiOS 6.4", "FortiOS 6.4", Some(date(2024, 9, 30))),
            ("ヤマハ RTX1210 Rev.14.01.42", "ヤマハ RTX/NVR/FWX", None),
            ("macOS Sonoma 14.5", "macOS", None),
        ] {
            let found = table.support(os).unwrap_or_else(|| panic!("{os}: not found"));
            assert_eq!((found.product, found.until), (product, until), "{os}");
        }
    }

    #[test]
    fn what_the_table_does_not_know_is_unknown() {
        let table = shipped();
        for os in [
            "",
            "Windows",
            "Windows 11 Pro",
            "Windows 12",
            "Debian 120",
            "Ubuntu 23.10",
            "Linux 5.10",
            "FortiOS 7.40",
            "不明",
        ] {
            assert_eq!(table.support(os), None, "{os}");
        }
    }

    #[test]
    fn a_broken_table_says_what_is_wrong() {
        for (text, says) in [
            ("os = 3", "LIF-001"),
            ("[[os]]\nproduct = \"X\"\nmatch = []\nsource = \"s\"\nconfidence = \"seen\"", "「X」のmatchがありません"),
            ("[[os]]\nproduct = \"X\"\nmatch = [\"a b-c\"]\nsource = \"s\"\nconfidence = \"seen\"", "使えない語"),
            (
                "[[os]]\nproduct = \"X\"\nmatch = [\"a\"]\nuntil = 10:00:00\nsource = \"s\"\nconfidence = \"seen\"",
                "日付",
            ),
            ("[[os]]\nproduct = \"X\"\nmatch = [\"a\"]\nsource = \"s\"\nconfidence = \"sure\"", "LIF-001"),
        ] {
            assert!(Lifecycle::parse(text).unwrap_err().to_string().contains(says), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_gets_an_answer_and_case_does_not_matter(os in "\\PC{0,60}") {
            let table = shipped();
            prop_assert_eq!(table.support(&os), table.support(&os.to_ascii_uppercase()));
        }
    }
}
