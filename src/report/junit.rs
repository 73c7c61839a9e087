//! The reports as `JUnit` XML, which GitHub, GitLab and Jenkins show as test results.
//!
//! There is no standard; this is what their readers have in common: a
//! `testsuite` per registry, a `testcase` per question; `failure` is what makes the
//! run fail, `error` an answer that says nothing, `skipped` what was not asked.

use quick_xml::{
    Writer,
    events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event},
};

use super::{
    Entry, Options, RegistryReports, Rules, Verdict,
    json::timestamp,
    line::{one_line, request, value_text},
};
use crate::outcome::{CheckName, Reason, Report, Status};

/// The reports as XML 1.0 in UTF-8, with a newline at the end.
///
/// Characters that XML 1.0 has no way to write are left out.
///
/// # Errors
/// None that reports can cause: writing to memory does not fail.
pub fn junit(
    registries: &[RegistryReports],
    rules: &Rules,
    options: Options<'_>,
) -> std::io::Result<String> {
    let mut writer = Writer::new_with_indent(Vec::new(), b' ', 2);
    writer.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let entries: Vec<&Entry> = registries.iter().flat_map(|it| &it.entries).collect();
    let mut suites = BytesStart::new("testsuites");
    suites.push_attribute(("name", env!("CARGO_PKG_NAME")));
    count(
        &mut suites,
        &entries,
        unanswered(registries, rules).len(),
        rules,
    );
    writer.write_event(Event::Start(suites))?;
    for registry in registries {
        suite(&mut writer, registry, rules, options)?;
    }
    writer.write_event(Event::End(BytesEnd::new("testsuites")))?;
    let mut text = String::from_utf8_lossy(&writer.into_inner()).into_owned();
    text.push('\n');
    Ok(text)
}

type Xml = Writer<Vec<u8>>;

fn suite(
    writer: &mut Xml,
    registry: &RegistryReports,
    rules: &Rules,
    options: Options<'_>,
) -> std::io::Result<()> {
    let entries: Vec<&Entry> = registry.entries.iter().collect();
    let mut suite = BytesStart::new("testsuite");
    attribute(&mut suite, "name", &registry.name);
    let unanswered = unanswered(std::slice::from_ref(registry), rules);
    count(&mut suite, &entries, unanswered.len(), rules);
    if let Some(first) = entries.iter().map(|entry| entry.report.started).min() {
        attribute(&mut suite, "timestamp", &timestamp(first));
    }
    writer.write_event(Event::Start(suite))?;
    writer.write_event(Event::Start(BytesStart::new("properties")))?;
    let product = registry.about.product.as_deref();
    let properties = [("url", Some(registry.url.as_str())), ("product", product)];
    for (name, value) in properties {
        let Some(value) = value else { continue };
        let mut property = BytesStart::new("property");
        attribute(&mut property, "name", name);
        attribute(&mut property, "value", value);
        writer.write_event(Event::Empty(property))?;
    }
    writer.write_event(Event::End(BytesEnd::new("properties")))?;
    for entry in entries {
        case(writer, entry, rules, options)?;
    }
    for check in unanswered {
        let mut case = BytesStart::new("testcase");
        attribute(&mut case, "classname", &registry.name);
        attribute(&mut case, "name", check.id());
        writer.write_event(Event::Start(case))?;
        let mut failure = BytesStart::new("failure");
        attribute(
            &mut failure,
            "message",
            "required to pass, and it has no answer",
        );
        writer.write_event(Event::Empty(failure))?;
        writer.write_event(Event::End(BytesEnd::new("testcase")))?;
    }
    writer.write_event(Event::End(BytesEnd::new("testsuite")))
}

/// Required checks that a registry has no answer to.
fn unanswered(registries: &[RegistryReports], rules: &Rules) -> Vec<CheckName> {
    let unmet = rules.unmet(registries).into_iter();
    let silent = unmet.filter(|unmet| unmet.entry.is_none());
    silent.map(|unmet| unmet.check).collect()
}

fn case(
    writer: &mut Xml,
    entry: &Entry,
    rules: &Rules,
    options: Options<'_>,
) -> std::io::Result<()> {
    let report = &entry.report;
    let outcome = &report.outcome;
    let mut case = BytesStart::new("testcase");
    attribute(&mut case, "classname", &report.subject.registry);
    attribute(&mut case, "name", &name(report));
    attribute(&mut case, "time", &seconds(report.duration));
    writer.write_event(Event::Start(case))?;
    if let Some(element) = element(entry, rules) {
        let mut start = BytesStart::new(element);
        let message = match rules.verdict(entry) {
            Verdict::NotAsRequired => format!(
                "required to pass, and it is {}: {}",
                outcome.status.as_str(),
                outcome.message
            ),
            _ => outcome.message.clone(),
        };
        attribute(&mut start, "message", &message);
        if element != "skipped" {
            let kind = outcome
                .reason
                .map_or(outcome.status.as_str(), Reason::as_str);
            attribute(&mut start, "type", kind);
        }
        let steps: Vec<String> = outcome.remediation.iter().map(|it| one_line(it)).collect();
        if steps.is_empty() || !options.remediation || element == "skipped" {
            writer.write_event(Event::Empty(start))?;
        } else {
            writer.write_event(Event::Start(start))?;
            text(writer, &steps.join("\n"))?;
            writer.write_event(Event::End(BytesEnd::new(element)))?;
        }
    }
    writer.write_event(Event::Start(BytesStart::new("system-out")))?;
    text(writer, &said(report, options))?;
    writer.write_event(Event::End(BytesEnd::new("system-out")))?;
    writer.write_event(Event::End(BytesEnd::new("testcase")))
}

/// What a case is beside a success.
fn element(entry: &Entry, rules: &Rules) -> Option<&'static str> {
    match rules.verdict(entry) {
        Verdict::Failed | Verdict::NotAsRequired => Some("failure"),
        Verdict::Unknown => Some("error"),
        Verdict::Good if entry.report.outcome.status == Status::Skip => Some("skipped"),
        Verdict::Good => None,
    }
}

fn count(start: &mut BytesStart<'_>, entries: &[&Entry], unanswered: usize, rules: &Rules) {
    let of = |wanted: &str| {
        let is = |entry: &&&Entry| element(entry, rules) == Some(wanted);
        entries.iter().filter(is).count()
    };
    let time = entries.iter().map(|entry| entry.report.duration).sum();
    for (name, number) in [
        ("tests", entries.len() + unanswered),
        ("failures", of("failure") + unanswered),
        ("errors", of("error")),
        ("skipped", of("skipped")),
    ] {
        attribute(start, name, &number.to_string());
    }
    attribute(start, "time", &seconds(time));
}

/// The check, and whose it is: unique within its registry.
fn name(report: &Report) -> String {
    let subject = &report.subject;
    let mut name = subject.check.id().to_owned();
    for part in [&subject.repository, &subject.credential]
        .into_iter()
        .flatten()
    {
        name.push(' ');
        name.push_str(part);
    }
    name
}

/// The answer in words, a line each.
fn said(report: &Report, options: Options<'_>) -> String {
    let outcome = &report.outcome;
    let status = outcome.status.as_str().to_uppercase();
    let mut lines = vec![format!("{status} {}", one_line(&outcome.message))];
    if let Some(reason) = outcome.reason {
        lines.push(format!("reason: {}", reason.as_str()));
        lines.push(format!("likely cause: {}", reason.cause()));
    }
    let evidence = outcome.evidence.iter();
    lines.extend(evidence.map(|(key, value)| format!("{key}: {}", value_text(value))));
    if options.verbose {
        lines.extend(report.requests.iter().map(request));
    }
    lines.join("\n")
}

fn seconds(duration: std::time::Duration) -> String {
    format!("{:.3}", duration.as_secs_f64())
}

fn attribute(start: &mut BytesStart<'_>, name: &str, value: &str) {
    let value = writable(&one_line(value));
    start.push_attribute((name, value.as_str()));
}

fn text(writer: &mut Xml, text: &str) -> std::io::Result<()> {
    writer.write_event(Event::Text(BytesText::new(&writable(text))))
}

/// The text without what is no character of XML 1.0 (section 2.2).
fn writable(text: &str) -> String {
    let char = |char: &char| matches!(char, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..);
    text.chars().filter(char).collect()
}

#[cfg(test)]
mod tests {
    use quick_xml::{Reader, XmlVersion};

    use super::super::samples::{fallback, hostile};
    use super::*;

    const ALL: Options<'_> = Options {
        verbose: true,
        remediation: true,
        colour: false,
        width: None,
        compared: None,
    };

    #[test]
    fn each_registry_is_a_suite_and_each_question_a_case() {
        let golden = include_str!("../../tests/golden/report/all.junit.xml");
        let shown = junit(&[fallback(), hostile()], &Rules::default(), ALL).unwrap();
        assert_eq!(shown, golden);
    }

    /// What a reader finds: names of elements, with their `message`.
    fn read(xml: &str) -> Vec<(String, Option<String>)> {
        let mut reader = Reader::from_str(xml);
        reader.config_mut().check_end_names = true;
        let mut elements = Vec::new();
        loop {
            match reader.read_event().unwrap() {
                Event::Start(start) | Event::Empty(start) => {
                    let name = start.name().as_ref().to_owned();
                    let message = start.try_get_attribute("message").unwrap();
                    let message = message.map(|it| {
                        it.normalized_value(XmlVersion::Explicit1_0)
                            .unwrap()
                            .into_owned()
                    });
                    elements.push((name, message));
                }
                Event::Eof => return elements,
                _ => {}
            }
        }
    }

    #[test]
    fn what_a_registry_says_is_read_back_and_breaks_nothing() {
        let shown = junit(&[hostile()], &Rules::default(), ALL).unwrap();
        let elements = read(&shown);
        let cases = elements
            .iter()
            .filter(|(name, _)| name == "testcase")
            .count();
        assert_eq!(cases, hostile().entries.len());
        let messages: Vec<&str> = elements
            .iter()
            .filter_map(|(_, it)| it.as_deref())
            .collect();
        assert!(
            messages.contains(&"a|b `c` <b>d</b> ]]> &amp; \"e\" \u{fffd} [31m  é"),
            "{messages:?}"
        );
        assert!(
            shown
                .chars()
                .all(|char| writable(&char.to_string()).len() == char.len_utf8())
        );
    }

    #[test]
    fn the_rules_decide_what_is_a_failure() {
        let elements = |rules: Rules| -> Vec<String> {
            let shown = junit(&[hostile()], &rules, ALL).unwrap();
            let names = read(&shown).into_iter().map(|(name, _)| name);
            names
                .filter(|name| ["failure", "error", "skipped"].contains(&name.as_str()))
                .collect()
        };
        let of = |require: &[CheckName], warnings_fail| {
            elements(Rules {
                require: require.to_vec(),
                warnings_fail,
            })
        };
        // Nobody asked it.
        let without = of(&[CheckName::Capabilities], false);
        assert_eq!(without, ["failure", "skipped", "error", "failure"]);
        assert_eq!(of(&[], false), ["failure", "skipped", "error"]);
        assert_eq!(of(&[], true), ["failure", "failure", "skipped", "error"]);
        assert_eq!(
            of(&[CheckName::Referrers], false),
            ["failure", "skipped", "failure"]
        );
    }
}
