//! What to do about findings.

use std::fmt::Write as _;

use super::{Entry, line::one_line};
use crate::outcome::{CheckName, Outcome, Status};

/// Every line once, in the order of first mention. A step that several checks
/// call for names all of them: an unreachable registry has one cause, not five.
pub(super) fn recommendations(entries: &[Entry], verbose: bool) -> Vec<String> {
    let mut lines: Vec<(Vec<CheckName>, &str)> = Vec::new();
    for entry in entries {
        let outcome = &entry.report.outcome;
        let (titled, steps) = if outcome.recommendations.is_empty() {
            (true, steps(outcome, verbose))
        } else {
            (false, outcome.recommendations.as_slice())
        };
        let check = entry.report.subject.check;
        let hints = outcome.hints.iter().map(|hint| (false, hint));
        let steps = steps.iter().map(|step| (titled, step));
        for (titled, step) in steps.chain(hints) {
            let known = lines
                .iter_mut()
                .find(|(checks, line)| line == step && checks.is_empty() != titled);
            match known {
                Some((checks, _)) if titled && !checks.contains(&check) => checks.push(check),
                Some(_) => {}
                None => lines.push((if titled { vec![check] } else { vec![] }, step)),
            }
        }
    }
    lines
        .into_iter()
        .map(|(checks, line)| titled(&checks, &one_line(line)))
        .collect()
}

/// What is worth doing unasked: about findings, and for who wants all of it also
/// about what is merely open.
pub(super) fn steps(outcome: &Outcome, verbose: bool) -> &[String] {
    match outcome.status {
        Status::Warn | Status::Fail => &outcome.remediation,
        Status::Info | Status::Unknown if verbose => &outcome.remediation,
        _ => &[],
    }
}

fn titled(checks: &[CheckName], line: &str) -> String {
    let mut text = String::new();
    for (at, check) in checks.iter().enumerate() {
        let separator = if at == 0 { "" } else { ", " };
        let _ = write!(text, "{separator}{}", short_title(*check));
    }
    if !checks.is_empty() {
        text.push_str(": ");
    }
    text.push_str(line);
    text
}

fn short_title(check: CheckName) -> &'static str {
    match check {
        CheckName::Credentials => "Credentials",
        CheckName::Pull => "Pull",
        CheckName::Push => "Push",
        CheckName::Referrers => "Referrers API",
        CheckName::Capabilities => "Capabilities",
    }
}
