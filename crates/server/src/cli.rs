//! The command line: what can be asked, and which use case answers.

mod catalog;
mod facility;
mod files;
mod ledgers;
mod outputs;
mod serve;
mod token;
mod verdicts;

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use app::{App, SystemClock};
use clap::{Parser, Subcommand};
use domain::journal::Actor;
use store::{Location, Store};

/// 防人 Sakimori: 3省2ガイドラインへの対応を、院内の1台で点検し、証明します。
#[derive(Debug, Parser)]
#[command(version, about, disable_help_subcommand = true)]
pub(crate) struct Cli {
    /// データフォルダ
    #[arg(long, global = true, env = "SAKIMORI_DATA", default_value = "data")]
    data: PathBuf,
    /// PostgreSQLのURL（指定するとデータはそちらに置きます）
    #[arg(long, global = true, env = "SAKIMORI_DATABASE", hide_env_values = true)]
    database: Option<String>,
    /// 対象の施設（コードか名前。一つだけなら省略できます）
    #[arg(long, global = true)]
    facility: Option<String>,
    /// 操作する人の名前（操作記録に残ります）
    #[arg(long, global = true, env = "SAKIMORI_ACTOR", default_value = "コマンド操作")]
    actor: String,
    /// 表示の言語
    #[arg(long, global = true, value_enum, default_value = "ja")]
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
    Journal(ledgers::Journal),
    /// すべてを一つのファイルに書き出す（データベースの種類によりません）
    Dump(outputs::Dump),
    /// 書き出したファイルを空の保存先に読み込む
    Load(outputs::Load),
    /// デモの施設を空のデータフォルダに読み込む
    Demo,
    /// プログラムのためのAPIトークンを作り、一度だけ表示する
    Token(token::Token),
    /// 端末のエージェントからの報告を受け付ける
    Serve(serve::Serve),
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
    async fn facility(&self) -> Result<domain::evaluate::Facility> {
        Ok(self.app.facility(self.wanted.as_deref()).await?)
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
        Command::Verify(verify) => return verify.run(),
        Command::Catalog(catalog) if catalog.needs_no_data() => return catalog.run(None, lang).await,
        _ => {}
    }
    let location = match cli.database {
        Some(url) => Location::Postgres(url),
        None => Location::Folder(cli.data.clone()),
    };
    let store = Store::open(&location).await?;
    let context = Context {
        app: App::new(store, SystemClock),
        data: cli.data,
        actor: Actor::new(cli.actor),
        wanted: cli.facility,
        lang,
    };
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
        Command::Dump(command) => command.run(&context).await,
        Command::Load(command) => command.run(&context).await,
        Command::Demo => facility::demo(&context).await,
        Command::Token(command) => command.run(&context).await,
        Command::Serve(command) => command.run(context).await,
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

/// Writes a line to standard output; a closed pipe ends the program quietly.
fn say(line: impl AsRef<str>) {
    if writeln!(std::io::stdout().lock(), "{}", line.as_ref()).is_err() {
        std::process::exit(0);
    }
}

/// Writes a file, and the folder it is in.
fn write_file(path: &std::path::Path, bytes: &[u8]) -> Result<()> {
    let explain =
        || format!("「{}」に書き込めませんでした（OUT-001）。権限と空き容量を確かめてください。", path.display());
    if let Some(folder) = path.parent().filter(|f| !f.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).with_context(explain)?;
    }
    std::fs::write(path, bytes).with_context(explain)
}

/// Reads a file named on the command line.
fn read_file(path: &std::path::Path) -> Result<Vec<u8>> {
    std::fs::read(path).with_context(|| {
        format!("「{}」を読めませんでした（INP-001）。ファイルの場所と権限を確かめてください。", path.display())
    })
}
