//! Takes out of an answer what proved who asked.
//!
//! Debugging proxies and some token servers repeat the `Authorization` that they
//! refuse, and the words of a refusal go into reports and logs.

use bytes::Bytes;
use http::HeaderValue;
use serde_json::Value;
use url::form_urlencoded;
use zeroize::Zeroizing;

use crate::exchange::{Authorization, Reply};

use super::request::credential;

/// Puts `***` in place of the credentials that a refusal repeats: as they were
/// sent in all headers and the body, and the password itself in the body; there
/// also as a form writes them, and however JSON escapes them (Go writes `&` as
/// `\u0026`). A shorter one than [`SHORTEST`] may be an everyday word and is left, and
/// so is every answer that is no refusal: none of its words is shown.
pub(super) fn silence(reply: &mut Reply, authorization: &Authorization) {
    if reply.status < 400 {
        return;
    }
    let sent = Zeroizing::new(credential(authorization));
    if sent.len() >= SHORTEST {
        for value in reply.headers.values_mut() {
            if let Some(silent) = without(value.as_bytes(), sent.as_bytes())
                && let Ok(silent) = HeaderValue::from_bytes(&silent)
            {
                *value = silent;
            }
        }
    }
    let mut hidden = vec![sent];
    if let Authorization::Basic { password, .. } = authorization {
        hidden.push(Zeroizing::new(password.expose().to_owned()));
    }
    let in_form = |secret: &Zeroizing<String>| {
        Zeroizing::new(form_urlencoded::byte_serialize(secret.as_bytes()).collect())
    };
    let in_forms: Vec<Zeroizing<String>> = hidden.iter().map(in_form).collect();
    hidden.extend(in_forms);
    hidden.retain(|secret| secret.len() >= SHORTEST);
    silence_body(reply, &hidden);
}

fn silence_body(reply: &mut Reply, hidden: &[Zeroizing<String>]) {
    for secret in hidden {
        if let Some(silent) = without(&reply.body, secret.as_bytes()) {
            reply.body = Bytes::from(silent);
        }
    }
    if reply.body.contains(&b'\\')
        && let Ok(mut json) = serde_json::from_slice(&reply.body)
        && silence_strings(&mut json, hidden)
    {
        reply.body = Bytes::from(json.to_string());
    }
}

/// Whether a string of a JSON document, read without its escapes, held one of these;
/// now none does. (The reader bounds its depth.)
fn silence_strings(json: &mut Value, hidden: &[Zeroizing<String>]) -> bool {
    match json {
        Value::String(text) => {
            let mut found = false;
            for secret in hidden.iter().filter(|secret| !secret.is_empty()) {
                if text.contains(secret.as_str()) {
                    *text = text.replace(secret.as_str(), "***");
                    found = true;
                }
            }
            found
        }
        Value::Array(list) => {
            let silenced = list.iter_mut().map(|json| silence_strings(json, hidden));
            silenced.filter(|found| *found).count() > 0
        }
        Value::Object(object) => {
            let silenced = object.values_mut();
            let silenced = silenced.map(|json| silence_strings(json, hidden));
            silenced.filter(|found| *found).count() > 0
        }
        _ => false,
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
        let form = basic("a&b<c d\"");
        for (authorization, said, silent) in [
            (&sesame, "bad QWxhZGRpbjpvcGVuIHNlc2FtZQ==!", "bad ***!"),
            (&sesame, "Aladdin:open sesame", "Aladdin:***"),
            (&sesame, "open sesameopen sesame", "******"),
            (&sesame, "open", "open"),
            (&sesame, "", ""),
            (&token, "invalid eyJ.long.token", "invalid ***"),
            (&basic("denied"), "denied", "denied"),
            (&basic(""), "denied", "denied"),
            (&form, "bad a%26b%3Cc+d%22!", "bad ***!"),
            (&form, "bad a&b<c d\"!", "bad ***!"),
        ] {
            let mut reply = reply(401, &[("www-authenticate", said)], said);
            silence(&mut reply, authorization);
            assert_eq!(reply.body, silent.as_bytes(), "{said}");
        }
    }

    /// How often it is there, and how it is written, is the server's choice.
    #[test]
    fn what_json_escapes_is_found_all_the_same() {
        let password = "a&b<c d\"\u{e9}";
        for (said, silent) in [
            (
                r#"{"errors":[{"message":"no \u0061\u0026b\u003cc d\"é, a\u0026b\u003cc d\"é"}]}"#,
                r#"{"errors":[{"message":"no ***, ***"}]}"#,
            ),
            (
                r#"{"error_description":["x",{"y":"a&b<c d\"\u00e9"}]}"#,
                r#"{"error_description":["x",{"y":"***"}]}"#,
            ),
            (r#"{"message":"a\\b"}"#, r#"{"message":"a\\b"}"#),
            (r#"{"message":"cut a\u0026b"#, r#"{"message":"cut a\u0026b"#),
        ] {
            let mut reply = reply(400, &[], said);
            silence(&mut reply, &basic(password));
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
