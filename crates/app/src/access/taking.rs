//! Taking in together: what several sources send at the same time shares a transaction and its one fsync.
//!
//! As with [`App::stage`](crate::App::stage), while one transaction is being written the next gathers, so that a single
//! sender waits for nothing but its own and sixteen share one. Each is answered once what it sent is durable, or with the
//! error that kept it out. What does not depend on what is stored already was computed before.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, OnceLock};

use domain::access::{Access, Numbers, arrival_hash};
use domain::journal::{Actor, Event, GENESIS};
use jiff::Timestamp;
use store::{ArrivalHead, NewArrival, Store, WriteTx, Writer};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use uuid::Uuid;

use super::{Prepared, Receipt};
use crate::error::{Error, Result};
use crate::stage::stops_all;

/// Calls that may wait; beyond it callers wait before they are taken in.
const QUEUE: usize = 256;
/// Accesses after which a transaction takes no further call.
const BATCH: usize = 4_096;

/// The task that takes in, started by the first call.
#[derive(Default)]
pub(crate) struct Taking(OnceLock<mpsc::Sender<Waiting>>);

/// What one caller hands in, all or none.
pub(super) struct Call {
    by: Actor,
    facility: String,
    at: Timestamp,
    /// Whether each of the sources numbers its events.
    numbered: HashMap<String, bool>,
    arrivals: Vec<Prepared>,
}

type Taken = std::result::Result<Vec<Receipt>, Arc<store::Error>>;

struct Waiting {
    call: Call,
    answer: oneshot::Sender<Taken>,
}

impl Call {
    pub(super) fn new(
        by: &Actor,
        facility: &str,
        at: Timestamp,
        numbered: HashMap<String, bool>,
        arrivals: Vec<Prepared>,
    ) -> Self {
        Self { by: by.clone(), facility: facility.to_owned(), at, numbered, arrivals }
    }

    fn accesses(&self) -> usize {
        self.arrivals.iter().map(|arrival| arrival.accesses.len()).sum()
    }
}

impl Taking {
    /// Takes a call in; durable when it returns.
    pub(super) async fn take(&self, store: &Store, call: Call) -> Result<Vec<Receipt>> {
        let queue = self.0.get_or_init(|| {
            let (queue, calls) = mpsc::channel(QUEUE);
            tokio::spawn(work(store.writer(), calls));
            queue
        });
        let ended = || Error::Internal { message: "the task that takes accesses in ended".to_owned() };
        let (answer, answered) = oneshot::channel();
        queue.send(Waiting { call, answer }).await.map_err(|_| ended())?;
        answered.await.map_err(|_| ended())?.map_err(Error::Unstaged)
    }
}

/// Takes in what is handed in until nobody can any more; each facility's in a transaction of its own.
async fn work(writer: Writer, mut calls: mpsc::Receiver<Waiting>) {
    while let Some(first) = calls.recv().await {
        let mut count = first.call.accesses();
        let mut batch: BTreeMap<String, Vec<Waiting>> = BTreeMap::new();
        let mut next = Some(first);
        while let Some(waiting) = next {
            batch.entry(waiting.call.facility.clone()).or_default().push(waiting);
            next = if count < BATCH { calls.try_recv().ok() } else { None };
            count += next.as_ref().map_or(0, |waiting| waiting.call.accesses());
        }
        let facilities: JoinSet<()> = batch.into_values().map(|together| write(writer.clone(), together)).collect();
        facilities.join_all().await;
    }
}

/// Writes what came together of one facility, and answers.
async fn write(writer: Writer, together: Vec<Waiting>) {
    let calls: Vec<&Call> = together.iter().map(|waiting| &waiting.call).collect();
    match take(&writer, &calls).await {
        Ok(receipts) => {
            for (waiting, receipts) in together.into_iter().zip(receipts) {
                let _ = waiting.answer.send(Ok(receipts));
            }
        }
        // What the database will not take from one is no reason to refuse the others.
        Err(error) if together.len() > 1 && !stops_all(&error) => {
            for Waiting { call, answer } in together {
                let taken = take(&writer, &[&call]).await.map(|mut receipts| receipts.pop().unwrap_or_default());
                let _ = answer.send(taken.map_err(Arc::new));
            }
        }
        Err(error) => {
            let error = Arc::new(error);
            for waiting in together {
                let _ = waiting.answer.send(Err(Arc::clone(&error)));
            }
        }
    }
}

/// Takes the calls of one facility in, in their order, all or none: the receipts of each.
async fn take(writer: &Writer, calls: &[&Call]) -> store::Result<Vec<Vec<Receipt>>> {
    let Some(last) = calls.last() else { return Ok(Vec::new()) };
    let marks = |call: &&Call| call.arrivals.iter().flat_map(|a| a.accesses.iter().map(|(_, mark)| *mark)).collect();
    let marks: Vec<i64> = calls.iter().flat_map::<Vec<i64>, _>(marks).collect();
    let mut tx = writer.begin(&last.by, &last.facility, last.at).await?;
    let mut whole = Whole {
        now: last.at.as_microsecond(),
        heads: tx.arrival_heads().await?,
        seen: tx.access_known(&marks).await?,
        kept: Vec::new(),
    };
    let (mut receipts, mut sent) = (Vec::with_capacity(calls.len()), HashSet::new());
    for call in calls {
        tx.act_as(&call.by);
        let mut sums: BTreeMap<&str, Sum> = BTreeMap::new();
        let one = |arrival| whole.take(&mut tx, call, arrival, &mut sums);
        receipts.push(call.arrivals.iter().map(one).collect());
        for (source, sum) in sums {
            tx.record(sum.event(source));
            sent.insert(source);
        }
    }
    whole.heads.retain(|source, _| sent.contains(source.as_str()));
    tx.arrival_insert(whole.kept, &whole.heads).await?;
    tx.commit().await?;
    Ok(receipts)
}

/// What the calls of a transaction add to.
struct Whole {
    now: i64,
    heads: HashMap<String, ArrivalHead>,
    /// The accesses that are known already, by mark.
    seen: HashMap<i64, Vec<Access>>,
    kept: Vec<NewArrival>,
}

impl Whole {
    /// Takes one arrival in.
    fn take<'c>(
        &mut self,
        tx: &mut WriteTx,
        call: &'c Call,
        arrival: &'c Prepared,
        sums: &mut BTreeMap<&'c str, Sum>,
    ) -> Receipt {
        let Prepared { source, format, parser, bytes, content, accesses, refused, forged } = arrival;
        let head = self.heads.entry(source.clone()).or_default();
        let numbers = call.numbered.get(source).copied().unwrap_or_default();
        let mut numbers = numbers.then(|| Numbers::parse(&head.numbers));
        let (mut fresh, mut known) = (0_u64, 0_u64);
        for (access, mark) in accesses {
            let same = self.seen.entry(*mark).or_default();
            if same.iter().any(|other| access.is_same(other)) {
                known += 1;
                continue;
            }
            let number = access.source_id.as_ref().and_then(|id| id.parse().ok());
            if let Some((numbers, number)) = numbers.as_mut().zip(number) {
                numbers.take(number);
            }
            head.event_at = head.event_at.max(Some(access.at.as_microsecond()));
            tx.access_record(access, *mark);
            same.push(access.clone());
            fresh += 1;
        }
        if let Some(numbers) = numbers {
            head.numbers = numbers.to_string();
        }
        if *forged > 0 {
            head.forged += i64::from(*forged);
            head.forged_at = Some(self.now);
        }
        let before = if head.place == 0 { GENESIS } else { &head.hash };
        head.hash = arrival_hash(before, self.now, format, *parser, bytes);
        head.place += 1;
        head.received_at = self.now;
        let sum = sums.entry(source).or_insert_with(|| Sum { first: head.place, ..Sum::default() });
        sum.add(head, fresh, known, *refused, *forged);
        let id = Uuid::now_v7().to_string();
        let count = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
        self.kept.push(NewArrival {
            id: id.clone(),
            source: source.clone(),
            place: head.place,
            format: (*format).to_owned(),
            parser: i64::from(*parser),
            size: i64::try_from(bytes.len()).unwrap_or(i64::MAX),
            hash: head.hash.clone(),
            fresh: count(fresh),
            known: count(known),
            refused: i64::from(*refused),
            content: content.clone(),
        });
        Receipt { id, new: fresh, known }
    }
}

/// What one call brought of one source, for its entry in the journal.
#[derive(Default)]
struct Sum {
    first: i64,
    last: i64,
    hash: String,
    fresh: u64,
    known: u64,
    refused: u64,
    forged: u64,
}

impl Sum {
    fn add(&mut self, head: &ArrivalHead, fresh: u64, known: u64, refused: u32, forged: u32) {
        (self.last, self.hash) = (head.place, head.hash.clone());
        self.fresh += fresh;
        self.known += known;
        self.refused += u64::from(refused);
        self.forged += u64::from(forged);
    }

    /// Its action is no act, so it is taken for no access.
    fn event(&self, source: &str) -> Event {
        let event = Event::new("access.receive", source)
            .with("first", self.first)
            .with("last", self.last)
            .with("hash", &self.hash)
            .with("new", self.fresh)
            .with("known", self.known)
            .with("refused", self.refused);
        if self.forged > 0 { event.with("forged", self.forged) } else { event }
    }
}
