//! The table itself. Order of ledgers is the order of import (a ledger comes after those it refers to).

mod logs;
mod workflow;

use super::{Choice, Column, Kind, Ledger, Reference};
use crate::text::Label;

const fn column(name: &'static str, ja: &'static str, en: &'static str, kind: Kind) -> Column {
    Column { name, label: Label::new(ja, en), kind, required: false, synonyms: &[] }
}
const fn text(name: &'static str, ja: &'static str, en: &'static str) -> Column {
    column(name, ja, en, Kind::Text)
}
const fn date(name: &'static str, ja: &'static str, en: &'static str) -> Column {
    column(name, ja, en, Kind::Date)
}
const fn yes_no(name: &'static str, ja: &'static str, en: &'static str) -> Column {
    column(name, ja, en, Kind::YesNo)
}
const fn number(name: &'static str, ja: &'static str, en: &'static str) -> Column {
    column(name, ja, en, Kind::Integer)
}
const fn choice(name: &'static str, ja: &'static str, en: &'static str, of: &'static [Choice]) -> Column {
    column(name, ja, en, Kind::Choice(of))
}
const fn set(name: &'static str, ja: &'static str, en: &'static str, of: &'static [Choice]) -> Column {
    column(name, ja, en, Kind::Set(of))
}
const fn strict(name: &'static str, ja: &'static str, en: &'static str, ledger: &'static str) -> Column {
    column(name, ja, en, Kind::Ref(Reference { ledger, strict: true }))
}
const fn link(name: &'static str, ja: &'static str, en: &'static str, ledger: &'static str) -> Column {
    column(name, ja, en, Kind::Ref(Reference { ledger, strict: false }))
}
impl Column {
    const fn required(mut self) -> Self {
        self.required = true;
        self
    }
    const fn also(mut self, synonyms: &'static [&'static str]) -> Self {
        self.synonyms = synonyms;
        self
    }
}
const fn one(code: &'static str, ja: &'static str, en: &'static str, synonyms: &'static [&'static str]) -> Choice {
    Choice { code, label: Label::new(ja, en), synonyms }
}

const FACILITY_KINDS: &[Choice] = &[
    one("hospital", "病院", "hospital", &[]),
    one("clinic", "診療所", "clinic", &["医院", "クリニック", "有床診療所", "無床診療所"]),
    one("dental", "歯科診療所", "dental clinic", &["歯科", "歯科医院"]),
    one("pharmacy", "薬局", "pharmacy", &["調剤薬局", "保険薬局"]),
    one("midwifery", "助産所", "midwifery home", &["助産院"]),
    one("care", "介護事業所", "care provider", &["介護", "介護施設", "介護老人保健施設"]),
    one("visiting_nurse", "訪問看護ステーション", "visiting-nurse station", &["訪問看護"]),
    one("network", "地域医療情報連携ネットワーク", "regional network", &["地域連携", "連携ネットワーク"]),
    one("vendor", "事業者", "vendor", &["ベンダー", "システム事業者"]),
];
const HOSTING: &[Choice] = &[
    one("on_premises", "オンプレミス", "on premises", &["オンプレ", "院内", "院内設置", "自院", "院内サーバ", "院内サーバー", "自院サーバ", "オンプレミス型"]),
    one("cloud", "クラウド", "cloud", &["saas", "asp", "webサービス", "クラウド型", "クラウドサービス"]),
    one("mixed", "併用", "mixed", &["ハイブリッド", "混在"]),
];
const EDITIONS: &[Choice] = &[
    one("mhlw-7.0", "第7.0版", "edition 7.0", &["7.0", "7"]),
    one("mhlw-6.0", "第6.0版", "edition 6.0", &["6.0", "6"]),
];
const DUTIES: &[Choice] = &[
    one("safety_manager", "医療情報システム安全管理責任者", "safety manager", &["安全管理責任者"]),
    one("planning_manager", "企画管理者", "planning manager", &[]),
    one("operator", "システム運用担当者", "system operator", &["運用担当者", "システム担当者", "担当者"]),
    one("executive", "経営層", "executive", &["管理者", "院長", "開設者"]),
    one("auditor", "監査担当者", "auditor", &["監査人"]),
    one("data_manager", "医療情報の管理責任者", "data manager", &["情報管理責任者"]),
];
const INTRODUCTION: &[Choice] = &[
    one("none", "なし", "none", &[]),
    one("new", "新規導入", "new", &["新規"]),
    one("renewal_equipment", "機器の入替を伴う更改", "renewal with equipment", &["機器更改", "リプレース", "更改"]),
    one("renewal_software", "ソフトウェアのみの更改", "software renewal", &["ソフト更新"]),
];
const UPDATE_DUTY: &[Choice] = &[
    one("vendor", "事業者", "vendor", &["業者", "ベンダー"]),
    one("own", "自施設", "own", &["自院", "当院", "院内", "施設"]),
    one("unclear", "不明確", "unclear", &["記載なし"]),
];
const WRITTEN_IN: &[Choice] = &[
    one("contract", "契約書", "contract", &["契約"]),
    one("terms", "約款", "terms", &["利用規約"]),
    one("sla", "SLA", "SLA", &[]),
    one("none", "記載なし", "not written", &["なし"]),
];
/// 認証の方法. Each belongs to one kind of factor (see [`methods`]).
const METHODS: &[Choice] = &[
    one("password", "パスワード", "password", &["pw", "id/pw", "idパスワード", "パスワードのみ", "id+パスワード", "id+pw", "ユーザーid・パスワード", "ユーザーid+パスワード", "パスワード認証"]),
    one("ic_card", "ICカード", "IC card", &["カード", "hpkiカード", "職員証", "マイナンバーカード", "カード認証", "icカード認証", "hpki", "スマートカード"]),
    one("certificate", "端末証明書", "device certificate", &["電子証明書", "証明書", "クライアント証明書"]),
    one("otp", "ワンタイムパスワード", "one-time password", &["otp", "totp", "トークン", "認証アプリ", "ワンタイムpw", "sms認証"]),
    one("security_key", "セキュリティキー", "security key", &["fido", "yubikey"]),
    one("passkey", "パスキー", "passkey", &[]),
    one("biometric", "生体", "biometric", &["生体認証", "指紋", "顔", "顔認証", "静脈", "指紋認証", "指静脈", "手のひら静脈", "静脈認証", "虹彩"]),
    one("pin", "PIN", "PIN", &["暗証番号"]),
];
const SIDES: &[Choice] = &[
    one("client", "端末", "client", &["クライアント", "利用者端末", "クライアント端末"]),
    one("server", "サーバ", "server", &["サーバー"]),
];
const LINKS: &[Choice] = &[
    one("none", "なし", "none", &["連携なし"]),
    one("credential", "資格情報の連携", "linked credentials", &["連携", "sso", "シングルサインオン"]),
    one("form_fill", "画面への自動入力", "form filling", &["自動入力", "代行入力型sso"]),
];
const DEVICE_KINDS: &[Choice] = &[
    one("server", "サーバ", "server", &["サーバー", "nas", "サーバ機", "ファイルサーバ", "ファイルサーバー", "ドメインコントローラ"]),
    one("terminal", "端末", "terminal", &["pc", "パソコン", "クライアント", "ノートpc", "デスクトップ", "タブレット", "スマートフォン", "端末pc", "ノートパソコン", "デスクトップpc", "デスクトップパソコン", "ipad", "iphone", "スマホ", "シンクライアント", "ワークステーション", "クライアントpc", "業務端末"]),
    one("network", "ネットワーク機器", "network device", &["ルータ", "ルーター", "vpn装置", "vpnルータ", "スイッチ", "ハブ", "アクセスポイント", "無線ap", "ファイアウォール", "utm", "ネットワーク", "nw機器", "l2スイッチ", "l3スイッチ", "スイッチングハブ", "hub", "無線lan", "wifi", "wi-fi", "onu", "無線アクセスポイント", "vpn機器"]),
    one("medical", "医療機器", "medical device", &["モダリティ", "検査機器", "超音波診断装置", "心電計", "ct", "cr", "mri", "x線装置", "内視鏡", "エコー", "超音波", "レントゲン", "分析装置"]),
    one("printer", "複合機", "printer", &["プリンタ", "プリンター", "fax", "スキャナ", "コピー機", "レーザープリンタ", "ラベルプリンタ"]),
    one("medium", "USBメモリ", "removable medium", &["記録媒体", "可搬媒体", "usb", "sdカード", "外付けhdd", "外付けssd", "usbメモリ", "cd-r", "dvd-r", "外部媒体", "外部記憶媒体", "usbメモリー", "usbハードディスク", "外付けハードディスク", "ポータブルhdd"]),
];
const DEVICE_STATUS: &[Choice] = &[
    one("in_use", "使用中", "in use", &["稼働", "稼働中", "利用中", "現用"]),
    one("stored", "保管", "stored", &["予備", "保管中", "未使用", "故障", "故障中", "修理中"]),
    one("lent", "貸出中", "lent", &["貸出"]),
    one("lost", "紛失", "lost", &[]),
    one("disposed", "廃棄済", "disposed", &["廃棄", "廃棄済み", "除却", "リース返却", "リース返却済", "リース返却済み", "返却済", "返却済み"]),
];
const CONTRACT_KINDS: &[Choice] = &[
    one("contract", "契約書", "contract", &["保守契約", "契約"]),
    one("terms", "約款", "terms", &["利用規約", "規約"]),
    one("sla", "SLA", "SLA", &[]),
];
const SHEETS: &[Choice] = &[one("mds", "MDS", "MDS", &[]), one("sds", "SDS", "SDS", &[])];
const ANSWERS: &[Choice] = &[
    one("yes", "はい", "yes", &["○", "有", "適合", "y"]),
    one("no", "いいえ", "no", &["×", "無", "不適合", "n"]),
    one("na", "対象外", "not applicable", &["該当なし", "-", "n/a", "na"]),
];
const ROUTE_KINDS: &[Choice] = &[
    one("vpn", "VPN", "VPN", &["ipsec-vpn", "ssl-vpn", "ip-vpn"]),
    one("leased", "専用線", "leased line", &[]),
    one("cloud", "クラウド経由", "through a cloud", &["リモート保守サービス"]),
    one("rdp", "リモートデスクトップ", "remote desktop", &["rdp"]),
    one("other", "その他", "other", &[]),
];
const DOCUMENT_KINDS: &[Choice] = &[
    one("security_policy", "情報セキュリティ方針", "security policy", &["基本方針", "セキュリティポリシー"]),
    one("operation_rules", "運用管理規程", "operation rules", &["運用管理規定", "医療情報システム運用管理規程"]),
    one("information_rules", "情報管理規程", "information rules", &["持出し規程", "情報の持出し規程"]),
    one("access_rules", "利用者認証・権限規程", "access rules", &["アクセス権限規程", "権限規程"]),
    one("medium_rules", "記録媒体・機器取扱規程", "media and device rules", &["媒体取扱規程", "byod規程"]),
    one("scan_rules", "電子化規程", "digitisation rules", &["スキャナ規程"]),
    one("signature_rules", "電子署名規程", "signature rules", &[]),
    one("outsourcing_rules", "委託管理規程", "outsourcing rules", &["委託先管理規程"]),
    one("committee_rules", "委員会運営規程", "committee rules", &[]),
    one("privacy_policy", "個人情報保護方針", "privacy policy", &["プライバシーポリシー"]),
    one("appointment", "任命書", "appointment", &["辞令"]),
    one("organisation_chart", "体制図", "organisation chart", &["管理体制図"]),
    one("contact_chart", "連絡体制図", "contact chart", &["緊急連絡網", "連絡網"]),
    one("bcp", "事業継続計画", "business continuity plan", &["bcp", "it-bcp"]),
    one("cyber_plan", "サイバーセキュリティ対応計画", "cyber response plan", &["対応計画"]),
    one("restore_procedure", "バックアップ・復旧手順", "restore procedure", &["復旧手順", "復旧手順書"]),
    one("emergency_manual", "非常時マニュアル", "emergency manual", &["非常時手順", "障害時手順"]),
    one("user_manual", "利用者マニュアル", "user manual", &["操作マニュアル"]),
    one("operation_manual", "運用手順書", "operation manual", &["維持運用手順"]),
    one("system_specs", "システム仕様資料", "system specifications", &["仕様書"]),
    one("network_diagram", "全体構成図", "network diagram", &["ネットワーク構成図", "構成図"]),
    one("information_list", "医療情報の一覧", "list of information", &["情報資産台帳", "取扱情報一覧"]),
    one("information_flows", "情報流一覧", "list of information flows", &["情報フロー一覧", "情報流図"]),
    one("risk_list", "リスク一覧", "list of risks", &["リスク特定結果"]),
    one("risk_analysis", "リスク分析表", "risk analysis", &["リスク分析結果"]),
    one("risk_assessment", "リスク評価結果", "risk assessment", &["リスクアセスメント", "リスク分析", "リスクアセスメント結果一覧"]),
    one("risk_treatment", "リスク対応一覧", "risk treatment", &["リスク対応計画"]),
    one("evidence_plan", "証跡管理計画", "evidence plan", &[]),
    one("audit_plan", "監査実施計画", "audit plan", &["監査計画"]),
    one("role_agreement", "責任分界・役割分担表", "responsibility split", &["役割分担確認表", "責任分界表"]),
    one("conformity_disclosure", "サービス仕様適合開示書", "service conformity disclosure", &["開示書"]),
    one("sla", "SLA", "SLA", &["サービスレベル合意書"]),
    one("role_matrix", "権限表", "role matrix", &["アクセス権限表"]),
    one("backup_design", "バックアップ設計書", "backup design", &[]),
    one("certificate", "認証書(Pマーク・ISMS等)", "certificate", &["pマーク", "isms認証書"]),
    one("two_factor_plan", "二要素認証導入計画", "two-factor plan", &[]),
    one("other", "その他", "other", &[]),
];
const RECORD_KINDS: &[Choice] = &[
    one("training", "教育・訓練(情報セキュリティ研修)", "training", &["研修", "教育", "職員研修"]),
    one("new_hire_training", "採用時研修", "training at hiring", &["入職時研修", "新人研修"]),
    one("drill", "サイバー攻撃・BCP訓練", "drill", &["訓練", "bcp訓練", "演習"]),
    one("device_stocktake", "機器の棚卸し", "device stock-take", &["棚卸", "機器棚卸"]),
    one("account_stocktake", "アカウントの棚卸し", "account stock-take", &["アカウント棚卸", "id棚卸"]),
    one("information_stocktake", "医療情報の棚卸し", "information stock-take", &[]),
    one("log_review", "アクセスログの確認", "log review", &["ログ確認", "ログレビュー"]),
    one("self_inspection", "自己点検", "self-inspection", &["点検"]),
    one("audit", "監査", "audit", &["内部監査", "外部監査"]),
    one("management_report", "経営層への報告", "report to management", &["経営報告"]),
    one("risk_review", "リスク評価の見直し", "risk review", &["リスク評価"]),
    one("vendor_review", "委託先の点検", "vendor review", &["委託先評価"]),
    one("restore_test", "復元テスト", "restore test", &["リストアテスト", "復旧訓練"]),
    one("patch", "更新プログラムの適用", "patching", &["パッチ適用"]),
    one("vulnerability_review", "脆弱性対策の見直し", "vulnerability review", &["脆弱性確認"]),
    one("password_reuse_check", "パスワード使い回しの点検", "password reuse check", &[]),
    one("unneeded_service_check", "不要なソフト・サービスの点検", "unneeded service check", &[]),
    one("remote_work_check", "リモート保守作業の照合・報告", "remote work check", &["リモート保守確認"]),
    one("remote_inquiry", "リモート保守の有無の事業者確認", "remote maintenance inquiry", &["リモート保守調査"]),
    one("maintenance_erasure", "保守データ消去の報告", "maintenance data erasure", &["消去報告"]),
    one("take_out_report", "持出し状況の報告", "take-out report", &[]),
    one("medium_check", "媒体接続制限の確認", "medium restriction check", &[]),
    one("time_sync_check", "時刻同期の確認", "time synchronisation check", &[]),
    one("entry_control_check", "入退室・施錠の確認", "entry control check", &[]),
    one("incident", "インシデント対応", "incident response", &["事故報告"]),
    one("quality_check", "システム品質の確認", "quality check", &[]),
    one("agreement", "事業者との合意・説明", "agreement with the other party", &["合意記録", "説明記録"]),
    one("other", "その他", "other", &[]),
];
const RESULTS: &[Choice] = &[
    one("ok", "問題なし", "no findings", &["良", "合格", "ok", "成功"]),
    one("findings", "指摘あり", "findings", &["要改善", "不備あり"]),
    one("failed", "失敗", "failed", &["不合格", "ng"]),
];

/// The kind of factor of an authentication method, as far as one code says it: `K` knowledge,
/// `P` possession, `B` inherence. A passkey with user verification is possession *and* knowledge
/// or inherence (FIDO2/WebAuthn), so it counts as two kinds.
pub fn methods(code: &str) -> &'static [char] {
    match code {
        "password" | "pin" => &['K'],
        "ic_card" | "certificate" | "otp" | "security_key" => &['P'],
        "passkey" => &['P', 'B'],
        "biometric" => &['B'],
        _ => &[],
    }
}

/// Every ledger, in the order of import.
pub static LEDGERS: &[Ledger] = &[
    Ledger {
        name: "facilities",
        label: Label::new("施設", "facilities"),
        file_words: &["施設", "facility"],
        key: &["no"],
        columns: &[
            text("no", "施設コード", "facility code").required().also(&["医療機関コード", "施設番号", "事業所番号"]),
            text("name", "施設名", "name").required().also(&["名称", "医療機関名", "事業所名"]),
            choice("kind", "施設種別", "kind", FACILITY_KINDS).also(&["種別", "施設の種類", "区分"]),
            number("beds", "病床数", "beds").also(&["許可病床数", "ベッド数"]),
            choice("hosting", "システムの設置形態", "hosting", HOSTING).also(&["形態", "設置形態"]),
            yes_no("staff", "システム運用の専任担当者", "dedicated system staff").also(&["専任担当者", "システム担当者の有無"]),
            choice("edition", "準拠する版", "edition followed", EDITIONS).also(&["ガイドラインの版"]),
            yes_no("uses_systems", "医療情報システムの利用", "uses medical information systems").also(&["医療情報システムを使っている"]),
            date("mfa_plan_until", "二要素認証の計画を認める最終日", "two-factor plans accepted until"),
            date("mfa_missed_from", "二要素認証の導入機会を数える初日", "missed two-factor introductions counted from"),
            yes_no("mfa_later", "令和9年4月2日以後に導入したシステムも二要素認証の対象", "two-factor also for systems introduced after 2027-04-01"),
            yes_no("mfa_approval", "二要素認証の経過措置に理由の承認が必要", "two-factor relief needs an approved reason"),
            yes_no("mfa_software", "ソフトウェアのみの更改も二要素認証の機会", "software renewals oblige to two-factor"),
            yes_no("mfa_form_fill", "画面への自動入力も二要素認証の連携", "form filling links a two-factor login"),
            text("address", "所在地", "address").also(&["住所"]),
            text("phone", "電話番号", "phone").also(&["電話", "tel"]),
            text("note", "備考", "note").also(&["メモ"]),
        ],
    },
    Ledger {
        name: "people",
        label: Label::new("職員名簿", "people"),
        file_words: &["職員", "名簿", "スタッフ", "people", "社員"],
        key: &["no"],
        columns: &[
            text("no", "職員番号", "staff no.").required().also(&["社員番号", "従業員番号", "職員コード", "職員id", "番号", "no", "職員no", "スタッフ番号", "スタッフid", "社員no", "社員コード", "職員番号(id)"]),
            text("name", "氏名", "name").required().also(&["名前", "職員名", "姓名", "漢字氏名", "スタッフ名"]),
            text("kana", "フリガナ", "reading").also(&["ふりがな", "カナ", "氏名カナ", "よみがな", "読み", "読み仮名", "かな"]),
            text("job", "職種", "profession").also(&["資格", "職名", "役職", "職種名"]),
            text("department", "所属", "department").also(&["部署", "部門", "配属", "所属部署", "所属部門", "診療科"]),
            set("duties", "情報安全管理の役割", "security duties", DUTIES).also(&["役割", "任命", "安全管理の役割"]),
            date("start_on", "入職日", "joined on").also(&["採用日", "入社日", "就職日", "雇用開始日", "着任日", "勤務開始日"]),
            date("leave_on", "退職日", "left on").also(&["離職日", "退社日", "契約終了日"]),
            date("pledged_on", "守秘誓約日", "confidentiality pledged on").also(&["誓約書", "守秘義務誓約日", "誓約日"]),
            text("note", "備考", "note").also(&["メモ"]),
        ],
    },
    Ledger {
        name: "vendors",
        label: Label::new("事業者一覧", "vendors"),
        file_words: &["事業者", "業者", "ベンダ", "委託先", "vendor"],
        key: &["no"],
        columns: &[
            text("no", "事業者番号", "vendor no.").required().also(&["業者番号", "委託先番号", "業者コード", "no", "番号"]),
            text("name", "事業者名", "name").required().also(&["業者名", "会社名", "委託先名", "名称", "業者", "事業者"]),
            text("services", "提供内容", "services").also(&["業務内容", "委託内容"]),
            text("contact", "担当者", "contact").also(&["担当窓口", "窓口"]),
            text("phone", "緊急連絡先", "emergency phone").also(&["電話", "電話番号", "連絡先"]),
            yes_no("privacy_mark", "プライバシーマーク", "PrivacyMark").also(&["pマーク", "jisq15001"]),
            yes_no("isms", "ISMS認証", "ISMS").also(&["iso27001", "jisq27001", "isms"]),
            date("certified_until", "認証の有効期限", "certified until").also(&["認証期限"]),
            text("note", "備考", "note").also(&["メモ"]),
        ],
    },
    Ledger {
        name: "systems",
        label: Label::new("システム一覧", "systems"),
        file_words: &["システム", "system"],
        key: &["no"],
        columns: &[
            text("no", "システム番号", "system no.").required().also(&["no", "no.", "番号", "管理番号", "システムid", "システムコード", "システムno"]),
            text("name", "システム名", "name").required().also(&["名称", "システム", "システム名称", "サービス名", "製品名", "ソフト名", "名前"]),
            text("kind", "区分", "kind").also(&["種別", "種類", "システム区分", "用途", "分類", "システム種別"]),
            choice("hosting", "形態", "hosting", HOSTING).also(&["設置形態", "提供形態", "クラウド区分", "運用形態", "利用形態", "オンプレ・クラウド", "クラウド・オンプレ"]),
            link("vendor", "業者", "vendor", "vendors").also(&["事業者", "ベンダー", "提供事業者", "業者名", "保守業者", "メーカー", "ベンダ", "ベンダー名", "開発元", "提供元", "販売元", "導入業者", "会社名", "委託先"]),
            yes_no("handles", "医療情報の取扱い", "handles medical information").also(&["医療情報を扱う", "医療情報"]),
            text("holds", "保存する情報", "what it holds").also(&["取扱情報", "保存情報"]),
            choice("introduction", "直近の導入・更改", "last introduction", INTRODUCTION).also(&["導入区分"]),
            date("introduced_on", "導入・更改日", "introduced on").also(&["導入日", "更改日", "稼働日"]),
            date("renewal_on", "更新予定", "renewal on").also(&["次期更新", "更新予定日", "次回更改", "リプレース予定", "更新予定時期", "更改予定", "更改予定日", "更新時期", "次回更新", "次回更新予定", "入替予定"]),
            date("retires_on", "使用終了予定", "retires on").also(&["廃止予定", "終了予定"]),
            choice("update_duty", "更新プログラムの責任", "who carries the update duty", UPDATE_DUTY).also(&["更新責任", "アップデート責任", "パッチ責任"]),
            choice("update_duty_in", "更新責任の記載", "where the update duty is written", WRITTEN_IN).also(&["更新責任の根拠"]),
            date("two_factor_plan_on", "二要素認証の導入予定日", "two-factor planned for").also(&["二要素予定日"]),
            text("difficulty", "二要素認証が困難な理由", "why two-factor is hard").also(&["困難な理由"]),
            text("difficulty_approved_by", "困難理由の承認者", "difficulty approved by"),
            date("difficulty_approved_on", "困難理由の承認日", "difficulty approved on"),
            yes_no("vendor_capable", "次期更新で二要素対応", "vendor supports two-factor at renewal").also(&["業者の二要素対応"]),
            number("password_min", "パスワード最小桁数", "minimum password length").also(&["パスワード桁数", "最小桁数"]),
            number("password_max", "パスワード最大桁数", "longest password the product takes").also(&["最大桁数"]),
            yes_no("password_mixed", "英数字の混在を強制", "letters and digits required").also(&["英数字混在"]),
            yes_no("password_symbols", "記号を強制", "symbols required").also(&["記号必須"]),
            yes_no("password_periodic", "パスワードの定期変更", "periodic password change").also(&["定期変更"]),
            yes_no("password_weak_rejected", "推測されやすいパスワードの拒否", "weak passwords rejected").also(&["弱いパスワードの拒否"]),
            yes_no("password_hashed", "パスワードのハッシュ保存", "passwords stored hashed").also(&["ハッシュ保存", "不可逆保存"]),
            yes_no("password_reused", "パスワードの使い回し", "passwords reused elsewhere").also(&["使い回し"]),
            yes_no("lockout", "ログイン失敗時のロック", "lock-out after failures").also(&["アカウントロック", "ロックアウト"]),
            yes_no("auto_lock", "離席時の画面ロック", "screen lock").also(&["画面ロック", "離席対策"]),
            yes_no("role_based", "職種別の権限設定", "rights by profession").also(&["権限設定", "職種別権限"]),
            yes_no("access_log", "アクセスログの取得", "access log kept").also(&["アクセスログ", "ログ取得"]),
            yes_no("log_protected", "ログの改ざん防止", "log protected").also(&["ログ保護"]),
            yes_no("time_synced", "時刻同期", "clock synchronised").also(&["ntp", "時刻合わせ"]),
            yes_no("source_limited", "接続元の制限", "connections limited by source").also(&["接続元制限", "ip制限"]),
            yes_no("unneeded_stopped", "不要なサービスの停止", "unneeded services stopped").also(&["不要サービス停止"]),
            number("backup_generations", "バックアップの世代数", "backup generations").also(&["世代数", "世代"]),
            number("backup_methods", "バックアップの方式数", "backup methods").also(&["方式数"]),
            yes_no("backup_offline", "オフライン保管", "offline backup").also(&["オフラインバックアップ", "ネットワークから切離し"]),
            date("backup_on", "最終バックアップ日", "last backup on").also(&["バックアップ日", "最終取得日", "最終バックアップ", "バックアップ最終", "直近のバックアップ"]),
            date("restored_on", "最終復元テスト日", "last restore test on").also(&["復元テスト日", "リストア日"]),
            yes_no("in_japan", "国内法の及ぶ場所での保存", "stored under Japanese law").also(&["国内保存"]),
            yes_no("edit_history", "確定記録の更新履歴", "history of confirmed records").also(&["更新履歴"]),
            yes_no("proxy_entry_logged", "代行入力の記録", "proxy entry recorded").also(&["代行入力"]),
            yes_no("readable", "速やかな表示・書面化", "readable and printable on demand").also(&["見読性"]),
            date("observed_on", "確認日", "confirmed on").also(&["点検日", "最終確認日"]),
            text("note", "備考", "note").also(&["メモ"]),
        ],
    },
    Ledger {
        name: "logins",
        label: Label::new("ログイン方式", "logins"),
        file_words: &["ログイン", "認証方式", "二要素", "login"],
        key: &["no"],
        columns: &[
            text("no", "管理番号", "no.").required().also(&["no", "番号"]),
            strict("system", "システム", "system", "systems").required().also(&["システム名", "システム番号"]),
            choice("side", "端末・サーバの別", "client or server", SIDES).required().also(&["対象", "区分", "種別"]),
            text("name", "名称", "name").also(&["端末名", "サーバ名", "対象名"]),
            set("app", "アプリのログイン", "application login", METHODS).also(&["アプリ認証", "アプリケーション"]),
            set("middleware", "ミドルウェアのログイン", "middleware login", METHODS).also(&["ミドルウェア"]),
            set("os", "OSのログイン", "operating-system login", METHODS).also(&["os認証", "windowsログイン"]),
            choice("link", "OS認証とアプリの連携", "link from OS to application", LINKS).also(&["連携"]),
            yes_no("bastion", "踏み台の利用", "through a bastion").also(&["踏み台"]),
            yes_no("only_path", "踏み台以外から入れない", "bastion is the only path").also(&["踏み台のみ"]),
            yes_no("separate_domain", "踏み台は別ドメイン", "bastion in a separate domain").also(&["別ドメイン"]),
            set("bastion_os", "踏み台のOSログイン", "bastion OS login", METHODS),
            yes_no("edr", "踏み台の振舞い検知", "behaviour detection on the bastion").also(&["edr"]),
            yes_no("external_vpn_only", "外部からはVPNで踏み台のみ", "from outside only by VPN to the bastion"),
            yes_no("external_admin", "外部から入る利用者が管理者", "outside users are administrators"),
            yes_no("os_patched", "踏み台のOS更新", "bastion OS patched"),
            yes_no("shared_password", "サーバと踏み台でパスワード共通", "password shared with the bastion"),
            text("equivalent", "同等以上の措置の説明", "equivalent measure"),
            text("equivalent_approved_by", "同等措置の承認者", "equivalence approved by"),
            date("equivalent_approved_on", "同等措置の承認日", "equivalence approved on"),
            date("observed_on", "確認日", "confirmed on").also(&["点検日"]),
        ],
    },
    Ledger {
        name: "devices",
        label: Label::new("機器台帳", "devices"),
        file_words: &["機器", "端末", "pc", "資産", "device", "媒体"],
        key: &["no"],
        columns: &[
            text("no", "管理番号", "asset no.").required().also(&["機器番号", "資産番号", "資産管理番号", "台帳番号", "シール番号", "no", "番号", "管理no", "機器管理番号", "機器no", "資産no", "端末番号", "備品番号", "機器id", "資産コード"]),
            text("name", "機器名", "name").required().also(&["pc名", "端末名", "名称", "品名", "装置名", "機器名称", "端末名称", "装置名称", "品目", "pc名称", "パソコン名", "機器"]),
            choice("kind", "種別", "kind", DEVICE_KINDS).required().also(&["種類", "区分", "機器種別", "分類", "機器区分", "機器の種類", "端末種別"]),
            text("os", "OS・バージョン", "OS and version").also(&["os", "オペレーティングシステム", "ファームウェア", "osバージョン", "基本ソフト", "osの種類", "os種別", "osとバージョン", "windowsバージョン"]),
            text("maker", "メーカー", "maker").also(&["製造元", "製造業者"]),
            text("model", "型番", "model").also(&["型式", "機種", "モデル"]),
            text("serial", "製造番号", "serial").also(&["シリアル番号", "シリアル", "s/n", "シリアルno"]),
            text("hostname", "ホスト名", "host name").also(&["コンピュータ名", "コンピューター名", "netbios名"]),
            text("ip", "IPアドレス", "IP address").also(&["ip", "ipv4", "アドレス"]),
            text("mac", "MACアドレス", "MAC address").also(&["mac", "物理アドレス"]),
            text("place", "設置場所", "place").also(&["場所", "保管場所", "設置部署", "配置場所", "部屋", "所在", "使用場所", "設置部門", "使用部署", "配置先", "設置先", "置き場所"]),
            link("system", "使用システム", "system", "systems").also(&["利用システム", "システム"]),
            link("owner", "使用者", "user", "people").also(&["使用者(職員番号)", "利用者", "担当者", "管理者", "責任者", "管理責任者", "使用者氏名", "利用者氏名", "使用者職員番号", "利用者職員番号", "主な使用者", "主使用者", "使用職員", "保有者", "使う人", "使っている人"]),
            date("bought_on", "購入日", "bought on").also(&["導入日", "取得日", "設置日", "購入年月日", "納品日", "納入日", "購入時期"]),
            yes_no("encrypted", "暗号化", "encrypted").also(&["ディスク暗号化", "bitlocker", "hdd暗号化", "ストレージ暗号化"]),
            yes_no("portable", "持出し", "taken out").also(&["持ち出し", "院外持出し", "持出可否", "院外利用", "持出", "持ち出し可否", "院外持ち出し", "持ち運び", "持出し許可"]),
            text("antivirus", "ウイルス対策ソフト", "antivirus").also(&["対策ソフト", "ウィルス対策", "ウイルス対策", "セキュリティソフト", "アンチウイルス"]),
            yes_no("antivirus_on", "ウイルス対策の常駐", "antivirus enabled").also(&["対策ソフト有効"]),
            date("definitions_on", "定義ファイル更新日", "definitions updated on").also(&["パターン更新日", "パターンファイル"]),
            date("patched_on", "最終更新プログラム適用日", "last patched on").also(&["パッチ適用日", "最終更新日", "windowsupdate"]),
            text("updated_by", "更新の担当", "who updates it").also(&["更新担当", "保守担当", "ファーム更新担当", "保守業者"]),
            yes_no("usb_limited", "外部媒体の接続制限", "media connection limited").also(&["usb制限", "usb接続制限"]),
            yes_no("password_changed", "初期パスワードの変更", "default password changed").also(&["初期パスワード変更済"]),
            yes_no("completes_locally", "端末内で処理が完結", "application completes on it").also(&["単体動作"]),
            text("agentless", "エージェントを入れられない理由", "why no agent").also(&["エージェント不可"]),
            choice("status", "状態", "status", DEVICE_STATUS).also(&["使用状況", "ステータス", "稼働状況", "利用状況", "現況", "状況"]),
            date("disposed_on", "廃棄日", "disposed on").also(&["廃棄年月日"]),
            text("disposal_method", "廃棄方法", "disposal method").also(&["消去方法"]),
            text("disposed_by", "廃棄実施者", "disposed by").also(&["廃棄業者"]),
            text("disposal_proof", "廃棄証明", "disposal proof").also(&["消去証明書"]),
            date("checked_on", "棚卸し確認日", "stock-take on").also(&["棚卸日", "確認日", "現物確認日"]),
            text("note", "備考", "note").also(&["メモ", "特記事項"]),
        ],
    },
    Ledger {
        name: "accounts",
        label: Label::new("アカウント一覧", "accounts"),
        file_words: &["アカウント", "利用者", "ユーザ", "account", "id一覧"],
        key: &["system", "login"],
        columns: &[
            strict("system", "システム", "system", "systems").required().also(&["システム名", "システム番号", "対象システム", "利用システム", "使用システム", "システムid"]),
            text("login", "ユーザーID", "login").required().also(&["ログインid", "id", "アカウント", "利用者id", "ユーザid", "アカウント名", "ユーザ名", "ユーザー名", "ログイン名", "アカウントid", "user", "userid", "ユーザ", "ユーザー", "ログオン名", "ログオンid", "利用者コード", "ユーザーコード"]),
            link("person", "職員番号", "person", "people").also(&["氏名", "利用者", "使用者", "職員", "社員番号", "使用者名", "利用者名", "利用者氏名", "使用者氏名", "職員名", "職員id", "所有者"]),
            text("rights", "権限", "rights").also(&["利用権限", "アクセス権限", "権限区分", "権限名", "権限グループ", "ロール", "権限レベル"]),
            yes_no("admin", "管理者権限", "administrator").also(&["管理者", "特権", "admin権限", "管理権限", "管理者区分"]),
            yes_no("enabled", "有効", "enabled").also(&["状態", "使用状況", "利用状況", "ステータス", "有効・無効", "アカウント状態", "利用可否", "有効フラグ", "状況"]),
            date("last_login_on", "最終ログイン", "last login on").also(&["最終ログイン日", "最終利用日", "最終使用日", "最終アクセス日", "最終ログオン", "最終ログオン日", "最終利用"]),
            set("methods", "認証方法", "authentication", METHODS).also(&["認証", "ログイン方法", "認証方式", "認証手段", "認証の方法", "認証要素"]),
            yes_no("shared", "共用", "shared").also(&["共有", "共用アカウント"]),
            yes_no("vendor_use", "保守事業者用", "for the vendor").also(&["保守用", "業者用"]),
            yes_no("emergency", "非常時用", "for emergencies").also(&["緊急用"]),
            date("reviewed_on", "棚卸し確認日", "reviewed on").also(&["確認日", "棚卸日"]),
            text("note", "備考", "note").also(&["メモ"]),
        ],
    },
    Ledger {
        name: "contracts",
        label: Label::new("契約一覧", "contracts"),
        file_words: &["契約", "contract"],
        key: &["no"],
        columns: &[
            text("no", "契約番号", "contract no.").required().also(&["管理番号", "no", "番号"]),
            text("name", "契約名", "name").required().also(&["件名", "契約件名", "名称"]),
            link("vendor", "事業者", "vendor", "vendors").also(&["業者", "委託先", "契約先", "業者名"]),
            link("system", "対象システム", "system", "systems").also(&["システム", "システム名"]),
            choice("kind", "種類", "kind", CONTRACT_KINDS).also(&["種別", "区分"]),
            date("start_on", "開始日", "starts on").also(&["契約日", "契約開始日"]),
            date("end_on", "終了日", "ends on").also(&["満了日", "契約終了日", "契約満了日"]),
            yes_no("updates_by_vendor", "更新責任は事業者", "vendor carries updates").also(&["更新責任"]),
            yes_no("demarcation", "責任分界の記載", "demarcation written").also(&["責任分界"]),
            yes_no("confidentiality", "守秘義務の記載", "confidentiality written").also(&["守秘義務", "nda"]),
            yes_no("incident_duty", "事故時の対応の記載", "incident duty written").also(&["事故対応"]),
            yes_no("erasure_duty", "終了時の返却・消去の記載", "return and erasure written").also(&["返却消去"]),
            yes_no("subcontracting", "再委託の管理の記載", "subcontracting written").also(&["再委託"]),
            yes_no("in_japan", "国内保存の記載", "domestic storage written").also(&["国内保存"]),
            text("file", "ファイル", "file").also(&["保管場所"]),
            text("note", "備考", "note").also(&["メモ"]),
        ],
    },
    Ledger {
        name: "vendor_answers",
        label: Label::new("開示書回答(MDS/SDS)", "vendor answers"),
        file_words: &["mds", "sds", "開示書"],
        key: &["system", "sheet", "question"],
        columns: &[
            strict("system", "システム", "system", "systems").required().also(&["対象システム", "製品名", "サービス名"]),
            choice("sheet", "様式", "sheet", SHEETS).required().also(&["種別", "書式"]),
            text("question", "項番", "question").required().also(&["質問番号", "項目番号", "no"]),
            text("area", "分野", "area").also(&["区分"]),
            choice("answer", "回答", "answer", ANSWERS).also(&["対応"]),
            text("remarks", "備考", "remarks").also(&["補足", "説明"]),
            text("version", "版", "version").also(&["バージョン"]),
            date("answered_on", "回答日", "answered on").also(&["記入日"]),
            text("answered_by", "回答者", "answered by").also(&["記入者"]),
        ],
    },
    Ledger {
        name: "routes",
        label: Label::new("リモート保守経路", "remote-maintenance routes"),
        file_words: &["リモート", "保守経路", "回線", "route"],
        key: &["no"],
        columns: &[
            text("no", "管理番号", "no.").required().also(&["no", "番号", "経路番号"]),
            text("name", "名称", "name").required().also(&["経路名", "回線名"]),
            choice("kind", "種類", "kind", ROUTE_KINDS).also(&["種別", "方式", "接続方式"]),
            link("system", "対象システム", "system", "systems").also(&["システム"]),
            link("vendor", "事業者", "vendor", "vendors").also(&["業者", "保守業者"]),
            link("device", "接続機器", "device", "devices").also(&["機器", "装置", "管理番号(機器)"]),
            text("update_owner", "更新担当", "who updates it").also(&["更新責任者", "ファーム更新担当"]),
            date("updated_on", "最終更新日", "firmware updated on").also(&["ファームウェア更新日"]),
            yes_no("two_factor", "二要素認証", "two-factor").also(&["二要素"]),
            yes_no("source_limited", "接続元の制限", "source limited").also(&["接続元制限"]),
            yes_no("logged", "ログの取得", "logged").also(&["アクセスログ", "ログ"]),
            yes_no("always_on", "常時接続", "always connected").also(&["常時"]),
            yes_no("work_plan", "作業計画書の提出", "work plan required").also(&["作業計画書"]),
            date("observed_on", "確認日", "confirmed on").also(&["点検日"]),
            text("note", "備考", "note").also(&["メモ"]),
        ],
    },
    Ledger {
        name: "documents",
        label: Label::new("文書一覧", "documents"),
        file_words: &["文書", "規程", "規定", "document"],
        key: &["no"],
        columns: &[
            text("no", "文書番号", "document no.").required().also(&["管理番号", "no", "番号"]),
            choice("kind", "種類", "kind", DOCUMENT_KINDS).required().also(&["種別", "区分", "文書種別"]),
            text("title", "文書名", "title").required().also(&["題名", "名称", "表題"]),
            text("version", "版", "version").also(&["版数", "改訂"]),
            text("approved_by", "承認者", "approved by").also(&["決裁者"]),
            date("approved_on", "承認日", "approved on").also(&["決裁日", "制定日", "施行日"]),
            date("reviewed_on", "最終見直し日", "reviewed on").also(&["改訂日", "見直し日"]),
            date("review_due_on", "次回見直し日", "review due on").also(&["見直し期限", "次回見直し"]),
            text("owner", "担当", "owner").also(&["担当者", "所管"]),
            text("file", "ファイル", "file").also(&["保管場所", "ファイル名"]),
            text("note", "備考", "note").also(&["メモ"]),
        ],
    },
    Ledger {
        name: "records",
        label: Label::new("実施記録", "records"),
        file_words: &["記録", "実施", "研修", "訓練", "record"],
        key: &["no"],
        columns: &[
            text("no", "記録番号", "record no.").required().also(&["管理番号", "no", "番号"]),
            choice("kind", "種類", "kind", RECORD_KINDS).required().also(&["種別", "区分", "記録種別"]),
            text("title", "件名", "title").required().also(&["題名", "内容", "名称"]),
            date("held_on", "実施日", "held on").required().also(&["日付", "開催日", "確認日"]),
            text("held_by", "実施者", "held by").also(&["担当者", "確認者", "講師"]),
            number("attended", "参加人数", "attended").also(&["参加者数", "受講者数"]),
            number("invited", "対象人数", "invited").also(&["対象者数"]),
            choice("result", "結果", "result", RESULTS).also(&["判定"]),
            text("findings", "指摘・改善", "findings").also(&["指摘事項", "改善事項"]),
            text("file", "ファイル", "file").also(&["保管場所"]),
            text("note", "備考", "note").also(&["メモ"]),
        ],
    },
    Ledger {
        name: "attestations",
        label: Label::new("確認・計画", "attestations"),
        file_words: &["確認", "自己点検", "attestation"],
        key: &["requirement"],
        columns: &[
            text("requirement", "要求事項", "requirement").required().also(&["要求番号", "項目", "id"]),
            choice("answer", "回答", "answer", ANSWERS).also(&["実施状況", "はい・いいえ"]),
            text("reason", "理由・根拠", "reason").also(&["理由", "根拠", "説明"]),
            text("said_by", "確認者", "said by").also(&["記入者"]),
            date("said_on", "確認日", "said on").also(&["記入日"]),
            date("valid_until", "有効期限", "valid until").also(&["期限"]),
            text("approved_by", "承認者", "approved by").also(&["承認"]),
            text("owner", "担当", "owner").also(&["担当者"]),
            date("target_on", "目標日", "target date").also(&["対応予定日", "完了予定日"]),
        ],
    },
    // -- what workflows write
    workflow::LOANS,
    workflow::BYOD,
    workflow::DISPOSALS,
    workflow::ATTENDANCE,
    workflow::OVERRIDES,
    // -- where the logs of other systems come from, and what maintenance was planned
    logs::LOG_SOURCES,
    logs::WORK_PLANS,
];
