//! What people do with it.

use std::process::Command;

use super::{Desk, kit, text};

#[test]
fn from_an_empty_folder_to_a_signed_checklist() {
    let desk = Desk::new();
    let said = desk.ok(&["import", &kit("samples/さくら架空クリニック")]);
    for line in ["職員名簿：追加 26", "システム一覧：追加 4", "機器台帳：追加 40", "アカウント一覧：追加 54"]
    {
        assert!(said.contains(line), "{said}");
    }
    let verdicts = desk.ok(&["assess"]);
    assert!(verdicts.contains("さくら架空クリニック") && verdicts.contains("台帳 40台"), "{verdicts}");
    let paper = desk.ok(&["checklist", "--sign", "佐倉 健一", "--out", "書類"]);
    assert!(paper.contains("チェックリスト_r7_hospital.pdf"));
    let words = pdf_text(&desk, "書類/チェックリスト_r7_hospital.pdf");
    for part in ["サイバーセキュリティ対策チェックリスト", "さくら架空クリニック", "佐倉 健一", "2-⑬", "はい", "いいえ"]
    {
        assert!(words.contains(part), "{part} is missing:\n{words}");
    }
    let journal = desk.ok(&["journal", "list"]);
    for action in ["facility.add", "people.import", "devices.import", "checklist.sign"] {
        assert!(journal.contains(action), "{action}");
    }
    assert!(desk.ok(&["journal", "verify"]).contains("改ざん・欠落は見つかりません"));
}

fn pdf_text(desk: &Desk, name: &str) -> String {
    let out = Command::new("pdftotext").arg("-layout").arg(desk.path(name)).arg("-").output().expect("pdftotext");
    assert!(out.status.success());
    text(&out.stdout)
}

#[test]
fn papers_of_every_year_and_form_and_the_report() {
    let desk = Desk::demo();
    for year in ["checklist-r5", "checklist-r6", "checklist-r7"] {
        for form in ["hospital", "pharmacy", "vendor"] {
            if year == "checklist-r5" && form == "pharmacy" {
                assert!(desk.refused(&["checklist", year, "--form", form]).1.contains("CHK-002"));
            } else {
                desk.ok(&["checklist", year, "--form", form]);
            }
        }
    }
    assert!(desk.refused(&["checklist", "checklist-r8"]).1.contains("CHK-002"), "items of R8 were not seen");
    assert!(desk.refused(&["checklist", "mhlw-7.0"]).1.contains("CHK-001"));
    assert!(desk.refused(&["checklist", "checklist-r7", "--sign", "　"]).1.contains("CHK-003"));
    desk.ok(&["report"]);
    let words = pdf_text(&desk, "out/判定と根拠_mhlw-7.0.pdf");
    assert!(words.contains("システム運用編") && words.contains("→"), "{words}");
}

#[test]
fn the_same_facts_give_the_same_bytes() {
    let desk = Desk::demo();
    desk.ok(&["checklist", "--out", "a"]);
    desk.ok(&["checklist", "--out", "b"]);
    for name in ["チェックリスト_r7_hospital.pdf", "チェックリスト_r7_hospital.xlsx"] {
        let read = |folder: &str| std::fs::read(desk.path(folder).join(name)).unwrap();
        assert!(read("a") == read("b"), "{name}");
    }
}

#[test]
fn an_audit_folder_checks_without_data_and_shows_tampering() {
    let desk = Desk::demo();
    let made = desk.ok(&["audit-folder", "--out", "監査.zip"]);
    let code = made.lines().find_map(|l| l.strip_prefix("検証コード　：")).unwrap().to_owned();
    let elsewhere = Desk::new();
    let zip = desk.path("監査.zip");
    let checked = elsewhere.ok(&["verify", zip.to_str().unwrap()]);
    assert!(checked.contains(&code) && checked.contains("あおば架空クリニック"), "{checked}");
    assert!(!elsewhere.path("data").exists(), "checking needs no data folder");
    assert!(desk.ok(&["journal", "list"]).contains(&code), "the journal knows the code");
    let mut bytes = std::fs::read(&zip).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&zip, bytes).unwrap();
    assert!(elsewhere.refused(&["verify", zip.to_str().unwrap()]).1.contains("AUD-001"));
}

#[test]
fn json_explain_offenders_and_all_facilities() {
    let desk = Desk::demo();
    let json = desk.ok(&["assess", "--json"]);
    assert!(json.contains("\"checklist-r7\"") && json.contains("\"evidence\""));
    let why = desk.ok(&["assess", "--explain", "mhlw-7.0/unyo/14-5"]);
    for part in ["判定", "根拠", "次に", "出典"] {
        assert!(why.contains(part), "{why}");
    }
    assert!(desk.refused(&["assess", "--explain", "mhlw-7.0/unyo/99-9"]).1.contains("CAT-003"));
    let offenders = desk.ok(&["assess", "checklist-r7", "--offenders"]);
    assert!(offenders.contains("退職者のアカウントが無効である"), "{offenders}");
    assert!(desk.ok(&["assess", "--all-facilities"]).contains("AOBA-01"));
    assert!(desk.ok(&["--lang", "en", "assess", "checklist-r7"]).contains("unmet"));
}

#[test]
fn catalogs_are_browsed_and_compared() {
    let desk = Desk::new();
    let list = desk.ok(&["catalog", "list"]);
    for edition in ["mhlw-7.0", "mhlw-6.0", "meti-mic-2.0", "checklist-r5", "checklist-r8"] {
        assert!(list.contains(edition), "{list}");
    }
    assert!(!desk.path("data").exists(), "browsing needs no data folder");
    assert!(desk.ok(&["catalog", "list", "mhlw-7.0"]).contains("mhlw-7.0/unyo/14-5"));
    assert!(desk.ok(&["catalog", "show", "mhlw-7.0/unyo/10-5"]).contains("番号が移動"));
    let diff = desk.ok(&["catalog", "diff", "mhlw-6.0", "mhlw-7.0"]);
    assert!(diff.contains("運10⑤") && diff.contains("番号が移った項目"), "{diff}");
    let demo = Desk::demo();
    assert!(demo.ok(&["catalog", "diff", "mhlw-6.0", "mhlw-7.0"]).contains("［"), "with this facility's verdicts");
}

#[test]
fn everything_moves_by_dump_and_load() {
    let desk = Desk::demo();
    let before = desk.ok(&["assess", "--json"]);
    desk.ok(&["dump", "全部.jsonl"]);
    let other = Desk::new();
    other.ok(&["load", desk.path("全部.jsonl").to_str().unwrap()]);
    assert_eq!(other.ok(&["assess", "--json"]), before);
    assert!(other.refused(&["load", desk.path("全部.jsonl").to_str().unwrap()]).1.contains("STO-011"));
    if let Ok(server) = std::env::var("TEST_PG") {
        let name = format!("cli_{}", std::process::id());
        let made = Command::new("psql")
            .args([&format!("{server}/postgres"), "-qc", &format!("CREATE DATABASE {name}")])
            .status();
        assert!(made.unwrap().success());
        let url = format!("{server}/{name}");
        other.ok(&["--database", &url, "load", desk.path("全部.jsonl").to_str().unwrap()]);
        assert_eq!(other.ok(&["--database", &url, "assess", "--json"]), before, "SQLite and PostgreSQL agree");
    }
}

#[test]
fn an_export_comes_back_and_an_import_is_undone() {
    let desk = Desk::demo();
    desk.ok(&["export", "--out", "台帳.xlsx"]);
    let again = desk.ok(&["import", "台帳.xlsx"]);
    assert!(!again.contains("変更 1") && again.contains("機器台帳：追加 0・変更 0・変更なし 27・エラー 0"), "{again}");
    assert!(desk.refused(&["export", "--out", "x.csv"]).1.contains("OUT-002"));
    std::fs::write(desk.path("新しい機器.csv"), "管理番号,機器名,種別\nNEW-1,受付端末9,端末\n").unwrap();
    let dry = desk.ok(&["import", "新しい機器.csv", "--dry-run"]);
    assert!(dry.contains("（試行）：追加 1") && dry.contains("追加 NEW-1"), "{dry}");
    let said = desk.ok(&["import", "新しい機器.csv"]);
    let id = said.split("imports undo ").nth(1).unwrap().lines().next().unwrap().to_owned();
    assert!(desk.ok(&["imports", "list"]).contains(&id));
    assert!(desk.ok(&["imports", "undo", &id]).contains("1行を除き"));
    assert!(desk.refused(&["imports", "undo", &id]).1.contains("STO-001"));
}
