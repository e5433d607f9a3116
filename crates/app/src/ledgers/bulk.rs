//! 一括変更: one new value for many rows. It goes in as an import does, so that it is one act and can be taken back.

use domain::evaluate::Facility;
use domain::journal::Actor;
use domain::ledger::{Column, Ledger};
use domain::text::Lang;
use store::StoredRow;

use crate::App;
use crate::error::{Error, Result};
use crate::export::csv_of;
use crate::import::ImportOptions;

impl App {
    /// Gives the rows with these keys the value of one column as typed; empty is *not stated*. `name` is what the list of
    /// imports calls it. How many rows changed.
    ///
    /// # Errors
    /// [`Error::NotFound`] when a key names no row, [`Error::Invalid`] when the column is part of the key or cannot hold
    /// the value (`LED-004`); nothing is changed then.
    #[expect(clippy::too_many_arguments, reason = "which rows, what, and what it is called")]
    pub async fn change_rows(
        &self,
        actor: &Actor,
        facility: &Facility,
        of: &'static Ledger,
        keys: &[String],
        column: &'static Column,
        typed: &str,
        name: &str,
    ) -> Result<usize> {
        let refused = |why: &str| {
            let message =
                format!("まとめて変更できませんでした。{why} 何も変わっていません。直して、もう一度行ってください。");
            Error::invalid("LED-004", message)
        };
        if of.key.contains(&column.name) {
            return Err(refused(&format!("「{}」は番号の一部です。", column.label.ja)));
        }
        let value = column.parse(typed).map_err(|error| refused(&error.to_string()))?;
        if value.is_none() && column.required {
            return Err(refused(&format!("「{}」は必須です。", column.label.ja)));
        }
        let found = self.store.row_find(of, &facility.id, keys).await?;
        if let Some(strange) = keys.iter().find(|key| !found.contains_key(*key)) {
            return Err(Error::NotFound { what: format!("{}の「{strange}」", of.label.ja) });
        }
        let mut rows: Vec<StoredRow> = found.into_values().collect();
        rows.sort_by(|a, b| a.key.cmp(&b.key));
        for stored in &mut rows {
            match &value {
                Some(value) => stored.row.insert(column.name, value.clone()),
                None => stored.row.remove(column.name),
            };
        }
        let needed = |c: &&Column| of.key.contains(&c.name) || c.required || c.name == column.name;
        let columns: Vec<&Column> = of.columns.iter().filter(needed).collect();
        let bytes = csv_of(&columns, &rows, Lang::Ja);
        let look = ImportOptions { ledger: Some(of), dry_run: true };
        let report = self.import(actor, facility, name, &bytes, look).await?;
        if let Some(problem) = report.sheets.iter().flat_map(|s| &s.rejected).flat_map(|r| &r.problems).next() {
            return Err(refused(problem));
        }
        let report = self.import(actor, facility, name, &bytes, ImportOptions { dry_run: false, ..look }).await?;
        Ok(report.sheets.iter().map(|sheet| sheet.changed.len()).sum())
    }
}
