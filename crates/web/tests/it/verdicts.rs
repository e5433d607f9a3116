//! Requirements, checklists, the audit folder and the journal, for the demonstration clinic.

use std::time::Duration;

use axum::http::StatusCode;
use domain::authz::Role;

use crate::support::{ADMIN, Desk, TestWeb};

/// Asks for a document and a person.
const ASKED: &str = "/requirements/mhlw-7.0/keiei/3.1-6";
const CHECKLIST: &str = "/checklists/checklist-r7/hospital";

/// A hidden field of the form that a page sends to itself.
async fn hidden(desk: &mut Desk<'_>, path: &str, name: &str) -> String {
    let fields = desk.get(path).await.hidden(path);
    fields.into_iter().find(|(known, _)| known == name).unwrap().1
}

#[tokio::test]
async fn requirements_are_counted_filtered_and_what_is_presumed_stands_apart() {
    let web = TestWeb::new().await;
    let mut desk = web.desk();
    let page = desk.page("/requirements").await;
    for part in ["第7.0版", "role=\"img\"", "数えていない項目", "推定", "不適合", "<details>"] {
        assert!(page.contains(part), "{part}");
    }
    for path in ["/requirements?edition=mhlw-6.0", "/requirements?edition=meti-mic-2.0", "/requirements?volume=unyo"] {
        desk.page(path).await;
    }
    let of = |page: &str| page.matches("<th scope=\"row\"><a class=\"row\" href=\"/requirements/").count();
    let (all, unmet) = (of(&page), of(&desk.page("/requirements?verdict=unmet").await));
    assert!(unmet > 0 && unmet < all, "{unmet} of {all}");
    let nothing = desk.page("/requirements?q=%E5%AE%87%E5%AE%99%E9%81%8A%E6%B3%B3").await;
    assert!(nothing.contains("当てはまる要件はありません"));
    assert_eq!(desk.get("/requirements?edition=mhlw-9").await.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn every_requirement_of_every_edition_has_its_page() {
    let web = TestWeb::new().await;
    let mut desk = web.desk();
    for catalog in &desk.web.app.catalogs().catalogs {
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
        assert!(page.contains(part), "{part}");
    }
}

#[tokio::test]
async fn a_row_is_mended_where_the_requirement_points_and_the_way_leads_back() {
    let web = TestWeb::new().await;
    let mut desk = web.desk();
    let item = "/requirements/checklist-r7/2-9";
    let page = desk.page(item).await;
    let errand = page.split("href=\"/ledgers/devices/").nth(1).unwrap().split('"').next().unwrap();
    let edit = format!("/ledgers/devices/{}", errand.replace("&#38;", "&").replace("&amp;", "&"));
    assert!(edit.contains("/edit?for=checklist-r7%2F2-9&because=device."), "{edit}");
    let form = desk.page(&edit).await;
    assert!(form.contains("に戻る") && form.contains("id=\"errand\""), "{form}");
    let to = edit.split('?').next().unwrap();
    let refused = desk.submit(&edit, to, &[("name", "受付の端末"), ("checked_on", "いつか")]).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.body.contains("id=\"errand\""), "the errand is not forgotten over a mistake");
    let saved = desk.submit(&edit, to, &[("name", "受付の端末"), ("kind", "端末")]).await;
    assert_eq!((saved.status, saved.header("location")), (StatusCode::SEE_OTHER, item), "{}", saved.body);

    // A machine that was seen and is in no ledger is registered from here.
    let seen = std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/../../testkit/inventory/windows.json")).unwrap();
    web.app.receive_inventory(&testkit::actor(), &web.facility, &seen, false).await.unwrap();
    let page = desk.page("/requirements/checklist-r7/2-1").await;
    let new = page.split("href=\"/ledgers/devices/new?").nth(1).unwrap().split('"').next().unwrap();
    let new = format!("/ledgers/devices/new?{}", new.replace("&#38;", "&").replace("&amp;", "&"));
    let form = desk.page(&new).await;
    assert!(form.contains("name=\"hostname\" value=\"UKETSUKE-01\""), "{form}");
    let mut auditor = Desk { web: &web, browser: web.somebody(Role::Auditor).await };
    let page = auditor.page("/requirements/checklist-r7/2-1").await;
    assert!(
        page.contains("UKETSUKE-01") && !page.contains("/ledgers/devices/new"),
        "who edits nothing is not led there"
    );
}

#[tokio::test]
async fn an_answer_is_recorded_in_the_name_of_who_gave_it() {
    let web = TestWeb::new().await;
    let mut desk = web.desk();
    let rev = hidden(&mut desk, ASKED, "rev").await;
    let bad = desk.post(ASKED, &[("rev", &rev), ("answer", "yes"), ("owner", "院長 架空")]).await;
    assert_eq!(bad.status, StatusCode::UNPROCESSABLE_ENTITY);
    for kept in ["ATT-003", "value=\"院長 架空\"", "value=\"yes\" checked", "id=\"error-summary\""] {
        assert!(bad.body.contains(kept), "{kept}");
    }
    let good = [("rev", rev.as_str()), ("answer", "yes"), ("reason", "稟議の綴りを見た")];
    let answer = desk.post(ASKED, &good).await;
    assert_eq!((answer.status, answer.header("location")), (StatusCode::SEE_OTHER, ASKED), "{}", answer.body);
    let mut operator = Desk { web: &web, browser: web.somebody(Role::Operator).await };
    let rev = hidden(&mut operator, ASKED, "rev").await;
    let outside = |rev| [("rev", rev), ("answer", "na"), ("reason", "使わない"), ("approved_by", "いない 院長")];
    let refused = operator.post(ASKED, &outside(&rev)).await;
    assert!(refused.body.contains("ATT-005"), "who may not approve cannot by typing a name: {}", refused.body);
    assert_eq!(desk.post(ASKED, &outside(&rev)).await.status, StatusCode::SEE_OTHER);
    let page = desk.page(ASKED).await;
    assert!(page.contains("使わない") && !page.contains("いない 院長"), "{page}");
    let page = desk.page(ASKED).await;
    for part in [ADMIN, "稟議の綴りを見た", "要件への回答"] {
        assert!(page.contains(part), "{part}");
    }
    // The page of before is stale now.
    let stale = desk.post(ASKED, &good).await;
    assert_eq!(stale.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(stale.body.contains("STO-002") && stale.body.contains("稟議の綴りを見た"));
}

#[tokio::test]
async fn a_checklist_is_signed_as_it_was_shown() {
    let web = TestWeb::new().await;
    let mut desk = web.desk();
    let all = desk.page("/checklists").await;
    assert!(all.contains(CHECKLIST) && all.contains("確認できていません"), "R8 has no items");
    let shown = desk.page(CHECKLIST).await;
    for part in ["いいえ", "として署名します", "data-print", "根拠"] {
        assert!(shown.contains(part), "{part}");
    }
    let sha256 = hidden(&mut desk, CHECKLIST, "sha256").await;
    let other = desk.post(CHECKLIST, &[("sha256", "0")]).await;
    assert_eq!(other.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(other.body.contains("CHK-005"));
    let signed = desk.post(CHECKLIST, &[("sha256", &sha256), ("name", "渡邉 正彦")]).await;
    assert_eq!(signed.status, StatusCode::SEE_OTHER, "{}", signed.body);
    let page = desk.page(CHECKLIST).await;
    assert!(
        page.contains(&format!("<strong>{ADMIN}</strong>")) && !page.contains("渡邉 正彦</strong>"),
        "who is signed in"
    );
    assert!(desk.page(&format!("{CHECKLIST}/xlsx")).await.starts_with("PK"));
    assert_eq!(desk.get("/checklists/checklist-r8/hospital").await.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn the_journal_is_searched_by_word_and_day_and_checked() {
    let web = TestWeb::new().await;
    let mut desk = web.desk();
    assert!(desk.page("/evidence").await.contains("監査フォルダを作る"));
    let page = desk.page("/evidence/journal").await;
    assert!(page.contains("デモの読込み"));
    let found = desk.page("/evidence/journal?q=%E3%83%87%E3%83%A2").await;
    assert_eq!(found.matches("class=\"number\" data-label").count(), 1);
    let before = desk.page("/evidence/journal?to=2026%2F11%2F21").await;
    assert!(before.contains("当てはまる記録はありません"));
    let bad = desk.get("/evidence/journal?from=kinou").await;
    assert_eq!(bad.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(bad.body.contains("id=\"e-from\"") && bad.body.contains("value=\"kinou\""));
    assert!(desk.page("/evidence/journal/check").await.contains("すべての記録がつながっています"));
}

#[tokio::test]
async fn a_job_tells_how_it_ended_and_is_nobody_elses() {
    let web = TestWeb::new().await;
    let mut desk = web.desk();
    assert_eq!(desk.post("/jobs", &[("work", "nothing")]).await.status, StatusCode::NOT_FOUND);
    let unknown = desk.post("/jobs", &[("work", "requirements"), ("edition", "mhlw-9")]).await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
    let started = desk.post("/jobs", &[("work", "requirements"), ("edition", "meti-mic-2.0")]).await;
    assert_eq!(started.status, StatusCode::SEE_OTHER, "{}", started.body);
    let to = started.header("location").to_owned();
    let mut page = desk.page(&to).await;
    for _ in 0..600 {
        if !page.contains("every 5s") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
        page = desk.page(&to).await;
    }
    // Where there is no typesetter, the page says so; where there is one, the file is there.
    if page.contains("失敗しました") {
        assert!(page.contains("PDF"), "{page}");
    } else {
        assert!(desk.page(&format!("{to}/file")).await.starts_with("%PDF"));
    }
    assert_eq!(desk.get("/jobs/0192f000-0000-7000-8000-000000000001").await.status, StatusCode::NOT_FOUND);
    assert_eq!(desk.web.app.jobs(&desk.web.facility).await.unwrap().len(), 1);
}

#[tokio::test]
async fn the_monthly_report_says_where_things_go() {
    let site = TestWeb::new().await;
    let html = site.desk().page("/monthly").await;
    for part in [
        "12か月の推移",
        "悪くなったもの",
        "良くなったもの",
        "数えていません",
        "PC-010",
        "ほかの場所に控えがありません",
        "/approvals",
    ] {
        assert!(html.contains(part), "{part} is missing in {html}");
    }
    assert!(!html.split("<main").nth(1).unwrap().contains("monthly-"), "every word is known");
    let pdf = site.desk().get("/monthly/pdf?edition=checklist-r7").await;
    assert!(pdf.header("content-type") == "application/pdf" && pdf.body.starts_with("%PDF"));
    assert_ne!(site.desk().get("/monthly?edition=none").await.status, axum::http::StatusCode::OK);
}
