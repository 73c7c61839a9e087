//! What is proven of a registry's capabilities, beside what is expected of them.

use maud::{Markup, html};

use super::{Registry, View, when::ago};
use crate::{
    matrix,
    outcome::Capability,
    store::{FactKey, Proof},
};

pub(super) fn section(view: &View<'_>, registry: &Registry<'_>) -> Markup {
    let proven = Capability::ALL
        .iter()
        .any(|(it, _)| proof(registry, *it).is_some());
    html! {
        @if proven || !registry.target.expect.is_empty() {
            section aria-labelledby="known" {
                h2 id="known" { "What it can do" }
                table role="table" class="rows known" {
                    caption { "By the last proof of each" }
                    thead role="rowgroup" {
                        tr role="row" {
                            th role="columnheader" scope="col" { "Capability" }
                            th role="columnheader" scope="col" { "Proven" }
                            th role="columnheader" scope="col" { "Last proof" }
                            th role="columnheader" scope="col" { "Expected by you" }
                            th role="columnheader" scope="col" { "The product’s matrix" }
                        }
                    }
                    tbody role="rowgroup" {
                        @for (capability, _) in Capability::ALL { (line(view, registry, capability)) }
                    }
                }
            }
        }
    }
}

fn line(view: &View<'_>, registry: &Registry<'_>, capability: Capability) -> Markup {
    let proof = proof(registry, capability);
    let supported = proof.map(|proof| proof.value == 1);
    let wish = registry.target.expect.get(&capability).copied();
    let about = &registry.reports.about;
    let version = about.product_version.as_deref();
    let known = about
        .product
        .as_deref()
        .and_then(|product| matrix::expectation(product, version, capability));
    let differs = |wish: Option<bool>| wish.is_some() && supported.is_some() && wish != supported;
    html! {
        tr role="row" {
            th role="rowheader" scope="row" { (title(capability)) }
            td role="cell" data-l="Proven" {
                @match supported {
                    Some(true) => "supported",
                    Some(false) => "not supported",
                    None => "–",
                }
            }
            td role="cell" data-l="Last proof" {
                @match proof { Some(proof) => (ago(view.now, proof.proven)), None => "–" }
            }
            td role="cell" data-l="Expected by you" {
                @match wish { Some(true) => "yes", Some(false) => "no", None => "–" }
                @if differs(wish) { " " strong class="alarm" { "differs" } }
            }
            td role="cell" data-l="The product’s matrix" {
                @match known { Some(value) => (value.as_str()), None => "–" }
                @if differs(known.and_then(matrix::Value::expects)) { " " strong class="alarm" { "differs" } }
            }
        }
    }
}

fn title(capability: Capability) -> &'static str {
    match capability {
        Capability::DistributionVersion => "Version header",
        Capability::ReferrersApi => "Referrers API",
        Capability::ChunkedUpload => "Chunked upload",
        Capability::CrossRepoMount => "Cross-repository mount",
        Capability::ManifestDelete => "Manifest delete",
        Capability::BlobDelete => "Blob delete",
    }
}

fn proof<'a>(registry: &Registry<'a>, capability: Capability) -> Option<&'a Proof> {
    registry.record?.facts.get(&FactKey::Capability(capability))
}
