//! Verdicts in the terminal.

use std::process::ExitCode;

use anyhow::Result;
use app::{Assessment, Count};
use clap::Args;
use domain::catalog::Catalog;
use domain::evaluate::{Finding, Verdict};
use domain::jp;
use serde_json::json;

use super::{Context, say};
use crate::table::{Paint, bar, cut, pad, width};

/// 要求事項の判定
#[derive(Debug, Args)]
pub(crate) struct Assess {
    /// 版（mhlw-7.0, mhlw-6.0, meti-mic-2.0, checklist-r7 など。省くと全部の要約と最新のチェックリスト）
    edition: Option<String>,
    /// JSONで出す
    #[arg(long)]
    json: bool,
    /// 一つの要求事項について、判定の根拠をすべて示す
    #[arg(long, value_name = "ID")]
    explain: Option<String>,
    /// 対応が要るもの・分からないものを一つずつ示す
    #[arg(long)]
    offenders: bool,
    /// すべての施設を判定する
    #[arg(long)]
    all_facilities: bool,
}

impl Assess {
    pub(crate) async fn run(self, context: &Context) -> Result<ExitCode> {
        if self.all_facilities {
            return self.all(context).await;
        }
        let facility = context.facility().await?;
        let assessment = context.app.assess(&facility).await?;
        if let Some(id) = &self.explain {
            return explain(context, &assessment, id).await;
        }
        if self.json {
            say(self.as_json(context, &assessment)?.to_string());
            return Ok(ExitCode::SUCCESS);
        }
        let paint = Paint::stdout();
        header(context, &assessment, paint);
        match &self.edition {
            Some(edition) => findings_table(context, &assessment, edition, paint)?,
            None => {
                summary(context, &assessment, paint)?;
                if let Some(newest) = newest_checklist(&assessment) {
                    findings_table(context, &assessment, &newest.id, paint)?;
                }
                say("");
                say(paint.faint("詳しく：sakimori assess <版>　理由：sakimori assess --explain <ID>　対象の一覧：sakimori assess --offenders"));
            }
        }
        if self.offenders {
            let editions = match &self.edition {
                Some(edition) => vec![assessment.edition(edition)?],
                None => assessment.editions(),
            };
            offenders(context, &assessment, &editions, paint).await?;
        }
        Ok(ExitCode::SUCCESS)
    }

    /// One line per facility; the work is set-based.
    async fn all(self, context: &Context) -> Result<ExitCode> {
        let all = context.app.assess_all().await?;
        for assessment in &all {
            let mut cells = Vec::new();
            for catalog in assessment.editions() {
                let (holds, of) = Count::of(&assessment.findings(&catalog.id)?).readiness();
                cells.push(format!("{} {holds}/{of}", catalog.short.in_lang(context.lang)));
            }
            let facility = &assessment.evidence.facility;
            say(format!("{}\t{}\t{}", facility.no, facility.name, cells.join("\t")));
        }
        Ok(ExitCode::SUCCESS)
    }

    fn as_json(&self, context: &Context, assessment: &Assessment) -> Result<serde_json::Value> {
        let facility = &assessment.evidence.facility;
        let (declared, observed, stray) = assessment.coverage();
        let mut editions = Vec::new();
        for catalog in assessment.editions().into_iter().filter(|c| self.edition.as_ref().is_none_or(|e| *e == c.id)) {
            let findings = assessment.findings(&catalog.id)?;
            let counts: serde_json::Map<String, serde_json::Value> =
                Count::of(&findings).each().map(|(v, n)| (v.code().to_owned(), n.into())).collect();
            let findings: Vec<_> = findings.iter().map(|f| finding_json(f, context)).collect();
            editions.push(json!({ "edition": catalog.id, "counts": counts, "findings": findings }));
        }
        if let Some(edition) = &self.edition {
            assessment.edition(edition)?;
        }
        Ok(json!({
            "facility": { "no": facility.no, "name": facility.name, "kind": facility.kind },
            "on": assessment.today.to_string(),
            "devices": { "declared": declared, "observed": observed, "unregistered": stray },
            "editions": editions,
        }))
    }
}

fn finding_json(finding: &Finding<'_>, context: &Context) -> serde_json::Value {
    let evidence: Vec<_> = finding
        .leaves
        .iter()
        .map(|leaf| {
            let line = leaf.line(context.lang);
            json!({ "says": line.says, "source": line.source, "on": line.on.map(|d| d.to_string()), "truth": format!("{:?}", line.truth).to_lowercase() })
        })
        .collect();
    json!({
        "id": finding.requirement.id,
        "number": finding.requirement.number,
        "summary": finding.requirement.summary.in_lang(context.lang),
        "verdict": finding.verdict.code(),
        "reasons": finding.reasons(context.lang),
        "evidence": evidence,
        "next": finding.next_actions(context.lang),
        "owner": finding.declared.and_then(|d| d.owner.clone()),
        "target_on": finding.declared.and_then(|d| d.target_on).map(|d| d.to_string()),
        "holds_until": finding.holds_until.map(|d| d.to_string()),
    })
}

fn newest_checklist(assessment: &Assessment) -> Option<&'static Catalog> {
    assessment.editions().into_iter().filter(|c| c.fiscal_year.is_some()).max_by_key(|c| c.fiscal_year)
}

fn header(context: &Context, assessment: &Assessment, paint: Paint) {
    let facility = &assessment.evidence.facility;
    let (declared, observed, stray) = assessment.coverage();
    say("");
    say(paint.strong(&format!(
        "{}（{}）　{}の判定",
        facility.name,
        facility.no,
        jp::show(assessment.today, context.lang)
    )));
    say(format!("機器：台帳 {declared}台・うち自動で確認 {observed}台・台帳にない機器 {stray}台"));
    if facility.kind.is_none() {
        say("施設種別が登録されていません。すべての要求を対象にしています。施設の台帳に種別を入れてください。");
    }
}

fn summary(context: &Context, assessment: &Assessment, paint: Paint) -> Result<()> {
    say("");
    for catalog in assessment.editions() {
        let findings = assessment.findings(&catalog.id)?;
        let count = Count::of(&findings);
        let (holds, of) = count.readiness();
        if of == 0 {
            continue;
        }
        let parts: Vec<String> = count
            .each()
            .filter(|(_, n)| *n > 0)
            .map(|(v, n)| format!("{} {n}", v.label().in_lang(context.lang)))
            .collect();
        say(format!(
            "{}  {} {:>3}/{:<3}  {}",
            pad(catalog.short.in_lang(context.lang), 30),
            bar(holds, of, 20),
            holds,
            of,
            paint.faint(&parts.join("・"))
        ));
    }
    Ok(())
}

fn findings_table(context: &Context, assessment: &Assessment, edition: &str, paint: Paint) -> Result<()> {
    let catalog = assessment.edition(edition)?;
    let findings = assessment.findings(edition)?;
    say("");
    say(paint.strong(catalog.title.in_lang(context.lang)));
    let wide = width();
    let (number, word) = (18, 11);
    for volume in &catalog.volumes {
        let mut own =
            findings.iter().filter(|f| f.requirement.volume() == volume.id || catalog.volumes.len() == 1).peekable();
        if own.peek().is_none() {
            continue;
        }
        if catalog.volumes.len() > 1 {
            say("");
            say(paint.strong(volume.title.in_lang(context.lang)));
        }
        for finding in own {
            let room = wide.saturating_sub(number + word + 2);
            say(format!(
                "{}{}  {}",
                pad(&cut(&finding.requirement.cited(), number - 1), number),
                paint.verdict(finding.verdict, finding.verdict.label().in_lang(context.lang)),
                cut(finding.requirement.summary.in_lang(context.lang), room)
            ));
            if !matches!(finding.verdict, Verdict::Met | Verdict::NotApplicable) {
                let reasons = finding.reasons(context.lang);
                for reason in reasons.iter().take(2) {
                    let indent = " ".repeat(number + word + 2);
                    say(format!("{indent}{}", paint.faint(&cut(reason, room))));
                }
                if reasons.len() > 2 {
                    say(format!(
                        "{}{}",
                        " ".repeat(number + word + 2),
                        paint.faint(&format!("ほか{}件", reasons.len() - 2))
                    ));
                }
            }
        }
    }
    let (holds, of) = Count::of(&findings).readiness();
    say("");
    say(format!("満たしていると確かめられたもの {}", paint.strong(&format!("{holds} / {of}"))));
    Ok(())
}

async fn explain(context: &Context, assessment: &Assessment, id: &str) -> Result<ExitCode> {
    let paint = Paint::stdout();
    let catalogs = context.app.catalogs();
    let Some((catalog, requirement)) = catalogs.requirement(id) else {
        anyhow::bail!("要求事項「{id}」はありません（CAT-003）。sakimori catalog list で番号を確かめてください。");
    };
    let on = requirement.forms.first().map_or("hospital", String::as_str);
    let form = assessment.evidence.facility.form();
    let form = if requirement.forms.iter().any(|f| f == form) { form } else { on };
    let findings = assessment.findings_on(&catalog.id, form)?;
    say(paint.strong(&format!("{}　{}", catalog.short.in_lang(context.lang), requirement.cited())));
    say(requirement.summary.in_lang(context.lang));
    let Some(finding) = findings.iter().find(|f| f.requirement.id == id) else {
        say("この項目は、解説か、原文を確認できていない項目のため、判定しません。");
        return Ok(ExitCode::SUCCESS);
    };
    say("");
    say(format!("判定　　{}", paint.verdict(finding.verdict, finding.verdict.label().in_lang(context.lang))));
    for reason in finding.reasons(context.lang) {
        say(format!("理由　　{reason}"));
    }
    if let Some(judge) = &requirement.judge {
        say(format!("人の確認が要る理由　{judge}"));
    }
    say("");
    for leaf in &finding.leaves {
        let line = leaf.line(context.lang);
        let on = line.on.map_or_else(|| "日付なし".to_owned(), |d| jp::show(d, context.lang));
        say(format!("根拠　　{}　［{}、{on}］", line.says, line.source));
    }
    for action in finding.next_actions(context.lang) {
        say(format!("次に　　{action}"));
    }
    if let Some(declared) = finding.declared {
        if let Some(owner) = &declared.owner {
            say(format!("担当　　{owner}"));
        }
        if let Some(target) = declared.target_on {
            say(format!("目標日　{}", jp::show(target, context.lang)));
        }
    }
    if let Some(until) = finding.holds_until {
        say(format!("有効　　{}まで", jp::show(until, context.lang)));
    }
    for source in requirement.sources.iter().filter_map(|key| catalogs.sources.iter().find(|s| s.key == *key)) {
        say(paint.faint(&format!("出典　　{}　{}", source.title, source.place)));
    }
    Ok(ExitCode::SUCCESS)
}

async fn offenders(context: &Context, assessment: &Assessment, editions: &[&Catalog], paint: Paint) -> Result<()> {
    for found in context.app.offenders(assessment, editions).await? {
        say("");
        say(paint.strong(found.fact.label.in_lang(context.lang)));
        say(paint.faint(&format!("→ {}", found.fact.remedy.in_lang(context.lang))));
        for row in found.rows {
            let verdict = if row.bad { Verdict::Unmet } else { Verdict::Unknown };
            let on = row.on.map_or_else(String::new, |d| d.to_string());
            say(format!(
                "  {} {} {} {} {}",
                paint.verdict(verdict, verdict.label().in_lang(context.lang)),
                pad(&cut(&row.key, 24), 24),
                pad(&cut(row.name.as_deref().unwrap_or_default(), 24), 24),
                pad(&cut(row.place.as_deref().unwrap_or_default(), 30), 30),
                paint.faint(&on)
            ));
        }
    }
    Ok(())
}
