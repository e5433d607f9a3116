//! Pages as a browser meets them: over the router, with cookies, tokens and forms.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

mod support;
mod workflow;
