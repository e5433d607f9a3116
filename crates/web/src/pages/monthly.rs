//! 月次報告: one page of A4 for the director: where things stand, which way they go, and what waits for them.

use app::{JournalState, Monthly, Moved, Papers};
use askama::Template;
use axum::extract::Query;
use domain::authz::Permission;
use domain::evaluate::Verdict;
use domain::trend::Way;
use jiff::civil::Date;
use serde::Deserialize;

use crate::chart::{Bar, Trend};
use crate::guard::Visit;
use crate::page::{Chrome, PageResult, Problem, file};
use crate::pages::requirements::address;

/// Items of each list that are named; the rest is counted.
const NAMED: usize = 3;
/// Letters of a requirement that are shown.
const SUMMARY: usize = 44;

/// Which edition.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Wanted {
    edition: Option<String>,
}

/// A requirement that moved.
struct Line {
    number: String,
    href: String,
    summary: String,
    before: Verdict,
    now: Verdict,
}

/// A list of what moved, with how many more there are.
struct Turned {
    /// Key of its heading.
    word: &'static str,
    lines: Vec<Line>,
    count: usize,
    more: usize,
}

/// A matter in one line: heading, words, and where it is seen.
struct Matter {
    heading: String,
    says: String,
    href: &'static str,
    /// `bad` where somebody has to do something.
    class: &'static str,
}

#[derive(Template)]
#[template(path = "monthly.html")]
struct Page {
    c: Chrome,
    /// Other editions: name and address.
    others: Vec<(&'static str, String)>,
    pdf: Option<String>,
    today: Date,
    bar: Bar,
    trend: Trend,
    gaps: usize,
    since: Option<Date>,
    turned: Vec<Turned>,
    matters: Vec<Matter>,
    /// What waits for approval, named.
    waiting: Vec<String>,
    waiting_more: usize,
    approves: bool,
}

/// The page.
pub(crate) async fn show(visit: Visit, Query(wanted): Query<Wanted>) -> PageResult {
    let (app, facility, me) = (visit.app(), visit.facility()?, visit.me()?);
    let mut c = visit.chrome("monthly-title");
    let assessment = app.assess(facility).await?;
    let report = app.monthly(facility, &assessment, wanted.edition.as_deref()).await?;
    let edition = report.edition.short.in_lang(c.lang);
    c.title = format!("{} {edition}", c.t("monthly-title"));
    let findings = assessment.findings(&report.edition.id)?;
    let others = assessment.editions().into_iter().filter(|other| other.id != report.edition.id);
    let page = Page {
        others: others.map(|other| (other.short.in_lang(c.lang), format!("/monthly?edition={}", other.id))).collect(),
        pdf: me.may(Permission::MakePapers).then(|| format!("/monthly/pdf?edition={}", report.edition.id)),
        today: report.today,
        bar: Bar::of(0, edition.to_owned(), String::new(), &findings, c.lang),
        trend: Trend::of(&report, c.lang),
        gaps: report.gaps(),
        since: report.since,
        turned: [(Way::Worse, "monthly-worse"), (Way::Better, "monthly-better")]
            .map(|(way, word)| turned(&c, word, &report, way))
            .into_iter()
            .collect(),
        matters: matters(&c, &report),
        waiting: report.waiting.iter().take(NAMED).map(|pending| pending.title.clone()).collect(),
        waiting_more: report.waiting.len().saturating_sub(NAMED),
        approves: me.may(Permission::Approve),
        c,
    };
    visit.page(&page)
}

fn turned(c: &Chrome, word: &'static str, report: &Monthly, way: Way) -> Turned {
    let all: Vec<&Moved> = report.that_got(way).collect();
    let line = |moved: &&Moved| Line {
        number: moved.requirement.cited_in(c.lang),
        href: address(&moved.requirement.id),
        summary: shortened(moved.requirement.summary.in_lang(c.lang)),
        before: moved.before,
        now: moved.now,
    };
    Turned {
        word,
        lines: all.iter().take(NAMED).map(line).collect(),
        count: all.len(),
        more: all.len().saturating_sub(NAMED),
    }
}

/// The beginning of a summary; the whole is behind its link.
fn shortened(summary: &str) -> String {
    match summary.char_indices().nth(SUMMARY) {
        Some((end, _)) => format!("{}…", summary.get(..end).unwrap_or_default()),
        None => summary.to_owned(),
    }
}

/// What else the director should know, a line each.
fn matters(c: &Chrome, report: &Monthly) -> Vec<Matter> {
    let late = |count: usize, names: Vec<String>| match count {
        0 => c.t("monthly-none"),
        n => format!("{} {}", c.with("ledgers-count", "n", n), names.join("、")),
    };
    let some = |count: usize| if count == 0 { "good" } else { "bad" };
    let loans: Vec<String> = report
        .late_loans
        .iter()
        .take(NAMED)
        .map(|loan| format!("{}（{}）", loan.device, c.with("loans-late", "days", loan.overdue_days)))
        .collect();
    let tasks: Vec<String> = report.late_tasks.iter().take(NAMED).map(|task| task.title.clone()).collect();
    let mut all = vec![
        Matter {
            heading: c.t("monthly-loans"),
            says: late(report.late_loans.len(), loans),
            href: "/loans",
            class: some(report.late_loans.len()),
        },
        Matter {
            heading: c.t("monthly-tasks"),
            says: late(report.late_tasks.len(), tasks),
            href: "/",
            class: some(report.late_tasks.len()),
        },
    ];
    for (fact, tally) in &report.backup {
        let good = tally.total - tally.bad - tally.unknown;
        let mut says = c.with2("today-known", "good", good, "total", tally.total);
        if tally.unknown > 0 {
            says.push_str(&c.with("today-unknown", "n", tally.unknown));
        }
        if let Some(oldest) = tally.oldest {
            says.push_str(&format!(" {}", c.with("today-since", "on", c.day(oldest))));
        }
        let class = if good == tally.total && good > 0 { "good" } else { "bad" };
        all.push(Matter { heading: c.word(fact.label).to_owned(), says, href: "/ledgers/systems", class });
    }
    all.push(Matter {
        heading: c.t("journal-title"),
        says: journal(c, &report.journal),
        href: "/evidence/journal/check",
        class: if report.journal.fault.is_none() && report.journal.kept.as_ref().is_some_and(|kept| kept.fresh) {
            "good"
        } else {
            "bad"
        },
    });
    all
}

fn journal(c: &Chrome, journal: &JournalState) -> String {
    let entries = c.with("monthly-entries", "n", journal.entries);
    let sealed = journal.fault.clone().unwrap_or_default();
    let kept = match &journal.kept {
        Some(kept) => {
            let grade = c.t(&format!("journal-kept-{}", kept.grade.code()));
            c.with2("monthly-kept", "where", grade, "at", c.at(kept.at))
        }
        None => c.t("monthly-kept-nowhere"),
    };
    [entries, sealed, kept].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}

/// The page as a PDF.
pub(crate) async fn pdf(visit: Visit, Query(wanted): Query<Wanted>) -> PageResult {
    let (app, facility) = (visit.app(), visit.facility()?);
    let assessment = app.assess(facility).await?;
    let report = app.monthly(facility, &assessment, wanted.edition.as_deref()).await?;
    let papers = Papers { assessment: &assessment, printed_by: &visit.me()?.user.name, lang: visit.lang() };
    let bytes = app.take_monthly(&visit.me()?.actor(), &papers, &report).await.map_err(Problem::from)?;
    Ok(file(&format!("月次報告_{}_{}.pdf", report.edition.id, report.today), "application/pdf", bytes))
}
