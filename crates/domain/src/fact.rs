//! Facts: named, typed, dated values about a facility, and the one table that declares them.
//!
//! Every fact is a [`Tally`]: of the things it looks at, how many there are, how many are bad, and of
//! how many nobody knows. That is the whole type system: a yes/no about the facility is a tally of
//! one. What makes a thing bad is one SQL condition in the store (or one pure function here), from
//! which both the count and the list of offenders come; SQL's NULL is our *unknown*.

use jiff::civil::Date;

use crate::text::Label;
use crate::threshold;

/// The declaration of a fact.
#[derive(Debug)]
pub struct Fact {
    /// Stable name: `noun.what_is_good`, e.g. `device.os_supported`.
    pub name: &'static str,
    /// What it says when nothing is bad.
    pub label: Label,
    /// What is counted: 台, 件, 名.
    pub unit: Label,
    /// Where it comes from.
    pub source: Source,
    /// Days from observation until the fact is stale and counts as unknown.
    pub holds_days: i32,
    /// What to do about an offender, in one sentence.
    pub remedy: Label,
}

/// Where a fact comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// A ledger, by name.
    Ledger(&'static str),
    /// Endpoint agents, and the device ledger where a device carries none.
    Agents,
}

/// How many things, how many of them bad, of how many nobody knows, and how old the knowledge is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Things looked at.
    pub total: i64,
    /// Things that break the rule.
    pub bad: i64,
    /// Things about which nothing (or nothing fresh) is known.
    pub unknown: i64,
    /// Day of the oldest observation among them; `None` when there is none.
    pub oldest: Option<Date>,
}

impl Source {
    /// Name for people.
    pub fn label(self) -> Label {
        match self {
            Self::Agents => Label::new("エージェントと機器台帳", "agents and device ledger"),
            Self::Ledger(name) => crate::ledger::ledger(name).map_or(Label::new("台帳", "ledger"), |l| l.label),
        }
    }
}

/// The fact called `name`.
pub fn fact(name: &str) -> Option<&'static Fact> {
    FACTS.iter().find(|f| f.name == name)
}

const UNITS: Label = Label::new("台", "devices");
const SYSTEMS: Label = Label::new("システム", "systems");
const ACCOUNTS: Label = Label::new("件", "accounts");
const PEOPLE: Label = Label::new("名", "people");
const ITEMS: Label = Label::new("件", "items");
const PLACES: Label = Label::new("施設", "facilities");

/// Days a ledger statement holds before somebody has to confirm it again.
const YEAR: i32 = threshold::LEDGER.value;
/// Days that a condition which carries its own dates holds: it never grows stale.
pub const ALWAYS: i32 = 36_500;
/// Days an agent's report holds: a machine that has not reported for a month is unknown.
const MONTH: i32 = threshold::REPORT.value;

const fn fact_of(
    name: &'static str,
    source: Source,
    unit: Label,
    holds_days: i32,
    label: (&'static str, &'static str),
    remedy: (&'static str, &'static str),
) -> Fact {
    Fact { name, source, unit, holds_days, label: Label::new(label.0, label.1), remedy: Label::new(remedy.0, remedy.1) }
}
const fn ledger(
    name: &'static str,
    of: &'static str,
    unit: Label,
    label: (&'static str, &'static str),
    remedy: (&'static str, &'static str),
) -> Fact {
    fact_of(name, Source::Ledger(of), unit, YEAR, label, remedy)
}
const fn agents(name: &'static str, label: (&'static str, &'static str), remedy: (&'static str, &'static str)) -> Fact {
    fact_of(name, Source::Agents, UNITS, MONTH, label, remedy)
}

/// Every fact.
pub static FACTS: &[Fact] = &[
    // -- people and roles
    ledger(
        "person.safety_manager",
        "people",
        PLACES,
        ("医療情報システム安全管理責任者が置かれている", "a safety manager is appointed"),
        ("職員名簿の「情報安全管理の役割」に安全管理責任者を登録する", "name the safety manager in the people ledger"),
    ),
    ledger(
        "person.planning_manager",
        "people",
        PLACES,
        ("企画管理者が置かれている", "a planning manager is appointed"),
        ("職員名簿に企画管理者を登録する", "name the planning manager in the people ledger"),
    ),
    ledger(
        "person.operator",
        "people",
        PLACES,
        ("システム運用担当者が置かれている", "a system operator is appointed"),
        ("職員名簿にシステム運用担当者を登録する", "name the system operator in the people ledger"),
    ),
    ledger(
        "person.data_manager",
        "people",
        PLACES,
        ("医療情報の管理責任者が置かれている", "a data manager is appointed"),
        ("職員名簿に医療情報の管理責任者を登録する", "name the data manager in the people ledger"),
    ),
    fact_of(
        "person.pledged",
        Source::Ledger("people"),
        PEOPLE,
        ALWAYS,
        ("在職者が守秘を誓約している", "staff have pledged confidentiality"),
        ("守秘誓約を取り、誓約日を職員名簿に書く", "obtain the pledge and enter its date"),
    ),
    // -- devices: the ledger
    ledger(
        "device.registered",
        "devices",
        UNITS,
        ("機器台帳があり、設置場所と担当者が書かれている", "the device ledger exists with place and user"),
        ("機器台帳の設置場所と使用者を埋める", "fill in place and user"),
    ),
    ledger(
        "device.stocktaken",
        "devices",
        UNITS,
        ("1年以内に現物を確認している", "sighted within a year"),
        ("棚卸しをして確認日を書く", "take stock and enter the date"),
    ),
    ledger(
        "device.usb_limited",
        "devices",
        UNITS,
        ("サーバ・端末で外部媒体の接続を制限している", "media connection is limited"),
        ("USB等の接続制限を設定し、台帳に記入する", "limit media connection and record it"),
    ),
    ledger(
        "device.password_changed",
        "devices",
        UNITS,
        ("初期パスワードを変更している", "default passwords are changed"),
        ("初期パスワードを変更し、台帳に記入する", "change the default password and record it"),
    ),
    ledger(
        "device.network_owned",
        "devices",
        UNITS,
        ("ネットワーク機器に更新の担当がいる", "network devices have an update owner"),
        ("更新の担当(自施設か事業者か)を決めて台帳に書く", "decide who updates it and record it"),
    ),
    fact_of(
        "device.disposal_recorded",
        Source::Ledger("devices"),
        UNITS,
        ALWAYS,
        ("廃棄した機器に日付・方法・実施者の記録がある", "disposals are recorded"),
        ("廃棄日・方法・実施者・証明を台帳に書く", "record date, method, person and proof"),
    ),
    // -- devices: agents and ledger together
    agents(
        "device.known",
        ("ネットワークで見つかった機器がすべて台帳にある", "every device seen is registered"),
        ("台帳に登録するか、ネットワークから外す", "register it or take it off the network"),
    ),
    agents(
        "device.os_supported",
        ("OSがサポート期間内である", "the OS is supported"),
        ("OSを更新するか、ネットワークから切り離す", "upgrade the OS or isolate it"),
    ),
    agents(
        "device.patched",
        ("更新プログラムが90日以内に適用されている", "patched within 90 days"),
        ("更新プログラムを適用する", "apply the updates"),
    ),
    agents(
        "device.antivirus_on",
        ("サーバ・端末でウイルス対策が有効である", "antivirus is enabled"),
        ("ウイルス対策を有効にする", "enable the antivirus"),
    ),
    agents(
        "device.antivirus_current",
        ("ウイルス定義が最新である", "virus definitions are current"),
        ("定義ファイルを更新する", "update the definitions"),
    ),
    fact_of(
        "device.portable_encrypted",
        Source::Agents,
        UNITS,
        YEAR,
        ("持ち出す機器・媒体が暗号化されている", "devices taken out are encrypted"),
        ("暗号化するか、持出しをやめる", "encrypt it or stop taking it out"),
    ),
    agents(
        "device.remote_control_known",
        ("登録のない遠隔操作ソフトがない", "no unregistered remote-control software"),
        ("遠隔操作ソフトを削除するか、リモート保守経路に登録する", "remove it or register it as a route"),
    ),
    agents(
        "device.hardened",
        ("サーバの堅牢化診断に警告がない", "the hardening audit shows no warning"),
        ("診断の警告を確かめて直す", "look at the warnings and fix them"),
    ),
    // -- accounts
    ledger(
        "account.registered",
        "accounts",
        ACCOUNTS,
        ("利用者アカウントが台帳で管理されている", "accounts are kept in a ledger"),
        ("システムごとのアカウント一覧を取り込む", "import the account list of each system"),
    ),
    ledger(
        "account.leaver_disabled",
        "accounts",
        ACCOUNTS,
        ("退職者のアカウントが無効である", "leavers' accounts are disabled"),
        ("アカウントを無効にする", "disable the account"),
    ),
    fact_of(
        "account.used",
        Source::Ledger("accounts"),
        ACCOUNTS,
        threshold::ACCOUNT_USED.value,
        ("180日使われていない有効なアカウントがない", "no enabled account is unused for 180 days"),
        ("要否を確かめ、不要なら無効にする", "check whether it is needed, disable it if not"),
    ),
    ledger(
        "account.owned",
        "accounts",
        ACCOUNTS,
        ("有効なアカウントの持ち主が名簿にいる", "enabled accounts belong to a known person"),
        ("持ち主を名簿と結び付けるか、無効にする", "link it to a person or disable it"),
    ),
    ledger(
        "account.not_shared",
        "accounts",
        ACCOUNTS,
        ("共用のアカウントがない", "no account is shared"),
        ("個人ごとのアカウントに分ける", "give each person an account"),
    ),
    ledger(
        "account.admin_named",
        "accounts",
        ACCOUNTS,
        ("管理者権限の持ち主が在職者として分かる", "administrators are named, current staff"),
        ("管理者権限を持つ人を明らかにする", "name who holds the administrator rights"),
    ),
    ledger(
        "account.reviewed",
        "accounts",
        ACCOUNTS,
        ("1年以内に棚卸しされている", "reviewed within a year"),
        ("棚卸しをして確認日を書く", "review and enter the date"),
    ),
    ledger(
        "account.vendor_dedicated",
        "accounts",
        ACCOUNTS,
        ("保守用アカウントが専用で、共用でない", "vendor accounts are dedicated"),
        ("作業員ごとの専用アカウントにする", "give each worker an own account"),
    ),
    ledger(
        "account.emergency_ready",
        "accounts",
        PLACES,
        ("非常時用アカウントが用意されている", "an emergency account exists"),
        ("非常時用アカウントを用意し、台帳に書く", "prepare an emergency account"),
    ),
    // -- systems
    ledger(
        "system.registered",
        "systems",
        SYSTEMS,
        ("医療情報システムの一覧があり、区分と形態が書かれている", "systems are listed with kind and hosting"),
        ("システム一覧の区分と形態を埋める", "fill in kind and hosting"),
    ),
    ledger(
        "system.two_factor",
        "logins",
        SYSTEMS,
        (
            "二要素認証が第7.0版の表14-1を満たす(みなし・経過措置・計画を含む)",
            "two-factor meets table 14-1 of edition 7.0",
        ),
        (
            "ログイン方式を登録し、二要素認証を導入するか計画を立てる",
            "register the login methods, introduce or plan two-factor",
        ),
    ),
    ledger(
        "system.two_factor_planned",
        "logins",
        SYSTEMS,
        ("二要素認証を導入済み、または令和9年度までの計画がある", "two-factor in place or planned by FY R9"),
        ("令和9年度までの導入計画を立てる", "plan two-factor by FY R9"),
    ),
    ledger(
        "system.password_length",
        "systems",
        SYSTEMS,
        ("パスワードが13桁以上、二要素なら8桁以上である", "passwords are 13+, or 8+ with two factors"),
        ("最小桁数の設定を変える", "change the minimum length"),
    ),
    ledger(
        "system.password_r7",
        "systems",
        SYSTEMS,
        (
            "英数字記号の8文字以上で、定期変更・13文字以上・二要素のどれかである",
            "8+ mixed and changed regularly, or 13+ or two-factor",
        ),
        ("桁数・文字種・定期変更の設定を見直す", "review length, characters and change"),
    ),
    ledger(
        "system.password_guess_proof",
        "systems",
        SYSTEMS,
        ("推測されやすいパスワードを拒む", "weak passwords are rejected"),
        ("拒否の設定を入れる", "switch the rejection on"),
    ),
    ledger(
        "system.password_hashed",
        "systems",
        SYSTEMS,
        ("パスワードが平文に戻せない形で保存される", "passwords are stored hashed"),
        ("事業者に保存方法を確かめる", "ask the vendor how they are stored"),
    ),
    ledger(
        "system.password_unique",
        "systems",
        SYSTEMS,
        ("パスワードを使い回していない", "passwords are not reused"),
        ("システムごとに別のパスワードにする", "use a different password in each system"),
    ),
    ledger(
        "system.lockout",
        "systems",
        SYSTEMS,
        ("ログイン失敗が続くとロックされる", "repeated failures lock the account"),
        ("ロックの設定を入れる", "switch the lock-out on"),
    ),
    ledger(
        "system.auto_lock",
        "systems",
        SYSTEMS,
        ("離席時に画面がロックされる", "the screen locks when left"),
        ("自動ロックを設定する", "set the automatic lock"),
    ),
    ledger(
        "system.role_based",
        "systems",
        SYSTEMS,
        ("職種・業務に応じた利用権限が設定されている", "rights follow profession and duty"),
        ("権限表に合わせて権限を設定する", "set the rights by the role matrix"),
    ),
    ledger(
        "system.access_log",
        "systems",
        SYSTEMS,
        ("アクセスログを取得している", "access is logged"),
        ("ログの取得を始める。機能がなければ業務日誌に残す", "start logging, or keep a journal"),
    ),
    ledger(
        "system.log_protected",
        "systems",
        SYSTEMS,
        ("ログが削除・改ざんから守られている", "logs are protected"),
        ("ログへの権限を絞り、別の場所へ写す", "restrict access and copy the logs elsewhere"),
    ),
    ledger(
        "system.time_synced",
        "systems",
        SYSTEMS,
        ("時刻が標準時刻と同期している", "clocks are synchronised"),
        ("時刻同期を設定する", "set the time synchronisation"),
    ),
    ledger(
        "system.source_limited",
        "systems",
        SYSTEMS,
        ("接続元が制限されている", "connections are limited by source"),
        ("許可する接続元を絞る", "limit the sources"),
    ),
    ledger(
        "system.unneeded_stopped",
        "systems",
        SYSTEMS,
        ("不要なソフト・サービスを止めている", "unneeded services are stopped"),
        ("使わないソフト・サービス・ポートを止める", "stop what is not used"),
    ),
    ledger(
        "system.backup_generations",
        "systems",
        SYSTEMS,
        ("バックアップが3世代以上ある", "three or more backup generations"),
        ("世代数を増やす", "keep more generations"),
    ),
    ledger(
        "system.backup_methods",
        "systems",
        SYSTEMS,
        ("バックアップが2方式以上ある", "two or more backup methods"),
        ("別の方式のバックアップを加える", "add another method"),
    ),
    ledger(
        "system.backup_offline",
        "systems",
        SYSTEMS,
        ("ネットワークから切り離したバックアップがある", "an offline backup exists"),
        ("オフラインの保管を加える", "add offline storage"),
    ),
    fact_of(
        "system.backup_recent",
        Source::Ledger("systems"),
        SYSTEMS,
        threshold::BACKUP.value,
        ("バックアップが7日以内に取れている", "backed up within seven days"),
        ("バックアップの失敗を調べる", "find out why the backup failed"),
    ),
    ledger(
        "system.restore_tested",
        "systems",
        SYSTEMS,
        ("1年以内に復元を試している", "a restore was tested within a year"),
        ("復元テストをして日付を書く", "test a restore and enter the date"),
    ),
    ledger(
        "system.in_japan",
        "systems",
        SYSTEMS,
        ("国内法の及ぶ場所に保存されている", "stored where Japanese law reaches"),
        ("事業者に保存場所を確かめる", "ask the vendor for the storage place"),
    ),
    ledger(
        "system.edit_history",
        "systems",
        SYSTEMS,
        ("確定した記録の更新履歴が残る", "edits of confirmed records leave a history"),
        ("事業者に更新履歴の機能を確かめる", "ask the vendor about the history"),
    ),
    ledger(
        "system.proxy_entry_logged",
        "systems",
        SYSTEMS,
        ("代行入力が記録される", "proxy entry is recorded"),
        ("代行入力の記録を有効にする", "record proxy entry"),
    ),
    ledger(
        "system.readable",
        "systems",
        SYSTEMS,
        ("速やかに表示・書面化できる", "readable and printable on demand"),
        ("表示・印刷の手順を確かめる", "check display and printing"),
    ),
    ledger(
        "system.update_duty",
        "systems",
        SYSTEMS,
        ("更新プログラムの責任が決まっている", "the update duty is settled"),
        ("更新責任を決め、契約書等の記載を確かめる", "settle the update duty in writing"),
    ),
    // -- vendors, contracts, routes
    ledger(
        "vendor.disclosed",
        "vendor_answers",
        SYSTEMS,
        (
            "システムの形態に合うMDS・SDSの回答がある(院内はMDS、クラウドはSDS)",
            "the sheet that fits the hosting is there: MDS on premises, SDS in the cloud",
        ),
        ("事業者に足りないMDS・SDSを求め、回答を取り込む", "ask the vendor for the missing MDS or SDS"),
    ),
    ledger(
        "vendor.answers_clear",
        "vendor_answers",
        ITEMS,
        ("MDS/SDSの回答がすべて「はい」か「対象外」である", "every MDS/SDS answer is yes or not applicable"),
        ("「いいえ」の項目のリスクを評価し、運用で補う", "assess the risk of each \"no\""),
    ),
    ledger(
        "vendor.certified",
        "vendors",
        ITEMS,
        ("委託先がPマークかISMSを持つ", "vendors hold PrivacyMark or ISMS"),
        ("認証の写しを求めて登録する", "ask for the certificate"),
    ),
    ledger(
        "vendor.contact",
        "vendors",
        ITEMS,
        ("事業者の緊急連絡先が分かる", "vendors' emergency contacts are known"),
        ("緊急連絡先を登録する", "enter the emergency contact"),
    ),
    fact_of(
        "contract.current",
        Source::Ledger("contracts"),
        SYSTEMS,
        ALWAYS,
        ("事業者のいるシステムに有効な契約がある", "systems with a vendor have a current contract"),
        ("契約を登録・更新する", "enter or renew the contract"),
    ),
    ledger(
        "contract.demarcation",
        "contracts",
        ITEMS,
        ("契約に責任分界の記載がある", "contracts state the demarcation"),
        ("責任分界を書面にする", "put the demarcation in writing"),
    ),
    ledger(
        "contract.confidentiality",
        "contracts",
        ITEMS,
        ("契約に守秘義務の記載がある", "contracts state confidentiality"),
        ("守秘義務を契約に入れる", "add confidentiality"),
    ),
    ledger(
        "contract.incident_duty",
        "contracts",
        ITEMS,
        ("契約に事故時の対応の記載がある", "contracts state incident duties"),
        ("事故時の役割を契約に入れる", "add the incident duties"),
    ),
    ledger(
        "contract.erasure_duty",
        "contracts",
        ITEMS,
        ("契約に終了時の返却・消去の記載がある", "contracts state return and erasure"),
        ("返却・消去を契約に入れる", "add return and erasure"),
    ),
    ledger(
        "contract.subcontracting",
        "contracts",
        ITEMS,
        ("契約に再委託の管理の記載がある", "contracts state subcontracting"),
        ("再委託の条件を契約に入れる", "add the subcontracting terms"),
    ),
    ledger(
        "contract.in_japan",
        "contracts",
        ITEMS,
        ("契約に国内保存の記載がある", "contracts state domestic storage"),
        ("保存場所を契約に入れる", "add the storage place"),
    ),
    ledger(
        "route.owned",
        "routes",
        ITEMS,
        ("リモート保守経路に更新の担当がいる", "routes have an update owner"),
        ("更新の担当者を決めて登録する", "name who updates it"),
    ),
    fact_of(
        "route.updated",
        Source::Ledger("routes"),
        ITEMS,
        threshold::ROUTE_UPDATED.value,
        ("接続機器が180日以内に更新・確認されている", "route devices updated within 180 days"),
        ("ファームウェアを更新し、日付を書く", "update the firmware and enter the date"),
    ),
    ledger(
        "route.logged",
        "routes",
        ITEMS,
        ("リモート保守のログを取得している", "remote maintenance is logged"),
        ("ログを取得する", "keep the log"),
    ),
    ledger(
        "route.source_limited",
        "routes",
        ITEMS,
        ("リモート保守の接続元が制限されている", "remote maintenance is limited by source"),
        ("接続元を絞る", "limit the source"),
    ),
    ledger(
        "route.work_plan",
        "routes",
        ITEMS,
        ("リモート保守に作業計画書がある", "remote maintenance has a work plan"),
        ("作業計画書の提出を求める", "ask for a work plan"),
    ),
    // -- what workflows leave behind
    fact_of(
        "loan.returned_in_time",
        Source::Ledger("loans"),
        UNITS,
        ALWAYS,
        ("貸出中・持出し中の機器が期限内である", "nothing lent is overdue"),
        ("返却を求めるか、紛失を登録する", "ask for its return, or report it lost"),
    ),
    fact_of(
        "loan.approved_outside",
        Source::Ledger("loans"),
        UNITS,
        ALWAYS,
        ("1年以内の持出しがすべて承認されている", "what left the house within a year was approved"),
        ("持出しは、引き渡す前に承認を受ける", "have it approved before it is handed over"),
    ),
    fact_of(
        "disposal.proved",
        Source::Ledger("disposals"),
        ITEMS,
        ALWAYS,
        ("廃棄に方法・実施日・実施者と、証明書か立会者がある", "disposals name method, day, person and proof"),
        ("証明書を受け取るか立会者を確かめ、廃棄記録に書く", "obtain the certificate or name the witness"),
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_ledgers_exist() {
        let mut seen = std::collections::BTreeSet::new();
        for f in FACTS {
            assert!(seen.insert(f.name), "{} twice", f.name);
            assert!(f.holds_days > 0);
            if let Source::Ledger(name) = f.source {
                assert!(crate::ledger::ledger(name).is_some(), "{}: no ledger {name}", f.name);
            }
        }
    }

    /// What a label says in numbers is what is asked.
    #[test]
    fn labels_state_the_thresholds() {
        for (name, threshold) in [
            ("device.patched", &threshold::PATCHED),
            ("account.used", &threshold::ACCOUNT_USED),
            ("system.backup_recent", &threshold::BACKUP),
            ("system.backup_generations", &threshold::GENERATIONS_MIN),
            ("system.backup_methods", &threshold::METHODS_MIN),
            ("route.updated", &threshold::ROUTE_UPDATED),
        ] {
            let label = fact(name).map(|f| f.label.ja).unwrap_or_default();
            assert!(label.contains(&format!("{}{}", threshold.value, threshold.unit.ja)), "{name}: {label}");
        }
    }
}
