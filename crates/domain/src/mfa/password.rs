//! Passwords and PINs by edition: guideline 7.0 (`mhlw-7.0/unyo/14-6` and the commentary to 14.1.1)
//! and the FY R7 checklist, which disagree about symbols and about changing passwords regularly.
//!
//! Storage, lock-out and reuse across people are facts of their own. Like everywhere here, what is
//! not stated is never taken as fulfilled.

use crate::text::Label;

/// Shortest password where two factors are in use, in characters.
pub(crate) const SHORTEST_WITH_TWO_FACTOR: i64 = 8;
/// Shortest password where it is the only factor, in characters.
pub(crate) const SHORTEST_ALONE: i64 = 13;
/// Shortest password of the FY R7 checklist, in characters.
const SHORTEST_R7: i64 = 8;

/// What is known of a password, or of what a system makes its users choose.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Password {
    /// Shortest length possible, in characters.
    pub length: Option<i64>,
    /// Has letters as well as digits; upper and lower case are not distinguished.
    pub letters_and_digits: Option<bool>,
    /// Has symbols.
    pub symbols: Option<bool>,
    /// Is changed regularly.
    pub changed_regularly: Option<bool>,
    /// Longest password the product takes, in characters, where there is such a limit.
    pub product_max: Option<i64>,
    /// Is known to be used in another system too.
    pub reused: bool,
}

/// How a password or PIN fares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PasswordVerdict {
    /// Good enough.
    Ok,
    /// As long as the product allows; to be put right at the nearest renewal.
    Deferred,
    /// Not good enough, for at least one reason.
    Ng(Vec<PasswordCode>),
    /// Something that matters is not stated.
    Unknown,
}

/// Why a password or PIN is not good enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PasswordCode {
    /// Shorter than 8.
    Length8,
    /// Shorter than 13 with no second factor.
    Length13,
    /// The product takes fewer than 13, and its maximum has to be used.
    ProductMax,
    /// Letters and digits are not mixed.
    Mix,
    /// No symbols (FY R7).
    Symbols,
    /// Not changed regularly (FY R7).
    Change,
    /// Used in another system.
    Reuse,
    /// A PIN with no second factor.
    PinAlone,
    /// A PIN outside 4–8 digits.
    PinLength,
}

/// Judges a password by guideline 7.0: 8 or more characters with two factors, else 13 or more;
/// letters and digits; no reuse. Regular change and symbols are not asked for.
pub fn password(password: &Password, two_factor: bool) -> PasswordVerdict {
    let (shortest, too_short) = if two_factor {
        (SHORTEST_WITH_TWO_FACTOR, PasswordCode::Length8)
    } else {
        (SHORTEST_ALONE, PasswordCode::Length13)
    };
    let limit = password.product_max.filter(|max| !two_factor && *max < shortest);
    let (floor, below_floor) = limit.map_or((shortest, too_short), |max| (max, PasswordCode::ProductMax));

    let mut codes = Vec::new();
    if password.length.is_some_and(|length| length < floor) {
        codes.push(below_floor);
    }
    if password.letters_and_digits == Some(false) {
        codes.push(PasswordCode::Mix);
    }
    if password.reused {
        codes.push(PasswordCode::Reuse);
    }
    if !codes.is_empty() {
        return PasswordVerdict::Ng(codes);
    }
    match (password.length, password.letters_and_digits) {
        (Some(length), Some(_)) if length >= shortest => PasswordVerdict::Ok,
        (Some(_), Some(_)) => PasswordVerdict::Deferred,
        _ => PasswordVerdict::Unknown,
    }
}

/// Judges a PIN of so many digits by guideline 7.0: 4–8 digits that unlock a certificate in a device,
/// so only as one of two factors.
pub fn pin(digits: u32, two_factor: bool) -> PasswordVerdict {
    let mut codes = Vec::new();
    if !two_factor {
        codes.push(PasswordCode::PinAlone);
    }
    if !(4..=8).contains(&digits) {
        codes.push(PasswordCode::PinLength);
    }
    if codes.is_empty() { PasswordVerdict::Ok } else { PasswordVerdict::Ng(codes) }
}

/// Judges a password by the FY R7 checklist: 8 or more characters of letters, digits and symbols,
/// changed regularly. Only the change is waived, by two factors or by 13 or more characters.
pub fn password_r7(password: &Password, two_factor: bool) -> PasswordVerdict {
    let length_ok = password.length.map(|length| length >= SHORTEST_R7);
    let no_change_needed = if two_factor { Some(true) } else { password.length.map(|length| length >= SHORTEST_ALONE) };
    let change_ok = match (no_change_needed, password.changed_regularly) {
        (Some(true), _) | (_, Some(true)) => Some(true),
        (Some(false), Some(false)) => Some(false),
        _ => None,
    };
    let asked = [
        (length_ok, PasswordCode::Length8),
        (password.letters_and_digits, PasswordCode::Mix),
        (password.symbols, PasswordCode::Symbols),
        (change_ok, PasswordCode::Change),
    ];
    let codes: Vec<PasswordCode> =
        asked.iter().filter(|(answer, _)| *answer == Some(false)).map(|(_, code)| *code).collect();
    if !codes.is_empty() {
        PasswordVerdict::Ng(codes)
    } else if asked.iter().any(|(answer, _)| answer.is_none()) {
        PasswordVerdict::Unknown
    } else {
        PasswordVerdict::Ok
    }
}

impl PasswordVerdict {
    /// Whether the rule is kept; the product's limit excuses until the renewal.
    pub const fn met(&self) -> Option<bool> {
        match self {
            Self::Ok | Self::Deferred => Some(true),
            Self::Ng(_) => Some(false),
            Self::Unknown => None,
        }
    }

    /// Why it is not simply good.
    pub fn codes(&self) -> &[PasswordCode] {
        match self {
            Self::Ok | Self::Unknown => &[],
            Self::Deferred => &[PasswordCode::ProductMax],
            Self::Ng(codes) => codes,
        }
    }
}

impl PasswordCode {
    /// The short code, as reports cite it: `P-LEN-13`.
    pub const fn as_str(self) -> &'static str {
        self.entry().0
    }

    /// The reason in one line.
    pub const fn label(self) -> Label {
        self.entry().1
    }

    const fn entry(self) -> (&'static str, Label) {
        let (code, ja, en) = match self {
            Self::Length8 => ("P-LEN-8", "8桁に満たない", "shorter than 8 characters"),
            Self::Length13 => {
                ("P-LEN-13", "二要素でないのに13桁に満たない", "shorter than 13 characters with no second factor")
            }
            Self::ProductMax => (
                "P-PRODUCT-MAX",
                "製品が13桁を受け付けない。最大桁数を使い、直近の更改で必ず対応する",
                "the product does not take 13 characters; use its maximum and put it right at the nearest renewal",
            ),
            Self::Mix => ("P-MIX", "英字と数字が混ざっていない", "letters and digits are not mixed"),
            Self::Symbols => ("P-SYMBOL", "記号が入っていない", "no symbols"),
            Self::Change => (
                "P-CHANGE",
                "二要素でも13文字以上でもないのに、定期的に変更していない",
                "not changed regularly, with neither a second factor nor 13 characters",
            ),
            Self::Reuse => ("P-REUSE", "別のシステムでも使っている", "used in another system too"),
            Self::PinAlone => ("P-PIN-ALONE", "PINだけでログインできる", "a PIN alone is enough to log in"),
            Self::PinLength => ("P-PIN-LEN", "PINが4〜8桁でない", "the PIN is not 4 to 8 digits"),
        };
        (code, Label::new(ja, en))
    }
}
