//! Text tables for the terminal: Japanese width, colour only when a terminal shows it.

use std::io::IsTerminal as _;

use domain::evaluate::Verdict;
use unicode_width::UnicodeWidthStr;

/// Colours of the terminal; none when the output goes elsewhere or `NO_COLOR` is set.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Paint(bool);

impl Paint {
    /// What standard output can show.
    pub(crate) fn stdout() -> Self {
        Self(std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none())
    }

    fn sgr(self, code: &str, text: &str) -> String {
        if self.0 { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    /// Bold.
    pub(crate) fn strong(self, text: &str) -> String {
        self.sgr("1", text)
    }

    /// Faint.
    pub(crate) fn faint(self, text: &str) -> String {
        self.sgr("2", text)
    }

    /// Sign and word of a verdict, padded to one width.
    pub(crate) fn verdict(self, verdict: Verdict, word: &str) -> String {
        let (sign, code) = match verdict {
            Verdict::Met => ("✓", "32"),
            Verdict::Unmet => ("✕", "1;31"),
            Verdict::Unknown => ("?", "33"),
            Verdict::DueSoon => ("△", "35"),
            Verdict::NotApplicable => ("―", "2"),
            Verdict::Deemed => ("≒", "36"),
        };
        self.sgr(code, &format!("{} {}", pad(sign, 2), pad(word, 8)))
    }
}

/// `text` filled with spaces to a width in terminal cells.
pub(crate) fn pad(text: &str, width: usize) -> String {
    let missing = width.saturating_sub(text.width());
    format!("{text}{}", " ".repeat(missing))
}

/// `text` cut to a width in terminal cells, with … where something is missing.
pub(crate) fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut out = String::new();
    let mut used = 0;
    for c in text.chars() {
        let w = unicode_width::UnicodeWidthChar::width(c).unwrap_or(0);
        if used + w + 1 > width {
            break;
        }
        used += w;
        out.push(c);
    }
    out.push('…');
    out
}

/// Width of the terminal, or of a page when there is none.
pub(crate) fn width() -> usize {
    std::env::var("COLUMNS").ok().and_then(|c| c.parse().ok()).filter(|w| *w >= 60).unwrap_or(110)
}

/// A bar of `filled` of `of` in `cells` cells.
pub(crate) fn bar(filled: u32, of: u32, cells: u32) -> String {
    let done = (filled * cells).checked_div(of).unwrap_or(0);
    format!("{}{}", "█".repeat(done as usize), "░".repeat((cells - done) as usize))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn width_counts_cells_not_characters() {
        assert_eq!(pad("適合", 6), "適合  ");
        assert_eq!(cut("適合していません", 9), "適合して…");
        assert_eq!(bar(1, 2, 10), "█████░░░░░");
        assert_eq!(bar(0, 0, 4), "░░░░");
    }
}
