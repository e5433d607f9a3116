//! Rules: a small closed tree over evidence.

use serde::Deserialize;

use crate::fact::{Fact, fact};
use crate::ledger::{self, Kind};

/// How a requirement is judged.
#[derive(Debug)]
pub enum Rule {
    /// Every part holds.
    All(Vec<Rule>),
    /// At least one part holds.
    Any(Vec<Rule>),
    /// The part does not hold.
    Not(Box<Rule>),
    /// Nothing the fact looks at is bad, nothing unknown.
    Fact {
        /// The fact.
        fact: &'static Fact,
        /// What it means that there is nothing to look at.
        empty: Empty,
    },
    /// An approved document of a kind exists.
    Document {
        /// Code of the kind, from the `documents` ledger.
        kind: &'static str,
        /// Approved or reviewed within so many days; `None` means ever.
        within_days: Option<i32>,
    },
    /// Something of a kind was done within so many days.
    Record {
        /// Code of the kind, from the `records` ledger.
        kind: &'static str,
        /// How many days back counts.
        within_days: i32,
    },
    /// A named person has said so.
    Attest {
        /// What the person is asked, in Japanese.
        question: String,
    },
    /// The vendors' MDS/SDS answers of an area are all はい or 対象外.
    Vendor {
        /// Area as in the form; empty means all.
        area: String,
    },
}

/// What a fact with nothing to look at means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Empty {
    /// No evidence.
    #[default]
    Unknown,
    /// Fine.
    Met,
    /// The leaf drops out.
    Skip,
}

/// The rule as written; exactly one form may be used.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawRule {
    all: Option<Vec<RawRule>>,
    any: Option<Vec<RawRule>>,
    not: Option<Box<RawRule>>,
    fact: Option<String>,
    #[serde(default)]
    empty: Option<Empty>,
    document: Option<String>,
    record: Option<String>,
    within_days: Option<i32>,
    attest: Option<String>,
    vendor: Option<String>,
}

impl Rule {
    /// Whether a person has to say something anywhere in it.
    pub fn asks_a_person(&self) -> bool {
        self.leaves().into_iter().any(|leaf| matches!(leaf, Self::Attest { .. }))
    }

    /// Every leaf, in order.
    pub fn leaves(&self) -> Vec<&Self> {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().flat_map(Self::leaves).collect(),
            Self::Not(part) => part.leaves(),
            leaf => vec![leaf],
        }
    }

    /// The facts it asks, in order.
    pub fn facts(&self) -> impl Iterator<Item = &'static Fact> {
        self.leaves().into_iter().filter_map(|leaf| if let Self::Fact { fact, .. } = leaf { Some(*fact) } else { None })
    }
}

impl RawRule {
    pub(super) fn check(self) -> Result<Rule, String> {
        let forms = [
            self.all.is_some(),
            self.any.is_some(),
            self.not.is_some(),
            self.fact.is_some(),
            self.document.is_some(),
            self.record.is_some(),
            self.attest.is_some(),
            self.vendor.is_some(),
        ];
        if forms.into_iter().filter(|given| *given).count() != 1 {
            return Err("規則はall・any・not・fact・document・record・attest・vendorのどれか一つです".to_owned());
        }
        if self.empty.is_some() && self.fact.is_none() {
            return Err("emptyはfactにだけ書けます".to_owned());
        }
        if self.within_days.is_some() && self.document.is_none() && self.record.is_none() {
            return Err("within_daysはdocumentとrecordにだけ書けます".to_owned());
        }
        let parts = |raw: Vec<RawRule>| raw.into_iter().map(RawRule::check).collect::<Result<Vec<_>, _>>();
        if let Some(all) = self.all {
            return Ok(Rule::All(some(parts(all)?)?));
        }
        if let Some(any) = self.any {
            return Ok(Rule::Any(some(parts(any)?)?));
        }
        if let Some(not) = self.not {
            return Ok(Rule::Not(Box::new(not.check()?)));
        }
        if let Some(name) = self.fact {
            let fact = fact(&name).ok_or_else(|| format!("事実「{name}」は宣言されていません"))?;
            return Ok(Rule::Fact { fact, empty: self.empty.unwrap_or_default() });
        }
        if let Some(kind) = self.document {
            return Ok(Rule::Document { kind: code("documents", &kind)?, within_days: self.within_days });
        }
        if let Some(kind) = self.record {
            let within_days = self.within_days.ok_or("recordにはwithin_daysが要ります")?;
            return Ok(Rule::Record { kind: code("records", &kind)?, within_days });
        }
        if let Some(question) = self.attest {
            return Ok(Rule::Attest { question });
        }
        Ok(Rule::Vendor { area: self.vendor.unwrap_or_default() })
    }
}

fn some(parts: Vec<Rule>) -> Result<Vec<Rule>, String> {
    if parts.is_empty() { Err("allとanyには一つ以上の規則が要ります".to_owned()) } else { Ok(parts) }
}

fn code(ledger: &str, wanted: &str) -> Result<&'static str, String> {
    let kinds = match ledger::ledger(ledger).and_then(|l| l.column("kind")).map(|c| c.kind) {
        Some(Kind::Choice(kinds)) => kinds,
        _ => &[],
    };
    kinds
        .iter()
        .find(|k| k.code == wanted)
        .map(|k| k.code)
        .ok_or_else(|| format!("台帳{ledger}に種類「{wanted}」はありません"))
}
