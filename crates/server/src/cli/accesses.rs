//! Accesses on the command line: questions, the patient's report, the review, and what the sources sent.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use app::{AccessFormat, AccessQuestion, AccessTopic, Case, ReportOptions, StaffNames};
use clap::{Args, Subcommand};
use domain::access::review::Closing;
use domain::jp::{parse_date, time_in_japan};
use jiff::Timestamp;
use jiff::civil::Date;

use super::{Context, feeds, say, write_file};

/// アクセス記録
#[derive(Debug, Subcommand)]
pub(crate) enum Accesses {
    #[command(flatten)]
    Feed(feeds::Command),
    /// だれが、どの患者の記録を開いたかを照会する（照会したことは操作記録に残ります）
    Ask {
        #[command(flatten)]
        asked: Asked,
    },
    /// 照会の答えをファイルにする（xlsx・csv・pdf）
    Table {
        #[command(flatten)]
        asked: Asked,
        /// 書き出すファイル。形式は末尾で決まる
        #[arg(long, short, value_name = "ファイル")]
        out: PathBuf,
    },
    /// 患者本人の求めに応じた開示の書面と、一行ごとの証明を作る
    Report {
        /// 患者ID（- なら標準入力から読み、コマンドの履歴に残しません）
        #[arg(long, value_name = "患者ID")]
        patient: String,
        /// 最初の日
        #[arg(long, value_name = "日付", value_parser = day)]
        since: Option<Date>,
        /// 最後の日
        #[arg(long, value_name = "日付", value_parser = day)]
        until: Option<Date>,
        /// 職員の氏名を伏せる理由（省くと氏名を示します）
        #[arg(long, value_name = "理由")]
        withhold: Option<String>,
        /// 書き出すフォルダ
        #[arg(long, short, value_name = "フォルダ", default_value = "out")]
        out: PathBuf,
    },
    /// 取込み元ごとの届き具合（途絶・欠番・時刻のずれ）
    Sources,
    /// 取込み元から届いたものが、届いたときのままかを確かめる
    Verify {
        /// 取込み元番号
        #[arg(value_name = "取込み元")]
        source: String,
    },
    /// 目立つアクセスを探し、確認事項を並べる
    Cases,
    /// 確認事項を閉じる（本人以外が行います）
    Close {
        /// 確認事項の番号
        #[arg(value_name = "番号")]
        no: i64,
        /// 判断（適切・不適切・不明）
        #[arg(value_name = "判断", value_parser = closing)]
        verdict: Closing,
        /// 理由
        #[arg(value_name = "理由")]
        reason: String,
    },
    /// アクセス記録の確認を終え、実施記録に残す
    Sign {
        /// 確認した人の氏名
        #[arg(value_name = "氏名")]
        name: String,
    },
}

/// What is asked.
#[derive(Debug, Args)]
pub(crate) struct Asked {
    /// 患者ID（- なら標準入力から読み、コマンドの履歴に残しません）
    #[arg(long, value_name = "患者ID", default_value = "")]
    patient: String,
    /// 職員番号、氏名、利用者ID
    #[arg(long, value_name = "利用者", default_value = "")]
    user: String,
    /// 種類（all, opened, undone, emergency, taken, maintenance, leaver, unplanned, volume, rush, two-terminals, dormant, off-hours, refused）
    #[arg(long, value_name = "種類", default_value = "all", value_parser = topic)]
    about: AccessTopic,
    /// 最初の日
    #[arg(long, value_name = "日付", value_parser = day)]
    since: Option<Date>,
    /// 最後の日
    #[arg(long, value_name = "日付", value_parser = day)]
    until: Option<Date>,
}

fn day(text: &str) -> Result<Date, String> {
    parse_date(text).map_err(|error| error.to_string())
}

fn topic(text: &str) -> Result<AccessTopic, String> {
    AccessTopic::parse(text).ok_or_else(|| format!("「{text}」という種類はありません"))
}

fn closing(text: &str) -> Result<Closing, String> {
    let found = Closing::ALL.iter().find(|row| row.1 == text || row.2.ja == text);
    found.map(|row| row.0).ok_or_else(|| "適切・不適切・不明のいずれかにしてください".to_owned())
}

/// The id as given, or the first line of the standard input.
fn patient(given: String) -> Result<String> {
    if given != "-" {
        return Ok(given);
    }
    let mut line = String::new();
    std::io::stdin()
        .read_line(&mut line)
        .context("標準入力を読めませんでした（INP-001）。患者IDを一行で渡してください。")?;
    Ok(line.trim().to_owned())
}

impl Asked {
    fn question(self) -> Result<AccessQuestion> {
        Ok(AccessQuestion {
            patient: patient(self.patient)?,
            user: self.user,
            topic: self.about,
            since: self.since,
            until: self.until,
            before: None,
        })
    }
}

fn moment(at: Timestamp) -> String {
    time_in_japan(at).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

fn tell(case: &Case) -> String {
    let at = |at: i64| moment(Timestamp::from_microsecond(at).unwrap_or_default());
    let about = if case.signal.about_patient() { format!("患者 {}", case.title) } else { case.title.clone() };
    format!(
        "{}　{about}　{} – {}　{}件・{}人・患者{}人",
        case.signal.label().ja,
        at(case.row.span.0),
        at(case.row.span.1),
        case.row.accesses,
        case.row.people,
        case.row.patients
    )
}

impl Accesses {
    pub(crate) async fn run(self, context: &Context) -> Result<ExitCode> {
        let (app, by, facility) = (&context.app, &context.actor, context.facility().await?);
        match self {
            Self::Feed(command) => return command.run(context).await,
            Self::Ask { asked } => {
                let answer = app.ask_accesses(by, &facility, &asked.question()?).await?;
                for opener in &answer.openers {
                    let name = opener.user_name.as_deref().unwrap_or_default();
                    say(format!("{}　{name}　開いた{}回　一覧に表示{}回", opener.user, opener.opened, opener.listed));
                }
                for case in &answer.bursts {
                    say(tell(case));
                }
                for line in &answer.lines {
                    let kind = if line.patient.is_some() { line.exposure.label().ja } else { "" };
                    let name = line.name.as_deref().unwrap_or_default();
                    let (patient, what) = (line.patient.as_deref().unwrap_or_default(), line.act.label().ja);
                    say(format!("{}　{}　{name}　{what}　{kind}　{patient}　{}", moment(line.at), line.user, line.seq));
                }
                say(format!("{}件", answer.count));
            }
            Self::Table { asked, out } => {
                let format = match out.extension().and_then(|ending| ending.to_str()) {
                    Some("csv") => AccessFormat::Csv,
                    Some("pdf") => AccessFormat::Pdf,
                    _ => AccessFormat::Xlsx,
                };
                let file = app.export_accesses(by, &facility, &asked.question()?, format).await?;
                write_file(&out, &file.bytes)?;
                say(format!("アクセス記録：{}", out.display()));
            }
            Self::Report { patient: id, since, until, withhold, out } => {
                let staff = withhold.map_or(StaffNames::Shown, StaffNames::Withheld);
                let options = ReportOptions { patient: patient(id)?, since, until, staff };
                let folder = context.folder()?;
                // Nothing else seals while this command has the folder; what cannot be sealed now has no proof.
                if let Ok(mut sealer) = app.sealer(folder).await {
                    app.seal(&mut sealer).await?;
                }
                let report = app.patient_report(by, &facility, folder, &options).await?;
                for (ending, bytes) in [("pdf", &report.pdf), ("zip", &report.zip)] {
                    let path = out.join(format!("{}.{ending}", report.name));
                    write_file(&path, bytes)?;
                    say(format!("開示：{}", path.display()));
                }
                say(format!("{}行、うち証明のあるもの{}行", report.lines, report.proved));
            }
            Self::Sources => {
                for source in app.access_sources(&facility).await? {
                    let last = source.received_at.map(moment).unwrap_or_default();
                    say(format!("{}　{}　{}回　{last}", source.key, source.name, source.arrivals));
                    for fault in source.faults {
                        say(format!("  {}：{}", fault.label().in_lang(context.lang), fault.says(context.lang)));
                    }
                }
            }
            Self::Verify { source } => match app.verify_arrivals(&facility.id, &source).await? {
                Ok(count) => say(format!("届いた{count}回分は、届いたときのままです。")),
                Err(place) => {
                    say(format!(
                        "届いた記録の{place}回目が合いません（ACC-011）。改ざんか欠落の疑いがあります。バックアップの記録と比べてください。"
                    ));
                    return Ok(ExitCode::from(1));
                }
            },
            Self::Cases => {
                app.find_cases(by, &facility).await?;
                let queue = app.case_queue(&facility).await?;
                for case in &queue.open {
                    say(format!("{}　{}", case.row.no, tell(case)));
                }
                let (open, beyond, closed) = (queue.open.len(), queue.beyond.len(), queue.closed.len());
                say(format!("確認するもの{open}件、件数の上限を超えたもの{beyond}件、閉じたもの{closed}件"));
            }
            Self::Close { no, verdict, reason } => {
                app.close_case(by, None, &facility, (no, verdict, &reason)).await?;
                say(format!("確認事項{no}を「{}」として閉じました。", verdict.label().ja));
            }
            Self::Sign { name } => {
                let no = app.sign_review(by, &facility, &name).await?;
                say(format!("アクセス記録の確認を、実施記録{no}に残しました。"));
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}
