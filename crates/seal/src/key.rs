//! Who signs the heads of the log: an Ed25519 key in the encoding of `signed-note`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::rand::{SecureRandom, SystemRandom};
use ring::signature::{Ed25519KeyPair, KeyPair};
use signed_note::{Note, Signer, StandardSigner, StandardVerifier, VerifierList};

use crate::log::Error;

/// A new seed.
pub(crate) fn seed() -> Result<[u8; 32], Error> {
    let mut seed = [0; 32];
    SystemRandom::new().fill(&mut seed).map_err(|_| Error::Key)?;
    Ok(seed)
}

/// Algorithm byte of Ed25519 in `signed-note`.
const ED25519: u8 = 1;

/// The secret key of a log. Its text goes into a file of the data folder that only the server may read.
pub struct SigningKey {
    signer: StandardSigner,
    text: String,
    public: PublicKey,
    /// The key of the day, which signs beside this one.
    also: Option<StandardSigner>,
}

/// The public key of a log: `origin+id+key`, what others check heads against.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey(String);

impl SigningKey {
    /// A new key for the log named `origin`, which neither has spaces nor a plus sign.
    ///
    /// # Errors
    /// When the machine has no randomness, or `origin` is no name.
    pub fn generate(origin: &str) -> Result<Self, Error> {
        Self::of(origin, &seed()?)
    }

    /// The key of this seed under the name `origin`.
    pub(crate) fn of(origin: &str, seed: &[u8; 32]) -> Result<Self, Error> {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed).map_err(|_| Error::Key)?;
        let encode = |key: &[u8]| STANDARD.encode([&[ED25519], key].concat());
        let id = signed_note::key_id(origin, &[&[ED25519], pair.public_key().as_ref()].concat());
        Self::parse(&format!("PRIVATE+KEY+{origin}+{id:08x}+{}", encode(seed)))
    }

    /// A key from its text.
    ///
    /// # Errors
    /// When it is none.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let text = text.trim();
        let signer = StandardSigner::new(text).map_err(|_| Error::Key)?;
        let seed = text.splitn(5, '+').last().and_then(|key| STANDARD.decode(key).ok()).ok_or(Error::Key)?;
        let pair = Ed25519KeyPair::from_seed_unchecked(seed.get(1..).unwrap_or_default()).map_err(|_| Error::Key)?;
        let key = STANDARD.encode([&[ED25519], pair.public_key().as_ref()].concat());
        let public = PublicKey(format!("{}+{:08x}+{key}", signer.name(), signer.key_id()));
        Ok(Self { signer, text: text.to_owned(), public, also: None })
    }

    /// The seed it was made of.
    pub(crate) fn seed(&self) -> Result<Vec<u8>, Error> {
        let coded = self.text.splitn(5, '+').last().and_then(|key| STANDARD.decode(key).ok());
        coded.and_then(|key| key.get(1..).map(<[u8]>::to_vec)).ok_or(Error::Key)
    }

    /// From now on `key` signs beside this one, and nothing that signed beside it before.
    pub(crate) fn beside(&mut self, key: &Self) -> Result<(), Error> {
        self.also = Some(StandardSigner::new(&key.text).map_err(|_| Error::Key)?);
        Ok(())
    }

    /// The secret, to be kept where only the server reads.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What others check against.
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// Name of the log, the first line of its heads.
    pub fn origin(&self) -> &str {
        self.signer.name()
    }

    /// Signs the text of a head.
    pub(crate) fn sign(&self, text: &[u8]) -> Result<Vec<u8>, Error> {
        let mut note = Note::new(text, &[]).map_err(|_| Error::Key)?;
        note.add_sigs(&[&self.signer]).map_err(|_| Error::Key)?;
        if let Some(also) = &self.also {
            note.add_sigs(&[also]).map_err(|_| Error::Key)?;
        }
        Ok(note.to_bytes())
    }
}

impl PublicKey {
    /// A key from its text.
    ///
    /// # Errors
    /// When it is none.
    pub fn parse(text: &str) -> Result<Self, Error> {
        StandardVerifier::new(text.trim()).map_err(|_| Error::Key)?;
        Ok(Self(text.trim().to_owned()))
    }

    /// Its text: `origin+id+key`.
    pub fn text(&self) -> &str {
        &self.0
    }

    /// Name of the log.
    pub fn origin(&self) -> &str {
        self.0.split('+').next().unwrap_or_default()
    }

    /// Whether this key is among those that signed a note; one whose signature is false counts as none.
    pub(crate) fn signed(&self, note: &[u8]) -> bool {
        self.open(note).is_ok()
    }

    /// The text of a signed note, when this key signed it.
    pub(crate) fn open(&self, note: &[u8]) -> Result<Vec<u8>, Error> {
        let verifier = StandardVerifier::new(&self.0).map_err(|_| Error::Key)?;
        let note = Note::from_bytes(note).map_err(|_| Error::Signature)?;
        note.verify(&VerifierList::new(vec![Box::new(verifier)])).map_err(|_| Error::Signature)?;
        Ok(note.text().to_vec())
    }
}
