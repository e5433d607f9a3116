//! 初期設定: from an empty server to the first result in five short pages.
//!
//! The link that the server printed holds a secret in its fragment; it is exchanged for a cookie, and makes the first
//! person. From then on that person is signed in, and the rest can be left and taken up again.

use std::collections::BTreeMap;

use app::NewFacility;
use askama::Template;
use axum::extract::Query;
use domain::journal::Actor;
use domain::ledger::{Choice, Kind, ledger};
use serde::Deserialize;

use crate::cookies;
use crate::form::{Errors, Fields};
use crate::guard::Visit;
use crate::page::{Chrome, PageResult, Problem, done, go};
use crate::pages::ledgers::typed;

#[derive(Template)]
#[template(path = "setup_begin.html")]
struct Begin {
    c: Chrome,
    errors: Errors,
}

/// Where the link leads.
pub(crate) async fn begin(visit: Visit) -> PageResult {
    if !visit.app().needs_setup().await? {
        return Ok(done("/sign-in", "setup-over", &[]));
    }
    visit.page(&Begin { c: visit.chrome("setup-title"), errors: Errors::default() })
}

/// Takes the secret of the link.
pub(crate) async fn redeem(visit: Visit, fields: Fields) -> PageResult {
    match visit.app().setup_begin(visit.terminal(), fields.get("secret").trim()).await {
        Ok(grant) => {
            let mut response = go("/setup/1");
            cookies::set(&mut response, &cookies::passing(cookies::SETUP, grant.expose()));
            Ok(response)
        }
        Err(error) => {
            let mut c = visit.chrome("setup-title");
            c.failed = true;
            visit.again(&Begin { c, errors: Errors::of(error)? })
        }
    }
}

/// Whether the link was taken here.
async fn granted(visit: &Visit) -> Result<Option<String>, Problem> {
    let Some(cookie) = visit.jar().get(cookies::SETUP) else { return Ok(None) };
    Ok(visit.app().setup_grant(visit.terminal(), cookie).await?.map(|_| cookie.to_owned()))
}

/// What the first page asks.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct Place {
    #[serde(default)]
    kind: String,
    #[serde(default)]
    hosting: String,
    #[serde(default)]
    staff: String,
}

#[derive(Template)]
#[template(path = "setup_1.html")]
struct First {
    c: Chrome,
    place: Place,
    kinds: &'static [Choice],
    hostings: &'static [Choice],
}

fn choices(column: &str) -> &'static [Choice] {
    match ledger("facilities").and_then(|l| l.column(column)).map(|c| c.kind) {
        Some(Kind::Choice(choices)) => choices,
        _ => &[],
    }
}

/// 1: what kind of institution this is; it decides what is asked of it.
pub(crate) async fn first(visit: Visit, Query(place): Query<Place>) -> PageResult {
    if granted(&visit).await?.is_none() {
        return Ok(go("/setup"));
    }
    let (kinds, hostings) = (choices("kind"), choices("hosting"));
    let place = if place.kind.is_empty() { known(&visit).await? } else { place };
    visit.page(&First { c: visit.chrome("setup-1"), place, kinds, hostings })
}

/// What the ledger says already of the one facility there is.
async fn known(visit: &Visit) -> Result<Place, Problem> {
    let (Ok(facility), Some(facilities)) = (visit.app().facility(None).await, ledger("facilities")) else {
        return Ok(Place::default());
    };
    let stored = visit.app().row(&facility, facilities, &facility.no.to_uppercase()).await?;
    let value = |name: &str| facilities.column(name).map(|column| typed(column, &stored.row)).unwrap_or_default();
    Ok(Place { kind: value("kind"), hosting: value("hosting"), staff: value("staff") })
}

#[derive(Template)]
#[template(path = "setup_2.html")]
struct Second {
    c: Chrome,
    errors: Errors,
    place: Place,
    facility: String,
    name: String,
    login: String,
}

/// 2: its name, and who is responsible.
pub(crate) async fn second(visit: Visit, Query(place): Query<Place>) -> PageResult {
    if granted(&visit).await?.is_none() {
        return Ok(go("/setup"));
    }
    let facility = visit.app().facility(None).await.map(|f| f.name).unwrap_or_default();
    let (name, login) = (String::new(), String::new());
    visit.page(&Second { c: visit.chrome("setup-2"), errors: Errors::default(), place, facility, name, login })
}

/// Makes the facility and its first person, who is signed in from here on.
pub(crate) async fn person(visit: Visit, fields: Fields) -> PageResult {
    let Some(grant) = granted(&visit).await? else { return Ok(go("/setup")) };
    match make(&visit, &grant, &fields).await {
        Ok(session) => {
            let mut response = go("/setup/3");
            for cookie in [cookies::passing(cookies::SESSION, &session), cookies::gone(cookies::SETUP)] {
                cookies::set(&mut response, &cookie);
            }
            Ok(response)
        }
        Err(error) => {
            let mut c = visit.chrome("setup-2");
            c.failed = true;
            let field = |name: &str| fields.get(name).to_owned();
            let place = Place { kind: field("kind"), hosting: field("hosting"), staff: field("staff") };
            let errors = Errors::of(error)?;
            visit.again(&Second {
                c,
                errors,
                place,
                facility: field("facility"),
                name: field("name"),
                login: field("login"),
            })
        }
    }
}

async fn make(visit: &Visit, grant: &str, fields: &Fields) -> app::Result<String> {
    let app = visit.app();
    let actor = Actor::new(format!("初期設定：{}", domain::text::tidy(fields.get("name"))));
    // Coming back after a slip in the second half, the facility is there already.
    let facility = match app.facility(Some(fields.get("facility"))).await {
        Ok(known) => known,
        Err(_) => {
            let kind = choices("kind").iter().find(|c| c.code == fields.get("kind")).map(|c| c.code.to_owned());
            app.add_facility(&actor, NewFacility { no: String::new(), name: fields.get("facility").to_owned(), kind })
                .await?
        }
    };
    let session =
        app.setup_admin(visit.terminal(), grant, &facility.id, fields.get("name"), fields.get("login")).await?;
    let facilities = ledger("facilities").ok_or_else(|| app::Error::Internal { message: "facilities".to_owned() })?;
    let stored = app.row(&facility, facilities, &facility.no.to_uppercase()).await?;
    let mut row: BTreeMap<String, String> =
        stored.row.iter().map(|(name, value)| ((*name).to_owned(), value.to_string())).collect();
    for name in ["kind", "hosting", "staff"] {
        if !fields.get(name).is_empty() {
            row.insert(name.to_owned(), fields.get(name).to_owned());
        }
    }
    app.save_row(&actor, &facility, facilities, Some((&stored.key, stored.rev)), &row).await?;
    Ok(session.expose().to_owned())
}

#[derive(Template)]
#[template(path = "setup_3.html")]
struct Third {
    c: Chrome,
    user: app::identity::User,
    passkeys_available: bool,
}

impl Third {
    /// Whether the person can come back in.
    fn has_way_in(&self) -> bool {
        self.user.passkeys > 0 || self.user.has_password
    }
}

/// 3: how that person signs in from now on.
pub(crate) async fn third(visit: Visit) -> PageResult {
    let user = visit.me()?.user.clone();
    visit.page(&Third { c: visit.chrome("setup-3"), user, passkeys_available: visit.app().passkeys_available() })
}

/// A question of the fourth page.
struct Question {
    id: String,
    text: String,
}

#[derive(Template)]
#[template(path = "setup_4.html")]
struct Fourth {
    c: Chrome,
    questions: Vec<Question>,
}

/// Questions asked at the beginning; the rest comes up as tasks.
const QUESTIONS: usize = 12;

/// 4: what is known already.
pub(crate) async fn fourth(visit: Visit) -> PageResult {
    let questions = visit
        .app()
        .first_questions(visit.facility()?, QUESTIONS)
        .into_iter()
        .map(|(id, text)| Question { id, text: text.to_owned() })
        .collect();
    visit.page(&Fourth { c: visit.chrome("setup-4"), questions })
}

/// Keeps the answers and shows the first result.
pub(crate) async fn answers(visit: Visit, fields: Fields) -> PageResult {
    let answers: Vec<(String, bool)> = fields
        .iter()
        .filter_map(|(name, value)| Some((name.strip_prefix("q.")?.to_owned(), value)))
        .filter_map(|(id, value)| match value {
            "yes" => Some((id, true)),
            "no" => Some((id, false)),
            _ => None,
        })
        .collect();
    let me = visit.me()?;
    visit.app().answer_questions(&me.actor(), visit.facility()?, &me.user.name, &answers).await?;
    Ok(done("/", "setup-done", &[("n", &answers.len())]))
}
