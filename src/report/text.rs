//! The form that the source document prints.

use super::{
    Comparison, RegistryReports, Summary,
    json::timestamp,
    line::{differs, one_line, overall, request, value_text, whose},
    since,
    steps::recommendations,
};
use crate::outcome::{Report, Status};

/// What a report for a person says beyond one line a check.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Options<'a> {
    /// Also evidence, reason, likely cause, remediation and the requests made.
    pub verbose: bool,
    /// What to do about findings.
    pub remediation: bool,
    /// Statuses in colour (ANSI escape sequences).
    pub colour: bool,
    /// Columns of the terminal, where a line of a table must fit one.
    pub width: Option<usize>,
    /// What became of an earlier document's reports.
    pub compared: Option<&'a Comparison>,
}

/// The reports as text, one block a registry; ends with a newline.
///
/// Nothing that a registry said can break out of its line: control characters
/// become blanks.
pub fn text(registries: &[RegistryReports], options: Options<'_>) -> String {
    let mut blocks: Vec<String> = registries
        .iter()
        .map(|registry| block(registry, registries.len() > 1, options))
        .collect();
    blocks.extend(options.compared.map(compared));
    blocks.join("\n")
}

/// What became of an earlier document's reports, a line for each change.
pub(super) fn compared(comparison: &Comparison) -> String {
    let then = timestamp(comparison.earlier);
    if comparison.changes.is_empty() {
        return format!("Compared with {then}: nothing changed\n");
    }
    let mut lines = vec![format!("Compared with {then}:")];
    let changes = comparison.changes.iter();
    lines.extend(changes.map(|changed| format!("- {}", one_line(&changed.in_words()))));
    lines.push(String::new());
    lines.join("\n")
}

fn block(registry: &RegistryReports, named: bool, options: Options<'_>) -> String {
    let mut lines = Vec::new();
    if named {
        let name = one_line(&registry.name);
        lines.push(format!("Registry: {name} ({})", one_line(&registry.url)));
    }
    lines.push(TITLE.to_owned());
    lines.push("=".repeat(TITLE.len()));
    lines.push(String::new());
    for entry in &registry.entries {
        let whose = whose(entry, &registry.entries);
        lines.push(line(&entry.report, &whose, options));
        if options.verbose {
            let since = entry.since_worked.iter().map(since::line);
            lines.extend(since.map(|since| format!("    {since}")));
            details(&entry.report, options, &mut lines);
        }
    }
    lines.push(String::new());
    lines.push(overall(&Summary::of(&registry.entries)));
    lines.extend(differs(registry));
    if options.verbose && !registry.about.warnings.is_empty() {
        lines.push(String::new());
        lines.push("The registry warns:".to_owned());
        let warnings = registry.about.warnings.iter();
        lines.extend(warnings.map(|text| format!("- {}", one_line(text))));
    }
    if options.remediation {
        let recommendations = recommendations(&registry.entries, options.verbose);
        if !recommendations.is_empty() {
            lines.push(String::new());
            lines.push("Recommendations:".to_owned());
            lines.extend(recommendations.iter().map(|line| format!("- {line}")));
        }
    }
    lines.push(String::new());
    lines.join("\n")
}

fn line(report: &Report, whose: &str, options: Options<'_>) -> String {
    let status = report.outcome.status;
    let mut word = format!("{:<STATUS_WIDTH$}", status.as_str().to_uppercase());
    if !word.ends_with(' ') {
        word.push(' ');
    }
    if options.colour {
        word = format!("\x1b[{}m{word}\x1b[0m", colour(status));
    }
    let id = report.subject.check.id();
    let message = one_line(&report.outcome.message);
    let line = format!("{id:<ID_WIDTH$}{word}{message}{whose}");
    line.trim_end().to_owned()
}

fn details(report: &Report, options: Options<'_>, lines: &mut Vec<String>) {
    let outcome = &report.outcome;
    if let Some(reason) = outcome.reason {
        lines.push(format!("    reason: {}", reason.as_str()));
        lines.push(format!("    likely cause: {}", reason.cause()));
    }
    if outcome.evidence.iter().next().is_some() {
        lines.push("    evidence:".to_owned());
        for (key, value) in outcome.evidence.iter() {
            lines.push(format!("      {key}: {}", value_text(value)));
        }
    }
    if options.remediation && !outcome.remediation.is_empty() {
        lines.push("    remediation:".to_owned());
        for (step, text) in (1..).zip(&outcome.remediation) {
            lines.push(format!("      {step}. {}", one_line(text)));
        }
    }
    if !report.requests.is_empty() {
        lines.push("    requests:".to_owned());
        for sent in &report.requests {
            lines.push(format!("      {}", request(sent)));
        }
    }
}

/// The number of the escape sequence of a status.
pub(super) fn colour(status: Status) -> &'static str {
    match status {
        Status::Pass => "32",
        Status::Info => "36",
        Status::Warn => "33",
        Status::Fail => "1;31",
        Status::Skip => "2",
        Status::Unknown => "35",
    }
}

const TITLE: &str = "Registry Checks Summary";
/// Columns of the id.
const ID_WIDTH: usize = 38;
/// Columns of the status; a longer word pushes its line by one.
const STATUS_WIDTH: usize = 7;

#[cfg(test)]
mod tests {
    use super::super::samples::{
        self, entry, fallback, healthy, hostile, of_repository, registry, unreachable,
    };
    use super::*;
    use crate::{
        outcome::{Capability, Change, CheckName, Fact, Outcome, Reason},
        store::Since,
    };

    const PLAIN: Options<'_> = Options {
        verbose: false,
        remediation: true,
        colour: false,
        width: None,
        compared: None,
    };
    const VERBOSE: Options<'_> = Options {
        verbose: true,
        ..PLAIN
    };

    #[test]
    fn healthy_registry_as_the_source_document_prints_it() {
        let golden = include_str!("../../tests/golden/report/healthy.txt");
        assert_eq!(text(&[healthy()], PLAIN), golden);
    }

    /// With the two lines that the document's own severity rule corrects.
    #[test]
    fn registry_with_fallback_as_the_source_document_prints_it() {
        let golden = include_str!("../../tests/golden/report/fallback.txt");
        assert_eq!(text(&[fallback()], PLAIN), golden);
    }

    #[test]
    fn several_registries_have_a_named_block_each() {
        let golden = include_str!("../../tests/golden/report/several.txt");
        assert_eq!(text(&[healthy(), unreachable()], PLAIN), golden);
    }

    #[test]
    fn verbose_shows_what_was_seen_why_and_what_was_sent() {
        let golden = include_str!("../../tests/golden/report/verbose.txt");
        assert_eq!(text(&[unreachable()], VERBOSE), golden);
    }

    #[test]
    fn hostile_words_and_a_comparison_stay_in_their_lines() {
        let golden = include_str!("../../tests/golden/report/all.txt");
        let compared = samples::compared();
        let options = Options {
            compared: Some(&compared),
            ..VERBOSE
        };
        assert_eq!(text(&[fallback(), hostile()], options), golden);
    }

    #[test]
    fn without_remediation_there_is_nothing_to_do() {
        let options = Options {
            remediation: false,
            ..VERBOSE
        };
        for registry in [fallback(), unreachable()] {
            let text = text(&[registry], options);
            assert!(!text.contains("Recommendations:"), "{text}");
            assert!(!text.contains("remediation:"), "{text}");
            assert!(text.contains("evidence:"), "{text}");
        }
    }

    #[test]
    fn counts_are_singular_and_plural_in_one_order() {
        let pass = || entry(CheckName::Credentials, Outcome::pass(""));
        let of = |outcome| entry(CheckName::Pull, outcome);
        let warn = || of(Outcome::warn(Reason::Unsupported, ""));
        let info = || of(Outcome::info(Reason::NotFound, ""));
        let fail = || of(Outcome::fail(Reason::Dns, ""));
        let skip = || of(Outcome::skip(Reason::Disabled, ""));
        let unknown = || of(Outcome::unknown(Reason::Timeout, ""));
        for (entries, expected) in [
            (vec![], "0 passed, 0 warnings, 0 failures"),
            (vec![pass(), fail()], "1 passed, 0 warnings, 1 failure"),
            (
                vec![pass(), pass(), pass(), warn(), info()],
                "3 passed, 1 warning, 1 info, 0 failures",
            ),
            (
                vec![
                    unknown(),
                    skip(),
                    skip(),
                    fail(),
                    fail(),
                    info(),
                    info(),
                    warn(),
                    warn(),
                    pass(),
                ],
                "1 passed, 2 warnings, 2 info, 2 failures, 2 skipped, 1 unknown",
            ),
        ] {
            assert_eq!(
                overall(&Summary::of(&entries)),
                format!("Overall: {expected}")
            );
        }
    }

    #[test]
    fn a_line_says_whose_it_is_only_where_a_check_reports_for_several() {
        let pull =
            |repository| of_repository(CheckName::Pull, repository, "team", Outcome::pass("ok"));
        let credentials = entry(CheckName::Credentials, Outcome::pass("ok"));
        let both = registry(vec![credentials.clone(), pull("a/b"), pull("c/d")]);
        let shown = text(&[both], PLAIN);
        assert!(shown.contains("PASS   ok\n"), "{shown}");
        assert!(shown.contains("PASS   ok [a/b, team]\n"), "{shown}");
        assert!(shown.contains("PASS   ok [c/d, team]\n"), "{shown}");
        let one = text(&[registry(vec![credentials, pull("a/b")])], PLAIN);
        assert!(!one.contains('['), "{one}");
    }

    #[test]
    fn the_longest_status_keeps_a_blank_before_its_message() {
        let unknown = Outcome::unknown(Reason::RateLimited, "too many requests");
        let shown = text(
            &[registry(vec![entry(CheckName::Capabilities, unknown)])],
            PLAIN,
        );
        let expected = "check.integration.oci.capabilities    UNKNOWN too many requests\n";
        assert!(shown.contains(expected), "{shown}");
    }

    #[test]
    fn notes_and_unknowns_have_steps_only_for_who_wants_all() {
        let mut info = Outcome::info(Reason::NotFound, "");
        info.remediation = vec!["push an image".to_owned()];
        let entries = registry(vec![entry(CheckName::Pull, info)]);
        assert!(!text(std::slice::from_ref(&entries), PLAIN).contains("push an image"));
        let all = text(&[entries], VERBOSE);
        assert!(all.contains("- Pull: push an image\n"), "{all}");
    }

    #[test]
    fn a_registry_cannot_forge_lines_or_move_the_cursor() {
        let outcome = Outcome::fail(Reason::Protocol, "bad\r\n\x1b[2Jnews\u{202e}\u{2028}x")
            .with("auth_challenge", "a\nb\u{9b}c");
        let shown = text(&[registry(vec![entry(CheckName::Pull, outcome)])], VERBOSE);
        assert!(shown.contains("FAIL   bad   [2Jnews  x\n"), "{shown}");
        assert!(shown.contains("auth_challenge: a b c\n"), "{shown}");
        assert!(!shown.contains('\x1b'), "{shown}");
    }

    fn of_ghcr(outcome: Outcome) -> RegistryReports {
        let mut reports = registry(vec![entry(CheckName::Capabilities, outcome)]);
        reports.about.product = Some("ghcr".to_owned());
        reports
    }

    #[test]
    fn what_differs_from_the_matrix_is_one_line() {
        let of = |referrers, mount| {
            let outcome = Outcome::pass("")
                .proving(Fact::Capability(Capability::ReferrersApi, referrers))
                .proving(Fact::Capability(Capability::CrossRepoMount, mount));
            text(&[of_ghcr(outcome)], PLAIN)
        };
        let expected = "failures\nDiffers from the compatibility matrix (GHCR): referrers_api is supported, expected: fallback; cross_repo_mount is not supported, expected: yes\n";
        assert!(of(true, false).contains(expected), "{}", of(true, false));
        assert!(!of(false, true).contains("Differs"), "{}", of(false, true));
    }

    #[test]
    fn hints_are_recommended_once_whatever_the_status() {
        let mut outcome = Outcome::unknown(Reason::RateLimited, "");
        outcome.hints = vec!["Known issue of X: y".to_owned()];
        let entries = vec![
            entry(CheckName::Pull, outcome.clone()),
            entry(CheckName::Referrers, outcome),
        ];
        let shown = text(&[registry(entries)], PLAIN);
        assert!(
            shown.ends_with("\nRecommendations:\n- Known issue of X: y\n"),
            "{shown}"
        );
    }

    #[test]
    fn the_registrys_own_warnings_are_shown_to_who_wants_all() {
        let mut reports = of_ghcr(Outcome::pass("ok"));
        reports.about.warnings = vec!["going\naway".to_owned()];
        let all = text(std::slice::from_ref(&reports), VERBOSE);
        assert!(
            all.ends_with("\nThe registry warns:\n- going away\n"),
            "{all}"
        );
        assert!(!text(&[reports], PLAIN).contains("going"));
    }

    #[test]
    fn what_changed_since_it_worked_is_for_who_wants_all() {
        let noon = samples::noon();
        let worked = |changed: &[_]| Since::Worked {
            at: noon,
            changed: changed.to_vec(),
        };
        for (since, line) in [
            (
                Since::NeverWorked,
                "    has not worked since the exporter started\n",
            ),
            (
                worked(&[]),
                "    last worked 2026-11-23T16:00:00Z; nothing visible changed since\n",
            ),
            (
                worked(&[(Change::Secret, noon), (Change::Grant, noon)]),
                "    last worked 2026-11-23T16:00:00Z; changed since: secret (2026-11-23T16:00:00Z), grant (2026-11-23T16:00:00Z)\n",
            ),
        ] {
            let mut entry = entry(CheckName::Pull, Outcome::fail(Reason::Timeout, ""));
            entry.since_worked = Some(since);
            let registry = [registry(vec![entry])];
            let shown = text(&registry, VERBOSE);
            assert!(shown.contains(line), "{shown}");
            assert!(!text(&registry, PLAIN).contains("worked"));
        }
    }

    #[test]
    fn colour_changes_no_column() {
        let options = Options {
            colour: true,
            ..PLAIN
        };
        let shown = text(&[unreachable()], options);
        assert!(shown.contains("\x1b[1;31mFAIL   \x1b[0m"), "{shown}");
        let mut plain = shown;
        for (status, _) in Status::ALL {
            plain = plain.replace(&format!("\x1b[{}m", colour(status)), "");
        }
        assert_eq!(plain.replace("\x1b[0m", ""), text(&[unreachable()], PLAIN));
    }
}
