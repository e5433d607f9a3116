//! Access events in and out on the command line.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use app::{AccessExport, AccessImport};
use clap::{Args, Subcommand};

use super::{Context, files, read_file, say, write_file};

/// アクセス記録
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// ほかのシステムの記録を取り込む
    Import(Import),
    /// 期間の記録を、ほかのシステムの形式で書き出す（書き出したことは操作記録に残ります）
    Transfer(Transfer),
    /// 記録にある言葉が何をしたことかを覚えさせる
    Word(Word),
}

impl Command {
    pub(crate) async fn run(self, context: &Context) -> Result<ExitCode> {
        match self {
            Self::Import(command) => command.run(context).await,
            Self::Transfer(command) => command.run(context).await,
            Self::Word(command) => command.run(context).await,
        }
    }
}

/// アクセス記録の取込み
#[derive(Debug, Args)]
pub(crate) struct Import {
    /// 表（xlsx・CSV・TSV）、FHIRのAuditEvent・Bundle（JSON）、または監査メッセージ（XML）
    #[arg(value_name = "ファイル")]
    path: PathBuf,
    /// 台帳「記録の取込み元」の番号か名称
    #[arg(long, value_name = "取込み元")]
    source: String,
    /// 何が起きるかだけを示し、保存しない
    #[arg(long)]
    dry_run: bool,
    /// 取り込めなかった行を書き出すフォルダ
    #[arg(long, value_name = "フォルダ", default_value = ".")]
    rejected: PathBuf,
}

/// アクセス記録の書出し
#[derive(Debug, Args)]
pub(crate) struct Transfer {
    /// 形式（fhir：FHIR R4のAuditEvent、ocsf、atna：DICOM監査メッセージ、table：取り込める表）
    #[arg(long, value_name = "形式", value_parser = ["fhir", "ocsf", "atna", "table"])]
    format: String,
    /// 最初の日
    #[arg(long, value_name = "日付")]
    from: String,
    /// 最後の日
    #[arg(long, value_name = "日付")]
    until: String,
    /// 書き出すファイル
    #[arg(long, value_name = "ファイル")]
    out: PathBuf,
}

/// 言葉の対応
#[derive(Debug, Args)]
pub(crate) struct Word {
    /// 記録の「操作」か「区分」にある言葉
    #[arg(value_name = "言葉")]
    word: String,
    /// 何をしたことか（閲覧、登録、変更、削除、検索、印刷、出力など）
    #[arg(value_name = "操作")]
    act: String,
}

/// Rows that are named one by one.
const SHOWN: usize = 20;

impl Import {
    pub(crate) async fn run(self, context: &Context) -> Result<ExitCode> {
        let facility = context.facility().await?;
        let feed = context.app.feed(&facility.id, &self.source).await?;
        let name = files::name_of(&self.path);
        let bytes = read_file(&self.path, app::TABLE_MAX)?;
        let file = context.app.import_accesses(&context.actor, &feed, &name, bytes, self.dry_run).await?;
        self.tell(&name, &file);
        if let (Some(workbook), false) = (&file.rejected_workbook, self.dry_run) {
            let path = self.rejected.join(format!("{}{}.xlsx", name.replace('.', "_"), files::REJECTED));
            match write_file(&path, workbook) {
                Ok(()) => {
                    say(format!("  ・取り込めなかった行：{}（直して、もう一度取り込んでください）", path.display()))
                }
                // The other rows are saved; the ones that are not were named above.
                Err(error) => say(format!("  ・取り込めなかった行のファイルを作れませんでした。{error}")),
            }
        }
        Ok(if file.rejected.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(1) })
    }

    fn tell(&self, name: &str, file: &AccessImport) {
        let mark = if file.rejected.is_empty() { "✓" } else { "△" };
        let refused = file.rejected.len();
        say(if self.dry_run {
            format!("{mark} {name}（試行）：読めた記録 {}・エラー {refused}", file.accesses)
        } else {
            let known = file.accesses.saturating_sub(file.new);
            format!("{mark} {name}：新しい記録 {}・既にある記録 {known}・エラー {refused}", file.new)
        });
        for row in file.rejected.iter().take(SHOWN) {
            say(format!("  ・{}行目：{}", row.line, row.problems.join(" ")));
        }
        for (line, why) in file.doubts.iter().take(SHOWN) {
            say(format!("  ・{line}行目（取り込みました）：{why}"));
        }
        for (what, count) in [("エラーの行", refused), ("日時が疑わしい行", file.doubts.len())] {
            if count > SHOWN {
                say(format!("  ・{what}は、ほかに{}行あります。", count - SHOWN));
            }
        }
        for note in &file.notes {
            say(format!("  ・{note}"));
        }
    }
}

impl Transfer {
    pub(crate) async fn run(self, context: &Context) -> Result<ExitCode> {
        let day = |text: &str| domain::jp::parse_date(text).map_err(|e| anyhow::anyhow!("{e}（{}）", e.code()));
        let days = (day(&self.from)?, day(&self.until)?);
        let Some(format) = AccessExport::parse(&self.format) else { anyhow::bail!("{}", self.format) };
        let facility = context.facility().await?;
        let bytes = context.app.transfer_accesses(&context.actor, &facility, days, format).await?;
        write_file(&self.out, &bytes)?;
        say(format!("{}を作りました。", self.out.display()));
        Ok(ExitCode::SUCCESS)
    }
}

impl Word {
    pub(crate) async fn run(self, context: &Context) -> Result<ExitCode> {
        let facility = context.facility().await?;
        context.app.map_act(&context.actor, &facility, &self.word, &self.act).await?;
        say("覚えました。次の取込みから使います。");
        Ok(ExitCode::SUCCESS)
    }
}
