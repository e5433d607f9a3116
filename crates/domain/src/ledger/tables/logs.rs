//! The ledgers behind the access log: where its records come from, and which maintenance was planned.

use super::{choice, date, link, number, one, text, yes_no};
use crate::ledger::{Choice, Ledger};
use crate::text::Label;

const FORMATS: &[Choice] = &[
    one("fhir", "FHIR AuditEvent", "FHIR AuditEvent", &["fhir", "auditevent", "balp"]),
    one("atna", "ATNA（syslog）", "ATNA (syslog)", &["atna", "iti-20", "dicom監査メッセージ", "syslog"]),
    one("jahis", "JAHIS監査証跡", "JAHIS audit trail", &["jahis", "監査証跡メッセージ"]),
    one("table", "表（CSV・Excel）", "table (CSV, Excel)", &["csv", "tsv", "excel", "xlsx", "表"]),
];

pub(super) const LOG_SOURCES: Ledger = Ledger {
    name: "log_sources",
    label: Label::new("記録の取込み元", "log sources"),
    file_words: &["取込み元", "取込元", "ログ取得元", "log_source"],
    key: &["no"],
    columns: &[
        text("no", "取込み元番号", "source no.").required().also(&["no", "番号", "管理番号", "取込元番号"]),
        text("name", "名称", "name").required().also(&["取込み元", "取込元", "ログの名称"]),
        link("system", "システム", "system", "systems").also(&["システム番号", "システム名", "対象システム"]),
        choice("format", "形式", "format", FORMATS).also(&["ログの形式", "方式"]),
        text("zone", "時刻の基準", "time zone").also(&["タイムゾーン", "時差"]),
        text("address", "送信元", "sender").also(&["送信元アドレス", "ipアドレス", "証明書の名前"]),
        text("folder", "フォルダ", "folder").also(&["監視フォルダ", "置き場所"]),
        number("silent_hours", "途絶とみなす時間", "hours of silence").also(&["途絶時間", "無通信時間"]),
        yes_no("numbered", "通し番号", "numbers its events").also(&["連番", "イベントの通し番号"]),
        yes_no("in_use", "使用中", "in use").also(&["利用中", "有効"]),
        text("note", "備考", "note").also(&["メモ"]),
    ],
};
pub(super) const WORK_PLANS: Ledger = Ledger {
    name: "work_plans",
    label: Label::new("作業計画", "work plans"),
    file_words: &["作業計画", "保守計画", "作業申請", "work_plan"],
    key: &["no"],
    columns: &[
        text("no", "計画番号", "plan no.").required().also(&["no", "番号", "管理番号", "作業番号", "申請番号"]),
        link("vendor", "事業者", "vendor", "vendors").also(&["業者", "保守業者", "事業者名"]),
        link("system", "対象システム", "system", "systems").also(&["システム", "システム名", "システム番号"]),
        date("from_on", "開始日", "from").required().also(&["作業日", "作業開始日", "実施日"]),
        date("until_on", "終了日", "until").also(&["作業終了日", "終了予定日"]),
        text("purpose", "作業内容", "purpose").also(&["目的", "内容", "作業目的"]),
        text("worker", "作業者", "worker").also(&["作業担当者", "作業員"]),
        text("approved_by", "承認者", "approved by").also(&["許可者"]),
        date("approved_on", "承認日", "approved on").also(&["許可日"]),
        text("note", "備考", "note").also(&["メモ"]),
    ],
};
