//! Imports and their undoing in any order, against a model; references that are settled and that would dangle.

use std::collections::BTreeMap;

use app::App;
use domain::evaluate::{Facility, plus};
use domain::ledger::ledger;
use jiff::civil::{Date, date};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use testkit::{actor, stores};

use super::{Site, on_each, row, text};

#[derive(Clone, Debug)]
enum Act {
    /// A file with these rows: `(number, department)`.
    Import(BTreeMap<u8, u8>),
    /// Undo one of the imports so far.
    Undo(usize),
    /// Somebody writes a department by hand.
    Edit(u8, u8),
    /// Somebody takes a row out.
    Remove(u8),
}

fn act() -> impl Strategy<Value = Act> {
    let rows = proptest::collection::btree_map(0..4_u8, 0..3_u8, 1..4);
    prop_oneof![
        4 => rows.prop_map(Act::Import),
        4 => (0..8_usize).prop_map(Act::Undo),
        1 => (0..4_u8, 0..3_u8).prop_map(|(key, value)| Act::Edit(key, value)),
        1 => (0..4_u8).prop_map(Act::Remove),
    ]
}

/// A row of the model: what it says, since when, and which import touched it last.
#[derive(Clone, Debug, PartialEq)]
struct Said {
    department: u8,
    on: Date,
    import: Option<usize>,
}

struct Import {
    id: String,
    before: BTreeMap<u8, Option<Said>>,
    undone: bool,
}

async fn act_out(site: &Site, facility: &Facility, acts: &[Act]) -> Result<(), TestCaseError> {
    let people = ledger("people").unwrap();
    let mut rows: BTreeMap<u8, Said> = BTreeMap::new();
    let mut imports: Vec<Import> = Vec::new();
    for (day, act) in acts.iter().enumerate() {
        let on = plus(date(2026, 1, 1), i32::try_from(day).unwrap());
        site.on(&on.to_string());
        match act {
            Act::Import(file) => {
                let lines: String = file.iter().map(|(key, value)| format!("S{key},架空{key},部署{value}\n")).collect();
                let report =
                    site.import(facility, "職員名簿.csv", format!("職員番号,氏名,所属\n{lines}").as_bytes()).await;
                let id = report.sheets[0].import.clone().unwrap();
                let before = file.keys().map(|key| (*key, rows.get(key).cloned())).collect();
                for (key, department) in file {
                    rows.insert(*key, Said { department: *department, on, import: Some(imports.len()) });
                }
                imports.push(Import { id, before, undone: false });
            }
            Act::Undo(n) => {
                let Some(n) = n.checked_rem(imports.len()) else { continue };
                let last = |key: &u8| rows.get(key).and_then(|r| r.import) == Some(n);
                let import = &mut imports[n];
                let outcome = site.app.undo_import(&actor(), facility, &import.id).await;
                if import.undone {
                    prop_assert_eq!(outcome.unwrap_err().code(), "STO-001");
                } else if import.before.keys().all(last) {
                    let restored = import.before.values().flatten().count();
                    let removed = import.before.len() - restored;
                    prop_assert_eq!(outcome.unwrap(), (removed as u64, restored as u64));
                    import.undone = true;
                    for (key, before) in &import.before {
                        match before {
                            Some(before) => rows.insert(*key, before.clone()),
                            None => rows.remove(key),
                        };
                    }
                } else {
                    prop_assert_eq!(outcome.unwrap_err().code(), "IMP-306");
                }
            }
            Act::Edit(key, department) => {
                let no = format!("S{key}");
                let rev = site.app.row(facility, people, &no).await.ok().map(|r| r.rev);
                let fields =
                    [("no", no.clone()), ("name", format!("架空{key}")), ("department", format!("部署{department}"))];
                let fields = fields.map(|(name, text)| (name.to_owned(), text)).into();
                site.app.save_row(&actor(), facility, people, rev.map(|rev| (&*no, rev)), &fields).await.unwrap();
                rows.insert(*key, Said { department: *department, on, import: None });
            }
            Act::Remove(key) => {
                let no = format!("S{key}");
                if let Ok(stored) = site.app.row(facility, people, &no).await {
                    site.app.remove_row(&actor(), facility, people, &no, stored.rev, "試験").await.unwrap();
                }
                rows.remove(key);
            }
        }
        let stored = site.app.store.row_list(people, Some(&facility.id)).await.unwrap();
        let stored: Vec<_> =
            stored.iter().map(|r| (r.key.clone(), r.row["department"].to_string(), r.entered_on.clone())).collect();
        let modelled: Vec<_> = rows
            .iter()
            .map(|(key, said)| (format!("S{key}"), format!("部署{}", said.department), said.on.to_string()))
            .collect();
        prop_assert_eq!(stored, modelled, "{} after {:?}", site.name, act);
    }
    Ok(())
}

#[test]
fn undoing_in_any_order_is_exact_or_refused() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for s in runtime.block_on(stores()) {
        let cases = if s.name == "sqlite" { 40 } else { 15 };
        let site = Site::new(s.store, s.name);
        let mut runner = TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() });
        let outcome = runner.run(&proptest::collection::vec(act(), 1..12), |acts| {
            runtime.block_on(async {
                let facility = site.facility("架空医院").await;
                act_out(&site, &facility, &acts).await
            })
        });
        outcome.unwrap_or_else(|error| panic!("{error}"));
    }
}

async fn undo(app: &App, facility: &Facility, import: &str) -> Result<(u64, u64), String> {
    app.undo_import(&actor(), facility, import).await.map_err(|e| e.to_string())
}

async fn take(site: &Site, facility: &Facility, name: &str, file: &str) -> app::SheetReport {
    site.import(facility, name, file.as_bytes()).await.sheets.remove(0)
}

#[tokio::test]
async fn a_name_is_settled_when_its_row_arrives_and_free_again_when_it_goes() {
    on_each(async |site| {
        let facility = site.facility("架空医院").await;
        site.on("2026-11-01");
        let systems = take(
            &site,
            &facility,
            "システム一覧.csv",
            "システム番号,システム名,業者\nSYS-1,電子カルテ,架空メディカル\n",
        )
        .await;
        let accounts = "システム,ユーザーID,氏名\n電子カルテ,a,髙橋 太郎\n電子カルテ,b,鈴木花子\n電子カルテ,c,だれか\n";
        let accounts = take(&site, &facility, "アカウント一覧.csv", accounts).await;
        let before = site.state().await;
        site.on("2026-11-02");
        let people = take(&site, &facility, "職員名簿.csv", "職員番号,氏名\nS1,髙橋　太郎\nS2,鈴木 花子\n").await;
        assert_eq!((people.resolved, accounts.resolved), (2, 0), "{}", site.name);
        let rows = site.rows(&facility, "accounts").await;
        let holders: Vec<String> = rows.values().map(|row| row["person"].to_string()).collect();
        assert_eq!(holders, ["S1", "S2", "だれか"]);
        let of = ledger("accounts").unwrap();
        let stored = site.app.row(&facility, of, "SYS-1/A").await.unwrap();
        assert_eq!((stored.rev, stored.entered_on.as_str()), (2, "2026-11-01"), "nobody looked at the account");
        let told = site.app.row_history(&facility, of, "SYS-1/A").await.unwrap();
        let acts: Vec<&str> = told.iter().map(|e| e.action.as_str()).collect();
        assert_eq!(acts, ["people.import", "accounts.import"], "{told:?}");
        assert!(site.app.store.journal_list(None, 1).await.unwrap()[0].contains("\"resolved\":\"2\""));

        let (people, accounts) = (people.import.unwrap(), accounts.import.unwrap());
        let refused = undo(&site.app, &facility, &accounts).await.unwrap_err();
        assert!(refused.contains("職員名簿.csv") && refused.contains(&people), "{refused}");
        let refused = undo(&site.app, &facility, &systems.import.unwrap()).await.unwrap_err();
        assert!(refused.contains("アカウント一覧の「SYS-1/A」「SYS-1/B」「SYS-1/C」の参照先"), "{refused}");
        assert_eq!(undo(&site.app, &facility, &people).await, Ok((2, 2)));
        assert_eq!(site.state().await, before, "{}", site.name);
        assert_eq!(undo(&site.app, &facility, &accounts).await, Ok((3, 0)));
    })
    .await;
}

#[tokio::test]
async fn what_somebody_changed_by_hand_is_named() {
    on_each(async |site| {
        let facility = site.facility("架空医院").await;
        let people = ledger("people").unwrap();
        let import =
            take(&site, &facility, "職員名簿.csv", "職員番号,氏名\nS1,髙橋\nS2,鈴木\nS3,佐藤\n").await.import.unwrap();
        site.app.confirm_rows(&actor(), &facility, people, &["S3".to_owned()]).await.unwrap();
        site.app.remove_row(&actor(), &facility, people, "S1", 1, "退職").await.unwrap();
        let refused = undo(&site.app, &facility, &import).await.unwrap_err();
        assert!(refused.contains("職員名簿の「S1」「S3」が、取込みの後に人の手で"), "{refused}");
        let rows = site.rows(&facility, "people").await;
        assert_eq!((rows.len(), &rows["S2"]), (2, &row("people", &[("no", "S2"), ("name", "鈴木")])));
        assert_eq!(rows["S2"]["name"], text("鈴木"), "nothing was undone");
    })
    .await;
}

#[tokio::test]
async fn one_value_for_many_rows_is_one_act_that_can_be_taken_back() {
    on_each(async |site| {
        let facility = site.facility("さくら架空クリニック").await;
        let app = &site.app;
        let csv = "管理番号,機器名,種別,設置場所\nPC-1,端末1,端末,受付\nPC-2,端末2,端末,受付\nPC-3,端末3,端末,受付\n";
        site.import(&facility, "devices.csv", csv.as_bytes()).await;
        let devices = ledger("devices").unwrap();
        let column = |name: &str| devices.column(name).unwrap();
        let keys = ["PC-1", "PC-3"].map(str::to_owned);
        let change = async |keys: &[String], name: &str, value: &str| {
            app.change_rows(&actor(), &facility, devices, keys, column(name), value, "一括変更").await
        };
        let places = async || {
            let rows = app.rows_all(&facility, devices).await.unwrap();
            rows.iter().map(|r| r.row.get("place").map_or(String::new(), ToString::to_string)).collect::<Vec<_>>()
        };
        assert_eq!(change(&keys, "place", " ２階 診察室 ").await.unwrap(), 2);
        assert_eq!(places().await, ["2階 診察室", "受付", "2階 診察室"]);
        let import = app.imports(&facility).await.unwrap().remove(0);
        assert_eq!((import.file_name.as_str(), import.changed), ("一括変更", 2));
        app.undo_import(&actor(), &facility, &import.id).await.unwrap();
        assert_eq!(places().await, ["受付", "受付", "受付"]);
        assert_eq!(change(&keys, "place", "").await.unwrap(), 2, "empty is not stated");
        assert_eq!(places().await, ["", "受付", ""]);
        for (keys, name, value, code) in [
            (&["PC-1".to_owned(), "PC-9".to_owned()][..], "place", "x", "APP-003"),
            (&keys, "no", "PC-7", "LED-004"),
            (&keys, "kind", "なにか", "LED-004"),
            (&keys, "name", "", "LED-004"),
            (&keys, "bought_on", "2026-13-01", "LED-004"),
            (&keys, "encrypted", "\u{1F600}", "LED-004"),
        ] {
            assert_eq!(change(keys, name, value).await.unwrap_err().code(), code, "{name} {value}");
        }
        assert_eq!(places().await, ["", "受付", ""], "nothing changed");
    })
    .await;
}
