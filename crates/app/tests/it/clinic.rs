//! The sample clinic: what it hands in, what a careful person understands, what is left when it is undone.

use domain::ledger::{Column, Kind, ledger};
use domain::text::tidy;
use serde_json::Value as Json;
use testkit::actor;

use app::{Error, Format};

use super::{Site, assert_same, on_each, sample};

const CLINIC: &str = "さくら架空クリニック";
const BROKEN: &str = "壊れた台帳";

/// The clinic's files as the folder has them, with one that is no ledger.
fn files() -> Vec<(String, Vec<u8>)> {
    ["アカウント一覧.csv", "システム一覧.xlsx", "機器台帳.xlsx", "正解.json", "職員名簿.csv"]
        .map(|name| (name.to_owned(), sample(CLINIC, name)))
        .into()
}

/// The answer's text as an export has it; `None` for what is not stated.
fn expected(column: &Column, answer: &Json) -> Option<Json> {
    match answer {
        Json::String(text) if text.is_empty() => None,
        Json::String(text) if matches!(column.kind, Kind::Choice(_) | Kind::Set(_)) => {
            column.parse(text).unwrap().map(|value| serde_json::to_value(value).unwrap())
        }
        Json::String(text) => Some(Json::from(tidy(text))),
        Json::Null => None,
        other => Some(other.clone()),
    }
}

/// Imports the clinic's folder: `(facility, number of rows by file)`.
async fn imported(site: &Site) -> (domain::evaluate::Facility, Vec<(String, usize)>) {
    let files = files();
    let facility = site.app.facility_of_folder(&actor(), CLINIC, &files).await.unwrap();
    let mut counts = Vec::new();
    for (name, outcome) in site.app.import_folder(&actor(), &facility, &files).await.unwrap() {
        if name == "正解.json" {
            assert!(matches!(outcome, Err(Error::File { .. })), "{}: {outcome:?}", site.name);
            continue;
        }
        let report = outcome.unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(report.rejected_workbook.is_none(), "{name}");
        for sheet in &report.sheets {
            assert!(sheet.rejected.is_empty() && sheet.changed.is_empty(), "{name}: {sheet:?}");
            assert!(sheet.unmatched.is_empty(), "{name}: {:?}", sheet.unmatched);
        }
        counts.push((name, report.sheets.iter().map(|s| s.added.len()).sum()));
    }
    (facility, counts)
}

#[tokio::test]
async fn a_folder_is_understood_field_by_field() {
    let answers: Json = serde_json::from_slice(&sample(CLINIC, "正解.json")).unwrap();
    let renamed = [
        ("bought", "bought_on"),
        ("start", "start_on"),
        ("leave", "leave_on"),
        ("renewal", "renewal_on"),
        ("last", "last_login_on"),
        ("factors", "methods"),
    ];
    on_each(async |site| {
        let (facility, counts) = imported(&site).await;
        assert_eq!((facility.name.as_str(), facility.kind.as_deref()), (CLINIC, Some("clinic")));
        let order: Vec<&str> = counts.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(order, ["職員名簿.csv", "システム一覧.xlsx", "機器台帳.xlsx", "アカウント一覧.csv"]);
        let exported: Json =
            serde_json::from_slice(&site.app.export(&facility, None, Format::Json, None).await.unwrap()).unwrap();
        for of in ["people", "systems", "devices", "accounts"].map(|name| ledger(name).unwrap()) {
            let (rows, answers) = (exported[of.name].as_array().unwrap(), answers[of.name].as_array().unwrap());
            assert_eq!(rows.len(), answers.len(), "{}", of.name);
            for answer in answers {
                let same = |row: &&Json| of.key.iter().all(|key| row[key] == answer[key]);
                let row = rows.iter().find(same).unwrap_or_else(|| panic!("{}: {answer} is missing", of.name));
                for (field, answer) in answer.as_object().unwrap() {
                    let name =
                        renamed.iter().find(|(short, _)| short == field).map_or(field.as_str(), |(_, long)| long);
                    let column = of.column(name).unwrap();
                    assert_eq!(row.get(name).cloned(), expected(column, answer), "{} {name}: {row}", of.name);
                }
            }
        }
        let vendors: Vec<&str> =
            exported["systems"].as_array().unwrap().iter().filter_map(|s| s["vendor"].as_str()).collect();
        assert!(vendors.contains(&"架空メディカルシステム"), "a vendor nobody registered stays as written");
    })
    .await;
}

#[tokio::test]
async fn a_second_time_every_row_is_confirmed_and_undone_nothing_is_left() {
    on_each(async |site| {
        site.on("2025-10-01");
        site.app.facility_of_folder(&actor(), CLINIC, &files()).await.unwrap();
        let before = site.state().await;
        let (facility, counts) = imported(&site).await;
        let after = site.state().await;
        let overdue = |assessment: &app::Assessment| assessment.evidence.facts["account.owned"].unknown;
        site.on("2026-11-22");
        assert!(overdue(&site.app.assess(&facility).await.unwrap()) > 0, "a statement of last year says nothing");
        for (name, outcome) in site.app.import_folder(&actor(), &facility, &files()).await.unwrap() {
            let Ok(report) = outcome else { continue };
            let sheet = &report.sheets[0];
            assert!(sheet.added.is_empty() && sheet.changed.is_empty() && sheet.rejected.is_empty(), "{sheet:?}");
            assert!(sheet.import.is_some(), "{name}: that somebody looked is worth an entry");
            let entry = site.app.store.journal_list(Some(&facility.id), 9).await.unwrap();
            assert!(entry.iter().any(|e| e.contains(&format!("\"confirmed\":\"{}\"", sheet.unchanged))), "{entry:?}");
            assert!(counts.contains(&(name, sheet.unchanged)));
        }
        assert_eq!(overdue(&site.app.assess(&facility).await.unwrap()), 0, "and now it was said again");

        let imports = site.app.store.import_list(&facility.id).await.unwrap();
        assert_eq!(imports.len(), 8);
        let undo = async |id: &str| site.app.undo_import(&actor(), &facility, id).await;
        let early = undo(&imports[4].id).await.unwrap_err();
        assert!(early.code() == "IMP-306" && early.to_string().contains(&imports[0].id), "{early}");
        for import in &imports[..4] {
            let rows = u64::try_from(import.unchanged).unwrap();
            assert_eq!(undo(&import.id).await.unwrap(), (0, rows));
        }
        assert_same(&after, &site.state().await, "as old as they were");
        for import in &imports[4..] {
            let rows = u64::try_from(import.added).unwrap();
            assert_eq!(undo(&import.id).await.unwrap(), (rows, 0));
        }
        assert_same(&before, &site.state().await, site.name);
        let twice = site.app.undo_import(&actor(), &facility, &imports[0].id).await.unwrap_err();
        assert_eq!(twice.code(), "STO-001");
        assert_eq!(site.app.store.journal_verify().await.unwrap(), Ok(17));
    })
    .await;
}

#[tokio::test]
async fn a_file_that_cannot_be_read_leaves_everything_as_it_was() {
    on_each(async |site| {
        let (facility, _) = imported(&site).await;
        let before = site.dump().await;
        for (name, code) in [
            ("空.xlsx", "IMP-001"),
            ("中身はHTML.xlsx", "IMP-003"),
            ("途中で切れた台帳.xlsx", "IMP-009"),
            ("見出しが分からない.xlsx", "IMP-051"),
        ] {
            let error = site
                .app
                .import(&actor(), &facility, name, &sample(BROKEN, name), app::ImportOptions::default())
                .await
                .unwrap_err();
            assert_eq!(error.code(), code, "{name}");
            assert!(error.to_string().starts_with(name), "{error}");
            assert_same(&before, &site.dump().await, name);
        }
    })
    .await;
}

#[tokio::test]
async fn of_a_file_with_mistakes_the_good_rows_go_in_and_can_be_taken_out() {
    // File, rows added and changed, and of each refused row its line and code.
    type Known = (&'static str, usize, usize, &'static [(usize, &'static str)]);
    let files: [Known; 3] = [
        (
            "誤りの多い台帳.xlsx",
            1,
            0,
            &[
                (3, "IMP-203"),
                (4, "IMP-201"),
                (5, "IMP-104"),
                (6, "IMP-102"),
                (7, "IMP-204"),
                (8, "IMP-113"),
                (9, "IMP-203"),
            ],
        ),
        ("文字化け混在.csv", 0, 0, &[(2, "IMP-206"), (3, "IMP-202")]),
        ("式の注入.csv", 0, 2, &[(4, "IMP-201")]),
    ];
    on_each(async |site| {
        let (facility, _) = imported(&site).await;
        let before = site.state().await;
        for (name, added, changed, refused) in files {
            let report = site.import(&facility, name, &sample(BROKEN, name)).await;
            let [sheet] = report.sheets.as_slice() else { panic!("{name}") };
            assert_eq!((sheet.added.len(), sheet.changed.len()), (added, changed), "{name}");
            let lines: Vec<usize> = sheet.rejected.iter().map(|r| r.line).collect();
            assert_eq!(lines, refused.iter().map(|(line, _)| *line).collect::<Vec<_>>(), "{name}");
            for (row, (_, code)) in sheet.rejected.iter().zip(refused) {
                assert!(row.problems.join(" ").contains(code), "{name}: {:?}", row.problems);
            }
            assert!(report.rejected_workbook.is_some(), "{name}");
            assert_eq!(sheet.import.is_some(), added + changed > 0, "{name}");
            if let Some(import) = &sheet.import {
                site.app.undo_import(&actor(), &facility, import).await.unwrap();
            }
            assert_same(&before, &site.state().await, name);
        }
    })
    .await;
}
