//! From a request to its answer.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode,
    header::{
        ACCEPT, ACCEPT_ENCODING, ALLOW, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY,
        CONTENT_TYPE, RETRY_AFTER, VARY, X_CONTENT_TYPE_OPTIONS,
    },
};
use http_body_util::Full;
use percent_encoding::percent_decode_str;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    task::spawn_blocking,
};

use super::{Options, PageError, Pages, encoding};
use crate::{exposition::Format, page::POLICY, report::Audience};

pub(super) type Answer = Response<Full<Bytes>>;

/// Everything that the routes need.
pub(super) struct Site {
    pages: Arc<dyn Pages>,
    options: Options,
    /// One permit a page that is made or sent; `None`: no bound.
    running: Option<Arc<Semaphore>>,
}

/// Where a path leads.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Route {
    Metrics,
    Status,
    Healthy,
    Ready,
    /// Of all registries, or of this one.
    Reports(Option<String>),
    Nowhere,
}

impl Site {
    pub(super) fn new(pages: Arc<dyn Pages>, options: Options) -> Self {
        let bound = options.max_requests;
        Self {
            running: (bound > 0).then(|| Arc::new(Semaphore::new(bound))),
            pages,
            options,
        }
    }

    /// The answer to any request; of `HEAD` hyper leaves out the body.
    pub(super) async fn answer<B>(&self, request: &Request<B>) -> Answer {
        let route = self.route(request.uri().path());
        if route == Route::Nowhere {
            return plain(StatusCode::NOT_FOUND, "not found");
        }
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            let answer = plain(StatusCode::METHOD_NOT_ALLOWED, "method not allowed");
            return with(answer, ALLOW, HeaderValue::from_static("GET, HEAD"));
        }
        match route {
            Route::Metrics => self.metrics(request.headers()).await,
            Route::Reports(registry) => self.reports(registry, request.headers()).await,
            Route::Status => self.status(request.uri().query(), request.headers()).await,
            Route::Healthy => self.healthy(SystemTime::now()),
            Route::Ready if self.pages.ready() => plain(StatusCode::OK, "ready"),
            Route::Ready => plain(StatusCode::SERVICE_UNAVAILABLE, "starting"),
            Route::Nowhere => plain(StatusCode::NOT_FOUND, "not found"),
        }
    }

    fn route(&self, path: &str) -> Route {
        if path == self.options.telemetry_path {
            return Route::Metrics;
        }
        match path {
            "/" => Route::Status,
            "/-/healthy" => Route::Healthy,
            "/-/ready" => Route::Ready,
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

    async fn metrics(&self, headers: &HeaderMap) -> Answer {
        let format = Format::negotiate(values(headers, &ACCEPT));
        let pages = Arc::clone(&self.pages);
        let make = move || pages.metrics(format).map(Some);
        self.made(make, format.content_type(), headers).await
    }

    async fn reports(&self, registry: Option<String>, headers: &HeaderMap) -> Answer {
        let pages = Arc::clone(&self.pages);
        let make = move || pages.reports(registry.as_deref());
        self.made(make, "application/json", headers).await
    }

    async fn status(&self, query: Option<&str>, headers: &HeaderMap) -> Answer {
        let pages = Arc::clone(&self.pages);
        let query = query.unwrap_or_default().to_owned();
        let make = move || pages.status(&query, Audience::Anybody).map(Some);
        let answer = self.made(make, "text/html; charset=utf-8", headers).await;
        match HeaderValue::from_str(&POLICY) {
            Ok(policy) => with(answer, CONTENT_SECURITY_POLICY, policy),
            Err(error) => failed(&error.to_string()),
        }
    }

    fn healthy(&self, now: SystemTime) -> Answer {
        let stale = self.pages.heartbeat().is_some_and(|beat| {
            // A beat that lies ahead was seen before the clock was set back.
            now.duration_since(beat)
                .is_ok_and(|age| age > HEARTBEAT_AGE)
        });
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
    async fn made(
        &self,
        make: impl FnOnce() -> Result<Option<String>, PageError> + Send + 'static,
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
        let small = encoding::accepts_gzip(values(headers, &ACCEPT_ENCODING));
        let making = spawn_blocking(move || {
            let Some(page) = make()? else {
                return Ok(None);
            };
            let body = if small {
                encoding::gzip(&page)?
            } else {
                page.into_bytes()
            };
            Ok::<_, PageError>(Some(Bytes::from_owner(Sent {
                body,
                _permit: permit,
            })))
        });
        let body = match making.await {
            Ok(Ok(Some(body))) => body,
            Ok(Ok(None)) => {
                return plain(
                    StatusCode::NOT_FOUND,
                    "no registry of this name is configured",
                );
            }
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
        if small {
            with(answer, CONTENT_ENCODING, HeaderValue::from_static("gzip"))
        } else {
            answer
        }
    }
}

/// A page on its way, which ends its turn when it is dropped.
struct Sent {
    body: Vec<u8>,
    _permit: Option<OwnedSemaphorePermit>,
}

impl AsRef<[u8]> for Sent {
    fn as_ref(&self) -> &[u8] {
        &self.body
    }
}

fn busy() -> Answer {
    let answer = plain(StatusCode::SERVICE_UNAVAILABLE, "too many requests at once");
    with(answer, RETRY_AFTER, HeaderValue::from_static("1"))
}

fn failed(why: &str) -> Answer {
    tracing::error!(error = why, "page could not be made");
    plain(
        StatusCode::INTERNAL_SERVER_ERROR,
        "the page could not be made; the log says why",
    )
}

fn plain(status: StatusCode, words: &str) -> Answer {
    answer(
        status,
        "text/plain; charset=utf-8",
        format!("{words}\n").into(),
    )
}

fn answer(status: StatusCode, content_type: &'static str, body: Bytes) -> Answer {
    let mut answer = Response::new(Full::new(body));
    *answer.status_mut() = status;
    let answer = with(answer, CONTENT_TYPE, HeaderValue::from_static(content_type));
    let answer = with(
        answer,
        X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    with(answer, CACHE_CONTROL, HeaderValue::from_static("no-store"))
}

fn with(mut answer: Answer, name: HeaderName, value: HeaderValue) -> Answer {
    answer.headers_mut().insert(name, value);
    answer
}

fn values<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a str> {
    headers
        .get_all(name)
        .into_iter()
        .filter_map(|value| value.to_str().ok())
}

const REPORTS: &str = "/api/v1/reports";
/// An older heartbeat is no sign of life.
const HEARTBEAT_AGE: Duration = Duration::from_mins(1);

#[cfg(test)]
mod tests {
    use super::*;

    struct Beat(Option<SystemTime>);

    impl Pages for Beat {
        fn metrics(&self, _: Format) -> Result<String, PageError> {
            Ok(String::new())
        }

        fn reports(&self, _: Option<&str>) -> Result<Option<String>, PageError> {
            Ok(None)
        }

        fn status(&self, _: &str, _: Audience) -> Result<String, PageError> {
            Ok(String::new())
        }

        fn heartbeat(&self) -> Option<SystemTime> {
            self.0
        }

        fn ready(&self) -> bool {
            false
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
        ] {
            assert_eq!(site.route(path), route, "{path}");
        }
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
