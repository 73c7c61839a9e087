//! The lines that more than one form prints.

use super::{Entry, RegistryReports, Summary};
use crate::{
    exchange::Sent,
    matrix::matrix,
    oci::is_format,
    outcome::{CheckName, Status, Value},
};

/// Which repository and credential set, where the same check reports for several,
/// or could: push is asked of those repositories only that it is wanted for.
pub(super) fn whose(entry: &Entry, all: &[Entry]) -> String {
    let subject = &entry.report.subject;
    let several = |check: CheckName| {
        let same = all.iter().filter(|it| it.report.subject.check == check);
        same.count() > 1
    };
    let of_push = subject.check == CheckName::Push && several(CheckName::Pull);
    if !several(subject.check) && !of_push {
        return String::new();
    }
    let of: Vec<String> = [&subject.repository, &subject.credential]
        .into_iter()
        .flatten()
        .map(|part| one_line(part))
        .collect();
    if of.is_empty() {
        return String::new();
    }
    format!(" [{}]", of.join(", "))
}

/// Counts in the source document's order; those of info, skipped and unknown
/// only where there are any.
pub(super) fn overall(summary: &Summary) -> String {
    let mut parts = Vec::new();
    for (status, one, many, always) in [
        (Status::Pass, "passed", "passed", true),
        (Status::Warn, "warning", "warnings", true),
        (Status::Info, "info", "info", false),
        (Status::Fail, "failure", "failures", true),
        (Status::Skip, "skipped", "skipped", false),
        (Status::Unknown, "unknown", "unknown", false),
    ] {
        let count = summary.count(status);
        if always || count > 0 {
            parts.push(format!("{count} {}", if count == 1 { one } else { many }));
        }
    }
    format!("Overall: {}", parts.join(", "))
}

/// Where the registry does otherwise than its product is known to.
pub(super) fn differs(registry: &RegistryReports) -> Option<String> {
    let product = registry.about.product.as_deref()?;
    let differences: Vec<String> = registry
        .differences()
        .iter()
        .map(|difference| {
            format!(
                "{} is {}supported, expected: {}",
                difference.capability.as_str(),
                if difference.supported { "" } else { "not " },
                difference.expected.as_str()
            )
        })
        .collect();
    let name = matrix().name(product).replace('`', "");
    let differences = differences.join("; ");
    (!differences.is_empty())
        .then(|| format!("Differs from the compatibility matrix ({name}): {differences}"))
}

/// A value of evidence.
pub(super) fn value_text(value: &Value) -> String {
    match value {
        Value::Text(text) => one_line(text),
        Value::Number(number) => number.to_string(),
        Value::Flag(flag) => flag.to_string(),
        Value::Nothing => "-".to_owned(),
    }
}

/// A request with its end: method, URL without secrets, status or failure, time.
pub(super) fn request(sent: &Sent) -> String {
    let end = match &sent.end {
        Ok(status) => status.to_string(),
        Err(kind) => format!("{kind:?}").to_lowercase(),
    };
    let millis = sent.elapsed.as_secs_f64() * 1000.0;
    let retry = if sent.retry { " (retry)" } else { "" };
    let url = one_line(&sent.url);
    format!("{} {url} {end} {millis:.0} ms{retry}", sent.method)
}

/// The text with blanks for whatever could move a terminal's cursor or turn its
/// line around or hide in it: control characters, line separators, bidirectional
/// marks, what has no width.
pub(super) fn one_line(text: &str) -> String {
    text.chars()
        .map(|char| match char {
            char if char.is_control() || is_format(char) => ' ',
            char => char,
        })
        .collect()
}
