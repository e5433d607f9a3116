//! The day's work: today, lending, losing, media, personal devices, disposal, documents, training, approval.

use axum::http::StatusCode;
use domain::authz::Role;

use crate::support::{Desk, TestWeb, encoded, form};

#[tokio::test]
async fn today_leads_to_the_forms() {
    let site = TestWeb::new().await;
    let mut admin = site.desk();
    let html = admin.page("/").await;
    for part in ["返却を求める", "7日超過", "/loans/L-0001", "期限切れ", "できている項目", "role=\"img\"", "/lost"]
    {
        assert!(html.contains(part), "{part} is missing in {html}");
    }
    assert!(!html.contains("today-"), "every word is known");
    let empty = TestWeb::empty().await;
    let html = empty.desk().page("/").await;
    assert!(html.contains("/imports") && html.contains("この3つから始めます"), "{html}");
}

#[tokio::test]
async fn every_page_of_the_demonstration_opens() {
    let site = TestWeb::new().await;
    let mut admin = site.desk();
    let pages = [
        ("/loans", "PC-010"),
        ("/loans/new", "機器の貸出"),
        ("/loans/new?device=PC-003", "value=\"PC-003\""),
        ("/loans/L-0001", "返却を登録する"),
        ("/loans/L-0003", "承認を待っています"),
        ("/lost?device=MD-001", "value=\"MD-001\""),
        ("/lost/next?device=PC-010", "架空メディカルシステムズ"),
        ("/media", "USBメモリ1"),
        ("/byod", "禁止です"),
        ("/byod/new", "守る条件"),
        ("/disposals", "証明書なし"),
        ("/disposals/new?device=PC-005", "もう一度管理番号"),
        ("/documents", "見直し期限切れ"),
        ("/training", "2026年度にまだ受けていない人"),
        ("/training/H-008", "受講を登録する"),
        ("/inspections", "機器の棚卸し"),
        ("/approvals", "求められていること"),
        ("/overrides/new?requirement=checklist-r7/2-13", "取り下げる"),
        ("/overrides/new?requirement=checklist-r7/2-3", "本当の回答"),
        ("/ledgers", "/inspections"),
    ];
    for (path, part) in pages {
        let html = admin.page(path).await;
        assert!(html.contains(part), "{path}: {part} is missing in {html}");
        let said = html.split("<main").nth(1).unwrap();
        for key in ["loans-", "lost-", "media-", "byod-", "disposals-", "documents-", "training-", "approvals-"] {
            assert!(!said.contains(&format!(">{key}")), "{path}: a word of {key} is unknown");
        }
    }
}

#[tokio::test]
async fn a_device_is_lent_scanned_and_returned() {
    let site = TestWeb::new().await;
    let mut nurse = site.colleague("yamasaki", "山﨑 真理", Some("S006"), Role::Staff).await;
    let html = nurse.page("/").await;
    assert!(html.contains("いま借りているものはありません") && !html.contains("できている項目"), "{html}");
    let form = nurse.page("/loans/new?device=PC-003").await;
    assert!(form.contains("value=\"S006\"") && form.contains("value=\"2026-11-22\""), "the rest is filled in: {form}");
    let fields = [("device", "ｐｃ－００３"), ("borrower", "S006"), ("due_on", "R8.11.24"), ("place", "inside")];
    let lent = nurse.submit("/loans/new", "/loans/new", &fields).await;
    let html = nurse.follow(&lent).await;
    assert!(html.contains("PC-003を貸し出しました") && html.contains("続けて貸し出す"), "{html}");
    assert!(nurse.page("/").await.contains("診察室1のPC"));

    let again = nurse.submit("/loans/new", "/loans/new", &fields).await;
    assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(again.body.contains("LOAN-003") && again.body.contains("value=\"R8.11.24\""), "{}", again.body);

    let scanned = nurse.get("/loans?device=PC-003").await;
    assert_eq!(scanned.header("location"), lent.header("location"), "the label leads to the return");
    let back =
        nurse.submit(lent.header("location"), &format!("{}/return", lent.header("location")), &[("note", "")]).await;
    assert!(nurse.follow(&back).await.contains("返却を登録しました"));
    let html = nurse.get("/approvals").await;
    assert_eq!(html.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn taking_out_needs_answers_and_approval() {
    let site = TestWeb::new().await;
    let mut nurse = site.colleague("yamasaki", "山﨑 真理", Some("S006"), Role::Staff).await;
    let mut admin = site.desk();
    let outside = [("device", "MD-001"), ("borrower", "S006"), ("due_on", "2026-11-25"), ("place", "outside")];
    let silent = nurse.submit("/loans/new", "/loans/new", &outside).await;
    assert_eq!(silent.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(silent.body.contains("href=\"#f-patient_data\""), "{}", silent.body);
    let bad_day = nurse.submit("/loans/new", "/loans/new", &[("device", "MD-001"), ("due_on", "来週")]).await;
    assert!(bad_day.body.contains("href=\"#f-due_on\""), "{}", bad_day.body);

    let mut told = outside.to_vec();
    told.push(("patient_data", "yes"));
    let asked = nurse.submit("/loans/new", "/loans/new", &told).await;
    assert!(nurse.follow(&asked).await.contains("承認を待っています"));
    let html = nurse.page("/").await;
    assert!(html.contains("承認待ち：髙橋 由美子"), "who has it now: {html}");

    let to = "/approvals/loans/L-0004";
    let empty = admin.submit("/approvals", &format!("{to}/send-back"), &[("reason", "")]).await;
    assert_eq!(empty.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(empty.body.contains("FLOW-002"), "{}", empty.body);
    let back = admin.submit("/approvals", &format!("{to}/send-back"), &[("reason", "行き先を書いてください")]).await;
    assert!(admin.follow(&back).await.contains("差し戻しました"));
    assert!(nurse.page("/").await.contains("差戻し：行き先を書いてください"));

    let amend = format!("{}/amend", asked.header("location"));
    told.push(("purpose", "青葉病院へ画像を届ける"));
    let amended = nurse.submit(&amend, &amend, &told).await;
    assert_eq!(amended.status, StatusCode::SEE_OTHER, "{}", amended.body);
    let approved = admin.submit("/approvals", &format!("{to}/approve"), &[]).await;
    let html = admin.follow(&approved).await;
    assert!(html.contains("承認しました") && html.contains("class=\"seal\"") && html.contains("2026-11-22"), "{html}");

    let handed = nurse.submit(asked.header("location"), &format!("{}/hand-over", asked.header("location")), &[]).await;
    assert!(nurse.follow(&handed).await.contains("返却を登録する"));
    let unseen = nurse.submit(asked.header("location"), &format!("{}/return", asked.header("location")), &[]).await;
    assert_eq!(unseen.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(unseen.body.contains("LOAN-008"), "{}", unseen.body);
    let seen = [("inspection", "good"), ("inspection", "scanned")];
    let back = nurse.submit(asked.header("location"), &format!("{}/return", asked.header("location")), &seen).await;
    assert!(nurse.follow(&back).await.contains("返却を登録しました"));
}

#[tokio::test]
async fn a_loss_is_reported_and_says_whom_to_call() {
    let site = TestWeb::new().await;
    let mut nurse = site.colleague("yamasaki", "山﨑 真理", Some("S006"), Role::Staff).await;
    let silent = nurse.submit("/lost", "/lost", &[("device", "MD-001"), ("what", " ")]).await;
    assert_eq!(silent.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(silent.body.contains("href=\"#f-what\""), "{}", silent.body);
    let sent =
        nurse.submit("/lost", "/lost", &[("device", "md-001"), ("what", "かばんにない"), ("when", "15時")]).await;
    let html = nurse.follow(&sent).await;
    for part in ["次のことをしてください", "髙橋 由美子", "医療情報システム安全管理責任者", "data-print"]
    {
        assert!(html.contains(part), "{part} is missing in {html}");
    }
    assert!(site.desk().page("/media").await.contains("紛失"));
}

#[tokio::test]
async fn a_disposal_wants_the_number_twice() {
    let site = TestWeb::new().await;
    let mut admin = site.desk();
    let mut fields = vec![
        ("device", "PC-005"),
        ("method", "destroy"),
        ("done_by", "みどり架空リサイクル"),
        ("disposed_on", "2026-11-21"),
        ("result", "ok"),
    ];
    let once = admin.submit("/disposals/new", "/disposals/new", &fields).await;
    assert_eq!(once.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(once.body.contains("href=\"#f-confirm\"") && once.body.contains("みどり架空リサイクル"), "{}", once.body);
    fields.push(("confirm", "ＰＣ-005"));
    let twice = admin.submit("/disposals/new", "/disposals/new", &fields).await;
    assert!(admin.follow(&twice).await.contains("処置室のPC"));
}

#[tokio::test]
async fn personal_devices_training_and_overrides() {
    let site = TestWeb::new().await;
    let mut admin = site.desk();
    let fields = [("person", "S005"), ("device", "私物のスマートフォン"), ("until_on", "2030-01-01")];
    let long = admin.submit("/byod/new", "/byod/new", &fields).await;
    assert_eq!(long.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(long.body.contains("BYOD-003"), "{}", long.body);
    let fields = [
        ("person", "S005"),
        ("device", "私物のスマートフォン"),
        ("until_on", "2027-03-31"),
        ("conditions", "encrypted"),
    ];
    let asked = admin.submit("/byod/new", "/byod/new", &fields).await;
    assert!(admin.follow(&asked).await.contains("申請中"));
    assert!(admin.page("/approvals").await.contains("単独承認"), "the applicant is told");
    let refused = admin.submit("/approvals", "/approvals/byod/B-0002/approve", &[]).await;
    assert_eq!(refused.status, StatusCode::SEE_OTHER, "{}", refused.body);
    let ended = admin.submit("/byod", "/byod/B-0002/end", &[]).await;
    assert!(admin.follow(&ended).await.contains("終えました"));

    let nobody = admin.submit("/training/H-012", "/training/H-012", &[]).await;
    assert_eq!(nobody.status, StatusCode::UNPROCESSABLE_ENTITY);
    let entered = admin.submit("/training/H-012", "/training/H-012", &[("person", "S006"), ("person", "S007")]).await;
    assert!(admin.follow(&entered).await.contains("2人の受講を登録しました"));

    let page = "/overrides/new?requirement=checklist-r7/2-3";
    let silent = admin.submit(page, "/overrides/new", &[("answer", "yes")]).await;
    assert_eq!(silent.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(silent.body.contains("OVR-003"), "{}", silent.body);
    let asked = admin.submit(page, "/overrides/new", &[("answer", "yes"), ("reason", "契約の別紙で確かめた")]).await;
    assert!(admin.follow(&asked).await.contains("申請中"));
    let back = admin.submit(page, "/overrides/withdraw", &[("because", "書面が出た")]).await;
    assert!(admin.follow(&back).await.contains("取り下げました"));
}

#[tokio::test]
async fn an_auditor_asks_for_evidence_and_the_house_hands_it_in() {
    let site = TestWeb::new().await;
    let mut auditor = Desk { web: &site, browser: site.somebody(Role::Auditor).await };
    let mut admin = site.desk();
    let item = "/requirements/mhlw-7.0/keiei/3.1-r2";
    assert!(auditor.page(item).await.contains("この項目の証拠を求める"));
    assert!(!admin.page(item).await.contains("/requests/new"));
    assert!(!auditor.page("/requests").await.contains("R-001"), "those of other audits");
    let new = "/requests/new?requirement=mhlw-7.0/keiei/3.1-r2";
    assert!(auditor.page(new).await.contains("求めるもの"));
    let short = [("what", "周知の記録"), ("due_on", "きのう")];
    let again = auditor.post("/requests/new", &[("requirement", "mhlw-7.0/keiei/3.1-r2"), short[0], short[1]]).await;
    assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(again.body.contains("周知の記録"), "what was typed stays");
    let good = [("requirement", "mhlw-7.0/keiei/3.1-r2"), ("what", "周知の記録"), ("due_on", "2026/12/1")];
    let asked = auditor.post("/requests/new", &good).await;
    let page = asked.header("location").to_owned();
    assert!(auditor.follow(&asked).await.contains("まだ何も出ていません"));
    assert!(admin.page("/").await.contains("周知の記録"), "it is a task");
    assert_eq!(admin.get("/requests/new").await.status, StatusCode::FORBIDDEN);

    let answered =
        admin.submit(&page, &format!("{page}/answer"), &[("links", "H-008"), ("said", "研修で知らせた")]).await;
    assert!(admin.follow(&answered).await.contains("監査担当者の確認を待ちます"));
    let html = auditor.page(&page).await;
    assert!(html.contains("/ledgers/records/H-008") && html.contains("研修で知らせた"), "{html}");
    let back = auditor.submit(&page, &format!("{page}/send-back"), &[("reason", "名簿も")]).await;
    assert!(auditor.follow(&back).await.contains("名簿も"));
    let token = site.signed(&admin.browser).await.unwrap().csrf;
    let rev = admin.get(&page).await.hidden(&format!("{page}/answer"));
    let rev = rev.iter().find(|(name, _)| name == "rev").unwrap().1.clone();
    let to = format!("{page}/answer");
    let fields = [("rev", rev.as_str())];
    let body = encoded(&to, &fields, Some(&token), Some(("名簿.csv", "架空".as_bytes())));
    let request = form(&to).header("sec-fetch-site", "same-origin").body(body).unwrap();
    let sent = site.send(&mut admin.browser, request).await;
    admin.follow(&sent).await;
    let file = auditor.get(&format!("{page}/files/3")).await;
    assert_eq!((file.body.as_str(), file.header("content-type")), ("架空", "application/octet-stream"));
    assert!(file.header("content-disposition").starts_with("attachment"));
    let confirmed = auditor.submit(&page, &format!("{page}/confirm"), &[]).await;
    assert!(auditor.follow(&confirmed).await.contains("確認済"));
    let mistaken = auditor.post("/requests/new", &[good[0], ("what", "別の施設の記録"), good[2]]).await;
    let second = mistaken.header("location").to_owned();
    let withdraw = format!("{second}/withdraw");
    assert!(!admin.page(&second).await.contains(&withdraw), "the auditor is still there");
    let silent = auditor.submit(&second, &withdraw, &[("why", "")]).await;
    assert_eq!(silent.status, StatusCode::UNPROCESSABLE_ENTITY);
    let withdrawn = auditor.submit(&second, &withdraw, &[("why", "施設を間違えた")]).await;
    let html = auditor.follow(&withdrawn).await;
    assert!(html.contains("取下げ") && html.contains("施設を間違えた") && !html.contains(&withdraw), "{html}");
    assert!(!admin.page("/").await.contains("別の施設の記録"), "it is no task any more");
    let mut stranger = Desk { web: &site, browser: site.somebody(Role::Auditor).await };
    for path in [page.clone(), format!("{page}/files/3")] {
        assert_eq!(stranger.get(&path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn an_application_goes_through_its_steps_and_round() {
    let site = TestWeb::new().await;
    let mut admin = site.desk();
    let ways = "/settings/approvals";
    let two = [("loans", "one"), ("byod", "one"), ("overrides", "two"), ("documents", "one")];
    let refused = admin.post(ways, &two).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "there is no director yet");
    let mut director = site.colleague("director", "渡邉 正彦", Some("S001"), Role::Approver).await;
    let mut nurse = site.colleague("nurse", "齋藤 美咲", Some("S004"), Role::Staff).await;
    let set = admin.post(ways, &two).await;
    assert!(admin.follow(&set).await.contains("承認の段階を決めました"));
    let item = "/approvals/overrides/CHECKLIST-R7%2F2-13";
    let html = director.page("/approvals").await;
    assert!(html.contains("いま持っている人：髙橋 由美子") && !html.contains(&format!("{item}/approve")), "{html}");
    assert!(director.page("/").await.contains("確認する："));
    assert!(admin.page("/").await.contains("確認と回覧が1件"));
    let back = admin.submit("/circulars", &format!("{item}/check-back"), &[("reason", " ")]).await;
    assert_eq!(back.status, StatusCode::UNPROCESSABLE_ENTITY);
    let checked = admin.submit("/circulars", &format!("{item}/check"), &[]).await;
    assert!(admin.follow(&checked).await.contains("確認しました"));
    assert!(director.page("/approvals").await.contains("確認：髙橋 由美子"));
    let approved = director.submit("/approvals", &format!("{item}/approve"), &[]).await;
    director.follow(&approved).await;

    let id = site.app.user_list(&site.facility.id).await.unwrap().into_iter().find(|u| u.login == "nurse").unwrap().id;
    let to = "/circulars/new?ledger=documents&key=D-002";
    assert!(admin.page("/ledgers/documents/D-002").await.contains("/circulars/new?ledger=documents"));
    assert_eq!(admin.submit(to, "/circulars", &[]).await.status, StatusCode::UNPROCESSABLE_ENTITY, "to nobody");
    let begun = admin.submit(to, "/circulars", &[("readers", id.as_str()), ("note", "改めました")]).await;
    let html = admin.follow(&begun).await;
    let circular = html.split("/circulars/").find_map(|part| part.split_once("/end\"")).unwrap().0.to_owned();
    assert!(nurse.page("/").await.contains("確認と回覧が1件"));
    assert!(nurse.page("/circulars").await.contains("改めました"));
    assert_eq!(nurse.get("/circulars/new").await.status, StatusCode::FORBIDDEN);
    let seen = nurse.submit("/circulars", &format!("/circulars/{circular}/seen"), &[]).await;
    assert!(nurse.follow(&seen).await.contains("見たことを記録しました"));
    assert!(admin.page("/circulars").await.contains("終わった回覧"));
    let ended = admin.post(&format!("/circulars/{circular}/end"), &[]).await;
    assert!(admin.follow(&ended).await.contains("回覧を終えました"));
}
