//! How often the same caller may come: a bucket of turns that refills with time.
//!
//! Kept in the process, as it protects this process: what must hold over all nodes (wrong passwords of an account) is
//! counted in the store by `app::identity`. Two limits are all there is: programs by their token, and tries at the doors
//! by address, before any password is hashed.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;

/// Callers remembered before those whose bucket is full again are forgotten.
const REMEMBERED: usize = 10_000;

/// The limits of a server.
pub(crate) struct Limits {
    /// Requests of programs, by the SHA-256 of their token: 50 a second, 100 at once.
    pub(crate) programs: Limit<String>,
    /// Tries to sign in, by address: 10 a minute, 20 at once.
    pub(crate) doors: Limit<IpAddr>,
}

impl Limits {
    pub(crate) fn new() -> Self {
        Self { programs: Limit::new(50.0, 100.0), doors: Limit::new(10.0 / 60.0, 20.0) }
    }
}

/// One limit for many callers.
pub(crate) struct Limit<K> {
    /// Turns that come back in a second.
    refill: f64,
    /// Turns a caller can save up.
    burst: f64,
    buckets: Mutex<HashMap<K, Bucket>>,
}

struct Bucket {
    turns: f64,
    at: Timestamp,
}

impl<K: Eq + Hash> Limit<K> {
    fn new(refill: f64, burst: f64) -> Self {
        Self { refill, burst, buckets: Mutex::default() }
    }

    /// Takes a turn.
    ///
    /// # Errors
    /// When none is left: the seconds until there is one, at least 1.
    pub(crate) fn take(&self, caller: K, now: Timestamp) -> Result<(), u64> {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= REMEMBERED {
            buckets.retain(|_, bucket| self.turns(bucket, now) < self.burst);
        }
        let bucket = buckets.entry(caller).or_insert(Bucket { turns: self.burst, at: now });
        bucket.turns = self.turns(bucket, now);
        bucket.at = now;
        if bucket.turns >= 1.0 {
            bucket.turns -= 1.0;
            return Ok(());
        }
        let missing = (1.0 - bucket.turns) / self.refill;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few seconds")]
        let seconds = missing.ceil().max(1.0) as u64;
        Err(seconds)
    }

    /// The turns in a bucket by now. A clock that was set back gives none and takes none.
    fn turns(&self, bucket: &Bucket, now: Timestamp) -> f64 {
        let passed = now.duration_since(bucket.at).as_secs_f64().max(0.0);
        (bucket.turns + passed * self.refill).min(self.burst)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use jiff::SignedDuration;

    #[test]
    fn turns_run_out_and_come_back() {
        let limit = Limit::new(10.0 / 60.0, 20.0);
        let start: Timestamp = "2026-11-22T03:00:00Z".parse().unwrap();
        let after = |seconds| start + SignedDuration::from_secs(seconds);
        for _ in 0..20 {
            assert_eq!(limit.take("a", start), Ok(()));
        }
        assert_eq!(limit.take("a", start), Err(6));
        assert_eq!(limit.take("b", start), Ok(()), "each caller has turns of their own");
        assert_eq!(limit.take("a", after(-3_600)), Err(6), "a clock set back");
        assert_eq!(limit.take("a", after(-3_594)), Ok(()));
        let later = (0..100).filter(|_| limit.take("a", after(100_000)).is_ok()).count();
        assert_eq!(later, 20, "no more than a bucket full");
    }

    #[test]
    fn callers_that_have_all_turns_again_are_forgotten() {
        let limit = Limit::new(1.0, 2.0);
        let start: Timestamp = "2026-11-22T03:00:00Z".parse().unwrap();
        for caller in 0..REMEMBERED {
            limit.take(caller, start).unwrap();
        }
        limit.take(0, start + SignedDuration::from_secs(5)).unwrap();
        assert_eq!(limit.buckets.lock().unwrap().len(), 1);
    }
}
