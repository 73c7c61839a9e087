//! One version of the file, ready for use.

use std::{collections::BTreeMap, sync::Arc};

use http::{HeaderName, HeaderValue};
use rustls::ServerConfig;

use super::{bucket::Bucket, tls};
use crate::{
    config::{ConfigErrors, PasswordHash, WebConfig},
    server::answer::Answer,
};

/// What one version of the file comes to.
pub(in crate::server) struct Policy {
    /// `None`: plain HTTP.
    pub(in crate::server) tls: Option<Arc<ServerConfig>>,
    /// Whether a certificate that a client has shown has been verified.
    pub(in crate::server) verifies_clients: bool,
    pub(super) users: Arc<BTreeMap<String, PasswordHash>>,
    pub(super) bucket: Option<Arc<Bucket>>,
    pub(super) fingerprint: [u8; 32],
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl Policy {
    /// What was left in the bucket `before` stays there while its limit is the same.
    pub(super) fn new(config: &WebConfig, before: Option<&Self>) -> Result<Self, ConfigErrors> {
        let bucket = config.rate_limit.map(|limit| {
            before
                .and_then(|before| before.bucket.clone())
                .filter(|bucket| bucket.limit() == limit)
                .unwrap_or_else(|| Arc::new(Bucket::new(limit)))
        });
        let headers = config.headers.iter().filter_map(|(name, value)| {
            let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
            // The reader of the file lets through nothing else.
            Some((name, HeaderValue::from_str(value).ok()?))
        });
        let tls = config.tls.as_ref();
        Ok(Self {
            tls: tls.map(|of| tls::server(of, config.http2)).transpose()?,
            verifies_clients: tls.is_some_and(|tls| tls.client_auth.verifies()),
            users: Arc::new(config.users.clone()),
            bucket,
            fingerprint: config.fingerprint,
            headers: headers.collect(),
        })
    }

    /// The answer with the headers that every answer has; the operator's word
    /// stands before a page's own.
    pub(in crate::server) fn dressed(&self, mut answer: Answer) -> Answer {
        for (name, value) in &self.headers {
            answer.headers_mut().insert(name, value.clone());
        }
        answer
    }
}
