//! Which build this is.

use std::sync::OnceLock;

/// By semantic versioning.
pub(super) const NUMBER: &str = env!("CARGO_PKG_VERSION");

/// The revision of the source; empty where the build did not say.
pub(super) const REVISION: &str = match option_env!("OCI_REGISTRY_EXPORTER_REVISION") {
    Some(revision) => revision,
    None => "",
};

/// When it was built, or the date of its source; empty where the build did not say.
const BUILT: &str = match option_env!("OCI_REGISTRY_EXPORTER_BUILD_DATE") {
    Some(date) => date,
    None => "",
};

/// What `--version` prints behind the name.
pub(super) fn long() -> &'static str {
    static LONG: OnceLock<String> = OnceLock::new();
    LONG.get_or_init(|| {
        let or_unknown = |text: &'static str| if text.is_empty() { "unknown" } else { text };
        format!(
            "{NUMBER}\n  revision:   {}\n  build date: {}\n  platform:   {}/{}",
            or_unknown(REVISION),
            or_unknown(BUILT),
            std::env::consts::OS,
            std::env::consts::ARCH,
        )
    })
}
