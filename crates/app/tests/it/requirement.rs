//! One requirement: what a person says about it, and what follows.

use std::collections::BTreeMap;

use app::{App, Error, FieldError, Statement};
use domain::evaluate::{Facility, Verdict};
use domain::ledger::{Row, Value, ledger};
use jiff::civil::date;
use testkit::actor;

use super::{Site, on_each};

/// Asks for a document and a person.
const ASKED: &str = "mhlw-7.0/keiei/3.1-6";

async fn say(app: &App, facility: &Facility, requirement: &str, rev: i64, typed: &[(&str, &str)]) -> app::Result<()> {
    let typed: BTreeMap<String, String> = typed.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
    app.attest(&actor(), facility, Statement { requirement, said_by: "髙橋 由美子", rev, typed: &typed }).await
}

async fn refused(site: &Site, facility: &Facility, requirement: &str, typed: &[(&str, &str)]) -> Vec<(String, String)> {
    match say(&site.app, facility, requirement, 0, typed).await {
        Err(Error::Fields(faults)) => {
            faults.into_iter().map(|FieldError { field, message }| (field, message)).collect()
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn an_answer_counts_with_its_person_and_day_and_leaves_an_event() {
    on_each(async |site| {
        let facility = site.facility("架空医院").await;
        let rules: Row =
            [("no", "D-1"), ("kind", "operation_rules"), ("title", "運用管理規程"), ("approved_by", "院長")]
                .into_iter()
                .map(|(name, text)| (name, Value::Text(text.to_owned())))
                .chain([("approved_on", Value::Date(date(2026, 4, 1)))])
                .collect();
        site.put(&facility, ledger("documents").unwrap(), vec![rules]).await;
        let verdict = async || site.app.assess(&facility).await.unwrap().finding(ASKED).unwrap().verdict;
        assert_eq!(verdict().await, Verdict::Unknown, "{}", site.name);
        let typed = [("answer", "はい"), ("reason", "台帳と照合した"), ("owner", "院長"), ("target_on", "")];
        say(&site.app, &facility, ASKED, 0, &typed).await.unwrap();
        assert_eq!(verdict().await, Verdict::Met, "{}", site.name);

        // Naming who acts does not make the answer younger, nor somebody else's.
        site.on("2026-12-01");
        say(&site.app, &facility, ASKED, 1, &[("answer", ""), ("owner", "事務長")]).await.unwrap();
        let assessment = site.app.assess(&facility).await.unwrap();
        let said = assessment.evidence.attestations.get(ASKED).unwrap();
        assert_eq!(said.said_on.unwrap().to_string(), "2026-11-22", "{}", site.name);
        assert_eq!((said.owner.as_deref(), said.reason.as_deref()), (Some("事務長"), Some("台帳と照合した")));

        say(&site.app, &facility, ASKED, 2, &[("answer", "no"), ("target_on", "R9.3.31")]).await.unwrap();
        assert_eq!(verdict().await, Verdict::Unmet, "{}", site.name);
        let history = site.app.requirement_history(&facility, ASKED).await.unwrap();
        let told: Vec<_> =
            history.iter().map(|e| (e.action.as_str(), e.details.get("answer").map(String::as_str))).collect();
        let expected = [
            ("attestations.answer", Some("いいえ")),
            ("attestations.plan", None),
            ("attestations.answer", Some("はい")),
        ];
        assert_eq!(told, expected, "{}", site.name);
    })
    .await;
}

#[tokio::test]
async fn what_does_not_do_is_said_at_its_field_and_changes_nothing() {
    on_each(async |site| {
        let facility = site.facility("架空医院").await;
        let judged = "checklist-r7/2-1";
        for (requirement, typed, field, code) in [
            (ASKED, vec![("answer", "yes")], "reason", "ATT-003"),
            (ASKED, vec![("answer", "na"), ("reason", "該当しない設備")], "approved_by", "ATT-005"),
            (ASKED, vec![("answer", "na"), ("approved_by", "院長")], "reason", "ATT-004"),
            (ASKED, vec![("reason", "確認した")], "answer", "ATT-001"),
            (ASKED, vec![("answer", "no"), ("valid_until", "2026-11-21")], "valid_until", "ATT-006"),
            (ASKED, vec![("answer", "no"), ("valid_until", "2030/1/1")], "valid_until", "ATT-007"),
            (ASKED, vec![("target_on", "そのうち")], "target_on", ""),
            (judged, vec![("answer", "yes"), ("reason", "見た")], "answer", "ATT-002"),
        ] {
            let faults = refused(&site, &facility, requirement, &typed).await;
            assert!(
                matches!(faults.as_slice(), [(on, message)] if on == field && message.contains(code)),
                "{} {typed:?}: {faults:?}",
                site.name
            );
        }
        assert_eq!(site.app.statement_rev(&facility, ASKED).await.unwrap(), 0, "{}", site.name);
        let nowhere = say(&site.app, &facility, "mhlw-7.0/keiei/nowhere", 0, &[("answer", "no")]).await.unwrap_err();
        assert!(matches!(nowhere, Error::NotFound { .. }), "{nowhere}");
    })
    .await;
}

#[tokio::test]
async fn the_second_of_two_people_answering_is_told() {
    on_each(async |site| {
        let facility = site.facility("架空医院").await;
        say(&site.app, &facility, ASKED, 0, &[("answer", "no")]).await.unwrap();
        let faults = refused(&site, &facility, ASKED, &[("answer", "no")]).await;
        assert!(faults[0].0.is_empty() && faults[0].1.contains("STO-002"), "{}: {faults:?}", site.name);
    })
    .await;
}

#[tokio::test]
async fn the_crosswalk_and_the_rows_behind_a_fact_are_found() {
    on_each(async |site| {
        let facility = site.app.load_demo(&actor()).await.unwrap();
        let assessment = site.app.assess(&facility).await.unwrap();
        let related = assessment.related("mhlw-7.0/keiei/1.2.1-r1");
        assert!(
            related.iter().any(|r| r.requirement.id == "mhlw-6.0/keiei/1.2.1-kanri-1" && !r.is_target),
            "{related:?}"
        );
        let finding = assessment.finding("checklist-r7/2-1").unwrap();
        let offenders = site.app.offenders_of(&assessment, &finding).await.unwrap();
        assert!(offenders.iter().any(|o| !o.rows.is_empty()), "{}", site.name);
    })
    .await;
}
