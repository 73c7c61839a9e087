//! The last proven answers. They appear with the first proof and change only by a
//! proof of the contrary; see [`crate::store::FactKey`].

use super::{
    family::{Family, Kind, Series},
    scene::{Of, Registry, Scene},
};
use crate::{
    matrix,
    outcome::{Capability, CheckName},
    store::{FactKey, Proof},
};

pub(super) const FAMILIES: [Family; 11] = [
    Family {
        name: "oci_registry_credentials_valid",
        kind: Kind::Gauge,
        help: "Last proof whether the registry accepts the credential set (1) or not (0); 0 also when the secret is incomplete or cannot be read",
        labels: &["registry", "credential"],
        series: credentials_valid,
    },
    Family {
        name: "oci_registry_credentials_expiry_timestamp_seconds",
        kind: Kind::Gauge,
        help: "When the configured credential itself ends, and who says so; only for credentials that do not renew themselves",
        labels: &["registry", "credential", "source"],
        series: credentials_expiry,
    },
    Family {
        name: "oci_registry_pull_authorized",
        kind: Kind::Gauge,
        help: "Last proof whether the credential set may pull from the repository (1) or not (0)",
        labels: &["registry", "repository", "credential"],
        series: pull_authorized,
    },
    Family {
        name: "oci_registry_push_authorized",
        kind: Kind::Gauge,
        help: "Last proof whether the credential set may push to the repository (1) or not (0)",
        labels: &["registry", "repository", "credential"],
        series: push_authorized,
    },
    Family {
        name: "oci_registry_capability_supported",
        kind: Kind::Gauge,
        help: "Last proof whether the registry has the capability (1) or not (0)",
        labels: &["registry", "capability"],
        series: |scene| capabilities(scene, |proof| Some(proof.value)),
    },
    Family {
        name: "oci_registry_capability_score",
        kind: Kind::Gauge,
        help: "How many of the asked capabilities the registry has by the last proof of each",
        labels: &["registry"],
        series: |scene| scene.each(score),
    },
    Family {
        name: "oci_registry_capability_score_max",
        kind: Kind::Gauge,
        help: "How many capabilities are asked for",
        labels: &["registry"],
        series: |scene| scene.each(|registry| score(registry).map(|_| Capability::ALL.len())),
    },
    Family {
        name: "oci_registry_capability_last_proven_timestamp_seconds",
        kind: Kind::Gauge,
        help: "When it was last proven whether the registry has the capability",
        labels: &["registry", "capability"],
        series: |scene| capabilities(scene, |proof| Some(proof.proven)),
    },
    Family {
        name: "oci_registry_capability_changes_total",
        kind: Kind::Counter,
        help: "How often a proof said the contrary of the proof before it",
        labels: &["registry", "capability"],
        series: |scene| capabilities(scene, |proof| Some(proof.changes)),
    },
    Family {
        name: "oci_registry_capability_drift",
        kind: Kind::Gauge,
        help: "1 where the last proof of a capability is not what the compatibility matrix says of the product, 0 where it is; absent where it says nothing definite. For people: alert on what you expect yourself",
        labels: &["registry", "capability"],
        series: drift,
    },
    Family {
        name: "oci_registry_referrers",
        kind: Kind::Gauge,
        help: "Referrers found on the test image when they were last read",
        labels: &["registry", "repository"],
        series: referrers,
    },
];

fn credentials_valid<'a>(scene: &'a Scene<'a>) -> Vec<Series<'a>> {
    each(scene, |key| match key {
        FactKey::CredentialsValid { credential } => Some((set(credential.as_deref()), None)),
        _ => None,
    })
}

fn credentials_expiry<'a>(scene: &'a Scene<'a>) -> Vec<Series<'a>> {
    each(scene, |key| match key {
        FactKey::CredentialsExpiry { credential, source } => {
            Some((set(credential.as_deref()), Some(("source", source))))
        }
        _ => None,
    })
}

fn pull_authorized<'a>(scene: &'a Scene<'a>) -> Vec<Series<'a>> {
    each(scene, |key| match key {
        FactKey::PullAuthorized {
            repository,
            credential,
        } => Some((pair(repository.as_deref(), credential.as_deref()), None)),
        _ => None,
    })
}

fn push_authorized<'a>(scene: &'a Scene<'a>) -> Vec<Series<'a>> {
    each(scene, |key| match key {
        FactKey::PushAuthorized {
            repository,
            credential,
        } => Some((pair(repository.as_deref(), credential.as_deref()), None)),
        _ => None,
    })
}

fn referrers<'a>(scene: &'a Scene<'a>) -> Vec<Series<'a>> {
    each(scene, |key| match key {
        FactKey::Referrers { repository } => Some((pair(repository.as_deref(), None), None)),
        _ => None,
    })
}

/// The value of every fact that `whose` takes.
fn each<'a>(
    scene: &'a Scene<'a>,
    whose: impl Fn(&'a FactKey) -> Option<(Of<'a>, Option<(&'a str, &'a str)>)>,
) -> Vec<Series<'a>> {
    scene
        .facts()
        .filter_map(|(registry, key, proof)| {
            let (of, further) = whose(key)?;
            Some(registry.series(of, further.as_slice(), proof.value))
        })
        .collect()
}

fn capabilities<'a, V: Into<super::family::Value<'a>>>(
    scene: &'a Scene<'a>,
    value: impl Fn(&'a Proof) -> Option<V>,
) -> Vec<Series<'a>> {
    scene
        .facts()
        .filter_map(|(registry, key, proof)| {
            let FactKey::Capability(capability) = key else {
                return None;
            };
            let labels = [("capability", capability.as_str())];
            Some(registry.series(Of::default(), &labels, value(proof)?))
        })
        .collect()
}

fn drift<'a>(scene: &'a Scene<'a>) -> Vec<Series<'a>> {
    scene
        .facts()
        .filter_map(|(registry, key, proof)| {
            let FactKey::Capability(capability) = key else {
                return None;
            };
            let configured = registry.target.product.as_deref();
            let (product, version) = registry.record?.seen.known_as(configured);
            let expected = matrix::expectation(product?, version, *capability)?.expects()?;
            let labels = [("capability", capability.as_str())];
            let differs = expected != (proof.value == 1);
            Some(registry.series(Of::default(), &labels, differs))
        })
        .collect()
}

/// Once the capabilities check has answered: the referrers check alone asks for
/// one of the six, and "1 of 6" would be its misreading.
fn score(registry: &Registry<'_>) -> Option<usize> {
    let record = registry.record?;
    record.checks.iter().find(|(subject, check)| {
        subject.check == CheckName::Capabilities && check.last_conclusive.is_some()
    })?;
    let supported = record
        .facts
        .iter()
        .filter(|(key, proof)| matches!(key, FactKey::Capability(_)) && proof.value == 1);
    Some(supported.count())
}

fn set(credential: Option<&str>) -> Of<'_> {
    pair(None, credential)
}

fn pair<'a>(repository: Option<&'a str>, credential: Option<&'a str>) -> Of<'a> {
    Of {
        check: None,
        repository,
        credential,
    }
}
