//! The papers: the requirement report, what is behind it and what auditors asked for, as documents. The ministry's
//! checklist has a room of its own.
//!
//! Pure composition: from findings to what is printed. The words say what the evidence supports, and
//! nothing more: what nobody knows is answered いいえ and marked 確認待ち. A paper is in one language throughout, but
//! for what people and ledgers call things.

mod checklist;

use std::fmt::Display;

use domain::catalog::{Confidence, Requirement};
use domain::evaluate::Finding;
use domain::journal::sha256;
use domain::jp;
use domain::message::say;
use domain::text::Lang;
use domain::workflow::request::Act;
use report::{Align, Block, Cell, Column, Document, Emphasis, Mark, Segment, StackedBar, Table, TableRow, Width};

pub use self::checklist::{Answer, Checklist, ChecklistPaper, PaperFormat, Word};
use crate::assess::{Assessment, Count, Offenders};
use crate::error::{Error, Result};
use crate::workflow::{EvidenceRequest, RequestStep};

/// Composes the papers of one assessment.
#[derive(Clone, Copy, Debug)]
pub struct Papers<'a> {
    /// What they rest on.
    pub assessment: &'a Assessment,
    /// Who prints them.
    pub printed_by: &'a str,
    /// Language.
    pub lang: Lang,
}

impl Papers<'_> {
    /// A fixed word in the language of the papers.
    pub(crate) fn word(&self, key: &str) -> String {
        say(self.lang, key, &[])
    }

    /// Every requirement of an edition (or of one volume) with verdict, evidence and next action.
    ///
    /// # Errors
    /// When there is no such edition.
    pub fn requirements(&self, edition: &str, volume: Option<&str>) -> Result<Document> {
        let catalog = self.assessment.edition(edition)?;
        let mut findings = self.assessment.findings(edition)?;
        findings.retain(|f| volume.is_none_or(|v| f.requirement.volume() == v));
        let count = Count::of(&findings);
        let (holds, of) = count.readiness();
        let segments = count
            .each()
            .map(|(verdict, n)| Segment {
                label: verdict.label().in_lang(self.lang).to_owned(),
                count: n,
                mark: verdict,
            })
            .collect();
        let mut blocks = vec![
            Block::Facts(self.facts()),
            Block::Bar(StackedBar {
                segments,
                caption: say(self.lang, "paper-readiness", &[("of", &of), ("holds", &holds)]),
            }),
        ];
        if let Some(note) = &catalog.note {
            blocks.push(Block::Note(note.in_lang(self.lang).to_owned()));
        }
        for v in catalog.volumes.iter().filter(|v| volume.is_none_or(|wanted| wanted == v.id)) {
            let own: Vec<&Finding<'_>> = findings.iter().filter(|f| f.requirement.volume() == v.id).collect();
            if own.is_empty() {
                continue;
            }
            blocks.push(Block::Heading { level: 1, text: v.title.in_lang(self.lang).to_owned() });
            blocks.push(Block::Table(self.findings_table(&own)));
            let inferred = v.requirements.iter().filter(|r| r.confidence == Confidence::Inferred).count();
            if inferred + v.carryovers.len() > 0 {
                let values: [(&str, &dyn Display); 2] = [("inferred", &inferred), ("carried", &v.carryovers.len())];
                blocks.push(Block::Note(say(self.lang, "paper-not-counted", &values)));
            }
        }
        let code = sha256(format!("{blocks:?}").as_bytes()).get(..12).unwrap_or_default().to_owned();
        let (title, short) = (catalog.title.in_lang(self.lang), catalog.short.in_lang(self.lang));
        Ok(self.document(&self.word("paper-report"), title, short, &code, blocks))
    }

    fn findings_table(&self, findings: &[&Finding<'_>]) -> Table {
        let columns = vec![
            self.column("paper-number", self.number_width(20.0)),
            self.column("paper-requirement", Width::Share(2.0)),
            self.column("paper-verdict", Width::Mm(25.0)),
            self.column("paper-basis-next", Width::Share(3.0)),
        ];
        let rows = findings
            .iter()
            .map(|f| {
                let mut basis = f.reasons(self.lang);
                basis.extend(f.next_actions(self.lang).into_iter().take(3).map(|a| format!("→ {a}")));
                let on = f.confirmed_on().map_or_else(String::new, |d| d.to_string());
                TableRow {
                    cells: vec![
                        self.number(f).into(),
                        self.summary(f.requirement).into(),
                        Cell::marked(f.verdict, on),
                        basis.join("\n").into(),
                    ],
                    emphasis: Emphasis::Plain,
                }
            })
            .collect();
        Table { columns, rows }
    }

    /// The rows behind every fact that is bad or unknown.
    pub fn offenders(&self, all: &[Offenders]) -> Document {
        let mut blocks = vec![Block::Facts(self.facts())];
        for offenders in all {
            blocks.push(Block::Heading { level: 2, text: offenders.fact.label.in_lang(self.lang).to_owned() });
            blocks.push(Block::Paragraph(format!("→ {}", offenders.fact.remedy.in_lang(self.lang))));
            let columns = vec![
                self.column("paper-number", Width::Mm(38.0)),
                self.column("paper-name", Width::Share(1.0)),
                self.column("paper-detail", Width::Share(1.0)),
                self.column("paper-confirmed-on", Width::Mm(24.0)),
                self.column("paper-state", Width::Mm(25.0)),
            ];
            let rows = offenders
                .rows
                .iter()
                .take(OFFENDERS_SHOWN)
                .map(|o| TableRow {
                    cells: vec![
                        o.key.as_str().into(),
                        o.name.as_deref().unwrap_or_default().into(),
                        o.place.as_deref().unwrap_or_default().into(),
                        o.on.map_or_else(String::new, |d| d.to_string()).into(),
                        Cell::from(if o.bad { Mark::Unmet } else { Mark::Unknown }),
                    ],
                    emphasis: Emphasis::Plain,
                })
                .collect();
            blocks.push(Block::Table(Table { columns, rows }));
            if offenders.rows.len() > OFFENDERS_SHOWN {
                let rest = offenders.rows.len() - OFFENDERS_SHOWN;
                blocks.push(Block::Note(say(self.lang, "paper-rest", &[("count", &rest)])));
            }
        }
        let code = sha256(format!("{blocks:?}").as_bytes()).get(..12).unwrap_or_default().to_owned();
        let [title, subtitle, kicker] =
            ["paper-offenders", "paper-by-fact", "paper-offenders-short"].map(|key| self.word(key));
        self.document(&title, &subtitle, &kicker, &code, blocks)
    }

    /// What auditors asked for, with what was handed in.
    pub fn requests(&self, all: &[EvidenceRequest]) -> Document {
        let mut blocks = vec![Block::Facts(self.facts())];
        if all.is_empty() {
            blocks.push(Block::Paragraph(self.word("paper-requests-none")));
        }
        let columns = vec![
            self.column("paper-number", Width::Mm(18.0)),
            self.column("paper-requests-what", Width::Share(1.0)),
            self.column("paper-state", Width::Mm(22.0)),
            self.column("paper-requests-steps", Width::Share(1.3)),
        ];
        let rows = all
            .iter()
            .map(|request| {
                let cited = self.assessment.catalogs.requirement(&request.requirement).map_or_else(
                    || request.requirement.clone(),
                    |(catalog, r)| format!("{} {}", catalog.short.in_lang(self.lang), r.cited_in(self.lang)),
                );
                let asked = [("name", &request.asked_by as &dyn Display), ("day", &request.due_on)];
                let what = format!("{cited}\n{}\n{}", request.what, say(self.lang, "paper-requests-asked", &asked));
                let steps: Vec<String> = request.steps.iter().map(|step| self.request_step(step)).collect();
                TableRow {
                    cells: vec![
                        request.no.as_str().into(),
                        what.into(),
                        request.state.label().in_lang(self.lang).into(),
                        steps.join("\n").into(),
                    ],
                    emphasis: Emphasis::Plain,
                }
            })
            .collect();
        if !all.is_empty() {
            blocks.push(Block::Table(Table { columns, rows }));
        }
        let code = sha256(format!("{blocks:?}").as_bytes()).get(..12).unwrap_or_default().to_owned();
        self.document(&self.word("paper-requests"), "", &self.word("paper-requests-short"), &code, blocks)
    }

    fn request_step(&self, step: &RequestStep) -> String {
        let key = match step.act {
            Act::Answer => "paper-requests-answer",
            Act::Confirm => "paper-requests-confirm",
            Act::SendBack => "paper-requests-back",
            Act::Withdraw => "paper-requests-withdrawn",
        };
        let day = jp::day_in_japan(step.at);
        let mut lines = vec![say(self.lang, key, &[("day", &day), ("name", &step.by)])];
        lines.extend(Some(step.said.clone()).filter(|said| !said.is_empty()));
        lines.extend(step.links.iter().map(|(ledger, key, title)| {
            format!("・{} {key} {title}", ledger.label.in_lang(self.lang)).trim_end().to_owned()
        }));
        lines.extend(step.file.iter().map(|(name, sum, _)| {
            let short = sum.get(..12).unwrap_or_default();
            say(self.lang, "paper-requests-file", &[("name", name), ("sha256", &short)])
        }));
        lines.join("\n")
    }

    fn facts(&self) -> Vec<(String, String)> {
        let facility = &self.assessment.evidence.facility;
        let (declared, observed, stray) = self.assessment.coverage();
        vec![
            (
                self.word("paper-facility"),
                say(self.lang, "paper-facility-no", &[("name", &facility.name), ("no", &facility.no)]),
            ),
            (self.word("paper-judged-on"), jp::show(self.assessment.today, self.lang)),
            (
                self.word("devices"),
                say(self.lang, "coverage", &[("declared", &declared), ("observed", &observed), ("stray", &stray)]),
            ),
        ]
    }

    pub(crate) fn column(&self, head: &str, width: Width) -> Column {
        Column { head: self.word(head), width, align: Align::Left }
    }

    /// Room for the number; English ones are longer than ⑤.
    fn number_width(&self, japanese: f64) -> Width {
        Width::Mm(match self.lang {
            Lang::Ja => japanese,
            Lang::En => 28.0,
        })
    }

    /// What it asks for and, where that was not read in this edition, where it was.
    fn summary(&self, requirement: &Requirement) -> String {
        let summary = requirement.summary.in_lang(self.lang);
        requirement.provenance(self.lang).map_or_else(|| summary.to_owned(), |from| format!("{summary}\n［{from}］"))
    }

    /// The number, with the mark for numbers that were not confirmed.
    fn number(&self, finding: &Finding<'_>) -> String {
        let sure = finding.requirement.number_confidence.is_none_or(|c| c == Confidence::Seen);
        format!("{}{}", finding.requirement.cited_in(self.lang), if sure { "" } else { "*" })
    }

    fn shortened(&self, lines: &[String], most: usize) -> String {
        let mut text = lines.iter().take(most).cloned().collect::<Vec<_>>().join("\n");
        if lines.len() > most {
            text.push('\n');
            text.push_str(&say(self.lang, "and-more", &[("count", &(lines.len() - most))]));
        }
        text
    }

    pub(crate) fn document(
        &self,
        title: &str,
        subtitle: &str,
        kicker: &str,
        code: &str,
        blocks: Vec<Block>,
    ) -> Document {
        Document {
            title: title.to_owned(),
            subtitle: subtitle.to_owned(),
            kicker: kicker.to_owned(),
            facility: self.assessment.evidence.facility.name.clone(),
            printed_on: self.assessment.today,
            printed_by: self.printed_by.to_owned(),
            code: code.to_owned(),
            lang: self.lang,
            landscape: false,
            blocks,
        }
    }
}

/// Rows listed under one fact before the rest is counted.
const OFFENDERS_SHOWN: usize = 40;

/// A document as PDF, made off the async threads.
pub(crate) async fn pressed(document: Document) -> Result<Vec<u8>> {
    let pressed = tokio::task::spawn_blocking(move || report::pdf(&document)).await;
    Ok(pressed.map_err(|e| Error::Internal { message: e.to_string() })??)
}
