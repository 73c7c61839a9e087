//! What stands beside the exporter: the blackbox exporter and nginx.

use std::{fmt::Write as _, fs, path::Path, process::Command};

use super::process::{Program, find, free_address};

/// The blackbox exporter with so many modules, as credentials of that many targets need.
pub(crate) fn blackbox(program: &Path, place: &Path, ca: &str, modules: usize) -> Program {
    let mut text = String::from("modules:\n");
    for number in 0..modules {
        let _ = write!(
            text,
            "  https-{number}:\n    prober: http\n    timeout: 5s\n    http:\n      preferred_ip_protocol: ip4\n      valid_status_codes: [200, 401]\n      basic_auth: {{username: robot-{number}, password: a-password}}\n      tls_config: {{ca_file: {ca}}}\n"
        );
    }
    // What the others are measured by has no login: its target is open.
    let _ = write!(
        text,
        "  open:\n    prober: http\n    timeout: 5s\n    http:\n      preferred_ip_protocol: ip4\n      valid_status_codes: [200, 401]\n      tls_config: {{ca_file: {ca}}}\n"
    );
    let file = place.join(format!("blackbox-{modules}.yml"));
    fs::write(&file, text).unwrap();
    let address = free_address();
    let mut command = Command::new(program);
    command.arg(format!("--config.file={}", file.display()));
    command.arg(format!("--web.listen-address={address}"));
    Program::start(&mut command, address, &place.join("blackbox.log"))
}

/// The paths of its probes of these registries.
pub(crate) fn probes(urls: &[String], module: impl Fn(usize) -> String) -> Vec<String> {
    let path = |(number, url): (usize, &String)| {
        format!("/probe?module={}&target={url}/v2/", module(number))
    };
    urls.iter().enumerate().map(path).collect()
}

/// nginx, serving the files of a directory.
pub(crate) fn nginx(place: &Path) -> Program {
    let address = free_address();
    let text = format!(
        "daemon off;\nuser root;\nworker_processes 1;\npid {place}/nginx.pid;\nerror_log {place}/nginx-error.log;\n\
         events {{ worker_connections 64; }}\n\
         http {{ access_log off; sendfile on; tcp_nopush on; tcp_nodelay on; gzip_static on; gzip_vary on;\n\
         default_type text/plain; keepalive_requests 1000000; client_body_temp_path {place}/body;\n\
         proxy_temp_path {place}/proxy; fastcgi_temp_path {place}/fastcgi; uwsgi_temp_path {place}/uwsgi;\n\
         scgi_temp_path {place}/scgi;\n\
         server {{ listen {address}; root {place}/pages; }} }}\n",
        place = place.display()
    );
    let file = place.join("nginx.conf");
    fs::write(&file, text).unwrap();
    let program = find("nginx").expect("nginx is installed");
    let mut command = Command::new(program);
    command.arg("-c").arg(&file).arg("-p").arg(place);
    Program::start(&mut command, address, &place.join("nginx.log"))
}
