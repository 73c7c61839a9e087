//! Who may do what: challenges, refusals and the token endpoint.

use super::Refusal;

/// How callers are recognised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// Nobody is asked.
    None,
    /// `Authorization: Basic` on every request.
    Basic,
    /// `Authorization: Bearer` with a token of the token endpoint.
    Bearer,
}

/// Challenges and refusals.
#[derive(Clone, Copy, Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each one is a fact that is so or not"
)]
pub struct Auth {
    /// Used when users are configured and the builder names no scheme.
    pub scheme: Scheme,
    /// Asks for credentials even when no users are configured.
    pub always: bool,
    /// Realm of a Basic challenge.
    pub basic_realm: &'static str,
    /// `service` of a Basic challenge.
    pub basic_service: Option<&'static str>,
    /// `service` of a Bearer challenge.
    pub service: Service,
    /// A `scope` in the challenge of `/v2/`.
    pub ping_scope: Option<&'static str>,
    /// The `scope` of every challenge, whatever is asked for.
    pub fixed_scope: Option<&'static str>,
    /// A second challenge, in a header of its own.
    pub second_challenge: Option<&'static str>,
    /// What a token gets that is not good, instead of a 401 with a challenge.
    pub bad_token: Option<Refusal>,
    /// A challenge on the 200 of `/v2/`.
    pub ping_200: PingChallenge,
    /// `/v2/` is 200 without credentials where anonymous rights exist.
    pub ping_open_to_anonymous: bool,
    /// `/v2/` is 401 to a token that was given to nobody.
    pub ping_refuses_anonymous_token: bool,
    /// Anonymous rights count without a token.
    pub anonymous_without_token: bool,
    /// `/v2/` takes Basic although the scheme is Bearer.
    pub basic_on_ping: bool,
    /// The challenge to an `Authorization` that failed, instead of the usual.
    pub failed_challenge: Option<&'static str>,
    /// The scope of a challenge lacks the first segment of the repository, and
    /// a token for that scope counts (Artifactory's repository key).
    pub scope_drops_first_segment: bool,
    /// The challenge of the referrers route, instead of the usual.
    pub referrers_challenge: Option<&'static str>,
    /// What a known caller without the right gets.
    pub denied: Denied,
    /// A 403 carries the challenge of a 401 too.
    pub challenge_on_403: bool,
    /// What an expired password gets; `None`: the same as a wrong one.
    pub expired: Option<Refusal>,
    /// After so many wrong passwords in a row, whatever a user sends with Basic gets
    /// this, also with the right one, until it is lifted by hand; `None`: never.
    pub suspends: Option<(u32, Refusal)>,
    /// Basic users have rights per repository (else every user may all).
    pub rights_with_basic: bool,
    /// The right that cancelling an upload needs.
    pub cancel_needs: Right,
    /// The right that deleting a manifest or blob needs.
    pub delete_needs: Right,
}

/// `service` of a Bearer challenge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// The registry's own host and port.
    Host,
    /// This word.
    Fixed(&'static str),
    /// No such parameter.
    Absent,
}

/// A challenge on a 200 of `/v2/`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PingChallenge {
    /// None, as usual.
    Absent,
    /// The same as on a 401.
    Same,
    /// Lower-case scheme and a realm without quotes (zot).
    LowerCaseUnquoted,
}

/// What a known caller without the right gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denied {
    /// 401 with `error="insufficient_scope"`.
    InsufficientScope,
    /// 401 as to anybody without credentials.
    Unauthorized,
    /// 401 that names repository and action (Harbor).
    UnauthorizedNamed,
    /// 403 DENIED with this message.
    Forbidden(&'static str),
}

/// What may be done to a repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Right {
    /// Read.
    Pull,
    /// Write.
    Push,
    /// Delete.
    Delete,
}

impl Right {
    /// The word in a scope.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pull => "pull",
            Self::Push => "push",
            Self::Delete => "delete",
        }
    }

    /// `pull,push` and the like; `*` is every right, other words are no right.
    pub fn parse_list(text: &str) -> Vec<Self> {
        text.split(',')
            .flat_map(|word| match word.trim() {
                "pull" => vec![Self::Pull],
                "push" => vec![Self::Push],
                "delete" => vec![Self::Delete],
                "*" => vec![Self::Pull, Self::Push, Self::Delete],
                _ => Vec::new(),
            })
            .collect()
    }
}

/// The token endpoint.
#[derive(Clone, Copy, Debug)]
pub struct TokenService {
    /// Path of the realm.
    pub path: &'static str,
    /// Whether clients can read the token.
    pub shape: TokenShape,
    /// Fields of the answer, out of `token`, `access_token`, `expires_in`,
    /// `issued_at`, `scope`.
    pub fields: &'static [&'static str],
    /// What a wrong password gets.
    pub wrong_password: WrongPassword,
    /// What an expired password gets; `None`: the same as a wrong one.
    pub expired_password: Option<Refusal>,
    /// What a caller without credentials gets.
    pub anonymous: AnonymousToken,
    /// What a known caller gets who may do nothing of what the scope asks;
    /// `None`: a token without those rights.
    pub nothing_granted: Option<Refusal>,
    /// The status of a POST; `None`: as GET (OAuth2 password grant).
    pub post: Option<u16>,
    /// A POST takes refresh tokens even where it refuses passwords.
    pub refresh_tokens: bool,
    /// The actions a scope may name; any other is 400. Empty: all.
    pub actions: &'static [&'static str],
    /// The token lists every right the caller has on the repository.
    pub grants_all_held: bool,
    /// What another `service` than the own gets.
    pub unknown_service: Option<u16>,
    /// Asking a push scope creates the repository.
    pub push_scope_creates: bool,
}

/// Whether clients can read the token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenShape {
    /// `header.payload.signature` with `access` and `exp`; not really signed.
    Jwt,
    /// A random word.
    Opaque,
}

/// What a wrong password gets from the token endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WrongPassword {
    /// This refusal.
    Refused(Refusal),
    /// This refusal, but with a scope an anonymous token and 200 (Harbor).
    AnonymousWhenScoped(Refusal),
}

/// What a caller without credentials gets from the token endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnonymousToken {
    /// Always a token, with what anonymous callers may do.
    Always,
    /// A token where the scope names something anonymous callers may do, else
    /// this refusal.
    WhenGranted(Refusal),
    /// A token where there is a scope, else this refusal.
    WhenScoped(Refusal),
}
