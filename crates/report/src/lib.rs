//! Documents on paper and in Excel: the only crate that knows PDF and xlsx.
//!
//! A caller describes what a document says ([`Document`], [`Workbook`]) and gets its bytes. The crate
//! knows documents, not checklists or stores: it reads no clock, no network and no file of the site, and the
//! same description gives the same bytes, so that a folder of evidence can be rebuilt bit for bit. Text is
//! always data; nothing a user wrote is ever read as markup or as a formula.
//!
//! The PDF half runs in a helper process, `sakimori-typeset`: a typesetter is large (fonts, tables, caches) and only
//! now and then needed, and a document that upsets it must not take the server with it.
//!
//! Both functions are CPU-bound and block; run them off the async threads.

mod document;
mod error;
mod press;
mod xlsx;

pub use document::{
    Align, Block, Cell, Column, Document, Emphasis, Segment, SignatureLine, StackedBar, Table, TableRow, Trend,
    TrendLine, Width,
};
pub use domain::evaluate::Verdict as Mark;
pub use error::{Diagnostics, ReportError};
pub use press::{Printed, pdf, pdfs, typesetter};
pub use xlsx::{DateStyle, Kind, Orientation, Sheet, SheetCell, SheetColumn, Workbook, workbook};
