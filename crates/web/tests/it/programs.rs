//! Programs that do what people do on pages: accounts, deputies, mail, the review of accesses, ledgers at once.

use axum::http::StatusCode;
use domain::authz::Permission::{
    self, Approve, EditLedgers, LendDevices, ManageSettings, ManageUsers, ReadAccesses, ReadJournal, ReadLedgers,
    ReviewAccesses, UseOwnAccount,
};
use domain::authz::Role;
use serde_json::{Value, json};
use testkit::actor;

use crate::api::Site;

/// A program with a token.
struct Program<'a> {
    site: &'a Site,
    token: String,
}

impl<'a> Program<'a> {
    async fn with(site: &'a Site, scopes: &[Permission]) -> Self {
        Self { token: site.token(scopes).await, site }
    }

    async fn ask(&self, method: &str, path: &str, body: Value) -> (StatusCode, Value) {
        self.site.ask(&self.token, method, &format!("/api/v1{path}"), body).await
    }

    async fn get(&self, path: &str) -> Value {
        let (status, said) = self.ask("GET", path, Value::Null).await;
        assert_eq!(status, StatusCode::OK, "{path}: {said}");
        said
    }

    /// An act that has to succeed, and of which the journal hears with the name of the token.
    async fn act(&self, method: &str, path: &str, body: Value) -> Value {
        let before = self.site.0.events().await;
        let (status, said) = self.ask(method, path, body).await;
        assert!(status.is_success(), "{method} {path}: {status} {said}");
        let entries = self.site.0.app.store.journal_list(None, 1_000_000).await.unwrap();
        let said_by = |entry: &String| {
            let entry: Value = serde_json::from_str(entry).unwrap();
            entry["actor"].as_str().unwrap().contains("（a.suzuki）／連携")
        };
        assert!(entries.len() > before && entries.iter().any(said_by), "{method} {path}: nothing in the journal");
        said
    }

    /// An act that has to be refused without a trace.
    async fn refused(&self, method: &str, path: &str, body: Value, status: StatusCode, code: &str) {
        let before = self.site.0.events().await;
        let (was, said) = self.ask(method, path, body).await;
        assert_eq!((was, said["code"].as_str().unwrap_or_default()), (status, code), "{method} {path}: {said}");
        assert_eq!(self.site.0.events().await, before, "{method} {path}: something was written");
    }
}

#[tokio::test]
async fn accounts_are_kept_by_programs_as_by_people() {
    let site = Site::new().await;
    let program = Program::with(&site, &[ManageUsers]).await;
    let new = json!({ "login": "c.mori", "name": "森 つばさ", "role": "staff", "person": "S002" });
    let made = program.act("POST", "/users", new.clone()).await;
    assert_eq!((&made["role"], &made["has_password"], &made["passkeys"]), (&json!("staff"), &json!(false), &json!(0)));
    program.refused("POST", "/users", new, StatusCode::UNPROCESSABLE_ENTITY, "APP-002").await;
    let path = format!("/users/{}", made["id"].as_str().unwrap());
    let act = async |what: &str, body: Value| program.act("POST", &format!("{path}/{what}"), body).await;
    assert_eq!(act("role", json!({ "role": "operator" })).await["role"], "operator");
    assert_eq!(act("disable", json!({ "reason": "休職" })).await["disabled"], "休職");
    assert_eq!(act("enable", json!({})).await["disabled"], Value::Null);
    assert_eq!(act("seal", json!({ "reason": "非常時用にする" })).await["sealed"], true);
    assert_eq!(act("open", json!({ "reason": "停電" })).await["sealed"], false);
    assert_eq!(act("sessions/end", json!({})).await["ended"], 0);
    assert_eq!(program.get(&format!("{path}/sessions")).await["sessions"], json!([]));

    let listed = program.get("/users").await;
    let reviewed = program.act("POST", "/users/review", json!({ "sha256": listed["sha256"] })).await;
    assert_eq!(reviewed["accounts"].as_u64().unwrap(), listed["users"].as_array().unwrap().len() as u64);
    assert_eq!(program.get("/users").await["reviewed"]["unchanged"], true);
    act("role", json!({ "role": "staff" })).await;
    assert_eq!(program.get("/users").await["reviewed"]["unchanged"], false);
    let stale = json!({ "sha256": listed["sha256"] });
    program.refused("POST", "/users/review", stale, StatusCode::CONFLICT, "APP-004").await;

    // Not one's own, not another facility's, and nothing half said.
    let unfit = StatusCode::UNPROCESSABLE_ENTITY;
    let own = listed["users"].as_array().unwrap().iter().find(|user| user["login"] == "a.suzuki").unwrap();
    let own = format!("/users/{}/role", own["id"].as_str().unwrap());
    program.refused("POST", &own, json!({ "role": "staff" }), unfit, "AUT-015").await;
    program.refused("POST", &format!("{path}/role"), json!({ "role": "root" }), unfit, "APP-002").await;
    program.refused("POST", &format!("{path}/disable"), json!({}), unfit, "APP-002").await;
    program.refused("POST", &format!("{path}/disable"), json!({ "reason": "x", "y": 1 }), unfit, "APP-002").await;
    let other = app::NewFacility { name: "隣の医院".to_owned(), ..Default::default() };
    let other = site.0.app.add_facility(&actor(), other).await.unwrap();
    let mut stranger = site.0.signed(&site.0.admin).await.unwrap();
    stranger.user.facility = other.id;
    let theirs = site.0.app.user_add(&stranger, crate::support::newcomer("z.other", Role::Staff)).await.unwrap();
    for act in ["role", "disable", "enable", "seal", "open", "sessions/end"] {
        let body = match act {
            "role" => json!({ "role": "admin" }),
            "enable" | "sessions/end" => json!({}),
            _ => json!({ "reason": "x" }),
        };
        let path = format!("/users/{}/{act}", theirs.id);
        program.refused("POST", &path, body, StatusCode::NOT_FOUND, "APP-003").await;
    }
    let sessions = format!("/users/{}/sessions", theirs.id);
    program.refused("GET", &sessions, Value::Null, StatusCode::NOT_FOUND, "APP-003").await;
}

#[tokio::test]
async fn a_program_ends_sessions_and_tokens_and_makes_none() {
    let site = Site::new().await;
    let program = Program::with(&site, &[UseOwnAccount]).await;
    let sessions = program.get("/sessions").await;
    let own = sessions["sessions"][0]["id"].as_str().unwrap().to_owned();
    let mut staff = site.0.somebody(Role::Staff).await;
    let theirs = site.0.signed(&staff).await.unwrap().session;
    // Without the right to manage accounts, other people's sessions do not exist.
    let path = format!("/sessions/{theirs}/revoke");
    program.refused("POST", &path, json!({}), StatusCode::NOT_FOUND, "APP-003").await;
    assert_eq!(site.0.get(&mut staff, "/account").await.status, StatusCode::OK);
    program.act("POST", &format!("/sessions/{own}/revoke"), json!({})).await;
    assert_eq!(program.get("/sessions").await["sessions"], json!([]));
    assert_eq!(site.0.get(&mut site.0.admin.clone(), "/").await.status, StatusCode::UNAUTHORIZED);

    let tokens = program.get("/tokens").await;
    assert!(!tokens.to_string().contains("secret"), "{tokens}");
    let (status, _) = program.ask("POST", "/tokens", json!({ "name": "x" })).await;
    assert_eq!(status, StatusCode::METHOD_NOT_ALLOWED);
    let id = tokens["tokens"][0]["id"].as_str().unwrap();
    program.act("POST", &format!("/tokens/{id}/revoke"), json!({})).await;
    assert_eq!(program.ask("GET", "/tokens", Value::Null).await.0, StatusCode::UNAUTHORIZED, "it was the last act");
}

#[tokio::test]
async fn a_program_passes_a_row_round_and_ends_it() {
    let site = Site::new().await;
    let program = Program::with(&site, &[Permission::Attest, Permission::ReadTasks]).await;
    let reader = site.0.add_user("d.reader", Role::Operator, false).await;
    let before = program.get("/circulars").await["circulars"].as_array().unwrap().len();
    let typed = json!({ "ledger": "documents", "key": "D-005", "readers": [reader.id], "due_on": "2026-11-30" });
    program.act("POST", "/circulars", typed.clone()).await;
    program.refused("POST", "/circulars", typed, StatusCode::UNPROCESSABLE_ENTITY, "APP-002").await;
    let nobody = json!({ "ledger": "documents", "key": "D-010", "readers": ["nobody"] });
    program.refused("POST", "/circulars", nobody, StatusCode::UNPROCESSABLE_ENTITY, "APP-002").await;
    let listed = program.get("/circulars").await;
    let own: Vec<&Value> =
        listed["circulars"].as_array().unwrap().iter().filter(|c| c["due_on"] == "2026-11-30").collect();
    assert_eq!((own.len(), listed["circulars"].as_array().unwrap().len()), (1, before + 1), "{listed}");
    assert_eq!(own[0]["with"], json!([reader.name]));
    let end = format!("/circulars/{}/end", own[0]["id"].as_str().unwrap());
    program.act("POST", &end, json!({})).await;
    let theirs = listed["circulars"].as_array().unwrap().iter().find(|c| c["key"] == "D-010").unwrap();
    let end = format!("/circulars/{}/end", theirs["id"].as_str().unwrap());
    program.refused("POST", &end, json!({}), StatusCode::NOT_FOUND, "APP-003").await;
}

#[tokio::test]
async fn a_program_appoints_a_deputy_for_its_account() {
    let site = Site::new().await;
    let program = Program::with(&site, &[Approve]).await;
    let staff = site.0.add_user("d.deputy", Role::Operator, false).await;
    let typed =
        json!({ "deputy": staff.id, "from_on": "2026-11-22", "until_on": "2026-11-25", "reason": "学会へ出張" });
    program.act("POST", "/deputies", typed.clone()).await;
    let listed = program.get("/deputies").await;
    assert_eq!(listed["deputies"][0]["deputy"], staff.name.as_str());
    let mut wrong = typed;
    wrong["until_on"] = json!("2028-01-01");
    program.refused("POST", "/deputies", wrong, StatusCode::UNPROCESSABLE_ENTITY, "APP-002").await;
    let path = format!("/deputies/{}/end", listed["deputies"][0]["id"].as_str().unwrap());
    program.act("POST", &path, json!({})).await;
    program.refused("POST", &path, json!({}), StatusCode::NOT_FOUND, "APP-003").await;
    assert_eq!(program.get("/deputies").await["deputies"], json!([]));
}

#[tokio::test]
async fn mail_is_set_and_its_password_never_told() {
    let site = Site::new().await;
    let program = Program::with(&site, &[ManageSettings, ReadJournal]).await;
    program.refused("GET", "/settings/mail", Value::Null, StatusCode::NOT_FOUND, "APP-003").await;
    let set = json!({
        "host": "smtp.example.jp", "port": 587, "security": "starttls", "login": "sakimori",
        "password": "p-of-the-mail-server", "sender": "sakimori@example.jp",
    });
    program.act("PUT", "/settings/mail", set.clone()).await;
    let told = program.get("/settings/mail").await;
    assert_eq!((&told["host"], &told["port"]), (&json!("smtp.example.jp"), &json!(587)));
    assert_eq!(told["has_password"], true);
    let journal = program.get("/journal").await;
    assert!(!told.to_string().contains("p-of-the") && !journal.to_string().contains("p-of-the"));
    let mut wrong = set;
    wrong["security"] = json!("none");
    program.refused("PUT", "/settings/mail", wrong, StatusCode::UNPROCESSABLE_ENTITY, "APP-002").await;
    let unfit = StatusCode::UNPROCESSABLE_ENTITY;
    program.refused("POST", "/settings/mail/try", json!({}), unfit, "MAIL-003").await;
    program.act("DELETE", "/settings/mail", Value::Null).await;
    program.refused("DELETE", "/settings/mail", Value::Null, StatusCode::NOT_FOUND, "APP-003").await;
    assert_eq!(program.get("/journal/heads").await["heads"], json!([]));
}

#[tokio::test]
async fn the_review_of_accesses_is_worked_off_by_programs() {
    let site = Site::new().await;
    let program = Program::with(&site, &[ReviewAccesses, ReadAccesses]).await;
    let mut rules = program.get("/accesses/rules").await;
    rules["closed_days"] = json!([0, 6]);
    program.act("PUT", "/accesses/rules", rules.clone()).await;
    assert_eq!(program.get("/accesses/rules").await, rules);
    rules["closed_days"] = json!([7]);
    program.refused("PUT", "/accesses/rules", rules, StatusCode::UNPROCESSABLE_ENTITY, "APP-002").await;
    assert!(program.act("POST", "/accesses/cases/find", json!({})).await["found"].is_u64());
    let cases = program.get("/accesses/cases").await;
    let open = cases["open"].as_array().unwrap();
    let case = open.iter().find(|case| case["signal"] != "rush").expect("the demonstration has cases");
    let path = format!("/accesses/cases/{}", case["no"]);
    let looked = program.act("POST", &format!("{path}/look"), json!({})).await;
    assert_eq!(looked["case"]["no"], case["no"]);
    let unfit = StatusCode::UNPROCESSABLE_ENTITY;
    let without = json!({ "verdict": "appropriate" });
    program.refused("POST", &format!("{path}/close"), without, unfit, "APP-002").await;
    let why = json!({ "verdict": "appropriate", "reason": "当直の業務と確かめた" });
    program.act("POST", &format!("{path}/close"), why).await;
    let closed = program.get("/accesses/cases").await["closed"].clone();
    assert_eq!(closed[0]["no"], case["no"]);
    let missing = json!({});
    program.refused("POST", "/accesses/cases/x/look", missing, StatusCode::NOT_FOUND, "APP-003").await;
    for format in ["csv", "xlsx", "pdf"] {
        program.act("POST", "/accesses/export", json!({ "about": "all", "format": format })).await;
    }
    let nobody = json!({ "staff": "shown", "format": "pdf" });
    program.refused("POST", "/accesses/report", nobody, unfit, "APP-002").await;
    let report = json!({ "patient": "P0001", "staff": "withheld", "reason": "安全のため", "format": "zip" });
    program.act("POST", "/accesses/report", report).await;
}

#[tokio::test]
async fn applications_go_back_and_forth_and_rows_change_at_once() {
    let site = Site::new().await;
    let program = Program::with(&site, &[Approve, EditLedgers, LendDevices, ReadLedgers]).await;
    let permit = json!({ "person": "S005", "device": "私物の電話", "until_on": "2027-03-31" });
    let asked = program.act("POST", "/byod", permit.clone()).await;
    let key = asked["key"].as_str().unwrap();
    let back = json!({ "rev": asked["rev"], "reason": "端末の版を書いてください" });
    let back = program.act("POST", &format!("/approvals/byod/{key}/send-back"), back).await;
    let mut amended = permit;
    (amended["rev"], amended["os"]) = (back["rev"].clone(), json!("Android 16"));
    let again = program.act("POST", &format!("/byod/{key}/amend"), amended.clone()).await;
    assert_eq!((&again["values"]["state"], &again["values"]["os"]), (&json!("applied"), &json!("Android 16")));
    let path = format!("/byod/{key}/amend");
    program.refused("POST", &path, amended, StatusCode::CONFLICT, "APP-004").await;
    let refusal = json!({ "rev": again["rev"], "reason": "認めない" });
    assert_eq!(program.act("POST", &format!("/byod/{key}/refuse"), refusal).await["values"]["state"], "refused");

    let heading = json!({ "heading": "とりひき先の名", "column": "name" });
    program.act("POST", "/ledgers/vendors/headings", heading).await;
    let unknown = json!({ "heading": "とりひき先の名", "column": "nothing" });
    let unfit = StatusCode::UNPROCESSABLE_ENTITY;
    program.refused("POST", "/ledgers/vendors/headings", unknown, unfit, "IMP-303").await;

    let bulk = json!({ "keys": ["PC-001", "PC-002"], "column": "place", "value": "二階" });
    let changed = program.act("POST", "/ledgers/devices/bulk", bulk).await;
    assert_eq!(changed["changed"], 2);
    assert_eq!(program.get("/ledgers/devices/rows/PC-002").await["values"]["place"], "二階");
    let import = program.get("/imports").await["imports"][0]["id"].as_str().unwrap().to_owned();
    program.act("POST", &format!("/imports/{import}/undo"), json!({})).await;
    assert_ne!(program.get("/ledgers/devices/rows/PC-002").await["values"]["place"], "二階");
    let none = json!({ "keys": ["PC-001", "PC-999"], "column": "place", "value": "二階" });
    program.refused("POST", "/ledgers/devices/bulk", none, StatusCode::NOT_FOUND, "APP-003").await;

    let outside = json!({
        "device": "PC-003", "borrower": "S002", "due_on": "2026-11-25", "place": "outside", "patient_data": false,
        "purpose": "訪問診療",
    });
    let (status, asked) = program.ask("POST", "/loans", outside.clone()).await;
    assert_eq!(status, StatusCode::CREATED, "{asked}");
    let key = asked["key"].as_str().unwrap();
    let back = json!({ "rev": asked["rev"], "reason": "行き先を書いてください" });
    let back = program.act("POST", &format!("/approvals/loans/{key}/send-back"), back).await;
    let mut amended = outside;
    (amended["rev"], amended["purpose"]) = (back["rev"].clone(), json!("訪問診療の往診"));
    let again = program.act("POST", &format!("/loans/{key}/amend"), amended).await;
    assert_eq!(again["values"]["purpose"], "訪問診療の往診");
}

#[tokio::test]
async fn who_moves_has_their_role_looked_at_and_the_decision_is_written_down() {
    let site = Site::new().await;
    let web = &site.0;
    let mut desk = web.desk();
    let new = app::NewUser { person: Some("S002".to_owned()), ..crate::support::newcomer("c.mori", Role::Operator) };
    let user = web.add(new).await;
    let page = format!("/users/{}", user.id);
    assert!(!desk.page("/").await.contains("役割を見直す"));
    assert!(!desk.page(&page).await.contains("id=\"duties\""));

    // The ledger of people is changed by whoever keeps it.
    let move_to = async |department: &str| {
        let people = domain::ledger::ledger("people").unwrap();
        let stored = web.app.row(&web.facility, people, "S002").await.unwrap();
        let mut row: std::collections::BTreeMap<String, String> =
            stored.row.iter().map(|(name, value)| ((*name).to_owned(), value.to_string())).collect();
        row.insert("department".to_owned(), department.to_owned());
        row.insert("duties".to_owned(), String::new());
        web.app.save_row(&actor(), &web.facility, people, Some(("S002", stored.rev)), &row).await.unwrap();
    };
    move_to("医事課").await;

    let today = desk.page("/").await;
    assert!(today.contains("役割を見直す") && today.contains("医事課") && today.contains(&page), "{today}");
    let program = Program::with(&site, &[ManageUsers, Permission::ReadTasks]).await;
    let tasks = program.get("/tasks").await;
    assert!(tasks["tasks"].as_array().unwrap().iter().any(|task| task["link"]["user"] == user.id.as_str()), "{tasks}");
    let shown = desk.page(&page).await;
    assert!(shown.contains("id=\"duties\"") && shown.contains("医事課"), "{shown}");

    // Without a reason nothing is decided; with one it is, by page or program, once.
    let action = format!("{page}/duties");
    let silent = desk.submit(&page, &action, &[("role", "staff"), ("reason", "")]).await;
    assert_eq!(silent.status, StatusCode::UNPROCESSABLE_ENTITY);
    let stale = json!({ "role": "staff", "reason": "異動", "shown": "看護師" });
    let path = format!("/users/{}/duties", user.id);
    program.refused("POST", &path, stale, StatusCode::CONFLICT, "APP-004").await;
    let decided = desk.submit(&page, &action, &[("role", "staff"), ("reason", "医事課へ異動したため")]).await;
    assert_eq!(decided.status, StatusCode::SEE_OTHER, "{}", decided.body);
    let newest = web.app.store.journal_list(None, 1).await.unwrap().remove(0);
    for part in ["user.duties", "医事課", "\"before\":\"operator\"", "\"after\":\"staff\"", "医事課へ異動したため"]
    {
        assert!(newest.contains(part), "{part}: {newest}");
    }
    assert!(!desk.page("/").await.contains("役割を見直す"));
    let users = program.get("/users").await;
    let now = users["users"].as_array().unwrap().iter().find(|one| one["id"] == user.id.as_str()).unwrap();
    assert_eq!((&now["role"], &now["moved"]), (&json!("staff"), &Value::Null));

    move_to("検査室").await;
    let users = program.get("/users").await;
    let moved = users["users"].as_array().unwrap().iter().find(|one| one["id"] == user.id.as_str()).unwrap();
    assert!(moved["moved"]["before"].as_str().unwrap().contains("医事課"), "{moved}");
    let decision = json!({ "role": "staff", "reason": "職員のままでよい", "shown": moved["moved"]["now"] });
    assert_eq!(program.act("POST", &path, decision.clone()).await["moved"], Value::Null);
    program.refused("POST", &path, decision, StatusCode::CONFLICT, "APP-004").await;
}
