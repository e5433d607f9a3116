//! Every sentence that the sources ask the message file for is in it.

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
