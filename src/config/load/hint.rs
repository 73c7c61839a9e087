//! What to do about a file that is no YAML.

/// The usual slips behind the parser's words.
pub(super) fn of_syntax(
    text: &str,
    position: Option<(usize, usize)>,
    message: &str,
) -> &'static str {
    let line = position
        .and_then(|(line, _)| text.lines().nth(line.saturating_sub(1)))
        .unwrap_or_default();
    if message.contains("more than one YAML document") {
        "remove the lines `---` between them, or use one file for each"
    } else if message.contains("YAML tag") {
        "write the value plainly, or in quotes if it begins with `!`"
    } else if message.contains("aliases") || message.contains("repetition limit") {
        "write the parts out, or repeat fewer of them"
    } else if line.trim_start_matches(' ').starts_with('\t') {
        "indent with spaces: YAML takes no tabs there"
    } else if message.contains("alias")
        || message.contains("anchor")
        || message.contains("any token")
    {
        "put a value that begins with `*`, `&`, `@`, `%` or a backtick into quotes"
    } else if message.contains("a key is") {
        "put a value that begins with `{` or `[` into quotes"
    } else {
        "check the indentation, the colons and the quotes here and in the lines above"
    }
}
