//! What the codes of audit messages mean, as data.
//!
//! The codes are those of DICOM PS3.16 (context groups 400 to 405), of FHIR's restful interactions and of RFC 3881. The
//! two spellings share them, so one table serves both.

use domain::access::{Act, Outcome};

/// What a code of the event, or of its kind, says was done. The first row that fits decides, so kinds that say more than
/// their event stand before it.
const ACTS: &[(&str, Act)] = &[
    // kinds (DICOM EventTypeCode, FHIR subtype)
    ("110122", Act::SignIn),    // Login
    ("110123", Act::SignOut),   // Logout
    ("110127", Act::Emergency), // Emergency Override Started
    ("110128", Act::Maintain),  // Network Configuration
    ("110129", Act::Maintain),  // Security Configuration
    ("110131", Act::Maintain),  // Software Configuration
    ("110136", Act::Maintain),  // Security Roles Changed
    ("110137", Act::Maintain),  // User security Attributes Changed
    // events (DICOM EventID, FHIR type)
    ("110100", Act::Maintain), // Application Activity
    ("110101", Act::Maintain), // Audit Log Used
    ("110102", Act::Export),   // Begin Transferring DICOM Instances
    ("110104", Act::Export),   // DICOM Instances Transferred
    ("110105", Act::Delete),   // DICOM Study Deleted
    ("110106", Act::Export),   // Export
    ("110107", Act::Create),   // Import
    ("110108", Act::Maintain), // Network Entry
    ("110112", Act::Search),   // Query
    ("110113", Act::Maintain), // Security Alert
    ("110114", Act::SignIn),   // User Authentication
    // FHIR restful interactions
    ("read", Act::Read),
    ("vread", Act::Read),
    ("history", Act::Read),
    ("history-instance", Act::Read),
    ("history-type", Act::Read),
    ("history-system", Act::Read),
    ("search", Act::Search),
    ("search-type", Act::Search),
    ("search-system", Act::Search),
    ("create", Act::Create),
    ("update", Act::Update),
    ("patch", Act::Update),
    ("delete", Act::Delete),
];

/// What the action says where no code did (DICOM EventActionCode, FHIR action).
const ACTIONS: &[(char, Act)] =
    &[('C', Act::Create), ('R', Act::Read), ('U', Act::Update), ('D', Act::Delete), ('E', Act::Maintain)];

/// How an act is written: event, kind, action. FHIR has restful interactions for acts on records, which DICOM writes as
/// events without a kind.
pub(super) const fn written(act: Act) -> (Code, Option<Code>, char) {
    match act {
        Act::SignIn => (AUTHENTICATION, Some(dcm("110122", "Login")), 'E'),
        Act::SignOut => (AUTHENTICATION, Some(dcm("110123", "Logout")), 'E'),
        Act::Search => (QUERY, Some(rest("search")), 'E'),
        Act::Read => (RECORD, Some(rest("read")), 'R'),
        Act::Create => (RECORD, Some(rest("create")), 'C'),
        Act::Update => (RECORD, Some(rest("update")), 'U'),
        Act::Delete => (RECORD, Some(rest("delete")), 'D'),
        Act::Print | Act::Export => (dcm("110106", "Export"), None, 'R'),
        Act::Maintain => (dcm("110100", "Application Activity"), None, 'E'),
        Act::Emergency => (dcm("110113", "Security Alert"), Some(dcm("110127", "Emergency Override Started")), 'E'),
    }
}

const AUTHENTICATION: Code = dcm("110114", "User Authentication");
const QUERY: Code = dcm("110112", "Query");
const RECORD: Code = dcm("110110", "Patient Record");

/// Media onto which an export is a print (DICOM CID 405).
const PRINTS: &[&str] = &["110010", "110038"]; // Film, Paper Document
/// The medium a print is written with.
pub(super) const PAPER: Code = dcm("110038", "Paper Document");

/// Participants that are programs or machines (DICOM RoleIDCode, FHIR agent type).
const DEVICES: &[&str] = &["110150", "110151", "110152", "110153", "110154", "110155", "authserver", "dataprocessor"];
/// The participant that data goes to; of an act that changes or asks, the one it comes from is the client.
pub(super) const DESTINATION: Code = dcm("110152", "Destination Role ID");
/// The participant that data comes from.
pub(super) const SOURCE: Code = dcm("110153", "Source Role ID");

/// Purposes of use under which a restriction is overridden.
const OVERRIDES: &[&str] = &["BTG"];

/// A code with where it is defined.
#[derive(Clone, Copy, Debug)]
pub(super) struct Code {
    pub(super) system: System,
    pub(super) code: &'static str,
    pub(super) display: &'static str,
}

/// Where a code is defined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum System {
    Dicom,
    RestfulInteraction,
}

const fn dcm(code: &'static str, display: &'static str) -> Code {
    Code { system: System::Dicom, code, display }
}

const fn rest(code: &'static str) -> Code {
    Code { system: System::RestfulInteraction, code, display: code }
}

/// What was done, by the codes of the event in any order, the action, and the media.
pub(super) fn act(codes: &[String], action: Option<char>, media: &[String], purpose: Option<&str>) -> Option<Act> {
    let says = |row: &&(&str, Act)| codes.iter().any(|code| code == row.0);
    let by_code = ACTS.iter().find(says).map(|row| row.1);
    let by_action = || ACTIONS.iter().find(|row| Some(row.0) == action).map(|row| row.1);
    let act = by_code.or_else(by_action)?;
    Some(match act {
        Act::Export if media.iter().any(|medium| PRINTS.contains(&medium.as_str())) => Act::Print,
        Act::Read if purpose.is_some_and(|purpose| OVERRIDES.contains(&purpose)) => Act::Emergency,
        other => other,
    })
}

/// Whether a participant of this role is a program or machine.
pub(super) fn is_device(role: &str) -> bool {
    DEVICES.contains(&role)
}

/// How it ended, by RFC 3881: 4 is a minor failure, which its examples use for what was refused (a wrong password); 8
/// and 12 are serious. Signing in is refused by either of the first two.
pub(super) fn outcome(indicator: Option<&str>, act: Act) -> Outcome {
    match indicator {
        Some("4") => Outcome::Refused,
        Some("8") if act == Act::SignIn => Outcome::Refused,
        Some("8" | "12") => Outcome::Failed,
        _ => Outcome::Done,
    }
}

/// The indicator that [`outcome`] reads back.
pub(super) fn indicator(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Done => "0",
        Outcome::Refused => "4",
        Outcome::Failed => "12",
    }
}
