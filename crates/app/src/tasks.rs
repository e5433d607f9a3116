//! 今日やること: what people have to do, drawn from everything that knows a next step.
//!
//! Rows that are late name themselves; requirements that do not hold give their first next step. A step that serves
//! several requirements, or that a row already asks for, is one task. The order is the same on every call.

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::authz::Permission;
use domain::catalog::CatalogKind;
use domain::evaluate::{Facility, Finding, Verdict, plus};
use domain::fact::fact;
use domain::ledger::{Value, ledger};
use domain::message::say;
use domain::text::{Label, Lang};
use domain::threshold::SOON;
use domain::workflow::request::State;
use jiff::civil::Date;
use store::StoredRow;

use crate::App;
use crate::assess::Assessment;
use crate::error::Result;
use crate::identity::User;
use crate::workflow::Known;

/// When a task is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Group {
    /// Its day has passed.
    Overdue,
    /// Today.
    Today,
    /// Within the next seven days.
    ThisWeek,
    /// Somebody has to approve it.
    Waiting,
    /// Later, or without a day.
    Later,
}

/// Where a task is done.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TaskLink {
    /// A requirement, by id.
    Requirement(String),
    /// A row of a ledger.
    Row {
        /// Name of the ledger.
        ledger: &'static str,
        /// Key of the row.
        key: String,
    },
    /// A ledger as a whole.
    Ledger(&'static str),
    /// What the sources of access records sent.
    Sources,
    /// The review of the access log.
    Cases,
    /// A request for evidence, by number.
    Request(String),
    /// An account whose role is to be looked at.
    User {
        /// Id of the account.
        id: String,
        /// Key of its person in the ledger of people.
        person: String,
    },
    /// What is passed round.
    Circulars,
}

/// One thing to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Task {
    /// When.
    pub group: Group,
    /// What, the act first.
    pub title: String,
    /// Where.
    pub link: TaskLink,
    /// By when, where there is a day.
    pub due_on: Option<Date>,
    /// Who is to act, where somebody is named.
    pub owner: Option<String>,
}

impl Task {
    /// Whether it is about a row of a ledger, or about all of it.
    pub(crate) fn is_of(&self, name: &str) -> bool {
        matches!(&self.link, TaskLink::Row { ledger, .. } | TaskLink::Ledger(ledger) if *ledger == name)
    }
}

impl Group {
    /// Every group, the most pressing first.
    pub const ALL: [Self; 5] = [Self::Overdue, Self::Today, Self::ThisWeek, Self::Waiting, Self::Later];

    /// The word for people.
    pub const fn label(self) -> Label {
        match self {
            Self::Overdue => Label::new("期限切れ", "overdue"),
            Self::Today => Label::new("今日", "today"),
            Self::ThisWeek => Label::new("今週", "this week"),
            Self::Waiting => Label::new("承認待ち", "waiting for approval"),
            Self::Later => Label::new("これから", "later"),
        }
    }

    fn of(due: Option<Date>, today: Date) -> Self {
        match due {
            Some(due) if due < today => Self::Overdue,
            Some(due) if due == today => Self::Today,
            Some(due) if due <= plus(today, 7) => Self::ThisWeek,
            _ => Self::Later,
        }
    }
}

/// Rows of one kind that become a task each; the rest share one.
const EACH: usize = 5;

/// A task, and the next step of requirements that it takes care of.
struct Found {
    task: Task,
    does: String,
}

/// The rows of one ledger that ask for something.
struct Asking {
    ledger: &'static str,
    /// What the rest of them are called when there are too many.
    rest: &'static str,
    found: Vec<Found>,
}

impl Asking {
    fn new(ledger: &'static str, rest: &'static str) -> Self {
        Self { ledger, rest, found: Vec::new() }
    }

    fn add(&mut self, group: Group, title: String, key: &str, due_on: Option<Date>, owner: Option<String>, does: &str) {
        let link = TaskLink::Row { ledger: self.ledger, key: key.to_owned() };
        self.found.push(Found { task: Task { group, title, link, due_on, owner }, does: does.to_owned() });
    }

    /// The most pressing of them, and one task for the rest.
    fn bundled(mut self) -> Vec<Found> {
        self.found.sort_by(|a, b| order(&a.task).cmp(&order(&b.task)));
        let rest = self.found.split_off(self.found.len().min(EACH));
        if let Some(next) = rest.first() {
            let title = format!("確かめる：ほか{}件の{}", rest.len(), self.rest);
            let link = TaskLink::Ledger(self.ledger);
            let task = Task { group: next.task.group, title, link, due_on: next.task.due_on, owner: None };
            self.found.push(Found { task, does: next.does.clone() });
        }
        self.found
    }
}

impl App {
    /// What there is to do in a facility, the most pressing first; one chunk of equal [`Task::group`] after the other.
    ///
    /// # Errors
    /// Any store error.
    pub async fn tasks(&self, facility: &Facility, assessment: &Assessment) -> Result<Arc<Vec<Task>>> {
        self.kept.tasks.get(self, &facility.id, async || self.tasks_found(facility, assessment).await).await
    }

    async fn tasks_found(&self, facility: &Facility, assessment: &Assessment) -> Result<Vec<Task>> {
        let (known, today) = (self.known(facility).await?, assessment.today);
        let mut found = Vec::new();
        let documents = self.rows_of(facility, "documents").await?;
        found.extend(self.late_loans(facility, today).await?.bundled());
        found.extend(self.waiting(facility, &documents).await?);
        found.extend(self.leavers(facility, today).await?.bundled());
        found.extend(self.movers(facility, today).await?);
        found.extend(old_documents(&documents, today).bundled());
        found.extend(ending_contracts(&self.rows_of(facility, "contracts").await?, today).bundled());
        found.extend(ending_permits(&self.rows_of(facility, "byod").await?, &known, today).bundled());
        found.extend(self.faulty_sources(facility).await?);
        found.extend(self.open_cases(facility, today).await?);
        found.extend(self.open_requests(facility, assessment).await?);
        found.extend(self.unread(facility, today).await?);
        add_requirements(&mut found, assessment)?;
        let mut tasks: Vec<Task> = found.into_iter().map(|found| found.task).collect();
        tasks.sort_by(|a, b| order(a).cmp(&order(b)));
        Ok(tasks)
    }

    async fn rows_of(&self, facility: &Facility, name: &str) -> Result<Vec<StoredRow>> {
        let Some(ledger) = ledger(name) else { return Ok(Vec::new()) };
        self.rows_all(facility, ledger).await
    }

    async fn late_loans(&self, facility: &Facility, today: Date) -> Result<Asking> {
        let mut asking = Asking::new("loans", "返却されていない機器");
        for loan in self.loans_open(facility).await? {
            if loan.state != "lent" || loan.due_on.is_none_or(|due| due > today) {
                continue;
            }
            let late = match loan.overdue_days {
                0 => "今日まで".to_owned(),
                days => format!("{days}日超過"),
            };
            let title = format!("返却を求める：{}（{}さん、{late}）", loan.device, loan.borrower);
            let group = Group::of(loan.due_on, today);
            let does = remedy("loan.returned_in_time");
            asking.add(group, title, &loan.stored.key, loan.due_on, Some(loan.borrower), does);
        }
        Ok(asking)
    }

    async fn waiting(&self, facility: &Facility, documents: &[StoredRow]) -> Result<Vec<Found>> {
        let mut by_ledger: Vec<Asking> = Vec::new();
        for pending in self.approvals_pending(facility).await? {
            if by_ledger.last().is_none_or(|asking| asking.ledger != pending.ledger) {
                by_ledger.push(Asking::new(pending.ledger, "承認待ち"));
            }
            let draft = documents.iter().find(|d| pending.ledger == "documents" && d.key == pending.key);
            let does = draft.map(document_step).unwrap_or_default();
            let act = if pending.passage.next().is_some() { "確認する" } else { "承認する" };
            let title = format!("{act}：{}", pending.title);
            let with = Some(pending.passage.with.join("、")).filter(|with| !with.is_empty());
            if let Some(asking) = by_ledger.last_mut() {
                asking.add(Group::Waiting, title, &pending.key, None, with, &does);
            }
        }
        Ok(by_ledger.into_iter().flat_map(Asking::bundled).collect())
    }

    async fn faulty_sources(&self, facility: &Facility) -> Result<Vec<Found>> {
        let mut found = Vec::new();
        for source in self.access_sources(facility).await? {
            let Some(fault) = source.faults.first() else { continue };
            let title = format!("確かめる：「{}」の{}", source.name, fault.label().ja);
            let task = Task { group: Group::ThisWeek, title, link: TaskLink::Sources, due_on: None, owner: None };
            found.push(Found { task, does: String::new() });
        }
        Ok(found)
    }

    async fn open_cases(&self, facility: &Facility, today: Date) -> Result<Option<Found>> {
        let queue = self.case_queue(facility).await?;
        let last = queue.open.iter().filter_map(|case| case.row.week.parse().ok()).min();
        let Some(monday) = last else { return Ok(None) };
        // A week's cases are to be looked at until the end of the next.
        let due_on = plus(monday, 13);
        let title = format!("確認する：アクセス記録の確認事項{}件", queue.open.len());
        let group = Group::of(Some(due_on), today);
        let task = Task { group, title, link: TaskLink::Cases, due_on: Some(due_on), owner: None };
        let does = say(Lang::Ja, "next-record", &[("kind", &"アクセスログの確認")]);
        Ok(Some(Found { task, does }))
    }

    /// Evidence that auditors ask for; each is a task of its own, as each has an owner.
    async fn open_requests(&self, facility: &Facility, assessment: &Assessment) -> Result<Vec<Found>> {
        let requests = self.evidence_requests(facility, assessment, None).await?;
        let open = requests.into_iter().filter(|request| request.state.waits_for_answer());
        let found = open.map(|request| {
            let act = if request.state == State::SentBack { "証拠を出し直す" } else { "証拠を出す" };
            let title = format!("{act}：{}「{}」（監査の依頼）", request.no, shortened(&request.what, 40));
            let due_on = Some(request.due_on);
            let group = Group::of(due_on, assessment.today);
            let task = Task { group, title, link: TaskLink::Request(request.no), due_on, owner: request.with };
            Found { task, does: String::new() }
        });
        Ok(found.collect())
    }

    /// People whose department, profession or duties are others than when somebody decided on their role.
    async fn movers(&self, facility: &Facility, today: Date) -> Result<Vec<Found>> {
        let users = self.user_list(&facility.id).await?;
        let in_charge = |id: &str| {
            let manages =
                |user: &&User| user.role.may(Permission::ManageUsers) && user.disabled.is_none() && !user.sealed;
            let others = || users.iter().filter(manages);
            others().find(|user| user.id != id).or_else(|| others().next()).map(|user| user.name.clone())
        };
        let one = |user: &User| {
            let ((before, now), person) = user.moved.clone().zip(user.person.clone())?;
            let said = |text: String| if text.is_empty() { "記載なし".to_owned() } else { text };
            let title = format!("役割を見直す：{}さん（{} → {}）", user.name, said(before), said(now));
            let link = TaskLink::User { id: user.id.clone(), person };
            let owner = in_charge(&user.id);
            let task = Task { group: Group::Today, title, link, due_on: Some(today), owner };
            Some(Found { task, does: String::new() })
        };
        Ok(users.iter().filter_map(one).collect())
    }

    /// What is passed round and was not seen by everybody.
    async fn unread(&self, facility: &Facility, today: Date) -> Result<Vec<Found>> {
        let open = self.circulars_open(facility).await?;
        let found = open.into_iter().map(|(title, due_on, with)| {
            let title = format!("見る：{title}（回覧、あと{}人）", with.len());
            let group = Group::of(due_on, today);
            let task = Task { group, title, link: TaskLink::Circulars, due_on, owner: Some(with.join("、")) };
            Found { task, does: String::new() }
        });
        Ok(found.collect())
    }

    async fn leavers(&self, facility: &Facility, today: Date) -> Result<Asking> {
        let name = "account.leaver_disabled";
        let mut asking = Asking::new("accounts", "退職者のアカウント");
        let offenders = self.store.offender_list(name, &facility.id, today).await?;
        for account in offenders.into_iter().filter(|account| account.bad) {
            let who = account.name.unwrap_or_default();
            let title = format!("無効にする：退職した{who}さんのアカウント {}", account.key);
            asking.add(Group::Today, title, &account.key, Some(today), None, remedy(name));
        }
        Ok(asking)
    }
}

/// Approved documents whose review is due or past.
fn old_documents(documents: &[StoredRow], today: Date) -> Asking {
    let mut asking = Asking::new("documents", "見直す文書");
    for document in documents.iter().filter(|d| day(d, "approved_on").is_some()) {
        let due = day(document, "review_due_on");
        if due.is_some_and(|due| due <= plus(today, SOON.value)) {
            let title = format!("見直す：文書「{}」", text(document, "title"));
            let owner = Some(text(document, "owner")).filter(|owner| !owner.is_empty());
            asking.add(Group::of(due, today), title, &document.key, due, owner, &document_step(document));
        }
    }
    asking
}

/// The next step of a requirement that lacks a document of this kind.
fn document_step(document: &StoredRow) -> String {
    let column = ledger("documents").and_then(|l| l.column("kind"));
    let kind = column.zip(document.row.get("kind")).map(|(c, kind)| c.show(kind, Lang::Ja)).unwrap_or_default();
    say(Lang::Ja, "next-document", &[("kind", &kind)])
}

/// Contracts that end soon. What has ended is a matter of the requirement that asks for one.
fn ending_contracts(contracts: &[StoredRow], today: Date) -> Asking {
    let mut asking = Asking::new("contracts", "期限の近い契約");
    for contract in contracts {
        let end = day(contract, "end_on");
        if end.is_some_and(|end| end >= today && end <= plus(today, SOON.value)) {
            let title = format!("更新を決める：契約「{}」", text(contract, "name"));
            asking.add(Group::of(end, today), title, &contract.key, end, None, "");
        }
    }
    asking
}

/// Permits for personal devices that have run out or do soon.
fn ending_permits(permits: &[StoredRow], known: &Known, today: Date) -> Asking {
    let mut asking = Asking::new("byod", "期限の近い個人端末の許可");
    for permit in permits.iter().filter(|p| text(p, "state") == "approved") {
        let until = day(permit, "until_on");
        if until.is_some_and(|until| until <= plus(today, SOON.value)) {
            let who = known.called("people", &text(permit, "person"));
            let title = format!("終了か継続を決める：個人端末「{}」（{who}さん）", text(permit, "device"));
            asking.add(Group::of(until, today), title, &permit.key, until, Some(who), "");
        }
    }
    asking
}

/// Adds the first next step of every requirement that does not hold, or not for long, of the guideline followed and
/// of the newest checklist. A step that is there already only brings its day forward.
fn add_requirements(found: &mut Vec<Found>, assessment: &Assessment) -> Result<()> {
    let editions = assessment.editions();
    let shown = [CatalogKind::Guideline, CatalogKind::Checklist]
        .map(|kind| editions.iter().find(|catalog| catalog.kind == kind).map(|catalog| catalog.id.as_str()));
    let mut findings: Vec<Finding<'_>> = Vec::new();
    for edition in shown.into_iter().flatten() {
        findings.extend(assessment.findings(edition)?);
    }
    findings.sort_by_key(|finding| finding.verdict);
    let mut steps: BTreeMap<String, usize> = BTreeMap::new();
    for (at, row) in found.iter().enumerate().filter(|(_, row)| !row.does.is_empty()) {
        steps.entry(row.does.clone()).or_insert(at);
    }
    for finding in findings {
        let Some(step) = finding.next_actions(Lang::Ja).into_iter().next() else { continue };
        let declared = finding.declared;
        let due_on = match finding.verdict {
            Verdict::DueSoon => finding.holds_until,
            _ => declared.and_then(|declared| declared.target_on),
        };
        let owner = declared.and_then(|declared| declared.owner.clone());
        if let Some(known) = steps.get(&step).and_then(|at| found.get_mut(*at)) {
            let task = &mut known.task;
            task.due_on = [task.due_on, due_on].into_iter().flatten().min();
            task.owner = task.owner.take().or(owner);
            if task.group != Group::Waiting {
                task.group = task.group.min(Group::of(task.due_on, assessment.today));
            }
            continue;
        }
        steps.insert(step.clone(), found.len());
        let task = Task {
            group: Group::of(due_on, assessment.today),
            title: step.clone(),
            link: TaskLink::Requirement(finding.requirement.id.clone()),
            due_on,
            owner,
        };
        found.push(Found { task, does: step });
    }
    Ok(())
}

fn order(task: &Task) -> (Group, Date, &str, &TaskLink) {
    (task.group, task.due_on.unwrap_or(Date::MAX), &task.title, &task.link)
}

fn remedy(name: &str) -> &'static str {
    fact(name).map_or("", |fact| fact.remedy.ja)
}

/// The beginning of a long text.
pub(crate) fn shortened(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

fn text(stored: &StoredRow, name: &str) -> String {
    stored.row.get(name).map(ToString::to_string).unwrap_or_default()
}

fn day(stored: &StoredRow, name: &str) -> Option<Date> {
    match stored.row.get(name) {
        Some(Value::Date(day)) => Some(*day),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
    use super::*;
    use jiff::civil::date;

    #[test]
    fn groups_follow_the_day_and_many_rows_share_a_task() {
        let today = date(2026, 11, 22);
        let groups = [-1, 0, 1, 7, 8].map(|days| Group::of(Some(plus(today, days)), today));
        assert_eq!(groups, [Group::Overdue, Group::Today, Group::ThisWeek, Group::ThisWeek, Group::Later]);
        assert_eq!(Group::of(None, today), Group::Later);
        let mut asking = Asking::new("loans", "返却されていない機器");
        for n in 1..=8 {
            let due = Some(plus(today, -n));
            asking.add(Group::of(due, today), format!("{n}"), &format!("L-{n}"), due, None, "返す");
        }
        let tasks: Vec<Task> = asking.bundled().into_iter().map(|found| found.task).collect();
        assert_eq!(tasks.len(), EACH + 1);
        assert_eq!(
            (tasks[0].title.as_str(), tasks[EACH].title.as_str()),
            ("8", "確かめる：ほか3件の返却されていない機器")
        );
        assert_eq!(tasks[EACH].link, TaskLink::Ledger("loans"));
    }
}
