//! 記録媒体: USB sticks and the like, where they are and who has them.

use std::collections::HashMap;

use app::RowQuery;
use askama::Template;
use axum::extract::Query;
use domain::authz::Permission;
use domain::ledger::Value;
use serde::Deserialize;

use crate::guard::Visit;
use crate::page::{Chrome, PageResult};
use crate::pages::ledgers::{address, find, segment};
use crate::pages::loans;
use crate::pages::rows::{self, State, called, offered};

/// Which page.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Wanted {
    page: Option<u32>,
}

/// A medium.
struct Line {
    key: String,
    href: String,
    name: String,
    place: String,
    owner: String,
    encrypted: State,
    state: State,
    /// Its open loan.
    loan: Option<String>,
    lendable: bool,
}

#[derive(Template)]
#[template(path = "media.html")]
struct Media {
    c: Chrome,
    lines: Vec<Line>,
    page: u32,
    pages: u32,
    editable: bool,
    lends: bool,
}

/// Every medium of the ledger of devices.
pub(crate) async fn list(visit: Visit, Query(wanted): Query<Wanted>) -> PageResult {
    let (app, facility, ledger) = (visit.app(), visit.facility()?, find("devices")?);
    let c = visit.chrome("media-title");
    let filters: Vec<_> = ledger.column("kind").map(|column| (column, "medium".to_owned())).into_iter().collect();
    let page = wanted.page.unwrap_or(1).max(1);
    let query = RowQuery { ledger, search: "", filters: &filters, period: None, sort: None, descending: false, page };
    let found = app.rows(facility, &query).await?;
    let people = offered(&visit, "people").await?;
    let loans: HashMap<String, String> = app
        .loans_open(facility)
        .await?
        .into_iter()
        .map(|loan| (rows::text(&loan.stored, "device"), loans::address(&loan.stored.key)))
        .collect();
    let lines = found
        .rows
        .iter()
        .map(|stored| {
            let status = rows::text(stored, "status");
            let word = rows::shown(ledger, stored, "status", c.lang);
            Line {
                href: address("devices", &stored.key),
                name: rows::text(stored, "name"),
                place: rows::text(stored, "place"),
                owner: called(&people, &rows::text(stored, "owner")),
                encrypted: match stored.row.get("encrypted") {
                    Some(Value::YesNo(true)) => State::good(c.t("media-encrypted")),
                    Some(Value::YesNo(false)) => State::bad(c.t("media-plain")),
                    _ => State::warn(c.t("unknown-answer")),
                },
                state: match status.as_str() {
                    "lost" => State::bad(word),
                    "lent" => State::warn(word),
                    "disposed" => State::over(word),
                    "" => State::warn(c.t("unknown-answer")),
                    _ => State::good(word),
                },
                loan: loans.get(&stored.key).cloned(),
                lendable: !matches!(status.as_str(), "lost" | "disposed" | "lent"),
                key: segment(&stored.key),
            }
        })
        .collect();
    let me = visit.me()?;
    let (editable, lends) = (me.may(Permission::EditLedgers), me.may(Permission::LendDevices));
    visit.page(&Media { c, lines, page: found.page, pages: found.pages, editable, lends })
}
