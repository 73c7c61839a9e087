//! The layer around the HTTP client's connector: it tells the observer when a
//! connection begins and stands, and opens none that nobody waits for.

use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use tokio::time::sleep;
use tower_layer::Layer;
use tower_service::Service;

use super::observer;

/// Wraps the HTTP client's connector (DNS, TCP, proxy, TLS).
#[derive(Debug, Clone)]
pub(super) struct ObserveLayer;

/// The wrapped connector.
#[derive(Debug, Clone)]
pub(super) struct Observe<S> {
    inner: S,
}

impl<S> Layer<S> for ObserveLayer {
    type Service = Observe<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Observe { inner }
    }
}

type BoxError = Box<dyn std::error::Error + Send + Sync>;
type Connecting<T> = Pin<Box<dyn Future<Output = Result<T, BoxError>> + Send>>;

impl<S, R> Service<R> for Observe<S>
where
    S: Service<R, Error = BoxError> + Clone + Send + 'static,
    S::Future: Send + 'static,
    S::Response: 'static,
    R: Send + 'static,
{
    type Response = S::Response;
    type Error = BoxError;
    type Future = Connecting<S::Response>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, destination: R) -> Self::Future {
        let next = self.inner.clone();
        let mut ready = std::mem::replace(&mut self.inner, next);
        Box::pin(WithinRequest(Box::pin(async move {
            settle().await;
            observer::connection_begun();
            let opened = ready.call(destination).await?;
            observer::connection_stands();
            Ok(opened)
        })))
    }
}

/// A connection that is opened by and for the request that runs.
///
/// The HTTP client races a new connection against one that becomes free, and
/// where the free one wins it lets the new one go on in the background. Nobody
/// would see that one fail, and it would be a second handshake: it ends here.
struct WithinRequest<T>(Connecting<T>);

impl<T> Future for WithinRequest<T> {
    type Output = Result<T, BoxError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        if !observer::in_request() {
            return Poll::Ready(Err("another connection became free".into()));
        }
        self.0.as_mut().poll(context)
    }
}

/// Lets a connection that has just been used come back into the pool before a
/// second one is opened: the pool takes it back in a task of its own, which may
/// run after the next request has begun.
async fn settle() {
    if observer::takes_returning() {
        sleep(SETTLE).await;
    }
}

/// Far longer than a task needs to be run once, and far shorter than a cycle; it
/// passes in full only where a server closes a connection that it said it keeps.
const SETTLE: Duration = Duration::from_millis(20);
