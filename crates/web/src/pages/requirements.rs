//! 要件: every requirement of an edition with its verdict, and what keeps it from holding.

use askama::Template;
use axum::extract::Query;
use domain::authz::Permission;
use domain::catalog::{Catalog, Catalogs, Confidence, Requirement, Volume};
use domain::evaluate::{Finding, Verdict};
use domain::text::{Lang, fold};
use jiff::civil::Date;
use serde::Deserialize;

use crate::chart::Bar;
use crate::guard::Visit;
use crate::page::{Chrome, PageResult};

/// Where the list is.
const LIST: &str = "/requirements";

/// The address of a requirement.
pub(crate) fn address(id: &str) -> String {
    format!("{LIST}/{id}")
}

/// What the list is asked for; empty means any.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Wanted {
    edition: String,
    volume: String,
    verdict: String,
    owner: String,
    q: String,
}

impl Wanted {
    /// The list's address with this asked for.
    fn address(&self) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        for (name, value) in [
            ("edition", &self.edition),
            ("volume", &self.volume),
            ("verdict", &self.verdict),
            ("owner", &self.owner),
            ("q", &self.q),
        ] {
            if !value.is_empty() {
                query.append_pair(name, value);
            }
        }
        format!("{LIST}?{}", query.finish())
    }

    fn wants(&self, finding: &Finding<'_>) -> bool {
        let requirement = finding.requirement;
        let owner = finding.declared.and_then(|d| d.owner.as_deref()).unwrap_or_default();
        let said = || fold(&format!("{}{}{}", requirement.cited(), requirement.summary.ja, requirement.summary.en));
        (self.volume.is_empty() || requirement.volume() == self.volume)
            && (self.verdict.is_empty() || finding.verdict.code() == self.verdict)
            && (self.owner.is_empty() || owner == self.owner)
            && (self.q.is_empty() || said().contains(&fold(&self.q)))
    }
}

/// A choice that is a link.
struct Choice {
    label: String,
    href: String,
    current: bool,
}

/// A verdict with its number, and the list of just these.
struct Share {
    verdict: Verdict,
    count: u32,
    href: String,
    current: bool,
}

/// One requirement in the list.
struct Line {
    number: String,
    href: String,
    summary: String,
    verdict: Verdict,
    reason: String,
    due_on: Option<Date>,
    owner: String,
}

/// An item that is listed and not counted.
struct Uncounted {
    number: String,
    href: String,
    summary: String,
    /// Key of the word that says why.
    why: &'static str,
}

#[derive(Template)]
#[template(path = "requirements_list.html")]
struct List {
    c: Chrome,
    catalog: &'static Catalog,
    volumes: Vec<&'static Volume>,
    owners: Vec<String>,
    verdicts: [Verdict; 6],
    wanted: Wanted,
    editions: Vec<Choice>,
    shares: Vec<Share>,
    bars: Vec<Bar>,
    holds: u32,
    of: u32,
    lines: Vec<Line>,
    uncounted: Vec<Uncounted>,
    everything: String,
    may_print: bool,
}

/// The list.
pub(crate) async fn list(visit: Visit, Query(mut wanted): Query<Wanted>) -> PageResult {
    let (lang, facility) = (visit.lang(), visit.facility()?);
    let assessment = visit.app().assess(facility).await?;
    let guidelines: Vec<&'static Catalog> =
        assessment.editions().into_iter().filter(|c| c.fiscal_year.is_none()).collect();
    if wanted.edition.is_empty() {
        wanted.edition = guidelines.first().map(|c| c.id.clone()).unwrap_or_default();
    }
    let catalog = assessment.edition(&wanted.edition)?;
    let findings = assessment.findings(&catalog.id)?;
    let editions = guidelines
        .iter()
        .map(|c| Choice {
            label: c.short.in_lang(lang).to_owned(),
            href: Wanted { edition: c.id.clone(), ..Wanted::default() }.address(),
            current: c.id == catalog.id,
        })
        .collect();
    let here: Vec<&Finding<'_>> =
        findings.iter().filter(|f| wanted.volume.is_empty() || f.requirement.volume() == wanted.volume).collect();
    let count = app::Count::of(here.iter().copied());
    let (holds, of) = count.readiness();
    let shares = count
        .each()
        .map(|(verdict, count)| Share {
            verdict,
            count,
            href: format!("{}#list", Wanted { verdict: verdict.code().to_owned(), ..wanted.clone() }.address()),
            current: wanted.verdict == verdict.code(),
        })
        .collect();
    let mut owners: Vec<String> = findings.iter().filter_map(|f| f.declared.and_then(|d| d.owner.clone())).collect();
    owners.sort();
    owners.dedup();
    let c = visit.chrome("requirements-title");
    visit.page(&List {
        lines: findings.iter().filter(|f| wanted.wants(f)).map(|f| line(f, lang)).collect(),
        bars: bars(catalog, &here, &wanted, lang),
        uncounted: uncounted(visit.app().catalogs(), catalog, &wanted.volume, lang),
        volumes: catalog.volumes.iter().filter(|v| findings.iter().any(|f| f.requirement.volume() == v.id)).collect(),
        everything: Wanted { edition: wanted.edition.clone(), ..Wanted::default() }.address(),
        may_print: visit.me()?.may(Permission::MakePapers),
        verdicts: Verdict::ALL,
        c,
        catalog,
        owners,
        wanted,
        editions,
        shares,
        holds,
        of,
    })
}

fn line(finding: &Finding<'_>, lang: Lang) -> Line {
    let requirement = finding.requirement;
    let target = finding.declared.and_then(|d| d.target_on);
    let due_on = match finding.verdict {
        Verdict::Unmet | Verdict::Unknown => target,
        Verdict::DueSoon => finding.holds_until,
        _ => None,
    };
    Line {
        number: requirement.cited(),
        href: address(&requirement.id),
        summary: requirement.summary.in_lang(lang).to_owned(),
        verdict: finding.verdict,
        reason: finding.reasons(lang).into_iter().next().unwrap_or_default(),
        due_on,
        owner: finding.declared.and_then(|d| d.owner.clone()).unwrap_or_default(),
    }
}

/// A bar per volume; of one volume, a bar per chapter.
fn bars(catalog: &Catalog, findings: &[&Finding<'_>], wanted: &Wanted, lang: Lang) -> Vec<Bar> {
    let mut groups: Vec<(String, String, Vec<&Finding<'_>>)> = Vec::new();
    for finding in findings {
        let requirement = finding.requirement;
        let (label, href) = if wanted.volume.is_empty() {
            let volume = catalog.volumes.iter().find(|v| v.id == requirement.volume());
            let label = volume.map_or_else(String::new, |v| v.title.in_lang(lang).to_owned());
            (label, Wanted { volume: requirement.volume().to_owned(), ..wanted.clone() }.address())
        } else {
            (chapter(requirement), String::new())
        };
        match groups.iter_mut().find(|(known, ..)| *known == label) {
            Some((.., members)) => members.push(finding),
            None => groups.push((label, href, vec![finding])),
        }
    }
    groups.into_iter().enumerate().map(|(id, (label, href, members))| Bar::of(id, label, href, members, lang)).collect()
}

/// Number and title of the chapter.
pub(crate) fn chapter(requirement: &Requirement) -> String {
    let number = requirement.chapter.as_deref().unwrap_or_default();
    format!("{number} {}", requirement.chapter_title.as_deref().unwrap_or_default()).trim().to_owned()
}

/// What is listed and not counted: what is presumed, and what is commentary.
fn uncounted(catalogs: &Catalogs, catalog: &Catalog, volume: &str, lang: Lang) -> Vec<Uncounted> {
    let of = |requirement: &Requirement, why| Uncounted {
        number: requirement.cited(),
        href: address(&requirement.id),
        summary: requirement.summary.in_lang(lang).to_owned(),
        why,
    };
    let mut all = Vec::new();
    for v in catalog.volumes.iter().filter(|v| volume.is_empty() || v.id == volume) {
        for requirement in v.requirements.iter().filter(|r| !r.is_counted()) {
            let why = match requirement.confidence {
                Confidence::Inferred => "requirements-inferred",
                _ if requirement.is_guidance => "requirements-guidance",
                _ => "requirements-reference",
            };
            all.push(of(requirement, why));
        }
        for id in &v.carryovers {
            all.extend(catalogs.requirement(id).map(|(_, r)| of(r, "requirements-carryover")));
        }
    }
    all
}
