//! Retention on the command line: periods, holds, and disposing of what is over.

use anyhow::{Result, bail};
use app::{Disposal, DisposalState, Error, Plan};
use clap::{Args, Subcommand};
use domain::retention::Kind;
use domain::text::Lang;

use super::{Context, say};

/// 記録の保存期間を見る・決める。決めないかぎり処分されません
#[derive(Debug, Args)]
pub(crate) struct Retention {
    /// 記録の種類
    #[arg(value_name = "種類", value_parser = ["journal", "accesses"], requires = "years")]
    kind: Option<String>,
    /// 年数、または決めない（none）
    #[arg(value_name = "年数")]
    years: Option<String>,
    /// 根拠（法令・通知・院内の規程）
    #[arg(long, value_name = "根拠", default_value = "")]
    basis: String,
}

impl Retention {
    pub(crate) async fn run(self, context: &Context) -> Result<()> {
        let facility = context.facility().await?;
        if let (Some(kind), Some(years)) = (self.kind.as_deref().and_then(Kind::parse), &self.years) {
            let years = if years == "none" { "" } else { years };
            context.app.periods_set(&context.actor, &facility.id, &[(kind, years, &self.basis)]).await?;
        }
        for (kind, period) in context.app.periods(&facility.id).await? {
            let said = match period {
                Some(period) => format!("{}年（{}）", period.years, period.basis),
                None => "決めていません（処分しません）".to_owned(),
            };
            say(format!("{:<9}{}：{said}", kind.code(), kind.label().in_lang(context.lang)));
        }
        Ok(())
    }
}

/// 記録の処分の停止（訴訟・調査・開示請求など）
#[derive(Debug, Subcommand)]
pub(crate) enum Hold {
    /// 止める
    Add {
        /// 理由
        #[arg(value_name = "理由")]
        reason: String,
        /// この日より後の記録だけ［省くとすべて］
        #[arg(long, value_name = "日付", default_value = "")]
        from: String,
    },
    /// 一覧する
    List,
    /// 解く
    Lift {
        /// 一覧に出る識別子
        #[arg(value_name = "識別子")]
        id: String,
        /// 理由
        #[arg(value_name = "理由")]
        reason: String,
    },
}

impl Hold {
    pub(crate) async fn run(self, context: &Context) -> Result<()> {
        let facility = context.facility().await?.id;
        match self {
            Self::Add { reason, from } => {
                context.app.hold_add(&context.actor, &facility, &reason, &from).await?;
                say("処分を止めました。");
            }
            Self::Lift { id, reason } => {
                context.app.hold_lift(&context.actor, &facility, &id, &reason).await?;
                say("停止を解きました。");
            }
            Self::List => {
                for hold in context.app.legal_holds(&facility).await? {
                    let from = hold.from.map_or_else(|| "すべて".to_owned(), |day| format!("{day}より後"));
                    let lifted = if hold.lifted.is_some() { "（解除済み）" } else { "" };
                    say(format!("{}　{}　{from}　{}{lifted}", hold.id, hold.reason, hold.made.0));
                }
            }
        }
        Ok(())
    }
}

/// 保存期間の過ぎた記録を処分する：一人が申請し、別の人が承認する
#[derive(Debug, Args)]
pub(crate) struct Prune {
    /// いま処分できるものを表示するだけ
    #[arg(long)]
    dry_run: bool,
    /// 処分を申請する
    #[arg(long, value_name = "理由", conflicts_with_all = ["dry_run", "approve", "withdraw"])]
    ask: Option<String>,
    /// 申請された処分を承認して処分する
    #[arg(long, value_name = "識別子", conflicts_with_all = ["dry_run", "withdraw"])]
    approve: Option<String>,
    /// 申請された処分を取り下げる
    #[arg(long, value_name = "識別子", requires = "reason", conflicts_with = "dry_run")]
    withdraw: Option<String>,
    /// 取り下げる理由
    #[arg(long, value_name = "理由")]
    reason: Option<String>,
}

impl Prune {
    pub(crate) async fn run(self, context: &Context) -> Result<()> {
        let app = &context.app;
        if let Some(reason) = &self.ask {
            // Where several facilities share the journal, it is the installation that disposes.
            let of = if app.facility_count().await? > 1 { String::new() } else { context.facility().await?.id };
            let asked = app.disposal_ask(&context.actor, &of, reason).await?;
            say("処分を申請しました。承認されるまで、何も消えません。");
            told(&asked);
            say(format!("承認：sakimori --actor '承認する人' journal prune --approve {}", asked.id));
            return Ok(());
        }
        if let Some(id) = &self.approve {
            return approve(context, id).await;
        }
        if let (Some(id), Some(reason)) = (&self.withdraw, &self.reason) {
            app.disposal_withdraw(&context.actor, id, reason).await?;
            say("処分の申請を取り下げました。");
            return Ok(());
        }
        plan(&app.disposal_plan().await?, context.lang);
        if !self.dry_run {
            for disposal in app.disposals_of_records().await? {
                told(&disposal);
            }
        }
        Ok(())
    }
}

/// Approves, and carries it out unless a running server does.
async fn approve(context: &Context, id: &str) -> Result<()> {
    let app = &context.app;
    let all = app.disposals_of_records().await?;
    let Some(waiting) = all.into_iter().find(|one| one.id == id && one.state == DisposalState::Asked) else {
        bail!(
            "承認できませんでした（RET-004）。この識別子の処分は承認を待っていません。sakimori journal prune で確かめてください。"
        );
    };
    let approved = app.disposal_approve(&context.actor, id, &waiting.shown_sha256).await?;
    if approved.sole {
        say("申請した人が承認しました（単独承認）。操作記録にそう残ります。");
    }
    let mut sealer = match app.sealer(context.folder()?).await {
        Ok(sealer) => sealer,
        Err(Error::Invalid { code: "JRN-005", .. }) => {
            say("承認しました。動いているサーバが処分します。");
            return Ok(());
        }
        Err(error) => return Err(error.into()),
    };
    while app.disposals_of_records().await?.iter().any(|one| one.state == DisposalState::Approved) {
        app.seal(&mut sealer).await?;
    }
    app.seal(&mut sealer).await?;
    say("承認し、処分しました。");
    app.disposals_of_records().await?.iter().filter(|one| one.id == id).for_each(told);
    Ok(())
}

fn plan(plan: &Plan, lang: Lang) {
    match (plan.span, plan.days) {
        (Some((first, last)), Some((since, until))) => {
            say(format!("いま処分できるもの：{first}番から{last}番まで（{since}から{until}まで）"));
            say(format!("　操作記録{}件　アクセス記録{}件　原本{}件", plan.entries, plan.accesses, plan.originals));
            say(format!("　鍵を廃棄する月：{}", plan.months.join(", ")));
            plan.rules.iter().for_each(|rule| say(format!("　{rule}")));
        }
        _ => say("いま処分できる記録はありません。"),
    }
    for keeps in &plan.keeps {
        let of = keeps.facility.as_ref().map_or_else(String::new, |name| format!("{name}："));
        say(format!("残す理由：{of}{}", keeps.why.say(lang)));
    }
}

fn told(disposal: &Disposal) {
    let state = match disposal.state {
        DisposalState::Asked => "承認待ち",
        DisposalState::Withdrawn => "取り下げ",
        DisposalState::Approved => "処分中",
        DisposalState::Done => "処分済み",
    };
    let ((first, last), (since, until)) = (disposal.span, disposal.days);
    let (entries, accesses, originals) = disposal.counts;
    say(format!("{}　{state}　{first}番から{last}番まで（{since}から{until}まで）", disposal.id));
    say(format!("　操作記録{entries}件　アクセス記録{accesses}件　原本{originals}件　理由：{}", disposal.reason));
    let decided = disposal.decided.as_ref().map_or_else(String::new, |(by, _)| format!("　決定：{by}"));
    say(format!("　申請：{}{decided}", disposal.asked.0));
}
