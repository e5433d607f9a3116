//! What endpoint agents and auditors send, read into one shape.
//!
//! GLPI Agent speaks JSON, FusionInventory and old GLPI agents XML, Lynis leaves a report file; all
//! come plain, in zlib or in gzip. [`parse`] tells them apart by their first bytes and hands back a
//! [`Message`] whose sections look like the GLPI JSON inventory whoever sent them. It trusts nothing:
//! sizes, nesting and encodings are bounded before anything is built, XML entities are refused, and
//! environment variables, process lists and command lines (which carry passwords) are dropped here,
//! before anybody else sees them.

mod error;
mod json;
mod lynis;
mod reply;
mod unpack;
mod xml;

use serde_json::{Map, Value};

pub use error::InventoryError;
pub use reply::{contact_reply, error_reply, ok_reply, prolog_reply};

/// Largest body accepted as it comes over the wire, in bytes.
pub const BODY_MAX: usize = 32 << 20;
/// Largest body after inflating, in bytes.
pub const INFLATED_MAX: usize = 128 << 20;
/// Deepest nesting of XML elements.
const DEPTH_MAX: usize = 32;
/// Most values (JSON) or elements (XML) in one message; a real inventory has some ten thousand.
const VALUES_MAX: usize = 2_000_000;
/// Longest device id, in characters.
const DEVICE_ID_MAX: usize = 255;

/// One message of an agent.
#[derive(Clone, Debug, PartialEq)]
pub enum Message {
    /// XML: an agent asks whether it may send; answered with [`prolog_reply`].
    Prolog {
        /// The agent's id of the machine.
        device_id: String,
    },
    /// JSON: an agent introduces itself and asks what to do; answered with [`contact_reply`].
    Contact {
        /// The agent's id of the machine.
        device_id: String,
        /// Name and version of the agent.
        agent: String,
        /// The tag set in the agent's configuration; sites use it to name the facility.
        tag: Option<String>,
    },
    /// An inventory, whole or partial; answered with [`ok_reply`].
    Inventory(Inventory),
}

/// What an agent saw.
#[derive(Clone, Debug, PartialEq)]
pub struct Inventory {
    /// The agent's id of the machine; of a Lynis report `lynis-` and the host id.
    pub device_id: String,
    /// Name and version of the agent, as it writes them.
    pub agent: String,
    /// Carries only some sections; the others are unchanged.
    pub partial: bool,
    /// `Computer`, `Phone`, `Printer` or `NetworkEquipment`.
    pub item_type: String,
    /// Sections by name, as the GLPI JSON inventory has them.
    pub sections: Map<String, Value>,
}

/// Reads one message, in whatever form it comes.
///
/// # Errors
/// [`InventoryError`] for everything that is not such a message, with its code and, in Japanese,
/// what happened, why, and what to do. Never panics.
pub fn parse(bytes: &[u8]) -> Result<Message, InventoryError> {
    let unpacked = unpack::unpack(bytes)?;
    let text = std::str::from_utf8(&unpacked).map_err(|_| InventoryError::Encoding)?;
    let text = text.trim_start_matches('\u{FEFF}').trim();
    if text.starts_with('{') {
        json::parse(text)
    } else if text.starts_with('<') {
        xml::parse(text)
    } else if lynis::is_report(text) {
        lynis::parse(text).map(Message::Inventory)
    } else {
        Err(InventoryError::UnknownFormat)
    }
}

/// Sections that hold environment variables or processes, in every spelling.
const PRIVATE_SECTIONS: &[&str] = &["envs", "env", "environment", "environments", "processes", "process"];
/// Fields that hold command lines.
const PRIVATE_FIELDS: &[&str] =
    &["cmd", "cmdline", "command", "command_line", "commandline", "args", "arguments", "perl_args", "uninstall_string"];

/// Removes what may carry secrets, at any depth. Names are compared without regard to case.
fn drop_private(sections: &mut Map<String, Value>) {
    sections.retain(|name, _| !PRIVATE_SECTIONS.iter().any(|private| name.eq_ignore_ascii_case(private)));
    for value in sections.values_mut() {
        drop_private_fields(value);
    }
}

fn drop_private_fields(value: &mut Value) {
    match value {
        Value::Array(rows) => rows.iter_mut().for_each(drop_private_fields),
        Value::Object(row) => {
            row.retain(|name, _| !PRIVATE_FIELDS.iter().any(|private| name.eq_ignore_ascii_case(private)));
            row.values_mut().for_each(drop_private_fields);
        }
        _ => {}
    }
}

/// A device id fit to be a key: present, short, printable.
fn device_id(written: Option<&str>) -> Result<String, InventoryError> {
    let id = written.unwrap_or_default().trim();
    let usable = !id.is_empty() && id.chars().count() <= DEVICE_ID_MAX && !id.chars().any(char::is_control);
    if usable { Ok(id.to_owned()) } else { Err(InventoryError::DeviceId) }
}

/// The item types whose inventories are understood.
fn item_type(written: Option<&str>) -> Result<String, InventoryError> {
    let known = ["Computer", "Phone", "Printer", "NetworkEquipment"];
    match written {
        None => Ok("Computer".to_owned()),
        Some(kind) if known.contains(&kind) => Ok(kind.to_owned()),
        Some(kind) => Err(InventoryError::ItemType(error::shorten(kind))),
    }
}
