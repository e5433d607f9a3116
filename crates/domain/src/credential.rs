//! What a person may choose as a password, and how long to wait after wrong ones.
//!
//! The numbers are those of guideline 7.0 (`mhlw-7.0/unyo/14-6`, the commentary to 14.1.1), shared with
//! [`crate::mfa::password`]. On top come what attackers try first (`credential/common.txt`, our own collection), what
//! anybody can guess of the person, and patterns. Composition rules beyond letters and digits are not asked for.

use std::collections::HashSet;
use std::sync::OnceLock;

use unicode_normalization::UnicodeNormalization as _;

use crate::mfa::{SHORTEST_ALONE, SHORTEST_WITH_TWO_FACTOR};
use crate::text::fold;

/// Longest password taken, in characters.
pub const LONGEST: usize = 128;
/// Shortest word of a person or place that may not be part of a password, in characters.
const SHORTEST_CONTEXT: usize = 3;
const COMMON: &str = include_str!("credential/common.txt");

/// Why a password will not do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PasswordFault {
    /// Shorter than so many characters.
    TooShort(usize),
    /// Longer than [`LONGEST`].
    TooLong,
    /// Letters and digits are not mixed.
    Unmixed,
    /// Among what attackers try first.
    Common,
    /// Contains the login, the name of the person, the facility or the product.
    Personal,
    /// Mostly one character, a run such as `abcdef`, or one piece over and over.
    Pattern,
}

impl PasswordFault {
    /// What is wrong and what to do, in Japanese.
    pub fn message(self) -> String {
        match self {
            Self::TooShort(need) => format!("短すぎます。{need}文字以上にしてください。"),
            Self::TooLong => format!("長すぎます。{LONGEST}文字以内にしてください。"),
            Self::Unmixed => "英字と数字が混ざっていません。どちらも入れてください。".to_owned(),
            Self::Common => "よく使われる言葉なので、すぐに当てられます。別のものにしてください。".to_owned(),
            Self::Personal => "ログイン名・氏名・施設名・製品名が入っています。別のものにしてください。".to_owned(),
            Self::Pattern => "同じ文字や並び順の繰り返しです。規則のないものにしてください。".to_owned(),
        }
    }
}

/// The form in which a password is compared and hashed: NFKC, so that 全角 and 半角 are one. Idempotent.
pub fn normalise(candidate: &str) -> String {
    candidate.nfkc().collect()
}

/// Whether a password is long enough to be the only factor. `candidate` is normalised first.
pub fn stands_alone(candidate: &str) -> bool {
    normalise(candidate).chars().count() >= length(SHORTEST_ALONE)
}

/// Everything that speaks against a password; empty when it will do. `context` are words about the person and place
/// (login, name, facility, product). `second_factor` says whether one is asked for besides.
pub fn password_faults(candidate: &str, context: &[&str], second_factor: bool) -> Vec<PasswordFault> {
    let password = normalise(candidate);
    let count = password.chars().count();
    let need = length(if second_factor { SHORTEST_WITH_TWO_FACTOR } else { SHORTEST_ALONE });
    let mixed = password.chars().any(char::is_alphabetic) && password.chars().any(char::is_numeric);
    [
        (count < need, PasswordFault::TooShort(need)),
        (count > LONGEST, PasswordFault::TooLong),
        (!mixed, PasswordFault::Unmixed),
        (is_common(&password), PasswordFault::Common),
        (is_personal(&password, context), PasswordFault::Personal),
        (is_pattern(&password), PasswordFault::Pattern),
    ]
    .into_iter()
    .filter_map(|(wrong, fault)| wrong.then_some(fault))
    .collect()
}

/// Seconds for which an address may not try an account again after so many wrong tries in a row: none below five, then
/// 30, doubling up to 900. It never becomes permanent, and other addresses are not affected, so that nobody can shut
/// a colleague out.
pub fn lockout(failures: u32) -> i64 {
    match failures {
        0..5 => 0,
        more => (30_i64 << (more - 5).min(5)).min(900),
    }
}

/// Seconds by which an answer is held back after so many wrong tries on an account from all addresses together: one for
/// every ten, five at most. It slows guessing from many places and still lets the owner in.
pub fn slowdown(failures: u32) -> u64 {
    u64::from(failures / 10).min(5)
}

fn length(characters: i64) -> usize {
    usize::try_from(characters).unwrap_or(usize::MAX)
}

/// The listed words; `#` starts a comment.
fn common() -> &'static HashSet<&'static str> {
    static WORDS: OnceLock<HashSet<&'static str>> = OnceLock::new();
    WORDS.get_or_init(|| COMMON.lines().filter(|line| !line.starts_with('#')).flat_map(str::split_whitespace).collect())
}

/// Whether what is left without case, end digits and look-alike signs is one listed word, or two.
fn is_common(password: &str) -> bool {
    let lower = password.to_lowercase();
    let core = lower.trim_matches(|c: char| !c.is_alphabetic());
    let spellings = ['i', 'l'].into_iter().flat_map(|one| {
        [&lower, core].map(|text| {
            let plain: String = text.chars().map(|c| look_alike(c, one)).collect();
            plain.chars().filter(|c| c.is_alphabetic()).collect::<String>()
        })
    });
    let mut spellings = spellings.chain([lower.clone(), core.to_owned()]);
    spellings.any(|text| {
        let listed = |word: &str| common().contains(word);
        listed(&text)
            || text.char_indices().any(|(at, _)| text.split_at_checked(at).is_some_and(|(a, b)| listed(a) && listed(b)))
    })
}

/// The letter that a digit or sign stands for in spellings such as `p@ssw0rd`; `one` is what `1` means.
const fn look_alike(c: char, one: char) -> char {
    match c {
        '0' => 'o',
        '1' | '!' | '|' => one,
        '3' => 'e',
        '4' | '@' => 'a',
        '5' | '$' => 's',
        '7' | '+' => 't',
        '8' => 'b',
        other => other,
    }
}

fn is_personal(password: &str, context: &[&str]) -> bool {
    let inside = fold(password);
    let words = context.iter().flat_map(|text| std::iter::once(*text).chain(text.split_whitespace()));
    words.map(fold).any(|word| word.chars().count() >= SHORTEST_CONTEXT && inside.contains(&word))
}

/// Whether most characters only carry a run on, or the whole is one short piece three times and more.
fn is_pattern(password: &str) -> bool {
    let codes: Vec<i64> = password.to_lowercase().chars().map(|c| i64::from(u32::from(c))).collect();
    let steps: Vec<i64> = codes.iter().zip(codes.iter().skip(1)).map(|(a, b)| b - a).collect();
    let carried = steps.iter().zip(steps.iter().skip(1)).filter(|(a, b)| a == b && a.abs() <= 1).count();
    let period = (1..=codes.len() / 3).any(|p| codes.iter().zip(codes.iter().skip(p)).all(|(a, b)| a == b));
    period || (codes.len() > 2 && carried * 2 >= codes.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use PasswordFault as F;
    use proptest::prelude::*;

    #[test]
    fn length_follows_the_second_factor() {
        assert_eq!(password_faults("kx7mq2vb", &[], true), []);
        assert_eq!(password_faults("kx7mq2v", &[], true), [F::TooShort(8)]);
        assert_eq!(password_faults("kx7mq2vbz9rt", &[], false), [F::TooShort(13)]);
        assert_eq!(password_faults("kx7mq2vbz9rtw", &[], false), []);
        assert!(stands_alone("ｋｘ７ｍｑ２ｖｂｚ９ｒｔｗ"));
        assert!(!stands_alone("kx7mq2vbz9rt"));
        let long: String = "kx7mq2vbz9rtw".chars().cycle().take(129).collect();
        assert!(password_faults(&long, &[], false).contains(&F::TooLong));
    }

    #[test]
    fn letters_and_digits_are_mixed() {
        assert_eq!(password_faults("kxzmqwvbhdrtw", &[], false), [F::Unmixed]);
        assert_eq!(password_faults("8264019375826", &[], false), [F::Unmixed]);
        assert_eq!(password_faults("うめ８つぶやき傘もりばと窓", &[], false), []);
    }

    #[test]
    fn what_everybody_tries_first_is_refused() {
        for bad in [
            "P@ssw0rd2026!",
            "Password123456",
            "sakura2026",
            "Byouin-1234567",
            "karte00000001",
            "1qaz2wsx3edc",
            "Haru20262026",
            "qwertyuiop123",
            "tokyokusuri99",
            "K@rte2026",
            "welcome1234567",
            "ｐａｓｓｗｏｒｄ１２３４５６",
            "adm1n1234567890",
        ] {
            assert!(password_faults(bad, &[], true).contains(&F::Common), "{bad}");
        }
        assert!(!password_faults("tsuyu-no-asa-7-kasa", &[], false).contains(&F::Common));
    }

    #[test]
    fn what_anybody_knows_of_the_person_is_refused() {
        let context = ["a.suzuki", "鈴木 あおい", "さくら架空クリニック", "sakimori"];
        for bad in ["xASuzuki7qwm42", "あおい7qwm42kxzpl", "7qSakimori2wmx", "8さくら架空クリニック8"] {
            assert!(password_faults(bad, &context, false).contains(&F::Personal), "{bad}");
        }
        assert_eq!(password_faults("kx7mq2vbz9rtw", &context, false), []);
    }

    #[test]
    fn patterns_are_refused() {
        for bad in ["aaaaaaaaaaaa1", "abcdefghijkl1", "9876543210zyx", "ab1ab1ab1ab1a", "1111111aaaaaaa"] {
            assert!(password_faults(bad, &[], false).contains(&F::Pattern), "{bad}");
        }
    }

    #[test]
    fn waiting_grows_and_ends() {
        let waits: Vec<i64> = (0..13).map(lockout).collect();
        assert_eq!(waits, [0, 0, 0, 0, 0, 30, 60, 120, 240, 480, 900, 900, 900]);
        assert_eq!(lockout(u32::MAX), 900);
        assert_eq!([0, 9, 10, 49, 50, 100_000].map(slowdown), [0, 0, 1, 4, 5, 5]);
    }

    #[test]
    fn the_list_is_as_it_is_looked_up() {
        assert!(common().len() > 300, "{}", common().len());
        for word in common() {
            assert!(word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit()), "{word}");
        }
    }

    proptest! {
        #[test]
        fn normalising_is_idempotent(s in "\\PC*") {
            let once = normalise(&s);
            prop_assert_eq!(normalise(&once), once);
        }

        #[test]
        fn anything_typed_is_judged(s in "\\PC*", word in "\\PC*") {
            password_faults(&s, &[&word], false);
        }

        #[test]
        fn a_random_mixed_password_of_13_passes(s in "[a-zA-Z0-9]{12,40}[g-z][2-9]") {
            prop_assert_eq!(password_faults(&s, &["suzuki", "さくら架空クリニック"], false), []);
        }
    }
}
