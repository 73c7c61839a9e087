//! Which of the two text formats a scraper gets.

/// A format of the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// OpenMetrics 1.0.0
    /// (<https://github.com/prometheus/OpenMetrics/blob/v1.0.0/specification/OpenMetrics.md>).
    OpenMetrics,
    /// Prometheus text 0.0.4
    /// (<https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format>).
    Text,
}

impl Format {
    /// The format that the `Accept` headers of a request ask for (RFC 9110 12.5.1).
    ///
    /// OpenMetrics for who prefers it, or names it and likes both alike; text 0.0.4
    /// for everybody else, also where nothing that can be served is accepted: the
    /// last resort of
    /// <https://prometheus.io/docs/instrumenting/content_negotiation/>, and better
    /// than a scrape that fails.
    pub fn negotiate<'a>(accept: impl IntoIterator<Item = &'a str>) -> Self {
        let mut open_metrics = Wish::default();
        let mut text = Wish::default();
        let ranges = accept.into_iter().flat_map(|value| value.split(','));
        for range in ranges.filter_map(Range::parse) {
            open_metrics.hear(&range, "application", "openmetrics-text", "1.0.0");
            text.hear(&range, "text", "plain", "0.0.4");
        }
        let preferred = open_metrics.quality > text.quality
            || open_metrics.quality == text.quality && open_metrics.specific >= NAMED;
        if preferred && open_metrics.quality > 0 {
            Self::OpenMetrics
        } else {
            Self::Text
        }
    }

    /// The value of `Content-Type`; Prometheus 3 refuses a page without one.
    pub fn content_type(self) -> &'static str {
        match self {
            // Every name on the page is a legacy one, so that any escaping that a
            // scraper may have asked for is the same; this one is the default.
            Self::OpenMetrics => {
                "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=underscores"
            }
            Self::Text => "text/plain; version=0.0.4; charset=utf-8",
        }
    }
}

/// What the most specific range that matches a format says of it.
#[derive(Debug, Default)]
struct Wish {
    specific: u8,
    /// Thousandths.
    quality: u16,
}

impl Wish {
    fn hear(&mut self, range: &Range<'_>, main: &str, sub: &str, version: &str) {
        let same = |one: &str, other: &str| one.eq_ignore_ascii_case(other);
        let specific = match range.version {
            _ if range.main == "*" && range.sub == "*" => 1,
            _ if same(range.main, main) && range.sub == "*" => 2,
            _ if !same(range.main, main) || !same(range.sub, sub) => return,
            None => NAMED,
            Some(asked) if asked == version => NAMED + 1,
            Some(_) => return,
        };
        if specific > self.specific || specific == self.specific && range.quality > self.quality {
            self.specific = specific;
            self.quality = range.quality;
        }
    }
}

/// One element of an `Accept` header.
#[derive(Debug)]
struct Range<'a> {
    main: &'a str,
    sub: &'a str,
    version: Option<&'a str>,
    /// Thousandths.
    quality: u16,
}

impl<'a> Range<'a> {
    /// `None` for what is not a media range: the others still count.
    fn parse(text: &'a str) -> Option<Self> {
        let mut parts = text.split(';').map(str::trim);
        let (main, sub) = parts.next()?.split_once('/')?;
        let mut range = Self {
            main,
            sub,
            version: None,
            quality: 1000,
        };
        for (name, value) in parts.filter_map(|part| part.split_once('=')) {
            let value = value.trim().trim_matches('"');
            match name.trim() {
                name if name.eq_ignore_ascii_case("q") => range.quality = thousandths(value)?,
                name if name.eq_ignore_ascii_case("version") => range.version = Some(value),
                _ => {}
            }
        }
        Some(range)
    }
}

/// A quality value: `0` to `1` with at most three decimals.
fn thousandths(text: &str) -> Option<u16> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    let digits = decimals.len() <= 3 && decimals.bytes().all(|byte| byte.is_ascii_digit());
    let whole = match whole {
        "0" if digits => 0,
        "1" if digits => 1000,
        _ => return None,
    };
    let part = format!("{decimals:0<3}").parse::<u16>().ok()?;
    (whole + part <= 1000).then_some(whole + part)
}

/// From here on a range names the media type itself.
const NAMED: u8 = 3;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_accept_header_decides() {
        for (accept, format) in [
            // Prometheus 3.14, 2.50, 2.42 and 2.20.
            (
                "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
                Format::OpenMetrics,
            ),
            (
                "application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
                Format::OpenMetrics,
            ),
            (
                "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
                Format::OpenMetrics,
            ),
            (
                "application/openmetrics-text; version=0.0.1,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
                Format::Text,
            ),
            // Native histograms on: protobuf first, which is not served.
            (
                "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.6,application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
                Format::OpenMetrics,
            ),
            // scrape_protocols: [PrometheusText0.0.4, OpenMetricsText1.0.0].
            (
                "text/plain;version=0.0.4;q=0.5,application/openmetrics-text;version=1.0.0;q=0.4,*/*;q=0.3",
                Format::Text,
            ),
            // A browser, curl, and nothing.
            (
                "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
                Format::Text,
            ),
            ("*/*", Format::Text),
            ("", Format::Text),
            // The name alone, in any case and spacing, with a quoted version.
            ("application/openmetrics-text", Format::OpenMetrics),
            (
                "Application/OpenMetrics-Text ; Version=\"1.0.0\" ; Q=0.1",
                Format::OpenMetrics,
            ),
            ("application/*", Format::OpenMetrics),
            ("text/*", Format::Text),
            // The higher quality wins; named and liked alike: OpenMetrics.
            (
                "application/openmetrics-text;q=0.5,text/plain;q=0.50",
                Format::OpenMetrics,
            ),
            (
                "application/openmetrics-text;q=0.5,*/*;q=0.501",
                Format::Text,
            ),
            ("application/*;q=0.5,*/*;q=0.5", Format::Text),
            // The more specific range says it: OpenMetrics is refused, or text is.
            ("application/openmetrics-text;q=0,*/*", Format::Text),
            ("*/*,text/plain;q=0", Format::OpenMetrics),
            ("application/openmetrics-text;q=0", Format::Text),
            // Nothing that is served: the last resort.
            ("application/json", Format::Text),
            ("text/plain;version=1.0.0", Format::Text),
            ("application/openmetrics-text;version=2.0.0", Format::Text),
            // Not a range, not a quality: that element alone is passed over.
            ("nonsense,application/openmetrics-text", Format::OpenMetrics),
            ("application/openmetrics-text;q=high", Format::Text),
            ("application/openmetrics-text;q=1.1", Format::Text),
            ("application/openmetrics-text;q=-1", Format::Text),
            ("application/openmetrics-text;q=0.0001", Format::Text),
            (";;;,,,=/=;q", Format::Text),
        ] {
            assert_eq!(Format::negotiate([accept]), format, "{accept}");
        }
    }

    #[test]
    fn several_headers_are_one_list() {
        let accept = ["text/plain;q=0.1", "application/openmetrics-text;q=0.2"];
        assert_eq!(Format::negotiate(accept), Format::OpenMetrics);
        assert_eq!(Format::negotiate(None), Format::Text);
    }
}
