//! 承認の段階: the steps on the way to an approval. There are three ways and no others; which one a kind of application
//! takes is a setting.
//!
//! Each step is somebody else's: whoever checked does not check or approve again. That whoever asked approves stays
//! allowed, and marked, where the approval is the only step.

use super::Refusal;
use super::approval::same_person;
use crate::authz::Role;
use crate::text::Label;

/// A way to an approval.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Route {
    /// The approval alone, by whoever may approve.
    #[default]
    One,
    /// The security manager checks, the director approves.
    Two,
    /// The operator checks, then the security manager, then the director approves.
    Three,
}

/// Every way: code, name, and whose checks come before the approval.
const ROUTES: [(Route, &str, Label, &[Role]); 3] = [
    (Route::One, "one", Label::new("1段階：承認だけ", "one step: the approval"), &[]),
    (
        Route::Two,
        "two",
        Label::new("2段階：安全管理責任者の確認 → 管理者の承認", "two steps: security manager, then director"),
        &[Role::Admin],
    ),
    (
        Route::Three,
        "three",
        Label::new(
            "3段階：運用担当者の確認 → 安全管理責任者の確認 → 管理者の承認",
            "three steps: operator, security manager, then director",
        ),
        &[Role::Operator, Role::Admin],
    ),
];

const CHECK: &str = "確認を記録できませんでした";
const APPROVE: &str = "承認できませんでした";

impl Route {
    /// Every way, the shortest first.
    pub const ALL: [Self; 3] = [Self::One, Self::Two, Self::Three];

    /// The stable code, as it is stored.
    pub fn code(self) -> &'static str {
        ROUTES.iter().find(|row| row.0 == self).map_or("", |row| row.1)
    }

    /// The name for people.
    pub fn label(self) -> Label {
        ROUTES.iter().find(|row| row.0 == self).map_or(Label::new("", ""), |row| row.2)
    }

    /// The way with this code.
    pub fn parse(code: &str) -> Option<Self> {
        ROUTES.iter().find(|row| row.1 == code).map(|row| row.0)
    }

    /// Whose checks come before the approval, in order.
    pub fn checks(self) -> &'static [Role] {
        ROUTES.iter().find(|row| row.0 == self).map_or(&[], |row| row.3)
    }

    /// Whose check is next after those that were made; `None` when the approval is.
    pub fn next(self, checked: usize) -> Option<Role> {
        self.checks().get(checked).copied()
    }

    /// Whether somebody of a role may give the approval: with steps before it, the director alone.
    pub fn ends_with(self, role: Role) -> bool {
        match self {
            Self::One => role.may(crate::authz::Permission::Approve),
            Self::Two | Self::Three => role == Role::Approver,
        }
    }

    /// Whether somebody may make the next check, after those of `checked`.
    ///
    /// # Errors
    /// `FLOW-008` when it is not their turn, `FLOW-009` when they made one of the others.
    pub fn check(self, checked: &[&str], role: Role, name: &str) -> Result<(), Refusal> {
        match self.next(checked.len()) {
            Some(next) if next == role => {}
            next => return Err(turn(CHECK, next)),
        }
        alone(CHECK, checked, name)
    }

    /// Whether somebody may approve, after the checks of `checked`; `in_place` says that they stand in for who may.
    ///
    /// # Errors
    /// `FLOW-008` when it is not their turn, `FLOW-009` when they made one of the checks.
    pub fn approve(self, checked: &[&str], role: Role, in_place: bool, name: &str) -> Result<(), Refusal> {
        let next = self.next(checked.len());
        if next.is_some() || !(in_place || self.ends_with(role)) {
            return Err(turn(APPROVE, next));
        }
        alone(APPROVE, checked, name)
    }
}

fn turn(what: &str, next: Option<Role>) -> Refusal {
    let why = match next {
        Some(role) => format!("いまは、{}の確認を待っています", role.label().ja),
        None => format!("いまは、{}の承認を待っています", Role::Approver.label().ja),
    };
    let mend = "「いま持っている人」に知らせてください".to_owned();
    Refusal { code: "FLOW-008", what: what.to_owned(), why, mend }
}

fn alone(what: &str, checked: &[&str], name: &str) -> Result<(), Refusal> {
    match checked.iter().find(|by| same_person(by, name)) {
        Some(_) => Err(Refusal {
            code: "FLOW-009",
            what: what.to_owned(),
            why: "前の段階で確認した人と同じです".to_owned(),
            mend: "別の人が行ってください".to_owned(),
        }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use Role::{Admin, Approver, Operator, Staff};

    #[test]
    fn each_step_is_its_roles_and_somebody_elses() {
        assert!(
            Route::One.approve(&[], Admin, false, "甲").is_ok()
                && Route::One.approve(&[], Approver, false, "甲").is_ok()
        );
        assert_eq!(Route::One.approve(&[], Staff, false, "甲").unwrap_err().code, "FLOW-008");
        assert!(Route::One.approve(&[], Staff, true, "甲").is_ok(), "a deputy");
        assert_eq!(Route::One.check(&[], Admin, "甲").unwrap_err().code, "FLOW-008", "there is none");

        assert_eq!(Route::Two.approve(&[], Approver, false, "乙").unwrap_err().code, "FLOW-008", "not yet");
        assert!(Route::Two.check(&[], Admin, "甲").is_ok());
        assert_eq!(Route::Two.approve(&["甲"], Admin, false, "丙").unwrap_err().code, "FLOW-008");
        assert!(Route::Two.approve(&["甲"], Approver, false, "乙").is_ok());
        assert_eq!(Route::Two.approve(&["甲"], Approver, false, "甲（kou）").unwrap_err().code, "FLOW-009");

        assert_eq!(Route::Three.check(&[], Admin, "甲").unwrap_err().code, "FLOW-008", "the operator first");
        assert!(Route::Three.check(&[], Operator, "丁").is_ok() && Route::Three.check(&["丁"], Admin, "甲").is_ok());
        assert_eq!(Route::Three.check(&["丁"], Admin, "丁").unwrap_err().code, "FLOW-009");
        assert!(Route::Three.approve(&["丁", "甲"], Operator, true, "戊").is_ok());
    }

    #[test]
    fn what_is_stored_is_read_again() {
        for route in Route::ALL {
            assert_eq!(Route::parse(route.code()), Some(route));
            assert_eq!(route.checks().len() + 1, Route::ALL.iter().position(|r| *r == route).unwrap() + 1);
        }
        assert_eq!((Route::parse("x"), Route::default()), (None, Route::One));
    }
}
