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
fn what_was_sealed_is_proved_and_a_rewritten_database_is_found() {
    let desk = Desk::new();
    desk.ok(&["facility", "add", "架空医院"]);
    let sealed = desk.ok(&["journal", "seal"]);
    assert!(sealed.contains("封印　：1件"), "{sealed}");
    let key = desk.ok(&["journal", "key"]).trim().to_owned();
    desk.ok(&["journal", "prove", "1", "--out", "記録.tlog-proof", "--withhold", "actor"]);
    let proof = desk.path("記録.tlog-proof");
    let elsewhere = Desk::new();
    let checked = elsewhere.ok(&["verify", proof.to_str().unwrap(), "--key", &key]);
    assert!(
        checked.contains("facility.add") && checked.contains("（伏せた項目）") && !checked.contains("コマンド操作")
    );
    assert!(elsewhere.refused(&["verify", proof.to_str().unwrap()]).1.contains("JRN-009"));
    let text = std::fs::read_to_string(&proof).unwrap();
    std::fs::write(&proof, text.replace("index 0", "index 1")).unwrap();
    assert!(elsewhere.refused(&["verify", proof.to_str().unwrap(), "--key", &key]).1.contains("JRN-007"));
    // Somebody rewrites an entry and its chain, as the database lets them.
    assert!(desk.ok(&["journal", "verify"]).contains("封印した1件は、封印したときのまま"));
    let entry = desk.sql("SELECT entry FROM journal WHERE seq = 1").replace("コマンド操作", "だれか");
    let hash = domain::journal::chain(domain::journal::GENESIS, &entry);
    desk.sql(&format!("UPDATE journal SET entry = '{entry}', hash = '{hash}' WHERE seq = 1"));
    let (code, said) = desk.said(&["journal", "verify"]);
    assert!(code == 1 && said.contains("JRN-008") && said.contains("1番目"), "{code} {said}");
    assert!(desk.refused(&["journal", "seal"]).1.contains("JRN-002"));
    assert!(desk.said(&["doctor"]).1.contains("封印"));
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
fn all_facilities_as_json_and_of_one_edition() {
    let desk = Desk::demo();
    let json = desk.ok(&["assess", "checklist-r7", "--all-facilities", "--json"]);
    assert!(json.starts_with("[{\"facility\":{\"no\":\"AOBA-01\"") && json.trim_end().ends_with("}]"), "{json}");
    assert!(json.contains("\"checklist-r7\"") && !json.contains("\"edition\":\"mhlw-7.0\""));
    assert_eq!(desk.ok(&["assess", "checklist-r7", "--all-facilities"]).trim_end().split('\t').count(), 3);
    assert!(desk.refused(&["assess", "mhlw-9.9", "--all-facilities"]).1.contains("CAT-002"));
}

#[test]
fn english_is_english_throughout() {
    let desk = Desk::new();
    desk.ok(&["facility", "add", "Aoba Clinic", "--no", "A-1", "--kind", "clinic"]);
    let japanese = |c: &char| matches!(c, '\u{3001}'..='\u{30FF}' | '\u{4E00}'..='\u{9FFF}' | '\u{FF01}'..='\u{FF9F}');
    let sure = |what: &str, said: &str| {
        // What a cited document is called in its own language is its name, and a number is as it is cited.
        let named = |line: &&str| line.starts_with("Source") || line.starts_with("\"number\"");
        for line in said.replace(",\"", "\n\"").lines().filter(|line| !named(line)) {
            assert!(line.chars().find(japanese).is_none(), "{what}: {line}");
        }
    };
    for words in [
        &["assess"][..],
        &["assess", "mhlw-7.0"],
        &["assess", "meti-mic-2.0"],
        &["assess", "--json"],
        &["assess", "--all-facilities"],
        &["assess", "--explain", "mhlw-7.0/unyo/14-5"],
        &["assess", "--explain", "checklist-r7/2-9"],
        &["catalog", "list"],
        &["catalog", "list", "mhlw-7.0"],
        &["catalog", "list", "checklist-r7"],
        &["catalog", "show", "mhlw-7.0/unyo/10-5"],
        &["catalog", "diff", "mhlw-6.0", "mhlw-7.0"],
        &["checklist"],
        &["report"],
    ] {
        sure(&words.join(" "), &desk.ok(&[&["--lang", "en", "--actor", "Hanako"], words].concat()));
    }
    for file in ["checklist_r7_hospital.pdf", "report_mhlw-7.0.pdf"] {
        sure(file, &pdf_text(&desk, &format!("out/{file}")));
    }
    let sheet = Command::new("unzip")
        .arg("-p")
        .arg(desk.path("out/checklist_r7_hospital.xlsx"))
        .args(["xl/worksheets/*", "xl/workbook.xml", "xl/shared*", "docProps/*"])
        .output()
        .unwrap();
    sure("the workbook", &text(&sheet.stdout).replace('>', ">\n"));
    assert!(desk.ok(&["checklist"]).contains("チェックリスト_r7_hospital.xlsx"));
}

#[test]
fn forms_and_formats_there_are_not_are_refused_with_those_there_are() {
    let desk = Desk::demo();
    let (_, said) = desk.refused(&["checklist", "--form", "foo"]);
    for part in ["CHK-004", "hospital（医療機関確認用）", "pharmacy（薬局確認用）", "vendor（事業者確認用）"]
    {
        assert!(said.contains(part), "{said}");
    }
    for file in ["a.pdf", "a", "a.xls"] {
        let (_, said) = desk.refused(&["export", "-o", file]);
        assert!(said.contains("OUT-004") && said.contains(".xlsx"), "{said}");
        assert!(!desk.path(file).exists());
    }
    desk.ok(&["export", "-o", "A.XLSX"]);
}

#[test]
fn the_command_line_speaks_japanese() {
    let desk = Desk::new();
    for (words, parts) in [
        (
            &["asess"][..],
            &["CLI-001", "「asess」というコマンドはありません", "もしかして", "「assess」ですか", "sakimori --help"][..],
        ),
        (&["facility", "ad"], &["CLI-001", "「add」", "sakimori facility --help"]),
        (
            &["assess", "--jsn"],
            &["CLI-002", "「--jsn」というオプションはありません", "もしかして「--json」", "sakimori assess --help"],
        ),
        (&["demo", "x"], &["CLI-0"]),
        (&["export"], &["CLI-003", "「--out <ファイル>」がありません", "sakimori export --help"]),
        (&["export", "--out"], &["CLI-003", "「--out <ファイル>」の値がありません"]),
        (&["--lang", "fr", "demo"], &["CLI-004", "「--lang <言語>」に「fr」は使えません", "「ja」「en」のどれか"]),
        (&["journal", "list", "--limit", "many"], &["CLI-004", "「--limit <件数>」に「many」は使えません"]),
        (&["assess", "--json", "--json"], &["CLI-005", "一度だけ"]),
    ] {
        let (code, said) = desk.refused(words);
        assert_eq!(code, 2, "{words:?}");
        for part in parts {
            assert!(said.contains(part), "{words:?}: {said}");
        }
        assert!(!said.contains("error") && !said.contains("Usage"), "{said}");
    }
    for words in [&["--help"][..], &["assess", "-h"], &["facility", "add", "--help"], &["checklist", "--help"]] {
        let help = desk.ok(words);
        assert!(help.contains("使い方: sakimori") && help.contains("オプション:"), "{help}");
        for english in
            ["Usage", "Options", "Commands", "Arguments", "Print", "default", "possible", "OPTIONS", "COMMAND"]
        {
            assert!(!help.contains(english), "{english}: {help}");
        }
    }
    assert!(desk.ok(&["--help"]).contains("コマンド:"));
    assert!(desk.ok(&["facility", "add", "--help"]).contains("引数:\n  <施設名>"));
    let (code, said) = desk.refused(&[]);
    assert!(code == 2 && said.contains("CLI-003") && said.contains("sakimori --help"), "{said}");
    assert_eq!(desk.ok(&["--version"]).trim_end(), format!("sakimori {}", env!("CARGO_PKG_VERSION")));
    assert!(!desk.path("data").exists());
}

#[test]
fn an_audit_folder_of_two_facilities_withholds_the_other() {
    let desk = Desk::new();
    desk.ok(&["facility", "add", "東医院", "--no", "E-1"]);
    let single = desk.ok(&["--facility", "E-1", "audit-folder", "--out", "a.zip"]);
    assert!(single.contains("検証コード"));
    let said = desk.ok(&["verify", "a.zip"]);
    assert!(said.contains("つながりを確かめました") && !said.contains("ほかの施設"), "{said}");
    desk.ok(&["facility", "add", "西薬局", "--no", "W-1"]);
    desk.ok(&["--facility", "E-1", "audit-folder", "--out", "b.zip"]);
    let said = desk.ok(&["verify", "b.zip"]);
    assert!(said.contains("うち1件はほかの施設の記録"), "{said}");
    let inside = Command::new("unzip").args(["-p", "b.zip"]).current_dir(desk.path(".")).output().unwrap().stdout;
    assert!(!String::from_utf8_lossy(&inside).contains("W-1"), "nothing of the other facility");
    let mut more = std::fs::read(desk.path("b.zip")).unwrap();
    more.push(b'\n');
    std::fs::write(desk.path("b.zip"), more).unwrap();
    assert!(desk.refused(&["verify", "b.zip"]).1.contains("AUD-001"));
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
    assert!(
        demo.ok(&["catalog", "diff", "mhlw-6.0", "mhlw-7.0"]).contains("[不適合] "),
        "with this facility's verdicts"
    );
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
