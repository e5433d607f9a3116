//! 台帳: rows as pages show and change them, one at a time or as a stock-take.
//!
//! Every change is compared with what is stored inside the transaction that makes it, says in the journal what was there
//! before, and refuses what somebody else changed meanwhile.

mod bulk;
pub(crate) mod references;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use domain::evaluate::Facility;
use domain::journal::{Actor, Entry, Event};
use domain::ledger::{Column, Ledger, Row};
use domain::text::{Lang, fold, tidy};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use store::{RowLink, RowPage, RowQuery, StoredRow, WriteTx};

use crate::App;
use crate::error::{Error, FieldError, Result};
use references::{Expected, References};

/// One changed cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Japanese heading.
    pub column: &'static str,
    /// Before; empty when it was not stated.
    pub before: String,
    /// After.
    pub after: String,
}

/// What differs between two rows of a ledger, as people read it.
pub(crate) fn differences(of: &'static Ledger, before: &Row, after: &Row) -> Vec<Difference> {
    of.columns
        .iter()
        .filter(|c| before.get(c.name) != after.get(c.name))
        .map(|c| {
            let show = |row: &Row| row.get(c.name).map_or_else(String::new, |v| c.show(v, Lang::Ja));
            Difference { column: c.label.ja, before: show(before), after: show(after) }
        })
        .collect()
}

/// Ledgers whose rows are never taken out: a device is disposed of, a facility is what everything belongs to.
const KEPT: &[&str] = &["devices", "facilities"];

/// The column that says when somebody last looked at the thing itself. A document's 最終見直し日 is none: to review it
/// is more than to see that it is there.
fn seen_column(of: &'static Ledger) -> Option<&'static Column> {
    let columns: &[&str] = if of.name == "accounts" { &["reviewed_on"] } else { &["checked_on", "observed_on"] };
    columns.iter().find_map(|name| of.column(name))
}

impl App {
    /// One page of the rows that a query asks for.
    ///
    /// # Errors
    /// Any store error.
    pub async fn rows(&self, facility: &Facility, query: &RowQuery<'_>) -> Result<RowPage> {
        Ok(self.store.row_page(&facility.id, query).await?)
    }

    /// Every row of a ledger, ordered by key.
    ///
    /// # Errors
    /// Any store error.
    pub async fn rows_all(&self, facility: &Facility, of: &'static Ledger) -> Result<Vec<StoredRow>> {
        Ok(self.store.row_list(of, Some(&facility.id)).await?)
    }

    /// One row by its key.
    ///
    /// # Errors
    /// [`Error::NotFound`] when the facility has no such row.
    pub async fn row(&self, facility: &Facility, of: &'static Ledger, key: &str) -> Result<StoredRow> {
        let mut found = self.store.row_find(of, &facility.id, &[key.to_owned()]).await?;
        found.remove(key).ok_or_else(|| missing(of, key))
    }

    /// The rows of other ledgers that point to a row.
    ///
    /// # Errors
    /// Any store error.
    pub async fn row_references(&self, facility: &Facility, of: &'static Ledger, key: &str) -> Result<Vec<RowLink>> {
        Ok(self.store.row_references(of, &facility.id, key).await?)
    }

    /// What the journal tells of a row, newest first.
    ///
    /// # Errors
    /// Any store error.
    pub async fn row_history(&self, facility: &Facility, of: &'static Ledger, key: &str) -> Result<Vec<Entry>> {
        Ok(self.store.journal_of_row(of, &facility.id, key).await?)
    }

    /// What people call the rows with these keys, by key; rows that are not there, or have no name, are left out.
    ///
    /// # Errors
    /// Any store error.
    pub async fn titles(
        &self,
        facility: &Facility,
        of: &'static Ledger,
        keys: &[String],
    ) -> Result<HashMap<String, String>> {
        let rows = self.store.row_find(of, &facility.id, keys).await?;
        let title = |row: StoredRow| row.row.get("name").or_else(|| row.row.get("title")).map(ToString::to_string);
        Ok(rows.into_iter().filter_map(|(key, row)| Some((key, title(row)?))).collect())
    }

    /// `(key, name)` of the first rows in which all words of `text` occur, for somebody who is picking one.
    ///
    /// # Errors
    /// Any store error.
    pub async fn suggest(
        &self,
        facility: &Facility,
        of: &'static Ledger,
        text: &str,
        limit: u32,
    ) -> Result<Vec<(String, Option<String>)>> {
        Ok(self.store.row_suggest(of, &facility.id, text, limit).await?)
    }

    /// Adds a row, or changes the `existing` one (its key and the revision that was shown), from the texts of a form by
    /// column name. Columns that the form lacks stay as they are; an empty text is *not stated*. A row that stays as it
    /// was is confirmed: it is as young as today.
    ///
    /// # Errors
    /// [`Error::Fields`] when a text cannot be read, something required is missing, a reference names nothing, or the key
    /// is taken or referred to; [`Error::Conflict`] when somebody changed the row meanwhile; [`Error::NotFound`].
    pub async fn save_row(
        &self,
        actor: &Actor,
        facility: &Facility,
        of: &'static Ledger,
        existing: Option<(&str, i64)>,
        fields: &BTreeMap<String, String>,
    ) -> Result<StoredRow> {
        let mut tx = self.store.begin(actor, &facility.id, self.now()).await?;
        let before = match existing {
            Some((key, rev)) => Some(self.current(&mut tx, facility, of, key, rev).await?),
            None => None,
        };
        let mut row = before.as_ref().map(|b| b.row.clone()).unwrap_or_default();
        let mut faults = entered(of, fields, &mut row);
        let references = References::of(of, &mut tx, &Expected::new()).await?;
        let unknown = references.resolve(&mut row).into_iter().chain(self.unknown_requirement(of, &row));
        faults.extend(unknown.map(|(column, message)| fault(column.name, message)));
        let key = of.row_key(&row).unwrap_or_default();
        let renamed = before.as_ref().is_none_or(|b| b.key != key);
        if faults.is_empty() && renamed {
            faults.extend(self.key_fault(&mut tx, of, before.as_ref(), &key, &row).await?);
        }
        if !faults.is_empty() {
            return Err(Error::Fields(faults));
        }
        let event = |act: &str| Event::new(&format!("{}.{act}", of.name), key.clone());
        let event = match &before {
            None => {
                tx.row_upsert(of, &[(key.clone(), row.clone())], None).await?;
                stated(event("add"), of, &row)
            }
            Some(before) if before.row == row => {
                tx.row_confirm(of, std::slice::from_ref(&key), None).await?;
                event("confirm")
            }
            Some(before) => {
                tx.row_update(of, &before.key, before.rev, &row).await?;
                let shown = |text: String| if text.is_empty() { "空欄".to_owned() } else { text };
                differences(of, &before.row, &row).into_iter().fold(event("edit"), |event, d| {
                    event.with(d.column, format!("{} → {}", shown(d.before), shown(d.after)))
                })
            }
        };
        tx.record(event);
        let saved = tx.row_find(of, std::slice::from_ref(&key)).await?.remove(&key);
        tx.commit().await?;
        self.after_row_change(facility, of).await?;
        saved.ok_or_else(|| missing(of, &key))
    }

    /// Takes a row out. What it said stays in the journal.
    ///
    /// # Errors
    /// Without a reason (LED-001), in a ledger whose rows are kept (LED-002), while rows of other ledgers point to it
    /// (LED-003); [`Error::Conflict`] when somebody changed it meanwhile; [`Error::NotFound`].
    pub async fn remove_row(
        &self,
        actor: &Actor,
        facility: &Facility,
        of: &'static Ledger,
        key: &str,
        rev: i64,
        reason: &str,
    ) -> Result<()> {
        let reason = tidy(reason);
        if reason.is_empty() {
            return Err(Error::invalid(
                "LED-001",
                "削除しませんでした。理由がありません。後から分かるように、削除の理由を書いてください。",
            ));
        }
        if KEPT.contains(&of.name) {
            let message = format!(
                "削除しませんでした。{}の行は、後から確かめられるように残します。使わなくなったことを台帳に書いてください（機器は廃棄として登録します）。",
                of.label.ja
            );
            return Err(Error::invalid("LED-002", message));
        }
        let mut tx = self.store.begin(actor, &facility.id, self.now()).await?;
        let before = self.current(&mut tx, facility, of, key, rev).await?;
        let pointing = tx.row_references(of, key).await?;
        if !pointing.is_empty() {
            let message = format!(
                "削除しませんでした。{}が「{key}」を参照しています。先にその行を直してください。",
                named(&pointing)
            );
            return Err(Error::invalid("LED-003", message));
        }
        tx.row_remove(of, key, rev).await?;
        let event = Event::new(&format!("{}.remove", of.name), key).with("reason", reason);
        tx.record(stated(event, of, &before.row));
        tx.commit().await?;
        self.after_row_change(facility, of).await
    }

    /// Confirms rows as somebody found them today (棚卸し): their day of observation is today where the ledger has one,
    /// and their statement is as young as today. Returns how many there were.
    ///
    /// # Errors
    /// [`Error::NotFound`] when one of the keys names no row; nothing is changed then.
    pub async fn confirm_rows(
        &self,
        actor: &Actor,
        facility: &Facility,
        of: &'static Ledger,
        keys: &[String],
    ) -> Result<u64> {
        let keys: Vec<String> = keys.iter().cloned().collect::<BTreeSet<_>>().into_iter().collect();
        if keys.is_empty() {
            return Ok(0);
        }
        let mut tx = self.store.begin(actor, &facility.id, self.now()).await?;
        let found = tx.row_find(of, &keys).await?;
        if let Some(strange) = keys.iter().find(|key| !found.contains_key(*key)) {
            return Err(missing(of, strange));
        }
        let seen = seen_column(of);
        let count = tx.row_confirm(of, &keys, seen).await?;
        let action = format!("{}.confirm", of.name);
        let event = match keys.as_slice() {
            [key] => Event::new(&action, key.clone()),
            _ => Event::new(&action, of.name).with("keys", keys.join("\n")),
        };
        tx.record(match seen {
            Some(column) => event.with(column.label.ja, self.today()),
            None => event,
        });
        tx.commit().await?;
        Ok(count)
    }

    /// A row as it is in the transaction, if it is still at the revision that was shown.
    async fn current(
        &self,
        tx: &mut WriteTx,
        facility: &Facility,
        of: &'static Ledger,
        key: &str,
        rev: i64,
    ) -> Result<StoredRow> {
        let found = tx.row_find(of, &[key.to_owned()]).await?.remove(key).ok_or_else(|| missing(of, key))?;
        if found.rev == rev {
            return Ok(found);
        }
        let last = self.row_history(facility, of, key).await?.into_iter().next();
        let who = last.map_or_else(
            || "ほかの人が先に".to_owned(),
            |entry| format!("{}に{}さんが先に", instant(entry.at), entry.actor),
        );
        let message = format!(
            "保存できませんでした。{who}「{key}」を変更しています。今の内容を確かめてから、もう一度保存してください。"
        );
        Err(Error::Conflict { message })
    }

    /// Why a row cannot have this key: another one has it, or others know the row by the old one.
    async fn key_fault(
        &self,
        tx: &mut WriteTx,
        of: &'static Ledger,
        before: Option<&StoredRow>,
        key: &str,
        row: &Row,
    ) -> Result<Option<FieldError>> {
        let field = of.key.last().copied().unwrap_or_default();
        let label = of.column(field).map_or(field, |c| c.label.ja);
        if of.name == "facilities" {
            let no = row.get("no").map(|v| fold(&v.to_string()));
            let others = self.store.facility_list().await?;
            let taken = others.iter().any(|f| before.is_none_or(|b| f.id != b.id) && Some(fold(&f.no)) == no);
            if taken || before.is_none() {
                let message = format!("{label}「{key}」の施設は、ここでは登録できません。別の{label}にしてください。");
                return Ok(Some(fault(field, message)));
            }
        }
        if !tx.row_find(of, &[key.to_owned()]).await?.is_empty() {
            let message =
                format!("「{key}」はすでに{}にあります。別の{label}にするか、その行を直してください。", of.label.ja);
            return Ok(Some(fault(field, message)));
        }
        let Some(before) = before else { return Ok(None) };
        let pointing = tx.row_references(of, &before.key).await?;
        Ok((!pointing.is_empty()).then(|| {
            let message = format!(
                "{label}は変えられません。{}が「{}」を参照しています。元の{label}に戻してください。",
                named(&pointing),
                before.key
            );
            fault(field, message)
        }))
    }

    async fn after_row_change(&self, facility: &Facility, of: &Ledger) -> Result<()> {
        if of.name == "devices" { self.match_machines(facility).await } else { Ok(()) }
    }
}

fn missing(of: &Ledger, key: &str) -> Error {
    Error::NotFound { what: format!("{} {key}", of.label.ja) }
}

fn fault(field: &str, message: String) -> FieldError {
    FieldError { field: field.to_owned(), message }
}

/// Puts the texts of a form into a row; what cannot be understood or is missing.
fn entered(of: &'static Ledger, fields: &BTreeMap<String, String>, row: &mut Row) -> Vec<FieldError> {
    let mut faults = Vec::new();
    for (name, text) in fields {
        let Some(column) = of.column(name) else {
            faults.push(fault(name, format!("「{name}」は{}にない項目です。画面を開き直してください。", of.label.ja)));
            continue;
        };
        match column.parse(text) {
            Ok(Some(value)) => {
                row.insert(column.name, value);
            }
            Ok(None) => {
                row.remove(column.name);
            }
            Err(error) => faults.push(fault(name, error.to_string())),
        }
    }
    for column in of.columns.iter().filter(|c| c.required && !row.contains_key(c.name)) {
        if !faults.iter().any(|f| f.field == column.name) {
            faults.push(fault(column.name, format!("{}がありません。必ず書いてください。", column.label.ja)));
        }
    }
    faults
}

/// The event with every value of a row.
fn stated(event: Event, of: &'static Ledger, row: &Row) -> Event {
    differences(of, &Row::new(), row).into_iter().fold(event, |event, d| event.with(d.column, d.after))
}

/// The first few of some rows, for a message.
fn named(links: &[RowLink]) -> String {
    const NAMED: usize = 3;
    let first: Vec<String> =
        links.iter().take(NAMED).map(|l| format!("{}の「{}」", l.ledger.label.ja, l.key)).collect();
    let rest = links.len().saturating_sub(NAMED);
    let more = if rest > 0 { format!("ほか{rest}行") } else { String::new() };
    format!("{}{more}", first.join("、"))
}

/// A moment as people in Japan say it.
fn instant(at: i64) -> String {
    let zone = TimeZone::get("Asia/Tokyo").unwrap_or(TimeZone::UTC);
    let moment = Timestamp::from_microsecond(at).unwrap_or_default().to_zoned(zone);
    moment.strftime("%-m月%-d日 %H:%M").to_string()
}
