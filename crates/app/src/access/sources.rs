//! 記録の取込み元: what each source sent, what is missing of it, whether it fell silent, and how far its clock is off.

use domain::access::Numbers;
use domain::evaluate::Facility;
use domain::ledger::{Ledger, Row, Value};
use domain::text::{Label, Lang};
use domain::threshold::LOG_SKEW;
use jiff::{SignedDuration, Timestamp};
use store::ArrivalHead;

use crate::App;
use crate::error::{Error, Result};

/// Accesses of a source by which its clock is judged.
const CLOCK: u32 = 200;
/// Beyond this, an access did not come live and says nothing about a clock.
const LIVE: i64 = 3_600_000_000;
/// For how long after the last of them forged records stay a fault.
const FORGED: SignedDuration = SignedDuration::from_hours(30 * 24);

/// Something that is wrong with a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SourceFault {
    /// Nothing came for so many hours, more than it may be silent.
    Silent(i64),
    /// Nothing ever came.
    Never,
    /// So many of its numbers are missing.
    Missing(u64),
    /// Its clock is off by so many seconds; more than zero when it is slow.
    Clock(i64),
    /// So many of its records told of themselves that they are another source's, the last of them lately.
    Forged(i64),
}

impl SourceFault {
    /// What it is called.
    pub const fn label(self) -> Label {
        match self {
            Self::Silent(_) => Label::new("途絶", "silent"),
            Self::Never => Label::new("未受信", "nothing yet"),
            Self::Missing(_) => Label::new("欠番", "numbers missing"),
            Self::Clock(_) => Label::new("時刻のずれ", "clock off"),
            Self::Forged(_) => Label::new("なりすましの疑い", "forged source"),
        }
    }

    /// What it means, in one sentence.
    pub fn says(self, lang: Lang) -> String {
        match (self, lang) {
            (Self::Silent(hours), Lang::Ja) => format!("{hours}時間、記録が届いていません。"),
            (Self::Silent(hours), Lang::En) => format!("Nothing came for {hours} hours."),
            (Self::Never, Lang::Ja) => "まだ一度も記録が届いていません。".to_owned(),
            (Self::Never, Lang::En) => "Nothing ever came.".to_owned(),
            (Self::Missing(count), Lang::Ja) => format!("通し番号が{count}件分、届いていません。"),
            (Self::Missing(count), Lang::En) => format!("{count} numbered events did not come."),
            (Self::Clock(seconds), Lang::Ja) if seconds > 0 => format!("時計が{seconds}秒ほど遅れています。"),
            (Self::Clock(seconds), Lang::Ja) => format!("時計が{}秒ほど進んでいます。", -seconds),
            (Self::Clock(seconds), Lang::En) if seconds > 0 => format!("Its clock is about {seconds} s slow."),
            (Self::Clock(seconds), Lang::En) => format!("Its clock is about {} s fast.", -seconds),
            (Self::Forged(count), Lang::Ja) => format!(
                "別の取込み元を名乗る記録が{count}件届き、拒みました。送り元の機器と、台帳の送信元を確かめてください。"
            ),
            (Self::Forged(count), Lang::En) => {
                format!("{count} records in the name of another source came and were refused. Check the sender.")
            }
        }
    }
}

/// One source with what is known of it.
#[derive(Clone, Debug)]
pub struct SourceState {
    /// Its key in the ledger.
    pub key: String,
    /// Its name.
    pub name: String,
    /// The system it is the log of.
    pub system: Option<String>,
    /// Whether it is in use.
    pub in_use: bool,
    /// Number of arrivals.
    pub arrivals: i64,
    /// Hash of the last, which covers all of them.
    pub hash: String,
    /// When the last came.
    pub received_at: Option<Timestamp>,
    /// The latest time that one of its accesses states.
    pub event_at: Option<Timestamp>,
    /// Numbers that did not come, first and last of each range.
    pub missing: Vec<(u64, u64)>,
    /// By how many seconds its clock is behind ours: the median of what came live. `None` when nothing did.
    pub skew: Option<i64>,
    /// What is wrong.
    pub faults: Vec<SourceFault>,
}

pub(super) fn ledger() -> Result<&'static Ledger> {
    domain::ledger::ledger("log_sources").ok_or_else(|| Error::Internal { message: "log_sources".to_owned() })
}

/// The text of a cell.
pub(super) fn text(row: &Row, name: &str) -> Option<String> {
    match row.get(name) {
        Some(Value::Text(text)) => Some(text.clone()),
        _ => None,
    }
}

impl App {
    /// Every registered source with what is known of it, ordered by key.
    ///
    /// # Errors
    /// Any store error.
    pub async fn access_sources(&self, facility: &Facility) -> Result<Vec<SourceState>> {
        let mut heads = self.store.arrival_heads(&facility.id).await?;
        let mut states = Vec::new();
        for stored in self.store.row_list(ledger()?, Some(&facility.id)).await? {
            let head = heads.remove(&stored.key).unwrap_or_default();
            let mut delays = self.store.access_delays(&facility.id, &stored.key, CLOCK).await?;
            delays.retain(|delay| delay.abs() < LIVE);
            delays.sort_unstable();
            let skew = delays.get(delays.len() / 2).map(|delay| delay / 1_000_000);
            states.push(self.state(stored.key, &stored.row, head, skew));
        }
        Ok(states)
    }

    fn state(&self, key: String, row: &Row, head: ArrivalHead, skew: Option<i64>) -> SourceState {
        let numbers = Numbers::parse(&head.numbers);
        let in_use = row.get("in_use") != Some(&Value::YesNo(false));
        let instant = |at: i64| Timestamp::from_microsecond(at).ok();
        let received_at = (head.place > 0).then(|| instant(head.received_at)).flatten();
        let mut faults = Vec::new();
        match (received_at, row.get("silent_hours")) {
            (Some(last), Some(Value::Integer(most))) => {
                let hours = self.now().duration_since(last).as_hours();
                if hours >= *most && *most > 0 {
                    faults.push(SourceFault::Silent(hours));
                }
            }
            (None, _) => faults.push(SourceFault::Never),
            _ => {}
        }
        if numbers.count() > 0 {
            faults.push(SourceFault::Missing(numbers.count()));
        }
        if let Some(seconds) = skew.filter(|seconds| seconds.abs() >= i64::from(LOG_SKEW.value)) {
            faults.push(SourceFault::Clock(seconds));
        }
        if head.forged_at.and_then(instant).is_some_and(|last| self.now().duration_since(last) < FORGED) {
            faults.push(SourceFault::Forged(head.forged));
        }
        if !in_use {
            faults.clear();
        }
        SourceState {
            name: text(row, "name").unwrap_or_default(),
            system: text(row, "system"),
            key,
            in_use,
            arrivals: head.place,
            hash: head.hash,
            received_at,
            event_at: head.event_at.and_then(instant),
            missing: numbers.missing().to_vec(),
            skew,
            faults,
        }
    }
}
