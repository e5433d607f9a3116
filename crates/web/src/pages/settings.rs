//! 設定: one's own account, people, terminals, and whether the server is in order.

use app::{Check, FieldError, Health};
use askama::Template;
use domain::authz::Permission;
use domain::text::Lang;
use domain::unrecorded::Class;

use crate::form::{Errors, Fields};
use crate::guard::Visit;
use crate::page::{Chrome, PageResult, done, file, words};

#[derive(Template)]
#[template(path = "settings.html")]
struct Settings {
    c: Chrome,
    users: bool,
    server: bool,
}

/// The page with what can be set.
pub(crate) async fn show(visit: Visit) -> PageResult {
    let me = visit.me()?;
    let (users, server) = (me.may(Permission::ManageUsers), me.may(Permission::ManageSettings));
    visit.page(&Settings { c: visit.chrome("settings-title"), users, server })
}

#[derive(Template)]
#[template(path = "doctor.html")]
struct Doctor {
    c: Chrome,
    checks: Vec<Check>,
}

/// 診断.
pub(crate) async fn doctor(visit: Visit) -> PageResult {
    let checks = visit.app().doctor(&visit.web().folder).await?;
    visit.page(&Doctor { c: visit.chrome("doctor-title"), checks })
}

#[derive(Template)]
#[template(path = "terminals.html")]
struct Terminals {
    c: Chrome,
    /// Name, and whether several people use it.
    terminals: Vec<(String, bool)>,
}

/// 端末: which ones several people use in turn.
pub(crate) async fn terminals(visit: Visit) -> PageResult {
    let terminals = visit.app().terminal_list(&visit.facility()?.id).await?;
    visit.page(&Terminals { c: visit.chrome("terminals-title"), terminals })
}

/// Says of this very terminal what it is.
pub(crate) async fn terminal(visit: Visit, fields: Fields) -> PageResult {
    let shared = fields.get("shared") == "1";
    visit.app().terminal_set(visit.me()?, visit.terminal(), fields.get("name"), shared).await?;
    Ok(done("/settings/terminals", "terminals-set", &[]))
}

/// What a choice is called in the form: whether acts go on.
const CHOICES: [(&str, bool); 2] = [("allow", true), ("refuse", false)];

#[derive(Template)]
#[template(path = "unrecorded.html")]
struct Unrecorded {
    c: Chrome,
    errors: Errors,
    f: Fields,
    /// Code and name.
    classes: Vec<(&'static str, &'static str)>,
    choices: Vec<(&'static str, String)>,
}

fn unrecorded_form(visit: &Visit, f: Fields, errors: Errors) -> Unrecorded {
    let mut c = visit.chrome("unrecorded-title");
    c.failed = !errors.is_empty();
    let classes = Class::all().map(|class| (class.code(), c.word(class.label()))).collect();
    let choices = CHOICES.map(|(code, _)| (code, c.t(&format!("unrecorded-{code}")))).into();
    Unrecorded { c, errors, f, classes, choices }
}

/// What becomes of acts that cannot be recorded.
pub(crate) async fn unrecorded(visit: Visit) -> PageResult {
    visit.app().refresh_decisions().await?;
    let code = |class: Class| CHOICES.iter().find(|(_, goes_on)| *goes_on == visit.app().goes_on(class));
    let f = Class::all().map(|class| (class.code(), code(class).map_or("", |(code, _)| *code))).collect();
    visit.page(&unrecorded_form(&visit, f, Errors::default()))
}

/// Decides it.
pub(crate) async fn decide_unrecorded(visit: Visit, f: Fields) -> PageResult {
    let chosen =
        |class: Class| CHOICES.iter().find(|(code, _)| f.get(class.code()) == *code).map(|(_, goes_on)| *goes_on);
    let missing: Vec<FieldError> = Class::all()
        .filter(|class| chosen(*class).is_none())
        .map(|class| FieldError::new(class.code(), words().say(visit.lang(), "unrecorded-choose", &[])))
        .collect();
    if !missing.is_empty() {
        return visit.again(&unrecorded_form(&visit, f, Errors(missing)));
    }
    let decided: Vec<(Class, bool)> = Class::all().filter_map(|class| Some((class, chosen(class)?))).collect();
    visit.app().decide_unrecorded(&visit.me()?.actor(), &decided).await?;
    Ok(done("/settings/unrecorded", "unrecorded-set", &[]))
}

/// Marks what the person was told as read.
pub(crate) async fn notice_read(visit: Visit, _: Fields) -> PageResult {
    visit.app().notice_read(visit.me()?).await?;
    Ok(done("/", "notice-was-read", &[]))
}

/// What somebody who helps from outside needs: counts and states, no names.
pub(crate) async fn support(visit: Visit) -> PageResult {
    let archive = visit.app().support_archive(&visit.web().folder).await?;
    Ok(file(&format!("sakimori-support-{}.zip", visit.app().today()), "application/zip", archive))
}

/// The word of a state of health.
pub(crate) const fn health(health: Health) -> (&'static str, &'static str, &'static str) {
    match health {
        Health::Good => ("met", "○", "health-good"),
        Health::Warn => ("due_soon", "△", "health-warn"),
        Health::Bad => ("unmet", "×", "health-bad"),
        Health::Unknown => ("unknown", "？", "health-unknown"),
    }
}

/// A check in one line, for the command line, which says the same as the page.
pub fn doctor_line(check: &Check, lang: Lang) -> String {
    let (state, mark, word) = health(check.health);
    let say = |key: &str| words().say(lang, key, &[]);
    let line = format!("{mark} {}\t{}\t{}", say(word), say(&format!("doctor-{}", check.key)), check.seen);
    if state == "met" { line } else { format!("{line}\t{}", say(&format!("doctor-{}-do", check.key))) }
}
