//! What may go today, and what keeps the rest: the rules of [`domain::retention`] over what is stored.

use domain::jp::day_in_japan;
use domain::ledger::ledger;
use domain::retention::{Bounds, Hold, Kind, Period, cutoff, last_to_go, month};
use domain::text::Lang;
use jiff::Timestamp;
use jiff::civil::Date;
use store::HoldRow;

use super::at;
use crate::App;
use crate::error::{Error, Result};

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
                (false, Some(from)) => format!("処分の停止（{from}以降）：{reason}"),
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
    pub(super) hash: String,
    pub(super) made: (i64, i64),
    pub(super) bounds: Bounds,
}

impl App {
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

    pub(super) async fn what_may_go(&self) -> Result<Plan> {
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
}

/// The refusal to dispose of anything.
pub(super) fn nothing(plan: &Plan) -> Error {
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
