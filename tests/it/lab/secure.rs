//! What the checks say of real servers behind TLS and behind proxies, and of everything
//! that can be wrong with either: one table, compared with tests/golden/lab-tls.txt.

mod servers;

use std::fmt::Write as _;

use oci_registry_exporter::outcome::{CheckName, Observation};

use super::{
    http::Login,
    registry::{REPOSITORY, good, wrong},
};
use crate::{asked::Asked, golden};
use servers::{HOST, Lab, url};

/// One registry as somebody configured it.
#[derive(Debug)]
struct Case {
    name: &'static str,
    url: String,
    login: Login,
    /// Further keys of the registry, in one line of YAML each.
    keys: Vec<String>,
}

#[tokio::test(flavor = "multi_thread")]
async fn every_trouble_with_tls_and_proxies_has_its_own_words() {
    let Some(lab) = Lab::start().await else {
        return;
    };
    let mut text = String::new();
    for (title, cases) in [
        ("Certificates", certificates(&lab)),
        ("Policies", policies(&lab)),
        ("Client certificates", clients(&lab)),
        ("Ports and paths", ports(&lab)),
        ("Proxies", proxies(&lab)),
        ("Tokens over TLS", tokens(&lab)),
    ] {
        writeln!(text, "# {title}\n").expect("a string");
        for case in cases {
            asked(&mut text, &case).await;
        }
    }
    golden::compare("lab-tls.txt", &lab.without_places(&text));
}

fn certificates(lab: &Lab) -> Vec<Case> {
    let pinned = format!("tls: {{ca_file: {}}}", lab.home_pair.cert.display());
    let strict = || vec![lab.trust("")];
    vec![
        case("the system's roots alone", &url(&lab.good), vec![]),
        case("an own CA", &url(&lab.good), strict()),
        case("expired", &url(&lab.expired), strict()),
        case("not yet valid", &url(&lab.early), strict()),
        case("of another name", &url(&lab.misnamed), strict()),
        case("with a common name alone", &url(&lab.nameless), strict()),
        case("of an unknown CA", &url(&lab.strange), strict()),
        case("self-signed", &url(&lab.home), strict()),
        case(
            "self-signed and named as ca_file",
            &url(&lab.home),
            vec![pinned.clone()],
        ),
        case(
            "self-signed and named as ca_file, under another name",
            &url(&lab.home).replace(HOST, "other.test"),
            vec![pinned],
        ),
    ]
}

fn policies(lab: &Lab) -> Vec<Case> {
    let several = [lab.authority.root(), lab.stranger.root()]
        .map(|root| std::fs::read_to_string(root).expect("a root"));
    let several = lab.authority.file("several.pem", &several.concat());
    let several = format!("tls: {{ca_file: {}}}", several.display());
    let modern = "min_version: 1.3";
    let skip = "tls: {insecure_skip_verify: true}".to_owned();
    let gone = "tls: {ca_file: /nowhere/ca.pem}".to_owned();
    vec![
        case(
            "several CAs in one file, the first",
            &url(&lab.good),
            vec![several.clone()],
        ),
        case(
            "several CAs in one file, the second",
            &url(&lab.strange),
            vec![several],
        ),
        case("a ca_file that is not there", &url(&lab.good), vec![gone]),
        case(
            "another server_name",
            &url(&lab.misnamed),
            vec![lab.trust("server_name: other.test")],
        ),
        case("insecure_skip_verify", &url(&lab.expired), vec![skip]),
        case(
            "HTTP/2 switched off",
            &url(&lab.good),
            vec![lab.trust(""), "http2: false".to_owned()],
        ),
        case("at least TLS 1.3", &url(&lab.good), vec![lab.trust(modern)]),
        case("TLS 1.2 alone", &url(&lab.old), vec![lab.trust("")]),
        case(
            "TLS 1.2 alone, where 1.3 is asked for",
            &url(&lab.old),
            vec![lab.trust(modern)],
        ),
    ]
}

fn clients(lab: &Lab) -> Vec<Case> {
    let with = |pair: &super::certificates::Pair| {
        let pair = format!(
            "cert_file: {}, key_file: {}",
            pair.cert.display(),
            pair.key.display()
        );
        vec![lab.trust(&pair)]
    };
    let mut mixed = lab.client.clone();
    mixed.key.clone_from(&lab.late_client.key);
    let mut gone = lab.client.clone();
    gone.cert = "/nowhere/client.pem".into();
    let mut cases = Vec::new();
    for (names, server) in [
        (
            [
                "nginx, its own",
                "nginx, none",
                "nginx, of an unknown CA",
                "nginx, expired",
            ],
            &lab.nginx,
        ),
        (
            [
                "docker-registry, its own",
                "docker-registry, none",
                "docker-registry, of an unknown CA",
                "docker-registry, expired",
            ],
            &lab.mutual,
        ),
    ] {
        let keys = [
            with(&lab.client),
            vec![lab.trust("")],
            with(&lab.strange_client),
            with(&lab.late_client),
        ];
        cases.extend(
            names
                .into_iter()
                .zip(keys)
                .map(|(name, keys)| case(name, &url(server), keys)),
        );
    }
    cases.push(case(
        "with the key of another",
        &url(&lab.nginx),
        with(&mixed),
    ));
    cases.push(case("that is not there", &url(&lab.nginx), with(&gone)));
    cases
}

fn ports(lab: &Lab) -> Vec<Case> {
    let plainly = |url: String| url.replace("https://", "http://");
    let nested = format!("{}/artifactory/docker/", url(&lab.nested));
    vec![
        case(
            "http:// on a TLS port of docker-registry",
            &plainly(url(&lab.good)),
            vec![],
        ),
        case(
            "http:// on a TLS port of nginx",
            &plainly(url(&lab.nginx)),
            vec![],
        ),
        case(
            "https:// on a plain port",
            &url(&lab.plain),
            vec![lab.trust("")],
        ),
        case("below a path", &nested, vec![lab.trust("")]),
        case(
            "a path where nothing is",
            &url(&lab.nested),
            vec![lab.trust("")],
        ),
        case(
            "an address in the URL",
            &url(&lab.good).replace(HOST, "127.0.0.1"),
            vec![lab.trust("")],
        ),
    ]
}

#[expect(clippy::too_many_lines, reason = "a row for every case")]
fn proxies(lab: &Lab) -> Vec<Case> {
    let local = |server| url(server).replace(HOST, "localhost");
    let plain = url(&lab.plain)
        .replace("https://", "http://")
        .replace(HOST, "localhost");
    let open = format!("proxy_url: {}", lab.open_proxy.url);
    let closed = format!("proxy_url: {}", lab.closed_proxy.url);
    let dead = format!("proxy_url: http://127.0.0.1:{}", lab.dead_port);
    let login = |password: &str| {
        let file = lab.authority.file(&format!("proxy-{password}"), password);
        format!(
            "proxy_username: clerk\n    proxy_password_file: {}",
            file.display()
        )
    };
    let (right, bad) = (login("proxy-secret"), login("guessed"));
    let gone = "proxy_username: clerk\n    proxy_password_file: /nowhere/password".to_owned();
    let nobody = format!("https://localhost:{}", lab.dead_port);
    let trusting = |proxy: &String, more: &[&str]| {
        let more = more.iter().map(|&key| key.to_owned());
        [lab.trust(""), proxy.clone()]
            .into_iter()
            .chain(more)
            .collect()
    };
    vec![
        case("a proxy", &local(&lab.good), trusting(&open, &[])),
        case("a proxy, plain HTTP", &plain, vec![open.clone()]),
        case(
            "a proxy, an expired certificate",
            &local(&lab.expired),
            trusting(&open, &[]),
        ),
        case(
            "a proxy that cannot reach the registry",
            &nobody,
            trusting(&open, &[]),
        ),
        case(
            "a proxy that is not there",
            &local(&lab.good),
            trusting(&dead, &[]),
        ),
        case(
            "a proxy that is not there, and no_proxy",
            &local(&lab.good),
            trusting(&dead, &["no_proxy: [localhost]"]),
        ),
        case(
            "a proxy with a password",
            &local(&lab.good),
            trusting(&closed, &[&right]),
        ),
        case(
            "a proxy with a password, plain HTTP",
            &plain,
            vec![closed.clone(), right.clone()],
        ),
        case(
            "a proxy with the wrong password",
            &local(&lab.good),
            trusting(&closed, &[&bad]),
        ),
        case(
            "a proxy with the wrong password, plain HTTP",
            &plain,
            vec![closed.clone(), bad],
        ),
        case(
            "a proxy that wants a password",
            &local(&lab.good),
            trusting(&closed, &[]),
        ),
        case(
            "a proxy with a password that is gone",
            &local(&lab.good),
            trusting(&closed, &[&gone]),
        ),
        case(
            "a proxy and another server_name",
            &local(&lab.misnamed),
            vec![lab.trust("server_name: other.test"), open.clone()],
        ),
        case(
            "a proxy and a server_name that is another's",
            &local(&lab.good),
            vec![lab.trust("server_name: other.test"), open],
        ),
    ]
}

fn tokens(lab: &Lab) -> Vec<Case> {
    let keys = |url: &str| {
        let host = url::Url::parse(url).expect("a realm");
        let host = host.host_str().expect("a host").to_owned();
        vec![lab.trust(""), format!("token_hosts: [{host}]")]
    };
    let [good_realm, strange_realm, plain_realm] = lab.realms();
    let mut wrong_login = case("the wrong password", &url(&lab.token), keys(&good_realm));
    wrong_login.login = wrong();
    vec![
        case("the right password", &url(&lab.token), keys(&good_realm)),
        wrong_login,
        case(
            "a token host of an unknown CA",
            &url(&lab.strange_token),
            keys(&strange_realm),
        ),
        case(
            "a token host over plain HTTP",
            &url(&lab.plain_token),
            keys(&plain_realm),
        ),
    ]
}

fn case(name: &'static str, url: &str, keys: Vec<String>) -> Case {
    Case {
        name,
        url: url.to_owned(),
        login: good(),
        keys,
    }
}

/// The registry is asked by credentials and pull, and what they say is written down.
async fn asked(text: &mut String, case: &Case) {
    let mut yaml = format!(
        "registries:\n  - name: lab\n    url: {}\n    test_repository: {REPOSITORY}\n    username: {}\n    password: {}\n    resolve: {{registry.test: 127.0.0.1, other.test: 127.0.0.1, auth.test: 127.0.0.1}}\n",
        case.url, case.login.username, case.login.password
    );
    for key in &case.keys {
        writeln!(yaml, "    {key}").expect("a string");
    }
    let cycle = Asked::of(&yaml)
        .cycle(&[CheckName::Credentials, CheckName::Pull])
        .await;
    writeln!(text, "{}", case.name).expect("a string");
    let mut before = String::new();
    for report in cycle.reports() {
        let verdict = crate::asked::verdict(report.outcome.status, report.outcome.reason);
        let message = report.outcome.message;
        let shown = if message == before {
            "(the same)"
        } else {
            &message
        };
        let check = report.subject.check.as_str();
        writeln!(text, "  {check:<11} {verdict:<18} {shown}").expect("a string");
        before = message;
    }
    let seen = cycle
        .seen()
        .map_or_else(|| "nothing".to_owned(), |seen| words(&seen));
    writeln!(text, "  {:<11} {seen}\n", "seen").expect("a string");
}

/// Versions, the ends of certificates, and the phases that were gone through.
fn words(seen: &Observation) -> String {
    let mut words = Vec::new();
    if let Some(version) = seen.tls_version {
        words.push(format!("TLS {version}"));
    }
    if let Some(version) = seen.http_version {
        words.push(format!("HTTP {version}"));
    }
    let mut shown = seen.certificates.iter().map(|it| it.not_after);
    for (which, end) in [
        ("leaf", shown.next()),
        ("chain", shown.min()),
        ("client", seen.client_certificate_not_after),
    ] {
        if let Some(end) = end {
            words.push(format!("{which} until {}", servers::day(end)));
        }
    }
    let phases = seen.phases.unwrap_or_default();
    let phases: Vec<&str> = [
        ("resolve", phases.resolve),
        ("connect", phases.connect),
        ("tls", phases.tls),
        ("processing", phases.processing),
        ("transfer", phases.transfer),
    ]
    .into_iter()
    .filter_map(|(word, time)| time.map(|_| word))
    .collect();
    if !phases.is_empty() {
        words.push(format!("phases {}", phases.join(" ")));
    }
    if words.is_empty() {
        words.push("no connection".to_owned());
    }
    words.join(", ")
}
