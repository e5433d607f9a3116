//! 操作記録: who did what when, as people look for it.

use std::collections::HashMap;

use domain::evaluate::Facility;
use domain::journal::{Actor, Break, Entry, Event};
use domain::jp::start_in_japan;
use domain::text::fold;
use domain::unrecorded::Class;
use jiff::civil::Date;

use crate::App;
use crate::error::Result;

/// Entries on a page.
pub const JOURNAL_PAGE: usize = 50;
/// Entries read at a time.
const PART: u32 = 500;
/// Most entries looked through for one page; the search goes on from there when asked to.
const LOOKED_AT: usize = 20_000;

/// What to look for in the journal.
#[derive(Clone, Copy)]
pub struct JournalQuery<'a> {
    /// Words, each of which has to occur in subject, action or person; spelling variants are one.
    pub text: &'a str,
    /// What an action is called on the page; that name is searched too.
    pub name_of: &'a (dyn Fn(&str) -> String + Sync),
    /// First day, in Japan.
    pub since: Option<Date>,
    /// Last day, in Japan.
    pub until: Option<Date>,
    /// Only what is older than this place.
    pub before: Option<i64>,
}

/// A page of the journal.
#[derive(Clone, Debug)]
pub struct JournalPage {
    /// Newest first.
    pub entries: Vec<Entry>,
    /// Where older ones begin, if there may be any.
    pub older: Option<i64>,
    /// Whether the search stopped before the page was full, to go on when asked.
    pub cut: bool,
}

impl App {
    /// A page of a facility's journal, newest first; that it was read, and what of it, is an entry, too.
    ///
    /// # Errors
    /// When the reading cannot be recorded and must not go on without; any store error.
    pub async fn read_journal(&self, by: &Actor, facility: &Facility, query: JournalQuery<'_>) -> Result<JournalPage> {
        let mut event = Event::new("journal.read", "");
        for (name, day) in [("since", query.since), ("until", query.until)] {
            if let Some(day) = day {
                event = event.with(name, day);
            }
        }
        let page = self.journal(facility, query).await?;
        if let (Some(newest), Some(oldest)) = (page.entries.first(), page.entries.last()) {
            event = event.with("first", oldest.seq).with("last", newest.seq);
        }
        self.record(Class::Administration, by, &facility.id, event).await?;
        Ok(page)
    }

    /// The same for the product itself, unnoted.
    ///
    /// # Errors
    /// Any store error.
    pub async fn journal(&self, facility: &Facility, query: JournalQuery<'_>) -> Result<JournalPage> {
        let start = |day: Date| start_in_japan(day).as_microsecond();
        let since = query.since.map_or(i64::MIN, start);
        let until = query.until.map_or(i64::MAX, |day| day.tomorrow().map_or(i64::MAX, start));
        let words: Vec<String> = query.text.split_whitespace().map(fold).filter(|w| !w.is_empty()).collect();
        let mut names: HashMap<String, String> = HashMap::new();
        let mut found = |entry: &Entry| {
            let name = names.entry(entry.action.clone()).or_insert_with(|| fold(&(query.name_of)(&entry.action)));
            let texts = [&entry.subject, &entry.actor, &entry.action].map(|text| fold(text));
            words.iter().all(|word| texts.iter().any(|text| text.contains(word)) || name.contains(word))
        };
        let mut page = JournalPage { entries: Vec::new(), older: None, cut: false };
        let mut before = query.before.unwrap_or(i64::MAX);
        let mut looked_at = 0;
        loop {
            let part = self.store.journal_part(&facility.id, before, (since, until), PART).await?;
            let last = part.last().map(|entry| entry.seq);
            looked_at += part.len();
            for entry in part.into_iter().filter(|entry| words.is_empty() || found(entry)) {
                if page.entries.len() == JOURNAL_PAGE {
                    page.older = page.entries.last().map(|entry| entry.seq);
                    return Ok(page);
                }
                page.entries.push(entry);
            }
            match last {
                None => return Ok(page),
                Some(last) if looked_at >= LOOKED_AT => {
                    page.older = Some(last);
                    page.cut = true;
                    return Ok(page);
                }
                Some(last) => before = last,
            }
        }
    }

    /// Checks the whole journal: the number of entries, or the first place that does not fit.
    ///
    /// # Errors
    /// Any store error; the break is the inner result.
    pub async fn verify_journal(&self) -> Result<std::result::Result<i64, Break>> {
        Ok(self.store.journal_verify().await?)
    }
}
