//! What agents are answered.

use std::io::Write;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use serde_json::json;

use super::InventoryError;

/// Hours until an agent reports again.
const EXPIRATION_HOURS: u32 = 24;

/// Answer to [`super::Message::Contact`], `application/json`: send an inventory, without environment
/// variables and processes.
pub fn contact_reply() -> Vec<u8> {
    let inventory = json!({"server": "glpi", "version": "10.0", "no-category": "environment,process"});
    json!({"status": "ok", "expiration": EXPIRATION_HOURS, "tasks": {"inventory": inventory}}).to_string().into_bytes()
}

/// Answer to [`super::Message::Prolog`]. A GLPI agent (one that sends `GLPI-Agent-ID`) is answered in
/// JSON (`application/json`) and speaks JSON from then on; a `legacy` one in zlib-packed XML
/// (`application/x-compress-zlib`).
pub fn prolog_reply(legacy: bool) -> Vec<u8> {
    if legacy {
        let xml = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<REPLY><RESPONSE>SEND</RESPONSE><PROLOG_FREQ>{EXPIRATION_HOURS}</PROLOG_FREQ></REPLY>\n"
        );
        zlib(xml.as_bytes())
    } else {
        ok_reply(false)
    }
}

/// Answer to an inventory that was taken; content types as for [`prolog_reply`].
pub fn ok_reply(legacy: bool) -> Vec<u8> {
    if legacy {
        zlib(b"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<REPLY></REPLY>\n")
    } else {
        json!({"status": "ok", "expiration": EXPIRATION_HOURS}).to_string().into_bytes()
    }
}

/// Answer to a message that was refused, `application/json`; legacy agents write it into their log
/// as it is.
pub fn error_reply(error: &InventoryError) -> Vec<u8> {
    json!({"status": "error", "message": error.to_string()}).to_string().into_bytes()
}

fn zlib(text: &[u8]) -> Vec<u8> {
    let mut packer = ZlibEncoder::new(Vec::new(), Compression::default());
    // Writing into memory cannot fail; an empty answer would only make the agent ask again.
    packer.write_all(text).and_then(|()| packer.finish()).unwrap_or_default()
}
