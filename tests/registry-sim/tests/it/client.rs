//! A small client: one request, one answer, nothing followed.

use std::sync::Arc;

use registry_sim::RegistrySim;
use reqwest::redirect::Policy;
use reqwest::{Client, RequestBuilder, Response};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};
use serde_json::Value;

/// The all-zero digest: of nothing that exists.
pub(crate) const ZERO: &str =
    "sha256:0000000000000000000000000000000000000000000000000000000000000000";

/// What a client that knows OCI says.
pub(crate) const ACCEPT: &str =
    "application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json";

/// A client that trusts the simulator's CA.
pub(crate) fn client(sim: &RegistrySim) -> Client {
    client_with(sim, false)
}

/// As [`client`], and shows the simulator's client certificate if asked to.
pub(crate) fn client_with(sim: &RegistrySim, certificate: bool) -> Client {
    let mut roots = RootCertStore::empty();
    if let Some(pem) = sim.ca_pem() {
        roots
            .add(CertificateDer::from_pem_slice(pem.as_bytes()).unwrap())
            .unwrap();
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    let mut config = match sim.client_identity().filter(|_| certificate) {
        Some(identity) => {
            let chain =
                CertificateDer::from_pem_slice(identity.certificate_pem.as_bytes()).unwrap();
            let key = PrivateKeyDer::from_pem_slice(identity.key_pem.as_bytes()).unwrap();
            config.with_client_auth_cert(vec![chain], key).unwrap()
        }
        None => config.with_no_client_auth(),
    };
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Client::builder()
        .tls_backend_preconfigured(config)
        .redirect(Policy::none())
        .no_proxy()
        .build()
        .unwrap()
}

/// `METHOD /path` on the simulator.
pub(crate) fn request(sim: &RegistrySim, line: &str) -> RequestBuilder {
    let (method, path) = line.split_once(' ').unwrap();
    client(sim)
        .request(method.parse().unwrap(), format!("{}{path}", sim.url()))
        .header("accept", ACCEPT)
}

/// Sends `METHOD /path`, as a user where one is given.
pub(crate) async fn send(sim: &RegistrySim, line: &str, user: Option<(&str, &str)>) -> Answer {
    let request = request(sim, line);
    let request = match user {
        Some((name, password)) => request.basic_auth(name, Some(password)),
        None => request,
    };
    Answer::read(request.send().await.unwrap()).await
}

/// Sends `METHOD /path` with a bearer token.
pub(crate) async fn send_bearer(sim: &RegistrySim, line: &str, token: &str) -> Answer {
    Answer::read(request(sim, line).bearer_auth(token).send().await.unwrap()).await
}

/// Asks the token endpoint.
pub(crate) async fn ask_token(
    sim: &RegistrySim,
    user: Option<(&str, &str)>,
    scopes: &[&str],
) -> Answer {
    let scopes = scopes.iter().map(|scope| ("scope", *scope));
    let url = reqwest::Url::parse_with_params(&sim.token_url(), scopes).unwrap();
    let request = client(sim).get(url);
    let request = match user {
        Some((name, password)) => request.basic_auth(name, Some(password)),
        None => request,
    };
    Answer::read(request.send().await.unwrap()).await
}

/// A token for these scopes.
pub(crate) async fn token(
    sim: &RegistrySim,
    user: Option<(&str, &str)>,
    scopes: &[&str],
) -> String {
    let answer = ask_token(sim, user, scopes).await;
    let json = answer.json();
    let word = ["token", "access_token"]
        .iter()
        .find_map(|field| json[field].as_str());
    word.unwrap_or_else(|| panic!("no token in {answer:?}"))
        .to_owned()
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: http::HeaderMap,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) async fn read(response: Response) -> Self {
        Self {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            body: response.text().await.unwrap(),
        }
    }

    /// A header's value, or nothing.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("not JSON: {self:?}"))
    }

    /// Status and `errors[0].code`.
    pub(crate) fn verdict(&self) -> (u16, String) {
        let json: Value = serde_json::from_str(&self.body).unwrap_or_default();
        (
            self.status,
            json["errors"][0]["code"]
                .as_str()
                .unwrap_or_default()
                .to_owned(),
        )
    }
}
