//! One registry with all its settings.

use std::{fmt::Write as _, path::Path, time::Duration};

use url::Url;

use super::{
    set::put_source,
    yaml::{Level, Line, number, text},
};
use crate::{
    config::{CheckSettings, CredentialSet, PushWish, Target, TestRepository},
    credentials::Source,
    oci::Reference,
    outcome::{Capability, CheckName},
};

/// The directory that relative paths begin at.
#[derive(Clone, Copy)]
pub(super) struct Paths<'a>(pub(super) Option<&'a Path>);

impl Paths<'_> {
    /// A path as the file beside it would have to say it.
    pub(super) fn shown(self, path: &Path) -> String {
        let base = self.0.filter(|base| base.is_relative());
        let within = base.and_then(|base| path.strip_prefix(base).ok());
        text(&within.unwrap_or(path).to_string_lossy())
    }
}

/// The lines of a registry; `origin` says where the value of a key path came from.
pub(super) fn lines(
    target: &Target,
    paths: Paths<'_>,
    origin: &dyn Fn(&str) -> String,
) -> Vec<Line> {
    let mut level = Level::root(origin);
    if origin("name") == "built-in" {
        level.put_because("name", text(&target.name), "the host");
    } else {
        level.put("name", text(&target.name));
    }
    level.put("url", shown_url(&target.url));
    if let Some(first) = target.repositories.first() {
        put_credentials(&mut level, &first.credential, paths, "repositories[0].");
    }
    if origin("repositories") == "built-in" && is_short(&target.repositories) {
        put_short(&mut level, &target.repositories);
    } else {
        put_list(&mut level, &target.repositories, paths);
    }
    put_checks(&mut level, target);
    put_budgets(&mut level, target);
    put_reach(&mut level, target, paths);
    put_map(&mut level, "labels", target.labels.iter());
    if !target.expect.is_empty() {
        level.map("expect", |level| {
            for (capability, expected) in &target.expect {
                level.put(Capability::as_str(*capability), number(expected));
            }
        });
    }
    if let Some(product) = &target.product {
        level.put("product", text(product));
    }
    if !target.token_hosts.is_empty() {
        let hosts = target.token_hosts.iter().map(|host| text(host));
        level.list("token_hosts", hosts);
    }
    let addresses = target.resolve.iter();
    let addresses: Vec<_> = addresses.map(|(host, ip)| (host, ip.to_string())).collect();
    put_map(
        &mut level,
        "resolve",
        addresses.iter().map(|(host, ip)| (*host, ip)),
    );
    level.lines()
}

fn put_map<'m>(
    level: &mut Level<'_>,
    key: &str,
    map: impl ExactSizeIterator<Item = (&'m String, &'m String)>,
) {
    if map.len() > 0 {
        level.map(key, |level| {
            for (name, value) in map {
                level.put(name, text(value));
            }
        });
    }
}

/// A named set by its name, another by where it comes from.
fn put_credentials(level: &mut Level<'_>, set: &CredentialSet, paths: Paths<'_>, also: &str) {
    if set.name == "inline" || set.name == "anonymous" {
        put_source(level, &set.source, paths, also);
    } else {
        let elsewhere = format!("{also}credentials");
        level.put_from("credentials", text(&set.name), &["credentials", &elsewhere]);
    }
}

/// Whether the short form can say it.
fn is_short(repositories: &[TestRepository]) -> bool {
    let plain = |repository: &TestRepository| repository.labels.is_empty();
    match repositories {
        [one] => plain(one),
        [one, other] => {
            plain(one)
                && plain(other)
                && !other.pull
                && one.push == PushWish::No
                && one.credential == other.credential
        }
        _ => false,
    }
}

fn put_short(level: &mut Level<'_>, repositories: &[TestRepository]) {
    let Some(first) = repositories.first() else {
        return;
    };
    let second = repositories.get(1);
    let named = !first.guessed && (first.push != PushWish::No || second.is_some());
    if named {
        level.put_from(
            "test_repository",
            text(first.name.as_str()),
            &["test_repository", "push_repository"],
        );
    }
    put_tag(level, "test_tag", &first.reference);
    let push = second.or((first.push == PushWish::Named).then_some(first));
    if let Some(push) = push {
        level.put("push_repository", text(push.name.as_str()));
    }
}

/// A file names no digest: only a command line does.
fn put_tag(level: &mut Level<'_>, key: &str, reference: &Reference) {
    if let Reference::Tag(tag) = reference {
        level.put(key, text(tag.as_str()));
    }
}

fn put_list(level: &mut Level<'_>, repositories: &[TestRepository], paths: Paths<'_>) {
    let of_registry = repositories.first().map(|first| &first.credential);
    level.each("repositories", repositories, |level, _, repository| {
        level.put_from("name", text(repository.name.as_str()), &["name", ""]);
        put_tag(level, "tag", &repository.reference);
        if Some(&repository.credential) != of_registry {
            match &repository.credential.source {
                Source::Anonymous if repository.credential.name == "anonymous" => {
                    level.put("anonymous", number(true));
                }
                _ => put_credentials(level, &repository.credential, paths, ""),
            }
        }
        match repository.push {
            PushWish::No => level.put("push", number(false)),
            PushWish::Named => level.put("push", number(true)),
            // A list of one asks for it by itself.
            PushWish::Implied => {}
        }
        put_map(level, "labels", repository.labels.iter());
    });
}

fn put_checks(level: &mut Level<'_>, target: &Target) {
    level.map("checks", |level| {
        for (check, word) in CheckName::ALL {
            level.map(word, |level| {
                let CheckSettings { enabled, interval } = target.checks.settings(check);
                level.put("enabled", number(enabled));
                level.put("interval", duration(*interval));
                match check {
                    CheckName::Push => put_push(level, target),
                    CheckName::Capabilities => put_capabilities(level, target),
                    CheckName::Credentials | CheckName::Pull | CheckName::Referrers => {}
                }
            });
        }
    });
}

fn put_push(level: &mut Level<'_>, target: &Target) {
    let push = &target.checks.push_options;
    level.put("upload_interval", duration(push.upload_interval));
    level.put("allow_create", number(push.allow_create));
    level.put("anonymous", number(push.anonymous));
}

fn put_capabilities(level: &mut Level<'_>, target: &Target) {
    let capabilities = &target.checks.capabilities_options;
    level.put("probe_deletes", number(capabilities.probe_deletes));
    if let Some(allow) = capabilities.allow_get {
        level.put("allow_get", number(allow));
    }
    if let Some(from) = &capabilities.mount_from {
        level.put("mount_from", text(from.as_str()));
    }
}

fn put_budgets(level: &mut Level<'_>, target: &Target) {
    level.put("timeout", duration(target.timeout));
    level.put("request_timeout", duration(target.request_timeout));
    level.put("connect_timeout", duration(target.connect_timeout));
    level.put("upload_start_delay", duration(target.upload_start_delay));
    level.map("retry", |level| {
        let retry = target.retry.options();
        level.put("attempts", number(retry.attempts));
        level.put("initial", duration(retry.initial));
        level.put("factor", number(retry.factor));
        level.put("max", duration(retry.max));
        level.put("retry_after_max", duration(retry.retry_after_max));
        level.put("transient_attempts", number(retry.transient_attempts));
    });
    level.put("rate_limit_reserve", number(target.rate_limit_reserve));
    level.map("probe", |level| level.put("enabled", number(target.probe)));
}

fn put_reach(level: &mut Level<'_>, target: &Target, paths: Paths<'_>) {
    let tls = &target.tls;
    level.map("tls", |level| {
        for (key, path) in [
            ("ca_file", &tls.ca_file),
            ("cert_file", &tls.cert_file),
            ("key_file", &tls.key_file),
        ] {
            if let Some(path) = path {
                level.put(key, paths.shown(path));
            }
        }
        if let Some(name) = &tls.server_name {
            level.put("server_name", text(name));
        }
        level.put("insecure_skip_verify", number(tls.insecure_skip_verify));
        level.put("min_version", text(tls.min_version.as_str()));
    });
    let proxy = &target.proxy;
    if let Some(url) = &proxy.url {
        level.put("proxy_url", shown_url(url));
    }
    if let Some(username) = &proxy.username {
        level.put("proxy_username", text(username));
    }
    if let Some(path) = &proxy.password_file {
        level.put("proxy_password_file", paths.shown(path));
    }
    level.list("no_proxy", proxy.no_proxy.iter().map(|host| text(host)));
    level.put("proxy_from_environment", number(proxy.from_environment));
    level.put("http2", number(target.http2));
    if let Some(comment) = &target.user_agent_comment {
        level.put("user_agent_comment", text(comment));
    }
}

/// A URL without anything that could be a secret.
fn shown_url(url: &Url) -> String {
    let mut url = url.clone();
    // Both fail only where a URL cannot have them.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.set_query(None);
    url.set_fragment(None);
    text(url.as_str().trim_end_matches('/'))
}

/// As it is read: without months and years.
fn duration(duration: Duration) -> String {
    let mut left = duration.as_nanos();
    let mut shown = String::new();
    for (unit, nanos) in UNITS {
        let count = left / nanos;
        left %= nanos;
        if count > 0 {
            // Writing to a `String` cannot fail.
            let _ = write!(shown, "{count}{unit}");
        }
    }
    shown
}

const UNITS: [(&str, u128); 7] = [
    ("d", 86_400_000_000_000),
    ("h", 3_600_000_000_000),
    ("m", 60_000_000_000),
    ("s", 1_000_000_000),
    ("ms", 1_000_000),
    ("us", 1_000),
    ("ns", 1),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_shown_as_the_file_beside_it_says_it() {
        for (base, path, expected) in [
            (Some(""), "secret", "secret"),
            (Some("conf"), "conf/secret", "secret"),
            (Some("conf"), "/etc/secret", "/etc/secret"),
            (Some("/etc"), "/etc/secret", "/etc/secret"),
            (None, "secret", "secret"),
        ] {
            let paths = Paths(base.map(Path::new));
            assert_eq!(paths.shown(Path::new(path)), expected, "{base:?}");
        }
    }

    #[test]
    fn durations_are_shown_as_they_are_read() {
        for (nanos, expected) in [
            (1_000_000_000, "1s"),
            (90 * 60_000_000_000, "1h30m"),
            (86_400_000_000_000, "1d"),
            (366 * 86_400_000_000_000, "366d"),
            (45 * 86_400_000_000_000 + 1_500_000_000, "45d1s500ms"),
            (1_000_001_001, "1s1us1ns"),
        ] {
            let written = duration(Duration::from_nanos(nanos));
            assert_eq!(written, expected);
            let read = crate::config::parse_duration(&written).unwrap();
            assert_eq!(read, Duration::from_nanos(nanos));
        }
    }
}
