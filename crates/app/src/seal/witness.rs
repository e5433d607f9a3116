//! 証人: this program on another machine, which signs the heads of somebody's log as long as they lead on.

use std::path::Path;

use jiff::Timestamp;
use seal::PublicKey;
use seal::witness::CosignerKey;

use crate::error::{Error, Result};
use crate::identity::secrets::create;

pub use seal::witness::{LONGEST_REQUEST, Refusal};

/// File of the key of a witness.
const KEY: &str = "witness.key";

/// A witness, open. While it lives, nobody else has its folder open.
pub struct Witness(seal::witness::Witness);

impl Witness {
    /// Opens the witness in a folder, for the logs with these public keys; its key is made at the first time, under
    /// `name`.
    ///
    /// # Errors
    /// JRN-029 when a key is none, the folder cannot be used, or another process has it open.
    pub fn open(folder: &Path, name: &str, logs: &[String]) -> Result<Self> {
        let refused = |reason: String| {
            Error::invalid(
                "JRN-029",
                format!(
                    "証人を始められませんでした。{reason}。フォルダと、見守る記録の公開鍵（journal key の一行）を確かめてください。"
                ),
            )
        };
        let known = logs.iter().map(|key| PublicKey::parse(key));
        let known: Vec<_> =
            known.collect::<std::result::Result<_, _>>().map_err(|_| refused("公開鍵ではありません".to_owned()))?;
        let failed = |error: std::io::Error| refused(error.to_string());
        std::fs::create_dir_all(folder).map_err(failed)?;
        let file = folder.join(KEY);
        let key = match std::fs::read_to_string(&file) {
            Ok(text) => CosignerKey::parse(&text),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
                let key =
                    CosignerKey::generate(name).map_err(|_| refused(format!("「{name}」は証人の名前に使えません")))?;
                create(&file, key.text().as_bytes()).map_err(failed)?;
                Ok(key)
            }
            Err(e) => return Err(failed(e)),
        };
        let key = key.map_err(|_| refused(format!("「{}」は証人の鍵ではありません", file.display())))?;
        let witness = seal::witness::Witness::open(folder, key, known);
        witness.map(Self).map_err(|e| refused(e.to_string()))
    }

    /// Its public key, with which it is registered where the log is.
    pub fn key(&self) -> String {
        self.0.key().text()
    }

    /// Answers one `add-checkpoint` at the instant `now`: the signature line.
    ///
    /// # Errors
    /// Why it did not sign.
    pub fn add(&self, body: &[u8], now: Timestamp) -> std::result::Result<String, Refusal> {
        self.0.add(body, u64::try_from(now.as_second()).unwrap_or(0))
    }
}
