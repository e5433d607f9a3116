//! The journal: what happened, by whom, chained so that a change, a gap or a swap shows.
//!
//! An entry is canonical JSON (keys sorted, no spaces, strings and integers only: the subset of RFC 8785
//! that needs no number formatting). Its hash is SHA-256 over the previous hash and the entry.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Who acts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    /// Name of the person or part of the system (`cli:院長`, `agent:…`).
    pub name: String,
}

impl Actor {
    /// An actor with this name.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into() }
    }
}

/// One event, before it has a place in the journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// What was done: `devices.import`.
    pub action: String,
    /// To what: a key, an id, a file name.
    pub subject: String,
    /// Details: strings only.
    pub details: BTreeMap<String, String>,
}

impl Event {
    /// An event about `subject`.
    pub fn new(action: &str, subject: impl Into<String>) -> Self {
        Self { action: action.to_owned(), subject: subject.into(), details: BTreeMap::new() }
    }

    /// Adds a detail.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl ToString) -> Self {
        self.details.insert(name.to_owned(), value.to_string());
        self
    }
}

/// One entry as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// What was done.
    pub action: String,
    /// Who did it.
    pub actor: String,
    /// When, UTC microseconds.
    pub at: i64,
    /// Details.
    pub details: BTreeMap<String, String>,
    /// The facility it belongs to; empty for the installation.
    pub facility: String,
    /// Place in the journal, from 1.
    pub seq: i64,
    /// To what.
    pub subject: String,
}

impl Entry {
    /// The day on which it was made, in Japan.
    pub fn day(&self) -> Date {
        crate::jp::day_in_japan(Timestamp::from_microsecond(self.at).unwrap_or_default())
    }

    /// The canonical JSON. The fields are declared in sorted order, which is what RFC 8785 asks.
    pub fn canonical(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

impl Event {
    /// The [canonical JSON](Entry::canonical) of the entry that this event becomes.
    pub fn canonical(&self, actor: &Actor, at: i64, facility: &str, seq: i64) -> String {
        /// As [`Entry`], borrowed: entries are many, and their texts need not be copied to be written down.
        #[derive(Serialize)]
        struct Canonical<'a> {
            action: &'a str,
            actor: &'a str,
            at: i64,
            details: &'a BTreeMap<String, String>,
            facility: &'a str,
            seq: i64,
            subject: &'a str,
        }
        let Self { action, subject, details } = self;
        let entry = Canonical { action, actor: &actor.name, at, details, facility, seq, subject };
        serde_json::to_string(&entry).unwrap_or_default()
    }
}

/// The hash before the first entry.
pub const GENESIS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// Where a whole journal begins: place and hash before its first entry. One of which a beginning was disposed of begins
/// with place and hash of the last entry that went.
pub const WHOLE: (i64, &str) = (0, GENESIS);

/// SHA-256, hex, of the previous hash followed by the entry.
pub fn chain(previous: &str, canonical_entry: &str) -> String {
    let mut hasher = Sha256::new();
    hasher.update(previous.as_bytes());
    hasher.update(b"\n");
    hasher.update(canonical_entry.as_bytes());
    hex(&hasher.finalize())
}

/// Lower-case hex SHA-256 of `bytes`.
pub fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// `bytes` in lower-case hex.
pub fn hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from(if nibble < 10 { b'0' + nibble } else { b'a' - 10 + nibble });
    bytes.iter().flat_map(|b| [digit(b >> 4), digit(b & 15)]).collect()
}

/// The first place where a journal does not hold together.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "記録の{seq}番目が合いません（JRN-001）。{reason}。改ざんか欠落の疑いがあります。バックアップの記録と比べてください。"
)]
pub struct Break {
    /// Place of the first bad entry.
    pub seq: i64,
    /// What is wrong with it.
    pub reason: &'static str,
}

/// Checks entries in order behind where they begin: places without gap, content as it was hashed, hashes chained. The
/// place of the last.
///
/// # Errors
/// The first break.
pub fn verify<'a>(
    begin: (i64, &str),
    entries: impl IntoIterator<Item = (i64, &'a str, &'a str)>,
) -> Result<i64, Break> {
    verify_excerpt(begin, entries.into_iter().map(|(seq, entry, hash)| (seq, Some(entry), hash)))
}

/// Checks a journal of which some entries are withheld (`None`) and only their hashes given. An entry that is there is
/// checked against the hash before it, given or computed; a withheld one can only be counted.
///
/// # Errors
/// The first break.
pub fn verify_excerpt<'a>(
    begin: (i64, &str),
    entries: impl IntoIterator<Item = (i64, Option<&'a str>, &'a str)>,
) -> Result<i64, Break> {
    let (mut last, mut previous) = (begin.0, begin.1.to_owned());
    for (seq, entry, hash) in entries {
        let place = last + 1;
        if seq != place {
            return Err(Break { seq: place, reason: "番号が飛んでいます" });
        }
        if let Some(entry) = entry {
            if chain(&previous, entry) != hash {
                return Err(Break { seq, reason: "内容と印（ハッシュ）が合いません" });
            }
            let inside = serde_json::from_str::<Entry>(entry).map(|e| e.seq);
            if inside.ok() != Some(seq) {
                return Err(Break { seq, reason: "中の番号が合いません" });
            }
        }
        hash.clone_into(&mut previous);
        last = seq;
    }
    Ok(last)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
    use super::*;
    use proptest::prelude::*;

    fn sample(n: i64) -> Vec<(i64, String, String)> {
        let mut previous = GENESIS.to_owned();
        (1..=n)
            .map(|seq| {
                let entry = Entry {
                    action: "devices.import".into(),
                    actor: "test".into(),
                    at: seq * 1_000_000,
                    details: BTreeMap::from([("n".into(), seq.to_string())]),
                    facility: "f".into(),
                    seq,
                    subject: format!("PC-{seq}"),
                }
                .canonical();
                let hash = chain(&previous, &entry);
                previous.clone_from(&hash);
                (seq, entry, hash)
            })
            .collect()
    }

    fn check(entries: &[(i64, String, String)]) -> Result<i64, Break> {
        verify(WHOLE, entries.iter().map(|(s, e, h)| (*s, e.as_str(), h.as_str())))
    }

    #[test]
    fn an_event_and_its_entry_have_one_canonical_form() {
        let event = Event::new("devices.lose", "MD-\"1\"").with("reason", "訪問先\n").with("a", 1);
        let actor = Actor::new("架空 花子");
        let Event { action, subject, details } = event.clone();
        let entry = Entry { action, actor: actor.name.clone(), at: 7, details, facility: "f".into(), seq: 3, subject };
        assert_eq!(event.canonical(&actor, 7, "f", 3), entry.canonical());
    }

    #[test]
    fn canonical_keys_are_sorted() {
        let text = &sample(1)[0].1;
        let keys: Vec<&str> =
            text.split("\":").filter_map(|s| s.rsplit('"').next()).filter(|k| !k.is_empty()).collect();
        let mut sorted = keys.clone();
        sorted.retain(|k| *k != "n");
        let unsorted = sorted.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, unsorted);
    }

    proptest! {
        #[test]
        fn any_single_change_cut_swap_or_splice_is_found(at in 0_usize..19, kind in 0_u8..5) {
            let whole = sample(20);
            prop_assert_eq!(check(&whole), Ok(20));
            let mut bad = whole.clone();
            match kind {
                0 => bad[at].1 = bad[at].1.replace("PC-", "PD-"),
                1 => { bad.remove(at); }
                2 => bad.swap(at, at + 1),
                3 => { let twin = bad[at].clone(); bad.insert(at, twin); }
                _ => bad[at].2 = whole[at + 1].2.clone(),
            }
            prop_assert!(check(&bad).is_err());
        }

        /// What is kept holds from what was disposed of on, and from nothing else.
        #[test]
        fn a_journal_without_its_beginning_goes_on_from_it(gone in 1_usize..20, off in 1_usize..20) {
            let whole = sample(20);
            let kept = |begin: usize| {
                let (seq, _, hash) = &whole[begin - 1];
                verify((*seq, hash), whole[gone..].iter().map(|(s, e, h)| (*s, e.as_str(), h.as_str())))
            };
            prop_assert_eq!(kept(gone), Ok(20));
            prop_assert_eq!(kept(off).is_ok(), off == gone);
            prop_assert!(check(&whole[gone..]).is_err());
        }

        #[test]
        fn of_an_excerpt_every_entry_that_is_there_is_checked(there in prop::collection::vec(any::<bool>(), 20), at in 0_usize..20) {
            let whole = sample(20);
            let excerpt = |entries: &[(i64, String, String)]| {
                let lines = entries.iter().zip(&there).map(|((s, e, h), there)| (*s, there.then_some(e.as_str()), h.as_str()));
                verify_excerpt(WHOLE, lines.collect::<Vec<_>>())
            };
            prop_assert_eq!(excerpt(&whole), Ok(20));
            let mut bad = whole;
            bad[at].1 = bad[at].1.replace("PC-", "PD-");
            prop_assert_eq!(excerpt(&bad).is_err(), there[at]);
        }
    }
}
