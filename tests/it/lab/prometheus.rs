//! Prometheus, with the questions that its HTTP API answers.

use std::{fs, net::SocketAddr, path::Path, process::Command};

use serde_json::{Value, json};
use url::Url;

use super::{
    http,
    process::{self, Program, Running, Setup},
};

/// A Prometheus that has scraped each of its targets at least once.
#[derive(Debug)]
pub(crate) struct Prometheus {
    running: Running,
}

/// The configuration of a Prometheus (JSON, which is YAML too).
#[derive(Debug)]
pub(crate) struct Config(pub(crate) Value);

impl Config {
    /// Scrapes `path` of `address` every second as `job`.
    pub(crate) fn scraping(job: &str, address: &str, path: &str) -> Self {
        Self(json!({
            "global": {"scrape_interval": "1s", "scrape_timeout": "1s"},
            "scrape_configs": [{
                "job_name": job,
                "metrics_path": path,
                "static_configs": [{"targets": [address]}],
            }],
        }))
    }

    /// The same with another job.
    pub(crate) fn and_scraping(mut self, job: &str, address: &str, path: &str) -> Self {
        let mut more = Self::scraping(job, address, path).0;
        let jobs = self.0["scrape_configs"].as_array_mut().expect("a list");
        jobs.push(more["scrape_configs"][0].take());
        self
    }

    fn targets(&self) -> usize {
        let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
        list(&self.0["scrape_configs"])
            .iter()
            .flat_map(|job| list(&job["static_configs"]))
            .map(|targets| list(&targets["targets"]).len())
            .sum()
    }
}

impl Setup for Config {
    const PROGRAM: Program = Program {
        name: "prometheus",
        brought_by: "Debian package prometheus",
    };

    fn configure(&self, command: &mut Command, dir: &Path, address: SocketAddr) {
        let file = dir.join("prometheus.yml");
        fs::write(&file, self.0.to_string()).expect("a file in the own directory");
        command
            .arg(format!("--config.file={}", file.display()))
            .arg(format!(
                "--storage.tsdb.path={}",
                dir.join("data").display()
            ))
            .arg("--storage.tsdb.retention.time=1h")
            .arg(format!("--web.listen-address={address}"));
    }

    /// Ready once every target was scraped, whatever came of it: `up` is stored together
    /// with what was scraped (a target's health is told a moment before).
    async fn ready(&self, url: &Url) -> bool {
        let path = url.join("-/ready").expect("a path");
        if http::get(&path).await.map(|answer| answer.status) != Ok(200) {
            return false;
        }
        let up = api(url, "query", &[("query", "up")]).await;
        up["result"]
            .as_array()
            .is_some_and(|all| all.len() == self.targets())
    }
}

impl Prometheus {
    /// Starts it; `None` when it is not installed, which was said.
    pub(crate) async fn start(config: &Config) -> Option<Self> {
        let running = process::start(config).await?;
        Some(Self { running })
    }

    /// The result of an instant query: the `result` array.
    pub(crate) async fn query(&self, expression: &str) -> Value {
        self.api("query", &[("query", expression)]).await["result"].take()
    }

    /// The whole answer of `/api/v1/` + `path`, whatever it says.
    pub(crate) async fn answer(&self, path: &str, parameters: &[(&str, &str)]) -> Value {
        answer(&self.running.url, path, parameters).await
    }

    /// The `data` of `/api/v1/` + `path`.
    pub(crate) async fn api(&self, path: &str, parameters: &[(&str, &str)]) -> Value {
        api(&self.running.url, path, parameters).await
    }
}

async fn api(base: &Url, path: &str, parameters: &[(&str, &str)]) -> Value {
    let mut json = answer(base, path, parameters).await;
    assert_eq!(json["status"], "success", "{path} {parameters:?}: {json}");
    json["data"].take()
}

async fn answer(base: &Url, path: &str, parameters: &[(&str, &str)]) -> Value {
    let mut url = base
        .join("api/v1/")
        .and_then(|url| url.join(path))
        .expect("a path");
    url.query_pairs_mut().extend_pairs(parameters);
    http::get(&url)
        .await
        .unwrap_or_else(|error| panic!("GET {url}: {error}"))
        .json()
}

mod tests {
    use super::*;

    #[tokio::test]
    async fn a_prometheus_shows_what_it_scrapes() {
        let Some(scraped) = Prometheus::start(&Config(json!({}))).await else {
            return;
        };
        let address = scraped.running.url.authority().to_owned();
        let config = Config::scraping("lab", &address, "/metrics");
        let Some(prometheus) = Prometheus::start(&config).await else {
            return;
        };
        let up = prometheus.query("up{job=\"lab\"}").await;
        assert_eq!(up[0]["metric"]["instance"], address.as_str(), "{up}");
        assert_eq!(up[0]["value"][1], "1", "{up}");
        let targets = prometheus.api("targets", &[("state", "active")]).await;
        assert_eq!(targets["activeTargets"][0]["health"], "up", "{targets}");
    }
}
