//! The command line: what can be asked, and which use case answers.

mod accesses;
mod catalog;
mod facility;
mod feeds;
mod files;
mod japanese;
mod journal;
mod ledgers;
mod outputs;
mod recover;
mod retention;
mod serve;
mod token;
mod verdicts;
mod witness;

use std::fs::File;
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::LazyLock;

use anyhow::{Context as _, Result};
use app::{App, LogBucket, SystemClock};
use clap::{Parser, Subcommand};
use domain::journal::Actor;
use store::{Location, Store};

/// Reads the command line; with the exit code when help or a refusal was all there was to show.
pub(crate) fn read() -> Result<Cli, ExitCode> {
    japanese::read()
}

/// 防人 Sakimori: 3省2ガイドラインへの対応を、院内の1台で点検し、証明します。
#[derive(Debug, Parser)]
#[command(name = "sakimori", version, about, disable_help_subcommand = true)]
pub(crate) struct Cli {
    /// データフォルダ
    #[arg(long, value_name = "フォルダ", global = true, env = "SAKIMORI_DATA", default_value = "data")]
    data: PathBuf,
    /// PostgreSQLのURL（指定するとデータはそちらに置きます）
    #[arg(long, value_name = "URL", global = true, env = "SAKIMORI_DATABASE", hide_env_values = true)]
    database: Option<String>,
    /// 封印を置くS3互換の保管庫の設定（TOML、0600）［省くと データフォルダの bucket.toml。なければ封印もデータフォルダに置きます］
    #[arg(long, value_name = "ファイル", global = true, env = "SAKIMORI_BUCKET")]
    bucket: Option<PathBuf>,
    /// 対象の施設（コードか名前。一つだけなら省略できます）
    #[arg(long, value_name = "施設", global = true)]
    facility: Option<String>,
    /// 操作する人の名前（操作記録に残ります）
    #[arg(long, value_name = "名前", global = true, env = "SAKIMORI_ACTOR", default_value = "コマンド操作")]
    actor: String,
    /// 表示の言語
    #[arg(long, value_name = "言語", global = true, value_enum, default_value = "ja")]
    lang: Language,
    #[command(subcommand)]
    command: Command,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Language {
    Ja,
    En,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// 施設を登録・一覧する
    #[command(subcommand)]
    Facility(facility::Command),
    /// 台帳を取り込む（xlsx・CSV・TSV、またはそれらのフォルダ）
    Import(ledgers::Import),
    /// 台帳を書き出す
    Export(ledgers::Export),
    /// 取込みの一覧と取消し
    #[command(subcommand)]
    Imports(ledgers::Imports),
    /// 見出しと列の対応を覚えさせる
    Map(ledgers::Map),
    /// 端末の情報（GLPI Agent・FusionInventory・Lynis）を取り込む
    Inventory(ledgers::Inventory),
    /// 要求事項を判定する
    Assess(verdicts::Assess),
    /// チェックリストをExcelとPDFで作る
    Checklist(outputs::Checklist),
    /// 要求事項の判定と根拠をPDFで作る
    Report(outputs::Report),
    /// 監査フォルダを作る
    AuditFolder(outputs::AuditFolder),
    /// 監査フォルダを確かめる（データフォルダは要りません）
    Verify(outputs::Verify),
    /// 要求事項のカタログを見る
    #[command(subcommand)]
    Catalog(catalog::Command),
    /// 操作記録を見る・確かめる
    #[command(subcommand)]
    Journal(journal::Journal),
    /// アクセス記録を取り込む・照会する・確認する・書き出す
    #[command(subcommand)]
    Accesses(accesses::Accesses),
    /// すべてを一つのファイルに書き出す（データベースの種類によりません）
    Dump(outputs::Dump),
    /// 書き出したファイルを空の保存先に読み込む
    Load(outputs::Load),
    /// 架空の施設で試す（終わると消えます。--load で空のデータフォルダに読み込むだけにもできます）
    Demo(serve::Demo),
    /// プログラムのためのAPIトークンを作り、一度だけ表示する
    Token(token::Token),
    /// サーバを始める（画面と、端末のエージェントの受付）
    Serve(serve::Serve),
    /// 初期設定のリンクを作り直す（サーバを止めているとき）
    SetupLink(serve::SetupLink),
    /// 入れなくなった人の本人確認を、サーバから行う（ほかに確認できる人がいないとき。サーバを止めているとき）
    Recover(recover::Recover),
    /// 証人になる：ほかのコンピュータの操作記録の印を見守る（データベースは要りません）
    Witness(witness::Witness),
    /// このサーバが正しく動いているかを調べる
    Doctor(serve::Doctor),
}

impl Command {
    /// Whether it may be the first command on a data folder; the others have nothing to say about an empty one.
    fn may_begin(&self) -> bool {
        matches!(
            self,
            Self::Demo(_)
                | Self::Import(_)
                | Self::Load(_)
                | Self::Serve(_)
                | Self::SetupLink(_)
                | Self::Facility(facility::Command::Add { .. })
        )
    }
}

/// What every command works with.
pub(crate) struct Context {
    app: App,
    data: PathBuf,
    actor: Actor,
    wanted: Option<String>,
    lang: domain::text::Lang,
}

impl Context {
    /// Opens the store.
    async fn open(
        location: &Location,
        data: PathBuf,
        bucket: Option<&Path>,
        actor: String,
        wanted: Option<String>,
        lang: domain::text::Lang,
    ) -> Result<Self> {
        let bucket = LogBucket::of(&data, bucket)?;
        let app = App::new(Store::open(location).await?, SystemClock).with_data(&data).with_bucket(bucket);
        Ok(Self { app, data, actor: Actor::new(actor), wanted, lang })
    }

    /// The data folder, made when there is none: on PostgreSQL it holds keys and certificates alone, and only for
    /// those commands that need them.
    fn folder(&self) -> Result<&Path> {
        std::fs::create_dir_all(&self.data).with_context(|| {
            format!(
                "データフォルダ「{}」を作れませんでした（DAT-002）。権限と空き容量を確かめてください。",
                self.data.display()
            )
        })?;
        Ok(&self.data)
    }

    async fn facility(&self) -> Result<domain::evaluate::Facility> {
        Ok(self.app.facility(self.wanted.as_deref()).await?)
    }

    /// A sentence in the language asked for.
    fn words(&self, key: &str, values: &[(&str, &dyn std::fmt::Display)]) -> String {
        domain::message::say(self.lang, key, values)
    }
}

/// Runs one command.
pub(crate) async fn run(cli: Cli) -> Result<ExitCode> {
    let lang = match cli.lang {
        Language::Ja => domain::text::Lang::Ja,
        Language::En => domain::text::Lang::En,
    };
    // These need no data.
    match &cli.command {
        Command::Demo(demo) if !demo.load => return demo.throw_away(lang).await,
        Command::Verify(verify) => return verify.run(),
        Command::Catalog(catalog) if catalog.needs_no_data() => return catalog.run(None, lang).await,
        _ => {}
    }
    if let Command::Witness(witness) = cli.command {
        return witness.run(&cli.data).await;
    }
    let folder = cli.data.display().to_string();
    let location = match cli.database {
        Some(url) => Location::Postgres(url),
        None => Location::Folder(cli.data.clone()),
    };
    match &cli.command {
        command if command.may_begin() || location.exists() => {}
        Command::Catalog(catalog) => return catalog.run(None, lang).await,
        _ => anyhow::bail!(
            "データフォルダ「{folder}」にデータがありません（DAT-001）。場所が違うか、まだ始めていません。--data か環境変数 SAKIMORI_DATA を確かめてください。新しく始めるときは、sakimori demo、sakimori import、sakimori facility add のどれかを先に実行してください。"
        ),
    }
    let context = Context::open(&location, cli.data, cli.bucket.as_deref(), cli.actor, cli.facility, lang).await?;
    match cli.command {
        Command::Facility(command) => command.run(&context).await,
        Command::Import(command) => command.run(&context).await,
        Command::Export(command) => command.run(&context).await,
        Command::Imports(command) => command.run(&context).await,
        Command::Map(command) => command.run(&context).await,
        Command::Inventory(command) => command.run(&context).await,
        Command::Assess(command) => command.run(&context).await,
        Command::Checklist(command) => command.run(&context).await,
        Command::Report(command) => command.run(&context).await,
        Command::AuditFolder(command) => command.run(&context).await,
        Command::Verify(command) => command.run(),
        Command::Catalog(command) => command.run(Some(&context), lang).await,
        Command::Journal(command) => command.run(&context).await,
        Command::Accesses(command) => command.run(&context).await,
        Command::Dump(command) => command.run(&context).await,
        Command::Load(command) => command.run(&context).await,
        Command::Demo(_) => serve::load_demo(&context).await,
        Command::Token(command) => command.run(&context).await,
        Command::Serve(command) => command.run(context).await,
        Command::SetupLink(command) => command.run(&context).await,
        Command::Recover(command) => command.run(context).await,
        Command::Witness(command) => command.run(&context.data).await,
        Command::Doctor(command) => command.run(&context).await,
    }
}

/// Prints an error for people, and its whole chain to the log. The exit code is 2.
pub(crate) fn complain(error: &anyhow::Error) -> ExitCode {
    let mut err = std::io::stderr().lock();
    let _ = writeln!(err, "{error}");
    for cause in error.chain().skip(1) {
        tracing::debug!(%cause, "caused by");
    }
    ExitCode::from(2)
}

/// Standard output without the library's own handling, which takes a descriptor that cannot be written for written.
static STDOUT: LazyLock<std::io::Result<File>> =
    LazyLock::new(|| std::io::stdout().as_fd().try_clone_to_owned().map(File::from));

/// Writes a line to standard output. A reader that has gone ends the program quietly; what cannot be written for
/// another reason must not pass for done.
fn say(line: impl AsRef<str>) {
    let written = match &*STDOUT {
        Ok(out) => (&mut &*out).write_all(format!("{}\n", line.as_ref()).as_bytes()),
        Err(error) => Err(error.kind().into()),
    };
    match written {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::BrokenPipe => std::process::exit(0),
        Err(error) => {
            let explain = "画面に出せませんでした（OUT-003）。出力先が閉じているか、いっぱいです。出力先を確かめて、もう一度実行してください。";
            complain(&anyhow::Error::new(error).context(explain));
            std::process::exit(2);
        }
    }
}

/// Writes a file, and the folder it is in.
fn write_file(path: &Path, bytes: &[u8]) -> Result<()> {
    let explain =
        || format!("「{}」に書き込めませんでした（OUT-001）。権限と空き容量を確かめてください。", path.display());
    if let Some(folder) = path.parent().filter(|f| !f.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).with_context(explain)?;
    }
    std::fs::write(path, bytes).with_context(explain)
}

/// Reads a file named on the command line, of one larger than `most` bytes no more than shows that it is: a film that
/// lies among the ledgers is refused for its size, not read into memory.
fn read_file(path: &Path, most: usize) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path).and_then(|file| file.take(most as u64 + 1).read_to_end(&mut bytes)).with_context(|| {
        format!("「{}」を読めませんでした（INP-001）。ファイルの場所と権限を確かめてください。", path.display())
    })?;
    Ok(bytes)
}
