//! Bars of verdicts: drawn on the server, readable without colour, with the numbers beside them.
//!
//! The bars are SVG with lengths in per cent, so that they fit every width without a script; what tells the verdicts
//! apart is a pattern as well as a colour. `templates/chart.html` draws them.

use app::Count;
use domain::evaluate::{Finding, Verdict};
use domain::text::Lang;

/// One bar: what it is about, and its parts.
pub(crate) struct Bar {
    /// Tells the bars of one page apart.
    pub(crate) id: usize,
    pub(crate) label: String,
    /// Where its label leads; empty for nowhere.
    pub(crate) href: String,
    pub(crate) parts: Vec<Part>,
    /// How many hold, of how many that apply.
    pub(crate) readiness: (u32, u32),
    /// The bar in words.
    pub(crate) title: String,
}

/// One verdict's share of a bar. Shares of nothing are listed, not drawn.
pub(crate) struct Part {
    pub(crate) verdict: Verdict,
    pub(crate) count: u32,
    /// Where it begins and how long it is, in per cent of the bar.
    pub(crate) from: String,
    pub(crate) length: String,
}

impl Bar {
    /// The bar of some findings.
    pub(crate) fn of<'a>(
        id: usize,
        label: String,
        href: String,
        findings: impl IntoIterator<Item = &'a Finding<'a>>,
        lang: Lang,
    ) -> Self {
        let count = Count::of(findings);
        let total: u32 = count.each().map(|(_, n)| n).sum();
        let share = |n: u32| f64::from(n) * 100.0 / f64::from(total.max(1));
        let mut before = 0;
        let parts: Vec<Part> = count
            .each()
            .map(|(verdict, count)| {
                let part = Part {
                    verdict,
                    count,
                    from: format!("{:.2}%", share(before)),
                    length: format!("{:.2}%", share(count)),
                };
                before += count;
                part
            })
            .collect();
        let said: Vec<String> = parts
            .iter()
            .filter(|part| part.count > 0)
            .map(|part| format!("{} {}", part.verdict.label().in_lang(lang), part.count))
            .collect();
        let title = format!("{label}: {}", said.join(", "));
        Self { id, label, href, parts, readiness: count.readiness(), title }
    }
}
