//! The keys that a registry inherits from `defaults:` too, and what stands under them.

use super::{Key, Keys, Shape, TEXTS, key};

/// What a registry inherits from `defaults:` too.
pub(in crate::config) const SETTINGS: &[Key] = &[
    key("checks", Shape::Map(CHECKS), "The settings of each check"),
    key(
        "timeout",
        Shape::Duration,
        "One run of one check, waits and retries included (30s)",
    ),
    key("request_timeout", Shape::Duration, "One request (10s)"),
    key(
        "connect_timeout",
        Shape::Duration,
        "DNS, TCP and TLS together (5s)",
    ),
    key(
        "upload_start_delay",
        Shape::Duration,
        "After a start, before the first push and capabilities (5m)",
    ),
    key("retry", Shape::Map(RETRY), "When a request is repeated"),
    key(
        "rate_limit_reserve",
        Shape::Whole(0, 100),
        "Percent: where less of a limit is left, reads wait (10)",
    ),
    key(
        "probe",
        Shape::Map(PROBE),
        "Whether requests to `/probe` may make the exporter ask",
    ),
    key("tls", Shape::Map(TLS), "The TLS policy"),
    key("proxy_url", Shape::Text, "The proxy of every request"),
    key(
        "proxy_username",
        Shape::Text,
        "Who the exporter is to that proxy",
    ),
    key(
        "proxy_password_file",
        Shape::Text,
        "File of the proxy's password",
    ),
    key("no_proxy", TEXTS, "Hosts that are reached without it"),
    key(
        "proxy_from_environment",
        Shape::Flag,
        "Take the proxy from HTTPS_PROXY, HTTP_PROXY and NO_PROXY (false)",
    ),
    key("http2", Shape::Flag, "Offer HTTP/2 (true)"),
    key(
        "user_agent_comment",
        Shape::Text,
        "Appended to the user agent, such as a contact address",
    ),
    key(
        "labels",
        Shape::Each(&Shape::Text),
        "Labels on every series of the registry",
    ),
    key(
        "expect",
        Shape::Map(EXPECT),
        "What the registry is expected to be able to do",
    ),
];

/// `probe:`.
pub(in crate::config) const PROBE: Keys = &[&[key("enabled", Shape::Flag, "They may (false)")]];

/// `tls:`.
pub(in crate::config) const TLS: Keys = &[&[
    key(
        "ca_file",
        Shape::Text,
        "Roots besides the system's; also a self-signed certificate",
    ),
    key("cert_file", Shape::Text, "Client certificate (PEM chain)"),
    key("key_file", Shape::Text, "Its key (PEM)"),
    key(
        "server_name",
        Shape::Text,
        "The name to ask for and to verify, instead of the host",
    ),
    key(
        "insecure_skip_verify",
        Shape::Flag,
        "Accept any certificate (false)",
    ),
    key(
        "min_version",
        Shape::Word(&["1.2", "1.3"]),
        "The oldest version of TLS that is spoken (1.2)",
    ),
]];

/// `retry:`.
pub(in crate::config) const RETRY: Keys = &[&[
    key(
        "attempts",
        Shape::Whole(1, 20),
        "Tries of a request that is answered 429 (4)",
    ),
    key("initial", Shape::Duration, "The first wait (1s)"),
    key("factor", Shape::Number, "Each wait to the one before (2)"),
    key("max", Shape::Duration, "The longest wait (30s)"),
    key(
        "retry_after_max",
        Shape::Duration,
        "No Retry-After is believed beyond it (15m)",
    ),
    key(
        "transient_attempts",
        Shape::Whole(0, 20),
        "Repeated tries after 502, 503, 504, resets and connect time-outs (1)",
    ),
]];

/// `checks:`.
pub(in crate::config) const CHECKS: Keys = &[&[
    key(
        "credentials",
        Shape::Map(CHECK),
        "Are the credentials accepted? (every 5m)",
    ),
    key(
        "pull",
        Shape::Map(CHECK),
        "May they pull the test image? (every 5m)",
    ),
    key("push", Shape::Map(PUSH), "May they push? (every 15m)"),
    key(
        "referrers",
        Shape::Map(CHECK),
        "Is there the referrers API? (every 30m)",
    ),
    key(
        "capabilities",
        Shape::Map(CAPABILITIES),
        "What the registry can do (every 24h)",
    ),
]];

/// The settings of a check that has no others.
pub(in crate::config) const CHECK: Keys = &[EVERY_CHECK];

/// The settings of push.
pub(in crate::config) const PUSH: Keys = &[
    EVERY_CHECK,
    &[
        key(
            "upload_interval",
            Shape::Duration,
            "From one upload session to the next (6h)",
        ),
        key(
            "allow_create",
            Shape::Flag,
            "Ask also where asking may create the repository (false)",
        ),
        key(
            "anonymous",
            Shape::Flag,
            "Ask also without credentials (false)",
        ),
    ],
];

/// The settings of capabilities.
pub(in crate::config) const CAPABILITIES: Keys = &[
    EVERY_CHECK,
    &[
        key(
            "probe_deletes",
            Shape::Flag,
            "DELETE of a digest that nothing can have (true)",
        ),
        key(
            "allow_get",
            Shape::Flag,
            "Read one manifest for a blob to mount (true, but not on Docker Hub)",
        ),
        key(
            "mount_from",
            Shape::Text,
            "Mount from this repository, which leaves a link behind",
        ),
    ],
];

const EVERY_CHECK: &[Key] = &[
    key("enabled", Shape::Flag, "Asked at all (true)"),
    key("interval", Shape::Duration, "From one asking to the next"),
];

/// `expect:`.
pub(in crate::config) const EXPECT: Keys = &[&[
    key("distribution_version", Shape::Flag, "A version header"),
    key("referrers_api", Shape::Flag, "The referrers API of OCI 1.1"),
    key("chunked_upload", Shape::Flag, "Uploads in chunks"),
    key("cross_repo_mount", Shape::Flag, "Mounting blobs"),
    key("manifest_delete", Shape::Flag, "Deleting manifests"),
    key("blob_delete", Shape::Flag, "Deleting blobs"),
]];
