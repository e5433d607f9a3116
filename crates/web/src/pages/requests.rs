//! 証拠の依頼: what auditors ask for, what was handed in, and whether it does.

use std::collections::BTreeMap;

use app::{Assessment, EvidenceRequest, HandedIn, Wanted};
use askama::Template;
use axum::extract::{Path, Query};
use domain::authz::Permission;
use domain::catalog::CatalogKind;
use domain::ledger::Ledger;
use domain::workflow::request::{Act, State as Stage};

use crate::form::{Errors, Fields, Upload};
use crate::guard::Visit;
use crate::page::{Chrome, PageResult, Problem, done, file, go};
use crate::pages::ledgers::{address as row_address, segment};
use crate::pages::requirements;
use crate::pages::rows::{Offered, State, offered, rev};

/// Fields for rows in the form of an answer.
const LINKS: usize = 3;

/// The address of a request.
pub(crate) fn address(no: &str) -> String {
    format!("/requests/{}", segment(no))
}

/// How far a request is, in words.
pub(crate) fn state(c: &Chrome, request: &EvidenceRequest, today: jiff::civil::Date) -> State {
    let word = c.word(request.state.label()).to_owned();
    match request.state {
        Stage::SentBack => State::bad(word),
        Stage::Open if request.due_on < today => State::bad(c.with("requests-late", "state", word)),
        Stage::Open => State::warn(word),
        Stage::Ready => State::warn(word),
        Stage::Confirmed | Stage::Withdrawn => State::over(word),
    }
}

/// A request in the list.
pub(crate) struct Line {
    pub(crate) request: EvidenceRequest,
    pub(crate) href: String,
    pub(crate) state: State,
    /// Number and edition of the requirement.
    pub(crate) about: String,
}

/// A request as a line.
pub(crate) fn line(visit: &Visit, c: &Chrome, request: EvidenceRequest) -> Line {
    let about = match visit.app().catalogs().requirement(&request.requirement) {
        Some((catalog, requirement)) => {
            format!("{} {}", catalog.short.in_lang(c.lang), requirement.cited_in(c.lang))
        }
        None => request.requirement.clone(),
    };
    let state = state(c, &request, visit.app().today());
    Line { href: address(&request.no), state, about, request }
}

#[derive(Template)]
#[template(path = "requests.html")]
struct List {
    c: Chrome,
    lines: Vec<Line>,
    asks: bool,
}

/// Every request that whoever is signed in sees, what waits for the institution first.
pub(crate) async fn list(visit: Visit) -> PageResult {
    let (app, facility, me) = (visit.app(), visit.facility()?, visit.me()?);
    let c = visit.chrome("requests-title");
    let assessment = app.assess(facility).await?;
    let all = app.evidence_requests(facility, &assessment, Some(&me.user)).await?;
    let lines = all.into_iter().map(|request| line(&visit, &c, request)).collect();
    visit.page(&List { c, lines, asks: me.may(Permission::RequestEvidence) })
}

#[derive(Template)]
#[template(path = "requests_new.html")]
struct New {
    c: Chrome,
    errors: Errors,
    f: Fields,
    /// What the requirement asks, in our words.
    asks: Option<String>,
    requirements: Offered,
}

async fn form(visit: &Visit, f: Fields, errors: Errors) -> Result<New, Problem> {
    let mut c = visit.chrome("requests-new");
    c.failed = !errors.is_empty();
    let app = visit.app();
    let found = app.catalogs().requirement(f.get("requirement").trim());
    let asks = found.map(|(catalog, requirement)| {
        let (short, number) = (catalog.short.in_lang(c.lang), requirement.cited_in(c.lang));
        format!("{short} {number} {}", requirement.summary.in_lang(c.lang))
    });
    let requirements = if asks.is_some() { Vec::new() } else { choices(&app.assess(visit.facility()?).await?, &c) };
    Ok(New { c, errors, f, asks, requirements })
}

/// The requirements of the guideline followed and of the newest checklist, to pick from.
fn choices(assessment: &Assessment, c: &Chrome) -> Offered {
    let editions = assessment.editions();
    let shown = [CatalogKind::Checklist, CatalogKind::Guideline]
        .map(|kind| editions.iter().find(|catalog| catalog.kind == kind));
    let each = shown.into_iter().flatten().flat_map(|catalog| catalog.requirements());
    each.filter(|requirement| requirement.is_counted())
        .map(|r| (r.id.clone(), Some(r.summary.in_lang(c.lang).chars().take(40).collect())))
        .collect()
}

/// The form; `?requirement=` says on which requirement.
pub(crate) async fn new(visit: Visit, Query(given): Query<BTreeMap<String, String>>) -> PageResult {
    let f = [("requirement", given.get("requirement").map(|id| id.to_lowercase()).unwrap_or_default())];
    visit.page(&form(&visit, f.into_iter().collect(), Errors::default()).await?)
}

/// Asks.
pub(crate) async fn ask(visit: Visit, fields: Fields) -> PageResult {
    let (me, facility) = (visit.me()?, visit.facility()?);
    let text = |name: &str| fields.get(name).to_owned();
    let wanted = Wanted { requirement: text("requirement"), what: text("what"), due_on: text("due_on") };
    match visit.app().request_evidence(&me.actor(), &me.user, facility, &wanted).await {
        Ok(no) => Ok(done(&address(&no), "requests-asked", &[("no", &no)])),
        Err(error) => visit.again(&form(&visit, fields, Errors::of(error)?).await?),
    }
}

/// One step, as it is shown.
struct Told {
    at: String,
    /// Key of the sentence that says what was done.
    what: &'static str,
    by: String,
    said: String,
    /// Rows: words, and where they are seen; nowhere for those of other days than the audit is about.
    links: Vec<(String, Option<String>)>,
    file: Option<(String, String, String, String)>,
}

#[derive(Template)]
#[template(path = "requests_show.html")]
struct Show {
    c: Chrome,
    errors: Errors,
    f: Fields,
    line: Line,
    /// Where the requirement is, and what it asks.
    requirement: String,
    asks: String,
    facts: Vec<(String, String)>,
    told: Vec<Told>,
    answers: bool,
    decides: bool,
    offered: Offered,
    links: Vec<String>,
}

/// One request with everything that was handed in.
pub(crate) async fn show(visit: Visit, Path(no): Path<String>) -> PageResult {
    visit.page(&detail(&visit, &no, Errors::default(), Fields::default()).await?)
}

async fn detail(visit: &Visit, no: &str, errors: Errors, f: Fields) -> Result<Show, Problem> {
    let (app, facility, me) = (visit.app(), visit.facility()?, visit.me()?);
    let mut c = visit.chrome("requests-title");
    let assessment = app.assess(facility).await?;
    let request = app.evidence_request(facility, &assessment, &me.user, no).await?;
    c.title = c.with("requests-one", "no", &request.no);
    c.failed = !errors.is_empty();
    let mut told = Vec::new();
    for step in &request.steps {
        let mut links = Vec::new();
        for (ledger, key, title) in &step.links {
            let words = format!("{} {key} {title}", c.word(ledger.label));
            links.push((words.trim_end().to_owned(), place(visit, ledger, key).await?));
        }
        let file = step.file.as_ref().map(|(name, sha256, bytes)| {
            let href = format!("{}/files/{}", address(&request.no), step.place);
            (name.clone(), href, size(*bytes), sha256.clone())
        });
        let what = match step.act {
            Act::Answer => "requests-step-answer",
            Act::Confirm => "requests-step-confirm",
            Act::SendBack => "requests-step-back",
            Act::Withdraw => "requests-step-withdraw",
        };
        told.push(Told { at: c.at(step.at), what, by: step.by.clone(), said: step.said.clone(), links, file });
    }
    let mut facts = vec![
        (c.t("requests-what"), request.what.clone()),
        (c.t("requests-due"), c.day(request.due_on)),
        (c.t("requests-by"), format!("{} {}", request.asked_by, c.at(request.asked_at))),
    ];
    facts.extend(request.with.clone().map(|with| (c.t("requests-with"), with)));
    let asks = app.catalogs().requirement(&request.requirement);
    let answers = request.state.is_under_way() && me.user.role.may(Permission::Attest);
    let mut all: Offered = Vec::new();
    if answers {
        for name in ["documents", "records"] {
            let label = c.word(crate::pages::ledgers::find(name)?.label);
            let rows = offered(visit, name).await?.into_iter();
            all.extend(rows.map(|(key, title)| (key, Some(format!("{label} {}", title.unwrap_or_default())))));
        }
    }
    let mut links: Vec<String> = f.all("links").map(str::to_owned).collect();
    links.resize(links.len().max(LINKS), String::new());
    Ok(Show {
        requirement: requirements::address(&request.requirement),
        asks: asks.map(|(_, requirement)| requirement.summary.in_lang(c.lang).to_owned()).unwrap_or_default(),
        facts,
        told,
        answers,
        decides: request.own && request.state == Stage::Ready && me.may(Permission::RequestEvidence),
        offered: all,
        links,
        line: line(visit, &c, request),
        c,
        errors,
        f,
    })
}

/// Where a row is seen; `None` where it is gone or of other days than whoever is signed in sees.
async fn place(visit: &Visit, ledger: &'static Ledger, key: &str) -> Result<Option<String>, Problem> {
    match visit.app().row(visit.facility()?, ledger, key).await {
        Ok(stored) if visit.see(ledger, &stored).is_ok() => Ok(Some(row_address(ledger.name, key))),
        Ok(_) | Err(app::Error::NotFound { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// A size as people read it.
fn size(bytes: i64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{} KB", bytes / 1_000),
        _ => format!("{}.{} MB", bytes / 1_000_000, bytes % 1_000_000 / 100_000),
    }
}

/// Hands something in.
pub(crate) async fn answer(visit: Visit, Path(no): Path<String>, upload: Upload) -> PageResult {
    let (me, facility) = (visit.me()?, visit.facility()?);
    let Upload { fields, file_name, bytes } = upload;
    let links = fields.all("links").map(str::to_owned).collect();
    let handed = HandedIn { said: fields.get("said").to_owned(), links, file: (file_name, bytes.to_vec()) };
    let at = (no.as_str(), rev(&fields));
    match visit.app().request_answer(&me.actor(), &me.user, facility, at, handed).await {
        Ok(()) => Ok(done(&address(&no), "requests-answered", &[])),
        Err(error) => visit.again(&detail(&visit, &no, Errors::of(error)?, fields).await?),
    }
}

/// Confirms what was handed in.
pub(crate) async fn confirm(visit: Visit, no: Path<String>, fields: Fields) -> PageResult {
    decide(&visit, no, fields, Act::Confirm, "requests-confirmed").await
}

/// Sends it back.
pub(crate) async fn send_back(visit: Visit, no: Path<String>, fields: Fields) -> PageResult {
    decide(&visit, no, fields, Act::SendBack, "requests-sent-back").await
}

/// Withdraws it.
pub(crate) async fn withdraw(visit: Visit, Path(no): Path<String>, fields: Fields) -> PageResult {
    let (me, facility) = (visit.me()?, visit.facility()?);
    let (at, why) = ((no.as_str(), rev(&fields)), fields.get("why"));
    match visit.app().request_withdraw(me, facility, at, why).await {
        Ok(()) => Ok(done(&address(&no), "requests-withdrawn", &[])),
        Err(error) => visit.again(&detail(&visit, &no, Errors::of(error)?, fields).await?),
    }
}

async fn decide(visit: &Visit, Path(no): Path<String>, fields: Fields, act: Act, word: &str) -> PageResult {
    let (me, facility) = (visit.me()?, visit.facility()?);
    let at = (no.as_str(), rev(&fields));
    match visit.app().request_decide(&me.actor(), &me.user, facility, at, act, fields.get("reason")).await {
        Ok(()) => Ok(done(&address(&no), word, &[])),
        Err(error) => visit.again(&detail(visit, &no, Errors::of(error)?, fields).await?),
    }
}

/// A file that was handed in, to keep.
pub(crate) async fn fetch(visit: Visit, Path((no, place)): Path<(String, String)>) -> PageResult {
    let Ok(place) = place.parse() else { return Ok(go(&address(&no))) };
    let (name, bytes) = visit.app().request_file(&visit.me()?.user, visit.facility()?, &no, place).await?;
    Ok(file(&name, "application/octet-stream", bytes))
}
