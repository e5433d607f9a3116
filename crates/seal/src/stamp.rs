//! Time stamps (RFC 3161): an authority says when a signed head existed.
//!
//! The request covers the bytes of the signed head, so that anybody can check the reply with other people's tools:
//! `openssl ts -verify -data checkpoint -in reply.tsr -CAfile authority.pem`. [`check`] accepts a reply only if it
//! was granted, covers these bytes, carries the nonce of the request, is signed by the certificate that its signed
//! attributes name, and that certificate was issued for time stamping below the given authority at the time it states.

use cms::cert::CertificateChoices;
use cms::content_info::ContentInfo;
use cms::signed_data::{SignedData, SignerIdentifier, SignerInfo};
use der::asn1::{Int, ObjectIdentifier, OctetString, SetOfVec};
use der::{Any, Decode as _, Encode as _, Sequence, Tag, Tagged as _};
use ring::digest::{self, SHA1_FOR_LEGACY_USE_ONLY, SHA256, SHA384, SHA512};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, SignatureVerificationAlgorithm, TrustAnchor, UnixTime};
use spki::AlgorithmIdentifierOwned;
use webpki::{EndEntityCert, KeyUsage, ring as algorithms};
use x509_cert::Certificate;
use x509_cert::ext::pkix::SubjectKeyIdentifier;
use x509_tsp::{MessageImprint, TimeStampReq, TimeStampResp, TspVersion};

use crate::key::seed;
use crate::log::Error;

const SIGNED_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.2");
const TST_INFO: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.1.4");
const CONTENT_TYPE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.3");
const MESSAGE_DIGEST: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.4");
const SIGNING_CERTIFICATE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.2.12");
const SIGNING_CERTIFICATE_V2: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.2.47");
const SHA_256: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.1");
/// Extended key usage `timeStamping`, 1.3.6.1.5.5.7.3.8, as the content of its DER.
const TIME_STAMPING: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 3, 8];

type Algorithm = &'static dyn SignatureVerificationAlgorithm;

/// Digests that may be signed, with the algorithms that sign them.
const DIGESTS: &[(ObjectIdentifier, &digest::Algorithm, &[Algorithm])] = &[
    (
        SHA_256,
        &SHA256,
        &[
            algorithms::RSA_PKCS1_2048_8192_SHA256,
            algorithms::ECDSA_P256_SHA256,
            algorithms::ECDSA_P384_SHA256,
            algorithms::RSA_PSS_2048_8192_SHA256_LEGACY_KEY,
        ],
    ),
    (
        ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.2"),
        &SHA384,
        &[
            algorithms::RSA_PKCS1_2048_8192_SHA384,
            algorithms::ECDSA_P256_SHA384,
            algorithms::ECDSA_P384_SHA384,
            algorithms::RSA_PSS_2048_8192_SHA384_LEGACY_KEY,
        ],
    ),
    (
        ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.3"),
        &SHA512,
        &[algorithms::RSA_PKCS1_2048_8192_SHA512, algorithms::RSA_PSS_2048_8192_SHA512_LEGACY_KEY, algorithms::ED25519],
    ),
];

/// Whose time stamps count: certificates of an authority, to which the certificate of the signer leads.
pub struct Authority(Vec<CertificateDer<'static>>);

/// A time stamp that was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// When, in POSIX seconds; fractions are cut off.
    pub time: i64,
    /// Subject of the certificate that signed it.
    pub name: String,
}

/// Why a reply does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Not a time stamp, or one that is put together in a way that is not allowed.
    #[error("malformed")]
    Malformed,
    /// The authority did not grant it.
    #[error("not granted")]
    NotGranted,
    /// It covers something else.
    #[error("of something else")]
    OfSomethingElse,
    /// It answers another request.
    #[error("another nonce")]
    Nonce,
    /// The signature is false, or by an algorithm that does not count.
    #[error("false signature")]
    Signature,
    /// The certificate is not of this authority, not for time stamping, or did not hold then.
    #[error("not of this authority")]
    Authority,
}

/// What an authority states. `gen_time` may have fractions of seconds, which DER libraries do not read.
#[derive(Sequence)]
struct TstInfo {
    version: TspVersion,
    policy: ObjectIdentifier,
    message_imprint: MessageImprint,
    serial_number: Int,
    gen_time: Any,
    #[asn1(optional = "true")]
    accuracy: Option<x509_tsp::Accuracy>,
    #[asn1(default = "Default::default")]
    ordering: bool,
    #[asn1(optional = "true")]
    nonce: Option<Int>,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    tsa: Option<Any>,
    #[asn1(context_specific = "1", tag_mode = "IMPLICIT", optional = "true")]
    extensions: Option<x509_cert::ext::Extensions>,
}

/// Which certificate signed (RFC 2634), by its SHA-1.
#[derive(Sequence)]
struct EssCertId {
    cert_hash: OctetString,
    #[asn1(optional = "true")]
    issuer_serial: Option<Any>,
}

#[derive(Sequence)]
struct SigningCertificate {
    certs: Vec<EssCertId>,
    #[asn1(optional = "true")]
    policies: Option<Any>,
}

/// The same (RFC 5035), by SHA-256 or another hash.
#[derive(Sequence)]
struct EssCertIdV2 {
    /// SHA-256 when it is left out.
    #[asn1(optional = "true")]
    hash_algorithm: Option<AlgorithmIdentifierOwned>,
    cert_hash: OctetString,
    #[asn1(optional = "true")]
    issuer_serial: Option<Any>,
}

#[derive(Sequence)]
struct SigningCertificateV2 {
    certs: Vec<EssCertIdV2>,
    #[asn1(optional = "true")]
    policies: Option<Any>,
}

fn hash(algorithm: &'static digest::Algorithm, bytes: &[u8]) -> Vec<u8> {
    digest::digest(algorithm, bytes).as_ref().to_vec()
}

impl Authority {
    /// Certificates in PEM.
    ///
    /// # Errors
    /// [`Error::Malformed`] when there is none, or one cannot be an authority.
    pub fn parse(pem: &[u8]) -> Result<Self, Error> {
        let malformed = Error::Malformed("certificate");
        let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
        match found {
            Ok(all) if !all.is_empty() && all.iter().all(|c| webpki::anchor_from_trusted_cert(c).is_ok()) => {
                Ok(Self(all))
            }
            _ => Err(malformed),
        }
    }

    fn anchors(&self) -> Vec<TrustAnchor<'_>> {
        self.0.iter().filter_map(|cert| webpki::anchor_from_trusted_cert(cert).ok()).collect()
    }
}

/// A request for a time stamp over these bytes, with a nonce and for the certificates to come along.
///
/// # Errors
/// When the machine has no randomness.
pub fn request(bytes: &[u8]) -> Result<Vec<u8>, Error> {
    // Positive, and without a leading zero.
    let mut nonce = seed()?;
    nonce[0] = 1 | nonce[0] & 0x7f;
    let malformed = |_| Error::Malformed("request");
    let request = TimeStampReq {
        version: TspVersion::V1,
        message_imprint: MessageImprint {
            hash_algorithm: AlgorithmIdentifierOwned { oid: SHA_256, parameters: Some(Any::null()) },
            hashed_message: OctetString::new(hash(&SHA256, bytes)).map_err(malformed)?,
        },
        req_policy: None,
        nonce: Some(Int::new(nonce.get(..16).unwrap_or_default()).map_err(malformed)?),
        cert_req: true,
        extensions: None,
    };
    request.to_der().map_err(malformed)
}

/// Checks a reply to `request` over these bytes.
///
/// # Errors
/// Why it does not count.
pub fn check(reply: &[u8], request: &[u8], bytes: &[u8], authority: &Authority) -> Result<Stamp, Refused> {
    let asked = TimeStampReq::from_der(request).map_err(|_| Refused::Malformed)?;
    let reply = TimeStampResp::from_der(reply).map_err(|_| Refused::Malformed)?;
    // granted (0) or grantedWithMods (1).
    if (reply.status.status as u32) > 1 {
        return Err(Refused::NotGranted);
    }
    let token: ContentInfo = reply.time_stamp_token.ok_or(Refused::NotGranted)?;
    if token.content_type != SIGNED_DATA {
        return Err(Refused::Malformed);
    }
    let signed: SignedData = token.content.decode_as().map_err(|_| Refused::Malformed)?;
    let content = &signed.encap_content_info;
    let stated = content.econtent.as_ref().filter(|_| content.econtent_type == TST_INFO).ok_or(Refused::Malformed)?;
    let stated: OctetString = stated.decode_as().map_err(|_| Refused::Malformed)?;
    let info = TstInfo::from_der(stated.as_bytes()).map_err(|_| Refused::Malformed)?;
    let imprint = &info.message_imprint;
    if imprint.hash_algorithm.oid != SHA_256 || imprint.hashed_message.as_bytes() != hash(&SHA256, bytes) {
        return Err(Refused::OfSomethingElse);
    }
    if info.nonce != asked.nonce {
        return Err(Refused::Nonce);
    }
    let certificates: Vec<Certificate> = signed
        .certificates
        .iter()
        .flat_map(|set| set.0.iter())
        .filter_map(|choice| match choice {
            CertificateChoices::Certificate(certificate) => Some(certificate.clone()),
            CertificateChoices::Other(_) => None,
        })
        .collect();
    let [signer] = signed.signer_infos.0.as_slice() else { return Err(Refused::Malformed) };
    let by = certificates.iter().find(|certificate| is_of(signer, certificate)).ok_or(Refused::Authority)?;
    let time = instant(&info.gen_time).ok_or(Refused::Malformed)?;
    let encoded = |certificate: &Certificate| certificate.to_der().map(CertificateDer::from);
    let own = encoded(by).map_err(|_| Refused::Malformed)?;
    let between: Vec<_> = certificates.iter().filter_map(|c| encoded(c).ok()).filter(|c| *c != own).collect();
    check_signature(signer, stated.as_bytes(), &own)?;
    let at = UnixTime::since_unix_epoch(std::time::Duration::from_secs(u64::try_from(time).unwrap_or(0)));
    let usage = KeyUsage::required(TIME_STAMPING);
    let certificate = EndEntityCert::try_from(&own).map_err(|_| Refused::Authority)?;
    certificate
        .verify_for_usage(webpki::ALL_VERIFICATION_ALGS, &authority.anchors(), &between, at, usage, None, None)
        .map_err(|_| Refused::Authority)?;
    Ok(Stamp { time, name: by.tbs_certificate.subject.to_string() })
}

/// Whether a certificate is the one that the signer names.
fn is_of(signer: &SignerInfo, certificate: &Certificate) -> bool {
    let own = &certificate.tbs_certificate;
    match &signer.sid {
        SignerIdentifier::IssuerAndSerialNumber(id) => id.issuer == own.issuer && id.serial_number == own.serial_number,
        SignerIdentifier::SubjectKeyIdentifier(id) => {
            matches!(own.get::<SubjectKeyIdentifier>(), Ok(Some((_, found))) if found == *id)
        }
    }
}

/// The signature over the signed attributes, and that these are about this content and this certificate.
fn check_signature(signer: &SignerInfo, content: &[u8], certificate: &CertificateDer<'_>) -> Result<(), Refused> {
    let (_, digest, signing) =
        DIGESTS.iter().find(|(oid, ..)| *oid == signer.digest_alg.oid).ok_or(Refused::Signature)?;
    let attributes = signer.signed_attrs.as_ref().ok_or(Refused::Malformed)?;
    let single = |oid: ObjectIdentifier| -> Option<Any> {
        let mut found = attributes.iter().filter(|attribute| attribute.oid == oid);
        let values: &SetOfVec<Any> = &found.next()?.values;
        (found.next().is_none() && values.len() == 1).then(|| values.get(0).cloned())?
    };
    let content_type = single(CONTENT_TYPE).and_then(|value| value.decode_as::<ObjectIdentifier>().ok());
    if content_type != Some(TST_INFO) {
        return Err(Refused::Malformed);
    }
    let message = single(MESSAGE_DIGEST).and_then(|value| value.decode_as::<OctetString>().ok());
    if message.is_none_or(|message| message.as_bytes() != hash(digest, content)) {
        return Err(Refused::Signature);
    }
    let named = single(SIGNING_CERTIFICATE_V2).and_then(|value| value.decode_as::<SigningCertificateV2>().ok());
    let is_named = if let Some(first) = named.as_ref().and_then(|named| named.certs.first()) {
        let wanted = first.hash_algorithm.as_ref().map_or(SHA_256, |algorithm| algorithm.oid);
        let algorithm = DIGESTS.iter().find(|(oid, ..)| *oid == wanted);
        algorithm.is_some_and(|(_, digest, _)| first.cert_hash.as_bytes() == hash(digest, certificate))
    } else {
        let named = single(SIGNING_CERTIFICATE).and_then(|value| value.decode_as::<SigningCertificate>().ok());
        let wanted = hash(&SHA1_FOR_LEGACY_USE_ONLY, certificate);
        named.is_some_and(|named| named.certs.first().is_some_and(|first| first.cert_hash.as_bytes() == wanted))
    };
    if !is_named {
        return Err(Refused::Authority);
    }
    // What is signed is their DER as a SET (RFC 5652 §5.4).
    let text = attributes.to_der().map_err(|_| Refused::Malformed)?;
    let key = EndEntityCert::try_from(certificate).map_err(|_| Refused::Authority)?;
    let holds = |algorithm: &Algorithm| key.verify_signature(*algorithm, &text, signer.signature.as_bytes()).is_ok();
    if signing.iter().any(holds) { Ok(()) } else { Err(Refused::Signature) }
}

/// POSIX seconds of a `GeneralizedTime` in UTC, with or without fractions.
fn instant(time: &Any) -> Option<i64> {
    let text = std::str::from_utf8(time.value()).ok().filter(|_| time.tag() == Tag::GeneralizedTime)?;
    let text = text.strip_suffix('Z')?;
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if whole.len() != 14 || !digits(whole) || !digits(fraction) {
        return None;
    }
    let part = |range: std::ops::Range<usize>| whole.get(range)?.parse::<u8>().ok();
    let year = whole.get(..4)?.parse().ok()?;
    let at = der::DateTime::new(year, part(4..6)?, part(6..8)?, part(8..10)?, part(10..12)?, part(12..14)?).ok()?;
    i64::try_from(at.unix_duration().as_secs()).ok()
}
