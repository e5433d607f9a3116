//! 判定: the evidence of a facility and what follows from it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use domain::catalog::{Catalog, Catalogs, Rule};
use domain::evaluate::{Evidence, Facility, Finding, Verdict, assess};
use domain::fact::{FACTS, Fact};
use domain::journal::sha256;
use jiff::civil::Date;
use store::{Offender, OsSupport};

use crate::App;
use crate::error::{Error, Result};

/// The evidence of one facility on a day, from which every verdict follows.
#[derive(Debug)]
pub struct Assessment {
    /// The evidence.
    pub evidence: Arc<Evidence>,
    /// The day.
    pub today: Date,
    pub(crate) catalogs: &'static Catalogs,
}

/// How many requirements have each verdict.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    counts: [u32; Verdict::ALL.len()],
}

/// The rows that make a fact bad, or of which nobody knows.
#[derive(Debug)]
pub struct Offenders {
    /// The fact.
    pub fact: &'static Fact,
    /// Bad ones first.
    pub rows: Vec<Offender>,
}

impl App {
    /// Gathers the evidence of a facility as of today.
    ///
    /// # Errors
    /// Any store error.
    pub async fn assess(&self, facility: &Facility) -> Result<Assessment> {
        let (today, catalogs) = (self.today(), self.catalogs());
        let gather = async || {
            self.refresh_lifecycle(Some(&facility.id)).await?;
            let mut found = self.store.evidence(Some(&facility.id), today).await?;
            let missing = || Error::Store(store::Error::NotFound { what: facility.name.clone() });
            found.remove(&facility.id).ok_or_else(missing)
        };
        let evidence = self.kept.evidence.get(self, &facility.id, gather).await?;
        Ok(Assessment { evidence, today, catalogs })
    }

    /// Gathers the evidence of every facility as of today, with a fixed number of statements.
    ///
    /// # Errors
    /// Any store error.
    pub async fn assess_all(&self) -> Result<Vec<Assessment>> {
        self.refresh_lifecycle(None).await?;
        let (today, catalogs) = (self.today(), self.catalogs());
        let all = self.store.evidence(None, today).await?;
        Ok(all.into_values().map(|evidence| Assessment { evidence: Arc::new(evidence), today, catalogs }).collect())
    }

    /// What makes facts bad or unknown, for every fact that has such rows and that a requirement of `editions`
    /// asks for in this facility.
    ///
    /// # Errors
    /// Any store error.
    pub async fn offenders(&self, assessment: &Assessment, editions: &[&Catalog]) -> Result<Vec<Offenders>> {
        let asked = assessment.facts_asked(editions)?;
        let mut all = Vec::new();
        for fact in FACTS.iter().filter(|f| asked.contains(f.name)) {
            let tally = assessment.evidence.facts.get(fact.name).copied().unwrap_or_default();
            if tally.bad + tally.unknown == 0 {
                continue;
            }
            let rows = self.store.offender_list(fact.name, &assessment.evidence.facility.id, assessment.today).await?;
            all.push(Offenders { fact, rows });
        }
        Ok(all)
    }

    /// Looks up the support of operating systems not seen before in this edition of the lifecycle table.
    async fn refresh_lifecycle(&self, facility: Option<&str>) -> Result<()> {
        let lifecycle = Self::lifecycle()?;
        let support = |os: &str| match lifecycle.support(os) {
            Some(found) => OsSupport { product: Some(found.product.to_owned()), until: found.until },
            None => OsSupport::default(),
        };
        let edition = sha256(domain::lifecycle::SHIPPED.as_bytes());
        Ok(self.store.os_support_refresh(facility, &edition, support).await?)
    }
}

impl Assessment {
    /// The editions to show for this facility: the guideline it follows first, then the others.
    pub fn editions(&self) -> Vec<&'static Catalog> {
        let followed = self.evidence.facility.edition.as_deref().unwrap_or("mhlw-7.0");
        let mut all: Vec<&Catalog> =
            self.catalogs.catalogs.iter().filter(|c| c.requirements().next().is_some()).collect();
        all.sort_by_key(|c| (c.id != followed, std::cmp::Reverse(c.published_on), c.id.clone()));
        all
    }

    /// The findings of an edition, on the facility's own form where it is a checklist.
    ///
    /// # Errors
    /// When there is no such edition.
    pub fn findings(&self, edition: &str) -> Result<Vec<Finding<'_>>> {
        self.findings_on(edition, self.evidence.facility.form())
    }

    /// The findings of an edition on a form of the checklist.
    ///
    /// # Errors
    /// When there is no such edition.
    pub fn findings_on(&self, edition: &str, form: &str) -> Result<Vec<Finding<'_>>> {
        Ok(assess(self.catalogs, self.edition(edition)?, form, &self.evidence, self.today))
    }

    /// The facts that requirements of `editions` ask for, without those that do not apply.
    fn facts_asked(&self, editions: &[&Catalog]) -> Result<BTreeSet<&'static str>> {
        let mut asked = BTreeSet::new();
        for edition in editions {
            let findings = self.findings(&edition.id)?;
            let applying = findings.iter().filter(|f| f.verdict != Verdict::NotApplicable);
            asked.extend(
                applying.filter_map(|f| f.requirement.rule.as_ref()).flat_map(Rule::facts).map(|fact| fact.name),
            );
        }
        Ok(asked)
    }

    /// The edition called `id`.
    ///
    /// # Errors
    /// When there is none.
    pub fn edition(&self, id: &str) -> Result<&'static Catalog> {
        self.catalogs.catalog(id).ok_or_else(|| {
            let known: Vec<&str> = self.catalogs.catalogs.iter().map(|c| c.id.as_str()).collect();
            Error::invalid(
                "CAT-002",
                format!("版「{id}」はありません。「{}」のどれかにしてください。", known.join("」「")),
            )
        })
    }

    /// Devices declared in the ledger, of these observed by an agent, and observed but declared nowhere.
    pub fn coverage(&self) -> (i64, i64, i64) {
        let tally = |name| self.evidence.facts.get(name).copied().unwrap_or_default();
        let (declared, known) = (tally("device.registered"), tally("device.known"));
        (declared.total, known.total - known.bad, known.bad)
    }
}

impl From<[u32; Verdict::ALL.len()]> for Count {
    fn from(counts: [u32; Verdict::ALL.len()]) -> Self {
        Self { counts }
    }
}

impl Count {
    /// Counts the verdicts of findings.
    pub fn of<'a>(findings: impl IntoIterator<Item = &'a Finding<'a>>) -> Self {
        let mut by: BTreeMap<Verdict, u32> = BTreeMap::new();
        for finding in findings {
            *by.entry(finding.verdict).or_default() += 1;
        }
        Self { counts: Verdict::ALL.map(|v| by.get(&v).copied().unwrap_or_default()) }
    }

    /// The counts in the order of [`Verdict::ALL`].
    pub(crate) const fn all(&self) -> [u32; Verdict::ALL.len()] {
        self.counts
    }

    /// Each verdict with its count, worst first.
    pub fn each(&self) -> impl Iterator<Item = (Verdict, u32)> {
        Verdict::ALL.into_iter().zip(self.counts)
    }

    /// How many have this verdict.
    pub fn get(&self, verdict: Verdict) -> u32 {
        self.each().find(|(v, _)| *v == verdict).map_or(0, |(_, n)| n)
    }

    /// How many hold today, of how many that apply.
    pub fn readiness(&self) -> (u32, u32) {
        let sum = |wanted: fn(Verdict) -> bool| self.each().filter(|(v, _)| wanted(*v)).map(|(_, n)| n).sum();
        (sum(Verdict::holds), sum(|v| v != Verdict::NotApplicable))
    }
}
