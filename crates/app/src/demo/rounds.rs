//! The demonstration's circulars: one that goes round, and one that everybody has seen.

use domain::evaluate::plus;
use domain::jp::start_in_japan;
use jiff::civil::Date;
use store::{CircularRow, ReaderRow, WriteTx};
use uuid::Uuid;

use crate::error::Result;

/// Who passes them round; nobody here can sign in as that.
const BY: (&str, &str) = ("00000000-0000-7000-8000-00000000c1c0", "髙橋 由美子");

/// A reader, and how many days after the beginning they saw it.
type Reader = (&'static str, Option<i32>);

/// Document, what is said with it, days before today it began, days after today it is due, readers.
type Round = (&'static str, &'static str, i32, Option<i32>, &'static [Reader]);

/// Every circular.
const CIRCULARS: &[Round] = &[
    (
        "D-010",
        "USBメモリの持ち出しの手順を改めました。6ページを見てください。",
        3,
        Some(4),
        &[("﨑山 健", Some(0)), ("齋藤 美咲", Some(1)), ("山﨑 真理", None), ("長谷川 玲奈", None)],
    ),
    ("D-005", "4月からの体制です。", 40, None, &[("﨑山 健", Some(1)), ("齋藤 美咲", Some(2)), ("邊見 千尋", Some(2))]),
];

/// Writes them as they stand on `today`.
pub(super) async fn circulars(tx: &mut WriteTx, today: Date) -> Result<()> {
    for (document, note, ago, due, readers) in CIRCULARS {
        let began = plus(today, -*ago);
        let at = |days: i32| start_in_japan(plus(began, days)).as_microsecond() + 9 * 3_600_000_000;
        let row = CircularRow {
            id: Uuid::now_v7().to_string(),
            ledger: "documents".to_owned(),
            key: (*document).to_owned(),
            note: (*note).to_owned(),
            due_on: due.map(|days| plus(today, days).to_string()),
            made_by: BY.0.to_owned(),
            made_name: BY.1.to_owned(),
            made_at: at(0),
            ended_at: None,
        };
        let reader = |(name, seen): &Reader| ReaderRow {
            circular: row.id.clone(),
            user: Uuid::now_v7().to_string(),
            name: (*name).to_owned(),
            seen_at: seen.map(at),
        };
        let readers: Vec<ReaderRow> = readers.iter().map(reader).collect();
        tx.circular_insert(&row, &readers).await?;
    }
    Ok(())
}
