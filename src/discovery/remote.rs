//! One document at a server.

use std::{sync::Arc, time::Duration};

use http::{HeaderValue, Method, header::ACCEPT};

use super::{Look, Sight, files};
use crate::{
    config::{LARGEST_DOCUMENT, Remote, Whence},
    exchange::{Operation, Request},
    transport::{TlsPolicies, Transport, TransportOptions, user_agent},
};

/// Looks at files and servers.
#[derive(Debug, Default)]
pub struct Reader {
    policies: TlsPolicies,
}

impl Reader {
    /// Looks once at all that an item of `registry_files:` names.
    pub async fn look(&self, whence: &Whence) -> Look {
        match whence {
            Whence::Paths(paths) => {
                let paths = paths.clone();
                let looking = tokio::task::spawn_blocking(move || files::look(&paths));
                // After a panic, of which the log tells, nothing was seen.
                looking.await.unwrap_or_default()
            }
            Whence::Url(remote) => {
                let sight = match self.get(remote).await {
                    Ok(bytes) => Sight::Bytes(bytes.into()),
                    Err(why) => Sight::Unreadable(why),
                };
                Look {
                    found: [(Arc::from(remote.shown()), sight)].into(),
                    whole: true,
                }
            }
        }
    }

    /// Asks once, without credentials; a redirect is not followed, wherever it leads.
    async fn get(&self, remote: &Remote) -> Result<Vec<u8>, String> {
        let tls = self.policies.policy(&remote.tls);
        let options = TransportOptions {
            tls: tls.map_err(|error| error.to_string())?,
            host: remote.url.host_str().unwrap_or_default().to_owned(),
            proxy: remote.proxy.clone(),
            connect_timeout: CONNECT,
            resolve: std::collections::BTreeMap::new(),
            http2: true,
            user_agent: user_agent(None),
        };
        let transport = Transport::new(&options).map_err(|error| error.detail)?;
        // No registry is asked, so that nothing counts it.
        let mut request = Request::new(Operation::Ping, Method::GET, remote.url.clone());
        request.body_cap = LARGEST_DOCUMENT + 1;
        let accepted =
            HeaderValue::from_static("application/yaml, application/json, text/plain, */*");
        request.headers.insert(ACCEPT, accepted);
        let (answer, _) = transport.send(&request, WHOLE).await;
        let reply = answer.map_err(|error| error.detail)?;
        match reply.status {
            200 if reply.truncated && reply.body.len() <= LARGEST_DOCUMENT => {
                Err("the answer breaks off".to_owned())
            }
            200 => Ok(reply.body.to_vec()),
            status @ 300..=399 => Err(format!(
                "the server redirects ({status}), which is not followed: name the URL that it leads to"
            )),
            status => Err(format!("the server answers {status}")),
        }
    }
}

/// DNS, TCP and TLS together.
const CONNECT: Duration = Duration::from_secs(5);
/// All of it, up to the last byte.
const WHOLE: Duration = Duration::from_secs(10);
