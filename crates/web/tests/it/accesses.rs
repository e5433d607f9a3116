//! The access log in the browser: asked without a patient's id in any address, reviewed, told to the patient.

use axum::http::StatusCode;
use domain::authz::Role;

use crate::support::TestWeb;

#[tokio::test]
async fn a_question_is_posted_answered_and_noted() {
    let web = TestWeb::new().await;
    let mut browser = web.admin.clone();
    let form = web.get(&mut browser, "/accesses").await;
    assert!(form.body.contains("method=\"post\" action=\"/accesses\""), "{}", form.body);
    let before = web.events().await;
    let answer = web.post(&mut browser, "/accesses", &[("patient", "0004127")]).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert!(answer.body.contains("齋藤 美咲") && answer.body.contains("看護師"), "{}", answer.body);
    assert!(web.events().await > before, "that somebody asked is noted");
    let title = answer.body.split("<title>").nth(1).unwrap().split("</title>").next().unwrap();
    assert!(!title.contains("4127"), "the history of a browser keeps titles");
    assert!(!answer.body.contains("href=\"/accesses?"), "no address carries a question");
    for (_, rest) in answer.body.match_indices("href=\"").map(|(at, _)| answer.body.split_at(at)) {
        assert!(!rest.split('"').nth(1).unwrap().contains("4127"));
    }
    let wrong = web.post(&mut browser, "/accesses", &[("since", "きのう")]).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    let twisted = [("since", "2026-11-20"), ("until", "2026-11-01")];
    assert!(web.post(&mut browser, "/accesses", &twisted).await.body.contains("ACC-003"));
    let night = web.post(&mut browser, "/accesses", &[("about", "volume")]).await;
    assert!(night.body.contains("佐々木 ひかり"), "{}", night.body);
    let file = web.post(&mut browser, "/accesses/export", &[("patient", "0004127"), ("format", "csv")]).await;
    assert!(file.body.contains("利用者ID,氏名,日時,区分,操作"), "{}", file.body);
    assert!(!file.header("content-disposition").contains("4127"));
    let bare = web.post(&mut browser, "/accesses/report", &[("patient", ""), ("format", "zip")]).await;
    assert!(bare.body.contains("ACC-009"));
    let report = web.post(&mut browser, "/accesses/report", &[("patient", "0004127"), ("format", "zip")]).await;
    assert_eq!(report.header("content-type"), "application/zip", "{}", report.body);
}

#[tokio::test]
async fn cases_are_looked_at_closed_and_signed() {
    let web = TestWeb::new().await;
    let mut browser = web.admin.clone();
    let act = async |browser: &mut _, path: &str, fields: &[(&str, &str)]| {
        let before = web.events().await;
        let answer = web.post(browser, path, fields).await;
        let fine = [StatusCode::OK, StatusCode::SEE_OTHER].contains(&answer.status);
        assert!(fine && web.events().await > before, "{path}: {} {}", answer.status, answer.body);
        answer
    };
    let sources = web.get(&mut browser, "/accesses/sources").await;
    assert!(sources.body.contains("未受信") && sources.body.contains("欠番"), "{}", sources.body);
    act(&mut browser, "/accesses/rules", &[("review_budget", "20"), ("closed", "0")]).await;
    let odd = web.post(&mut browser, "/accesses/rules", &[("review_budget", "たくさん")]).await;
    assert!(odd.body.contains("ACC-004"), "{}", odd.body);
    act(&mut browser, "/accesses/cases/find", &[]).await;
    let page = web.get(&mut browser, "/accesses/cases").await;
    assert!(page.body.contains("退職者のアカウントの利用") && page.body.contains("伊藤 慎吾"), "{}", page.body);
    let early = web.post(&mut browser, "/accesses/cases/sign", &[]).await;
    assert!(early.body.contains("ACC-008"), "{}", early.body);
    for no in 1..=6 {
        let look = act(&mut browser, &format!("/accesses/cases/{no}"), &[]).await;
        assert!(look.body.contains(&format!("/accesses/cases/{no}/close")), "{}", look.body);
        let close = format!("/accesses/cases/{no}/close");
        let bare = web.post(&mut browser, &close, &[("reason", "確かめた")]).await;
        assert_eq!(bare.status, StatusCode::UNPROCESSABLE_ENTITY);
        act(&mut browser, &close, &[("verdict", "appropriate"), ("reason", "本人に確かめた")]).await;
    }
    act(&mut browser, "/accesses/cases/sign", &[]).await;
    assert!(web.get(&mut browser, "/inspections").await.body.contains("髙橋 由美子"));
    let mut auditor = web.somebody(Role::Auditor).await;
    assert_eq!(web.get(&mut auditor, "/accesses").await.status, StatusCode::OK);
    assert_eq!(web.get(&mut auditor, "/accesses/cases").await.status, StatusCode::FORBIDDEN);
}
