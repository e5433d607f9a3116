//! A server in memory with the demonstration clinic, people of every role, and browsers for them.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU8, Ordering};

use app::{App, Clock, NewFacility, NewUser, ResetMethod, Signed, Terminal, User};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::ConnectInfo;
use axum::http::{HeaderMap, Method, Request, StatusCode};
use domain::authz::Role;
use domain::evaluate::Facility;
use domain::journal::Event;
use jiff::Timestamp;
use store::{Location, Store};
use tempfile::TempDir;
use testkit::{actor, noon};
use tower::ServiceExt as _;
use web::Web;

/// Where browsers find the server.
pub(crate) const ORIGIN: &str = "https://sakimori.clinic.example";
/// Name of the 医療情報システム安全管理責任者, as the ledger of the demonstration has it.
pub(crate) const ADMIN: &str = "髙橋 由美子";
/// The password of everybody; it may stand alone.
pub(crate) const LONG: &str = "kx7mq2vbz9rtw";
/// Somebody to be added.
pub(crate) fn newcomer(login: &str, role: Role) -> NewUser {
    let day = |is: bool, day: &str| is.then(|| day.parse().unwrap());
    NewUser {
        login: login.to_owned(),
        name: format!("職員 {login}"),
        role,
        valid_until: day(role.is_guest(), "2027-03-31"),
        sees_from: day(role == Role::Auditor, "2026-04-01"),
        sees_until: day(role == Role::Auditor, "2027-03-31"),
        ..NewUser::default()
    }
}

/// What separates the parts of an upload.
const BOUNDARY: &str = "part-of-a-test";

/// A clock that tests turn.
#[derive(Clone)]
struct Dial(Arc<AtomicI64>);

impl Clock for Dial {
    fn now(&self) -> Timestamp {
        Timestamp::from_microsecond(self.0.load(Ordering::Relaxed)).unwrap()
    }
}

/// The server.
pub(crate) struct TestWeb {
    pub(crate) app: Arc<App>,
    pub(crate) facility: Facility,
    /// The browser of the 医療情報システム安全管理責任者, signed in by the set-up link.
    pub(crate) admin: Browser,
    router: Router,
    dial: Dial,
    folder: TempDir,
}

/// A browser on a terminal of its own, with its cookies.
#[derive(Clone)]
pub(crate) struct Browser {
    pub(crate) jar: BTreeMap<String, String>,
    pub(crate) agent: String,
    address: IpAddr,
}

/// What the server answered.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Answer {
    /// A header, or nothing.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or_default()
    }

    /// Whether it is a page.
    pub(crate) fn is_html(&self) -> bool {
        self.header("content-type").starts_with("text/html")
    }

    /// The answer where it is a page that has to be there.
    pub(crate) fn page(self) -> String {
        assert_eq!(self.status, StatusCode::OK, "{}", self.body);
        self.body
    }

    /// Fields of the form that is sent to `action`, as a browser would send them untouched.
    pub(crate) fn hidden(&self, action: &str) -> Vec<(String, String)> {
        let form = self.body.split("<form").find(|f| f.contains(&format!("action=\"{action}\"")));
        let form = form.unwrap_or_else(|| panic!("no form to {action}:\n{}", self.body));
        let form = form.split("</form>").next().unwrap();
        let attribute = |tag: &str, name: &str| {
            let from = tag.split_once(&format!("{name}=\""))?.1;
            Some(plain(from.split_once('"')?.0))
        };
        form.split("<input type=\"hidden\"")
            .skip(1)
            .filter_map(|tag| Some((attribute(tag, "name")?, attribute(tag, "value").unwrap_or_default())))
            .collect()
    }
}

/// Text as it was before it was put into a page.
fn plain(html: &str) -> String {
    let pairs = [("&#60;", "<"), ("&#62;", ">"), ("&#34;", "\""), ("&#39;", "'"), ("&#38;", "&")];
    pairs.iter().fold(html.to_owned(), |text, (from, to)| text.replace(from, to))
}

impl Browser {
    /// A new browser on a terminal that nobody has used.
    pub(crate) fn new() -> Self {
        static COUNT: AtomicU8 = AtomicU8::new(1);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let jar = BTreeMap::from([("__Host-terminal".to_owned(), format!("{number:064x}"))]);
        Self { jar, agent: "Edge".to_owned(), address: [192, 0, 2, number].into() }
    }

    /// The terminal as the product sees it.
    pub(crate) fn terminal(&self) -> Terminal {
        Terminal { key: self.jar["__Host-terminal"].clone(), address: self.address, agent: self.agent.clone() }
    }

    /// Takes a session.
    pub(crate) fn enter(&mut self, session: &str) {
        self.jar.insert("__Host-session".to_owned(), session.to_owned());
    }
}

impl TestWeb {
    /// The demonstration clinic at noon in Japan of the tests' day.
    pub(crate) async fn new() -> Self {
        Self::over(true, None).await
    }

    /// The same as empty, with three hundred records of a day that is long ago.
    pub(crate) async fn since(day: &str) -> Self {
        Self::over(false, Some(day)).await
    }

    /// A clinic that has registered nothing yet.
    pub(crate) async fn empty() -> Self {
        Self::over(false, None).await
    }

    async fn over(demo: bool, since: Option<&str>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&Location::Folder(folder.path().join("data"))).await.unwrap();
        let begin = since.map_or_else(noon, |day| format!("{day}T03:00:00Z").parse().unwrap());
        let dial = Dial(Arc::new(AtomicI64::new(begin.as_microsecond())));
        let app = Arc::new(App::new(store, dial.clone()).with_gaps(&folder.path().join("data")).unwrap());
        app.set_origin(&ORIGIN.parse().unwrap()).unwrap();
        let facility = if demo {
            app.load_demo(&actor()).await.unwrap()
        } else {
            let new = NewFacility { name: "さくら架空クリニック".to_owned(), ..NewFacility::default() };
            app.add_facility(&actor(), new).await.unwrap()
        };
        if since.is_some() {
            let mut tx = app.store.begin(&actor(), &facility.id, begin).await.unwrap();
            (0..300).for_each(|n| tx.record(Event::new("devices.lose", format!("MD-{n}"))));
            tx.commit().await.unwrap();
            dial.0.store(noon().as_microsecond(), Ordering::Relaxed);
        }
        let mut admin = Browser::new();
        let link = app.setup_link().await.unwrap();
        let grant = app.setup_begin(&admin.terminal(), link.expose()).await.unwrap();
        let session =
            app.setup_admin(&admin.terminal(), grant.expose(), &facility.id, ADMIN, "a.suzuki").await.unwrap();
        admin.enter(session.expose());
        let signed = app.session(&admin.terminal(), session.expose()).await.unwrap().unwrap();
        app.password_set(&signed, LONG).await.unwrap();
        let (origin, data) = (Arc::new(ORIGIN.to_owned()), Arc::new(folder.path().join("data")));
        let router = web::router(Web { app: Arc::clone(&app), origin, folder: data, demo });
        Self { app, facility, admin, router, dial, folder }
    }

    /// The desk of the 医療情報システム安全管理責任者.
    pub(crate) fn desk(&self) -> Desk<'_> {
        Desk { web: self, browser: self.admin.clone() }
    }

    /// Turns the clock to noon in Japan of a day.
    pub(crate) fn on(&self, day: &str) {
        let at: Timestamp = format!("{day}T03:00:00Z").parse().unwrap();
        self.dial.0.store(at.as_microsecond(), Ordering::Relaxed);
    }

    /// Lets time pass.
    pub(crate) fn wait(&self, seconds: i64) {
        self.dial.0.fetch_add(seconds * 1_000_000, Ordering::Relaxed);
    }

    /// Whose session a browser has.
    pub(crate) async fn signed(&self, browser: &Browser) -> Option<Signed> {
        let cookie = browser.jar.get("__Host-session")?;
        self.app.session(&browser.terminal(), cookie).await.unwrap()
    }

    /// Adds an account.
    pub(crate) async fn add_user(&self, login: &str, role: Role, sealed: bool) -> User {
        self.add(NewUser { sealed, ..newcomer(login, role) }).await
    }

    /// Adds an account as described.
    pub(crate) async fn add(&self, new: NewUser) -> User {
        let admin = self.signed(&self.admin).await.unwrap();
        self.app.user_add(&admin, new).await.unwrap()
    }

    /// A new person of a role, let in a moment ago.
    pub(crate) async fn somebody(&self, role: Role) -> Browser {
        let browser = Browser::new();
        let user = self.add_user(&format!("{}-{}", role.code(), browser.address), role, false).await;
        self.let_in(browser, &user).await
    }

    /// The desk of a new person who is somebody in the ledger.
    pub(crate) async fn colleague(&self, login: &str, name: &str, person: Option<&str>, role: Role) -> Desk<'_> {
        let (login, name, person) = (login.to_owned(), name.to_owned(), person.map(str::to_owned));
        let new = NewUser { login, name, person, role, ..NewUser::default() };
        let user = self.add(new).await;
        Desk { web: self, browser: self.let_in(Browser::new(), &user).await }
    }

    /// Confirms who somebody is and lets their browser in, with a password for the next time.
    async fn let_in(&self, browser: Browser, user: &User) -> Browser {
        let browser = self.admit(browser, user).await;
        let signed = self.signed(&browser).await.unwrap();
        self.app.password_set(&signed, LONG).await.unwrap();
        browser
    }

    /// Confirms who somebody is and lets their browser in, once.
    pub(crate) async fn admit(&self, mut browser: Browser, user: &User) -> Browser {
        let admin = self.signed(&self.admin).await.unwrap();
        let (grant, code) = self.app.reset_ask(&browser.terminal(), &user.login).await.unwrap();
        self.app.reset_confirm(&admin, &code, &user.id, ResetMethod::Face, "職員証").await.unwrap();
        let session = self.app.reset_use(&browser.terminal(), grant.expose()).await.unwrap().unwrap();
        browser.enter(session.expose());
        browser
    }

    /// Sends a request of a program, which has no cookies.
    pub(crate) async fn ask(&self, request: Request<Body>) -> axum::response::Response {
        self.router.clone().oneshot(request).await.unwrap()
    }

    /// Sends a request with the cookies of a browser, and takes the answer piece by piece.
    pub(crate) async fn stream(&self, browser: &Browser, mut request: Request<Body>) -> axum::response::Response {
        let cookies: Vec<String> = browser.jar.iter().map(|(name, value)| format!("{name}={value}")).collect();
        request.headers_mut().insert("cookie", cookies.join("; ").parse().unwrap());
        request.headers_mut().insert("user-agent", browser.agent.parse().unwrap());
        request.extensions_mut().insert(ConnectInfo(SocketAddr::from((browser.address, 40_000))));
        self.router.clone().oneshot(request).await.unwrap()
    }

    /// Sends a request with the cookies of a browser, and keeps those it is given.
    pub(crate) async fn send(&self, browser: &mut Browser, request: Request<Body>) -> Answer {
        let response = self.stream(browser, request).await;
        let (head, body) = response.into_parts();
        for cookie in head.headers.get_all("set-cookie") {
            let cookie = cookie.to_str().unwrap();
            let (pair, attributes) = cookie.split_once(';').unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            assert!(
                ["Secure", "HttpOnly", "SameSite=Lax", "Path=/"].iter().all(|a| attributes.contains(a)),
                "{cookie}"
            );
            if attributes.contains("Max-Age=0") {
                browser.jar.remove(name);
            } else {
                browser.jar.insert(name.to_owned(), value.to_owned());
            }
        }
        let bytes = to_bytes(body, 64 << 20).await.unwrap();
        Answer { status: head.status, headers: head.headers, body: String::from_utf8_lossy(&bytes).into_owned() }
    }

    /// Opens a page.
    pub(crate) async fn get(&self, browser: &mut Browser, path: &str) -> Answer {
        self.send(browser, Request::get(path).body(Body::empty()).unwrap()).await
    }

    /// Sends a form as our own page would.
    pub(crate) async fn post(&self, browser: &mut Browser, path: &str, fields: &[(&str, &str)]) -> Answer {
        let token = self.signed(browser).await.map(|me| me.csrf).unwrap_or_default();
        let request = form(path).header("sec-fetch-site", "same-origin");
        self.send(browser, request.body(encoded(path, fields, Some(&token), None)).unwrap()).await
    }

    /// Sends a file as our own page would.
    pub(crate) async fn upload(&self, browser: &mut Browser, path: &str, name: &str, bytes: &[u8]) -> Answer {
        let token = self.signed(browser).await.map(|me| me.csrf).unwrap_or_default();
        let request = form(path).header("sec-fetch-site", "same-origin");
        self.send(browser, request.body(encoded(path, &[], Some(&token), Some((name, bytes)))).unwrap()).await
    }

    /// The data folder.
    pub(crate) fn data(&self) -> std::path::PathBuf {
        self.folder.path().join("data")
    }

    /// How many events the journal has.
    pub(crate) async fn events(&self) -> usize {
        self.app.store.journal_list(None, 1_000_000).await.unwrap().len()
    }
}

/// Somebody at a browser.
pub(crate) struct Desk<'a> {
    pub(crate) web: &'a TestWeb,
    pub(crate) browser: Browser,
}

impl Desk<'_> {
    /// Opens what may be a page.
    pub(crate) async fn get(&mut self, path: &str) -> Answer {
        self.web.get(&mut self.browser, path).await
    }

    /// Opens a page that has to be there.
    pub(crate) async fn page(&mut self, path: &str) -> String {
        self.get(path).await.page()
    }

    /// Sends a form as our own page would.
    pub(crate) async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        self.web.post(&mut self.browser, path, fields).await
    }

    /// Sends the form of a page to `action`, with the hidden fields it has there and these on top.
    pub(crate) async fn submit(&mut self, page: &str, action: &str, fields: &[(&str, &str)]) -> Answer {
        let hidden = self.get(page).await.hidden(action);
        let hidden = hidden.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        // With the token the page itself has.
        let all: Vec<_> = hidden.chain(fields.iter().copied()).collect();
        let request = form(action).header("sec-fetch-site", "same-origin");
        self.web.send(&mut self.browser, request.body(encoded(action, &all, None, None)).unwrap()).await
    }

    /// Follows a redirect.
    pub(crate) async fn follow(&mut self, answer: &Answer) -> String {
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
        self.page(answer.header("location")).await
    }
}

/// Whether a form has a file.
pub(crate) fn has_file(path: &str) -> bool {
    path == "/imports" || (path.starts_with("/requests/") && path.ends_with("/answer"))
}

/// The head of a form's request.
pub(crate) fn form(path: &str) -> axum::http::request::Builder {
    let kind = if has_file(path) {
        format!("multipart/form-data; boundary={BOUNDARY}")
    } else {
        "application/x-www-form-urlencoded".to_owned()
    };
    Request::builder().method(Method::POST).uri(path).header("content-type", kind)
}

/// Its body.
pub(crate) fn encoded(path: &str, fields: &[(&str, &str)], token: Option<&str>, file: Option<(&str, &[u8])>) -> Body {
    let all = token.map(|t| ("_csrf", t)).into_iter().chain(fields.iter().copied());
    if !has_file(path) {
        return Body::from(url::form_urlencoded::Serializer::new(String::new()).extend_pairs(all).finish());
    }
    let mut body = Vec::new();
    for (name, value) in all {
        let part = format!("--{BOUNDARY}\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
        body.extend_from_slice(part.as_bytes());
    }
    if let Some((name, bytes)) = file {
        let head = format!("content-disposition: form-data; name=\"file\"; filename=\"{name}\"");
        body.extend_from_slice(format!("--{BOUNDARY}\r\n{head}\r\n\r\n").as_bytes());
        body.extend_from_slice(bytes);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(format!("--{BOUNDARY}--\r\n").as_bytes());
    Body::from(body)
}
