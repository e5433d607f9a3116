//! Rows as pages change them: saved, refused, confirmed, taken out, and by two people at once.

use std::collections::BTreeMap;

use app::{Error, RowQuery};
use domain::journal::Event;
use domain::ledger::ledger;
use testkit::actor;

use super::{Site, assert_same, day, on_each, row, text};

fn form(cells: &[(&str, &str)]) -> BTreeMap<String, String> {
    cells.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
}

/// `(field, message)` of a refused form.
fn faults(error: Error) -> Vec<(String, String)> {
    let Error::Fields(faults) = error else { panic!("{error}") };
    faults.into_iter().map(|f| (f.field, f.message)).collect()
}

const NEW: &[(&str, &str)] = &[("no", "ＰＣ－１"), ("name", "受付PC"), ("kind", "ノートPC"), ("bought_on", "R6.4.1")];

async fn device(site: &Site, facility: &domain::evaluate::Facility, cells: &[(&str, &str)]) -> app::StoredRow {
    site.app.save_row(&actor(), facility, ledger("devices").unwrap(), None, &form(cells)).await.unwrap()
}

#[tokio::test]
async fn a_row_is_added_changed_and_told_of() {
    on_each(async |site| {
        site.on("2026-11-01");
        let facility = site.facility("架空医院").await;
        let devices = ledger("devices").unwrap();
        let added = device(&site, &facility, NEW).await;
        assert_eq!((added.key.as_str(), added.rev, added.entered_on.as_str()), ("PC-1", 1, "2026-11-01"));
        let kind = [("no", "PC-1"), ("name", "受付PC"), ("kind", "端末"), ("bought_on", "2024-04-01")];
        assert_eq!(added.row, row("devices", &kind), "what people write is understood");

        site.on("2026-11-02");
        let save = async |rev, cells: &[(&str, &str)]| {
            site.app.save_row(&actor(), &facility, devices, Some(("PC-1", rev)), &form(cells)).await
        };
        let changed = save(1, &[("place", "待合"), ("bought_on", "")]).await.unwrap();
        assert_eq!((changed.rev, changed.row.get("place")), (2, Some(&text("待合"))));
        assert_eq!(changed.row.get("bought_on"), None, "an empty field is not stated");
        assert_eq!(changed.row["name"], text("受付PC"), "a field the form lacks stays");

        site.on("2026-11-03");
        let same = save(2, &[("place", "待合")]).await.unwrap();
        assert_eq!((same.rev, same.entered_on.as_str(), &same.row), (2, "2026-11-03", &changed.row));

        let late = save(1, &[("place", "倉庫")]).await.unwrap_err();
        let Error::Conflict { message } = &late else { panic!("{late}") };
        assert!(message.contains("11月3日 12:00にtestさん"), "{message}");

        let told = site.app.row_history(&facility, devices, "PC-1").await.unwrap();
        let acts: Vec<&str> = told.iter().map(|e| e.action.as_str()).collect();
        assert_eq!(acts, ["devices.confirm", "devices.edit", "devices.add"], "{}", site.name);
        assert_eq!(told[1].details["設置場所"], "空欄 → 待合");
        assert_eq!(told[1].details["購入日"], "2024-04-01 → 空欄");
        assert_eq!(told[2].details["種別"], "端末");
        let nobody = site.app.row(&facility, devices, "PC-9").await.unwrap_err();
        assert!(matches!(nobody, Error::NotFound { .. }), "{nobody}");
    })
    .await;
}

#[tokio::test]
async fn a_form_is_refused_field_by_field_and_nothing_is_kept() {
    on_each(async |site| {
        let facility = site.facility("架空医院").await;
        device(&site, &facility, NEW).await;
        let before = site.dump().await;
        let save = async |of: &str, existing, cells: &[(&str, &str)]| {
            let of = ledger(of).unwrap();
            faults(site.app.save_row(&actor(), &facility, of, existing, &form(cells)).await.unwrap_err())
        };
        let refused =
            save("devices", None, &[("no", "PC-2"), ("kind", "宇宙船"), ("bought_on", "2025/2/30"), ("wat", "x")])
                .await;
        let fields: Vec<&str> = refused.iter().map(|(field, _)| field.as_str()).collect();
        assert_eq!(fields, ["bought_on", "kind", "wat", "name"]);
        assert_eq!(refused[3].1, "機器名がありません。必ず書いてください。");
        let taken = save("devices", None, &[("no", "pc-1"), ("name", "別の"), ("kind", "端末")]).await;
        assert!(taken[0].0 == "no" && taken[0].1.contains("「PC-1」はすでに機器台帳にあります"), "{taken:?}");
        let missing = save("devices", Some(("PC-1", 1)), &[("name", "　")]).await;
        assert_eq!(missing[0].0, "name");
        let strange = save("accounts", None, &[("system", "SYS-9"), ("login", "a")]).await;
        assert!(strange[0].0 == "system" && strange[0].1.contains("システム一覧にありません"), "{strange:?}");
        let strange = save("attestations", None, &[("requirement", "mhlw-9/1")]).await;
        assert_eq!(strange[0].0, "requirement");
        let long = "あ".repeat(2_001);
        assert_eq!(save("devices", Some(("PC-1", 1)), &[("note", &long)]).await[0].0, "note");
        assert_eq!(save("facilities", None, &[("no", "F9"), ("name", "別院")]).await[0].0, "no");
        assert_same(&before, &site.dump().await, site.name);
    })
    .await;
}

#[tokio::test]
async fn a_row_that_others_point_to_keeps_its_key_and_stays() {
    on_each(async |site| {
        let facility = site.facility("架空医院").await;
        let (people, devices) = (ledger("people").unwrap(), ledger("devices").unwrap());
        site.put(&facility, people, vec![row("people", &[("no", "S1"), ("name", "髙橋 太郎")])]).await;
        let owned = [NEW, &[("owner", "高橋太郎"), ("note", "\u{202E}窓側")]].concat();
        let unknown = device(&site, &facility, &owned).await;
        assert_eq!((&unknown.row["owner"], &unknown.row["note"]), (&text("高橋太郎"), &text("窓側")));
        let edit = async |of, key, rev, cells: &[(&str, &str)]| {
            site.app.save_row(&actor(), &facility, of, Some((key, rev)), &form(cells)).await
        };
        let known = edit(devices, "PC-1", 1, &[("owner", "髙橋　太郎")]).await.unwrap();
        assert_eq!(known.row["owner"], text("S1"));
        let links = site.app.row_references(&facility, people, "S1").await.unwrap();
        let links: Vec<_> = links.iter().map(|l| (l.ledger.name, l.key.as_str(), l.title.as_deref())).collect();
        assert_eq!(links, [("devices", "PC-1", Some("受付PC"))]);
        let renamed = faults(edit(people, "S1", 1, &[("no", "S2")]).await.unwrap_err());
        assert!(renamed[0].0 == "no" && renamed[0].1.contains("機器台帳の「PC-1」が「S1」を参照"), "{renamed:?}");
        let remove = async |of, key, rev, reason| site.app.remove_row(&actor(), &facility, of, key, rev, reason).await;
        assert_eq!(remove(people, "S1", 1, "誤り").await.unwrap_err().code(), "LED-003");
        assert_eq!(remove(devices, "PC-1", 2, "誤り").await.unwrap_err().code(), "LED-002");

        edit(devices, "PC-1", 2, &[("owner", "")]).await.unwrap();
        assert_eq!(edit(people, "S1", 1, &[("no", "s2")]).await.unwrap().key, "S2");
        assert_eq!(remove(people, "S2", 2, " ").await.unwrap_err().code(), "LED-001");
        assert!(matches!(remove(people, "S2", 1, "誤り").await.unwrap_err(), Error::Conflict { .. }));
        assert!(matches!(remove(people, "S1", 1, "誤り").await.unwrap_err(), Error::NotFound { .. }));
        remove(people, "S2", 2, "二重に登録したため").await.unwrap();
        assert!(site.rows(&facility, "people").await.is_empty());
        let told = site.app.row_history(&facility, people, "S2").await.unwrap();
        assert_eq!(told[0].action, "people.remove");
        assert_eq!((&*told[0].details["reason"], &*told[0].details["氏名"]), ("二重に登録したため", "髙橋 太郎"));
        assert_eq!(edit(devices, "PC-1", 3, &[("no", "PC-01")]).await.unwrap().key, "PC-01", "nobody knew the old one");
    })
    .await;
}

#[tokio::test]
async fn a_stock_take_confirms_many_rows_at_once() {
    on_each(async |site| {
        site.on("2025-01-01");
        let facility = site.facility("架空医院").await;
        let devices = ledger("devices").unwrap();
        for no in ["PC-1", "PC-2", "PC-3"] {
            device(&site, &facility, &[("no", no), ("name", "PC"), ("kind", "端末")]).await;
        }
        site.on("2026-11-22");
        let before = site.dump().await;
        let confirm = async |keys: &[&str]| {
            let keys: Vec<String> = keys.iter().map(|k| (*k).to_owned()).collect();
            site.app.confirm_rows(&actor(), &facility, devices, &keys).await
        };
        assert!(matches!(confirm(&["PC-1", "PC-9"]).await.unwrap_err(), Error::NotFound { .. }));
        assert_eq!(confirm(&[]).await.unwrap(), 0);
        assert_same(&before, &site.dump().await, "nothing yet");
        assert_eq!(confirm(&["PC-2", "PC-1", "PC-2"]).await.unwrap(), 2, "{}", site.name);
        let rows = site.rows(&facility, "devices").await;
        let seen: Vec<_> = rows.values().map(|r| r.get("checked_on").cloned()).collect();
        assert_eq!(seen, [Some(day("2026-11-22")), Some(day("2026-11-22")), None]);
        let (entries, _) = site.app.store.journal_head().await.unwrap();
        assert_eq!(entries, 5, "facility, three devices, one stock-take");
        let told = site.app.row_history(&facility, devices, "PC-2").await.unwrap();
        assert_eq!((told.len(), told[0].action.as_str()), (2, "devices.confirm"));
        assert_eq!(site.app.row_history(&facility, devices, "PC-3").await.unwrap().len(), 1);
        let filters = [(devices.column("checked_on").unwrap(), String::new())];
        let query = RowQuery {
            ledger: devices,
            search: "pc",
            filters: &filters,
            period: None,
            sort: None,
            descending: false,
            page: 1,
        };
        let page = site.app.rows(&facility, &query).await.unwrap();
        assert_eq!((page.total, page.rows[0].key.as_str()), (1, "PC-3"), "not seen yet");
    })
    .await;
}

#[tokio::test]
async fn of_many_imports_at_once_none_is_lost() {
    on_each(async |site| {
        let facility = site.facility("架空医院").await;
        device(&site, &facility, &[NEW, &[("place", "0")]].concat()).await;
        let file =
            |place: u32| format!("管理番号,機器名,種別,設置場所\nPC-1,受付PC,端末,{place}\nPC-9,新,端末,{place}\n");
        let import = async |place| site.import(&facility, "機器台帳.csv", file(place).as_bytes()).await;
        // Somebody is changing the row while all of them begin.
        let mut tx = site.app.store.begin(&actor(), &facility.id, site.app.now()).await.unwrap();
        let devices = ledger("devices").unwrap();
        let held = tx.row_find(devices, &["PC-1".to_owned()]).await.unwrap().remove("PC-1").unwrap();
        let mut edited = held.row.clone();
        edited.insert("place", text("9"));
        tx.row_update(devices, "PC-1", held.rev, &edited).await.unwrap();
        tx.record(Event::new("devices.edit", "PC-1"));
        let (a, b, c, d, commit) = tokio::join!(import(1), import(2), import(3), import(4), tx.commit());
        commit.unwrap();
        let mut steps: BTreeMap<String, (String, String)> = BTreeMap::new();
        let mut added = 0;
        for report in [&a, &b, &c, &d] {
            added += report.sheets[0].added.len();
            for change in report.sheets[0].changed.iter().filter(|c| c.key == "PC-1") {
                let [step] = change.differences.as_slice() else { panic!("{change:?}") };
                let import = report.sheets[0].import.clone().unwrap();
                assert!(
                    steps.insert(step.before.clone(), (step.after.clone(), import)).is_none(),
                    "two after {step:?}"
                );
            }
        }
        assert_eq!(added, 1, "PC-9 was new once");
        let (mut place, mut order) = ("9".to_owned(), Vec::new());
        while let Some((after, import)) = steps.remove(&place) {
            order.push(import);
            place = after;
        }
        assert_eq!((order.len(), steps.len()), (4, 0), "{}: each saw what the one before it left", site.name);
        assert_eq!(site.rows(&facility, "devices").await["PC-1"]["place"], text(&place));
        for import in order.iter().rev() {
            site.app.undo_import(&actor(), &facility, import).await.unwrap();
        }
        assert_eq!(site.rows(&facility, "devices").await["PC-1"]["place"], text("9"));
    })
    .await;
}
