//! Every sentence that the sources ask the message file for is in it, and every code of a refusal is explained.

use std::path::{Path, PathBuf};

/// What stands before a key in the sources.
const CALLS: &[&str] = &[
    "say(lang, \"",
    "say(self.lang, \"",
    "say(Lang::Ja, \"",
    "words(lang, \"",
    "words(\"",
    "word(\"",
    "line(\"",
    "column(\"",
];
/// Keys that are put together from a code.
const FAMILIES: &[(&str, &[&str])] = &[
    ("form-", &["hospital", "pharmacy", "vendor"]),
    ("catalog-", &["same", "moved", "changed", "covers", "seen", "partial", "inferred", "guidance"]),
    ("diff-", &["same", "moved", "changed", "covers", "carried", "not-carried"]),
    ("answer-", &["yes", "no", "outside"]),
    ("paper-", &["note-basis", "note-unknown", "note-number", "note-target", "target", "target-late"]),
];

fn is_there(key: &str) -> bool {
    domain::message::say(domain::text::Lang::Ja, key, &[]) != key
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") && !path.to_string_lossy().contains("tests") {
            found.push(path);
        }
    }
}

#[test]
fn every_key_is_in_the_message_file() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates");
    let mut found = Vec::new();
    for name in ["domain", "app", "server"] {
        sources(&crates.join(name).join("src"), &mut found);
    }
    let mut looked_up = 0;
    for path in found {
        let text = std::fs::read_to_string(&path).unwrap();
        for call in CALLS {
            for (at, _) in text.match_indices(call) {
                let key = text[at + call.len()..].split('"').next().unwrap();
                // Names of ledger columns and the like have no hyphen and are asked of somebody else.
                if key.len() > 1 && key.contains('-') && !key.contains(['{', ' ']) {
                    assert!(is_there(key), "{}: no message {key}", path.display());
                    looked_up += 1;
                }
            }
        }
    }
    assert!(looked_up > 60, "the test looked {looked_up} keys up");
    for (family, ends) in FAMILIES {
        for end in *ends {
            assert!(is_there(&format!("{family}{end}")), "{family}{end}");
        }
    }
}

/// What has the shape of a code and is none: numbers of devices in examples, and a hash.
const NO_CODES: &[&str] = &["PC", "MD", "SHA"];

fn is_code(word: &str) -> bool {
    word.split_once('-').is_some_and(|(family, number)| {
        let named = (2..=5).contains(&family.len()) && family.bytes().all(|b| b.is_ascii_uppercase());
        named && !NO_CODES.contains(&family) && number.len() == 3 && number.bytes().all(|b| b.is_ascii_digit())
    })
}

#[test]
fn every_code_is_explained_once() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let page = std::fs::read_to_string(root.join("docs/ja/reference/errors.md")).unwrap();
    let explained: Vec<&str> = page.lines().filter_map(|line| line.strip_prefix("| ")?.split(' ').next()).collect();
    let mut found = vec![root.join("crates/web/src/words.toml")];
    for name in ["domain", "store", "seal", "intake", "report", "app", "web", "server"] {
        sources(&root.join("crates").join(name).join("src"), &mut found);
    }
    let mut seen = std::collections::BTreeSet::new();
    for path in found {
        let text = std::fs::read_to_string(&path).unwrap();
        for word in text.split(|c: char| !c.is_ascii_alphanumeric() && c != '-').filter(|word| is_code(word)) {
            let times = explained.iter().filter(|code| **code == word).count();
            assert_eq!(times, 1, "{}: {word} is explained {times} times", path.display());
            seen.insert(word.to_owned());
        }
    }
    assert!(seen.len() > 150, "the test looked {} codes up", seen.len());
}
