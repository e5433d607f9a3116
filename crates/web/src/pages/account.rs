//! What everybody may set for themselves.

use axum::http::HeaderValue;
use axum::http::header::SET_COOKIE;

use crate::cookies;
use crate::form::Fields;
use crate::page::{PageResult, go};

/// Chooses the language of the pages, for this browser.
pub(crate) async fn language(fields: Fields) -> PageResult {
    let lang = if fields.get("lang") == "en" { "en" } else { "ja" };
    let mut response = go(fields.get("next"));
    if let Ok(value) = HeaderValue::from_str(&cookies::lasting(cookies::LANGUAGE, lang)) {
        response.headers_mut().append(SET_COOKIE, value);
    }
    Ok(response)
}
