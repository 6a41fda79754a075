//! Configuration: a TOML file, then `SIGNLOOP_SECTION__KEY` from the environment.
//!
//! What was written is read strictly (an unknown key is an error) and checked as a whole, so that
//! every problem is told at once and the rest of the program never asks whether something is set.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;

use crate::pipeline::worker::Raw;
use crate::source::kafka::{KafkaSettings, Start};

/// Where the page and the metrics are served when nothing else is said.
pub const DEFAULT_LISTEN: &str = "127.0.0.1:8077";

/// A checked configuration.
#[derive(Debug, Clone)]
pub struct Config {
    /// Folder of the lake.
    pub lake: PathBuf,
    /// Longest time between two commits.
    pub flush_interval: Duration,
    /// Which records are kept whole.
    pub raw: Raw,
    /// What to read; `None` when the file has no `[kafka]`.
    pub kafka: Option<KafkaSettings>,
    /// Where metrics and health are served.
    pub listen: SocketAddr,
}

/// What can be wrong: one sentence a problem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problems(pub Vec<String>);

impl std::fmt::Display for Problems {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.write_str(&self.0.join("; "))
    }
}

/// As written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawConfig {
    lake: RawLake,
    kafka: Option<RawKafka>,
    http: RawHttp,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawLake {
    path: Option<PathBuf>,
    flush_seconds: Option<u64>,
    raw: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawKafka {
    brokers: Option<String>,
    topic: Option<String>,
    group: Option<String>,
    start: Option<String>,
    options: std::collections::BTreeMap<String, String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawHttp {
    listen: Option<String>,
}

/// Reads and checks a configuration file. `environment` are the variables of the process.
///
/// # Errors
/// Every problem found, each as a sentence with the key and what to do.
pub fn load(
    path: &Path,
    environment: impl Iterator<Item = (String, String)>,
) -> Result<Config, Problems> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        Problems(vec![format!(
            "cannot read the configuration {}: {error}; name one with --config",
            path.display()
        )])
    })?;
    parse(&text, environment).map_err(|problems| {
        Problems(
            problems
                .0
                .into_iter()
                .map(|problem| format!("{}: {problem}", path.display()))
                .collect(),
        )
    })
}

fn parse(
    text: &str,
    environment: impl Iterator<Item = (String, String)>,
) -> Result<Config, Problems> {
    let mut table: toml::Table =
        toml::from_str(text).map_err(|error| Problems(vec![one_line(&error)]))?;
    for (name, value) in environment {
        if let Some((section, key)) = name
            .strip_prefix("SIGNLOOP_")
            .and_then(|rest| rest.split_once("__"))
        {
            set(
                &mut table,
                &section.to_lowercase(),
                &key.to_lowercase(),
                &value,
            );
        }
    }
    let raw: RawConfig = table
        .try_into()
        .map_err(|error| Problems(vec![one_line(&error)]))?;
    check(raw)
}

/// Sets a value of the environment: `SIGNLOOP_KAFKA__OPTIONS__SASL_PASSWORD` is `sasl.password`.
fn set(table: &mut toml::Table, section: &str, key: &str, value: &str) {
    let number = value.parse::<i64>().ok().filter(|_| key == "flush_seconds");
    let value = number.map_or_else(
        || toml::Value::String(value.to_owned()),
        toml::Value::Integer,
    );
    let (section, key) = match key.strip_prefix("options__") {
        Some(option) => (vec![section, "options"], option.replace('_', ".")),
        None => (vec![section], key.to_owned()),
    };
    let mut place = table;
    for name in section {
        let inner = place
            .entry(name)
            .or_insert_with(|| toml::Value::Table(toml::Table::new()));
        match inner {
            toml::Value::Table(inner) => place = inner,
            // Not a section in the file: the check of the whole will say so.
            _ => return,
        }
    }
    place.insert(key, value);
}

fn one_line(error: &toml::de::Error) -> String {
    let mut text = String::new();
    for line in error
        .to_string()
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
    {
        // The library draws the place below the message; its first and last lines say it all.
        if !line.starts_with('|') && !line.starts_with(|first: char| first.is_ascii_digit()) {
            let _ = write!(text, "{}{line}", if text.is_empty() { "" } else { ": " });
        }
    }
    text
}

fn check(raw: RawConfig) -> Result<Config, Problems> {
    let mut problems = Vec::new();
    let mut note = |problem: &str| problems.push(problem.to_owned());

    let flush = raw.lake.flush_seconds.unwrap_or(30);
    if !(1..=3600).contains(&flush) {
        note("lake.flush_seconds must be from 1 to 3600");
    }
    let keep = raw.lake.raw.as_deref().unwrap_or("failures").parse();
    let keep = keep.unwrap_or_else(|problem| {
        note(&format!("lake.raw {problem}"));
        Raw::Failures
    });
    let listen = raw.http.listen.as_deref().unwrap_or(DEFAULT_LISTEN);
    let address = listen.parse::<SocketAddr>();
    match address {
        Err(_) => note("http.listen must be an address and a port, such as 127.0.0.1:8077"),
        Ok(address) if !address.ip().is_loopback() => note(
            "http.listen must be a loopback address: nothing there is encrypted or asks for a password",
        ),
        Ok(_) => {}
    }
    let kafka = raw.kafka.map(|kafka| check_kafka(kafka, &mut note));
    let lake = raw
        .lake
        .path
        .unwrap_or_else(|| PathBuf::from("signloop.lake"));
    match address {
        Ok(listen) if problems.is_empty() => Ok(Config {
            lake,
            flush_interval: Duration::from_secs(flush),
            raw: keep,
            kafka,
            listen,
        }),
        _ => Err(Problems(problems)),
    }
}

fn check_kafka(raw: RawKafka, note: &mut impl FnMut(&str)) -> KafkaSettings {
    let brokers = raw.brokers.unwrap_or_default();
    let topic = raw.topic.unwrap_or_default();
    if brokers.is_empty() {
        note("kafka.brokers is missing: host:port of the broker or the Event Hubs namespace");
    }
    if topic.is_empty() {
        note("kafka.topic is missing: the topic or event hub to read");
    }
    let start = match raw.start.as_deref().unwrap_or("earliest") {
        "earliest" => Start::Earliest,
        "latest" => Start::Latest,
        _ => {
            note("kafka.start must be earliest or latest");
            Start::Earliest
        }
    };
    let group = raw.group.unwrap_or_else(|| "signloop".to_owned());
    KafkaSettings {
        brokers,
        topic,
        group,
        start,
        options: raw.options.into_iter().collect(),
        once: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(text: &str) -> String {
        parse(text, std::iter::empty()).map_or_else(
            |problems| problems.to_string(),
            |config| format!("{config:?}"),
        )
    }

    #[test]
    fn the_environment_overrides_the_file() {
        let environment = [
            ("SIGNLOOP_LAKE__FLUSH_SECONDS".to_owned(), "7".to_owned()),
            ("PATH".to_owned(), "x".to_owned()),
        ];
        let config = parse("[lake]\nflush_seconds = 5\n", environment.into_iter()).expect("valid");
        assert_eq!(config.flush_interval, Duration::from_secs(7));
        assert_eq!(config.lake, PathBuf::from("signloop.lake"));
    }

    #[test]
    fn the_environment_reaches_client_settings_and_keeps_texts_texts() {
        let environment = [
            ("SIGNLOOP_KAFKA__BROKERS", "b:1"),
            ("SIGNLOOP_KAFKA__TOPIC", "2024"),
            ("SIGNLOOP_KAFKA__OPTIONS__SASL_PASSWORD", "Endpoint=x"),
        ];
        let environment = environment.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let config = parse("", environment.into_iter()).expect("valid");
        let kafka = config.kafka.expect("a section");
        assert_eq!(kafka.topic, "2024");
        assert_eq!(
            kafka.options,
            [("sasl.password".to_owned(), "Endpoint=x".to_owned())]
        );
    }

    #[test]
    fn every_problem_is_told_at_once() {
        let text = problems(
            "[lake]\nflush_seconds = 0\nraw = \"some\"\n[kafka]\nstart = \"now\"\n[http]\nlisten = \"0.0.0.0:80\"\n",
        );
        for key in [
            "lake.flush_seconds",
            "lake.raw",
            "kafka.brokers",
            "kafka.topic",
            "kafka.start",
            "http.listen",
        ] {
            assert!(text.contains(key), "{key} is missing in: {text}");
        }
    }

    #[test]
    fn an_unknown_key_is_named_with_those_there_are() {
        let text = problems("[lake]\npfad = \"x\"\n");
        assert!(
            text.contains("unknown field `pfad`") && text.contains("flush_seconds"),
            "{text}"
        );
    }

    #[test]
    fn broken_toml_says_where() {
        let text = problems("[lake\n");
        assert!(text.contains("line 1"), "{text}");
    }
}
