//! Files named on the command line.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use super::read_file;

/// Endings of files that may be ledgers.
const TABLES: &[&str] = &["xlsx", "xlsm", "csv", "tsv", "txt"];

/// End of the name of a workbook with refused rows. A folder import never reads one: its rows may be older than the
/// ledger that was corrected since.
pub(crate) const REJECTED: &str = "_エラー";

/// The tables in a folder (not below it), by name, without Excel's lock files and our own answers.
pub(crate) fn tables_in(folder: &Path) -> Result<Vec<(String, Vec<u8>)>> {
    let explain =
        || format!("フォルダ「{}」を読めませんでした（INP-002）。場所と権限を確かめてください。", folder.display());
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder)
        .with_context(explain)?
        .map(|entry| entry.map(|e| e.path()))
        .collect::<std::io::Result<_>>()
        .with_context(explain)?;
    paths.sort();
    paths
        .into_iter()
        .filter(|p| {
            let ending = p.extension().and_then(|e| e.to_str()).unwrap_or_default().to_lowercase();
            let ours = p.file_stem().is_some_and(|stem| stem.to_string_lossy().ends_with(REJECTED));
            p.is_file() && TABLES.contains(&ending.as_str()) && !name_of(p).starts_with("~$") && !ours
        })
        .map(|p| Ok((name_of(&p), read_file(&p, app::TABLE_MAX)?)))
        .collect()
}

/// The last part of a path.
pub(crate) fn name_of(path: &Path) -> String {
    path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default()
}
