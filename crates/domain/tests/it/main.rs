//! Pages of the manual that are made from the tables of this crate. `UPDATE=1 cargo test -p domain --test it`
//! rewrites them.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "tests")]

mod facts;
mod ledgers;
mod thresholds;

use std::path::Path;

/// Compares a page of `docs/ja/reference/` with what the tables say, or rewrites it.
pub(crate) fn current(page: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/ja/reference").join(page);
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, text).unwrap();
    }
    let is = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(is == text, "{page} is not what the tables say; run: UPDATE=1 cargo test -p domain --test it");
}
