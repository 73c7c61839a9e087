//! Stable hashes of what a configuration says, never of a secret's value.

use std::fmt::Display;

use sha2::{Digest, Sha256};

use crate::{
    credentials::{SecretSource, Source},
    oci::Repository,
    outcome::{Capability, CheckName},
};

use super::{Config, CredentialSet, Target, TestRepository};

/// The hash of one registry; equal for equal settings in every run and on every machine.
pub(super) fn of(target: &Target) -> u64 {
    let mut digest = Fields::default();
    digest.add("name", &target.name);
    digest.add("url", &target.url);
    for repository in &target.repositories {
        digest.repository(repository);
    }
    digest.checks(target);
    digest.transport(target);
    for (name, value) in &target.labels {
        digest.add(name, value);
    }
    for (capability, expected) in &target.expect {
        digest.add(Capability::as_str(*capability), expected);
    }
    digest.option("product", target.product.as_ref());
    for host in &target.token_hosts {
        digest.add("token_host", host);
    }
    digest.finish()
}

/// The hash of the whole configuration: 48 bits, so that a gauge holds it exactly.
pub(super) fn of_all(config: &Config) -> u64 {
    let mut digest = Fields::default();
    digest.add("concurrency", config.concurrency);
    for bound in &config.histogram_buckets {
        digest.add("bucket", bound);
    }
    for target in &config.registries {
        digest.add("registry", target.fingerprint);
    }
    digest.finish() >> 16
}

/// The hash of a file's content.
pub(super) fn of_bytes(bytes: &[u8]) -> u64 {
    let mut digest = Fields::default();
    digest.0.update(bytes);
    digest.finish()
}

/// A digest of named fields, each with its length, so that no two lists of fields look alike.
#[derive(Default)]
struct Fields(Sha256);

impl Fields {
    fn add(&mut self, name: &str, value: impl Display) {
        let value = value.to_string();
        for part in [name, &value] {
            self.0.update((part.len() as u64).to_be_bytes());
            self.0.update(part);
        }
    }

    fn option(&mut self, name: &str, value: Option<impl Display>) {
        if let Some(value) = value {
            self.add(name, value);
        }
    }

    fn repository(&mut self, repository: &TestRepository) {
        self.add("repository", repository.name.as_str());
        self.add("tag", repository.reference.as_str());
        self.add("guessed", repository.guessed);
        self.add("pull", repository.pull);
        self.add("push", format_args!("{:?}", repository.push));
        self.set(&repository.credential);
        for (name, value) in &repository.labels {
            self.add(name, value);
        }
    }

    fn set(&mut self, set: &CredentialSet) {
        self.add("set", &set.name);
        match &set.source {
            Source::Anonymous => self.add("source", "anonymous"),
            Source::Basic { username, password } => {
                self.option("username", username.as_ref());
                if let Some(password) = password {
                    self.secret("password", password);
                }
            }
            Source::Token(token) => self.secret("token", token),
            Source::DockerConfig(path) => self.add("docker_config", path.display()),
            Source::Helper(name) => self.add("credential_helper", name),
            Source::Directory(directory) => {
                self.add("dir", directory.path.display());
                self.add("hosts_known", directory.hosts_known);
            }
        }
        for host in &set.hosts {
            self.add("host", host.as_str());
        }
        self.option("expires", set.expires);
    }

    fn secret(&mut self, name: &str, source: &SecretSource) {
        match source {
            SecretSource::Inline(_) => self.add(name, "inline"),
            SecretSource::File(path) => self.add(name, format_args!("file {}", path.display())),
            SecretSource::Env(variable) => self.add(name, format_args!("env {variable}")),
        }
    }

    fn checks(&mut self, target: &Target) {
        for (check, word) in CheckName::ALL {
            let settings = target.checks.settings(check);
            self.add(word, settings.enabled);
            self.add(word, settings.interval.as_millis());
        }
        let delay = target.upload_start_delay.as_millis();
        self.add("upload_start_delay", delay);
        let push = &target.checks.push_options;
        self.add("upload_interval", push.upload_interval.as_millis());
        self.add("allow_create", push.allow_create);
        self.add("anonymous", push.anonymous);
        let capabilities = &target.checks.capabilities_options;
        self.add("probe_deletes", capabilities.probe_deletes);
        self.option("allow_get", capabilities.allow_get);
        self.option(
            "mount_from",
            capabilities.mount_from.as_ref().map(Repository::as_str),
        );
    }

    fn transport(&mut self, target: &Target) {
        let retry = target.retry.options();
        self.add("attempts", retry.attempts);
        self.add("factor", retry.factor);
        self.add("transient_attempts", retry.transient_attempts);
        for (name, duration) in [
            ("initial", retry.initial),
            ("max", retry.max),
            ("retry_after_max", retry.retry_after_max),
            ("timeout", target.timeout),
            ("request_timeout", target.request_timeout),
            ("connect_timeout", target.connect_timeout),
        ] {
            self.add(name, duration.as_millis());
        }
        self.add("rate_limit_reserve", target.rate_limit_reserve);
        self.add("probe", target.probe);
        let tls = &target.tls;
        for (name, path) in [
            ("ca_file", &tls.ca_file),
            ("cert_file", &tls.cert_file),
            ("key_file", &tls.key_file),
        ] {
            self.option(name, path.as_ref().map(|path| path.display()));
        }
        self.option("server_name", tls.server_name.as_ref());
        self.add("insecure_skip_verify", tls.insecure_skip_verify);
        self.add("tls_min_version", tls.min_version.as_str());
        self.option("proxy_url", target.proxy.url.as_ref());
        self.option("proxy_username", target.proxy.username.as_ref());
        let file = target.proxy.password_file.as_ref();
        self.option("proxy_password_file", file.map(|path| path.display()));
        for host in &target.proxy.no_proxy {
            self.add("no_proxy", host);
        }
        self.add("proxy_from_environment", target.proxy.from_environment);
        for (host, address) in &target.resolve {
            self.add(host, address);
        }
        self.add("http2", target.http2);
        self.option("user_agent_comment", target.user_agent_comment.as_ref());
    }

    fn finish(self) -> u64 {
        let digest = self.0.finalize();
        digest
            .iter()
            .take(8)
            .fold(0, |hash, byte| (hash << 8) | u64::from(*byte))
    }
}
