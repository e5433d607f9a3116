//! One-time codes from an app (TOTP, RFC 6238): SHA-1, six digits, 30 seconds, one step of tolerance either way, as
//! every authenticator app can. Each step is good once.

use domain::journal::Event;
use store::UserRow;
use totp_rs::{Builder, Totp};

use super::passkey::Ceremony;
use super::{Cookie, Signed, has_way_in, last_way_in, secrets};
use crate::App;
use crate::error::{Error, Result};

/// What authenticator apps show above the code.
const ISSUER: &str = "Sakimori";

fn generator(secret: Vec<u8>, login: &str) -> Result<Totp> {
    let account = login.replace(':', " ");
    let built = Builder::new().with_secret(secret).with_account_name(account).with_issuer(Some(ISSUER)).build();
    built.map_err(|error| Error::Internal { message: format!("totp {error}") })
}

impl App {
    /// Begins to add a one-time code generator: the `otpauth` address for a QR code, the secret in Base32 for typing,
    /// and the ceremony for [`App::totp_confirm`].
    ///
    /// # Errors
    /// [`Error::StepUp`] without a fresh proof.
    pub async fn totp_begin(&self, signed: &Signed) -> Result<(String, String, Cookie)> {
        signed.need_fresh(self.now())?;
        let entropy = self.identity.entropy.as_ref();
        let secret = secrets::random::<20>(entropy)?;
        let totp = generator(secret.to_vec(), &signed.user.login)?;
        let uri = totp.to_url().map_err(|error| Error::Internal { message: format!("totp {error}") })?;
        let sealed = self.identity.keys.seal(entropy, &signed.user.id, &secret)?;
        let state = Ceremony::Totp(sealed);
        let ceremony = self.ceremony_begin(&signed.row.terminal_sha256, Some(&signed.user.id), &state).await?;
        Ok((uri, totp.secret().to_base32(), ceremony))
    }

    /// Adds the generator once it has shown a right code; an earlier one is replaced.
    ///
    /// # Errors
    /// `AUT-009` when the ceremony is over, `AUT-011` when the code is wrong: begin again.
    pub async fn totp_confirm(&self, signed: &Signed, ceremony: &str, code: &str) -> Result<()> {
        signed.need_fresh(self.now())?;
        let (owner, state) = self.ceremony_end(&signed.row.terminal_sha256, ceremony).await?;
        let Ceremony::Totp(sealed) = state else { return Err(super::passkey::ceremony_over()) };
        if owner.as_deref() != Some(&signed.user.id) {
            return Err(super::passkey::ceremony_over());
        }
        let mut user = self.own_row(signed).await?;
        (user.totp_secret, user.totp_last_step, user.must_renew) = (Some(sealed), 0, false);
        user.totp_last_step = self.totp_step(&user, &domain::text::tidy(code))?.ok_or_else(|| {
            Error::invalid(
                "AUT-011",
                "確認コードが合いません。入力の違いか、端末の時計のずれです。時計を合わせて、はじめからやり直してください。",
            )
        })?;
        let mut tx = self.store.begin(&signed.actor(), &user.facility, self.now()).await?;
        tx.user_update(&user).await?;
        tx.record(Event::new("totp.set", user.id));
        Ok(tx.commit().await?)
    }

    /// Removes the generator.
    ///
    /// # Errors
    /// [`Error::StepUp`] without a fresh proof, `AUT-010` when nothing else would let the person in.
    pub async fn totp_remove(&self, signed: &Signed) -> Result<()> {
        signed.need_fresh(self.now())?;
        let mut user = self.own_row(signed).await?;
        if user.totp_secret.take().is_none() {
            return Err(Error::NotFound { what: "確認コードの設定".to_owned() });
        }
        if !has_way_in(&user) {
            return Err(last_way_in());
        }
        let mut tx = self.store.begin(&signed.actor(), &user.facility, self.now()).await?;
        tx.user_update(&user).await?;
        tx.record(Event::new("totp.remove", user.id));
        Ok(tx.commit().await?)
    }

    /// The step whose code this is, if it is right now and was not used yet.
    pub(super) fn totp_step(&self, user: &UserRow, code: &str) -> Result<Option<i64>> {
        let Some(sealed) = &user.totp_secret else { return Ok(None) };
        let totp = generator(self.identity.keys.unseal(&user.id, sealed)?, &user.login)?;
        let now = u64::try_from(self.now().as_second()).unwrap_or_default();
        let step = totp.check(code, now).and_then(|step| i64::try_from(step).ok());
        Ok(step.filter(|step| *step > user.totp_last_step))
    }
}
