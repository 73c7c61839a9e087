//! An error of the HTTP client and what lies beneath it.

use std::{error::Error, io};

/// An error and its causes. An [`io::Error`] made of another error hides that
/// one from `source`, so it is asked for what it holds.
pub(super) struct Chain<'a>(Option<&'a (dyn Error + 'static)>);

impl<'a> Chain<'a> {
    pub(super) fn of(error: &'a (dyn Error + 'static)) -> Self {
        Self(Some(error))
    }
}

impl<'a> Iterator for Chain<'a> {
    type Item = &'a (dyn Error + 'static);

    fn next(&mut self) -> Option<Self::Item> {
        let this = self.0?;
        let held = as_io(this).and_then(io::Error::get_ref);
        self.0 = match held {
            Some(held) => Some(held),
            None => this.source(),
        };
        Some(this)
    }
}

/// The last cause.
pub(super) fn leaf(error: &(dyn Error + 'static)) -> String {
    Chain::of(error)
        .last()
        .map(ToString::to_string)
        .unwrap_or_default()
}

/// The other side ended the connection.
pub(super) fn broken(error: &(dyn Error + 'static)) -> bool {
    Chain::of(error).any(|cause| {
        as_io(cause).is_some_and(is_broken) || BROKEN.contains(&cause.to_string().as_str())
    })
}

/// `EMFILE` and `ENFILE`, alike on Linux, macOS and the BSDs; the standard
/// library has no kind for them.
pub(super) fn out_of_files(error: &(dyn Error + 'static)) -> bool {
    Chain::of(error)
        .filter_map(as_io)
        .any(|error| matches!(error.raw_os_error(), Some(23 | 24)))
}

fn as_io<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a io::Error> {
    error.downcast_ref::<io::Error>()
}

fn is_broken(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe
            | io::ErrorKind::NotConnected
            | io::ErrorKind::UnexpectedEof
    )
}

/// How the HTTP library says that a connection ended under a request. Its error
/// type belongs to the server's room; these are its words, held by a test for
/// each that a server can bring about.
const BROKEN: [&str; 3] = [
    "connection closed before message completed",
    "operation was canceled",
    "channel closed",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_inside_io_errors_are_found() {
        let inner = rustls::Error::HandshakeNotComplete;
        let twice = io::Error::other(io::Error::new(io::ErrorKind::InvalidData, inner));
        assert!(Chain::of(&twice).any(<dyn Error>::is::<rustls::Error>));
    }
}
