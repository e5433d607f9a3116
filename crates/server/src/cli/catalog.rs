//! Catalogs on the command line.

use std::process::ExitCode;

use anyhow::Result;
use clap::Subcommand;
use domain::catalog::{Catalog, Catalogs, Confidence, Relation, Requirement};
use domain::text::Lang;

use super::{Context, say};
use crate::table::{Paint, cut, pad, width};

/// カタログを見る
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// 版の一覧、または版の中の一覧
    List {
        /// 版
        edition: Option<String>,
    },
    /// 一つの要求事項
    Show {
        /// 要求事項の番号（mhlw-7.0/unyo/14-5 など）
        id: String,
    },
    /// 二つの版の違い（この施設の判定がどう変わるかも示します）
    Diff {
        /// 前の版
        from: String,
        /// 後の版
        to: String,
    },
}

fn edition<'a>(catalogs: &'a Catalogs, id: &str) -> Result<&'a Catalog> {
    catalogs.catalog(id).ok_or_else(|| {
        let known: Vec<&str> = catalogs.catalogs.iter().map(|c| c.id.as_str()).collect();
        anyhow::anyhow!("版「{id}」はありません（CAT-002）。{}のどれかにしてください。", known.join("、"))
    })
}

fn confidence(of: Confidence) -> &'static str {
    match of {
        Confidence::Seen => "確認",
        Confidence::Partial => "一部確認",
        Confidence::Inferred => "推定",
    }
}

impl Command {
    /// Whether it works without a data folder.
    pub(crate) fn needs_no_data(&self) -> bool {
        !matches!(self, Self::Diff { .. })
    }

    pub(crate) async fn run(&self, context: Option<&Context>, lang: Lang) -> Result<ExitCode> {
        let catalogs = Catalogs::embedded();
        match self {
            Self::List { edition: None } => {
                for c in &catalogs.catalogs {
                    let counted = c.requirements().filter(|r| r.is_counted()).count();
                    let inferred = c.requirements().filter(|r| r.confidence == Confidence::Inferred).count();
                    say(format!(
                        "{} 判定 {counted:>3}件・推定 {inferred:>2}件・全 {:>3}件  {}",
                        pad(&c.id, 14),
                        c.requirements().count(),
                        c.title.in_lang(lang)
                    ));
                }
            }
            Self::List { edition: Some(id) } => list(edition(catalogs, id)?, lang),
            Self::Show { id } => show(catalogs, id, lang)?,
            Self::Diff { from, to } => {
                diff(catalogs, edition(catalogs, from)?, edition(catalogs, to)?, context, lang).await?
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn list(catalog: &Catalog, lang: Lang) {
    let paint = Paint::stdout();
    say(paint.strong(catalog.title.in_lang(lang)));
    if let Some(note) = &catalog.note {
        say(paint.faint(note.in_lang(lang)));
    }
    for volume in &catalog.volumes {
        say("");
        say(paint.strong(volume.title.in_lang(lang)));
        for r in &volume.requirements {
            let what = if r.is_guidance { "解説" } else { confidence(r.confidence) };
            let room = width().saturating_sub(48);
            say(format!("{} {} {}", pad(&r.id, 36), pad(what, 8), cut(r.summary.in_lang(lang), room)));
        }
        if !volume.carryovers.is_empty() {
            say(paint.faint(&format!("（前の版から残ると推定：{}件。判定には数えません）", volume.carryovers.len())));
        }
    }
}

fn show(catalogs: &Catalogs, id: &str, lang: Lang) -> Result<()> {
    let Some((catalog, r)) = catalogs.requirement(id) else {
        anyhow::bail!("要求事項「{id}」はありません（CAT-003）。sakimori catalog list で番号を確かめてください。");
    };
    say(format!("{}　{}　（{}）", catalog.short.in_lang(lang), r.cited(), confidence(r.confidence)));
    say(r.summary.in_lang(lang));
    if let Some(judge) = &r.judge {
        say(format!("人の確認が要る理由：{judge}"));
    }
    for link in catalogs.links_of(id) {
        let relation = match link.relation {
            Relation::Same => "同じ",
            Relation::Moved => "番号が移動",
            Relation::Changed => "変更あり",
            Relation::Covers => "対応",
        };
        let carry = if link.carry { "・確認を引継ぎ" } else { "" };
        say(format!("関連：{} → {}（{relation}{carry}）{}", link.from, link.to, link.note));
    }
    for source in r.sources.iter().filter_map(|key| catalogs.sources.iter().find(|s| s.key == *key)) {
        say(format!("出典：{}　{}", source.title, source.place));
    }
    Ok(())
}

async fn diff(catalogs: &Catalogs, from: &Catalog, to: &Catalog, context: Option<&Context>, lang: Lang) -> Result<()> {
    let paint = Paint::stdout();
    let verdicts = match context {
        Some(context) => match context.facility().await {
            Ok(facility) => Some(context.app.assess(&facility).await?),
            Err(_) => None,
        },
        None => None,
    };
    let verdict = |catalog: &Catalog, id: &str| -> String {
        let found = verdicts.as_ref().and_then(|a| {
            let findings = a.findings(&catalog.id).ok()?;
            findings.iter().find(|f| f.requirement.id == id).map(|f| f.verdict.label().in_lang(lang))
        });
        found.map(|w| format!("［{w}］")).unwrap_or_default()
    };
    let line = |sign: &str, catalog: &Catalog, r: &Requirement| {
        let room = width().saturating_sub(34);
        say(format!(
            "{sign} {}{} {}",
            pad(&r.cited(), 16),
            verdict(catalog, &r.id),
            cut(r.summary.in_lang(lang), room)
        ));
    };
    let judged = |r: &&Requirement| !r.is_guidance;
    let links: Vec<_> = catalogs
        .links
        .iter()
        .filter(|l| l.from.starts_with(&format!("{}/", from.id)) && l.to.starts_with(&format!("{}/", to.id)))
        .collect();
    say(paint.strong(&format!("{} → {}", from.short.in_lang(lang), to.short.in_lang(lang))));
    for (title, relation) in [
        ("変わった項目（読み直しが要ります）", Relation::Changed),
        ("番号が移った項目", Relation::Moved),
        ("同じ項目", Relation::Same),
        ("対応する項目", Relation::Covers),
    ] {
        let of: Vec<_> = links.iter().filter(|l| l.relation == relation).collect();
        if of.is_empty() {
            continue;
        }
        say("");
        say(paint.strong(title));
        for link in of {
            if let (Some((c1, a)), Some((c2, b))) = (catalogs.requirement(&link.from), catalogs.requirement(&link.to)) {
                line("−", c1, a);
                line("＋", c2, b);
                let carry = if link.carry {
                    "前の版での確認を引き継ぎます。"
                } else {
                    "前の版での確認は引き継ぎません。"
                };
                say(paint.faint(&format!("    {carry}{}", link.note)));
            }
        }
    }
    say("");
    say(paint.strong("後の版に対応が確認できていない項目"));
    for r in from.requirements().filter(judged).filter(|r| !links.iter().any(|l| l.from == r.id)) {
        line("−", from, r);
    }
    say("");
    say(paint.strong("前の版に対応が確認できていない項目"));
    for r in to.requirements().filter(judged).filter(|r| !links.iter().any(|l| l.to == r.id)) {
        line("＋", to, r);
    }
    Ok(())
}
