//! Catalogs: requirements as data, read from the TOML files of `catalogs/` and checked as a whole.
//!
//! The format is described in `catalogs/README.md`. Loading refuses an unknown key, an unknown fact,
//! a duplicate id or a dangling reference, and names the file and the requirement; a catalog that
//! loads can be evaluated without further checks.

mod about;
mod files;
mod load;
mod rule;

use std::collections::HashMap;
use std::sync::OnceLock;

use jiff::civil::Date;
use serde::Deserialize;

pub use about::{Cadence, Carried, Nature};
pub use files::CATALOG_FILES;
pub use load::LoadError;
pub use rule::{Empty, Rule};

/// Text in both languages, owned.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Text {
    /// Japanese.
    pub ja: String,
    /// English.
    pub en: String,
}

impl Text {
    /// The text in `lang`.
    pub fn in_lang(&self, lang: crate::text::Lang) -> &str {
        match lang {
            crate::text::Lang::Ja => &self.ja,
            crate::text::Lang::En => &self.en,
        }
    }
}

/// One edition of one guideline or form.
#[derive(Debug)]
pub struct Catalog {
    /// Folder name and prefix of its requirement ids: `mhlw-7.0`.
    pub id: String,
    /// Full title.
    pub title: Text,
    /// Short title.
    pub short: Text,
    /// Guideline or checklist.
    pub kind: CatalogKind,
    /// Whether it is in force.
    pub status: Status,
    /// Day of publication, where known.
    pub published_on: Option<Date>,
    /// The edition it replaces.
    pub supersedes: Option<String>,
    /// For checklists: the fiscal year (April–March) it is for.
    pub fiscal_year: Option<i16>,
    /// What to know about this edition.
    pub note: Option<Text>,
    /// Volumes in the order of the guideline.
    pub volumes: Vec<Volume>,
}

/// What a catalog is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CatalogKind {
    /// A guideline with volumes (編).
    Guideline,
    /// The ministry's yearly checklist.
    Checklist,
}

/// Whether an edition is in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// In force.
    Current,
    /// Replaced by a newer one.
    Superseded,
    /// In force, but its items were not all seen.
    PartlyKnown,
}

/// One volume (編).
#[derive(Debug)]
pub struct Volume {
    /// Name of its file: `unyo`.
    pub id: String,
    /// Title.
    pub title: Text,
    /// What to know about this volume.
    pub note: Option<Text>,
    /// Its requirements, in order.
    pub requirements: Vec<Requirement>,
    /// Requirements of the previous edition presumed to live on here, neither verified nor counted.
    pub carryovers: Vec<String>,
}

/// One 遵守事項, checklist item or commentary.
#[derive(Debug)]
pub struct Requirement {
    /// Stable id: `mhlw-7.0/unyo/14-5`.
    pub id: String,
    /// The number as people cite it, where it was seen.
    pub number: Option<String>,
    /// Chapter number.
    pub chapter: Option<String>,
    /// Chapter title, Japanese.
    pub chapter_title: Option<String>,
    /// Requirement, or commentary that is listed and never judged.
    pub is_guidance: bool,
    /// What it is about.
    pub kind: Nature,
    /// How well its text is known.
    pub confidence: Confidence,
    /// How well its number is known, where that differs.
    pub number_confidence: Option<Confidence>,
    /// Our own summary.
    pub summary: Text,
    /// Keys of the cited sources.
    pub sources: Vec<String>,
    /// How often it is due.
    pub cadence: Option<Cadence>,
    /// For checklists: which forms carry it (`hospital`, `pharmacy`, `vendor`).
    pub forms: Vec<String>,
    /// For checklists: the columns of the form (`server`, `terminal`, `network`, …).
    pub targets: Vec<String>,
    /// For checklists: shown for reference that year, not asked.
    pub reference_only: bool,
    /// The edition in which the text was actually read, where it is an older one.
    pub seen_in: Option<String>,
    /// Whether that text stands in this edition.
    pub carried: Option<Carried>,
    /// To whom it applies.
    pub applies: Applies,
    /// Why no machine can judge it (exactly when the rule asks a person).
    pub judge: Option<String>,
    /// How it is judged; none for commentary and inferred items.
    pub rule: Option<Rule>,
}

/// How well something is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Confidence {
    /// A text that was read states it.
    Seen,
    /// Read in part, or through a reliable second source.
    Partial,
    /// Deduced; shown as such and never counted.
    Inferred,
}

/// To whom a requirement applies; every part given must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Applies {
    /// Facility kinds; empty means every kind but `vendor`.
    pub kinds: Vec<String>,
    /// Reference patterns of 概説編 表3-2 (I–IV); empty means all.
    pub patterns: Vec<String>,
    /// Only on (`hoshu`) or off (`full`) the 保守委託機関 path.
    pub path: Option<Path>,
}

/// The two ways through guideline 7.0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Path {
    /// 経営管理・企画管理・システム運用編 apply.
    Full,
    /// 概説編 and 保守委託機関編 suffice.
    Hoshu,
}

/// A relation between two requirements.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Link {
    /// The older or asking requirement.
    pub from: String,
    /// The newer or serving requirement.
    pub to: String,
    /// What kind of relation.
    pub relation: Relation,
    /// Whether an attestation for `from` may stand for `to`.
    #[serde(default)]
    pub carry: bool,
    /// Why, in Japanese.
    #[serde(default)]
    pub note: String,
}

/// The kind of a [`Link`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Relation {
    /// Same meaning, same number.
    Same,
    /// Same meaning, other number.
    Moved,
    /// Similar; has to be read again.
    Changed,
    /// The checklist item or the other guideline asks for this.
    Covers,
}

/// A cited source.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CitedSource {
    /// Key used by requirements.
    pub key: String,
    /// Title or description.
    pub title: String,
    /// Where it can be found.
    #[serde(rename = "where")]
    pub place: String,
    /// What to know about it.
    #[serde(default)]
    pub note: String,
}

/// Every catalog, with the relations between them.
#[derive(Debug)]
pub struct Catalogs {
    /// The editions, newest first within each series.
    pub catalogs: Vec<Catalog>,
    /// Crosswalk.
    pub links: Vec<Link>,
    /// Cited sources.
    pub sources: Vec<CitedSource>,
    places: HashMap<String, (usize, usize, usize)>,
    carried_into: HashMap<String, Vec<String>>,
}

impl Catalogs {
    /// The catalogs that ship with the product.
    ///
    /// # Panics
    /// Never in a released binary: a test loads the same bytes.
    #[expect(clippy::panic, reason = "the embedded files are the same bytes that the tests load")]
    pub fn embedded() -> &'static Self {
        static CATALOGS: OnceLock<Catalogs> = OnceLock::new();
        CATALOGS.get_or_init(|| match Self::load(CATALOG_FILES) {
            Ok(catalogs) => catalogs,
            Err(error) => panic!("{error}"),
        })
    }

    /// The edition called `id`.
    pub fn catalog(&self, id: &str) -> Option<&Catalog> {
        self.catalogs.iter().find(|c| c.id == id)
    }

    /// The requirement with this id, with its catalog.
    pub fn requirement(&self, id: &str) -> Option<(&Catalog, &Requirement)> {
        let &(c, v, r) = self.places.get(id)?;
        let catalog = self.catalogs.get(c)?;
        Some((catalog, catalog.volumes.get(v)?.requirements.get(r)?))
    }

    /// Ids of the requirements whose attestations may stand for `id`, by the crosswalk.
    pub fn carried_into(&self, id: &str) -> &[String] {
        self.carried_into.get(id).map_or(&[], Vec::as_slice)
    }

    /// Every link that touches `id`.
    pub fn links_of<'a>(&'a self, id: &'a str) -> impl Iterator<Item = &'a Link> {
        self.links.iter().filter(move |l| l.from == id || l.to == id)
    }
}

impl Catalog {
    /// Every requirement, in order.
    pub fn requirements(&self) -> impl Iterator<Item = &Requirement> {
        self.volumes.iter().flat_map(|v| &v.requirements)
    }
}

impl Requirement {
    /// Whether it is judged and counted: not commentary, not inferred, not for reference only.
    pub fn is_counted(&self) -> bool {
        self.rule.is_some() && !self.is_guidance && !self.reference_only && self.confidence != Confidence::Inferred
    }

    /// The number as people cite it; where it was not seen, the chapter, saying so.
    pub fn cited(&self) -> String {
        match (&self.number, &self.chapter) {
            (Some(number), _) => number.clone(),
            (None, Some(chapter)) => format!("{chapter}章 号未確認"),
            (None, None) => self.id.rsplit('/').next().unwrap_or(&self.id).to_owned(),
        }
    }

    /// The number in `lang`: people who read English get the id without its edition, as the numbers are Japanese.
    pub fn cited_in(&self, lang: crate::text::Lang) -> String {
        match lang {
            crate::text::Lang::Ja => self.cited(),
            crate::text::Lang::En => self.id.split_once('/').map_or(self.id.as_str(), |(_, rest)| rest).to_owned(),
        }
    }

    /// Name of the volume in the id.
    pub fn volume(&self) -> &str {
        self.id.split('/').nth(1).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests;
