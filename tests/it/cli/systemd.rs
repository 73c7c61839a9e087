//! The daemon under a service manager, and what a shell knows of it.

use std::{os::fd::OwnedFd, process::Stdio, time::Duration};

use registry_sim::Scheme;
use tokio::{net::UnixDatagram, time::timeout};

use super::{
    daemon::Daemon,
    run::{PASSWORD, Workplace, registry},
    sim,
};

/// What the daemon tells its service manager.
struct Manager(UnixDatagram);

impl Manager {
    async fn told(&self) -> String {
        let mut message = [0; 1024];
        let length = timeout(Duration::from_mins(1), self.0.recv(&mut message));
        let length = length.await.expect("nothing more is told").unwrap();
        String::from_utf8(message[..length].to_vec()).unwrap()
    }

    /// The next message that begins so.
    async fn heard(&self, begin: &str) -> String {
        loop {
            let message = self.told().await;
            if message.starts_with(begin) {
                return message;
            }
        }
    }
}

#[tokio::test]
async fn the_service_manager_is_told_of_every_turn() {
    let sim = sim(Scheme::None).await;
    let place = Workplace::new(&registry("production", &sim, PASSWORD));
    let manager = Manager(UnixDatagram::bind(place.path("notify")).unwrap());
    let mut command = place.command(&["--web.listen-address", "127.0.0.1:0"]);
    command
        .env("NOTIFY_SOCKET", place.path("notify"))
        .env("WATCHDOG_USEC", "200000");
    let mut daemon = Daemon::spawn(command).await;
    manager.heard("READY=1").await;
    for _ in 0..3 {
        manager.heard("WATCHDOG=1").await;
    }
    daemon.signal("HUP").await;
    let reloading = manager.heard("RELOADING=1").await;
    let (_, since) = reloading.split_once("MONOTONIC_USEC=").unwrap();
    assert!(since.trim().parse::<u64>().unwrap() > 0, "{reloading}");
    manager.heard("READY=1").await;

    // Also where the new configuration cannot be used: the unit must not hang.
    std::fs::write(place.path("oci-registry-exporter.yml"), "registries: {").unwrap();
    daemon.signal("HUP").await;
    manager.heard("RELOADING=1").await;
    manager.heard("READY=1").await;
    daemon.signal("TERM").await;
    manager.heard("STOPPING=1").await;
    let (code, log) = daemon.end().await;
    assert_eq!(code, Some(0), "{log}");
}

/// As containers' managers and older systemds name theirs.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_service_manager_s_socket_may_have_an_abstract_name() {
    use std::os::{linux::net::SocketAddrExt as _, unix::net};

    let sim = sim(Scheme::None).await;
    let place = Workplace::new(&registry("production", &sim, PASSWORD));
    // Nobody else has the name of this folder.
    let name = place.path("notify").display().to_string();
    let address = net::SocketAddr::from_abstract_name(&name).unwrap();
    let socket = net::UnixDatagram::bind_addr(&address).unwrap();
    socket.set_nonblocking(true).unwrap();
    let manager = Manager(UnixDatagram::from_std(socket).unwrap());
    let mut command = place.command(&["--web.listen-address", "127.0.0.1:0"]);
    command.env("NOTIFY_SOCKET", format!("@{name}"));
    let mut daemon = Daemon::spawn(command).await;
    manager.heard("READY=1").await;
    daemon.signal("HUP").await;
    let reloading = manager.heard("RELOADING=1").await;
    assert!(reloading.contains("\nMONOTONIC_USEC="), "{reloading}");
    daemon.signal("TERM").await;
    manager.heard("STOPPING=1").await;
    let (code, log) = daemon.end().await;
    assert_eq!(code, Some(0), "{log}");
    assert!(!log.contains("could not be told"), "{log}");
}

#[tokio::test]
async fn sockets_that_are_handed_over_are_served_on() {
    let sim = sim(Scheme::None).await;
    let place = Workplace::new(&registry("production", &sim, PASSWORD));
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    // A service manager starts the process itself, and so knows its number.
    let mut shell = tokio::process::Command::new("sh");
    shell
        .args([
            "-c",
            "exec 3<&0; LISTEN_FDS=1 LISTEN_PID=$$ exec \"$0\" \"$@\"",
        ])
        .arg(env!("CARGO_BIN_EXE_oci-registry-exporter"))
        .args([
            "--web.systemd-socket",
            "--web.listen-address",
            "127.0.0.1:1",
        ])
        .current_dir(place.path(""))
        .stdin(Stdio::from(OwnedFd::from(listener)))
        .kill_on_drop(true);
    let mut daemon = Daemon::spawn(shell).await;
    assert_eq!(daemon.address, address);
    assert!(daemon.get("/-/healthy").await.contains("200 OK"));
    daemon.signal("TERM").await;
    let (code, log) = daemon.end().await;
    assert_eq!(code, Some(0), "{log}");

    let ended = place.run(&["--web.systemd-socket"]).await;
    assert_eq!(ended.code, Some(1));
    let said = "the service manager handed over no socket";
    assert!(ended.stderr.contains(said), "{}", ended.stderr);
}

#[tokio::test]
async fn shards_ask_every_registry_once() {
    let sim = sim(Scheme::None).await;
    let names: Vec<String> = (0..12).map(|number| format!("registry-{number}")).collect();
    let rows: String = names
        .iter()
        .map(|name| registry(name, &sim, PASSWORD).replace("registries:\n", ""))
        .collect();
    let place = Workplace::new(&format!("registries:\n{rows}"));
    let mut asked = Vec::new();
    for shard in ["0/3", "1/3", "2/3"] {
        let mut daemon = Daemon::start(&place, &["--shard", shard]).await;
        let page = daemon.get("/metrics").await;
        let infos = page
            .lines()
            .filter(|line| line.starts_with("oci_registry_info{"));
        let own: Vec<String> = infos
            .map(|line| line.split('"').nth(1).unwrap().to_owned())
            .collect();
        assert!(!own.is_empty() && own.len() < names.len(), "{own:?}");
        asked.extend(own);
        daemon.signal("TERM").await;
        daemon.end().await;
    }
    asked.sort();
    let mut names = names;
    names.sort();
    assert_eq!(asked, names);
}

#[tokio::test]
async fn shells_and_man_know_every_flag() {
    let place = Workplace::empty();
    let help = place.run(&["--help"]).await.stdout;
    let flags: Vec<&str> = help
        .lines()
        .filter(|line| line.trim_start().starts_with('-'))
        .filter_map(|line| line.split_whitespace().find(|word| word.starts_with("--")))
        .collect();
    assert!(flags.len() > 20, "{flags:?}");
    for arguments in [
        &["completions", "bash"][..],
        &["completions", "zsh"],
        &["completions", "fish"],
        &["completions", "powershell"],
        &["man"],
    ] {
        let ended = place.run(arguments).await;
        assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
        // As roff and fish write it.
        let text = ended.stdout.replace("\\-", "-").replace("-l ", "--");
        for flag in &flags {
            assert!(text.contains(flag), "{flag}: {arguments:?}");
        }
    }
    let ended = place.run(&["completions", "tcsh"]).await;
    assert_eq!(ended.code, Some(2));
    // A shell that is there reads its own without a complaint.
    let script = place.run(&["completions", "bash"]).await.stdout;
    let mut bash = tokio::process::Command::new("bash");
    let read = bash.args(["-n", "-c", &script]).output().await.unwrap();
    assert!(read.status.success(), "{read:?}");
}

#[tokio::test]
async fn probes_log_at_a_level_of_their_own() {
    let sim = sim(Scheme::None).await;
    let place = Workplace::new(&registry("production", &sim, PASSWORD));
    for (flags, answered, listening) in [
        (&["--log.level", "info"][..], false, true),
        (
            &["--log.level", "info", "--log.prober", "debug"],
            true,
            true,
        ),
        (
            &["--log.level", "debug", "--log.prober", "error"],
            false,
            true,
        ),
    ] {
        let mut daemon = Daemon::start(&place, flags).await;
        daemon
            .page("/metrics", r#"oci_registry_up{registry="production"} 1"#)
            .await;
        daemon.signal("TERM").await;
        let (_, log) = daemon.end().await;
        assert_eq!(log.contains("check answered"), answered, "{flags:?}: {log}");
        assert_eq!(log.contains("listening"), listening, "{flags:?}: {log}");
    }
}

#[tokio::test]
async fn open_files_are_raised_to_what_is_allowed_and_too_few_are_said() {
    let sim = sim(Scheme::None).await;
    let place = Workplace::new(&registry("production", &sim, PASSWORD));
    for (limits, open, warned) in [
        ("ulimit -S -n 64", "4096", false),
        ("ulimit -n 128", "128", true),
    ] {
        let mut shell = tokio::process::Command::new("sh");
        shell
            .arg("-c")
            .arg(format!("ulimit -n 4096; {limits}; exec \"$0\" \"$@\""))
            .arg(env!("CARGO_BIN_EXE_oci-registry-exporter"))
            .args(["--web.listen-address", "127.0.0.1:0"])
            .current_dir(place.path(""))
            .kill_on_drop(true);
        let mut daemon = Daemon::spawn(shell).await;
        let page = daemon.get("/metrics").await;
        assert!(
            page.contains(&format!("process_max_fds {open}\n")),
            "{page}"
        );
        daemon.signal("TERM").await;
        let (_, log) = daemon.end().await;
        assert_eq!(log.contains("few files may be open"), warned, "{log}");
    }
}
