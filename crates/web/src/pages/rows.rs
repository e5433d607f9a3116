//! What pages of the day's work share: reading a ledger row, offering rows to pick from, states and seals.

use app::{FieldError, StoredRow};
use domain::ledger::{Kind, Ledger, Value, ledger};
use domain::text::Lang;
use jiff::civil::Date;

use crate::form::Fields;
use crate::guard::Visit;
use crate::page::{Chrome, Problem};
use crate::pages::ledgers::find;

/// Most rows offered to pick from.
const OFFERED: u32 = 500;

/// Key and name of rows to pick from.
pub(crate) type Offered = Vec<(String, Option<String>)>;

/// A state in words, with a mark for readers who do not see its colour.
pub(crate) struct State {
    pub(crate) mark: &'static str,
    pub(crate) word: String,
    /// `good`, `warn`, `bad`, or nothing.
    pub(crate) class: &'static str,
}

impl State {
    pub(crate) fn good(word: String) -> Self {
        Self { mark: "○", word, class: "good" }
    }

    pub(crate) fn warn(word: String) -> Self {
        Self { mark: "△", word, class: "warn" }
    }

    pub(crate) fn bad(word: String) -> Self {
        Self { mark: "×", word, class: "bad" }
    }

    pub(crate) fn over(word: String) -> Self {
        Self { mark: "－", word, class: "" }
    }

    /// The state of something that is asked for, by its code.
    pub(crate) fn of_request(code: &str, word: String) -> Self {
        match code {
            "applied" => Self::warn(word),
            "sent_back" | "lost" | "refused" => Self::bad(word),
            "approved" | "lent" => Self::good(word),
            _ => Self::over(word),
        }
    }
}

/// Who approved something, and when.
pub(crate) struct Seal {
    pub(crate) name: String,
    pub(crate) on: Date,
    /// By who asked for it (単独承認).
    pub(crate) sole: bool,
}

impl Seal {
    /// The seal of a row that was approved.
    pub(crate) fn of(stored: &StoredRow) -> Option<Self> {
        let on = day(stored, "approved_on")?;
        let sole = stored.row.get("sole") == Some(&Value::YesNo(true));
        Some(Self { name: text(stored, "approved_by"), on, sole })
    }

    /// What fits on a seal: the family name.
    pub(crate) fn family_name(&self) -> String {
        let name = self.name.split(['(', '（']).next().unwrap_or_default();
        name.split_whitespace().next().unwrap_or_default().chars().take(5).collect()
    }
}

/// A cell as it is stored; empty where nothing is stated.
pub(crate) fn text(stored: &StoredRow, name: &str) -> String {
    stored.row.get(name).map(ToString::to_string).unwrap_or_default()
}

/// A cell that holds a day.
pub(crate) fn day(stored: &StoredRow, name: &str) -> Option<Date> {
    match stored.row.get(name) {
        Some(Value::Date(day)) => Some(*day),
        _ => None,
    }
}

/// A cell as people read it.
pub(crate) fn shown(of: &Ledger, stored: &StoredRow, name: &str, lang: Lang) -> String {
    let column = of.column(name);
    column.zip(stored.row.get(name)).map(|(column, value)| column.show(value, lang)).unwrap_or_default()
}

/// Every stated cell but these, with its heading; references by name.
pub(crate) fn facts(
    c: &Chrome,
    of: &'static Ledger,
    stored: &StoredRow,
    but: &[&str],
    name_of: impl Fn(&str, &str) -> String,
) -> Vec<(&'static str, String)> {
    let columns = of.columns.iter().filter(|column| !but.contains(&column.name));
    columns
        .filter_map(|column| {
            let value = stored.row.get(column.name)?;
            let shown = match (column.kind, value) {
                (Kind::Ref(to), value) => name_of(to.ledger, &value.to_string()),
                (_, Value::Date(day)) => c.day(day),
                (_, value) => column.show(value, c.lang),
            };
            Some((c.word(column.label), shown))
        })
        .collect()
}

/// The entries of a closed list: code and word.
pub(crate) fn options(ledger_name: &str, column: &str, lang: Lang) -> Vec<(&'static str, String)> {
    match ledger(ledger_name).and_then(|l| l.column(column)).map(|c| c.kind) {
        Some(Kind::Choice(choices) | Kind::Set(choices)) => {
            choices.iter().map(|choice| (choice.code, choice.label.in_lang(lang).to_owned())).collect()
        }
        _ => Vec::new(),
    }
}

/// はい and いいえ.
pub(crate) fn yes_no(c: &Chrome) -> Vec<(&'static str, String)> {
    vec![("yes", c.t("yes")), ("no", c.t("no"))]
}

/// The day in a field of a form, read as the column reads it; what is wrong with it goes to `faults`.
pub(crate) fn date(fields: &Fields, of: &Ledger, column: &str, faults: &mut Vec<FieldError>) -> Option<Date> {
    match of.column(column).map(|c| c.parse(fields.get(column))) {
        Some(Ok(Some(Value::Date(day)))) => Some(day),
        Some(Err(error)) => {
            faults.push(FieldError::new(column, error.to_string()));
            None
        }
        _ => None,
    }
}

/// Rows of a ledger to pick from.
pub(crate) async fn offered(visit: &Visit, ledger_name: &str) -> Result<Offered, Problem> {
    Ok(visit.app().suggest(visit.facility()?, find(ledger_name)?, "", OFFERED).await?)
}

/// The name of a key; the key itself where there is none.
pub(crate) fn called(offered: &Offered, key: &str) -> String {
    let named = offered.iter().find(|(known, _)| known == key).and_then(|(_, name)| name.clone());
    named.unwrap_or_else(|| key.to_owned())
}

/// How the person signed in is entered in a field that names somebody.
pub(crate) fn myself(visit: &Visit) -> Result<String, Problem> {
    let user = &visit.me()?.user;
    Ok(user.person.clone().unwrap_or_else(|| user.name.clone()))
}

/// The revision that a form was made for.
pub(crate) fn rev(fields: &Fields) -> i64 {
    fields.get("rev").parse().unwrap_or_default()
}
