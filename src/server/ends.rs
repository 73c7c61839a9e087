//! Why a connection ends before who opened it ends it.

use tokio::sync::watch::Receiver;

/// What ends a connection after the requests under way.
pub(super) struct Ends {
    /// The shutdown of the port.
    pub(super) stop: Option<Receiver<()>>,
    /// A newer version of the web configuration.
    pub(super) renewed: Option<Receiver<()>>,
    /// Another connection waits: an end only for one that holds its place for nothing.
    pub(super) crowded: Option<Receiver<()>>,
}

impl Ends {
    pub(super) fn new(
        stop: Receiver<()>,
        renewed: Option<Receiver<()>>,
        crowded: Receiver<()>,
    ) -> Self {
        Self {
            stop: Some(stop),
            renewed,
            crowded: Some(crowded),
        }
    }
}

/// Waits for news of an end.
pub(super) async fn told(end: &mut Option<Receiver<()>>) {
    match end {
        // Fails where the sender is gone, which is an end as well.
        Some(end) => drop(end.changed().await),
        None => std::future::pending().await,
    }
}
