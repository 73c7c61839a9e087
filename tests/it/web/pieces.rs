//! A page of many pieces arrives whole, over whatever it is sent.

use oci_registry_exporter::{exposition::Coding, server::Options};

use super::{
    Fixed, Port,
    https::{Client, plain},
    tls_section,
};
use crate::{exposition::cache::large, lab::certificates::Authority};

#[tokio::test]
async fn a_page_of_many_pieces_arrives_whole() {
    let (metrics, text) = large(Coding::Identity);
    assert!(metrics.parts().count() > 200);
    assert!(text.len() > 1024 * 1024, "{}", text.len());
    let open = async |config: &str| {
        let pages = Fixed {
            metrics: metrics.clone(),
        };
        Port::with(Options::default(), pages, config).await
    };
    let port = open("").await;
    let answer = plain(port.address, "/metrics", None).await.unwrap();
    let length = text.len().to_string();
    assert_eq!(answer.header("content-length"), Some(length.as_str()));
    assert!(answer.text() == text);

    let authority = Authority::new("the port's CA");
    let pair = authority.server(&["localhost"]);
    let port = open(&tls_section(&pair.cert, &pair.key, &[])).await;
    for protocol in ["http/1.1", "h2"] {
        let client = Client::trusting(&authority.root()).offering(&[protocol]);
        let answer = client.get(port.address, "/metrics").await.unwrap();
        assert_eq!(answer.header("content-length"), Some(length.as_str()));
        assert!(answer.text() == text, "{protocol}");
    }
}
