//! Every route of the server, in one table: method, path, who may, and whether the journal hears of it.
//!
//! The router is built from [`ROUTES`] and from nothing else, so a handler that is not in the table cannot be
//! reached, and none is reached without its [`Access`] having been checked by `guard`. The tests walk this
//! table as nobody, as every role and as a stranger's page; the OpenAPI description and the list of pages for the
//! browser tests are read from it.

use axum::http::Method;
use axum::routing::{MethodRouter, delete, get, post, put};
use domain::authz::Permission;

use crate::Web;
use crate::api::{
    accesses as asking, acts, fhir, ledgers as rows, openapi, people, proofs, requests as asked, retention as keeping,
    settings as set, verdicts, work,
};
use crate::pages::{
    accesses, account, approvals, assets, byod, checklists, circulars, disposals, documents, drafts, evidence, help,
    imports, incident, inspections, jobs, ledgers, loans, log, lost, mail, media, monthly, overrides, requests,
    requirement, requirements, reset, retention, settings, setup, sign_in, today, training, users,
};

/// Who may use a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Everybody, and the same for everybody: files of the interface, health. Nobody's session is looked up.
    File,
    /// Everybody, without a session: signing in.
    Open,
    /// Whoever is signed in and whose role holds the permission.
    Holder(Permission),
    /// The same, and signed in within the last minutes: acts that open doors or cannot be taken back.
    Fresh(Permission),
    /// Programs whose token has this scope, in the name of an account whose role still holds it. Never a session.
    Token(Permission),
    /// What authenticates by itself: agents.
    Own,
}

/// Whether a route leaves an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Journal {
    /// It changes nothing.
    No,
    /// Every success leaves at least one event.
    Yes,
}

/// One route.
pub struct Route {
    /// Method; `GET` answers `HEAD` too.
    pub method: Method,
    /// Path in axum's syntax: `/ledgers/{ledger}`.
    pub path: &'static str,
    /// Who may.
    pub access: Access,
    /// Whether the journal hears of it.
    pub journal: Journal,
    pub(crate) handler: fn() -> MethodRouter<Web>,
}

/// A page to read.
const fn page(path: &'static str, needs: Permission, handler: fn() -> MethodRouter<Web>) -> Route {
    Route { method: Method::GET, path, access: Access::Holder(needs), journal: Journal::No, handler }
}

/// An act: a form that changes something.
const fn act(path: &'static str, needs: Permission, handler: fn() -> MethodRouter<Web>) -> Route {
    Route { method: Method::POST, path, access: Access::Holder(needs), journal: Journal::Yes, handler }
}

/// An act that asks for a fresh sign-in.
const fn fresh(path: &'static str, needs: Permission, handler: fn() -> MethodRouter<Web>) -> Route {
    Route { method: Method::POST, path, access: Access::Fresh(needs), journal: Journal::Yes, handler }
}

/// Something for programs to read.
const fn read(path: &'static str, needs: Permission, handler: fn() -> MethodRouter<Web>) -> Route {
    Route { method: Method::GET, path, access: Access::Token(needs), journal: Journal::No, handler }
}

/// Something for programs to change.
const fn write(method: Method, path: &'static str, needs: Permission, handler: fn() -> MethodRouter<Web>) -> Route {
    Route { method, path, access: Access::Token(needs), journal: Journal::Yes, handler }
}

/// Something for everybody.
const fn open(method: Method, path: &'static str, handler: fn() -> MethodRouter<Web>) -> Route {
    Route { method, path, access: Access::Open, journal: Journal::No, handler }
}

/// The table.
#[rustfmt::skip]
pub static ROUTES: &[Route] = &[
    // what needs nobody
    Route { method: Method::GET, path: "/health", access: Access::File, journal: Journal::No, handler: || get(|| async { "ok" }) },
    Route { method: Method::GET, path: "/assets/{name}", access: Access::File, journal: Journal::No, handler: || get(assets::asset) },
    // the sealed log, for other people's tools: salted hashes and signed heads, which tell nothing but how many entries there are
    Route { method: Method::GET, path: "/log/{*path}", access: Access::File, journal: Journal::No, handler: || get(log::file) },
    Route { method: Method::POST, path: "/inventory", access: Access::Own, journal: Journal::Yes, handler: || post(crate::inventory::receive) },

    open(Method::GET, "/help", || get(help::show)),

    // signing in
    open(Method::GET, "/sign-in", || get(sign_in::form)),
    open(Method::POST, "/sign-in", || post(sign_in::password)),
    open(Method::POST, "/sign-in/passkey/challenge", || post(sign_in::challenge)),
    open(Method::POST, "/sign-in/passkey", || post(sign_in::passkey)),
    Route { method: Method::POST, path: "/sign-out", access: Access::Open, journal: Journal::Yes, handler: || post(sign_in::sign_out) },
    open(Method::POST, "/language", || post(account::language)),

    // the first set-up, and the way back in
    open(Method::GET, "/setup", || get(setup::begin)),
    open(Method::POST, "/setup", || post(setup::redeem)),
    open(Method::GET, "/setup/1", || get(setup::first)),
    open(Method::GET, "/setup/2", || get(setup::second)),
    open(Method::POST, "/setup/2", || post(setup::person)),
    page("/setup/3", Permission::UseOwnAccount, || get(setup::third)),
    page("/setup/4", Permission::Attest, || get(setup::fourth)),
    act("/setup/4", Permission::Attest, || post(setup::answers)),
    open(Method::GET, "/reset", || get(reset::form)),
    open(Method::POST, "/reset", || post(reset::ask)),
    open(Method::POST, "/reset/enter", || post(reset::enter)),

    // one's own account
    page("/present", Permission::UseOwnAccount, || get(account::present)),
    page("/account", Permission::UseOwnAccount, || get(account::show)),
    Route { method: Method::GET, path: "/account/passkeys/new", access: Access::Fresh(Permission::UseOwnAccount), journal: Journal::No, handler: || get(account::passkey_new) },
    Route { method: Method::POST, path: "/account/passkeys/challenge", access: Access::Fresh(Permission::UseOwnAccount), journal: Journal::No, handler: || post(account::passkey_challenge) },
    fresh("/account/passkeys", Permission::UseOwnAccount, || post(account::passkey_add)),
    fresh("/account/passkeys/{id}/remove", Permission::UseOwnAccount, || post(account::passkey_remove)),
    fresh("/account/email", Permission::UseOwnAccount, || post(account::email)),
    fresh("/account/password", Permission::UseOwnAccount, || post(account::password)),
    Route { method: Method::POST, path: "/account/totp/begin", access: Access::Fresh(Permission::UseOwnAccount), journal: Journal::No, handler: || post(account::totp_begin) },
    fresh("/account/totp", Permission::UseOwnAccount, || post(account::totp_confirm)),
    fresh("/account/totp/remove", Permission::UseOwnAccount, || post(account::totp_remove)),
    fresh("/account/recovery-codes", Permission::UseOwnAccount, || post(account::recovery_codes)),
    act("/account/sessions/{id}/revoke", Permission::UseOwnAccount, || post(account::session_revoke)),
    fresh("/account/tokens", Permission::UseOwnAccount, || post(account::token_make)),
    act("/account/tokens/{id}/revoke", Permission::UseOwnAccount, || post(account::token_revoke)),

    // the day's work
    page("/", Permission::UseOwnAccount, || get(today::show)),

    // settings
    page("/settings", Permission::UseOwnAccount, || get(settings::show)),
    page("/settings/doctor", Permission::ManageSettings, || get(settings::doctor)),
    page("/settings/doctor/support", Permission::ManageSettings, || get(settings::support)),
    page("/settings/terminals", Permission::ManageSettings, || get(settings::terminals)),
    act("/settings/terminals", Permission::ManageSettings, || post(settings::terminal)),
    page("/settings/unrecorded", Permission::ManageSettings, || get(settings::unrecorded)),
    fresh("/settings/unrecorded", Permission::ManageSettings, || post(settings::decide_unrecorded)),
    page("/settings/mail", Permission::ManageSettings, || get(mail::show)),
    fresh("/settings/mail", Permission::ManageSettings, || post(mail::set)),
    fresh("/settings/mail/try", Permission::ManageSettings, || post(mail::try_it)),
    fresh("/settings/mail/remove", Permission::ManageSettings, || post(mail::remove)),
    page("/settings/approvals", Permission::ManageSettings, || get(circulars::ways)),
    fresh("/settings/approvals", Permission::ManageSettings, || post(circulars::set_ways)),
    act("/notice", Permission::UseOwnAccount, || post(settings::notice_read)),

    // lending, media, disposal, approval
    page("/loans", Permission::LendDevices, || get(loans::list)),
    page("/loans/new", Permission::LendDevices, || get(loans::new)),
    act("/loans/new", Permission::LendDevices, || post(loans::lend)),
    page("/loans/{no}", Permission::LendDevices, || get(loans::show)),
    page("/loans/{no}/amend", Permission::LendDevices, || get(loans::again)),
    act("/loans/{no}/amend", Permission::LendDevices, || post(loans::amend)),
    act("/loans/{no}/hand-over", Permission::LendDevices, || post(loans::hand_over)),
    act("/loans/{no}/return", Permission::LendDevices, || post(loans::take_back)),
    act("/loans/{no}/cancel", Permission::LendDevices, || post(loans::cancel)),
    page("/lost", Permission::LendDevices, || get(lost::form)),
    act("/lost", Permission::LendDevices, || post(lost::report)),
    page("/lost/next", Permission::LendDevices, || get(lost::next)),
    page("/incident", Permission::LendDevices, || get(incident::show)),
    act("/incident", Permission::LendDevices, || post(incident::report)),
    page("/media", Permission::ReadLedgers, || get(media::list)),
    page("/byod", Permission::LendDevices, || get(byod::list)),
    page("/byod/new", Permission::LendDevices, || get(byod::new)),
    act("/byod/new", Permission::LendDevices, || post(byod::apply)),
    page("/byod/{no}/amend", Permission::LendDevices, || get(byod::again)),
    act("/byod/{no}/amend", Permission::LendDevices, || post(byod::amend)),
    act("/byod/{no}/refuse", Permission::Approve, || post(byod::refuse)),
    act("/byod/{no}/end", Permission::EditLedgers, || post(byod::end)),
    page("/disposals", Permission::ReadLedgers, || get(disposals::list)),
    page("/disposals/new", Permission::EditLedgers, || get(disposals::new)),
    act("/disposals/new", Permission::EditLedgers, || post(disposals::dispose)),
    page("/documents", Permission::ReadLedgers, || get(documents::list)),
    page("/documents/drafts/{kind}", Permission::ReadLedgers, || get(drafts::show)),
    page("/documents/drafts/{kind}/file", Permission::ReadLedgers, || get(drafts::take)),
    page("/training", Permission::ReadLedgers, || get(training::list)),
    page("/training/{no}", Permission::ReadLedgers, || get(training::show)),
    act("/training/{no}", Permission::EditLedgers, || post(training::attend)),
    page("/inspections", Permission::ReadLedgers, || get(inspections::list)),
    page("/approvals", Permission::Approve, || get(approvals::list)),
    fresh("/approvals/{ledger}/{key}/approve", Permission::Approve, || post(approvals::approve)),
    Route { method: Method::POST, path: "/approvals/{ledger}/{key}/challenge", access: Access::Holder(Permission::Approve), journal: Journal::No, handler: || post(approvals::challenge) },
    act("/approvals/{ledger}/{key}/sign", Permission::Approve, || post(approvals::sign)),
    act("/approvals/{ledger}/{key}/seen", Permission::Approve, || post(approvals::seen)),
    fresh("/approvals/deputies", Permission::Approve, || post(approvals::appoint)),
    act("/approvals/{ledger}/{key}/check", Permission::Attest, || post(circulars::check)),
    act("/approvals/{ledger}/{key}/check-back", Permission::Attest, || post(circulars::check_back)),
    page("/circulars", Permission::ReadTasks, || get(circulars::list)),
    page("/circulars/new", Permission::Attest, || get(circulars::new)),
    act("/circulars", Permission::Attest, || post(circulars::begin)),
    act("/circulars/{id}/seen", Permission::ReadTasks, || post(circulars::seen)),
    act("/circulars/{id}/end", Permission::Attest, || post(circulars::end)),
    act("/approvals/deputies/{id}/end", Permission::Approve, || post(approvals::dismiss)),
    act("/approvals/{ledger}/{key}/send-back", Permission::Approve, || post(approvals::send_back)),
    page("/overrides/new", Permission::Attest, || get(overrides::new)),
    act("/overrides/new", Permission::Attest, || post(overrides::apply)),
    act("/overrides/withdraw", Permission::Attest, || post(overrides::withdraw)),

    // people who can sign in
    page("/users", Permission::ManageUsers, || get(users::list)),
    page("/users/new", Permission::ManageUsers, || get(users::new)),
    fresh("/users/new", Permission::ManageUsers, || post(users::add)),
    page("/users/reset", Permission::Approve, || get(reset::confirm_form)),
    fresh("/users/reset", Permission::Approve, || post(reset::confirm)),
    page("/users/{id}", Permission::ManageUsers, || get(users::show)),
    fresh("/users/{id}/role", Permission::ManageUsers, || post(users::role)),
    fresh("/users/{id}/duties", Permission::ManageUsers, || post(users::duties)),
    fresh("/users/{id}/disable", Permission::ManageUsers, || post(users::disable)),
    fresh("/users/{id}/enable", Permission::ManageUsers, || post(users::enable)),
    act("/users/{id}/sessions/end", Permission::ManageUsers, || post(users::end_sessions)),
    fresh("/users/{id}/open", Permission::ManageUsers, || post(users::open)),
    fresh("/users/{id}/seal", Permission::ManageUsers, || post(users::seal)),
    fresh("/users/review", Permission::ManageUsers, || post(users::review)),

    // who opened which patient; a patient's id is in a form, never in an address
    page("/accesses", Permission::ReadAccesses, || get(accesses::form)),
    act("/accesses", Permission::ReadAccesses, || post(accesses::ask)),
    act("/accesses/export", Permission::ReadAccesses, || post(accesses::export)),
    act("/accesses/report", Permission::ReadAccesses, || post(accesses::report)),
    page("/accesses/sources", Permission::ReadLedgers, || get(accesses::sources)),
    page("/accesses/cases", Permission::ReviewAccesses, || get(accesses::cases)),
    act("/accesses/cases/find", Permission::ReviewAccesses, || post(accesses::find)),
    act("/accesses/cases/sign", Permission::ReviewAccesses, || post(accesses::sign)),
    act("/accesses/cases/{no}", Permission::ReviewAccesses, || post(accesses::look)),
    act("/accesses/cases/{no}/close", Permission::ReviewAccesses, || post(accesses::close)),
    page("/accesses/rules", Permission::ReviewAccesses, || get(accesses::rules)),
    act("/accesses/rules", Permission::ReviewAccesses, || post(accesses::set_rules)),

    // ledgers
    page("/ledgers", Permission::ReadLedgers, || get(ledgers::all)),
    page("/ledgers/{ledger}", Permission::ReadLedgers, || get(ledgers::list)),
    Route { method: Method::GET, path: "/ledgers/{ledger}/export", access: Access::Holder(Permission::ReadLedgers), journal: Journal::Yes, handler: || get(imports::export) },
    page("/ledgers/{ledger}/new", Permission::EditLedgers, || get(ledgers::new)),
    act("/ledgers/{ledger}/new", Permission::EditLedgers, || post(ledgers::add)),
    act("/ledgers/{ledger}/bulk", Permission::EditLedgers, || post(ledgers::bulk)),
    act("/ledgers/{ledger}/confirm", Permission::EditLedgers, || post(ledgers::confirm)),
    page("/ledgers/{ledger}/{key}", Permission::ReadLedgers, || get(ledgers::row)),
    page("/ledgers/{ledger}/{key}/label", Permission::ReadLedgers, || get(ledgers::label)),
    page("/ledgers/{ledger}/{key}/edit", Permission::EditLedgers, || get(ledgers::edit)),
    act("/ledgers/{ledger}/{key}/edit", Permission::EditLedgers, || post(ledgers::change)),
    act("/ledgers/{ledger}/{key}/remove", Permission::EditLedgers, || post(ledgers::remove)),
    page("/imports", Permission::EditLedgers, || get(imports::show)),
    act("/imports", Permission::EditLedgers, || post(imports::receive)),
    page("/imports/held/{id}", Permission::EditLedgers, || get(imports::held)),
    page("/imports/held/{id}/rejected", Permission::EditLedgers, || get(imports::rejected)),
    act("/imports/held/{id}/map", Permission::EditLedgers, || post(imports::map)),
    act("/imports/held/{id}/commit", Permission::EditLedgers, || post(imports::commit)),
    act("/imports/{id}/undo", Permission::EditLedgers, || post(imports::undo)),

    // programs; `api::openapi` describes each of these
    open(Method::GET, "/api/v1/openapi.json", || get(openapi::show)),
    read("/api/v1/facility", Permission::ReadLedgers, || get(verdicts::facility)),
    read("/api/v1/ledgers", Permission::ReadLedgers, || get(rows::all)),
    read("/api/v1/ledgers/{ledger}/rows", Permission::ReadLedgers, || get(rows::list)),
    write(Method::POST, "/api/v1/ledgers/{ledger}/rows", Permission::EditLedgers, || post(rows::add)),
    read("/api/v1/ledgers/{ledger}/rows/{key}", Permission::ReadLedgers, || get(rows::row)),
    write(Method::PUT, "/api/v1/ledgers/{ledger}/rows/{key}", Permission::EditLedgers, || put(rows::change)),
    write(Method::DELETE, "/api/v1/ledgers/{ledger}/rows/{key}", Permission::EditLedgers, || delete(rows::remove)),
    read("/api/v1/ledgers/{ledger}/rows/{key}/history", Permission::ReadLedgers, || get(rows::history)),
    write(Method::GET, "/api/v1/ledgers/{ledger}/export", Permission::ReadLedgers, || get(rows::export)),
    write(Method::POST, "/api/v1/ledgers/{ledger}/import", Permission::EditLedgers, || post(rows::import)),
    write(Method::POST, "/api/v1/ledgers/{ledger}/headings", Permission::EditLedgers, || post(acts::heading)),
    write(Method::POST, "/api/v1/ledgers/{ledger}/bulk", Permission::EditLedgers, || post(acts::bulk)),
    write(Method::POST, "/api/v1/ledgers/{ledger}/confirm", Permission::EditLedgers, || post(acts::confirm)),
    read("/api/v1/imports", Permission::EditLedgers, || get(acts::imports)),
    write(Method::POST, "/api/v1/imports/{id}/undo", Permission::EditLedgers, || post(acts::undo)),
    read("/api/v1/requirements", Permission::ReadVerdicts, || get(verdicts::requirements)),
    read("/api/v1/requirements/{id}", Permission::ReadVerdicts, || get(verdicts::requirement)),
    write(Method::POST, "/api/v1/requirements/{id}/answer", Permission::Attest, || post(acts::attest)),
    write(Method::POST, "/api/v1/overrides", Permission::Attest, || post(acts::override_apply)),
    write(Method::POST, "/api/v1/overrides/withdraw", Permission::Attest, || post(acts::override_withdraw)),
    read("/api/v1/checklists/{edition}/{form}", Permission::ReadVerdicts, || get(verdicts::checklist)),
    read("/api/v1/checklists/{edition}/{form}/paper", Permission::MakePapers, || get(proofs::paper)),
    read("/api/v1/monthly", Permission::ReadVerdicts, || get(verdicts::monthly)),
    read("/api/v1/monthly/paper", Permission::MakePapers, || get(proofs::monthly)),
    read("/api/v1/tasks", Permission::ReadTasks, || get(work::tasks)),
    read("/api/v1/approvals", Permission::Approve, || get(work::approvals)),
    read("/api/v1/circulars", Permission::ReadTasks, || get(work::circulars)),
    write(Method::POST, "/api/v1/circulars", Permission::Attest, || post(work::pass_round)),
    write(Method::POST, "/api/v1/circulars/{id}/end", Permission::Attest, || post(work::end_round)),
    write(Method::POST, "/api/v1/approvals/{name}/{key}/send-back", Permission::Approve, || post(acts::send_back)),
    read("/api/v1/deputies", Permission::Approve, || get(people::deputies)),
    write(Method::POST, "/api/v1/deputies", Permission::Approve, || post(people::appoint)),
    write(Method::POST, "/api/v1/deputies/{id}/end", Permission::Approve, || post(people::dismiss)),
    read("/api/v1/loans", Permission::LendDevices, || get(work::loans)),
    write(Method::POST, "/api/v1/loans", Permission::LendDevices, || post(work::lend)),
    write(Method::POST, "/api/v1/loans/{no}/amend", Permission::LendDevices, || post(work::amend)),
    write(Method::POST, "/api/v1/loans/{no}/hand-over", Permission::LendDevices, || post(work::hand_over)),
    write(Method::POST, "/api/v1/loans/{no}/return", Permission::LendDevices, || post(work::take_back)),
    write(Method::POST, "/api/v1/loans/{no}/cancel", Permission::LendDevices, || post(work::cancel)),
    write(Method::POST, "/api/v1/accesses/ask", Permission::ReadAccesses, || post(asking::ask)),
    write(Method::POST, "/api/v1/accesses/export", Permission::ReadAccesses, || post(asking::export)),
    write(Method::POST, "/api/v1/accesses/report", Permission::ReadAccesses, || post(asking::report)),
    read("/api/v1/accesses/cases", Permission::ReviewAccesses, || get(asking::cases)),
    write(Method::POST, "/api/v1/accesses/cases/find", Permission::ReviewAccesses, || post(asking::find)),
    write(Method::POST, "/api/v1/accesses/cases/{no}/look", Permission::ReviewAccesses, || post(asking::look)),
    write(Method::POST, "/api/v1/accesses/cases/{no}/close", Permission::ReviewAccesses, || post(asking::close)),
    read("/api/v1/accesses/rules", Permission::ReviewAccesses, || get(asking::rules)),
    write(Method::PUT, "/api/v1/accesses/rules", Permission::ReviewAccesses, || put(asking::set_rules)),
    write(Method::POST, "/api/v1/incidents", Permission::LendDevices, || post(work::incident)),
    write(Method::POST, "/api/v1/losses", Permission::LendDevices, || post(work::lose)),
    read("/api/v1/contacts", Permission::LendDevices, || get(acts::contacts)),
    write(Method::POST, "/api/v1/byod", Permission::LendDevices, || post(acts::permit)),
    write(Method::POST, "/api/v1/byod/{no}/amend", Permission::LendDevices, || post(acts::permit_amend)),
    write(Method::POST, "/api/v1/byod/{no}/refuse", Permission::Approve, || post(acts::permit_refuse)),
    write(Method::POST, "/api/v1/byod/{no}/end", Permission::EditLedgers, || post(acts::permit_end)),
    write(Method::POST, "/api/v1/disposals", Permission::EditLedgers, || post(acts::dispose)),
    write(Method::POST, "/api/v1/training/{no}/attendance", Permission::EditLedgers, || post(acts::attend)),
    read("/api/v1/requests", Permission::ReadVerdicts, || get(asked::list)),
    write(Method::POST, "/api/v1/requests", Permission::RequestEvidence, || post(asked::ask)),
    read("/api/v1/requests/{no}", Permission::ReadVerdicts, || get(asked::show)),
    write(Method::POST, "/api/v1/requests/{no}/answer", Permission::Attest, || post(asked::answer)),
    write(Method::POST, "/api/v1/requests/{no}/send-back", Permission::RequestEvidence, || post(asked::send_back)),
    write(Method::POST, "/api/v1/requests/{no}/withdraw", Permission::ReadVerdicts, || post(asked::withdraw)),
    read("/api/v1/requests/{no}/files/{place}", Permission::ReadVerdicts, || get(asked::file)),
    read("/api/v1/jobs", Permission::MakePapers, || get(proofs::jobs)),
    write(Method::POST, "/api/v1/jobs", Permission::MakePapers, || post(proofs::job_start)),
    read("/api/v1/jobs/{id}", Permission::MakePapers, || get(proofs::job)),
    read("/api/v1/jobs/{id}/file", Permission::MakePapers, || get(proofs::job_file)),
    write(Method::GET, "/api/v1/journal", Permission::ReadJournal, || get(proofs::journal)),
    read("/api/v1/retention", Permission::ReadJournal, || get(keeping::show)),
    write(Method::PUT, "/api/v1/retention/periods", Permission::ManageSettings, || put(keeping::periods)),
    write(Method::POST, "/api/v1/retention/holds/{id}/lift", Permission::ManageSettings, || post(keeping::lift)),
    write(Method::POST, "/api/v1/retention/disposals/{id}/withdraw", Permission::Approve, || post(keeping::withdraw)),
    write(Method::POST, "/api/v1/retention/holds", Permission::ManageSettings, || post(keeping::hold)),
    write(Method::POST, "/api/v1/retention/disposals", Permission::ManageSettings, || post(keeping::ask)),
    read("/api/v1/unrecorded", Permission::ManageSettings, || get(proofs::unrecorded)),
    write(Method::PUT, "/api/v1/unrecorded", Permission::ManageSettings, || put(proofs::decide_unrecorded)),
    read("/api/v1/journal/heads", Permission::ReadJournal, || get(set::heads)),
    read("/api/v1/users", Permission::ManageUsers, || get(people::list)),
    write(Method::POST, "/api/v1/users", Permission::ManageUsers, || post(people::add)),
    write(Method::POST, "/api/v1/users/review", Permission::ManageUsers, || post(people::review)),
    write(Method::POST, "/api/v1/users/{id}/role", Permission::ManageUsers, || post(people::set_role)),
    write(Method::POST, "/api/v1/users/{id}/duties", Permission::ManageUsers, || post(people::duties)),
    write(Method::POST, "/api/v1/users/{id}/disable", Permission::ManageUsers, || post(people::disable)),
    write(Method::POST, "/api/v1/users/{id}/enable", Permission::ManageUsers, || post(people::enable)),
    write(Method::POST, "/api/v1/users/{id}/open", Permission::ManageUsers, || post(people::open)),
    write(Method::POST, "/api/v1/users/{id}/seal", Permission::ManageUsers, || post(people::seal)),
    read("/api/v1/users/{id}/sessions", Permission::ManageUsers, || get(people::sessions_of)),
    write(Method::POST, "/api/v1/users/{id}/sessions/end", Permission::ManageUsers, || post(people::sessions_end)),
    read("/api/v1/sessions", Permission::UseOwnAccount, || get(people::sessions)),
    write(Method::POST, "/api/v1/sessions/{id}/revoke", Permission::UseOwnAccount, || post(people::session_revoke)),
    read("/api/v1/tokens", Permission::UseOwnAccount, || get(people::tokens)),
    write(Method::POST, "/api/v1/tokens/{id}/revoke", Permission::UseOwnAccount, || post(people::token_revoke)),
    read("/api/v1/settings/mail", Permission::ManageSettings, || get(set::mail)),
    write(Method::PUT, "/api/v1/settings/mail", Permission::ManageSettings, || put(set::mail_set)),
    write(Method::DELETE, "/api/v1/settings/mail", Permission::ManageSettings, || delete(set::mail_remove)),
    write(Method::POST, "/api/v1/settings/mail/try", Permission::ManageSettings, || post(set::mail_try)),

    write(Method::GET, "/api/v1/accesses/transfer", Permission::ReadAccesses, || get(fhir::transfer)),
    write(Method::POST, "/api/v1/fhir", Permission::SendAccesses, || post(fhir::bundle)),
    write(Method::POST, "/api/v1/fhir/AuditEvent", Permission::SendAccesses, || post(fhir::create)),

    // verdicts, checklists, evidence
    page("/requirements", Permission::ReadVerdicts, || get(requirements::list)),
    page("/requirements/{edition}/{*item}", Permission::ReadVerdicts, || get(requirement::show)),
    act("/requirements/{edition}/{*item}", Permission::Attest, || post(requirement::answer)),
    page("/checklists", Permission::ReadVerdicts, || get(checklists::all)),
    page("/checklists/{edition}/{form}", Permission::ReadVerdicts, || get(checklists::show)),
    fresh("/checklists/{edition}/{form}", Permission::Approve, || post(checklists::sign)),
    page("/checklists/{edition}/{form}/pdf", Permission::MakePapers, || get(checklists::pdf)),
    page("/checklists/{edition}/{form}/xlsx", Permission::MakePapers, || get(checklists::xlsx)),
    page("/monthly", Permission::ReadVerdicts, || get(monthly::show)),
    page("/monthly/pdf", Permission::MakePapers, || get(monthly::pdf)),
    page("/evidence", Permission::ReadJournal, || get(evidence::show)),
    Route { method: Method::GET, path: "/evidence/journal", access: Access::Holder(Permission::ReadJournal), journal: Journal::Yes, handler: || get(evidence::journal) },
    page("/evidence/journal/check", Permission::ReadJournal, || get(evidence::check)),
    act("/evidence/journal/paper", Permission::ReadJournal, || post(evidence::paper)),
    page("/evidence/retention", Permission::ReadJournal, || get(retention::show)),
    fresh("/evidence/retention/periods", Permission::ManageSettings, || post(retention::periods)),
    act("/evidence/retention/holds", Permission::ManageSettings, || post(retention::hold)),
    fresh("/evidence/retention/holds/{id}/lift", Permission::ManageSettings, || post(retention::lift)),
    fresh("/evidence/retention/ask", Permission::ManageSettings, || post(retention::ask)),
    fresh("/evidence/retention/{id}/approve", Permission::Approve, || post(retention::approve)),
    act("/evidence/retention/{id}/withdraw", Permission::Approve, || post(retention::withdraw)),
    page("/requests", Permission::ReadVerdicts, || get(requests::list)),
    page("/requests/new", Permission::RequestEvidence, || get(requests::new)),
    act("/requests/new", Permission::RequestEvidence, || post(requests::ask)),
    page("/requests/{no}", Permission::ReadVerdicts, || get(requests::show)),
    act("/requests/{no}/answer", Permission::Attest, || post(requests::answer)),
    act("/requests/{no}/confirm", Permission::RequestEvidence, || post(requests::confirm)),
    act("/requests/{no}/send-back", Permission::RequestEvidence, || post(requests::send_back)),
    act("/requests/{no}/withdraw", Permission::ReadVerdicts, || post(requests::withdraw)),
    page("/requests/{no}/files/{place}", Permission::ReadVerdicts, || get(requests::fetch)),
    act("/jobs", Permission::MakePapers, || post(jobs::start)),
    page("/jobs/{id}", Permission::MakePapers, || get(jobs::show)),
    page("/jobs/{id}/file", Permission::MakePapers, || get(jobs::fetch)),
];
