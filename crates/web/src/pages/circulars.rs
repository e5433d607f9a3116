//! 確認と回覧: what one is to check before somebody approves it, and what is passed round to be seen.

use std::collections::BTreeMap;

use app::{Circular, NewCircular, Pending};
use askama::Template;
use axum::extract::{Path, Query};
use domain::authz::Permission;

use crate::form::{Errors, Fields};
use crate::guard::Visit;
use crate::page::{Chrome, PageResult, Problem, done};
use crate::pages::approvals::acts;
use crate::pages::ledgers::address;
use crate::pages::loans;
use crate::pages::rows::rev;

/// How many of those that are over are shown.
const SHOWN: usize = 10;

/// Something to check.
pub(crate) struct Check {
    pub(crate) pending: Pending,
    /// Place on the page.
    pub(crate) id: String,
    /// Address of its acts.
    pub(crate) to: String,
    /// The reason that was typed, where sending it back was refused.
    pub(crate) reason: String,
}

/// Something that is passed round.
struct Line {
    circular: Circular,
    /// Address of the row, for whoever may see it there.
    href: Option<String>,
    /// Names of those who have it, and of those who saw it.
    with: String,
    seen: Vec<String>,
}

#[derive(Template)]
#[template(path = "circulars.html")]
struct Page {
    c: Chrome,
    errors: Errors,
    /// The reason that was typed, where what was to be sent back waits no more.
    gone: String,
    checks: Vec<Check>,
    unread: Vec<Line>,
    going: Vec<Line>,
    over: Vec<Line>,
}

/// What somebody is to check now.
pub(crate) async fn checks(visit: &Visit) -> Result<Vec<Check>, Problem> {
    let mine = visit.app().approvals_to_check(visit.facility()?, &visit.me()?.user).await?;
    let check = |pending: Pending| Check {
        id: format!("{}-{}", pending.ledger, pending.key.replace(['/', ' '], "-")),
        to: acts(pending.ledger, &pending.key),
        reason: String::new(),
        pending,
    };
    Ok(mine.into_iter().map(check).collect())
}

async fn page(visit: &Visit, errors: Errors) -> Result<Page, Problem> {
    let (app, facility, me) = (visit.app(), visit.facility()?, visit.me()?);
    let mut c = visit.chrome("circulars-title");
    c.failed = !errors.is_empty();
    let reads = me.may(Permission::ReadLedgers);
    let (mut unread, mut going, mut over) = (Vec::new(), Vec::new(), Vec::new());
    for circular in app.circulars(facility, &me.user).await? {
        let href = match circular.ledger {
            "loans" => Some(loans::address(&circular.key)),
            ledger => reads.then(|| address(ledger, &circular.key)),
        };
        let with = circular.with().collect::<Vec<_>>().join("、");
        let seen = circular.readers.iter().filter_map(|(name, at)| Some(format!("{name} {}", c.at((*at)?))));
        let line = Line { href, seen: seen.collect(), circular, with };
        if line.circular.unread {
            unread.push(line);
        } else if !line.with.is_empty() {
            going.push(line);
        } else if over.len() < SHOWN {
            over.push(line);
        }
    }
    Ok(Page { checks: checks(visit).await?, c, errors, gone: String::new(), unread, going, over })
}

/// The page.
pub(crate) async fn list(visit: Visit) -> PageResult {
    visit.page(&page(&visit, Errors::default()).await?)
}

#[derive(Template)]
#[template(path = "circulars_new.html")]
struct New {
    c: Chrome,
    errors: Errors,
    f: Fields,
    people: Vec<(String, String)>,
}

async fn form(visit: &Visit, f: Fields, errors: Errors) -> Result<New, Problem> {
    let mut c = visit.chrome("circulars-new");
    c.failed = !errors.is_empty();
    let users = visit.app().user_list(&visit.facility()?.id).await?.into_iter();
    let able = users.filter(|user| user.disabled.is_none() && !user.sealed && user.role.may(Permission::ReadTasks));
    let people = able.map(|user| (user.id, format!("{}（{}）", user.name, c.word(user.role.label())))).collect();
    Ok(New { c, errors, f, people })
}

/// The form; `?ledger=` and `?key=` say what is passed round.
pub(crate) async fn new(visit: Visit, Query(given): Query<BTreeMap<String, String>>) -> PageResult {
    let text = |name: &str| given.get(name).cloned().unwrap_or_default();
    let f = [("ledger", text("ledger")), ("key", text("key"))];
    visit.page(&form(&visit, f.into_iter().collect(), Errors::default()).await?)
}

/// Passes it round.
pub(crate) async fn begin(visit: Visit, fields: Fields) -> PageResult {
    let text = |name: &str| fields.get(name).to_owned();
    let new = NewCircular {
        ledger: text("ledger"),
        key: text("key"),
        readers: fields.all("readers").map(str::to_owned).collect(),
        note: text("note"),
        due_on: text("due_on"),
    };
    match visit.app().circular_begin(visit.me()?, visit.facility()?, &new).await {
        Ok(()) => Ok(done("/circulars", "circulars-begun", &[])),
        Err(error) => visit.again(&form(&visit, fields, Errors::of(error)?).await?),
    }
}

/// Says that one has seen it.
pub(crate) async fn seen(visit: Visit, Path(id): Path<String>, fields: Fields) -> PageResult {
    let (me, facility) = (visit.me()?, visit.facility()?);
    match visit.app().circular_see(me, facility, &id, fields.get("shown_sha256")).await {
        Ok(()) => Ok(done("/circulars", "circulars-seen-done", &[])),
        Err(error) => visit.again(&page(&visit, Errors::of(error)?).await?),
    }
}

/// Ends it.
pub(crate) async fn end(visit: Visit, Path(id): Path<String>, _: Fields) -> PageResult {
    visit.app().circular_end(visit.me()?, visit.facility()?, &id).await?;
    Ok(done("/circulars", "circulars-ended", &[]))
}

/// Checks what was shown.
pub(crate) async fn check(visit: Visit, Path((ledger, key)): Path<(String, String)>, fields: Fields) -> PageResult {
    let (me, facility, shown) = (visit.me()?, visit.facility()?, fields.get("shown_sha256"));
    match visit.app().approval_check(me, facility, (&ledger, &key, rev(&fields)), shown).await {
        Ok(()) => Ok(done("/circulars", "circulars-checked", &[("title", &fields.get("title"))])),
        Err(error) => visit.again(&page(&visit, Errors::of(error)?).await?),
    }
}

/// Sends it back to who asked.
pub(crate) async fn check_back(
    visit: Visit,
    Path((ledger, key)): Path<(String, String)>,
    fields: Fields,
) -> PageResult {
    let (me, facility, reason) = (visit.me()?, visit.facility()?, fields.get("reason"));
    match visit.app().approval_check_back(me, facility, (&ledger, &key, rev(&fields)), reason).await {
        Ok(()) => Ok(done("/circulars", "approvals-sent-back", &[("title", &fields.get("title"))])),
        Err(error) => {
            let mut again = page(&visit, Errors::of(error)?).await?;
            match again.checks.iter_mut().find(|check| check.to == acts(&ledger, &key)) {
                Some(check) => reason.clone_into(&mut check.reason),
                None => reason.clone_into(&mut again.gone),
            }
            visit.again(&again)
        }
    }
}

#[derive(Template)]
#[template(path = "settings_approvals.html")]
struct Ways {
    c: Chrome,
    errors: Errors,
    f: Fields,
    kinds: Vec<(&'static str, &'static str)>,
    ways: Vec<(&'static str, String)>,
}

async fn ways_page(visit: &Visit, f: Option<Fields>, errors: Errors) -> Result<Ways, Problem> {
    use domain::workflow::route::Route;
    let mut c = visit.chrome("ways-title");
    c.failed = !errors.is_empty();
    let standing = visit.app().approval_ways(visit.facility()?).await?;
    let f = f.unwrap_or_else(|| standing.iter().map(|(ledger, _, route)| (*ledger, route.code())).collect());
    let kinds = standing.iter().map(|(ledger, label, _)| (*ledger, c.word(label))).collect();
    let ways = Route::ALL.map(|route| (route.code(), c.word(route.label()).to_owned())).into();
    Ok(Ways { c, errors, f, kinds, ways })
}

/// Which steps lead to an approval.
pub(crate) async fn ways(visit: Visit) -> PageResult {
    visit.page(&ways_page(&visit, None, Errors::default()).await?)
}

/// Chooses them.
pub(crate) async fn set_ways(visit: Visit, fields: Fields) -> PageResult {
    let standing = visit.app().approval_ways(visit.facility()?).await?;
    let chosen: Vec<(String, String)> =
        standing.iter().map(|(ledger, ..)| ((*ledger).to_owned(), fields.get(ledger).to_owned())).collect();
    match visit.app().approval_ways_set(visit.me()?, visit.facility()?, &chosen).await {
        Ok(()) => Ok(done("/settings/approvals", "ways-set", &[])),
        Err(error) => visit.again(&ways_page(&visit, Some(fields), Errors::of(error)?).await?),
    }
}
