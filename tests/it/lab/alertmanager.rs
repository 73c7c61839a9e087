//! Alertmanager, and the webhook that its receivers call.

use std::{fs, net::SocketAddr, path::Path, process::Command, time::Duration};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    sync::mpsc,
    time::{Instant, timeout_at},
};
use url::Url;

use super::{
    http,
    process::{self, Program, Running, Setup},
};

/// A running Alertmanager.
#[derive(Debug)]
pub(crate) struct Alertmanager {
    running: Running,
}

/// A configuration (JSON, which is YAML too).
#[derive(Debug)]
pub(crate) struct Config(Value);

/// What the receivers were told, in the order in which it came.
#[derive(Debug)]
pub(crate) struct Inbox {
    arriving: mpsc::UnboundedReceiver<Notice>,
    /// All so far.
    pub(crate) seen: Vec<Notice>,
}

/// One alert of one call.
#[derive(Debug, Clone)]
pub(crate) struct Notice {
    pub(crate) receiver: String,
    pub(crate) firing: bool,
    pub(crate) labels: Value,
    pub(crate) annotations: Value,
}

impl Config {
    /// A configuration for users with every time cut short, whose receivers call a
    /// webhook.
    pub(crate) fn hurried(text: &str, webhook: SocketAddr) -> Self {
        let mut config: Value = serde_yaml::from_str(text).expect("a configuration");
        hurry(&mut config["route"]);
        let receivers = config["receivers"].as_array_mut().expect("receivers");
        for receiver in receivers {
            let url = format!("http://{webhook}/");
            receiver["webhook_configs"] = json!([{"url": url, "max_alerts": 0}]);
        }
        Self(config)
    }
}

fn hurry(route: &mut Value) {
    for (key, time) in [
        ("group_wait", "1s"),
        ("group_interval", "1s"),
        ("repeat_interval", "1h"),
    ] {
        route[key] = time.into();
    }
    for route in route["routes"].as_array_mut().into_iter().flatten() {
        hurry(route);
    }
}

impl Setup for Config {
    const PROGRAM: Program = Program {
        name: "prometheus-alertmanager",
        brought_by: "Debian package prometheus-alertmanager",
    };

    fn configure(&self, command: &mut Command, dir: &Path, address: SocketAddr) {
        let file = dir.join("alertmanager.yml");
        fs::write(&file, self.0.to_string()).expect("a file in the own directory");
        command
            .arg(format!("--config.file={}", file.display()))
            .arg(format!("--storage.path={}", dir.join("data").display()))
            .arg("--cluster.listen-address=")
            .arg(format!("--web.listen-address={address}"));
    }

    async fn ready(&self, url: &Url) -> bool {
        let path = url.join("-/ready").expect("a path");
        http::get(&path).await.map(|answer| answer.status) == Ok(200)
    }
}

impl Alertmanager {
    /// Starts it; `None` when it is not installed, which was said.
    pub(crate) async fn start(config: &Config) -> Option<Self> {
        let running = process::start(config).await?;
        Some(Self { running })
    }

    /// `127.0.0.1:PORT`.
    pub(crate) fn address(&self) -> &str {
        self.running.url.authority()
    }
}

impl Inbox {
    /// Listens for calls.
    pub(crate) async fn open() -> (Self, SocketAddr) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("its address");
        let (tell, arriving) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(answer(stream, tell.clone()));
            }
        });
        let seen = Vec::new();
        (Self { arriving, seen }, address)
    }

    /// The first that is so, of those that came and those that come.
    ///
    /// # Panics
    /// When none does for a long time.
    pub(crate) async fn until(&mut self, wanted: impl Fn(&Notice) -> bool) -> Notice {
        if let Some(seen) = self.seen.iter().find(|it| wanted(it)) {
            return seen.clone();
        }
        let deadline = Instant::now() + PATIENCE;
        loop {
            let next = timeout_at(deadline, self.arriving.recv()).await;
            let Ok(Some(notice)) = next else {
                panic!("it never comes; what came: {:#?}", self.seen);
            };
            self.seen.push(notice.clone());
            if wanted(&notice) {
                return notice;
            }
        }
    }
}

impl Notice {
    pub(crate) fn alert(&self) -> &str {
        self.labels["alertname"].as_str().unwrap_or_default()
    }

    /// Whether it says this alert of this registry.
    pub(crate) fn is(&self, alert: &str, registry: &str) -> bool {
        self.alert() == alert && self.labels["registry"] == registry
    }
}

/// Reads calls and answers 200 until the connection ends.
async fn answer(stream: TcpStream, tell: mpsc::UnboundedSender<Notice>) {
    let mut stream = BufReader::new(stream);
    while let Some(body) = call(&mut stream).await {
        let call: Value = serde_json::from_slice(&body).expect("JSON of Alertmanager");
        for alert in call["alerts"].as_array().expect("alerts") {
            let notice = Notice {
                receiver: call["receiver"].as_str().expect("a receiver").to_owned(),
                firing: alert["status"] == "firing",
                labels: alert["labels"].clone(),
                annotations: alert["annotations"].clone(),
            };
            // A test that has ended reads no more.
            let _ = tell.send(notice);
        }
        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
        if stream.write_all(answer).await.is_err() {
            return;
        }
    }
}

/// The body of the next call.
async fn call(stream: &mut BufReader<TcpStream>) -> Option<Vec<u8>> {
    let mut length = 0;
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.ok()? == 0 {
            return None;
        }
        let line = line.trim_end().to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(said) = line.strip_prefix("content-length:") {
            length = said.trim().parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    Some(body)
}

/// How long two busy cores may need for what takes seconds.
pub(crate) const PATIENCE: Duration = Duration::from_mins(4);
