//! The flags of `check`.

use std::{path::PathBuf, time::Duration};

use clap::{Args, ValueEnum, builder::PossibleValuesParser};
use url::Url;

use super::super::{
    flags::OF_CHECK,
    values::{check_name, deadline, duration, tags},
};
use crate::outcome::CheckName;

#[derive(Debug, Args)]
#[command(next_help_heading = OF_CHECK)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub(in crate::cli) struct CheckFlags {
    /// Only checks with one of these tags, such as `registry` (repeatable)
    #[arg(long = "tag", value_name = "TAG", global = true)]
    #[arg(value_parser = PossibleValuesParser::new(tags()), hide_possible_values = true)]
    pub(in crate::cli) tags: Vec<String>,
    /// Only these checks, by id or short name, such as `pull` (repeatable)
    #[arg(long = "check", value_name = "CHECK", global = true)]
    #[arg(value_parser = check_name(), hide_possible_values = true)]
    pub(in crate::cli) checks: Vec<CheckName>,
    /// Form of the report
    #[arg(long, value_name = "FORMAT", global = true, default_value = "text")]
    pub(super) format: ReportFormat,
    /// Write the report to this file instead of stdout
    #[arg(long, value_name = "FILE", global = true)]
    pub(super) output: Option<PathBuf>,
    /// Also write a report of this form to a file (repeatable)
    #[arg(long = "report", value_name = "FORMAT=FILE", global = true)]
    #[arg(value_parser = further_report)]
    pub(super) reports: Vec<FurtherReport>,
    /// Also evidence, likely cause, remediation and the requests made
    #[arg(long, global = true)]
    pub(super) verbose: bool,
    /// Leave out what to do about findings
    #[arg(long, global = true)]
    pub(super) no_remediation: bool,
    /// These checks must pass: skip, unknown and info count as failed (comma-separated)
    #[arg(long, value_name = "CHECK", global = true, value_delimiter = ',')]
    #[arg(value_parser = check_name(), hide_possible_values = true)]
    pub(super) require: Vec<CheckName>,
    /// What counts as failed for the exit status
    #[arg(long, value_name = "STATUS", global = true, default_value = "fail")]
    pub(super) fail_on: FailOn,
    /// Permit the upload probe for a TARGET that is not configured; it opens an
    /// upload session and cancels it
    #[arg(long, global = true)]
    pub(super) push: bool,
    /// Ask again, pauses respected, until nothing fails or is unknown
    #[arg(long, value_name = "STATUS", global = true)]
    pub(super) until: Option<Until>,
    /// How long `--until` asks again [default: 5m]
    #[arg(long, value_name = "DURATION", global = true, value_parser = deadline)]
    pub(super) deadline: Option<Duration>,
    /// Say what became better and worse since this JSON report was written; `-` is stdin
    #[arg(long, value_name = "FILE", global = true)]
    pub(super) compare: Option<PathBuf>,
    /// Read the reports of a running daemon instead of asking the registries
    #[arg(long, value_name = "URL", global = true, value_parser = daemon)]
    pub(super) from: Option<Url>,
    /// User name for TARGETs that are not configured, or for the daemon of
    /// `--from`; without it `OCI__Username` and its like, else the login of Docker
    #[arg(long, value_name = "NAME", global = true)]
    pub(super) username: Option<String>,
    /// Read the password of `--username` from stdin
    #[arg(long, global = true)]
    pub(super) password_stdin: bool,
    /// Accept any certificate of the registries (not for production)
    #[arg(long, global = true)]
    pub(super) insecure: bool,
    /// Budget of each check, in place of the configured one
    #[arg(long, value_name = "DURATION", global = true, value_parser = duration)]
    pub(in crate::cli) timeout: Option<Duration>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum ReportFormat {
    /// One line a check, a block a registry
    Text,
    /// One row a check over all registries
    Table,
    /// The schema that the daemon's API shares
    Json,
    /// A table for a job summary or a comment
    Markdown,
    /// Test results for GitHub, GitLab and Jenkins
    Junit,
    /// Metrics for the textfile collector of `node_exporter`
    Prometheus,
}

/// A report that goes to a file beside the one of `--format`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FurtherReport {
    pub(super) format: ReportFormat,
    pub(super) file: PathBuf,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum FailOn {
    /// Failures
    Fail,
    /// Failures and warnings
    Warn,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Until {
    /// Nothing fails or is unknown
    Pass,
}

fn further_report(text: &str) -> Result<FurtherReport, String> {
    let known = || {
        let words = ReportFormat::value_variants().iter();
        let words = words.filter_map(|it| Some(it.to_possible_value()?.get_name().to_owned()));
        words.collect::<Vec<_>>().join(", ")
    };
    let Some((format, file)) = text.split_once('=') else {
        return Err("write it as `json=report.json`".to_owned());
    };
    let Ok(format) = ReportFormat::from_str(format, false) else {
        return Err(format!("forms are: {}", known()));
    };
    if file.is_empty() || file == "-" {
        return Err("name a file; what goes to stdout is chosen with `--format`".to_owned());
    }
    Ok(FurtherReport {
        format,
        file: file.into(),
    })
}

/// The daemon's address: nothing that could be a password.
fn daemon(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).ok().filter(Url::has_host);
    let Some(url) = url.filter(|url| matches!(url.scheme(), "http" | "https")) else {
        return Err("write it as `http://127.0.0.1:9968`".to_owned());
    };
    if !url.username().is_empty() || url.password().is_some() {
        return Err("give a login with `--username` and `--password-stdin`".to_owned());
    }
    Ok(url)
}
