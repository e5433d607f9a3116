//! What templates and words must not do, read from the files themselves.

use std::collections::BTreeSet;
use std::path::Path;

use domain::message::Messages;

const WORDS: &str = include_str!("../../src/words.toml");
/// Keys put together at run time.
const MADE: &[&str] = &[
    "accesses-topic-",
    "action-",
    "byod-card",
    "detail-",
    "disposals-card",
    "doctor-",
    "documents-card",
    "inspections-card",
    "journal-kept-",
    "media-card",
    "rules-day-",
    "training-card",
    "unrecorded-",
];
/// Values of fields, which are data and not words.
const DATA: &[&str] = &["はい", "いいえ"];

/// What we make as markup ourselves: QR codes, charts and the chapters of the manual.
const MARKUP: &[&str] = &["qr", "svg", "chapter"];

/// Name and text of every file with this ending below a folder of the crate.
fn files(folder: &str, ending: &str) -> Vec<(String, String)> {
    fn walk(folder: &Path, ending: &str, into: &mut Vec<(String, String)>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, ending, into);
            } else if path.extension().is_some_and(|e| e == ending) {
                let name = path.file_name().unwrap().to_str().unwrap().to_owned();
                into.push((name, std::fs::read_to_string(&path).unwrap()));
            }
        }
    }
    let mut all = Vec::new();
    walk(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), ending, &mut all);
    assert!(!all.is_empty());
    all
}

fn templates() -> Vec<(String, String)> {
    let without_comments = |text: String| {
        let parts = text.split("{#").enumerate();
        parts.map(|(n, part)| if n == 0 { part } else { part.split_once("#}").unwrap().1 }).collect::<String>()
    };
    files("templates", "html").into_iter().map(|(name, text)| (name, without_comments(text))).collect()
}

/// The string literals that directly follow each `call`.
fn after<'a>(text: &'a str, call: &'a str) -> impl Iterator<Item = &'a str> {
    text.split(call).skip(1).filter_map(|rest| rest.split_once('"')).map(|(literal, _)| literal)
}

#[test]
fn templates_ask_for_nothing_that_the_policy_stops() {
    for (name, text) in templates() {
        for forbidden in ["hx-on", "hx-vals", "js:", "javascript:", "hx-live", "<style", " style=", "onclick", "eval("]
        {
            assert!(!text.contains(forbidden), "{name}: {forbidden}");
        }
        for trigger in after(&text, "hx-trigger=\"") {
            assert!(!trigger.contains('['), "{name}: filter in {trigger}");
        }
        for tag in text.split("<script").skip(1) {
            assert!(tag.starts_with(" src=\"/assets/"), "{name}: inline script");
        }
        for raw in text.split("|safe").take(text.matches("|safe").count()) {
            let made = MARKUP.iter().any(|name| raw.ends_with(&format!(" {name}")));
            assert!(made, "{name}: unescaped {}", raw.lines().last().unwrap_or_default());
        }
    }
}

#[test]
fn templates_hold_no_words_of_their_own() {
    let japanese = |c: &char| matches!(c, '\u{3041}'..='\u{309f}' | '\u{30a1}'..='\u{30fa}' | '\u{4e00}'..='\u{9fff}');
    for (name, text) in templates() {
        let text = DATA.iter().fold(text, |text, data| text.replace(&format!("\"{data}\""), "\"\""));
        let found: String = text.chars().filter(japanese).collect();
        assert!(found.is_empty(), "{name}: {found}");
    }
}

#[test]
fn every_form_that_changes_something_carries_the_token() {
    for (name, text) in templates() {
        for form in text.split("<form").skip(1).filter(|f| f.starts_with(" method=\"post\"")) {
            let form = form.split("</form>").next().unwrap();
            let carries = form.contains("m::token(c)") || form.contains("name=\"_csrf\"");
            // Before the first account there is no session whose token it could be.
            assert!(carries || name.starts_with("setup_"), "{name}: {}", form.lines().next().unwrap());
        }
    }
}

#[test]
fn every_word_is_there_in_both_languages_and_used() {
    let table = Messages::parse(WORDS);
    let known: BTreeSet<&str> = table.each().map(|(key, _)| key).collect();
    assert!(known.len() > 100, "words.toml does not parse");
    assert_eq!(table.faults(), Vec::<String>::new());
    let sources: Vec<_> = templates().into_iter().chain(files("src", "rs")).collect();
    for (name, text) in &sources {
        for call in ["c.t(\"", "c.with(\"", "c.with2(\"", ".chrome(\"", ".t(\""] {
            for key in after(text, call) {
                assert!(known.contains(key), "{name}: no word {key}");
            }
        }
        for call in text.split("done(").skip(1).filter(|_| name.ends_with(".rs")) {
            let call = call.split(';').next().unwrap();
            let literals = call.split('"').skip(1).step_by(2);
            let mut keys = literals.filter(|l| l.contains('-') && !l.contains(['/', '{', '}', ' ']));
            if let Some(key) = keys.next() {
                assert!(known.contains(key), "{name}: no word {key}");
            }
        }
    }
    let used = |key: &str| sources.iter().any(|(_, text)| text.contains(&format!("\"{key}\"")));
    let idle: Vec<_> =
        known.iter().filter(|key| !MADE.iter().any(|made| key.starts_with(made))).filter(|key| !used(key)).collect();
    assert!(idle.is_empty(), "words that nothing says: {idle:?}");
}

#[test]
fn every_detail_of_an_event_has_a_name_for_people() {
    let sources = ["../app/src", "../store/src", "../domain/src"].map(|folder| files(folder, "rs"));
    let mut seen = 0;
    for (name, text) in sources.iter().flatten() {
        // What tests make up needs no name.
        let text = text.split("mod tests {").next().unwrap();
        for key in after(text, ".with(\"") {
            seen += 1;
            assert!(WORDS.contains(&format!("\ndetail-{key} = ")), "{name}: detail-{key}");
        }
    }
    assert!(seen > 50, "{seen}");
}

#[test]
fn every_action_of_the_journal_has_a_name_for_people() {
    let sources = ["../app/src", "../store/src", "../domain/src"].map(|folder| files(folder, "rs"));
    let named = |key: &str| WORDS.contains(&format!("\n{key} = ")) || WORDS.contains(&format!("\n\"{key}\" = "));
    let mut seen = 0;
    for (name, text) in sources.iter().flatten().filter(|(name, _)| name != "tests.rs") {
        // What tests make up needs no name.
        let text = text.split("mod tests {").next().unwrap();
        for call in ["Event::new(\"", "= step(\"", "action: \"", "proved, \""] {
            for action in after(text, call) {
                let verb = action.rsplit('.').next().unwrap();
                seen += 1;
                let there = named(&format!("action-{action}")) || named(&format!("action-{verb}"));
                assert!(there, "{name}: action-{action}");
            }
        }
    }
    assert!(seen > 50, "{seen}");
}
