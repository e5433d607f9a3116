//! Random names for terminals. Secrets that open something are made by `app`.

use ring::rand::{SecureRandom as _, SystemRandom};

/// Characters of a secret: 32 bytes in hex.
pub(crate) const SECRET_LENGTH: usize = 64;

/// A new secret of 256 bits.
pub(crate) fn secret() -> Result<String, ()> {
    let mut bytes = [0_u8; 32];
    SystemRandom::new().fill(&mut bytes).map_err(|_| ())?;
    Ok(bytes.iter().map(|b| format!("{b:02x}")).collect())
}
