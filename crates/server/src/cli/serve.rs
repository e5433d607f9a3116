//! The server: pages for people, and the place where agents report.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use app::{App, Heads, Health, Keyring, Terminal, Watch};
use clap::Args;
use domain::journal::Actor;
use store::Location;
use tokio::net::{TcpListener, UdpSocket};
use tokio::sync::watch;
use web::syslog::Doors;
use web::{Tls, Web};

use super::{Context, say, write_file};

/// サーバ
#[derive(Clone, Debug, Args)]
pub(crate) struct Serve {
    /// 待ち受けるアドレス
    #[arg(long, value_name = "アドレス", env = "SAKIMORI_LISTEN", default_value = "0.0.0.0:8443")]
    listen: SocketAddr,
    /// 利用者がブラウザに入れるアドレス（例 `https://sakimori.example:8443`）
    #[arg(long, value_name = "アドレス", env = "SAKIMORI_ORIGIN")]
    origin: Option<String>,
    /// TLSの証明書（PEM）。なければ、この施設専用の認証局を作って発行します
    #[arg(long, value_name = "ファイル", requires = "key")]
    certificate: Option<PathBuf>,
    /// TLSの秘密鍵（PEM）
    #[arg(long, value_name = "ファイル", requires = "certificate")]
    key: Option<PathBuf>,
    /// ほかのシステムのアクセス記録（ATNA・JAHIS監査証跡）をsyslogで受け取るアドレス（TLS、例 `0.0.0.0:6514`）
    #[arg(long, value_name = "アドレス", env = "SAKIMORI_SYSLOG_TLS")]
    syslog_tls: Option<SocketAddr>,
    /// 同じものを暗号化なしのTCPで受け取るアドレス（閉じたネットワークだけ）
    #[arg(long, value_name = "アドレス", env = "SAKIMORI_SYSLOG_TCP")]
    syslog_tcp: Option<SocketAddr>,
    /// 同じものをUDPで受け取るアドレス（閉じたネットワークだけ。途中で失われることがあります）
    #[arg(long, value_name = "アドレス", env = "SAKIMORI_SYSLOG_UDP")]
    syslog_udp: Option<SocketAddr>,
    /// ほかのシステムが記録のファイルを置くフォルダ。台帳「記録の取込み元」のフォルダは、この中だけを見ます［省くと データフォルダの inbox］
    #[arg(long, value_name = "フォルダ", env = "SAKIMORI_INBOX")]
    inbox: Option<PathBuf>,
    /// TLSを使わない（このコンピュータの中だけで待ち受けるとき）
    #[arg(long, conflicts_with = "certificate")]
    plain: bool,
}

/// デモ
#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// データフォルダに読み込むだけで、サーバは始めない
    #[arg(long)]
    pub(super) load: bool,
    #[command(flatten)]
    serve: Serve,
}

/// 初期設定のリンク
#[derive(Debug, Args)]
pub(crate) struct SetupLink {
    /// 利用者がブラウザに入れるアドレス
    #[arg(long, value_name = "アドレス", env = "SAKIMORI_ORIGIN", default_value = "https://localhost:8443")]
    origin: String,
}

/// 診断
#[derive(Debug, Args)]
pub(crate) struct Doctor {
    /// 問い合わせ用の資料（zip）も作る。氏名や台帳の内容は入りません
    #[arg(long, value_name = "ファイル")]
    support: Option<PathBuf>,
}

/// Who signs in to the demonstration.
const DEMO_LOGIN: &str = "demo";

impl Demo {
    /// The demonstration in a folder that goes when it ends, with somebody who can sign in.
    pub(crate) async fn throw_away(&self, lang: domain::text::Lang) -> Result<ExitCode> {
        let folder = std::env::temp_dir().join(format!("sakimori-demo-{}", uuid::Uuid::new_v4().simple()));
        let location = Location::Folder(folder.clone());
        let context = Context::open(&location, folder.clone(), None, DEMO_LOGIN.to_owned(), None, lang).await?;
        let facility = context.app.load_demo(&context.actor).await?;
        let password = self.first_person(&context, &facility.id).await?;
        say(format!("【デモ】{}（架空の施設です。終わると消えます）", facility.name));
        say(format!("利用者ID　　　　：{DEMO_LOGIN}"));
        say(format!("パスワード　　　：{password}"));
        let ended = self.serve.clone().serve(context, true).await;
        std::fs::remove_dir_all(&folder)?;
        ended
    }

    /// Makes the person, the way everybody's first person is made, with a password of this run.
    async fn first_person(&self, context: &Context, facility: &str) -> Result<String> {
        let app = &context.app;
        let key = uuid::Uuid::new_v4().simple().to_string();
        let terminal = Terminal { key, address: std::net::Ipv4Addr::LOCALHOST.into(), agent: String::new() };
        let link = app.setup_link().await?;
        let grant = app.setup_begin(&terminal, link.expose()).await?;
        let session = app.setup_admin(&terminal, grant.expose(), facility, "架空 花子", DEMO_LOGIN).await?;
        let Some(signed) = app.session(&terminal, session.expose()).await? else { bail!("demo") };
        loop {
            let random = uuid::Uuid::new_v4().simple().to_string();
            let password: String = random.chars().take(16).collect();
            match app.password_set(&signed, &password).await {
                Ok(()) => {
                    app.sign_out(&signed).await?;
                    return Ok(password);
                }
                // By chance only digits, or a run of them.
                Err(app::Error::Fields(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// Loads the demonstration into the data folder and marks it, so that its pages say what it is.
pub(super) async fn load_demo(context: &Context) -> Result<ExitCode> {
    let facility = context.app.load_demo(&context.actor).await?;
    web::write_private(&context.folder()?.join(DEMO), "")?;
    say(format!("【デモ】{}（{}）を読み込みました。架空の施設です。", facility.name, facility.no));
    Ok(ExitCode::SUCCESS)
}

impl SetupLink {
    pub(crate) async fn run(&self, context: &Context) -> Result<ExitCode> {
        let link = context.app.setup_link().await?;
        say(format!("{}/setup#t={}", self.origin.trim_end_matches('/'), link.expose()));
        say("30分間、一度だけ使えます。サーバを始めて、このリンクを開いてください。");
        Ok(ExitCode::SUCCESS)
    }
}

impl Doctor {
    /// A line a matter; the exit code is 1 when something is bad.
    pub(crate) async fn run(&self, context: &Context) -> Result<ExitCode> {
        if let Some(file) = &self.support {
            write_file(file, &context.app.support_archive(&context.data).await?)?;
            say(format!("{}を作りました。氏名や台帳の内容は入っていません。", file.display()));
        }
        let checks = context.app.doctor(&context.data).await?;
        for check in &checks {
            say(web::doctor_line(check, context.lang));
        }
        Ok(if checks.iter().any(|c| c.health == Health::Bad) { ExitCode::FAILURE } else { ExitCode::SUCCESS })
    }
}

impl Serve {
    /// The places where syslog is listened for.
    async fn syslog(&self) -> Result<Doors> {
        if self.plain && self.syslog_tls.is_some() {
            bail!(
                "syslogをTLSで受け取れません（SRV-004）。--plain のため証明書がありません。--plain を外すか、--syslog-tls を外してください。"
            );
        }
        let taken = |address: SocketAddr| {
            format!(
                "syslogの受付を{address}で始められません（SRV-005）。ほかのプログラムが使っているか、1024番より小さい番号を使う権限がありません。別の番号にしてください。"
            )
        };
        let tcp = async |address: Option<SocketAddr>| match address {
            Some(address) => TcpListener::bind(address).await.map(Some).with_context(|| taken(address)),
            None => Ok(None),
        };
        let udp = match self.syslog_udp {
            Some(address) => Some(UdpSocket::bind(address).await.with_context(|| taken(address))?),
            None => None,
        };
        Ok(Doors { tls: tcp(self.syslog_tls).await?, tcp: tcp(self.syslog_tcp).await?, udp })
    }

    pub(crate) async fn run(self, context: Context) -> Result<ExitCode> {
        self.serve(context, false).await
    }

    /// Serves; as the demonstration with its red band.
    pub(crate) async fn serve(self, mut context: Context, demo: bool) -> Result<ExitCode> {
        if self.plain && !self.listen.ip().is_loopback() {
            bail!(
                "TLSなしでは待ち受けできません（SRV-002）。{}はほかのコンピュータから届きます。127.0.0.1 で待ち受けるか、--plain を外してください。",
                self.listen.ip()
            );
        }
        let listener = TcpListener::bind(self.listen).await.with_context(|| {
            format!("{}で待ち受けできません（SRV-001）。ほかのプログラムが使っています。--listen で別の番号にしてください。", self.listen)
        })?;
        let doors = self.syslog().await?;
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
        let keys = Keyring::open(context.folder()?)?;
        let folder = context.folder()?.to_owned();
        context.app = context.app.with_keys(keys).with_gaps(&folder)?;
        context.app.refresh_decisions().await?;
        context.app.set_origin(&address)?;
        banner(&context, &origin, demo, self.plain).await?;
        let demo = demo || context.data.join(DEMO).exists();
        let app = Arc::new(context.app);
        let folder = Arc::new(context.data);
        let (given, heads) = watch::channel(None);
        let sealing = tokio::spawn(keep_sealed(Arc::clone(&app), Arc::clone(&folder), given));
        let keeping = tokio::spawn(web::keep_heads(Arc::clone(&app), Arc::clone(&folder), heads));
        let finding = tokio::spawn(find_room(Arc::clone(&app)));
        let leaving = tokio::spawn(keep_accounts(Arc::clone(&app)));
        let reviewing = tokio::spawn(keep_reviewing(Arc::clone(&app)));
        let mailing = tokio::spawn(keep_mail(Arc::clone(&app), origin.clone()));
        let inbox = self.inbox.unwrap_or_else(|| folder.join(INBOX));
        let watching = tokio::spawn(watch_folders(Arc::clone(&app), inbox));
        let web = Web { app: Arc::clone(&app), origin: Arc::new(origin), folder, demo };
        if doors.is_any() {
            let listening = web::syslog::listen(doors, app, &tls, Arc::default(), stop());
            tokio::try_join!(web::serve(listener, web, &tls, stop()), listening)?;
        } else {
            web::serve(listener, web, &tls, stop()).await?;
        }
        watching.abort();
        sealing.abort();
        keeping.abort();
        finding.abort();
        leaving.abort();
        reviewing.abort();
        mailing.abort();
        Ok(ExitCode::SUCCESS)
    }
}

/// Seals what was staged, at most once a second. Where it cannot, the server goes on, says so, and tries again: the
/// work of the clinic does not wait for it.
async fn keep_sealed(app: Arc<App>, folder: Arc<PathBuf>, heads: watch::Sender<Option<Heads>>) {
    loop {
        let Err(error) = seal_on(&app, &folder, &heads).await;
        heads.send_replace(None);
        // Another node seals: this one stands by.
        if STANDING_BY.contains(&error.code()) {
            tracing::info!("{error}");
            tokio::time::sleep(SEAL_EVERY).await;
            continue;
        }
        tracing::error!("{error}");
        app.seal_failed(&error);
        tokio::time::sleep(SEAL_AGAIN).await;
    }
}

/// Looks for room where the disk was found full, so that the server goes on by itself.
async fn find_room(app: Arc<App>) {
    loop {
        tokio::time::sleep(ROOM_EVERY).await;
        if let Err(error) = app.look_for_room().await {
            tracing::error!("{error}");
        }
    }
}

/// Disables the accounts of those whose last day is over, soon after midnight; and lets the journal say that it is still
/// there where nothing else happens.
async fn keep_accounts(app: Arc<App>) {
    loop {
        for outcome in [
            app.accounts_refresh().await.map(|_| ()),
            app.refresh_decisions().await,
            app.close_gaps().await,
            app.sign_of_life().await,
        ] {
            if let Err(error) = outcome {
                tracing::error!("{error}");
            }
        }
        tokio::time::sleep(LEAVERS_EVERY).await;
    }
}

/// Takes the files that other systems put into watched folders.
async fn watch_folders(app: Arc<App>, inbox: PathBuf) {
    let mut watch = Watch::default();
    loop {
        match app.look_into_folders(&inbox, &mut watch).await {
            Ok(files) => {
                for file in files {
                    match file.outcome {
                        Ok((new, refused)) => tracing::info!(source = file.source, new, refused, "file taken"),
                        Err(error) => tracing::warn!(source = file.source, code = error.code(), "file not taken"),
                    }
                }
            }
            Err(error) => tracing::error!("{error}"),
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Looks for what stands out in the access logs that come in (a facility without any is left alone), and counts the
/// verdicts once a day.
async fn keep_reviewing(app: Arc<App>) {
    loop {
        let own = Actor::new("sakimori");
        for outcome in [app.find_cases_everywhere(&own).await, app.count_verdicts(&own).await.map(|_| ())] {
            if let Err(error) = outcome {
                tracing::error!("{error}");
            }
        }
        tokio::time::sleep(REVIEW_EVERY).await;
    }
}

/// Sends the mail that waits, where a facility sends any.
async fn keep_mail(app: Arc<App>, origin: String) {
    loop {
        if let Err(error) = app.mail_round(&origin).await {
            tracing::error!("{error}");
        }
        tokio::time::sleep(MAIL_EVERY).await;
    }
}

/// Seals until it fails.
async fn seal_on(app: &App, folder: &Path, heads: &watch::Sender<Option<Heads>>) -> app::Result<Infallible> {
    let mut sealer = app.sealer(folder).await?;
    heads.send_replace(Some(sealer.heads()));
    loop {
        app.seal(&mut sealer).await?;
        tokio::time::sleep(SEAL_EVERY).await;
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
    Ok(web::write_private(&note, &format!("初期設定のリンク（30分間、一度だけ有効）\n{link}\n"))?)
}

/// How often is sealed.
const SEAL_EVERY: Duration = Duration::from_secs(1);
/// How often is looked for room on a full disk.
const ROOM_EVERY: Duration = Duration::from_secs(5);
/// How often is looked for those who have left.
const LEAVERS_EVERY: Duration = Duration::from_secs(60);
/// Folder of the data folder into which other systems put their files.
const INBOX: &str = "inbox";
/// How often watched folders are looked into; a file that did not change in between is whole.
const LOOK_EVERY: Duration = Duration::from_secs(15);
/// How often the access logs are looked over.
const REVIEW_EVERY: Duration = Duration::from_secs(60 * 60);
/// How often is looked for mail to send.
const MAIL_EVERY: Duration = Duration::from_secs(10);
/// How long a log that cannot be written is left alone.
const SEAL_AGAIN: Duration = Duration::from_secs(10);
/// Codes that say that another node seals.
const STANDING_BY: [&str; 2] = ["JRN-005", "JRN-032"];
/// Where the set-up link is kept besides the screen; gone once it was used.
const SETUP_NOTE: &str = "初期設定.txt";
/// Marks a data folder that holds the demonstration.
pub(super) const DEMO: &str = "demo";

/// The names and addresses by which browsers may call the server: that of the origin, and this machine's own.
fn names_of(origin: &str) -> Vec<String> {
    let host = origin.split("://").nth(1).unwrap_or(origin);
    let host = host.rsplit_once(':').map_or(host, |(name, _)| name).trim_matches(['[', ']']);
    let mut names = vec![host.to_owned()];
    names.extend(["localhost", "127.0.0.1", "::1"].into_iter().filter(|n| *n != host).map(str::to_owned));
    names
}

/// Resolves on Ctrl+C, or when the service manager asks to stop.
pub(super) async fn stop() {
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
