//! A real Prometheus that scrapes one target every second, and promtool, its checker.

use std::fmt::Write;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use super::process::{self, EndedEarly, Guarded};
use super::{http, tools};

const START_LIMIT: Duration = Duration::from_secs(60);

pub struct Prometheus {
    /// Before the folder, so that the server has ended when that is removed.
    _server: Guarded,
    address: String,
    _folder: TempDir,
}

impl Prometheus {
    /// Scrapes `target` (`host:port`, path `/metrics`) as job `signloop` and evaluates the rules,
    /// both every second.
    pub fn start(target: &str, rule_files: &[PathBuf]) -> Prometheus {
        process::start_anew("Prometheus", || Prometheus::try_start(target, rule_files))
    }

    fn try_start(target: &str, rule_files: &[PathBuf]) -> Result<Prometheus, EndedEarly> {
        let folder = tempfile::tempdir().expect("there is a temporary folder");
        let config = config(target, rule_files);
        fs::write(folder.path().join("prometheus.yml"), config).expect("the folder is ours");
        let [port] = process::free_ports();
        let address = format!("127.0.0.1:{port}");
        let mut command = Command::new(tools::prometheus());
        command.args(["--config.file=prometheus.yml", "--storage.tsdb.path=data"]);
        command.args([
            "--log.level=warn",
            &format!("--web.listen-address={address}"),
        ]);
        let mut server = Guarded::start(&command, folder.path());
        server.until_ready(START_LIMIT, || {
            http::get(&address, "/-/ready").is_ok_and(|answer| answer.status == 200)
        })?;
        Ok(Prometheus {
            _server: server,
            address,
            _folder: folder,
        })
    }

    /// Where it listens, `host:port`.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The result of an instant query: a list of `{"metric": {…}, "value": [time, "number"]}` for a
    /// vector.
    pub fn query(&self, expression: &str) -> Value {
        let path = format!("/api/v1/query?query={}", http::encode(expression));
        self.data(&path)["result"].take()
    }

    /// The alerts that are pending or firing: a list of `{"labels": {…}, "state": "firing", …}`.
    pub fn alerts(&self) -> Value {
        self.data("/api/v1/alerts")["alerts"].take()
    }

    fn data(&self, path: &str) -> Value {
        let answer = http::get(&self.address, path)
            .unwrap_or_else(|error| panic!("Prometheus does not answer {path}: {error}"));
        let mut answer: Value = serde_json::from_str(&answer.body)
            .unwrap_or_else(|error| panic!("{path}: {error} in {}", answer.body));
        assert_eq!(answer["status"], "success", "{path}: {answer}");
        answer["data"].take()
    }
}

/// Runs promtool, for example with `["check", "rules", path]` or `["check", "metrics"]`.
pub fn promtool(arguments: &[&str], input: &[u8]) -> Output {
    process::run(Command::new(tools::promtool()).args(arguments), input)
}

fn config(target: &str, rule_files: &[PathBuf]) -> String {
    let mut config = String::from("global: {scrape_interval: 1s, evaluation_interval: 1s}\n");
    config.push_str("scrape_configs:\n  - job_name: signloop\n    static_configs:\n");
    writeln!(config, "      - targets: [{}]", Value::from(target)).expect("a string takes all");
    config.push_str("rule_files:\n");
    for file in rule_files {
        let file = fs::canonicalize(file).expect("the rule file exists");
        // A JSON string is a YAML string.
        writeln!(config, "  - {}", Value::from(file.to_string_lossy()))
            .expect("a string takes all");
    }
    config
}
