//! Access events in and out on the command line.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use app::AccessFile;
use clap::Args;

use super::{Context, files, read_file, say, write_file};

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
        let bytes = read_file(&self.path)?;
        let file = context.app.import_accesses(&context.actor, &feed, &name, bytes, self.dry_run).await?;
        self.tell(&name, &file);
        if let (Some(workbook), false) = (&file.rejected_workbook, self.dry_run) {
            let path = self.rejected.join(format!("{}{}.xlsx", name.replace('.', "_"), files::REJECTED));
            match write_file(&path, workbook) {
                Ok(()) => say(format!("  ・取り込めなかった行：{}（直して、もう一度取り込んでください）", path.display())),
                // The other rows are saved; the ones that are not were named above.
                Err(error) => say(format!("  ・取り込めなかった行のファイルを作れませんでした。{error}")),
            }
        }
        Ok(if file.rejected.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(1) })
    }

    fn tell(&self, name: &str, file: &AccessFile) {
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

impl Word {
    pub(crate) async fn run(self, context: &Context) -> Result<ExitCode> {
        let facility = context.facility().await?;
        context.app.map_act(&context.actor, &facility, &self.word, &self.act).await?;
        say("覚えました。次の取込みから使います。");
        Ok(ExitCode::SUCCESS)
    }
}
