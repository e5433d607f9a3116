//! 月次報告: one honest page for the director, and the daily count of the verdicts that its trend is made of.
//!
//! A count is kept on the day on which it was made, with an entry in the journal, and never filled in afterwards. Of each
//! requirement is kept when its verdict turned, so that the page can say what got worse and what got better.

use std::collections::HashSet;
use std::fmt::Display;

use domain::catalog::{Catalog, Requirement};
use domain::evaluate::{Facility, Verdict, plus};
use domain::fact::{Fact, Tally, fact};
use domain::journal::{Actor, Event, sha256};
use domain::jp;
use domain::message::say;
use domain::text::Label;
use domain::trend::{self, Way};
use domain::unrecorded::Class;
use jiff::civil::Date;
use report::{Block, Cell, Document, Emphasis, Table, TableRow, Trend, TrendLine, Width};

use crate::App;
use crate::assess::{Assessment, Count};
use crate::error::Result;
use crate::papers::{Papers, pressed};
use crate::seal::KeptHead;
use crate::tasks::{Group, Task, shortened};
use crate::workflow::{OpenLoan, Pending};

/// Days back to what the page compares with.
const BACK: i32 = 30;
/// Days back that the trend reaches at most.
const TREND: i32 = 366;
/// Facts about backup that the page states.
const BACKUP: [&str; 2] = ["system.backup_recent", "system.restore_tested"];

/// Requirements of each way named on paper, and letters of each: more than one page is none that a director reads.
const NAMED: usize = 3;
const SUMMARY: usize = 31;
/// Letters of a fault of the log that are told on paper.
const FAULT: usize = 60;

/// The page of a facility on a day, for one edition.
#[derive(Debug)]
pub struct Monthly {
    /// The edition.
    pub edition: &'static Catalog,
    /// The day.
    pub today: Date,
    /// The verdicts of the day.
    pub now: Count,
    /// The last twelve months, each by its first day with the last day on which it was counted, and the counts.
    pub months: Vec<(Date, Option<(Date, Count)>)>,
    /// The day that is compared with; `None` while nothing was counted before.
    pub since: Option<Date>,
    /// What moved since then, what got worse first.
    pub moved: Vec<Moved>,
    /// Devices that are not back in time.
    pub late_loans: Vec<OpenLoan>,
    /// Other tasks whose day has passed.
    pub late_tasks: Vec<Task>,
    /// Facts about backup.
    pub backup: Vec<(&'static Fact, Tally)>,
    /// What is known of the journal.
    pub journal: JournalState,
    /// What waits for approval.
    pub waiting: Vec<Pending>,
}

/// A requirement whose verdict moved.
#[derive(Clone, Debug)]
pub struct Moved {
    /// Which way.
    pub way: Way,
    /// The requirement.
    pub requirement: &'static Requirement,
    /// Its verdict on the day that is compared with.
    pub before: Verdict,
    /// Its verdict now.
    pub now: Verdict,
}

/// What can be said of the journal without reading all of it.
#[derive(Clone, Debug)]
pub struct JournalState {
    /// Number of entries.
    pub entries: i64,
    /// Why nothing is sealed, if so.
    pub fault: Option<String>,
    /// The newest head that somebody else has.
    pub kept: Option<KeptHead>,
}

/// What a line of the trend is called: the line of 適合 is of everything that holds.
pub const fn trend_label(verdict: Verdict) -> Label {
    match verdict {
        Verdict::Met => Label::new("満たすもの", "hold"),
        other => other.label(),
    }
}

impl Monthly {
    /// Months of the trend in which nobody counted.
    pub fn gaps(&self) -> usize {
        self.months.iter().filter(|(_, counted)| counted.is_none()).count()
    }

    /// The number of each month: of what holds for [`Verdict::Met`], of the verdict itself otherwise.
    pub fn values(&self, verdict: Verdict) -> Vec<Option<u32>> {
        let of = |count: &Count| match verdict {
            Verdict::Met => count.readiness().0,
            other => count.get(other),
        };
        self.months.iter().map(|(_, counted)| counted.as_ref().map(|(_, count)| of(count))).collect()
    }

    /// What moved one way.
    pub fn that_got(&self, way: Way) -> impl Iterator<Item = &Moved> {
        self.moved.iter().filter(move |moved| moved.way == way)
    }
}

impl Papers<'_> {
    /// The page on one A4.
    pub fn monthly(&self, report: &Monthly) -> Document {
        let short = report.edition.short.in_lang(self.lang);
        let line = |verdict| TrendLine {
            label: trend_label(verdict).in_lang(self.lang).to_owned(),
            values: report.values(verdict),
            mark: verdict,
        };
        let (holds, of) = report.now.readiness();
        let mut blocks = vec![Block::Trend(Trend {
            months: report
                .months
                .iter()
                .map(|(first, _)| say(self.lang, "paper-month", &[("n", &first.month())]))
                .collect(),
            lines: [Verdict::Met, Verdict::Unmet, Verdict::Unknown].map(line).into(),
            caption: say(self.lang, "paper-readiness", &[("of", &of), ("holds", &holds)]),
        })];
        if report.gaps() > 0 {
            blocks.push(Block::Paragraph(say(self.lang, "paper-gaps", &[("n", &report.gaps())])));
        }
        blocks.extend(self.moved(report));
        blocks.push(Block::Facts(self.matters(report)));
        let code = sha256(format!("{blocks:?}").as_bytes()).get(..12).unwrap_or_default().to_owned();
        self.document(&self.word("paper-monthly"), short, &jp::show(report.today, self.lang), &code, blocks)
    }

    /// What got worse and what got better.
    fn moved(&self, report: &Monthly) -> Vec<Block> {
        let Some(since) = report.since else { return vec![Block::Paragraph(self.word("paper-moved-first"))] };
        let mut rows = Vec::new();
        for (way, word) in [(Way::Worse, "paper-worse"), (Way::Better, "paper-better")] {
            let all: Vec<&Moved> = report.that_got(way).collect();
            let head = say(self.lang, word, &[("n", &all.len())]);
            rows.push(TableRow { cells: vec![head.into(), "".into(), "".into()], emphasis: Emphasis::Strong });
            let named = all.iter().take(NAMED).map(|moved| TableRow {
                cells: vec![
                    moved.requirement.cited_in(self.lang).into(),
                    shortened(moved.requirement.summary.in_lang(self.lang), SUMMARY).into(),
                    Cell::from(moved.now),
                ],
                emphasis: Emphasis::Plain,
            });
            rows.extend(named);
        }
        let columns = vec![
            self.column("paper-number", Width::Mm(22.0)),
            self.column("paper-requirement", Width::Share(1.0)),
            self.column("paper-verdict", Width::Mm(25.0)),
        ];
        vec![
            Block::Paragraph(say(self.lang, "paper-moved", &[("day", &jp::show(since, self.lang))])),
            Block::Table(Table { columns, rows }),
        ]
    }

    /// What else there is to know, a line each.
    fn matters(&self, report: &Monthly) -> Vec<(String, String)> {
        let named = |names: Vec<String>| match names.len() {
            0 => self.word("paper-nothing"),
            n => {
                let first = names.into_iter().next().unwrap_or_default();
                let key = if n == 1 { "paper-one" } else { "paper-some" };
                say(self.lang, key, &[("n", &n), ("first", &first)])
            }
        };
        let loans = report.late_loans.iter().map(|loan| loan.device.clone()).collect();
        let tasks = report.late_tasks.iter().map(|task| shortened(&task.title, SUMMARY)).collect();
        let waiting = report.waiting.iter().map(|pending| shortened(&pending.title, SUMMARY)).collect();
        let mut all =
            vec![(self.word("paper-late-loans"), named(loans)), (self.word("paper-late-tasks"), named(tasks))];
        let backup = report.backup.iter().map(|(fact, tally)| {
            let good = tally.total - tally.bad - tally.unknown;
            let label = fact.label.in_lang(self.lang);
            let counts: [(&str, &dyn Display); 4] =
                [("label", &label), ("total", &tally.total), ("good", &good), ("unknown", &tally.unknown)];
            say(self.lang, "paper-tally", &counts)
        });
        all.push((self.word("paper-backup"), backup.collect::<Vec<_>>().join("\n")));
        let entries = say(self.lang, "paper-journal-entries", &[("n", &report.journal.entries)]);
        let kept = match &report.journal.kept {
            Some(kept) => {
                say(self.lang, "paper-journal-kept", &[("day", &jp::day_in_japan(kept.at)), ("name", &kept.name)])
            }
            None => self.word("paper-journal-nowhere"),
        };
        let parts = [Some(entries), report.journal.fault.as_ref().map(|fault| shortened(fault, FAULT)), Some(kept)];
        all.push((self.word("paper-journal"), parts.into_iter().flatten().collect::<Vec<_>>().join(" ")));
        all.push((self.word("paper-waiting"), named(waiting)));
        all
    }
}

impl App {
    /// The page as a PDF for somebody who takes it away, which is recorded.
    ///
    /// # Errors
    /// When it cannot be made, or cannot be recorded and must not go on without.
    pub async fn take_monthly(&self, by: &Actor, papers: &Papers<'_>, report: &Monthly) -> Result<Vec<u8>> {
        let event = Event::new("monthly.export", &report.edition.id).with("format", "pdf");
        self.record(Class::Export, by, &papers.assessment.evidence.facility.id, event).await?;
        pressed(papers.monthly(report)).await
    }

    /// Counts the verdicts of every facility that was not counted today; how many were.
    ///
    /// # Errors
    /// Any store error.
    pub async fn count_verdicts(&self, by: &Actor) -> Result<usize> {
        let counted: HashSet<String> = self.store.verdict_counted(self.today()).await?.into_iter().collect();
        let mut due = self.store.facility_list().await?;
        due.retain(|facility| !counted.contains(&facility.id));
        let assessed = match due.as_slice() {
            [] => return Ok(0),
            [only] => vec![self.assess(only).await?],
            _ => self.assess_all().await?,
        };
        for assessment in assessed.iter().filter(|of| !counted.contains(&of.evidence.facility.id)) {
            self.count_facility(by, assessment).await?;
        }
        Ok(due.len())
    }

    async fn count_facility(&self, by: &Actor, assessment: &Assessment) -> Result<()> {
        let (facility, today) = (&assessment.evidence.facility.id, assessment.today);
        let before = self.store.verdicts_on(facility, today).await?;
        let mut tx = self.store.begin(by, facility, self.now()).await?;
        let mut event = Event::new("verdicts.count", today.to_string());
        let (mut turns, mut first) = (Vec::new(), false);
        for edition in assessment.editions() {
            let findings = assessment.findings(&edition.id)?;
            let count = Count::of(&findings);
            first |= tx.verdict_count(&edition.id, today, count.all()).await?;
            let said: Vec<String> = count.each().map(|(verdict, n)| format!("{}{n}", verdict.label().ja)).collect();
            event = event.with(&edition.id, said.join(" "));
            let turned = findings.iter().filter(|f| before.get(&f.requirement.id) != Some(&f.verdict));
            turns.extend(turned.map(|f| (f.requirement.id.as_str(), f.verdict)));
        }
        // Another node was faster.
        if !first {
            return Ok(());
        }
        tx.verdict_turn(today, &turns).await?;
        tx.record(event.with("turned", turns.len()));
        Ok(tx.commit().await?)
    }

    /// The page for an edition, or for the guideline that is followed.
    ///
    /// # Errors
    /// When there is no such edition; any store error.
    pub async fn monthly(
        &self,
        facility: &Facility,
        assessment: &Assessment,
        edition: Option<&str>,
    ) -> Result<Monthly> {
        let today = assessment.today;
        let followed = assessment.editions().first().map_or("", |catalog| catalog.id.as_str());
        let edition = assessment.edition(edition.unwrap_or(followed))?;
        let findings = assessment.findings(&edition.id)?;
        let now = Count::of(&findings);
        let mut counted = self.store.verdict_counts(&facility.id, &edition.id, plus(today, -TREND)).await?;
        let earlier: Vec<Date> = counted.iter().map(|(day, _)| *day).filter(|day| *day < today).collect();
        let since = earlier.iter().rev().find(|day| **day <= plus(today, -BACK)).or(earlier.first()).copied();
        // What the page says of today is what holds now, and not what held when it was counted this morning.
        counted.retain(|(day, _)| *day < today);
        counted.push((today, now.all()));
        let months = trend::months(&counted, today);
        let months =
            months.into_iter().map(|(first, last)| (first, last.map(|(day, n)| (*day, Count::from(*n))))).collect();
        let mut moved = Vec::new();
        if let Some(since) = since {
            let before = self.store.verdicts_on(&facility.id, since).await?;
            for finding in &findings {
                let Some(&was) = before.get(&finding.requirement.id) else { continue };
                let known = self.catalogs().requirement(&finding.requirement.id);
                if let (Some(way), Some((_, requirement))) = (trend::moved(was, finding.verdict), known) {
                    moved.push(Moved { way, requirement, before: was, now: finding.verdict });
                }
            }
            moved.sort_by_key(|moved| (moved.way, moved.now));
        }
        let mut late_loans = self.loans_open(facility).await?;
        late_loans.retain(|loan| loan.overdue_days > 0);
        let is_late = |task: &&Task| task.group == Group::Overdue && !task.is_of("loans");
        let late_tasks = self.tasks(facility, assessment).await?.iter().filter(is_late).cloned().collect();
        Ok(Monthly {
            edition,
            today,
            now,
            months,
            since,
            moved,
            late_loans,
            late_tasks,
            backup: BACKUP
                .iter()
                .filter_map(|name| {
                    Some((fact(name)?, assessment.evidence.facts.get(*name).copied().unwrap_or_default()))
                })
                .collect(),
            journal: JournalState {
                entries: self.store.journal_head().await?.0,
                fault: self.seal_fault(),
                kept: self.kept_heads().await?.into_iter().max_by_key(|kept| kept.at),
            },
            waiting: self.approvals_pending(facility).await?,
        })
    }
}
