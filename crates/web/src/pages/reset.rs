//! サインインできないとき: the applicant asks at their own terminal, a second person confirms who they are, and the
//! same terminal gets in once. Nobody else ever sees a secret.

use app::identity::ResetMethod;
use askama::Template;

use crate::cookies;
use crate::form::{Errors, Fields};
use crate::guard::Visit;
use crate::page::{Chrome, PageResult, done};

#[derive(Template)]
#[template(path = "reset.html")]
struct Ask {
    c: Chrome,
}

/// Asks for the user ID.
pub(crate) async fn form(visit: Visit) -> PageResult {
    visit.page(&Ask { c: visit.chrome("reset-title") })
}

#[derive(Template)]
#[template(path = "reset_wait.html")]
struct Wait {
    c: Chrome,
    code: String,
    waiting: bool,
}

/// Shows the number to tell the second person.
pub(crate) async fn ask(visit: Visit, fields: Fields) -> PageResult {
    let (grant, code) = visit.app().reset_ask(visit.terminal(), fields.get("login")).await?;
    let mut response = visit.page(&Wait { c: visit.chrome("reset-title"), code, waiting: false })?;
    cookies::set(&mut response, &cookies::passing(cookies::SETUP, grant.expose()));
    Ok(response)
}

/// Goes in, once the second person has confirmed.
pub(crate) async fn enter(visit: Visit, fields: Fields) -> PageResult {
    let grant = visit.jar().get(cookies::SETUP).unwrap_or_default();
    match visit.app().reset_use(visit.terminal(), grant).await? {
        Some(session) => {
            let mut response = done("/account", "reset-in", &[]);
            for cookie in [cookies::passing(cookies::SESSION, session.expose()), cookies::gone(cookies::SETUP)] {
                cookies::set(&mut response, &cookie);
            }
            Ok(response)
        }
        None => {
            let code = fields.get("shown").chars().filter(char::is_ascii_digit).collect();
            visit.again(&Wait { c: visit.chrome("reset-title"), code, waiting: true })
        }
    }
}

#[derive(Template)]
#[template(path = "reset_confirm.html")]
struct Confirm {
    c: Chrome,
    errors: Errors,
    users: Vec<app::identity::User>,
    code: String,
    user: String,
    document: String,
}

/// Where the second person confirms who the applicant is.
pub(crate) async fn confirm_form(visit: Visit) -> PageResult {
    let users = visit.app().user_list(&visit.facility()?.id).await?;
    let c = visit.chrome("reset-confirm-title");
    visit.page(&Confirm {
        c,
        errors: Errors::default(),
        users,
        code: String::new(),
        user: String::new(),
        document: String::new(),
    })
}

/// Enters into the register how the identity was confirmed, and lets the applicant's terminal in.
pub(crate) async fn confirm(visit: Visit, fields: Fields) -> PageResult {
    let field = |name: &str| fields.get(name).to_owned();
    let outcome = match ResetMethod::parse(fields.get("method")) {
        Some(method) => {
            let (number, user, document) = (fields.get("number"), fields.get("user"), fields.get("document"));
            visit.app().reset_confirm(visit.me()?, number, user, method, document).await
        }
        None => {
            let message = visit.chrome("reset-confirm-title").t("reset-method-missing");
            Err(app::Error::Fields(vec![app::FieldError::new("method", message)]))
        }
    };
    match outcome {
        Ok(()) => Ok(done("/users", "reset-confirmed", &[])),
        Err(error) => {
            let users = visit.app().user_list(&visit.facility()?.id).await?;
            let mut c = visit.chrome("reset-confirm-title");
            c.failed = true;
            let errors = Errors::of(error)?;
            visit.again(&Confirm {
                c,
                errors,
                users,
                code: field("number"),
                user: field("user"),
                document: field("document"),
            })
        }
    }
}
