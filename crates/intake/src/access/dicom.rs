//! The DICOM audit message (PS3.15 A.5), which IHE ATNA sends as ITI-20 and JAHIS as 監査証跡メッセージ, in its present
//! spelling and in that of RFC 3881, from which it came.
//!
//! The two differ in the names of attributes alone (`csd-code` and `code`), so one reader takes both.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::access::Access;
use quick_xml::events::{BytesStart, BytesText, Event};
use quick_xml::{Reader, Writer, XmlVersion};

use super::codes::{self, Code, System};
use super::error::shorten;
use super::told::{Agent, Object, Told};
use super::{AccessError, Origin};

/// Deepest nesting; the standard has four levels.
const DEPTH_MAX: usize = 16;
/// Most elements of one message.
const ELEMENTS_MAX: usize = 20_000;

/// Reads one audit message.
///
/// # Errors
/// When it is no such message, broken, not UTF-8, or brings a document type or entities of its own.
pub fn read(text: &str, origin: &Origin<'_>) -> Result<Vec<Access>, AccessError> {
    told(text)?.accesses(origin)
}

/// What text belongs to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Inside {
    Nothing,
    Query,
    Name,
    Outcome,
}

fn told(text: &str) -> Result<Told, AccessError> {
    let mut reader = Reader::from_str(text.trim_start_matches('\u{FEFF}'));
    let mut told = Told::default();
    let (mut depth, mut elements, mut inside, mut written) = (0_usize, 0_usize, Inside::Nothing, String::new());
    let (mut root, mut names) = (false, Vec::new());
    loop {
        let event = reader.read_event().map_err(|_| broken(reader.error_position()))?;
        let at = reader.buffer_position();
        match event {
            Event::Start(tag) => {
                depth += 1;
                written.clear();
                inside = started(&mut told, &tag, depth, &mut root, &mut names, at)?;
            }
            Event::Empty(tag) => {
                _ = started(&mut told, &tag, depth + 1, &mut root, &mut names, at)?;
            }
            Event::End(_) => {
                ended(&mut told, inside, &written, &mut names);
                inside = Inside::Nothing;
                depth = depth.saturating_sub(1);
            }
            Event::Text(piece) if inside != Inside::Nothing => written.push_str(&piece.xml10_content()),
            Event::CData(piece) if inside != Inside::Nothing => written.push_str(&piece.xml10_content()),
            Event::GeneralRef(reference) => {
                let meant = match reference.resolve_char_ref().map_err(|_| broken(at))? {
                    Some(c) => Some(c),
                    None => quick_xml::escape::resolve_predefined_entity(&reference).and_then(|t| t.chars().next()),
                };
                written.push(meant.ok_or(AccessError::Entity)?);
            }
            Event::DocType(_) => return Err(AccessError::Entity),
            Event::Text(_) | Event::CData(_) | Event::Decl(_) | Event::PI(_) | Event::Comment(_) => {}
            Event::Eof => break,
        }
        elements += 1;
        if depth > DEPTH_MAX || elements > ELEMENTS_MAX {
            return Err(AccessError::TooComplex);
        }
    }
    if depth > 0 || !root {
        return Err(broken(reader.buffer_position()));
    }
    // A name is the object's id where it has none.
    for (object, name) in names {
        if let Some(object) = told.objects.get_mut(object)
            && object.kind != "1"
        {
            object.id.get_or_insert(name);
        }
    }
    Ok(told)
}

fn broken(at: u64) -> AccessError {
    AccessError::Malformed(format!("XML {at}バイト目"))
}

/// The attributes of an element, by local name.
struct Attributes(Vec<(String, String)>);

impl Attributes {
    fn of(tag: &BytesStart<'_>, at: u64) -> Result<Self, AccessError> {
        let mut all = Vec::new();
        for attribute in tag.attributes() {
            let attribute = attribute.map_err(|_| broken(at))?;
            // An entity of the message's own has no meaning here, and none is looked up.
            let value = attribute.normalized_value(XmlVersion::Implicit1_0).map_err(|error| match error {
                quick_xml::Error::Escape(_) => AccessError::Entity,
                _ => broken(at),
            })?;
            all.push((attribute.key.local_name().into_inner().to_owned(), value.into_owned()));
        }
        Ok(Self(all))
    }

    fn take(&mut self, name: &str) -> Option<String> {
        let at = self.0.iter().position(|(known, value)| known == name && !value.is_empty())?;
        Some(self.0.swap_remove(at).1)
    }

    /// The code of a coded value, in either spelling.
    fn code(mut self) -> Option<String> {
        self.take("csd-code").or_else(|| self.take("code"))
    }
}

/// Takes an element; says what its text will be.
fn started(
    told: &mut Told,
    tag: &BytesStart<'_>,
    depth: usize,
    root: &mut bool,
    names: &mut Vec<(usize, String)>,
    at: u64,
) -> Result<Inside, AccessError> {
    let name = tag.local_name().into_inner();
    if depth == 1 {
        if name != "AuditMessage" || *root {
            return Err(AccessError::Kind(shorten(name)));
        }
        *root = true;
        return Ok(Inside::Nothing);
    }
    let mut attributes = Attributes::of(tag, at)?;
    let last = told.objects.len().saturating_sub(1);
    match name {
        "EventIdentification" => {
            told.at = attributes.take("EventDateTime").unwrap_or_default();
            told.action = attributes.take("EventActionCode").and_then(|action| action.chars().next());
            told.outcome = attributes.take("EventOutcomeIndicator");
        }
        "EventID" | "EventTypeCode" => told.codes.extend(attributes.code()),
        "PurposeOfUse" => told.purpose = told.purpose.take().or(attributes.code()),
        "EventOutcomeDescription" => return Ok(Inside::Outcome),
        "ActiveParticipant" => told.agents.push(Agent {
            id: attributes.take("UserID").or_else(|| attributes.take("AlternativeUserID")).unwrap_or_default(),
            name: attributes.take("UserName"),
            // RFC 3881 §5.3: it is, unless it says not.
            requestor: attributes.take("UserIsRequestor").is_none_or(|said| said != "false" && said != "0"),
            address: attributes.take("NetworkAccessPointID"),
            ..Agent::default()
        }),
        "AuditSourceIdentification" => told.teller.extend(attributes.take("AuditSourceID")),
        "RoleIDCode" => {
            if let Some(agent) = told.agents.last_mut() {
                agent.roles.extend(attributes.code());
            }
        }
        "MediaType" => {
            if let Some(agent) = told.agents.last_mut() {
                agent.media.extend(attributes.code());
            }
        }
        "ParticipantObjectIdentification" => told.objects.push(Object {
            kind: attributes.take("ParticipantObjectTypeCode").unwrap_or_default(),
            role: attributes.take("ParticipantObjectTypeCodeRole").unwrap_or_default(),
            id: attributes.take("ParticipantObjectID"),
            ..Object::default()
        }),
        "ParticipantObjectIDTypeCode" => {
            if let (Some(object), Some(kind)) = (told.objects.last_mut(), attributes.code()) {
                object.id = object.id.take().map(|id| named(&kind, id));
            }
        }
        "ParticipantObjectQuery" => return Ok(Inside::Query),
        "ParticipantObjectName" => {
            names.push((last, String::new()));
            return Ok(Inside::Name);
        }
        "ParticipantObjectDetail" => {
            if let (Some(object), Some(kind), Some(value)) =
                (told.objects.last_mut(), attributes.take("type"), attributes.take("value"))
            {
                object.details.extend(decoded(&value).map(|value| (kind, value)));
            }
        }
        "SOPClass" => {
            if let (Some(object), Some(Ok(n))) =
                (told.objects.last_mut(), attributes.take("NumberOfInstances").map(|n| n.parse::<u64>()))
            {
                object.instances = object.instances.saturating_add(n);
            }
        }
        _ => {}
    }
    Ok(Inside::Nothing)
}

/// Takes the text of an element.
fn ended(told: &mut Told, inside: Inside, written: &str, names: &mut [(usize, String)]) {
    match inside {
        Inside::Nothing => {}
        Inside::Outcome => told.description = Some(written.to_owned()),
        Inside::Name => {
            if let Some((_, name)) = names.last_mut() {
                written.trim().clone_into(name);
            }
        }
        Inside::Query => {
            if let Some(object) = told.objects.last_mut() {
                object.id = object.id.take().or_else(|| decoded(written.trim()));
            }
        }
    }
}

fn decoded(text: &str) -> Option<String> {
    STANDARD.decode(text).ok().and_then(|bytes| String::from_utf8(bytes).ok())
}

/// An id with its kind where the kind is known to say more: a patient number loses its assigning authority (HL7 v2 CX),
/// a study is named as such.
fn named(kind: &str, id: String) -> String {
    match kind {
        "2" => id.split('^').next().unwrap_or_default().to_owned(),
        "110180" => format!("Study/{id}"),
        _ => id,
    }
}

/// An access as an audit message.
pub fn write(access: &Access) -> String {
    let told = Told::of(access);
    let mut writer = Writer::new(Vec::new());
    // Writing into memory does not fail.
    let _ = message(&mut writer, &told, access);
    String::from_utf8(writer.into_inner()).unwrap_or_default()
}

fn coded(writer: &mut Writer<Vec<u8>>, element: &str, code: Code) -> std::io::Result<()> {
    let attributes = [("csd-code", code.code), ("codeSystemName", "DCM"), ("originalText", code.display)];
    writer.create_element(element).with_attributes(attributes).write_empty().map(|_| ())
}

fn message(writer: &mut Writer<Vec<u8>>, told: &Told, access: &Access) -> std::io::Result<()> {
    writer.write_event(Event::Decl(quick_xml::events::BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    writer.create_element("AuditMessage").write_inner_content(|writer| {
        let action = told.action.map(String::from).unwrap_or_default();
        writer
            .create_element("EventIdentification")
            .with_attribute(("EventActionCode", action.as_str()))
            .with_attribute(("EventDateTime", told.at.as_str()))
            .with_attribute(("EventOutcomeIndicator", told.outcome.as_deref().unwrap_or("0")))
            .write_inner_content(|writer| {
                let (event, kind) = told.event.unzip();
                if let Some(event) = event {
                    coded(writer, "EventID", event)?;
                }
                match kind.flatten() {
                    Some(kind) if kind.system == System::Dicom => coded(writer, "EventTypeCode", kind)?,
                    _ => {}
                }
                if let Some(purpose) = &access.purpose {
                    let attributes = [
                        ("csd-code", purpose.as_str()),
                        ("codeSystemName", "2.16.840.1.113883.5.8"),
                        ("originalText", purpose),
                    ];
                    writer.create_element("PurposeOfUse").with_attributes(attributes).write_empty()?;
                }
                Ok(())
            })?;
        for agent in &told.agents {
            let mut element = writer.create_element("ActiveParticipant").with_attribute(("UserID", agent.id.as_str()));
            if let Some(name) = &agent.name {
                element = element.with_attribute(("UserName", name.as_str()));
            }
            element = element.with_attribute(("UserIsRequestor", "true"));
            if let Some(address) = &agent.address {
                let kind = if address.parse::<std::net::IpAddr>().is_ok() { "2" } else { "1" };
                element = element
                    .with_attribute(("NetworkAccessPointID", address.as_str()))
                    .with_attribute(("NetworkAccessPointTypeCode", kind));
            }
            element.write_inner_content(|writer| {
                if !agent.media.is_empty() {
                    writer
                        .create_element("MediaIdentifier")
                        .write_inner_content(|writer| coded(writer, "MediaType", codes::PAPER))?;
                }
                Ok(())
            })?;
        }
        writer
            .create_element("AuditSourceIdentification")
            .with_attribute(("AuditSourceID", access.source.as_str()))
            .write_empty()?;
        told.objects.iter().try_for_each(|object| self::object(writer, object))
    })?;
    Ok(())
}

fn object(writer: &mut Writer<Vec<u8>>, object: &Object) -> std::io::Result<()> {
    // RFC 3881 §5.5.4: 2 is a patient number, 10 a search, 12 an address.
    let (id_kind, display) = match (object.kind.as_str(), object.role.as_str()) {
        ("1", _) => ("2", "Patient Number"),
        (_, "24") => ("10", "Search Criteria"),
        _ => ("12", "URI"),
    };
    let mut element = writer.create_element("ParticipantObjectIdentification");
    if let Some(id) = &object.id {
        element = element.with_attribute(("ParticipantObjectID", id.as_str()));
    }
    element
        .with_attribute(("ParticipantObjectTypeCode", object.kind.as_str()))
        .with_attribute(("ParticipantObjectTypeCodeRole", object.role.as_str()))
        .write_inner_content(|writer| {
            let attributes = [("csd-code", id_kind), ("codeSystemName", "RFC-3881"), ("originalText", display)];
            writer.create_element("ParticipantObjectIDTypeCode").with_attributes(attributes).write_empty()?;
            writer.create_element("ParticipantObjectName").write_text_content(BytesText::new(""))?;
            for (name, value) in &object.details {
                let attributes = [("type", name.as_str()), ("value", &STANDARD.encode(value))];
                writer.create_element("ParticipantObjectDetail").with_attributes(attributes).write_empty()?;
            }
            Ok(())
        })?;
    Ok(())
}
