//! Lending, taking out, losing, disposing, approving: each one transaction with its event, on both databases.

use app::{Attendee, Error, Papers, Word};
use domain::evaluate::{Facility, Verdict};
use domain::journal::Actor;
use domain::text::Lang;
use domain::workflow::byod::Permit;
use domain::workflow::disposal::Disposal;
use domain::workflow::loan::{Lend, Place};
use domain::workflow::overrides::Override;
use store::StoredRow;
use testkit::actor;

use super::{Site, day, on_each, text};

/// The demonstration clinic, where people and devices are known.
async fn clinic(site: &Site) -> Facility {
    site.app.load_demo(&actor()).await.unwrap()
}

fn lend(device: &str, borrower: &str) -> Lend {
    Lend { device: device.to_owned(), borrower: borrower.to_owned(), ..Lend::default() }
}

fn state(stored: &StoredRow) -> String {
    stored.row["state"].to_string()
}

async fn status(site: &Site, facility: &Facility, device: &str) -> String {
    site.rows(facility, "devices").await[device]["status"].to_string()
}

/// Actions in the journal of a facility, and the details of the last entry.
async fn journal(site: &Site) -> Vec<String> {
    let mut actions: Vec<(i64, String)> = site
        .dump()
        .await
        .iter()
        .filter_map(|line| {
            let line: serde_json::Value = serde_json::from_str(line).unwrap();
            let entry = line["row"]["entry"].as_str()?.to_owned();
            Some((line["row"]["seq"].as_i64().unwrap(), entry))
        })
        .collect();
    actions.sort();
    actions.into_iter().map(|(_, entry)| entry).collect()
}

#[tokio::test]
async fn thirty_seconds_at_the_counter() {
    on_each(async |site| {
        let facility = clinic(&site).await;
        let loan = site.app.lend(&actor(), &facility, lend("ｐｃ－００３", "山﨑　真理")).await.unwrap();
        assert_eq!((loan.key.as_str(), state(&loan)), ("L-0004", "lent".to_owned()), "{}", site.name);
        assert_eq!((&loan.row["borrower"], &loan.row["due_on"]), (&text("S006"), &day("2026-11-22")));
        assert_eq!(status(&site, &facility, "PC-003").await, "lent");
        let error = site.app.lend(&actor(), &facility, lend("診察室1のPC", "S004")).await.unwrap_err();
        assert_eq!(error.code(), "LOAN-003");
        assert!(error.to_string().contains("11月22日から山﨑 真理さんに貸出中です。返却を先に登録"), "{error}");
        let unknown = site.app.lend(&actor(), &facility, lend("PC-999", "S004")).await.unwrap_err();
        let Error::Fields(fields) = &unknown else { panic!("{unknown}") };
        assert!(fields[0].field == "device" && fields[0].message.contains("「PC-999」は機器台帳にありません"));
        let back = site.app.loan_return(&actor(), &facility, &loan.key, loan.rev, "", "").await.unwrap();
        assert_eq!(state(&back), "returned");
        assert_eq!(status(&site, &facility, "PC-003").await, "in_use");
        let stale = site.app.loan_return(&actor(), &facility, &loan.key, loan.rev, "", "").await.unwrap_err();
        assert!(matches!(stale, Error::Conflict { .. }), "{}: {stale}", site.name);
        let last = journal(&site).await.pop().unwrap();
        assert!(last.contains("loans.return") && last.contains("lent → in_use"), "{last}");
        assert!(site.app.store.journal_verify().await.unwrap().is_ok());
    })
    .await;
}

#[tokio::test]
async fn taking_out_is_approved_as_it_was_shown() {
    on_each(async |site| {
        let facility = clinic(&site).await;
        let (nurse, head) = (Actor::new("山﨑 真理（yamasaki）"), Actor::new("渡邉 正彦（director）"));
        let out =
            Lend {
                place: Place::Outside, patient_data: Some(true), purpose: "訪問".into(), ..lend("PC-003", "S006")
            };
        let loan = site.app.lend(&nurse, &facility, out.clone()).await.unwrap();
        assert_eq!((state(&loan), status(&site, &facility, "PC-003").await), ("applied".into(), "in_use".into()));
        let pending = site.app.approvals_pending(&facility).await.unwrap();
        let shown = pending.iter().find(|p| p.key == loan.key).unwrap();
        assert_eq!(shown.title, "PC-003 診察室1のPCの持出し（山﨑 真理）");
        assert!(shown.summary.contains(&("機器の暗号化".into(), "はい".into())), "{:?}", shown.summary);
        let approve = async |hash: &str, by: &Actor| {
            site.app
                .approve(
                    by,
                    &facility,
                    "loans",
                    &loan.key,
                    loan.rev,
                    hash,
                    app::Given { signature: Some("sig".into()), ..app::Given::default() },
                )
                .await
        };
        let error = approve("0000", &head).await.unwrap_err();
        assert!(matches!(error, Error::Conflict { .. }), "{error}");
        let mut device = site.rows(&facility, "devices").await["PC-003"].clone();
        device.insert("name", text("別のPC"));
        site.put(&facility, domain::ledger::ledger("devices").unwrap(), vec![device]).await;
        let error = approve(&shown.shown_sha256, &head).await.unwrap_err();
        assert!(error.to_string().contains("表示された後に内容が変わっています"), "{}: {error}", site.name);
        let again = site.app.approvals_pending(&facility).await.unwrap();
        let shown = again.iter().find(|p| p.key == loan.key).unwrap();
        let approved = approve(&shown.shown_sha256, &head).await.unwrap();
        assert_eq!((state(&approved), approved.row["sole"].to_string()), ("approved".into(), "0".into()));
        let last = journal(&site).await.pop().unwrap();
        assert!(last.contains(&shown.shown_sha256) && last.contains("\"signature\":\"sig\""), "{last}");
        let lent = site.app.loan_hand_over(&actor(), &facility, &loan.key, approved.rev).await.unwrap();
        let unseen = site.app.loan_return(&actor(), &facility, &loan.key, lent.rev, "", "").await.unwrap_err();
        assert_eq!(unseen.code(), "LOAN-008");
        let looked = "異常なし、ウイルス検査済";
        let back = site.app.loan_return(&actor(), &facility, &loan.key, lent.rev, looked, "充電器も").await.unwrap();
        assert_eq!(back.row["inspection"], text("good+scanned"));
        let alone = site.app.lend(&nurse, &facility, out).await.unwrap();
        let pending = site.app.approvals_pending(&facility).await.unwrap();
        let hash = &pending.iter().find(|p| p.key == alone.key).unwrap().shown_sha256;
        let by = Actor::new("山﨑 真理");
        let approved = site
            .app
            .approve(&by, &facility, "loans", &alone.key, alone.rev, hash, app::Given::default())
            .await
            .unwrap();
        assert_eq!(approved.row["sole"].to_string(), "1", "the applicant's own approval shows");
        let cancelled = site.app.loan_cancel(&nurse, &facility, &alone.key, approved.rev, "雪").await.unwrap();
        assert_eq!(state(&cancelled), "cancelled");
    })
    .await;
}

#[tokio::test]
async fn what_is_sent_back_comes_again() {
    on_each(async |site| {
        let facility = clinic(&site).await;
        let out = Lend { place: Place::Outside, ..lend("PC-003", "S006") };
        let loan = site.app.lend(&actor(), &facility, out.clone()).await.unwrap();
        let no_reason = site.app.send_back(&actor(), &facility, "loans", &loan.key, loan.rev, "").await.unwrap_err();
        assert_eq!(no_reason.code(), "FLOW-002");
        let back = site.app.send_back(&actor(), &facility, "loans", &loan.key, loan.rev, "目的は").await.unwrap();
        assert_eq!(state(&back), "sent_back");
        let open = site.app.loans_open(&facility).await.unwrap();
        assert_eq!(open[0].overdue_days, 7, "the longest overdue first");
        assert!(open.iter().any(|o| o.stored.key == loan.key && o.state == "sent_back"));
        let again = Lend { purpose: "訪問".into(), ..out };
        let again = site.app.loan_amend(&actor(), &facility, &loan.key, back.rev, again).await.unwrap();
        assert_eq!((again.key.clone(), state(&again)), (loan.key.clone(), "applied".into()));
        let none =
            site.app.approve(&actor(), &facility, "devices", "PC-003", 1, "", app::Given::default()).await.unwrap_err();
        assert_eq!(none.code(), "FLOW-004");
    })
    .await;
}

#[tokio::test]
async fn a_lost_medium_is_an_incident_at_once() {
    on_each(async |site| {
        let facility = clinic(&site).await;
        let record = site.app.report_lost(&actor(), &facility, "pc-010", "電車に置き忘れた").await.unwrap();
        assert_eq!((record.key.as_str(), &record.row["kind"]), ("I-0001", &text("incident")));
        assert_eq!(status(&site, &facility, "PC-010").await, "lost");
        let loan = &site.rows(&facility, "loans").await["L-0001"];
        assert_eq!(loan["state"], text("lost"));
        let twice = site.app.report_lost(&actor(), &facility, "PC-010", "また").await.unwrap_err();
        assert_eq!(twice.code(), "LOAN-002");
    })
    .await;
}

#[tokio::test]
async fn a_disposal_marks_the_device_and_only_then() {
    on_each(async |site| {
        let facility = clinic(&site).await;
        let disposal = Disposal {
            device: "MD-003".into(),
            method: "物理破壊".into(),
            done_by: "﨑山 健".into(),
            certificate: "写真 2026-11-22".into(),
            approved_by: "渡邉 正彦".into(),
            ..Disposal::default()
        };
        let failed = Disposal { failed: true, ..disposal.clone() };
        let failed = site.app.dispose(&actor(), &facility, failed).await.unwrap();
        assert_eq!((failed.key.as_str(), status(&site, &facility, "MD-003").await), ("DP-0003", "stored".into()));
        let done = site.app.dispose(&actor(), &facility, disposal.clone()).await.unwrap();
        assert_eq!((done.key.as_str(), &done.row["sole"].to_string()[..]), ("DP-0004", "0"));
        let device = &site.rows(&facility, "devices").await["MD-003"];
        assert_eq!((&device["status"], &device["disposal_method"]), (&text("disposed"), &text("物理破壊")));
        assert_eq!(device["disposal_proof"], text("写真 2026-11-22"));
        let lent =
            site.app.dispose(&actor(), &facility, Disposal { device: "PC-010".into(), ..disposal.clone() }).await;
        assert_eq!(lent.unwrap_err().code(), "DISP-004");
        let strange = site.app.dispose(&actor(), &facility, Disposal { method: "祈祷".into(), ..disposal }).await;
        assert_eq!(strange.unwrap_err().code(), "APP-002");
        let assessment = site.app.assess(&facility).await.unwrap();
        let tally = assessment.evidence.facts["disposal.proved"];
        assert_eq!((tally.total, tally.bad), (4, 2), "{}: without proof, and one that failed", site.name);
        let tally = assessment.evidence.facts["loan.returned_in_time"];
        assert_eq!((tally.total, tally.bad, tally.unknown), (2, 1, 0), "{}", site.name);
        let tally = assessment.evidence.facts["loan.approved_outside"];
        assert_eq!((tally.total, tally.bad), (2, 0), "{}", site.name);
    })
    .await;
}

#[tokio::test]
async fn permits_and_overridden_answers_are_asked_for_and_end() {
    on_each(async |site| {
        let facility = clinic(&site).await;
        let permit = Permit {
            person: "濵田 隆".into(),
            device: "私物のスマートフォン".into(),
            conditions: "暗号化、画面ロック".into(),
            until_on: Some("2027-03-31".parse().unwrap()),
            ..Permit::default()
        };
        let asked = site.app.byod_apply(&actor(), &facility, permit.clone()).await.unwrap();
        assert_eq!((asked.key.as_str(), &asked.row["conditions"]), ("B-0002", &text("encrypted+screen_lock")));
        let hash_of = async |key: &str| {
            let pending = site.app.approvals_pending(&facility).await.unwrap();
            pending.into_iter().find(|p| p.key == key).unwrap()
        };
        let shown = hash_of("B-0002").await;
        let head = Actor::new("渡邉 正彦");
        let ok = site
            .app
            .approve(&head, &facility, "byod", "b-0002", asked.rev, &shown.shown_sha256, app::Given::default())
            .await;
        let ended = site.app.byod_end(&actor(), &facility, "B-0002", ok.unwrap().rev).await.unwrap();
        assert_eq!(state(&ended), "ended");
        let again = site.app.byod_apply(&actor(), &facility, permit.clone()).await.unwrap();
        let back = site.app.send_back(&head, &facility, "byod", &again.key, again.rev, "長い").await.unwrap();
        let again = site.app.byod_amend(&actor(), &facility, &again.key, back.rev, permit).await.unwrap();
        let refused = site.app.byod_refuse(&head, &facility, &again.key, again.rev, "認めない").await.unwrap();
        assert_eq!(state(&refused), "refused");

        let shown = hash_of("CHECKLIST-R7/2-13").await;
        assert!(shown.summary.iter().any(|(label, _)| label == "求められていること"));
        let hash = &shown.shown_sha256;
        let ok = site
            .app
            .approve(&head, &facility, "overrides", &shown.key, shown.rev, hash, app::Given::default())
            .await
            .unwrap();
        let asked = Override {
            requirement: "checklist-r7/2-13".into(),
            answer: "はい".into(),
            reason: "同上".into(),
            valid_until: None,
        };
        let twice = site.app.override_apply(&actor(), &facility, asked.clone()).await.unwrap_err();
        assert_eq!(twice.code(), "OVR-002");
        let gone = site.app.override_withdraw(&actor(), &facility, "checklist-r7/2-13", ok.rev, "解消").await.unwrap();
        assert_eq!(state(&gone), "withdrawn");
        let fresh = site.app.override_apply(&actor(), &facility, asked.clone()).await.unwrap();
        assert_eq!((state(&fresh), fresh.rev), ("applied".into(), gone.rev + 1));
        let nowhere = Override { requirement: "checklist-r7/99".into(), ..asked };
        assert_eq!(site.app.override_apply(&actor(), &facility, nowhere).await.unwrap_err().code(), "APP-002");

        let draft = hash_of("D-007").await;
        let hash = &draft.shown_sha256;
        let ok = site
            .app
            .approve(&head, &facility, "documents", "D-007", draft.rev, hash, app::Given::default())
            .await
            .unwrap();
        assert_eq!((&ok.row["approved_by"], &ok.row["approved_on"]), (&text("渡邉 正彦"), &day("2026-11-22")));
    })
    .await;
}

/// Word, verdict and line of the demonstration's item as the checklist shows it, and who signed this very checklist.
async fn on_paper(site: &Site, facility: &Facility) -> (Word, Verdict, Option<String>, Option<String>) {
    let assessment = site.app.assess(facility).await.unwrap();
    let papers = Papers { assessment: &assessment, printed_by: "髙橋 由美子", lang: Lang::Ja };
    let checklist = papers.answers("checklist-r7", "hospital").unwrap();
    let signed = site.app.signature(&papers, &checklist).await.unwrap();
    let answer = checklist.answers.iter().find(|a| a.finding.requirement.id == "checklist-r7/2-13").unwrap();
    (answer.word(), answer.finding.verdict, answer.override_line(Lang::Ja), signed.map(|(name, _)| name))
}

#[tokio::test]
async fn an_approved_answer_stands_on_the_checklist_beside_the_verdict() {
    on_each(async |site| {
        let facility = clinic(&site).await;
        let (word, verdict, line, _) = on_paper(&site, &facility).await;
        assert_eq!((word, line), (Word::No, None), "{}: asked for is not approved", site.name);

        let head = Actor::new("渡邉 正彦");
        let pending = site.app.approvals_pending(&facility).await.unwrap();
        let asked = pending.iter().find(|p| p.ledger == "overrides").unwrap();
        let (key, rev, hash) = (&asked.key, asked.rev, &asked.shown_sha256);
        let approved =
            site.app.approve(&head, &facility, "overrides", key, rev, hash, app::Given::default()).await.unwrap();
        let (word, still, line, _) = on_paper(&site, &facility).await;
        assert_eq!((word, still), (Word::Yes, verdict), "{}: the verdict stays", site.name);
        let line = line.unwrap();
        for part in ["根拠からは「いいえ」", "構成図と配線", "渡邉 正彦", "2027-03-31"] {
            assert!(line.contains(part), "{line}");
        }
        let assessment = site.app.assess(&facility).await.unwrap();
        let papers = Papers { assessment: &assessment, printed_by: "髙橋 由美子", lang: Lang::Ja };
        let paper = site.app.sign_checklist(&head, &papers, "checklist-r7", "hospital", "渡邉 正彦").await.unwrap();
        let printed = format!("{:?}{:?}", paper.document, paper.workbook);
        assert_eq!(printed.matches("はい※").count(), 2, "on paper and in the workbook");
        assert_eq!(on_paper(&site, &facility).await.3.as_deref(), Some("渡邉 正彦"), "{}", site.name);

        // What was signed said はい; from the day after its end the paper says いいえ again and is not signed.
        site.on("2027-04-01");
        let (word, _, line, signed) = on_paper(&site, &facility).await;
        assert_eq!((word, line, signed), (Word::No, None, None), "{}", site.name);
        site.on("2026-11-22");
        site.app.override_withdraw(&head, &facility, key, approved.rev, "書面が出た").await.unwrap();
        let (word, _, line, signed) = on_paper(&site, &facility).await;
        assert_eq!((word, line, signed), (Word::No, None, None), "{}", site.name);

        let guideline = Override { requirement: "mhlw-7.0/keiei/3.1-6".into(), ..Override::default() };
        assert_eq!(site.app.override_apply(&head, &facility, guideline).await.unwrap_err().code(), "APP-002");
    })
    .await;
}

#[tokio::test]
async fn attendance_is_entered_for_known_people_at_once() {
    on_each(async |site| {
        let facility = clinic(&site).await;
        let of = |person: &str| Attendee { person: person.to_owned(), score: Some(80), ..Attendee::default() };
        let before = site.dump().await;
        let wrong = [of("S004"), of("だれか"), of("齋藤 美咲")];
        let error = site.app.attend(&actor(), &facility, "h-012", &wrong).await.unwrap_err();
        let Error::Fields(fields) = &error else { panic!("{error}") };
        assert_eq!(fields.len(), 2, "one is unknown, one is there twice: {error}");
        super::assert_same(&before, &site.dump().await, site.name);
        let people = [of("Ｓ００４"), of("グエン・ティ・ラン")];
        assert_eq!(site.app.attend(&actor(), &facility, "h-012", &people).await.unwrap(), 2);
        let rows = site.rows(&facility, "attendance").await;
        assert_eq!(rows["H-012/S011"]["attended_on"], day("2026-10-01"));
        let missing = site.app.attend(&actor(), &facility, "H-999", &people).await.unwrap_err();
        assert!(matches!(missing, Error::NotFound { .. }), "{missing}");
    })
    .await;
}

#[tokio::test]
async fn two_counters_never_lend_one_device() {
    on_each(async |site| {
        let facility = clinic(&site).await;
        let (one, two) = (actor(), Actor::new("別の窓口"));
        let (a, b) = tokio::join!(
            site.app.lend(&one, &facility, lend("PC-003", "S004")),
            site.app.lend(&two, &facility, lend("PC-003", "S006")),
        );
        assert!(a.is_ok() != b.is_ok(), "{}: {a:?} {b:?}", site.name);
        let error = a.err().or(b.err()).unwrap();
        assert_eq!(error.code(), "LOAN-003", "{}: {error}", site.name);
        let (a, b) = tokio::join!(
            site.app.lend(&one, &facility, lend("PC-004", "S004")),
            site.app.lend(&two, &facility, lend("PC-005", "S006")),
        );
        assert_ne!(a.unwrap().key, b.unwrap().key, "{}: each its own number", site.name);
    })
    .await;
}
