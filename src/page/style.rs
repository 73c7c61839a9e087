//! The colours, the style sheet and the policy that lets a browser use nothing else.

use std::{fmt::Write as _, sync::LazyLock};

use base64::{Engine, prelude::BASE64_STANDARD};
use sha2::{Digest, Sha256};

/// Every colour: its name in the sheet, its value on a light and on a dark ground.
pub const COLOURS: [(&str, &str, &str); 19] = [
    ("ground", "#f5f6f8", "#0f1319"),
    ("card", "#ffffff", "#171c25"),
    ("ink", "#1a222e", "#e6eaf1"),
    ("soft", "#566072", "#9aa6b8"),
    ("line", "#dde1e8", "#2a3240"),
    ("edge", "#7d8798", "#7f8a9c"),
    ("accent", "#0b5bc7", "#82b6ff"),
    ("pass", "#11602f", "#83d9a6"),
    ("pass-ground", "#e1f4e7", "#14301f"),
    ("info", "#0c4f8c", "#93c7ff"),
    ("info-ground", "#e1effb", "#14293f"),
    ("warn", "#764800", "#f3c76f"),
    ("warn-ground", "#fdf0d2", "#36290f"),
    ("fail", "#a01320", "#ffa9a6"),
    ("fail-ground", "#fde5e4", "#451b1d"),
    ("skip", "#535d6c", "#a6b0bf"),
    ("skip-ground", "#eceff3", "#242b36"),
    ("unknown", "#5a3799", "#cbb2ff"),
    ("unknown-ground", "#efe9fb", "#2c2242"),
];

/// Which colour is read on which, and the least contrast of the two (WCAG 2.2, AA: 1.4.3
/// for text, 1.4.11 for the frames of fields and the mark of the focus).
pub const CONTRASTS: [(&str, &str, f64); 18] = [
    ("ink", "ground", 4.5),
    ("ink", "card", 4.5),
    ("soft", "ground", 4.5),
    ("soft", "card", 4.5),
    ("accent", "ground", 4.5),
    ("accent", "card", 4.5),
    ("edge", "ground", 3.0),
    ("edge", "card", 3.0),
    ("card", "accent", 4.5),
    ("pass", "pass-ground", 4.5),
    ("info", "info-ground", 4.5),
    ("warn", "warn-ground", 4.5),
    ("fail", "fail-ground", 4.5),
    ("skip", "skip-ground", 4.5),
    ("unknown", "unknown-ground", 4.5),
    ("fail", "card", 4.5),
    ("fail", "ground", 4.5),
    ("warn", "card", 4.5),
];

/// The value of `Content-Security-Policy` that the page is to be sent with: this one
/// style sheet, forms to itself, and nothing else from anywhere.
pub static POLICY: LazyLock<String> = LazyLock::new(|| {
    let hash = BASE64_STANDARD.encode(Sha256::digest(sheet()));
    format!(
        "default-src 'none'; style-src 'sha256-{hash}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
});

/// The whole style sheet.
pub(super) fn sheet() -> &'static str {
    static SHEET: LazyLock<String> = LazyLock::new(|| {
        let light = variables(|(_, light, _)| light);
        let dark = variables(|(_, _, dark)| dark);
        let rules: Vec<&str> = include_str!("style.css").lines().map(str::trim).collect();
        format!(
            "\n:root{{color-scheme:light dark;{light}}}\n@media (prefers-color-scheme:dark){{:root{{{dark}}}}}\n{}\n",
            rules.join("\n")
        )
    });
    &SHEET
}

fn variables(value: fn((&'static str, &'static str, &'static str)) -> &'static str) -> String {
    COLOURS.into_iter().fold(String::new(), |mut css, colour| {
        let _ = write!(css, "--{}:{};", colour.0, value(colour));
        css
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pair_that_is_read_has_contrast_in_both_lights() {
        for (text, ground, least) in CONTRASTS {
            for (light, value) in [
                (
                    "light",
                    (|it| it.1) as fn((&str, &'static str, &'static str)) -> &'static str,
                ),
                ("dark", |it| it.2),
            ] {
                let contrast = contrast(colour(text, value), colour(ground, value));
                assert!(
                    contrast >= least,
                    "{text} on {ground}, {light}: {contrast:.2}"
                );
            }
        }
    }

    #[test]
    fn the_measure_is_that_of_wcag() {
        assert!((contrast("#ffffff", "#000000") - 21.0).abs() < 0.001);
        assert!((contrast("#777777", "#ffffff") - 4.478).abs() < 0.001);
    }

    #[test]
    fn every_colour_that_is_named_has_a_value_and_is_used() {
        let sheet = include_str!("style.css");
        for part in sheet.split("var(--").skip(1) {
            let name = part.split(')').next().unwrap();
            assert!(COLOURS.iter().any(|it| it.0 == name), "{name}");
        }
        for (name, _, _) in COLOURS {
            assert!(sheet.contains(&format!("var(--{name})")), "{name}");
        }
    }

    #[test]
    fn the_sheet_loads_nothing_and_cannot_end_itself() {
        for part in ["url(", "@import", "</", "http:", "https:"] {
            assert!(!sheet().contains(part), "{part}");
        }
    }

    fn colour(
        name: &str,
        value: fn((&str, &'static str, &'static str)) -> &'static str,
    ) -> &'static str {
        value(COLOURS.into_iter().find(|it| it.0 == name).unwrap())
    }

    /// WCAG 2.2, "contrast ratio".
    fn contrast(one: &str, other: &str) -> f64 {
        let (one, other) = (luminance(one), luminance(other));
        (one.max(other) + 0.05) / (one.min(other) + 0.05)
    }

    /// WCAG 2.2, "relative luminance".
    fn luminance(colour: &str) -> f64 {
        let part = |at: usize| {
            let part = u8::from_str_radix(&colour[at..at + 2], 16).unwrap();
            let part = f64::from(part) / 255.0;
            if part <= 0.04045 {
                part / 12.92
            } else {
                ((part + 0.055) / 1.055).powf(2.4)
            }
        };
        0.2126 * part(1) + 0.7152 * part(3) + 0.0722 * part(5)
    }
}
