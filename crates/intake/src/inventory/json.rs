//! The GLPI Agent protocol: JSON messages.

use serde_json::{Map, Value};

use super::{Inventory, InventoryError, Message, VALUES_MAX, device_id, drop_private, error::shorten, item_type};

pub(super) fn parse(text: &str) -> Result<Message, InventoryError> {
    // Every value but the first has a comma or an opening bracket before it: an upper bound that costs one pass.
    if text.bytes().filter(|b| matches!(b, b',' | b'[' | b'{')).count() > VALUES_MAX {
        return Err(InventoryError::TooComplex);
    }
    let mut message: Map<String, Value> = serde_json::from_str(text)
        .map_err(|e| InventoryError::Malformed(format!("JSON（{}行{}列）", e.line(), e.column())))?;
    let string = |field: &str| message.get(field).and_then(Value::as_str);
    match string("action").unwrap_or("inventory") {
        "contact" => Ok(Message::Contact {
            device_id: device_id(string("deviceid"))?,
            agent: [string("name"), string("version")].into_iter().flatten().collect::<Vec<_>>().join(" "),
            tag: string("tag").map(str::to_owned).filter(|tag| !tag.is_empty()),
        }),
        "inventory" | "netinventory" => {
            let device_id = device_id(string("deviceid"))?;
            let item_type = item_type(string("itemtype"))?;
            let partial = message.get("partial").and_then(Value::as_bool).unwrap_or(false);
            let Some(Value::Object(mut sections)) = message.remove("content") else {
                return Err(InventoryError::Empty);
            };
            drop_private(&mut sections);
            let agent = sections.get("versionclient").and_then(Value::as_str).unwrap_or_default().to_owned();
            Ok(Message::Inventory(Inventory { device_id, agent, partial, item_type, sections }))
        }
        other => Err(InventoryError::Request(shorten(other))),
    }
}
