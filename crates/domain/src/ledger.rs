//! 台帳 (ledgers): what an institution writes down, as one static table.
//!
//! Import, export, the database schema, the pages and the documentation are all derived from
//! [`LEDGERS`]; a field added here appears everywhere, and a test proves it. A row is a map from
//! column name to [`Value`]; an empty cell is absent and means *not stated*, never *no*.

mod cell;
mod period;
// A table, one line an entry; broken over lines it could not be read as one.
#[rustfmt::skip]
mod tables;

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::text::{Label, Lang};

pub use cell::CellError;
pub use period::Period;
pub use tables::{LEDGERS, methods};

/// One ledger: a table of rows of one kind, each row belonging to one facility.
#[derive(Debug)]
pub struct Ledger {
    /// Stable name in code, database and command line, plural: `devices`.
    pub name: &'static str,
    /// What people call it.
    pub label: Label,
    /// Words in a file or sheet name that point to this ledger.
    pub file_words: &'static [&'static str],
    /// The columns whose values together identify a row within a facility.
    pub key: &'static [&'static str],
    /// Every column, in the order of forms and exports.
    pub columns: &'static [Column],
}

/// One column of a ledger.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// Stable name in code and database.
    pub name: &'static str,
    /// Heading on screen and in exports; the Japanese one is always accepted on import.
    pub label: Label,
    /// Type of the value.
    pub kind: Kind,
    /// A row without it is an error.
    pub required: bool,
    /// Other headings under which institutions keep this column.
    pub synonyms: &'static [&'static str],
}

/// The type of a column.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// Free text, at most [`TEXT_MAX`] characters.
    Text,
    /// A civil date; 和暦, Excel serials and eight digits are understood.
    Date,
    /// はい/いいえ in the many ways people write it; 不明 and 確認中 are *not stated*.
    YesNo,
    /// A whole number, zero or more.
    Integer,
    /// One of a closed list.
    Choice(&'static [Choice]),
    /// Any number of a closed list, written with `+` or `、` between.
    Set(&'static [Choice]),
    /// The key of a row of another ledger, or its name.
    Ref(Reference),
}

/// Where a [`Kind::Ref`] column points.
#[derive(Clone, Copy, Debug)]
pub struct Reference {
    /// Name of the ledger referred to.
    pub ledger: &'static str,
    /// Whether a value that names no row of it is an error; otherwise the text is kept as written
    /// and shows up as an offender where it matters.
    pub strict: bool,
}

/// One entry of a closed list.
#[derive(Clone, Copy, Debug)]
pub struct Choice {
    /// Stable code in the database.
    pub code: &'static str,
    /// What people see.
    pub label: Label,
    /// Other spellings accepted.
    pub synonyms: &'static [&'static str],
}

/// Longest text kept in one cell, in characters.
pub const TEXT_MAX: usize = 2_000;

/// The value of one cell. An empty cell has none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Value {
    /// はい/いいえ.
    YesNo(bool),
    /// A whole number.
    Integer(i64),
    /// A civil date.
    Date(Date),
    /// Text, the code of a choice, the `+`-joined codes of a set, or the key of another row.
    Text(String),
}

/// One row: column name to value. Absent means not stated.
pub type Row = BTreeMap<&'static str, Value>;

/// The ledger called `name` (code name, Japanese or English label), if there is one.
pub fn ledger(name: &str) -> Option<&'static Ledger> {
    let wanted = crate::text::fold(name);
    LEDGERS.iter().find(|l| {
        l.name == name || [l.label.ja, l.label.en, l.name].into_iter().any(|known| crate::text::fold(known) == wanted)
    })
}

impl Ledger {
    /// The column called `name` in code.
    pub fn column(&self, name: &str) -> Option<&'static Column> {
        self.columns.iter().find(|c| c.name == name)
    }

    /// The key of `row`: its key values joined by `/`, upper-cased so that `pc-001` and `PC-001`
    /// are one. `None` when a part is missing.
    pub fn row_key(&self, row: &Row) -> Option<String> {
        let parts: Option<Vec<String>> =
            self.key.iter().map(|k| row.get(k).map(|v| v.to_string().to_uppercase())).collect();
        parts.map(|p| p.join("/"))
    }
}

impl Column {
    /// Whether its values are short words or days, which a list keeps on one line.
    pub const fn is_short(&self) -> bool {
        matches!(self.kind, Kind::Choice(_) | Kind::Date | Kind::YesNo | Kind::Integer)
    }

    /// The text of `value` as people read it: labels for codes, ISO dates, はい/いいえ.
    pub fn show(&self, value: &Value, lang: Lang) -> String {
        let label = |code: &str, choices: &[Choice]| {
            choices
                .iter()
                .find(|c| c.code == code)
                .map_or_else(|| code.to_owned(), |c| c.label.in_lang(lang).to_owned())
        };
        match (self.kind, value) {
            (Kind::Choice(choices), Value::Text(code)) => label(code, choices),
            (Kind::Set(choices), Value::Text(codes)) => {
                codes.split('+').map(|code| label(code, choices)).collect::<Vec<_>>().join("+")
            }
            (_, Value::YesNo(yes)) => match (lang, yes) {
                (Lang::Ja, true) => "はい".to_owned(),
                (Lang::Ja, false) => "いいえ".to_owned(),
                (Lang::En, true) => "yes".to_owned(),
                (Lang::En, false) => "no".to_owned(),
            },
            (_, other) => other.to_string(),
        }
    }
}

impl std::fmt::Display for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::YesNo(yes) => write!(f, "{}", i64::from(*yes)),
            Self::Integer(n) => write!(f, "{n}"),
            Self::Date(d) => write!(f, "{d}"),
            Self::Text(t) => f.write_str(t),
        }
    }
}
