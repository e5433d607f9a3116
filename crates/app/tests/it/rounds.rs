//! 承認の段階 and 回覧: whose turn it is, what a change undoes, and who has seen what was passed round.

use app::{Given, NewCircular, Pending};
use domain::authz::Role;
use domain::evaluate::Facility;
use domain::workflow::loan::{Lend, Place};
use domain::workflow::route::Route;

use crate::identity::*;
use crate::{Site, on_each};

async fn waiting(site: &Site, facility: &Facility, key: &str) -> Pending {
    site.app.approvals_pending(facility).await.unwrap().into_iter().find(|p| p.key == key).unwrap()
}

/// A loan of what [`stocked`] has, to be taken out of the house.
pub(crate) fn outside() -> Lend {
    Lend {
        device: "PC-1".into(),
        borrower: "S1".into(),
        from_on: None,
        due_on: Some("2026-11-23".parse().unwrap()),
        purpose: "訪問".into(),
        place: Place::Outside,
        patient_data: Some(false),
        unencrypted_reason: String::new(),
    }
}

/// A device, somebody to borrow it, and a document.
pub(crate) async fn stocked(site: &Site, facility: &Facility) {
    let devices = "管理番号,機器名,種別,持出し,暗号化\nPC-1,端末,端末,はい,はい\n";
    site.import(facility, "devices.csv", devices.as_bytes()).await;
    site.import(facility, "people.csv", "職員番号,氏名\nS1,架空 一郎\n".as_bytes()).await;
    site.import(facility, "documents.csv", "文書番号,種類,文書名\nD-1,運用管理規程,管理の規程\n".as_bytes()).await;
}

#[tokio::test]
async fn three_steps_are_three_peoples_and_a_change_begins_anew() {
    on_each(async |site| {
        let (facility, _, admin) = installed(&site).await;
        let app = &site.app;
        stocked(&site, &facility).await;
        let three = |ledger: &str| vec![(ledger.to_owned(), "three".to_owned())];
        let error = app.approval_ways_set(&admin, &facility, &three("loans")).await.unwrap_err();
        assert!(error.to_string().contains("システム運用担当者"), "nobody could go it: {error}");
        let (_, at, cookie) = colleague(app, &admin, "operator", Role::Operator).await;
        let operator = on(app, &at, &cookie).await.unwrap();
        let (_, at, cookie) = colleague(app, &admin, "director", Role::Approver).await;
        let director = on(app, &at, &cookie).await.unwrap();
        assert_eq!(code(app.approval_ways_set(&operator, &facility, &three("loans")).await), "AUT-003");
        assert_eq!(code(app.approval_ways_set(&admin, &facility, &three("people")).await), "APP-002");
        app.approval_ways_set(&admin, &facility, &three("loans")).await.unwrap();

        let asked = app.lend(&admin.actor(), &facility, outside()).await.unwrap();
        let shown = waiting(&site, &facility, &asked.key).await;
        assert_eq!(
            (shown.passage.route, shown.passage.with.as_slice()),
            (Route::Three, &["職員 operator".to_owned()][..])
        );
        let hash = shown.shown_sha256.clone();
        let at = ("loans", asked.key.as_str(), asked.rev);
        let check = async |by: &app::Signed, hash: &str| app.approval_check(by, &facility, at, hash).await;
        let approve = async |by: &app::Signed, hash: &str| {
            let how = Given { role: by.user.role, ..Given::default() };
            app.approve(&by.actor(), &facility, "loans", &asked.key, asked.rev, hash, how).await
        };
        assert_eq!(code(check(&admin, &hash).await), "FLOW-008");
        assert_eq!(code(approve(&director, &hash).await), "FLOW-008");
        assert_eq!(code(check(&operator, "0").await), "APP-004", "not what was shown");
        check(&operator, &hash).await.unwrap();
        assert_eq!(code(check(&operator, &hash).await), "FLOW-008", "once");
        assert_eq!(code(approve(&director, &hash).await), "FLOW-008", "one is missing");
        check(&admin, &hash).await.unwrap();
        assert_eq!(waiting(&site, &facility, &asked.key).await.passage.with, ["職員 director"]);
        assert_eq!(code(approve(&admin, &hash).await), "FLOW-008", "the director's");
        // Whoever stands in for the security manager does what they could, which is not this.
        let how = Given { role: Role::Staff, in_place_of: Some(admin.user.name.clone()), ..Given::default() };
        let deputy = testkit::actor();
        let stood = app.approve(&deputy, &facility, "loans", &asked.key, asked.rev, &hash, how).await;
        assert_eq!(code(stood), "FLOW-008");
        assert!(journaled(app, "approval.check").await && journaled(app, "approval.route").await);

        // Sent back and asked again: nobody has checked what it says now.
        let back =
            app.send_back(&director.actor(), &facility, "loans", &asked.key, asked.rev, "期間が長い").await.unwrap();
        let again = app.loan_amend(&admin.actor(), &facility, &asked.key, back.rev, outside()).await.unwrap();
        let shown = waiting(&site, &facility, &asked.key).await;
        assert!(shown.passage.checked.is_empty(), "{}", site.name);
        let at = ("loans", asked.key.as_str(), again.rev);
        assert_eq!(code(app.approval_check_back(&admin, &facility, at, "x").await), "FLOW-008");
        app.approval_check(&operator, &facility, at, &shown.shown_sha256).await.unwrap();
        app.approval_check(&admin, &facility, at, &shown.shown_sha256).await.unwrap();
        let how = Given { role: Role::Approver, ..Given::default() };
        let hash = &shown.shown_sha256;
        let approved =
            app.approve(&director.actor(), &facility, "loans", &asked.key, again.rev, hash, how).await.unwrap();
        assert_eq!(approved.row["state"].to_string(), "approved");
        assert_eq!(approved.row["sole"], domain::ledger::Value::YesNo(false));
    })
    .await;
}

#[tokio::test]
async fn what_is_passed_round_is_seen_by_each_for_themselves() {
    on_each(async |site| {
        let (facility, _, admin) = installed(&site).await;
        let app = &site.app;
        stocked(&site, &facility).await;
        let (staff, at, cookie) = colleague(app, &admin, "staff", Role::Staff).await;
        let reader = on(app, &at, &cookie).await.unwrap();
        let (other, at, cookie) = colleague(app, &admin, "other", Role::Staff).await;
        let second = on(app, &at, &cookie).await.unwrap();
        let (auditor, ..) = colleague(app, &admin, "auditor", Role::Auditor).await;
        let good = NewCircular {
            ledger: "documents".into(),
            key: "d-1".into(),
            readers: vec![staff.id.clone(), other.id.clone()],
            note: "改めました".into(),
            due_on: "2026/11/30".into(),
        };
        for wrong in [
            NewCircular { readers: Vec::new(), ..good.clone() },
            NewCircular { readers: vec![auditor.id.clone()], ..good.clone() },
            NewCircular { due_on: "2026/11/1".into(), ..good.clone() },
            NewCircular { note: "あ".repeat(2_001), ..good.clone() },
        ] {
            assert_eq!(code(app.circular_begin(&admin, &facility, &wrong).await), "APP-002", "{wrong:?}");
        }
        let none = NewCircular { key: "D-9".into(), ..good.clone() };
        assert_eq!(code(app.circular_begin(&admin, &facility, &none).await), "APP-003");
        assert_eq!(code(app.circular_begin(&reader, &facility, &good).await), "AUT-003");
        app.circular_begin(&admin, &facility, &good).await.unwrap();

        let seen = async |by: &app::Signed| app.circulars(&facility, &by.user).await.unwrap();
        let first = seen(&reader).await.remove(0);
        assert!(first.unread && first.title.contains("管理の規程") && !first.own);
        let assessment = app.assess(&facility).await.unwrap();
        let tasks = app.tasks(&facility, &assessment).await.unwrap();
        assert!(tasks.iter().any(|task| task.title.contains("回覧")), "{}", site.name);
        assert_eq!(code(app.circular_see(&reader, &facility, &first.id, "0").await), "APP-004");
        app.circular_see(&reader, &facility, &first.id, &first.shown_sha256).await.unwrap();
        assert_eq!(code(app.circular_see(&reader, &facility, &first.id, &first.shown_sha256).await), "APP-003");
        assert_eq!(seen(&admin).await[0].with().collect::<Vec<_>>(), ["職員 other"]);
        assert_eq!(code(app.circular_see(&admin, &facility, &first.id, &first.shown_sha256).await), "APP-003");
        assert_eq!(code(app.circular_end(&reader, &facility, &first.id).await), "AUT-003");
        app.circular_end(&admin, &facility, &first.id).await.unwrap();
        let over = seen(&second).await.remove(0);
        assert!(!over.unread && over.with().count() == 0, "over for who had not seen it, too");
        for action in ["circular.begin", "circular.seen", "circular.end"] {
            assert!(journaled(app, action).await, "{action}");
        }
    })
    .await;
}
