//! 証跡: the audit folder to take away, and the journal to look things up in.

use app::{Grade, Head, Job, JournalQuery, Sealed, Work};
use askama::Template;
use axum::extract::Query;
use domain::authz::Permission;
use domain::evaluate::plus;
use domain::journal::Entry;
use domain::ledger::{Column, Kind, LEDGERS, Ledger};
use domain::text::Lang;
use jiff::Timestamp;
use jiff::civil::Date;
use serde::Deserialize;

use crate::form::{Errors, Fields};
use crate::guard::Visit;
use crate::page::{Chrome, PageResult, Problem, action, words};
use crate::pages::jobs;
use crate::pages::ledgers::{find, qr};

/// One entry of the journal, in words.
pub(crate) struct Event {
    pub(crate) seq: i64,
    pub(crate) at: String,
    pub(crate) by: String,
    pub(crate) what: String,
    pub(crate) subject: String,
    pub(crate) details: Vec<(String, String)>,
}

/// The ledger an action is about: `devices` of `devices.edit`.
fn ledger_of(action: &str) -> Option<&'static Ledger> {
    let (name, _) = action.split_once('.')?;
    LEDGERS.iter().find(|ledger| ledger.name == name)
}

/// An action in words, with the ledger it is about.
fn named(lang: Lang, code: &str) -> String {
    let verb = action(lang, code);
    // An act that has a name of its own needs no ledger beside it.
    let own = words().say(lang, &format!("action-{code}"), &[]) == verb;
    match ledger_of(code) {
        Some(ledger) if !own => format!("{}：{verb}", ledger.label.in_lang(lang)),
        _ => verb,
    }
}

/// The column that a detail of an entry is about: `devices.status`, or a column of what the entry is about. What an act
/// wrote into another ledger on the way is found by its name.
fn column_of(ledger: Option<&'static Ledger>, name: &str) -> Option<&'static Column> {
    match name.split_once('.') {
        Some((of, column)) => LEDGERS.iter().find(|ledger| ledger.name == of)?.column(column),
        None => ledger.and_then(|l| l.column(name)).or_else(|| find("records").ok()?.column(name)),
    }
}

/// A detail of an entry in words: heading and value.
pub(crate) fn detail(c: &Chrome, ledger: Option<&'static Ledger>, name: &str, value: &str) -> (String, String) {
    let own = Some(c.t(&format!("detail-{name}"))).filter(|word| !word.starts_with("detail-"));
    let column = column_of(ledger, name).filter(|_| own.is_none() || ledger.is_some_and(|l| l.column(name).is_some()));
    let Some(column) = column else {
        let value = match name {
            // Kilobytes of base64 that programs check; that there is one is what people want to know.
            "signature" => c.t("journal-signed"),
            _ => value.to_owned(),
        };
        return (own.unwrap_or_else(|| name.to_owned()), value);
    };
    let said = |code: &str| match column.kind {
        Kind::Choice(_) | Kind::Set(_) | Kind::YesNo => {
            column.parse(code).ok().flatten().map_or_else(|| code.to_owned(), |value| column.show(&value, c.lang))
        }
        _ => code.to_owned(),
    };
    // An entry that was changed tells both, with an arrow between.
    let value = value.split(" → ").map(said).collect::<Vec<_>>().join(" → ");
    (column.label.in_lang(c.lang).to_owned(), value)
}

/// An entry in words.
pub(crate) fn event(c: &Chrome, entry: Entry) -> Event {
    let ledger = ledger_of(&entry.action);
    let told = |(name, value): (String, String)| detail(c, ledger, &name, &value);
    let mut details: Vec<(String, String)> = entry.details.into_iter().map(told).collect();
    let mut subject = entry.subject;
    // An id tells people nothing; it stays where somebody looks for it.
    if is_id(&subject) {
        details.insert(0, (c.t("journal-id"), std::mem::take(&mut subject)));
    }
    Event {
        seq: entry.seq,
        at: Timestamp::from_microsecond(entry.at).map(|at| c.at(at)).unwrap_or_default(),
        by: entry.actor,
        what: named(c.lang, &entry.action),
        subject,
        details,
    }
}

/// Whether a text is an id of ours: a UUID, as RFC 9562 writes it.
fn is_id(text: &str) -> bool {
    text.len() == 36 && text.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-')
}

#[derive(Template)]
#[template(path = "evidence.html")]
struct Evidence {
    c: Chrome,
    folders: Vec<jobs::Line>,
    may_make: bool,
    may_ask: bool,
}

/// The audit folder, and the way to the journal.
pub(crate) async fn show(visit: Visit) -> PageResult {
    let c = visit.chrome("evidence-title");
    let is_folder = |job: &Job| job.work == Work::AuditFolder;
    let jobs = visit.app().jobs(visit.facility()?).await?;
    visit.page(&Evidence {
        folders: jobs.into_iter().filter(is_folder).map(|job| jobs::line(&c, job)).collect(),
        may_make: visit.me()?.may(Permission::MakePapers),
        may_ask: visit.me()?.may(Permission::ReadAccesses),
        c,
    })
}

/// What the journal is asked for.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Wanted {
    q: String,
    from: String,
    to: String,
    before: Option<i64>,
}

#[derive(Template)]
#[template(path = "evidence_journal.html")]
struct Journal {
    c: Chrome,
    errors: Errors,
    wanted: Wanted,
    events: Vec<Event>,
    /// The page of older entries.
    older: Option<String>,
    cut: bool,
    /// Quick choices of days: word and address.
    spans: Vec<(&'static str, String)>,
    checked: Option<Result<Checked, String>>,
    /// The line that was typed to compare with.
    since: String,
    keeping: Keeping,
}

/// Who else has heads of the log.
struct Keeping {
    /// Each grade: its word, and the newest head of it, if there is one.
    grades: Vec<(String, Option<KeptLine>)>,
    /// Whether nobody has one.
    nobody: bool,
}

/// The newest head of a grade.
struct KeptLine {
    at: String,
    name: String,
    size: u64,
    fresh: bool,
}

/// What somebody typed to compare with.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Since {
    since: String,
}

#[derive(Template)]
#[template(path = "evidence_paper.html")]
struct Paper {
    c: Chrome,
    head: Head,
    line: String,
    qr: String,
    by: String,
    at: String,
}

/// What a check of the whole found in order.
struct Checked {
    /// Entries.
    entries: i64,
    /// The head of the sealed log, and its QR code; `None` when nothing is sealed yet.
    head: Option<(Head, String)>,
    /// Entries that are not sealed yet.
    staged: u64,
    /// Whether it was compared with a head that somebody typed.
    compared: bool,
}

impl Wanted {
    fn address(&self) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        for (name, value) in [("q", &self.q), ("from", &self.from), ("to", &self.to)] {
            if !value.is_empty() {
                query.append_pair(name, value);
            }
        }
        if let Some(before) = self.before {
            query.append_pair("before", &before.to_string());
        }
        format!("/evidence/journal?{}", query.finish())
    }
}

/// The day typed into a field, if any; what is none is said at the field.
fn day(field: &str, text: &str, errors: &mut Errors) -> Option<Date> {
    if text.trim().is_empty() {
        return None;
    }
    match domain::jp::parse_date(text) {
        Ok(day) => Some(day),
        Err(error) => {
            errors.0.push(app::FieldError { field: field.to_owned(), message: error.to_string() });
            None
        }
    }
}

/// The later of two bounds.
pub(crate) fn latest(a: Option<Date>, b: Option<Date>) -> Option<Date> {
    a.max(b)
}

/// The earlier of two bounds.
pub(crate) fn earliest(a: Option<Date>, b: Option<Date>) -> Option<Date> {
    [a, b].into_iter().flatten().min()
}

/// The journal, newest first.
pub(crate) async fn journal(visit: Visit, Query(wanted): Query<Wanted>) -> PageResult {
    journal_page(&visit, wanted, None, String::new()).await
}

/// The same, with the outcome of a check of the whole.
pub(crate) async fn check(visit: Visit, Query(Since { since }): Query<Since>) -> PageResult {
    let checked = checked(&visit, &since).await?;
    journal_page(&visit, Wanted::default(), Some(checked), since).await
}

/// A page with the head, to be kept elsewhere; that it was printed is written down.
pub(crate) async fn paper(visit: Visit, _fields: Fields) -> PageResult {
    let facility = visit.facility()?.id.clone();
    let Some((head, line)) = visit.app().paper_head(&visit.me()?.actor(), &facility, &visit.web().folder).await? else {
        return check(visit, Query(Since::default())).await;
    };
    let c = visit.chrome("journal-paper");
    let (by, at) = (visit.me()?.user.name.clone(), c.at(visit.app().now()));
    visit.page(&Paper { qr: code(&line)?, c, head, line, by, at })
}

/// A QR code of a line.
fn code(line: &str) -> Result<String, Problem> {
    qr(line).ok_or_else(|| Problem::from(app::Error::Internal { message: "qr".to_owned() }))
}

/// Checks the chain of the journal, then the sealed log beside it and beside the line that somebody typed; the inner
/// error is what does not fit.
async fn checked(visit: &Visit, since: &str) -> Result<Result<Checked, String>, Problem> {
    let entries = match visit.app().verify_journal().await? {
        Ok(last) => last - visit.app().disposed_up_to().await?,
        Err(broken) => return Ok(Err(broken.to_string())),
    };
    let folder = &visit.web().folder;
    let known = match since.trim() {
        "" => None,
        line => match visit.app().known_head(folder, line.as_bytes()) {
            Ok(known) => Some(known),
            Err(error) => return Ok(Err(error.to_string())),
        },
    };
    let compared = known.is_some();
    let sealed = match visit.app().sealed(folder, known).await {
        // A log that cannot be read or trusted is an answer, not a failure of the page.
        Err(error @ app::Error::Invalid { .. }) => return Ok(Err(error.to_string())),
        sealed => sealed?,
    };
    if let Some(fault) = sealed.fault() {
        return Ok(Err(fault));
    }
    let Sealed::Holds { head, staged } = sealed else {
        return Ok(Ok(Checked { entries, head: None, staged: 0, compared }));
    };
    let qr = code(&head.line())?;
    Ok(Ok(Checked { entries, head: Some((head, qr)), staged, compared }))
}

/// Who else has heads, by grade.
async fn keeping(visit: &Visit, c: &Chrome) -> Result<Keeping, Problem> {
    let kept = visit.app().kept_heads().await?;
    let newest = |grade: Grade| {
        let newest = kept.iter().find(|kept| kept.grade == grade)?;
        let (at, name) = (c.at(newest.at), newest.name.clone());
        Some(KeptLine { at, name, size: newest.head.size, fresh: newest.fresh })
    };
    let line = |grade: Grade| (c.t(&format!("journal-kept-{}", grade.code())), newest(grade));
    Ok(Keeping { grades: Grade::ALL.into_iter().map(line).collect(), nobody: kept.is_empty() })
}

async fn journal_page(
    visit: &Visit,
    wanted: Wanted,
    checked: Option<Result<Checked, String>>,
    since: String,
) -> PageResult {
    let mut c = visit.chrome("journal-title");
    let lang = c.lang;
    let mut errors = Errors::default();
    let query = JournalQuery {
        text: &wanted.q,
        name_of: &move |code: &str| named(lang, code),
        since: latest(day("from", &wanted.from, &mut errors), visit.period().map(|p| p.from)),
        until: earliest(day("to", &wanted.to, &mut errors), visit.period().map(|p| p.until)),
        before: wanted.before,
    };
    let found = visit.app().read_journal(&visit.me()?.actor(), visit.facility()?, query).await?;
    let today = visit.app().today();
    let span = |days: i32| Wanted { from: plus(today, -days).to_string(), ..Wanted::default() }.address();
    c.failed = !errors.is_empty();
    let keeping = keeping(visit, &c).await?;
    let page = Journal {
        since,
        keeping,
        events: found.entries.into_iter().map(|entry| event(&c, entry)).collect(),
        older: found.older.map(|before| Wanted { before: Some(before), ..wanted.clone() }.address()),
        cut: found.cut,
        spans: vec![("journal-today", span(0)), ("journal-week", span(6)), ("journal-month", span(30))],
        c,
        errors,
        wanted,
        checked,
    };
    if page.errors.is_empty() { visit.page(&page) } else { visit.again(&page) }
}
