//! Takes out of an answer what proved who asked.
//!
//! Debugging proxies and some token servers repeat the `Authorization` that they
//! refuse, and the words of a refusal go into reports and logs.

use bytes::Bytes;
use http::HeaderValue;

use crate::exchange::{Authorization, Reply};

use super::request::credential;

/// Puts `***` in place of the credentials that a refusal repeats: as they were
/// sent in all headers and the body, and the password itself in the body. A
/// shorter one than [`SHORTEST`] may be an everyday word and is left, and so is
/// every answer that is no refusal: none of its words is shown.
pub(super) fn silence(reply: &mut Reply, authorization: &Authorization) {
    if reply.status < 400 {
        return;
    }
    let sent = credential(authorization);
    if sent.len() >= SHORTEST {
        silence_body(reply, &sent);
        for value in reply.headers.values_mut() {
            if let Some(silent) = without(value.as_bytes(), sent.as_bytes())
                && let Ok(silent) = HeaderValue::from_bytes(&silent)
            {
                *value = silent;
            }
        }
    }
    if let Authorization::Basic { password, .. } = authorization
        && password.expose().len() >= SHORTEST
    {
        silence_body(reply, password.expose());
    }
}

fn silence_body(reply: &mut Reply, secret: &str) {
    if let Some(silent) = without(&reply.body, secret.as_bytes()) {
        reply.body = Bytes::from(silent);
    }
}

/// The text without the secret; `None` where it does not hold it.
fn without(text: &[u8], secret: &[u8]) -> Option<Vec<u8>> {
    let at = |text: &[u8]| text.windows(secret.len()).position(|part| part == secret);
    let mut found = at(text)?;
    let mut rest = text;
    let mut silent = Vec::with_capacity(text.len());
    loop {
        silent.extend_from_slice(&rest[..found]);
        silent.extend_from_slice(b"***");
        rest = &rest[found + secret.len()..];
        match at(rest) {
            Some(next) => found = next,
            None => break,
        }
    }
    silent.extend_from_slice(rest);
    Some(silent)
}

/// Bytes of a secret that is looked for.
const SHORTEST: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{exchange::testing::reply, secret::Secret};

    fn basic(password: &str) -> Authorization {
        Authorization::Basic {
            username: "Aladdin".to_owned(),
            password: Secret::new(password),
        }
    }

    #[test]
    fn a_refusal_does_not_repeat_what_was_sent() {
        let sesame = basic("open sesame");
        let token = Authorization::Bearer(Secret::new("eyJ.long.token"));
        for (authorization, said, silent) in [
            (&sesame, "bad QWxhZGRpbjpvcGVuIHNlc2FtZQ==!", "bad ***!"),
            (&sesame, "Aladdin:open sesame", "Aladdin:***"),
            (&sesame, "open sesameopen sesame", "******"),
            (&sesame, "open", "open"),
            (&sesame, "", ""),
            (&token, "invalid eyJ.long.token", "invalid ***"),
            (&basic("denied"), "denied", "denied"),
            (&basic(""), "denied", "denied"),
        ] {
            let mut reply = reply(401, &[("www-authenticate", said)], said);
            silence(&mut reply, authorization);
            assert_eq!(reply.body, silent.as_bytes(), "{said}");
        }
    }

    #[test]
    fn a_challenge_keeps_its_words_and_loses_what_was_sent() {
        let said = "Basic realm=\"QWxhZGRpbjpyZWdpc3RyeQ==\",service=\"registry\"";
        let mut reply = reply(401, &[("www-authenticate", said)], "");
        silence(&mut reply, &basic("registry"));
        let shown = reply.header("www-authenticate");
        assert_eq!(shown, Some("Basic realm=\"***\",service=\"registry\""));
    }

    #[test]
    fn content_stays_as_it_is() {
        let mut reply = reply(200, &[], "eyJ.long.token");
        silence(
            &mut reply,
            &Authorization::Bearer(Secret::new("eyJ.long.token")),
        );
        assert_eq!(reply.body, "eyJ.long.token");
    }
}
