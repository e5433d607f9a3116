//! Keeping and disposing of records in the browser, by two persons, and for programs.

use axum::http::StatusCode;
use domain::authz::Role;

use crate::support::TestWeb;

const PAGE: &str = "/evidence/retention";

#[tokio::test]
async fn two_persons_dispose_of_what_is_over() {
    let site = TestWeb::new().await;
    let mut sealer = site.app.sealer(&site.data()).await.unwrap();
    site.app.seal(&mut sealer).await.unwrap();
    let mut admin = site.desk();
    let html = admin.page(PAGE).await;
    for part in ["操作記録の保存期間が決められていません", "いま処分できる記録はありません", "医師法24条"]
    {
        assert!(html.contains(part), "{part} is missing in {html}");
    }
    let short = [("journal_years", "4"), ("journal_basis", "規程"), ("accesses_years", "5"), ("accesses_basis", "")];
    let refused = admin.submit(PAGE, "/evidence/retention/periods", &short).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    for part in ["href=\"#f-journal_years\"", "href=\"#f-accesses_basis\"", "value=\"4\""] {
        assert!(refused.body.contains(part), "{part} is missing in {}", refused.body);
    }
    let both =
        [("journal_years", "5"), ("journal_basis", "規程"), ("accesses_years", "５年"), ("accesses_basis", "規程")];
    let set = admin.submit(PAGE, "/evidence/retention/periods", &both).await;
    assert!(admin.follow(&set).await.contains("保存期間を決めました"));
    let same = admin.submit(PAGE, "/evidence/retention/periods", &both).await;
    assert!(same.status == StatusCode::UNPROCESSABLE_ENTITY && same.body.contains("RET-001"), "{}", same.body);
    let early = admin.post("/evidence/retention/ask", &[("ask_reason", "整理")]).await;
    assert!(early.status == StatusCode::UNPROCESSABLE_ENTITY && early.body.contains("RET-003"), "{}", early.body);
}

#[tokio::test]
async fn what_is_held_stays_and_then_goes_once_another_person_approved() {
    let site = TestWeb::since("2021-05-10").await;
    let mut sealer = site.app.sealer(&site.data()).await.unwrap();
    site.app.seal(&mut sealer).await.unwrap();
    let mut admin = site.desk();
    let both = [("journal_years", "5"), ("journal_basis", "規程"), ("accesses_years", "5"), ("accesses_basis", "規程")];
    let before = site.events().await;
    admin.submit(PAGE, "/evidence/retention/periods", &both).await;
    assert_eq!(site.events().await, before + 2);
    assert!(admin.page(PAGE).await.contains("1–256"));
    let before = site.events().await;
    let held = admin.submit(PAGE, "/evidence/retention/holds", &[("hold_reason", "訴訟"), ("from", "")]).await;
    assert!(site.events().await > before);
    let html = admin.follow(&held).await;
    assert!(html.contains("すべての記録") && html.contains("処分の停止：訴訟") && !html.contains("1–256"), "{html}");
    let id = site.app.legal_holds(&site.facility.id).await.unwrap().remove(0).id;
    let lift = format!("/evidence/retention/holds/{id}/lift");
    let bare = admin.submit(PAGE, &lift, &[("lift_reason", "")]).await;
    assert!(bare.body.contains("RET-002") && bare.body.contains("#f-lift-"), "{}", bare.body);
    let before = site.events().await;
    let lifted = admin.submit(PAGE, &lift, &[("lift_reason", "和解")]).await;
    assert!(admin.follow(&lifted).await.contains("停止を解きました"));
    assert!(site.events().await > before);

    let before = site.events().await;
    let asked = admin.submit(PAGE, "/evidence/retention/ask", &[("ask_reason", "保存期間が過ぎたため")]).await;
    let html = admin.follow(&asked).await;
    assert!(html.contains("承認待ち") && html.contains("ほかの処分が、承認待ちか実行中です"), "{html}");
    assert!(site.events().await > before);
    let id = site.app.disposals_of_records().await.unwrap().remove(0).id;
    // It is sent back once, asked for again, and approved by somebody else.
    let mut director = site.colleague("incho", "架空 院長", None, Role::Approver).await;
    let withdraw = format!("/evidence/retention/{id}/withdraw");
    assert!(director.submit(PAGE, &withdraw, &[("withdraw_reason", "")]).await.body.contains("RET-002"));
    let before = site.events().await;
    let back = director.submit(PAGE, &withdraw, &[("withdraw_reason", "先に開示を終える")]).await;
    assert!(director.follow(&back).await.contains("先に開示を終える"));
    assert!(site.events().await > before);
    assert_eq!(director.post("/evidence/retention/ask", &[("ask_reason", "x")]).await.status, StatusCode::FORBIDDEN);
    admin.submit(PAGE, "/evidence/retention/ask", &[("ask_reason", "保存期間が過ぎたため")]).await;
    let id = site.app.disposals_of_records().await.unwrap().remove(0).id;
    let approve = format!("/evidence/retention/{id}/approve");
    let stale = director.post(&approve, &[("shown_sha256", "x")]).await;
    assert!(
        stale.status == StatusCode::UNPROCESSABLE_ENTITY && stale.body.contains("内容が変わっています"),
        "{}",
        stale.body
    );
    assert!(director.page("/approvals").await.contains("記録の処分が承認を待っています"));
    let before = site.events().await;
    let approved = director.submit(PAGE, &approve, &[]).await;
    assert!(director.follow(&approved).await.contains("承認しました"));
    assert!(site.events().await > before);
    for _ in 0..3 {
        site.app.seal(&mut sealer).await.unwrap();
    }
    let html = director.page(PAGE).await;
    assert!(html.contains("処分済み") && html.contains("架空 院長") && !html.contains("単独承認"), "{html}");
    let html = director.page("/evidence/journal/check").await;
    assert!(html.contains("見つかりません"), "{html}");
    let gone = site.app.disposed_up_to().await.unwrap();
    assert_eq!(gone, 256);
}

#[tokio::test]
async fn who_only_reads_sees_the_page_and_may_not_change_it() {
    let site = TestWeb::new().await;
    let mut operator = site.colleague("unyo", "架空 太郎", None, Role::Operator).await;
    let html = operator.page(PAGE).await;
    assert!(html.contains("決めていない（処分しない）") && !html.contains("journal_years"), "{html}");
    let refused = operator.post("/evidence/retention/ask", &[("ask_reason", "x")]).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
}
