//! The folder of a log as it is written: what is durable and when.
//!
//! Tiles are written once and may be torn by a power cut until they are [settled](Disk::settle) together: nobody reads
//! them before a head covers them, and no head does before. The head is [replaced](Disk::replace) whole or not at all.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::log::Error;

/// Files that may wait to be made durable; they are held open until then.
const WAITING: usize = 256;

/// A folder, with what was written to it and is not durable yet.
pub(crate) struct Disk {
    root: PathBuf,
    /// Folders that are there.
    known: BTreeSet<PathBuf>,
    files: Vec<(PathBuf, File)>,
    folders: BTreeSet<PathBuf>,
    #[cfg(test)]
    pub(crate) steps: Vec<Step>,
}

/// What was done to a disk.
#[cfg_attr(not(test), expect(dead_code, reason = "only tests keep them"))]
pub(crate) enum Step {
    MakeFolder(PathBuf),
    Write(PathBuf, Vec<u8>),
    SyncFile(PathBuf),
    Rename(PathBuf, PathBuf),
    SyncFolder(PathBuf),
    Remove(PathBuf),
}

impl Disk {
    pub(crate) fn new(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
            known: BTreeSet::new(),
            files: Vec::new(),
            folders: BTreeSet::new(),
            #[cfg(test)]
            steps: Vec::new(),
        }
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Writes what is durable only once it is [settled](Self::settle).
    pub(crate) fn write(&mut self, path: &str, bytes: &[u8]) -> Result<(), Error> {
        let path = self.root.join(path);
        self.put(&path, bytes).map_err(|source| Error::Io { path, source })
    }

    /// Makes everything that was written durable.
    pub(crate) fn settle(&mut self) -> Result<(), Error> {
        self.sync().map_err(|source| Error::Io { path: self.root.clone(), source })
    }

    /// Writes so that there is the old or the new, whole, and once this returns the new for ever.
    pub(crate) fn replace(&mut self, path: &str, bytes: &[u8]) -> Result<(), Error> {
        let path = self.root.join(path);
        let new = path.with_extension("new");
        let mut replace = || {
            self.put(&new, bytes)?;
            self.sync()?;
            fs::rename(&new, &path)?;
            self.note(|| Step::Rename(new.clone(), path.clone()));
            self.folders.insert(path.parent().unwrap_or(&self.root).to_owned());
            self.sync()
        };
        replace().map_err(|source| Error::Io { path: path.clone(), source })
    }

    /// Removes files, as far as they are there; once this returns they are gone for ever.
    pub(crate) fn remove(&mut self, paths: &[String]) -> Result<(), Error> {
        for path in paths {
            let path = self.root.join(path);
            match fs::remove_file(&path) {
                Ok(()) => {
                    self.note(|| Step::Remove(path.clone()));
                    self.folders.insert(path.parent().unwrap_or(&self.root).to_owned());
                }
                Err(e) if e.kind() == io::ErrorKind::NotFound => {}
                Err(source) => return Err(Error::Io { path, source }),
            }
        }
        self.settle()
    }

    fn put(&mut self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let parent = path.parent().unwrap_or(&self.root).to_owned();
        self.make(&parent)?;
        let mut file = File::create(path)?;
        file.write_all(bytes)?;
        self.note(|| Step::Write(path.to_owned(), bytes.to_vec()));
        self.files.push((path.to_owned(), file));
        self.folders.insert(parent);
        if self.files.len() >= WAITING { self.sync() } else { Ok(()) }
    }

    fn sync(&mut self) -> io::Result<()> {
        for (path, file) in std::mem::take(&mut self.files) {
            file.sync_data()?;
            self.note(|| Step::SyncFile(path));
        }
        for folder in std::mem::take(&mut self.folders) {
            File::open(&folder)?.sync_all()?;
            self.note(|| Step::SyncFolder(folder));
        }
        Ok(())
    }

    /// Makes a folder and those above it up to the root, as far as they are missing. Those that are there may come
    /// from a process that was killed before they were durable.
    fn make(&mut self, folder: &Path) -> io::Result<()> {
        if !self.known.insert(folder.to_owned()) {
            return Ok(());
        }
        if let Some(above) = folder.parent().filter(|above| !above.as_os_str().is_empty()) {
            if folder == self.root {
                fs::create_dir_all(above)?;
            } else {
                self.make(above)?;
            }
            self.folders.insert(above.to_owned());
        }
        match fs::create_dir(folder) {
            Err(e) if e.kind() != io::ErrorKind::AlreadyExists => Err(e),
            _ => {
                self.note(|| Step::MakeFolder(folder.to_owned()));
                Ok(())
            }
        }
    }

    #[cfg(test)]
    fn note(&mut self, step: impl FnOnce() -> Step) {
        self.steps.push(step());
    }

    #[cfg(not(test))]
    #[expect(clippy::unused_self, reason = "only tests keep the steps")]
    fn note(&self, _step: impl FnOnce() -> Step) {}
}
