//! A store that speaks as much S3 as a log needs, in memory, and fails as a test wants it to.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What becomes of one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It is answered as it should be.
    None,
    /// It is refused with this status and code; nothing is done.
    Status(u16, &'static str),
    /// It is answered with this body and 200; nothing is done.
    Says(&'static str),
    /// The connection is closed; nothing is done.
    Gone,
    /// It is done, and the connection closed before the answer.
    Unanswered,
    /// It is done, and half of the answer sent.
    Cut,
    /// It is done, and answered so much later.
    Late(Duration),
}

/// What the store makes of a condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heeds {
    /// It holds to it.
    Yes,
    /// It does not know it, and says nothing.
    No,
    /// It says that it does not know it.
    Says501,
}

/// Decides what becomes of a request, by its method and the name of its object.
type Fate = Box<dyn FnMut(&str, &str) -> Fault + Send>;

struct State {
    objects: BTreeMap<String, Vec<u8>>,
    written: Vec<(String, Vec<u8>)>,
    fate: Fate,
    heeds: Heeds,
}

/// The store, with one bucket named `bucket`, as long as it lives.
pub struct S3 {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
}

impl S3 {
    /// Starts on a free port of this machine.
    pub fn start(heeds: Heeds) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let state = State { objects: BTreeMap::new(), written: Vec::new(), fate: Box::new(|_, _| Fault::None), heeds };
        let state = Arc::new(Mutex::new(state));
        let weak = Arc::downgrade(&state);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let Some(state) = weak.upgrade() else { return };
                std::thread::spawn(move || while answer(&stream, &state).is_some() {});
            }
        });
        Self { address, state }
    }

    /// Address of the bucket, and of what is below a name in it.
    pub fn url(&self, below: &str) -> String {
        format!("http://{}/bucket/{below}", self.address)
    }

    /// Settings of the product for it, as a file has them.
    pub fn settings(&self, below: &str) -> String {
        format!("url = \"{}\"\nid = \"reader\"\nsecret = \"himitsu\"\n", self.url(below))
    }

    /// Decides from now on what becomes of requests.
    pub fn fate(&self, fate: impl FnMut(&str, &str) -> Fault + Send + 'static) {
        self.state.lock().unwrap().fate = Box::new(fate);
    }

    /// Answers as it should from now on.
    pub fn mend(&self) {
        self.fate(|_, _| Fault::None);
    }

    /// What lies in it.
    pub fn objects(&self) -> BTreeMap<String, Vec<u8>> {
        self.state.lock().unwrap().objects.clone()
    }

    /// Puts something into it past every door.
    pub fn put(&self, name: &str, bytes: &[u8]) {
        self.state.lock().unwrap().objects.insert(name.to_owned(), bytes.to_vec());
    }

    /// Everything that was ever written under a name, in order.
    pub fn written(&self, name: &str) -> Vec<Vec<u8>> {
        let state = self.state.lock().unwrap();
        state.written.iter().filter(|(written, _)| written == name).map(|(_, bytes)| bytes.clone()).collect()
    }
}

/// Answers one request; `None` when the connection is over.
fn answer(stream: &TcpStream, state: &Mutex<State>) -> Option<()> {
    let mut lines = BufReader::new(stream);
    let mut first = String::new();
    lines.read_line(&mut first).ok().filter(|read| *read > 0)?;
    let mut words = first.split_whitespace();
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        lines.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        headers.insert(name.to_ascii_lowercase(), value.to_owned());
    }
    let length = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    lines.read_exact(&mut body).ok()?;
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let object = path.strip_prefix("/bucket/");
    let mut state = state.lock().unwrap();
    let fault = (state.fate)(&method, object.unwrap_or_default());
    let (status, etag, out) = match (&fault, object) {
        (Fault::Gone, _) => return None,
        (Fault::Says(text), _) => (200, None, text.as_bytes().to_vec()),
        (Fault::Status(status, code), _) => (*status, None, said(code)),
        _ if !query.contains("X-Amz-Signature=") || query.contains("himitsu") => (403, None, said("AccessDenied")),
        (_, None) => (404, None, said("NoSuchBucket")),
        (_, Some(object)) => serve(&mut state, &method, object, &headers, body),
    };
    drop(state);
    match fault {
        Fault::Unanswered => return None,
        Fault::Late(wait) => std::thread::sleep(wait),
        _ => {}
    }
    let etag = etag.map_or_else(String::new, |etag| format!("ETag: {etag}\r\n"));
    let date = "Date: Sun, 22 Nov 2026 03:00:00 GMT";
    let head = format!("HTTP/1.1 {status} said\r\n{date}\r\n{etag}Content-Length: {}\r\n\r\n", out.len());
    let (mut to, cut) = (stream, fault == Fault::Cut);
    to.write_all(head.as_bytes()).ok()?;
    to.write_all(out.get(..if cut { out.len() / 2 } else { out.len() })?).ok()?;
    (!cut).then_some(())
}

fn serve(
    state: &mut State,
    method: &str,
    object: &str,
    headers: &BTreeMap<String, String>,
    body: Vec<u8>,
) -> (u16, Option<String>, Vec<u8>) {
    let there = state.objects.get(object).cloned();
    if method == "GET" {
        return match there {
            Some(bytes) => (200, Some(etag(&bytes)), bytes),
            None => (404, None, said("NoSuchKey")),
        };
    }
    if method == "DELETE" {
        state.objects.remove(object);
        return (204, None, Vec::new());
    }
    let (wanted, none) = (headers.get("if-match"), headers.contains_key("if-none-match"));
    let meant = wanted.is_none_or(|tag| there.as_deref().map(etag).as_ref() == Some(tag)) && !(none && there.is_some());
    match state.heeds {
        Heeds::Says501 if wanted.is_some() || none => return (501, None, said("NotImplemented")),
        Heeds::Yes if !meant => return (412, None, said("PreconditionFailed")),
        _ => {}
    }
    let etag = etag(&body);
    state.written.push((object.to_owned(), body.clone()));
    state.objects.insert(object.to_owned(), body);
    (200, Some(etag), Vec::new())
}

fn etag(bytes: &[u8]) -> String {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    format!("\"{:016x}\"", hasher.finish())
}

fn said(code: &str) -> Vec<u8> {
    format!("<?xml version=\"1.0\"?><Error><Code>{code}</Code></Error>").into_bytes()
}
