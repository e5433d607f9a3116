//! OCSF 1.x events for security monitoring, one JSON object each, one way.
//!
//! Signing in and out are Authentication (3002), everything else API Activity (6003). Patient ids stand in `resources`,
//! where a receiver that must not have them can drop them as a whole.

use domain::access::{Access, Act, Outcome};
use serde_json::{Value, json};

/// The version of the schema that is written.
const VERSION: &str = "1.3.0";

/// An access as an OCSF event.
pub fn write(access: &Access) -> Value {
    let signing = matches!(access.act, Act::SignIn | Act::SignOut);
    let (category, class): (i64, i64) = if signing { (3, 3002) } else { (6, 6003) };
    let activity: i64 = match access.act {
        Act::SignIn | Act::Create => 1,
        Act::SignOut | Act::Read | Act::Search => 2,
        Act::Update => 3,
        Act::Delete => 4,
        Act::Print | Act::Export | Act::Maintain | Act::Emergency => 99,
    };
    let (status, status_id) = match access.outcome {
        Outcome::Done => ("Success", 1),
        Outcome::Refused | Outcome::Failed => ("Failure", 2),
    };
    let severity = if access.act == Act::Emergency { 3 } else { 1 };
    let user = json!({ "uid": access.user, "name": access.user_name });
    let mut resources = Vec::new();
    resources.extend(access.patient.as_ref().map(|id| json!({ "type": "Patient", "uid": id })));
    resources.extend(access.resource.as_ref().map(|id| json!({ "type": "Record", "name": id })));
    let mut event = json!({
        "category_uid": category,
        "class_uid": class,
        "activity_id": activity,
        "activity_name": access.act.code(),
        "type_uid": class * 100 + activity,
        "time": access.at.as_millisecond(),
        "severity_id": severity,
        "status": status,
        "status_id": status_id,
        "status_detail": access.outcome.code(),
        "metadata": {
            "version": VERSION,
            "uid": access.source_id,
            "product": { "name": "Sakimori", "vendor_name": "Sakimori" },
            "log_provider": access.source,
        },
        "src_endpoint": { "name": access.terminal },
        "unmapped": {
            "exposure": access.exposure.code(),
            "on_behalf_of": access.on_behalf_of,
            "purpose": access.purpose,
            "reason": access.reason,
            "relation": access.relation,
            "policy": access.policy,
            "authentication": access.authentication,
            "records": access.records,
            "plan": access.plan,
        },
    });
    if let Some(members) = event.as_object_mut() {
        if signing {
            members.insert("user".to_owned(), user);
            members.insert("service".to_owned(), json!({ "name": access.source }));
        } else {
            members.insert("actor".to_owned(), json!({ "user": user }));
            members.insert(
                "api".to_owned(),
                json!({ "operation": access.act.code(), "service": { "name": access.source } }),
            );
            members.insert("resources".to_owned(), Value::Array(resources));
        }
    }
    without_nulls(&mut event);
    event
}

/// What is not stated is not there.
fn without_nulls(value: &mut Value) {
    if let Value::Object(members) = value {
        members.values_mut().for_each(without_nulls);
        members.retain(|_, value| !value.is_null() && value.as_object().is_none_or(|inner| !inner.is_empty()));
    }
}
