//! The login that `docker login` left for a registry, for who runs a command
//! without any configuration.

use std::{
    path::PathBuf,
    time::{Duration, SystemTime},
};

use tokio::time::timeout;

use super::{
    CredentialsError, Server, Trouble,
    docker_config::{self, Entry},
    helper,
    read::variable,
    secret_source::Lookup,
};

/// Docker's configuration file, where it, or the helper that it names, may have
/// credentials for this registry. `None` where it has none, or there is no such
/// file: then Docker too would be anonymous. What is wrong with the file, or with the
/// helper, is not said here: the check of the credentials says it. So it does of a helper
/// that has not answered within `limit`, and may have some.
pub async fn docker_login(server: &Server, limit: Duration) -> Option<PathBuf> {
    let path = place(&variable)?;
    let now = SystemTime::now();
    let none = |error: &CredentialsError| error.trouble == Trouble::NoEntry;
    let empty = match docker_config::read(&path, server, now) {
        Ok(Entry::Helper(name)) => timeout(limit, helper::ask(&name, server))
            .await
            .is_ok_and(|asked| asked.is_err_and(|it| none(&it))),
        Ok(Entry::Credentials(_)) => false,
        Err(error) => none(&error) || !path.exists(),
    };
    (!empty).then_some(path)
}

/// Where Docker looks for it: in `$DOCKER_CONFIG`, else in `$HOME/.docker`.
fn place(variable: Lookup<'_>) -> Option<PathBuf> {
    let set = |name| variable(name).filter(|value| !value.is_empty());
    let folder = match set("DOCKER_CONFIG") {
        Some(folder) => PathBuf::from(folder),
        None => PathBuf::from(set("HOME")?).join(".docker"),
    };
    Some(folder.join("config.json"))
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::*;

    #[test]
    fn docker_s_own_place_is_looked_at() {
        for (variables, expected) in [
            (&[][..], None),
            (&[("HOME", "/h")], Some("/h/.docker/config.json")),
            (&[("HOME", "")], None),
            (
                &[("DOCKER_CONFIG", "/d"), ("HOME", "/h")],
                Some("/d/config.json"),
            ),
            (
                &[("DOCKER_CONFIG", ""), ("HOME", "/h")],
                Some("/h/.docker/config.json"),
            ),
        ] {
            let variable = |name: &str| {
                let found = variables.iter().find(|(known, _)| *known == name);
                found.map(|(_, value)| OsString::from(value))
            };
            assert_eq!(
                place(&variable),
                expected.map(PathBuf::from),
                "{variables:?}"
            );
        }
    }
}
