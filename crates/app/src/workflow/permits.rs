//! What is asked for and allowed for a time: personal devices, and checklist answers that differ from the evidence.

use domain::evaluate::Facility;
use domain::journal::Actor;
use domain::workflow::byod::{self, Permit};
use domain::workflow::overrides::{self, Override};
use store::StoredRow;

use super::{codes, key_of};
use crate::App;
use crate::error::{Error, Result};

impl App {
    /// Applies for the use of a personal device.
    ///
    /// # Errors
    /// [`Error::Fields`] for conditions that do not exist; `BYOD-006` when the same was asked for already; when the rules
    /// of [`domain::workflow::byod`] forbid it.
    pub async fn byod_apply(&self, actor: &Actor, facility: &Facility, permit: Permit) -> Result<StoredRow> {
        let permit = self.permit(facility, permit).await?;
        let desk = self.desk(actor, facility).await?;
        let no = desk.next_no("byod").await?;
        let change = byod::apply(&no, None, &permit, &actor.name, self.today())?;
        if let Some(told) = desk.same(&change, "device").await? {
            let message = format!(
                "利用を申請できませんでした。同じ内容の申請が「{}」として、すでに出されています。変えるときは、差し戻しを頼んでください。",
                told.key
            );
            return Err(Error::invalid("BYOD-006", message));
        }
        desk.carry_out(change).await
    }

    /// Applies again with an application that was sent back.
    ///
    /// # Errors
    /// As [`byod_apply`](Self::byod_apply); [`Error::Conflict`] when it is not at `rev` any more.
    pub async fn byod_amend(
        &self,
        actor: &Actor,
        facility: &Facility,
        no: &str,
        rev: i64,
        permit: Permit,
    ) -> Result<StoredRow> {
        let permit = self.permit(facility, permit).await?;
        let mut desk = self.desk(actor, facility).await?;
        let stored = desk.fetch_at("byod", no, rev).await?;
        desk.carry_out(byod::apply(&stored.key, Some(&stored.row), &permit, &actor.name, self.today())?).await
    }

    /// Refuses an application for good.
    ///
    /// # Errors
    /// [`Error::Conflict`] when it is not at `rev` any more; when the rules forbid it.
    pub async fn byod_refuse(
        &self,
        actor: &Actor,
        facility: &Facility,
        no: &str,
        rev: i64,
        reason: &str,
    ) -> Result<StoredRow> {
        let mut desk = self.desk(actor, facility).await?;
        let stored = desk.fetch_at("byod", no, rev).await?;
        desk.carry_out(byod::refuse(&stored.row, reason)?).await
    }

    /// Ends the use of a personal device.
    ///
    /// # Errors
    /// As [`byod_refuse`](Self::byod_refuse).
    pub async fn byod_end(&self, actor: &Actor, facility: &Facility, no: &str, rev: i64) -> Result<StoredRow> {
        let mut desk = self.desk(actor, facility).await?;
        let stored = desk.fetch_at("byod", no, rev).await?;
        desk.carry_out(byod::end(&stored.row, self.today())?).await
    }

    /// Asks for a checklist answer that differs from what the evidence says.
    ///
    /// # Errors
    /// [`Error::Fields`] when there is no such item of a checklist; when the rules of [`domain::workflow::overrides`] forbid
    /// it.
    pub async fn override_apply(&self, actor: &Actor, facility: &Facility, mut asked: Override) -> Result<StoredRow> {
        let message = match self.catalogs().requirement(&asked.requirement) {
            Some((catalog, _)) if catalog.fiscal_year.is_some() => None,
            Some(_) => Some(format!(
                "「{}」はチェックリストの項目ではありません（OVR-005）。上書きできるのはチェックリストの回答だけです。",
                asked.requirement
            )),
            None => Some(format!(
                "「{}」という要求事項はありません（OVR-001）。一覧から選び直してください。",
                asked.requirement
            )),
        };
        if let Some(message) = message {
            return Err(Error::field("requirement", message));
        }
        asked.answer = codes("overrides", "answer", &asked.answer)?;
        let mut desk = self.desk(actor, facility).await?;
        let before = desk.find("overrides", &key_of(&asked.requirement)).await?;
        desk.carry_out(overrides::apply(before.as_ref().map(|b| &b.row), &asked, &actor.name, self.today())?).await
    }

    /// Withdraws such an answer.
    ///
    /// # Errors
    /// As [`byod_refuse`](Self::byod_refuse).
    pub async fn override_withdraw(
        &self,
        actor: &Actor,
        facility: &Facility,
        requirement: &str,
        rev: i64,
        reason: &str,
    ) -> Result<StoredRow> {
        let mut desk = self.desk(actor, facility).await?;
        let stored = desk.fetch_at("overrides", requirement, rev).await?;
        desk.carry_out(overrides::withdraw(&stored.row, reason)?).await
    }

    async fn permit(&self, facility: &Facility, mut permit: Permit) -> Result<Permit> {
        permit.person = self.names(facility, "people").await?.meant_or_text("person", &permit.person)?;
        permit.conditions = codes("byod", "conditions", &permit.conditions)?;
        Ok(permit)
    }
}
