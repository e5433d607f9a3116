//! The server: receives what agents report.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use clap::Args;
use tokio::net::TcpListener;

use super::{Context, say};

/// サーバ
#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// 待ち受けるアドレス
    #[arg(long, env = "SAKIMORI_LISTEN", default_value = "127.0.0.1:8480")]
    listen: SocketAddr,
}

impl Serve {
    pub(crate) async fn run(self, context: Context) -> Result<ExitCode> {
        let listener = TcpListener::bind(self.listen).await.with_context(|| {
            format!("{}で待ち受けできません（SRV-001）。ほかのプログラムが使っています。--listen で別の番号にしてください。", self.listen)
        })?;
        let address = listener.local_addr()?;
        say(format!("端末の報告を受け付けています：http://{address}/inventory （終了は Ctrl+C）"));
        web::serve(listener, Arc::new(context.app), stop()).await?;
        Ok(ExitCode::SUCCESS)
    }
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
