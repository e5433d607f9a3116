//! 月次報告: what was counted, what nobody counted, and what moved.

use domain::catalog::CatalogKind;
use domain::evaluate::Verdict;
use domain::trend::Way;
use testkit::actor;

use crate::{Site, on_each};

/// The page of the guideline that is followed: months counted by number, the day compared with, what moved.
async fn told(site: &Site, facility: &domain::evaluate::Facility) -> (Vec<i8>, Option<String>, Vec<(Way, String)>) {
    let assessment = site.app.assess(facility).await.unwrap();
    let report = site.app.monthly(facility, &assessment, None).await.unwrap();
    assert_eq!(report.edition.kind, CatalogKind::Guideline);
    let counted = report.months.iter().filter(|(_, counted)| counted.is_some()).map(|(first, _)| first.month());
    let moved = report.moved.iter().map(|moved| (moved.way, moved.requirement.id.clone()));
    (counted.collect(), report.since.map(|day| day.to_string()), moved.collect())
}

#[tokio::test]
async fn a_day_is_counted_once_and_what_moved_is_named() {
    on_each(async |site| {
        let facility = site.facility("架空医院").await;
        let other = site.facility("隣の医院").await;
        let documents = "文書番号,種類,文書名,版,承認者,承認日\nD-1,運用管理規程,管理の規程,1,架空,2026-11-20\n";
        site.import(&facility, "documents.csv", documents.as_bytes()).await;
        assert_eq!(told(&site, &facility).await, (vec![11], None, Vec::new()), "nothing was counted before");
        assert_eq!(site.app.count_verdicts(&actor()).await.unwrap(), 2);
        let before = site.dump().await;
        assert_eq!(site.app.count_verdicts(&actor()).await.unwrap(), 0, "{}: once a day", site.name);
        crate::assert_same(&before, &site.dump().await, site.name);
        assert!(before.iter().any(|line| line.contains("verdicts.count")), "an entry of the journal");

        // Two months later somebody has said that one thing is so. Nobody counted in December.
        site.on("2027-01-25");
        let id = "mhlw-7.0/keiei/3.1-6";
        let said = crate::row(
            "attestations",
            &[("requirement", id), ("answer", "はい"), ("said_by", "架空"), ("said_on", "2027-01-20")],
        );
        site.put(&facility, domain::ledger::ledger("attestations").unwrap(), vec![said]).await;
        let better = vec![(Way::Better, id.to_owned())];
        assert_eq!(told(&site, &facility).await, (vec![11, 1], Some("2026-11-22".to_owned()), better.clone()));
        assert_eq!(site.app.count_verdicts(&actor()).await.unwrap(), 2);
        assert_eq!(told(&site, &facility).await.2, better, "counting changes nothing of it");
        assert!(told(&site, &other).await.2.is_empty(), "{}: each facility its own", site.name);

        // A month on, it was withdrawn: worse than when it was last counted.
        site.on("2027-02-26");
        let said = crate::row(
            "attestations",
            &[("requirement", id), ("answer", "いいえ"), ("said_by", "架空"), ("said_on", "2027-02-20")],
        );
        site.put(&facility, domain::ledger::ledger("attestations").unwrap(), vec![said]).await;
        let (_, since, moved) = told(&site, &facility).await;
        assert_eq!((since.as_deref(), moved), (Some("2027-01-25"), vec![(Way::Worse, id.to_owned())]));
    })
    .await;
}

#[tokio::test]
async fn the_demonstration_has_a_year_with_gaps() {
    on_each(async |site| {
        let facility = site.app.load_demo(&actor()).await.unwrap();
        let assessment = site.app.assess(&facility).await.unwrap();
        for edition in assessment.editions() {
            let report = site.app.monthly(&facility, &assessment, Some(&edition.id)).await.unwrap();
            assert!((2..6).contains(&report.gaps()), "{} {}", site.name, edition.id);
            let values = report.values(Verdict::Unknown);
            assert_eq!(values.last().copied().flatten(), Some(report.now.get(Verdict::Unknown)));
        }
        let report = site.app.monthly(&facility, &assessment, None).await.unwrap();
        assert!(report.that_got(Way::Worse).count() > 0 && report.that_got(Way::Better).count() > 0);
        assert!(!report.late_loans.is_empty() && !report.late_tasks.is_empty() && !report.waiting.is_empty());
        assert!(site.app.monthly(&facility, &assessment, Some("none")).await.is_err());
        let papers = app::Papers { assessment: &assessment, printed_by: "架空", lang: domain::text::Lang::Ja };
        assert!(site.app.take_monthly(&testkit::actor(), &papers, &report).await.unwrap().starts_with(b"%PDF"));
    })
    .await;
}
