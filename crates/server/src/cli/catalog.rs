//! Catalogs on the command line.

use std::fmt::Display;
use std::process::ExitCode;

use anyhow::Result;
use clap::Subcommand;
use domain::catalog::{Carried, Catalog, Catalogs, Confidence, Path, Relation, Requirement};
use domain::ledger::{Kind, ledger};
use domain::message::say as words;
use domain::text::Lang;

use super::{Context, say};
use crate::table::{Paint, cut, pad, width};

/// カタログを見る
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// 版の一覧、または版の中の一覧
    List {
        /// 版
        #[arg(value_name = "版")]
        edition: Option<String>,
    },
    /// 一つの要求事項
    Show {
        /// 要求事項の番号（mhlw-7.0/unyo/14-5 など）
        #[arg(value_name = "番号")]
        id: String,
    },
    /// 二つの版の違い（この施設の判定がどう変わるかも示します）
    Diff {
        /// 前の版
        #[arg(value_name = "前の版")]
        from: String,
        /// 後の版
        #[arg(value_name = "後の版")]
        to: String,
    },
}

fn edition<'a>(catalogs: &'a Catalogs, id: &str) -> Result<&'a Catalog> {
    catalogs.catalog(id).ok_or_else(|| {
        let known: Vec<&str> = catalogs.catalogs.iter().map(|c| c.id.as_str()).collect();
        anyhow::anyhow!("版「{id}」はありません（CAT-002）。{}のどれかにしてください。", known.join("、"))
    })
}

/// The key of the word for a confidence.
fn confidence(of: Confidence) -> &'static str {
    match of {
        Confidence::Seen => "catalog-seen",
        Confidence::Partial => "catalog-partial",
        Confidence::Inferred => "catalog-inferred",
    }
}

/// The same for one line of a list: commentary, and texts that were read elsewhere, say so.
fn known(r: &Requirement) -> &'static str {
    let elsewhere = r.seen_in.is_some() && r.carried != Some(Carried::Confirmed);
    match r.confidence {
        _ if r.is_guidance => "catalog-guidance",
        Confidence::Seen | Confidence::Partial if elsewhere => "catalog-elsewhere",
        known => confidence(known),
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
                    let [judged, inferred, all] =
                        [counted, inferred, c.requirements().count()].map(|n| format!("{n:>3}"));
                    let values: [(&str, &dyn Display); 3] =
                        [("judged", &judged), ("inferred", &inferred), ("all", &all)];
                    let counts = words(lang, "catalog-counts", &values);
                    say(format!("{} {counts}  {}", pad(&c.id, 14), c.title.in_lang(lang)));
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

/// The end of the keys about a relation.
fn code(of: Relation) -> &'static str {
    match of {
        Relation::Same => "same",
        Relation::Moved => "moved",
        Relation::Changed => "changed",
        Relation::Covers => "covers",
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
            let what = words(lang, known(r), &[]);
            let room = width().saturating_sub(50);
            say(format!("{} {} {}", pad(&r.id, 36), pad(&what, 10), cut(r.summary.in_lang(lang), room)));
        }
        if !volume.carryovers.is_empty() {
            say(paint.faint(&words(lang, "catalog-carryovers", &[("count", &volume.carryovers.len())])));
        }
    }
}

fn show(catalogs: &Catalogs, id: &str, lang: Lang) -> Result<()> {
    let Some((catalog, r)) = catalogs.requirement(id) else {
        anyhow::bail!("要求事項「{id}」はありません（CAT-003）。sakimori catalog list で番号を確かめてください。");
    };
    let confidence = words(lang, confidence(r.confidence), &[]);
    say(format!("{}  {}  [{confidence}]", catalog.short.in_lang(lang), r.cited_in(lang)));
    say(r.summary.in_lang(lang));
    for line in about(r, lang) {
        say(line);
    }
    if let Some(judge) = &r.judge {
        say(words(lang, "label-judge", &[("why", judge)]));
    }
    for link in catalogs.links_of(id) {
        let relation = words(lang, &format!("catalog-{}", code(link.relation)), &[]);
        let relation = if link.carry { words(lang, "catalog-carry", &[("relation", &relation)]) } else { relation };
        let values: [(&str, &dyn Display); 4] =
            [("from", &link.from), ("to", &link.to), ("relation", &relation), ("note", &link.note)];
        say(words(lang, "catalog-link", &values));
    }
    for source in r.sources.iter().filter_map(|key| catalogs.sources.iter().find(|s| s.key == *key)) {
        say(format!("{}{}  {}", words(lang, "label-source", &[]), source.title, source.place));
    }
    Ok(())
}

/// Where its text was read, what it is about, how often it is due and to whom it applies.
fn about(r: &Requirement, lang: Lang) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = |key: &str, name: &str, value: &str| lines.push(words(lang, key, &[(name, &value)]));
    if let Some(provenance) = r.provenance(lang) {
        line("about-provenance", "provenance", &provenance);
    }
    line("about-kind", "kind", r.kind.label().in_lang(lang));
    if let Some(cadence) = r.cadence {
        line("about-cadence", "cadence", cadence.label().in_lang(lang));
    }
    let mut applies: Vec<String> = Vec::new();
    if let Some(Kind::Choice(kinds)) = ledger("facilities").and_then(|l| l.column("kind")).map(|c| c.kind) {
        let meant = kinds.iter().filter(|kind| r.applies.kinds.iter().any(|code| code == kind.code));
        applies.extend(meant.map(|kind| kind.label.in_lang(lang).to_owned()));
    }
    if !r.applies.patterns.is_empty() {
        let patterns = r.applies.patterns.join(if lang == Lang::Ja { "・" } else { ", " });
        applies.push(words(lang, "about-pattern", &[("patterns", &patterns)]));
    }
    match r.applies.path {
        Some(Path::Hoshu) => applies.push(words(lang, "about-hoshu", &[])),
        Some(Path::Full) => applies.push(words(lang, "about-full", &[])),
        None => {}
    }
    if !applies.is_empty() {
        line("about-applies", "applies", &applies.join(if lang == Lang::Ja { "、" } else { ", " }));
    }
    lines
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
        found.map(|w| format!("[{w}] ")).unwrap_or_default()
    };
    let line = |sign: &str, catalog: &Catalog, r: &Requirement| {
        let room = width().saturating_sub(34);
        say(format!(
            "{sign} {}{} {}",
            pad(&r.cited_in(lang), 16),
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
    for relation in [Relation::Changed, Relation::Moved, Relation::Same, Relation::Covers] {
        let of: Vec<_> = links.iter().filter(|l| l.relation == relation).collect();
        if of.is_empty() {
            continue;
        }
        say("");
        say(paint.strong(&words(lang, &format!("diff-{}", code(relation)), &[])));
        for link in of {
            if let (Some((c1, a)), Some((c2, b))) = (catalogs.requirement(&link.from), catalogs.requirement(&link.to)) {
                line("-", c1, a);
                line("+", c2, b);
                let carry = if link.carry { "diff-carried" } else { "diff-not-carried" };
                say(paint.faint(&format!("    {}", words(lang, carry, &[("note", &link.note)]))));
            }
        }
    }
    say("");
    say(paint.strong(&words(lang, "diff-only-from", &[])));
    for r in from.requirements().filter(judged).filter(|r| !links.iter().any(|l| l.from == r.id)) {
        line("-", from, r);
    }
    say("");
    say(paint.strong(&words(lang, "diff-only-to", &[])));
    for r in to.requirements().filter(judged).filter(|r| !links.iter().any(|l| l.to == r.id)) {
        line("+", to, r);
    }
    Ok(())
}
