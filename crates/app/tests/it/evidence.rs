//! What counts as evidence, and when: never the future, never nothing, never what is too old.

use std::collections::BTreeSet;

use app::Assessment;
use domain::catalog::Rule;
use domain::evaluate::{Facility, Truth, Verdict};
use domain::fact::Tally;
use domain::ledger::{Kind, Row, ledger};

use super::{Site, on_each, row};

/// The tally of a fact: `(total, bad, unknown)`.
pub(crate) fn tally(assessment: &Assessment, fact: &str) -> (i64, i64, i64) {
    let Tally { total, bad, unknown, .. } = assessment.evidence.facts.get(fact).copied().unwrap_or_default();
    (total, bad, unknown)
}

pub(crate) async fn put(site: &Site, facility: &Facility, of: &'static str, rows: &[&[(&str, &str)]]) {
    site.put(facility, ledger(of).unwrap(), rows.iter().map(|cells| row(of, cells)).collect()).await;
}

/// Whether somebody has confirmed what a requirement asks a person.
fn confirmed(assessment: &Assessment, requirement: &str) -> Truth {
    let (edition, _) = requirement.split_once('/').unwrap();
    let findings = assessment.findings(edition).unwrap();
    let finding = findings.iter().find(|f| f.requirement.id == requirement).unwrap();
    finding.leaves.iter().find(|leaf| matches!(leaf.rule, Rule::Attest { .. })).unwrap().truth
}

#[tokio::test]
async fn a_clock_set_back_leaves_a_journal_that_verifies() {
    on_each(async |site| {
        let facility = site.facility("架空医院").await;
        for day in ["2026-11-22", "2019-01-01", "2026-11-23"] {
            site.on(day);
            put(&site, &facility, "devices", &[&[("no", "PC-1"), ("name", day), ("kind", "端末")]]).await;
        }
        assert_eq!(site.app.store.journal_verify().await.unwrap(), Ok(4), "{}", site.name);
        assert_eq!(site.app.store.journal_head().await.unwrap().0, 4);
    })
    .await;
}

#[tokio::test]
async fn what_is_entered_for_tomorrow_has_not_happened() {
    on_each(async |site| {
        let facility = site.facility("架空医院").await;
        let record =
            |no, on| vec![("no", no), ("kind", "研修"), ("title", "研修"), ("held_on", on), ("held_by", "院長")];
        let old = record("H-1", "2026-04-01");
        put(&site, &facility, "records", &[&old, &record("H-2", "2026-11-23")]).await;
        let policy = |no, title, on| {
            vec![
                ("no", no),
                ("kind", "情報セキュリティ方針"),
                ("title", title),
                ("approved_by", "院長"),
                ("approved_on", on),
            ]
        };
        let new = policy("D-2", "改定する方針", "2026-11-23");
        put(&site, &facility, "documents", &[&policy("D-1", "今の方針", "2026-01-10"), &new]).await;
        let plan =
            [("no", "D-3"), ("kind", "bcp"), ("title", "計画"), ("approved_by", "院長"), ("approved_on", "2026-11-23")];
        put(&site, &facility, "documents", &[&plan]).await;
        let said = |requirement, on| {
            vec![("requirement", requirement), ("answer", "はい"), ("said_by", "院長"), ("said_on", on)]
        };
        let (today, tomorrow) = ("mhlw-7.0/keiei/3.1-r2", "mhlw-7.0/keiei/3.1-6");
        let answers = [said(today, "2026-11-22"), said(tomorrow, "2026-11-23")];
        put(&site, &facility, "attestations", &[&answers[0], &answers[1]]).await;

        let now = site.app.assess(&facility).await.unwrap();
        assert_eq!(now.evidence.records["training"].held_on.to_string(), "2026-04-01", "{}", site.name);
        assert_eq!(now.evidence.documents["security_policy"].title, "今の方針");
        assert_eq!(now.evidence.documents["bcp"].approved_on, None);
        assert_eq!((confirmed(&now, today), confirmed(&now, tomorrow)), (Truth::True, Truth::Unknown));

        site.on("2026-11-23");
        let then = site.app.assess(&facility).await.unwrap();
        assert_eq!(then.evidence.records["training"].held_on.to_string(), "2026-11-23");
        assert_eq!(then.evidence.documents["security_policy"].title, "改定する方針");
        assert!(then.evidence.documents["bcp"].approved_on.is_some());
        assert_eq!(confirmed(&then, tomorrow), Truth::True);
    })
    .await;
}

#[tokio::test]
async fn a_day_that_has_not_come_makes_no_fact_good() {
    on_each(async |site| {
        let facility = site.facility("架空医院").await;
        let pc = [("no", "PC-1"), ("name", "PC"), ("kind", "端末"), ("place", "受付"), ("updated_by", "院長")];
        let dates = [
            ("checked_on", "2062-11-20"),
            ("patched_on", "2026-11-23"),
            ("definitions_on", "2026-11-23"),
            ("antivirus_on", "はい"),
            ("encrypted", "はい"),
            ("portable", "はい"),
            ("usb_limited", "はい"),
        ];
        put(&site, &facility, "devices", &[&[&pc[..], &dates[..]].concat()]).await;
        let system =
            [("no", "SYS-1"), ("name", "電子カルテ"), ("backup_on", "2026-11-23"), ("restored_on", "2026-11-23")];
        let seen = [("lockout", "はい"), ("observed_on", "2026-11-23")];
        put(&site, &facility, "systems", &[&[&system[..], &seen[..]].concat()]).await;
        let manager =
            [("no", "S1"), ("name", "髙橋"), ("duties", "医療情報システム安全管理責任者"), ("start_on", "2026-11-23")];
        put(&site, &facility, "people", &[&manager]).await;
        let account = [("system", "SYS-1"), ("login", "a"), ("person", "S1"), ("last_login_on", "2026-11-23")];
        put(&site, &facility, "accounts", &[&[&account[..], &[("reviewed_on", "2026-11-23")]].concat()]).await;
        let route = [("no", "R-1"), ("name", "VPN"), ("updated_on", "2026-11-23")];
        put(&site, &facility, "routes", &[&route]).await;
        let now = site.app.assess(&facility).await.unwrap();
        for fact in [
            "device.stocktaken",
            "device.registered",
            "device.usb_limited",
            "device.patched",
            "device.antivirus_on",
            "device.antivirus_current",
            "device.portable_encrypted",
            "system.backup_recent",
            "system.restore_tested",
            "system.lockout",
            "account.used",
            "account.reviewed",
            "route.updated",
        ] {
            assert_eq!(tally(&now, fact), (1, 0, 1), "{}: {fact}", site.name);
        }
        assert_eq!(tally(&now, "person.safety_manager"), (1, 1, 0), "appointed from tomorrow");
    })
    .await;
}

#[tokio::test]
async fn a_statement_nobody_repeats_becomes_unknown() {
    on_each(async |site| {
        let facility = site.facility("架空医院").await;
        let pc = [("no", "PC-1"), ("name", "PC"), ("kind", "端末"), ("antivirus_on", "はい")];
        let taken_out = [("portable", "はい"), ("encrypted", "はい")];
        put(&site, &facility, "devices", &[&[&pc[..], &taken_out].concat()]).await;
        put(&site, &facility, "systems", &[&[("no", "SYS-1"), ("name", "電子カルテ"), ("lockout", "はい")]]).await;
        let account = [("system", "SYS-1"), ("login", "hijou"), ("emergency", "はい")];
        put(&site, &facility, "accounts", &[&account]).await;
        let facts = ["device.antivirus_on", "device.portable_encrypted", "system.lockout", "account.emergency_ready"];
        for (day, unknown) in [("2026-11-22", 0), ("2027-11-23", 0), ("2027-11-24", 1)] {
            site.on(day);
            let assessment = site.app.assess(&facility).await.unwrap();
            for fact in facts {
                assert_eq!(tally(&assessment, fact), (1, 0, unknown), "{}: {fact} on {day}", site.name);
            }
        }
    })
    .await;
}

#[tokio::test]
async fn of_an_empty_facility_nothing_is_met() {
    let facilities = ledger("facilities").unwrap();
    let codes = |column: &str| match facilities.column(column).unwrap().kind {
        Kind::Choice(of) => of.iter().map(|c| Some(c.label.ja)).chain([None]).collect::<Vec<_>>(),
        _ => vec![Some("はい"), Some("いいえ"), None],
    };
    let mut rows: Vec<Row> = Vec::new();
    for kind in codes("kind") {
        for hosting in codes("hosting") {
            for staff in codes("staff") {
                let no = format!("F{:03}", rows.len());
                let stated = [("kind", kind), ("hosting", hosting), ("staff", staff)];
                let stated = stated.into_iter().filter_map(|(column, value)| Some((column, value?)));
                rows.push(row(
                    "facilities",
                    &[("no", &*no), ("name", &*no)].into_iter().chain(stated).collect::<Vec<_>>(),
                ));
            }
        }
    }
    assert_eq!(rows.len(), 10 * 4 * 3);
    on_each(async |site| {
        for row in &rows {
            let facility = Facility { id: format!("id-{}", row["no"]), ..Facility::default() };
            site.put(&facility, facilities, vec![row.clone()]).await;
        }
        let all = site.app.assess_all().await.unwrap();
        assert_eq!(all.len(), rows.len());
        let mut verdicts = BTreeSet::new();
        for assessment in &all {
            for catalog in assessment.editions() {
                for finding in assessment.findings(&catalog.id).unwrap() {
                    let (id, facility) = (&finding.requirement.id, &assessment.evidence.facility);
                    assert!(!finding.verdict.holds(), "{id} {:?} {facility:?}", finding.verdict);
                    verdicts.insert(finding.verdict);
                }
            }
        }
        assert_eq!(verdicts, BTreeSet::from([Verdict::Unknown, Verdict::NotApplicable]));
    })
    .await;
}
