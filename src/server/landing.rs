//! The page at `/`: what this is, and where to go on.

/// The page; every path in it is escaped.
pub(super) fn page(telemetry_path: &str) -> String {
    PAGE.replace("{version}", env!("CARGO_PKG_VERSION"))
        .replace("{telemetry_path}", &escaped(telemetry_path))
}

fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            char => safe.push(char),
        }
    }
    safe
}

const PAGE: &str = include_str!("landing.html");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_left_to_fill_in() {
        let page = page("/metrics");
        assert!(page.contains(env!("CARGO_PKG_VERSION")), "{page}");
        assert!(page.contains(r#"href="/metrics""#), "{page}");
        assert!(!page.contains("{version}") && !page.contains("{telemetry_path}"));
    }

    #[test]
    fn a_path_cannot_leave_its_attribute() {
        let page = page("/\"><script>'&");
        assert!(
            page.contains(r#"href="/&quot;&gt;&lt;script&gt;&#39;&amp;""#),
            "{page}"
        );
        assert!(!page.contains("<script"), "{page}");
    }
}
