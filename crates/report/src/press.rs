//! The way to the typesetter: a helper process that gets documents as JSON and answers with PDFs.
//!
//! In: one JSON array of documents on standard input. Out, for each document in order: one line of JSON, a
//! [`Printed`], and after `Pdf` that many bytes.

use std::ffi::OsString;
use std::io::{BufRead, BufReader, Error as IoError, ErrorKind, Read, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::document::Document;
use crate::error::{Diagnostics, ReportError};

/// How long the typesetter may take until the next document is there; a whole audit folder takes a few seconds.
const PATIENCE: Duration = Duration::from_secs(60);

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
/// typesetter, [`ReportError::Crash`] if it dies, [`ReportError::Late`] if a document takes more than a minute.
pub fn pdfs(documents: &[Document]) -> Result<Vec<Vec<u8>>, ReportError> {
    let order = serde_json::to_vec(documents).map_err(|e| ReportError::Press(e.into()))?;
    print(Command::new(program()), order, documents.len(), PATIENCE)
}

/// Has `press` print `count` documents. It never outlives the call.
fn print(mut press: Command, order: Vec<u8>, count: usize, patience: Duration) -> Result<Vec<Vec<u8>>, ReportError> {
    let mut press = press
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(ReportError::Press)?;
    let (input, output, complaints) = (press.stdin.take(), press.stdout.take(), press.stderr.take());
    let (Some(input), Some(output), Some(complaints)) = (input, output, complaints) else {
        return Err(ReportError::Press(IoError::from(ErrorKind::BrokenPipe)));
    };
    let (sender, receiver) = mpsc::channel();
    // The talk happens beside, because neither end of a pipe knows a deadline; killing the press ends it.
    std::thread::spawn(move || talk(input, &order, BufReader::new(output), complaints, count, &sender));
    let mut all = Vec::with_capacity(count);
    let stopped = loop {
        if all.len() == count {
            break None;
        }
        match receiver.recv_timeout(patience) {
            Ok(Said::Printed(pdf)) => all.push(pdf),
            Ok(other) => break Some(other),
            Err(_) => break Some(Said::Nothing),
        }
    };
    let killed = press.kill();
    let ended = press.wait().map_err(ReportError::Press)?;
    match stopped {
        None | Some(Said::Printed(_)) => Ok(all),
        Some(Said::Refused(refusal)) => Err(refusal),
        Some(Said::Broken(complaint)) => Err(ReportError::Crash(Diagnostics(format!("{ended}: {complaint}")))),
        Some(Said::Nothing) => {
            killed.map_err(ReportError::Press)?;
            Err(ReportError::Late { seconds: patience.as_secs() })
        }
    }
}

/// What came of the next document.
enum Said {
    /// Its PDF.
    Printed(Vec<u8>),
    /// The typesetter refused it.
    Refused(ReportError),
    /// The talk broke off; why, and the beginning of what the press wrote on standard error.
    Broken(String),
    /// Nothing in time.
    Nothing,
}

/// Sends the order and passes on what comes back, until all is there or something is wrong. The press reads
/// everything before it writes anything, so the two ends cannot wait for each other.
fn talk(
    mut input: impl Write,
    order: &[u8],
    mut output: impl BufRead,
    complaints: impl Read,
    count: usize,
    heard: &mpsc::Sender<Said>,
) {
    const COMPLAINT: u64 = 4096;
    let sent = input.write_all(order);
    drop(input);
    let mut outcome = sent.and_then(|()| next(&mut output));
    for _ in 1..count {
        let Ok(said @ Said::Printed(_)) = outcome else { break };
        _ = heard.send(said);
        outcome = next(&mut output);
    }
    _ = heard.send(outcome.unwrap_or_else(|error| {
        let mut said = Vec::new();
        let _ = complaints.take(COMPLAINT).read_to_end(&mut said);
        Said::Broken(format!("{error}: {}", String::from_utf8_lossy(&said).trim()))
    }));
}

/// Takes the next document.
fn next(output: &mut impl BufRead) -> std::io::Result<Said> {
    let mut line = String::new();
    output.read_line(&mut line)?;
    let length = match serde_json::from_str(&line)? {
        Printed::Pdf(length) => length,
        Printed::Layout(said) => return Ok(Said::Refused(ReportError::Layout(said))),
        Printed::Export(said) => return Ok(Said::Refused(ReportError::Export(said))),
        Printed::Ragged(table, row, cells, columns) => {
            return Ok(Said::Refused(ReportError::Ragged { table, row, cells, columns }));
        }
    };
    let mut pdf = Vec::new();
    output.take(u64::try_from(length).unwrap_or(u64::MAX)).read_to_end(&mut pdf)?;
    if pdf.len() == length { Ok(Said::Printed(pdf)) } else { Err(ErrorKind::UnexpectedEof.into()) }
}

/// The typesetter lies beside this executable (or one folder up, where a build keeps its test programs); else it
/// is looked for where the system looks for programs.
fn program() -> OsString {
    typesetter().map_or_else(|| NAME.into(), Into::into)
}

/// Where the typesetter is: in the folder of this executable or the one above. `None` leaves it to the search path.
pub fn typesetter() -> Option<PathBuf> {
    let me = std::env::current_exe().ok()?;
    me.ancestors().skip(1).take(2).map(|folder| folder.join(NAME)).find(|candidate| candidate.is_file())
}

/// Name of the executable.
const NAME: &str = "sakimori-typeset";

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]
    use super::*;

    /// What a press that is this shell script prints for an order of `bytes` in `seconds`.
    fn pressed(script: &str, bytes: usize, seconds: u64) -> Result<Vec<Vec<u8>>, ReportError> {
        let mut shell = Command::new("sh");
        shell.args(["-c", script]);
        print(shell, vec![b' '; bytes], 2, Duration::from_secs(seconds))
    }

    #[test]
    fn what_is_printed_comes_back_in_order() {
        let printed = pressed(r#"cat >/dev/null; echo '{"Pdf":3}'; printf abc; echo '{"Pdf":1}'; printf d"#, 10, 60);
        assert_eq!(printed.unwrap(), [b"abc".to_vec(), b"d".to_vec()]);
        let refused = pressed(r#"cat >/dev/null; echo '{"Ragged":["t",1,2,3]}'"#, 10, 60);
        assert!(matches!(refused, Err(ReportError::Ragged { row: 1, cells: 2, columns: 3, .. })), "{refused:?}");
    }

    #[test]
    fn one_that_hangs_is_killed_and_named() {
        for (script, bytes) in [
            ("cat >/dev/null; exec sleep 600", 10),
            ("exec sleep 600", 1 << 20),
            (r#"cat >/dev/null; echo '{"Pdf":3}'; exec sleep 600"#, 10),
        ] {
            let late = pressed(script, bytes, 1).unwrap_err();
            assert!(matches!(late, ReportError::Late { seconds: 1 }), "{script}: {late:?}");
        }
    }

    #[test]
    fn one_that_dies_is_told_from_one_that_is_missing() {
        for script in [
            "cat >/dev/null; echo boom >&2; exit 3",
            "echo boom >&2; exit 3",
            r#"cat >/dev/null; echo '{"Pdf":3}'; printf ab; echo boom >&2; exit 3"#,
            r#"cat >/dev/null; echo '{"Pdf":999999999999999}'; echo boom >&2; exit 3"#,
            "cat >/dev/null; echo hello; echo boom >&2; exit 3",
        ] {
            let error = pressed(script, 1 << 20, 60).unwrap_err();
            let ReportError::Crash(Diagnostics(said)) = error else { panic!("{script}: {error:?}") };
            assert!(said.contains("boom"), "{script}: {said}");
        }
        let missing = print(Command::new("no-such-typesetter"), Vec::new(), 1, PATIENCE).unwrap_err();
        assert!(matches!(missing, ReportError::Press(_)), "{missing:?}");
    }
}
