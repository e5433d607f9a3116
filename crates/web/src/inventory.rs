//! `POST /inventory`: the GLPI Agent protocol and its FusionInventory ancestor.
//!
//! Agents authenticate with HTTP Basic: the facility's code and the secret made for its agents. They
//! learn that they have to from the 401, as the protocol itself has no authentication.

use app::Error;
use axum::body::to_bytes;
use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::journal::Actor;

use crate::Web;

/// Largest inventory taken, compressed, in bytes.
const MAX_INVENTORY: usize = 32 << 20;
const JSON: &str = "application/json";
const ZLIB: &str = "application/x-compress-zlib";

/// Takes one message of an agent.
pub(crate) async fn receive(State(Web { app, .. }): State<Web>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let headers = head.headers;
    let Some((user, secret)) = credentials(&headers) else { return unauthorised() };
    let facility = match app.agent_facility(&user, &secret).await {
        Ok(Some(facility)) => facility,
        Ok(None) => {
            // The name alone: what somebody tried as a secret is none of ours.
            tracing::warn!(user, "agent refused");
            return unauthorised();
        }
        Err(error) => return unavailable(&error),
    };
    // Nothing is read of somebody who is not known.
    let Ok(body) = to_bytes(body, MAX_INVENTORY).await else { return StatusCode::PAYLOAD_TOO_LARGE.into_response() };
    // Only the GLPI agent names itself by id; the older one wants its answer as compressed XML.
    let legacy = !headers.contains_key("glpi-agent-id");
    let actor = Actor::new(format!("agent:{user}"));
    match app.receive_inventory(&actor, &facility, &body, legacy).await {
        Ok(received) => {
            let kind = if legacy { ZLIB } else { JSON };
            ([(CONTENT_TYPE, kind)], received.reply).into_response()
        }
        Err(Error::Inventory(error)) => {
            tracing::warn!(code = error.code(), "inventory refused");
            (StatusCode::BAD_REQUEST, [(CONTENT_TYPE, JSON)], app.refuse_inventory(&error)).into_response()
        }
        Err(error) => unavailable(&error),
    }
}

fn credentials(headers: &HeaderMap) -> Option<(String, String)> {
    let encoded = headers.get(AUTHORIZATION)?.to_str().ok()?.strip_prefix("Basic ")?;
    let decoded = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (user, secret) = decoded.split_once(':')?;
    Some((user.to_owned(), secret.to_owned()))
}

fn unauthorised() -> Response {
    // Exactly this: FusionInventory takes everything up to the last quotation mark for the realm.
    (StatusCode::UNAUTHORIZED, [(WWW_AUTHENTICATE, "Basic realm=\"sakimori\"")]).into_response()
}

fn unavailable(error: &Error) -> Response {
    tracing::error!(code = error.code(), %error, "inventory not stored");
    (StatusCode::SERVICE_UNAVAILABLE, [(CONTENT_TYPE, JSON)], r#"{"status":"error","message":"try again later"}"#)
        .into_response()
}
