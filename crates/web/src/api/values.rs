//! Cells as JSON: はい/いいえ as booleans, numbers, ISO dates, codes of closed lists, sets as arrays of codes.
//!
//! A person's form is read leniently; a program is told exactly what does not fit. What is read here goes to the use
//! cases as the text that a form would carry, so that there is one way in for every value.

use std::collections::BTreeMap;

use app::FieldError;
use domain::ledger::{Choice, Column, Kind, Ledger, Row, TEXT_MAX, Value as Cell};
use jiff::civil::Date;
use serde_json::{Map, Value, json};

use crate::page::Problem;

/// Largest whole number: what every JSON reader keeps exactly.
pub(crate) const INTEGER_MAX: i64 = 9_007_199_254_740_991;

/// A row's values by column; what is not stated is absent.
pub(crate) fn of_row(of: &Ledger, row: &Row) -> Value {
    let cells = of.columns.iter().filter_map(|c| Some((c.name.to_owned(), of_cell(c, row.get(c.name)?))));
    Value::Object(cells.collect())
}

fn of_cell(column: &Column, cell: &Cell) -> Value {
    match (column.kind, cell) {
        (Kind::Set(_), Cell::Text(codes)) => codes.split('+').collect(),
        (_, Cell::YesNo(yes)) => (*yes).into(),
        (_, Cell::Integer(n)) => (*n).into(),
        (_, other) => other.to_string().into(),
    }
}

/// The schema of a cell (JSON Schema 2020-12).
pub(crate) fn schema(column: &Column) -> Value {
    let codes = |choices: &[Choice]| choices.iter().map(|c| c.code).collect::<Vec<_>>();
    let words = |choices: &[Choice]| {
        choices.iter().map(|c| format!("{}＝{}", c.code, c.label.ja)).collect::<Vec<_>>().join("、")
    };
    let label = column.label.ja;
    match column.kind {
        Kind::Text => json!({ "type": "string", "maxLength": TEXT_MAX, "description": label }),
        Kind::Ref(to) => {
            let description = format!("{label}（{}の番号か名前）", to.ledger);
            json!({ "type": "string", "maxLength": TEXT_MAX, "description": description })
        }
        Kind::Date => json!({ "type": "string", "format": "date", "description": label }),
        Kind::YesNo => json!({ "type": "boolean", "description": label }),
        Kind::Integer => {
            json!({ "type": "integer", "minimum": 0, "maximum": INTEGER_MAX, "description": label })
        }
        Kind::Choice(of) => {
            json!({ "type": "string", "enum": codes(of), "description": format!("{label}（{}）", words(of)) })
        }
        Kind::Set(of) => json!({
            "type": "array",
            "items": { "type": "string", "enum": codes(of) },
            "uniqueItems": true,
            "description": format!("{label}（{}）", words(of)),
        }),
    }
}

/// Reads an object member by member; what is left at the end was not expected.
pub(crate) struct Entered {
    object: Map<String, Value>,
    faults: Vec<FieldError>,
}

impl Entered {
    /// Begins with an object.
    pub(crate) fn of(object: Map<String, Value>) -> Self {
        Self { object, faults: Vec::new() }
    }

    /// The revision that was shown.
    pub(crate) fn rev(&mut self) -> i64 {
        let rev = self.object.remove("rev").and_then(|v| v.as_i64()).filter(|rev| (1..=INTEGER_MAX).contains(rev));
        rev.unwrap_or_else(|| {
            self.fault("rev", "rev がないか、1以上の整数ではありません。読んだときの rev を入れてください。");
            0
        })
    }

    /// The cell of a column as the text of a form; empty where nothing is stated.
    pub(crate) fn cell(&mut self, column: &Column) -> String {
        let Some(value) = self.object.remove(column.name) else { return String::new() };
        text_of(column, &value).unwrap_or_else(|message| {
            self.fault(column.name, &message);
            String::new()
        })
    }

    /// A text that is no column.
    pub(crate) fn text(&mut self, name: &str) -> String {
        self.text_of(name, TEXT_MAX)
    }

    /// A text of at most `most` characters.
    pub(crate) fn text_of(&mut self, name: &str, most: usize) -> String {
        match self.object.remove(name) {
            Some(Value::String(text)) if text.chars().count() <= most => text,
            Some(_) => {
                self.fault(name, &format!("{most}字以内の文字列にしてください。"));
                String::new()
            }
            None => String::new(),
        }
    }

    /// One of a list of codes, which has to be there; `""` where it is not.
    pub(crate) fn one_of(&mut self, name: &str, of: &[&'static str]) -> &'static str {
        let given = self.object.remove(name);
        let found = of.iter().copied().find(|code| given.as_ref().and_then(Value::as_str) == Some(code));
        found.unwrap_or_else(|| {
            self.fault(name, &format!("{name} は{}のどれかにしてください。", of.join("、")));
            ""
        })
    }

    /// A whole number within bounds, which has to be there.
    pub(crate) fn number(&mut self, name: &str, least: i64, most: i64) -> i64 {
        let given = self.object.remove(name).and_then(|v| v.as_i64()).filter(|n| (least..=most).contains(n));
        given.unwrap_or_else(|| {
            self.fault(name, &format!("{name} は{least}から{most}までの整数にしてください。"));
            least
        })
    }

    /// A set of whole numbers from 0 to `most`; empty where none is given.
    pub(crate) fn numbers(&mut self, name: &str, most: i64) -> Vec<i64> {
        let Some(given) = self.object.remove(name) else { return Vec::new() };
        let read = given.as_array().and_then(|all| {
            let numbers: Option<Vec<i64>> = all.iter().map(|n| n.as_i64().filter(|n| (0..=most).contains(n))).collect();
            numbers.filter(|all| all.iter().enumerate().all(|(n, one)| !all.iter().take(n).any(|other| other == one)))
        });
        read.unwrap_or_else(|| {
            self.fault(name, &format!("{name} は0から{most}までの整数の、重なりのない配列にしてください。"));
            Vec::new()
        })
    }

    /// A day, where one is given.
    pub(crate) fn day(&mut self, name: &str) -> Option<Date> {
        let given = self.object.remove(name)?;
        let day = given.as_str().filter(|text| text.len() == 10).and_then(|text| text.parse().ok());
        if day.is_none() {
            self.fault(name, &format!("{name} は YYYY-MM-DD の日付にしてください。"));
        }
        day
    }

    /// Whether something is so; not, where nothing is said.
    pub(crate) fn flag(&mut self, name: &str) -> bool {
        match self.object.remove(name) {
            None => false,
            Some(Value::Bool(yes)) => yes,
            Some(_) => {
                self.fault(name, &format!("{name} は true か false にしてください。"));
                false
            }
        }
    }

    /// A list of texts, at most `most` of them.
    pub(crate) fn texts(&mut self, name: &str, most: usize) -> Vec<String> {
        let Some(value) = self.object.remove(name) else { return Vec::new() };
        let texts: Option<Vec<String>> = value.as_array().filter(|all| all.len() <= most).and_then(|all| {
            let fits = |text: &&str| (1..=TEXT_MAX).contains(&text.chars().count());
            all.iter().map(|text| text.as_str().filter(fits).map(str::to_owned)).collect()
        });
        texts.unwrap_or_else(|| {
            self.fault(name, &format!("{name} は{most}個以内の文字列の配列にしてください。"));
            Vec::new()
        })
    }

    /// The values of a row by column: every column of the ledger, so that what is absent becomes *not stated*.
    pub(crate) fn row(&mut self, of: &Ledger) -> BTreeMap<String, String> {
        let values = match self.object.remove("values") {
            Some(Value::Object(values)) => values,
            _ => {
                self.fault("values", "values がないか、オブジェクトではありません。列の名前と値を入れてください。");
                return BTreeMap::new();
            }
        };
        let mut inner = Self::of(values);
        let row = of.columns.iter().map(|column| (column.name.to_owned(), inner.cell(column))).collect();
        self.faults.extend(inner.into_faults());
        row
    }

    fn fault(&mut self, name: &str, message: &str) {
        self.faults.push(FieldError::new(name, message));
    }

    fn into_faults(mut self) -> Vec<FieldError> {
        for name in self.object.keys() {
            let message = format!("「{name}」という項目はありません。名前を確かめてください。");
            self.faults.push(FieldError::new(name, message));
        }
        self.faults
    }

    /// Refuses what was wrong, and every name that nobody expected.
    ///
    /// # Errors
    /// 422 with each of them.
    pub(crate) fn done(self) -> Result<(), Problem> {
        let faults = self.into_faults();
        if faults.is_empty() { Ok(()) } else { Err(app::Error::Fields(faults).into()) }
    }
}

/// The text of a form that means `value` in this column.
fn text_of(column: &Column, value: &Value) -> Result<String, String> {
    let label = column.label.ja;
    let text = match (column.kind, value) {
        (Kind::Text | Kind::Ref(_), Value::String(text)) if text.chars().count() <= TEXT_MAX => Some(text.clone()),
        (Kind::Date, Value::String(text)) if text.len() == 10 => text.parse::<Date>().ok().map(|day| day.to_string()),
        (Kind::YesNo, Value::Bool(yes)) => Some((if *yes { "はい" } else { "いいえ" }).to_owned()),
        (Kind::Integer, Value::Number(number)) => {
            number.as_i64().filter(|n| (0..=INTEGER_MAX).contains(n)).map(|n| n.to_string())
        }
        (Kind::Choice(of), Value::String(code)) => of.iter().find(|c| c.code == code).map(|c| c.code.to_owned()),
        (Kind::Set(of), Value::Array(codes)) => {
            let known = |code: &Value| of.iter().find(|c| code.as_str() == Some(c.code)).map(|c| c.code);
            let repeated = codes.iter().enumerate().any(|(n, code)| codes.iter().take(n).any(|other| other == code));
            let codes: Option<Vec<&str>> = codes.iter().map(known).collect();
            codes.filter(|_| !repeated).map(|codes| codes.join("+"))
        }
        _ => None,
    };
    text.ok_or_else(|| match column.kind {
        Kind::Text | Kind::Ref(_) => format!("「{label}」は{TEXT_MAX}字以内の文字列にしてください。"),
        Kind::Date => format!("「{label}」は YYYY-MM-DD の日付にしてください。"),
        Kind::YesNo => format!("「{label}」は true か false にしてください。"),
        Kind::Integer => format!("「{label}」は0以上の整数にしてください。"),
        Kind::Choice(of) => format!("「{label}」は{}のどれかにしてください。", codes(of)),
        Kind::Set(of) => format!("「{label}」は{}から選んだ、重なりのない配列にしてください。", codes(of)),
    })
}

fn codes(of: &[Choice]) -> String {
    of.iter().map(|c| c.code).collect::<Vec<_>>().join("、")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use domain::ledger::LEDGERS;
    use jiff::civil::date;

    #[test]
    fn what_is_written_is_read_again() {
        for column in LEDGERS.iter().flat_map(|l| l.columns) {
            let cell = match column.kind {
                Kind::Choice(of) => Cell::Text(of.last().unwrap().code.to_owned()),
                Kind::Set(of) => Cell::Text(of.iter().map(|c| c.code).collect::<Vec<_>>().join("+")),
                Kind::YesNo => Cell::YesNo(false),
                Kind::Date => Cell::Date(date(2026, 4, 1)),
                Kind::Integer => Cell::Integer(12),
                Kind::Text | Kind::Ref(_) => Cell::Text("PC-001".to_owned()),
            };
            let text = text_of(column, &of_cell(column, &cell)).unwrap();
            assert_eq!(column.parse(&text), Ok(Some(cell)), "{}", column.name);
            assert!(text_of(column, &json!({})).is_err(), "{}", column.name);
        }
    }
}
