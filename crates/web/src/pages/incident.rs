//! 異常の報告: the first minute of a suspected attack. What to do stands on the page before anything is typed; reporting
//! is one sentence, and whom to call is on the same page, to be printed before the network is pulled.

use app::{Contact, FieldError};
use askama::Template;
use domain::authz::Permission;

use crate::form::{Errors, Fields};
use crate::guard::Visit;
use crate::page::{Chrome, PageResult, Problem, done};
use crate::pages::ledgers::segment;

#[derive(Template)]
#[template(path = "incident.html")]
struct Page {
    c: Chrome,
    errors: Errors,
    f: Fields,
    contacts: Vec<Contact>,
    /// Address of the record that was just made, for who may read ledgers.
    record: Option<String>,
}

async fn page(visit: &Visit, f: Fields, errors: Errors, record: Option<String>) -> Result<Page, Problem> {
    let mut c = visit.chrome("incident-title");
    c.failed = !errors.is_empty();
    let contacts = visit.app().contacts(visit.facility()?, f.get("place")).await?;
    Ok(Page { c, errors, f, contacts, record })
}

/// What to do, whom to call, and the form.
pub(crate) async fn show(visit: Visit, query: axum::extract::RawQuery) -> PageResult {
    let given = Fields::parse(query.0.unwrap_or_default().as_bytes());
    let no = given.get("record").to_owned();
    let reads = visit.me()?.may(Permission::ReadLedgers);
    let record = (reads && !no.is_empty()).then(|| format!("/ledgers/records/{}", segment(&no)));
    visit.page(&page(&visit, Fields::default(), Errors::default(), record).await?)
}

/// Takes the report.
pub(crate) async fn report(visit: Visit, fields: Fields) -> PageResult {
    let (place, what) = (fields.get("place"), fields.get("what"));
    if what.trim().is_empty() {
        let missing = visit.chrome("incident-title").t("incident-what-missing");
        let errors = Errors(vec![FieldError::new("what", missing)]);
        return visit.again(&page(&visit, fields, errors, None).await?);
    }
    match visit.app().report_incident(&visit.me()?.actor(), visit.facility()?, place, what).await {
        Ok(no) => Ok(done(&format!("/incident?record={}", segment(&no)), "incident-reported", &[("no", &no)])),
        Err(error) => {
            let errors = Errors::of(error)?;
            visit.again(&page(&visit, fields, errors, None).await?)
        }
    }
}
