//! Questions about accesses: whose record, by whom, when, what.
//!
//! Each goes through the index that fits it, whatever the planner's statistics say: the rows are picked from one index a
//! name before anything is joined to them.

use std::collections::HashMap;

use domain::access::{Access, Act, Exposure, Outcome};
use domain::journal::Entry;
use sea_orm::{QueryResult, Value};

use super::{PATIENT, SOURCE, USER};
use crate::Store;
use crate::dialect::{MAX_PARAMETERS, marks};
use crate::error::{Error, Result};

/// What is asked for. Everything that is given has to fit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccessQuery {
    /// This patient.
    pub patient: Option<String>,
    /// One of these users: the source where it matters, and the user id. `None` for whomever.
    pub users: Option<Vec<(Option<String>, String)>>,
    /// From this instant (inclusive) until that one (exclusive), UTC microseconds.
    pub span: (i64, i64),
    /// One of these acts; all when empty.
    pub acts: Vec<Act>,
    /// Only what was not done: refused or failed.
    pub undone: bool,
    /// Only what was seen in this way.
    pub exposure: Option<Exposure>,
    /// Only what comes after this row, newest first: its time and place.
    pub before: Option<(i64, i64)>,
    /// At most so many.
    pub limit: u32,
}

/// One access as the index has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessRow {
    /// Place of its entry in the journal.
    pub seq: i64,
    /// When, UTC microseconds.
    pub at: i64,
    /// Its source.
    pub source: String,
    /// User id.
    pub user: String,
    /// Name of the user, as last reported.
    pub user_name: Option<String>,
    /// Patient.
    pub patient: Option<String>,
    /// Terminal.
    pub terminal: Option<String>,
    /// What was done.
    pub act: Act,
    /// How much was seen.
    pub exposure: Exposure,
    /// How it ended.
    pub outcome: Outcome,
    /// Number of records concerned.
    pub records: Option<i64>,
}

/// Somebody who saw something of a patient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessOpener {
    /// Source.
    pub source: String,
    /// User id.
    pub user: String,
    /// Name of the user, as last reported.
    pub user_name: Option<String>,
    /// How often the record was opened.
    pub opened: i64,
    /// How often it stood in a list.
    pub listed: i64,
    /// First time, UTC microseconds.
    pub first: i64,
    /// Last time, UTC microseconds.
    pub last: i64,
}

impl Store {
    async fn named(&self, facility: &str, kind: &str, names: &[&str]) -> Result<Vec<(i64, String)>> {
        let mut found = Vec::with_capacity(names.len());
        for part in names.chunks(MAX_PARAMETERS - 2) {
            let places: Vec<String> = (0..part.len()).map(|n| format!("${}", n + 3)).collect();
            let sql = format!(
                "SELECT CAST(id AS BIGINT), name FROM access_names WHERE facility = $1 AND kind = $2 AND name IN ({})",
                places.join(",")
            );
            let values = [facility, kind].into_iter().chain(part.iter().copied()).map(Value::from).collect();
            for row in self.query(&sql, values).await? {
                found.push((row.try_get_by_index(0)?, row.try_get_by_index(1)?));
            }
        }
        Ok(found)
    }

    /// Every user id that occurs in the accesses of a facility.
    ///
    /// # Errors
    /// Any store error.
    pub async fn access_users(&self, facility: &str) -> Result<Vec<(String, Option<String>)>> {
        let sql = "SELECT name, label FROM access_names WHERE facility = $1 AND kind = $2 ORDER BY name";
        let rows = self.query(sql, vec![facility.into(), USER.into()]).await?;
        rows.iter().map(|row| Ok((row.try_get_by_index(0)?, row.try_get_by_index(1)?))).collect()
    }

    /// The accesses a query asks for, newest first.
    ///
    /// # Errors
    /// Any store error.
    pub async fn access_list(&self, facility: &str, query: &AccessQuery) -> Result<Vec<AccessRow>> {
        let Some((arms, mut values)) = self.arms(facility, query).await? else { return Ok(Vec::new()) };
        let wanted = self.wanted(query, &mut values);
        let limit = query.limit;
        let picks: Vec<String> = arms
            .iter()
            .map(|arm| {
                format!(
                    "SELECT * FROM (SELECT * FROM accesses WHERE {arm} AND {wanted} ORDER BY at DESC, seq DESC LIMIT {limit}) x"
                )
            })
            .collect();
        let sql = format!(
            "SELECT a.seq, a.at, s.name, u.name, u.label, p.name, t.name, CAST(a.act AS BIGINT), \
               CAST(a.exposure AS BIGINT), CAST(a.outcome AS BIGINT), a.records \
             FROM (SELECT * FROM ({}) y ORDER BY at DESC, seq DESC LIMIT {limit}) a \
             JOIN access_names s ON s.id = a.source JOIN access_names u ON u.id = a.person \
             LEFT JOIN access_names p ON p.id = a.patient LEFT JOIN access_names t ON t.id = a.terminal \
             ORDER BY a.at DESC, a.seq DESC",
            picks.join(" UNION ALL ")
        );
        self.query(&sql, values).await?.iter().map(read).collect()
    }

    /// How many accesses a query asks for, whatever its limit and place.
    ///
    /// # Errors
    /// Any store error.
    pub async fn access_count(&self, facility: &str, query: &AccessQuery) -> Result<u64> {
        let Some((arms, mut values)) = self.arms(facility, query).await? else { return Ok(0) };
        let whole = AccessQuery { before: None, ..query.clone() };
        let wanted = self.wanted(&whole, &mut values);
        let counts: Vec<String> =
            arms.iter().map(|arm| format!("(SELECT COUNT(*) FROM accesses WHERE {arm} AND {wanted})")).collect();
        let rows = self.query(&format!("SELECT {}", counts.join(" + ")), values).await?;
        let count: i64 = rows.first().map_or(Ok(0), |row| row.try_get_by_index(0))?;
        Ok(u64::try_from(count).unwrap_or_default())
    }

    /// Everybody who saw something of a patient, whoever opened most first.
    ///
    /// # Errors
    /// Any store error.
    pub async fn access_openers(&self, facility: &str, patient: &str, span: (i64, i64)) -> Result<Vec<AccessOpener>> {
        let query = AccessQuery { patient: Some(patient.to_owned()), span, ..AccessQuery::default() };
        let Some((arms, mut values)) = self.arms(facility, &query).await? else { return Ok(Vec::new()) };
        let wanted = self.wanted(&query, &mut values);
        let arm = arms.join(" OR ");
        let sql = format!(
            "SELECT s.name, u.name, u.label, g.opened, g.listed, g.first, g.last FROM \
             (SELECT source, person, COUNT(CASE WHEN exposure = 0 THEN 1 END) AS opened, \
                COUNT(CASE WHEN exposure = 1 THEN 1 END) AS listed, MIN(at) AS first, MAX(at) AS last \
              FROM accesses WHERE {arm} AND {wanted} GROUP BY source, person) g \
             JOIN access_names s ON s.id = g.source JOIN access_names u ON u.id = g.person \
             ORDER BY g.opened DESC, g.listed DESC, u.name"
        );
        let read = |row: &QueryResult| {
            Ok(AccessOpener {
                source: row.try_get_by_index(0)?,
                user: row.try_get_by_index(1)?,
                user_name: row.try_get_by_index(2)?,
                opened: row.try_get_by_index(3)?,
                listed: row.try_get_by_index(4)?,
                first: row.try_get_by_index(5)?,
                last: row.try_get_by_index(6)?,
            })
        };
        self.query(&sql, values).await?.iter().map(read).collect()
    }

    /// What the entries at these places of the facility's journal say, by place.
    ///
    /// # Errors
    /// Any store error.
    pub async fn access_details(&self, facility: &str, seqs: &[i64]) -> Result<HashMap<i64, (Entry, Access)>> {
        let mut details = HashMap::with_capacity(seqs.len());
        for part in seqs.chunks(MAX_PARAMETERS) {
            let sql = format!("SELECT entry FROM journal WHERE seq IN {}", marks(1, part.len()));
            for row in self.query(&sql, part.iter().map(|seq| Value::from(*seq)).collect()).await? {
                let entry: Entry = serde_json::from_str(&row.try_get_by_index::<String>(0)?)
                    .map_err(|_| Error::Corrupt { what: "journal".to_owned() })?;
                if let Some(access) = Access::of(&entry).filter(|_| entry.facility == facility) {
                    details.insert(entry.seq, (entry, access));
                }
            }
        }
        Ok(details)
    }

    /// How long after the time it states each of the newest accesses of a source came, in microseconds.
    ///
    /// # Errors
    /// Any store error.
    pub async fn access_delays(&self, facility: &str, source: &str, newest: u32) -> Result<Vec<i64>> {
        let Some((id, _)) = self.named(facility, SOURCE, &[source]).await?.into_iter().next() else {
            return Ok(Vec::new());
        };
        let sql = format!(
            "SELECT j.at - a.at FROM (SELECT seq, at FROM accesses WHERE source = $1 ORDER BY at DESC LIMIT {newest}) a \
             JOIN journal j ON j.seq = a.seq"
        );
        self.query(&sql, vec![id.into()]).await?.iter().map(|row| Ok(row.try_get_by_index(0)?)).collect()
    }

    /// One condition for each index to look into, with the values they name; `None` when a name does not occur at all.
    async fn arms(&self, facility: &str, query: &AccessQuery) -> Result<Option<(Vec<String>, Vec<Value>)>> {
        let mut arms = Vec::new();
        let mut values: Vec<Value> = Vec::new();
        let bind = |values: &mut Vec<Value>, id: i64| {
            values.push(id.into());
            format!("${}", values.len())
        };
        let users = match &query.users {
            None => None,
            Some(users) => {
                let names: Vec<&str> = users.iter().map(|(_, name)| name.as_str()).collect();
                let sources: Vec<&str> = users.iter().filter_map(|(source, _)| source.as_deref()).collect();
                let ids: HashMap<String, i64> =
                    self.named(facility, USER, &names).await?.into_iter().map(|(id, name)| (name, id)).collect();
                let sources: HashMap<String, i64> =
                    self.named(facility, SOURCE, &sources).await?.into_iter().map(|(id, name)| (name, id)).collect();
                let mut conditions = Vec::new();
                for (source, name) in users {
                    let Some(id) = ids.get(name) else { continue };
                    let person = format!("person = {}", bind(&mut values, *id));
                    match source {
                        None => conditions.push(person),
                        Some(source) => {
                            if let Some(source) = sources.get(source) {
                                conditions.push(format!("{person} AND source = {}", bind(&mut values, *source)));
                            }
                        }
                    }
                }
                Some(conditions)
            }
        };
        if let Some(patient) = &query.patient {
            if let Some((id, _)) = self.named(facility, PATIENT, &[patient]).await?.into_iter().next() {
                let arm = format!("patient = {}", bind(&mut values, id));
                arms.push(match &users {
                    None => arm,
                    Some(users) if users.is_empty() => return Ok(None),
                    Some(users) => format!("{arm} AND ({})", users.join(" OR ")),
                });
            }
        } else if let Some(users) = users {
            arms = users;
        } else {
            let sql = "SELECT CAST(id AS BIGINT) FROM access_names WHERE facility = $1 AND kind = $2 ORDER BY id";
            for row in self.query(sql, vec![facility.into(), SOURCE.into()]).await? {
                let id: i64 = row.try_get_by_index(0)?;
                arms.push(format!("source = {}", bind(&mut values, id)));
            }
        }
        Ok((!arms.is_empty()).then_some((arms, values)))
    }

    /// What holds for every arm.
    fn wanted(&self, query: &AccessQuery, values: &mut Vec<Value>) -> String {
        let mut bind = |value: Value| {
            values.push(value);
            format!("${}", values.len())
        };
        let mut wanted =
            vec![format!("at >= {}", bind(query.span.0.into())), format!("at < {}", bind(query.span.1.into()))];
        if !query.acts.is_empty() {
            let places: Vec<String> = query.acts.iter().map(|act| act.place().to_string()).collect();
            wanted.push(format!("act IN ({})", places.join(", ")));
        }
        if query.undone {
            wanted.push("outcome <> 0".to_owned());
        }
        if let Some(exposure) = query.exposure {
            wanted.push(format!("exposure = {}", exposure.place()));
        }
        if let Some((at, seq)) = query.before {
            let (at, seq) = (bind(at.into()), bind(seq.into()));
            wanted.push(format!("(at < {at} OR (at = {at} AND seq < {seq}))"));
        }
        wanted.join(" AND ")
    }
}

fn read(row: &QueryResult) -> Result<AccessRow> {
    let corrupt = || Error::Corrupt { what: "accesses".to_owned() };
    let place = |at: usize| Ok::<_, Error>(i16::try_from(row.try_get_by_index::<i64>(at)?).unwrap_or(-1));
    Ok(AccessRow {
        seq: row.try_get_by_index(0)?,
        at: row.try_get_by_index(1)?,
        source: row.try_get_by_index(2)?,
        user: row.try_get_by_index(3)?,
        user_name: row.try_get_by_index(4)?,
        patient: row.try_get_by_index(5)?,
        terminal: row.try_get_by_index(6)?,
        act: Act::at(place(7)?).ok_or_else(corrupt)?,
        exposure: Exposure::at(place(8)?).ok_or_else(corrupt)?,
        outcome: Outcome::at(place(9)?).ok_or_else(corrupt)?,
        records: row.try_get_by_index(10)?,
    })
}
