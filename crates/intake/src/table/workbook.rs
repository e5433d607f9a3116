//! xlsx and xlsm. Values only: macros stay closed, a formula counts by its stored result.
//!
//! The archive is unpacked once into nowhere, with a limit, before anything interprets it. So a bomb,
//! a lie in the directory or a damaged part is found while only a few kilobytes are held.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::io::{Cursor, Read as _};

use calamine::{CellErrorType, DataRef, Reader as _, SheetType, SheetVisible, Xlsx, XlsxError};
use domain::jp;
use jiff::civil::Time;
use zip::ZipArchive;

use super::{Book, Budget, Cell, LAST_ROW, MAX_COLUMNS, MAX_SHEETS, MAX_UNPACKED, ReadError, Sheet};

type Workbook<'b> = Xlsx<Cursor<&'b [u8]>>;

/// Reads a workbook.
pub(super) fn read(bytes: &[u8]) -> Result<Book, ReadError> {
    let notes = inspect(bytes)?;
    // The library's arithmetic is not meant for hostile cell references; its panic is our "damaged".
    let interpreted = std::panic::catch_unwind(|| interpret(bytes, notes));
    interpreted.unwrap_or_else(|_| Err(ReadError::Damaged("セル番地などの内部情報".to_owned())))
}

fn interpret(bytes: &[u8], mut notes: Vec<String>) -> Result<Book, ReadError> {
    let mut workbook: Workbook = Xlsx::new(Cursor::new(bytes)).map_err(damaged)?;
    let (visible, hidden): (Vec<_>, Vec<_>) = workbook
        .sheets_metadata()
        .iter()
        .filter(|sheet| sheet.typ == SheetType::WorkSheet)
        .map(|sheet| (sheet.name.clone(), sheet.visible))
        .partition(|(_, visible)| *visible == SheetVisible::Visible);
    if visible.len() > MAX_SHEETS {
        return Err(ReadError::TooManySheets);
    }
    notes.extend(hidden.iter().map(|(name, _)| format!("非表示のシート「{name}」は読みませんでした。")));
    let mut budget = Budget::new();
    let sheets =
        visible.into_iter().map(|(name, _)| read_sheet(&mut workbook, name, &mut budget)).collect::<Result<_, _>>()?;
    Ok(Book { sheets, notes })
}

/// Why an OLE compound file (the container of old and of encrypted Office documents) is not read.
pub(super) fn compound(bytes: &[u8]) -> ReadError {
    let wanted: Vec<u8> = "EncryptedPackage".encode_utf16().flat_map(u16::to_le_bytes).collect();
    if bytes.windows(wanted.len()).any(|window| window == wanted) { ReadError::Encrypted } else { ReadError::OldFormat }
}

/// Unpacks every part into nowhere, within the limit, and says what the archive is.
fn inspect(bytes: &[u8]) -> Result<Vec<String>, ReadError> {
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(|_| ReadError::Truncated)?;
    if archive.decompressed_size().is_some_and(|size| size > u128::from(MAX_UNPACKED)) {
        return Err(ReadError::Bomb);
    }
    let mut left = MAX_UNPACKED;
    for index in 0..archive.len() {
        let mut part = archive.by_index(index).map_err(|error| match error {
            zip::result::ZipError::InvalidPassword => ReadError::Encrypted,
            other => ReadError::Damaged(other.to_string()),
        })?;
        let unpacked = std::io::copy(&mut part.by_ref().take(left + 1), &mut std::io::sink())
            .map_err(|error| ReadError::Damaged(error.to_string()))?;
        left = left.checked_sub(unpacked).ok_or(ReadError::Bomb)?;
    }
    let has = |name: &str| archive.index_for_name(name).is_some();
    if has("xl/workbook.bin") {
        return Err(ReadError::OtherFormat("Excelバイナリブック(xlsb)"));
    }
    if has("content.xml") {
        return Err(ReadError::OtherFormat("LibreOfficeなどのODF文書"));
    }
    if has("word/document.xml") {
        return Err(ReadError::OtherFormat("Word文書"));
    }
    if !has("[Content_Types].xml") {
        return Err(ReadError::OtherFormat("ZIPファイル"));
    }
    let macros = has("xl/vbaProject.bin").then(|| "マクロは実行せず、セルの値だけを読みました。".to_owned());
    Ok(macros.into_iter().collect())
}

fn damaged(error: XlsxError) -> ReadError {
    match error {
        XlsxError::Password => ReadError::Encrypted,
        other => ReadError::Damaged(other.to_string()),
    }
}

fn read_sheet(workbook: &mut Workbook, name: String, budget: &mut Budget) -> Result<Sheet, ReadError> {
    let mut rows: BTreeMap<usize, Vec<Cell>> = BTreeMap::new();
    let mut reader = workbook.worksheet_cells_reader(&name).map_err(damaged)?;
    while let Some(found) = reader.next_cell_with_formula_metadata().map_err(damaged)? {
        let cell = match value(found.value) {
            Cell::Empty if found.formula.is_some() => Cell::Formula,
            Cell::Empty => continue,
            cell => cell,
        };
        put(&mut rows, (found.pos.0 as usize, found.pos.1 as usize), cell, budget)?;
    }
    drop(reader);
    fill_merged(workbook, &name, &mut rows, budget)?;

    let first = rows.keys().next().copied().unwrap_or(0);
    let mut listed: Vec<Vec<Cell>> = Vec::new();
    for (at, cells) in rows {
        listed.resize_with(at - first, Vec::new);
        listed.push(cells);
    }
    Ok(Sheet { name, first_row: first + 1, rows: listed, doubts: BTreeMap::new() })
}

/// Puts a cell at a row and column, both from 0.
fn put(
    rows: &mut BTreeMap<usize, Vec<Cell>>,
    (row, column): (usize, usize),
    cell: Cell,
    budget: &mut Budget,
) -> Result<(), ReadError> {
    if row >= LAST_ROW {
        return Err(ReadError::TooManyRows);
    }
    if column >= MAX_COLUMNS {
        return Err(ReadError::TooManyColumns);
    }
    let cells = match rows.entry(row) {
        Entry::Occupied(kept) => kept.into_mut(),
        Entry::Vacant(new) => {
            budget.row()?;
            new.insert(Vec::new())
        }
    };
    if cells.len() <= column {
        budget.spend(column + 1 - cells.len())?;
        cells.resize(column + 1, Cell::Empty);
    }
    if let Some(place) = cells.get_mut(column) {
        *place = cell;
    }
    Ok(())
}

/// A value written once over several merged rows holds for each of them: a place, or a header over two
/// lines. Only rows with something else in them are filled, so a merged frame makes no rows.
fn fill_merged(
    workbook: &mut Workbook,
    name: &str,
    rows: &mut BTreeMap<usize, Vec<Cell>>,
    budget: &mut Budget,
) -> Result<(), ReadError> {
    for merged in workbook.merge_cells_by_sheet_name(name).map_err(damaged)? {
        let (top, column) = (merged.start.0 as usize, merged.start.1 as usize);
        let bottom = merged.end.0 as usize;
        let Some(cell) = rows.get(&top).and_then(|cells| cells.get(column)).filter(|cell| !cell.is_blank()).cloned()
        else {
            continue;
        };
        if bottom <= top {
            continue;
        }
        let below: Vec<usize> = rows.range(top + 1..=bottom).map(|(row, _)| *row).collect();
        budget.spend(below.len())?;
        for row in below {
            put(rows, (row, column), cell.clone(), budget)?;
        }
    }
    Ok(())
}

fn value(data: DataRef<'_>) -> Cell {
    match data {
        DataRef::Empty => Cell::Empty,
        DataRef::Int(n) => Cell::Number(n as f64),
        DataRef::Float(n) => Cell::Number(n),
        DataRef::Bool(yes) => Cell::Bool(yes),
        DataRef::String(text) | DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => written(&text),
        DataRef::SharedString(text) => written(text),
        DataRef::Error(error) => Cell::Error(error_name(&error)),
        // A look-up of an empty cell, formatted as a date.
        DataRef::DateTime(at) if at.as_f64() == 0.0 => Cell::Empty,
        DataRef::DateTime(at) => {
            let (year, month, day, hour, minute, second, milli) = at.to_ymd_hms_milli();
            // Through the text, so that both date systems and the same limits of years apply.
            match jp::parse_date(&format!("{year:04}-{month}-{day}")) {
                Ok(date) if at.is_datetime() && year >= 1950 => match time_of(hour, minute, second, milli) {
                    Some(time) if time != Time::midnight() => Cell::Moment(date.to_datetime(time)),
                    _ => Cell::Date(date),
                },
                _ => Cell::Number(at.as_f64()),
            }
        }
    }
}

fn time_of(hour: u8, minute: u8, second: u8, milli: u16) -> Option<Time> {
    let [hour, minute, second] = [hour, minute, second].map(|n| i8::try_from(n).ok());
    Time::new(hour?, minute?, second?, i32::from(milli) * 1_000_000).ok()
}

fn written(text: &str) -> Cell {
    if text.trim().is_empty() { Cell::Empty } else { Cell::Text(text.into()) }
}

fn error_name(error: &CellErrorType) -> &'static str {
    match error {
        CellErrorType::Div0 => "#DIV/0!",
        CellErrorType::NA => "#N/A",
        CellErrorType::Name => "#NAME?",
        CellErrorType::Null => "#NULL!",
        CellErrorType::Num => "#NUM!",
        CellErrorType::Ref => "#REF!",
        CellErrorType::Value => "#VALUE!",
        CellErrorType::GettingData => "#GETTING_DATA",
    }
}
