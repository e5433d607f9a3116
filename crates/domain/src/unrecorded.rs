//! What becomes of an act that cannot be recorded: it is refused, or it goes on and the gap is recorded afterwards.
//!
//! Care goes first: a chart opens although the journal cannot take it. What takes data out, changes the system or
//! overrides a restriction does not. A named person may decide otherwise, class by class.

use crate::text::Label;

/// What an act is, where it is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// Reading a record in the course of care.
    Care,
    /// Taking data out of the system.
    Export,
    /// Working on the system itself.
    Administration,
    /// Overriding a restriction in an emergency.
    Emergency,
}

/// Every class: code, name, whether it goes on without a record unless somebody decided otherwise.
const CLASSES: [(Class, &str, Label, bool); 4] = [
    (Class::Care, "care", Label::new("診療のための閲覧", "reading in the course of care"), true),
    (Class::Export, "export", Label::new("データの持ち出し", "taking data out"), false),
    (Class::Administration, "administration", Label::new("システムの管理", "administration"), false),
    (Class::Emergency, "emergency", Label::new("緊急時の制限解除", "emergency override"), false),
];

impl Class {
    /// Every class.
    pub fn all() -> impl Iterator<Item = Self> {
        CLASSES.into_iter().map(|(class, ..)| class)
    }

    /// The class with this code.
    pub fn parse(code: &str) -> Option<Self> {
        CLASSES.iter().find(|(_, known, ..)| *known == code).map(|(class, ..)| *class)
    }

    /// Code, in the database and on the command line.
    pub fn code(self) -> &'static str {
        self.line().1
    }

    /// Name for people.
    pub fn label(self) -> Label {
        self.line().2
    }

    /// Whether it goes on without a record, unless somebody decided otherwise.
    pub fn goes_on(self) -> bool {
        self.line().3
    }

    fn line(self) -> &'static (Self, &'static str, Label, bool) {
        let [care, export, administration, emergency] = &CLASSES;
        match self {
            Self::Care => care,
            Self::Export => export,
            Self::Administration => administration,
            Self::Emergency => emergency,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_class_is_found_by_its_code_and_only_care_goes_on() {
        for class in Class::all() {
            assert_eq!(Class::parse(class.code()), Some(class));
            assert_eq!(class.goes_on(), class == Class::Care);
        }
        assert_eq!(Class::parse("other"), None);
    }
}
