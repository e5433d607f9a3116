//! The words for findings: reasons, evidence and next actions in plain Japanese (and English).

use jiff::civil::Date;

use super::{Basis, Finding, Ground, Leaf, Outside, Truth, Verdict, plus};
use crate::catalog::Rule;
use crate::jp;
use crate::ledger::{self, Kind};
use crate::message::say;
use crate::text::Lang;

/// One line of evidence behind a verdict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// What it says.
    pub says: String,
    /// Where it comes from.
    pub source: String,
    /// Day of the observation, where there is one.
    pub on: Option<Date>,
    /// How it bears on the verdict.
    pub truth: Truth,
}

impl Finding<'_> {
    /// Why it has its verdict, one sentence each: what speaks against it when it is not met,
    /// what carries it when it is.
    pub fn reasons(&self, lang: Lang) -> Vec<String> {
        let ground = match &self.ground {
            Ground::Rule => None,
            Ground::Outside(Outside::Kind) => Some(say(lang, "ground-kind", &[])),
            Ground::Outside(Outside::Pattern) => Some(say(lang, "ground-pattern", &[])),
            Ground::Outside(Outside::Path) => Some(say(lang, "ground-path", &[])),
            Ground::Outside(Outside::NoSystems) => Some(say(lang, "ground-no-systems", &[])),
            Ground::Deemed => Some(say(lang, "ground-deemed", &[])),
            Ground::Declared => self.declared.map(|said| {
                let reason = said.reason.as_deref().unwrap_or_default();
                let by = said.approved_by.as_deref().unwrap_or_default();
                say(lang, "ground-declared", &[("reason", &reason), ("by", &by)])
            }),
        };
        if let Some(ground) = ground {
            return vec![ground];
        }
        let speaks = |truth: Truth| match self.verdict {
            Verdict::Unmet => truth == Truth::False,
            Verdict::Unknown => matches!(truth, Truth::Unknown | Truth::False),
            _ => truth == Truth::True,
        };
        let mut chosen: Vec<String> = Vec::new();
        let any = self.leaves.iter().any(|l| speaks(l.truth));
        for says in self.leaves.iter().filter(|l| speaks(l.truth) || !any).map(|l| l.line(lang).says) {
            if !chosen.contains(&says) {
                chosen.push(says);
            }
        }
        chosen
    }

    /// What to do next, most telling first; empty when it holds.
    pub fn next_actions(&self, lang: Lang) -> Vec<String> {
        self.next_steps(lang).into_iter().map(|(action, _)| action).collect()
    }

    /// The same, each with the leaf it would mend.
    pub fn next_steps(&self, lang: Lang) -> Vec<(String, &Leaf<'_>)> {
        if self.verdict.holds() && self.verdict != Verdict::DueSoon || self.verdict == Verdict::NotApplicable {
            return Vec::new();
        }
        let mut steps: Vec<(String, &Leaf<'_>)> = Vec::new();
        for wanted in [Truth::False, Truth::Unknown, Truth::True] {
            if wanted == Truth::True && self.verdict != Verdict::DueSoon {
                continue;
            }
            for leaf in self.leaves.iter().filter(|l| l.truth == wanted) {
                match leaf.next(lang) {
                    Some(action) if steps.iter().all(|(known, _)| *known != action) => steps.push((action, leaf)),
                    _ => {}
                }
            }
        }
        steps
    }

    /// Day of the newest observation behind the verdict: the 確認日 of the checklist.
    pub fn confirmed_on(&self) -> Option<Date> {
        self.leaves.iter().filter_map(|l| l.on()).max()
    }
}

impl Leaf<'_> {
    fn on(&self) -> Option<Date> {
        match &self.basis {
            Basis::Nothing => None,
            Basis::Tally(tally) => tally.oldest,
            Basis::Document(d) => d.reviewed_on.max(d.approved_on),
            Basis::Record(r) => Some(r.held_on),
            Basis::Said(said, _) => said.said_on,
        }
    }
}

fn day(date: Date, lang: Lang) -> String {
    jp::show(date, lang)
}

fn kind_label(of: &str, code: &str, lang: Lang) -> String {
    match ledger::ledger(of).and_then(|l| l.column("kind")).map(|c| c.kind) {
        Some(Kind::Choice(kinds)) => {
            kinds.iter().find(|k| k.code == code).map_or(code, |k| k.label.in_lang(lang)).to_owned()
        }
        _ => code.to_owned(),
    }
}

impl Leaf<'_> {
    /// The evidence as a line.
    pub fn line(&self, lang: Lang) -> Line {
        let (says, source) = match (self.rule, &self.basis) {
            (Rule::Fact { fact, .. }, Basis::Tally(tally)) => {
                let key = match self.truth {
                    Truth::False => "leaf-fact-bad",
                    _ if tally.unknown > 0 => "leaf-fact-unknown",
                    Truth::True | Truth::Skip if tally.total == 0 => "leaf-fact-none-good",
                    Truth::True => "leaf-fact-good",
                    _ => "leaf-fact-none",
                };
                let says = say(
                    lang,
                    key,
                    &[
                        ("label", &fact.label.in_lang(lang)),
                        ("unit", &fact.unit.in_lang(lang)),
                        ("total", &tally.total),
                        ("bad", &tally.bad),
                        ("unknown", &tally.unknown),
                    ],
                );
                (says, fact.source.label().in_lang(lang).to_owned())
            }
            (Rule::Vendor { area }, Basis::Tally(tally)) => {
                let key = match self.truth {
                    Truth::True => "leaf-vendor-good",
                    Truth::False => "leaf-vendor-bad",
                    _ => "leaf-vendor-none",
                };
                let area = if area.is_empty() { say(lang, "all-areas", &[]) } else { area.clone() };
                (say(lang, key, &[("area", &area), ("total", &tally.total), ("bad", &tally.bad)]), "MDS/SDS".to_owned())
            }
            (Rule::Document { kind, within_days }, basis) => {
                (document(kind, *within_days, self.truth, basis, lang), source("documents", lang))
            }
            (Rule::Record { kind, within_days }, basis) => {
                (record(kind, *within_days, basis, self.truth, lang), source("records", lang))
            }
            (Rule::Attest { question }, basis) => {
                (said(question, basis, self.truth, lang), source("attestations", lang))
            }
            _ => (String::new(), String::new()),
        };
        let says = match self.reading.map(|own| own.departures(lang)) {
            Some(own) => {
                let own = own.join(if lang == Lang::Ja { "、" } else { ", " });
                says + &say(lang, "leaf-reading", &[("own", &own)])
            }
            None => says,
        };
        Line { says, source, on: self.on(), truth: self.truth }
    }

    /// What to do about it, when it does not hold.
    pub fn next(&self, lang: Lang) -> Option<String> {
        Some(match self.rule {
            Rule::Fact { fact, .. } => fact.remedy.in_lang(lang).to_owned(),
            Rule::Document { kind, .. } => {
                say(lang, "next-document", &[("kind", &kind_label("documents", kind, lang))])
            }
            Rule::Record { kind, .. } => say(lang, "next-record", &[("kind", &kind_label("records", kind, lang))]),
            Rule::Attest { question } => say(lang, "next-attest", &[("question", question)]),
            Rule::Vendor { .. } => say(lang, "next-vendor", &[]),
            Rule::All(_) | Rule::Any(_) | Rule::Not(_) => return None,
        })
    }
}

fn source(name: &str, lang: Lang) -> String {
    ledger::ledger(name).map_or_else(String::new, |l| l.label.in_lang(lang).to_owned())
}

fn document(kind: &str, within_days: Option<i32>, truth: Truth, basis: &Basis<'_>, lang: Lang) -> String {
    let Basis::Document(d) = basis else {
        return say(lang, "leaf-document-none", &[("kind", &kind_label("documents", kind, lang))]);
    };
    let (Some(approved), Some(by)) = (d.approved_on, d.approved_by.as_deref()) else {
        return say(lang, "leaf-document-draft", &[("title", &d.title)]);
    };
    let last = d.reviewed_on.map_or(approved, |r| r.max(approved));
    if truth == Truth::True {
        return say(lang, "leaf-document-good", &[("title", &d.title), ("by", &by), ("on", &day(last, lang))]);
    }
    let by_age = within_days.map(|days| plus(last, days));
    let until = [by_age, d.review_due_on].into_iter().flatten().min().unwrap_or(last);
    say(lang, "leaf-document-old", &[("title", &d.title), ("until", &day(until, lang))])
}

fn record(kind: &str, within_days: i32, basis: &Basis<'_>, truth: Truth, lang: Lang) -> String {
    let kind = kind_label("records", kind, lang);
    let Basis::Record(r) = basis else { return say(lang, "leaf-record-none", &[("kind", &kind)]) };
    let key = match truth {
        Truth::True => "leaf-record-good",
        _ if r.result.as_deref() == Some("failed") => "leaf-record-failed",
        _ => "leaf-record-old",
    };
    say(lang, key, &[("kind", &kind), ("on", &day(r.held_on, lang)), ("days", &within_days)])
}

fn said(question: &str, basis: &Basis<'_>, truth: Truth, lang: Lang) -> String {
    let Basis::Said(said, from) = basis else { return say(lang, "leaf-said-none", &[("question", &question)]) };
    let (Some(by), Some(on), Some(until)) = (said.said_by.as_deref(), said.said_on, said.until()) else {
        return say(lang, "leaf-said-unsigned", &[]);
    };
    let carried = from.map_or_else(String::new, |from| say(lang, "carried", &[("from", &from)]));
    let key = match (truth, said.answer.as_deref()) {
        (Truth::True, _) => "leaf-said-yes",
        (Truth::False, _) => "leaf-said-no",
        (_, Some("na")) => "leaf-said-unapproved",
        _ => "leaf-said-old",
    };
    say(
        lang,
        key,
        &[
            ("by", &by),
            ("on", &day(on, lang)),
            ("until", &day(until, lang)),
            ("carried", &carried),
            ("reason", &said.reason.as_deref().unwrap_or_default()),
        ],
    )
}
