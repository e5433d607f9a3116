//! Facts that rest on more than one row: who updates, who holds a duty, which sheet is due.

use app::NewFacility;
use domain::catalog::Path;
use domain::evaluate::{Facility, Truth, Verdict};
use testkit::actor;

use super::evidence::{put, tally};
use super::{Site, on_each};

/// A clinic without dedicated staff.
async fn small_clinic(site: &Site) -> Facility {
    let facility = site.facility("架空診療所").await;
    put(site, &facility, "facilities", &[&[("no", facility.no.as_str()), ("name", "架空診療所"), ("staff", "いいえ")]])
        .await;
    facility
}

async fn path(site: &Site, facility: &Facility) -> (i64, i64, Option<Path>) {
    let evidence = site.app.assess(facility).await.unwrap().evidence;
    (evidence.updates_by_vendor.bad, evidence.updates_by_vendor.unknown, evidence.path())
}

#[tokio::test]
async fn the_vendor_updates_only_where_ledger_and_running_contract_say_so() {
    let chart = [("no", "SYS-1"), ("name", "電子カルテ"), ("vendor", "V1"), ("update_duty", "事業者")];
    let written = [("update_duty_in", "契約書")];
    let contract = [("no", "K-1"), ("name", "保守契約"), ("vendor", "V1"), ("updates_by_vendor", "はい")];
    let running = [("system", "SYS-1"), ("start_on", "2026-04-01")];
    on_each(async |site| {
        let name = site.name;
        let facility = small_clinic(&site).await;
        put(&site, &facility, "systems", &[&[&chart[..], &written].concat()]).await;
        assert_eq!(path(&site, &facility).await, (0, 1, None), "{name}: the ledger alone proves nothing");

        let cases: [(&[(&str, &str)], _, &str); 6] = [
            (&[("start_on", "2026-04-01")], (0, 1, None), "for no system"),
            (&[("system", "SYS-1")], (0, 1, None), "nobody says since when"),
            (&[("system", "SYS-1"), ("start_on", "2026-11-23")], (0, 1, None), "from tomorrow"),
            (
                &[("system", "SYS-1"), ("start_on", "2025-04-01"), ("end_on", "2026-11-21")],
                (0, 1, None),
                "ended yesterday",
            ),
            (
                &[("system", "SYS-1"), ("start_on", "2025-04-01"), ("end_on", "2026-11-22")],
                (0, 0, Some(Path::Hoshu)),
                "ends today",
            ),
            (&running, (0, 0, Some(Path::Hoshu)), "without an end"),
        ];
        for (term, expected, case) in cases {
            put(&site, &facility, "contracts", &[&[&contract[..], term].concat()]).await;
            assert_eq!(path(&site, &facility).await, expected, "{name}: {case}");
        }
        let silent = [("no", "K-1"), ("name", "保守契約"), ("vendor", "V1")];
        put(&site, &facility, "contracts", &[&[&silent[..], &running].concat()]).await;
        assert_eq!(path(&site, &facility).await, (0, 1, None), "{name}: the contract does not say");
        let refusing = [("no", "K-1"), ("name", "保守契約"), ("updates_by_vendor", "いいえ")];
        put(&site, &facility, "contracts", &[&[&refusing[..], &running].concat()]).await;
        assert_eq!(path(&site, &facility).await, (1, 0, Some(Path::Full)), "{name}: the contract says otherwise");

        put(&site, &facility, "contracts", &[&[&contract[..], &running].concat()]).await;
        put(&site, &facility, "systems", &[&chart]).await;
        assert_eq!(path(&site, &facility).await, (0, 1, None), "{name}: the ledger names no document");
        let unclear =
            [("no", "SYS-1"), ("name", "電子カルテ"), ("update_duty", "事業者"), ("update_duty_in", "記載なし")];
        put(&site, &facility, "systems", &[&unclear]).await;
        assert_eq!(path(&site, &facility).await, (1, 0, Some(Path::Full)), "{name}: not written");
    })
    .await;
}

#[tokio::test]
async fn a_terminal_that_completes_the_work_is_a_server_of_its_system() {
    on_each(async |site| {
        let name = site.name;
        let facility = small_clinic(&site).await;
        put(&site, &facility, "vendors", &[&[("no", "V1"), ("name", "架空メディカル")]]).await;
        let duty = [("update_duty", "事業者"), ("update_duty_in", "契約書")];
        let rows: Vec<Vec<(&str, &str)>> = [[("no", "SYS-1"), ("name", "カルテ")], [("no", "SYS-2"), ("name", "CR")]]
            .map(|system| [&system[..], &duty].concat())
            .into();
        put(&site, &facility, "systems", &[&rows[0], &rows[1]]).await;
        let contract = |no, system| {
            vec![
                ("no", no),
                ("name", "保守"),
                ("system", system),
                ("updates_by_vendor", "はい"),
                ("start_on", "2026-04-01"),
            ]
        };
        put(&site, &facility, "contracts", &[&contract("K-1", "SYS-1"), &contract("K-2", "SYS-2")]).await;
        let pc = [("no", "PC-1"), ("name", "単体カルテ"), ("kind", "端末"), ("completes_locally", "はい")];
        let cases: [(&[(&str, &str)], _, &str); 5] = [
            (&[], (0, 1, None), "nobody says who updates it"),
            (&[("updated_by", "架空メディカル")], (0, 1, None), "of no system, so without a contract"),
            (&[("updated_by", "架空メディカル"), ("system", "SYS-9")], (0, 1, None), "a system without a contract"),
            (&[("updated_by", "事務長"), ("system", "SYS-1")], (1, 0, Some(Path::Full)), "the institution updates it"),
            (&[("updated_by", "架空メディカル"), ("system", "SYS-1")], (0, 0, Some(Path::Hoshu)), "both say so"),
        ];
        for (by, expected, case) in cases {
            put(&site, &facility, "devices", &[&[&pc[..], by].concat()]).await;
            assert_eq!(path(&site, &facility).await, expected, "{name}: {case}");
        }
        site.on("2027-11-24");
        assert_eq!(path(&site, &facility).await, (0, 3, None), "{name}: what nobody repeats for a year is unclear");
    })
    .await;
}

#[tokio::test]
async fn a_duty_is_as_old_as_the_row_of_who_holds_it() {
    on_each(async |site| {
        let facility = site.facility("架空医院").await;
        let manager = [("no", "S1"), ("name", "髙橋"), ("duties", "安全管理責任者")];
        let operator = [("no", "S2"), ("name", "﨑山"), ("duties", "システム運用担当者")];
        put(&site, &facility, "people", &[&manager, &operator]).await;
        site.on("2027-10-01");
        put(&site, &facility, "people", &[&operator]).await;
        put(&site, &facility, "people", &[&[("no", "S3"), ("name", "新人")]]).await;
        site.on("2027-11-24");
        let now = site.app.assess(&facility).await.unwrap();
        assert_eq!(tally(&now, "person.safety_manager"), (1, 0, 1), "{}: a new colleague confirms nobody", site.name);
        assert_eq!(tally(&now, "person.operator"), (1, 0, 0), "{}", site.name);
        assert_eq!(tally(&now, "person.data_manager"), (1, 1, 0), "{}: duties were entered, not this one", site.name);
    })
    .await;
}

#[tokio::test]
async fn the_sheet_has_to_fit_the_hosting() {
    let on = |no, hosting| vec![("no", no), ("name", no), ("vendor", "V1"), ("hosting", hosting)];
    let answer = |system, sheet| vec![("system", system), ("sheet", sheet), ("question", "1"), ("answer", "はい")];
    on_each(async |site| {
        let facility = site.facility("架空医院").await;
        let unstated = [("no", "SYS-4"), ("name", "SYS-4"), ("vendor", "V1")];
        let systems = [on("SYS-1", "オンプレミス"), on("SYS-2", "クラウド"), on("SYS-3", "併用")];
        put(&site, &facility, "systems", &[&systems[0], &systems[1], &systems[2], &unstated]).await;
        let told = async || tally(&site.app.assess(&facility).await.unwrap(), "vendor.disclosed");
        assert_eq!(told().await, (4, 4, 0), "{}", site.name);
        let wrong = [answer("SYS-1", "SDS"), answer("SYS-2", "MDS"), answer("SYS-3", "MDS"), answer("SYS-4", "MDS")];
        put(&site, &facility, "vendor_answers", &[&wrong[0], &wrong[1], &wrong[2], &wrong[3]]).await;
        assert_eq!(told().await, (4, 3, 1), "{}: the wrong sheet, or half of it", site.name);
        let blank = [("system", "SYS-1"), ("sheet", "MDS"), ("question", "1")];
        put(&site, &facility, "vendor_answers", &[&blank]).await;
        assert_eq!(told().await, (4, 3, 1), "{}: an empty form is no answer", site.name);
        let right = [answer("SYS-1", "MDS"), answer("SYS-2", "SDS"), answer("SYS-3", "SDS")];
        put(&site, &facility, "vendor_answers", &[&right[0], &right[1], &right[2]]).await;
        assert_eq!(told().await, (4, 0, 1), "{}: the hosting of SYS-4 is not stated", site.name);
    })
    .await;
}

#[tokio::test]
async fn a_vendor_answers_for_what_it_sells_and_says_that_it_handed_it_over() {
    const ITEM: &str = "checklist-r7/2-3-vendor";
    on_each(async |site| {
        let new = NewFacility { name: "架空ソフト".to_owned(), ..NewFacility::default() };
        let facility = site.app.add_facility(&actor(), new).await.unwrap();
        let kind = [("no", facility.no.as_str()), ("name", "架空ソフト"), ("kind", "事業者")];
        put(&site, &facility, "facilities", &[&kind]).await;
        let own = [("no", "P-1"), ("name", "架空カルテ"), ("hosting", "オンプレミス"), ("update_duty", "自施設")];
        put(&site, &facility, "systems", &[&own]).await;
        let verdict = async || {
            let assessment = site.app.assess(&facility).await.unwrap();
            let findings = assessment.findings("checklist-r7").unwrap();
            assert!(findings.iter().all(|f| f.requirement.id != "checklist-r7/2-3"), "a vendor receives none");
            let finding = findings.iter().find(|f| f.requirement.id == ITEM).unwrap();
            (finding.verdict, finding.leaves.iter().map(|l| l.truth).collect::<Vec<_>>())
        };
        assert_eq!(verdict().await, (Verdict::Unmet, vec![Truth::False, Truth::Unknown]), "{}", site.name);
        let answer = [("system", "P-1"), ("sheet", "MDS"), ("question", "1"), ("answer", "はい")];
        put(&site, &facility, "vendor_answers", &[&answer]).await;
        assert_eq!(verdict().await, (Verdict::Unknown, vec![Truth::True, Truth::Unknown]), "{}", site.name);
        let said = [("requirement", ITEM), ("answer", "はい"), ("said_by", "品質保証"), ("said_on", "2026-11-20")];
        put(&site, &facility, "attestations", &[&said]).await;
        assert_eq!(verdict().await.0, Verdict::Met, "{}", site.name);
    })
    .await;
}

#[tokio::test]
async fn only_what_a_shown_edition_asks_for_is_listed() {
    on_each(async |site| {
        let facility = site.app.load_demo(&actor()).await.unwrap();
        let assessment = site.app.assess(&facility).await.unwrap();
        let listed = async |editions: &[&str]| {
            let editions: Vec<_> = editions.iter().map(|id| assessment.edition(id).unwrap()).collect();
            let found = site.app.offenders(&assessment, &editions).await.unwrap();
            found.into_iter().map(|o| o.fact.name).collect::<Vec<_>>()
        };
        let (r7, both) = (listed(&["checklist-r7"]).await, listed(&["checklist-r7", "mhlw-6.0"]).await);
        assert!(r7.contains(&"system.password_r7") && !r7.contains(&"device.portable_encrypted"), "{r7:?}");
        assert!(r7.len() < both.len() && r7.iter().all(|fact| both.contains(fact)), "{both:?}");
        assert!(!listed(&["meti-mic-2.0"]).await.contains(&"system.edit_history"), "asked of vendors only");
        assert_eq!(listed(&[]).await, [""; 0]);
    })
    .await;
}

/// Where the guideline is silent the facility may say how it reads the rule, and every verdict shows that it does.
#[tokio::test]
async fn a_facility_reads_the_two_factor_rule_in_its_own_way() {
    on_each(async |site| {
        let name = site.name;
        let facility = site.facility("架空医院").await;
        let place = [("no", facility.no.as_str()), ("name", "架空医院")];
        let system = [("no", "SYS-1"), ("name", "電子カルテ"), ("handles", "はい")];
        let card = [("system", "SYS-1"), ("os", "ICカード+PIN")];
        let client = [("no", "L-1"), ("side", "端末"), ("app", "パスワード"), ("link", "画面への自動入力")];
        put(&site, &facility, "systems", &[&system]).await;
        let server = [("no", "L-2"), ("side", "サーバ")];
        put(&site, &facility, "logins", &[&[&client[..], &card].concat(), &[&server[..], &card].concat()]).await;
        assert_eq!(
            tally(&site.app.assess(&facility).await.unwrap(), "system.two_factor"),
            (1, 1, 0),
            "{name}: form filling links nothing"
        );

        let read = [("mfa_form_fill", "はい")];
        put(&site, &facility, "facilities", &[&[&place[..], &read].concat()]).await;
        assert_eq!(
            tally(&site.app.assess(&facility).await.unwrap(), "system.two_factor"),
            (1, 0, 0),
            "{name}: the facility says it does"
        );
        let assessment = site.app.assess(&facility).await.unwrap();
        let findings = assessment.findings("mhlw-7.0").unwrap();
        let finding = findings.iter().find(|f| f.requirement.id == "mhlw-7.0/unyo/14-5").unwrap();
        let reasons = finding.reasons(domain::text::Lang::Ja).join("");
        assert!(reasons.contains("この施設の読み方：画面への自動入力も二要素認証の連携: はい"), "{name}: {reasons}");

        let planned = [("two_factor_plan_on", "2027-09-30")];
        put(&site, &facility, "systems", &[&[&system[..], &planned].concat()]).await;
        let strict = [("mfa_plan_until", "令和9年4月1日"), ("mfa_form_fill", "いいえ")];
        for (read, expected) in [(&strict[1..], (1, 0, 0)), (&strict, (1, 1, 0))] {
            put(&site, &facility, "facilities", &[&[&place[..], read].concat()]).await;
            assert_eq!(
                tally(&site.app.assess(&facility).await.unwrap(), "system.two_factor"),
                expected,
                "{name}: {read:?}"
            );
        }
    })
    .await;
}
