//! Group commit: events that change nothing else, handed in by many at once, share a transaction and its one fsync.
//!
//! Whoever hands events in is answered once they are durable, or with the error that kept them out. While one batch is
//! being written, the next gathers, so a single caller waits for nothing but its own fsync and a thousand share one.
//! What waits is bounded: beyond it callers wait before they are taken in. Nothing is ever dropped; a caller that goes
//! away after its events were taken in does not take them back.

mod gap;

use std::sync::{Arc, OnceLock};

use domain::journal::{Actor, Event};
use store::{JournalEnd, Unplaced};
use tokio::sync::{mpsc, oneshot};

use crate::App;
use crate::error::{Error, Result};

pub(crate) use gap::Gaps;
pub use gap::Recorded;

/// Calls that may wait.
const QUEUE: usize = 4_096;
/// Events after which a batch takes no further call.
const BATCH: usize = 4_096;
/// Most bytes of text in one event.
pub const LONGEST_EVENT: usize = 60_000;

/// The task that appends, started by the first call.
#[derive(Default)]
pub(crate) struct Stager(OnceLock<mpsc::Sender<Call>>);

/// Events of one caller, which go in together.
struct Call {
    events: Vec<Unplaced>,
    staged: oneshot::Sender<Staged>,
}

type Staged = std::result::Result<(), Arc<store::Error>>;

impl App {
    /// Stages events that change nothing else, in their order, all or none; they are durable when it returns. Calls
    /// that come at the same time share a transaction.
    ///
    /// # Errors
    /// JRN-030 when an event is longer than [`LONGEST_EVENT`]; any store error, with nothing staged.
    pub async fn stage(&self, actor: &Actor, facility: &str, events: Vec<Event>) -> Result<()> {
        if let Some(event) = events.iter().find(|event| length(event) > LONGEST_EVENT) {
            return Err(Error::invalid(
                "JRN-030",
                format!(
                    "操作記録「{}」を残せませんでした。内容が長すぎます（{}バイトまで）。送る側の設定を見直してください。",
                    event.action, LONGEST_EVENT
                ),
            ));
        }
        let place = |event| Unplaced { actor: actor.clone(), facility: facility.to_owned(), at: self.now(), event };
        let queue = self.stager.0.get_or_init(|| {
            let (queue, calls) = mpsc::channel(QUEUE);
            tokio::spawn(work(self.store.journal_end(), calls));
            queue
        });
        let ended = || Error::Internal { message: "the stager ended".to_owned() };
        let (staged, answer) = oneshot::channel();
        let call = Call { events: events.into_iter().map(place).collect(), staged };
        queue.send(call).await.map_err(|_| ended())?;
        answer.await.map_err(|_| ended())?.map_err(Error::Unstaged)
    }
}

fn length(event: &Event) -> usize {
    let details = event.details.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>();
    event.action.len() + event.subject.len() + details
}

/// Appends what is handed in until nobody can any more.
async fn work(end: JournalEnd, mut calls: mpsc::Receiver<Call>) {
    while let Some(first) = calls.recv().await {
        let mut count = first.events.len();
        let mut batch = vec![first];
        while count < BATCH
            && let Ok(call) = calls.try_recv()
        {
            count += call.events.len();
            batch.push(call);
        }
        let events: Vec<&Unplaced> = batch.iter().flat_map(|call| &call.events).collect();
        let outcome = end.stage(&events).await;
        match outcome {
            // What the database will not take from one caller is no reason to refuse the others.
            Err(error) if batch.len() > 1 && !stops_all(&error) => {
                for call in batch {
                    let events: Vec<&Unplaced> = call.events.iter().collect();
                    let outcome = end.stage(&events).await.map_err(Arc::new);
                    let _ = call.staged.send(outcome);
                }
            }
            outcome => {
                let outcome = outcome.map_err(Arc::new);
                for call in batch {
                    let _ = call.staged.send(outcome.clone());
                }
            }
        }
    }
}

/// Whether an error has nothing to do with what was to be written.
pub(crate) fn stops_all(error: &store::Error) -> bool {
    matches!(error, store::Error::Unavailable { .. } | store::Error::DiskFull | store::Error::Corrupt { .. })
}
