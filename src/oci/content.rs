//! What a manifest holds, as far as the mount probe needs it: the digest of one blob.

use serde::Deserialize;

use super::Digest;

/// What a manifest or an index points at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// An image or artifact: its config, a blob that is certainly there.
    Config(Digest),
    /// An index: its first child.
    Child(Digest),
    /// Neither, or nothing that can be used.
    Nothing,
}

impl Content {
    /// Reads a manifest's body. Digests are taken by the spec's grammar or not at all.
    pub fn of(body: &[u8]) -> Self {
        let Ok(read) = serde_json::from_slice::<Manifest>(body) else {
            return Self::Nothing;
        };
        let config = read.config.and_then(Descriptor::digest);
        let child = read
            .manifests
            .and_then(|manifests| manifests.into_iter().find_map(Descriptor::digest));
        match (config, child) {
            (Some(config), _) => Self::Config(config),
            (None, Some(child)) => Self::Child(child),
            (None, None) => Self::Nothing,
        }
    }
}

#[derive(Deserialize)]
struct Manifest {
    config: Option<Descriptor>,
    manifests: Option<Vec<Descriptor>>,
}

#[derive(Deserialize)]
struct Descriptor {
    digest: Option<String>,
}

impl Descriptor {
    fn digest(self) -> Option<Digest> {
        Digest::parse(&self.digest?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_gives_its_config_and_an_index_its_first_child() {
        let digest = Digest::of(b"x");
        let of = |body: String| Content::of(body.as_bytes());
        for (name, body, expected) in [
            (
                "image",
                format!(r#"{{"config":{{"digest":"{digest}"}},"layers":[]}}"#),
                Content::Config(digest.clone()),
            ),
            (
                "index",
                format!(r#"{{"manifests":[{{"digest":"{digest}"}},{{"digest":"y"}}]}}"#),
                Content::Child(digest.clone()),
            ),
            (
                "index whose first child is nonsense",
                format!(r#"{{"manifests":[{{"digest":"../.."}},{{"digest":"{digest}"}}]}}"#),
                Content::Child(digest.clone()),
            ),
            (
                "config that is no digest",
                r#"{"config":{"digest":"../../x"}}"#.to_owned(),
                Content::Nothing,
            ),
            (
                "schema 1",
                r#"{"schemaVersion":1,"fsLayers":[]}"#.to_owned(),
                Content::Nothing,
            ),
            (
                "empty index",
                r#"{"manifests":[]}"#.to_owned(),
                Content::Nothing,
            ),
            ("no JSON", "<html>".to_owned(), Content::Nothing),
            (
                "other types",
                r#"{"config":"x"}"#.to_owned(),
                Content::Nothing,
            ),
        ] {
            assert_eq!(of(body), expected, "{name}");
        }
    }
}
