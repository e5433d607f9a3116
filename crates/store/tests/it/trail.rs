//! The journal, read as people do.

use domain::journal::Event;
use jiff::ToSpan;
use store::Store;
use testkit::{actor, noon, stores};

use super::FACILITY;

async fn filled(store: &Store) {
    for (n, subject) in ["PC-001", "100%_!\"\\", "pc-001", "PC-001"].into_iter().enumerate() {
        let at = noon() + i64::try_from(n).unwrap().hours();
        for facility in [FACILITY, "another"] {
            let mut tx = store.begin(&actor(), facility, at).await.unwrap();
            tx.record(Event::new("test.act", subject).with("n", n));
            tx.commit().await.unwrap();
        }
    }
}

#[tokio::test]
async fn entries_come_newest_first_in_parts_within_the_days_asked_for() {
    for s in stores().await {
        filled(&s.store).await;
        let whole = (i64::MIN, i64::MAX);
        let seqs = async |before, span, limit| {
            let part = s.store.journal_part(FACILITY, before, span, limit).await.unwrap();
            part.into_iter().map(|e| e.seq).collect::<Vec<_>>()
        };
        assert_eq!(seqs(i64::MAX, whole, 3).await, [7, 5, 3], "{}", s.name);
        assert_eq!(seqs(3, whole, 3).await, [1], "{}", s.name);
        let hour = |n: i64| (noon() + n.hours()).as_microsecond();
        assert_eq!(seqs(i64::MAX, (hour(1), hour(3)), 9).await, [5, 3], "{}", s.name);
    }
}

#[tokio::test]
async fn what_is_said_about_one_subject_is_found_exactly() {
    for s in stores().await {
        filled(&s.store).await;
        for (subject, expected) in
            [("PC-001", vec![7, 1]), ("100%_!\"\\", vec![3]), ("pc-001", vec![5]), ("C-001", vec![])]
        {
            let found = s.store.journal_about(FACILITY, subject).await.unwrap();
            assert_eq!(found.iter().map(|e| e.seq).collect::<Vec<_>>(), expected, "{} {subject}", s.name);
        }
    }
}
