//! Heads on the network: our witness and our asking it, and a keeper that is dead or lies.

use std::path::Path;
use std::sync::Arc;

use app::{App, Clock as _, Grade, Sealer, SystemClock, Witness};
use testkit::{Tsa, actor};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use web::{Tls, keep_heads_once, serve_witness};

use crate::support::TestWeb;

async fn sealed(app: &App, folder: &Path) -> Sealer {
    let mut sealer = app.sealer(folder).await.unwrap();
    app.seal(&mut sealer).await.unwrap();
    sealer
}

/// A server that gives every connection this answer, whatever it asks.
async fn answering(answer: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.read(&mut [0; 4096]).await;
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    url
}

#[tokio::test]
async fn our_witness_signs_over_tls_and_others_cost_nothing() {
    let web = TestWeb::new().await;
    // The witness has a clock of its own, and it is not believed when it is far ahead of ours.
    web.wait(SystemClock.now().as_second() - web.app.now().as_second());
    let (app, folder) = (&web.app, Arc::new(web.data()));
    let sealer = sealed(app, &folder).await;
    let house = tempfile::tempdir().unwrap();
    let witness = Witness::open(house.path(), "witness.example/w1", &[app.log_key(&folder).unwrap()]).unwrap();
    let key = witness.key();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    let tls = Tls::Own { folder: house.path().join("tls"), names: vec!["127.0.0.1".to_owned()] };
    tokio::spawn(async move { serve_witness(listener, witness, &tls, std::future::pending()).await });
    // The certificate is there once the server is.
    let authority = house.path().join("tls/ca.crt");
    while !authority.exists() || tokio::net::TcpStream::connect(url.trim_start_matches("https://")).await.is_err() {
        tokio::task::yield_now().await;
    }
    let authority = std::fs::read_to_string(authority).unwrap();
    let add = async |url: &str, trust: &str, tls: &str| {
        app.keeper_add(&actor(), Grade::Own, url, trust, tls).await.unwrap();
    };
    add(&url, &key, &authority).await;
    add("http://127.0.0.1:1", &key, "").await;
    add(&answering("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nlie\n").await, &key, "").await;
    add(&answering("HTTP/1.1 409 Conflict\r\ncontent-length: 4\r\n\r\n999\n").await, &key, "").await;
    add(&answering("HTTP/1.1 500 x\r\ncontent-length: 0\r\n\r\n").await, &key, "").await;
    keep_heads_once(app, &folder, &sealer.heads()).await.unwrap();
    let kept = app.kept_heads().await.unwrap();
    assert_eq!(kept.len(), 1, "{kept:?}");
    let first = kept[0].head.size;
    // It grew: the witness knows the older one and is told the way. Another authority's certificate is not believed.
    drop(sealer);
    let sealer = self::sealed(app, &folder).await;
    keep_heads_once(app, &folder, &sealer.heads()).await.unwrap();
    assert!(app.kept_heads().await.unwrap()[0].head.size > first);
    let known = std::fs::read_dir(house.path()).unwrap().flatten().find(|e| e.path().join("checkpoint").exists());
    assert!(known.is_some(), "the witness kept the whole head");
}

#[tokio::test]
async fn what_a_witness_refuses_has_the_status_of_the_protocol() {
    use tower::ServiceExt as _;
    let web = TestWeb::new().await;
    let sealer = sealed(&web.app, &web.data()).await;
    let house = tempfile::tempdir().unwrap();
    let key = web.app.log_key(&web.data()).unwrap();
    let stranger = tempfile::tempdir().unwrap();
    let other = web.app.log_key(stranger.path()).unwrap();
    let witness = Witness::open(house.path(), "witness.example/w1", &[key]).unwrap();
    let router = web::witness_router(witness);
    let ask = async |router: &axum::Router, body: Vec<u8>| {
        let request = axum::http::Request::post("/add-checkpoint").body(axum::body::Body::from(body)).unwrap();
        let answer = router.clone().oneshot(request).await.unwrap();
        let kind = answer.headers().get("content-type").map(|v| v.to_str().unwrap().to_owned()).unwrap_or_default();
        let status = answer.status().as_u16();
        let body = axum::body::to_bytes(answer.into_body(), 1 << 16).await.unwrap();
        (status, kind, String::from_utf8(body.to_vec()).unwrap())
    };
    let sent = sealer.heads().submission(0).await.unwrap().unwrap();
    let size = sent.head.size;
    let changed =
        |from: &str, to: &str| String::from_utf8(sent.body.clone()).unwrap().replacen(from, to, 1).into_bytes();
    assert_eq!(ask(&router, b"nonsense".to_vec()).await.0, 400);
    assert_eq!(ask(&router, changed("old 0", "old 999999")).await.0, 400);
    assert_eq!(ask(&router, changed("\n\nsakimori", "\n\nother")).await.0, 404);
    assert_eq!(ask(&router, changed(&format!("\n{size}\n"), &format!("\n{}\n", size + 1))).await.0, 403);
    assert_eq!(ask(&router, changed("old 0\n", "old 0\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n")).await.0, 422);
    let (status, _, line) = ask(&router, sent.body.clone()).await;
    assert!(status == 200 && line.starts_with("— witness.example/w1 ") && line.ends_with('\n'), "{status} {line}");
    assert_eq!(ask(&router, sent.body.clone()).await, (409, "text/x.tlog.size".to_owned(), format!("{size}\n")));
    assert_eq!(ask(&router, vec![b'x'; 1 << 20]).await.0, 413);
    let unknowing = Witness::open(stranger.path(), "w", &[other]).unwrap();
    assert_eq!(ask(&web::witness_router(unknowing), sent.body.clone()).await.0, 404);
}

/// OpenSSL's time-stamping authority, asked by HTTP: its address.
async fn serve(tsa: Arc<Tsa>) -> String {
    let reply = move |query: axum::body::Bytes| async move { tsa.reply(&query) };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/tsa", listener.local_addr().unwrap());
    let router = axum::Router::new().route("/tsa", axum::routing::post(reply));
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

#[tokio::test]
async fn an_authority_is_asked_once_a_day_and_its_reply_is_checked() {
    let web = TestWeb::new().await;
    let (app, data) = (&web.app, Arc::new(web.data()));
    let sealer = sealed(app, &data).await;
    let tsa = Arc::new(Tsa::new());
    let (url, trust) = (serve(Arc::clone(&tsa)).await, tsa.certificate());
    app.keeper_add(&actor(), Grade::Stamp, &url, &trust, "").await.unwrap();
    for _ in 0..2 {
        keep_heads_once(app, &data, &sealer.heads()).await.unwrap();
        let kept = app.kept_heads().await.unwrap();
        assert!(kept.len() == 1 && kept[0].grade == Grade::Stamp && kept[0].name.contains("TSA"), "{kept:?}");
    }
    // By files: the same authority, then one that is not trusted.
    let asked = app.stamp_request(&data).await.unwrap().unwrap();
    let reply = tsa.reply(&asked.request);
    let stranger = Tsa::new().certificate();
    for (trust, reply) in [(&stranger, &reply), (&trust, &b"none".to_vec())] {
        assert_eq!(app.stamped(&actor(), &data, &asked, reply, trust).await.unwrap_err().code(), "JRN-028");
    }
    app.stamped(&actor(), &data, &asked, &reply, &trust).await.unwrap();
    assert_eq!(app.kept_heads().await.unwrap().len(), 2);
}
