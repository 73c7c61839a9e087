//! `http_server_config`: HTTP/2, and the headers of every answer.

use crate::config::{quote::shown, section::Section};

use super::only;

/// Whether HTTP/2 is offered, and the headers.
pub(super) fn read(section: &Section<'_>) -> (bool, Vec<(&'static str, String)>) {
    only(section, &["http2", "headers"]);
    let http2 = section.flag("http2", true);
    let Some(headers) = super::part(section, "headers") else {
        return (http2, Vec::new());
    };
    only(&headers, &HEADERS.map(|(name, _)| name));
    let values = HEADERS.iter().filter_map(|&(name, known)| {
        let (text, item) = headers.text(name)?;
        if !known.is_empty() && !known.contains(&text) {
            let known: Vec<_> = known.iter().map(|value| format!("`{value}`")).collect();
            item.refuse(
                format!("{} is no value of this header", shown(text)),
                format!("write {}, or remove the key", known.join(" or ")),
            );
        } else if !text.chars().all(|c| matches!(c, ' '..='~')) {
            item.refuse(
                "a header holds printable ASCII on one line",
                "write the value on one line, without other characters",
            );
        }
        // Blank: as if it were not there.
        (!text.trim().is_empty()).then(|| (name, text.to_owned()))
    });
    (http2, values.collect())
}

/// The headers that may be set, in the toolkit's spelling, and their values where
/// they are few.
const HEADERS: [(&str, &[&str]); 5] = [
    ("Content-Security-Policy", &[]),
    ("Strict-Transport-Security", &[]),
    ("X-Content-Type-Options", &["nosniff"]),
    ("X-Frame-Options", &["deny", "sameorigin"]),
    ("X-XSS-Protection", &[]),
];
