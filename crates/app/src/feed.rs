//! How accesses come in from registered sources, and go out to other systems: messages of a listener, documents of the
//! API, files by hand and of watched folders. Each is read by `intake::access` and handed to [`App::receive_accesses`]; what comes from nobody who
//! is registered is refused before it is read.

mod documents;
mod export;
mod files;
mod folder;
mod messages;
mod senders;

use domain::ledger::{Ledger, Row, Value, ledger};

pub use documents::{AccessDocument, DocumentKind};
pub use export::AccessExport;
pub use files::AccessImport;
pub use folder::{Watch, WatchedFile};
pub use messages::{Message, Taken};
pub use senders::{Feed, Peer, Senders};

use crate::App;
use crate::error::{Error, Result};

/// The ledger of sources.
fn sources() -> Result<&'static Ledger> {
    ledger("log_sources").ok_or_else(|| Error::Internal { message: "log_sources".to_owned() })
}

fn text<'r>(row: &'r Row, column: &str) -> Option<&'r str> {
    match row.get(column) {
        Some(Value::Text(text)) => Some(text),
        _ => None,
    }
}

/// Whether a source is in use; one of which nothing is said is.
fn in_use(row: &Row) -> bool {
    row.get("in_use") != Some(&Value::YesNo(false))
}

impl App {
    /// The source of a facility with this key or name.
    ///
    /// # Errors
    /// When there is none in use.
    pub async fn feed(&self, facility: &str, wanted: &str) -> Result<Feed> {
        let key = domain::text::fold(wanted);
        let senders = self.senders_of(Some(facility)).await?;
        let found = senders
            .iter()
            .find(|feed| domain::text::fold(&feed.source) == key || domain::text::fold(&feed.name) == key);
        found.cloned().ok_or_else(|| {
            let known: Vec<&str> = senders.iter().map(|feed| feed.source.as_str()).collect();
            let known = if known.is_empty() { "まだありません".to_owned() } else { known.join("、") };
            Error::invalid(
                "EVT-041",
                format!(
                    "取込み元「{wanted}」は台帳「記録の取込み元」にないか、使用中ではありません（登録済み：{known}）。台帳に登録してから、もう一度送ってください。"
                ),
            )
        })
    }

    /// The one source of a facility that is in use and has this format.
    ///
    /// # Errors
    /// When there is none, or several, of which a sender has to name one.
    pub async fn only_feed(&self, facility: &str, format: &str) -> Result<Feed> {
        let mut feeds = self.senders_of(Some(facility)).await?;
        feeds.retain(|feed| feed.format.as_deref() == Some(format));
        match feeds.pop() {
            Some(only) if feeds.is_empty() => Ok(only),
            _ => Err(Error::invalid(
                "EVT-044",
                "どの取込み元の記録か分かりません。台帳「記録の取込み元」に、使用中でこの形式のものが一つではありません。source に取込み元番号を付けて送ってください。",
            )),
        }
    }
}
