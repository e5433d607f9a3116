//! 代理 and 後閲: who approves in whose place, for which days, and what it does not open.

use app::{Appointment, Given};
use domain::authz::{Permission, Role};

use crate::identity::*;
use crate::on_each;
use crate::rounds::{outside, stocked};

#[tokio::test]
async fn a_deputy_approves_for_the_days_agreed_and_the_principal_sees_it_afterwards() {
    on_each(async |site| {
        let (facility, _, admin) = installed(&site).await;
        let app = &site.app;
        stocked(&site, &facility).await;
        let (_, there, cookie) = colleague(app, &admin, "director", Role::Approver).await;
        let director = on(app, &there, &cookie).await.unwrap();
        let (user, at, cookie) = colleague(app, &admin, "deputy", Role::Operator).await;
        let deputy = async || on(app, &at, &cookie).await.unwrap();
        let (_, guest_at, guest) = colleague(app, &admin, "vendor", Role::Vendor).await;
        let guest = on(app, &guest_at, &guest).await.unwrap();

        let good = Appointment {
            deputy: user.id.clone(),
            from_on: "2026/11/22".into(),
            until_on: "R8.11.24".into(),
            reason: "学会出張".into(),
        };
        for wrong in [
            Appointment { deputy: director.user.id.clone(), ..good.clone() },
            Appointment { deputy: admin.user.id.clone(), ..good.clone() },
            Appointment { deputy: guest.user.id.clone(), ..good.clone() },
            Appointment { deputy: "0".into(), ..good.clone() },
            Appointment { from_on: "2026/11/25".into(), ..good.clone() },
            Appointment { until_on: "2026/11/21".into(), from_on: "2026/11/1".into(), ..good.clone() },
            Appointment { until_on: "2027/11/21".into(), ..good.clone() },
            Appointment { until_on: "いつか".into(), ..good.clone() },
            Appointment { reason: " ".into(), ..good.clone() },
        ] {
            assert_eq!(code(app.deputy_appoint(&director, &wrong).await), "APP-002", "{wrong:?}");
        }
        assert_eq!(code(app.deputy_appoint(&deputy().await, &good).await), "AUT-003");
        assert!(!deputy().await.may(Permission::Approve));
        app.deputy_appoint(&director, &good).await.unwrap();
        let now = deputy().await;
        assert!(now.may(Permission::Approve) && !now.may(Permission::ManageUsers));
        assert_eq!(now.stands_for.as_deref(), Some("職員 director"));
        // Standing in opens approvals, not people: no resets, no emergency accounts, no deputies of their own.
        assert_eq!(code(app.reset_pending(&now).await), "AUT-003");
        assert_eq!(code(app.emergency_open(&now, &guest.user.id, "x").await), "AUT-003");
        assert_eq!(code(app.deputy_appoint(&now, &good).await), "AUT-003");

        let asked = app.lend(&admin.actor(), &facility, outside()).await.unwrap();
        let shown = app.approvals_pending(&facility).await.unwrap().remove(0);
        let how = Given { in_place_of: now.stands_for.clone(), ..Given::default() };
        let (by, hash) = (now.actor(), &shown.shown_sha256);
        let approved = app.approve(&by, &facility, "loans", &asked.key, asked.rev, hash, how).await.unwrap();
        let by = approved.row["approved_by"].to_string();
        assert!(by.contains("職員 deputy") && by.contains("職員 directorの代理"), "{by}");
        let entries = journal(app).await;
        let entry = entries.iter().find(|e| e.contains("\"loans.approve\"")).unwrap();
        assert!(entry.contains("\"for\":\"職員 director\""), "{entry}");

        let given = async || app.approvals_given(&facility, 10).await.unwrap().remove(0);
        assert_eq!(given().await.in_place_of.as_deref(), Some("職員 director"));
        assert_eq!(code(app.approval_see(&now, "loans", &asked.key).await), "AUT-003");
        app.approval_see(&director, "loans", &asked.key).await.unwrap();
        assert_eq!(given().await.seen_by, ["職員 director"]);
        assert_eq!(code(app.approval_see(&director, "loans", &asked.key).await), "APP-003", "once");
        assert_eq!(code(app.approval_see(&director, "nothing", "x").await), "APP-003");

        site.on("2026-11-25");
        let cookie = app.sign_in_password(&at, "deputy", LONG, None).await.unwrap();
        assert!(!on(app, &at, &cookie).await.unwrap().may(Permission::Approve), "over");
    })
    .await;
}

#[tokio::test]
async fn a_deputy_is_dismissed_at_once_and_falls_with_the_principal() {
    on_each(async |site| {
        let (_, _, admin) = installed(&site).await;
        let app = &site.app;
        let (head, there, cookie) = colleague(app, &admin, "director", Role::Approver).await;
        let director = on(app, &there, &cookie).await.unwrap();
        let (user, at, cookie) = colleague(app, &admin, "deputy", Role::Staff).await;
        let good = Appointment {
            deputy: user.id.clone(),
            from_on: "2026/11/22".into(),
            until_on: "2026/11/24".into(),
            reason: "休暇".into(),
        };
        let may = async || on(app, &at, &cookie).await.unwrap().may(Permission::Approve);
        app.deputy_appoint(&director, &good).await.unwrap();
        assert!(may().await);
        let id = app.deputies(&admin.user.facility).await.unwrap().remove(0).id;
        assert_eq!(code(app.deputy_end(&admin, &id).await), "APP-003", "not hers to end");
        app.deputy_end(&director, &id).await.unwrap();
        assert!(!may().await && app.deputies(&admin.user.facility).await.unwrap().is_empty());
        app.deputy_appoint(&director, &good).await.unwrap();
        app.user_disable(&admin, &head.id, "退職").await.unwrap();
        assert!(!may().await, "nobody stands in for an account that is shut");
    })
    .await;
}
