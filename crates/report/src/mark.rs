//! The six marks a document may carry, so that paper, Excel and screen say the same word.

use domain::text::{Label, Lang};

/// A judgement beside a text. It is always shown as icon, word and colour, and the icon differs in
/// outline, so that a black-and-white copy says the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mark {
    /// 適合: a disc with a tick.
    Met,
    /// 不適合: a square with a cross.
    Unmet,
    /// 確認待ち: a ring with a question mark.
    Unknown,
    /// 期限間近: a triangle with an exclamation mark.
    DueSoon,
    /// 対象外: a dash.
    NotApplicable,
    /// みなし: ≒, two bars between two dots.
    Deemed,
}

impl Mark {
    /// Every mark, in the order legends show them.
    pub const ALL: [Self; 6] =
        [Self::Met, Self::Deemed, Self::DueSoon, Self::Unknown, Self::Unmet, Self::NotApplicable];

    /// The word in `lang`.
    pub const fn word(self, lang: Lang) -> &'static str {
        match self {
            Self::Met => Label::new("適合", "met"),
            Self::Unmet => Label::new("不適合", "unmet"),
            Self::Unknown => Label::new("確認待ち", "unknown"),
            Self::DueSoon => Label::new("期限間近", "due soon"),
            Self::NotApplicable => Label::new("対象外", "not applicable"),
            Self::Deemed => Label::new("みなし", "deemed"),
        }
        .in_lang(lang)
    }
}
