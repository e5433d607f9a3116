//! The message file: every sentence the product says, Japanese first, from one place.

use std::collections::HashMap;
use std::fmt::Display;
use std::sync::OnceLock;

use crate::catalog::Text;
use crate::text::Lang;

const MESSAGES: &str = include_str!("messages.toml");

/// The sentence `key` in `lang` with its `{placeholders}` filled in. An unknown key shows itself, so
/// that a slip is visible and harmless; a test of the tools looks every key up that the sources use.
pub fn say(lang: Lang, key: &str, values: &[(&str, &dyn Display)]) -> String {
    let Some(text) = table().get(key) else { return key.to_owned() };
    let mut sentence = text.in_lang(lang).to_owned();
    for (name, value) in values {
        sentence = sentence.replace(&format!("{{{name}}}"), &value.to_string());
    }
    sentence
}

fn table() -> &'static HashMap<String, Text> {
    static TABLE: OnceLock<HashMap<String, Text>> = OnceLock::new();
    // The file is embedded and a test parses it; a broken one would show keys instead of sentences.
    TABLE.get_or_init(|| toml::from_str(MESSAGES).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_parses_and_english_fills_in_nothing_that_japanese_does_not() {
        let names = |s: &str| {
            let mut found: Vec<String> =
                s.split('{').skip(1).filter_map(|rest| rest.split_once('}').map(|(n, _)| n.to_owned())).collect();
            found.sort();
            found.dedup();
            found
        };
        let table: HashMap<String, Text> = toml::from_str(MESSAGES).expect("messages.toml");
        assert!(!table.is_empty());
        for (key, text) in table {
            let japanese = names(&text.ja);
            assert!(names(&text.en).iter().all(|name| japanese.contains(name)), "{key}");
            assert!(!text.ja.is_empty() && !text.en.is_empty(), "{key}");
        }
    }
}
