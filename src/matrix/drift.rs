//! Where a registry does otherwise than its product is known to.

use super::{Value, matrix};
use crate::outcome::Capability;

/// A capability that was proven to be otherwise than expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Difference {
    /// Which.
    pub capability: Capability,
    /// What the matrix says.
    pub expected: Value,
    /// What was proven.
    pub supported: bool,
}

/// What the matrix expects of a product, where that is an expectation at all: native,
/// fallback, yes or no, from a row for any version or for the known one.
///
/// ```
/// use oci_registry_exporter::{matrix, outcome::Capability};
///
/// let value = matrix::expectation("harbor", Some("2.11.0"), Capability::ReferrersApi);
/// assert_eq!(value.map(matrix::Value::as_str), Some("native"));
/// ```
pub fn expectation(product: &str, version: Option<&str>, capability: Capability) -> Option<Value> {
    let mut rows = matrix().of(product, capability);
    let row = rows.find(|row| row.versions.hold(version))?;
    row.value.expects().map(|_| row.value)
}

/// The proven capabilities that differ from what is expected, in the order of the proofs.
pub fn differences(
    product: &str,
    version: Option<&str>,
    proven: impl IntoIterator<Item = (Capability, bool)>,
) -> Vec<Difference> {
    let differs = |(capability, supported): (Capability, bool)| {
        let expected = expectation(product, version, capability)?;
        (expected.expects() == Some(!supported)).then_some(Difference {
            capability,
            expected,
            supported,
        })
    };
    proven.into_iter().filter_map(differs).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_plain_word_about_the_very_version_is_an_expectation() {
        use Capability::*;
        for (product, version, capability, expected) in [
            ("ghcr", None, ReferrersApi, Some(Value::Fallback)),
            ("ghcr", None, ManifestDelete, Some(Value::No)),
            ("ghcr", None, ChunkedUpload, None),
            ("zot", Some("2.1.20"), BlobDelete, Some(Value::Yes)),
            // Several rows, and no version to choose by.
            ("harbor", None, ReferrersApi, None),
            ("harbor", Some("2.7.1"), ReferrersApi, Some(Value::Fallback)),
            ("harbor", Some("2.9.0"), ReferrersApi, Some(Value::Native)),
            // The edition has a row of its own, which no version tells.
            ("acr", None, ReferrersApi, Some(Value::Native)),
            ("distribution", Some("3"), ManifestDelete, None),
            ("ecr", None, CrossRepoMount, None),
            ("nexus", None, ReferrersApi, None),
            ("harbor", None, DistributionVersion, None),
            ("", None, ReferrersApi, None),
        ] {
            let found = expectation(product, version, capability);
            assert_eq!(found, expected, "{product} {version:?} {capability:?}");
        }
    }

    #[test]
    fn a_difference_needs_a_proof_of_the_contrary() {
        let proven = [
            (Capability::ReferrersApi, true),
            (Capability::CrossRepoMount, false),
            (Capability::ManifestDelete, false),
            (Capability::ChunkedUpload, false),
        ];
        let found = differences("ghcr", None, proven);
        let expected = [
            Difference {
                capability: Capability::ReferrersApi,
                expected: Value::Fallback,
                supported: true,
            },
            Difference {
                capability: Capability::CrossRepoMount,
                expected: Value::Yes,
                supported: false,
            },
        ];
        assert_eq!(found, expected);
        assert_eq!(differences("ghcr", None, []), []);
    }
}
