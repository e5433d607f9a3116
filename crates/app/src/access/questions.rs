//! Questions about accesses. Every one is an entry of the journal: who asked about whom.

use std::collections::{HashMap, HashSet};

use domain::access::review::Signal;
use domain::access::{Act, Exposure, Outcome};
use domain::evaluate::Facility;
use domain::journal::{Actor, Event};
use domain::jp::start_in_japan;
use domain::text::{fold, tidy};
use jiff::civil::Date;
use jiff::{Span, Timestamp};
use store::{AccessOpener, AccessQuery, AccessRow};

use super::review::Case;
use super::signals::Accounts;
use crate::App;
use crate::error::{Error, Result};

/// Lines of an answer at a time.
pub(super) const PAGE: u32 = 100;

/// What is asked about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AccessTopic {
    /// Everything.
    #[default]
    All,
    /// Only records that were opened.
    Opened,
    /// What was refused or failed.
    Undone,
    /// Overrides for an emergency.
    Emergency,
    /// What was printed or taken out.
    Taken,
    /// Maintenance.
    Maintenance,
    /// What stands out in this way.
    Signal(Signal),
}

impl AccessTopic {
    /// Every topic.
    pub fn all() -> impl Iterator<Item = Self> {
        let plain = [Self::All, Self::Opened, Self::Undone, Self::Emergency, Self::Taken, Self::Maintenance];
        let signals = Signal::all().filter(|signal| *signal != Signal::Emergency);
        plain.into_iter().chain(signals.map(Self::Signal))
    }

    /// The stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Opened => "opened",
            Self::Undone => "undone",
            Self::Emergency => "emergency",
            Self::Taken => "taken",
            Self::Maintenance => "maintenance",
            Self::Signal(signal) => signal.code(),
        }
    }

    /// The topic with this code.
    pub fn parse(code: &str) -> Option<Self> {
        Self::all().find(|topic| topic.code() == code)
    }

    fn narrow(self, query: &mut AccessQuery) {
        match self {
            Self::All | Self::Signal(_) => {}
            Self::Opened => query.exposure = Some(Exposure::Opened),
            Self::Undone => query.undone = true,
            Self::Emergency => query.acts = vec![Act::Emergency],
            Self::Taken => query.acts = vec![Act::Print, Act::Export],
            Self::Maintenance => query.acts = vec![Act::Maintain],
        }
    }
}

/// A question.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccessQuestion {
    /// Id of the patient; empty for whomever.
    pub patient: String,
    /// Staff number, name or user id; empty for whomever.
    pub user: String,
    /// What is asked about.
    pub topic: AccessTopic,
    /// First day, in Japan.
    pub since: Option<Date>,
    /// Last day, in Japan.
    pub until: Option<Date>,
    /// Only what comes after this line, newest first: its time and place.
    pub before: Option<(i64, i64)>,
}

/// One line of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessLine {
    /// Place of the entry in the journal.
    pub seq: i64,
    /// When, by the clock of the source.
    pub at: Timestamp,
    /// When it came here.
    pub received_at: Option<Timestamp>,
    /// Source.
    pub source: String,
    /// User id.
    pub user: String,
    /// Who that is: by the ledgers, or as the source says.
    pub name: Option<String>,
    /// Profession and department, by the ledgers.
    pub post: Option<String>,
    /// Terminal.
    pub terminal: Option<String>,
    /// Patient.
    pub patient: Option<String>,
    /// Record.
    pub resource: Option<String>,
    /// What was done.
    pub act: Act,
    /// How much was seen.
    pub exposure: Exposure,
    /// How it ended.
    pub outcome: Outcome,
    /// Number of records concerned.
    pub records: Option<i64>,
    /// Purpose, reason and relation as stated, one after the other.
    pub why: Vec<String>,
}

/// An answer.
#[derive(Clone, Debug, Default)]
pub struct AccessAnswer {
    /// Newest first.
    pub lines: Vec<AccessLine>,
    /// How many there are in all.
    pub count: u64,
    /// Where older ones begin, if there are any.
    pub older: Option<(i64, i64)>,
    /// When it is about a patient: everybody who saw something.
    pub openers: Vec<AccessOpener>,
    /// When it is about what stands out: what does.
    pub bursts: Vec<Case>,
    /// The days it is about.
    pub days: Option<(Date, Date)>,
}

impl App {
    /// Answers a question, and says in the journal who asked what. Where no first day is given, a patient is asked about
    /// over five years, everything else over the last month.
    ///
    /// # Errors
    /// When the days are the wrong way round; any store error.
    pub async fn ask_accesses(&self, by: &Actor, facility: &Facility, asked: &AccessQuestion) -> Result<AccessAnswer> {
        let (days, span) = self.days(asked)?;
        let mut answer = AccessAnswer { days: Some(days), ..AccessAnswer::default() };
        if let AccessTopic::Signal(signal) = asked.topic {
            answer.bursts = self.bursts(facility, signal, span).await?;
            answer.count = answer.bursts.len() as u64;
        } else {
            let accounts = self.accounts(facility).await?;
            let mut query = self.query(facility, &accounts, asked, span).await?;
            query.limit = PAGE + 1;
            answer.count = self.store.access_count(&facility.id, &query).await?;
            let mut rows = self.store.access_list(&facility.id, &query).await?;
            if rows.len() > PAGE as usize {
                rows.truncate(PAGE as usize);
                answer.older = rows.last().map(|row| (row.at, row.seq));
            }
            answer.lines = self.lines(facility, &accounts, rows).await?;
            if let Some(patient) = query.patient.filter(|_| asked.before.is_none() && asked.user.is_empty()) {
                answer.openers = self.store.access_openers(&facility.id, &patient, span).await?;
                for opener in &mut answer.openers {
                    let known = accounts.holder(&opener.source, &opener.user).map(|holder| holder.name.clone());
                    opener.user_name = known.or_else(|| opener.user_name.take());
                }
            }
        }
        self.note_question(by, facility, "accesses.ask", asked, days, answer.count).await?;
        Ok(answer)
    }

    /// Everything a question asks for, up to so many lines, without an entry: whoever gives it out makes one.
    pub(super) async fn whole_answer(
        &self,
        facility: &Facility,
        asked: &AccessQuestion,
        most: u32,
    ) -> Result<(Vec<AccessLine>, (Date, Date))> {
        let (days, span) = self.days(asked)?;
        let accounts = self.accounts(facility).await?;
        let query = AccessQuery { limit: most, ..self.query(facility, &accounts, asked, span).await? };
        let rows = self.store.access_list(&facility.id, &query).await?;
        Ok((self.lines(facility, &accounts, rows).await?, days))
    }

    /// Notes in the journal what was asked, by whom.
    pub(super) async fn note_question(
        &self,
        by: &Actor,
        facility: &Facility,
        action: &str,
        asked: &AccessQuestion,
        (since, until): (Date, Date),
        found: u64,
    ) -> Result<()> {
        let subject = [&asked.patient, &asked.user].into_iter().map(|t| tidy(t)).find(|t| !t.is_empty());
        let mut event = Event::new(action, subject.unwrap_or_default())
            .with("about", asked.topic.code())
            .with("since", since)
            .with("until", until)
            .with("found", found);
        for (name, value) in [("patient", &asked.patient), ("user", &asked.user)] {
            if !tidy(value).is_empty() {
                event = event.with(name, tidy(value));
            }
        }
        let mut tx = self.store.begin(by, &facility.id, self.now()).await?;
        tx.record(event);
        Ok(tx.commit().await?)
    }

    fn days(&self, asked: &AccessQuestion) -> Result<((Date, Date), (i64, i64))> {
        let until = asked.until.unwrap_or_else(|| self.today());
        let back = if tidy(&asked.patient).is_empty() { Span::new().days(30) } else { Span::new().years(5) };
        let since = asked.since.unwrap_or_else(|| until.checked_sub(back).unwrap_or(until));
        if since > until {
            return Err(Error::field("since", "最初の日が最後の日より後です（ACC-003）。日を入れ替えてください。"));
        }
        let end = until.tomorrow().unwrap_or(until);
        Ok(((since, until), (start_in_japan(since).as_microsecond(), start_in_japan(end).as_microsecond())))
    }

    async fn query(
        &self,
        facility: &Facility,
        accounts: &Accounts,
        asked: &AccessQuestion,
        span: (i64, i64),
    ) -> Result<AccessQuery> {
        let patient = Some(tidy(&asked.patient)).filter(|patient| !patient.is_empty());
        let mut query = AccessQuery { patient, span, before: asked.before, ..AccessQuery::default() };
        asked.topic.narrow(&mut query);
        let user = fold(&asked.user);
        if !user.is_empty() {
            let known = self.store.access_users(&facility.id).await?;
            let mut users: Vec<(Option<String>, String)> = known
                .iter()
                .filter(|(id, name)| fold(id) == user || name.as_deref().is_some_and(|name| fold(name) == user))
                .map(|(id, _)| (None, id.clone()))
                .collect();
            let by_login: HashMap<String, &String> = known.iter().map(|(id, _)| (id.to_uppercase(), id)).collect();
            let plain: HashSet<String> = users.iter().map(|(_, id)| id.clone()).collect();
            for (source, login) in accounts.of_person(&user) {
                if let Some(id) = by_login.get(&login).filter(|id| !plain.contains(**id)) {
                    users.push((Some(source), (*id).clone()));
                }
            }
            query.users = Some(users);
        }
        Ok(query)
    }

    async fn lines(&self, facility: &Facility, accounts: &Accounts, rows: Vec<AccessRow>) -> Result<Vec<AccessLine>> {
        let seqs: Vec<i64> = rows.iter().map(|row| row.seq).collect();
        let mut details = self.store.access_details(&facility.id, &seqs).await?;
        let line = |row: AccessRow| {
            let (entry, access) = details.remove(&row.seq).unzip();
            let holder = accounts.holder(&row.source, &row.user);
            let why = access.as_ref().map_or_else(Vec::new, |access| {
                [&access.purpose, &access.reason, &access.relation].into_iter().flatten().cloned().collect()
            });
            AccessLine {
                seq: row.seq,
                at: Timestamp::from_microsecond(row.at).unwrap_or_default(),
                received_at: entry.and_then(|entry| Timestamp::from_microsecond(entry.at).ok()),
                name: holder.map(|holder| holder.name.clone()).or(row.user_name),
                post: holder.map(|holder| holder.post.clone()).filter(|post| !post.is_empty()),
                source: row.source,
                user: row.user,
                terminal: row.terminal,
                patient: row.patient,
                resource: access.and_then(|access| access.resource),
                act: row.act,
                exposure: row.exposure,
                outcome: row.outcome,
                records: row.records,
                why,
            }
        };
        Ok(rows.into_iter().map(line).collect())
    }
}
