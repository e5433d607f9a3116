//! Messages: every sentence the product says, Japanese first, from tables that are data.
//!
//! The sentences of the core are in `messages.toml` beside this file; the words of the pages are a table of the same
//! form beside the pages. Each entry is a Japanese sentence and an English one with the same `{placeholders}`.

use std::collections::HashMap;
use std::fmt::Display;
use std::sync::OnceLock;

use crate::catalog::Text;
use crate::text::Lang;

const MESSAGES: &str = include_str!("messages.toml");

/// A table of sentences by key.
#[derive(Clone, Debug, Default)]
pub struct Messages(HashMap<String, Text>);

impl Messages {
    /// Reads a table. A broken one is empty and shows keys instead of sentences; a test parses each.
    pub fn parse(text: &str) -> Self {
        Self(toml::from_str(text).unwrap_or_default())
    }

    /// The sentence `key` in `lang` with its `{placeholders}` filled in. An unknown key shows itself, so
    /// that a slip is visible and harmless; a test looks every used key up.
    pub fn say(&self, lang: Lang, key: &str, values: &[(&str, &dyn Display)]) -> String {
        let Some(text) = self.0.get(key) else { return key.to_owned() };
        let mut sentence = text.in_lang(lang).to_owned();
        for (name, value) in values {
            sentence = sentence.replace(&format!("{{{name}}}"), &value.to_string());
        }
        sentence
    }

    /// Every key with its two sentences.
    pub fn each(&self) -> impl Iterator<Item = (&str, &Text)> {
        self.0.iter().map(|(key, text)| (key.as_str(), text))
    }

    /// The keys with an empty sentence, or whose English fills in what the Japanese does not: none in a table that
    /// is right.
    pub fn faults(&self) -> Vec<String> {
        let names = |s: &str| {
            let mut found: Vec<String> =
                s.split('{').skip(1).filter_map(|rest| rest.split_once('}').map(|(n, _)| n.to_owned())).collect();
            found.sort();
            found.dedup();
            found
        };
        let wrong = |t: &Text| {
            let japanese = names(&t.ja);
            t.ja.is_empty() || t.en.is_empty() || names(&t.en).iter().any(|name| !japanese.contains(name))
        };
        self.0.iter().filter(|(_, text)| wrong(text)).map(|(key, _)| key.clone()).collect()
    }
}

/// A sentence of the core; see [`Messages::say`].
pub fn say(lang: Lang, key: &str, values: &[(&str, &dyn Display)]) -> String {
    static TABLE: OnceLock<Messages> = OnceLock::new();
    TABLE.get_or_init(|| Messages::parse(MESSAGES)).say(lang, key, values)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_parses_and_english_fills_in_nothing_that_japanese_does_not() {
        let table = Messages::parse(MESSAGES);
        assert!(table.each().count() > 20);
        assert_eq!(table.faults(), Vec::<String>::new());
    }
}
