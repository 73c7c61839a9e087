//! Commands, wiring and exit codes; the one room that speaks to a terminal.

mod catalogue;
mod check;
mod daemon;
mod flags;
mod log_queue;
mod logs;
mod output;
pub mod reference;
mod select;
mod shell;
mod signals;
mod values;
mod version;

use std::{
    ffi::OsString,
    fmt::{self, Display},
    io::{self, Write},
    process::ExitCode,
};

use tokio::runtime::{Builder, Runtime};

use crate::{
    config::{self, Config, ConfigErrors, Load},
    discovery, exposition,
    server::Web,
};
use flags::{Command, ConfigCommand, Flags, LogLevel};

/// Does what a command line says (the program's name is its first word), and
/// tells by the exit status how it went.
///
/// It starts a runtime of its own, so it must not be called from inside one; the
/// first call in a process starts the log.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let line = match flags::parse(arguments) {
        Ok(line) => line,
        Err(error) => {
            // Help and version go to stdout, errors to stderr; a closed pipe is neither's fault.
            let _ = error.print();
            return code(error.exit_code());
        }
    };
    let flags = line.flags;
    let command = line.command.unwrap_or(Command::Serve);
    let quiet = matches!(command, Command::Check { .. });
    let level = if quiet {
        LogLevel::Warn
    } else {
        LogLevel::Info
    };
    let level = flags.log_level.unwrap_or(level);
    // A daemon's stderr may be a pipe that nobody reads for a while.
    let serves = matches!(command, Command::Serve) && !flags.serve.config_check;
    let queue = if serves {
        log_queue::Queue::start(io::stderr()).ok()
    } else {
        None
    };
    let (queue, flush) = queue.unzip();
    let prober = flags.log_prober.unwrap_or(level);
    logs::start(level, prober, flags.log_format, queue);
    let ended = match command {
        Command::Serve if flags.serve.config_check => config_check(&flags),
        Command::Serve => daemon::serve(&flags),
        Command::Check { targets } => check::check(&flags, &targets),
        Command::Checks => print(&catalogue::table()),
        Command::Config { command } => match command {
            ConfigCommand::Check => config_check(&flags),
            ConfigCommand::Show { origin } => config_show(&flags, origin),
            ConfigCommand::Schema { document: true } => print(&config::document_schema()),
            ConfigCommand::Schema { document: false } => print(&config::schema()),
        },
        Command::Completions { shell } => shell::completions(shell),
        Command::Man => shell::manual(),
    };
    drop(flush);
    ended.unwrap_or_else(|failure| {
        say(&format_args!("error: {failure}"));
        failure.code.into()
    })
}

/// Why a command did not do its work.
#[derive(Debug)]
struct Failure {
    message: String,
    code: u8,
}

impl Failure {
    /// A mistake in the command line or the configuration.
    fn usage(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            code: 2,
        }
    }

    /// Anything else.
    fn other(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            code: 1,
        }
    }
}

impl Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl From<ConfigErrors> for Failure {
    fn from(errors: ConfigErrors) -> Self {
        Self::usage(format!("the configuration cannot be used\n{errors}"))
    }
}

fn config_check(flags: &Flags) -> Result<ExitCode, Failure> {
    let config = load(flags)?;
    warn_of(&config);
    if let Some(web) = web(flags)? {
        for warning in web.warnings() {
            say(&format_args!("warning: {warning}"));
        }
    }
    let registries = counted(config.registries.len(), "registry", "registries");
    let repositories = config.registries.iter().map(|it| it.repositories.len());
    let repositories = counted(repositories.sum(), "repository", "repositories");
    let series = exposition::estimate(&config);
    print(&format!(
        "configuration ok: {registries}, {repositories}, about {series} series\n"
    ))?;
    let faults = config.documents.iter().filter(|it| it.problems.is_some());
    match faults.count() {
        0 => Ok(ExitCode::SUCCESS),
        count => Err(Failure::usage(format!(
            "the main file is good, and {} not; a daemon starts without what is refused",
            counted(count, "document is", "documents are")
        ))),
    }
}

fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

fn config_show(flags: &Flags, origin: bool) -> Result<ExitCode, Failure> {
    let config = load(flags)?;
    warn_of(&config);
    print(&config::show(&config, origin))
}

fn load(flags: &Flags) -> Result<Config, Failure> {
    let load = Load::new(flags.config_file.clone());
    Ok(runtime()?.block_on(discovery::load(&load))?)
}

/// The web configuration file, if one is named.
fn web(flags: &Flags) -> Result<Option<Web>, Failure> {
    let file = flags.serve.daemon.web_config_file.as_deref();
    Ok(file.map(Web::load).transpose()?)
}

fn warn_of(config: &Config) {
    for warning in &config.warnings {
        say(&format_args!("warning: {warning}"));
    }
    for document in &config.documents {
        for warning in &document.warnings {
            say(&format_args!("warning: {}: {warning}", document.source));
        }
        if let Some(problems) = &document.problems {
            say(&format_args!("warning: {problems}"));
        }
    }
}

/// What every command runs on that asks registries.
fn runtime() -> Result<Runtime, Failure> {
    Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::other(format!("the runtime cannot start: {error}")))
}

fn print(text: &str) -> Result<ExitCode, Failure> {
    output::to_stdout(text).map_err(|error| Failure::other(error.to_string()))?;
    Ok(ExitCode::SUCCESS)
}

/// A line on stderr; nobody is left to be told when that cannot be written.
fn say(line: &dyn Display) {
    check::clear_progress();
    let _ = writeln!(io::stderr(), "{line}");
}

fn code(code: i32) -> ExitCode {
    u8::try_from(code).map_or(ExitCode::FAILURE, ExitCode::from)
}
