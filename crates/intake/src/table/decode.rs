//! From bytes to text: UTF-8 with or without BOM, UTF-16, Shift_JIS as Windows writes it (CP932),
//! EUC-JP, ISO-2022-JP.
//!
//! A file that is not valid as a whole is looked at line by line, because files that two programs wrote
//! into are common: each line is read in the encoding that fits it, and lines that differ from the rest
//! are reported rather than silently turned into 文字化け. A stray zero byte costs its line, not the file.

use std::borrow::Cow;
use std::collections::BTreeMap;

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{EUC_JP, Encoding, ISO_2022_JP, SHIFT_JIS, UTF_8, UTF_16BE, UTF_16LE};

use super::{Doubt, ReadError};

/// Decoded text.
pub(super) struct Decoded<'b> {
    pub(super) text: Cow<'b, str>,
    /// Name of the encoding for people; of the greater part when they are mixed.
    pub(super) encoding: &'static str,
    /// Lines (separated by line feeds, counted from 1) that did not fit.
    pub(super) doubts: BTreeMap<usize, Doubt>,
}

/// Decodes a whole file.
pub(super) fn decode(bytes: &[u8]) -> Result<Decoded<'_>, ReadError> {
    let decoded = if let Some((encoding, bom)) = Encoding::for_bom(bytes) {
        match (encoding == UTF_8, bytes.get(bom..).unwrap_or_default()) {
            (true, rest) => by_line(rest),
            (false, rest) => whole(rest, encoding),
        }
    } else if let Some(encoding) = utf_16_by_zeros(bytes) {
        whole(bytes, encoding)
    } else if bytes.windows(2).any(|pair| pair == b"\x1b$") {
        whole(bytes, ISO_2022_JP)
    } else if is_euc_jp(bytes) {
        whole(bytes, EUC_JP)
    } else {
        by_line(bytes)
    };
    let broken = decoded.doubts.values().filter(|doubt| **doubt == Doubt::Broken).count();
    let foreign = decoded.text.lines().filter(|line| !line.is_ascii()).count();
    let control = decoded.text.chars().filter(|c| c.is_control() && !"\t\r\n\u{b}\u{c}\u{1a}".contains(*c)).count();
    if control * 50 > decoded.text.len() {
        Err(ReadError::NotATable)
    } else if broken * 2 > foreign {
        Err(ReadError::UnknownEncoding)
    } else {
        Ok(without_zeros(decoded))
    }
}

/// A zero character is no text, and no database keeps one: what stands there is unreadable.
fn without_zeros(mut decoded: Decoded<'_>) -> Decoded<'_> {
    if decoded.text.contains('\0') {
        let hit = decoded.text.split('\n').enumerate().filter(|(_, line)| line.contains('\0'));
        let hit: Vec<usize> = hit.map(|(at, _)| at + 1).collect();
        decoded.doubts.extend(hit.into_iter().map(|line| (line, Doubt::Broken)));
        decoded.text = decoded.text.replace('\0', "\u{FFFD}").into();
    }
    decoded
}

fn name(encoding: &'static Encoding) -> &'static str {
    if encoding == SHIFT_JIS { "Shift_JIS(CP932)" } else { encoding.name() }
}

fn whole<'b>(bytes: &'b [u8], encoding: &'static Encoding) -> Decoded<'b> {
    let (text, _) = encoding.decode_without_bom_handling(bytes);
    let broken = text.split('\n').enumerate().filter(|(_, line)| line.contains('\u{FFFD}'));
    let doubts = broken.map(|(at, _)| (at + 1, Doubt::Broken)).collect();
    Decoded { text, encoding: name(encoding), doubts }
}

/// UTF-16 without a mark: every ASCII character (a table has separators and line ends at least) has a zero byte,
/// always in the same half. Zero bytes that are fewer, or in both halves, are damage.
fn utf_16_by_zeros(bytes: &[u8]) -> Option<&'static Encoding> {
    /// Of this many characters at least one is ASCII; one alone proves nothing.
    const ASCII_IN: usize = 20;
    let zeros = |odd: usize| bytes.iter().skip(odd).step_by(2).filter(|b| **b == 0).count();
    let enough = |zeros: usize| zeros > 1 && zeros * ASCII_IN >= bytes.len() / 2;
    match (zeros(0), zeros(1)) {
        (high, low) if low > 10 * high && enough(low) => Some(UTF_16LE),
        (high, low) if high > 10 * low && enough(high) => Some(UTF_16BE),
        _ => None,
    }
}

/// Most EUC-JP is also valid Shift_JIS (as half-width kana), so the letters have to decide.
fn is_euc_jp(bytes: &[u8]) -> bool {
    let valid =
        |encoding: &'static Encoding| encoding.decode_without_bom_handling_and_without_replacement(bytes).is_some();
    if std::str::from_utf8(bytes).is_ok() || !valid(EUC_JP) {
        return false;
    }
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(bytes, true);
    detector.guess(Some(b"jp"), Utf8Detection::Deny) == EUC_JP
}

/// UTF-8, Shift_JIS, or both in turn.
fn by_line(bytes: &[u8]) -> Decoded<'_> {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Decoded { text: Cow::Borrowed(text), encoding: name(UTF_8), doubts: BTreeMap::new() };
    }
    let lines: Vec<(&[u8], Option<&'static Encoding>)> =
        bytes.split_inclusive(|b| *b == b'\n').map(|line| (line, encoding_of(line))).collect();
    let count = |wanted| lines.iter().filter(|(_, encoding)| *encoding == Some(wanted)).count();
    let main = if count(UTF_8) > count(SHIFT_JIS) { UTF_8 } else { SHIFT_JIS };
    let mut text = String::with_capacity(bytes.len() * 3 / 2);
    let mut doubts = BTreeMap::new();
    for (at, (line, encoding)) in lines.iter().enumerate() {
        let (decoded, had_errors) = encoding.unwrap_or(main).decode_without_bom_handling(line);
        text.push_str(&decoded);
        match encoding {
            _ if had_errors => doubts.insert(at + 1, Doubt::Broken),
            Some(other) if *other != main => doubts.insert(at + 1, Doubt::OtherEncoding(name(other))),
            _ => None,
        };
    }
    Decoded { text: Cow::Owned(text), encoding: name(main), doubts }
}

/// The encoding a line shows; `None` when it is ASCII and fits any. Japanese in UTF-8 is hardly ever
/// sensible Shift_JIS by accident, the other way round it never is.
fn encoding_of(line: &[u8]) -> Option<&'static Encoding> {
    if line.is_ascii() {
        return None;
    }
    let japanese = |c: char| matches!(c, '\u{3000}'..='\u{9FFF}' | '\u{F900}'..='\u{FAFF}' | '\u{FF00}'..='\u{FFEF}');
    match std::str::from_utf8(line) {
        Ok(text) if text.contains(japanese) => Some(UTF_8),
        _ => Some(SHIFT_JIS),
    }
}
