//! 代理 and 後閲: somebody approves in an approver's place for some days; the approver sees it afterwards.
//!
//! A deputy may approve and send back, nothing else: vouching for people and emergency accounts stay with those whose
//! role it is. What a deputy approved says so on its row, on its seal and in the journal.

use domain::authz::Permission;
use domain::journal::Event;
use domain::text::tidy;
use jiff::civil::Date;
use store::{DeputyRow, SeenRow};
use uuid::Uuid;

use super::{key_of, of};
use crate::App;
use crate::error::{Error, FieldError, Result};
use crate::identity::{Acting, Signed, User};

/// Longest a deputy is appointed for, in days.
const LONGEST: i32 = 92;

/// What is typed to appoint a deputy.
#[derive(Clone, Debug, Default)]
pub struct Appointment {
    /// Id of the account that stands in.
    pub deputy: String,
    /// First day.
    pub from_on: String,
    /// Last day.
    pub until_on: String,
    /// Why.
    pub reason: String,
}

/// Somebody who approves in somebody's place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deputy {
    /// Id.
    pub id: String,
    /// Name of who is stood in for.
    pub principal: String,
    /// Account of who is stood in for.
    pub principal_id: String,
    /// Name of who stands in.
    pub deputy: String,
    /// First day.
    pub from_on: Date,
    /// Last day.
    pub until_on: Date,
    /// Why.
    pub reason: String,
}

impl App {
    /// The deputies of one's facility whose time is not over.
    ///
    /// # Errors
    /// Any store error.
    pub async fn deputies(&self, facility: &str) -> Result<Vec<Deputy>> {
        let users = self.user_list(facility).await?;
        let rows = self.store.deputy_list(facility, &self.today().to_string()).await?;
        rows.iter().map(|row| deputy(row, &users)).collect()
    }

    /// Appoints somebody to approve in one's own place.
    ///
    /// # Errors
    /// [`Error::Forbidden`] for whose role does not approve, [`Error::Fields`] for what will not do.
    pub async fn deputy_appoint(&self, by: &dyn Acting, typed: &Appointment) -> Result<()> {
        let own = may_appoint(by)?;
        let today = self.today();
        let mut faults = Vec::new();
        let mut day = |field: &str, typed: &str| match domain::jp::parse_date(typed) {
            Ok(day) => Some(day),
            Err(error) => {
                faults.push(FieldError::new(field, error.to_string()));
                None
            }
        };
        let (from, until) = (day("from_on", &typed.from_on), day("until_on", &typed.until_on));
        if let (Some(from), Some(until)) = (from, until) {
            let message = if until < from {
                Some("終わりの日が始まりの日より前です（DPT-001）。直してください。".to_owned())
            } else if until < today {
                Some("終わりの日が過ぎています（DPT-001）。今日か、それより後の日にしてください。".to_owned())
            } else if until > domain::evaluate::plus(from, LONGEST) {
                Some(format!("期間が長すぎます（DPT-001）。{LONGEST}日以内にしてください。"))
            } else {
                None
            };
            faults.extend(message.map(|message| FieldError::new("until_on", message)));
        }
        let users = self.user_list(&own.facility).await?;
        let able = |user: &&User| user.id == typed.deputy && can_stand_in(user, own);
        let chosen = users.iter().find(able);
        if chosen.is_none() {
            faults.push(FieldError::new("deputy", "代理の人を選んでください（DPT-001）。"));
        }
        let twice = |row: &DeputyRow| {
            let same = |day: Option<Date>, text: &str| day.is_some_and(|day| day.to_string() == text);
            row.principal == own.id
                && row.deputy == typed.deputy
                && same(from, &row.from_on)
                && same(until, &row.until_on)
        };
        if self.store.deputy_list(&own.facility, &today.to_string()).await?.iter().any(twice) {
            let message =
                "同じ人の同じ期間の代理が、すでにあります（DPT-002）。変えるときは、先に今の代理を終えてください。";
            faults.push(FieldError::new("deputy", message));
        }
        let reason = tidy(&typed.reason);
        if reason.is_empty() {
            faults.push(FieldError::new("reason", "理由がありません（DPT-001）。出張・休暇などを入れてください。"));
        }
        let (Some(from), Some(until), Some(chosen), true) = (from, until, chosen, faults.is_empty()) else {
            return Err(Error::Fields(faults));
        };
        let row = DeputyRow {
            id: Uuid::now_v7().to_string(),
            facility: own.facility.clone(),
            principal: own.id.clone(),
            deputy: chosen.id.clone(),
            from_on: from.to_string(),
            until_on: until.to_string(),
            reason,
            made_by: by.actor().name,
            made_at: self.now().as_microsecond(),
            ended_at: None,
        };
        let mut tx = self.store.begin(&by.actor(), &own.facility, self.now()).await?;
        tx.deputy_insert(&row).await?;
        let event = Event::new("deputy.appoint", &row.id).with("user", &chosen.login).with("from_on", from);
        tx.record(event.with("until_on", until).with("reason", &row.reason));
        Ok(tx.commit().await?)
    }

    /// Ends a deputy's time now.
    ///
    /// # Errors
    /// [`Error::NotFound`] when one has appointed none of that id.
    pub async fn deputy_end(&self, by: &dyn Acting, id: &str) -> Result<()> {
        let own = may_appoint(by)?;
        let rows = self.store.deputy_list(&own.facility, &self.today().to_string()).await?;
        let mine = rows.iter().any(|row| row.id == id && row.principal == own.id);
        if !mine {
            return Err(Error::NotFound { what: "代理の設定".to_owned() });
        }
        let mut tx = self.store.begin(&by.actor(), &own.facility, self.now()).await?;
        tx.deputy_end(id).await?;
        tx.record(Event::new("deputy.end", id));
        Ok(tx.commit().await?)
    }

    /// Name of the person in whose place an account approves today, if in any.
    pub(crate) async fn stands_for(&self, user: &User) -> Result<Option<String>> {
        if user.role.is_guest() || user.role.may(Permission::Approve) {
            return Ok(None);
        }
        let Some(row) = self.store.deputy_for(&user.facility, &user.id, &self.today().to_string()).await? else {
            return Ok(None);
        };
        // Nobody stands in for an account that may not approve itself any more.
        let principal = self.store.user_find(&row.principal).await?.as_ref().map(User::of).transpose()?;
        let approves = |user: &User| user.role.may(Permission::Approve) && user.disabled.is_none() && !user.sealed;
        Ok(principal.filter(approves).map(|user| user.name))
    }

    /// Notes that one has seen an approval that a deputy gave.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such approval, or it was seen already.
    pub async fn approval_see(&self, signed: &Signed, ledger: &str, key: &str) -> Result<()> {
        let own = may_appoint(signed)?;
        let missing = || Error::NotFound { what: "後閲するもの".to_owned() };
        let ledger = of(ledger).map_err(|_| missing())?;
        let key = key_of(key);
        let found = self.store.row_find(ledger, &own.facility, std::slice::from_ref(&key)).await?;
        let row = &found.get(&key).ok_or_else(missing)?.row;
        let approved_on = row.get("approved_on").map(ToString::to_string).ok_or_else(missing)?;
        let seen = SeenRow {
            ledger: ledger.name.to_owned(),
            key: key.clone(),
            approved_on,
            user: own.id.clone(),
            seen_by: own.name.clone(),
            seen_at: self.now().as_microsecond(),
        };
        let mut tx = self.store.begin(&signed.actor(), &own.facility, self.now()).await?;
        if !tx.approval_see(&seen).await? {
            return Err(missing());
        }
        tx.record(Event::new("approval.seen", key).with("ledger", ledger.name).with("approved_on", &seen.approved_on));
        Ok(tx.commit().await?)
    }
}

/// The account, if its own role approves: a deputy appoints nobody.
fn may_appoint(by: &dyn Acting) -> Result<&User> {
    by.need(Permission::Approve)?;
    if by.user().role.may(Permission::Approve) { Ok(by.user()) } else { Err(Error::Forbidden) }
}

/// Whether an account can approve in somebody's place: one of the house, that is used.
pub fn can_stand_in(user: &User, principal: &User) -> bool {
    let used = user.disabled.is_none() && !user.sealed && !user.role.is_guest();
    used && user.id != principal.id && !user.role.may(Permission::Approve)
}

fn deputy(row: &DeputyRow, users: &[User]) -> Result<Deputy> {
    let name = |id: &str| users.iter().find(|user| user.id == id).map_or_else(String::new, |user| user.name.clone());
    let day = |text: &str| text.parse().map_err(|_| Error::Internal { message: format!("deputy {}", row.id) });
    Ok(Deputy {
        id: row.id.clone(),
        principal: name(&row.principal),
        principal_id: row.principal.clone(),
        deputy: name(&row.deputy),
        from_on: day(&row.from_on)?,
        until_on: day(&row.until_on)?,
        reason: row.reason.clone(),
    })
}
