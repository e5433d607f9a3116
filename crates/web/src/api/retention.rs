//! Retention for programs: what is kept how long, and what went. A program states, holds and asks; that records go is
//! approved by people.

use app::{Disposal, FieldError};
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::IntoResponse as _;
use domain::retention::Kind;
use domain::text::Lang;
use serde_json::{Value, json};

use super::values::Entered;
use super::{ApiResult, Asked, Body, Caller, answer, named};

/// What a plan and a disposal tell alike.
fn going(
    (first, last): (i64, i64),
    (since, until): (jiff::civil::Date, jiff::civil::Date),
    (entries, accesses, originals): (i64, i64, i64),
) -> Value {
    json!({
        "first": first, "last": last, "since": since.to_string(), "until": until.to_string(),
        "entries": entries, "accesses": accesses, "originals": originals,
    })
}

fn disposal(of: &Disposal) -> Value {
    let mut told = going(of.span, of.days, of.counts);
    let (by, at) = of.decided.clone().unzip();
    let more = json!({
        "id": of.id, "state": of.state.code(), "reason": of.reason, "asked_by": of.asked.0,
        "asked_at": of.asked.1.to_string(), "decided_by": by, "decided_at": at.map(|at| at.to_string()),
        "sole": of.sole, "done_at": of.done.as_ref().map(|(_, at)| at.to_string()),
        "root": of.done.as_ref().map(|(root, _)| root), "shown_sha256": of.shown_sha256,
    });
    if let (Some(told), Value::Object(more)) = (told.as_object_mut(), more) {
        told.extend(more);
    }
    told
}

/// Disposing is for the whole installation; where several facilities share it, no program of one of them sees or asks.
async fn alone(caller: &Caller) -> Result<bool, app::Error> {
    Ok(caller.app().facility_count().await? < 2)
}

/// Periods, holds, what would go today, and what went.
pub(crate) async fn show(caller: Caller, asked: Asked) -> ApiResult {
    asked.done()?;
    let (app, facility) = (caller.app(), caller.facility());
    let periods = app.periods(&facility.id).await?;
    let periods = periods.iter().map(|(kind, period)| {
        let (years, basis) = period.as_ref().map(|p| (p.years, p.basis.as_str())).unzip();
        json!({ "kind": kind.code(), "years": years, "basis": basis })
    });
    let holds = app.legal_holds(&facility.id).await?;
    let holds = holds.iter().map(|hold| {
        json!({
            "id": hold.id, "reason": hold.reason, "from": hold.from.map(|day| day.to_string()), "made_by": hold.made.0,
            "made_at": hold.made.1.to_string(), "lifted_at": hold.lifted.as_ref().map(|(_, _, at)| at.to_string()),
        })
    });
    let (plan, alone) = (app.disposal_plan().await?, alone(&caller).await?);
    let counts = (plan.entries, plan.accesses, plan.originals);
    let would = plan.span.zip(plan.days).filter(|_| alone).map(|(span, days)| going(span, days, counts));
    let own = |name: &Option<String>| name.as_ref().is_none_or(|name| *name == facility.name);
    let keeps = plan.keeps.iter().filter(|keeps| own(&keeps.facility)).map(|keeps| keeps.why.say(Lang::Ja));
    let all = if alone { app.disposals_of_records().await? } else { Vec::new() };
    Ok(answer(
        StatusCode::OK,
        &json!({
            "periods": periods.collect::<Vec<_>>(), "holds": holds.collect::<Vec<_>>(), "plan": would,
            "keeps": keeps.collect::<Vec<_>>(), "disposals": all.iter().map(disposal).collect::<Vec<_>>(),
        }),
    ))
}

/// Keeps records although their period is over.
pub(crate) async fn hold(caller: Caller, asked: Asked, Body(body): Body) -> ApiResult {
    asked.done()?;
    let mut entered = Entered::of(body);
    let (reason, from) = (entered.text("reason"), entered.text("from"));
    entered.done()?;
    caller.app().hold_add(&caller.actor(), &caller.facility().id, &reason, &from).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Asks for what would go today to be disposed of.
pub(crate) async fn ask(caller: Caller, asked: Asked, Body(body): Body) -> ApiResult {
    asked.done()?;
    let mut entered = Entered::of(body);
    let reason = entered.text("reason");
    entered.done()?;
    if !alone(&caller).await? {
        return Err(app::Error::Forbidden.into());
    }
    let asked = caller.app().disposal_ask(&caller.actor(), &caller.facility().id, &reason).await?;
    Ok(answer(StatusCode::CREATED, &disposal(&asked)))
}

/// States the period of a kind of records; without years they are kept for ever.
pub(crate) async fn periods(caller: Caller, asked: Asked, Body(body): Body) -> ApiResult {
    asked.done()?;
    let mut entered = Entered::of(body);
    let kind = entered.one_of("kind", &Kind::ALL.map(Kind::code));
    let (years, basis) = (entered.text("years"), entered.text("basis"));
    entered.done()?;
    let Some(kind) = Kind::parse(kind) else {
        return Err(app::Error::NotFound { what: "記録の種類".to_owned() }.into());
    };
    let typed = [(kind, years.as_str(), basis.as_str())];
    if !caller.app().periods_set(&caller.actor(), &caller.facility().id, &typed).await? {
        let message = "変わったところがありません（RET-001）。年数か根拠を変えて送ってください。";
        return Err(app::Error::Fields(vec![FieldError::new("years", message)]).into());
    }
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Keeps what was held no longer.
pub(crate) async fn lift(caller: Caller, id: Path<String>, asked: Asked, Body(body): Body) -> ApiResult {
    asked.done()?;
    let id = named(id)?;
    let mut entered = Entered::of(body);
    let reason = entered.text("reason");
    entered.done()?;
    caller.app().hold_lift(&caller.actor(), &caller.facility().id, &id, &reason).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Takes back, or sends back, a disposal that waits.
pub(crate) async fn withdraw(caller: Caller, id: Path<String>, asked: Asked, Body(body): Body) -> ApiResult {
    asked.done()?;
    let id = named(id)?;
    let mut entered = Entered::of(body);
    let reason = entered.text("reason");
    entered.done()?;
    if !alone(&caller).await? {
        return Err(app::Error::Forbidden.into());
    }
    caller.app().disposal_withdraw(&caller.actor(), &id, &reason).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
