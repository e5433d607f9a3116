//! The pure core: what the guidelines ask, what the ledgers hold, and how one is judged by the other.
//!
//! Nothing here reads a clock, a file, a socket or a random number; `now` is always a parameter.

pub mod access;
pub mod authz;
pub mod catalog;
pub mod credential;
pub mod evaluate;
pub mod fact;
pub mod inventory;
pub mod journal;
pub mod jp;
pub mod ledger;
pub mod lifecycle;
pub mod message;
pub mod mfa;
pub mod retention;
pub mod text;
pub mod threshold;
pub mod trend;
pub mod unrecorded;
pub mod workflow;
