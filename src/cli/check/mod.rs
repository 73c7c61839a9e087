//! One cycle of every chosen registry, printed.
//!
//! ```text
//! targets    names, images and URLs     -> targets, with a login
//! ask        asks them once             -> a store of reports
//! again      asks until nothing is open
//! from       or a daemon's reports instead
//! publish    the reports in every form that is wanted
//! ```

mod again;
mod ask;
mod flags;
mod from;
mod login;
mod progress;
mod publish;
mod targets;

use std::{
    io::{self, Read},
    path::Path,
    process::ExitCode,
};

use super::{Failure, flags::Flags, say, select};
use crate::{
    file,
    outcome::{CheckName, Subject},
    report::{self, Comparison, Reading, RegistryReports, Rules},
};
use flags::FailOn;
use publish::Paper;

pub(super) use flags::CheckFlags;
pub(super) use progress::clear as clear_progress;

pub(super) fn check(flags: &Flags, names: &[String]) -> Result<ExitCode, Failure> {
    let wishes = &flags.check;
    refuse_contradictions(wishes)?;
    let checks = select::checks(wishes)?;
    let rules = rules(wishes, &checks)?;
    let earlier = wishes.compare.as_deref().map(earlier).transpose()?;
    let runtime = super::runtime()?;
    let (paper, over) = if let Some(daemon) = &wishes.from {
        let reading = runtime.block_on(from::reports(daemon, wishes))?;
        let registries = from::chosen(reading, names, &checks)?;
        (Paper::read(registries), false)
    } else {
        let chosen = runtime.block_on(targets::choose(flags, names))?;
        if wishes.insecure {
            say(
                &"warning: `--insecure`: certificates of the registries are not verified in this run",
            );
        }
        let asked = runtime.block_on(ask::ask_until_signal(&chosen, &checks, wishes, &rules));
        match asked {
            Ok(asked) => (
                Paper::asked(chosen, asked.registries, asked.store),
                asked.over,
            ),
            Err(code) => return Ok(code.into()),
        }
    };
    let compared = earlier.map(|earlier| {
        let asked = |subject: &Subject| {
            checks.contains(&subject.check)
                && (names.is_empty() || paper.is_about(&subject.registry))
        };
        Comparison::between(&earlier, &paper.registries, asked)
    });
    publish::publish(&paper, compared.as_ref(), &rules, wishes)?;
    tell_of_unmet(&paper.registries, &rules);
    if over {
        return Ok(DEADLINE_OVER.into());
    }
    Ok(exit_code(&paper.registries, &rules).into())
}

/// Flags that silently would do nothing, or contradict each other.
fn refuse_contradictions(flags: &CheckFlags) -> Result<(), Failure> {
    for (given, without, message) in [
        (
            flags.username.is_some(),
            flags.password_stdin,
            "`--username` needs `--password-stdin`",
        ),
        (
            flags.password_stdin,
            flags.username.is_some(),
            "`--password-stdin` needs `--username`",
        ),
        (
            flags.deadline.is_some(),
            flags.until.is_some(),
            "`--deadline` needs `--until pass`",
        ),
        (
            flags.from.is_some(),
            flags.until.is_none(),
            "`--from` reads what is there: `--until` asks the registries themselves",
        ),
        (
            flags.compare.as_deref().is_some_and(is_stdin),
            !flags.password_stdin,
            "`--compare -` and `--password-stdin` both read stdin",
        ),
        (
            flags.from.is_some(),
            !flags.push,
            "`--from` asks no registry: `--push` has no meaning with it",
        ),
    ] {
        if given && !without {
            return Err(Failure::usage(message));
        }
    }
    publish::refuse_contradictions(flags)
}

fn rules(flags: &CheckFlags, checks: &[CheckName]) -> Result<Rules, Failure> {
    if let Some(check) = flags.require.iter().find(|check| !checks.contains(check)) {
        let check = check.as_str();
        return Err(Failure::usage(format!(
            "`--require {check}`, and {check} is not among the checks that `--check` and `--tag` choose"
        )));
    }
    let mut require = flags.require.clone();
    require.sort_unstable();
    require.dedup();
    Ok(Rules {
        require,
        warnings_fail: flags.fail_on == FailOn::Warn,
    })
}

/// The document of `--compare`.
fn earlier(path: &Path) -> Result<Reading, Failure> {
    let shown = path.display();
    let wrong = |why: &dyn std::fmt::Display| {
        Failure::usage(format!(
            "`{shown}` cannot be compared with: {why}\n  hint: name a report that `check --format json` wrote, or `-` for stdin"
        ))
    };
    let json = read_file(path).map_err(|error| wrong(&error))?;
    report::read(&json).map_err(|error| wrong(&error))
}

/// A regular file, or stdin: whoever waits for another pipe does not say so.
fn read_file(path: &Path) -> io::Result<Vec<u8>> {
    let most = LARGEST_DOCUMENT as u64;
    let bytes = if is_stdin(path) {
        let mut bytes = Vec::new();
        let stdin = io::stdin().lock();
        stdin.take(most + 1).read_to_end(&mut bytes)?;
        bytes
    } else {
        file::read(path, most)?
    };
    if bytes.len() > LARGEST_DOCUMENT {
        let message = format!("it is larger than {} MiB", LARGEST_DOCUMENT >> 20);
        return Err(io::Error::new(io::ErrorKind::InvalidData, message));
    }
    Ok(bytes)
}

fn is_stdin(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// Why a run without a failure fails, on stderr: stdout is the report and nothing else.
fn tell_of_unmet(registries: &[RegistryReports], rules: &Rules) {
    for unmet in rules.unmet(registries) {
        let (check, registry) = (unmet.check.as_str(), unmet.registry);
        let is = unmet.entry.map_or_else(
            || "has no answer".to_owned(),
            |entry| format!("is {}", entry.report.outcome.status.as_str()),
        );
        say(&format_args!(
            "required to pass: {check} of `{registry}` {is}"
        ));
    }
}

/// As the rules say; and a registry of which nothing is known is unknown.
fn exit_code(registries: &[RegistryReports], rules: &Rules) -> u8 {
    let silent = registries.iter().any(|it| it.entries.is_empty());
    match report::exit_status(registries, rules) {
        0 if silent => NOTHING_KNOWN,
        code => code,
    }
}

/// As that of an answer that says nothing.
const NOTHING_KNOWN: u8 = 3;
const DEADLINE_OVER: u8 = 4;
/// Of reports that another run or a daemon wrote: some 20,000 of them (bytes).
const LARGEST_DOCUMENT: usize = 32 << 20;
