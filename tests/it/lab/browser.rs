//! Chromium without a window, driven through its debugging protocol over a pipe: no
//! port, nothing that another process could reach.

use std::{collections::VecDeque, process::Stdio, time::Duration};

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    process::{Child, ChildStdin, ChildStdout, Command},
    time::timeout,
};

use super::process::{Program, find};

/// A browser with one open page; dropping it ends the process.
pub(crate) struct Browser {
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
    session: Option<String>,
    calls: u64,
    /// What it told unasked since the last page was opened.
    events: VecDeque<Value>,
    /// What it complained of since it started.
    complaints: Vec<String>,
    _child: Child,
    _profile: TempDir,
}

impl Browser {
    /// `None`: it is not installed, and it was said so.
    pub(crate) async fn start() -> Option<Self> {
        let program = find(CHROMIUM)?;
        let profile = TempDir::with_prefix("oci-registry-exporter-lab-").unwrap();
        // It speaks on the descriptors 3 and 4.
        let mut child = Command::new("sh")
            .args([
                "-c",
                "exec \"$0\" \"$@\" 3<&0 4>&1 </dev/null >/dev/null 2>&1",
            ])
            .arg(program)
            .args(FLAGS)
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .env("HOME", profile.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut browser = Self {
            stdin: child.stdin.take().unwrap(),
            stdout: BufReader::new(child.stdout.take().unwrap()),
            session: None,
            calls: 0,
            events: VecDeque::new(),
            complaints: Vec::new(),
            _child: child,
            _profile: profile,
        };
        let page = json!({"url": "about:blank"});
        let target = browser.call("Target.createTarget", page).await;
        let attach = json!({"targetId": target["targetId"], "flatten": true});
        let session = browser.call("Target.attachToTarget", attach).await;
        browser.session = session["sessionId"].as_str().map(str::to_owned);
        for domain in ["Page", "Log", "Runtime"] {
            browser.call(&format!("{domain}.enable"), json!({})).await;
        }
        Some(browser)
    }

    /// A window of this size (CSS pixels) in this light.
    pub(crate) async fn window(&mut self, width: u32, height: u32, dark: bool) {
        let metrics = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600});
        self.call("Emulation.setDeviceMetricsOverride", metrics)
            .await;
        let value = if dark { "dark" } else { "light" };
        let features = json!({"features": [{"name": "prefers-color-scheme", "value": value}]});
        self.call("Emulation.setEmulatedMedia", features).await;
    }

    /// Opens a page and waits until it is loaded.
    pub(crate) async fn open(&mut self, url: &str) {
        self.events.clear();
        let opened = self.call("Page.navigate", json!({"url": url})).await;
        assert_eq!(opened["errorText"], Value::Null, "{url}");
        self.loaded().await;
    }

    /// Does something that leads to another page, and waits until that is loaded.
    pub(crate) async fn follow(&mut self, script: &str) {
        self.events.clear();
        self.run(script).await;
        self.loaded().await;
    }

    /// The value of a script in the page; the page's policy does not bind it.
    pub(crate) async fn run(&mut self, script: &str) -> Value {
        let call = json!({"expression": script, "returnByValue": true});
        let ended = self.call("Runtime.evaluate", call).await;
        assert_eq!(ended["exceptionDetails"], Value::Null, "{script}");
        ended["result"]["value"].clone()
    }

    /// Presses a key.
    pub(crate) async fn press(&mut self, key: &str) {
        for kind in ["keyDown", "keyUp"] {
            let event = json!({"type": kind, "key": key, "code": key, "windowsVirtualKeyCode": 9});
            self.call("Input.dispatchKeyEvent", event).await;
        }
    }

    /// The roles that a screen reader finds, one for each element.
    pub(crate) async fn roles(&mut self) -> Vec<String> {
        let tree = self.call("Accessibility.getFullAXTree", json!({})).await;
        let nodes = tree["nodes"].as_array().unwrap().iter();
        nodes
            .filter_map(|node| node["role"]["value"].as_str())
            .map(str::to_owned)
            .collect()
    }

    /// What the console and the log of the browser hold, policy violations included.
    pub(crate) fn complaints(&self) -> &[String] {
        &self.complaints
    }

    async fn loaded(&mut self) {
        loop {
            let event = match self.events.pop_front() {
                Some(event) => event,
                None => self.message().await,
            };
            if event["method"] == "Page.loadEventFired" {
                return;
            }
        }
    }

    async fn call(&mut self, method: &str, params: Value) -> Value {
        self.calls += 1;
        let mut call = json!({"id": self.calls, "method": method, "params": params});
        if let Some(session) = &self.session {
            call["sessionId"] = json!(session);
        }
        let mut bytes = call.to_string().into_bytes();
        bytes.push(0);
        self.stdin.write_all(&bytes).await.unwrap();
        loop {
            let message = self.message().await;
            if message["id"] == self.calls {
                assert_eq!(message["error"], Value::Null, "{method}");
                return message["result"].clone();
            }
            self.events.push_back(message);
        }
    }

    /// The next message; a browser that hangs must not hang the tests.
    async fn message(&mut self) -> Value {
        let mut bytes = Vec::new();
        timeout(PATIENCE, self.stdout.read_until(0, &mut bytes))
            .await
            .expect("the browser says nothing")
            .unwrap();
        assert_eq!(bytes.pop(), Some(0), "the browser ended");
        let message: Value = serde_json::from_slice(&bytes).unwrap();
        let method = message["method"].as_str().unwrap_or_default();
        if [
            "Log.entryAdded",
            "Runtime.exceptionThrown",
            "Runtime.consoleAPICalled",
        ]
        .contains(&method)
        {
            self.complaints.push(message["params"].to_string());
        }
        message
    }
}

const CHROMIUM: Program = Program {
    name: "chromium",
    brought_by: "Debian package chromium",
};
const FLAGS: [&str; 6] = [
    "--headless",
    // Tests may run as root, where its sandbox cannot be had.
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--remote-debugging-pipe",
];
/// Two cores may be busy with compiling.
const PATIENCE: Duration = Duration::from_mins(1);
