#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "tests")]
use jiff::civil::date;
use proptest::prelude::*;

use super::*;
use crate::fact::fact;

const TODAY: Date = date(2026, 11, 22);

fn catalogs(rule: &str, extra: &str) -> Catalogs {
    let catalog = r#"
        id = "x"
        title = { ja = "x", en = "x" }
        short = { ja = "x", en = "x" }
        issuer = "mhlw"
        type = "guideline"
        status = "current"
        [[volume]]
        id = "v"
        title = { ja = "v", en = "v" }
        [[volume]]
        id = "hoshu"
        title = { ja = "保守委託機関編", en = "h" }
    "#;
    let judge = if rule.contains("attest") { "judge = \"人が見る\"\n" } else { "" };
    let item = |id: &str, extra: &str| {
        format!(
            "[[requirement]]\nid = \"{id}\"\ntype = \"requirement\"\nkind = \"technical\"\nconfidence = \"seen\"\n\
             summary = {{ ja = \"あ\", en = \"a\" }}\n{judge}rule = {rule}\n{extra}\n"
        )
    };
    let hoshu = "[[requirement]]\nid = \"x/hoshu/1\"\ntype = \"requirement\"\nkind = \"technical\"\nconfidence = \"seen\"\n\
        summary = { ja = \"あ\", en = \"a\" }\napplies = { path = \"hoshu\" }\nrule = { fact = \"system.lockout\" }\n";
    let volume = format!("{}{}", item("x/v/1", extra), item("x/v/old", ""));
    let links = "[[link]]\nfrom = \"x/v/old\"\nto = \"x/v/1\"\nrelation = \"same\"\ncarry = true\n";
    Catalogs::load(&[
        ("x/catalog.toml", catalog),
        ("x/v.toml", &volume),
        ("x/hoshu.toml", hoshu),
        ("crosswalk.toml", links),
    ])
    .expect("test catalog")
}

fn verdict(rule: &str, evidence: &Evidence) -> Verdict {
    let catalogs = catalogs(rule, "");
    let (_, requirement) = catalogs.requirement("x/v/1").unwrap();
    evaluate(&catalogs, requirement, evidence, TODAY).verdict
}

fn with_fact(name: &str, total: i64, bad: i64, unknown: i64) -> Evidence {
    let mut evidence = Evidence::default();
    evidence.facts.insert(fact(name).unwrap().name, Tally { total, bad, unknown, oldest: Some(TODAY) });
    evidence
}

fn said(answer: &str, on: Date) -> Attestation {
    Attestation {
        answer: Some(answer.into()),
        said_by: Some("院長".into()),
        said_on: Some(on),
        ..Attestation::default()
    }
}

#[test]
fn a_fact_is_met_unmet_or_unknown() {
    let rule = "{ fact = \"device.known\" }";
    assert_eq!(verdict(rule, &with_fact("device.known", 3, 0, 0)), Verdict::Met);
    assert_eq!(verdict(rule, &with_fact("device.known", 3, 1, 0)), Verdict::Unmet);
    assert_eq!(verdict(rule, &with_fact("device.known", 3, 0, 1)), Verdict::Unknown);
    assert_eq!(verdict(rule, &with_fact("device.known", 3, 1, 1)), Verdict::Unmet);
    assert_eq!(verdict(rule, &with_fact("device.known", 0, 0, 0)), Verdict::Unknown);
    assert_eq!(verdict(rule, &Evidence::default()), Verdict::Unknown);
    assert_eq!(verdict("{ fact = \"device.known\", empty = \"met\" }", &Evidence::default()), Verdict::Met);
}

#[test]
fn a_skipped_leaf_neither_helps_nor_hurts() {
    let rule = "{ all = [{ fact = \"route.owned\", empty = \"skip\" }, { fact = \"device.known\" }] }";
    assert_eq!(verdict(rule, &with_fact("device.known", 3, 0, 0)), Verdict::Met);
    assert_eq!(verdict("{ fact = \"route.owned\", empty = \"skip\" }", &Evidence::default()), Verdict::Unknown);
}

#[test]
fn evidence_that_runs_out_is_due_soon_and_then_unmet() {
    let rule = "{ record = \"drill\", within_days = 366 }";
    let held = |on: Date| {
        let mut evidence = Evidence::default();
        let record = RecordState { title: "訓練".into(), held_on: on, held_by: None, result: None };
        evidence.records.insert("drill".into(), record);
        evidence
    };
    assert_eq!(verdict(rule, &held(date(2026, 6, 1))), Verdict::Met);
    assert_eq!(verdict(rule, &held(date(2025, 12, 1))), Verdict::DueSoon);
    assert_eq!(verdict(rule, &held(date(2025, 11, 21))), Verdict::DueSoon);
    assert_eq!(verdict(rule, &held(date(2025, 11, 20))), Verdict::Unmet);
    let mut failed = held(date(2026, 6, 1));
    failed.records.get_mut("drill").unwrap().result = Some("failed".into());
    assert_eq!(verdict(rule, &failed), Verdict::Unmet);
}

#[test]
fn a_document_counts_only_approved_and_reviewed() {
    let rule = "{ document = \"bcp\", within_days = 366 }";
    let with = |approved_by: Option<&str>, approved: Option<Date>, due: Option<Date>| {
        let mut evidence = Evidence::default();
        let document = DocumentState {
            title: "BCP".into(),
            approved_by: approved_by.map(Into::into),
            approved_on: approved,
            reviewed_on: None,
            review_due_on: due,
        };
        evidence.documents.insert("bcp".into(), document);
        evidence
    };
    let spring = Some(date(2026, 4, 1));
    assert_eq!(verdict(rule, &with(Some("院長"), spring, None)), Verdict::Met);
    assert_eq!(verdict(rule, &with(None, spring, None)), Verdict::Unmet);
    assert_eq!(verdict(rule, &with(Some("院長"), None, None)), Verdict::Unmet);
    assert_eq!(verdict(rule, &with(Some("院長"), Some(date(2025, 4, 1)), None)), Verdict::Unmet);
    assert_eq!(verdict(rule, &with(Some("院長"), Some(date(2027, 4, 1)), None)), Verdict::Unmet, "not yet approved");
    assert_eq!(verdict(rule, &with(Some("院長"), spring, Some(date(2026, 10, 1)))), Verdict::Unmet, "past its review");
    assert_eq!(verdict(rule, &with(Some("院長"), spring, Some(date(2026, 12, 1)))), Verdict::DueSoon);
}

#[test]
fn a_statement_needs_a_name_a_day_and_expires() {
    let rule = "{ attest = \"確かめましたか\" }";
    let with = |id: &str, said: Attestation| {
        let mut evidence = Evidence::default();
        evidence.attestations.insert(id.into(), said);
        evidence
    };
    let recently = date(2026, 10, 1);
    assert_eq!(verdict(rule, &with("x/v/1", said("yes", recently))), Verdict::Met);
    assert_eq!(verdict(rule, &with("x/v/1", said("no", recently))), Verdict::Unmet);
    assert_eq!(verdict(rule, &with("x/v/1", said("yes", date(2025, 10, 1)))), Verdict::Unknown);
    let endless = Attestation { valid_until: Some(date(2100, 12, 31)), ..said("yes", date(2020, 1, 1)) };
    assert_eq!(verdict(rule, &with("x/v/1", endless)), Verdict::Unknown, "nothing holds for eighty years");
    let nameless = Attestation { said_by: None, ..said("yes", recently) };
    assert_eq!(verdict(rule, &with("x/v/1", nameless)), Verdict::Unknown);
    assert_eq!(verdict(rule, &with("x/v/old", said("yes", recently))), Verdict::Met, "carried over by the crosswalk");
    let na = |reason: Option<&str>, by: Option<&str>| Attestation {
        reason: reason.map(Into::into),
        approved_by: by.map(Into::into),
        ..said("na", recently)
    };
    assert_eq!(verdict(rule, &with("x/v/1", na(Some("無線LANがない"), Some("院長")))), Verdict::NotApplicable);
    assert_eq!(verdict(rule, &with("x/v/1", na(Some("無線LANがない"), None))), Verdict::Unknown);
    assert_eq!(verdict(rule, &with("x/v/1", na(None, Some("院長")))), Verdict::Unknown);
}

#[test]
fn applicability_follows_kind_pattern_and_path() {
    let outside = |extra: &str, facility: Facility| {
        let catalogs = catalogs("{ fact = \"device.known\" }", extra);
        let (_, requirement) = catalogs.requirement("x/v/1").unwrap();
        let evidence = Evidence { facility, ..Evidence::default() };
        evaluate(&catalogs, requirement, &evidence, TODAY).verdict == Verdict::NotApplicable
    };
    let clinic = |hosting: &str, staff: bool| Facility {
        kind: Some("clinic".into()),
        hosting: Some(hosting.into()),
        staff: Some(staff),
        ..Facility::default()
    };
    assert!(!outside("", clinic("cloud", true)));
    assert!(outside("", Facility { kind: Some("vendor".into()), ..Facility::default() }));
    assert!(outside("applies = { kinds = [\"vendor\"] }", clinic("cloud", true)));
    assert!(outside("applies = { patterns = [\"I\", \"III\"] }", clinic("cloud", true)));
    assert!(!outside("applies = { patterns = [\"I\", \"III\"] }", clinic("mixed", true)));
    assert!(!outside("applies = { patterns = [\"I\", \"III\"] }", Facility::default()), "not stated: it applies");
    assert!(outside("applies = { path = \"hoshu\" }", clinic("on_premises", false)), "no proof of the path");
}

#[test]
fn the_hoshu_path_deems_only_when_its_own_volume_is_met() {
    let catalogs = catalogs("{ fact = \"device.known\" }", "");
    let catalog = catalogs.catalog("x").unwrap();
    let mut evidence = with_fact("device.known", 3, 0, 1);
    evidence.facility.staff = Some(false);
    evidence.updates_by_vendor = Tally { total: 2, bad: 0, unknown: 0, oldest: Some(TODAY) };
    let verdict_of = |evidence: &Evidence| assess(&catalogs, catalog, "hospital", evidence, TODAY)[0].verdict;
    assert_eq!(verdict_of(&evidence), Verdict::Unknown, "保守委託機関編 itself is not shown to be met");
    let good = Tally { total: 1, bad: 0, unknown: 0, oldest: Some(TODAY) };
    evidence.facts.insert("system.lockout", good);
    assert_eq!(verdict_of(&evidence), Verdict::Unknown, "the vendors have not answered MDS/SDS");
    evidence.facts.insert(VENDOR_ANSWERS, good);
    assert_eq!(verdict_of(&evidence), Verdict::Deemed);
    evidence.facts.insert("device.known", Tally { bad: 1, ..good });
    assert_eq!(verdict_of(&evidence), Verdict::Unmet, "what is shown not to be so is not deemed to be so");
    evidence.facts.insert("device.known", Tally { unknown: 1, ..good });
    evidence.updates_by_vendor.bad = 1;
    assert_eq!(verdict_of(&evidence), Verdict::Unknown, "one server updated by the institution ends the path");
}

#[test]
fn reasons_name_what_is_missing_and_what_to_do() {
    let catalogs = catalogs("{ all = [{ fact = \"device.known\" }, { document = \"bcp\" }] }", "");
    let (_, requirement) = catalogs.requirement("x/v/1").unwrap();
    let evidence = with_fact("device.known", 5, 2, 0);
    let finding = evaluate(&catalogs, requirement, &evidence, TODAY);
    let lang = crate::text::Lang::Ja;
    assert!(finding.reasons(lang)[0].contains("2台"), "{:?}", finding.reasons(lang));
    assert_eq!(finding.next_actions(lang).len(), 2);
}

proptest! {
    /// More knowledge of the same good kind never makes it worse; bad news never makes it better.
    #[test]
    fn verdicts_are_monotone(total in 1_i64..50, bad in 0_i64..5, unknown in 0_i64..5) {
        let rank = |v: Verdict| match v { Verdict::Unmet => 0, Verdict::Unknown => 1, _ => 2 };
        let rule = "{ fact = \"device.known\" }";
        let now = rank(verdict(rule, &with_fact("device.known", total, bad, unknown)));
        prop_assert!(rank(verdict(rule, &with_fact("device.known", total, bad + 1, unknown))) <= now);
        prop_assert!(rank(verdict(rule, &with_fact("device.known", total, 0, unknown))) >= now);
        prop_assert!(rank(verdict(rule, &with_fact("device.known", total, bad, 0))) >= now);
    }
}
