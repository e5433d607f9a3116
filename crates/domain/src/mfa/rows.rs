//! The bridge from the ledgers `systems` and `logins` to the rules, and from verdicts to facts.
//!
//! An absent cell is not stated. Where the rule has no *unknown*, the reading that excuses less is
//! taken, and said below.

use jiff::civil::Date;

use super::{
    Bastion, Claim, Client, Event, EventKind, Factors, Link, Password, REFERENCE_DATE, Server, Settings, SystemCase,
    Verdict, password, password_r7, plan_holds,
};
use crate::jp;
use crate::ledger::{Row, Value, ledger};
use crate::message::say;
use crate::text::Lang;

/// Reads one row of `systems` with its rows of `logins`.
///
/// - A system without a day of retirement is expected to stay in use; one retiring on or before the
///   reference date, or new after it, is not in use on that day.
/// - A day of introduction whose kind is not stated is taken as a new introduction; a kind without a
///   day is no event, for it cannot be placed in time.
/// - A reason or an equivalent measure is approved only where both the approver and the day are given.
/// - A bastion is one only where its use is stated, and a login that is not of a server is of a client.
pub fn from_rows(system: &Row, logins: &[&Row], path_hoshu: bool) -> SystemCase {
    let event = event(system);
    let new_after = event.is_some_and(|e| e.kind == EventKind::New && e.on > REFERENCE_DATE);
    let stays = day(system, "retires_on").is_none_or(|on| on > REFERENCE_DATE);
    let (servers, clients): (Vec<&Row>, Vec<&Row>) =
        logins.iter().partition(|login| text(login, "side") == Some("server"));

    SystemCase {
        handles: yes_no(system, "handles"),
        in_use_at_ref: Some(stays && !new_after),
        event,
        clients: clients.into_iter().map(client).collect(),
        servers: servers.into_iter().map(server).collect(),
        difficulty: claim(system, "difficulty", "difficulty_approved_by", "difficulty_approved_on"),
        renewal: day(system, "renewal_on"),
        plan: day(system, "two_factor_plan_on"),
        hoshu: path_hoshu,
        vendor_capable: yes_no(system, "vendor_capable"),
    }
}

impl Settings {
    /// The reading that a row of `facilities` states; what it leaves open is the product's.
    pub fn of_facility(row: &Row) -> Self {
        let own = Self::default();
        Self {
            plan_until: day(row, "mfa_plan_until").unwrap_or(own.plan_until),
            issued_on: day(row, "mfa_missed_from").unwrap_or(own.issued_on),
            later_introductions: yes_no(row, "mfa_later").unwrap_or(own.later_introductions),
            relief_needs_approval: yes_no(row, "mfa_approval").unwrap_or(own.relief_needs_approval),
            software_renewal_obliges: yes_no(row, "mfa_software").unwrap_or(own.software_renewal_obliges),
            form_fill_links: yes_no(row, "mfa_form_fill").unwrap_or(own.form_fill_links),
            reference_date: own.reference_date,
        }
    }

    /// Where it departs from the product's reading: headings of the ledger of facilities with what is stated there.
    pub fn departures(&self, lang: Lang) -> Vec<String> {
        let own = Self::default();
        let dates =
            [("mfa_plan_until", self.plan_until, own.plan_until), ("mfa_missed_from", self.issued_on, own.issued_on)];
        let answers = [
            ("mfa_later", self.later_introductions, own.later_introductions),
            ("mfa_approval", self.relief_needs_approval, own.relief_needs_approval),
            ("mfa_software", self.software_renewal_obliges, own.software_renewal_obliges),
            ("mfa_form_fill", self.form_fill_links, own.form_fill_links),
        ];
        let dates = dates.into_iter().filter(|(_, is, was)| is != was).map(|(name, is, _)| (name, jp::show(is, lang)));
        let answers = answers.into_iter().filter(|(_, is, was)| is != was);
        let answers =
            answers.map(|(name, is, _)| (name, say(lang, if is { "reading-yes" } else { "reading-no" }, &[])));
        let heading = |name| ledger("facilities").and_then(|l| l.column(name)).map_or(name, |c| c.label.in_lang(lang));
        dates.chain(answers).map(|(name, is)| format!("{}: {is}", heading(name))).collect()
    }
}

/// The answer of a system to the fact `system.two_factor`: a plan within the fiscal year and the
/// relief count as met. `None` is unknown; a system whose verdict is not
/// [counted](Verdict::is_counted) is left out by the caller before it asks.
pub const fn two_factor_met(verdict: Verdict) -> Option<bool> {
    match verdict {
        Verdict::Ok | Verdict::OkDeemed | Verdict::Planned | Verdict::Deferred => Some(true),
        Verdict::Action | Verdict::Gap => Some(false),
        Verdict::Review | Verdict::Unknown | Verdict::NotApplicable => None,
    }
}

/// The answer of a system to the fact `system.two_factor_planned`, which edition 6.0 and the FY R7
/// checklist ask: in place, or to be in place by the end of 令和9年度.
///
/// They know no relief, so [`Verdict::Deferred`] counts only where its renewal falls in that time;
/// nor a missed introduction, so a [`Verdict::Gap`] with a plan that still holds counts. `None` and
/// the systems to leave out are those of [`two_factor_met`].
pub fn two_factor_planned(case: &SystemCase, verdict: Verdict, today: Date, settings: &Settings) -> Option<bool> {
    let due = |on| plan_holds(on, today, settings);
    match verdict {
        Verdict::Ok | Verdict::OkDeemed | Verdict::Planned => Some(true),
        Verdict::Unknown | Verdict::NotApplicable => None,
        Verdict::Deferred => Some(due(case.plan) || due(case.renewal)),
        Verdict::Review => due(case.plan).then_some(true),
        Verdict::Action | Verdict::Gap => Some(due(case.plan)),
    }
}

/// The answer of a row of `systems` to the fact `system.password_length`, by guideline 7.0.
/// `two_factor` is [`Verdict::is_in_place`]; a plan does not shorten passwords. Reuse is the fact
/// `system.password_unique` and not read here.
pub fn passwords_met(system: &Row, two_factor: bool) -> Option<bool> {
    password(&password_of(system), two_factor).met()
}

/// The answer of a row of `systems` to the fact `system.password_r7`, by the FY R7 checklist;
/// `two_factor` as in [`passwords_met`].
pub fn passwords_r7_met(system: &Row, two_factor: bool) -> Option<bool> {
    password_r7(&password_of(system), two_factor).met()
}

fn event(system: &Row) -> Option<Event> {
    let kind = match text(system, "introduction") {
        Some("none") => return None,
        Some("renewal_equipment") => EventKind::RenewalEquipment,
        Some("renewal_software") => EventKind::RenewalSoftware,
        _ => EventKind::New,
    };
    day(system, "introduced_on").map(|on| Event { kind, on })
}

fn client(login: &Row) -> Client {
    Client {
        app: factors(login, "app"),
        middleware: factors(login, "middleware"),
        os: factors(login, "os"),
        link: match text(login, "link") {
            Some("credential") => Link::Credential,
            Some("form_fill") => Link::FormFill,
            _ => Link::None,
        },
    }
}

fn server(login: &Row) -> Server {
    let bastion = (yes_no(login, "bastion") == Some(true)).then(|| Bastion {
        only_path: yes_no(login, "only_path"),
        separate_domain: yes_no(login, "separate_domain"),
        os: factors(login, "bastion_os"),
        edr: yes_no(login, "edr"),
        external_vpn_only: yes_no(login, "external_vpn_only"),
        external_user_is_admin: yes_no(login, "external_admin"),
        os_patched: yes_no(login, "os_patched"),
        shared_password: yes_no(login, "shared_password"),
    });
    Server {
        os: factors(login, "os"),
        bastion,
        equivalent: claim(login, "equivalent", "equivalent_approved_by", "equivalent_approved_on"),
    }
}

fn password_of(system: &Row) -> Password {
    Password {
        length: number(system, "password_min"),
        letters_and_digits: yes_no(system, "password_mixed"),
        symbols: yes_no(system, "password_symbols"),
        changed_regularly: yes_no(system, "password_periodic"),
        product_max: number(system, "password_max"),
        reused: false,
    }
}

fn claim(row: &Row, what: &str, approver: &str, approved_on: &str) -> Option<Claim> {
    row.get(what)?;
    let approved = row.contains_key(approver) && day(row, approved_on).is_some();
    Some(if approved { Claim::Approved } else { Claim::Stated })
}

fn factors(row: &Row, column: &str) -> Factors {
    text(row, column).map(Factors::from_methods).unwrap_or_default()
}

fn yes_no(row: &Row, column: &str) -> Option<bool> {
    match row.get(column)? {
        Value::YesNo(answer) => Some(*answer),
        _ => None,
    }
}

fn number(row: &Row, column: &str) -> Option<i64> {
    match row.get(column)? {
        Value::Integer(number) => Some(*number),
        _ => None,
    }
}

fn day(row: &Row, column: &str) -> Option<Date> {
    match row.get(column)? {
        Value::Date(day) => Some(*day),
        _ => None,
    }
}

fn text<'a>(row: &'a Row, column: &str) -> Option<&'a str> {
    match row.get(column)? {
        Value::Text(text) => Some(text),
        _ => None,
    }
}
