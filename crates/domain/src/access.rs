//! Access events: who did what to whose record, when, from where, through which system, why, with what outcome
//! (`mhlw-7.0` 運17①).
//!
//! One [`Access`] is what every format that comes in becomes (FHIR AuditEvent, ATNA and JAHIS audit messages, tables) and
//! what every format that goes out is made of. It becomes a journal entry as any other event does, so it is sealed with
//! them and can be redacted field by field; what questions are asked of is an index that is rebuilt from the journal.
//!
//! *Opened* is told apart from *shown in a list*: a name in a search result was not looked into.

mod arrival;
pub mod review;

use jiff::Timestamp;

use crate::journal::{Entry, Event};
use crate::text::Label;

pub use arrival::{Numbers, arrival_hash};

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Act {
    /// Signed in to the system.
    SignIn,
    /// Signed out, or was signed out.
    SignOut,
    /// Searched for patients or records; whom the answer showed are accesses of their own.
    Search,
    /// Read a record.
    Read,
    /// Made a record.
    Create,
    /// Changed a record.
    Update,
    /// Deleted a record.
    Delete,
    /// Printed.
    Print,
    /// Took data out of the system: file, copy, transfer.
    Export,
    /// Worked on the system itself: settings, accounts, maintenance.
    Maintain,
    /// Overrode a restriction for an emergency (break-glass).
    Emergency,
}

/// How much of a record was seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Exposure {
    /// Somebody went into the record on purpose.
    #[default]
    Opened,
    /// It stood in a list or a search result.
    Listed,
}

/// How it ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// Done.
    #[default]
    Done,
    /// Refused: no right to it, wrong password.
    Refused,
    /// Broke down.
    Failed,
}

/// One access. Texts are as the source says them, tidied; what the source does not say is `None`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    /// When, by the clock of the source.
    pub at: Timestamp,
    /// Which source reported it: its key in the ledger of sources.
    pub source: String,
    /// The event's own id at the source; the same id twice is one event.
    pub source_id: Option<String>,
    /// Who: the user id in the system; empty where nobody was signed in.
    pub user: String,
    /// Name of the user.
    pub user_name: Option<String>,
    /// In whose name, when not in their own.
    pub on_behalf_of: Option<String>,
    /// Terminal: name or address.
    pub terminal: Option<String>,
    /// Whose record: the patient's id. `None` where no patient is concerned. Never a name.
    pub patient: Option<String>,
    /// Which record: kind and id, as the system calls it (`Observation/123`, `検査結果`).
    pub resource: Option<String>,
    /// What was done.
    pub act: Act,
    /// How much was seen.
    pub exposure: Exposure,
    /// How it ended.
    pub outcome: Outcome,
    /// Purpose of use, as coded or written (`TREAT`, `ETREAT`, `監査`).
    pub purpose: Option<String>,
    /// Reason given, for an emergency above all.
    pub reason: Option<String>,
    /// The decision and the version of the policy behind it.
    pub policy: Option<String>,
    /// The relation that explains the access (`外来受付`).
    pub relation: Option<String>,
    /// How the user was authenticated.
    pub authentication: Option<String>,
    /// Number of records concerned, for lists, prints and exports.
    pub records: Option<u64>,
    /// Number of the work plan, for maintenance.
    pub plan: Option<String>,
}

/// Every act: code, name.
const ACTS: [(Act, &str, Label); 11] = [
    (Act::SignIn, "sign-in", Label::new("サインイン", "sign in")),
    (Act::SignOut, "sign-out", Label::new("サインアウト", "sign out")),
    (Act::Search, "search", Label::new("検索", "search")),
    (Act::Read, "read", Label::new("閲覧", "read")),
    (Act::Create, "create", Label::new("登録", "create")),
    (Act::Update, "update", Label::new("変更", "update")),
    (Act::Delete, "delete", Label::new("削除", "delete")),
    (Act::Print, "print", Label::new("印刷", "print")),
    (Act::Export, "export", Label::new("出力", "export")),
    (Act::Maintain, "maintain", Label::new("保守・管理", "maintain")),
    (Act::Emergency, "emergency", Label::new("緊急時の閲覧", "emergency access")),
];

/// Every outcome: code, name.
const OUTCOMES: [(Outcome, &str, Label); 3] = [
    (Outcome::Done, "done", Label::new("成功", "done")),
    (Outcome::Refused, "refused", Label::new("拒否", "refused")),
    (Outcome::Failed, "failed", Label::new("失敗", "failed")),
];

/// Every exposure: code, name.
const EXPOSURES: [(Exposure, &str, Label); 2] = [
    (Exposure::Opened, "opened", Label::new("開いた", "opened")),
    (Exposure::Listed, "listed", Label::new("一覧に表示", "shown in a list")),
];

fn place(at: Option<usize>) -> i16 {
    at.and_then(|at| i16::try_from(at).ok()).unwrap_or(-1)
}

/// What an action of the journal begins with when it is an access.
pub const PREFIX: &str = "access.";

impl Act {
    /// Every act.
    pub const ALL: [Self; 11] = [
        Self::SignIn,
        Self::SignOut,
        Self::Search,
        Self::Read,
        Self::Create,
        Self::Update,
        Self::Delete,
        Self::Print,
        Self::Export,
        Self::Maintain,
        Self::Emergency,
    ];
}

/// What the table of a closed set tells of each member.
macro_rules! coded {
    ($set:ident, $table:ident) => {
        impl $set {
            /// The stable code.
            pub fn code(self) -> &'static str {
                $table.iter().find(|row| row.0 == self).map_or("", |row| row.1)
            }

            /// The name for people.
            pub fn label(self) -> Label {
                $table.iter().find(|row| row.0 == self).map_or(Label::new("", ""), |row| row.2)
            }

            /// Its place in the table, by which the index stores it: the order never changes.
            pub fn place(self) -> i16 {
                place($table.iter().position(|row| row.0 == self))
            }

            /// The member at a place.
            pub fn at(place: i16) -> Option<Self> {
                $table.get(usize::try_from(place).ok()?).map(|row| row.0)
            }

            /// The member with this code.
            pub fn parse(code: &str) -> Option<Self> {
                $table.iter().find(|row| row.1 == code).map(|row| row.0)
            }
        }
    };
}
coded!(Act, ACTS);
coded!(Outcome, OUTCOMES);
coded!(Exposure, EXPOSURES);

impl Access {
    /// An access of which nothing more is known yet.
    pub fn new(at: Timestamp, source: impl Into<String>, user: impl Into<String>, act: Act) -> Self {
        Self {
            at,
            source: source.into(),
            source_id: None,
            user: user.into(),
            user_name: None,
            on_behalf_of: None,
            terminal: None,
            patient: None,
            resource: None,
            act,
            exposure: Exposure::default(),
            outcome: Outcome::default(),
            purpose: None,
            reason: None,
            policy: None,
            relation: None,
            authentication: None,
            records: None,
            plan: None,
        }
    }

    /// The event of the journal: action `access.<act>`, about the patient or, where there is none, the record.
    pub fn event(&self) -> Event {
        let subject = self.patient.as_ref().or(self.resource.as_ref()).cloned().unwrap_or_default();
        let mut event = Event::new(&format!("{PREFIX}{}", self.act.code()), subject)
            .with("time", self.at.as_microsecond())
            .with("source", &self.source)
            .with("user", &self.user)
            .with("outcome", self.outcome.code())
            .with("exposure", self.exposure.code());
        let records = self.records.map(|n| n.to_string());
        let stated = self.texts().into_iter().chain([("records", &records)]);
        for (name, value) in stated {
            if let Some(value) = value {
                event = event.with(name, value);
            }
        }
        event
    }

    /// The access that an entry of the journal tells of; `None` when it is about something else.
    pub fn of(entry: &Entry) -> Option<Self> {
        let act = Act::parse(entry.action.strip_prefix(PREFIX)?)?;
        let detail = |name: &str| entry.details.get(name).cloned();
        let at = Timestamp::from_microsecond(detail("time")?.parse().ok()?).ok()?;
        let mut access = Self::new(at, detail("source")?, detail("user").unwrap_or_default(), act);
        access.outcome = Outcome::parse(&detail("outcome")?)?;
        access.exposure = Exposure::parse(&detail("exposure")?)?;
        access.records = detail("records").and_then(|n| n.parse().ok());
        for (name, value) in access.texts_mut() {
            *value = detail(name);
        }
        Some(access)
    }

    /// Every text that is as the source says it.
    pub fn texts_of_source(&mut self) -> impl Iterator<Item = &mut String> {
        let Self {
            user,
            source_id,
            user_name,
            on_behalf_of,
            terminal,
            patient,
            resource,
            purpose,
            reason,
            policy,
            relation,
            authentication,
            plan,
            ..
        } = self;
        let stated = [
            source_id,
            user_name,
            on_behalf_of,
            terminal,
            patient,
            resource,
            purpose,
            reason,
            policy,
            relation,
            authentication,
            plan,
        ];
        std::iter::once(user).chain(stated.into_iter().flatten())
    }

    fn texts(&self) -> [(&'static str, &Option<String>); 12] {
        [
            ("id", &self.source_id),
            ("name", &self.user_name),
            ("for", &self.on_behalf_of),
            ("terminal", &self.terminal),
            ("patient", &self.patient),
            ("resource", &self.resource),
            ("purpose", &self.purpose),
            ("reason", &self.reason),
            ("policy", &self.policy),
            ("relation", &self.relation),
            ("authentication", &self.authentication),
            ("plan", &self.plan),
        ]
    }

    fn texts_mut(&mut self) -> [(&'static str, &mut Option<String>); 12] {
        [
            ("id", &mut self.source_id),
            ("name", &mut self.user_name),
            ("for", &mut self.on_behalf_of),
            ("terminal", &mut self.terminal),
            ("patient", &mut self.patient),
            ("resource", &mut self.resource),
            ("purpose", &mut self.purpose),
            ("reason", &mut self.reason),
            ("policy", &mut self.policy),
            ("relation", &mut self.relation),
            ("authentication", &mut self.authentication),
            ("plan", &mut self.plan),
        ]
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn codes_are_there_and_unique() {
        let mut codes: Vec<&str> = Act::ALL.into_iter().map(Act::code).collect();
        codes.extend(OUTCOMES.iter().map(|row| row.1));
        codes.extend(EXPOSURES.iter().map(|row| row.1));
        let count = codes.len();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), count);
        for act in Act::ALL {
            assert_eq!(Act::parse(act.code()), Some(act));
            assert_eq!(Act::at(act.place()), Some(act));
        }
    }

    proptest! {
        #[test]
        fn what_goes_into_the_journal_comes_out(
            act in 0_usize..11, outcome in 0_usize..3, exposure in 0_usize..2,
            at in 0_i64..4_000_000_000_000_000, records in prop::option::of(any::<u64>()),
            texts in prop::collection::vec(prop::option::of(".{0,12}"), 12),
        ) {
            let at = Timestamp::from_microsecond(at).unwrap();
            let mut access = Access::new(at, "PACS", "u1", ACTS[act].0);
            access.outcome = OUTCOMES[outcome].0;
            access.exposure = EXPOSURES[exposure].0;
            access.records = records;
            for ((_, value), text) in access.texts_mut().into_iter().zip(texts) {
                *value = text;
            }
            let event = access.event();
            let entry = Entry {
                action: event.action, actor: "intake".into(), at: 1, details: event.details,
                facility: "f".into(), seq: 1, subject: event.subject,
            };
            prop_assert_eq!(Access::of(&entry), Some(access));
            let other = Entry { action: "devices.import".into(), ..entry };
            prop_assert_eq!(Access::of(&other), None);
        }
    }
}
