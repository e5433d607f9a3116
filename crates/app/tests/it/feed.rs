//! How accesses come in: messages, documents, files and folders of registered sources, and out again.

use std::sync::Arc;

use app::{AccessExport, AccessQuestion, DocumentKind, Feed, Message, Peer, Watch};
use domain::evaluate::Facility;
use domain::ledger::ledger;
use serde_json::{Value, json};
use testkit::actor;

use super::{Site, on_each, row};

/// A facility with a PACS at one address, a FHIR server, and a chart that writes files.
async fn clinic(site: &Site, folder: &str) -> Facility {
    let facility = site.facility("架空医院").await;
    let sources = [
        vec![("no", "PACS"), ("name", "画像"), ("format", "atna"), ("address", "10.0.0.7")],
        vec![("no", "FHIR"), ("name", "連携サーバ"), ("format", "fhir")],
        vec![("no", "CHART"), ("name", "電子カルテ"), ("format", "table"), ("folder", folder)],
        vec![("no", "OLD"), ("name", "旧カルテ"), ("format", "fhir"), ("in_use", "いいえ"), ("address", "10.0.0.8")],
    ];
    let rows = sources.iter().map(|cells| row("log_sources", cells)).collect();
    site.put(&facility, ledger("log_sources").unwrap(), rows).await;
    facility
}

/// How many accesses there are.
async fn count(site: &Site, facility: &Facility) -> u64 {
    site.app.ask_accesses(&actor(), facility, &AccessQuestion::default()).await.unwrap().count
}

/// The actions of the journal that begin with this.
async fn events(site: &Site, start: &str) -> usize {
    let dump = site.dump().await;
    dump.iter().filter(|line| line.contains(&format!("\\\"action\\\":\\\"{start}"))).count()
}

async fn sender(site: &Site, address: &str) -> Option<Arc<Feed>> {
    let peer = Peer { address: address.parse().unwrap(), certificate: None };
    site.app.senders().await.unwrap().of(&peer).map(Arc::new)
}

fn message(patient: &str, second: u32) -> Vec<u8> {
    format!(
        "<85>1 2026-11-22T02:00:{second:02}Z pacs1 audit - IHE+RFC-3881 - <AuditMessage>\
         <EventIdentification EventActionCode=\"R\" EventDateTime=\"2026-11-22T11:00:{second:02}\" EventOutcomeIndicator=\"0\">\
         <EventID csd-code=\"110103\"/></EventIdentification>\
         <ActiveParticipant UserID=\"u1\" UserIsRequestor=\"true\" NetworkAccessPointID=\"ct-1\"/>\
         <ParticipantObjectIdentification ParticipantObjectID=\"{patient}\" ParticipantObjectTypeCode=\"1\" ParticipantObjectTypeCodeRole=\"1\"/>\
         </AuditMessage>"
    )
    .into_bytes()
}

#[tokio::test]
async fn messages_of_a_registered_source_are_taken_once() {
    on_each(async |site| {
        let facility = clinic(&site, "/nowhere").await;
        let feed = sender(&site, "10.0.0.7").await.unwrap();
        assert_eq!(sender(&site, "10.0.0.9").await, None, "nobody");
        assert_eq!(sender(&site, "10.0.0.8").await, None, "out of use");
        let of = |frame: Vec<u8>| Message { feed: Arc::clone(&feed), frame };
        let broken = b"<85>1 - - - - - - <AuditMessage><x></AuditMessage>".to_vec();
        let batch = vec![of(message("0001", 1)), of(broken), of(message("0002", 2)), of(message("0001", 1))];
        let taken = site.app.receive_messages(batch.clone()).await.unwrap();
        assert_eq!((taken.new, taken.known, taken.unreadable, taken.refused), (2, 1, 1, 0), "{}", site.name);
        // A listener that could not know whether it was stored gives it again.
        let again = site.app.receive_messages(batch).await.unwrap();
        assert_eq!((again.new, again.known), (0, 3));
        assert_eq!(count(&site, &facility).await, 2);
        // A source that is gone does not take another's messages along.
        let mut ghost = (*feed).clone();
        ghost.source = "GHOST".to_owned();
        let mixed = vec![Message { feed: Arc::new(ghost), frame: message("0003", 3) }, of(message("0004", 4))];
        let taken = site.app.receive_messages(mixed).await.unwrap();
        assert_eq!((taken.new, taken.refused), (1, 1));
        // A flood of the same.
        let flood = (0..500).map(|_| of(message("0001", 1))).collect();
        assert_eq!(site.app.receive_messages(flood).await.unwrap().new, 0);
        assert_eq!(count(&site, &facility).await, 3);
    })
    .await;
}

#[tokio::test]
async fn what_claims_to_be_of_another_source_is_refused_and_counted() {
    on_each(async |site| {
        let facility = clinic(&site, "/nowhere").await;
        let feed = sender(&site, "10.0.0.7").await.unwrap();
        let claim = |from: &str, to: &str| {
            let frame = String::from_utf8(message("0001", 1)).unwrap().replacen(from, to, 1);
            Message { feed: Arc::clone(&feed), frame: frame.into_bytes() }
        };
        let said = |name: &str| {
            claim("</AuditMessage>", &format!("<AuditSourceIdentification AuditSourceID=\"{name}\"/></AuditMessage>"))
        };
        // By what the message says, by its host, by its application; by key and by name, however it is written.
        let forged = [said("CHART"), said("電子 カルテ"), claim(" pacs1 ", " chart "), claim(" audit ", " ＦＨＩＲ ")];
        let taken = site.app.receive_messages(forged.to_vec()).await.unwrap();
        assert_eq!((taken.new, taken.forged, taken.unreadable), (0, 4, 0), "{}", site.name);
        // Its own name, nobody's, and that of one that is out of use are none of another.
        let fine = vec![said("pacs"), said("画像"), said("CT-2"), said("OLD")];
        let taken = site.app.receive_messages(fine).await.unwrap();
        assert_eq!((taken.new, taken.known, taken.forged), (1, 3, 0));
        assert_eq!(count(&site, &facility).await, 1);
        let faults = async || {
            let states = site.app.access_sources(&facility).await.unwrap();
            states.into_iter().find(|state| state.key == "PACS").unwrap().faults
        };
        assert!(faults().await.contains(&app::SourceFault::Forged(4)));
        assert!(site.dump().await.iter().any(|line| line.contains("\\\"forged\\\":\\\"4\\\"")), "in the journal");
        site.at("2027-01-05T03:00:00Z");
        assert!(!faults().await.iter().any(|fault| matches!(fault, app::SourceFault::Forged(_))), "long ago");
    })
    .await;
}

fn event(id: &str, patient: &str) -> Value {
    json!({
        "resourceType": "AuditEvent", "id": id, "recorded": "2026-11-22T11:00:00+09:00", "action": "R", "outcome": "0",
        "type": { "code": "rest" }, "subtype": [{ "code": "read" }],
        "agent": [{ "who": { "identifier": { "value": "u1" } }, "requestor": true }],
        "source": { "observer": { "display": "x" } },
        "entity": [{ "what": { "reference": format!("Patient/{patient}") }, "type": { "code": "1" }, "role": { "code": "1" } }],
    })
}

fn bundle(kind: &str, resources: &[Value]) -> Vec<u8> {
    let entry: Vec<Value> = resources.iter().map(|resource| json!({ "resource": resource })).collect();
    json!({ "resourceType": "Bundle", "type": kind, "entry": entry }).to_string().into_bytes()
}

#[tokio::test]
async fn a_transaction_is_taken_whole_or_not_at_all() {
    on_each(async |site| {
        let facility = clinic(&site, "/nowhere").await;
        let feed = site.app.feed(&facility.id, "fhir").await.unwrap();
        assert_eq!(site.app.feed(&facility.id, "連携サーバ").await.unwrap(), feed, "by its name");
        assert!(site.app.feed(&facility.id, "OLD").await.unwrap_err().to_string().contains("EVT-041"));
        let bad = json!({ "resourceType": "AuditEvent", "id": "bad" });
        let parts = [event("e1", "0001"), bad, event("e2", "0002")];
        let send = async |bytes: Vec<u8>| site.app.receive_document(&actor(), &feed, bytes).await;
        let whole = send(bundle("transaction", &parts)).await.unwrap();
        assert_eq!((whole.kind, whole.receipt, whole.refused.len()), (DocumentKind::Transaction, None, 1));
        assert_eq!(count(&site, &facility).await, 0);
        let batch = send(bundle("batch", &parts)).await.unwrap();
        assert_eq!((batch.events, batch.receipt.unwrap().new, batch.refused[0].0), (3, 2, 1));
        let one = send(event("e1", "0001").to_string().into_bytes()).await.unwrap();
        assert_eq!(one.receipt.unwrap().known, 1, "the same id is the same event");
        let refused = send(b"{\"resourceType\":\"AuditEvent\",\"recorded\":\"x\"}".to_vec()).await.unwrap_err();
        assert_eq!(refused.code(), "EVT-007");
        assert_eq!(count(&site, &facility).await, 2);
    })
    .await;
}

const TABLE: &str = "利用者ID,氏名,日時,区分,操作,患者番号\n\
    u1,架空 花子,2026/11/22 9:05:30,患者情報,カルテ閲覧,0001\n\
    u2,架空 次郎,2026/11/22 9:06,患者情報,FNC-77,0002\n";

#[tokio::test]
async fn a_table_is_imported_and_its_bad_rows_come_back() {
    on_each(async |site| {
        let facility = clinic(&site, "/nowhere").await;
        let feed = site.app.feed(&facility.id, "chart").await.unwrap();
        let take = async |dry: bool| {
            site.app.import_accesses(&actor(), &feed, "記録.csv", TABLE.as_bytes().to_vec(), dry).await.unwrap()
        };
        let tried = take(true).await;
        assert_eq!((tried.accesses, tried.rejected.len(), count(&site, &facility).await), (1, 1, 0));
        let taken = take(false).await;
        assert_eq!((taken.new, taken.rejected[0].line), (1, 3));
        assert!(taken.rejected[0].problems[0].contains("EVT-033"));
        let back = intake::table::read("x.xlsx", &taken.rejected_workbook.unwrap()).unwrap();
        assert!(back.sheets[0].rows[0].iter().any(|cell| cell.text() == "エラー"));
        site.app.map_act(&actor(), &facility, "ＦＮＣ－７７", "印刷").await.unwrap();
        assert!(site.app.map_act(&actor(), &facility, "x", "跳ぶ").await.unwrap_err().to_string().contains("EVT-042"));
        let again = take(false).await;
        assert_eq!((again.new, again.accesses, again.rejected.len()), (1, 2, 0), "only what was missing is new");
    })
    .await;
}

#[tokio::test]
async fn a_watched_folder_is_emptied_of_nothing_and_taken_once() {
    on_each(async |site| {
        let inbox = tempfile::tempdir().unwrap();
        let folder = inbox.path().join("chart");
        let path = |name: &str| folder.join(name);
        let facility = clinic(&site, "chart").await;
        let inbox = inbox.path();
        assert!(site.app.look_into_folders(inbox, &mut Watch::default()).await.unwrap().is_empty(), "made");
        let mut watch = Watch::default();
        std::fs::write(path("a.csv"), &TABLE.as_bytes()[..60]).unwrap();
        assert!(site.app.look_into_folders(inbox, &mut watch).await.unwrap().is_empty(), "first seen");
        std::fs::write(path("a.csv"), TABLE).unwrap();
        assert!(site.app.look_into_folders(inbox, &mut watch).await.unwrap().is_empty(), "it grew");
        let taken = site.app.look_into_folders(inbox, &mut watch).await.unwrap();
        assert_eq!(taken.len(), 1);
        assert_eq!(*taken[0].outcome.as_ref().unwrap(), (1, 1));
        assert!(path("a.csv").exists() && path("a.csv.エラー.xlsx").exists());
        // Its answer, a copy, a link, and the same after a restart are not taken.
        std::fs::copy(path("a.csv"), path("b.csv")).unwrap();
        std::os::unix::fs::symlink("/etc/hostname", path("c.csv")).unwrap();
        std::fs::write(path("d.csv"), "これは表ではない").unwrap();
        let mut restarted = Watch::default();
        site.app.look_into_folders(inbox, &mut restarted).await.unwrap();
        let second = site.app.look_into_folders(inbox, &mut restarted).await.unwrap();
        let names: Vec<_> = second.iter().map(|file| (file.name.as_str(), file.outcome.is_ok())).collect();
        assert_eq!(names, [("d.csv", false)]);
        assert!(std::fs::read_to_string(path("d.csv.エラー.txt")).unwrap().contains("IMP-"));
        for _ in 0..2 {
            assert!(site.app.look_into_folders(inbox, &mut restarted).await.unwrap().is_empty());
        }
        assert_eq!(count(&site, &facility).await, 1);
    })
    .await;
}

#[tokio::test]
async fn a_folder_outside_the_inbox_is_neither_read_nor_written() {
    let outside = tempfile::tempdir().unwrap();
    std::fs::write(outside.path().join("a.csv"), "これは表ではない").unwrap();
    let absolute = outside.path().to_str().unwrap().to_owned();
    on_each(async |site| {
        let inbox = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink(outside.path(), inbox.path().join("link")).unwrap();
        let up = format!("../{}", outside.path().file_name().unwrap().to_str().unwrap());
        let facility = clinic(&site, "/nowhere").await;
        for folder in [absolute.as_str(), up.as_str(), "link", "a/../.."] {
            let chart = [("no", "CHART"), ("name", "電子カルテ"), ("format", "table"), ("folder", folder)];
            site.put(&facility, ledger("log_sources").unwrap(), vec![row("log_sources", &chart)]).await;
            let mut watch = Watch::default();
            for _ in 0..3 {
                assert!(site.app.look_into_folders(inbox.path(), &mut watch).await.unwrap().is_empty(), "{folder}");
            }
        }
    })
    .await;
    assert_eq!(std::fs::read_dir(outside.path()).unwrap().count(), 1, "no answer beside it");
}

#[tokio::test]
async fn what_is_transferred_is_understood_again_and_is_noted() {
    on_each(async |site| {
        let facility = clinic(&site, "/nowhere").await;
        let feed = site.app.feed(&facility.id, "FHIR").await.unwrap();
        let bytes = bundle("batch", &[event("e1", "0001"), event("e2", "0002")]);
        site.app.receive_document(&actor(), &feed, bytes).await.unwrap();
        let day = "2026-11-22".parse().unwrap();
        let before = events(&site, "accesses.transfer").await;
        for format in AccessExport::ALL {
            let bytes = site.app.transfer_accesses(&actor(), &facility, (day, day), format).await.unwrap();
            if format == AccessExport::Ocsf {
                assert_eq!(bytes.split(|b| *b == b'\n').filter(|line| !line.is_empty()).count(), 2);
                continue;
            }
            let other = site.facility(&format!("架空{}医院", format.code())).await;
            let rows = vec![row("log_sources", &[("no", "FHIR"), ("name", "写し")])];
            site.put(&other, ledger("log_sources").unwrap(), rows).await;
            let there = site.app.feed(&other.id, "FHIR").await.unwrap();
            let taken = site.app.import_accesses(&actor(), &there, "写し.csv", bytes, false).await.unwrap();
            assert_eq!((taken.new, taken.rejected.len()), (2, 0), "{}: {:?}", format.code(), taken.rejected);
        }
        assert_eq!(events(&site, "accesses.transfer").await, before + 4);
        let next = "2026-11-23".parse().unwrap();
        let none = site.app.transfer_accesses(&actor(), &facility, (next, next), AccessExport::Ocsf).await.unwrap();
        assert!(none.is_empty());
    })
    .await;
}
