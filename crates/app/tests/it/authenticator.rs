//! A software authenticator: answers the browser's options as a browser with a security key would (WebAuthn level 2,
//! ES256, attestation `none`), and misbehaves on request.

use domain::journal::sha256;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair};
use serde_json::{Value as Json, json};

/// One passkey with its device.
pub(crate) struct Authenticator {
    key: EcdsaKeyPair,
    id: Vec<u8>,
    owner: Json,
    /// Origin the browser is on.
    pub(crate) origin: String,
    /// Whether the person shows finger or PIN.
    pub(crate) verifies: bool,
    /// Counter, as shown next.
    pub(crate) counter: u32,
}

impl Authenticator {
    /// Makes a passkey for creation options; it and the browser's answer.
    pub(crate) fn create(origin: &str, options: &str, attachment: &str) -> (Self, String) {
        let options: Json = serde_json::from_str(options).unwrap();
        let random = SystemRandom::new();
        let key = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &random).unwrap();
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, key.as_ref(), &random).unwrap();
        let point = key.public_key().as_ref().to_vec();
        let options = &options["publicKey"];
        assert_eq!(options["authenticatorSelection"]["residentKey"], "required");
        assert_eq!(options["authenticatorSelection"]["userVerification"], "required");
        let id = point[1..33].to_vec();
        let mut made = Self {
            key,
            id,
            owner: options["user"]["id"].clone(),
            origin: origin.to_owned(),
            verifies: true,
            counter: 1,
        };
        // COSE key: EC2, ES256, P-256, x, y.
        let mut cose = vec![0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 0x20];
        cose.extend(&point[1..33]);
        cose.extend([0x22, 0x58, 0x20]);
        cose.extend(&point[33..65]);
        // AAGUID of a YubiKey 5 NFC.
        let mut data = made.data(options["rp"]["id"].as_str().unwrap(), 0x40);
        data.extend(0x2fc0_579f_8113_47ea_b116_bb5a_8db9_202a_u128.to_be_bytes());
        data.extend([0, 32]);
        data.extend(&made.id);
        data.extend(cose);
        let mut object = b"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x58".to_vec();
        object.push(u8::try_from(data.len()).unwrap());
        object.extend(data);
        made.counter += 1;
        let response = json!({
            "id": base64url(&made.id),
            "rawId": base64url(&made.id),
            "type": "public-key",
            "authenticatorAttachment": attachment,
            "clientExtensionResults": {},
            "response": {
                "attestationObject": base64url(&object),
                "clientDataJSON": base64url(&made.client_data("webauthn.create", options)),
                "transports": ["usb"],
            },
        });
        (made, response.to_string())
    }

    /// The browser's answer to request options.
    pub(crate) fn get(&mut self, options: &str) -> String {
        let options: Json = serde_json::from_str(options).unwrap();
        let options = &options["publicKey"];
        let data = self.data(options["rpId"].as_str().unwrap(), 0);
        let client = self.client_data("webauthn.get", options);
        let signed = [data.clone(), bytes(&sha256(&client))].concat();
        let signature = self.key.sign(&SystemRandom::new(), &signed).unwrap();
        self.counter += 1;
        json!({
            "id": base64url(&self.id),
            "rawId": base64url(&self.id),
            "type": "public-key",
            "clientExtensionResults": {},
            "response": {
                "authenticatorData": base64url(&data),
                "clientDataJSON": base64url(&client),
                "signature": base64url(signature.as_ref()),
                "userHandle": self.owner,
            },
        })
        .to_string()
    }

    fn client_data(&self, what: &str, options: &Json) -> Vec<u8> {
        let data = json!({
            "type": what, "challenge": options["challenge"], "origin": self.origin, "crossOrigin": false,
        });
        data.to_string().into_bytes()
    }

    fn data(&self, rp: &str, flags: u8) -> Vec<u8> {
        let verified = if self.verifies { 0x04 } else { 0 };
        let mut data = bytes(&sha256(rp.as_bytes()));
        data.push(0x01 | verified | flags);
        data.extend(self.counter.to_be_bytes());
        data
    }
}

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

fn base64url(bytes: &[u8]) -> String {
    const SIGNS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let sign = |group: u32, at: usize| char::from(SIGNS[usize::try_from(group >> (18 - 6 * at) & 63).unwrap()]);
    bytes
        .chunks(3)
        .flat_map(|part| {
            let group = (0..3).fold(0, |group, at| group << 8 | u32::from(part.get(at).copied().unwrap_or(0)));
            (0..=part.len()).map(move |at| sign(group, at))
        })
        .collect()
}
