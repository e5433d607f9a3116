//! Audit folders made by hand: whoever changes anything is found out, and told where.

use std::collections::BTreeMap;
use std::io::{Cursor, Write as _};

use app::verify_folder;
use domain::journal::sha256;
use serde_json::json;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

const CHECKLIST: &str = "01_チェックリスト/令和7年度.pdf";
const LEDGERS: &str = "04_台帳/台帳一式.xlsx";

fn files() -> BTreeMap<&'static str, Vec<u8>> {
    [(CHECKLIST, b"%PDF-1.7 checklist".repeat(40)), (LEDGERS, b"PK ledgers".to_vec()), ("検証方法.txt", Vec::new())]
        .into()
}

fn manifest(files: &BTreeMap<&str, Vec<u8>>) -> Vec<u8> {
    let files: BTreeMap<_, _> =
        files.iter().map(|(name, bytes)| (name, json!({ "bytes": bytes.len(), "sha256": sha256(bytes) }))).collect();
    json!({
        "format": "sakimori-audit-folder-1",
        "facility": "架空医院",
        "made_on": "2026-11-22",
        "journal_entries": 7,
        "journal_head": "00",
        "files": files,
    })
    .to_string()
    .into_bytes()
}

fn zipped<'a>(files: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Vec<u8> {
    let mut out = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in files {
        out.start_file(name, SimpleFileOptions::default()).unwrap();
        out.write_all(bytes).unwrap();
    }
    out.finish().unwrap().into_inner()
}

/// The zip of `files` with the manifest of `promised`.
fn folder(promised: &BTreeMap<&str, Vec<u8>>, files: &BTreeMap<&str, Vec<u8>>) -> Vec<u8> {
    let manifest = manifest(promised);
    let all = files.iter().map(|(name, bytes)| (*name, bytes.as_slice()));
    zipped([("manifest.json", manifest.as_slice())].into_iter().chain(all))
}

/// What is said about a folder that does not verify.
fn refused(bytes: &[u8]) -> String {
    let error = verify_folder(bytes).unwrap_err();
    assert_eq!(error.code(), "AUD-001");
    error.to_string()
}

#[test]
fn a_folder_as_it_was_made_verifies() {
    let check = verify_folder(&folder(&files(), &files())).unwrap();
    assert_eq!((check.facility.as_str(), check.made_on.as_str()), ("架空医院", "2026-11-22"));
    assert_eq!((check.files, check.journal_entries), (3, 7));
    assert_eq!(check.code, sha256(&manifest(&files())));
}

#[test]
fn a_changed_removed_or_added_file_is_named() {
    let promised = files();
    let mut changed = files();
    changed.get_mut(LEDGERS).unwrap()[0] = b'Q';
    assert!(refused(&folder(&promised, &changed)).contains(&format!("「{LEDGERS}」の内容が変わっています")));
    let mut shorter = files();
    shorter.get_mut(CHECKLIST).unwrap().pop();
    assert!(refused(&folder(&promised, &shorter)).contains(&format!("「{CHECKLIST}」の内容が変わっています")));
    let mut fewer = files();
    fewer.remove(CHECKLIST);
    assert!(refused(&folder(&promised, &fewer)).contains(&format!("「{CHECKLIST}」がありません")));
    let mut more = files();
    more.insert("05_記録/後から.txt", b"x".to_vec());
    assert!(refused(&folder(&promised, &more)).contains("「05_記録/後から.txt」は作られたときにはない"));
    let without = files();
    let bare = zipped(without.iter().map(|(name, bytes)| (*name, bytes.as_slice())));
    assert!(refused(&bare).contains("manifest.jsonがありません"));
}

#[test]
fn a_file_that_is_there_twice_is_named() {
    for name in ["manifest.json", CHECKLIST] {
        // Two entries of names that differ in the first byte, made equal afterwards.
        let (files, twin) = (files(), format!("#{}", &name[1..]));
        let manifest = manifest(&files);
        let all = files.iter().map(|(name, bytes)| (*name, bytes.as_slice()));
        let forged =
            [("manifest.json", manifest.as_slice())].into_iter().chain(all).chain([(twin.as_str(), &b"forged"[..])]);
        let mut bytes = zipped(forged);
        let places: Vec<usize> =
            bytes.windows(twin.len()).enumerate().filter(|(_, w)| *w == twin.as_bytes()).map(|(at, _)| at).collect();
        assert_eq!(places.len(), 2, "in the entry and in the directory");
        for at in places {
            bytes[at] = name.as_bytes()[0];
        }
        assert!(refused(&bytes).contains(&format!("「{name}」が二つあります")), "{name}");
    }
}

#[test]
fn a_folder_cut_anywhere_is_refused() {
    let whole = folder(&files(), &files());
    for length in 0..whole.len() {
        refused(&whole[..length]);
    }
    assert!(refused(&whole[..whole.len() / 2]).contains("途中で切れている"));
    assert!(refused(b"%PDF-1.7").contains("zipファイルとして開けません"));
}

#[test]
fn no_changed_bit_changes_what_is_read_unnoticed() {
    let whole = folder(&files(), &files());
    let known = verify_folder(&whole).unwrap();
    let mut noticed = 0;
    for at in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 1 << (at % 8);
        match verify_folder(&bytes) {
            // Times and permissions of entries are no content.
            Ok(check) => assert_eq!(check, known, "byte {at}"),
            Err(error) => {
                assert_eq!(error.code(), "AUD-001", "byte {at}");
                noticed += 1;
            }
        }
    }
    assert!(noticed > whole.len() / 2, "{noticed} of {}", whole.len());
}
