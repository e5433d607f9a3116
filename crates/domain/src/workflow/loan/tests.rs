//! Loans: the cases people know, and what no sequence of acts may lead to.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

use jiff::civil::date;
use proptest::prelude::*;

use super::*;

const TODAY: Date = date(2026, 11, 22);

fn word(text: &str) -> Value {
    Value::Text(text.to_owned())
}

fn device() -> Row {
    Row::from([("no", word("PC-1")), ("name", word("訪問用ノート")), ("status", word("in_use"))])
}

fn lend(place: Place) -> Lend {
    Lend { borrower: "山田".into(), place, ..Lend::default() }
}

fn of<'a>(change: &'a Change, ledger: &str) -> &'a Row {
    &change.rows.iter().find(|(name, _)| *name == ledger).unwrap().1
}

#[test]
fn at_the_counter_device_and_borrower_are_enough() {
    let change = open("L-0001", &device(), &[], &lend(Place::Inside), "受付", TODAY).unwrap();
    let loan = of(&change, "loans");
    assert_eq!((loan["state"].clone(), loan["due_on"].clone()), (word("lent"), Value::Date(TODAY)));
    assert_eq!((loan["lent_by"].clone(), loan["device"].clone()), (word("受付"), word("PC-1")));
    assert_eq!(of(&change, "devices")["status"], word("lent"));
    assert_eq!(change.event.details["devices.status"], "in_use → lent");
    let error = open("L-0002", &device(), std::slice::from_ref(loan), &lend(Place::Inside), "受付", TODAY).unwrap_err();
    assert_eq!(
        error.to_string(),
        "貸出を登録できませんでした（LOAN-003）。この機器は11月22日から山田さんに貸出中です。返却を先に登録してください。"
    );
    let back = take_back(loan, of(&change, "devices"), "", "", "受付", TODAY).unwrap();
    assert_eq!(of(&back, "loans")["state"], word("returned"));
    assert_eq!(of(&back, "devices")["status"], word("in_use"));
}

#[test]
fn out_of_the_house_it_takes_an_approval_and_a_look_on_return() {
    let applied = open("L-1", &device(), &[], &lend(Place::Outside), "山田", TODAY).unwrap();
    assert_eq!(applied.rows.len(), 1, "the device stays where it is");
    let applied = of(&applied, "loans");
    assert_eq!(hand_over(applied, &device(), &[], "受付", TODAY).unwrap_err().code, "FLOW-001");
    let approved = approve(applied, &device(), &[], "院長（in）", TODAY).unwrap();
    let approved = of(&approved, "loans");
    assert_eq!(approved["sole"], Value::YesNo(false));
    let lent = hand_over(approved, &device(), &[], "受付", TODAY).unwrap();
    let (loan, out) = (of(&lent, "loans"), of(&lent, "devices"));
    assert_eq!(take_back(loan, out, "", "", "受付", TODAY).unwrap_err().code, "LOAN-008");
    assert_eq!(take_back(loan, out, "good+damaged", "", "受付", TODAY).unwrap_err().code, "LOAN-009");
    assert!(take_back(loan, out, "good+scanned", "", "受付", TODAY).is_ok());
}

#[test]
fn patient_data_leave_encrypted_or_with_a_reason() {
    let asked = Lend { patient_data: Some(true), ..lend(Place::Outside) };
    let error = open("L-1", &device(), &[], &asked, "山田", TODAY).unwrap_err();
    assert_eq!(error.code, "LOAN-005");
    let mut encrypted = device();
    encrypted.insert("encrypted", Value::YesNo(true));
    let applied = open("L-1", &encrypted, &[], &asked, "山田", TODAY).unwrap();
    encrypted.insert("encrypted", Value::YesNo(false));
    assert_eq!(approve(of(&applied, "loans"), &encrypted, &[], "院長", TODAY).unwrap_err().code, "LOAN-005");
    let reasoned =
        Lend { unencrypted_reason: "機器が対応せず、施錠した鞄で運ぶ".into(), ..asked.clone() };
    assert!(open("L-1", &device(), &[], &reasoned, "山田", TODAY).is_ok());
    assert!(open("L-1", &device(), &[], &Lend { place: Place::Inside, ..asked }, "山田", TODAY).is_ok());
}

#[test]
fn a_lost_device_is_an_incident_and_may_be_found() {
    let lent = open("L-1", &device(), &[], &lend(Place::Inside), "受付", TODAY).unwrap();
    let out = of(&lent, "devices");
    let lost = lose("I-0001", out, Some(of(&lent, "loans")), "駅で鞄ごと", "山田", TODAY).unwrap();
    assert_eq!(of(&lost, "records")["kind"], word("incident"));
    assert_eq!((lost.event.action.as_str(), lost.event.subject.as_str()), ("devices.lose", "PC-1"));
    let gone = of(&lost, "devices");
    assert_eq!(gone["status"], word("lost"));
    assert_eq!(lose("I-0002", gone, None, "また", "山田", TODAY).unwrap_err().code, "LOAN-002");
    assert_eq!(lose("I-0002", out, None, " ", "山田", TODAY).unwrap_err().code, "LOAN-010");
    assert_eq!(open("L-2", gone, &[], &lend(Place::Inside), "受付", TODAY).unwrap_err().code, "LOAN-002");
    let found = take_back(of(&lost, "loans"), gone, "good+scanned", "交番に届いていた", "受付", TODAY).unwrap();
    assert_eq!(of(&found, "devices")["status"], word("in_use"));
}

#[test]
fn what_was_sent_back_is_amended_and_days_make_sense() {
    let applied = open("L-1", &device(), &[], &lend(Place::Outside), "山田", TODAY).unwrap();
    assert_eq!(send_back(of(&applied, "loans"), "").unwrap_err().code, "FLOW-002");
    let back = send_back(of(&applied, "loans"), "目的を書いてください").unwrap();
    let back = of(&back, "loans");
    let with_purpose = Lend { purpose: "訪問診療".into(), ..lend(Place::Outside) };
    let again = amend(back, &device(), &[], &with_purpose, "山田", TODAY).unwrap();
    assert_eq!((again.event.action.as_str(), again.event.subject.as_str()), ("loans.amend", "L-1"));
    assert_eq!(of(&again, "loans").get("decision_reason"), None);
    assert_eq!(amend(of(&again, "loans"), &device(), &[], &with_purpose, "山田", TODAY).unwrap_err().code, "FLOW-001");
    let backwards = Lend { due_on: Some(date(2026, 11, 21)), ..lend(Place::Inside) };
    assert_eq!(open("L-2", &device(), &[], &backwards, "受付", TODAY).unwrap_err().code, "LOAN-004");
    let later = Lend { from_on: Some(date(2026, 12, 1)), ..lend(Place::Outside) };
    let booked = open("L-3", &device(), &[], &later, "山田", TODAY).unwrap();
    let booked = approve(of(&booked, "loans"), &device(), &[], "院長", TODAY).unwrap();
    let booked = of(&booked, "loans");
    assert_eq!(hand_over(booked, &device(), &[], "受付", TODAY).unwrap_err().code, "LOAN-007");
    let until_then = Lend { due_on: Some(date(2026, 12, 1)), ..lend(Place::Inside) };
    let promised = open("L-4", &device(), std::slice::from_ref(booked), &until_then, "受付", TODAY).unwrap_err();
    assert!(promised.to_string().contains("12月1日から12月1日まで山田さんが持ち出すこと"), "{promised}");
    assert!(open("L-4", &device(), std::slice::from_ref(booked), &lend(Place::Inside), "受付", TODAY).is_ok());
    let too_late = hand_over(booked, &device(), &[], "受付", date(2026, 12, 2)).unwrap_err();
    assert_eq!(too_late.code, "LOAN-004", "what was approved has run out");
}

/// One device, its loans, and a day that only moves on.
struct Desk {
    device: Row,
    loans: Vec<Row>,
    today: Date,
}

impl Desk {
    fn others(&self, but: Option<usize>) -> Vec<Row> {
        self.loans.iter().enumerate().filter(|(n, _)| Some(*n) != but).map(|(_, l)| l.clone()).collect()
    }

    /// Does an act, if it may be done; the event then.
    fn act(&mut self, kind: u8, at: usize, who: u8, days: i32) -> Option<Change> {
        let who = ["山田", "佐藤（sato）", "院長"][usize::from(who) % 3];
        let at = (!self.loans.is_empty()).then(|| at % self.loans.len());
        let loan = at.map(|n| self.loans[n].clone()).unwrap_or_default();
        let asked = Lend {
            borrower: who.into(),
            place: if days % 2 == 0 { Place::Inside } else { Place::Outside },
            from_on: Some(crate::evaluate::plus(self.today, days % 5)),
            due_on: Some(crate::evaluate::plus(self.today, days % 5 + days % 3)),
            ..Lend::default()
        };
        let (device, others, today) = (self.device.clone(), self.others(at), self.today);
        let change = match kind {
            0 | 1 => open(&format!("L-{}", self.loans.len() + 1), &device, &self.others(None), &asked, who, today),
            2 => amend(&loan, &device, &others, &asked, who, today),
            3 => approve(&loan, &device, &others, who, today),
            4 => send_back(&loan, "理由"),
            5 | 6 => hand_over(&loan, &device, &others, who, today),
            7 => take_back(&loan, &device, "good", "", who, today),
            8 => cancel(&loan, ""),
            9 => {
                let lent = self.loans.iter().find(|l| l["state"] == word("lent"));
                lose("I-1", &device, lent, "なくした", who, today)
            }
            _ => {
                self.today = crate::evaluate::plus(self.today, days);
                return None;
            }
        };
        let change = change.ok()?;
        for (ledger, row) in &change.rows {
            match *ledger {
                "devices" => self.device = row.clone(),
                "loans" => match self.loans.iter_mut().find(|l| l["no"] == row["no"]) {
                    Some(stored) => *stored = row.clone(),
                    None => self.loans.push(row.clone()),
                },
                _ => {}
            }
        }
        Some(change)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]
    #[test]
    fn no_sequence_of_acts_breaks_the_rules(
        acts in prop::collection::vec((0_u8..12, 0_usize..6, 0_u8..3, 0_i32..9), 1..60)
    ) {
        let mut desk = Desk { device: device(), loans: Vec::new(), today: TODAY };
        for (kind, at, who, days) in acts {
            let before = desk.loans.clone();
            let change = desk.act(kind, at, who, days);
            let lent = desk.loans.iter().filter(|l| l["state"] == word("lent")).count();
            prop_assert!(lent <= 1, "one device, one borrower");
            prop_assert_eq!(desk.device["status"] == word("lent"), lent == 1, "the device follows");
            for (old, new) in before.iter().zip(&desk.loans) {
                if ["returned", "cancelled"].iter().any(|over| old["state"] == word(over)) {
                    prop_assert_eq!(old, new, "what is over stays");
                }
            }
            for loan in desk.loans.iter().filter(|l| l.contains_key("approved_by")) {
                let alone = approval::same_person(
                    text(loan, "approved_by").unwrap(),
                    text(loan, "applied_by").unwrap_or_default(),
                );
                prop_assert_eq!(&loan["sole"], &Value::YesNo(alone), "a lone approval is marked");
            }
            for loan in desk.loans.iter().filter(|l| l["state"] == word("lent") && l["place"] == word("outside")) {
                prop_assert!(loan.contains_key("approved_by"), "nothing leaves the house unapproved");
            }
            if let Some(change) = change.filter(|c| c.event.action == "loans.approve") {
                prop_assert!(change.event.details.contains_key("sole"), "{:?}", change.event);
            }
        }
    }
}
