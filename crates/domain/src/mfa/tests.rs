#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]
//! The worked cases of the rule by number, and what they leave out.

mod bridge;
mod properties;

use super::*;

// ---- what the cases are made of

const TODAY: Date = date(2026, 11, 22);

/// A set of factors written as in the ledger: `KP`.
fn f(letters: &str) -> Factors {
    letters.chars().map(|letter| Factor::from_letter(letter).unwrap()).collect()
}

fn app(factors: &str) -> Client {
    Client { app: f(factors), ..Client::default() }
}

fn os(factors: &str) -> Server {
    Server { os: f(factors), ..Server::default() }
}

/// The only path, in a separate domain, all three preconditions satisfied; neither ① nor ② yet.
fn good_bastion(os: &str) -> Bastion {
    Bastion {
        only_path: Some(true),
        separate_domain: Some(true),
        os: f(os),
        external_user_is_admin: Some(false),
        os_patched: Some(true),
        shared_password: Some(false),
        ..Bastion::default()
    }
}

fn watched_bastion() -> Bastion {
    Bastion { edr: Some(true), external_vpn_only: Some(true), ..good_bastion("K") }
}

fn behind(bastion: Bastion) -> Server {
    Server { os: f("K"), bastion: Some(bastion), equivalent: None }
}

/// Handles medical information and is in use on the reference date; nothing else is said.
fn system(clients: &[Client], servers: &[Server]) -> SystemCase {
    SystemCase {
        handles: Some(true),
        in_use_at_ref: Some(true),
        clients: clients.to_vec(),
        servers: servers.to_vec(),
        ..SystemCase::default()
    }
}

fn two_factor_client(server: Server) -> SystemCase {
    system(&[app("KP")], &[server])
}

fn one_factor() -> SystemCase {
    system(&[app("K")], &[os("K")])
}

fn renewed(on: Date) -> Option<Event> {
    Some(Event { kind: EventKind::RenewalEquipment, on })
}

fn answer(case: &SystemCase, today: Date) -> (Verdict, String) {
    answer_with(case, today, &Settings::default())
}

fn answer_with(case: &SystemCase, today: Date, settings: &Settings) -> (Verdict, String) {
    let judgement = judge(case, today, settings);
    (judgement.verdict, judgement.codes_text())
}

// ---- the worked cases

#[test]
fn worked_cases() {
    let relief = SystemCase { difficulty: Some(Claim::Approved), renewal: Some(date(2029, 3, 31)), ..one_factor() };
    let watched = watched_bastion();

    let cases: [(u8, Date, SystemCase, Verdict, &str); 24] = [
        (1, TODAY, two_factor_client(os("KP")), Verdict::Ok, "C-APP, S-OS"),
        (2, TODAY, two_factor_client(os("K")), Verdict::Action, "S-SINGLE"),
        (3, TODAY, system(&[Client { os: f("K"), ..app("K") }], &[os("KP")]), Verdict::Action, "C-SPLIT"),
        (
            4,
            TODAY,
            SystemCase { plan: Some(date(2027, 9, 30)), ..system(&[Client { os: f("B"), ..app("K") }], &[os("KP")]) },
            Verdict::Planned,
            "C-SPLIT",
        ),
        (
            5,
            TODAY,
            system(&[Client { os: f("KP"), link: Link::Credential, ..Client::default() }], &[os("KP")]),
            Verdict::Ok,
            "C-LINKED, S-OS",
        ),
        (
            6,
            TODAY,
            system(&[Client { os: f("KP"), link: Link::FormFill, ..app("K") }], &[os("KP")]),
            Verdict::Action,
            "C-UNLINKED",
        ),
        (7, TODAY, two_factor_client(behind(good_bastion("KP"))), Verdict::OkDeemed, "C-APP, S-B1"),
        (8, TODAY, two_factor_client(behind(watched)), Verdict::OkDeemed, "C-APP, S-B2"),
        (
            9,
            TODAY,
            two_factor_client(behind(Bastion { shared_password: Some(true), ..good_bastion("KP") })),
            Verdict::Action,
            "S-PRE-SHAREDPW",
        ),
        (
            10,
            TODAY,
            two_factor_client(behind(Bastion {
                external_user_is_admin: Some(true),
                os_patched: Some(false),
                ..watched
            })),
            Verdict::Action,
            "S-PRE-ADMIN+PATCH",
        ),
        (
            11,
            TODAY,
            SystemCase {
                plan: Some(date(2027, 3, 31)),
                ..two_factor_client(behind(Bastion { separate_domain: Some(false), ..good_bastion("KP") }))
            },
            Verdict::Planned,
            "S-DOMAIN",
        ),
        (
            12,
            TODAY,
            two_factor_client(behind(Bastion { only_path: Some(false), ..good_bastion("KP") })),
            Verdict::Action,
            "S-PATH",
        ),
        (
            13,
            TODAY,
            two_factor_client(behind(Bastion { external_vpn_only: Some(false), ..watched })),
            Verdict::Action,
            "S-ALT",
        ),
        (
            14,
            TODAY,
            two_factor_client(Server { equivalent: Some(Claim::Stated), ..os("K") }),
            Verdict::Review,
            "C-APP, S-EQ",
        ),
        (
            15,
            TODAY,
            SystemCase { event: renewed(date(2026, 10, 1)), ..one_factor() },
            Verdict::Gap,
            "C-SINGLE, S-SINGLE, T-MISSED",
        ),
        (16, date(2027, 6, 1), relief.clone(), Verdict::Deferred, "C-SINGLE, S-SINGLE"),
        (
            17,
            date(2029, 4, 10),
            SystemCase { event: renewed(date(2029, 3, 31)), renewal: Some(date(2034, 3, 31)), ..relief },
            Verdict::Gap,
            "C-SINGLE, S-SINGLE, T-RENEWAL-USED",
        ),
        (18, TODAY, SystemCase { in_use_at_ref: Some(false), ..one_factor() }, Verdict::NotApplicable, "A-DATE"),
        (19, TODAY, SystemCase { handles: Some(false), ..one_factor() }, Verdict::NotApplicable, "A-SCOPE"),
        (
            20,
            date(2027, 5, 1),
            SystemCase {
                hoshu: true,
                vendor_capable: Some(true),
                renewal: Some(date(2028, 10, 1)),
                ..system(&[app("K")], &[])
            },
            Verdict::Deferred,
            "C-SINGLE, H-VENDOR",
        ),
        (21, date(2027, 7, 1), one_factor(), Verdict::Gap, "C-SINGLE, S-SINGLE"),
        (22, TODAY, SystemCase { in_use_at_ref: None, ..one_factor() }, Verdict::Unknown, "A-DATE?"),
        (
            23,
            date(2027, 9, 1),
            SystemCase {
                in_use_at_ref: Some(false),
                event: Some(Event { kind: EventKind::New, on: date(2027, 8, 1) }),
                ..system(&[app("PB")], &[os("KP")])
            },
            Verdict::Ok,
            "C-APP, S-OS",
        ),
        (24, TODAY, system(&[app("PK")], &[os("KP")]), Verdict::Ok, "C-APP, S-OS"),
    ];
    for (number, today, case, verdict, codes) in cases {
        assert_eq!(answer(&case, today), (verdict, codes.to_owned()), "case {number}");
    }
}

/// A verdict as the table of worked passwords writes it.
fn said(verdict: &PasswordVerdict) -> String {
    let word = match verdict {
        PasswordVerdict::Ok => "OK",
        PasswordVerdict::Deferred => "DEFERRED",
        PasswordVerdict::Ng(_) => "NG",
        PasswordVerdict::Unknown => "UNKNOWN",
    };
    std::iter::once(word).chain(verdict.codes().iter().map(|code| code.as_str())).collect::<Vec<_>>().join(" ")
}

#[test]
fn worked_passwords() {
    let of = |length| Password { length: Some(length), letters_and_digits: Some(true), ..Password::default() };
    let digits_only = Password { letters_and_digits: Some(false), ..of(13) };
    let limited = |max, length| Password { product_max: Some(max), ..of(length) };
    let reused = Password { reused: true, ..of(16) };

    let cases = [
        ("p1", password(&of(8), true), "OK"),
        ("p2", password(&of(7), true), "NG P-LEN-8"),
        ("p3", password(&of(12), false), "NG P-LEN-13"),
        ("p4", password(&of(13), false), "OK"),
        ("p5", password(&digits_only, false), "NG P-MIX"),
        ("p6", password(&limited(10, 10), false), "DEFERRED P-PRODUCT-MAX"),
        ("p7", password(&limited(10, 8), false), "NG P-PRODUCT-MAX"),
        ("p8", pin(4, true), "OK"),
        ("p9", pin(6, false), "NG P-PIN-ALONE"),
        ("p10", password(&reused, true), "NG P-REUSE"),
        // Beyond the table: the length of PINs, and limits that excuse nobody.
        ("PIN 3", pin(3, true), "NG P-PIN-LEN"),
        ("PIN 8", pin(8, true), "OK"),
        ("PIN 9", pin(9, true), "NG P-PIN-LEN"),
        ("limit of 6 beside a second factor", password(&limited(6, 6), true), "NG P-LEN-8"),
        ("limit of 20", password(&limited(20, 12), false), "NG P-LEN-13"),
    ];
    for (number, verdict, expected) in cases {
        assert_eq!(said(&verdict), expected, "{number}");
    }
}

#[test]
fn what_is_not_stated_of_a_password_is_unknown_unless_the_rest_decides() {
    let unknown = Password::default();
    assert_eq!(password(&unknown, true), PasswordVerdict::Unknown);
    assert_eq!(password_r7(&unknown, true), PasswordVerdict::Unknown);
    assert_eq!(password(&Password { length: Some(13), ..unknown.clone() }, false), PasswordVerdict::Unknown);
    assert_eq!(password(&Password { length: Some(5), ..unknown }, false).met(), Some(false));
}

#[test]
fn checklist_r7_waives_only_the_regular_change() {
    let of = |length, symbols, changed| Password {
        length: Some(length),
        letters_and_digits: Some(true),
        symbols: Some(symbols),
        changed_regularly: changed,
        ..Password::default()
    };
    let r7 = |length, symbols, changed, two_factor| said(&password_r7(&of(length, symbols, changed), two_factor));

    assert_eq!(r7(8, true, Some(true), false), "OK");
    assert_eq!(r7(7, true, Some(true), false), "NG P-LEN-8");
    assert_eq!(r7(8, true, Some(false), false), "NG P-CHANGE");
    assert_eq!(r7(12, true, Some(false), false), "NG P-CHANGE");
    assert_eq!(r7(13, true, Some(false), false), "OK");
    assert_eq!(r7(8, true, Some(false), true), "OK");
    assert_eq!(r7(13, false, Some(false), true), "NG P-SYMBOL");

    assert_eq!(r7(8, true, None, false), "UNKNOWN");
    assert_eq!(r7(13, true, None, false), "OK");
    assert_eq!(r7(8, true, None, true), "OK");
}

// ---- what the cases leave out

#[test]
fn missing_answers_are_said_and_never_help() {
    let unsaid = SystemCase { handles: None, ..two_factor_client(os("KP")) };
    assert_eq!(answer(&unsaid, TODAY), (Verdict::Unknown, "A-SCOPE?".to_owned()));
    assert_eq!(answer(&system(&[], &[]), TODAY), (Verdict::Unknown, "A-EMPTY".to_owned()));

    // One login without any method hides nothing that fails and spoils what passes.
    assert_eq!(answer(&two_factor_client(os("")), TODAY), (Verdict::Unknown, "A-EMPTY".to_owned()));
    assert_eq!(answer(&system(&[app("")], &[os("K")]), TODAY), (Verdict::Action, "A-EMPTY, S-SINGLE".to_owned()));

    let silent = Bastion { os: f("KP"), ..Bastion::default() };
    let path_said = Bastion { only_path: Some(true), ..silent };
    let domain_said = Bastion { separate_domain: Some(true), ..path_said };
    for (bastion, codes) in [(silent, "S-PATH"), (path_said, "S-DOMAIN"), (domain_said, "S-PRE-ADMIN+PATCH+SHAREDPW")] {
        assert_eq!(answer(&two_factor_client(behind(bastion)), TODAY), (Verdict::Action, codes.to_owned()));
    }
}

#[test]
fn middleware_is_like_the_operating_system() {
    let client = |app: &str, link| Client { app: f(app), middleware: f("KP"), link, ..Client::default() };
    let codes = |client| answer(&system(&[client], &[os("KP")]), TODAY).1;
    assert_eq!(codes(client("", Link::Credential)), "C-LINKED, S-OS");
    assert_eq!(codes(client("K", Link::None)), "C-UNLINKED");
    assert_eq!(codes(Client { middleware: f("P"), ..app("K") }), "C-SPLIT");
}

#[test]
fn an_approved_equivalent_measure_is_deemed() {
    let case = two_factor_client(Server { equivalent: Some(Claim::Approved), ..os("K") });
    assert_eq!(answer(&case, TODAY), (Verdict::OkDeemed, "C-APP, S-EQ".to_owned()));
}

#[test]
fn codes_are_given_once() {
    let case = system(&[app("KP"), app("KB")], &[os("KP"), behind(good_bastion("KP"))]);
    assert_eq!(answer(&case, TODAY), (Verdict::OkDeemed, "C-APP, S-OS, S-B1".to_owned()));
}

#[test]
fn relief_needs_reason_approval_and_a_renewal_ahead() {
    let today = date(2027, 6, 1);
    let verdict = |difficulty, renewal| answer(&SystemCase { difficulty, renewal, ..one_factor() }, today).0;
    let ahead = Some(today);
    assert_eq!(verdict(Some(Claim::Approved), ahead), Verdict::Deferred);
    assert_eq!(verdict(Some(Claim::Approved), Some(date(2027, 5, 31))), Verdict::Gap);
    assert_eq!(verdict(Some(Claim::Approved), None), Verdict::Gap);
    assert_eq!(verdict(Some(Claim::Stated), ahead), Verdict::Gap);
    assert_eq!(verdict(None, ahead), Verdict::Gap);
}

#[test]
fn relief_excuses_a_missed_introduction_with_a_warning() {
    let case = SystemCase {
        event: renewed(date(2026, 10, 1)),
        difficulty: Some(Claim::Approved),
        renewal: Some(date(2031, 10, 1)),
        ..one_factor()
    };
    assert_eq!(answer(&case, TODAY), (Verdict::Deferred, "C-SINGLE, S-SINGLE, T-WARN-MISSED-TRIGGER".to_owned()));
}

#[test]
fn the_hoshu_path_needs_a_capable_vendor_and_a_renewal_ahead() {
    let case = SystemCase { hoshu: true, vendor_capable: Some(true), renewal: Some(date(2028, 10, 1)), ..one_factor() };
    let gap = (Verdict::Gap, "C-SINGLE, S-SINGLE".to_owned());
    assert_eq!(answer(&case, date(2028, 10, 1)).0, Verdict::Deferred);
    assert_eq!(answer(&case, date(2028, 10, 2)), gap);
    let unsaid = SystemCase { vendor_capable: None, ..case.clone() };
    assert_eq!(answer(&unsaid, date(2027, 5, 1)), gap);
    let planned = SystemCase { plan: Some(date(2028, 3, 31)), ..unsaid };
    assert_eq!(answer(&planned, date(2027, 5, 1)).0, Verdict::Planned);
}

#[test]
fn the_days_themselves_belong_to_the_period_they_name() {
    let renewed_on = |on, today| answer(&SystemCase { event: renewed(on), ..one_factor() }, today).1;
    assert_eq!(renewed_on(date(2026, 6, 28), TODAY), "C-SINGLE, S-SINGLE");
    assert_eq!(renewed_on(date(2026, 6, 29), TODAY), "C-SINGLE, S-SINGLE, T-MISSED");
    assert_eq!(renewed_on(TODAY.tomorrow().unwrap(), TODAY), "C-SINGLE, S-SINGLE");
    assert_eq!(renewed_on(date(2027, 4, 1), date(2027, 4, 1)), "C-SINGLE, S-SINGLE, T-RENEWAL-USED");

    let planned_for = |on, today| answer(&SystemCase { plan: Some(on), ..one_factor() }, today).0;
    assert_eq!(planned_for(date(2028, 3, 31), date(2028, 3, 31)), Verdict::Planned);
    assert_eq!(planned_for(date(2028, 4, 1), TODAY), Verdict::Action);
    assert_eq!(planned_for(date(2027, 9, 30), date(2027, 10, 1)), Verdict::Gap);

    assert_eq!(answer(&one_factor(), date(2027, 3, 31)).0, Verdict::Action);
    assert_eq!(answer(&one_factor(), date(2027, 4, 1)).0, Verdict::Gap);
}

#[test]
fn each_setting_changes_what_it_says() {
    let default = Settings::default();

    let planned = SystemCase { plan: Some(date(2027, 9, 30)), ..one_factor() };
    let strict = Settings { plan_until: default.reference_date, ..default };
    assert_eq!(answer_with(&planned, TODAY, &strict).0, Verdict::Action);

    let later = SystemCase { in_use_at_ref: Some(false), event: renewed(date(2027, 8, 1)), ..one_factor() };
    let literal = Settings { later_introductions: false, ..default };
    assert_eq!(answer(&later, date(2027, 9, 1)).0, Verdict::Gap);
    assert_eq!(answer_with(&later, date(2027, 9, 1), &literal).0, Verdict::NotApplicable);

    let claimed = SystemCase { difficulty: Some(Claim::Stated), renewal: Some(date(2029, 1, 1)), ..one_factor() };
    let trusting = Settings { relief_needs_approval: false, ..default };
    assert_eq!(answer_with(&claimed, TODAY, &trusting).0, Verdict::Deferred);

    let software = Event { kind: EventKind::RenewalSoftware, on: date(2026, 10, 1) };
    let software = SystemCase { event: Some(software), ..one_factor() };
    let wide = Settings { software_renewal_obliges: true, ..default };
    assert_eq!(answer(&software, TODAY).0, Verdict::Action);
    assert_eq!(answer_with(&software, TODAY, &wide).0, Verdict::Gap);

    let filled = system(&[Client { os: f("KP"), link: Link::FormFill, ..app("K") }], &[os("KP")]);
    let lenient = Settings { form_fill_links: true, ..default };
    assert_eq!(answer_with(&filled, TODAY, &lenient), (Verdict::Ok, "C-LINKED, S-OS".to_owned()));
}

#[test]
fn one_side_of_the_table_is_not_the_table() {
    let said_nothing = (Verdict::Unknown, "A-EMPTY".to_owned());
    assert_eq!(answer(&system(&[app("KP")], &[]), TODAY), said_nothing, "no word about the server");
    assert_eq!(answer(&system(&[], &[os("KP")]), TODAY), said_nothing, "no word about the terminals");
    assert_eq!(answer(&system(&[app("K")], &[]), TODAY).0, Verdict::Action, "what fails, fails");
}
