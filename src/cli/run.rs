//! `signloop run`: the service.

use std::path::PathBuf;

use clap::Args;

use super::service::Service;
use super::{Exit, Failure};
use crate::config;
use crate::pipeline::Settings;
use crate::source::kafka::KafkaSource;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  signloop run -c signloop.toml
  SIGNLOOP_KAFKA__TOPIC=insights-logs-signinlogs signloop run -c signloop.toml")]
pub struct Options {
    /// Configuration file
    #[arg(short, long, value_name = "FILE")]
    config: PathBuf,
    /// Stop when everything that is in the topic now has been read
    #[arg(long)]
    once: bool,
}

pub fn run(options: &Options) -> Result<Exit, Failure> {
    let config = config::load(&options.config, std::env::vars()).map_err(Failure::invalid)?;
    let mut kafka = config.kafka.ok_or_else(|| {
        Failure::invalid(format!(
            "{}: there is no [kafka]: say what to read with brokers and topic",
            options.config.display()
        ))
    })?;
    kafka.once = options.once;
    let service = Service::new()?;
    service.stop_on_signal();
    let source = KafkaSource::connect(kafka.clone(), service.metrics.clone())?;
    let address = service.serve(config.listen)?;
    tracing::info!(topic = kafka.topic, lake = %config.lake.display(), metrics = %format!("http://{address}/metrics"), "reading");
    let settings = Settings {
        flush_interval: config.flush_interval,
        raw: config.raw,
        topic: kafka.topic,
        ..Settings::default()
    };
    let summary = service.run_kafka(&config.lake, source, settings)?;
    tracing::info!(
        records = summary.tally.records,
        commits = summary.commits,
        "stopped; everything read is in the lake"
    );
    Ok(Exit::Ok)
}
