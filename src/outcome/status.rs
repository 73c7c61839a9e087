//! The six statuses, and the severity that a check is listed with.

use crate::words::word;

/// The answer of a check in one word.
///
/// `Pass < Info < Warn < Fail`; `Skip` (not asked) and `Unknown` (asked, but the
/// answer says nothing about the question) stand outside that order, so there is
/// no `Ord`: [`Status::worst`] compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Status {
    /// All is as it should be.
    Pass,
    /// Something a person may want to know.
    Info,
    /// Something a person should look at.
    Warn,
    /// The registry does not do what is asked of it.
    Fail,
    /// Not asked.
    Skip,
    /// Asked, and the answer says nothing about the question.
    Unknown,
}

impl Status {
    /// Every status with its word, in the order of labels and summaries.
    pub const ALL: [(Self, &'static str); 6] = [
        (Self::Pass, "pass"),
        (Self::Info, "info"),
        (Self::Warn, "warn"),
        (Self::Fail, "fail"),
        (Self::Skip, "skip"),
        (Self::Unknown, "unknown"),
    ];

    /// The word used in metrics and JSON.
    pub fn as_str(self) -> &'static str {
        word(&Self::ALL, self)
    }

    /// The number of `oci_registry_check_status_code`.
    pub fn code(self) -> i64 {
        match self {
            Self::Pass => 0,
            Self::Info => 1,
            Self::Warn => 2,
            Self::Fail => 3,
            Self::Skip => -1,
            Self::Unknown => -2,
        }
    }

    /// The worse of two, where skip and unknown never count as worse than anything.
    #[must_use]
    pub fn worst(self, other: Self) -> Self {
        if other.code() > self.code() {
            other
        } else {
            self
        }
    }
}

/// The worst finding that a check can have; static, and listed in the catalogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Severity {
    /// Nothing worse than a note.
    Info,
    /// At most a warning.
    Warn,
    /// May fail.
    Fail,
}

impl Severity {
    /// Every severity with its word.
    pub const ALL: [(Self, &'static str); 3] = [
        (Self::Info, "info"),
        (Self::Warn, "warn"),
        (Self::Fail, "fail"),
    ];

    /// The word used in JSON and the catalogue.
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
        for (status, word) in Status::ALL {
            assert_eq!(status.as_str(), word);
            assert_eq!(value(&Status::ALL, word), Some(status));
        }
        for (severity, word) in Severity::ALL {
            assert_eq!(severity.as_str(), word);
        }
    }

    #[test]
    fn skip_and_unknown_are_never_worse() {
        assert_eq!(Status::Pass.worst(Status::Unknown), Status::Pass);
        assert_eq!(Status::Pass.worst(Status::Skip), Status::Pass);
        assert_eq!(Status::Skip.worst(Status::Info), Status::Info);
        assert_eq!(Status::Warn.worst(Status::Fail), Status::Fail);
        assert_eq!(Status::Fail.worst(Status::Warn), Status::Fail);
    }
}
