//! Accesses for other systems: a period, in the format asked for.

use domain::access::Access;
use domain::evaluate::Facility;
use domain::journal::{Actor, Event, sha256};
use domain::jp::start_in_japan;
use intake::access::table::ACCESSES;
use intake::access::{dicom, fhir, ocsf, table};
use jiff::Span;
use jiff::civil::Date;
use store::AccessQuery;

use crate::error::{Error, Result};
use crate::export::quoted;
use crate::{App, blocking};

/// Accesses of one file at most.
const MOST: usize = 100_000;
/// Accesses read at a time.
const PAGE: u32 = 2_000;

/// The format of a file for other systems.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccessExport {
    /// A Bundle of FHIR R4 AuditEvents.
    Fhir,
    /// OCSF events, one JSON object a line.
    Ocsf,
    /// DICOM audit messages, one a line.
    Atna,
    /// The table that is imported, CSV.
    Table,
}

impl AccessExport {
    /// Every format.
    pub const ALL: [Self; 4] = [Self::Fhir, Self::Ocsf, Self::Atna, Self::Table];

    /// Its name.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Fhir => "fhir",
            Self::Ocsf => "ocsf",
            Self::Atna => "atna",
            Self::Table => "table",
        }
    }

    /// The format with this name.
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.code() == code)
    }

    /// Accesses in this format.
    fn write(self, accesses: &[Access]) -> Vec<u8> {
        let lines = |line: fn(&Access) -> String| accesses.iter().map(|access| line(access) + "\n").collect::<String>();
        match self {
            Self::Fhir => fhir::bundle(accesses).to_string(),
            Self::Ocsf => lines(|access| ocsf::write(access).to_string()),
            Self::Atna => lines(dicom::write),
            Self::Table => {
                let head: Vec<&str> = ACCESSES.columns.iter().map(|column| column.label.ja).collect();
                let row =
                    |cells: Vec<String>| cells.iter().map(|cell| quoted(cell)).collect::<Vec<_>>().join(",") + "\r\n";
                let body: String = accesses.iter().map(|access| row(table::write(access))).collect();
                format!("\u{FEFF}{}\r\n{body}", head.join(","))
            }
        }
        .into_bytes()
    }
}

impl App {
    /// The accesses of a facility from one day to another, both included, oldest first.
    ///
    /// # Errors
    /// When there are more than fit one file; any store error.
    pub async fn transfer_accesses(
        &self,
        by: &Actor,
        facility: &Facility,
        (from, until): (Date, Date),
        format: AccessExport,
    ) -> Result<Vec<u8>> {
        let end = start_in_japan(until.saturating_add(Span::new().days(1)));
        let mut query = AccessQuery {
            span: (start_in_japan(from).as_microsecond(), end.as_microsecond()),
            limit: PAGE,
            ..AccessQuery::default()
        };
        let mut accesses = Vec::new();
        loop {
            let rows = self.store.access_list(&facility.id, &query).await?;
            let seqs: Vec<i64> = rows.iter().map(|row| row.seq).collect();
            let mut details = self.store.access_details(&facility.id, &seqs).await?;
            accesses.extend(seqs.iter().filter_map(|seq| details.remove(seq)).map(|(_, access)| access));
            if accesses.len() > MOST {
                return Err(Error::invalid(
                    "EVT-045",
                    format!(
                        "この期間のアクセス記録は{MOST}件を超えます。一つのファイルに入りません。期間を分けてください。"
                    ),
                ));
            }
            match rows.last() {
                Some(last) if rows.len() >= PAGE as usize => query.before = Some((last.at, last.seq)),
                _ => break,
            }
        }
        accesses.reverse();
        let count = accesses.len();
        let bytes = blocking(move || format.write(&accesses)).await?;
        let mut tx = self.store.begin(by, &facility.id, self.now()).await?;
        tx.record(
            Event::new("accesses.transfer", format.code())
                .with("from", from)
                .with("until", until)
                .with("accesses", count)
                .with("sha256", sha256(&bytes)),
        );
        tx.commit().await?;
        Ok(bytes)
    }
}
