//! Resets with a second person, and the emergency account.

use app::{Methods, ResetMethod};
use domain::authz::Role;
use domain::journal::Actor;

use super::*;
use crate::on_each;

#[tokio::test]
async fn a_reset_takes_two_people_and_the_applicants_own_terminal() {
    on_each(async |site| {
        let (_, desk, admin) = installed(&site).await;
        let app = &site.app;
        let (user, at, old) = colleague(app, &admin, "b.sato", Role::Staff).await;
        let staff = on(app, &at, &old).await.unwrap();
        let method = ResetMethod::StaffId;

        let (cookie, shown) = app.reset_ask(&at, "b.sato").await.unwrap();
        assert_eq!(shown.len(), 8);
        assert!(app.reset_use(&at, cookie.expose()).await.unwrap().is_none(), "waits");
        let pending = app.reset_pending(&admin).await.unwrap();
        assert_eq!(pending.iter().map(|p| p.user.login.as_str()).collect::<Vec<_>>(), ["b.sato"]);
        assert_eq!(pending[0].address, at.address.to_string());
        assert_eq!(code(app.reset_pending(&staff).await), "AUT-003");
        assert_eq!(code(app.reset_confirm(&staff, &shown, &user.id, method, "職員証").await), "AUT-003");
        assert_eq!(code(app.reset_confirm(&admin, &shown, &admin.user.id, method, "職員証").await), "AUT-018");
        assert_eq!(code(app.reset_confirm(&admin, &shown, &user.id, method, "").await), "APP-002");
        let other = if shown == "00000000" { "00000001" } else { "00000000" };
        assert_eq!(code(app.reset_confirm(&admin, other, &user.id, method, "職員証").await), "AUT-020");
        assert!(journaled(app, "reset.refuse").await);
        app.reset_confirm(&admin, &shown, &user.id, method, "職員証の写し 綴り3").await.unwrap();
        assert_eq!(code(app.reset_confirm(&admin, &shown, &user.id, method, "職員証").await), "AUT-020", "once");
        assert!(app.reset_pending(&admin).await.unwrap().is_empty());

        assert_eq!(code(app.reset_use(&desk, cookie.expose()).await), "AUT-019", "another terminal");
        let in_now = app.reset_use(&at, cookie.expose()).await.unwrap().unwrap();
        assert_eq!(code(app.reset_use(&at, cookie.expose()).await), "AUT-019", "used");
        assert!(on(app, &at, &old).await.is_none(), "other sessions end");
        let signed = on(app, &at, &in_now).await.unwrap();
        assert_eq!(signed.methods, Methods::Recovery);
        assert!(signed.user.must_renew && signed.user.notice.as_ref().unwrap().contains("鈴木 あおい（a.suzuki）"));
        assert!(signed.fresh(signed.signed_in_at + jiff::SignedDuration::from_mins(15)));
        assert!(!signed.fresh(signed.signed_in_at + jiff::SignedDuration::from_mins(16)));
        app.password_set(&signed, "9bz9rtwkx7mq2v").await.unwrap();
        assert!(!on(app, &at, &in_now).await.unwrap().user.must_renew);
        let entries = journal(app).await;
        let entry = entries.iter().find(|e| e.contains("\"reset.confirm\"")).unwrap();
        for part in ["鈴木 あおい（a.suzuki）", "staff_id", "職員証の写し 綴り3", &user.id] {
            assert!(entry.contains(part), "{part}: {entry}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_sole_administrator_is_let_in_from_the_server_and_everybody_in_charge_knows() {
    on_each(async |site| {
        let (_, desk, admin) = installed(&site).await;
        let app = &site.app;
        let host = Actor::new("コマンド操作");
        let (cookie, shown) = app.reset_ask(&desk, "a.suzuki").await.unwrap();
        let other = if shown == "00000000" { "00000001" } else { "00000000" };
        let confirm = async |login: &str, shown: &str, reason: &str| {
            code(app.reset_confirm_on_host(&host, login, shown, reason).await)
        };
        assert_eq!(confirm("a.suzuki", other, "唯一の責任者").await, "AUT-020");
        assert_eq!(confirm("nobody", &shown, "唯一の責任者").await, "APP-003");
        assert_eq!(confirm("a.suzuki", &shown, " ").await, "APP-002");
        assert!(app.reset_use(&desk, cookie.expose()).await.unwrap().is_none(), "waits still");
        app.reset_confirm_on_host(&host, "A.Suzuki", &shown, "唯一の責任者。院長が立ち会った").await.unwrap();
        let session = app.reset_use(&desk, cookie.expose()).await.unwrap().unwrap();
        let signed = on(app, &desk, &session).await.unwrap();
        let notice = signed.user.notice.unwrap();
        assert!(notice.contains("院長が立ち会った") && notice.contains("コマンド操作"), "{notice}");
        assert!(signed.user.must_renew && signed.user.id == admin.user.id);
        let entries = journal(app).await;
        let entry = entries.iter().find(|e| e.contains("\"reset.confirm\"")).unwrap();
        assert!(entry.contains("\"host\"") && entry.contains("院長が立ち会った"), "{entry}");
    })
    .await;
}

#[tokio::test]
async fn asking_tells_nothing_and_ends() {
    on_each(async |site| {
        let (_, _, admin) = installed(&site).await;
        let app = &site.app;
        let at = terminal("ward");
        let (cookie, shown) = app.reset_ask(&at, "nobody").await.unwrap();
        assert_eq!(shown.len(), 8);
        assert!(app.reset_use(&at, cookie.expose()).await.unwrap().is_none());
        assert!(app.reset_pending(&admin).await.unwrap().is_empty());
        let user = app.user_add(&admin, newcomer("b.sato", Role::Staff)).await.unwrap();
        let (cookie, shown) = app.reset_ask(&at, "b.sato").await.unwrap();
        wait(&site, 30 * 60);
        assert_eq!(code(app.reset_use(&at, cookie.expose()).await), "AUT-019");
        assert_eq!(code(app.reset_confirm(&admin, &shown, &user.id, ResetMethod::Face, "顔").await), "AUT-020");
        for _ in 0..10 {
            app.reset_ask(&at, "b.sato").await.unwrap();
        }
        assert_eq!(code(app.reset_ask(&at, "b.sato").await), "AUT-017");
        app.reset_ask(&terminal("elsewhere"), "b.sato").await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn the_emergency_account_opens_with_a_reason_and_everybody_in_charge_knows() {
    on_each(async |site| {
        let (_, _, admin) = installed(&site).await;
        let app = &site.app;
        let (user, at, theirs) = colleague(app, &admin, "emergency", Role::Operator).await;
        app.emergency_close(&admin, &user.id, "封筒に入れて金庫へ").await.unwrap();
        assert!(on(app, &at, &theirs).await.is_none());
        assert_eq!(code(app.sign_in_password(&at, "emergency", LONG, None).await), "AUT-001");
        let (approver, there, cookie) = colleague(app, &admin, "director", Role::Approver).await;
        let director = on(app, &there, &cookie).await.unwrap();
        assert_eq!(code(app.emergency_close(&director, &approver.id, "x").await), "AUT-003");
        assert_eq!(code(app.emergency_open(&director, &user.id, "").await), "APP-002");
        app.emergency_open(&director, &user.id, "停電").await.unwrap();
        assert_eq!(code(app.emergency_open(&director, &user.id, "停電").await), "AUT-021");
        app.sign_in_password(&at, "emergency", LONG, None).await.unwrap();
        let users = app.user_list(&admin.user.facility).await.unwrap();
        for user in users.iter().filter(|u| u.login != "emergency") {
            assert!(user.notice.as_ref().unwrap().contains("停電"), "{user:?}");
        }
        assert!(journaled(app, "emergency.open").await);
    })
    .await;
}
