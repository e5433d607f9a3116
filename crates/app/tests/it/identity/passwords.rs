//! Passwords and one-time codes.

use std::time::{Duration, Instant};

use domain::authz::Role;

use super::*;
use crate::on_each;

#[tokio::test]
async fn a_password_follows_the_rules_and_does_not_come_back() {
    on_each(async |site| {
        let (_, desk, signed) = installed(&site).await;
        for (weak, why) in [
            ("kx7mq2vb", "13文字"),
            ("Password123456", "よく使われる"),
            ("a.suzuki-2027-x", "ログイン名"),
            ("さくら架空クリニック88", "施設名"),
        ] {
            let error = site.app.password_set(&signed, weak).await.err().unwrap();
            let app::Error::Fields(faults) = &error else { panic!("{error}") };
            assert!(faults.iter().any(|f| f.field == "password" && f.message.contains(why)), "{weak}: {error}");
        }
        let passwords: Vec<String> = (2..9).map(|n| format!("{n}kx{n}mqvbz9rtw")).collect();
        for password in &passwords {
            site.app.password_set(&signed, password).await.unwrap();
        }
        for used in &passwords[2..] {
            assert_eq!(code(site.app.password_set(&signed, used).await), "APP-002", "{used}");
        }
        site.app.password_set(&signed, &passwords[0]).await.unwrap();
        assert_eq!(code(site.app.sign_in_password(&desk, "a.suzuki", &passwords[1], None).await), "AUT-001");
        // 全角 is the same password, any case the same login.
        let cookie = site.app.sign_in_password(&desk, "Ａ.Suzuki ", "２kx2mqvbz9rtw", None).await.unwrap();
        let again = on(&site.app, &desk, &cookie).await.unwrap();
        assert_eq!(again.methods, app::Methods::Password13);
        assert_eq!(again.actor().name, "鈴木 あおい（a.suzuki）");
        assert!(again.user.last_sign_in_at.is_some());
        assert!(site.app.store.journal_verify().await.unwrap().is_ok());
    })
    .await;
}

#[tokio::test]
async fn a_new_password_ends_the_other_sessions() {
    on_each(async |site| {
        let (_, _, first) = installed(&site).await;
        site.app.password_set(&first, LONG).await.unwrap();
        let (here, there) = (terminal("here"), terminal("there"));
        let kept = site.app.sign_in_password(&here, "a.suzuki", LONG, None).await.unwrap();
        let lost = site.app.sign_in_password(&there, "a.suzuki", LONG, None).await.unwrap();
        let signed = on(&site.app, &here, &kept).await.unwrap();
        site.app.password_set(&signed, "9bz9rtwkx7mq2v").await.unwrap();
        assert!(on(&site.app, &here, &kept).await.is_some());
        assert!(on(&site.app, &there, &lost).await.is_none());
    })
    .await;
}

#[tokio::test]
async fn one_answer_for_whatever_is_wrong() {
    on_each(async |site| {
        let (_, desk, admin) = installed(&site).await;
        site.app.password_set(&admin, LONG).await.unwrap();
        let (user, at, _) = colleague(&site.app, &admin, "b.sato", Role::Staff).await;
        site.app.user_disable(&admin, &user.id, "長期休暇").await.unwrap();
        let (base32, _) = with_totp(&site, &admin).await;
        wait(&site, 60);
        let right = totp(&site, &base32);
        let wrong = if right == "000000" { "111111" } else { "000000" };
        let attempts = [
            (&desk, "a.suzuki", "not the password 1", Some(right.as_str())),
            (&desk, "a.suzuki", LONG, Some(wrong)),
            (&desk, "a.suzuki", LONG, None),
            (&at, "b.sato", LONG, None),
            (&at, "hunter2hunter2", "whatever 1", None),
        ];
        let mut answers = Vec::new();
        for (at, login, password, typed) in attempts {
            answers.push(site.app.sign_in_password(at, login, password, typed).await.err().unwrap().to_string());
        }
        answers.dedup();
        assert_eq!(answers.len(), 1, "{answers:?}");
        assert!(answers[0].contains("AUT-001"));
        let entries = journal(&site.app).await;
        assert_eq!(entries.iter().filter(|e| e.contains("\"sign-in.fail\"")).count(), 5);
        assert!(entries.iter().any(|e| e.contains("\"subject\":\"unknown\"")));
        let kept = site.dump().await.into_iter().collect::<String>() + &entries.concat();
        assert!(!kept.contains("hunter2"), "people type passwords where the login goes");
        assert!(!kept.contains(LONG) && !kept.contains(&base32));
        site.app.sign_in_password(&desk, "a.suzuki", LONG, Some(&right)).await.unwrap();
    })
    .await;
}

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "measures time")]
async fn an_unknown_login_costs_as_much_as_a_known_one() {
    on_each(async |site| {
        let (_, desk, admin) = installed(&site).await;
        site.app.password_set(&admin, LONG).await.unwrap();
        let (shut, at, _) = colleague(&site.app, &admin, "b.sato", Role::Staff).await;
        site.app.user_disable(&admin, &shut.id, "長期休暇").await.unwrap();
        let whom = [(&desk, "a.suzuki"), (&desk, "nobody"), (&at, "b.sato"), (&terminal("elsewhere"), "a.suzuki")];
        let mut taken = whom.map(|_| Vec::new());
        for _ in 0..3 {
            for ((at, login), times) in whom.iter().zip(&mut taken) {
                let start = Instant::now();
                assert_eq!(code(site.app.sign_in_password(at, login, "not it 1", None).await), "AUT-001");
                times.push(start.elapsed());
            }
        }
        // The noise of a machine makes a try longer, never shorter; one that costs nothing is a thousand times shorter.
        let [known, others @ ..] = taken.map(|times| times.into_iter().min().unwrap_or_default().as_secs_f64());
        for (other, (_, login)) in others.into_iter().zip(&whom[1..]) {
            assert!((0.2..5.0).contains(&(other / known)), "{login}: {known} {other}");
        }
    })
    .await;
}

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "measures time")]
async fn wrong_tries_shut_an_address_out_and_never_the_owner() {
    on_each(async |site| {
        let (_, desk, admin) = installed(&site).await;
        site.app.password_set(&admin, LONG).await.unwrap();
        let stranger = terminal("stranger");
        for _ in 0..5 {
            assert_eq!(code(site.app.sign_in_password(&stranger, "a.suzuki", "guess 1", None).await), "AUT-001");
        }
        let shut = site.app.sign_in_password(&stranger, "a.suzuki", LONG, None).await.err().unwrap();
        assert_eq!(shut.code(), "AUT-005");
        assert!(shut.to_string().contains("30秒"), "{shut}");
        site.app.sign_in_password(&desk, "a.suzuki", LONG, None).await.unwrap();
        // It is the same for a login that nobody has.
        for _ in 0..5 {
            assert_eq!(code(site.app.sign_in_password(&stranger, "nobody", "guess 1", None).await), "AUT-001");
        }
        assert_eq!(code(site.app.sign_in_password(&stranger, "nobody", "guess 1", None).await), "AUT-005");
        wait(&site, 29);
        assert_eq!(code(site.app.sign_in_password(&stranger, "a.suzuki", LONG, None).await), "AUT-005");
        wait(&site, 1);
        site.app.sign_in_password(&stranger, "a.suzuki", LONG, None).await.unwrap();
        // From many addresses the account only slows down.
        for n in 0..10 {
            let place = terminal(&format!("place {n}"));
            assert_eq!(code(site.app.sign_in_password(&place, "a.suzuki", "guess 1", None).await), "AUT-001");
        }
        let start = Instant::now();
        site.app.sign_in_password(&terminal("a new place"), "a.suzuki", LONG, None).await.unwrap();
        assert!(start.elapsed() >= Duration::from_secs(1));
    })
    .await;
}

#[tokio::test]
async fn whoever_shares_the_address_of_the_owner_shuts_them_out_of_nothing() {
    on_each(async |site| {
        let (_, desk, admin) = installed(&site).await;
        site.app.password_set(&admin, LONG).await.unwrap();
        // Everybody of the house comes from one address; only the terminals differ.
        let neighbour = Terminal { key: "key of a neighbour".to_owned(), ..desk.clone() };
        for _ in 0..5 {
            assert_eq!(code(site.app.sign_in_password(&neighbour, "a.suzuki", "guess 1", None).await), "AUT-001");
        }
        assert_eq!(code(site.app.sign_in_password(&neighbour, "a.suzuki", LONG, None).await), "AUT-005");
        for n in 0..3 {
            let place = terminal(&format!("place {n}"));
            for _ in 0..2 {
                let _ = site.app.sign_in_password(&place, "a.suzuki", "guess 1", None).await;
            }
        }
        site.app.sign_in_password(&desk, "a.suzuki", LONG, None).await.unwrap();
        // The owner's own terminal is no way around the count: it has one of its own.
        for _ in 0..5 {
            assert_eq!(code(site.app.sign_in_password(&desk, "a.suzuki", "guess 1", None).await), "AUT-001");
        }
        assert_eq!(code(site.app.sign_in_password(&desk, "a.suzuki", LONG, None).await), "AUT-005");
        wait(&site, 30);
        site.app.sign_in_password(&desk, "a.suzuki", LONG, None).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn guesses_at_the_same_time_do_not_outrun_the_count() {
    on_each(async |site| {
        let (_, _, admin) = installed(&site).await;
        site.app.password_set(&admin, LONG).await.unwrap();
        let stranger = terminal("stranger");
        let guess = || site.app.sign_in_password(&stranger, "a.suzuki", "guess 1", None);
        let (a, b, c, d) = tokio::join!(guess(), guess(), guess(), guess());
        let (e, f, g, h) = tokio::join!(guess(), guess(), guess(), guess());
        let tried = [a, b, c, d, e, f, g, h].map(code).into_iter().filter(|code| *code == "AUT-001").count();
        assert!((5..=6).contains(&tried), "{tried}");
    })
    .await;
}

/// Adds a one-time code generator; its secret, and its codes' ceremony done.
async fn with_totp(site: &Site, signed: &Signed) -> (String, String) {
    let (uri, base32, ceremony) = site.app.totp_begin(signed).await.unwrap();
    assert!(uri.starts_with("otpauth://totp/") && uri.contains(&base32), "{uri}");
    let shown = totp(site, &base32);
    site.app.totp_confirm(signed, ceremony.expose(), &shown).await.unwrap();
    (base32, shown)
}

#[tokio::test]
async fn a_one_time_code_is_good_once() {
    on_each(async |site| {
        let (_, desk, signed) = installed(&site).await;
        let (_, _, ceremony) = site.app.totp_begin(&signed).await.unwrap();
        assert_eq!(code(site.app.totp_confirm(&signed, ceremony.expose(), "12345").await), "AUT-011");
        assert_eq!(code(site.app.totp_confirm(&signed, ceremony.expose(), "12345").await), "AUT-009", "used up");
        let (base32, shown) = with_totp(&site, &signed).await;
        site.app.password_set(&signed, SHORT).await.unwrap();
        let try_with = |typed: String| {
            let desk = desk.clone();
            let app = &site.app;
            async move { app.sign_in_password(&desk, "a.suzuki", SHORT, Some(&typed)).await }
        };
        assert_eq!(code(try_with(shown).await), "AUT-001", "confirmed with it already");
        wait(&site, 30);
        let next = totp(&site, &base32);
        let cookie = try_with(next.clone()).await.unwrap();
        assert_eq!(on(&site.app, &desk, &cookie).await.unwrap().methods, app::Methods::PasswordTotp);
        assert_eq!(code(try_with(next).await), "AUT-001", "used");
        wait(&site, 30);
        let wide: String = totp(&site, &base32).chars().map(|c| char::from_u32(c as u32 + 0xFEE0).unwrap()).collect();
        try_with(wide).await.unwrap();

        // A short password with nothing else is no way in, so the code generator has to stay.
        assert_eq!(code(site.app.totp_remove(&signed).await), "AUT-010");
        site.app.password_set(&signed, LONG).await.unwrap();
        site.app.totp_remove(&signed).await.unwrap();
        assert!(journaled(&site.app, "totp.remove").await);
        site.app.sign_in_password(&desk, "a.suzuki", LONG, None).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn recovery_codes_work_once_however_they_are_typed() {
    on_each(async |site| {
        let (_, desk, signed) = installed(&site).await;
        with_totp(&site, &signed).await;
        site.app.password_set(&signed, SHORT).await.unwrap();
        let old = site.app.recovery_codes_make(&signed).await.unwrap();
        let codes = site.app.recovery_codes_make(&signed).await.unwrap();
        assert_eq!(codes.len(), 10);
        assert!(codes.iter().all(|c| c.len() == 19), "{codes:?}");
        let app = &site.app;
        let sign_in = async |typed: &str| app.sign_in_password(&desk, "a.suzuki", SHORT, Some(typed)).await;
        assert_eq!(code(sign_in(&old[0]).await), "AUT-001", "void");
        let cookie = sign_in(&codes[0].to_uppercase().replace('-', " ").replace('0', "O")).await.unwrap();
        let in_by_code = on(app, &desk, &cookie).await.unwrap();
        assert_eq!(in_by_code.methods, app::Methods::Recovery);
        assert_eq!(in_by_code.user.recovery_left, 9);
        assert!(in_by_code.user.notice.as_ref().unwrap().contains("回復コード"));
        assert_eq!(code(sign_in(&codes[0]).await), "AUT-001", "used");
        app.notice_read(&in_by_code).await.unwrap();
        assert!(on(app, &desk, &cookie).await.unwrap().user.notice.is_none());
    })
    .await;
}
