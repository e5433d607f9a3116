//! 署名: an approval signed by the approver's passkey over exactly what was shown.
//!
//! The challenge that the authenticator signs is the hash of what was shown with a number used once, so the signature
//! says by itself what was approved: who has the journal entry and the public key in it can check it without us
//! (WebAuthn level 2, §7.2).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::authz::Permission;
use domain::journal::sha256;
use serde_json::{Value as Json, json};
use webauthn_rs::prelude::DiscoverableAuthentication;

use super::passkey::{Ceremony, ceremony_over};
use super::{Acting as _, Cookie, Signed};
use crate::App;
use crate::error::{Error, Result};

/// What an authenticator signs for an approval: `sakimori/approval`, the number used once, the hash of what was shown,
/// a line each, as hex SHA-256.
fn challenge(nonce: &str, shown_sha256: &str) -> String {
    sha256(format!("sakimori/approval\n{nonce}\n{shown_sha256}\n").as_bytes())
}

impl App {
    /// Begins to sign what was shown: the options for the browser (`{"publicKey": …}`), and the ceremony.
    ///
    /// # Errors
    /// [`Error::Forbidden`] for who may not approve, `AUT-007` where there are no passkeys.
    pub async fn approval_challenge(&self, signed: &Signed, shown_sha256: &str) -> Result<(String, Cookie)> {
        signed.need(Permission::Approve)?;
        let internal = || Error::Internal { message: "approval".to_owned() };
        let started = self.webauthn()?.start_discoverable_authentication();
        let (options, state) = started.map_err(|error| Error::Internal { message: format!("passkey {error}") })?;
        let nonce = self.identity.secret()?.expose().to_owned();
        let signs = Json::String(URL_SAFE_NO_PAD.encode(challenge(&nonce, shown_sha256)));
        // The library draws the challenge itself; what is to be signed takes its place on both sides.
        let mut state = serde_json::to_value(state).map_err(|_| internal())?;
        *state.pointer_mut("/ast/challenge").ok_or_else(internal)? = signs.clone();
        let state: DiscoverableAuthentication = serde_json::from_value(state).map_err(|_| internal())?;
        let mut options = serde_json::to_value(options.public_key).map_err(|_| internal())?;
        *options.pointer_mut("/challenge").ok_or_else(internal)? = signs;
        let state = Ceremony::Approve { state, nonce, shown_sha256: shown_sha256.to_owned() };
        let ceremony = self.ceremony_begin(&signed.row.terminal_sha256, Some(&signed.user.id), &state).await?;
        Ok((json!({ "publicKey": options }).to_string(), ceremony))
    }

    /// Takes the browser's answer: the signature to be kept with the approval, as JSON, and the session's new cookie,
    /// for a signature is a fresh proof too.
    ///
    /// # Errors
    /// `AUT-009` when the ceremony is over or was for something else, else as [`App::step_up_passkey`].
    pub async fn approval_sign(
        &self,
        signed: &Signed,
        ceremony: &str,
        shown_sha256: &str,
        response_json: &str,
    ) -> Result<(Cookie, String)> {
        signed.need(Permission::Approve)?;
        let at = (signed.row.terminal_sha256.clone(), signed.row.address.clone());
        let (owner, taken) = self.ceremony_end(&at.0, ceremony).await?;
        let Ceremony::Approve { state, nonce, shown_sha256: asked } = taken else { return Err(ceremony_over()) };
        if owner.as_deref() != Some(&signed.user.id) || asked != shown_sha256 {
            return Err(ceremony_over());
        }
        let (proved, known) = self.prove_with(&at, signed.shared, state, response_json).await?;
        if proved.user.id != signed.user.id {
            return Err(self.passkey_failed(Some(&proved.user), &proved.address).await?);
        }
        let said: Json = serde_json::from_str(response_json).unwrap_or_default();
        let key: Json = serde_json::from_str(&known.passkey).unwrap_or_default();
        let part = |name: &str| said.pointer(&format!("/response/{name}")).cloned().unwrap_or_default();
        let signature = json!({
            "passkey": known.id,
            "public_key": key.pointer("/cred/cred").cloned().unwrap_or_default(),
            "nonce": nonce,
            "authenticator_data": part("authenticatorData"),
            "client_data_json": part("clientDataJSON"),
            "signature": part("signature"),
        });
        Ok((self.session_step_up(signed, proved).await?, signature.to_string()))
    }
}
