//! Finding rows for a page: words, filters, order, fifty at a time, the same on both databases.

use domain::ledger::{Column, Kind, Ledger, Period, Value as Cell};
use domain::text::search_key;
use sea_orm::Value;

use super::{StoredRow, select_list, stored_rows, title, to_sql};
use crate::Store;
use crate::dialect::BY_WORDS;
use crate::error::Result;

/// Rows on a page.
pub const PAGE_SIZE: u32 = 50;
/// More words than this narrow nothing down any further.
const MAX_WORDS: usize = 16;

/// What a page asks for.
#[derive(Clone, Copy, Debug)]
pub struct RowQuery<'a> {
    /// The ledger.
    pub ledger: &'static Ledger,
    /// Words that all have to occur somewhere in the row, in any spelling; empty for every row.
    pub search: &'a str,
    /// What columns have to hold, as people write it or as codes; `""` is *not stated*. Of a set, every given entry
    /// has to be in it. A value that the column cannot hold is held by no row.
    pub filters: &'a [(&'static Column, String)],
    /// Only rows of these days, where whoever asks sees no others.
    pub period: Option<Period>,
    /// The column to order by; without one, the key. Rows that do not state it come last either way.
    pub sort: Option<&'static Column>,
    /// The greatest first.
    pub descending: bool,
    /// Page, from 1; one beyond the last is the last.
    pub page: u32,
}

/// One page of rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowPage {
    /// At most [`PAGE_SIZE`] rows.
    pub rows: Vec<StoredRow>,
    /// How many rows there are on all pages.
    pub total: u64,
    /// Which page this is, from 1.
    pub page: u32,
    /// How many pages there are, at least 1.
    pub pages: u32,
}

/// Conditions that are joined by `AND`, with their values.
struct Conditions {
    sql: String,
    values: Vec<Value>,
}

impl Conditions {
    fn of(facility: &str) -> Self {
        Self { sql: "facility = $1".to_owned(), values: vec![facility.into()] }
    }

    fn and(&mut self, condition: &str) {
        self.sql.push_str(" AND ");
        self.sql.push_str(condition);
    }

    fn with(&mut self, left: &str, value: Value) {
        self.values.push(value);
        self.sql.push_str(&format!(" AND {left} ${}", self.values.len()));
    }

    fn containing(&mut self, text: &str, part: &str) {
        let escaped: String =
            part.chars().flat_map(|c| matches!(c, '!' | '%' | '_').then_some('!').into_iter().chain([c])).collect();
        self.with(&format!("{text} LIKE"), format!("%{escaped}%").into());
        self.sql.push_str(" ESCAPE '!'");
    }

    /// Words that all have to occur; `alone` where nothing else is asked of the rows, so that the index of words will do.
    fn words(&mut self, search: &str, alone: bool) {
        let words: Vec<String> =
            search.split_whitespace().map(search_key).filter(|w| !w.is_empty()).take(MAX_WORDS).collect();
        if alone && !words.is_empty() {
            self.and(BY_WORDS);
        }
        for word in words {
            self.containing("search", &word);
        }
    }

    fn within(&mut self, column: &Column, period: Period) {
        self.values.extend([period.from.to_string().into(), period.until.to_string().into()]);
        let (name, last) = (column.name, self.values.len());
        self.and(&format!("({name} IS NULL OR ({name} >= ${} AND {name} <= ${last}))", last - 1));
    }

    fn filter(&mut self, column: &Column, wanted: &str) {
        match column.parse(wanted) {
            Ok(None) => self.and(&format!("{} IS NULL", column.name)),
            Ok(Some(Cell::Text(codes))) if matches!(column.kind, Kind::Set(_)) => {
                for code in codes.split('+') {
                    self.containing(&format!("'+' || {} || '+'", column.name), &format!("+{code}+"));
                }
            }
            Ok(Some(value)) => self.with(&format!("{} =", column.name), to_sql(column, Some(&value))),
            Err(_) => self.and("1 = 0"),
        }
    }
}

/// The order that a query asks for, or the same read from its end.
fn order(query: &RowQuery<'_>, backwards: bool) -> String {
    let direction = |descending: bool| if descending { "DESC" } else { "ASC" };
    let asked = direction(query.descending != backwards);
    match query.sort {
        Some(column) => {
            let unstated = if backwards { "FIRST" } else { "LAST" };
            format!("{} {asked} NULLS {unstated}, row_key {}", column.name, direction(backwards))
        }
        None => format!("row_key {asked}"),
    }
}

fn pages_of(total: u64) -> u32 {
    u32::try_from(total.div_ceil(PAGE_SIZE.into())).unwrap_or(u32::MAX).max(1)
}

impl Store {
    /// One page of the rows of a facility that a query asks for.
    ///
    /// # Errors
    /// Any store error.
    pub async fn row_page(&self, facility: &str, query: &RowQuery<'_>) -> Result<RowPage> {
        let mut conditions = Conditions::of(facility);
        conditions.words(query.search, query.sort.is_none() && query.filters.is_empty() && query.period.is_none());
        for (column, wanted) in query.filters {
            conditions.filter(column, wanted);
        }
        if let Some((period, column)) = query.period.zip(query.ledger.happened_on()) {
            conditions.within(column, period);
        }
        let (asked, size) = (query.page.max(1), u64::from(PAGE_SIZE));
        let skipped = u64::from(asked - 1) * size;
        if conditions.values.len() == 1 {
            // Counting a whole ledger reads an index alone, so the page can be read from whichever end is nearer.
            let total = self.matching_count(query, &conditions).await?;
            let page = asked.min(pages_of(total));
            let rows = self.page_from_the_nearer_end(query, &conditions, page, total).await?;
            return Ok(RowPage { rows, total, page, pages: pages_of(total) });
        }
        // Counting what fits reads every row, and so does ordering it: once for both, unless the page may stop early. A
        // page that is not full says itself how many there are.
        let (rows, total) = if asked == 1 && query.sort.is_none() {
            let rows = self.page_rows(query, &conditions, skipped, size, false).await?;
            match rows.len() as u64 {
                few if few < size => (rows, few),
                _ => (rows, self.matching_count(query, &conditions).await?),
            }
        } else {
            self.page_and_count(query, &conditions, skipped).await?
        };
        let page = asked.min(pages_of(total));
        let rows =
            if page == asked { rows } else { self.page_from_the_nearer_end(query, &conditions, page, total).await? };
        Ok(RowPage { rows, total, page, pages: pages_of(total) })
    }

    /// A page of which there is known to be one: what is skipped has to be ordered, too.
    async fn page_from_the_nearer_end(
        &self,
        query: &RowQuery<'_>,
        conditions: &Conditions,
        page: u32,
        total: u64,
    ) -> Result<Vec<StoredRow>> {
        let size = u64::from(PAGE_SIZE);
        let skipped = u64::from(page - 1) * size;
        let shown = total.saturating_sub(skipped).min(size);
        let after = total.saturating_sub(skipped + shown);
        if after >= skipped {
            return self.page_rows(query, conditions, skipped, shown, false).await;
        }
        let mut rows = self.page_rows(query, conditions, after, shown, true).await?;
        rows.reverse();
        Ok(rows)
    }

    async fn matching_count(&self, query: &RowQuery<'_>, conditions: &Conditions) -> Result<u64> {
        let sql = format!("SELECT COUNT(*) FROM {} WHERE {}", query.ledger.name, conditions.sql);
        let counted = self.query(&sql, conditions.values.clone()).await?;
        let total: i64 = counted.first().map_or(Ok(0), |row| row.try_get_by_index(0))?;
        Ok(u64::try_from(total).unwrap_or_default())
    }

    /// A page of the rows that fit, and how many do, from one reading of all.
    async fn page_and_count(
        &self,
        query: &RowQuery<'_>,
        conditions: &Conditions,
        skipped: u64,
    ) -> Result<(Vec<StoredRow>, u64)> {
        let (table, order) = (query.ledger.name, order(query, false));
        let sorted = query.sort.map_or(String::new(), |column| format!(", {}", column.name));
        let sql = format!(
            "WITH fit AS MATERIALIZED (SELECT row_key{sorted} FROM {table} WHERE {}) \
             SELECT {}, (SELECT COUNT(*) FROM fit) AS fitting FROM {table} WHERE facility = $1 AND row_key IN \
             (SELECT row_key FROM fit ORDER BY {order} LIMIT {PAGE_SIZE} OFFSET {skipped}) ORDER BY {order}",
            conditions.sql,
            select_list(query.ledger),
        );
        let rows = self.query(&sql, conditions.values.clone()).await?;
        let total = match rows.first() {
            Some(row) => u64::try_from(row.try_get::<i64>("", "fitting")?).unwrap_or_default(),
            // Beyond the last page there is no row to say it.
            None => self.matching_count(query, conditions).await?,
        };
        Ok((stored_rows(query.ledger, &rows)?, total))
    }

    async fn page_rows(
        &self,
        query: &RowQuery<'_>,
        conditions: &Conditions,
        skipped: u64,
        shown: u64,
        backwards: bool,
    ) -> Result<Vec<StoredRow>> {
        let (table, order) = (query.ledger.name, order(query, backwards));
        // Only the keys are sorted; the rows are fetched for the fifty that are shown.
        let sql = format!(
            "SELECT {} FROM {table} WHERE facility = $1 AND row_key IN (SELECT row_key FROM {table} WHERE {} \
             ORDER BY {order} LIMIT {shown} OFFSET {skipped}) ORDER BY {order}",
            select_list(query.ledger),
            conditions.sql,
        );
        stored_rows(query.ledger, &self.query(&sql, conditions.values.clone()).await?)
    }

    /// `(key, title)` of the first rows in which all words occur.
    ///
    /// # Errors
    /// Any store error.
    pub async fn row_suggest(
        &self,
        ledger: &'static Ledger,
        facility: &str,
        search: &str,
        limit: u32,
    ) -> Result<Vec<(String, Option<String>)>> {
        let mut conditions = Conditions::of(facility);
        conditions.words(search, true);
        let sql = format!(
            "SELECT row_key, {} FROM {} WHERE {} ORDER BY row_key LIMIT {limit}",
            title(ledger),
            ledger.name,
            conditions.sql
        );
        let rows = self.query(&sql, conditions.values).await?;
        rows.iter().map(|r| Ok((r.try_get_by_index(0)?, r.try_get_by_index(1)?))).collect()
    }
}
