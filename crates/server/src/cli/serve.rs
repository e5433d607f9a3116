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
        let address = url::Url::parse(&origin).with_context(|| {
            format!(
                "アドレス「{origin}」を使えません（SRV-003）。https://名前:番号 の形で --origin に指定してください。"
            )
        })?;
        context.app.set_origin(&address)?;
        banner(&context, &origin, demo, self.plain).await?;
        let demo = demo || context.data.join(DEMO).exists();
        let web = Web { app: Arc::new(context.app), origin: Arc::new(origin), folder: Arc::new(context.data), demo };
        web::serve(listener, web, &tls, stop()).await?;
        Ok(ExitCode::SUCCESS)
    }
}

/// Says where the server is, and, as long as nobody can sign in, how the first person does.
async fn banner(context: &Context, origin: &str, demo: bool, plain: bool) -> Result<()> {
    say(format!("防人を始めました：{origin}/ （終了は Ctrl+C）"));
    say(format!("データフォルダ　：{}", context.data.display()));
    if !plain {
        say(format!(
            "認証局の証明書　：{}（各端末に信頼させると警告が出ません）",
            context.data.join("tls/ca.crt").display()
        ));
    }
    let note = context.data.join(SETUP_NOTE);
    if demo || !context.app.needs_setup().await? {
        let _ = std::fs::remove_file(&note);
        return Ok(());
    }
    let link = format!("{origin}/setup#t={}", context.app.setup_link().await?.expose());
    say(format!("初期設定　　　　：{link}"));
    say("　30分間、一度だけ使えます。切れたときは、止めてから始め直すと新しく作ります。");
    say("　First set-up: open the link above within 30 minutes. It works once.");
    private(&note, &format!("初期設定のリンク（30分間、一度だけ有効）\n{link}\n"))
}

/// Where the set-up link is kept besides the screen; gone once it was used.
const SETUP_NOTE: &str = "初期設定.txt";
/// Marks a data folder that holds the demonstration.
pub(super) const DEMO: &str = "demo";

/// Writes a file that only its owner can read.
fn private(path: &std::path::Path, text: &str) -> Result<()> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut file = std::fs::File::options().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    Ok(file.write_all(text.as_bytes())?)
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
