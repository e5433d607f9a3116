//! 紛失の報告: three fields, and at once what to do next and whom to call.

use std::collections::BTreeMap;

use app::{Contact, FieldError};
use askama::Template;
use axum::extract::Query;
use domain::authz::Permission;

use crate::form::{Errors, Fields};
use crate::guard::Visit;
use crate::page::{Chrome, PageResult, done};
use crate::pages::ledgers::segment;
use crate::pages::rows::{Offered, offered};

#[derive(Template)]
#[template(path = "lost_form.html")]
struct Form {
    c: Chrome,
    errors: Errors,
    f: Fields,
    devices: Offered,
}

/// The form; `?device=` says which device.
pub(crate) async fn form(visit: Visit, Query(given): Query<BTreeMap<String, String>>) -> PageResult {
    let f = [("device", given.get("device").cloned().unwrap_or_default())].into_iter().collect();
    let devices = offered(&visit, "devices").await?;
    visit.page(&Form { c: visit.chrome("lost-title"), errors: Errors::default(), f, devices })
}

/// Takes the report.
pub(crate) async fn report(visit: Visit, fields: Fields) -> PageResult {
    let mut c = visit.chrome("lost-title");
    let (device, when, what) = (fields.get("device"), fields.get("when"), fields.get("what"));
    let errors = if what.trim().is_empty() {
        Errors(vec![FieldError::new("what", c.t("lost-what-missing"))])
    } else {
        let told =
            if when.trim().is_empty() { what.to_owned() } else { c.with2("lost-told", "when", when, "what", what) };
        match visit.app().report_lost(&visit.me()?.actor(), visit.facility()?, device, &told).await {
            Ok(record) => {
                let to = format!("/lost/next?device={}&record={}", segment(device), segment(&record.key));
                return Ok(done(&to, "lost-reported", &[("no", &record.key)]));
            }
            Err(error) => Errors::of(error)?,
        }
    };
    c.failed = true;
    let devices = offered(&visit, "devices").await?;
    visit.again(&Form { c, errors, f: fields, devices })
}

#[derive(Template)]
#[template(path = "lost_next.html")]
struct Next {
    c: Chrome,
    contacts: Vec<Contact>,
    /// Address of the record, for who may read ledgers.
    record: Option<String>,
}

/// What to do next, and whom to call.
pub(crate) async fn next(visit: Visit, Query(given): Query<BTreeMap<String, String>>) -> PageResult {
    let device = given.get("device").map(String::as_str).unwrap_or_default();
    let contacts = visit.app().contacts(visit.facility()?, device).await?;
    let reads = visit.me()?.may(Permission::ReadLedgers);
    let record = given.get("record").filter(|_| reads).map(|no| format!("/ledgers/records/{}", segment(no)));
    visit.page(&Next { c: visit.chrome("lost-next-title"), contacts, record })
}
