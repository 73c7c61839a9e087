//! What a helper prints.

use serde::{Deserialize, Deserializer};

use super::super::{
    CredentialsError, Server,
    judge::{self, refused},
};
use crate::secret::{Credentials, Secret};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    #[serde(default)]
    username: String,
    #[serde(default, deserialize_with = "secret")]
    secret: Option<Secret>,
}

/// Reads the credentials that a helper printed.
pub(super) fn read(
    output: &[u8],
    place: &str,
    server: &Server,
) -> Result<Credentials, CredentialsError> {
    // The parser takes a list for an object, and its own words would hold what it could not read.
    let object = output.trim_ascii_start().starts_with(b"{");
    let Some(Answer { username, secret }) = object
        .then(|| serde_json::from_slice(output).ok())
        .flatten()
    else {
        return refused(format!(
            "{place} printed something else than `{{\"Username\": ..., \"Secret\": ...}}`"
        ));
    };
    let Some(secret) = secret.filter(|secret| !secret.is_empty()) else {
        let asked = server.asked();
        let message = format!("{place} has no credentials for `{asked}`");
        return Err(CredentialsError::no_entry(message));
    };
    judge::secret(secret.expose(), &format!("the secret of {place}"))?;
    if username == IDENTITY_TOKEN {
        return Ok(Credentials::Identity {
            username: None,
            token: secret,
        });
    }
    judge::username(&username, &format!("the user name of {place}"))?;
    Ok(Credentials::Basic {
        username,
        password: secret,
    })
}

fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Secret>, D::Error> {
    Ok(Option::<String>::deserialize(deserializer)?.map(Secret::new))
}

/// In place of a user name: the secret is an identity token (docker/cli,
/// `cli/config/credentials/native_store.go`).
const IDENTITY_TOKEN: &str = "<token>";
