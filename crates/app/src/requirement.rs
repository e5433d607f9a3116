//! 要求事項: one requirement with everything around it, and what a named person says about it.

use std::collections::{BTreeMap, HashMap};

use domain::catalog::{Catalog, CatalogKind, Link, Requirement, Rule};
use domain::evaluate::{Facility, Finding, Verdict, plus};
use domain::journal::{Actor, Entry, Event};
use domain::ledger::{Ledger, Row, Value, ledger};
use domain::text::{Lang, tidy};
use domain::threshold;
use jiff::civil::Date;

use crate::App;
use crate::assess::{Assessment, Offenders};
use crate::error::{Error, FieldError, Result};

/// A requirement that the crosswalk relates to another.
#[derive(Debug)]
pub struct Related {
    /// Its edition.
    pub catalog: &'static Catalog,
    /// The requirement.
    pub requirement: &'static Requirement,
    /// The relation.
    pub link: &'static Link,
    /// Whether it is the end the link points to: the newer or serving one.
    pub is_target: bool,
    /// Its verdict on the same evidence; none when it is not judged.
    pub verdict: Option<Verdict>,
}

/// What somebody says about a requirement.
#[derive(Clone, Copy, Debug)]
pub struct Statement<'a> {
    /// Id of the requirement.
    pub requirement: &'a str,
    /// The person who says so.
    pub said_by: &'a str,
    /// Revision of the statement that was shown; 0 when there was none.
    pub rev: i64,
    /// What was typed, by column of the ledger 確認・計画: `answer` (empty leaves the answer as it is), `reason`,
    /// `valid_until`, `approved_by`, `owner`, `target_on`.
    pub typed: &'a BTreeMap<String, String>,
}

impl Assessment {
    /// The finding for one requirement; none when it is not judged.
    pub fn finding(&self, id: &str) -> Option<Finding<'_>> {
        let (catalog, requirement) = self.catalogs.requirement(id)?;
        let own = self.evidence.facility.form();
        let form = if requirement.forms.iter().any(|f| f == own) { Some(own) } else { None };
        let form = form.or(requirement.forms.first().map(String::as_str)).unwrap_or(own);
        self.findings_on(&catalog.id, form).ok()?.into_iter().find(|f| f.requirement.id == id)
    }

    /// What the crosswalk relates to a requirement, newest edition first.
    pub fn related(&self, id: &str) -> Vec<Related> {
        let mut verdicts: HashMap<&str, HashMap<&str, Verdict>> = HashMap::new();
        let mut related: Vec<Related> = Vec::new();
        for link in self.catalogs.links.iter().filter(|l| l.from == id || l.to == id) {
            let is_target = link.from == id;
            let other = if is_target { &link.to } else { &link.from };
            let Some((catalog, requirement)) = self.catalogs.requirement(other) else { continue };
            let of_edition = verdicts.entry(catalog.id.as_str()).or_insert_with(|| {
                let findings = self.findings(&catalog.id).unwrap_or_default();
                findings.into_iter().map(|f| (f.requirement.id.as_str(), f.verdict)).collect()
            });
            let verdict = of_edition.get(requirement.id.as_str()).copied();
            related.push(Related { catalog, requirement, link, is_target, verdict });
        }
        related.sort_by_key(|r| {
            (
                r.catalog.kind == CatalogKind::Checklist,
                std::cmp::Reverse((r.catalog.published_on, r.catalog.fiscal_year)),
            )
        });
        related
    }
}

impl App {
    /// The rows that make the facts behind a finding bad or unknown.
    ///
    /// # Errors
    /// Any store error.
    pub async fn offenders_of(&self, assessment: &Assessment, finding: &Finding<'_>) -> Result<Vec<Offenders>> {
        let mut all: Vec<Offenders> = Vec::new();
        for leaf in &finding.leaves {
            let Rule::Fact { fact, .. } = leaf.rule else { continue };
            let tally = assessment.evidence.facts.get(fact.name).copied().unwrap_or_default();
            if tally.bad + tally.unknown == 0 || all.iter().any(|known| known.fact.name == fact.name) {
                continue;
            }
            let rows = self.store.offender_list(fact.name, &assessment.evidence.facility.id, assessment.today).await?;
            all.push(Offenders { fact, rows });
        }
        Ok(all)
    }

    /// What the journal says of the statements about a requirement, newest first.
    ///
    /// # Errors
    /// Any store error.
    pub async fn requirement_history(&self, facility: &Facility, id: &str) -> Result<Vec<Entry>> {
        let mut entries = self.store.journal_about(&facility.id, id).await?;
        entries.extend(self.store.journal_about(&facility.id, &key_of(id)).await?);
        entries.sort_by_key(|entry| std::cmp::Reverse(entry.seq));
        Ok(entries)
    }

    /// Revision of the statement about a requirement; 0 when there is none.
    ///
    /// # Errors
    /// Any store error.
    pub async fn statement_rev(&self, facility: &Facility, id: &str) -> Result<i64> {
        let key = key_of(id);
        let found = self.store.row_find(statements()?, &facility.id, std::slice::from_ref(&key)).await?;
        Ok(found.get(&key).map_or(0, |row| row.rev))
    }

    /// Names of the people in the ledger, for fields that ask for one.
    ///
    /// # Errors
    /// Any store error.
    pub async fn people_names(&self, facility: &Facility) -> Result<Vec<String>> {
        let Some(people) = ledger("people") else { return Ok(Vec::new()) };
        let rows = self.suggest(facility, people, "", PEOPLE_MAX).await?;
        let mut names: Vec<String> = rows.into_iter().filter_map(|(_, name)| name).collect();
        names.sort();
        names.dedup();
        Ok(names)
    }

    /// Takes down what a person says about a requirement: an answer with its reason, or just who acts by when. Without
    /// an answer the one that stands keeps its person and its day.
    ///
    /// # Errors
    /// [`Error::Fields`] when something typed does not do, or when somebody else changed the statement meanwhile;
    /// [`Error::NotFound`] when no such requirement is judged.
    pub async fn attest(&self, actor: &Actor, facility: &Facility, statement: Statement<'_>) -> Result<()> {
        let (ledger, today) = (statements()?, self.today());
        let judged = self.catalogs().requirement(statement.requirement).filter(|(_, r)| r.is_counted());
        let Some((_, requirement)) = judged else {
            return Err(Error::NotFound { what: "答える要求事項".to_owned() });
        };
        let key = key_of(&requirement.id);
        let typed = read(ledger, statement.typed)?;
        check(requirement, &typed, today)?;
        let mut tx = self.store.begin(actor, &facility.id, self.now()).await?;
        let stored = tx.row_find(ledger, std::slice::from_ref(&key)).await?.remove(&key);
        if stored.as_ref().map_or(0, |row| row.rev) != statement.rev {
            let error = Error::Store(store::Error::Conflict { what: requirement.cited() });
            return Err(fault("", error.to_string()));
        }
        let mut row = stored.as_ref().map(|stored| stored.row.clone()).unwrap_or_default();
        let answered = typed.contains_key("answer");
        let replaced: &[&'static str] = if answered { &[ANSWER, PLAN].concat() } else { PLAN };
        for column in replaced {
            match typed.get(column) {
                Some(value) => row.insert(column, value.clone()),
                None => row.remove(column),
            };
        }
        row.insert("requirement", Value::Text(requirement.id.clone()));
        if answered {
            row.insert("said_by", Value::Text(tidy(statement.said_by)));
            row.insert("said_on", Value::Date(today));
        }
        let action = if answered { "attestations.answer" } else { "attestations.plan" };
        let event = replaced.iter().fold(Event::new(action, key.clone()), |event, name| match row.get(name) {
            Some(value) => event.with(name, ledger.column(name).map_or(String::new(), |c| c.show(value, Lang::Ja))),
            None => event,
        });
        match stored {
            Some(_) => tx.row_update(ledger, &key, statement.rev, &row).await?,
            None => tx.row_upsert(ledger, &[(key, row)], None).await?,
        }
        tx.record(event);
        Ok(tx.commit().await?)
    }
}

/// Most names offered for a field.
const PEOPLE_MAX: u32 = 500;
/// The columns that make an answer.
const ANSWER: &[&str] = &["answer", "reason", "valid_until", "approved_by"];
/// The columns that say who acts by when.
const PLAN: &[&str] = &["owner", "target_on"];

fn statements() -> Result<&'static Ledger> {
    ledger("attestations").ok_or_else(|| Error::Internal { message: "attestations".to_owned() })
}

/// The key of the statement about a requirement.
fn key_of(id: &str) -> String {
    id.to_uppercase()
}

fn fault(field: &str, message: impl Into<String>) -> Error {
    Error::Fields(vec![FieldError { field: field.to_owned(), message: message.into() }])
}

/// The values typed; every one that cannot be read is named.
fn read(ledger: &'static Ledger, typed: &BTreeMap<String, String>) -> Result<Row> {
    let (mut row, mut faults) = (Row::new(), Vec::new());
    for name in ANSWER.iter().chain(PLAN) {
        let (Some(column), Some(text)) = (ledger.column(name), typed.get(*name)) else { continue };
        match column.parse(text) {
            Ok(Some(value)) => _ = row.insert(column.name, value),
            Ok(None) => {}
            Err(error) => {
                faults
                    .push(FieldError { field: (*name).to_owned(), message: format!("{error}（{}）", error.code()) });
            }
        }
    }
    if faults.is_empty() { Ok(row) } else { Err(Error::Fields(faults)) }
}

/// What an answer needs: an item that asks a person, a reason, a day that lies ahead, for 対象外 an approver.
fn check(requirement: &Requirement, typed: &Row, today: Date) -> Result<()> {
    let mut faults = Vec::new();
    let mut fault = |field: &str, message: &str| {
        faults.push(FieldError { field: field.to_owned(), message: message.to_owned() });
    };
    let given = |name: &str| typed.get(name).is_some();
    let answer = match typed.get("answer") {
        Some(Value::Text(code)) => code.as_str(),
        _ => "",
    };
    match answer {
        "" if given("reason") || given("valid_until") || given("approved_by") => {
            fault("answer", "回答が選ばれていません。理由や有効期限を入れるときは、回答も選んでください（ATT-001）。");
        }
        "yes" | "no" if requirement.judge.is_none() => {
            fault(
                "answer",
                "この項目は台帳や記録から判定します。「はい」「いいえ」では変わりません。下の「次にすること」を進めてください（ATT-002）。",
            );
        }
        "yes" if !given("reason") => {
            fault("reason", "何を見て確かめたかがありません。見た物や場所を短く書いてください（ATT-003）。");
        }
        "na" => {
            if !given("reason") {
                fault("reason", "対象外とする理由がありません。なぜ当たらないかを書いてください（ATT-004）。");
            }
            if !given("approved_by") {
                fault(
                    "approved_by",
                    "対象外にするのは、承認の権限のある人です。管理者（院長）か医療情報システム安全管理責任者がサインインして記録してください（ATT-005）。",
                );
            }
        }
        _ => {}
    }
    if let Some(Value::Date(until)) = typed.get("valid_until") {
        if *until < today {
            fault("valid_until", "有効期限が過ぎています。今日より後の日付にするか、空欄にしてください（ATT-006）。");
        } else if *until > plus(today, threshold::ATTESTATION_MAX.value) {
            fault("valid_until", "有効期限が長すぎます。3年以内の日付にするか、空欄にしてください（ATT-007）。");
        }
    }
    if faults.is_empty() { Ok(()) } else { Err(Error::Fields(faults)) }
}
