//! Reading what people and agents send: ledgers as workbooks and CSV, inventories of machines.
//!
//! Everything here turns bytes of unknown origin into typed values or a message in Japanese that says
//! what to do. Nothing is stored, executed or fetched.

pub mod access;
pub mod inventory;
pub mod table;
