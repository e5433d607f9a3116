//! 連絡先: whom to tell when something happened to a device, from what the ledgers say of duties and vendors.

use std::cmp::Reverse;

use domain::evaluate::Facility;
use domain::ledger::{Row, Value};
use domain::text::Lang;

use super::{key_of, of};
use crate::App;
use crate::error::Result;

/// Duties that are told, first of all the first.
const TOLD: &[&str] = &["safety_manager", "data_manager", "executive", "operator"];

/// Somebody to tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contact {
    /// Person or vendor.
    pub name: String,
    /// Duties of the person, or what the vendor provides.
    pub role: String,
    /// Emergency phone, where the ledger has one; people are in the house.
    pub phone: Option<String>,
}

impl App {
    /// Whom to tell about a device: people with a duty who still work here, then the vendors with a phone number, that
    /// of the device's system first.
    ///
    /// # Errors
    /// Any store error.
    pub async fn contacts(&self, facility: &Facility, device: &str) -> Result<Vec<Contact>> {
        let people_ledger = of("people")?;
        let today = self.today();
        let mut people = self.rows_all(facility, people_ledger).await?;
        people
            .retain(|p| rank(&p.row).is_some() && !matches!(p.row.get("leave_on"), Some(Value::Date(d)) if *d < today));
        people.sort_by_key(|p| rank(&p.row));
        let duties = people_ledger.column("duties");
        let mut all: Vec<Contact> = people
            .iter()
            .map(|p| Contact {
                name: text(&p.row, "name"),
                role: duties.zip(p.row.get("duties")).map(|(c, v)| c.show(v, Lang::Ja)).unwrap_or_default(),
                phone: None,
            })
            .collect();
        let vendor = self.vendor_of(facility, device).await?;
        let mut vendors = self.rows_all(facility, of("vendors")?).await?;
        vendors.retain(|v| v.row.contains_key("phone"));
        vendors.sort_by_key(|v| Reverse(vendor.as_ref() == Some(&v.key)));
        all.extend(vendors.iter().map(|v| Contact {
            name: text(&v.row, "name"),
            role: text(&v.row, "services"),
            phone: Some(text(&v.row, "phone")),
        }));
        Ok(all)
    }

    /// Key of the vendor of the system that a device is used with.
    async fn vendor_of(&self, facility: &Facility, device: &str) -> Result<Option<String>> {
        let cell = async |ledger: &str, key: String, column: &str| -> Result<Option<String>> {
            let found = self.store.row_find(of(ledger)?, &facility.id, std::slice::from_ref(&key)).await?;
            Ok(found.get(&key).and_then(|r| r.row.get(column)).map(ToString::to_string))
        };
        match cell("devices", key_of(device), "system").await? {
            Some(system) => cell("systems", system, "vendor").await,
            None => Ok(None),
        }
    }
}

fn rank(person: &Row) -> Option<usize> {
    let duties = text(person, "duties");
    TOLD.iter().position(|told| duties.split('+').any(|duty| duty == *told))
}

fn text(row: &Row, name: &str) -> String {
    row.get(name).map(ToString::to_string).unwrap_or_default()
}
