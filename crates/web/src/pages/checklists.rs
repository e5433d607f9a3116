//! チェックリスト: the ministry's form of a year, answered from evidence, to be signed, printed and handed in.

use app::{Answer, Assessment, Checklist, FieldError, PaperFormat, Papers, Word};
use askama::Template;
use axum::extract::Path;
use domain::authz::Permission;
use domain::catalog::{Catalog, Confidence};
use domain::evaluate::{Basis, Verdict};
use jiff::civil::Date;

use crate::chart::Bar;
use crate::form::{Errors, Fields};
use crate::guard::Visit;
use crate::page::{Chrome, PageResult, Problem, done, file, words};
use crate::pages::{overrides, requirements};

/// Type of an Excel file.
const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

fn address(edition: &str, form: &str) -> String {
    format!("/checklists/{edition}/{form}")
}

/// One form of a year.
struct Card {
    name: String,
    href: String,
    own: bool,
    yes: usize,
    no: usize,
    outside: usize,
    bar: Bar,
    signed: Option<(String, Date)>,
}

/// One year.
struct Year {
    catalog: &'static Catalog,
    cards: Vec<Card>,
}

#[derive(Template)]
#[template(path = "checklists.html")]
struct All {
    c: Chrome,
    years: Vec<Year>,
}

/// Every checklist, the newest year first.
pub(crate) async fn all(visit: Visit) -> PageResult {
    let (app, facility, lang) = (visit.app(), visit.facility()?, visit.lang());
    let assessment = app.assess(facility).await?;
    let papers = papers(&visit, &assessment)?;
    let mut catalogs: Vec<&'static Catalog> =
        app.catalogs().catalogs.iter().filter(|c| c.fiscal_year.is_some()).collect();
    catalogs.sort_by_key(|c| std::cmp::Reverse(c.fiscal_year));
    let mut years = Vec::new();
    let mut bars = 0;
    for catalog in catalogs {
        let mut cards = Vec::new();
        for form in forms(catalog) {
            let checklist = papers.answers(&catalog.id, form)?;
            let name = checklist.form_name(lang);
            let findings = checklist.answers.iter().map(|a| &a.finding);
            bars += 1;
            cards.push(Card {
                href: address(&catalog.id, form),
                own: form == facility.form(),
                yes: checklist.count(Word::Yes),
                no: checklist.count(Word::No),
                outside: checklist.count(Word::NotAsked),
                bar: Bar::of(bars, name.clone(), String::new(), findings, lang),
                signed: app.signature(&papers, &checklist).await?,
                name,
            });
        }
        // One's own form first; the others are for those who help others.
        cards.sort_by_key(|card| !card.own);
        years.push(Year { catalog, cards });
    }
    visit.page(&All { c: visit.chrome("checklists-title"), years })
}

/// The forms on which a year has items.
fn forms(catalog: &Catalog) -> Vec<&str> {
    let mut forms: Vec<&str> = Vec::new();
    for form in catalog.requirements().filter(|r| r.is_counted()).flat_map(|r| &r.forms) {
        if !forms.contains(&form.as_str()) {
            forms.push(form);
        }
    }
    forms
}

/// One item with its answer.
struct Line {
    number: String,
    href: String,
    summary: String,
    word: String,
    verdict: Verdict,
    confirmed_on: Option<Date>,
    target_on: Option<Date>,
    /// Whether that lies beyond the fiscal year.
    late: bool,
    reasons: Vec<String>,
    /// Why the answer differs from the evidence, and who approved that.
    overridden: Option<String>,
    /// Where to ask for another answer than the evidence gives, or to withdraw it.
    override_href: String,
    owner: String,
    /// Whether what a person said decides it.
    by_word: bool,
}

#[derive(Template)]
#[template(path = "checklist.html")]
struct One {
    c: Chrome,
    errors: Errors,
    to: String,
    bar: Bar,
    counts: String,
    without_target: usize,
    year_end: Option<Date>,
    lines: Vec<Line>,
    signed: Option<(String, Date)>,
    sha256: String,
    code: String,
    judged_on: Date,
    me: String,
    may_sign: bool,
    may_print: bool,
    may_override: bool,
}

/// The form with its answers.
pub(crate) async fn show(visit: Visit, Path((edition, form)): Path<(String, String)>) -> PageResult {
    let assessment = visit.app().assess(visit.facility()?).await?;
    let papers = papers(&visit, &assessment)?;
    page(&visit, &papers, &edition, &form, Errors::default()).await
}

/// Signs it: these answers and no others.
pub(crate) async fn sign(visit: Visit, Path((edition, form)): Path<(String, String)>, fields: Fields) -> PageResult {
    let (app, me) = (visit.app(), visit.me()?);
    let assessment = app.assess(visit.facility()?).await?;
    let papers = papers(&visit, &assessment)?;
    if papers.answers(&edition, &form)?.sha256 == fields.get("sha256") {
        app.sign_checklist(&me.actor(), &papers, &edition, &form, &me.user.name).await?;
        return Ok(done(&address(&edition, &form), "checklist-signed", &[]));
    }
    let moved = FieldError::new("", visit.chrome("checklists-title").t("checklist-moved"));
    page(&visit, &papers, &edition, &form, Errors(vec![moved])).await
}

/// The PDF.
pub(crate) async fn pdf(visit: Visit, Path(which): Path<(String, String)>) -> PageResult {
    take(&visit, &which, PaperFormat::Pdf).await
}

/// The workbook.
pub(crate) async fn xlsx(visit: Visit, Path(which): Path<(String, String)>) -> PageResult {
    take(&visit, &which, PaperFormat::Xlsx).await
}

async fn take(visit: &Visit, (edition, form): &(String, String), taken: PaperFormat) -> PageResult {
    let assessment = visit.app().assess(visit.facility()?).await?;
    let (by, papers) = (visit.me()?.actor(), papers(visit, &assessment)?);
    let bytes = visit.app().take_checklist(&by, &papers, (edition, form), taken).await?;
    let (title, year) = (visit.chrome("checklists-title").title, edition.trim_start_matches("checklist-"));
    let name = format!("{title}_{year}_{form}_{}.{}", visit.app().today(), taken.ending());
    Ok(file(&name, media_type(taken), bytes))
}

/// What a checklist is to a browser or a program.
pub(crate) const fn media_type(format: PaperFormat) -> &'static str {
    match format {
        PaperFormat::Pdf => "application/pdf",
        PaperFormat::Xlsx => XLSX,
    }
}

fn papers<'a>(visit: &'a Visit, assessment: &'a Assessment) -> Result<Papers<'a>, Problem> {
    Ok(Papers { assessment, printed_by: &visit.me()?.user.name, lang: visit.lang() })
}

async fn page(visit: &Visit, papers: &Papers<'_>, edition: &str, form: &str, errors: Errors) -> PageResult {
    let (lang, me) = (visit.lang(), visit.me()?);
    let checklist = papers.answers(edition, form)?;
    let signed = visit.app().signature(papers, &checklist).await?;
    let form_name = checklist.form_name(lang);
    let mut c = visit.chrome("checklists-title");
    c.title = format!("{} {form_name}", checklist.catalog.short.in_lang(lang));
    let refuse = !errors.is_empty();
    c.failed = refuse;
    let page = One {
        counts: counts(&c, &checklist),
        bar: Bar::of(0, form_name, String::new(), checklist.answers.iter().map(|a| &a.finding), lang),
        lines: checklist.answers.iter().map(|a| line(&c, a, checklist.year_end)).collect(),
        without_target: checklist.without_target(),
        year_end: checklist.year_end,
        code: checklist.sha256.get(..12).unwrap_or_default().to_owned(),
        sha256: checklist.sha256,
        to: address(edition, form),
        judged_on: papers.assessment.today,
        may_sign: me.may(Permission::Approve),
        may_print: me.may(Permission::MakePapers),
        may_override: me.may(Permission::Attest),
        c,
        errors,
        signed,
        me: me.user.name.clone(),
    };
    if refuse { visit.again(&page) } else { visit.page(&page) }
}

fn counts(c: &Chrome, checklist: &Checklist<'_>) -> String {
    let [yes, no, outside] = [Word::Yes, Word::No, Word::NotAsked].map(|word| checklist.count(word));
    let unknown = checklist.unknown();
    words().say(c.lang, "checklist-counts", &[("yes", &yes), ("no", &no), ("unknown", &unknown), ("outside", &outside)])
}

fn line(c: &Chrome, answer: &Answer<'_>, year_end: Option<Date>) -> Line {
    let finding = &answer.finding;
    let requirement = finding.requirement;
    let sure = requirement.number_confidence.is_none_or(|known| known == Confidence::Seen);
    Line {
        number: format!("{}{}", requirement.cited(), if sure { "" } else { "*" }),
        href: requirements::address(&requirement.id),
        summary: requirement.summary.in_lang(c.lang).to_owned(),
        word: answer.word().show(c.lang),
        verdict: finding.verdict,
        confirmed_on: answer.confirmed_on,
        target_on: answer.target_on,
        late: answer.target_on.zip(year_end).is_some_and(|(target, end)| target > end),
        reasons: finding.reasons(c.lang),
        overridden: answer.override_line(c.lang),
        override_href: overrides::address(&requirement.id),
        owner: finding.declared.and_then(|said| said.owner.clone()).unwrap_or_default(),
        by_word: finding.leaves.iter().any(|leaf| matches!(leaf.basis, Basis::Said(..)))
            || finding.ground == domain::evaluate::Ground::Declared,
    }
}
