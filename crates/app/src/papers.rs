//! The papers: the ministry's checklist and the requirement report, as documents and workbooks.
//!
//! Pure composition: from findings to what is printed. The words say what the evidence supports, and
//! nothing more: what nobody knows is answered いいえ and marked 確認待ち.

use domain::catalog::{Catalog, Confidence};
use domain::evaluate::{Finding, Verdict};
use domain::journal::{Actor, Event, sha256};
use domain::jp;
use domain::text::{Label, Lang};
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
    /// Day of the newest evidence; none where there is no evidence.
    pub confirmed_on: Option<Date>,
    /// By when it will be so, where it is not.
    pub target_on: Option<Date>,
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
    pub const fn label(self) -> Label {
        match self {
            Self::Yes => Label::new("はい", "yes"),
            Self::No => Label::new("いいえ", "no"),
            Self::NotAsked => Label::new("対象外", "not applicable"),
        }
    }
}

impl Answer<'_> {
    /// はい, いいえ, or that the item does not apply.
    pub fn word(&self) -> Word {
        match self.finding.verdict {
            Verdict::NotApplicable => Word::NotAsked,
            verdict if verdict.holds() => Word::Yes,
            _ => Word::No,
        }
    }
}

impl Checklist<'_> {
    /// Name of the form.
    pub fn form_label(&self) -> Label {
        match self.form.as_str() {
            "pharmacy" => Label::new("薬局確認用", "for pharmacies"),
            "vendor" => Label::new("事業者確認用", "for vendors"),
            _ => Label::new("医療機関確認用", "for medical institutions"),
        }
    }

    /// How many items have this answer.
    pub fn count(&self, word: Word) -> usize {
        self.answers.iter().filter(|a| a.word() == word).count()
    }

    /// How many are いいえ only because nobody knows.
    pub fn unknown(&self) -> usize {
        self.answers.iter().filter(|a| a.finding.verdict == Verdict::Unknown).count()
    }

    /// How many are いいえ without a day by which they will be done.
    pub fn without_target(&self) -> usize {
        self.answers.iter().filter(|a| a.word() == Word::No && a.target_on.is_none()).count()
    }
}

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
    /// When there is no such checklist, or its items are not known.
    pub fn answers(&self, edition: &str, form: &str) -> Result<Checklist<'a>> {
        let catalog = self.assessment.edition(edition)?;
        if catalog.fiscal_year.is_none() {
            let message =
                format!("「{edition}」はチェックリストではありません。checklist-r7 のように年度の版を選んでください。");
            return Err(Error::invalid("CHK-001", message));
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
                confirmed_on: finding.confirmed_on().filter(|d| *d <= self.assessment.today),
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
                    "answer": a.word().label().ja,
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

    fn checklist_document(&self, checklist: &Checklist<'_>, signed: Option<(&str, Date)>) -> Document {
        let Checklist { catalog, year_end, answers, sha256, .. } = checklist;
        let form_name = checklist.form_label().ja;
        let without_target = checklist.without_target();
        let mut facts = self.facts();
        facts.push(("様式".to_owned(), form_name.to_owned()));
        facts.push((
            "回答".to_owned(),
            format!(
                "はい {}件・いいえ {}件（うち確認待ち {}件）・対象外 {}件",
                checklist.count(Word::Yes),
                checklist.count(Word::No),
                checklist.unknown(),
                checklist.count(Word::NotAsked)
            ),
        ));
        let mut blocks = vec![Block::Facts(facts)];
        if without_target > 0 {
            blocks.push(Block::Note(format!(
                "「いいえ」のうち{without_target}件に目標日がありません。台帳「確認・計画」に、{}までの日付を入れてください。",
                year_end.map_or_else(|| "年度末".to_owned(), |d| jp::show(d, self.lang))
            )));
        }
        let columns = vec![
            column("番号", Width::Mm(15.0), Align::Left),
            column("確認する項目", Width::Share(2.1), Align::Left),
            column("回答", Width::Mm(21.0), Align::Left),
            column("確認日・目標日", Width::Mm(28.0), Align::Left),
            column("根拠", Width::Share(2.6), Align::Left),
        ];
        let rows = answers
            .iter()
            .map(|a| {
                let late = a.target_on.zip(*year_end).is_some_and(|(target, end)| target > end);
                let target = match a.target_on {
                    Some(day) if late => format!("\n目標 {day}\n（年度末より後）"),
                    Some(day) => format!("\n目標 {day}"),
                    None => String::new(),
                };
                let shown =
                    if a.finding.verdict.holds() || a.finding.verdict == Verdict::NotApplicable { 3 } else { 4 };
                TableRow {
                    cells: vec![
                        number(&a.finding).into(),
                        a.finding.requirement.summary.in_lang(self.lang).into(),
                        Cell::marked(a.finding.verdict, a.word().label().ja),
                        format!("{}{target}", a.confirmed_on.map_or_else(|| "―".to_owned(), |d| d.to_string())).into(),
                        shortened(&a.finding.reasons(self.lang), shown).into(),
                    ],
                    emphasis: Emphasis::Plain,
                }
            })
            .collect();
        blocks.push(Block::Table(Table { columns, rows }));
        blocks.push(Block::Paragraph(
            "回答は、上の日付の時点で台帳・エージェント・文書・記録から確かめられたことだけに基づきます。根拠のない項目は「はい」にしません。番号に * のある項目は、番号を原本で確認できていません。".to_owned(),
        ));
        blocks.push(Block::Signature {
            lines: vec![SignatureLine {
                role: "確認者（医療情報システム安全管理責任者）".to_owned(),
                name: signed.map_or_else(String::new, |(name, _)| name.to_owned()),
                date: signed.map(|(_, day)| day),
            }],
        });
        self.document(
            "サイバーセキュリティ対策チェックリスト",
            form_name,
            &format!("{} {form_name}", catalog.short.ja),
            sha256.get(..12).unwrap_or(sha256),
            blocks,
        )
    }

    fn checklist_workbook(&self, checklist: &Checklist<'_>, signed: Option<(&str, Date)>) -> Workbook {
        let Checklist { catalog, answers, .. } = checklist;
        let form_name = checklist.form_label().ja;
        let text = |head: &str| SheetColumn { head: head.to_owned(), kind: Kind::Text };
        let day = |head: &str| SheetColumn { head: head.to_owned(), kind: Kind::Date(DateStyle::Era) };
        let facility = &self.assessment.evidence.facility;
        let columns = vec![
            text("番号"),
            text("確認する項目"),
            text("回答"),
            day("確認日"),
            day("目標日"),
            text("判定"),
            text("根拠"),
            text("次にすること"),
            text("担当"),
        ];
        let optional = |d: Option<Date>| d.map_or(SheetCell::Empty, SheetCell::Date);
        let rows = answers
            .iter()
            .map(|a| {
                vec![
                    SheetCell::Text(number(&a.finding)),
                    SheetCell::Text(a.finding.requirement.summary.in_lang(self.lang).to_owned()),
                    SheetCell::Text(a.word().label().ja.to_owned()),
                    optional(a.confirmed_on),
                    optional(a.target_on),
                    SheetCell::Marked(a.finding.verdict, String::new()),
                    SheetCell::Text(a.finding.reasons(self.lang).join("\n")),
                    SheetCell::Text(a.finding.next_actions(self.lang).join("\n")),
                    SheetCell::Text(a.finding.declared.and_then(|d| d.owner.clone()).unwrap_or_default()),
                ]
            })
            .collect();
        let signature =
            signed.map_or_else(|| "確認者：（未署名）".to_owned(), |(name, day)| format!("確認者：{name}　{day}"));
        Workbook {
            title: format!("{} {form_name}", catalog.title.ja),
            created_on: self.assessment.today,
            lang: self.lang,
            sheets: vec![Sheet {
                name: crate::export::sheet_name(form_name),
                titles: vec![
                    format!("サイバーセキュリティ対策チェックリスト（{} {form_name}）", catalog.short.ja),
                    format!("{}　作成日 {}", facility.name, jp::show(self.assessment.today, self.lang)),
                    signature,
                ],
                columns,
                rows,
                orientation: Orientation::Landscape,
            }],
            notes: vec![
                "「回答」は、台帳・エージェント・文書・記録から確かめられたことだけに基づきます。".to_owned(),
                "「確認待ち」は根拠がないか古い項目で、「はい」にはしません。".to_owned(),
                "番号に * のある項目は、番号を原本で確認できていません。".to_owned(),
                "「目標日」は台帳「確認・計画」に入れた日付です。年度末までの日付にしてください。".to_owned(),
            ],
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
                caption: format!("対象となる{of}項目のうち、満たしていると確かめられたものは{holds}項目です。"),
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
                blocks.push(Block::Note(format!(
                    "このほか、原文を確認できていない項目が{inferred}件、前の版から残ると推定される項目が{}件あります。判定には数えていません。",
                    v.carryovers.len()
                )));
            }
        }
        let code = sha256(format!("{blocks:?}").as_bytes()).get(..12).unwrap_or_default().to_owned();
        Ok(self.document("要求事項の判定と根拠", &catalog.title.ja, &catalog.short.ja, &code, blocks))
    }

    fn findings_table(&self, findings: &[&Finding<'_>]) -> Table {
        let columns = vec![
            column("番号", Width::Mm(20.0), Align::Left),
            column("要求事項（当製品の要約）", Width::Share(2.0), Align::Left),
            column("判定", Width::Mm(25.0), Align::Left),
            column("根拠と、次にすること", Width::Share(3.0), Align::Left),
        ];
        let rows = findings
            .iter()
            .map(|f| {
                let mut basis = f.reasons(self.lang);
                basis.extend(f.next_actions(self.lang).into_iter().take(3).map(|a| format!("→ {a}")));
                let on = f.confirmed_on().map_or_else(String::new, |d| d.to_string());
                TableRow {
                    cells: vec![
                        number(f).into(),
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
                column("番号", Width::Mm(38.0), Align::Left),
                column("名称", Width::Share(1.0), Align::Left),
                column("詳しく", Width::Share(1.0), Align::Left),
                column("確認日", Width::Mm(24.0), Align::Left),
                column("状態", Width::Mm(25.0), Align::Left),
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
                blocks.push(Block::Note(format!(
                    "ほか{}件。すべては台帳の書出しで確かめられます。",
                    offenders.rows.len() - OFFENDERS_SHOWN
                )));
            }
        }
        let code = sha256(format!("{blocks:?}").as_bytes()).get(..12).unwrap_or_default().to_owned();
        self.document("対応が要るもの・分からないもの", "事実ごとの一覧", "対応一覧", &code, blocks)
    }

    fn facts(&self) -> Vec<(String, String)> {
        let facility = &self.assessment.evidence.facility;
        let (declared, observed, stray) = self.assessment.coverage();
        vec![
            ("施設".to_owned(), format!("{}（{}）", facility.name, facility.no)),
            ("判定した日".to_owned(), jp::show(self.assessment.today, self.lang)),
            ("機器".to_owned(), format!("台帳 {declared}台・うち自動で確認 {observed}台・台帳にない機器 {stray}台")),
        ]
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

fn column(head: &str, width: Width, align: Align) -> Column {
    Column { head: head.to_owned(), width, align }
}

/// The number, with the mark for numbers that were not confirmed.
fn number(finding: &Finding<'_>) -> String {
    let sure = finding.requirement.number_confidence.is_none_or(|c| c == Confidence::Seen);
    format!("{}{}", finding.requirement.cited(), if sure { "" } else { "*" })
}

fn shortened(lines: &[String], most: usize) -> String {
    let mut text = lines.iter().take(most).cloned().collect::<Vec<_>>().join("\n");
    if lines.len() > most {
        text.push_str(&format!("\nほか{}件", lines.len() - most));
    }
    text
}

/// A document as PDF, made off the async threads.
pub(crate) async fn pressed(document: Document) -> Result<Vec<u8>> {
    let pressed = tokio::task::spawn_blocking(move || report::pdf(&document)).await;
    Ok(pressed.map_err(|e| Error::Internal { message: e.to_string() })??)
}

impl App {
    /// The PDF of a checklist, as [`checklist_paper`](Self::checklist_paper) composes it.
    ///
    /// # Errors
    /// As there; a document that cannot be made.
    pub async fn checklist_pdf(&self, papers: &Papers<'_>, edition: &str, form: &str) -> Result<Vec<u8>> {
        pressed(self.checklist_paper(papers, edition, form).await?.document).await
    }

    /// The workbook of a checklist, likewise.
    ///
    /// # Errors
    /// As there.
    pub async fn checklist_xlsx(&self, papers: &Papers<'_>, edition: &str, form: &str) -> Result<Vec<u8>> {
        Ok(report::workbook(&self.checklist_paper(papers, edition, form).await?.workbook)?)
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
