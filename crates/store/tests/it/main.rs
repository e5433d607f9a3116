//! The store through its public door, the same tests on SQLite and PostgreSQL.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

mod faults;
mod jobs;
mod order;
mod rows;
mod search;
mod trail;
mod workflow;

use domain::journal::Event;
use domain::ledger::{Kind, LEDGERS, Ledger, Row, Value};
use jiff::civil::date;
use store::Store;
use testkit::{actor, noon};

/// Facility id of the tests.
pub(crate) const FACILITY: &str = "0192f000-0000-7000-8000-000000000001";

/// A row with a value in every column of a ledger; `n` tells rows apart.
pub(crate) fn full_row(of: &'static Ledger, n: i64) -> Row {
    of.columns
        .iter()
        .map(|c| {
            let value = match c.kind {
                Kind::Text | Kind::Ref(_) => Value::Text(format!("髙橋{n}𠮷")),
                Kind::Date => Value::Date(date(2026, 4, i8::try_from(1 + n % 28).unwrap())),
                Kind::YesNo => Value::YesNo(n % 2 == 0),
                Kind::Integer => Value::Integer(n),
                Kind::Choice(of) => Value::Text(of[usize::try_from(n).unwrap() % of.len()].code.to_owned()),
                Kind::Set(of) => Value::Text(format!("{}+{}", of[0].code, of[1].code)),
            };
            (c.name, value)
        })
        .collect()
}

/// Writes rows with a journal event.
pub(crate) async fn put(store: &Store, of: &'static Ledger, rows: Vec<Row>) {
    let mut tx = store.begin(&actor(), FACILITY, noon()).await.unwrap();
    let keyed: Vec<(String, Row)> = rows.into_iter().map(|r| (of.row_key(&r).unwrap(), r)).collect();
    tx.row_upsert(of, &keyed, None).await.unwrap();
    tx.record(Event::new("test.put", of.name));
    tx.commit().await.unwrap();
}

/// One facility with a full row in every ledger.
pub(crate) async fn filled(store: &Store) {
    for of in LEDGERS {
        put(store, of, vec![full_row(of, 1)]).await;
    }
}
