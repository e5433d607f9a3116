//! Forms: what was typed, back again when it does not do, and never lost.
//!
//! [`Fields`] is the only way a handler gets at the body of a form, and taking it checks the form's token. Uploads
//! come through [`Upload`], which does the same. [`Kept`] carries what was typed over a session that had ended.

use std::collections::BTreeMap;

use app::FieldError;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{FromRequest, Multipart, Request};
use axum::http::Method;
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use http_body_util::Limited;
use subtle::ConstantTimeEq as _;

use crate::guard::Visit;
use crate::page::Problem;

/// Largest form taken, in bytes.
pub(crate) const FORM_MAX: usize = 256 << 10;
/// Largest upload taken, in bytes.
pub(crate) const UPLOAD_MAX: usize = 64 << 20;
/// Name of the field with the form's token.
pub(crate) const TOKEN: &str = "_csrf";
/// Names of fields that are never carried along.
const SECRETS: &[&str] = &["password", "new_password", "password_again", "code", "credential", TOKEN];

/// The fields of a form, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Fields(Vec<(String, String)>);

impl Fields {
    /// Reads `application/x-www-form-urlencoded`.
    pub(crate) fn parse(bytes: &[u8]) -> Self {
        Self(url::form_urlencoded::parse(bytes).into_owned().collect())
    }

    /// The value of a field; empty when absent.
    pub(crate) fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(n, _)| n == name).map_or("", |(_, value)| value.as_str())
    }

    /// Whether a field has this among its values.
    pub(crate) fn has(&self, name: &str, value: &str) -> bool {
        self.all(name).any(|given| given == value)
    }

    /// Every value of a field that may occur several times.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    /// Name and value of every field.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(n, v)| (n.as_str(), v.as_str()))
    }

    /// The fields without those that must not travel.
    pub(crate) fn without_secrets(&self) -> Self {
        Self(self.0.iter().filter(|(n, _)| !SECRETS.contains(&n.as_str())).cloned().collect())
    }

    /// The fields as a map; of fields that occur several times the values are joined by `+`.
    pub(crate) fn map(&self) -> BTreeMap<String, String> {
        let mut map: BTreeMap<String, String> = BTreeMap::new();
        for (name, value) in self.without_secrets().0 {
            map.entry(name)
                .and_modify(|all| {
                    all.push('+');
                    all.push_str(&value);
                })
                .or_insert(value);
        }
        map
    }
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for Fields {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Self {
        Self(pairs.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

impl<S: Send + Sync> FromRequest<S> for Fields {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let visit = request.extensions().get::<Visit>().cloned();
        let body = to_bytes(request.into_body(), FORM_MAX).await.map_err(|_| Problem::too_large())?;
        let fields = Self::parse(&body);
        check_token(visit.as_ref(), fields.get(TOKEN))?;
        Ok(fields)
    }
}

/// A form with a file.
pub(crate) struct Upload {
    /// Its fields.
    pub(crate) fields: Fields,
    /// Name of the file as the sender calls it; never used as a path.
    pub(crate) file_name: String,
    /// Its bytes; empty when none was chosen.
    pub(crate) bytes: Bytes,
}

impl<S: Send + Sync> FromRequest<S> for Upload {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let visit = request.extensions().get::<Visit>().cloned();
        let mut parts = Multipart::from_request(request, state).await.map_err(|_| Problem::too_large())?;
        let mut fields = Vec::new();
        let (mut file_name, mut bytes) = (String::new(), Bytes::new());
        let mut checked = false;
        while let Some(part) = parts.next_field().await.map_err(|_| Problem::too_large())? {
            let name = part.name().unwrap_or_default().to_owned();
            if let Some(given) = part.file_name().map(str::to_owned) {
                // The token comes first in our forms; nothing large is read before it.
                if !checked {
                    return Err(app::Error::Forbidden.into());
                }
                bytes = part.bytes().await.map_err(|_| Problem::too_large())?;
                file_name = given.rsplit(['/', '\\']).next().unwrap_or_default().to_owned();
            } else {
                let value = part.text().await.map_err(|_| Problem::too_large())?;
                if name == TOKEN {
                    check_token(visit.as_ref(), &value)?;
                    checked = true;
                }
                fields.push((name, value));
            }
        }
        if !checked {
            return Err(app::Error::Forbidden.into());
        }
        Ok(Self { fields: Fields(fields), file_name, bytes })
    }
}

/// What was typed into a form that cannot be taken yet.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    /// The fields that may travel.
    pub(crate) fields: Fields,
    /// Name of the field for a file, which has to be chosen again.
    pub(crate) file: Option<String>,
}

impl Kept {
    /// Reads what was typed; `None` when no form was sent, or one larger than is taken.
    ///
    /// Of a form with a file it reads what comes before the file: whoever sent it has shown no right to send much.
    pub(crate) async fn read(parts: &Parts, body: Body) -> Option<Self> {
        if is_form(parts, PLAIN) {
            let fields = Fields::parse(&to_bytes(body, FORM_MAX).await.ok()?).without_secrets();
            return Some(Self { fields, file: None });
        }
        if !is_form(parts, WITH_FILE) {
            return None;
        }
        let mut request = Request::new(Body::new(Limited::new(body, FORM_MAX)));
        request.headers_mut().clone_from(&parts.headers);
        let mut form = Multipart::from_request(request, &()).await.ok()?;
        let (mut fields, mut file) = (Vec::new(), None);
        while let Some(part) = form.next_field().await.ok()? {
            let name = part.name().unwrap_or_default().to_owned();
            if part.file_name().is_some() {
                file = Some(name);
                break;
            }
            fields.push((name, part.text().await.ok()?));
        }
        Some(Self { fields: Fields(fields).without_secrets(), file })
    }
}

/// Content type of a form without a file.
pub(crate) const PLAIN: &str = "application/x-www-form-urlencoded";
/// Content type of a form with one.
const WITH_FILE: &str = "multipart/form-data";

/// Whether a form of this type was sent.
pub(crate) fn is_form(parts: &Parts, kind: &str) -> bool {
    let given = parts.headers.get(CONTENT_TYPE).and_then(|v| v.to_str().ok());
    parts.method == Method::POST && given.is_some_and(|given| given.starts_with(kind))
}

/// A form of a session carries its token; before there is a session, the browser's own word on where a request comes
/// from (checked by the guard for every request) has to do.
fn check_token(visit: Option<&Visit>, given: &str) -> Result<(), Problem> {
    let Some(me) = visit.and_then(Visit::somebody) else { return Ok(()) };
    if bool::from(me.csrf.as_bytes().ct_eq(given.as_bytes())) { Ok(()) } else { Err(app::Error::Forbidden.into()) }
}

/// The errors of a form, by field.
#[derive(Clone, Debug, Default)]
pub(crate) struct Errors(pub(crate) Vec<FieldError>);

impl Errors {
    /// Takes the field errors out of a refusal; other refusals become one error of the whole form.
    ///
    /// # Errors
    /// What is no matter of the form.
    pub(crate) fn of(error: app::Error) -> Result<Self, Problem> {
        match error {
            app::Error::Fields(errors) => Ok(Self(errors)),
            app::Error::Invalid { .. } | app::Error::Refused(_) | app::Error::Conflict { .. } => {
                Ok(Self(vec![FieldError { field: String::new(), message: error.to_string() }]))
            }
            other => Err(other.into()),
        }
    }

    /// The message for a field.
    pub(crate) fn on(&self, field: &str) -> Option<&str> {
        self.0.iter().find(|e| e.field == field).map(|e| e.message.as_str())
    }

    /// Whether there is none.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
