//! 研修受講: who took part in a recorded training, and how it went.

use std::collections::{BTreeMap, BTreeSet};

use domain::evaluate::Facility;
use domain::journal::{Actor, Event};
use domain::jp::fiscal_year;
use domain::ledger::{Row, Value};
use jiff::civil::Date;
use store::StoredRow;

use super::{key_of, of};
use crate::App;
use crate::error::{Error, FieldError, Result};

/// One person who took part.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attendee {
    /// 職員番号 or name as typed.
    pub person: String,
    /// Day; the day of the training when not stated.
    pub attended_on: Option<Date>,
    /// Points.
    pub score: Option<u32>,
    /// Whether it was passed.
    pub passed: Option<bool>,
}

impl App {
    /// Enters who took part in a recorded training, replacing what was entered for the same people. Returns how many.
    ///
    /// # Errors
    /// [`Error::NotFound`] without the record; [`Error::Fields`] for people who are not in the ledger, named twice, or
    /// dated after today. Nothing is entered then.
    pub async fn attend(
        &self,
        actor: &Actor,
        facility: &Facility,
        record: &str,
        attendees: &[Attendee],
    ) -> Result<usize> {
        let (people, ledger) = (self.names(facility, "people").await?, of("attendance")?);
        let mut desk = self.desk(actor, facility).await?;
        let training = desk.fetch("records", &key_of(record)).await?;
        let (mut rows, mut faults) = (BTreeMap::new(), Vec::new());
        for attendee in attendees {
            let person = match people.meant("person", &attendee.person) {
                Ok(key) => key,
                Err(Error::Fields(found)) => {
                    faults.extend(found);
                    continue;
                }
                Err(other) => return Err(other),
            };
            let mut fault = |why: &str| {
                let message = format!("「{}」：{why}", people.name(&person));
                faults.push(FieldError { field: "person".to_owned(), message });
            };
            let day = attendee.attended_on.map(Value::Date).or_else(|| training.row.get("held_on").cloned());
            if matches!(day, Some(Value::Date(day)) if day > self.today()) {
                fault("受講日がまだ来ていません（FLOW-008）。受けた日を入れてください。");
            }
            let mut row =
                Row::from([("record", Value::Text(training.key.clone())), ("person", Value::Text(person.clone()))]);
            row.extend(day.map(|day| ("attended_on", day)));
            row.extend(attendee.score.map(|score| ("score", Value::Integer(score.into()))));
            row.extend(attendee.passed.map(|passed| ("passed", Value::YesNo(passed))));
            let Some(key) = ledger.row_key(&row) else { continue };
            if rows.insert(key, row).is_some() {
                fault("2回書かれています（FLOW-009）。1回にしてください。");
            }
        }
        if !faults.is_empty() {
            return Err(Error::Fields(faults));
        }
        let entered: Vec<(String, Row)> = rows.into_iter().collect();
        let keys: Vec<&str> = entered.iter().map(|(key, _)| key.as_str()).collect();
        let event = Event::new("attendance.enter", &training.key).with("rows", keys.join(" "));
        desk.tx.row_upsert(ledger, &entered, None).await?;
        desk.tx.record(event);
        desk.tx.commit().await?;
        Ok(entered.len())
    }

    /// Who took part in a recorded training, by key of the person.
    ///
    /// # Errors
    /// Any store error.
    pub async fn attendance(&self, facility: &Facility, record: &str) -> Result<BTreeMap<String, StoredRow>> {
        let rows = self.store.row_match(of("attendance")?, &facility.id, "record", &key_of(record)).await?;
        let person = |row: StoredRow| Some((row.row.get("person")?.to_string(), row));
        Ok(rows.into_iter().filter_map(person).collect())
    }

    /// Key and name of everybody who works here today.
    ///
    /// # Errors
    /// Any store error.
    pub async fn staff(&self, facility: &Facility) -> Result<Vec<(String, String)>> {
        let today = self.today();
        let people = self.rows_all(facility, of("people")?).await?;
        let here = people.into_iter().filter(|p| !matches!(p.row.get("leave_on"), Some(Value::Date(d)) if *d < today));
        Ok(here
            .map(|person| {
                let name = person.row.get("name").map(ToString::to_string);
                (person.key.clone(), name.unwrap_or(person.key))
            })
            .collect())
    }

    /// Those of [`staff`](Self::staff) who took part in no training since the 年度 began.
    ///
    /// # Errors
    /// Any store error.
    pub async fn untrained(&self, facility: &Facility) -> Result<Vec<(String, String)>> {
        let year = fiscal_year(self.today());
        let attended = self.rows_all(facility, of("attendance")?).await?;
        let this_year =
            |row: &StoredRow| matches!(row.row.get("attended_on"), Some(Value::Date(d)) if fiscal_year(*d) == year);
        let trained: BTreeSet<String> = attended
            .iter()
            .filter(|row| this_year(row))
            .filter_map(|row| row.row.get("person"))
            .map(ToString::to_string)
            .collect();
        Ok(self.staff(facility).await?.into_iter().filter(|(key, _)| !trained.contains(key)).collect())
    }
}
