//! API tokens on the command line: for programs on this server, made by whoever runs it.

use std::process::ExitCode;

use anyhow::Result;
use app::NewToken;
use clap::Args;
use domain::authz::Permission;

use super::{Context, say};

/// APIトークン
#[derive(Debug, Args)]
pub(crate) struct Token {
    /// トークンが名義を借りるアカウントのログイン名（その役割を超えることはできません）
    #[arg(long, value_name = "ログイン名")]
    login: String,
    /// 何に使うか
    #[arg(long, value_name = "名前")]
    name: String,
    /// できること（read-ledgers,edit-ledgers,read-verdicts,read-tasks,lend-devices,approve など）
    #[arg(long, value_name = "できること", value_delimiter = ',', required = true)]
    scopes: Vec<String>,
    /// 記録を送れる取込み元の番号。ほかの取込み元を名乗る記録は断ります［省くと どの取込み元でも］
    #[arg(long, value_name = "取込み元番号", value_delimiter = ',')]
    sources: Vec<String>,
    /// 使える最後の日（1年以内）
    #[arg(long, value_name = "日付")]
    until: String,
}

impl Token {
    pub(crate) async fn run(self, context: &Context) -> Result<ExitCode> {
        let scopes = self.scopes.iter().map(|code| scope(code)).collect::<Result<Vec<_>>>()?;
        let until = domain::jp::parse_date(&self.until).map_err(|e| anyhow::anyhow!("{e}（{}）", e.code()))?;
        let facility = context.facility().await?;
        let new = NewToken { name: &self.name, scopes: &scopes, sources: &self.sources, ends_on: until };
        let secret = context.app.token_issue(&context.actor, &facility.id, &self.login, new).await?;
        // Alone on its line, so that a script can take it.
        say(secret.expose());
        Ok(ExitCode::SUCCESS)
    }
}

fn scope(code: &str) -> Result<Permission> {
    Permission::parse(code.trim()).ok_or_else(|| {
        let known: Vec<&str> = Permission::ALL.into_iter().map(Permission::code).collect();
        anyhow::anyhow!(
            "できること「{code}」はありません（TOK-001）。{}から選び、コンマでつないでください。",
            known.join("、")
        )
    })
}
