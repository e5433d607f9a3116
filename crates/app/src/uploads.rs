//! Files from the browser: held until the person who sent them has seen what they would change.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::evaluate::Facility;
use domain::journal::{Actor, Event, sha256};
use jiff::Span;
use store::HeldUpload;
use uuid::Uuid;

use crate::App;
use crate::error::{Error, Result};

/// Hours for which a file is held.
const HELD_HOURS: i64 = 24;

impl App {
    /// Holds a file for a day and returns its id. Only its sender gets at it.
    ///
    /// # Errors
    /// When it is empty; any store error.
    pub async fn hold_upload(&self, actor: &Actor, facility: &Facility, name: &str, bytes: &[u8]) -> Result<String> {
        if bytes.is_empty() {
            return Err(Error::invalid(
                "UPL-001",
                "ファイルを受け取れませんでした。選ばれていないか、空です。ファイルを選んで、もう一度送ってください。",
            ));
        }
        let id = Uuid::new_v4().simple().to_string();
        let now = self.now();
        let stale = now.saturating_sub(Span::new().hours(HELD_HOURS)).unwrap_or(now).as_microsecond();
        let digest = sha256(bytes);
        let name: String = domain::text::tidy(name).chars().take(200).collect();
        let file = HeldUpload { name: name.clone(), content: STANDARD.encode(bytes) };
        let mut tx = self.store.begin(actor, &facility.id, now).await?;
        tx.upload_hold(&id, &actor.name, &digest, file, stale).await?;
        tx.record(Event::new("import.receive", name).with("sha256", digest).with("bytes", bytes.len()));
        tx.commit().await?;
        Ok(id)
    }

    /// Name and bytes of a file held for this person.
    ///
    /// # Errors
    /// When there is none, or a day has passed.
    pub async fn held_upload(&self, actor: &Actor, facility: &Facility, id: &str) -> Result<(String, Vec<u8>)> {
        let file = self.store.upload_fetch(&facility.id, &actor.name, id).await?;
        let bytes = STANDARD.decode(&file.content).map_err(|e| Error::Internal { message: e.to_string() })?;
        Ok((file.name, bytes))
    }
}
