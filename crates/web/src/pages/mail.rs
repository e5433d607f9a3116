//! お知らせのメール: how mail is sent, whether it arrives, and what waits.

use app::{MailForm, MailQueue, MailSecurity};
use askama::Template;

use crate::form::{Errors, Fields};
use crate::guard::Visit;
use crate::page::{Chrome, PageResult, Problem, done};

#[derive(Template)]
#[template(path = "mail.html")]
struct Page {
    c: Chrome,
    errors: Errors,
    form: MailForm,
    /// What waits, where mail is sent at all.
    queue: Option<MailQueue>,
    has_password: bool,
    /// Address of whoever is signed in, for the trial.
    own: Option<String>,
}

async fn page(visit: &Visit, errors: Errors, typed: Option<MailForm>) -> Result<Page, Problem> {
    let me = visit.me()?;
    let stored = visit.app().mail_settings(&me.user.facility).await?;
    let mut c = visit.chrome("mail-title");
    c.failed = !errors.is_empty();
    let usual = || MailForm {
        port: "587".to_owned(),
        security: MailSecurity::StartTls.code().to_owned(),
        ..MailForm::default()
    };
    Ok(Page {
        c,
        errors,
        has_password: stored.as_ref().is_some_and(|s| s.has_password),
        queue: stored.as_ref().map(|s| s.queue.clone()),
        form: typed.or_else(|| stored.map(|s| s.form)).unwrap_or_else(usual),
        own: me.user.email.clone(),
    })
}

/// The page.
pub(crate) async fn show(visit: Visit) -> PageResult {
    visit.page(&page(&visit, Errors::default(), None).await?)
}

/// Sets how mail is sent.
pub(crate) async fn set(visit: Visit, fields: Fields) -> PageResult {
    let text = |name: &str| fields.get(name).to_owned();
    let form = MailForm {
        host: text("host"),
        port: text("port"),
        security: text("security"),
        login: text("login"),
        password: text("password"),
        sender: text("sender"),
        authority: text("authority"),
    };
    match visit.app().mail_settings_set(visit.me()?, &form).await {
        Ok(()) => Ok(done("/settings/mail", "mail-set", &[])),
        Err(error) => {
            let errors = Errors::of(error)?;
            visit.again(&page(&visit, errors, Some(form)).await?)
        }
    }
}

/// Sends a mail to whoever asks.
pub(crate) async fn try_it(visit: Visit, _: Fields) -> PageResult {
    match visit.app().mail_try(visit.me()?).await {
        Ok(to) => Ok(done("/settings/mail", "mail-tried", &[("to", &to)])),
        Err(error) => {
            let errors = Errors::of(error)?;
            visit.again(&page(&visit, errors, None).await?)
        }
    }
}

/// Sends no more.
pub(crate) async fn remove(visit: Visit, _: Fields) -> PageResult {
    visit.app().mail_settings_remove(visit.me()?).await?;
    Ok(done("/settings/mail", "mail-removed", &[]))
}
