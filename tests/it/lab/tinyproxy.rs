//! tinyproxy: a forward proxy as companies have one.

use std::{fmt::Write, fs, net::SocketAddr, path::Path, process::Command};

use super::{
    http::Login,
    process::{Program, Setup},
};

/// A tinyproxy that connects to whatever it is asked for.
#[derive(Debug, Default)]
pub(crate) struct Tinyproxy {
    /// Whom it lets in (Basic); everybody without.
    pub(crate) login: Option<Login>,
}

impl Setup for Tinyproxy {
    const PROGRAM: Program = Program {
        name: "tinyproxy",
        brought_by: "Debian package tinyproxy-bin",
    };

    fn configure(&self, command: &mut Command, dir: &Path, address: SocketAddr) {
        let mut config = format!(
            "Listen {}\nPort {}\nAllow 127.0.0.1\nMaxClients 50\nTimeout 60\nLogLevel Connect\n",
            address.ip(),
            address.port()
        );
        if let Some(login) = &self.login {
            writeln!(config, "BasicAuth {} {}", login.username, login.password).expect("a String");
        }
        let file = dir.join("tinyproxy.conf");
        fs::write(&file, config).expect("a file in the own directory");
        // In the foreground, so that its pid is all there is to end.
        command.arg("-d").arg("-c").arg(file);
    }
}
