//! 利用者: who can sign in, as what, and until when. Accounts follow the people ledger: who leaves is shut out.

use app::identity::{DutiesReview, NewUser, SessionInfo, User, users_sha256};
use askama::Template;
use axum::extract::Path;
use domain::authz::Role;
use domain::ledger::ledger;
use jiff::civil::Date;

use crate::form::{Errors, Fields};
use crate::guard::Visit;
use crate::page::{Chrome, PageResult, Problem, done};

#[derive(Template)]
#[template(path = "users.html")]
struct Users {
    c: Chrome,
    users: Vec<User>,
    pending: usize,
    today: Date,
    errors: Errors,
    /// What a sign-off of this list covers.
    shown_sha256: String,
    /// Who signed last, when, and whether the accounts are still as they were then.
    reviewed: Option<(String, Date, bool)>,
}

/// Everybody.
pub(crate) async fn list(visit: Visit) -> PageResult {
    visit.page(&all(&visit, Errors::default()).await?)
}

async fn all(visit: &Visit, errors: Errors) -> Result<Users, Problem> {
    let (app, facility) = (visit.app(), &visit.facility()?.id);
    let users = app.user_list(facility).await?;
    let pending = app.reset_pending(visit.me()?).await?.len();
    let mut c = visit.chrome("users-title");
    c.failed = !errors.is_empty();
    let (shown_sha256, reviewed) = (users_sha256(&users), app.users_reviewed(facility).await?);
    Ok(Users { c, users, pending, today: app.today(), errors, shown_sha256, reviewed })
}

/// Signs that the accounts are right as shown.
pub(crate) async fn review(visit: Visit, fields: Fields) -> PageResult {
    match visit.app().users_review(visit.me()?, fields.get("shown_sha256")).await {
        Ok(n) => Ok(done("/users", "users-reviewed-done", &[("n", &n)])),
        Err(error) => {
            let errors = Errors::of(error)?;
            visit.again(&all(&visit, errors).await?)
        }
    }
}

/// Puts an account away for emergencies.
pub(crate) async fn seal(visit: Visit, Path(id): Path<String>, fields: Fields) -> PageResult {
    let outcome = visit.app().emergency_close(visit.me()?, &id, fields.get("reason")).await;
    after(&visit, &id, fields, outcome, "users-sealed-done").await
}

#[derive(Template)]
#[template(path = "users_new.html")]
struct New {
    c: Chrome,
    errors: Errors,
    people: Vec<(String, Option<String>)>,
    form: Fields,
}

async fn new_form(visit: &Visit, errors: Errors, typed: Fields) -> Result<New, Problem> {
    let people = match ledger("people") {
        Some(people) => visit.app().suggest(visit.facility()?, people, "", 500).await?,
        None => Vec::new(),
    };
    let mut c = visit.chrome("users-new");
    c.failed = !errors.is_empty();
    Ok(New { c, errors, people, form: typed })
}

/// The form for a new one.
pub(crate) async fn new(visit: Visit) -> PageResult {
    visit.page(&new_form(&visit, Errors::default(), Fields::default()).await?)
}

/// The account that a form describes.
fn described(fields: &Fields) -> app::Result<NewUser> {
    let text = |name: &str| Some(fields.get(name).trim().to_owned()).filter(|t| !t.is_empty());
    let day = |name: &str| match text(name) {
        None => Ok(None),
        Some(typed) => domain::jp::parse_date(&typed).map(Some).map_err(|error| {
            app::Error::Fields(vec![app::FieldError { field: name.to_owned(), message: error.to_string() }])
        }),
    };
    Ok(NewUser {
        login: fields.get("login").to_owned(),
        name: fields.get("name").to_owned(),
        person: text("person"),
        role: Role::parse(fields.get("role")).unwrap_or_default(),
        valid_from: day("valid_from")?,
        valid_until: day("valid_until")?,
        sees_from: day("sees_from")?,
        sees_until: day("sees_until")?,
        email: fields.get("email").to_owned(),
        sealed: fields.get("sealed") == "1",
    })
}

/// Makes one; it signs in for the first time the way of the lost factor, so no password is ever handed around.
pub(crate) async fn add(visit: Visit, fields: Fields) -> PageResult {
    let made = match described(&fields) {
        Ok(new) => visit.app().user_add(visit.me()?, new).await,
        Err(error) => Err(error),
    };
    match made {
        Ok(user) => Ok(done(&format!("/users/{}", user.id), "users-added", &[("name", &user.name)])),
        Err(error) => visit.again(&new_form(&visit, Errors::of(error)?, fields).await?),
    }
}

#[derive(Template)]
#[template(path = "users_one.html")]
struct One {
    c: Chrome,
    errors: Errors,
    typed: Fields,
    user: User,
    sessions: Vec<SessionInfo>,
    own: bool,
}

async fn one(visit: &Visit, id: &str, errors: Errors, typed: Fields) -> Result<One, Problem> {
    let users = visit.app().user_list(&visit.facility()?.id).await?;
    let missing = || Problem::from(app::Error::NotFound { what: "利用者".to_owned() });
    let user = users.into_iter().find(|u| u.id == id).ok_or_else(missing)?;
    let mut c = visit.chrome("users-title");
    c.title.clone_from(&user.name);
    c.failed = !errors.is_empty();
    let (own, sessions) = (visit.me()?.user.id == user.id, visit.app().session_list(&user.id).await?);
    Ok(One { c, errors, typed, user, sessions, own })
}

/// One of them.
pub(crate) async fn show(visit: Visit, Path(id): Path<String>) -> PageResult {
    visit.page(&one(&visit, &id, Errors::default(), Fields::default()).await?)
}

async fn after(visit: &Visit, id: &str, typed: Fields, outcome: app::Result<()>, word: &str) -> PageResult {
    match outcome {
        Ok(()) => Ok(done(&format!("/users/{id}"), word, &[])),
        Err(error) => visit.again(&one(visit, id, Errors::of(error)?, typed).await?),
    }
}

/// Gives another role.
pub(crate) async fn role(visit: Visit, Path(id): Path<String>, fields: Fields) -> PageResult {
    let role = Role::parse(fields.get("role")).ok_or_else(|| app::Error::NotFound { what: "役割".to_owned() })?;
    let outcome = visit.app().user_role_set(visit.me()?, &id, role).await;
    after(&visit, &id, fields, outcome, "users-role-set").await
}

/// Decides on the role of somebody whose department, profession or duties changed.
pub(crate) async fn duties(visit: Visit, Path(id): Path<String>, fields: Fields) -> PageResult {
    let role = Role::parse(fields.get("role")).ok_or_else(|| app::Error::NotFound { what: "役割".to_owned() })?;
    let review = DutiesReview { role, reason: fields.get("reason"), shown: fields.get("shown") };
    let outcome = visit.app().user_duties_review(visit.me()?, &id, review).await;
    after(&visit, &id, fields, outcome, "users-duties-done").await
}

/// Shuts out.
pub(crate) async fn disable(visit: Visit, Path(id): Path<String>, fields: Fields) -> PageResult {
    let outcome = visit.app().user_disable(visit.me()?, &id, fields.get("reason")).await;
    after(&visit, &id, fields, outcome, "users-disabled").await
}

/// Lets in again.
pub(crate) async fn enable(visit: Visit, Path(id): Path<String>, fields: Fields) -> PageResult {
    let outcome = visit.app().user_enable(visit.me()?, &id).await;
    after(&visit, &id, fields, outcome, "users-enabled").await
}

/// Ends every session.
pub(crate) async fn end_sessions(visit: Visit, Path(id): Path<String>, fields: Fields) -> PageResult {
    let outcome = visit.app().user_sessions_end(visit.me()?, &id).await.map(|_| ());
    after(&visit, &id, fields, outcome, "users-sessions-ended").await
}

/// Opens the sealed account for an emergency.
pub(crate) async fn open(visit: Visit, Path(id): Path<String>, fields: Fields) -> PageResult {
    let outcome = visit.app().emergency_open(visit.me()?, &id, fields.get("reason")).await;
    after(&visit, &id, fields, outcome, "users-opened").await
}
