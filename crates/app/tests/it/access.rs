//! Accesses of other systems: taken in once, asked about, reviewed, told to the patient.

use app::{AccessFormat, AccessQuestion, AccessTopic, Arrival, Error, ReportOptions, StaffNames, verify_proof};
use domain::access::review::{Closing, Signal};
use domain::access::{Access, Act, Exposure, Outcome};
use domain::evaluate::Facility;
use domain::journal::{Actor, Entry};
use domain::ledger::{Row, Value, ledger};
use jiff::Timestamp;
use testkit::{actor, fresh_postgres, noon, sqlite};

use super::{Site, on_each, text};

/// A facility with a source whose events are numbered.
async fn site_with_source(site: &Site) -> Facility {
    let facility = site.facility("架空病院").await;
    let sources = ledger("log_sources").unwrap();
    let row = Row::from([
        ("no", text("EMR")),
        ("name", text("電子カルテ")),
        ("numbered", Value::YesNo(true)),
        ("silent_hours", Value::Integer(24)),
    ]);
    site.put(&facility, sources, vec![row]).await;
    facility
}

fn access(minutes: i64, user: &str, patient: &str, act: Act) -> Access {
    let at = Timestamp::from_microsecond(noon().as_microsecond() + minutes * 60_000_000).unwrap();
    let mut access = Access::new(at, "emr", user, act);
    access.patient = Some(patient.to_owned()).filter(|p| !p.is_empty());
    access
}

fn arrival(accesses: Vec<Access>) -> Arrival {
    let bytes = format!("{accesses:?}").into_bytes();
    Arrival { source: "emr".to_owned(), format: "table", parser: 1, bytes, accesses, refused: 0, forged: 0 }
}

async fn receive(site: &Site, facility: &Facility, accesses: Vec<Access>) -> (u64, u64) {
    let receipts = site.app.receive_accesses(&actor(), &facility.id, vec![arrival(accesses)]).await.unwrap();
    (receipts[0].new, receipts[0].known)
}

fn code(error: &Error) -> String {
    error.to_string()
}

#[tokio::test]
async fn what_comes_twice_is_taken_in_once_and_every_arrival_is_kept() {
    on_each(async |site| {
        let facility = site_with_source(&site).await;
        let numbered = |n: u64| {
            let mut one = access(1, "saito", "0001", Act::Read);
            one.source_id = Some(n.to_string());
            one
        };
        assert_eq!(receive(&site, &facility, vec![numbered(1), numbered(2), numbered(1)]).await, (2, 1));
        assert_eq!(receive(&site, &facility, vec![numbered(2), numbered(5)]).await, (1, 1));
        let plain = access(1, "saito", "0001", Act::Read);
        let other = access(1, "saito", "0002", Act::Read);
        assert_eq!(receive(&site, &facility, vec![plain.clone(), plain.clone(), other]).await, (2, 1));
        assert_eq!(receive(&site, &facility, vec![plain]).await, (0, 1));
        assert_eq!(receive(&site, &facility, Vec::new()).await, (0, 0), "what held nothing is kept, too");
        let state = site.app.access_sources(&facility).await.unwrap().remove(0);
        assert_eq!((state.arrivals, state.missing.as_slice()), (5, [(3, 4)].as_slice()));
        assert_eq!(site.app.verify_arrivals(&facility.id, "emr").await.unwrap(), Ok(5));
        let entries = site.app.store.journal_chain(0).await.unwrap();
        let accesses = entries.iter().filter(|(_, _, entry, _)| entry.contains("\"action\":\"access.read\"")).count();
        assert_eq!(accesses, 5);
        assert!(site.app.verify_journal().await.unwrap().is_ok());
    })
    .await;
}

#[tokio::test]
async fn the_index_is_what_the_journal_says_and_a_dump_brings_everything_along() {
    on_each(async |site| {
        let facility = site_with_source(&site).await;
        let mut rich = access(3, "saito", "0001", Act::Export);
        (rich.records, rich.terminal, rich.plan) = (Some(7), Some("PC-1".to_owned()), Some("W-1".to_owned()));
        (rich.outcome, rich.exposure, rich.user_name) = (Outcome::Failed, Exposure::Listed, Some("齋藤".to_owned()));
        receive(&site, &facility, vec![rich, access(2, "", "", Act::Maintain)]).await;
        receive(&site, &facility, (0..700).map(|n| access(n, "lan", &format!("{:04}", n % 90), Act::Read)).collect())
            .await;
        let before = site.app.store.access_index().await.unwrap();
        assert_eq!(before.len(), 702);
        assert_eq!(site.app.store.access_reindex().await.unwrap(), 702);
        assert_eq!(site.app.store.access_index().await.unwrap(), before, "{}", site.name);
        let mut dump = Vec::new();
        site.app.store.dump(&mut dump).await.unwrap();
        let copy = sqlite().await;
        copy.store.load(&actor(), noon(), &mut dump.as_slice()).await.unwrap();
        assert_eq!(copy.store.access_index().await.unwrap(), before);
        let copy = app::App::new(copy.store, noon());
        assert_eq!(copy.verify_arrivals(&facility.id, "EMR").await.unwrap(), Ok(2));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_many_send_at_once_is_there_when_each_is_answered() {
    on_each(async |site| {
        let facility = site_with_source(&site).await;
        let app = std::sync::Arc::new(site.app);
        let mut senders = tokio::task::JoinSet::new();
        for sender in 0..16 {
            let (app, facility) = (std::sync::Arc::clone(&app), facility.clone());
            senders.spawn(async move {
                let by = Actor::new(format!("sender {sender}"));
                for n in 0..10 {
                    // The second half of the senders repeat what the first half send. One sends what no database takes.
                    let user = if sender == 3 && n == 5 { "\0".to_owned() } else { format!("u{}", sender % 8) };
                    let arrival = arrival(vec![access(n, &user, "0001", Act::Read)]);
                    let sent = app.receive_accesses(&by, &facility.id, vec![arrival]).await;
                    if user == "\0" {
                        continue;
                    }
                    assert_eq!(sent.unwrap().len(), 1);
                    let asked = AccessQuestion { user, ..AccessQuestion::default() };
                    let there = app.ask_accesses(&by, &facility, &asked).await.unwrap().count;
                    assert!(there > u64::try_from(n).unwrap() - u64::from(n > 5), "acknowledged and not there");
                }
            });
        }
        senders.join_all().await;
        let all = app.ask_accesses(&actor(), &facility, &AccessQuestion::default()).await.unwrap().count;
        assert!((80..=81).contains(&all), "{}: {all}", site.name);
        let arrivals = app.access_sources(&facility).await.unwrap().remove(0).arrivals;
        assert!((159..=160).contains(&arrivals), "{}: {arrivals}", site.name);
        assert_eq!(app.verify_arrivals(&facility.id, "EMR").await.unwrap(), Ok(arrivals));
        assert!(app.store.journal_verify().await.unwrap().is_ok());
        let rows = app.store.journal_after(0, 10_000).await.unwrap();
        let entries = rows.iter().map(|(_, _, text)| serde_json::from_str::<Entry>(text).unwrap());
        let received = entries.filter(|entry| entry.action == "access.receive");
        let mut by: Vec<String> = received.map(|entry| entry.actor).collect();
        by.sort();
        by.dedup();
        assert_eq!(by.len(), 16, "each in its own name");
    })
    .await;
}

#[tokio::test]
async fn an_unregistered_source_is_refused_and_nothing_of_the_call_is_kept() {
    on_each(async |site| {
        let facility = site_with_source(&site).await;
        let mut stray = arrival(vec![access(1, "x", "1", Act::Read)]);
        stray.source = "RIS".to_owned();
        let both = vec![arrival(vec![access(1, "x", "1", Act::Read)]), stray];
        let refused = site.app.receive_accesses(&actor(), &facility.id, both).await.unwrap_err();
        assert!(code(&refused).contains("ACC-001"));
        assert!(site.app.store.access_index().await.unwrap().is_empty());
        let long = "あ".repeat(5_000);
        receive(&site, &facility, vec![access(1, &long, "1", Act::Read)]).await;
        let kept = &site.app.store.access_index().await.unwrap()[0];
        assert_eq!(kept.names[1].as_ref().map(|name| name.chars().count()), Some(1_000));
    })
    .await;
}

#[tokio::test]
async fn who_opened_a_record_is_told_apart_from_who_saw_it_in_a_list_and_the_question_is_noted() {
    on_each(async |site| {
        let facility = site_with_source(&site).await;
        let mut listed = access(5, "lan", "0001", Act::Search);
        listed.exposure = Exposure::Listed;
        let mut refused = access(6, "ito", "0001", Act::Read);
        refused.outcome = Outcome::Refused;
        let mut all: Vec<Access> = (0..130).map(|n| access(10 + n, "saito", "0001", Act::Read)).collect();
        all.extend([listed, refused, access(7, "saito", "0002", Act::Print)]);
        receive(&site, &facility, all).await;
        let ask = async |asked: AccessQuestion| site.app.ask_accesses(&actor(), &facility, &asked).await.unwrap();
        let patient = AccessQuestion { patient: " ０００１ ".to_owned(), ..AccessQuestion::default() };
        let first = ask(patient.clone()).await;
        assert_eq!((first.count, first.lines.len()), (132, 100), "{}", site.name);
        let rest = ask(AccessQuestion { before: first.older, ..patient.clone() }).await;
        assert_eq!((rest.lines.len(), rest.older), (32, None));
        assert!(first.lines.last().unwrap().at > rest.lines[0].at);
        let told: Vec<_> = first.openers.iter().map(|o| (o.user.as_str(), o.opened, o.listed)).collect();
        assert_eq!(told, [("saito", 130, 0), ("ito", 1, 0), ("lan", 0, 1)]);
        let count = async |user: &str, topic| {
            let asked = AccessQuestion { user: user.to_owned(), topic, ..AccessQuestion::default() };
            ask(asked).await.count
        };
        assert_eq!(count("SAITO", AccessTopic::All).await, 131);
        assert_eq!(count("saito", AccessTopic::Taken).await, 1);
        assert_eq!(count("", AccessTopic::Undone).await, 1);
        assert_eq!(count("nobody", AccessTopic::All).await, 0);
        let journal = site.app.store.journal_about(&facility.id, "0001").await.unwrap();
        let asked: Vec<_> = journal.iter().filter(|entry| entry.action == "accesses.ask").collect();
        assert_eq!(asked.len(), 2, "who asked about whom is in the journal");
        let other = Facility { id: "another".to_owned(), ..facility.clone() };
        assert_eq!(site.app.ask_accesses(&actor(), &other, &patient).await.unwrap().count, 0);
    })
    .await;
}

#[tokio::test]
async fn the_demonstration_s_week_holds_the_cases_that_a_review_has_to_find() {
    on_each(async |site| {
        let facility = site.app.load_demo(&actor()).await.unwrap();
        let queue = site.app.case_queue(&facility).await.unwrap();
        let all: Vec<_> = queue.open.iter().chain(&queue.beyond).collect();
        let mut found: Vec<_> = all.iter().map(|case| (case.signal.code(), case.row.subject.as_str())).collect();
        found.sort_unstable();
        assert_eq!(
            found,
            [
                ("emergency", "hamada"),
                ("leaver", "ito"),
                ("rush", "0004127"),
                ("two-terminals", "admin"),
                ("unplanned", "vendor"),
                ("volume", "sasaki"),
            ],
            "{}",
            site.name
        );
        assert_eq!(site.app.find_cases(&actor(), &facility).await.unwrap(), 0, "asking again changes nothing");
        let rush = all.iter().find(|case| case.signal == Signal::Rush).unwrap();
        assert_eq!(rush.row.people, 7);
        let leaver = all.iter().find(|case| case.signal == Signal::Leaver).unwrap();
        assert_eq!((leaver.title.as_str(), leaver.row.accesses), ("伊藤 慎吾", 13));
        for topic in AccessTopic::all() {
            let asked = AccessQuestion { topic, ..AccessQuestion::default() };
            let answer = site.app.ask_accesses(&actor(), &facility, &asked).await.unwrap();
            let none = ["dormant", "off-hours", "refused"].contains(&topic.code());
            assert_eq!(answer.count == 0, none, "{} {}", topic.code(), site.name);
        }
    })
    .await;
}

#[tokio::test]
async fn a_review_is_closed_case_by_case_by_others_and_signed_into_the_records() {
    on_each(async |site| {
        let facility = site.app.load_demo(&actor()).await.unwrap();
        let early = site.app.sign_review(&actor(), &facility, "髙橋 由美子").await.unwrap_err();
        assert!(code(&early).contains("ACC-008"));
        let queue = site.app.case_queue(&facility).await.unwrap();
        let emergency = queue.open.iter().chain(&queue.beyond).find(|c| c.signal == Signal::Emergency).unwrap().row.no;
        let close = async |person, no, reason| {
            site.app.close_case(&actor(), person, &facility, (no, Closing::Appropriate, reason)).await
        };
        assert!(code(&close(Some("S005"), emergency, "緊急").await.unwrap_err()).contains("ACC-006"), "one's own");
        assert!(code(&close(None, emergency, " ").await.unwrap_err()).contains("ACC-005"));
        let rush = queue.open.iter().chain(&queue.beyond).find(|c| c.signal == Signal::Rush).unwrap().row.no;
        assert!(code(&close(Some("S004"), rush, "見た").await.unwrap_err()).contains("ACC-006"), "one of the openers");
        let (_, lines) = site.app.look_at_case(&actor(), &facility, rush).await.unwrap();
        assert_eq!(lines.len(), 7);
        for case in queue.open.iter().chain(&queue.beyond) {
            let way = if case.signal == Signal::Leaver { Closing::Inappropriate } else { Closing::Appropriate };
            site.app.close_case(&actor(), None, &facility, (case.row.no, way, "本人に確かめた")).await.unwrap();
        }
        assert!(close(None, rush, "もう一度").await.is_err(), "closed once");
        let no = site.app.sign_review(&actor(), &facility, "髙橋 由美子").await.unwrap();
        let records = ledger("records").unwrap();
        let record = site.app.row(&facility, records, &no).await.unwrap().row;
        assert_eq!(record["kind"], text("log_review"));
        assert_eq!(record["result"], text("findings"));
        let left = site.app.case_queue(&facility).await.unwrap();
        assert!(left.open.is_empty() && left.closed.is_empty());
        assert_eq!(site.app.find_cases(&actor(), &facility).await.unwrap(), 0, "what was closed stays closed");
    })
    .await;
}

#[tokio::test]
async fn a_patient_s_report_proves_each_line_and_names_nobody_where_it_must_not() {
    on_each(async |site| {
        let facility = site.app.load_demo(&actor()).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let mut sealer = site.app.sealer(folder.path()).await.unwrap();
        site.app.seal(&mut sealer).await.unwrap();
        let options = |staff| ReportOptions { patient: "0004127".to_owned(), since: None, until: None, staff };
        let make = async |staff| site.app.patient_report(&actor(), &facility, folder.path(), &options(staff)).await;
        let report = make(StaffNames::Shown).await.unwrap();
        assert_eq!((report.lines, report.proved), (7, 7), "beside the sealer");
        assert!(!report.name.contains("4127"));
        let read = |zip: &[u8], name: &str| {
            let mut archive = zip::ZipArchive::new(std::io::Cursor::new(zip.to_vec())).unwrap();
            let names: Vec<String> = archive.file_names().map(|name| name.unwrap().into_owned()).collect();
            let name = names.iter().find(|of| of.ends_with(name)).unwrap();
            std::io::read_to_string(archive.by_name(name).unwrap()).unwrap()
        };
        let key = site.app.log_key(folder.path()).unwrap();
        let proved = verify_proof(&read(&report.zip, ".tlog-proof"), &key).unwrap();
        assert!(
            proved.fields.iter().any(|(name, value)| name == "details.patient" && value.as_deref() == Some("0004127"))
        );
        let hidden = make(StaffNames::Withheld("本人への嫌がらせのおそれ".to_owned())).await.unwrap();
        let table = read(&hidden.zip, "一覧.csv");
        assert!(table.contains("看護師") && !table.contains("saito") && !table.contains("齋藤"));
        let proof = verify_proof(&read(&hidden.zip, ".tlog-proof"), &key).unwrap();
        assert!(proof.fields.iter().all(|(name, value)| name != "details.user" || value.is_none()));
        assert!(code(&make(StaffNames::Withheld(String::new())).await.unwrap_err()).contains("ACC-010"));
        for format in [AccessFormat::Csv, AccessFormat::Xlsx, AccessFormat::Pdf] {
            let asked = AccessQuestion { patient: "0004127".to_owned(), ..AccessQuestion::default() };
            let file = site.app.export_accesses(&actor(), &facility, &asked, format).await.unwrap();
            assert!(file.bytes.len() > 200 && !file.name.contains("4127"));
        }
    })
    .await;
}

#[tokio::test]
async fn a_source_that_falls_silent_is_named() {
    on_each(async |site| {
        let facility = site_with_source(&site).await;
        let faults = async || site.app.access_sources(&facility).await.unwrap().remove(0).faults;
        assert_eq!(faults().await, [app::SourceFault::Never]);
        receive(&site, &facility, vec![access(-10, "saito", "1", Act::Read)]).await;
        assert_eq!(faults().await, [app::SourceFault::Clock(600)]);
        site.at("2026-11-23T04:00:00Z");
        assert_eq!(faults().await, [app::SourceFault::Silent(25), app::SourceFault::Clock(600)]);
    })
    .await;
}

#[tokio::test]
async fn two_that_receive_the_same_at_once_take_it_in_once() {
    let Some(url) = fresh_postgres() else { return };
    let store = store::Store::open(&store::Location::Postgres(url)).await.unwrap();
    let app = std::sync::Arc::new(app::App::new(store, noon()));
    let facility = app.load_demo(&actor()).await.unwrap();
    let before = app.store.access_index().await.unwrap().len();
    let tasks: Vec<_> = (0..6)
        .map(|_| {
            let (app, id) = (std::sync::Arc::clone(&app), facility.id.clone());
            tokio::spawn(async move {
                let accesses = (0..50).map(|n| access(n, "lan", "77", Act::Read)).collect();
                let arrival = Arrival { source: "EMR-LOG".to_owned(), ..arrival(accesses) };
                app.receive_accesses(&actor(), &id, vec![arrival]).await.unwrap()[0].new
            })
        })
        .collect();
    let mut new = 0;
    for task in tasks {
        new += task.await.unwrap();
    }
    assert_eq!((new, app.store.access_index().await.unwrap().len()), (50, before + 50));
}
