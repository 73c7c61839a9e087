//! The keys of the whole document, of `defaults:` and of `limits:`.

use super::{
    Key, Keys, Shape, TEXTS, key,
    registry::{ENTRY, OCI, PROFILE, SET},
    settings::SETTINGS,
};

/// The whole document.
pub(in crate::config) const ROOT: Keys = &[&[
    key(
        "OCI",
        Shape::Map(OCI),
        "One registry in the form of the source document; `OCI__*` overrides its keys",
    ),
    key(
        "defaults",
        Shape::Map(DEFAULTS),
        "What every registry inherits, and the exporter's own settings",
    ),
    key(
        "profiles",
        Shape::Each(&Shape::Map(PROFILE)),
        "Named groups of keys; a registry that names one inherits from it before `defaults`",
    ),
    key(
        "credentials",
        Shape::Each(&Shape::Map(SET)),
        "Named credential sets",
    ),
    key(
        "credential_dirs",
        TEXTS,
        "Directories that each are a credential set, named after its last part, which may hold `*`",
    ),
    key(
        "limits",
        Shape::Map(LIMITS),
        "How much may be configured before it is taken for a flood",
    ),
    key(
        "registries",
        Shape::List(&Shape::Map(ENTRY)),
        "The registries that are asked",
    ),
]];

/// `defaults:`.
pub(in crate::config) const DEFAULTS: Keys = &[EXPORTER, SETTINGS];

/// Keys of `defaults:` that are the exporter's, not a registry's.
pub(in crate::config) const EXPORTER: &[Key] = &[
    key(
        "concurrency",
        Shape::Whole(1, 4096),
        "Registries asked at once (256)",
    ),
    key(
        "histogram_buckets",
        Shape::Either(&[Shape::Off, Shape::List(&Shape::Number)]),
        "Upper bounds of the request histogram in seconds; false: no histogram",
    ),
];

/// `limits:`.
pub(in crate::config) const LIMITS: Keys = &[&[
    key(
        "registries",
        Shape::Whole(1, 1_000_000),
        "Registries (10000)",
    ),
    key(
        "repositories",
        Shape::Whole(1, 1_000_000),
        "Repositories of all registries together (20000)",
    ),
    key(
        "label_values",
        Shape::Whole(1, 1_000_000),
        "Different values of one of your own labels (500)",
    ),
]];
