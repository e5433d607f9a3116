//! A leaf: 33 bytes that commit to the fields of an entry without telling them.
//!
//! `leaf = 0x01 ‖ SHA-256("sakimori-leaf-1" ‖ h₁ ‖ … ‖ hₙ)` with, for each field in the order of the entry,
//! `hᵢ = SHA-256("sakimori-field-1" ‖ salt ‖ u16(len(name)) ‖ name ‖ value)`. The salt of a field is
//! `HMAC-SHA-256(key, u64(index) ‖ name)` under a key of one facility and one month. Who is shown a field gets its salt
//! and can compute its hash; of a withheld field only the hash is shown, which without the salt cannot be guessed even
//! where the value could (a name, a day). When a key is destroyed, nobody can any more: the tree stays whole.

use ring::{digest, hmac};

/// Length of a leaf in bytes.
pub const LEAF: usize = 33;

/// What stands in a log that was begun anew for an entry that was disposed of before: nothing can be computed any more.
pub const GONE: [u8; LEAF] = [0; LEAF];

/// Version of the commitment, the first byte of every leaf.
const VERSION: u8 = 1;

/// The salts of the entries of one facility in one month.
pub struct Salts(hmac::Key);

impl Salts {
    /// Salts under a key, which stays secret as long as entries are to be withheld.
    pub fn new(key: &[u8; 32]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, key))
    }

    /// The salt of a field of the entry at `index` of the log.
    pub fn of(&self, index: u64, name: &str) -> [u8; 32] {
        let mut context = hmac::Context::with_key(&self.0);
        context.update(&index.to_be_bytes());
        context.update(name.as_bytes());
        fixed(context.sign().as_ref())
    }
}

/// What somebody is shown of one field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Disclosure {
    /// The value, with the salt that makes it checkable.
    Shown {
        /// Name of the field.
        name: String,
        /// Its value.
        value: String,
        /// Its salt.
        salt: [u8; 32],
    },
    /// Only that there is a field, by its hash.
    Withheld {
        /// Hash of the field.
        hash: [u8; 32],
    },
}

/// The leaf of an entry with these fields (name and value, in the order of the entry) at `index` of the log.
pub fn leaf<T: AsRef<str>>(salts: &Salts, index: u64, fields: impl IntoIterator<Item = (T, T)>) -> [u8; LEAF] {
    let one = |(name, value): (T, T)| field(&salts.of(index, name.as_ref()), name.as_ref(), value.as_ref());
    commit(fields.into_iter().map(one))
}

/// The fields of an entry for somebody who may see those of which `shown` says so.
pub fn disclose<'a>(
    salts: &Salts,
    index: u64,
    fields: impl IntoIterator<Item = (&'a str, &'a str)>,
    shown: impl Fn(&str) -> bool,
) -> Vec<Disclosure> {
    fields
        .into_iter()
        .map(|(name, value)| {
            let salt = salts.of(index, name);
            if shown(name) {
                Disclosure::Shown { name: name.to_owned(), value: value.to_owned(), salt }
            } else {
                Disclosure::Withheld { hash: field(&salt, name, value) }
            }
        })
        .collect()
}

/// The leaf that was committed to, from what is shown of it; to be looked up in the tree.
pub fn leaf_of(disclosed: &[Disclosure]) -> [u8; LEAF] {
    commit(disclosed.iter().map(|d| match d {
        Disclosure::Shown { name, value, salt } => field(salt, name, value),
        Disclosure::Withheld { hash } => *hash,
    }))
}

fn field(salt: &[u8; 32], name: &str, value: &str) -> [u8; 32] {
    let mut context = digest::Context::new(&digest::SHA256);
    context.update(b"sakimori-field-1");
    context.update(salt);
    // Longer names do not occur: names of fields are ours.
    context.update(&u16::try_from(name.len()).unwrap_or(u16::MAX).to_be_bytes());
    context.update(name.as_bytes());
    context.update(value.as_bytes());
    fixed(context.finish().as_ref())
}

fn commit(hashes: impl Iterator<Item = [u8; 32]>) -> [u8; LEAF] {
    let mut context = digest::Context::new(&digest::SHA256);
    context.update(b"sakimori-leaf-1");
    hashes.for_each(|hash| context.update(&hash));
    let mut leaf = [VERSION; LEAF];
    if let Some(rest) = leaf.get_mut(1..) {
        rest.copy_from_slice(context.finish().as_ref());
    }
    leaf
}

/// SHA-256 as an array; ring gives slices of exactly this length.
fn fixed(bytes: &[u8]) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
    hash
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing, clippy::unwrap_used, clippy::panic, reason = "tests")]
    use super::*;
    use proptest::prelude::*;

    const FIELDS: [(&str, &str); 4] =
        [("actor", "架空 花子"), ("action", "devices.lose"), ("subject", "MD-001"), ("at", "1")];

    #[test]
    fn a_withheld_field_keeps_the_leaf_and_hides_the_value() {
        let salts = Salts::new(&[7; 32]);
        let whole = leaf(&salts, 5, FIELDS);
        let told = disclose(&salts, 5, FIELDS, |name| name != "actor");
        assert_eq!(leaf_of(&told), whole);
        assert!(matches!(told[0], Disclosure::Withheld { .. }));
        assert!(!format!("{told:?}").contains("花子"));
    }

    #[test]
    fn the_same_entry_elsewhere_or_under_another_key_is_another_leaf() {
        let (one, two) = (Salts::new(&[1; 32]), Salts::new(&[2; 32]));
        assert_ne!(leaf(&one, 0, FIELDS), leaf(&one, 1, FIELDS));
        assert_ne!(leaf(&one, 0, FIELDS), leaf(&two, 0, FIELDS));
    }

    proptest! {
        /// Where a name ends and a value begins cannot be moved.
        #[test]
        fn other_fields_are_another_leaf(at in 0_usize..4, name in "[a-z]{1,8}", value in ".{0,8}") {
            let salts = Salts::new(&[7; 32]);
            let mut other = FIELDS;
            other[at] = (&name, &value);
            prop_assume!(other != FIELDS);
            prop_assert_ne!(leaf(&salts, 0, other), leaf(&salts, 0, FIELDS));
        }

        #[test]
        fn what_is_shown_cannot_be_changed(at in 0_usize..4, value in ".{0,8}") {
            let salts = Salts::new(&[7; 32]);
            let mut told = disclose(&salts, 3, FIELDS, |_| true);
            let Disclosure::Shown { value: shown, .. } = &mut told[at] else { panic!("withheld") };
            prop_assume!(*shown != value);
            *shown = value;
            prop_assert_ne!(leaf_of(&told), leaf(&salts, 3, FIELDS));
        }
    }
}
