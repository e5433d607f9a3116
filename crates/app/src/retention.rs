//! 保存期間と処分: how long records are kept, what keeps them longer, and disposing of those whose time is over.
//!
//! One person asks, another approves what they were shown; who works alone does both, and it says 単独承認. From the
//! approval on the journal begins behind what goes. The sealer then [carries it out](App::disposal_carry_out): the sealed log is
//! pruned, rows go in small steps, and what a crash interrupts is ended by the next one that seals.

use domain::journal::{Actor, Event, hex, sha256};
use domain::jp::day_in_japan;
use domain::ledger::ledger;
use domain::retention::{
    Bounds, DISPOSE, Hold, Kind, MOST_YEARS, Period, PeriodError, cutoff, last_to_go, least_years, month,
};
use domain::text::{Lang, tidy};
use jiff::Timestamp;
use jiff::civil::Date;
use store::{DisposalRow, HoldRow};
use uuid::Uuid;

use crate::App;
use crate::error::{Error, FieldError, Result};
use crate::seal::Sealer;

/// Steps that a disposal goes at a time: so many that sealing waits for none of them long.
const STEPS: u32 = 20;

/// A hold as people are told of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LegalHold {
    /// Id.
    pub id: String,
    /// Why.
    pub reason: String,
    /// From which day on; everything without one.
    pub from: Option<Date>,
    /// Who made it, and when.
    pub made: (String, Timestamp),
    /// Who lifted it, why and when.
    pub lifted: Option<(String, String, Timestamp)>,
}

/// What keeps records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keeps {
    /// Name of the facility, where there are several.
    pub facility: Option<String>,
    /// What.
    pub why: Why,
}

/// Why records are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    /// No period was stated for records of this kind.
    NoPeriod(Kind),
    /// A hold, by its reason, and from which day on.
    Hold(String, Option<Date>),
    /// So many cases of the log review are open.
    Cases(usize),
    /// The record of an incident has no result yet: its number and title.
    Incident(String, String),
    /// There are records of a facility that is in no ledger.
    Stranger,
    /// Nothing was sealed yet, so nothing could be proved afterwards.
    Unsealed,
    /// Another disposal waits or is under way.
    Underway,
}

impl Why {
    /// In words.
    pub fn say(&self, lang: Lang) -> String {
        let day = |day: &Option<Date>| day.map(|day| domain::jp::show(day, lang));
        let en = lang == Lang::En;
        match self {
            Self::NoPeriod(kind) if en => format!("no period is stated for {}", kind.label().in_lang(lang)),
            Self::NoPeriod(kind) => format!("{}の保存期間が決められていません", kind.label().ja),
            Self::Hold(reason, from) => match (en, day(from)) {
                (true, Some(from)) => format!("held from {from} on: {reason}"),
                (true, None) => format!("held: {reason}"),
                (false, Some(from)) => format!("処分の停止（{from}より後）：{reason}"),
                (false, None) => format!("処分の停止：{reason}"),
            },
            Self::Cases(count) if en => format!("{count} open cases of the log review"),
            Self::Cases(count) => format!("アクセス記録の確認事項が{count}件、終わっていません"),
            Self::Incident(no, title) if en => format!("incident {no} has no result yet: {title}"),
            Self::Incident(no, title) => format!("インシデント対応{no}「{title}」に結果がありません"),
            Self::Stranger if en => "records of a facility that is in no ledger".to_owned(),
            Self::Stranger => "台帳にない施設の記録があります".to_owned(),
            Self::Unsealed if en => "nothing is sealed yet".to_owned(),
            Self::Unsealed => "まだ封印されていません".to_owned(),
            Self::Underway if en => "another disposal waits or is under way".to_owned(),
            Self::Underway => "ほかの処分が、承認待ちか実行中です".to_owned(),
        }
    }
}

/// What would go today.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Numbers of the first and the last entry; `None` when nothing may go.
    pub span: Option<(i64, i64)>,
    /// Days on which these were made.
    pub days: Option<(Date, Date)>,
    /// Entries that are no accesses.
    pub entries: i64,
    /// Accesses.
    pub accesses: i64,
    /// Originals, as they came.
    pub originals: i64,
    /// Months whose keys are destroyed, with the facility where there are several.
    pub months: Vec<String>,
    /// The periods it follows from, in words.
    pub rules: Vec<String>,
    /// What keeps records, whether their period is over or not.
    pub keeps: Vec<Keeps>,
    hash: String,
    made: (i64, i64),
    bounds: Bounds,
}

/// How far a disposal is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DisposalState {
    /// It waits for approval.
    Asked,
    /// It was withdrawn or sent back.
    Withdrawn,
    /// It was approved, and is carried out.
    Approved,
    /// Nothing is left.
    Done,
}

impl DisposalState {
    /// Its code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Withdrawn => "withdrawn",
            Self::Approved => "approved",
            Self::Done => "done",
        }
    }
}

/// A disposal, as it was asked for and came out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disposal {
    /// Id.
    pub id: String,
    /// How far it is.
    pub state: DisposalState,
    /// Numbers of the first and the last entry.
    pub span: (i64, i64),
    /// Days on which these were made.
    pub days: (Date, Date),
    /// Entries that are no accesses, accesses, originals.
    pub counts: (i64, i64, i64),
    /// The periods it follows from, and the months whose keys go.
    pub rules: String,
    /// Months whose keys are destroyed.
    pub months: String,
    /// Why it was asked for.
    pub reason: String,
    /// Who asked, and when.
    pub asked: (String, Timestamp),
    /// Who decided, and when.
    pub decided: Option<(String, Timestamp)>,
    /// Whether who asked approved it (単独承認).
    pub sole: bool,
    /// Why it was withdrawn.
    pub why: Option<String>,
    /// Root of the log at the minimum index, and when nothing was left.
    pub done: Option<(String, Timestamp)>,
    /// What is approved, by its hash.
    pub shown_sha256: String,
}

fn at(microsecond: i64) -> Timestamp {
    Timestamp::from_microsecond(microsecond).unwrap_or_default()
}

fn disposal(row: DisposalRow) -> Disposal {
    let shown = format!(
        "{}\n{}\n{}\n{}\n{:?}\n{}\n{}\n{}",
        row.id, row.span.0, row.span.1, row.hash, row.counts, row.rules, row.months, row.reason
    );
    Disposal {
        state: match row.state.as_str() {
            "asked" => DisposalState::Asked,
            "approved" => DisposalState::Approved,
            "done" => DisposalState::Done,
            _ => DisposalState::Withdrawn,
        },
        days: (day_in_japan(at(row.made.0)), day_in_japan(at(row.made.1))),
        sole: row.state != "withdrawn" && row.decided.as_ref().is_some_and(|(by, _)| *by == row.asked.0),
        asked: (row.asked.0, at(row.asked.1)),
        decided: row.decided.map(|(by, when)| (by, at(when))),
        done: row.done.map(|(root, when)| (root, at(when))),
        id: row.id,
        span: row.span,
        counts: row.counts,
        rules: row.rules,
        months: row.months,
        reason: row.reason,
        why: row.why,
        shown_sha256: sha256(shown.as_bytes()),
    }
}

fn no_reason() -> Error {
    Error::field("reason", "理由がありません（RET-002）。だれが見ても分かるように書いてください。")
}

impl App {
    /// How many facilities share this installation, whose journal is one.
    ///
    /// # Errors
    /// Any store error.
    pub async fn facility_count(&self) -> Result<usize> {
        Ok(self.store.facility_list().await?.len())
    }

    /// The periods of a facility, by kind.
    ///
    /// # Errors
    /// Any store error.
    pub async fn periods(&self, facility: &str) -> Result<Vec<(Kind, Option<Period>)>> {
        let all = self.store.retention_list().await?;
        let of = |kind| {
            let row = all.iter().find(|row| row.facility == facility && row.kind == kind)?;
            Some(Period { years: u16::try_from(row.years).unwrap_or(u16::MAX), basis: row.basis.clone() })
        };
        Ok(Kind::ALL.into_iter().map(|kind| (kind, of(kind))).collect())
    }

    /// States how long a facility keeps records of each kind: years and basis as they were typed; without years, for ever.
    /// Whether anything changed.
    ///
    /// # Errors
    /// [`Error::Fields`] (RET-001) when one is no period, or has no basis; nothing is changed then.
    pub async fn periods_set(&self, by: &Actor, facility: &str, typed: &[(Kind, &str, &str)]) -> Result<bool> {
        let (mut faults, mut wanted) = (Vec::new(), Vec::new());
        for &(kind, years, basis) in typed {
            let period = (!tidy(years).is_empty()).then(|| Period::parse(years, basis)).transpose();
            match period {
                Ok(period) => wanted.push((kind, period)),
                Err(PeriodError::Years) => faults.push(FieldError::new(
                    &format!("{}_years", kind.code()),
                    format!(
                        "保存期間にできません（RET-001）。{}年から{MOST_YEARS}年までの年数で入れてください。決めないときは空にします。",
                        least_years(),
                    ),
                )),
                Err(PeriodError::Basis) => faults.push(FieldError::new(
                    &format!("{}_basis", kind.code()),
                    "根拠がありません（RET-001）。法令・通知・院内の規程など、その年数の根拠を書いてください。",
                )),
            }
        }
        if !faults.is_empty() {
            return Err(Error::Fields(faults));
        }
        let before = self.periods(facility).await?;
        wanted.retain(|wanted| !before.contains(wanted));
        if wanted.is_empty() {
            return Ok(false);
        }
        let years =
            |period: Option<&Period>| period.map_or_else(|| "決めない".to_owned(), |p| format!("{}年", p.years));
        let mut tx = self.store.begin(by, facility, self.now()).await?;
        for (kind, period) in wanted {
            let was = before.iter().find(|(of, _)| *of == kind).and_then(|(_, period)| period.as_ref());
            let period = period.as_ref();
            let mut event = Event::new("retention.set", kind.label().ja)
                .with("years", format!("{} → {}", years(was), years(period)));
            if let Some(period) = period {
                event = event.with("basis", &period.basis);
            }
            tx.retention_set(kind, period.map(|p| (i64::from(p.years), p.basis.as_str()))).await?;
            tx.record(event);
        }
        tx.commit().await?;
        Ok(true)
    }

    /// The holds of a facility, the newest first.
    ///
    /// # Errors
    /// Any store error.
    pub async fn legal_holds(&self, facility: &str) -> Result<Vec<LegalHold>> {
        let told = |row: HoldRow| LegalHold {
            from: row.from_on.as_deref().and_then(|day| day.parse().ok()),
            id: row.id,
            reason: row.reason,
            made: (row.made_by, at(row.made_at)),
            lifted: row.lifted.map(|(by, why, when)| (by, why, at(when))),
        };
        Ok(self.store.hold_list().await?.into_iter().filter(|row| row.facility == facility).map(told).collect())
    }

    /// Keeps the records of a facility from a day on, or all of them, until it is lifted.
    ///
    /// # Errors
    /// [`Error::Fields`] (RET-002) without a reason, or when the day is none.
    pub async fn hold_add(&self, by: &Actor, facility: &str, reason: &str, from: &str) -> Result<()> {
        let (reason, from) = (tidy(reason), tidy(from));
        let from = match from.as_str() {
            "" => None,
            typed => Some(domain::jp::parse_date(typed).map_err(|error| Error::field("from", error.to_string()))?),
        };
        if reason.is_empty() {
            return Err(no_reason());
        }
        let mut event = Event::new("retention.hold", &reason);
        if let Some(from) = from {
            event = event.with("from", from);
        }
        let mut tx = self.store.begin(by, facility, self.now()).await?;
        let from = from.map(|day| day.to_string());
        tx.hold_insert(&Uuid::now_v7().to_string(), &reason, from.as_deref(), &by.name).await?;
        tx.record(event);
        Ok(tx.commit().await?)
    }

    /// Lifts a hold.
    ///
    /// # Errors
    /// [`Error::Fields`] (RET-002) without a reason; [`Error::NotFound`] when there is none that is not lifted.
    pub async fn hold_lift(&self, by: &Actor, facility: &str, id: &str, why: &str) -> Result<()> {
        let why = tidy(why);
        if why.is_empty() {
            return Err(no_reason());
        }
        let holds = self.legal_holds(facility).await?;
        let missing = || Error::NotFound { what: "処分の停止".to_owned() };
        let hold = holds.into_iter().find(|hold| hold.id == id).ok_or_else(missing)?;
        let mut tx = self.store.begin(by, facility, self.now()).await?;
        if !tx.hold_lift(id, &why, &by.name).await? {
            return Err(missing());
        }
        tx.record(Event::new("retention.lift", hold.reason).with("reason", why));
        Ok(tx.commit().await?)
    }

    /// What would go today, and what keeps the rest.
    ///
    /// # Errors
    /// Any store error.
    pub async fn disposal_plan(&self) -> Result<Plan> {
        let mut plan = self.what_may_go().await?;
        let open = self.store.disposal_list().await?;
        if open.iter().any(|row| matches!(row.state.as_str(), "asked" | "approved")) {
            plan.keeps.push(Keeps { facility: None, why: Why::Underway });
            plan.span = None;
        }
        Ok(plan)
    }

    async fn what_may_go(&self) -> Result<Plan> {
        let (now, facilities) = (self.now(), self.store.facility_list().await?);
        let (periods, holds) = (self.store.retention_list().await?, self.store.hold_list().await?);
        let sealed = self.store.sealing().await?.size;
        let floor = self.store.journal_floor().await?.seq;
        let mut plan = Plan::default();
        if sealed == 0 {
            plan.keeps.push(Keeps { facility: None, why: Why::Unsealed });
        }
        let several = facilities.len() > 1;
        let named = |name: &str| several.then(|| name.to_owned());
        // Of the installation itself records are kept as long as by the facility that keeps them longest.
        let longest = |kind: Kind| {
            let years = facilities.iter().map(|of| periods.iter().find(|p| p.facility == of.id && p.kind == kind));
            years.collect::<Option<Vec<_>>>().and_then(|all| all.into_iter().max_by_key(|period| period.years))
        };
        let mut cutoffs: Vec<(String, String, [Option<Timestamp>; 2])> = Vec::new();
        let mut first_kept = Vec::new();
        let ids = facilities.iter().map(|f| (f.id.as_str(), f.name.as_str())).chain([("", "")]);
        for (id, name) in ids {
            let own = |hold: &&HoldRow| hold.lifted.is_none() && (id.is_empty() || hold.facility == id);
            let mut held = Vec::new();
            for hold in holds.iter().filter(own) {
                let from: Option<Date> = hold.from_on.as_deref().and_then(|day| day.parse().ok());
                held.push(Hold { from });
                if !id.is_empty() {
                    plan.keeps.push(Keeps { facility: named(name), why: Why::Hold(hold.reason.clone(), from) });
                }
            }
            for (no, title) in if id.is_empty() { Vec::new() } else { self.open_incidents(id).await? } {
                held.push(Hold { from: None });
                plan.keeps.push(Keeps { facility: named(name), why: Why::Incident(no, title) });
            }
            if let Some(first) = self.store.journal_first_of_cases(id).await? {
                first_kept.push(first);
            }
            let cases = self.store.case_list(id).await?.into_iter().filter(|case| case.closed.is_none()).count();
            if cases > 0 {
                plan.keeps.push(Keeps { facility: named(name), why: Why::Cases(cases) });
            }
            let mut of_kinds = [None; 2];
            for (kind, cut) in Kind::ALL.into_iter().zip(&mut of_kinds) {
                let stated = match id {
                    "" => longest(kind),
                    _ => periods.iter().find(|p| p.facility == id && p.kind == kind),
                };
                let period = stated
                    .map(|p| Period { years: u16::try_from(p.years).unwrap_or(u16::MAX), basis: p.basis.clone() });
                *cut = cutoff(now, period.as_ref(), &held);
                let from = cut.map_or(i64::MIN, Timestamp::as_microsecond);
                first_kept.extend(self.store.journal_first(id, kind, from).await?);
                match (&period, id) {
                    (_, "") => {}
                    (None, _) => plan.keeps.push(Keeps { facility: named(name), why: Why::NoPeriod(kind) }),
                    (Some(period), _) => {
                        let of = named(name).map_or_else(String::new, |name| format!("{name}："));
                        plan.rules.push(format!("{of}{}{}年（{}）", kind.label().ja, period.years, period.basis));
                    }
                }
            }
            cutoffs.push((id.to_owned(), name.to_owned(), of_kinds));
        }
        let mut last = last_to_go(first_kept, sealed);
        if let Some(first) = self.store.journal_first_of_strangers(last).await? {
            last = last_to_go([first], last);
            plan.keeps.push(Keeps { facility: None, why: Why::Stranger });
        }
        let (Some((until, hash)), true) = (self.store.journal_at(last).await?, last > floor) else { return Ok(plan) };
        let since = self.store.journal_at(floor + 1).await?.map_or(until, |(at, _)| at);
        plan.span = Some((floor + 1, last));
        plan.days = Some((day_in_japan(at(since)), day_in_japan(at(until))));
        (plan.entries, plan.accesses) = self.store.journal_counts((floor + 1, last)).await?;
        (plan.hash, plan.made) = (hash, (since, until));
        for (id, name, [journal, accesses]) in cutoffs {
            let (Some(journal), Some(accesses)) = (journal, accesses) else { continue };
            let originals = accesses.as_microsecond().min(until);
            plan.originals += self.store.arrival_count(&id, originals).await?;
            let mut keys = journal.min(accesses);
            if let Some(kept) = self.store.journal_earliest(&id, last).await? {
                keys = keys.min(at(kept));
            }
            let keys = month(keys);
            let months = self.store.seal_key_months(&id, &keys).await?;
            let of = named(&name).filter(|name| !name.is_empty()).map_or_else(String::new, |name| format!("{name} "));
            plan.months.extend(months.into_iter().map(|month| format!("{of}{month}")));
            plan.bounds.originals.insert(id.clone(), originals);
            plan.bounds.keys.insert(id, keys);
        }
        // The installation's own months are those of one facility, too.
        plan.months.sort();
        plan.months.dedup();
        Ok(plan)
    }

    /// Records of incidents without a result.
    async fn open_incidents(&self, facility: &str) -> Result<Vec<(String, String)>> {
        let Some(records) = ledger("records") else { return Ok(Vec::new()) };
        let rows = self.store.row_match(records, facility, "kind", "incident").await?;
        let open = rows.into_iter().filter(|row| !row.row.contains_key("result"));
        let title = |row: &store::StoredRow| row.row.get("title").map(ToString::to_string).unwrap_or_default();
        Ok(open.map(|row| (row.key.clone(), title(&row))).collect())
    }

    /// Every disposal, the newest first.
    ///
    /// # Errors
    /// Any store error.
    pub async fn disposals_of_records(&self) -> Result<Vec<Disposal>> {
        Ok(self.store.disposal_list().await?.into_iter().map(disposal).collect())
    }

    /// Asks for what would go today to be disposed of.
    ///
    /// # Errors
    /// [`Error::Fields`] (RET-002) without a reason; RET-003 when nothing may go; [`Error::Conflict`] while another one
    /// waits or is under way.
    pub async fn disposal_ask(&self, by: &Actor, facility: &str, reason: &str) -> Result<Disposal> {
        let reason = tidy(reason);
        if reason.is_empty() {
            return Err(no_reason());
        }
        let plan = self.disposal_plan().await?;
        let Some(span) = plan.span else { return Err(nothing(&plan)) };
        let row = DisposalRow {
            id: Uuid::now_v7().to_string(),
            facility: facility.to_owned(),
            state: "asked".to_owned(),
            span,
            hash: plan.hash,
            made: plan.made,
            counts: (plan.entries, plan.accesses, plan.originals),
            rules: plan.rules.join("\n"),
            months: plan.months.join("\n"),
            bounds: plan.bounds,
            reason,
            asked: (by.name.clone(), self.now().as_microsecond()),
            decided: None,
            why: None,
            done: None,
        };
        let mut tx = self.store.begin(by, facility, self.now()).await?;
        tx.disposal_insert(&row).await?;
        tx.record(told(Event::new("retention.ask", span_of(&row)), &row).with("reason", &row.reason));
        tx.commit().await?;
        Ok(disposal(row))
    }

    /// Approves a disposal that waits, by the hash of what was shown. From now on the journal begins behind it, and
    /// whoever seals carries it out.
    ///
    /// # Errors
    /// [`Error::Conflict`] when it does not wait any more, or reads otherwise than it was shown; RET-003 when something
    /// keeps it by now.
    pub async fn disposal_approve(&self, by: &Actor, id: &str, shown_sha256: &str) -> Result<Disposal> {
        let row = self.disposal_waiting(id).await?;
        let shown = disposal(row.clone());
        if shown.shown_sha256 != shown_sha256 {
            let message = "承認できませんでした。表示された後に、処分の内容が変わっています。もう一度表示し、確かめてから承認してください。";
            return Err(Error::Conflict { message: message.to_owned() });
        }
        let mut tx = self.store.begin(by, &row.facility, self.now()).await?;
        tx.disposal_approve(id, &by.name, &row.hash).await?;
        // Nobody adds a hold or a case from here on until this is decided.
        let plan = self.what_may_go().await?;
        if plan.span.is_none_or(|(first, last)| first != row.span.0 || last < row.span.1) {
            return Err(nothing(&plan));
        }
        let event = told(Event::new(DISPOSE, span_of(&row)), &row)
            .with("first", row.span.0)
            .with("last", row.span.1)
            .with("hash", &row.hash)
            .with("reason", &row.reason)
            .with("asked_by", &row.asked.0)
            .with("asked_on", day_in_japan(at(row.asked.1)))
            .with("shown_sha256", shown_sha256);
        let alone = by.name == row.asked.0;
        tx.record(if alone { event.with("sole", "yes") } else { event });
        tx.commit().await?;
        let approved = self.store.disposal_list().await?.into_iter().find(|row| row.id == id);
        approved.map(disposal).ok_or_else(|| Error::NotFound { what: "記録の処分".to_owned() })
    }

    /// Takes back or sends back a disposal that waits.
    ///
    /// # Errors
    /// [`Error::Fields`] (RET-002) without a reason; [`Error::Conflict`] when it does not wait any more.
    pub async fn disposal_withdraw(&self, by: &Actor, id: &str, why: &str) -> Result<()> {
        let why = tidy(why);
        if why.is_empty() {
            return Err(no_reason());
        }
        let row = self.disposal_waiting(id).await?;
        let mut tx = self.store.begin(by, &row.facility, self.now()).await?;
        tx.disposal_withdraw(id, &by.name, &why).await?;
        tx.record(Event::new("retention.withdraw", span_of(&row)).with("reason", why));
        Ok(tx.commit().await?)
    }

    async fn disposal_waiting(&self, id: &str) -> Result<DisposalRow> {
        let found = self.store.disposal_list().await?.into_iter().find(|row| row.id == id && row.state == "asked");
        found.ok_or_else(|| Error::NotFound { what: "承認待ちの処分".to_owned() })
    }

    /// The number of the last entry that was disposed of; 0 when none was.
    ///
    /// # Errors
    /// Any store error.
    pub async fn disposed_up_to(&self) -> Result<i64> {
        Ok(self.store.journal_floor().await?.seq)
    }

    /// The day up to which records were disposed of, if any were.
    ///
    /// # Errors
    /// Any store error.
    pub async fn disposed_until(&self) -> Result<Option<Date>> {
        let all = self.store.disposal_list().await?;
        let gone = all.into_iter().filter(|row| matches!(row.state.as_str(), "approved" | "done"));
        Ok(gone.map(|row| day_in_japan(at(row.made.1))).max())
    }

    /// Goes on with a disposal that was approved: prunes the sealed log, then removes rows, a few steps at a time. Whether
    /// there is more to do.
    ///
    /// # Errors
    /// JRN-004 when the log cannot be pruned; any store error. It goes on where it stopped.
    pub async fn disposal_carry_out(&self, sealer: &mut Sealer) -> Result<bool> {
        let floor = self.store.journal_floor().await?;
        if floor.done && sealer.is_swept(floor.seq) {
            return Ok(false);
        }
        // A log that was put back to before a disposal is pruned again, whether that is done or not.
        let root = match self.prune_log(sealer, floor.seq).await? {
            Some(root) => hex(&root),
            None if floor.done => return Ok(false),
            None => return Ok(true),
        };
        if floor.done {
            return Ok(false);
        }
        let all = self.store.disposal_list().await?;
        let Some(row) = all.into_iter().find(|row| row.state == "approved") else { return Ok(false) };
        for _ in 0..STEPS {
            if !self.store.disposal_step(&row).await? {
                let mut tx = self.store.begin(&Actor::new("sakimori"), &row.facility, self.now()).await?;
                tx.disposal_done(&row.id, &root).await?;
                tx.record(told(Event::new("journal.disposed", span_of(&row)), &row).with("root", root));
                tx.commit().await?;
                self.store.analyze().await?;
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// What a disposal is about, in short.
fn span_of(row: &DisposalRow) -> String {
    format!("{}–{}", row.span.0, row.span.1)
}

/// The details that every entry about a disposal tells.
fn told(event: Event, row: &DisposalRow) -> Event {
    let day = |microsecond| day_in_japan(at(microsecond));
    let (own, accesses, originals) = row.counts;
    event
        .with("since", day(row.made.0))
        .with("until", day(row.made.1))
        .with("entries", own)
        .with("accesses", accesses)
        .with("originals", originals)
        .with("months", row.months.replace('\n', ", "))
        .with("basis", row.rules.replace('\n', "、"))
}

/// The refusal to dispose of anything.
fn nothing(plan: &Plan) -> Error {
    let why: Vec<String> = plan.keeps.iter().map(|keeps| keeps.why.say(Lang::Ja)).collect();
    let why = if why.is_empty() {
        "保存期間の過ぎた記録が、まだ256件ありません".to_owned()
    } else {
        why.join("。")
    };
    Error::invalid(
        "RET-003",
        format!("処分できる記録がありません。{why}。保存期間と、処分を止めているものを確かめてください。"),
    )
}
