//! From method and path to what is asked.

use http::Method;

use crate::log::Operation;
use crate::profile::{Profile, Slashless};

/// What a path names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    Ping,
    /// `/v2`, or `…/uploads` without the slash at the end.
    Slashless,
    Catalog,
    Token,
    Tags {
        name: String,
    },
    Manifest {
        name: String,
        reference: String,
    },
    Blob {
        name: String,
        digest: String,
    },
    Uploads {
        name: String,
    },
    Upload {
        name: String,
        id: String,
    },
    Referrers {
        name: String,
        digest: String,
    },
    Unknown,
}

impl Route {
    /// What the path names at this registry.
    pub(crate) fn of(path: &str, profile: &Profile) -> Self {
        if path == profile.token.path {
            return Self::Token;
        }
        match path {
            "/v2/" => return Self::Ping,
            "/v2" => {
                return match profile.wire.slashless {
                    Slashless::Redirected => Self::Slashless,
                    Slashless::Same | Slashless::UploadRefused => Self::Ping,
                };
            }
            "/v2/_catalog" => return Self::Catalog,
            _ => {}
        }
        if let Some(rest) = path.strip_prefix("/artifacts-uploads/") {
            return rest
                .rsplit_once('/')
                .map_or(Self::Unknown, |(name, id)| Self::upload(name, id));
        }
        path.strip_prefix("/v2/")
            .map_or(Self::Unknown, |rest| Self::in_repository(rest, profile))
    }

    fn in_repository(rest: &str, profile: &Profile) -> Self {
        if let Some(name) = rest.strip_suffix("/tags/list") {
            return named(name, |name| Self::Tags { name });
        }
        if let Some(name) = rest.strip_suffix("/blobs/uploads/") {
            return named(name, |name| Self::Uploads { name });
        }
        if let Some(name) = rest.strip_suffix("/blobs/uploads") {
            return match profile.wire.slashless {
                Slashless::Redirected | Slashless::UploadRefused => Self::Slashless,
                Slashless::Same => named(name, |name| Self::Uploads { name }),
            };
        }
        let Some((head, last)) = rest.rsplit_once('/') else {
            return Self::Unknown;
        };
        let last = last.to_owned();
        if let Some(name) = head
            .strip_suffix("/blobs/uploads")
            .or_else(|| head.strip_suffix("/blobs/upload"))
        {
            return Self::upload(name, &last);
        }
        if let Some(name) = head.strip_suffix("/manifests") {
            return named(name, |name| Self::Manifest {
                name,
                reference: last,
            });
        }
        if let Some(name) = head.strip_suffix("/blobs") {
            return named(name, |name| Self::Blob { name, digest: last });
        }
        if let Some(name) = head.strip_suffix("/referrers") {
            return named(name, |name| Self::Referrers { name, digest: last });
        }
        Self::Unknown
    }

    fn upload(name: &str, id: &str) -> Self {
        let id = id.strip_suffix(".patch").unwrap_or(id).to_owned();
        named(name, |name| Self::Upload { name, id })
    }

    /// The repository that the path names.
    pub(crate) fn repository(&self) -> Option<&str> {
        match self {
            Self::Tags { name }
            | Self::Manifest { name, .. }
            | Self::Blob { name, .. }
            | Self::Uploads { name }
            | Self::Upload { name, .. }
            | Self::Referrers { name, .. } => Some(name),
            Self::Ping | Self::Slashless | Self::Catalog | Self::Token | Self::Unknown => None,
        }
    }

    /// What a request with this method and query asks for.
    pub(crate) fn operation(&self, method: &Method, query: &str) -> Operation {
        match (self, method.as_str()) {
            (Self::Ping | Self::Slashless, "GET" | "HEAD") => Operation::Ping,
            (Self::Token, _) => Operation::Token,
            (Self::Catalog, "GET") => Operation::Catalog,
            (Self::Tags { .. }, "GET") => Operation::TagsList,
            (Self::Manifest { .. }, "HEAD") => Operation::ManifestHead,
            (Self::Manifest { .. }, "GET") => Operation::ManifestGet,
            (Self::Manifest { .. }, "PUT") => Operation::ManifestPut,
            (Self::Manifest { .. }, "DELETE") => Operation::ManifestDelete,
            (Self::Blob { .. }, "HEAD") => Operation::BlobHead,
            (Self::Blob { .. }, "GET") => Operation::BlobGet,
            (Self::Blob { .. }, "DELETE") => Operation::BlobDelete,
            (Self::Uploads { .. }, "POST") if query.contains("mount=") => Operation::Mount,
            (Self::Uploads { .. }, "POST") => Operation::UploadStart,
            (Self::Upload { .. }, "PATCH") => Operation::UploadPatch,
            (Self::Upload { .. }, "PUT") => Operation::UploadPut,
            (Self::Upload { .. }, "GET" | "HEAD") => Operation::UploadStatus,
            (Self::Upload { .. }, "DELETE") => Operation::UploadCancel,
            (Self::Referrers { .. }, "GET" | "HEAD") => Operation::Referrers,
            _ => Operation::Other,
        }
    }
}

/// The route, if the name is one by the spec's grammar (near enough: no empty
/// segment, only the characters a name may have).
fn named(name: &str, route: impl FnOnce(String) -> Route) -> Route {
    let segment = |segment: &str| {
        !segment.is_empty()
            && segment
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._-".contains(&b))
    };
    if name.split('/').all(segment) {
        route(name.to_owned())
    } else {
        Route::Unknown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: &str = "sha256:0000000000000000000000000000000000000000000000000000000000000000";

    fn read(method: &str, path: &str, query: &str) -> (Operation, Option<String>) {
        let route = Route::of(path, &Profile::PLAIN);
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        (
            route.operation(&method, query),
            route.repository().map(str::to_owned),
        )
    }

    #[test]
    fn a_name_may_have_many_segments() {
        let table = [
            ("HEAD /v2/a/b/manifests/latest", "", Operation::ManifestHead),
            ("POST /v2/a/b/blobs/uploads/", "", Operation::UploadStart),
            ("POST /v2/a/b/blobs/uploads/", "mount=x", Operation::Mount),
            (
                "DELETE /v2/a/b/blobs/upload/id",
                "",
                Operation::UploadCancel,
            ),
            (
                "PATCH /artifacts-uploads/a/b/id",
                "",
                Operation::UploadPatch,
            ),
            (
                "PUT /v2/a/b/blobs/uploads/id.patch",
                "",
                Operation::UploadPut,
            ),
            ("GET /v2/a/b/tags/list", "", Operation::TagsList),
        ];
        for (line, query, operation) in table {
            let (method, path) = line.split_once(' ').unwrap();
            assert_eq!(
                read(method, path, query),
                (operation, Some("a/b".to_owned())),
                "{line}"
            );
        }
    }

    #[test]
    fn digests_stand_after_the_last_slash() {
        for (method, part, operation) in [
            ("GET", "referrers", Operation::Referrers),
            ("DELETE", "blobs", Operation::BlobDelete),
            ("DELETE", "manifests", Operation::ManifestDelete),
        ] {
            let path = format!("/v2/a/{part}/{DIGEST}");
            assert_eq!(
                read(method, &path, ""),
                (operation, Some("a".to_owned())),
                "{path}"
            );
        }
    }

    #[test]
    fn what_is_no_name_is_no_route() {
        for path in [
            "/v2/A/manifests/latest",
            "/v2//manifests/latest",
            "/v2/a b/tags/list",
            "/v3/",
        ] {
            assert_eq!(read("GET", path, ""), (Operation::Other, None), "{path}");
        }
        assert_eq!(read("GET", "/v2/", "").0, Operation::Ping);
        assert_eq!(read("GET", "/token", "").0, Operation::Token);
    }
}
