//! Passkeys, with an authenticator made of software.

use app::Methods;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::authz::Role;
use domain::journal::sha256;
use ring::digest::{SHA256, digest};
use ring::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};

use super::*;
use crate::authenticator::Authenticator;
use crate::on_each;

const ORIGIN: &str = "https://sakimori.clinic.example";

fn reachable(site: &Site) {
    site.app.set_origin(&ORIGIN.parse().unwrap()).unwrap();
}

/// Registers a passkey for whoever is signed in.
async fn register(app: &App, signed: &Signed, attachment: &str) -> app::Result<Authenticator> {
    let (options, ceremony) = app.passkey_register_begin(signed).await?;
    let (key, response) = Authenticator::create(ORIGIN, &options, attachment);
    app.passkey_register(signed, ceremony.expose(), "鍵束の鍵", &response).await?;
    Ok(key)
}

/// Signs in with a passkey.
async fn sign_in(app: &App, at: &Terminal, key: &mut Authenticator) -> app::Result<Cookie> {
    let (options, ceremony) = app.passkey_challenge(at).await?;
    app.sign_in_passkey(at, ceremony.expose(), &key.get(&options)).await
}

#[tokio::test]
async fn a_passkey_lets_its_owner_in_and_nobody_else() {
    on_each(async |site| {
        reachable(&site);
        let (_, desk, admin) = installed(&site).await;
        let app = &site.app;
        let mut key = register(app, &admin, "cross-platform").await.unwrap();
        let listed = app.passkey_list(&admin.user.id).await.unwrap();
        assert_eq!((listed[0].name.as_str(), listed[0].model.as_deref()), ("鍵束の鍵", Some("YubiKey 5 NFC")));
        let cookie = sign_in(app, &desk, &mut key).await.unwrap();
        let signed = on(app, &desk, &cookie).await.unwrap();
        assert_eq!((signed.methods, signed.user.passkeys), (Methods::Passkey, 1));
        assert!(app.passkey_list(&admin.user.id).await.unwrap()[0].used_at.is_some());

        // A ceremony is good once, on its terminal, for five minutes.
        let (options, ceremony) = app.passkey_challenge(&desk).await.unwrap();
        let response = key.get(&options);
        let elsewhere = terminal("elsewhere");
        assert_eq!(code(app.sign_in_passkey(&elsewhere, ceremony.expose(), &response).await), "AUT-009");
        assert_eq!(code(app.sign_in_passkey(&desk, ceremony.expose(), &response).await), "AUT-009", "used up by that");
        let (options, ceremony) = app.passkey_challenge(&desk).await.unwrap();
        let response = key.get(&options);
        app.sign_in_passkey(&desk, ceremony.expose(), &response).await.unwrap();
        assert_eq!(code(app.sign_in_passkey(&desk, ceremony.expose(), &response).await), "AUT-009", "replayed");
        let (_, fresh) = app.passkey_challenge(&desk).await.unwrap();
        assert_eq!(code(app.sign_in_passkey(&desk, fresh.expose(), &response).await), "AUT-006", "another challenge");
        let (options, ceremony) = app.passkey_challenge(&desk).await.unwrap();
        wait(&site, 5 * 60);
        assert_eq!(code(app.sign_in_passkey(&desk, ceremony.expose(), &key.get(&options)).await), "AUT-009");

        "https://sakimori.clinic.example.evil.example".clone_into(&mut key.origin);
        assert_eq!(code(sign_in(app, &desk, &mut key).await), "AUT-006", "another origin");
        ORIGIN.clone_into(&mut key.origin);
        key.verifies = false;
        assert_eq!(code(sign_in(app, &desk, &mut key).await), "AUT-006", "no finger, no PIN");
        key.verifies = true;
        let (_, ceremony) = app.passkey_challenge(&desk).await.unwrap();
        assert_eq!(code(app.sign_in_passkey(&desk, ceremony.expose(), "{}").await), "AUT-006");
        sign_in(app, &desk, &mut key).await.unwrap();
        assert!(journaled(app, "passkey.add").await && journaled(app, "sign-in.fail").await);
    })
    .await;
}

#[tokio::test]
async fn wrong_passwords_shut_no_passkey_out() {
    on_each(async |site| {
        reachable(&site);
        let (_, desk, admin) = installed(&site).await;
        site.app.password_set(&admin, LONG).await.unwrap();
        let mut key = register(&site.app, &admin, "cross-platform").await.unwrap();
        let ward = Terminal { key: "key of the ward".to_owned(), ..desk };
        for _ in 0..5 {
            assert_eq!(code(site.app.sign_in_password(&ward, "a.suzuki", "guess 1", None).await), "AUT-001");
        }
        assert_eq!(code(site.app.sign_in_password(&ward, "a.suzuki", LONG, None).await), "AUT-005");
        sign_in(&site.app, &ward, &mut key).await.unwrap();
        // With that the terminal is one of the owner's, whose own tries begin at none.
        site.app.sign_in_password(&ward, "a.suzuki", LONG, None).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_counter_that_steps_back_is_told_and_does_not_shut_out() {
    on_each(async |site| {
        reachable(&site);
        let (_, desk, admin) = installed(&site).await;
        let app = &site.app;
        let mut key = register(app, &admin, "cross-platform").await.unwrap();
        key.counter = 40;
        sign_in(app, &desk, &mut key).await.unwrap();
        assert!(!journaled(app, "passkey.counter-back").await);
        key.counter = 7;
        sign_in(app, &desk, &mut key).await.unwrap();
        assert!(journaled(app, "passkey.counter-back").await);
        assert_eq!(app.store.credential_list(&admin.user.id).await.unwrap()[0].counter, 40);

        let mut without = register(app, &admin, "cross-platform").await.unwrap();
        without.counter = 0;
        sign_in(app, &desk, &mut without).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn the_last_way_in_stays() {
    on_each(async |site| {
        reachable(&site);
        let (_, desk, admin) = installed(&site).await;
        let app = &site.app;
        let mut first = register(app, &admin, "cross-platform").await.unwrap();
        let id = app.passkey_list(&admin.user.id).await.unwrap()[0].id.clone();
        assert_eq!(code(app.passkey_remove(&admin, &id).await), "AUT-010");
        assert_eq!(code(app.passkey_remove(&admin, "none").await), "APP-003");
        let mut second = register(app, &admin, "cross-platform").await.unwrap();
        app.passkey_remove(&admin, &id).await.unwrap();
        assert_eq!(code(sign_in(app, &desk, &mut first).await), "AUT-006");
        sign_in(app, &desk, &mut second).await.unwrap();
        let id = app.passkey_list(&admin.user.id).await.unwrap()[0].id.clone();
        app.password_set(&admin, LONG).await.unwrap();
        app.passkey_remove(&admin, &id).await.unwrap();
        assert!(journaled(app, "passkey.remove").await);
    })
    .await;
}

#[tokio::test]
async fn who_lost_every_passkey_gets_in_by_a_recovery_code_to_make_another() {
    on_each(async |site| {
        reachable(&site);
        let (_, desk, admin) = installed(&site).await;
        let app = &site.app;
        register(app, &admin, "cross-platform").await.unwrap();
        let codes = app.recovery_codes_make(&admin).await.unwrap();
        let try_with =
            async |login, password, typed: &str| app.sign_in_password(&desk, login, password, Some(typed)).await;
        assert_eq!(code(try_with("a.suzuki", "", "").await), "AUT-001");
        assert_eq!(code(try_with("a.suzuki", "x", &codes[0]).await), "AUT-001", "a password it does not have");
        assert_eq!(code(try_with("b.sato", "", &codes[0]).await), "AUT-001", "somebody else's");
        let cookie = try_with("a.suzuki", "", &codes[0]).await.unwrap();
        let signed = on(app, &desk, &cookie).await.unwrap();
        assert_eq!((signed.methods, signed.user.must_renew), (Methods::Recovery, true), "for a new way in alone");
        assert_eq!(code(try_with("a.suzuki", "", &codes[0]).await), "AUT-001", "used");
        let mut key = register(app, &signed, "cross-platform").await.unwrap();
        let cookie = sign_in(app, &desk, &mut key).await.unwrap();
        let signed = on(app, &desk, &cookie).await.unwrap();
        assert!(!signed.user.must_renew);

        // Who has a password needs it with the code.
        app.password_set(&signed, LONG).await.unwrap();
        assert_eq!(code(try_with("a.suzuki", "", &codes[1]).await), "AUT-001");
    })
    .await;
}

#[tokio::test]
async fn a_passkey_unlocks_and_steps_up_its_own_session_only() {
    on_each(async |site| {
        reachable(&site);
        let (_, desk, admin) = installed(&site).await;
        let app = &site.app;
        let mut key = register(app, &admin, "cross-platform").await.unwrap();
        let (user, _, theirs) = colleague(app, &admin, "b.sato", Role::Staff).await;
        let at = terminal("b.sato");
        let staff = on(app, &at, &theirs).await.unwrap();
        let mut other = register(app, &staff, "cross-platform").await.unwrap();
        let cookie = sign_in(app, &desk, &mut key).await.unwrap();

        wait(&site, 10 * 60);
        let signed = on(app, &desk, &cookie).await.unwrap();
        assert!(!signed.fresh(app.now()));
        let (options, ceremony) = app.passkey_challenge(&desk).await.unwrap();
        assert_eq!(code(app.step_up_passkey(&signed, ceremony.expose(), &other.get(&options)).await), "AUT-006");
        let (options, ceremony) = app.passkey_challenge(&desk).await.unwrap();
        let cookie = app.step_up_passkey(&signed, ceremony.expose(), &key.get(&options)).await.unwrap();
        assert!(on(app, &desk, &cookie).await.unwrap().fresh(app.now()));

        wait(&site, 16 * 60);
        assert!(on(app, &desk, &cookie).await.unwrap().locked);
        let (options, ceremony) = app.passkey_challenge(&desk).await.unwrap();
        let by_other = app.unlock_passkey(&desk, cookie.expose(), ceremony.expose(), &other.get(&options)).await;
        assert_eq!(code(by_other), "AUT-006");
        let (options, ceremony) = app.passkey_challenge(&desk).await.unwrap();
        let opened = app.unlock_passkey(&desk, cookie.expose(), ceremony.expose(), &key.get(&options)).await.unwrap();
        let opened = on(app, &desk, &opened).await.unwrap();
        assert!(!opened.locked);

        app.user_disable(&opened, &user.id, "異動").await.unwrap();
        assert_eq!(code(sign_in(app, &at, &mut other).await), "AUT-006");
    })
    .await;
}

#[tokio::test]
async fn a_shared_terminal_takes_no_authenticator_of_its_own() {
    on_each(async |site| {
        reachable(&site);
        let (_, desk, admin) = installed(&site).await;
        let app = &site.app;
        let mut built_in = register(app, &admin, "platform").await.unwrap();
        sign_in(app, &desk, &mut built_in).await.unwrap();
        let ward = terminal("ward");
        app.terminal_set(&admin, &ward, "病棟", true).await.unwrap();
        assert_eq!(code(sign_in(app, &ward, &mut built_in).await), "AUT-012");
        let mut own = register(app, &admin, "cross-platform").await.unwrap();
        let cookie = sign_in(app, &ward, &mut own).await.unwrap();
        let signed = on(app, &ward, &cookie).await.unwrap();
        let (options, _) = app.passkey_register_begin(&signed).await.unwrap();
        assert!(options.contains("\"authenticatorAttachment\":\"cross-platform\""), "{options}");
        assert_eq!(code(register(app, &signed, "platform").await.map(|_| ())), "AUT-012");
    })
    .await;
}

#[tokio::test]
async fn registering_asks_for_its_own_ceremony_and_a_name() {
    on_each(async |site| {
        reachable(&site);
        let (_, desk, admin) = installed(&site).await;
        let app = &site.app;
        let (options, ceremony) = app.passkey_register_begin(&admin).await.unwrap();
        let (_, response) = Authenticator::create("https://elsewhere.example", &options, "cross-platform");
        let outcome = app.passkey_register(&admin, ceremony.expose(), "鍵", &response).await;
        assert_eq!(code(outcome), "AUT-008", "another origin");
        let (options, ceremony) = app.passkey_register_begin(&admin).await.unwrap();
        let (_, response) = Authenticator::create(ORIGIN, &options, "cross-platform");
        assert_eq!(code(app.passkey_register(&admin, ceremony.expose(), " ", &response).await), "APP-002");
        assert_eq!(code(app.passkey_register(&admin, ceremony.expose(), "鍵", &response).await), "AUT-009");
        let (_, other) = app.passkey_challenge(&desk).await.unwrap();
        assert_eq!(code(app.passkey_register(&admin, other.expose(), "鍵", &response).await), "AUT-009");
        // One that somebody else began, on the same terminal.
        let (user, _, _) = colleague(app, &admin, "b.sato", Role::Staff).await;
        let (_, theirs) = app.passkey_register_begin(&admin).await.unwrap();
        let second = let_in(app, &admin, &user, &desk).await;
        assert_eq!(code(app.passkey_register(&second, theirs.expose(), "鍵", &response).await), "AUT-009");
    })
    .await;
}

#[tokio::test]
async fn a_bare_address_has_no_passkeys_and_says_so() {
    on_each(async |site| {
        let (_, desk, admin) = installed(&site).await;
        let app = &site.app;
        assert!(!app.passkeys_available());
        app.set_origin(&"https://192.0.2.10:8443".parse().unwrap()).unwrap();
        assert!(!app.passkeys_available());
        assert_eq!(code(app.passkey_challenge(&desk).await), "AUT-007");
        assert_eq!(code(app.passkey_register_begin(&admin).await), "AUT-007");
        app.password_set(&admin, LONG).await.unwrap();
        app.sign_in_password(&desk, "a.suzuki", LONG, None).await.unwrap();
        reachable(&site);
        assert!(app.passkeys_available());
    })
    .await;
}
fn part(json: &serde_json::Value, at: &str) -> Vec<u8> {
    let text = json.pointer(at).and_then(serde_json::Value::as_str).unwrap_or_else(|| panic!("{at} in {json}"));
    URL_SAFE_NO_PAD.decode(text).unwrap()
}

#[tokio::test]
async fn an_approval_is_signed_over_what_was_shown_and_proves_it_to_anybody() {
    on_each(async |site| {
        reachable(&site);
        let (_, _, admin) = installed(&site).await;
        let app = &site.app;
        let mut key = register(app, &admin, "cross-platform").await.unwrap();
        let shown = sha256("何を承認するか".as_bytes());
        let (options, ceremony) = app.approval_challenge(&admin, &shown).await.unwrap();
        let response = key.get(&options);
        let (_, signature) = app.approval_sign(&admin, ceremony.expose(), &shown, &response).await.unwrap();
        assert_eq!(code(app.approval_sign(&admin, ceremony.expose(), &shown, &response).await), "AUT-009", "replayed");

        // Whoever has the entry and what was shown can check it, with nothing of ours.
        let kept: serde_json::Value = serde_json::from_str(&signature).unwrap();
        let client = part(&kept, "/client_data_json");
        let said: serde_json::Value = serde_json::from_slice(&client).unwrap();
        let over = format!("sakimori/approval\n{}\n{shown}\n", kept["nonce"].as_str().unwrap());
        assert_eq!(part(&said, "/challenge"), sha256(over.as_bytes()).into_bytes());
        assert_eq!((said["type"].as_str(), said["origin"].as_str()), (Some("webauthn.get"), Some(ORIGIN)));
        let signed = [part(&kept, "/authenticator_data"), digest(&SHA256, &client).as_ref().to_vec()].concat();
        let (x, y) = (part(&kept, "/public_key/key/EC_EC2/x"), part(&kept, "/public_key/key/EC_EC2/y"));
        let point = [vec![4], x, y].concat();
        let public = UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, point);
        public.verify(&signed, &part(&kept, "/signature")).unwrap();

        // What was shown is not another thing, and a sign-in is no signature.
        let (options, ceremony) = app.approval_challenge(&admin, &shown).await.unwrap();
        let (other, response) = (sha256("別のこと".as_bytes()), key.get(&options));
        assert_eq!(code(app.approval_sign(&admin, ceremony.expose(), &other, &response).await), "AUT-009");
        let (options, ceremony) = app.passkey_challenge(&terminal("desk")).await.unwrap();
        let response = key.get(&options);
        assert_eq!(code(app.approval_sign(&admin, ceremony.expose(), &shown, &response).await), "AUT-009");
        let (options, _) = app.approval_challenge(&admin, &shown).await.unwrap();
        let (_, ceremony) = app.approval_challenge(&admin, &shown).await.unwrap();
        let response = key.get(&options);
        assert_eq!(code(app.approval_sign(&admin, ceremony.expose(), &shown, &response).await), "AUT-006", "mixed up");

        // Nobody else's passkey signs for me, and who may not approve is not asked to.
        let (options, ceremony) = app.approval_challenge(&admin, &shown).await.unwrap();
        let (user, _, _) = colleague(app, &admin, "b.sato", Role::Approver).await;
        let second = let_in(app, &admin, &user, &terminal("second")).await;
        let mut theirs = register(app, &second, "cross-platform").await.unwrap();
        let response = theirs.get(&options);
        assert_eq!(code(app.approval_sign(&admin, ceremony.expose(), &shown, &response).await), "AUT-006");
        let (user, _, _) = colleague(app, &admin, "c.tanaka", Role::Staff).await;
        let third = let_in(app, &admin, &user, &terminal("third")).await;
        assert!(matches!(app.approval_challenge(&third, &shown).await, Err(app::Error::Forbidden)));
    })
    .await;
}
