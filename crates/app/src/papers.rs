//! The papers: the ministry's checklist and the requirement report, as documents and workbooks.
//!
//! Pure composition: from findings to what is printed. The words say what the evidence supports, and
//! nothing more: what nobody knows is answered いいえ and marked 確認待ち. A paper is in one language throughout, but
//! for what people and ledgers call things.

use std::fmt::Display;

use domain::catalog::{Catalog, Confidence};
use domain::evaluate::{Finding, Verdict};
use domain::journal::{Actor, Event, sha256};
use domain::jp;
use domain::message::say;
use domain::text::Lang;
use jiff::civil::Date;
use report::{
    Align, Block, Cell, Column, DateStyle, Document, Emphasis, Kind, Mark, Orientation, Segment, Sheet, SheetCell,
    SheetColumn, SignatureLine, StackedBar, Table, TableRow, Width, Workbook,
};

use crate::App;
use crate::assess::{Assessment, Count, Offenders};
use crate::error::{Error, Result};

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

/// A filled checklist.
#[derive(Debug)]
pub struct ChecklistPaper {
    /// For paper.
    pub document: Document,
    /// For Excel.
    pub workbook: Workbook,
    /// SHA-256 of the answers, which a signature covers.
    pub sha256: String,
}

/// One answered item.
struct Answer<'a> {
    finding: &'a Finding<'a>,
    /// Day of the newest evidence; none where there is no evidence.
    confirmed_on: Option<Date>,
    target_on: Option<Date>,
    reasons: Vec<String>,
}

impl Answer<'_> {
    /// はい, いいえ, or that the item does not apply: the key of the word.
    fn key(&self) -> &'static str {
        match self.finding.verdict {
            Verdict::NotApplicable => "answer-outside",
            verdict if verdict.holds() => "answer-yes",
            _ => "answer-no",
        }
    }
}

/// The forms of the checklist, as requirements name them.
const FORMS: [&str; 3] = ["hospital", "pharmacy", "vendor"];

impl<'a> Papers<'a> {
    /// A fixed word in the language of the papers.
    fn word(&self, key: &str) -> String {
        say(self.lang, key, &[])
    }

    /// The checklist of a year on one of its forms, with the signature if one covers these very answers.
    ///
    /// # Errors
    /// When there is no such checklist, or its items are not known.
    pub fn checklist(&self, edition: &str, form: &str, signed: Option<(&str, Date)>) -> Result<ChecklistPaper> {
        let catalog = self.assessment.edition(edition)?;
        if catalog.fiscal_year.is_none() {
            let message =
                format!("「{edition}」はチェックリストではありません。checklist-r7 のように年度の版を選んでください。");
            return Err(Error::invalid("CHK-001", message));
        }
        if !FORMS.contains(&form) {
            let named = |form: &&str| format!("{form}（{}）", say(Lang::Ja, &format!("form-{form}"), &[]));
            let known: Vec<String> = FORMS.iter().map(named).collect();
            let message = format!("様式「{form}」はありません。{}のどれかにしてください。", known.join("、"));
            return Err(Error::invalid("CHK-004", message));
        }
        let findings = self.assessment.findings_on(edition, form)?;
        if findings.is_empty() {
            let message = format!(
                "{}の項目は確認できていないか、この様式にはありません。別の年度か様式を選んでください。",
                catalog.short.ja
            );
            return Err(Error::invalid("CHK-002", message));
        }
        // A form may still be in use in a later year; its target dates then belong to that year.
        let year_end = catalog.fiscal_year.map(|y| jp::fiscal_year_end(y.max(jp::fiscal_year(self.assessment.today))));
        let answers: Vec<Answer<'_>> = findings
            .iter()
            .map(|finding| Answer {
                finding,
                confirmed_on: finding.confirmed_on().filter(|d| *d <= self.assessment.today),
                target_on: finding.declared.and_then(|d| d.target_on).filter(|_| !finding.verdict.holds()),
                reasons: finding.reasons(self.lang),
            })
            .collect();
        let sha256 = self.fingerprint(edition, form, &answers);
        let code = sha256.get(..12).unwrap_or(&sha256).to_owned();
        let form_name = self.word(&format!("form-{form}"));
        let document = self.checklist_document(catalog, &form_name, year_end, &answers, signed, &code);
        let workbook = self.checklist_workbook(catalog, &form_name, &answers, signed);
        Ok(ChecklistPaper { document, workbook, sha256 })
    }

    /// What a signature covers: who, when, each answer with its evidence.
    fn fingerprint(&self, edition: &str, form: &str, answers: &[Answer<'_>]) -> String {
        let items: Vec<_> = answers
            .iter()
            .map(|a| {
                serde_json::json!({
                    "id": a.finding.requirement.id,
                    "answer": say(Lang::Ja, a.key(), &[]),
                    "verdict": a.finding.verdict.code(),
                    "confirmed_on": a.confirmed_on.map(|d| d.to_string()),
                    "target_on": a.target_on.map(|d| d.to_string()),
                    "reasons": a.finding.reasons(Lang::Ja),
                })
            })
            .collect();
        let facility = &self.assessment.evidence.facility;
        let whole = serde_json::json!({ "facility": facility.no, "edition": edition, "form": form, "items": items });
        sha256(whole.to_string().as_bytes())
    }

    fn checklist_document(
        &self,
        catalog: &Catalog,
        form_name: &str,
        year_end: Option<Date>,
        answers: &[Answer<'_>],
        signed: Option<(&str, Date)>,
        code: &str,
    ) -> Document {
        let count = |key: &str| answers.iter().filter(|a| a.key() == key).count();
        let unknown = answers.iter().filter(|a| a.finding.verdict == Verdict::Unknown).count();
        let without_target = answers.iter().filter(|a| a.key() == "answer-no" && a.target_on.is_none()).count();
        let mut facts = self.facts();
        facts.push((self.word("paper-form"), form_name.to_owned()));
        let (yes, no, outside) = (count("answer-yes"), count("answer-no"), count("answer-outside"));
        let counts: [(&str, &dyn Display); 4] =
            [("yes", &yes), ("no", &no), ("unknown", &unknown), ("outside", &outside)];
        facts.push((self.word("paper-answers"), say(self.lang, "paper-answer-counts", &counts)));
        let mut blocks = vec![Block::Facts(facts)];
        if without_target > 0 {
            let until = year_end.map_or_else(|| self.word("paper-year-end"), |d| jp::show(d, self.lang));
            let values: [(&str, &dyn Display); 2] = [("count", &without_target), ("until", &until)];
            blocks.push(Block::Note(say(self.lang, "paper-no-target", &values)));
        }
        let columns = vec![
            self.column("paper-number", self.number_width(15.0)),
            self.column("paper-item", Width::Share(2.1)),
            self.column("paper-answer", Width::Mm(21.0)),
            self.column("paper-dates", Width::Mm(28.0)),
            self.column("paper-basis", Width::Share(2.6)),
        ];
        let rows = answers
            .iter()
            .map(|a| {
                let late = a.target_on.zip(year_end).is_some_and(|(target, end)| target > end);
                let key = if late { "paper-target-late" } else { "paper-target" };
                let target =
                    a.target_on.map_or_else(String::new, |day| format!("\n{}", say(self.lang, key, &[("day", &day)])));
                let shown =
                    if a.finding.verdict.holds() || a.finding.verdict == Verdict::NotApplicable { 3 } else { 4 };
                TableRow {
                    cells: vec![
                        self.number(a.finding).into(),
                        a.finding.requirement.summary.in_lang(self.lang).into(),
                        Cell::marked(a.finding.verdict, self.word(a.key())),
                        format!("{}{target}", a.confirmed_on.map_or_else(|| "―".to_owned(), |d| d.to_string())).into(),
                        self.shortened(&a.reasons, shown).into(),
                    ],
                    emphasis: Emphasis::Plain,
                }
            })
            .collect();
        blocks.push(Block::Table(Table { columns, rows }));
        blocks.push(Block::Paragraph(self.word("paper-honest")));
        blocks.push(Block::Signature {
            lines: vec![SignatureLine {
                role: self.word("paper-signer"),
                name: signed.map_or_else(String::new, |(name, _)| name.to_owned()),
                date: signed.map(|(_, day)| day),
            }],
        });
        self.document(
            &self.word("paper-checklist"),
            form_name,
            &format!("{} {form_name}", catalog.short.in_lang(self.lang)),
            code,
            blocks,
        )
    }

    fn checklist_workbook(
        &self,
        catalog: &Catalog,
        form_name: &str,
        answers: &[Answer<'_>],
        signed: Option<(&str, Date)>,
    ) -> Workbook {
        let text = |head: &str| SheetColumn { head: self.word(head), kind: Kind::Text };
        let style = match self.lang {
            Lang::Ja => DateStyle::Era,
            Lang::En => DateStyle::Iso,
        };
        let day = |head: &str| SheetColumn { head: self.word(head), kind: Kind::Date(style) };
        let facility = &self.assessment.evidence.facility;
        let columns = vec![
            text("paper-number"),
            text("paper-item"),
            text("paper-answer"),
            day("paper-confirmed-on"),
            day("paper-target-on"),
            text("paper-verdict"),
            text("paper-basis"),
            text("paper-next"),
            text("paper-owner"),
        ];
        let optional = |d: Option<Date>| d.map_or(SheetCell::Empty, SheetCell::Date);
        let rows = answers
            .iter()
            .map(|a| {
                vec![
                    SheetCell::Text(self.number(a.finding)),
                    SheetCell::Text(a.finding.requirement.summary.in_lang(self.lang).to_owned()),
                    SheetCell::Text(self.word(a.key())),
                    optional(a.confirmed_on),
                    optional(a.target_on),
                    SheetCell::Marked(a.finding.verdict, String::new()),
                    SheetCell::Text(a.reasons.join("\n")),
                    SheetCell::Text(a.finding.next_actions(self.lang).join("\n")),
                    SheetCell::Text(a.finding.declared.and_then(|d| d.owner.clone()).unwrap_or_default()),
                ]
            })
            .collect();
        let signature = signed.map_or_else(
            || self.word("paper-unsigned"),
            |(name, day)| say(self.lang, "paper-signed", &[("name", &name), ("day", &day)]),
        );
        let short = catalog.short.in_lang(self.lang);
        let made_on = jp::show(self.assessment.today, self.lang);
        Workbook {
            title: format!("{} {form_name}", catalog.title.in_lang(self.lang)),
            created_on: self.assessment.today,
            lang: self.lang,
            sheets: vec![Sheet {
                name: crate::export::sheet_name(form_name),
                titles: vec![
                    say(self.lang, "paper-checklist-titled", &[("short", &short), ("form", &form_name)]),
                    say(self.lang, "paper-made", &[("facility", &facility.name), ("day", &made_on)]),
                    signature,
                ],
                columns,
                rows,
                orientation: Orientation::Landscape,
            }],
            notes: ["paper-note-basis", "paper-note-unknown", "paper-note-number", "paper-note-target"]
                .map(|key| self.word(key))
                .into(),
        }
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
                        f.requirement.summary.in_lang(self.lang).into(),
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

    fn column(&self, head: &str, width: Width) -> Column {
        Column { head: self.word(head), width, align: Align::Left }
    }

    /// Room for the number; English ones are longer than ⑤.
    fn number_width(&self, japanese: f64) -> Width {
        Width::Mm(match self.lang {
            Lang::Ja => japanese,
            Lang::En => 28.0,
        })
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

    fn document(&self, title: &str, subtitle: &str, kicker: &str, code: &str, blocks: Vec<Block>) -> Document {
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

impl App {
    /// The checklist of a year on a form, with the signature that covers these very answers, if there is one.
    ///
    /// # Errors
    /// When there is no such checklist, or its items are not known; any store error.
    pub async fn checklist_paper(&self, papers: &Papers<'_>, edition: &str, form: &str) -> Result<ChecklistPaper> {
        let paper = papers.checklist(edition, form, None)?;
        let facility = &papers.assessment.evidence.facility;
        match self.store.signature_find(&facility.id, edition, &paper.sha256).await? {
            Some((name, day)) => papers.checklist(edition, form, Some((&name, day))),
            None => Ok(paper),
        }
    }

    /// Signs a checklist: a named person stands for exactly these answers. Returns the paper with the
    /// signature.
    ///
    /// # Errors
    /// When the name is empty or there is no such checklist.
    pub async fn sign_checklist(
        &self,
        actor: &Actor,
        papers: &Papers<'_>,
        edition: &str,
        form: &str,
        name: &str,
    ) -> Result<ChecklistPaper> {
        let name = domain::text::tidy(name);
        if name.is_empty() {
            return Err(Error::invalid("CHK-003", "署名する人の氏名がありません。確認した人の氏名を入れてください。"));
        }
        let today = self.today();
        let paper = papers.checklist(edition, form, Some((&name, today)))?;
        let facility = &papers.assessment.evidence.facility;
        let mut tx = self.store.begin(actor, &facility.id, self.now()).await?;
        tx.signature_insert(edition, &name, &paper.sha256).await?;
        tx.record(
            Event::new("checklist.sign", edition).with("by", &name).with("form", form).with("sha256", &paper.sha256),
        );
        tx.commit().await?;
        Ok(paper)
    }
}
