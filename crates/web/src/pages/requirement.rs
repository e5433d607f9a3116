//! One requirement: the verdict with the evidence it rests on, what to do next, and the form for what only a person
//! can say.

use std::collections::BTreeMap;
use std::fmt::Display;

use app::{Related, Statement};
use askama::Template;
use axum::extract::Path;
use domain::authz::Permission;
use domain::catalog::{Catalog, CatalogKind, Confidence, Relation, Requirement, Rule};
use domain::evaluate::{Attestation, Basis, Finding, Leaf, Truth, Verdict};
use domain::text::Lang;
use jiff::civil::Date;

use crate::form::{Errors, Fields};
use crate::guard::Visit;
use crate::page::{Chrome, PageResult, Problem, done, words};
use crate::pages::evidence::{Event, event};
use crate::pages::requirements::{address, chapter};
use crate::pages::{errand, ledgers, overrides};

/// Offenders listed under one fact before the rest is counted.
const OFFENDERS_SHOWN: usize = 20;

/// One piece of evidence.
struct Fact {
    says: String,
    /// The value behind it, in short.
    value: String,
    on: Option<Date>,
    source: String,
    until: Option<Date>,
    /// Mark, and the key of the word.
    mark: &'static str,
    bears: &'static str,
}

/// A thing to do, and where.
struct Step {
    action: String,
    href: String,
}

/// The rows behind one fact.
struct Group {
    label: String,
    rows: Vec<Offender>,
    more: usize,
    list: String,
}

/// One such row.
struct Offender {
    key: String,
    href: Option<String>,
    name: String,
    place: String,
    on: Option<Date>,
    bad: bool,
}

/// A requirement elsewhere that has to do with this one.
struct Neighbour {
    edition: String,
    number: String,
    href: String,
    summary: String,
    verdict: Option<Verdict>,
    /// Key of the word for the relation.
    relation: &'static str,
    note: String,
    carries: bool,
}

/// What is typed into the form, or stands there already.
#[derive(Default)]
struct Typed(BTreeMap<String, String>);

impl Typed {
    fn get(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    /// Who acts by when, as it stands. The answer is asked for anew.
    fn standing(said: Option<&Attestation>) -> Self {
        let Some(said) = said else { return Self::default() };
        let plan = [("owner", said.owner.clone()), ("target_on", said.target_on.map(|day| day.to_string()))];
        Self(plan.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect())
    }
}

#[derive(Template)]
#[template(path = "requirement.html")]
struct Page<'a> {
    c: Chrome,
    errors: Errors,
    catalog: &'static Catalog,
    requirement: &'static Requirement,
    chapter: String,
    volume: &'static str,
    list: String,
    to: String,
    finding: Option<&'a Finding<'a>>,
    judged_on: Date,
    reasons: Vec<String>,
    /// Why the answer on the checklist differs, and who approved that.
    overridden: Option<String>,
    override_href: Option<String>,
    steps: Vec<Step>,
    facts: Vec<Fact>,
    groups: Vec<Group>,
    neighbours: Vec<Neighbour>,
    checklist_items: Vec<Neighbour>,
    history: Vec<Event>,
    said: Option<&'a Attestation>,
    questions: Vec<String>,
    standing: Option<String>,
    may_answer: bool,
    may_request: bool,
    rev: i64,
    me: String,
    people: Vec<String>,
    typed: Typed,
}

impl Page<'_> {
    /// Where the text was read, when not in this edition.
    fn provenance(&self) -> Option<String> {
        self.requirement.provenance(self.c.lang)
    }

    /// The key of the word for how well something is known.
    fn confidence(&self, known: &Confidence) -> &'static str {
        match known {
            Confidence::Seen => "confidence-seen",
            Confidence::Partial => "confidence-partial",
            Confidence::Inferred => "confidence-inferred",
        }
    }
}

/// The requirement.
pub(crate) async fn show(visit: Visit, Path((edition, item)): Path<(String, String)>) -> PageResult {
    page(&visit, &format!("{edition}/{item}"), None).await
}

/// Takes down an answer.
pub(crate) async fn answer(visit: Visit, Path((edition, item)): Path<(String, String)>, fields: Fields) -> PageResult {
    let id = format!("{edition}/{item}");
    let (me, mut typed) = (visit.me()?, fields.map());
    approve(&mut typed, me.may(Permission::Approve), &me.user.name);
    let statement = Statement {
        requirement: &id,
        said_by: &me.user.name,
        rev: fields.get("rev").parse().unwrap_or_default(),
        typed: &typed,
    };
    match visit.app().attest(&me.actor(), visit.facility()?, statement).await {
        Ok(()) => Ok(done(&address(&id), "requirement-answered", &[])),
        Err(error) => page(&visit, &id, Some((Errors::of(error)?, typed))).await,
    }
}

/// That something does not apply is approved by whoever says so and may approve, and by nobody whose name is typed.
pub(crate) fn approve(typed: &mut BTreeMap<String, String>, may: bool, name: &str) {
    typed.remove("approved_by");
    if may && typed.get("answer").is_some_and(|answer| matches!(answer.as_str(), "na" | "対象外")) {
        typed.insert("approved_by".to_owned(), name.to_owned());
    }
}

async fn page(visit: &Visit, id: &str, refused: Option<(Errors, BTreeMap<String, String>)>) -> PageResult {
    let (app, facility, lang) = (visit.app(), visit.facility()?, visit.lang());
    let Some((catalog, requirement)) = app.catalogs().requirement(id) else {
        return Err(Problem::from(app::Error::NotFound { what: "要求事項".to_owned() }));
    };
    let assessment = app.assess(facility).await?;
    let finding = assessment.finding(id);
    let groups = match &finding {
        Some(finding) => app.offenders_of(&assessment, finding).await?,
        None => Vec::new(),
    };
    let (items, neighbours): (Vec<Related>, Vec<Related>) =
        assessment.related(id).into_iter().partition(|r| r.catalog.kind == CatalogKind::Checklist);
    let said = assessment.evidence.attestations.get(id);
    let edits = visit.me()?.may(Permission::EditLedgers);
    let may_answer = finding.is_some() && visit.me()?.may(Permission::Attest);
    let mut c = visit.chrome("requirements-title");
    c.title = format!("{} {}", requirement.cited(), catalog.short.in_lang(lang));
    let history = app.requirement_history(facility, id).await?.into_iter().map(|entry| event(&c, entry)).collect();
    let refuse = refused.is_some();
    c.failed = refuse;
    let (errors, typed) = match refused {
        Some((errors, typed)) => (errors, Typed(typed)),
        None => (Errors::default(), Typed::standing(said)),
    };
    let page = Page {
        chapter: chapter(requirement),
        volume: catalog.volumes.iter().find(|v| v.id == requirement.volume()).map_or("", |v| v.title.in_lang(lang)),
        list: match catalog.fiscal_year {
            Some(_) => format!("/checklists/{}/{}", catalog.id, form_of(requirement, facility.form())),
            None => format!("/requirements?edition={}", catalog.id),
        },
        to: address(id),
        judged_on: assessment.today,
        reasons: finding.as_ref().map(|f| f.reasons(lang)).unwrap_or_default(),
        overridden: finding.as_ref().and_then(|f| assessment.override_line(f, lang)),
        override_href: (may_answer && catalog.fiscal_year.is_some()).then(|| overrides::address(id)),
        steps: finding.as_ref().map(|f| steps(f, lang)).unwrap_or_default(),
        facts: finding.as_ref().map(|f| f.leaves.iter().map(|leaf| fact(&c, leaf)).collect()).unwrap_or_default(),
        groups: groups.into_iter().map(|of| group(of, id, edits, lang)).collect(),
        neighbours: neighbours.into_iter().map(|r| neighbour(r, lang)).collect(),
        checklist_items: items.into_iter().map(|r| neighbour(r, lang)).collect(),
        questions: requirement.rule.as_ref().map(questions).unwrap_or_default(),
        standing: said.and_then(|said| standing(&c, said)),
        people: if may_answer { app.people_names(facility).await? } else { Vec::new() },
        rev: if may_answer { app.statement_rev(facility, id).await? } else { 0 },
        me: visit.me()?.user.name.clone(),
        finding: finding.as_ref(),
        c,
        errors,
        catalog,
        requirement,
        history,
        said,
        may_answer,
        may_request: visit.me()?.may(Permission::RequestEvidence),
        typed,
    };
    if refuse { visit.again(&page) } else { visit.page(&page) }
}

/// The form on which the list shows a checklist item: the facility's own, where it is on that.
fn form_of<'a>(requirement: &'a Requirement, own: &'a str) -> &'a str {
    let on_own = requirement.forms.iter().any(|form| form == own);
    if on_own { own } else { requirement.forms.first().map_or(own, String::as_str) }
}

fn fact(c: &Chrome, leaf: &Leaf<'_>) -> Fact {
    let line = leaf.line(c.lang);
    let (mark, bears) = match line.truth {
        Truth::True => ("○", "requirement-speaks-for"),
        Truth::False => ("×", "requirement-speaks-against"),
        Truth::Unknown => ("？", "requirement-unknown"),
        Truth::Skip => ("－", "requirement-silent"),
    };
    let value = match (&leaf.basis, leaf.rule) {
        (Basis::Tally(tally), rule) => {
            let unit = match rule {
                Rule::Fact { fact, .. } => fact.unit.in_lang(c.lang),
                _ => "",
            };
            let good = tally.total - tally.bad - tally.unknown;
            let counts: [(&str, &dyn Display); 5] = [
                ("total", &tally.total),
                ("unit", &unit),
                ("good", &good),
                ("bad", &tally.bad),
                ("unknown", &tally.unknown),
            ];
            words().say(c.lang, "requirement-tally", &counts)
        }
        (Basis::Document(document), _) => document.title.clone(),
        (Basis::Record(record), _) => record.title.clone(),
        (Basis::Said(said, _), _) => answer_of(c, said),
        (Basis::Nothing, _) => c.t("requirement-nothing"),
    };
    Fact { says: line.says, value, on: line.on, source: line.source, until: leaf.until, mark, bears }
}

/// What a person said, with the reason.
fn answer_of(c: &Chrome, said: &Attestation) -> String {
    let answer = match said.answer.as_deref() {
        Some("yes") => c.t("yes"),
        Some("no") => c.t("no"),
        _ => c.t("requirement-na"),
    };
    match &said.reason {
        Some(reason) => format!("{answer}：{reason}"),
        None => answer,
    }
}

/// The answer that stands, with who gave it and when; none when nobody answered.
fn standing(c: &Chrome, said: &Attestation) -> Option<String> {
    said.answer.as_ref()?;
    let name = said.said_by.clone().unwrap_or_default();
    let day = said.said_on.map_or_else(String::new, |day| c.day(day));
    Some(words().say(c.lang, "answer-standing", &[("answer", &answer_of(c, said)), ("name", &name), ("day", &day)]))
}

/// What a rule asks a person.
fn questions(rule: &Rule) -> Vec<String> {
    match rule {
        Rule::Attest { question } => vec![question.clone()],
        Rule::All(parts) | Rule::Any(parts) => parts.iter().flat_map(questions).collect(),
        Rule::Not(part) => questions(part),
        _ => Vec::new(),
    }
}

/// What to do, each with the place where it is done.
fn steps(finding: &Finding<'_>, lang: Lang) -> Vec<Step> {
    finding
        .next_steps(lang)
        .into_iter()
        .map(|(action, leaf)| {
            let href = match leaf.rule {
                Rule::Fact { fact, .. } => match fact.source {
                    domain::fact::Source::Ledger(name) => format!("/ledgers/{name}"),
                    domain::fact::Source::Agents => "/ledgers/devices".to_owned(),
                },
                Rule::Document { kind, .. } => format!("/ledgers/documents?kind={kind}"),
                Rule::Record { kind, .. } => format!("/ledgers/records?kind={kind}"),
                Rule::Vendor { .. } => "/ledgers/vendor_answers".to_owned(),
                Rule::Attest { .. } | Rule::All(_) | Rule::Any(_) | Rule::Not(_) => "#answer".to_owned(),
            };
            Step { action, href }
        })
        .collect()
}

/// The rows behind a fact; who edits ledgers goes to where each is mended, and from there back to the requirement.
fn group(of: app::Offenders, requirement: &str, edits: bool, lang: Lang) -> Group {
    let more = of.rows.len().saturating_sub(OFFENDERS_SHOWN);
    let list = of.rows.first().map_or_else(String::new, |row| format!("/ledgers/{}", row.ledger));
    let href = |row: &app::Offender| {
        let shown = ledgers::address(row.ledger, &row.key);
        let named = [("hostname", row.name.as_deref().unwrap_or_default())];
        match (edits, row.known) {
            (true, true) => Some(errand::address(&format!("{shown}/edit"), requirement, of.fact, &[])),
            (true, false) => {
                Some(errand::address(&format!("/ledgers/{}/new", row.ledger), requirement, of.fact, &named))
            }
            (false, known) => known.then_some(shown),
        }
    };
    let row = |row: app::Offender| Offender {
        href: href(&row),
        key: row.key,
        name: row.name.unwrap_or_default(),
        place: row.place.unwrap_or_default(),
        on: row.on,
        bad: row.bad,
    };
    Group {
        label: of.fact.label.in_lang(lang).to_owned(),
        rows: of.rows.into_iter().take(OFFENDERS_SHOWN).map(row).collect(),
        more,
        list,
    }
}

fn neighbour(related: Related, lang: Lang) -> Neighbour {
    Neighbour {
        edition: related.catalog.short.in_lang(lang).to_owned(),
        number: related.requirement.cited(),
        href: address(&related.requirement.id),
        summary: related.requirement.summary.in_lang(lang).to_owned(),
        verdict: related.verdict,
        relation: match (related.link.relation, related.is_target) {
            (Relation::Same, _) => "relation-same",
            (Relation::Moved, _) => "relation-moved",
            (Relation::Changed, _) => "relation-changed",
            (Relation::Covers, true) => "relation-covers",
            (Relation::Covers, false) => "relation-covered",
        },
        note: related.link.note.clone(),
        carries: related.link.carry,
    }
}
