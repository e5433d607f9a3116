//! Who may depend on whom, checked against `cargo metadata`.

use std::collections::BTreeSet;

use cargo_metadata::{DependencyKind, MetadataCommand};

/// Crate, the crates of ours it may see, and outside crates it must never see even through others of ours.
const LAYERS: &[(&str, &[&str], &[&str])] = &[
    ("domain", &[], &["tokio", "sea-orm", "axum", "typst", "calamine", "rand"]),
    ("intake", &["domain"], &["tokio", "sea-orm", "axum", "typst"]),
    ("store", &["domain"], &["axum", "typst", "calamine"]),
    ("report", &["domain"], &["sea-orm", "axum", "typst", "tokio"]),
    ("typeset", &["domain", "report"], &["sea-orm", "axum", "tokio"]),
    ("seal", &[], &["sea-orm", "axum", "tokio", "typst"]),
    ("app", &["domain", "intake", "report", "seal", "store"], &["axum", "typst"]),
    ("web", &["domain", "app"], &["sea-orm", "typst"]),
    ("server", &["app", "domain", "report", "store", "web"], &["sea-orm", "typst"]),
    ("testkit", &["domain", "store"], &[]),
    ("xtask", &["app", "domain", "intake", "report", "seal", "store", "web"], &[]),
];

#[test]
fn crates_depend_only_downwards() {
    let metadata = MetadataCommand::new().no_deps().exec().unwrap();
    let found: BTreeSet<&str> = metadata.packages.iter().map(|p| p.name.as_str()).collect();
    let listed: BTreeSet<&str> = LAYERS.iter().map(|(name, ..)| *name).collect();
    assert_eq!(found, listed, "every crate is in the table");
    for (name, ours, never) in LAYERS {
        let package = metadata.packages.iter().find(|p| p.name.as_str() == *name).unwrap();
        for dependency in &package.dependencies {
            if dependency.kind != DependencyKind::Normal {
                continue;
            }
            let on = dependency.name.as_str();
            assert!(!never.contains(&on), "{name} must never see {on}");
            assert!(on != "testkit", "{name}: testkit is for tests only");
            if dependency.path.is_some() {
                assert!(ours.contains(&on), "{name} may not depend on {on}");
            }
        }
    }
}

#[test]
fn only_the_store_holds_sql_and_only_web_knows_status_codes() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates");
    let mut folders: Vec<std::path::PathBuf> = vec![root.clone()];
    let mut files = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            if path.extension().is_none_or(|e| e != "rs") {
                continue;
            }
            files += 1;
            let place = path.strip_prefix(&root).unwrap().to_string_lossy().into_owned();
            let text = std::fs::read_to_string(&path).unwrap();
            let tests = place.contains("/tests");
            if !place.starts_with("store/") && !tests {
                for sign in ["SELECT ", "INSERT INTO", "DELETE FROM"] {
                    assert!(!text.contains(sign), "{place} contains SQL");
                }
            }
            if !place.starts_with("web/") {
                assert!(!text.contains("StatusCode"), "{place} knows HTTP status codes");
            }
            if place.starts_with("domain/src") {
                for sign in
                    ["std::fs", "TcpStream", "TcpListener", "UdpSocket", "std::env", "Timestamp::now", "SystemTime"]
                {
                    assert!(!text.contains(sign) || place.ends_with("tests.rs"), "{place} is not pure: {sign}");
                }
            }
        }
    }
    assert!(files > 50, "the test looked at {files} files");
}
