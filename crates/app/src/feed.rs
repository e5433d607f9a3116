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
use crate::identity::Program;

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
        let senders = self.senders_of(Some(facility)).await?;
        let found = senders.iter().find(|feed| feed.is_called(wanted));
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

    /// The keys of the sources in use that are meant by keys or names; `None` when one of them is none.
    pub(crate) async fn source_keys(&self, facility: &str, wanted: &[String]) -> Result<Option<Vec<String>>> {
        if wanted.is_empty() {
            return Ok(Some(Vec::new()));
        }
        let senders = self.senders_of(Some(facility)).await?;
        let key = |wanted: &String| senders.iter().find(|feed| feed.is_called(wanted)).map(|feed| feed.source.clone());
        Ok(wanted.iter().map(key).collect())
    }

    /// The source in whose name a program hands in records: the one it names, else the only one in use that has this
    /// format and for which it may speak.
    ///
    /// # Errors
    /// When there is none, when there are several, of which a program has to name one, or when its token is not for the
    /// one it names.
    pub async fn feed_of(&self, program: &Program, wanted: Option<&str>, format: &str) -> Result<Feed> {
        let facility = &program.user.facility;
        let may = |feed: &Feed| program.sources.is_empty() || program.sources.contains(&feed.source);
        let mut feed = match wanted {
            Some(wanted) => self.feed(facility, wanted).await?,
            None => {
                let speaks = |feed: &Feed| feed.format.as_deref() == Some(format) && may(feed);
                self.only_feed(facility, speaks).await?
            }
        };
        if !may(&feed) {
            return Err(Error::invalid(
                "EVT-046",
                format!(
                    "記録を受け取れませんでした。このトークンは取込み元「{}」の記録を送れません。その取込み元のためのトークンを作り、送る側の設定を入れ替えてください。",
                    feed.source
                ),
            ));
        }
        if !program.sources.is_empty() {
            feed.set_others(self.senders_of(Some(facility)).await?.iter(), may);
        }
        Ok(feed)
    }

    async fn only_feed(&self, facility: &str, fits: impl Fn(&Feed) -> bool) -> Result<Feed> {
        let mut feeds = self.senders_of(Some(facility)).await?;
        feeds.retain(fits);
        match feeds.pop() {
            Some(only) if feeds.is_empty() => Ok(only),
            _ => Err(Error::invalid(
                "EVT-044",
                "どの取込み元の記録か分かりません。台帳「記録の取込み元」に、使用中でこの形式のものが一つではありません。source に取込み元番号を付けて送ってください。",
            )),
        }
    }
}
