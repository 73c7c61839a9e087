//! The next page of a list.

use http::header::LINK;
use url::Url;

use crate::exchange::Reply;

/// The address under `Link: <...>; rel="next"` (RFC 8288), resolved against the
/// address of the page itself. Whether it is of the same origin, the caller judges.
pub fn next_page(reply: &Reply, at: &Url) -> Option<Url> {
    let headers = reply.headers.get_all(LINK).into_iter();
    let target = headers
        .filter_map(|value| value.to_str().ok())
        .find_map(next_target)?;
    let url = at.join(target).ok()?;
    matches!(url.scheme(), "http" | "https").then_some(url)
}

/// The target of the first link of a header that has the relation `next`.
fn next_target(header: &str) -> Option<&str> {
    let mut rest = header;
    loop {
        let (_, link) = rest.split_once('<')?;
        let (target, params) = link.split_once('>')?;
        let end = unquoted(params, ',').unwrap_or(params.len());
        if is_next(&params[..end]) {
            return Some(target.trim());
        }
        rest = &params[end..];
    }
}

/// Whether `; a=b; rel="next"` names the relation; only the first `rel` counts.
fn is_next(mut params: &str) -> bool {
    while !params.is_empty() {
        let end = unquoted(params, ';').unwrap_or(params.len());
        let (param, rest) = params.split_at(end);
        if let Some((name, value)) = param.split_once('=')
            && name.trim().eq_ignore_ascii_case("rel")
        {
            let mut relations = value.trim().trim_matches('"').split_ascii_whitespace();
            return relations.any(|relation| relation.eq_ignore_ascii_case("next"));
        }
        params = rest.get(1..).unwrap_or_default();
    }
    false
}

/// Where a character first stands outside quotes.
fn unquoted(text: &str, wanted: char) -> Option<usize> {
    let mut quoted = false;
    text.char_indices().find_map(|(at, character)| {
        quoted ^= character == '"';
        (character == wanted && !quoted).then_some(at)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::exchange::testing::reply;

    fn next(headers: &[&str]) -> Option<String> {
        let headers: Vec<_> = headers.iter().map(|v| ("link", *v)).collect();
        let at = Url::parse("https://r/base/v2/a/referrers/x:a?n=1").unwrap();
        next_page(&reply(200, &headers, ""), &at).map(String::from)
    }

    #[test]
    fn next_page_is_found_and_resolved() {
        for (headers, wanted) in [
            (
                &[r#"</v2/a/referrers/x:a?last=b>; rel="next""#][..],
                Some("https://r/v2/a/referrers/x:a?last=b"),
            ),
            (
                &["<?last=b>; rel=next"],
                Some("https://r/base/v2/a/referrers/x:a?last=b"),
            ),
            (
                &[r#"<https://other/x>; title="a, b; rel=prev"; REL="prev Next""#],
                Some("https://other/x"),
            ),
            (
                &[r#"</p>; rel="prev", </n>;rel="next""#],
                Some("https://r/n"),
            ),
            (
                &[r#"</p>; rel="prev""#, r#"</n>; rel="next""#],
                Some("https://r/n"),
            ),
            (&["</a,b>; rel=next"], Some("https://r/a,b")),
            (&[r#"</a>; rel="prev"; rel="next""#], None),
            (&["</a>"], None),
            (&["</a; rel=next"], None),
            (&["javascript:alert(1); rel=next"], None),
            (&["<javascript:alert(1)>; rel=next"], None),
            (&["<http://[::1>; rel=next"], None),
            (&[""], None),
            (&[], None),
        ] {
            assert_eq!(next(headers).as_deref(), wanted, "{headers:?}");
        }
    }

    proptest! {
        #[test]
        fn no_header_is_too_wild_for_the_reader(text in r#"([<>;,="/ ]|rel|next|[ -~]){0,40}"#) {
            if let Some(url) = next(&[&text]) {
                prop_assert!(url.starts_with("http"));
            }
        }
    }
}
