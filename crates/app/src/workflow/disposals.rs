//! 廃棄.

use domain::evaluate::Facility;
use domain::journal::Actor;
use domain::workflow::disposal::{self, Disposal};
use store::StoredRow;

use super::codes;
use crate::App;
use crate::error::{Error, Result};

impl App {
    /// Records a disposal; a device of the ledger becomes 廃棄済 with day, method, person and proof.
    ///
    /// # Errors
    /// [`Error::Fields`] when device or method is not known; `DISP-006` when the same was recorded already; when the rules
    /// of [`domain::workflow::disposal`] forbid it.
    pub async fn dispose(&self, actor: &Actor, facility: &Facility, mut disposal: Disposal) -> Result<StoredRow> {
        disposal.method = codes("disposals", "method", &disposal.method)?;
        let key = match disposal.device.trim() {
            "" => None,
            typed => Some(self.names(facility, "devices").await?.meant("device", typed)?),
        };
        let mut desk = self.desk(actor, facility).await?;
        let (mut device, mut loans) = (None, Vec::new());
        if let Some(key) = key {
            loans = desk.matching("loans", "device", &key).await?.into_iter().map(|stored| stored.row).collect();
            device = Some(desk.fetch("devices", &key).await?);
        }
        let no = desk.next_no("disposals").await?;
        let device = device.as_ref().map(|stored| &stored.row);
        let change = disposal::dispose(&no, device, &loans, &disposal, self.today())?;
        if let Some(told) = desk.same(&change, "object").await? {
            let message = format!(
                "廃棄を登録できませんでした。同じ内容の廃棄が「{}」として、すでに登録されています。別の物のときは、対象か備考に違いを書いてください。",
                told.key
            );
            return Err(Error::invalid("DISP-006", message));
        }
        desk.carry_out(change).await
    }
}
