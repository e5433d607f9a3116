//! Secrets: where they come from, how they are carried, and the key that protects what has to be read back.

use std::io::Write as _;
use std::path::Path;

use domain::journal::{hex, sha256};
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hmac;
use ring::rand::{SecureRandom as _, SystemRandom};
use uuid::Uuid;

use crate::error::{Error, Result};

/// Length of the key file, in bytes.
const KEY_LEN: usize = 32;
/// Name of the key file in the data folder.
const KEY_FILE: &str = "secret.key";

/// A secret on its way to the person or the browser it belongs to. It does not print itself.
#[derive(Clone, PartialEq, Eq)]
pub struct Cookie(String);

impl Cookie {
    pub(super) const fn new(secret: String) -> Self {
        Self(secret)
    }

    /// The secret itself, to be handed over and forgotten.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// What is kept of it.
    pub(super) fn sha256(&self) -> String {
        sha256(self.0.as_bytes())
    }
}

/// Where randomness comes from.
pub trait Entropy: Send + Sync {
    /// Fills `bytes`; whether it could.
    fn fill(&self, bytes: &mut [u8]) -> bool;
}

/// The randomness of the operating system.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn fill(&self, bytes: &mut [u8]) -> bool {
        SystemRandom::new().fill(bytes).is_ok()
    }
}

/// `N` random bytes.
pub(crate) fn random<const N: usize>(entropy: &dyn Entropy) -> Result<[u8; N]> {
    let mut bytes = [0; N];
    if entropy.fill(&mut bytes) { Ok(bytes) } else { Err(Error::Internal { message: "randomness".to_owned() }) }
}

/// A secret of 256 bits, in hex.
pub(super) fn secret(entropy: &dyn Entropy) -> Result<Cookie> {
    Ok(Cookie(hex(&random::<32>(entropy)?)))
}

/// The key of the installation. It encrypts what has to be read back (TOTP secrets) and makes tags of what must not be
/// guessed from the database (logins tried, short codes). Nodes that share a database share the file.
pub struct Keyring {
    seal: [u8; KEY_LEN],
    tag: hmac::Key,
}

impl Keyring {
    /// The key in the data folder; made, readable by its owner alone, when there is none.
    ///
    /// # Errors
    /// When the file cannot be read or written, or is not a key.
    pub fn open(folder: &Path) -> Result<Self> {
        let file = folder.join(KEY_FILE);
        let failed = |reason: String| {
            Error::invalid(
                "AUT-024",
                format!(
                    "鍵ファイル「{}」を使えません。{reason}。権限を確かめるか、バックアップの同じファイルを戻してください。",
                    file.display()
                ),
            )
        };
        let bytes = match std::fs::read(&file) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let made = random::<KEY_LEN>(&SystemEntropy)?;
                create(&file, &made).map_err(|error| failed(error.to_string()))?;
                made.to_vec()
            }
            Err(error) => return Err(failed(error.to_string())),
        };
        let bytes: [u8; KEY_LEN] = bytes.try_into().map_err(|_| failed("長さが違います".to_owned()))?;
        Ok(Self::of(&bytes))
    }

    /// A key that lives as long as the process.
    pub fn ephemeral() -> Self {
        Self::of(&[*Uuid::new_v4().as_bytes(), *Uuid::new_v4().as_bytes()].concat())
    }

    fn of(master: &[u8]) -> Self {
        let master = hmac::Key::new(hmac::HMAC_SHA256, master);
        let derived = |purpose: &str| {
            let mut key = [0; KEY_LEN];
            key.copy_from_slice(hmac::sign(&master, purpose.as_bytes()).as_ref());
            key
        };
        Self { seal: derived("sakimori seal 1"), tag: hmac::Key::new(hmac::HMAC_SHA256, &derived("sakimori tag 1")) }
    }

    /// Encrypts `plain` for `owner`; only [`Keyring::unseal`] with the same owner reads it.
    pub(crate) fn seal(&self, entropy: &dyn Entropy, owner: &str, plain: &[u8]) -> Result<String> {
        let nonce = random::<NONCE_LEN>(entropy)?;
        let mut sealed = plain.to_vec();
        self.cipher()?
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(owner.as_bytes()), &mut sealed)
            .map_err(|_| Error::Internal { message: "seal".to_owned() })?;
        Ok(hex(&[nonce.as_slice(), &sealed].concat()))
    }

    /// Decrypts what was sealed for `owner`.
    pub(crate) fn unseal(&self, owner: &str, sealed: &str) -> Result<Vec<u8>> {
        let failed = || {
            Error::invalid(
                "AUT-023",
                "確認コードの設定を読めません。鍵ファイル（secret.key）がこのデータのものではありません。\
                 バックアップの鍵ファイルを戻すか、パスキーでサインインしてください。",
            )
        };
        let bytes = unhex(sealed).ok_or_else(failed)?;
        let (nonce, rest) = bytes.split_first_chunk::<NONCE_LEN>().ok_or_else(failed)?;
        let mut rest = rest.to_vec();
        let plain = self
            .cipher()?
            .open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::from(owner.as_bytes()), &mut rest)
            .map_err(|_| failed())?;
        Ok(plain.to_vec())
    }

    /// A name for `text` that says nothing about it without the key.
    pub(super) fn tag(&self, text: &str) -> String {
        hex(hmac::sign(&self.tag, text.as_bytes()).as_ref())
    }

    fn cipher(&self) -> Result<LessSafeKey> {
        let key = UnboundKey::new(&CHACHA20_POLY1305, &self.seal);
        key.map(LessSafeKey::new).map_err(|_| Error::Internal { message: "key".to_owned() })
    }
}

/// Writes a new file that only its owner can read.
pub(crate) fn create(file: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut options = std::fs::File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    let mut made = options.open(file)?;
    made.write_all(bytes)?;
    made.sync_all()
}

/// The bytes that hex digits mean.
pub(crate) fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> =
        text.chars().map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok())).collect();
    let digits = digits.filter(|digits| digits.len().is_multiple_of(2))?;
    Some(digits.chunks_exact(2).map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit)).collect())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn what_is_sealed_opens_for_its_owner_alone() {
        let keys = Keyring::ephemeral();
        let sealed = keys.seal(&SystemEntropy, "u1", b"secret").unwrap();
        assert_eq!(keys.unseal("u1", &sealed).unwrap(), b"secret");
        assert_eq!(keys.unseal("u2", &sealed).unwrap_err().code(), "AUT-023");
        assert_eq!(Keyring::ephemeral().unseal("u1", &sealed).unwrap_err().code(), "AUT-023");
        assert_eq!(keys.unseal("u1", "00é").unwrap_err().code(), "AUT-023");
        assert_ne!(sealed, keys.seal(&SystemEntropy, "u1", b"secret").unwrap());
    }

    #[cfg(unix)]
    #[test]
    fn the_key_file_is_made_once_for_its_owner_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = std::env::temp_dir().join(Uuid::new_v4().to_string());
        std::fs::create_dir(&folder).unwrap();
        let first = Keyring::open(&folder).unwrap();
        let file = folder.join(KEY_FILE);
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(Keyring::open(&folder).unwrap().tag("a"), first.tag("a"));
        std::fs::write(&file, b"short").unwrap();
        assert_eq!(Keyring::open(&folder).err().unwrap().code(), "AUT-024");
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
