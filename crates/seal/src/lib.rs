//! The sealed log: what happened becomes the leaves of a Merkle tree whose heads are signed, so that other people's
//! tools can check that nothing was altered, and that what they saw last month is still part of what they see today.
//!
//! The formats are those of the C2SP: `tlog-tiles` for the folder, `tlog-checkpoint` and `signed-note` for the heads,
//! `tlog-proof` for the proof of one entry. Hashing and the mathematics of proofs come from `tlog_tiles` and
//! `signed_note`; what is here is the folder, the right edge of the tree, and the leaf.
//!
//! - [`leaf`]: an entry is committed to field by field, so that a field can be withheld and the proof still holds.
//! - [`place`]: where it lies, a folder or a [`bucket`].
//! - [`log`]: the tree there. Only full tiles are files; the open ones are kept in memory and rebuilt on opening. Its
//!   beginning can be disposed of, and what is kept stays provable.
//! - [`key`]: who signs. [`epoch`]: who signs besides, for one day, so that a key stolen today signs no other yesterday.
//! - [`witness`]: another machine that has seen the head before, and signs only what leads on from it (`tlog-witness`).
//! - [`stamp`]: an authority that says when a head existed (RFC 3161).
//! - [`proof`]: one entry, proved to somebody who has nothing but the public key.

pub mod bucket;
mod disk;
pub mod epoch;
pub mod key;
pub mod leaf;
pub mod log;
pub mod place;
pub mod proof;
pub mod stamp;
pub mod witness;

pub use bucket::{Bucket, Settings};
pub use epoch::{Chain, Epochs, Turn};
pub use key::{PublicKey, SigningKey};
pub use leaf::{Disclosure, LEAF, Salts};
pub use log::{Broken, Checkpoint, Error, Log, Pin, Verifier, What};
pub use place::Place;
