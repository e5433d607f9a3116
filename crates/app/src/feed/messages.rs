//! Messages of listeners: read, put together by source, and stored in one transaction a facility.

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::access::Access;
use domain::journal::{Actor, Event};
use intake::access::{AccessError, Doubt, Origin, READER, dicom, syslog};
use jiff::Timestamp;

use super::Feed;
use crate::access::{Arrival, Receipt};
use crate::error::{Error, Result};
use crate::{App, blocking};

/// One message of a source.
#[derive(Clone, Debug)]
pub struct Message {
    /// The source.
    pub feed: Arc<Feed>,
    /// The syslog message as it came.
    pub frame: Vec<u8>,
}

/// What became of messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// Accesses that were not there before.
    pub new: u64,
    /// Accesses that had come already.
    pub known: u64,
    /// Messages that could not be read. They are kept as they came.
    pub unreadable: u64,
    /// Messages in the name of a source for which their sender may not speak. They are kept as they came.
    pub forged: u64,
    /// Messages whose time cannot be true. They are kept.
    pub doubtful: u64,
    /// Messages that were not stored, as their source is no longer registered.
    pub refused: u64,
}

impl Taken {
    fn add(&mut self, receipts: &[Receipt]) {
        self.new += receipts.iter().map(|receipt| receipt.new).sum::<u64>();
        self.known += receipts.iter().map(|receipt| receipt.known).sum::<u64>();
    }
}

impl App {
    /// Takes messages in, durable when this returns. Messages of one source stay in their order.
    ///
    /// # Errors
    /// When the store fails; then the same messages can be given again, as what is there already is known.
    pub async fn receive_messages(&self, messages: Vec<Message>) -> Result<Taken> {
        let now = self.now();
        let (facilities, mut taken) = blocking(move || arrivals(messages, now)).await?;
        let by = Actor::new("syslog");
        for (facility, arrivals) in facilities {
            let all = arrivals.iter().map(|(arrival, _)| arrival.clone()).collect();
            match self.receive_accesses(&by, &facility, all).await {
                Ok(receipts) => taken.add(&receipts),
                Err(error @ (Error::Store(_) | Error::Unstaged(_))) => return Err(error),
                // One that was taken out of the ledger since its connection was made does not take the others along.
                Err(_) => {
                    for (arrival, count) in arrivals {
                        match self.receive_accesses(&by, &facility, vec![arrival]).await {
                            Ok(receipts) => taken.add(&receipts),
                            Err(error @ (Error::Store(_) | Error::Unstaged(_))) => return Err(error),
                            Err(error) => {
                                tracing::warn!(code = error.code(), "messages refused");
                                taken.refused += count as u64;
                            }
                        }
                    }
                }
            }
        }
        Ok(taken)
    }
}

impl App {
    /// Records what a listener refused or lost, by name and count. It belongs to the installation: who is not known
    /// belongs to no facility.
    ///
    /// # Errors
    /// Any store error.
    pub async fn note_losses(&self, losses: &[(&str, u64)]) -> Result<()> {
        let mut tx = self.store.begin(&Actor::new("syslog"), "", self.now()).await?;
        let event = Event::new("syslog.losses", "");
        tx.record(losses.iter().fold(event, |event, (name, count)| event.with(name, count)));
        Ok(tx.commit().await?)
    }
}

/// The arrivals of each facility, each with the number of its messages.
type Facilities = BTreeMap<String, Vec<(Arrival, usize)>>;

fn arrivals(messages: Vec<Message>, now: Timestamp) -> (Facilities, Taken) {
    let mut sources: BTreeMap<(String, String), Vec<Message>> = BTreeMap::new();
    for message in messages {
        let place = (message.feed.facility.clone(), message.feed.source.clone());
        sources.entry(place).or_default().push(message);
    }
    let (mut facilities, mut taken) = (Facilities::new(), Taken::default());
    for ((facility, source), messages) in sources {
        let count = messages.len();
        let mut arrival = Arrival {
            source,
            format: "atna",
            parser: READER,
            bytes: Vec::new(),
            accesses: Vec::new(),
            refused: 0,
            forged: 0,
        };
        for Message { feed, frame } in messages {
            // Kept with the length in front of each, as a stream of RFC 5425.
            arrival.bytes.extend_from_slice(frame.len().to_string().as_bytes());
            arrival.bytes.push(b' ');
            arrival.bytes.extend_from_slice(&frame);
            let origin = Origin { source: &feed.source, offset: feed.offset, now, others: &feed.others };
            match read(&frame, &origin) {
                Ok(accesses) => {
                    taken.doubtful += u64::from(accesses.first().is_some_and(|a| Doubt::of(a.at, now).is_some()));
                    arrival.accesses.extend(accesses);
                }
                Err(error) => {
                    tracing::debug!(code = error.code(), source = feed.source, "message refused");
                    arrival.refused = arrival.refused.saturating_add(1);
                    if matches!(error, AccessError::Forged(_)) {
                        arrival.forged = arrival.forged.saturating_add(1);
                        taken.forged += 1;
                    } else {
                        taken.unreadable += 1;
                    }
                }
            }
        }
        facilities.entry(facility).or_default().push((arrival, count));
    }
    (facilities, taken)
}

fn read(frame: &[u8], origin: &Origin<'_>) -> std::result::Result<Vec<Access>, AccessError> {
    let opened = syslog::open(frame)?;
    origin.vouch(opened.names.into_iter().flatten())?;
    dicom::read(opened.body, origin)
}
