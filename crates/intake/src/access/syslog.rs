//! Syslog: frames out of a stream (RFC 5425, RFC 6587), and the audit message out of a frame (RFC 5424, RFC 3164).

use syslog_loose::{Variant, parse_message_with_year};

use super::AccessError;

/// Longest message, in bytes. RFC 5425 asks for 8,192; audit messages about whole studies are longer.
pub const MESSAGE_MAX: usize = 256 << 10;

/// What stands around an audit message.
#[derive(Debug, PartialEq, Eq)]
pub struct Opened<'f> {
    /// The audit message.
    pub body: &'f str,
    /// What the sender calls itself: host and application.
    pub names: [Option<&'f str>; 2],
    /// What numbers it: host, application and process of the sender, and the number (RFC 5424 §7.3.1 `sequenceId`).
    pub number: Option<(String, u64)>,
}

/// Opens a message.
///
/// # Errors
/// When it is too long, not UTF-8, or carries no XML.
pub fn open(frame: &[u8]) -> Result<Opened<'_>, AccessError> {
    if frame.len() > MESSAGE_MAX {
        return Err(AccessError::TooLarge);
    }
    let text = std::str::from_utf8(frame).map_err(|_| AccessError::Encoding)?;
    if !text.starts_with('<') || text.starts_with("<?") {
        return Err(AccessError::Envelope);
    }
    // The year is the message's own business: what counts is the time inside the audit message.
    let message = parse_message_with_year(text, |_| 1970, Variant::Either);
    message.facility.ok_or(AccessError::Envelope)?;
    let body = message.msg.trim_start_matches(['\u{FEFF}', ' ']);
    if !body.starts_with('<') {
        return Err(AccessError::Envelope);
    }
    let sequence = message.structured_data.iter().filter(|element| element.id == "meta").find_map(|element| {
        element.params.iter().find(|(name, _)| *name == "sequenceId").and_then(|(_, value)| value.parse().ok())
    });
    let number = sequence.map(|n| {
        let part = |text: Option<&str>| text.unwrap_or("-").to_owned();
        let process = message.procid.as_ref().map(ToString::to_string).unwrap_or_default();
        (format!("{}/{}/{process}", part(message.hostname), part(message.appname)), n)
    });
    Ok(Opened { body, names: [message.hostname, message.appname], number })
}

/// Takes a stream apart into messages: by the length in front of each, or by the end of the line behind it. Each message
/// says which it is: a length begins with a digit, a message with `<`.
#[derive(Debug, Default)]
pub struct Frames {
    waiting: Vec<u8>,
    /// How much of `waiting` has been given out.
    taken: usize,
}

/// Digits of [`MESSAGE_MAX`], and one more so that a longer number is known as too large.
const DIGITS: usize = 7;

impl Frames {
    /// Adds what has arrived.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.taken > 0 {
            self.waiting.drain(..self.taken);
            self.taken = 0;
        }
        self.waiting.extend_from_slice(bytes);
    }

    /// The next whole message; `None` when more has to arrive first.
    ///
    /// # Errors
    /// When a message is longer than [`MESSAGE_MAX`], or neither begins: nothing after that can be trusted.
    pub fn take(&mut self) -> Result<Option<&[u8]>, AccessError> {
        // Ends of lines between messages mean nothing.
        while matches!(self.waiting.get(self.taken), Some(b'\n' | b'\r' | 0)) {
            self.taken += 1;
        }
        let rest = self.waiting.get(self.taken..).unwrap_or_default();
        let (from, to, after) = match rest.first() {
            None => return Ok(None),
            Some(b'1'..=b'9') => {
                let digits = rest.iter().take(DIGITS + 1).take_while(|b| b.is_ascii_digit()).count();
                if digits > DIGITS {
                    return Err(AccessError::TooLarge);
                }
                match rest.get(digits) {
                    None => return Ok(None),
                    Some(b' ') => {}
                    Some(_) => return Err(AccessError::Framing),
                }
                let length = rest.get(..digits).and_then(|n| std::str::from_utf8(n).ok()?.parse::<usize>().ok());
                let length = length.filter(|n| *n <= MESSAGE_MAX).ok_or(AccessError::TooLarge)?;
                let end = digits + 1 + length;
                (digits + 1, end, end)
            }
            Some(b'<') => match rest.iter().take(MESSAGE_MAX + 1).position(|b| matches!(b, b'\n' | 0)) {
                Some(end) => (0, end, end + 1),
                None if rest.len() > MESSAGE_MAX => return Err(AccessError::TooLarge),
                None => return Ok(None),
            },
            Some(_) => return Err(AccessError::Framing),
        };
        if rest.len() < to {
            return Ok(None);
        }
        let start = self.taken;
        self.taken += after;
        Ok(self.waiting.get(start + from..start + to))
    }

    /// Whether part of a message waits for the rest.
    pub fn is_partial(&self) -> bool {
        self.waiting.len() > self.taken
    }
}
