//! The cases of the log review, and the numbers a facility set for it.

use jiff::Timestamp;
use sea_orm::{QueryResult, Value};

use crate::error::{Error, Result};
use crate::{Store, WriteTx};

/// A case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaseRow {
    /// Its number within the facility.
    pub no: i64,
    /// Code of the signal ([`domain::access::review::Signal`]).
    pub kind: String,
    /// Source.
    pub source: String,
    /// The account or the patient it is about.
    pub subject: String,
    /// Key of the person it is about in the list of people, where known.
    pub person: Option<String>,
    /// First and last access, UTC microseconds.
    pub span: (i64, i64),
    /// How many accesses, or records.
    pub accesses: i64,
    /// How many people.
    pub people: i64,
    /// How many patients.
    pub patients: i64,
    /// Rank among the cases of its week.
    pub weight: i64,
    /// Monday of its week, ISO.
    pub week: String,
    /// How it was closed, if it was.
    pub closed: Option<Closed>,
    /// The review it belongs to, once that is signed: number of the record.
    pub review: Option<String>,
}

/// How a case was closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closed {
    /// Code ([`domain::access::review::Closing`]).
    pub verdict: String,
    /// Why.
    pub reason: String,
    /// By whom.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

const COLUMNS: &str = "no, kind, source, subject, person, first_at, last_at, accesses, people, patients, weight, week, \
                       verdict, reason, closed_by, closed_at, review";

fn read(row: &QueryResult) -> Result<CaseRow> {
    let closed_at: Option<i64> = row.try_get_by_index(15)?;
    let corrupt = |_| Error::Corrupt { what: "review_cases".to_owned() };
    let closed = match closed_at {
        None => None,
        Some(at) => Some(Closed {
            verdict: row.try_get_by_index(12)?,
            reason: row.try_get_by_index(13)?,
            by: row.try_get_by_index(14)?,
            at: Timestamp::from_microsecond(at).map_err(corrupt)?,
        }),
    };
    Ok(CaseRow {
        no: row.try_get_by_index(0)?,
        kind: row.try_get_by_index(1)?,
        source: row.try_get_by_index(2)?,
        subject: row.try_get_by_index(3)?,
        person: row.try_get_by_index(4)?,
        span: (row.try_get_by_index(5)?, row.try_get_by_index(6)?),
        accesses: row.try_get_by_index(7)?,
        people: row.try_get_by_index(8)?,
        patients: row.try_get_by_index(9)?,
        weight: row.try_get_by_index(10)?,
        week: row.try_get_by_index(11)?,
        closed,
        review: row.try_get_by_index(16)?,
    })
}

impl Store {
    /// The numbers a facility set.
    ///
    /// # Errors
    /// Any store error.
    pub async fn review_settings(&self, facility: &str) -> Result<Vec<(String, i64)>> {
        let sql = "SELECT name, value FROM review_settings WHERE facility = $1 ORDER BY name";
        let rows = self.query(sql, vec![facility.into()]).await?;
        rows.iter().map(|row| Ok((row.try_get_by_index(0)?, row.try_get_by_index(1)?))).collect()
    }

    /// The cases that no signed review has taken in: newest week first, the gravest first.
    ///
    /// # Errors
    /// Any store error.
    pub async fn case_list(&self, facility: &str) -> Result<Vec<CaseRow>> {
        let sql = format!(
            "SELECT {COLUMNS} FROM review_cases WHERE facility = $1 AND review IS NULL ORDER BY week DESC, weight DESC, no"
        );
        self.query(&sql, vec![facility.into()]).await?.iter().map(read).collect()
    }

    /// One case.
    ///
    /// # Errors
    /// [`Error::NotFound`] when the facility has no such case.
    pub async fn case_fetch(&self, facility: &str, no: i64) -> Result<CaseRow> {
        let sql = format!("SELECT {COLUMNS} FROM review_cases WHERE facility = $1 AND no = $2");
        let rows = self.query(&sql, vec![facility.into(), no.into()]).await?;
        rows.first().map(read).ok_or_else(|| Error::NotFound { what: "確認事項".to_owned() })?
    }
}

impl WriteTx {
    /// Sets numbers of the review.
    ///
    /// # Errors
    /// Any store error.
    pub async fn review_set(&mut self, numbers: &[(String, i64)]) -> Result<()> {
        for (name, value) in numbers {
            let sql = "INSERT INTO review_settings (facility, name, value) VALUES ($1, $2, $3) \
                       ON CONFLICT (facility, name) DO UPDATE SET value = excluded.value";
            self.execute(sql, vec![self.facility.clone().into(), name.clone().into(), (*value).into()]).await?;
        }
        Ok(())
    }

    /// Adds cases that are new; of those there already and still open, extends what grew. Which were added or grew.
    ///
    /// # Errors
    /// Any store error.
    pub async fn case_upsert(&mut self, cases: &[CaseRow]) -> Result<Vec<bool>> {
        self.lock_rows().await?;
        let facility = self.facility.clone();
        let last = "SELECT COALESCE(MAX(no), 0) FROM review_cases WHERE facility = $1";
        let rows = self.select(last, vec![facility.clone().into()]).await?;
        let mut next: i64 = rows.first().map_or(Ok(0), |row| row.try_get_by_index(0))?;
        let mut news = Vec::with_capacity(cases.len());
        for case in cases {
            let grow = "UPDATE review_cases SET first_at = $1, last_at = $2, accesses = $3, people = $4, patients = $5, \
                        weight = $6 WHERE facility = $7 AND kind = $8 AND source = $9 AND subject = $10 AND week = $11 \
                        AND closed_at IS NULL AND (last_at < $12 OR accesses < $13 OR people < $14)";
            let keys = [case.kind.clone(), case.source.clone(), case.subject.clone(), case.week.clone()];
            let mut values: Vec<Value> =
                [case.span.0, case.span.1, case.accesses, case.people, case.patients, case.weight]
                    .into_iter()
                    .map(Value::from)
                    .collect();
            values.push(facility.clone().into());
            values.extend(keys.iter().cloned().map(Value::from));
            values.extend([case.span.1, case.accesses, case.people].map(Value::from));
            let found = "SELECT 1 FROM review_cases WHERE facility = $1 AND kind = $2 AND source = $3 AND subject = $4 \
                         AND week = $5";
            let key = std::iter::once(facility.clone()).chain(keys.iter().cloned()).map(Value::from).collect();
            if !self.select(found, key).await?.is_empty() {
                news.push(self.execute(grow, values).await? > 0);
                continue;
            }
            next += 1;
            let sql = "INSERT INTO review_cases (id, facility, no, kind, source, subject, person, first_at, last_at, \
                       accesses, people, patients, weight, found_at, week) \
                       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)";
            let values = vec![
                uuid::Uuid::now_v7().to_string().into(),
                facility.clone().into(),
                next.into(),
                case.kind.clone().into(),
                case.source.clone().into(),
                case.subject.clone().into(),
                Value::String(case.person.clone()),
                case.span.0.into(),
                case.span.1.into(),
                case.accesses.into(),
                case.people.into(),
                case.patients.into(),
                case.weight.into(),
                self.now.as_microsecond().into(),
                case.week.clone().into(),
            ];
            news.push(self.execute(sql, values).await? > 0);
        }
        Ok(news)
    }

    /// Closes a case that is open.
    ///
    /// # Errors
    /// [`Error::Conflict`] when it is not open any more.
    pub async fn case_close(&mut self, no: i64, verdict: &str, reason: &str, by: &str) -> Result<()> {
        let sql = "UPDATE review_cases SET verdict = $1, reason = $2, closed_by = $3, closed_at = $4 \
                   WHERE facility = $5 AND no = $6 AND closed_at IS NULL";
        let values = vec![
            verdict.into(),
            reason.into(),
            by.into(),
            self.now.as_microsecond().into(),
            self.facility.clone().into(),
            no.into(),
        ];
        if self.execute(sql, values).await? == 0 {
            return Err(Error::Conflict { what: format!("確認事項{no}") });
        }
        Ok(())
    }

    /// Says that these cases belong to a review that was signed.
    ///
    /// # Errors
    /// Any store error.
    pub async fn case_review(&mut self, numbers: &[i64], review: &str) -> Result<()> {
        for no in numbers {
            let sql = "UPDATE review_cases SET review = $1 WHERE facility = $2 AND no = $3 AND review IS NULL";
            self.execute(sql, vec![review.into(), self.facility.clone().into(), (*no).into()]).await?;
        }
        Ok(())
    }
}
