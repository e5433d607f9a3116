//! Audit folders made by hand: whoever changes anything is found out, and told where.

use std::collections::BTreeMap;
use std::io::{Cursor, Write as _};

use app::verify_folder;
use domain::journal::{Entry, GENESIS, chain, sha256};
use serde_json::json;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

const CHECKLIST: &str = "01_チェックリスト/令和7年度.pdf";
const LEDGERS: &str = "04_台帳/台帳一式.xlsx";
const JOURNAL: &str = "05_記録/操作記録.jsonl";

/// Lines of a journal of three entries, of which the second belongs to somebody else; and its head.
fn journal() -> (Vec<String>, String) {
    let mut head = GENESIS.to_owned();
    let lines = (1..=3).map(|seq| {
        let mut entry = Entry {
            action: "devices.import".to_owned(),
            actor: "架空 太郎".to_owned(),
            at: 1,
            details: BTreeMap::new(),
            facility: "f".to_owned(),
            seq,
            subject: "機器台帳.xlsx".to_owned(),
        };
        entry.details.insert("added".to_owned(), "3".to_owned());
        let entry = entry.canonical();
        head = chain(&head, &entry);
        let shown = if seq == 2 { String::new() } else { format!(",\"entry\":{entry}") };
        format!("{{\"seq\":{seq},\"hash\":\"{head}\"{shown}}}")
    });
    (lines.collect(), head)
}

fn files() -> BTreeMap<&'static str, Vec<u8>> {
    [
        (CHECKLIST, b"%PDF-1.7 checklist".repeat(40)),
        (LEDGERS, b"PK ledgers".to_vec()),
        (JOURNAL, journal().0.join("\n").into_bytes()),
        ("検証方法.txt", Vec::new()),
    ]
    .into()
}

fn manifest(files: &BTreeMap<&str, Vec<u8>>) -> Vec<u8> {
    let files: BTreeMap<_, _> =
        files.iter().map(|(name, bytes)| (name, json!({ "bytes": bytes.len(), "sha256": sha256(bytes) }))).collect();
    json!({
        "format": "sakimori-audit-folder-2",
        "facility": "架空医院",
        "made_on": "2026-11-22",
        "journal_entries": 3,
        "journal_head": journal().1,
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
    assert_eq!((check.files, check.journal_entries, check.journal_withheld), (4, 3, 1));
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
fn a_journal_that_does_not_hold_together_is_named() {
    type Forgery = (&'static str, fn(&mut Vec<String>), &'static str);
    let forgeries: [Forgery; 8] = [
        ("changed", |lines| lines[2] = lines[2].replace("架空 太郎", "別人"), "3番目が合いません"),
        ("first changed", |lines| lines[0] = lines[0].replace("\"3\"", "\"4\""), "1番目が合いません"),
        ("cut out", |lines| _ = lines.remove(1), "2番目が合いません"),
        ("cut off", |lines| lines.truncate(2), "末尾が"),
        ("emptied", Vec::clear, "末尾が"),
        ("withheld hash changed", |lines| lines[1] = "{\"seq\":2,\"hash\":\"00\"}".to_owned(), "3番目が合いません"),
        (
            "more in a line",
            |lines| lines[0] = lines[0].replace("\"seq\":1,\"sub", "\"seq\":1,\"x\":1,\"sub"),
            "1行目を読めません",
        ),
        ("no line", |lines| lines.insert(0, String::new()), "1行目を読めません"),
    ];
    for (what, forge, said) in forgeries {
        // The forger also names the file's new hash in the manifest.
        let (mut files, (mut lines, _)) = (files(), journal());
        forge(&mut lines);
        files.insert(JOURNAL, lines.join("\n").into_bytes());
        let refusal = refused(&folder(&files, &files));
        assert!(refusal.contains(said), "{what}: {refusal}");
    }
    let mut without = files();
    without.remove(JOURNAL);
    assert!(refused(&folder(&without, &without)).contains("操作記録.jsonl」がありません"));
}

#[test]
fn nothing_stands_before_between_or_behind_the_files() {
    let whole = folder(&files(), &files());
    verify_folder(&whole).unwrap();
    let before = [b"#!/bin/sh\n", whole.as_slice()].concat();
    assert!(refused(&before).contains("余分なデータ"), "{}", refused(&before));
    for more in [&b"x"[..], b"PK\x05\x06", &[0; 22], &[0; 70_000], &whole] {
        refused(&[whole.as_slice(), more].concat());
    }
    // A comment is a place for bytes, too.
    let mut commented = [whole.as_slice(), b"hello"].concat();
    let length = whole.len() - 2;
    commented[length] = 5;
    assert!(refused(&commented).contains("後に余分なデータ"));
    // Bytes between the last file and the directory, which every reader skips.
    let end = whole.windows(4).position(|w| w == b"PK\x01\x02").unwrap();
    let mut gap = [&whole[..end], b"hidden", &whole[end..]].concat();
    let start = gap.len() - 6;
    let directory = u32::from_le_bytes(gap[start..start + 4].try_into().unwrap()) + 6;
    gap[start..start + 4].copy_from_slice(&directory.to_le_bytes());
    assert!(refused(&gap).contains("後に余分なデータ"), "{}", refused(&gap));
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

/// A folder with a real journal and the log that seals it.
#[tokio::test]
async fn the_log_in_a_folder_proves_each_entry_that_it_quotes() {
    use domain::journal::Event;
    type Change<'a> = &'a dyn Fn(&str, Vec<u8>) -> Option<Vec<u8>>;
    super::on_each(async |site| {
        let data = tempfile::tempdir().unwrap();
        let app = site.app.with_data(data.path());
        let facility = domain::evaluate::Facility { id: "f".to_owned(), ..domain::evaluate::Facility::default() };
        assert!(app.handed_log(&facility, false).await.unwrap().is_empty(), "nothing is sealed");
        let record = async |of: &str, count: u32| {
            let mut tx = app.store.begin(&testkit::actor(), of, app.now()).await.unwrap();
            (0..count).for_each(|n| tx.record(Event::new("devices.lose", format!("{of}-{n}"))));
            tx.commit().await.unwrap();
        };
        record("f", 280).await;
        record("another", 9).await;
        let mut sealer = app.sealer(data.path()).await.unwrap();
        app.seal(&mut sealer).await.unwrap();
        record("f", 2).await;
        let handed = app.handed_log(&facility, false).await.unwrap();
        assert!(
            !String::from_utf8_lossy(&handed.iter().map(|(_, b)| b.clone()).collect::<Vec<_>>().concat())
                .contains("another-")
        );
        let folder = async |change: Change<'_>| {
            let mut files: BTreeMap<String, Vec<u8>> = handed.iter().cloned().collect();
            let (mut journal, mut head, mut count) = (String::new(), String::new(), 0);
            for (seq, of, entry, hash) in app.store.journal_chain(0).await.unwrap() {
                let shown = if of == "f" { format!(",\"entry\":{entry}") } else { String::new() };
                journal.push_str(&format!("{{\"seq\":{seq},\"hash\":\"{hash}\"{shown}}}\n"));
                (head, count) = (hash, seq);
            }
            files.insert(JOURNAL.to_owned(), journal.into_bytes());
            let files: BTreeMap<String, Vec<u8>> =
                files.into_iter().filter_map(|(name, bytes)| Some((name.clone(), change(&name, bytes)?))).collect();
            let told: BTreeMap<_, _> = files
                .iter()
                .map(|(name, bytes)| (name, json!({ "bytes": bytes.len(), "sha256": sha256(bytes) })))
                .collect();
            let manifest = json!({
                "format": "sakimori-audit-folder-2", "facility": "架空医院", "made_on": "2026-11-22",
                "journal_entries": count, "journal_head": head, "files": told,
            });
            let manifest = manifest.to_string().into_bytes();
            let all = files.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice()));
            verify_folder(&zipped(std::iter::once(("manifest.json", manifest.as_slice())).chain(all)))
        };
        let whole = folder(&|_, bytes| Some(bytes)).await.unwrap().sealed.unwrap();
        assert_eq!((whole.head.size, whole.proved, whole.unproved), (289, 280, 2));
        assert_eq!(whole.key, app.log_key(data.path()).unwrap());
        assert!(folder(&|name, bytes| (!name.starts_with("06_")).then_some(bytes)).await.unwrap().sealed.is_none());
        let replaced = |part: &'static str, from: &'static str, to: &'static str| {
            move |name: &str, bytes: Vec<u8>| {
                if !name.ends_with(part) {
                    return Some(bytes);
                }
                let text = String::from_utf8(bytes).unwrap();
                assert!(text.contains(from), "{name}: {from}");
                Some(text.replacen(from, to, 1).into_bytes())
            }
        };
        let flipped = |part: &'static str| {
            move |name: &str, mut bytes: Vec<u8>| {
                if name.ends_with(part) {
                    bytes[40] ^= 1;
                }
                Some(bytes)
            }
        };
        let without = |part: &'static str| move |name: &str, bytes: Vec<u8>| (!name.ends_with(part)).then_some(bytes);
        let key = app.log_key(tempfile::tempdir().unwrap().path()).unwrap();
        let stranger = move |name: &str, bytes: Vec<u8>| {
            Some(if name.ends_with("公開鍵.txt") { key.clone().into_bytes() } else { bytes })
        };
        let changes: [(&str, Change<'_>); 9] = [
            ("a value disclosed", &replaced("開示.jsonl", "f-7\"", "f-8\"")),
            ("an entry's other facility", &replaced("開示.jsonl", "devices.lose", "devices.find")),
            ("an entry that is not quoted", &replaced("開示.jsonl", "{\"seq\":5,", "{\"seq\":285,")),
            ("a byte of the bundle", &flipped("tile/entries/000")),
            ("a byte of a tile", &flipped("tile/0/000")),
            ("a byte of the head", &flipped("写し/checkpoint")),
            ("no key", &without("公開鍵.txt")),
            ("no chain of days", &without("epochs")),
            ("another key", &stranger),
        ];
        for (what, change) in changes {
            assert!(folder(change).await.is_err(), "{what}");
        }
    })
    .await;
}
