//! gzip, for who asks for it.

use std::io;

use bytes::{Buf as _, Bytes};
use flate2::{Compression, write::GzEncoder};

use crate::exposition::{Coding, Page};

/// The coding of an answer to a request with these `Accept-Encoding` headers.
pub(super) fn wanted<'a>(values: impl IntoIterator<Item = &'a str>) -> Coding {
    if accepts_gzip(values) {
        Coding::Gzip
    } else {
        Coding::Identity
    }
}

/// Whether the `Accept-Encoding` headers allow gzip (RFC 9110 12.5.3). Without
/// one anything would be allowed; then nothing is compressed.
fn accepts_gzip<'a>(values: impl IntoIterator<Item = &'a str>) -> bool {
    let mut named = None;
    let mut any = false;
    for element in values.into_iter().flat_map(|value| value.split(',')) {
        let mut parts = element.split(';').map(str::trim);
        let coding = parts.next().unwrap_or_default();
        let wanted = parts.filter_map(quality).all(|quality| quality > 0.0);
        if coding.eq_ignore_ascii_case("gzip") || coding.eq_ignore_ascii_case("x-gzip") {
            named = Some(wanted);
        } else if coding == "*" {
            any = wanted;
        }
    }
    named.unwrap_or(any)
}

/// Compresses; metrics are so repetitive that the fastest level is good enough.
pub(super) fn gzip(page: Page) -> io::Result<Bytes> {
    let room = Vec::with_capacity(page.remaining() / 8);
    let mut encoder = GzEncoder::new(room, Compression::fast());
    io::copy(&mut page.reader(), &mut encoder)?;
    encoder.finish().map(Bytes::from)
}

fn quality(parameter: &str) -> Option<f32> {
    let (name, value) = parameter.split_once('=')?;
    if !name.trim().eq_ignore_ascii_case("q") {
        return None;
    }
    value.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use flate2::read::GzDecoder;

    use super::*;

    #[test]
    fn only_who_names_gzip_gets_it() {
        for (values, expected) in [
            (&[][..], false),
            (&[""], false),
            (&["gzip"], true),
            (&["GZIP"], true),
            (&["x-gzip"], true),
            (&["deflate, gzip;q=0.5"], true),
            (&["deflate", "gzip"], true),
            (&["gzip;q=0"], false),
            (&["gzip; Q=0.000"], false),
            (&["gzip;q=0, *"], false),
            (&["*;q=0.1"], true),
            (&["*;q=0"], false),
            (&["identity"], false),
            (&["br, zstd"], false),
            (&["gzipped"], false),
            (&["gzip;q=nonsense"], true),
        ] {
            assert_eq!(accepts_gzip(values.iter().copied()), expected, "{values:?}");
        }
    }

    #[test]
    fn what_is_compressed_comes_back() {
        let page = "oci_registry_up{registry=\"a\"} 1\n".repeat(1000);
        let small = gzip(page.clone().into()).unwrap();
        assert!(small.len() * 20 < page.len(), "{}", small.len());
        let mut back = String::new();
        GzDecoder::new(&small[..])
            .read_to_string(&mut back)
            .unwrap();
        assert_eq!(back, page);
    }
}
