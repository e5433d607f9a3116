//! The way back in when nobody is left who could confirm anybody: whoever has the server in hand does.

use std::process::ExitCode;

use anyhow::Result;
use app::Keyring;
use clap::Args;

use super::{Context, say};

/// 本人確認
#[derive(Debug, Args)]
pub(crate) struct Recover {
    /// 本人の画面に出ている8桁の番号
    #[arg(value_name = "番号")]
    code: String,
    /// 入れなくなった人のログイン名
    #[arg(long, value_name = "ログイン名")]
    login: String,
    /// なぜサーバから行うのか、本人をどう確かめたか（操作記録に残り、責任者に知らされます）
    #[arg(long, value_name = "理由")]
    reason: String,
}

impl Recover {
    pub(crate) async fn run(self, mut context: Context) -> Result<ExitCode> {
        let keys = Keyring::open(context.folder()?)?;
        context.app = context.app.with_keys(keys);
        context.app.reset_confirm_on_host(&context.actor, &self.login, &self.code, &self.reason).await?;
        say("確認しました。サーバを始め、15分以内に、本人が同じ画面で「入る」を押してください。");
        Ok(ExitCode::SUCCESS)
    }
}
