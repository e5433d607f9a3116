//! Inventories that agents send.

use std::io::Write;

use domain::inventory::{Declared, Key, Outcome, Seen, merge, observe, reconcile};
use domain::lifecycle::{Lifecycle, SHIPPED};
use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};
use intake::inventory::{
    BODY_MAX, Inventory, InventoryError, Message, contact_reply, error_reply, ok_reply, parse, prolog_reply,
};
use jiff::civil::date;
use proptest::prelude::*;
use serde_json::{Value, json};

const PROLOG: &str = include_str!("../../../../testkit/inventory/prolog.xml");
const CONTACT: &str = include_str!("../../../../testkit/inventory/contact.json");
const GLPI: &str = include_str!("../../../../testkit/inventory/glpi-agent.json");
const GLPI_PARTIAL: &str = include_str!("../../../../testkit/inventory/glpi-agent-partial.json");
const FUSION: &str = include_str!("../../../../testkit/inventory/fusioninventory.xml");
const LYNIS: &str = include_str!("../../../../testkit/inventory/lynis-report.dat");
const WINDOWS: &str = include_str!("../../../../testkit/inventory/windows.json");
const WINDOWS_LEGACY: &str = include_str!("../../../../testkit/inventory/windows-legacy.xml");
const PRINTER: &str = include_str!("../../../../testkit/inventory/printer.json");

const EVERYTHING: &[&str] = &[PROLOG, CONTACT, GLPI, GLPI_PARTIAL, FUSION, LYNIS, WINDOWS, WINDOWS_LEGACY, PRINTER];

fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut packer = ZlibEncoder::new(Vec::new(), Compression::default());
    packer.write_all(bytes).unwrap();
    packer.finish().unwrap()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packer = GzEncoder::new(Vec::new(), Compression::default());
    packer.write_all(bytes).unwrap();
    packer.finish().unwrap()
}

fn inventory(text: &str) -> Inventory {
    match parse(text.as_bytes()) {
        Ok(Message::Inventory(inventory)) => inventory,
        other => panic!("{other:?}"),
    }
}

fn machine(text: &str) -> domain::inventory::Machine {
    observe(&inventory(text).sections, "2026-11-22T12:00:00Z".parse().unwrap())
}

fn refused(bytes: &[u8]) -> InventoryError {
    parse(bytes).expect_err("refused")
}

#[test]
fn packing_does_not_matter() {
    for text in EVERYTHING {
        let plain = parse(text.as_bytes()).unwrap();
        assert_eq!(parse(&zlib(text.as_bytes())).unwrap(), plain);
        assert_eq!(parse(&gzip(text.as_bytes())).unwrap(), plain);
        assert_eq!(parse(format!("\u{FEFF}\r\n {text}").as_bytes()).unwrap(), plain);
    }
}

#[test]
fn agents_introduce_themselves() {
    let id = "srv-test-2026-11-22-19-00-00".to_owned();
    assert_eq!(parse(PROLOG.as_bytes()), Ok(Message::Prolog { device_id: id.clone() }));
    assert_eq!(
        parse(CONTACT.as_bytes()),
        Ok(Message::Contact { device_id: id, agent: "GLPI-Agent 1.12-dev".into(), tag: Some("clinic-a".into()) })
    );
}

#[test]
fn secrets_do_not_survive_receipt() {
    for text in EVERYTHING {
        let read = format!("{:?}", parse(text.as_bytes()).unwrap());
        assert!(!read.contains("himitsu"), "{read}");
    }
    let sections = inventory(GLPI).sections;
    assert!(GLPI.contains("\"envs\"") && !sections.contains_key("envs") && !sections.contains_key("processes"));
    let shouting =
        inventory(r#"{"deviceid":"a","content":{"ENVS":[1],"Processes":[2],"hardware":{"CMD":"x","name":"n"}}}"#);
    assert_eq!(Value::Object(shouting.sections), json!({"hardware": {"name": "n"}}));
}

#[test]
fn the_legacy_xml_reads_like_the_json_of_the_same_machine() {
    let (legacy, glpi) = (inventory(FUSION), inventory(GLPI));
    assert_eq!((legacy.agent.as_str(), glpi.agent.as_str()), ("FusionInventory-Agent_v2.6-3", "GLPI-Agent_v1.12-dev"));
    assert!(!legacy.partial && legacy.item_type == "Computer");
    for (section, of_glpi) in &glpi.sections {
        let of_legacy = legacy.sections.get(section).unwrap_or_else(|| panic!("no {section}"));
        assert_eq!(of_legacy.is_array(), of_glpi.is_array(), "{section}");
    }
    assert_eq!(legacy.sections["drives"][0]["total"], glpi.sections["drives"][0]["total"]);
    assert_eq!(legacy.sections["networks"][0]["mac"], json!("00:00:00:00:00:00"));
    assert_eq!(legacy.sections["networks"][0]["status"], json!("up"));
    assert_eq!(legacy.sections["networks"][0]["virtualdev"], json!(true));
    assert_eq!(legacy.sections["storages"], glpi.sections["storages"]);
    assert_eq!(legacy.sections["local_groups"][1]["members"], json!(["sysadmin", "hoshu"]));
    let seen = machine(FUSION);
    for (one, other) in [(seen.os, machine(GLPI).os), (seen.hostname, machine(GLPI).hostname)] {
        assert!(one.is_some());
        assert_eq!(one, other);
    }
    assert_eq!(seen.local_admins, ["root", "sysadmin", "hoshu"]);
}

#[test]
fn a_debian_server_is_seen_as_it_is() {
    let seen = machine(GLPI);
    assert_eq!(seen.os.as_deref(), Some("Debian GNU/Linux 12 (bookworm)"));
    assert_eq!(seen.hostname.as_deref(), Some("srv-test"));
    assert_eq!(seen.macs, ["02:00:5e:00:53:01"]);
    assert_eq!(seen.ips, ["192.0.2.10", "2001:db8::10"]);
    assert_eq!(seen.serial, None);
    // nothing says these, so nobody knows
    assert_eq!((seen.patched_on, seen.disk_encrypted, seen.hardening_index), (None, None, None));
    assert!(seen.antivirus.is_empty() && seen.remote_control.is_empty());
    assert!(seen.software_count > Some(0));
    let table = Lifecycle::parse(SHIPPED).unwrap();
    assert_eq!(table.support(&seen.os.unwrap()).unwrap().until, Some(date(2028, 6, 30)));
}

#[test]
fn a_windows_terminal_is_seen_as_it_is() {
    let seen = machine(WINDOWS);
    assert_eq!(seen.os.as_deref(), Some("Windows 11 Pro 24H2"));
    assert_eq!(seen.kind, Some("terminal"));
    assert_eq!(seen.serial.as_deref(), Some("PF0TEST1"));
    assert_eq!(seen.observed_at, Some("2026-11-19T23:45:10Z".parse().unwrap()));
    assert_eq!(seen.patched_on, Some(date(2026, 11, 13)));
    assert_eq!(seen.disk_encrypted, Some(true));
    assert_eq!(seen.antivirus.iter().map(|a| a.enabled).collect::<Vec<_>>(), [Some(false), Some(true)]);
    assert_eq!(seen.antivirus[1].definitions_on, Some(date(2026, 11, 19)));
    assert_eq!(seen.remote_control.iter().map(|s| s.name.as_str()).collect::<Vec<_>>(), ["AnyDesk", "TeamViewer"]);
    assert_eq!(seen.usb_storage.len(), 1);
}

#[test]
fn an_old_windows_is_seen_as_it_is() {
    let seen = machine(WINDOWS_LEGACY);
    assert_eq!(seen.os.as_deref(), Some("Windows 7 Professional (build 6.1.7601)"));
    assert_eq!(seen.serial, None, "a placeholder");
    assert_eq!(seen.patched_on, Some(date(2020, 1, 14)));
    assert_eq!(seen.disk_encrypted, Some(false));
    assert_eq!((seen.antivirus[0].enabled, seen.antivirus[0].up_to_date), (Some(true), Some(false)));
    assert_eq!(seen.remote_control[0].name, "UltraVNC");
    assert_eq!(inventory(WINDOWS_LEGACY).sections["softwares"][2]["name"], json!("受付 & 会計 & <薬局>"));
    let table = Lifecycle::parse(SHIPPED).unwrap();
    assert_eq!(table.support(&seen.os.unwrap()).unwrap().product, "Windows 7");
    assert_eq!(machine(PRINTER).kind, Some("printer"));
    assert_eq!(inventory(PRINTER).item_type, "Printer");
}

#[test]
fn a_lynis_report_is_an_audit_of_its_host() {
    let report = inventory(LYNIS);
    assert_eq!(report.device_id, "lynis-0123456789abcdef0123456789abcdef01234567");
    assert_eq!((report.agent.as_str(), report.partial), ("Lynis 3.0.8", true));
    assert_eq!(report.sections.keys().collect::<Vec<_>>(), ["lynis"]);
    assert_eq!(report.sections["lynis"]["tests_done"], json!(235));
    assert_eq!(report.sections["lynis"]["malware_scanner_installed"], json!(false));
    assert_eq!(report.sections["lynis"]["suggestions"].as_array().map(Vec::len), Some(6));
    let seen = machine(LYNIS);
    assert_eq!(seen.hardening_index, Some(56));
    assert_eq!(seen.warnings.iter().map(|w| w.id.as_str()).collect::<Vec<_>>(), ["PKGS-7392", "LOGG-2138"]);
    assert_eq!(seen.hostname.as_deref(), Some("srv-test"));
    assert_eq!(seen.os.as_deref(), Some("Debian GNU/Linux 12 (bookworm)"));
    assert_eq!(seen.macs[0], "02:00:5e:00:53:01");
    assert_eq!(seen.observed_at, Some("2026-11-22T10:01:58Z".parse().unwrap()));
    assert!(seen.antivirus.is_empty(), "no scanner found is not a scanner that is off");
}

#[test]
fn a_partial_inventory_is_merged() {
    let (whole, part, audit) = (inventory(GLPI), inventory(GLPI_PARTIAL), inventory(LYNIS));
    assert!(part.partial && part.device_id == whole.device_id);
    let mut stored = whole.sections.clone();
    merge(&mut stored, part.sections.clone(), part.partial);
    assert_eq!(stored["softwares"], whole.sections["softwares"], "not sent, so not changed");
    assert_eq!(stored["drives"], part.sections["drives"]);
    assert_eq!(stored["accesslog"], part.sections["accesslog"]);
    merge(&mut stored, audit.sections, audit.partial);
    merge(&mut stored, whole.sections.clone(), whole.partial);
    assert_eq!(stored["drives"], whole.sections["drives"]);
    assert_eq!(stored["lynis"]["hardening_index"], json!(56), "kept beside the agent's sections");
}

#[test]
fn machines_meet_the_ledger() {
    let seen = |text: &str| {
        let m = machine(text);
        Seen { id: inventory(text).device_id, hostname: m.hostname, serial: m.serial, macs: m.macs, ips: m.ips }
    };
    let devices = [
        Declared { no: "SV-01".into(), mac: Some("02-00-5E-00-53-01".into()), ..Declared::default() },
        Declared { no: "PC-01".into(), serial: Some("pf0test1".into()), ..Declared::default() },
        Declared { no: "MF-01".into(), serial: Some("PRN0TEST1".into()), ..Declared::default() },
        // one serial number entered twice
        Declared { no: "MF-02".into(), serial: Some("PRN0TEST1".into()), ..Declared::default() },
    ];
    let outcomes: Vec<Outcome> = reconcile(&devices, &[GLPI, LYNIS, WINDOWS, PRINTER, WINDOWS_LEGACY].map(seen))
        .into_iter()
        .map(|link| link.outcome)
        .collect();
    let matched = |device: &str, by| Outcome::Matched { device: device.into(), by };
    assert_eq!(
        outcomes,
        [
            matched("SV-01", Key::Mac),
            matched("SV-01", Key::Mac),
            matched("PC-01", Key::Serial),
            Outcome::Ambiguous { by: Key::Serial, devices: vec!["MF-01".into(), "MF-02".into()] },
            Outcome::Unregistered,
        ]
    );
}

#[test]
fn every_bad_message_has_its_code_and_its_three_sentences() {
    let xml = |inner: &str| format!("<REQUEST>{inner}</REQUEST>").into_bytes();
    let request = |query: &str| xml(&format!("<DEVICEID>a</DEVICEID><QUERY>{query}</QUERY>"));
    let deep = format!("{}x{}", "<A>".repeat(40), "</A>".repeat(40));
    let whole = zlib(GLPI.as_bytes());
    let mut flipped = whole.clone();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 0xff;
    let cases: Vec<(&str, &str, Vec<u8>)> = vec![
        ("100 MB", "INV-001", vec![b' '; 100 << 20]),
        ("one byte too many", "INV-001", vec![b'{'; BODY_MAX + 1]),
        ("zlib cut short", "INV-002", whole[..whole.len() - 40].to_vec()),
        ("zlib without its checksum", "INV-002", whole[..whole.len() - 4].to_vec()),
        ("zlib with a flipped byte", "INV-002", flipped),
        ("gzip cut short", "INV-002", gzip(GLPI.as_bytes())[..200].to_vec()),
        ("a zlib bomb", "INV-003", zlib(&vec![b' '; (128 << 20) + 1])),
        ("Shift_JIS", "INV-004", b"{\"deviceid\": \"\x8e\xf3\x95t\"}".to_vec()),
        ("nothing", "INV-005", vec![]),
        ("a form", "INV-005", b"name=value".to_vec()),
        ("broken JSON", "INV-006", b"{\"action\": ".to_vec()),
        ("two JSON values", "INV-006", b"{} {}".to_vec()),
        ("JSON nested without end", "INV-006", format!("{{\"a\":{}", "[".repeat(100_000)).into_bytes()),
        ("XML not closed", "INV-006", b"<REQUEST><QUERY>PROLOG".to_vec()),
        ("XML closed wrongly", "INV-006", b"<REQUEST><QUERY>PROLOG</REQUEST>".to_vec()),
        ("XML with more behind", "INV-006", b"<REQUEST></REQUEST></REQUEST>".to_vec()),
        ("a document type", "INV-007", b"<!DOCTYPE a [<!ENTITY b \"c\">]><REQUEST>&b;</REQUEST>".to_vec()),
        ("an entity", "INV-007", xml("<DEVICEID>&secret;</DEVICEID>")),
        ("deep XML", "INV-008", xml(&deep)),
        ("too many values", "INV-008", format!("{{\"a\":[{}0]}}", "0,".repeat(2_000_001)).into_bytes()),
        ("too many elements", "INV-008", xml(&"<A/>".repeat(2_000_001))),
        ("no device id", "INV-009", xml("<QUERY>PROLOG</QUERY>")),
        ("an empty device id", "INV-009", b"{\"action\":\"contact\",\"deviceid\":\" \"}".to_vec()),
        (
            "a long device id",
            "INV-009",
            format!("{{\"action\":\"contact\",\"deviceid\":\"{}\"}}", "x".repeat(256)).into_bytes(),
        ),
        ("a device id with a line break", "INV-009", b"{\"action\":\"contact\",\"deviceid\":\"a\\nb\"}".to_vec()),
        ("network discovery", "INV-010", request("SNMPQUERY")),
        ("no query", "INV-010", xml("<DEVICEID>a</DEVICEID>")),
        ("a task not asked for", "INV-010", b"{\"action\":\"getParams\",\"deviceid\":\"a\"}".to_vec()),
        ("an unknown item type", "INV-011", b"{\"deviceid\":\"a\",\"itemtype\":\"Unmanaged\",\"content\":{}}".to_vec()),
        ("no content", "INV-012", request("INVENTORY")),
        ("content of another type", "INV-012", b"{\"deviceid\":\"a\",\"content\":[]}".to_vec()),
        (
            "another Lynis format",
            "INV-013",
            b"# Lynis Report\nreport_version_major=2\nhostid=a\nfinish=true\n".to_vec(),
        ),
        ("Lynis without version", "INV-013", b"# Lynis Report\n".to_vec()),
        ("Lynis interrupted", "INV-014", LYNIS.replace("finish=true", "").into_bytes()),
        ("Lynis of nobody", "INV-009", b"report_version_major=1\nfinish=true\n".to_vec()),
    ];
    for (what, code, bytes) in cases {
        let error = refused(&bytes);
        let text = error.to_string();
        assert_eq!(error.code(), code, "{what}: {text}");
        assert!(text.contains(&format!("（{code}）。")), "{text}");
        assert_eq!(text.matches('。').count(), 3, "{what}: {text}");
    }
}

#[test]
fn an_agent_cannot_write_into_our_messages() {
    let error = refused(format!("{{\"action\":\"{}\\u0007\",\"deviceid\":\"a\"}}", "長い".repeat(100)).as_bytes());
    assert!(error.to_string().chars().count() < 200 && !error.to_string().contains('\u{7}'));
}

#[test]
fn agents_are_answered_in_their_language() {
    let json = |bytes: Vec<u8>| serde_json::from_slice::<Value>(&bytes).unwrap();
    assert_eq!(
        json(contact_reply()),
        json!({"status": "ok", "expiration": 24,
            "tasks": {"inventory": {"server": "glpi", "version": "10.0", "no-category": "environment,process"}}})
    );
    assert_eq!(json(prolog_reply(false)), json!({"status": "ok", "expiration": 24}));
    assert_eq!(json(ok_reply(false)), json!({"status": "ok", "expiration": 24}));
    let error = json(error_reply(&InventoryError::DeviceId));
    assert_eq!(error["status"], json!("error"));
    assert!(error["message"].as_str().unwrap().contains("INV-009"));
    let unpack = |bytes: Vec<u8>| std::io::read_to_string(flate2::read::ZlibDecoder::new(&bytes[..])).unwrap();
    let prolog = unpack(prolog_reply(true));
    assert!(prolog.contains("<RESPONSE>SEND</RESPONSE>") && prolog.contains("<PROLOG_FREQ>24</PROLOG_FREQ>"));
    assert!(unpack(ok_reply(true)).contains("<REPLY>"));
}

fn look(bytes: &[u8]) {
    if let Ok(Message::Inventory(read)) = parse(bytes) {
        observe(&read.sections, "2026-11-22T12:00:00Z".parse().unwrap());
    }
}

proptest! {
    #[test]
    fn any_bytes_are_answered(bytes in prop::collection::vec(any::<u8>(), 0..2_000)) {
        look(&bytes);
        look(&zlib(&bytes));
    }

    #[test]
    fn any_markup_is_answered(text in "[<>/&;!?A-C {}\\[\\]\":,#x0-9]{0,300}") {
        look(text.as_bytes());
        look(format!("<REQUEST>{text}</REQUEST>").as_bytes());
        look(format!("# Lynis Report\nreport_version_major=1\nfinish=true\nhostid=a\n{text}").as_bytes());
    }

    #[test]
    fn damaged_inventories_are_answered(
        which in 0..EVERYTHING.len(), at in any::<prop::sample::Index>(), drop in 0_usize..40, with in prop::collection::vec(any::<u8>(), 0..8), packed in any::<bool>()
    ) {
        let text = EVERYTHING[which].as_bytes();
        let mut bytes = if packed { zlib(text) } else { text.to_vec() };
        let start = at.index(bytes.len());
        let end = (start + drop).min(bytes.len());
        bytes.splice(start..end, with);
        look(&bytes);
    }
}
