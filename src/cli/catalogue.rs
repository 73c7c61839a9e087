//! The catalogue of checks as a table.

use crate::checks::CATALOG;

/// One line a check: id, name, severity, estimated duration, tags.
pub(super) fn table() -> String {
    let head = ["ID", "NAME", "SEVERITY", "ESTIMATED", "TAGS"].map(str::to_owned);
    let rows = CATALOG.iter().map(|check| {
        [
            check.name.id().to_owned(),
            check.title.to_owned(),
            check.severity.as_str().to_owned(),
            format!("{}s", check.estimated.as_secs()),
            check.tags.join(","),
        ]
    });
    let lines: Vec<[String; 5]> = std::iter::once(head).chain(rows).collect();
    let width = |column: usize| {
        lines
            .iter()
            .map(|line| line[column].len())
            .max()
            .unwrap_or(0)
    };
    let widths = [0, 1, 2, 3, 4].map(width);
    let mut table = String::new();
    for line in &lines {
        let cells = line.iter().zip(widths);
        let padded: Vec<String> = cells
            .map(|(cell, width)| format!("{cell:<width$}"))
            .collect();
        table.push_str(padded.join("  ").trim_end());
        table.push('\n');
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_check_has_a_line_and_columns_are_straight() {
        let table = table();
        let lines: Vec<&str> = table.lines().collect();
        assert_eq!(lines.len(), 1 + CATALOG.len());
        let at = lines[0].find("SEVERITY").unwrap();
        for (line, check) in lines[1..].iter().zip(CATALOG) {
            assert!(line.starts_with(check.name.id()), "{line}");
            assert!(line[at..].starts_with(check.severity.as_str()), "{line}");
            assert!(line.ends_with(&check.tags.join(",")), "{line}");
        }
    }
}
