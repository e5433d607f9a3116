//! Syslog from other systems: over TLS (RFC 5425), and over plain TCP (RFC 6587) and UDP (RFC 5426) on closed networks.
//!
//! Who is not a registered source is not listened to: a connection ends before anything of it is read, a datagram is
//! dropped, and both are counted. What arrives waits in a queue of bounded memory and is stored in batches, everything
//! that waits in one transaction. When the queue is full, streams are read no further, so their senders wait; datagrams
//! are lost and counted. Syslog has no acknowledgement: what a sender has handed to the network when this process dies is
//! the sender's to send again.
//!
//! A client certificate is known by its fingerprint, as RFC 5425 §4.2.2 has it, so systems need no authority of their own;
//! that the sender holds its key is what the handshake proves.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use app::syslog::{Frames, MESSAGE_MAX, open};
use app::{App, Feed, Message, Peer, Senders};
use domain::journal::sha256;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{DigitallySignedStruct, DistinguishedName, SignatureScheme};
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout, timeout_at};
use tokio_rustls::TlsAcceptor;

use crate::listen::{Tls, certificate};

/// Connections at once, and from one address.
const CONNECTIONS: usize = 256;
const CONNECTIONS_EACH: usize = 32;
/// Longest a handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(15);
/// Longest a message may take from its first byte to its last.
const MESSAGE: Duration = Duration::from_secs(60);
/// Longest a connection may be silent.
const SILENT: Duration = Duration::from_secs(24 * 3_600);
/// Memory for messages that wait, in KiB.
const ROOM: usize = 64 << 10;
/// Messages that wait, and that are stored at once.
const QUEUE: usize = 16_384;
const BATCH: usize = 2_000;
/// How long after a failure of the store it is tried again.
const AGAIN: Duration = Duration::from_secs(1);
/// How often the ledger of sources is read anew, and what was refused is written down.
const REFRESH: Duration = Duration::from_secs(10);
const REPORT: Duration = Duration::from_secs(60);
/// Kinds of losses.
const LOSSES: usize = 6;
/// Senders whose numbers are followed.
const NUMBERED: usize = 10_000;
/// How long what waits may take to be stored when the server stops.
const PATIENCE: Duration = Duration::from_secs(20);

/// Where is listened.
#[derive(Debug, Default)]
pub struct Doors {
    /// With TLS.
    pub tls: Option<TcpListener>,
    /// Without.
    pub tcp: Option<TcpListener>,
    /// Datagrams.
    pub udp: Option<UdpSocket>,
}

impl Doors {
    /// Whether there is one.
    pub fn is_any(&self) -> bool {
        self.tls.is_some() || self.tcp.is_some() || self.udp.is_some()
    }
}

/// What happened so far.
#[derive(Debug, Default)]
pub struct Counts {
    /// Messages that arrived from registered sources.
    pub received: AtomicU64,
    /// Messages that were stored.
    pub stored: AtomicU64,
    /// Messages that were stored but could not be read.
    pub unreadable: AtomicU64,
    /// Connections and datagrams of nobody who is registered, and messages of sources that no longer are.
    pub unknown: AtomicU64,
    /// Connections that ended inside a message, or whose messages could not be told apart.
    pub broken: AtomicU64,
    /// Messages in the name of a source for which their sender may not speak.
    pub forged: AtomicU64,
    /// Datagrams for which there was no room.
    pub dropped: AtomicU64,
    /// Datagrams that never came, by the numbers of those that did.
    pub missing: AtomicU64,
}

fn add(count: &AtomicU64, n: u64) {
    count.fetch_add(n, Ordering::Relaxed);
}

impl Counts {
    /// What was refused or lost, by name.
    fn losses(&self) -> [(&'static str, u64); LOSSES] {
        [
            ("unknown", &self.unknown),
            ("broken", &self.broken),
            ("unreadable", &self.unreadable),
            ("forged", &self.forged),
            ("dropped", &self.dropped),
            ("missing", &self.missing),
        ]
        .map(|(name, count)| (name, count.load(Ordering::Relaxed)))
    }
}

/// Listens until `stop` resolves; then stores what has arrived.
///
/// # Errors
/// When the certificate cannot be read or made, or is to be used and there is none.
pub async fn listen(
    doors: Doors,
    app: Arc<App>,
    tls: &Tls,
    counts: Arc<Counts>,
    stop: impl Future<Output = ()> + Send,
) -> std::io::Result<()> {
    let acceptor = match &doors.tls {
        Some(_) => Some(acceptor(tls, app.now())?),
        None => None,
    };
    let (queue, waiting) = channel(QUEUE);
    let intake = Arc::new(Intake {
        senders: RwLock::new(Arc::new(app.senders().await.unwrap_or_default())),
        queue,
        room: Arc::new(Semaphore::new(ROOM)),
        counts: Arc::clone(&counts),
        connections: Mutex::default(),
    });
    let storing = tokio::spawn(store(Arc::clone(&app), waiting, Arc::clone(&counts)));
    let mut tasks = tokio::task::JoinSet::new();
    tasks.spawn(refresh(Arc::clone(&app), Arc::clone(&intake)));
    let told = Arc::new(Told { app, counts, before: tokio::sync::Mutex::default() });
    tasks.spawn(report(Arc::clone(&told)));
    if let Some(listener) = doors.tls {
        tasks.spawn(accept(listener, acceptor, Arc::clone(&intake)));
    }
    if let Some(listener) = doors.tcp {
        tasks.spawn(accept(listener, None, Arc::clone(&intake)));
    }
    if let Some(socket) = doors.udp {
        tasks.spawn(datagrams(socket, Arc::clone(&intake)));
    }
    stop.await;
    tasks.shutdown().await;
    // The queue ends once nobody can put anything into it.
    drop(intake);
    let _ = timeout(PATIENCE, storing).await;
    told.note().await;
    Ok(())
}

/// What every connection shares.
struct Intake {
    senders: RwLock<Arc<Senders>>,
    queue: Sender<Waiting>,
    room: Arc<Semaphore>,
    counts: Arc<Counts>,
    connections: Mutex<HashMap<IpAddr, usize>>,
}

/// A message that waits, with the memory it takes.
struct Waiting {
    message: Message,
    _room: OwnedSemaphorePermit,
}

/// Memory of a message, in KiB.
fn size(frame: &[u8]) -> u32 {
    u32::try_from(frame.len().div_ceil(1024).max(1)).unwrap_or(u32::MAX)
}

impl Intake {
    fn senders(&self) -> Arc<Senders> {
        Arc::clone(&self.senders.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts a message of a stream into the queue, as soon as there is room.
    async fn put(&self, feed: &Arc<Feed>, frame: &[u8]) {
        let Ok(room) = Arc::clone(&self.room).acquire_many_owned(size(frame)).await else { return };
        add(&self.counts.received, 1);
        let message = Message { feed: Arc::clone(feed), frame: frame.to_vec() };
        let _ = self.queue.send(Waiting { message, _room: room }).await;
    }

    /// Puts a datagram into the queue, if there is room.
    fn try_put(&self, feed: Arc<Feed>, frame: &[u8]) {
        add(&self.counts.received, 1);
        let room = Arc::clone(&self.room).try_acquire_many_owned(size(frame));
        let waiting = room.map(|room| Waiting { message: Message { feed, frame: frame.to_vec() }, _room: room });
        let put = waiting.is_ok_and(|waiting| self.queue.try_send(waiting).is_ok());
        if !put {
            add(&self.counts.dropped, 1);
        }
    }

    /// A place for a connection from an address; `None` when there are too many.
    fn place(self: &Arc<Self>, address: IpAddr) -> Option<Place> {
        let mut connections = self.connections.lock().unwrap_or_else(PoisonError::into_inner);
        let all: usize = connections.values().sum();
        let own = connections.entry(address).or_default();
        if all >= CONNECTIONS || *own >= CONNECTIONS_EACH {
            return None;
        }
        *own += 1;
        Some(Place { intake: Arc::clone(self), address })
    }
}

/// A connection's place.
struct Place {
    intake: Arc<Intake>,
    address: IpAddr,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut connections = self.intake.connections.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = connections.get_mut(&self.address) {
            *own -= 1;
            if *own == 0 {
                connections.remove(&self.address);
            }
        }
    }
}

async fn accept(listener: TcpListener, acceptor: Option<TlsAcceptor>, intake: Arc<Intake>) {
    let mut connections = tokio::task::JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_) = connections.join_next() => continue,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "accept failed");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let address = peer.ip().to_canonical();
        if !intake.senders().may_be(address, acceptor.is_some()) {
            tracing::debug!(%address, "syslog from nobody who is registered");
            add(&intake.counts.unknown, 1);
            continue;
        }
        let Some(place) = intake.place(address) else {
            add(&intake.counts.broken, 1);
            continue;
        };
        let acceptor = acceptor.clone();
        connections.spawn(async move {
            match acceptor {
                None => plain(stream, &place).await,
                Some(acceptor) => secured(stream, &acceptor, &place).await,
            }
        });
    }
}

async fn plain(stream: TcpStream, place: &Place) {
    let peer = Peer { address: place.address, certificate: None };
    read(stream, &peer, &place.intake).await;
}

async fn secured(stream: TcpStream, acceptor: &TlsAcceptor, place: &Place) {
    let Ok(Ok(stream)) = timeout(HANDSHAKE, acceptor.accept(stream)).await else {
        add(&place.intake.counts.broken, 1);
        return;
    };
    let shown = stream.get_ref().1.peer_certificates().and_then(|chain| chain.first()).map(|own| sha256(own));
    let peer = Peer { address: place.address, certificate: shown };
    read(stream, &peer, &place.intake).await;
}

/// Reads the messages of a connection until it ends.
async fn read(mut stream: impl AsyncRead + Unpin, peer: &Peer, intake: &Intake) {
    let Some(feed) = intake.senders().of(peer).map(Arc::new) else {
        tracing::debug!(address = %peer.address, "syslog from nobody who is registered");
        add(&intake.counts.unknown, 1);
        return;
    };
    let mut frames = Frames::default();
    let mut buffer = vec![0; 32 << 10];
    let mut begun: Option<Instant> = None;
    loop {
        let until = begun.map_or_else(|| Instant::now() + SILENT, |begun| begun + MESSAGE);
        let Ok(Ok(n @ 1..)) = timeout_at(until, stream.read(&mut buffer)).await else { break };
        frames.push(buffer.get(..n).unwrap_or_default());
        let mut whole = false;
        loop {
            match frames.take() {
                Ok(Some(frame)) => {
                    whole = true;
                    intake.put(&feed, frame).await;
                }
                Ok(None) => break,
                Err(error) => {
                    tracing::warn!(code = error.code(), source = feed.source, "syslog connection closed");
                    add(&intake.counts.broken, 1);
                    return;
                }
            }
        }
        begun = match (frames.is_partial(), begun) {
            (false, _) => None,
            (true, Some(begun)) if !whole => Some(begun),
            (true, _) => Some(Instant::now()),
        };
    }
    if frames.is_partial() {
        add(&intake.counts.broken, 1);
    }
}

async fn datagrams(socket: UdpSocket, intake: Arc<Intake>) {
    let mut buffer = vec![0; MESSAGE_MAX.min(64 << 10)];
    let mut numbers: HashMap<(String, String), u64> = HashMap::new();
    loop {
        let (n, peer): (usize, SocketAddr) = match socket.recv_from(&mut buffer).await {
            Ok(received) => received,
            Err(error) => {
                tracing::debug!(%error, "receive failed");
                tokio::time::sleep(Duration::from_millis(10)).await;
                continue;
            }
        };
        let Some(feed) = intake.senders().of(&Peer { address: peer.ip(), certificate: None }) else {
            add(&intake.counts.unknown, 1);
            continue;
        };
        let frame = buffer.get(..n).unwrap_or_default();
        if let Some((who, number)) = open(frame).ok().and_then(|opened| opened.number) {
            add(&intake.counts.missing, gap(&mut numbers, (feed.source.clone(), who), number));
        }
        intake.try_put(Arc::new(feed), frame);
    }
}

/// How many numbers were passed over before this one. A lower number is a sender that began anew, or came late.
fn gap(numbers: &mut HashMap<(String, String), u64>, sender: (String, String), number: u64) -> u64 {
    if numbers.len() >= NUMBERED && !numbers.contains_key(&sender) {
        return 0;
    }
    let last = numbers.insert(sender, number);
    last.filter(|last| number > *last).map_or(0, |last| number - last - 1)
}

/// Stores what waits, in batches, until nothing can come any more.
async fn store(app: Arc<App>, mut waiting: Receiver<Waiting>, counts: Arc<Counts>) {
    let mut batch = Vec::with_capacity(BATCH);
    while waiting.recv_many(&mut batch, BATCH).await > 0 {
        loop {
            let messages = batch.iter().map(|waiting| waiting.message.clone()).collect();
            match app.receive_messages(messages).await {
                Ok(taken) => {
                    add(&counts.unreadable, taken.unreadable);
                    add(&counts.forged, taken.forged);
                    add(&counts.unknown, taken.refused);
                    add(&counts.stored, batch.len() as u64 - taken.refused);
                    break;
                }
                // Nothing is given up: senders on streams wait, and what is there already is known.
                Err(error) => {
                    tracing::error!(code = error.code(), %error, "messages not stored, trying again");
                    tokio::time::sleep(AGAIN).await;
                }
            }
        }
        batch.clear();
    }
}

/// Keeps the registered sources current.
async fn refresh(app: Arc<App>, intake: Arc<Intake>) {
    loop {
        tokio::time::sleep(REFRESH).await;
        match app.senders().await {
            Ok(senders) => *intake.senders.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(senders),
            Err(error) => tracing::error!(code = error.code(), "sources not read"),
        }
    }
}

/// What was refused or lost, and how much of it the journal has been told.
struct Told {
    app: Arc<App>,
    counts: Arc<Counts>,
    before: tokio::sync::Mutex<[u64; LOSSES]>,
}

impl Told {
    /// Writes into the journal what was refused or lost since it was last told, when something was.
    async fn note(&self) {
        let mut before = self.before.lock().await;
        let now = self.counts.losses();
        let since: Vec<(&str, u64)> = now.iter().zip(before.iter()).map(|((name, n), old)| (*name, n - old)).collect();
        if since.iter().any(|(_, n)| *n > 0) {
            tracing::warn!(?since, "syslog refused or lost");
            match self.app.note_losses(&since).await {
                Ok(()) => *before = now.map(|(_, n)| n),
                Err(error) => tracing::error!(code = error.code(), "losses not recorded"),
            }
        }
    }
}

/// Tells the journal now and then what was refused or lost.
async fn report(told: Arc<Told>) {
    loop {
        tokio::time::sleep(REPORT).await;
        told.note().await;
    }
}

fn acceptor(tls: &Tls, now: jiff::Timestamp) -> std::io::Result<TlsAcceptor> {
    let Some((chain, key)) = certificate(tls, now)? else {
        return Err(std::io::Error::other("syslog over TLS needs a certificate"));
    };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(std::io::Error::other)?
        .with_client_cert_verifier(Arc::new(Shown(provider)))
        .with_single_cert(chain, key)
        .map_err(std::io::Error::other)?;
    // Syslog is never answered, so a sender may write and close without ever reading. With tickets unread its close is a
    // reset, at which its last messages are lost here.
    config.send_tls13_tickets = 0;
    config.session_storage = Arc::new(rustls::server::NoServerSessionStorage {});
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// Takes any client certificate whose key the client holds; whose it is, the ledger says by its fingerprint.
#[derive(Debug)]
struct Shown(Arc<CryptoProvider>);

impl ClientCertVerifier for Shown {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_were_passed_over() {
        let mut numbers = HashMap::new();
        let mut next = |number| gap(&mut numbers, ("PACS".to_owned(), "h/a/1".to_owned()), number);
        assert_eq!([next(5), next(6), next(9), next(1), next(2)], [0, 0, 2, 0, 0]);
    }
}
