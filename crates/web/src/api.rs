//! The JSON interface for programs, under `/api/v1/`.
//!
//! A program shows a token and nothing else: cookies are not looked at, so no page of another site can act here. Handlers
//! call the same use cases as the pages; what differs is the form. Values are typed ([`values`]), unknown names are
//! refused instead of passed over, and every refusal is a problem document (RFC 9457) with the code that people see too.

pub(crate) mod accesses;
pub(crate) mod acts;
pub(crate) mod fhir;
pub(crate) mod ledgers;
pub(crate) mod openapi;
pub(crate) mod people;
pub(crate) mod proofs;
pub(crate) mod requests;
pub(crate) mod retention;
pub(crate) mod settings;
pub(crate) mod values;
pub(crate) mod verdicts;
pub(crate) mod work;

use std::pin::Pin;
use std::str::FromStr;
use std::sync::Arc;

use app::identity::Program;
use app::{App, FieldError, StoredRow, User};
use axum::body::to_bytes;
use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use axum::http::header::{ALLOW, AUTHORIZATION, CONTENT_TYPE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use domain::authz::Permission;
use domain::evaluate::Facility;
use domain::journal::{Actor, sha256};
use domain::ledger::{Ledger, Period};
use serde_json::{Map, Value};

use crate::Web;
use crate::form::FORM_MAX;
use crate::limit::Limits;
use crate::line::Cutter;
use crate::page::Problem;
use crate::watched::watched;

/// An answer, or why there is none.
pub(crate) type ApiResult = Result<Response, Problem>;

/// A program that may do what its route needs.
#[derive(Clone)]
pub(crate) struct Caller(Arc<Inner>);

struct Inner {
    web: Web,
    program: Program,
    facility: Facility,
}

impl Caller {
    /// The product.
    pub(crate) fn app(&self) -> &App {
        &self.0.web.app
    }

    /// The product, for what outlives the request.
    pub(crate) fn shared_app(&self) -> &Arc<App> {
        &self.0.web.app
    }

    /// The facility of the account in whose name it acts.
    pub(crate) fn facility(&self) -> &Facility {
        &self.0.facility
    }

    /// The account in whose name it acts.
    pub(crate) fn user(&self) -> &User {
        &self.0.program.user
    }

    /// The days whose records its account sees; `None` for all.
    pub(crate) fn period(&self) -> Option<Period> {
        self.0.program.user.period()
    }

    /// Refuses a row of other days as one that is not there.
    ///
    /// # Errors
    /// [`app::Error::NotFound`].
    pub(crate) fn see(&self, of: &Ledger, stored: &StoredRow) -> Result<(), Problem> {
        match self.period() {
            Some(period) if !period.shows(of, &stored.row) => {
                Err(app::Error::NotFound { what: stored.key.clone() }.into())
            }
            _ => Ok(()),
        }
    }

    /// The program, for acts that an account does.
    pub(crate) fn program(&self) -> &Program {
        &self.0.program
    }

    /// The data folder, where the sealed log is.
    pub(crate) fn folder(&self) -> &std::path::Path {
        &self.0.web.folder
    }

    /// The program as the journal names it.
    pub(crate) fn actor(&self) -> Actor {
        self.0.program.actor()
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = StatusCode;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, StatusCode> {
        parts.extensions.get::<Self>().cloned().ok_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

/// Lets a program with the right token to its route; whatever is refused on the way becomes a problem document.
pub(crate) async fn admit(web: &Web, needs: Permission, limits: &Limits, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    // Whoever speaks FHIR is answered in it.
    let say = if parts.uri.path().starts_with(fhir::BASE) { Problem::fhir } else { Problem::json };
    let caller = match recognise(web, needs, limits, &parts.headers).await {
        Ok(caller) => caller,
        Err(problem) => return say(&problem),
    };
    parts.extensions.insert(caller.clone());
    let cutter = parts.extensions.get::<Cutter>().cloned();
    let response = next.run(Request::from_parts(parts, body)).await;
    let status = response.status();
    if let Some(problem) = response.extensions().get::<Arc<Problem>>() {
        return say(problem);
    }
    if status.is_success() {
        return attended(caller, cutter, response).await;
    }
    // What the framework refused by itself: a method, a path that is no text, a body that ended early.
    let message = format!(
        "受け付けませんでした（WEB-400）。要求の形が合いません（HTTP {}）。/api/v1/openapi.json の説明に合わせてください。",
        status.as_u16()
    );
    let mut answer = say(&Problem::new(status, "WEB-400", message));
    if let Some(allow) = response.headers().get(ALLOW) {
        answer.headers_mut().insert(ALLOW, allow.clone());
    }
    answer
}

/// A large file for a program ends with its token.
async fn attended(caller: Caller, cutter: Option<Cutter>, response: Response) -> Response {
    let holds = move || -> Pin<Box<dyn Future<Output = bool> + Send>> {
        let caller = caller.clone();
        Box::pin(async move { caller.app().program_alive(caller.program()).await.unwrap_or(false) })
    };
    watched(response, cutter, holds).await
}

async fn recognise(web: &Web, needs: Permission, limits: &Limits, headers: &HeaderMap) -> Result<Caller, Problem> {
    let secret = headers.get(AUTHORIZATION).and_then(|v| v.to_str().ok()).and_then(|v| v.split_once(' '));
    let secret = secret.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")).map(|(_, secret)| secret.trim());
    let nobody = || {
        let message = "受け付けませんでした（API-001）。トークンがないか、期限が過ぎたか、取り消されています。自分のアカウントの画面で作り直してください。";
        Problem::new(StatusCode::UNAUTHORIZED, "API-001", message)
    };
    let secret = secret.ok_or_else(nobody)?;
    let program = web.app.token_check(secret).await?.ok_or_else(nobody)?;
    limits.programs.take(sha256(secret.as_bytes()), web.app.now()).map_err(Problem::too_many)?;
    if !program.may(needs) {
        let message = format!(
            "受け付けませんでした（API-002）。このトークンか、そのアカウントの役割に「{}」（{}）がありません。権限のあるトークンを使ってください。",
            needs.label().ja,
            needs.code()
        );
        return Err(Problem::new(StatusCode::FORBIDDEN, "API-002", message));
    }
    let facility = web.app.facility_by_id(&program.user.facility).await?;
    Ok(Caller(Arc::new(Inner { web: web.clone(), program, facility })))
}

/// Answers with a JSON document.
pub(crate) fn answer(status: StatusCode, document: &Value) -> Response {
    (status, [(CONTENT_TYPE, "application/json")], document.to_string()).into_response()
}

/// Part of a path, for which a control character is as good as a name that does not exist.
pub(crate) fn named(Path(name): Path<String>) -> Result<String, Problem> {
    if name.contains(char::is_control) {
        return Err(app::Error::NotFound { what: "それ".to_owned() }.into());
    }
    Ok(name)
}

/// What stands after the question mark: each name once, and only names that are known.
pub(crate) struct Asked {
    pairs: Vec<(String, String)>,
    faults: Vec<FieldError>,
}

impl<S: Send + Sync> FromRequestParts<S> for Asked {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let query = parts.uri.query().unwrap_or_default();
        let mut asked = Self { pairs: Vec::new(), faults: Vec::new() };
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()).into_owned() {
            if asked.pairs.iter().any(|(known, _)| *known == name) {
                asked.faults.push(FieldError::new(&name, format!("「{name}」が2回あります。1回にしてください。")));
            }
            asked.pairs.push((name, value));
        }
        Ok(asked)
    }
}

impl Asked {
    /// The value of a name, which is known by being asked for.
    pub(crate) fn take(&mut self, name: &str) -> Option<String> {
        let at = self.pairs.iter().position(|(known, _)| known == name)?;
        let value = self.pairs.remove(at).1;
        if value.contains(char::is_control) {
            self.fault(name, "制御文字が含まれています。除いてください。");
        }
        Some(value)
    }

    /// A value that has to be read as something; `what` names it.
    pub(crate) fn parsed<T: FromStr>(&mut self, name: &str, what: &str) -> Option<T> {
        let text = self.take(name)?;
        let value = text.parse().ok();
        if value.is_none() {
            self.fault(name, &format!("「{text}」は{what}ではありません。直してください。"));
        }
        value
    }

    /// One of a list.
    pub(crate) fn one_of(&mut self, name: &str, of: &[&'static str]) -> Option<&'static str> {
        let text = self.take(name)?;
        let found = of.iter().copied().find(|known| *known == text);
        if found.is_none() {
            self.fault(name, &format!("「{text}」は選べません。{}のどれかにしてください。", of.join("、")));
        }
        found
    }

    /// Says what is wrong with a value.
    pub(crate) fn fault(&mut self, name: &str, message: &str) {
        self.faults.push(FieldError::new(name, message));
    }

    /// Refuses what was wrong, and every name that nobody asked for.
    ///
    /// # Errors
    /// 422 with each of them.
    pub(crate) fn done(mut self) -> Result<(), Problem> {
        for (name, _) in &self.pairs {
            self.faults.push(FieldError::new(name, format!("「{name}」は使えません。名前を確かめてください。")));
        }
        if self.faults.is_empty() { Ok(()) } else { Err(app::Error::Fields(self.faults).into()) }
    }
}

/// A JSON object that was sent.
pub(crate) struct Body(pub(crate) Map<String, Value>);

impl<S: Send + Sync> FromRequest<S> for Body {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let kind = request.headers().get(CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
        if !kind.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/json") {
            let message = "受け取れませんでした（API-003）。内容の種類がJSONではありません。Content-Type を application/json にしてください。";
            return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "API-003", message));
        }
        let bytes = to_bytes(request.into_body(), FORM_MAX).await.map_err(|_| Problem::too_large())?;
        match serde_json::from_slice(&bytes) {
            Ok(Value::Object(object)) => Ok(Self(object)),
            _ => {
                let message = "受け取れませんでした（API-004）。内容がJSONのオブジェクトではありません。{ } で囲んだJSONを送ってください。";
                Err(Problem::new(StatusCode::BAD_REQUEST, "API-004", message))
            }
        }
    }
}
