//! Who may send: the sources of all facilities, by the address or the client certificate they send from.

use std::net::IpAddr;
use std::sync::Arc;

use domain::text::fold;
use jiff::tz::Offset;

use super::{in_use, sources, text};
use crate::App;
use crate::error::Result;

/// A registered source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Feed {
    /// Id of the facility.
    pub facility: String,
    /// Key of the source.
    pub source: String,
    /// What people call it.
    pub name: String,
    /// Code of its format, if stated.
    pub format: Option<String>,
    /// The folder that is watched for its files.
    pub folder: Option<String>,
    /// What its times are relative to when they do not say.
    pub offset: Offset,
    /// What the other sources of its facility are called for which whoever sends this one's may not speak, folded.
    pub others: Vec<String>,
    /// What it is called, folded.
    names: Vec<String>,
    from: Vec<From>,
}

/// Where a source sends from.
#[derive(Clone, Debug, PartialEq, Eq)]
enum From {
    /// An address, or all that share so many first bits with it.
    Address(IpAddr, u8),
    /// A client certificate: SHA-256 in lower-case hex.
    Certificate(String),
}

/// Who is at the other end of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Its address.
    pub address: IpAddr,
    /// SHA-256, in lower-case hex, of the client certificate whose key it showed to have.
    pub certificate: Option<String>,
}

/// The registered sources that may send by themselves, as they stood when they were read.
#[derive(Clone, Debug, Default)]
pub struct Senders(Vec<Arc<Feed>>);

impl Senders {
    /// The source that a peer is; the one with the closest address when several fit. A source that is registered with a
    /// certificate is known by nothing else. The peer may speak for every source that fits it, and for no other.
    pub fn of(&self, peer: &Peer) -> Option<Feed> {
        let mut feed = Feed::clone(self.closest(peer)?);
        feed.set_others(self.0.iter().map(AsRef::as_ref), |other| other.fits(peer).is_some());
        Some(feed)
    }

    fn closest(&self, peer: &Peer) -> Option<&Arc<Feed>> {
        let fits = self.0.iter().rev().filter_map(|feed| Some((feed.fits(peer)?, feed)));
        // The first of equals, in the order of their keys.
        fits.max_by_key(|(bits, _)| *bits).map(|(_, feed)| feed)
    }

    /// Whether somebody at this address may turn out to be a source, once its certificate is seen.
    pub fn may_be(&self, address: IpAddr, certificates: bool) -> bool {
        let by_certificate = |feed: &Arc<Feed>| feed.from.iter().any(|from| matches!(from, From::Certificate(_)));
        self.closest(&Peer { address, certificate: None }).is_some()
            || (certificates && self.0.iter().any(by_certificate))
    }

    /// Whether nobody may send.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// More than the bits of any address.
const CERTIFIED: u8 = 200;

impl Feed {
    /// Notes what the sources of its facility are called for which its sender may not speak.
    pub(super) fn set_others<'f>(&mut self, all: impl Iterator<Item = &'f Self>, may: impl Fn(&Self) -> bool) {
        let (own, others): (Vec<&Self>, Vec<&Self>) =
            all.filter(|feed| feed.facility == self.facility).partition(|f| may(f));
        let own: Vec<&String> = own.into_iter().flat_map(|feed| &feed.names).collect();
        let others = others.into_iter().flat_map(|feed| &feed.names).filter(|name| !own.contains(name));
        self.others = others.cloned().collect();
    }

    /// Whether this is its key or its name.
    pub(super) fn is_called(&self, name: &str) -> bool {
        self.names.contains(&fold(name))
    }

    fn fits(&self, peer: &Peer) -> Option<u8> {
        let certified = self.from.iter().any(|from| matches!(from, From::Certificate(_)));
        let fit = |from: &From| match from {
            From::Certificate(wanted) => (peer.certificate.as_ref() == Some(wanted)).then_some(CERTIFIED),
            From::Address(..) if certified => None,
            From::Address(address, bits) => shares(*address, peer.address, *bits).then_some(*bits),
        };
        self.from.iter().filter_map(fit).max()
    }
}

/// Whether two addresses are of one kind and share so many first bits.
fn shares(one: IpAddr, other: IpAddr, bits: u8) -> bool {
    let shifted = |n: u128, width: u32| n.checked_shr(width.saturating_sub(u32::from(bits))).unwrap_or(0);
    match (one.to_canonical(), other.to_canonical()) {
        (IpAddr::V4(one), IpAddr::V4(other)) => {
            shifted(u128::from(one.to_bits()), 32) == shifted(u128::from(other.to_bits()), 32)
        }
        (IpAddr::V6(one), IpAddr::V6(other)) => shifted(one.to_bits(), 128) == shifted(other.to_bits(), 128),
        _ => false,
    }
}

/// Where a source sends from, as written: addresses (`10.0.0.7`, `10.0.0.0/24`) and fingerprints of certificates
/// (`SHA256:…`, with or without colons), apart by blanks or commas. What is neither means nobody.
fn from(text: &str) -> Vec<From> {
    let parts = text.split(|c: char| c.is_whitespace() || matches!(c, ',' | ';' | '、' | '，'));
    parts.filter_map(|part| fingerprint(part).or_else(|| network(part))).collect()
}

fn fingerprint(part: &str) -> Option<From> {
    let part = part.to_ascii_lowercase();
    let hex = part.trim_start_matches("sha256:").trim_start_matches("sha-256:").replace(':', "");
    let whole = hex.len() == 64 && hex.bytes().all(|b| b.is_ascii_hexdigit());
    whole.then_some(From::Certificate(hex))
}

fn network(part: &str) -> Option<From> {
    let (address, bits) = part.split_once('/').map_or((part, None), |(address, bits)| (address, Some(bits)));
    let address: IpAddr = address.parse().ok()?;
    let width = if address.is_ipv4() { 32 } else { 128 };
    let bits = bits.map_or(Some(width), |bits| bits.parse().ok().filter(|bits| (1..=width).contains(bits)))?;
    Some(From::Address(address, bits))
}

/// What times without an offset are relative to: `+09:00`, `+9`, `UTC`; Japan when nothing is said.
fn offset(zone: Option<&str>) -> Offset {
    let japan = Offset::constant(9);
    let Some(zone) = zone.map(str::trim) else { return japan };
    if ["UTC", "GMT", "Z", "世界標準時", "協定世界時"].iter().any(|name| zone.eq_ignore_ascii_case(name)) {
        return Offset::UTC;
    }
    let (sign, digits) = match (zone.strip_prefix('+'), zone.strip_prefix('-')) {
        (Some(rest), _) => (1, rest),
        (_, Some(rest)) => (-1, rest),
        _ => return japan,
    };
    let (hours, minutes) = digits.split_once(':').unwrap_or((digits, "0"));
    let seconds = hours.parse::<i32>().ok().zip(minutes.parse::<i32>().ok()).map(|(h, m)| sign * (h * 3_600 + m * 60));
    seconds.and_then(|seconds| Offset::from_seconds(seconds).ok()).unwrap_or(japan)
}

impl App {
    /// The sources of all facilities that are in use.
    ///
    /// # Errors
    /// Any store error.
    pub async fn senders(&self) -> Result<Senders> {
        Ok(Senders(self.senders_of(None).await?.into_iter().map(Arc::new).collect()))
    }

    /// The sources in use, of one facility or of all, in the order of their keys.
    pub(super) async fn senders_of(&self, facility: Option<&str>) -> Result<Vec<Feed>> {
        let facilities = match facility {
            Some(id) => vec![id.to_owned()],
            None => self.store.facility_list().await?.into_iter().map(|facility| facility.id).collect(),
        };
        let mut feeds = Vec::new();
        for facility in facilities {
            let rows = self.store.row_list(sources()?, Some(&facility)).await?;
            feeds.extend(rows.into_iter().filter(|stored| in_use(&stored.row)).map(|stored| {
                let own = |column: &str| text(&stored.row, column).map(str::to_owned);
                Feed {
                    facility: facility.clone(),
                    name: own("name").unwrap_or_default(),
                    format: own("format"),
                    folder: own("folder"),
                    offset: offset(text(&stored.row, "zone")),
                    others: Vec::new(),
                    names: [Some(stored.key.as_str()), text(&stored.row, "name")]
                        .into_iter()
                        .flatten()
                        .map(fold)
                        .collect(),
                    from: from(text(&stored.row, "address").unwrap_or_default()),
                    source: stored.key,
                }
            }));
        }
        Ok(feeds)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn feed(source: &str, address: &str) -> Arc<Feed> {
        Arc::new(Feed {
            facility: "f".to_owned(),
            source: source.to_owned(),
            name: source.to_owned(),
            format: None,
            folder: None,
            offset: Offset::constant(9),
            others: Vec::new(),
            names: vec![fold(source)],
            from: from(address),
        })
    }

    #[test]
    fn who_a_peer_is() {
        let print = "ab".repeat(32);
        let senders = Senders(vec![
            feed("NET", "10.0.0.0/24"),
            feed("ONE", "10.0.0.7、fd00::/8"),
            feed("CERT", &format!("SHA256:{} 10.0.0.9", "AB:".repeat(32).trim_end_matches(':'))),
            feed("NOBODY", "everybody 0.0.0.0/0 10.1.0.1/33"),
        ]);
        let of = |address: &str, certificate: Option<&str>| {
            let peer = Peer { address: address.parse().unwrap(), certificate: certificate.map(str::to_owned) };
            senders.of(&peer).map(|feed| feed.source)
        };
        assert_eq!(of("10.0.0.1", None).as_deref(), Some("NET"));
        assert_eq!(of("10.0.0.7", None).as_deref(), Some("ONE"));
        assert_eq!(of("::ffff:10.0.0.7", None).as_deref(), Some("ONE"));
        assert_eq!(of("fd12::1", None).as_deref(), Some("ONE"));
        assert_eq!(of("10.0.1.1", None), None);
        assert_eq!(of("10.0.0.9", None).as_deref(), Some("NET"), "its certificate was not shown");
        assert_eq!(of("192.0.2.1", Some(&print)).as_deref(), Some("CERT"));
        assert_eq!(of("192.0.2.1", Some("00")), None);
        let others =
            |address: &str| senders.of(&Peer { address: address.parse().unwrap(), certificate: None }).unwrap().others;
        assert_eq!(others("10.0.0.7"), ["cert", "nobody"], "both that fit");
        assert_eq!(others("10.0.0.1"), ["one", "cert", "nobody"]);
        assert!(senders.may_be("192.0.2.1".parse().unwrap(), true));
        assert!(!senders.may_be("192.0.2.1".parse().unwrap(), false));
    }

    #[test]
    fn offsets_as_people_write_them() {
        for (zone, hours) in [(None, 9), (Some("+09:00"), 9), (Some("UTC"), 0), (Some("-5"), -5), (Some("日本"), 9)] {
            assert_eq!(offset(zone), Offset::constant(hours), "{zone:?}");
        }
        assert_eq!(offset(Some("+05:30")).seconds(), 19_800);
    }
}
