//! A server with the demonstration clinic, and somebody who is signed in at a terminal.

use std::collections::BTreeMap;
use std::sync::Arc;

use app::{App, NewUser, ResetMethod, Terminal};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::header::{CONTENT_TYPE, COOKIE, LOCATION, SET_COOKIE};
use axum::http::{Request, StatusCode};
use domain::authz::Role;
use store::{Location, Store};
use tempfile::TempDir;
use tower::ServiceExt as _;
use web::Web;

const ORIGIN: &str = "https://sakimori.test";
/// A password that may stand alone.
const LONG: &str = "kx7mq2vbz9rtw";

/// The server.
pub(crate) struct TestWeb {
    pub(crate) app: Arc<App>,
    router: Router,
    admin: Browser,
    _folder: TempDir,
}

/// A browser with its cookies.
#[derive(Clone)]
pub(crate) struct Browser {
    router: Router,
    cookies: BTreeMap<String, String>,
}

/// What came back.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) location: String,
    pub(crate) html: String,
}

fn terminal(name: &str) -> Terminal {
    let key: String = name.chars().chain(std::iter::repeat('x')).take(64).collect();
    Terminal { key, address: [0, 0, 0, 0].into(), agent: String::new() }
}

impl TestWeb {
    /// The demonstration clinic, with its administrator signed in.
    pub(crate) async fn demo() -> Self {
        Self::over(true).await
    }

    /// A clinic that has registered nothing yet.
    pub(crate) async fn empty() -> Self {
        Self::over(false).await
    }

    async fn over(demo: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&Location::Folder(folder.path().join("data"))).await.unwrap();
        let app = Arc::new(App::new(store, testkit::noon()));
        let facility = if demo {
            app.load_demo(&testkit::actor()).await.unwrap()
        } else {
            let new =
                app::NewFacility { name: "さくら架空クリニック".to_owned(), ..app::NewFacility::default() };
            app.add_facility(&testkit::actor(), new).await.unwrap()
        };
        let web = Web { app: Arc::clone(&app), origin: Arc::new(ORIGIN.to_owned()), folder: Arc::default(), demo };
        let router = web::router(web);
        let desk = terminal("desk");
        let link = app.setup_link().await.unwrap();
        let grant = app.setup_begin(&desk, link.expose()).await.unwrap();
        let session = app.setup_admin(&desk, grant.expose(), &facility.id, "髙橋 由美子", "takahashi").await.unwrap();
        let admin = Browser::new(&router, &desk, session.expose());
        Self { app, router, admin, _folder: folder }
    }

    /// The administrator's browser.
    pub(crate) fn admin(&self) -> Browser {
        self.admin.clone()
    }

    /// The browser of a colleague with this role, tied to a person of the ledger.
    pub(crate) async fn colleague(&self, login: &str, name: &str, person: Option<&str>, role: Role) -> Browser {
        let desk = terminal("desk");
        let admin = self.app.session(&desk, &self.admin.cookies["__Host-session"]).await.unwrap().unwrap();
        let new = NewUser {
            login: login.to_owned(),
            name: name.to_owned(),
            person: person.map(str::to_owned),
            role,
            valid_from: None,
            valid_until: None,
            sealed: false,
        };
        let user = self.app.user_add(&admin, new).await.unwrap();
        let at = terminal(login);
        let (cookie, code) = self.app.reset_ask(&at, login).await.unwrap();
        self.app.reset_confirm(&admin, &code, &user.id, ResetMethod::Face, "職員証").await.unwrap();
        let cookie = self.app.reset_use(&at, cookie.expose()).await.unwrap().unwrap();
        let signed = self.app.session(&at, cookie.expose()).await.unwrap().unwrap();
        self.app.password_set(&signed, LONG).await.unwrap();
        let session = self.app.sign_in_password(&at, login, LONG, None).await.unwrap();
        Browser::new(&self.router, &at, session.expose())
    }
}

impl Browser {
    fn new(router: &Router, at: &Terminal, session: &str) -> Self {
        let cookies = [("__Host-terminal", at.key.as_str()), ("__Host-session", session)];
        let cookies = cookies.into_iter().map(|(n, v)| (n.to_owned(), v.to_owned())).collect();
        Self { router: router.clone(), cookies }
    }

    async fn send(&mut self, request: axum::http::request::Builder, body: String) -> Answer {
        let jar = self.cookies.iter().map(|(n, v)| format!("{n}={v}")).collect::<Vec<_>>().join("; ");
        let request: Request<Body> = request.header(COOKIE, jar).body(Body::from(body)).unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        for line in response.headers().get_all(SET_COOKIE) {
            let (name, rest) = line.to_str().unwrap().split_once('=').unwrap();
            let value = rest.split(';').next().unwrap().to_owned();
            if value.is_empty() {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value);
            }
        }
        let location = response.headers().get(LOCATION).map(|v| v.to_str().unwrap().to_owned()).unwrap_or_default();
        let status = response.status();
        let html = String::from_utf8(to_bytes(response.into_body(), usize::MAX).await.unwrap().to_vec()).unwrap();
        Answer { status, location, html }
    }

    /// Opens a page.
    pub(crate) async fn get(&mut self, path: &str) -> Answer {
        self.send(Request::get(path), String::new()).await
    }

    /// Opens a page that has to be there.
    pub(crate) async fn page(&mut self, path: &str) -> String {
        let answer = self.get(path).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.html);
        answer.html
    }

    /// Sends the form of a page to `action`, with the hidden fields it has there and these on top.
    pub(crate) async fn submit(&mut self, page: &str, action: &str, fields: &[(&str, &str)]) -> Answer {
        let html = self.page(page).await;
        let at = html.find(&format!("action=\"{action}\"")).unwrap_or_else(|| panic!("{page} has no form to {action}"));
        let form = html[at..].split("</form>").next().unwrap();
        let mut body = url::form_urlencoded::Serializer::new(String::new());
        for hidden in form.split("<input type=\"hidden\" ").skip(1) {
            let cell = |name: &str| hidden.split(&format!("{name}=\"")).nth(1).unwrap().split('"').next().unwrap();
            body.append_pair(cell("name"), cell("value"));
        }
        for (name, value) in fields {
            body.append_pair(name, value);
        }
        self.post(action, body.finish()).await
    }

    async fn post(&mut self, path: &str, body: String) -> Answer {
        let request = Request::post(path)
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header("sec-fetch-site", "same-origin");
        self.send(request, body).await
    }

    /// Follows a redirect.
    pub(crate) async fn follow(&mut self, answer: &Answer) -> String {
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.html);
        self.page(&answer.location).await
    }
}
