//! Inflates a body within bounds.

use std::borrow::Cow;
use std::io::Read;

use flate2::read::{GzDecoder, ZlibDecoder};

use super::{BODY_MAX, INFLATED_MAX, InventoryError};

/// The content of `body`, inflated where its first bytes say zlib or gzip.
pub(super) fn unpack(body: &[u8]) -> Result<Cow<'_, [u8]>, InventoryError> {
    if body.len() > BODY_MAX {
        return Err(InventoryError::TooLarge);
    }
    match body {
        [0x1f, 0x8b, ..] => inflate(GzDecoder::new(body)).map(Cow::Owned),
        // RFC 1950 §2.2: deflate with a window of up to 32 KiB, and the two bytes a multiple of 31.
        [cmf, flags, ..] if cmf & 0x0f == 8 && cmf >> 4 <= 7 && u16::from_be_bytes([*cmf, *flags]) % 31 == 0 => {
            inflate(ZlibDecoder::new(body)).map(Cow::Owned)
        }
        plain => Ok(Cow::Borrowed(plain)),
    }
}

fn inflate(packed: impl Read) -> Result<Vec<u8>, InventoryError> {
    let mut out = Vec::new();
    let limit = u64::try_from(INFLATED_MAX).unwrap_or(u64::MAX).saturating_add(1);
    packed.take(limit).read_to_end(&mut out).map_err(|_| InventoryError::Compression)?;
    if out.len() > INFLATED_MAX { Err(InventoryError::InflatesTooFar) } else { Ok(out) }
}
