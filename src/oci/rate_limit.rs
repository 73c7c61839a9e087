//! What a registry says of its pull limit.

/// `ratelimit-limit: 100;w=21600` and `ratelimit-remaining: 20;w=21600` (Docker Hub).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimit {
    /// Pulls in a window.
    pub limit: Option<u64>,
    /// Pulls left in it.
    pub remaining: Option<u64>,
    /// The window (seconds).
    pub window_seconds: Option<u64>,
}
