//! 承認の段階 and 回覧: who checks before somebody approves, who has it now, and what is passed round to be seen.
//!
//! A check is made over exactly what was shown, as an approval is; when the row changes, it has to be checked anew. What is
//! passed round goes to everybody at once, and each says for themselves that they have seen it.

use std::collections::HashMap;

use domain::authz::{Permission, Role};
use domain::evaluate::Facility;
use domain::journal::Event;
use domain::ledger::TEXT_MAX;
use domain::text::{Label, tidy};
use domain::workflow::approval::{APPROVABLE, Approvable, same_person};
use domain::workflow::route::Route;
use jiff::Timestamp;
use jiff::civil::Date;
use store::{CheckRow, CircularRow, ReaderRow};
use uuid::Uuid;

use super::approvals::{Pending, approvable};
use super::{Desk, key_of, of};
use crate::App;
use crate::error::{Error, FieldError, Result};
use crate::identity::{Acting, Signed, User};
use crate::mail::notices::{self, Notice, To};

/// How far something is on its way to an approval.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passage {
    /// The way it takes.
    pub route: Route,
    /// Who has checked it, and when.
    pub checked: Vec<(String, Timestamp)>,
    /// Names of those who have it now.
    pub with: Vec<String>,
}

/// What is known of a facility's ways to an approval.
pub(super) struct Passages {
    routes: HashMap<&'static str, Route>,
    checks: Vec<CheckRow>,
    users: Vec<User>,
}

/// Something that is passed round, as an account sees it.
#[derive(Clone, Debug)]
pub struct Circular {
    /// Id.
    pub id: String,
    /// Name of the ledger.
    pub ledger: &'static str,
    /// Key of the row.
    pub key: String,
    /// What it is, in one line.
    pub title: String,
    /// Headings and values of the row as it stands; none where it is gone.
    pub summary: Vec<(String, String)>,
    /// SHA-256 of what is shown.
    pub shown_sha256: String,
    /// What is said with it.
    pub note: String,
    /// Until when.
    pub due_on: Option<Date>,
    /// Who passes it round.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// Everybody it is passed to, and when they saw it.
    pub readers: Vec<(String, Option<Timestamp>)>,
    /// Whether it waits for the account that looks at it.
    pub unread: bool,
    /// Whether that account passes it round.
    pub own: bool,
}

/// What is typed to pass something round.
#[derive(Clone, Debug, Default)]
pub struct NewCircular {
    /// Name of the ledger.
    pub ledger: String,
    /// Key of the row.
    pub key: String,
    /// Ids of the accounts it goes to.
    pub readers: Vec<String>,
    /// What is said with it.
    pub note: String,
    /// Until when; may be empty.
    pub due_on: String,
}

impl Passage {
    /// Whose check is next; `None` when the approval is.
    pub fn next(&self) -> Option<Role> {
        self.route.next(self.checked.len())
    }

    /// Whether the account is to check now.
    pub fn waits_for(&self, user: &User) -> bool {
        self.route.check(&self.names(), user.role, &user.name).is_ok()
    }

    /// Whether the account may approve now.
    pub fn is_ready_for(&self, signed: &Signed) -> bool {
        let in_place = self.is_with(signed.stands_for.as_deref());
        self.route.approve(&self.names(), signed.user.role, in_place, &signed.user.name).is_ok()
    }

    /// Whether somebody is among those who have it now: a deputy does what their principal could, and no more.
    pub(super) fn is_with(&self, name: Option<&str>) -> bool {
        name.is_some_and(|name| self.with.iter().any(|with| same_person(with, name)))
    }

    pub(super) fn names(&self) -> Vec<&str> {
        self.checked.iter().map(|(name, _)| name.as_str()).collect()
    }
}

impl Circular {
    /// Names of those who have it now.
    pub fn with(&self) -> impl Iterator<Item = &str> {
        self.readers.iter().filter(|(_, seen)| seen.is_none()).map(|(name, _)| name.as_str())
    }
}

impl Passages {
    pub(super) fn route(&self, ledger: &str) -> Route {
        self.routes.get(ledger).copied().unwrap_or_default()
    }

    /// How far what was shown is.
    pub(super) fn of(&self, ledger: &str, key: &str, shown_sha256: &str) -> Passage {
        let of_this =
            |check: &&CheckRow| check.ledger == ledger && check.key == key && check.shown_sha256 == shown_sha256;
        let route = self.route(ledger);
        let checked: Vec<(String, Timestamp)> = self
            .checks
            .iter()
            .filter(of_this)
            .take(route.checks().len())
            .map(|check| (check.made_by.clone(), Timestamp::from_microsecond(check.made_at).unwrap_or_default()))
            .collect();
        let has_it = |user: &&User| match route.next(checked.len()) {
            Some(role) => user.role == role,
            None => route.ends_with(user.role),
        };
        let alone = |user: &&User| !checked.iter().any(|(name, _)| same_person(name, &user.name));
        let with = self.users.iter().filter(has_it).filter(alone).map(|user| user.name.clone()).collect();
        Passage { route, checked, with }
    }
}

/// The chosen way of each ledger; what a newer version chose is the default here.
pub(super) fn read_routes(rows: &[(String, String)]) -> HashMap<&'static str, Route> {
    rows.iter().filter_map(|(ledger, code)| Some((Approvable::of(ledger)?.ledger, Route::parse(code)?))).collect()
}

/// The roles whose turn is first.
pub(super) fn first(route: Route) -> Vec<Role> {
    match route.next(0) {
        Some(role) => vec![role],
        None => Role::ALL.into_iter().filter(|role| route.ends_with(*role)).collect(),
    }
}

fn is_used(user: &User) -> bool {
    user.disabled.is_none() && !user.sealed
}

fn gone() -> Error {
    Error::NotFound { what: "回覧".to_owned() }
}

impl App {
    pub(super) async fn passages(&self, facility: &Facility) -> Result<Passages> {
        let mut users = self.user_list(&facility.id).await?;
        users.retain(is_used);
        Ok(Passages {
            routes: read_routes(&self.store.approval_routes(&facility.id).await?),
            checks: self.store.approval_checks(&facility.id).await?,
            users,
        })
    }

    /// The way to an approval of each kind of application: ledger, its name, the way.
    ///
    /// # Errors
    /// Any store error.
    pub async fn approval_ways(&self, facility: &Facility) -> Result<Vec<(&'static str, Label, Route)>> {
        let routes = read_routes(&self.store.approval_routes(&facility.id).await?);
        let all = APPROVABLE.iter().map(|approvable| {
            let route = routes.get(approvable.ledger).copied().unwrap_or_default();
            Ok((approvable.ledger, of(approvable.ledger)?.label, route))
        });
        all.collect()
    }

    /// Chooses the ways to an approval: ledger and code of the way.
    ///
    /// # Errors
    /// [`Error::Forbidden`] for who may not change settings; [`Error::Fields`] for a way that nobody could go to its end.
    pub async fn approval_ways_set(
        &self,
        signed: &Signed,
        facility: &Facility,
        chosen: &[(String, String)],
    ) -> Result<()> {
        signed.need(Permission::ManageSettings)?;
        let users = self.user_list(&facility.id).await?;
        let mut faults = Vec::new();
        let mut set: Vec<(&'static str, Route)> = Vec::new();
        for (ledger, code) in chosen {
            let (Some(approvable), Some(route)) = (Approvable::of(ledger), Route::parse(code)) else {
                faults.push(FieldError::new(ledger, "段階を選んでください（APR-001）。"));
                continue;
            };
            let last = (route != Route::One).then_some(Role::Approver);
            let lacking = route.checks().iter().copied().chain(last);
            let lacking = lacking.filter(|role| !users.iter().any(|user| user.role == *role && is_used(user)));
            let lacking: Vec<&str> = lacking.map(|role| role.label().ja).collect();
            if !lacking.is_empty() {
                let message = format!(
                    "この段階にはできません（APR-001）。「{}」の役割の人がいません。利用者に追加するか、段階を減らしてください。",
                    lacking.join("」「")
                );
                faults.push(FieldError::new(ledger, message));
            }
            set.push((approvable.ledger, route));
        }
        if !faults.is_empty() {
            return Err(Error::Fields(faults));
        }
        let mut tx = self.store.begin(&signed.actor(), &facility.id, self.now()).await?;
        let mut event = Event::new("approval.route", "approvals");
        for (ledger, route) in set {
            tx.approval_route_set(ledger, route.code()).await?;
            event = event.with(ledger, route.code());
        }
        tx.record(event);
        Ok(tx.commit().await?)
    }

    /// Checks what was shown, as a step on the way to its approval.
    ///
    /// # Errors
    /// [`Error::Refused`] when it is not one's turn; [`Error::Conflict`] when the row reads otherwise by now.
    pub async fn approval_check(
        &self,
        signed: &Signed,
        facility: &Facility,
        (ledger, key, rev): (&str, &str, i64),
        shown_sha256: &str,
    ) -> Result<()> {
        signed.need(Permission::UseOwnAccount)?;
        let (approvable, user) = (approvable(ledger)?, &signed.user);
        let mut desk = self.desk(&signed.actor(), facility).await?;
        let pending = self.at_hand(&mut desk, facility, approvable, (key, rev), shown_sha256).await?.0;
        let passage = pending.passage;
        passage.route.check(&passage.names(), user.role, &user.name)?;
        let Desk { mut tx, .. } = desk;
        let step = i64::try_from(passage.checked.len()).unwrap_or_default() + 1;
        let row = CheckRow {
            ledger: approvable.ledger.to_owned(),
            key: pending.key.clone(),
            shown_sha256: shown_sha256.to_owned(),
            step,
            user: user.id.clone(),
            made_by: user.name.clone(),
            made_at: self.now().as_microsecond(),
        };
        if !tx.approval_check(&row).await? {
            return Err(super::overtaken(&pending.key));
        }
        let next = match passage.route.next(passage.checked.len() + 1) {
            Some(role) => role,
            None => Role::Approver,
        };
        notices::tell(&mut tx, To::Role(next), Notice::Asked { at: self.now() }, self.now()).await?;
        let event = Event::new("approval.check", &pending.key).with("ledger", approvable.ledger).with("step", step);
        tx.record(event.with("shown_sha256", shown_sha256));
        Ok(tx.commit().await?)
    }

    /// What an account is to check now. Where no way has a check for its role, which is the usual case, nothing is read.
    ///
    /// # Errors
    /// Any store error.
    pub async fn approvals_to_check(&self, facility: &Facility, user: &User) -> Result<Vec<Pending>> {
        let routes = read_routes(&self.store.approval_routes(&facility.id).await?);
        if !routes.values().any(|route| route.checks().contains(&user.role)) {
            return Ok(Vec::new());
        }
        let mut pending = self.approvals_pending(facility).await?;
        pending.retain(|pending| pending.passage.waits_for(user));
        Ok(pending)
    }

    /// Sends back what one is to check, with a reason.
    ///
    /// # Errors
    /// [`Error::Refused`] when it is not one's turn or without a reason; [`Error::Conflict`] when it changed.
    pub async fn approval_check_back(
        &self,
        signed: &Signed,
        facility: &Facility,
        (ledger, key, rev): (&str, &str, i64),
        reason: &str,
    ) -> Result<()> {
        let (key, user) = (key_of(key), &signed.user);
        let pending = self.approvals_pending(facility).await?;
        let passage = pending.into_iter().find(|p| p.ledger == ledger && p.key == key).map(|p| p.passage);
        let passage = passage.ok_or_else(|| Error::NotFound { what: key.clone() })?;
        passage.route.check(&passage.names(), user.role, &user.name)?;
        self.send_back(&signed.actor(), facility, ledger, &key, rev, reason).await.map(|_| ())
    }

    /// What is passed round: what waits for the account first, then the newest. Whoever keeps the ledgers sees all of it,
    /// others what is passed to them.
    ///
    /// # Errors
    /// Any store error.
    pub async fn circulars(&self, facility: &Facility, user: &User) -> Result<Vec<Circular>> {
        let rows = self.store.circular_list(&facility.id).await?;
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let known = self.known(facility).await?;
        let mut readers: HashMap<String, Vec<ReaderRow>> = HashMap::new();
        for reader in self.store.circular_readers(&facility.id).await? {
            readers.entry(reader.circular.clone()).or_default().push(reader);
        }
        let sees_all = user.role.may(Permission::Attest);
        let mut all = Vec::new();
        for row in rows {
            let to = readers.remove(&row.id).unwrap_or_default();
            let mine = to.iter().find(|reader| reader.user == user.id);
            if mine.is_none() && !sees_all {
                continue;
            }
            let ledger = of(&row.ledger)?;
            let found = self.store.row_find(ledger, &facility.id, std::slice::from_ref(&row.key)).await?;
            let (title, summary) = match found.get(&row.key) {
                Some(stored) => (
                    super::approvals::title_of(ledger, &stored.row, &known),
                    domain::workflow::approval::summary(ledger, &stored.row, |of, key| known.called(of, key)),
                ),
                None => (format!("{} {}", ledger.label.ja, row.key), Vec::new()),
            };
            let rev = found.get(&row.key).map_or(0, |stored| stored.rev);
            let corrupt = || Error::Internal { message: format!("circular {}", row.id) };
            let at = |micros: i64| Timestamp::from_microsecond(micros).map_err(|_| corrupt());
            all.push(Circular {
                shown_sha256: domain::workflow::approval::shown_sha256(
                    &facility.id,
                    ledger.name,
                    &row.key,
                    rev,
                    &summary,
                ),
                unread: row.ended_at.is_none() && mine.is_some_and(|reader| reader.seen_at.is_none()),
                readers: to
                    .iter()
                    // Once it is over, nobody has it.
                    .filter(|reader| row.ended_at.is_none() || reader.seen_at.is_some())
                    .map(|reader| Ok((reader.name.clone(), reader.seen_at.map(at).transpose()?)))
                    .collect::<Result<_>>()?,
                due_on: row.due_on.as_deref().map(str::parse).transpose().map_err(|_| corrupt())?,
                at: at(row.made_at)?,
                own: row.made_by == user.id && row.ended_at.is_none(),
                ledger: ledger.name,
                id: row.id,
                key: row.key,
                title,
                summary,
                note: row.note,
                by: row.made_name,
            });
        }
        all.sort_by_key(|circular| !circular.unread);
        Ok(all)
    }

    /// What is passed round and not seen by everybody: what it is, until when, and names of those who have it.
    pub(crate) async fn circulars_open(&self, facility: &Facility) -> Result<Vec<(String, Option<Date>, Vec<String>)>> {
        let mut rows = self.store.circular_list(&facility.id).await?;
        rows.retain(|row| row.ended_at.is_none());
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let (known, readers) = (self.known(facility).await?, self.store.circular_readers(&facility.id).await?);
        let mut open = Vec::new();
        for row in rows {
            let unseen = readers.iter().filter(|reader| reader.circular == row.id && reader.seen_at.is_none());
            let with: Vec<String> = unseen.map(|reader| reader.name.clone()).collect();
            if with.is_empty() {
                continue;
            }
            let ledger = of(&row.ledger)?;
            let found = self.store.row_find(ledger, &facility.id, std::slice::from_ref(&row.key)).await?;
            let title = found.get(&row.key).map(|stored| super::approvals::title_of(ledger, &stored.row, &known));
            let due_on = row.due_on.as_deref().and_then(|day| day.parse().ok());
            open.push((title.unwrap_or_else(|| format!("{} {}", ledger.label.ja, row.key)), due_on, with));
        }
        Ok(open)
    }

    /// Ids of the accounts that have not seen what is passed to them, once for each.
    pub(crate) async fn circulars_unread(&self, facility: &Facility) -> Result<Vec<String>> {
        let rows = self.store.circular_list(&facility.id).await?;
        let going = |id: &String| rows.iter().any(|row| row.id == *id && row.ended_at.is_none());
        let readers = self.store.circular_readers(&facility.id).await?.into_iter();
        Ok(readers
            .filter(|reader| reader.seen_at.is_none() && going(&reader.circular))
            .map(|reader| reader.user)
            .collect())
    }

    /// Passes a row round.
    ///
    /// # Errors
    /// [`Error::Fields`] for what will not do, [`Error::NotFound`] when there is no such row.
    pub async fn circular_begin(&self, by: &dyn Acting, facility: &Facility, new: &NewCircular) -> Result<()> {
        by.need(Permission::Attest)?;
        let ledger = of(approvable(&new.ledger)?.ledger)?;
        let key = key_of(&new.key);
        self.row(facility, ledger, &key).await?;
        let mut faults = Vec::new();
        let users = self.user_list(&facility.id).await?;
        let able =
            |user: &&User| is_used(user) && user.role.may(Permission::ReadTasks) && new.readers.contains(&user.id);
        let to: Vec<&User> = users.iter().filter(able).collect();
        if to.is_empty() {
            faults.push(FieldError::new("readers", "見てもらう人を選んでください（CIR-001）。"));
        }
        let note = tidy(&new.note);
        if note.chars().count() > TEXT_MAX {
            let message = format!("伝えることが長すぎます（CIR-001）。{TEXT_MAX}字以内にしてください。");
            faults.push(FieldError::new("note", message));
        }
        let own = |row: &CircularRow| {
            let same = (row.ledger.as_str(), &row.key, &row.note) == (ledger.name, &key, &note);
            same && row.made_by == by.user().id && row.ended_at.is_none()
        };
        if self.store.circular_list(&facility.id).await?.iter().any(own) {
            let message = "同じ回覧がすでに回っています（CIR-001）。別に回すときは、伝えることに違いを書いてください。";
            faults.push(FieldError::new("note", message));
        }
        let due_on = match tidy(&new.due_on).as_str() {
            "" => None,
            typed => match domain::jp::parse_date(typed) {
                Ok(day) if day >= self.today() => Some(day.to_string()),
                Ok(_) => {
                    let message = "期限が過ぎた日です（CIR-001）。今日か、それより後の日にしてください。";
                    faults.push(FieldError::new("due_on", message));
                    None
                }
                Err(error) => {
                    faults.push(FieldError::new("due_on", error.to_string()));
                    None
                }
            },
        };
        if !faults.is_empty() {
            return Err(Error::Fields(faults));
        }
        let row = CircularRow {
            id: Uuid::now_v7().to_string(),
            ledger: ledger.name.to_owned(),
            key: key.clone(),
            note,
            due_on,
            made_by: by.user().id.clone(),
            made_name: by.user().name.clone(),
            made_at: self.now().as_microsecond(),
            ended_at: None,
        };
        let reader = |user: &&User| ReaderRow {
            circular: row.id.clone(),
            user: user.id.clone(),
            name: user.name.clone(),
            seen_at: None,
        };
        let readers: Vec<ReaderRow> = to.iter().map(reader).collect();
        let mut tx = self.store.begin(&by.actor(), &facility.id, self.now()).await?;
        tx.circular_insert(&row, &readers).await?;
        for reader in &readers {
            notices::tell(&mut tx, To::User(&reader.user), Notice::Circular { id: &row.id }, self.now()).await?;
        }
        let names: Vec<&str> = readers.iter().map(|reader| reader.name.as_str()).collect();
        tx.record(Event::new("circular.begin", key).with("ledger", ledger.name).with("readers", names.join("、")));
        Ok(tx.commit().await?)
    }

    /// Says that one has seen what was passed to one.
    ///
    /// # Errors
    /// [`Error::NotFound`] when nothing waits, [`Error::Conflict`] when the row reads otherwise by now.
    pub async fn circular_see(&self, signed: &Signed, facility: &Facility, id: &str, shown_sha256: &str) -> Result<()> {
        signed.need(Permission::ReadTasks)?;
        let all = self.circulars(facility, &signed.user).await?;
        let circular = all.into_iter().find(|circular| circular.id == id && circular.unread).ok_or_else(gone)?;
        if circular.shown_sha256 != shown_sha256 {
            return Err(super::overtaken(&circular.key));
        }
        let mut tx = self.store.begin(&signed.actor(), &facility.id, self.now()).await?;
        if !tx.circular_see(id, &signed.user.id).await? {
            return Err(gone());
        }
        let event = Event::new("circular.seen", circular.key).with("ledger", circular.ledger);
        tx.record(event.with("shown_sha256", shown_sha256));
        Ok(tx.commit().await?)
    }

    /// Ends what one passes round.
    ///
    /// # Errors
    /// [`Error::NotFound`] when one passes nothing of that id round.
    pub async fn circular_end(&self, by: &dyn Acting, facility: &Facility, id: &str) -> Result<()> {
        by.need(Permission::Attest)?;
        let all = self.circulars(facility, by.user()).await?;
        let circular = all.into_iter().find(|circular| circular.id == id && circular.own).ok_or_else(gone)?;
        let mut tx = self.store.begin(&by.actor(), &facility.id, self.now()).await?;
        tx.circular_end(id).await?;
        tx.record(Event::new("circular.end", circular.key).with("ledger", circular.ledger));
        Ok(tx.commit().await?)
    }
}
