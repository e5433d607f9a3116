//! From files to checked catalogs.

use std::collections::{HashMap, HashSet};

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::rule::RawRule;
use super::{
    Applies, Cadence, Carried, Catalog, CatalogKind, Catalogs, CitedSource, Confidence, Link, Nature, Requirement,
    Status, Text, Volume,
};
use crate::ledger::{self, Kind};

/// Why a catalog file was refused.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "カタログを読み込めませんでした（CAT-001 {file}{}）。{reason}。ファイルを直すか、製品に付属のものへ戻してください。",
    .requirement.as_ref().map(|id| format!("、{id}")).unwrap_or_default()
)]
pub struct LoadError {
    /// The file.
    pub file: String,
    /// The requirement, where one is at fault.
    pub requirement: Option<String>,
    /// What is wrong, in Japanese.
    pub reason: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawCatalog {
    id: String,
    title: Text,
    short: Text,
    #[serde(rename = "issuer")]
    _issuer: String,
    #[serde(rename = "type")]
    kind: CatalogKind,
    status: Status,
    published_on: Option<toml::value::Datetime>,
    supersedes: Option<String>,
    fiscal_year: Option<i16>,
    #[serde(default, rename = "forms")]
    _forms: Vec<String>,
    note: Option<Text>,
    volume: Vec<RawVolume>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawVolume {
    id: String,
    title: Text,
    note: Option<Text>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct VolumeFile {
    #[serde(default)]
    requirement: Vec<RawRequirement>,
    #[serde(default)]
    carryover: Vec<RawCarryover>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawCarryover {
    from: String,
    #[serde(rename = "chapter")]
    _chapter: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum RequirementType {
    Requirement,
    Guidance,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRequirement {
    id: String,
    number: Option<String>,
    chapter: Option<String>,
    chapter_title: Option<String>,
    #[serde(rename = "type")]
    what: RequirementType,
    kind: Nature,
    confidence: Confidence,
    number_confidence: Option<Confidence>,
    summary: Text,
    #[serde(default)]
    sources: Vec<String>,
    cadence: Option<Cadence>,
    #[serde(default)]
    forms: Vec<String>,
    #[serde(default)]
    targets: Vec<String>,
    #[serde(default)]
    reference_only: bool,
    seen_in: Option<String>,
    carried: Option<Carried>,
    #[serde(default)]
    applies: Applies,
    judge: Option<String>,
    rule: Option<RawRule>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Links {
    #[serde(default)]
    link: Vec<Link>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sources {
    #[serde(default)]
    source: Vec<CitedSource>,
}

impl Catalogs {
    /// Reads and checks catalogs from `(path below catalogs/, content)`.
    ///
    /// # Errors
    /// The first fault found: bad TOML, unknown key, fact or kind, duplicate id, dangling reference,
    /// a counted requirement without a rule.
    pub fn load(files: &[(&str, &str)]) -> Result<Self, LoadError> {
        let mut catalogs = Vec::new();
        let mut links = Vec::new();
        let mut sources = Vec::new();
        for &(path, text) in files {
            if path.starts_with("crosswalk") {
                links.extend(parse::<Links>(path, text)?.link);
            } else if path.starts_with("sources") {
                sources.extend(parse::<Sources>(path, text)?.source);
            } else if let Some(folder) = path.strip_suffix("/catalog.toml") {
                catalogs.push(catalog(folder, parse(path, text)?, files)?);
            }
        }
        let loaded = index(catalogs, links, sources)?;
        loaded.check()?;
        Ok(loaded)
    }

    fn check(&self) -> Result<(), LoadError> {
        let known_sources: HashSet<&str> = self.sources.iter().map(|s| s.key.as_str()).collect();
        for requirement in self.catalogs.iter().flat_map(Catalog::requirements) {
            let wrong = |reason: String| {
                Err(LoadError { file: "catalogs".to_owned(), requirement: Some(requirement.id.clone()), reason })
            };
            if let Some(missing) = requirement.sources.iter().find(|s| !known_sources.contains(s.as_str())) {
                return wrong(format!("出典「{missing}」がsources.tomlにありません"));
            }
            let judged = !requirement.is_guidance && requirement.confidence != Confidence::Inferred;
            if judged != requirement.rule.is_some() {
                return wrong("規則は、解説でも推定でもない要求にだけ、必ず要ります".to_owned());
            }
            let asks = requirement.rule.as_ref().is_some_and(super::Rule::asks_a_person);
            if asks != requirement.judge.is_some() {
                return wrong("judge（機械で判定できない理由）は、人に尋ねる規則にだけ、必ず要ります".to_owned());
            }
        }
        let ends = self.links.iter().flat_map(|l| [&l.from, &l.to]);
        let carried = self.catalogs.iter().flat_map(|c| &c.volumes).flat_map(|v| &v.carryovers);
        for id in ends.chain(carried) {
            if self.requirement(id).is_none() {
                return Err(LoadError {
                    file: "crosswalk".to_owned(),
                    requirement: Some(id.clone()),
                    reason: "この番号の要求がありません".to_owned(),
                });
            }
        }
        Ok(())
    }
}

fn parse<T: DeserializeOwned>(path: &str, text: &str) -> Result<T, LoadError> {
    toml::from_str(text).map_err(|e| LoadError {
        file: path.to_owned(),
        requirement: None,
        reason: e.to_string().trim().replace('\n', " "),
    })
}

fn catalog(folder: &str, raw: RawCatalog, files: &[(&str, &str)]) -> Result<Catalog, LoadError> {
    let path = format!("{folder}/catalog.toml");
    let fault = |reason: &str| LoadError { file: path.clone(), requirement: None, reason: reason.to_owned() };
    if raw.id != folder {
        return Err(fault("idがフォルダ名と違います"));
    }
    let published_on = raw
        .published_on
        .map(|d| d.to_string().parse().map_err(|_| fault("published_onが日付ではありません")))
        .transpose()?;
    let mut volumes = Vec::new();
    for volume in raw.volume {
        let wanted = format!("{folder}/{}.toml", volume.id);
        let file = match files.iter().find(|(path, _)| *path == wanted) {
            Some((path, text)) => parse(path, text)?,
            None => VolumeFile { requirement: Vec::new(), carryover: Vec::new() },
        };
        let requirements =
            file.requirement.into_iter().map(|r| requirement(&wanted, folder, r)).collect::<Result<_, _>>()?;
        let carryovers = file.carryover.into_iter().map(|c| c.from).collect();
        volumes.push(Volume { id: volume.id, title: volume.title, note: volume.note, requirements, carryovers });
    }
    Ok(Catalog {
        id: raw.id,
        title: raw.title,
        short: raw.short,
        kind: raw.kind,
        status: raw.status,
        published_on,
        supersedes: raw.supersedes,
        fiscal_year: raw.fiscal_year,
        note: raw.note,
        volumes,
    })
}

fn requirement(file: &str, catalog: &str, raw: RawRequirement) -> Result<Requirement, LoadError> {
    let fault = |reason: String| LoadError { file: file.to_owned(), requirement: Some(raw.id.clone()), reason };
    if !raw.id.starts_with(catalog) {
        return Err(fault("idがカタログの名前で始まっていません".to_owned()));
    }
    let lists = [
        ("forms", &raw.forms, FORMS),
        ("targets", &raw.targets, TARGETS),
        ("patterns", &raw.applies.patterns, PATTERNS),
        ("kinds", &raw.applies.kinds, &facility_kinds()),
    ];
    for (key, given, known) in lists {
        if let Some(word) = given.iter().find(|word| !known.contains(&word.as_str())) {
            return Err(fault(format!("{key}に「{word}」はありません。{}のどれかです", known.join("、"))));
        }
    }
    let rule = match raw.rule {
        Some(rule) => Some(rule.check().map_err(|reason| LoadError {
            file: file.to_owned(),
            requirement: Some(raw.id.clone()),
            reason,
        })?),
        None => None,
    };
    Ok(Requirement {
        id: raw.id,
        number: raw.number,
        chapter: raw.chapter,
        chapter_title: raw.chapter_title,
        is_guidance: matches!(raw.what, RequirementType::Guidance),
        kind: raw.kind,
        confidence: raw.confidence,
        number_confidence: raw.number_confidence,
        summary: raw.summary,
        sources: raw.sources,
        cadence: raw.cadence,
        forms: raw.forms,
        targets: raw.targets,
        reference_only: raw.reference_only,
        seen_in: raw.seen_in,
        carried: raw.carried,
        applies: raw.applies,
        judge: raw.judge,
        rule,
    })
}

/// The checklist's three forms.
const FORMS: &[&str] = &["hospital", "pharmacy", "vendor"];
/// The columns of the checklist.
const TARGETS: &[&str] = &["server", "terminal", "network"];
/// The reference patterns of 概説編 表3-2.
const PATTERNS: &[&str] = &["I", "II", "III", "IV"];

/// The codes of the kinds of facility, from their ledger.
fn facility_kinds() -> Vec<&'static str> {
    match ledger::ledger("facilities").and_then(|l| l.column("kind")).map(|c| c.kind) {
        Some(Kind::Choice(kinds)) => kinds.iter().map(|kind| kind.code).collect(),
        _ => Vec::new(),
    }
}

fn index(catalogs: Vec<Catalog>, links: Vec<Link>, sources: Vec<CitedSource>) -> Result<Catalogs, LoadError> {
    let mut places = HashMap::new();
    for (c, catalog) in catalogs.iter().enumerate() {
        for (v, volume) in catalog.volumes.iter().enumerate() {
            for (r, requirement) in volume.requirements.iter().enumerate() {
                if places.insert(requirement.id.clone(), (c, v, r)).is_some() {
                    return Err(LoadError {
                        file: format!("{}/{}.toml", catalog.id, volume.id),
                        requirement: Some(requirement.id.clone()),
                        reason: "同じidが二度あります".to_owned(),
                    });
                }
            }
        }
    }
    let mut carried_into: HashMap<String, Vec<String>> = HashMap::new();
    for link in links.iter().filter(|l| l.carry) {
        carried_into.entry(link.to.clone()).or_default().push(link.from.clone());
    }
    Ok(Catalogs { catalogs, links, sources, places, carried_into })
}
