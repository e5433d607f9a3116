//! Signatures over checklists: who stood for which answers, and when.

use domain::jp::day_in_japan;
use jiff::civil::Date;
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::{Store, WriteTx};

impl Store {
    /// Who last signed exactly this content of a checklist, and on which day.
    ///
    /// # Errors
    /// Any store error.
    pub async fn signature_find(&self, facility: &str, catalog: &str, sha256: &str) -> Result<Option<(String, Date)>> {
        let sql = "SELECT signed_by, signed_on FROM signatures WHERE facility = $1 AND catalog = $2 AND sha256 = $3 \
                   ORDER BY at DESC LIMIT 1";
        let rows = self.query(sql, vec![facility.into(), catalog.into(), sha256.into()]).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        let day: String = row.try_get_by_index(1)?;
        Ok(Some((row.try_get_by_index(0)?, day.parse().map_err(|_| Error::Corrupt { what: day })?)))
    }
}

impl Store {
    /// Who last signed any content of a list, on which day, and its SHA-256.
    ///
    /// # Errors
    /// Any store error.
    pub async fn signature_last(&self, facility: &str, catalog: &str) -> Result<Option<(String, Date, String)>> {
        let sql = "SELECT signed_by, signed_on, sha256 FROM signatures WHERE facility = $1 AND catalog = $2 \
                   ORDER BY at DESC LIMIT 1";
        let rows = self.query(sql, vec![facility.into(), catalog.into()]).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        let day: String = row.try_get_by_index(1)?;
        let on = day.parse().map_err(|_| Error::Corrupt { what: day })?;
        Ok(Some((row.try_get_by_index(0)?, on, row.try_get_by_index(2)?)))
    }
}

impl WriteTx {
    /// Keeps a signature over a checklist: who signed which content, on which day.
    ///
    /// # Errors
    /// Any store error.
    pub async fn signature_insert(&mut self, catalog: &str, signed_by: &str, sha256: &str) -> Result<()> {
        let sql = "INSERT INTO signatures (id, facility, catalog, signed_by, signed_on, sha256, at) VALUES ($1, $2, $3, $4, $5, $6, $7)";
        let values = vec![
            Uuid::now_v7().to_string().into(),
            self.facility.clone().into(),
            catalog.into(),
            signed_by.into(),
            day_in_japan(self.now).to_string().into(),
            sha256.into(),
            self.now.as_microsecond().into(),
        ];
        self.execute(sql, values).await.map(|_| ())
    }
}
