//! One registry for whoever asks, and where to find them all.

use std::sync::Arc;

use http::{Request, StatusCode, header::ACCEPT};

use super::{
    ProbeRefusal, Sought, Visitor,
    answer::{Answer, busy, failed, not_configured, plain},
    query,
    routes::{PROBE, Site, values},
};
use crate::{exposition::Format, report::Audience};

impl Site {
    pub(super) async fn probe<B>(
        &self,
        request: &Request<B>,
        visitor: Visitor,
        audience: Audience,
    ) -> Answer {
        let headers = request.headers();
        let format = Format::negotiate(values(headers, &ACCEPT));
        let ask = match query::probing(request.uri(), headers, format) {
            Ok(ask) => ask,
            Err(why) => return plain(StatusCode::BAD_REQUEST, &why),
        };
        // Whoever may, makes the exporter knock as often as they like.
        if ask.force && !visitor.authenticated {
            return plain(StatusCode::FORBIDDEN, FORCE_REFUSED);
        }
        if ask.debug && audience != Audience::Operator {
            return plain(StatusCode::FORBIDDEN, DEBUG_REFUSED);
        }
        let content_type = if ask.debug {
            "text/plain; charset=utf-8"
        } else {
            format.content_type()
        };
        let Ok(waiting) = self.waiting.try_acquire() else {
            return busy();
        };
        let probed = Arc::clone(&self.pages).probe(ask).await;
        drop(waiting);
        match probed {
            Ok(page) => {
                let made = move || Ok(Some(page));
                self.made(made, not_configured, content_type, headers).await
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
        let address = query::address(request.uri(), request.headers())?;
        let tls = self.options.web.as_ref().is_some_and(|web| web.tls());
        Some(Sought {
            scheme: if tls { "https" } else { "http" }.to_owned(),
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

const FORCE_REFUSED: &str = "`force=true` is for whoever has logged in: `basic_auth_users` or client certificates in `--web.config.file`";
const DEBUG_REFUSED: &str = "`debug=true` shows requests and user names: log in (`--web.config.file`), or allow it to everybody (`--web.show-evidence always`)";
