//! The TLS policies of the process: each read, parsed and built once, and again
//! only when a file of it has changed.

use std::{
    collections::HashMap,
    fmt,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use rustls::{
    ClientConfig, SupportedProtocolVersion,
    client::{Resumption, Tls12Resumption},
    crypto::{CryptoProvider, ring},
    pki_types::{DnsName, ServerName},
    sign::CertifiedKey,
    version::{TLS12, TLS13},
};

use super::{
    files::{Files, Stamps},
    options::{TlsOptions, TlsVersion},
    pem::{certificates, identity, not_after},
    roots::{self, Roots},
    verifier::{Identity, NoSessions, Verifier},
};

/// Every TLS policy of the process.
#[derive(Debug, Default)]
pub struct TlsPolicies {
    system_roots: OnceLock<Option<Roots>>,
    cache: Mutex<HashMap<TlsOptions, Cached>>,
    stores: AtomicUsize,
    policies: AtomicUsize,
}

/// What was built so far: the dear part of TLS, which registries share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Built {
    /// Stores with the system's roots.
    pub system_stores: usize,
    /// TLS policies: one for each distinct set of options, and one more for each
    /// change of a file.
    pub policies: usize,
}

/// How connections to one registry are verified; shared by all that have the
/// same options. Sessions are never resumed under it.
#[derive(Debug)]
pub struct TlsPolicy {
    own: ClientConfig,
    foreign: Option<ClientConfig>,
    server_name: Option<String>,
    oldest_version: TlsVersion,
    client_certificate_not_after: Option<i64>,
}

/// A TLS option that cannot be used: which one, its file, and why. Never what is
/// in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsError {
    option: &'static str,
    file: Option<PathBuf>,
    problem: String,
}

#[derive(Debug)]
struct Cached {
    stamps: Stamps,
    fingerprint: [u8; 32],
    policy: Arc<TlsPolicy>,
}

impl TlsPolicies {
    /// No policy yet; the system's roots are read with the first one.
    pub fn new() -> Self {
        Self::default()
    }

    /// The policy of these options: the same one as before unless a file of it
    /// has changed.
    ///
    /// The system's roots are read once, by the rules of rustls-native-certs
    /// (`SSL_CERT_FILE`, `SSL_CERT_DIR`, the usual places). A system without any
    /// is no error here: registries reached over plain HTTP need none.
    ///
    /// # Errors
    /// Where a file cannot be read or does not hold what it should.
    pub fn policy(&self, options: &TlsOptions) -> Result<Arc<TlsPolicy>, TlsError> {
        let stamps = Stamps::of(options)?;
        let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(cached) = cache.get(options)
            && cached.stamps == stamps
        {
            return Ok(Arc::clone(&cached.policy));
        }
        let files = Files::read(options)?;
        let fingerprint = files.fingerprint();
        let policy = match cache.get(options) {
            Some(cached) if cached.fingerprint == fingerprint => Arc::clone(&cached.policy),
            _ => Arc::new(self.build(options, &files)?),
        };
        cache.insert(
            options.clone(),
            Cached {
                stamps,
                fingerprint,
                policy: Arc::clone(&policy),
            },
        );
        Ok(policy)
    }

    /// Forgets the policies whose options nobody wants any more.
    pub fn retain(&self, wanted: impl Fn(&TlsOptions) -> bool) {
        let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        cache.retain(|options, _| wanted(options));
    }

    /// What was built so far.
    pub fn built(&self) -> Built {
        Built {
            system_stores: self.stores.load(Ordering::Relaxed),
            policies: self.policies.load(Ordering::Relaxed),
        }
    }

    fn build(&self, options: &TlsOptions, files: &Files) -> Result<TlsPolicy, TlsError> {
        let provider = Arc::new(ring::default_provider());
        let system = self.system_roots.get_or_init(|| {
            self.stores.fetch_add(1, Ordering::Relaxed);
            roots::system(&provider)
        });
        let policy = TlsPolicy::build(options, files, system.as_ref(), &provider)?;
        self.policies.fetch_add(1, Ordering::Relaxed);
        Ok(policy)
    }
}

impl TlsPolicy {
    /// The end of the configured client certificate (seconds since the epoch).
    pub fn client_certificate_not_after(&self) -> Option<i64> {
        self.client_certificate_not_after
    }

    /// For the registry's own host.
    pub(super) fn own(&self) -> &ClientConfig {
        &self.own
    }

    /// For every other host, where that differs.
    pub(super) fn foreign(&self) -> Option<&ClientConfig> {
        self.foreign.as_ref()
    }

    /// The oldest version of TLS that is spoken.
    pub(super) fn oldest_version(&self) -> TlsVersion {
        self.oldest_version
    }

    /// The name to ask for instead of the registry's host.
    pub(super) fn server_name(&self) -> Option<&str> {
        self.server_name.as_deref()
    }

    fn build(
        options: &TlsOptions,
        files: &Files,
        system: Option<&Roots>,
        provider: &Arc<CryptoProvider>,
    ) -> Result<Self, TlsError> {
        let server_name = options.server_name.as_deref().map(dns_name).transpose()?;
        let pinned = match &files.ca {
            Some((path, content)) => certificates("tls.ca_file", path, content)?,
            None => Vec::new(),
        };
        let added = roots::added(options, &pinned, provider)?;
        let roots: Vec<Roots> = added.into_iter().chain(system.cloned()).collect();
        let identity = identity(files, provider)?;
        let verifier = |accept_any, server_name| Verifier {
            roots: roots.clone(),
            pinned: pinned.clone(),
            accept_any,
            server_name,
            provider: Arc::clone(provider),
        };
        let versions = versions(options.min_version);
        let name = server_name
            .clone()
            .and_then(|name| ServerName::try_from(name).ok());
        let differs = options.insecure_skip_verify || identity.is_some() || server_name.is_some();
        let foreign = differs
            .then(|| config(verifier(false, None), None, versions, provider))
            .transpose()?;
        Ok(Self {
            client_certificate_not_after: identity.as_deref().and_then(not_after),
            own: config(
                verifier(options.insecure_skip_verify, name),
                identity,
                versions,
                provider,
            )?,
            foreign,
            server_name,
            oldest_version: options.min_version,
        })
    }
}

impl TlsError {
    pub(super) fn new(
        option: &'static str,
        file: Option<&Path>,
        problem: impl Into<String>,
    ) -> Self {
        Self {
            option,
            file: file.map(Path::to_path_buf),
            problem: problem.into(),
        }
    }
}

impl fmt::Display for TlsError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.file {
            Some(file) => write!(
                formatter,
                "{} `{}`: {}",
                self.option,
                file.display(),
                self.problem
            ),
            None => write!(formatter, "{}: {}", self.option, self.problem),
        }
    }
}

impl std::error::Error for TlsError {}

fn config(
    verifier: Verifier,
    identity: Option<Arc<CertifiedKey>>,
    versions: &[&'static SupportedProtocolVersion],
    provider: &Arc<CryptoProvider>,
) -> Result<ClientConfig, TlsError> {
    let mut config = ClientConfig::builder_with_provider(Arc::clone(provider))
        .with_protocol_versions(versions)
        .map_err(|error| TlsError::new("tls", None, error.to_string()))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_client_cert_resolver(Arc::new(Identity(identity)));
    config.resumption =
        Resumption::store(Arc::new(NoSessions)).tls12_resumption(Tls12Resumption::Disabled);
    Ok(config)
}

fn versions(oldest: TlsVersion) -> &'static [&'static SupportedProtocolVersion] {
    static BOTH: [&SupportedProtocolVersion; 2] = [&TLS13, &TLS12];
    static ONLY_13: [&SupportedProtocolVersion; 1] = [&TLS13];
    match oldest {
        TlsVersion::Tls12 => &BOTH,
        TlsVersion::Tls13 => &ONLY_13,
    }
}

fn dns_name(name: &str) -> Result<String, TlsError> {
    let lower = name.to_ascii_lowercase();
    match DnsName::try_from(lower.as_str()) {
        Ok(_) if lower.parse::<std::net::IpAddr>().is_err() => Ok(lower),
        _ => Err(TlsError::new(
            "tls.server_name",
            None,
            format!("`{name}` is not a DNS name"),
        )),
    }
}
