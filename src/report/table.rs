//! One row a check over all registries, for an eye that looks for the odd one.

use std::fmt::Write as _;

use super::{
    Options, RegistryReports, Summary,
    line::{one_line, overall},
    text::{colour, compared},
};
use crate::outcome::{Reason, Report};

/// The reports as an aligned table; ends with a newline. A column that no row
/// fills is left out; where the terminal is narrower the messages are cut.
pub fn table(registries: &[RegistryReports], options: Options<'_>) -> String {
    let entries = || registries.iter().flat_map(|registry| &registry.entries);
    let reports: Vec<&Report> = entries().map(|entry| &*entry.report).collect();
    let mut rows = vec![HEAD.map(str::to_owned)];
    rows.extend(reports.iter().map(|report| cells(report)));
    let widths = widths(&rows);
    let mut text = String::new();
    for (at, row) in rows.iter().enumerate() {
        let report = at.checked_sub(1).map(|at| reports[at]);
        text.push_str(&line(row, &widths, report, options));
        text.push('\n');
    }
    text.push('\n');
    text.push_str(&overall(&Summary::of(entries())));
    text.push('\n');
    if let Some(comparison) = options.compared {
        text.push('\n');
        text.push_str(&compared(comparison));
    }
    text
}

fn cells(report: &Report) -> [String; COLUMNS] {
    let (subject, outcome) = (&report.subject, &report.outcome);
    let latency = outcome.latency.map_or_else(String::new, |it| {
        format!("{:.0} ms", it.as_secs_f64() * 1000.0)
    });
    [
        one_line(&subject.registry),
        subject.check.as_str().to_owned(),
        one_line(subject.repository.as_deref().unwrap_or_default()),
        one_line(subject.credential.as_deref().unwrap_or_default()),
        outcome.status.as_str().to_uppercase(),
        outcome.reason.map_or("", Reason::as_str).to_owned(),
        latency,
        one_line(&outcome.message),
    ]
}

/// Of every column the widest cell; 0 where only the head has one.
fn widths(rows: &[[String; COLUMNS]]) -> [usize; COLUMNS] {
    std::array::from_fn(|column| {
        let cells = || rows.iter().skip(1).map(|row| width(&row[column]));
        match cells().max() {
            None | Some(0) => 0,
            Some(widest) => widest.max(width(HEAD[column])),
        }
    })
}

fn line(
    row: &[String; COLUMNS],
    widths: &[usize; COLUMNS],
    report: Option<&Report>,
    options: Options<'_>,
) -> String {
    let mut line = String::new();
    let mut used = 0;
    for (column, (cell, &wide)) in row.iter().zip(widths).enumerate() {
        if wide == 0 {
            continue;
        }
        if used > 0 {
            line.push_str(GAP);
            used += GAP.len();
        }
        let cell = match options.width {
            Some(columns) if column == MESSAGE => cut(cell, columns.saturating_sub(used)),
            _ => cell.clone(),
        };
        let blanks = " ".repeat(wide.saturating_sub(width(&cell)));
        match report {
            Some(report) if options.colour && column == STATUS => {
                let colour = colour(report.outcome.status);
                // Writing to a string does not fail.
                let _ = write!(line, "\x1b[{colour}m{cell}\x1b[0m{blanks}");
            }
            _ => {
                line.push_str(&cell);
                line.push_str(&blanks);
            }
        }
        used += wide;
    }
    line.trim_end().to_owned()
}

fn cut(cell: &str, columns: usize) -> String {
    let columns = columns.max(SHORTEST);
    if width(cell) <= columns {
        return cell.to_owned();
    }
    let mut cut: String = cell.chars().take(columns - 1).collect();
    cut.push('…');
    cut
}

fn width(cell: &str) -> usize {
    cell.chars().count()
}

const COLUMNS: usize = 8;
const HEAD: [&str; COLUMNS] = [
    "REGISTRY",
    "CHECK",
    "REPOSITORY",
    "CREDENTIAL",
    "STATUS",
    "REASON",
    "LATENCY",
    "MESSAGE",
];
const STATUS: usize = 4;
const MESSAGE: usize = 7;
const GAP: &str = "  ";
/// Of a message; a terminal that is narrower wraps.
const SHORTEST: usize = 20;

#[cfg(test)]
mod tests {
    use super::super::samples::{compared, healthy, hostile, unreachable};
    use super::*;

    #[test]
    fn all_registries_stand_in_one_table() {
        let golden = include_str!("../../tests/golden/report/all.table.txt");
        let compared = compared();
        let options = Options {
            compared: Some(&compared),
            ..Options::default()
        };
        assert_eq!(table(&[healthy(), hostile()], options), golden);
    }

    #[test]
    fn a_terminal_cuts_messages_and_nothing_else() {
        let wide = table(&[unreachable()], Options::default());
        for (width, longest) in [(200, None), (70, Some(70)), (10, None)] {
            let options = Options {
                width: Some(width),
                ..Options::default()
            };
            let shown = table(&[unreachable()], options);
            if let Some(longest) = longest {
                let rows = shown.lines().take_while(|line| !line.is_empty());
                assert!(
                    rows.map(|row| row.chars().count()).all(|it| it <= longest),
                    "{shown}"
                );
                assert!(shown.contains('…'), "{shown}");
            }
            assert_eq!(shown.lines().count(), wide.lines().count());
        }
        let same = Options {
            width: Some(200),
            ..Options::default()
        };
        assert_eq!(table(&[unreachable()], same), wide);
    }

    #[test]
    fn colour_changes_no_column() {
        let options = Options {
            colour: true,
            ..Options::default()
        };
        let shown = table(&[hostile()], options);
        assert!(shown.contains("\x1b[1;31mFAIL\x1b[0m"), "{shown}");
        let mut plain = shown;
        for (status, _) in crate::outcome::Status::ALL {
            plain = plain.replace(&format!("\x1b[{}m", colour(status)), "");
        }
        let plain = plain.replace("\x1b[0m", "");
        assert_eq!(plain, table(&[hostile()], Options::default()));
    }

    #[test]
    fn without_reports_there_is_only_the_count() {
        let shown = table(&[], Options::default());
        assert_eq!(shown, "\n\nOverall: 0 passed, 0 warnings, 0 failures\n");
    }
}
