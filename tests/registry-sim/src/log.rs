//! What arrived and what was answered, for tests to look at.

use std::collections::BTreeMap;
use std::fmt;

use http::{HeaderMap, Method, Version, header};

/// What a request asks for. The words are those of the exporter's
/// `operation` label, and a few more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operation {
    /// `GET /v2/`, with or without credentials.
    Ping,
    /// The token endpoint.
    Token,
    /// HEAD of a manifest.
    ManifestHead,
    /// GET of a manifest.
    ManifestGet,
    /// PUT of a manifest.
    ManifestPut,
    /// DELETE of a manifest or tag.
    ManifestDelete,
    /// The referrers route.
    Referrers,
    /// `tags/list`.
    TagsList,
    /// `_catalog`.
    Catalog,
    /// POST that opens an upload.
    UploadStart,
    /// POST with `mount`.
    Mount,
    /// PATCH of an upload.
    UploadPatch,
    /// PUT that ends an upload.
    UploadPut,
    /// GET of an upload.
    UploadStatus,
    /// DELETE of an upload.
    UploadCancel,
    /// HEAD of a blob.
    BlobHead,
    /// GET of a blob.
    BlobGet,
    /// DELETE of a blob.
    BlobDelete,
    /// Anything else.
    Other,
}

impl Operation {
    /// The word for logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ping => "ping",
            Self::Token => "token",
            Self::ManifestHead => "manifest_head",
            Self::ManifestGet => "manifest_get",
            Self::ManifestPut => "manifest_put",
            Self::ManifestDelete => "manifest_delete",
            Self::Referrers => "referrers",
            Self::TagsList => "tags_list",
            Self::Catalog => "catalog",
            Self::UploadStart => "upload_start",
            Self::Mount => "mount",
            Self::UploadPatch => "upload_patch",
            Self::UploadPut => "upload_put",
            Self::UploadStatus => "upload_status",
            Self::UploadCancel => "upload_cancel",
            Self::BlobHead => "blob_head",
            Self::BlobGet => "blob_get",
            Self::BlobDelete => "blob_delete",
            Self::Other => "other",
        }
    }
}

/// One request.
#[derive(Clone)]
pub struct Logged {
    /// Counts from 1 over the simulator's life.
    pub id: u64,
    /// The connection it came on, counted from 1.
    pub connection: u64,
    /// Which listener it came to.
    pub door: Door,
    /// HTTP version.
    pub version: Version,
    /// Method.
    pub method: Method,
    /// Path without the query.
    pub path: String,
    /// Query without the `?`.
    pub query: Option<String>,
    /// What it asks for.
    pub operation: Operation,
    /// The repository in the path.
    pub repository: Option<String>,
    /// The scheme of `Authorization`, as sent; never its value.
    pub authorization: Option<String>,
    /// The status answered; `None` while, or if never, answered.
    pub status: Option<u16>,
    headers: HeaderMap,
}

impl Logged {
    /// All headers except `Authorization` and `Proxy-Authorization`.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The header's first value, where it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Path and query as sent.
    pub fn path_and_query(&self) -> String {
        match &self.query {
            Some(query) => format!("{}?{query}", self.path),
            None => self.path.clone(),
        }
    }

    /// The value of a query parameter, decoded.
    pub fn parameter(&self, name: &str) -> Option<String> {
        url::form_urlencoded::parse(self.query.as_deref()?.as_bytes())
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.into_owned())
    }
}

impl fmt::Display for Logged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let status = self
            .status
            .map_or_else(|| "-".to_owned(), |status| status.to_string());
        let scheme = self.authorization.as_deref().unwrap_or("no");
        write!(
            f,
            "{} {} ({scheme} credentials) -> {status} [{}]",
            self.method,
            self.path_and_query(),
            self.operation.as_str()
        )
    }
}

impl fmt::Debug for Logged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// A listener of the simulator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    /// The registry's.
    Registry,
    /// The token service's, where it has one of its own.
    Token,
}

/// The requests so far.
#[derive(Debug, Default)]
pub(crate) struct Log {
    kept: Vec<Logged>,
    counts: BTreeMap<Operation, u64>,
    total: u64,
    off: bool,
    /// Everything that arrived, as text: what [`Log::saw`] searches.
    heard: String,
}

impl Log {
    /// Counts only; keeps no entry (for benches).
    pub(crate) fn switch_off(&mut self) {
        self.off = true;
    }

    /// Enters a request and says its id.
    pub(crate) fn enter(&mut self, mut entry: Logged, headers: &HeaderMap) -> u64 {
        self.total += 1;
        *self.counts.entry(entry.operation).or_default() += 1;
        entry.id = self.total;
        if self.off {
            return self.total;
        }
        self.hear(&entry.path_and_query());
        for (name, value) in headers {
            self.hear(&format!(
                "{name}: {}",
                String::from_utf8_lossy(value.as_bytes())
            ));
            if let Some(decoded) = crate::auth::decoded_basic(value) {
                self.hear(&decoded);
            }
            if name != header::AUTHORIZATION && name != header::PROXY_AUTHORIZATION {
                entry.headers.append(name.clone(), value.clone());
            }
        }
        self.kept.push(entry);
        self.total
    }

    pub(crate) fn hear(&mut self, text: &str) {
        if !self.off {
            self.heard.push_str(text);
            self.heard.push('\n');
        }
    }

    pub(crate) fn answered(&mut self, id: u64, status: u16) {
        if let Some(entry) = self.kept.iter_mut().rev().find(|entry| entry.id == id) {
            entry.status = Some(status);
        }
    }

    pub(crate) fn kept(&self) -> Vec<Logged> {
        self.kept.clone()
    }

    pub(crate) fn take(&mut self) -> Vec<Logged> {
        std::mem::take(&mut self.kept)
    }

    pub(crate) fn count(&self, operation: Operation) -> u64 {
        self.counts.get(&operation).copied().unwrap_or(0)
    }

    pub(crate) fn total(&self) -> u64 {
        self.total
    }

    pub(crate) fn saw(&self, canary: &str) -> bool {
        self.heard.contains(canary)
    }
}

/// What the log keeps of a request.
pub(crate) fn entry(
    parts: &http::request::Parts,
    operation: Operation,
    repository: Option<String>,
    connection: u64,
    door: Door,
) -> Logged {
    Logged {
        id: 0,
        connection,
        door,
        version: parts.version,
        method: parts.method.clone(),
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().map(str::to_owned),
        operation,
        repository,
        authorization: parts.headers.get(header::AUTHORIZATION).map(|value| {
            let text = String::from_utf8_lossy(value.as_bytes());
            text.split(' ').next().unwrap_or_default().to_owned()
        }),
        status: None,
        headers: HeaderMap::new(),
    }
}
