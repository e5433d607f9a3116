//! 業務の流れ: lending, taking out, personal devices, disposal, attendance, approvals.
//!
//! Each use case is one transaction with its event. What may be done is decided by the pure rules of
//! `domain::workflow`; here is what surrounds them: finding the rows people mean, being alone in the facility while
//! deciding, and writing what the rules give back, each row at the revision it was read at.

mod approvals;
mod attendance;
mod contacts;
mod decisions;
mod deputies;
mod disposals;
mod inspections;
mod loans;
mod permits;
mod requests;
mod rounds;

use std::collections::HashMap;
use std::sync::Arc;

use domain::evaluate::Facility;
use domain::journal::Actor;
use domain::ledger::{Ledger, Row, TEXT_MAX, Value, ledger};
use domain::text::{fold, tidy};
use domain::workflow::Change;
use domain::workflow::route::Route;
use jiff::Timestamp;
use store::{StoredRow, WriteTx};

use crate::App;
use crate::error::{Error, FieldError, Result};
use crate::mail::notices::{self, Notice, To};

pub use approvals::{Given, Pending};
pub use attendance::Attendee;
pub use contacts::Contact;
pub use decisions::{Approved, Asked};
pub use deputies::{Appointment, Deputy, can_stand_in};
pub use inspections::Inspection;
pub use loans::OpenLoan;
pub use requests::{EVIDENCE_MAX, EvidenceRequest, HandedIn, LINKS_MAX, RequestStep, Wanted};
pub use rounds::{Circular, NewCircular, Passage};

/// Prefixes of the numbers that are given by themselves.
const PREFIXES: &[(&str, &str)] = &[("loans", "L"), ("byod", "B"), ("disposals", "DP"), ("records", "I")];

/// The ledger that the code names.
fn of(name: &str) -> Result<&'static Ledger> {
    ledger(name).ok_or_else(|| Error::Internal { message: format!("台帳{name}") })
}

/// A key as people type it: 全角 and lower case are the same.
fn key_of(typed: &str) -> String {
    tidy(typed).to_uppercase()
}

/// The code of a choice, or the `+`-joined codes of a set, from what was typed; empty for nothing.
fn codes(ledger_name: &str, column: &str, typed: &str) -> Result<String> {
    let Some(column) = of(ledger_name)?.column(column) else { return Ok(String::new()) };
    match column.parse(typed) {
        Ok(value) => Ok(value.map(|v| v.to_string()).unwrap_or_default()),
        Err(error) => Err(Error::field(column.name, error.to_string())),
    }
}

/// Key and name of the rows of a ledger, to find what people mean and to say what keys mean.
struct Names {
    ledger: &'static Ledger,
    rows: Vec<(String, Option<String>)>,
}

impl Names {
    /// The key of the row that is meant by its key, its name, or else a part of its name, such as a surname; `None` when
    /// there is none.
    fn find(&self, field: &str, typed: &str) -> Result<Option<String>> {
        let wanted = fold(typed);
        let label = self.ledger.label.ja;
        let mut found = self.keys_where(|key, _| fold(key) == wanted);
        if found.is_empty() {
            found = self.keys_where(|_, name| name.is_some_and(|name| fold(name) == wanted));
        }
        if found.is_empty() {
            found = self.keys_where(|_, name| name.is_some_and(|name| fold(name).contains(&wanted)));
        }
        match found.as_slice() {
            _ if wanted.is_empty() => Ok(None),
            [] => Ok(None),
            [key] => Ok(Some((*key).to_owned())),
            several => {
                let message = format!(
                    "「{}」に当たるものが{label}に複数あります（FLOW-006：{}）。管理番号で選んでください。",
                    tidy(typed),
                    several.join("、")
                );
                Err(Error::field(field, message))
            }
        }
    }

    /// As [`find`](Self::find), where there has to be one.
    fn meant(&self, field: &str, typed: &str) -> Result<String> {
        let label = self.ledger.label.ja;
        self.find(field, typed)?.ok_or_else(|| {
            let message = if tidy(typed).is_empty() {
                format!("{label}から選んでください（FLOW-005）。")
            } else {
                format!(
                    "「{}」は{label}にありません（FLOW-005）。番号か名前を確かめるか、先に登録してください。",
                    tidy(typed)
                )
            };
            Error::field(field, message)
        })
    }

    /// As [`find`](Self::find); what is in no ledger stays as typed.
    fn meant_or_text(&self, field: &str, typed: &str) -> Result<String> {
        Ok(self.find(field, typed)?.unwrap_or_else(|| tidy(typed)))
    }

    /// The name of a key; the key itself where there is none.
    fn name(&self, key: &str) -> String {
        self.named(key).unwrap_or(key).to_owned()
    }

    /// Key and name.
    fn title(&self, key: &str) -> String {
        self.named(key).map_or_else(|| key.to_owned(), |name| format!("{key} {name}"))
    }

    fn named(&self, key: &str) -> Option<&str> {
        self.rows.iter().find(|(known, _)| known == key).and_then(|(_, name)| name.as_deref())
    }

    fn keys_where(&self, fits: impl Fn(&str, Option<&str>) -> bool) -> Vec<&str> {
        self.rows.iter().filter(|(key, name)| fits(key, name.as_deref())).map(|(key, _)| key.as_str()).collect()
    }
}

/// The names that workflows use.
pub(crate) struct Known {
    devices: Names,
    people: Names,
}

impl Known {
    /// What people call the row that a cell refers to.
    pub(crate) fn called(&self, ledger: &str, key: &str) -> String {
        match ledger {
            "devices" => self.devices.title(key),
            "people" => self.people.name(key),
            _ => key.to_owned(),
        }
    }
}

impl App {
    async fn names(&self, facility: &Facility, ledger_name: &str) -> Result<Names> {
        let ledger = of(ledger_name)?;
        Ok(Names { ledger, rows: self.store.row_names(ledger, &facility.id).await? })
    }

    pub(crate) async fn known(&self, facility: &Facility) -> Result<Arc<Known>> {
        let look_up = async || {
            Ok(Known { devices: self.names(facility, "devices").await?, people: self.names(facility, "people").await? })
        };
        self.kept.known.get(self, &facility.id, look_up).await
    }

    /// A transaction that is the only workflow of the facility while it lasts.
    async fn desk(&self, actor: &Actor, facility: &Facility) -> Result<Desk> {
        let mut tx = self.store.begin(actor, &facility.id, self.now()).await?;
        tx.hold_facility().await?;
        let routes = rounds::read_routes(&self.store.approval_routes(&facility.id).await?);
        Ok(Desk { tx, read: HashMap::new(), routes, now: self.now() })
    }
}

/// A transaction that remembers at which revision it read each row.
struct Desk {
    tx: WriteTx,
    read: HashMap<(&'static str, String), i64>,
    /// The ways to an approval.
    routes: HashMap<&'static str, Route>,
    now: Timestamp,
}

impl Desk {
    async fn find(&mut self, ledger_name: &str, key: &str) -> Result<Option<StoredRow>> {
        let ledger = of(ledger_name)?;
        let found = self.tx.row_fetch(ledger, key).await?;
        if let Some(stored) = &found {
            self.read.insert((ledger.name, stored.key.clone()), stored.rev);
        }
        Ok(found)
    }

    async fn fetch(&mut self, ledger_name: &str, key: &str) -> Result<StoredRow> {
        let found = self.find(ledger_name, key).await?;
        found.ok_or_else(|| Error::NotFound { what: key.to_owned() })
    }

    /// The row, if it is still as whoever acts saw it.
    async fn fetch_at(&mut self, ledger_name: &str, key: &str, rev: i64) -> Result<StoredRow> {
        let stored = self.fetch(ledger_name, &key_of(key)).await?;
        if stored.rev != rev {
            return Err(overtaken(&stored.key));
        }
        Ok(stored)
    }

    async fn matching(&mut self, ledger_name: &str, column: &str, value: &str) -> Result<Vec<StoredRow>> {
        let ledger = of(ledger_name)?;
        let found = self.tx.row_match(ledger, column, value).await?;
        self.read.extend(found.iter().map(|stored| ((ledger.name, stored.key.clone()), stored.rev)));
        Ok(found)
    }

    /// A row that says the same as a new one under another number: the form was sent twice. `column` narrows the search.
    async fn same(&self, change: &Change, column: &str) -> Result<Option<StoredRow>> {
        let Some((name, row)) = change.rows.first() else { return Ok(None) };
        let ledger = of(name)?;
        let Some(value) = row.get(column) else { return Ok(None) };
        let found = self.tx.row_match(ledger, column, &value.to_string()).await?;
        let told = |row: &Row| {
            let mut row = row.clone();
            row.retain(|name, _| !ledger.key.contains(name));
            row
        };
        Ok(found.into_iter().find(|stored| told(&stored.row) == told(row)))
    }

    async fn next_no(&self, ledger_name: &str) -> Result<String> {
        let prefix = PREFIXES.iter().find(|(name, _)| *name == ledger_name).map_or("N", |(_, prefix)| prefix);
        Ok(self.tx.next_no(of(ledger_name)?, prefix).await?)
    }

    /// Writes a change, commits, and returns the row acted on. Rows that were read are updated at the revision they
    /// were read at; the others are new.
    async fn carry_out(mut self, change: Change) -> Result<StoredRow> {
        let mut first = None;
        for (name, row) in change.rows {
            let ledger = of(name)?;
            let key =
                ledger.row_key(&row).ok_or_else(|| Error::Internal { message: format!("{name}の行の番号") })?;
            fits(ledger, &row)?;
            let written = match self.read.get(&(ledger.name, key.clone())) {
                Some(rev) => self.tx.row_update(ledger, &key, *rev, &row).await,
                None => self.tx.row_insert(ledger, &key, row).await,
            };
            written.map_err(|error| match error {
                store::Error::Conflict { what } => overtaken(&what),
                other => Error::Store(other),
            })?;
            first.get_or_insert((ledger, key));
        }
        let Some((ledger, key)) = first else { return Err(Error::Internal { message: change.event.action }) };
        let done = self.tx.row_fetch(ledger, &key).await?.ok_or_else(|| Error::NotFound { what: key })?;
        self.tx.record(change.event);
        if done.row.get("state").is_some_and(|state| state.to_string() == "applied") {
            let route = self.routes.get(ledger.name).copied().unwrap_or_default();
            for role in rounds::first(route) {
                notices::tell(&mut self.tx, To::Role(role), Notice::Asked { at: self.now }, self.now).await?;
            }
        }
        self.tx.commit().await?;
        Ok(done)
    }
}

fn overtaken(key: &str) -> Error {
    let message = format!(
        "保存できませんでした。「{key}」は、ほかの人が先に変更しています。今の内容を確かめてから、もう一度行ってください。"
    );
    Error::Conflict { message }
}

fn fits(ledger: &Ledger, row: &Row) -> Result<()> {
    let too_long = |column: &domain::ledger::Column| matches!(row.get(column.name), Some(Value::Text(text)) if text.chars().count() > TEXT_MAX);
    let faults: Vec<FieldError> = ledger
        .columns
        .iter()
        .filter(|column| too_long(column))
        .map(|column| FieldError {
            field: column.name.to_owned(),
            message: format!("「{}」が長すぎます（FLOW-007）。{TEXT_MAX}字以内にしてください。", column.label.ja),
        })
        .collect();
    if faults.is_empty() { Ok(()) } else { Err(Error::Fields(faults)) }
}
