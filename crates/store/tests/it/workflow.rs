//! Reading, numbering and adding inside one transaction.

use domain::journal::Event;
use domain::ledger::{Value, ledger};
use store::Error;
use testkit::{actor, noon, stores};

use super::{FACILITY, full_row, put};

#[tokio::test]
async fn numbers_go_on_from_the_highest_and_never_replace_a_row() {
    let loans = ledger("loans").unwrap();
    for s in stores().await {
        let mut rows = Vec::new();
        for no in ["L-0002", "L-12", "L-0009B", "X-0099", "L-000A"] {
            let mut row = full_row(loans, 1);
            row.insert("no", Value::Text(no.into()));
            row.insert("device", Value::Text(format!("PC-{no}")));
            rows.push(row);
        }
        put(&s.store, loans, rows.clone()).await;
        let mut tx = s.store.begin(&actor(), FACILITY, noon()).await.unwrap();
        tx.hold_facility().await.unwrap();
        assert_eq!(tx.next_no(loans, "L").await.unwrap(), "L-0013", "{}", s.name);
        assert_eq!(tx.next_no(loans, "B").await.unwrap(), "B-0001");
        assert_eq!(tx.row_match(loans, "device", "PC-L-12").await.unwrap()[0].key, "L-12");
        assert!(tx.row_match(loans, "no such column", "x").await.unwrap().is_empty());
        tx.row_insert(loans, "L-0013", rows[0].clone()).await.unwrap();
        assert_eq!(tx.next_no(loans, "L").await.unwrap(), "L-0014", "a number is taken at once");
        tx.record(Event::new("loans.lend", "L-0013"));
        tx.commit().await.unwrap();
        let mut tx = s.store.begin(&actor(), FACILITY, noon()).await.unwrap();
        let twice = tx.row_insert(loans, "L-0013", rows[1].clone()).await.unwrap_err();
        assert!(matches!(twice, Error::Conflict { .. }), "{}: {twice}", s.name);
        drop(tx);
        let elsewhere = s.store.begin(&actor(), "another", noon()).await.unwrap();
        assert!(elsewhere.row_fetch(loans, "L-12").await.unwrap().is_none(), "{}", s.name);
    }
}
