//! What `tls_server_config` may ask for.

use crate::transport::TlsVersion;

use super::pem::Pem;

/// TLS of the own port.
#[derive(Debug, Clone)]
pub struct WebTls {
    /// The certificate and what is above it.
    pub certificate: Pem,
    /// Its private key.
    pub key: Pem,
    /// Who signs the certificates of clients; there where they are verified.
    pub client_ca: Option<Pem>,
    /// What is asked of clients.
    pub client_auth: ClientAuth,
    /// Of a client certificate's alternative names one must be one of these;
    /// `None`: any will do.
    pub client_allowed_sans: Option<Vec<String>>,
    /// The oldest version that is spoken.
    pub min_version: TlsVersion,
    /// The newest version that is spoken.
    pub max_version: TlsVersion,
    /// Of TLS 1.2, in the order of preference; `None`: all. Those of TLS 1.3
    /// always hold, as in Go.
    pub cipher_suites: Option<Vec<CipherSuite>>,
    /// Whether the order above decides, and not the client's.
    pub prefer_server_cipher_suites: bool,
    /// Groups of the key exchange in the order of preference; `None`: all.
    pub curves: Option<Vec<Curve>>,
}

/// What is asked of clients (Go's `tls.ClientAuthType`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ClientAuth {
    /// No certificate.
    #[default]
    None,
    /// One is asked for and never verified.
    Request,
    /// One must be shown and is never verified.
    RequireAny,
    /// One is verified when it is shown.
    VerifyIfGiven,
    /// One must be shown and is verified.
    RequireAndVerify,
}

/// A cipher suite that is spoken here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is named as it is")]
pub enum CipherSuite {
    EcdheEcdsaAes128GcmSha256,
    EcdheEcdsaAes256GcmSha384,
    EcdheEcdsaChacha20Poly1305,
    EcdheRsaAes128GcmSha256,
    EcdheRsaAes256GcmSha384,
    EcdheRsaChacha20Poly1305,
    Aes128GcmSha256,
    Aes256GcmSha384,
    Chacha20Poly1305,
}

/// A group of the key exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is named as it is")]
pub enum Curve {
    P256,
    P384,
    X25519,
}

impl WebTls {
    /// All that is PEM in it.
    pub(super) fn pems(&self) -> impl Iterator<Item = &Pem> {
        [&self.certificate, &self.key]
            .into_iter()
            .chain(&self.client_ca)
    }
}

impl ClientAuth {
    /// Every policy with Go's name.
    pub const ALL: [(Self, &'static str); 5] = [
        (Self::None, "NoClientCert"),
        (Self::Request, "RequestClientCert"),
        (Self::RequireAny, "RequireAnyClientCert"),
        (Self::VerifyIfGiven, "VerifyClientCertIfGiven"),
        (Self::RequireAndVerify, "RequireAndVerifyClientCert"),
    ];

    /// Whether a certificate that is shown has been verified.
    pub fn verifies(self) -> bool {
        matches!(self, Self::VerifyIfGiven | Self::RequireAndVerify)
    }
}

impl CipherSuite {
    /// Every suite with its name of the IANA registry, as Go writes it.
    pub const ALL: [(Self, &'static str); 9] = [
        (
            Self::EcdheEcdsaAes128GcmSha256,
            "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
        ),
        (
            Self::EcdheEcdsaAes256GcmSha384,
            "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
        ),
        (
            Self::EcdheEcdsaChacha20Poly1305,
            "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
        ),
        (
            Self::EcdheRsaAes128GcmSha256,
            "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
        ),
        (
            Self::EcdheRsaAes256GcmSha384,
            "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
        ),
        (
            Self::EcdheRsaChacha20Poly1305,
            "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
        ),
        (Self::Aes128GcmSha256, "TLS_AES_128_GCM_SHA256"),
        (Self::Aes256GcmSha384, "TLS_AES_256_GCM_SHA384"),
        (Self::Chacha20Poly1305, "TLS_CHACHA20_POLY1305_SHA256"),
    ];

    /// Whether it belongs to TLS 1.3.
    pub fn of_tls13(self) -> bool {
        matches!(
            self,
            Self::Aes128GcmSha256 | Self::Aes256GcmSha384 | Self::Chacha20Poly1305
        )
    }
}

impl Curve {
    /// Every group with Go's name.
    pub const ALL: [(Self, &'static str); 3] = [
        (Self::P256, "CurveP256"),
        (Self::P384, "CurveP384"),
        (Self::X25519, "X25519"),
    ];
}
