//! The flags as a table, for documents that must not drift from them.

use std::fmt::Write as _;

use clap::{Arg, CommandFactory};

use super::flags::CommandLine;

/// Every flag with its environment variable, its default and its meaning, as
/// Markdown: a table for each heading of the help.
pub fn flags() -> String {
    let mut command = CommandLine::command();
    // Adds what clap brings itself.
    command.build();
    let mut text = String::new();
    let mut last = None;
    for argument in command.get_arguments().filter(|it| it.get_long().is_some()) {
        let heading = argument.get_help_heading().unwrap_or("Options");
        if last != Some(heading) {
            // Writing to a string does not fail.
            let _ = write!(
                text,
                "\n**{heading}**\n\n| flag | environment | default | meaning |\n|---|---|---|---|\n"
            );
            last = Some(heading);
        }
        text.push_str(&row(argument));
    }
    text.push('\n');
    text
}

fn row(argument: &Arg) -> String {
    let value = if argument.get_action().takes_values() {
        let names = argument.get_value_names().unwrap_or_default();
        format!(" {}", names.join(" "))
    } else {
        String::new()
    };
    let environment = argument
        .get_env()
        .map(|name| format!("`{}`", name.display()));
    let defaults: Vec<_> = argument
        .get_default_values()
        .iter()
        .map(|value| value.display().to_string())
        .filter(|_| argument.get_action().takes_values())
        .collect();
    let default = match defaults.join(",") {
        none if none.is_empty() => none,
        some => format!("`{some}`"),
    };
    let help = argument.get_help().map(ToString::to_string);
    let help = help
        .unwrap_or_default()
        .replace('\n', " ")
        .replace('|', "\\|");
    format!(
        "| `--{}{value}` | {} | {default} | {help} |\n",
        argument.get_long().unwrap_or_default(),
        environment.unwrap_or_default(),
    )
}
