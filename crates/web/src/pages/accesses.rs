//! アクセス記録: who opened which patient, asked and answered; what each source sent; and the review of the log.
//!
//! A question is a form that is posted, so that a patient's id is in no address, no history of a browser and no log of a
//! proxy. The answer is a page of that post and carries no id in its title.

use std::collections::HashMap;

use app::{
    AccessAnswer, AccessFormat, AccessLine, AccessOpener, AccessQuestion, AccessTopic, Case, CaseQueue, FieldError,
    ReportOptions, SourceState, StaffNames,
};
use askama::Template;
use axum::extract::Path;
use domain::access::Exposure;
use domain::access::review::{Closing, NUMBERS, Signal};
use domain::authz::Permission;
use jiff::Timestamp;
use jiff::civil::Date;

use crate::form::{Errors, Fields};
use crate::guard::Visit;
use crate::page::{Chrome, PageResult, Problem, done, file};
use crate::pages::imports::XLSX;

/// One line of an answer, in words.
pub(crate) struct Line {
    at: String,
    who: String,
    post: String,
    user: String,
    act: String,
    kind: &'static str,
    outcome: Option<&'static str>,
    patient: String,
    what: String,
    place: String,
    seq: i64,
}

/// A case, in words.
pub(crate) struct Told {
    no: i64,
    signal: &'static str,
    says: &'static str,
    about: String,
    when: String,
    extent: String,
    closed: Option<(String, String, String)>,
}

fn line(c: &Chrome, of: AccessLine) -> Line {
    let act = c.word(of.act.label());
    Line {
        at: c.at(of.at),
        who: of.name.clone().unwrap_or_else(|| of.user.clone()),
        post: of.post.unwrap_or_default(),
        act: of.records.map_or_else(|| act.to_owned(), |n| c.with2("accesses-act-n", "act", act, "n", n)),
        kind: if of.patient.is_some() { c.word(of.exposure.label()) } else { "" },
        outcome: (of.outcome != domain::access::Outcome::Done).then(|| c.word(of.outcome.label())),
        patient: of.patient.unwrap_or_default(),
        what: of.resource.into_iter().chain(of.why).collect::<Vec<_>>().join("、"),
        place: [of.terminal, Some(of.source)].into_iter().flatten().collect::<Vec<_>>().join("・"),
        user: of.user,
        seq: of.seq,
    }
}

fn told(c: &Chrome, of: &Case) -> Told {
    let at = |at: i64| c.at(Timestamp::from_microsecond(at).unwrap_or_default());
    let about =
        if of.signal.about_patient() { c.with("accesses-patient-n", "id", &of.title) } else { of.title.clone() };
    let post = of.post.as_ref().map(|post| format!("（{post}）")).unwrap_or_default();
    let closed = of.row.closed.as_ref().map(|closed| {
        let verdict = Closing::parse(&closed.verdict).map(|way| c.word(way.label())).unwrap_or_default();
        (verdict.to_owned(), closed.reason.clone(), closed.by.clone())
    });
    Told {
        no: of.row.no,
        signal: c.word(of.signal.label()),
        says: c.word(of.signal.says()),
        about: format!("{about}{post}"),
        when: if of.row.span.0 == of.row.span.1 {
            at(of.row.span.0)
        } else {
            format!("{} – {}", at(of.row.span.0), at(of.row.span.1))
        },
        extent: match of.signal {
            Signal::Rush => c.with("accesses-people-n", "n", of.row.people),
            // What came without patients, such as failed sign-ins.
            _ if of.row.patients == 0 => c.with("ledgers-count", "n", of.row.accesses),
            _ => c.with2("accesses-extent", "n", of.row.accesses, "patients", of.row.patients),
        },
        closed,
    }
}

#[derive(Template)]
#[template(path = "accesses_ask.html")]
struct Ask {
    c: Chrome,
    errors: Errors,
    f: Fields,
    topics: Vec<(&'static str, String)>,
    answer: Option<Answer>,
    reviews: bool,
}

struct Answer {
    count: u64,
    days: (Date, Date),
    lines: Vec<Line>,
    openers: Vec<AccessOpener>,
    bursts: Vec<Told>,
    older: Option<String>,
    about_patient: bool,
}

fn topics(c: &Chrome) -> Vec<(&'static str, String)> {
    let word = |topic: AccessTopic| match topic {
        AccessTopic::Signal(signal) => c.word(signal.label()).to_owned(),
        topic => c.t(&format!("accesses-topic-{}", topic.code())),
    };
    AccessTopic::all().map(|topic| (topic.code(), word(topic))).collect()
}

fn page(visit: &Visit, f: Fields, errors: Errors, answer: Option<AccessAnswer>) -> Result<Ask, Problem> {
    let mut c = visit.chrome("accesses-title");
    c.failed = !errors.is_empty();
    let answer = answer.map(|answer| Answer {
        count: answer.count,
        days: answer.days.unwrap_or_default(),
        lines: answer.lines.into_iter().map(|of| line(&c, of)).collect(),
        openers: answer.openers,
        bursts: answer.bursts.iter().map(|of| told(&c, of)).collect(),
        older: answer.older.map(|(at, seq)| format!("{at}-{seq}")),
        about_patient: !f.get("patient").trim().is_empty(),
    });
    let reviews = visit.me()?.may(Permission::ReviewAccesses);
    Ok(Ask { topics: topics(&c), c, errors, f, answer, reviews })
}

/// The question that was typed.
fn asked(f: &Fields, errors: &mut Errors) -> AccessQuestion {
    let before = f.get("before").split_once('-');
    let mut day = |name: &str| match f.get(name).trim() {
        "" => None,
        text => domain::jp::parse_date(text)
            .map_err(|error| errors.0.push(FieldError { field: name.to_owned(), message: error.to_string() }))
            .ok(),
    };
    AccessQuestion {
        since: day("since"),
        until: day("until"),
        patient: f.get("patient").to_owned(),
        user: f.get("user").to_owned(),
        topic: AccessTopic::parse(f.get("about")).unwrap_or_default(),
        before: before.and_then(|(at, seq)| Some((at.parse().ok()?, seq.parse().ok()?))),
    }
}

/// The form to ask.
pub(crate) async fn form(visit: Visit) -> PageResult {
    visit.page(&page(&visit, Fields::default(), Errors::default(), None)?)
}

/// The form with the answer under it.
pub(crate) async fn ask(visit: Visit, f: Fields) -> PageResult {
    let mut errors = Errors::default();
    let asked = asked(&f, &mut errors);
    if !errors.is_empty() {
        return visit.again(&page(&visit, f, errors, None)?);
    }
    match visit.app().ask_accesses(&visit.me()?.actor(), visit.facility()?, &asked).await {
        Ok(answer) => visit.page(&page(&visit, f, errors, Some(answer))?),
        Err(error) => visit.again(&page(&visit, f, Errors::of(error)?, None)?),
    }
}

/// The answer as a file.
pub(crate) async fn export(visit: Visit, f: Fields) -> PageResult {
    let mut errors = Errors::default();
    let asked = asked(&f, &mut errors);
    let (format, kind) = match f.get("format") {
        "csv" => (AccessFormat::Csv, "text/csv; charset=utf-8"),
        "pdf" => (AccessFormat::Pdf, "application/pdf"),
        _ => (AccessFormat::Xlsx, XLSX),
    };
    if !errors.is_empty() {
        return visit.again(&page(&visit, f, errors, None)?);
    }
    match visit.app().export_accesses(&visit.me()?.actor(), visit.facility()?, &asked, format).await {
        Ok(made) => Ok(file(&made.name, kind, made.bytes)),
        Err(error) => visit.again(&page(&visit, f, Errors::of(error)?, None)?),
    }
}

/// The answer to a patient's own request.
pub(crate) async fn report(visit: Visit, f: Fields) -> PageResult {
    let mut errors = Errors::default();
    let asked = asked(&f, &mut errors);
    let staff = match f.get("staff") {
        "withheld" => StaffNames::Withheld(f.get("reason").to_owned()),
        _ => StaffNames::Shown,
    };
    if !errors.is_empty() {
        return visit.again(&page(&visit, f, errors, None)?);
    }
    let options = ReportOptions { patient: asked.patient, since: asked.since, until: asked.until, staff };
    let (actor, folder) = (visit.me()?.actor(), &visit.web().folder);
    match visit.app().patient_report(&actor, visit.facility()?, folder, &options).await {
        Ok(made) if f.get("format") == "zip" => Ok(file(&format!("{}.zip", made.name), "application/zip", made.zip)),
        Ok(made) => Ok(file(&format!("{}.pdf", made.name), "application/pdf", made.pdf)),
        Err(error) => visit.again(&page(&visit, f, Errors::of(error)?, None)?),
    }
}

#[derive(Template)]
#[template(path = "accesses_sources.html")]
struct Sources {
    c: Chrome,
    sources: Vec<Sent>,
    editable: bool,
}

/// A source, in words.
struct Sent {
    state: SourceState,
    faults: Vec<(&'static str, String)>,
    received: String,
    event: String,
}

/// What each source sent, and what is wrong with it.
pub(crate) async fn sources(visit: Visit) -> PageResult {
    let c = visit.chrome("sources-title");
    let sent = |state: SourceState| Sent {
        faults: state.faults.iter().map(|fault| (c.word(fault.label()), fault.says(c.lang))).collect(),
        received: state.received_at.map(|at| c.at(at)).unwrap_or_default(),
        event: state.event_at.map(|at| c.at(at)).unwrap_or_default(),
        state,
    };
    let sources = visit.app().access_sources(visit.facility()?).await?.into_iter().map(sent).collect();
    let editable = visit.me()?.may(Permission::EditLedgers);
    visit.page(&Sources { c, sources, editable })
}

#[derive(Template)]
#[template(path = "accesses_cases.html")]
struct Cases {
    c: Chrome,
    errors: Errors,
    me: String,
    open: Vec<Told>,
    closed: Vec<Told>,
    beyond: usize,
}

async fn queue(visit: &Visit, errors: Errors) -> Result<Cases, Problem> {
    let CaseQueue { open, beyond, closed } = visit.app().case_queue(visit.facility()?).await?;
    let mut c = visit.chrome("cases-title");
    c.failed = !errors.is_empty();
    let all = |cases: Vec<Case>| cases.iter().map(|of| told(&c, of)).collect();
    let (open, closed) = (all(open), all(closed));
    Ok(Cases { open, closed, beyond: beyond.len(), c, errors, me: visit.me()?.user.name.clone() })
}

/// What stands out and waits to be looked at.
pub(crate) async fn cases(visit: Visit) -> PageResult {
    visit.page(&queue(&visit, Errors::default()).await?)
}

/// Looks for what stands out now.
pub(crate) async fn find(visit: Visit, _: Fields) -> PageResult {
    let count = visit.app().find_cases(&visit.me()?.actor(), visit.facility()?).await?;
    Ok(done("/accesses/cases", "cases-found", &[("n", &count)]))
}

/// Signs the review, in the name of whoever is signed in.
pub(crate) async fn sign(visit: Visit, _: Fields) -> PageResult {
    let me = visit.me()?;
    match visit.app().sign_review(&me.actor(), visit.facility()?, &me.user.name).await {
        Ok(no) => Ok(done("/inspections", "cases-signed", &[("no", &no)])),
        Err(app::Error::Invalid { message, code }) => {
            let message = format!("{message}（{code}）");
            let errors = Errors(vec![FieldError { field: String::new(), message }]);
            visit.again(&queue(&visit, errors).await?)
        }
        Err(error) => visit.again(&queue(&visit, Errors::of(error)?).await?),
    }
}

#[derive(Template)]
#[template(path = "accesses_case.html")]
struct One {
    c: Chrome,
    errors: Errors,
    f: Fields,
    case: Told,
    lines: Vec<Line>,
    ways: Vec<(&'static str, String)>,
}

async fn one(visit: &Visit, no: i64, f: Fields, errors: Errors) -> Result<One, Problem> {
    let (case, lines) = visit.app().look_at_case(&visit.me()?.actor(), visit.facility()?, no).await?;
    let mut c = visit.chrome("case-title");
    c.title = c.with("case-title", "no", no);
    c.failed = !errors.is_empty();
    let ways = Closing::ALL.iter().map(|row| (row.1, c.word(row.2).to_owned())).collect();
    let lines = lines.into_iter().map(|of| line(&c, of)).collect();
    Ok(One { case: told(&c, &case), lines, ways, c, errors, f })
}

/// The number of a case in an address.
fn number(text: &str) -> Result<i64, Problem> {
    text.parse().map_err(|_| app::Error::NotFound { what: "確認事項".to_owned() }.into())
}

/// One case with its accesses; that it was looked at is noted.
pub(crate) async fn look(visit: Visit, Path(no): Path<String>, f: Fields) -> PageResult {
    let no = number(&no)?;
    visit.page(&one(&visit, no, f, Errors::default()).await?)
}

/// Closes a case.
pub(crate) async fn close(visit: Visit, Path(no): Path<String>, f: Fields) -> PageResult {
    let no = number(&no)?;
    let me = visit.me()?;
    let Some(way) = Closing::parse(f.get("verdict")) else {
        let message = visit.chrome("case-title").t("case-none-chosen");
        let errors = Errors(vec![FieldError { field: "verdict".to_owned(), message }]);
        return visit.again(&one(&visit, no, f, errors).await?);
    };
    let person = me.user.person.as_deref();
    match visit.app().close_case(&me.actor(), person, visit.facility()?, (no, way, f.get("reason"))).await {
        Ok(()) => Ok(done("/accesses/cases", "cases-closed", &[("no", &no)])),
        Err(error) => visit.again(&one(&visit, no, f, Errors::of(error)?).await?),
    }
}

#[derive(Template)]
#[template(path = "accesses_rules.html")]
struct Numbers {
    c: Chrome,
    errors: Errors,
    f: Fields,
    /// Name, what it decides with its unit, and why it is what it is where nothing is set.
    numbers: Vec<(&'static str, String, String)>,
    days: Vec<(&'static str, String)>,
}

const DAYS: [&str; 7] = ["0", "1", "2", "3", "4", "5", "6"];

fn numbers(visit: &Visit, f: Fields, errors: Errors) -> Numbers {
    let mut c = visit.chrome("rules-title");
    c.failed = !errors.is_empty();
    let caption = |of: &domain::threshold::Threshold| format!("{}（{}）", c.word(of.label), c.word(of.unit));
    let numbers = NUMBERS.iter().map(|(of, ..)| (of.name, caption(of), c.word(of.why).to_owned())).collect();
    let days = DAYS.iter().map(|day| (*day, c.t(&format!("rules-day-{day}")))).collect();
    Numbers { c, errors, f, numbers, days }
}

/// The numbers of the review.
pub(crate) async fn rules(visit: Visit) -> PageResult {
    let rules = visit.app().review_rules(visit.facility()?).await?;
    let set = NUMBERS.iter().map(|(of, ..)| (of.name.to_owned(), rules.get(of).to_string()));
    let closed = (0..7).filter(|day| rules.closed_days() >> day & 1 == 1);
    let f = set.chain(closed.map(|day| ("closed".to_owned(), day.to_string()))).collect();
    visit.page(&numbers(&visit, f, Errors::default()))
}

/// Sets the numbers of the review.
pub(crate) async fn set_rules(visit: Visit, f: Fields) -> PageResult {
    let typed: HashMap<String, String> = f.map().into_iter().collect();
    let closed = DAYS.iter().enumerate().filter(|(_, day)| f.has("closed", day)).map(|(n, _)| 1_i64 << n).sum();
    match visit.app().set_review_rules(&visit.me()?.actor(), visit.facility()?, &typed, closed).await {
        Ok(()) => Ok(done("/accesses/cases", "rules-set", &[])),
        Err(error) => visit.again(&numbers(&visit, f, Errors::of(error)?)),
    }
}

impl Line {
    /// Whether it only stood in a list.
    fn is_listed(&self, c: &Chrome) -> bool {
        self.kind == c.word(Exposure::Listed.label())
    }
}
