//! The first set-up, and sessions.

use app::{Acting as _, App, Entropy, Methods};
use domain::authz::{Permission, Role};
use testkit::noon;

use super::*;
use crate::on_each;

#[tokio::test]
async fn the_set_up_link_is_good_once_for_half_an_hour() {
    on_each(async |site| {
        let app = &site.app;
        let facility = site.facility("さくら架空クリニック").await;
        let (desk, other) = (terminal("desk"), terminal("other"));
        assert!(app.needs_setup().await.unwrap());
        let void = app.setup_link().await.unwrap();
        let link = app.setup_link().await.unwrap();
        assert_eq!(code(app.setup_begin(&desk, void.expose()).await), "AUT-014");
        wait(&site, 30 * 60);
        assert_eq!(code(app.setup_begin(&desk, link.expose()).await), "AUT-014", "over");
        let link = app.setup_link().await.unwrap();
        let grant = app.setup_begin(&desk, link.expose()).await.unwrap();
        assert_eq!(code(app.setup_begin(&desk, link.expose()).await), "AUT-014", "used");
        assert!(app.setup_grant(&desk, grant.expose()).await.unwrap().is_some());
        assert!(app.setup_grant(&other, grant.expose()).await.unwrap().is_none(), "bound to its terminal");
        let name = "鈴木 あおい";
        let on_other = app.setup_admin(&other, grant.expose(), &facility.id, name, "a.suzuki").await;
        assert_eq!(code(on_other), "AUT-014");
        assert_eq!(code(app.setup_admin(&desk, grant.expose(), &facility.id, name, "a b").await), "APP-002");
        assert_eq!(code(app.setup_admin(&desk, grant.expose(), "none", name, "a.suzuki").await), "APP-003");
        let cookie = app.setup_admin(&desk, grant.expose(), &facility.id, name, "a.suzuki").await.unwrap();
        let signed = on(app, &desk, &cookie).await.unwrap();
        assert_eq!((signed.methods, signed.user.role), (Methods::Setup, Role::Admin));
        assert!(all().into_iter().all(|permission| signed.may(permission)));
        assert!(app.setup_grant(&desk, grant.expose()).await.unwrap().is_none(), "good for one account");
        assert!(app.needs_setup().await.unwrap(), "nobody could come back in yet");
        // Fresh for half an hour, so that a passkey or a password can be made without another proof.
        wait(&site, 14 * 60);
        let signed = on(app, &desk, &cookie).await.unwrap();
        app.password_set(&signed, LONG).await.unwrap();
        assert!(!app.needs_setup().await.unwrap());
        assert_eq!(code(app.setup_link().await), "AUT-013");
        assert_eq!(code(app.setup_begin(&desk, link.expose()).await), "AUT-013");
        assert!(signed.fresh(signed.signed_in_at + jiff::SignedDuration::from_mins(30)));
        assert!(!signed.fresh(signed.signed_in_at + jiff::SignedDuration::from_mins(31)));
    })
    .await;
}

/// An installation whose administrator is signed in by password.
async fn signed_in(site: &Site) -> (Terminal, Cookie) {
    let (_, desk, first) = installed(site).await;
    site.app.password_set(&first, LONG).await.unwrap();
    site.app.sign_out(&first).await.unwrap();
    let cookie = site.app.sign_in_password(&desk, "a.suzuki", LONG, None).await.unwrap();
    (desk, cookie)
}

#[tokio::test]
async fn a_copied_cookie_ends_the_session() {
    on_each(async |site| {
        let (desk, cookie) = signed_in(&site).await;
        let app = &site.app;
        assert!(on(app, &desk, &cookie).await.is_some());
        let thief = terminal("thief");
        assert!(on(app, &thief, &cookie).await.is_none());
        assert!(on(app, &desk, &cookie).await.is_none(), "ended for its owner too");
        assert!(journaled(app, "session.stolen").await);

        // With the terminal's key as well: from another address it is locked, with another browser besides it is over.
        let cookie = app.sign_in_password(&desk, "a.suzuki", LONG, None).await.unwrap();
        let moved = Terminal { address: thief.address, ..desk.clone() };
        let seen = on(app, &moved, &cookie).await.unwrap();
        assert!(seen.locked && !seen.may(Permission::ReadTasks) && !seen.fresh(app.now()));
        assert_eq!(code(seen.need(Permission::ReadTasks)), "AUT-002");
        assert_eq!(code(app.step_up_password(&seen, LONG, None).await), "AUT-002");
        let unlocked = app.unlock_password(&moved, cookie.expose(), LONG, None).await.unwrap();
        assert!(!on(app, &moved, &unlocked).await.unwrap().locked, "the person has moved");
        let stolen = Terminal { agent: "Firefox".to_owned(), ..desk };
        assert!(on(app, &stolen, &unlocked).await.is_none());
        assert!(on(app, &moved, &unlocked).await.is_none());
        assert_eq!(code(app.unlock_password(&moved, unlocked.expose(), LONG, None).await), "AUT-002");
    })
    .await;
}

#[tokio::test]
async fn an_idle_screen_locks_and_a_proof_opens_it_with_a_new_cookie() {
    on_each(async |site| {
        let (desk, cookie) = signed_in(&site).await;
        let app = &site.app;
        for _ in 0..3 {
            wait(&site, 14 * 60);
            assert!(!on(app, &desk, &cookie).await.unwrap().locked);
        }
        wait(&site, 15 * 60 + 1);
        assert!(on(app, &desk, &cookie).await.unwrap().locked);
        assert!(on(app, &desk, &cookie).await.unwrap().locked, "looking does not open it");
        assert!(journaled(app, "session.lock").await);
        assert_eq!(code(app.unlock_password(&desk, cookie.expose(), "not it 1", None).await), "AUT-001");
        let fresh = app.unlock_password(&desk, cookie.expose(), LONG, None).await.unwrap();
        assert!(on(app, &desk, &cookie).await.is_none(), "the old cookie is nothing");
        assert!(!on(app, &desk, &fresh).await.unwrap().locked);
        assert!(journaled(app, "session.unlock").await);
        // Twelve hours after it began it is over, however busy.
        for _ in 0..65 {
            wait(&site, 10 * 60);
            assert!(on(app, &desk, &fresh).await.is_some());
        }
        wait(&site, 13 * 60);
        assert!(on(app, &desk, &fresh).await.is_none());
        assert_eq!(code(app.unlock_password(&desk, fresh.expose(), LONG, None).await), "AUT-002");
    })
    .await;
}

#[tokio::test]
async fn what_could_take_an_account_over_asks_for_a_fresh_proof() {
    on_each(async |site| {
        let (desk, cookie) = signed_in(&site).await;
        let app = &site.app;
        wait(&site, 6 * 60);
        let stale = on(app, &desk, &cookie).await.unwrap();
        assert_eq!(code(app.password_set(&stale, "9bz9rtwkx7mq2v").await), "AUT-004");
        assert_eq!(code(app.totp_begin(&stale).await), "AUT-004");
        assert_eq!(code(app.totp_remove(&stale).await), "AUT-004");
        assert_eq!(code(app.recovery_codes_make(&stale).await), "AUT-004");
        assert_eq!(code(app.passkey_register_begin(&stale).await), "AUT-004");
        assert_eq!(code(app.passkey_remove(&stale, "x").await), "AUT-004");
        assert_eq!(code(app.token_make(&stale, "x", &all(), app.today()).await), "AUT-004");
        assert_eq!(code(app.step_up_password(&stale, "not it 1", None).await), "AUT-001");
        let fresh = app.step_up_password(&stale, LONG, None).await.unwrap();
        assert!(on(app, &desk, &cookie).await.is_none());
        let signed = on(app, &desk, &fresh).await.unwrap();
        assert_eq!((&signed.session, &signed.csrf), (&stale.session, &stale.csrf), "the same session");
        app.password_set(&signed, "9bz9rtwkx7mq2v").await.unwrap();
        app.sign_out(&signed).await.unwrap();
        assert!(on(app, &desk, &fresh).await.is_none());
        assert!(journaled(app, "sign-out").await);
    })
    .await;
}

#[tokio::test]
async fn a_shared_terminal_locks_sooner() {
    on_each(async |site| {
        let (desk, cookie) = signed_in(&site).await;
        let app = &site.app;
        let signed = on(app, &desk, &cookie).await.unwrap();
        assert!(!signed.shared);
        assert_eq!(code(app.terminal_set(&signed, &desk, " ", true).await), "APP-002");
        app.terminal_set(&signed, &desk, "受付カウンター", true).await.unwrap();
        assert_eq!(app.terminal_list(&signed.user.facility).await.unwrap(), [("受付カウンター".to_owned(), true)]);
        let cookie = app.sign_in_password(&desk, "a.suzuki", LONG, None).await.unwrap();
        let signed = on(app, &desk, &cookie).await.unwrap();
        assert!(signed.shared);
        assert_eq!(signed.idle_ends_at.duration_since(app.now()).as_mins(), 5);
        wait(&site, 5 * 60 + 1);
        assert!(on(app, &desk, &cookie).await.unwrap().locked);
    })
    .await;
}

#[tokio::test]
async fn sessions_are_listed_and_ended_by_their_owner_or_who_manages_accounts() {
    on_each(async |site| {
        let (desk, cookie) = signed_in(&site).await;
        let app = &site.app;
        let admin = on(app, &desk, &cookie).await.unwrap();
        let (user, at, theirs) = colleague(app, &admin, "b.sato", Role::Staff).await;
        let staff = on(app, &at, &theirs).await.unwrap();
        assert_eq!(code(app.session_revoke(&staff, &admin.session).await), "APP-003");
        let listed = app.session_list(&user.id).await.unwrap();
        assert_eq!(listed.len(), 2, "that of the reset, and this");
        app.session_revoke(&staff, &listed[1].id).await.unwrap();
        assert_eq!(app.session_list(&user.id).await.unwrap().len(), 1);
        app.session_revoke(&admin, &staff.session).await.unwrap();
        assert!(on(app, &at, &theirs).await.is_none());
        assert_eq!(code(app.session_revoke(&admin, &staff.session).await), "APP-003");
        assert!(on(app, &at, &cookie).await.is_none());
    })
    .await;
}

#[tokio::test]
async fn accounts_go_into_a_dump_and_sessions_do_not() {
    on_each(async |site| {
        let (desk, cookie) = signed_in(&site).await;
        let signed = on(&site.app, &desk, &cookie).await.unwrap();
        site.app.recovery_codes_make(&signed).await.unwrap();
        let mut dump = Vec::new();
        site.app.store.dump(&mut dump).await.unwrap();
        let text = String::from_utf8(dump.clone()).unwrap();
        assert!(text.contains("\"users\"") && text.contains("\"recovery_codes\""));
        assert!(!text.contains("\"sessions\"") && !text.contains("\"grants\"") && !text.contains("\"failures\""));
        let other = testkit::sqlite().await;
        other.store.load(&testkit::actor(), site.app.now(), &mut dump.as_slice()).await.unwrap();
        let moved = App::new(other.store, site.dial.clone());
        moved.sign_in_password(&desk, "a.suzuki", LONG, None).await.unwrap();
    })
    .await;
}

/// Randomness that has run out.
struct Dry;

impl Entropy for Dry {
    fn fill(&self, _: &mut [u8]) -> bool {
        false
    }
}

#[tokio::test]
async fn without_randomness_nothing_is_given_out() {
    let store = testkit::sqlite().await.store;
    let app = App::new(store, noon()).with_entropy(Dry);
    assert_eq!(code(app.setup_link().await), "APP-001");
}
