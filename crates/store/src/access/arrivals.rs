//! What came, kept as it came and chained by source, and which of its events are new.

use std::collections::HashMap;

use domain::access::Access;
use domain::journal::Entry;
use sea_orm::Value;

use crate::dialect::{self, MAX_PARAMETERS, marks};
use crate::error::{Error, Result};
use crate::{Store, WriteTx};

/// What is known of a source from what it sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ArrivalHead {
    /// Place of its last arrival, from 1; 0 before the first.
    pub place: i64,
    /// Hash of its last arrival.
    pub hash: String,
    /// When that came, UTC microseconds.
    pub received_at: i64,
    /// The latest time that an event of it states, UTC microseconds.
    pub event_at: Option<i64>,
    /// The numbers of its events ([`domain::access::Numbers`]).
    pub numbers: String,
    /// Place and hash of the last arrival that was disposed of; 0 and nothing when none was.
    pub gone: (i64, String),
    /// Events that were told in the name of another source.
    pub forged: i64,
    /// When the last of these came, UTC microseconds.
    pub forged_at: Option<i64>,
}

/// An arrival to be kept.
#[derive(Clone, Debug)]
pub struct NewArrival {
    /// Its id.
    pub id: String,
    /// Its source.
    pub source: String,
    /// Its place within the source.
    pub place: i64,
    /// The format it was read as.
    pub format: String,
    /// Version of the reader.
    pub parser: i64,
    /// Number of bytes as they came.
    pub size: i64,
    /// Its hash, which covers the one before.
    pub hash: String,
    /// Accesses that were new.
    pub fresh: i64,
    /// Accesses that had come before.
    pub known: i64,
    /// Parts that could not be read.
    pub refused: i64,
    /// The bytes, compressed, in base64.
    pub content: String,
}

/// An arrival as it is kept: place, when it came, format, version of the reader, content, hash.
pub type KeptArrival = (i64, i64, String, i64, String, String);

const ARRIVAL: &str =
    "id, facility, source, place, format, parser, received_at, size, hash, fresh, known, refused, content";

impl Store {
    /// What is known of each source of a facility from what it sent.
    ///
    /// # Errors
    /// Any store error.
    pub async fn arrival_heads(&self, facility: &str) -> Result<HashMap<String, ArrivalHead>> {
        heads(&self.query(HEADS, vec![facility.into()]).await?)
    }

    /// At most `limit` arrivals of a source after place `after`, in order.
    ///
    /// # Errors
    /// Any store error.
    pub async fn arrival_part(&self, facility: &str, source: &str, after: i64, limit: u32) -> Result<Vec<KeptArrival>> {
        let sql = format!(
            "SELECT place, received_at, format, parser, content, hash FROM arrivals \
             WHERE facility = $1 AND source = $2 AND place > $3 ORDER BY place LIMIT {limit}"
        );
        let rows = self.query(&sql, vec![facility.into(), source.into(), after.into()]).await?;
        rows.iter()
            .map(|r| {
                let text =
                    (r.try_get_by_index(2)?, r.try_get_by_index(3)?, r.try_get_by_index(4)?, r.try_get_by_index(5)?);
                Ok((r.try_get_by_index(0)?, r.try_get_by_index(1)?, text.0, text.1, text.2, text.3))
            })
            .collect()
    }
}

const HEADS: &str = "SELECT source, place, hash, received_at, event_at, numbers, gone, gone_hash, \
                            COALESCE(forged, 0), forged_at FROM arrival_heads WHERE facility = $1";

fn heads(rows: &[sea_orm::QueryResult]) -> Result<HashMap<String, ArrivalHead>> {
    rows.iter()
        .map(|row| {
            let head = ArrivalHead {
                place: row.try_get_by_index(1)?,
                hash: row.try_get_by_index(2)?,
                received_at: row.try_get_by_index(3)?,
                event_at: row.try_get_by_index(4)?,
                numbers: row.try_get_by_index(5)?,
                gone: (
                    row.try_get_by_index::<Option<i64>>(6)?.unwrap_or_default(),
                    row.try_get_by_index::<Option<String>>(7)?.unwrap_or_default(),
                ),
                forged: row.try_get_by_index(8)?,
                forged_at: row.try_get_by_index(9)?,
            };
            Ok((row.try_get_by_index(0)?, head))
        })
        .collect()
}

impl WriteTx {
    /// What is known of each source. Nobody else takes accesses of the facility in until this transaction ends.
    ///
    /// # Errors
    /// Any store error.
    pub async fn arrival_heads(&mut self) -> Result<HashMap<String, ArrivalHead>> {
        dialect::lock_arrivals(&self.tx, &self.facility).await?;
        heads(&self.select(HEADS, vec![self.facility.clone().into()]).await?)
    }

    /// The accesses of this facility that came before with one of these marks, by mark.
    ///
    /// # Errors
    /// Any store error.
    pub async fn access_known(&self, wanted: &[i64]) -> Result<HashMap<i64, Vec<Access>>> {
        let mut places: HashMap<i64, i64> = HashMap::new();
        for part in wanted.chunks(MAX_PARAMETERS) {
            let sql = format!("SELECT seq, mark FROM accesses WHERE mark IN {}", marks(1, part.len()));
            for row in self.select(&sql, part.iter().map(|mark| Value::from(*mark)).collect()).await? {
                places.insert(row.try_get_by_index(0)?, row.try_get_by_index(1)?);
            }
        }
        let mut known: HashMap<i64, Vec<Access>> = HashMap::new();
        let seqs: Vec<i64> = places.keys().copied().collect();
        for part in seqs.chunks(MAX_PARAMETERS) {
            let sql = format!("SELECT seq, entry FROM journal WHERE seq IN {}", marks(1, part.len()));
            for row in self.select(&sql, part.iter().map(|seq| Value::from(*seq)).collect()).await? {
                let entry: Entry = serde_json::from_str(&row.try_get_by_index::<String>(1)?)
                    .map_err(|_| Error::Corrupt { what: "journal".to_owned() })?;
                let mark = places.get(&row.try_get_by_index::<i64>(0)?).copied();
                if let Some((mark, access)) = mark.zip(Access::of(&entry)).filter(|_| entry.facility == self.facility) {
                    known.entry(mark).or_default().push(access);
                }
            }
        }
        Ok(known)
    }

    /// Records an access with its mark: an entry of the journal, and a row of the index.
    pub fn access_record(&mut self, access: &Access, mark: i64) {
        self.record_access(access, mark);
    }

    /// Keeps arrivals, and what is known of their sources after them.
    ///
    /// # Errors
    /// Any store error.
    pub async fn arrival_insert(
        &mut self,
        arrivals: Vec<NewArrival>,
        heads: &HashMap<String, ArrivalHead>,
    ) -> Result<()> {
        const AT_ONCE: usize = 200;
        let (facility, now) = (self.facility.clone(), self.now.as_microsecond());
        let mut arrivals = arrivals.into_iter().peekable();
        while arrivals.peek().is_some() {
            let part: Vec<NewArrival> = arrivals.by_ref().take(AT_ONCE).collect();
            let sql = format!("INSERT INTO arrivals ({ARRIVAL}) VALUES {}", marks(part.len(), 13));
            let mut values: Vec<Value> = Vec::with_capacity(part.len() * 13);
            for new in part {
                values.extend([new.id.into(), facility.clone().into(), new.source.into(), new.place.into()]);
                values.extend([new.format.into(), new.parser.into(), now.into(), new.size.into(), new.hash.into()]);
                values.extend([new.fresh.into(), new.known.into(), new.refused.into(), new.content.into()]);
            }
            self.execute(&sql, values).await?;
        }
        for (source, head) in heads {
            let sql = "INSERT INTO arrival_heads (facility, source, place, hash, received_at, event_at, numbers, \
                       forged, forged_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (facility, source) DO UPDATE SET place = excluded.place, \
                       hash = excluded.hash, received_at = excluded.received_at, event_at = excluded.event_at, \
                       numbers = excluded.numbers, forged = excluded.forged, forged_at = excluded.forged_at";
            let values = vec![
                facility.clone().into(),
                source.clone().into(),
                head.place.into(),
                head.hash.clone().into(),
                head.received_at.into(),
                Value::BigInt(head.event_at),
                head.numbers.clone().into(),
                head.forged.into(),
                Value::BigInt(head.forged_at),
            ];
            self.execute(sql, values).await?;
        }
        Ok(())
    }
}
