//! stub
#![allow(missing_docs, clippy::unused_async)]
use crate::{App, Result};
use domain::authz::{Permission, Role};
use domain::journal::Actor;
use jiff::Timestamp;
use jiff::civil::Date;
use std::net::IpAddr;
#[derive(Clone)]
pub struct Cookie(String);
impl Cookie {
    pub fn expose(&self) -> &str {
        &self.0
    }
}
pub struct Terminal {
    pub key: String,
    pub address: IpAddr,
    pub agent: String,
}
#[derive(Clone)]
pub struct User {
    pub id: String,
    pub facility: String,
    pub login: String,
    pub name: String,
    pub person: Option<String>,
    pub role: Role,
    pub notice: Option<String>,
    pub valid_from: Option<Date>,
    pub valid_until: Option<Date>,
    pub has_password: bool,
    pub has_totp: bool,
    pub passkeys: u32,
    pub recovery_left: u32,
}
#[derive(Clone)]
pub struct Signed {
    pub session: String,
    pub user: User,
    pub signed_in_at: Timestamp,
    pub csrf: String,
    pub locked: bool,
    pub shared: bool,
    pub idle_ends_at: Timestamp,
    pub ends_at: Timestamp,
}
impl Signed {
    pub fn actor(&self) -> Actor {
        Actor::new(self.user.name.clone())
    }
    pub fn fresh(&self, _now: Timestamp) -> bool {
        true
    }
    pub fn may(&self, p: Permission) -> bool {
        self.user.role.may(p)
    }
}
impl App {
    pub async fn session(&self, _t: &Terminal, _c: &str) -> Result<Option<Signed>> {
        let Some(f) = self.store.facility_list().await?.into_iter().next() else { return Ok(None) };
        let now = self.now();
        let later = now + jiff::Span::new().hours(1);
        let user = User {
            id: "u".into(),
            facility: f.id,
            login: "admin".into(),
            name: "事務長".into(),
            person: None,
            role: Role::Admin,
            notice: None,
            valid_from: None,
            valid_until: None,
            has_password: true,
            has_totp: true,
            passkeys: 0,
            recovery_left: 0,
        };
        Ok(Some(Signed {
            session: "s".into(),
            user,
            signed_in_at: now,
            csrf: "token".into(),
            locked: false,
            shared: false,
            idle_ends_at: later,
            ends_at: later,
        }))
    }
    pub async fn sign_in_password(&self, _t: &Terminal, _l: &str, _p: &str, _c: Option<&str>) -> Result<Cookie> {
        Ok(Cookie(String::new()))
    }
    pub async fn passkey_challenge(&self, _t: &Terminal) -> Result<(String, Cookie)> {
        Ok((String::new(), Cookie(String::new())))
    }
    pub async fn sign_in_passkey(&self, _t: &Terminal, _c: &str, _r: &str) -> Result<Cookie> {
        Ok(Cookie(String::new()))
    }
    pub async fn unlock_password(&self, _t: &Terminal, _cookie: &str, _p: &str, _c: Option<&str>) -> Result<Cookie> {
        Ok(Cookie(String::new()))
    }
    pub async fn unlock_passkey(&self, _t: &Terminal, _cookie: &str, _c: &str, _r: &str) -> Result<Cookie> {
        Ok(Cookie(String::new()))
    }
    pub async fn sign_out(&self, _s: &Signed) -> Result<()> {
        Ok(())
    }
    pub async fn needs_setup(&self) -> Result<bool> {
        Ok(false)
    }
    pub fn passkeys_available(&self) -> bool {
        true
    }
}
