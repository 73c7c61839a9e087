//! The keys of a registry, of what it inherits from, and of all that stands in it.

use crate::oci::PRODUCTS;

use super::{Key, Keys, Shape, TEXTS, key, settings::SETTINGS};

/// The `OCI:` block, in the source document's spelling.
pub(in crate::config) const OCI: Keys = &[&[
    key("RegistryUrl", Shape::Text, "The registry's URL"),
    key("Username", Shape::Text, "User name"),
    key("Password", Shape::Text, "Password"),
    key(
        "PasswordSecretRef",
        Shape::Text,
        "`file:<path>`, `env:<NAME>` or a path",
    ),
    key("Token", Shape::Text, "Bearer token, sent as it is"),
    key(
        "TestRepository",
        Shape::Text,
        "Repository of the test image",
    ),
    key("TestTag", Shape::Text, "Tag of the test image (latest)"),
]];

/// An item of `registries:`.
pub(in crate::config) const ENTRY: Keys = &[IDENTITY, SHARED, SOURCE, SHORT, SETTINGS];

/// What stands under a name in `profiles:`: all of a registry's keys but its own name and URL.
pub(in crate::config) const PROFILE: Keys = &[SHARED, SOURCE, SHORT, SETTINGS];

/// What no registry inherits.
const IDENTITY: &[Key] = &[
    key(
        "name",
        Shape::Text,
        "The label `registry`; default: the host",
    ),
    key("url", Shape::Text, "`https://registry.example.com`"),
    key(
        "urls",
        TEXTS,
        "Several registries with the same settings, each named after its host",
    ),
    key(
        "profile",
        Shape::Text,
        "The name under `profiles:` that it inherits from",
    ),
];

/// What a registry inherits from a profile only.
const SHARED: &[Key] = &[
    key("credentials", Shape::Text, "The name of a credential set"),
    key(
        "repositories",
        Shape::List(&Shape::Either(&[Shape::Text, Shape::Map(REPOSITORY)])),
        "The repositories that are asked",
    ),
    key(
        "product",
        Shape::Word(&PRODUCTS),
        "The product, if it is not to be recognised from its answers",
    ),
    key(
        "token_hosts",
        TEXTS,
        "Further hosts that may receive these credentials for a token",
    ),
    key(
        "resolve",
        Shape::Each(&Shape::Text),
        "Addresses that stand in for name resolution, by host",
    ),
];

/// Where credentials come from.
pub(in crate::config) const SOURCE: &[Key] = &[
    key("username", Shape::Text, "User name"),
    key("password", Shape::Text, "Password"),
    key(
        "password_file",
        Shape::Text,
        "File of the password, read at every cycle",
    ),
    key(
        "password_env",
        Shape::Text,
        "Environment variable of the password",
    ),
    key(
        "password_secret_ref",
        Shape::Text,
        "`file:<path>`, `env:<NAME>` or a path",
    ),
    key("token", Shape::Text, "Bearer token, sent as it is"),
    key(
        "token_file",
        Shape::Text,
        "File of the token, read at every cycle",
    ),
    key(
        "token_env",
        Shape::Text,
        "Environment variable of the token",
    ),
    key(
        "docker_config",
        Shape::Text,
        "Docker's config.json or a Kubernetes pull secret; its `auths` say for which hosts",
    ),
    key(
        "credential_helper",
        Shape::Text,
        "`ecr-login` for the program docker-credential-ecr-login",
    ),
    key(
        "dir",
        Shape::Text,
        "A directory whose files are the set, such as a mounted Secret",
    ),
    key("anonymous", Shape::Flag, "Without credentials"),
];

/// The short form of a list of one repository.
pub(in crate::config) const SHORT: &[Key] = &[
    key(
        "test_repository",
        Shape::Text,
        "Repository of the test image",
    ),
    key("test_tag", Shape::Text, "Tag of the test image (latest)"),
    key(
        "push_repository",
        Shape::Text,
        "Repository that push is asked of, if it is another one",
    ),
];

/// A repository of a list.
pub(in crate::config) const REPOSITORY: Keys = &[
    &[
        key("name", Shape::Text, "The repository, such as `team/image`"),
        key("tag", Shape::Text, "Tag of the test image (latest)"),
        key("credentials", Shape::Text, "The name of a credential set"),
        key("push", Shape::Flag, "Ask for the right to push"),
        key(
            "labels",
            Shape::Each(&Shape::Text),
            "Labels on every series of the repository",
        ),
    ],
    SOURCE,
];

/// A named credential set.
pub(in crate::config) const SET: Keys = &[
    SOURCE,
    &[
        key(
            "hosts",
            TEXTS,
            "Where the set may ever be sent; `*` stands for one or more characters of one part",
        ),
        key(
            "expires",
            Shape::Text,
            "Its end as you know it: a date, or a time by RFC 3339",
        ),
    ],
];
