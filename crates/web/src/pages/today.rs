//! 今日やること: what is to be done, and how ready we are.

use askama::Template;

use crate::guard::Visit;
use crate::page::{Chrome, PageResult};

#[derive(Template)]
#[template(path = "today.html")]
struct Today {
    c: Chrome,
}

/// The page.
pub(crate) async fn show(visit: Visit) -> PageResult {
    visit.page(&Today { c: visit.chrome("today-title") })
}
