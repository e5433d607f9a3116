//! Which ledger a sheet is, where its header row stands, and which column is which.
//!
//! Every row near the top is tried as the header of every ledger; the best fit wins. A heading counts most
//! when it is a column's own name, less as a synonym, less again after remarks and endings (`(西暦)`,
//! の有無) are taken off, least when it only contains the name. A saved mapping overrules all of it.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use domain::ledger::{Column, LEDGERS, Ledger};
use domain::text::{fold, tidy};

use super::{Book, Cell, RecogniseError, Sheet};
use crate::access::table::ACCESSES;

/// Headings that people assigned by hand: (ledger name, folded heading) to column name, or to an empty
/// text for a heading to be ignored.
pub type Mapping = BTreeMap<(String, String), String>;

/// A sheet understood as a ledger.
#[derive(Debug)]
pub struct Recognised<'a> {
    /// The sheet.
    pub sheet: &'a Sheet,
    /// The ledger it holds.
    pub ledger: &'static Ledger,
    /// Row number of the header, as Excel counts.
    pub header_row: usize,
    /// The column that each sheet column holds, from column A on.
    pub columns: Vec<Option<&'static Column>>,
    /// Headings that no column answers to, with their position from 0: to be shown, mapped or ignored.
    pub unmatched: Vec<(usize, String)>,
}

/// The sheets of a book that are ledgers.
#[derive(Debug)]
pub struct Picked<'a> {
    /// In the order of the book.
    pub sheets: Vec<Recognised<'a>>,
    /// Which sheets and cells were left out, and why.
    pub notes: Vec<String>,
}

/// Rows from the first written one among which the header is sought.
const HEADER_WITHIN: usize = 30;
/// Words in the name of a sheet that only explains.
const EXAMPLES: &[&str] = &[
    "記入例",
    "記載例",
    "入力例",
    "見本",
    "さんぷる",
    "使い方",
    "使用方法",
    "記入要領",
    "説明",
    "凡例",
    "読み方",
    "選択肢",
    "readme",
];
/// Headings, folded, that are often only a running number: a column's key when no better heading is there.
const VAGUE: &[&str] = &["no", "番号"];
/// Endings that a heading may carry without meaning another column.
const ENDINGS: &[&str] = &["の有無", "有無", "の可否", "可否", "の状況", "状況", "欄", "名", "付"];

/// Finds the sheets of `book` that hold ledgers. Sheets that only explain (記入例, 使い方) are passed over, with
/// a note; so are cells under no heading.
///
/// # Errors
/// When no sheet is a ledger: what was found and what is accepted, for the first sheet with content.
pub fn pick_sheets<'a>(
    book: &'a Book,
    file_name: &str,
    as_ledger: Option<&'static Ledger>,
    mapping: &Mapping,
) -> Result<Picked<'a>, RecogniseError> {
    let (mut picked, mut failed) = (Picked { sheets: Vec::new(), notes: Vec::new() }, Vec::new());
    for sheet in &book.sheets {
        let folded = fold(&sheet.name);
        if book.sheets.len() > 1 && EXAMPLES.iter().any(|word| folded.contains(word)) {
            picked.notes.push(format!("シート「{}」は説明や例とみて読みませんでした。", sheet.name));
            continue;
        }
        match recognise(sheet, file_name, as_ledger, mapping) {
            Ok(recognised) => {
                picked.notes.extend(recognised.surplus());
                picked.sheets.push(recognised);
            }
            Err(error) => failed.push(error),
        }
    }
    if picked.sheets.is_empty() {
        failed.sort_by_key(|error| error.seen.is_empty());
        let nothing = || RecogniseError { sheet: file_name.to_owned(), seen: Vec::new(), ledger: as_ledger };
        return Err(failed.into_iter().next().unwrap_or_else(nothing));
    }
    let unread = failed.iter().filter(|error| !error.seen.is_empty());
    picked
        .notes
        .extend(unread.map(|e| format!("シート「{}」は台帳の見出しが見つからないため読みませんでした。", e.sheet)));
    Ok(picked)
}

/// Understands `sheet` as `as_ledger`, or as the ledger that its headings, its name and the name of the
/// file point to.
///
/// # Errors
/// When no row among the first thirty looks like a header.
pub fn recognise<'a>(
    sheet: &'a Sheet,
    file_name: &str,
    as_ledger: Option<&'static Ledger>,
    mapping: &Mapping,
) -> Result<Recognised<'a>, RecogniseError> {
    let candidates: Vec<(usize, Vec<Heading>)> = sheet
        .numbered()
        .filter(|(_, cells)| !cells.iter().all(Cell::is_blank))
        .take(HEADER_WITHIN)
        .map(|(row, cells)| (row, headings(cells)))
        .collect();
    let names = [fold(file_name), fold(&sheet.name)];
    let mut best: Option<(i32, usize, &KnownLedger, Matched)> = None;
    let wanted = |known: &&KnownLedger| match as_ledger {
        Some(wanted) => wanted.name == known.ledger.name,
        // A list of accesses is no ledger, and is only sought where one is expected.
        None => known.ledger.name != ACCESSES.name,
    };
    for known in KNOWN.iter().filter(wanted) {
        let named = names.iter().filter(|name| known.words.iter().any(|word| name.contains(word))).count();
        for (row, headings) in &candidates {
            let matched = match_columns(known, headings, mapping);
            if !matched.is_header(known.ledger, as_ledger.is_some()) {
                continue;
            }
            let score = matched.score(known.ledger) + 4 * i32::try_from(named).unwrap_or(0);
            if best.as_ref().is_none_or(|(highest, ..)| score > *highest) {
                best = Some((score, *row, known, matched));
            }
        }
    }
    let Some((_, header_row, known, matched)) = best else {
        // The fullest row is the likeliest to be the header, the first of equals.
        let fullest = candidates.iter().rev().max_by_key(|(_, headings)| headings.len());
        let seen = fullest.map(|(_, headings)| headings.iter().map(|h| h.text.clone()).collect());
        return Err(RecogniseError { sheet: sheet.name.clone(), seen: seen.unwrap_or_default(), ledger: as_ledger });
    };
    Ok(Recognised {
        sheet,
        ledger: known.ledger,
        header_row,
        columns: matched.columns.into_iter().map(|(column, _)| column).collect(),
        unmatched: matched.unmatched,
    })
}

/// A ledger with its words folded once.
struct KnownLedger {
    ledger: &'static Ledger,
    words: Vec<String>,
    columns: Vec<KnownColumn>,
}

struct KnownColumn {
    column: &'static Column,
    names: Vec<String>,
    synonyms: Vec<String>,
}

static KNOWN: LazyLock<Vec<KnownLedger>> = LazyLock::new(|| {
    let folded = |words: &[&str]| words.iter().map(|word| fold(word)).collect();
    let column = |column: &'static Column| KnownColumn {
        column,
        names: folded(&[column.label.ja, column.label.en, column.name]),
        synonyms: folded(column.synonyms),
    };
    LEDGERS
        .iter()
        .chain([&ACCESSES])
        .map(|ledger| KnownLedger {
            ledger,
            words: folded(ledger.file_words),
            columns: ledger.columns.iter().map(column).collect(),
        })
        .collect()
});

/// One cell of a row that may be the header.
struct Heading {
    at: usize,
    text: String,
    folded: String,
    /// Without remarks in brackets.
    bare: String,
    /// Without endings, and with other words for a day.
    variants: Vec<String>,
}

fn headings(cells: &[Cell]) -> Vec<Heading> {
    let heading = |(at, cell): (usize, &Cell)| {
        let text = tidy(&cell.text());
        let folded = fold(&text);
        if folded.is_empty() {
            return None;
        }
        let bare = fold(&without_remarks(&text));
        let day = bare.replace("年月日", "日").replace("日付", "日").replace("日時", "日");
        let mut variants: Vec<String> =
            ENDINGS.iter().filter_map(|ending| bare.strip_suffix(ending)).map(str::to_owned).collect();
        let plain = bare.trim_start_matches(['お', 'ご']).replace('の', "");
        // シールNo. is シール番号.
        let number = bare.strip_suffix("no").map(|word| format!("{word}番号"));
        variants.extend([bare.clone(), day, plain]);
        variants.extend(number);
        variants.retain(|variant| !variant.is_empty());
        Some(Heading { at, text, folded, bare, variants })
    };
    cells.iter().enumerate().filter_map(heading).collect()
}

fn without_remarks(text: &str) -> String {
    let mut depth = 0_usize;
    text.chars()
        .filter(|c| match c {
            '(' | '[' | '【' | '<' => {
                depth += 1;
                false
            }
            ')' | ']' | '】' | '>' => {
                depth = depth.saturating_sub(1);
                false
            }
            _ => depth == 0,
        })
        .collect()
}

/// How a heading fits a column; later is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Fit {
    Vague,
    Partly,
    Variant,
    Synonym,
    Name,
    Mapped,
}

impl Fit {
    const fn weight(self) -> i32 {
        match self {
            Self::Partly => 1,
            Self::Vague | Self::Variant | Self::Synonym => 2,
            Self::Name => 3,
            Self::Mapped => 4,
        }
    }
}

/// What one row gives as the header of one ledger.
struct Matched {
    columns: Vec<(Option<&'static Column>, i32)>,
    unmatched: Vec<(usize, String)>,
}

impl Matched {
    fn found(&self) -> impl Iterator<Item = &'static Column> {
        self.columns.iter().filter_map(|(column, _)| *column)
    }

    /// A single word may stand anywhere; two, with the key or a third, are a header.
    fn is_header(&self, ledger: &Ledger, asked_for: bool) -> bool {
        let has_key = self.found().any(|column| ledger.key.contains(&column.name));
        match self.found().count() {
            0 => false,
            1 => asked_for,
            2 => has_key || asked_for,
            _ => true,
        }
    }

    fn score(&self, ledger: &Ledger) -> i32 {
        let weights: i32 = self.columns.iter().map(|(_, weight)| weight).sum();
        let required = ledger.columns.iter().filter(|column| column.required);
        let complete: i32 =
            required.map(|column| if self.found().any(|found| found.name == column.name) { 1 } else { -2 }).sum();
        weights + complete
    }
}

fn match_columns(known: &KnownLedger, headings: &[Heading], mapping: &Mapping) -> Matched {
    let width = headings.last().map_or(0, |heading| heading.at + 1);
    let mut matched = Matched { columns: vec![(None, 0); width], unmatched: Vec::new() };
    let mut open: Vec<(&Heading, Option<&str>)> = headings
        .iter()
        .map(|heading| {
            let key = (known.ledger.name.to_owned(), heading.folded.clone());
            (heading, mapping.get(&key).map(String::as_str))
        })
        .filter(|(_, mapped)| *mapped != Some(""))
        .collect();
    for fit in [Fit::Mapped, Fit::Name, Fit::Synonym, Fit::Variant, Fit::Partly, Fit::Vague] {
        open.retain(|(heading, mapped)| {
            let taken = |column: &Column| matched.columns.iter().any(|(c, _)| c.is_some_and(|c| c.name == column.name));
            let mut free = known.columns.iter().filter(|k| !taken(k.column));
            let is_vague = VAGUE.contains(&heading.folded.as_str());
            let column = match fit {
                Fit::Vague => free.find(|k| is_vague && k.synonyms.contains(&heading.folded)),
                Fit::Name | Fit::Synonym | Fit::Variant | Fit::Partly if is_vague => None,
                Fit::Mapped => free.find(|k| *mapped == Some(k.column.name)),
                Fit::Name => free.find(|k| k.names.contains(&heading.folded)),
                Fit::Synonym => free.find(|k| k.synonyms.contains(&heading.folded)),
                Fit::Variant => {
                    free.find(|k| heading.variants.iter().any(|v| k.names.contains(v) || k.synonyms.contains(v)))
                }
                Fit::Partly => the_longest(free.map(|k| (overlap(k, &heading.bare), k))),
            };
            if let (Some(known), Some(place)) = (column, matched.columns.get_mut(heading.at)) {
                *place = (Some(known.column), fit.weight());
            }
            column.is_none()
        });
    }
    matched.unmatched = open.into_iter().map(|(heading, _)| (heading.at, heading.text.clone())).collect();
    matched
}

/// Characters that a heading and a column share when the heading ends with one of its words (PC管理番号) or
/// begins one of them (購入 for 購入日). Japanese puts the head of a compound last, so 「メーカー保守期限」 is no メーカー.
fn overlap(known: &KnownColumn, bare: &str) -> usize {
    let length = |text: &str| text.chars().count();
    let shared = |word: &String| {
        if length(word) >= 3 && bare.ends_with(word.as_str()) {
            length(word)
        } else if length(bare) >= 2 && word.starts_with(bare) {
            length(bare)
        } else {
            0
        }
    };
    known.names.iter().chain(&known.synonyms).map(shared).max().unwrap_or(0)
}

/// The column with the greatest overlap, unless two share it.
fn the_longest<'k>(columns: impl Iterator<Item = (usize, &'k KnownColumn)>) -> Option<&'k KnownColumn> {
    let mut columns: Vec<_> = columns.filter(|(overlap, _)| *overlap > 0).collect();
    columns.sort_by_key(|(overlap, _)| std::cmp::Reverse(*overlap));
    match columns.as_slice() {
        [(_, only)] => Some(only),
        [(first, best), (second, _), ..] if first > second => Some(best),
        _ => None,
    }
}
