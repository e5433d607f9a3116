//! From requirement and evidence to a verdict: pure, total, three-valued.
//!
//! A verdict never comes without the leaves it rests on, and *unknown* stays unknown: a missing
//! or stale piece of evidence can keep a requirement from being met but never make it so.

mod words;

use std::collections::HashMap;

use jiff::ToSpan;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::catalog::{Applies, Catalog, CatalogKind, Catalogs, Empty, Path, Requirement, Rule};
use crate::fact::{ALWAYS, Tally};
use crate::mfa;
use crate::text::Label;
use crate::threshold;

pub use words::Line;

/// What is known about one facility, gathered set-based for all of them.
#[derive(Clone, Debug, Default)]
pub struct Evidence {
    /// The facility itself.
    pub facility: Facility,
    /// Facts by name.
    pub facts: HashMap<&'static str, Tally>,
    /// The best document of each kind.
    pub documents: HashMap<String, DocumentState>,
    /// The latest record of each kind.
    pub records: HashMap<String, RecordState>,
    /// What named persons said, by requirement id.
    pub attestations: HashMap<String, Attestation>,
    /// MDS/SDS answers by area.
    pub areas: HashMap<String, Tally>,
    /// Whether the vendors carry the updates of every server in writing: a tally over servers.
    pub updates_by_vendor: Tally,
    /// Approved answers that differ from what all this says, in force today, by requirement id. No verdict rests on
    /// them: a checklist shows both.
    pub overrides: HashMap<String, Overridden>,
}

/// An approved answer that differs from what the evidence says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overridden {
    /// `yes`, `no` or `na`.
    pub answer: String,
    /// Why.
    pub reason: String,
    /// Who approved it.
    pub approved_by: String,
    /// When.
    pub approved_on: Date,
    /// Last day on which it holds.
    pub valid_until: Date,
    /// Whether who asked for it approved it (単独承認).
    pub sole: bool,
}

/// The attributes of a facility on which applicability depends. `None` is not stated.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facility {
    /// Row id.
    pub id: String,
    /// Code people use.
    pub no: String,
    /// Name.
    pub name: String,
    /// Kind code (`clinic`).
    pub kind: Option<String>,
    /// `on_premises`, `cloud`, `mixed`.
    pub hosting: Option<String>,
    /// Whether there is dedicated system staff.
    pub staff: Option<bool>,
    /// The edition it follows.
    pub edition: Option<String>,
    /// Whether it uses medical information systems at all.
    pub uses_systems: Option<bool>,
    /// How it reads the two-factor rule where the guideline is silent.
    pub mfa: mfa::Settings,
}

/// The best document of a kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocumentState {
    /// Title.
    pub title: String,
    /// Who approved it.
    pub approved_by: Option<String>,
    /// When it was approved; `None` is a draft.
    pub approved_on: Option<Date>,
    /// When it was last reviewed.
    pub reviewed_on: Option<Date>,
    /// When it is to be reviewed.
    pub review_due_on: Option<Date>,
}

/// The latest record of a kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordState {
    /// Title.
    pub title: String,
    /// When it was held; never in the future.
    pub held_on: Date,
    /// Who held it.
    pub held_by: Option<String>,
    /// Result code (`ok`, `findings`, `failed`).
    pub result: Option<String>,
}

/// What a named person said about a requirement.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attestation {
    /// `yes`, `no`, `na`; `None` when only an owner or a target date was entered.
    pub answer: Option<String>,
    /// Why.
    pub reason: Option<String>,
    /// Who said so.
    pub said_by: Option<String>,
    /// When.
    pub said_on: Option<Date>,
    /// Until when it holds.
    pub valid_until: Option<Date>,
    /// Who approved a 対象外.
    pub approved_by: Option<String>,
    /// Who is to act.
    pub owner: Option<String>,
    /// By when.
    pub target_on: Option<Date>,
}

/// The outcome for one requirement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Verdict {
    /// 不適合: evidence shows it is not met.
    Unmet,
    /// 確認待ち: no or stale evidence; never counted as met.
    Unknown,
    /// 期限間近: met, but the evidence runs out within [`threshold::SOON`].
    DueSoon,
    /// みなし: deemed met by the 保守委託機関 path.
    Deemed,
    /// 適合.
    Met,
    /// 対象外.
    NotApplicable,
}

impl Verdict {
    /// Every verdict, worst first.
    pub const ALL: [Self; 6] =
        [Self::Unmet, Self::Unknown, Self::DueSoon, Self::Deemed, Self::Met, Self::NotApplicable];

    /// The word for people.
    pub const fn label(self) -> Label {
        match self {
            Self::Met => Label::new("適合", "met"),
            Self::Unmet => Label::new("不適合", "unmet"),
            Self::Unknown => Label::new("確認待ち", "unknown"),
            Self::DueSoon => Label::new("期限間近", "due soon"),
            Self::NotApplicable => Label::new("対象外", "not applicable"),
            Self::Deemed => Label::new("みなし", "deemed"),
        }
    }

    /// Stable code for machines.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Met => "met",
            Self::Unmet => "unmet",
            Self::Unknown => "unknown",
            Self::DueSoon => "due_soon",
            Self::NotApplicable => "not_applicable",
            Self::Deemed => "deemed",
        }
    }

    /// Whether the requirement is fulfilled today.
    pub const fn holds(self) -> bool {
        matches!(self, Self::Met | Self::DueSoon | Self::Deemed)
    }
}

/// Kleene's three values, and the neutral element for a leaf that drops out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Truth {
    /// Holds.
    True,
    /// Does not hold.
    False,
    /// Nobody knows.
    Unknown,
    /// Has nothing to say.
    Skip,
}

/// Why a requirement has its verdict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ground {
    /// The leaves of its rule.
    Rule,
    /// The facility is not of a kind, pattern or path it applies to.
    Outside(Outside),
    /// A named person declared it 対象外 and another approved.
    Declared,
    /// 保守委託機関編 is met and stands for it.
    Deemed,
}

/// Which part of the applicability does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outside {
    /// Facility kind.
    Kind,
    /// Reference pattern of 表3-2.
    Pattern,
    /// 保守委託機関 path.
    Path,
    /// The facility uses no medical information system.
    NoSystems,
}

/// The verdict on one requirement with everything it rests on.
#[derive(Debug)]
pub struct Finding<'a> {
    /// What was judged.
    pub requirement: &'a Requirement,
    /// The outcome.
    pub verdict: Verdict,
    /// Why.
    pub ground: Ground,
    /// The leaves of the rule with their truth, in order.
    pub leaves: Vec<Leaf<'a>>,
    /// What a named person entered about the requirement itself, if anything.
    pub declared: Option<&'a Attestation>,
    /// Until when the evidence holds, when it is met.
    pub holds_until: Option<Date>,
}

/// One leaf of a rule and what the evidence said.
#[derive(Debug)]
pub struct Leaf<'a> {
    /// The leaf.
    pub rule: &'a Rule,
    /// What came out.
    pub truth: Truth,
    /// What it was judged on.
    pub basis: Basis<'a>,
    /// Last day on which that evidence holds, where it has one; it may lie in the past.
    pub until: Option<Date>,
    /// The facility's own reading of the two-factor rule, of a fact that was judged by it.
    pub reading: Option<&'a mfa::Settings>,
}

/// The piece of evidence behind a leaf.
#[derive(Debug)]
pub enum Basis<'a> {
    /// There is none.
    Nothing,
    /// A tally.
    Tally(Tally),
    /// A document.
    Document(&'a DocumentState),
    /// A record.
    Record(&'a RecordState),
    /// What somebody said, and about which requirement if it was carried over.
    Said(&'a Attestation, Option<&'a str>),
}

/// Judges every counted requirement of `catalog` for one facility, in order. Of a checklist, the items on
/// `form` (see [`Facility::form`]).
pub fn assess<'a>(
    catalogs: &'a Catalogs,
    catalog: &'a Catalog,
    form: &str,
    evidence: &'a Evidence,
    today: Date,
) -> Vec<Finding<'a>> {
    let judge = Judge { catalogs, evidence, today };
    let path = evidence.path();
    let deemed = path == Some(Path::Hoshu) && judge.hoshu_holds(catalog);
    catalog
        .requirements()
        .filter(|r| r.is_counted() && asked_on(catalog, r, form))
        .map(|r| judge.finding(catalog, r, deemed))
        .collect()
}

/// Judges one requirement for one facility, by itself: without the 保守委託機関 path, which needs the
/// whole edition (see [`assess`]).
pub fn evaluate<'a>(
    catalogs: &'a Catalogs,
    requirement: &'a Requirement,
    evidence: &'a Evidence,
    today: Date,
) -> Finding<'a> {
    Judge { catalogs, evidence, today }.judged(requirement)
}

/// A checklist item is asked only on the forms that carry it.
fn asked_on(catalog: &Catalog, requirement: &Requirement, form: &str) -> bool {
    catalog.kind != CatalogKind::Checklist || requirement.forms.iter().any(|f| f == form)
}

impl Facility {
    /// Which of the checklist's three forms this facility fills in.
    pub fn form(&self) -> &'static str {
        match self.kind.as_deref() {
            Some("pharmacy") => "pharmacy",
            Some("vendor") => "vendor",
            _ => "hospital",
        }
    }

    /// Its reference patterns of 概説編 表3-2: one, or two when hosting is mixed; none when not stated.
    pub fn patterns(&self) -> &'static [&'static str] {
        match (self.hosting.as_deref(), self.staff) {
            (Some("on_premises"), Some(true)) => &["I"],
            (Some("cloud"), Some(true)) => &["II"],
            (Some("mixed"), Some(true)) => &["I", "II"],
            (Some("on_premises"), Some(false)) => &["III"],
            (Some("cloud"), Some(false)) => &["IV"],
            (Some("mixed"), Some(false)) => &["III", "IV"],
            _ => &[],
        }
    }
}

impl Evidence {
    /// The way through guideline 7.0, as far as it is known: 保守委託機関 needs no dedicated staff and the
    /// vendors' written update duty for every server.
    pub fn path(&self) -> Option<Path> {
        let servers = self.updates_by_vendor;
        if self.facility.staff == Some(true) || servers.bad > 0 {
            Some(Path::Full)
        } else if self.facility.staff == Some(false) && servers.total > 0 && servers.unknown == 0 {
            Some(Path::Hoshu)
        } else {
            None
        }
    }

    fn outside(&self, applies: &Applies) -> Option<Outside> {
        let facility = &self.facility;
        let registered = self.facts.get("system.registered").is_some_and(|systems| systems.total > 0);
        if facility.uses_systems == Some(false) && !registered && facility.kind.as_deref() != Some("vendor") {
            return Some(Outside::NoSystems);
        }
        if let Some(kind) = facility.kind.as_deref() {
            let meant =
                if applies.kinds.is_empty() { kind != "vendor" } else { applies.kinds.iter().any(|k| k == kind) };
            if !meant {
                return Some(Outside::Kind);
            }
        }
        let patterns = facility.patterns();
        if !applies.patterns.is_empty()
            && !patterns.is_empty()
            && !patterns.iter().any(|p| applies.patterns.iter().any(|wanted| wanted == p))
        {
            return Some(Outside::Pattern);
        }
        // Without proof of the 保守委託機関 path the full guideline applies.
        if applies.path.is_some_and(|wanted| wanted != self.path().unwrap_or(Path::Full)) {
            return Some(Outside::Path);
        }
        None
    }
}

/// The fact that every MDS/SDS answer is はい or 対象外; 保守委託機関編 10章 chooses vendors by it.
const VENDOR_ANSWERS: &str = "vendor.answers_clear";

/// The facts judged by [`mfa::judge`], with what a facility may read in its own way.
const TWO_FACTOR: &[&str] = &["system.two_factor", "system.two_factor_planned"];

struct Judge<'a> {
    catalogs: &'a Catalogs,
    evidence: &'a Evidence,
    today: Date,
}

/// A truth and the day until which it holds (for `True` only).
#[derive(Clone, Copy)]
struct Held {
    truth: Truth,
    until: Option<Date>,
}

impl<'a> Judge<'a> {
    fn hoshu_holds(&self, catalog: &'a Catalog) -> bool {
        let judged = catalog
            .requirements()
            .filter(|r| r.is_counted() && r.applies.path == Some(Path::Hoshu))
            .map(|r| self.judged(r).verdict)
            .collect::<Vec<_>>();
        let met = judged.iter().any(|v| v.holds()) && judged.iter().all(|v| v.holds() || *v == Verdict::NotApplicable);
        // 10章: vendors whose answers are all はい or 対象外; otherwise an approved risk assessment.
        let answers = self.evidence.facts.get(VENDOR_ANSWERS).copied().unwrap_or_default();
        let assessed = || {
            let document = self.evidence.documents.get("risk_assessment");
            document.is_some_and(|d| d.truth(Some(threshold::RULE_YEAR.value), self.today).0 == Truth::True)
        };
        met && (of_tally(answers, Empty::Unknown) == Truth::True || assessed())
    }

    fn finding(&self, catalog: &Catalog, requirement: &'a Requirement, deemed: bool) -> Finding<'a> {
        let mut finding = self.judged(requirement);
        let stands_in = catalog.kind == CatalogKind::Guideline && requirement.applies.path.is_none();
        // What is shown not to be so is not deemed to be so.
        if deemed && stands_in && finding.verdict == Verdict::Unknown {
            finding.verdict = Verdict::Deemed;
            finding.ground = Ground::Deemed;
        }
        finding
    }

    fn judged(&self, requirement: &'a Requirement) -> Finding<'a> {
        let said = self.evidence.attestations.get(&requirement.id);
        let mut finding = Finding {
            requirement,
            verdict: Verdict::Unknown,
            ground: Ground::Rule,
            leaves: Vec::new(),
            declared: said,
            holds_until: None,
        };
        if let Some(outside) = self.evidence.outside(&requirement.applies) {
            finding.verdict = Verdict::NotApplicable;
            finding.ground = Ground::Outside(outside);
            return finding;
        }
        if let Some(said) = said
            && said.answer.as_deref() == Some("na")
            && said.reason.is_some()
            && said.approved_by.is_some()
            && said.until().is_some_and(|end| end >= self.today)
        {
            finding.verdict = Verdict::NotApplicable;
            finding.ground = Ground::Declared;
            return finding;
        }
        let Some(rule) = &requirement.rule else { return finding };
        let held = self.truth(requirement, rule, &mut finding.leaves);
        finding.holds_until = held.until;
        finding.verdict = match held.truth {
            Truth::True if held.until.is_some_and(|end| end < self.today) => Verdict::Unknown,
            Truth::True if held.until.is_some_and(|end| days_until(self.today, end) <= threshold::SOON.value) => {
                Verdict::DueSoon
            }
            Truth::True => Verdict::Met,
            Truth::False => Verdict::Unmet,
            Truth::Unknown | Truth::Skip => Verdict::Unknown,
        };
        finding
    }

    fn truth(&self, requirement: &'a Requirement, rule: &'a Rule, leaves: &mut Vec<Leaf<'a>>) -> Held {
        let (truth, until, basis) = match rule {
            Rule::All(parts) => return all(parts.iter().map(|p| self.truth(requirement, p, leaves))),
            Rule::Any(parts) => return any(parts.iter().map(|p| self.truth(requirement, p, leaves))),
            Rule::Not(part) => return not(self.truth(requirement, part, leaves)),
            Rule::Fact { fact, empty } => {
                let tally = self.evidence.facts.get(fact.name).copied().unwrap_or_default();
                let until = tally.oldest.filter(|_| fact.holds_days < ALWAYS).map(|d| plus(d, fact.holds_days));
                (of_tally(tally, *empty), until, Basis::Tally(tally))
            }
            Rule::Vendor { area } => {
                let tally = self.evidence.areas.get(area.as_str()).copied().unwrap_or_default();
                (of_tally(tally, Empty::Unknown), None, Basis::Tally(tally))
            }
            Rule::Document { kind, within_days } => match self.evidence.documents.get(*kind) {
                None => (Truth::Unknown, None, Basis::Nothing),
                Some(document) => {
                    let (truth, until) = document.truth(*within_days, self.today);
                    (truth, until, Basis::Document(document))
                }
            },
            Rule::Record { kind, within_days } => match self.evidence.records.get(*kind) {
                None => (Truth::Unknown, None, Basis::Nothing),
                Some(record) => {
                    let until = plus(record.held_on, *within_days);
                    let kept = until >= self.today && record.result.as_deref() != Some("failed");
                    (if kept { Truth::True } else { Truth::False }, Some(until), Basis::Record(record))
                }
            },
            Rule::Attest { .. } => self.said(requirement),
        };
        let read = matches!(rule, Rule::Fact { fact, .. } if TWO_FACTOR.contains(&fact.name));
        let reading = read.then_some(&self.evidence.facility.mfa).filter(|own| **own != mfa::Settings::default());
        leaves.push(Leaf { rule, truth, basis, until, reading });
        // What agents renew by themselves is not about to run out.
        let renewed = matches!(rule, Rule::Fact { fact, .. } if fact.holds_days <= 2 * threshold::SOON.value);
        Held { truth, until: until.filter(|_| truth == Truth::True && !renewed) }
    }

    fn said(&self, requirement: &'a Requirement) -> (Truth, Option<Date>, Basis<'a>) {
        let own = self.evidence.attestations.get(&requirement.id).filter(|s| s.answer.is_some());
        let carried = || {
            self.catalogs.carried_into(&requirement.id).iter().find_map(|from| {
                let said = self.evidence.attestations.get(from).filter(|s| s.answer.is_some())?;
                Some((said, Some(from.as_str())))
            })
        };
        let Some((said, from)) = own.map(|s| (s, None)).or_else(carried) else {
            return (Truth::Unknown, None, Basis::Nothing);
        };
        let basis = Basis::Said(said, from);
        let Some(until) = said.until() else { return (Truth::Unknown, None, basis) };
        let truth = match said.answer.as_deref() {
            _ if until < self.today => Truth::Unknown,
            Some("yes") => Truth::True,
            Some("no") => Truth::False,
            _ => Truth::Unknown,
        };
        (truth, Some(until), basis)
    }
}

impl Attestation {
    /// Until when it holds; `None` when no named person said it on a day.
    pub fn until(&self) -> Option<Date> {
        let said_on = self.said_on.filter(|_| self.said_by.is_some())?;
        let longest = plus(said_on, threshold::ATTESTATION_MAX.value);
        Some(self.valid_until.map_or_else(|| plus(said_on, threshold::ATTESTATION.value), |until| until.min(longest)))
    }
}

impl DocumentState {
    fn truth(&self, within_days: Option<i32>, today: Date) -> (Truth, Option<Date>) {
        let approved = self.approved_on.filter(|d| *d <= today && self.approved_by.is_some());
        let Some(approved) = approved else { return (Truth::False, None) };
        let last = self.reviewed_on.filter(|d| *d <= today).map_or(approved, |reviewed| reviewed.max(approved));
        let by_age = within_days.map(|days| plus(last, days));
        // A review date that was set binds even where the requirement names no period.
        let until = match (by_age, self.review_due_on) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        let current = until.is_none_or(|end| end >= today);
        (if current { Truth::True } else { Truth::False }, until)
    }
}

fn of_tally(tally: Tally, empty: Empty) -> Truth {
    if tally.bad > 0 {
        Truth::False
    } else if tally.unknown > 0 {
        Truth::Unknown
    } else if tally.total > 0 {
        Truth::True
    } else {
        match empty {
            Empty::Unknown => Truth::Unknown,
            Empty::Met => Truth::True,
            Empty::Skip => Truth::Skip,
        }
    }
}

fn all(parts: impl Iterator<Item = Held>) -> Held {
    let mut result = Held { truth: Truth::Skip, until: None };
    for part in parts {
        result.truth = match (result.truth, part.truth) {
            (kept, Truth::Skip) => kept,
            (Truth::False, _) | (_, Truth::False) => Truth::False,
            (Truth::Unknown, _) | (_, Truth::Unknown) => Truth::Unknown,
            _ => Truth::True,
        };
        result.until = match (result.until, part.until) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
    }
    result
}

fn any(parts: impl Iterator<Item = Held>) -> Held {
    let mut result = Held { truth: Truth::Skip, until: None };
    for part in parts {
        // The longest-lasting true part carries the verdict; a true part without end never runs out.
        result = match (result.truth, part.truth) {
            (_, Truth::Skip) => result,
            (Truth::Skip, _) => part,
            (Truth::True, Truth::True) => {
                let until = result.until.zip(part.until).map(|(a, b)| a.max(b));
                Held { truth: Truth::True, until }
            }
            (Truth::True, _) => result,
            (_, Truth::True) => part,
            (Truth::Unknown, _) | (_, Truth::Unknown) => Held { truth: Truth::Unknown, until: None },
            (Truth::False, Truth::False) => result,
        };
    }
    result
}

fn not(part: Held) -> Held {
    let truth = match part.truth {
        Truth::True => Truth::False,
        Truth::False => Truth::True,
        other => other,
    };
    Held { truth, until: None }
}

/// `date` moved by whole days; the far future stands in where the calendar ends.
pub fn plus(date: Date, days: i32) -> Date {
    date.checked_add(days.days()).unwrap_or(Date::MAX)
}

fn days_until(today: Date, end: Date) -> i32 {
    today.until(end).map_or(i32::MAX, |span| span.get_days())
}

#[cfg(test)]
mod tests;
