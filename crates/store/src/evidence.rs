//! Gathers the evidence of one facility or of all, with a fixed number of statements.

use std::collections::{BTreeMap, HashMap};

use domain::evaluate::{Attestation, DocumentState, Evidence, Facility, Overridden, RecordState, plus};
use domain::fact::{Fact, Tally, fact};
use domain::ledger::{Row, Value as Cell, ledger};
use domain::mfa;
use domain::threshold;
use jiff::civil::Date;
use sea_orm::{ConnectionTrait, QueryResult, TransactionTrait, Value};

use crate::error::{Error, Result};
use crate::facts::{self, Base, COMPUTED, GROUPS, PATH};
use crate::rows::StoredRow;
use crate::{Store, dialect, statement};

/// One row that makes a fact bad, or of which nobody knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offender {
    /// Key of the row (管理番号, ユーザーID …).
    pub key: String,
    /// Name, where it has one.
    pub name: Option<String>,
    /// Where it is, or what tells it apart.
    pub place: Option<String>,
    /// Day of the observation.
    pub on: Option<Date>,
    /// Whether it is bad; otherwise unknown.
    pub bad: bool,
    /// Ledger whose row it is, or where it belongs.
    pub ledger: &'static str,
    /// Whether that ledger has it; a machine that was seen may be in none.
    pub known: bool,
}

/// Until when an operating system is supported.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OsSupport {
    /// The product it was recognised as.
    pub product: Option<String>,
    /// Last day of support, where the maker names one.
    pub until: Option<Date>,
}

fn date(text: Option<String>) -> Result<Option<Date>> {
    text.map(|t| t.parse().map_err(|_| Error::Corrupt { what: t })).transpose()
}

/// The day of something done; what is dated after today has not happened yet.
fn done(text: Option<String>, today: Date) -> Result<Option<Date>> {
    Ok(date(text)?.filter(|day| *day <= today))
}

fn text(row: &Row, name: &str) -> Option<String> {
    row.get(name).map(ToString::to_string)
}

fn day(row: &Row, name: &str) -> Option<Date> {
    match row.get(name) {
        Some(Cell::Date(d)) => Some(*d),
        _ => None,
    }
}

fn yes(row: &Row, name: &str) -> Option<bool> {
    match row.get(name) {
        Some(Cell::YesNo(b)) => Some(*b),
        _ => None,
    }
}

fn facility_of(stored: StoredRow) -> Facility {
    let row = &stored.row;
    Facility {
        no: text(row, "no").unwrap_or_default(),
        name: text(row, "name").unwrap_or_default(),
        kind: text(row, "kind"),
        hosting: text(row, "hosting"),
        staff: yes(row, "staff"),
        edition: text(row, "edition"),
        uses_systems: yes(row, "uses_systems"),
        mfa: mfa::Settings::of_facility(row),
        id: stored.id,
    }
}

/// What the two-factor rule has to know about a facility.
#[derive(Clone, Copy, Default)]
struct Reading {
    hoshu: bool,
    settings: mfa::Settings,
}

impl Reading {
    fn of(evidence: &Evidence) -> Self {
        Self { hoshu: evidence.path() == Some(domain::catalog::Path::Hoshu), settings: evidence.facility.mfa }
    }
}

impl Store {
    /// Every facility.
    ///
    /// # Errors
    /// Any store error.
    pub async fn facility_list(&self) -> Result<Vec<Facility>> {
        self.facilities(None).await
    }

    /// One facility by its id.
    ///
    /// # Errors
    /// Any store error.
    pub async fn facility_fetch(&self, id: &str) -> Result<Option<Facility>> {
        Ok(self.facilities(Some(id)).await?.pop())
    }

    async fn facilities(&self, only: Option<&str>) -> Result<Vec<Facility>> {
        let Some(facilities) = ledger("facilities") else { return Ok(Vec::new()) };
        Ok(self.row_list(facilities, only).await?.into_iter().map(facility_of).collect())
    }

    /// Brings the table of operating systems up to date for one facility or all: `support` is asked once for every
    /// text not yet looked up in this `edition` of the lifecycle table. Derived data; not journaled.
    ///
    /// # Errors
    /// Any store error.
    pub async fn os_support_refresh(
        &self,
        facility: Option<&str>,
        edition: &str,
        support: impl Fn(&str) -> OsSupport,
    ) -> Result<()> {
        let only = where_facility(facility).replace(" WHERE", " AND");
        let sql = format!(
            "SELECT os FROM (SELECT os FROM devices WHERE os IS NOT NULL{only} UNION \
             SELECT os FROM machines WHERE os IS NOT NULL{only}) u WHERE NOT EXISTS \
             (SELECT 1 FROM os_support s WHERE s.os = u.os AND s.edition = '{edition}')"
        );
        let unseen = self.query(&sql, scope(facility)).await?;
        if unseen.is_empty() {
            return Ok(());
        }
        let tx = self.write.begin_with_options(dialect::write_options()).await?;
        for row in unseen {
            let os: String = row.try_get_by_index(0)?;
            let found = support(&os);
            let values: Vec<Value> = vec![
                os.into(),
                edition.into(),
                Value::String(found.product),
                Value::String(found.until.map(|d| d.to_string())),
            ];
            let sql = "INSERT INTO os_support (os, edition, product, supported_until) VALUES ($1, $2, $3, $4) \
                       ON CONFLICT (os) DO UPDATE SET edition = excluded.edition, product = excluded.product, \
                       supported_until = excluded.supported_until";
            tx.execute_raw(statement(&tx, sql, values)).await?;
        }
        Ok(tx.commit().await?)
    }

    /// The evidence of one facility (by id) or of all, by facility id.
    ///
    /// # Errors
    /// Any store error.
    pub async fn evidence(&self, facility: Option<&str>, today: Date) -> Result<BTreeMap<String, Evidence>> {
        let mut all: BTreeMap<String, Evidence> = self
            .facilities(facility)
            .await?
            .into_iter()
            .map(|f| (f.id.clone(), Evidence { facility: f, ..Evidence::default() }))
            .collect();
        for (base, queries) in GROUPS {
            let sql = facts::tally_sql(base, queries, facility.is_some(), today);
            self.each_row(&sql, facility, &mut all, |evidence, row| {
                for (n, query) in queries.iter().enumerate() {
                    let tally = packed(row, 1 + n * 2)?;
                    match query.declared() {
                        Some(fact) => {
                            evidence.facts.insert(fact.name, tally);
                        }
                        None => evidence.updates_by_vendor = tally,
                    }
                }
                Ok(())
            })
            .await?;
        }
        self.add_documents(facility, today, &mut all).await?;
        self.add_records(facility, today, &mut all).await?;
        self.add_attestations(facility, today, &mut all).await?;
        self.add_overrides(facility, today, &mut all).await?;
        self.add_areas(facility, &mut all).await?;
        self.add_logins(facility, today, &mut all).await?;
        Ok(all)
    }

    /// What makes a fact bad or unknown in one facility, bad ones first.
    ///
    /// # Errors
    /// Any store error.
    pub async fn offender_list(&self, name: &str, facility: &str, today: Date) -> Result<Vec<Offender>> {
        if let (Some(fact), true) = (fact(name), COMPUTED.contains(&name)) {
            return self.login_offenders(fact, facility, today).await;
        }
        let Some((base, query)) = facts::find(name) else { return Ok(Vec::new()) };
        let rows = self.query(&facts::offender_sql(base, query, today), vec![facility.into()]).await?;
        rows.iter().map(|row| offender(base, row)).collect()
    }

    /// Asks for rows of one facility or all and gives each to the evidence of its facility, which the first column names.
    async fn each_row(
        &self,
        sql: &str,
        facility: Option<&str>,
        all: &mut BTreeMap<String, Evidence>,
        mut take: impl FnMut(&mut Evidence, &QueryResult) -> Result<()>,
    ) -> Result<()> {
        for row in self.query(sql, scope(facility)).await? {
            if let Some(evidence) = all.get_mut(&row.try_get_by_index::<String>(0)?) {
                take(evidence, &row)?;
            }
        }
        Ok(())
    }

    async fn add_documents(
        &self,
        facility: Option<&str>,
        today: Date,
        all: &mut BTreeMap<String, Evidence>,
    ) -> Result<()> {
        let sql = format!(
            "SELECT facility, kind, title, approved_by, approved_on, reviewed_on, review_due_on FROM documents{} ORDER BY facility, row_key",
            where_facility(facility)
        );
        self.each_row(&sql, facility, all, |evidence, row| {
            let document = DocumentState {
                title: row.try_get_by_index(2)?,
                approved_by: row.try_get_by_index(3)?,
                approved_on: done(row.try_get_by_index(4)?, today)?,
                reviewed_on: done(row.try_get_by_index(5)?, today)?,
                review_due_on: date(row.try_get_by_index(6)?)?,
            };
            let kind: String = row.try_get_by_index(1)?;
            let rank = |d: &DocumentState| {
                (d.approved_by.is_some() && d.approved_on.is_some(), d.reviewed_on.max(d.approved_on))
            };
            if evidence.documents.get(&kind).is_none_or(|best| rank(best) < rank(&document)) {
                evidence.documents.insert(kind, document);
            }
            Ok(())
        })
        .await
    }

    async fn add_records(
        &self,
        facility: Option<&str>,
        today: Date,
        all: &mut BTreeMap<String, Evidence>,
    ) -> Result<()> {
        let sql = format!(
            "SELECT facility, kind, title, held_on, held_by, result FROM \
             (SELECT r.*, ROW_NUMBER() OVER (PARTITION BY facility, kind ORDER BY held_on DESC, row_key DESC) AS n \
              FROM records r WHERE held_on <= '{today}'{}) t WHERE n = 1",
            if facility.is_some() { " AND facility = $1" } else { "" }
        );
        self.each_row(&sql, facility, all, |evidence, row| {
            let held_on: String = row.try_get_by_index(3)?;
            let record = RecordState {
                title: row.try_get_by_index(2)?,
                held_on: held_on.parse().map_err(|_| Error::Corrupt { what: held_on })?,
                held_by: row.try_get_by_index(4)?,
                result: row.try_get_by_index(5)?,
            };
            evidence.records.insert(row.try_get_by_index(1)?, record);
            Ok(())
        })
        .await
    }

    async fn add_attestations(
        &self,
        facility: Option<&str>,
        today: Date,
        all: &mut BTreeMap<String, Evidence>,
    ) -> Result<()> {
        let sql = format!(
            "SELECT facility, requirement, answer, reason, said_by, said_on, valid_until, approved_by, owner, target_on FROM attestations{}",
            where_facility(facility)
        );
        self.each_row(&sql, facility, all, |evidence, row| {
            let said = Attestation {
                answer: row.try_get_by_index(2)?,
                reason: row.try_get_by_index(3)?,
                said_by: row.try_get_by_index(4)?,
                said_on: done(row.try_get_by_index(5)?, today)?,
                valid_until: date(row.try_get_by_index(6)?)?,
                approved_by: row.try_get_by_index(7)?,
                owner: row.try_get_by_index(8)?,
                target_on: date(row.try_get_by_index(9)?)?,
            };
            evidence.attestations.insert(row.try_get_by_index(1)?, said);
            Ok(())
        })
        .await
    }

    async fn add_overrides(
        &self,
        facility: Option<&str>,
        today: Date,
        all: &mut BTreeMap<String, Evidence>,
    ) -> Result<()> {
        let sql = format!(
            "SELECT facility, requirement, answer, reason, approved_by, approved_on, valid_until, sole FROM overrides \
             WHERE state = 'approved' AND approved_by IS NOT NULL AND approved_on <= '{today}' \
             AND valid_until >= '{today}'{}",
            if facility.is_some() { " AND facility = $1" } else { "" }
        );
        self.each_row(&sql, facility, all, |evidence, row| {
            let day = |at| -> Result<Date> {
                let text: String = row.try_get_by_index(at)?;
                text.parse().map_err(|_| Error::Corrupt { what: text })
            };
            let overridden = Overridden {
                answer: row.try_get_by_index(2)?,
                reason: row.try_get_by_index(3)?,
                approved_by: row.try_get_by_index(4)?,
                approved_on: day(5)?,
                valid_until: day(6)?,
                sole: row.try_get_by_index::<Option<i64>>(7)? == Some(1),
            };
            evidence.overrides.insert(row.try_get_by_index(1)?, overridden);
            Ok(())
        })
        .await
    }

    /// Tallies of MDS/SDS answers by area, and over all areas under `""`.
    async fn add_areas(&self, facility: Option<&str>, all: &mut BTreeMap<String, Evidence>) -> Result<()> {
        let sql = format!(
            "SELECT facility, COALESCE(area, ''), COUNT(*), SUM(CASE WHEN answer = 'no' THEN 1 ELSE 0 END), \
             SUM(CASE WHEN answer IS NULL THEN 1 ELSE 0 END), MIN(COALESCE(answered_on, entered_on)) \
             FROM vendor_answers{} GROUP BY facility, COALESCE(area, '')",
            where_facility(facility)
        );
        self.each_row(&sql, facility, all, |evidence, row| {
            let area: String = row.try_get_by_index(1)?;
            let of_area = tally(row, 2)?;
            let sum = evidence.areas.entry(String::new()).or_default();
            *sum = Tally {
                total: sum.total + of_area.total,
                bad: sum.bad + of_area.bad,
                unknown: sum.unknown + of_area.unknown,
                oldest: [sum.oldest, of_area.oldest].into_iter().flatten().min(),
            };
            if !area.is_empty() {
                evidence.areas.insert(area, of_area);
            }
            Ok(())
        })
        .await
    }

    /// Two-factor and password facts: judged per system by the pure rule.
    async fn add_logins(
        &self,
        facility: Option<&str>,
        today: Date,
        all: &mut BTreeMap<String, Evidence>,
    ) -> Result<()> {
        for judged in self.judge_logins(facility, today, |id| all.get(id).map(Reading::of).unwrap_or_default()).await? {
            let Some(evidence) = all.get_mut(&judged.facility) else { continue };
            for (name, outcome) in judged.outcomes {
                let Some(fact) = fact(name) else { continue };
                let tally = evidence.facts.entry(fact.name).or_default();
                let Outcome::Counted(met) = outcome else { continue };
                tally.total += 1;
                match met {
                    Some(true) => {}
                    Some(false) => tally.bad += 1,
                    None => tally.unknown += 1,
                }
                tally.oldest = [tally.oldest, judged.on].into_iter().flatten().min();
            }
        }
        Ok(())
    }

    async fn login_offenders(&self, fact: &Fact, facility: &str, today: Date) -> Result<Vec<Offender>> {
        let reading = self.reading(facility, today).await?;
        let judged = self.judge_logins(Some(facility), today, |_| reading).await?;
        let mut offenders: Vec<Offender> = judged
            .into_iter()
            .filter_map(|system| {
                let (_, outcome) = system.outcomes.iter().find(|(name, _)| *name == fact.name)?;
                let bad = match outcome {
                    Outcome::Counted(Some(false)) => true,
                    Outcome::Counted(None) => false,
                    _ => return None,
                };
                Some(Offender {
                    key: system.key,
                    name: system.name,
                    place: Some(system.why),
                    on: system.on,
                    bad,
                    ledger: "systems",
                    known: true,
                })
            })
            .collect();
        offenders.sort_by_key(|o| !o.bad);
        Ok(offenders)
    }

    async fn reading(&self, facility: &str, today: Date) -> Result<Reading> {
        let mut evidence = Evidence::default();
        if let Some(found) = self.facilities(Some(facility)).await?.into_iter().next() {
            evidence.facility = found;
        }
        if let Some((base, query)) = facts::find(PATH) {
            let sql = facts::tally_sql(base, std::slice::from_ref(query), true, today);
            if let Some(row) = self.query(&sql, vec![facility.into()]).await?.first() {
                evidence.updates_by_vendor = packed(row, 1)?;
            }
        }
        Ok(Reading::of(&evidence))
    }

    async fn judge_logins(
        &self,
        facility: Option<&str>,
        today: Date,
        reading_of: impl Fn(&str) -> Reading,
    ) -> Result<Vec<JudgedSystem>> {
        let (Some(systems), Some(logins)) = (ledger("systems"), ledger("logins")) else { return Ok(Vec::new()) };
        let logins = self.row_list(logins, facility).await?;
        let mut by_system: HashMap<(&str, String), Vec<&StoredRow>> = HashMap::new();
        for login in &logins {
            if let Some(system) = text(&login.row, "system") {
                by_system.entry((login.facility.as_str(), system)).or_default().push(login);
            }
        }
        let mut judged = Vec::new();
        for system in self.row_list(systems, facility).await? {
            let row = &system.row;
            let retired = day(row, "retires_on").is_some_and(|d| d <= today);
            if retired || yes(row, "handles") == Some(false) {
                continue;
            }
            let ways = by_system.get(&(system.facility.as_str(), system.key.clone())).map_or(&[][..], Vec::as_slice);
            let Reading { hoshu, settings } = reading_of(&system.facility);
            let rows: Vec<&Row> = ways.iter().map(|way| &way.row).collect();
            let case = mfa::from_rows(row, &rows, hoshu);
            let judgement = mfa::judge(&case, today, &settings);
            let verdict = judgement.verdict;
            // Only what works today shortens a password, never a plan.
            let two_factor = verdict.is_in_place();
            let counted =
                |met: Option<bool>| if verdict.is_counted() { Outcome::Counted(met) } else { Outcome::NotCounted };
            let planned = mfa::two_factor_planned(&case, verdict, today, &settings);
            // From the reference day on a plan is no longer enough for edition 7.0.
            let met = match verdict {
                mfa::Verdict::Planned if today >= settings.reference_date => Some(false),
                other => mfa::two_factor_met(other),
            };
            // The statement is as old as its oldest part, and an old or a future one says nothing.
            let observed = |row: &Row, entered_on: &str| day(row, "observed_on").or_else(|| entered_on.parse().ok());
            let on = ways
                .iter()
                .map(|way| observed(&way.row, &way.entered_on))
                .chain([observed(row, &system.entered_on)])
                .flatten()
                .min();
            let fresh = on.is_some_and(|on| on <= today && plus(on, threshold::LEDGER.value) >= today);
            let counted = |met: Option<bool>| counted(met.filter(|_| fresh));
            judged.push(JudgedSystem {
                outcomes: [
                    ("system.two_factor", counted(met)),
                    ("system.two_factor_planned", counted(planned)),
                    ("system.password_length", Outcome::Counted(mfa::passwords_met(row, two_factor).filter(|_| fresh))),
                    ("system.password_r7", Outcome::Counted(mfa::passwords_r7_met(row, two_factor).filter(|_| fresh))),
                ],
                on,
                why: format!("{}（{}）", verdict.label().ja, judgement.codes_text()),
                name: text(row, "name"),
                facility: system.facility,
                key: system.key,
            });
        }
        Ok(judged)
    }
}

struct JudgedSystem {
    facility: String,
    key: String,
    name: Option<String>,
    /// Verdict and codes, in words.
    why: String,
    on: Option<Date>,
    outcomes: [(&'static str, Outcome); 4],
}

enum Outcome {
    NotCounted,
    Counted(Option<bool>),
}

fn scope(facility: Option<&str>) -> Vec<Value> {
    facility.map(|f| vec![f.into()]).unwrap_or_default()
}

fn where_facility(facility: Option<&str>) -> &'static str {
    if facility.is_some() { " WHERE facility = $1" } else { "" }
}

fn packed(row: &QueryResult, at: usize) -> Result<Tally> {
    let [total, bad, unknown] = facts::unpack(row.try_get_by_index(at)?);
    Ok(Tally { total, bad, unknown, oldest: date(row.try_get_by_index(at + 1)?)? })
}

fn tally(row: &QueryResult, at: usize) -> Result<Tally> {
    Ok(Tally {
        total: row.try_get_by_index(at)?,
        bad: row.try_get_by_index(at + 1)?,
        unknown: row.try_get_by_index(at + 2)?,
        oldest: date(row.try_get_by_index(at + 3)?)?,
    })
}

fn offender(base: &Base, row: &QueryResult) -> Result<Offender> {
    Ok(Offender {
        key: row.try_get_by_index(0)?,
        name: row.try_get_by_index(1)?,
        place: row.try_get_by_index(2)?,
        on: date(row.try_get_by_index(3)?)?,
        bad: row.try_get_by_index::<i64>(4)? == 1,
        ledger: base.ledger,
        known: row.try_get_by_index::<i64>(5)? == 1,
    })
}
