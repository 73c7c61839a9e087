//! The media types of manifests (image-spec v1.1, and Docker's before it).

/// An OCI image index.
pub const INDEX: &str = "application/vnd.oci.image.index.v1+json";
/// An OCI image manifest.
pub const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// Docker's manifest list.
pub const DOCKER_LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
/// Docker's manifest, schema 2.
pub const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";

/// The `Accept` value of a manifest request. All four: distribution answers 404
/// for a manifest whose type is not accepted.
pub const ACCEPT_MANIFESTS: &str = "application/vnd.oci.image.index.v1+json, \
     application/vnd.oci.image.manifest.v1+json, \
     application/vnd.docker.distribution.manifest.list.v2+json, \
     application/vnd.docker.distribution.manifest.v2+json";

/// Whether a content type is that of a manifest or an index; parameters and case
/// do not matter. Docker's schema 1 counts: it was not asked for, but it is one.
pub fn is_manifest(media_type: &str) -> bool {
    const SCHEMA_1: [&str; 2] = [
        "application/vnd.docker.distribution.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.v1+prettyjws",
    ];
    let bare = bare(media_type);
    is_index(media_type)
        || [MANIFEST, DOCKER_MANIFEST]
            .iter()
            .chain(&SCHEMA_1)
            .any(|known| bare.eq_ignore_ascii_case(known))
}

/// Whether a content type is that of an index, OCI's or Docker's.
pub fn is_index(media_type: &str) -> bool {
    let bare = bare(media_type);
    [INDEX, DOCKER_LIST]
        .iter()
        .any(|known| bare.eq_ignore_ascii_case(known))
}

fn bare(media_type: &str) -> &str {
    media_type.split(';').next().unwrap_or_default().trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accept_names_the_four() {
        let accepted: Vec<_> = ACCEPT_MANIFESTS.split(", ").collect();
        assert_eq!(accepted, [INDEX, MANIFEST, DOCKER_LIST, DOCKER_MANIFEST]);
        assert!(accepted.into_iter().all(is_manifest));
    }

    #[test]
    fn parameters_and_case_do_not_matter() {
        for (media_type, manifest, index) in [
            (
                "Application/vnd.OCI.image.index.v1+json; charset=utf-8",
                true,
                true,
            ),
            (
                " application/vnd.docker.distribution.manifest.list.v2+json ;x",
                true,
                true,
            ),
            (MANIFEST, true, false),
            (
                "application/vnd.docker.distribution.manifest.v1+prettyjws",
                true,
                false,
            ),
            ("application/json", false, false),
            (
                "text/html; application/vnd.oci.image.index.v1+json",
                false,
                false,
            ),
            ("", false, false),
        ] {
            assert_eq!(is_manifest(media_type), manifest, "{media_type}");
            assert_eq!(is_index(media_type), index, "{media_type}");
        }
    }
}
