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

/// Normalises one entered value: NFKC, control characters and runs of white space become one space,
/// the ends are trimmed. Idempotent; never rejects.
pub fn tidy(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut gap = false;
    for c in text.nfkc() {
        // NFKC leaves these look-alikes of the hyphen apart; an asset number must not depend on them.
        let c = match c {
            '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{FE63}' => '-',
            other => other,
        };
        let invisible = matches!(c, '\u{200B}'..='\u{200F}' | '\u{FEFF}' | '\u{2060}' | '\u{00AD}');
        if invisible {
            continue;
        }
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

/// The key under which two spellings of one word meet: [`tidy`], lower case, カタカナ as ひらがな,
/// without spaces and without the marks people put round words.
pub fn fold(text: &str) -> String {
    tidy(text)
        .chars()
        .flat_map(char::to_lowercase)
        .filter(|c| !c.is_whitespace() && !"()[]{}「」『』【】<>・.,、。:;/\\_*※#\"'".contains(*c))
        .map(|c| match c {
            'ァ'..='ヶ' => char::from_u32(c as u32 - 0x60).unwrap_or(c),
            other => other,
        })
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

    proptest! {
        #[test]
        fn tidy_is_idempotent(s in "\\PC*") {
            let once = tidy(&s);
            prop_assert_eq!(tidy(&once), once);
        }
    }
}
