//! What is under way when the right to it ends: the file stops, short of its announced length.

use axum::body::{Body, Bytes};
use axum::http::{Request, StatusCode};
use domain::authz::Permission::{self, ReadLedgers};
use http_body_util::BodyExt as _;
use serde_json::Value;
use testkit::actor;

use crate::api::Site;

/// A download under way: its first piece, what follows, and its announced length.
struct Download {
    first: Bytes,
    body: Body,
    length: usize,
}

impl Download {
    async fn of(response: axum::response::Response) -> Self {
        assert_eq!(response.status(), StatusCode::OK);
        let length = response.headers().get("content-length").map(|v| v.to_str().unwrap().parse().unwrap());
        let mut body = response.into_body();
        let length = length.unwrap_or_else(|| {
            let size = axum::body::HttpBody::size_hint(&body).exact();
            usize::try_from(size.expect("a length is announced")).unwrap()
        });
        let first = body.frame().await.unwrap().unwrap().into_data().unwrap();
        assert!(!first.is_empty() && first.len() < length, "{} of {length}", first.len());
        Self { first, body, length }
    }

    /// The rest; an error where it is cut off.
    async fn rest(self) -> Result<usize, axum::Error> {
        let rest = self.body.collect().await?.to_bytes();
        assert_eq!(self.first.len() + rest.len(), self.length);
        Ok(rest.len())
    }
}

/// Rows that make a ledger longer than one piece.
async fn many_rows(site: &Site) {
    let vendors = domain::ledger::ledger("vendors").unwrap();
    let note = "架空".repeat(900);
    for n in 0..60 {
        let row = [("no", format!("V-9{n:02}")), ("name", format!("業者 {n}")), ("services", note.clone())];
        let row = row.map(|(name, value)| (name.to_owned(), value)).into();
        site.0.app.save_row(&actor(), &site.0.facility, vendors, None, &row).await.unwrap();
    }
}

#[tokio::test]
async fn a_download_ends_with_the_session() {
    let site = Site::new().await;
    many_rows(&site).await;
    let web = &site.0;
    let begin = async || {
        let request = Request::get("/ledgers/vendors/export?format=csv").body(Body::empty()).unwrap();
        Download::of(web.stream(&web.admin, request).await).await
    };
    assert!(begin().await.rest().await.unwrap() > 0, "whole as long as the session lasts");
    let under_way = begin().await;
    let session = web.signed(&web.admin).await.unwrap();
    web.app.session_revoke(&session, &session.session).await.unwrap();
    assert!(under_way.rest().await.is_err(), "cut off");
}

#[tokio::test]
async fn a_download_ends_with_the_token_and_with_its_account() {
    let site = Site::new().await;
    many_rows(&site).await;
    let web = &site.0;
    let user = web.add_user("e.export", domain::authz::Role::Operator, false).await;
    let until = "2026-11-30".parse().unwrap();
    let scopes: &[Permission] = &[ReadLedgers, Permission::UseOwnAccount];
    let issue = async |name: &str| {
        let new = app::NewToken { name, scopes, sources: &[], ends_on: until };
        let made = web.app.token_issue(&actor(), &web.facility.id, "e.export", new).await;
        made.unwrap().expose().to_owned()
    };
    let begin = async |token: &str| {
        let request = Request::get("/api/v1/ledgers/vendors/export?format=csv");
        let request = request.header("authorization", format!("Bearer {token}"));
        Download::of(web.ask(request.body(Body::empty()).unwrap()).await).await
    };
    let token = issue("一つめ").await;
    assert!(begin(&token).await.rest().await.unwrap() > 0);
    let under_way = begin(&token).await;
    let (_, tokens) = site.ask(&token, "GET", "/api/v1/tokens", Value::Null).await;
    let path = format!("/api/v1/tokens/{}/revoke", tokens["tokens"][0]["id"].as_str().unwrap());
    assert_eq!(site.ask(&token, "POST", &path, serde_json::json!({})).await.0, StatusCode::NO_CONTENT);
    assert!(under_way.rest().await.is_err(), "its token was revoked");

    let under_way = begin(&issue("二つめ").await).await;
    let admin = web.signed(&web.admin).await.unwrap();
    web.app.user_disable(&admin, &user.id, "退職").await.unwrap();
    assert!(under_way.rest().await.is_err(), "its account was disabled");
}
