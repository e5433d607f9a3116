//! Files that change what is there: by number, column by column, with the refused rows back.

use app::{Difference, Format, ImportOptions, ImportReport};
use domain::ledger::ledger;
use intake::table::{Cell, guarded, read};
use jiff::civil::date;
use report::{Orientation, Sheet, SheetCell, SheetColumn, Workbook};
use testkit::actor;

use super::{assert_same, day, on_each, row, text};

const DEVICES: &str = "管理番号,機器名,種別,設置場所,購入日,暗号化,備考\n\
                       PC-1,受付PC,端末,受付,2024-04-01,はい,窓側\n\
                       PC-2,診察室PC,端末,診察室1,2024-04-01,,\n\
                       SV-1,電子カルテサーバ,サーバ,サーバ室,,はい,\n";

fn difference(column: &'static str, before: &str, after: &str) -> Difference {
    Difference { column, before: before.to_owned(), after: after.to_owned() }
}

/// The problems of the refused rows, by line.
fn refused(report: &ImportReport) -> Vec<(usize, String)> {
    report.sheets.iter().flat_map(|s| &s.rejected).map(|r| (r.line, r.problems.join("\n"))).collect()
}

/// The rows of a sheet as text.
fn cells(bytes: &[u8], name: &str) -> Vec<Vec<String>> {
    let book = read(name, bytes).unwrap();
    book.sheets[0].rows.iter().map(|r| r.iter().map(|c| c.text().into_owned()).collect()).collect()
}

#[tokio::test]
async fn new_changed_and_equal_rows_meet_by_number() {
    on_each(async |site| {
        let facility = site.facility("架空医院").await;
        site.import(&facility, "機器台帳.csv", DEVICES.as_bytes()).await;
        let file = "管理番号,機器名,種別,設置場所,購入日,暗号化,備考\n\
                    ＰＣ－１,受付PC,端末,待合,2024-04-01,,窓側\n\
                    PC-2,診察室PC,端末,診察室1,R6.4.1,不明,\n\
                    PC-9,新しいPC,端末,受付,,,\n";
        let before = site.dump().await;
        let options = ImportOptions { dry_run: true, ..ImportOptions::default() };
        let foreseen = site.app.import(&actor(), &facility, "機器台帳.csv", file.as_bytes(), options).await.unwrap();
        assert_same(&before, &site.dump().await, "a dry run changes nothing");
        let done = site.import(&facility, "機器台帳.csv", file.as_bytes()).await;
        for report in [&foreseen, &done] {
            let sheet = &report.sheets[0];
            assert_eq!(sheet.added, ["PC-9"]);
            assert_eq!(sheet.changed.len(), 1);
            assert_eq!(sheet.changed[0].key, "PC-1");
            let differences = [difference("設置場所", "受付", "待合"), difference("暗号化", "はい", "")];
            assert_eq!(sheet.changed[0].differences, differences);
            assert_eq!((sheet.unchanged, sheet.rejected.len()), (1, 0));
        }
        assert!(foreseen.sheets[0].import.is_none() && done.sheets[0].import.is_some());
        let rows = site.rows(&facility, "devices").await;
        assert_eq!(rows.len(), 4);
        let changed = [
            ("no", "PC-1"),
            ("name", "受付PC"),
            ("kind", "端末"),
            ("place", "待合"),
            ("bought_on", "2024-04-01"),
            ("note", "窓側"),
        ];
        assert_eq!(rows["PC-1"], row("devices", &changed));
        assert_eq!(
            rows["SV-1"],
            row(
                "devices",
                &[
                    ("no", "SV-1"),
                    ("name", "電子カルテサーバ"),
                    ("kind", "サーバ"),
                    ("place", "サーバ室"),
                    ("encrypted", "はい"),
                ]
            )
        );
    })
    .await;
}

#[tokio::test]
async fn columns_that_a_file_lacks_stay() {
    on_each(async |site| {
        let facility = site.facility("架空医院").await;
        site.import(&facility, "機器台帳.csv", DEVICES.as_bytes()).await;
        let mut expected = site.rows(&facility, "devices").await;
        let file = "管理番号,設置場所,棚卸し確認日\nPC-1,待合,2026-11-20\nSV-1,,2026-11-20\nPC-7,倉庫,2026-11-20\n";
        let options = ImportOptions { ledger: ledger("devices"), ..ImportOptions::default() };
        let report = site.app.import(&actor(), &facility, "棚卸し.csv", file.as_bytes(), options).await.unwrap();
        assert_eq!(report.sheets[0].changed.len(), 2);
        let [(line, problems)] = &refused(&report)[..] else { panic!("{:?}", refused(&report)) };
        assert_eq!(*line, 4, "a new device needs a name and a kind");
        assert!(problems.contains("「機器名」の列がありません") && problems.contains("IMP-202"), "{problems}");
        expected.get_mut("PC-1").unwrap().extend([("place", text("待合")), ("checked_on", day("2026-11-20"))]);
        let server = expected.get_mut("SV-1").unwrap();
        server.remove("place");
        server.insert("checked_on", day("2026-11-20"));
        assert_eq!(site.rows(&facility, "devices").await, expected, "{}", site.name);
    })
    .await;
}

#[tokio::test]
async fn refused_rows_come_back_and_go_in_once_corrected() {
    let file = "機器台帳,,,,\n\
                番号,機器名,種別,設置場所,購入日,独自の列\n\
                PC-1,受付PC,端末,受付,2024-04-01,一階\n\
                PC-2,〃,同上,〃,2024-02-30,〃\n\
                PC-3,=1+1,宇宙船,\"診察室,1\",45383,二階\n\
                PC-1,重なり,端末,,,\n";
    on_each(async |site| {
        let facility = site.facility("架空医院").await;
        let report = site.import(&facility, "機器台帳.csv", file.as_bytes()).await;
        assert_eq!(report.sheets[0].added, ["PC-1"]);
        assert_eq!(report.sheets[0].unmatched, ["独自の列"]);
        let problems = refused(&report);
        assert_eq!(problems.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [4, 5, 6]);
        for ((_, problem), code) in problems.iter().zip(["IMP-102", "IMP-113", "IMP-203"]) {
            assert!(problem.contains(code), "{problem}");
        }
        let returned = report.rejected_workbook.unwrap();
        let rows = cells(&returned, "返却.xlsx");
        assert_eq!(rows[0], ["番号", "機器名", "種別", "設置場所", "購入日", "独自の列", "エラー"]);
        assert_eq!(rows[1][..6], ["PC-2", "受付PC", "端末", "受付", "2024-02-30", "一階"], "〃 is written out");
        assert!(rows[1][6].starts_with("4行目：購入日: "), "{}", rows[1][6]);
        assert_eq!(rows[2][1], "=1+1");

        let again = site.import(&facility, "返却.xlsx", &returned).await;
        assert_eq!(rows[3][..2], ["", "重なり"], "without the number that another row has");
        assert_eq!(refused(&again).len(), 3, "read alone, it must not go over the row that was taken");
        assert!(again.sheets[0].changed.is_empty());
        let twice = cells(&again.rejected_workbook.unwrap(), "返却.xlsx");
        assert_eq!(twice[0], rows[0], "one column of errors is enough");

        let corrected: Vec<String> = twice
            .iter()
            .filter(|line| line[1] != "重なり")
            .map(|line| {
                let fix = |cell: &String| match cell.as_str() {
                    "2024-02-30" => "2024-02-29".to_owned(),
                    "宇宙船" => "端末".to_owned(),
                    other => format!("\"{}\"", guarded(other)),
                };
                line.iter().map(fix).collect::<Vec<_>>().join(",")
            })
            .collect();
        let done = site.import(&facility, "返却.csv", corrected.join("\r\n").as_bytes()).await;
        assert_eq!(done.sheets[0].added, ["PC-2", "PC-3"]);
        assert!(done.rejected_workbook.is_none(), "{:?}", refused(&done));
        let rows = site.rows(&facility, "devices").await;
        let named: Vec<String> = rows.iter().map(|(key, row)| format!("{key} {}", row["name"])).collect();
        assert_eq!(named, ["PC-1 受付PC", "PC-2 受付PC", "PC-3 =1+1"], "what was taken first stands");
        assert_eq!(rows["PC-3"]["bought_on"], day("2024-04-01"), "an Excel serial");
    })
    .await;
}

#[tokio::test]
async fn a_heading_mapped_by_hand_is_remembered() {
    let file = "管理番号,機器名,種別,置いてある所,場所\nPC-1,受付PC,端末,受付,本院\n".as_bytes();
    on_each(async |site| {
        let facility = site.facility("架空医院").await;
        let other = site.facility("架空薬局").await;
        let devices = ledger("devices").unwrap();
        let map = async |heading, column| site.app.map_heading(&actor(), &facility, devices, heading, column).await;
        assert_eq!(map("置いてある所", "ありか").await.unwrap_err().code(), "IMP-303");
        map("置いてある 所", "設置場所").await.unwrap();
        map("場所", "").await.unwrap();
        site.import(&facility, "機器台帳.csv", file).await;
        assert_eq!(site.rows(&facility, "devices").await["PC-1"]["place"], text("受付"));
        site.import(&other, "機器台帳.csv", file).await;
        assert_eq!(site.rows(&other, "devices").await["PC-1"]["place"], text("本院"), "another's own mapping");
    })
    .await;
}

#[tokio::test]
async fn references_are_found_by_number_or_by_a_name_that_is_unique() {
    on_each(async |site| {
        let facility = site.facility("架空医院").await;
        let systems = "システム番号,システム名\nSYS-1_0,電子カルテ\nSYS-10,レセコン\nSYS-20,予約\nSYS-21,予約\n";
        site.import(&facility, "システム一覧.csv", systems.as_bytes()).await;
        let people = "職員番号,氏名\nS1,鈴木 花子\nS2,鈴木　花子\nS3,髙橋 太郎\n";
        site.import(&facility, "職員名簿.csv", people.as_bytes()).await;
        let accounts = "システム,ユーザーID,職員番号\n\
                        ＳＹＳ－１０,a,s3\n\
                        sys-1_0,b,髙橋太郎\n\
                        レセコン,c,鈴木花子\n\
                        予約,d,S1\n\
                        SYS-99,e,S1\n\
                        SYS-20,f,いない人\n";
        let report = site.import(&facility, "アカウント一覧.csv", accounts.as_bytes()).await;
        let rows = site.rows(&facility, "accounts").await;
        let holders: Vec<String> = rows.iter().map(|(key, row)| format!("{key} {}", row["person"])).collect();
        assert_eq!(holders, ["SYS-10/A S3", "SYS-10/C 鈴木花子", "SYS-1_0/B S3", "SYS-20/F いない人"]);
        let problems = refused(&report);
        assert_eq!(problems.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [5, 6]);
        assert!(problems[0].1.contains("『予約』") && problems[0].1.contains("IMP-304"), "two systems have the name");
        assert!(problems[1].1.contains("『SYS-99』はシステム一覧にありません"), "{}", problems[1].1);

        let assessment = site.app.assess(&facility).await.unwrap();
        let owned = site.app.store.offender_list("account.owned", &facility.id, assessment.today).await.unwrap();
        let named: Vec<&str> = owned.iter().map(|o| o.key.as_str()).collect();
        assert_eq!(named, ["SYS-10/C", "SYS-20/F"], "whoever is not known for sure shows up");
    })
    .await;
}

/// A sheet of text.
fn sheet(name: &str, rows: &[&[&str]]) -> Sheet {
    let written = |cell: &&str| SheetCell::Text((*cell).to_owned());
    Sheet {
        name: name.to_owned(),
        titles: Vec::new(),
        columns: rows[0].iter().map(|h| SheetColumn { head: (*h).to_owned(), kind: report::Kind::Text }).collect(),
        rows: rows[1..].iter().map(|r| r.iter().map(written).collect()).collect(),
        orientation: Orientation::Portrait,
    }
}

#[tokio::test]
async fn the_sheets_of_a_workbook_are_read_in_the_order_of_references() {
    let book = Workbook {
        title: "台帳".to_owned(),
        created_on: date(2026, 11, 22),
        lang: domain::text::Lang::Ja,
        sheets: vec![
            sheet("アカウント", &[&["システム", "ユーザーID", "氏名"], &["電子カルテ", "a", "髙橋 太郎"]]),
            sheet("機器 本院", &[&["管理番号", "機器名", "種別"], &["PC-1", "受付PC", "端末"]]),
            sheet("システム", &[&["システム番号", "システム名"], &["SYS-1", "電子カルテ"]]),
            sheet(
                "機器 分院",
                &[&["管理番号", "機器名", "種別"], &["PC-1", "別のPC", "端末"], &["PC-2", "PC", "端末"]],
            ),
            sheet("職員名簿", &[&["職員番号", "氏名"], &["S1", "髙橋 太郎"]]),
        ],
        notes: Vec::new(),
    };
    let book = report::workbook(&book).unwrap();
    on_each(async |site| {
        let facility = site.facility("架空医院").await;
        let options = ImportOptions { dry_run: true, ..ImportOptions::default() };
        let foreseen = site.app.import(&actor(), &facility, "台帳.xlsx", &book, options).await.unwrap();
        let done = site.import(&facility, "台帳.xlsx", &book).await;
        for report in [&foreseen, &done] {
            let added: Vec<String> = report.sheets.iter().flat_map(|s| s.added.clone()).collect();
            assert_eq!(added, ["S1", "SYS-1", "PC-1", "PC-2", "SYS-1/A"], "{}", site.name);
            let [(line, problem)] = &refused(report)[..] else { panic!("{:?}", refused(report)) };
            assert_eq!(*line, 2);
            assert!(problem.contains("シート「機器 本院」の2行目にもあります"), "{problem}");
        }
        assert_eq!(site.rows(&facility, "devices").await["PC-1"]["name"], text("受付PC"));
        assert_eq!(site.rows(&facility, "accounts").await["SYS-1/A"]["person"], text("S1"));
        let workbook = done.rejected_workbook.unwrap();
        let returned = &read("返却.xlsx", &workbook).unwrap().sheets[0].rows[1];
        assert_eq!(
            returned[..2],
            [Cell::Empty, Cell::Text("別のPC".into())],
            "without the number that another row has"
        );
    })
    .await;
}

#[tokio::test]
async fn an_undone_import_leaves_statements_as_old_as_they_were() {
    on_each(async |site| {
        site.on("2025-03-01");
        let facility = site.facility("架空医院").await;
        site.import(&facility, "機器台帳.csv", DEVICES.as_bytes()).await;
        let old = site.state().await;
        let change = async |on: &str, place: &str| {
            site.on(on);
            let file = format!("管理番号,機器名,種別,設置場所\nPC-1,受付PC,端末,{place}\nPC-{place},新,端末,{place}\n");
            let report = site.import(&facility, "機器台帳.csv", file.as_bytes()).await;
            report.sheets[0].import.clone().unwrap()
        };
        let undo = async |import: &str| site.app.undo_import(&actor(), &facility, import).await.unwrap();
        let first = change("2026-01-10", "待合").await;
        let between = site.state().await;
        let second = change("2026-06-10", "倉庫").await;
        site.on("2026-11-22");
        assert_eq!(undo(&second).await, (1, 1));
        assert_same(&between, &site.state().await, "the later one first");
        assert_eq!(undo(&first).await, (1, 1));
        assert_same(&old, &site.state().await, "and nobody confirmed anything today");

        let first = change("2026-11-20", "待合").await;
        let second = change("2026-11-21", "倉庫").await;
        let refused = site.app.undo_import(&actor(), &facility, &first).await.unwrap_err();
        assert!(refused.code() == "IMP-306" && refused.to_string().contains(&second), "{refused}");
        assert_eq!(site.rows(&facility, "devices").await["PC-1"]["place"], text("倉庫"), "nothing happened");
        assert_eq!((undo(&second).await, undo(&first).await), ((1, 1), (1, 1)));
        assert_same(&old, &site.state().await, "in this order nothing is left");
    })
    .await;
}

#[tokio::test]
async fn a_file_about_another_facility_is_refused() {
    on_each(async |site| {
        let facility = site.facility("架空医院").await;
        let other = site.facility("架空薬局").await;
        let file = site.app.export(&other, ledger("facilities"), Format::Csv, None).await.unwrap();
        let before = site.dump().await;
        let refuse = async |bytes: &[u8]| {
            let outcome = site.app.import(&actor(), &facility, "施設.csv", bytes, ImportOptions::default()).await;
            outcome.unwrap_err()
        };
        let error = refuse(&file).await;
        assert_eq!(error.code(), "IMP-302");
        assert!(error.to_string().contains("『F002』") && error.to_string().contains("F001"), "{error}");
        let both = "施設コード,施設名\nF001,架空医院\nF002,架空薬局\n";
        assert_eq!(refuse(both.as_bytes()).await.code(), "IMP-301");
        assert_same(&before, &site.dump().await, site.name);
    })
    .await;
}
