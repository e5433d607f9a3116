//! 今日やること: what is to be done, and how ready we are. Staff see what they borrowed and three large buttons.

use app::{Assessment, Count, Group, Task, TaskLink};
use askama::Template;
use domain::authz::Permission;
use domain::catalog::{Catalog, CatalogKind};
use domain::fact::fact;
use jiff::civil::Date;

use crate::guard::Visit;
use crate::page::{Chrome, PageResult, Problem};
use crate::pages::approvals::Mine;
use crate::pages::ledgers::{address, find, segment};
use crate::pages::loans::{self, Line};
use crate::pages::{circulars, requests, rows};

/// Facts about backup that are shown every day.
const BACKUP: &[&str] = &["system.backup_recent", "system.restore_tested"];
/// Ledgers without rows in which nothing can be done yet.
const FIRST: &[&str] = &["people", "devices", "systems"];

/// A thing to do.
struct Todo {
    title: String,
    href: String,
    due_on: Option<Date>,
    owner: Option<String>,
}

/// Things of one group.
struct Chunk {
    word: &'static str,
    todos: Vec<Todo>,
    /// Not before the others are done.
    folded: bool,
    late: bool,
}

/// How many items of an edition hold.
struct Ready {
    name: String,
    href: String,
    met: u32,
    of: u32,
    /// Share that holds, in hundredths.
    share: u32,
}

/// A fact in one line.
struct Known {
    label: &'static str,
    good: i64,
    total: i64,
    unknown: i64,
    /// How old the oldest observation is.
    since: Option<Date>,
}

/// What only those see who read verdicts.
struct Overview {
    open: usize,
    chunks: Vec<Chunk>,
    /// The newest checklist and the guideline followed.
    ready: Vec<Ready>,
    /// Checklists of earlier years.
    earlier: Vec<Ready>,
    known: Vec<Known>,
}

#[derive(Template)]
#[template(path = "today.html")]
struct Today {
    c: Chrome,
    /// Nothing is registered yet.
    first: bool,
    overview: Option<Overview>,
    lends: bool,
    /// What the person has borrowed.
    own: Vec<Line>,
    /// What the person asked for.
    mine: Vec<Mine>,
    /// What is passed to the person and waits for their check.
    round: usize,
    /// What the person, an auditor, asked for and has not confirmed.
    asked: Vec<requests::Line>,
}

/// The page.
pub(crate) async fn show(visit: Visit) -> PageResult {
    let (app, facility, me) = (visit.app(), visit.facility()?, visit.me()?);
    let c = visit.chrome("today-title");
    let mut first = me.may(Permission::EditLedgers);
    for name in FIRST {
        first = first && app.row_count(facility, find(name)?).await? == 0;
    }
    let mut round = 0;
    if me.may(Permission::ReadTasks) {
        let circulars = app.circulars(facility, &me.user).await?;
        round = circulars.iter().filter(|circular| circular.unread).count() + circulars::checks(&visit).await?.len();
    }
    let mut asked = Vec::new();
    if me.may(Permission::RequestEvidence) {
        let assessment = app.assess(facility).await?;
        let all = app.evidence_requests(facility, &assessment, Some(&me.user)).await?;
        let open = all.into_iter().filter(|request| request.state.is_under_way());
        asked.extend(open.map(|request| requests::line(&visit, &c, request)));
    }
    let overview = if me.may(Permission::ReadVerdicts) && !first {
        let assessment = app.assess(facility).await?;
        let tasks = app.tasks(facility, &assessment).await?;
        Some(overview(&visit, &c, &assessment, &tasks)?)
    } else {
        None
    };
    let lends = me.may(Permission::LendDevices);
    let (mut own, mut mine) = (Vec::new(), Vec::new());
    if lends {
        let myself = rows::myself(&visit)?;
        for loan in app.loans_open(facility).await? {
            if rows::text(&loan.stored, "borrower") == myself || loan.borrower == me.user.name {
                own.push(Line::of(&c, &loan)?);
            }
        }
        mine = app.asked_by(facility, &me.user.name).await?.into_iter().map(Mine::of).collect();
    }
    visit.page(&Today { c, first, overview, lends, own, mine, round, asked })
}

fn overview(visit: &Visit, c: &Chrome, assessment: &Assessment, tasks: &[Task]) -> Result<Overview, Problem> {
    let (approves, edits) = (visit.me()?.may(Permission::Approve), visit.me()?.may(Permission::EditLedgers));
    let manages = visit.me()?.may(Permission::ManageUsers);
    let open = tasks.len();
    let mut chunks: Vec<Chunk> = Vec::new();
    let mut last = None;
    for task in tasks {
        if last != Some(task.group) {
            last = Some(task.group);
            chunks.push(Chunk {
                word: c.word(task.group.label()),
                todos: Vec::new(),
                folded: task.group == Group::Later,
                late: task.group == Group::Overdue,
            });
        }
        let href = place(task, approves, edits, manages);
        let todo = Todo { title: task.title.clone(), href, due_on: task.due_on, owner: task.owner.clone() };
        if let Some(chunk) = chunks.last_mut() {
            chunk.todos.push(todo);
        }
    }
    let editions = assessment.editions();
    let (checklists, guidelines): (Vec<_>, Vec<_>) =
        editions.into_iter().partition(|edition| edition.kind == CatalogKind::Checklist);
    let mut checklists = checklists.into_iter();
    let mut ready = Vec::new();
    for edition in checklists.next().into_iter().chain(guidelines.into_iter().take(1)) {
        ready.push(readiness(c, assessment, edition)?);
    }
    let earlier = checklists.map(|edition| readiness(c, assessment, edition)).collect::<Result<_, _>>()?;
    let known = BACKUP.iter().filter_map(|name| {
        let (fact, tally) = (fact(name)?, assessment.evidence.facts.get(*name).copied().unwrap_or_default());
        Some(Known {
            label: c.word(fact.label),
            good: tally.total - tally.bad - tally.unknown,
            total: tally.total,
            unknown: tally.unknown,
            since: tally.oldest,
        })
    });
    Ok(Overview { open, chunks, ready, earlier, known: known.collect() })
}

/// How many items of an edition hold today.
fn readiness(c: &Chrome, assessment: &Assessment, edition: &Catalog) -> Result<Ready, Problem> {
    let (met, of) = Count::of(&assessment.findings(&edition.id)?).readiness();
    let (page, word) = match edition.kind {
        CatalogKind::Checklist => ("checklists", "today-checklist"),
        CatalogKind::Guideline => ("requirements", "today-guideline"),
    };
    Ok(Ready {
        name: c.with(word, "name", edition.short.in_lang(c.lang)),
        href: format!("/{page}?edition={}", edition.id),
        met,
        of,
        share: (met * 100).checked_div(of).unwrap_or_default(),
    })
}

/// Where a task is done: the very form, for who may use it.
fn place(task: &Task, approves: bool, edits: bool, manages: bool) -> String {
    match &task.link {
        TaskLink::Requirement(id) => format!("/requirements/{id}"),
        TaskLink::Sources => "/accesses/sources".to_owned(),
        TaskLink::Cases => "/accesses/cases".to_owned(),
        TaskLink::Circulars => "/circulars".to_owned(),
        TaskLink::Request(no) => requests::address(no),
        TaskLink::User { id, .. } if manages => format!("/users/{id}"),
        TaskLink::User { person, .. } => address("people", person),
        TaskLink::Row { .. } | TaskLink::Ledger(_) if task.group == Group::Waiting && approves => {
            "/approvals".to_owned()
        }
        TaskLink::Row { ledger: "loans", key } => loans::address(key),
        TaskLink::Row { ledger: "byod", .. } | TaskLink::Ledger("byod") => "/byod".to_owned(),
        TaskLink::Row { ledger: "overrides", key } if edits => format!("/overrides/new?requirement={}", segment(key)),
        TaskLink::Row { ledger, key } if edits => format!("{}/edit", address(ledger, key)),
        TaskLink::Row { ledger, key } => address(ledger, key),
        TaskLink::Ledger("loans") => "/loans".to_owned(),
        TaskLink::Ledger("documents") => "/documents".to_owned(),
        TaskLink::Ledger(ledger) => format!("/ledgers/{ledger}"),
    }
}
