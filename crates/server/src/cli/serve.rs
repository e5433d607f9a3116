//! The server: pages for people, and the place where agents report.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use clap::Args;
use tokio::net::TcpListener;
use web::{Tls, Web};

use super::{Context, say};

/// サーバ
#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// 待ち受けるアドレス
    #[arg(long, env = "SAKIMORI_LISTEN", default_value = "0.0.0.0:8443")]
    listen: SocketAddr,
    /// 利用者がブラウザに入れるアドレス（例 https://sakimori.example:8443）
    #[arg(long, env = "SAKIMORI_ORIGIN")]
    origin: Option<String>,
    /// TLSの証明書（PEM）。なければ、この施設専用の認証局を作って発行します
    #[arg(long, requires = "key")]
    certificate: Option<PathBuf>,
    /// TLSの秘密鍵（PEM）
    #[arg(long, requires = "certificate")]
    key: Option<PathBuf>,
    /// TLSを使わない（このコンピュータの中だけで待ち受けるとき）
    #[arg(long, conflicts_with = "certificate")]
    plain: bool,
}

impl Serve {
    pub(crate) async fn run(self, context: Context) -> Result<ExitCode> {
        self.serve(context, false).await
    }

    /// Serves; as the demonstration with its red band.
    pub(crate) async fn serve(self, context: Context, demo: bool) -> Result<ExitCode> {
        if self.plain && !self.listen.ip().is_loopback() {
            bail!(
                "TLSなしでは待ち受けできません（SRV-002）。{}はほかのコンピュータから届きます。127.0.0.1 で待ち受けるか、--plain を外してください。",
                self.listen.ip()
            );
        }
        let listener = TcpListener::bind(self.listen).await.with_context(|| {
            format!("{}で待ち受けできません（SRV-001）。ほかのプログラムが使っています。--listen で別の番号にしてください。", self.listen)
        })?;
        let address = listener.local_addr()?;
        let scheme = if self.plain { "http" } else { "https" };
        let origin = match self.origin {
            Some(origin) => origin.trim_end_matches('/').to_owned(),
            None => format!("{scheme}://localhost:{}", address.port()),
        };
        let tls = match (self.plain, self.certificate, self.key) {
            (true, ..) => Tls::Off,
            (false, Some(certificate), Some(key)) => Tls::Files { certificate, key },
            _ => Tls::Own { folder: context.data.join("tls"), names: names_of(&origin) },
        };
        say(format!("防人を始めました：{origin}/ （終了は Ctrl+C）"));
        let web = Web { app: Arc::new(context.app), origin: Arc::new(origin), demo };
        web::serve(listener, web, &tls, stop()).await?;
        Ok(ExitCode::SUCCESS)
    }
}

/// The names and addresses by which browsers may call the server: that of the origin, and this machine's own.
fn names_of(origin: &str) -> Vec<String> {
    let host = origin.split("://").nth(1).unwrap_or(origin);
    let host = host.rsplit_once(':').map_or(host, |(name, _)| name).trim_matches(['[', ']']);
    let mut names = vec![host.to_owned()];
    names.extend(["localhost", "127.0.0.1", "::1"].into_iter().filter(|n| *n != host).map(str::to_owned));
    names
}

/// Resolves on Ctrl+C, or when the service manager asks to stop.
async fn stop() {
    let interrupt = tokio::signal::ctrl_c();
    let terminate = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => _ = signal.recv().await,
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = interrupt => {}
        () = terminate => {}
    }
}
