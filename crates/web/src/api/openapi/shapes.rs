//! The shapes of what is sent and answered, as JSON Schema (2020-12): small ones, and those that several operations share.

use domain::access::review::{CLOSED_DAYS, NUMBERS};
use domain::authz::Role;
use domain::evaluate::Verdict;
use domain::ledger::{Column, Ledger, TEXT_MAX, ledger};
use domain::threshold::Threshold;
use domain::unrecorded::Class;
use domain::workflow::request::{Act, State};
use serde_json::{Map, Value, json};

use super::super::fhir::FHIR;
use super::super::ledgers::filters;
use super::super::values::{self, INTEGER_MAX};
use super::super::work::LENDING;
use super::super::{acts, proofs};

/// A job, as it is answered.
pub(super) fn job() -> Value {
    object(&[
        ("id", string()),
        ("work", json!({ "type": "string", "enum": proofs::WORKS })),
        ("edition", nullable("string")),
        ("state", json!({ "type": "string", "enum": proofs::STATES })),
        ("made_by", string()),
        ("made_at", instant()),
        ("ended_at", json!({ "type": ["string", "null"], "format": "date-time" })),
        ("result", string()),
        ("file", nullable("string")),
        ("bytes", nullable("integer")),
    ])
}

/// A property and its shape.
type Shape = (&'static str, fn() -> Value);

/// What would go, or went.
const GOING: [Shape; 7] = [
    ("first", count),
    ("last", count),
    ("since", day),
    ("until", day),
    ("entries", count),
    ("accesses", count),
    ("originals", count),
];

pub(super) fn going() -> Value {
    object(&GOING.map(|(name, of)| (name, of())))
}

pub(super) fn disposal() -> Value {
    let maybe_instant = || json!({ "type": ["string", "null"], "format": "date-time" });
    let own = [
        ("id", string()),
        ("state", json!({ "type": "string", "enum": ["asked", "withdrawn", "approved", "done"] })),
        ("reason", string()),
        ("asked_by", string()),
        ("asked_at", instant()),
        ("decided_by", nullable("string")),
        ("decided_at", maybe_instant()),
        ("sole", json!({ "type": "boolean" })),
        ("done_at", maybe_instant()),
        ("root", nullable("string")),
        ("shown_sha256", string()),
    ];
    object(&GOING.iter().map(|(name, of)| (*name, of())).chain(own).collect::<Vec<_>>())
}

/// A request for evidence, as it is answered.
pub(super) fn request() -> Value {
    let states = State::ALL.map(State::code);
    let file = json!({
        "type": ["object", "null"], "additionalProperties": false,
        "properties": { "name": string(), "sha256": string(), "bytes": count() }, "required": ["name", "sha256", "bytes"],
    });
    let step = object(&[
        ("place", count()),
        ("act", json!({ "type": "string", "enum": Act::ALL.map(Act::code) })),
        ("by", string()),
        ("at", instant()),
        ("said", string()),
        ("links", array(object(&[("ledger", string()), ("key", string())]))),
        ("file", file),
    ]);
    object(&[
        ("no", string()),
        ("rev", revision()),
        ("requirement", string()),
        ("what", string()),
        ("due_on", json!({ "type": "string", "format": "date" })),
        ("state", json!({ "type": "string", "enum": states })),
        ("asked_by", string()),
        ("asked_at", instant()),
        ("with", nullable("string")),
        ("steps", array(step)),
    ])
}

/// Whether acts of each class go on when they cannot be recorded.
pub(super) fn decisions() -> Vec<(&'static str, Value)> {
    Class::all().map(|class| (class.code(), json!({ "type": "boolean" }))).collect()
}

/// How many of each verdict; `null` where nobody counted.
pub(super) fn counts(or_none: bool) -> Value {
    let kind = if or_none { json!(["object", "null"]) } else { json!("object") };
    json!({ "type": kind, "additionalProperties": count() })
}

pub(super) fn verdict() -> Value {
    json!({ "type": "string", "enum": Verdict::ALL.map(Verdict::code) })
}

/// An account, as it is answered.
pub(super) fn user() -> Value {
    object(&[
        ("id", string()),
        ("login", string()),
        ("name", string()),
        ("person", nullable("string")),
        ("role", role()),
        ("disabled", nullable("string")),
        ("sealed", yes()),
        ("passkeys", count()),
        ("has_password", yes()),
        ("has_totp", yes()),
        ("valid_from", day()),
        ("valid_until", day()),
        ("last_sign_in_at", json!({ "type": ["string", "null"], "format": "date-time" })),
        ("moved", or_null(object(&[("before", string()), ("now", string())]))),
    ])
}

/// An object, or none.
pub(super) fn or_null(object: Value) -> Value {
    with(object, "type", json!(["object", "null"]))
}

/// Sessions, as they are answered.
pub(super) fn sessions() -> Value {
    object(&[(
        "sessions",
        array(object(&[
            ("id", string()),
            ("address", string()),
            ("agent", string()),
            ("methods", string()),
            ("started_at", instant()),
            ("seen_at", instant()),
            ("ends_at", instant()),
            ("shared", yes()),
            ("locked", yes()),
        ])),
    )])
}

/// A body that is a reason.
pub(super) fn reason() -> Value {
    json_of(object(&[("reason", entered())]))
}

pub(super) fn role() -> Value {
    one_of(&Role::ALL.map(Role::code))
}

pub(super) fn port() -> Value {
    json!({ "type": "integer", "minimum": 1, "maximum": u16::MAX })
}

pub(super) fn security() -> Value {
    one_of(&app::MailSecurity::ALL.map(app::MailSecurity::code))
}

/// An access, as it is answered.
pub(super) fn access() -> Value {
    object(&[
        ("entry", count()),
        ("at", instant()),
        ("source", string()),
        ("user", string()),
        ("name", nullable("string")),
        ("terminal", nullable("string")),
        ("patient", nullable("string")),
        ("resource", nullable("string")),
        ("act", string()),
        ("exposure", string()),
        ("outcome", string()),
        ("records", nullable("integer")),
        ("why", array(string())),
    ])
}

/// A question about accesses, and other members.
pub(super) fn question(more: &[(&'static str, Value)]) -> Vec<(&'static str, Value)> {
    let topics: Vec<&str> = app::AccessTopic::all().map(app::AccessTopic::code).collect();
    let texts = ["patient", "user", "since", "until", "before"].map(|name| (name, text()));
    texts.into_iter().chain([("about", one_of(&topics))]).chain(more.iter().cloned()).collect()
}

/// A case of the review, as it is answered.
pub(super) fn case() -> Value {
    let closed = or_null(object(&[("verdict", string()), ("reason", string()), ("by", string()), ("at", instant())]));
    object(&[
        ("no", count()),
        ("signal", string()),
        ("source", string()),
        ("week", date()),
        ("first", instant()),
        ("last", instant()),
        ("accesses", count()),
        ("people", count()),
        ("patients", count()),
        ("closed", closed),
    ])
}

/// The numbers of the review, with the days on which the facility is closed.
pub(super) fn review_rules() -> Value {
    let number = |(of, least, most): &(&Threshold, i64, i64)| {
        let description = format!("{}（{}）", of.label.ja, of.unit.ja);
        (of.name, json!({ "type": "integer", "minimum": least, "maximum": most, "description": description }))
    };
    let mut members: Vec<(&str, Value)> = NUMBERS.iter().map(number).collect();
    let days = json!({ "type": "integer", "minimum": 0, "maximum": 6 });
    let closed = json!({ "type": "array", "items": days, "uniqueItems": true, "description": "休みの曜日（日曜が0）" });
    members.push((CLOSED_DAYS, closed));
    object(&members)
}

/// Names of the columns of a ledger, and others.
pub(super) fn column_names<'a>(of: &'a Ledger, more: &[&'a str]) -> Vec<&'a str> {
    of.columns.iter().map(|column| column.name).chain(more.iter().copied()).collect()
}

/// Names of rows or people that are sent.
pub(super) fn entered_list() -> Value {
    json!({ "type": "array", "items": entered(), "minItems": 1, "maxItems": acts::MOST })
}

/// Some columns of a ledger as members, and others.
pub(super) fn columns(of: &str, names: &[&'static str], more: &[(&'static str, Value)]) -> Vec<(&'static str, Value)> {
    names.iter().map(|name| (*name, cell(of, name))).chain(more.iter().cloned()).collect()
}

/// Which registered source a document is of.
pub(super) fn source() -> Value {
    let schema = json!({ "type": "string", "minLength": 1 });
    parameter("source", false, "台帳「記録の取込み元」の取込み元番号（形式がFHIRのものが一つだけなら省ける）", &schema)
}

/// A resource of FHIR, which has a description of its own.
pub(super) fn fhir_of(resource: &str, required: &[&str]) -> Value {
    let required: Vec<&str> = std::iter::once("resourceType").chain(required.iter().copied()).collect();
    json!({ FHIR: { "schema": {
        "type": "object",
        "properties": { "resourceType": { "const": resource } },
        "required": required,
    } } })
}

pub(super) fn string() -> Value {
    json!({ "type": "string" })
}

/// A text that is sent.
pub(super) fn entered() -> Value {
    json!({ "type": "string", "minLength": 1, "maxLength": TEXT_MAX })
}

/// A text that may be empty.
pub(super) fn text() -> Value {
    json!({ "type": "string", "maxLength": TEXT_MAX })
}

pub(super) fn count() -> Value {
    json!({ "type": "integer", "minimum": 0 })
}

pub(super) fn revision() -> Value {
    json!({ "type": "integer", "minimum": 1, "maximum": INTEGER_MAX })
}

pub(super) fn instant() -> Value {
    json!({ "type": "string", "format": "date-time" })
}

pub(super) fn date() -> Value {
    json!({ "type": "string", "format": "date" })
}

pub(super) fn yes() -> Value {
    json!({ "type": "boolean" })
}

pub(super) fn one_of(codes: &[&str]) -> Value {
    json!({ "type": "string", "enum": codes })
}

/// A day, or none.
pub(super) fn day() -> Value {
    json!({ "type": ["string", "null"], "format": "date" })
}

pub(super) fn nullable(kind: &str) -> Value {
    json!({ "type": [kind, "null"] })
}

pub(super) fn array(of: Value) -> Value {
    json!({ "type": "array", "items": of })
}

/// An object with exactly these members.
pub(super) fn object(members: &[(&str, Value)]) -> Value {
    let required: Vec<&str> = members.iter().map(|(name, _)| *name).collect();
    partly(members, &required)
}

/// An object with no other than these members.
pub(super) fn partly(members: &[(&str, Value)], required: &[&str]) -> Value {
    let properties: Map<String, Value> =
        members.iter().map(|(name, schema)| ((*name).to_owned(), schema.clone())).collect();
    json!({ "type": "object", "properties": properties, "required": required, "additionalProperties": false })
}

/// An object with one more member.
pub(super) fn with(mut object: Value, name: &str, value: Value) -> Value {
    if let Some(members) = object.as_object_mut() {
        members.insert(name.to_owned(), value);
    }
    object
}

pub(super) fn json_of(schema: Value) -> Value {
    json!({ "application/json": { "schema": schema } })
}

pub(super) fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

pub(super) fn named(name: &str) -> Value {
    json_of(reference(name))
}

pub(super) fn row(of: &Ledger) -> Value {
    named_row(of.name)
}

pub(super) fn named_row(of: &str) -> Value {
    reference(&format!("{of}.row"))
}

pub(super) fn values_of(of: &Ledger) -> Value {
    reference(&format!("{}.values", of.name))
}

pub(super) fn cell(of: &str, column: &str) -> Value {
    ledger(of).and_then(|l| l.column(column)).map_or(Value::Null, values::schema)
}

pub(super) fn lending() -> Value {
    let members: Vec<(&str, Value)> = LENDING.iter().map(|name| (*name, cell("loans", name))).collect();
    partly(&members, &["device", "borrower"])
}

pub(super) fn parameter(name: &str, required: bool, description: &str, schema: &Value) -> Value {
    json!({ "name": name, "in": "query", "required": required, "description": description, "schema": schema })
}

pub(super) fn listing(of: Option<&'static Ledger>) -> Vec<Value> {
    let Some(of) = of else { return Vec::new() };
    let columns: Vec<&str> = of.columns.iter().map(|c| c.name).collect();
    let mut all = vec![
        parameter("q", false, "すべてを含む行を探す言葉（空白で区切る）", &string()),
        parameter("sort", false, "並べる列", &json!({ "type": "string", "enum": columns })),
        parameter("desc", false, "大きい順", &json!({ "type": "boolean" })),
        parameter("page", false, "ページ", &json!({ "type": "integer", "minimum": 1, "maximum": u32::MAX })),
    ];
    let narrow = |(column, codes): (&Column, Vec<&str>)| {
        parameter(column.name, false, column.label.ja, &json!({ "type": "string", "enum": codes }))
    };
    all.extend(filters(of).map(narrow));
    all
}
