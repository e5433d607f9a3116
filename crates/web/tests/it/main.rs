//! The router from outside, without a socket: every door of the table, every form, every word.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

mod accesses;
mod api;
mod cut;
mod doors;
mod forms;
mod full;
mod hostile;
mod journal;
mod keep;
mod parity;
mod programs;
mod retention;
mod support;
mod syslog;
mod texts;
mod verdicts;
mod workflow;
