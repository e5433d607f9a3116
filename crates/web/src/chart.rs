//! Bars and trends of verdicts: drawn on the server, readable without colour, with the numbers beside them.
//!
//! They are SVG with lengths in per cent, so that they fit every width without a script; what tells the verdicts
//! apart is a pattern (in a trend dashes and points) as well as a colour. `templates/chart.html` draws them.

use app::{Count, Monthly};
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

/// Where the highest and the lowest value of a trend lie, in pixels.
const TOP: f64 = 12.0;
const GROUND: f64 = 122.0;
/// Left of the lines, in per cent, stands the scale.
const SCALE: f64 = 9.0;
/// What a trend draws.
const DRAWN: [Verdict; 3] = [Verdict::Met, Verdict::Unmet, Verdict::Unknown];

/// How the verdicts of an edition went from month to month.
pub(crate) struct Trend {
    /// Each month: its word, whether it is the first of a year, and where it stands in per cent.
    pub(crate) months: Vec<(String, String)>,
    pub(crate) lines: Vec<TrendLine>,
    /// The highest value drawn.
    pub(crate) highest: u32,
    /// The trend in words.
    pub(crate) title: String,
}

/// One line of a trend, and the numbers it is drawn from.
pub(crate) struct TrendLine {
    pub(crate) verdict: Verdict,
    pub(crate) label: &'static str,
    /// Number of each month; `None` where nobody counted.
    pub(crate) values: Vec<Option<u32>>,
    /// Where each point lies: per cent and pixels.
    pub(crate) points: Vec<(String, String)>,
    /// From point to point, where two months on end were counted.
    pub(crate) parts: Vec<[String; 4]>,
}

impl Trend {
    /// The trend of a monthly report. What holds is one line, whatever it is called.
    pub(crate) fn of(report: &Monthly, lang: Lang) -> Self {
        let series = DRAWN.map(|verdict| (verdict, report.values(verdict)));
        let highest = series.iter().flat_map(|(_, values)| values.iter().flatten()).copied().max().unwrap_or_default();
        let step = (100.0 - SCALE) / f64::from(u32::try_from(report.months.len().max(1)).unwrap_or(1));
        let x = |at: usize| SCALE + step * (f64::from(u32::try_from(at).unwrap_or_default()) + 0.5);
        let y = |value: u32| GROUND - (GROUND - TOP) * f64::from(value) / f64::from(highest.max(1));
        let place = |(at, value): (usize, u32)| (format!("{:.2}%", x(at)), format!("{:.1}", y(value)));
        let lines: Vec<TrendLine> = series
            .into_iter()
            .map(|(verdict, values)| {
                let counted = values.iter().enumerate().filter_map(|(at, value)| Some((at, (*value)?)));
                let counted: Vec<(usize, u32)> = counted.collect();
                let next = counted.iter().zip(counted.iter().skip(1)).filter(|(a, b)| a.0 + 1 == b.0);
                let parts = next.map(|(a, b)| {
                    let ((x1, y1), (x2, y2)) = (place(*a), place(*b));
                    [x1, y1, x2, y2]
                });
                TrendLine {
                    verdict,
                    label: app::trend_label(verdict).in_lang(lang),
                    parts: parts.collect(),
                    points: counted.iter().map(|point| place(*point)).collect(),
                    values,
                }
            })
            .collect();
        let months = report.months.iter().enumerate();
        let months = months.map(|(at, (first, _))| (first.month().to_string(), format!("{:.2}%", x(at)))).collect();
        let said: Vec<String> = lines
            .iter()
            .map(|line| {
                let last = line.values.last().copied().flatten().unwrap_or_default();
                let first = line.values.iter().flatten().next().copied().unwrap_or_default();
                format!("{} {first} → {last}", line.label)
            })
            .collect();
        Self { months, lines, highest, title: said.join(", ") }
    }
}

impl TrendLine {
    /// Its colour, dashes and the shape of its points.
    pub(crate) fn look(&self) -> (&'static str, &'static str) {
        match self.verdict {
            Verdict::Unmet => ("#ce0000", "8 3"),
            Verdict::Unknown => ("#7a4a00", "2 3"),
            _ => ("#115a36", "none"),
        }
    }
}
