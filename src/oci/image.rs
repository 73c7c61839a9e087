//! An image as people write it for `docker pull` (distribution/reference: the
//! grammar of `reference.go` and the defaults of `normalize.go`).

use super::{Digest, GrammarError, Reference, Repository, Tag};

/// An image: a registry's host, a repository and, where it is named, a tag or digest.
///
/// ```
/// use oci_registry_exporter::oci::Image;
///
/// let image = Image::parse("alpine:3.22")?;
/// assert_eq!((image.host.as_str(), image.repository.as_str()), ("docker.io", "library/alpine"));
/// # Ok::<_, oci_registry_exporter::oci::GrammarError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// `host` or `host:port`; Docker Hub where none is written.
    pub host: String,
    /// The repository, with `library/` before a single name of Docker Hub.
    pub repository: Repository,
    /// The tag, or the digest, which wins as it does for Docker.
    pub reference: Option<Reference>,
}

impl Image {
    /// Parses `[HOST[:PORT]/]REPOSITORY[:TAG][@DIGEST]`. What stands before the
    /// first `/` is a host where it holds a `.` or `:`, is `localhost`, or has
    /// upper-case letters.
    ///
    /// # Errors
    /// Says which part is none, and the rule that it breaks.
    pub fn parse(text: &str) -> Result<Self, GrammarError> {
        let (host, rest) = match text.split_once('/') {
            Some((first, rest)) if is_host(first) => (first, rest),
            _ => (DOCKER_HUB, text),
        };
        Self::of(host, rest)
    }

    /// Parses `REPOSITORY[:TAG][@DIGEST]` of this host.
    ///
    /// # Errors
    /// As of [`Image::parse`].
    pub fn of(host: &str, path: &str) -> Result<Self, GrammarError> {
        let (named, digest) = match path.split_once('@') {
            Some((named, digest)) => (named, Some(Digest::parse(digest)?)),
            None => (path, None),
        };
        let (name, tag) = match named.rsplit_once(':') {
            Some((name, tag)) => (name, Some(Tag::parse(tag)?)),
            None => (named, None),
        };
        let repository = if host == DOCKER_HUB && !name.contains('/') && !name.is_empty() {
            Repository::parse(&format!("library/{name}"))?
        } else {
            Repository::parse(name)?
        };
        let tag = tag.map(Reference::from);
        Ok(Self {
            host: host.to_owned(),
            repository,
            reference: digest.map(Reference::from).or(tag),
        })
    }
}

fn is_host(first: &str) -> bool {
    first == "localhost"
        || first.contains(['.', ':'])
        || first.chars().any(|char| char.is_ascii_uppercase())
}

const DOCKER_HUB: &str = "docker.io";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_read_as_docker_reads_them() {
        let zero = Digest::zero().to_string();
        let by_digest = format!("localhost:5000/x:1@{zero}");
        for (text, host, repository, reference) in [
            ("alpine", "docker.io", "library/alpine", None),
            ("alpine:3.20", "docker.io", "library/alpine", Some("3.20")),
            ("acme/app", "docker.io", "acme/app", None),
            ("docker.io/alpine", "docker.io", "library/alpine", None),
            ("ghcr.io/acme/app:1.2", "ghcr.io", "acme/app", Some("1.2")),
            ("localhost/x", "localhost", "x", None),
            ("localhost:5000/x", "localhost:5000", "x", None),
            (&by_digest, "localhost:5000", "x", Some(zero.as_str())),
            ("[::1]:5000/a/b:c", "[::1]:5000", "a/b", Some("c")),
            ("Registry/app", "Registry", "app", None),
        ] {
            let image = Image::parse(text).unwrap();
            let reference = reference.map(str::to_owned);
            assert_eq!(image.host, host, "{text}");
            assert_eq!(image.repository.as_str(), repository, "{text}");
            assert_eq!(
                image.reference.map(|it| it.to_string()),
                reference,
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_no_image_is_refused() {
        for (text, why) in [
            ("", "is empty"),
            ("Alpine", "has upper-case letters"),
            ("ghcr.io/", "is empty"),
            ("ghcr.io/a:", "tag `` is empty"),
            ("ghcr.io/a:-b", "begins with"),
            ("ghcr.io/a@sha256:1", "digest `sha256:1`"),
            ("ghcr.io/a b", "breaks the grammar"),
            ("ghcr.io/a//b", "empty component"),
            ("a:b:c", "holds a port, a tag or a digest"),
            ("--help", "breaks the grammar"),
        ] {
            let error = Image::parse(text).unwrap_err().to_string();
            assert!(error.contains(why), "{text}: {error}");
        }
    }
}
