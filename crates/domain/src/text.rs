//! Text as people in clinics type it: labels in two languages, and folding that makes
//! 全角/半角, ｶﾅ/カナ and stray spaces equal without losing what was written.

use unicode_normalization::UnicodeNormalization;

/// A name in Japanese (the source language) and English.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Label {
    /// Japanese, as the guideline or the ledger says it.
    pub ja: &'static str,
    /// English, second.
    pub en: &'static str,
}

impl Label {
    /// Makes a label of the Japanese and the English word.
    pub const fn new(ja: &'static str, en: &'static str) -> Self {
        Self { ja, en }
    }

    /// The word in `lang`.
    pub const fn in_lang(self, lang: Lang) -> &'static str {
        match lang {
            Lang::Ja => self.ja,
            Lang::En => self.en,
        }
    }
}

/// The language of what is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Lang {
    /// Japanese.
    #[default]
    Ja,
    /// English.
    En,
}

/// Characters that show nothing or turn what stands beside them round (zero-width marks, soft hyphen, bidirectional
/// embeddings, overrides and isolates): two values must not differ, nor one look like another, by them alone.
fn invisible(c: char) -> bool {
    matches!(c, '\u{00AD}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}' | '\u{2066}'..='\u{2069}' | '\u{FEFF}')
}

/// Normalises one entered value: NFKC, invisible characters go, control characters and runs of white space become
/// one space, the ends are trimmed. Idempotent; never rejects.
pub fn tidy(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut gap = false;
    // Invisible characters go first: what they kept apart may compose.
    for c in text.chars().filter(|c| !invisible(*c)).nfkc() {
        // NFKC leaves these look-alikes of the hyphen apart; an asset number must not depend on them.
        let c = match c {
            '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{FE63}' => '-',
            other => other,
        };
        if c.is_whitespace() || c.is_control() {
            gap = !out.is_empty();
        } else {
            if gap {
                out.push(' ');
                gap = false;
            }
            out.push(c);
        }
    }
    out
}

/// What a search compares: [`tidy`], lower case, カタカナ as ひらがな, without spaces, so that 髙橋　太郎 is found
/// by 髙橋太郎 and ｻｰﾊﾞ by さーば. Marks stay, unlike in [`fold`]: numbers are searched with them. Idempotent.
pub fn search_key(text: &str) -> String {
    // Taking a space away or lower-casing can let two characters compose, hence the second normalisation.
    let plain: String = tidy(text).chars().filter(|c| !c.is_whitespace()).flat_map(char::to_lowercase).nfkc().collect();
    plain.chars().map(hiragana).collect()
}

fn hiragana(c: char) -> char {
    match c {
        'ァ'..='ヶ' => char::from_u32(c as u32 - 0x60).unwrap_or(c),
        other => other,
    }
}

/// The key under which two spellings of one word meet: [`tidy`], lower case, カタカナ as ひらがな,
/// without spaces and without the marks people put round words.
pub fn fold(text: &str) -> String {
    tidy(text)
        .chars()
        .flat_map(char::to_lowercase)
        .filter(|c| !c.is_whitespace() && !"()[]{}「」『』【】<>・.,、。:;/\\_*※#\"'".contains(*c))
        .map(hiragana)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn spellings_of_one_word_meet() {
        assert_eq!(tidy("ＰＣ－００１ "), "PC-001");
        assert_eq!(tidy("高橋　太郎"), "高橋 太郎");
        assert_eq!(fold("ﾌﾘｶﾞﾅ"), fold("ふりがな"));
        assert_eq!(fold("IP アドレス"), fold("ＩＰｱﾄﾞﾚｽ"));
        assert_eq!(fold("使用者(職員番号)"), "使用者職員番号");
    }

    #[test]
    fn what_cannot_be_seen_makes_no_difference() {
        assert_eq!(tidy("PC\u{202E}100-\u{2066}CP\u{2069}"), "PC100-CP");
        assert_eq!(tidy("PC\0\n1"), "PC 1");
        assert_eq!(tidy("か\u{200B}\u{3099}"), "が");
    }

    #[test]
    fn a_search_finds_every_spelling() {
        assert_eq!(search_key("ＰＣ－００１"), search_key("pc‐001"));
        assert_eq!(search_key("髙橋　太郎"), "髙橋太郎");
        assert_eq!(search_key("ﾌｧｲﾙｻｰﾊﾞ 2F"), "ふぁいるさーば2f");
        assert_ne!(search_key("192.168.1.1"), search_key("19216811"));
    }

    proptest! {
        #[test]
        fn tidy_is_idempotent(s in any::<String>()) {
            let once = tidy(&s);
            prop_assert_eq!(tidy(&once), once);
        }

        #[test]
        fn search_key_is_idempotent_and_blind_to_tidying(s in any::<String>()) {
            let once = search_key(&s);
            prop_assert_eq!(search_key(&once), once.clone());
            prop_assert_eq!(search_key(&tidy(&s)), once);
        }
    }
}
