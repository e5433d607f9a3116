//! The demonstration's access log: a week of a clinic, with what a review has to find in it.
//!
//! Everything is counted, nothing drawn by lot, so that the same day gives the same week. Patients are numbers; nobody
//! has a name.

use domain::access::{Access, Act, Exposure, Outcome};
use domain::evaluate::plus;
use domain::jp::start_in_japan;
use jiff::Timestamp;
use jiff::civil::Date;

/// Who works with records: user id, name, terminal, records a day.
const STAFF: [(&str, &str, &str, usize); 8] = [
    ("watanabe", "渡邉 正彦", "PC-001", 14),
    ("hamada", "濵田 隆", "PC-002", 11),
    ("saito", "齋藤 美咲", "PC-004", 12),
    ("yamazaki", "山﨑 真理", "PC-004", 10),
    ("lan", "グエン・ティ・ラン", "PC-005", 6),
    ("henmi", "邊見 千尋", "PC-006", 9),
    ("hasegawa", "長谷川 玲奈", "PC-003", 15),
    ("sasaki", "佐々木 ひかり", "PC-003", 13),
];
/// Kinds of records.
const RECORDS: [&str; 4] = ["診療録", "検査結果", "処方", "看護記録"];
/// The colleague who became a patient.
const COLLEAGUE: &str = "0004127";

/// One source's accesses.
pub(super) struct Feed {
    pub(super) source: &'static str,
    pub(super) accesses: Vec<Access>,
}

impl Feed {
    /// Adds one on a day at a time of day in Japan.
    fn add(
        &mut self,
        day: Date,
        (hour, minute, second): (i64, i64, i64),
        user: (&str, &str, &str),
        act: Act,
    ) -> &mut Access {
        let at = start_in_japan(day).as_second() + hour * 3_600 + minute * 60 + second;
        let at = Timestamp::from_second(at).unwrap_or_default();
        let mut access = Access::new(at, self.source, user.0, act);
        access.user_name = Some(user.1.to_owned());
        access.terminal = Some(user.2.to_owned());
        self.accesses.push(access);
        let last = self.accesses.len() - 1;
        // It was pushed just now.
        #[expect(clippy::indexing_slicing, reason = "the last of a list that is not empty")]
        &mut self.accesses[last]
    }
}

fn patient(number: usize) -> Option<String> {
    Some(format!("{:07}", 1_000 + number * 37 % 900))
}

/// The week before `today`.
pub(super) fn week(today: Date) -> Vec<Feed> {
    let mut chart = Feed { source: "EMR-LOG", accesses: Vec::new() };
    let mut claims = Feed { source: "REZ-LOG", accesses: Vec::new() };
    for back in (1..=7).rev() {
        let day = plus(today, -back);
        if day.weekday() == jiff::civil::Weekday::Sunday {
            continue;
        }
        ordinary(&mut chart, day, back);
    }
    let on = |back: i32| plus(today, -back);
    planned_and_unplanned(&mut chart, on(5), on(3));
    curious(&mut chart, on(4), on(3));
    leaver(&mut chart, on(4));
    emergency(&mut chart, on(2));
    claims_office(&mut claims, on(2), on(1));
    chart.accesses.sort_by_key(|access| access.at);
    claims.accesses.sort_by_key(|access| access.at);
    // The chart numbers its events; two of them never came.
    let numbers = (88_001_usize..).filter(|n| !(88_120..88_122).contains(n));
    for (access, number) in chart.accesses.iter_mut().zip(numbers) {
        access.source_id = Some(number.to_string());
    }
    vec![chart, claims]
}

fn ordinary(chart: &mut Feed, day: Date, back: i32) {
    for (place, (user, name, terminal, records)) in STAFF.into_iter().enumerate() {
        let user = (user, name, terminal);
        let start = 8 + i64::try_from(place % 2).unwrap_or_default();
        chart.add(day, (start, 20 + 3 * i64::try_from(place).unwrap_or_default(), 5), user, Act::SignIn);
        for n in 0..records {
            // Three at most have to do with the same patient.
            let number = place / 3 * 250 + usize::try_from(back).unwrap_or_default() * 20 + n;
            let minutes = i64::try_from(n * 480 / records + place * 3).unwrap_or_default();
            let time = (start + 1 + minutes / 60, minutes % 60, i64::try_from(n * 7 % 60).unwrap_or_default());
            if n % 4 == 0 {
                let listed = chart.add(day, time, user, Act::Search);
                (listed.patient, listed.exposure) = (patient(number + 1), Exposure::Listed);
            }
            let act = if n % 5 == 3 { Act::Update } else { Act::Read };
            let opened = chart.add(day, (time.0, time.1, time.2 + 9), user, act);
            opened.patient = patient(number);
            opened.resource = RECORDS.get(n % RECORDS.len()).map(|record| (*record).to_owned());
            opened.relation = Some("外来受付".to_owned());
        }
        if place == 1 {
            chart.add(day, (8, 19, 40), user, Act::SignIn).outcome = Outcome::Refused;
        }
    }
}

/// The vendor came twice: once as planned, once at night without a plan.
fn planned_and_unplanned(chart: &mut Feed, planned: Date, unplanned: Date) {
    let vendor = ("vendor", "架空メディカル 保守担当", "VPN-01");
    for n in 0..6 {
        let work = chart.add(planned, (13, 5 + n * 8, 0), vendor, Act::Maintain);
        (work.resource, work.plan) = (Some("薬剤マスタ".to_owned()), Some("W-031".to_owned()));
    }
    for n in 0..9 {
        let work = chart.add(unplanned, (22, 31 + n * 3, 0), vendor, Act::Maintain);
        work.resource = Some("データベース".to_owned());
    }
}

/// A colleague was seen as a patient; others looked, without a reason of their work.
fn curious(chart: &mut Feed, first: Date, second: Date) {
    for (n, (user, name, terminal, _)) in STAFF.into_iter().enumerate().skip(1) {
        let day = if n % 3 == 0 { second } else { first };
        let minute = 2 + 6 * i64::try_from(n).unwrap_or_default();
        let look = chart.add(day, (12, minute, 30), (user, name, terminal), Act::Read);
        (look.patient, look.resource) = (Some(COLLEAGUE.to_owned()), Some("診療録".to_owned()));
    }
}

/// The radiographer left in spring; the account is still used.
fn leaver(chart: &mut Feed, day: Date) {
    let user = ("ito", "伊藤 慎吾", "PC-007");
    chart.add(day, (19, 38, 12), user, Act::SignIn);
    for n in 0..12 {
        let look = chart.add(day, (19, 40 + n, 0), user, Act::Read);
        (look.patient, look.resource) =
            (patient(300 + usize::try_from(n).unwrap_or_default()), Some("検査結果".to_owned()));
    }
}

/// Somebody unconscious was brought in; the physician overrode the restriction.
fn emergency(chart: &mut Feed, day: Date) {
    let open = chart.add(day, (16, 48, 0), ("hamada", "濵田 隆", "PC-002"), Act::Emergency);
    open.patient = patient(512);
    open.resource = Some("診療録".to_owned());
    open.purpose = Some("ETREAT".to_owned());
    open.reason = Some("救急搬送。意識がなく、既往と処方を確かめるため".to_owned());
}

/// Claims: everybody at the desk shares one account, and somebody took a list of patients out at night.
fn claims_office(claims: &mut Feed, desk: Date, night: Date) {
    for n in 0..24 {
        let terminal = if n % 2 == 0 { "PC-003" } else { "PC-008" };
        let entry = claims.add(desk, (10, n * 2, 0), ("admin", "受付共用", terminal), Act::Update);
        (entry.patient, entry.resource) =
            (patient(usize::try_from(n).unwrap_or_default() * 9), Some("会計".to_owned()));
    }
    let user = ("sasaki", "佐々木 ひかり", "PC-003");
    claims.add(night, (2, 11, 8), user, Act::SignIn);
    for (minute, records) in [(13, 260), (19, 224)] {
        let taken = claims.add(night, (2, minute, 0), user, Act::Export);
        (taken.resource, taken.records) = (Some("患者一覧".to_owned()), Some(records));
    }
}
