//! 証拠の依頼: who asks, who hands in, who confirms, and what of it is written down and told.

use app::{EVIDENCE_MAX, HandedIn, Wanted, verify_folder};
use domain::authz::Role;
use domain::evaluate::Facility;
use domain::workflow::request::{Act, State};

use crate::identity::*;
use crate::{Site, assert_same, on_each};

const ITEM: &str = "mhlw-7.0/keiei/3.1-r2";

fn wanted(what: &str) -> Wanted {
    Wanted { requirement: ITEM.into(), what: what.into(), due_on: "2026/11/30".into() }
}

fn links(of: &[&str]) -> HandedIn {
    HandedIn { links: of.iter().map(|link| (*link).to_owned()).collect(), ..HandedIn::default() }
}

async fn titles(site: &Site, facility: &Facility) -> Vec<String> {
    let assessment = site.app.assess(facility).await.unwrap();
    let tasks = site.app.tasks(facility, &assessment).await.unwrap();
    tasks.iter().filter(|t| t.title.contains("監査の依頼")).map(|t| format!("{} {:?}", t.title, t.owner)).collect()
}

#[tokio::test]
async fn a_request_goes_from_the_auditor_to_the_owner_and_back() {
    on_each(async |site| {
        let (facility, _, admin) = installed(&site).await;
        let app = &site.app;
        site.import(&facility, "documents.csv", "文書番号,種類,文書名\nD-1,運用管理規程,管理の規程\n".as_bytes()).await;
        site.import(&facility, "vendors.csv", "事業者番号,事業者名\nD-1,架空商会\nV-1,架空工業\n".as_bytes()).await;
        let (user, at, cookie) = colleague(app, &admin, "auditor", Role::Auditor).await;
        let auditor = on(app, &at, &cookie).await.unwrap();
        let (other, other_at, other_cookie) = colleague(app, &admin, "other", Role::Auditor).await;
        let (staff, staff_at, staff_cookie) = colleague(app, &admin, "staff", Role::Staff).await;
        let (by, house) = (auditor.actor(), admin.actor());
        let assessment = app.assess(&facility).await.unwrap();

        for wrong in [
            Wanted { requirement: "mhlw-7.0/none".into(), ..wanted("x") },
            Wanted { what: "　".into(), ..wanted("x") },
            Wanted { what: "あ".repeat(2_001), ..wanted("x") },
            Wanted { due_on: "2026/11/21".into(), ..wanted("x") },
            Wanted { due_on: "いつか".into(), ..wanted("x") },
        ] {
            assert_eq!(code(app.request_evidence(&by, &user, &facility, &wrong).await), "APP-002", "{wrong:?}");
        }
        for not in [&admin.user, &staff] {
            assert_eq!(code(app.request_evidence(&house, not, &facility, &wanted("x")).await), "AUT-003");
        }
        let no = app.request_evidence(&by, &user, &facility, &wanted("周知の記録")).await.unwrap();
        assert_eq!(no, "R-001");
        let name = &admin.user.name;
        assert_eq!(
            titles(&site, &facility).await,
            [format!("証拠を出す：R-001「周知の記録」（監査の依頼） Some({name:?})")]
        );

        // Where two ledgers have that number, the ledger has to be said; the address of a page says it too.
        let at = (no.as_str(), 1);
        for (wrong, part) in [
            (links(&["D-1"]), "複数の台帳"),
            (links(&["D-9"]), "台帳にありません"),
            (HandedIn::default(), "出すものがありません"),
            (HandedIn { file: ("空.txt".into(), Vec::new()), ..HandedIn::default() }, "空です"),
            (HandedIn { file: ("大.bin".into(), vec![0; EVIDENCE_MAX + 1]), ..HandedIn::default() }, "大きすぎます"),
        ] {
            let error = app.request_answer(&house, &admin.user, &facility, at, wrong).await.unwrap_err();
            assert!(error.to_string().contains(part), "{error}");
        }
        assert_eq!(code(app.request_answer(&by, &user, &facility, at, links(&["V-1"])).await), "AUT-003");
        let mut handed = links(&["文書一覧 D-1", "https://sakimori.example/ledgers/vendors/D-1", "v-1", "V-1"]);
        handed.links[0] = format!("{} d-1", domain::ledger::ledger("documents").unwrap().label.ja);
        handed.file = ("写し.txt".into(), b"abc".to_vec());
        app.request_answer(&house, &admin.user, &facility, at, handed).await.unwrap();
        assert_eq!(code(app.request_answer(&house, &admin.user, &facility, at, links(&["V-1"])).await), "APP-004");
        assert!(titles(&site, &facility).await.is_empty(), "now it is the auditor's turn");

        let seen = app.evidence_request(&facility, &assessment, &user, "r-001").await.unwrap();
        assert_eq!((seen.state, seen.rev, seen.with.as_deref()), (State::Ready, 2, Some(user.name.as_str())));
        let rows: Vec<_> =
            seen.steps[0].links.iter().map(|(l, key, title)| (l.name, key.as_str(), title.as_str())).collect();
        assert_eq!(
            rows,
            [("documents", "D-1", "管理の規程"), ("vendors", "D-1", "架空商会"), ("vendors", "V-1", "架空工業")]
        );
        assert_eq!(app.request_file(&user, &facility, &no, 1).await.unwrap(), ("写し.txt".to_owned(), b"abc".to_vec()));

        // Another audit is none of another auditor's business.
        assert_eq!(code(app.evidence_request(&facility, &assessment, &other, &no).await), "APP-003");
        assert_eq!(code(app.request_file(&other, &facility, &no, 1).await), "APP-003");
        let decide = async |user: &app::User, rev, act, why| {
            app.request_decide(&by, user, &facility, (&no, rev), act, why).await
        };
        assert_eq!(code(decide(&other, 2, Act::Confirm, "").await), "APP-003");
        assert_eq!(code(decide(&admin.user, 2, Act::Confirm, "").await), "AUT-003");
        assert_eq!(code(decide(&user, 1, Act::Confirm, "").await), "APP-004");
        assert_eq!(code(decide(&user, 2, Act::SendBack, " ").await), "FLOW-002");
        decide(&user, 2, Act::SendBack, "日付がない").await.unwrap();
        assert_eq!(titles(&site, &facility).await.len(), 1);
        app.request_answer(&house, &admin.user, &facility, (&no, 3), links(&["V-1"])).await.unwrap();
        decide(&user, 4, Act::Confirm, "").await.unwrap();
        assert_eq!(code(decide(&user, 5, Act::SendBack, "やはり").await), "FLOW-001");

        // What nobody can confirm any more is withdrawn by the house, and by nobody else.
        let (no, withdraw) =
            (app.request_evidence(&by, &user, &facility, &wanted("名簿")).await.unwrap(), "任期の終わり");
        let drop = async |who: &app::identity::Signed, why| app.request_withdraw(who, &facility, (&no, 1), why).await;
        assert_eq!(code(drop(&admin, withdraw).await), "AUT-003", "the auditor is still there");
        app.user_disable(&admin, &user.id, "任期の終わり").await.unwrap();
        assert_eq!(code(drop(&on(app, &staff_at, &staff_cookie).await.unwrap(), withdraw).await), "AUT-003");
        assert_eq!(code(drop(&on(app, &other_at, &other_cookie).await.unwrap(), withdraw).await), "APP-003");
        assert_eq!(code(drop(&admin, " ").await), "FLOW-002");
        drop(&admin, withdraw).await.unwrap();
        assert_eq!(code(drop(&admin, withdraw).await), "APP-004");
        assert!(titles(&site, &facility).await.is_empty());
        for action in ["request.ask", "request.answer", "request.send_back", "request.confirm", "request.withdraw"] {
            assert!(journaled(app, action).await, "{}: {action}", site.name);
        }
        let (zip, _) = app.audit_folder(&house, &facility, "検査").await.unwrap();
        assert!(verify_folder(&zip).unwrap().files > 5);
    })
    .await;
}

#[tokio::test]
async fn requests_and_their_files_are_in_a_dump() {
    let mut dumps = Vec::new();
    for s in testkit::stores().await {
        let site = Site::new(s.store, s.name);
        site.app.load_demo(&testkit::actor()).await.unwrap();
        dumps.push(site.dump().await);
    }
    assert!(dumps[0].iter().any(|line| line.contains("evidence_steps") && line.contains("\"content\":")));
    let mut into = testkit::stores().await.into_iter();
    let empty = Site::new(into.next().unwrap().store, "again");
    let text = dumps[0].iter().filter(|l| !l.contains("\"format\"") && !l.contains("{\"rows\"")).cloned();
    let text: Vec<String> = text.collect();
    let whole = format!("{{\"format\":\"sakimori-dump-1\"}}\n{}\n{{\"rows\":{}}}\n", text.join("\n"), text.len());
    empty.app.store.load(&testkit::actor(), testkit::noon(), &mut whole.as_bytes()).await.unwrap();
    let of = |dump: &std::collections::BTreeSet<String>| {
        dump.iter().filter(|line| line.contains("\"evidence_")).cloned().collect()
    };
    assert_same(&of(&dumps[0]), &of(&empty.dump().await), "loaded");
}
