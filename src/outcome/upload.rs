//! How an upload session that a probe opened came to its end.

use crate::words::word;

/// The end of an upload session; the label `result` of `oci_registry_upload_sessions_total`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SessionEnd {
    /// The registry took the cancel, or no longer knew the session.
    Cancelled,
    /// The registry has no cancel; the session ends by its own clock.
    NotOffered,
    /// The credentials may open a session but not cancel it.
    Refused,
    /// Nobody said that it is gone: it may be left behind.
    Lost,
}

impl SessionEnd {
    /// Every end with its word.
    pub const ALL: [(Self, &'static str); 4] = [
        (Self::Cancelled, "cancelled"),
        (Self::NotOffered, "not_offered"),
        (Self::Refused, "refused"),
        (Self::Lost, "lost"),
    ];

    /// The word used as label and as evidence.
    pub fn as_str(self) -> &'static str {
        word(&Self::ALL, self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::value;

    #[test]
    fn words_and_values_are_one_to_one() {
        for (end, word) in SessionEnd::ALL {
            assert_eq!(end.as_str(), word);
            assert_eq!(value(&SessionEnd::ALL, word), Some(end));
        }
    }
}
