//! Where a log lies: in a folder, or in a bucket of a store that speaks S3. The names in it are the same, so one can be
//! copied to the other with any tool.
//!
//! Both keep the same promises. What is written may be torn until it is settled, and nobody reads it before a head covers
//! it. What is replaced is there whole, the old or the new; in a bucket it is replaced only if it is still what this
//! writer saw last, so that of two writers one is refused.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::bucket::{Bucket, Version};
use crate::disk::Disk;
use crate::log::{Error, read};

/// Objects that may wait to be sent; they are in memory until then.
const WAITING: usize = 64;

/// Where a log lies.
#[derive(Clone, Debug)]
pub enum Place {
    /// In a folder of this machine.
    Folder(PathBuf),
    /// In a bucket.
    Bucket(Arc<Bucket>),
}

impl From<&Path> for Place {
    fn from(folder: &Path) -> Self {
        Self::Folder(folder.to_owned())
    }
}

impl From<&PathBuf> for Place {
    fn from(folder: &PathBuf) -> Self {
        Self::Folder(folder.clone())
    }
}

impl From<&Self> for Place {
    fn from(place: &Self) -> Self {
        place.clone()
    }
}

impl Place {
    /// What lies under a name; `None` when nothing does.
    pub(crate) fn read(&self, path: &str) -> Result<Option<Vec<u8>>, Error> {
        match self {
            Self::Folder(folder) => read(&folder.join(path)),
            Self::Bucket(bucket) => Ok(bucket.get(path)?.map(|(bytes, _)| bytes)),
        }
    }

    /// How many should read at once: a bucket is far away, and waits for nobody's processor.
    pub(crate) fn readers(&self, processors: usize) -> usize {
        match self {
            Self::Folder(_) => processors,
            Self::Bucket(_) => crate::bucket::AT_ONCE,
        }
    }
}

/// A place as it is written.
pub(crate) enum Writer {
    Folder(Disk),
    Bucket(Sending),
}

/// A bucket, with what waits to be sent to it and what was last seen of what is replaced.
pub(crate) struct Sending {
    bucket: Arc<Bucket>,
    waiting: Vec<(String, Vec<u8>)>,
    seen: BTreeMap<String, Version>,
}

impl Writer {
    pub(crate) fn new(place: &Place) -> Self {
        match place {
            Place::Folder(folder) => Self::Folder(Disk::new(folder)),
            Place::Bucket(bucket) => {
                let bucket = Arc::clone(bucket);
                Self::Bucket(Sending { bucket, waiting: Vec::new(), seen: BTreeMap::new() })
            }
        }
    }

    /// What lies under a name, also when it is not settled.
    pub(crate) fn read(&self, path: &str) -> Result<Option<Vec<u8>>, Error> {
        match self {
            Self::Folder(disk) => read(&disk.root().join(path)),
            Self::Bucket(sending) => match sending.waiting.iter().find(|(waiting, _)| waiting == path) {
                Some((_, bytes)) => Ok(Some(bytes.clone())),
                None => Ok(sending.bucket.get(path)?.map(|(bytes, _)| bytes)),
            },
        }
    }

    /// What lies under a name that is going to be [replaced](Self::replace), which from now on happens only if nobody
    /// else did.
    pub(crate) fn take_up(&mut self, path: &str) -> Result<Option<Vec<u8>>, Error> {
        let Self::Bucket(sending) = self else { return self.read(path) };
        let (bytes, version) = match sending.bucket.get(path)? {
            Some((bytes, version)) => (Some(bytes), version),
            None => (None, Version::Absent),
        };
        sending.seen.insert(path.to_owned(), version);
        Ok(bytes)
    }

    /// Writes what is durable only once it is [settled](Self::settle).
    pub(crate) fn write(&mut self, path: &str, bytes: &[u8]) -> Result<(), Error> {
        match self {
            Self::Folder(disk) => disk.write(path, bytes),
            Self::Bucket(sending) => {
                sending.waiting.push((path.to_owned(), bytes.to_vec()));
                if sending.waiting.len() >= WAITING { self.settle() } else { Ok(()) }
            }
        }
    }

    /// Makes everything that was written durable.
    pub(crate) fn settle(&mut self) -> Result<(), Error> {
        match self {
            Self::Folder(disk) => disk.settle(),
            Self::Bucket(sending) => {
                sending.bucket.put_all(&sending.waiting)?;
                sending.waiting.clear();
                Ok(())
            }
        }
    }

    /// Writes so that there is the old or the new, whole, and once this returns the new for ever; all that was written
    /// before is durable before.
    ///
    /// # Errors
    /// [`Error::Taken`] when somebody else replaced it since it was [taken up](Self::take_up).
    pub(crate) fn replace(&mut self, path: &str, bytes: &[u8]) -> Result<(), Error> {
        self.settle()?;
        match self {
            Self::Folder(disk) => disk.replace(path, bytes),
            Self::Bucket(sending) => {
                let seen = sending.seen.get(path).unwrap_or(&Version::Any);
                let version = sending.bucket.put(path, bytes, seen)?;
                sending.seen.insert(path.to_owned(), version);
                Ok(())
            }
        }
    }

    /// Removes what lies under these names, as far as there is something; once this returns it is gone for ever.
    pub(crate) fn remove(&mut self, paths: &[String]) -> Result<(), Error> {
        match self {
            Self::Folder(disk) => disk.remove(paths),
            Self::Bucket(sending) => sending.bucket.delete_all(paths),
        }
    }

    #[cfg(test)]
    pub(crate) fn steps(&self) -> &[crate::disk::Step] {
        match self {
            Self::Folder(disk) => &disk.steps,
            Self::Bucket(_) => &[],
        }
    }
}
