//! Who asks, and what may be shown to them.

use crate::report::Audience;

/// What is known of whoever sent a request that was let in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Visitor {
    /// By the password of a user, or by a client certificate that was verified.
    pub authenticated: bool,
}

/// Who is shown user names, challenges, token hosts and requests.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ShowEvidence {
    /// Whoever has proven who they are.
    #[default]
    Auth,
    /// Whoever reaches the port.
    Always,
    /// Nobody.
    Never,
}

impl Visitor {
    /// Whom pages are made for.
    pub fn audience(self, show: ShowEvidence) -> Audience {
        match show {
            ShowEvidence::Always => Audience::Operator,
            ShowEvidence::Auth if self.authenticated => Audience::Operator,
            ShowEvidence::Auth | ShowEvidence::Never => Audience::Anybody,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn evidence_is_for_the_operator() {
        for (show, authenticated, audience) in [
            (ShowEvidence::Auth, false, Audience::Anybody),
            (ShowEvidence::Auth, true, Audience::Operator),
            (ShowEvidence::Always, false, Audience::Operator),
            (ShowEvidence::Always, true, Audience::Operator),
            (ShowEvidence::Never, false, Audience::Anybody),
            (ShowEvidence::Never, true, Audience::Anybody),
        ] {
            let visitor = Visitor { authenticated };
            assert_eq!(visitor.audience(show), audience, "{show:?} {visitor:?}");
        }
    }
}
