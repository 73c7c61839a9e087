//! Flags of the daemon: when it reads its configuration again, and what its port allows.

use std::{path::PathBuf, time::Duration};

use clap::{Args, ValueEnum};

use super::super::{
    flags::OF_SERVE,
    values::{Shard, external_url, reload_interval, route_prefix},
};
use crate::server::ShowEvidence;

#[derive(Debug, Args)]
#[command(next_help_heading = OF_SERVE)]
pub(in crate::cli) struct DaemonFlags {
    /// Reload the configuration when its content changes
    ///
    /// The content is compared, not the time of the file: this also sees a
    /// `ConfigMap` mounted as a volume, whose files are links that are set anew.
    #[arg(long = "config.enable-auto-reload", global = true)]
    #[arg(
        env = "OCI_REGISTRY_EXPORTER_CONFIG_ENABLE_AUTO_RELOAD",
        hide_env_values = true
    )]
    pub(in crate::cli) auto_reload: bool,
    /// How often to look for other content
    #[arg(
        long = "config.auto-reload-interval",
        value_name = "DURATION",
        global = true
    )]
    #[arg(default_value = "30s", value_parser = reload_interval)]
    #[arg(
        env = "OCI_REGISTRY_EXPORTER_CONFIG_AUTO_RELOAD_INTERVAL",
        hide_env_values = true
    )]
    pub(in crate::cli) auto_reload_interval: Duration,
    /// Allow `POST /-/reload`
    ///
    /// Whoever reaches the port may then make the daemon read its configuration
    /// again. SIGHUP always does.
    #[arg(long = "web.enable-lifecycle", global = true)]
    #[arg(
        env = "OCI_REGISTRY_EXPORTER_WEB_ENABLE_LIFECYCLE",
        hide_env_values = true
    )]
    pub(in crate::cli) enable_lifecycle: bool,
    /// Serve on the sockets that systemd hands over, in place of --web.listen-address
    #[arg(long = "web.systemd-socket", global = true)]
    #[arg(
        env = "OCI_REGISTRY_EXPORTER_WEB_SYSTEMD_SOCKET",
        hide_env_values = true
    )]
    pub(in crate::cli) systemd_socket: bool,
    /// Ask only the I-th of N parts of the registries, such as `0/3`
    ///
    /// A registry falls into the same part whatever the others are: by a stable
    /// hash of its name. Parts count from 0, as the pods of a `StatefulSet` do.
    #[arg(long = "shard", value_name = "I/N", global = true)]
    #[arg(env = "OCI_REGISTRY_EXPORTER_SHARD", hide_env_values = true)]
    pub(in crate::cli) shard: Option<Shard>,
    /// URL under which people reach this exporter, such as through a proxy; the
    /// links of its service discovery are made of it
    #[arg(long = "web.external-url", value_name = "URL", global = true)]
    #[arg(value_parser = external_url)]
    #[arg(env = "OCI_REGISTRY_EXPORTER_WEB_EXTERNAL_URL", hide_env_values = true)]
    pub(in crate::cli) external_url: Option<url::Url>,
    /// Path in front of every route [default: the path of --web.external-url]
    #[arg(long = "web.route-prefix", value_name = "PATH", global = true)]
    #[arg(value_parser = route_prefix)]
    #[arg(env = "OCI_REGISTRY_EXPORTER_WEB_ROUTE_PREFIX", hide_env_values = true)]
    pub(in crate::cli) route_prefix: Option<String>,
    /// TLS, users, headers and rate limit of the own port, in the format of
    /// Prometheus' exporter-toolkit [default: plain HTTP for anybody]
    #[arg(
        id = WEB_CONFIG_FILE,
        long = "web.config.file",
        value_name = "FILE",
        global = true
    )]
    #[arg(env = "OCI_REGISTRY_EXPORTER_WEB_CONFIG_FILE", hide_env_values = true)]
    pub(in crate::cli) web_config_file: Option<PathBuf>,
    /// Who is shown user names, challenges, token hosts and requests: whoever has
    /// logged in, anybody, nobody
    #[arg(long = "web.show-evidence", value_name = "WHEN", global = true)]
    #[arg(default_value = "auth")]
    #[arg(
        env = "OCI_REGISTRY_EXPORTER_WEB_SHOW_EVIDENCE",
        hide_env_values = true
    )]
    pub(in crate::cli) show_evidence: Evidence,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum Evidence {
    Auth,
    Always,
    Never,
}

impl From<Evidence> for ShowEvidence {
    fn from(evidence: Evidence) -> Self {
        match evidence {
            Evidence::Auth => Self::Auth,
            Evidence::Always => Self::Always,
            Evidence::Never => Self::Never,
        }
    }
}

impl DaemonFlags {
    /// What stands in front of every route: empty, or a path without a slash at its end.
    pub(in crate::cli) fn prefix(&self) -> String {
        let path = match (&self.route_prefix, &self.external_url) {
            (Some(prefix), _) => prefix.as_str(),
            (None, Some(url)) => url.path(),
            (None, None) => "",
        };
        path.trim_end_matches('/').to_owned()
    }
}

/// The flag that `config check` reads too.
pub(in crate::cli) const WEB_CONFIG_FILE: &str = "web_config_file";
