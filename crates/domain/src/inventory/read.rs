//! Lenient access to sections: agents of different ages write numbers as text and one row as an
//! object, and what is not there is simply `None`.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::Offset;
use serde_json::{Map, Value};

use super::Sections;

/// One row of a section.
pub(super) type Row = Map<String, Value>;

/// The section `name` where it is an object.
pub(super) fn object<'a>(sections: &'a Sections, name: &str) -> Option<&'a Row> {
    sections.get(name)?.as_object()
}

/// The rows of the section `name`; none when it is missing.
pub(super) fn rows<'a>(sections: &'a Sections, name: &str) -> impl Iterator<Item = &'a Row> + use<'a> {
    let section = sections.get(name);
    let many = section.and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    section.and_then(Value::as_object).into_iter().chain(many.iter().filter_map(Value::as_object))
}

/// A non-empty text or number as tidy text.
pub(super) fn text(row: &Row, field: &str) -> Option<String> {
    let text = match row.get(field)? {
        Value::String(s) => crate::text::tidy(s),
        Value::Number(n) => n.to_string(),
        _ => return None,
    };
    (!text.is_empty()).then_some(text)
}

/// The texts of an array (or the one text in its place).
pub(super) fn texts(row: &Row, field: &str) -> Vec<String> {
    match row.get(field) {
        Some(Value::Array(items)) => {
            items.iter().filter_map(Value::as_str).map(crate::text::tidy).filter(|s| !s.is_empty()).collect()
        }
        _ => text(row, field).into_iter().collect(),
    }
}

/// A yes or no in any of its spellings; everything else is unknown.
pub(super) fn flag(row: &Row, field: &str) -> Option<bool> {
    match row.get(field)? {
        Value::Bool(yes) => Some(*yes),
        _ => match text(row, field)?.to_ascii_lowercase().as_str() {
            "1" | "true" | "yes" => Some(true),
            "0" | "false" | "no" => Some(false),
            _ => None,
        },
    }
}

/// The day of an ISO date or date-time.
pub(super) fn date(row: &Row, field: &str) -> Option<Date> {
    text(row, field)?.get(..10)?.parse().ok()
}

/// An instant; a time without zone is read at `offset`.
pub(super) fn instant(row: &Row, field: &str, offset: Offset) -> Option<Timestamp> {
    let text = text(row, field)?;
    if let Ok(instant) = text.parse() {
        return Some(instant);
    }
    offset.to_timestamp(text.parse::<DateTime>().ok()?).ok()
}

/// `+0900` as an offset.
pub(super) fn offset(text: &str) -> Option<Offset> {
    let (sign, digits) = match text.split_at_checked(1)? {
        ("+", digits) => (1, digits),
        ("-", digits) => (-1, digits),
        _ => return None,
    };
    let (hours, minutes) = digits.split_at_checked(2)?;
    let seconds = hours.parse::<i32>().ok()? * 3600 + minutes.trim_start_matches(':').parse::<i32>().ok()? * 60;
    Offset::from_seconds(sign * seconds).ok()
}
