//! What mail tells: that there is something to see, how much, and where. No names out of ledgers, no patients, no secrets.

use domain::access::review::Signal;
use domain::authz::{Permission, Role};
use domain::evaluate::{Facility, plus};
use domain::jp::time_in_japan;
use domain::message;
use domain::text::{Label, Lang};
use domain::workflow::approval::same_person;
use jiff::Timestamp;
use jiff::civil::Date;
use store::{MailSettingsRow, UserRow, WriteTx};

use crate::App;
use crate::error::Result;
use crate::identity::User;
use crate::tasks::{Group, Task};

/// Hour of the day (Japan) from which on the summary of a day is sent.
const DIGEST_HOUR: i8 = 7;
/// Days after which what waits for approval is named as late.
pub const REMIND_AFTER: i32 = 3;

/// A sentence in a person's language; Japanese where none was chosen.
pub(crate) fn say(lang: Option<Lang>, key: &str, values: &[(&str, &dyn std::fmt::Display)]) -> String {
    message::say(lang.unwrap_or(Lang::Ja), key, values)
}

/// Whom a notice is for.
pub(crate) enum To<'a> {
    /// One account, by id.
    User(&'a str),
    /// Everybody of a role.
    Role(Role),
}

/// Something that happened and that somebody should hear of soon.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Notice<'a> {
    /// Somebody signed in as the account on a terminal that it was never used on.
    NewTerminal { session: &'a str, address: &'a str },
    /// A second person confirmed who the account's owner is, so that they get in.
    ResetConfirmed { grant: &'a str },
    /// The account of somebody who left was disabled.
    LeaverDisabled { user: &'a str },
    /// The seal of an emergency account was broken or put on.
    Emergency { about: &'a str },
    /// Something waits for approval; told once an hour.
    Asked { at: Timestamp },
    /// Something stands out in the access log; told once a day of each signal.
    StandsOut { signal: Signal, on: Date },
    /// Something is passed round.
    Circular { id: &'a str },
    /// An auditor asks for evidence.
    EvidenceAsked { no: &'a str },
    /// Evidence was handed in.
    EvidenceReady { no: &'a str, rev: i64 },
    /// An auditor sent evidence back.
    EvidenceBack { no: &'a str, rev: i64 },
}

impl Notice<'_> {
    fn key(self) -> &'static str {
        match self {
            Self::NewTerminal { .. } => "mail-terminal",
            Self::ResetConfirmed { .. } => "mail-reset",
            Self::LeaverDisabled { .. } => "mail-leaver",
            Self::Emergency { .. } => "mail-emergency",
            Self::Asked { .. } => "mail-asked",
            Self::StandsOut { .. } => "mail-stands-out",
            Self::Circular { .. } => "mail-circular",
            Self::EvidenceAsked { .. } => "mail-evidence",
            Self::EvidenceReady { .. } => "mail-evidence-ready",
            Self::EvidenceBack { .. } => "mail-evidence-back",
        }
    }

    /// What makes it one matter.
    fn about(self) -> String {
        match self {
            Self::NewTerminal { session, .. } => format!("terminal:{session}"),
            Self::ResetConfirmed { grant } => format!("reset:{grant}"),
            Self::LeaverDisabled { user } => format!("leaver:{user}"),
            Self::Emergency { about } => format!("emergency:{about}"),
            Self::Asked { at } => format!("asked:{}", time_in_japan(at).strftime("%Y-%m-%dT%H")),
            Self::StandsOut { signal, on } => format!("review:{}:{on}", signal.code()),
            Self::Circular { id } => format!("circular:{id}"),
            Self::EvidenceAsked { no } => format!("evidence:{no}"),
            Self::EvidenceReady { no, rev } => format!("evidence-ready:{no}:{rev}"),
            Self::EvidenceBack { no, rev } => format!("evidence-back:{no}:{rev}"),
        }
    }
}

/// Stages a notice beside the change it tells of.
pub(crate) async fn tell(tx: &mut WriteTx, to: To<'_>, notice: Notice<'_>, now: Timestamp) -> Result<()> {
    let at = time_in_japan(now).strftime("%Y-%m-%d %H:%M").to_string();
    let address = match notice {
        Notice::NewTerminal { address, .. } => address,
        _ => "",
    };
    let number = match notice {
        Notice::EvidenceAsked { no } | Notice::EvidenceReady { no, .. } | Notice::EvidenceBack { no, .. } => no,
        _ => "",
    };
    let key = notice.key();
    // The language of the reader is not known here; both stand in one mail.
    let signal = match notice {
        Notice::StandsOut { signal, .. } => signal.label(),
        _ => Label::new("", ""),
    };
    let both = |part: &str| {
        let said = |lang| {
            message::say(
                lang,
                part,
                &[("at", &at), ("address", &address), ("signal", &signal.in_lang(lang)), ("no", &number)],
            )
        };
        [Lang::Ja, Lang::En].map(said)
    };
    let [subject, _] = both(&format!("{key}-subject"));
    let body = both(key).join("\n\n");
    let to = match to {
        To::User(id) => id,
        To::Role(role) => role.code(),
    };
    Ok(tx.mail(to, &notice.about(), &subject, &body).await?)
}

/// What the summary of a day counts for one person.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Counts {
    /// Their own tasks that are late.
    overdue: usize,
    /// Their own tasks of the day.
    today: usize,
    /// Devices that they have borrowed and that are late.
    borrowed: usize,
    /// Devices of the facility that are late, for who keeps the ledgers.
    late_loans: usize,
    /// What waits for their check or approval.
    waiting: usize,
    /// Of that, what has waited long.
    waiting_long: usize,
    /// What is passed to them and that they have not seen.
    unread: usize,
}

/// What a facility has to tell on a day.
struct Day<'a> {
    tasks: &'a [Task],
    /// Borrower of each late device.
    late: Vec<String>,
    /// When what waits for approval was asked for, and names of those who have it now.
    asked: Vec<(Option<Date>, Vec<String>)>,
    /// Ids of those who have not seen what is passed round, once for each.
    unread: Vec<String>,
    today: Date,
}

impl Day<'_> {
    fn counts(&self, user: &User) -> Counts {
        let mine = |task: &&Task| task.owner.as_deref().is_some_and(|owner| same_person(owner, &user.name));
        let own = |group: Group| self.tasks.iter().filter(mine).filter(|task| task.group == group).count();
        let has_it = |names: &[String]| names.iter().any(|name| same_person(name, &user.name));
        let theirs: Vec<Option<Date>> =
            self.asked.iter().filter(|(_, with)| has_it(with)).map(|(asked_on, _)| *asked_on).collect();
        let long = |asked: &&Option<Date>| asked.is_some_and(|on| plus(on, REMIND_AFTER) <= self.today);
        let if_may = |permission: Permission, count: usize| if user.role.may(permission) { count } else { 0 };
        Counts {
            overdue: own(Group::Overdue),
            today: own(Group::Today),
            borrowed: self.late.iter().filter(|borrower| same_person(borrower, &user.name)).count(),
            late_loans: if_may(Permission::EditLedgers, self.late.len()),
            waiting: theirs.len(),
            waiting_long: theirs.iter().filter(long).count(),
            unread: self.unread.iter().filter(|id| **id == user.id).count(),
        }
    }
}

/// The summary in words; `None` when there is nothing to say.
fn summary(lang: Option<Lang>, counts: Counts, origin: &str) -> Option<String> {
    let lines = [
        ("mail-digest-overdue", counts.overdue),
        ("mail-digest-today", counts.today),
        ("mail-digest-borrowed", counts.borrowed),
        ("mail-digest-late", counts.late_loans),
        ("mail-digest-waiting", counts.waiting),
        ("mail-digest-long", counts.waiting_long),
        ("mail-digest-unread", counts.unread),
    ];
    let lines: Vec<String> = lines
        .iter()
        .filter(|(_, n)| *n > 0)
        .map(|(key, n)| say(lang, key, &[("n", n), ("days", &REMIND_AFTER)]))
        .collect();
    if lines.is_empty() {
        return None;
    }
    Some(format!("{}\n\n{}\n\n{origin}/\n", say(lang, "mail-digest", &[]), lines.join("\n")))
}

/// Whether the account is one that somebody reads mail for.
fn reads(row: &UserRow) -> bool {
    row.email.is_some() && row.disabled_at.is_none() && !row.sealed
}

impl App {
    /// Queues the summary of the day for everybody with something to do, once a day, from the morning on.
    pub(super) async fn mail_digest(&self, settings: &MailSettingsRow, origin: &str) -> Result<()> {
        let (now, today) = (self.now(), self.today());
        let day = today.to_string();
        let done = settings.digest_on.as_deref().is_some_and(|last| last >= day.as_str());
        if done || time_in_japan(now).hour() < DIGEST_HOUR {
            return Ok(());
        }
        let facility = self.facility_by_id(&settings.facility).await?;
        let readers: Vec<UserRow> = self.store.user_list(&facility.id).await?.into_iter().filter(reads).collect();
        if !readers.is_empty() {
            self.mail_day(&facility, &readers, today, origin).await?;
        }
        Ok(self.store.mail_digested(&facility.id, &day).await?)
    }

    async fn mail_day(&self, facility: &Facility, readers: &[UserRow], today: Date, origin: &str) -> Result<()> {
        let assessment = self.assess(facility).await?;
        let tasks = self.tasks(facility, &assessment).await?;
        let late = self.loans_open(facility).await?.into_iter().filter(|loan| loan.overdue_days > 0);
        let late = late.map(|loan| loan.borrower).collect();
        let pending = self.approvals_pending(facility).await?.into_iter();
        let asked = pending.map(|pending| (pending.asked_on, pending.passage.with)).collect();
        let unread = self.circulars_unread(facility).await?;
        let all = Day { tasks: &tasks, late, asked, unread, today };
        for row in readers {
            let user = User::of(row)?;
            let Some(body) = summary(user.lang, all.counts(&user), origin) else { continue };
            let subject = say(user.lang, "mail-digest-subject", &[("facility", &facility.name)]);
            let (about, at) = (format!("digest:{today}"), self.now().as_microsecond());
            self.store.mail_queue(&facility.id, &user.id, &about, &subject, &body, at).await?;
        }
        Ok(())
    }
}
