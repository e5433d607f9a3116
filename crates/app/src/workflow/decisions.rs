//! What people asked for and where it stands, and what was approved lately.

use std::cmp::Reverse;

use domain::evaluate::Facility;
use domain::ledger::{Row, Value};
use domain::workflow::approval::{APPROVABLE, principal_of, same_person};
use jiff::civil::Date;
use store::SeenRow;

use super::approvals::title_of;
use super::of;
use crate::App;
use crate::error::Result;

/// Something that somebody asked for and that is not decided for good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Name of the ledger.
    pub ledger: &'static str,
    /// Key of the row.
    pub key: String,
    /// What it is, in one line.
    pub title: String,
    /// When it was asked for.
    pub asked_on: Option<Date>,
    /// Why it was sent back; `None` while it waits.
    pub sent_back: Option<String>,
    /// Names of those who have it now; none when it was sent back.
    pub with: Vec<String>,
}

/// Something that was approved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approved {
    /// Name of the ledger.
    pub ledger: &'static str,
    /// Key of the row.
    pub key: String,
    /// What it is, in one line.
    pub title: String,
    /// Who approved it.
    pub by: String,
    /// When.
    pub on: Date,
    /// Whether who asked for it approved it (単独承認).
    pub sole: bool,
    /// In whose place it was approved (代理).
    pub in_place_of: Option<String>,
    /// Who saw it afterwards (後閲).
    pub seen_by: Vec<String>,
}

impl App {
    /// What a person asked for and what waits or was sent back, that which came back first.
    ///
    /// # Errors
    /// Any store error.
    pub async fn asked_by(&self, facility: &Facility, person: &str) -> Result<Vec<Asked>> {
        let known = self.known(facility).await?;
        let mut asked = Vec::new();
        for approvable in APPROVABLE {
            let ledger = of(approvable.ledger)?;
            for state in ["sent_back", "applied"] {
                for stored in self.store.row_match(ledger, &facility.id, "state", state).await? {
                    let cell = |name: &str| stored.row.get(name).map(ToString::to_string).unwrap_or_default();
                    if !same_person(&cell(approvable.asked_by), person) {
                        continue;
                    }
                    asked.push(Asked {
                        ledger: ledger.name,
                        title: title_of(ledger, &stored.row, &known),
                        asked_on: approvable.asked_on.and_then(|name| day(&stored.row, name)),
                        sent_back: (state == "sent_back").then(|| cell("decision_reason")),
                        with: Vec::new(),
                        key: stored.key,
                    });
                }
            }
        }
        if asked.iter().any(|asked| asked.sent_back.is_none()) {
            let pending = self.approvals_pending(facility).await?;
            for asked in asked.iter_mut().filter(|asked| asked.sent_back.is_none()) {
                let this = pending.iter().find(|p| p.ledger == asked.ledger && p.key == asked.key);
                asked.with = this.map(|p| p.passage.with.clone()).unwrap_or_default();
            }
        }
        asked.sort_by_key(|a| (a.sent_back.is_none(), a.asked_on));
        Ok(asked)
    }

    /// The `most` last approvals, newest first.
    ///
    /// # Errors
    /// Any store error.
    pub async fn approvals_given(&self, facility: &Facility, most: usize) -> Result<Vec<Approved>> {
        let (known, seen) = (self.known(facility).await?, self.store.approval_seen(&facility.id).await?);
        let mut given = Vec::new();
        for approvable in APPROVABLE {
            let ledger = of(approvable.ledger)?;
            for stored in self.rows_all(facility, ledger).await? {
                let (Some(by), Some(on)) = (stored.row.get("approved_by"), day(&stored.row, "approved_on")) else {
                    continue;
                };
                let this =
                    |s: &&SeenRow| s.ledger == ledger.name && s.key == stored.key && s.approved_on == on.to_string();
                given.push(Approved {
                    in_place_of: principal_of(&by.to_string()),
                    seen_by: seen.iter().filter(this).map(|s| s.seen_by.clone()).collect(),
                    ledger: ledger.name,
                    title: title_of(ledger, &stored.row, &known),
                    by: by.to_string(),
                    on,
                    sole: stored.row.get("sole") == Some(&Value::YesNo(true)),
                    key: stored.key,
                });
            }
        }
        given.sort_by_key(|a| (Reverse(a.on), a.ledger, a.key.clone()));
        given.truncate(most);
        Ok(given)
    }
}

fn day(row: &Row, name: &str) -> Option<Date> {
    match row.get(name) {
        Some(Value::Date(day)) => Some(*day),
        _ => None,
    }
}
