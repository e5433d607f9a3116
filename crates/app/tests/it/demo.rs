//! The demonstration clinic.

use app::Count;
use domain::evaluate::Verdict;
use domain::fact::FACTS;
use domain::ledger::LEDGERS;
use testkit::actor;

use super::{judged, on_each};

#[tokio::test]
async fn it_never_mixes_with_what_is_there() {
    on_each(async |site| {
        site.app.load_demo(&actor()).await.unwrap();
        let before = site.dump().await;
        let error = site.app.load_demo(&actor()).await.unwrap_err();
        assert_eq!(error.code(), "DEM-001", "{error}");
        super::assert_same(&before, &site.dump().await, site.name);
    })
    .await;
}

#[tokio::test]
async fn it_shows_every_ledger_and_every_fact() {
    on_each(async |site| {
        let facility = site.app.load_demo(&actor()).await.unwrap();
        for of in LEDGERS {
            assert!(site.app.store.row_count(of, &facility.id).await.unwrap() > 0, "{}", of.name);
        }
        let assessment = site.app.assess(&facility).await.unwrap();
        for fact in FACTS {
            let tally = assessment.evidence.facts.get(fact.name);
            assert!(tally.is_some(), "{}: {}", site.name, fact.name);
            let listed = site.app.store.offender_list(fact.name, &facility.id, assessment.today).await.unwrap().len();
            let counted = tally.map_or(0, |t| t.bad + t.unknown);
            assert_eq!(i64::try_from(listed).unwrap(), counted, "{}: {}", site.name, fact.name);
        }
        for offenders in site.app.offenders(&assessment, &assessment.editions()).await.unwrap() {
            assert!(!offenders.rows.is_empty(), "{}", offenders.fact.name);
        }
    })
    .await;
}

#[tokio::test]
async fn its_answers_to_this_years_checklist_are_known() {
    on_each(async |site| {
        let facility = site.app.load_demo(&actor()).await.unwrap();
        let assessment = site.app.assess(&facility).await.unwrap();
        let findings = assessment.findings("checklist-r7").unwrap();
        let count = Count::of(&findings);
        let each: Vec<(Verdict, u32)> = count.each().filter(|(_, n)| *n > 0).collect();
        let known = [(Verdict::Unmet, 8), (Verdict::Unknown, 7), (Verdict::DueSoon, 1), (Verdict::Met, 2)];
        assert_eq!(each, known, "{}", site.name);
        assert_eq!(count.readiness(), (3, 18));
        let soon = findings.iter().find(|f| f.verdict == Verdict::DueSoon).unwrap();
        assert_eq!(soon.requirement.id, "checklist-r7/2-11", "the yearly log review of last December");
    })
    .await;
}

#[tokio::test]
async fn every_database_comes_to_the_same_verdicts_on_every_day() {
    let outcomes = on_each(async |site| {
        let facility = site.app.load_demo(&actor()).await.unwrap();
        let mut days = Vec::new();
        for day in ["2026-11-22", "2026-12-24", "2027-06-01"] {
            site.on(day);
            days.push(judged(&site.app.assess(&facility).await.unwrap()));
        }
        days
    })
    .await;
    for other in &outcomes[1..] {
        assert_eq!(&outcomes[0], other);
    }
    let [today, later, old] = outcomes[0].as_slice() else { panic!() };
    assert!(today != later && later != old, "time passes");
}

#[tokio::test]
async fn its_dates_move_with_the_day_it_is_loaded() {
    let verdicts_on = async |day: &str| {
        on_each(async |site| {
            site.on(day);
            let facility = site.app.load_demo(&actor()).await.unwrap();
            let assessment = site.app.assess(&facility).await.unwrap();
            ["checklist-r7", "mhlw-7.0"].map(|edition| {
                let findings = assessment.findings(edition).unwrap();
                findings.iter().map(|f| f.verdict).collect::<Vec<Verdict>>()
            })
        })
        .await
    };
    assert_eq!(verdicts_on("2027-02-28").await, verdicts_on("2026-11-22").await);
}
