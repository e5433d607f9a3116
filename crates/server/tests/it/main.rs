//! The real executable in a fresh folder, as its users run it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

mod agents;
mod everyday;
mod faults;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

/// A folder with a data folder in it, and the program.
pub(crate) struct Desk {
    folder: TempDir,
}

impl Desk {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    /// With the demonstration clinic loaded.
    pub(crate) fn demo() -> Self {
        let desk = Self::new();
        desk.ok(&["demo", "--load"]);
        desk
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sakimori"));
        command.current_dir(self.folder.path()).env_remove("SAKIMORI_DATABASE").env("SAKIMORI_DATA", self.path("data"));
        command
    }

    pub(crate) fn run(&self, words: &[&str]) -> Output {
        self.command().args(words).output().unwrap()
    }

    /// Standard output of a run that has to succeed.
    pub(crate) fn ok(&self, words: &[&str]) -> String {
        let out = self.run(words);
        let (said, complained) = (text(&out.stdout), text(&out.stderr));
        assert!(out.status.success(), "{words:?}: {:?}\n{said}\n{complained}", out.status);
        said
    }

    /// Exit code and standard output, however it ends.
    pub(crate) fn said(&self, words: &[&str]) -> (i32, String) {
        let out = self.run(words);
        (out.status.code().unwrap_or(-1), text(&out.stdout))
    }

    /// What somebody with the database in their hands does; what it answers.
    pub(crate) fn sql(&self, statement: &str) -> String {
        let out = Command::new("sqlite3").arg(self.path("data/sakimori.db")).arg(statement).output().expect("sqlite3");
        assert!(out.status.success(), "{}", text(&out.stderr));
        text(&out.stdout).trim_end().to_owned()
    }

    /// Exit code and standard error of a run that has to fail.
    pub(crate) fn refused(&self, words: &[&str]) -> (i32, String) {
        let out = self.run(words);
        assert!(!out.status.success(), "{words:?} went through: {}", text(&out.stdout));
        (out.status.code().unwrap_or(-1), text(&out.stderr) + &text(&out.stdout))
    }
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("UTF-8 output")
}

/// A file of the test kit.
pub(crate) fn kit(name: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testkit").join(name).to_str().unwrap().to_owned()
}
