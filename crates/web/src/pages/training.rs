//! 研修: what was held, who took part, and who took part in none this 年度.

use std::cmp::Reverse;
use std::collections::HashMap;

use app::{Attendee, FieldError};
use askama::Template;
use axum::extract::Path;
use domain::authz::Permission;
use domain::jp::fiscal_year;
use jiff::civil::Date;

use crate::form::{Errors, Fields};
use crate::guard::Visit;
use crate::page::{Chrome, PageResult, Problem, done};
use crate::pages::ledgers::{address, find, segment};
use crate::pages::rows::{self, called, offered};

/// Kinds of records that are trainings.
const KINDS: &[&str] = &["training", "new_hire_training"];

/// A training in the list.
struct Line {
    href: String,
    title: String,
    kind: String,
    held_on: Option<Date>,
    held_by: String,
    attended: usize,
}

#[derive(Template)]
#[template(path = "training_list.html")]
struct List {
    c: Chrome,
    year: i16,
    lines: Vec<Line>,
    missing: Vec<(String, String)>,
    editable: bool,
}

/// Trainings, the newest first, and who is missing.
pub(crate) async fn list(visit: Visit) -> PageResult {
    let (app, facility, ledger) = (visit.app(), visit.facility()?, find("records")?);
    let c = visit.chrome("training-title");
    let mut attended: HashMap<String, usize> = HashMap::new();
    for row in app.rows_all(facility, find("attendance")?).await? {
        *attended.entry(rows::text(&row, "record")).or_default() += 1;
    }
    let mut held = app.rows_all(facility, ledger).await?;
    held.retain(|record| KINDS.contains(&rows::text(record, "kind").as_str()));
    held.retain(|record| visit.see(ledger, record).is_ok());
    held.sort_by_key(|record| Reverse((rows::day(record, "held_on"), record.key.clone())));
    let lines = held
        .iter()
        .map(|record| Line {
            href: format!("/training/{}", segment(&record.key)),
            title: rows::text(record, "title"),
            kind: rows::shown(ledger, record, "kind", c.lang),
            held_on: rows::day(record, "held_on"),
            held_by: rows::text(record, "held_by"),
            attended: attended.get(&record.key).copied().unwrap_or_default(),
        })
        .collect();
    let (missing, year) = (app.untrained(facility).await?, fiscal_year(app.today()));
    visit.page(&List { c, year, lines, missing, editable: visit.me()?.may(Permission::EditLedgers) })
}

/// Somebody who took part.
struct Present {
    name: String,
    on: Option<Date>,
}

#[derive(Template)]
#[template(path = "training_show.html")]
struct Show {
    c: Chrome,
    errors: Errors,
    f: Fields,
    to: String,
    record: String,
    facts: Vec<(&'static str, String)>,
    present: Vec<Present>,
    absent: Vec<(String, String)>,
    editable: bool,
}

/// One training, with a list to tick.
pub(crate) async fn show(visit: Visit, Path(no): Path<String>) -> PageResult {
    visit.page(&detail(&visit, &no, Fields::default(), Errors::default()).await?)
}

async fn detail(visit: &Visit, no: &str, f: Fields, errors: Errors) -> Result<Show, Problem> {
    let (app, facility, ledger) = (visit.app(), visit.facility()?, find("records")?);
    let stored = app.row(facility, ledger, no).await?;
    visit.see(ledger, &stored)?;
    let mut c = visit.chrome("training-title");
    c.title = rows::text(&stored, "title");
    c.failed = !errors.is_empty();
    let attended = app.attendance(facility, no).await?;
    let mut absent = app.staff(facility).await?;
    absent.retain(|(key, _)| !attended.contains_key(key));
    let people = offered(visit, "people").await?;
    Ok(Show {
        errors,
        f,
        to: format!("/training/{}", segment(&stored.key)),
        record: address("records", &stored.key),
        facts: rows::facts(&c, ledger, &stored, &["no", "title"], |_, key| key.to_owned()),
        present: attended
            .iter()
            .map(|(key, row)| Present { name: called(&people, key), on: rows::day(row, "attended_on") })
            .collect(),
        absent,
        editable: visit.me()?.may(Permission::EditLedgers),
        c,
    })
}

/// Enters those who were ticked.
pub(crate) async fn attend(visit: Visit, Path(no): Path<String>, fields: Fields) -> PageResult {
    let mut faults = Vec::new();
    let attended_on = rows::date(&fields, find("attendance")?, "attended_on", &mut faults);
    let people: Vec<Attendee> =
        fields.all("person").map(|p| Attendee { person: p.to_owned(), attended_on, ..Attendee::default() }).collect();
    if people.is_empty() {
        faults.push(FieldError::new("person", visit.chrome("training-title").t("training-none-chosen")));
    }
    if !faults.is_empty() {
        return visit.again(&detail(&visit, &no, fields, Errors(faults)).await?);
    }
    match visit.app().attend(&visit.me()?.actor(), visit.facility()?, &no, &people).await {
        Ok(n) => Ok(done(&format!("/training/{}", segment(&no)), "training-entered", &[("n", &n)])),
        Err(error) => visit.again(&detail(&visit, &no, fields, Errors::of(error)?).await?),
    }
}
