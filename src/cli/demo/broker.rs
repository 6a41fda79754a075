//! A Kafka broker within this process: librdkafka's mock cluster.
//!
//! It keeps 5 MiB of message sets in each partition and drops older ones without a word, so whoever
//! produces must not run far ahead of the consumer; it has no TLS and forgets all at the end.

use rdkafka::mocking::MockCluster;
use rdkafka::producer::DefaultProducerContext;

use crate::cli::Failure;
use crate::source::kafka::{KafkaSettings, Start};

/// The topic.
pub(crate) const TOPIC: &str = "insights-logs-signinlogs";
/// Its partitions: a fetch gives one message set of each, so a few make it quick.
pub(crate) const PARTITIONS: i32 = 16;

/// A running broker; it ends with the value.
pub(crate) struct Broker {
    cluster: MockCluster<'static, DefaultProducerContext>,
}

impl Broker {
    /// Starts it on a free port and makes the topic.
    pub(crate) fn start() -> Result<Broker, Failure> {
        let failed = |error| {
            Failure::new(format!(
                "cannot start the embedded broker: {error}; please report this"
            ))
        };
        let cluster = MockCluster::new(1).map_err(failed)?;
        cluster.create_topic(TOPIC, PARTITIONS, 1).map_err(failed)?;
        Ok(Broker { cluster })
    }

    /// `host:port`.
    pub(crate) fn address(&self) -> String {
        self.cluster.bootstrap_servers()
    }

    /// What a consumer needs to read the topic.
    pub(crate) fn settings(&self) -> KafkaSettings {
        KafkaSettings {
            brokers: self.address(),
            topic: TOPIC.to_owned(),
            group: "signloop-demo".to_owned(),
            start: Start::Earliest,
            // A fetch that finds nothing waits this long even if something arrives.
            options: vec![("fetch.wait.max.ms".to_owned(), "10".to_owned())],
            once: false,
        }
    }
}
