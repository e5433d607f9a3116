//! 承認: what waits, with everything that is approved in view; what one asked for oneself; what was approved lately.

use app::{Appointment, Approved, Asked, Deputy, DisposalState, Given as How, Pending, REMIND_AFTER};
use askama::Template;
use axum::extract::Path;
use domain::authz::Permission;
use domain::workflow::approval::same_person;

use crate::cookies;
use crate::form::{Errors, Fields};
use crate::guard::Visit;
use crate::page::{Chrome, PageResult, Problem, done};
use crate::pages::ledgers::{address, segment};
use crate::pages::loans;
use crate::pages::rows::{Seal, rev};

/// How many of the last approvals are shown.
const SHOWN: usize = 10;

/// Something that waits.
struct Item {
    pending: Pending,
    /// Place on the page.
    id: String,
    /// Address of its acts.
    to: String,
    /// Address of the row.
    href: String,
    /// Whoever is signed in asked for it.
    sole: bool,
    /// Where it can be refused for good.
    refuse: Option<String>,
    /// Days it has waited, where that is long.
    waits: Option<i32>,
    /// Whoever is signed in may approve it now, or is to check it first.
    ready: bool,
    to_check: bool,
    /// Names of those who have it now.
    with: String,
    /// Where it is passed round.
    round: String,
    /// Who has checked it: name and when.
    checked: Vec<String>,
}

/// Something that was approved.
struct Given {
    title: String,
    href: String,
    seal: Seal,
    /// In whose place, and who saw it afterwards.
    in_place_of: Option<String>,
    seen_by: String,
    /// Where whoever is signed in says that they have seen it, if that is theirs to say.
    to_see: Option<String>,
}

#[derive(Template)]
#[template(path = "approvals.html")]
struct Approvals {
    c: Chrome,
    errors: Errors,
    items: Vec<Item>,
    /// Whether a disposal of records waits, which has a page of its own.
    records_wait: bool,
    mine: Vec<Mine>,
    given: Vec<Given>,
    /// Whoever is signed in has a passkey to sign with.
    signs: bool,
    /// In whose place whoever is signed in approves.
    stands_for: Option<String>,
    /// What a deputy approved in the place of whoever is signed in, not seen yet.
    unseen: Vec<Given>,
    /// Who stands in for whom, and where one's own can be ended.
    deputies: Vec<(Deputy, bool)>,
    /// Who could be appointed: id and name; `None` for who may appoint nobody.
    candidates: Option<Vec<(String, String)>>,
    typed: Fields,
    /// Address of the acts on the item that was not sent back or refused, and the reason that was typed.
    refused: Option<(String, String)>,
    /// The reason, where the item is gone.
    gone: String,
}

/// Something one asked for.
pub(crate) struct Mine {
    pub(crate) asked: Asked,
    /// Where to go on with it.
    pub(crate) href: String,
}

impl Mine {
    /// What somebody asked for, and where it goes on.
    pub(crate) fn of(asked: Asked) -> Self {
        let key = segment(&asked.key);
        let href = match (asked.ledger, asked.sent_back.is_some()) {
            ("loans", true) => format!("/loans/{key}/amend"),
            ("loans", false) => loans::address(&asked.key),
            ("byod", true) => format!("/byod/{key}/amend"),
            ("byod", false) => "/byod".to_owned(),
            ("overrides", _) => format!("/overrides/new?requirement={key}"),
            (ledger, _) => address(ledger, &asked.key),
        };
        Self { asked, href }
    }
}

/// What waits for approval.
pub(crate) async fn list(visit: Visit) -> PageResult {
    visit.page(&page(&visit, Errors::default(), Fields::default()).await?)
}

/// The page with why an act on an item was refused, and the reason that was typed there.
pub(crate) async fn again(visit: &Visit, errors: Errors, (ledger, key): (&str, &str), fields: &Fields) -> PageResult {
    let mut again = page(visit, errors, Fields::default()).await?;
    let (to, reason) = (acts(ledger, key), fields.get("reason").to_owned());
    if again.items.iter().any(|item| item.to == to) {
        again.refused = Some((to, reason));
    } else {
        again.gone = reason;
    }
    visit.again(&again)
}

/// Address of the acts on an item.
pub(super) fn acts(ledger: &str, key: &str) -> String {
    format!("/approvals/{ledger}/{}", segment(key))
}

async fn page(visit: &Visit, errors: Errors, typed: Fields) -> Result<Approvals, Problem> {
    let (app, facility, me) = (visit.app(), visit.facility()?, visit.me()?);
    let today = app.today();
    let mut c = visit.chrome("approvals-title");
    c.failed = !errors.is_empty();
    let items = app.approvals_pending(facility).await?.into_iter().map(|pending| {
        let key = segment(&pending.key);
        Item {
            id: format!("{}-{}", pending.ledger, pending.key.replace(['/', ' '], "-")),
            to: acts(pending.ledger, &pending.key),
            round: format!("/circulars/new?ledger={}&key={key}", pending.ledger),
            href: match pending.ledger {
                "loans" => loans::address(&pending.key),
                ledger => address(ledger, &pending.key),
            },
            sole: pending.asked_by.as_deref().is_none_or(|asked| same_person(asked, &me.user.name)),
            refuse: (pending.ledger == "byod").then(|| format!("/byod/{key}/refuse")),
            ready: pending.passage.is_ready_for(me),
            to_check: pending.passage.waits_for(&me.user),
            with: pending.passage.with.join("、"),
            checked: pending.passage.checked.iter().map(|(name, at)| format!("{name} {}", c.at(at))).collect(),
            waits: pending.asked_on.map(|on| (today - on).get_days()).filter(|days| *days >= REMIND_AFTER),
            pending,
        }
    });
    let items: Vec<Item> = items.collect();
    let mine = app.asked_by(facility, &me.user.name).await?.into_iter().map(Mine::of).collect();
    let own = me.user.role.may(Permission::Approve);
    let mut given: Vec<Given> = Vec::new();
    let mut unseen: Vec<Given> = Vec::new();
    for approved in app.approvals_given(facility, usize::MAX).await? {
        let line = shown(approved, own.then_some(me.user.name.as_str()));
        if line.to_see.is_some() {
            unseen.push(line);
        } else if given.len() < SHOWN {
            given.push(line);
        }
    }
    let deputies = app.deputies(&facility.id).await?.into_iter().map(|d| {
        let mine = own && d.principal_id == me.user.id;
        (d, mine)
    });
    let deputies = deputies.collect();
    let candidates = if own {
        let users = app.user_list(&facility.id).await?.into_iter();
        Some(users.filter(|user| app::can_stand_in(user, &me.user)).map(|user| (user.id, user.name)).collect())
    } else {
        None
    };
    let signs = me.user.passkeys > 0 && app.passkeys_available();
    let stands_for = me.stands_for.clone();
    let waiting = app.disposals_of_records().await?.into_iter().any(|one| one.state == DisposalState::Asked);
    let records_wait = waiting && app.facility_count().await? < 2;
    Ok(Approvals {
        records_wait,
        c,
        errors,
        items,
        mine,
        given,
        signs,
        stands_for,
        unseen,
        deputies,
        candidates,
        typed,
        refused: None,
        gone: String::new(),
    })
}

/// An approval as it is shown to somebody: `own` is their name if their own role approves.
fn shown(approved: Approved, own: Option<&str>) -> Given {
    let Approved { ledger, key, title, by, on, sole, in_place_of, seen_by } = approved;
    let href = if ledger == "loans" { loans::address(&key) } else { address(ledger, &key) };
    let theirs = |principal: &String| own.is_some_and(|own| same_person(principal, own));
    let seen = seen_by.iter().any(|name| own.is_some_and(|own| same_person(name, own)));
    let to_see = (in_place_of.as_ref().is_some_and(theirs) && !seen)
        .then(|| format!("/approvals/{ledger}/{}/seen", segment(&key)));
    Given { title, href, seal: Seal { name: by, on, sole }, in_place_of, seen_by: seen_by.join("、"), to_see }
}

/// Says that one has seen what a deputy approved (後閲).
pub(crate) async fn seen(visit: Visit, Path((ledger, key)): Path<(String, String)>, _: Fields) -> PageResult {
    visit.app().approval_see(visit.me()?, &ledger, &key).await?;
    Ok(done("/approvals", "approvals-seen-done", &[]))
}

/// Appoints somebody to approve in one's place.
pub(crate) async fn appoint(visit: Visit, fields: Fields) -> PageResult {
    let text = |name: &str| fields.get(name).to_owned();
    let typed = Appointment {
        deputy: text("deputy"),
        from_on: text("from_on"),
        until_on: text("until_on"),
        reason: text("reason"),
    };
    match visit.app().deputy_appoint(visit.me()?, &typed).await {
        Ok(()) => Ok(done("/approvals", "deputies-appointed", &[])),
        Err(error) => {
            let errors = Errors::of(error)?;
            visit.again(&page(&visit, errors, fields).await?)
        }
    }
}

/// Ends that.
pub(crate) async fn dismiss(visit: Visit, Path(id): Path<String>, _: Fields) -> PageResult {
    visit.app().deputy_end(visit.me()?, &id).await?;
    Ok(done("/approvals", "deputies-ended", &[]))
}

/// Approves what was shown, without a passkey.
pub(crate) async fn approve(visit: Visit, Path((ledger, key)): Path<(String, String)>, fields: Fields) -> PageResult {
    decide(&visit, &ledger, &key, &fields, None).await
}

async fn decide(visit: &Visit, ledger: &str, key: &str, fields: &Fields, signature: Option<String>) -> PageResult {
    let (actor, facility) = (visit.me()?.actor(), visit.facility()?);
    let shown = fields.get("shown_sha256");
    let me = visit.me()?;
    let how = How { signature, in_place_of: me.stands_for.clone(), role: me.user.role };
    match visit.app().approve(&actor, facility, ledger, key, rev(fields), shown, how).await {
        Ok(_) => Ok(done("/approvals", "approvals-approved", &[("title", &fields.get("title"))])),
        Err(error) => again(visit, Errors::of(error)?, (ledger, key), fields).await,
    }
}

/// What the approver's passkey is to sign.
pub(crate) async fn challenge(visit: Visit, _: Path<(String, String)>, fields: Fields) -> PageResult {
    let (options, ceremony) = visit.app().approval_challenge(visit.me()?, fields.get("shown_sha256")).await?;
    Ok(cookies::exchange(options, &ceremony))
}

/// Approves what was shown, by the passkey's signature.
pub(crate) async fn sign(visit: Visit, Path((ledger, key)): Path<(String, String)>, fields: Fields) -> PageResult {
    let (shown, answer) = (fields.get("shown_sha256"), fields.get("credential"));
    let ceremony = visit.jar().get(cookies::CEREMONY).unwrap_or_default();
    let (session, signature) = match visit.app().approval_sign(visit.me()?, ceremony, shown, answer).await {
        Ok(signed) => signed,
        Err(error) => return again(&visit, Errors::of(error)?, (&ledger, &key), &fields).await,
    };
    let mut response = decide(&visit, &ledger, &key, &fields, Some(signature)).await?;
    cookies::set(&mut response, &cookies::passing(cookies::SESSION, session.expose()));
    cookies::set(&mut response, &cookies::gone(cookies::CEREMONY));
    Ok(response)
}

/// Sends back, with a reason.
pub(crate) async fn send_back(visit: Visit, Path((ledger, key)): Path<(String, String)>, fields: Fields) -> PageResult {
    let (actor, facility) = (visit.me()?.actor(), visit.facility()?);
    match visit.app().send_back(&actor, facility, &ledger, &key, rev(&fields), fields.get("reason")).await {
        Ok(_) => Ok(done("/approvals", "approvals-sent-back", &[("title", &fields.get("title"))])),
        Err(error) => again(&visit, Errors::of(error)?, (&ledger, &key), &fields).await,
    }
}
