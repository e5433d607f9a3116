//! What others' code may be in the product: its licences, where it comes from, and what never comes in.
//!
//! Checked for every crate of `Cargo.lock`, whatever it is for, against `cargo metadata`; it needs no network and no
//! data base of advisories.

use std::collections::BTreeSet;

use cargo_metadata::{Metadata, MetadataCommand};

/// SPDX ids of licences that ask for a notice at most (`THIRD_PARTY.md` is that notice).
const LICENCES: &[&str] = &[
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "MIT-0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// Crates under another licence: name, licence, why it will do.
const EXCEPTIONS: &[(&str, &str, &str)] = &[
    ("crypto-glue", "MPL-2.0", WEAK),
    ("webauthn-attestation-ca", "MPL-2.0", WEAK),
    ("webauthn-rs", "MPL-2.0", WEAK),
    ("webauthn-rs-core", "MPL-2.0", WEAK),
    ("webauthn-rs-proto", "MPL-2.0", WEAK),
];
const WEAK: &str = "passkeys; used unchanged from crates.io, and the licence asks for the source of its own files only";

/// Crates that never come in, and why.
const BANNED: &[(&str, &str)] = &[
    ("openssl-sys", "a second cryptography library, in C, that the system would have to bring"),
    ("aws-lc-sys", "a second cryptography library, in C; ring is the one"),
];

/// Whether an SPDX expression can be satisfied with licences that `allowed` knows. `/` is an old way to write OR.
fn satisfied(expression: &str, allowed: &dyn Fn(&str) -> bool) -> bool {
    let text = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let mut words = text.split_whitespace().peekable();
    let outcome = alternatives(&mut words, allowed);
    outcome && words.next().is_none()
}

type Words<'w> = std::iter::Peekable<std::str::SplitWhitespace<'w>>;

fn alternatives(words: &mut Words<'_>, allowed: &dyn Fn(&str) -> bool) -> bool {
    let mut any = conjunction(words, allowed);
    while words.next_if_eq(&"OR").is_some() {
        any |= conjunction(words, allowed);
    }
    any
}

fn conjunction(words: &mut Words<'_>, allowed: &dyn Fn(&str) -> bool) -> bool {
    let mut all = licence(words, allowed);
    while words.next_if_eq(&"AND").is_some() {
        all &= licence(words, allowed);
    }
    all
}

fn licence(words: &mut Words<'_>, allowed: &dyn Fn(&str) -> bool) -> bool {
    match words.next() {
        Some("(") => alternatives(words, allowed) & words.next_if_eq(&")").is_some(),
        Some(id) if words.next_if_eq(&"WITH").is_some() => {
            allowed(&format!("{id} WITH {}", words.next().unwrap_or_default()))
        }
        Some(id) => allowed(id),
        None => false,
    }
}

fn metadata() -> Metadata {
    MetadataCommand::new().other_options(["--locked".to_owned()]).exec().unwrap()
}

#[test]
fn every_licence_is_one_we_can_keep() {
    let metadata = metadata();
    let mut excused = BTreeSet::new();
    for package in metadata.packages.iter().filter(|p| p.source.is_some()) {
        let licence = package.license.as_deref().unwrap_or_default();
        let exception = EXCEPTIONS.iter().find(|(name, kind, _)| *name == package.name.as_str() && *kind == licence);
        match exception {
            Some((name, ..)) => _ = excused.insert(*name),
            None => assert!(
                satisfied(licence, &|id| LICENCES.contains(&id)),
                "{} {} is under {licence:?}: choose another crate, or name the exception and why",
                package.name,
                package.version
            ),
        }
    }
    for (name, _, reason) in EXCEPTIONS {
        assert!(excused.contains(name), "{name} is no longer needed as an exception ({reason})");
    }
}

#[test]
fn every_crate_comes_from_crates_io() {
    for package in &metadata().packages {
        let foreign = package.source.as_ref().is_some_and(|source| !source.is_crates_io());
        assert!(!foreign, "{} {} comes from {:?}", package.name, package.version, package.source);
    }
}

#[test]
fn what_is_banned_stays_out() {
    for package in &metadata().packages {
        let banned = BANNED.iter().find(|(name, _)| *name == package.name.as_str());
        assert!(banned.is_none(), "{} is banned: {}", package.name, banned.unwrap().1);
    }
}

#[test]
fn licence_expressions_are_understood() {
    let allowed = |id: &str| ["MIT", "ISC", "Apache-2.0 WITH LLVM-exception"].contains(&id);
    for (expression, expected) in [
        ("MIT", true),
        ("GPL-3.0", false),
        ("GPL-3.0 OR MIT", true),
        ("GPL-3.0/MIT", true),
        ("MIT AND GPL-3.0", false),
        ("GPL-3.0 OR MIT AND ISC", true),
        ("(GPL-3.0 OR MIT) AND ISC", true),
        ("(GPL-3.0 OR MIT) AND BSD-1-Clause", false),
        ("Apache-2.0 WITH LLVM-exception", true),
        ("MIT WITH LLVM-exception", false),
        ("(MIT", false),
        ("MIT GPL-3.0", false),
        ("", false),
    ] {
        assert_eq!(satisfied(expression, &allowed), expected, "{expression}");
    }
}
