//! What a shell and `man` know of this program, made of the flags themselves.

use std::{io, process::ExitCode};

use clap::CommandFactory;
use clap_complete::Shell;

use super::{Failure, flags::CommandLine, output, version};

/// Prints the completions of a shell.
///
/// # Errors
/// stdout cannot be written to.
pub(super) fn completions(shell: Shell) -> Result<ExitCode, Failure> {
    let mut script = Vec::new();
    let mut command = CommandLine::command();
    let name = command.get_name().to_owned();
    clap_complete::generate(shell, &mut command, name, &mut script);
    print(script)
}

/// Prints the manual page, section 1, with every command in it.
///
/// # Errors
/// stdout cannot be written to.
pub(super) fn manual() -> Result<ExitCode, Failure> {
    let mut page = Vec::new();
    let command = CommandLine::command()
        .version(version::NUMBER)
        .long_version(version::long());
    render(command, &mut page).map_err(|error| Failure::other(error.to_string()))?;
    print(page)
}

fn render(command: clap::Command, page: &mut Vec<u8>) -> io::Result<()> {
    // Builds what the commands inherit: all flags are global.
    let mut command = command;
    command.build();
    clap_mangen::Man::new(command.clone())
        .section("1")
        .render(page)?;
    for sub in command.get_subcommands().filter(|sub| !sub.is_hide_set()) {
        heading(page, sub)?;
        let man = clap_mangen::Man::new(sub.clone());
        man.render_synopsis_section(page)?;
        man.render_description_section(page)?;
    }
    Ok(())
}

/// A section of its own for each command.
fn heading(page: &mut Vec<u8>, command: &clap::Command) -> io::Result<()> {
    use io::Write as _;
    writeln!(
        page,
        ".SH \"COMMAND {}\"",
        command.get_name().to_uppercase()
    )
}

fn print(bytes: Vec<u8>) -> Result<ExitCode, Failure> {
    let text = String::from_utf8(bytes).map_err(|error| Failure::other(error.to_string()))?;
    output::to_stdout(&text).map_err(|error| Failure::other(error.to_string()))?;
    Ok(ExitCode::SUCCESS)
}
