//! What may be typed. Every flag is global: before or after the command.

use std::path::PathBuf;

use clap::{
    Arg, ArgMatches, Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum,
    error::{ContextKind, ContextValue, ErrorKind},
    parser::ValueSource,
};

use super::{
    check::CheckFlags,
    daemon::flags::{DaemonFlags, WEB_CONFIG_FILE},
    values::{ListenAddress, max_requests, telemetry_path},
    version,
};

/// Probes OCI registries (credentials, pull, push, referrers, capabilities) and
/// publishes what it finds for Prometheus
#[derive(Debug, Parser)]
#[command(
    name = "oci-registry-exporter",
    version = version::NUMBER,
    long_version = version::long(),
    disable_help_subcommand = true
)]
pub(super) struct CommandLine {
    #[command(subcommand)]
    pub(super) command: Option<Command>,
    #[command(flatten)]
    pub(super) flags: Flags,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Run as a daemon: probe on a schedule, serve the results (the default)
    Serve,
    /// Run the checks once and print a report
    ///
    /// Exit status: 0 nothing failed, 1 something failed or a required check did not
    /// pass, 2 usage or configuration, 3 nothing failed but something is unknown, 4
    /// the deadline is over.
    Check {
        /// Configured names, images (`ghcr.io/acme/app:1.2`, `alpine`) or URLs; a
        /// configured name wins over an image; none: every configured registry
        #[arg(value_name = "TARGET")]
        targets: Vec<String>,
    },
    /// List the checks
    Checks,
    /// Print the completions of a shell
    ///
    /// Such as `oci-registry-exporter completions bash`, into
    /// `/usr/share/bash-completion/completions/oci-registry-exporter`.
    Completions {
        /// bash, elvish, fish, powershell or zsh
        #[arg(value_name = "SHELL")]
        shell: clap_complete::Shell,
    },
    /// Print the manual page
    Man,
    /// Look at the configuration
    Config {
        #[command(subcommand)]
        command: ConfigCommand,
    },
}

#[derive(Debug, Clone, Copy, Subcommand)]
pub(super) enum ConfigCommand {
    /// Say whether the configuration can be used, and if not, why
    Check,
    /// Print the effective configuration, without secrets
    Show {
        /// Say of every value where it came from
        #[arg(long)]
        origin: bool,
    },
    /// Print the JSON Schema of the configuration, for editors
    Schema {
        /// That of a document that `registry_files:` names
        #[arg(long)]
        document: bool,
    },
}

#[derive(Debug, Args)]
pub(super) struct Flags {
    /// Configuration file [default: ./oci-registry-exporter.yml, else
    /// /etc/oci-registry-exporter/config.yml]
    #[arg(long = "config.file", value_name = "FILE", global = true)]
    #[arg(env = "OCI_REGISTRY_EXPORTER_CONFIG_FILE", hide_env_values = true)]
    pub(super) config_file: Option<PathBuf>,
    /// Least level that is logged, on stderr [default: info; of `check`: warn]
    #[arg(long = "log.level", value_name = "LEVEL", global = true)]
    #[arg(env = "OCI_REGISTRY_EXPORTER_LOG_LEVEL", hide_env_values = true)]
    pub(super) log_level: Option<LogLevel>,
    /// Least level that probes log, such as their requests [default: that of --log.level]
    #[arg(long = "log.prober", value_name = "LEVEL", global = true)]
    #[arg(env = "OCI_REGISTRY_EXPORTER_LOG_PROBER", hide_env_values = true)]
    pub(super) log_prober: Option<LogLevel>,
    /// Form of the log
    #[arg(
        long = "log.format",
        value_name = "FORMAT",
        global = true,
        default_value = "logfmt"
    )]
    #[arg(env = "OCI_REGISTRY_EXPORTER_LOG_FORMAT", hide_env_values = true)]
    pub(super) log_format: LogFormat,
    #[command(flatten)]
    pub(super) check: CheckFlags,
    #[command(flatten)]
    pub(super) serve: ServeFlags,
}

#[derive(Debug, Args)]
#[command(next_help_heading = OF_SERVE)]
pub(super) struct ServeFlags {
    /// Only say whether the configuration can be used
    #[arg(long = "config.check", global = true)]
    #[arg(env = "OCI_REGISTRY_EXPORTER_CONFIG_CHECK", hide_env_values = true)]
    pub(super) config_check: bool,
    /// Address to serve on (repeatable)
    #[arg(long = "web.listen-address", value_name = "ADDRESS", global = true)]
    #[arg(default_value = ":9968", value_delimiter = ',')]
    #[arg(
        env = "OCI_REGISTRY_EXPORTER_WEB_LISTEN_ADDRESS",
        hide_env_values = true
    )]
    pub(super) listen_addresses: Vec<ListenAddress>,
    /// Path of the metrics
    #[arg(long = "web.telemetry-path", value_name = "PATH", global = true)]
    #[arg(default_value = "/metrics", value_parser = telemetry_path)]
    #[arg(
        env = "OCI_REGISTRY_EXPORTER_WEB_TELEMETRY_PATH",
        hide_env_values = true
    )]
    pub(super) telemetry_path: String,
    /// Pages made and sent at once; 0: no bound
    #[arg(
        long = "web.max-requests",
        value_name = "COUNT",
        global = true,
        default_value_t = 40
    )]
    #[arg(env = "OCI_REGISTRY_EXPORTER_WEB_MAX_REQUESTS", hide_env_values = true)]
    #[arg(value_parser = max_requests)]
    pub(super) max_requests: usize,
    #[command(flatten)]
    pub(super) daemon: DaemonFlags,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum LogLevel {
    Debug,
    Info,
    Warn,
    Error,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum LogFormat {
    Logfmt,
    Json,
}

/// Reads a command line.
///
/// # Errors
/// What is wrong with it; also help and version, which are no errors to the user.
pub(super) fn parse(
    arguments: impl IntoIterator<Item = std::ffi::OsString>,
) -> Result<CommandLine, clap::Error> {
    let matches = CommandLine::command()
        .mut_args(without_empty_variable)
        .try_get_matches_from(arguments)
        .map_err(without_login)?;
    let line = CommandLine::from_arg_matches(&matches)?;
    refuse_misplaced(&matches, line.command.as_ref())?;
    Ok(line)
}

/// A variable that is set to nothing is none: compose files and charts hand them on so.
fn without_empty_variable(argument: Arg) -> Arg {
    #[expect(
        clippy::disallowed_methods,
        reason = "clap reads the variables of flags itself, and takes an empty one for a value"
    )]
    let empty = |name| std::env::var_os(name).is_some_and(|value| value.is_empty());
    if argument.get_env().is_some_and(empty) {
        return argument.env(None::<&str>);
    }
    argument
}

/// An error quotes the value that it refuses, and that of a URL may hold a password.
fn without_login(mut error: clap::Error) -> clap::Error {
    let value = error.get(ContextKind::InvalidValue);
    if matches!(value, Some(ContextValue::String(value)) if value.contains('@')) {
        let withheld = ContextValue::String("<withheld>".to_owned());
        error.insert(ContextKind::InvalidValue, withheld);
    }
    error
}

/// A flag of one command typed at another would silently do nothing.
fn refuse_misplaced(matches: &ArgMatches, command: Option<&Command>) -> Result<(), clap::Error> {
    let own = match command {
        None | Some(Command::Serve) => Some(OF_SERVE),
        Some(Command::Check { .. }) => Some(OF_CHECK),
        Some(
            Command::Checks | Command::Config { .. } | Command::Completions { .. } | Command::Man,
        ) => None,
    };
    let mut cli = CommandLine::command();
    let misplaced = cli.get_arguments().find_map(|argument| {
        let heading = argument.get_help_heading()?;
        let id = argument.get_id().as_str();
        let typed = matches.value_source(id) == Some(ValueSource::CommandLine);
        // `config check` looks at that file too.
        if id == WEB_CONFIG_FILE && matches!(command, Some(Command::Config { .. })) {
            return None;
        }
        (typed && own != Some(heading)).then(|| (argument.get_long().unwrap_or_default(), heading))
    });
    let Some((flag, heading)) = misplaced else {
        return Ok(());
    };
    let command = if heading == OF_CHECK {
        "check"
    } else {
        "serve"
    };
    let (flag, name) = (flag.to_owned(), cli.get_name().to_owned());
    let message = format!("`--{flag}` is a flag of `{name} {command}`");
    Err(cli.error(ErrorKind::ArgumentConflict, message))
}

pub(super) const OF_CHECK: &str = "Options of `check`";
pub(super) const OF_SERVE: &str = "Options of `serve`";
#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::outcome::CheckName;

    fn parsed(line: &str) -> Result<CommandLine, clap::Error> {
        let words = ["oci-registry-exporter"]
            .into_iter()
            .chain(line.split_whitespace());
        parse(words.map(std::ffi::OsString::from))
    }

    #[test]
    fn flags_stand_before_or_after_the_command() {
        for line in [
            "--config.file a.yml check --tag oci --check pull one two",
            "check one two --config.file a.yml --check pull --tag oci",
            "--tag oci check --config.file a.yml one --check check.integration.oci.pull two",
        ] {
            let line = parsed(line).unwrap();
            assert!(
                matches!(&line.command, Some(Command::Check { targets }) if targets == &["one", "two"])
            );
            let flags = line.flags;
            assert_eq!(flags.config_file, Some(PathBuf::from("a.yml")));
            assert_eq!(flags.check.tags, ["oci"]);
            assert_eq!(flags.check.checks, [CheckName::Pull]);
        }
    }

    #[test]
    fn a_flag_of_another_command_is_refused() {
        for (line, said) in [
            (
                "serve --format json",
                "`--format` is a flag of `oci-registry-exporter check`",
            ),
            ("--verbose", "`--verbose` is a flag"),
            (
                "check --web.max-requests 1",
                "flag of `oci-registry-exporter serve`",
            ),
            ("checks --tag registry", "`--tag` is a flag"),
            ("config check --insecure", "`--insecure` is a flag"),
        ] {
            let error = parsed(line).unwrap_err();
            assert_eq!(error.exit_code(), 2, "{line}");
            assert!(error.to_string().contains(said), "{error}");
        }
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        for line in [
            "--no-such-flag",
            "nonsense",
            "config",
            "config nonsense",
            "check --tag regsitry",
            "check --check pul",
            "check --format xml",
            "check --report json",
            "check --report xml=a",
            "check --report json=",
            "check --report json=-",
            "check --require pul",
            "check --fail-on info",
            "check --until fail",
            "check --deadline 25h",
            "check --from ghcr.io",
            "check --from ftp://x",
            "check --from http://bob:x@y",
            "check --timeout 5",
            "check --timeout -5s",
            "check --timeout 100ms",
            "check --timeout 2d",
            "--web.listen-address 9968",
            "--web.listen-address localhost",
            "--web.listen-address ::1:80",
            "--web.listen-address http://localhost:80",
            "--web.listen-address :65536",
            "--web.telemetry-path metrics",
            "--web.telemetry-path /-/healthy",
            "--web.telemetry-path /api/v1/reports",
            "--web.telemetry-path /a?b",
            "--web.telemetry-path /probe",
            "--web.route-prefix oci",
            "--web.route-prefix /a//b",
            "--web.external-url example.com",
            "--web.external-url ftp://example.com",
            "--web.external-url https://user:pass@example.com",
            "--web.external-url https://example.com/?a",
            "--config.auto-reload-interval 500ms",
            "--config.auto-reload-interval 2d",
            "--shard 3/3",
            "--shard 1",
            "--shard 0/0",
            "--shard -1/3",
            "--web.max-requests -1",
            "--web.max-requests 1000000",
            "--log.level trace",
            "--log.format text",
        ] {
            assert_eq!(parsed(line).unwrap_err().exit_code(), 2, "{line}");
        }
    }

    #[test]
    fn a_slip_is_told_what_it_may_have_meant() {
        let error = parsed("check --check pul").unwrap_err().to_string();
        assert!(error.contains("'pull'"), "{error}");
        let error = parsed("check --tag regsitry").unwrap_err().to_string();
        assert!(error.contains("'registry'"), "{error}");
    }

    #[test]
    fn addresses_and_durations_are_read() {
        let line =
            parsed("--web.listen-address :0 --web.listen-address [::1]:80,localhost:9").unwrap();
        let shown: Vec<_> = line
            .flags
            .serve
            .listen_addresses
            .into_iter()
            .map(|address| (address.host, address.port))
            .collect();
        let host = |host: &str, port| (host.to_owned(), port);
        assert_eq!(shown, [host("", 0), host("::1", 80), host("localhost", 9)]);
        let line = parsed("check --timeout 1m30s").unwrap();
        assert_eq!(line.flags.check.timeout, Some(Duration::from_secs(90)));
    }

    #[test]
    fn clap_finds_no_fault_in_the_definition() {
        CommandLine::command().debug_assert();
    }
}
