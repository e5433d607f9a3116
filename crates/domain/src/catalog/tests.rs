#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path as FilePath;

use super::*;
use crate::threshold;

#[test]
fn the_shipped_catalogs_load_and_every_reference_resolves() {
    if let Err(error) = Catalogs::load(CATALOG_FILES) {
        panic!("{error}");
    }
}

#[test]
fn the_list_of_files_is_the_folder() {
    let root = FilePath::new(env!("CARGO_MANIFEST_DIR")).join("../../catalogs");
    let mut found = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "toml") && !path.ends_with("os-lifecycle.toml") {
                found.push(path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned());
            }
        }
    }
    found.sort();
    let listed: Vec<&str> = CATALOG_FILES.iter().map(|(path, _)| *path).collect();
    assert_eq!(found, listed);
}

/// A changed count has to be a visible change here: items, counted (with a rule), inferred.
#[test]
fn counts_are_pinned() {
    let counts: BTreeMap<&str, (usize, usize, usize)> = Catalogs::embedded()
        .catalogs
        .iter()
        .map(|c| {
            let inferred = c.requirements().filter(|r| r.confidence == Confidence::Inferred).count();
            (c.id.as_str(), (c.requirements().count(), c.requirements().filter(|r| r.is_counted()).count(), inferred))
        })
        .collect();
    let expected = BTreeMap::from([
        ("checklist-r5", (14, 11, 0)),
        ("checklist-r6", (15, 15, 0)),
        ("checklist-r7", (20, 19, 1)),
        ("checklist-r8", (0, 0, 0)),
        ("meti-mic-2.0", (81, 67, 4)),
        ("mhlw-6.0", (156, 144, 12)),
        ("mhlw-7.0", (68, 33, 0)),
    ]);
    assert_eq!(counts, expected);
}

/// A fact nobody asks for would be gathered and listed for nothing.
#[test]
fn every_fact_is_asked_for() {
    let catalogs = &Catalogs::embedded().catalogs;
    let rules = catalogs.iter().flat_map(Catalog::requirements).filter_map(|r| r.rule.as_ref());
    let asked: BTreeSet<&str> = rules.flat_map(Rule::facts).map(|f| f.name).collect();
    let declared: BTreeSet<&str> = crate::fact::FACTS.iter().map(|f| f.name).collect();
    assert_eq!(asked, declared);
}

/// The periods in rules are ours, and the manual lists them.
#[test]
fn periods_in_rules_are_declared() {
    let catalogs = &Catalogs::embedded().catalogs;
    let rules = catalogs.iter().flat_map(Catalog::requirements).filter_map(|r| Some((&r.id, r.rule.as_ref()?)));
    for (id, leaf) in rules.flat_map(|(id, rule)| rule.leaves().into_iter().map(move |leaf| (id, leaf))) {
        let days = match leaf {
            Rule::Document { within_days, .. } => *within_days,
            Rule::Record { within_days, .. } => Some(*within_days),
            _ => None,
        };
        let known = [&threshold::RULE_YEAR, &threshold::RULE_REVIEW];
        assert!(days.is_none_or(|days| known.iter().any(|t| t.value == days)), "{id}: {days:?}");
    }
}

#[test]
fn faults_are_named() {
    let catalog = r#"
        id = "x"
        title = { ja = "x", en = "x" }
        short = { ja = "x", en = "x" }
        issuer = "mhlw"
        type = "guideline"
        status = "current"
        [[volume]]
        id = "v"
        title = { ja = "v", en = "v" }
    "#;
    let item = |id: &str, rule: &str| {
        format!(
            "[[requirement]]\nid = \"{id}\"\ntype = \"requirement\"\nkind = \"technical\"\nconfidence = \"seen\"\n\
             summary = {{ ja = \"あ\", en = \"a\" }}\n{rule}\n"
        )
    };
    let load = |volume: &str, links: &str| {
        Catalogs::load(&[("x/catalog.toml", catalog), ("x/v.toml", volume), ("crosswalk.toml", links)])
            .map(|_| ())
            .map_err(|e| e.to_string())
    };
    let good = item("x/v/1", "rule = { fact = \"device.known\" }");
    assert_eq!(load(&good, ""), Ok(()));
    let cases = [
        (item("x/v/1", "rule = { fact = \"no.such\" }"), "", "no.such"),
        (item("x/v/1", "rule = { document = \"no_such\" }"), "", "no_such"),
        (item("x/v/1", "rule = { record = \"drill\" }"), "", "within_days"),
        (item("x/v/1", "rule = { fact = \"device.known\", record = \"drill\", within_days = 3 }"), "", "どれか一つ"),
        (item("x/v/1", "rule = { all = [] }"), "", "一つ以上"),
        (item("x/v/1", ""), "", "規則は"),
        (item("x/v/1", "rule = { attest = \"？\" }"), "", "judge"),
        (item("x/v/1", "colour = 1\nrule = { fact = \"device.known\" }"), "", "colour"),
        (item("y/v/1", "rule = { fact = \"device.known\" }"), "", "始まっていません"),
        (item("x/v/1", "sources = [\"nowhere\"]\nrule = { fact = \"device.known\" }"), "", "nowhere"),
        (good.replace("technical", "techincal"), "", "techincal"),
        (format!("{good}cadence = \"daily\"\n"), "", "daily"),
        (format!("{good}forms = [\"hosptal\"]\n"), "", "hosptal"),
        (format!("{good}targets = [\"endpoint\"]\n"), "", "endpoint"),
        (format!("{good}applies = {{ patterns = [\"V\"] }}\n"), "", "「V」"),
        (format!("{good}applies = {{ kinds = [\"klinik\"] }}\n"), "", "klinik"),
        (format!("{good}{good}"), "", "二度"),
        (good.clone(), "[[link]]\nfrom = \"x/v/1\"\nto = \"x/v/9\"\nrelation = \"same\"", "x/v/9"),
    ];
    for (volume, links, says) in cases {
        let error = load(&volume, links).expect_err(says);
        assert!(error.contains(says) && error.contains("CAT-001"), "{error}");
    }
}

/// What was read in another edition or a draft says so wherever the requirement is shown, and what a revision touched
/// says that, too.
#[test]
fn a_text_read_elsewhere_says_where() {
    let catalogs = Catalogs::embedded();
    let said = |id: &str| catalogs.requirement(id).unwrap().1.provenance(crate::text::Lang::Ja);
    assert_eq!(said("meti-mic-2.0/main/2.2-b").unwrap(), "第1.1版で確かめた文。この版に残ることは未確認");
    assert!(said("meti-mic-2.0/main/4.2").unwrap().contains("改定された主題"));
    assert!(said("meti-mic-2.0/main/6.1").unwrap().contains("この版でも同じと確認"));
    assert!(said("mhlw-6.0/kikaku/3-2").unwrap().contains("確定した版では未確認"));
    assert_eq!(said("mhlw-7.0/unyo/14-5"), None);
    for r in catalogs.catalog("meti-mic-2.0").unwrap().requirements().filter(|r| r.is_counted()) {
        assert!(r.provenance(crate::text::Lang::Ja).is_some() && r.carried.is_some(), "{}", r.id);
    }
}
