//! What was measured, as a table and as data.

use std::{fmt::Write as _, fs, path::Path};

use serde_json::{Value, json};

/// Everything of one run.
#[derive(Debug, Default)]
pub(crate) struct Table {
    rows: Vec<Row>,
    growth: Vec<Vec<String>>,
    notes: Vec<String>,
}

/// A bar, and what was measured for it.
#[derive(Debug)]
struct Row {
    what: String,
    ours: String,
    other: String,
    figure: f64,
    bar: Bar,
}

/// On which side of a number the figure shall be.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Bar {
    AtLeast(f64),
    AtMost(f64),
}

impl Table {
    pub(crate) fn note(&mut self, note: impl Into<String>) {
        let note = note.into();
        println!("# {note}");
        self.notes.push(note);
    }

    /// `figure` is compared with the bar; what it was made of is for people.
    pub(crate) fn row(&mut self, what: &str, ours: String, other: String, figure: f64, bar: Bar) {
        let row = Row {
            what: what.to_owned(),
            ours,
            other,
            figure,
            bar,
        };
        println!("{}", row.line());
        self.rows.push(row);
    }

    pub(crate) fn growth(&mut self, row: Vec<String>) {
        println!("| {} |", row.join(" | "));
        self.growth.push(row);
    }

    pub(crate) fn markdown(&self) -> String {
        let mut text = String::new();
        for note in &self.notes {
            let _ = writeln!(text, "- {note}");
        }
        text +=
            "\n| what | this exporter | beside it | figure | bar | |\n|---|---|---|---|---|---|\n";
        for row in &self.rows {
            let _ = writeln!(text, "{}", row.line());
        }
        if let [head, rows @ ..] = &self.growth[..] {
            let _ = writeln!(text, "\n| {} |", head.join(" | "));
            let _ = writeln!(text, "|{}", "---|".repeat(head.len()));
            for row in rows {
                let _ = writeln!(text, "| {} |", row.join(" | "));
            }
        }
        text
    }

    /// Writes `cost.md` and `cost.json`.
    pub(crate) fn write(&self, place: &Path) {
        let rows: Vec<Value> = self.rows.iter().map(Row::json).collect();
        let all = json!({"notes": self.notes, "rows": rows, "growth": self.growth});
        let text = serde_json::to_string_pretty(&all).unwrap();
        fs::write(place.join("cost.json"), text + "\n").unwrap();
        fs::write(place.join("cost.md"), self.markdown()).unwrap();
    }
}

impl Row {
    fn held(&self) -> bool {
        match self.bar {
            Bar::AtLeast(bar) => self.figure >= bar,
            Bar::AtMost(bar) => self.figure <= bar,
        }
    }

    fn line(&self) -> String {
        let bar = match self.bar {
            Bar::AtLeast(bar) => format!("≥ {}", number(bar)),
            Bar::AtMost(bar) => format!("≤ {}", number(bar)),
        };
        format!(
            "| {} | {} | {} | {} | {bar} | {} |",
            self.what,
            self.ours,
            self.other,
            number(self.figure),
            if self.held() { "held" } else { "**missed**" }
        )
    }

    fn json(&self) -> Value {
        let (side, bar) = match self.bar {
            Bar::AtLeast(bar) => ("at least", bar),
            Bar::AtMost(bar) => ("at most", bar),
        };
        json!({
            "what": self.what, "ours": self.ours, "other": self.other,
            "figure": self.figure, "side": side, "bar": bar, "held": self.held(),
        })
    }
}

/// With as many places as say something.
pub(crate) fn number(value: f64) -> String {
    if value.fract().abs() < f64::EPSILON || value.abs() >= 100.0 {
        format!("{value:.0}")
    } else if value.abs() >= 10.0 {
        format!("{value:.1}")
    } else {
        format!("{value:.2}")
    }
}

/// The one in the middle.
pub(crate) fn median(values: &[f64]) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
