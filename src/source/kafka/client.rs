//! The Kafka client: its settings, and what it reports from within.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use rdkafka::client::ClientContext;
use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use rdkafka::consumer::ConsumerContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::statistics::Statistics;

use super::KafkaSettings;
use crate::metrics::{BrokerError, Metrics};

/// Takes what librdkafka reports while it is polled.
pub(super) struct Context {
    pub(super) metrics: Arc<Metrics>,
    pub(super) topic: String,
    /// Where each partition ends, as the last fetches said.
    pub(super) ends: Mutex<HashMap<i32, i64>>,
}

impl ClientContext for Context {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        match level {
            RDKafkaLogLevel::Emerg
            | RDKafkaLogLevel::Alert
            | RDKafkaLogLevel::Critical
            | RDKafkaLogLevel::Error => {
                tracing::debug!(facility, message, "librdkafka");
            }
            _ => tracing::trace!(facility, message, "librdkafka"),
        }
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.metrics.broker_error(kind(error.rdkafka_error_code()));
        tracing::warn!(%error, reason, "broker");
    }

    fn stats(&self, statistics: Statistics) {
        let Some(topic) = statistics.topics.get(&self.topic) else {
            return;
        };
        let mut ends = self.ends.lock().unwrap_or_else(PoisonError::into_inner);
        let known = topic
            .partitions
            .values()
            .filter(|partition| partition.hi_offset >= 0);
        ends.extend(known.map(|partition| (partition.partition, partition.hi_offset)));
    }
}

impl ConsumerContext for Context {}

/// The kind of a broker's error, of the closed list of the metrics.
pub(super) fn kind(code: Option<RDKafkaErrorCode>) -> BrokerError {
    use RDKafkaErrorCode as Code;
    match code {
        Some(
            Code::BrokerTransportFailure
            | Code::AllBrokersDown
            | Code::Resolve
            | Code::NetworkException,
        ) => BrokerError::Transport,
        Some(Code::OperationTimedOut | Code::RequestTimedOut | Code::MessageTimedOut) => {
            BrokerError::Timeout
        }
        Some(
            Code::Authentication | Code::SaslAuthenticationFailed | Code::TopicAuthorizationFailed,
        ) => BrokerError::Auth,
        Some(Code::UnknownTopic | Code::UnknownTopicOrPartition) => BrokerError::UnknownTopic,
        Some(Code::OffsetOutOfRange | Code::AutoOffsetReset) => BrokerError::OffsetOutOfRange,
        _ => BrokerError::Other,
    }
}

/// The client settings: ours, then those of the configuration, then those nothing works without.
#[must_use]
pub fn client_config(settings: &KafkaSettings) -> ClientConfig {
    let mut config = ClientConfig::new();
    let fixed = [
        ("enable.auto.commit", "false"),
        ("enable.auto.offset.store", "false"),
        ("auto.offset.reset", "error"),
    ];
    let defaults = [
        ("client.id", "signloop"),
        ("check.crcs", "true"),
        // Bounds memory: 16 MiB of messages fetched ahead, over all partitions.
        ("queued.max.messages.kbytes", "16384"),
        ("queued.min.messages", "10000"),
        // When that is full, the next fetch waits this long; the default of a second starves us.
        ("fetch.queue.backoff.ms", "20"),
        ("fetch.message.max.bytes", "1048576"),
        ("socket.keepalive.enable", "true"),
        ("connections.max.idle.ms", "180000"),
        ("metadata.max.age.ms", "180000"),
        ("topic.metadata.refresh.interval.ms", "60000"),
        ("reconnect.backoff.ms", "250"),
        // Feeds the lag.
        ("statistics.interval.ms", "1000"),
    ];
    config
        .set("bootstrap.servers", &settings.brokers)
        .set("group.id", &settings.group);
    defaults.iter().for_each(|(key, value)| {
        config.set(*key, *value);
    });
    settings.options.iter().for_each(|(key, value)| {
        config.set(key, value);
    });
    // Set last: without these three nothing is exactly once.
    fixed.iter().for_each(|(key, value)| {
        config.set(*key, *value);
    });
    config
}
