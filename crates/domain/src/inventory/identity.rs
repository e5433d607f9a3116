//! Which known machine a report is about, where an agent's id alone does not say it.
//!
//! An id belongs to one machine until somebody copies a disk: then two machines report under one id, and what one
//! says would overwrite the other. Serial number, MAC address and host name tell them apart; a report that carries
//! none of them is not guessed.

use super::reconcile::{Key, Seen};

/// The machine that a report is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner<'a> {
    /// This one: [`Seen::id`] of a known machine.
    Known(&'a str),
    /// One that has not reported before.
    New,
    /// One of several, and nothing says which.
    Unclear,
}

/// What identifies a machine, strongest first. A name and a mainboard change now and then, hardly ever both at once.
const IDENTITY: [Key; 3] = [Key::Serial, Key::Mac, Key::Hostname];

/// How a report compares with a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Likeness {
    /// At least two of the three are on both sides, and all of these differ.
    Different,
    /// One is on both sides and differs: a new name, a new mainboard, or another machine.
    Doubtful,
    /// They have nothing in common that could be compared.
    Silent,
    /// At least one is the same; the greater number is the stronger one.
    Same(u8),
}

/// Finds the machine among `known`, those that report under the id of the report. A `partial` report that differs in
/// the one thing it says is taken for another machine, because it follows a full one that would have told of the
/// change.
pub fn owner<'a>(known: &'a [Seen], report: &Seen, partial: bool) -> Owner<'a> {
    let compared: Vec<(Likeness, &Seen)> = known.iter().map(|machine| (likeness(machine, report), machine)).collect();
    let with = |likeness: Likeness| compared.iter().filter(move |(l, _)| *l == likeness).map(|(_, m)| m.id.as_str());
    let best = compared.iter().map(|(likeness, _)| *likeness).max();
    match best {
        None | Some(Likeness::Different) => Owner::New,
        Some(Likeness::Doubtful) if partial => Owner::New,
        Some(best) => {
            let mut fitting = with(best);
            match (fitting.next(), fitting.next(), best) {
                (Some(only), None, Likeness::Same(_)) => Owner::Known(only),
                (Some(only), None, _) if known.len() == 1 => Owner::Known(only),
                _ => Owner::Unclear,
            }
        }
    }
}

fn likeness(machine: &Seen, report: &Seen) -> Likeness {
    let mut compared = 0;
    for (key, strength) in IDENTITY.into_iter().zip([2, 1, 0]) {
        let (theirs, own) = (machine.values(key), report.values(key));
        if theirs.is_empty() || own.is_empty() {
            continue;
        }
        if own.iter().any(|value| theirs.contains(value)) {
            return Likeness::Same(strength);
        }
        compared += 1;
    }
    match compared {
        0 => Likeness::Silent,
        1 => Likeness::Doubtful,
        _ => Likeness::Different,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use proptest::prelude::*;

    fn seen(id: &str, serial: &str, mac: &str, hostname: &str) -> Seen {
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Seen {
            id: id.to_owned(),
            hostname: some(hostname),
            serial: some(serial),
            macs: some(mac).into_iter().collect(),
            ips: Vec::new(),
        }
    }

    const MAC_1: &str = "02:00:5e:00:53:01";
    const MAC_2: &str = "02:00:5e:00:53:02";

    #[test]
    fn one_machine_under_an_id_may_change_one_thing() {
        let known = [seen("x", "AAA111", MAC_1, "pc-1")];
        for (report, partial, owner_is) in [
            (seen("x", "AAA111", MAC_2, "pc-9"), false, Owner::Known("x")),
            (seen("x", "BBB222", "", "pc-1"), false, Owner::Known("x")),
            (seen("x", "", "", "pc-9"), false, Owner::Known("x")),
            (seen("x", "", "", "pc-9"), true, Owner::New),
            (seen("x", "", "", ""), true, Owner::Known("x")),
            (seen("x", "BBB222", "", "pc-2"), false, Owner::New),
            (seen("x", "", MAC_2, "pc-2"), true, Owner::New),
        ] {
            assert_eq!(owner(&known, &report, partial), owner_is, "{report:?}");
        }
        assert_eq!(owner(&[], &seen("x", "", "", ""), false), Owner::New);
    }

    #[test]
    fn of_two_machines_under_an_id_none_is_guessed() {
        let known = [seen("x", "AAA111", MAC_1, "pc-1"), seen("x#BBB222", "BBB222", MAC_2, "pc-2")];
        for (report, owner_is) in [
            (seen("x", "bbb222", "", ""), Owner::Known("x#BBB222")),
            (seen("x", "", "", "PC-1.example.jp"), Owner::Known("x")),
            (seen("x", "", MAC_2, "pc-1"), Owner::Known("x#BBB222")),
            (seen("x", "", "", ""), Owner::Unclear),
            (seen("x", "To be filled by O.E.M.", "", ""), Owner::Unclear),
            (seen("x", "CCC333", "", "pc-3"), Owner::New),
            (seen("x", "", "", "pc-3"), Owner::New),
        ] {
            assert_eq!(owner(&known, &report, true), owner_is, "{report:?}");
        }
        let twins = [seen("x", "", "", "pc-1"), seen("x#2", "", "", "pc-1")];
        assert_eq!(owner(&twins, &seen("x", "", "", "pc-1"), false), Owner::Unclear);
    }

    proptest! {
        #[test]
        fn no_report_of_one_machine_reaches_the_other(
            keep in prop::array::uniform3(any::<bool>()), second in any::<bool>(), partial in any::<bool>(),
        ) {
            let known = [seen("x", "AAA111", MAC_1, "pc-1"), seen("x#BBB222", "BBB222", MAC_2, "pc-2")];
            let whole = &known[usize::from(second)];
            let [serial, mac, hostname] = keep;
            let report = Seen {
                id: "x".to_owned(),
                serial: whole.serial.clone().filter(|_| serial),
                macs: if mac { whole.macs.clone() } else { Vec::new() },
                hostname: whole.hostname.clone().filter(|_| hostname),
                ips: Vec::new(),
            };
            let expected = if serial || mac || hostname { Owner::Known(&whole.id) } else { Owner::Unclear };
            prop_assert_eq!(owner(&known, &report, partial), expected);
        }
    }
}
