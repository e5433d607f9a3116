//! Accounts and API tokens.

use app::DutiesReview;
use domain::authz::{Permission, Role};
use domain::ledger::ledger;

use super::*;
use crate::{on_each, row};

#[tokio::test]
async fn who_manages_accounts_adds_and_changes_them() {
    on_each(async |site| {
        let (facility, _, admin) = installed(&site).await;
        let app = &site.app;
        let (user, at, theirs) = colleague(app, &admin, "b.sato", Role::Staff).await;
        let staff = on(app, &at, &theirs).await.unwrap();
        assert_eq!(code(app.user_add(&staff, newcomer("c.ito", Role::Admin)).await), "AUT-003");
        assert_eq!(code(app.user_role_set(&staff, &user.id, Role::Admin).await), "AUT-003");
        for (login, person) in
            [("Ｂ.Sato", None), ("", None), ("a b", None), ("x".repeat(65).as_str(), None), ("ok", Some("9"))]
        {
            let new = NewUser { person: person.map(str::to_owned), ..newcomer(login, Role::Staff) };
            assert_eq!(code(app.user_add(&admin, new).await), "APP-002", "{login}");
        }
        assert_eq!(code(app.user_role_set(&admin, &user.id, Role::Auditor).await), "AUT-022", "without an end");
        app.user_role_set(&admin, &user.id, Role::Operator).await.unwrap();
        let now = on(app, &at, &theirs).await.unwrap();
        assert!(now.may(Permission::ReadJournal) && !now.may(Permission::Approve), "at once");
        assert_eq!(code(app.user_disable(&admin, &user.id, " ").await), "APP-002");
        app.user_disable(&admin, &user.id, "異動").await.unwrap();
        assert!(on(app, &at, &theirs).await.is_none());
        assert_eq!(code(app.sign_in_password(&at, "b.sato", LONG, None).await), "AUT-001");
        let listed = app.user_list(&facility.id).await.unwrap();
        assert_eq!(listed.iter().map(|u| u.login.as_str()).collect::<Vec<_>>(), ["a.suzuki", "b.sato"]);
        assert_eq!(listed[1].disabled.as_deref(), Some("異動"));
        app.user_enable(&admin, &user.id).await.unwrap();
        let again = app.sign_in_password(&at, "b.sato", LONG, None).await.unwrap();
        assert_eq!(app.user_sessions_end(&admin, &user.id).await.unwrap(), 1);
        assert!(on(app, &at, &again).await.is_none());
        for action in ["user.add", "user.role", "user.disable", "user.enable", "user.sessions-end", "password.set"] {
            assert!(journaled(app, action).await, "{action}");
        }
    })
    .await;
}

#[tokio::test]
async fn nobody_shuts_everybody_out() {
    on_each(async |site| {
        let (_, _, admin) = installed(&site).await;
        let app = &site.app;
        assert_eq!(code(app.user_disable(&admin, &admin.user.id, "x").await), "AUT-015");
        assert_eq!(code(app.user_role_set(&admin, &admin.user.id, Role::Staff).await), "AUT-015");
        let (second, at, theirs) = colleague(app, &admin, "b.sato", Role::Admin).await;
        let other = on(app, &at, &theirs).await.unwrap();
        app.user_role_set(&admin, &second.id, Role::Staff).await.unwrap();
        // What `other` saw is stale; the account behind it decides in the end.
        assert_eq!(code(app.user_disable(&other, &admin.user.id, "x").await), "AUT-016");
        assert_eq!(code(app.emergency_close(&other, &admin.user.id, "x").await), "AUT-016");
    })
    .await;
}

#[tokio::test]
async fn facilities_do_not_see_each_other() {
    on_each(async |site| {
        let (_, _, admin) = installed(&site).await;
        let (user, _, _) = colleague(&site.app, &admin, "b.sato", Role::Staff).await;
        let other = site.facility("ひばり架空医院").await;
        let mut stranger = admin;
        stranger.user.facility = other.id;
        let app = &site.app;
        assert_eq!(code(app.user_disable(&stranger, &user.id, "x").await), "APP-003");
        assert_eq!(code(app.user_enable(&stranger, &user.id).await), "APP-003");
        assert_eq!(code(app.user_role_set(&stranger, &user.id, Role::Admin).await), "APP-003");
        assert_eq!(code(app.user_sessions_end(&stranger, &user.id).await), "APP-003");
        assert_eq!(code(app.emergency_open(&stranger, &user.id, "x").await), "APP-003");
    })
    .await;
}

#[tokio::test]
async fn the_account_of_a_leaver_ends_at_midnight_in_japan() {
    on_each(async |site| {
        let (facility, _, admin) = installed(&site).await;
        let app = &site.app;
        let people = ledger("people").unwrap();
        site.put(&facility, people, vec![row("people", &[("no", "17"), ("name", "佐藤 みどり")])]).await;
        let at = terminal("ward");
        let new = NewUser { person: Some("17".to_owned()), ..newcomer("m.sato", Role::Staff) };
        let user = app.user_add(&admin, new).await.unwrap();
        let signed = let_in(app, &admin, &user, &at).await;
        app.password_set(&signed, LONG).await.unwrap();
        site.put(
            &facility,
            people,
            vec![row("people", &[("no", "17"), ("name", "佐藤 みどり"), ("leave_on", "2026-11-30")])],
        )
        .await;
        let at_night = |text: &str| {
            let at: jiff::Timestamp = text.parse().unwrap();
            site.dial.0.store(at.as_microsecond(), Ordering::Relaxed);
        };
        at_night("2026-11-30T14:55:00Z");
        let cookie = app.sign_in_password(&at, "m.sato", LONG, None).await.unwrap();
        assert_eq!(app.accounts_refresh().await.unwrap(), 0);
        at_night("2026-11-30T14:59:59Z");
        assert!(on(app, &at, &cookie).await.is_some());
        at_night("2026-11-30T15:00:00Z");
        assert!(on(app, &at, &cookie).await.is_none());
        assert_eq!(code(app.sign_in_password(&at, "m.sato", LONG, None).await), "AUT-001");
        let listed = app.user_list(&facility.id).await.unwrap();
        let left = listed.iter().find(|u| u.login == "m.sato").unwrap();
        assert_eq!(left.disabled.as_deref(), Some("退職（2026-11-30）"));
        assert_eq!(app.accounts_refresh().await.unwrap(), 0, "done when the cookie was looked at");
        // Enabled by mistake, the ledger still says that they have left.
        app.user_enable(&admin, &user.id).await.unwrap();
        assert_eq!(app.accounts_refresh().await.unwrap(), 1);
    })
    .await;
}

#[tokio::test]
async fn the_role_of_who_moves_is_decided_again() {
    on_each(async |site| {
        let (facility, _, admin) = installed(&site).await;
        let app = &site.app;
        let people = ledger("people").unwrap();
        let is = async |department: &str, duties: &str| {
            let mut said = vec![("no", "17"), ("name", "佐藤 みどり"), ("job", "看護師"), ("department", department)];
            said.extend(Some(("duties", duties)).filter(|(_, duties)| !duties.is_empty()));
            site.put(&facility, people, vec![row("people", &said)]).await;
        };
        let moved = async || {
            let listed = app.user_list(&facility.id).await.unwrap();
            listed.into_iter().find(|user| user.login == "m.sato").unwrap().moved
        };
        is("外来", "").await;
        let new = NewUser { person: Some("17".to_owned()), ..newcomer("m.sato", Role::Operator) };
        let user = app.user_add(&admin, new).await.unwrap();
        assert_eq!(moved().await, None);

        is("医事課", "").await;
        let (before, now) = moved().await.unwrap();
        assert_eq!((before.as_str(), now.as_str()), ("看護師／外来", "看護師／医事課"));
        let decide = async |role: Role, reason: &str, shown: &str| {
            app.user_duties_review(&admin, &user.id, DutiesReview { role, reason, shown }).await
        };
        assert_eq!(code(decide(Role::Staff, " ", &now).await), "APP-002");
        assert_eq!(code(decide(Role::Staff, "異動", "看護師／外来").await), "APP-004", "not what is so now");
        assert_eq!(code(decide(Role::Auditor, "異動", &now).await), "AUT-022");
        decide(Role::Staff, "医事課へ異動したため", &now).await.unwrap();
        assert_eq!(code(decide(Role::Staff, "もう一度", &now).await), "APP-004", "decided");
        let entries = journal(app).await;
        let entry = entries.iter().find(|entry| entry.contains("\"user.duties\"")).unwrap();
        for part in ["看護師／外来", "看護師／医事課", "operator", "staff", "医事課へ異動したため"]
        {
            assert!(entry.contains(part), "{part}: {entry}");
        }

        // Giving a role is a decision too; an account that is put away needs none.
        is("検査室", "").await;
        app.user_role_set(&admin, &user.id, Role::Operator).await.unwrap();
        assert_eq!(moved().await, None);
        is("外来", "").await;
        app.user_disable(&admin, &user.id, "休職").await.unwrap();
        assert_eq!(moved().await, None);
        app.user_enable(&admin, &user.id).await.unwrap();
        assert!(moved().await.is_some());

        // An account from before there were such decisions begins with what the ledger says now.
        let mut old = app.store.user_find(&user.id).await.unwrap().unwrap();
        old.duties = None;
        let mut tx = app.store.begin(&admin.actor(), &facility.id, app.now()).await.unwrap();
        tx.user_update(&old).await.unwrap();
        tx.record(domain::journal::Event::new("user.role", user.id.clone()));
        tx.commit().await.unwrap();
        assert_eq!(moved().await, None);
        app.accounts_refresh().await.unwrap();
        is("医事課", "").await;
        assert_eq!(moved().await.unwrap().0, "看護師／外来");
    })
    .await;
}

#[tokio::test]
async fn an_account_works_between_its_days() {
    on_each(async |site| {
        let (_, _, admin) = installed(&site).await;
        let app = &site.app;
        let day = |text: &str| Some(text.parse().unwrap());
        let new = NewUser {
            valid_from: day("2026-11-22"),
            valid_until: day("2026-11-23"),
            ..newcomer("auditor", Role::Auditor)
        };
        let backwards = NewUser { valid_until: day("2026-11-21"), ..new.clone() };
        assert_eq!(code(app.user_add(&admin, backwards).await), "APP-002");
        let endless = NewUser { valid_until: None, ..new.clone() };
        assert_eq!(code(app.user_add(&admin, endless).await), "APP-002", "from outside, for a time");
        let user = app.user_add(&admin, new).await.unwrap();
        let at = terminal("guest");
        let signed = let_in(app, &admin, &user, &at).await;
        app.password_set(&signed, LONG).await.unwrap();
        site.on("2026-11-23");
        app.sign_in_password(&at, "auditor", LONG, None).await.unwrap();
        site.on("2026-11-24");
        assert_eq!(code(app.sign_in_password(&at, "auditor", LONG, None).await), "AUT-001");
    })
    .await;
}

#[tokio::test]
async fn tokens_may_no_more_than_they_were_given_and_their_account_still_has() {
    on_each(async |site| {
        let (facility, _, admin) = installed(&site).await;
        let app = &site.app;
        let (user, at, theirs) = colleague(app, &admin, "b.sato", Role::Operator).await;
        let operator = on(app, &at, &theirs).await.unwrap();
        let ends = "2026-12-31".parse().unwrap();
        let actor = testkit::actor();
        let scopes = [Permission::ReadLedgers, Permission::EditLedgers];
        let wrong: [(&str, &[Permission], &str); 5] = [
            ("", &scopes, "2026-12-31"),
            ("x", &[], "2026-12-31"),
            ("x", &[Permission::ManageUsers], "2026-12-31"),
            ("x", &scopes, "2026-11-21"),
            ("x", &scopes, "2027-11-24"),
        ];
        for (name, scopes, ends) in wrong {
            let new = NewToken { name, scopes, sources: &[], ends_on: ends.parse().unwrap() };
            assert_eq!(code(app.token_make(&operator, new).await), "APP-002");
        }
        let new = NewToken { name: "資産管理との連携", scopes: &scopes, sources: &[], ends_on: ends };
        let nowhere = NewToken { sources: &["NOWHERE".to_owned()], ..new };
        assert_eq!(code(app.token_make(&operator, nowhere).await), "APP-002");
        let secret = app.token_make(&operator, new).await.unwrap();
        let program = app.token_check(secret.expose()).await.unwrap().unwrap();
        assert_eq!((program.user.id.as_str(), program.scopes.as_slice()), (user.id.as_str(), &scopes[..]));
        assert_eq!(program.actor().name, "職員 b.sato（b.sato）／資産管理との連携");
        // Whoever runs the server makes one without a session, within the same limits.
        let issue = |login: &'static str, scopes: &'static [Permission]| {
            let new = NewToken { name: "夜間の取込み", scopes, sources: &[], ends_on: ends };
            app.token_issue(&actor, &facility.id, login, new)
        };
        let issued = issue("B.Sato", &[Permission::EditLedgers]).await.unwrap();
        assert!(app.token_check(issued.expose()).await.unwrap().unwrap().may(Permission::EditLedgers));
        assert_eq!(code(issue("b.sato", &[Permission::Approve]).await), "APP-002");
        assert_eq!(code(issue("nobody", &[Permission::ReadLedgers]).await), "APP-003");
        let elsewhere = app.token_issue(&actor, "other", "b.sato", new).await;
        assert_eq!(code(elsewhere), "APP-003");
        assert!(app.token_check("sakimori_no").await.unwrap().is_none());
        let listed = app.token_list(&facility.id).await.unwrap();
        let listed: Vec<_> = listed.into_iter().filter(|token| token.name == "資産管理との連携").collect();
        assert!(listed[0].used_at.is_some() && !listed[0].revoked);

        app.user_role_set(&admin, &user.id, Role::Approver).await.unwrap();
        assert_eq!(app.token_check(secret.expose()).await.unwrap().unwrap().scopes, [Permission::ReadLedgers]);
        app.user_disable(&admin, &user.id, "異動").await.unwrap();
        assert!(app.token_check(secret.expose()).await.unwrap().is_none());
        app.user_enable(&admin, &user.id).await.unwrap();
        site.on("2026-12-31");
        assert!(app.token_check(secret.expose()).await.unwrap().is_some());
        site.on("2027-01-01");
        assert!(app.token_check(secret.expose()).await.unwrap().is_none());
        site.on("2026-12-31");
        app.token_revoke(&admin, &listed[0].id).await.unwrap();
        assert_eq!(code(app.token_revoke(&admin, &listed[0].id).await), "APP-003");
        assert!(app.token_check(secret.expose()).await.unwrap().is_none());
    })
    .await;
}
