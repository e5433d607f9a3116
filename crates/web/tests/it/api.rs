//! The interface for programs: who gets in, what is refused, what is written.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};

use app::NewToken;
use axum::body::{Body, to_bytes};
use axum::extract::ConnectInfo;
use axum::http::{HeaderMap, Request, StatusCode};
use domain::authz::Permission::{
    self, EditLedgers, LendDevices, ReadAccesses, ReadLedgers, ReadTasks, ReadVerdicts, SendAccesses,
};
use serde_json::{Value, json};
use testkit::{actor, noon};
use web::routes::{Access, ROUTES};

use crate::support::{ADMIN, TestWeb};

/// The demonstration, asked by programs in the name of its administrator.
pub(crate) struct Site(pub(crate) TestWeb);

impl Site {
    pub(crate) async fn new() -> Self {
        Self(TestWeb::new().await)
    }

    pub(crate) async fn token(&self, scopes: &[Permission]) -> String {
        self.token_for(scopes, &[]).await
    }

    /// A token that may hand in the records of these sources alone.
    pub(crate) async fn token_for(&self, scopes: &[Permission], sources: &[&str]) -> String {
        let sources: Vec<String> = sources.iter().map(|&source| source.to_owned()).collect();
        static COUNT: AtomicUsize = AtomicUsize::new(1);
        let name = format!("連携{}", COUNT.fetch_add(1, Ordering::Relaxed));
        let ends_on = "2026-11-30".parse().unwrap();
        let new = NewToken { name: &name, scopes, sources: &sources, ends_on };
        let made = self.0.app.token_issue(&actor(), &self.0.facility.id, "a.suzuki", new).await;
        made.unwrap().expose().to_owned()
    }

    pub(crate) async fn ask(&self, token: &str, method: &str, path: &str, body: Value) -> (StatusCode, Value) {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("authorization", format!("Bearer {token}"))
            .header("content-type", "application/json")
            .body(Body::from(body))
            .unwrap();
        let (status, _, body) = self.send(request).await;
        (status, body)
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> (StatusCode, HeaderMap, Value) {
        let response = self.0.ask(request).await;
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, usize::MAX).await.unwrap();
        if parts.status.is_client_error() {
            let fhir = parts.headers["content-type"] == "application/fhir+json";
            assert!(fhir || parts.headers["content-type"] == "application/problem+json", "{:?}", parts.status);
        }
        (parts.status, parts.headers, serde_json::from_slice(&bytes).unwrap_or_default())
    }
}

const ROWS: &str = "/api/v1/ledgers/vendors/rows";

/// The code of a refusal: of a problem document, or of an OperationOutcome where FHIR is spoken.
fn code(said: &Value) -> &Value {
    said.pointer("/issue/0/details/coding/0/code").unwrap_or(&said["code"])
}

#[tokio::test]
async fn only_a_token_with_the_scope_gets_in() {
    let site = Site::new().await;
    let reader = site.token(&[ReadLedgers]).await;
    for route in ROUTES {
        let Access::Token(needs) = route.access else { continue };
        let path = route.path.replace("{ledger}", "devices").replace(['{', '}'], "");
        let (method, body) = (route.method.as_str(), json!({}));
        let (status, said) = site.ask("sakimori_wrong", method, &path, body.clone()).await;
        assert_eq!((status, code(&said)), (StatusCode::UNAUTHORIZED, &json!("API-001")), "{path}");
        let (status, said) = site.ask(&reader, method, &path, body).await;
        if needs == ReadLedgers {
            assert!(status != StatusCode::FORBIDDEN && !status.is_server_error(), "{path} {status}");
        } else {
            assert_eq!((status, code(&said)), (StatusCode::FORBIDDEN, &json!("API-002")), "{path}");
        }
    }
    // A session is no token, and what asks for a token says so.
    let request = Request::get(ROWS).header("cookie", "__Host-session=x").body(Body::empty()).unwrap();
    let (status, headers, _) = site.send(request).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    assert_eq!(headers["www-authenticate"], "Bearer realm=\"sakimori\"");
    assert_eq!((&headers["cache-control"], headers.get("set-cookie")), (&"no-store".parse().unwrap(), None));
}

#[tokio::test]
async fn a_token_ends_by_its_day_and_by_revocation() {
    let site = Site::new().await;
    let (first, second) = (site.token(&[ReadLedgers]).await, site.token(&[ReadLedgers]).await);
    let status = async |token: &str| site.ask(token, "GET", ROWS, Value::Null).await.0;
    assert_eq!((status(&first).await, status(&second).await), (StatusCode::OK, StatusCode::OK));
    let tokens = site.0.app.token_list(&site.0.facility.id).await.unwrap();
    let mut tx = site.0.app.store.begin(&actor(), &site.0.facility.id, noon()).await.unwrap();
    tx.token_revoke(&tokens[1].id).await.unwrap();
    tx.record(domain::journal::Event::new("token.revoke", tokens[1].id.clone()));
    tx.commit().await.unwrap();
    assert_eq!(status(&first).await, StatusCode::UNAUTHORIZED);
    site.0.on("2026-11-30");
    assert_eq!(status(&second).await, StatusCode::OK);
    site.0.on("2026-12-01");
    assert_eq!(status(&second).await, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn rows_go_in_and_out_with_types_and_revisions() {
    let site = Site::new().await;
    let token = site.token(&[ReadLedgers, EditLedgers]).await;
    let before = site.0.events().await;
    let values =
        json!({ "no": "PC-901", "name": "連携試験", "kind": "terminal", "encrypted": true, "bought_on": "2026-04-01" });
    let (status, made) = site.ask(&token, "POST", "/api/v1/ledgers/devices/rows", json!({ "values": values })).await;
    assert_eq!(status, StatusCode::CREATED, "{made}");
    assert_eq!((&made["key"], &made["rev"]), (&json!("PC-901"), &json!(1)));
    assert_eq!(site.0.events().await, before + 1);
    let path = "/api/v1/ledgers/devices/rows/PC-901";
    let (_, read) = site.ask(&token, "GET", path, Value::Null).await;
    assert_eq!(read["values"], values);

    // What is not written is not stated any more; the old revision is no good twice.
    let change = json!({ "rev": 1, "values": { "no": "PC-901", "name": "連携試験2", "kind": "terminal" } });
    let (status, changed) = site.ask(&token, "PUT", path, change.clone()).await;
    assert_eq!(
        (status, &changed["values"]),
        (StatusCode::OK, &json!({ "no": "PC-901", "name": "連携試験2", "kind": "terminal" }))
    );
    let (status, said) = site.ask(&token, "PUT", path, change).await;
    assert_eq!((status, &said["code"]), (StatusCode::CONFLICT, &json!("APP-004")));
    let (_, history) = site.ask(&token, "GET", &format!("{path}/history"), Value::Null).await;
    let by = history["entries"][0]["actor"].as_str().unwrap();
    assert!(by.starts_with(&format!("{ADMIN}（a.suzuki）／連携")), "{by}");

    let wrong = json!({ "values": {
        "no": 7, "name": "あ".repeat(2_001), "encrypted": "はい", "bought_on": "令和8年4月1日", "kind": "ノート",
        "secret": 1,
    } });
    let (status, said) = site.ask(&token, "POST", "/api/v1/ledgers/devices/rows", wrong).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    let mut fields: Vec<&str> =
        said["errors"].as_array().unwrap().iter().map(|e| e["field"].as_str().unwrap()).collect();
    fields.sort_unstable();
    assert_eq!(fields, ["bought_on", "encrypted", "kind", "name", "no", "secret"]);

    let (status, said) = site.ask(&token, "DELETE", &format!("{path}?rev=2&reason=x"), Value::Null).await;
    assert_eq!((status, &said["code"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!("LED-002")));
    let values = json!({ "values": { "no": "V-9", "name": "架空商会" } });
    assert_eq!(site.ask(&token, "POST", ROWS, values).await.0, StatusCode::CREATED);
    let gone = site.ask(&token, "DELETE", &format!("{ROWS}/V-9?rev=1&reason=%E8%A9%A6%E9%A8%93"), Value::Null).await;
    assert_eq!(gone.0, StatusCode::NO_CONTENT);
    assert_eq!(site.ask(&token, "GET", &format!("{ROWS}/V-9"), Value::Null).await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn strange_requests_are_refused_by_name() {
    let site = Site::new().await;
    let token = site.token(&[ReadLedgers, EditLedgers]).await;
    for (query, field) in [
        ("page=x", "page"),
        ("page=0", "page"),
        ("sort=secret", "sort"),
        ("desc=1", "desc"),
        ("other=1", "other"),
        ("q=a&q=b", "q"),
    ] {
        let (status, said) = site.ask(&token, "GET", &format!("{ROWS}?{query}"), Value::Null).await;
        assert_eq!((status, &said["errors"][0]["field"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!(field)), "{query}");
    }
    assert_eq!(site.ask(&token, "POST", ROWS, json!([])).await.0, StatusCode::BAD_REQUEST);
    assert_eq!(site.ask(&token, "PATCH", ROWS, json!({})).await.0, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(site.ask(&token, "GET", "/api/v1/ledgers/none/rows", Value::Null).await.0, StatusCode::NOT_FOUND);
    assert_eq!(site.ask(&token, "GET", &format!("{ROWS}/%00"), Value::Null).await.0, StatusCode::NOT_FOUND);
    assert_eq!(site.ask(&token, "GET", &format!("{ROWS}/%ff"), Value::Null).await.0, StatusCode::BAD_REQUEST);
    assert_eq!(site.ask(&token, "GET", "/api/v1/nothing", Value::Null).await.0, StatusCode::NOT_FOUND);
    let text = Request::post(ROWS).header("authorization", format!("Bearer {token}")).body(Body::from("{}")).unwrap();
    assert_eq!(site.send(text).await.0, StatusCode::UNSUPPORTED_MEDIA_TYPE);
}

#[tokio::test]
async fn rows_of_another_facility_do_not_exist() {
    let site = Site::new().await;
    let token = site.token(&[ReadLedgers, EditLedgers]).await;
    let other = app::NewFacility { name: "隣の医院".to_owned(), ..Default::default() };
    let other = site.0.app.add_facility(&actor(), other).await.unwrap();
    let vendors = domain::ledger::ledger("vendors").unwrap();
    let fields = [("no", "V-SECRET"), ("name", "隣の業者")].map(|(n, v)| (n.to_owned(), v.to_owned())).into();
    site.0.app.save_row(&actor(), &other, vendors, None, &fields).await.unwrap();
    let path = format!("{ROWS}/V-SECRET");
    assert_eq!(site.ask(&token, "GET", &path, Value::Null).await.0, StatusCode::NOT_FOUND);
    let change = json!({ "rev": 1, "values": { "no": "V-SECRET", "name": "x" } });
    assert_eq!(site.ask(&token, "PUT", &path, change).await.0, StatusCode::NOT_FOUND);
    assert_eq!(
        site.ask(&token, "DELETE", &format!("{path}?rev=1&reason=x"), Value::Null).await.0,
        StatusCode::NOT_FOUND
    );
    let (_, list) = site.ask(&token, "GET", &format!("{ROWS}?q=V-SECRET"), Value::Null).await;
    assert_eq!(list["total"], 0);
}

#[tokio::test]
async fn work_and_verdicts_are_there() {
    let site = Site::new().await;
    let token = site.token(&[ReadLedgers, EditLedgers, ReadVerdicts, ReadTasks, LendDevices]).await;
    let get = async |path: &str| site.ask(&token, "GET", path, Value::Null).await;
    assert_eq!(get("/api/v1/facility").await.1["name"], site.0.facility.name.as_str());
    let (_, verdicts) = get("/api/v1/requirements").await;
    let first = &verdicts["findings"][0];
    let id = first["id"].as_str().unwrap().replace('/', "%2F");
    assert_eq!(&get(&format!("/api/v1/requirements/{id}")).await.1, first);
    let (_, monthly) = get("/api/v1/monthly?edition=checklist-r7").await;
    assert_eq!(monthly["months"].as_array().unwrap().len(), 12);
    assert!(monthly["moved"].as_array().unwrap().iter().all(|moved| moved["before"] != moved["now"]));
    assert_eq!(get("/api/v1/monthly?edition=none").await.0, StatusCode::UNPROCESSABLE_ENTITY);
    let (status, list) = get("/api/v1/checklists/checklist-r7/clinic").await;
    let form = if status == StatusCode::OK { list } else { get("/api/v1/checklists/checklist-r7/hospital").await.1 };
    assert!(!form["findings"].as_array().unwrap().is_empty());
    assert!(!get("/api/v1/tasks").await.1["tasks"].as_array().unwrap().is_empty());
    let (_, open) = get("/api/v1/loans").await;
    let late = &open["loans"][0];
    let path = format!("/api/v1/loans/{}/return", late["row"]["key"].as_str().unwrap());
    let back = json!({ "rev": late["row"]["rev"], "inspection": ["whole"], "note": "" });
    let (status, said) = site.ask(&token, "POST", &path, back).await;
    assert!(matches!(status, StatusCode::OK | StatusCode::UNPROCESSABLE_ENTITY), "{said}");
    let vendors = domain::ledger::ledger("vendors").unwrap();
    let head = |name: &str| vendors.column(name).unwrap().label.ja;
    let csv = format!("{},{}\nV-77,取込商会\n", head("no"), head("name"));
    let import = |dry_run| {
        let path = format!("/api/v1/ledgers/vendors/import?dry_run={dry_run}&name=v.csv");
        let request = Request::post(path).header("authorization", format!("Bearer {token}"));
        site.send(request.body(Body::from(csv.clone())).unwrap())
    };
    let (_, _, dry) = import(true).await;
    assert_eq!((&dry["sheets"][0]["added"], &dry["sheets"][0]["import"]), (&json!(["V-77"]), &Value::Null));
    assert!(import(false).await.2["sheets"][0]["import"].is_string());
    assert_eq!(get("/api/v1/ledgers/vendors/export?format=json").await.0, StatusCode::OK);
}

#[tokio::test]
async fn what_people_do_on_pages_programs_do_too() {
    let site = Site::new().await;
    let has = |p: &Permission| *p != Permission::UseOwnAccount && domain::authz::Role::Admin.may(*p);
    let scopes: Vec<Permission> = Permission::ALL.into_iter().filter(has).collect();
    let token = site.token(&scopes).await;
    let ask = async |method: &str, path: &str, body: Value| {
        let before = site.0.events().await;
        let (status, said) = site.ask(&token, method, &format!("/api/v1{path}"), body).await;
        assert!(status.is_success(), "{method} {path}: {status} {said}");
        assert!(method == "GET" || site.0.events().await > before, "{method} {path}: nothing in the journal");
        said
    };
    let get = async |path: &str| ask("GET", path, Value::Null).await;

    let permit = json!({ "person": "S005", "device": "私物の電話", "conditions": [], "until_on": "2027-03-31" });
    let permit = ask("POST", "/byod", permit).await;
    assert_eq!(permit["values"]["state"], "applied");
    let waiting = get("/approvals").await;
    assert!(waiting["approvals"].as_array().unwrap().iter().any(|a| a["key"] == permit["key"]));
    let back = json!({ "rev": permit["rev"], "reason": "端末の版を書いてください" });
    let path = format!("/approvals/byod/{}/send-back", permit["key"].as_str().unwrap());
    assert_eq!(ask("POST", &path, back).await["values"]["state"], "sent_back");

    let disposal =
        json!({ "object": "古い名簿の束", "method": "shred", "done_by": "架空 花子", "disposed_on": "2026-11-20" });
    let methods = domain::ledger::ledger("disposals").unwrap().column("method").unwrap();
    let domain::ledger::Kind::Choice(choices) = methods.kind else { panic!("no choice") };
    let mut disposal = disposal;
    disposal["method"] = json!(choices[0].code);
    let disposal = ask("POST", "/disposals", disposal).await;
    assert_eq!(disposal["values"]["object"], "古い名簿の束");

    let entered = ask("POST", "/training/H-008/attendance", json!({ "people": ["S002"] })).await;
    assert_eq!(entered["entered"], 1);
    let confirmed = ask("POST", "/ledgers/devices/confirm", json!({ "keys": ["PC-001", "PC-002"] })).await;
    assert_eq!(confirmed["confirmed"], 2);
    ask("POST", "/requirements/mhlw-7.0%2Fkeiei%2F3.1-6/answer", json!({ "answer": "no", "target_on": "2027-03-31" }))
        .await;
    let wanted = json!({ "requirement": "checklist-r7/1-1", "answer": "no", "reason": "任命が形だけのため" });
    let wanted = ask("POST", "/overrides", wanted).await;
    let gone = json!({ "requirement": "checklist-r7/1-1", "rev": wanted["rev"], "reason": "取り下げる" });
    assert_eq!(ask("POST", "/overrides/withdraw", gone).await["values"]["state"], "withdrawn");

    let vendors = domain::ledger::ledger("vendors").unwrap();
    let head = |name: &str| vendors.column(name).unwrap().label.ja;
    let csv = format!("{},{}\nV-78,取込商会\n", head("no"), head("name"));
    let request = Request::post("/api/v1/ledgers/vendors/import").header("authorization", format!("Bearer {token}"));
    let (_, _, taken) = site.send(request.body(Body::from(csv)).unwrap()).await;
    let import = taken["sheets"][0]["import"].as_str().unwrap().to_owned();
    assert_eq!(get("/imports").await["imports"][0]["id"], import.as_str());
    assert_eq!(ask("POST", &format!("/imports/{import}/undo"), json!({})).await["removed"], 1);

    let job = ask("POST", "/jobs", json!({ "work": "requirements", "edition": "meti-mic-2.0" })).await;
    let job = format!("/jobs/{}", job["id"].as_str().unwrap());
    assert_eq!(get(&job).await["edition"], "meti-mic-2.0");
    assert_eq!(get("/jobs").await["jobs"].as_array().unwrap().len(), 1);
    let strange = site.ask(&token, "POST", "/api/v1/jobs", json!({ "work": "everything" })).await;
    assert_eq!(strange.0, StatusCode::UNPROCESSABLE_ENTITY);

    let journal = get("/journal?q=byod&since=2026-11-22").await;
    assert!(journal["entries"].as_array().unwrap().iter().all(|e| e["action"].as_str().unwrap().starts_with("byod")));
    assert!(!journal["entries"].as_array().unwrap().is_empty());
    assert_eq!(get("/journal?until=2020-01-01").await["entries"], json!([]));
    let incident = ask("POST", "/incidents", json!({ "what_happened": "脅迫文が出ている", "place": "受付" })).await;
    assert!(incident["record"].as_str().unwrap().starts_with("I-"));
    let users = get("/users").await.to_string();
    assert!(users.contains("a.suzuki") && !users.contains("argon2"), "{users}");
    assert!(!get("/contacts?device=PC-001").await["contacts"].as_array().unwrap().is_empty());
}

#[tokio::test]
async fn an_auditors_program_sees_the_days_of_the_audit() {
    let site = Site::new().await;
    let mut new = crate::support::newcomer("auditor", domain::authz::Role::Auditor);
    (new.sees_from, new.sees_until) = (Some("2020-01-01".parse().unwrap()), Some("2020-12-31".parse().unwrap()));
    site.0.add(new).await;
    let ends_on = "2026-11-30".parse().unwrap();
    let new = NewToken { name: "監査", scopes: &[ReadLedgers, Permission::ReadJournal], sources: &[], ends_on };
    let made = site.0.app.token_issue(&actor(), &site.0.facility.id, "auditor", new).await.unwrap();
    let get = async |path: &str| site.ask(made.expose(), "GET", &format!("/api/v1{path}"), Value::Null).await;
    assert_eq!(get("/journal").await.1["entries"], json!([]));
    assert_eq!(get("/ledgers/records/rows").await.1["total"], 0);
    assert_eq!(get("/ledgers/records/rows/H-008").await.0, StatusCode::NOT_FOUND);
    assert_eq!(get("/ledgers/records/export?format=json").await.1["records"], json!([]));
    assert!(get("/ledgers/devices/rows").await.1["total"].as_u64().unwrap() > 0, "how things stand is shown");
}

#[tokio::test]
async fn who_comes_too_often_waits() {
    let site = Site::new().await;
    let token = site.token(&[ReadLedgers]).await;
    for _ in 0..100 {
        assert_eq!(site.ask(&token, "GET", "/api/v1/facility", Value::Null).await.0, StatusCode::OK);
    }
    let (status, said) = site.ask(&token, "GET", "/api/v1/facility", Value::Null).await;
    assert_eq!((status, &said["code"]), (StatusCode::TOO_MANY_REQUESTS, &json!("WEB-429")));

    let knock = async |address: [u8; 4]| {
        let form = "application/x-www-form-urlencoded";
        let request = Request::post("/sign-in").header("sec-fetch-site", "same-origin").header("content-type", form);
        let from = ConnectInfo(SocketAddr::from((address, 40_000)));
        let request = request.extension(from).body(Body::from("login=nobody&password=x")).unwrap();
        site.0.ask(request).await
    };
    // From this very machine there is no end; from elsewhere 20 tries.
    for _ in 0..22 {
        assert_ne!(knock([127, 0, 0, 1]).await.status(), StatusCode::TOO_MANY_REQUESTS);
    }
    for _ in 0..20 {
        assert_ne!(knock([192, 0, 2, 9]).await.status(), StatusCode::TOO_MANY_REQUESTS);
    }
    let refused = knock([192, 0, 2, 9]).await;
    assert_eq!(
        (refused.status(), &refused.headers()["retry-after"]),
        (StatusCode::TOO_MANY_REQUESTS, &"6".parse().unwrap())
    );
    assert_ne!(knock([192, 0, 2, 10]).await.status(), StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test]
async fn what_goes_on_without_a_record_is_decided() {
    let site = Site::new().await;
    let token = site.token(&[Permission::ManageSettings]).await;
    let ask = async |method: &str, body: Value| site.ask(&token, method, "/api/v1/unrecorded", body).await;
    let usual = json!({ "care": true, "export": false, "administration": false, "emergency": false });
    assert_eq!(ask("GET", Value::Null).await, (StatusCode::OK, usual));
    let decided = json!({ "care": true, "export": false, "administration": false, "emergency": true });
    assert_eq!(ask("PUT", json!({ "emergency": true })).await, (StatusCode::OK, decided.clone()));
    for wrong in [json!({}), json!({ "emergency": "no" }), json!({ "other": true, "care": false })] {
        assert_eq!(ask("PUT", wrong).await.0, StatusCode::UNPROCESSABLE_ENTITY);
    }
    assert_eq!(ask("GET", Value::Null).await.1, decided);
}

#[tokio::test]
async fn a_token_speaks_for_its_own_sources_alone() {
    let site = Site::new().await;
    let all = site.token(&[EditLedgers, SendAccesses]).await;
    for (no, name) in [("FHIR-8", "検査サーバ"), ("FHIR-9", "連携サーバ")] {
        let row = json!({ "values": { "no": no, "name": name, "format": "fhir" } });
        assert_eq!(site.ask(&all, "POST", "/api/v1/ledgers/log_sources/rows", row).await.0, StatusCode::CREATED);
    }
    let ours = site.token_for(&[SendAccesses], &["fhir-9"]).await;
    let event = |id: &str, observer: &str| {
        json!({
            "resourceType": "AuditEvent", "id": id, "recorded": "2026-11-22T02:00:00Z", "action": "R", "outcome": "0",
            "type": { "code": "rest" }, "agent": [{ "who": { "identifier": { "value": "u1" } }, "requestor": true }],
            "source": { "observer": { "display": observer } },
            "entity": [{ "what": { "reference": "Patient/p1" }, "type": { "code": "1" }, "role": { "code": "1" } }],
        })
    };
    let code = |said: &Value| said["issue"][0]["details"]["coding"][0]["code"].as_str().unwrap_or_default().to_owned();
    // It need not name its only source, and may name no other.
    let (status, said) = site.ask(&ours, "POST", "/api/v1/fhir/AuditEvent", event("e1", "連携サーバ")).await;
    assert_eq!(status, StatusCode::CREATED, "{said}");
    let (status, said) = site.ask(&ours, "POST", "/api/v1/fhir/AuditEvent?source=FHIR-8", event("e2", "x")).await;
    assert_eq!((status, code(&said).as_str()), (StatusCode::UNPROCESSABLE_ENTITY, "EVT-046"));
    // In another's name: refused alone in a batch, by itself, and with all the others in a transaction.
    let (status, said) = site.ask(&ours, "POST", "/api/v1/fhir/AuditEvent", event("e3", "検査サーバ")).await;
    assert_eq!((status, code(&said).as_str()), (StatusCode::UNPROCESSABLE_ENTITY, "EVT-012"));
    let entries = [event("e4", "fhir-8"), event("e5", "y")].map(|resource| json!({ "resource": resource }));
    let bundle = |kind: &str| json!({ "resourceType": "Bundle", "type": kind, "entry": entries });
    assert_eq!(
        site.ask(&ours, "POST", "/api/v1/fhir", bundle("transaction")).await.0,
        StatusCode::UNPROCESSABLE_ENTITY
    );
    let (_, said) = site.ask(&ours, "POST", "/api/v1/fhir", bundle("batch")).await;
    let answers: Vec<_> = said["entry"].as_array().unwrap().iter().map(|e| &e["response"]["status"]).collect();
    assert_eq!(answers, ["400 Bad Request", "201 Created"]);
    let states = site.0.app.access_sources(&site.0.facility).await.unwrap();
    let state = |key: &str| states.iter().find(|state| state.key == key).unwrap();
    assert!(state("FHIR-9").faults.contains(&app::SourceFault::Forged(3)), "{:?}", state("FHIR-9").faults);
    assert_eq!(state("FHIR-8").arrivals, 0);
    // Who may speak for all may speak for either.
    let (status, said) = site.ask(&all, "POST", "/api/v1/fhir/AuditEvent?source=FHIR-9", event("e6", "fhir-8")).await;
    assert_eq!(status, StatusCode::CREATED, "{said}");
}

#[tokio::test]
async fn a_fhir_server_sends_audit_events() {
    let site = Site::new().await;
    let ours = site.token(&[EditLedgers, ReadAccesses, SendAccesses]).await;
    let event = |id: &str, recorded: &str| {
        json!({
            "resourceType": "AuditEvent", "id": id, "recorded": recorded, "action": "R", "outcome": "0",
            "type": { "code": "rest" }, "subtype": [{ "code": "read" }],
            "agent": [{ "who": { "identifier": { "value": "u1" } }, "requestor": true }],
            "source": { "observer": { "display": "x" } },
            "entity": [{ "what": { "reference": "Patient/p1" }, "type": { "code": "1" }, "role": { "code": "1" } }],
        })
    };
    let issue = |said: &Value| said["issue"][0]["details"]["coding"][0]["code"].as_str().unwrap_or_default().to_owned();
    const EVENT: &str = "/api/v1/fhir/AuditEvent?source=FHIR-9";
    let good = event("e1", "2026-11-22T02:00:00Z");
    let (status, said) = site.ask(&ours, "POST", EVENT, good.clone()).await;
    assert_eq!((status, issue(&said).as_str()), (StatusCode::UNPROCESSABLE_ENTITY, "EVT-041"), "{said}");
    let row = json!({ "values": { "no": "FHIR-9", "name": "連携サーバ", "format": "fhir" } });
    assert_eq!(site.ask(&ours, "POST", "/api/v1/ledgers/log_sources/rows", row).await.0, StatusCode::CREATED);
    for said in ["受け取りました", "すでに受け取っています"] {
        let (status, answer) = site.ask(&ours, "POST", EVENT, good.clone()).await;
        assert_eq!(status, StatusCode::CREATED, "{answer}");
        assert!(answer["issue"][0]["diagnostics"].as_str().unwrap().contains(said), "{answer}");
    }
    for (body, status, code) in [
        (event("e2", "きのう"), StatusCode::UNPROCESSABLE_ENTITY, "EVT-007"),
        (json!({ "resourceType": "Patient" }), StatusCode::BAD_REQUEST, "EVT-006"),
        (json!([1]), StatusCode::BAD_REQUEST, "EVT-003"),
    ] {
        let (was, said) = site.ask(&ours, "POST", EVENT, body).await;
        assert_eq!((was, issue(&said).as_str(), &said["resourceType"]), (status, code, &json!("OperationOutcome")));
    }
    let entries: Vec<Value> =
        [event("e3", "2026-11-22T02:00:00Z"), event("e4", "x"), event("e5", "2026-11-22T02:01:00Z")]
            .into_iter()
            .map(|resource| json!({ "resource": resource }))
            .collect();
    let bundle = |kind: &str| json!({ "resourceType": "Bundle", "type": kind, "entry": entries });
    let (status, said) = site.ask(&ours, "POST", "/api/v1/fhir?source=FHIR-9", bundle("transaction")).await;
    assert_eq!((status, issue(&said).as_str()), (StatusCode::UNPROCESSABLE_ENTITY, "EVT-007"));
    let (status, said) = site.ask(&ours, "POST", "/api/v1/fhir?source=FHIR-9", bundle("batch")).await;
    let answers: Vec<_> =
        said["entry"].as_array().unwrap().iter().map(|e| e["response"]["status"].as_str().unwrap()).collect();
    assert_eq!((status, answers), (StatusCode::OK, vec!["201 Created", "400 Bad Request", "201 Created"]));
    let before = site.0.events().await;
    let path = "/api/v1/accesses/transfer?from=2026-11-22&until=2026-11-22&format=fhir";
    let (status, given) = site.ask(&ours, "GET", path, Value::Null).await;
    assert_eq!(status, StatusCode::OK, "{given}");
    assert!(given["entry"].as_array().unwrap().iter().any(|e| e["resource"]["id"] == "e5"), "{given}");
    assert_eq!(site.0.events().await, before + 1, "that it was given away is an entry");
    let other = site.token(&[ReadLedgers]).await;
    let (status, said) = site.ask(&other, "POST", EVENT, good).await;
    assert_eq!((status, issue(&said).as_str()), (StatusCode::FORBIDDEN, "API-002"));
}

#[tokio::test]
async fn a_program_may_keep_more_and_ask_but_people_approve() {
    let site = Site(TestWeb::since("2021-05-10").await);
    let mut sealer = site.0.app.sealer(&site.0.data()).await.unwrap();
    site.0.app.seal(&mut sealer).await.unwrap();
    let token = site.token(&[Permission::ReadJournal, Permission::ManageSettings, Permission::Approve]).await;
    let (status, said) = site.ask(&token, "GET", "/api/v1/retention", Value::Null).await;
    assert_eq!((status, &said["plan"]), (StatusCode::OK, &Value::Null), "{said}");
    assert_eq!(said["keeps"].as_array().unwrap().len(), 2);
    let ask = json!({ "reason": "保存期間が過ぎたため" });
    let (status, said) = site.ask(&token, "POST", "/api/v1/retention/disposals", ask.clone()).await;
    assert!(status == StatusCode::UNPROCESSABLE_ENTITY && *code(&said) == "RET-003", "{status} {said}");
    for kind in ["journal", "accesses"] {
        let before = site.0.events().await;
        let period = json!({ "kind": kind, "years": "5", "basis": "規程" });
        let (status, said) = site.ask(&token, "PUT", "/api/v1/retention/periods", period.clone()).await;
        assert!(status == StatusCode::NO_CONTENT && site.0.events().await > before, "{status} {said}");
        let (status, _) = site.ask(&token, "PUT", "/api/v1/retention/periods", period).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "nothing changed");
    }
    let before = site.0.events().await;
    let (status, said) = site.ask(&token, "POST", "/api/v1/retention/disposals", ask).await;
    assert_eq!((status, &said["first"], &said["last"]), (StatusCode::CREATED, &json!(1), &json!(256)), "{said}");
    assert!(site.0.events().await > before);
    let before = site.0.events().await;
    let (status, _) =
        site.ask(&token, "POST", "/api/v1/retention/holds", json!({ "reason": "訴訟", "from": "" })).await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    assert!(site.0.events().await > before);
    let (_, said) = site.ask(&token, "GET", "/api/v1/retention", Value::Null).await;
    assert_eq!((&said["disposals"][0]["state"], &said["holds"][0]["reason"]), (&json!("asked"), &json!("訴訟")));
    let reason = json!({ "reason": "開示請求があった" });
    for (of, act) in [("disposals", "withdraw"), ("holds", "lift")] {
        let before = site.0.events().await;
        let path = format!("/api/v1/retention/{of}/{}/{act}", said[of][0]["id"].as_str().unwrap());
        let (status, said) = site.ask(&token, "POST", &path, reason.clone()).await;
        assert!(status == StatusCode::NO_CONTENT && site.0.events().await > before, "{status} {said}");
        let (status, _) = site.ask(&token, "POST", &path, reason.clone()).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "once");
    }
    assert!(
        !ROUTES.iter().any(|route| route.path.contains("retention")
            && route.path.contains("api")
            && route.path.contains("approve"))
    );
}

#[tokio::test]
async fn an_auditors_program_asks_for_evidence_and_the_houses_answers() {
    let site = Site::new().await;
    site.0.add(crate::support::newcomer("auditor", domain::authz::Role::Auditor)).await;
    let (until, facility) = ("2026-11-30".parse().unwrap(), &site.0.facility.id);
    let scopes = [ReadVerdicts, Permission::RequestEvidence];
    let new = NewToken { name: "監査", scopes: &scopes, sources: &[], ends_on: until };
    let theirs = site.0.app.token_issue(&actor(), facility, "auditor", new).await.unwrap();
    let ours = site.token(&[ReadVerdicts, ReadTasks, Permission::Attest]).await;
    let wanted = json!({ "requirement": "checklist-r7/2-4", "what": "棚卸しの記録", "due_on": "2026-12-01" });
    let refused = site.ask(&ours, "POST", "/api/v1/requests", wanted.clone()).await;
    assert_eq!((refused.0, &refused.1["code"]), (StatusCode::FORBIDDEN, &json!("API-002")));
    let before = site.0.events().await;
    let (status, asked) = site.ask(theirs.expose(), "POST", "/api/v1/requests", wanted).await;
    assert_eq!((status, &asked["state"]), (StatusCode::CREATED, &json!("open")), "{asked}");
    let path = format!("/api/v1/requests/{}", asked["no"].as_str().unwrap());
    let (_, tasks) = site.ask(&ours, "GET", "/api/v1/tasks", Value::Null).await;
    assert!(tasks.to_string().contains(&format!("{{\"request\":{}}}", asked["no"])), "{tasks}");
    let handed = json!({ "rev": 1, "links": ["H-004"], "said": "" });
    let (status, answered) = site.ask(&ours, "POST", &format!("{path}/answer"), handed).await;
    assert_eq!(
        (status, &answered["steps"][0]["links"][0]["ledger"]),
        (StatusCode::OK, &json!("records")),
        "{answered}"
    );
    let back = json!({ "rev": 2, "reason": "日付の分かるものを" });
    let (status, back) = site.ask(theirs.expose(), "POST", &format!("{path}/send-back"), back).await;
    assert_eq!((status, &back["state"]), (StatusCode::OK, &json!("sent_back")), "{back}");
    assert_eq!(site.0.events().await, before + 3);
    let withdrawn = json!({ "rev": 3, "reason": "監査が終わった" });
    let path = format!("{path}/withdraw");
    assert_eq!(site.ask(&ours, "POST", &path, withdrawn.clone()).await.0, StatusCode::FORBIDDEN);
    let (status, withdrawn) = site.ask(theirs.expose(), "POST", &path, withdrawn).await;
    assert_eq!((status, &withdrawn["state"]), (StatusCode::OK, &json!("withdrawn")), "{withdrawn}");
    let (_, all) = site.ask(&ours, "GET", "/api/v1/requests", Value::Null).await;
    let (_, own) = site.ask(theirs.expose(), "GET", "/api/v1/requests", Value::Null).await;
    assert_eq!(own["requests"].as_array().unwrap().len(), 1, "an auditor sees their own");
    assert!(all["requests"].as_array().unwrap().len() > 1);
    assert_eq!(site.ask(&ours, "GET", "/api/v1/requests/R-003/files/1", Value::Null).await.0, StatusCode::OK);
    assert_eq!(site.ask(&ours, "GET", "/api/v1/requests/R-003/files/x", Value::Null).await.0, StatusCode::NOT_FOUND);
}
