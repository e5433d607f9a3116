//! Text as the font can set it: nothing invisible, nothing the font lacks, nothing too long for its column.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// The printer's mark for a character that is not at hand.
const GETA: char = '〓';
/// Where a long word may be broken: a space of no width.
const BREAK: char = '\u{200B}';

/// `text` with only characters that `draws` accepts, line feeds and variation selectors of kanji. What is
/// invisible or turns the direction of reading is dropped; what cannot be drawn becomes 〓.
pub(super) fn clean(text: &str, draws: impl Fn(char) -> bool) -> String {
    text.replace("\r\n", "\n")
        .chars()
        .filter_map(|c| match c {
            '\n' => Some('\n'),
            '\r' | '\u{2028}' | '\u{2029}' => Some('\n'),
            '\t' => Some(' '),
            _ if c.is_control() || invisible(c) => None,
            '\u{E0100}'..='\u{E01EF}' => Some(c),
            _ if draws(c) => Some(c),
            _ => Some(GETA),
        })
        .collect()
}

/// Joiners, marks of direction, selectors of emoji: characters without a shape of their own. A mark of
/// direction could make a line of evidence read other than it was written.
fn invisible(c: char) -> bool {
    matches!(
        c,
        '\u{AD}' | '\u{61C}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}'
            | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{1F3FB}'..='\u{1F3FF}' | '\u{E0001}'..='\u{E007F}'
    )
}

/// `text` with places to break in every word that is wider than `ems`, such as a URL or a serial number.
pub(super) fn breakable(text: &str, ems: f64) -> String {
    let mut out = String::with_capacity(text.len());
    for piece in text.split_inclusive(|c: char| c.is_whitespace() || !c.is_ascii()) {
        if width(piece) <= ems {
            out.push_str(piece);
        } else {
            for c in piece.chars() {
                out.push(c);
                out.push(BREAK);
            }
        }
    }
    out
}

/// Lines that `text` takes in a column of `ems`, estimated.
pub(super) fn lines(text: &str, ems: f64) -> f64 {
    text.split('\n').map(|line| (width(line) / ems.max(1.0)).ceil().max(1.0)).sum()
}

/// Width of `text` in ems: a kanji is one, a Latin letter a little more than half.
fn width(text: &str) -> f64 {
    const LATIN: f64 = 0.6;
    let cells = UnicodeWidthStr::width(text);
    let wide = text.chars().filter(|c| c.width() == Some(2)).count();
    #[expect(clippy::cast_precision_loss, reason = "a text is far shorter than 2^52")]
    let ems = wide as f64 + cells.saturating_sub(wide * 2) as f64 * LATIN;
    ems
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_can_be_drawn_is_left() {
        let draws = |c: char| !('\u{1F000}'..='\u{1FFFF}').contains(&c) && !('\u{E000}'..='\u{F8FF}').contains(&c);
        assert_eq!(clean("髙﨑𠮷野", draws), "髙﨑𠮷野");
        assert_eq!(clean("済😀\u{FE0F}", draws), "済〓");
        assert_eq!(clean("外字\u{E001}", draws), "外字〓");
        assert_eq!(clean("辻\u{E0100}", draws), "辻\u{E0100}");
        assert_eq!(clean("a\tb\r\nc\u{0}\u{202E}d\u{200B}", draws), "a b\ncd");
    }

    #[test]
    fn only_words_wider_than_the_column_are_broken() {
        assert_eq!(breakable("PC-001 と PC-002", 5.0), "PC-001 と PC-002");
        assert_eq!(breakable("ABCDEFGH", 2.0).matches(BREAK).count(), 8);
        assert_eq!(breakable("漢字だけの長い文はそのまま", 3.0), "漢字だけの長い文はそのまま");
        assert!((lines("あいうえお\nか", 2.0) - 4.0).abs() < f64::EPSILON);
    }
}
