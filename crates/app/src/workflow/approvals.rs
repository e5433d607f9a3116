//! 承認: what waits for it, and the one door through which it is given or sent back.
//!
//! Whoever approves says what they were shown, by its hash; what changed since is not approved. That the actor may
//! approve is asked of whoever calls, by the permission of the page; that the applicant approves is allowed, marked
//! on the row and in the journal, and shown.

use std::collections::HashMap;

use domain::authz::Role;
use domain::evaluate::Facility;
use domain::journal::Actor;
use domain::ledger::{Ledger, Row, Value};
use domain::text::Lang;
use domain::workflow::approval::{self, APPROVABLE, Approvable};
use domain::workflow::route::Route;
use domain::workflow::{byod, loan, overrides};
use jiff::civil::Date;
use store::StoredRow;

use super::rounds::{Passage, Passages};
use super::{Desk, Known, of};
use crate::App;
use crate::error::{Error, Result};

/// One thing that waits for approval, as the approver is to see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pending {
    /// Name of the ledger.
    pub ledger: &'static str,
    /// Key of the row.
    pub key: String,
    /// Its revision.
    pub rev: i64,
    /// What it is, in one line.
    pub title: String,
    /// Who asks, where that is stated.
    pub asked_by: Option<String>,
    /// Since when.
    pub asked_on: Option<Date>,
    /// Headings and values; the approval is given over exactly these.
    pub summary: Vec<(String, String)>,
    /// Hex SHA-256 of facility, ledger, key, revision and summary.
    pub shown_sha256: String,
    /// How far it is on its way to the approval, and who has it now.
    pub passage: Passage,
}

/// How an approval was given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Given {
    /// What the approver's passkey signed over what was shown, if anything; it is kept in the journal.
    pub signature: Option<String>,
    /// In whose place (代理), if not in one's own.
    pub in_place_of: Option<String>,
    /// Role of whoever approves.
    pub role: Role,
}

impl App {
    /// Everything that waits for approval, by ledger and key.
    ///
    /// # Errors
    /// Any store error.
    pub async fn approvals_pending(&self, facility: &Facility) -> Result<Vec<Pending>> {
        let (known, passages) = (self.known(facility).await?, self.passages(facility).await?);
        let mut pending = Vec::new();
        for approvable in APPROVABLE {
            let ledger = of(approvable.ledger)?;
            let rows = if ledger.column("state").is_some() {
                self.store.row_match(ledger, &facility.id, "state", "applied").await?
            } else {
                self.store.row_list(ledger, Some(&facility.id)).await?
            };
            let waiting: Vec<StoredRow> = rows.into_iter().filter(|r| approvable.is_waiting(&r.row)).collect();
            let devices = if approvable.ledger == "loans" {
                let keys: Vec<String> =
                    waiting.iter().filter_map(|r| r.row.get("device")).map(ToString::to_string).collect();
                self.store.row_find(of("devices")?, &facility.id, &keys).await?
            } else {
                HashMap::new()
            };
            for stored in waiting {
                let device = stored.row.get("device").and_then(|key| devices.get(&key.to_string()));
                pending.push(self.pending(facility, approvable, &stored, device.map(|d| &d.row), &known, &passages)?);
            }
        }
        Ok(pending)
    }

    /// Approves a row that waits. The returned row says 単独承認 where it has that column.
    ///
    /// # Errors
    /// [`Error::Conflict`] when the row is not at `rev` any more or no longer reads as it was shown;
    /// [`Error::Refused`] when the rules forbid it; [`Error::Invalid`] for a ledger without approvals.
    #[expect(clippy::too_many_arguments, reason = "what was shown, and how it was approved")]
    pub async fn approve(
        &self,
        actor: &Actor,
        facility: &Facility,
        ledger: &str,
        key: &str,
        rev: i64,
        shown_sha256: &str,
        how: Given,
    ) -> Result<StoredRow> {
        let approvable = approvable(ledger)?;
        let mut desk = self.desk(actor, facility).await?;
        let (shown, stored, around) = self.at_hand(&mut desk, facility, approvable, (key, rev), shown_sha256).await?;
        let passage = &shown.passage;
        // Where the approval is all there is, whoever calls has asked whether the actor may give it.
        if passage.route != Route::One {
            let in_place = passage.is_with(how.in_place_of.as_deref());
            passage.route.approve(&passage.names(), how.role, in_place, &actor.name)?;
        }
        let by = match &how.in_place_of {
            Some(principal) => approval::in_place_of(&actor.name, principal),
            None => actor.name.clone(),
        };
        let (by, today) = (by.as_str(), self.today());
        let mut change = match (approvable.ledger, &around) {
            ("loans", Some((device, others))) => loan::approve(&stored.row, &device.row, others, by, today)?,
            ("byod", _) => byod::approve(&stored.row, by, today)?,
            ("overrides", _) => overrides::approve(&stored.row, by, today)?,
            _ => approval::approve_document(&stored.row, by, today)?,
        };
        change.event = change.event.with("shown_sha256", shown_sha256);
        if let Some(principal) = how.in_place_of {
            change.event = change.event.with("for", principal);
        }
        if let Some(signature) = how.signature {
            change.event = change.event.with("signature", signature);
        }
        desk.carry_out(change).await
    }

    /// A row that waits, read for change, as it is shown now; the row itself, and for a loan its device and the device's
    /// other loans.
    ///
    /// # Errors
    /// [`Error::Conflict`] when it is not at the revision any more, or does not read as it was shown.
    pub(super) async fn at_hand(
        &self,
        desk: &mut Desk,
        facility: &Facility,
        approvable: &Approvable,
        (key, rev): (&str, i64),
        shown_sha256: &str,
    ) -> Result<(Pending, StoredRow, Option<(StoredRow, Vec<Row>)>)> {
        let (known, passages) = (self.known(facility).await?, self.passages(facility).await?);
        let stored = desk.fetch_at(approvable.ledger, key, rev).await?;
        let around = match approvable.ledger {
            "loans" => Some(desk.around(&stored, &known).await?),
            _ => None,
        };
        let device = around.as_ref().map(|(device, _)| &device.row);
        let shown = self.pending(facility, approvable, &stored, device, &known, &passages)?;
        if shown.shown_sha256 != shown_sha256 {
            let message = format!(
                "承認できませんでした。「{}」は、表示された後に内容が変わっています。もう一度表示し、確かめてから承認してください。",
                shown.title
            );
            return Err(Error::Conflict { message });
        }
        Ok((shown, stored, around))
    }

    /// Sends a row that waits back to who asked, with a reason.
    ///
    /// # Errors
    /// [`Error::Conflict`] when the row is not at `rev` any more; [`Error::Refused`] without a reason or when it does
    /// not wait; [`Error::Invalid`] for a ledger without approvals.
    pub async fn send_back(
        &self,
        actor: &Actor,
        facility: &Facility,
        ledger: &str,
        key: &str,
        rev: i64,
        reason: &str,
    ) -> Result<StoredRow> {
        let approvable = approvable(ledger)?;
        let mut desk = self.desk(actor, facility).await?;
        let stored = desk.fetch_at(approvable.ledger, key, rev).await?;
        let change = match approvable.ledger {
            "loans" => loan::send_back(&stored.row, reason)?,
            "byod" => byod::send_back(&stored.row, reason)?,
            "overrides" => overrides::send_back(&stored.row, reason)?,
            _ => approval::send_back_document(&stored.row, reason, &actor.name, self.today())?,
        };
        desk.carry_out(change).await
    }

    fn pending(
        &self,
        facility: &Facility,
        approvable: &Approvable,
        stored: &StoredRow,
        device: Option<&Row>,
        known: &Known,
        passages: &Passages,
    ) -> Result<Pending> {
        let ledger = of(approvable.ledger)?;
        let row = &stored.row;
        let mut summary = approval::summary(ledger, row, |of, key| known.called(of, key));
        if approvable.ledger == "loans" {
            let encrypted = of("devices")?.column("encrypted").zip(device.and_then(|d| d.get("encrypted")));
            let shown = encrypted.map_or_else(|| "記載なし".to_owned(), |(c, value)| c.show(value, Lang::Ja));
            summary.push(("機器の暗号化".to_owned(), shown));
        }
        let cell = |name: &str| row.get(name).map(ToString::to_string).unwrap_or_default();
        let asked_of = self.catalogs().requirement(&cell("requirement"));
        summary.extend(asked_of.map(|(_, asked)| ("求められていること".to_owned(), asked.summary.ja.clone())));
        let title = title_of(ledger, row, known);
        let shown_sha256 = approval::shown_sha256(&facility.id, ledger.name, &stored.key, stored.rev, &summary);
        Ok(Pending {
            ledger: approvable.ledger,
            passage: passages.of(ledger.name, &stored.key, &shown_sha256),
            shown_sha256,
            key: stored.key.clone(),
            rev: stored.rev,
            title,
            asked_by: row.get(approvable.asked_by).map(ToString::to_string),
            asked_on: match approvable.asked_on.and_then(|name| row.get(name)) {
                Some(Value::Date(day)) => Some(*day),
                _ => None,
            },
            summary,
        })
    }
}

/// What a row that needs approval is about, in one line.
pub(super) fn title_of(ledger: &'static Ledger, row: &Row, known: &Known) -> String {
    let cell = |name: &str| row.get(name).map(ToString::to_string).unwrap_or_default();
    match ledger.name {
        "loans" => {
            let (device, who) = (cell("device"), cell("borrower"));
            format!("{}の持出し（{}）", known.called("devices", &device), known.called("people", &who))
        }
        "byod" => format!("個人端末「{}」の利用（{}）", cell("device"), known.called("people", &cell("person"))),
        "overrides" => {
            let answer = ledger.column("answer").zip(row.get("answer")).map(|(c, v)| c.show(v, Lang::Ja));
            format!("{}の回答を「{}」に上書き", cell("requirement"), answer.unwrap_or_default())
        }
        _ => format!("文書「{}」", cell("title")),
    }
}

pub(super) fn approvable(ledger: &str) -> Result<&'static Approvable> {
    Approvable::of(ledger).ok_or_else(|| {
        Error::invalid("FLOW-004", format!("「{ledger}」には承認がありません。承認待ちの一覧から選び直してください。"))
    })
}
