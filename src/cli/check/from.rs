//! The reports of a running daemon in place of asking the registries.

use std::{collections::BTreeMap, time::Duration};

use http::{Method, header};
use url::Url;

use super::{
    super::{Failure, select},
    CheckFlags, LARGEST_DOCUMENT, login,
};
use crate::{
    exchange::{Authorization, Operation, Reply, Request},
    outcome::CheckName,
    report::{self, Reading, RegistryReports},
    transport::{ProxyOptions, TlsOptions, TlsPolicies, Transport, TransportOptions, user_agent},
};

/// Reads the daemon's `/api/v1/reports`.
pub(super) async fn reports(daemon: &Url, flags: &CheckFlags) -> Result<Reading, Failure> {
    let url = api(daemon);
    let wrong = |why: &str| Failure::usage(format!("`--from {url}`: {why}"));
    let login = login::stated(flags)?.map(|it| Authorization::Basic {
        username: it.username,
        password: it.password,
    });
    let said_who = login.is_some();
    let timeout = flags.timeout.unwrap_or(TIMEOUT);
    let tls = TlsOptions {
        insecure_skip_verify: flags.insecure,
        ..TlsOptions::default()
    };
    let policies = TlsPolicies::new();
    let tls = policies
        .policy(&tls)
        .map_err(|error| wrong(&error.to_string()))?;
    let transport = Transport::new(&TransportOptions {
        tls,
        host: url.host_str().unwrap_or_default().to_owned(),
        proxy: ProxyOptions::default(),
        connect_timeout: CONNECT.min(timeout),
        resolve: BTreeMap::new(),
        http2: true,
        user_agent: user_agent(None),
    })
    .map_err(|error| wrong(&error.detail))?;
    // Counted nowhere: no registry is asked.
    let request = Request::new(Operation::Ping, Method::GET, url.clone())
        .header(header::ACCEPT, "application/json")
        .authorized(login)
        .body_cap(LARGEST_DOCUMENT);
    let (exchange, _) = transport.send(&request, timeout).await;
    let reply = exchange.map_err(|error| wrong(&error.detail))?;
    if let Some(why) = refused(&reply, said_who) {
        return Err(wrong(&why));
    }
    report::read(&reply.body).map_err(|error| wrong(&error.to_string()))
}

/// Of the reading, the named registries and the chosen checks.
pub(super) fn chosen(
    reading: Reading,
    names: &[String],
    checks: &[CheckName],
) -> Result<Vec<RegistryReports>, Failure> {
    let mut registries = reading.registries;
    let known: Vec<&str> = registries.iter().map(|it| it.name.as_str()).collect();
    if let Some(name) = names.iter().find(|name| !known.contains(&name.as_str())) {
        return Err(Failure::usage(select::unknown(name, &known)));
    }
    registries.retain(|registry| names.is_empty() || names.contains(&registry.name));
    for registry in &mut registries {
        let entries = &mut registry.entries;
        entries.retain(|entry| checks.contains(&entry.report.subject.check));
    }
    if registries.is_empty() {
        return Err(Failure::usage("the daemon has no registry"));
    }
    Ok(registries)
}

fn api(daemon: &Url) -> Url {
    let mut url = daemon.clone();
    url.set_query(None);
    url.set_fragment(None);
    let path = url.path().trim_end_matches('/').to_owned();
    if path.contains(API) {
        url.set_path(&path);
    } else {
        url.set_path(&format!("{path}{API}"));
    }
    url
}

/// Why an answer is no document.
fn refused(reply: &Reply, said_who: bool) -> Option<String> {
    Some(match reply.status {
        200 if reply.truncated => format!(
            "the answer is larger than {} MiB, or broke off",
            LARGEST_DOCUMENT >> 20
        ),
        200 => return None,
        401 | 403 if said_who => format!("the daemon refuses the login ({})", reply.status),
        401 | 403 => format!(
            "the daemon wants a login ({}): use `--username` and `--password-stdin`",
            reply.status
        ),
        404 => "there is no such page (404): is this the address of the daemon?".to_owned(),
        300..=399 => format!("redirects are not followed ({})", reply.status),
        status => format!("the daemon answered {status}"),
    })
}

const API: &str = "/api/v1/reports";
const TIMEOUT: Duration = Duration::from_secs(30);
const CONNECT: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::testing::reply;

    #[test]
    fn the_daemons_address_is_enough() {
        for (daemon, expected) in [
            ("http://d:9968", "http://d:9968/api/v1/reports"),
            ("https://d/", "https://d/api/v1/reports"),
            ("https://d/exporter/", "https://d/exporter/api/v1/reports"),
            ("http://d/api/v1/reports", "http://d/api/v1/reports"),
            ("http://d/api/v1/reports/x?y#z", "http://d/api/v1/reports/x"),
        ] {
            assert_eq!(api(&Url::parse(daemon).unwrap()).as_str(), expected);
        }
    }

    #[test]
    fn an_answer_that_is_none_says_what_to_do() {
        for (status, said_who, expected) in [
            (200, false, None),
            (401, false, Some("wants a login (401)")),
            (403, true, Some("refuses the login (403)")),
            (404, false, Some("is this the address")),
            (302, false, Some("redirects are not followed")),
            (503, false, Some("answered 503")),
        ] {
            let shown = refused(&reply(status, &[], ""), said_who);
            match (shown, expected) {
                (None, None) => {}
                (Some(shown), Some(expected)) => assert!(shown.contains(expected), "{shown}"),
                other => panic!("{status}: {other:?}"),
            }
        }
        let mut cut = reply(200, &[], "");
        cut.truncated = true;
        assert!(refused(&cut, false).is_some());
    }
}
