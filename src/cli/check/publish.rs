//! The reports in every form that is wanted, each where it is wanted.

use std::{io, path::Path, sync::Arc, time::SystemTime};

use super::{
    super::{Failure, output},
    CheckFlags,
    flags::ReportFormat,
    targets::Chosen,
};
use crate::{
    config::Config,
    exposition,
    report::{self, Audience, Comparison, RegistryReports, Rules},
    store::Snapshot,
};

/// The reports, and what metrics are made of where this run asked for them itself.
pub(super) struct Paper {
    pub(super) registries: Vec<RegistryReports>,
    measured: Option<(Arc<Config>, Snapshot)>,
}

impl Paper {
    /// What this run asked for.
    pub(super) fn asked(chosen: Chosen, registries: Vec<RegistryReports>, store: Snapshot) -> Self {
        let config = Config {
            registries: chosen.targets,
            ..Config::default()
        };
        Self {
            registries,
            measured: Some((Arc::new(config), store)),
        }
    }

    /// What somebody else asked for.
    pub(super) fn read(registries: Vec<RegistryReports>) -> Self {
        Self {
            registries,
            measured: None,
        }
    }

    /// Whether this registry is among them.
    pub(super) fn is_about(&self, registry: &str) -> bool {
        self.registries.iter().any(|it| it.name == registry)
    }
}

/// Writes every report that is wanted, the one for stdout last. One that cannot be
/// written keeps no other from it.
pub(super) fn publish(
    paper: &Paper,
    compared: Option<&Comparison>,
    rules: &Rules,
    flags: &CheckFlags,
) -> Result<(), Failure> {
    let form = |format, to_stdout| form(paper, format, to_stdout, compared, rules, flags);
    let to_file = |format, path: &Path| {
        output::to_file(path, &form(format, false)?).map_err(|error| {
            Failure::usage(format!("`{}` cannot be written: {error}", path.display()))
        })
    };
    let further = flags.reports.iter();
    let mut written: Vec<Result<(), Failure>> = further
        .map(|report| to_file(report.format, &report.file))
        .collect();
    written.push(match file(flags) {
        Some(path) => to_file(flags.format, path),
        None => output::to_stdout(&form(flags.format, true)?)
            .map_err(|error| Failure::usage(format!("the report cannot be printed: {error}"))),
    });
    written.into_iter().collect()
}

/// Forms that cannot be, and files that would overwrite each other.
pub(super) fn refuse_contradictions(flags: &CheckFlags) -> Result<(), Failure> {
    let further = || flags.reports.iter();
    let metrics = further()
        .map(|report| report.format)
        .chain([flags.format])
        .any(|format| format == ReportFormat::Prometheus);
    if metrics && flags.from.is_some() {
        return Err(Failure::usage(
            "a daemon's reports are no metrics\n  hint: its own `/metrics` has them",
        ));
    }
    let mut files: Vec<&Path> = further().map(|report| &*report.file).collect();
    files.extend(file(flags));
    files.sort_unstable();
    if let Some([path, _]) = files.windows(2).find(|pair| pair[0] == pair[1]) {
        return Err(Failure::usage(format!(
            "two reports go to `{}`",
            path.display()
        )));
    }
    Ok(())
}

fn file(flags: &CheckFlags) -> Option<&Path> {
    let file = flags.output.as_deref();
    file.filter(|path| *path != Path::new("-"))
}

fn form(
    paper: &Paper,
    format: ReportFormat,
    to_stdout: bool,
    compared: Option<&Comparison>,
    rules: &Rules,
    flags: &CheckFlags,
) -> Result<String, Failure> {
    let registries = &paper.registries;
    let options = report::Options {
        verbose: flags.verbose,
        remediation: !flags.no_remediation,
        colour: to_stdout && coloured(),
        width: to_stdout.then(columns).flatten(),
        compared,
    };
    let other = |error: &dyn std::fmt::Display| Failure::other(error.to_string());
    match format {
        ReportFormat::Text => Ok(report::text(registries, options)),
        ReportFormat::Table => Ok(report::table(registries, options)),
        ReportFormat::Markdown => Ok(report::markdown(registries, options)),
        ReportFormat::Junit => {
            report::junit(registries, rules, options).map_err(|error| other(&error))
        }
        ReportFormat::Json => {
            report::json_compared(registries, SystemTime::now(), Audience::Operator, compared)
                .map_err(|error| other(&error))
        }
        ReportFormat::Prometheus => match &paper.measured {
            Some((config, store)) => exposition::encode_once(Arc::clone(config), store.clone())
                .map_err(|error| other(&error)),
            None => Err(Failure::usage("a daemon's reports are no metrics")),
        },
    }
}

/// On a terminal that can, unless `NO_COLOR` and its like say otherwise.
fn coloured() -> bool {
    anstream::AutoStream::choice(&io::stdout()) != anstream::ColorChoice::Never
}

/// Of the terminal, if stdout is one.
fn columns() -> Option<usize> {
    let (width, _) = terminal_size::terminal_size_of(io::stdout())?;
    Some(width.0.into())
}
