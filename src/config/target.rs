//! What the configuration comes to: targets that cannot be wrong.

use std::{
    collections::{BTreeMap, HashSet},
    net::IpAddr,
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use url::Url;

use super::Origins;
use crate::{
    credentials::{HostPattern, Source},
    oci::{Reference, Repository},
    outcome::{Capability, CheckName},
    retry::Policy,
    transport::{ProxyOptions, TlsOptions},
};

/// The whole configuration.
#[derive(Debug, Clone, Default)]
pub struct Config {
    /// The file it came from, if any.
    pub path: Option<PathBuf>,
    /// Every registry, in the order of the file; names are unique.
    pub registries: Vec<Arc<Target>>,
    /// Cycles at once.
    pub concurrency: usize,
    /// Upper bounds of the request duration histogram (seconds); empty switches it off.
    pub histogram_buckets: Vec<f64>,
    /// Every named credential set, by name, used or not.
    pub credential_sets: Vec<Arc<CredentialSet>>,
    /// How much may be configured.
    pub limits: Limits,
    /// Where the values came from.
    pub origins: Origins,
    /// A stable hash of the content, for `oci_registry_exporter_config_hash`.
    pub hash: u64,
    /// What is legal and probably not meant.
    pub warnings: Vec<String>,
}

/// How much may be configured before it is taken for a flood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Registries.
    pub registries: usize,
    /// Repositories of all registries together.
    pub repositories: usize,
    /// Different values of one label of the user's.
    pub label_values: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            registries: 10_000,
            repositories: 20_000,
            label_values: 500,
        }
    }
}

/// One configured registry.
#[derive(Debug, Clone, PartialEq)]
pub struct Target {
    /// The label value; unique.
    pub name: String,
    /// Its origin (and path, where it is served below one); never with userinfo, query or `/v2/`.
    pub url: Url,
    /// What is asked; at least one. The first serves the registry-wide checks.
    pub repositories: Vec<TestRepository>,
    /// The settings of the five checks.
    pub checks: Checks,
    /// How long push and capabilities wait after a start of the daemon, at least.
    pub upload_start_delay: Duration,
    /// How often and when a request is repeated.
    pub retry: Policy,
    /// Where less than this share (percent) of a rate limit is left, reads come less often.
    pub rate_limit_reserve: u8,
    /// Whether a request to `/probe` may make it be asked.
    pub probe: bool,
    /// The budget of one check run, waits included.
    pub timeout: Duration,
    /// The budget of one request.
    pub request_timeout: Duration,
    /// The budget of one connection (DNS, TCP, TLS).
    pub connect_timeout: Duration,
    /// The TLS policy.
    pub tls: TlsOptions,
    /// The proxy.
    pub proxy: ProxyOptions,
    /// On every series of this registry.
    pub labels: BTreeMap<String, String>,
    /// What the user expects of it.
    pub expect: BTreeMap<Capability, bool>,
    /// The product, where the recognition is not wanted.
    pub product: Option<String>,
    /// Further hosts that may receive these credentials for a token.
    pub token_hosts: Vec<String>,
    /// Names that are not asked of DNS.
    pub resolve: BTreeMap<String, IpAddr>,
    /// Offer HTTP/2.
    pub http2: bool,
    /// Appended to the user agent.
    pub user_agent_comment: Option<String>,
    /// A stable hash of all of this (never of a secret's value).
    pub fingerprint: u64,
}

impl Target {
    /// `host` or `host:port`, as in messages and the label `host`.
    pub fn host(&self) -> String {
        let host = self.url.host_str().unwrap_or_default();
        match self.url.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        }
    }

    /// Every distinct credential set, in the order of the repositories.
    pub fn credential_sets(&self) -> Vec<&Arc<CredentialSet>> {
        let mut names = HashSet::new();
        self.repositories
            .iter()
            .map(|repository| &repository.credential)
            .filter(|set| names.insert(set.name.as_str()))
            .collect()
    }
}

/// One repository of a registry.
#[derive(Debug, Clone, PartialEq)]
pub struct TestRepository {
    /// The repository.
    pub name: Repository,
    /// The tag of the test image; the digest where a command line names one.
    pub reference: Reference,
    /// The user did not name it: the source document's default `library/alpine` (not on Docker Hub).
    pub guessed: bool,
    /// Whose rights are tested.
    pub credential: Arc<CredentialSet>,
    /// Whether push is asked of it.
    pub push: PushWish,
    /// Whether pull is asked of it: not of a `push_repository` beside the test repository.
    pub pull: bool,
    /// On every series of this repository, beside the registry's.
    pub labels: BTreeMap<String, String>,
}

/// Whether push is asked of a repository, and how the user said so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PushWish {
    /// Not asked.
    No,
    /// It is the only repository of its registry, and named.
    Implied,
    /// `push: true` or `push_repository`.
    Named,
}

/// A credential set: its name is the label `credential`.
#[derive(Debug, Clone, PartialEq)]
pub struct CredentialSet {
    /// `anonymous`, `inline`, or the name under `credentials:`.
    pub name: String,
    /// Where it comes from.
    pub source: Source,
    /// Where it may ever be sent; empty for inline and anonymous sets, and for those whose
    /// own files say it (Docker's configuration, the file `hosts` of a directory).
    pub hosts: Vec<HostPattern>,
    /// Its end, as the user knows it (seconds since the epoch).
    pub expires: Option<i64>,
}

/// The settings of the five checks.
#[derive(Debug, Clone, PartialEq)]
pub struct Checks {
    /// credentials
    pub credentials: CheckSettings,
    /// pull
    pub pull: CheckSettings,
    /// push
    pub push: CheckSettings,
    /// referrers
    pub referrers: CheckSettings,
    /// capabilities
    pub capabilities: CheckSettings,
    /// What only push knows.
    pub push_options: Push,
    /// What only capabilities knows.
    pub capabilities_options: Capabilities,
}

impl Checks {
    /// The settings of one check.
    pub fn settings(&self, check: CheckName) -> &CheckSettings {
        match check {
            CheckName::Credentials => &self.credentials,
            CheckName::Pull => &self.pull,
            CheckName::Push => &self.push,
            CheckName::Referrers => &self.referrers,
            CheckName::Capabilities => &self.capabilities,
        }
    }
}

/// Whether and how often a check is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CheckSettings {
    /// Asked at all.
    pub enabled: bool,
    /// From one asking to the next.
    pub interval: Duration,
}

/// What only push knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Push {
    /// From one upload to the next.
    pub upload_interval: Duration,
    /// Ask also where asking may create the repository.
    pub allow_create: bool,
    /// Ask also without credentials.
    pub anonymous: bool,
}

/// What only capabilities knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capabilities {
    /// Send the two DELETEs of the all-zero digest.
    pub probe_deletes: bool,
    /// Read the manifest for a blob to mount (`None`: yes, but not on Docker Hub).
    pub allow_get: Option<bool>,
    /// Mount from this repository instead of the same one.
    pub mount_from: Option<Repository>,
}
