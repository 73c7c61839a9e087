//! The keys of `registry_files:` and of the documents that it names.

use super::{
    Key, Keys, Shape, TEXTS, key,
    settings::{EVERY_CHECK, EXPECT, WAY},
};
use crate::oci::PRODUCTS;

/// What a document may hold, where its item of `registry_files:` says so.
pub(in crate::config) const WORDS: &[&str] = &["registries", "repositories"];

/// An item of `registry_files:`.
pub(in crate::config) const REGISTRY_FILES: Keys = &[
    &[
        key(
            "paths",
            TEXTS,
            "Files, whose last part may hold `*`; relative paths begin at this file",
        ),
        key("url", Shape::Text, "One document, over http or https"),
        key(
            "may",
            Shape::List(&Shape::Word(WORDS)),
            "What the documents may hold ([repositories])",
        ),
        key(
            "interval",
            Shape::Duration,
            "From one look at their content to the next (30s)",
        ),
    ],
    WAY,
];

/// A document.
pub(in crate::config) const DOCUMENT: Keys = &[&[
    key(
        "repositories",
        Shape::List(&Shape::Map(DOCUMENT_REPOSITORY)),
        "Repositories of registries that the main file names",
    ),
    key(
        "registries",
        Shape::List(&Shape::Map(DOCUMENT_REGISTRY)),
        "Registries of its own, where the main file lets it",
    ),
]];

/// An item of a document's `repositories:`.
pub(in crate::config) const DOCUMENT_REPOSITORY: Keys = &[
    &[key(
        "registry",
        Shape::Text,
        "The name of a registry of the main file",
    )],
    REPOSITORY,
];

/// A repository of a document's own registry.
pub(in crate::config) const OWN_REPOSITORY: Keys = &[REPOSITORY];

const REPOSITORY: &[Key] = &[
    key("name", Shape::Text, "The repository, such as `team/image`"),
    key("tag", Shape::Text, "Tag of the test image (latest)"),
    key(
        "credentials",
        Shape::Text,
        "The name of a credential set of the main file",
    ),
    key("anonymous", Shape::Flag, "Without credentials"),
    key("push", Shape::Flag, "Ask for the right to push"),
    key(
        "labels",
        Shape::Each(&Shape::Text),
        "Labels on every series of the repository",
    ),
];

/// An item of a document's `registries:`.
pub(in crate::config) const DOCUMENT_REGISTRY: Keys = &[&[
    key(
        "name",
        Shape::Text,
        "The label `registry`; default: the host",
    ),
    key("url", Shape::Text, "`https://registry.example.com`"),
    key(
        "profile",
        Shape::Text,
        "The name of a profile of the main file",
    ),
    key(
        "credentials",
        Shape::Text,
        "The name of a credential set of the main file",
    ),
    key("anonymous", Shape::Flag, "Without credentials"),
    key(
        "repositories",
        Shape::List(&Shape::Either(&[Shape::Text, Shape::Map(OWN_REPOSITORY)])),
        "The repositories that are asked",
    ),
    key(
        "labels",
        Shape::Each(&Shape::Text),
        "Labels on every series of the registry",
    ),
    key(
        "checks",
        Shape::Map(DOCUMENT_CHECKS),
        "The settings of each check",
    ),
    key(
        "expect",
        Shape::Map(EXPECT),
        "What the registry is expected to be able to do",
    ),
    key(
        "product",
        Shape::Word(&PRODUCTS),
        "The product, if it is not to be recognised from its answers",
    ),
]];

/// The checks whose settings a document may hold.
pub(in crate::config) const DOCUMENT_CHECKS: Keys = &[&[
    key(
        "credentials",
        Shape::Map(DOCUMENT_CHECK),
        "Are the credentials accepted? (every 5m)",
    ),
    key(
        "pull",
        Shape::Map(DOCUMENT_CHECK),
        "May they pull the test image? (every 5m)",
    ),
    key(
        "push",
        Shape::Map(DOCUMENT_CHECK),
        "May they push? (every 15m)",
    ),
    key(
        "referrers",
        Shape::Map(DOCUMENT_CHECK),
        "Is there the referrers API? (every 30m)",
    ),
]];

/// The settings of each.
pub(in crate::config) const DOCUMENT_CHECK: Keys = &[EVERY_CHECK];
