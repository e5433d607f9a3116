//! The backend-neutral dump: the way from SQLite to PostgreSQL and back, and a backup that any text
//! tool can read. One JSON object a line: first what it is, then every row of every table.

use std::io::{BufRead, Write};

use sea_orm::{ConnectionTrait, DatabaseTransaction, TransactionTrait, Value};
use serde_json::{Map, Value as Json, json};

use crate::dialect::{self, MAX_PARAMETERS};
use crate::error::{Error, Result};
use crate::{Store, statement};

/// Name and version of the format, in the first line.
const FORMAT: &str = "sakimori-dump-1";

/// Columns of every table, text first: `(table, text columns, integer columns)`.
fn tables() -> Vec<(String, Vec<String>, Vec<String>)> {
    use domain::ledger::{Kind, LEDGERS};
    let own = |list: &str| list.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let mut all: Vec<(String, Vec<String>, Vec<String>)> = LEDGERS
        .iter()
        .map(|l| {
            let (numbers, texts): (Vec<_>, Vec<_>) =
                l.columns.iter().partition(|c| matches!(c.kind, Kind::YesNo | Kind::Integer));
            let name = |c: &&domain::ledger::Column| c.name.to_owned();
            let texts =
                own("id facility row_key entered_on import").into_iter().chain(texts.iter().map(name)).collect();
            let numbers = own("rev entered_at").into_iter().chain(numbers.iter().map(name)).collect();
            (l.name.to_owned(), texts, numbers)
        })
        .collect();
    for (table, texts, numbers) in [
        (
            "machines",
            "id facility agent_id agent device match_note kind hostname serial macs ips os observed_on patched_on antivirus \
             definitions_on remote_control usb_storage local_admins sections",
            "observed_at received_at antivirus_on antivirus_current disk_encrypted hardening_index hardening_warnings rev",
        ),
        ("imports", "id facility ledger file_name sha256", "at added changed unchanged rejected undone_at"),
        ("import_before", "import row_key facility row_before entered_on import_was", "entered_at"),
        ("mappings", "facility ledger header column_name", ""),
        ("signatures", "id facility catalog signed_by signed_on sha256", "at"),
        ("agent_keys", "facility secret_sha256", "made_at"),
        // Of who signs in, what lasts: no sessions, grants or failures.
        (
            "users",
            "id facility login login_key name person role password_hash password_history totp_secret disabled_reason \
             valid_from valid_until notice lang",
            "password_alone totp_last_step disabled_at sealed must_renew made_at last_sign_in_at rev",
        ),
        ("credentials", "id user_id name passkey model attachment", "backup_eligible counter made_at used_at"),
        ("recovery_codes", "user_id sha256", "used_at"),
        ("terminals", "id key_sha256 facility name made_by", "shared made_at"),
        ("tokens", "id facility user_id name secret_sha256 scopes ends_on", "made_at used_at revoked_at"),
        ("journal", "facility entry hash", "seq at"),
    ] {
        all.push((table.to_owned(), own(texts), own(numbers)));
    }
    all
}

impl Store {
    /// Writes everything to `out`; returns the number of rows.
    ///
    /// # Errors
    /// [`Error::Folder`] when `out` cannot be written; any store error.
    pub async fn dump(&self, out: &mut dyn Write) -> Result<u64> {
        let failed = |source| Error::Folder { folder: "dump".to_owned(), source };
        writeln!(out, "{}", json!({ "format": FORMAT })).map_err(failed)?;
        // One transaction, so that all tables are of one moment.
        let tx = self.read.begin_with_options(dialect::snapshot_options(&self.read)).await?;
        let mut count = 0;
        for (table, texts, numbers) in tables() {
            let columns: Vec<&str> = texts.iter().chain(&numbers).map(String::as_str).collect();
            let list = columns.join(", ");
            let key = if table == "journal" { "seq".to_owned() } else { list.clone() };
            let mut from = 0_i64;
            loop {
                const PAGE: i64 = 5_000;
                let sql = format!("SELECT {list} FROM {table} ORDER BY {key} LIMIT {PAGE} OFFSET {from}");
                let rows = tx.query_all_raw(statement(&tx, &sql, Vec::new())).await?;
                for row in &rows {
                    let mut object = Map::new();
                    for (n, column) in columns.iter().enumerate() {
                        let value = if n < texts.len() {
                            row.try_get_by_index::<Option<String>>(n)?.map(Json::from)
                        } else {
                            row.try_get_by_index::<Option<i64>>(n)?.map(Json::from)
                        };
                        if let Some(value) = value {
                            object.insert((*column).to_owned(), value);
                        }
                    }
                    writeln!(out, "{}", json!({ "table": table, "row": object })).map_err(failed)?;
                    count += 1;
                }
                let read = i64::try_from(rows.len()).unwrap_or(PAGE);
                from += read;
                if read < PAGE {
                    break;
                }
            }
        }
        writeln!(out, "{}", json!({ "rows": count })).map_err(failed)?;
        tx.commit().await?;
        Ok(count)
    }

    /// Reads a dump into this store, which must be empty; all or nothing.
    ///
    /// # Errors
    /// [`Error::Dump`] when the text is not a whole dump or the store is not empty; any store error.
    pub async fn load(&self, input: &mut dyn BufRead) -> Result<u64> {
        let fault = |line: usize, reason: &str| Error::Dump { line, reason: reason.to_owned() };
        if self.journal_head().await?.0 > 0 {
            return Err(fault(0, "読込み先が空ではありません。新しいデータフォルダかデータベースを指定してください"));
        }
        let shape = tables();
        let tx = self.write.begin_with_options(dialect::write_options()).await?;
        let mut count = 0_u64;
        let mut ended = false;
        let mut pending: (usize, Vec<Map<String, Json>>) = (usize::MAX, Vec::new());
        for (n, line) in input.lines().enumerate() {
            let line = line.map_err(|_| fault(n + 1, "UTF-8の文字ではありません"))?;
            let json: Json = serde_json::from_str(&line).map_err(|_| fault(n + 1, "JSONではありません"))?;
            if n == 0 {
                if json.get("format").and_then(Json::as_str) != Some(FORMAT) {
                    return Err(fault(1, "sakimoriの書き出しではありません"));
                }
                continue;
            }
            if ended {
                return Err(fault(n + 1, "最後の行の後に続きがあります"));
            }
            if let Some(rows) = json.get("rows").and_then(Json::as_u64) {
                ended = rows == count;
                continue;
            }
            let table = json.get("table").and_then(Json::as_str);
            let at = shape.iter().position(|(name, ..)| Some(name.as_str()) == table);
            let at = at.ok_or_else(|| fault(n + 1, "この版の知らない表です"))?;
            let Some(Json::Object(row)) = json.get("row").cloned() else {
                return Err(fault(n + 1, "行の内容がありません"));
            };
            if pending.0 != at || pending.1.len() >= 500 {
                flush(&tx, &shape, &mut pending, n).await?;
                pending.0 = at;
            }
            pending.1.push(row);
            count += 1;
        }
        flush(&tx, &shape, &mut pending, 0).await?;
        if !ended {
            return Err(fault(0, "途中で切れています（最後の行数が合いません）"));
        }
        tx.commit().await?;
        self.analyze().await?;
        Ok(count)
    }
}

async fn flush(
    tx: &DatabaseTransaction,
    shape: &[(String, Vec<String>, Vec<String>)],
    pending: &mut (usize, Vec<Map<String, Json>>),
    line: usize,
) -> Result<()> {
    let rows = std::mem::take(&mut pending.1);
    let Some((table, texts, numbers)) = shape.get(pending.0) else { return Ok(()) };
    let width = texts.len() + numbers.len();
    let fault = |reason: String| Error::Dump { line, reason };
    for part in rows.chunks(MAX_PARAMETERS / width) {
        let mut values: Vec<Value> = Vec::with_capacity(part.len() * width);
        for row in part {
            if let Some(stray) = row.keys().find(|k| !texts.contains(k) && !numbers.contains(k)) {
                return Err(fault(format!("表{table}にこの版の知らない列「{stray}」があります")));
            }
            values.extend(texts.iter().map(|c| Value::String(row.get(c).and_then(Json::as_str).map(str::to_owned))));
            values.extend(numbers.iter().map(|c| Value::BigInt(row.get(c).and_then(Json::as_i64))));
        }
        let places: Vec<String> = (0..part.len())
            .map(|r| {
                let marks: Vec<String> = (1..=width).map(|c| format!("${}", r * width + c)).collect();
                format!("({})", marks.join(","))
            })
            .collect();
        let columns: Vec<&str> = texts.iter().chain(numbers).map(String::as_str).collect();
        let sql = format!("INSERT INTO {table} ({}) VALUES {}", columns.join(", "), places.join(","));
        tx.execute_raw(statement(tx, &sql, values)).await?;
    }
    Ok(())
}
