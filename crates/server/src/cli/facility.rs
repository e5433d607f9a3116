//! Facilities on the command line.

use std::process::ExitCode;

use anyhow::Result;
use app::NewFacility;
use clap::Subcommand;
use domain::ledger::{Kind, ledger};

use super::{Context, say};

/// What can be done with facilities.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// 施設を登録する
    Add {
        /// 施設名
        #[arg(value_name = "施設名")]
        name: String,
        /// 施設コード（医療機関コードなど）
        #[arg(long, value_name = "コード", default_value = "")]
        no: String,
        /// 施設種別（hospital, clinic, dental, pharmacy, midwifery, care, visiting_nurse, network, vendor）
        #[arg(long, value_name = "種別")]
        kind: Option<String>,
    },
    /// 施設の一覧を見る
    List,
    /// エージェントが報告に使う合言葉を作り直し、一度だけ表示する
    AgentSecret,
}

impl Command {
    pub(crate) async fn run(self, context: &Context) -> Result<ExitCode> {
        match self {
            Self::Add { name, no, kind } => {
                let kind = kind.map(|k| code_of_kind(&k)).transpose()?;
                let facility = context.app.add_facility(&context.actor, NewFacility { no, name, kind }).await?;
                say(format!("施設を登録しました：{}（{}）", facility.name, facility.no));
            }
            Self::List => {
                for facility in context.app.store.facility_list().await? {
                    say(format!("{}\t{}\t{}", facility.no, facility.name, facility.kind.unwrap_or_default()));
                }
            }
            Self::AgentSecret => {
                let facility = context.facility().await?;
                let secret = uuid_secret();
                context.app.set_agent_secret(&context.actor, &facility, &secret).await?;
                say(format!("利用者名：{}", facility.no));
                say(format!("合言葉　：{secret}"));
                say("エージェントの user と password に設定してください。この表示は一度だけです。");
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// 244 random bits from the operating system.
fn uuid_secret() -> String {
    format!("{}{}", uuid::Uuid::new_v4().simple(), uuid::Uuid::new_v4().simple())
}

fn code_of_kind(text: &str) -> Result<String> {
    let column = ledger("facilities").and_then(|l| l.column("kind"));
    let parsed =
        column.map(|c| c.parse(text)).transpose().map_err(|e| anyhow::anyhow!("{e}（{}）", e.code()))?.flatten();
    let known = match column.map(|c| c.kind) {
        Some(Kind::Choice(kinds)) => kinds.iter().map(|k| k.code).collect::<Vec<_>>().join("、"),
        _ => String::new(),
    };
    parsed
        .map(|v| v.to_string())
        .ok_or_else(|| anyhow::anyhow!("施設種別「{text}」はありません（FAC-006）。{known}のどれかにしてください。"))
}
