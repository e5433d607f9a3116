//! ひな形: drafts of the documents that the guidelines ask for, to print or to take into a word processor.
//!
//! The drafts are data (`drafts.toml`), in our own words. What is taken away is an HTML file of headings and numbered
//! clauses, which every word processor opens as a document. A draft is no evidence; only what somebody approved is.

use std::sync::OnceLock;

use askama::Template;
use axum::extract::Path;
use domain::catalog::{Catalog, Rule};
use domain::ledger::{Choice, Kind};
use serde::Deserialize;

use crate::guard::Visit;
use crate::page::{Chrome, PageResult, Problem, file};
use crate::pages::ledgers::find;
use crate::pages::requirements;

const DRAFTS: &str = include_str!("../drafts.toml");

/// A draft of a document.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Draft {
    /// Code of the kind of document.
    kind: String,
    sections: Vec<Section>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Section {
    heading: String,
    clauses: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
struct Drafts {
    draft: Vec<Draft>,
}

/// Every draft. A broken table is empty; a test reads it.
fn drafts() -> &'static [Draft] {
    static TABLE: OnceLock<Drafts> = OnceLock::new();
    &TABLE.get_or_init(|| toml::from_str(DRAFTS).unwrap_or_default()).draft
}

/// The kinds of documents.
fn kinds() -> &'static [Choice] {
    match find("documents").ok().and_then(|l| l.column("kind")).map(|column| column.kind) {
        Some(Kind::Choice(kinds)) => kinds,
        _ => &[],
    }
}

/// A draft in the list: address and name.
pub(crate) struct Offer {
    pub(crate) href: String,
    pub(crate) name: &'static str,
    /// How many requirements of the edition that is followed ask for the document.
    pub(crate) asked: usize,
}

/// The drafts, those that most requirements ask for first.
pub(crate) fn offers(c: &Chrome, edition: Option<&Catalog>) -> Vec<Offer> {
    let mut all: Vec<Offer> = drafts()
        .iter()
        .filter_map(|draft| {
            let kind = kinds().iter().find(|kind| kind.code == draft.kind)?;
            let asked = edition.map_or(0, |catalog| asking(catalog, &draft.kind).count());
            Some(Offer { href: format!("/documents/drafts/{}", draft.kind), name: c.word(kind.label), asked })
        })
        .collect();
    all.sort_by_key(|offer| std::cmp::Reverse(offer.asked));
    all
}

/// The requirements of an edition that ask for a kind of document.
fn asking<'a>(catalog: &'a Catalog, kind: &'a str) -> impl Iterator<Item = &'a domain::catalog::Requirement> {
    catalog.requirements().filter(move |r| r.rule.as_ref().is_some_and(|rule| asks(rule, kind)))
}

fn asks(rule: &Rule, wanted: &str) -> bool {
    match rule {
        Rule::Document { kind, .. } => *kind == wanted,
        Rule::All(parts) | Rule::Any(parts) => parts.iter().any(|part| asks(part, wanted)),
        Rule::Not(part) => asks(part, wanted),
        _ => false,
    }
}

/// The edition that the facility follows.
pub(crate) async fn edition(visit: &Visit) -> Result<Option<&'static Catalog>, Problem> {
    let assessment = visit.app().assess(visit.facility()?).await?;
    let first = assessment.editions().into_iter().next().map(|catalog| catalog.id.clone());
    Ok(first.and_then(|id| visit.app().catalogs().catalog(&id)))
}

#[derive(Template)]
#[template(path = "draft.html")]
struct Page {
    c: Chrome,
    draft: &'static Draft,
    facility: String,
    take: String,
    /// Number and address of what asks for it.
    asked_by: Vec<(String, String)>,
}

fn named(kind: &str) -> Result<(&'static Draft, &'static Choice), Problem> {
    let found = drafts().iter().find(|draft| draft.kind == kind).zip(kinds().iter().find(|k| k.code == kind));
    found.ok_or_else(|| app::Error::NotFound { what: "ひな形".to_owned() }.into())
}

/// One draft.
pub(crate) async fn show(visit: Visit, Path(kind): Path<String>) -> PageResult {
    let (draft, choice) = named(&kind)?;
    let mut c = visit.chrome("drafts-title");
    c.title = c.with("drafts-one", "kind", c.word(choice.label));
    let asked_by = edition(&visit).await?.map_or_else(Vec::new, |catalog| {
        asking(catalog, &kind).map(|r| (r.cited(), requirements::address(&r.id))).collect()
    });
    let facility = visit.facility()?.name.clone();
    let take = format!("/documents/drafts/{kind}/file");
    visit.page(&Page { c, draft, facility, take, asked_by })
}

#[derive(Template)]
#[template(path = "draft_file.html")]
struct Document<'a> {
    title: &'a str,
    draft: &'static Draft,
    facility: &'a str,
}

/// The draft as a file for a word processor.
pub(crate) async fn take(visit: Visit, Path(kind): Path<String>) -> PageResult {
    let (draft, choice) = named(&kind)?;
    let document = Document { title: choice.label.ja, draft, facility: &visit.facility()?.name };
    let html = document.render().map_err(|e| Problem::from(app::Error::Internal { message: e.to_string() }))?;
    Ok(file(&format!("{}（案）.html", choice.label.ja), "text/html; charset=utf-8", html.into_bytes()))
}

impl Draft {
    /// A clause with the name of the facility in its place.
    fn clause(&self, clause: &str, facility: &str) -> String {
        clause.replace("〔施設名〕", facility)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn every_draft_is_of_a_kind_that_the_ledger_knows_and_says_something() {
        let table: Drafts = toml::from_str(DRAFTS).unwrap();
        assert_eq!(table.draft.len(), 12);
        for draft in &table.draft {
            assert!(kinds().iter().any(|kind| kind.code == draft.kind), "{}", draft.kind);
            assert!(draft.sections.iter().all(|s| !s.heading.is_empty() && !s.clauses.is_empty()), "{}", draft.kind);
            let text: String = draft.sections.iter().flat_map(|s| &s.clauses).cloned().collect();
            assert_eq!(text.matches('〔').count(), text.matches('〕').count(), "{}", draft.kind);
        }
        let mut kinds: Vec<&str> = table.draft.iter().map(|draft| draft.kind.as_str()).collect();
        kinds.sort_unstable();
        kinds.dedup();
        assert_eq!(kinds.len(), table.draft.len());
    }
}
