//! What stands out in a stretch of time, each signal one set-based statement over the index.
//!
//! The statements only gather and count; which numbers are too high is a parameter, and what needs ledgers to judge is
//! judged in `app`.

use sea_orm::{QueryResult, Value};

use super::SOURCE;
use crate::Store;
use crate::error::Result;

/// The stretch looked at: from (inclusive) until (exclusive), UTC microseconds.
pub type Week = (i64, i64);

/// Accesses of one account, or to one patient, that belong together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Burst {
    /// Source.
    pub source: String,
    /// User id; of a patient's burst, one of them.
    pub user: String,
    /// Name of the user.
    pub user_name: Option<String>,
    /// The patient, where it is about one.
    pub patient: Option<String>,
    /// The work plan named, where it is about maintenance.
    pub plan: Option<String>,
    /// First and last, UTC microseconds.
    pub span: (i64, i64),
    /// How many accesses, or records for what was taken out.
    pub accesses: i64,
    /// How many people.
    pub people: i64,
    /// How many patients.
    pub patients: i64,
    /// What else the signal counts: records in the past, microseconds of absence.
    pub more: i64,
}

/// The columns of a burst over rows `w`, without what is grouped by: span, accesses, people, patients, more.
const SUMS: &str = "MIN(w.at) AS first, MAX(w.at) AS last, COUNT(*) AS accesses, COUNT(DISTINCT w.person) AS people, COUNT(DISTINCT w.patient) AS patients";

/// Accesses of a facility's sources within a stretch, as `w`.
const WITHIN: &str = "WITH w AS (SELECT * FROM accesses WHERE source IN (SELECT id FROM access_names WHERE facility = $1 AND kind = $2) \
                      AND at >= $3 AND at < $4)";

/// Acts by which somebody sees or changes a record, as the index has them.
const OPENING: &str = "w.exposure = 0 AND w.outcome = 0 AND w.act IN (3, 4, 5, 6, 7, 8, 10)";

impl Store {
    async fn bursts(&self, facility: &str, week: Week, grouped: &str, more: Vec<Value>) -> Result<Vec<Burst>> {
        let sql = format!(
            "{WITHIN}{grouped} \
             SELECT s.name, u.name, u.label, p.name, l.name, g.first, g.last, g.accesses, g.people, g.patients, g.more FROM g \
             JOIN access_names s ON s.id = g.source JOIN access_names u ON u.id = g.person \
             LEFT JOIN access_names p ON p.id = g.patient LEFT JOIN access_names l ON l.id = g.plan \
             ORDER BY g.accesses DESC, u.name, s.name, g.first"
        );
        let mut values: Vec<Value> = vec![facility.into(), SOURCE.into(), week.0.into(), week.1.into()];
        values.extend(more);
        let read = |row: &QueryResult| {
            Ok(Burst {
                source: row.try_get_by_index(0)?,
                user: row.try_get_by_index(1)?,
                user_name: row.try_get_by_index(2)?,
                patient: row.try_get_by_index(3)?,
                plan: row.try_get_by_index(4)?,
                span: (row.try_get_by_index(5)?, row.try_get_by_index(6)?),
                accesses: row.try_get_by_index(7)?,
                people: row.try_get_by_index(8)?,
                patients: row.try_get_by_index(9)?,
                more: row.try_get_by_index(10)?,
            })
        };
        self.query(&sql, values).await?.iter().map(read).collect()
    }

    async fn by_account(&self, facility: &str, week: Week, wanted: &str, least: i64) -> Result<Vec<Burst>> {
        let grouped = format!(
            ", g AS (SELECT w.source, w.person, CAST(NULL AS BIGINT) AS patient, CAST(NULL AS BIGINT) AS plan, {SUMS}, CAST(0 AS BIGINT) AS more FROM w WHERE {wanted} \
             GROUP BY w.source, w.person HAVING COUNT(*) >= $5)"
        );
        self.bursts(facility, week, &grouped, vec![least.into()]).await
    }

    /// What each account did at all.
    ///
    /// # Errors
    /// Any store error.
    pub async fn burst_activity(&self, facility: &str, week: Week) -> Result<Vec<Burst>> {
        self.by_account(facility, week, "w.outcome = 0", 1).await
    }

    /// Accounts that were refused, or failed, at least so often.
    ///
    /// # Errors
    /// Any store error.
    pub async fn burst_refused(&self, facility: &str, week: Week, least: i64) -> Result<Vec<Burst>> {
        self.by_account(facility, week, "w.outcome <> 0", least).await
    }

    /// Accounts that overrode a restriction.
    ///
    /// # Errors
    /// Any store error.
    pub async fn burst_emergency(&self, facility: &str, week: Week) -> Result<Vec<Burst>> {
        self.by_account(facility, week, "w.act = 10", 1).await
    }

    /// Accounts that opened at least so many records outside the hours (in Japan, from and until full hours) or on
    /// closed days (bits, Sunday first).
    ///
    /// # Errors
    /// Any store error.
    pub async fn burst_off_hours(
        &self,
        facility: &str,
        week: Week,
        hours: (i64, i64),
        closed_days: i64,
        least: i64,
    ) -> Result<Vec<Burst>> {
        let closed: Vec<String> = (0..7).filter(|day| closed_days >> day & 1 == 1).map(|day| day.to_string()).collect();
        let closed = if closed.is_empty() { "-1".to_owned() } else { closed.join(", ") };
        // 1970-01-01 was a Thursday; Japan is nine hours ahead the whole year.
        let wanted = format!(
            "{OPENING} AND ((w.at + 32400000000) / 3600000000 % 24 < $6 OR (w.at + 32400000000) / 3600000000 % 24 >= $7 \
             OR ((w.at + 32400000000) / 86400000000 + 4) % 7 IN ({closed}))"
        );
        let grouped = format!(
            ", g AS (SELECT w.source, w.person, CAST(NULL AS BIGINT) AS patient, CAST(NULL AS BIGINT) AS plan, {SUMS}, CAST(0 AS BIGINT) AS more FROM w WHERE {wanted} \
             GROUP BY w.source, w.person HAVING COUNT(*) >= $5)"
        );
        let more = vec![least.into(), hours.0.into(), hours.1.into()];
        self.bursts(facility, week, &grouped, more).await
    }

    /// Accounts that were used on two terminals, back and forth within so many microseconds.
    ///
    /// # Errors
    /// Any store error.
    pub async fn burst_two_terminals(&self, facility: &str, week: Week, within: i64) -> Result<Vec<Burst>> {
        let grouped = format!(
            ", x AS (SELECT w.*, LAG(w.terminal) OVER (PARTITION BY w.source, w.person ORDER BY w.at, w.seq) AS before, \
                 LAG(w.at) OVER (PARTITION BY w.source, w.person, w.terminal ORDER BY w.at, w.seq) AS here_at \
               FROM w WHERE w.terminal IS NOT NULL AND w.outcome = 0), \
             g AS (SELECT w.source, w.person, CAST(NULL AS BIGINT) AS patient, CAST(NULL AS BIGINT) AS plan, {SUMS}, CAST(0 AS BIGINT) AS more FROM x w \
               WHERE w.terminal <> w.before AND w.at - w.here_at <= $5 GROUP BY w.source, w.person)"
        );
        self.bursts(facility, week, &grouped, vec![within.into()]).await
    }

    /// Accounts that were used, and had not been for so many microseconds before the stretch; `more` is how long.
    ///
    /// # Errors
    /// Any store error.
    pub async fn burst_dormant(&self, facility: &str, week: Week, least: i64) -> Result<Vec<Burst>> {
        let grouped = format!(
            ", f AS (SELECT w.source, w.person, {SUMS} FROM w WHERE w.outcome = 0 GROUP BY w.source, w.person), \
             d AS (SELECT f.*, f.first - (SELECT MAX(b.at) FROM accesses b WHERE b.person = f.person AND b.at < $3 \
                 AND b.source = f.source AND b.outcome = 0) AS more FROM f), \
             g AS (SELECT d.*, CAST(NULL AS BIGINT) AS patient, CAST(NULL AS BIGINT) AS plan FROM d WHERE d.more >= $5)"
        );
        self.bursts(facility, week, &grouped, vec![least.into()]).await
    }

    /// What each account printed or took out in the stretch, in records; `more` is how much in the time from `past` on
    /// before it.
    ///
    /// # Errors
    /// Any store error.
    pub async fn burst_taken(&self, facility: &str, week: Week, past: i64) -> Result<Vec<Burst>> {
        let grouped = ", t AS (SELECT source, person, patient, at, COALESCE(records, 1) AS records FROM accesses \
               WHERE source IN (SELECT id FROM access_names WHERE facility = $1 AND kind = $2) AND at >= $5 AND at < $4 \
               AND act IN (7, 8) AND outcome = 0), \
             g AS (SELECT source, person, CAST(NULL AS BIGINT) AS patient, CAST(NULL AS BIGINT) AS plan, MIN(CASE WHEN at >= $3 THEN at END) AS first, \
                 MAX(at) AS last, CAST(COALESCE(SUM(CASE WHEN at >= $3 THEN records END), 0) AS BIGINT) AS accesses, \
                 CAST(1 AS BIGINT) AS people, COUNT(DISTINCT CASE WHEN at >= $3 THEN patient END) AS patients, \
                 CAST(COALESCE(SUM(CASE WHEN at < $3 THEN records END), 0) AS BIGINT) AS more \
               FROM t GROUP BY source, person HAVING MAX(at) >= $3)";
        self.bursts(facility, week, grouped, vec![past.into()]).await
    }

    /// Patients whose record at least so many people opened.
    ///
    /// # Errors
    /// Any store error.
    pub async fn burst_rush(&self, facility: &str, week: Week, least: i64) -> Result<Vec<Burst>> {
        let grouped = format!(
            ", g AS (SELECT MIN(w.source) AS source, MIN(w.person) AS person, w.patient, CAST(NULL AS BIGINT) AS plan, {SUMS}, \
               CAST(0 AS BIGINT) AS more FROM w WHERE w.patient IS NOT NULL AND {OPENING} GROUP BY w.patient \
               HAVING COUNT(DISTINCT w.person) >= $5)"
        );
        self.bursts(facility, week, &grouped, vec![least.into()]).await
    }

    /// Maintenance by account, day in Japan and plan named; `also` are accounts all of whose work is maintenance, by
    /// source and user id.
    ///
    /// # Errors
    /// Any store error.
    pub async fn burst_maintenance(&self, facility: &str, week: Week, also: &[(String, String)]) -> Result<Vec<Burst>> {
        let mut more: Vec<Value> = Vec::with_capacity(also.len() * 2);
        let mut theirs = String::new();
        for (source, user) in also {
            more.extend([Value::from(source.clone()), user.clone().into()]);
            let n = more.len() + 4;
            theirs.push_str(&format!(
                " OR (w.source IN (SELECT id FROM access_names WHERE facility = $1 AND kind = 'source' AND name = ${}) \
                 AND w.person IN (SELECT id FROM access_names WHERE facility = $1 AND kind = 'user' AND name = ${n}))",
                n - 1
            ));
        }
        let grouped = format!(
            ", g AS (SELECT w.source, w.person, CAST(NULL AS BIGINT) AS patient, w.plan, {SUMS}, CAST(0 AS BIGINT) AS more FROM w \
               WHERE w.outcome = 0 AND (w.act = 9{theirs}) \
               GROUP BY w.source, w.person, w.plan, (w.at + 32400000000) / 86400000000)"
        );
        self.bursts(facility, week, &grouped, more).await
    }
}
