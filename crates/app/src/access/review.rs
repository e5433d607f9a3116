//! アクセス記録の確認: signals become cases, cases are closed one by one, and a named person signs the review.
//!
//! The signed review is a row of the records, which the requirements ask for. What makes a case is in `signals`.

use std::collections::HashMap;

use domain::access::review::{CLOSED_DAYS, Closing, NUMBERS, Rules, Signal, week_of};
use domain::authz::Role;
use domain::evaluate::Facility;
use domain::journal::{Actor, Event};
use domain::jp::{day_in_japan, start_in_japan};
use domain::ledger::{Row, Value, ledger};
use domain::text::{fold, tidy};
use domain::threshold;
use jiff::{Span, Timestamp};
use store::{Burst, CaseRow};

use super::questions::PAGE;
use super::signals::Accounts;
use super::{AccessLine, AccessQuestion, AccessTopic};
use crate::App;
use crate::error::{Error, FieldError, Result};
use crate::mail::notices::{Notice, To, tell};

/// A case, or what would be one.
#[derive(Clone, Debug)]
pub struct Case {
    /// What stands out.
    pub signal: Signal,
    /// As it is stored; its number is 0 when it is not.
    pub row: CaseRow,
    /// Who or what it is about, as people call it.
    pub title: String,
    /// Profession and department of the person, where known.
    pub post: Option<String>,
}

/// The cases that no signed review has taken in.
#[derive(Clone, Debug, Default)]
pub struct CaseQueue {
    /// Open, within the budget of their week: these are to be looked at.
    pub open: Vec<Case>,
    /// Open, beyond the budget.
    pub beyond: Vec<Case>,
    /// Closed, waiting for the review to be signed.
    pub closed: Vec<Case>,
}

impl App {
    /// The numbers of a facility's review.
    ///
    /// # Errors
    /// Any store error.
    pub async fn review_rules(&self, facility: &Facility) -> Result<Rules> {
        Ok(Rules::new(self.store.review_settings(&facility.id).await?))
    }

    /// Sets numbers of the review, name and number as typed, and the days on which the facility is closed (bits, Sunday
    /// first).
    ///
    /// # Errors
    /// [`Error::Fields`] for what is no number, or one that makes no sense; any store error.
    pub async fn set_review_rules(
        &self,
        by: &Actor,
        facility: &Facility,
        typed: &HashMap<String, String>,
        closed_days: i64,
    ) -> Result<()> {
        let before = self.review_rules(facility).await?;
        let (mut set, mut faults) = (Vec::new(), Vec::new());
        for (of, least, most) in NUMBERS {
            let Some(text) = typed.get(of.name) else { continue };
            match tidy(text).parse::<i64>() {
                Ok(number) if (*least..=*most).contains(&number) => {
                    if number != before.get(of) {
                        set.push((of.name.to_owned(), number));
                    }
                }
                _ => faults.push(FieldError {
                    field: of.name.to_owned(),
                    message: format!("「{}」は{least}から{most}までの数にしてください（ACC-004）。", of.label.ja),
                }),
            }
        }
        if !faults.is_empty() {
            return Err(Error::Fields(faults));
        }
        if closed_days != before.closed_days() {
            set.push((CLOSED_DAYS.to_owned(), closed_days & 127));
        }
        let mut tx = self.store.begin(by, &facility.id, self.now()).await?;
        tx.review_set(&set).await?;
        tx.record(set.iter().fold(Event::new("review.rules", ""), |event, (name, value)| event.with(name, value)));
        Ok(tx.commit().await?)
    }

    /// Looks at this week and the one before for what stands out, and adds what is new to the cases, of which whoever runs
    /// the product is told by mail, at most once a day of each signal; how many were added or grew. That somebody looked is an entry of the journal, whatever was found; asking again changes nothing else.
    ///
    /// # Errors
    /// Any store error.
    pub async fn find_cases(&self, by: &Actor, facility: &Facility) -> Result<u64> {
        let (rules, accounts) = (self.review_rules(facility).await?, self.accounts(facility).await?);
        let this = week_of(self.now());
        let before = this.checked_sub(Span::new().weeks(1)).unwrap_or(this);
        let mut cases: Vec<CaseRow> = Vec::new();
        for monday in [before, this] {
            let end = monday.checked_add(Span::new().weeks(1)).unwrap_or(monday);
            let week = (start_in_japan(monday).as_microsecond(), start_in_japan(end).as_microsecond());
            for signal in Signal::all() {
                for burst in self.signal(facility, signal, week, &rules, &accounts).await? {
                    let found = case(signal, burst, &accounts).row;
                    cases.push(CaseRow { week: monday.to_string(), ..found });
                }
            }
        }
        let mut tx = self.store.begin(by, &facility.id, self.now()).await?;
        let news = tx.case_upsert(&cases).await?;
        let news = || cases.iter().zip(&news).filter(|(_, new)| **new).map(|(case, _)| case);
        for signal in Signal::all().filter(|signal| news().any(|case| case.kind == signal.code())) {
            let notice = Notice::StandsOut { signal, on: self.today() };
            tell(&mut tx, To::Role(Role::Admin), notice, self.now()).await?;
        }
        let count = news().count() as u64;
        tx.record(Event::new("review.find", "").with("cases", count));
        tx.commit().await?;
        Ok(count)
    }

    /// [`find_cases`](Self::find_cases) in every facility to which a source sent something.
    ///
    /// # Errors
    /// Any store error.
    pub async fn find_cases_everywhere(&self, by: &Actor) -> Result<()> {
        for facility in self.store.facility_list().await? {
            if !self.store.arrival_heads(&facility.id).await?.is_empty() {
                self.find_cases(by, &facility).await?;
            }
        }
        Ok(())
    }

    /// What stands out in one way in a stretch of time, the most first.
    pub(super) async fn bursts(&self, facility: &Facility, signal: Signal, span: (i64, i64)) -> Result<Vec<Case>> {
        let (rules, accounts) = (self.review_rules(facility).await?, self.accounts(facility).await?);
        let found = self.signal(facility, signal, span, &rules, &accounts).await?;
        Ok(found.into_iter().map(|burst| case(signal, burst, &accounts)).collect())
    }

    /// The cases that no signed review has taken in.
    ///
    /// # Errors
    /// Any store error.
    pub async fn case_queue(&self, facility: &Facility) -> Result<CaseQueue> {
        let (rules, accounts) = (self.review_rules(facility).await?, self.accounts(facility).await?);
        let budget = usize::try_from(rules.get(&threshold::REVIEW_BUDGET)).unwrap_or(usize::MAX);
        let mut queue = CaseQueue::default();
        let mut ranked: HashMap<String, usize> = HashMap::new();
        for row in self.store.case_list(&facility.id).await? {
            let Some(case) = shown(row, &accounts) else { continue };
            let rank = ranked.entry(case.row.week.clone()).or_default();
            *rank += 1;
            match (&case.row.closed, *rank <= budget) {
                (Some(_), _) => queue.closed.push(case),
                (None, true) => queue.open.push(case),
                (None, false) => queue.beyond.push(case),
            }
        }
        Ok(queue)
    }

    async fn case(&self, facility: &Facility, no: i64) -> Result<Case> {
        let missing = || Error::NotFound { what: "確認事項".to_owned() };
        let row = self.store.case_fetch(&facility.id, no).await.map_err(|error| match error {
            store::Error::NotFound { .. } => missing(),
            other => Error::Store(other),
        })?;
        shown(row, &self.accounts(facility).await?).ok_or_else(missing)
    }

    /// A case with its accesses, newest first; that they were looked at is an entry of the journal.
    ///
    /// # Errors
    /// [`Error::NotFound`] when the facility has no such case; any store error.
    pub async fn look_at_case(&self, by: &Actor, facility: &Facility, no: i64) -> Result<(Case, Vec<AccessLine>)> {
        let case = self.case(facility, no).await?;
        let about_patient = case.signal.about_patient();
        let subject = |wanted: bool| if wanted { case.row.subject.clone() } else { String::new() };
        let day = |at: i64| Some(day_in_japan(Timestamp::from_microsecond(at).unwrap_or_default()));
        let asked = AccessQuestion {
            patient: subject(about_patient),
            user: subject(!about_patient),
            since: day(case.row.span.0),
            until: day(case.row.span.1),
            topic: match case.signal {
                Signal::Refused => AccessTopic::Undone,
                Signal::Emergency => AccessTopic::Emergency,
                Signal::Volume => AccessTopic::Taken,
                Signal::Rush | Signal::OffHours => AccessTopic::Opened,
                _ => AccessTopic::All,
            },
            before: None,
        };
        let (mut lines, days) = self.whole_answer(facility, &asked, PAGE).await?;
        if !about_patient {
            lines.retain(|line| line.source == case.row.source);
        }
        self.note_question(by, facility, "review.look", &asked, days, lines.len() as u64).await?;
        Ok((case, lines))
    }

    /// Closes a case with a reason. Whoever closes it must not be the one it is about; `person` is their key in the list
    /// of people.
    ///
    /// # Errors
    /// [`Error::Fields`] without a reason or by the person concerned; a conflict when it was closed meanwhile.
    pub async fn close_case(
        &self,
        by: &Actor,
        person: Option<&str>,
        facility: &Facility,
        (no, closing, reason): (i64, Closing, &str),
    ) -> Result<()> {
        let reason = tidy(reason);
        if reason.is_empty() {
            let message = "理由がありません（ACC-005）。何を確かめてそう判断したかを書いてください。";
            return Err(Error::field("reason", message));
        }
        let case = self.case(facility, no).await?;
        if self.is_concerned(by, person, facility, &case).await? {
            let message = "自分に関わる確認事項は閉じられません（ACC-006）。ほかの人に確認を頼んでください。";
            return Err(Error::field("reason", message));
        }
        let mut tx = self.store.begin(by, &facility.id, self.now()).await?;
        tx.case_close(no, closing.code(), &reason, &by.name).await?;
        let event = Event::new("review.close", case.row.subject.clone())
            .with("case", no)
            .with("signal", case.signal.code())
            .with("verdict", closing.code())
            .with("reason", &reason);
        tx.record(event);
        Ok(tx.commit().await?)
    }

    /// Whether a case is about whoever acts: their own account, or a patient whose record they are among the openers of.
    async fn is_concerned(&self, by: &Actor, person: Option<&str>, facility: &Facility, case: &Case) -> Result<bool> {
        let same = |a: &str, b: &str| fold(a) == fold(b);
        if !case.signal.about_patient() {
            let mine = case.row.person.as_deref().zip(person).is_some_and(|(of, me)| same(of, me));
            return Ok(mine || same(&case.title, &by.name) || same(&case.row.subject, &by.name));
        }
        let accounts = self.accounts(facility).await?;
        let mut mine = accounts.of_person(&fold(&by.name));
        mine.extend(person.map(|person| accounts.of_person(&fold(person))).unwrap_or_default());
        let span = (case.row.span.0, case.row.span.1 + 1);
        let openers = self.store.access_openers(&facility.id, &case.row.subject, span).await?;
        Ok(openers.iter().any(|opener| {
            let account = (opener.source.clone(), opener.user.to_uppercase());
            opener.opened > 0 && (mine.contains(&account) || same(&opener.user, &by.name))
        }))
    }

    /// Signs the review: every case that was to be looked at has to be closed. It becomes a row of the records, by
    /// whose number the closed cases are kept; that number.
    ///
    /// # Errors
    /// [`Error::Invalid`] while cases are open, [`Error::Fields`] without a name; any store error.
    pub async fn sign_review(&self, by: &Actor, facility: &Facility, name: &str) -> Result<String> {
        let name = tidy(name);
        if name.is_empty() {
            return Err(Error::field("name", "確認した人の氏名がありません（ACC-007）。氏名を書いてください。"));
        }
        let queue = self.case_queue(facility).await?;
        if !queue.open.is_empty() {
            return Err(Error::invalid(
                "ACC-008",
                format!(
                    "確認を終えられませんでした。確認していない事項が{}件あります。すべて閉じてから、もう一度行ってください。",
                    queue.open.len()
                ),
            ));
        }
        let count = |closing: Closing| {
            let of = |case: &&Case| case.row.closed.as_ref().is_some_and(|closed| closed.verdict == closing.code());
            queue.closed.iter().filter(of).count()
        };
        let wrong = count(Closing::Inappropriate);
        let findings = format!(
            "確認{}件（適切{}件、不適切{wrong}件、不明{}件）。確認に回さなかった事項{}件。",
            queue.closed.len(),
            count(Closing::Appropriate),
            count(Closing::Unclear),
            queue.beyond.len()
        );
        let records = ledger("records").ok_or_else(|| Error::Internal { message: "records".to_owned() })?;
        let mut tx = self.store.begin(by, &facility.id, self.now()).await?;
        tx.hold_facility().await?;
        let no = tx.next_no(records, "I").await?;
        let cell = |text: &str| Value::Text(text.to_owned());
        let row = Row::from([
            ("no", cell(&no)),
            ("kind", cell("log_review")),
            ("title", cell("アクセス記録の確認")),
            ("held_on", Value::Date(self.today())),
            ("held_by", cell(&name)),
            ("result", cell(if wrong > 0 { "findings" } else { "ok" })),
            ("findings", cell(&findings)),
        ]);
        tx.row_insert(records, &no.to_uppercase(), row).await?;
        let numbers: Vec<i64> = queue.closed.iter().map(|case| case.row.no).collect();
        tx.case_review(&numbers, &no).await?;
        let event = Event::new("review.sign", no.clone()).with("cases", numbers.len());
        tx.record(event.with("name", &name).with("findings", findings));
        tx.commit().await?;
        Ok(no)
    }
}

fn case(signal: Signal, burst: Burst, accounts: &Accounts) -> Case {
    let holder = accounts.holder(&burst.source, &burst.user);
    let about_patient = signal.about_patient();
    let subject = if about_patient { burst.patient.unwrap_or_default() } else { burst.user.clone() };
    let extent = if about_patient { burst.people } else { burst.accesses };
    let row = CaseRow {
        no: 0,
        kind: signal.code().to_owned(),
        source: burst.source,
        person: holder.filter(|_| !about_patient).and_then(|holder| holder.key.clone()),
        span: burst.span,
        accesses: burst.accesses,
        people: burst.people,
        patients: burst.patients,
        weight: signal.weight() * 100_000 + extent.clamp(0, 99_999),
        week: String::new(),
        closed: None,
        review: None,
        subject,
    };
    titled(signal, row, holder.map(|h| h.name.clone()).or(burst.user_name), holder.map(|h| h.post.clone()))
}

fn shown(row: CaseRow, accounts: &Accounts) -> Option<Case> {
    let signal = Signal::parse(&row.kind)?;
    let holder = accounts.holder(&row.source, &row.subject);
    let (name, post) = holder.map(|h| (h.name.clone(), h.post.clone())).unzip();
    Some(titled(signal, row, name, post))
}

fn titled(signal: Signal, row: CaseRow, name: Option<String>, post: Option<String>) -> Case {
    let about_patient = signal.about_patient();
    let title = name.filter(|_| !about_patient).unwrap_or_else(|| row.subject.clone());
    Case { signal, title, post: post.filter(|post| !about_patient && !post.is_empty()), row }
}
