//! What agents send: recorded, matched with the ledger, believed for a month.

use std::path::PathBuf;

use domain::evaluate::Facility;
use serde_json::{Value as Json, json};
use testkit::actor;

use app::RecordedMachine;

use super::{Site, assert_same, on_each, row};

const AGENT: &str = "srv-test-2026-11-22-19-00-00";

fn sent(name: &str) -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../testkit/inventory").join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

async fn receive(site: &Site, facility: &Facility, bytes: &[u8]) -> RecordedMachine {
    let received = site.app.receive_inventory(&actor(), facility, bytes, false).await;
    received.unwrap_or_else(|error| panic!("{error}")).machine.unwrap()
}

async fn devices(site: &Site, facility: &Facility, rows: &[&[(&str, &str)]]) {
    let devices = domain::ledger::ledger("devices").unwrap();
    site.put(facility, devices, rows.iter().map(|cells| row("devices", cells)).collect()).await;
}

/// The offenders of a fact today: `key bad|unknown`.
async fn offenders(site: &Site, facility: &Facility, fact: &str) -> Vec<String> {
    let assessment = site.app.assess(facility).await.unwrap();
    let listed = site.app.store.offender_list(fact, &facility.id, assessment.today).await.unwrap();
    listed.iter().map(|o| format!("{} {}", o.key, if o.bad { "bad" } else { "unknown" })).collect()
}

async fn sections(site: &Site, facility: &Facility, agent: &str) -> Json {
    let machine = site.app.store.machine_find(&facility.id, agent).await.unwrap().unwrap();
    serde_json::from_str(&machine.sections).unwrap()
}

#[tokio::test]
async fn a_machine_is_matched_with_its_device_by_host_name() {
    for file in ["fusioninventory.xml", "glpi-agent.json"] {
        let bytes = sent(file);
        on_each(async |site| {
            let facility = site.facility("架空医院").await;
            let device =
                [("no", "SV-1"), ("name", "検証サーバ"), ("kind", "サーバ"), ("hostname", "SRV-TEST.example.jp")];
            devices(&site, &facility, &[&device]).await;
            let machine = receive(&site, &facility, &bytes).await;
            assert_eq!(
                machine,
                RecordedMachine {
                    name: "srv-test".to_owned(),
                    os: Some("Debian GNU/Linux 12 (bookworm)".to_owned()),
                    device: Some("SV-1".to_owned()),
                    note: Some("ホスト名が一致".to_owned()),
                }
            );
            assert_eq!(offenders(&site, &facility, "device.known").await, [""; 0], "{} {file}", site.name);
            assert_eq!(offenders(&site, &facility, "device.os_supported").await, [""; 0]);
            assert_eq!(site.app.assess(&facility).await.unwrap().coverage(), (1, 1, 0));
            let dump: Vec<String> = site.dump().await.into_iter().collect();
            assert!(!dump.concat().contains("himitsu"), "{file}: secrets end at the door");
        })
        .await;
    }
}

#[tokio::test]
async fn a_serial_number_decides_before_a_name() {
    on_each(async |site| {
        let facility = site.facility("架空医院").await;
        let by_name = [("no", "PC-1"), ("name", "受付PC"), ("kind", "端末"), ("hostname", "UKETSUKE-01")];
        let by_serial = [("no", "PC-2"), ("name", "代替PC"), ("kind", "端末"), ("serial", "ｐｆ０ｔｅｓｔ１")];
        let taken_out = [("portable", "可")];
        devices(&site, &facility, &[&[&by_name[..], &taken_out].concat(), &[&by_serial[..], &taken_out].concat()])
            .await;
        let machine = receive(&site, &facility, &sent("windows.json")).await;
        assert_eq!((machine.device.as_deref(), machine.note.as_deref()), (Some("PC-2"), Some("シリアル番号が一致")));
        assert_eq!(offenders(&site, &facility, "device.portable_encrypted").await, ["PC-1 unknown"]);
        assert_eq!(offenders(&site, &facility, "device.remote_control_known").await, ["PC-2 bad"]);

        let twin = [("no", "PC-3"), ("name", "写し"), ("kind", "端末"), ("serial", "PF0TEST1")];
        devices(&site, &facility, &[&twin]).await;
        let machine = receive(&site, &facility, &sent("windows.json")).await;
        assert_eq!(machine.device, None, "two devices claim the number");
        assert_eq!(machine.note.as_deref(), Some("シリアル番号が複数の機器（PC-2、PC-3）と一致"));
        assert_eq!(offenders(&site, &facility, "device.known").await, ["UKETSUKE-01-2026-04-01-09-00-00 bad"]);
    })
    .await;
}

#[tokio::test]
async fn a_machine_nobody_registered_is_shown_until_somebody_does() {
    on_each(async |site| {
        let facility = site.facility("架空医院").await;
        let machine = receive(&site, &facility, &sent("windows-legacy.xml")).await;
        assert_eq!((machine.device, machine.note), (None, None));
        let agent = "SHINSATSU-02-2018-07-09-09-07-13";
        for fact in ["device.known", "device.os_supported", "device.remote_control_known"] {
            assert_eq!(offenders(&site, &facility, fact).await, [format!("{agent} bad")], "{fact}");
        }
        assert_eq!(site.app.assess(&facility).await.unwrap().coverage(), (0, 0, 1));
        let ledger = "管理番号,機器名,種別,MACアドレス\nPC-2,診察室PC,端末,0200.5e00.5322\n";
        site.import(&facility, "機器台帳.csv", ledger.as_bytes()).await;
        assert_eq!(offenders(&site, &facility, "device.known").await, [""; 0], "an import matches again");
        assert_eq!(offenders(&site, &facility, "device.os_supported").await, ["PC-2 bad"]);
        let import = site.app.store.import_list(&facility.id).await.unwrap().remove(0);
        site.app.undo_import(&actor(), &facility, &import.id).await.unwrap();
        assert_eq!(
            offenders(&site, &facility, "device.known").await,
            [format!("{agent} bad")],
            "and so does its undoing"
        );
    })
    .await;
}

#[tokio::test]
async fn the_same_report_again_is_one_entry_in_the_journal() {
    on_each(async |site| {
        let facility = site.facility("架空医院").await;
        let device = [("no", "SV-1"), ("name", "検証サーバ"), ("kind", "サーバ"), ("hostname", "srv-test")];
        devices(&site, &facility, &[&device]).await;
        let first = receive(&site, &facility, &sent("glpi-agent.json")).await;
        let (entries, _) = site.app.store.journal_head().await.unwrap();
        assert_eq!(receive(&site, &facility, &sent("glpi-agent.json")).await, first);
        assert_eq!(site.app.store.journal_head().await.unwrap().0, entries + 1, "{}", site.name);
        assert_eq!(site.app.store.machine_list(&facility.id).await.unwrap().len(), 1);
    })
    .await;
}

#[tokio::test]
async fn a_partial_report_replaces_only_what_it_carries() {
    on_each(async |site| {
        let facility = site.facility("架空医院").await;
        receive(&site, &facility, &sent("glpi-agent.json")).await;
        let before = sections(&site, &facility, AGENT).await;
        let machine = receive(&site, &facility, &sent("glpi-agent-partial.json")).await;
        assert_eq!(machine.os.as_deref(), Some("Debian GNU/Linux 12 (bookworm)"), "not in the partial report");
        let after = sections(&site, &facility, AGENT).await;
        assert_eq!(after["softwares"], before["softwares"]);
        assert_eq!(before["drives"][0]["free"], 77667);
        assert_eq!(after["drives"][0]["free"], 77665);
        assert_eq!(after["accesslog"]["logdate"], "2026-11-22 19:25:23");
    })
    .await;
}

#[tokio::test]
async fn an_audit_belongs_to_the_host_that_reports() {
    on_each(async |site| {
        let facility = site.facility("架空医院").await;
        receive(&site, &facility, &sent("glpi-agent.json")).await;
        receive(&site, &facility, &sent("lynis-report.dat")).await;
        let machines = site.app.store.machine_list(&facility.id).await.unwrap();
        let [machine] = machines.as_slice() else { panic!("{}: {machines:?}", site.name) };
        assert_eq!((machine.agent_id.as_str(), machine.hardening_index), (AGENT, Some(56)));
        assert_eq!(machine.agent, "GLPI-Agent_v1.12-dev");
        assert!(machine.hardening_warnings > Some(0));
        assert_eq!(offenders(&site, &facility, "device.hardened").await, [format!("{AGENT} bad")]);
        receive(&site, &facility, &sent("glpi-agent.json")).await;
        let kept = site.app.store.machine_find(&facility.id, AGENT).await.unwrap().unwrap();
        assert_eq!(kept.hardening_index, Some(56), "a full report of the agent leaves the audit");
    })
    .await;
}

#[tokio::test]
async fn an_audit_alone_proves_nothing_about_software() {
    on_each(async |site| {
        let facility = site.facility("架空医院").await;
        let machine = receive(&site, &facility, &sent("lynis-report.dat")).await;
        assert_eq!(machine.name, "srv-test");
        let listed = offenders(&site, &facility, "device.remote_control_known").await;
        assert_eq!(listed.len(), 1);
        assert!(listed[0].ends_with(" unknown"), "{listed:?}");
        let without: Json = json!({
            "action": "inventory",
            "deviceid": "pc-2",
            "itemtype": "Computer",
            "content": { "hardware": { "name": "PC-2" }, "softwares": [{ "name": "電子カルテ", "from": "registry" }], "versionclient": "x" },
        });
        receive(&site, &facility, without.to_string().as_bytes()).await;
        assert_eq!(offenders(&site, &facility, "device.remote_control_known").await, listed, "looked and found none");
    })
    .await;
}

#[tokio::test]
async fn two_machines_with_one_agent_id_stay_two() {
    let report = |hostname: &str, serial: &str| {
        let content = json!({
            "hardware": { "name": hostname },
            "bios": { "ssn": serial },
            "operatingsystem": { "full_name": "Windows 11 Pro", "version": "24H2" },
        });
        let whole =
            json!({ "action": "inventory", "deviceid": "copied-image", "itemtype": "Computer", "content": content });
        whole.to_string().into_bytes()
    };
    on_each(async |site| {
        let facility = site.facility("架空医院").await;
        for (hostname, serial) in [("pc-1", "AAA111"), ("pc-2", "BBB222"), ("pc-1", "AAA111"), ("pc-2", "BBB222")] {
            receive(&site, &facility, &report(hostname, serial)).await;
        }
        let machines = site.app.store.machine_list(&facility.id).await.unwrap();
        let names: Vec<_> = machines.iter().filter_map(|m| m.hostname.clone()).collect();
        assert_eq!(names, ["pc-1", "pc-2"]);
        // A new name alone, or a new mainboard alone, is still the same machine.
        receive(&site, &facility, &report("pc-9", "AAA111")).await;
        assert_eq!(site.app.store.machine_list(&facility.id).await.unwrap().len(), 2);
    })
    .await;
}

#[tokio::test]
async fn a_partial_report_reaches_only_its_own_machine_under_a_shared_id() {
    let report = |partial: bool, content: Json| {
        json!({ "action": "inventory", "deviceid": "copied-image", "itemtype": "Computer", "partial": partial, "content": content })
            .to_string()
            .into_bytes()
    };
    let whole = |hostname: &str, serial: &str| {
        report(
            false,
            json!({ "hardware": { "name": hostname }, "bios": { "ssn": serial }, "drives": [{ "letter": "C:" }] }),
        )
    };
    let drives =
        |hostname: &str| report(true, json!({ "hardware": { "name": hostname }, "drives": [{ "letter": hostname }] }));
    on_each(async |site| {
        let facility = site.facility("架空医院").await;
        receive(&site, &facility, &whole("pc-1", "AAA111")).await;
        // The second machine is first heard of by a part of what it has.
        receive(&site, &facility, &drives("pc-2")).await;
        receive(&site, &facility, &whole("pc-2", "BBB222")).await;
        receive(&site, &facility, &drives("pc-2")).await;
        let machines = site.app.store.machine_list(&facility.id).await.unwrap();
        let ids: Vec<_> = machines.iter().map(|m| m.agent_id.as_str()).collect();
        assert_eq!(ids, ["copied-image", "copied-image#pc-2"], "{}", site.name);
        assert_eq!(sections(&site, &facility, ids[0]).await["drives"][0]["letter"], "C:");
        assert_eq!(sections(&site, &facility, ids[1]).await["drives"][0]["letter"], "pc-2");
        assert_eq!(machines[1].serial.as_deref(), Some("BBB222"));

        let before = site.dump().await;
        let nameless = report(true, json!({ "drives": [{ "letter": "?" }] }));
        let error = site.app.receive_inventory(&actor(), &facility, &nameless, false).await.unwrap_err();
        assert_eq!(error.code(), "INV-015");
        assert_same(&before, &site.dump().await, site.name);
    })
    .await;
}

#[tokio::test]
async fn a_report_is_believed_for_a_month() {
    let facts = ["device.patched", "device.antivirus_on", "device.portable_encrypted", "device.antivirus_current"];
    on_each(async |site| {
        let facility = site.facility("架空医院").await;
        let device = [("no", "PC-1"), ("name", "受付PC"), ("kind", "端末"), ("serial", "PF0TEST1"), ("portable", "可")];
        devices(&site, &facility, &[&device]).await;
        let other = site.facility("架空薬局").await;
        for facility in [&facility, &other] {
            // Observed on 2026-11-20.
            receive(&site, facility, &sent("windows.json")).await;
        }
        for fact in facts {
            assert_eq!(offenders(&site, &facility, fact).await, [""; 0], "{fact}");
            assert_eq!(offenders(&site, &other, fact).await, [""; 0], "{fact}");
        }
        site.on("2026-12-21");
        assert_eq!(offenders(&site, &facility, "device.antivirus_on").await, [""; 0], "31 days");
        site.on("2026-12-22");
        for fact in facts {
            assert_eq!(offenders(&site, &facility, fact).await, ["PC-1 unknown"], "{} {fact}", site.name);
            assert_eq!(offenders(&site, &other, fact).await, [""; 0], "{} {fact}: taken off the network", site.name);
        }
        assert_eq!(offenders(&site, &other, "device.known").await, [""; 0], "nobody has seen it for a month");
    })
    .await;
}

#[tokio::test]
async fn a_clock_that_runs_ahead_is_not_believed() {
    on_each(async |site| {
        let facility = site.facility("架空医院").await;
        site.on("2026-11-19");
        receive(&site, &facility, &sent("windows.json")).await;
        let machine = site.app.store.machine_list(&facility.id).await.unwrap().remove(0);
        assert_eq!(machine.observed_on, "2026-11-19", "{}", site.name);
        assert_eq!(machine.observed_at, machine.received_at);
    })
    .await;
}

#[tokio::test]
async fn what_cannot_be_read_leaves_nothing() {
    let whole = sent("glpi-agent.json");
    let unfinished = String::from_utf8(sent("lynis-report.dat")).unwrap().replace("finish=true", "");
    let bad: [&[u8]; 6] =
        [b"", b"{}", b"hello", &whole[..whole.len() / 2], &sent("fusioninventory.xml")[..900], unfinished.as_bytes()];
    on_each(async |site| {
        let facility = site.facility("架空医院").await;
        receive(&site, &facility, &whole).await;
        let before = site.dump().await;
        for bytes in bad {
            let error = site.app.receive_inventory(&actor(), &facility, bytes, false).await.unwrap_err();
            assert!(matches!(error, app::Error::Inventory(_)), "{error:?}");
            assert_same(&before, &site.dump().await, site.name);
        }
        for greeting in ["prolog.xml", "contact.json"] {
            let answered = site.app.receive_inventory(&actor(), &facility, &sent(greeting), false).await.unwrap();
            assert!(answered.machine.is_none() && !answered.reply.is_empty());
            assert_same(&before, &site.dump().await, greeting);
        }
    })
    .await;
}

#[tokio::test]
async fn agents_show_the_secret_of_their_facility() {
    on_each(async |site| {
        let (facility, other) = (site.facility("架空医院").await, site.facility("架空薬局").await);
        let known = async |no: &str, secret: &str| {
            site.app.agent_facility(no, secret).await.unwrap().map(|facility| facility.no)
        };
        assert_eq!(known("F001", "").await, None, "no secret is no way in");
        site.app.set_agent_secret(&actor(), &facility, "first").await.unwrap();
        site.app.set_agent_secret(&actor(), &other, "theirs").await.unwrap();
        assert_eq!(known("F001", "first").await.as_deref(), Some("F001"));
        for (no, secret) in [("F001", "theirs"), ("F001", "First"), ("F001", ""), ("F002", "first"), ("F003", "first")]
        {
            assert_eq!(known(no, secret).await, None, "{no} {secret}");
        }
        site.app.set_agent_secret(&actor(), &facility, "second").await.unwrap();
        assert_eq!(known("F001", "first").await, None, "the old one ends");
        assert_eq!(known("F001", "second").await.as_deref(), Some("F001"));
        assert!(!site.dump().await.iter().any(|line| line.contains("second") || line.contains("theirs")));
    })
    .await;
}
