//! Which registries and which questions a command asks for.

use super::{Failure, check::CheckFlags};
use crate::{
    checks::{self, Check},
    config::{Config, Target, spelled_alike},
    outcome::{CheckName, Subject},
};

/// The names of the configured registries.
pub(super) fn names(config: &Config) -> impl Iterator<Item = &str> {
    config.registries.iter().map(|target| target.name.as_str())
}

/// The checks that have one of the tags, if any are named, and are one of those
/// named, if any are.
pub(super) fn checks(flags: &CheckFlags) -> Result<Vec<CheckName>, Failure> {
    let wanted = |check: &&Check| {
        let tagged = flags
            .tags
            .iter()
            .any(|tag| check.tags.contains(&tag.as_str()));
        (flags.tags.is_empty() || tagged)
            && (flags.checks.is_empty() || flags.checks.contains(&check.name))
    };
    let chosen: Vec<CheckName> = checks::CATALOG
        .iter()
        .filter(wanted)
        .map(|check| check.name)
        .collect();
    if chosen.is_empty() {
        return Err(Failure::usage(
            "none of the checks named with `--check` has a tag named with `--tag`\n  hint: `oci-registry-exporter checks` lists the tags of each",
        ));
    }
    Ok(chosen)
}

/// A target's questions of these checks, in the order of a cycle.
pub(super) fn subjects(target: &Target, checks: &[CheckName]) -> Vec<Subject> {
    checks::questions(target)
        .into_iter()
        .map(|(subject, _)| subject)
        .filter(|subject| checks.contains(&subject.check))
        .collect()
}

/// That no registry has this name, with the closest one and all.
pub(super) fn unknown(name: &str, known: &[&str]) -> String {
    let alike = spelled_alike(name, known);
    let meant = alike
        .first()
        .map_or_else(String::new, |closest| format!("did you mean `{closest}`? "));
    let listed = configured(known).unwrap_or_else(|| "none is configured".to_owned());
    format!("no registry is named `{name}`\n  hint: {meant}{listed}")
}

/// What is configured, if anything is.
pub(super) fn configured(known: &[&str]) -> Option<String> {
    if known.is_empty() {
        return None;
    }
    let listed: Vec<String> = known
        .iter()
        .take(MOST_LISTED)
        .map(|name| format!("`{name}`"))
        .collect();
    let listed = listed.join(", ");
    let more = match known.len().saturating_sub(MOST_LISTED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    Some(format!("configured are: {listed}{more}"))
}

const MOST_LISTED: usize = 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_name_is_told_the_closest_and_all() {
        for (name, known, expected) in [
            (
                "ghrc",
                &["ghcr", "production"][..],
                "no registry is named `ghrc`\n  hint: did you mean `ghcr`? configured are: `ghcr`, `production`",
            ),
            (
                "PRODUCTION",
                &["ghcr", "production"],
                "no registry is named `PRODUCTION`\n  hint: did you mean `production`? configured are: `ghcr`, `production`",
            ),
            (
                "alpine",
                &["ghcr"],
                "no registry is named `alpine`\n  hint: configured are: `ghcr`",
            ),
        ] {
            assert_eq!(unknown(name, known), expected);
        }
        let many: Vec<String> = (0..100)
            .map(|number| format!("registry-{number}"))
            .collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert!(unknown("x", &many).ends_with("`registry-19` and 80 more"));
    }
}
