//! Somebody else's time-stamping authority: OpenSSL's, in a folder of its own.

use std::fs;
use std::path::Path;
use std::process::Command;

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

/// A time-stamping authority (RFC 3161).
pub struct Tsa(TempDir);

impl Tsa {
    /// With keys on the P-256 curve.
    pub fn new() -> Self {
        Self::with("-algorithm EC -pkeyopt ec_paramgen_curve:P-256")
    }

    /// With keys as these words of `openssl genpkey` say.
    pub fn with(key: &str) -> Self {
        let tsa = Self(TempDir::new().unwrap());
        fs::write(tsa.folder().join("openssl.cnf"), CONFIG).unwrap();
        fs::write(tsa.folder().join("serial"), "01\n").unwrap();
        tsa.openssl(&format!("genpkey {key} -out ca.key"));
        tsa.openssl(&format!("genpkey {key} -out signer.key"));
        tsa.openssl(
            "req -new -x509 -key ca.key -subj /CN=架空認証局 -utf8 -days 30 -out ca.pem -config openssl.cnf -extensions ca",
        );
        tsa.openssl("req -new -key signer.key -subj /CN=TSA -out signer.csr -config openssl.cnf");
        tsa.certify("signer", "signer.pem");
        tsa
    }

    /// Its folder.
    pub fn folder(&self) -> &Path {
        self.0.path()
    }

    /// Certificate of the authority, PEM.
    pub fn certificate(&self) -> String {
        fs::read_to_string(self.folder().join("ca.pem")).unwrap()
    }

    /// Issues a certificate for the signer's key, for what a section of the configuration says.
    pub fn certify(&self, usage: &str, file: &str) {
        self.openssl(&format!(
            "x509 -req -in signer.csr -CA ca.pem -CAkey ca.key -days 30 -out {file} -extfile openssl.cnf -extensions {usage}"
        ));
    }

    /// Its reply to a request.
    pub fn reply(&self, request: &[u8]) -> Vec<u8> {
        fs::write(self.folder().join("request.tsq"), request).unwrap();
        self.openssl("ts -reply -config openssl.cnf -queryfile request.tsq -out reply.tsr");
        fs::read(self.folder().join("reply.tsr")).unwrap()
    }

    /// Runs `openssl` in its folder.
    pub fn openssl(&self, command: &str) {
        let words = command.split_whitespace();
        let ended = Command::new("openssl").args(words).current_dir(self.folder()).output().unwrap();
        assert!(ended.status.success(), "{command}: {}", String::from_utf8_lossy(&ended.stderr));
    }
}

impl Default for Tsa {
    fn default() -> Self {
        Self::new()
    }
}
