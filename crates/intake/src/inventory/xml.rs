//! The legacy protocol: XML messages, brought to the shape of the JSON ones.

use quick_xml::Reader;
use quick_xml::events::Event;
use serde_json::{Map, Value};

use super::{
    DEPTH_MAX, Inventory, InventoryError, Message, VALUES_MAX, device_id, drop_private, error::shorten, item_type,
};

pub(super) fn parse(text: &str) -> Result<Message, InventoryError> {
    let Value::Object(mut request) = tree(text)? else { return Err(InventoryError::UnknownFormat) };
    let string = |field: &str| request.get(field).and_then(Value::as_str);
    let query = string("query").unwrap_or_default();
    match query {
        "PROLOG" => Ok(Message::Prolog { device_id: device_id(string("deviceid"))? }),
        "INVENTORY" => {
            let device_id = device_id(string("deviceid"))?;
            let item_type = item_type(string("itemtype"))?;
            let Some(Value::Object(content)) = request.remove("content") else { return Err(InventoryError::Empty) };
            let mut sections = normalise(content);
            drop_private(&mut sections);
            let agent = sections.get("versionclient").and_then(Value::as_str).unwrap_or_default().to_owned();
            Ok(Message::Inventory(Inventory { device_id, agent, partial: false, item_type, sections }))
        }
        other => Err(InventoryError::Request(shorten(other))),
    }
}

/// An element under construction: its children, or its text when it has none.
#[derive(Default)]
struct Element {
    name: String,
    children: Map<String, Value>,
    text: String,
}

impl Element {
    fn named(name: &str) -> Self {
        Self { name: name.to_lowercase(), ..Self::default() }
    }

    fn value(self) -> Value {
        if self.children.is_empty() { Value::String(self.text.trim().to_owned()) } else { Value::Object(self.children) }
    }

    /// Adds a child; a repeated one makes an array.
    fn add(&mut self, child: Self) {
        let name = child.name.clone();
        let value = child.value();
        match self.children.get_mut(&name) {
            None => _ = self.children.insert(name, value),
            Some(Value::Array(several)) => several.push(value),
            Some(first) => *first = Value::Array(vec![first.take(), value]),
        }
    }
}

/// The content of the root element. Attributes, comments and processing instructions say nothing in
/// this protocol and are skipped; a document type or an entity of its own is refused, never expanded.
fn tree(text: &str) -> Result<Value, InventoryError> {
    let mut reader = Reader::from_str(text);
    let mut open: Vec<Element> = vec![Element::default()];
    let mut elements = 0_usize;
    loop {
        let broken = |at: u64| InventoryError::Malformed(format!("XML（{at}バイト目）"));
        let event = reader.read_event().map_err(|_| broken(reader.error_position()))?;
        let at = reader.buffer_position();
        let inner = open.last_mut().ok_or_else(|| broken(at))?;
        match event {
            Event::Start(tag) => open.push(Element::named(tag.name().into_inner())),
            Event::Empty(tag) => inner.add(Element::named(tag.name().into_inner())),
            Event::End(_) => {
                let done = open.pop().ok_or_else(|| broken(at))?;
                open.last_mut().ok_or_else(|| broken(at))?.add(done);
            }
            Event::Text(piece) => inner.text.push_str(&piece.xml10_content()),
            Event::CData(piece) => inner.text.push_str(&piece.xml10_content()),
            Event::GeneralRef(reference) => {
                let meant = match reference.resolve_char_ref().map_err(|_| broken(at))? {
                    Some(c) => Some(c),
                    None => predefined(&reference),
                };
                inner.text.push(meant.ok_or(InventoryError::Entity)?);
            }
            Event::DocType(_) => return Err(InventoryError::Entity),
            Event::Decl(_) | Event::PI(_) | Event::Comment(_) => continue,
            Event::Eof => break,
        }
        elements += 1;
        // The first entry is the document itself.
        if open.len() > DEPTH_MAX + 1 || elements > VALUES_MAX {
            return Err(InventoryError::TooComplex);
        }
    }
    let at = reader.buffer_position();
    match open.pop() {
        Some(document) if open.is_empty() => {
            Ok(document.children.into_iter().next().map_or(Value::Null, |(_, root)| root))
        }
        _ => Err(InventoryError::Malformed(format!("XML（{at}バイト目）"))),
    }
}

/// The five entities every XML document has (XML 1.0 §4.6).
fn predefined(name: &str) -> Option<char> {
    match name {
        "lt" => Some('<'),
        "gt" => Some('>'),
        "amp" => Some('&'),
        "apos" => Some('\''),
        "quot" => Some('"'),
        _ => None,
    }
}

/// Sections of which a machine has one; all others are arrays.
const SINGLE: &[&str] = &["accesslog", "bios", "hardware", "operatingsystem", "versionclient", "versionprovider"];
/// `(section, legacy field, field)`.
const RENAMED: &[(&str, &str, &str)] = &[
    ("antivirus", "datfilecreation", "base_creation"),
    ("antivirus", "datfileversion", "base_version"),
    ("local_groups", "member", "members"),
    ("networks", "macaddr", "mac"),
    ("softwares", "installdate", "install_date"),
    ("storages", "serialnumber", "serial"),
];
/// Fields that are always arrays.
const ARRAYS: &[(&str, &str)] = &[("local_groups", "members"), ("versionprovider", "comments")];
/// Fields that are yes or no.
const BOOLEANS: &[(&str, &str)] = &[
    ("antivirus", "enabled"),
    ("antivirus", "uptodate"),
    ("drives", "systemdrive"),
    ("licenseinfos", "trial"),
    ("memories", "removable"),
    ("networks", "management"),
    ("networks", "virtualdev"),
    ("printers", "network"),
    ("printers", "shared"),
    ("softwares", "no_remove"),
];
/// Fields that are whole numbers.
const INTEGERS: &[(&str, &str)] = &[
    ("cpus", "core"),
    ("cpus", "speed"),
    ("cpus", "stepping"),
    ("cpus", "thread"),
    ("drives", "free"),
    ("drives", "total"),
    ("hardware", "memory"),
    ("hardware", "swap"),
    ("memories", "capacity"),
    ("memories", "numslots"),
    ("networks", "mtu"),
    ("softwares", "filesize"),
    ("storages", "disksize"),
];
/// Dates, written day first by old agents.
const DATES: &[(&str, &str)] =
    &[("antivirus", "base_creation"), ("antivirus", "expiration"), ("softwares", "install_date")];
/// Fields in lower case.
const LOWER: &[(&str, &str)] = &[("networks", "status"), ("networks", "type")];

fn normalise(content: Map<String, Value>) -> Map<String, Value> {
    content
        .into_iter()
        .map(|(name, value)| {
            let name = if name == "firewall" { "firewalls".to_owned() } else { name };
            let single = SINGLE.contains(&name.as_str());
            let mut value = match (single, value) {
                // Sent twice: the first is the machine's own.
                (true, Value::Array(several)) => several.into_iter().next().unwrap_or_default(),
                (false, Value::Array(several)) => Value::Array(several),
                (false, one) => Value::Array(vec![one]),
                (true, one) => one,
            };
            match &mut value {
                Value::Array(rows) => {
                    rows.iter_mut().filter_map(Value::as_object_mut).for_each(|row| fields(&name, row))
                }
                Value::Object(row) => fields(&name, row),
                _ => {}
            }
            (name, value)
        })
        .collect()
}

/// Renames and types the fields of one row of `section`.
fn fields(section: &str, row: &mut Map<String, Value>) {
    for (_, old, new) in RENAMED.iter().filter(|(of, ..)| *of == section) {
        if let Some(value) = row.remove(*old) {
            row.insert((*new).to_owned(), value);
        }
    }
    let mut each = |table: &[(&str, &str)], change: fn(Value) -> Value| {
        for (_, field) in table.iter().filter(|(of, _)| *of == section) {
            if let Some(value) = row.get_mut(*field) {
                *value = change(value.take());
            }
        }
    };
    each(ARRAYS, |value| if value.is_array() { value } else { Value::Array(vec![value]) });
    each(BOOLEANS, |value| match value.as_str() {
        Some("1" | "true") => Value::Bool(true),
        Some("0" | "false" | "") => Value::Bool(false),
        _ => value,
    });
    each(INTEGERS, |value| match value.as_str().map(str::parse::<i64>) {
        Some(Ok(number)) => Value::from(number),
        _ => value,
    });
    each(DATES, |value| value.as_str().and_then(day_first).map_or(value.clone(), Value::from));
    each(LOWER, |value| value.as_str().map(str::to_lowercase).map_or(value.clone(), Value::from));
}

/// `31/12/2026` as `2026-12-31`.
fn day_first(text: &str) -> Option<String> {
    let mut parts = text.split('/');
    let (day, month, year) = (parts.next()?, parts.next()?, parts.next()?);
    let usable = parts.next().is_none() && day.len() == 2 && month.len() == 2 && year.len() == 4;
    usable.then(|| format!("{year}-{month}-{day}"))
}
