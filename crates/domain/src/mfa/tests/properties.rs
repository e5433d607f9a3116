//! The five properties the rule promises, over arbitrary systems and days.

use proptest::option;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use super::super::*;
use super::{TODAY, answer, behind, f, good_bastion, os, system, two_factor_client};

fn any_factors() -> impl Strategy<Value = Factors> {
    subsequence(vec![Factor::Knowledge, Factor::Possession, Factor::Inherence], 0..=3)
        .prop_map(|factors| factors.into_iter().collect())
}

fn any_answer() -> impl Strategy<Value = Option<bool>> {
    select(vec![None, Some(false), Some(true)])
}

fn any_claim() -> impl Strategy<Value = Option<Claim>> {
    select(vec![None, Some(Claim::Stated), Some(Claim::Approved)])
}

/// Days close to the ones the rule turns on, and some between.
fn any_day() -> impl Strategy<Value = Date> {
    let turns = [date(2026, 6, 29), date(2027, 4, 1), date(2028, 3, 31), date(2030, 1, 1)];
    (select(turns.to_vec()), prop_oneof![-1..=1_i64, -200..=200_i64])
        .prop_map(|(turn, days)| turn.checked_add(jiff::Span::new().days(days)).unwrap())
}

fn any_event() -> impl Strategy<Value = Event> {
    let kinds = vec![EventKind::New, EventKind::RenewalEquipment, EventKind::RenewalSoftware];
    (select(kinds), any_day()).prop_map(|(kind, on)| Event { kind, on })
}

prop_compose! {
    fn any_client()(
        app in any_factors(),
        middleware in any_factors(),
        os in any_factors(),
        link in select(vec![Link::None, Link::Credential, Link::FormFill]),
    ) -> Client {
        Client { app, middleware, os, link }
    }
}

prop_compose! {
    fn any_bastion()(
        path in (any_answer(), any_answer()),
        os in any_factors(),
        watched in (any_answer(), any_answer()),
        preconditions in (any_answer(), any_answer(), any_answer()),
    ) -> Bastion {
        Bastion {
            only_path: path.0,
            separate_domain: path.1,
            os,
            edr: watched.0,
            external_vpn_only: watched.1,
            external_user_is_admin: preconditions.0,
            os_patched: preconditions.1,
            shared_password: preconditions.2,
        }
    }
}

/// A bastion that follows ① or ② with all preconditions.
fn sound_bastion() -> impl Strategy<Value = Bastion> {
    (any_factors(), any_answer(), any_answer())
        .prop_map(|(os, edr, external_vpn_only)| Bastion { os, edr, external_vpn_only, ..good_bastion("") })
        .prop_filter("neither design", |bastion| {
            bastion.os.kinds() >= 2 || (bastion.edr == Some(true) && bastion.external_vpn_only == Some(true))
        })
}

prop_compose! {
    fn any_server()(
        os in any_factors(),
        bastion in option::of(prop_oneof![any_bastion(), sound_bastion()]),
        equivalent in any_claim(),
    ) -> Server {
        Server { os, bastion, equivalent }
    }
}

prop_compose! {
    fn any_case()(
        scope in (prop_oneof![Just(Some(true)), any_answer()], prop_oneof![Just(Some(true)), any_answer()]),
        event in option::of(any_event()),
        clients in prop::collection::vec(any_client(), 0..3),
        servers in prop::collection::vec(any_server(), 0..3),
        difficulty in any_claim(),
        dates in (option::of(any_day()), option::of(any_day())),
        hoshu in any::<bool>(),
        vendor_capable in any_answer(),
    ) -> SystemCase {
        SystemCase {
            handles: scope.0,
            in_use_at_ref: scope.1,
            event,
            clients,
            servers,
            difficulty,
            renewal: dates.0,
            plan: dates.1,
            hoshu,
            vendor_capable,
        }
    }
}

/// Every factor set that `case` holds.
fn factor_sets(case: &mut SystemCase) -> Vec<&mut Factors> {
    let clients = case.clients.iter_mut().flat_map(|c| [&mut c.app, &mut c.middleware, &mut c.os]);
    let servers = case
        .servers
        .iter_mut()
        .flat_map(|s| std::iter::once(&mut s.os).chain(s.bastion.as_mut().map(|bastion| &mut bastion.os)));
    clients.chain(servers).collect()
}

fn is_in_place(case: &SystemCase, today: Date) -> bool {
    judge(case, today, &Settings::default()).verdict.is_in_place()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// (1) for whole systems …
    #[test]
    fn adding_a_factor_never_breaks_a_system(case in any_case(), today in any_day()) {
        let sets = factor_sets(&mut case.clone()).len();
        for (index, more) in (0..sets).flat_map(|i| ["K", "P", "B"].map(|more| (i, more))) {
            let mut richer = case.clone();
            let set = factor_sets(&mut richer).swap_remove(index);
            *set = set.with(Factor::from_letter(more.chars().next().unwrap()).unwrap());
            prop_assert!(!is_in_place(&case, today) || is_in_place(&richer, today), "{case:?} plus {more}");
        }
    }

    /// (2)
    #[test]
    fn each_precondition_is_needed(bastion in sound_bastion(), os in select(vec!["", "K", "P", "B"]), unsaid in any::<bool>()) {
        let through = |bastion| two_factor_client(Server { os: f(os), ..behind(bastion) });
        prop_assert!(is_in_place(&through(bastion), TODAY));

        let bad = |answer: bool| (!unsaid).then_some(answer);
        let without = [
            (Bastion { external_user_is_admin: bad(true), ..bastion }, "S-PRE-ADMIN"),
            (Bastion { os_patched: bad(false), ..bastion }, "S-PRE-PATCH"),
            (Bastion { shared_password: bad(true), ..bastion }, "S-PRE-SHAREDPW"),
        ];
        for (bastion, code) in without {
            prop_assert_eq!(answer(&through(bastion), TODAY), (Verdict::Action, code.to_owned()));
        }
    }

    /// (3)
    #[test]
    fn relief_rests_on_what_it_asks_for(case in any_case(), today in any_day()) {
        let settings = Settings::default();
        let judgement = judge(&case, today, &settings);
        if judgement.verdict == Verdict::Deferred {
            prop_assert!(case.renewal.unwrap() >= settings.reference_date);
            prop_assert!(case.renewal.unwrap() >= today);
            if case.hoshu {
                prop_assert_eq!(case.vendor_capable, Some(true));
            } else {
                prop_assert_eq!(case.difficulty, Some(Claim::Approved));
            }
        }
    }

    /// (4)
    #[test]
    fn time_alone_closes_no_gap(case in any_case(), one in any_day(), other in any_day()) {
        let (today, later) = (one.min(other), one.max(other));
        if answer(&case, today).0 == Verdict::Gap {
            prop_assert_eq!(answer(&case, later).0, Verdict::Gap);
        }
    }

    /// (5)
    #[test]
    fn the_same_day_gives_the_same_answer(case in any_case(), today in any_day()) {
        prop_assert_eq!(answer(&case, today), answer(&case.clone(), today));
    }

    /// A verdict always says why, and a fact never counts as met what was not answered.
    #[test]
    fn a_judgement_has_reasons(case in any_case(), today in any_day()) {
        let settings = Settings::default();
        let judgement = judge(&case, today, &settings);
        prop_assert!(!judgement.codes.is_empty());
        if judgement.verdict == Verdict::Unknown {
            prop_assert_eq!(two_factor_met(judgement.verdict), None);
            prop_assert_eq!(two_factor_planned(&case, judgement.verdict, today, &settings), None);
        }
    }
}

/// (1) … and for every possible client, one by one.
#[test]
fn adding_a_factor_never_breaks_a_client() {
    const SETS: [&str; 8] = ["", "K", "P", "B", "KP", "KB", "PB", "KPB"];
    let links = [Link::None, Link::Credential, Link::FormFill];
    let all = SETS.iter().flat_map(|app| {
        SETS.iter().flat_map(move |middleware| {
            SETS.iter().flat_map(move |os| {
                links.map(|link| Client { app: f(app), middleware: f(middleware), os: f(os), link })
            })
        })
    });
    let mut passed = 0;
    for client in all.filter(|client| is_in_place(&system(&[*client], &[os("KP")]), TODAY)) {
        passed += 1;
        for more in [Factor::Knowledge, Factor::Possession, Factor::Inherence] {
            for richer in [
                Client { app: client.app.with(more), ..client },
                Client { middleware: client.middleware.with(more), ..client },
                Client { os: client.os.with(more), ..client },
            ] {
                assert!(is_in_place(&system(&[richer], &[os("KP")]), TODAY), "{client:?} plus {more:?}");
            }
        }
    }
    // Two or more kinds at the application (4 sets of 8), anything else: 4·8·8·3; and, linked, two or
    // more kinds below it with fewer at the application: 4·(64 − 16).
    assert_eq!(passed, 768 + 192);
}
