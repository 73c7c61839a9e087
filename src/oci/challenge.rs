//! The challenges of `WWW-Authenticate`.
//!
//! ```text
//! WWW-Authenticate = #challenge                                  RFC 9110, 11.6.1
//! challenge        = auth-scheme [ 1*SP ( token68 / #auth-param ) ]
//! auth-param       = token BWS "=" BWS ( token / quoted-string )
//! ```
//!
//! The reader takes more than that, because registries send more: unquoted URLs
//! and texts with spaces, missing commas, quotes that never close.

use std::fmt;

use http::header::WWW_AUTHENTICATE;

use crate::exchange::Reply;

/// One way that a registry offers to prove who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Challenge {
    scheme: Scheme,
    /// Names in lower case, each once (the first value counts).
    params: Vec<(String, String)>,
}

/// The scheme of a challenge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scheme {
    /// User name and password with every request (RFC 7617).
    Basic,
    /// A token from the realm (the distribution project's token specification).
    Bearer,
    /// Any other, as it was written.
    Other(String),
}

/// Every challenge of every `WWW-Authenticate` header of a reply, in order; what
/// cannot be read is left out, and a bound of 16 is kept.
pub fn challenges(reply: &Reply) -> Vec<Challenge> {
    let headers = reply.headers.get_all(WWW_AUTHENTICATE).into_iter();
    headers
        .flat_map(|value| parse(&String::from_utf8_lossy(value.as_bytes())))
        .take(MAX_CHALLENGES)
        .collect()
}

impl Challenge {
    /// A challenge that holds nothing yet.
    fn new(scheme: Scheme) -> Self {
        Self {
            scheme,
            params: Vec::new(),
        }
    }

    /// The scheme.
    pub fn scheme(&self) -> &Scheme {
        &self.scheme
    }

    /// The value of a parameter, its name in any case.
    pub fn param(&self, name: &str) -> Option<&str> {
        let mut params = self.params.iter();
        params
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// Bearer: where the token is; Basic: a name for people.
    pub fn realm(&self) -> Option<&str> {
        self.param("realm")
    }

    /// The service that the token is for; Google's registries name none.
    pub fn service(&self) -> Option<&str> {
        self.param("service")
    }

    /// The scope as written: a list with spaces, a placeholder, or nothing of use.
    pub fn scope(&self) -> Option<&str> {
        self.param("scope")
    }

    /// Why the token that was sent is not enough (RFC 6750, 3.1), such as `insufficient_scope`.
    pub fn error(&self) -> Option<&str> {
        self.param("error")
    }

    fn add(&mut self, name: &str, value: String) {
        if self.params.len() < MAX_PARAMS && self.param(name).is_none() {
            self.params.push((name.to_ascii_lowercase(), value));
        }
    }
}

/// As the RFC writes it, every value quoted.
impl fmt::Display for Challenge {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.scheme.as_str())?;
        for (index, (name, value)) in self.params.iter().enumerate() {
            let value = value.replace('\\', "\\\\").replace('"', "\\\"");
            let before = if index == 0 { " " } else { "," };
            write!(formatter, "{before}{name}=\"{value}\"")?;
        }
        Ok(())
    }
}

impl Scheme {
    /// The scheme's usual spelling.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Basic => "Basic",
            Self::Bearer => "Bearer",
            Self::Other(name) => name,
        }
    }

    fn of(word: &str) -> Self {
        if word.eq_ignore_ascii_case("basic") {
            Self::Basic
        } else if word.eq_ignore_ascii_case("bearer") {
            Self::Bearer
        } else {
            Self::Other(word.to_owned())
        }
    }
}

/// Reads the value of one header.
fn parse(text: &str) -> Vec<Challenge> {
    let mut found: Vec<Challenge> = Vec::new();
    let mut reader = Reader {
        rest: &text[..text.floor_char_boundary(MAX_HEADER)],
    };
    // What an unseparated word belongs to: the piece before it.
    let mut before = Before::Comma;
    while found.len() <= MAX_CHALLENGES {
        if reader.skip_separators() {
            before = Before::Comma;
        }
        let Some(piece) = reader.piece() else { break };
        before = match (piece, before, found.last_mut()) {
            (Piece::Param(name, value), _, Some(challenge)) => {
                challenge.add(name, value);
                Before::Quoted
            }
            (Piece::Bare(name, value), _, Some(challenge)) => {
                challenge.add(name, value.to_owned());
                Before::Bare
            }
            // `realm=Authorization Required`: the value goes on after the space.
            (Piece::Word(word), Before::Bare, Some(challenge)) if reader.at_end_of_piece() => {
                if let Some((_, value)) = challenge.params.last_mut() {
                    value.push(' ');
                    value.push_str(word);
                }
                Before::Bare
            }
            // `Negotiate YIIB6wYJ`: token68, of no use to a registry's client.
            (Piece::Word(_), Before::Scheme, _) if reader.at_end_of_piece() => Before::Quoted,
            (Piece::Word(word), ..) if word.bytes().all(is_token_byte) => {
                found.push(Challenge::new(Scheme::of(word)));
                Before::Scheme
            }
            _ => Before::Quoted,
        };
    }
    found
}

/// What stood before a piece, where no comma did.
#[derive(Clone, Copy)]
enum Before {
    Comma,
    Scheme,
    Quoted,
    Bare,
}

/// A run of characters that mean something together.
enum Piece<'a> {
    /// `name="value"`, unescaped.
    Param(&'a str, String),
    /// `name=value`.
    Bare(&'a str, &'a str),
    /// A word without a value: a scheme, token68, or the rest of an unquoted value.
    Word(&'a str),
    /// Characters that belong to nothing.
    Noise,
}

struct Reader<'a> {
    rest: &'a str,
}

impl<'a> Reader<'a> {
    /// Skips white space and commas; whether there was a comma.
    fn skip_separators(&mut self) -> bool {
        let skipped = self.take_while(|c| c == ',' || c.is_whitespace());
        skipped.contains(',')
    }

    /// Whether a comma or the end is next, white space aside.
    fn at_end_of_piece(&self) -> bool {
        matches!(self.rest.trim_start().chars().next(), None | Some(','))
    }

    fn piece(&mut self) -> Option<Piece<'a>> {
        let word = self.take_while(|c| !is_delimiter(c));
        if word.is_empty() {
            return match self.rest.chars().next()? {
                '"' => {
                    self.quoted();
                    Some(Piece::Noise)
                }
                other => {
                    self.rest = &self.rest[other.len_utf8()..];
                    Some(Piece::Noise)
                }
            };
        }
        let Some(value) = self.rest.trim_start().strip_prefix('=') else {
            return Some(Piece::Word(word));
        };
        if value.starts_with('=') {
            // `YII==`: the padding of token68.
            self.rest = value.trim_start_matches('=');
            return Some(Piece::Noise);
        }
        self.rest = value.trim_start();
        if self.rest.starts_with('"') {
            return Some(Piece::Param(word, self.quoted()));
        }
        let value = self.take_while(|c| c != ',' && !c.is_whitespace());
        Some(Piece::Bare(word, value))
    }

    /// A quoted string, its escapes resolved; one that never closes ends with the header.
    fn quoted(&mut self) -> String {
        let mut value = String::new();
        let mut characters = self.rest.char_indices().skip(1);
        while let Some((at, character)) = characters.next() {
            match character {
                '"' => {
                    self.rest = &self.rest[at + 1..];
                    return value;
                }
                '\\' => value.extend(characters.next().map(|(_, escaped)| escaped)),
                _ => value.push(character),
            }
        }
        self.rest = "";
        value
    }

    fn take_while(&mut self, wanted: impl Fn(char) -> bool) -> &'a str {
        let end = self.rest.find(|c| !wanted(c)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at(end);
        self.rest = rest;
        taken
    }
}

fn is_delimiter(character: char) -> bool {
    matches!(character, ',' | '=' | '"') || character.is_whitespace()
}

/// A character of a token (RFC 9110, 5.6.2).
fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// What is read of one header (bytes); a real one is a tenth of it.
const MAX_HEADER: usize = 8 * 1024;
const MAX_CHALLENGES: usize = 16;
const MAX_PARAMS: usize = 32;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::exchange::testing::reply;

    fn read(headers: &[&str]) -> Vec<String> {
        let headers: Vec<_> = headers.iter().map(|v| ("www-authenticate", *v)).collect();
        let found = challenges(&reply(401, &headers, ""));
        found.iter().map(ToString::to_string).collect()
    }

    #[test]
    #[expect(clippy::too_many_lines, reason = "a table, a row for every registry")]
    fn challenges_of_real_registries_are_read() {
        for (case, headers, challenges) in [
            (
                "distribution, token",
                &[
                    r#"Bearer realm="https://a/token",service="lab svc",scope="repository:lab/x:delete",error="insufficient_scope""#,
                ][..],
                &[
                    r#"Bearer realm="https://a/token",service="lab svc",scope="repository:lab/x:delete",error="insufficient_scope""#,
                ][..],
            ),
            (
                "distribution, mount: two scopes",
                &[
                    r#"Bearer realm="https://a/t",service="s",scope="repository:a:pull repository:b:pull,push""#,
                ],
                &[
                    r#"Bearer realm="https://a/t",service="s",scope="repository:a:pull repository:b:pull,push""#,
                ],
            ),
            (
                "zot: lower case, unquoted",
                &["bearer realm=https://zot.example.com/auth/token?a=b"],
                &[r#"Bearer realm="https://zot.example.com/auth/token?a=b""#],
            ),
            (
                "zot: unquoted with a space",
                &["basic realm=Authorization Required"],
                &[r#"Basic realm="Authorization Required""#],
            ),
            (
                "old Gitea: two headers, a bare Basic",
                &[
                    r#"Bearer realm="https://g/v2/token",service="container_registry",scope="*""#,
                    "Basic",
                ],
                &[
                    r#"Bearer realm="https://g/v2/token",service="container_registry",scope="*""#,
                    "Basic",
                ],
            ),
            (
                "two challenges in one header",
                &[r#"Bearer realm="https://a/t",service="s", Basic realm="a""#],
                &[
                    r#"Bearer realm="https://a/t",service="s""#,
                    r#"Basic realm="a""#,
                ],
            ),
            (
                "angos: an extra parameter",
                &[r#"Basic realm="Angos", charset="UTF-8""#],
                &[r#"Basic realm="Angos",charset="UTF-8""#],
            ),
            (
                "Google: no service",
                &[r#"Bearer realm="https://europe-docker.pkg.dev/v2/token""#],
                &[r#"Bearer realm="https://europe-docker.pkg.dev/v2/token""#],
            ),
            (
                "ECR: Basic with a service",
                &[
                    r#"Basic realm="https://1.dkr.ecr.eu-west-1.amazonaws.com/",service="ecr.amazonaws.com""#,
                ],
                &[
                    r#"Basic realm="https://1.dkr.ecr.eu-west-1.amazonaws.com/",service="ecr.amazonaws.com""#,
                ],
            ),
            ("Harbor before 2.8: empty", &[""], &[]),
        ] {
            assert_eq!(read(headers), challenges, "{case}");
        }
    }

    #[test]
    fn odd_and_broken_headers_keep_what_can_be_read() {
        for (header, challenges) in [
            (
                "Basic,Bearer,Negotiate",
                &["Basic", "Bearer", "Negotiate"][..],
            ),
            (
                "Negotiate YII=, Basic realm=x",
                &[r#"Negotiate yii="""#, r#"Basic realm="x""#],
            ),
            (
                "Negotiate YII==, Basic realm=x",
                &["Negotiate", r#"Basic realm="x""#],
            ),
            ("NTLM TlRM", &["NTLM"]),
            (
                r#"BEARER REALM="r" SERVICE="s""#,
                &[r#"Bearer realm="r",service="s""#],
            ),
            (
                r#"Basic realm = "r" , charset = utf-8"#,
                &[r#"Basic realm="r",charset="utf-8""#],
            ),
            (
                r#"Basic realm="r" Bearer realm="t""#,
                &[r#"Basic realm="r""#, r#"Bearer realm="t""#],
            ),
            (
                r"Basic realm=r Bearer realm=t",
                &[r#"Basic realm="r""#, r#"Bearer realm="t""#],
            ),
            (
                r#"Basic realm="a, b", x="\"q\\\"""#,
                &[r#"Basic realm="a, b",x="\"q\\\"""#],
            ),
            (
                r#"Basic realm="never closed, Bearer"#,
                &[r#"Basic realm="never closed, Bearer""#],
            ),
            (
                r#"Bearer scope=,realm="r""#,
                &[r#"Bearer scope="",realm="r""#],
            ),
            (
                r#"Bearer realm="one",realm="two""#,
                &[r#"Bearer realm="one""#],
            ),
            (r#"realm="https://a/t""#, &[]),
            (r#",,= "lost" ,Basic"#, &["Basic"]),
            ("===", &[]),
            ("(Basic)", &[]),
            ("\u{e9}\u{fc} realm=x", &[]),
        ] {
            let found = parse(header);
            let found: Vec<_> = found.iter().map(ToString::to_string).collect();
            assert_eq!(found, challenges, "{header}");
        }
    }

    #[test]
    fn a_header_that_is_not_text_is_read_as_far_as_it_is() {
        let mut answer = reply(401, &[], "");
        let value = http::HeaderValue::from_bytes(b"Basic realm=\"\xff\xfe\"").unwrap();
        answer.headers.insert(WWW_AUTHENTICATE, value);
        assert_eq!(*challenges(&answer)[0].scheme(), Scheme::Basic);
    }

    #[test]
    fn parameters_have_names_in_any_case() {
        let answer = reply(
            401,
            &[("www-authenticate", r#"bearer Realm="r",Error="e""#)],
            "",
        );
        let challenge = &challenges(&answer)[0];
        assert_eq!(challenge.param("REALM"), Some("r"));
        assert_eq!(
            (challenge.realm(), challenge.error()),
            (Some("r"), Some("e"))
        );
        assert_eq!((challenge.service(), challenge.scope()), (None, None));
    }

    #[test]
    fn a_flood_of_challenges_is_bounded() {
        let many = "Basic, ".repeat(1000);
        assert_eq!(read(&[many.as_str(), many.as_str()]).len(), MAX_CHALLENGES);
        let params: Vec<_> = (0..1000).map(|n| format!("p{n}=v")).collect();
        let header = format!("Bearer {}", params.join(","));
        let answer = reply(401, &[("www-authenticate", header.as_str())], "");
        assert_eq!(challenges(&answer)[0].params.len(), MAX_PARAMS);
    }

    prop_compose! {
        fn challenge()(
            scheme in prop_oneof![Just("Basic"), Just("Bearer"), Just("Digest"), Just("X-Y")],
            params in prop::collection::btree_map("[a-z][a-z0-9_-]{0,8}", "[ -~\u{e9}]{0,20}", 0..5),
        ) -> Challenge {
            Challenge { scheme: Scheme::of(scheme), params: params.into_iter().collect() }
        }
    }

    proptest! {
        #[test]
        fn what_is_printed_is_read_back(
            written in prop::collection::vec(challenge(), 0..5),
            between in prop_oneof![Just(","), Just(", "), Just(" , ")],
        ) {
            let header: Vec<_> = written.iter().map(ToString::to_string).collect();
            prop_assert_eq!(parse(&header.join(between)), written);
        }

        #[test]
        fn no_header_is_too_wild_for_the_reader(
            text in prop_oneof![".{0,120}", r#"(Basic|bearer|[ ,="\\]|realm|a|é){0,40}"#]
        ) {
            for challenge in parse(&text) {
                prop_assert!(challenge.scheme().as_str().bytes().all(is_token_byte));
                prop_assert!(!challenge.scheme().as_str().is_empty());
            }
        }
    }
}
