//! Watched folders: a system puts its files there, and they are taken once they have stopped growing.
//!
//! A file is known by its content, in the database, so neither a restart, a second server nor a copy under another name
//! takes it twice. What could not be read lies beside it afterwards, in a file whose name ends with エラー. Nothing is
//! moved or deleted: the folder belongs to the system.
//!
//! The ledger only names a folder below the place that whoever runs the server opened for it: who may edit a ledger must
//! not have the server read, or write, anywhere else.

use std::collections::{HashMap, HashSet};
use std::path::{Component, Path, PathBuf};
use std::time::SystemTime;

use domain::journal::{Actor, Event, sha256};
use intake::access::AccessError;
use intake::table::MAX_FILE;

use super::Feed;
use crate::error::{Error, Result};
use crate::{App, blocking};

/// Endings of the files that are taken.
const ENDINGS: &[&str] = &["csv", "tsv", "txt", "xlsx", "xlsm", "json", "xml"];
/// What the name of a file with refused rows ends with, before its ending.
const ERRORS: &str = ".エラー";
/// Most files looked at in one folder; a folder with more is not one that is emptied or kept by the day.
const FILES_MAX: usize = 10_000;

/// What is remembered between two looks.
#[derive(Debug, Default)]
pub struct Watch {
    files: HashMap<PathBuf, State>,
    /// Folders that could not be read at the last look, so that it is said once.
    closed: HashSet<PathBuf>,
}

/// A file at a look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct State {
    size: u64,
    changed: Option<SystemTime>,
    /// Whether it was dealt with as it is.
    done: bool,
}

/// A file that was dealt with.
#[derive(Debug)]
pub struct WatchedFile {
    /// Key of the source.
    pub source: String,
    /// Name of the file.
    pub name: String,
    /// How many accesses were new and how many rows were refused, or why the file was not taken.
    pub outcome: Result<(u64, usize)>,
}

impl App {
    /// Looks into every watched folder below `inbox`, once, and takes the files that have not changed since the last look.
    /// A folder that is named but not there yet is made.
    ///
    /// # Errors
    /// Any store error; what was not dealt with is at the next look.
    pub async fn look_into_folders(&self, inbox: &Path, watch: &mut Watch) -> Result<Vec<WatchedFile>> {
        let mut dealt = Vec::new();
        for feed in self.senders_of(None).await? {
            let Some(folder) = feed.folder.clone().map(PathBuf::from) else { continue };
            let listed = {
                let (inbox, folder) = (inbox.to_owned(), folder.clone());
                blocking(move || list(&below(&inbox, &folder)?)).await?
            };
            let listed = match listed {
                Ok(listed) => listed,
                Err(error) => {
                    if watch.closed.insert(folder) {
                        tracing::warn!(source = feed.source, %error, "watched folder cannot be read");
                    }
                    continue;
                }
            };
            watch.closed.remove(&folder);
            for (path, size, changed) in listed {
                let seen = watch.files.get(&path).copied();
                let unchanged = seen.is_some_and(|seen| seen.size == size && seen.changed == changed);
                let done = unchanged && seen.is_some_and(|seen| seen.done);
                if size > MAX_FILE as u64 && !done {
                    // Not read to see what it is: who fills the folder could fill the memory.
                    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                    let outcome = Err(Error::from(AccessError::TooLarge));
                    dealt.push(WatchedFile { source: feed.source.clone(), name, outcome });
                    watch.files.insert(path, State { size, changed, done: true });
                } else if unchanged && !done && size > 0 {
                    dealt.extend(self.take_file(&feed, &path).await?);
                    watch.files.insert(path, State { size, changed, done: true });
                } else {
                    watch.files.insert(path, State { size, changed, done });
                }
            }
        }
        Ok(dealt)
    }

    /// Takes a file, unless its content was taken before.
    async fn take_file(&self, feed: &Feed, path: &Path) -> Result<Option<WatchedFile>> {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let told = |outcome| Some(WatchedFile { source: feed.source.clone(), name: name.clone(), outcome });
        let bytes = {
            let path = path.to_owned();
            blocking(move || std::fs::read(path)).await?
        };
        let Ok(bytes) = bytes else { return Ok(told(Err(unreadable(&name)))) };
        let digest = sha256(&bytes);
        if self.store.feed_file_known(&feed.facility, &feed.source, &digest).await? {
            return Ok(None);
        }
        let by = Actor::new(format!("folder:{}", feed.source));
        let (outcome, beside) = match self.import_accesses(&by, feed, &name, bytes, false).await {
            Ok(file) => {
                let beside = match (file.rejected_workbook, file.rejected.is_empty()) {
                    (Some(workbook), _) => Some(("xlsx", workbook)),
                    (None, false) => Some(("txt", lines(&file.rejected).into_bytes())),
                    (None, true) => None,
                };
                (Ok((file.new, file.rejected.len())), beside)
            }
            Err(error @ (Error::Store(_) | Error::Unstaged(_))) => return Err(error),
            Err(error) => {
                let text = format!("{error}\n").into_bytes();
                (Err(error), Some(("txt", text)))
            }
        };
        if let Some((ending, content)) = beside {
            let path = beside_of(path, ending);
            // Where it cannot be written, the count in the journal and the log is what remains.
            if blocking(move || std::fs::write(path, content)).await?.is_err() {
                tracing::warn!(source = feed.source, "refused rows could not be written beside the file");
            }
        }
        let mut tx = self.store.begin(&by, &feed.facility, self.now()).await?;
        tx.feed_file_take(&feed.source, &digest, &name).await?;
        let (new, refused) = outcome.as_ref().map_or((0, 0), |counts| *counts);
        tx.record(
            Event::new("accesses.folder", feed.source.clone())
                .with("sha256", &digest)
                .with("new", new)
                .with("refused", refused)
                .with("readable", outcome.is_ok()),
        );
        tx.commit().await?;
        Ok(told(outcome))
    }
}

fn unreadable(name: &str) -> Error {
    Error::invalid(
        "EVT-043",
        format!("監視フォルダの「{name}」を読めませんでした。サーバの利用者に読む権限を付けてください。"),
    )
}

fn lines(rejected: &[crate::RejectedRow]) -> String {
    rejected.iter().map(|row| format!("{}件目：{}\n", row.line, row.problems.join(" "))).collect()
}

/// The folder of this name below the inbox.
fn below(inbox: &Path, named: &Path) -> std::io::Result<PathBuf> {
    let folder = inbox.join(named);
    if named.components().all(|part| matches!(part, Component::Normal(_))) {
        std::fs::create_dir_all(&folder)?;
    }
    // Links resolved: what leads out of the inbox is not below it.
    let folder = folder.canonicalize()?;
    if folder.starts_with(inbox.canonicalize()?) {
        return Ok(folder);
    }
    Err(std::io::Error::new(std::io::ErrorKind::PermissionDenied, "not below the inbox"))
}

/// The files of a folder that may be taken: plain files of a known ending, no links, in the order of their names.
fn list(folder: &Path) -> std::io::Result<Vec<(PathBuf, u64, Option<SystemTime>)>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)?.take(FILES_MAX) {
        let entry = entry?;
        let path = entry.path();
        // Of the entry itself: what a link leads to is not the system's.
        let Ok(about) = entry.metadata() else { continue };
        if about.is_file() && is_wanted(&path) {
            files.push((path, about.len(), about.modified().ok()));
        }
    }
    files.sort();
    Ok(files)
}

fn is_wanted(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let (stem, ending) = name.rsplit_once('.').unwrap_or_default();
    let known = ENDINGS.iter().any(|known| ending.eq_ignore_ascii_case(known));
    known && !stem.is_empty() && !stem.ends_with(ERRORS) && !name.starts_with(['.', '~'])
}

fn beside_of(path: &Path, ending: &str) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!("{name}{ERRORS}.{ending}"))
}
