//! 貸出・持出し, from the counter to the return, and the loss in between.

use std::sync::Arc;

use domain::evaluate::Facility;
use domain::journal::Actor;
use domain::ledger::{Row, Value};
use domain::workflow::loan::{self, Lend, OPEN_STATES};
use domain::workflow::{incident, overdue_days};
use jiff::civil::Date;
use store::StoredRow;

use super::{Desk, Known, codes, key_of, of};
use crate::App;
use crate::error::Result;

/// A loan that is not over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenLoan {
    /// The row, with key and revision for the next act.
    pub stored: StoredRow,
    /// Code of its state.
    pub state: String,
    /// Key and name of the device.
    pub device: String,
    /// Name of the borrower.
    pub borrower: String,
    /// When it comes back.
    pub due_on: Option<Date>,
    /// Days it is late; zero when it is not out or not late.
    pub overdue_days: i32,
}

impl App {
    /// Lends a device in the house at once, or applies for taking it out.
    ///
    /// # Errors
    /// [`Error::Fields`](crate::Error::Fields) when the device is not known, [`Error::Refused`](crate::Error::Refused)
    /// when the rules of [`domain::workflow::loan`] forbid it.
    pub async fn lend(&self, actor: &Actor, facility: &Facility, lend: Lend) -> Result<StoredRow> {
        let (known, mut desk, device, lend) = self.at_the_counter(actor, facility, lend).await?;
        let others = desk.loans_of(&device.key, None, &known).await?;
        let no = desk.next_no("loans").await?;
        desk.carry_out(loan::open(&no, &device.row, &others, &lend, &actor.name, self.today())?).await
    }

    /// Applies again with an application that was sent back.
    ///
    /// # Errors
    /// As [`lend`](Self::lend); [`Error::Conflict`](crate::Error::Conflict) when it is not at `rev` any more.
    pub async fn loan_amend(
        &self,
        actor: &Actor,
        facility: &Facility,
        no: &str,
        rev: i64,
        lend: Lend,
    ) -> Result<StoredRow> {
        let (known, mut desk, device, lend) = self.at_the_counter(actor, facility, lend).await?;
        let stored = desk.fetch_at("loans", no, rev).await?;
        let others = desk.loans_of(&device.key, Some(&stored.key), &known).await?;
        desk.carry_out(loan::amend(&stored.row, &device.row, &others, &lend, &actor.name, self.today())?).await
    }

    /// Hands an approved device over.
    ///
    /// # Errors
    /// [`Error::Conflict`](crate::Error::Conflict) when it is not at `rev` any more; when the rules forbid it.
    pub async fn loan_hand_over(&self, actor: &Actor, facility: &Facility, no: &str, rev: i64) -> Result<StoredRow> {
        let known = self.known(facility).await?;
        let mut desk = self.desk(actor, facility).await?;
        let stored = desk.fetch_at("loans", no, rev).await?;
        let (device, others) = desk.around(&stored, &known).await?;
        desk.carry_out(loan::hand_over(&stored.row, &device.row, &others, &actor.name, self.today())?).await
    }

    /// Takes a device back. `inspection` is what was found, in words or codes of the column; from outside it has to
    /// be said.
    ///
    /// # Errors
    /// As [`loan_hand_over`](Self::loan_hand_over).
    pub async fn loan_return(
        &self,
        actor: &Actor,
        facility: &Facility,
        no: &str,
        rev: i64,
        inspection: &str,
        note: &str,
    ) -> Result<StoredRow> {
        let inspection = codes("loans", "inspection", inspection)?;
        let known = self.known(facility).await?;
        let mut desk = self.desk(actor, facility).await?;
        let stored = desk.fetch_at("loans", no, rev).await?;
        let (device, _) = desk.around(&stored, &known).await?;
        let change = loan::take_back(&stored.row, &device.row, &inspection, note, &actor.name, self.today())?;
        desk.carry_out(change).await
    }

    /// Cancels what was not handed over.
    ///
    /// # Errors
    /// As [`loan_hand_over`](Self::loan_hand_over).
    pub async fn loan_cancel(
        &self,
        actor: &Actor,
        facility: &Facility,
        no: &str,
        rev: i64,
        reason: &str,
    ) -> Result<StoredRow> {
        let mut desk = self.desk(actor, facility).await?;
        let stored = desk.fetch_at("loans", no, rev).await?;
        desk.carry_out(loan::cancel(&stored.row, reason)?).await
    }

    /// Reports a device or medium lost: the device and its loan become lost and an incident is recorded, which is
    /// returned.
    ///
    /// # Errors
    /// [`Error::Fields`](crate::Error::Fields) when the device is not known; when the rules forbid it.
    pub async fn report_lost(
        &self,
        actor: &Actor,
        facility: &Facility,
        device: &str,
        what_happened: &str,
    ) -> Result<StoredRow> {
        let key = self.names(facility, "devices").await?.meant("device", device)?;
        let mut desk = self.desk(actor, facility).await?;
        let device = desk.fetch("devices", &key).await?;
        let loans = desk.matching("loans", "device", &key).await?;
        let lent = loans.iter().find(|l| l.row.get("state") == Some(&Value::Text("lent".to_owned()))).map(|l| &l.row);
        let no = desk.next_no("records").await?;
        desk.carry_out(loan::lose(&no, &device.row, lent, what_happened, &actor.name, self.today())?).await
    }

    /// Records a suspected attack; its number among the records. The same words of the same person on the same day are one
    /// report.
    ///
    /// # Errors
    /// [`Error::Refused`](crate::Error::Refused) when nothing is said of what happened.
    pub async fn report_incident(
        &self,
        actor: &Actor,
        facility: &Facility,
        place: &str,
        what_happened: &str,
    ) -> Result<String> {
        let desk = self.desk(actor, facility).await?;
        let no = desk.next_no("records").await?;
        let change = incident::report(&no, place, what_happened, &actor.name, self.today())?;
        // Whoever pressed twice in a hurry reported one thing.
        if let Some(told) = desk.same(&change, "title").await? {
            return Ok(told.key);
        }
        Ok(desk.carry_out(change).await?.key)
    }

    /// The loans that are not over, the longest overdue first.
    ///
    /// # Errors
    /// Any store error.
    pub async fn loans_open(&self, facility: &Facility) -> Result<Vec<OpenLoan>> {
        let (known, today, ledger) = (self.known(facility).await?, self.today(), of("loans")?);
        let mut open = Vec::new();
        for state in OPEN_STATES {
            for stored in self.store.row_match(ledger, &facility.id, "state", state).await? {
                let called = |column: &str, of: &str| {
                    stored.row.get(column).map(|key| known.called(of, &key.to_string())).unwrap_or_default()
                };
                let due_on = match stored.row.get("due_on") {
                    Some(Value::Date(day)) => Some(*day),
                    _ => None,
                };
                let overdue = if *state == "lent" { overdue_days(due_on, today) } else { 0 };
                open.push(OpenLoan {
                    state: (*state).to_owned(),
                    device: called("device", "devices"),
                    borrower: called("borrower", "people"),
                    due_on,
                    overdue_days: overdue,
                    stored,
                });
            }
        }
        open.sort_by_key(|l| (std::cmp::Reverse(l.overdue_days), l.due_on.unwrap_or(Date::MAX), l.stored.key.clone()));
        Ok(open)
    }

    /// Who and what is meant, the device read for change.
    async fn at_the_counter(
        &self,
        actor: &Actor,
        facility: &Facility,
        mut lend: Lend,
    ) -> Result<(Arc<Known>, Desk, StoredRow, Lend)> {
        let known = self.known(facility).await?;
        let key = known.devices.meant("device", &lend.device)?;
        lend.borrower = known.people.meant_or_text("borrower", &lend.borrower)?;
        let mut desk = self.desk(actor, facility).await?;
        let device = desk.fetch("devices", &key).await?;
        Ok((known, desk, device, lend))
    }
}

impl Desk {
    /// The loans of a device but one, with their borrowers by name.
    async fn loans_of(&mut self, device: &str, but: Option<&str>, known: &Known) -> Result<Vec<Row>> {
        let found = self.matching("loans", "device", device).await?;
        let others = found.into_iter().filter(|stored| Some(stored.key.as_str()) != but);
        Ok(others
            .map(|mut stored| {
                if let Some(Value::Text(borrower)) = stored.row.get_mut("borrower") {
                    *borrower = known.people.name(borrower);
                }
                stored.row
            })
            .collect())
    }

    /// The device of a loan, and the other loans of that device.
    pub(super) async fn around(&mut self, loan: &StoredRow, known: &Known) -> Result<(StoredRow, Vec<Row>)> {
        let key = loan.row.get("device").map(|key| key_of(&key.to_string())).unwrap_or_default();
        let device = self.fetch("devices", &key).await?;
        let others = self.loans_of(&key, Some(&loan.key), known).await?;
        Ok((device, others))
    }
}
