//! Plain tables of accesses: the one of the ministry's manual (利用者ID, 氏名, 日時, 区分, 操作), and whatever a system
//! writes as CSV, TSV or a workbook.
//!
//! Headings are found as in the import of ledgers, with the same saved mapping, so [`ACCESSES`] has the shape of a ledger
//! without being one. What was done is read from words (`WORDS`); a word that is not known refuses its row, and can be
//! given a meaning by a mapping of its own, under [`WORDS_OF`].

use domain::access::{Access, Act, Exposure, Outcome};
use domain::jp::{excel_serial, parse_date};
use domain::ledger::{Column, Kind, Ledger, Row};
use domain::text::{Label, fold, tidy};
use jiff::Timestamp;
use jiff::civil::{DateTime, Time};

use super::error::shorten;
use super::{Doubt, Origin};
use crate::table::{Mapping, Recognised};

const fn column(name: &'static str, ja: &'static str, en: &'static str, synonyms: &'static [&'static str]) -> Column {
    Column { name, label: Label::new(ja, en), kind: Kind::Text, required: false, synonyms }
}

/// The columns of a list of accesses; the first five are those of the manual.
#[rustfmt::skip]
pub static ACCESSES: Ledger = Ledger {
    name: "accesses",
    label: Label::new("アクセス記録", "accesses"),
    file_words: &["アクセス記録", "アクセスログ", "操作ログ", "監査ログ", "利用記録"],
    key: &["at", "user"],
    columns: &[
        column("user", "利用者ID", "user id", &["利用者番号", "利用者コード", "ユーザID", "ユーザーID", "職員番号", "職員ID", "職員コード", "操作者ID", "操作者コード", "ログインID", "ユーザ", "ユーザー", "利用者", "userid", "login"]),
        column("name", "氏名", "name", &["利用者名", "利用者氏名", "ユーザ名", "ユーザー名", "職員名", "職員氏名", "操作者", "操作者名", "操作者氏名", "username"]),
        column("at", "日時", "time", &["操作日時", "アクセス日時", "閲覧日時", "参照日時", "ログ日時", "発生日時", "実行日時", "記録日時", "処理日時", "timestamp", "datetime", "日付時刻"]),
        column("kind", "区分", "kind", &["操作区分", "ログ区分", "処理区分", "アクセス区分", "種別", "操作種別", "イベント種別", "カテゴリ", "category"]),
        column("operation", "操作", "operation", &["操作内容", "処理", "処理内容", "イベント", "アクション", "動作", "action", "event"]),
        column("date", "日付", "date", &["操作日", "アクセス日", "閲覧日", "年月日"]),
        column("clock", "時刻", "time of day", &["操作時刻", "アクセス時刻", "閲覧時刻", "時間"]),
        column("patient", "患者ID", "patient id", &["患者番号", "患者コード", "診察券番号", "カルテ番号", "対象患者ID", "対象患者番号", "対象患者", "patientid", "patient"]),
        column("resource", "対象", "record", &["対象記録", "対象データ", "対象文書", "文書名", "画面", "画面名", "画面ID", "機能", "機能名", "業務", "resource", "object"]),
        column("terminal", "端末", "terminal", &["端末名", "端末ID", "端末番号", "PC名", "コンピュータ名", "コンピューター名", "ホスト名", "IPアドレス", "クライアント", "アクセス元", "接続元", "terminal", "host", "client"]),
        column("outcome", "結果", "outcome", &["成否", "処理結果", "操作結果", "result", "status"]),
        column("exposure", "表示", "shown", &["表示区分"]),
        column("records", "件数", "records", &["出力件数", "印刷枚数", "検索件数", "count"]),
        column("for", "代行", "on behalf of", &["代行元", "代行対象者", "依頼者"]),
        column("purpose", "目的", "purpose", &["利用目的", "アクセス目的", "purpose"]),
        column("reason", "理由", "reason", &["アクセス理由", "閲覧理由", "reason"]),
        column("relation", "関係", "relation", &["患者との関係"]),
        column("policy", "許可の根拠", "policy", &[]),
        column("authentication", "認証方法", "authentication", &["認証"]),
        column("plan", "作業計画番号", "work plan", &["作業番号", "計画番号"]),
        // No running number: one that begins anew in each file would make another day's events known.
        column("id", "記録番号", "event id", &["ログID", "ログ番号", "イベントID", "eventid", "logid"]),
    ],
};

/// The name under which the saved mapping keeps words for acts.
pub const WORDS_OF: &str = "accesses.act";

/// Words, folded, that say what was done: the first line of which one is part of the text decides.
const WORDS: &[(Act, &[&str])] = &[
    (Act::Emergency, &["緊急", "emergency", "breakglass", "強制"]),
    (Act::SignOut, &["ろぐあうと", "ろぐおふ", "さいんあうと", "logout", "logoff", "signout"]),
    (Act::SignIn, &["ろぐいん", "ろぐおん", "さいんいん", "login", "logon", "signin", "認証"]),
    (Act::Print, &["印刷", "ぷりんと", "帳票", "発行", "print"]),
    (
        Act::Export,
        &[
            "出力",
            "えくすぽーと",
            "だうんろーど",
            "書出",
            "抽出",
            "持出",
            "こぴー",
            "送信",
            "export",
            "download",
            "csv",
        ],
    ),
    (Act::Search, &["検索", "一覧", "search", "query", "list"]),
    (Act::Delete, &["削除", "取消", "中止", "破棄", "delete", "remove"]),
    (
        Act::Maintain,
        &[
            "保守",
            "めんてなんす",
            "設定",
            "権限",
            "ますた",
            "起動",
            "停止",
            "ばっくあっぷ",
            "maintenance",
            "config",
            "admin",
        ],
    ),
    (Act::Update, &["変更", "更新", "修正", "訂正", "編集", "上書", "update", "edit", "modify"]),
    (Act::Create, &["登録", "作成", "新規", "追加", "入力", "記載", "保存", "おーだ", "create", "insert", "add"]),
    (Act::Read, &["閲覧", "参照", "表示", "照会", "開く", "かるて", "read", "view", "open", "select"]),
];
/// Words, folded, that say how it ended.
const ENDS: &[(Outcome, &[&str])] = &[
    (Outcome::Refused, &["拒否", "不可", "禁止", "権限なし", "denied", "refused", "reject"]),
    (Outcome::Failed, &["失敗", "えらー", "異常", "ng", "fail", "error", "×"]),
];

/// What a table holds.
#[derive(Debug, Default)]
pub struct Rows {
    /// The accesses with the number of their row, as Excel counts.
    pub accesses: Vec<(usize, Access)>,
    /// Rows that cannot be taken, with what is wrong.
    pub refused: Vec<(usize, Vec<String>)>,
    /// Rows whose time cannot be true.
    pub doubts: Vec<(usize, Doubt)>,
}

/// Reads the rows below a header that was recognised as [`ACCESSES`].
pub fn rows(recognised: &Recognised<'_>, mapping: &Mapping, origin: &Origin<'_>) -> Rows {
    let mut rows = Rows::default();
    for parsed in recognised.rows() {
        let mut problems: Vec<String> = parsed.problems.iter().map(ToString::to_string).collect();
        match access(&parsed.row, mapping, origin) {
            Ok(access) if problems.is_empty() => {
                rows.doubts.extend(Doubt::of(access.at, origin.now).map(|doubt| (parsed.line, doubt)));
                rows.accesses.push((parsed.line, access));
            }
            Ok(_) => rows.refused.push((parsed.line, problems)),
            Err(more) => {
                problems.extend(more);
                rows.refused.push((parsed.line, problems));
            }
        }
    }
    rows
}

fn text<'r>(row: &'r Row, name: &str) -> Option<&'r str> {
    match row.get(name) {
        Some(domain::ledger::Value::Text(text)) => Some(text),
        _ => None,
    }
}

fn access(row: &Row, mapping: &Mapping, origin: &Origin<'_>) -> Result<Access, Vec<String>> {
    let at = moment(row, origin);
    let act = act(row, mapping);
    let records = match text(row, "records").map(|n| n.replace(',', "").parse::<u64>()) {
        Some(Err(_)) => Err("件数: 0以上の整数で入れてください(EVT-034)".to_owned()),
        Some(Ok(n)) => Ok(Some(n)),
        None => Ok(None),
    };
    let (at, act, records) = match (at, act, records) {
        (Ok(at), Ok(act), Ok(records)) => (at, act, records),
        (at, act, records) => return Err([at.err(), act.err(), records.err()].into_iter().flatten().collect()),
    };
    let own = |name: &str| text(row, name).map(str::to_owned);
    let mut access = Access::new(at, origin.source, own("user").unwrap_or_default(), act);
    access.user_name = own("name");
    access.source_id = own("id");
    access.on_behalf_of = own("for");
    access.terminal = own("terminal");
    access.patient = own("patient");
    access.resource = own("resource");
    access.purpose = own("purpose");
    access.reason = own("reason");
    access.policy = own("policy");
    access.relation = own("relation");
    access.authentication = own("authentication");
    access.plan = own("plan");
    access.records = records;
    access.outcome = outcome(row, act);
    access.exposure = match text(row, "exposure") {
        Some(shown) if shown == Exposure::Listed.label().ja || fold(shown).contains("一覧") => Exposure::Listed,
        None if act == Act::Search => Exposure::Listed,
        _ => Exposure::Opened,
    };
    Ok(access)
}

/// What was done, by the operation and, where that says nothing, the kind.
fn act(row: &Row, mapping: &Mapping) -> Result<Act, String> {
    let said: Vec<&str> = ["operation", "kind"].into_iter().filter_map(|name| text(row, name)).collect();
    let own = |folded: &String| mapping.get(&(WORDS_OF.to_owned(), folded.clone())).and_then(|code| Act::parse(code));
    let known = |folded: &String| {
        let named = Act::ALL.into_iter().find(|act| fold(act.label().ja) == *folded);
        named.or_else(|| WORDS.iter().find(|row| row.1.iter().any(|word| folded.contains(word))).map(|row| row.0))
    };
    let folded: Vec<String> = said.iter().map(|text| fold(text)).collect();
    folded.iter().find_map(own).or_else(|| folded.iter().find_map(known)).ok_or_else(|| match said.first() {
        None => "操作: 値がありません。何をしたか（閲覧、登録、印刷など）を入れてください(EVT-032)".to_owned(),
        Some(word) => format!(
            "操作: 『{}』が何をしたことか分かりません。{}のどれかにするか、言葉の対応を登録してください（sakimori accesses word）(EVT-033)",
            shorten(word),
            Act::ALL.map(|act| act.label().ja).join("、")
        ),
    })
}

fn outcome(row: &Row, act: Act) -> Outcome {
    let said = ["outcome", "operation", "kind"].into_iter().filter_map(|name| text(row, name)).map(fold);
    let found = said.into_iter().find_map(|text| {
        let named = [Outcome::Done, Outcome::Refused, Outcome::Failed].into_iter();
        let named = named.into_iter().find(|outcome| fold(outcome.label().ja) == text);
        named.or_else(|| ENDS.iter().find(|row| row.1.iter().any(|word| text.contains(word))).map(|row| row.0))
    });
    match found {
        // Who failed to sign in was not let in; a column of outcomes that says more was asked first.
        Some(Outcome::Failed) if act == Act::SignIn && text(row, "outcome") != Some(Outcome::Failed.label().ja) => {
            Outcome::Refused
        }
        Some(outcome) => outcome,
        None => Outcome::Done,
    }
}

/// When: from one column, or from a day and a time of it.
fn moment(row: &Row, origin: &Origin<'_>) -> Result<Timestamp, String> {
    let written = match (text(row, "at"), text(row, "date"), text(row, "clock")) {
        (Some(at), _, None) => at.to_owned(),
        (None, Some(day), Some(clock)) | (Some(day), _, Some(clock)) => format!("{} {clock}", day_of(day)),
        _ => return Err("日時: 値がありません。日付と時刻を入れてください(EVT-030)".to_owned()),
    };
    read_moment(&written, origin).ok_or_else(|| {
        format!(
            "日時: 『{}』を日付と時刻として読めません。2026/04/01 09:30:00 のような形に直してください(EVT-031)",
            shorten(&written)
        )
    })
}

/// Only the day of a cell that holds a day with a time nobody wrote (`2026-04-01 00:00:00`).
fn day_of(text: &str) -> &str {
    text.split_once(" 00:00").map_or(text, |(day, _)| day)
}

/// `2026/04/01 9:30:15`, `令和8年4月1日 午後1時30分`, `20260401093015`, an Excel serial, ISO 8601.
fn read_moment(text: &str, origin: &Origin<'_>) -> Option<Timestamp> {
    if let Some(at) = super::instant(text, origin.offset) {
        return Some(at);
    }
    let local = |moment: DateTime| origin.offset.to_timestamp(moment).ok();
    let text = tidy(text);
    if text.len() == 14 && text.bytes().all(|b| b.is_ascii_digit()) {
        return local(DateTime::strptime("%Y%m%d%H%M%S", &text).ok()?);
    }
    if let Ok(serial) = text.parse::<f64>() {
        let day = excel_serial(serial)?;
        // To the millisecond, which is as exact as such a number is.
        #[expect(clippy::cast_possible_truncation, reason = "less than a day")]
        let millis = (serial.fract() * 86_400_000.0).round() as i64;
        let midnight = day.at(0, 0, 0, 0);
        return local(midnight.checked_add(jiff::SignedDuration::from_millis(millis)).ok()?);
    }
    let (day, clock) = split(&text)?;
    local(parse_date(day).ok()?.to_datetime(read_clock(clock)?))
}

/// The day and the time of a text: the time is the word with a colon or an hour, and what belongs to it.
fn split(text: &str) -> Option<(&str, &str)> {
    let hour = text.find([':', '時'])?;
    let before = text.get(..hour)?;
    let digits = before.trim_end_matches(|c: char| c.is_ascii_digit());
    let words = digits.trim_end();
    let half = ["午前", "午後", "AM", "PM", "am", "pm"].into_iter().find_map(|half| words.strip_suffix(half));
    let day = half.unwrap_or(digits);
    let clock = text.get(day.len()..)?;
    Some((day.trim_end_matches([' ', 'T', '-', '/', '日']).trim_end(), clock.trim())).map(|(trimmed, clock)| {
        // 日 belongs to a written day.
        (
            if text.get(trimmed.len()..).is_some_and(|rest| rest.starts_with('日')) {
                day.trim_end()
            } else {
                trimmed
            },
            clock,
        )
    })
}

/// `9:30`, `09:30:15.123`, `午後1時30分`, `1:30 PM`.
fn read_clock(text: &str) -> Option<Time> {
    let upper = text.to_uppercase();
    let afternoon = upper.contains("午後") || upper.contains("PM");
    let morning = upper.contains("午前") || upper.contains("AM");
    let plain = ["午後", "午前", "PM", "AM"].into_iter().fold(upper.clone(), |text, half| text.replace(half, ""));
    let plain = plain.replace(['時', '分'], ":").replace('秒', "");
    let mut parts = plain.trim().trim_end_matches(':').split(':').map(str::trim);
    let mut hour: i8 = parts.next()?.parse().ok()?;
    let minute: i8 = parts.next().map_or(Some(0), |part| part.parse().ok())?;
    let seconds = parts.next().unwrap_or("0");
    if parts.next().is_some() {
        return None;
    }
    if afternoon && hour < 12 {
        hour += 12;
    } else if morning && hour == 12 {
        hour = 0;
    }
    let (second, fraction) = seconds.split_once(['.', ',']).unwrap_or((seconds, ""));
    let mut nanos = 0_i32;
    if !fraction.is_empty() {
        let digits: String = fraction.chars().chain(std::iter::repeat('0')).take(9).collect();
        nanos = digits.parse().ok()?;
    }
    Time::new(hour, minute, second.parse().ok()?, nanos).ok()
}

/// An access as a row of [`ACCESSES`], for people: times of Japan, words instead of codes.
pub fn write(access: &Access) -> Vec<String> {
    let moment = domain::jp::time_in_japan(access.at).to_string().replace('T', " ");
    let records = access.records.map(|n| n.to_string());
    let stated = |value: &Option<String>| value.clone().unwrap_or_default();
    ACCESSES
        .columns
        .iter()
        .map(|column| match column.name {
            "user" => access.user.clone(),
            "name" => stated(&access.user_name),
            "at" => moment.clone(),
            "kind" => if access.patient.is_some() { "患者情報" } else { "システム" }.to_owned(),
            "operation" => access.act.label().ja.to_owned(),
            "patient" => stated(&access.patient),
            "resource" => stated(&access.resource),
            "terminal" => stated(&access.terminal),
            "outcome" => access.outcome.label().ja.to_owned(),
            "exposure" => access.exposure.label().ja.to_owned(),
            "records" => stated(&records),
            "for" => stated(&access.on_behalf_of),
            "purpose" => stated(&access.purpose),
            "reason" => stated(&access.reason),
            "relation" => stated(&access.relation),
            "policy" => stated(&access.policy),
            "authentication" => stated(&access.authentication),
            "plan" => stated(&access.plan),
            "id" => stated(&access.source_id),
            _ => String::new(),
        })
        .collect()
}
