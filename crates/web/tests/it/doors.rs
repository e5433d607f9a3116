//! Every route of the table: as nobody, as every role, and from a stranger's page.

use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use domain::authz::{Permission, Role};
use web::routes::{Access, ROUTES, Route};

use crate::support::{Browser, LONG, ORIGIN, TestWeb, encoded, form, newcomer};

/// The permission a session needs for a route; `None` where it is open or where something else than a session counts.
fn needs(access: Access) -> Option<Permission> {
    match access {
        Access::Holder(permission) | Access::Fresh(permission) => Some(permission),
        _ => None,
    }
}

/// The table with what ends the session at its end.
fn routes() -> Vec<&'static Route> {
    let mut all: Vec<_> = ROUTES.iter().collect();
    all.sort_by_key(|route| route.path == "/sign-out");
    all
}

/// A path with something plausible for each parameter; `user` is the id of somebody nobody else is.
fn filled(path: &str, user: &str) -> String {
    let of = |name: &str| match name.trim_start_matches('*') {
        "name" => "app.css",
        "ledger" => "devices",
        "key" => "PC-010",
        "no" => "L-0001",
        "edition" => "mhlw-7.0",
        "form" => "clinic",
        "id" if path.starts_with("/users/") => user,
        _ => "0190d5a0-0000-7000-8000-000000000000",
    };
    let parts = path.split('/').map(|part| match part.strip_prefix('{').and_then(|p| p.strip_suffix('}')) {
        Some(name) => of(name).to_owned(),
        None => part.to_owned(),
    });
    parts.collect::<Vec<_>>().join("/")
}

async fn call(web: &TestWeb, browser: &mut Browser, route: &Route, path: &str) -> crate::support::Answer {
    if route.method == Method::GET { web.get(browser, path).await } else { web.post(browser, path, &[]).await }
}

#[tokio::test]
async fn nobody_comes_past_the_sign_in() {
    let web = TestWeb::new().await;
    // Browsers send nothing but GET and POST; what programs send is in `api`.
    for route in routes().into_iter().filter(|r| [Method::GET, Method::POST].contains(&r.method)) {
        let path = filled(route.path, "x");
        let answer = call(&web, &mut Browser::new(), route, &path).await;
        let said = format!("{} {path}: {}", route.method, answer.status);
        if matches!(route.access, Access::Open | Access::File) {
            let refused = [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN].contains(&answer.status);
            assert!(!refused && !answer.status.is_server_error(), "{said}");
        } else {
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{said}");
        }
        if needs(route.access).is_some() {
            assert!(answer.body.contains("action=\"/sign-in\""), "{said}: no way to sign in");
            assert!(!answer.body.contains(&web.facility.name), "{said}: tells whose server it is");
        }
    }
}

#[tokio::test]
async fn every_role_gets_what_its_duty_needs_and_nothing_else() {
    let web = TestWeb::new().await;
    let nobody_else = web.add_user("target", Role::Vendor, false).await;
    for role in Role::ALL {
        let mut browser = web.somebody(role).await;
        for route in routes() {
            if !matches!(route.access, Access::Open | Access::File) && needs(route.access).is_none() {
                continue;
            }
            let path = filled(route.path, &nobody_else.id);
            let answer = call(&web, &mut browser, route, &path).await;
            let said = format!("{} {} {path}: {}\n{}", role.code(), route.method, answer.status, answer.body);
            if needs(route.access).is_none_or(|permission| role.may(permission)) {
                let refused = [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN].contains(&answer.status);
                assert!(!refused && !answer.status.is_server_error(), "{said}");
            } else {
                assert_eq!(answer.status, StatusCode::FORBIDDEN, "{said}");
            }
        }
    }
}

#[tokio::test]
async fn what_another_site_sends_changes_nothing() {
    let web = TestWeb::new().await;
    let mut browser = web.admin.clone();
    let token = web.signed(&browser).await.unwrap().csrf;
    let before = web.events().await;
    let strangers: &[&[(&str, &str)]] = &[
        &[("sec-fetch-site", "cross-site"), ("origin", "https://evil.example")],
        &[("sec-fetch-site", "cross-site"), ("origin", ORIGIN)],
        &[("sec-fetch-site", "same-site"), ("origin", "https://other.clinic.example")],
        &[("sec-fetch-site", "none")],
        &[("origin", "https://evil.example")],
        &[("origin", "null")],
        &[],
    ];
    let by_session = |route: &&Route| route.access == Access::Open || needs(route.access).is_some();
    for route in routes().into_iter().filter(|r| r.method != Method::GET).filter(by_session) {
        let path = filled(route.path, "x");
        for headers in strangers {
            let request = headers.iter().fold(form(&path), |request, (name, value)| request.header(*name, *value));
            let request = request.body(encoded(&path, &[], Some(&token), None)).unwrap();
            let answer = web.send(&mut browser, request).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{} {path} {headers:?}", route.method);
        }
        for wrong in [None, Some(""), Some("0000"), Some(&token[1..])] {
            let request = form(&path).header("sec-fetch-site", "same-origin");
            let answer = web.send(&mut browser, request.body(encoded(&path, &[], wrong, None)).unwrap()).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{} {path} with token {wrong:?}", route.method);
        }
        // An open door takes ten knocks a minute.
        web.wait(if route.access == Access::Open { 24 } else { 0 });
    }
    assert_eq!(web.events().await, before, "the journal heard of something");
    assert!(web.signed(&browser).await.is_some(), "the session is untouched");
}

#[tokio::test]
async fn another_method_is_a_page_that_is_not_there() {
    let web = TestWeb::new().await;
    let mut browser = web.admin.clone();
    for (method, path) in [("GET", "/account/totp/begin"), ("DELETE", "/ledgers"), ("GET", "/nowhere")] {
        let request = Request::builder().method(method).uri(path).header("sec-fetch-site", "same-origin");
        let answer = web.send(&mut browser, request.body(Body::empty()).unwrap()).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{method} {path}");
        assert!(answer.body.contains("APP-003") && answer.body.contains("<h1>"), "{method} {path}: {}", answer.body);
    }
}

#[tokio::test]
async fn every_answer_forbids_what_pages_do_not_need() {
    let web = TestWeb::new().await;
    let mut browser = web.admin.clone();
    for route in routes().into_iter().filter(|r| r.method == Method::GET) {
        let path = filled(route.path, "x");
        let answer = web.get(&mut browser, &path).await;
        if matches!(route.access, Access::Open | Access::File) || needs(route.access).is_some() {
            let policy = answer.header("content-security-policy");
            assert!(policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self'"), "{path}: {policy}");
            assert!(!policy.contains("unsafe") && !policy.contains('*'), "{path}: {policy}");
            assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
            assert!(answer.header("strict-transport-security").contains("max-age"), "{path}");
            assert!(!answer.header("cache-control").is_empty(), "{path}");
        }
        if answer.is_html() {
            assert_eq!(answer.header("cache-control"), "no-store", "{path}");
            inline(&path, &answer.body);
        }
    }
}

/// Refuses a page with anything that the policy would stop.
fn inline(path: &str, html: &str) {
    assert!(!html.contains("<style") && !html.contains("javascript:"), "{path}");
    for tag in html.split('<').skip(1).filter_map(|t| t.split_once('>')).map(|(tag, _)| tag) {
        let bare = format!(" {}", tag.replace(['\n', '\t'], " "));
        assert!(!bare.contains(" style="), "{path}: <{tag}>");
        let handler = bare.split(" on").skip(1).any(|rest| {
            let name = rest.chars().take_while(char::is_ascii_lowercase).count();
            name > 2 && rest.get(name..).is_some_and(|after| after.starts_with("=\""))
        });
        assert!(!handler, "{path}: <{tag}>");
        assert!(!tag.starts_with("script") || tag.contains("src=\"/assets/"), "{path}: <{tag}>");
    }
}

/// Japanese that stands on English pages on purpose: names of guidelines and forms, the product, and the way back.
const TERMS: &[&str] = &["防人", "日本語", "省ガイドライン"];

/// Runs of Japanese in the text of a page that is marked as English; what is marked as Japanese is data.
fn japanese(html: &str) -> Vec<String> {
    let is = |c: char| matches!(c, '\u{3041}'..='\u{309f}' | '\u{30a1}'..='\u{30fa}' | '\u{4e00}'..='\u{9fff}');
    let main = html.split_once("<body").map_or(html, |(_, body)| body);
    let text: String =
        main.split('<').filter_map(|part| part.split_once('>')).map(|(_, text)| format!("{text}\n")).collect();
    let runs = text.lines().filter(|line| line.chars().any(is)).map(|line| line.trim().to_owned());
    runs.filter(|run| !TERMS.contains(&run.chars().filter(|c| is(*c)).collect::<String>().as_str())).collect()
}

#[tokio::test]
async fn an_english_page_speaks_english() {
    // Nothing is registered, so what is Japanese is ours.
    let web = TestWeb::empty().await;
    let mut browser = web.admin.clone();
    browser.jar.insert("__Host-lang".to_owned(), "en".to_owned());
    let mut left = Vec::new();
    for route in
        routes().into_iter().filter(|r| r.method == Method::GET && !r.path.contains('{') && needs(r.access).is_some())
    {
        // The manual and what catalogs say is Japanese.
        if ["/requirements", "/checklists", "/", "/setup/4"].contains(&route.path) {
            continue;
        }
        let answer = web.get(&mut browser, route.path).await;
        if answer.status == StatusCode::OK && answer.is_html() {
            let name = &web.facility.name;
            let found = japanese(
                &answer.body.replace(name.as_str(), "").replace("鈴木 あおい", "").replace(crate::support::ADMIN, ""),
            );
            left.extend(found.into_iter().map(|run| format!("{}: {run}", route.path)));
        }
    }
    assert!(left.is_empty(), "{}", left.join("\n"));
}

#[tokio::test]
async fn who_was_let_in_makes_a_way_in_before_anything_else() {
    let web = TestWeb::new().await;
    let user = web.add(newcomer("c.mori", Role::Admin)).await;
    let mut browser = web.admit(Browser::new(), &user).await;
    assert_eq!(web.get(&mut browser, "/ledgers").await.header("location"), "/account");
    assert!(web.get(&mut browser, "/account").await.body.contains("ほかの操作は使えません"));
    let events = web.events().await;
    for closed in ["/account/recovery-codes", "/account/email", "/account/tokens", "/account/totp/remove"] {
        let answer = web.post(&mut browser, closed, &[("email", "a@clinic.example"), ("name", "x")]).await;
        assert_eq!((answer.status, answer.header("location")), (StatusCode::SEE_OTHER, "/account"), "{closed}");
    }
    assert_eq!(web.events().await, events, "nothing was done");
    let made = [("new_password", LONG), ("password_again", LONG)];
    assert_eq!(web.post(&mut browser, "/account/password", &made).await.status, StatusCode::SEE_OTHER);
    assert_eq!(web.get(&mut browser, "/ledgers").await.status, StatusCode::OK);
}
