//! What is told about a requirement beside its text: of what nature it is, how often it is due, and where its text was
//! read. Closed sets, so that a slip in a catalog file is refused when it is loaded.

use serde::Deserialize;

use super::Requirement;
use crate::message::say;
use crate::text::{Label, Lang};

/// What a requirement is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Nature {
    /// 組織的: rules, duties, contracts.
    Organizational,
    /// 人的: hiring, pledges, training.
    Human,
    /// 物理的: places, locks, power.
    Physical,
    /// 技術的: settings and functions of systems.
    Technical,
    /// Whom or what a guideline is about.
    Scope,
    /// A legal duty that the guideline recalls.
    Duty,
    /// What a provider discloses to the institutions.
    Disclosure,
    /// A step of the risk process.
    Process,
    /// 制度上の要求事項.
    Legal,
    /// An item of the yearly checklist.
    Checklist,
}

/// How often a requirement is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cadence {
    /// Once.
    Once,
    /// Yearly.
    Yearly,
    /// Monthly.
    Monthly,
    /// At any time.
    Continuous,
    /// When something changes.
    OnChange,
}

/// How a text read in another edition fares in this one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Carried {
    /// A source on this edition confirms it.
    Confirmed,
    /// It is presumed to live on.
    Assumed,
    /// This edition is known to have revised the topic.
    Changed,
}

impl Nature {
    /// Name for people.
    pub const fn label(self) -> Label {
        match self {
            Self::Organizational => Label::new("組織的な対策", "organizational"),
            Self::Human => Label::new("人的な対策", "human"),
            Self::Physical => Label::new("物理的な対策", "physical"),
            Self::Technical => Label::new("技術的な対策", "technical"),
            Self::Scope => Label::new("対象の範囲", "scope"),
            Self::Duty => Label::new("法令上の義務", "duty"),
            Self::Disclosure => Label::new("情報の開示", "disclosure"),
            Self::Process => Label::new("リスク管理の手順", "risk process"),
            Self::Legal => Label::new("制度上の要求", "legal"),
            Self::Checklist => Label::new("チェックリストの項目", "checklist item"),
        }
    }
}

impl Cadence {
    /// Name for people.
    pub const fn label(self) -> Label {
        match self {
            Self::Once => Label::new("一度", "once"),
            Self::Yearly => Label::new("年に一度", "yearly"),
            Self::Monthly => Label::new("毎月", "monthly"),
            Self::Continuous => Label::new("いつも", "continuously"),
            Self::OnChange => Label::new("変わったとき", "on change"),
        }
    }
}

impl Requirement {
    /// Where the text was read when that is not this edition, and whether it stands here; `None` when it was read in
    /// this edition or in a source about it.
    pub fn provenance(&self, lang: Lang) -> Option<String> {
        let seen_in = self.seen_in.as_deref()?;
        let key = match self.carried {
            Some(Carried::Confirmed) => "provenance-confirmed",
            Some(Carried::Changed) => "provenance-changed",
            Some(Carried::Assumed) => "provenance-assumed",
            None => "provenance-draft",
        };
        Some(say(lang, key, &[("where", &seen_in)]))
    }
}
