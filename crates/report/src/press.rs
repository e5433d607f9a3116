//! The way to the typesetter: a helper process that gets documents as JSON and answers with PDFs.
//!
//! In: one JSON array of documents on standard input. Out, for each document in order: one line of JSON, a
//! [`Printed`], and after `Pdf` that many bytes.

use std::ffi::OsString;
use std::io::{BufReader, Error as IoError, ErrorKind, Write as _};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde::{Deserialize, Serialize};

use crate::document::Document;
use crate::error::{Diagnostics, ReportError};

/// What the typesetter says of one document.
#[derive(Debug, Serialize, Deserialize)]
pub enum Printed {
    /// So many bytes of PDF follow.
    Pdf(usize),
    /// The layout refused it.
    Layout(Diagnostics),
    /// The pages could not be written.
    Export(Diagnostics),
    /// A table does not fit its columns: table, row, cells, columns.
    Ragged(String, usize, usize, usize),
}

/// The PDF of `document`: A4, archival and tagged. The same document gives the same bytes. A character
/// that the font lacks is printed as 〓.
///
/// # Errors
/// See [`pdfs`].
pub fn pdf(document: &Document) -> Result<Vec<u8>, ReportError> {
    let mut all = pdfs(std::slice::from_ref(document))?;
    all.pop().ok_or_else(|| ReportError::Press(IoError::from(ErrorKind::UnexpectedEof)))
}

/// The PDFs of several documents, in order, from one start of the typesetter.
///
/// # Errors
/// [`ReportError::Ragged`] if a row of a table does not fit its columns; [`ReportError::Layout`] and
/// [`ReportError::Export`] if the typesetter refuses a document; [`ReportError::Press`] if there is no
/// typesetter or it dies.
pub fn pdfs(documents: &[Document]) -> Result<Vec<Vec<u8>>, ReportError> {
    let order = serde_json::to_vec(documents).map_err(|e| ReportError::Press(e.into()))?;
    let mut press = Command::new(program())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(ReportError::Press)?;
    let (input, output) = (press.stdin.take(), press.stdout.take());
    let (Some(mut input), Some(output)) = (input, output) else {
        return Err(ReportError::Press(IoError::from(ErrorKind::BrokenPipe)));
    };
    // It reads everything before it writes anything, so the two ends cannot wait for each other.
    let sent = input.write_all(&order);
    drop(input);
    let printed = sent.map_err(ReportError::Press).and_then(|()| collect(BufReader::new(output), documents.len()));
    // Never leave it behind, whatever came out.
    let ended = press.wait().map_err(ReportError::Press);
    let printed = printed?;
    match ended? {
        status if status.success() => Ok(printed),
        status => Err(ReportError::Press(IoError::other(status.to_string()))),
    }
}

fn collect(mut output: impl std::io::BufRead, count: usize) -> Result<Vec<Vec<u8>>, ReportError> {
    let mut all = Vec::with_capacity(count);
    for _ in 0..count {
        let mut line = String::new();
        output.read_line(&mut line).map_err(ReportError::Press)?;
        let printed = serde_json::from_str(&line).map_err(|e| ReportError::Press(e.into()))?;
        let length = match printed {
            Printed::Pdf(length) => length,
            Printed::Layout(said) => return Err(ReportError::Layout(said)),
            Printed::Export(said) => return Err(ReportError::Export(said)),
            Printed::Ragged(table, row, cells, columns) => {
                return Err(ReportError::Ragged { table, row, cells, columns });
            }
        };
        let mut pdf = vec![0; length];
        output.read_exact(&mut pdf).map_err(ReportError::Press)?;
        all.push(pdf);
    }
    Ok(all)
}

/// The typesetter lies beside this executable (or one folder up, where a build keeps its test programs); else it
/// is looked for where the system looks for programs.
fn program() -> OsString {
    const NAME: &str = "sakimori-typeset";
    let beside: Option<PathBuf> = std::env::current_exe().ok().and_then(|me| {
        me.ancestors().skip(1).take(2).map(|folder| folder.join(NAME)).find(|candidate| candidate.is_file())
    });
    beside.map_or_else(|| NAME.into(), Into::into)
}
