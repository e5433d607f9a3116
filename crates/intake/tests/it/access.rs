//! Access events: what other systems send, in every spelling, broken and hostile ones included, and what goes out.

use domain::access::{Access, Act, Exposure, Outcome};
use intake::access::syslog::{Frames, MESSAGE_MAX, open};
use intake::access::table::{ACCESSES, WORDS_OF};
use intake::access::{AccessError, Doubt, Origin, Reading, dicom, fhir, ocsf, table};
use intake::table::{Mapping, read, recognise};
use jiff::Timestamp;
use jiff::tz::Offset;
use proptest::prelude::*;
use serde_json::{Value, json};

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn origin() -> Origin<'static> {
    Origin { source: "PACS", offset: Offset::constant(9), now: at("2026-11-28T03:00:00Z"), others: &[] }
}

fn fhir_of(document: &Value) -> (fhir::Document, Reading) {
    fhir::read(document.to_string().as_bytes(), &origin()).unwrap()
}

/// A BALP event with its usual participants.
fn balp(kind: Value, subtype: &str, action: &str, patients: &[&str], more: Value) -> Value {
    let patient = |id: &&str| {
        json!({
            "what": { "reference": format!("Patient/{id}") },
            "type": { "code": "1" }, "role": { "code": "1" },
        })
    };
    let mut entity: Vec<Value> = patients.iter().map(patient).collect();
    entity.push(more);
    let (client, server) = if action == "R" { ("110152", "110153") } else { ("110153", "110152") };
    let role =
        |code: &str| json!({ "coding": [{ "system": "http://dicom.nema.org/resources/ontology/DCM", "code": code }] });
    json!({
        "resourceType": "AuditEvent", "id": "e1", "type": kind, "action": action,
        "subtype": [{ "system": "http://hl7.org/fhir/restful-interaction", "code": subtype }],
        "recorded": "2026-11-28T11:00:00.5+09:00", "outcome": "0",
        "purposeOfEvent": [{ "coding": [{ "code": "TREAT" }] }],
        "source": { "observer": { "display": "fhir" } },
        "agent": [
            { "type": role(server), "who": { "display": "server" }, "requestor": false, "network": { "address": "http://fhir", "type": "5" } },
            { "type": role(client), "who": { "display": "app" }, "requestor": false, "network": { "address": "10.0.0.7", "type": "2" } },
            { "type": { "coding": [{ "code": "IRCP" }] }, "who": { "identifier": { "value": "u1" } }, "name": "架空 花子", "requestor": true },
        ],
        "entity": entity,
    })
}

fn rest() -> Value {
    json!({ "system": "http://terminology.hl7.org/CodeSystem/audit-event-type", "code": "rest" })
}

#[test]
fn the_patterns_of_balp() {
    let data = json!({ "what": { "reference": "https://fhir/r4/Observation/o1" }, "type": { "code": "2" }, "role": { "code": "4" } });
    let query = json!({ "type": { "code": "2" }, "role": { "code": "24" }, "query": "R0VUIC9PYnNlcnZhdGlvbg==" });
    for (subtype, action, more, act, exposure, resource) in [
        ("read", "R", &data, Act::Read, Exposure::Opened, "Observation/o1"),
        ("vread", "R", &data, Act::Read, Exposure::Opened, "Observation/o1"),
        ("search-type", "E", &query, Act::Search, Exposure::Listed, "GET /Observation"),
        ("create", "C", &data, Act::Create, Exposure::Opened, "Observation/o1"),
        ("patch", "U", &data, Act::Update, Exposure::Opened, "Observation/o1"),
        ("delete", "D", &data, Act::Delete, Exposure::Opened, "Observation/o1"),
    ] {
        let (document, reading) = fhir_of(&balp(rest(), subtype, action, &["p1"], more.clone()));
        assert_eq!((document, reading.events, reading.refused.len()), (fhir::Document::Event, 1, 0));
        let access = &reading.accesses[0];
        assert_eq!((access.act, access.exposure), (act, exposure), "{subtype}");
        assert_eq!(access.resource.as_deref(), Some(resource));
        assert_eq!((access.user.as_str(), access.user_name.as_deref()), ("u1", Some("架空 花子")));
        assert_eq!(access.terminal.as_deref(), Some("10.0.0.7"), "{subtype}");
        assert_eq!((access.patient.as_deref(), access.purpose.as_deref()), (Some("p1"), Some("TREAT")));
        assert_eq!((access.source.as_str(), access.source_id.as_deref()), ("PACS", Some("e1")));
        assert_eq!(access.at, at("2026-11-28T02:00:00.5Z"));
    }
    // Whom a search showed are accesses of their own.
    let (_, reading) = fhir_of(&balp(rest(), "search", "E", &["p1", "p2", "p3"], query));
    let ids: Vec<_> =
        reading.accesses.iter().map(|a| (a.patient.as_deref().unwrap(), a.source_id.as_deref().unwrap())).collect();
    assert_eq!(ids, [("p1", "e1"), ("p2", "e1#2"), ("p3", "e1#3")]);
    assert!(reading.accesses.iter().all(|a| a.records == Some(3)));
    // Disclosure, and signing in without success.
    let dcm = |code: &str| json!({ "system": "http://dicom.nema.org/resources/ontology/DCM", "code": code });
    let (_, reading) = fhir_of(&balp(dcm("110106"), "x", "R", &["p1"], data.clone()));
    assert_eq!(reading.accesses[0].act, Act::Export);
    let mut failed = balp(dcm("110114"), "110122", "E", &[], data);
    failed["outcome"] = json!("8");
    let (_, reading) = fhir_of(&failed);
    assert_eq!((reading.accesses[0].act, reading.accesses[0].outcome), (Act::SignIn, Outcome::Refused));
    assert_eq!(reading.accesses[0].patient, None);
}

#[test]
fn breaking_the_glass_is_an_emergency() {
    let data = json!({ "what": { "reference": "Observation/o1" }, "type": { "code": "2" }, "role": { "code": "4" } });
    let mut event = balp(rest(), "read", "R", &["p1"], data);
    event["purposeOfEvent"] = json!([{ "coding": [{ "code": "BTG" }] }]);
    assert_eq!(fhir_of(&event).1.accesses[0].act, Act::Emergency);
}

#[test]
fn a_bundle_loses_only_its_broken_entries() {
    let data = json!({ "what": { "reference": "Observation/o1" }, "type": { "code": "2" }, "role": { "code": "4" } });
    let good = balp(rest(), "read", "R", &["p1"], data);
    let without = |member: &str| {
        let mut event = good.clone();
        event.as_object_mut().unwrap().remove(member);
        event
    };
    let mut typed = good.clone();
    typed["agent"] = json!("nobody");
    let mut nameless = without("action");
    nameless["subtype"] = json!([]);
    let mut long = good.clone();
    long["entity"][0]["what"]["reference"] = json!(format!("Patient/{}", "x".repeat(501)));
    let bad = [without("recorded"), typed, nameless, long, json!({ "resourceType": "Patient" })];
    let entries: Vec<Value> =
        [&good].into_iter().chain(&bad).map(|e| json!({ "fullUrl": "urn:uuid:1", "resource": e })).collect();
    let (document, reading) = fhir_of(&json!({ "resourceType": "Bundle", "type": "batch", "entry": entries }));
    assert_eq!((document, reading.events, reading.accesses.len()), (fhir::Document::Batch, 6, 1));
    let codes: Vec<_> = reading.refused.iter().map(|(at, error)| (*at, error.code())).collect();
    assert_eq!(codes, [(1, "EVT-007"), (2, "EVT-003"), (3, "EVT-008"), (4, "EVT-009"), (5, "EVT-006")]);
    for (_, error) in &reading.refused {
        assert!(!error.to_string().contains("xxxx") && !error.to_string().contains("nobody"), "{error}");
    }
}

#[test]
fn documents_that_are_none() {
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    let nested = format!(r#"{{"resourceType":"AuditEvent","recorded":"2026-11-28T00:00:00Z","x":{deep}}}"#);
    for (bytes, code) in [
        (&b"\xff{}"[..], "EVT-002"),
        (b"{", "EVT-003"),
        (b"[]", "EVT-003"),
        (br#"{"resourceType":"Patient"}"#, "EVT-006"),
        (br#"{"resourceType":"Bundle","type":"history"}"#, "EVT-006"),
        (&vec![b' '; intake::access::DOCUMENT_MAX + 1], "EVT-001"),
    ] {
        assert_eq!(fhir::read(bytes, &origin()).unwrap_err().code(), code);
    }
    // What is not read is passed over without recursion.
    assert_eq!(fhir::read(nested.as_bytes(), &origin()).unwrap().1.refused[0].1, AccessError::Act);
    let many = format!(r#"{{"resourceType":"Bundle","type":"batch","entry":[{}{{}}]}}"#, "{},".repeat(50_000));
    assert_eq!(fhir::read(many.as_bytes(), &origin()).unwrap_err(), AccessError::TooComplex);
}

#[test]
fn times_that_cannot_be_are_kept_and_named() {
    let data = json!({ "what": { "reference": "Observation/o1" }, "type": { "code": "2" }, "role": { "code": "4" } });
    for (recorded, doubt) in [
        ("1980-01-01T00:00:00Z", Some(Doubt::Ancient)),
        ("2026-11-29T04:00:00Z", Some(Doubt::Future)),
        ("2026-11-28T04:00:00Z", None),
        ("2026-11-28T12:00:00", None),
    ] {
        let mut event = balp(rest(), "read", "R", &["p1"], data.clone());
        event["recorded"] = json!(recorded);
        let (_, reading) = fhir_of(&event);
        assert_eq!(reading.doubts.first().map(|(_, doubt)| *doubt), doubt, "{recorded}");
        assert_eq!(reading.accesses.len(), 1);
    }
}

/// A PACS that answered a query and showed two studies, in the present spelling and in that of RFC 3881.
const ACCESSED: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<AuditMessage xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
 <EventIdentification EventActionCode="R" EventDateTime="2026-11-28T11:00:00" EventOutcomeIndicator="0">
  <EventID csd-code="110103" codeSystemName="DCM" originalText="DICOM Instances Accessed"/>
  <PurposeOfUse csd-code="TREAT" codeSystemName="x" originalText="x"/>
 </EventIdentification>
 <ActiveParticipant UserID="viewer@host" UserIsRequestor="false" NetworkAccessPointID="pacs1" NetworkAccessPointTypeCode="1">
  <RoleIDCode csd-code="110153" codeSystemName="DCM" originalText="Source"/>
 </ActiveParticipant>
 <ActiveParticipant UserID="u&amp;1" UserName="架空 花子" UserIsRequestor="true" NetworkAccessPointID="10.0.0.7" NetworkAccessPointTypeCode="2"/>
 <AuditSourceIdentification AuditSourceID="PACS"/>
 <ParticipantObjectIdentification ParticipantObjectID="1.2.3" ParticipantObjectTypeCode="2" ParticipantObjectTypeCodeRole="3">
  <ParticipantObjectIDTypeCode csd-code="110180" codeSystemName="DCM" originalText="Study Instance UID"/>
  <ParticipantObjectName>胸部</ParticipantObjectName>
  <ParticipantObjectDescription><SOPClass UID="1.2" NumberOfInstances="12"/><SOPClass UID="1.3" NumberOfInstances="3"/></ParticipantObjectDescription>
 </ParticipantObjectIdentification>
 <ParticipantObjectIdentification ParticipantObjectID="0001234^^^&amp;1.2.392&amp;ISO" ParticipantObjectTypeCode="1" ParticipantObjectTypeCodeRole="1">
  <ParticipantObjectIDTypeCode csd-code="2" codeSystemName="RFC-3881" originalText="Patient Number"/>
  <ParticipantObjectName>架空 太郎</ParticipantObjectName>
 </ParticipantObjectIdentification>
</AuditMessage>"#;

#[test]
fn a_message_of_a_pacs_in_both_spellings() {
    for text in [ACCESSED.to_owned(), ACCESSED.replace("csd-code=", "code=")] {
        let accesses = dicom::read(&text, &origin()).unwrap();
        let mut wanted = Access::new(at("2026-11-28T02:00:00Z"), "PACS", "u&1", Act::Read);
        wanted.user_name = Some("架空 花子".into());
        wanted.terminal = Some("10.0.0.7".into());
        wanted.patient = Some("0001234".into());
        wanted.resource = Some("Study/1.2.3".into());
        wanted.purpose = Some("TREAT".into());
        wanted.records = Some(15);
        assert_eq!(accesses, [wanted]);
    }
}

#[test]
fn the_events_of_dicom() {
    let of = |event: &str, kind: &str, action: &str, outcome: &str| {
        let text = ACCESSED
            .replace(r#"csd-code="110103""#, &format!(r#"csd-code="{event}""#))
            .replace("<PurposeOfUse", &format!(r#"<EventTypeCode csd-code="{kind}"/><PurposeOfUse"#))
            .replace(r#"EventActionCode="R""#, &format!(r#"EventActionCode="{action}""#))
            .replace(r#"EventOutcomeIndicator="0""#, &format!(r#"EventOutcomeIndicator="{outcome}""#));
        let access = dicom::read(&text, &origin()).unwrap().remove(0);
        (access.act, access.outcome)
    };
    assert_eq!(of("110114", "110122", "E", "0"), (Act::SignIn, Outcome::Done));
    assert_eq!(of("110114", "110122", "E", "4"), (Act::SignIn, Outcome::Refused));
    assert_eq!(of("110114", "110123", "E", "0"), (Act::SignOut, Outcome::Done));
    assert_eq!(of("110112", "ITI-18", "E", "12"), (Act::Search, Outcome::Failed));
    assert_eq!(of("110106", "", "R", "0"), (Act::Export, Outcome::Done));
    assert_eq!(of("110105", "", "D", "0"), (Act::Delete, Outcome::Done));
    assert_eq!(of("110113", "110127", "E", "0"), (Act::Emergency, Outcome::Done));
    assert_eq!(of("110110", "", "U", "0"), (Act::Update, Outcome::Done));
    assert_eq!(of("vendor-1", "", "C", "8"), (Act::Create, Outcome::Failed));
}

#[test]
fn hostile_messages_are_refused() {
    let bomb = format!(
        "<!DOCTYPE a [<!ENTITY a \"{}\">{}]>{ACCESSED}",
        "x".repeat(100),
        (0..20).map(|n| format!("<!ENTITY b{n} \"&a;&a;\">")).collect::<String>()
    );
    let external = r#"<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><AuditMessage>&x;</AuditMessage>"#;
    let deep = format!("<AuditMessage>{}{}</AuditMessage>", "<a>".repeat(100), "</a>".repeat(100));
    let wide = format!("<AuditMessage>{}</AuditMessage>", "<a/>".repeat(30_000));
    for (text, code) in [
        (bomb.as_str(), "EVT-004"),
        (external, "EVT-004"),
        (&ACCESSED.replace("胸部", "&xxe;"), "EVT-004"),
        (&ACCESSED.replace("u&amp;1", "&xxe;"), "EVT-004"),
        (&deep, "EVT-005"),
        (&wide, "EVT-005"),
        (&ACCESSED[..ACCESSED.len() - 20], "EVT-003"),
        ("<html/>", "EVT-006"),
        ("", "EVT-003"),
        (&ACCESSED.replace("EventDateTime", "x"), "EVT-007"),
        (&ACCESSED.replace("2026-11-28T11:00:00", "きのう"), "EVT-007"),
    ] {
        assert_eq!(dicom::read(text, &origin()).unwrap_err().code(), code, "{}", &text[..text.len().min(80)]);
    }
}

#[test]
fn envelopes_of_both_kinds() {
    let body = "<AuditMessage/>";
    let modern =
        format!("<85>1 2026-11-28T02:00:00.003Z pacs1 audit 77 IHE+RFC-3881 [meta sequenceId=\"41\"] \u{FEFF}{body}");
    let opened = open(modern.as_bytes()).unwrap();
    assert_eq!(opened.body, body);
    assert_eq!(opened.number, Some(("pacs1/audit/77".to_owned(), 41)));
    let plain = format!("<85>1 2026-11-28T02:00:00Z pacs1 audit - IHE+RFC-3881 - <?xml version=\"1.0\"?>{body}");
    assert_eq!(open(plain.as_bytes()).unwrap().number, None);
    let old = format!("<85>Nov 28 11:00:00 pacs1 audit: {body}");
    assert_eq!(open(old.as_bytes()).unwrap().body, body);
    for (frame, code) in [
        (&b"<85>1 2026-11-28T02:00:00Z h a - - - \xff<A/>"[..], "EVT-002"),
        (b"hello", "EVT-010"),
        (b"<AuditMessage/>", "EVT-010"),
        (b"<?xml version='1.0'?><AuditMessage/>", "EVT-010"),
        (b"<85>1 2026-11-28T02:00:00Z h a - - - no xml", "EVT-010"),
        (b"", "EVT-010"),
        (&vec![b'<'; MESSAGE_MAX + 1], "EVT-001"),
    ] {
        assert_eq!(open(frame).unwrap_err().code(), code, "{frame:?}");
    }
}

#[test]
fn a_stream_is_taken_apart_however_it_arrives() {
    let messages = ["<1>1 a", "<2>1 二\nb", "<3>1 c"];
    let counted: Vec<u8> = messages.iter().flat_map(|m| format!("{} {m}", m.len()).into_bytes()).collect();
    let lined = b"<1>1 a\n<4>1 d\r\n\n<5>1 e\0".to_vec();
    for size in 1..=counted.len() {
        let (mut frames, mut found) = (Frames::default(), Vec::new());
        for chunk in counted.chunks(size) {
            frames.push(chunk);
            while let Some(frame) = frames.take().unwrap() {
                found.push(String::from_utf8(frame.to_vec()).unwrap());
            }
        }
        assert_eq!(found, messages);
        assert!(!frames.is_partial());
    }
    let mut frames = Frames::default();
    frames.push(&[lined, counted].concat());
    let mut found = Vec::new();
    while let Some(frame) = frames.take().unwrap() {
        found.push(String::from_utf8_lossy(frame).trim_end().to_owned());
    }
    assert_eq!(found, ["<1>1 a", "<4>1 d", "<5>1 e", messages[0], messages[1], messages[2]]);
    for (stream, error) in [
        (&b"GET / HTTP/1.1\r\n"[..], AccessError::Framing),
        (b"\x16\x03\x01\x02", AccessError::Framing),
        (b"12x", AccessError::Framing),
        (b"99999999 <", AccessError::TooLarge),
        (b"262145 <", AccessError::TooLarge),
        (&vec![b'<'; MESSAGE_MAX + 1], AccessError::TooLarge),
    ] {
        let mut frames = Frames::default();
        frames.push(stream);
        assert_eq!(frames.take().unwrap_err(), error, "{stream:?}");
    }
    let mut half = Frames::default();
    half.push(b"10 <1>");
    assert_eq!(half.take(), Ok(None));
    assert!(half.is_partial());
}

fn table_of(name: &str, bytes: &[u8], mapping: &Mapping) -> table::Rows {
    let book = read(name, bytes).unwrap();
    let recognised = recognise(&book.sheets[0], name, Some(&ACCESSES), mapping).unwrap();
    table::rows(&recognised, mapping, &origin())
}

#[test]
fn the_table_of_the_manual() {
    let text = "操作記録\n利用者ID,氏名,日時,区分,操作\n\
        u1,架空 花子,2026/11/28 9:05:30,患者情報,カルテ閲覧\n\
        u1,〃,令和8年11月28日 午後1時30分,患者情報,帳票印刷\n\
        u2,架空 次郎,20261128093000,認証,ログイン失敗\n\
        u2,架空 次郎,2026-11-28T09:30:00+09:00,システム,ログアウト\n以上,,,,\n";
    let (cp932, ..) = encoding_rs::SHIFT_JIS.encode(text);
    for bytes in [text.as_bytes(), &cp932] {
        let rows = table_of("操作記録.csv", bytes, &Mapping::new());
        assert!(rows.refused.is_empty(), "{:?}", rows.refused);
        let found: Vec<_> = rows.accesses.iter().map(|(line, a)| (*line, a.at.to_string(), a.act, a.outcome)).collect();
        assert_eq!(
            found,
            [
                (3, "2026-11-28T00:05:30Z".to_owned(), Act::Read, Outcome::Done),
                (4, "2026-11-28T04:30:00Z".to_owned(), Act::Print, Outcome::Done),
                (5, "2026-11-28T00:30:00Z".to_owned(), Act::SignIn, Outcome::Refused),
                (6, "2026-11-28T00:30:00Z".to_owned(), Act::SignOut, Outcome::Done),
            ]
        );
        assert_eq!(rows.accesses[1].1.user_name.as_deref(), Some("架空 花子"));
    }
}

#[test]
fn rows_that_cannot_be_taken_say_why() {
    let text = "日付\t時刻\tユーザID\t処理内容\t患者番号\t患者氏名\n\
        2026/11/28\t9:05\tu1\tカルテ参照\t0001\t架空 太郎\n\
        2026/11/28\t\tu1\tカルテ参照\t0001\t架空 太郎\n\
        2026/2/30\t9:05\tu1\tカルテ参照\t0001\t架空 太郎\n\
        2026/11/28\t9:05\tu1\tFNC-77\t0001\t架空 太郎\n\
        1980/01/01\t9:05\tu1\tカルテ参照\t0001\t架空 太郎\n";
    let rows = table_of("ログ.tsv", text.as_bytes(), &Mapping::new());
    let refused: Vec<_> = rows.refused.iter().map(|(line, why)| (*line, why.join(""))).collect();
    assert_eq!(refused.iter().map(|r| r.0).collect::<Vec<_>>(), [3, 4, 5]);
    for (at, code) in ["EVT-030", "EVT-031", "EVT-033"].into_iter().enumerate() {
        assert!(refused[at].1.contains(code), "{refused:?}");
    }
    assert_eq!(rows.doubts, [(6, Doubt::Ancient)]);
    let (_, access) = &rows.accesses[0];
    assert_eq!((access.patient.as_deref(), access.act), (Some("0001"), Act::Read));
    assert!(!format!("{access:?}").contains("太郎"), "the name of a patient is not kept");
    // A word of the site's own, once it is mapped.
    let mapping = Mapping::from([((WORDS_OF.to_owned(), domain::text::fold("FNC-77")), "print".to_owned())]);
    let rows = table_of("ログ.tsv", text.as_bytes(), &mapping);
    assert!(rows.accesses.iter().any(|(line, access)| *line == 5 && access.act == Act::Print));
}

#[test]
fn a_workbook_keeps_the_time_of_day() {
    let mut book = rust_xlsxwriter::Workbook::new();
    let sheet = book.add_worksheet();
    for (at, head) in ["利用者ID", "日時", "操作"].into_iter().enumerate() {
        sheet.write(0, at as u16, head).unwrap();
    }
    let format = rust_xlsxwriter::Format::new().set_num_format("yyyy/mm/dd hh:mm:ss");
    let time = rust_xlsxwriter::ExcelDateTime::from_ymd(2026, 11, 28).unwrap().and_hms(9, 5, 30).unwrap();
    sheet.write(1, 0, "u1").unwrap();
    sheet.write_with_format(1, 1, &time, &format).unwrap();
    sheet.write(1, 2, "閲覧").unwrap();
    sheet.write(2, 0, "u1").unwrap();
    sheet.write(2, 1, 46_354.5).unwrap();
    sheet.write(2, 2, "閲覧").unwrap();
    let rows = table_of("log.xlsx", &book.save_to_buffer().unwrap(), &Mapping::new());
    assert!(rows.refused.is_empty(), "{:?}", rows.refused);
    let times: Vec<_> = rows.accesses.iter().map(|(_, a)| a.at.to_string()).collect();
    assert_eq!(times, ["2026-11-28T00:05:30Z", "2026-11-28T03:00:00Z"]);
}

#[test]
fn ocsf_says_what_it_is() {
    let mut access = Access::new(at("2026-11-28T02:00:00Z"), "PACS", "u1", Act::Read);
    access.patient = Some("p1".into());
    let event = ocsf::write(&access);
    assert_eq!((&event["class_uid"], &event["type_uid"]), (&json!(6003), &json!(600_302)));
    assert_eq!(event["resources"], json!([{ "type": "Patient", "uid": "p1" }]));
    assert_eq!(event["actor"]["user"], json!({ "uid": "u1" }));
    let event = ocsf::write(&Access::new(access.at, "PACS", "u1", Act::SignIn));
    assert_eq!(
        (&event["class_uid"], &event["activity_id"], &event["user"]["uid"]),
        (&json!(3002), &json!(1), &json!("u1"))
    );
}

/// Any access that a source could have told of: texts as they are kept.
fn any_access() -> impl Strategy<Value = Access> {
    let text = || prop::option::of("x[a-z0-9<&>\"'あ-さ山田=,;]{0,11}");
    let words = prop::collection::vec(text(), 12);
    (0_usize..11, 0_usize..3, any::<bool>(), 700_000_000_000_i64..1_790_000_000_000, prop::option::of(0_u64..99), words)
        .prop_map(|(act, outcome, listed, millis, records, words)| {
            let at = Timestamp::from_millisecond(millis).unwrap();
            let mut access = Access::new(at, "PACS", "u1", Act::ALL[act]);
            access.outcome = [Outcome::Done, Outcome::Refused, Outcome::Failed][outcome];
            access.exposure = if listed { Exposure::Listed } else { Exposure::Opened };
            access.records = records;
            let mut words = words.into_iter();
            for field in [
                &mut access.user_name,
                &mut access.on_behalf_of,
                &mut access.terminal,
                &mut access.patient,
                &mut access.resource,
                &mut access.purpose,
                &mut access.reason,
                &mut access.policy,
                &mut access.relation,
                &mut access.authentication,
                &mut access.plan,
            ] {
                *field = words.next().flatten();
            }
            access
        })
}

proptest! {
    #[test]
    fn what_goes_out_as_fhir_comes_in_again(accesses in prop::collection::vec(any_access(), 1..4)) {
        let mut accesses = accesses;
        for (at, access) in accesses.iter_mut().enumerate() {
            access.source_id = Some(format!("id-{at}"));
        }
        let (_, reading) = fhir_of(&fhir::bundle(&accesses));
        prop_assert_eq!(reading.refused.len(), 0);
        prop_assert_eq!(reading.accesses, accesses);
    }

    #[test]
    fn what_goes_out_as_an_audit_message_comes_in_again(access in any_access()) {
        prop_assert_eq!(dicom::read(&dicom::write(&access), &origin()), Ok(vec![access]));
    }

    #[test]
    fn what_goes_out_as_a_table_comes_in_again(access in any_access()) {
        let head: Vec<&str> = ACCESSES.columns.iter().map(|c| c.label.ja).collect();
        let mut csv = csv::Writer::from_writer(Vec::new());
        csv.write_record(&head).unwrap();
        csv.write_record(table::write(&access).iter().map(|cell| intake::table::guarded(cell).into_owned())).unwrap();
        let rows = table_of("記録.csv", &csv.into_inner().unwrap(), &Mapping::new());
        prop_assert_eq!(&rows.refused, &[]);
        prop_assert_eq!(&rows.accesses[0].1, &access);
    }

    #[test]
    fn no_bytes_make_a_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..300), cut in 0_usize..2_000) {
        let _ = fhir::read(&bytes, &origin());
        let _ = open(&bytes);
        let mut frames = Frames::default();
        frames.push(&bytes);
        while let Ok(Some(_)) = frames.take() {}
        let mut text = ACCESSED.as_bytes().to_vec();
        text.truncate(cut);
        text.extend(&bytes);
        let _ = dicom::read(&String::from_utf8_lossy(&text), &origin());
    }
}
