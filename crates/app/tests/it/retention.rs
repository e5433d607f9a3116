//! Disposing of records: two persons, nothing before its time, and what is kept is proved as before.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use app::{App, Arrival, DisposalState, Error, Sealed, Sealer, SystemClock, Why, verify_proof};
use domain::access::{Access, Act};
use domain::evaluate::Facility;
use domain::journal::{Actor, Event};
use domain::ledger::{Row, Value, ledger};
use domain::retention::Kind;
use serde_json::Value as Json;
use store::{Location, Store};
use testkit::{actor, fresh_postgres, noon, sqlite};

use super::{Site, day, on_each, row, text};

fn hanako() -> Actor {
    Actor::new("架空 花子（hanako）")
}

fn director() -> Actor {
    Actor::new("架空 院長（director）")
}

fn code(error: &Error) -> String {
    error.code().to_owned()
}

async fn own(site: &Site, facility: &Facility, count: u32) {
    let mut tx = site.app.store.begin(&actor(), &facility.id, site.app.now()).await.unwrap();
    (0..count).for_each(|n| tx.record(Event::new("devices.lose", format!("MD-{n}"))));
    tx.commit().await.unwrap();
}

async fn opened(site: &Site, facility: &Facility, patient: &str, count: i64) {
    let accesses = (0..count).map(|n| {
        let at = jiff::Timestamp::from_microsecond(site.app.now().as_microsecond() - n * 1_000_000).unwrap();
        let mut access = Access::new(at, "EMR", "saito", Act::Read);
        access.patient = Some(patient.to_owned());
        access
    });
    let accesses: Vec<Access> = accesses.collect();
    let bytes = format!("{accesses:?}").into_bytes();
    let arrival =
        Arrival { source: "EMR".to_owned(), format: "table", parser: 1, bytes, accesses, refused: 0, forged: 0 };
    site.app.receive_accesses(&actor(), &facility.id, vec![arrival]).await.unwrap();
}

/// A facility with records of 2021 and of the day of the tests, all sealed.
async fn old_site(site: &Site, folder: &Path) -> (Facility, Sealer) {
    site.at("2021-05-10T01:00:00Z");
    let facility = site.facility("架空病院").await;
    let sources = ledger("log_sources").unwrap();
    site.put(&facility, sources, vec![Row::from([("no", text("EMR")), ("name", text("電子カルテ"))])]).await;
    own(site, &facility, 150).await;
    site.at("2021-05-20T01:00:00Z");
    opened(site, &facility, "架空患者9001", 200).await;
    opened(site, &facility, "架空患者9002", 60).await;
    site.at("2021-06-02T01:00:00Z");
    own(site, &facility, 150).await;
    opened(site, &facility, "架空患者9002", 5).await;
    site.at("2026-11-22T03:00:00Z");
    own(site, &facility, 30).await;
    opened(site, &facility, "架空患者9002", 20).await;
    let mut sealer = site.app.sealer(folder).await.unwrap();
    site.app.seal(&mut sealer).await.unwrap();
    (facility, sealer)
}

async fn periods(site: &Site, facility: &Facility) {
    let typed = Kind::ALL.map(|kind| (kind, "5", "院内の記録規程 第3条"));
    assert!(site.app.periods_set(&hanako(), &facility.id, &typed).await.unwrap());
    assert!(!site.app.periods_set(&hanako(), &facility.id, &typed).await.unwrap(), "nothing changed");
}

async fn done(app: &App, sealer: &mut Sealer) {
    while app.disposals_of_records().await.unwrap()[0].state != DisposalState::Done {
        app.seal(sealer).await.unwrap();
    }
    app.seal(sealer).await.unwrap();
}

/// Everything that is kept holds, and nothing of what went is there.
async fn holds(app: &App, facility: &str, folder: &Path, last: i64) {
    assert!(app.verify_journal().await.unwrap().is_ok());
    let sealed = app.sealed(folder, None).await.unwrap();
    assert!(matches!(sealed, Sealed::Holds { staged: 0, .. }), "{sealed:?}");
    assert_eq!(app.store.journal_after(0, 1).await.unwrap()[0].0, last + 1);
    let index = app.store.access_index().await.unwrap();
    assert!(index.iter().all(|access| access.of.1 > last), "a row of the index is left");
    assert!(!index.is_empty());
    assert!(app.verify_arrivals(facility, "EMR").await.unwrap().is_ok());
    app.store.access_reindex().await.unwrap();
    assert_eq!(app.store.access_index().await.unwrap(), index);
    assert!(!folder.join("log/tile/entries/000").exists() && !folder.join("log/tile/0/001").exists());
    assert!(folder.join("log/minimum").exists() && folder.join("log/checkpoint").exists());
}

#[tokio::test]
async fn one_asks_another_approves_and_what_is_kept_stays_provable() {
    on_each(async |site| {
        let data = tempfile::tempdir().unwrap();
        let (facility, mut sealer) = old_site(&site, data.path()).await;
        let app = &site.app;
        let plan = app.disposal_plan().await.unwrap();
        assert_eq!(plan.span, None, "nothing goes by itself");
        assert_eq!(plan.keeps.iter().filter(|k| matches!(k.why, Why::NoPeriod(_))).count(), 2);
        assert_eq!(code(&app.disposal_ask(&hanako(), &facility.id, "整理").await.unwrap_err()), "RET-003");
        for (years, basis) in [("4", "規程"), ("五", "規程"), ("5", " ")] {
            let typed = [(Kind::Accesses, "5", "規程"), (Kind::Journal, years, basis)];
            let refused = app.periods_set(&hanako(), &facility.id, &typed).await.unwrap_err();
            assert!(refused.to_string().contains("RET-001"), "{refused}");
        }
        periods(&site, &facility).await;
        let plan = app.disposal_plan().await.unwrap();
        assert_eq!(plan.span, Some((1, 512)));
        assert_eq!((plan.entries + plan.accesses, plan.accesses, plan.originals), (512, 262, 2));
        assert_eq!(plan.months, ["2021-05"], "what is left of June keeps its key");
        assert!(plan.keeps.is_empty(), "{:?}", plan.keeps);
        assert!(app.disposal_ask(&hanako(), &facility.id, " ").await.unwrap_err().to_string().contains("RET-002"));
        let asked = app.disposal_ask(&hanako(), &facility.id, "保存期間が過ぎたため").await.unwrap();
        assert!(app.disposal_ask(&director(), &facility.id, "もう一度").await.is_err(), "one at a time");
        app.seal(&mut sealer).await.unwrap();
        assert_eq!(app.store.journal_after(0, 1).await.unwrap()[0].0, 1, "nothing goes before it is approved");
        assert!(matches!(
            app.disposal_approve(&director(), &asked.id, "another").await.unwrap_err(),
            Error::Conflict { .. }
        ));
        let approved = app.disposal_approve(&director(), &asked.id, &asked.shown_sha256).await.unwrap();
        assert_eq!((approved.state, approved.sole), (DisposalState::Approved, false));
        assert!(app.verify_journal().await.unwrap().is_ok(), "under way");
        done(app, &mut sealer).await;
        holds(app, &facility.id, data.path(), 512).await;
        let names: Vec<String> =
            app.store.access_index().await.unwrap().iter().filter_map(|a| a.names[2].clone()).collect();
        assert!(names.iter().all(|name| name == "架空患者9002"));
        let mut dump = Vec::new();
        app.store.dump(&mut dump).await.unwrap();
        assert!(
            !String::from_utf8_lossy(&dump).contains("架空患者9001"),
            "{}: the patient is nowhere any more",
            site.name
        );
        assert_eq!(app.store.seal_key_find(&facility.id, "2021-05").await.unwrap(), None);
        assert!(app.store.seal_key_find(&facility.id, "2021-06").await.unwrap().is_some());
        // The disposal is an entry that tells everything.
        let told = app.store.journal_about(&facility.id, "1–512").await.unwrap();
        let told = told.iter().find(|entry| entry.action == "journal.dispose").unwrap();
        for (name, value) in
            [("asked_by", "架空 花子（hanako）"), ("last", "512"), ("accesses", "262"), ("months", "2021-05")]
        {
            assert_eq!(told.details[name], value);
        }
        assert!(told.details["basis"].contains("院内の記録規程") && !told.details.contains_key("sole"));
        assert_eq!(told.actor, director().name);
        // One entry that is kept is proved to anybody, one that went is said to be gone.
        let proof = app.prove(&mut sealer, 560, &[]).await.unwrap();
        assert_eq!(verify_proof(&proof, &app.log_key(data.path()).unwrap()).unwrap().seq, 560);
        assert_eq!(code(&app.prove(&mut sealer, 5, &[]).await.unwrap_err()), "JRN-044");
        // It goes on elsewhere: a dump brings all of it along.
        let copy = sqlite().await;
        copy.store.load(&actor(), noon(), &mut dump.as_slice()).await.unwrap();
        let copy = App::new(copy.store, noon());
        assert!(copy.verify_journal().await.unwrap().is_ok());
        assert_eq!(copy.disposed_until().await.unwrap(), Some("2021-06-02".parse().unwrap()));
        // A day later nothing more goes, and after another five years the rest does.
        assert_eq!(app.disposal_plan().await.unwrap().span, None);
        own(&site, &facility, 300).await;
        app.seal(&mut sealer).await.unwrap();
        site.at("2032-01-05T00:00:00Z");
        let again = app.disposal_ask(&hanako(), &facility.id, "保存期間が過ぎたため").await.unwrap();
        assert_eq!(again.span, (513, 768));
        let sole = app.disposal_approve(&hanako(), &again.id, &again.shown_sha256).await.unwrap();
        assert!(sole.sole, "単独承認");
        done(app, &mut sealer).await;
        assert!(app.verify_journal().await.unwrap().is_ok());
        drop(sealer);
        let mut sealer = app.sealer(data.path()).await.unwrap();
        app.seal(&mut sealer).await.unwrap();
        assert!(matches!(app.sealed(data.path(), None).await.unwrap(), Sealed::Holds { .. }));
    })
    .await;
}

#[tokio::test]
async fn what_is_held_or_not_looked_into_yet_does_not_go() {
    on_each(async |site| {
        let data = tempfile::tempdir().unwrap();
        let (facility, _sealer) = old_site(&site, data.path()).await;
        periods(&site, &facility).await;
        let app = &site.app;
        let span = async || app.disposal_plan().await.unwrap().span;
        app.hold_add(&hanako(), &facility.id, "訴訟に備えて", "").await.unwrap();
        assert_eq!(span().await, None);
        let hold = app.legal_holds(&facility.id).await.unwrap().remove(0);
        assert!(app.hold_lift(&director(), &facility.id, &hold.id, "").await.is_err(), "without a reason");
        app.hold_lift(&director(), &facility.id, &hold.id, "和解した").await.unwrap();
        assert!(app.hold_lift(&director(), &facility.id, &hold.id, "もう一度").await.is_err());
        assert_eq!(span().await, Some((1, 512)));
        // From a day on: what is older may go.
        app.hold_add(&hanako(), &facility.id, "調査", "2021-06-01").await.unwrap();
        assert_eq!(span().await, Some((1, 256)));
        let hold = app.legal_holds(&facility.id).await.unwrap().remove(0);
        app.hold_lift(&hanako(), &facility.id, &hold.id, "終わった").await.unwrap();
        // An incident without a result.
        let record = [("no", "I-1"), ("kind", "incident"), ("title", "USBメモリの紛失"), ("held_on", "2026-10-01")];
        site.put(&facility, ledger("records").unwrap(), vec![row("records", &record)]).await;
        let plan = app.disposal_plan().await.unwrap();
        assert!(plan.keeps.iter().any(|keeps| matches!(&keeps.why, Why::Incident(no, _) if no == "I-1")));
        assert_eq!(plan.span, None);
        let mut closed = row("records", &record);
        closed.insert("result", Value::Text("ok".to_owned()));
        site.put(&facility, ledger("records").unwrap(), vec![closed]).await;
        let asked = app.disposal_ask(&hanako(), &facility.id, "保存期間が過ぎたため").await.unwrap();
        // What comes up between asking and approving counts, too.
        app.hold_add(&director(), &facility.id, "開示請求", "").await.unwrap();
        let refused = app.disposal_approve(&director(), &asked.id, &asked.shown_sha256).await.unwrap_err();
        assert_eq!(code(&refused), "RET-003");
        assert!(refused.to_string().contains("開示請求"));
        assert_eq!(app.disposals_of_records().await.unwrap()[0].state, DisposalState::Asked);
        app.disposal_withdraw(&director(), &asked.id, "開示請求があった").await.unwrap();
        assert_eq!(app.disposals_of_records().await.unwrap()[0].state, DisposalState::Withdrawn);
        // A second facility that says nothing keeps everything.
        let second = site.facility("架空医院").await;
        own(&site, &second, 1).await;
        let plan = app.disposal_plan().await.unwrap();
        assert!(plan.keeps.iter().any(|keeps| keeps.facility.as_deref() == Some("架空医院")));
        assert_eq!(day("2021-05-10"), day("2021-05-10"));
    })
    .await;
}

#[tokio::test]
async fn an_open_case_keeps_what_it_is_about() {
    on_each(async |site| {
        let data = tempfile::tempdir().unwrap();
        let (facility, _sealer) = old_site(&site, data.path()).await;
        periods(&site, &facility).await;
        let times: Vec<i64> = site.app.store.access_index().await.unwrap().iter().map(|a| a.at.0).collect();
        let case = store::CaseRow {
            no: 0,
            kind: "burst".to_owned(),
            source: "EMR".to_owned(),
            subject: "saito".to_owned(),
            person: None,
            span: (times[5], times[5]),
            accesses: 1,
            people: 1,
            patients: 1,
            weight: 1,
            week: "2021-05-17".to_owned(),
            closed: None,
            review: None,
        };
        let mut tx = site.app.store.begin(&actor(), &facility.id, site.app.now()).await.unwrap();
        tx.case_upsert(&[case]).await.unwrap();
        tx.record(Event::new("test.case", ""));
        tx.commit().await.unwrap();
        let plan = site.app.disposal_plan().await.unwrap();
        assert_eq!(plan.span, None, "the case is about one of the first 256");
        assert!(plan.keeps.iter().any(|keeps| keeps.why == Why::Cases(1)));
        let mut tx = site.app.store.begin(&actor(), &facility.id, site.app.now()).await.unwrap();
        tx.case_close(1, "appropriate", "診療", "test").await.unwrap();
        tx.record(Event::new("test.case", ""));
        tx.commit().await.unwrap();
        assert_eq!(site.app.disposal_plan().await.unwrap().span, Some((1, 512)));
    })
    .await;
}

/// A dump with some lines changed or left out.
fn altered(dump: &[u8], change: impl Fn(&mut Json) -> bool) -> Vec<u8> {
    let mut rows = 0;
    let mut text = String::new();
    for line in std::str::from_utf8(dump).unwrap().lines() {
        let mut line: Json = serde_json::from_str(line).unwrap();
        if line.get("rows").is_some() {
            line["rows"] = rows.into();
        } else if line.get("table").is_some() {
            if !change(&mut line) {
                continue;
            }
            rows += 1;
        }
        text.push_str(&format!("{line}\n"));
    }
    text.into_bytes()
}

#[tokio::test]
async fn a_beginning_that_is_not_there_or_there_again_is_noticed() {
    let data = tempfile::tempdir().unwrap();
    let clinic = sqlite().await;
    let site = Site::new(clinic.store, "sqlite");
    let (facility, mut sealer) = old_site(&site, data.path()).await;
    periods(&site, &facility).await;
    let mut before = Vec::new();
    site.app.store.dump(&mut before).await.unwrap();
    let asked = site.app.disposal_ask(&hanako(), &facility.id, "保存期間が過ぎたため").await.unwrap();
    site.app.disposal_approve(&director(), &asked.id, &asked.shown_sha256).await.unwrap();
    done(&site.app, &mut sealer).await;
    drop(sealer);
    let mut after = Vec::new();
    site.app.store.dump(&mut after).await.unwrap();
    let homes = tempfile::tempdir().unwrap();
    let count = std::cell::Cell::new(0);
    let loaded = async |dump: &[u8]| {
        count.set(count.get() + 1);
        let home = homes.path().join(count.get().to_string());
        let store = Store::open(&Location::Folder(home)).await.unwrap();
        store.load(&actor(), noon(), &mut &*dump).await.map(|_| App::new(store, noon())).map_err(|e| e.to_string())
    };
    // The database is put back to before the disposal, beside the log of today.
    let back = loaded(&before).await.unwrap();
    let sealed = back.sealed(data.path(), None).await.unwrap();
    assert_eq!(sealed, Sealed::Revived { seq: 512 });
    assert!(sealed.fault().unwrap().contains("JRN-045"));
    assert_eq!(code(&back.sealer(data.path()).await.err().unwrap()), "JRN-045");
    // Rows are taken away, and nobody says so.
    let is = |line: &Json, table: &str| line["table"] == table;
    let untold = altered(&after, |line| !is(line, "disposals_of_records"));
    assert!(loaded(&untold).await.err().unwrap().contains("番号が飛んでいます"));
    let other = altered(&after, |line| {
        if is(line, "disposals_of_records") {
            line["row"]["last_seq"] = 520.into();
        }
        true
    });
    assert!(loaded(&other).await.is_err());
    let again = |line: &Json| is(line, "journal") && line["row"]["seq"].as_i64().unwrap() <= 512;
    let first: Vec<Json> = std::str::from_utf8(&before)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .filter(again)
        .take(1)
        .collect();
    let text = String::from_utf8(after.clone()).unwrap();
    let at = text.find("{\"row\":").or_else(|| text.find("{\"table\":")).unwrap();
    let revived = altered(format!("{}{}\n{}", &text[..at], first[0], &text[at..]).as_bytes(), |_| true);
    assert!(loaded(&revived).await.err().unwrap().contains("処分したはずの記録"));
    assert!(loaded(&after).await.is_ok());
    // The folder of another node, or of a backup, goes on only with a copy of the log.
    let stale = tempfile::tempdir().unwrap();
    for name in ["log.key", "log.epoch"] {
        std::fs::copy(data.path().join(name), stale.path().join(name)).unwrap();
    }
    assert_eq!(code(&site.app.sealer(stale.path()).await.err().unwrap()), "JRN-046");
    // Who lost the log begins another, in which what went is a gap that verifies.
    site.app.begin_log_anew(&actor()).await.unwrap();
    let anew = tempfile::tempdir().unwrap();
    let mut sealer = site.app.sealer(anew.path()).await.unwrap();
    site.app.seal(&mut sealer).await.unwrap();
    site.app.seal(&mut sealer).await.unwrap();
    assert!(matches!(site.app.sealed(anew.path(), None).await.unwrap(), Sealed::Holds { staged: 0, .. }));
}

/// Tells a process of these tests that it is the one to be killed, and where.
const CHILD: &str = "SAKIMORI_DISPOSAL_CHILD";

fn location(folder: &Path, url: Option<&str>) -> Location {
    url.map_or_else(|| Location::Folder(folder.to_owned()), |url| Location::Postgres(url.to_owned()))
}

/// Seals, and with it disposes, until it is killed.
async fn live(folder: PathBuf, url: Option<String>) {
    let say = |line: &str| {
        let mut out = std::io::stdout().lock();
        out.write_all(format!("\n{line}\n").as_bytes()).unwrap();
        out.flush().unwrap();
    };
    let app = App::new(Store::open(&location(&folder, url.as_deref())).await.unwrap(), SystemClock);
    say("begun");
    loop {
        let mut sealer = app.sealer(&folder).await.unwrap();
        app.seal(&mut sealer).await.unwrap();
        if app.disposals_of_records().await.unwrap()[0].state == DisposalState::Done {
            say("done");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_killed_while_disposing_goes_on_with_it() {
    const NAME: &str = "retention::whoever_is_killed_while_disposing_goes_on_with_it";
    if let Ok(child) = std::env::var(CHILD) {
        let mut words = child.splitn(2, ' ').map(str::to_owned);
        return live(words.next().unwrap().into(), words.next()).await;
    }
    for url in std::iter::once(None).chain(fresh_postgres().map(Some)) {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("data");
        std::fs::create_dir_all(&folder).unwrap();
        let place = location(&folder, url.as_deref());
        let site = Site::new(Store::open(&place).await.unwrap(), "killed");
        site.at("2021-05-10T01:00:00Z");
        let facility = site.facility("架空病院").await;
        let sources = ledger("log_sources").unwrap();
        site.put(&facility, sources, vec![Row::from([("no", text("EMR")), ("name", text("電子カルテ"))])]).await;
        for n in 0..12 {
            opened(&site, &facility, &format!("9{n:03}"), 400).await;
        }
        site.at("2026-11-22T03:00:00Z");
        opened(&site, &facility, "1", 20).await;
        own(&site, &facility, 300).await;
        periods(&site, &facility).await;
        let mut sealer = site.app.sealer(&folder).await.unwrap();
        site.app.seal(&mut sealer).await.unwrap();
        let asked = site.app.disposal_ask(&hanako(), &facility.id, "保存期間が過ぎたため").await.unwrap();
        site.app.disposal_approve(&director(), &asked.id, &asked.shown_sha256).await.unwrap();
        let last = asked.span.1;
        drop(sealer);
        drop(site);
        let mut lives = 0;
        // Each life is a little longer than the one before.
        for patience in (0..).map(|life: u64| Duration::from_millis(life * life * 4)) {
            let mut child = Command::new(std::env::current_exe().unwrap())
                .args(["--exact", NAME, "--nocapture"])
                .env(CHILD, format!("{} {}", folder.display(), url.as_deref().unwrap_or_default()).trim_end())
                .stdout(Stdio::piped())
                .stderr(Stdio::inherit())
                .spawn()
                .unwrap();
            let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
            assert!(lines.by_ref().map(Result::unwrap).any(|line| line == "begun"));
            std::thread::sleep(patience);
            child.kill().unwrap();
            child.wait().unwrap();
            lives += 1;
            if lines.map(Result::unwrap).any(|line| line == "done") {
                break;
            }
            let app = App::new(Store::open(&place).await.unwrap(), SystemClock);
            assert!(app.verify_journal().await.unwrap().is_ok(), "after {patience:?}");
            let sealed = app.sealed(&folder, None).await.unwrap();
            assert!(matches!(sealed, Sealed::Holds { .. }), "after {patience:?}: {sealed:?}");
            if app.disposals_of_records().await.unwrap()[0].state == DisposalState::Done {
                break;
            }
        }
        assert!(lives > 1, "it was never interrupted");
        let app = App::new(Store::open(&place).await.unwrap(), SystemClock);
        let mut sealer = app.sealer(&folder).await.unwrap();
        done(&app, &mut sealer).await;
        let sealed = app.sealed(&folder, None).await.unwrap();
        assert!(matches!(sealed, Sealed::Holds { staged: 0, .. }), "{sealed:?}");
        assert_eq!(app.store.journal_after(0, 1).await.unwrap()[0].0, last + 1);
        assert!(app.store.access_index().await.unwrap().iter().all(|access| access.of.1 > last));
        assert!(app.verify_arrivals(&facility.id, "EMR").await.unwrap().is_ok());
        let left = (0..last / 256).filter(|n| folder.join(format!("log/tile/0/{n:03}")).exists()).count();
        assert_eq!(left, 0, "tiles that went are still there");
    }
}
