//! What people do on pages, programs do too: every act of the pages has its operation, or a reason why it has none.

use axum::http::Method;
use domain::authz::Permission;
use web::routes::{Access, ROUTES, Route};

/// What does the same as an act of a page.
enum Same {
    /// This operation of the interface for programs: method and path.
    Program(&'static str, &'static str),
    /// Nothing, because of this.
    Person(Why),
}

/// Why an act is a person's alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Why {
    /// It opens, renews or ends the session of a browser, or chooses how its pages look.
    Browser,
    /// It makes a way to sign in, or changes where one is told of it: a stolen token must not become an account.
    Credential,
    /// It decides who has to approve what: a stolen token must not shorten the way.
    Steps,
    /// It is the word of a person who saw something with their own eyes.
    Seen,
    /// It is signed by a person in front of what is shown.
    Signed,
}

use Same::{Person, Program};
use Why::{Browser, Credential, Seen, Signed, Steps};

/// Every act of the pages, in the order of the route table.
#[rustfmt::skip]
const ACTS: &[(&str, Same)] = &[
    ("/sign-in", Person(Browser)),
    ("/sign-in/passkey/challenge", Person(Browser)),
    ("/sign-in/passkey", Person(Browser)),
    ("/sign-out", Person(Browser)),
    ("/language", Person(Browser)),
    ("/setup", Person(Credential)),
    ("/setup/2", Person(Credential)),
    ("/setup/4", Program("POST", "/api/v1/requirements/{id}/answer")),
    ("/reset", Person(Credential)),
    ("/reset/enter", Person(Credential)),
    ("/account/passkeys/challenge", Person(Credential)),
    ("/account/passkeys", Person(Credential)),
    ("/account/passkeys/{id}/remove", Person(Credential)),
    ("/account/email", Person(Credential)),
    ("/account/password", Person(Credential)),
    ("/account/totp/begin", Person(Credential)),
    ("/account/totp", Person(Credential)),
    ("/account/totp/remove", Person(Credential)),
    ("/account/recovery-codes", Person(Credential)),
    ("/account/sessions/{id}/revoke", Program("POST", "/api/v1/sessions/{id}/revoke")),
    ("/account/tokens", Person(Credential)),
    ("/account/tokens/{id}/revoke", Program("POST", "/api/v1/tokens/{id}/revoke")),
    // It is about the very terminal somebody sits at.
    ("/settings/terminals", Person(Browser)),
    ("/settings/unrecorded", Program("PUT", "/api/v1/unrecorded")),
    ("/settings/mail", Program("PUT", "/api/v1/settings/mail")),
    ("/settings/mail/try", Program("POST", "/api/v1/settings/mail/try")),
    ("/settings/mail/remove", Program("DELETE", "/api/v1/settings/mail")),
    ("/settings/approvals", Person(Steps)),
    ("/notice", Person(Seen)),
    ("/loans/new", Program("POST", "/api/v1/loans")),
    ("/loans/{no}/amend", Program("POST", "/api/v1/loans/{no}/amend")),
    ("/loans/{no}/hand-over", Program("POST", "/api/v1/loans/{no}/hand-over")),
    ("/loans/{no}/return", Program("POST", "/api/v1/loans/{no}/return")),
    ("/loans/{no}/cancel", Program("POST", "/api/v1/loans/{no}/cancel")),
    ("/lost", Program("POST", "/api/v1/losses")),
    ("/incident", Program("POST", "/api/v1/incidents")),
    ("/byod/new", Program("POST", "/api/v1/byod")),
    ("/byod/{no}/amend", Program("POST", "/api/v1/byod/{no}/amend")),
    ("/byod/{no}/refuse", Program("POST", "/api/v1/byod/{no}/refuse")),
    ("/byod/{no}/end", Program("POST", "/api/v1/byod/{no}/end")),
    ("/disposals/new", Program("POST", "/api/v1/disposals")),
    ("/training/{no}", Program("POST", "/api/v1/training/{no}/attendance")),
    ("/approvals/{ledger}/{key}/approve", Person(Signed)),
    ("/approvals/{ledger}/{key}/challenge", Person(Signed)),
    ("/approvals/{ledger}/{key}/sign", Person(Signed)),
    ("/approvals/{ledger}/{key}/seen", Person(Seen)),
    ("/approvals/deputies", Program("POST", "/api/v1/deputies")),
    ("/approvals/{ledger}/{key}/check", Person(Seen)),
    ("/approvals/{ledger}/{key}/check-back", Person(Seen)),
    ("/circulars", Program("POST", "/api/v1/circulars")),
    ("/circulars/{id}/seen", Person(Seen)),
    ("/circulars/{id}/end", Program("POST", "/api/v1/circulars/{id}/end")),
    ("/approvals/deputies/{id}/end", Program("POST", "/api/v1/deputies/{id}/end")),
    ("/approvals/{ledger}/{key}/send-back", Program("POST", "/api/v1/approvals/{name}/{key}/send-back")),
    ("/overrides/new", Program("POST", "/api/v1/overrides")),
    ("/overrides/withdraw", Program("POST", "/api/v1/overrides/withdraw")),
    ("/users/new", Program("POST", "/api/v1/users")),
    ("/users/reset", Person(Seen)),
    ("/users/{id}/role", Program("POST", "/api/v1/users/{id}/role")),
    ("/users/{id}/duties", Program("POST", "/api/v1/users/{id}/duties")),
    ("/users/{id}/disable", Program("POST", "/api/v1/users/{id}/disable")),
    ("/users/{id}/enable", Program("POST", "/api/v1/users/{id}/enable")),
    ("/users/{id}/sessions/end", Program("POST", "/api/v1/users/{id}/sessions/end")),
    ("/users/{id}/open", Program("POST", "/api/v1/users/{id}/open")),
    ("/users/{id}/seal", Program("POST", "/api/v1/users/{id}/seal")),
    ("/users/review", Program("POST", "/api/v1/users/review")),
    ("/accesses", Program("POST", "/api/v1/accesses/ask")),
    ("/accesses/export", Program("POST", "/api/v1/accesses/export")),
    ("/accesses/report", Program("POST", "/api/v1/accesses/report")),
    ("/accesses/cases/find", Program("POST", "/api/v1/accesses/cases/find")),
    ("/accesses/cases/sign", Person(Signed)),
    ("/accesses/cases/{no}", Program("POST", "/api/v1/accesses/cases/{no}/look")),
    ("/accesses/cases/{no}/close", Program("POST", "/api/v1/accesses/cases/{no}/close")),
    ("/accesses/rules", Program("PUT", "/api/v1/accesses/rules")),
    ("/ledgers/{ledger}/new", Program("POST", "/api/v1/ledgers/{ledger}/rows")),
    ("/ledgers/{ledger}/bulk", Program("POST", "/api/v1/ledgers/{ledger}/bulk")),
    ("/ledgers/{ledger}/confirm", Program("POST", "/api/v1/ledgers/{ledger}/confirm")),
    ("/ledgers/{ledger}/{key}/edit", Program("PUT", "/api/v1/ledgers/{ledger}/rows/{key}")),
    ("/ledgers/{ledger}/{key}/remove", Program("DELETE", "/api/v1/ledgers/{ledger}/rows/{key}")),
    // A file is looked at and taken in by two steps of one operation.
    ("/imports", Program("POST", "/api/v1/ledgers/{ledger}/import")),
    ("/imports/held/{id}/map", Program("POST", "/api/v1/ledgers/{ledger}/headings")),
    ("/imports/held/{id}/commit", Program("POST", "/api/v1/ledgers/{ledger}/import")),
    ("/imports/{id}/undo", Program("POST", "/api/v1/imports/{id}/undo")),
    ("/requirements/{edition}/{*item}", Program("POST", "/api/v1/requirements/{id}/answer")),
    ("/checklists/{edition}/{form}", Person(Signed)),
    // A head counts as kept on paper because a person printed it; programs read the heads themselves under `/log/`.
    ("/evidence/journal/paper", Person(Seen)),
    ("/evidence/retention/periods", Program("PUT", "/api/v1/retention/periods")),
    ("/evidence/retention/holds", Program("POST", "/api/v1/retention/holds")),
    ("/evidence/retention/holds/{id}/lift", Program("POST", "/api/v1/retention/holds/{id}/lift")),
    ("/evidence/retention/ask", Program("POST", "/api/v1/retention/disposals")),
    ("/evidence/retention/{id}/approve", Person(Signed)),
    ("/evidence/retention/{id}/withdraw", Program("POST", "/api/v1/retention/disposals/{id}/withdraw")),
    ("/requests/new", Program("POST", "/api/v1/requests")),
    // The rows and the words; a file is handed in by a person.
    ("/requests/{no}/answer", Program("POST", "/api/v1/requests/{no}/answer")),
    ("/requests/{no}/confirm", Person(Seen)),
    ("/requests/{no}/send-back", Program("POST", "/api/v1/requests/{no}/send-back")),
    ("/requests/{no}/withdraw", Program("POST", "/api/v1/requests/{no}/withdraw")),
    ("/jobs", Program("POST", "/api/v1/jobs")),
];

/// The permission of a route of the pages or for programs.
fn permission(route: &Route) -> Option<Permission> {
    match route.access {
        Access::Holder(needs) | Access::Fresh(needs) | Access::Token(needs) => Some(needs),
        _ => None,
    }
}

#[test]
fn every_act_of_the_pages_is_open_to_programs_or_says_why_not() {
    let of_pages = |route: &&Route| {
        route.method != Method::GET && !matches!(route.access, Access::Token(_) | Access::Own | Access::File)
    };
    let acts: Vec<&Route> = ROUTES.iter().filter(of_pages).collect();
    let paths: Vec<&str> = acts.iter().map(|route| route.path).collect();
    let named: Vec<&str> = ACTS.iter().map(|(path, _)| *path).collect();
    assert_eq!(paths, named, "in the same order");
    for (route, (path, same)) in acts.into_iter().zip(ACTS) {
        let Program(method, operation) = same else { continue };
        let of = |r: &&Route| r.path == *operation && r.method.as_str() == *method;
        let found = ROUTES.iter().find(of).unwrap_or_else(|| panic!("{path}: no {method} {operation}"));
        assert!(matches!(found.access, Access::Token(_)), "{operation} is not for programs");
        assert_eq!(permission(found), permission(route), "{path} and {operation} need the same");
    }
}

#[test]
fn what_asks_for_a_persons_passkey_stays_a_persons() {
    for (path, same) in ACTS {
        let ceremony = ["/challenge", "/approve", "/sign"].iter().any(|end| path.ends_with(end));
        if ceremony || path.contains("passkey") {
            assert!(matches!(same, Person(Browser | Credential | Signed)), "{path}");
        }
        // What somebody saw or signed is behind a session; before there is one, nothing can be seen.
        if let Person(why @ (Seen | Signed)) = same {
            let route = ROUTES.iter().find(|route| route.path == *path && route.method == Method::POST).unwrap();
            assert!(permission(route).is_some(), "{path}: {why:?}");
        }
    }
}
