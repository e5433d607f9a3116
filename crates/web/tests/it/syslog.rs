//! Syslog over real sockets: who is listened to, how streams are taken apart, what is lost and what is not.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use app::{AccessQuestion, App, NewFacility};
use domain::evaluate::Facility;
use domain::journal::{Entry, Event, sha256};
use domain::ledger::{Row, Value, ledger};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use store::{Location, Store};
use testkit::{actor, noon};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use web::Tls;
use web::syslog::{Counts, Doors, listen};

/// A listener on every kind of door, and a clinic with one source.
struct Site {
    app: Arc<App>,
    facility: Facility,
    counts: Arc<Counts>,
    tls: SocketAddr,
    tcp: SocketAddr,
    udp: SocketAddr,
    folder: tempfile::TempDir,
    stop: oneshot::Sender<()>,
    done: JoinHandle<std::io::Result<()>>,
}

impl Site {
    /// With a source that sends from `address`.
    async fn new(address: &str) -> Self {
        Self::with(&[("PACS", address)]).await
    }

    /// With sources and the addresses they send from.
    async fn with(sources: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&Location::Folder(folder.path().join("data"))).await.unwrap();
        let app = Arc::new(App::new(store, noon()));
        let new = NewFacility { name: "架空医院".to_owned(), ..NewFacility::default() };
        let facility = app.add_facility(&actor(), new).await.unwrap();
        for (no, address) in sources {
            register(&app, &facility, no, address).await;
        }
        let bind = async || TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (tls, tcp, udp) = (bind().await, bind().await, UdpSocket::bind("127.0.0.1:0").await.unwrap());
        let at = (tls.local_addr().unwrap(), tcp.local_addr().unwrap(), udp.local_addr().unwrap());
        let own = Tls::Own { folder: folder.path().join("tls"), names: vec!["localhost".to_owned()] };
        let counts: Arc<Counts> = Arc::default();
        let (stop, stopped) = oneshot::channel::<()>();
        let (ours, theirs) = (Arc::clone(&app), Arc::clone(&counts));
        let done = tokio::spawn(async move {
            let doors = Doors { tls: Some(tls), tcp: Some(tcp), udp: Some(udp) };
            let stop = async { _ = stopped.await };
            listen(doors, ours, &own, theirs, stop).await
        });
        Self { app, facility, counts, tls: at.0, tcp: at.1, udp: at.2, folder, stop, done }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.tcp).await.unwrap()
    }

    /// A TLS connection, with a client certificate or without.
    async fn secured(&self, own: Option<(CertificateDer<'static>, PrivateKeyDer<'static>)>) -> TlsStream<TcpStream> {
        let file = self.folder.path().join("tls/ca.crt");
        until(|| file.exists().then_some(())).await;
        let mut roots = rustls::RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(&file).unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots);
        let config = match own {
            Some((certificate, key)) => builder.with_client_auth_cert(vec![certificate], key).unwrap(),
            None => builder.with_no_client_auth(),
        };
        let stream = TcpStream::connect(self.tls).await.unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap()
    }

    async fn reaches(&self, what: fn(&Counts) -> &AtomicU64, wanted: u64) {
        until(|| (what(&self.counts).load(Ordering::Relaxed) >= wanted).then_some(())).await;
        assert_eq!(what(&self.counts).load(Ordering::Relaxed), wanted, "{:?}", self.counts);
    }

    async fn accesses(&self) -> u64 {
        self.app.ask_accesses(&actor(), &self.facility, &AccessQuestion::default()).await.unwrap().count
    }

    /// Stops it; everything that had arrived is stored by then.
    async fn stop(self) -> u64 {
        self.stop.send(()).unwrap();
        self.done.await.unwrap().unwrap();
        self.app.ask_accesses(&actor(), &self.facility, &AccessQuestion::default()).await.unwrap().count
    }
}

async fn register(app: &App, facility: &Facility, no: &str, address: &str) {
    let text = |text: &str| Value::Text(text.to_owned());
    let row = Row::from([("no", text(no)), ("name", text(no)), ("address", text(address))]);
    let mut tx = app.store.begin(&actor(), &facility.id, app.now()).await.unwrap();
    tx.row_upsert(ledger("log_sources").unwrap(), &[(no.to_owned(), row)], None).await.unwrap();
    tx.record(Event::new("test.put", "log_sources"));
    tx.commit().await.unwrap();
}

/// Waits until something is so, for at most ten seconds.
async fn until<T>(mut so: impl FnMut() -> Option<T>) -> T {
    let patience = tokio::time::Instant::now() + Duration::from_secs(10);
    loop {
        if let Some(found) = so() {
            return found;
        }
        assert!(tokio::time::Instant::now() < patience, "it did not come");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn message(n: usize) -> String {
    format!(
        "<85>1 2026-11-22T02:00:00Z pacs1 audit 9 IHE+RFC-3881 [meta sequenceId=\"{n}\"] <AuditMessage>\
         <EventIdentification EventActionCode=\"R\" EventDateTime=\"2026-11-22T11:00:00\" EventOutcomeIndicator=\"0\">\
         <EventID csd-code=\"110103\"/></EventIdentification><ActiveParticipant UserID=\"u1\" UserIsRequestor=\"true\"/>\
         <ParticipantObjectIdentification ParticipantObjectID=\"P{n}\" ParticipantObjectTypeCode=\"1\" ParticipantObjectTypeCodeRole=\"1\"/>\
         </AuditMessage>"
    )
}

fn counted(message: &str) -> String {
    format!("{} {message}", message.len())
}

#[tokio::test]
async fn streams_are_taken_apart_and_stored() {
    let site = Site::new("127.0.0.1").await;
    let mut one = site.connect().await;
    let mut other = site.connect().await;
    for n in 0..300 {
        one.write_all(counted(&message(n)).as_bytes()).await.unwrap();
        other.write_all(format!("{}\n", message(1_000 + n)).as_bytes()).await.unwrap();
    }
    site.reaches(|c| &c.stored, 600).await;
    assert_eq!(site.accesses().await, 600);
    let mut secured = site.secured(None).await;
    secured.write_all(counted(&message(5_000)).as_bytes()).await.unwrap();
    site.reaches(|c| &c.stored, 601).await;
    // What had arrived when the server stops is stored.
    for n in 6_000..6_200 {
        one.write_all(counted(&message(n)).as_bytes()).await.unwrap();
    }
    site.reaches(|c| &c.received, 801).await;
    assert_eq!(site.stop().await, 801);
}

/// A close with bytes unread is a reset, which throws away what the sender's machine had not sent yet: whoever sends must
/// find nothing to read. So much is sent at once that a good part of it is still under way at the close.
#[tokio::test(flavor = "multi_thread")]
async fn a_sender_that_closes_at_once_loses_nothing() {
    const TIMES: usize = 6;
    const EACH: usize = 400;
    let site = Site::new("127.0.0.1").await;
    let long = format!("<!--{}--></AuditMessage>", "x".repeat(12_000));
    for time in 0..TIMES {
        let mut sender = site.secured(None).await;
        let of = |n: usize| counted(&message(time * EACH + n).replace("</AuditMessage>", &long));
        let all: String = (0..EACH).map(of).collect();
        // Written and flushed, and neither read nor said goodbye.
        sender.write_all(all.as_bytes()).await.unwrap();
        sender.flush().await.unwrap();
        drop(sender);
    }
    site.reaches(|c| &c.received, (TIMES * EACH) as u64).await;
    assert_eq!(site.counts.broken.load(Ordering::Relaxed), 0);
    assert_eq!(site.stop().await, (TIMES * EACH) as u64);
}

#[tokio::test]
async fn who_is_not_registered_is_not_listened_to() {
    let site = Site::new("192.0.2.1").await;
    let mut stream = site.connect().await;
    let _ = stream.write_all(counted(&message(1)).as_bytes()).await;
    let mut buffer = [0; 16];
    assert!(!matches!(stream.read(&mut buffer).await, Ok(1..)), "closed");
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    socket.send_to(message(1).as_bytes(), site.udp).await.unwrap();
    site.reaches(|c| &c.unknown, 2).await;
    assert_eq!((site.accesses().await, site.counts.received.load(Ordering::Relaxed)), (0, 0));
    // What was refused is in the journal when the server has stopped.
    let app = Arc::clone(&site.app);
    site.stop().await;
    let told = app.store.journal_list(None, 1_000).await.unwrap();
    let told = told.iter().map(|text| serde_json::from_str::<Entry>(text).unwrap());
    let told: Vec<Entry> = told.filter(|entry| entry.action == "syslog.losses").collect();
    assert_eq!((told.len(), told[0].details["unknown"].as_str()), (1, "2"));
}

#[tokio::test]
async fn a_message_in_the_name_of_another_source_is_refused() {
    let site = Site::with(&[("PACS", "127.0.0.1"), ("CHART", "192.0.2.7")]).await;
    let mut stream = site.connect().await;
    let forged = message(1).replace(" pacs1 ", " chart ");
    stream.write_all(format!("{}{}", counted(&forged), counted(&message(2))).as_bytes()).await.unwrap();
    site.reaches(|c| &c.forged, 1).await;
    site.reaches(|c| &c.stored, 2).await;
    assert_eq!((site.accesses().await, site.counts.unreadable.load(Ordering::Relaxed)), (1, 0));
}

#[tokio::test]
async fn hostile_streams_are_closed() {
    let site = Site::new("127.0.0.1").await;
    let garbage: [&[u8]; 4] = [b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01", b"99999999 <", &[b'<'; 300 << 10]];
    for (at, stream) in garbage.into_iter().enumerate() {
        let mut connection = site.connect().await;
        let _ = connection.write_all(stream).await;
        let mut buffer = [0; 16];
        assert!(!matches!(connection.read(&mut buffer).await, Ok(1..)), "closed");
        site.reaches(|c| &c.broken, at as u64 + 1).await;
    }
    // Half a message, and then nobody.
    let mut half = site.connect().await;
    half.write_all(&counted(&message(1)).as_bytes()[..100]).await.unwrap();
    drop(half);
    site.reaches(|c| &c.broken, 5).await;
    // A whole one that is nonsense is kept as it came, and the next is read.
    let mut stream = site.connect().await;
    stream.write_all(counted("<85>1 - - - - - - \u{0}<x").as_bytes()).await.unwrap();
    stream.write_all(b"3 \xff\xfe<").await.unwrap();
    stream.write_all(counted(&message(2)).as_bytes()).await.unwrap();
    site.reaches(|c| &c.stored, 3).await;
    site.reaches(|c| &c.unreadable, 2).await;
    assert_eq!(site.accesses().await, 1);
    // One address has so many connections and no more.
    let mut open = Vec::new();
    for _ in 0..32 {
        open.push(site.connect().await);
    }
    site.reaches(|c| &c.broken, 6).await;
}

#[tokio::test]
async fn datagrams_that_never_came_are_counted() {
    let site = Site::new("127.0.0.0/8").await;
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    for n in [1, 2, 5, 6] {
        socket.send_to(message(n).as_bytes(), site.udp).await.unwrap();
    }
    site.reaches(|c| &c.stored, 4).await;
    site.reaches(|c| &c.missing, 2).await;
    assert_eq!(site.accesses().await, 4);
}

#[tokio::test]
async fn a_source_with_a_certificate_is_known_by_it_alone() {
    let (certificate, key) = own_certificate();
    let site = Site::new(&format!("SHA256:{} 127.0.0.1", sha256(&certificate))).await;
    let mut stranger = site.secured(None).await;
    let _ = stranger.write_all(counted(&message(1)).as_bytes()).await;
    site.reaches(|c| &c.unknown, 1).await;
    let mut plain = site.connect().await;
    let _ = plain.write_all(counted(&message(1)).as_bytes()).await;
    site.reaches(|c| &c.unknown, 2).await;
    let mut other = site.secured(Some(own_certificate())).await;
    let _ = other.write_all(counted(&message(1)).as_bytes()).await;
    site.reaches(|c| &c.unknown, 3).await;
    let mut known = site.secured(Some((certificate, key))).await;
    known.write_all(counted(&message(2)).as_bytes()).await.unwrap();
    site.reaches(|c| &c.stored, 1).await;
    assert_eq!(site.accesses().await, 1);
}

fn own_certificate() -> (CertificateDer<'static>, PrivateKeyDer<'static>) {
    let key = rcgen::KeyPair::generate().unwrap();
    let signed = rcgen::CertificateParams::new(vec!["pacs1".to_owned()]).unwrap().self_signed(&key).unwrap();
    let key = PrivateKeyDer::from_pem_slice(key.serialize_pem().as_bytes()).unwrap();
    (signed.der().clone(), key)
}
