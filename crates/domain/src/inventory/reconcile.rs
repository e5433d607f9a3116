//! Which observed machine is which device of the ledger.

use std::collections::{BTreeSet, HashMap};

use crate::text::{Label, fold, tidy};

/// A device as the ledger declares it.
#[derive(Clone, Debug, Default)]
pub struct Declared {
    /// 管理番号, which names it in the answer.
    pub no: String,
    /// Name.
    pub name: Option<String>,
    /// Serial number.
    pub serial: Option<String>,
    /// Name on the network.
    pub hostname: Option<String>,
    /// MAC address, or several.
    pub mac: Option<String>,
    /// IP address, or several.
    pub ip: Option<String>,
}

/// A machine as an agent saw it.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// The agent's device id, which names it in the answer.
    pub id: String,
    /// Name on the network.
    pub hostname: Option<String>,
    /// Serial number.
    pub serial: Option<String>,
    /// MAC addresses.
    pub macs: Vec<String>,
    /// IP addresses.
    pub ips: Vec<String>,
}

/// What was found for one machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// [`Seen::id`].
    pub machine: String,
    /// The device, or why there is none.
    pub outcome: Outcome,
}

/// The device of a machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// One device fits.
    Matched {
        /// [`Declared::no`].
        device: String,
        /// By what it was recognised.
        by: Key,
    },
    /// Several fit, or the key is not unique among the machines: a person has to correct the ledger.
    Ambiguous {
        /// The key that does not decide.
        by: Key,
        /// [`Declared::no`] of the devices that share it, sorted.
        devices: Vec<String>,
    },
    /// No device fits: the machine is not registered.
    Unregistered,
}

/// What a machine was recognised by, strongest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Key {
    /// Serial number.
    Serial,
    /// MAC address.
    Mac,
    /// The ledger's host name.
    Hostname,
    /// The ledger's device name.
    Name,
    /// IP address that only one machine and one device have.
    Ip,
}

const KEYS: [Key; 5] = [Key::Serial, Key::Mac, Key::Hostname, Key::Name, Key::Ip];

impl Key {
    /// What people call it.
    pub const fn label(self) -> Label {
        match self {
            Self::Serial => Label::new("シリアル番号", "serial number"),
            Self::Mac => Label::new("MACアドレス", "MAC address"),
            Self::Hostname => Label::new("ホスト名", "host name"),
            Self::Name => Label::new("機器名", "device name"),
            Self::Ip => Label::new("IPアドレス", "IP address"),
        }
    }
}

/// Finds for each of `machines` its device, in the order given. The strongest key that fits any
/// device decides alone: when it fits two, weaker keys are not asked, because then the ledger (or a
/// copied machine) is wrong and a guess would hide it. Several machines may be one device: a server
/// reports through its agent and through Lynis, and a reinstalled agent has a new id. Takes time
/// linear in devices and machines.
pub fn reconcile(devices: &[Declared], machines: &[Seen]) -> Vec<Link> {
    let mut index: HashMap<(Key, String), BTreeSet<&str>> = HashMap::new();
    for device in devices {
        for key in KEYS {
            for value in device.values(key) {
                index.entry((key, value)).or_default().insert(&device.no);
            }
        }
    }
    let mut holders: HashMap<String, usize> = HashMap::new();
    for ip in machines.iter().flat_map(|machine| BTreeSet::from_iter(machine.values(Key::Ip))) {
        *holders.entry(ip).or_default() += 1;
    }
    machines
        .iter()
        .map(|machine| Link { machine: machine.id.clone(), outcome: outcome(machine, &index, &holders) })
        .collect()
}

fn outcome(
    machine: &Seen,
    index: &HashMap<(Key, String), BTreeSet<&str>>,
    holders: &HashMap<String, usize>,
) -> Outcome {
    for by in KEYS {
        let mut found: BTreeSet<&str> = BTreeSet::new();
        let mut shared = false;
        for value in machine.values(by) {
            let several = by == Key::Ip && holders.get(&value).is_some_and(|n| *n > 1);
            if let Some(devices) = index.get(&(by, value)) {
                found.extend(devices);
                shared |= several;
            }
        }
        match (found.first(), found.len(), shared) {
            (None, ..) => {}
            (Some(device), 1, false) => return Outcome::Matched { device: (*device).to_owned(), by },
            _ => return Outcome::Ambiguous { by, devices: found.into_iter().map(str::to_owned).collect() },
        }
    }
    Outcome::Unregistered
}

impl Declared {
    /// The comparable values under `key`.
    fn values(&self, key: Key) -> Vec<String> {
        let split = |text: &Option<String>, read: fn(&str) -> Option<String>| {
            let text = tidy(text.as_deref().unwrap_or_default());
            match read(&text) {
                Some(one) => vec![one],
                None => text.split([' ', ',', ';', '/', '、']).filter_map(read).collect(),
            }
        };
        match key {
            Key::Serial => self.serial.as_deref().and_then(serial).into_iter().collect(),
            Key::Mac => split(&self.mac, mac),
            Key::Hostname => self.hostname.as_deref().and_then(host).into_iter().collect(),
            Key::Name => self.name.as_deref().and_then(host).into_iter().collect(),
            Key::Ip => split(&self.ip, ip),
        }
    }
}

impl Seen {
    /// The comparable values under `key`.
    pub(super) fn values(&self, key: Key) -> Vec<String> {
        match key {
            Key::Serial => self.serial.as_deref().and_then(serial).into_iter().collect(),
            Key::Mac => self.macs.iter().filter_map(|text| mac(text)).collect(),
            Key::Hostname | Key::Name => self.hostname.as_deref().and_then(host).into_iter().collect(),
            Key::Ip => self.ips.iter().filter_map(|text| ip(text)).collect(),
        }
    }
}

/// What mainboard makers (and clerks) write where there is no serial number, folded.
const NO_SERIAL: &[&str] = &[
    "tobefilledbyoem",
    "defaultstring",
    "systemserialnumber",
    "chassisserialnumber",
    "serialnumber",
    "notspecified",
    "notapplicable",
    "notavailable",
    "none",
    "null",
    "na",
    "oem",
    "empty",
    "invalid",
    "unknown",
    "undefined",
    "123456789",
    "0123456789",
    "1234567890",
    "なし",
    "無し",
    "不明",
    "未設定",
];

/// A comparable serial number; `None` for placeholders.
pub(super) fn serial(text: &str) -> Option<String> {
    let folded = fold(text);
    let mut chars = folded.chars();
    let first = chars.next()?;
    let all_same = chars.all(|c| c == first);
    (!all_same && !NO_SERIAL.contains(&folded.as_str())).then_some(folded)
}

/// `aa:bb:cc:dd:ee:ff` of any spelling; `None` for the null and broadcast addresses.
pub(super) fn mac(text: &str) -> Option<String> {
    let digits: Vec<char> = tidy(text).to_ascii_lowercase().chars().filter(|c| !":-. ".contains(*c)).collect();
    let usable = digits.len() == 12
        && digits.iter().all(char::is_ascii_hexdigit)
        && digits.iter().any(|c| *c != '0')
        && digits.iter().any(|c| *c != 'f');
    usable.then(|| digits.chunks(2).map(|pair| pair.iter().collect::<String>()).collect::<Vec<_>>().join(":"))
}

/// A comparable IP address.
fn ip(text: &str) -> Option<String> {
    tidy(text).parse::<std::net::IpAddr>().ok().map(|ip| ip.to_string())
}

/// A comparable host name without domain.
fn host(text: &str) -> Option<String> {
    let tidy = tidy(text).to_lowercase();
    let name = tidy.split('.').next().unwrap_or_default();
    (!name.is_empty() && name != "localhost" && ip(&tidy).is_none()).then(|| name.to_owned())
}
