//! The environment variables that a configuration is made of.

use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
    fmt,
};

/// The environment variables that a configuration is made of: those that begin with `OCI__`.
#[derive(Clone, Default)]
pub struct Environment(BTreeMap<String, OsString>);

impl Environment {
    /// This process's.
    pub fn of_process() -> Self {
        std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value)))
            .collect()
    }

    /// Keys of the `OCI:` block and their values.
    pub(in crate::config) fn oci(&self) -> impl Iterator<Item = (&str, &OsStr)> {
        self.0
            .iter()
            .map(|(key, value)| (key.as_str(), value.as_os_str()))
    }

    /// Whether they are enough by themselves.
    pub(in crate::config) fn names_a_registry(&self) -> bool {
        self.0
            .get("RegistryUrl")
            .is_some_and(|value| !value.is_empty())
    }
}

impl<N: AsRef<str>, V: Into<OsString>> FromIterator<(N, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(variables: I) -> Self {
        let oci = |(name, value): (N, V)| {
            let key = name.as_ref().strip_prefix(PREFIX)?.to_owned();
            Some((key, value.into()))
        };
        Self(variables.into_iter().filter_map(oci).collect())
    }
}

/// Names only: a value may be a password.
impl fmt::Debug for Environment {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_set().entries(self.0.keys()).finish()
    }
}

const PREFIX: &str = "OCI__";
