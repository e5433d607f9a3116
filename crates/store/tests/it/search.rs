//! Pages of rows: words, filters, order, history, and what older versions did not know.

use domain::journal::Event;
use domain::ledger::{Row, Value, ledger};
use store::{Location, PAGE_SIZE, RowQuery, Store};
use testkit::{actor, noon, stores};

use super::{FACILITY, put};

fn device(no: &str, cells: &[(&'static str, &str)]) -> Row {
    let mut row = Row::from([("no", Value::Text(no.to_owned()))]);
    row.extend(cells.iter().map(|(name, text)| (*name, Value::Text((*text).to_owned()))));
    row
}

fn query(search: &str) -> RowQuery<'_> {
    let ledger = ledger("devices").unwrap();
    RowQuery { ledger, search, filters: &[], period: None, sort: None, descending: false, page: 1 }
}

async fn keys(store: &Store, query: &RowQuery<'_>) -> Vec<String> {
    store.row_page(FACILITY, query).await.unwrap().rows.into_iter().map(|r| r.key).collect()
}

async fn furnish(store: &Store) {
    let rows = [
        device("PC-1", &[("name", "受付PC"), ("place", "受付"), ("kind", "terminal"), ("os", "Windows 11 Pro")]),
        device("PC-2", &[("name", "ファイルサーバ"), ("kind", "server"), ("note", "100%稼働_済")]),
        device("PC-10", &[("name", "髙橋 太郎のPC"), ("place", "診察室"), ("kind", "terminal")]),
        device("VPN-1", &[("name", "ルータ"), ("place", "サーバ室"), ("kind", "network")]),
    ];
    put(store, ledger("devices").unwrap(), rows.into()).await;
}

#[tokio::test]
async fn every_word_has_to_occur_in_any_spelling() {
    for s in stores().await {
        furnish(&s.store).await;
        for (search, found) in [
            ("", &["PC-1", "PC-10", "PC-2", "VPN-1"][..]),
            ("ｐｃ‐１", &["PC-1", "PC-10"]),
            ("さーば", &["PC-2", "VPN-1"]),
            ("ｻｰﾊﾞ　ファイル", &["PC-2"]),
            ("髙橋太郎", &["PC-10"]),
            ("WINDOWS11", &["PC-1"]),
            ("端末 受付", &["PC-1"]),
            ("100%", &["PC-2"]),
            ("働_済", &["PC-2"]),
            ("_", &["PC-2"]),
            ("%", &["PC-2"]),
            ("!", &[]),
            ("受付 ルータ", &[]),
            ("'; DROP TABLE devices", &[]),
        ] {
            assert_eq!(keys(&s.store, &query(search)).await, found, "{} {search}", s.name);
        }
        let suggested = s.store.row_suggest(ledger("devices").unwrap(), FACILITY, "pc", 2).await.unwrap();
        let suggested: Vec<_> = suggested.iter().map(|(key, name)| (key.as_str(), name.as_deref())).collect();
        assert_eq!(suggested, [("PC-1", Some("受付PC")), ("PC-10", Some("髙橋 太郎のPC"))], "{}", s.name);
        assert!(s.store.row_page("another", &query("")).await.unwrap().rows.is_empty());
    }
}

#[tokio::test]
async fn filters_and_order_are_the_same_on_every_database() {
    let devices = ledger("devices").unwrap();
    let column = |name| devices.column(name).unwrap();
    for s in stores().await {
        furnish(&s.store).await;
        let by = async |filters: &[_]| keys(&s.store, &RowQuery { filters, ..query("") }).await;
        assert_eq!(by(&[(column("kind"), "端末".to_owned())]).await, ["PC-1", "PC-10"], "{}", s.name);
        assert_eq!(
            by(&[(column("kind"), "terminal".to_owned()), (column("place"), "受付".to_owned())]).await,
            ["PC-1"]
        );
        assert_eq!(by(&[(column("place"), String::new())]).await, ["PC-2"], "not stated");
        assert!(by(&[(column("kind"), "宇宙船".to_owned())]).await.is_empty());
        let sorted = async |name, descending| {
            keys(&s.store, &RowQuery { sort: Some(column(name)), descending, ..query("") }).await
        };
        assert_eq!(sorted("place", false).await, ["VPN-1", "PC-1", "PC-10", "PC-2"], "{}", s.name);
        assert_eq!(sorted("place", true).await, ["PC-10", "PC-1", "VPN-1", "PC-2"], "{}: the unstated last", s.name);
        assert_eq!(sorted("kind", false).await, ["VPN-1", "PC-2", "PC-1", "PC-10"], "{}: equal ones by key", s.name);
        assert_eq!(sorted("encrypted", true).await, ["PC-1", "PC-10", "PC-2", "VPN-1"], "{}", s.name);

        let accounts = ledger("accounts").unwrap();
        let account = |login: &str, methods: &str| {
            device(login, &[("system", "SYS-1"), ("login", login), ("methods", methods)])
                .into_iter()
                .filter(|(name, _)| *name != "no")
                .collect()
        };
        put(&s.store, accounts, vec![account("a", "password+ic_card"), account("b", "password"), account("c", "pin")])
            .await;
        for (wanted, found) in
            [("password", &["SYS-1/A", "SYS-1/B"][..]), ("パスワード+ICカード", &["SYS-1/A"]), ("PIN", &["SYS-1/C"])]
        {
            let filters = [(accounts.column("methods").unwrap(), wanted.to_owned())];
            let page = RowQuery { ledger: accounts, filters: &filters, ..query("") };
            assert_eq!(keys(&s.store, &page).await, found, "{} {wanted}", s.name);
        }
    }
}

#[tokio::test]
async fn pages_are_of_fifty_and_end() {
    let devices = ledger("devices").unwrap();
    for s in stores().await {
        let empty = s.store.row_page(FACILITY, &query("")).await.unwrap();
        assert_eq!((empty.total, empty.page, empty.pages), (0, 1, 1));
        put(&s.store, devices, (0..120).map(|n| device(&format!("PC-{n:03}"), &[])).collect()).await;
        let mut seen = Vec::new();
        for page in 1..=3 {
            let found = s.store.row_page(FACILITY, &RowQuery { page, ..query("pc") }).await.unwrap();
            assert_eq!((found.total, found.page, found.pages), (120, page, 3));
            assert!(found.rows.len() <= usize::try_from(PAGE_SIZE).unwrap());
            seen.extend(found.rows.into_iter().map(|r| r.key));
        }
        assert_eq!(seen.len(), 120);
        assert!(seen.is_sorted());
        for (asked, given) in [(0, 1), (99, 3), (u32::MAX, 3)] {
            assert_eq!(s.store.row_page(FACILITY, &RowQuery { page: asked, ..query("") }).await.unwrap().page, given);
        }
    }
}

#[tokio::test]
async fn pages_read_from_the_end_continue_those_read_from_the_start() {
    let devices = ledger("devices").unwrap();
    let place = devices.column("place").unwrap();
    // Places that are equal in many rows and unstated in some: the key decides, and the unstated come last.
    let rows = (0..330).map(|n| {
        let mut row = device(&format!("PC-{n:03}"), &[("place", &format!("棟{}", n * 7 % 5))]);
        if n % 4 == 0 {
            row.remove("place");
        }
        row
    });
    let rows: Vec<Row> = rows.collect();
    for s in stores().await {
        put(&s.store, devices, rows.clone()).await;
        for (sort, descending) in [(None, false), (None, true), (Some(place), false), (Some(place), true)] {
            let text = |row: &Row, name: &str| row.get(name).map(ToString::to_string);
            let mut expected = rows.clone();
            expected.sort_by_key(|row| text(row, "no"));
            match sort {
                Some(_) => {
                    expected.sort_by(|a, b| {
                        let by_place = text(a, "place").cmp(&text(b, "place"));
                        if descending { by_place.reverse() } else { by_place }
                    });
                    expected.sort_by_key(|row| text(row, "place").is_none());
                }
                None if descending => expected.reverse(),
                None => {}
            }
            let mut seen = Vec::new();
            for page in 1..=7 {
                let asked = RowQuery { sort, descending, page, ..query("pc") };
                seen.extend(keys(&s.store, &asked).await);
            }
            let expected: Vec<String> = expected.iter().filter_map(|row| text(row, "no")).collect();
            assert_eq!(seen, expected, "{} {descending}", s.name);
        }
    }
}

/// A dump as version 0.1 wrote it: less about imports, under another name.
fn as_of_0_1(dump: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    for line in dump.lines().filter(|l| !l.starts_with("{\"rows\"")) {
        let mut json: serde_json::Value = serde_json::from_str(line).unwrap();
        if json["table"] == "import_rows" {
            if json["row"].get("row_before").is_none() {
                continue;
            }
            json["table"] = "import_before".into();
            json["row"].as_object_mut().unwrap().remove("ledger");
        }
        lines.push(json.to_string());
    }
    lines.push(format!("{{\"rows\":{}}}", lines.len() - 1));
    lines.join("\n")
}

#[tokio::test]
async fn data_of_version_0_1_is_searched_told_and_undone() {
    let devices = ledger("devices").unwrap();
    let source = testkit::sqlite().await;
    put(&source.store, devices, vec![device("PC-1", &[("name", "受付PC")])]).await;
    let before = source.store.row_list(devices, Some(FACILITY)).await.unwrap();
    let record = store::ImportRecord {
        id: "i1".into(),
        ledger: "devices".into(),
        file_name: "機器台帳.csv".into(),
        sha256: "0".into(),
        at: 1,
        added: 1,
        changed: 1,
        unchanged: 0,
        rejected: 0,
        undone: false,
    };
    let written =
        [("PC-1".to_owned(), device("PC-1", &[("name", "待合PC")])), ("PC-2".to_owned(), device("PC-2", &[]))];
    let mut tx = source.store.begin(&actor(), FACILITY, noon()).await.unwrap();
    let what = store::ImportRows { written: &written, before: &before, confirmed: &[] };
    tx.import_apply(devices, &record, what).await.unwrap();
    tx.record(Event::new("devices.import", "機器台帳.csv").with("import", "i1"));
    tx.commit().await.unwrap();
    let mut dumped = Vec::new();
    source.store.dump(&mut dumped).await.unwrap();
    let old = as_of_0_1(&String::from_utf8(dumped).unwrap());

    for s in stores().await {
        s.store.load(&actor(), noon(), &mut old.as_bytes()).await.unwrap();
        assert_eq!(keys(&s.store, &query("待合")).await, ["PC-1"], "{}", s.name);
        for key in ["PC-1", "PC-2"] {
            let told = s.store.journal_of_row(devices, FACILITY, key).await.unwrap();
            assert_eq!(told[0].action, "devices.import", "{} {key}", s.name);
        }
        let mut tx = s.store.begin(&actor(), FACILITY, noon()).await.unwrap();
        let undone = tx.import_undo("i1").await.unwrap().unwrap();
        assert_eq!((undone.removed, undone.restored), (1, 1), "{}", s.name);
        tx.record(Event::new("import.undo", "i1"));
        tx.commit().await.unwrap();
        assert_eq!(keys(&s.store, &query("受付")).await, ["PC-1"], "{}", s.name);
    }

    let Location::Folder(data) = source.location.clone() else { panic!() };
    drop(source.store);
    let forget =
        "UPDATE devices SET search = ''; UPDATE journal SET action = '', subject = ''; UPDATE derived SET version = 0;";
    let forgotten = std::process::Command::new("sqlite3")
        .args(["-cmd", ".timeout 5000"])
        .arg(data.join("sakimori.db"))
        .arg(forget)
        .status();
    assert!(forgotten.unwrap().success());
    let store = Store::open(&source.location).await.unwrap();
    assert_eq!(keys(&store, &query("待合")).await, ["PC-1"]);
    assert_eq!(store.journal_of_row(devices, FACILITY, "PC-2").await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_dump_whose_journal_was_changed_is_not_loaded() {
    let source = testkit::sqlite().await;
    furnish(&source.store).await;
    let mut dumped = Vec::new();
    source.store.dump(&mut dumped).await.unwrap();
    let changed = String::from_utf8(dumped).unwrap().replace("test.put", "test.pat");
    for s in stores().await {
        let error = s.store.load(&actor(), noon(), &mut changed.as_bytes()).await.unwrap_err();
        assert!(error.code() == "STO-011" && error.to_string().contains("1番目"), "{error}");
        assert!(keys(&s.store, &query("")).await.is_empty());
    }
}
