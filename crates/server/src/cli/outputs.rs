//! Papers, audit folders and dumps on the command line.

use std::io::{BufReader, BufWriter, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use app::Papers;
use clap::Args;

use super::{Context, read_file, say, write_file};

/// チェックリスト
#[derive(Debug, Args)]
pub(crate) struct Checklist {
    /// 年度の版（checklist-r7 など）
    #[arg(value_name = "版", default_value = "checklist-r7")]
    edition: String,
    /// 様式（hospital, pharmacy, vendor。省くと施設に合うもの）
    #[arg(long, value_name = "様式")]
    form: Option<String>,
    /// 書き出すフォルダ
    #[arg(long, short, value_name = "フォルダ", default_value = "out")]
    out: PathBuf,
    /// 署名する人の氏名
    #[arg(long, value_name = "氏名")]
    sign: Option<String>,
}

impl Checklist {
    pub(crate) async fn run(self, context: &Context) -> Result<ExitCode> {
        let facility = context.facility().await?;
        let assessment = context.app.assess(&facility).await?;
        let papers = Papers { assessment: &assessment, printed_by: &context.actor.name, lang: context.lang };
        let form = self.form.as_deref().unwrap_or(facility.form());
        let paper = match &self.sign {
            Some(name) => context.app.sign_checklist(&context.actor, &papers, &self.edition, form, name).await?,
            None => context.app.checklist_paper(&papers, &self.edition, form).await?,
        };
        let kind = context.words("file-checklist", &[]);
        let name = format!("{kind}_{}_{form}", self.edition.trim_start_matches("checklist-"));
        let xlsx = self.out.join(format!("{name}.xlsx"));
        write_file(&xlsx, &report::workbook(&paper.workbook)?)?;
        say(format!("Excel: {}", xlsx.display()));
        let pdf = self.out.join(format!("{name}.pdf"));
        write_file(&pdf, &report::pdf(&paper.document)?)?;
        say(format!("PDF  : {}", pdf.display()));
        Ok(ExitCode::SUCCESS)
    }
}

/// 要求事項の判定と根拠
#[derive(Debug, Args)]
pub(crate) struct Report {
    /// 版（省くと施設の準拠する版）
    #[arg(value_name = "版")]
    edition: Option<String>,
    /// 書き出すフォルダ
    #[arg(long, short, value_name = "フォルダ", default_value = "out")]
    out: PathBuf,
}

impl Report {
    pub(crate) async fn run(self, context: &Context) -> Result<ExitCode> {
        let facility = context.facility().await?;
        let assessment = context.app.assess(&facility).await?;
        let edition = self.edition.or(facility.edition).unwrap_or_else(|| "mhlw-7.0".to_owned());
        let papers = Papers { assessment: &assessment, printed_by: &context.actor.name, lang: context.lang };
        let path = self.out.join(format!("{}_{edition}.pdf", context.words("file-report", &[])));
        write_file(&path, &report::pdf(&papers.requirements(&edition, None)?)?)?;
        say(format!("PDF  : {}", path.display()));
        Ok(ExitCode::SUCCESS)
    }
}

/// 監査フォルダ
#[derive(Debug, Args)]
pub(crate) struct AuditFolder {
    /// 書き出すファイル
    #[arg(long, short, value_name = "ファイル", default_value = "out/監査フォルダ.zip")]
    out: PathBuf,
}

impl AuditFolder {
    pub(crate) async fn run(self, context: &Context) -> Result<ExitCode> {
        let facility = context.facility().await?;
        let (zip, code) = context.app.audit_folder(&context.actor, &facility, &context.actor.name).await?;
        write_file(&self.out, &zip)?;
        say(format!("監査フォルダ：{}", self.out.display()));
        say(format!("検証コード　：{code}"));
        Ok(ExitCode::SUCCESS)
    }
}

/// 監査フォルダか証明の確認
#[derive(Debug, Args)]
pub(crate) struct Verify {
    /// 監査フォルダ（zip）、または一つの記録の証明（tlog-proof）
    #[arg(value_name = "ファイル")]
    path: PathBuf,
    /// 証明を確かめる公開鍵（`sakimori journal key` の一行）
    #[arg(long, value_name = "公開鍵")]
    key: Option<String>,
}

/// Largest audit folder read, in bytes.
const FOLDER_MAX: usize = 1 << 30;

impl Verify {
    pub(crate) fn run(&self) -> Result<ExitCode> {
        if let Some(key) = &self.key {
            return self.proof(key);
        }
        let file = read_file(&self.path, FOLDER_MAX)?;
        if file.starts_with(b"c2sp.org/tlog-proof") {
            bail!(
                "証明を確かめられませんでした（JRN-009）。公開鍵が指定されていません。発行元から受け取った公開鍵を --key に指定してください。"
            );
        }
        let check = app::verify_folder(&file)?;
        say(format!(
            "{}　{}作成　{}個のファイルはすべて作られたときのままです。",
            check.facility, check.made_on, check.files
        ));
        say(format!("検証コード：{}", check.code));
        say(format!("操作記録　：{}件目 {}", check.journal_entries, check.journal_head));
        let withheld = match check.journal_withheld {
            0 => String::new(),
            n => format!("うち{n}件はほかの施設の記録で、印だけが載っています。"),
        };
        let kept = check.journal_entries - check.journal_disposed;
        say(format!("操作記録{kept}件の印のつながりを確かめました。{withheld}"));
        if check.journal_disposed > 0 {
            say(format!("{}番までの操作記録は、保存期間が過ぎたため処分されています。", check.journal_disposed));
        }
        match check.sealed {
            Some(sealed) => {
                say(format!("封印　　　：{}件　{}", sealed.head.size, sealed.head.root));
                say(format!("載せた操作記録のうち{}件は、封印したときのままです。", sealed.proved));
                if sealed.unproved > 0 {
                    say(format!(
                        "{}件は、封印の後に記録されたか、秘密が廃棄されているので、確かめられません。",
                        sealed.unproved
                    ));
                }
                say(format!("公開鍵　　：{}", sealed.key));
                say("この公開鍵を、施設から別に受け取ったものと比べてください。");
            }
            None => say("封印は入っていません。"),
        }
        Ok(ExitCode::SUCCESS)
    }

    fn proof(&self, key: &str) -> Result<ExitCode> {
        let proved = app::verify_proof(&String::from_utf8_lossy(&read_file(&self.path, FOLDER_MAX)?), key)?;
        say(format!("操作記録{}番は、{}件を封印した記録に、次の内容で入っています。", proved.seq, proved.head.size));
        for (name, value) in &proved.fields {
            match value {
                Some(value) => say(format!("  {name}：{value}")),
                None => say("  （伏せた項目）"),
            }
        }
        say(format!("印：{}（{}）", proved.head.root, proved.head.origin));
        Ok(ExitCode::SUCCESS)
    }
}

/// すべての書出し
#[derive(Debug, Args)]
pub(crate) struct Dump {
    /// 書き出すファイル
    #[arg(value_name = "ファイル")]
    out: PathBuf,
}

impl Dump {
    pub(crate) async fn run(self, context: &Context) -> Result<ExitCode> {
        let explain = || {
            format!("「{}」に書き込めませんでした（OUT-001）。権限と空き容量を確かめてください。", self.out.display())
        };
        // Everything is in it, so only its owner may read it; and the last good one stays until this one is whole.
        let part = self.out.with_extension("part");
        let _ = std::fs::remove_file(&part);
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create_new(true);
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = BufWriter::new(options.open(&part).with_context(explain)?);
        let rows = context.app.store.dump(&mut file).await?;
        file.flush().and_then(|()| file.get_ref().sync_all()).with_context(explain)?;
        std::fs::rename(&part, &self.out).with_context(explain)?;
        say(format!("{rows}行を書き出しました：{}", self.out.display()));
        Ok(ExitCode::SUCCESS)
    }
}

/// すべての読込み
#[derive(Debug, Args)]
pub(crate) struct Load {
    /// 書き出したファイル
    #[arg(value_name = "ファイル")]
    path: PathBuf,
}

impl Load {
    pub(crate) async fn run(self, context: &Context) -> Result<ExitCode> {
        let explain = || {
            format!(
                "「{}」を読めませんでした（INP-001）。ファイルの場所と権限を確かめてください。",
                self.path.display()
            )
        };
        let mut file = BufReader::new(std::fs::File::open(&self.path).with_context(explain)?);
        let rows = context.app.store.load(&context.actor, context.app.now(), &mut file).await?;
        say(format!("{rows}行を読み込みました。"));
        Ok(ExitCode::SUCCESS)
    }
}
