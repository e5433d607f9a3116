//! The backend-neutral dump: the way from SQLite to PostgreSQL and back, and a backup that any text
//! tool can read. One JSON object a line: first what it is, then every row of every table. Derived columns are left out.

use std::io::{BufRead, Write};

use domain::journal::{Actor, Event};
use sea_orm::{ConnectionTrait, QueryResult, TransactionTrait, Value};
use serde_json::{Map, Value as Json, json};

use crate::dialect::{self, MAX_PARAMETERS, marks};
use crate::error::{Error, Result};
use crate::{Store, WriteTx, derive, journal, statement};

/// Name and version of the format, in the first line.
const FORMAT: &str = "sakimori-dump-1";

/// Columns of every table, text first: `(table, text columns, integer columns)`.
pub(crate) fn tables() -> Vec<(String, Vec<String>, Vec<String>)> {
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
        ("import_rows", "import ledger row_key facility row_before entered_on import_was", "entered_at"),
        ("mappings", "facility ledger header column_name", ""),
        ("signatures", "id facility catalog signed_by signed_on sha256", "at"),
        ("agent_keys", "facility secret_sha256", "made_at"),
        // Of who signs in, what lasts: no sessions, grants or failures.
        (
            "users",
            "id facility login login_key name person role password_hash password_history totp_secret disabled_reason \
             valid_from valid_until notice lang email sees_from sees_until duties",
            "password_alone totp_last_step disabled_at sealed must_renew made_at last_sign_in_at rev",
        ),
        ("credentials", "id user_id name passkey model attachment", "backup_eligible counter made_at used_at"),
        ("recovery_codes", "user_id sha256", "used_at"),
        ("terminals", "id key_sha256 facility name made_by", "shared made_at"),
        ("tokens", "id facility user_id name secret_sha256 scopes ends_on sources", "made_at used_at revoked_at"),
        ("mail_settings", "facility host security login secret sender authority digest_on", "port"),
        ("deputies", "id facility principal deputy from_on until_on reason made_by", "made_at ended_at"),
        ("seen_approvals", "facility ledger row_key approved_on user_id seen_by", "seen_at"),
        ("evidence_requests", "id facility requirement what due_on state asked_by asked_name", "no asked_at rev"),
        (
            "evidence_steps",
            "request facility act made_by said links file_name file_sha256 content",
            "place made_at file_bytes",
        ),
        ("approval_routes", "facility ledger route", ""),
        ("approval_checks", "facility ledger row_key shown_sha256 user_id made_by", "step made_at"),
        ("circulars", "id facility ledger row_key note due_on made_by made_name", "made_at ended_at"),
        ("circular_readers", "circular user_id facility name", "seen_at"),
        ("verdict_counts", "facility edition counted_on", "unmet unknown due_soon deemed met not_applicable"),
        ("verdict_turns", "facility requirement turned_on verdict", ""),
        ("journal", "facility entry hash", "seq at"),
        ("seal_keys", "facility month secret", ""),
        ("arrivals", "id facility source format hash content", "place parser received_at size fresh known refused"),
        ("arrival_heads", "facility source hash numbers gone_hash", "place received_at event_at gone forged forged_at"),
        ("review_settings", "facility name", "value"),
        (
            "review_cases",
            "id facility kind source subject person week verdict reason closed_by review",
            "no first_at last_at accesses people patients weight found_at closed_at",
        ),
        ("log_keepers", "id grade url trust tls", "made_at"),
        ("log_heads", "id grade name origin root proof", "size at"),
        ("unrecorded", "class", "goes_on"),
        ("log_turns", "origin fresh record", "number"),
        ("retention", "facility kind basis", "years"),
        ("legal_holds", "id facility reason from_on made_by lifted_by lifted_why", "made_at lifted_at"),
        (
            "disposals_of_records",
            "id facility state hash rules months bounds reason asked_by decided_by why root",
            "first_seq last_seq since_at until_at entries accesses originals asked_at decided_at done_at",
        ),
    ] {
        all.push((table.to_owned(), own(texts), own(numbers)));
    }
    all
}

/// The primary key of a table.
fn key(table: &str) -> &'static [&'static str] {
    match table {
        "import_rows" => &["import", "ledger", "row_key"],
        "mappings" => &["facility", "ledger", "header"],
        "agent_keys" | "mail_settings" => &["facility"],
        "seen_approvals" => &["facility", "ledger", "row_key", "approved_on", "user_id"],
        "evidence_steps" => &["request", "place"],
        "approval_routes" => &["facility", "ledger"],
        "approval_checks" => &["facility", "ledger", "row_key", "shown_sha256", "step"],
        "circular_readers" => &["circular", "user_id"],
        "verdict_counts" => &["facility", "edition", "counted_on"],
        "verdict_turns" => &["facility", "requirement", "turned_on"],
        "recovery_codes" => &["user_id", "sha256"],
        "journal" => &["seq"],
        "seal_keys" => &["facility", "month"],
        "unrecorded" => &["class"],
        "log_turns" => &["origin", "number"],
        "retention" => &["facility", "kind"],
        "arrival_heads" => &["facility", "source"],
        "review_settings" => &["facility", "name"],
        _ => &["id"],
    }
}

/// The table that a name in a dump means: version 0.1 kept less about imports, under another name.
fn renamed(table: &str) -> &str {
    if table == "import_before" { "import_rows" } else { table }
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
        let mut count = 0_u64;
        for (table, texts, numbers) in tables() {
            let columns: Vec<&str> = texts.iter().chain(&numbers).map(String::as_str).collect();
            let (list, key) = (columns.join(", "), key(&table));
            let order = key.join(", ");
            // Each page begins after the last key of the one before: a table is read once, however long it is.
            let mut after = String::new();
            let mut values: Vec<Value> = Vec::new();
            loop {
                const PAGE: usize = 5_000;
                let sql = format!("SELECT {list} FROM {table}{after} ORDER BY {order} LIMIT {PAGE}");
                let rows = tx.query_all_raw(statement(&tx, &sql, values)).await?;
                for row in &rows {
                    let row = object(row, &columns, texts.len())?;
                    writeln!(out, "{}", json!({ "table": table, "row": row })).map_err(failed)?;
                    count += 1;
                }
                let Some(last) = rows.last().filter(|_| rows.len() == PAGE) else { break };
                let last = object(last, &columns, texts.len())?;
                let place = |column: &&str| match last.get(*column) {
                    Some(Json::Number(n)) => Value::BigInt(n.as_i64()),
                    other => Value::String(other.and_then(Json::as_str).map(str::to_owned)),
                };
                values = key.iter().map(place).collect();
                after = format!(" WHERE ({order}) > {}", marks(1, key.len()));
            }
        }
        writeln!(out, "{}", json!({ "rows": count })).map_err(failed)?;
        tx.commit().await?;
        Ok(count)
    }

    /// Reads a dump into this store, which must be empty; all or nothing. Its journal has to hold together; that it was
    /// loaded is one more entry.
    ///
    /// # Errors
    /// [`Error::Dump`] when the text is not a whole dump, its journal is broken or the store is not empty; any store error.
    pub async fn load(&self, actor: &Actor, now: jiff::Timestamp, input: &mut dyn BufRead) -> Result<u64> {
        let fault = |line: usize, reason: &str| Error::Dump { line, reason: reason.to_owned() };
        if self.journal_head().await?.0 > 0 {
            return Err(fault(0, "読込み先が空ではありません。新しいデータフォルダかデータベースを指定してください"));
        }
        let shape = tables();
        let mut tx = self.begin(actor, "", now).await?;
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
            let table = json.get("table").and_then(Json::as_str).map(renamed);
            let at = shape.iter().position(|(name, ..)| Some(name.as_str()) == table);
            let at = at.ok_or_else(|| fault(n + 1, "この版の知らない表です"))?;
            let Some(Json::Object(row)) = json.get("row").cloned() else {
                return Err(fault(n + 1, "行の内容がありません"));
            };
            if pending.0 != at || pending.1.len() >= 500 {
                flush(&mut tx, &shape, &mut pending, n).await?;
                pending.0 = at;
            }
            pending.1.push(row);
            count += 1;
        }
        flush(&mut tx, &shape, &mut pending, 0).await?;
        if !ended {
            return Err(fault(0, "途中で切れています（最後の行数が合いません）"));
        }
        derive::fill(&tx.tx).await?;
        if let Err(broken) = journal::check(&tx.tx).await? {
            return Err(fault(0, &format!("中の記録の{}番目が合いません（{}）", broken.seq, broken.reason)));
        }
        tx.record(Event::new("store.load", "dump").with("rows", count));
        tx.commit().await?;
        self.analyze().await?;
        Ok(count)
    }
}

/// A row as the dump has it; what is NULL is left out.
fn object(row: &QueryResult, columns: &[&str], texts: usize) -> Result<Map<String, Json>> {
    let mut object = Map::new();
    for (n, column) in columns.iter().enumerate() {
        let value = if n < texts {
            row.try_get_by_index::<Option<String>>(n)?.map(Json::from)
        } else {
            row.try_get_by_index::<Option<i64>>(n)?.map(Json::from)
        };
        if let Some(value) = value {
            object.insert((*column).to_owned(), value);
        }
    }
    Ok(object)
}

async fn flush(
    tx: &mut WriteTx,
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
            // Version 0.1 did not say which ledger an import's row belongs to; the import itself does.
            let old = |c: &str| (table == "import_rows" && c == "ledger").then(String::new);
            let text = |c: &String| row.get(c).and_then(Json::as_str).map(str::to_owned).or_else(|| old(c));
            values.extend(texts.iter().map(|c| Value::String(text(c))));
            values.extend(numbers.iter().map(|c| Value::BigInt(row.get(c).and_then(Json::as_i64))));
        }
        let columns: Vec<&str> = texts.iter().chain(numbers).map(String::as_str).collect();
        let sql = format!("INSERT INTO {table} ({}) VALUES {}", columns.join(", "), marks(part.len(), width));
        tx.execute(&sql, values).await?;
    }
    Ok(())
}
