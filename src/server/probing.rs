//! One registry for whoever asks, and where to find them all.

use std::sync::Arc;

use http::{
    Request, StatusCode,
    header::{ACCEPT, HOST},
    uri::Authority,
};

use super::{
    ProbeRefusal, Sought,
    answer::{Answer, failed, plain},
    query,
    routes::{PROBE, Site, not_configured, values},
};
use crate::exposition::Format;

impl Site {
    pub(super) async fn probe<B>(&self, request: &Request<B>) -> Answer {
        let headers = request.headers();
        let format = Format::negotiate(values(headers, &ACCEPT));
        let ask = match query::probing(request.uri(), headers, format) {
            Ok(ask) => ask,
            Err(why) => return plain(StatusCode::BAD_REQUEST, &why),
        };
        if ask.force {
            return plain(
                StatusCode::FORBIDDEN,
                "`force=true` needs web authentication: `--web.config.file`",
            );
        }
        match Arc::clone(&self.pages).probe(ask).await {
            Ok(page) => {
                let made = move || Ok(Some(page));
                self.made(made, not_configured, format.content_type(), headers)
                    .await
            }
            Err(ProbeRefusal::NotConfigured) => not_configured(),
            Err(ProbeRefusal::NotEnabled) => not_probed(),
            Err(ProbeRefusal::Failed(why)) => failed(&why),
        }
    }

    pub(super) async fn service_discovery<B>(&self, request: &Request<B>) -> Answer {
        let Some(sought) = self.sought(request) else {
            return plain(
                StatusCode::BAD_REQUEST,
                "the `Host` of the request is no address; set `--web.external-url`",
            );
        };
        let pages = Arc::clone(&self.pages);
        let make = move || pages.service_discovery(&sought);
        self.made(make, not_probed, "application/json", request.headers())
            .await
    }

    /// Where whoever asks finds this exporter: as the operator says, or as this request did.
    fn sought<B>(&self, request: &Request<B>) -> Option<Sought> {
        if let Some(url) = &self.options.external_url {
            return Some(Sought {
                scheme: url.scheme().to_owned(),
                address: url.authority().to_owned(),
                path: format!("{}{PROBE}", url.path().trim_end_matches('/')),
            });
        }
        // HTTP/2 has it in the request line.
        let named = request.uri().authority().cloned();
        let host = request.headers().get(HOST);
        let address = named.or_else(|| Authority::try_from(host?.as_bytes()).ok())?;
        (!address.as_str().contains('@')).then(|| Sought {
            scheme: "http".to_owned(),
            address: address.to_string(),
            path: format!("{}{PROBE}", self.options.route_prefix),
        })
    }
}

fn not_probed() -> Answer {
    plain(
        StatusCode::FORBIDDEN,
        "probing by request is not allowed; set `probe: {enabled: true}` for the registry or under `defaults`",
    )
}
