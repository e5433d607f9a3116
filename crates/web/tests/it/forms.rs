//! What is typed: never lost, never taken twice, never a fault of the server.

use std::collections::BTreeMap;

use app::{NewFacility, NewUser};
use axum::http::StatusCode;
use domain::authz::Role;
use domain::ledger::{LEDGERS, ledger};
use testkit::actor;

use crate::support::{Browser, LONG, TestWeb, encoded, form};

/// Fields as a form sends them.
fn borrowed(fields: &[(String, String)]) -> Vec<(&str, &str)> {
    fields.iter().filter(|(name, _)| name != "_csrf").map(|(n, v)| (n.as_str(), v.as_str())).collect()
}

/// Signs in by password on the page that was answered, and sends what had been typed.
async fn resume(web: &TestWeb, browser: &mut Browser, page: &crate::support::Answer, login: &str, to: &str) {
    assert_eq!(page.status, StatusCode::UNAUTHORIZED);
    let mut fields = page.hidden("/sign-in");
    fields.push(("login".to_owned(), login.to_owned()));
    fields.push(("password".to_owned(), LONG.to_owned()));
    let resumed = web.post(browser, "/sign-in", &borrowed(&fields)).await;
    assert_eq!(resumed.status, StatusCode::OK, "{}", resumed.body);
    let sent = web.post(browser, to, &borrowed(&resumed.hidden(to))).await;
    assert_eq!(sent.status, StatusCode::SEE_OTHER, "{}", sent.body);
}

#[tokio::test]
async fn a_session_that_ends_loses_nothing_that_was_typed() {
    let web = TestWeb::new().await;
    let mut browser = web.admin.clone();
    let user = web.add_user("b.sato", Role::Staff, false).await;
    let typed = |no: &'static str| [("no", no), ("name", "\"高橋\" <ひなた> & 'co'"), ("note", "一行目\n二行目")];

    // The screen locked meanwhile.
    web.wait(20 * 60);
    let asked = web.post(&mut browser, "/ledgers/people/new", &typed("S901")).await;
    resume(&web, &mut browser, &asked, "", "/ledgers/people/new").await;
    let shown = web.get(&mut browser, "/ledgers/people/S901").await;
    assert_eq!(shown.status, StatusCode::OK);
    assert!(shown.body.contains("&#60;ひなた&#62; &#38; &#39;co&#39;"), "{}", shown.body);

    // The session is over.
    browser.jar.remove("__Host-session");
    let asked = web.post(&mut browser, "/ledgers/people/new", &typed("S902")).await;
    resume(&web, &mut browser, &asked, "a.suzuki", "/ledgers/people/new").await;
    assert_eq!(web.get(&mut browser, "/ledgers/people/S902").await.status, StatusCode::OK);

    // A form of nothing but a button.
    let path = format!("/users/{}/sessions/end", user.id);
    browser.jar.remove("__Host-session");
    let asked = web.post(&mut browser, &path, &[]).await;
    resume(&web, &mut browser, &asked, "a.suzuki", &path).await;
}

#[tokio::test]
async fn of_a_form_with_a_file_only_the_file_is_chosen_again() {
    let web = TestWeb::new().await;
    let mut browser = Browser::new();
    let csv = "資産番号,機器名\nPC-901,受付の端末\n".as_bytes();
    let sent = form("/imports").header("sec-fetch-site", "same-origin");
    let sent = sent.body(encoded("/imports", &[("ledger", "devices")], None, Some(("機器.csv", csv)))).unwrap();
    let asked = web.send(&mut browser, sent).await;
    let mut fields = asked.hidden("/sign-in");
    assert!(!asked.body.contains("PC-901"), "a file of somebody who has not signed in stays unread");
    fields.extend([("login", "a.suzuki"), ("password", LONG)].map(|(n, v)| (n.to_owned(), v.to_owned())));
    let resumed = web.post(&mut browser, "/sign-in", &borrowed(&fields)).await;
    assert_eq!(resumed.status, StatusCode::OK, "{}", resumed.body);
    for part in ["enctype=\"multipart/form-data\"", "name=\"file\" type=\"file\"", "もう一度選んでください"]
    {
        assert!(resumed.body.contains(part), "{part}: {}", resumed.body);
    }
    let hidden = resumed.hidden("/imports");
    assert!(hidden.contains(&("ledger".to_owned(), "devices".to_owned())), "{hidden:?}");
    let again = form("/imports").header("sec-fetch-site", "same-origin");
    let fields: Vec<_> = hidden.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    let again = again.body(encoded("/imports", &fields, None, Some(("機器.csv", csv)))).unwrap();
    let taken = web.send(&mut browser, again).await;
    assert_eq!(taken.status, StatusCode::SEE_OTHER, "{}", taken.body);
    assert!(taken.header("location").ends_with("?ledger=devices"), "{}", taken.header("location"));
}

#[tokio::test]
async fn a_heading_that_was_read_wrongly_is_chosen_again() {
    let web = TestWeb::new().await;
    let mut desk = web.desk();
    let csv = "管理番号,機器名,種別,担当の人\nPC-901,受付の端末,端末,髙橋 由美子\n".as_bytes();
    let sent = desk.web.upload(&mut desk.browser, "/imports", "機器.csv", csv).await;
    let held = sent.header("location").to_owned();
    let to = format!("{}/map", held.split('?').next().unwrap());
    assert!(desk.page(&held).await.contains("分からない見出し"));
    desk.submit(&held, &to, &[("heading.担当の人", "note")]).await;
    let page = desk.page(&held).await;
    assert!(page.contains("見出しの読み取り方（4列）") && !page.contains("分からない見出し"), "{page}");
    assert!(page.contains("name=\"was.担当の人\" value=\"note\""), "{page}");
    let before = web.events().await;
    let as_shown = [("heading.担当の人", "owner"), ("heading.機器名", "name")];
    desk.submit(&held, &to, &as_shown).await;
    assert_eq!(web.events().await, before + 1, "only what was chosen otherwise");
    assert!(desk.page(&held).await.contains("name=\"was.担当の人\" value=\"owner\""));
    desk.submit(&held, &to, &[("heading.担当の人", "")]).await;
    assert!(!desk.page(&held).await.contains("name=\"was.担当の人\""), "left out");
}

#[tokio::test]
async fn a_dangerous_act_asks_again_and_never_carries_a_password_along() {
    let web = TestWeb::new().await;
    let mut browser = web.somebody(Role::Staff).await;
    web.wait(14 * 60);
    web.get(&mut browser, "/account").await;
    web.wait(2 * 60);
    let other = "another-secret-99";
    let typed = [("new_password", other), ("password_again", other), ("code", "123456")];
    let asked = web.post(&mut browser, "/account/password", &typed).await;
    assert_eq!(asked.status, StatusCode::UNAUTHORIZED);
    assert!(!asked.body.contains(other) && !asked.body.contains("123456"), "{}", asked.body);
}

#[tokio::test]
async fn the_next_person_at_a_locked_terminal_gets_in() {
    let web = TestWeb::new().await;
    let mut browser = web.somebody(Role::Staff).await;
    web.wait(20 * 60);
    let locked = web.get(&mut browser, "/").await;
    assert_eq!(locked.status, StatusCode::UNAUTHORIZED);
    assert!(!locked.body.contains("id=\"f-login\""), "only its owner opens it");
    let left = web.post(&mut browser, "/sign-out", &[]).await;
    assert_eq!((left.status, left.header("location")), (StatusCode::SEE_OTHER, "/sign-in"));
    assert!(web.get(&mut browser, "/sign-in").await.body.contains("id=\"f-login\""));
}

#[tokio::test]
async fn a_cookie_on_another_terminal_ends_the_session() {
    let web = TestWeb::new().await;
    let mut thief = Browser::new();
    thief.enter(&web.admin.jar["__Host-session"]);
    assert_eq!(web.get(&mut thief, "/").await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(web.get(&mut web.admin.clone(), "/").await.status, StatusCode::UNAUTHORIZED, "revoked");
}

#[tokio::test]
async fn the_way_back_leads_to_our_own_pages_only() {
    let web = TestWeb::new().await;
    let mut browser = web.admin.clone();
    for elsewhere in ["https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)", ""] {
        let answer = web.post(&mut browser, "/language", &[("lang", "en"), ("next", elsewhere)]).await;
        assert_eq!((answer.status, answer.header("location")), (StatusCode::SEE_OTHER, "/"), "{elsewhere}");
    }
    browser.jar.remove("__Host-session");
    let fields = [("login", "a.suzuki"), ("password", LONG), ("next", "https://evil.example/"), ("kept.a", "b")];
    let resumed = web.post(&mut browser, "/sign-in", &fields).await;
    assert!(resumed.body.contains("<form method=\"post\" action=\"/\">"), "{}", resumed.body);
}

#[tokio::test]
async fn sent_twice_is_taken_once() {
    let web = TestWeb::new().await;
    let mut browser = web.admin.clone();
    let fields = [("rev", "0"), ("no", "S903"), ("name", "高橋 ひなた")];
    let first = web.post(&mut browser, "/ledgers/people/new", &fields).await;
    assert_eq!((first.status, first.header("location")), (StatusCode::SEE_OTHER, "/ledgers/people/S903"));
    let second = web.post(&mut browser, "/ledgers/people/new", &fields).await;
    assert_eq!(second.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(second.body.contains("id=\"error-summary\"") && second.body.contains("value=\"高橋 ひなた\""));
}

#[tokio::test]
async fn who_was_slower_sees_both_and_decides() {
    let web = TestWeb::new().await;
    let mut browser = web.admin.clone();
    let path = "/ledgers/people/S001/edit";
    let page = web.get(&mut browser, path).await;
    let rev = page.hidden(path).into_iter().find(|(name, _)| name == "rev").unwrap().1;
    let change = |rev: &str, note: &str| [("rev".to_owned(), rev.to_owned()), ("note".to_owned(), note.to_owned())];
    let first = web.post(&mut browser, path, &borrowed(&change(&rev, "早い人"))).await;
    assert_eq!(first.status, StatusCode::SEE_OTHER, "{}", first.body);
    let slower = web.post(&mut browser, path, &borrowed(&change(&rev, "遅い人"))).await;
    assert_eq!(slower.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(slower.body.contains("早い人") && slower.body.contains("遅い人"), "{}", slower.body);
    let rev = slower.hidden(path).into_iter().find(|(name, _)| name == "rev").unwrap().1;
    assert_eq!(web.post(&mut browser, path, &borrowed(&change(&rev, "遅い人"))).await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn another_facility_is_not_there() {
    let web = TestWeb::new().await;
    let other = NewFacility { name: "ひばり架空医院".to_owned(), ..NewFacility::default() };
    let other = web.app.add_facility(&actor(), other).await.unwrap();
    let row = BTreeMap::from([("no".to_owned(), "Z-1".to_owned()), ("name".to_owned(), "他院の人".to_owned())]);
    web.app.save_row(&actor(), &other, ledger("people").unwrap(), None, &row).await.unwrap();
    let mut stranger = web.signed(&web.admin).await.unwrap();
    stranger.user.facility = other.id;
    let (login, name) = ("z.other".to_owned(), "他院の人".to_owned());
    let new = NewUser { login, name, role: Role::Staff, ..NewUser::default() };
    let user = web.app.user_add(&stranger, new).await.unwrap();

    let mut browser = web.admin.clone();
    for path in ["/ledgers/people/Z-1".to_owned(), "/ledgers/people/Z-1/edit".to_owned(), format!("/users/{}", user.id)]
    {
        let answer = web.get(&mut browser, &path).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
        assert!(!answer.body.contains("他院の人"), "{path}");
    }
    let acts = [
        ("/ledgers/people/Z-1/edit".to_owned(), vec![("rev", "1"), ("name", "x")]),
        ("/ledgers/people/Z-1/remove".to_owned(), vec![("rev", "1"), ("reason", "x")]),
        ("/ledgers/people/confirm".to_owned(), vec![("key", "Z-1")]),
        (format!("/users/{}/role", user.id), vec![("role", "admin")]),
        (format!("/users/{}/disable", user.id), vec![("reason", "x")]),
        (format!("/users/{}/sessions/end", user.id), vec![]),
    ];
    let before = web.events().await;
    for (path, fields) in acts {
        assert_eq!(web.post(&mut browser, &path, &fields).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    assert_eq!(web.events().await, before);
    assert!(!web.get(&mut browser, "/ledgers/people?q=%E4%BB%96%E9%99%A2").await.body.contains("Z-1"));
}

#[tokio::test]
async fn nothing_that_is_typed_breaks_the_server() {
    let web = TestWeb::new().await;
    let mut browser = web.admin.clone();
    let long = "あ".repeat(500);
    let typed = [
        long.as_str(),
        "\u{0}\u{7}\u{1b}[31m\u{200b}\u{202e}制御",
        "💊🏥👩‍⚕️",
        "　ＡＢＣ－１２３　全角　",
        "'; DROP TABLE devices; --",
        "<script>alert(1)</script>\"'&",
        "=cmd|'/c calc'!A0",
        "-99999999999999999999999",
        "令和99年13月32日",
        "../../etc/passwd%00",
    ];
    let fine = [StatusCode::OK, StatusCode::SEE_OTHER, StatusCode::UNPROCESSABLE_ENTITY];
    for of in LEDGERS {
        let path = format!("/ledgers/{}/new", of.name);
        for text in typed {
            let fields: Vec<(&str, &str)> = of.columns.iter().map(|column| (column.name, text)).collect();
            let answer = web.post(&mut browser, &path, &fields).await;
            assert!(fine.contains(&answer.status), "{path} {text:?}: {}\n{}", answer.status, answer.body);
            assert!(!answer.body.contains("<script>alert"), "{path}");
            if answer.status == StatusCode::SEE_OTHER {
                let shown = web.get(&mut browser, answer.header("location")).await;
                assert_eq!(shown.status, StatusCode::OK, "{path} {text:?} → {}", answer.header("location"));
            }
        }
    }
    for text in typed {
        let text: String = url::form_urlencoded::byte_serialize(text.as_bytes()).collect();
        for path in [
            format!("/ledgers/devices?q={text}&sort={text}&desc={text}&kind={text}&nothing={text}"),
            format!("/ledgers/devices?page={text}"),
            format!("/ledgers/devices/{}", text.replace('+', "%20")),
            format!("/imports?ledger={text}"),
            format!("/ledgers/{}", text.replace('+', "%20")),
        ] {
            let answer = web.get(&mut browser, &path).await;
            assert!(!answer.status.is_server_error(), "{path}: {}", answer.status);
            assert!(!answer.body.contains("<script>alert"), "{path}");
        }
    }
}
