//! The URLs of a registry (distribution-spec v1.1.1, "Endpoints"). The base URL
//! may hold a path; its query and fragment are left out.

use url::Url;

use super::{Digest, Reference, Repository};

/// `/v2/`, end-1.
pub fn ping(base: &Url) -> Url {
    under(base, "")
}

/// `/v2/<name>/manifests/<reference>`, end-3 and end-9.
pub fn manifest(base: &Url, repository: &Repository, reference: &Reference) -> Url {
    under(base, &format!("{repository}/manifests/{reference}"))
}

/// `/v2/<name>/referrers/<digest>`, end-12a.
pub fn referrers(base: &Url, repository: &Repository, digest: &Digest) -> Url {
    under(base, &format!("{repository}/referrers/{digest}"))
}

/// `/v2/<name>/referrers/<digest>?artifactType=<type>`, end-12b.
pub fn referrers_of_type(
    base: &Url,
    repository: &Repository,
    digest: &Digest,
    artifact_type: &str,
) -> Url {
    let mut url = referrers(base, repository, digest);
    url.query_pairs_mut()
        .append_pair("artifactType", artifact_type);
    url
}

/// `/v2/<name>/tags/list?n=<limit>`, end-8b.
pub fn tags_list(base: &Url, repository: &Repository, limit: u32) -> Url {
    let mut url = under(base, &format!("{repository}/tags/list"));
    url.query_pairs_mut().append_pair("n", &limit.to_string());
    url
}

/// `/v2/<name>/blobs/<digest>`, end-2 and end-10.
pub fn blob(base: &Url, repository: &Repository, digest: &Digest) -> Url {
    under(base, &format!("{repository}/blobs/{digest}"))
}

/// `/v2/<name>/blobs/uploads/`, end-4a; without the last slash distribution redirects.
pub fn uploads(base: &Url, repository: &Repository) -> Url {
    under(base, &format!("{repository}/blobs/uploads/"))
}

/// `/v2/<name>/blobs/uploads/?mount=<digest>&from=<other>`, end-11.
pub fn mount(base: &Url, repository: &Repository, digest: &Digest, from: &Repository) -> Url {
    let mut url = uploads(base, repository);
    url.query_pairs_mut()
        .append_pair("mount", digest.as_str())
        .append_pair("from", from.as_str());
    url
}

fn under(base: &Url, rest: &str) -> Url {
    let mut url = base.clone();
    let path = format!("{}/v2/{rest}", base.path().trim_end_matches('/'));
    url.set_path(&path);
    url.set_query(None);
    url.set_fragment(None);
    url
}

#[cfg(test)]
mod tests {
    use super::{super::Tag, *};

    #[test]
    fn endpoints_are_the_spec_s() {
        let base = Url::parse("https://r.example.com:5000").unwrap();
        let name = Repository::parse("a/b").unwrap();
        let other = Repository::parse("c").unwrap();
        let digest = Digest::parse("x:ab").unwrap();
        let tag = Reference::from(Tag::parse("v1").unwrap());
        for (url, path) in [
            (ping(&base), ""),
            (manifest(&base, &name, &tag), "a/b/manifests/v1"),
            (
                manifest(&base, &name, &digest.clone().into()),
                "a/b/manifests/x:ab",
            ),
            (referrers(&base, &name, &digest), "a/b/referrers/x:ab"),
            (
                referrers_of_type(&base, &name, &digest, "application/x+y"),
                "a/b/referrers/x:ab?artifactType=application%2Fx%2By",
            ),
            (tags_list(&base, &name, 1), "a/b/tags/list?n=1"),
            (blob(&base, &name, &digest), "a/b/blobs/x:ab"),
            (uploads(&base, &name), "a/b/blobs/uploads/"),
            (
                mount(&base, &name, &digest, &other),
                "a/b/blobs/uploads/?mount=x%3Aab&from=c",
            ),
        ] {
            assert_eq!(
                url.as_str(),
                format!("https://r.example.com:5000/v2/{path}")
            );
        }
    }

    #[test]
    fn the_base_may_hold_a_path() {
        let name = Repository::parse("a").unwrap();
        for base in [
            "http://r/artifactory%20x/api",
            "http://r/artifactory%20x/api/?q#f",
        ] {
            let url = uploads(&Url::parse(base).unwrap(), &name);
            assert_eq!(
                url.as_str(),
                "http://r/artifactory%20x/api/v2/a/blobs/uploads/"
            );
        }
    }
}
