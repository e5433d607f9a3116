//! The ministry's checklist: its answers, what is printed of them and what a signature covers.

use std::fmt::Display;

use domain::catalog::Catalog;
use domain::evaluate::{Finding, Overridden, Verdict};
use domain::journal::{Actor, Event, sha256};
use domain::jp;
use domain::message::say;
use domain::text::Lang;
use domain::unrecorded::Class;
use jiff::civil::Date;
use report::{
    Block, Cell, DateStyle, Document, Emphasis, Kind, Orientation, Sheet, SheetCell, SheetColumn, SignatureLine, Table,
    TableRow, Width, Workbook,
};

use super::{Papers, pressed};
use crate::App;
use crate::assess::Assessment;
use crate::error::{Error, Result};

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

/// A checklist with every answer the evidence gives.
#[derive(Debug)]
pub struct Checklist<'a> {
    /// The checklist of a year.
    pub catalog: &'static Catalog,
    /// Which of its forms: `hospital`, `pharmacy`, `vendor`.
    pub form: String,
    /// Last day of the fiscal year by which what is いいえ has to be done.
    pub year_end: Option<Date>,
    /// The answers in the order of the form.
    pub answers: Vec<Answer<'a>>,
    /// SHA-256 of the answers with their reasons, which a signature covers.
    pub sha256: String,
}

/// One answered item.
#[derive(Debug)]
pub struct Answer<'a> {
    /// The verdict behind it.
    pub finding: Finding<'a>,
    /// Day of the newest evidence; none where there is no evidence, or not enough to tell.
    pub confirmed_on: Option<Date>,
    /// By when it will be so, where it is not.
    pub target_on: Option<Date>,
    /// The approved answer that stands on the form instead of what the evidence says.
    pub overridden: Option<&'a Overridden>,
}

/// As what a checklist is taken away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PaperFormat {
    /// For printing.
    Pdf,
    /// For Excel.
    Xlsx,
}

impl PaperFormat {
    /// How the name of the file ends.
    pub const fn ending(self) -> &'static str {
        match self {
            Self::Pdf => "pdf",
            Self::Xlsx => "xlsx",
        }
    }
}

/// The three answers of the form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word {
    /// はい: shown to hold today.
    Yes,
    /// いいえ: shown not to hold, or not known.
    No,
    /// 対象外.
    NotAsked,
}

impl Word {
    /// The word on the form.
    pub fn show(self, lang: Lang) -> String {
        let key = match self {
            Self::Yes => "answer-yes",
            Self::No => "answer-no",
            Self::NotAsked => "answer-outside",
        };
        say(lang, key, &[])
    }
}

impl Answer<'_> {
    /// What stands on the form: はい, いいえ, or that the item does not apply.
    pub fn word(&self) -> Word {
        match self.overridden.map(|o| o.answer.as_str()) {
            Some("yes") => Word::Yes,
            Some("na") => Word::NotAsked,
            Some(_) => Word::No,
            None => word_of(self.finding.verdict),
        }
    }

    /// The same with the mark of an answer that differs from the evidence.
    fn marked(&self, lang: Lang) -> String {
        format!("{}{}", self.word().show(lang), if self.overridden.is_some() { "※" } else { "" })
    }

    /// Why the answer differs from the evidence and who approved that; `None` where it does not.
    pub fn override_line(&self, lang: Lang) -> Option<String> {
        self.overridden.map(|approved| override_line(approved, self.finding.verdict, lang))
    }

    /// The lines behind the answer, that of an override first.
    fn basis(&self, lang: Lang) -> Vec<String> {
        self.override_line(lang).into_iter().chain(self.finding.reasons(lang)).collect()
    }
}

/// What the evidence alone answers.
fn word_of(verdict: Verdict) -> Word {
    match verdict {
        Verdict::NotApplicable => Word::NotAsked,
        verdict if verdict.holds() => Word::Yes,
        _ => Word::No,
    }
}

fn override_line(approved: &Overridden, verdict: Verdict, lang: Lang) -> String {
    let evidence = word_of(verdict).show(lang);
    let alone = if approved.sole { say(lang, "paper-override-alone", &[]) } else { String::new() };
    let values: [(&str, &dyn Display); 6] = [
        ("evidence", &evidence),
        ("reason", &approved.reason),
        ("by", &approved.approved_by),
        ("alone", &alone),
        ("on", &approved.approved_on),
        ("until", &approved.valid_until),
    ];
    say(lang, "paper-override", &values)
}

impl Assessment {
    /// Why the answer to an item was approved to differ from its verdict, and by whom; `None` where it was not.
    pub fn override_line(&self, finding: &Finding<'_>, lang: Lang) -> Option<String> {
        let approved = self.evidence.overrides.get(&finding.requirement.id)?;
        Some(override_line(approved, finding.verdict, lang))
    }
}

impl Checklist<'_> {
    /// Name of the form.
    pub fn form_name(&self, lang: Lang) -> String {
        say(lang, &format!("form-{}", self.form), &[])
    }

    /// How many items have this answer.
    pub fn count(&self, word: Word) -> usize {
        self.answers.iter().filter(|a| a.word() == word).count()
    }

    /// How many are いいえ only because nobody knows.
    pub fn unknown(&self) -> usize {
        self.answers.iter().filter(|a| a.finding.verdict == Verdict::Unknown && a.overridden.is_none()).count()
    }

    /// How many are いいえ without a day by which they will be done.
    pub fn without_target(&self) -> usize {
        self.answers.iter().filter(|a| a.word() == Word::No && a.target_on.is_none()).count()
    }
}

/// The forms of the checklist, as requirements name them.
const FORMS: [&str; 3] = ["hospital", "pharmacy", "vendor"];

impl<'a> Papers<'a> {
    /// The checklist of a year on one of its forms, with the signature if one covers these very answers.
    ///
    /// # Errors
    /// See [`answers`](Self::answers).
    pub fn checklist(&self, edition: &str, form: &str, signed: Option<(&str, Date)>) -> Result<ChecklistPaper> {
        Ok(self.paper(self.answers(edition, form)?, signed))
    }

    /// What the evidence answers to the checklist of a year on one of its forms.
    ///
    /// # Errors
    /// When there is no such checklist or form, or its items are not known.
    pub fn answers(&self, edition: &str, form: &str) -> Result<Checklist<'a>> {
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
        let answers: Vec<Answer<'a>> = findings
            .into_iter()
            .map(|finding| Answer {
                confirmed_on: finding
                    .confirmed_on()
                    .filter(|d| *d <= self.assessment.today && finding.verdict != Verdict::Unknown),
                overridden: self.assessment.evidence.overrides.get(&finding.requirement.id),
                target_on: finding.declared.and_then(|d| d.target_on).filter(|_| !finding.verdict.holds()),
                finding,
            })
            .collect();
        let sha256 = self.fingerprint(edition, form, &answers);
        Ok(Checklist { catalog, form: form.to_owned(), year_end, answers, sha256 })
    }

    fn paper(&self, checklist: Checklist<'_>, signed: Option<(&str, Date)>) -> ChecklistPaper {
        let document = self.checklist_document(&checklist, signed);
        let workbook = self.checklist_workbook(&checklist, signed);
        ChecklistPaper { document, workbook, sha256: checklist.sha256 }
    }

    /// What a signature covers: who, when, each answer with its evidence.
    fn fingerprint(&self, edition: &str, form: &str, answers: &[Answer<'_>]) -> String {
        let items: Vec<_> = answers
            .iter()
            .map(|a| {
                serde_json::json!({
                    "id": a.finding.requirement.id,
                    "answer": a.word().show(Lang::Ja),
                    "verdict": a.finding.verdict.code(),
                    "confirmed_on": a.confirmed_on.map(|d| d.to_string()),
                    "target_on": a.target_on.map(|d| d.to_string()),
                    "reasons": a.basis(Lang::Ja),
                })
            })
            .collect();
        let facility = &self.assessment.evidence.facility;
        let whole = serde_json::json!({ "facility": facility.no, "edition": edition, "form": form, "items": items });
        sha256(whole.to_string().as_bytes())
    }

    fn checklist_document(&self, checklist: &Checklist<'_>, signed: Option<(&str, Date)>) -> Document {
        let Checklist { catalog, year_end, answers, sha256, .. } = checklist;
        let form_name = checklist.form_name(self.lang);
        let (unknown, without_target) = (checklist.unknown(), checklist.without_target());
        let mut facts = self.facts();
        facts.push((self.word("paper-form"), form_name.clone()));
        let [yes, no, outside] = [Word::Yes, Word::No, Word::NotAsked].map(|word| checklist.count(word));
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
                let late = a.target_on.zip(*year_end).is_some_and(|(target, end)| target > end);
                let key = if late { "paper-target-late" } else { "paper-target" };
                let target =
                    a.target_on.map_or_else(String::new, |day| format!("\n{}", say(self.lang, key, &[("day", &day)])));
                let shown =
                    if a.finding.verdict.holds() || a.finding.verdict == Verdict::NotApplicable { 3 } else { 4 };
                TableRow {
                    cells: vec![
                        self.number(&a.finding).into(),
                        a.finding.requirement.summary.in_lang(self.lang).into(),
                        Cell::marked(a.finding.verdict, a.marked(self.lang)),
                        format!("{}{target}", a.confirmed_on.map_or_else(|| "―".to_owned(), |d| d.to_string())).into(),
                        self.shortened(&a.basis(self.lang), shown).into(),
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
            &form_name,
            &format!("{} {form_name}", catalog.short.in_lang(self.lang)),
            sha256.get(..12).unwrap_or(sha256),
            blocks,
        )
    }

    fn checklist_workbook(&self, checklist: &Checklist<'_>, signed: Option<(&str, Date)>) -> Workbook {
        let Checklist { catalog, answers, .. } = checklist;
        let form_name = checklist.form_name(self.lang);
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
                    SheetCell::Text(self.number(&a.finding)),
                    SheetCell::Text(a.finding.requirement.summary.in_lang(self.lang).to_owned()),
                    SheetCell::Text(a.marked(self.lang)),
                    optional(a.confirmed_on),
                    optional(a.target_on),
                    SheetCell::Marked(a.finding.verdict, String::new()),
                    SheetCell::Text(a.basis(self.lang).join("\n")),
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
                name: crate::export::sheet_name(&form_name),
                titles: vec![
                    say(self.lang, "paper-checklist-titled", &[("short", &short), ("form", &form_name)]),
                    say(self.lang, "paper-made", &[("facility", &facility.name), ("day", &made_on)]),
                    signature,
                ],
                columns,
                rows,
                orientation: Orientation::Landscape,
            }],
            notes: [
                "paper-note-basis",
                "paper-note-unknown",
                "paper-note-number",
                "paper-note-target",
                "paper-note-override",
            ]
            .map(|key| self.word(key))
            .into(),
        }
    }
}

impl App {
    /// A checklist, as [`checklist_paper`](Self::checklist_paper) composes it, for somebody who takes it away as PDF or
    /// workbook, which is recorded.
    ///
    /// # Errors
    /// As there; a document that cannot be made; when it cannot be recorded and must not go on without.
    pub async fn take_checklist(
        &self,
        by: &Actor,
        papers: &Papers<'_>,
        (edition, form): (&str, &str),
        taken: PaperFormat,
    ) -> Result<Vec<u8>> {
        let paper = self.checklist_paper(papers, edition, form).await?;
        let event = Event::new("checklist.export", edition).with("form", form).with("format", taken.ending());
        self.record(Class::Export, by, &papers.assessment.evidence.facility.id, event).await?;
        match taken {
            PaperFormat::Pdf => pressed(paper.document).await,
            PaperFormat::Xlsx => Ok(report::workbook(&paper.workbook)?),
        }
    }

    /// The checklist of a year on a form, with the signature that covers these very answers, if there is one.
    ///
    /// # Errors
    /// When there is no such checklist, or its items are not known; any store error.
    pub async fn checklist_paper(&self, papers: &Papers<'_>, edition: &str, form: &str) -> Result<ChecklistPaper> {
        let checklist = papers.answers(edition, form)?;
        let signed = self.signature(papers, &checklist).await?;
        Ok(papers.paper(checklist, signed.as_ref().map(|(name, day)| (name.as_str(), *day))))
    }

    /// Who signed these very answers, and on which day.
    ///
    /// # Errors
    /// Any store error.
    pub async fn signature(&self, papers: &Papers<'_>, checklist: &Checklist<'_>) -> Result<Option<(String, Date)>> {
        let facility = &papers.assessment.evidence.facility.id;
        Ok(self.store.signature_find(facility, &checklist.catalog.id, &checklist.sha256).await?)
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
