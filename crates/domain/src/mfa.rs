//! 二要素認証 (two-factor) and password rules of guideline 7.0, 運用編14章⑤⑥ (`mhlw-7.0/unyo/14-5`,
//! `mhlw-7.0/unyo/14-6`), as pure functions.
//!
//! Hides 表14-1, the two bastion designs with their three preconditions, and the relief for systems
//! that cannot follow in time. What goes in is one [`SystemCase`] per system, usually made of ledger
//! rows by [`from_rows`]; what comes out is a [`Verdict`] and the [`Code`]s that say why. An answer
//! that is missing never makes a verdict better. VPN devices are not judged here: for them two
//! factors are only desirable.

mod case;
mod password;
mod rows;
mod verdict;

use jiff::civil::{Date, date};

pub use case::{Bastion, Claim, Client, Event, EventKind, Factor, Factors, Link, Server, SystemCase};
pub use password::{Password, PasswordCode, PasswordVerdict, password, password_r7, pin};
pub(crate) use password::{SHORTEST_ALONE, SHORTEST_WITH_TWO_FACTOR};
pub use rows::{from_rows, passwords_met, passwords_r7_met, two_factor_met, two_factor_planned};
pub use verdict::{Code, Judgement, Verdict};

/// The day the guideline asks about: systems in use on 令和9年4月1日.
const REFERENCE_DATE: Date = date(2027, 4, 1);

/// How the rule is read where the guideline's text is silent or can be read in two ways. A facility may state its own
/// reading in its row of the ledger (see [`Settings::of_facility`]); what it departs from is shown with the verdict.
///
/// Three further choices need no switch because what is entered settles them: a PC on which the
/// application runs to completion is entered as a client *and* as a server; the operating system of
/// a server run by a vendor is entered as the vendor's SDS answers it; and the preconditions of the
/// bastion designs are asked of a bastion, never of an equivalent measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// 基準日; also the first day on which a renewal can carry the relief. Default 2027-04-01.
    pub reference_date: Date,
    /// Last day a plan may name (令和9年度末). Default 2028-03-31; equal to `reference_date` for
    /// the strict reading.
    pub plan_until: Date,
    /// Day edition 7.0 was issued; what was introduced earlier missed nothing. Default 2026-06-29.
    pub issued_on: Date,
    /// Whether a system introduced or renewed on or after the reference date is in scope although it
    /// was not in use on that day. Default `true`.
    pub later_introductions: bool,
    /// Whether the reason for the relief must be approved; a renewal date is always needed.
    /// Default `true`.
    pub relief_needs_approval: bool,
    /// Whether a renewal of software alone obliges like one that replaces equipment. Default `false`.
    pub software_renewal_obliges: bool,
    /// Whether typing the password into the application's form on behalf of the user links the
    /// operating-system login to the application. Default `false`.
    pub form_fill_links: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            reference_date: REFERENCE_DATE,
            plan_until: date(2028, 3, 31),
            issued_on: date(2026, 6, 29),
            later_introductions: true,
            relief_needs_approval: true,
            software_renewal_obliges: false,
            form_fill_links: false,
        }
    }
}

/// Judges one system as of `today`.
///
/// The codes name every login when all of them pass, and otherwise only what stands in the way,
/// followed by what the dates add.
pub fn judge(case: &SystemCase, today: Date, settings: &Settings) -> Judgement {
    if let Some(judgement) = out_of_scope(case, settings) {
        return judgement;
    }
    let clients = case.clients.iter().map(|c| client(c, settings));
    let outcomes: Vec<Outcome> = clients.chain(case.servers.iter().map(server)).collect();

    if outcomes.iter().any(|o| matches!(o, Outcome::Fail(_))) {
        let open_or_failed = outcomes.iter().filter(|o| !matches!(o, Outcome::Pass(_)));
        let (verdict, added) = unmet(case, today, settings);
        return Judgement::new(verdict, codes_of(open_or_failed).chain(added));
    }
    // 表14-1 asks for both rows; a side nobody described is not known to be right.
    let one_sided = case.clients.is_empty() || case.servers.is_empty();
    if one_sided || outcomes.contains(&Outcome::Open(Code::NothingStated)) {
        return Judgement::new(Verdict::Unknown, [Code::NothingStated]);
    }
    let verdict = if outcomes.iter().any(|o| matches!(o, Outcome::Open(_))) {
        Verdict::Review
    } else if codes_of(outcomes.iter()).any(Code::is_deemed) {
        Verdict::OkDeemed
    } else {
        Verdict::Ok
    };
    Judgement::new(verdict, codes_of(outcomes.iter()))
}

/// What one login amounts to.
#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    Pass(Code),
    /// Neither passed nor failed until somebody says more.
    Open(Code),
    Fail(Vec<Code>),
}

fn codes_of<'a>(outcomes: impl Iterator<Item = &'a Outcome>) -> impl Iterator<Item = Code> {
    outcomes
        .flat_map(|outcome| match outcome {
            Outcome::Pass(code) | Outcome::Open(code) => std::slice::from_ref(code),
            Outcome::Fail(codes) => codes,
        })
        .copied()
}

/// The judgement of a system that the rule does not ask about, or not yet as far as is known.
fn out_of_scope(case: &SystemCase, settings: &Settings) -> Option<Judgement> {
    let introduced_later =
        settings.later_introductions && case.event.is_some_and(|event| event.on >= settings.reference_date);
    let (verdict, code) = match (case.handles, case.in_use_at_ref) {
        (None, _) => (Verdict::Unknown, Code::ScopeOpen),
        (Some(false), _) => (Verdict::NotApplicable, Code::OutOfScope),
        (Some(true), None) => (Verdict::Unknown, Code::InUseOpen),
        (Some(true), Some(false)) if !introduced_later => (Verdict::NotApplicable, Code::NotInUse),
        (Some(true), Some(_)) => return None,
    };
    Some(Judgement::new(verdict, [code]))
}

/// A client terminal: the upper row of 表14-1 and its note.
fn client(client: &Client, settings: &Settings) -> Outcome {
    let (app, middleware, os) = (client.app.kinds(), client.middleware.kinds(), client.os.kinds());
    let linked = match client.link {
        Link::Credential => true,
        Link::FormFill => settings.form_fill_links,
        Link::None => false,
    };
    if app + middleware + os == 0 {
        Outcome::Open(Code::NothingStated)
    } else if app >= 2 {
        Outcome::Pass(Code::ClientApp)
    } else if os >= 2 || middleware >= 2 {
        if linked { Outcome::Pass(Code::ClientLinked) } else { Outcome::Fail(vec![Code::ClientUnlinked]) }
    } else if app == 1 && (os == 1 || middleware == 1) {
        Outcome::Fail(vec![Code::ClientSplit])
    } else {
        Outcome::Fail(vec![Code::ClientSingle])
    }
}

/// A server: the lower row of 表14-1, or what is deemed to be as good.
fn server(server: &Server) -> Outcome {
    if server.os.kinds() >= 2 {
        return Outcome::Pass(Code::ServerOs);
    }
    match (&server.bastion, server.equivalent) {
        (Some(through), _) => bastion(through),
        (None, Some(Claim::Approved)) => Outcome::Pass(Code::ServerEquivalent),
        (None, Some(Claim::Stated)) => Outcome::Open(Code::ServerEquivalent),
        (None, None) if server.os.kinds() == 0 => Outcome::Open(Code::NothingStated),
        (None, None) => Outcome::Fail(vec![Code::ServerSingle]),
    }
}

/// A bastion: design ① or ②, with all three preconditions.
fn bastion(bastion: &Bastion) -> Outcome {
    let yes = |answer: Option<bool>| answer == Some(true);
    let no = |answer: Option<bool>| answer == Some(false);

    if !yes(bastion.only_path) {
        return Outcome::Fail(vec![Code::ServerPath]);
    }
    if !yes(bastion.separate_domain) {
        return Outcome::Fail(vec![Code::ServerDomain]);
    }
    let design = if bastion.os.kinds() >= 2 {
        Code::ServerBastionTwoFactor
    } else if yes(bastion.edr) && yes(bastion.external_vpn_only) {
        Code::ServerBastionWatched
    } else {
        return Outcome::Fail(vec![Code::ServerAlternative]);
    };
    let missing: Vec<Code> = [
        (no(bastion.external_user_is_admin), Code::ServerPreAdmin),
        (yes(bastion.os_patched), Code::ServerPrePatch),
        (no(bastion.shared_password), Code::ServerPreShared),
    ]
    .into_iter()
    .filter_map(|(satisfied, code)| (!satisfied).then_some(code))
    .collect();
    if missing.is_empty() { Outcome::Pass(design) } else { Outcome::Fail(missing) }
}

/// What the dates make of a system with at least one login that fails, and the codes they add.
fn unmet(case: &SystemCase, today: Date, settings: &Settings) -> (Verdict, Option<Code>) {
    let renewal_ahead = case.renewal.is_some_and(|on| on >= today.max(settings.reference_date));
    let without_relief = || {
        if plan_holds(case.plan, today, settings) {
            Verdict::Planned
        } else if today < settings.reference_date {
            Verdict::Action
        } else {
            Verdict::Gap
        }
    };
    if case.hoshu {
        return if case.vendor_capable == Some(true) && renewal_ahead {
            (Verdict::Deferred, Some(Code::VendorChosen))
        } else {
            (without_relief(), None)
        };
    }

    let obliged_since =
        |first: Date| case.event.is_some_and(|event| event.obliges(settings) && (first..=today).contains(&event.on));
    let missed = obliged_since(settings.issued_on);
    let excused = match case.difficulty {
        Some(Claim::Approved) => true,
        Some(Claim::Stated) => !settings.relief_needs_approval,
        None => false,
    };
    if obliged_since(settings.reference_date) {
        (Verdict::Gap, Some(Code::RenewalUsed))
    } else if excused && renewal_ahead {
        (Verdict::Deferred, missed.then_some(Code::MissedWarning))
    } else if missed {
        (Verdict::Gap, Some(Code::Missed))
    } else {
        (without_relief(), None)
    }
}

/// Whether `on` is a day that a plan may still name.
fn plan_holds(on: Option<Date>, today: Date, settings: &Settings) -> bool {
    on.is_some_and(|on| (today..=settings.plan_until).contains(&on))
}

impl Event {
    /// Whether two-factor had to come with it.
    fn obliges(self, settings: &Settings) -> bool {
        match self.kind {
            EventKind::New | EventKind::RenewalEquipment => true,
            EventKind::RenewalSoftware => settings.software_renewal_obliges,
        }
    }
}

#[cfg(test)]
mod tests;
