//! 問い合わせ用の資料: what somebody who helps from outside needs to know of an installation, and nothing of the people,
//! devices or patients in it. Counts, versions, states; no names, no values of rows, no secrets.

use std::path::Path;

use serde_json::{Value as Json, json};

use crate::audit_folder::zipped;
use crate::doctor::{Check, Health};
use crate::error::{Error, Result};
use crate::{App, blocking};

/// Levels of the data folder whose files are listed.
const DEPTH: usize = 2;
/// Files listed at most.
const FILES: usize = 500;
/// What the archive says of itself.
const ABOUT: &str = "防人 問い合わせ用の資料\n\n\
入っているもの：診断の結果、製品とデータベースの版、表ごとの件数、操作の種類ごとの件数、データフォルダのファイルの名前と大きさ。\n\
入っていないもの：氏名、機器名、台帳の内容、操作記録の中身、鍵、パスワード、施設の名前。\n\
渡す前に、summary.json を開いて確かめられます。\n";

impl App {
    /// A zip archive for whoever helps; `folder` is the data folder.
    ///
    /// # Errors
    /// When the database does not answer at all.
    pub async fn support_archive(&self, folder: &Path) -> Result<Vec<u8>> {
        let checks: Vec<Json> = self.doctor(folder).await?.iter().map(check_json).collect();
        let vitals = self.store.vitals().await?;
        let pairs = |list: &[(String, i64)]| -> Json { list.iter().map(|(n, c)| (n.clone(), json!(c))).collect() };
        let folder = folder.to_owned();
        let files = blocking(move || {
            let mut files = Vec::new();
            list(&folder, &folder, DEPTH, &mut files);
            files
        })
        .await?;
        let summary = json!({
            "product": env!("CARGO_PKG_VERSION"),
            "made_on": self.today().to_string(),
            "system": system(),
            "database": vitals.database,
            "migrations": vitals.migrations,
            "checks": checks,
            "rows": pairs(&vitals.rows),
            "events": pairs(&vitals.events),
            "files": files,
        });
        let text = serde_json::to_vec_pretty(&summary).map_err(|e| Error::Internal { message: e.to_string() })?;
        let files = [("読んでください.txt".to_owned(), ABOUT.as_bytes().to_vec()), ("summary.json".to_owned(), text)];
        zipped(&files, self.today())
    }
}

/// What was seen of the folder and the typesetter is a path, which may name somebody.
fn check_json(check: &Check) -> Json {
    let health = match check.health {
        Health::Good => "good",
        Health::Warn => "warn",
        Health::Bad => "bad",
        Health::Unknown => "unknown",
    };
    let seen = if check.seen.contains('/') { "" } else { check.seen.as_str() };
    json!({ "check": check.key, "health": health, "seen": seen })
}

/// Name and version of the operating system.
fn system() -> String {
    let release = std::fs::read_to_string("/etc/os-release").unwrap_or_default();
    let name = release.lines().find_map(|line| line.strip_prefix("PRETTY_NAME=")).unwrap_or_default();
    format!("{} {}", name.trim_matches('"'), std::env::consts::ARCH)
}

/// The files under a folder, with sizes in bytes. Names that people gave stay out: only our own are told.
fn list(root: &Path, folder: &Path, depth: usize, files: &mut Vec<Json>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    let mut paths: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    for path in paths {
        let Ok(data) = std::fs::symlink_metadata(&path) else { continue };
        if data.is_dir() && depth > 1 {
            list(root, &path, depth - 1, files);
        } else if files.len() < FILES {
            let name = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().into_owned();
            let told = if name.is_ascii() { name } else { "（日本語の名前）".to_owned() };
            files.push(json!({ "name": told, "bytes": data.len(), "folder": data.is_dir() }));
        }
    }
}
