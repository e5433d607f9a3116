//! Documents on paper and in Excel: the only crate that knows PDF and xlsx.
//!
//! A caller describes what a document says ([`Document`], [`Workbook`]) and gets its bytes. The crate
//! knows documents, not checklists or stores: it reads no clock, no network and no file of the site, and the
//! same description gives the same bytes, so that a folder of evidence can be rebuilt bit for bit. Text is
//! always data; nothing a user wrote is ever read as markup or as a formula.
//!
//! Both functions are CPU-bound and block; run them off the async threads.

mod document;
mod error;
mod mark;
mod pdf;
mod xlsx;

pub use document::{
    Align, Block, Cell, Column, Document, Emphasis, Segment, SignatureLine, StackedBar, Table, TableRow, Width,
};
pub use error::{Diagnostics, ReportError};
pub use mark::Mark;
pub use pdf::pdf;
pub use xlsx::{DateStyle, Kind, Orientation, Sheet, SheetCell, SheetColumn, Workbook, workbook};
