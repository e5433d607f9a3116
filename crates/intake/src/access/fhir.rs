//! FHIR R4 AuditEvent, alone or in a Bundle, as IHE BALP describes it.
//!
//! Read are the patterns of BALP (read, query, create, update, delete, disclosure, sign-in) and whatever else keeps to the
//! resource: what has no code that we know is judged by its action. Written are the same patterns, with every field of an
//! access.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::access::{Access, Act};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::codes::{self, Code, System};
use super::error::shorten;
use super::told::{Agent, Object, Told};
use super::{AccessError, DOCUMENT_MAX, EVENTS_MAX, Origin, Reading};

/// What kind of document came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Document {
    /// One AuditEvent.
    Event,
    /// A Bundle whose entries stand for themselves (batch, collection).
    Batch,
    /// A Bundle of which all or nothing is taken.
    Transaction,
}

/// Reads an AuditEvent or a Bundle of them.
///
/// # Errors
/// When it is neither, too large, not UTF-8 or broken as a whole. A broken entry is refused alone, in the reading.
pub fn read(bytes: &[u8], origin: &Origin<'_>) -> Result<(Document, Reading), AccessError> {
    if bytes.len() > DOCUMENT_MAX {
        return Err(AccessError::TooLarge);
    }
    let text = std::str::from_utf8(bytes).map_err(|_| AccessError::Encoding)?;
    let text = text.trim_start_matches('\u{FEFF}');
    let Head { resource_type, kind, entry } = parse(text)?;
    let mut reading = Reading::default();
    match (&*resource_type, kind.as_ref().map(|kind| kind.get())) {
        ("AuditEvent", _) => {
            reading.push(event(text, None, origin), origin.now);
            Ok((Document::Event, reading))
        }
        ("Bundle", Some(kind @ (r#""batch""# | r#""collection""# | r#""transaction""#))) => {
            if entry.len() > EVENTS_MAX {
                return Err(AccessError::TooComplex);
            }
            for entry in &entry {
                let read = match entry.resource {
                    Some(resource) => event(resource.get(), entry.full_url.as_deref(), origin),
                    None => Err(AccessError::Kind("entry".to_owned())),
                };
                reading.push(read, origin.now);
            }
            let kind = if kind == r#""transaction""# { Document::Transaction } else { Document::Batch };
            Ok((kind, reading))
        }
        ("Bundle", kind) => Err(AccessError::Kind(format!("Bundle {}", shorten(kind.unwrap_or_default())))),
        (other, _) => Err(AccessError::Kind(shorten(other))),
    }
}

fn parse<'t, T: Deserialize<'t>>(text: &'t str) -> Result<T, AccessError> {
    // Line and column alone: what stands there may name a patient.
    serde_json::from_str(text)
        .map_err(|error| AccessError::Malformed(format!("JSON {}行{}字目", error.line(), error.column())))
}

/// What is looked at before it is known what the document is.
#[derive(Deserialize)]
struct Head<'t> {
    #[serde(borrow, rename = "resourceType")]
    resource_type: Cow<'t, str>,
    /// `type`: of a Bundle a code, of an AuditEvent a Coding.
    #[serde(borrow, rename = "type")]
    kind: Option<&'t RawValue>,
    #[serde(borrow, default)]
    entry: Vec<Entry<'t>>,
}

#[derive(Deserialize)]
struct Entry<'t> {
    #[serde(rename = "fullUrl")]
    full_url: Option<String>,
    #[serde(borrow)]
    resource: Option<&'t RawValue>,
}

/// The members of an AuditEvent that are read.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AuditEvent {
    resource_type: String,
    id: Option<String>,
    #[serde(rename = "type")]
    kind: Option<Coding>,
    #[serde(default)]
    subtype: Vec<Coding>,
    action: Option<String>,
    #[serde(default)]
    recorded: String,
    outcome: Option<String>,
    outcome_desc: Option<String>,
    #[serde(default)]
    purpose_of_event: Vec<Concept>,
    #[serde(default)]
    agent: Vec<FhirAgent>,
    #[serde(default)]
    source: FhirSource,
    #[serde(default)]
    entity: Vec<FhirEntity>,
}

#[derive(Deserialize)]
struct Coding {
    code: Option<String>,
}

#[derive(Deserialize)]
struct Concept {
    #[serde(default)]
    coding: Vec<Coding>,
    text: Option<String>,
}

#[derive(Default, Deserialize)]
struct Reference {
    reference: Option<String>,
    identifier: Option<Identifier>,
    display: Option<String>,
}

#[derive(Deserialize)]
struct Identifier {
    value: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct FhirAgent {
    #[serde(rename = "type")]
    kind: Option<Concept>,
    #[serde(default)]
    role: Vec<Concept>,
    #[serde(default)]
    who: Reference,
    alt_id: Option<String>,
    name: Option<String>,
    #[serde(default)]
    requestor: bool,
    #[serde(default)]
    policy: Vec<String>,
    media: Option<Coding>,
    network: Option<Network>,
    #[serde(default)]
    purpose_of_use: Vec<Concept>,
}

#[derive(Default, Deserialize)]
struct FhirSource {
    #[serde(default)]
    observer: Reference,
}

#[derive(Deserialize)]
struct Network {
    address: Option<String>,
}

#[derive(Deserialize)]
struct FhirEntity {
    #[serde(default)]
    what: Reference,
    #[serde(rename = "type")]
    kind: Option<Coding>,
    role: Option<Coding>,
    name: Option<String>,
    query: Option<String>,
    #[serde(default)]
    detail: Vec<Detail>,
}

#[derive(Deserialize)]
struct Detail {
    #[serde(rename = "type")]
    kind: String,
    #[serde(rename = "valueString")]
    string: Option<String>,
    #[serde(rename = "valueBase64Binary")]
    binary: Option<String>,
}

impl Concept {
    /// Its codes, or its text.
    fn said(self) -> Vec<String> {
        let codes: Vec<String> = self.coding.into_iter().filter_map(|coding| coding.code).collect();
        if codes.is_empty() { self.text.into_iter().collect() } else { codes }
    }
}

impl Reference {
    /// What names it: identifier, else the id in the reference.
    fn id(&self) -> Option<String> {
        let identifier = self.identifier.as_ref().and_then(|identifier| identifier.value.clone());
        identifier.or_else(|| self.reference.as_deref().map(id_of).map(str::to_owned))
    }
}

/// The id at the end of a reference: `…/Patient/123` and `…/Patient/123/_history/1` are 123; a URN is its own.
fn id_of(reference: &str) -> &str {
    if reference.starts_with("urn:") {
        return reference;
    }
    let current = reference.split_once("/_history/").map_or(reference, |(current, _)| current);
    current.rsplit('/').next().unwrap_or(current)
}

/// What a reference to a record is called: kind and id.
fn record_of(reference: &str) -> &str {
    let kind = reference.rsplit('/').nth(1).unwrap_or_default();
    let known = reference.contains("://") && !reference.contains("/_history/") && !kind.is_empty();
    let length =
        if known { kind.len() + 1 + reference.rsplit('/').next().map_or(0, str::len) } else { reference.len() };
    reference.get(reference.len() - length..).unwrap_or(reference)
}

fn event(text: &str, full_url: Option<&str>, origin: &Origin<'_>) -> Result<Vec<Access>, AccessError> {
    let event: AuditEvent = parse(text)?;
    if event.resource_type != "AuditEvent" {
        return Err(AccessError::Kind(shorten(&event.resource_type)));
    }
    let id = event.id.or_else(|| full_url.filter(|url| url.starts_with("urn:")).map(str::to_owned));
    let observer = event.source.observer;
    Told {
        id,
        teller: observer.id().into_iter().chain(observer.display).collect(),
        at: event.recorded,
        codes: event.subtype.into_iter().chain(event.kind).filter_map(|coding| coding.code).collect(),
        event: None,
        action: event.action.as_deref().and_then(|action| action.chars().next()),
        outcome: event.outcome,
        description: event.outcome_desc,
        purpose: event.purpose_of_event.into_iter().flat_map(Concept::said).next(),
        agents: event.agent.into_iter().map(agent).collect(),
        objects: event.entity.into_iter().map(object).collect(),
    }
    .accesses(origin)
}

fn agent(agent: FhirAgent) -> Agent {
    let roles = agent.kind.into_iter().chain(agent.role).flat_map(Concept::said).collect();
    let id = agent.who.id().or(agent.alt_id);
    let name = agent.name.or_else(|| agent.who.display.clone());
    Agent {
        id: id.or_else(|| name.clone()).unwrap_or_default(),
        name,
        requestor: agent.requestor,
        roles,
        media: agent.media.and_then(|coding| coding.code).into_iter().collect(),
        address: agent.network.and_then(|network| network.address),
        policy: agent.policy.into_iter().next(),
        purpose: agent.purpose_of_use.into_iter().flat_map(Concept::said).next(),
    }
}

fn object(entity: FhirEntity) -> Object {
    let code = |coding: Option<Coding>| coding.and_then(|coding| coding.code).unwrap_or_default();
    let (kind, role) = (code(entity.kind), code(entity.role));
    let decoded = |text: &str| STANDARD.decode(text).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let id = if kind == "1" {
        entity.what.id()
    } else {
        let identifier = entity.what.identifier.as_ref().and_then(|identifier| identifier.value.clone());
        let record = entity.what.reference.as_deref().map(|reference| record_of(reference).to_owned());
        identifier.or(record).or_else(|| entity.query.as_deref().and_then(decoded)).or(entity.name)
    };
    let detail = |detail: Detail| {
        let value = detail.string.or_else(|| detail.binary.as_deref().and_then(decoded))?;
        Some((detail.kind, value))
    };
    Object { kind, role, id, details: entity.detail.into_iter().filter_map(detail).collect(), instances: 0 }
}

/// Where the codes come from, as FHIR names it.
const DICOM: &str = "http://dicom.nema.org/resources/ontology/DCM";
const EVENT_TYPE: &str = "http://terminology.hl7.org/CodeSystem/audit-event-type";
const INTERACTION: &str = "http://hl7.org/fhir/restful-interaction";
const ENTITY_TYPE: &str = "http://terminology.hl7.org/CodeSystem/audit-entity-type";
const OBJECT_ROLE: &str = "http://terminology.hl7.org/CodeSystem/object-role";
const PARTICIPATION: &str = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType";
const REASON: &str = "http://terminology.hl7.org/CodeSystem/v3-ActReason";

fn coding(code: Code) -> Value {
    let system = match code.system {
        System::Dicom => DICOM,
        System::RestfulInteraction => INTERACTION,
    };
    json!({ "system": system, "code": code.code, "display": code.display })
}

/// An access as an AuditEvent. Its participants are the person, the terminal as client and the system as server.
pub fn write(access: &Access) -> Value {
    let told = Told::of(access);
    let (event, kind) = told.event.unzip();
    let kind = kind.flatten();
    let restful = kind.is_some_and(|kind| kind.system == System::RestfulInteraction);
    let mut resource = json!({ "resourceType": "AuditEvent" });
    let mut put = |name: &str, value: Value| {
        if let Some(members) = resource.as_object_mut() {
            members.insert(name.to_owned(), value);
        }
    };
    if let Some(id) = told.id.as_deref().filter(|id| is_id(id)) {
        put("id", json!(id));
    }
    put(
        "type",
        match event {
            Some(event) if !restful => coding(event),
            _ => json!({ "system": EVENT_TYPE, "code": "rest", "display": "Restful Operation" }),
        },
    );
    if let Some(kind) = kind {
        put("subtype", json!([coding(kind)]));
    }
    put("action", json!(told.action.map(String::from)));
    put("recorded", json!(told.at));
    put("outcome", json!(told.outcome));
    if let Some(purpose) = &access.purpose {
        put("purposeOfEvent", json!([purpose_of(purpose)]));
    }
    put("agent", Value::Array(agents(access, &told)));
    put("source", json!({ "observer": { "display": access.source } }));
    put("entity", Value::Array(told.objects.iter().map(entity).collect()));
    resource
}

/// Whether FHIR takes a text for an id.
fn is_id(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.')
}

fn purpose_of(purpose: &str) -> Value {
    if purpose.bytes().all(|b| b.is_ascii_uppercase()) {
        json!({ "coding": [{ "system": REASON, "code": purpose }] })
    } else {
        json!({ "text": purpose })
    }
}

fn agents(access: &Access, told: &Told) -> Vec<Value> {
    let (client, server) = match access.act {
        Act::Read | Act::Print | Act::Export => (codes::DESTINATION, codes::SOURCE),
        _ => (codes::SOURCE, codes::DESTINATION),
    };
    let mut agents = Vec::new();
    for user in &told.agents {
        let mut agent = json!({
            "type": { "coding": [{ "system": PARTICIPATION, "code": "IRCP", "display": "information recipient" }] },
            "who": { "identifier": { "value": user.id } },
            "requestor": true,
        });
        if let Some(members) = agent.as_object_mut() {
            if user.id.is_empty() {
                members.insert("who".to_owned(), json!({ "display": "不明" }));
                members.insert("altId".to_owned(), json!("-"));
            }
            if let Some(name) = &user.name {
                members.insert("name".to_owned(), json!(name));
            }
            for medium in &user.media {
                members.insert("media".to_owned(), json!({ "system": DICOM, "code": medium }));
            }
        }
        agents.push(agent);
    }
    let place = |role: Code, name: &str, network: bool| {
        let mut agent = json!({ "type": { "coding": [coding(role)] }, "who": { "display": name }, "requestor": false });
        if let (true, Some(members)) = (network, agent.as_object_mut()) {
            let kind = if name.parse::<std::net::IpAddr>().is_ok() { "2" } else { "1" };
            members.insert("network".to_owned(), json!({ "address": name, "type": kind }));
        }
        agent
    };
    if let Some(terminal) = &access.terminal {
        agents.push(place(client, terminal, true));
    }
    agents.push(place(server, &access.source, false));
    agents
}

fn entity(object: &Object) -> Value {
    let mut entity = json!({
        "type": { "system": ENTITY_TYPE, "code": object.kind },
        "role": { "system": OBJECT_ROLE, "code": object.role },
    });
    let Some(members) = entity.as_object_mut() else { return entity };
    if let Some(id) = &object.id {
        if object.role == "24" {
            members.insert("query".to_owned(), json!(STANDARD.encode(id)));
        } else {
            members.insert("what".to_owned(), json!({ "identifier": { "value": id } }));
        }
    }
    if !object.details.is_empty() {
        let details = object.details.iter().map(|(name, value)| json!({ "type": name, "valueString": value }));
        members.insert("detail".to_owned(), details.collect());
    }
    entity
}

/// Accesses as a Bundle that another server takes in one go.
pub fn bundle(accesses: &[Access]) -> Value {
    let entry =
        |access: &Access| json!({ "resource": write(access), "request": { "method": "POST", "url": "AuditEvent" } });
    json!({ "resourceType": "Bundle", "type": "batch", "entry": accesses.iter().map(entry).collect::<Vec<_>>() })
}
