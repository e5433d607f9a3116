//! `sakimori-typeset`: documents in, PDFs out.
//!
//! A process of its own, because a typesetter is heavy and only now and then needed (see `report::pdfs`, which starts
//! it and whose module describes what goes over the pipe). It opens no file and no connection.

mod page;

use std::io::{BufWriter, Read as _, Write as _};
use std::process::ExitCode;

use report::{Document, Printed, ReportError};

fn main() -> ExitCode {
    match serve() {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn serve() -> std::io::Result<()> {
    let mut order = Vec::new();
    std::io::stdin().lock().read_to_end(&mut order)?;
    let documents: Vec<Document> = serde_json::from_slice(&order)?;
    let mut out = BufWriter::new(std::io::stdout().lock());
    for document in &documents {
        let (said, bytes) = match page::pdf(document) {
            Ok(bytes) => (Printed::Pdf(bytes.len()), bytes),
            Err(error) => (refusal(error), Vec::new()),
        };
        writeln!(out, "{}", serde_json::to_string(&said)?)?;
        out.write_all(&bytes)?;
    }
    out.flush()
}

fn refusal(error: ReportError) -> Printed {
    match error {
        ReportError::Export(said) => Printed::Export(said),
        ReportError::Ragged { table, row, cells, columns } => Printed::Ragged(table, row, cells, columns),
        ReportError::Layout(said) => Printed::Layout(said),
        other => Printed::Layout(report::Diagnostics(other.to_string())),
    }
}
