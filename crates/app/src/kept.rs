//! What was worked out for a facility and still holds.
//!
//! Nothing of a facility changes without a journal entry of it, so its newest entry and the day tell whether what was
//! worked out still holds. A change by another node on the same database is seen in the same way.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::civil::Date;

use crate::App;
use crate::error::Result;

/// Facilities for which something is kept; at most some 100 KB each.
const MOST: usize = 256;

/// One kind of thing, by facility.
pub(crate) struct Kept<T>(Mutex<HashMap<String, Held<T>>>);

struct Held<T> {
    newest_entry: String,
    today: Date,
    thing: Arc<T>,
}

impl<T> Default for Kept<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T> Kept<T> {
    /// The thing for a facility, as of now; worked out when what is kept does not hold any more.
    pub(crate) async fn get(
        &self,
        app: &App,
        facility: &str,
        work_out: impl AsyncFnOnce() -> Result<T>,
    ) -> Result<Arc<T>> {
        // Asked for before working it out: what changes meanwhile makes the next call work it out again.
        let (newest_entry, today) = (app.store.journal_newest(facility).await?, app.today());
        if let Some(thing) = self.held(facility, &newest_entry, today) {
            return Ok(thing);
        }
        let thing = Arc::new(work_out().await?);
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if held.len() >= MOST && !held.contains_key(facility) {
            held.clear();
        }
        held.insert(facility.to_owned(), Held { newest_entry, today, thing: Arc::clone(&thing) });
        Ok(thing)
    }

    fn held(&self, facility: &str, newest_entry: &str, today: Date) -> Option<Arc<T>> {
        let held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = held.get(facility).filter(|h| h.newest_entry == newest_entry && h.today == today)?;
        Some(Arc::clone(&found.thing))
    }
}
