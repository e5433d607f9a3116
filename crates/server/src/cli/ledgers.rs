//! Ledgers and inventories on the command line.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use app::{Format, ImportOptions, ImportReport, SheetReport};
use clap::{Args, Subcommand};
use domain::ledger::{LEDGERS, Ledger, ledger};

use super::{Context, files, read_file, say, write_file};

/// 台帳の取込み
#[derive(Debug, Args)]
pub(crate) struct Import {
    /// ファイル、またはフォルダ
    #[arg(value_name = "ファイル")]
    path: PathBuf,
    /// 台帳の名前（devices など。省くと見出しから判断します）
    #[arg(long = "as", value_name = "台帳")]
    ledger: Option<String>,
    /// 何が起きるかだけを示し、保存しない
    #[arg(long)]
    dry_run: bool,
    /// 取り込めなかった行を書き出すフォルダ
    #[arg(long, value_name = "フォルダ", default_value = ".")]
    rejected: PathBuf,
}

impl Import {
    pub(crate) async fn run(self, context: &Context) -> Result<ExitCode> {
        if self.path.is_dir() {
            return self.folder(context).await;
        }
        let options = ImportOptions { ledger: self.ledger.as_deref().map(known).transpose()?, dry_run: self.dry_run };
        let facility = context.facility().await?;
        let bytes = read_file(&self.path, app::TABLE_MAX)?;
        let report =
            context.app.import(&context.actor, &facility, &files::name_of(&self.path), &bytes, options).await?;
        self.tell(&report)?;
        let refused = report.sheets.iter().any(|s| !s.rejected.is_empty());
        Ok(if refused { ExitCode::from(1) } else { ExitCode::SUCCESS })
    }

    async fn folder(&self, context: &Context) -> Result<ExitCode> {
        if self.dry_run || self.ledger.is_some() {
            anyhow::bail!(
                "フォルダの取込みでは --dry-run と --as を使えません（INP-004）。台帳どうしが参照し合うため、試行できません。ファイルを一つずつ指定してください。"
            );
        }
        let tables = files::tables_in(&self.path)?;
        let folder = self.path.canonicalize().map_or_else(|_| files::name_of(&self.path), |p| files::name_of(&p));
        let facility = match &context.wanted {
            Some(_) => context.facility().await?,
            None => context.app.facility_of_folder(&context.actor, &folder, &tables).await?,
        };
        say(format!("施設：{}（{}）", facility.name, facility.no));
        let mut refused = tables.is_empty();
        if tables.is_empty() {
            say("取り込める台帳（xlsx・CSV・TSV）がありません。フォルダを確かめてください。");
        }
        for (name, outcome) in context.app.import_folder(&context.actor, &facility, &tables).await? {
            match outcome {
                Ok(report) => {
                    refused |= report.sheets.iter().any(|s| !s.rejected.is_empty());
                    self.tell(&report)?;
                }
                Err(error) => {
                    refused = true;
                    say(format!("✕ {name}\n  {error}"));
                }
            }
        }
        Ok(if refused { ExitCode::from(1) } else { ExitCode::SUCCESS })
    }

    fn tell(&self, report: &ImportReport) -> Result<()> {
        for sheet in &report.sheets {
            let verb = if self.dry_run { "（試行）" } else { "" };
            say(format!(
                "{} {} → {}{verb}：追加 {}・変更 {}・変更なし {}・エラー {}",
                if sheet.rejected.is_empty() { "✓" } else { "△" },
                report.file,
                sheet.ledger.label.ja,
                sheet.added.len(),
                sheet.changed.len(),
                sheet.unchanged,
                sheet.rejected.len()
            ));
            self.details(sheet);
        }
        for note in &report.notes {
            say(format!("  ・{note}"));
        }
        if let Some(workbook) = &report.rejected_workbook {
            let path = self.rejected.join(format!("{}{}.xlsx", report.file.replace('.', "_"), files::REJECTED));
            if self.dry_run {
                say("  ・取り込めない行は、試行でないときに「エラー」の列を付けて書き出します。");
            } else {
                match write_file(&path, workbook) {
                    Ok(()) => {
                        say(format!("  ・取り込めなかった行：{}（直して、もう一度取り込んでください）", path.display()))
                    }
                    // The other rows are saved; the ones that are not were named above.
                    Err(error) => say(format!("  ・取り込めなかった行のファイルを作れませんでした。{error}")),
                }
            }
        }
        Ok(())
    }

    fn details(&self, sheet: &SheetReport) {
        const SHOWN: usize = 20;
        if !sheet.unmatched.is_empty() {
            say(format!("  ・読まなかった見出し：{}", sheet.unmatched.join("、")));
        }
        if self.dry_run {
            for change in sheet.changed.iter().take(SHOWN) {
                let cells: Vec<String> = change
                    .differences
                    .iter()
                    .map(|d| format!("{}「{}」→「{}」", d.column, d.before, d.after))
                    .collect();
                say(format!("  変更 {}：{}", change.key, cells.join("、")));
            }
            for key in sheet.added.iter().take(SHOWN) {
                say(format!("  追加 {key}"));
            }
        }
        for row in sheet.rejected.iter().take(SHOWN) {
            say(format!("  {}行目：{}", row.line, row.problems.join(" ")));
        }
        if sheet.rejected.len() > SHOWN {
            say(format!("  …ほか{}行", sheet.rejected.len() - SHOWN));
        }
        if let Some(import) = &sheet.import {
            say(format!("  ・取消し：sakimori imports undo {import}"));
        }
    }
}

fn known(name: &str) -> Result<&'static Ledger> {
    ledger(name).ok_or_else(|| {
        let all: Vec<String> = LEDGERS.iter().map(|l| format!("{}（{}）", l.name, l.label.ja)).collect();
        anyhow::anyhow!("台帳「{name}」はありません（INP-003）。{}のどれかにしてください。", all.join("、"))
    })
}

/// 台帳の書出し
#[derive(Debug, Args)]
pub(crate) struct Export {
    /// 台帳の名前（省くとすべて）
    #[arg(value_name = "台帳")]
    ledger: Option<String>,
    /// 書き出すファイル（xlsx・csv・json）
    #[arg(long, short, value_name = "ファイル")]
    out: PathBuf,
}

impl Export {
    pub(crate) async fn run(self, context: &Context) -> Result<ExitCode> {
        let only = self.ledger.as_deref().map(known).transpose()?;
        let format = match self.out.extension().and_then(|e| e.to_str()).map(str::to_lowercase).as_deref() {
            Some("csv") if only.is_none() => {
                anyhow::bail!("CSVには台帳を一つだけ書けます（OUT-002）。台帳の名前を指定するか、xlsxにしてください。")
            }
            Some("csv") => Format::Csv,
            Some("json") => Format::Json,
            Some("xlsx") => Format::Xlsx,
            _ => anyhow::bail!(
                "「{}」の形式では書き出せません（OUT-004）。台帳の形式は、ファイル名の終わりの .xlsx・.csv・.json で決まります。どれかにしてください。",
                self.out.display()
            ),
        };
        let facility = context.facility().await?;
        write_file(&self.out, &context.app.export(&facility, only, format, None).await?)?;
        say(format!("書き出しました：{}", self.out.display()));
        Ok(ExitCode::SUCCESS)
    }
}

/// 取込みの一覧と取消し
#[derive(Debug, Subcommand)]
pub(crate) enum Imports {
    /// 一覧
    List,
    /// 取り消す
    Undo {
        /// 取込みの番号（一覧にあります）
        #[arg(value_name = "番号")]
        id: String,
    },
}

impl Imports {
    pub(crate) async fn run(self, context: &Context) -> Result<ExitCode> {
        let facility = context.facility().await?;
        match self {
            Self::List => {
                for i in context.app.store.import_list(&facility.id).await? {
                    let undone = if i.undone { "（取消し済み）" } else { "" };
                    say(format!(
                        "{}\t{}\t{}\t追加 {}・変更 {}・変更なし {}・エラー {}{undone}",
                        i.id, i.ledger, i.file_name, i.added, i.changed, i.unchanged, i.rejected
                    ));
                }
            }
            Self::Undo { id } => {
                let (removed, restored) = context.app.undo_import(&context.actor, &facility, &id).await?;
                say(format!("取り消しました：{removed}行を除き、{restored}行を元に戻しました。"));
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// 見出しと列の対応
#[derive(Debug, Args)]
pub(crate) struct Map {
    /// 台帳の名前
    #[arg(value_name = "台帳")]
    ledger: String,
    /// ファイルの見出し
    #[arg(value_name = "見出し")]
    heading: String,
    /// 列の名前（空文字で「読まない」）
    #[arg(value_name = "列")]
    column: String,
}

impl Map {
    pub(crate) async fn run(self, context: &Context) -> Result<ExitCode> {
        let facility = context.facility().await?;
        context.app.map_heading(&context.actor, &facility, known(&self.ledger)?, &self.heading, &self.column).await?;
        say("覚えました。次の取込みから使います。");
        Ok(ExitCode::SUCCESS)
    }
}

/// 端末の情報の取込み
#[derive(Debug, Args)]
pub(crate) struct Inventory {
    /// エージェントが作ったファイル、またはそのフォルダ
    #[arg(value_name = "ファイル")]
    path: PathBuf,
}

impl Inventory {
    pub(crate) async fn run(self, context: &Context) -> Result<ExitCode> {
        let facility = context.facility().await?;
        let mut paths = vec![self.path.clone()];
        if self.path.is_dir() {
            paths = std::fs::read_dir(&self.path)?.map(|e| e.map(|e| e.path())).collect::<std::io::Result<_>>()?;
            paths.retain(|p| p.is_file());
            paths.sort();
        }
        let mut refused = false;
        for path in paths {
            let bytes = read_file(&path, app::REPORT_MAX)?;
            let name = files::name_of(&path);
            match context.app.receive_inventory(&context.actor, &facility, &bytes, false).await {
                Ok(received) => match received.machine {
                    Some(machine) => {
                        let device =
                            machine.device.map_or_else(|| "台帳にない機器".to_owned(), |d| format!("台帳の{d}"));
                        let note = machine.note.map(|n| format!("（{n}）")).unwrap_or_default();
                        say(format!(
                            "✓ {name}：{}　{}　→ {device}{note}",
                            machine.name,
                            machine.os.unwrap_or_else(|| "OS不明".to_owned())
                        ));
                    }
                    None => say(format!("・{name}：接続の確認だけで、端末の情報は含まれていません。")),
                },
                Err(app::Error::Store(error)) => return Err(error.into()),
                Err(error) => {
                    refused = true;
                    say(format!("✕ {name}\n  {error}"));
                }
            }
        }
        Ok(if refused { ExitCode::from(1) } else { ExitCode::SUCCESS })
    }
}
