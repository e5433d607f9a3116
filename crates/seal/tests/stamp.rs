//! Time stamps by somebody else's authority: OpenSSL's.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

use std::fs;

use seal::stamp::{Authority, Refused, check, request};
use testkit::Tsa;

fn trusted(tsa: &Tsa) -> Authority {
    Authority::parse(tsa.certificate().as_bytes()).unwrap()
}

const HEAD: &[u8] = b"sakimori-log/1\n5\nAAAA\n\n\xe2\x80\x94 x y\n";

#[test]
fn a_reply_of_openssl_is_checked_down_to_its_authority() {
    for key in ["-algorithm RSA -pkeyopt rsa_keygen_bits:2048", "-algorithm EC -pkeyopt ec_paramgen_curve:P-256"] {
        let tsa = Tsa::with(key);
        let asked = request(HEAD).unwrap();
        let reply = tsa.reply(&asked);
        let stamp = check(&reply, &asked, HEAD, &trusted(&tsa)).unwrap();
        let made = fs::metadata(tsa.folder().join("reply.tsr")).unwrap().modified().unwrap();
        let made = made.duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
        assert!(made.abs_diff(stamp.time.cast_unsigned()) < 60 && stamp.name.contains("TSA"));
        // The other way round: OpenSSL finds our request's bytes in it.
        fs::write(tsa.folder().join("checkpoint"), HEAD).unwrap();
        tsa.openssl("ts -verify -data checkpoint -in reply.tsr -CAfile ca.pem");
        // Something else, another request, another authority.
        assert_eq!(check(&reply, &asked, b"other", &trusted(&tsa)), Err(Refused::OfSomethingElse));
        let again = request(HEAD).unwrap();
        assert_eq!(check(&reply, &again, HEAD, &trusted(&tsa)), Err(Refused::Nonce));
        let other = Tsa::new();
        assert_eq!(check(&reply, &asked, HEAD, &trusted(&other)), Err(Refused::Authority));
        // Every changed byte: none makes it count as another time, and most are noticed at once.
        for at in (0..reply.len()).step_by(7) {
            let mut bad = reply.clone();
            bad[at] ^= 0x55;
            assert!(!check(&bad, &asked, HEAD, &trusted(&tsa)).is_ok_and(|s| s != stamp), "{at}");
            assert!(check(&reply[..at], &asked, HEAD, &trusted(&tsa)).is_err(), "cut at {at}");
        }
    }
}

#[test]
fn a_certificate_for_something_else_stamps_nothing() {
    let tsa = Tsa::new();
    let asked = request(HEAD).unwrap();
    // OpenSSL's own authority refuses such a certificate, so the chain is what is changed: issued for a web server, and
    // ended before the stamp was made.
    tsa.certify("web", "web.pem");
    let web = Authority::parse(&fs::read(tsa.folder().join("web.pem")).unwrap());
    let reply = tsa.reply(&asked);
    if let Ok(web) = web {
        assert_eq!(check(&reply, &asked, HEAD, &web), Err(Refused::Authority));
    }
    let refusal = b"\x30\x03\x02\x01\x02".to_vec();
    let refusal = [b"\x30\x05".to_vec(), refusal].concat();
    assert_eq!(check(&refusal, &asked, HEAD, &trusted(&tsa)), Err(Refused::NotGranted));
    assert!(Authority::parse(b"nothing").is_err());
}
