//! Pages: the frame around every one, and what is shown when something is refused.

use std::borrow::Borrow;
use std::fmt::Display;
use std::sync::{Arc, OnceLock};

use app::AccessError;
use askama::Template;
use axum::http::header::{CONTENT_TYPE, LOCATION, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{Html, IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::authz::Permission;
use domain::catalog::Text;
use domain::message::Messages;
use domain::text::{Label, Lang};
use jiff::Timestamp;
use jiff::civil::Date;

use crate::api::fhir;
use crate::cookies;
use crate::form::Fields;
use crate::guard::Visit;

/// Every word of the pages.
pub(crate) const WORDS: &str = include_str!("words.toml");

/// The table of [`WORDS`].
pub(crate) fn words() -> &'static Messages {
    static TABLE: OnceLock<Messages> = OnceLock::new();
    TABLE.get_or_init(|| Messages::parse(WORDS))
}

/// The entries of the navigation, in task language: address, key of the word, who sees it, and the pages that stand behind it.
const NAVIGATION: &[(&str, &str, Permission, &[&str])] = &[
    ("/", "nav-today", Permission::ReadTasks, &["/lost", "/incident", "/notice", "/circulars"]),
    ("/loans", "nav-loans", Permission::LendDevices, &[]),
    (
        "/ledgers",
        "nav-ledgers",
        Permission::ReadLedgers,
        &["/media", "/byod", "/disposals", "/documents", "/training", "/inspections", "/imports"],
    ),
    ("/requirements", "nav-requirements", Permission::ReadVerdicts, &["/monthly"]),
    ("/checklists", "nav-checklists", Permission::ReadVerdicts, &["/overrides"]),
    ("/approvals", "nav-approvals", Permission::Approve, &[]),
    ("/evidence", "nav-evidence", Permission::ReadJournal, &["/jobs", "/accesses", "/requests"]),
    ("/settings", "nav-settings", Permission::UseOwnAccount, &["/account", "/users"]),
];

/// One entry of the navigation.
pub(crate) struct NavEntry {
    pub(crate) href: &'static str,
    pub(crate) word: String,
    pub(crate) current: bool,
}

/// The frame: what every page knows besides its own matter. Templates call it `c`.
pub(crate) struct Chrome {
    pub(crate) lang: Lang,
    pub(crate) title: String,
    pub(crate) facility: String,
    pub(crate) name: Option<String>,
    pub(crate) csrf: String,
    pub(crate) flash: Option<String>,
    pub(crate) notice: Option<String>,
    pub(crate) demo: bool,
    pub(crate) full: bool,
    pub(crate) seal_fault: Option<String>,
    pub(crate) failed: bool,
    pub(crate) nav: Vec<NavEntry>,
    pub(crate) path: String,
    pub(crate) printed: String,
    pub(crate) idle_seconds: i64,
}

impl Chrome {
    /// The word `key`.
    pub(crate) fn t(&self, key: &str) -> String {
        words().say(self.lang, key, &[])
    }

    /// The sentence `key` with one placeholder, by name.
    pub(crate) fn with(&self, key: &str, name: &str, value: impl Display) -> String {
        words().say(self.lang, key, &[(name, &value)])
    }

    /// The sentence `key` with two.
    pub(crate) fn with2(&self, key: &str, a: &str, first: impl Display, b: &str, second: impl Display) -> String {
        words().say(self.lang, key, &[(a, &first), (b, &second)])
    }

    /// The word of a label.
    pub(crate) fn word(&self, label: impl Borrow<Label>) -> &'static str {
        label.borrow().in_lang(self.lang)
    }

    /// A text of the catalogs.
    pub(crate) fn text<'a>(&self, text: &'a Text) -> &'a str {
        text.in_lang(self.lang)
    }

    /// The `lang` attribute.
    pub(crate) fn code(&self) -> &'static str {
        match self.lang {
            Lang::Ja => "ja",
            Lang::En => "en",
        }
    }

    /// A day as people read it, with its era.
    pub(crate) fn day(&self, date: impl Borrow<Date>) -> String {
        domain::jp::show(*date.borrow(), self.lang)
    }

    /// An instant in Japan: day and minute.
    pub(crate) fn at(&self, at: impl Borrow<Timestamp>) -> String {
        domain::jp::time_in_japan(*at.borrow()).strftime("%Y-%m-%d %H:%M").to_string()
    }
}

/// What the last act did, for the next page: key and values, in a cookie.
#[derive(serde::Serialize, serde::Deserialize)]
struct Flash {
    key: String,
    values: Vec<(String, String)>,
}

impl Visit {
    /// The frame of the page whose title is the word `title`.
    pub(crate) fn chrome(&self, title: &str) -> Chrome {
        let me = self.somebody();
        let path = self.path().to_owned();
        let bare = path.split('?').next().unwrap_or("/");
        let under = |href: &str| bare == href || (href != "/" && bare.starts_with(&format!("{href}/")));
        let nav = NAVIGATION
            .iter()
            .filter(|(_, _, needs, _)| me.is_some_and(|me| !me.locked && me.may(*needs)))
            .map(|(href, word, _, behind)| NavEntry {
                href,
                word: words().say(self.lang(), word, &[]),
                current: under(href) || behind.iter().any(|page| under(page)),
            })
            .collect();
        let now = self.app().now();
        Chrome {
            lang: self.lang(),
            title: words().say(self.lang(), title, &[]),
            facility: self.facility().map(|f| f.name.clone()).unwrap_or_default(),
            name: me.map(|m| m.user.name.clone()),
            csrf: me.map(|m| m.csrf.clone()).unwrap_or_default(),
            flash: self.flash(),
            notice: me.and_then(|m| m.user.notice.clone()),
            demo: self.web().demo,
            full: self.app().is_full(),
            // Whoever is not signed in learns nothing of the inside.
            seal_fault: me.and_then(|_| self.app().seal_fault()),
            failed: false,
            nav,
            path,
            printed: domain::jp::time_in_japan(now).strftime("%Y-%m-%d %H:%M").to_string(),
            idle_seconds: me.map_or(0, |m| m.idle_ends_at.as_second() - now.as_second()),
        }
    }

    fn flash(&self) -> Option<String> {
        let raw = URL_SAFE_NO_PAD.decode(self.jar().get(cookies::FLASH)?).ok()?;
        let flash: Flash = serde_json::from_slice(&raw).ok()?;
        let values: Vec<(&str, &dyn Display)> =
            flash.values.iter().map(|(n, v)| (n.as_str(), v as &dyn Display)).collect();
        Some(words().say(self.lang(), &flash.key, &values))
    }

    /// Renders a page; what the last act did is shown once.
    pub(crate) fn page(&self, template: &impl Template) -> Result<Response, Problem> {
        let html = template.render().map_err(|e| Problem::from(app::Error::Internal { message: e.to_string() }))?;
        let mut response = Html(html).into_response();
        if self.jar().get(cookies::FLASH).is_some() {
            cookies::set(&mut response, &cookies::gone(cookies::FLASH));
        }
        Ok(response)
    }

    /// Renders a form again with its errors: 422.
    pub(crate) fn again(&self, template: &impl Template) -> Result<Response, Problem> {
        let mut response = self.page(template)?;
        *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
        Ok(response)
    }
}

/// Goes to another page after an act, and says there what was done.
pub(crate) fn done(to: &str, key: &str, values: &[(&str, &dyn Display)]) -> Response {
    let values = values.iter().map(|(n, v)| ((*n).to_owned(), v.to_string())).collect();
    let flash = serde_json::to_vec(&Flash { key: key.to_owned(), values }).unwrap_or_default();
    let mut response = go(to);
    cookies::set(&mut response, &cookies::passing(cookies::FLASH, &URL_SAFE_NO_PAD.encode(flash)));
    response
}

/// The address of one of our pages; the first page in place of any other.
pub(crate) fn ours(to: &str) -> &str {
    if to.starts_with('/') && !to.starts_with("//") && !to.contains('\\') { to } else { "/" }
}

/// Goes to another page of ours (303).
pub(crate) fn go(to: &str) -> Response {
    let to = ours(to);
    match HeaderValue::from_str(to) {
        Ok(value) => (StatusCode::SEE_OTHER, [(LOCATION, value)]).into_response(),
        Err(_) => (StatusCode::SEE_OTHER, [(LOCATION, HeaderValue::from_static("/"))]).into_response(),
    }
}

/// A file to keep.
pub(crate) fn file(name: &str, kind: &'static str, bytes: Vec<u8>) -> Response {
    // RFC 6266 with the name in UTF-8 (RFC 8187); the plain one is for what cannot read that.
    let encoded: String = name
        .bytes()
        .map(|b| {
            if b.is_ascii_alphanumeric() || b"-._~".contains(&b) {
                char::from(b).to_string()
            } else {
                format!("%{b:02X}")
            }
        })
        .collect();
    let disposition = format!("attachment; filename=\"download\"; filename*=UTF-8''{encoded}");
    let mut response = ([(CONTENT_TYPE, kind)], bytes).into_response();
    if let Ok(value) = HeaderValue::from_str(&disposition) {
        response.headers_mut().insert("content-disposition", value);
    }
    response
}

/// A page, or the problem that is shown in its place.
pub(crate) type PageResult = Result<Response, Problem>;

/// What a handler could not do. The guard shows it as a page, as it knows the visitor.
#[derive(Debug)]
pub(crate) struct Problem {
    status: StatusCode,
    code: &'static str,
    message: String,
    fields: Vec<app::FieldError>,
    /// Seconds after which to try again.
    retry_after: Option<u64>,
}

impl Problem {
    /// A problem of HTTP itself; `message` has its three parts, and the code in them.
    pub(crate) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), fields: Vec::new(), retry_after: None }
    }

    /// What was sent is larger than is taken.
    pub(crate) fn too_large() -> Self {
        let message = "送られた内容を受け取れませんでした（WEB-413）。大きすぎるか、途中で切れています。ファイルを分けて、もう一度送ってください。";
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "WEB-413", message)
    }

    /// The address or what was sent has no shape that anything here has.
    pub(crate) fn misshapen(status: StatusCode) -> Self {
        let message =
            "受け付けませんでした（WEB-400）。アドレスか、送られた内容の形が合いません。一覧から選び直してください。";
        Self::new(status, "WEB-400", message)
    }

    /// Too many requests; there is room again after so many seconds.
    pub(crate) fn too_many(seconds: u64) -> Self {
        let message = format!(
            "受け付けませんでした（WEB-429）。短い間に同じ所から続けて送られています。{seconds}秒待って、もう一度送ってください。"
        );
        Self { retry_after: Some(seconds), ..Self::new(StatusCode::TOO_MANY_REQUESTS, "WEB-429", message) }
    }

    /// There is no such page, or none that is asked for in this way.
    pub(crate) fn nowhere(status: StatusCode) -> Self {
        Self { status, ..Self::from(app::Error::NotFound { what: "ページ".to_owned() }) }
    }

    /// Shows it to the visitor.
    pub(crate) fn show(&self, visit: &Visit) -> Response {
        self.show_with(visit, &Fields::default())
    }

    /// Shows it with what was typed, and lets it be sent again where that can help.
    pub(crate) fn show_with(&self, visit: &Visit, typed: &Fields) -> Response {
        if visit.path().starts_with("/api/") {
            return self.json();
        }
        let mut c = visit.chrome("problem-title");
        c.failed = true;
        // Whoever was refused for want of a right or a token of ours is not handed a form that has one.
        let passing = self.status.is_server_error() || self.status == StatusCode::TOO_MANY_REQUESTS;
        let typed: Vec<(&str, &str)> = typed.iter().collect();
        let own = |name: &str| matches!(name, "rev" | "next" | "title" | "chosen") || name.ends_with("sha256");
        let shown: Vec<&str> =
            typed.iter().filter(|(name, text)| !text.is_empty() && !own(name)).map(|(_, text)| *text).collect();
        let page = ProblemPage {
            c,
            message: &self.message,
            code: self.code,
            shown: shown.join("\n"),
            again: if passing { typed } else { Vec::new() },
        };
        match visit.page(&page) {
            Ok(mut response) => {
                *response.status_mut() = self.status;
                self.add_retry(&mut response);
                response
            }
            Err(_) => (self.status, self.message.clone()).into_response(),
        }
    }

    /// Says it to a program (RFC 9457).
    pub(crate) fn json(&self) -> Response {
        let errors: Vec<_> =
            self.fields.iter().map(|f| serde_json::json!({ "field": f.field, "message": f.message })).collect();
        let body = serde_json::json!({
            "status": self.status.as_u16(),
            "title": self.status.canonical_reason().unwrap_or_default(),
            "code": self.code,
            "detail": self.message,
            "errors": errors,
        });
        let kind = [(CONTENT_TYPE, "application/problem+json")];
        self.finished((self.status, kind, body.to_string()).into_response())
    }

    /// Says it to a program that speaks FHIR: an OperationOutcome.
    pub(crate) fn fhir(&self) -> Response {
        let kind = match self.status {
            StatusCode::UNAUTHORIZED => "login",
            StatusCode::FORBIDDEN => "forbidden",
            StatusCode::NOT_FOUND => "not-found",
            StatusCode::CONFLICT => "conflict",
            StatusCode::PAYLOAD_TOO_LARGE => "too-long",
            StatusCode::TOO_MANY_REQUESTS => "throttled",
            status if status.is_server_error() => "exception",
            _ => "invalid",
        };
        let fields: String = self.fields.iter().map(|f| format!(" {}", f.message)).collect();
        let outcome = fhir::outcome("error", kind, Some(self.code), &format!("{}{fields}", self.message));
        self.finished(fhir::resource(self.status, &outcome))
    }

    /// Adds the headers that a refusal carries.
    fn finished(&self, mut response: Response) -> Response {
        if self.status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"sakimori\""));
        }
        self.add_retry(&mut response);
        response
    }

    fn add_retry(&self, response: &mut Response) {
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
    }
}

#[derive(Template)]
#[template(path = "problem.html")]
struct ProblemPage<'a> {
    c: Chrome,
    message: &'a str,
    code: &'a str,
    /// What was typed, to be read and copied.
    shown: String,
    /// The form to send again, where it was not its fault.
    again: Vec<(&'a str, &'a str)>,
}

impl From<app::Error> for Problem {
    fn from(error: app::Error) -> Self {
        let status = status(&error);
        if status.is_server_error() {
            tracing::error!(code = error.code(), %error, "request failed");
        }
        // What went wrong inside is for the log; a person gets the code and what to do.
        let message = match &error {
            app::Error::Internal { .. } => {
                "うまくいきませんでした（APP-001）。内部の誤りです。記録されました。もう一度試し、続くときはこの番号を添えて問い合わせてください。".to_owned()
            }
            other => other.to_string(),
        };
        let code = error.code();
        let fields = if let app::Error::Fields(fields) = error { fields } else { Vec::new() };
        Self { fields, ..Self::new(status, code, message) }
    }
}

fn status(error: &app::Error) -> StatusCode {
    match error {
        app::Error::Unauthenticated | app::Error::StepUp => StatusCode::UNAUTHORIZED,
        app::Error::Forbidden => StatusCode::FORBIDDEN,
        app::Error::NotFound { .. } => StatusCode::NOT_FOUND,
        app::Error::Conflict { .. } => StatusCode::CONFLICT,
        app::Error::Access(AccessError::TooLarge | AccessError::TooComplex) => StatusCode::PAYLOAD_TOO_LARGE,
        app::Error::Access(AccessError::Encoding | AccessError::Malformed(_) | AccessError::Kind(_)) => {
            StatusCode::BAD_REQUEST
        }
        app::Error::Fields(_)
        | app::Error::Access(_)
        | app::Error::Refused(_)
        | app::Error::Invalid { .. }
        | app::Error::File { .. }
        | app::Error::Inventory(_)
        | app::Error::Folder { .. } => StatusCode::UNPROCESSABLE_ENTITY,
        app::Error::Store(_) | app::Error::Unstaged(_) => match error.code() {
            "STO-001" => StatusCode::NOT_FOUND,
            "STO-002" => StatusCode::CONFLICT,
            _ => StatusCode::SERVICE_UNAVAILABLE,
        },
        app::Error::Report(_) | app::Error::Internal { .. } => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = (self.status, self.message.clone()).into_response();
        response.extensions_mut().insert(Arc::new(self));
        response
    }
}

/// The mark beside a verdict's word, for readers who do not see its colour.
pub(crate) const fn mark(verdict: &domain::evaluate::Verdict) -> &'static str {
    use domain::evaluate::Verdict;
    match verdict {
        Verdict::Met => "○",
        Verdict::Deemed => "◇",
        Verdict::DueSoon => "△",
        Verdict::Unknown => "？",
        Verdict::Unmet => "×",
        Verdict::NotApplicable => "－",
    }
}

/// An action of the journal in words: `devices.edit` by its verb, unless the whole has words of its own.
pub(crate) fn action(lang: Lang, action: &str) -> String {
    let verb = action.rsplit('.').next().unwrap_or(action);
    for key in [format!("action-{action}"), format!("action-{verb}")] {
        let word = words().say(lang, &key, &[]);
        if word != key {
            return word;
        }
    }
    action.to_owned()
}
