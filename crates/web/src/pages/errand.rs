//! An errand: a row is mended because a requirement asks for it, and afterwards the way leads back there.

use domain::fact::{Fact, fact};

use crate::guard::Visit;
use crate::pages::requirements;

/// Names of the fields that say what for: the requirement, and the fact that speaks against it. No ledger has such columns.
pub(crate) const FIELDS: [&str; 2] = ["for", "because"];

/// Why a row is opened.
pub(crate) struct Errand {
    /// Id of the requirement.
    pub(crate) requirement: String,
    /// What is wrong with the row, or not known of it.
    pub(crate) fact: &'static Fact,
    /// Where the requirement is.
    pub(crate) href: String,
    /// Its number with its edition.
    pub(crate) number: String,
}

impl Errand {
    /// The errand that a request or a form names, if it names one.
    pub(crate) fn of<'a>(visit: &Visit, given: impl Fn(&'static str) -> Option<&'a str>) -> Option<Self> {
        let [requirement, because] = FIELDS.map(given);
        let (catalog, requirement) = visit.app().catalogs().requirement(requirement?)?;
        let lang = visit.lang();
        Some(Self {
            href: requirements::address(&requirement.id),
            number: format!("{} {}", catalog.short.in_lang(lang), requirement.cited_in(lang)),
            requirement: requirement.id.clone(),
            fact: fact(because?)?,
        })
    }
}

/// An address on this errand; `more` are further fields of the form.
pub(crate) fn address(path: &str, requirement: &str, fact: &Fact, more: &[(&str, &str)]) -> String {
    let [what, because] = FIELDS;
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair(what, requirement).append_pair(because, fact.name).extend_pairs(more);
    format!("{path}?{}", query.finish())
}
