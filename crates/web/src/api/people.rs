//! Accounts for programs: who can sign in, as what, until when, on which terminals; and who approves in whose place.
//!
//! Nothing here hands out a way to sign in: an account that is added has none until a second person confirms, face to
//! face, who wants to get in. Credentials and tokens are made by people; a program can only take them away.

use app::identity::{SessionInfo, TokenInfo, User, users_sha256};
use app::{Appointment, DutiesReview, NewUser};
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::IntoResponse as _;
use domain::authz::Role;
use domain::ledger::TEXT_MAX;
use jiff::civil::Date;
use serde_json::{Value, json};

use super::values::Entered;
use super::{ApiResult, Asked, Body, Caller, answer, named};
use crate::page::Problem;

/// Longest text of what the ledger says of a person, in characters: three cells.
pub(crate) const DUTIES_MAX: usize = 3 * TEXT_MAX + 2;

/// An account, without anything that is a secret.
fn user_json(user: &User) -> Value {
    json!({
        "id": user.id, "login": user.login, "name": user.name, "person": user.person,
        "role": user.role.code(), "disabled": user.disabled, "sealed": user.sealed,
        "passkeys": user.passkeys, "has_password": user.has_password, "has_totp": user.has_totp,
        "valid_from": user.valid_from.map(|day| day.to_string()),
        "valid_until": user.valid_until.map(|day| day.to_string()),
        "last_sign_in_at": user.last_sign_in_at.map(|at| at.to_string()),
        "moved": user.moved.as_ref().map(|(before, now)| json!({ "before": before, "now": now })),
    })
}

/// The accounts, what a stock-take of them covers, and who last signed one.
pub(crate) async fn list(caller: Caller, asked: Asked) -> ApiResult {
    asked.done()?;
    let (app, facility) = (caller.app(), &caller.facility().id);
    let users = app.user_list(facility).await?;
    let reviewed = app.users_reviewed(facility).await?;
    let reviewed = reviewed.map(|(by, on, same)| json!({ "by": by, "on": on.to_string(), "unchanged": same }));
    let all: Vec<Value> = users.iter().map(user_json).collect();
    Ok(answer(StatusCode::OK, &json!({ "users": all, "sha256": users_sha256(&users), "reviewed": reviewed })))
}

/// One account of the caller's facility.
async fn one(caller: &Caller, id: &str) -> Result<User, Problem> {
    let users = caller.app().user_list(&caller.facility().id).await?;
    let missing = || app::Error::NotFound { what: "アカウント".to_owned() };
    Ok(users.into_iter().find(|user| user.id == id).ok_or_else(missing)?)
}

/// The role that is asked for.
fn role(entered: &mut Entered) -> Role {
    let codes = Role::ALL.map(Role::code);
    Role::parse(entered.one_of("role", &codes)).unwrap_or_default()
}

/// Adds an account.
pub(crate) async fn add(caller: Caller, asked: Asked, Body(body): Body) -> ApiResult {
    asked.done()?;
    let mut entered = Entered::of(body);
    let some = |text: String| Some(text).filter(|text| !text.is_empty());
    let new = NewUser {
        login: entered.text("login"),
        name: entered.text("name"),
        person: some(entered.text("person")),
        role: role(&mut entered),
        valid_from: entered.day("valid_from"),
        valid_until: entered.day("valid_until"),
        sees_from: entered.day("sees_from"),
        sees_until: entered.day("sees_until"),
        email: entered.text("email"),
        sealed: entered.flag("sealed"),
    };
    entered.done()?;
    let made = caller.app().user_add(caller.program(), new).await?;
    Ok(answer(StatusCode::CREATED, &user_json(&made)))
}

/// An account as it is after an act on it.
async fn after(caller: &Caller, id: &str) -> ApiResult {
    Ok(answer(StatusCode::OK, &user_json(&one(caller, id).await?)))
}

/// Gives another role.
pub(crate) async fn set_role(caller: Caller, id: Path<String>, asked: Asked, Body(body): Body) -> ApiResult {
    asked.done()?;
    let mut entered = Entered::of(body);
    let role = role(&mut entered);
    entered.done()?;
    let id = named(id)?;
    caller.app().user_role_set(caller.program(), &id, role).await?;
    after(&caller, &id).await
}

/// Decides on the role of somebody whose department, profession or duties changed.
pub(crate) async fn duties(caller: Caller, id: Path<String>, asked: Asked, Body(body): Body) -> ApiResult {
    asked.done()?;
    let mut entered = Entered::of(body);
    let (role, reason, shown) = (role(&mut entered), entered.text("reason"), entered.text_of("shown", DUTIES_MAX));
    entered.done()?;
    let id = named(id)?;
    let review = DutiesReview { role, reason: &reason, shown: &shown };
    caller.app().user_duties_review(caller.program(), &id, review).await?;
    after(&caller, &id).await
}

/// The reason that a body consists of.
fn reason(body: serde_json::Map<String, Value>) -> Result<String, Problem> {
    let mut entered = Entered::of(body);
    let reason = entered.text("reason");
    entered.done()?;
    Ok(reason)
}

/// Shuts out.
pub(crate) async fn disable(caller: Caller, id: Path<String>, asked: Asked, Body(body): Body) -> ApiResult {
    asked.done()?;
    let (id, reason) = (named(id)?, reason(body)?);
    caller.app().user_disable(caller.program(), &id, &reason).await?;
    after(&caller, &id).await
}

/// Lets in again.
pub(crate) async fn enable(caller: Caller, id: Path<String>, asked: Asked, Body(body): Body) -> ApiResult {
    asked.done()?;
    Entered::of(body).done()?;
    let id = named(id)?;
    caller.app().user_enable(caller.program(), &id).await?;
    after(&caller, &id).await
}

/// Opens the sealed account for an emergency.
pub(crate) async fn open(caller: Caller, id: Path<String>, asked: Asked, Body(body): Body) -> ApiResult {
    asked.done()?;
    let (id, reason) = (named(id)?, reason(body)?);
    caller.app().emergency_open(caller.program(), &id, &reason).await?;
    after(&caller, &id).await
}

/// Puts an account away for emergencies.
pub(crate) async fn seal(caller: Caller, id: Path<String>, asked: Asked, Body(body): Body) -> ApiResult {
    asked.done()?;
    let (id, reason) = (named(id)?, reason(body)?);
    caller.app().emergency_close(caller.program(), &id, &reason).await?;
    after(&caller, &id).await
}

/// Signs that the accounts are right as they were listed.
pub(crate) async fn review(caller: Caller, asked: Asked, Body(body): Body) -> ApiResult {
    asked.done()?;
    let mut entered = Entered::of(body);
    let sha256 = entered.text("sha256");
    entered.done()?;
    let accounts = caller.app().users_review(caller.program(), &sha256).await?;
    Ok(answer(StatusCode::OK, &json!({ "accounts": accounts })))
}

fn sessions_json(sessions: &[SessionInfo]) -> Value {
    let one = |session: &SessionInfo| {
        json!({
            "id": session.id, "address": session.address, "agent": session.agent, "methods": session.methods.code(),
            "started_at": session.started_at.to_string(), "seen_at": session.seen_at.to_string(),
            "ends_at": session.ends_at.to_string(), "shared": session.shared, "locked": session.locked,
        })
    };
    json!({ "sessions": sessions.iter().map(one).collect::<Vec<_>>() })
}

/// The live sessions of an account.
pub(crate) async fn sessions_of(caller: Caller, id: Path<String>, asked: Asked) -> ApiResult {
    asked.done()?;
    let user = one(&caller, &named(id)?).await?;
    Ok(answer(StatusCode::OK, &sessions_json(&caller.app().session_list(&user.id).await?)))
}

/// Ends every session of an account.
pub(crate) async fn sessions_end(caller: Caller, id: Path<String>, asked: Asked, Body(body): Body) -> ApiResult {
    asked.done()?;
    Entered::of(body).done()?;
    let ended = caller.app().user_sessions_end(caller.program(), &named(id)?).await?;
    Ok(answer(StatusCode::OK, &json!({ "ended": ended })))
}

/// The live sessions of one's own account.
pub(crate) async fn sessions(caller: Caller, asked: Asked) -> ApiResult {
    asked.done()?;
    Ok(answer(StatusCode::OK, &sessions_json(&caller.app().session_list(&caller.program().user.id).await?)))
}

/// Ends one session.
pub(crate) async fn session_revoke(caller: Caller, id: Path<String>, asked: Asked, Body(body): Body) -> ApiResult {
    asked.done()?;
    Entered::of(body).done()?;
    caller.app().session_revoke(caller.program(), &named(id)?).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// The tokens of one's own account that still work.
pub(crate) async fn tokens(caller: Caller, asked: Asked) -> ApiResult {
    asked.done()?;
    let own = &caller.program().user.id;
    let mut tokens = caller.app().token_list(&caller.facility().id).await?;
    tokens.retain(|token| token.user == *own && !token.revoked);
    let one = |token: &TokenInfo| {
        json!({
            "id": token.id, "name": token.name, "scopes": token.scopes.iter().map(|s| s.code()).collect::<Vec<_>>(),
            "ends_on": token.ends_on.to_string(), "made_at": token.made_at.to_string(),
            "used_at": token.used_at.map(|at| at.to_string()),
        })
    };
    Ok(answer(StatusCode::OK, &json!({ "tokens": tokens.iter().map(one).collect::<Vec<_>>() })))
}

/// Ends a token, maybe the one that asks.
pub(crate) async fn token_revoke(caller: Caller, id: Path<String>, asked: Asked, Body(body): Body) -> ApiResult {
    asked.done()?;
    Entered::of(body).done()?;
    caller.app().token_revoke(caller.program(), &named(id)?).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Who approves in whose place.
pub(crate) async fn deputies(caller: Caller, asked: Asked) -> ApiResult {
    asked.done()?;
    let deputies = caller.app().deputies(&caller.facility().id).await?;
    let one = |deputy: &app::Deputy| {
        json!({
            "id": deputy.id, "principal": deputy.principal, "deputy": deputy.deputy,
            "from_on": deputy.from_on.to_string(), "until_on": deputy.until_on.to_string(), "reason": deputy.reason,
        })
    };
    Ok(answer(StatusCode::OK, &json!({ "deputies": deputies.iter().map(one).collect::<Vec<_>>() })))
}

/// Appoints somebody to approve in one's own place.
pub(crate) async fn appoint(caller: Caller, asked: Asked, Body(body): Body) -> ApiResult {
    asked.done()?;
    let mut entered = Entered::of(body);
    let text = |day: Option<Date>| day.map(|day| day.to_string()).unwrap_or_default();
    let typed = Appointment {
        deputy: entered.text("deputy"),
        from_on: text(entered.day("from_on")),
        until_on: text(entered.day("until_on")),
        reason: entered.text("reason"),
    };
    entered.done()?;
    caller.app().deputy_appoint(caller.program(), &typed).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Ends that.
pub(crate) async fn dismiss(caller: Caller, id: Path<String>, asked: Asked, Body(body): Body) -> ApiResult {
    asked.done()?;
    Entered::of(body).done()?;
    caller.app().deputy_end(caller.program(), &named(id)?).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
