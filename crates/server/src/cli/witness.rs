//! `sakimori witness`: another machine that vouches for the log, without a database of its own.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use clap::Args;
use tokio::net::TcpListener;
use web::Tls;

use super::{say, serve::stop};

/// 証人
#[derive(Debug, Args)]
pub(crate) struct Witness {
    /// 待ち受けるアドレス
    #[arg(long, value_name = "アドレス", env = "SAKIMORI_LISTEN", default_value = "0.0.0.0:8444")]
    listen: SocketAddr,
    /// 証人の名前（初めて始めるときに鍵に入ります）
    #[arg(long, value_name = "名前", default_value = "sakimori-witness")]
    name: String,
    /// 見守る記録の公開鍵（`sakimori journal key` の一行。何度でも指定できます）
    #[arg(long = "log", value_name = "公開鍵", required = true)]
    logs: Vec<String>,
    /// 証人のコンピュータの名前かIPアドレス（TLSの証明書に入ります。何度でも指定できます）
    #[arg(long = "host", value_name = "名前")]
    hosts: Vec<String>,
    /// TLSを使わない（このコンピュータの中だけで待ち受けるとき）
    #[arg(long)]
    plain: bool,
}

impl Witness {
    /// Answers until it is stopped.
    pub(crate) async fn run(self, folder: &Path) -> Result<ExitCode> {
        if self.plain && !self.listen.ip().is_loopback() {
            bail!(
                "TLSなしでは待ち受けできません（SRV-002）。{}はほかのコンピュータから届きます。127.0.0.1 で待ち受けるか、--plain を外してください。",
                self.listen.ip()
            );
        }
        let witness = app::Witness::open(folder, &self.name, &self.logs)?;
        let listener = TcpListener::bind(self.listen).await.with_context(|| {
            format!("{}で待ち受けできません（SRV-001）。ほかのプログラムが使っています。--listen で別の番号にしてください。", self.listen)
        })?;
        let address = listener.local_addr()?;
        let tls = if self.plain {
            Tls::Off
        } else {
            let mut names = self.hosts;
            names.extend(["localhost", "127.0.0.1", "::1"].map(str::to_owned));
            Tls::Own { folder: folder.join("tls"), names }
        };
        say(format!("証人を始めました：{address} （終了は Ctrl+C）"));
        say(format!("証人の公開鍵　：{}", witness.key()));
        if !self.plain {
            let authority: PathBuf = folder.join("tls/ca.crt");
            say(format!(
                "認証局の証明書：{}（記録のあるコンピュータに渡し、keeper add の --tls に指定します）",
                authority.display()
            ));
        }
        web::serve_witness(listener, witness, &tls, stop()).await?;
        Ok(ExitCode::SUCCESS)
    }
}
