//! The journal as people look for things in it.

use app::{JOURNAL_PAGE, JournalQuery};
use domain::journal::{Actor, Event};
use jiff::civil::date;
use testkit::actor;

use super::on_each;

#[tokio::test]
async fn pages_search_and_days() {
    on_each(async |site| {
        let facility = site.facility("架空医院").await;
        for n in 0..120 {
            site.at(if n < 60 { "2026-11-22T14:59:59Z" } else { "2026-11-22T15:00:00Z" });
            let by = if n % 40 == 0 { Actor::new("髙橋 由美子") } else { actor() };
            let mut tx = site.app.store.begin(&by, &facility.id, site.app.now()).await.unwrap();
            tx.record(Event::new(if n == 7 { "devices.import" } else { "test.act" }, format!("PC-{n:03}")));
            tx.commit().await.unwrap();
        }
        let name_of = |action: &str| if action == "devices.import" { "取込み".to_owned() } else { String::new() };
        let all = JournalQuery { text: "", name_of: &name_of, since: None, until: None, before: None };
        let ask = async |query| site.app.journal(&facility, query).await.unwrap();
        let subjects = async |query| ask(query).await.entries.into_iter().map(|e| e.subject).collect::<Vec<_>>();

        // 120 of these and the one that registered the facility, 50 a page.
        let first = ask(all).await;
        assert_eq!((first.entries.len(), first.cut), (JOURNAL_PAGE, false), "{}", site.name);
        let second = ask(JournalQuery { before: first.older, ..all }).await;
        let third = ask(JournalQuery { before: second.older, ..all }).await;
        assert_eq!((third.entries.len(), third.older), (21, None), "{}", site.name);
        assert_eq!(second.entries[0].subject, "PC-069", "{}", site.name);

        let text = |text| JournalQuery { text, ..all };
        assert_eq!(subjects(text("ｐｃ－００７")).await, ["PC-007"], "{}", site.name);
        assert_eq!(subjects(text("髙橋")).await, ["PC-080", "PC-040", "PC-000"], "{}", site.name);
        assert_eq!(subjects(text("髙橋 pc-04")).await, ["PC-040"], "{}", site.name);
        assert_eq!(subjects(text("取込み")).await, ["PC-007"], "{}", site.name);

        // Days are days in Japan: the second half was written at midnight.
        let day = |n| Some(date(2026, 11, n));
        let since = JournalQuery { since: day(23), ..all };
        assert_eq!(ask(since).await.entries.last().unwrap().subject, "PC-070", "{}", site.name);
        let until = JournalQuery { until: day(22), ..all };
        assert_eq!(ask(until).await.entries[0].subject, "PC-059", "{}", site.name);
        assert_eq!(site.app.verify_journal().await.unwrap(), Ok(121), "{}", site.name);
    })
    .await;
}
