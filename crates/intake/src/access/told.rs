//! The model that FHIR AuditEvent and the DICOM audit message share (RFC 3881), and the one way from it to
//! [`Access`]es and back.
//!
//! What neither spelling has a place for (the relation that explains an access, the number of a work plan) travels as
//! details of the object, pairs of a name and a text, which both spellings have.

use domain::access::{Access, Act, Exposure};

use super::codes::{self, Code};
use super::error::shorten;
use super::{AccessError, Origin, PATIENTS_MAX, instant, kept, kept_id};

/// One event as it was told.
#[derive(Debug, Default)]
pub(super) struct Told {
    pub(super) id: Option<String>,
    /// What the system that tells it calls itself.
    pub(super) teller: Vec<String>,
    pub(super) at: String,
    /// Codes of the event and of its kinds.
    pub(super) codes: Vec<String>,
    /// The same when it is written: event and kind.
    pub(super) event: Option<(Code, Option<Code>)>,
    pub(super) action: Option<char>,
    pub(super) outcome: Option<String>,
    /// Why it ended so, or what the event was about.
    pub(super) description: Option<String>,
    pub(super) purpose: Option<String>,
    pub(super) agents: Vec<Agent>,
    pub(super) objects: Vec<Object>,
}

/// Somebody or something that took part.
#[derive(Debug, Default)]
pub(super) struct Agent {
    pub(super) id: String,
    pub(super) name: Option<String>,
    pub(super) requestor: bool,
    pub(super) roles: Vec<String>,
    pub(super) media: Vec<String>,
    pub(super) address: Option<String>,
    pub(super) policy: Option<String>,
    pub(super) purpose: Option<String>,
}

/// Something it was done to.
#[derive(Debug, Default)]
pub(super) struct Object {
    /// RFC 3881: 1 person, 2 system object, 3 organisation, 4 other.
    pub(super) kind: String,
    /// RFC 3881: 1 patient, 24 query, …
    pub(super) role: String,
    pub(super) id: Option<String>,
    pub(super) details: Vec<(String, String)>,
    /// Instances it consists of.
    pub(super) instances: u64,
}

impl Agent {
    fn is_device(&self) -> bool {
        self.roles.iter().any(|role| codes::is_device(role))
    }

    fn plays(&self, role: Code) -> bool {
        self.roles.iter().any(|own| own == role.code)
    }
}

impl Object {
    fn is_patient(&self) -> bool {
        self.kind == "1" && self.role == "1"
    }

    fn is_query(&self) -> bool {
        self.role == "24"
    }
}

/// The names of details.
const EXPOSURE: &str = "exposure";
const PURPOSE: &str = "purpose";
const RECORDS: &str = "records";

/// Fields of an access that travel as details.
fn fields(access: &mut Access) -> [(&'static str, &mut Option<String>); 6] {
    [
        ("on-behalf-of", &mut access.on_behalf_of),
        ("reason", &mut access.reason),
        ("policy", &mut access.policy),
        ("relation", &mut access.relation),
        ("authentication", &mut access.authentication),
        ("plan", &mut access.plan),
    ]
}

impl Told {
    /// The accesses it tells of: one for each patient, or one without.
    ///
    /// # Errors
    /// When it is told in the name of another source, does not say when or what, names too many patients, or an id is
    /// too long.
    pub(super) fn accesses(self, origin: &Origin<'_>) -> Result<Vec<Access>, AccessError> {
        origin.vouch(self.teller.iter().map(String::as_str))?;
        let at = instant(&self.at, origin.offset).ok_or_else(|| AccessError::Time(shorten(&self.at)))?;
        let media: Vec<String> = self.agents.iter().flat_map(|agent| agent.media.iter().cloned()).collect();
        let purpose = self.purpose.clone().or_else(|| self.agents.iter().find_map(|agent| agent.purpose.clone()));
        let act = codes::act(&self.codes, self.action, &media, purpose.as_deref());
        // An event that only says "executed" over a query is one.
        let act = match act {
            Some(Act::Maintain) if self.objects.iter().any(Object::is_query) => Act::Search,
            Some(act) => act,
            None => return Err(AccessError::Act),
        };
        let user = self.user();
        let mut access = Access::new(at, origin.source, "", act);
        access.source_id = self.id.as_deref().map(kept_id).transpose()?.flatten();
        access.outcome = codes::outcome(self.outcome.as_deref(), act);
        access.exposure = if act == Act::Search { Exposure::Listed } else { Exposure::Opened };
        access.purpose = purpose.as_deref().and_then(kept);
        access.reason = self.description.as_deref().and_then(kept);
        access.terminal = self.terminal(user, act);
        if let Some(user) = user {
            access.user = kept_id(&user.id)?.unwrap_or_default();
            access.user_name = user.name.as_deref().and_then(kept);
            access.policy = user.policy.as_deref().and_then(kept);
        }
        let instances = self.objects.iter().fold(0_u64, |sum, object| sum.saturating_add(object.instances));
        access.records = (instances > 0).then_some(instances);
        let resource = self.objects.iter().find(|object| !object.is_patient() && object.id.is_some());
        access.resource = resource.and_then(|object| kept(object.id.as_deref()?));
        self.detail(&mut access);
        let mut patients = Vec::new();
        for object in self.objects.iter().filter(|object| object.is_patient()) {
            patients.extend(object.id.as_deref().map(kept_id).transpose()?.flatten());
        }
        if patients.len() > PATIENTS_MAX {
            return Err(AccessError::TooComplex);
        }
        Ok(each(access, patients))
    }

    /// Takes what travelled as details.
    fn detail(&self, access: &mut Access) {
        for (name, value) in self.objects.iter().flat_map(|object| &object.details) {
            match name.as_str() {
                EXPOSURE => access.exposure = Exposure::parse(value).unwrap_or(access.exposure),
                RECORDS => access.records = value.parse().ok().or(access.records),
                PURPOSE => access.purpose = kept(value),
                _ => {
                    if let Some((_, field)) = fields(access).into_iter().find(|(known, _)| known == name) {
                        *field = kept(value);
                    }
                }
            }
        }
    }

    /// Who did it: the requestor that is no machine, else a person, else a machine that asked by itself.
    fn user(&self) -> Option<&Agent> {
        let person = |agent: &&Agent| !agent.is_device();
        let mut people = self.agents.iter().filter(person);
        people.clone().find(|agent| agent.requestor).or_else(|| people.next()).or_else(|| {
            // A machine that asked in its own name, never the one that answered.
            self.agents.iter().find(|agent| agent.requestor)
        })
    }

    /// From where: the address of the user, else of the client.
    fn terminal(&self, user: Option<&Agent>, act: Act) -> Option<String> {
        let client =
            if matches!(act, Act::Read | Act::Export | Act::Print) { codes::DESTINATION } else { codes::SOURCE };
        let clients = self.agents.iter().filter(|agent| agent.plays(client));
        user.into_iter().chain(clients).find_map(|agent| kept(agent.address.as_deref()?))
    }

    /// An access as it is told to others.
    pub(super) fn of(access: &Access) -> Self {
        let (event, kind, action) = codes::written(access.act);
        let mut told = Self {
            id: access.source_id.clone(),
            at: access.at.to_string(),
            event: Some((event, kind)),
            action: Some(action),
            outcome: Some(codes::indicator(access.outcome).to_owned()),
            ..Self::default()
        };
        let mut details = vec![(EXPOSURE.to_owned(), access.exposure.code().to_owned())];
        let text = |name: &str, value: &Option<String>| Some((name.to_owned(), value.clone()?));
        details.extend(access.records.map(|n| (RECORDS.to_owned(), n.to_string())));
        details.extend(text(PURPOSE, &access.purpose));
        let mut copy = access.clone();
        details.extend(fields(&mut copy).into_iter().filter_map(|(name, value)| text(name, value)));
        told.agents.push(Agent {
            id: access.user.clone(),
            name: access.user_name.clone(),
            requestor: true,
            address: access.terminal.clone(),
            media: if access.act == Act::Print { vec![codes::PAPER.code.to_owned()] } else { Vec::new() },
            ..Agent::default()
        });
        if access.patient.is_some() {
            told.objects.push(Object {
                kind: "1".to_owned(),
                role: "1".to_owned(),
                id: access.patient.clone(),
                ..Object::default()
            });
        }
        let query = access.act == Act::Search;
        told.objects.push(Object {
            kind: "2".to_owned(),
            role: if query { "24" } else { "4" }.to_owned(),
            id: access.resource.clone(),
            details,
            ..Object::default()
        });
        told
    }
}

/// One access for each patient; ids of the second and later say which they are, as one id is one access.
fn each(access: Access, patients: Vec<String>) -> Vec<Access> {
    if patients.is_empty() {
        return vec![access];
    }
    let several = u64::try_from(patients.len()).ok().filter(|n| *n > 1);
    let one = |(at, patient): (usize, String)| {
        let mut access = access.clone();
        access.patient = Some(patient);
        access.records = access.records.or(several);
        if at > 0 {
            access.source_id = access.source_id.map(|id| format!("{id}#{}", at + 1));
        }
        access
    };
    patients.into_iter().enumerate().map(one).collect()
}
