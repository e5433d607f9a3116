//! Requirements, checklists, the audit folder and the journal, for the demonstration clinic.

use std::sync::Arc;
use std::time::Duration;

use app::{App, Terminal};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use domain::evaluate::Facility;
use store::{Location, Store};
use tempfile::TempDir;
use testkit::{actor, noon};
use tower::ServiceExt as _;
use web::Web;

/// Asks for a document and a person.
const ASKED: &str = "/requirements/mhlw-7.0/keiei/3.1-6";
const CHECKLIST: &str = "/checklists/checklist-r7/hospital";

/// The demonstration, with the security manager signed in.
struct Desk {
    app: Arc<App>,
    facility: Facility,
    router: Router,
    cookies: String,
    csrf: String,
    _folder: TempDir,
}

struct Answer {
    status: StatusCode,
    to: String,
    body: Vec<u8>,
}

impl Answer {
    fn html(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    /// The value of a hidden field.
    fn hidden(&self, name: &str) -> String {
        let from = self.html().split_once(&format!("name=\"{name}\" value=\"")).unwrap().1;
        from.split_once('"').unwrap().0.to_owned()
    }
}

impl Desk {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let app = Arc::new(App::new(Store::open(&Location::Folder(data.clone())).await.unwrap(), noon()));
        let facility = app.load_demo(&actor()).await.unwrap();
        let terminal = Terminal { key: "0".repeat(64), address: [0, 0, 0, 0].into(), agent: String::new() };
        let link = app.setup_link().await.unwrap();
        let grant = app.setup_begin(&terminal, link.expose()).await.unwrap();
        let session =
            app.setup_admin(&terminal, grant.expose(), &facility.id, "髙橋 由美子", "takahashi").await.unwrap();
        let csrf = app.session(&terminal, session.expose()).await.unwrap().unwrap().csrf;
        let cookies = format!("__Host-terminal={}; __Host-session={}", terminal.key, session.expose());
        let web = Web {
            app: Arc::clone(&app),
            origin: Arc::new("https://sakimori.test".to_owned()),
            folder: Arc::new(data),
            demo: true,
        };
        Self { app, facility, router: web::router(web), cookies, csrf, _folder: folder }
    }

    async fn send(&self, request: axum::http::request::Builder, body: String) -> Answer {
        let request = request.header("cookie", &self.cookies).body(Body::from(body)).unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        let to = response.headers().get("location").map(|v| v.to_str().unwrap().to_owned()).unwrap_or_default();
        let status = response.status();
        Answer { status, to, body: to_bytes(response.into_body(), usize::MAX).await.unwrap().to_vec() }
    }

    async fn get(&self, path: &str) -> Answer {
        self.send(Request::get(path), String::new()).await
    }

    /// A page that has to be there.
    async fn page(&self, path: &str) -> Answer {
        let answer = self.get(path).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.html());
        answer
    }

    async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let fields = [("_csrf", self.csrf.as_str())].into_iter().chain(fields.iter().copied());
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let request = Request::post(path)
            .header("content-type", "application/x-www-form-urlencoded")
            .header("sec-fetch-site", "same-origin");
        self.send(request, body).await
    }
}

#[tokio::test]
async fn requirements_are_counted_filtered_and_what_is_presumed_stands_apart() {
    let desk = Desk::new().await;
    let page = desk.page("/requirements").await;
    for part in ["第7.0版", "role=\"img\"", "数えていない項目", "推定", "不適合", "<details>"] {
        assert!(page.html().contains(part), "{part}");
    }
    for path in ["/requirements?edition=mhlw-6.0", "/requirements?edition=meti-mic-2.0", "/requirements?volume=unyo"] {
        desk.page(path).await;
    }
    let of = |page: &Answer| page.html().matches("<th scope=\"row\"><a class=\"row\" href=\"/requirements/").count();
    let (all, unmet) = (of(&page), of(&desk.page("/requirements?verdict=unmet").await));
    assert!(unmet > 0 && unmet < all, "{unmet} of {all}");
    let nothing = desk.page("/requirements?q=%E5%AE%87%E5%AE%99%E9%81%8A%E6%B3%B3").await;
    assert!(nothing.html().contains("当てはまる要件はありません"));
    assert_eq!(desk.get("/requirements?edition=mhlw-9").await.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn every_requirement_of_every_edition_has_its_page() {
    let desk = Desk::new().await;
    for catalog in &desk.app.catalogs().catalogs {
        // The first of each volume, and one that is not counted.
        for volume in &catalog.volumes {
            let uncounted = volume.requirements.iter().find(|r| !r.is_counted());
            for requirement in volume.requirements.first().into_iter().chain(uncounted) {
                desk.page(&format!("/requirements/{}", requirement.id)).await;
            }
        }
    }
    assert_eq!(desk.get("/requirements/mhlw-7.0/nowhere/1").await.status, StatusCode::NOT_FOUND);
    let page = desk.page("/requirements/checklist-r7/2-1").await;
    for part in ["根拠となった事実", "次にすること", "直すところ", "href=\"/ledgers/devices", "確認日"]
    {
        assert!(page.html().contains(part), "{part}");
    }
}

#[tokio::test]
async fn an_answer_is_recorded_in_the_name_of_who_gave_it() {
    let desk = Desk::new().await;
    let rev = desk.page(ASKED).await.hidden("rev");
    let bad = desk.post(ASKED, &[("rev", &rev), ("answer", "yes"), ("owner", "院長 架空")]).await;
    assert_eq!(bad.status, StatusCode::UNPROCESSABLE_ENTITY);
    for kept in ["ATT-003", "value=\"院長 架空\"", "value=\"yes\" checked", "id=\"error-summary\""] {
        assert!(bad.html().contains(kept), "{kept}");
    }
    let good = [("rev", rev.as_str()), ("answer", "yes"), ("reason", "稟議の綴りを見た")];
    let answer = desk.post(ASKED, &good).await;
    assert_eq!((answer.status, answer.to.as_str()), (StatusCode::SEE_OTHER, ASKED), "{}", answer.html());
    let page = desk.page(ASKED).await;
    for part in ["髙橋 由美子", "稟議の綴りを見た", "要件への回答"] {
        assert!(page.html().contains(part), "{part}");
    }
    // The page of before is stale now.
    let stale = desk.post(ASKED, &good).await;
    assert_eq!(stale.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(stale.html().contains("STO-002") && stale.html().contains("稟議の綴りを見た"));
}

#[tokio::test]
async fn a_checklist_is_signed_as_it_was_shown() {
    let desk = Desk::new().await;
    let all = desk.page("/checklists").await;
    assert!(all.html().contains(CHECKLIST) && all.html().contains("確認できていません"), "R8 has no items");
    let shown = desk.page(CHECKLIST).await;
    for part in ["いいえ", "確認者の氏名", "data-print", "根拠"] {
        assert!(shown.html().contains(part), "{part}");
    }
    let sha256 = shown.hidden("sha256");
    let nobody = desk.post(CHECKLIST, &[("sha256", &sha256), ("name", "　")]).await;
    assert_eq!(nobody.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(nobody.html().contains("CHK-003"));
    let other = desk.post(CHECKLIST, &[("sha256", "0"), ("name", "髙橋 由美子")]).await;
    assert_eq!(other.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(other.html().contains("CHK-005"));
    let signed = desk.post(CHECKLIST, &[("sha256", &sha256), ("name", "髙橋 由美子")]).await;
    assert_eq!(signed.status, StatusCode::SEE_OTHER, "{}", signed.html());
    let page = desk.page(CHECKLIST).await;
    assert!(page.html().contains("<strong>髙橋 由美子</strong>") && !page.html().contains("確認者の氏名"));
    assert!(desk.page(&format!("{CHECKLIST}/xlsx")).await.body.starts_with(b"PK"));
    assert_eq!(desk.get("/checklists/checklist-r8/hospital").await.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn the_journal_is_searched_by_word_and_day_and_checked() {
    let desk = Desk::new().await;
    assert!(desk.page("/evidence").await.html().contains("監査フォルダを作る"));
    let page = desk.page("/evidence/journal").await;
    assert!(page.html().contains("デモの読込み"));
    let found = desk.page("/evidence/journal?q=%E3%83%87%E3%83%A2").await;
    assert_eq!(found.html().matches("class=\"number\" data-label").count(), 1);
    let before = desk.page("/evidence/journal?to=2026%2F11%2F21").await;
    assert!(before.html().contains("当てはまる記録はありません"));
    let bad = desk.get("/evidence/journal?from=kinou").await;
    assert_eq!(bad.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(bad.html().contains("id=\"e-from\"") && bad.html().contains("value=\"kinou\""));
    assert!(desk.page("/evidence/journal/check").await.html().contains("すべての記録がつながっています"));
}

#[tokio::test]
async fn a_job_tells_how_it_ended_and_is_nobody_elses() {
    let desk = Desk::new().await;
    assert_eq!(desk.post("/jobs", &[("work", "nothing")]).await.status, StatusCode::NOT_FOUND);
    let unknown = desk.post("/jobs", &[("work", "requirements"), ("edition", "mhlw-9")]).await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
    let started = desk.post("/jobs", &[("work", "requirements"), ("edition", "meti-mic-2.0")]).await;
    assert_eq!(started.status, StatusCode::SEE_OTHER, "{}", started.html());
    let mut page = desk.page(&started.to).await;
    for _ in 0..600 {
        if !page.html().contains("every 5s") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
        page = desk.page(&started.to).await;
    }
    // Where there is no typesetter, the page says so; where there is one, the file is there.
    if page.html().contains("失敗しました") {
        assert!(page.html().contains("PDF"), "{}", page.html());
    } else {
        assert!(desk.page(&format!("{}/file", started.to)).await.body.starts_with(b"%PDF"));
    }
    assert_eq!(desk.get("/jobs/0192f000-0000-7000-8000-000000000001").await.status, StatusCode::NOT_FOUND);
    assert_eq!(desk.app.jobs(&desk.facility).await.unwrap().len(), 1);
}
