//! Verdicts in the terminal.

use std::fmt::Display;
use std::process::ExitCode;

use anyhow::Result;
use app::{Assessment, Count};
use clap::Args;
use domain::catalog::Catalog;
use domain::evaluate::{Finding, Verdict};
use domain::jp;
use domain::text::Lang;
use serde_json::json;

use super::{Context, say};
use crate::table::{Paint, bar, cut, pad, width};

/// 要求事項の判定
#[derive(Debug, Args)]
pub(crate) struct Assess {
    /// 版（mhlw-7.0, mhlw-6.0, meti-mic-2.0, checklist-r7 など。省くと全部の要約と最新のチェックリスト）
    #[arg(value_name = "版")]
    edition: Option<String>,
    /// JSONで出す
    #[arg(long)]
    json: bool,
    /// 一つの要求事項について、判定の根拠をすべて示す
    #[arg(long, value_name = "番号")]
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
                say(paint.faint(&context.words("assess-more", &[])));
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
        if self.json {
            let each = all.iter().map(|assessment| self.as_json(context, assessment));
            say(serde_json::Value::Array(each.collect::<Result<_>>()?).to_string());
            return Ok(ExitCode::SUCCESS);
        }
        for assessment in &all {
            let mut cells = Vec::new();
            for catalog in self.editions(assessment)? {
                let (holds, of) = Count::of(&assessment.findings(&catalog.id)?).readiness();
                cells.push(format!("{} {holds}/{of}", catalog.short.in_lang(context.lang)));
            }
            let facility = &assessment.evidence.facility;
            say(format!("{}\t{}\t{}", facility.no, facility.name, cells.join("\t")));
        }
        Ok(ExitCode::SUCCESS)
    }

    /// The edition asked for, or all.
    fn editions(&self, assessment: &Assessment) -> Result<Vec<&'static Catalog>> {
        Ok(match &self.edition {
            Some(edition) => vec![assessment.edition(edition)?],
            None => assessment.editions(),
        })
    }

    fn as_json(&self, context: &Context, assessment: &Assessment) -> Result<serde_json::Value> {
        let facility = &assessment.evidence.facility;
        let (declared, observed, stray) = assessment.coverage();
        let mut editions = Vec::new();
        for catalog in self.editions(assessment)? {
            let findings = assessment.findings(&catalog.id)?;
            let counts: serde_json::Map<String, serde_json::Value> =
                Count::of(&findings).each().map(|(v, n)| (v.code().to_owned(), n.into())).collect();
            let findings: Vec<_> = findings.iter().map(|f| finding_json(f, context)).collect();
            editions.push(json!({ "edition": catalog.id, "counts": counts, "findings": findings }));
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
    let on = jp::show(assessment.today, context.lang);
    let title: [(&str, &dyn Display); 3] = [("facility", &facility.name), ("no", &facility.no), ("on", &on)];
    say(paint.strong(&context.words("assess-title", &title)));
    let counts: [(&str, &dyn Display); 3] = [("declared", &declared), ("observed", &observed), ("stray", &stray)];
    let colon = if context.lang == Lang::Ja { "：" } else { ": " };
    say(format!("{}{colon}{}", context.words("devices", &[]), context.words("coverage", &counts)));
    if facility.kind.is_none() {
        say(context.words("assess-no-kind", &[]));
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
            paint.faint(&parts.join(if context.lang == Lang::Ja { "・" } else { ", " }))
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
    let (number, word) = (if context.lang == Lang::Ja { 18 } else { 24 }, 11);
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
                pad(&cut(&finding.requirement.cited_in(context.lang), number - 1), number),
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
                        paint.faint(&context.words("and-more", &[("count", &(reasons.len() - 2))]))
                    ));
                }
            }
        }
    }
    let (holds, of) = Count::of(&findings).readiness();
    say("");
    say(context.words("assess-holds", &[("count", &paint.strong(&format!("{holds} / {of}")))]));
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
    say(paint.strong(&format!("{}  {}", catalog.short.in_lang(context.lang), requirement.cited_in(context.lang))));
    say(requirement.summary.in_lang(context.lang));
    if let Some(provenance) = requirement.provenance(context.lang) {
        say(paint.faint(&context.words("about-provenance", &[("provenance", &provenance)])));
    }
    let Some(finding) = findings.iter().find(|f| f.requirement.id == id) else {
        say(context.words("assess-not-judged", &[]));
        return Ok(ExitCode::SUCCESS);
    };
    say("");
    let line = |label: &str, text: &dyn Display| say(format!("{}{text}", context.words(label, &[])));
    line("label-verdict", &paint.verdict(finding.verdict, finding.verdict.label().in_lang(context.lang)));
    for reason in finding.reasons(context.lang) {
        line("label-reason", &reason);
    }
    if let Some(judge) = &requirement.judge {
        say(context.words("label-judge", &[("why", judge)]));
    }
    say("");
    for leaf in &finding.leaves {
        let shown = leaf.line(context.lang);
        let on = shown.on.map_or_else(|| context.words("undated", &[]), |d| jp::show(d, context.lang));
        line("label-evidence", &format!("{}  [{} {on}]", shown.says, shown.source));
    }
    for action in finding.next_actions(context.lang) {
        line("label-next", &action);
    }
    if let Some(declared) = finding.declared {
        if let Some(owner) = &declared.owner {
            line("label-owner", owner);
        }
        if let Some(target) = declared.target_on {
            line("label-target", &jp::show(target, context.lang));
        }
    }
    if let Some(until) = finding.holds_until {
        line("label-holds", &context.words("until", &[("day", &jp::show(until, context.lang))]));
    }
    for source in requirement.sources.iter().filter_map(|key| catalogs.sources.iter().find(|s| s.key == *key)) {
        let label = context.words("label-source", &[]);
        say(paint.faint(&format!("{label}{}  {}", source.title, source.place)));
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
