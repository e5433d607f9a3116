//! References between ledgers: whom people mean when they write a number or a name.

use std::collections::{HashMap, HashSet};

use domain::ledger::{Column, Kind, LEDGERS, Ledger, Row, Value, ledger};
use domain::text::fold;
use store::WriteTx;

use crate::error::Result;

/// Key and name of rows that are not stored yet but will be, by ledger.
pub(crate) type Expected = HashMap<&'static str, Vec<(String, Option<String>)>>;

/// The rows of a ledger that a reference can mean, by number or name.
#[derive(Default)]
struct Names {
    exact: HashSet<String>,
    /// Folded; a spelling that fits two rows names neither.
    keys: HashMap<String, Option<String>>,
    names: HashMap<String, Option<String>>,
}

impl Names {
    async fn of(target: &Ledger, tx: &mut WriteTx, expected: &Expected) -> Result<Self> {
        let mut rows: HashMap<String, Option<String>> = tx.name_list(target).await?.into_iter().collect();
        rows.extend(expected.get(target.name).into_iter().flatten().cloned());
        let mut names = Self::default();
        for (key, name) in rows {
            names.add(key, name);
        }
        Ok(names)
    }

    fn add(&mut self, key: String, name: Option<String>) {
        let neither = |taken: &mut Option<String>| *taken = None;
        self.keys.entry(fold(&key)).and_modify(neither).or_insert_with(|| Some(key.clone()));
        if let Some(name) = name {
            self.names.entry(fold(&name)).and_modify(neither).or_insert_with(|| Some(key.clone()));
        }
        self.exact.insert(key);
    }

    /// The key of the one row that is meant: by its number as written, in another spelling, or by name.
    fn find(&self, written: &str) -> Option<String> {
        let upper = written.to_uppercase();
        if self.exact.contains(&upper) {
            return Some(upper);
        }
        let folded = fold(written);
        [&self.keys, &self.names].into_iter().find_map(|known| known.get(&folded)?.clone())
    }
}

/// Everything the rows of one ledger can refer to.
pub(crate) struct References {
    of: &'static Ledger,
    targets: HashMap<&'static str, Names>,
}

impl References {
    /// Reads what the columns of `of` can refer to.
    pub(crate) async fn of(of: &'static Ledger, tx: &mut WriteTx, expected: &Expected) -> Result<Self> {
        let mut targets = HashMap::new();
        for column in of.columns {
            let Kind::Ref(reference) = column.kind else { continue };
            let Some(target) = ledger(reference.ledger).filter(|t| !targets.contains_key(t.name)) else { continue };
            targets.insert(target.name, Names::of(target, tx, expected).await?);
        }
        Ok(Self { of, targets })
    }

    /// Replaces numbers and names of other rows by their keys; a message for each strict one that names none.
    pub(crate) fn resolve(&self, row: &mut Row) -> Vec<(&'static Column, String)> {
        let mut unknown = Vec::new();
        for column in self.of.columns {
            let Kind::Ref(reference) = column.kind else { continue };
            let Some(Value::Text(written)) = row.get(column.name) else { continue };
            let Some(known) = self.targets.get(reference.ledger) else { continue };
            if let Some(key) = known.find(written) {
                row.insert(column.name, Value::Text(key));
            } else if reference.strict {
                let target = ledger(reference.ledger).map_or("台帳", |l| l.label.ja);
                let message = format!(
                    "『{written}』は{target}にありません。先に{target}へ登録するか、番号か名前を直してください。"
                );
                unknown.push((column, message));
            }
        }
        unknown
    }
}

/// Finds out what texts in other ledgers mean now that rows of `target` came in by an import. Returns the number of rows.
pub(crate) async fn settle(tx: &mut WriteTx, target: &'static Ledger, import: &str) -> Result<u64> {
    let mut names = None;
    let mut count = 0;
    for of in LEDGERS {
        for column in of.columns {
            if !matches!(column.kind, Kind::Ref(to) if to.ledger == target.name && !to.strict) {
                continue;
            }
            let loose = tx.loose_list(of, column, target).await?;
            if loose.is_empty() {
                continue;
            }
            let known = match names.take() {
                Some(known) => known,
                None => Names::of(target, tx, &Expected::new()).await?,
            };
            let meant: Vec<(String, String)> =
                loose.into_iter().filter_map(|text| known.find(&text).map(|key| (text, key))).collect();
            names = Some(known);
            count += tx.loose_set(of, column, &meant, import).await?;
        }
    }
    Ok(count)
}
