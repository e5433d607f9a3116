//! Facilities made of random rows: what has to hold whatever people write down.

use app::{App, Assessment};
use domain::catalog::Catalogs;
use domain::evaluate::plus;
use domain::fact::FACTS;
use domain::journal::Event;
use domain::ledger::{Column, Kind, LEDGERS, Ledger, Row, Value};
use jiff::civil::{Date, date};
use jiff::tz::TimeZone;
use store::MachineRow;
use testkit::actor;

use super::{Site, canonical, judged, on_each};

const TODAY: Date = date(2026, 11, 22);
const SYSTEMS: &[&str] = &[
    "Windows 7 Professional",
    "Windows 10 Pro 22H2",
    "Windows 11 Pro 25H2",
    "Windows Server 2012 R2",
    "Windows Server 2022 Standard",
    "Debian GNU/Linux 12 (bookworm)",
    "FortiOS 6.0.4",
    "架空OS 3",
];
const WORDS: &[&str] = &["受付", "診察室1", "架空メディカル", "K1", "K2", "髙橋", "なぞ", "=1+1"];

/// A reproducible source of chance (SplitMix64).
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.roll() % u64::try_from(n).unwrap()).unwrap()
    }

    fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }

    /// A day around today, now and then in the future.
    fn day(&mut self) -> Date {
        let back = if self.chance(50) { 40 } else { 800 };
        plus(TODAY, 30 - i32::try_from(self.below(back)).unwrap())
    }
}

/// The keys that rows of other ledgers can refer to, by ledger.
type Known = Vec<(&'static str, Vec<String>)>;

fn known<'k>(known: &'k Known, ledger: &str) -> &'k [String] {
    known.iter().find(|(name, _)| *name == ledger).map_or(&[], |(_, keys)| keys)
}

fn cell(dice: &mut Dice, column: &Column, keys: &Known, n: usize) -> Value {
    let word = |dice: &mut Dice| Value::Text((*dice.pick(WORDS)).to_owned());
    match column.kind {
        Kind::Text if column.name == "os" => Value::Text((*dice.pick(SYSTEMS)).to_owned()),
        Kind::Text if column.name == "requirement" => {
            let catalogs = &Catalogs::embedded().catalogs;
            let all: Vec<&str> = catalogs.iter().flat_map(|c| c.requirements()).map(|r| r.id.as_str()).collect();
            Value::Text((*dice.pick(&all)).to_owned())
        }
        Kind::Text if column.required => Value::Text(format!("K{n}")),
        Kind::Text => word(dice),
        Kind::Date => Value::Date(dice.day()),
        Kind::YesNo => Value::YesNo(dice.chance(60)),
        Kind::Integer => Value::Integer(i64::try_from(dice.below(16)).unwrap()),
        Kind::Choice(of) => Value::Text(dice.pick(of).code.to_owned()),
        Kind::Set(of) => {
            let mut codes: Vec<&str> = of.iter().filter(|_| dice.chance(25)).map(|c| c.code).collect();
            if codes.is_empty() {
                codes.push(dice.pick(of).code);
            }
            Value::Text(codes.join("+"))
        }
        Kind::Ref(to) => match known(keys, to.ledger) {
            [] => word(dice),
            some if to.strict || dice.chance(80) => Value::Text(dice.pick(some).clone()),
            _ => word(dice),
        },
    }
}

fn random_rows(dice: &mut Dice, of: &'static Ledger, keys: &Known) -> Vec<(String, Row)> {
    let count = if dice.chance(15) { 0 } else { 1 + dice.below(7) };
    let stated = 30 + dice.below(70);
    let mut rows: Vec<(String, Row)> = Vec::new();
    for n in 1..=count {
        let mut row = Row::new();
        for column in of.columns {
            if column.required || dice.chance(stated) {
                row.insert(column.name, cell(dice, column, keys, n));
            }
        }
        let key = of.row_key(&row).unwrap();
        if !rows.iter().any(|(other, _)| *other == key) {
            rows.push((key, row));
        }
    }
    rows
}

fn random_machine(dice: &mut Dice, devices: &[String], n: usize) -> MachineRow {
    let observed = TODAY.min(dice.day());
    let flag = |dice: &mut Dice| dice.chance(70).then(|| i64::from(dice.chance(70)));
    MachineRow {
        agent_id: format!("machine-{n}"),
        agent: "GLPI-Agent".to_owned(),
        device: (!devices.is_empty() && dice.chance(60)).then(|| dice.pick(devices).clone()),
        kind: (*dice.pick(&["server", "terminal", "network"])).to_owned(),
        hostname: dice.chance(80).then(|| format!("HOST-{n}")),
        os: dice.chance(80).then(|| (*dice.pick(SYSTEMS)).to_owned()),
        observed_on: observed.to_string(),
        patched_on: dice.chance(70).then(|| TODAY.min(dice.day()).to_string()),
        antivirus_on: flag(dice),
        antivirus_current: flag(dice),
        definitions_on: dice.chance(50).then(|| dice.day().to_string()),
        disk_encrypted: flag(dice),
        remote_control: dice.chance(70).then(|| (*dice.pick(&["", "AnyDesk"])).to_owned()),
        hardening_index: dice.chance(50).then_some(60),
        hardening_warnings: dice.chance(50).then(|| i64::try_from(dice.below(3)).unwrap()),
        sections: "{}".to_owned(),
        ..MachineRow::default()
    }
}

/// Fills the installation with `count` facilities, the same ones for the same `seed`.
async fn furnish(app: &App, seed: u64, count: usize) {
    let mut dice = Dice(seed);
    for n in 0..count {
        let mut keys = Known::new();
        for of in LEDGERS {
            let mut rows = random_rows(&mut dice, of, &keys);
            if of.name == "facilities" {
                let mut row = rows.pop().map(|(_, row)| row).unwrap_or_default();
                row.insert("no", Value::Text(format!("F{n:02}")));
                row.insert("name", Value::Text(format!("施設{n}")));
                rows = vec![(of.row_key(&row).unwrap(), row)];
            }
            let back = if dice.chance(70) { 300 } else { 700 };
            let entered = plus(TODAY, -i32::try_from(dice.below(back)).unwrap());
            let now = entered.at(12, 0, 0, 0).to_zoned(TimeZone::get("Asia/Tokyo").unwrap()).unwrap().timestamp();
            let mut tx = app.store.begin(&actor(), &format!("facility-{n:02}"), now).await.unwrap();
            tx.row_upsert(of, &rows, None).await.unwrap();
            keys.push((of.name, rows.into_iter().map(|(key, _)| key).collect()));
            if of.name == "devices" {
                for m in 0..dice.below(6) {
                    tx.machine_upsert(&random_machine(&mut dice, known(&keys, "devices"), m)).await.unwrap();
                }
            }
            tx.record(Event::new("test.put", of.name));
            tx.commit().await.unwrap();
        }
    }
}

/// Every fact with its offenders; fails unless their number is what the tally says.
async fn offenders(site: &Site, assessment: &Assessment) -> Vec<String> {
    let facility = &assessment.evidence.facility;
    let mut lines = Vec::new();
    for fact in FACTS {
        let tally = assessment.evidence.facts.get(fact.name).copied().unwrap_or_default();
        let listed = site.app.store.offender_list(fact.name, &facility.id, TODAY).await.unwrap();
        let bad = i64::try_from(listed.iter().filter(|o| o.bad).count()).unwrap();
        let unknown = i64::try_from(listed.len()).unwrap() - bad;
        assert_eq!((bad, unknown), (tally.bad, tally.unknown), "{} {} {}", site.name, facility.name, fact.name);
        assert!(tally.bad + tally.unknown <= tally.total, "{} {tally:?}", fact.name);
        assert!(listed.is_sorted_by_key(|o| !o.bad), "{}: bad ones first", fact.name);
        lines.push(format!("{} {tally:?} {listed:?}", fact.name));
    }
    lines
}

#[tokio::test]
async fn offenders_are_as_many_as_the_tally_says_and_the_same_on_every_database() {
    let outcomes = on_each(async |site| {
        furnish(&site.app, 7, 30).await;
        let mut all = Vec::new();
        for assessment in site.app.assess_all().await.unwrap() {
            all.push(canonical(&assessment.evidence));
            all.extend(judged(&assessment));
            all.extend(offenders(&site, &assessment).await);
        }
        all
    })
    .await;
    for other in &outcomes[1..] {
        for (one, same) in outcomes[0].iter().zip(other) {
            assert_eq!(one, same);
        }
        assert_eq!(outcomes[0].len(), other.len());
    }
    let seen = |word: &str| outcomes[0].iter().any(|line| line.contains(word));
    assert!([" met ", " unmet ", " unknown ", " due_soon ", " not_applicable "].into_iter().all(seen), "a poor mix");
}

#[tokio::test]
async fn all_at_once_is_one_by_one() {
    on_each(async |site| {
        furnish(&site.app, 11, 5).await;
        let all = site.app.assess_all().await.unwrap();
        assert_eq!(all.len(), 5);
        for together in &all {
            let alone = site.app.assess(&together.evidence.facility).await.unwrap();
            assert_eq!(canonical(&alone.evidence), canonical(&together.evidence), "{}", site.name);
            assert_eq!(judged(&alone), judged(together));
            let listed = site.app.offenders(&alone, &alone.editions()).await.unwrap();
            for found in &listed {
                let tally = alone.evidence.facts[found.fact.name];
                assert_eq!(i64::try_from(found.rows.len()).unwrap(), tally.bad + tally.unknown, "{}", found.fact.name);
            }
        }
    })
    .await;
}
