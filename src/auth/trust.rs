//! Which hosts may be asked for a token, and which may see the credentials.

use url::{Host, Url};

use super::{
    AuthError,
    error::why,
    origin::{host_of, same_host},
    reach::{reach, registrable_domain},
};

/// What the user configured, and so vouches for.
#[derive(Debug, Clone, Copy)]
pub struct Trust<'a> {
    /// The registry's URL.
    pub registry: &'a Url,
    /// Further hosts that may receive its credentials, `host` or `host:port`.
    pub token_hosts: &'a [String],
}

impl Trust<'_> {
    /// Whether a token realm may be asked **with** credentials: https (http only
    /// where the registry is http), no userinfo, and the registry's own host, a
    /// built-in pair, a host of `token_hosts`, or one under the registry's
    /// registrable domain that is not shared between tenants.
    ///
    /// # Errors
    /// [`AuthError::UntrustedHost`] with the rule that is broken.
    pub fn with_credentials(&self, realm: &Url) -> Result<(), AuthError> {
        self.may_be_asked_at_all(realm)?;
        if self.vouches_for(realm) {
            Ok(())
        } else {
            Err(untrusted(realm, why::FOREIGN))
        }
    }

    /// Whether a token realm may be asked **without** credentials: any public
    /// host, and one that is loopback, link-local or private only if it would be
    /// trusted with credentials, or the registry is so too.
    ///
    /// # Errors
    /// [`AuthError::UntrustedHost`] with the rule that is broken.
    pub fn without_credentials(&self, realm: &Url) -> Result<(), AuthError> {
        use crate::reach::Reach::Public;

        self.may_be_asked_at_all(realm)?;
        let there = host_of(realm).map(|host| reach(&host));
        let here = host_of(self.registry).map(|host| reach(&host));
        if self.vouches_for(realm) || there == Some(Public) || there == here {
            Ok(())
        } else {
            Err(untrusted(realm, why::NOT_PUBLIC))
        }
    }

    fn may_be_asked_at_all(&self, realm: &Url) -> Result<(), AuthError> {
        if !realm.username().is_empty() || realm.password().is_some() {
            return Err(untrusted(realm, why::USERINFO));
        }
        match (realm.scheme(), self.registry.scheme()) {
            ("https", _) | ("http", "http") => Ok(()),
            _ => Err(untrusted(realm, why::PLAIN_HTTP)),
        }
    }

    fn vouches_for(&self, realm: &Url) -> bool {
        same_host(realm, self.registry)
            || is_pair(self.registry, realm)
            || self
                .token_hosts
                .iter()
                .any(|listed| is_listed(listed, realm))
            || same_domain(self.registry, realm)
    }
}

fn untrusted(realm: &Url, why: &'static str) -> AuthError {
    let host = realm.host_str().unwrap_or_default();
    let host = match realm.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    };
    AuthError::UntrustedHost { host, why }
}

fn is_pair(registry: &Url, realm: &Url) -> bool {
    let (Some(Host::Domain(registry)), Some(Host::Domain(realm))) =
        (host_of(registry), host_of(realm))
    else {
        return false;
    };
    PAIRS.contains(&(registry, realm))
}

/// Whether an entry of `token_hosts` means a realm's host; a port counts where one is given.
fn is_listed(listed: &str, realm: &Url) -> bool {
    let Ok(listed) = Url::parse(&format!("https://{}", listed.trim())) else {
        return false;
    };
    let bare = listed.path() == "/" && listed.username().is_empty();
    let port = listed.port();
    bare && same_host(&listed, realm) && (port.is_none() || port == realm.port_or_known_default())
}

/// Whether two names belong to one owner. A suffix that the public suffix list
/// does not know tells nothing: `svc.cluster.local` has many owners.
fn same_domain(one: &Url, other: &Url) -> bool {
    let (Some(Host::Domain(one)), Some(Host::Domain(other))) = (host_of(one), host_of(other))
    else {
        return false;
    };
    match (registrable_domain(one), registrable_domain(other)) {
        (Some(one), Some(other)) => one == other && !is_shared(one),
        _ => false,
    }
}

/// Whether names under a registrable domain are given to tenants.
fn is_shared(domain: &str) -> bool {
    MULTI_TENANT.contains(&domain)
}

/// Registries whose tokens come from another host, by contract.
const PAIRS: [(&str, &str); 4] = [
    ("registry-1.docker.io", "auth.docker.io"),
    ("index.docker.io", "auth.docker.io"),
    ("docker.io", "auth.docker.io"),
    ("registry.gitlab.com", "gitlab.com"),
];

/// Registrable domains of registry services (and of the clouds they are in) that
/// give names to tenants and are not in the list's private section.
const MULTI_TENANT: [&str; 21] = [
    "aliyuncs.com",
    "amazonaws.com",
    "amazonaws.com.cn",
    "amazonaws.eu",
    "azurecr.cn",
    "azurecr.io",
    "azurecr.us",
    "cloud.sap",
    "container-registry.com",
    "cpln.io",
    "gcr.io",
    "gitlab-dedicated.com",
    "jfrog.io",
    "myhuaweicloud.com",
    "on.aws",
    "ovh.net",
    "pkg.dev",
    "sakuracr.jp",
    "scw.cloud",
    "sonatype.app",
    "tencentcloudcr.com",
];

#[cfg(test)]
mod tests {
    use super::*;

    /// Who may be asked: with credentials, without them only, or not at all.
    #[derive(Debug, PartialEq, Eq)]
    enum May {
        Login,
        Anonymous,
        Never,
    }
    use May::{Anonymous, Login, Never};

    fn may(registry: &str, token_hosts: &[&str], realm: &str) -> May {
        let registry = Url::parse(registry).unwrap();
        let token_hosts: Vec<_> = token_hosts.iter().map(ToString::to_string).collect();
        let trust = Trust {
            registry: &registry,
            token_hosts: &token_hosts,
        };
        let realm = Url::parse(realm).unwrap();
        match (
            trust.with_credentials(&realm),
            trust.without_credentials(&realm),
        ) {
            (Ok(()), Ok(())) => Login,
            (Err(_), Ok(())) => Anonymous,
            (Err(_), Err(_)) => Never,
            (Ok(()), Err(error)) => panic!("more with credentials than without: {error}"),
        }
    }

    #[test]
    #[expect(clippy::too_many_lines, reason = "a table, a row for every case")]
    fn credentials_are_bound_to_the_configured_origin() {
        for (registry, realm, wanted) in [
            // The registry's own host.
            (
                "https://r.example.com",
                "https://r.example.com/token",
                Login,
            ),
            (
                "https://r.example.com",
                "https://r.example.com:8443/token",
                Login,
            ),
            (
                "https://r.example.com:5000",
                "https://r.example.com/token",
                Login,
            ),
            (
                "https://r.example.com",
                "https://R.EXAMPLE.com./token",
                Login,
            ),
            (
                "https://r.example.com.",
                "https://r.example.com/token",
                Login,
            ),
            (
                "https://bücher.example",
                "https://xn--bcher-kva.example/token",
                Login,
            ),
            ("https://r.corp.lan", "https://r.corp.lan:8443/token", Login),
            (
                "http://localhost:5000",
                "http://localhost:5001/token",
                Login,
            ),
            (
                "http://127.0.0.1:5000",
                "http://127.0.0.1:5001/token",
                Login,
            ),
            ("http://127.0.0.1:5000", "http://0x7f.1/token", Login),
            (
                "https://[2001:db8::1]",
                "https://[2001:DB8:0::1]:8443/token",
                Login,
            ),
            // Built-in pairs.
            (
                "https://registry-1.docker.io",
                "https://auth.docker.io/token",
                Login,
            ),
            (
                "https://index.docker.io",
                "https://auth.docker.io/token",
                Login,
            ),
            (
                "https://registry.gitlab.com",
                "https://gitlab.com/jwt/auth",
                Login,
            ),
            (
                "https://gitlab.com",
                "https://auth.docker.io/token",
                Anonymous,
            ),
            (
                "https://r.example.com",
                "https://auth.docker.io/token",
                Anonymous,
            ),
            // One registrable domain: parent, child, sibling.
            ("https://r.example.com", "https://example.com/token", Login),
            (
                "https://example.com",
                "https://auth.example.com/token",
                Login,
            ),
            (
                "https://r.example.com",
                "https://a.r.example.com/token",
                Login,
            ),
            (
                "https://r.example.com",
                "https://auth.example.com/token",
                Login,
            ),
            (
                "https://r.bücher.example.com",
                "https://auth.EXAMPLE.com/token",
                Login,
            ),
            (
                "https://r.example.co.uk",
                "https://auth.example.co.uk/token",
                Login,
            ),
            (
                "https://r.example.co.uk",
                "https://auth.other.co.uk/token",
                Anonymous,
            ),
            (
                "https://r.example.com",
                "https://auth.other.com/token",
                Anonymous,
            ),
            (
                "https://r.example.com",
                "https://r.example.com.evil.com/token",
                Anonymous,
            ),
            (
                "https://r.example.com",
                "https://notexample.com/token",
                Anonymous,
            ),
            (
                "https://r.example.com",
                "https://r.example.comx/token",
                Never,
            ),
            // The private section: every tenant is a domain of its own.
            (
                "https://a.github.io",
                "https://b.github.io/token",
                Anonymous,
            ),
            ("https://a.github.io", "https://x.a.github.io/token", Login),
            (
                "https://r.a.run.app",
                "https://t.a.run.app/token",
                Anonymous,
            ),
            // Shared between tenants, though the list does not say so.
            ("https://a.jfrog.io", "https://a.jfrog.io/v2/token", Login),
            (
                "https://a.jfrog.io",
                "https://b.jfrog.io/v2/token",
                Anonymous,
            ),
            (
                "https://a.jfrog.io",
                "https://x.a.jfrog.io/v2/token",
                Anonymous,
            ),
            (
                "https://a.azurecr.io",
                "https://a.azurecr.io/oauth2/token",
                Login,
            ),
            (
                "https://a.azurecr.io",
                "https://b.azurecr.io/oauth2/token",
                Anonymous,
            ),
            (
                "https://us-docker.pkg.dev",
                "https://eu-docker.pkg.dev/v2/token",
                Anonymous,
            ),
            (
                "https://1.dkr.ecr.eu-west-1.amazonaws.com",
                "https://2.dkr.ecr.eu-west-1.amazonaws.com/token",
                Anonymous,
            ),
            (
                "https://1.dkr.ecr.eu-west-1.amazonaws.com",
                "https://bucket.s3.amazonaws.com/token",
                Anonymous,
            ),
            (
                "https://a.azurecr.io.",
                "https://b.AZURECR.io/token",
                Anonymous,
            ),
            // Names without a known suffix have no owner that the list could tell.
            (
                "https://r.corp.lan",
                "https://auth.corp.lan/token",
                Anonymous,
            ),
            (
                "https://r.a.svc.cluster.local",
                "https://x.b.svc.cluster.local/t",
                Anonymous,
            ),
            (
                "https://r.example.com",
                "https://auth.corp.lan/token",
                Never,
            ),
            ("https://r.example.com", "https://auth/token", Never),
            // Addresses are equal or nothing.
            (
                "https://198.51.100.7",
                "https://198.51.100.8/token",
                Anonymous,
            ),
            ("https://10.0.0.1", "https://10.0.0.2/token", Anonymous),
            ("https://r.example.com", "https://10.0.0.2/token", Never),
            (
                "https://r.example.com",
                "https://169.254.169.254/latest/",
                Never,
            ),
            ("https://10.0.0.1", "https://169.254.169.254/latest/", Never),
            ("https://r.example.com", "https://127.0.0.1/token", Never),
            ("https://r.example.com", "https://[::1]/token", Never),
            (
                "https://r.example.com",
                "https://[::ffff:10.0.0.1]/token",
                Never,
            ),
            ("https://r.example.com", "https://localhost/token", Never),
            ("https://r.example.com", "https://2130706433/token", Never),
            (
                "http://localhost:5000",
                "http://127.0.0.1:5001/token",
                Anonymous,
            ),
            ("http://127.0.0.1:5000", "http://10.0.0.1/token", Never),
            // Plain http only where the registry is.
            ("https://r.example.com", "http://r.example.com/token", Never),
            (
                "https://r.example.com",
                "http://auth.other.com/token",
                Never,
            ),
            (
                "http://r.example.com",
                "http://auth.example.com/token",
                Login,
            ),
            (
                "http://r.example.com",
                "https://auth.example.com/token",
                Login,
            ),
            (
                "http://r.example.com",
                "http://auth.other.com/token",
                Anonymous,
            ),
            // Userinfo hides the host.
            (
                "https://r.example.com",
                "https://user@r.example.com/token",
                Never,
            ),
            (
                "https://r.example.com",
                "https://:pass@r.example.com/token",
                Never,
            ),
            (
                "https://r.example.com",
                "https://r.example.com@evil.com/token",
                Never,
            ),
            (
                "https://r.example.com",
                "https://r.example.com\\@evil.com/token",
                Login,
            ),
        ] {
            assert_eq!(may(registry, &[], realm), wanted, "{registry} -> {realm}");
        }
    }

    #[test]
    fn a_listed_host_is_trusted_as_it_is_listed() {
        let registry = "https://r.example.com";
        for (listed, realm, wanted) in [
            ("auth.other.com", "https://auth.other.com/token", Login),
            (
                "AUTH.other.com.",
                "https://auth.other.com:8443/token",
                Login,
            ),
            (
                "auth.other.com:8443",
                "https://auth.other.com:8443/token",
                Login,
            ),
            (
                "auth.other.com:8443",
                "https://auth.other.com/token",
                Anonymous,
            ),
            ("auth.corp.lan", "https://auth.corp.lan/token", Login),
            ("10.0.0.2", "https://10.0.0.2/token", Login),
            ("[fd12::1]:8443", "https://[fd12::1]:8443/token", Login),
            (
                "bücher.example",
                "https://xn--bcher-kva.example/token",
                Login,
            ),
            ("other.com", "https://auth.other.com/token", Anonymous),
            ("*.other.com", "https://auth.other.com/token", Anonymous),
            ("", "https://auth.other.com/token", Anonymous),
            (
                "evil@auth.other.com",
                "https://auth.other.com/token",
                Anonymous,
            ),
            (
                "auth.other.com/path",
                "https://auth.other.com/token",
                Anonymous,
            ),
            ("auth.other.com", "http://auth.other.com/token", Never),
            ("auth.other.com", "https://u@auth.other.com/token", Never),
        ] {
            assert_eq!(may(registry, &[listed], realm), wanted, "{listed} {realm}");
        }
    }

    #[test]
    fn the_error_names_the_host_and_the_way_out() {
        let registry = Url::parse("https://r.example.com").unwrap();
        let trust = Trust {
            registry: &registry,
            token_hosts: &[],
        };
        let realm = Url::parse("https://u:secret@evil.com:8443/token").unwrap();
        let error = trust.with_credentials(&realm).unwrap_err().to_string();
        assert!(
            error.contains("`evil.com:8443`") && !error.contains("secret"),
            "{error}"
        );
        let realm = Url::parse("https://evil.com/token").unwrap();
        let error = trust.with_credentials(&realm).unwrap_err().to_string();
        assert!(error.contains("`token_hosts`"), "{error}");
    }

    #[test]
    fn every_shared_domain_is_one_that_the_list_calls_registrable() {
        for domain in MULTI_TENANT {
            let tenant = format!("tenant.{domain}");
            assert_eq!(registrable_domain(&tenant), Some(domain));
        }
        assert!(MULTI_TENANT.is_sorted());
    }
}
