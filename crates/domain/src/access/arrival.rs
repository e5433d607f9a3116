//! What makes arriving accesses evidence: which event is which, what came after what, and which numbers never came.

use std::fmt;

use sha2::{Digest, Sha256};

use super::Access;
use crate::journal::{Event, hex};

/// Missing ranges that are remembered; a source that loses more is one that does not number its events.
const RANGES: usize = 500;

impl Access {
    /// A number by which an event is looked for among those that came before. Two events that are the same have the
    /// same mark; two that are not may, too, which [`Access::is_same`] tells.
    pub fn mark(&self, facility: &str) -> i64 {
        let mut hasher = Sha256::new();
        for part in [facility, &self.source] {
            hasher.update(part.as_bytes());
            hasher.update([0]);
        }
        match &self.source_id {
            Some(id) => hasher.update([b"id:", id.as_bytes()].concat()),
            None => hasher.update(identity(&self.event())),
        }
        let digest: [u8; 32] = hasher.finalize().into();
        let mut mark = [0; 8];
        mark.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
        i64::from_be_bytes(mark)
    }

    /// Whether `other` is this event, come again: the same id at the same source, or, where the source gives none, the
    /// same in everything.
    pub fn is_same(&self, other: &Self) -> bool {
        match (&self.source_id, &other.source_id) {
            (Some(mine), Some(theirs)) => self.source == other.source && mine == theirs,
            (None, None) => self == other,
            _ => false,
        }
    }
}

/// The event as bytes, every part delimited.
fn identity(event: &Event) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(256);
    let details = event.details.iter().flat_map(|(name, value)| [name, value]);
    for part in [&event.action, &event.subject].into_iter().chain(details) {
        bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
        bytes.extend_from_slice(part.as_bytes());
    }
    bytes
}

/// The hash of an arrival: it covers the one before it, when it came, what it was read as, and its bytes.
pub fn arrival_hash(previous: &str, received_at: i64, format: &str, parser: u32, bytes: &[u8]) -> String {
    let mut hasher = Sha256::new();
    hasher.update(format!("{previous}\n{received_at}\n{format}\n{parser}\n").as_bytes());
    hasher.update(bytes);
    hex(&hasher.finalize())
}

/// The numbers a source gave its events: the last one, and those before it that have not come. A source that begins
/// anew at a lower number is told apart from one whose events come late by how far back it goes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Numbers {
    last: Option<u64>,
    /// First and last of each missing range, in order, none touching the next.
    missing: Vec<(u64, u64)>,
}

impl Numbers {
    /// Reads what [`Display`](fmt::Display) wrote; what cannot be read is nothing.
    pub fn parse(text: &str) -> Self {
        let mut parts = text.split(',');
        let last = parts.next().and_then(|last| last.parse().ok());
        let range = |part: &str| {
            let (from, until) = part.split_once('-')?;
            Some((from.parse().ok()?, until.parse().ok()?))
        };
        Self { last, missing: parts.filter_map(range).collect() }
    }

    /// Takes a number that came.
    pub fn take(&mut self, number: u64) {
        match self.last {
            None => self.last = Some(number),
            Some(last) if number > last => {
                if number - last > 1 {
                    self.missing.push((last + 1, number - 1));
                    let surplus = self.missing.len().saturating_sub(RANGES);
                    self.missing.drain(..surplus);
                }
                self.last = Some(number);
            }
            Some(_) => {
                let Some(at) = self.missing.iter().position(|range| range.0 <= number && number <= range.1) else {
                    return;
                };
                let (from, until) = self.missing.remove(at);
                let rest = [(from, number.wrapping_sub(1)), (number + 1, until)];
                let whole = [number > from, number < until];
                for (n, range) in
                    rest.into_iter().zip(whole).filter(|(_, whole)| *whole).map(|(range, _)| range).enumerate()
                {
                    self.missing.insert(at + n, range);
                }
            }
        }
    }

    /// The last number that came.
    pub fn last(&self) -> Option<u64> {
        self.last
    }

    /// First and last of each range that has not come, in order.
    pub fn missing(&self) -> &[(u64, u64)] {
        &self.missing
    }

    /// How many have not come.
    pub fn count(&self) -> u64 {
        self.missing.iter().map(|(from, until)| until - from + 1).sum()
    }
}

impl fmt::Display for Numbers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(last) = self.last else { return Ok(()) };
        write!(f, "{last}")?;
        self.missing.iter().try_for_each(|(from, until)| write!(f, ",{from}-{until}"))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use std::collections::BTreeSet;

    use jiff::Timestamp;
    use proptest::prelude::*;

    use super::*;
    use crate::access::Act;

    #[test]
    fn an_event_is_known_by_its_id_or_by_everything_it_says() {
        let mut first = Access::new(Timestamp::UNIX_EPOCH, "PACS", "u1", Act::Read);
        let mut again = first.clone();
        assert!(first.is_same(&again) && first.mark("f") == again.mark("f"));
        again.patient = Some("1".to_owned());
        assert!(!first.is_same(&again) && first.mark("f") != again.mark("f"));
        (first.source_id, again.source_id) = (Some("7".to_owned()), Some("7".to_owned()));
        assert!(first.is_same(&again) && first.mark("f") == again.mark("f"));
        assert_ne!(first.mark("f"), first.mark("g"));
        again.source = "RIS".to_owned();
        assert!(!first.is_same(&again));
    }

    #[test]
    fn an_arrival_covers_the_one_before_and_everything_about_it() {
        let hash = arrival_hash("0", 1, "fhir", 1, b"x");
        for other in [
            arrival_hash("1", 1, "fhir", 1, b"x"),
            arrival_hash("0", 2, "fhir", 1, b"x"),
            arrival_hash("0", 1, "atna", 1, b"x"),
            arrival_hash("0", 1, "fhir", 2, b"x"),
            arrival_hash("0", 1, "fhir", 1, b"y"),
        ] {
            assert_ne!(hash, other);
        }
    }

    proptest! {
        #[test]
        fn what_has_not_come_is_known_in_whatever_order_the_rest_came(numbers in prop::collection::vec(1_u64..80, 1..60)) {
            let mut seen = Numbers::default();
            for number in &numbers {
                seen.take(*number);
                seen = Numbers::parse(&seen.to_string());
            }
            let came: BTreeSet<u64> = numbers.iter().copied().collect();
            let (first, last) = (numbers[0], *came.last().unwrap());
            let expected: Vec<u64> = (first..=last).filter(|n| !came.contains(n)).collect();
            let missing: Vec<u64> = seen.missing().iter().flat_map(|(a, b)| *a..=*b).collect();
            prop_assert_eq!(seen.count(), expected.len() as u64);
            prop_assert_eq!(missing, expected);
            prop_assert_eq!(seen.last(), Some(last));
        }

        #[test]
        fn nonsense_is_read_as_nothing_and_never_panics(text in ".{0,40}", number in any::<u64>()) {
            let mut numbers = Numbers::parse(&text);
            numbers.take(number);
        }
    }
}
