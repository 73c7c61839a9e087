//! The log, on stderr and nowhere else.

use std::{
    fmt::{self, Debug, Write as _},
    io,
    panic::PanicHookInfo,
};

use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
    level_filters::LevelFilter,
};
use tracing_subscriber::{
    Layer,
    filter::Targets,
    fmt::{FmtContext, FormatEvent, FormatFields, format::Writer, writer::BoxMakeWriter},
    layer::SubscriberExt,
    registry::LookupSpan,
    util::SubscriberInitExt,
};

use super::{
    flags::{LogFormat, LogLevel},
    log_queue::Queue,
};
use crate::oci::is_format;

/// Starts logging, and makes a panic one line of it.
///
/// Packages below log from `warn` on whatever the level: what they say of a
/// connection at `debug` is nobody's promise to keep secrets out.
///
/// `prober`: of the rooms that a probe passes through. `queue`: where lines go that
/// must hold up nobody; `None`: straight to stderr.
pub(super) fn start(level: LogLevel, prober: LogLevel, format: LogFormat, queue: Option<Queue>) {
    let (level, prober) = (filter(level), filter(prober));
    let rooms = PROBER.map(|room| {
        (
            concat!(env!("CARGO_CRATE_NAME"), "::").to_owned() + room,
            prober,
        )
    });
    let filter = Targets::new()
        .with_default(level.min(LevelFilter::WARN))
        .with_target(env!("CARGO_CRATE_NAME"), level)
        .with_targets(rooms);
    let writer = queue.map_or_else(|| BoxMakeWriter::new(stderr), BoxMakeWriter::new);
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(writer)
        .with_ansi(false)
        .log_internal_errors(false);
    let lines = match format {
        LogFormat::Logfmt => lines.event_format(Logfmt).boxed(),
        LogFormat::Json => lines.json().flatten_event(true).with_target(false).boxed(),
    };
    // Fails where a log is set up already, as in a test.
    let _ = tracing_subscriber::registry()
        .with(lines.with_filter(filter))
        .try_init();
    std::panic::set_hook(Box::new(panicked));
}

/// Stderr, without a line of progress that would stand before the log's.
fn stderr() -> io::Stderr {
    super::check::clear_progress();
    io::stderr()
}

fn filter(level: LogLevel) -> LevelFilter {
    match level {
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Error => LevelFilter::ERROR,
    }
}

/// Where, and not what: a payload may quote the value that it stumbled over.
fn panicked(info: &PanicHookInfo<'_>) {
    let location = info
        .location()
        .map_or_else(|| "unknown".to_owned(), ToString::to_string);
    tracing::error!(location, "panic: this is a bug in oci-registry-exporter");
}

/// `time=… level=INFO msg="…" key=value`, as Prometheus and its exporters log.
struct Logfmt;

impl<S, N> FormatEvent<S, N> for Logfmt
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut line = Line::default();
        event.record(&mut line);
        let now = jiff::Timestamp::now();
        let level = event.metadata().level();
        let Line { message, fields } = line;
        writeln!(writer, "time={now:.3} level={level} msg={message}{fields}")
    }
}

/// The message and the fields of one event, ready to print.
#[derive(Default)]
struct Line {
    message: String,
    fields: String,
}

impl Line {
    fn push(&mut self, field: &Field, value: &str) {
        let value = quoted(value);
        if field.name() == "message" {
            self.message = value;
        } else {
            // Writing to a string does not fail.
            let _ = write!(self.fields, " {}={value}", field.name());
        }
    }
}

impl Visit for Line {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.push(field, value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.push(field, &format!("{value:?}"));
    }
}

/// A value as logfmt writes it: bare where that is clear, else as a JSON string.
/// What a registry said can neither end the line nor reach the terminal.
fn quoted(value: &str) -> String {
    let tame: String = value
        .chars()
        .map(|char| match char {
            '\u{7f}'..='\u{9f}' => char::REPLACEMENT_CHARACTER,
            char if is_format(char) => char::REPLACEMENT_CHARACTER,
            char => char,
        })
        .collect();
    let bare = |char: char| char > ' ' && !matches!(char, '"' | '=' | '\\');
    if !tame.is_empty() && tame.chars().all(bare) {
        return tame;
    }
    serde_json::Value::from(tame).to_string()
}

/// The rooms that a probe passes through, and the line of its result.
const PROBER: [&str; 8] = [
    "auth",
    "checks",
    "cli::daemon::status_log",
    "client",
    "credentials",
    "probe",
    "retry",
    "transport",
];

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[test]
    fn values_are_quoted_where_they_must_be() {
        for (value, expected) in [
            ("ghcr", "ghcr"),
            ("https://ghcr.io/v2/", "https://ghcr.io/v2/"),
            ("", r#""""#),
            ("two words", r#""two words""#),
            ("a=b", r#""a=b""#),
            (r#"say "hi""#, r#""say \"hi\"""#),
            (r"back\slash", r#""back\\slash""#),
            ("line\nlevel=ERROR", r#""line\nlevel=ERROR""#),
            ("\u{1b}[2J", r#""\u001b[2J""#),
            ("a\u{9b}b\u{202e}c", "a\u{fffd}b\u{fffd}c"),
            ("é", "é"),
        ] {
            assert_eq!(quoted(value), expected);
        }
    }

    #[test]
    fn a_line_has_time_level_message_and_fields_in_order() {
        let written = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&written);
        let lines = tracing_subscriber::fmt::layer()
            .with_writer(move || Shared(Arc::clone(&sink)))
            .event_format(Logfmt);
        let log = tracing_subscriber::registry().with(lines);
        tracing::subscriber::with_default(log, || {
            let error = io::Error::other("no\nluck");
            tracing::warn!(registry = "a b", count = 3, %error, "it {}", "failed");
        });
        let line = String::from_utf8(written.lock().unwrap().clone()).unwrap();
        let (time, rest) = line.split_once(' ').unwrap();
        assert!(time.starts_with("time=20") && time.ends_with('Z'), "{time}");
        assert_eq!(
            rest,
            "level=WARN msg=\"it failed\" registry=\"a b\" count=3 error=\"no\\nluck\"\n"
        );
    }

    struct Shared(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
}
