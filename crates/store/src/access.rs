//! Accesses that other systems reported: how they get into the journal once each, and the index that is made from it.
//!
//! The journal has everything; the index only what questions select by, in rows as narrow as they may be, since there may
//! be a hundred million of them. Texts are numbers of `access_names`, where the facility is, too: whoever asks by a
//! name of their facility finds nothing of another one's. Whatever else an access says is read from its entry.

mod arrivals;
mod cases;
mod questions;
pub(crate) mod rebuild;
mod signals;

use std::collections::{BTreeMap, HashMap, HashSet};

use domain::access::Access;
use sea_orm::{ConnectionTrait, Value};

use crate::dialect::{self, MAX_PARAMETERS, marks};
use crate::error::Result;
use crate::statement;

pub use arrivals::{ArrivalHead, KeptArrival, NewArrival};
pub use cases::{CaseRow, Closed};
pub use questions::{AccessOpener, AccessQuery, AccessRow};
pub use rebuild::IndexedAccess;
pub use signals::{Burst, Week};

/// Kinds of names.
const SOURCE: &str = "source";
const USER: &str = "user";
const PATIENT: &str = "patient";
const TERMINAL: &str = "terminal";
const PLAN: &str = "plan";

/// Columns of the index, in the order in which they are written.
const COLUMNS: &str = "seq, at, mark, source, person, patient, terminal, plan, act, exposure, outcome, records";
const WIDTH: usize = 12;

/// The accesses among the events of a transaction, on their way into the index.
#[derive(Default)]
pub(crate) struct Index(Vec<(usize, Line)>);

/// One access to be indexed.
struct Line {
    seq: i64,
    mark: i64,
    access: Access,
}

impl Index {
    /// Notes the access that is the event at `place`.
    pub(crate) fn note(&mut self, place: usize, access: Access, mark: i64) {
        self.0.push((place, Line { seq: 0, mark, access }));
    }

    /// Writes the rows, now that the journal has given the `events` of the transaction their places, the last ones.
    pub(crate) async fn write(self, db: &impl ConnectionTrait, facility: &str, events: usize) -> Result<()> {
        if self.0.is_empty() {
            return Ok(());
        }
        let last = db.query_one_raw(statement(db, "SELECT MAX(seq) FROM journal", Vec::new())).await?;
        let last: i64 = last.map_or(Ok(0), |row| row.try_get_by_index(0))?;
        let before = last - i64::try_from(events).unwrap_or_default();
        let lines: Vec<Line> = self
            .0
            .into_iter()
            .map(|(place, line)| Line { seq: before + 1 + i64::try_from(place).unwrap_or_default(), ..line })
            .collect();
        insert(db, facility, &lines).await
    }
}

/// Adds rows to the index.
async fn insert(db: &impl ConnectionTrait, facility: &str, lines: &[Line]) -> Result<()> {
    if lines.is_empty() {
        return Ok(());
    }
    let mut wanted: Wanted<'_> = BTreeMap::new();
    for Line { access, .. } in lines {
        wanted.entry((SOURCE, &access.source)).or_default();
        let label = wanted.entry((USER, &access.user)).or_default();
        *label = access.user_name.as_deref().or(*label);
        for (kind, name) in [(PATIENT, &access.patient), (TERMINAL, &access.terminal), (PLAN, &access.plan)] {
            if let Some(name) = name {
                wanted.entry((kind, name)).or_default();
            }
        }
    }
    let ids = name_ids(db, facility, &wanted).await?;
    let id = |kind: &'static str, name: &str| Value::BigInt(ids.get(&(kind, name)).copied());
    let maybe =
        |kind: &'static str, name: &Option<String>| name.as_deref().map_or(Value::BigInt(None), |name| id(kind, name));
    for part in lines.chunks(MAX_PARAMETERS / WIDTH) {
        let sql = format!("INSERT INTO accesses ({COLUMNS}) VALUES {}", marks(part.len(), WIDTH));
        let mut values: Vec<Value> = Vec::with_capacity(part.len() * WIDTH);
        for Line { seq, mark, access } in part {
            values.extend([
                (*seq).into(),
                access.at.as_microsecond().into(),
                (*mark).into(),
                id(SOURCE, &access.source),
                id(USER, &access.user),
                maybe(PATIENT, &access.patient),
                maybe(TERMINAL, &access.terminal),
                maybe(PLAN, &access.plan),
                access.act.place().into(),
                access.exposure.place().into(),
                access.outcome.place().into(),
                Value::BigInt(access.records.map(|n| i64::try_from(n).unwrap_or(i64::MAX))),
            ]);
        }
        db.execute_raw(statement(db, &sql, values)).await?;
    }
    Ok(())
}

/// Names to be looked up, by kind and name, each with what people call it.
type Wanted<'a> = BTreeMap<(&'static str, &'a str), Option<&'a str>>;

/// The number of every name; new ones get the next.
async fn name_ids<'a>(
    db: &impl ConnectionTrait,
    facility: &str,
    wanted: &Wanted<'a>,
) -> Result<HashMap<(&'static str, &'a str), i64>> {
    let mut known = find_names(db, facility, wanted).await?;
    let news = |known: &HashMap<(&'static str, &'a str), (i64, Option<String>)>| {
        let is_new = |key: &(&'static str, &'a str), label: Option<&str>| {
            known.get(key).is_none_or(|(_, known)| label.is_some() && known.as_deref() != label)
        };
        wanted.iter().filter(|(key, label)| is_new(key, **label)).map(|(key, label)| (*key, *label)).collect::<Vec<_>>()
    };
    if !news(&known).is_empty() {
        dialect::lock_names(db).await?;
        known = find_names(db, facility, wanted).await?;
        let sql = "SELECT CAST(COALESCE(MAX(id), 0) AS BIGINT) FROM access_names";
        let last = db.query_one_raw(statement(db, sql, Vec::new())).await?;
        let mut next: i64 = last.map_or(Ok(0), |row| row.try_get_by_index(0))?;
        for part in news(&known).chunks(MAX_PARAMETERS / 5) {
            let sql = format!(
                "INSERT INTO access_names (id, facility, kind, name, label) VALUES {} \
                 ON CONFLICT (facility, kind, name) DO UPDATE SET label = excluded.label",
                marks(part.len(), 5)
            );
            let mut values: Vec<Value> = Vec::with_capacity(part.len() * 5);
            for (key, label) in part {
                next += 1;
                values.extend([next.into(), facility.into(), key.0.into(), key.1.into()]);
                values.push(Value::String(label.map(str::to_owned)));
            }
            db.execute_raw(statement(db, &sql, values)).await?;
        }
        known = find_names(db, facility, wanted).await?;
    }
    Ok(known.into_iter().map(|(key, (id, _))| (key, id)).collect())
}

async fn find_names<'a>(
    db: &impl ConnectionTrait,
    facility: &str,
    wanted: &Wanted<'a>,
) -> Result<HashMap<(&'static str, &'a str), (i64, Option<String>)>> {
    let mut known = HashMap::with_capacity(wanted.len());
    for kind in [SOURCE, USER, PATIENT, TERMINAL, PLAN] {
        let names: Vec<&'a str> = wanted.keys().filter(|key| key.0 == kind).map(|key| key.1).collect();
        let asked: HashSet<&'a str> = names.iter().copied().collect();
        for part in names.chunks(MAX_PARAMETERS - 2) {
            let places: Vec<String> = (0..part.len()).map(|n| format!("${}", n + 3)).collect();
            let sql = format!(
                "SELECT CAST(id AS BIGINT), name, label FROM access_names WHERE facility = $1 AND kind = $2 AND name IN ({})",
                places.join(",")
            );
            let values = [facility, kind].into_iter().chain(part.iter().copied()).map(Value::from).collect();
            for row in db.query_all_raw(statement(db, &sql, values)).await? {
                let name: String = row.try_get_by_index(1)?;
                if let Some(name) = asked.get(name.as_str()) {
                    known.insert((kind, *name), (row.try_get_by_index(0)?, row.try_get_by_index(2)?));
                }
            }
        }
    }
    Ok(known)
}
