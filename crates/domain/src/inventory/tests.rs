#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

use jiff::civil::date;
use proptest::prelude::*;
use serde_json::json;

use super::*;

const RECEIVED: &str = "2026-11-22T10:00:00Z";

fn received() -> Timestamp {
    RECEIVED.parse().unwrap()
}

fn sections(value: Value) -> Sections {
    value.as_object().expect("an object").clone()
}

fn see(value: Value) -> Machine {
    observe(&sections(value), received())
}

#[test]
fn a_windows_terminal_is_read_whole() {
    let seen = see(json!({
        "accesslog": {"logdate": "2026-11-22 18:30:00"},
        "hardware": {"name": "UKETSUKE-01.clinic.local", "chassis_type": "Notebook"},
        "bios": {"ssn": "PF3ABCDE", "smanufacturer": "LENOVO", "smodel": "21AH00HUJP"},
        "operatingsystem": {"name": "Windows", "full_name": "Microsoft Windows 11 Pro", "version": "24H2",
            "service_pack": "26100.4652", "kernel_version": "10.0.26100", "timezone": {"name": "JST", "offset": "+0900"}},
        "networks": [
            {"mac": "00:1A:2B:3C:4D:5E", "ipaddress": "192.168.10.21", "ipaddress6": "fe80::1", "type": "ethernet", "virtualdev": false},
            {"mac": "00:15:5d:00:00:01", "ipaddress": "172.20.0.1", "virtualdev": true}],
        "antivirus": [{"name": "Windows Defender", "enabled": true, "uptodate": false, "version": "4.18", "base_creation": "2026-11-20"}],
        "drives": [
            {"letter": "C:", "type": "Local Disk", "filesystem": "NTFS", "encrypt_status": "Yes"},
            {"letter": "回復", "type": "Local Disk", "filesystem": "NTFS"},
            {"letter": "D:", "type": "Compact Disc", "filesystem": "UDF"}],
        "local_users": [{"id": "S-1-5-21-1-2-3-500", "name": "Administrator"}, {"id": "S-1-5-21-1-2-3-1001", "name": "uketsuke"}],
        "local_groups": [{"id": "S-1-5-32-544", "name": "Administrators", "members": ["uketsuke"]}],
        "remote_mgmt": [{"type": "anydesk", "id": 123456789}],
        "usbdevices": [{"caption": "USB 大容量記憶装置", "serial": "AA01"}, {"caption": "USB ハブ"}],
        "storages": [{"model": "Flash Disk", "interface": "USB", "serial": "AA01"}, {"model": "SSD", "interface": "SATA"}],
        "softwares": [
            {"name": "KB5048652", "release_type": "Security Update", "install_date": "2026-11-12"},
            {"name": "KB2267602", "install_date": "2026-11-21"},
            {"name": "Some Program", "install_date": "2026-11-22"},
            {"name": "TeamViewer Host", "version": "15.60"}]
    }));
    assert_eq!(seen.hostname.as_deref(), Some("UKETSUKE-01"));
    assert_eq!(seen.serial.as_deref(), Some("PF3ABCDE"));
    assert_eq!(seen.os.as_deref(), Some("Windows 11 Pro 24H2"));
    assert_eq!(seen.os_build.as_deref(), Some("26100.4652"));
    assert_eq!(seen.kind, Some("terminal"));
    assert_eq!(seen.macs, ["00:1a:2b:3c:4d:5e"]);
    assert_eq!(seen.ips, ["192.168.10.21"], "the virtual switch is not its own");
    assert_eq!(seen.observed_at, Some("2026-11-22T09:30:00Z".parse().unwrap()));
    assert_eq!(seen.patched_on, Some(date(2026, 11, 12)));
    assert_eq!(seen.antivirus.len(), 1);
    assert_eq!(seen.antivirus[0].up_to_date, Some(false));
    assert_eq!(seen.antivirus[0].definitions_on, Some(date(2026, 11, 20)));
    assert_eq!(seen.disk_encrypted, Some(true));
    assert_eq!(seen.local_admins, ["Administrator", "uketsuke"]);
    let tools: Vec<&str> = seen.remote_control.iter().map(|s| s.name.as_str()).collect();
    assert_eq!(tools, ["AnyDesk", "TeamViewer"]);
    assert_eq!(seen.remote_control[0].detail, "ID 123456789");
    assert_eq!(seen.usb_storage, ["USB 大容量記憶装置 (S/N AA01)"]);
    assert_eq!(seen.software_count, Some(4));
}

#[test]
fn what_is_not_said_is_unknown() {
    assert_eq!(see(json!({})), Machine::default());
    // rows of the wrong shape are silence, not an error
    let odd = see(
        json!({"hardware": [], "antivirus": "none", "networks": {"mac": 3}, "softwares": 7, "drives": [null, "x"]}),
    );
    assert_eq!(odd.antivirus, []);
    assert_eq!(odd.disk_encrypted, None);
    assert_eq!(odd.hostname, None);
    // a scanner that does not say whether it is on
    let vague = see(json!({"antivirus": [{"name": "X", "enabled": "maybe"}]}));
    assert_eq!((vague.antivirus[0].enabled, vague.antivirus[0].up_to_date), (None, None));
}

#[test]
fn encryption_is_claimed_only_for_every_fixed_data_volume() {
    let drive = |letter: &str, status: Option<&str>| {
        let mut row = json!({"letter": letter, "type": "Local Disk"});
        if let Some(status) = status {
            row["encrypt_status"] = json!(status);
        }
        row
    };
    for (drives, expected) in [
        (json!([]), None),
        (json!([drive("C:", None)]), None),
        (json!([drive("C:", Some("Yes"))]), Some(true)),
        (json!([drive("C:", Some("Yes")), drive("D:", Some("No"))]), Some(false)),
        (json!([drive("C:", Some("Yes")), drive("D:", None)]), Some(false)),
        (json!([drive("C:", Some("Yes")), drive("D:", Some("Unknown"))]), None),
        (
            json!([{"letter": "E:", "type": "Removable Disk", "encrypt_status": "No"}, drive("C:", Some("Yes"))]),
            Some(true),
        ),
        (
            json!([{"type": "/", "filesystem": "ext4", "encrypt_status": "Yes"}, {"type": "/boot", "filesystem": "ext4"}]),
            Some(true),
        ),
        (
            json!([{"type": "/", "filesystem": "ext4", "encrypt_status": "Yes"}, {"type": "/home", "filesystem": "xfs"}]),
            Some(false),
        ),
        (json!([{"type": "/", "filesystem": "ext4"}]), None),
    ] {
        assert_eq!(see(json!({"drives": drives})).disk_encrypted, expected, "{drives}");
    }
}

#[test]
fn only_updates_count_as_patched() {
    for (software, expected) in [
        (json!([{"name": "php", "from": "rpm", "install_date": "2026-11-01"}]), None),
        (json!([{"name": "glibc", "from": "rpm", "install_date": "2026-10-01"}]), Some(date(2026, 10, 1))),
        (json!([{"name": "KB5031455", "install_date": "2026-10-11 00:00:00"}]), Some(date(2026, 10, 11))),
        (json!([{"name": "KB5031455"}]), None),
        (json!([{"name": "KB5031455", "install_date": "2027-10-11"}]), None),
        (json!([{"name": "KB5031455", "install_date": "11/10/2026"}]), None),
        (json!([{"name": "KBマネージャ", "install_date": "2026-10-11"}]), None),
    ] {
        assert_eq!(see(json!({"softwares": software})).patched_on, expected, "{software}");
    }
}

#[test]
fn time_is_the_agents_but_the_future_is_not_believed() {
    let at = |log: &str, zone: Value| {
        see(json!({"accesslog": {"logdate": log}, "operatingsystem": {"timezone": zone}})).observed_at
    };
    assert_eq!(at("2026-11-22 09:00:00", json!({"offset": "+0000"})), Some("2026-11-22T09:00:00Z".parse().unwrap()));
    assert_eq!(at("2026-11-22 09:00:00", json!(null)), Some("2026-11-22T00:00:00Z".parse().unwrap()), "Japan");
    assert_eq!(at("2026-11-22T09:00:00Z", json!(null)), Some("2026-11-22T09:00:00Z".parse().unwrap()));
    assert_eq!(at("2031-01-01 00:00:00", json!(null)), Some(received()), "a clock far ahead");
    assert_eq!(
        at("2016-01-01 00:00:00", json!(null)),
        Some("2015-12-31T15:00:00Z".parse().unwrap()),
        "old data stay old"
    );
    assert_eq!(at("2019-54-17 10:54:37", json!(null)), None);
}

#[test]
fn network_gear_and_printers_have_their_kind() {
    let router = see(
        json!({"network_device": {"type": "Networking", "manufacturer": "Fortinet", "model": "FortiGate 60F",
        "firmware": "v7.2.8", "name": "fw", "serial": "FGT60F0000000001", "mac": "08-5B-0E-00-00-01", "ips": ["192.168.10.1"]}}),
    );
    assert_eq!((router.kind, router.os.as_deref()), (Some("network"), Some("Fortinet FortiGate 60F v7.2.8")));
    assert_eq!((router.macs, router.ips), (vec!["08:5b:0e:00:00:01".to_owned()], vec!["192.168.10.1".to_owned()]));
    assert_eq!(see(json!({"network_device": {"type": "Printer"}})).kind, Some("printer"));
    assert_eq!(see(json!({"operatingsystem": {"full_name": "Windows Server 2019 Standard"}})).kind, Some("server"));
    assert_eq!(see(json!({"operatingsystem": {"full_name": "Debian GNU/Linux 12 (bookworm)"}})).kind, None);
}

#[test]
fn viewers_and_libraries_are_no_remote_control() {
    let list = ["libvncclient1", "TigerVNC Viewer 1.13", "tigervnc-common", "Microsoft Quick Assist", "Forms Manager"];
    let rows: Vec<Value> = list.iter().map(|name| json!({"name": name})).collect();
    assert_eq!(see(json!({"softwares": rows})).remote_control, []);
}

#[test]
fn a_partial_inventory_replaces_only_what_it_carries() {
    let mut stored =
        sections(json!({"hardware": {"name": "A"}, "softwares": [{"name": "x"}], "lynis": {"hardening_index": 60}}));
    merge(&mut stored, sections(json!({"hardware": {"name": "B"}})), true);
    assert_eq!(
        Value::Object(stored.clone()),
        json!({"hardware": {"name": "B"}, "softwares": [{"name": "x"}], "lynis": {"hardening_index": 60}})
    );
    merge(&mut stored, sections(json!({"lynis": {"hardening_index": 70}})), true);
    merge(&mut stored, sections(json!({"hardware": {"name": "C"}})), false);
    assert_eq!(Value::Object(stored), json!({"hardware": {"name": "C"}, "lynis": {"hardening_index": 70}}));
}

fn device(no: &str, edit: impl FnOnce(&mut Declared)) -> Declared {
    let mut device = Declared { no: no.to_owned(), ..Declared::default() };
    edit(&mut device);
    device
}

fn machine(id: &str, edit: impl FnOnce(&mut Seen)) -> Seen {
    let mut machine = Seen { id: id.to_owned(), ..Seen::default() };
    edit(&mut machine);
    machine
}

fn outcome(devices: &[Declared], seen: Seen) -> Outcome {
    reconcile(devices, &[seen]).remove(0).outcome
}

fn matched(no: &str, by: Key) -> Outcome {
    Outcome::Matched { device: no.to_owned(), by }
}

#[test]
fn the_strongest_key_decides() {
    let devices = [
        device("PC-001", |d| d.serial = Some("pf3-abcde".into())),
        device("PC-002", |d| d.mac = Some("00-1A-2B-3C-4D-5E、66-77-88-99-AA-BB".into())),
        device("PC-003", |d| d.hostname = Some("ＵＫＥＴＳＵＫＥ－０１".into())),
        device("PC-004", |d| d.name = Some("shinsatsu-02".into())),
        device("PC-005", |d| d.ip = Some("192.168.10.5".into())),
    ];
    let everything = |serial: &str| {
        machine("m", |m| {
            m.serial = Some(serial.to_owned());
            m.macs = vec!["66:77:88:99:aa:bb".into()];
            m.hostname = Some("uketsuke-01.clinic.local".into());
            m.ips = vec!["192.168.10.5".into()];
        })
    };
    assert_eq!(outcome(&devices, everything("PF3-ABCDE")), matched("PC-001", Key::Serial));
    assert_eq!(outcome(&devices, everything("To be filled by O.E.M.")), matched("PC-002", Key::Mac));
    let only = |edit: fn(&mut Seen)| outcome(&devices, machine("m", edit));
    assert_eq!(only(|m| m.hostname = Some("UKETSUKE-01".into())), matched("PC-003", Key::Hostname));
    assert_eq!(only(|m| m.hostname = Some("SHINSATSU-02".into())), matched("PC-004", Key::Name));
    assert_eq!(only(|m| m.ips = vec!["192.168.10.5".into()]), matched("PC-005", Key::Ip));
    assert_eq!(only(|m| m.hostname = Some("kojin-pc".into())), Outcome::Unregistered);
    assert_eq!(only(|_| {}), Outcome::Unregistered);
}

#[test]
fn what_is_not_unique_is_not_guessed() {
    let twins = [
        device("PC-001", |d| d.serial = Some("SAME-1".into())),
        device("PC-002", |d| {
            d.serial = Some("same-1".into());
            d.hostname = Some("b".into());
        }),
    ];
    let seen = machine("m", |m| {
        m.serial = Some("SAME-1".into());
        m.hostname = Some("b".into());
    });
    let both = Outcome::Ambiguous { by: Key::Serial, devices: vec!["PC-001".into(), "PC-002".into()] };
    assert_eq!(outcome(&twins, seen), both);

    // two machines that report one address: neither is the device
    let devices = [device("PC-005", |d| d.ip = Some("192.168.10.5".into()))];
    let one = machine("a", |m| m.ips = vec!["192.168.10.5".into(), "192.168.10.5".into()]);
    let two = machine("b", |m| m.ips = one.ips.clone());
    assert_eq!(outcome(&devices, one.clone()), matched("PC-005", Key::Ip));
    for link in reconcile(&devices, &[one, two]) {
        assert_eq!(link.outcome, Outcome::Ambiguous { by: Key::Ip, devices: vec!["PC-005".into()] });
    }
}

#[test]
fn placeholders_are_no_serial() {
    for text in [
        "To be filled by O.E.M.",
        "None",
        "0",
        "00000000",
        "Default string",
        "N/A",
        "なし",
        "System Serial Number",
        "",
        " ",
    ] {
        let devices = [device("PC-001", |d| d.serial = Some(text.into()))];
        assert_eq!(outcome(&devices, machine("m", |m| m.serial = Some(text.into()))), Outcome::Unregistered, "{text}");
        assert_eq!(see(json!({"bios": {"ssn": text}})).serial, None, "{text}");
    }
}

#[test]
fn a_hundred_thousand_rows_are_matched() {
    let devices: Vec<Declared> =
        (0..100_000).map(|n| device(&format!("PC-{n}"), |d| d.serial = Some(format!("S{n}X")))).collect();
    let machines: Vec<Seen> =
        (0..100_000).map(|n| machine(&n.to_string(), |m| m.serial = Some(format!("s{n}x")))).collect();
    let links = reconcile(&devices, &machines);
    assert!(links.iter().all(|l| l.outcome == matched(&format!("PC-{}", l.machine), Key::Serial)));
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from)
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::hash_map(
                "name|ssn|mac|type|offset|logdate|install_date|letter|id|full_name",
                inner,
                0..4
            )
            .prop_map(|m| Value::Object(m.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn any_sections_are_read_without_panic(
        map in prop::collection::hash_map("hardware|bios|operatingsystem|networks|drives|softwares|accesslog|lynis|antivirus|usbdevices|network_device", any_json(), 0..6)
    ) {
        let sections: Sections = map.into_iter().collect();
        let seen = observe(&sections, received());
        prop_assert!(seen.observed_at.is_none_or(|at| at <= received() + jiff::SignedDuration::from_hours(24)));
    }
}
