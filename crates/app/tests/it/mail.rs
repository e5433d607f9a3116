//! Mail: told once, sent when it can be, given up when it cannot; nothing in it that should not leave the house.

use app::{Arrival, MailForm, User};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::access::{Access, Act};
use domain::authz::Role;
use domain::ledger::ledger;
use domain::workflow::loan::{Lend, Place};
use testkit::sink::{Mood, Sink};

use crate::identity::*;
use crate::{Site, on_each};

const ORIGIN: &str = "https://sakimori.clinic.example";

fn form(sink: &Sink) -> MailForm {
    MailForm {
        host: "127.0.0.1".to_owned(),
        port: sink.address.port().to_string(),
        security: "clear".to_owned(),
        sender: "sakimori@clinic.example".to_owned(),
        ..MailForm::default()
    }
}

/// The mails as people read them: recipient, then text.
fn read(sink: &Sink) -> Vec<String> {
    let plain = |mail: String| {
        let (head, body) = mail.split_once("\n\n").unwrap();
        let body: String = body.lines().collect();
        let body = STANDARD.decode(&body).map_or(body, |bytes| String::from_utf8(bytes).unwrap());
        format!("{}\n{body}", head.lines().next().unwrap())
    };
    let mut all: Vec<String> = sink.mails().into_iter().map(plain).collect();
    all.sort();
    all
}

async fn with_address(app: &app::App, admin: &app::Signed, login: &str, role: Role) -> (User, app::Terminal) {
    let new = app::NewUser { email: format!("{login}@clinic.example"), ..newcomer(login, role) };
    let user = app.user_add(admin, new).await.unwrap();
    let at = terminal(login);
    let signed = let_in(app, admin, &user, &at).await;
    app.password_set(&signed, LONG).await.unwrap();
    (user, at)
}

#[tokio::test]
async fn what_happens_to_an_account_is_told_to_its_owner_once() {
    on_each(async |site| {
        let (_, _, admin) = installed(&site).await;
        let app = &site.app;
        let sink = Sink::start().await;
        app.mail_settings_set(&admin, &form(&sink)).await.unwrap();
        let (_, at) = with_address(app, &admin, "b.sato", Role::Staff).await;
        app.sign_in_password(&at, "b.sato", LONG, None).await.unwrap();
        // The reset that let them in is told; their first terminal is not.
        assert_eq!(app.mail_round(ORIGIN).await.unwrap(), 1);
        assert!(
            read(&sink)[0].contains("<b.sato@clinic.example>") && read(&sink)[0].contains("本人確認"),
            "{:?}",
            read(&sink)
        );
        let elsewhere = terminal("elsewhere");
        app.sign_in_password(&elsewhere, "b.sato", LONG, None).await.unwrap();
        app.sign_in_password(&elsewhere, "b.sato", LONG, None).await.unwrap();
        assert_eq!(app.mail_round(ORIGIN).await.unwrap(), 1, "{}", site.name);
        let told = read(&sink);
        let told = told.iter().find(|mail| mail.contains("初めての端末")).unwrap();
        assert!(told.contains(&elsewhere.address.to_string()) && told.contains("never used on"), "{told}");
        assert_eq!(app.mail_round(ORIGIN).await.unwrap(), 0, "once");
        let raw = sink.mails().join("\n");
        assert!(raw.contains("Auto-Submitted: auto-generated") && raw.contains("Message-ID: <"), "{raw}");
        for secret in [LONG, admin.csrf.as_str()] {
            assert!(!raw.contains(secret));
        }
    })
    .await;
}

#[tokio::test]
async fn what_cannot_be_sent_waits_and_what_is_refused_is_given_up() {
    on_each(async |site| {
        let (_, _, admin) = installed(&site).await;
        let app = &site.app;
        let sink = Sink::start().await;
        app.mail_settings_set(&admin, &form(&sink)).await.unwrap();
        sink.mood(Mood::Busy);
        with_address(app, &admin, "b.sato", Role::Staff).await;
        assert_eq!(app.mail_round(ORIGIN).await.unwrap(), 0);
        let queue = async || app.mail_settings(&admin.user.facility).await.unwrap().unwrap().queue;
        assert_eq!((queue().await.waiting, queue().await.failed), (1, 0));
        assert!(queue().await.problem.unwrap().contains("busy"));
        sink.mood(Mood::Takes);
        assert_eq!(app.mail_round(ORIGIN).await.unwrap(), 0, "not before a pause");
        wait(&site, 61);
        assert_eq!(app.mail_round(ORIGIN).await.unwrap(), 1);
        assert_eq!((queue().await.waiting, queue().await.sent, queue().await.problem), (0, 1, None));
        sink.mood(Mood::Refuses);
        with_address(app, &admin, "c.ito", Role::Staff).await;
        app.mail_round(ORIGIN).await.unwrap();
        assert_eq!((queue().await.waiting, queue().await.failed), (0, 1));
        // Nobody there at all: it waits.
        let gone = MailForm { port: "1".to_owned(), ..form(&sink) };
        app.mail_settings_set(&admin, &gone).await.unwrap();
        with_address(app, &admin, "d.abe", Role::Staff).await;
        for _ in 0..11 {
            assert_eq!(queue().await.waiting, 1);
            app.mail_round(ORIGIN).await.unwrap();
            wait(&site, 24 * 3600);
        }
        assert_eq!((queue().await.waiting, queue().await.failed), (0, 2), "after eleven tries");
        assert_eq!(sink.mails().len(), 1);
    })
    .await;
}

#[tokio::test]
async fn the_day_is_summed_up_once_in_the_morning_without_names() {
    on_each(async |site| {
        let (facility, _, admin) = installed(&site).await;
        let app = &site.app;
        let sink = Sink::start().await;
        site.import(&facility, "devices.csv", "管理番号,機器名,種別,持出し\nPC-1,ひみつ端末,端末,はい\n".as_bytes())
            .await;
        site.import(&facility, "people.csv", "職員番号,氏名\nS1,職員 b.sato\n".as_bytes()).await;
        with_address(app, &admin, "b.sato", Role::Staff).await;
        with_address(app, &admin, "director", Role::Approver).await;
        with_address(app, &admin, "quiet", Role::Staff).await;
        let outside = Lend {
            device: "PC-1".into(),
            borrower: "S1".into(),
            from_on: None,
            due_on: Some("2026-11-24".parse().unwrap()),
            purpose: "訪問".into(),
            place: Place::Inside,
            patient_data: Some(false),
            unencrypted_reason: String::new(),
        };
        app.lend(&admin.actor(), &facility, outside).await.unwrap();
        app.mail_settings_set(&admin, &form(&sink)).await.unwrap();
        site.at("2026-11-25T21:30:00Z"); // 06:30 in Japan
        assert_eq!(app.mail_round(ORIGIN).await.unwrap(), 0, "too early");
        site.at("2026-11-25T22:30:00Z");
        assert_eq!(app.mail_round(ORIGIN).await.unwrap(), 1, "{:?}", read(&sink));
        let mail = read(&sink).remove(0);
        assert!(mail.contains("<b.sato@clinic.example>") && mail.contains("1台") && mail.contains(ORIGIN), "{mail}");
        assert!(!mail.contains("ひみつ") && !mail.contains("b.sato さん"), "{mail}");
        wait(&site, 3600);
        assert_eq!(app.mail_round(ORIGIN).await.unwrap(), 0, "once a day");
    })
    .await;
}

#[tokio::test]
async fn settings_that_would_give_the_password_away_are_refused() {
    on_each(async |site: Site| {
        let (_, _, admin) = installed(&site).await;
        let app = &site.app;
        let good = MailForm {
            host: "smtp.clinic.example".into(),
            port: "587".into(),
            security: "starttls".into(),
            login: "sakimori".into(),
            password: "himitsu-no-kagi".into(),
            sender: "sakimori@clinic.example".into(),
            authority: String::new(),
        };
        app.mail_settings_set(&admin, &good).await.unwrap();
        let stored = app.mail_settings(&admin.user.facility).await.unwrap().unwrap();
        assert!(stored.has_password && stored.form.password.is_empty());
        assert!(!site.dump().await.iter().any(|line| line.contains("himitsu-no-kagi")), "the password is in the dump");
        assert!(!journal(app).await.iter().any(|entry| entry.contains("himitsu-no-kagi")));
        let kept = MailForm { password: String::new(), ..good.clone() };
        app.mail_settings_set(&admin, &kept).await.unwrap();
        for (wrong, why) in [
            (MailForm { host: "evil.example".into(), ..kept.clone() }, "another server gets no stored password"),
            (MailForm { login: "other".into(), ..kept.clone() }, "nor another name"),
            (MailForm { security: "clear".into(), ..good.clone() }, "in the clear to another machine"),
            (MailForm { security: "none".into(), ..good.clone() }, "no such protection"),
            (MailForm { host: "smtp.clinic.example\r\nRCPT".into(), ..good.clone() }, "a second command"),
            (MailForm { host: String::new(), ..good.clone() }, "no server"),
            (MailForm { port: "0".into(), ..good.clone() }, "no port"),
            (MailForm { port: "65536".into(), ..good.clone() }, "too high"),
            (MailForm { sender: "a@b\r\nBcc: c@d".into(), ..good.clone() }, "a second header"),
            (MailForm { sender: "だれか".into(), ..good.clone() }, "no address"),
            (MailForm { authority: "-----BEGIN".into(), ..good.clone() }, "no certificate"),
        ] {
            assert_eq!(code(app.mail_settings_set(&admin, &wrong).await), "APP-002", "{why}");
        }
        let full = MailForm { port: "５８７".into(), ..good.clone() };
        app.mail_settings_set(&admin, &full).await.unwrap();
        let (staff, at, cookie) = colleague(app, &admin, "staff", Role::Operator).await;
        let signed = on(app, &at, &cookie).await.unwrap();
        assert_eq!(code(app.mail_settings_set(&signed, &good).await), "AUT-003", "{}", staff.login);
        assert_eq!(code(app.mail_try(&admin).await), "MAIL-003");
        app.mail_settings_remove(&admin).await.unwrap();
        assert!(app.mail_settings(&admin.user.facility).await.unwrap().is_none());
        assert!(journaled(app, "mail.set").await && journaled(app, "mail.remove").await);
    })
    .await;
}

#[tokio::test]
async fn what_stands_out_in_the_access_log_is_told_once_a_day_of_each_signal() {
    on_each(async |site| {
        let (facility, _, admin) = installed(&site).await;
        let app = &site.app;
        with_address(app, &admin, "chief", Role::Admin).await;
        with_address(app, &admin, "b.sato", Role::Staff).await;
        let sink = Sink::start().await;
        app.mail_settings_set(&admin, &form(&sink)).await.unwrap();
        let source = crate::row("log_sources", &[("no", "EMR"), ("name", "電子カルテ")]);
        site.put(&facility, ledger("log_sources").unwrap(), vec![source]).await;
        let emergency = async |user: &str| {
            let mut access = Access::new(app.now(), "EMR", user, Act::Emergency);
            access.patient = Some("0004127".to_owned());
            let (bytes, accesses) = (user.as_bytes().to_vec(), vec![access]);
            let arrival = Arrival {
                source: "EMR".to_owned(),
                format: "table",
                parser: 1,
                bytes,
                accesses,
                refused: 0,
                forged: 0,
            };
            app.receive_accesses(&testkit::actor(), &facility.id, vec![arrival]).await.unwrap();
            app.find_cases(&testkit::actor(), &facility).await.unwrap()
        };
        assert_eq!((emergency("kimura").await, emergency("sasaki").await), (1, 1), "{}", site.name);
        assert_eq!(app.mail_round(ORIGIN).await.unwrap(), 1, "two cases of one signal on one day");
        let told = read(&sink).remove(0);
        assert!(told.contains("<chief@clinic.example>") && told.contains("緊急時の閲覧"), "{told}");
        assert!(!["kimura", "sasaki", "0004127"].iter().any(|secret| told.contains(secret)), "{told}");
        // Looking again tells nothing; what comes on the next day does.
        wait(&site, 24 * 3600);
        assert_eq!(app.find_cases(&testkit::actor(), &facility).await.unwrap(), 0);
        assert_eq!(app.mail_round(ORIGIN).await.unwrap(), 0);
        assert_eq!(emergency("mori").await, 1);
        assert_eq!(app.mail_round(ORIGIN).await.unwrap(), 1);
    })
    .await;
}
