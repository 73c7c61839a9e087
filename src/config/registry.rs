//! One registry: from its section (its own keys and the inherited ones) to a target.

use std::{collections::BTreeMap, net::IpAddr, path::Path, sync::Arc};

use url::Host;

use crate::{credentials::Source, oci::PRODUCTS, outcome::Capability};

use super::{
    CredentialSet, Target,
    address::{self, Address},
    chooser::Chooser,
    fingerprint, keys, labels,
    quote::shown,
    reach, repositories,
    section::Section,
    sets::{self, Sets},
    settings, suggest,
};

/// Reads what a registry inherits, only for what is wrong with it.
pub(super) fn judge_settings(section: &Section<'_>, base: &Path) {
    let budgets = settings::budgets(section);
    settings::checks(section, budgets.timeout, false);
    settings::upload_start_delay(section);
    settings::retry(section);
    settings::rate_limit_reserve(section);
    settings::probe(section);
    reach::tls(section, base);
    reach::proxy(section, base);
    reach::user_agent_comment(section);
    section.flag("http2", true);
    labels::read(section, &BTreeMap::new());
    expect(section);
}

/// Reads a profile that no registry names, only for what is wrong with it.
pub(super) fn judge_profile(section: &Section<'_>, sets: &Sets, base: &Path) {
    judge_settings(section, base);
    let labels = labels::read(section, &BTreeMap::new());
    let chooser = Chooser {
        sets,
        base,
        url: None,
    };
    let context = repositories::Context {
        credential: chooser.chosen(section).unwrap_or_else(sets::anonymous),
        chooser,
        labels: &labels,
        hub: false,
    };
    repositories::read(section, &context);
    product(section);
    token_hosts(section);
    resolve(section);
}

/// Reads a registry; `None` when it has no usable URL, which was reported.
pub(super) fn read(section: &Section<'_>, sets: &Sets, base: &Path) -> Option<Target> {
    let address = section.item("url").and_then(|item| address::read(&item));
    let url = address.as_ref().map(|address| &address.url);
    let hub = url.is_some_and(address::is_docker_hub);
    let labels = labels::read(section, &BTreeMap::new());
    let chooser = Chooser { sets, base, url };
    let context = repositories::Context {
        credential: chooser.chosen(section).unwrap_or_else(sets::anonymous),
        chooser,
        labels: &labels,
        hub,
    };
    let repositories = repositories::read(section, &context);
    let budgets = settings::budgets(section);
    let name = name(section, address.as_ref());
    let mut target = Target {
        checks: settings::checks(section, budgets.timeout, hub),
        upload_start_delay: settings::upload_start_delay(section),
        retry: settings::retry(section),
        rate_limit_reserve: settings::rate_limit_reserve(section),
        probe: settings::probe(section),
        timeout: budgets.timeout,
        request_timeout: budgets.request,
        connect_timeout: budgets.connect,
        tls: reach::tls(section, base),
        proxy: reach::proxy(section, base),
        expect: expect(section),
        product: product(section),
        token_hosts: token_hosts(section),
        resolve: resolve(section),
        http2: section.flag("http2", true),
        user_agent_comment: reach::user_agent_comment(section),
        repositories,
        labels,
        name: name?,
        url: address?.url,
        fingerprint: 0,
    };
    warn_of_clear_text(section, &target);
    target.fingerprint = fingerprint::of(&target);
    Some(target)
}

fn name(section: &Section<'_>, address: Option<&Address>) -> Option<String> {
    if !section.has("url") {
        section.refuse(
            format!("{} is missing", shown(section.spelled("url"))),
            "name the registry: `https://registry.example.com`",
        );
    }
    let Some((name, item)) = section.text("name") else {
        return address.map(|address| address.written_host.clone());
    };
    if name.is_empty() || name.len() > LONGEST_NAME {
        item.refuse(
            format!("a name of {} bytes", name.len()),
            format!("choose 1 to {LONGEST_NAME} bytes, or remove the key: the host stands for it"),
        );
    }
    Some(name.to_owned())
}

fn expect(section: &Section<'_>) -> BTreeMap<Capability, bool> {
    let expect = section.section("expect");
    expect.only(keys::EXPECT);
    let read = |(capability, word): (Capability, &str)| {
        let value = expect.item(word)?.flag()?;
        Some((capability, value))
    };
    Capability::ALL.into_iter().filter_map(read).collect()
}

fn product(section: &Section<'_>) -> Option<String> {
    let (text, item) = section.text("product")?;
    if !PRODUCTS.contains(&text) {
        item.refuse(
            format!("unknown product {}", shown(text)),
            suggest::instead_of(text, &PRODUCTS),
        );
    }
    Some(text.to_owned())
}

fn token_hosts(section: &Section<'_>) -> Vec<String> {
    let mut hosts = Vec::new();
    for (text, item) in section.texts("token_hosts") {
        match plain_host(text) {
            Some(host) => hosts.push(host),
            None => item.refuse(
                format!("{} is no host name", shown(text)),
                "write `auth.example.com`, without scheme, port or `*`",
            ),
        }
    }
    hosts
}

fn resolve(section: &Section<'_>) -> BTreeMap<String, IpAddr> {
    let mut addresses = BTreeMap::new();
    for (name, key, item) in section.section("resolve").free() {
        let Some(host) = plain_host(name) else {
            section.refuse_at(
                &key,
                format!("{} is no host name", shown(name)),
                "write `registry.example.com: 10.0.0.7`",
            );
            continue;
        };
        let Some(text) = item.text() else { continue };
        match text.parse() {
            Ok(address) => {
                addresses.insert(host, address);
            }
            Err(_) => item.refuse(
                format!("{} is no IP address", shown(text)),
                "write an IPv4 or IPv6 address, without a port",
            ),
        }
    }
    addresses
}

fn plain_host(text: &str) -> Option<String> {
    if text.contains('*') {
        return None;
    }
    Host::parse(text).ok().map(|host| host.to_string())
}

fn warn_of_clear_text(section: &Section<'_>, target: &Target) {
    let sends = |set: &&Arc<CredentialSet>| set.source != Source::Anonymous;
    if target.url.scheme() == "http"
        && !address::is_loopback(&target.url)
        && target.credential_sets().iter().any(sends)
    {
        section.warn_at(
            &section.spot_of("url"),
            "credentials are sent over plain http, readable on the way",
        );
    }
}

const LONGEST_NAME: usize = 128;
