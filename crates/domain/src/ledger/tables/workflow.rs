//! The ledgers that workflows write: loans, personal devices, disposals, attendance, overridden answers.

use super::{ANSWERS, choice, date, link, number, one, set, strict, text, yes_no};
use crate::ledger::{Choice, Ledger};
use crate::text::Label;

const PLACES: &[Choice] = &[
    one("inside", "院内", "inside", &["施設内", "館内", "構内"]),
    one("outside", "院外", "outside", &["施設外", "館外", "持出し", "持ち出し", "自宅", "訪問先"]),
];
const LOAN_STATES: &[Choice] = &[
    one("applied", "申請中", "applied", &["申請", "承認待ち"]),
    one("sent_back", "差戻し", "sent back", &["差し戻し", "却下"]),
    one("approved", "承認済", "approved", &["承認", "承認済み", "許可"]),
    one("lent", "貸出中", "lent", &["貸出", "持出し中", "持ち出し中", "未返却"]),
    one("returned", "返却済", "returned", &["返却", "返却済み", "完了"]),
    one("cancelled", "取消し", "cancelled", &["取消", "キャンセル", "取り消し"]),
    one("lost", "紛失", "lost", &["紛失中", "盗難"]),
];
const INSPECTIONS: &[Choice] = &[
    one("good", "異常なし", "good", &["良好", "ok"]),
    one("scanned", "ウイルス検査済", "scanned", &["ウイルスチェック済", "ウイルス検査"]),
    one("wiped", "データ消去済", "wiped", &["消去済", "データ消去"]),
    one("damaged", "破損", "damaged", &["故障", "汚損"]),
];
const CONDITIONS: &[Choice] = &[
    one("encrypted", "暗号化", "encrypted", &["端末の暗号化"]),
    one("screen_lock", "画面ロック", "screen lock", &["パスコード", "画面のロック"]),
    one("mdm", "管理ソフト", "device management", &["mdm", "モバイル端末管理"]),
    one("no_local_data", "端末に保存しない", "no data on the device", &["データを残さない", "端末保存禁止"]),
    one("remote_wipe", "遠隔消去", "remote wipe", &["リモートワイプ"]),
    one("antivirus", "ウイルス対策", "antivirus", &["対策ソフト"]),
];
const BYOD_STATES: &[Choice] = &[
    one("applied", "申請中", "applied", &["申請", "承認待ち"]),
    one("sent_back", "差戻し", "sent back", &["差し戻し"]),
    one("approved", "承認済", "approved", &["承認", "承認済み", "許可"]),
    one("ended", "終了", "ended", &["利用終了", "返納"]),
    one("refused", "不許可", "refused", &["却下", "不承認"]),
];
const DISPOSAL_METHODS: &[Choice] = &[
    one("overwrite", "上書き消去", "overwritten", &["データ消去", "ソフト消去", "消去ソフト"]),
    one("crypto_erase", "暗号化消去", "cryptographic erase", &["暗号消去"]),
    one("degauss", "磁気破壊", "degaussed", &["磁気消去"]),
    one("destroy", "物理破壊", "destroyed", &["破砕", "穿孔", "裁断", "溶解"]),
    one("vendor", "業者委託", "by a vendor", &["委託", "廃棄業者"]),
    one("return", "リース返却", "returned to the lessor", &["返却", "リース会社へ返却"]),
];
const DISPOSAL_RESULTS: &[Choice] = &[
    one("ok", "完了", "done", &["成功", "消去済", "ok"]),
    one("failed", "未完了", "failed", &["失敗", "不能", "ng"]),
];
const OVERRIDE_STATES: &[Choice] = &[
    one("applied", "申請中", "applied", &["申請", "承認待ち"]),
    one("approved", "承認済", "approved", &["承認", "承認済み"]),
    one("sent_back", "差戻し", "sent back", &["差し戻し"]),
    one("withdrawn", "取下げ", "withdrawn", &["取り下げ", "取消し"]),
];

pub(super) const LOANS: Ledger = Ledger {
    name: "loans",
    label: Label::new("貸出・持出し", "loans"),
    file_words: &["貸出", "持出", "持ち出し", "借用", "loan"],
    key: &["no"],
    columns: &[
        text("no", "貸出番号", "loan no.").required().also(&["管理番号", "申請番号", "no", "番号", "受付番号"]),
        strict("device", "機器", "device", "devices").required().also(&["機器番号", "貸出機器", "持出し機器", "機器の管理番号", "貸出物品", "媒体"]),
        link("borrower", "借りる人", "borrower", "people").required().also(&["借用者", "貸出先", "使用者", "利用者", "持出者", "持出し者", "職員番号"]),
        text("purpose", "目的", "purpose").also(&["使用目的", "利用目的", "用途", "理由"]),
        choice("place", "利用場所", "place", PLACES).also(&["場所", "院内・院外", "持出し先", "区分"]),
        yes_no("patient_data", "患者情報の有無", "patient data").also(&["患者情報", "個人情報", "個人情報の有無"]),
        text("unencrypted_reason", "暗号化しない理由", "why not encrypted").also(&["非暗号化の理由"]),
        date("from_on", "開始日", "from").also(&["貸出開始日", "持出し日", "使用開始日", "持出日"]),
        date("due_on", "返却予定日", "due on").also(&["返却期限", "期限", "返却予定"]),
        choice("state", "状態", "state", LOAN_STATES).required().also(&["状況", "ステータス"]),
        text("applied_by", "申請者", "applied by").also(&["申請者氏名"]),
        date("applied_on", "申請日", "applied on"),
        text("approved_by", "承認者", "approved by").also(&["許可者", "承認者氏名"]),
        date("approved_on", "承認日", "approved on").also(&["許可日"]),
        yes_no("sole", "単独承認", "approved by the applicant").also(&["申請者による承認"]),
        text("lent_by", "貸出担当", "lent by").also(&["貸出者", "貸出担当者"]),
        date("lent_on", "貸出日", "lent on").also(&["引渡し日"]),
        date("returned_on", "返却日", "returned on").also(&["返納日"]),
        text("returned_to", "返却確認者", "returned to").also(&["返却受付", "返却担当"]),
        set("inspection", "返却時の確認", "inspection", INSPECTIONS).also(&["返却時点検", "点検結果"]),
        text("decision_reason", "差戻し・取消しの理由", "reason of the decision").also(&["差戻し理由", "取消し理由"]),
        text("note", "備考", "note").also(&["メモ"]),
    ],
};
pub(super) const BYOD: Ledger = Ledger {
    name: "byod",
    label: Label::new("個人端末の利用", "personal devices"),
    file_words: &["byod", "個人端末", "私物", "個人所有"],
    key: &["no"],
    columns: &[
        text("no", "許可番号", "permit no.").required().also(&["管理番号", "申請番号", "no", "番号"]),
        link("person", "使う人", "person", "people").required().also(&["利用者", "使用者", "申請者氏名", "職員番号", "氏名"]),
        text("device", "端末名", "device").required().also(&["端末", "機種", "個人端末"]),
        text("os", "OS・バージョン", "OS and version").also(&["os"]),
        text("purpose", "目的", "purpose").also(&["利用目的", "使用目的", "用途", "理由"]),
        set("conditions", "守る条件", "conditions", CONDITIONS).also(&["条件", "対策", "安全対策"]),
        choice("state", "状態", "state", BYOD_STATES).required().also(&["状況", "ステータス"]),
        text("applied_by", "申請者", "applied by"),
        date("applied_on", "申請日", "applied on"),
        text("approved_by", "承認者", "approved by").also(&["許可者"]),
        date("approved_on", "承認日", "approved on").also(&["許可日"]),
        yes_no("sole", "単独承認", "approved by the applicant").also(&["申請者による承認"]),
        date("until_on", "許可期限", "allowed until").also(&["期限", "有効期限", "利用期限"]),
        date("ended_on", "終了日", "ended on").also(&["利用終了日"]),
        text("decision_reason", "差戻し・不許可の理由", "reason of the decision").also(&["差戻し理由", "不許可理由"]),
        text("note", "備考", "note").also(&["メモ"]),
    ],
};
pub(super) const DISPOSALS: Ledger = Ledger {
    name: "disposals",
    label: Label::new("廃棄記録", "disposals"),
    file_words: &["廃棄", "消去", "処分", "disposal"],
    key: &["no"],
    columns: &[
        text("no", "廃棄番号", "disposal no.").required().also(&["no", "番号", "記録番号"]),
        link("device", "機器", "device", "devices").also(&["機器番号", "管理番号", "機器の管理番号"]),
        text("object", "対象", "object").also(&["廃棄対象", "品名", "対象物", "廃棄するもの"]),
        text("serial", "製造番号", "serial").also(&["シリアル番号", "シリアル", "s/n"]),
        text("holds", "含む情報", "information held").also(&["保存情報", "情報の種類", "格納情報"]),
        choice("method", "方法", "method", DISPOSAL_METHODS).also(&["廃棄方法", "消去方法"]),
        date("disposed_on", "実施日", "disposed on").also(&["廃棄日", "消去日", "処分日"]),
        text("done_by", "実施者", "done by").also(&["廃棄実施者", "作業者", "廃棄業者"]),
        text("qualification", "実施者の資格", "qualification").also(&["資格", "専門知識"]),
        text("witness", "立会者", "witness").also(&["立会い", "確認者"]),
        choice("result", "結果", "result", DISPOSAL_RESULTS).also(&["消去結果"]),
        text("certificate", "証明書", "certificate").also(&["廃棄証明", "消去証明書", "証明書番号"]),
        text("approved_by", "承認者", "approved by").also(&["許可者"]),
        date("approved_on", "承認日", "approved on").also(&["許可日"]),
        yes_no("sole", "単独承認", "approved by who disposed").also(&["実施者による承認"]),
        text("note", "備考", "note").also(&["メモ"]),
    ],
};
pub(super) const ATTENDANCE: Ledger = Ledger {
    name: "attendance",
    label: Label::new("研修受講", "attendance"),
    file_words: &["受講", "出席", "参加者", "attendance"],
    key: &["record", "person"],
    columns: &[
        strict("record", "実施記録", "record", "records").required().also(&["記録番号", "研修", "研修番号", "研修名"]),
        strict("person", "受講者", "person", "people").required().also(&["職員番号", "氏名", "職員", "参加者", "出席者"]),
        date("attended_on", "受講日", "attended on").also(&["出席日", "参加日", "日付"]),
        number("score", "点数", "score").also(&["得点", "テスト結果"]),
        yes_no("passed", "合否", "passed").also(&["合格", "修了", "理解度確認"]),
        text("note", "備考", "note").also(&["メモ"]),
    ],
};
pub(super) const OVERRIDES: Ledger = Ledger {
    name: "overrides",
    label: Label::new("判定の上書き", "overridden answers"),
    file_words: &["上書き", "override"],
    key: &["requirement"],
    columns: &[
        text("requirement", "要求事項", "requirement").required().also(&["要求番号", "項目", "id"]),
        choice("answer", "上書きする回答", "answer instead", ANSWERS).required().also(&["回答", "上書き後の回答"]),
        text("reason", "上書きの理由", "reason").required().also(&["理由", "根拠"]),
        text("asked_by", "申請者", "asked by"),
        date("asked_on", "申請日", "asked on"),
        choice("state", "状態", "state", OVERRIDE_STATES).required().also(&["状況", "ステータス"]),
        text("approved_by", "承認者", "approved by").also(&["承認"]),
        date("approved_on", "承認日", "approved on"),
        yes_no("sole", "単独承認", "approved by who asked").also(&["申請者による承認"]),
        date("valid_until", "有効期限", "valid until").also(&["期限"]),
        text("decision_reason", "差戻し・取下げの理由", "reason of the decision").also(&["差戻し理由", "取下げ理由"]),
    ],
};
