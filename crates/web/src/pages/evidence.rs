//! 証跡: the audit folder to take away, and the journal to look things up in.

use app::{Head, Job, JournalQuery, Sealed, Work};
use askama::Template;
use axum::extract::Query;
use domain::authz::Permission;
use domain::evaluate::plus;
use domain::journal::Entry;
use domain::ledger::{LEDGERS, Ledger};
use domain::text::Lang;
use jiff::Timestamp;
use jiff::civil::Date;
use serde::Deserialize;

use crate::form::Errors;
use crate::guard::Visit;
use crate::page::{Chrome, PageResult, Problem, action, words};
use crate::pages::jobs;
use crate::pages::ledgers::qr;

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

/// An entry in words.
pub(crate) fn event(c: &Chrome, entry: Entry) -> Event {
    let ledger = ledger_of(&entry.action);
    let name = |column: &str| {
        let known = ledger.and_then(|l| l.column(column)).map(|found| found.label.in_lang(c.lang).to_owned());
        known.unwrap_or_else(|| {
            let key = format!("detail-{column}");
            Some(c.t(&key)).filter(|word| *word != key).unwrap_or_else(|| column.to_owned())
        })
    };
    let told = |(column, value): (String, String)| match column.as_str() {
        // Kilobytes of base64 that programs check; that there is one is what people want to know.
        "signature" => (name(&column), c.t("journal-signed")),
        _ => (name(&column), value),
    };
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
}

/// What a check of the whole found in order.
struct Checked {
    /// Entries.
    entries: i64,
    /// The head of the sealed log, and its QR code; `None` when nothing is sealed yet.
    head: Option<(Head, String)>,
    /// Entries that are not sealed yet.
    staged: u64,
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

/// The journal, newest first.
pub(crate) async fn journal(visit: Visit, Query(wanted): Query<Wanted>) -> PageResult {
    journal_page(&visit, wanted, None).await
}

/// The same, with the outcome of a check of the whole.
pub(crate) async fn check(visit: Visit) -> PageResult {
    journal_page(&visit, Wanted::default(), Some(checked(&visit).await?)).await
}

/// Checks the chain of the journal, then the sealed log beside it; the inner error is what does not fit.
async fn checked(visit: &Visit) -> Result<Result<Checked, String>, Problem> {
    let entries = match visit.app().verify_journal().await? {
        Ok(entries) => entries,
        Err(broken) => return Ok(Err(broken.to_string())),
    };
    let sealed = visit.app().sealed(&visit.web().folder).await?;
    if let Some(fault) = sealed.fault() {
        return Ok(Err(fault));
    }
    let Sealed::Holds { head, staged } = sealed else { return Ok(Ok(Checked { entries, head: None, staged: 0 })) };
    let line = format!("{} {} {}", head.origin, head.size, head.root);
    let qr = qr(&line).ok_or_else(|| Problem::from(app::Error::Internal { message: "qr".to_owned() }))?;
    Ok(Ok(Checked { entries, head: Some((head, qr)), staged }))
}

async fn journal_page(visit: &Visit, wanted: Wanted, checked: Option<Result<Checked, String>>) -> PageResult {
    let mut c = visit.chrome("journal-title");
    let lang = c.lang;
    let mut errors = Errors::default();
    let query = JournalQuery {
        text: &wanted.q,
        name_of: &move |code: &str| named(lang, code),
        since: day("from", &wanted.from, &mut errors),
        until: day("to", &wanted.to, &mut errors),
        before: wanted.before,
    };
    let found = visit.app().read_journal(&visit.me()?.actor(), visit.facility()?, query).await?;
    let today = visit.app().today();
    let span = |days: i32| Wanted { from: plus(today, -days).to_string(), ..Wanted::default() }.address();
    c.failed = !errors.is_empty();
    let page = Journal {
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
