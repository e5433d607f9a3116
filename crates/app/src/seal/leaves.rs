//! From entries of the journal to leaves of the log: which fields a leaf commits to, and under which secret.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};
use std::ops::Range;

use domain::journal::{Entry, hex};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use seal::Salts;
use seal::leaf::{GONE, leaf};

use crate::error::Result;
use crate::identity::secrets::{random, unhex};
use crate::{App, blocking};

/// Year and month, UTC.
type Month = (i16, i8);

/// The secrets of the months, by facility, as far as they were asked for and are there.
#[derive(Default)]
pub(super) struct Secrets(HashMap<String, HashMap<Month, Salts>>);

/// Rows of the journal: place, facility, canonical JSON.
type Rows = Vec<(i64, String, String)>;

impl Secrets {
    /// The salts of an entry, if its secret was looked up and is there.
    pub(super) fn of(&self, facility: &str, entry: &Entry) -> Option<&Salts> {
        self.at(facility, month(entry))
    }

    fn at(&self, facility: &str, month: Month) -> Option<&Salts> {
        self.0.get(facility)?.get(&month)
    }
}

impl App {
    /// The leaves that the entries of a range make; fewer when there are no more. `None` when the secret of one was
    /// destroyed, or the entries were. With `making`, a month that has no secret yet gets one, and what was disposed of
    /// before the log was begun has a leaf that says so.
    pub(super) async fn leaves(
        &self,
        salts: &mut Secrets,
        range: Range<u64>,
        making: bool,
    ) -> Result<Option<Vec<Vec<u8>>>> {
        let most = u32::try_from(range.end - range.start).unwrap_or(u32::MAX);
        if most == 0 {
            return Ok(Some(Vec::new()));
        }
        let mut rows = self.store.journal_after(i64::try_from(range.start).unwrap_or(i64::MAX), most).await?;
        rows.retain(|(seq, ..)| u64::try_from(*seq).is_ok_and(|seq| seq <= range.end));
        let first = rows.first().and_then(|(seq, ..)| u64::try_from(seq - 1).ok()).unwrap_or(range.end);
        if first == range.start {
            return self.leaves_of(salts, first, rows, making).await;
        }
        let floor = u64::try_from(self.store.journal_floor().await?.seq).unwrap_or(0);
        let gone = first.min(floor);
        match (gone > range.start, making) {
            (false, _) => self.leaves_of(salts, range.start, rows, making).await,
            (true, false) => Ok(None),
            (true, true) => {
                let rest = self.leaves_of(salts, gone, rows, making).await?.unwrap_or_default();
                Ok(Some((range.start..gone).map(|_| GONE.to_vec()).chain(rest).collect()))
            }
        }
    }

    /// The leaves that rows from place `first` of the log on make, up to the first that is not an entry in its place.
    /// `None` when the secret of one was destroyed. With `making`, a month that has no secret yet gets one.
    async fn leaves_of(
        &self,
        secrets: &mut Secrets,
        first: u64,
        rows: Rows,
        making: bool,
    ) -> Result<Option<Vec<Vec<u8>>>> {
        let entries = blocking(move || entries(first, rows)).await?;
        let wanted: BTreeSet<(&str, Month)> =
            entries.iter().map(|(facility, e)| (facility.as_str(), month(e))).collect();
        for (facility, month) in wanted {
            self.know(secrets, facility, month, making).await?;
        }
        let known = std::mem::take(secrets);
        let (known, leaves) = blocking(move || {
            let leaf = |(index, (facility, entry)): (u64, &(String, Entry))| {
                known.of(facility, entry).map(|salts| leaf(salts, index, fields(entry)).to_vec())
            };
            let leaves = (first..).zip(&entries).map(leaf).collect();
            (known, leaves)
        })
        .await?;
        *secrets = known;
        Ok(leaves)
    }

    /// Looks up the secret of an entry's month, once.
    pub(super) async fn know_of(&self, secrets: &mut Secrets, facility: &str, entry: &Entry) -> Result<()> {
        self.know(secrets, facility, month(entry), false).await
    }

    async fn know(&self, secrets: &mut Secrets, facility: &str, month: Month, making: bool) -> Result<()> {
        if secrets.at(facility, month).is_some() {
            return Ok(());
        }
        let name = format!("{:04}-{:02}", month.0, month.1);
        let secret = match self.store.seal_key_find(facility, &name).await? {
            None if making => {
                let new = hex(&random::<32>(&*self.identity.entropy)?);
                Some(self.store.seal_key(facility, &name, &new).await?)
            }
            found => found,
        };
        if let Some(secret) = secret.and_then(|text| unhex(&text)).and_then(|bytes| bytes.try_into().ok()) {
            secrets.0.entry(facility.to_owned()).or_default().insert(month, Salts::new(&secret));
        }
        Ok(())
    }
}

/// The entries of rows, up to the first that is none or is out of its place: what follows does not count.
fn entries(first: u64, rows: Rows) -> Vec<(String, Entry)> {
    let entry = |(index, (seq, facility, text)): (u64, (i64, String, String))| {
        (u64::try_from(seq) == Ok(index + 1)).then_some(())?;
        Some((facility, serde_json::from_str(&text).ok()?))
    };
    (first..).zip(rows).map_while(entry).collect()
}

/// The fields that a leaf commits to: those of the entry in their order, each detail on its own.
pub(super) fn fields(entry: &Entry) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
    let detail = |(name, value)| (Cow::Owned(["details.", name].concat()), Cow::Borrowed(value));
    let details = entry.details.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    [own("action", &entry.action), own("actor", &entry.actor), number("at", entry.at)]
        .into_iter()
        .chain(details.map(detail))
        .chain([own("facility", &entry.facility), number("seq", entry.seq), own("subject", &entry.subject)])
}

fn own<'a>(name: &'static str, value: &'a str) -> (Cow<'a, str>, Cow<'a, str>) {
    (Cow::Borrowed(name), Cow::Borrowed(value))
}

fn number(name: &'static str, value: i64) -> (Cow<'static, str>, Cow<'static, str>) {
    (Cow::Borrowed(name), Cow::Owned(value.to_string()))
}

/// The month of an entry, UTC.
fn month(entry: &Entry) -> Month {
    let at = TimeZone::UTC.to_datetime(Timestamp::from_microsecond(entry.at).unwrap_or_default());
    (at.year(), at.month())
}
