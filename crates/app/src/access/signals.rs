//! What stands out, with what the ledgers know: who has left, whose account it is, which maintenance was planned.

use std::collections::HashMap;

use domain::access::review::{Plan, Rules, Signal, Taken, is_planned, volumes};
use domain::evaluate::Facility;
use domain::jp::{day_in_japan, start_in_japan};
use domain::ledger::{Row, Value, ledger};
use domain::text::fold;
use domain::threshold::{self, Threshold};
use jiff::Timestamp;
use jiff::civil::Date;
use store::{AccessQuery, Burst, StoredRow};

use super::sources::text;
use crate::App;
use crate::error::{Error, Result};

const MINUTE: i64 = 60_000_000;
const DAY: i64 = 86_400_000_000;

/// Whoever an account belongs to.
#[derive(Clone, Debug)]
pub(super) struct Holder {
    /// Key in the list of people.
    pub(super) key: Option<String>,
    /// Name; where nobody holds it, its login.
    pub(super) name: String,
    /// Profession and department.
    pub(super) post: String,
    job: String,
    left: Option<Date>,
    vendor: bool,
}

/// Accounts, whom they belong to, and which source tells of which system.
pub(super) struct Accounts {
    /// By system and login, upper case.
    holders: HashMap<(String, String), Holder>,
    /// System of each source.
    systems: HashMap<String, String>,
}

impl Accounts {
    /// Whoever a user id of a source belongs to, where the ledgers know.
    pub(super) fn holder(&self, source: &str, user: &str) -> Option<&Holder> {
        let system = self.systems.get(source)?;
        self.holders.get(&(system.clone(), user.to_uppercase()))
    }

    /// Source and login, upper case, of every account of the person with this number or name, folded.
    pub(super) fn of_person(&self, person: &str) -> Vec<(String, String)> {
        let theirs = |holder: &Holder| {
            holder.key.as_deref().is_some_and(|key| fold(key) == person || fold(&holder.name) == person)
        };
        let mut found = Vec::new();
        for ((system, login), _) in self.holders.iter().filter(|(_, holder)| theirs(holder)) {
            let sources = self.systems.iter().filter(|(_, of)| *of == system);
            found.extend(sources.map(|(source, _)| (source.clone(), login.clone())));
        }
        found.sort();
        found
    }
}

fn day(row: &Row, name: &str) -> Option<Date> {
    match row.get(name) {
        Some(Value::Date(day)) => Some(*day),
        _ => None,
    }
}

impl App {
    async fn every(&self, facility: &Facility, name: &str) -> Result<Vec<StoredRow>> {
        let of = ledger(name).ok_or_else(|| Error::Internal { message: name.to_owned() })?;
        self.rows_all(facility, of).await
    }

    pub(super) async fn accounts(&self, facility: &Facility) -> Result<Accounts> {
        let people = self.every(facility, "people").await?;
        let people: HashMap<String, Row> = people.into_iter().map(|stored| (stored.key, stored.row)).collect();
        let mut holders = HashMap::new();
        for account in self.every(facility, "accounts").await? {
            let row = &account.row;
            let (Some(system), Some(login)) = (text(row, "system"), text(row, "login")) else { continue };
            let person = text(row, "person").and_then(|key| people.get_key_value(&key));
            let of = |name: &str| person.and_then(|(_, row)| text(row, name));
            let holder = Holder {
                name: of("name").or_else(|| text(row, "person")).unwrap_or_else(|| login.clone()),
                post: [of("job"), of("department")].into_iter().flatten().collect::<Vec<_>>().join("・"),
                job: of("job").unwrap_or_default(),
                left: person.and_then(|(_, row)| day(row, "leave_on")),
                vendor: row.get("vendor_use") == Some(&Value::YesNo(true)),
                key: person.map(|(key, _)| key.clone()),
            };
            holders.insert((system, login.to_uppercase()), holder);
        }
        let systems = self.every(facility, "log_sources").await?;
        let systems = systems.into_iter().filter_map(|s| Some((s.key, text(&s.row, "system")?))).collect();
        Ok(Accounts { holders, systems })
    }

    pub(super) async fn signal(
        &self,
        facility: &Facility,
        signal: Signal,
        week: (i64, i64),
        rules: &Rules,
        accounts: &Accounts,
    ) -> Result<Vec<Burst>> {
        let (store, id) = (&self.store, facility.id.as_str());
        let get = |of: &Threshold| rules.get(of);
        Ok(match signal {
            Signal::Refused => store.burst_refused(id, week, get(&threshold::REVIEW_REFUSED)).await?,
            Signal::Emergency => store.burst_emergency(id, week).await?,
            Signal::OffHours => {
                let hours = (get(&threshold::REVIEW_OPENS), get(&threshold::REVIEW_CLOSES));
                let least = get(&threshold::REVIEW_OFF_HOURS);
                store.burst_off_hours(id, week, hours, rules.closed_days(), least).await?
            }
            Signal::TwoTerminals => {
                store.burst_two_terminals(id, week, get(&threshold::REVIEW_OVERLAP) * MINUTE).await?
            }
            Signal::Dormant => store.burst_dormant(id, week, get(&threshold::REVIEW_DORMANT) * DAY).await?,
            Signal::Rush => store.burst_rush(id, week, get(&threshold::REVIEW_RUSH)).await?,
            Signal::Volume => self.unusual(facility, week, rules, accounts).await?,
            Signal::Leaver => self.left(facility, week, accounts).await?,
            Signal::Unplanned => self.unplanned(facility, week, accounts).await?,
        })
    }

    async fn unusual(
        &self,
        facility: &Facility,
        week: (i64, i64),
        rules: &Rules,
        accounts: &Accounts,
    ) -> Result<Vec<Burst>> {
        let days = rules.get(&threshold::REVIEW_PAST).max(1);
        let long = ((week.1 - week.0) / DAY).max(1);
        let taken = self.store.burst_taken(&facility.id, week, week.0 - days * DAY).await?;
        let measured: Vec<Taken> = taken
            .iter()
            .map(|burst| Taken {
                job: accounts.holder(&burst.source, &burst.user).map(|h| h.job.clone()).unwrap_or_default(),
                week: burst.accesses,
                past: burst.more * long / days,
            })
            .collect();
        let out = volumes(&measured, rules);
        Ok(taken.into_iter().zip(out).filter(|(_, out)| *out).map(|(burst, _)| burst).collect())
    }

    /// Accounts whose holder had left before they were used; only what came after that day counts.
    async fn left(&self, facility: &Facility, week: (i64, i64), accounts: &Accounts) -> Result<Vec<Burst>> {
        let mut found = Vec::new();
        for burst in self.store.burst_activity(&facility.id, week).await? {
            let left = accounts.holder(&burst.source, &burst.user).and_then(|holder| holder.left);
            // 退職日 itself is still a day of work.
            let Some(after) = left.and_then(|left| left.tomorrow().ok()).map(start_in_japan) else { continue };
            let after = after.as_microsecond().max(week.0);
            if burst.span.1 < after {
                continue;
            }
            let users = Some(vec![(Some(burst.source.clone()), burst.user.clone())]);
            let query = AccessQuery { users, span: (after, week.1), ..AccessQuery::default() };
            let accesses = i64::try_from(self.store.access_count(&facility.id, &query).await?).unwrap_or(i64::MAX);
            found.push(Burst { span: (burst.span.0.max(after), burst.span.1), accesses, ..burst });
        }
        Ok(found)
    }

    /// Maintenance that no approved plan covers, by account.
    async fn unplanned(&self, facility: &Facility, week: (i64, i64), accounts: &Accounts) -> Result<Vec<Burst>> {
        let plan = |plan: StoredRow| {
            let from_on = day(&plan.row, "from_on")?;
            Some(Plan {
                system: text(&plan.row, "system"),
                until_on: day(&plan.row, "until_on").unwrap_or(from_on),
                approved_on: day(&plan.row, "approved_on"),
                no: plan.key,
                from_on,
            })
        };
        let plans: Vec<Plan> = self.every(facility, "work_plans").await?.into_iter().filter_map(plan).collect();
        let active = self.store.burst_activity(&facility.id, week).await?;
        let vendors: Vec<(String, String)> = active
            .into_iter()
            .filter(|burst| accounts.holder(&burst.source, &burst.user).is_some_and(|holder| holder.vendor))
            .map(|burst| (burst.source, burst.user))
            .collect();
        let mut found: Vec<Burst> = Vec::new();
        for burst in self.store.burst_maintenance(&facility.id, week, &vendors).await? {
            let system = accounts.systems.get(&burst.source).map(String::as_str);
            let on = day_in_japan(Timestamp::from_microsecond(burst.span.0).unwrap_or_default());
            if is_planned(&plans, system, on, burst.plan.as_deref()) {
                continue;
            }
            match found.iter_mut().find(|other| other.source == burst.source && other.user == burst.user) {
                Some(other) => {
                    other.span = (other.span.0.min(burst.span.0), other.span.1.max(burst.span.1));
                    other.accesses += burst.accesses;
                    other.patients = other.patients.max(burst.patients);
                }
                None => found.push(burst),
            }
        }
        Ok(found)
    }
}
