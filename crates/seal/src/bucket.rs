//! A bucket of a store that speaks S3, as far as a log needs one: read an object, write an object, write it only if it is
//! still what it was, remove it.
//!
//! Requests are signed by `rusty_s3` (Signature Version 4, in the address) and sent by `ureq`; addresses are in path
//! style, which every store understands. An answer counts when all of it arrived: an error, a page of somebody else's
//! proxy, half an object or a missing bucket are never taken for an object that is not there. What fails for a moment is
//! tried again at once; what fails for longer is for the caller, who has time.
//!
//! A store that does not know conditional writes says so (501) and is written to without; one that ignores the condition
//! cannot be told from one that heeds it but by [`probe`](Bucket::probe).

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use quick_xml::Reader;
use quick_xml::events::Event;
use ring::digest::{SHA256, digest};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use rusty_s3::{Credentials, S3Action, UrlStyle};
use serde::Deserialize;
use ureq::http::{HeaderMap, Response};
use ureq::tls::{Certificate, RootCerts, TlsConfig};
use ureq::{Agent, Body};

use crate::key::seed;
use crate::log::Error;

/// Requests that are under way at once.
pub(crate) const AT_ONCE: usize = 8;
/// How long a connection may take to come about, and a request from beginning to end.
const CONNECT: Duration = Duration::from_secs(3);
const PATIENCE: Duration = Duration::from_secs(5);
/// How often a request is sent before it has failed, and what lies between.
const TRIES: u32 = 3;
const PAUSE: Duration = Duration::from_millis(200);
/// How long a signed address counts.
const VALID: Duration = Duration::from_secs(600);
/// Longest object taken, in bytes: a bundle of the longest leaves is smaller.
const LONGEST: u64 = 32 << 20;
/// Longest error taken, in bytes.
const LONGEST_ERROR: u64 = 64 << 10;
/// Object that is written to see whether one can.
const PROBE: &str = "probe";

/// How a bucket is reached. What is secret in it does not print itself.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Address of the store, then the bucket, then what the names of the objects begin with:
    /// `https://s3.example:9000/bucket/log`.
    pub url: String,
    /// Name of the region, as the store has it.
    #[serde(default = "region")]
    pub region: String,
    /// Whose key it is.
    pub id: String,
    /// The key.
    pub secret: String,
    /// Certificates (PEM) that the one of an `https` store has to lead to; those of this machine when there are none.
    #[serde(default)]
    pub ca: Option<String>,
}

fn region() -> String {
    "us-east-1".to_owned()
}

/// A bucket.
pub struct Bucket {
    agent: Agent,
    bucket: rusty_s3::Bucket,
    credentials: Credentials,
    /// What the names of the objects begin with; empty or with a slash at its end.
    prefix: String,
    place: String,
}

impl std::fmt::Debug for Bucket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.place)
    }
}

/// What is wrong with a store.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// Its settings do not do: which.
    #[error("settings: {0}")]
    Settings(&'static str),
    /// Nobody answers, or not encrypted as wanted: why.
    #[error("not reached: {0}")]
    Unreachable(String),
    /// It took too long.
    #[error("no answer in time")]
    Slow,
    /// It refused or failed: status, and the code it gave.
    #[error("status {0} {1}")]
    Status(u16, String),
    /// Its answer was cut off, or longer than anything of a log.
    #[error("not a whole answer")]
    Cut,
    /// What was read is not what was written.
    #[error("read another thing than was written")]
    Differs,
}

/// Which object a write is to replace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    /// Whatever is there.
    Any,
    /// None.
    Absent,
    /// The one that the store calls so.
    Tag(String),
}

/// What a store was seen to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probe {
    /// What its clock said, as in the header `Date`.
    pub date: Option<String>,
    /// Whether it refuses to replace what somebody else replaced meanwhile.
    pub conditional: bool,
    /// Whether it keeps what is replaced or removed.
    pub versions: bool,
    /// Whether it lets nobody remove that for a time.
    pub locked: bool,
}

/// An answer, whole.
struct Answer {
    status: u16,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Bucket {
    /// A bucket; nobody is asked yet.
    ///
    /// # Errors
    /// [`Trouble::Settings`].
    pub fn new(settings: &Settings) -> Result<Self, Error> {
        let place = settings.url.trim_end_matches('/').to_owned();
        let refused =
            |what| Error::Bucket { place: settings.url.chars().take(200).collect(), trouble: Trouble::Settings(what) };
        let mut url = url::Url::parse(&place).map_err(|_| refused("url"))?;
        if !url.username().is_empty() || url.password().is_some() || url.query().is_some() || url.fragment().is_some() {
            return Err(refused("url"));
        }
        let path = url.path().strip_prefix('/').unwrap_or_default().to_owned();
        let (name, prefix) = path.split_once('/').unwrap_or((&path, ""));
        let plain = |part: &str| part.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
        let parts = || prefix.split('/').all(|part| !part.is_empty() && part != "." && part != ".." && plain(part));
        if name.is_empty() || !plain(name) || !(prefix.is_empty() || parts()) {
            return Err(refused("url"));
        }
        if settings.id.is_empty() || settings.secret.is_empty() {
            return Err(refused("id, secret"));
        }
        url.set_path("/");
        let tls = url.scheme() == "https";
        let bucket = rusty_s3::Bucket::new(url, UrlStyle::Path, name.to_owned(), settings.region.clone())
            .map_err(|_| refused("url"))?;
        let roots = match &settings.ca {
            Some(ca) => CertificateDer::pem_slice_iter(ca.as_bytes())
                .map(|found| found.map(|der| Certificate::from_der(&der).to_owned()))
                .collect::<Result<Vec<_>, _>>()
                .map_err(|_| refused("ca"))?,
            None if tls => {
                let found = rustls_native_certs::load_native_certs().certs;
                found.iter().map(|der| Certificate::from_der(der).to_owned()).collect()
            }
            None => Vec::new(),
        };
        if tls && roots.is_empty() {
            return Err(refused("ca"));
        }
        let crypto = Arc::new(rustls::crypto::ring::default_provider());
        let tls = TlsConfig::builder()
            .root_certs(RootCerts::Specific(Arc::new(roots)))
            .unversioned_rustls_crypto_provider(crypto)
            .build();
        let agent = Agent::config_builder()
            .tls_config(tls)
            .http_status_as_error(false)
            .max_redirects(0)
            .proxy(None)
            .user_agent("sakimori")
            .timeout_connect(Some(CONNECT))
            .timeout_global(Some(PATIENCE))
            .max_idle_connections_per_host(AT_ONCE)
            .build()
            .new_agent();
        let credentials = Credentials::new(&settings.id, &settings.secret);
        let prefix = if prefix.is_empty() { String::new() } else { format!("{prefix}/") };
        Ok(Self { agent, bucket, credentials, prefix, place })
    }

    /// Where it is, for people.
    pub fn place(&self) -> &str {
        &self.place
    }

    /// An object, with what the store calls this version of it; `None` when the store says that there is none.
    pub(crate) fn get(&self, path: &str) -> Result<Option<(Vec<u8>, Version)>, Error> {
        let answer = self.ask(path, || self.send_get(path))?;
        match answer.status {
            200 => Ok(Some((answer.body, tag(&answer.headers)))),
            404 if code(&answer.body) == "NoSuchKey" => Ok(None),
            status => Err(self.status(path, status, &answer.body)),
        }
    }

    /// Writes an object in place of this version; what the store calls the new one.
    ///
    /// # Errors
    /// [`Error::Taken`] when another one is there by now.
    pub(crate) fn put(&self, path: &str, bytes: &[u8], replaced: &Version) -> Result<Version, Error> {
        let answer = self.ask(path, || self.send_put(path, bytes, replaced))?;
        match answer.status {
            200..=299 => Ok(tag(&answer.headers)),
            501 if *replaced != Version::Any => self.put(path, bytes, &Version::Any),
            // What was sent before may have arrived although its answer did not.
            404 | 409 | 412 if *replaced != Version::Any => match self.get(path)? {
                Some((there, version)) if there == bytes => Ok(version),
                _ => Err(Error::Taken),
            },
            status => Err(self.status(path, status, &answer.body)),
        }
    }

    /// Writes many objects that nobody reads yet, some at once.
    pub(crate) fn put_all(&self, objects: &[(String, Vec<u8>)]) -> Result<(), Error> {
        at_once(objects, |(path, bytes)| self.put(path, bytes, &Version::Any).map(|_| ()))
    }

    /// Removes many objects, some at once; one that is not there is none to remove. A store that keeps versions keeps
    /// them until its own rule takes them away.
    pub(crate) fn delete_all(&self, paths: &[String]) -> Result<(), Error> {
        at_once(paths, |path| {
            let answer = self.ask(path, || self.send_delete(path))?;
            match answer.status {
                200..=299 => Ok(()),
                404 if code(&answer.body) == "NoSuchKey" => Ok(()),
                status => Err(self.status(path, status, &answer.body)),
            }
        })
    }

    /// Writes and reads back an object that is no part of the log, and looks how the store behaves.
    ///
    /// # Errors
    /// When it cannot be written or read back as it was.
    pub fn probe(&self) -> Result<Probe, Error> {
        let bytes = STANDARD.encode(seed()?).into_bytes();
        let written = self.ask(PROBE, || self.send_put(PROBE, &bytes, &Version::Any))?;
        if !(200..300).contains(&written.status) {
            return Err(self.status(PROBE, written.status, &written.body));
        }
        let read = self.ask(PROBE, || self.send_get(PROBE))?;
        if read.status != 200 {
            return Err(self.status(PROBE, read.status, &read.body));
        }
        if read.body != bytes {
            return Err(self.trouble(PROBE, Trouble::Differs));
        }
        let again = self.ask(PROBE, || self.send_put(PROBE, &bytes, &Version::Absent))?;
        let replaced = self.ask(PROBE, || self.send_put(PROBE, &bytes, &Version::Tag("\"another\"".to_owned())))?;
        let refuses = |answer: &Answer| matches!(answer.status, 409 | 412);
        let has = |name: &str| read.headers.contains_key(name);
        Ok(Probe {
            date: read.headers.get("date").and_then(|date| date.to_str().ok()).map(str::to_owned),
            conditional: refuses(&again) && refuses(&replaced),
            versions: has("x-amz-version-id"),
            locked: has("x-amz-object-lock-mode"),
        })
    }

    fn send_get(&self, path: &str) -> Result<Response<Body>, ureq::Error> {
        let name = format!("{}{path}", self.prefix);
        let action = self.bucket.get_object(Some(&self.credentials), &name);
        self.agent.get(action.sign(VALID).as_str()).call()
    }

    fn send_delete(&self, path: &str) -> Result<Response<Body>, ureq::Error> {
        let name = format!("{}{path}", self.prefix);
        let action = self.bucket.delete_object(Some(&self.credentials), &name);
        self.agent.delete(action.sign(VALID).as_str()).call()
    }

    fn send_put(&self, path: &str, bytes: &[u8], replaced: &Version) -> Result<Response<Body>, ureq::Error> {
        let name = format!("{}{path}", self.prefix);
        let mut action = self.bucket.put_object(Some(&self.credentials), &name);
        // What the store got must be what was sent; the signature covers the sum.
        let mut headers = vec![("x-amz-checksum-sha256", STANDARD.encode(digest(&SHA256, bytes)))];
        match replaced {
            Version::Any => {}
            Version::Absent => headers.push(("if-none-match", "*".to_owned())),
            Version::Tag(tag) => headers.push(("if-match", tag.clone())),
        }
        for (name, value) in &headers {
            action.headers_mut().insert(*name, value.clone());
        }
        let url = action.sign(VALID);
        let request = headers.iter().fold(self.agent.put(url.as_str()), |put, (name, value)| put.header(*name, value));
        request.send(bytes)
    }

    /// Sends a request until there is an answer that means something, a few times.
    fn ask(&self, path: &str, send: impl Fn() -> Result<Response<Body>, ureq::Error>) -> Result<Answer, Error> {
        let mut tries = TRIES;
        loop {
            tries -= 1;
            let answer = send().map_err(|e| trouble(&e)).and_then(whole);
            let passing = match &answer {
                Ok(answer) => matches!(answer.status, 429 | 500 | 502 | 503 | 504),
                Err(trouble) => *trouble != Trouble::Slow,
            };
            if tries == 0 || !passing {
                return answer.map_err(|trouble| self.trouble(path, trouble));
            }
            thread::sleep(PAUSE);
        }
    }

    fn status(&self, path: &str, status: u16, body: &[u8]) -> Error {
        self.trouble(path, Trouble::Status(status, code(body)))
    }

    fn trouble(&self, path: &str, trouble: Trouble) -> Error {
        Error::Bucket { place: format!("{}/{path}", self.place), trouble }
    }
}

/// Does something with many objects, some at once.
fn at_once<T: Sync>(all: &[T], what: impl Fn(&T) -> Result<(), Error> + Sync) -> Result<(), Error> {
    let next = AtomicUsize::new(0);
    let run = || {
        while let Some(one) = all.get(next.fetch_add(1, Ordering::Relaxed)) {
            what(one)?;
        }
        Ok(())
    };
    thread::scope(|scope| {
        let running: Vec<_> = (0..AT_ONCE.min(all.len())).map(|_| scope.spawn(run)).collect();
        let ended = running.into_iter().map(|thread| thread.join().unwrap_or(Err(Error::Malformed("thread"))));
        ended.collect::<Result<Vec<_>, _>>().map(|_| ())
    })
}

/// All of an answer; what an S3 store says has its length before it.
fn whole(answer: Response<Body>) -> Result<Answer, Trouble> {
    let (parts, mut body) = answer.into_parts();
    let (status, length) = (parts.status.as_u16(), body.content_length());
    let most = if status == 200 { LONGEST } else { LONGEST_ERROR };
    let body = body.with_config().limit(most).read_to_vec().map_err(|error| match trouble(&error) {
        Trouble::Slow => Trouble::Slow,
        _ => Trouble::Cut,
    })?;
    if length.map_or(status == 200 && !body.is_empty(), |length| length != body.len() as u64) {
        return Err(Trouble::Cut);
    }
    Ok(Answer { status, headers: parts.headers, body })
}

fn trouble(error: &ureq::Error) -> Trouble {
    match error {
        ureq::Error::Timeout(_) => Trouble::Slow,
        ureq::Error::Io(error) if error.kind() == std::io::ErrorKind::TimedOut => Trouble::Slow,
        other => Trouble::Unreachable(other.to_string()),
    }
}

/// What the store calls the version; without a name for it, it cannot be asked for.
fn tag(headers: &HeaderMap) -> Version {
    headers
        .get("etag")
        .and_then(|tag| tag.to_str().ok())
        .filter(|tag| !tag.starts_with("W/"))
        .map_or(Version::Any, |tag| Version::Tag(tag.to_owned()))
}

/// The code in an error of S3; empty when it is none.
fn code(body: &[u8]) -> String {
    let (mut reader, mut inside, mut text) = (Reader::from_reader(body), false, String::new());
    loop {
        match reader.read_event() {
            Ok(Event::Start(tag)) => inside = tag.name().as_ref() == "Code",
            Ok(Event::Text(found)) if inside => text.push_str(&found),
            Ok(Event::End(_)) if inside => return text.chars().filter(char::is_ascii_alphanumeric).take(64).collect(),
            Ok(Event::Eof) | Err(_) => return String::new(),
            Ok(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn settings(url: &str) -> Settings {
        Settings { url: url.to_owned(), region: region(), id: "id".to_owned(), secret: "secret".to_owned(), ca: None }
    }

    #[test]
    fn an_address_has_a_bucket_and_may_have_a_beginning() {
        let named = |url: &str| {
            Bucket::new(&settings(url)).map(|b| (b.bucket.base_url().to_string(), b.prefix)).map_err(|e| e.to_string())
        };
        let wanted = |base: &str, prefix: &str| Ok((base.to_owned(), prefix.to_owned()));
        assert_eq!(named("http://192.0.2.1:9000/b"), wanted("http://192.0.2.1:9000/b/", ""));
        assert_eq!(named("http://s3.example/b/"), wanted("http://s3.example/b/", ""));
        assert_eq!(named("http://s3.example/b/log/one"), wanted("http://s3.example/b/", "log/one/"));
        for bad in [
            "",
            "b",
            "ftp://s3.example/b",
            "http://s3.example",
            "http://s3.example//b",
            "http://id:secret@s3.example/b",
            "http://s3.example/b?x=1",
            "http://s3.example/b/../c d",
            "http://s3.example/b//c",
        ] {
            assert!(named(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn nothing_secret_is_printed() {
        let bucket = Bucket::new(&settings("http://s3.example/b")).unwrap();
        assert_eq!(format!("{bucket:?} {}", bucket.place()), "http://s3.example/b http://s3.example/b");
    }

    #[test]
    fn the_code_of_an_error_is_read_and_nothing_else() {
        let said = |body: &str| code(body.as_bytes());
        assert_eq!(
            said("<?xml version=\"1.0\"?><Error><Code>NoSuchKey</Code><Message>x</Message></Error>"),
            "NoSuchKey"
        );
        assert_eq!(said("<Error><Message>x</Message><Code> Slow\nDown </Code></Error>"), "SlowDown");
        for none in ["", "<html>404</html>", "<Error><Code>", "\u{0}\u{1}", "<Code/>", "{\"Code\":1}"] {
            assert_eq!(said(none), "", "{none}");
        }
    }
}
