//! 記録の保存と処分: how long records are kept, what keeps them longer, what would go, and what went.

use app::{DisposalState, FieldError};
use askama::Template;
use axum::extract::Path;
use domain::authz::Permission;
use domain::retention::{Kind, SEEN, least_years};

use crate::form::{Errors, Fields};
use crate::guard::Visit;
use crate::page::{Chrome, PageResult, Problem, done};

/// The page.
const PAGE: &str = "/evidence/retention";

#[derive(Template)]
#[template(path = "evidence_retention.html")]
struct Page {
    c: Chrome,
    errors: Errors,
    f: Fields,
    /// Code, name of each kind of records.
    kinds: Vec<(&'static str, &'static str)>,
    /// What texts were seen to say: records, years, basis.
    seen: Vec<(&'static str, u16, &'static str)>,
    least: u16,
    holds: Vec<Hold>,
    lifted: usize,
    plan: Option<Going>,
    /// What keeps records.
    keeps: Vec<String>,
    several: bool,
    disposals: Vec<Line>,
    may_set: bool,
    may_approve: bool,
}

struct Hold {
    id: String,
    reason: String,
    from: Option<String>,
    made: String,
}

/// What would go today.
struct Going {
    facts: Vec<(&'static str, String)>,
}

/// A disposal.
struct Line {
    id: String,
    word: String,
    facts: Vec<(&'static str, String)>,
    shown_sha256: String,
    waits: bool,
}

/// Facts that both what would go and what went tell.
fn facts(
    c: &Chrome,
    span: (i64, i64),
    days: (jiff::civil::Date, jiff::civil::Date),
    (entries, accesses, originals): (i64, i64, i64),
    months: &str,
    rules: &str,
) -> Vec<(&'static str, String)> {
    let days = [days.0, days.1].map(|day| domain::jp::show(day, c.lang));
    vec![
        ("retention-numbers", format!("{}–{}", span.0, span.1)),
        ("retention-days", days.join(" – ")),
        ("retention-entries", entries.to_string()),
        ("retention-accesses", accesses.to_string()),
        ("retention-originals", originals.to_string()),
        ("retention-months", months.to_owned()),
        ("retention-rules", rules.to_owned()),
    ]
}

async fn page(visit: &Visit, errors: Errors, typed: Option<Fields>) -> Result<Page, Problem> {
    let (app, facility, me) = (visit.app(), visit.facility()?, visit.me()?);
    let mut c = visit.chrome("retention-title");
    c.failed = !errors.is_empty();
    let several = app.facility_count().await? > 1;
    let stated = app.periods(&facility.id).await?;
    let stored = stated.iter().flat_map(|(kind, period)| {
        let (years, basis) =
            period.as_ref().map_or((String::new(), String::new()), |p| (p.years.to_string(), p.basis.clone()));
        [(format!("{}_years", kind.code()), years), (format!("{}_basis", kind.code()), basis)]
    });
    let f = typed.unwrap_or_else(|| stored.collect());
    let (open, lifted): (Vec<_>, Vec<_>) =
        app.legal_holds(&facility.id).await?.into_iter().partition(|hold| hold.lifted.is_none());
    let holds = open.into_iter().map(|hold| Hold {
        id: hold.id,
        reason: hold.reason,
        from: hold.from.map(|day| domain::jp::show(day, c.lang)),
        made: format!("{}　{}", c.at(hold.made.1), hold.made.0),
    });
    let holds = holds.collect();
    let plan = app.disposal_plan().await?;
    let own = |name: &Option<String>| name.as_ref().is_none_or(|name| *name == facility.name);
    let mut keeps: Vec<String> =
        plan.keeps.iter().filter(|keeps| own(&keeps.facility)).map(|keeps| keeps.why.say(c.lang)).collect();
    // Of other facilities it is told that they keep something, not why.
    if plan.keeps.iter().any(|keeps| !own(&keeps.facility)) {
        keeps.push(c.t("retention-others"));
    }
    let counts = (plan.entries, plan.accesses, plan.originals);
    let going = plan.span.zip(plan.days).filter(|_| !several).map(|(span, days)| Going {
        facts: facts(&c, span, days, counts, &plan.months.join(", "), &plan.rules.join("\n")),
    });
    let all = if several { Vec::new() } else { app.disposals_of_records().await? };
    let disposals = all.into_iter().map(|disposal| {
        let mut facts = facts(
            &c,
            disposal.span,
            disposal.days,
            disposal.counts,
            &disposal.months.replace('\n', ", "),
            &disposal.rules,
        );
        facts.push(("retention-reason", disposal.reason));
        facts.push(("retention-asked", format!("{}　{}", c.at(disposal.asked.1), disposal.asked.0)));
        if let Some((by, at)) = disposal.decided {
            let sole = if disposal.sole { format!("（{}）", c.t("detail-sole")) } else { String::new() };
            let what = match disposal.state {
                DisposalState::Withdrawn => "retention-withdrawn",
                _ => "retention-approved",
            };
            facts.push((what, format!("{}　{by}{sole}", c.at(at))));
        }
        facts.extend(disposal.why.map(|why| ("retention-why", why)));
        if let Some((root, at)) = disposal.done {
            facts.push(("retention-done-at", c.at(at)));
            facts.push(("retention-root", root));
        }
        Line {
            word: c.t(match disposal.state {
                DisposalState::Asked => "retention-is-asked",
                DisposalState::Withdrawn => "retention-is-withdrawn",
                DisposalState::Approved => "retention-is-approved",
                DisposalState::Done => "retention-is-done",
            }),
            waits: disposal.state == DisposalState::Asked,
            id: disposal.id,
            facts,
            shown_sha256: disposal.shown_sha256,
        }
    });
    Ok(Page {
        disposals: disposals.collect(),
        kinds: Kind::ALL.into_iter().map(|kind| (kind.code(), c.word(kind.label()))).collect(),
        seen: SEEN.iter().map(|seen| (c.word(seen.what), seen.years, c.word(seen.basis))).collect(),
        least: least_years(),
        errors,
        f,
        holds,
        lifted: lifted.len(),
        plan: going,
        keeps,
        several,
        may_set: me.may(Permission::ManageSettings),
        may_approve: me.may(Permission::Approve),
        c,
    })
}

/// The page.
pub(crate) async fn show(visit: Visit) -> PageResult {
    visit.page(&page(&visit, Errors::default(), None).await?)
}

/// The page again with what does not do; the field called `reason` is the one of this form.
async fn again(visit: Visit, error: app::Error, reason: &str, f: Fields) -> PageResult {
    let errors = match error {
        // What cannot be done at all belongs to no field.
        app::Error::Invalid { .. } => Errors(vec![FieldError::new("", error.to_string())]),
        error => {
            let mut errors = Errors::of(error)?;
            errors.0.iter_mut().filter(|e| e.field == "reason").for_each(|e| reason.clone_into(&mut e.field));
            errors
        }
    };
    visit.again(&page(&visit, errors, Some(f)).await?)
}

/// Disposing is for the whole installation; where several facilities share it, whoever runs it does it.
async fn alone(visit: &Visit) -> Result<(), Problem> {
    if visit.app().facility_count().await? > 1 { Err(app::Error::Forbidden.into()) } else { Ok(()) }
}

/// States the periods.
pub(crate) async fn periods(visit: Visit, fields: Fields) -> PageResult {
    let typed = Kind::ALL.map(|kind| {
        let of = |name: &str| fields.get(&format!("{}_{name}", kind.code())).to_owned();
        (kind, of("years"), of("basis"))
    });
    let typed = typed.each_ref().map(|(kind, years, basis)| (*kind, years.as_str(), basis.as_str()));
    match visit.app().periods_set(&visit.me()?.actor(), &visit.facility()?.id, &typed).await {
        Ok(true) => Ok(done(PAGE, "retention-periods-set", &[])),
        Ok(false) => {
            let same = visit.chrome("retention-title").t("retention-same");
            again(visit, app::Error::Fields(vec![FieldError::new("", same)]), "", fields).await
        }
        Err(error) => again(visit, error, "", fields).await,
    }
}

/// Keeps records although their period is over.
pub(crate) async fn hold(visit: Visit, fields: Fields) -> PageResult {
    let (reason, from) = (fields.get("hold_reason"), fields.get("from"));
    match visit.app().hold_add(&visit.me()?.actor(), &visit.facility()?.id, reason, from).await {
        Ok(()) => Ok(done(PAGE, "retention-held", &[])),
        Err(error) => again(visit, error, "hold_reason", fields).await,
    }
}

/// Keeps them no longer.
pub(crate) async fn lift(visit: Visit, Path(id): Path<String>, fields: Fields) -> PageResult {
    let reason = fields.get("lift_reason");
    match visit.app().hold_lift(&visit.me()?.actor(), &visit.facility()?.id, &id, reason).await {
        Ok(()) => Ok(done(PAGE, "retention-lifted", &[])),
        Err(error) => again(visit, error, &format!("lift-{id}"), fields).await,
    }
}

/// Asks for what would go today to be disposed of.
pub(crate) async fn ask(visit: Visit, fields: Fields) -> PageResult {
    alone(&visit).await?;
    let (by, facility) = (visit.me()?.actor(), visit.facility()?.id.clone());
    match visit.app().disposal_ask(&by, &facility, fields.get("ask_reason")).await {
        Ok(_) => Ok(done(PAGE, "retention-was-asked", &[])),
        Err(error) => again(visit, error, "ask_reason", fields).await,
    }
}

/// Approves what waits, as it was shown.
pub(crate) async fn approve(visit: Visit, Path(id): Path<String>, fields: Fields) -> PageResult {
    alone(&visit).await?;
    match visit.app().disposal_approve(&visit.me()?.actor(), &id, fields.get("shown_sha256")).await {
        Ok(_) => Ok(done(PAGE, "retention-was-approved", &[])),
        Err(error) => again(visit, error, "", fields).await,
    }
}

/// Takes it back, or sends it back.
pub(crate) async fn withdraw(visit: Visit, Path(id): Path<String>, fields: Fields) -> PageResult {
    alone(&visit).await?;
    match visit.app().disposal_withdraw(&visit.me()?.actor(), &id, fields.get("withdraw_reason")).await {
        Ok(()) => Ok(done(PAGE, "retention-was-withdrawn", &[])),
        Err(error) => again(visit, error, "withdraw_reason", fields).await,
    }
}
