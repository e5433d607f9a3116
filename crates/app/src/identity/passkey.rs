//! Passkeys (WebAuthn): registered as discoverable, used with user verification, so that one act is two factors and
//! nobody types a name on a shared terminal.
//!
//! The state of an exchange stays here, is good once, for five minutes, and only on the terminal it began on. The
//! counter is kept beside the key and never refuses: authenticators without one are common, and a step back is for
//! somebody to look at.

use std::sync::{Arc, PoisonError};

use domain::authz::Permission;
use domain::journal::{Event, sha256};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use store::{CredentialRow, GrantKind, GrantRow, UserRow};
use url::{Host, Url};
use uuid::Uuid;
use webauthn_rs::prelude::{
    DiscoverableAuthentication, Passkey, PasskeyRegistration, PublicKeyCredential, RegisterPublicKeyCredential,
    Webauthn, WebauthnBuilder,
};

use super::session::{Effect, Proved};
use super::{Acting as _, Cookie, Methods, Signed, Terminal, has_left, has_way_in, instant, last_way_in, usable};
use crate::App;
use crate::error::{Error, FieldError, Result};

/// How long an exchange with an authenticator may take.
const PATIENCE: SignedDuration = SignedDuration::from_mins(5);
/// An authenticator built into the terminal, as browsers call it.
const PLATFORM: &str = "platform";

/// Models that are common and whose AAGUID is well known.
const MODELS: [(u128, &str); 14] = [
    (0xea9b_8d66_4d01_1d21_3ce4_b6b4_8cb5_75d4, "Google パスワード マネージャー"),
    (0xfbfc_3007_154e_4ecc_8c0b_6e02_0557_d7bd, "iCloud キーチェーン"),
    (0xdd4e_c289_e01d_41c9_bb89_70fa_845d_4bf2, "iCloud キーチェーン（管理対象）"),
    (0x0898_7058_cadc_4b81_b6e1_30de_50dc_be96, "Windows Hello"),
    (0x9ddd_1817_af5a_4672_a2b9_3e3d_d950_00a9, "Windows Hello"),
    (0x6028_b017_b1d4_4c02_b4b3_afcd_afc9_6bb2, "Windows Hello"),
    (0xcb69_481e_8ff7_4039_93ec_0a27_29a1_54a8, "YubiKey 5"),
    (0xee88_2879_721c_4913_9775_3dfc_ce97_072a, "YubiKey 5"),
    (0x2fc0_579f_8113_47ea_b116_bb5a_8db9_202a, "YubiKey 5 NFC"),
    (0xfa2b_99dc_9e39_4257_8f92_4a30_d23c_4118, "YubiKey 5 NFC"),
    (0xf8a0_11f3_8c0a_4d15_8006_1711_1f9e_dc7d, "Security Key by Yubico"),
    (0xb92c_3f9a_c014_4056_887f_140a_2501_163b, "Security Key by Yubico"),
    (0xbada_5566_a7aa_401f_bd96_4561_9a55_120d, "1Password"),
    (0xd548_826e_79b4_db40_a3d8_1111_6f7e_8349, "Bitwarden"),
];

/// What an exchange under way has to remember.
#[derive(Serialize, Deserialize)]
pub(super) enum Ceremony {
    /// Somebody proves who they are.
    Prove(DiscoverableAuthentication),
    /// Somebody signs what they were shown.
    Approve { state: DiscoverableAuthentication, nonce: String, shown_sha256: String },
    /// A new passkey.
    Register(PasskeyRegistration),
    /// A new one-time code generator: its sealed secret.
    Totp(String),
}

/// A passkey, for the list of its owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PasskeyInfo {
    /// Credential id.
    pub id: String,
    /// What its owner calls it.
    pub name: String,
    /// Model of the authenticator, where known.
    pub model: Option<String>,
    /// When it was registered.
    pub made_at: Timestamp,
    /// When it was last used.
    pub used_at: Option<Timestamp>,
}

pub(super) fn ceremony_over() -> Error {
    Error::invalid(
        "AUT-009",
        "手続きを続けられません。5分が過ぎたか、すでに使われています。はじめからやり直してください。",
    )
}

fn refused() -> Error {
    Error::invalid(
        "AUT-006",
        "パスキーで確認できませんでした。登録のないパスキーか、本人の確認（指紋・顔・PIN）がされていません。\
         登録したパスキーでやり直すか、パスワードを使ってください。",
    )
}

fn not_registered() -> Error {
    Error::invalid(
        "AUT-008",
        "パスキーを登録できませんでした。本人の確認（指紋・顔・PIN）がされていないか、対応していない機器です。\
         もう一度試すか、別の機器を使ってください。",
    )
}

fn built_in_on_shared() -> Error {
    Error::invalid(
        "AUT-012",
        "共用端末では、端末に内蔵のパスキーを使えません。端末を使う全員のものになるからです。\
         持ち歩けるセキュリティキーかスマートフォンのパスキーを使ってください。",
    )
}

impl App {
    /// Says under which address browsers reach the product; passkeys are bound to its host name. A host that is a bare
    /// IP address can have none.
    ///
    /// # Errors
    /// [`Error::Internal`] when the address is no web origin.
    pub fn set_origin(&self, origin: &Url) -> Result<()> {
        let built = match origin.host() {
            Some(Host::Domain(host)) => {
                let built = WebauthnBuilder::new(host, origin).and_then(|b| b.rp_name("Sakimori 防人").build());
                Some(Arc::new(built.map_err(|error| Error::Internal { message: format!("origin {origin}: {error}") })?))
            }
            _ => None,
        };
        *self.identity.passkeys.write().unwrap_or_else(PoisonError::into_inner) = built;
        Ok(())
    }

    /// Whether passkeys can be used.
    pub fn passkeys_available(&self) -> bool {
        self.webauthn().is_ok()
    }

    pub(super) fn webauthn(&self) -> Result<Arc<Webauthn>> {
        let known = self.identity.passkeys.read().unwrap_or_else(PoisonError::into_inner).clone();
        known.ok_or_else(|| {
            Error::invalid(
                "AUT-007",
                "パスキーを使えません。このサーバーにIPアドレスでつながっているためです。\
                 ホスト名で開き直すか、パスワードと確認コードを使ってください。",
            )
        })
    }

    /// Begins a sign-in, an unlocking or a step-up with a passkey: the options for the browser
    /// (`{"publicKey": …}`), and the ceremony.
    ///
    /// # Errors
    /// `AUT-007` where there are no passkeys.
    pub async fn passkey_challenge(&self, terminal: &Terminal) -> Result<(String, Cookie)> {
        let started = self.webauthn()?.start_discoverable_authentication();
        let (options, state) = started.map_err(|error| Error::Internal { message: format!("passkey {error}") })?;
        let ceremony = self.ceremony_begin(&terminal.sha256(), None, &Ceremony::Prove(state)).await?;
        Ok((json!({ "publicKey": options.public_key }).to_string(), ceremony))
    }

    /// Signs in with a passkey.
    ///
    /// # Errors
    /// `AUT-006` for whatever is wrong, `AUT-009` when the ceremony is over, `AUT-012` for an authenticator built into a
    /// shared terminal.
    pub async fn sign_in_passkey(&self, terminal: &Terminal, ceremony: &str, response_json: &str) -> Result<Cookie> {
        let shared = self.is_shared(terminal).await?;
        let at = (terminal.sha256(), terminal.address.to_string());
        let proved = self.prove_passkey(&at, shared, ceremony, response_json).await?;
        self.session_open(terminal, proved).await
    }

    /// Opens a locked screen with a passkey of its owner; the session gets a new cookie.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] when the session is over, else as [`App::sign_in_passkey`].
    pub async fn unlock_passkey(
        &self,
        terminal: &Terminal,
        cookie: &str,
        ceremony: &str,
        response_json: &str,
    ) -> Result<Cookie> {
        let (session, user) = self.session_to_unlock(terminal, cookie).await?;
        let at = (terminal.sha256(), terminal.address.to_string());
        let proved = self.prove_passkey(&at, session.shared, ceremony, response_json).await?;
        if proved.user.id != user.id {
            return Err(self.passkey_failed(Some(&proved.user), &proved.address).await?);
        }
        self.session_unlock(session, terminal, proved).await
    }

    /// Proves again who one is, for what needs a fresh proof; the session gets a new cookie.
    ///
    /// # Errors
    /// As [`App::sign_in_passkey`].
    pub async fn step_up_passkey(&self, signed: &Signed, ceremony: &str, response_json: &str) -> Result<Cookie> {
        signed.need(Permission::UseOwnAccount)?;
        let at = (signed.row.terminal_sha256.clone(), signed.row.address.clone());
        let proved = self.prove_passkey(&at, signed.shared, ceremony, response_json).await?;
        if proved.user.id != signed.user.id {
            return Err(self.passkey_failed(Some(&proved.user), &proved.address).await?);
        }
        self.session_step_up(signed, proved).await
    }

    /// Begins to register a passkey: the options for the browser (`{"publicKey": …}`), and the ceremony.
    ///
    /// # Errors
    /// [`Error::StepUp`] without a fresh proof, `AUT-007` where there are no passkeys.
    pub async fn passkey_register_begin(&self, signed: &Signed) -> Result<(String, Cookie)> {
        signed.need_fresh(self.now())?;
        let internal = |what: &str| Error::Internal { message: format!("passkey {what}") };
        let id = Uuid::parse_str(&signed.user.id).map_err(|_| internal("user id"))?;
        let known = self.store.credential_list(&signed.user.id).await?;
        let known = known.iter().map(|c| Ok(passkey(c)?.cred_id().clone())).collect::<Result<Vec<_>>>()?;
        let started =
            self.webauthn()?.start_passkey_registration(id, &signed.user.login, &signed.user.name, Some(known));
        let (options, state) = started.map_err(|error| internal(&error.to_string()))?;
        let mut options = serde_json::to_value(options.public_key).map_err(|_| internal("options"))?;
        let mut selection =
            json!({ "residentKey": "required", "requireResidentKey": true, "userVerification": "required" });
        if signed.shared
            && let Some(selection) = selection.as_object_mut()
        {
            selection.insert("authenticatorAttachment".to_owned(), "cross-platform".into());
        }
        if let Some(options) = options.as_object_mut() {
            options.insert("authenticatorSelection".to_owned(), selection);
        }
        let state = Ceremony::Register(state);
        let ceremony = self.ceremony_begin(&signed.row.terminal_sha256, Some(&signed.user.id), &state).await?;
        Ok((json!({ "publicKey": options }).to_string(), ceremony))
    }

    /// Registers a passkey under a name.
    ///
    /// # Errors
    /// `AUT-009` when the ceremony is over, `AUT-008` when the browser's answer does not fit, `AUT-012` for an
    /// authenticator built into a shared terminal.
    pub async fn passkey_register(
        &self,
        signed: &Signed,
        ceremony: &str,
        name: &str,
        response_json: &str,
    ) -> Result<()> {
        signed.need_fresh(self.now())?;
        let (owner, state) = self.ceremony_end(&signed.row.terminal_sha256, ceremony).await?;
        let Ceremony::Register(state) = state else { return Err(ceremony_over()) };
        if owner.as_deref() != Some(&signed.user.id) {
            return Err(ceremony_over());
        }
        let name = Some(domain::text::tidy(name)).filter(|name| !name.is_empty());
        let name = name.ok_or_else(|| {
            Error::Fields(vec![FieldError::new(
                "name",
                "パスキーの名前がありません。どの機器か分かる名前を入れてください。",
            )])
        })?;
        let response: RegisterPublicKeyCredential =
            serde_json::from_str(response_json).map_err(|_| not_registered())?;
        let said: Json = serde_json::from_str(response_json).map_err(|_| not_registered())?;
        let attachment = said.get("authenticatorAttachment").and_then(Json::as_str);
        if signed.shared && attachment == Some(PLATFORM) {
            return Err(built_in_on_shared());
        }
        let key = self.webauthn()?.finish_passkey_registration(&response, &state).map_err(|_| not_registered())?;
        let row = credential(&key, &signed.user.id, name, self.now().as_microsecond())?;
        let row = CredentialRow {
            model: model(&response.response.attestation_object).map(str::to_owned),
            attachment: attachment.filter(|said| ["platform", "cross-platform"].contains(said)).map(str::to_owned),
            ..row
        };
        let mut user = self.own_row(signed).await?;
        user.must_renew = false;
        let mut tx = self.store.begin(&signed.actor(), &user.facility, self.now()).await?;
        tx.credential_insert(&row).await?;
        tx.user_update(&user).await?;
        let event = Event::new("passkey.add", user.id).with("passkey", row.id).with("name", row.name);
        tx.record(event.with("model", row.model.unwrap_or_default()));
        Ok(tx.commit().await?)
    }

    /// The passkeys of an account, oldest first.
    ///
    /// # Errors
    /// Any store error.
    pub async fn passkey_list(&self, user_id: &str) -> Result<Vec<PasskeyInfo>> {
        let rows = self.store.credential_list(user_id).await?;
        rows.into_iter()
            .map(|row| {
                Ok(PasskeyInfo {
                    made_at: instant(row.made_at)?,
                    used_at: row.used_at.map(instant).transpose()?,
                    id: row.id,
                    name: row.name,
                    model: row.model,
                })
            })
            .collect()
    }

    /// Removes one of one's passkeys.
    ///
    /// # Errors
    /// [`Error::StepUp`] without a fresh proof, `AUT-010` when nothing else would let the person in.
    pub async fn passkey_remove(&self, signed: &Signed, id: &str) -> Result<()> {
        signed.need_fresh(self.now())?;
        let mut user = self.own_row(signed).await?;
        let own = self.store.credential_list(&user.id).await?;
        own.iter().find(|c| c.id == id).ok_or_else(|| Error::NotFound { what: "パスキー".to_owned() })?;
        user.passkeys -= 1;
        if !has_way_in(&user) {
            return Err(last_way_in());
        }
        let mut tx = self.store.begin(&signed.actor(), &user.facility, self.now()).await?;
        // Two removals at a time could each leave the other's key as the last: the revision lets one through.
        tx.user_update(&user).await?;
        tx.credential_delete(&user.id, id).await?;
        tx.record(Event::new("passkey.remove", user.id).with("passkey", id));
        Ok(tx.commit().await?)
    }

    /// Who it is, if the browser's answer to a challenge of this terminal (hash of its key, address) is right.
    async fn prove_passkey(
        &self,
        at: &(String, String),
        shared: bool,
        ceremony: &str,
        response_json: &str,
    ) -> Result<Proved> {
        let (_, Ceremony::Prove(state)) = self.ceremony_end(&at.0, ceremony).await? else {
            return Err(ceremony_over());
        };
        Ok(self.prove_with(at, shared, state, response_json).await?.0)
    }

    /// The same for an exchange that was taken already, with the passkey used.
    pub(super) async fn prove_with(
        &self,
        (_, address): &(String, String),
        shared: bool,
        state: DiscoverableAuthentication,
        response_json: &str,
    ) -> Result<(Proved, CredentialRow)> {
        let webauthn = self.webauthn()?;
        let Ok(response) = serde_json::from_str::<PublicKeyCredential>(response_json) else {
            return Err(self.passkey_failed(None, address).await?);
        };
        let Some((user, known)) = self.passkey_owner(&webauthn, &response).await? else {
            return Err(self.passkey_failed(None, address).await?);
        };
        let proof = webauthn.finish_discoverable_authentication_v2(&response, state, &passkey(&known)?);
        let Some(proof) = proof.ok().filter(|proof| proof.user_verified()) else {
            return Err(self.passkey_failed(Some(&user), address).await?);
        };
        if has_left(&user, self.today()) {
            self.disable_left(&user).await?;
        }
        if !usable(&user, self.today()) {
            return Err(self.passkey_failed(Some(&user), address).await?);
        }
        if shared && known.attachment.as_deref() == Some(PLATFORM) {
            self.passkey_failed(Some(&user), address).await?;
            return Err(built_in_on_shared());
        }
        let shown = i64::from(proof.counter());
        let effect = Effect::Passkey {
            id: known.id.clone(),
            counter: shown.max(known.counter),
            stepped_back: (shown > 0 || known.counter > 0) && shown <= known.counter,
        };
        let proved = Proved { user, methods: Methods::Passkey, effect, account: None, address: address.clone() };
        Ok((proved, known))
    }

    /// The account and passkey that an answer names, if they belong together.
    async fn passkey_owner(
        &self,
        webauthn: &Webauthn,
        response: &PublicKeyCredential,
    ) -> Result<Option<(UserRow, CredentialRow)>> {
        let Ok((user, _)) = webauthn.identify_discoverable_authentication(response) else { return Ok(None) };
        let said = serde_json::to_value(response).unwrap_or_default();
        let id = said.get("rawId").and_then(Json::as_str).unwrap_or_default();
        let known = self.store.credential_find(id).await?.filter(|known| known.user == user.to_string());
        let Some(known) = known else { return Ok(None) };
        Ok(self.store.user_find(&known.user).await?.map(|user| (user, known)))
    }

    /// Journals that a passkey did not do; the error to answer with.
    pub(super) async fn passkey_failed(&self, user: Option<&UserRow>, address: &str) -> Result<Error> {
        self.sign_in_failed(user, None, address, "passkey").await?;
        Ok(refused())
    }

    /// Keeps the state of an exchange for five minutes; the secret with which it is taken.
    pub(super) async fn ceremony_begin(&self, terminal: &str, user: Option<&str>, state: &Ceremony) -> Result<Cookie> {
        let cookie = self.identity.secret()?;
        let now = self.now();
        let grant = GrantRow {
            id: Uuid::now_v7().to_string(),
            kind: GrantKind::Ceremony,
            secret_sha256: cookie.sha256(),
            user: user.map(str::to_owned),
            facility: String::new(),
            terminal_sha256: Some(terminal.to_owned()),
            address: None,
            state: serde_json::to_string(state).map_err(|_| Error::Internal { message: "ceremony".to_owned() })?,
            made_at: now.as_microsecond(),
            ends_at: (now + PATIENCE).as_microsecond(),
            confirmed_at: None,
        };
        self.store.ceremony_put(&grant).await?;
        Ok(cookie)
    }

    /// Takes the state of an exchange of this terminal, with the account it is for; it is gone then.
    pub(super) async fn ceremony_end(&self, terminal: &str, secret: &str) -> Result<(Option<String>, Ceremony)> {
        let taken = self.store.ceremony_take(&sha256(secret.as_bytes()), self.now().as_microsecond()).await?;
        let taken =
            taken.filter(|taken| taken.terminal_sha256.as_deref() == Some(terminal)).ok_or_else(ceremony_over)?;
        let state = serde_json::from_str(&taken.state);
        Ok((taken.user, state.map_err(|_| Error::Internal { message: "ceremony".to_owned() })?))
    }
}

/// The stored passkey.
fn passkey(row: &CredentialRow) -> Result<Passkey> {
    serde_json::from_str(&row.passkey).map_err(|_| Error::Internal { message: format!("passkey {}", row.id) })
}

/// The row of a new passkey. Its counter moves out of the key, where it would refuse authenticators that step back.
fn credential(key: &Passkey, user: &str, name: String, made_at: i64) -> Result<CredentialRow> {
    let internal = || Error::Internal { message: "passkey".to_owned() };
    let mut json = serde_json::to_value(key).map_err(|_| internal())?;
    let inner = json.get_mut("cred").and_then(Json::as_object_mut).ok_or_else(internal)?;
    let counter = inner.insert("counter".to_owned(), 0.into()).and_then(|counter| counter.as_i64());
    let id = inner.get("cred_id").and_then(Json::as_str).ok_or_else(internal)?.to_owned();
    let backup_eligible = inner.get("backup_eligible").and_then(Json::as_bool).ok_or_else(internal)?;
    Ok(CredentialRow {
        id,
        user: user.to_owned(),
        name,
        passkey: json.to_string(),
        model: None,
        attachment: None,
        backup_eligible,
        counter: counter.ok_or_else(internal)?,
        made_at,
        used_at: None,
    })
}

/// The model of an authenticator by its AAGUID, which stands at a fixed place of the authenticator data inside the
/// attestation object (WebAuthn level 2, §6.1, §6.5.4). It is not attested: good for a name in a list, no more.
fn model(attestation_object: &[u8]) -> Option<&'static str> {
    const KEY: &[u8] = b"\x68authData";
    const AAGUID: std::ops::Range<usize> = 37..53;
    let at = attestation_object.windows(KEY.len()).position(|window| window == KEY)?;
    let value = attestation_object.get(at + KEY.len()..)?;
    // A CBOR byte string whose length takes one byte or two.
    let data = match value.first()? {
        0x58 => value.get(2..)?,
        0x59 => value.get(3..)?,
        _ => return None,
    };
    let aaguid = u128::from_be_bytes(data.get(AAGUID)?.try_into().ok()?);
    MODELS.iter().find(|(known, _)| *known == aaguid).map(|(_, name)| *name)
}
