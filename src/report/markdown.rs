//! The reports for a page of GitHub or GitLab: a job summary, a comment.

use super::{
    Options, RegistryReports, Summary,
    line::{differs, one_line, overall, request, value_text},
    steps::recommendations,
};
use crate::outcome::{Reason, Report};

/// The reports as GitHub Flavored Markdown; ends with a newline.
///
/// Nothing that a registry said is markup there: what could begin any is
/// escaped, and a `@` pings nobody.
pub fn markdown(registries: &[RegistryReports], options: Options<'_>) -> String {
    let entries = || registries.iter().flat_map(|registry| &registry.entries);
    let mut lines = vec!["## Registry checks".to_owned(), String::new()];
    lines.push(format!("**{}**", overall(&Summary::of(entries()))));
    lines.push(String::new());
    lines.push(row(&HEAD.map(str::to_owned)));
    lines.push(row(&HEAD.map(|_| "---".to_owned())));
    lines.extend(entries().map(|entry| row(&cells(&entry.report))));
    for registry in registries {
        below(registry, options, &mut lines);
    }
    if let Some(comparison) = options.compared {
        let then = super::json::timestamp(comparison.earlier);
        heading(&format!("Compared with {then}"), &mut lines);
        if comparison.changes.is_empty() {
            lines.push("Nothing changed.".to_owned());
        }
        let changes = comparison.changes.iter();
        lines.extend(changes.map(|changed| item(&changed.in_words())));
    }
    lines.push(String::new());
    lines.join("\n")
}

/// What stands below the table of one registry.
fn below(registry: &RegistryReports, options: Options<'_>, lines: &mut Vec<String>) {
    let name = escaped(&registry.name);
    let steps = if options.remediation {
        recommendations(&registry.entries, options.verbose)
    } else {
        Vec::new()
    };
    let differs = differs(registry);
    if !steps.is_empty() || differs.is_some() {
        heading(&format!("{name}: what to do"), lines);
        lines.extend(steps.iter().chain(&differs).map(|step| item(step)));
    }
    if !options.verbose {
        return;
    }
    if !registry.about.warnings.is_empty() {
        heading(&format!("{name} warns"), lines);
        lines.extend(registry.about.warnings.iter().map(|text| item(text)));
    }
    heading(&format!("{name}: what was seen"), lines);
    for entry in &registry.entries {
        details(&entry.report, lines);
    }
}

fn details(report: &Report, lines: &mut Vec<String>) {
    let outcome = &report.outcome;
    let status = outcome.status.as_str();
    let repository = report.subject.repository.as_deref().unwrap_or_default();
    lines.push(item(
        format!("{} {repository}", report.subject.check.as_str()).trim_end(),
    ));
    let reason = outcome
        .reason
        .map(|reason| format!("{status}, {}: {}", reason.as_str(), reason.cause()));
    let evidence = outcome
        .evidence
        .iter()
        .map(|(key, value)| format!("{key}: {}", value_text(value)));
    let requests = report.requests.iter().map(request);
    let all = reason.into_iter().chain(evidence).chain(requests);
    lines.extend(all.map(|line| format!("  {}", item(&line))));
}

fn cells(report: &Report) -> [String; COLUMNS] {
    let (subject, outcome) = (&report.subject, &report.outcome);
    let latency = outcome.latency.map_or_else(String::new, |it| {
        format!("{:.0} ms", it.as_secs_f64() * 1000.0)
    });
    [
        escaped(&subject.registry),
        subject.check.as_str().to_owned(),
        escaped(subject.repository.as_deref().unwrap_or_default()),
        escaped(subject.credential.as_deref().unwrap_or_default()),
        format!("**{}**", outcome.status.as_str().to_uppercase()),
        escaped(outcome.reason.map_or("", Reason::as_str)),
        latency,
        escaped(&outcome.message),
    ]
}

fn row(cells: &[String; COLUMNS]) -> String {
    format!("| {} |", cells.join(" | "))
}

fn heading(text: &str, lines: &mut Vec<String>) {
    lines.push(String::new());
    lines.push(format!("### {text}"));
    lines.push(String::new());
}

fn item(text: &str) -> String {
    format!("- {}", escaped(text))
}

/// A text on one line that is nothing but text: every sign that Markdown may read
/// as markup is escaped, HTML becomes entities, and a `@` at the beginning of a
/// word is followed by a space of no width, so that it names no user.
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    let mut before = ' ';
    for char in one_line(text).chars() {
        match char {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '@' if !before.is_alphanumeric() => escaped.push_str("@&#8203;"),
            '\\' | '`' | '|' | '*' | '_' | '[' | ']' | '#' | '~' | '!' | '$' => {
                escaped.push('\\');
                escaped.push(char);
            }
            // At the beginning they would begin a list.
            '-' | '+' if escaped.is_empty() => {
                escaped.push('\\');
                escaped.push(char);
            }
            '.' | ')' if !escaped.is_empty() && escaped.bytes().all(|it| it.is_ascii_digit()) => {
                escaped.push('\\');
                escaped.push(char);
            }
            char => escaped.push(char),
        }
        before = char;
    }
    escaped
}

const COLUMNS: usize = 8;
const HEAD: [&str; COLUMNS] = [
    "Registry",
    "Check",
    "Repository",
    "Credential",
    "Status",
    "Reason",
    "Latency",
    "Message",
];

#[cfg(test)]
mod tests {
    use super::super::samples::{compared, fallback, hostile};
    use super::*;

    const ALL: Options<'_> = Options {
        verbose: true,
        remediation: true,
        colour: false,
        width: None,
        compared: None,
    };

    #[test]
    fn the_table_and_what_to_do_stand_below_each_other() {
        let golden = include_str!("../../tests/golden/report/all.md");
        let compared = compared();
        let options = Options {
            compared: Some(&compared),
            ..ALL
        };
        assert_eq!(markdown(&[fallback(), hostile()], options), golden);
    }

    #[test]
    fn a_cell_is_text_and_nothing_else() {
        for (text, expected) in [
            ("a|b", "a\\|b"),
            ("`code`", "\\`code\\`"),
            ("<img src=x>", "&lt;img src=x&gt;"),
            ("a & b", "a &amp; b"),
            ("*a* _b_ ~c~", "\\*a\\* \\_b\\_ \\~c\\~"),
            ("![x](y)", "\\!\\[x\\](y)"),
            ("fixes #12", "fixes \\#12"),
            ("ask @team", "ask @&#8203;team"),
            ("app@sha256:0", "app@sha256:0"),
            ("two\nlines\r|", "two lines \\|"),
            ("\\", "\\\\"),
            ("- a-b", "\\- a-b"),
            ("12. a. b", "12\\. a. b"),
        ] {
            assert_eq!(escaped(text), expected);
        }
    }

    #[test]
    fn every_row_has_as_many_cells_as_the_head() {
        let shown = markdown(&[hostile()], ALL);
        let bars = |line: &str| line.matches('|').count() - line.matches("\\|").count();
        let rows: Vec<&str> = shown
            .lines()
            .filter(|line| line.starts_with("| "))
            .collect();
        assert_eq!(rows.len(), 2 + hostile().entries.len());
        for row in rows {
            assert_eq!(bars(row), COLUMNS + 1, "{row}");
        }
    }

    #[test]
    fn without_remediation_there_is_the_table_alone() {
        let options = Options {
            remediation: false,
            verbose: false,
            ..ALL
        };
        assert!(!markdown(&[fallback()], options).contains("###"));
    }
}
