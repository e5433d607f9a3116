//! Time stamps by somebody else's authority: OpenSSL's.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

use std::fs;
use std::path::Path;
use std::process::Command;

use seal::stamp::{Authority, Refused, check, request};
use tempfile::TempDir;

const CONFIG: &str = "
[tsa]
default_tsa = one
[one]
serial = serial
crypto_device = builtin
signer_cert = signer.pem
certs = ca.pem
signer_key = signer.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
ordering = no
tsa_name = yes
ess_cert_id_chain = no
ess_cert_id_alg = sha256
clock_precision_digits = 3
[ca]
basicConstraints = critical,CA:true
keyUsage = critical,keyCertSign
[signer]
keyUsage = critical,digitalSignature
extendedKeyUsage = critical,timeStamping
[web]
extendedKeyUsage = critical,serverAuth
";

fn openssl(folder: &Path, command: &str) {
    let ended = Command::new("openssl").args(command.split_whitespace()).current_dir(folder).output().unwrap();
    assert!(ended.status.success(), "{command}: {}", String::from_utf8_lossy(&ended.stderr));
}

/// An authority with a key of this kind; the signer's certificate has the extensions of this section.
fn authority(key: &str, usage: &str) -> TempDir {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("openssl.cnf"), CONFIG).unwrap();
    fs::write(folder.path().join("serial"), "01\n").unwrap();
    let run = |command: &str| openssl(folder.path(), command);
    run(&format!("genpkey {key} -out ca.key"));
    run(&format!("genpkey {key} -out signer.key"));
    run(
        "req -new -x509 -key ca.key -subj /CN=架空認証局 -utf8 -days 30 -out ca.pem -config openssl.cnf -extensions ca",
    );
    run("req -new -key signer.key -subj /CN=TSA -out signer.csr -config openssl.cnf");
    run(&format!(
        "x509 -req -in signer.csr -CA ca.pem -CAkey ca.key -days 30 -out signer.pem -extfile openssl.cnf -extensions {usage}"
    ));
    folder
}

fn replied(folder: &Path, request: &[u8]) -> Vec<u8> {
    fs::write(folder.join("request.tsq"), request).unwrap();
    openssl(folder, "ts -reply -config openssl.cnf -queryfile request.tsq -out reply.tsr");
    fs::read(folder.join("reply.tsr")).unwrap()
}

fn trusted(folder: &Path) -> Authority {
    Authority::parse(&fs::read(folder.join("ca.pem")).unwrap()).unwrap()
}

const HEAD: &[u8] = b"sakimori-log/1\n5\nAAAA\n\n\xe2\x80\x94 x y\n";

#[test]
fn a_reply_of_openssl_is_checked_down_to_its_authority() {
    for key in ["-algorithm RSA -pkeyopt rsa_keygen_bits:2048", "-algorithm EC -pkeyopt ec_paramgen_curve:P-256"] {
        let folder = authority(key, "signer");
        let asked = request(HEAD).unwrap();
        let reply = replied(folder.path(), &asked);
        let stamp = check(&reply, &asked, HEAD, &trusted(folder.path())).unwrap();
        let made = fs::metadata(folder.path().join("reply.tsr")).unwrap().modified().unwrap();
        let made = made.duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
        assert!(made.abs_diff(stamp.time.cast_unsigned()) < 60 && stamp.name.contains("TSA"));
        // The other way round: OpenSSL finds our request's bytes in it.
        fs::write(folder.path().join("checkpoint"), HEAD).unwrap();
        openssl(folder.path(), "ts -verify -data checkpoint -in reply.tsr -CAfile ca.pem");
        // Something else, another request, another authority.
        assert_eq!(check(&reply, &asked, b"other", &trusted(folder.path())), Err(Refused::OfSomethingElse));
        let again = request(HEAD).unwrap();
        assert_eq!(check(&reply, &again, HEAD, &trusted(folder.path())), Err(Refused::Nonce));
        let other = authority("-algorithm EC -pkeyopt ec_paramgen_curve:P-256", "signer");
        assert_eq!(check(&reply, &asked, HEAD, &trusted(other.path())), Err(Refused::Authority));
        // Every changed byte: none makes it count as another time, and most are noticed at once.
        for at in (0..reply.len()).step_by(7) {
            let mut bad = reply.clone();
            bad[at] ^= 0x55;
            assert!(!check(&bad, &asked, HEAD, &trusted(folder.path())).is_ok_and(|s| s != stamp), "{at}");
            assert!(check(&reply[..at], &asked, HEAD, &trusted(folder.path())).is_err(), "cut at {at}");
        }
    }
}

#[test]
fn a_certificate_for_something_else_stamps_nothing() {
    let folder = authority("-algorithm EC -pkeyopt ec_paramgen_curve:P-256", "signer");
    let asked = request(HEAD).unwrap();
    // OpenSSL's own authority refuses such a certificate, so the chain is what is changed: issued for a web server, and
    // ended before the stamp was made.
    openssl(
        folder.path(),
        "x509 -req -in signer.csr -CA ca.pem -CAkey ca.key -days 30 -out web.pem -extfile openssl.cnf -extensions web",
    );
    let web = Authority::parse(&fs::read(folder.path().join("web.pem")).unwrap());
    let reply = replied(folder.path(), &asked);
    if let Ok(web) = web {
        assert_eq!(check(&reply, &asked, HEAD, &web), Err(Refused::Authority));
    }
    let refusal = b"\x30\x03\x02\x01\x02".to_vec();
    let refusal = [b"\x30\x05".to_vec(), refusal].concat();
    assert_eq!(check(&refusal, &asked, HEAD, &trusted(folder.path())), Err(Refused::NotGranted));
    assert!(Authority::parse(b"nothing").is_err());
}
