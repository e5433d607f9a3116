//! Bad files, full disks, kills, two processes: clear words and nothing lost.

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::{Command, Stdio};

use super::{Desk, kit, text};

#[test]
fn broken_ledgers_are_explained_and_change_nothing() {
    let desk = Desk::demo();
    desk.ok(&["dump", "before.jsonl"]);
    for (file, code) in [
        ("中身はHTML.xlsx", "IMP-003"),
        ("空.xlsx", "IMP-001"),
        ("途中で切れた台帳.xlsx", "IMP-009"),
        ("見出しが分からない.xlsx", "IMP-051"),
    ] {
        let (_, said) = desk.refused(&["import", &kit(&format!("samples/壊れた台帳/{file}"))]);
        assert!(said.contains(code) && said.contains(file), "{file}: {said}");
    }
    // A film among the ledgers is refused for its size; it is not read into memory.
    let film = std::fs::File::create(desk.path("録画.csv")).unwrap();
    film.set_len(64 << 30).unwrap();
    let (_, said) = desk.refused(&["import", "録画.csv"]);
    assert!(said.contains("IMP-002") && said.contains("録画.csv"), "{said}");
    let (_, said) = desk.refused(&["inventory", "録画.csv"]);
    assert!(said.contains("INV-001"), "{said}");
    desk.ok(&["dump", "after.jsonl"]);
    let read = |name: &str| std::fs::read(desk.path(name)).unwrap();
    assert!(read("before.jsonl") == read("after.jsonl"));
}

#[test]
fn refused_rows_come_back_with_their_reason() {
    let desk = Desk::demo();
    let (code, said) = desk.refused(&["import", &kit("samples/壊れた台帳/誤りの多い台帳.xlsx")]);
    assert_eq!(code, 1, "some rows went in");
    assert!(said.contains("令和99年") && said.contains("2025/2/30") && said.contains("宇宙船"), "{said}");
    assert!(desk.path("誤りの多い台帳_xlsx_エラー.xlsx").exists());
}

#[test]
fn without_a_facility_the_way_is_shown() {
    let desk = Desk::new();
    desk.ok(&["load", &empty_dump(&desk)]);
    let (code, said) = desk.refused(&["assess"]);
    assert_eq!(code, 2);
    assert!(said.contains("FAC-002") && said.contains("facility add"), "{said}");
    desk.ok(&["facility", "add", "みどり歯科", "--no", "D-1"]);
    assert!(desk.ok(&["facility", "list"]).contains("dental"));
    assert!(desk.refused(&["facility", "add", "別", "--no", "ｄ－１"]).1.contains("FAC-005"));
    assert!(desk.refused(&["facility", "add", "別", "--kind", "宇宙船"]).1.contains("IMP-113"));
    assert!(desk.refused(&["--facility", "ない", "assess"]).1.contains("FAC-001"));
    assert!(desk.refused(&["assess", "mhlw-9.9"]).1.contains("CAT-002"));
    assert!(desk.refused(&["demo", "--load"]).1.contains("DEM-001"), "demonstration and real data never mix");
}

#[test]
fn two_processes_on_one_folder() {
    let desk = Desk::demo();
    let serve = ["serve", "--plain", "--listen", "127.0.0.1:0"];
    let mut server = desk.command().args(serve).stdout(Stdio::piped()).spawn().unwrap();
    // Kept open: a server that nobody listens to any more ends.
    let mut says = std::io::BufReader::new(server.stdout.take().unwrap());
    let mut line = String::new();
    std::io::BufRead::read_line(&mut says, &mut line).unwrap();
    let (code, said) = desk.refused(&["assess"]);
    server.kill().unwrap();
    server.wait().unwrap();
    assert_eq!(code, 2);
    assert!(said.contains("STO-004"), "{said}");
    desk.ok(&["assess"]);
}

/// A dump of nothing.
fn empty_dump(desk: &Desk) -> String {
    let path = desk.path("empty.jsonl");
    std::fs::write(&path, "{\"format\":\"sakimori-dump-1\"}\n{\"rows\":0}\n").unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn only_what_begins_makes_a_data_folder() {
    let desk = Desk::new();
    std::fs::create_dir(desk.path("there")).unwrap();
    for words in [
        &["assess"][..],
        &["checklist"],
        &["report"],
        &["export", "-o", "x.xlsx"],
        &["imports", "list"],
        &["map", "devices", "a", "no"],
        &["inventory", "."],
        &["facility", "list"],
        &["facility", "agent-secret"],
        &["journal", "verify"],
        &["audit-folder"],
        &["dump", "d.jsonl"],
        &["--data", "there", "assess"],
    ] {
        let (code, said) = desk.refused(words);
        assert_eq!(code, 2, "{words:?}");
        assert!(said.contains("DAT-001") && said.contains("sakimori demo"), "{words:?}: {said}");
    }
    let left: Vec<_> = std::fs::read_dir(desk.path(".")).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(left, ["there"], "nothing was made");
    assert_eq!(std::fs::read_dir(desk.path("there")).unwrap().count(), 0);
    desk.ok(&["facility", "add", "みどり医院"]);
    desk.ok(&["facility", "list"]);
}

#[test]
fn two_facilities_with_one_name_are_told_apart_by_code() {
    let desk = Desk::new();
    desk.ok(&["facility", "add", "中央医院", "--no", "C-1"]);
    desk.ok(&["facility", "add", "中央医院", "--no", "C-2"]);
    let (_, said) = desk.refused(&["--facility", "中央医院", "assess"]);
    assert!(said.contains("FAC-007") && said.contains("C-1") && said.contains("C-2"), "{said}");
    assert!(desk.ok(&["--facility", "ｃ－２", "assess"]).contains("C-2"));
}

#[test]
fn what_cannot_be_shown_does_not_pass_for_done() {
    let desk = Desk::demo();
    let run = |redirection: &str| {
        let script = format!("\"$0\" --data data assess {redirection}");
        Command::new("bash")
            .current_dir(desk.path("."))
            .args(["-c", &script, env!("CARGO_BIN_EXE_sakimori")])
            .output()
            .unwrap()
    };
    for redirection in [">/dev/full", "1</dev/null"] {
        let out = run(redirection);
        assert_eq!(out.status.code(), Some(2), "{redirection}");
        assert!(text(&out.stderr).contains("OUT-003"), "{redirection}: {}", text(&out.stderr));
    }
    let out = run("| head -1; exit ${PIPESTATUS[0]}");
    assert_eq!((out.status.code(), text(&out.stderr).as_str()), (Some(0), ""), "a reader may go");
}

fn many_devices(rows: usize) -> String {
    let mut csv = "管理番号,機器名,種別\n".to_owned();
    for n in 0..rows {
        writeln!(csv, "Z-{n:06},端末{n},端末").unwrap();
    }
    csv
}

#[test]
fn a_full_disk_in_the_middle_of_an_import_loses_nothing() {
    let desk = Desk::demo();
    desk.ok(&["dump", "before.jsonl"]);
    std::fs::write(desk.path("大きい.csv"), many_devices(60_000)).unwrap();
    // Files may not grow beyond 4 MB: what a full disk looks like to the database.
    let out = Command::new("bash")
        .current_dir(desk.path("."))
        .args([
            "-c",
            "ulimit -f 4096; trap '' XFSZ; exec \"$0\" --data data import 大きい.csv",
            env!("CARGO_BIN_EXE_sakimori"),
        ])
        .output()
        .unwrap();
    let said = text(&out.stderr);
    assert_eq!(out.status.code(), Some(2), "{said}");
    assert!(said.contains("STO-006"), "{said}");
    desk.ok(&["dump", "after.jsonl"]);
    let read = |name: &str| std::fs::read(desk.path(name)).unwrap();
    assert!(read("before.jsonl") == read("after.jsonl"), "the state before the import");
    assert!(desk.ok(&["journal", "verify"]).contains("見つかりません"));
}

#[test]
fn killed_at_any_moment_it_starts_again_with_all_or_nothing() {
    let desk = Desk::demo();
    std::fs::write(desk.path("機器.csv"), many_devices(20_000)).unwrap();
    for wait in [5, 40, 90, 150, 250, 400] {
        let mut import =
            desk.command().args(["import", "機器.csv"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(std::time::Duration::from_millis(wait));
        let _ = import.kill();
        import.wait().unwrap();
        let json = desk.ok(&["export", "devices", "--out", "d.csv"]);
        assert!(json.contains("書き出しました"));
        let rows = std::fs::read_to_string(desk.path("d.csv")).unwrap().lines().filter(|l| l.starts_with("Z-")).count();
        let imports = desk.ok(&["journal", "list"]).matches("devices.import").count();
        assert_eq!(rows == 20_000, imports == 1, "{rows} rows, {imports} events");
        assert!(rows == 0 || rows == 20_000, "{rows}");
        assert!(desk.ok(&["journal", "verify"]).contains("見つかりません"));
        if rows > 0 {
            break;
        }
    }
}

#[test]
fn a_cut_dump_is_refused() {
    let desk = Desk::demo();
    desk.ok(&["dump", "d.jsonl"]);
    let whole = std::fs::read_to_string(desk.path("d.jsonl")).unwrap();
    let half: String = whole.lines().take(20).fold(String::new(), |all, l| all + l + "\n");
    let mut file = std::fs::File::create(desk.path("half.jsonl")).unwrap();
    file.write_all(half.as_bytes()).unwrap();
    let other = Desk::new();
    assert!(other.refused(&["load", desk.path("half.jsonl").to_str().unwrap()]).1.contains("STO-011"));
    assert!(other.ok(&["facility", "list"]).is_empty());
}
