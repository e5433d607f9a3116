//! A facility's own folder of ledgers, taken in one go.

use domain::evaluate::Facility;
use domain::journal::Actor;
use domain::ledger::{LEDGERS, ledger};
use domain::text::fold;
use intake::table::{self, Mapping, pick_sheets};

use super::{ImportOptions, ImportReport};
use crate::App;
use crate::error::{Error, Result};
use crate::facility::NewFacility;

impl App {
    /// The facility a folder is about: named by a facility ledger among the files, else by the folder. It is
    /// registered when it is new.
    ///
    /// # Errors
    /// Any store error.
    pub async fn facility_of_folder(
        &self,
        actor: &Actor,
        folder: &str,
        files: &[(String, Vec<u8>)],
    ) -> Result<Facility> {
        let mut new = NewFacility { name: folder.to_owned(), ..NewFacility::default() };
        let facilities = ledger("facilities");
        for (name, bytes) in files {
            let Ok(book) = table::read(name, bytes) else { continue };
            let Ok(picked) = pick_sheets(&book, name, None, &Mapping::new()) else { continue };
            for sheet in picked.sheets.iter().filter(|s| Some(s.ledger.name) == facilities.map(|f| f.name)) {
                if let Some(row) = sheet.rows().next() {
                    let text = |column: &str| row.row.get(column).map(ToString::to_string);
                    new = NewFacility {
                        no: text("no").unwrap_or_default(),
                        name: text("name").unwrap_or_else(|| folder.to_owned()),
                        kind: text("kind"),
                    };
                }
            }
        }
        let known =
            self.store.facility_list().await?.into_iter().find(|f| {
                if new.no.is_empty() { fold(&f.name) == fold(&new.name) } else { fold(&f.no) == fold(&new.no) }
            });
        match known {
            Some(facility) => Ok(facility),
            None => self.add_facility(actor, new).await,
        }
    }

    /// Imports many files in the order in which ledgers refer to each other. A file that cannot be read is
    /// reported and stops nothing.
    ///
    /// # Errors
    /// Only when the store fails.
    pub async fn import_folder(
        &self,
        actor: &Actor,
        facility: &Facility,
        files: &[(String, Vec<u8>)],
    ) -> Result<Vec<(String, Result<ImportReport>)>> {
        let place = |(name, bytes): &&(String, Vec<u8>)| {
            let book = table::read(name, bytes).ok()?;
            let picked = pick_sheets(&book, name, None, &Mapping::new()).ok()?;
            picked.sheets.iter().filter_map(|s| LEDGERS.iter().position(|l| l.name == s.ledger.name)).min()
        };
        let mut ordered: Vec<&(String, Vec<u8>)> = files.iter().collect();
        ordered.sort_by_cached_key(|file| place(file).unwrap_or(usize::MAX));
        let mut outcomes = Vec::new();
        for (name, bytes) in ordered {
            let outcome = self.import(actor, facility, name, bytes, ImportOptions::default()).await;
            if let Err(Error::Store(error)) = outcome {
                return Err(error.into());
            }
            outcomes.push((name.clone(), outcome));
        }
        Ok(outcomes)
    }
}
