//! From ledger rows to cases, and from verdicts to the facts.

use super::super::*;
use super::{TODAY, answer, f, renewed};
use crate::ledger::{Row, Value, ledger};

/// A row of ledger `name`; a column it does not have is a mistake of the test or of the bridge.
fn row(name: &str, cells: &[(&'static str, Value)]) -> Row {
    let ledger = ledger(name).unwrap();
    for (column, _) in cells {
        assert!(ledger.column(column).is_some(), "{name} has no {column}");
    }
    cells.iter().cloned().collect()
}

fn t(text: &str) -> Value {
    Value::Text(text.to_owned())
}

const YES: Value = Value::YesNo(true);
const NO: Value = Value::YesNo(false);

#[test]
fn methods_become_factors() {
    assert_eq!(Factors::from_methods("password+otp"), f("KP"));
    assert_eq!(Factors::from_methods("password+pin"), f("K"));
    assert_eq!(Factors::from_methods("certificate+pin"), f("PK"));
    assert_eq!(Factors::from_methods("passkey"), f("PB"));
    assert_eq!(Factors::from_methods("unheard_of"), f(""));
}

#[test]
fn every_cell_reaches_the_case() {
    let system = row(
        "systems",
        &[
            ("handles", YES),
            ("introduction", t("renewal_equipment")),
            ("introduced_on", Value::Date(date(2026, 10, 1))),
            ("renewal_on", Value::Date(date(2031, 10, 1))),
            ("retires_on", Value::Date(date(2027, 4, 1))),
            ("two_factor_plan_on", Value::Date(date(2027, 9, 30))),
            ("difficulty", t("検査装置が対応していない")),
            ("difficulty_approved_by", t("院長")),
            ("difficulty_approved_on", Value::Date(date(2026, 11, 1))),
            ("vendor_capable", YES),
        ],
    );
    let terminal = row(
        "logins",
        &[
            ("side", t("client")),
            ("app", t("password")),
            ("middleware", t("otp")),
            ("os", t("password+biometric")),
            ("link", t("form_fill")),
        ],
    );
    let server = row(
        "logins",
        &[
            ("side", t("server")),
            ("os", t("password")),
            ("bastion", YES),
            ("only_path", YES),
            ("separate_domain", NO),
            ("bastion_os", t("password+ic_card")),
            ("edr", YES),
            ("external_vpn_only", NO),
            ("external_admin", YES),
            ("os_patched", NO),
            ("shared_password", YES),
            ("equivalent", t("別棟の専用端末だけから入る")),
            ("equivalent_approved_by", t("院長")),
            ("equivalent_approved_on", Value::Date(date(2026, 11, 1))),
        ],
    );
    let expected = SystemCase {
        handles: Some(true),
        in_use_at_ref: Some(false),
        event: renewed(date(2026, 10, 1)),
        clients: vec![Client { app: f("K"), middleware: f("P"), os: f("KB"), link: Link::FormFill }],
        servers: vec![Server {
            os: f("K"),
            bastion: Some(Bastion {
                only_path: Some(true),
                separate_domain: Some(false),
                os: f("KP"),
                edr: Some(true),
                external_vpn_only: Some(false),
                external_user_is_admin: Some(true),
                os_patched: Some(false),
                shared_password: Some(true),
            }),
            equivalent: Some(Claim::Approved),
        }],
        difficulty: Some(Claim::Approved),
        renewal: Some(date(2031, 10, 1)),
        plan: Some(date(2027, 9, 30)),
        hoshu: true,
        vendor_capable: Some(true),
    };
    assert_eq!(from_rows(&system, &[&terminal, &server], true), expected);
}

#[test]
fn empty_cells_are_not_stated() {
    let case = from_rows(&Row::new(), &[], false);
    assert_eq!(case, SystemCase { in_use_at_ref: Some(true), ..SystemCase::default() });
    assert_eq!(answer(&case, TODAY), (Verdict::Unknown, "A-SCOPE?".to_owned()));

    let bare = row("logins", &[("side", t("server"))]);
    let case = from_rows(&row("systems", &[("handles", YES)]), &[&bare], false);
    assert_eq!(case.servers, [Server::default()]);
    assert_eq!(answer(&case, TODAY), (Verdict::Unknown, "A-EMPTY".to_owned()));
}

#[test]
fn an_approval_needs_who_and_when() {
    let difficulty = |more: &[(&'static str, Value)]| {
        let mut cells = vec![("difficulty", t("装置が対応していない"))];
        cells.extend(more.iter().cloned());
        from_rows(&row("systems", &cells), &[], false).difficulty
    };
    let who = ("difficulty_approved_by", t("院長"));
    let when = ("difficulty_approved_on", Value::Date(TODAY));
    assert_eq!(difficulty(&[]), Some(Claim::Stated));
    assert_eq!(difficulty(std::slice::from_ref(&who)), Some(Claim::Stated));
    assert_eq!(difficulty(std::slice::from_ref(&when)), Some(Claim::Stated));
    assert_eq!(difficulty(&[who.clone(), when.clone()]), Some(Claim::Approved));
    assert_eq!(from_rows(&row("systems", &[who, when]), &[], false).difficulty, None);
}

#[test]
fn days_of_use_follow_introduction_and_retirement() {
    let case = |cells: &[(&'static str, Value)]| from_rows(&row("systems", cells), &[], false);
    let introduced = |on| ("introduced_on", Value::Date(on));
    let retires = |on| case(&[("retires_on", Value::Date(on))]).in_use_at_ref;
    assert_eq!(retires(date(2027, 4, 1)), Some(false));
    assert_eq!(retires(date(2027, 4, 2)), Some(true));

    let new_later = case(&[("introduction", t("new")), introduced(date(2027, 8, 1))]);
    assert_eq!(new_later.in_use_at_ref, Some(false));
    assert_eq!(new_later.event, Some(Event { kind: EventKind::New, on: date(2027, 8, 1) }));
    let renewed_later = case(&[("introduction", t("renewal_equipment")), introduced(date(2027, 8, 1))]);
    assert_eq!(renewed_later.in_use_at_ref, Some(true));

    let kind_unsaid = case(&[introduced(date(2026, 10, 1))]);
    assert_eq!(kind_unsaid.event, Some(Event { kind: EventKind::New, on: date(2026, 10, 1) }));
    assert_eq!(case(&[("introduction", t("none")), introduced(date(2026, 10, 1))]).event, None);
    assert_eq!(case(&[("introduction", t("new"))]).event, None);
}

#[test]
fn verdicts_answer_the_facts() {
    let settings = Settings::default();
    let bare = SystemCase::default();
    let in_time = SystemCase { plan: Some(date(2028, 3, 31)), ..SystemCase::default() };
    let renewal_in_time = SystemCase { renewal: Some(date(2027, 10, 1)), ..SystemCase::default() };
    let planned = |case: &SystemCase, verdict| two_factor_planned(case, verdict, TODAY, &settings);

    // verdict, system.two_factor, system.two_factor_planned without and with a plan
    let table = [
        (Verdict::Ok, Some(true), Some(true), Some(true)),
        (Verdict::OkDeemed, Some(true), Some(true), Some(true)),
        (Verdict::Planned, Some(true), Some(true), Some(true)),
        (Verdict::Deferred, Some(true), Some(false), Some(true)),
        (Verdict::Review, None, None, Some(true)),
        (Verdict::Action, Some(false), Some(false), Some(true)),
        (Verdict::Gap, Some(false), Some(false), Some(true)),
        (Verdict::NotApplicable, None, None, None),
        (Verdict::Unknown, None, None, None),
    ];
    for (verdict, met, without_plan, with_plan) in table {
        assert_eq!(two_factor_met(verdict), met, "{verdict:?}");
        assert_eq!(planned(&bare, verdict), without_plan, "{verdict:?}");
        assert_eq!(planned(&in_time, verdict), with_plan, "{verdict:?}");
        assert_eq!(verdict.is_counted(), verdict != Verdict::NotApplicable);
    }
    assert_eq!(planned(&renewal_in_time, Verdict::Deferred), Some(true));
    assert_eq!(planned(&renewal_in_time, Verdict::Gap), Some(false));
}

#[test]
fn password_rows_answer_the_facts() {
    let cells = [
        ("password_min", Value::Integer(8)),
        ("password_max", Value::Integer(8)),
        ("password_mixed", YES),
        ("password_symbols", YES),
        ("password_periodic", NO),
        ("password_reused", YES),
    ];
    let system = row("systems", &cells);
    assert_eq!(passwords_met(&system, true), Some(true));
    assert_eq!(passwords_met(&system, false), Some(true), "the product's maximum, until the renewal");
    assert_eq!(passwords_r7_met(&system, true), Some(true));
    assert_eq!(passwords_r7_met(&system, false), Some(false));

    for (missing, met, r7) in [
        ("password_min", None, None),
        ("password_max", Some(false), Some(false)),
        ("password_mixed", None, Some(false)),
        ("password_periodic", Some(true), None),
    ] {
        let mut system = system.clone();
        system.remove(missing);
        assert_eq!(passwords_met(&system, false), met, "without {missing}");
        assert_eq!(passwords_r7_met(&system, false), r7, "without {missing}");
    }
}
