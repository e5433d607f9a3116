//! PDF: hides the typesetter, its fonts and the look of a page.
//!
//! The template is the only typesetting source there is. What a document says reaches it as values
//! ([`data`]), never as source, and the world it is compiled in has two fonts and no files, packages,
//! network or clock. The result is PDF/A-2a (archival, tagged), so a later reader sees the same page.

mod data;
mod text;

use std::sync::LazyLock;

use typst::diag::{FileError, FileResult, SourceDiagnostic};
use typst::foundations::{Bytes, Datetime, Dict, Duration, Smart};
use typst::syntax::{FileId, Source};
use typst::text::{Font, FontBook};
use typst::utils::LazyHash;
use typst::{Library, LibraryExt, World};
use typst_layout::PagedDocument;
use typst_pdf::{PdfOptions, PdfStandard, PdfStandards};

use report::{Diagnostics, Document, ReportError};

static TEMPLATE: LazyLock<Source> = LazyLock::new(|| Source::detached(include_str!("page/document.typ")));

static FONTS: LazyLock<Fonts> = LazyLock::new(|| {
    let files: [&'static [u8]; 2] =
        [include_bytes!("../fonts/NotoSansJP-Regular.ttf"), include_bytes!("../fonts/NotoSansJP-Bold.ttf")];
    let faces: Vec<Font> = files.into_iter().filter_map(|file| Font::new(Bytes::new(file), 0)).collect();
    Fonts { book: LazyHash::new(FontBook::from_fonts(&faces)), faces }
});

/// The PDF of `document`: A4, archival and tagged. The same document gives the same bytes. A character
/// that the font lacks is printed as 〓.
///
/// # Errors
/// [`ReportError::Ragged`] if a row of a table does not fit its columns; [`ReportError::Layout`] and
/// [`ReportError::Export`] if the typesetter refuses the document.
pub(crate) fn pdf(document: &Document) -> Result<Vec<u8>, ReportError> {
    let press = Press::new(data::inputs(document)?);
    let result = print(&press);
    // The typesetter remembers every page it ever made; a server must not.
    comemo::evict(0);
    result
}

fn print(press: &Press) -> Result<Vec<u8>, ReportError> {
    let pages: PagedDocument = typst::compile(press).output.map_err(|problems| ReportError::Layout(said(&problems)))?;
    let standards = PdfStandards::new(&[PdfStandard::A_2a])
        .map_err(|problem| ReportError::Export(Diagnostics(problem.message().to_string())))?;
    let options =
        PdfOptions { creator: Smart::Custom(Some("Sakimori".to_owned())), standards, ..PdfOptions::default() };
    typst_pdf::pdf(&pages, &options).map_err(|problems| ReportError::Export(said(&problems)))
}

fn said(problems: &[SourceDiagnostic]) -> Diagnostics {
    let sentences: Vec<&str> = problems.iter().map(|problem| problem.message.as_str()).collect();
    Diagnostics(sentences.join("; "))
}

struct Fonts {
    book: LazyHash<FontBook>,
    faces: Vec<Font>,
}

impl Fonts {
    /// Whether every face can draw `c`.
    fn draw(&self, c: char) -> bool {
        self.faces.iter().all(|face| face.info().coverage.contains(c.into()))
    }
}

/// All that the template can see: the standard library with our inputs, itself, and the fonts.
struct Press {
    library: LazyHash<Library>,
}

impl Press {
    fn new(inputs: Dict) -> Self {
        Self { library: LazyHash::new(Library::builder().with_inputs(inputs).build()) }
    }
}

impl World for Press {
    fn library(&self) -> &LazyHash<Library> {
        &self.library
    }

    fn book(&self) -> &LazyHash<FontBook> {
        &FONTS.book
    }

    fn main(&self) -> FileId {
        TEMPLATE.id()
    }

    fn source(&self, id: FileId) -> FileResult<Source> {
        if id == TEMPLATE.id() { Ok(TEMPLATE.clone()) } else { Err(FileError::AccessDenied) }
    }

    fn file(&self, _: FileId) -> FileResult<Bytes> {
        Err(FileError::AccessDenied)
    }

    fn font(&self, index: usize) -> Option<Font> {
        FONTS.faces.get(index).cloned()
    }

    fn today(&self, _: Option<Duration>) -> Option<Datetime> {
        None
    }
}

#[cfg(test)]
mod tests;
