//! Settings for programs: how mail is sent, and who else has heads of the log.

use app::MailForm;
use axum::http::StatusCode;
use axum::response::IntoResponse as _;
use serde_json::{Value, json};

use super::values::Entered;
use super::{ApiResult, Asked, Body, Caller, answer};

/// Longest certificate taken, in characters.
pub(crate) const AUTHORITY_MAX: usize = 16 << 10;
/// Longest password of a mail server, in characters.
pub(crate) const PASSWORD_MAX: usize = 256;

/// How mail is sent, and what waits; a password is never told.
pub(crate) async fn mail(caller: Caller, asked: Asked) -> ApiResult {
    asked.done()?;
    let missing = || app::Error::NotFound { what: "メールの設定".to_owned() };
    let set = caller.app().mail_settings(&caller.facility().id).await?.ok_or_else(missing)?;
    let (form, queue) = (set.form, set.queue);
    let port: u16 = form.port.parse().unwrap_or_default();
    Ok(answer(
        StatusCode::OK,
        &json!({
            "host": form.host, "port": port, "security": form.security, "login": form.login,
            "has_password": set.has_password, "sender": form.sender, "authority": form.authority,
            "waiting": queue.waiting, "failed": queue.failed, "sent": queue.sent, "problem": queue.problem,
        }),
    ))
}

/// Sets how mail is sent.
pub(crate) async fn mail_set(caller: Caller, asked: Asked, Body(body): Body) -> ApiResult {
    asked.done()?;
    let mut entered = Entered::of(body);
    let codes = app::MailSecurity::ALL.map(app::MailSecurity::code);
    let form = MailForm {
        host: entered.text("host"),
        port: entered.number("port", 1, i64::from(u16::MAX)).to_string(),
        security: entered.one_of("security", &codes).to_owned(),
        login: entered.text("login"),
        password: entered.text_of("password", PASSWORD_MAX),
        sender: entered.text("sender"),
        authority: entered.text_of("authority", AUTHORITY_MAX),
    };
    entered.done()?;
    caller.app().mail_settings_set(caller.program(), &form).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Sends no more.
pub(crate) async fn mail_remove(caller: Caller, asked: Asked) -> ApiResult {
    asked.done()?;
    caller.app().mail_settings_remove(caller.program()).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Sends a mail to the account in whose name the program acts.
pub(crate) async fn mail_try(caller: Caller, asked: Asked, Body(body): Body) -> ApiResult {
    asked.done()?;
    Entered::of(body).done()?;
    let to = caller.app().mail_try(caller.program()).await?;
    Ok(answer(StatusCode::OK, &json!({ "to": to })))
}

/// The heads of the log that somebody else has, newest first.
pub(crate) async fn heads(caller: Caller, asked: Asked) -> ApiResult {
    asked.done()?;
    let kept = caller.app().kept_heads().await?;
    let one = |kept: &app::KeptHead| {
        json!({
            "grade": kept.grade.code(), "name": kept.name, "at": kept.at.to_string(), "fresh": kept.fresh,
            "origin": kept.head.origin, "size": kept.head.size, "root": kept.head.root,
        })
    };
    Ok(answer(StatusCode::OK, &json!({ "heads": kept.iter().map(one).collect::<Vec<Value>>() })))
}
