//! What endpoint agents see, as facts about a machine.
//!
//! An inventory is a map of *sections* in the shape of the GLPI JSON inventory (whatever the agent
//! spoke; the intake normalises it) plus the section `lynis` of an audited server. This module merges
//! inventories, reads a [`Machine`] from one and [`reconcile`]s machines with the device ledger. What
//! an agent did not say is `None` or empty and means *unknown*; nothing here turns silence into "ok".

mod identity;
mod observe;
mod read;
mod reconcile;
mod remote;

use jiff::Timestamp;
use jiff::civil::Date;
use serde_json::{Map, Value};

pub use identity::{Owner, owner};
pub use observe::observe;
pub use reconcile::{Declared, Key, Link, Outcome, Seen, reconcile};

/// Sections by name: an object, an array of objects, or text, as the GLPI inventory has them.
pub type Sections = Map<String, Value>;

/// The section of the Lynis audit, which no endpoint agent sends.
pub const LYNIS: &str = "lynis";

/// One machine as its agents describe it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Machine {
    /// Name on the network, without domain.
    pub hostname: Option<String>,
    /// Serial number of the maker; placeholders of mainboard makers are no serial.
    pub serial: Option<String>,
    /// Maker.
    pub maker: Option<String>,
    /// Model.
    pub model: Option<String>,
    /// Full name of the system, e.g. `Windows 11 Pro 24H2`, `Debian GNU/Linux 12 (bookworm)`; of a
    /// network device maker, model and firmware.
    pub os: Option<String>,
    /// Build or kernel, e.g. `26100.4652`.
    pub os_build: Option<String>,
    /// Code of the device ledger's kind: `server`, `terminal`, `printer` or `network`.
    pub kind: Option<&'static str>,
    /// Addresses of its own (not virtual) network cards, `aa:bb:cc:dd:ee:ff`.
    pub macs: Vec<String>,
    /// IP addresses of those cards, without loopback and link-local ones; of all cards where those have none.
    pub ips: Vec<String>,
    /// When the agent says that it looked. A time more than a day after the report arrived is not
    /// believed; the arrival is taken instead.
    pub observed_at: Option<Timestamp>,
    /// Day of the last update that the data really shows: a Windows security update or hotfix, or a
    /// base package (kernel, C library, TLS library, init) of a Linux distribution.
    pub patched_on: Option<Date>,
    /// Virus scanners reported. Empty is unknown: on Windows Server and Linux agents often cannot see.
    pub antivirus: Vec<Antivirus>,
    /// Every fixed data volume is encrypted (`true`) or one is not (`false`).
    pub disk_encrypted: Option<bool>,
    /// Names that hold administrator rights locally, as far as reported.
    pub local_admins: Vec<String>,
    /// Remote-control software. Empty proves nothing where [`Machine::software_count`] is `None`.
    pub remote_control: Vec<Software>,
    /// USB mass storage attached.
    pub usb_storage: Vec<String>,
    /// Lynis hardening index, 0–100.
    pub hardening_index: Option<i64>,
    /// Warnings of the Lynis audit. Empty proves nothing where the index is `None`.
    pub warnings: Vec<Warning>,
    /// Entries of the software list; `None` when no list was sent.
    pub software_count: Option<usize>,
}

/// A virus scanner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Antivirus {
    /// Product.
    pub name: String,
    /// It is switched on.
    pub enabled: Option<bool>,
    /// Its definitions are current, by its own account.
    pub up_to_date: Option<bool>,
    /// Product version.
    pub version: Option<String>,
    /// Date of the definitions.
    pub definitions_on: Option<Date>,
}

/// An installed product.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Software {
    /// Product name, one spelling for all versions.
    pub name: String,
    /// How it was recognised: the listed name and version, or the product's own id.
    pub detail: String,
}

/// A warning of an audit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// Test id, e.g. `PKGS-7392`.
    pub id: String,
    /// What it says.
    pub text: String,
}

/// Merges what arrived into what is `stored`. A partial inventory replaces the sections it carries
/// and leaves the others; a full one replaces everything but the Lynis audit, which comes by
/// another way.
pub fn merge(stored: &mut Sections, arrived: Sections, partial: bool) {
    if !partial {
        stored.retain(|section, _| section == LYNIS);
    }
    stored.extend(arrived);
}

#[cfg(test)]
mod tests;
