//! What nobody should send, to every form of the route table: nothing breaks, nothing is written that was refused, and
//! whoever typed it is told what to do and finds it again.

use axum::http::{Method, StatusCode};
use domain::authz::Role;
use domain::ledger::ledger;
use testkit::actor;
use web::routes::{Access, ROUTES, Route};

use crate::support::{Answer, Browser, TestWeb, encoded, form};

/// Fields of every form but its token, by the path of the table. A test compares this with the table.
#[rustfmt::skip]
const FORMS: &[(&str, &[&str])] = &[
    ("/sign-in", &["login", "password", "code", "next"]),
    ("/sign-in/passkey/challenge", &[]),
    ("/sign-in/passkey", &["credential", "next"]),
    ("/sign-out", &[]),
    ("/language", &["next", "lang"]),
    ("/setup", &["secret"]),
    ("/setup/2", &["facility", "name", "login", "kind", "hosting", "staff"]),
    ("/setup/4", &["q.checklist-r7/1-1"]),
    ("/reset", &["login"]),
    ("/reset/enter", &["shown"]),
    ("/account/passkeys/challenge", &[]),
    ("/account/passkeys", &["credential", "next", "name"]),
    ("/account/passkeys/{id}/remove", &[]),
    ("/account/email", &["email"]),
    ("/account/password", &["new_password", "password_again", "next"]),
    ("/account/totp/begin", &["next"]),
    ("/account/totp", &["code", "next"]),
    ("/account/totp/remove", &[]),
    ("/account/recovery-codes", &["next"]),
    ("/account/sessions/{id}/revoke", &[]),
    ("/account/tokens", &["name", "scope", "ends_on"]),
    ("/account/tokens/{id}/revoke", &[]),
    ("/settings/terminals", &["name", "shared"]),
    ("/settings/unrecorded", &["care", "export", "administration", "emergency"]),
    ("/settings/mail", &["host", "port", "security", "login", "password", "sender", "authority"]),
    ("/settings/mail/try", &[]),
    ("/settings/mail/remove", &[]),
    ("/settings/approvals", &["loans", "byod", "documents"]),
    ("/notice", &[]),
    ("/loans/new", &["device", "borrower", "due_on", "place", "patient_data", "purpose", "from_on", "unencrypted_reason"]),
    ("/loans/{no}/amend", &["rev", "device", "borrower", "due_on", "place", "patient_data", "purpose", "from_on", "unencrypted_reason"]),
    ("/loans/{no}/hand-over", &["rev"]),
    ("/loans/{no}/return", &["rev", "inspection", "note"]),
    ("/loans/{no}/cancel", &["rev", "reason"]),
    ("/lost", &["device", "what", "when"]),
    ("/incident", &["what", "place"]),
    ("/byod/new", &["person", "device", "os", "purpose", "conditions", "until_on"]),
    ("/byod/{no}/amend", &["rev", "person", "device", "os", "purpose", "conditions", "until_on"]),
    ("/byod/{no}/refuse", &["rev", "reason"]),
    ("/byod/{no}/end", &["rev"]),
    ("/disposals/new", &["device", "object", "holds", "method", "disposed_on", "done_by", "result", "certificate", "qualification", "witness", "approved_by", "note", "confirm"]),
    ("/training/{no}", &["person", "attended_on"]),
    ("/approvals/{ledger}/{key}/approve", &["rev", "title", "shown_sha256"]),
    ("/approvals/{ledger}/{key}/challenge", &["shown_sha256"]),
    ("/approvals/{ledger}/{key}/sign", &["rev", "title", "shown_sha256", "credential"]),
    ("/approvals/{ledger}/{key}/seen", &[]),
    ("/approvals/deputies", &["deputy", "from_on", "until_on", "reason"]),
    ("/approvals/{ledger}/{key}/check", &["rev", "title", "shown_sha256"]),
    ("/approvals/{ledger}/{key}/check-back", &["rev", "title", "reason"]),
    ("/circulars", &["ledger", "key", "readers", "note", "due_on"]),
    ("/circulars/{id}/seen", &["shown_sha256"]),
    ("/circulars/{id}/end", &[]),
    ("/approvals/deputies/{id}/end", &[]),
    ("/approvals/{ledger}/{key}/send-back", &["rev", "title", "reason"]),
    ("/overrides/new", &["requirement", "answer", "reason", "valid_until"]),
    ("/overrides/withdraw", &["requirement", "rev", "because"]),
    ("/users/new", &["person", "role", "sealed", "name", "login", "valid_from", "valid_until", "sees_from", "sees_until", "email"]),
    ("/users/reset", &["user", "method", "number", "document"]),
    ("/users/{id}/role", &["role"]),
    ("/users/{id}/duties", &["role", "reason", "shown"]),
    ("/users/{id}/disable", &["reason"]),
    ("/users/{id}/enable", &[]),
    ("/users/{id}/sessions/end", &[]),
    ("/users/{id}/open", &["reason"]),
    ("/users/{id}/seal", &["reason"]),
    ("/users/review", &["shown_sha256"]),
    ("/accesses", &["patient", "user", "since", "until", "about", "before"]),
    ("/accesses/export", &["patient", "user", "since", "until", "about", "format"]),
    ("/accesses/report", &["patient", "since", "until", "staff", "reason", "format"]),
    ("/accesses/cases/find", &[]),
    ("/accesses/cases/sign", &[]),
    ("/accesses/cases/{no}", &[]),
    ("/accesses/cases/{no}/close", &["verdict", "reason"]),
    ("/accesses/rules", &["review_budget", "review_rush", "closed"]),
    ("/ledgers/{ledger}/new", &["no", "name", "kind", "bought_on", "place", "note"]),
    ("/ledgers/{ledger}/bulk", &["key", "column", "value"]),
    ("/ledgers/{ledger}/confirm", &["key"]),
    ("/ledgers/{ledger}/{key}/edit", &["rev", "no", "name", "kind", "bought_on", "place", "note"]),
    ("/ledgers/{ledger}/{key}/remove", &["rev", "reason"]),
    ("/imports", &["ledger"]),
    ("/imports/held/{id}/map", &["ledger", "chosen", "heading.名", "was.名"]),
    ("/imports/held/{id}/commit", &["chosen"]),
    ("/imports/{id}/undo", &[]),
    ("/requirements/{edition}/{*item}", &["rev", "answer", "reason", "valid_until", "owner", "target_on"]),
    ("/checklists/{edition}/{form}", &["sha256"]),
    ("/evidence/journal/paper", &[]),
    ("/evidence/retention/periods", &["journal_years", "journal_basis", "accesses_years", "accesses_basis"]),
    ("/evidence/retention/holds", &["hold_reason", "from"]),
    ("/evidence/retention/holds/{id}/lift", &["lift_reason"]),
    ("/evidence/retention/ask", &["ask_reason"]),
    ("/evidence/retention/{id}/approve", &["shown_sha256"]),
    ("/evidence/retention/{id}/withdraw", &["withdraw_reason"]),
    ("/requests/new", &["requirement", "what", "due_on"]),
    ("/requests/{no}/answer", &["rev", "links", "said"]),
    ("/requests/{no}/confirm", &["rev"]),
    ("/requests/{no}/send-back", &["rev", "reason"]),
    ("/requests/{no}/withdraw", &["rev", "why"]),
    ("/jobs", &["work", "edition"]),
];

/// Acts of refusal that are written down on purpose: who tried what is what the journal is for.
const TRIES: &[&str] = &["sign-in.fail", "passkey.fail", "reset.ask", "reset.refuse", "mail.try", "review.look"];
/// Fields whose value never comes back.
const SECRETS: &[&str] = &["password", "new_password", "password_again", "code", "credential", "secret"];

fn forms() -> Vec<&'static Route> {
    let is_form = |route: &&Route| {
        route.method == Method::POST && matches!(route.access, Access::Open | Access::Holder(_) | Access::Fresh(_))
    };
    ROUTES.iter().filter(is_form).collect()
}

fn fields(route: &Route) -> &'static [&'static str] {
    FORMS.iter().find(|(path, _)| *path == route.path).map_or(&[], |(_, fields)| fields)
}

#[test]
fn the_forms_of_this_test_are_those_of_the_table() {
    let of_table: Vec<&str> = forms().iter().map(|route| route.path).collect();
    assert_eq!(of_table, FORMS.iter().map(|(path, _)| *path).collect::<Vec<_>>(), "in the same order");
}

/// What the parameters of a path are filled with.
struct Filling {
    user: String,
    id: String,
    key: String,
    loan: String,
    permit: String,
}

impl Filling {
    fn path(&self, route: &Route) -> String {
        let of = |name: &str| match name {
            "ledger" => "devices",
            "edition" => "mhlw-7.0",
            "form" => "clinic",
            "*item" => "keiei/3.1-6",
            "key" => &self.key,
            "no" if route.path.starts_with("/loans/") => &self.loan,
            "no" if route.path.starts_with("/byod/") => &self.permit,
            "no" => "H-008",
            _ if route.path.starts_with("/users/") => &self.user,
            _ => &self.id,
        };
        let part = |part: &str| match part.strip_prefix('{').and_then(|p| p.strip_suffix('}')) {
            Some(name) => of(name).to_owned(),
            None => part.to_owned(),
        };
        route.path.split('/').map(part).collect::<Vec<_>>().join("/")
    }
}

/// A clinic, and what is asked of its forms.
struct Attack {
    web: TestWeb,
    browser: Browser,
    here: Filling,
    /// What did not hold, over all forms: one run tells of all.
    faults: Vec<String>,
}

impl Attack {
    async fn new() -> Self {
        let web = TestWeb::new().await;
        let user = web.add_user("target", Role::Staff, false).await.id;
        let first =
            async |name: &str| web.app.rows_all(&web.facility, ledger(name).unwrap()).await.unwrap()[0].key.clone();
        let (loan, permit) = (first("loans").await, first("byod").await);
        let (id, key) = ("0190d5a0-0000-7000-8000-000000000000".to_owned(), "PC-010".to_owned());
        let here = Filling { user, id, key, loan, permit };
        let browser = web.admin.clone();
        Self { web, browser, here, faults: Vec::new() }
    }

    /// The newest entries of the journal, as far as they are no record of a try.
    async fn writes(&self) -> (usize, String) {
        let all = self.web.app.store.journal_list(None, 1_000_000).await.unwrap();
        let is_try = |entry: &&String| TRIES.iter().any(|action| entry.contains(&format!("\"action\":\"{action}\"")));
        let newest = all.iter().find(|entry| !is_try(entry)).cloned().unwrap_or_default();
        (all.iter().filter(|entry| !is_try(entry)).count(), newest)
    }

    /// Sends a form with the token it should have, by a browser of its own where it needs none.
    async fn send(&mut self, route: &Route, path: &str, typed: &[(&str, &str)]) -> Answer {
        let token = match route.access {
            Access::Open => None,
            _ => self.web.signed(&self.browser).await.map(|me| me.csrf),
        };
        let mut browser = match route.access {
            Access::Open => Browser::new(),
            _ => self.browser.clone(),
        };
        let request = form(path).header("sec-fetch-site", "same-origin");
        let file = (path == "/imports").then_some(("../../etc/passwd\u{0}.xlsx", b"PK\x03\x04 no workbook".as_slice()));
        let request = request.body(encoded(path, typed, token.as_deref(), file)).unwrap();
        self.web.send(&mut browser, request).await
    }

    /// The same, and what has to hold of every answer.
    async fn check(&mut self, route: &Route, path: &str, typed: &[(&str, &str)], what: &str) -> Answer {
        let before = self.writes().await;
        let answer = self.send(route, path, typed).await;
        let mut faults = Vec::new();
        if answer.status.is_server_error() {
            faults.push("a fault of the server".to_owned());
        }
        if answer.status.is_client_error() {
            let after = self.writes().await;
            if before.0 != after.0 {
                faults.push(format!("written although refused: {}", after.1));
            }
            faults.extend(untold(&answer));
            let own: Vec<(&str, &str)> =
                typed.iter().filter(|(name, _)| fields(route).contains(name)).copied().collect();
            faults.extend(lost(&answer, &own));
        }
        let stays = self.web.signed(&self.browser).await.is_some_and(|me| !me.locked);
        if !stays && route.access != Access::Open {
            faults.push("the session is over".to_owned());
            self.browser = self.web.somebody(Role::Admin).await;
        }
        let short: String = path.chars().take(80).collect();
        self.faults.extend(faults.into_iter().map(|fault| format!("{short} with {what}: {}: {fault}", answer.status)));
        answer
    }

    /// Notes what does not hold.
    fn expect(&mut self, holds: bool, path: &str, what: &str, answer: &Answer) {
        if !holds {
            let short: String = path.chars().take(80).collect();
            self.faults.push(format!("{short} with {what}: {}", answer.status));
        }
    }

    fn end(self) {
        assert!(self.faults.is_empty(), "{} faults:\n{}", self.faults.len(), self.faults.join("\n"));
    }
}

/// What a refusal leaves unsaid of what happened, why, and what to do: two sentences, or the faults of the fields.
fn untold(answer: &Answer) -> Option<String> {
    let page = &answer.body;
    let summary = page.contains("id=\"error-summary\"");
    let problem = page.split("<p class=\"notice bad\">").nth(1).and_then(|rest| rest.split("</p>").next());
    let asks = page.contains("action=\"/reset/enter\"") || page.contains("action=\"/sign-in\"");
    match problem {
        _ if !page.contains("<h1") => Some(format!("no page: {}", page.chars().take(200).collect::<String>())),
        Some(message) if !summary => (message.matches('。').count() < 2).then(|| format!("says only «{message}»")),
        _ => (!summary && !asks).then(|| "no reason".to_owned()),
    }
}

fn escaped(text: &str) -> String {
    let pairs = [('&', "&#38;"), ('<', "&#60;"), ('>', "&#62;"), ('"', "&#34;"), ('\'', "&#39;")];
    text.chars()
        .map(|c| {
            pairs.iter().find(|(plain, _)| *plain == c).map_or_else(|| c.to_string(), |(_, html)| (*html).to_owned())
        })
        .collect()
}

/// What was typed into free text and is not on the page that refuses it.
fn lost(answer: &Answer, typed: &[(&str, &str)]) -> Vec<String> {
    const FREE: &[&str] =
        &["name", "reason", "what", "purpose", "note", "object", "device", "because", "document", "login", "email"];
    // A page for somebody who may not act here carries nothing on.
    if [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN, StatusCode::PAYLOAD_TOO_LARGE].contains(&answer.status) {
        return Vec::new();
    }
    let free = typed.iter().filter(|(name, value)| FREE.contains(name) && !value.is_empty());
    free.filter(|(_, value)| !answer.body.contains(&escaped(value)))
        .map(|(name, _)| format!("«{name}» is lost"))
        .collect()
}

/// What is typed into every field.
fn values() -> Vec<(&'static str, String)> {
    vec![
        ("nothing", String::new()),
        ("100 kB", "あ".repeat(33_000)),
        ("full width", "　ＡＢＣ－１２３　全角　".to_owned()),
        ("emoji", "💊🏥👩\u{200d}⚕️".to_owned()),
        ("control characters", "a\u{0}\u{7}\u{1b}[31m\u{202e}b".to_owned()),
        ("a path", "../../../../etc/passwd".to_owned()),
        ("markup", "<script>alert(1)</script>\"'&".to_owned()),
    ]
}

#[tokio::test]
async fn no_form_breaks_writes_or_forgets_what_is_typed() {
    let mut attack = Attack::new().await;
    for route in forms() {
        let path = attack.here.path(route);
        for (what, value) in values() {
            let typed: Vec<(&str, &str)> = fields(route).iter().map(|field| (*field, value.as_str())).collect();
            // Large in all fields at once is larger than any form.
            let typed = if value.len() > 50_000 { typed.into_iter().take(2).collect() } else { typed };
            let answer = attack.check(route, &path, &typed, what).await;
            attack.expect(!answer.body.contains("<script>alert"), &path, "markup in the page", &answer);
        }
    }
    attack.end();
}

#[tokio::test]
async fn what_is_somebody_elses_or_no_name_at_all_is_not_there() {
    let mut attack = Attack::new().await;
    let other = app::NewFacility { name: "隣の医院".to_owned(), ..Default::default() };
    let other = attack.web.app.add_facility(&actor(), other).await.unwrap();
    let mut stranger = attack.web.signed(&attack.web.admin).await.unwrap();
    stranger.user.facility.clone_from(&other.id);
    let theirs = attack.web.app.user_add(&stranger, crate::support::newcomer("z.other", Role::Staff)).await.unwrap();
    let rows = [
        ("devices", vec![("no", "Z-1"), ("name", "隣の端末"), ("kind", "terminal")]),
        ("loans", vec![("no", "Z-1"), ("device", "Z-1"), ("borrower", "隣の人"), ("state", "applied")]),
        ("byod", vec![("no", "Z-1"), ("person", "隣の人"), ("device", "隣の電話"), ("state", "applied")]),
    ];
    for (of, row) in rows {
        let row = row.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        attack.web.app.save_row(&actor(), &other, ledger(of).unwrap(), None, &row).await.unwrap();
    }
    let named = |name: &str| {
        let name = || name.to_owned();
        Filling { user: name(), id: name(), key: name(), loan: name(), permit: name() }
    };
    let next_door = Filling { user: theirs.id, ..named("Z-1") };
    let long = "a".repeat(5_000);
    let names = ["..%2F..%2F..%2Fetc%2Fpasswd", "%00", "%FF%FE", "%F0%9F%92%8A", "%20", "-1", long.as_str()];
    let fillings: Vec<Filling> = std::iter::once(next_door).chain(names.map(named)).collect();
    // What asks a passkey to sign says nothing about whether there is such a thing.
    let by_name = |route: &&Route| {
        ["{id}", "{key}", "{no}"].iter().any(|part| route.path.contains(part)) && !route.path.ends_with("/challenge")
    };
    for route in forms().into_iter().filter(by_name) {
        for filling in &fillings {
            let path = filling.path(route);
            let answer = attack.check(route, &path, &[("rev", "1"), ("reason", "理由"), ("role", "admin")], "it").await;
            attack.expect(answer.status.is_client_error(), &path, "what is not there", &answer);
            attack.expect(!answer.body.contains("隣の"), &path, "what is next door", &answer);
        }
    }
    attack.end();
}

#[tokio::test]
async fn a_stale_revision_changes_nothing() {
    let mut attack = Attack::new().await;
    let pending = attack.web.app.approvals_pending(&attack.web.facility).await.unwrap();
    for route in forms().into_iter().filter(|route| fields(route).contains(&"rev")) {
        let path = match route.path.strip_prefix("/approvals/{ledger}/{key}") {
            Some(act) => format!("/approvals/{}/{}{act}", pending[0].ledger, pending[0].key),
            None => attack.here.path(route),
        };
        for rev in ["", "0", "-1", "999", "x", "９９", "99999999999999999999"] {
            let typed = [
                ("rev", rev),
                ("reason", "理由"),
                ("no", "PC-010"),
                ("name", "端末"),
                ("kind", "terminal"),
                ("answer", "yes"),
                ("requirement", "checklist-r7/1-1"),
                ("because", "理由"),
                ("person", "S002"),
                ("device", "PC-010"),
                ("borrower", "S002"),
                ("until_on", "2026-12-31"),
            ];
            let answer = attack.check(route, &path, &typed, rev).await;
            attack.expect(answer.status.is_client_error(), &path, rev, &answer);
        }
    }
    attack.end();
}

#[tokio::test]
async fn a_session_that_is_over_keeps_what_was_typed_into_any_form() {
    let attack = Attack::new().await;
    let text = "途中の「入力」<b>";
    let by_session = |route: &&Route| route.access != Access::Open;
    for route in forms().into_iter().filter(by_session) {
        let path = attack.here.path(route);
        let typed: Vec<(&str, &str)> = fields(route).iter().map(|field| (*field, text)).collect();
        let mut browser = Browser::new();
        let asked = attack.web.post(&mut browser, &path, &typed).await;
        assert_eq!(asked.status, StatusCode::UNAUTHORIZED, "{path}");
        let mut hidden = asked.hidden("/sign-in");
        for field in fields(route) {
            let carried = hidden.iter().any(|(name, value)| *name == format!("kept.{field}") && value == text);
            assert_ne!(carried, SECRETS.contains(field), "{path}: {field}");
        }
        hidden.push(("login".to_owned(), "a.suzuki".to_owned()));
        hidden.push(("password".to_owned(), crate::support::LONG.to_owned()));
        let fields_sent: Vec<(&str, &str)> = hidden.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        let resumed = attack.web.post(&mut browser, "/sign-in", &fields_sent).await;
        assert_eq!(resumed.status, StatusCode::OK, "{path}: {}", resumed.body);
        let back = resumed.hidden(&path);
        for field in fields(route).iter().filter(|field| !SECRETS.contains(field)) {
            assert!(back.iter().any(|(name, value)| name == field && value == text), "{path}: {field} is lost");
        }
    }
}

/// Forms as somebody fills them in.
#[rustfmt::skip]
const TWICE: &[(&str, &[(&str, &str)])] = &[
    ("/incident", &[("what", "脅迫文が出ている"), ("place", "受付")]),
    ("/lost", &[("device", "MD-001"), ("what", "見当たらない")]),
    ("/loans/new", &[("device", "PC-003"), ("borrower", "S002"), ("due_on", "2026-11-25"), ("place", "inside")]),
    ("/byod/new", &[("person", "S005"), ("device", "私物の電話"), ("until_on", "2027-03-31"), ("conditions", "mdm")]),
    ("/disposals/new", &[("object", "古い名簿の束"), ("method", "overwrite"), ("done_by", "架空 花子"), ("disposed_on", "2026-11-20")]),
    ("/overrides/new", &[("requirement", "checklist-r7/1-1"), ("answer", "no"), ("reason", "任命が形だけのため")]),
    ("/users/new", &[("name", "森 つばさ"), ("login", "c.mori"), ("role", "staff")]),
    ("/account/tokens", &[("name", "連携"), ("scope", "read-ledgers"), ("ends_on", "2026-12-31")]),
    ("/ledgers/people/new", &[("rev", "0"), ("no", "S903"), ("name", "高橋 ひなた")]),
    ("/jobs", &[("work", "audit_folder")]),
];

/// The actions of the newest entries, the end of a job aside.
async fn actions(web: &TestWeb, newest: usize) -> Vec<String> {
    let all = web.app.store.journal_list(None, 1_000_000).await.unwrap();
    let action = |entry: &String| entry.split("\"action\":\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    all.iter().take(newest).map(action).filter(|action| !action.ends_with(".end")).collect()
}

#[tokio::test]
async fn the_same_form_sent_twice_is_one_act_or_a_clear_message() {
    let attack = Attack::new().await;
    let web = &attack.web;
    let deputy = web.add_user("d.deputy", Role::Operator, false).await.id;
    let mut forms: Vec<(&str, Vec<(&str, &str)>)> = TWICE.iter().map(|(path, typed)| (*path, typed.to_vec())).collect();
    let appointed =
        vec![("deputy", deputy.as_str()), ("from_on", "2026-11-22"), ("until_on", "2026-11-25"), ("reason", "出張")];
    forms.push(("/approvals/deputies", appointed));
    let passed =
        vec![("ledger", "documents"), ("key", "D-005"), ("readers", deputy.as_str()), ("note", "ご確認ください")];
    forms.push(("/circulars", passed));
    let mut browser = web.admin.clone();
    let mut faults = Vec::new();
    for (path, typed) in forms {
        let before = web.events().await;
        let first = web.post(&mut browser, path, &typed).await;
        let taken = first.status.is_success() || first.status.is_redirection();
        assert!(taken, "{path}: {}\n{}", first.status, first.body);
        let after = web.events().await;
        let left = actions(web, after - before).await;
        assert!(!left.is_empty(), "{path} leaves nothing");
        let second = web.post(&mut browser, path, &typed).await;
        let again = actions(web, web.events().await - after).await;
        if again.iter().any(|action| left.contains(action)) {
            faults.push(format!("{path}: {again:?} twice"));
        }
        if second.status.is_client_error() {
            faults.extend(
                untold(&second).into_iter().chain(lost(&second, &typed)).map(|fault| format!("{path}: {fault}")),
            );
        } else if !second.status.is_redirection() {
            faults.push(format!("{path}: {}", second.status));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
