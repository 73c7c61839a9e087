//! From a request to its answer.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::SystemTime,
};

use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode,
    header::{ACCEPT, ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, LOCATION, VARY},
};
use percent_encoding::percent_decode_str;
use tokio::{sync::Semaphore, task::spawn_blocking};

use super::{
    Options, PageError, Pages, Visitor,
    answer::{Answer, answer, busy, failed, not_allowed, not_configured, plain, with},
    body::Body,
    encoding, query,
};
use crate::{
    exposition::{Coding, Format, Page},
    page::POLICY,
    report::Audience,
    scheduler,
};

/// Everything that the routes need.
pub(super) struct Site {
    pub(super) pages: Arc<dyn Pages>,
    pub(super) options: Options,
    /// One permit a page that is made or sent; `None`: no bound.
    running: Option<Arc<Semaphore>>,
    /// One permit a probe that is waited for: half of the connections stay for the rest,
    /// so that registries that hang keep no scrape out.
    pub(super) waiting: Semaphore,
}

/// Where a path leads.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Route {
    Metrics,
    Status,
    Healthy,
    Ready,
    Reload,
    Configuration,
    Probe,
    ServiceDiscovery,
    /// Of all registries, or of this one.
    Reports(Option<String>),
    /// The root of the port, in front of the prefix.
    Root,
    Nowhere,
}

impl Site {
    pub(super) fn new(pages: Arc<dyn Pages>, options: Options) -> Self {
        let bound = options.max_requests;
        Self {
            running: (bound > 0).then(|| Arc::new(Semaphore::new(bound))),
            waiting: Semaphore::new((options.max_connections / 2).max(1)),
            pages,
            options,
        }
    }

    /// The answer to any request; of `HEAD` hyper leaves out the body.
    pub(super) async fn answer<B>(&self, request: &Request<B>, visitor: Visitor) -> Answer {
        let route = self.route(request.uri().path());
        if route == Route::Nowhere {
            return plain(StatusCode::NOT_FOUND, "not found");
        }
        let allowed: &[Method] = match route {
            Route::Reload => &[Method::POST],
            _ => &[Method::GET, Method::HEAD],
        };
        if !allowed.contains(request.method()) {
            return not_allowed(allowed);
        }
        let audience = visitor.audience(self.options.show_evidence);
        match route {
            Route::Metrics => self.metrics(request).await,
            Route::Configuration => self.configuration(audience, request.headers()).await,
            Route::Probe => self.probe(request, visitor, audience).await,
            Route::ServiceDiscovery => self.service_discovery(request).await,
            Route::Reports(registry) => self.reports(registry, audience, request.headers()).await,
            Route::Status => self.status(request, audience).await,
            Route::Root => self.to_status(),
            Route::Healthy => self.healthy(SystemTime::now()),
            Route::Ready if self.pages.ready() => plain(StatusCode::OK, "ready"),
            Route::Ready => plain(StatusCode::SERVICE_UNAVAILABLE, "starting"),
            Route::Reload => self.reload().await,
            Route::Nowhere => plain(StatusCode::NOT_FOUND, "not found"),
        }
    }

    fn route(&self, path: &str) -> Route {
        let prefix = self.options.route_prefix.as_str();
        let path = match path.strip_prefix(prefix) {
            _ if !prefix.is_empty() && path == "/" => return Route::Root,
            Some("") if !prefix.is_empty() => return Route::Root,
            Some(path) if path.starts_with('/') => path,
            _ => return Route::Nowhere,
        };
        if path == self.options.telemetry_path {
            return Route::Metrics;
        }
        match path {
            "/" => Route::Status,
            "/-/healthy" => Route::Healthy,
            "/-/ready" => Route::Ready,
            "/-/reload" => Route::Reload,
            "/config" => Route::Configuration,
            PROBE => Route::Probe,
            "/sd" => Route::ServiceDiscovery,
            REPORTS => Route::Reports(None),
            _ => match path
                .strip_prefix(REPORTS)
                .and_then(|rest| rest.strip_prefix('/'))
            {
                // A name may hold any character, also a slash.
                Some(name) if !name.is_empty() => {
                    let name = percent_decode_str(name).decode_utf8_lossy();
                    Route::Reports(Some(name.into_owned()))
                }
                _ => Route::Nowhere,
            },
        }
    }

    async fn metrics<B>(&self, request: &Request<B>) -> Answer {
        let headers = request.headers();
        let format = Format::negotiate(values(headers, &ACCEPT));
        let scope = query::scope(request.uri());
        let coding = encoding::wanted(values(headers, &ACCEPT_ENCODING));
        let pages = Arc::clone(&self.pages);
        let make = move || pages.metrics(format, scope, coding);
        self.made(make, not_configured, format.content_type(), headers)
            .await
    }

    async fn configuration(&self, audience: Audience, headers: &HeaderMap) -> Answer {
        let pages = Arc::clone(&self.pages);
        let make = move || Ok(Some(pages.configuration(audience)));
        self.made(make, not_configured, "text/plain; charset=utf-8", headers)
            .await
    }

    async fn reports(
        &self,
        registry: Option<String>,
        audience: Audience,
        headers: &HeaderMap,
    ) -> Answer {
        let pages = Arc::clone(&self.pages);
        let make = move || pages.reports(registry.as_deref(), audience);
        self.made(make, not_configured, "application/json", headers)
            .await
    }

    async fn status<B>(&self, request: &Request<B>, audience: Audience) -> Answer {
        let pages = Arc::clone(&self.pages);
        let headers = request.headers();
        let query = request.uri().query().unwrap_or_default().to_owned();
        let missing = Arc::new(AtomicBool::new(false));
        let tell = Arc::clone(&missing);
        let make = move || {
            let page = pages.status(&query, audience)?;
            tell.store(!page.found, Ordering::Relaxed);
            Ok(Some(page.html))
        };
        let mut answer = self
            .made(make, not_configured, "text/html; charset=utf-8", headers)
            .await;
        if answer.status() == StatusCode::OK && missing.load(Ordering::Relaxed) {
            *answer.status_mut() = StatusCode::NOT_FOUND;
        }
        match HeaderValue::from_str(&POLICY) {
            Ok(policy) => with(answer, CONTENT_SECURITY_POLICY, policy),
            Err(error) => failed(&error.to_string()),
        }
    }

    /// Relative links stand only under a path with a slash at its end.
    fn to_status(&self) -> Answer {
        let to = format!("{}/", self.options.route_prefix);
        let answer = plain(StatusCode::FOUND, &to);
        match HeaderValue::try_from(to) {
            Ok(to) => with(answer, LOCATION, to),
            Err(error) => failed(&error.to_string()),
        }
    }

    async fn reload(&self) -> Answer {
        if !self.options.lifecycle {
            return plain(
                StatusCode::FORBIDDEN,
                "reloading by request is not allowed; start with `--web.enable-lifecycle`, or send SIGHUP",
            );
        }
        match Arc::clone(&self.pages).reload().await {
            Ok(()) => plain(StatusCode::OK, "reloaded"),
            Err(errors) => plain(StatusCode::INTERNAL_SERVER_ERROR, errors.trim_end()),
        }
    }

    fn healthy(&self, now: SystemTime) -> Answer {
        let beat = self.pages.heartbeat();
        let stale = beat.is_some_and(|beat| !scheduler::lives(beat, now));
        if stale {
            plain(
                StatusCode::SERVICE_UNAVAILABLE,
                "the scheduler shows no sign of life",
            )
        } else {
            plain(StatusCode::OK, "healthy")
        }
    }

    /// A page that is made off the threads that send, within the bound; it
    /// counts until it is sent.
    pub(super) async fn made<P: Into<Page>>(
        &self,
        make: impl FnOnce() -> Result<Option<P>, PageError> + Send + 'static,
        missing: impl Fn() -> Answer,
        content_type: &'static str,
        headers: &HeaderMap,
    ) -> Answer {
        let permit = match &self.running {
            None => None,
            Some(running) => match Arc::clone(running).try_acquire_owned() {
                Ok(permit) => Some(permit),
                Err(_) => return busy(),
            },
        };
        let coding = encoding::wanted(values(headers, &ACCEPT_ENCODING));
        let making = spawn_blocking(move || {
            let Some(page) = make()? else {
                return Ok(None);
            };
            let page: Page = page.into();
            let page = match (page.coding(), coding) {
                (Coding::Identity, Coding::Gzip) => encoding::gzip(page)?.into(),
                _ => page,
            };
            Ok::<_, PageError>(Some(Body::new(page, permit)))
        });
        let body = match making.await {
            Ok(Ok(Some(body))) => body,
            Ok(Ok(None)) => return missing(),
            Ok(Err(error)) => return failed(&error.to_string()),
            Err(error) => {
                return failed(if error.is_panic() {
                    "a panic"
                } else {
                    "cancelled"
                });
            }
        };
        let answer = answer(StatusCode::OK, content_type, body);
        let answer = with(
            answer,
            VARY,
            HeaderValue::from_static("Accept, Accept-Encoding"),
        );
        if coding == Coding::Gzip {
            with(answer, CONTENT_ENCODING, HeaderValue::from_static("gzip"))
        } else {
            answer
        }
    }
}

pub(super) fn values<'a>(
    headers: &'a HeaderMap,
    name: &HeaderName,
) -> impl Iterator<Item = &'a str> {
    headers
        .get_all(name)
        .into_iter()
        .filter_map(|value| value.to_str().ok())
}

pub(super) const PROBE: &str = "/probe";
const REPORTS: &str = "/api/v1/reports";

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{
        exposition::Scope,
        server::{Answering, ProbeRefusal, Probing, Reloading, Sought, StatusPage},
    };

    struct Beat(Option<SystemTime>);

    impl Pages for Beat {
        fn metrics(&self, _: Format, _: Scope, _: Coding) -> Result<Option<Page>, PageError> {
            Ok(None)
        }

        fn configuration(&self, _: Audience) -> String {
            String::new()
        }

        fn probe(self: Arc<Self>, _: Probing) -> Answering {
            Box::pin(async { Err(ProbeRefusal::NotConfigured) })
        }

        fn service_discovery(&self, _: &Sought) -> Result<Option<String>, PageError> {
            Ok(None)
        }

        fn reports(&self, _: Option<&str>, _: Audience) -> Result<Option<String>, PageError> {
            Ok(None)
        }

        fn status(&self, _: &str, _: Audience) -> Result<StatusPage, PageError> {
            Ok(StatusPage {
                html: String::new(),
                found: true,
            })
        }

        fn heartbeat(&self) -> Option<SystemTime> {
            self.0
        }

        fn ready(&self) -> bool {
            false
        }

        fn reload(self: Arc<Self>) -> Reloading {
            Box::pin(async { Ok(()) })
        }
    }

    #[test]
    fn paths_lead_where_they_should() {
        let options = Options {
            telemetry_path: "/probe/metrics".to_owned(),
            ..Options::default()
        };
        let site = Site::new(Arc::new(Beat(None)), options);
        let of = |name: &str| Route::Reports(Some(name.to_owned()));
        for (path, route) in [
            ("/probe/metrics", Route::Metrics),
            ("/", Route::Status),
            ("/-/healthy", Route::Healthy),
            ("/-/ready", Route::Ready),
            ("/api/v1/reports", Route::Reports(None)),
            ("/api/v1/reports/ghcr", of("ghcr")),
            ("/api/v1/reports/a%2Fb%20%C3%A9", of("a/b é")),
            ("/api/v1/reports/a/b+c", of("a/b+c")),
            ("/api/v1/reports/%FF%zz", of("\u{fffd}%zz")),
            ("/api/v1/reports/", Route::Nowhere),
            ("/api/v1/reportsx", Route::Nowhere),
            ("/metrics", Route::Nowhere),
            ("/probe/metrics/", Route::Nowhere),
            ("//", Route::Nowhere),
            ("*", Route::Nowhere),
            ("", Route::Nowhere),
            ("/-/reload", Route::Reload),
            ("/probe", Route::Probe),
            ("/sd", Route::ServiceDiscovery),
            ("/config", Route::Configuration),
        ] {
            assert_eq!(site.route(path), route, "{path}");
        }
    }

    #[test]
    fn every_route_stands_behind_the_prefix() {
        let options = Options {
            route_prefix: "/oci".to_owned(),
            ..Options::default()
        };
        let site = Site::new(Arc::new(Beat(None)), options);
        for (path, route) in [
            ("/", Route::Root),
            ("/oci", Route::Root),
            ("/oci/", Route::Status),
            ("/oci/metrics", Route::Metrics),
            ("/oci/-/healthy", Route::Healthy),
            ("/oci/api/v1/reports", Route::Reports(None)),
            ("/metrics", Route::Nowhere),
            ("/ocimetrics", Route::Nowhere),
            ("/oci/oci/metrics", Route::Nowhere),
        ] {
            assert_eq!(site.route(path), route, "{path}");
        }
        let answer = site.to_status();
        assert_eq!(answer.status(), 302);
        assert_eq!(answer.headers()[LOCATION], "/oci/");
    }

    #[test]
    fn a_telemetry_path_may_take_the_place_of_the_status_page() {
        let options = Options {
            telemetry_path: "/".to_owned(),
            ..Options::default()
        };
        let site = Site::new(Arc::new(Beat(None)), options);
        assert_eq!(site.route("/"), Route::Metrics);
    }

    #[test]
    fn a_stale_heartbeat_is_unhealthy() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_hours(24);
        for (beat, status) in [
            (None, 200),
            (Some(now), 200),
            (Some(now - Duration::from_mins(1)), 200),
            (Some(now - Duration::from_millis(60_001)), 503),
            (Some(SystemTime::UNIX_EPOCH), 503),
            (Some(now + Duration::from_hours(1)), 200),
        ] {
            let site = Site::new(Arc::new(Beat(beat)), Options::default());
            assert_eq!(site.healthy(now).status(), status, "{beat:?}");
        }
    }
}
